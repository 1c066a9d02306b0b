//! A fake engine: an HTTP/1.1 server on a Unix socket that answers as Docker does, keeps every byte that it was sent, and
//! can be told to be slow, silent, broken or gone.
//!
//! Must never judge: what may reach an engine is what the tests look at afterwards.

pub(crate) mod answer;
pub(crate) mod manage;
pub(crate) mod routes;
pub(crate) mod stream;
pub(crate) mod wire;
pub(crate) mod world;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;

use self::stream::Script;
use self::wire::{Recorded, Source};
use self::world::World;
use super::background;

/// A running fake engine.
#[derive(Debug)]
pub(crate) struct FakeEngine {
    path: PathBuf,
    shared: Arc<Shared>,
    listener: Option<AbortHandle>,
}

/// What the engine's tasks and the test share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    open: AtomicUsize,
    opened: AtomicUsize,
    flooded: AtomicUsize,
    /// Lines for logs, events and attached streams that are followed.
    pub(crate) feed: broadcast::Sender<Fed>,
    /// Counted up when a container starts, stops or goes.
    pub(crate) changes: watch::Sender<u64>,
}

/// Something that the test lets a followed stream say.
#[derive(Debug, Clone)]
pub(crate) enum Fed {
    Log(Vec<u8>),
    Event(serde_json::Value),
    End,
}

#[derive(Debug)]
struct State {
    world: World,
    requests: Vec<Recorded>,
    rules: Vec<Rule>,
    script: Script,
    connections: Vec<AbortHandle>,
}

/// What a scripted request gets instead of the engine's own answer.
#[derive(Debug, Clone)]
struct Rule {
    method: String,
    path: String,
    act: Act,
    /// How often it still holds; `None`: always.
    left: Option<usize>,
}

#[derive(Debug, Clone)]
enum Act {
    Reply(u16, serde_json::Value),
    /// These bytes, then the connection stays as it is.
    Bytes(Vec<u8>),
    /// These bytes, then the connection closes.
    Cut(Vec<u8>),
    /// So many bytes as one chunked body, as fast as they are taken.
    Flood(usize),
    Hang,
    Close,
    Delay(Duration),
}

/// A rule that is being written: `engine.on("POST", "/containers/create").hang()`.
#[derive(Debug)]
pub(crate) struct On<'a> {
    engine: &'a FakeEngine,
    rule: Rule,
}

impl FakeEngine {
    /// Listens at the path.
    pub(crate) fn start(path: &Path, world: World) -> Self {
        let state =
            State { world, requests: Vec::new(), rules: Vec::new(), script: Script::Echo, connections: Vec::new() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            open: AtomicUsize::new(0),
            opened: AtomicUsize::new(0),
            flooded: AtomicUsize::new(0),
            feed: broadcast::channel(1024).0,
            changes: watch::channel(0).0,
        });
        let mut engine = Self { path: path.to_owned(), shared, listener: None };
        engine.listen();
        engine
    }

    /// Listens again after [`FakeEngine::stop`].
    pub(crate) fn listen(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let listener = UnixListener::bind(&self.path).expect("the engine's socket");
        self.listener = Some(background(accept(listener, Arc::clone(&self.shared))));
    }

    /// Ends the listener and every connection, as a killed engine does. The socket file stays.
    pub(crate) fn stop(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
        self.close_connections();
    }

    /// Ends every connection; the engine goes on listening.
    pub(crate) fn close_connections(&self) {
        for connection in self.shared.lock().connections.drain(..) {
            connection.abort();
        }
    }

    /// Everything that came, in the order of the heads.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.shared.lock().requests.clone()
    }

    /// What came and is not one of the questions that the broker asks for itself: GET of a list, an inspect, `/version`
    /// or `/info`, and its own HEAD or GET of `/_ping`.
    pub(crate) fn forwarded(&self) -> Vec<Recorded> {
        self.requests().into_iter().filter(|request| !is_question(request)).collect()
    }

    /// The only forwarded request.
    #[track_caller]
    pub(crate) fn only_forwarded(&self) -> Recorded {
        let mut forwarded = self.forwarded();
        let lines: Vec<String> = forwarded.iter().map(Recorded::line).collect();
        assert_eq!(forwarded.len(), 1, "one request was expected upstream, there were: {lines:#?}");
        forwarded.remove(0)
    }

    /// The last request of this method and path (without version), as it came.
    #[track_caller]
    pub(crate) fn last(&self, method: &str, path: &str) -> Recorded {
        let requests = self.requests();
        let found = requests.iter().rev().find(|request| request.method == method && request.path() == path);
        let lines: Vec<String> = requests.iter().map(Recorded::line).collect();
        found.cloned().unwrap_or_else(|| panic!("no {method} {path} came; there were: {lines:#?}"))
    }

    /// Waits until a request of this method and path has come.
    pub(crate) async fn came(&self, method: &str, path: &str) -> Recorded {
        let here = || self.requests().into_iter().find(|r| r.method == method && r.path() == path);
        eventually(&format!("{method} {path} upstream"), || here().is_some()).await;
        here().expect("it came")
    }

    /// Nothing came but questions of the broker's own.
    #[track_caller]
    pub(crate) fn assert_untouched(&self) {
        let lines: Vec<String> = self.forwarded().iter().map(Recorded::line).collect();
        assert!(lines.is_empty(), "nothing was to reach the engine, but there came: {lines:#?}");
    }

    /// Forgets what came.
    pub(crate) fn forget(&self) {
        self.shared.lock().requests.clear();
    }

    /// The objects, to look at and to change.
    pub(crate) fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.shared.lock().world)
    }

    /// What hijacked streams do from now on.
    pub(crate) fn streams(&self, script: Script) {
        self.shared.lock().script = script;
    }

    /// Lets followed logs, events or attached streams say something. Waits for somebody who listens.
    pub(crate) async fn feed(&self, fed: Fed) {
        eventually("somebody follows a stream", || self.shared.feed.receiver_count() > 0).await;
        self.shared.feed.send(fed).expect("a follower");
    }

    /// Ends followed streams, if there are any.
    pub(crate) fn end_streams(&self) {
        let _ = self.shared.feed.send(Fed::End);
    }

    /// How many followed streams are open.
    pub(crate) fn followers(&self) -> usize {
        self.shared.feed.receiver_count()
    }

    /// Connections that are open now.
    pub(crate) fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Connections that were ever opened.
    pub(crate) fn opened_connections(&self) -> usize {
        self.shared.opened.load(Ordering::SeqCst)
    }

    /// How many bytes of floods were taken.
    pub(crate) fn flooded(&self) -> usize {
        self.shared.flooded.load(Ordering::SeqCst)
    }

    /// A rule for requests of this method and path (without version; `*` stands for one segment). The last one wins.
    pub(crate) fn on(&self, method: &str, path: &str) -> On<'_> {
        let rule = Rule { method: method.to_owned(), path: path.to_owned(), act: Act::Hang, left: None };
        On { engine: self, rule }
    }

    /// Forgets all rules.
    pub(crate) fn obey(&self) {
        self.shared.lock().rules.clear();
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        self.stop();
    }
}

