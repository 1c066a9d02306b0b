//! A private socket: made safely or taken from the service manager, served within bounds, drained at the end.
//!
//! A stale socket file is replaced; a live socket, or anything that is no socket, is not. Must never remove a file that
//! it did not make.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::fs::{FlockOperation, flock};
use tokio::net::UnixListener;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bounds::Bounds;
use crate::broker::Broker;
use crate::client::{ClientStream, Connection, SharedConnection};
use crate::upstream::Address;

/// A listening socket, and the file that it made where it made one.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    file: Option<SocketFile>,
    mode: u32,
}

/// Removes its socket file when it is dropped, if it is still the one that was made.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

/// Why a socket cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process answers there.
    #[error("`{}` is in use: another process listens on it; stop it, or choose another --listen", .0.display())]
    InUse(PathBuf),
    /// There is something that is no socket.
    #[error("`{}` exists and is not a socket; it is left alone, choose another --listen", .0.display())]
    NotASocket(PathBuf),
    /// The group does not exist.
    #[error("there is no group `{0}`; name one from /etc/group, or give its number")]
    NoSuchGroup(String),
    /// The service manager passed something else.
    #[error("what the service manager passed for the listener is no listening Unix stream socket: {0}")]
    NotPassed(&'static str),
    /// A socket of the service manager that cannot be used.
    #[error("cannot use the socket that the service manager passed")]
    Passed(#[source] io::Error),
    /// The file system said no.
    #[error("cannot {what} `{}`", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// The open connections of all listeners, so that the bounds can be kept and the oldest idle one found.
#[derive(Debug, Default)]
pub struct Connections {
    open: Mutex<HashMap<u64, Open>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Open {
    connection: SharedConnection,
    close: CancellationToken,
}

impl Listener {
    /// Makes the socket file with its mode and group, and listens.
    ///
    /// # Errors
    /// When something is in the way, the group is unknown, or the file system says no.
    pub fn bind(address: &Address, mode: u32, group: Option<&str>) -> Result<Self, ListenError> {
        let path = address.path();
        let gid = group.map(group_id).transpose()?;
        // two brokers that start at once look and put one after the other
        let _turn = take_turn(path)?;
        make_way(path)?;
        let (socket, inode) = put(path, mode, gid)?;
        Ok(Self { socket, file: Some(SocketFile { path: path.to_owned(), inode }), mode })
    }

    /// Takes a socket that the service manager listens on. Its file, mode and group are the service manager's.
    ///
    /// # Errors
    /// When it is no Unix stream socket that listens.
    pub fn passed(socket: OwnedFd) -> Result<Self, ListenError> {
        use rustix::net::{AddressFamily, SocketType, sockopt};
        let failed = |error: rustix::io::Errno| ListenError::Passed(error.into());
        if sockopt::socket_domain(&socket).map_err(failed)? != AddressFamily::UNIX {
            return Err(ListenError::NotPassed("it is of another family; write `ListenStream=/path/to/socket`"));
        }
        if sockopt::socket_type(&socket).map_err(failed)? != SocketType::STREAM {
            return Err(ListenError::NotPassed("it has no streams; write `ListenStream=`"));
        }
        if !sockopt::socket_acceptconn(&socket).map_err(failed)? {
            return Err(ListenError::NotPassed("it does not listen; `Accept=` has to be `no`"));
        }
        // what this process starts must not hold it
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC).map_err(failed)?;
        let socket = std::os::unix::net::UnixListener::from(socket);
        socket.set_nonblocking(true).map_err(ListenError::Passed)?;
        let socket = UnixListener::from_std(socket).map_err(ListenError::Passed)?;
        let address = socket.local_addr().map_err(ListenError::Passed)?;
        let metadata = address.as_pathname().and_then(|path| fs::metadata(path).ok());
        // one without a file has no mode that would keep anybody out
        let mode = metadata.map_or(0o777, |metadata| metadata.permissions().mode() & 0o777);
        Ok(Self { socket, file: None, mode })
    }

    /// Where clients find it; `None` for one that has no file.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        match &self.file {
            Some(file) => Some(file.path.clone()),
            None => self.socket.local_addr().ok()?.as_pathname().map(Path::to_owned),
        }
    }

    /// Whether the service manager passed it.
    #[must_use]
    pub const fn is_passed(&self) -> bool {
        self.file.is_none()
    }

    /// Who may open it, as in `chmod`.
    #[must_use]
    pub const fn mode(&self) -> u32 {
        self.mode
    }

    /// Accepts and serves until `stop`; then drains: idle connections end at once, others have `drain_time`.
    pub async fn serve(self, broker: Arc<Broker>, connections: Arc<Connections>, stop: CancellationToken) {
        let Self { socket, file, mode: _ } = self;
        let (tasks, started) = (TaskTracker::new(), Instant::now());
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match accepted.and_then(|(stream, _)| Connection::new(stream, started)) {
                Ok(connection) => {
                    let served = admit(&connections, connection, &broker, &stop);
                    tasks.spawn(served);
                }
                Err(error) => {
                    // out of descriptors, most often: accepting again at once would only spin
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(socket);
        drop(file);
        tasks.close();
        drain(&tasks, &broker).await;
    }
}

/// Waits for open requests, then for raw streams, within the drain time.
async fn drain(connections: &TaskTracker, broker: &Broker) {
    broker.tasks.close();
    let deadline = sleep(broker.parts.bounds.drain_time);
    let done = async {
        connections.wait().await;
        broker.tasks.wait().await;
    };
    tokio::select! {
        () = done => {}
        () = deadline => {
            tracing::warn!(connections = connections.len(), streams = broker.tasks.len(), "the drain time is over");
            broker.stopping.cancel();
            let cut = async { tokio::join!(connections.wait(), broker.tasks.wait()) };
            tokio::select! { _ = cut => {} () = sleep(LAST_WORDS) => {} }
        }
    }
}

/// Finds room for a connection, and gives the task that serves it.
fn admit(
    connections: &Arc<Connections>,
    connection: SharedConnection,
    broker: &Arc<Broker>,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let (close, number) = (CancellationToken::new(), connections.next.fetch_add(1, Ordering::Relaxed));
    let open = Open { connection: Arc::clone(&connection), close: close.clone() };
    let admitted = connections.insert(number, open, &broker.parts.bounds);
    let (connections, broker, stop) = (Arc::clone(connections), Arc::clone(broker), stop.clone());
    async move {
        if admitted {
            serve_connection(connection, broker, close, stop).await;
            connections.remove(number);
        } else {
            refuse(&connection).await;
        }
    }
}

/// Serves one connection to its end.
async fn serve_connection(
    connection: SharedConnection,
    broker: Arc<Broker>,
    close: CancellationToken,
    stop: CancellationToken,
) {
    let stream = ClientStream::new(Arc::clone(&connection), broker.parts.bounds.header_time);
    let client = Arc::new(broker.client(Arc::clone(&connection)));
    let served = Arc::clone(&broker);
    let service = service_fn(move |request| {
        let (broker, client) = (Arc::clone(&served), Arc::clone(&client));
        async move { Ok::<_, std::convert::Infallible>(broker.answer(&client, request).await) }
    });
    let serving = http1::Builder::new()
        .half_close(true)
        .title_case_headers(true)
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(usize::from(broker.parts.bounds.header_fields))
        .max_buf_size(usize::try_from(broker.parts.bounds.header_bytes).unwrap_or(usize::MAX))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(serving);
    tokio::select! {
        result = serving.as_mut() => ended(result),
        // one that is idle under pressure, chosen to make room
        () = close.cancelled() => {}
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                result = serving.as_mut() => ended(result),
                // the drain time is over: what is still being answered is cut, and recorded as it is dropped
                () = broker.stopping.cancelled() => {}
            }
        }
    }
}

