//! Judges whose namespaces a container lives in: its own, the host's, or those of another own container.
//!
//! Sharing with an own container needs no key, for it gains nothing that the other's policy did not judge; but what the
//! other has of the host, the policy has to grant still. Must never share with a container that is not the owner's, nor
//! tell whether one exists.

use super::capability;
use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::facts::{ContainerFacts, FactQuery, Facts, Powers, Within};
use super::file::keys;
use super::judge::Judge;
use super::network;
use crate::operation::model::ContainerCreateBody;
use crate::operation::names::ContainerRef;

/// The containers that a create names, whose owner has to be known.
pub(super) fn questions(judge: &Judge<'_>, body: &ContainerCreateBody, facts: &Facts) -> Vec<FactQuery> {
    let host_config = &body.host_config;
    let modes = [&host_config.network_mode, &host_config.pid_mode, &host_config.ipc_mode];
    let shared = modes.into_iter().filter_map(|mode| mode.strip_prefix(CONTAINER));
    let from = host_config.volumes_from.iter().map(|spec| without_mode(spec));
    let endpoints = body.networking_config.endpoints_config.values().flat_map(|endpoint| &endpoint.links);
    let linked = host_config.links.iter().chain(endpoints).map(|link| linked_name(link));
    let named = shared.chain(from).chain(linked).filter(|name| !name.is_empty()).map(query);
    // whose interfaces are shared, its networks are judged as well
    let donor = host_config.network_mode.strip_prefix(CONTAINER).and_then(|name| facts.container(&query(name)));
    let networks = donor.filter(|found| judge.owns(found)).into_iter().flat_map(network::of_container);
    named.chain(networks).collect()
}

/// The word of a question about a container of one's own.
pub(super) fn query(name: &str) -> FactQuery {
    FactQuery::container(&ContainerRef::new(name.to_owned()), Within::Owner, true)
}

/// What a container takes of the host's namespaces, as a create asks for it.
pub(super) struct Mode<'a> {
    /// The field of HostConfig.
    pub(super) field: &'static str,
    /// What the client wrote.
    pub(super) mode: &'a str,
    /// The modes that need no key.
    pub(super) free: &'static [&'static str],
    /// What the policy grants.
    pub(super) granted: &'a [String],
    /// The key of that grant.
    pub(super) key: &'static str,
    /// Whether another own container may be named.
    pub(super) shares: bool,
}

impl Mode<'_> {
    /// Judges it; gives it as the engine gets it, with another container by its full ID.
    pub(super) fn decide(&self, judge: &Judge<'_>, facts: &Facts) -> Result<String, Denial> {
        let Self { field, mode, free, granted, key, shares } = self;
        let place = format!("HostConfig.{field}");
        if free.contains(mode) || granted.iter().any(|word| word == mode) {
            return Ok((*mode).to_owned());
        }
        if let Some(name) = mode.strip_prefix(CONTAINER).filter(|_| *shares) {
            let found = shared(judge, &place, name, facts)?;
            return Ok(format!("{CONTAINER}{}", found.id));
        }
        let allowed = patterns(granted.iter().map(String::as_str));
        Err(judge.refuse(ID, place, shown(mode), allowed, key))
    }
}

/// The own container that a word names, if what it has of the host may be shared.
pub(super) fn shared<'f>(
    judge: &Judge<'_>,
    place: &str,
    name: &str,
    facts: &'f Facts,
) -> Result<&'f ContainerFacts, Denial> {
    let found = own(judge, place, name, facts)?;
    still_granted(judge, ID, place, found)?;
    Ok(found)
}

/// The own container that a word names.
pub(super) fn own<'f>(
    judge: &Judge<'_>,
    place: &str,
    name: &str,
    facts: &'f Facts,
) -> Result<&'f ContainerFacts, Denial> {
    let found = facts.container(&query(name)).filter(|found| judge.owns(found));
    found.ok_or_else(|| {
        let why = "only a container of the client's own can be shared with, and it has none of that name";
        judge.floor(ID, place, format!("container {}", shown(name)), why)
    })
}

