//! The body of a request: read whole within its bound before anything is decided, or handed on as an archive.
//!
//! Must never judge a body that is not complete: broken framing shows at its end. A body that only repeats the query is
//! tolerated where an operation has none, because a real client sends it (dockerode).

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::io::StreamReader;

use crate::bounds::Bounds;
use crate::operation::routes::{BodyRule, JsonBody, Kind};
use crate::request::{ApiRequest, ContentKind, Json, JsonBounds, same_parameters};
use crate::response::{BrokerError, Recorder};
use crate::upstream::archive::{ArchiveBounds, ArchiveError, ReEncoded, re_encode};
use crate::upstream::link::EngineBody;

/// What was read.
pub(super) enum Read {
    /// The whole of it.
    Whole(Bytes),
    /// An archive, not read yet.
    Archive(Archive),
}

/// An archive that will be re-encoded while it is sent.
pub(super) struct Archive {
    chunks: ReEncoded,
    /// Bytes that came from the client.
    received: Arc<AtomicU64>,
}

/// How an upload went, seen by the one who waits for the engine's answer.
#[derive(Clone, Default)]
pub(super) struct Upload {
    /// Why an archive broke off.
    failure: Arc<Mutex<Option<ArchiveError>>>,
    received: Arc<AtomicU64>,
}

impl Read {
    pub(super) fn split(self) -> (Bytes, Option<Archive>) {
        match self {
            Self::Whole(bytes) => (bytes, None),
            Self::Archive(archive) => (Bytes::new(), Some(archive)),
        }
    }
}

/// Reads the body that this operation takes.
pub(super) async fn read(
    kind: Kind,
    words: &ApiRequest,
    bounds: &Bounds,
    incoming: Incoming,
    recorder: &mut Recorder,
) -> Result<Read, BrokerError> {
    let Some(limit) = body_limit(kind, bounds) else { return Ok(Read::Archive(archive(incoming, bounds))) };
    let bytes = read_whole(incoming, limit, bounds.body_time).await?;
    recorder.note(|record| record.bytes_in = bytes.len() as u64);
    accept(kind, words, bytes, bounds).map(Read::Whole)
}

/// Most bytes of a body that is read whole; `None` for an archive, which has bounds of its own.
#[must_use]
pub fn body_limit(kind: Kind, bounds: &Bounds) -> Option<usize> {
    match kind.body_rule() {
        BodyRule::Archive => None,
        BodyRule::Json(JsonBody::Create) => Some(bounds.create_bytes),
        BodyRule::Json(JsonBody::General) => Some(bounds.json_bytes),
        BodyRule::Nothing => Some(bounds.json_bytes.min(REPEATED_QUERY)),
    }
}

/// What of a whole body goes on to the operation: a JSON document as it came, or nothing.
///
/// # Errors
/// A body that its head does not call JSON, and any body but a repetition of the query where an operation has none.
pub fn accept(kind: Kind, words: &ApiRequest, bytes: Bytes, bounds: &Bounds) -> Result<Bytes, BrokerError> {
    if kind.body_rule() != BodyRule::Nothing {
        one_content_type(words)?;
        return Ok(bytes);
    }
    if bytes.is_empty() {
        return Ok(bytes);
    }
    let repeated = Json::read(&bytes, &json_bounds(bounds)).is_ok_and(|json| same_parameters(&words.query, &json));
    if repeated { Ok(Bytes::new()) } else { Err(unwanted_body()) }
}

/// The bounds on the shape of a JSON body.
#[must_use]
pub fn json_bounds(bounds: &Bounds) -> JsonBounds {
    JsonBounds { depth: bounds.json_depth, ..JsonBounds::default() }
}

/// The engine's side of an archive, and where it will be seen how it went.
pub(super) fn upload(archive: Option<Archive>) -> (Option<EngineBody>, Upload) {
    let Some(Archive { chunks, received }) = archive else { return (None, Upload::default()) };
    let upload = Upload { failure: Arc::default(), received };
    let watched = Watched { chunks, failure: Arc::clone(&upload.failure) };
    (Some(EngineBody::Archive(Box::pin(watched))), upload)
}

