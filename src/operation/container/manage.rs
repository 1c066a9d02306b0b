//! The queries of what changes a container's name and of what watches it.
//!
//! Must never decide anything: which arguments `ps` may get is the judge's business.

use serde::{Deserialize, Serialize};

/// `ContainerRename`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerRenameQuery {
    /// The new name.
    pub name: String,
}

/// `ContainerTop`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerTopQuery {
    /// **Host power**: arguments of `ps`, which the engine runs on the host; empty is `-ef`.
    pub ps_args: String,
}

/// `ContainerStats`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerStatsQuery {
    /// Stay and send a sample a second; the engine does so where nothing is said.
    pub stream: Option<bool>,
    /// One sample at once instead of two in a row, since API 1.41; only without `stream`.
    #[serde(rename = "one-shot")]
    pub one_shot: bool,
}
