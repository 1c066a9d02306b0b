//! Judges published ports: which container ports, on which addresses of the host, on which host ports.
//!
//! An empty address means every address of the host, and `PublishAllPorts` means every port that the image declares, so
//! both are written out. Must never leave an address to the engine's default.

use std::collections::BTreeMap;

use super::compile::{AttachMode, PublishAddress, PublishPorts};
use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::facts::{FactQuery, Facts, ImageFacts};
use super::file::keys;
use super::judge::Judge;
use super::pattern::{PortPattern, Protocol};
use crate::operation::model::{ContainerCreateBody, EmptyObject, HostConfig, PortBinding};

/// Ports as the engine gets them.
pub(super) struct Published {
    pub(super) bindings: BTreeMap<String, Vec<PortBinding>>,
}

/// Whose gateway has to be known.
pub(super) fn questions(judge: &Judge<'_>, body: &ContainerCreateBody) -> Vec<FactQuery> {
    let publishes = !body.host_config.port_bindings.is_empty() || body.host_config.publish_all_ports;
    match judge.policy.containers.publish_address {
        PublishAddress::Bridge if publishes => vec![FactQuery::Network(gateway_network(judge).to_owned())],
        PublishAddress::Bridge | PublishAddress::Loopback | PublishAddress::Any => Vec::new(),
    }
}

/// Exposed ports say something about the container only, but they have to be ports.
pub(super) fn exposed_ports(judge: &Judge<'_>, ports: &BTreeMap<String, EmptyObject>) -> Result<(), Denial> {
    match ports.keys().find(|port| parse_ports(port).is_none()) {
        None => Ok(()),
        Some(port) => Err(judge.floor(ID, "ExposedPorts", shown(port), "a port is like `5432/tcp`")),
    }
}

pub(super) fn decide(
    judge: &Judge<'_>,
    host_config: &HostConfig,
    exposed: &BTreeMap<String, EmptyObject>,
    image: &ImageFacts,
    facts: &Facts,
) -> Result<Published, Denial> {
    let mut bindings = BTreeMap::new();
    for (port, asked) in &host_config.port_bindings {
        let place = format!("HostConfig.PortBindings[{port}]");
        granted_port(judge, &place, port)?;
        let asked = if asked.is_empty() { vec![PortBinding::default()] } else { asked.clone() };
        let written =
            asked.iter().map(|binding| judge_binding(judge, &place, binding, facts)).collect::<Result<_, _>>()?;
        bindings.insert(port.clone(), written);
    }
    if host_config.publish_all_ports {
        // every port that the image or the client exposes and the policy lets out; the others stay inside
        let declared = image.exposed_ports.iter().chain(exposed.keys());
        for port in declared.filter(|port| granted_port(judge, "HostConfig.PublishAllPorts", port).is_ok()) {
            let binding = judge_binding(judge, "HostConfig.PublishAllPorts", &PortBinding::default(), facts)?;
            bindings.entry(port.clone()).or_insert_with(|| vec![binding]);
        }
    }
    Ok(Published { bindings })
}

fn granted_port(judge: &Judge<'_>, place: &str, text: &str) -> Result<(), Denial> {
    let granted = &judge.policy.containers.publish;
    match parse_ports(text) {
        Some(_) if matches(granted, text) => Ok(()),
        Some((first, last, _)) if first != last => {
            Err(judge.floor(ID, place, shown(text), "name ports one by one, not as a range"))
        }
        Some(_) | None => {
            let wanted = format!("publishes {}", shown(text));
            Err(judge.refuse(ID, place, wanted, in_words(granted), keys::CONTAINERS_PUBLISH))
        }
    }
}

/// Whether a single port is among these.
pub(super) fn matches(granted: &[PortPattern], text: &str) -> bool {
    parse_ports(text).is_some_and(|(first, last, protocol)| {
        first == last && granted.iter().any(|port| port.matches(first, protocol))
    })
}

/// Ports for a message.
pub(super) fn in_words(granted: &[PortPattern]) -> String {
    let allowed = granted.iter().map(|port| format!("`{port}`")).collect::<Vec<_>>().join(", ");
    if allowed.is_empty() { "no port".to_owned() } else { format!("the ports {allowed}") }
}

fn judge_binding(judge: &Judge<'_>, place: &str, asked: &PortBinding, facts: &Facts) -> Result<PortBinding, Denial> {
    let PortBinding { host_ip, host_port } = asked;
    Ok(PortBinding {
        host_ip: judge_address(judge, place, host_ip, facts)?,
        host_port: judge_host_port(judge, place, host_port)?,
    })
}

/// What a client leaves open becomes what the policy allows; a wider address of its own is refused.
fn judge_address(judge: &Judge<'_>, place: &str, asked: &str, facts: &Facts) -> Result<String, Denial> {
    let loopback = ["127.0.0.1", "::1"];
    let place = format!("{place}.HostIp");
    let refuse =
        |allowed: String| Err(judge.refuse(ID, place.clone(), shown(asked), allowed, keys::CONTAINERS_PUBLISH_ADDRESS));
    match judge.policy.containers.publish_address {
        PublishAddress::Any if asked.is_empty() => Ok(String::new()),
        PublishAddress::Any if asked.parse::<std::net::IpAddr>().is_ok() => Ok(asked.to_owned()),
        PublishAddress::Any => refuse("an IP address".to_owned()),
        PublishAddress::Loopback if asked.is_empty() => Ok("127.0.0.1".to_owned()),
        PublishAddress::Loopback | PublishAddress::Bridge if loopback.contains(&asked) => Ok(asked.to_owned()),
        PublishAddress::Loopback => refuse(patterns(loopback.into_iter())),
        PublishAddress::Bridge => {
            let network = gateway_network(judge);
            let gateway = facts.network(network).and_then(|network| network.gateway.as_deref());
            match gateway {
                Some(gateway) if asked.is_empty() || asked == gateway => Ok(gateway.to_owned()),
                Some(gateway) => refuse(format!("{}, {}", patterns(loopback.into_iter()), shown(gateway))),
                None => refuse(format!("the gateway of network `{network}`, which the engine does not show")),
            }
        }
    }
}

fn judge_host_port(judge: &Judge<'_>, place: &str, asked: &str) -> Result<String, Denial> {
    let place = format!("{place}.HostPort");
    if asked.is_empty() || asked == "0" {
        return Ok(String::new());
    }
    let fixed = asked.bytes().all(|b| b.is_ascii_digit()) && asked.parse::<u16>().is_ok();
    match judge.policy.containers.publish_ports {
        PublishPorts::AsAsked if fixed => Ok(asked.to_owned()),
        PublishPorts::AsAsked => Err(judge.floor(ID, place, shown(asked), "a host port is a number up to 65535")),
        PublishPorts::Ephemeral => {
            let allowed = "ports that the engine picks (leave it empty or `0`)";
            Err(judge.refuse(ID, place, shown(asked), allowed, keys::CONTAINERS_PUBLISH_PORTS))
        }
    }
}

/// The network whose gateway ports are published on: the one that the container will be on first.
fn gateway_network<'p>(judge: &'p Judge<'_>) -> &'p str {
    let containers = &judge.policy.containers;
    let replaced = containers.attach.first().filter(|_| containers.attach_mode == AttachMode::Replace);
    replaced.map_or("bridge", String::as_str)
}

/// `5432/tcp`, `5432` (tcp) or `5000-5010/udp`, as first and last port and transport.
fn parse_ports(text: &str) -> Option<(u16, u16, Protocol)> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|port| plain && *port > 0)
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(()).and(Some((first, last, Protocol::parse(protocol)?)))
}
