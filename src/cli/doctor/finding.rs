//! What a check says.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// Looked at, and as it should be.
    Fine,
    /// Worth knowing.
    Note,
    /// Weakens the installation, or will surprise somebody.
    Doubtful,
    /// Does not work, or leads past the broker.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// What was found, in one line.
    pub(super) what: String,
    /// What to do about it; empty where there is nothing to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) advice: String,
}

impl Finding {
    pub(super) fn fine(what: impl Into<String>) -> Self {
        Self { severity: Severity::Fine, what: what.into(), advice: String::new() }
    }

    pub(super) fn note(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Note, what: what.into(), advice: advice.into() }
    }

    pub(super) fn doubtful(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Doubtful, what: what.into(), advice: advice.into() }
    }

    pub(super) fn wrong(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Wrong, what: what.into(), advice: advice.into() }
    }
}
