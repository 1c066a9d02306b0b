//! The version prefix of a path, `/v1.47`, and nothing that merely looks like one.
//!
//! Engines read `v1.041`, `v01.41` and `v1.41.` as 1.41, and Podman takes any `v` and digits; one spelling is enough.

use super::error::{RequestError, shorten};
use super::number::whole;
use std::fmt;

/// A version of the Engine API, such as 1.47. The range that is served is not judged here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    /// A version from its two numbers.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// The number before the dot.
    #[must_use]
    pub const fn major(self) -> u16 {
        self.major
    }

    /// The number after the dot.
    #[must_use]
    pub const fn minor(self) -> u16 {
        self.minor
    }

    /// Reads `1.47`, as engines write it in `Api-Version`: major 1, a minor of one to three digits without a leading
    /// zero. `None` for every other spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let minor = text.strip_prefix("1.")?;
        let plain = minor.len() <= 3 && minor.starts_with(|digit: char| digit.is_ascii_digit() && digit != '0');
        plain.then(|| whole(minor)).flatten().map(|minor| Self { major: 1, minor })
    }

    /// Reads a path segment (decoded): `Some` for `v1.47`, `None` for a segment that is no version at all.
    ///
    /// # Errors
    /// [`RequestError::Version`] for a segment that looks like a version, but is not spelled exactly so.
    pub(super) fn read(segment: &str) -> Result<Option<Self>, RequestError> {
        if !looks_like_version(segment) {
            return Ok(None);
        }
        match segment.strip_prefix('v').and_then(Self::parse) {
            Some(version) => Ok(Some(version)),
            None => Err(RequestError::Version { text: shorten(segment) }),
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// No route of the Docker API begins with a bare `v`, or with `v` and a digit or a dot.
fn looks_like_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix(['v', 'V']) else { return false };
    rest.is_empty() || rest.starts_with(|first: char| first.is_ascii_digit() || first == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_prefixes_are_refused() {
        for text in [
            "v",
            "V",
            "v1",
            "v1.",
            "v.41",
            "v01.41",
            "v1.041",
            "v1.41.0",
            "v1..41",
            "V1.41",
            "v4.0.0",
            "v1.41a",
            "v1.0",
            "v1.1234",
            "v2.41",
            "v1.+4",
            "v99",
            "v1.41/containers",
        ] {
            assert!(matches!(ApiVersion::read(text), Err(RequestError::Version { .. })), "{text}");
        }
    }

    #[test]
    fn routes_are_not_taken_for_versions() {
        for text in ["version", "volumes", "containers", "_ping", "vv1.41", "Volumes"] {
            assert_eq!(ApiVersion::read(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn versions_are_read_ordered_and_written() {
        assert_eq!(ApiVersion::read("v1.47"), Ok(Some(ApiVersion::new(1, 47))));
        assert_eq!(ApiVersion::read("v1.9"), Ok(Some(ApiVersion::new(1, 9))));
        assert!(ApiVersion::new(1, 9) < ApiVersion::new(1, 24));
        assert_eq!(ApiVersion::new(1, 47).to_string(), "1.47");
    }
}
