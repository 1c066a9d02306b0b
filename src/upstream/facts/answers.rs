//! The engine's answers as far as a judge is told of them: their shapes, and what is read out of them.
//!
//! Every field may be absent: what an engine does not say is empty. Must never ask an engine anything.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde::Deserialize;

use super::ListedContainer;
use crate::operation::names::ContainerId;
use crate::policy::depth::Depth;
use crate::policy::facts::{ContainerFacts, ContainerNames, NetworkFacts, Powers, VolumeFacts};

#[derive(Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[derive(Default)]
pub(super) struct ContainerAnswer {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) image: String,
    pub(super) config: ConfigAnswer,
    pub(super) host_config: HostConfigAnswer,
    pub(super) network_settings: NetworkSettingsAnswer,
    pub(super) mounts: Option<Vec<MountAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ConfigAnswer {
    pub(super) hostname: String,
    pub(super) image: String,
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) exposed_ports: Option<BTreeMap<String, serde::de::IgnoredAny>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct HostConfigAnswer {
    pub(super) privileged: bool,
    pub(super) network_mode: String,
    pub(super) pid_mode: String,
    pub(super) ipc_mode: String,
    #[serde(rename = "UTSMode")]
    pub(super) uts_mode: String,
    pub(super) userns_mode: String,
    pub(super) cap_add: Option<Vec<String>>,
    pub(super) devices: Option<Vec<DeviceAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct DeviceAnswer {
    pub(super) path_on_host: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct MountAnswer {
    pub(super) r#type: String,
    pub(super) source: String,
    #[serde(rename = "RW")]
    pub(super) writable: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct NetworkSettingsAnswer {
    pub(super) networks: Option<BTreeMap<String, Option<EndpointAnswer>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct EndpointAnswer {
    #[serde(rename = "NetworkID")]
    pub(super) network_id: String,
    #[serde(rename = "Aliases")]
    pub(super) aliases: Option<Vec<String>>,
    #[serde(rename = "DNSNames")]
    pub(super) dns_names: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ListAnswer {
    #[serde(rename = "Id")]
    pub(super) id: String,
    #[serde(rename = "Names")]
    pub(super) names: Option<Vec<String>>,
    #[serde(rename = "Image")]
    pub(super) image: String,
    #[serde(rename = "ImageID")]
    pub(super) image_id: String,
    #[serde(rename = "Labels")]
    pub(super) labels: Option<BTreeMap<String, String>>,
    #[serde(rename = "State")]
    pub(super) state: String,
    #[serde(rename = "Created")]
    pub(super) created: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ExecAnswer {
    #[serde(rename = "ContainerID")]
    pub(super) container: String,
    #[serde(rename = "ProcessConfig")]
    pub(super) process: ProcessAnswer,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ProcessAnswer {
    pub(super) privileged: Option<bool>,
    pub(super) user: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ImageAnswer {
    pub(super) id: String,
    pub(super) repo_tags: Option<Vec<String>>,
    pub(super) repo_digests: Option<Vec<String>>,
    pub(super) config: Option<ConfigAnswer>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct NetworkAnswer {
    #[serde(rename = "Id")]
    pub(super) id: String,
    #[serde(rename = "Name")]
    pub(super) name: String,
    #[serde(rename = "Driver")]
    pub(super) driver: String,
    #[serde(rename = "Labels")]
    pub(super) labels: Option<BTreeMap<String, String>>,
    #[serde(rename = "Internal")]
    pub(super) internal: bool,
    #[serde(rename = "IPAM")]
    pub(super) ipam: IpamAnswer,
    #[serde(rename = "Containers")]
    pub(super) containers: Option<BTreeMap<String, NamedAnswer>>,
    #[serde(rename = "Created")]
    pub(super) created: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct IpamAnswer {
    pub(super) config: Option<Vec<SubnetAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct SubnetAnswer {
    pub(super) gateway: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct NamedAnswer {
    pub(super) name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct VolumeAnswer {
    pub(super) name: String,
    pub(super) driver: String,
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) options: Option<BTreeMap<String, String>>,
    pub(super) created_at: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct VolumesAnswer {
    pub(super) volumes: Option<Vec<VolumeAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct InfoAnswer {
    #[serde(rename = "MemoryLimit")]
    pub(super) memory_limit: bool,
    #[serde(rename = "SwapLimit")]
    pub(super) swap_limit: bool,
    #[serde(rename = "PidsLimit")]
    pub(super) pids_limit: bool,
    #[serde(rename = "CpuCfsQuota", alias = "CPUCfsQuota")]
    pub(super) cpu_limit: bool,
    #[serde(rename = "NCPU")]
    pub(super) cpus: i64,
    #[serde(rename = "MemTotal")]
    pub(super) memory: u64,
    #[serde(rename = "CgroupVersion")]
    pub(super) cgroup_version: String,
    #[serde(rename = "ServerVersion")]
    pub(super) server_version: String,
    #[serde(rename = "Plugins")]
    pub(super) plugins: PluginsAnswer,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct PluginsAnswer {
    pub(super) log: Option<Vec<String>>,
}

pub(super) fn read_listed(answer: ListAnswer, depth: Depth) -> Option<ListedContainer> {
    let ListAnswer { id, names, image, image_id, labels, state, created } = answer;
    let names = names.unwrap_or_default().iter().map(|name| name.trim_start_matches('/').to_owned()).collect();
    let facts = ContainerFacts {
        id: ContainerId::parse(&id)?,
        labels: depth.read(labels.unwrap_or_default()),
        image_id,
        image,
        networks: BTreeMap::new(),
        privileged: false,
        powers: Powers::default(),
        created: u64::try_from(created).ok(),
        names: ContainerNames::default(),
    };
    Some(ListedContainer { facts, names, state })
}

pub(super) fn read_container(answer: ContainerAnswer, depth: Depth) -> Option<ContainerFacts> {
    let ContainerAnswer { id, name, image, config, host_config, network_settings, mounts } = answer;
    let mut aliases = Vec::new();
    let mut networks = BTreeMap::new();
    for (name, endpoint) in network_settings.networks.unwrap_or_default() {
        // before its first start a container on the default network may show it by the word `default`
        let name = if name == "default" { "bridge".to_owned() } else { name };
        let endpoint = endpoint.unwrap_or_default();
        aliases.extend(endpoint.aliases.unwrap_or_default());
        aliases.extend(endpoint.dns_names.unwrap_or_default());
        networks.insert(name, endpoint.network_id);
    }
    let name = name.trim_start_matches('/').to_owned();
    Some(ContainerFacts {
        id: ContainerId::parse(&id)?,
        labels: depth.read(config.labels.unwrap_or_default()),
        image_id: image,
        image: config.image,
        networks,
        privileged: host_config.privileged,
        powers: read_powers(host_config, mounts),
        created: None,
        names: ContainerNames { name, hostname: config.hostname, aliases },
    })
}

fn read_powers(host_config: HostConfigAnswer, mounts: Option<Vec<MountAnswer>>) -> Powers {
    let HostConfigAnswer { privileged: _, network_mode, pid_mode, ipc_mode, uts_mode, userns_mode, cap_add, devices } =
        host_config;
    let binds = mounts.unwrap_or_default().into_iter().filter(|mount| mount.r#type == "bind");
    Powers {
        network_mode,
        pid_mode,
        ipc_mode,
        uts_mode,
        userns_mode,
        cap_add: cap_add.unwrap_or_default(),
        devices: devices.unwrap_or_default().into_iter().map(|device| device.path_on_host).collect(),
        binds: binds.map(|mount| (mount.source, mount.writable.unwrap_or(true))).collect(),
    }
}

pub(super) fn read_network(answer: NetworkAnswer, depth: Depth) -> NetworkFacts {
    let NetworkAnswer { id, name, driver, labels, internal, ipam, containers, created } = answer;
    let gateways = ipam.config.unwrap_or_default().into_iter().filter_map(|subnet| subnet.gateway);
    NetworkFacts {
        id,
        name,
        driver,
        labels: depth.read(labels.unwrap_or_default()),
        internal,
        gateway: gateways.into_iter().find(|gateway| gateway.contains('.')),
        endpoints: containers.unwrap_or_default().into_iter().map(|(id, named)| (id, named.name)).collect(),
        created: unix_seconds(&created),
    }
}

pub(super) fn read_volume(answer: VolumeAnswer, depth: Depth) -> VolumeFacts {
    let VolumeAnswer { name, driver, labels, options, created_at } = answer;
    VolumeFacts {
        name,
        driver,
        labels: depth.read(labels.unwrap_or_default()),
        has_options: options.is_some_and(|options| !options.is_empty()),
        created: unix_seconds(&created_at),
    }
}

/// A time as engines write it (RFC 3339, in the zone that the engine runs in), in Unix seconds.
fn unix_seconds(text: &str) -> Option<u64> {
    let (date, time) = text.split_once('T')?;
    let zone = time.find(['Z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone)?;
    let local = humantime::parse_rfc3339_weak(&format!("{date}T{clock}")).ok()?;
    let local = local.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let Some(offset) = zone.strip_prefix(['+', '-']) else { return Some(local) };
    let (hours, minutes) = offset.split_once(':')?;
    let (hours, minutes) = (u64::from(hours.parse::<u8>().ok()?), u64::from(minutes.parse::<u8>().ok()?));
    let offset = hours * 3600 + minutes * 60;
    if zone.starts_with('+') { local.checked_sub(offset) } else { local.checked_add(offset) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_any_zone() {
        assert_eq!(unix_seconds("2023-11-14T22:13:20.123456789Z"), Some(1_700_000_000));
        assert_eq!(unix_seconds("2023-11-15T00:13:20+02:00"), Some(1_700_000_000));
        assert_eq!(unix_seconds("2023-11-14T17:43:20.5-04:30"), Some(1_700_000_000));
        for nothing in ["", "0001-01-01T00:00:00Z", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20+x:1"] {
            assert_eq!(unix_seconds(nothing), None, "{nothing}");
        }
    }
}
