//! Judges which containers are put on which networks, and taken off them.
//!
//! Must never let a container onto a network that it could not have been created on, or touch one that the client may not
//! act on.

use super::compile::Control;
use super::container_create::patterns;
use super::denial::{Denial, shown};
use super::facts::{ContainerFacts, FactQuery, Facts, NetworkFacts};
use super::file::keys;
use super::judge::{Judge, Judged};
use super::pattern::Pattern;
use super::{network, networking};
use crate::operation::Operation;
use crate::operation::model::{EndpointSettings, NetworkConnectRequest, NetworkDisconnectRequest};
use crate::operation::names::ContainerRef;
use crate::operation::network::NetworkOperation;

const CONNECT: &str = "NetworkConnect";
const DISCONNECT: &str = "NetworkDisconnect";

/// The container, then the network; who else is on it is asked only where a name would be brought along.
pub(super) fn questions(
    judge: &Judge<'_>,
    network: &str,
    container: &str,
    connects: bool,
    facts: &Facts,
) -> Vec<FactQuery> {
    if judge.policy.unrestricted || judge.policy.containers.control == Control::None || container.is_empty() {
        return Vec::new();
    }
    let reference = ContainerRef::new(container.to_owned());
    let query = FactQuery::container(&reference, judge.controlled_within(), true);
    let mut wanted = judge.container_questions(query, facts);
    // what else there is to know is nobody's business who may not act on the container
    if judge.controlled(&reference, true, facts).is_none() {
        return wanted;
    }
    wanted.push(FactQuery::Network(network.to_owned()));
    let joined = facts.network(network).filter(|found| connects && network::joinable(judge, found));
    wanted.extend(joined.map(|found| networking::connect_questions(judge, found)).unwrap_or_default());
    wanted
}

pub(super) fn connect(
    judge: &Judge<'_>,
    network: &str,
    body: NetworkConnectRequest,
    facts: &Facts,
) -> Result<Judged, Denial> {
    let NetworkConnectRequest { container, endpoint_config } = body;
    let found = controlled(judge, CONNECT, &container, facts)?;
    let network = visible(judge, network, facts)?;
    if !network::joinable(judge, network) {
        let allowed = patterns(judge.policy.containers.networks.iter().map(Pattern::as_str));
        let allowed = format!("the networks {allowed} and the client's own");
        let wanted = format!("network {}", shown(&network.name));
        return Err(judge.refuse(CONNECT, "", wanted, allowed, keys::CONTAINERS_NETWORKS));
    }
    let settings = endpoint_config.unwrap_or_default();
    let settings = networking::judge_endpoint(judge, CONNECT, "EndpointConfig", settings, Some(network))?;
    networking::connect_is_free(judge, CONNECT, found, network, facts)?;
    let body = NetworkConnectRequest {
        container: found.id.to_string(),
        endpoint_config: (settings != EndpointSettings::default()).then_some(settings),
    };
    let operation = NetworkOperation::Connect { network: network::addressed(network), body: Box::new(body) };
    Ok(Judged::as_is(Operation::Network(operation)))
}

pub(super) fn disconnect(
    judge: &Judge<'_>,
    network: &str,
    body: &NetworkDisconnectRequest,
    facts: &Facts,
) -> Result<Judged, Denial> {
    let NetworkDisconnectRequest { container, force } = body;
    let found = controlled(judge, DISCONNECT, container, facts)?;
    let network = visible(judge, network, facts)?;
    let body = NetworkDisconnectRequest { container: found.id.to_string(), force: *force };
    let operation = NetworkOperation::Disconnect { network: network::addressed(network), body };
    Ok(Judged::as_is(Operation::Network(operation)))
}

/// The container, which engines look for before the network.
fn controlled<'f>(
    judge: &Judge<'_>,
    operation: &'static str,
    container: &str,
    facts: &'f Facts,
) -> Result<&'f ContainerFacts, Denial> {
    if judge.policy.containers.control == Control::None {
        let wanted = format!("acts on container {}", shown(container));
        return Err(judge.refuse(operation, "", wanted, "to act on no container", keys::CONTAINERS_CONTROL));
    }
    if container.is_empty() {
        return Err(judge.floor(operation, "Container", "no container", "it names a container"));
    }
    let reference = ContainerRef::new(container.to_owned());
    judge.controlled(&reference, true, facts).ok_or_else(|| Denial::no_such_container(container))
}

fn visible<'f>(judge: &Judge<'_>, network: &str, facts: &'f Facts) -> Result<&'f NetworkFacts, Denial> {
    let found = facts.network(network).filter(|found| network::visible(judge, &found.name, &found.labels));
    found.ok_or_else(|| Denial::no_such_network(network))
}
