//! One engine: its versions, the broker's own questions to it, and the sending of permits.
//!
//! Must never send anything that changes the engine without a [`Permit`]; the broker's own questions are `GET`s.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, UPGRADE, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use super::address::Address;
use super::error::UpstreamError;
use super::facts::KnownContainers;
use super::link::{EngineBody, Link, connect};
use crate::bounds::Bounds;
use crate::operation::encoded::HijackStyle;
use crate::operation::encoded::{Answer, EncodeError, Encoded, Payload};
use crate::policy::depth::Depth;
use crate::policy::facts::EngineFacts;
use crate::policy::permit::Permit;
use crate::request::ApiVersion;

/// An engine behind a socket.
#[derive(Debug)]
pub struct Engine {
    address: Address,
    answer_bytes: usize,
    answer_time: Duration,
    /// The links of the broker's own questions, idle ones only.
    idle: Mutex<Vec<Link>>,
    version: Mutex<Option<EngineVersion>>,
    /// What it said of itself in the head of its last answer.
    signature: Mutex<HeaderMap>,
    /// At which depth a broker before this engine stands; deeper than the engine's, where that is a broker itself.
    depth: Mutex<Depth>,
    pub(super) abilities: Mutex<Option<(Instant, EngineFacts)>>,
    pub(super) known: KnownContainers,
}

/// Which versions of the API an engine speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineVersion {
    /// Its newest.
    pub newest: ApiVersion,
    /// Its oldest, or the oldest that the broker models, whichever is newer.
    pub oldest: ApiVersion,
}

#[derive(Deserialize)]
struct VersionAnswer {
    #[serde(rename = "ApiVersion")]
    newest: String,
    #[serde(rename = "MinAPIVersion", default)]
    oldest: String,
}

