//! What is sent while others of the owner wait, because it matters how many there are: new networks and volumes, and
//! containers that get other limits.
//!
//! It runs in a task of its own: a client that leaves does not hand its turn on before the engine has answered, or the next
//! one would count without what is being made. Must never leave anything that is one too many.

use std::sync::Arc;
use std::time::SystemTime;

use hyper::StatusCode;
use serde::Deserialize;

use super::create::{self, Whole};
use super::{Answered, Broker, Grounds, Way};
use crate::audit::{Removed, Stage};
use crate::operation::Operation;
use crate::operation::network::NetworkOperation;
use crate::operation::volume::VolumeOperation;
use crate::policy::housekeeping;
use crate::policy::permit::{FollowUp, Permit};
use crate::request::ApiVersion;
use crate::response::BrokerError;
use crate::session::Turn;
use crate::upstream::UpstreamError;

/// What the engine says of a network that it made; a volume has a name only.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MadeAnswer {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

/// Sends, and counts once more what was made; answers as the engine did.
pub(super) async fn send(
    broker: &Arc<Broker>,
    way: &mut Way<'_>,
    permit: Permit,
    grounds: &Grounds,
    turn: Turn,
) -> Result<Answered, BrokerError> {
    let (permit, version) = (Arc::new(permit), way.version);
    let (broker_in_task, permit_in_task, grounds_in_task) = (Arc::clone(broker), Arc::clone(&permit), grounds.clone());
    let task = broker
        .tasks
        .spawn(async move { carry_out(&broker_in_task, &permit_in_task, version, &grounds_in_task, turn).await });
    let whole = task.await.map_err(|_| BrokerError::Abandoned)??;
    let response = broker.relay_whole(&permit, grounds, whole, way.recorder).await?;
    Ok(Answered { response, place: None })
}

async fn carry_out(
    broker: &Broker,
    permit: &Permit,
    version: ApiVersion,
    grounds: &Grounds,
    turn: Turn,
) -> Result<Whole, BrokerError> {
    let asked = create::ask(broker, permit, version).await;
    // from now on whoever counts sees it
    drop(turn);
    let whole = asked.inspect_err(|_| broker.parts.sweeper.doubt())?;
    if whole.status != StatusCode::CREATED || *permit.follow_up() != FollowUp::Counted {
        return Ok(whole);
    }
    match create::recount(broker, permit, grounds).await {
        Ok(()) => Ok(whole),
        Err(error) => {
            if let Err(why) = discard(broker, permit, grounds, &whole).await {
                tracing::warn!(%why, "what is one too many stays until it expires");
            }
            Err(error)
        }
    }
}

/// Removes what was made by this permit, if it is still its owner's.
async fn discard(broker: &Broker, permit: &Permit, grounds: &Grounds, whole: &Whole) -> Result<(), UpstreamError> {
    let (engine, stamp) = (&broker.parts.engine, &grounds.stamp);
    let MadeAnswer { id, name } = serde_json::from_slice(&whole.bytes)
        .map_err(|error| UpstreamError::Nonsense { what: "the create", why: error.to_string() })?;
    let (removal, operation, object) = match permit.operation() {
        Operation::Network(NetworkOperation::Create(_)) => {
            let found = engine.network(&id).await?;
            let removal = found.and_then(|found| housekeeping::remove_owned_network(&stamp.owner, &found));
            (removal, "NetworkDelete", id)
        }
        Operation::Volume(VolumeOperation::Create(_)) => {
            let found = engine.volume(&name).await?;
            let removal = found.and_then(|found| housekeeping::remove_owned_volume(&stamp.owner, &found));
            (removal, "VolumeDelete", name)
        }
        Operation::Network(_)
        | Operation::Volume(_)
        | Operation::Container(_)
        | Operation::Image(_)
        | Operation::Exec(_)
        | Operation::System(_)
        | Operation::Prune(_) => return Ok(()),
    };
    let Some(removal) = removal else { return Ok(()) };
    let (status, _) = engine.perform(&removal).await?;
    if !status.is_success() {
        return Err(UpstreamError::Nonsense { what: "the removal", why: status.to_string() });
    }
    broker.parts.audit.removed(Removed {
        stage: Stage::Done,
        time: SystemTime::now(),
        owner: stamp.owner.to_string(),
        session: stamp.session.clone(),
        operation,
        object,
        name: String::new(),
        reason: "it was one too many".to_owned(),
    });
    Ok(())
}
