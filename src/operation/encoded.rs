//! A request as the engine will get it, written from an operation.
//!
//! Must never hold a byte that came from the client as it stood: every part is encoded from a typed value.

use hyper::Method;
use serde::Serialize;

use crate::request::query::QueryWriteError;
use crate::request::{Secret, percent};

/// Method, target and body of one engine request. The API version is put before the target when it is sent.
#[derive(Debug)]
pub struct Encoded {
    /// The method.
    pub method: Method,
    /// Path and query below the version prefix, for example `/containers/json?all=1`.
    pub target: String,
    /// What follows the head.
    pub payload: Payload,
    /// Whether and how the connection turns into a raw stream.
    pub hijack: Option<HijackStyle>,
    /// Registry credentials, where the policy lets them pass.
    pub registry_auth: Option<Secret>,
    /// How soon the engine owes an answer.
    pub answer: Answer,
}

/// How the client wants a raw stream: by `101 Switching Protocols`, or as the body of a `200`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HijackStyle {
    /// The client sent `Connection: Upgrade`.
    Upgrade,
    /// The client did not: docker-java and dockerode read the stream as the body.
    Body,
}

/// The body of an engine request.
#[derive(Debug)]
pub enum Payload {
    /// None.
    Nothing,
    /// A JSON document written by us.
    Json(Vec<u8>),
    /// A tar that is written entry by entry while it is sent.
    Archive,
}

/// How soon the head of the engine's answer is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// At once: the engine only looks something up.
    Prompt,
    /// Soon: the engine does bounded work, such as a create on a busy disk.
    Slow,
    /// When it is ready: pulls, waits, streams, a stop with a long grace.
    Open,
}

/// An operation that could not be written; no value that the parser yields causes it.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The query.
    #[error("a query could not be written")]
    Query(#[from] QueryWriteError),
    /// The body.
    #[error("a body could not be written")]
    Body(#[from] serde_json::Error),
    /// A path and query that, written out, are longer than a request's target may be.
    #[error("written out for the engine, the path and query are too long")]
    Target,
}

impl Encoded {
    /// A request without a body. Each segment is percent-encoded, so that no name can reach beyond its place.
    #[must_use]
    pub fn new(method: Method, segments: &[&str], query: &str, answer: Answer) -> Self {
        let mut target = String::with_capacity(96);
        for segment in segments {
            target.push('/');
            percent::encode(&mut target, segment);
        }
        if !query.is_empty() {
            target.push('?');
            target.push_str(query);
        }
        Self { method, target, payload: Payload::Nothing, hijack: None, registry_auth: None, answer }
    }

    /// The same with a JSON body.
    ///
    /// # Errors
    /// When the body cannot be serialised.
    pub fn with_json<T: Serialize>(self, body: &T) -> Result<Self, EncodeError> {
        Ok(Self { payload: Payload::Json(serde_json::to_vec(body)?), ..self })
    }

    /// The same with another payload.
    #[must_use]
    pub fn with_payload(self, payload: Payload) -> Self {
        Self { payload, ..self }
    }

    /// The same as a hijack.
    #[must_use]
    pub fn hijack(self, style: HijackStyle) -> Self {
        Self { hijack: Some(style), ..self }
    }

    /// The same with registry credentials.
    #[must_use]
    pub fn with_registry_auth(self, auth: Option<Secret>) -> Self {
        Self { registry_auth: auth, ..self }
    }
}
