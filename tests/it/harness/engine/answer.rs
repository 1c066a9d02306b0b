//! How the fake engine writes an answer: framed, in chunks as they come, or as a raw stream after a hijack.
//!
//! Must never buffer what a real engine sends at once: heads go out before bodies are known.

use std::io;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::wire::{Recorded, Source, write_chunk};
use super::{Entry, Shared, stream};

/// What a request is answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    Json(u16, Value),
    /// No body.
    Empty(u16),
    /// Any body, with these further header fields.
    Whole(u16, Vec<(String, String)>, Vec<u8>),
    /// A chunked body that is known already, one chunk each.
    Chunks(String, Vec<Vec<u8>>),
    /// A chunked body that lives from what the test feeds: the content type, what is said at once, and which feed.
    Follow(String, Vec<Vec<u8>>, Followed),
    /// Chunked: the head at once, the body when the container has stopped or gone.
    Wait(String, bool),
    /// The connection becomes a raw stream.
    Hijack {
        upgrade: bool,
        tty: bool,
    },
}

/// Which feed a followed stream tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    Logs,
    Events,
}

impl Answer {
    /// The engine's error format.
    pub(crate) fn error(status: u16, message: impl Into<String>) -> Self {
        Self::Json(status, serde_json::json!({"message": message.into()}))
    }

    /// Writes it; false when the connection is over.
    pub(crate) async fn write(
        self,
        request: &Recorded,
        entry: &Entry,
        shared: &Shared,
        source: &mut Source<OwnedReadHalf>,
        write: &mut OwnedWriteHalf,
    ) -> io::Result<bool> {
        let version = shared.world(|world| world.api_version.clone());
        let own = [("Api-Version", version.as_str())];
        match self {
            Self::Json(status, body) => {
                let bytes = framed(status, &own, format!("{body}\n").as_bytes());
                write.write_all(&bytes).await?;
            }
            Self::Empty(status) => write.write_all(&empty(status, &own)).await?,
            Self::Whole(status, headers, body) => {
                let mut all = own.to_vec();
                all.extend(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                let bytes = whole(status, &all, &body, request.method == "HEAD");
                write.write_all(&bytes).await?;
            }
            Self::Chunks(kind, chunks) => {
                write_chunked_head(write, &kind, &own).await?;
                for chunk in chunks {
                    write_chunk(write, &chunk).await?;
                }
                write_chunk(write, b"").await?;
            }
            Self::Follow(kind, first, which) => {
                write_chunked_head(write, &kind, &own).await?;
                return stream::follow(first, which, shared, source, write).await;
            }
            Self::Wait(id, removed) => {
                write_chunked_head(write, "application/json", &own).await?;
                return stream::wait(&id, removed, shared, source, write).await;
            }
            Self::Hijack { upgrade, tty } => return stream::hijack(upgrade, tty, entry, shared, source, write).await,
        }
        Ok(true)
    }
}

/// An answer with a JSON body and its length.
pub(crate) fn framed(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut all = headers.to_vec();
    all.push(("Content-Type", "application/json"));
    whole(status, &all, body, false)
}

fn whole(status: u16, headers: &[(&str, &str)], body: &[u8], head_only: bool) -> Vec<u8> {
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("Content-Length", &length));
    let mut bytes = head(status, &all);
    if !head_only {
        bytes.extend_from_slice(body);
    }
    bytes
}

fn empty(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    if status == 204 || status == 304 { head(status, headers) } else { whole(status, headers, b"", false) }
}

async fn write_chunked_head(write: &mut OwnedWriteHalf, kind: &str, headers: &[(&str, &str)]) -> io::Result<()> {
    let mut all = headers.to_vec();
    all.extend([("Content-Type", kind), ("Transfer-Encoding", "chunked")]);
    write.write_all(&head(200, &all)).await
}

pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let reason = match status {
        101 => "UPGRADED",
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        404 => "Not Found",
        409 => "Conflict",
        _ => "Other",
    };
    let mut text = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("Docker-Experimental: false\r\nOstype: linux\r\nServer: Docker/28.5.2 (linux)\r\n");
    text.push_str("Date: Fri, 20 Nov 2026 10:00:00 GMT\r\n\r\n");
    text.into_bytes()
}
