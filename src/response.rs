//! Answers to clients: in the engine's own format, streamed as they come, and recorded when they end.
//!
//! One place maps errors to statuses. Must never pass a header of the engine on that is not on the list, and never
//! buffer a stream.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, SERVER};
use hyper::{Response, StatusCode};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use crate::audit::{Audit, Decision, Record};
use crate::client::SharedConnection;
use crate::operation::ParseError;
use crate::policy::denial::{Denial, Refusal};
use crate::request::RequestError;
use crate::upstream::UpstreamError;

/// Why a request was not answered by the engine.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The words are malformed or ambiguous.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// An exec that cannot exist.
    #[error("No such exec instance: {0}")]
    NoSuchExec(String),
    /// The API version is outside what the engine speaks; in the engine's own words, for clients fall back on them.
    #[error("{0}")]
    Version(String),
    /// The policy said no.
    #[error("denied")]
    Denied(Denial),
    /// The body is larger than its bound.
    #[error("the body is larger than {0} bytes, which is the bound on such a request")]
    TooLarge(usize),
    /// The body paused too long, or broke off.
    #[error("the body did not arrive: {0}")]
    Body(String),
    /// An archive that is not passed on.
    #[error(transparent)]
    Archive(#[from] crate::upstream::archive::ArchiveError),
    /// Too many streams of one owner.
    #[error("more than {0} streams are open for this client; close one, or raise --streams-per-owner")]
    TooManyStreams(usize),
    /// A user whom the kernel cannot tell from others, where each user has objects of its own.
    #[error(
        "user ID {0} stands for users that this machine cannot tell apart, and this listener keeps its users apart \
         (`isolate = \"uid\"`); connect as a user of this machine"
    )]
    Stranger(u32),
    /// The audit log cannot be written, and it is required.
    #[error("the audit log cannot be written, and --audit-required is set; nothing passes until it works again")]
    AuditBroken,
    /// The client went away before the answer came.
    #[error("the client went away")]
    Abandoned,
    /// A created container was not what had been judged, and was removed.
    #[error("the container was removed again: {0}")]
    CreateUndone(String),
    /// The engine.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

impl From<ParseError> for BrokerError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Request(error) => Self::Request(error),
            ParseError::NoSuchExec(id) => Self::NoSuchExec(id),
        }
    }
}

impl From<Denial> for BrokerError {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl BrokerError {
    /// The status that the client gets.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Request(error) => error.status(),
            Self::NoSuchExec(_) => 404,
            Self::Version(_) | Self::Body(_) | Self::Archive(_) | Self::Abandoned => 400,
            Self::Denied(denial) => denial.status(),
            Self::TooLarge(_) => 413,
            Self::TooManyStreams(_) | Self::AuditBroken => 503,
            Self::Stranger(_) => 403,
            Self::CreateUndone(_) => 409,
            Self::Upstream(error) => error.status(),
        }
    }

    /// Whether it is answered as the engine would: what is not there, and what may not be.
    #[must_use]
    pub const fn stands_for_the_engine(&self) -> bool {
        match self {
            Self::NoSuchExec(_) | Self::Denied(_) => true,
            Self::Request(_)
            | Self::Version(_)
            | Self::TooLarge(_)
            | Self::Body(_)
            | Self::Archive(_)
            | Self::TooManyStreams(_)
            | Self::AuditBroken
            | Self::Abandoned
            | Self::CreateUndone(_)
            | Self::Stranger(_)
            | Self::Upstream(_) => false,
        }
    }

    /// The one line that the client gets: ours with the request's ID, the engine's exactly as it words it.
    #[must_use]
    pub fn message(&self, request_id: &str) -> String {
        match self {
            Self::Denied(denial) => denial.message(request_id),
            Self::NoSuchExec(_) | Self::Version(_) => self.to_string(),
            Self::Request(_)
            | Self::TooLarge(_)
            | Self::Body(_)
            | Self::Archive(_)
            | Self::TooManyStreams(_)
            | Self::Stranger(_)
            | Self::AuditBroken
            | Self::Abandoned
            | Self::CreateUndone(_)
            | Self::Upstream(_) => format!("docker-broker: {self} [request {request_id}]"),
        }
    }

    /// Whose decision it was, for the audit.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        match self {
            // well formed, and refused by its name
            Self::Request(RequestError::Libpod | RequestError::UnknownField { .. }) => Decision::Refused,
            Self::Request(_) | Self::Version(_) | Self::TooLarge(_) | Self::Body(_) | Self::Archive(_) => {
                Decision::Malformed
            }
            Self::NoSuchExec(_) | Self::Denied(Denial::NotFound { .. }) => Decision::NotFound,
            Self::Denied(Denial::Refused(_)) | Self::TooManyStreams(_) | Self::Stranger(_) => Decision::Refused,
            Self::Abandoned => Decision::Abandoned,
            Self::AuditBroken | Self::CreateUndone(_) | Self::Upstream(_) => Decision::Failed,
        }
    }

    /// Writes the decision into the record.
    pub fn note(&self, record: &mut Record) {
        record.decision = self.decision();
        record.reason = Some(self.message(&record.request_id));
        match self {
            Self::Denied(Denial::Refused(refusal)) => {
                let Refusal { operation, place, wanted: _, reason: _, policy: _ } = refusal.as_ref();
                record.operation = Some(operation);
                record.key = refusal.key();
                record.place = (!place.is_empty()).then(|| place.clone());
            }
            Self::Request(error) if !error.place().is_empty() => record.place = Some(error.place().to_owned()),
            Self::Upstream(error) => {
                let words = error.words().map(|words| format!(": {}", words.trim_end())).unwrap_or_default();
                record.detail = Some(chain(error) + &words);
            }
            Self::Request(_)
            | Self::Denied(Denial::NotFound { .. })
            | Self::NoSuchExec(_)
            | Self::Version(_)
            | Self::TooLarge(_)
            | Self::Body(_)
            | Self::Archive(_)
            | Self::TooManyStreams(_)
            | Self::Stranger(_)
            | Self::AuditBroken
            | Self::Abandoned
            | Self::CreateUndone(_) => {}
        }
    }
}

