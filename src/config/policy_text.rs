//! From the name of a policy to its text: shipped, or a file.
//!
//! Must never guess: a name that is neither is an error, and a shipped name never means a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::arguments::PolicyChanges;
use super::instance::fnv_1a;
use crate::policy::builtin::{BUILTIN_NAMES, builtin_text};
use crate::policy::check::{self, CheckReport};
use crate::policy::compile::{Origin, Policy};

/// The text of a policy and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// The name or path with which it was named.
    pub name: String,
    /// The text itself.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl PolicyText {
    /// Finds a policy by its shipped name or its path.
    ///
    /// # Errors
    /// When there is none, or the file cannot be read.
    pub fn find(name: &str) -> Result<Self, ConfigError> {
        if let Some(text) = builtin_text(name) {
            return Ok(Self { name: name.to_owned(), text: text.to_owned(), origin: Origin::BuiltIn });
        }
        let path = Path::new(name);
        match read(path) {
            Ok(text) => Ok(Self { name: name.to_owned(), text, origin: Origin::File(name.to_owned()) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(name)),
            Err(source) => Err(ConfigError::PolicyFile { path: PathBuf::from(path), source }),
        }
    }

    /// What `check` says about it.
    #[must_use]
    pub fn check(&self) -> CheckReport {
        check::check(&self.text, &self.name)
    }

    /// A short fingerprint of the text and of what changes it, in hexadecimal.
    #[must_use]
    pub fn version(&self, changes: &PolicyChanges) -> String {
        let Self { name: _, text, origin: _ } = self;
        let text = if *changes == PolicyChanges::default() { text.clone() } else { format!("{text}\n{changes:?}") };
        let mut version = format!("{:016x}", fnv_1a(text.as_bytes()));
        version.truncate(12);
        version
    }

    /// The policy itself.
    ///
    /// # Errors
    /// When the text has errors.
    pub fn load(&self) -> Result<Policy, ConfigError> {
        check::parse(&self.text, &self.name, self.origin.clone()).map_err(ConfigError::Policy)
    }
}

/// Reads a file of text that people wrote, within a bound.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it may have at most {LARGEST} bytes")));
    }
    Ok(text)
}

fn missing(name: &str) -> ConfigError {
    let distance = |other: &&&str| strsim::damerau_levenshtein(name, other);
    let nearest = BUILTIN_NAMES.iter().min_by_key(distance).filter(|other| distance(other) <= NEAR);
    let nearest = nearest.map_or_else(String::new, |nearest| format!("; the nearest built-in one is `{nearest}`"));
    ConfigError::NoPolicy { name: name.to_owned(), built_in: BUILTIN_NAMES.join(", "), nearest }
}

/// Most bytes of a policy file.
const LARGEST: u64 = 1024 * 1024;

/// How many letters may differ between a name and the one that was meant.
const NEAR: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn error(name: &str) -> ConfigError {
        PolicyText::find(name).expect_err("no such policy")
    }

    #[test]
    fn a_name_that_is_nothing_is_refused_with_what_may_have_been_meant() {
        assert_eq!(
            error("postgrs").to_string(),
            "there is no policy `postgrs`: it is neither built in (postgres, testcontainers, dry-run, compose-admin, \
             read-only, deny-all, unrestricted) nor a file; the nearest built-in one is `postgres`"
        );
        assert!(!error("/nowhere/agent.toml").to_string().contains("nearest"));
    }

    #[test]
    fn directories_and_what_is_no_text_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("binary.toml");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        for path in [directory.path(), &path] {
            assert!(matches!(error(path.to_str().unwrap()), ConfigError::PolicyFile { .. }));
        }
        let path = directory.path().join("large.toml");
        std::fs::write(&path, " ".repeat(1024 * 1024 + 1)).unwrap();
        assert!(matches!(error(path.to_str().unwrap()), ConfigError::PolicyFile { .. }));
    }

    #[test]
    fn a_shipped_name_and_a_path_are_both_found() {
        assert_eq!(PolicyText::find("deny-all").unwrap().origin, Origin::BuiltIn);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent.toml");
        std::fs::write(&path, "version = 1\nextends = \"postgres\"\n").unwrap();
        let name = path.to_str().unwrap();
        let policy = PolicyText::find(name).unwrap().load().unwrap();
        assert_eq!(policy.origin, Origin::File(name.to_owned()));
    }
}
