//! A recording relay between a broker and an engine: every byte passes, and every request is written down.
//!
//! What a test says about "nothing went upstream" is said about these records of real traffic.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use crate::raw::{find, unchunk};

/// A request as the engine got it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The method.
    pub(crate) method: String,
    /// The target, with its version prefix.
    pub(crate) target: String,
    /// The whole head.
    pub(crate) head: String,
    /// The body, without framing.
    pub(crate) body: Vec<u8>,
}

/// A relay; it runs until the process ends.
#[derive(Debug)]
pub(crate) struct Tap {
    /// Where the broker finds its engine.
    pub(crate) socket: PathBuf,
    seen: Arc<Mutex<Vec<Seen>>>,
    _folder: tempfile::TempDir,
}

/// Takes requests from a byte stream.
#[derive(Default)]
struct Splitter {
    waiting: Vec<u8>,
    /// After an upgrade the bytes are no HTTP any more.
    raw: bool,
}

impl Seen {
    /// The body as JSON.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether it is one of the broker's own questions, or at least could be: it changes nothing.
    #[must_use]
    pub(crate) fn is_question(&self) -> bool {
        self.method == "GET"
    }

    /// Whether it is the sweeper's own listing, which comes at any time: it alone asks for what carries the owner's label
    /// with whatever value.
    #[must_use]
    pub(crate) fn is_sweep(&self) -> bool {
        let line = self.line();
        SWEEPS.iter().any(|list| {
            line.strip_prefix(list)
                .is_some_and(|rest| rest == "filters=%7B%22label%22%3A%5B%22docker-broker.owner%22%5D%7D")
        })
    }

    /// Method and target, without the version.
    #[must_use]
    pub(crate) fn line(&self) -> String {
        let target = match self.target.strip_prefix("/v1.") {
            Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => &self.target,
        };
        format!("{} {target}", self.method)
    }
}

impl Tap {
    /// Relays to this engine.
    #[must_use]
    pub(crate) fn before(engine: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("db-tap").tempdir_in("/tmp").expect("a folder");
        let socket = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (engine, records) = (engine.to_owned(), Arc::clone(&seen));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(upstream) = UnixStream::connect(&engine) {
                    relay(client, upstream, Arc::clone(&records));
                }
            }
        });
        Self { socket, seen, _folder: folder }
    }

    /// How many requests were seen so far.
    #[must_use]
    pub(crate) fn mark(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The requests since a mark, without the sweeper's.
    #[must_use]
    pub(crate) fn since(&self, mark: usize) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen[mark..].iter().filter(|seen| !seen.is_sweep()).cloned().collect()
    }
}

fn relay(client: UnixStream, upstream: UnixStream, seen: Arc<Mutex<Vec<Seen>>>) {
    let back = (upstream.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
    thread::spawn(move || copy(back.0, back.1, |_| {}));
    let mut splitter = Splitter::default();
    // a request is written down before the engine gets its last byte: whoever has the answer finds the record
    thread::spawn(move || {
        copy(client, upstream, |bytes| {
            let requests = splitter.feed(bytes);
            seen.lock().unwrap_or_else(PoisonError::into_inner).extend(requests);
        });
    });
}

fn copy(mut from: UnixStream, mut to: UnixStream, mut look: impl FnMut(&[u8])) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut chunk) {
        look(&chunk[..count]);
        if count == 0 || to.write_all(&chunk[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

impl Splitter {
    fn feed(&mut self, bytes: &[u8]) -> Vec<Seen> {
        let mut found = Vec::new();
        if !self.raw {
            self.waiting.extend_from_slice(bytes);
        }
        while let Some((request, length)) = (!self.raw).then(|| take(&self.waiting)).flatten() {
            self.waiting.drain(..length);
            self.raw = request.head.to_ascii_lowercase().contains("\r\nupgrade:");
            found.push(request);
        }
        found
    }
}

/// The first request, if all of it is there, and its length.
fn take(bytes: &[u8]) -> Option<(Seen, usize)> {
    let end = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
    };
    let (body, length) = if header("transfer-encoding").is_some() {
        unchunk(&bytes[end..])?
    } else {
        let length = header("content-length").map_or(0, |text| text.parse().expect("a length"));
        (bytes.get(end..end + length)?.to_vec(), length)
    };
    let mut words = head.split(' ');
    let method = words.next()?.to_owned();
    let target = words.next()?.to_owned();
    Some((Seen { method, target, head, body }, end + length))
}

const SWEEPS: [&str; 3] = ["GET /containers/json?all=1&", "GET /networks?", "GET /volumes?"];