impl On<'_> {
    /// Only for the next so many requests.
    pub(crate) fn times(mut self, count: usize) -> Self {
        self.rule.left = Some(count);
        self
    }

    pub(crate) fn reply(self, status: u16, body: serde_json::Value) {
        self.act(Act::Reply(status, body));
    }

    /// The engine's error format.
    pub(crate) fn error(self, status: u16, message: &str) {
        self.reply(status, serde_json::json!({"message": message}));
    }

    /// Exactly these bytes.
    pub(crate) fn bytes(self, bytes: impl Into<Vec<u8>>) {
        self.act(Act::Bytes(bytes.into()));
    }

    /// These bytes, then the connection ends.
    pub(crate) fn cut(self, bytes: impl Into<Vec<u8>>) {
        self.act(Act::Cut(bytes.into()));
    }

    /// A chunked body of so many bytes, as fast as they are taken; see [`FakeEngine::flooded`].
    pub(crate) fn flood(self, bytes: usize) {
        self.act(Act::Flood(bytes));
    }

    /// Never an answer.
    pub(crate) fn hang(self) {
        self.act(Act::Hang);
    }

    /// The connection ends without an answer.
    pub(crate) fn close(self) {
        self.act(Act::Close);
    }

    /// The ordinary answer, later.
    pub(crate) fn delay(self, time: Duration) {
        self.act(Act::Delay(time));
    }

    fn act(mut self, act: Act) {
        self.rule.act = act;
        self.engine.shared.lock().rules.push(self.rule);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the world, or changes it.
    pub(crate) fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.lock().world)
    }

    pub(crate) fn script(&self) -> Script {
        self.lock().script.clone()
    }

    /// Says that a container started, stopped or went.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn record(&self, request: &Recorded) -> usize {
        let mut state = self.lock();
        state.requests.push(request.clone());
        state.requests.len() - 1
    }

    /// Changes a request that was recorded; it may have been forgotten since.
    pub(crate) fn amend(&self, at: &Entry, change: impl FnOnce(&mut Recorded)) {
        let mut state = self.lock();
        let same = |r: &&mut Recorded| r.connection == at.connection && r.head == at.head;
        if let Some(found) = state.requests.get_mut(at.index).filter(same) {
            change(found);
        }
    }

    fn rule_for(&self, request: &Recorded) -> Option<Act> {
        let mut state = self.lock();
        let rule = state.rules.iter_mut().rev().find(|rule| rule.left != Some(0) && rule.matches(request))?;
        rule.left = rule.left.map(|left| left - 1);
        Some(rule.act.clone())
    }
}

