//! Bodies of `ContainerExec` and `ExecStart`.

use serde::{Deserialize, Serialize};

use super::neutral::{is_zero, null_is_zero};
use super::value::{ConsoleSize, EnvList, Ignored, StringList};

/// Body of `ContainerExec`, `POST /containers/{id}/exec`: a command to run in a container that runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ExecConfig {
    /// User inside, `user[:group]` by name or number; empty is the container's own.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub user: String,
    /// **Host power**: every capability, whatever the container was created with.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub privileged: bool,
    /// Gives the command a terminal.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub tty: bool,
    /// First size of the terminal; since 1.42. Neutral: `[0, 0]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_size: Option<ConsoleSize>,
    /// Connects stdin at start.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub attach_stdin: bool,
    /// Connects stdout at start.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub attach_stdout: bool,
    /// Connects stderr at start.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub attach_stderr: bool,
    /// Key sequence that ends an attachment; empty is the engine's own.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub detach_keys: String,
    /// Environment added to the container's; since 1.25.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub env: EnvList,
    /// Directory inside the container; since 1.35. **Host power** on old runtimes: `/proc/self/fd/N` (CVE-2024-21626).
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub working_dir: String,
    /// The command; 1.24 documents one string too.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cmd: StringList,
    /// Sent by docker 28 and older clients; no effect, `ExecStart` decides. Never in a specification.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub detach: bool,
    /// Sent by docker-py: the container, which the path names.
    #[serde(rename = "Container", skip_serializing)]
    pub ignored_container: Ignored,
    /// Sent by docker-java: the container, which the path names.
    #[serde(rename = "containerId", skip_serializing)]
    pub ignored_container_id_lower: Ignored,
}

/// Body of `ExecStart`, `POST /exec/{id}/start`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ExecStartConfig {
    /// Returns at once and without streams; otherwise the connection becomes the streams.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub detach: bool,
    /// Whether the output comes raw or in frames; engines believe this, whatever the exec was created with.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub tty: bool,
    /// First size of the terminal, only with `Tty`; since 1.42. `null` takes that of the exec, `[0, 0]` overrides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_size: Option<ConsoleSize>,
    /// Sent by dockerode: its own option.
    #[serde(rename = "stdin", skip_serializing)]
    pub ignored_stdin_lower: Ignored,
    /// Sent by bollard: its own option.
    #[serde(rename = "OutputCapacity", skip_serializing)]
    pub ignored_output_capacity: Ignored,
}
