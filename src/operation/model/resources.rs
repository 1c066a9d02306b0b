//! Limits, devices and weights inside `HostConfig`.

use serde::{Deserialize, Serialize};

use super::neutral::{is_zero, null_is_zero};
use super::value::StringMap;

/// A limit of setrlimit(2), for each process of the container.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Ulimit {
    /// Resource without its prefix, such as `nofile`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub name: String,
    /// Upper bound of the soft limit; -1 is unlimited. **Host power**: may exceed what the engine itself has by
    /// default.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub hard: i64,
    /// Limit in force; -1 is unlimited.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub soft: i64,
}

/// A host device inside the container.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeviceMapping {
    /// **Host power**: device node, or a directory whose nodes are all mapped.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub path_on_host: String,
    /// Path inside the container.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub path_in_container: String,
    /// Any of `r`, `w`, `m` (mknod).
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cgroup_permissions: String,
}

/// Devices that a driver chooses, such as GPUs; since 1.40.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeviceRequest {
    /// **Host power**: `nvidia`, `cdi` (CDI specifications can add mounts and hooks); empty lets the engine choose.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub driver: String,
    /// How many; -1 is all.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub count: i64,
    /// Devices by the driver's own names; excludes `Count`.
    #[serde(rename = "DeviceIDs", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub device_ids: Vec<String>,
    /// Alternatives, each a list of device capabilities that must all be there.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub capabilities: Vec<Vec<String>>,
    /// Handed to the driver as it stands.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub options: StringMap,
}

/// A rate for one block device of the host.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ThrottleDevice {
    /// Host path of the device; the engine looks at it, so it tells whether a path exists.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub path: String,
    /// Bytes or operations per second, by the field that holds the list.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub rate: u64,
}

/// A relative weight for one block device of the host.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct WeightDevice {
    /// Host path of the device; the engine looks at it, so it tells whether a path exists.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub path: String,
    /// 10 to 1000.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub weight: u16,
}