/// Where a request stands in the recording.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    index: usize,
    connection: usize,
    head: String,
}

impl Rule {
    fn matches(&self, request: &Recorded) -> bool {
        let path = request.path();
        let (wanted, there): (Vec<&str>, Vec<&str>) = (self.path.split('/').collect(), path.split('/').collect());
        let fits = |(wanted, there): (&&str, &&str)| *wanted == "*" || wanted == there;
        self.method == request.method && wanted.len() == there.len() && wanted.iter().zip(&there).all(fits)
    }
}

/// Waits until something is true; panics after five seconds.
pub(crate) async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !is_true() {
        assert!(Instant::now() < deadline, "{what}: not within five seconds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a request only asks what there is, as the broker does for itself.
pub(crate) fn is_question(request: &Recorded) -> bool {
    let path = request.path();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let asks = match segments.as_slice() {
        ["_ping" | "version" | "info" | "networks" | "volumes"] | ["networks" | "volumes", _] => true,
        ["images", .., "json"] | ["containers", "json"] | ["containers" | "exec", _, "json"] => true,
        [..] => false,
    };
    asks && request.body.is_empty() && (request.method == "GET" || (request.method == "HEAD" && path == "/_ping"))
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let number = shared.opened.fetch_add(1, Ordering::SeqCst) + 1;
        let counted = Counted::new(Arc::clone(&shared));
        let handle = background(async move {
            let _ = serve(stream, &counted.0, number).await;
        });
        shared.lock().connections.push(handle);
    }
}

/// Counts a connection as open while it lives.
struct Counted(Arc<Shared>);

impl Counted {
    fn new(shared: Arc<Shared>) -> Self {
        shared.open.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How a scripted answer went on.
enum Played {
    /// The connection can take the next request.
    Answered,
    /// The connection is over.
    Ended,
    /// The engine's own answer is still owed.
    Owed,
}

async fn serve(stream: UnixStream, shared: &Shared, number: usize) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut source = Source::new(read);
    loop {
        let Some(mut request) = wire::read_head(&mut source).await? else { return Ok(()) };
        request.connection = number;
        let entry = Entry { index: shared.record(&request), connection: number, head: request.head.clone() };
        if !read_request_body(&mut source, &mut request, &entry, shared).await? {
            return Ok(());
        }
        let played = match shared.rule_for(&request) {
            Some(act) => play(act, shared, &mut source, &mut write).await?,
            None => Played::Owed,
        };
        let goes_on = match played {
            Played::Answered => true,
            Played::Ended => false,
            Played::Owed => {
                routes::answer(&request, shared).write(&request, &entry, shared, &mut source, &mut write).await?
            }
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// Reads the body into the request and into the recording, piece by piece; false when it broke off.
async fn read_request_body(
    source: &mut Source<OwnedReadHalf>,
    request: &mut Recorded,
    entry: &Entry,
    shared: &Shared,
) -> io::Result<bool> {
    let head = request.clone();
    let keep = |raw: &[u8], content: &[u8]| {
        request.body.extend_from_slice(content);
        shared.amend(entry, |recorded| {
            recorded.raw_body.extend_from_slice(raw);
            recorded.body.extend_from_slice(content);
        });
    };
    let complete = wire::read_body(source, &head, keep).await?;
    shared.amend(entry, |recorded| recorded.complete = complete);
    Ok(complete)
}

async fn play(
    act: Act,
    shared: &Shared,
    source: &mut Source<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> io::Result<Played> {
    match act {
        Act::Reply(status, body) => {
            write.write_all(&answer::framed(status, &[], body.to_string().as_bytes())).await?;
            Ok(Played::Answered)
        }
        Act::Bytes(bytes) => {
            write.write_all(&bytes).await?;
            Ok(Played::Answered)
        }
        Act::Cut(bytes) => {
            write.write_all(&bytes).await?;
            write.shutdown().await?;
            Ok(Played::Ended)
        }
        Act::Flood(bytes) => {
            write.write_all(&answer::head(200, &[("Transfer-Encoding", "chunked")])).await?;
            for _ in 0..bytes / 65536 {
                wire::write_chunk(write, &[b'x'; 65536]).await?;
                shared.flooded.fetch_add(65536, Ordering::SeqCst);
            }
            wire::write_chunk(write, b"").await?;
            Ok(Played::Answered)
        }
        Act::Hang => {
            while source.fill().await? {}
            Ok(Played::Ended)
        }
        Act::Close => Ok(Played::Ended),
        Act::Delay(time) => {
            tokio::time::sleep(time).await;
            Ok(Played::Owed)
        }
    }
}
