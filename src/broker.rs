//! The pipeline: what happens to a request, from its head to the record in the audit.
//!
//! Words, operation, facts, decision, permit, engine, answer: each step takes what the step before it made, and no later
//! step sees an earlier one. Must never send anything but a permit, and never let an answer out without a record.

mod body;
mod counted;
mod create;
mod events;
mod granted;
mod hijack;
mod notes;
mod stub;
mod volumes;

pub use body::{accept, body_limit, json_bounds};

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::create::Whole;
use crate::audit::{Audit, Decision, Record};
use crate::bounds::Bounds;
use crate::client::{Isolate, SharedConnection, Unmapped};
use crate::operation::Operation;
use crate::operation::routes::{self, Kind, Route, Standing};
use crate::operation::system::SystemOperation;
use crate::policy::compile::{Lifetime, Policy};
use crate::policy::denial::Denial;
use crate::policy::depth::Depth;
use crate::policy::facts::Facts;
use crate::policy::judge::Judge;
use crate::policy::ownership::{Owner, Stamp};
use crate::policy::permit::{FollowUp, Permit, Relay};
use crate::policy::view::without_host_paths;
use crate::request::{self, ApiRequest, ApiVersion};
use crate::response::{self, Body, BrokerError, Recorder, Reply};
use crate::session::{Sweeper, Turn, Turns};
use crate::upstream::{BROKER_HEADER, Engine, EngineVersion, Link, announcement};

/// Everything that the connections of one listener share.
#[derive(Debug)]
pub struct Broker {
    /// What it was put together from.
    pub parts: BrokerParts,
    /// Tasks that outlive their request: raw streams, and creates that must be finished.
    pub tasks: TaskTracker,
    /// Ends connections and raw streams when the drain time is over.
    pub stopping: CancellationToken,
    unmapped: Unmapped,
    /// The places for streams of each owner that has a connection or a stream.
    streams: Mutex<HashMap<Owner, Arc<Semaphore>>>,
    turns: Turns,
}

/// What one client connection has of its own.
#[derive(Debug)]
pub struct Client {
    /// The connection.
    pub connection: SharedConnection,
    /// Its link to the engine.
    pub link: Link,
    /// Whose objects it makes and touches.
    pub owner: Owner,
    /// Whether that owner is shared by users who have nothing to do with each other: then it may do nothing.
    stranger: bool,
    /// The owner's places for streams.
    streams: Arc<Semaphore>,
}

/// What a broker is made of.
#[derive(Debug)]
pub struct BrokerParts {
    /// The policy in force. It may be replaced; a request is judged by one policy from its head to its end.
    pub policy: ArcSwap<Policy>,
    /// The engine.
    pub engine: Arc<Engine>,
    /// The paths of the broker's own sockets, all listeners', and of the engine's: no container may have one.
    pub sockets: Arc<[String]>,
    /// Whose objects clients of this listener make and touch.
    pub owner: Owner,
    /// Whether each of them has a part of that to itself.
    pub isolate: Isolate,
    /// The listener's name.
    pub listener: String,
    /// The session of what is made through it. A server that is started again goes on with the same one, or a restart
    /// would be a way to a fresh budget.
    pub session: String,
    /// The number of the next request, in one sequence for all listeners.
    pub next_request: Arc<AtomicU64>,
    /// A name for this run of the broker, unlike any other's: what its request IDs begin with.
    pub run: String,
    /// Where each request is recorded.
    pub audit: Arc<Audit>,
    /// Whether nothing passes while the audit is broken.
    pub audit_required: bool,
    /// The bounds on the broker itself.
    pub bounds: Bounds,
    /// Ends what outlives its deadline.
    pub sweeper: Arc<Sweeper>,
}

/// What one request is judged by. A policy that is replaced meanwhile changes nothing for it.
#[derive(Debug, Clone)]
struct Grounds {
    policy: Arc<Policy>,
    stamp: Stamp,
    sockets: Arc<[String]>,
}

/// A request on its way: what was read of it, and what is needed to answer.
struct Way<'a> {
    client: &'a Client,
    recorder: &'a mut Recorder,
    /// Set where the client asked for a raw stream.
    upgrade: Option<OnUpgrade>,
    version: ApiVersion,
}

