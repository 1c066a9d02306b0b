//! Judges the networks of a new container: `NetworkMode`, `EndpointsConfig`, and what the policy attaches.
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
use super::pattern::Pattern;
use super::{addresses, names, namespaces, network};
use crate::operation::container::ContainerCreate;
use crate::operation::model::{ContainerCreateBody, EndpointSettings, NetworkingConfig};

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
    if network_mode == namespaces::HOST || network_mode.starts_with(namespaces::CONTAINER) {
        return share(judge, network_mode, networking_config, facts);
    }
    let replaced = replaces_default(judge) && default_as_bridge(network_mode) == "bridge";
    let (mode, main) = match judge.policy.containers.attach.first() {
        Some(first) if replaced => (first.as_str(), attached(judge, first, facts)?),
        Some(_) | None => (network_mode, joinable(judge, "HostConfig.NetworkMode", network_mode, facts)?),
    };
    let NetworkingConfig { endpoints_config } = networking_config;
    let mut joined = vec![main.id.as_str()];
    let mut endpoints: BTreeMap<String, EndpointSettings> = BTreeMap::new();
    for (name, settings) in endpoints_config {
        let place = format!("NetworkingConfig.EndpointsConfig[{name}]");
        if replaced && default_as_bridge(&name) == "bridge" {
            // the default network has no settings that may pass, and its replacement gets none
            judge_endpoint(judge, &place, settings, None, facts)?;
            continue;
        }
        let found = joinable(judge, &place, &name, facts)?;
        let settings = judge_endpoint(judge, &place, settings, Some(found), facts)?;
        if found.id == main.id && network::is_predefined(&found.name) && settings == EndpointSettings::default() {
            continue;
        }
        if endpoints.keys().any(|other| facts.network(default_as_bridge(other)) == Some(found)) {
            return Err(judge.floor(ID, place, shown(&name), "it is a second endpoint of the same network"));
        }
        joined.push(&found.id);
        endpoints.insert(name, settings);
    }
    let connect = if main.name == "none" { Vec::new() } else { further_networks(judge, &joined, facts)? };
    let networking_config = NetworkingConfig { endpoints_config: endpoints };
    Ok(Joined { network_mode: mode.to_owned(), networking_config, connect })
}

/// The interfaces of the host, or of another own container: it has no network of its own beside them.
fn share(
    judge: &Judge<'_>,
    mode: &str,
    NetworkingConfig { endpoints_config }: NetworkingConfig,
    facts: &Facts,
) -> Result<Joined, Denial> {
    let place = "HostConfig.NetworkMode";
    let network_mode = match mode.strip_prefix(namespaces::CONTAINER) {
        Some(name) => joined_container(judge, place, name, facts)?,
        None if network::is_granted_host(judge, mode) => mode.to_owned(),
        None => return Err(no_host(judge, place)),
    };
    for (name, settings) in endpoints_config {
        let place = format!("NetworkingConfig.EndpointsConfig[{name}]");
        if name != mode && name != "default" {
            let why = "a container on the interfaces of another, or of the host, is on no network besides";
            return Err(judge.floor(ID, place, shown(&name), why));
        }
        judge_endpoint(judge, &place, settings, None, facts)?;
    }
    Ok(Joined { network_mode, networking_config: NetworkingConfig::default(), connect: Vec::new() })
}

/// An own container with interfaces of its own: whose interfaces it shares in turn would be judged by nobody.
fn joined_container(judge: &Judge<'_>, place: &str, name: &str, facts: &Facts) -> Result<String, Denial> {
    let found = namespaces::shared(judge, place, name, facts)?;
    if found.powers.network_mode.starts_with(namespaces::CONTAINER) {
        let why = "it is itself on the interfaces of another container; name that one";
        return Err(judge.floor(ID, place, format!("container {}", shown(name)), why));
    }
    if let Some(network) = network::foreign_to(judge, found, facts) {
        let wanted = format!("a container on network {}", shown(network));
        return Err(judge.refuse(ID, place, wanted, "other networks", keys::CONTAINERS_NETWORKS));
    }
    Ok(format!("{}{}", namespaces::CONTAINER, found.id))
}

fn no_host(judge: &Judge<'_>, place: &str) -> Denial {
    let granted = &judge.policy.containers.host.network;
    if granted.iter().any(|mode| mode == namespaces::HOST) {
        let allowed = "no predefined network beside those of `attach`";
        return judge.refuse(ID, place, "`host`", allowed, keys::CONTAINERS_ATTACH_MODE);
    }
    judge.refuse(ID, place, "`host`", "no network of the host", keys::CONTAINERS_HOST_NETWORK)
}