/// Whether the policy grants today what a container has of the host.
pub(super) fn still_granted(
    judge: &Judge<'_>,
    id: &'static str,
    place: &str,
    found: &ContainerFacts,
) -> Result<(), Denial> {
    let Powers { network_mode, pid_mode, ipc_mode, uts_mode, userns_mode, cap_add, devices, binds } = &found.powers;
    let host = &judge.policy.containers.host;
    let refuse = |wanted: String, allowed: String, key| Err(judge.refuse(id, place, wanted, allowed, key));
    if found.privileged && !host.privileged {
        return refuse(
            "a privileged container".to_owned(),
            "no privileged container".to_owned(),
            keys::CONTAINERS_HOST_PRIVILEGED,
        );
    }
    let modes = [
        ("network", network_mode, &host.network, keys::CONTAINERS_HOST_NETWORK),
        ("processes", pid_mode, &host.pid, keys::CONTAINERS_HOST_PID),
        ("IPC", ipc_mode, &host.ipc, keys::CONTAINERS_HOST_IPC),
        ("name", uts_mode, &host.uts, keys::CONTAINERS_HOST_UTS),
        ("users", userns_mode, &host.userns, keys::CONTAINERS_HOST_USERNS),
    ];
    for (what, mode, granted, key) in modes {
        if mode == HOST && !granted.contains(mode) {
            return refuse(format!("a container with the host's {what}"), "none".to_owned(), key);
        }
    }
    let all = host.cap_add.iter().any(|name| name == capability::ALL);
    let ungranted =
        |name: &&String| !all && !capability::canonical(name).is_some_and(|name| host.cap_add.contains(&name));
    if let Some(name) = cap_add.iter().find(ungranted) {
        let allowed = patterns(host.cap_add.iter().map(String::as_str));
        return refuse(
            format!("a container with the capability {}", shown(name)),
            allowed,
            keys::CONTAINERS_HOST_CAP_ADD,
        );
    }
    if let Some(path) = devices.iter().find(|path| !host.devices.iter().any(|grant| grant.path == **path)) {
        let allowed = patterns(host.devices.iter().map(|grant| grant.path.as_str()));
        return refuse(format!("a container with device {}", shown(path)), allowed, keys::CONTAINERS_HOST_DEVICES);
    }
    let bound = |source: &str, writable: bool| {
        host.binds.iter().any(|grant| grant.source == source && (grant.writable || !writable))
    };
    match binds.iter().find(|(source, writable)| !bound(source, *writable)) {
        None => Ok(()),
        // the path is one that the policy granted once, or an operator's: it is not repeated
        Some(_) => refuse(
            "a container with a path of the host".to_owned(),
            "other paths".to_owned(),
            keys::CONTAINERS_HOST_BINDS,
        ),
    }
}

/// Judges `VolumesFrom`: mounts of own containers, by full ID, and only such binds as the policy grants still.
pub(super) fn volumes_from(judge: &Judge<'_>, specs: &[String], facts: &Facts) -> Result<Vec<String>, Denial> {
    let judge_one = |(index, spec): (usize, &String)| {
        let place = format!("HostConfig.VolumesFrom[{index}]");
        let mode = spec.split_once(':').map(|(_, mode)| mode);
        if !mode.is_none_or(|mode| ["ro", "rw"].contains(&mode)) {
            return Err(judge.floor(ID, place, shown(spec), "it is `NAME`, `NAME:ro` or `NAME:rw`"));
        }
        let found = shared(judge, &place, without_mode(spec), facts)?;
        Ok(mode.map_or_else(|| found.id.to_string(), |mode| format!("{}:{mode}", found.id)))
    };
    specs.iter().enumerate().map(judge_one).collect()
}

fn without_mode(spec: &str) -> &str {
    spec.split_once(':').map_or(spec, |(name, _)| name)
}

/// The container in `container[:alias]`, which some clients write as `/name:/other/alias`.
pub(super) fn linked_name(link: &str) -> &str {
    without_mode(link).trim_start_matches('/')
}

/// What a mode that names another container begins with.
pub(super) const CONTAINER: &str = "container:";

/// The mode that takes the host's own.
pub(super) const HOST: &str = "host";