/// An error with its causes, for operators.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What an answer consists of.
pub enum Body {
    /// A whole document; `None` once it was sent, or when there is none.
    Whole(Option<Bytes>),
    /// The engine's own body, as it comes.
    Engine(Incoming),
    /// The engine's stream, filtered.
    Filtered(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

/// A body that is counted, watched and recorded when it ends or is dropped.
pub struct Reply {
    body: Body,
    recorder: Recorder,
    /// Resolves when the client is gone; only streams are watched.
    gone: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _place: Option<OwnedSemaphorePermit>,
}

/// Writes the record of a request, once, when the last owner lets go of it.
pub struct Recorder {
    /// The record so far; `None` once it was written.
    record: Option<Box<Record>>,
    /// Whether the connection waits for this request's end.
    open: bool,
    started: Instant,
    audit: Arc<Audit>,
    connection: SharedConnection,
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Engine(_) => "Engine",
            Self::Filtered(_) => "Filtered",
        })
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reply")
            .field("body", &self.body)
            .field("recorder", &self.recorder)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recorder").field("request_id", &self.request_id()).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Begins the record of a request.
    #[must_use]
    pub fn new(record: Record, audit: Arc<Audit>, connection: SharedConnection) -> Self {
        Self { record: Some(Box::new(record)), open: true, started: Instant::now(), audit, connection }
    }

    /// Changes the record, if it was not written yet.
    pub fn note(&mut self, change: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            change(record);
        }
    }

    /// The request's ID.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.record.as_ref().map_or("", |record| record.request_id.as_str())
    }

    /// Another recorder that will write the record; this one will not.
    #[must_use]
    pub fn hand_over(&mut self) -> Self {
        Self {
            record: self.record.take(),
            open: std::mem::take(&mut self.open),
            started: self.started,
            audit: Arc::clone(&self.audit),
            connection: Arc::clone(&self.connection),
        }
    }

    /// Writes the record before the client hears anything, so that a broker that dies then has told of what was made.
    /// The client counts as having got the whole answer.
    pub fn write_ahead(&mut self, answer: &Body) {
        if let Body::Whole(Some(bytes)) = answer {
            self.note(|record| record.bytes_out += bytes.len() as u64);
            self.push();
        }
    }

    fn write(&mut self) {
        self.push();
        if std::mem::take(&mut self.open) {
            self.connection.end();
        }
    }

    fn push(&mut self) {
        if let Some(mut record) = self.record.take() {
            record.duration = self.started.elapsed();
            self.audit.record(*record);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.write();
    }
}