/// Where a container shares a network with others, nobody can take the name of another service: the engine's DNS serves
/// container names, short IDs and host names alike, without regard to case. What further names others have there, the
/// engine does not show, so a host name follows the rule for names.
pub(super) fn names_are_free(judge: &Judge<'_>, create: &ContainerCreate, facts: &Facts) -> Result<(), Denial> {
    let ContainerCreate { query, body } = create;
    let joined = body.networking_config.endpoints_config.keys().chain([&body.host_config.network_mode]);
    let joined =
        joined.map(|name| default_as_bridge(name)).chain(judge.policy.containers.attach.iter().map(String::as_str));
    let shared =
        |network: &&NetworkFacts| !network::is_predefined(&network.name) && !judge.stamp.owner.owns(&network.labels);
    let shared: Vec<&NetworkFacts> = joined.filter_map(|name| facts.network(name)).filter(shared).collect();
    for network in &shared {
        for (place, name) in [("name", &query.name), ("Hostname", &body.hostname)] {
            name_is_free(judge, place, name, network)?;
        }
    }
    let allowed = &judge.policy.containers.names;
    if shared.is_empty() || body.hostname.is_empty() || allowed.matches(&body.hostname) {
        return Ok(());
    }
    let allowed = format!("the names {}", patterns(allowed.iter().map(Pattern::as_str)));
    Err(judge.refuse(ID, "Hostname", shown(&body.hostname), allowed, keys::CONTAINERS_NAMES))
}

fn name_is_free(judge: &Judge<'_>, place: &str, name: &str, network: &NetworkFacts) -> Result<(), Denial> {
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    let taken = |(id, other): &(String, String)| {
        other.eq_ignore_ascii_case(&lower) || (lower.len() >= SHORT_ID && id.starts_with(&lower))
    };
    if lower.is_empty() || !network.endpoints.iter().any(taken) {
        return Ok(());
    }
    let why = format!("it is the name of another container on network {}", shown(&network.name));
    Err(judge.floor(ID, place, shown(name), why))
}

/// The networks of `attach` that the create does not join.
fn further_networks(judge: &Judge<'_>, joined: &[&str], facts: &Facts) -> Result<Vec<String>, Denial> {
    let mut ids = Vec::new();
    for name in &judge.policy.containers.attach {
        let found = attached(judge, name, facts)?;
        if !joined.contains(&found.id.as_str()) && !ids.contains(&found.id) {
            ids.push(found.id.clone());
        }
    }
    Ok(ids)
}

/// A network of `attach`, by its very name: an ID prefix that looks like it is another one.
fn attached<'f>(judge: &Judge<'_>, name: &str, facts: &'f Facts) -> Result<&'f NetworkFacts, Denial> {
    facts.network(name).filter(|found| found.name == name).ok_or_else(|| {
        let why = "the policy attaches containers to it, and the engine does not have it; an operator creates it";
        judge.floor(ID, "HostConfig.NetworkMode", format!("network {}", shown(name)), why)
    })
}

/// The network that a client names, if its containers may be on it.
fn joinable<'f>(judge: &Judge<'_>, place: &str, name: &str, facts: &'f Facts) -> Result<&'f NetworkFacts, Denial> {
    let word = default_as_bridge(name);
    if word == namespaces::HOST {
        return Err(no_host(judge, place));
    }
    let allowed =
        |found: &&NetworkFacts| network::joinable(judge, found) || network::is_default_and_kept(judge, &found.name);
    match facts.network(word).filter(allowed) {
        // an ID prefix could mean another network tomorrow: only full names and full IDs are addresses
        Some(found) if found.name == word || found.id == word => Ok(found),
        Some(_) | None => {
            let allowed = patterns(judge.policy.containers.networks.iter().map(Pattern::as_str));
            let allowed = format!("the networks {allowed} and the client's own");
            Err(judge.refuse(ID, place, format!("network {}", shown(word)), allowed, keys::CONTAINERS_NETWORKS))
        }
    }
}

fn judge_endpoint(
    judge: &Judge<'_>,
    place: &str,
    settings: EndpointSettings,
    found: Option<&NetworkFacts>,
    facts: &Facts,
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
    let ipam_config = ipam_config.filter(addresses::is_set);
    let asked = addresses::Asked {
        ipam_config: ipam_config.as_ref(),
        mac_address: &mac_address,
        driver_opts: &driver_opts,
        gw_priority,
        links: &links,
    };
    asked.decide(judge, place, found)?;
    let links = names::links(judge, &format!("{place}.Links"), &links, facts)?;
    let operational = [&endpoint_id, &gateway, &ip_address, &ipv6_gateway, &global_ipv6_address];
    let measured = operational.iter().any(|text| !text.is_empty())
        || ip_prefix_len != 0
        || global_ipv6_prefix_len != 0
        || !dns_names.is_empty();
    if measured {
        return Err(judge.floor(ID, place, "a value that only the engine sets", "it is an answer, not a question"));
    }
    if !network_id.is_empty() && found.is_none_or(|network| network.id != network_id) {
        let why = "it is not the ID of the network that the endpoint is named after";
        return Err(judge.floor(ID, format!("{place}.NetworkID"), shown(&network_id), why));
    }
    judge_aliases(judge, place, &aliases, found)?;
    Ok(EndpointSettings {
        ipam_config,
        links,
        aliases,
        mac_address,
        driver_opts,
        gw_priority,
        network_id,
        ..EndpointSettings::default()
    })
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

/// Digits of the short ID, by which the engine's DNS knows a container as well.
const SHORT_ID: usize = 12;
