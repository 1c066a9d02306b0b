//! Who is on the other end of a connection, and the stream that they are on.
//!
//! The stream knows three things that hyper cannot tell us: how long a head has been on its way (an idle keep-alive
//! connection is kept, a slow head is not), whether the client is gone although it may have half-closed before, and
//! since when it has been idle. Must never read ahead: bytes belong to whoever reads the stream.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::{Instant, Sleep, sleep};

/// The peer of a Unix socket, as the kernel saw it when it connected (`SO_PEERCRED`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its process, where the kernel tells.
    pub pid: Option<i32>,
}

/// Whether the clients of one listener share what they make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Isolate {
    /// They do
    #[default]
    None,
    /// Each user ID has objects of its own
    Uid,
}

/// The user IDs that stand for nobody in particular: the kernel shows them in the place of those it cannot map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped(Vec<u32>);

/// A connection as its reader, its writer and whoever watches it hold it.
pub type SharedConnection = Arc<Connection>;

/// One connection of a client, shared by the reader, the writer and whoever watches it.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    /// Who connected.
    pub peer: Peer,
    /// [`IDLE`], [`BUSY`] from a request's head to the end of its answer, or [`EVICTED`].
    state: AtomicU8,
    /// Requests whose head was complete.
    heads: AtomicU64,
    /// Milliseconds since the process's start when it last became idle.
    idle_since: AtomicU64,
    started: Instant,
}

impl Unmapped {
    /// Those of this kernel: its overflow ID (`/proc/sys/kernel/overflowuid`), the usual one, and -1 for none at all.
    #[must_use]
    pub fn of_this_kernel() -> Self {
        let text = std::fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap_or_default();
        Self([USUAL_OVERFLOW, u32::MAX].into_iter().chain(text.trim().parse()).collect())
    }

    /// Whether this ID may be shared by users who have nothing to do with each other.
    #[must_use]
    pub fn contains(&self, uid: u32) -> bool {
        self.0.contains(&uid)
    }
}

impl Connection {
    /// Takes an accepted stream.
    ///
    /// # Errors
    /// When the kernel does not say who the peer is.
    pub fn new(stream: UnixStream, started: Instant) -> io::Result<Arc<Self>> {
        let credentials = stream.peer_cred()?;
        let peer = Peer { uid: credentials.uid(), gid: credentials.gid(), pid: credentials.pid() };
        let idle_since = AtomicU64::new(milliseconds(started));
        let (state, heads) = (AtomicU8::new(IDLE), AtomicU64::new(0));
        Ok(Arc::new(Self { stream, peer, state, heads, idle_since, started }))
    }

