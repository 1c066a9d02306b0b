//! Where each value comes from: a flag, a variable, a key of the configuration file, or the definition's default.
//!
//! Must never blame one for what another holds.

use std::collections::BTreeMap;
use std::fmt;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// A variable, by its name.
    Variable(String),
    /// The configuration file.
    File {
        /// Its path.
        path: String,
        /// The line of the key, from 1.
        line: usize,
        /// The column of the key, from 1.
        column: usize,
        /// The key, as `limits.header-bytes`.
        key: &'static str,
    },
    /// Nobody said anything.
    Default,
}

/// A value that a variable or the file gives to a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The flag without its dashes.
    pub flag: String,
    /// The value, as the flag takes it.
    pub value: String,
    /// Who says so.
    pub source: Source,
}

/// Which flags got their value from where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(BTreeMap<String, Source>);

impl Given {
    /// As a word of a command line.
    #[must_use]
    pub fn word(&self) -> String {
        format!("--{}={}", self.flag, self.value)
    }
}

impl Origins {
    /// Of the flags that the user wrote and those that were given by others.
    #[must_use]
    pub fn new<'a>(written: impl IntoIterator<Item = String>, given: impl IntoIterator<Item = &'a Given>) -> Self {
        let written = written.into_iter().map(|flag| (flag, Source::Flag));
        let given = given.into_iter().map(|given| (given.flag.clone(), given.source.clone()));
        Self(written.chain(given).collect())
    }

    /// Where a flag's value comes from.
    #[must_use]
    pub fn source(&self, flag: &str) -> Source {
        self.0.get(flag).cloned().unwrap_or(Source::Default)
    }

    /// What somebody wrote to set a flag: the variable or the key where it came from one, or else the flag.
    #[must_use]
    pub fn name(&self, flag: &str) -> String {
        match self.source(flag) {
            Source::Variable(variable) => format!("`{variable}`"),
            Source::File { path, line, column, key } => format!("{path}:{line}:{column}: `{key}`"),
            Source::Flag | Source::Default => format!("`--{flag}`"),
        }
    }

    /// The variable that set a flag.
    #[must_use]
    pub fn variable(&self, flag: &str) -> Option<&str> {
        match self.0.get(flag)? {
            Source::Variable(variable) => Some(variable),
            Source::Flag | Source::File { .. } | Source::Default => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(variable) => write!(f, "variable {variable}"),
            Self::File { path, line: _, column: _, key } => write!(f, "file {path}:{key}"),
            Self::Default => f.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_called_as_it_was_written() {
        let given = |flag: &str, source| Given { flag: flag.to_owned(), value: "x".to_owned(), source };
        let file = Source::File { path: "b.toml".to_owned(), line: 3, column: 1, key: "listener.policy" };
        let origins = Origins::new(
            ["name".to_owned()],
            &[given("listen", Source::Variable("BROKER_LISTEN".to_owned())), given("policy", file)],
        );
        assert_eq!(origins.name("name"), "`--name`");
        assert_eq!(origins.name("listen"), "`BROKER_LISTEN`");
        assert_eq!(origins.name("policy"), "b.toml:3:1: `listener.policy`");
        assert_eq!(origins.name("other"), "`--other`");
        let shown = ["name", "listen", "policy", "other"].map(|flag| origins.source(flag).to_string());
        assert_eq!(shown, ["flag", "variable BROKER_LISTEN", "file b.toml:listener.policy", "default"]);
    }
}
