//! What the engine does with a container while and after it runs: logging and restarting.

use serde::{Deserialize, Serialize};

use super::neutral::{is_zero, null_is_zero};
use super::value::StringMap;

/// Where the output of a container goes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LogConfig {
    /// **Host power** except `json-file`, `local`, `none`: others send to the network or to host sockets. Empty is the
    /// engine's default.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub r#type: String,
    /// Options of the driver, may hold tokens. Without `max-size` a `json-file` fills the host's disk.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub config: StringMap,
}

/// Whether the engine starts a container again that ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RestartPolicy {
    /// **Host power**: `always`, `unless-stopped`, `on-failure` outlive their client. Neutral: `no`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub name: String,
    /// Attempts, only with `on-failure`; 0 is without end.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub maximum_retry_count: i64,
}
