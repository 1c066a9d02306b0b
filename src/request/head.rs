//! The header fields that matter before an operation is known, each read in the one way that leaves no doubt.

use super::error::{RequestError, shorten};
use super::number::whole;
use super::secret::Secret;
use hyper::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use hyper::http::HeaderValue;
use hyper::{HeaderMap, Method, Uri, Version};

/// What the head says about the body. Content types vary wildly among clients and are noted, not validated, except for
/// those that make an engine read the body in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// By the first `Content-Type` field.
    pub kind: ContentKind,
    /// `Content-Length` in bytes.
    pub length: Option<u64>,
    /// Whether the body comes in chunks.
    pub chunked: bool,
    /// Whether there was more than one `Content-Type` field (bollard sends two with archives).
    pub repeated_type: bool,
}

/// The kind of a body by its content type. A request that was read is never `Form`, `Multipart` or `Grpc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// No content type.
    None,
    /// `application/json`, with or without parameters.
    Json,
    /// `application/x-www-form-urlencoded`: engines let its values precede the query's.
    Form,
    /// `multipart/…`: engines read some query parameters from it.
    Multipart,
    /// `application/grpc…`: Podman and newer engines serve another API to it, whatever the path.
    Grpc,
    /// Anything else, such as `application/x-tar`.
    Other,
}

impl Content {
    /// Whether the head announces a body of at least one byte.
    #[must_use]
    pub fn expects_body(&self) -> bool {
        self.chunked || self.length.is_some_and(|length| length > 0)
    }

    /// Reads the fields about the body.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, RequestError> {
        for value in headers.get_all(CONTENT_ENCODING) {
            if !value.as_bytes().eq_ignore_ascii_case(b"identity") {
                return Err(refuse("Content-Encoding", "is not read here; send the body as it is"));
            }
        }
        Ok(Self {
            kind: content_kind(headers)?,
            length: content_length(headers)?,
            chunked: chunked(headers)?,
            repeated_type: headers.get_all(CONTENT_TYPE).iter().count() > 1,
        })
    }
}

/// The method, if it is one that the Engine API uses.
pub(super) fn method(method: &Method) -> Result<Method, RequestError> {
    if METHODS.contains(method) {
        Ok(method.clone())
    } else {
        Err(RequestError::Method { method: shorten(method.as_str()) })
    }
}

/// The raw path of an origin-form target.
pub(super) fn origin_form(uri: &Uri) -> Result<&str, RequestError> {
    if uri.scheme().is_some() || uri.authority().is_some() || !uri.path().starts_with('/') {
        return Err(RequestError::Target);
    }
    Ok(uri.path())
}

/// RFC 9112 §3.2: exactly one well-formed `Host` on HTTP/1.1. hyper leaves this to us.
pub(super) fn check_host(version: Version, headers: &HeaderMap) -> Result<(), RequestError> {
    if version != Version::HTTP_11 && version != Version::HTTP_10 {
        return Err(RequestError::HttpVersion);
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_11 => Err(refuse("Host", "is missing; HTTP/1.1 wants exactly one")),
        (_, Some(_)) => Err(refuse("Host", "is there more than once; send one")),
        (Some(host), None) if !host.as_bytes().iter().all(|byte| may_stand_in_host(*byte)) => {
            Err(refuse("Host", "is not a host name with an optional port"))
        }
        (None | Some(_), None) => Ok(()),
    }
}

/// Whether both fields that make up an upgrade are there.
pub(super) fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    let mut words = headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    headers.contains_key(UPGRADE) && words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// The one `X-Registry-Auth` field.
pub(super) fn registry_auth(headers: &HeaderMap) -> Result<Option<Secret>, RequestError> {
    let name = "X-Registry-Auth";
    match single(headers, name)?.map(HeaderValue::to_str) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(Secret::new(text.to_owned()))),
        Some(Err(_)) => Err(refuse(name, "holds characters that are not printable ASCII; wanted base64url")),
    }
}

/// The Testcontainers session, if it is fit to stand in a log.
pub(super) fn session_hint(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-tc-sid")?.to_str().ok()?;
    let fit = !text.is_empty() && text.len() <= LONGEST_HINT && text.bytes().all(|byte| byte.is_ascii_graphic());
    fit.then(|| text.to_owned())
}

fn content_kind(headers: &HeaderMap) -> Result<ContentKind, RequestError> {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter().map(kind_of);
    let first = kinds.next().unwrap_or(ContentKind::None);
    for kind in std::iter::once(first).chain(kinds) {
        match kind {
            ContentKind::Form => return Err(refuse("Content-Type", "is a form; put parameters into the query string")),
            ContentKind::Multipart => {
                return Err(refuse("Content-Type", "is multipart; put parameters into the query string"));
            }
            ContentKind::Grpc => return Err(refuse("Content-Type", "is gRPC, which is not the Docker API")),
            ContentKind::None | ContentKind::Json | ContentKind::Other => {}
        }
    }
    Ok(first)
}

/// Looks for the dangerous types anywhere in the field, since readers differ in how they cut it up.
fn kind_of(value: &HeaderValue) -> ContentKind {
    let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    if text.contains("x-www-form-urlencoded") {
        ContentKind::Form
    } else if text.contains("multipart/") {
        ContentKind::Multipart
    } else if text.contains("application/grpc") {
        ContentKind::Grpc
    } else if is_json_in_utf_8(&text) {
        ContentKind::Json
    } else {
        ContentKind::Other
    }
}

/// JSON is UTF-8 (RFC 8259 §8.1). Engines ignore what `charset` says, so one that says otherwise is not JSON to us.
fn is_json_in_utf_8(lower_case: &str) -> bool {
    let mut parts = lower_case.split(';').map(str::trim);
    let is_json = parts.next() == Some("application/json");
    is_json && parts.all(|part| !part.starts_with("charset") || ["charset=utf-8", "charset=\"utf-8\""].contains(&part))
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, RequestError> {
    let name = "Content-Length";
    match single(headers, CONTENT_LENGTH.as_str()).map_err(|_| refuse(name, "is there more than once; send one"))? {
        None => Ok(None),
        Some(value) => match value.to_str().ok().and_then(whole) {
            Some(length) => Ok(Some(length)),
            None => Err(refuse(name, "is not a whole number of bytes")),
        },
    }
}

fn chunked(headers: &HeaderMap) -> Result<bool, RequestError> {
    let mut fields = headers.get_all(TRANSFER_ENCODING).iter();
    match (fields.next(), fields.next()) {
        (None, _) => Ok(false),
        (Some(value), None) if value == "chunked" => Ok(true),
        (Some(_), _) => Err(refuse("Transfer-Encoding", "must be one field with the one word `chunked`")),
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a HeaderValue>, RequestError> {
    let mut fields = headers.get_all(name).iter();
    match (fields.next(), fields.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(refuse(name, "is there more than once; send one")),
    }
}

/// RFC 3986 §3.2.2 and a port; percent escapes because older clients put their socket's path there.
fn may_stand_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

fn refuse(name: &'static str, fault: &'static str) -> RequestError {
    RequestError::Header { name, fault }
}

const METHODS: [Method; 5] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE];
const LONGEST_HINT: usize = 128;
