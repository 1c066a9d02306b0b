//! The words that point at an object of the engine.
//!
//! Must never resolve anything: a reference is what the client wrote; only a full ID is an identity.

use std::fmt;

/// A container's full ID: exactly 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId(String);

/// A container as a request names it: full ID, ID prefix or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRef(String);

/// An exec instance's ID: exactly 64 lower-case hexadecimal digits. The engine knows no prefixes here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExecId(String);

impl ContainerId {
    /// Reads a full ID; anything else is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_full_id(text).then(|| Self(text.to_owned()))
    }

    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ContainerRef {
    /// Takes what the client wrote.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full ID, when it is one.
    #[must_use]
    pub fn full_id(&self) -> Option<ContainerId> {
        ContainerId::parse(&self.0)
    }
}

impl From<&ContainerId> for ContainerRef {
    fn from(id: &ContainerId) -> Self {
        Self(id.0.clone())
    }
}

impl ExecId {
    /// Reads an exec ID; anything else names no exec instance.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_full_id(text).then(|| Self(text.to_owned()))
    }

    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for ContainerRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for ExecId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_full_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_lower_case_digits_are_an_identity() {
        let full = "0123456789abcdef".repeat(4);
        assert_eq!(ContainerId::parse(&full).unwrap().as_str(), full);
        let odd = [&full.replacen('0', "", 1), &full.to_uppercase(), &format!("{full}0"), &full.replace('a', "g")];
        for odd in odd.into_iter().map(String::as_str).chain(["", "abc"]) {
            assert_eq!(ContainerId::parse(odd), None, "{odd}");
            assert_eq!(ExecId::parse(odd), None, "{odd}");
        }
    }
}
