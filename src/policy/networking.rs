//! Judges the networks of a new container: NetworkMode, EndpointsConfig, and what the policy attaches.
//!
//! With `attach`, the first of its networks replaces the default one, so that a test container has no way out that its
//! client has not. Must never let a client choose a name or an address on a network that it shares with others.

use std::collections::BTreeMap;

use super::compile::AttachMode;
use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::facts::{FactQuery, Facts, NetworkFacts};
use super::file::keys;
use super::judge::Judge;
use super::network;
use super::pattern::Pattern;
use crate::operation::container::ContainerCreate;
use crate::operation::model::{ContainerCreateBody, EndpointIPAMConfig, EndpointSettings, NetworkingConfig};

/// Networking as the engine gets it.
pub(super) struct Joined {
    pub(super) network_mode: String,
    pub(super) networking_config: NetworkingConfig,
    /// Further networks, by ID, to connect after the create and before the start.
    pub(super) connect: Vec<String>,
}

/// Every network that has to be known: those that the client names, and those that the policy attaches.
pub(super) fn questions(judge: &Judge<'_>, body: &ContainerCreateBody) -> Vec<FactQuery> {
    let named = body.networking_config.endpoints_config.keys().map(|name| default_as_bridge(name));
    let attached = judge.policy.containers.attach.iter().map(String::as_str);
    let mode = default_as_bridge(&body.host_config.network_mode);
    let all = named.chain(attached).chain([mode]);
    all.filter(|name| is_network_word(name)).map(|name| FactQuery::Network(name.to_owned())).collect()
}

pub(super) fn decide(
    judge: &Judge<'_>,
    network_mode: &str,
    networking_config: NetworkingConfig,
    facts: &Facts,
) -> Result<Joined, Denial> {
    let replaced = replaces_default(judge) && default_as_bridge(network_mode) == "bridge";
    let mode = match judge.policy.containers.attach.first() {
        Some(first) if replaced => first.as_str(),
        _ => network_mode,
    };
    if !replaced {
        joinable(judge, "HostConfig.NetworkMode", network_mode, facts)?;
    }
    let NetworkingConfig { endpoints_config } = networking_config;
    let mut endpoints = BTreeMap::new();
    for (name, settings) in endpoints_config {
        let place = format!("NetworkingConfig.EndpointsConfig[{name}]");
        let is_default = default_as_bridge(&name) == "bridge";
        let found = if is_default && replaced { None } else { Some(joinable(judge, &place, &name, facts)?) };
        let settings = judge_endpoint(judge, &place, settings, found)?;
        let key = if is_default && replaced { mode.to_owned() } else { name };
        if settings != EndpointSettings::default() || found.is_some_and(|n| !network::is_predefined(&n.name)) {
            endpoints.insert(key, settings);
        }
    }
    let connect = further_networks(judge, replaced, mode, facts)?;
    let networking_config = NetworkingConfig { endpoints_config: endpoints };
    Ok(Joined { network_mode: mode.to_owned(), networking_config, connect })
}

/// Where a container shares a network with others, nobody can take the name of another service: the engine's DNS serves
/// container names and host names alike.
pub(super) fn names_are_free(judge: &Judge<'_>, create: &ContainerCreate, facts: &Facts) -> Result<(), Denial> {
    let names = [("name", create.query.name.as_str()), ("Hostname", create.body.hostname.as_str())];
    for network in judge.policy.containers.attach.iter().filter_map(|name| facts.network(name)) {
        let taken = |name: &str| network.endpoints.iter().any(|(_, other)| !name.is_empty() && other == name);
        if let Some((place, name)) = names.iter().find(|(_, name)| taken(name)) {
            let why = format!("it is the name of another container on network {}", shown(&network.name));
            return Err(judge.floor(ID, *place, shown(name), why));
        }
    }
    Ok(())
}

/// The networks of `attach` that the create does not join by its mode.
fn further_networks(judge: &Judge<'_>, replaced: bool, mode: &str, facts: &Facts) -> Result<Vec<String>, Denial> {
    if mode == "none" {
        return Ok(Vec::new());
    }
    let attach = judge.policy.containers.attach.iter().skip(usize::from(replaced));
    let ids = attach.map(|name| match facts.network(name) {
        Some(found) => Ok(found.id.clone()),
        None => {
            let why = "the policy attaches containers to it, and the engine does not have it; an operator creates it";
            Err(judge.floor(ID, "HostConfig.NetworkMode", format!("network {}", shown(name)), why))
        }
    });
    ids.collect()
}

