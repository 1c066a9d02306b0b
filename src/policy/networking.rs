//! Judges the networks of a new container: `NetworkMode`, `EndpointsConfig`, and what the policy attaches.
//!
//! With `attach`, the first of its networks replaces the default one, so that a test container has no way out that its
//! client has not. Must never let a client choose a name or an address on a network that it shares with others.

use std::collections::BTreeMap;

use super::compile::AttachMode;
use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::facts::{ContainerFacts, ContainerNames, FactQuery, Facts, NetworkFacts};
use super::file::keys;
use super::judge::Judge;
use super::pattern::Pattern;
use super::{neighbours, network};
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
pub(super) fn questions(judge: &Judge<'_>, create: &ContainerCreate, facts: &Facts) -> Vec<FactQuery> {
    let ContainerCreate { query, body } = create;
    let mut wanted: Vec<FactQuery> = networks_of(judge, body).map(|name| FactQuery::Network(name.to_owned())).collect();
    if !query.name.is_empty() || !body.hostname.is_empty() {
        wanted.extend(neighbours_of(judge, networks_of(judge, body), facts));
    }
    wanted
}

/// Who else is on those of these networks that are shared: what has to be known before a container gets a name there. The
/// networks themselves have to be known first.
pub(super) fn neighbours_of(
    judge: &Judge<'_>,
    words: impl Iterator<Item = impl AsRef<str>>,
    facts: &Facts,
) -> Vec<FactQuery> {
    neighbours::questions(&shared(judge, words, facts))
}

/// The networks that a create names or gets.
fn networks_of<'b>(judge: &'b Judge<'_>, body: &'b ContainerCreateBody) -> impl Iterator<Item = &'b str> {
    let named = body.networking_config.endpoints_config.keys().map(|name| default_as_bridge(name));
    let attached = judge.policy.containers.attach.iter().map(String::as_str);
    let mode = default_as_bridge(&body.host_config.network_mode);
    named.chain(attached).chain([mode]).filter(|name| is_network_word(name))
}

/// Those that others are on as well: neither predefined, where there is no DNS, nor the owner's own.
fn shared<'f>(
    judge: &Judge<'_>,
    words: impl Iterator<Item = impl AsRef<str>>,
    facts: &'f Facts,
) -> Vec<&'f NetworkFacts> {
    words.filter_map(|word| facts.network(word.as_ref())).filter(|found| is_shared(judge, found)).collect()
}

fn is_shared(judge: &Judge<'_>, network: &NetworkFacts) -> bool {
    !network::is_predefined(&network.name) && !network::owns(judge, network)
}

pub(super) fn decide(
    judge: &Judge<'_>,
    network_mode: &str,
    networking_config: NetworkingConfig,
    facts: &Facts,
) -> Result<Joined, Denial> {
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
            judge_endpoint(judge, ID, &place, settings, None)?;
            continue;
        }
        let found = joinable(judge, &place, &name, facts)?;
        let settings = judge_endpoint(judge, ID, &place, settings, Some(found))?;
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

/// Where a container shares a network with others, nobody can take the name of another service.
pub(super) fn names_are_free(judge: &Judge<'_>, create: &ContainerCreate, facts: &Facts) -> Result<(), Denial> {
    let ContainerCreate { query, body } = create;
    let shared = shared(judge, networks_of(judge, body), facts);
    for (place, name) in [("name", &query.name), ("Hostname", &body.hostname)] {
        neighbours::name_is_free(judge, ID, place, name, &shared, facts)?;
    }
    if shared.is_empty() { Ok(()) } else { neighbours::host_name_is_granted(judge, ID, "Hostname", &body.hostname) }
}

/// What has to be known of a network that a container is connected to: who else is on it.
pub(super) fn connect_questions(judge: &Judge<'_>, network: &NetworkFacts) -> Vec<FactQuery> {
    if is_shared(judge, network) { neighbours::questions(&[network]) } else { Vec::new() }
}

/// Whether a container may bring its names onto a network.
pub(super) fn connect_is_free(
    judge: &Judge<'_>,
    operation: &'static str,
    container: &ContainerFacts,
    network: &NetworkFacts,
    facts: &Facts,
) -> Result<(), Denial> {
    if !is_shared(judge, network) {
        return Ok(());
    }
    let ContainerNames { name, hostname, aliases: _of_other_networks } = &container.names;
    for name in [name, hostname] {
        neighbours::name_is_free(judge, operation, "Container", name, &[network], facts)?;
    }
    let its_id = container.id.as_str().starts_with(hostname.as_str());
    if its_id { Ok(()) } else { neighbours::host_name_is_granted(judge, operation, "Container", hostname) }
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
    if word == "host" || word.starts_with("container:") {
        return Err(judge.not_yet(ID, place, shown(name), keys::CONTAINERS_HOST_NETWORK));
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

/// Judges a container's place in a network, at create and at connect; `found` is the network.
pub(super) fn judge_endpoint(
    judge: &Judge<'_>,
    operation: &'static str,
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
        return Err(judge.not_yet(operation, format!("{place}.{field}"), "a value", key));
    }
    let operational = [&endpoint_id, &gateway, &ip_address, &ipv6_gateway, &global_ipv6_address];
    let measured = operational.iter().any(|text| !text.is_empty())
        || ip_prefix_len != 0
        || global_ipv6_prefix_len != 0
        || !dns_names.is_empty();
    if measured {
        let why = "it is an answer, not a question";
        return Err(judge.floor(operation, place, "a value that only the engine sets", why));
    }
    if !network_id.is_empty() && found.is_none_or(|network| network.id != network_id) {
        let why = "it is not the ID of the network that the endpoint is named after";
        return Err(judge.floor(operation, format!("{place}.NetworkID"), shown(&network_id), why));
    }
    judge_aliases(judge, operation, place, &aliases, found)?;
    Ok(EndpointSettings { aliases, network_id, ..EndpointSettings::default() })
}

/// A name of one's own on a network is harmless where everybody on it is one's own.
fn judge_aliases(
    judge: &Judge<'_>,
    operation: &'static str,
    place: &str,
    aliases: &[String],
    found: Option<&NetworkFacts>,
) -> Result<(), Denial> {
    let own = found.is_some_and(|network| network::owns(judge, network));
    match aliases.first() {
        Some(alias) if !own => {
            let why = "on a network that is shared with others it could take another's name";
            Err(judge.floor(operation, format!("{place}.Aliases"), shown(alias), why))
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
