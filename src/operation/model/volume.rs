//! Body of `VolumeCreate`.

use serde::{Deserialize, Serialize};

use super::neutral::{is_zero, null_is_zero};
use super::value::StringMap;

/// Body of `VolumeCreate`, `POST /volumes/create`. A name that exists is answered with the volume that has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeCreateRequest {
    /// Its name; empty lets the engine make one.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub name: String,
    /// **Host power**: a plugin by name, looked up with retries. Neutral: `local`, which empty means.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub driver: String,
    /// **Host power**: with `local` these are arguments of mount(2), so `type=none, o=bind, device=/` binds the host.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub driver_opts: StringMap,
    /// Labels.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub labels: StringMap,
    /// A volume of a swarm; since 1.42.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_volume_spec: Option<ClusterVolumeSpec>,
}

/// A volume of a swarm. Its fields are left unknown on purpose: no policy opens swarms, so one that has a value is
/// refused by its name before anything is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClusterVolumeSpec {}
