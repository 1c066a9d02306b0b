//! Go's case folding, as far as it can make two spellings name the same field.
//!
//! Go's `encoding/json` (every engine) and gorilla/schema (Podman) match names by Unicode simple folding. All of
//! Docker's names are ASCII, and only two other characters fold into ASCII: `ſ` (U+017F) to `s` and the Kelvin sign
//! (U+212A) to `k`. So this is complete for telling whether a name can be taken for a known one. It must never be used
//! to *accept* a spelling: a folded match is a reason to refuse.

use std::cmp::Ordering;

/// Whether Go would take one name for the other.
#[must_use]
pub fn same(left: &str, right: &str) -> bool {
    left.chars().map(fold).eq(right.chars().map(fold))
}

/// An order in which names that Go would mix up stand beside each other.
#[must_use]
pub fn order(left: &str, right: &str) -> Ordering {
    left.chars().map(fold).cmp(right.chars().map(fold))
}

fn fold(character: char) -> char {
    match character {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_s_and_kelvin_sign_are_seen_through() {
        assert!(same("HostConfig", "Ho\u{17f}tConfig"));
        assert!(same("NetworkMode", "Networ\u{212a}Mode"));
        assert!(same("privileged", "PRIVILEGED"));
        assert_eq!(order("Ho\u{17f}t", "hOST"), Ordering::Equal);
    }

    #[test]
    fn different_names_stay_different() {
        assert!(!same("HostConfig", "HostConfigs"));
        assert!(!same("Binds", "Bind"));
        assert!(!same("É", "é"), "never equal to a Docker name, so left as it is");
    }
}
