//! Connections to the engine.
//!
//! A client connection owns one engine connection, opened at first need and opened again when the engine closed it, so
//! that no answer can reach another client and a client that leaves takes its work with it. Must never send a request
//! a second time once a byte of it may have reached the engine.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use tokio::sync::Mutex;
use tokio::time::sleep;
use tower_service::Service;

use super::address::Address;
use super::archive::ArchiveError;
use super::error::UpstreamError;

/// The body of a request to the engine.
pub enum EngineBody {
    /// A whole document, or nothing.
    Full(Option<Bytes>),
    /// A tar that is written while it is sent.
    Archive(Pin<Box<dyn Stream<Item = Result<Bytes, ArchiveError>> + Send>>),
}

/// One engine connection at a time, for one client connection or for the broker's own questions.
#[derive(Debug)]
pub struct Link {
    address: Address,
    sender: Mutex<Option<SendRequest<EngineBody>>>,
}

impl Link {
    /// A link that connects when it is first used.
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self { address, sender: Mutex::const_new(None) }
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// When the engine cannot be reached or the connection breaks.
    pub async fn send(&self, request: Request<EngineBody>) -> Result<Response<Incoming>, UpstreamError> {
        let mut slot = self.sender.lock().await;
        let request = match self.send_on_open(&mut slot, request).await {
            Sent::Answer(answer) => return answer,
            Sent::NotSent(request) => request,
        };
        let mut fresh = connect(&self.address).await?;
        let answer = fresh.send_request(request).await.map_err(UpstreamError::Broken)?;
        *slot = Some(fresh);
        Ok(answer)
    }

    /// Tries the connection that is open; gives the request back when no byte of it was sent.
    async fn send_on_open(&self, slot: &mut Option<SendRequest<EngineBody>>, request: Request<EngineBody>) -> Sent {
        let Some(mut sender) = slot.take() else { return Sent::NotSent(request) };
        if sender.ready().await.is_err() {
            return Sent::NotSent(request);
        }
        match sender.try_send_request(request).await {
            Ok(answer) => {
                *slot = Some(sender);
                Sent::Answer(Ok(answer))
            }
            Err(mut error) => match error.take_message() {
                Some(request) => Sent::NotSent(request),
                None => Sent::Answer(Err(UpstreamError::Broken(error.into_error()))),
            },
        }
    }
}

enum Sent {
    Answer(Result<Response<Incoming>, UpstreamError>),
    NotSent(Request<EngineBody>),
}

/// Opens a connection of its own, for a hijack or a link. The connection ends when the sender and the answer are dropped.
///
/// # Errors
/// When nobody listens at the address.
pub async fn connect(address: &Address) -> Result<SendRequest<EngineBody>, UpstreamError> {
    let target: hyper::Uri = hyperlocal::Uri::new(address.path(), "/").into();
    let mut tries = 0;
    let stream = loop {
        match hyperlocal::UnixConnector.call(target.clone()).await {
            // the engine's queue of connections is full: nothing was sent, so trying again is safe
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && tries < FULL_QUEUE_TRIES => {
                tries += 1;
                sleep(FULL_QUEUE_PAUSE).await;
            }
            result => break result.map_err(|source| UpstreamError::unreachable(address, source))?,
        }
    };
    let (sender, connection) = http1::handshake(stream).await.map_err(UpstreamError::Broken)?;
    #[expect(clippy::disallowed_methods, reason = "ends with the sender, which its client connection owns")]
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

impl Body for EngineBody {
    type Data = Bytes;
    type Error = ArchiveError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ArchiveError>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Archive(stream) => stream.as_mut().poll_next(cx).map(|item| item.map(|chunk| chunk.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            Self::Archive(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Archive(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for EngineBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => write!(formatter, "Full({} bytes)", bytes.as_ref().map_or(0, Bytes::len)),
            Self::Archive(_) => formatter.write_str("Archive"),
        }
    }
}

/// How often and how long to wait for a place in the engine's queue of connections.
const FULL_QUEUE_TRIES: u32 = 50;
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(20);
