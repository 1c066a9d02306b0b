//! Brokers before brokers: at which depth a broker stands, and under which label keys it knows its own objects.
//!
//! A broker before an engine has depth 0 and writes `docker-broker.owner`. A broker whose engine is a broker of depth 0 has
//! depth 1 and writes `docker-broker.inner.owner`, and so on, so that each level's labels stand on an object side by side
//! and each level proves ownership by its own. A broker lets labels of deeper ones pass, which mean nothing to it, and no
//! others: its own, and those of the brokers behind it, stay on the floor. Must never read a label of another depth.

use std::collections::BTreeMap;
use std::fmt;

use super::ownership::{EXPIRES, IMAGE, OWNER, POLICY, PREFIX, SESSION, VERSION};

/// How many brokers stand between a broker and the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Depth(u8);

impl Depth {
    /// Brokers inside brokers go no deeper: nobody has a use for it, and label keys would grow without bound.
    pub const DEEPEST: Self = Self(8);

    /// The depth as another broker announces it; none where it is deeper than brokers go.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let depth = text.parse().ok()?;
        (depth <= Self::DEEPEST.0).then_some(Self(depth))
    }

    /// The depth of a broker whose engine is a broker of this one; none where brokers go no deeper.
    #[must_use]
    pub fn inside(self) -> Option<Self> {
        (self.0 < Self::DEEPEST.0).then(|| Self(self.0 + 1))
    }

    /// The key under which a broker of this depth writes a label of ours.
    #[must_use]
    pub fn key(self, key: &str) -> String {
        let name = key.strip_prefix(PREFIX).unwrap_or(key);
        format!("{PREFIX}{}{name}", INNER.repeat(usize::from(self.0)))
    }

    /// Labels as a broker of this depth reads them: its own under their plain keys, those of other brokers not at all.
    #[must_use]
    pub fn read(self, labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
        if self == Self::default() {
            return labels;
        }
        let own = self.key("");
        let seen = labels.into_iter().filter_map(|(key, value)| match key.strip_prefix(own.as_str()) {
            Some(name) => {
                KEYS.into_iter().find(|known| *known == format!("{PREFIX}{name}")).map(|key| (key.to_owned(), value))
            }
            None => (!key.starts_with(PREFIX)).then_some((key, value)),
        });
        seen.collect()
    }

    /// Whether a label is one that a broker inside a broker of this depth writes: one of its keys, and a value of the
    /// plain kind that it has.
    #[must_use]
    pub fn lets_pass(self, key: &str, value: &str) -> bool {
        let Some(rest) = key.strip_prefix(self.key(INNER).as_str()) else { return false };
        let name = rest.trim_start_matches(INNER);
        let deeper = (rest.len() - name.len()) / INNER.len() + 1;
        let is_known = KEYS.iter().any(|known| known.strip_prefix(PREFIX) == Some(name));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
        let is_plain = !value.is_empty() && value.len() <= LONGEST_VALUE && value.bytes().all(plain);
        is_known && is_plain && usize::from(self.0) + deeper <= usize::from(Self::DEEPEST.0)
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Stands before the name of a label once for each broker in between.
const INNER: &str = "inner.";

/// All keys of ours.
const KEYS: [&str; 6] = [OWNER, SESSION, EXPIRES, POLICY, VERSION, IMAGE];

/// Bytes.
const LONGEST_VALUE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(number: u8) -> Depth {
        Depth::parse(&number.to_string()).unwrap()
    }

    #[test]
    fn only_the_labels_of_deeper_brokers_pass() {
        for (at, key) in [
            (0, "docker-broker.owner"),
            (0, "docker-broker.inner."),
            (0, "docker-broker.inner.other"),
            (0, "docker-broker.Inner.owner"),
            (0, "docker-broker.inner.ownerx"),
            (0, "docker-broker.innerinner.owner"),
            (1, "docker-broker.owner"),
            (1, "docker-broker.inner.owner"),
            (2, "docker-broker.inner.inner.image"),
            (8, "docker-broker.inner.owner"),
        ] {
            assert!(!depth(at).lets_pass(key, "x"), "{at} {key}");
        }
        let too_deep = format!("docker-broker.{}owner", "inner.".repeat(9));
        assert!(!depth(0).lets_pass(&too_deep, "x"));
        for (at, key) in [
            (0, "docker-broker.inner.owner"),
            (0, "docker-broker.inner.inner.image"),
            (1, "docker-broker.inner.inner.expires"),
        ] {
            assert!(depth(at).lets_pass(key, "run-1/main"), "{at} {key}");
            for odd in ["", "a b", "a\n", "ä", &"x".repeat(257)] {
                assert!(!depth(at).lets_pass(key, odd), "{odd}");
            }
        }
    }

    #[test]
    fn what_one_depth_writes_no_other_reads() {
        let labels: BTreeMap<String, String> =
            (0..3).map(|at| (depth(at).key(OWNER), format!("b{at}/main"))).chain([("a".into(), "b".into())]).collect();
        assert_eq!(labels.len(), 4);
        for at in 0..3 {
            let read = depth(at).read(labels.clone());
            assert_eq!(read.get(OWNER), Some(&format!("b{at}/main")), "{at}");
            assert_eq!(read.get("a").map(String::as_str), Some("b"));
            assert!(at == 0 || read.len() == 2, "{read:?}");
        }
        assert_eq!(depth(3).read(labels).get(OWNER), None);
    }

    #[test]
    fn a_broker_can_be_only_so_deep() {
        assert_eq!(Depth::parse("8").and_then(Depth::inside), None);
        assert_eq!(Depth::default().inside(), Some(depth(1)));
        for odd in ["", "9", "-1", "x", "300"] {
            assert_eq!(Depth::parse(odd), None, "{odd}");
        }
    }
}
