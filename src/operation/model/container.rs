//! Body of `ContainerCreate`: all of Docker's Config at the top level, then `HostConfig` and `NetworkingConfig`.
//!
//! Engines up to 26 also read fields of `HostConfig` at the top level, all of them when `HostConfig` is absent or `null`.
//! Those are no fields here, so nothing can write them, and `HostConfig` is always written as an object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::host_config::HostConfig;
use super::network::NetworkingConfig;
use super::neutral::{is_zero, null_is_zero, null_values_are_zero};
use super::value::{Arguments, EmptyObject, EnvList, Ignored, StringList, StringMap};

/// Body of `ContainerCreate`, `POST /containers/create`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerCreateBody {
    /// Host name inside; written to files that the engine keeps on the host.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub hostname: String,
    /// Domain name inside; written to files that the engine keeps on the host.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub domainname: String,
    /// User inside, `user[:group]` by name or number; empty is the image's.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub user: String,
    /// Remembered for clients; no effect on running.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub attach_stdin: bool,
    /// Remembered for clients; no effect on running.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub attach_stdout: bool,
    /// Remembered for clients; no effect on running.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub attach_stderr: bool,
    /// `port[-port][/protocol]`, added to the image's; become host ports under `PublishAllPorts`.
    #[serde(deserialize_with = "null_values_are_zero", skip_serializing_if = "is_zero")]
    pub exposed_ports: BTreeMap<String, EmptyObject>,
    /// Gives the process a terminal; streams are then raw.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub tty: bool,
    /// Keeps stdin open without a client.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub open_stdin: bool,
    /// Closes stdin when the first client that attached leaves.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub stdin_once: bool,
    /// Environment, merged over the image's.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub env: EnvList,
    /// Arguments of the entrypoint, or the command itself; `null` or empty is the image's, if `Entrypoint` is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<StringList>,
    /// A command that the engine runs in the container again and again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<HealthConfig>,
    /// Windows: `Cmd` is one escaped line. No effect on Linux.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub args_escaped: bool,
    /// Image reference or ID.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub image: String,
    /// **Host power**: paths that get an anonymous volume each, which outlives the container; a key with `:` is a value
    /// too.
    #[serde(deserialize_with = "null_values_are_zero", skip_serializing_if = "is_zero")]
    pub volumes: BTreeMap<String, EmptyObject>,
    /// Directory inside; created if missing. **Host power** on old runtimes: `/proc/self/fd/N` (CVE-2024-21626).
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub working_dir: String,
    /// `null` is the image's; `[]` is none; `[""]` (also written `""`) is none and drops the image's `Cmd` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<StringList>,
    /// Takes away the network.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub network_disabled: bool,
    /// Hardware address in the main network; until 1.51, since 1.44 deprecated for the endpoint's. May impersonate.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub mac_address: String,
    /// Instructions for builds from an image committed of this container.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub on_build: Vec<String>,
    /// Metadata, merged over the image's. **Host power** where other programs act on labels (compose, traefik).
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub labels: StringMap,
    /// Signal of a stop, by name or number; empty is the image's or SIGTERM.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub stop_signal: String,
    /// Seconds before a stop kills; -1 waits for ever; absent is 10. Since 1.25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// Shell for the shell form in builds; no effect on running. Since 1.25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<StringList>,
    /// Older name of `HostConfig.CpusetCpus`; read by engines up to 26, in no specification.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpuset: String,
    /// What touches the host; always written.
    #[serde(deserialize_with = "null_is_zero")]
    pub host_config: HostConfig,
    /// Networks to join.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub networking_config: NetworkingConfig,
    /// Sent by .NET: the name, which the query carries.
    #[serde(rename = "Name", skip_serializing)]
    pub ignored_name: Ignored,
    /// Sent by dockerode: the name, which the query carries.
    #[serde(rename = "name", skip_serializing)]
    pub ignored_name_lower: Ignored,
    /// Sent by .NET: the platform, which the query carries.
    #[serde(rename = "Platform", skip_serializing)]
    pub ignored_platform: Ignored,
}

/// When and how the engine asks whether a container is healthy. Durations are nanoseconds: 0 inherits, else at least 1
/// ms.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HealthConfig {
    /// Empty inherits; `["NONE"]` is off; `["CMD", …]` runs words, `["CMD-SHELL", line]` a line of shell.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub test: Arguments,
    /// Nanoseconds between checks; a short one costs the host a process each time.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// Nanoseconds that one check may take.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// Failures in a row that make a container unhealthy; 0 inherits.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub retries: i64,
    /// Nanoseconds after the start in which failures do not count. Since 1.29 (1.24 documents it too).
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// Nanoseconds between checks in the start period. Since 1.44.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub start_interval: i64,
}