/// Clients close when they like; only at the debug level is that worth a line.
fn ended(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers a connection that there is no room for, before anything is read.
async fn refuse(connection: &SharedConnection) {
    use tokio::io::AsyncWriteExt;
    let message = r#"{"message":"docker-broker: too many connections; close one, or raise --connections-per-peer or --connections"}"#;
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{message}",
        message.len()
    );
    let mut stream = ClientStream::new(Arc::clone(connection), Duration::ZERO);
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    tracing::warn!(peer = ?connection.peer, "a connection was refused: too many are open");
}

impl Connections {
    /// Whether there is room within the bounds; under pressure the oldest idle connection makes it.
    fn insert(&self, number: u64, open: Open, bounds: &Bounds) -> bool {
        let mut table = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = open.connection.peer.uid;
        let of_peer = table.values().filter(|other| other.connection.peer.uid == peer).count();
        let victim = if of_peer >= bounds.connections_per_peer {
            oldest_idle(&table, Some(peer))
        } else if table.len() >= bounds.connections {
            oldest_idle(&table, None)
        } else {
            table.insert(number, open);
            return true;
        };
        let Some(closed) = victim.and_then(|victim| table.remove(&victim)) else { return false };
        closed.close.cancel();
        table.insert(number, open);
        true
    }

    fn remove(&self, number: u64) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }
}