/// The network that a client names, if its containers may be on it.
fn joinable<'f>(judge: &Judge<'_>, place: &str, name: &str, facts: &'f Facts) -> Result<&'f NetworkFacts, Denial> {
    let word = default_as_bridge(name);
    if word == "host" || word.starts_with("container:") {
        return Err(judge.not_yet(ID, place, shown(name), keys::CONTAINERS_HOST_NETWORK));
    }
    match facts.network(word).filter(|found| network::joinable(judge, found)) {
        // an ID prefix could mean another network tomorrow: only full names and full IDs are addresses
        Some(found) if found.name == word || found.id == word => Ok(found),
        Some(_) | None => {
            let allowed = patterns(judge.policy.containers.networks.iter().map(Pattern::as_str));
            let allowed = format!("the networks {allowed} and the client's own");
            Err(judge.refuse(ID, place, format!("network {}", shown(name)), allowed, keys::CONTAINERS_NETWORKS))
        }
    }
}

fn judge_endpoint(
    judge: &Judge<'_>,
    place: &str,
    settings: EndpointSettings,
    found: Option<&NetworkFacts>,
) -> Result<EndpointSettings, Denial> {
    let EndpointSettings {
        ipam_config,
        links,
        aliases,
        mac_address,
        driver_opts,
        gw_priority,
        network_id,
        endpoint_id,
        gateway,
        ip_address,
        ip_prefix_len,
        ipv6_gateway,
        global_ipv6_address,
        global_ipv6_prefix_len,
        dns_names,
    } = settings;
    let addresses = keys::CONTAINERS_HOST_ADDRESSES;
    let asked = [
        ("IPAMConfig", !has_address(ipam_config.as_ref()), addresses),
        ("MacAddress", mac_address.is_empty(), addresses),
        ("DriverOpts", driver_opts.0.is_empty(), addresses),
        ("GwPriority", gw_priority == 0, addresses),
        ("Links", links.is_empty(), keys::CONTAINERS_HOST_LINKS),
    ];
    if let Some((field, _, key)) = asked.iter().find(|(_, neutral, _)| !neutral) {
        return Err(judge.not_yet(ID, format!("{place}.{field}"), "a value", key));
    }
    let operational = [&endpoint_id, &gateway, &ip_address, &ipv6_gateway, &global_ipv6_address];
    let measured = operational.iter().any(|text| !text.is_empty())
        || ip_prefix_len != 0
        || global_ipv6_prefix_len != 0
        || !dns_names.is_empty();
    if measured {
        return Err(judge.floor(ID, place, "a value that only the engine sets", "it is an answer, not a question"));
    }
    if !network_id.is_empty() && !found.is_some_and(|network| network.id == network_id) {
        let why = "it is not the ID of the network that the endpoint is named after";
        return Err(judge.floor(ID, format!("{place}.NetworkID"), shown(&network_id), why));
    }
    judge_aliases(judge, place, &aliases, found)?;
    Ok(EndpointSettings { aliases, network_id, ..EndpointSettings::default() })
}

/// A name of one's own on a network is harmless where everybody on it is one's own.
fn judge_aliases(
    judge: &Judge<'_>,
    place: &str,
    aliases: &[String],
    found: Option<&NetworkFacts>,
) -> Result<(), Denial> {
    let own = found.is_some_and(|network| judge.stamp.owner.owns(&network.labels));
    match aliases.first() {
        Some(alias) if !own => {
            let why = "on a network that is shared with others it could take another's name";
            Err(judge.floor(ID, format!("{place}.Aliases"), shown(alias), why))
        }
        Some(_) | None => Ok(()),
    }
}

fn has_address(ipam_config: Option<&EndpointIPAMConfig>) -> bool {
    ipam_config.is_some_and(|config| {
        let EndpointIPAMConfig { ipv4_address, ipv6_address, link_local_ips } = config;
        !ipv4_address.is_empty() || !ipv6_address.is_empty() || !link_local_ips.is_empty()
    })
}

fn replaces_default(judge: &Judge<'_>) -> bool {
    let containers = &judge.policy.containers;
    !containers.attach.is_empty() && containers.attach_mode == AttachMode::Replace
}

/// An absent mode and `default` mean the engine's bridge.
fn default_as_bridge(name: &str) -> &str {
    if name.is_empty() || name == "default" { "bridge" } else { name }
}

fn is_network_word(name: &str) -> bool {
    name.len() <= 128 && !name.starts_with("container:") && !name.contains(['/', '\0'])
}
