//! Mounts as `HostConfig.Mounts` spells them.
//!
//! The same powers have other spellings in `Binds`, `Volumes`, `VolumesFrom` and `Tmpfs`; a judge must treat them alike.

use serde::{Deserialize, Serialize};

use super::neutral::{is_zero, null_is_zero};
use super::value::StringMap;

/// One mount into the container.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Mount {
    /// Absolute path inside the container.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub target: String,
    /// Host path (bind), volume name (volume), image reference (image); empty for tmpfs. **Host power** by `Type`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub source: String,
    /// `bind`, `volume`, `tmpfs`, `image` (since 1.48), `cluster` (since 1.42) or `npipe` (Windows). **Host power**
    /// except tmpfs.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub r#type: String,
    /// Takes away writing. Since 1.44 sub-mounts too, where the kernel can.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub read_only: bool,
    /// Sync hint for Docker Desktop, no effect on Linux; since 1.29. Neutral: `default`, `consistent`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub consistency: String,
    /// How a bind is made; only for `bind`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_options: Option<BindOptions>,
    /// How a missing volume is created and mounted; only for `volume`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_options: Option<VolumeOptions>,
    /// Which part of an image is mounted; only for `image`, since 1.48.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_options: Option<ImageOptions>,
    /// Size and options; only for `tmpfs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmpfs_options: Option<TmpfsOptions>,
    /// Only for `cluster`. Read by engines, in no specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_options: Option<ClusterOptions>,
}

/// How a host directory is bound.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BindOptions {
    /// Whether mounts made later cross the border. **Host power**: `shared`, `rshared`, `slave`, `rslave`. Neutral:
    /// `rprivate`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub propagation: String,
    /// Leaves out mounts below the source; takes away. Since 1.40.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub non_recursive: bool,
    /// **Host power**: creates the missing source directory on the host, as root. Since 1.42.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub create_mountpoint: bool,
    /// **Host power**: leaves mounts below a read-only source writable. Since 1.44.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub read_only_non_recursive: bool,
    /// Fails where mounts below cannot be made read-only; takes away. Since 1.44.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub read_only_force_recursive: bool,
}

/// How a volume is created, when it does not exist, and mounted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeOptions {
    /// Does not fill an empty volume with what the image has at the target.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub no_copy: bool,
    /// Labels of a volume that this mount creates.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub labels: StringMap,
    /// Relative path inside the volume that is mounted instead of its root; since 1.45.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub subpath: String,
    /// **Host power**: the driver that creates the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_config: Option<DriverConfig>,
}

/// A volume driver and what it is told.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DriverConfig {
    /// **Host power**: a plugin by name, looked up with retries. Neutral: `local`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub name: String,
    /// **Host power**: with `local` these are arguments of mount(2), so `type=none, o=bind, device=/` binds the host.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub options: StringMap,
}

/// Which part of an image is mounted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageOptions {
    /// Relative path inside the image; since 1.48.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub subpath: String,
}

/// An in-memory file system.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TmpfsOptions {
    /// Size in bytes; 0 is the kernel's default, half of the host's memory.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub size_bytes: i64,
    /// Permission bits of the root directory, as a decimal number; 0 is the default, world-writable with sticky bit.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub mode: u32,
    /// Mount options, each `[flag]` or `[key, value]`; free text for mount(2). Since 1.46.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub options: Vec<Vec<String>>,
}

/// Options of a swarm cluster volume; the engine has none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClusterOptions {}
