//! Raw streams: attach and exec, spliced byte for byte, with half-close.
//!
//! Only the broker's own parsed operation makes a request a hijack, it goes over a connection of its own, and bytes are
//! spliced only after a parsed `101`. Any other answer is framed HTTP and is relayed as such. Must never reuse either
//! connection, and never cut a stream by a timer.

use std::io;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::OwnedSemaphorePermit;

use super::{Answered, Broker, Grounds, Way, is_error};
use crate::client::Connection;
use crate::operation::encoded::HijackStyle;
use crate::policy::permit::Permit;
use crate::response::{self, Body, BrokerError, Recorder};
use crate::upstream::UpstreamError;

/// Asks the engine for the stream and gives it to the client in the client's own style.
pub(super) async fn send(
    broker: &Arc<Broker>,
    way: &mut Way<'_>,
    grounds: &Grounds,
    permit: &Permit,
    style: HijackStyle,
    place: Option<OwnedSemaphorePermit>,
) -> Result<Answered, BrokerError> {
    let answer = tokio::select! {
        answer = broker.parts.engine.hijack(permit, way.version) => answer?,
        () = way.client.connection.gone() => return Err(BrokerError::Abandoned),
    };
    match (style, way.upgrade.take()) {
        (HijackStyle::Upgrade, Some(client)) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
            Ok(Answered { response: spliced(broker, way, client, answer, place), place: None })
        }
        _ if is_error(answer.status()) && grounds.hides_host_paths(permit.operation()) => {
            Ok(Answered { response: broker.relay(permit, grounds, answer, way.recorder).await?, place: None })
        }
        // a client that did not ask for a raw stream would read the engine's bytes as the answer to its next request
        _ if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let why = "101, which was not asked for".to_owned();
            Err(UpstreamError::Nonsense { what: "a stream", why }.into())
        }
        // the engine answered with a body: the stream itself in the other style, or an error
        _ => Ok(Answered { response: response::relay(answer), place }),
    }
}

/// Answers `101` and lets a task of its own carry the bytes; the record is written when the streams end.
fn spliced(
    broker: &Arc<Broker>,
    way: &mut Way<'_>,
    client: OnUpgrade,
    answer: Response<Incoming>,
    place: Option<OwnedSemaphorePermit>,
) -> Response<Body> {
    let mut response = Response::new(Body::Whole(None));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response::pass_headers(answer.headers(), response.headers_mut());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("tcp"));
    way.recorder.note(|record| record.status = StatusCode::SWITCHING_PROTOCOLS.as_u16());
    let mut recorder = way.recorder.hand_over();
    let connection = way.client.connection.clone();
    let stopping = broker.stopping.clone();
    broker.tasks.spawn(async move {
        let carried = async {
            let (client, engine) = tokio::try_join!(client, hyper::upgrade::on(answer)).map_err(io::Error::other)?;
            splice(client, engine, &connection, &mut recorder).await
        };
        tokio::select! {
            // a client that closes early is how docker-java and `docker run -d` end a stream: no error
            _ = carried => {}
            () = stopping.cancelled() => {}
        }
        drop(place);
    });
    response
}

/// Carries bytes both ways. The client's half-close reaches the engine; the engine's end ends the stream.
async fn splice(
    client: Upgraded,
    engine: Upgraded,
    connection: &Connection,
    recorder: &mut Recorder,
) -> io::Result<()> {
    let (client_read, client_write) = split(TokioIo::new(client));
    let (engine_read, engine_write) = split(TokioIo::new(engine));
    let mut bytes = Bytes::default();
    let result = carry_both((client_read, client_write), (engine_read, engine_write), connection, &mut bytes).await;
    recorder.note(|record| {
        record.bytes_in = bytes.to_engine;
        record.bytes_out = bytes.to_client;
    });
    result
}

/// How many bytes went each way.
#[derive(Debug, Default)]
struct Bytes {
    to_engine: u64,
    to_client: u64,
}

