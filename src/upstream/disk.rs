//! How much disk containers take: their writable layers, and the anonymous volumes that came with them.
//!
//! An engine walks folders to answer, so nothing here may be asked often without looking at what it costs.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::engine::Engine;
use super::error::UpstreamError;
use crate::operation::names::ContainerId;
use crate::policy::ownership::OWNER;

/// What one container takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiskUse {
    /// Bytes of its writable layer.
    pub layer: u64,
    /// Its volumes that look like anonymous ones, by name: 64 hexadecimal digits.
    pub volumes: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct SizedContainer {
    size_rw: Option<i64>,
    mounts: Option<Vec<MountAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct MountAnswer {
    r#type: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct DiskAnswer {
    volumes: Option<Vec<SizedVolume>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct SizedVolume {
    name: String,
    labels: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    usage_data: Option<VolumeUse>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct VolumeUse {
    size: i64,
}

impl Engine {
    /// What a container takes; `None` where it is gone.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn disk_use(&self, container: &ContainerId) -> Result<Option<DiskUse>, UpstreamError> {
        let target = format!("/containers/{container}/json?size=1");
        let answer: Option<SizedContainer> = self.ask("the size of a container", &target).await?;
        Ok(answer.map(|SizedContainer { size_rw, mounts }| {
            let mounts = mounts.unwrap_or_default().into_iter();
            let volumes = mounts.filter(|mount| mount.r#type == "volume" && is_anonymous(&mount.name));
            DiskUse { layer: bytes(size_rw.unwrap_or(0)), volumes: volumes.map(|mount| mount.name).collect() }
        }))
    }

    /// The bytes of every volume on the engine that nobody made by its name through a broker. Engines before API 1.42
    /// measure everything else as well (`type` came with it), and all walk each volume.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn volume_sizes(&self) -> Result<BTreeMap<String, u64>, UpstreamError> {
        let answer: Option<DiskAnswer> = self.ask("the size of volumes", "/system/df?type=volume").await?;
        let volumes = answer.and_then(|DiskAnswer { volumes }| volumes).unwrap_or_default();
        let ours = |labels: &Option<BTreeMap<_, _>>| labels.as_ref().is_some_and(|labels| labels.contains_key(OWNER));
        let sized = volumes.into_iter().filter(|volume| !ours(&volume.labels));
        Ok(sized.filter_map(|volume| Some((volume.name, bytes(volume.usage_data?.size)))).collect())
    }
}

/// Minus one stands for what was not measured.
fn bytes(size: i64) -> u64 {
    u64::try_from(size).unwrap_or(0)
}

fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
