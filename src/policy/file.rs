//! A policy file as written: its shape and nothing else.
//!
//! These types mirror the TOML text key by key; an absent key is `None`, and no key gets a meaning here. Unknown keys do
//! not parse. What the keys mean is decided in [`compile`](super::compile); what they are called, in [`keys`].

pub mod keys;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::compile::{
    AttachMode, Over, Prune, PublishAddress, PublishPorts, Reach, ReaperAddress, RegistryAuth, Scope,
};

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PolicyFile {
    /// `version`
    pub version: Option<u32>,
    /// `reason`
    pub reason: Option<String>,
    /// `extends`
    pub extends: Option<String>,
    /// `unrestricted`
    pub unrestricted: Option<bool>,
    /// `images`
    pub images: ImagesSection,
    /// `containers`
    pub containers: ContainersSection,
    /// `networks`
    pub networks: NetworksSection,
    /// `volumes`
    pub volumes: VolumesSection,
    /// `build`
    pub build: BuildSection,
    /// `prune`
    pub prune: PruneSection,
    /// `reaper`
    pub reaper: ReaperSection,
    /// `templates`, by their names.
    pub templates: BTreeMap<String, TemplateSection>,
}

/// `[templates.NAME]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TemplateSection {
    /// `image`
    pub image: Option<String>,
    /// `command`
    pub command: Option<Vec<String>>,
    /// `entrypoint`
    pub entrypoint: Option<Vec<String>>,
    /// `env`
    pub env: Option<Vec<String>>,
    /// `publish`
    pub publish: Option<Vec<String>>,
    /// `labels`
    pub labels: Option<Vec<String>>,
}

/// `[images]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ImagesSection {
    /// `allow`
    pub allow: Option<Vec<String>>,
    /// `pull`
    pub pull: Option<bool>,
    /// `registry-auth`
    pub registry_auth: Option<RegistryAuth>,
    /// `push`
    pub push: Option<Vec<String>>,
    /// `remove`
    pub remove: Option<Vec<String>>,
    /// `save`
    pub save: Option<bool>,
    /// `search`
    pub search: Option<bool>,
}

/// `[containers]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ContainersSection {
    /// `see`
    pub see: Option<Scope>,
    /// `control`
    pub control: Option<ControlValue>,
    /// `names`
    pub names: Option<Vec<String>>,
    /// `max`
    pub max: Option<u32>,
    /// `max-per-owner`
    pub max_per_owner: Option<u32>,
    /// `lifetime`
    pub lifetime: Option<String>,
    /// `env`
    pub env: Option<Vec<String>>,
    /// `labels`
    pub labels: Option<Vec<String>>,
    /// `command`
    pub command: Option<Vec<String>>,
    /// `entrypoint`
    pub entrypoint: Option<Vec<String>>,
    /// `publish`
    pub publish: Option<Vec<String>>,
    /// `publish-address`
    pub publish_address: Option<PublishAddress>,
    /// `publish-ports`
    pub publish_ports: Option<PublishPorts>,
    /// `networks`
    pub networks: Option<Vec<String>>,
    /// `attach`
    pub attach: Option<Vec<String>>,
    /// `attach-mode`
    pub attach_mode: Option<AttachMode>,
    /// `reach`
    pub reach: Option<Reach>,
    /// `exec`
    pub exec: Option<ExecValue>,
    /// `copy-in`
    pub copy_in: Option<bool>,
    /// `copy-out`
    pub copy_out: Option<bool>,
    /// `tmpfs`
    pub tmpfs: Option<Vec<String>>,
    /// `limits`
    pub limits: LimitsSection,
    /// `host`
    pub host: HostSection,
}

/// `[containers.limits]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LimitsSection {
    /// `memory`
    pub memory: Option<String>,
    /// `cpus`
    pub cpus: Option<CpusValue>,
    /// `pids`
    pub pids: Option<CountValue>,
    /// `shm`
    pub shm: Option<String>,
    /// `disk`
    pub disk: Option<String>,
    /// `log`
    pub log: Option<LogValue>,
    /// `over`
    pub over: Option<Over>,
    /// `required`
    pub required: Option<bool>,
}