impl Reply {
    /// A body whose end is recorded.
    #[must_use]
    pub fn new(body: Body, recorder: Recorder) -> Self {
        Self { body, recorder, gone: None, _place: None }
    }

    /// The same for a stream: it ends when the client is gone, and holds its place among the owner's streams.
    #[must_use]
    pub fn watched(mut self, connection: SharedConnection, place: Option<OwnedSemaphorePermit>) -> Self {
        self.gone = Some(Box::pin(async move { connection.gone().await }));
        self._place = place;
        self
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let item = match &mut self.body {
                Body::Whole(bytes) => return Poll::Ready(bytes.take().map(Ok)),
                Body::Filtered(stream) => return stream.as_mut().poll_next(cx),
                Body::Engine(incoming) => std::task::ready!(Pin::new(incoming).poll_frame(cx)),
            };
            match item {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                // trailers are the engine's framing, not its answer
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}

impl HttpBody for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let reply = self.get_mut();
        match reply.poll_body(cx) {
            Poll::Ready(Some(Ok(data))) => {
                let count = data.len() as u64;
                reply.recorder.note(|record| record.bytes_out += count);
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Poll::Ready(Some(Err(error))) => {
                reply.recorder.note(|record| record.detail = Some(chain(&error)));
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                reply.recorder.write();
                Poll::Ready(None)
            }
            Poll::Pending => match reply.gone.as_mut().map(|gone| gone.as_mut().poll(cx)) {
                Some(Poll::Ready(())) => {
                    reply.recorder.note(|record| record.decision = Decision::Abandoned);
                    Poll::Ready(Some(Err(io::ErrorKind::BrokenPipe.into())))
                }
                Some(Poll::Pending) | None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Body::Whole(bytes) => bytes.is_none(),
            Body::Engine(incoming) => incoming.is_end_stream(),
            Body::Filtered(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Body::Engine(incoming) => incoming.size_hint(),
            Body::Filtered(_) => SizeHint::default(),
        }
    }
}

/// A JSON document.
#[must_use]
pub fn whole(status: StatusCode, json: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Some(json)));
    *response.status_mut() = status;
    // exactly this: Docker's Go client compares it as a string
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error, in the engine's own format.
#[must_use]
pub fn error(error: &BrokerError, request_id: &str) -> Response<Body> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let document = json!({ "message": error.message(request_id) });
    // engines end their documents with a line break: a refusal must not stand out by its length
    let mut response = whole(status, format!("{document}\n").into());
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE"));
    }
    response
}

/// Adds what the engine says of itself, all fields in the order of their names, as an engine writes them.
pub fn sign(headers: &mut HeaderMap, signature: HeaderMap) {
    headers.extend(signature);
    let mut fields: Vec<(HeaderName, HeaderValue)> =
        headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    fields.sort_by(|(left, _), (right, _)| left.as_str().cmp(right.as_str()));
    *headers = fields.into_iter().collect();
}

/// The engine's answer with only the headers that clients need.
#[must_use]
pub fn relay(answer: Response<Incoming>) -> Response<Body> {
    let (parts, incoming) = answer.into_parts();
    let mut response = Response::new(Body::Engine(incoming));
    *response.status_mut() = parts.status;
    pass_headers(&parts.headers, response.headers_mut());
    response
}

/// Copies the headers that may pass.
pub fn pass_headers(from: &HeaderMap, to: &mut HeaderMap) {
    for name in &PASSED {
        if let Some(value) = from.get(name) {
            to.insert(name.clone(), value.clone());
        }
    }
}

/// What an engine says about itself and about a copied file; `libpod-api-version` is Podman's.
static PASSED: [HeaderName; 10] = [
    HeaderName::from_static("api-version"),
    HeaderName::from_static("ostype"),
    HeaderName::from_static("docker-experimental"),
    HeaderName::from_static("builder-version"),
    HeaderName::from_static("swarm"),
    HeaderName::from_static("x-docker-container-path-stat"),
    HeaderName::from_static("libpod-api-version"),
    CONTENT_TYPE,
    LOCATION,
    SERVER,
];