    /// A request's head is complete; false where the connection was chosen to make room, and nothing may begin.
    #[must_use]
    pub fn begin(&self) -> bool {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.state.compare_exchange(IDLE, BUSY, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether it was idle, and will begin nothing any more.
    #[must_use]
    pub fn evict(&self) -> bool {
        self.state.compare_exchange(IDLE, EVICTED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Its answer has ended.
    pub fn end(&self) {
        self.idle_since.store(milliseconds(self.started), Ordering::Relaxed);
        // an evicted one stays evicted
        let _ = self.state.compare_exchange(BUSY, IDLE, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Since when nothing has been going on; `None` while a request is being answered.
    #[must_use]
    pub fn idle_since(&self) -> Option<u64> {
        (self.state.load(Ordering::Acquire) == IDLE).then(|| self.idle_since.load(Ordering::Relaxed))
    }

    /// Resolves when the client has closed both directions. A client that only half-closed still reads its answer.
    pub async fn gone(&self) {
        loop {
            if self.stream.ready(Interest::READABLE).await.is_err() || self.hung_up() {
                return;
            }
            // readable: bytes of a next request, or a half-close; neither wakes us again when the rest closes
            sleep(HANG_UP_INTERVAL).await;
        }
    }

    fn hung_up(&self) -> bool {
        let mut events = [PollFd::new(&self.stream, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let polled = poll(&mut events, Some(&now));
        polled.is_err() || events.iter().any(|event| event.revents().intersects(PollFlags::HUP | PollFlags::ERR))
    }
}

/// The reading and writing side of a [`Connection`].
#[derive(Debug)]
pub struct ClientStream {
    connection: Arc<Connection>,
    head_time: Duration,
    /// When the head that is on its way has to be complete, and how many were complete before it.
    head_deadline: Option<(u64, Pin<Box<Sleep>>)>,
}

impl ClientStream {
    /// A stream on which a head may take at most `head_time` from its first byte to its last.
    #[must_use]
    pub const fn new(connection: Arc<Connection>, head_time: Duration) -> Self {
        Self { connection, head_time, head_deadline: None }
    }

    /// Starts, stops or checks the clock of a head that is on its way.
    fn poll_head_clock(&mut self, cx: &mut Context<'_>, bytes_came: bool) -> Poll<()> {
        let complete = self.connection.heads.load(Ordering::Relaxed);
        let busy = self.connection.state.load(Ordering::Acquire) == BUSY;
        self.head_deadline.take_if(|(before, _)| busy || *before != complete);
        if busy {
            return Poll::Pending;
        }
        if bytes_came && self.head_deadline.is_none() {
            self.head_deadline = Some((complete, Box::pin(sleep(self.head_time))));
        }
        match &mut self.head_deadline {
            Some((_, deadline)) => deadline.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let connection = Arc::clone(&self.connection);
        loop {
            if connection.stream.poll_read_ready(cx)?.is_pending() {
                let late = self.poll_head_clock(cx, false).is_ready();
                return if late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending };
            }
            match connection.stream.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    let late = self.poll_head_clock(cx, count > 0).is_ready();
                    return Poll::Ready(if late { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        poll_write_with(&self.connection.stream, cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll_write_with(&self.connection.stream, cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match shutdown(self.connection.stream.as_fd(), Shutdown::Write) {
            Ok(()) | Err(rustix::io::Errno::NOTCONN) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}

fn poll_write_with(
    stream: &UnixStream,
    cx: &mut Context<'_>,
    write: impl Fn(&UnixStream) -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        match write(stream) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
    }
}

fn milliseconds(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

const IDLE: u8 = 0;
const BUSY: u8 = 1;
const EVICTED: u8 = 2;

/// `DEFAULT_OVERFLOWUID` of Linux (`include/linux/highuid.h`).
const USUAL_OVERFLOW: u32 = 65_534;

/// How often a half-closed connection is looked at while its request is answered.
const HANG_UP_INTERVAL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    fn pair() -> (UnixStream, Arc<Connection>) {
        let (client, server) = UnixStream::pair().unwrap();
        (client, Connection::new(server, Instant::now()).unwrap())
    }

    #[test]
    fn ids_that_stand_for_nobody_are_known_even_where_the_kernel_names_another() {
        let unmapped = Unmapped::of_this_kernel();
        assert!(unmapped.contains(65_534) && unmapped.contains(u32::MAX));
        assert!(!unmapped.contains(0) && !unmapped.contains(1000));
    }

    #[tokio::test]
    async fn a_slow_head_is_cut_but_an_idle_connection_is_kept() {
        let (mut client, connection) = pair();
        let mut stream = ClientStream::new(connection, Duration::from_millis(50));
        let mut buffer = [0; 16];
        assert!(timeout(Duration::from_millis(200), stream.read(&mut buffer)).await.is_err(), "idle must be kept");
        client.write_all(b"GET").await.unwrap();
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 3);
        let error = stream.read(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn the_clock_of_a_head_stops_when_it_is_complete() {
        let (mut client, connection) = pair();
        let mut stream = ClientStream::new(Arc::clone(&connection), Duration::from_millis(50));
        let mut buffer = [0; 16];
        client.write_all(b"GET").await.unwrap();
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 3);
        assert!(connection.begin());
        connection.end();
        let idle = timeout(Duration::from_millis(200), stream.read(&mut buffer)).await;
        assert!(idle.is_err(), "a connection that waits for its next request is kept");
    }

    #[tokio::test]
    async fn a_half_closed_client_is_not_gone_and_a_closed_one_is() {
        let (mut client, connection) = pair();
        client.shutdown().await.unwrap();
        assert!(timeout(Duration::from_millis(700), connection.gone()).await.is_err());
        drop(client);
        timeout(Duration::from_secs(2), connection.gone()).await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_closes_while_it_waits_is_gone_at_once() {
        let (client, connection) = pair();
        drop(client);
        timeout(Duration::from_millis(400), connection.gone()).await.unwrap();
    }

    #[tokio::test]
    async fn only_an_idle_connection_makes_room_and_then_begins_nothing() {
        let (_client, connection) = pair();
        assert!(connection.begin());
        assert!(!connection.evict(), "a request is under way");
        connection.end();
        assert!(connection.evict());
        assert!(!connection.begin());
        assert_eq!(connection.idle_since(), None, "it is not chosen twice");
    }

    #[tokio::test]
    async fn the_peer_is_who_connected() {
        let (_client, connection) = pair();
        assert_eq!(connection.peer.uid, rustix::process::getuid().as_raw());
    }
}
