//! A create, from the engine's yes to the client's: what was made is compared with what was judged, and put on its
//! networks, before the client hears of it.
//!
//! It runs in a task of its own, so that a client that leaves cannot stop it half-way. Must never leave anything
//! half-made: what cannot be finished is removed.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use serde::Deserialize;

use super::{Answered, Broker, Grounds, Way, volumes};
use crate::audit::{Record, Removed, Stage};
use crate::operation::names::ContainerId;
use crate::policy::facts::Facts;
use crate::policy::housekeeping;
use crate::policy::ownership::Stamp;
use crate::policy::permit::{FollowUp, Permit};
use crate::policy::view::without_host_paths;
use crate::request::ApiVersion;
use crate::response::{self, Body, BrokerError};
use crate::session::Turn;
use crate::upstream::{Link, UpstreamError};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateAnswer {
    id: String,
}

/// The engine's answer, read whole.
pub(super) struct Whole {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Bytes,
}

/// Creates, verifies and connects; answers as the engine did.
pub(super) async fn send(
    broker: &Arc<Broker>,
    way: &mut Way<'_>,
    permit: Permit,
    grounds: &Grounds,
    turn: Option<Turn>,
) -> Result<Answered, BrokerError> {
    let (broker_in_task, version, grounds) = (Arc::clone(broker), way.version, grounds.clone());
    // the record goes along: where the client leaves, it is written when it is known what was made
    let mut recorder = way.recorder.hand_over();
    let task = broker.tasks.spawn(async move {
        let made = create(&broker_in_task, &permit, version, &grounds, turn).await;
        if let Ok(whole) = &made {
            recorder.note(|record| note(record, whole));
        }
        (made, recorder)
    });
    let ended = task.await.map_err(|_| BrokerError::CreateUndone("the create was broken off".to_owned()));
    let (made, recorder) = ended?;
    *way.recorder = recorder;
    Ok(Answered { response: answer(made?), place: None })
}

async fn create(
    broker: &Broker,
    permit: &Permit,
    version: ApiVersion,
    grounds: &Grounds,
    turn: Option<Turn>,
) -> Result<Whole, BrokerError> {
    // before it is sent: an engine that dies in between may have made the container and never say so
    if let Some(expires) = grounds.stamp.expires {
        broker.parts.sweeper.due(expires);
    }
    let made = volumes::make(broker, permit, &grounds.stamp).await?;
    let result = create_container(broker, permit, version, grounds, turn).await;
    if !matches!(&result, Ok(whole) if whole.status == StatusCode::CREATED) {
        volumes::discard(broker, permit, &grounds.stamp, &made).await;
    }
    result
}

async fn create_container(
    broker: &Broker,
    permit: &Permit,
    version: ApiVersion,
    grounds: &Grounds,
    turn: Option<Turn>,
) -> Result<Whole, BrokerError> {
    let whole = ask(broker, permit, version).await.inspect_err(|_| broker.parts.sweeper.doubt())?;
    if whole.status != StatusCode::CREATED {
        return Ok(whole);
    }
    if grounds.policy.containers.limits.disk.value().is_some() {
        broker.parts.sweeper.watch_disk();
    }
    // from now on whoever counts sees it
    let is_counted = turn.is_some();
    drop(turn);
    let id = read_id(&whole.bytes)?;
    let finished = async {
        finish(broker, permit, grounds, &id).await?;
        if is_counted { recount(broker, permit, grounds).await } else { Ok(()) }
    };
    match finished.await {
        Ok(()) => Ok(whole),
        Err(error) => {
            discard(broker, permit, &grounds.stamp, &id).await;
            Err(error)
        }
    }
}

/// Another broker of the same owner does not wait for our turns: of what was made too much, each removes its own.
pub(super) async fn recount(broker: &Broker, permit: &Permit, grounds: &Grounds) -> Result<(), BrokerError> {
    let judge = grounds.judge();
    let mut facts = Facts::default();
    for query in judge.recount_questions(permit) {
        let fact = broker.parts.engine.fact(&query, &grounds.stamp.owner).await?;
        facts.insert(query, fact);
    }
    Ok(judge.recount(permit, &facts)?)
}