/// `[containers.host]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct HostSection {
    /// `binds`
    pub binds: Option<Vec<String>>,
    /// `devices`
    pub devices: Option<Vec<String>>,
    /// `device-cgroup-rules`
    pub device_cgroup_rules: Option<Vec<String>>,
    /// `device-requests`
    pub device_requests: Option<Vec<String>>,
    /// `cap-add`
    pub cap_add: Option<Vec<String>>,
    /// `privileged`
    pub privileged: Option<bool>,
    /// `exec-privileged`
    pub exec_privileged: Option<bool>,
    /// `network`
    pub network: Option<Vec<String>>,
    /// `pid`
    pub pid: Option<Vec<String>>,
    /// `ipc`
    pub ipc: Option<Vec<String>>,
    /// `uts`
    pub uts: Option<Vec<String>>,
    /// `userns`
    pub userns: Option<Vec<String>>,
    /// `cgroupns`
    pub cgroupns: Option<Vec<String>>,
    /// `cgroup-parent`
    pub cgroup_parent: Option<Vec<String>>,
    /// `sysctls`
    pub sysctls: Option<Vec<String>>,
    /// `security-opt`
    pub security_opt: Option<Vec<String>>,
    /// `unmasked-paths`
    pub unmasked_paths: Option<bool>,
    /// `runtime`
    pub runtime: Option<Vec<String>>,
    /// `restart`
    pub restart: Option<Vec<String>>,
    /// `ulimits`
    pub ulimits: Option<Vec<String>>,
    /// `scheduling`
    pub scheduling: Option<bool>,
    /// `storage-opt`
    pub storage_opt: Option<Vec<String>>,
    /// `volume-drivers`
    pub volume_drivers: Option<Vec<String>>,
    /// `group-add`
    pub group_add: Option<Vec<String>>,
    /// `annotations`
    pub annotations: Option<Vec<String>>,
    /// `dns`
    pub dns: Option<bool>,
    /// `extra-hosts`
    pub extra_hosts: Option<Vec<String>>,
    /// `links`
    pub links: Option<bool>,
    /// `addresses`
    pub addresses: Option<bool>,
    /// `buildkit`
    pub buildkit: Option<bool>,
}

/// `[networks]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NetworksSection {
    /// `create`
    pub create: Option<NetworkCreateValue>,
}

/// `[volumes]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct VolumesSection {
    /// `create`
    pub create: Option<VolumeCreateValue>,
}

/// `[build]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BuildSection {
    /// `tags`
    pub tags: Option<Vec<String>>,
    /// `from`
    pub from: Option<Vec<String>>,
    /// `network`
    pub network: Option<Vec<String>>,
}

/// `[prune]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PruneSection {
    /// `answer`
    pub answer: Option<Prune>,
}

/// `[reaper]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ReaperSection {
    /// `emulate`
    pub emulate: Option<bool>,
    /// `address`
    pub address: Option<ReaperAddress>,
}

/// `containers.control`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ControlValue {
    /// `"own"` or `"all"`
    Whose(Scope),
    /// `{ labels = […] }`
    Labelled(ControlTable),
}

/// `containers.control` as a table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ControlTable {
    /// `labels`
    pub labels: Option<Vec<String>>,
}

/// `containers.exec`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ExecValue {
    /// `true` or `false`
    Switch(bool),
    /// `{ users = […] }`
    Users(ExecTable),
}

/// `containers.exec` as a table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ExecTable {
    /// `users`
    pub users: Option<Vec<String>>,
}

/// `containers.limits.cpus`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum CpusValue {
    /// `2`
    Whole(i64),
    /// `0.5`
    Fraction(f64),
    /// `"unlimited"`
    Word(String),
}

/// `containers.limits.pids`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum CountValue {
    /// `512`
    Number(i64),
    /// `"unlimited"`
    Word(String),
}

/// `containers.limits.log`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum LogValue {
    /// `"unlimited"`
    Word(String),
    /// `{ drivers = […], max-size = "…" }`
    Limit(LogTable),
}

/// `containers.limits.log` as a table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LogTable {
    /// `drivers`
    pub drivers: Option<Vec<String>>,
    /// `max-size`
    pub max_size: Option<String>,
}

/// `networks.create`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum NetworkCreateValue {
    /// `true` or `false`
    Switch(bool),
    /// `{ names = […], max = …, internal = … }`
    Grant(NetworkCreateTable),
}

/// `networks.create` as a table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NetworkCreateTable {
    /// `names`
    pub names: Option<Vec<String>>,
    /// `max`
    pub max: Option<u32>,
    /// `internal`
    pub internal: Option<bool>,
}

/// `volumes.create`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum VolumeCreateValue {
    /// `true` or `false`
    Switch(bool),
    /// `{ names = […], max = … }`
    Grant(VolumeCreateTable),
}

/// `volumes.create` as a table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct VolumeCreateTable {
    /// `names`
    pub names: Option<Vec<String>>,
    /// `max`
    pub max: Option<u32>,
}