/// An answer, and whether it is a stream.
struct Answered {
    response: Response<Body>,
    /// A place among the owner's streams, where the answer is one.
    place: Option<OwnedSemaphorePermit>,
}

impl Broker {
    /// Puts a broker together.
    #[must_use]
    pub fn new(parts: BrokerParts) -> Self {
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        Self {
            parts,
            tasks,
            stopping,
            unmapped: Unmapped::of_this_kernel(),
            streams: Mutex::default(),
            turns: Turns::default(),
        }
    }

    /// A connection's own things: who it acts for, and its way to the engine.
    #[must_use]
    pub fn client(&self, connection: SharedConnection) -> Client {
        let link = Link::new(self.parts.engine.address().clone());
        let uid = connection.peer.uid;
        let (owner, stranger) = match self.parts.isolate {
            Isolate::None => (self.parts.owner.clone(), false),
            Isolate::Uid => (self.parts.owner.of_uid(uid), self.unmapped.contains(uid)),
        };
        let streams = self.streams_of(&owner);
        Client { connection, link, owner, stranger, streams }
    }

    /// Puts another policy in the place of the one in force: requests that begin from now on are judged by it.
    pub fn replace_policy(&self, policy: Policy) {
        self.parts.policy.store(Arc::new(policy));
    }

    fn streams_of(&self, owner: &Owner) -> Arc<Semaphore> {
        let mut all = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        // nobody has a connection or a stream of theirs any more
        all.retain(|_, places| Arc::strong_count(places) > 1);
        let places = all.entry(owner.clone());
        Arc::clone(places.or_insert_with(|| Arc::new(Semaphore::new(self.parts.bounds.streams_per_owner))))
    }

    /// Answers one request. Every path ends in a record.
    pub async fn answer(self: &Arc<Self>, client: &Client, request: Request<Incoming>) -> Response<Reply> {
        let begun = client.connection.begin();
        let grounds = self.grounds(client);
        let record = self.record(client, &grounds.policy, &request);
        let mut recorder = Recorder::new(record, Arc::clone(&self.parts.audit), client.connection.clone());
        let result = if begun {
            self.pipeline(client, &grounds, &mut recorder, request).await
        } else {
            Err(BrokerError::Abandoned)
        };
        let (response, place) = match result {
            Ok(Answered { response, place }) => (response, place),
            Err(error) => {
                recorder.note(|record| error.note(record));
                let mut response = response::error(&error, recorder.request_id());
                if error.stands_for_the_engine() {
                    response::sign(response.headers_mut(), self.parts.engine.signature());
                }
                (response, None)
            }
        };
        recorder.note(|record| record.status = response.status().as_u16());
        if response.status() == StatusCode::CREATED {
            recorder.write_ahead(response.body());
        }
        let mut response = response;
        response.headers_mut().insert(BROKER_HEADER, announcement(self.parts.engine.depth()));
        let is_stream = place.is_some();
        response.map(|body| {
            let reply = Reply::new(body, recorder);
            if is_stream { reply.watched(client.connection.clone(), place) } else { reply }
        })
    }

    /// The way of a request, as the drawing in ARCHITECTURE.md shows it.
    async fn pipeline(
        self: &Arc<Self>,
        client: &Client,
        grounds: &Grounds,
        recorder: &mut Recorder,
        request: Request<Incoming>,
    ) -> Result<Answered, BrokerError> {
        if self.parts.audit_required && !self.parts.audit.is_healthy() {
            return Err(BrokerError::AuditBroken);
        }
        let (parts, incoming) = request.into_parts();
        if client.stranger {
            body::discard_unread(incoming).await;
            return Err(BrokerError::Stranger(client.connection.peer.uid));
        }
        let judge = grounds.judge();
        let (words, kind, name) = match read_head(&judge, &parts, recorder) {
            Ok(read) => read,
            Err(refused) => {
                body::discard_unread(incoming).await;
                return Err(refused);
            }
        };
        let bytes = body::read(kind, &words, &self.parts.bounds, incoming, recorder).await?;
        let (json, archive) = bytes.split();
        let operation = Operation::parse(kind, name, &words, &json, &json_bounds(&self.parts.bounds))?;
        let version = self.version(words.version).await?;
        // the engine's answer may have said what stands there
        let grounds = &grounds.at(self.parts.engine.depth());
        let judge = grounds.judge();
        let mut way = Way { client, recorder, upgrade: upgrade(kind, &words, parts), version };
        let takes_volumes = notes::takes_volumes(&operation);
        // from here to the engine's answer nobody else of the owner may create, where it matters how many there are
        let turn = if judge.is_bounded(&operation) { Some(self.turns.take(&grounds.stamp.owner).await) } else { None };
        let permit = match self.decide(&judge, operation, kind).await {
            Ok(permit) => permit,
            Err(refused) => {
                body::discard(archive).await;
                return Err(refused);
            }
        };
        notes::permit(way.recorder, &permit, takes_volumes);
        self.send(&mut way, permit, grounds, archive, turn).await
    }

