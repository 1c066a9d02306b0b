//! Judges names on networks that are shared with others: nobody takes the name of somebody else's service there.
//!
//! The engine's DNS serves container names, short IDs, host names and aliases alike, without regard to case. A network's
//! inspect shows the names of the containers on it; for the others each container is looked at. Must never let a name
//! pass because its holder could not be looked at.

use super::container_create::patterns;
use super::denial::{Denial, shown};
use super::facts::{ContainerFacts, ContainerNames, FactQuery, Facts, NetworkFacts, Within};
use super::file::keys;
use super::judge::Judge;
use super::pattern::Pattern;
use crate::operation::names::ContainerId;

/// The containers on these networks, whose further names have to be known.
pub(super) fn questions(networks: &[&NetworkFacts]) -> Vec<FactQuery> {
    let endpoints = networks.iter().flat_map(|network| &network.endpoints);
    endpoints.filter(|(id, _)| ContainerId::parse(id).is_some()).map(|(id, _)| question(id)).collect()
}

/// Whether nobody else on these networks has this name; an empty one is none.
pub(super) fn name_is_free(
    judge: &Judge<'_>,
    operation: &'static str,
    place: &str,
    name: &str,
    networks: &[&NetworkFacts],
    facts: &Facts,
) -> Result<(), Denial> {
    let plain = name.trim_end_matches('.').to_ascii_lowercase();
    if plain.is_empty() {
        return Ok(());
    }
    let taken = |network: &&&NetworkFacts| {
        network.endpoints.iter().any(|(id, shown_name)| {
            let holder = facts.container(&question(id));
            holder.is_none_or(|holder| !judge.owns(holder)) && answers_to(&plain, id, shown_name, holder)
        })
    };
    match networks.iter().find(taken) {
        None => Ok(()),
        Some(network) => {
            let why = format!("it is the name of another container on network {}", shown(&network.name));
            Err(judge.floor(operation, place, shown(name), why))
        }
    }
}

/// Stopped services have names too, which no engine shows: a host name follows the rule for names.
pub(super) fn host_name_is_granted(
    judge: &Judge<'_>,
    operation: &'static str,
    place: &str,
    hostname: &str,
) -> Result<(), Denial> {
    let allowed = &judge.policy.containers.names;
    if hostname.is_empty() || allowed.matches(hostname) {
        return Ok(());
    }
    let allowed = format!("the names {}", patterns(allowed.iter().map(Pattern::as_str)));
    Err(judge.refuse(operation, place, shown(hostname), allowed, keys::CONTAINERS_NAMES))
}

fn answers_to(plain: &str, id: &str, shown_name: &str, holder: Option<&ContainerFacts>) -> bool {
    let same = |other: &str| other.trim_end_matches('.').eq_ignore_ascii_case(plain);
    let further = holder.is_some_and(|holder| {
        let ContainerNames { name, hostname, aliases } = &holder.names;
        same(name) || same(hostname) || aliases.iter().any(|alias| same(alias))
    });
    further || same(shown_name) || (plain.len() >= SHORT_ID && id.starts_with(plain))
}

fn question(id: &str) -> FactQuery {
    FactQuery::Container { reference: id.to_owned(), within: Within::Everyone, fresh: true }
}

/// Digits of the ID that the engine's DNS serves as a name.
const SHORT_ID: usize = 12;