impl Engine {
    /// An engine that is connected to when it is first needed.
    #[must_use]
    pub fn new(address: Address, bounds: &Bounds) -> Self {
        Self {
            address,
            answer_bytes: bounds.answer_bytes,
            answer_time: bounds.answer_time,
            idle: Mutex::default(),
            version: Mutex::default(),
            signature: Mutex::default(),
            depth: Mutex::default(),
            abilities: Mutex::default(),
            known: KnownContainers::default(),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The versions that it speaks; asked once, and again after the engine was unreachable or answered as another one.
    ///
    /// # Errors
    /// When the engine cannot be asked or answers nonsense.
    pub async fn version(&self) -> Result<EngineVersion, UpstreamError> {
        let known = *lock(&self.version);
        if let Some(version) = known {
            return Ok(version);
        }
        self.ask_version().await
    }

    /// The versions that it speaks, asked anew.
    ///
    /// # Errors
    /// When the engine cannot be asked or answers nonsense.
    pub async fn ask_version(&self) -> Result<EngineVersion, UpstreamError> {
        *lock(&self.version) = None;
        let answer: Option<VersionAnswer> = self.ask("its version", "/version").await?;
        let nonsense = |why: &str| UpstreamError::Nonsense { what: "its version", why: why.to_owned() };
        let VersionAnswer { newest, oldest } = answer.ok_or_else(|| nonsense("404"))?;
        let newest = ApiVersion::parse(&newest).ok_or_else(|| nonsense("no API version"))?;
        let oldest = ApiVersion::parse(&oldest).map_or(OLDEST_MODELLED, |own| own.max(OLDEST_MODELLED));
        let version = EngineVersion { newest, oldest };
        *lock(&self.version) = Some(version);
        Ok(version)
    }

    /// What the engine says of itself on every answer; nothing before the first one. An answer of the broker's own that
    /// stands for the engine's carries it as well.
    #[must_use]
    pub fn signature(&self) -> HeaderMap {
        lock(&self.signature).clone()
    }

    /// At which depth a broker before this engine stands, as its answers said so far.
    #[must_use]
    pub fn depth(&self) -> Depth {
        *lock(&self.depth)
    }

    /// Whether this engine is another broker, as its answers said so far.
    #[must_use]
    pub fn is_broker(&self) -> bool {
        self.depth() != Depth::default()
    }

    /// The same depth, asked for where nothing was answered yet.
    ///
    /// # Errors
    /// When the engine cannot be asked or answers nonsense.
    pub async fn known_depth(&self) -> Result<Depth, UpstreamError> {
        self.version().await?;
        Ok(self.depth())
    }

    /// An engine can be upgraded while nobody asks it anything, and then no connection breaks in our hands: its answers
    /// say which version it is.
    fn notice(&self, answer: &Response<Incoming>) {
        let signature = answer.headers().iter().filter(|(name, _)| SIGNATURE.contains(&name.as_str()));
        *lock(&self.signature) = signature.map(|(name, value)| (name.clone(), value.clone())).collect();
        let said = answer.headers().get(API_VERSION).and_then(|value| ApiVersion::parse(value.to_str().ok()?));
        // an answer without it is not the engine's own word
        let Some(said) = said else { return };
        *lock(&self.depth) = depth_of(answer.headers());
        let mut known = lock(&self.version);
        if known.is_some_and(|known| known.newest != said) {
            *known = None;
            drop(known);
            *lock(&self.abilities) = None;
        }
    }

    /// What was learned may be wrong after the engine went away: another one may come back.
    fn forget(&self) {
        *lock(&self.version) = None;
        *lock(&self.abilities) = None;
        lock(&self.signature).clear();
        lock(&self.idle).clear();
    }

    /// Sends a permitted operation over a client's own link; `archive` is the re-encoded tar of a copy in.
    ///
    /// # Errors
    /// When the engine cannot be reached, does not answer in time, or the connection breaks.
    pub async fn send(
        &self,
        permit: &Permit,
        version: ApiVersion,
        link: &Link,
        archive: Option<EngineBody>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let patience = self.patience(permit.encode()?.answer);
        let request = forwarded(permit, version, archive)?;
        let answer = self.patiently(patience, link.send(request)).await?;
        self.notice(&answer);
        Ok(answer)
    }

    /// Sends a permitted hijack over a connection of its own. Only a `101` makes a raw stream of it.
    ///
    /// # Errors
    /// When the engine cannot be reached or the connection breaks.
    pub async fn hijack(&self, permit: &Permit, version: ApiVersion) -> Result<Response<Incoming>, UpstreamError> {
        let request = forwarded(permit, version, None)?;
        let sent = async {
            let mut sender = connect(&self.address).await?;
            sender.send_request(request).await.map_err(UpstreamError::Broken)
        };
        self.patiently(None, sent).await
    }

    /// Sends a permitted operation of the broker's own and reads the whole answer.
    ///
    /// # Errors
    /// When the engine cannot be reached, does not answer in time, or answers more than the bound.
    pub async fn perform(&self, permit: &Permit) -> Result<(StatusCode, Bytes), UpstreamError> {
        let version = self.version().await?.newest;
        let link = self.borrow_link();
        let response = self.send(permit, version, &link, None).await?;
        let answer = self.read_whole("one of our requests", response).await?;
        self.return_link(link);
        Ok(answer)
    }

    /// Asks a question of the broker's own; `None` is the engine's 404. `target` is a path below the version prefix.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        what: &'static str,
        target: &str,
    ) -> Result<Option<T>, UpstreamError> {
        let encoded = Encoded::raw_question(target);
        let version = *lock(&self.version);
        let request = write(encoded, version.map(|version| version.newest), None)?;
        let link = self.borrow_link();
        let response = self.patiently(Some(self.answer_time), link.send(request)).await?;
        self.notice(&response);
        let (status, bytes) = self.read_whole(what, response).await?;
        self.return_link(link);
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            let message = String::from_utf8_lossy(&bytes).chars().take(500).collect();
            return Err(UpstreamError::Refused { what, status: status.as_u16(), message });
        }
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Some).map_err(|error| UpstreamError::Nonsense { what, why: error.to_string() })
    }

    /// Reads an answer to its end, within the bound on engine answers.
    ///
    /// # Errors
    /// When the connection breaks, the engine pauses too long, or the answer is too large.
    pub async fn read_whole(
        &self,
        what: &'static str,
        response: Response<Incoming>,
    ) -> Result<(StatusCode, Bytes), UpstreamError> {
        let (parts, mut body) = response.into_parts();
        let mut whole = BytesMut::new();
        loop {
            let next = timeout(self.answer_time, body.frame()).await;
            let Some(frame) = next.map_err(|_| UpstreamError::Slow(self.answer_time))? else { break };
            let Ok(data) = frame.map_err(UpstreamError::Broken)?.into_data() else { continue };
            if whole.len() + data.len() > self.answer_bytes {
                let why = format!("it is larger than {} bytes", self.answer_bytes);
                return Err(UpstreamError::Nonsense { what, why });
            }
            whole.extend_from_slice(&data);
        }
        Ok((parts.status, whole.freeze()))
    }

    const fn patience(&self, answer: Answer) -> Option<Duration> {
        match answer {
            Answer::Prompt => Some(self.answer_time),
            Answer::Slow => Some(self.answer_time.saturating_mul(4)),
            Answer::Open => None,
        }
    }

    async fn patiently<T>(
        &self,
        patience: Option<Duration>,
        sent: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<T, UpstreamError> {
        let result = match patience {
            Some(patience) => timeout(patience, sent).await.unwrap_or(Err(UpstreamError::Slow(patience))),
            None => sent.await,
        };
        let gone = match &result {
            Err(UpstreamError::Unreachable { .. }) => true,
            // an archive that was refused while it was sent says nothing about the engine
            Err(UpstreamError::Broken(error)) => !error.is_user(),
            Ok(_) | Err(_) => false,
        };
        if gone {
            self.forget();
        }
        result
    }

    fn borrow_link(&self) -> Link {
        lock(&self.idle).pop().unwrap_or_else(|| Link::new(self.address.clone()))
    }

    fn return_link(&self, link: Link) {
        let mut idle = lock(&self.idle);
        if idle.len() < IDLE_LINKS {
            idle.push(link);
        }
    }
}