fn oldest_idle(table: &HashMap<u64, Open>, peer: Option<u32>) -> Option<u64> {
    let of_peer = table.iter().filter(|(_, open)| peer.is_none_or(|uid| open.connection.peer.uid == uid));
    let mut idle: Vec<_> =
        of_peer.filter_map(|(number, open)| Some((open.connection.idle_since()?, *number, open))).collect();
    idle.sort_unstable_by_key(|(since, number, _)| (*since, *number));
    // one that begins a request meanwhile is left alone
    idle.into_iter().find(|(_, _, open)| open.connection.evict()).map(|(_, number, _)| number)
}

/// Holds the folder of the socket for as long as it is looked at and changed.
fn take_turn(path: &Path) -> Result<fs::File, ListenError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let failed = |what| move |source| ListenError::Io { what, path: folder.to_owned(), source };
    let turn = fs::File::open(folder).map_err(failed("open the folder of the socket,"))?;
    for _ in 0..TURNS {
        match flock(&turn, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(turn),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(TURN),
            Err(error) => return Err(failed("lock the folder of the socket,")(error.into())),
        }
    }
    Err(failed("lock the folder of the socket,")(io::ErrorKind::TimedOut.into()))
}

/// Makes the socket in a folder that nobody else can enter, and puts it into its place when mode and group are right.
fn put(path: &Path, mode: u32, gid: Option<u32>) -> Result<(UnixListener, (u64, u64)), ListenError> {
    let failed = |what| move |source| ListenError::Io { what, path: path.to_owned(), source };
    let folder = path.with_file_name(format!(".db{}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed("make a folder for the socket"))?;
    let made = folder.join("s");
    let result = (|| {
        let socket = UnixListener::bind(&made).map_err(failed("listen on"))?;
        if let Some(gid) = gid {
            chown(&made, None, Some(gid)).map_err(failed("give to its group the socket"))?;
        }
        fs::set_permissions(&made, fs::Permissions::from_mode(mode)).map_err(failed("set the mode of"))?;
        let metadata = fs::symlink_metadata(&made).map_err(failed("look at"))?;
        fs::rename(&made, path).map_err(failed("put into its place the socket"))?;
        Ok((socket, (metadata.dev(), metadata.ino())))
    })();
    let _ = fs::remove_file(&made);
    let _ = fs::remove_dir(&folder);
    result
}

/// Removes a stale socket; refuses whatever else is there.
fn make_way(path: &Path) -> Result<(), ListenError> {
    let failed = |what| move |source| ListenError::Io { what, path: path.to_owned(), source };
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("look at")(error)),
    };
    if !metadata.file_type().is_socket() {
        return Err(ListenError::NotASocket(path.to_owned()));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed("remove the stale socket"))
        }
        // it answers, or only its owner may know: both are live
        Ok(_) | Err(_) => Err(ListenError::InUse(path.to_owned())),
    }
}

/// A group by number, or by its name in `/etc/group`.
fn group_id(group: &str) -> Result<u32, ListenError> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let path = PathBuf::from("/etc/group");
    let text = fs::read_to_string(&path).map_err(|source| ListenError::Io { what: "read", path, source })?;
    let number = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)).flatten()?.parse().ok()
    });
    number.ok_or_else(|| ListenError::NoSuchGroup(group.to_owned()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.inode);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the socket could not be removed");
        }
    }
}

/// How often and how long a broker waits for another that is just starting beside it.
const TURNS: u32 = 100;
const TURN: Duration = Duration::from_millis(20);

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What connections and raw streams have after the drain time to write their records.
const LAST_WORDS: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_two_that_start_at_once_on_a_stale_socket_one_listens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let address = Address::parse(path.to_str().unwrap()).unwrap();
        for _ in 0..20 {
            drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
            let bind = || {
                let address = address.clone();
                tokio::task::spawn_blocking(move || Listener::bind(&address, 0o600, None))
            };
            let (first, second) = tokio::join!(bind(), bind());
            let (first, second) = (first.unwrap(), second.unwrap());
            assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
            assert!(
                std::os::unix::net::UnixStream::connect(&path).is_ok(),
                "the one that listens is the one in its place"
            );
            drop((first, second));
            assert!(!path.exists() && fs::read_dir(folder.path()).unwrap().next().is_none(), "something was left");
        }
    }

    #[tokio::test]
    async fn a_group_that_does_not_exist_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let address = Address::parse(path.to_str().unwrap()).unwrap();
        let error = Listener::bind(&address, 0o660, Some("no-such-group")).unwrap_err();
        assert!(error.to_string().contains("no group `no-such-group`"), "{error}");
        assert!(!path.exists());
    }
}
