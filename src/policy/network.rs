//! Judges which networks a client may see and join.
//!
//! Must never tell by its answer that a network exists which is neither predefined, the owner's, nor named in the policy.

use super::compile::{AttachMode, Scope};
use super::denial::{Denial, shown};
use super::facts::{ContainerFacts, FactQuery, Facts, NetworkFacts};
use super::file::keys;
use super::judge::{Judge, Judged};
use crate::operation::Operation;
use crate::operation::network::{NetworkInspectQuery, NetworkListQuery, NetworkOperation};

pub(super) fn questions(judge: &Judge<'_>, operation: &NetworkOperation) -> Vec<FactQuery> {
    match operation {
        NetworkOperation::Inspect { network, query: _ } | NetworkOperation::Delete { network }
            if !judge.policy.unrestricted =>
        {
            vec![FactQuery::Network(network.clone())]
        }
        NetworkOperation::Inspect { .. }
        | NetworkOperation::Delete { .. }
        | NetworkOperation::List(_)
        | NetworkOperation::Connect { .. } => Vec::new(),
    }
}

pub(super) fn decide(judge: &Judge<'_>, operation: NetworkOperation, facts: &Facts) -> Result<Judged, Denial> {
    if judge.policy.unrestricted {
        return Ok(Judged::as_is(Operation::Network(operation)));
    }
    let id = operation.operation_id();
    if !judge.sees_anything() {
        return Err(judge.refuse(id, "", "asks about networks", "to see nothing", "containers.see"));
    }
    match operation {
        NetworkOperation::List(query) => {
            let NetworkListQuery { filters: _ } = &query;
            Ok(Judged::filtered(Operation::Network(NetworkOperation::List(query))))
        }
        NetworkOperation::Inspect { network, query } => {
            let NetworkInspectQuery { verbose: _, scope: _ } = &query;
            match facts.network(&network).filter(|found| visible(judge, &found.name, &found.labels)) {
                Some(found) => {
                    // a predefined one keeps its word, every other goes up by the ID that was judged
                    let network = if is_predefined(&found.name) { found.name.clone() } else { found.id.clone() };
                    Ok(Judged::filtered(Operation::Network(NetworkOperation::Inspect { network, query })))
                }
                None => Err(Denial::no_such_network(&network)),
            }
        }
        NetworkOperation::Delete { network } => {
            if judge.policy.networks.create.is_none() {
                let wanted = format!("removes network {}", shown(&network));
                return Err(judge.refuse(id, "", wanted, "no networks of the client's own", keys::NETWORKS_CREATE));
            }
            match facts.network(&network).filter(|found| owns(judge, found)) {
                Some(found) => {
                    let network = found.id.clone();
                    Ok(Judged::as_is(Operation::Network(NetworkOperation::Delete { network })))
                }
                None => Err(Denial::no_such_network(&network)),
            }
        }
        NetworkOperation::Connect { network, container: _ } => {
            Err(judge.not_yet(id, "", format!("network {}", shown(&network)), keys::CONTAINERS_NETWORKS))
        }
    }
}

/// Whether a network is this owner's. The predefined ones are nobody's, whatever their labels say.
pub(super) fn owns(judge: &Judge<'_>, network: &NetworkFacts) -> bool {
    !is_predefined(&network.name) && judge.stamp.owner.owns(&network.labels)
}

/// Whether a client may know of a network with this name and these labels.
pub(super) fn visible(judge: &Judge<'_>, name: &str, labels: &std::collections::BTreeMap<String, String>) -> bool {
    judge.policy.unrestricted
        || judge.policy.containers.see == Scope::All
        || is_predefined(name)
        || judge.stamp.owner.owns(labels)
        || judge.policy.containers.networks.matches(name)
        || judge.policy.containers.attach.iter().any(|attached| attached == name)
}

/// What has to be known of the networks that a container is on.
pub(super) fn of_container(container: &ContainerFacts) -> impl Iterator<Item = FactQuery> {
    container.networks.iter().map(|(name, id)| FactQuery::Network(word_of(name, id).to_owned()))
}

/// The first network of a container on which the policy would not let it be today.
pub(super) fn foreign_to<'f>(judge: &Judge<'_>, container: &'f ContainerFacts, facts: &Facts) -> Option<&'f str> {
    let may_be_on = |network: &NetworkFacts| {
        joinable(judge, network) || is_default_and_kept(judge, &network.name) || is_granted_host(judge, &network.name)
    };
    let foreign = container.networks.iter().find(|(name, id)| !facts.network(word_of(name, id)).is_some_and(may_be_on));
    foreign.map(|(name, _)| name.as_str())
}

/// The engine knows the ID of an endpoint's network only once it was connected.
pub(super) fn word_of<'n>(name: &'n str, id: &'n str) -> &'n str {
    if id.is_empty() { name } else { id }
}

/// Whether a container may be on this network.
pub(super) fn joinable(judge: &Judge<'_>, network: &NetworkFacts) -> bool {
    let NetworkFacts { id: _, name, driver, labels, gateway: _, endpoints: _, created: _ } = network;
    let containers = &judge.policy.containers;
    if driver == "host" || name == "host" {
        return false;
    }
    if name == "none" || judge.stamp.owner.owns(labels) || containers.attach.contains(name) {
        return true;
    }
    // with `attach` in replace mode no predefined network is ever opened
    let replaced = !containers.attach.is_empty() && containers.attach_mode == AttachMode::Replace;
    containers.networks.matches(name) && !(replaced && is_predefined(name))
}

/// The host's own interfaces, where the policy grants them. With `attach` in replace mode no predefined network is opened.
pub(super) fn is_granted_host(judge: &Judge<'_>, name: &str) -> bool {
    let containers = &judge.policy.containers;
    let replaced = !containers.attach.is_empty() && containers.attach_mode == AttachMode::Replace;
    name == "host" && !replaced && containers.host.network.iter().any(|mode| mode == name)
}

/// In `add` mode the default network stays beside the attached ones.
pub(super) fn is_default_and_kept(judge: &Judge<'_>, name: &str) -> bool {
    let containers = &judge.policy.containers;
    name == "bridge" && !containers.attach.is_empty() && containers.attach_mode == AttachMode::Add
}

/// The networks that every engine has; `podman` is Podman's `bridge`.
pub(super) fn is_predefined(name: &str) -> bool {
    ["bridge", "host", "none", "podman"].contains(&name)
}