/// Reads a little of an archive that goes nowhere, so that the client sees the answer: one that is still sending when
/// the connection closes sees a broken pipe instead. Go's server does the same, with the same bound.
pub(super) async fn discard(archive: Option<Archive>) {
    let Some(Archive { mut chunks, received: _ }) = archive else { return };
    let reading = async {
        let mut read = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            read += chunk.len();
            if read > DISCARDED {
                break;
            }
        }
    };
    // whoever pauses in the middle does not hold the connection
    let _ = timeout(Duration::from_secs(1), reading).await;
}

/// The same for a body that nobody read because its request was refused by its head.
pub(super) async fn discard_unread(mut incoming: Incoming) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = incoming.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DISCARDED {
                break;
            }
        }
    };
    let _ = timeout(Duration::from_secs(1), reading).await;
}

impl Upload {
    /// Why the archive broke off, if it did.
    pub(super) fn failure(&self) -> Option<ArchiveError> {
        self.failure.lock().map_or(None, |mut slot| slot.take())
    }

    /// Bytes that came from the client.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

fn one_content_type(words: &ApiRequest) -> Result<(), BrokerError> {
    if words.content.repeated_type {
        return Err(BrokerError::Body(
            "it has two Content-Type fields, and readers differ on which one counts".to_owned(),
        ));
    }
    match words.content.kind {
        ContentKind::Json => Ok(()),
        ContentKind::None | ContentKind::Form | ContentKind::Multipart | ContentKind::Grpc | ContentKind::Other => {
            Err(BrokerError::Body("its Content-Type is not `application/json`".to_owned()))
        }
    }
}

fn unwanted_body() -> BrokerError {
    BrokerError::Body("this operation takes no body, and this one does not merely repeat the query".to_owned())
}

async fn read_whole(mut incoming: Incoming, limit: usize, pause: Duration) -> Result<Bytes, BrokerError> {
    let announced = incoming.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(BrokerError::TooLarge(limit));
    }
    let mut whole = BytesMut::new();
    loop {
        let next = timeout(pause, incoming.frame()).await;
        let next = next.map_err(|_| BrokerError::Body(format!("it paused for {} seconds", pause.as_secs())))?;
        let Some(frame) = next else { return Ok(whole.freeze()) };
        let frame = frame.map_err(|error| BrokerError::Body(error.to_string()))?;
        // trailers are dropped: they are never merged into headers
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(BrokerError::TooLarge(limit));
        }
        whole.extend_from_slice(&data);
    }
}

fn archive(incoming: Incoming, bounds: &Bounds) -> Archive {
    let received = Arc::new(AtomicU64::new(0));
    let arriving = Arriving { incoming, pause: bounds.body_time, deadline: None, received: Arc::clone(&received) };
    let bounds = ArchiveBounds { bytes: bounds.archive_bytes, entries: bounds.archive_entries };
    Archive { chunks: re_encode(StreamReader::new(arriving), bounds), received }
}

/// A client's body as a stream that may not pause for ever.
struct Arriving {
    incoming: Incoming,
    pause: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    received: Arc<AtomicU64>,
}

impl Stream for Arriving {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = self.get_mut();
        loop {
            match Pin::new(&mut this.incoming).poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                Poll::Ready(Some(Ok(frame))) => {
                    this.deadline = None;
                    if let Ok(data) = frame.into_data() {
                        this.received.fetch_add(data.len() as u64, Ordering::Relaxed);
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Pending => {
                    let deadline = this.deadline.get_or_insert_with(|| Box::pin(sleep(this.pause)));
                    return match deadline.as_mut().poll(cx) {
                        Poll::Ready(()) => Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into()))),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
    }
}

/// Chunks of a re-encoded archive; the first error breaks the engine's request off and is kept for the client.
struct Watched {
    chunks: ReEncoded,
    failure: Arc<Mutex<Option<ArchiveError>>>,
}

impl Stream for Watched {
    type Item = Result<Bytes, ArchiveError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let item = std::task::ready!(Pin::new(&mut this.chunks).poll_next(cx));
        let Some(Err(error)) = item else { return Poll::Ready(item) };
        if let Ok(mut slot) = this.failure.lock() {
            *slot = Some(error);
        }
        let broken_off = io::Error::new(io::ErrorKind::InvalidData, "the archive was refused");
        Poll::Ready(Some(Err(ArchiveError::Io(broken_off))))
    }
}

/// Most bytes that are read of an archive that goes nowhere.
const DISCARDED: usize = 256 * 1024;

/// Most bytes of a body that only repeats the query.
const REPEATED_QUERY: usize = 64 * 1024;