/// Asks the engine. After an error nobody knows whether there is a container, or will be.
pub(super) async fn ask(broker: &Broker, permit: &Permit, version: ApiVersion) -> Result<Whole, UpstreamError> {
    let link = Link::new(broker.parts.engine.address().clone());
    let response = broker.parts.engine.send(permit, version, &link, None).await?;
    let headers = response.headers().clone();
    let (status, bytes) = broker.parts.engine.read_whole("the create", response).await?;
    Ok(Whole { status, headers, bytes })
}

/// Compares what was made with what was judged, and connects it to its further networks.
async fn finish(broker: &Broker, permit: &Permit, grounds: &Grounds, id: &ContainerId) -> Result<(), BrokerError> {
    let FollowUp::Created { image_id, connect, volumes: _ } = permit.follow_up() else { return Ok(()) };
    let made = broker.parts.engine.inspect(id.as_str()).await?;
    let made = made.ok_or_else(|| BrokerError::CreateUndone("the engine does not know it any more".to_owned()))?;
    if made.image_id != *image_id {
        let why = "its image changed between the decision and the create; try again";
        return Err(BrokerError::CreateUndone(why.to_owned()));
    }
    volumes::are_still_own(broker, permit, grounds).await?;
    for network in connect {
        let Some(permit) = housekeeping::connect_created(permit, id, network) else { continue };
        let (status, bytes) = broker.parts.engine.perform(&permit).await?;
        if !status.is_success() {
            let words = String::from_utf8_lossy(&bytes);
            let why = format!("it could not be connected to a network: {}", without_host_paths(words.trim_end()));
            return Err(BrokerError::CreateUndone(why));
        }
    }
    Ok(())
}

/// Removes what must not stay. Where even that fails, its deadline ends it.
async fn discard(broker: &Broker, permit: &Permit, stamp: &Stamp, id: &ContainerId) {
    let Some(permit) = housekeeping::discard_created(permit, id) else { return };
    let outcome = broker.parts.engine.perform(&permit).await;
    let gone = |status: StatusCode| status.is_success() || status == StatusCode::NOT_FOUND;
    if matches!(&outcome, Ok((status, _)) if gone(*status)) {
        broker.parts.audit.removed(discarded(stamp, "ContainerDelete", id.as_str()));
    } else {
        let outcome = outcome.map(|(status, _)| status);
        tracing::warn!(container = %id, ?outcome, "a container that was not finished stays until it expires");
    }
}

/// The record of what did not stay. A volume's ID is its name.
pub(super) fn discarded(stamp: &Stamp, operation: &'static str, id: &str) -> Removed {
    let Stamp { owner, session, expires: _, policy: _, depth: _ } = stamp;
    Removed {
        stage: Stage::Done,
        time: SystemTime::now(),
        owner: owner.to_string(),
        session: session.clone(),
        operation,
        object: id.to_owned(),
        name: String::new(),
        reason: "its create could not be finished".to_owned(),
    }
}

fn read_id(bytes: &[u8]) -> Result<ContainerId, UpstreamError> {
    let nonsense = |why: String| UpstreamError::Nonsense { what: "the create", why };
    let answer: CreateAnswer = serde_json::from_slice(bytes).map_err(|error| nonsense(error.to_string()))?;
    ContainerId::parse(&answer.id).ok_or_else(|| nonsense("its ID is no ID".to_owned()))
}

fn note(record: &mut Record, whole: &Whole) {
    record.status = whole.status.as_u16();
    match read_id(&whole.bytes) {
        Ok(id) => record.object = Some(id.to_string()),
        Err(_) => record.detail = Some(String::from_utf8_lossy(&whole.bytes).trim_end().to_owned()),
    }
}

fn answer(whole: Whole) -> Response<Body> {
    let Whole { status, headers, bytes } = whole;
    let bytes = if status == StatusCode::CREATED {
        bytes
    } else {
        Bytes::from(without_host_paths(&String::from_utf8_lossy(&bytes)))
    };
    let mut response = response::whole(status, bytes);
    response::pass_headers(&headers, response.headers_mut());
    response
}
