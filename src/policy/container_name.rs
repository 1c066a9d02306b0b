//! Judges the names that containers get, at create and later.
//!
//! Must never let a name pass that could be taken for somebody else's container.

use std::collections::BTreeMap;

use super::container_create::patterns;
use super::denial::{Denial, shown};
use super::facts::{ContainerFacts, Facts};
use super::file::keys;
use super::judge::Judge;
use super::pattern::Pattern;
use super::{network, networking, word};
use crate::operation::container::{ContainerCreate, ContainerCreateQuery, ContainerRenameQuery};
use crate::operation::model::{ContainerCreateBody, EndpointSettings, NetworkingConfig};

/// Docker's grammar, nothing that looks like an ID, and `containers.names`.
pub(super) fn judge_name(judge: &Judge<'_>, id: &'static str, name: &str) -> Result<(), Denial> {
    if !word::is_container_name(name) {
        let why = "a name is 2 to 128 letters, digits, `_`, `.` or `-`, and begins with a letter or digit";
        return Err(judge.floor(id, "name", shown(name), why));
    }
    if word::looks_like_an_id(name) {
        return Err(judge.floor(id, "name", shown(name), "it could be taken for the ID of another container"));
    }
    let names = &judge.policy.containers.names;
    if names.matches(name) {
        return Ok(());
    }
    let allowed = patterns(names.iter().map(Pattern::as_str));
    Err(judge.refuse(id, "name", shown(name), format!("the names {allowed}"), keys::CONTAINERS_NAMES))
}

/// The engine's DNS serves a new name at once, on every network that the container is on.
pub(super) fn judge_rename(
    judge: &Judge<'_>,
    query: &ContainerRenameQuery,
    found: &ContainerFacts,
    facts: &Facts,
) -> Result<(), Denial> {
    let ContainerRenameQuery { name } = query;
    judge_name(judge, RENAME, name)?;
    let joined = found.networks.iter().map(|(name, id)| network::word_of(name, id).to_owned());
    let endpoints: BTreeMap<_, _> = joined.map(|word| (word, EndpointSettings::default())).collect();
    // the rule is the create's: as if it were made now, under this name and on these networks
    let renamed = ContainerCreate {
        query: ContainerCreateQuery { name: name.clone(), platform: String::new() },
        body: ContainerCreateBody {
            networking_config: NetworkingConfig { endpoints_config: endpoints },
            ..ContainerCreateBody::default()
        },
    };
    networking::names_are_free(judge, &renamed, facts).map_err(|denial| denial.about(RENAME))
}

const RENAME: &str = "ContainerRename";