    /// The version that a request goes up with. An engine may have been upgraded since it was asked, so that one that seems
    /// not to speak a version is asked again.
    async fn version(&self, asked: Option<ApiVersion>) -> Result<ApiVersion, BrokerError> {
        match within(asked, self.parts.engine.version().await?) {
            Ok(version) => Ok(version),
            Err(_) => within(asked, self.parts.engine.ask_version().await?),
        }
    }

    async fn decide(&self, judge: &Judge<'_>, operation: Operation, kind: Kind) -> Result<Permit, BrokerError> {
        let facts = self.facts(judge, &operation).await?;
        let newest = self.parts.engine.version().await?.newest;
        Ok(judge.decide(operation, &facts).map_err(|denial| denial.in_words_of(newest, kind))?)
    }

    /// Asks the engine what the judge has to know, until it asks nothing more.
    async fn facts(&self, judge: &Judge<'_>, operation: &Operation) -> Result<Facts, BrokerError> {
        let mut facts = Facts::default();
        for _ in 0..ROUNDS_OF_QUESTIONS {
            let questions = judge.questions(operation, &facts);
            if questions.is_empty() {
                break;
            }
            for query in questions {
                let fact = self.parts.engine.fact(&query, &judge.stamp.owner).await?;
                facts.insert(query, fact);
            }
        }
        Ok(facts)
    }

    /// Sends what was permitted in the way that its operation takes.
    async fn send(
        self: &Arc<Self>,
        way: &mut Way<'_>,
        permit: Permit,
        grounds: &Grounds,
        archive: Option<body::Archive>,
        turn: Option<Turn>,
    ) -> Result<Answered, BrokerError> {
        if permit.relay() == Relay::Stub {
            way.recorder.note(|record| record.decision = Decision::Stubbed);
            return Ok(Answered { response: stub::answer(permit.operation()), place: None });
        }
        let place = self.place(way.client, permit.operation())?;
        if let Some(style) = permit.operation().hijack() {
            return hijack::send(self, way, grounds, &permit, style, place).await;
        }
        if let FollowUp::Created { .. } = permit.follow_up() {
            return create::send(self, way, permit, grounds, turn).await;
        }
        if let (Some(expires), true) = (grounds.stamp.expires, notes::makes_network_or_volume(permit.operation())) {
            self.parts.sweeper.due(expires);
        }
        if let Some(turn) = turn {
            return counted::send(self, way, permit, grounds, turn).await;
        }
        let (archive, upload) = body::upload(archive);
        let sent = self.parts.engine.send(&permit, way.version, &way.client.link, archive);
        let answer = tokio::select! {
            answer = sent => answer,
            () = way.client.connection.gone(), if place.is_some() => return Err(BrokerError::Abandoned),
        };
        way.recorder.note(|record| record.bytes_in += upload.received());
        let answer = match (answer, upload.failure()) {
            (_, Some(error)) => return Err(error.into()),
            (answer, None) => answer?,
        };
        let response = self.relay(&permit, grounds, answer, way.recorder).await?;
        Ok(Answered { response, place })
    }

