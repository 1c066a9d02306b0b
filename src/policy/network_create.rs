//! Judges the networks that clients make: a plain bridge whose addresses the engine chooses, and nothing of the host.
//!
//! Must never let a driver option pass that is not in the short list: one of them hands a bridge of the host over.

use super::compile::NetworkGrant;
use super::container_create::patterns;
use super::denial::{Denial, shown};
use super::facts::{Counted, EngineFacts, FactQuery, Facts};
use super::file::keys;
use super::judge::{Judge, Judged};
use super::pattern::Pattern;
use super::{labels, quota, word};
use crate::operation::Operation;
use crate::operation::model::{ConfigReference, IPAM, IPAMConfig, NetworkCreateRequest, StringMap};
use crate::operation::network::NetworkOperation;

/// Docker's `operationId`.
const ID: &str = "NetworkCreate";

pub(super) fn questions(judge: &Judge<'_>) -> Vec<FactQuery> {
    let asks = !judge.policy.unrestricted && judge.policy.networks.create.is_some();
    if asks { vec![FactQuery::Engine] } else { Vec::new() }
}

/// The floor under `unrestricted`.
pub(super) fn floor(judge: &Judge<'_>, body: &NetworkCreateRequest) -> Result<(), Denial> {
    labels::reserved(judge, ID, "Labels", &body.labels)
}

pub(super) fn decide(judge: &Judge<'_>, body: NetworkCreateRequest, facts: &Facts) -> Result<Judged, Denial> {
    let NetworkCreateRequest {
        name,
        check_duplicate: _always,
        driver,
        scope,
        internal,
        attachable,
        ingress,
        config_only,
        config_from,
        ipam,
        enable_ipv4,
        enable_ipv6,
        enable_ipv6_lower,
        options,
        labels,
    } = body;
    let grant = judge_name(judge, &name)?;
    let neutral = |is_neutral: bool, place: &str, why: &str| {
        if is_neutral { Ok(()) } else { Err(judge.floor(ID, place, "a value", why)) }
    };
    if !["", "bridge"].contains(&driver.as_str()) {
        let why = "other drivers than `bridge` reach the networks of the host, or other hosts";
        return Err(judge.floor(ID, "Driver", shown(&driver), why));
    }
    neutral(["", "local"].contains(&scope.as_str()), "Scope", "swarms are closed")?;
    neutral(!attachable, "Attachable", "swarms are closed")?;
    neutral(!ingress, "Ingress", "swarms are closed")?;
    neutral(!config_only, "ConfigOnly", "a template for networks is none")?;
    let from = config_from.unwrap_or_default();
    neutral(from == ConfigReference::default(), "ConfigFrom", "it takes the settings of another network")?;
    neutral(enable_ipv4 != Some(false), "EnableIPv4", "a network has addresses of IPv4")?;
    // a body with a value in both spellings is not read at all
    let ipv6 = enable_ipv6.or(enable_ipv6_lower);
    neutral(ipv6 != Some(true), "EnableIPv6", "addresses of IPv6 are the operator's to give")?;
    judge_ipam(judge, ipam)?;
    let internal = internal || grant.internal || !judge.policy.containers.attach.is_empty();
    let options = judge_options(judge, options, internal, &facts.engine())?;
    labels::judge_labels(judge, ID, "Labels", &labels)?;
    quota::more(judge, ID, Counted::Networks, 1, facts)?;
    let amended = amended(internal && !body.internal, &options);
    let written = NetworkCreateRequest {
        name,
        // engines up to 24 would make a second one of the same name
        check_duplicate: true,
        driver,
        internal,
        enable_ipv6: ipv6,
        options,
        labels: labels::stamped(judge, labels, None),
        ..NetworkCreateRequest::default()
    };
    let operation = Operation::Network(NetworkOperation::Create(Box::new(written)));
    let follow_up = quota::follow_up(judge, Counted::Networks, 1);
    Ok(Judged { amended, follow_up, ..Judged::as_is(operation) })
}

/// The places that the policy wrote, for the audit.
fn amended(internal: bool, StringMap(options): &StringMap) -> Vec<String> {
    let isolated = options.keys().any(|option| GATEWAY_MODES.contains(&option.as_str()));
    let places = [(internal, "Internal"), (isolated, "Options"), (true, "Labels")];
    places.iter().filter(|(written, _)| *written).map(|(_, place)| (*place).to_owned()).collect()
}

