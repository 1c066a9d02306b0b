//! The head and body of a request as words: method, version, path, query, and a strict JSON document.
//!
//! Nothing here knows what Docker means by the words, beyond the version prefix and that Podman's own API is closed.
//! The rule is that a request which two readers could understand differently is refused, and noise that changes nothing
//! is dropped. Nothing of the client's bytes may be passed on from here: what goes to the engine is written anew.

pub mod body;
pub mod error;
pub mod filters;
pub mod fold;
mod head;
pub mod json;
mod number;
pub mod path;
pub mod percent;
pub mod query;
pub mod secret;
pub mod version;

pub use body::{from_json, read_body};
pub use error::RequestError;
pub use filters::Filters;
pub use head::{Content, ContentKind};
pub use json::{Json, JsonBounds};
pub use path::{Path, Segment};
pub use query::{Query, same_parameters, write};
pub use secret::Secret;
pub use version::ApiVersion;

use hyper::Method;
use hyper::http::request::Parts;

/// A request's head in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// GET, HEAD, POST, PUT or DELETE.
    pub method: Method,
    /// The version in the path; `None` means the engine's newest.
    pub version: Option<ApiVersion>,
    /// The path after the version.
    pub path: Path,
    /// The query string.
    pub query: Query,
    /// Whether the client asks for an upgrade: an `Upgrade` field and the word `upgrade` in `Connection`.
    pub upgrade: bool,
    /// What the head says about the body.
    pub content: Content,
    /// `X-Registry-Auth`, not looked into.
    pub registry_auth: Option<Secret>,
    /// `x-tc-sid`, which Testcontainers send: at most 128 printable ASCII characters. A hint for the audit, never
    /// identity.
    pub session_hint: Option<String>,
}

/// Reads the head of a request.
///
/// # Errors
/// See [`RequestError`]. Everything refused here is refused for every operation.
pub fn read(parts: &Parts) -> Result<ApiRequest, RequestError> {
    let method = head::method(&parts.method)?;
    head::check_host(parts.version, &parts.headers)?;
    let raw_path = head::origin_form(&parts.uri)?;
    let (version, path) = Path::read(raw_path)?;
    Ok(ApiRequest {
        method,
        version,
        path,
        query: Query::parse(parts.uri.query())?,
        upgrade: head::asks_for_upgrade(&parts.headers),
        content: Content::read(&parts.headers)?,
        registry_auth: head::registry_auth(&parts.headers)?,
        session_hint: head::session_hint(&parts.headers),
    })
}

#[cfg(test)]
mod tests;