    /// The engine's answer as the client gets it.
    async fn relay(
        self: &Arc<Self>,
        permit: &Permit,
        grounds: &Grounds,
        answer: Response<Incoming>,
        recorder: &mut Recorder,
    ) -> Result<Response<Body>, BrokerError> {
        let operation = permit.operation();
        let failed = is_error(answer.status());
        let is_told = permit.relay() != Relay::AsIs || notes::makes_network_or_volume(operation);
        let is_read = if failed { grounds.hides_host_paths(operation) } else { is_told };
        if !is_read {
            return Ok(response::relay(answer));
        }
        if let (Operation::System(SystemOperation::Events(_)), false) = (operation, failed) {
            return Ok(events::relay(Arc::clone(self), grounds.clone(), answer));
        }
        let headers = answer.headers().clone();
        let what = if failed { "an error" } else { "a filtered answer" };
        let (status, bytes) = self.parts.engine.read_whole(what, answer).await?;
        self.relay_whole(permit, grounds, Whole { status, headers, bytes }, recorder).await
    }

    /// The engine's answer, read whole, as the client gets it. The original of an error goes to the record.
    async fn relay_whole(
        &self,
        permit: &Permit,
        grounds: &Grounds,
        whole: Whole,
        recorder: &mut Recorder,
    ) -> Result<Response<Body>, BrokerError> {
        let Whole { status, headers, bytes } = whole;
        let mut response = if is_error(status) && grounds.hides_host_paths(permit.operation()) {
            let text = String::from_utf8_lossy(&bytes);
            recorder.note(|record| record.detail = Some(text.trim_end().to_owned()));
            response::whole(status, without_host_paths(&text).into())
        } else if is_error(status) || permit.relay() == Relay::AsIs {
            response::whole(status, bytes)
        } else {
            response::whole(status, self.view(permit, grounds, &bytes).await?.into())
        };
        if let (true, Body::Whole(Some(shown))) = (status == StatusCode::CREATED, response.body()) {
            notes::made(recorder, permit.operation(), shown);
        }
        response::pass_headers(&headers, response.headers_mut());
        Ok(response)
    }

    /// What the client may see of a whole answer.
    async fn view(&self, permit: &Permit, grounds: &Grounds, bytes: &[u8]) -> Result<Vec<u8>, BrokerError> {
        let nonsense = |error: serde_json::Error| crate::upstream::UpstreamError::Nonsense {
            what: "a filtered answer",
            why: error.to_string(),
        };
        let answer: Value = serde_json::from_slice(bytes).map_err(nonsense)?;
        let (judge, operation) = (grounds.judge(), permit.operation());
        let own = if judge.view_needs_own_containers(operation) {
            granted::own_containers(self, &judge).await?
        } else {
            BTreeSet::new()
        };
        let mut shown = judge.view(operation, answer, &own)?;
        if let (Relay::FirstOf(most), Some(items)) = (permit.relay(), shown.as_array_mut()) {
            items.truncate(most);
        }
        let mut shown = serde_json::to_vec(&shown).map_err(nonsense)?;
        // the engine ends its documents with a line break, and some clients print them as they are
        shown.push(b'\n');
        Ok(shown)
    }

    /// A place among the owner's streams, for operations whose answer may take for ever.
    fn place(&self, client: &Client, operation: &Operation) -> Result<Option<OwnedSemaphorePermit>, BrokerError> {
        if !operation.is_open_ended() {
            return Ok(None);
        }
        let place = Arc::clone(&client.streams).try_acquire_owned();
        place.map(Some).map_err(|_| BrokerError::TooManyStreams(self.parts.bounds.streams_per_owner))
    }

    /// The policy in force, and what is written on what is made now.
    fn grounds(&self, client: &Client) -> Grounds {
        let policy = self.parts.policy.load_full();
        let stamp = Stamp {
            owner: client.owner.clone(),
            session: self.parts.session.clone(),
            expires: expiry_of(&policy),
            policy: policy.name.clone(),
            depth: self.parts.engine.depth(),
        };
        Grounds { policy, stamp, sockets: Arc::clone(&self.parts.sockets) }
    }

    fn record(&self, client: &Client, policy: &Policy, request: &Request<Incoming>) -> Record {
        let number = self.parts.next_request.fetch_add(1, Ordering::Relaxed);
        Record {
            request_id: format!("{}-{number}", self.parts.run),
            time: SystemTime::now(),
            listener: self.parts.listener.clone(),
            owner: client.owner.to_string(),
            peer: Some(client.connection.peer),
            session_hint: None,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            api_version: None,
            operation: None,
            object: None,
            image: None,
            name: None,
            volumes: Vec::new(),
            decision: Decision::Abandoned,
            key: None,
            place: None,
            reason: None,
            policy: policy.name.clone(),
            status: 0,
            duration: Duration::ZERO,
            bytes_in: 0,
            bytes_out: 0,
            amended: Vec::new(),
            detail: None,
        }
    }
}