fn judge_name<'p>(judge: &'p Judge<'_>, name: &str) -> Result<&'p NetworkGrant, Denial> {
    let wanted = || format!("network {}", shown(name));
    let Some(grant) = &judge.policy.networks.create else {
        return Err(judge.refuse(ID, "", format!("makes {}", wanted()), "no new networks", keys::NETWORKS_CREATE));
    };
    let NetworkGrant { names, max: _counted_elsewhere, internal: _ } = grant;
    if !is_network_name(name) {
        let why = "a name is up to 128 letters, digits, `_`, `.` or `-`, and begins with a letter or digit";
        return Err(judge.floor(ID, "Name", shown(name), why));
    }
    if word::looks_like_an_id(name) {
        return Err(judge.floor(ID, "Name", shown(name), "it could be taken for the ID of another network"));
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(judge.floor(ID, "Name", shown(name), "it is the name of a network that engines have"));
    }
    if means_another(judge, name) {
        return Err(judge.floor(ID, "Name", shown(name), "the policy means a network of the operator by it"));
    }
    if names.matches(name) {
        return Ok(grant);
    }
    let allowed = format!("the networks {}", patterns(names.iter().map(Pattern::as_str)));
    Err(judge.refuse(ID, "Name", wanted(), allowed, keys::NETWORKS_CREATE_NAMES))
}

/// Whether the policy attaches containers to a network of this name, or lets them join it: who made one first would
/// have the containers of others on it.
fn means_another(judge: &Judge<'_>, name: &str) -> bool {
    let containers = &judge.policy.containers;
    let exact = containers.networks.iter().any(|pattern| pattern.as_str() == name);
    exact || containers.attach.iter().any(|attached| attached == name)
}

fn is_network_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    (1..=128).contains(&text.len())
        && text.bytes().all(inner)
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

fn judge_ipam(judge: &Judge<'_>, ipam: Option<IPAM>) -> Result<(), Denial> {
    let Some(IPAM { driver, options, config }) = ipam else { return Ok(()) };
    if !["", "default"].contains(&driver.as_str()) {
        return Err(judge.floor(ID, "IPAM.Driver", shown(&driver), "it is a plugin of the host"));
    }
    if let Some(option) = options.0.keys().next() {
        let wanted = format!("the option {}", shown(option));
        return Err(judge.floor(ID, "IPAM.Options", wanted, "the default driver of addresses has none"));
    }
    match config.iter().position(|subnet| *subnet != IPAMConfig::default()) {
        None => Ok(()),
        Some(index) => {
            let why = "the engine chooses the addresses; others could shadow routes of the host";
            Err(judge.floor(ID, format!("IPAM.Config[{index}]"), "a subnet", why))
        }
    }
}

/// The client's options, where they only take something away, and the isolation from the host: without it an internal
/// network still has the host's address on its bridge. Engines before 28 do not know it.
fn judge_options(
    judge: &Judge<'_>,
    StringMap(mut options): StringMap,
    internal: bool,
    engine: &EngineFacts,
) -> Result<StringMap, Denial> {
    let plain = |(option, value): &(&String, &String)| {
        let is_mode = GATEWAY_MODES.contains(&option.as_str());
        (*option == BETWEEN_CONTAINERS && ["true", "false"].contains(&value.as_str()))
            || (is_mode && internal && value.as_str() == ISOLATED)
    };
    if let Some((option, _)) = options.iter().find(|pair| !plain(pair)) {
        let why = format!("options are {}", shown(BETWEEN_CONTAINERS));
        return Err(judge.floor(ID, "Options", format!("the option {}", shown(option)), why));
    }
    if internal && can_isolate(engine) {
        options.extend(GATEWAY_MODES.map(|mode| (mode.to_owned(), ISOLATED.to_owned())));
    }
    Ok(StringMap(options))
}

fn can_isolate(engine: &EngineFacts) -> bool {
    let major = engine.server_version.split('.').next().unwrap_or_default();
    major.parse::<u32>().is_ok_and(|major| major >= FIRST_THAT_ISOLATES)
}

/// Docker 28 (API 1.48) has the gateway mode `isolated`. Podman is not there yet with its numbers, and ignores it.
const FIRST_THAT_ISOLATES: u32 = 28;

const ISOLATED: &str = "isolated";

/// The bridge driver's options by which the host gets no address on a bridge; also where IPv6 is off.
const GATEWAY_MODES: [&str; 2] =
    ["com.docker.network.bridge.gateway_mode_ipv4", "com.docker.network.bridge.gateway_mode_ipv6"];

/// Whether containers on it reach each other.
const BETWEEN_CONTAINERS: &str = "com.docker.network.bridge.enable_icc";

/// Networks that engines have of their own, and words that stand for some.
const RESERVED: [&str; 9] =
    ["bridge", "host", "none", "null", "default", "podman", "ingress", "docker_gwbridge", "nat"];