/// The request that the engine gets for a permit: what [`Engine::send`] and [`Engine::hijack`] send, and nothing else
/// of the client's. `archive` is the re-encoded tar of a copy in.
///
/// # Errors
/// When the operation cannot be serialised, which no value that the parser yields causes.
pub fn forwarded(
    permit: &Permit,
    version: ApiVersion,
    archive: Option<EngineBody>,
) -> Result<Request<EngineBody>, EncodeError> {
    write(permit.encode()?, Some(version), archive)
}

/// Writes the HTTP request; every header of it is ours.
fn write(
    encoded: Encoded,
    version: Option<ApiVersion>,
    archive: Option<EngineBody>,
) -> Result<Request<EngineBody>, EncodeError> {
    let Encoded { method, target, payload, hijack, registry_auth, answer: _ } = encoded;
    let target = version.map_or_else(|| target.clone(), |version| format!("/v{version}{target}"));
    let (body, content_type) = match payload {
        Payload::Nothing => (EngineBody::Full(None), None),
        Payload::Json(json) => (EngineBody::Full(Some(json.into())), Some("application/json")),
        Payload::Archive => (archive.unwrap_or(EngineBody::Full(None)), Some("application/x-tar")),
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    // a target of ours is always a valid one, but encoding makes it longer than the client's was
    *request.uri_mut() = target.parse().map_err(|_| EncodeError::Target)?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("docker"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("docker-broker/", env!("CARGO_PKG_VERSION"))));
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if hijack == Some(HijackStyle::Upgrade) {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("tcp"));
    }
    let auth = registry_auth.and_then(|secret| HeaderValue::from_str(secret.expose()).ok());
    if let Some(mut auth) = auth {
        auth.set_sensitive(true);
        headers.insert("X-Registry-Auth", auth);
    }
    Ok(request)
}

impl Encoded {
    /// A question of the broker's own.
    fn raw_question(target: &str) -> Self {
        Self { target: target.to_owned(), ..Self::new(Method::GET, &[], "", Answer::Prompt) }
    }
}

/// The depth of a broker before whoever gave this answer. An announcement that cannot be read counts as the deepest that
/// there is: what is written at no depth of its own is refused by the broker that it reaches.
fn depth_of(headers: &HeaderMap) -> Depth {
    let Some(announced) = headers.get(BROKER_HEADER) else { return Depth::default() };
    let depth = announced.to_str().ok().and_then(|text| text.split_once(BROKER_DEPTH));
    depth.and_then(|(_, depth)| Depth::parse(depth)?.inside()).unwrap_or(Depth::DEEPEST)
}

/// What a broker of this depth announces of itself on each of its answers.
#[must_use]
pub fn announcement(depth: Depth) -> HeaderValue {
    let text = format!("{}{BROKER_DEPTH}{depth}", env!("CARGO_PKG_VERSION"));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0"))
}

/// The header by which a broker tells another one that it is one.
pub const BROKER_HEADER: &str = "docker-broker";

/// Stands in it between the version and the depth.
const BROKER_DEPTH: &str = "; depth=";

/// Locks a table whose critical sections cannot panic; a poisoned one is as good as before.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The oldest version of the API that the operations are modelled for.
const OLDEST_MODELLED: ApiVersion = ApiVersion::new(1, 24);

/// The newest API version of whoever answers, on every answer of an engine.
const API_VERSION: &str = "api-version";

/// What engines say of themselves on every answer; the last one is Podman's.
const SIGNATURE: [&str; 5] = [API_VERSION, "docker-experimental", "ostype", "server", "libpod-api-version"];

/// How many connections are kept for the broker's own questions.
const IDLE_LINKS: usize = 8;
