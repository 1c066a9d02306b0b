//! Looks on from the side: how many objects each owner has, sampled in the engine, and what the event streams said.

use std::io::Read;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use serde_json::Value;

use crate::raw::{self, connect, find, request};

/// The lists of containers, networks and volumes of an engine.
pub(crate) const LISTS: [&str; 3] = ["/containers/json?all=1&", "/networks?", "/volumes?"];

/// Samples the numbers of objects of owners for as long as it lives.
pub(crate) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Sampled>>,
}

/// The most that was ever seen, for each owner: containers, networks, volumes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sampled {
    pub(crate) most: Vec<[usize; 3]>,
    /// How often it was looked.
    pub(crate) samples: usize,
}

/// A stream of events that is read until it is finished.
pub(crate) struct Follower {
    stream: UnixStream,
    thread: JoinHandle<Vec<u8>>,
}

impl Sampler {
    pub(crate) fn start(engine: &Path, owners: &[String]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, owners, until) = (engine.to_owned(), owners.to_vec(), Arc::clone(&stop));
        let thread = spawn(move || {
            let mut sampled = Sampled { most: vec![[0; 3]; owners.len()], samples: 0 };
            while !until.load(Ordering::Relaxed) {
                for (most, owner) in sampled.most.iter_mut().zip(&owners) {
                    let now = numbers(&engine, owner);
                    *most = std::array::from_fn(|kind| most[kind].max(now[kind]));
                }
                sampled.samples += 1;
                sleep(Duration::from_millis(30));
            }
            sampled
        });
        Self { stop, thread: Some(thread) }
    }

    pub(crate) fn finish(mut self) -> Sampled {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("a sampler ends once").join().expect("a sampler")
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Follower {
    /// Follows everything that the socket tells of.
    pub(crate) fn start(socket: &Path) -> Self {
        let mut stream = connect(socket).expect("a connection");
        stream.set_read_timeout(None).expect("no deadline");
        std::io::Write::write_all(&mut stream, &request("GET", "/events", None)).expect("a request");
        let mut reader = stream.try_clone().expect("the same stream");
        let thread = spawn(move || {
            let mut seen = Vec::new();
            let _ = reader.read_to_end(&mut seen);
            seen
        });
        Self { stream, thread }
    }

    /// What was told so far; the stream ends.
    pub(crate) fn finish(self) -> Vec<Value> {
        let _ = self.stream.shutdown(Shutdown::Both);
        let seen = self.thread.join().expect("a reader");
        assert!(seen.starts_with(b"HTTP/1.1 200"), "no events: {}", String::from_utf8_lossy(&seen));
        let at = find(&seen, b"\r\n\r\n").expect("a head") + 4;
        let text = unchunk(&seen[at..]);
        let lines = String::from_utf8_lossy(&text);
        lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// What the owner has now: containers, networks, volumes.
pub(crate) fn numbers(engine: &Path, owner: &str) -> [usize; 3] {
    LISTS.map(|list| owned(engine, list, owner).len())
}

/// What one list shows of an owner's objects.
pub(crate) fn owned(engine: &Path, list: &str, owner: &str) -> Vec<Value> {
    let filters = encoded(&serde_json::json!({"label": [format!("docker-broker.owner={owner}")]}));
    let answer = raw::send(engine, "GET", &format!("{list}filters={filters}"), None).expect("the engine's list");
    assert_eq!(answer.status, 200, "{}", answer.text());
    rows(&answer.json())
}

/// The rows of a list; that of volumes stands one level deeper.
pub(crate) fn rows(list: &Value) -> Vec<Value> {
    list["Volumes"].as_array().or_else(|| list.as_array()).cloned().unwrap_or_default()
}

/// Filters as they stand in a query.
pub(crate) fn encoded(filters: &Value) -> String {
    filters.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The chunks that came whole.
fn unchunk(bytes: &[u8]) -> Vec<u8> {
    let (mut body, mut rest) = (Vec::new(), bytes);
    while let Some(line) = find(rest, b"\r\n") {
        let size = std::str::from_utf8(&rest[..line]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(size) = size.filter(|size| *size > 0 && rest.len() >= line + 2 + size + 2) else { break };
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 2 + size + 2..];
    }
    body
}