impl Grounds {
    fn judge(&self) -> Judge<'_> {
        let Self { policy, stamp, sockets } = self;
        Judge { policy, stamp, sockets }
    }

    fn at(&self, depth: Depth) -> Self {
        let stamp = Stamp { depth, ..self.stamp.clone() };
        Self { stamp, ..self.clone() }
    }

    /// Whether errors of the engine about this operation lose the paths of the host in [`Broker::relay_whole`].
    fn hides_host_paths(&self, operation: &Operation) -> bool {
        operation.may_tell_host_paths() && !self.policy.unrestricted
    }
}

/// When the life of what is made now under this policy ends, in Unix seconds; `None` for never.
pub(crate) fn expiry_of(policy: &Policy) -> Option<u64> {
    match policy.containers.lifetime {
        // a span beyond the clock's end is as long as it can be
        Lifetime::For(span) => Some(unix_seconds(SystemTime::now()).saturating_add(span.as_secs())),
        Lifetime::Unlimited => None,
    }
}

/// What can be said before the body is looked at: the words, the operation, and the name in the path.
fn read_head(
    judge: &Judge<'_>,
    parts: &Parts,
    recorder: &mut Recorder,
) -> Result<(ApiRequest, Kind, String), BrokerError> {
    let words = request::read(parts)?;
    note_words(recorder, &words);
    let Route { row, name } = routes::find(&words.method, &words.path)
        .ok_or_else(|| judge.unknown_route(&words.method, &path_text(&words)))?;
    recorder.note(|record| {
        record.operation = Some(row.id);
        record.object = (!name.is_empty()).then(|| name.clone());
    });
    let kind = modelled(judge, row)?;
    Ok((words, kind, name))
}

/// The modelled operation of a row; the others are refused by their name.
pub(crate) fn modelled(judge: &Judge<'_>, row: &'static routes::Row) -> Result<Kind, Denial> {
    match row.standing {
        Standing::Modelled(kind, _) => Ok(kind),
        Standing::Later(key) => Err(judge.later_route(row.id, key)),
        Standing::Floor => Err(judge.floor_route(row.id)),
    }
}

/// The version that a request goes up with: the client's own, or the engine's newest.
///
/// # Errors
/// The engine's own words for a version that it does not speak.
pub fn within(asked: Option<ApiVersion>, engine: EngineVersion) -> Result<ApiVersion, BrokerError> {
    let EngineVersion { newest, oldest } = engine;
    match asked {
        None => Ok(newest),
        Some(version) if version > newest => Err(BrokerError::Version(format!(
            "client version {version} is too new. Maximum supported API version is {newest}"
        ))),
        Some(version) if version < oldest => Err(BrokerError::Version(format!(
            "client version {version} is too old. Minimum supported API version is {oldest}, please upgrade your client \
             to a newer version"
        ))),
        Some(version) => Ok(version),
    }
}

/// The raw stream of a request that can become one and asks for it.
fn upgrade(kind: Kind, words: &ApiRequest, parts: Parts) -> Option<OnUpgrade> {
    let possible = matches!(kind, Kind::ContainerAttach | Kind::ExecStart) && words.upgrade;
    possible.then(|| hyper::upgrade::on(Request::from_parts(parts, ())))
}

fn note_words(recorder: &mut Recorder, words: &ApiRequest) {
    recorder.note(|record| {
        record.api_version = words.version.map(|version| version.to_string());
        record.session_hint.clone_from(&words.session_hint);
    });
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// The path below the version, as a refusal of an unknown one shows it.
pub(crate) fn path_text(words: &ApiRequest) -> String {
    words.path.segments().iter().fold(String::new(), |path, segment| path + "/" + &segment.text)
}

/// Seconds since 1970.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A judge asks at most twice; a third round is for what nobody thought of.
pub(crate) const ROUNDS_OF_QUESTIONS: usize = 4;

/// The status of an answer that stands for nothing done.
const NOTHING_DONE: StatusCode = StatusCode::OK;
