//! Answers to what a judge asks about the engine's objects.
//!
//! Each answer is read from the engine when it is asked for, but for what cannot change: the labels and the image of a
//! container with a full ID. Must never keep what can change, and never a volume, which has no ID.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;
use tokio::time::Instant;

use super::engine::{Engine, lock};
use super::error::UpstreamError;
use crate::operation::names::{ContainerId, ExecId};
use crate::policy::depth::Depth;
use crate::policy::facts::{
    ContainerFacts, ContainerNames, EngineFacts, ExecFacts, Fact, FactQuery, ImageFacts, NetworkFacts, Powers,
    VolumeFacts, Within,
};
use crate::policy::ownership::{self, Owner, Whose};
use crate::request::{Filters, percent};

/// Labels and images of containers, by full ID.
#[derive(Debug, Default)]
pub(super) struct KnownContainers(Mutex<HashMap<ContainerId, ContainerFacts>>);

/// One of the owner's containers in the engine's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedContainer {
    /// What is known of it; its networks are not.
    pub facts: ContainerFacts,
    /// Its names, without the leading slash.
    pub names: Vec<String>,
    /// `created`, `running`, `exited` and so on.
    pub state: String,
}

#[derive(Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[derive(Default)]
struct ContainerAnswer {
    id: String,
    name: String,
    image: String,
    config: ConfigAnswer,
    host_config: HostConfigAnswer,
    network_settings: NetworkSettingsAnswer,
    mounts: Option<Vec<MountAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct ConfigAnswer {
    hostname: String,
    image: String,
    labels: Option<BTreeMap<String, String>>,
    exposed_ports: Option<BTreeMap<String, serde::de::IgnoredAny>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct HostConfigAnswer {
    privileged: bool,
    network_mode: String,
    pid_mode: String,
    ipc_mode: String,
    #[serde(rename = "UTSMode")]
    uts_mode: String,
    userns_mode: String,
    cap_add: Option<Vec<String>>,
    devices: Option<Vec<DeviceAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct DeviceAnswer {
    path_on_host: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct MountAnswer {
    r#type: String,
    source: String,
    #[serde(rename = "RW")]
    writable: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct NetworkSettingsAnswer {
    networks: Option<BTreeMap<String, Option<EndpointAnswer>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EndpointAnswer {
    #[serde(rename = "NetworkID")]
    network_id: String,
    #[serde(rename = "Aliases")]
    aliases: Option<Vec<String>>,
    #[serde(rename = "DNSNames")]
    dns_names: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListAnswer {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Names")]
    names: Option<Vec<String>>,
    #[serde(rename = "Image")]
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(rename = "State")]
    state: String,
    #[serde(rename = "Created")]
    created: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExecAnswer {
    #[serde(rename = "ContainerID")]
    container: String,
    #[serde(rename = "ProcessConfig")]
    process: ProcessAnswer,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ProcessAnswer {
    privileged: Option<bool>,
    user: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct ImageAnswer {
    id: String,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
    config: Option<ConfigAnswer>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NetworkAnswer {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Driver")]
    driver: String,
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(rename = "Internal")]
    internal: bool,
    #[serde(rename = "IPAM")]
    ipam: IpamAnswer,
    #[serde(rename = "Containers")]
    containers: Option<BTreeMap<String, NamedAnswer>>,
    #[serde(rename = "Created")]
    created: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct IpamAnswer {
    config: Option<Vec<SubnetAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct SubnetAnswer {
    gateway: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct NamedAnswer {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct VolumeAnswer {
    name: String,
    driver: String,
    labels: Option<BTreeMap<String, String>>,
    options: Option<BTreeMap<String, String>>,
    created_at: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct VolumesAnswer {
    volumes: Option<Vec<VolumeAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InfoAnswer {
    #[serde(rename = "MemoryLimit")]
    memory_limit: bool,
    #[serde(rename = "SwapLimit")]
    swap_limit: bool,
    #[serde(rename = "PidsLimit")]
    pids_limit: bool,
    #[serde(rename = "CpuCfsQuota", alias = "CPUCfsQuota")]
    cpu_limit: bool,
    #[serde(rename = "NCPU")]
    cpus: i64,
    #[serde(rename = "MemTotal")]
    memory: u64,
    #[serde(rename = "CgroupVersion")]
    cgroup_version: String,
    #[serde(rename = "ServerVersion")]
    server_version: String,
    #[serde(rename = "Plugins")]
    plugins: PluginsAnswer,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct PluginsAnswer {
    log: Option<Vec<String>>,
}

impl Engine {
    /// Answers one question of a judge.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn fact(&self, query: &FactQuery, owner: &Owner) -> Result<Fact, UpstreamError> {
        Ok(match query {
            FactQuery::Container { reference, within, fresh } => {
                Fact::Container(self.container(reference, within, *fresh, owner).await?.map(Box::new))
            }
            FactQuery::Exec(exec) => Fact::Exec(self.exec(exec).await?),
            FactQuery::Image(name) => Fact::Image(self.image(name).await?.map(Box::new)),
            FactQuery::Network(name) => Fact::Network(self.network(name).await?.map(Box::new)),
            FactQuery::Volume(name) => Fact::Volume(self.volume(name).await?),
            FactQuery::Engine => Fact::Engine(self.abilities().await?),
            FactQuery::Count { of, session } => Fact::Count(self.count(*of, session, owner).await?),
            FactQuery::Usage { except } => Fact::Usage(self.usage(owner, except.as_ref()).await?),
            FactQuery::Impostor => Fact::Impostor(self.impostor(owner).await?),
        })
    }

    /// The owner's containers, running or not, by the label that the broker wrote. The label alone proves nothing: see
    /// [`Owner::owns_container`].
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn owned_containers(&self, owner: &Owner) -> Result<Vec<ListedContainer>, UpstreamError> {
        self.containers_of(&Whose::Owner(owner.clone())).await
    }

    /// A container that inherited the owner's label from its image.
    async fn impostor(&self, owner: &Owner) -> Result<Option<String>, UpstreamError> {
        let (whose, depth) = (Whose::Owner(owner.clone()), self.known_depth().await?);
        let mut listed = self.listed(&list_of("containers/json?all=1&", &whose, depth), depth).await?;
        listed.retain(|c| !owner.owns_container(&c.facts.labels, &c.facts.image_id));
        Ok(listed.first().map(|c| c.facts.id.to_string()))
    }

    /// The owner's containers for everybody who is meant.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn containers_of(&self, whose: &Whose) -> Result<Vec<ListedContainer>, UpstreamError> {
        let depth = self.known_depth().await?;
        let listed = self.listed(&list_of("containers/json?all=1&", whose, depth), depth).await?;
        let owns = |owner: Owner, facts: &ContainerFacts| owner.owns_container(&facts.labels, &facts.image_id);
        Ok(listed.into_iter().filter(|c| whose.owner(&c.facts.labels).is_some_and(|o| owns(o, &c.facts))).collect())
    }

    /// Containers, running or not, that carry all of these labels and no broker's owner. Whether the labels are the
    /// container's own or its image's, the list does not say.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn labelled_containers(
        &self,
        labels: &[(String, String)],
    ) -> Result<Vec<ListedContainer>, UpstreamError> {
        let mut filters = Filters::default();
        for (key, value) in labels {
            filters.add("label", &format!("{key}={value}"));
        }
        let mut target = "/containers/json?all=1&filters=".to_owned();
        percent::encode(&mut target, &filters.encode());
        let depth = self.known_depth().await?;
        let listed = self.listed(&target, depth).await?;
        let carried = |c: &ListedContainer| labels.iter().all(|(key, value)| c.facts.labels.get(key) == Some(value));
        let nobodys = |c: &ListedContainer| !c.facts.labels.contains_key(ownership::OWNER);
        Ok(listed.into_iter().filter(|c| carried(c) && nobodys(c)).collect())
    }

    async fn listed(&self, target: &str, depth: Depth) -> Result<Vec<ListedContainer>, UpstreamError> {
        let what = "the list of containers";
        let listed: Option<Vec<ListAnswer>> = self.ask(what, target).await?;
        let listed = listed.ok_or_else(|| UpstreamError::Nonsense { what, why: "404".to_owned() })?;
        Ok(listed.into_iter().filter_map(|answer| read_listed(answer, depth)).collect())
    }

    /// The owner's networks, by the label that the broker wrote. An engine's list says nothing of who is on them.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn owned_networks(&self, owner: &Owner) -> Result<Vec<NetworkFacts>, UpstreamError> {
        self.networks_of(&Whose::Owner(owner.clone())).await
    }

    /// The same for everybody who is meant.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn networks_of(&self, whose: &Whose) -> Result<Vec<NetworkFacts>, UpstreamError> {
        let (what, depth) = ("the list of networks", self.known_depth().await?);
        let listed: Option<Vec<NetworkAnswer>> = self.ask(what, &list_of("networks?", whose, depth)).await?;
        let listed = listed.ok_or_else(|| UpstreamError::Nonsense { what, why: "404".to_owned() })?;
        Ok(listed
            .into_iter()
            .map(|answer| read_network(answer, depth))
            .filter(|network| whose.owner(&network.labels).is_some())
            .collect())
    }

    /// The owner's volumes, by the label that the broker wrote; anonymous ones carry none.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn owned_volumes(&self, owner: &Owner) -> Result<Vec<VolumeFacts>, UpstreamError> {
        self.volumes_of(&Whose::Owner(owner.clone())).await
    }

    /// The same for everybody who is meant.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn volumes_of(&self, whose: &Whose) -> Result<Vec<VolumeFacts>, UpstreamError> {
        let (what, depth) = ("the list of volumes", self.known_depth().await?);
        let listed: Option<VolumesAnswer> = self.ask(what, &list_of("volumes?", whose, depth)).await?;
        let VolumesAnswer { volumes } =
            listed.ok_or_else(|| UpstreamError::Nonsense { what, why: "404".to_owned() })?;
        let read = volumes.unwrap_or_default().into_iter().map(|answer| read_volume(answer, depth));
        Ok(read.filter(|volume| whose.owner(&volume.labels).is_some()).collect())
    }

    async fn container(
        &self,
        reference: &str,
        within: &Within,
        fresh: bool,
        owner: &Owner,
    ) -> Result<Option<ContainerFacts>, UpstreamError> {
        let (id, among) = match (ContainerId::parse(reference), within) {
            (Some(id), _) => (Some(id), Vec::new()),
            (None, Within::Everyone) => return self.inspect(reference).await,
            (None, Within::Owner) => (None, self.owned_containers(owner).await?),
            (None, Within::Labelled(labels)) => {
                let mut among = self.owned_containers(owner).await?;
                among.extend(self.labelled_containers(labels).await?);
                (None, among)
            }
        };
        let id = match (id, resolve(reference, among)) {
            (Some(id), _) => id,
            (None, Some(listed)) if !fresh => return Ok(Some(listed)),
            (None, Some(listed)) => listed.id,
            (None, None) => return Ok(None),
        };
        match self.known.find(&id).filter(|_| !fresh) {
            Some(known) => Ok(Some(known)),
            None => self.inspect(id.as_str()).await,
        }
    }

    /// Inspects a container; the answer must be about the one that was asked for. Where none has a full ID, the engine
    /// answers for one that has it as its name: that is not the one that was meant.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn inspect(&self, reference: &str) -> Result<Option<ContainerFacts>, UpstreamError> {
        let answer: Option<ContainerAnswer> = self.ask("a container", &at("containers", reference, "/json")).await?;
        let Some(answer) = answer else { return Ok(None) };
        let nonsense = || UpstreamError::Nonsense { what: "a container", why: "it has no ID".to_owned() };
        let facts = read_container(answer, self.depth()).ok_or_else(nonsense)?;
        if ContainerId::parse(reference).is_some_and(|meant| meant != facts.id) {
            return Ok(None);
        }
        self.known.remember(&facts);
        Ok(Some(facts))
    }

    async fn exec(&self, exec: &ExecId) -> Result<Option<ExecFacts>, UpstreamError> {
        let answer: Option<ExecAnswer> = self.ask("an exec instance", &at("exec", exec.as_str(), "/json")).await?;
        Ok(answer.and_then(|ExecAnswer { container, process }| {
            let ProcessAnswer { privileged, user } = process;
            Some(ExecFacts {
                container: ContainerId::parse(&container)?,
                privileged: privileged.unwrap_or(false),
                user: user.unwrap_or_default(),
            })
        }))
    }

    async fn image(&self, name: &str) -> Result<Option<ImageFacts>, UpstreamError> {
        let answer: Option<ImageAnswer> = self.ask("an image", &at("images", name, "/json")).await?;
        Ok(answer.map(|ImageAnswer { id, repo_tags, repo_digests, config }| {
            let ConfigAnswer { hostname: _, image: _, labels, exposed_ports } = config.unwrap_or_default();
            ImageFacts {
                id,
                repo_tags: repo_tags.unwrap_or_default(),
                repo_digests: repo_digests.unwrap_or_default(),
                exposed_ports: exposed_ports.map(|ports| ports.into_keys().collect()).unwrap_or_default(),
                labels: labels.unwrap_or_default(),
            }
        }))
    }

    /// A network as it is now, by its ID or name.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn network(&self, name: &str) -> Result<Option<NetworkFacts>, UpstreamError> {
        let answer: Option<NetworkAnswer> = self.ask("a network", &at("networks", name, "")).await?;
        Ok(answer.map(|answer| read_network(answer, self.depth())))
    }

    /// A volume as it is now.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn volume(&self, name: &str) -> Result<Option<VolumeFacts>, UpstreamError> {
        let answer: Option<VolumeAnswer> = self.ask("a volume", &at("volumes", name, "")).await?;
        Ok(answer.map(|answer| read_volume(answer, self.depth())))
    }

    /// What the engine can do; asked again after half a minute, for an engine can be restarted with other options.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn abilities(&self) -> Result<EngineFacts, UpstreamError> {
        let known = lock(&self.abilities).clone();
        if let Some((_, abilities)) = known.filter(|(asked, _)| asked.elapsed() < ABILITIES_AGE) {
            return Ok(abilities);
        }
        let answer: Option<InfoAnswer> = self.ask("what it can do", "/info").await?;
        let InfoAnswer {
            memory_limit,
            swap_limit,
            pids_limit,
            cpu_limit,
            cpus,
            memory,
            cgroup_version,
            server_version,
            plugins,
        } = answer.unwrap_or_default();
        let log_drivers = plugins.log.unwrap_or_default();
        let abilities = EngineFacts {
            memory_limit,
            swap_limit,
            pids_limit,
            cpu_limit,
            cpus,
            memory,
            log_drivers,
            cgroup_version,
            server_version,
        };
        *lock(&self.abilities) = Some((Instant::now(), abilities.clone()));
        Ok(abilities)
    }
}

impl KnownContainers {
    fn find(&self, id: &ContainerId) -> Option<ContainerFacts> {
        lock(&self.0).get(id).cloned()
    }

    /// Keeps what cannot change; networks and names are left out.
    fn remember(&self, facts: &ContainerFacts) {
        let mut known = lock(&self.0);
        if known.len() >= KNOWN_CONTAINERS {
            known.clear();
        }
        known.insert(
            facts.id.clone(),
            ContainerFacts { networks: BTreeMap::new(), names: ContainerNames::default(), ..facts.clone() },
        );
    }
}

/// Finds the one container that a name or ID prefix means, in the engine's order: name first, then an unambiguous prefix.
fn resolve(reference: &str, owned: Vec<ListedContainer>) -> Option<ContainerFacts> {
    let name = reference.strip_prefix('/').unwrap_or(reference);
    if let Some(named) = owned.iter().find(|container| container.names.iter().any(|own| own == name)) {
        return Some(named.facts.clone());
    }
    let hexadecimal = !reference.is_empty() && reference.bytes().all(|b| b.is_ascii_hexdigit());
    let mut matching = owned.into_iter().filter(|c| hexadecimal && c.facts.id.as_str().starts_with(reference));
    let first = matching.next()?;
    matching.next().is_none().then_some(first.facts)
}

fn read_listed(answer: ListAnswer, depth: Depth) -> Option<ListedContainer> {
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

fn read_container(answer: ContainerAnswer, depth: Depth) -> Option<ContainerFacts> {
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

fn read_network(answer: NetworkAnswer, depth: Depth) -> NetworkFacts {
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

fn read_volume(answer: VolumeAnswer, depth: Depth) -> VolumeFacts {
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

/// The list of one kind of object that carries a label of theirs.
fn list_of(path_and_query: &str, whose: &Whose, depth: Depth) -> String {
    let mut filters = Filters::default();
    filters.add("label", &whose.label(depth));
    let mut target = format!("/{path_and_query}filters=");
    percent::encode(&mut target, &filters.encode());
    target
}

/// `/containers/{name}/json`, with the name encoded as one segment; image names keep their slashes.
fn at(kind: &str, name: &str, rest: &str) -> String {
    let mut target = format!("/{kind}/");
    for (index, part) in name.split('/').enumerate() {
        if index > 0 {
            target.push_str(if kind == "images" { "/" } else { "%2F" });
        }
        percent::encode(&mut target, part);
    }
    target.push_str(rest);
    target
}

const ABILITIES_AGE: Duration = Duration::from_secs(30);

/// Bounds memory; the table is rebuilt from the engine at need.
const KNOWN_CONTAINERS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: char, name: &str) -> ListedContainer {
        let answer = ListAnswer {
            id: id.to_string().repeat(64),
            names: Some(vec![format!("/{name}")]),
            ..ListAnswer::default()
        };
        read_listed(answer, Depth::default()).unwrap()
    }

    #[test]
    fn a_name_wins_over_a_prefix_and_an_ambiguous_prefix_means_nothing() {
        let owned =
            || vec![listed('a', "pg"), listed('b', "aaa"), ListedContainer { names: vec![], ..listed('a', "x") }];
        assert_eq!(resolve("aaa", owned()).unwrap().id.as_str(), "b".repeat(64));
        assert_eq!(resolve("bb", owned()).unwrap().id.as_str(), "b".repeat(64));
        for nothing in ["a", "", "c", "B", "pg2", "p"] {
            assert!(resolve(nothing, owned()).is_none(), "{nothing}");
        }
        assert!(resolve("/pg", owned()).is_some());
    }

    #[test]
    fn times_are_read_in_any_zone() {
        assert_eq!(unix_seconds("2023-11-14T22:13:20.123456789Z"), Some(1_700_000_000));
        assert_eq!(unix_seconds("2023-11-15T00:13:20+02:00"), Some(1_700_000_000));
        assert_eq!(unix_seconds("2023-11-14T17:43:20.5-04:30"), Some(1_700_000_000));
        for nothing in ["", "0001-01-01T00:00:00Z", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20+x:1"] {
            assert_eq!(unix_seconds(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn names_stay_in_their_segment() {
        assert_eq!(at("networks", "a/b?c", ""), "/networks/a%2Fb%3Fc");
        assert_eq!(at("images", "a/b:1", "/json"), "/images/a/b%3A1/json");
    }
}