async fn carry_both<C, E>(
    (client_read, client_write): (ReadHalf<C>, WriteHalf<C>),
    (engine_read, engine_write): (ReadHalf<E>, WriteHalf<E>),
    connection: &Connection,
    bytes: &mut Bytes,
) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite,
    E: AsyncRead + AsyncWrite,
{
    let Bytes { to_engine, to_client } = bytes;
    let up = carry(client_read, engine_write, to_engine);
    let down = carry(engine_read, client_write, to_client);
    tokio::pin!(up, down);
    tokio::select! {
        result = &mut down => result,
        // the client's end is a half-close, after which it reads on; or it went away, and the engine may never end. A
        // process that ended without reading its input is no reason to cut its last words
        _ = &mut up => {
            tokio::select! {
                result = &mut down => result,
                () = connection.gone() => Ok(()),
            }
        }
    }
}

/// Copies until the end, passes the end on, and counts.
async fn carry<R, W>(mut from: ReadHalf<R>, mut to: WriteHalf<W>, count: &mut u64) -> io::Result<()>
where
    R: AsyncRead,
    W: AsyncWrite,
{
    let mut buffer = vec![0; SMALLEST_BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(data) = buffer.get(..read).filter(|data| !data.is_empty()) else { break };
        to.write_all(data).await?;
        to.flush().await?;
        *count += data.len() as u64;
        if let Some(size) = fitting(buffer.len(), read) {
            buffer = vec![0; size];
        }
    }
    to.shutdown().await
}

/// Another size for a buffer that was filled so far: thousands of idle streams hold little, a busy one copies much at once.
fn fitting(size: usize, filled: usize) -> Option<usize> {
    if filled == size && size < LARGEST_BUFFER {
        Some((size * 8).min(LARGEST_BUFFER))
    } else if size > SMALLEST_BUFFER && filled < size / 16 {
        Some(SMALLEST_BUFFER)
    } else {
        None
    }
}

/// Bytes that are on their way in one direction.
const SMALLEST_BUFFER: usize = 512;
const LARGEST_BUFFER: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use tokio::io::ReadBuf;
    use tokio::net::UnixStream;
    use tokio::time::{Instant, Sleep, sleep};

    use super::*;

    /// A process that ended without reading its input, whose output is still on its way.
    struct Ended {
        speaks: Pin<Box<Sleep>>,
        output: &'static [u8],
    }

    impl AsyncRead for Ended {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            std::task::ready!(self.speaks.as_mut().poll(cx));
            buffer.put_slice(std::mem::take(&mut self.output));
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Ended {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn buffers_grow_with_what_comes_and_shrink_again() {
        assert_eq!(fitting(512, 512), Some(4096));
        assert_eq!(fitting(4096, 4096), Some(LARGEST_BUFFER));
        assert_eq!(fitting(LARGEST_BUFFER, LARGEST_BUFFER), None);
        assert_eq!(fitting(LARGEST_BUFFER, 3000), None);
        assert_eq!(fitting(LARGEST_BUFFER, 100), Some(SMALLEST_BUFFER));
        assert_eq!(fitting(512, 40), None);
        assert_eq!(fitting(512, 3), None);
    }

    #[tokio::test]
    async fn output_arrives_although_nobody_reads_the_input_any_more() {
        let (_watched, server) = UnixStream::pair().unwrap();
        let connection = Connection::new(server, Instant::now()).unwrap();
        let (mut client, near) = tokio::io::duplex(1024);
        client.write_all(b"input that nobody reads").await.unwrap();
        let engine = Ended { speaks: Box::pin(sleep(Duration::from_millis(100))), output: b"last words" };
        let mut bytes = Bytes::default();
        carry_both(split(near), split(engine), &connection, &mut bytes).await.unwrap();
        assert_eq!(bytes.to_client, 10);
        let mut heard = vec![0; 10];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, b"last words");
    }
}
