//! The audit: one record for every request, whatever became of it.
//!
//! A record goes into a bounded queue and a thread of its own writes it, so that a slow disk never holds up a request.
//! What cannot be queued is counted, and the count is written where the records would have stood. Must never hold a
//! query string, a header's value or a body: a [`Record`] has no field for them, and [`Secret`](crate::request::secret)
//! prints as `[redacted]` wherever one gets into a text.

mod queue;
pub mod read;
mod render;
mod sink;
mod tally;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::client::Peer;
use queue::Queue;
use sink::Output;

pub use tally::{Made, Refused, Tally, Totals};

/// Everything that is worth knowing of one request afterwards. What is not known is `None`, and left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The id that the client saw in the refusal.
    pub request_id: String,
    /// When the head was complete.
    pub time: SystemTime,
    /// The listener's name, as `main`.
    pub listener: String,
    /// Whose objects the request could touch.
    pub owner: String,
    /// Who connected, as the kernel says.
    pub peer: Option<Peer>,
    /// What the client says of its session (`x-tc-sid`): a hint, and never an identity.
    pub session_hint: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// The path as the client wrote it. The writer takes a query off, escapes control characters and cuts it at 300.
    pub path: String,
    /// The API version of the path, as `1.44`.
    pub api_version: Option<String>,
    /// Docker's `operationId`.
    pub operation: Option<&'static str>,
    /// What the operation is about: a container's ID, an image's reference, a network's name.
    pub object: Option<String>,
    /// The image that a create or a pull names, as the client wrote it.
    pub image: Option<String>,
    /// The name that a create asks for: where its answer never came, nothing else says what may have been made.
    pub name: Option<String>,
    /// The names of volumes that a container's create makes first.
    pub volumes: Vec<String>,
    /// What became of it.
    pub decision: Decision,
    /// The policy key that decided.
    pub key: Option<&'static str>,
    /// Where in the request the deciding value stands, as `HostConfig.Privileged`.
    pub place: Option<String>,
    /// The message that the client got.
    pub reason: Option<String>,
    /// The policy's name.
    pub policy: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// From the head's last byte to the answer's last.
    pub duration: Duration,
    /// Bytes of the request's body, and of a hijacked stream in that direction.
    pub bytes_in: u64,
    /// Bytes of the answer's body, and of a hijacked stream in that direction.
    pub bytes_out: u64,
    /// What the policy changed in the request, as `v=1`.
    pub amended: Vec<String>,
    /// What only operators may see: the engine's own words, or a chain of causes.
    pub detail: Option<String>,
}

/// Policies were read again: not of one request, and of consequence for all that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// When.
    pub time: SystemTime,
    /// Why: `SIGHUP` or `file`.
    pub cause: &'static str,
    /// What became of it.
    pub outcome: ReloadOutcome,
    /// The policies that are in force now.
    pub policies: Vec<LoadedPolicy>,
    /// Settings that differ and need a restart.
    pub needs_restart: Vec<String>,
    /// What was wrong, where nothing was replaced for it.
    pub reason: Option<String>,
}

/// A policy in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LoadedPolicy {
    /// Where.
    pub listener: String,
    /// Its name.
    pub policy: String,
    /// Its fingerprint.
    pub version: String,
}

/// What became of a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadOutcome {
    /// A policy took the place of another.
    Replaced,
    /// They are as they were.
    Unchanged,
    /// Something is wrong, and nothing was replaced.
    Refused,
}

/// How far a removal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The engine is about to be asked: a broker that is killed before the answer leaves at least this.
    Begun,
    /// The engine had removed it.
    Done,
}

/// An object that the broker removed by itself: what a session left, or what was over. With it a log accounts for each
/// object that was made through the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Whether it is gone already.
    pub stage: Stage,
    /// When.
    pub time: SystemTime,
    /// Whose it was.
    pub owner: String,
    /// The session that it was made in.
    pub session: String,
    /// The `operationId` of what the broker asked for.
    pub operation: &'static str,
    /// Its full ID; a volume's name.
    pub object: String,
    /// Its name.
    pub name: String,
    /// Why it had to go.
    pub reason: String,
}

/// What a line of the audit is about.
#[derive(Debug)]
enum Entry {
    Request(Box<Record>),
    Reload(Reload),
    Removed(Box<Removed>),
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It went to the engine.
    Permitted,
    /// The policy does not allow it.
    Refused,
    /// It names an object that is not there, or not the caller's.
    NotFound,
    /// It could not be read.
    Malformed,
    /// The engine or the broker could not do it.
    Failed,
    /// The broker answered by itself, and the engine was not asked.
    Stubbed,
    /// The client left before the answer.
    Abandoned,
}

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, which is appended to. It is created with mode 0600, and opened anew after it was moved away.
    File(PathBuf),
    /// Nowhere.
    None,
}

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// One aligned line for people.
    Text,
}

/// How a broker keeps its audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditConfig {
    /// Where records go.
    pub sink: Sink,
    /// How they are written.
    pub format: Format,
    /// Whether requests are refused while records cannot be written.
    pub required: bool,
}

/// Why an audit cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file cannot be opened.
    #[error("cannot open the audit file `{}`", path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no thread for it.
    #[error("cannot start the thread that writes the audit")]
    Thread(#[source] io::Error),
}

/// The open audit of a running broker. Dropping it writes what is still queued.
#[derive(Debug)]
pub struct Audit {
    /// `None` where records go nowhere.
    queue: Option<Arc<Queue>>,
    /// Where they are counted as well.
    tally: Option<Arc<Tally>>,
}

impl Audit {
    /// Opens the sink and starts the thread that writes to it.
    ///
    /// # Errors
    /// When the file or the thread cannot be had.
    pub fn open(config: &AuditConfig) -> Result<Self, AuditError> {
        Self::open_with(config, CAPACITY)
    }

    fn open_with(config: &AuditConfig, capacity: usize) -> Result<Self, AuditError> {
        let Some(output) = Output::open(&config.sink)? else { return Ok(Self { queue: None, tally: None }) };
        // a required audit loses nothing of what was under way when it became unhealthy
        let reserve = if config.required { RESERVE } else { 0 };
        let queue = Arc::new(Queue::new(capacity, reserve));
        writer::start(Arc::clone(&queue), output, config.format).map_err(AuditError::Thread)?;
        Ok(Self { queue: Some(queue), tally: None })
    }

    /// Counts every record from now on.
    pub fn count_in(&mut self, tally: Arc<Tally>) {
        self.tally = Some(tally);
    }

    /// Queues one record. Never waits for the sink: where the queue is full, the record is counted as lost.
    pub fn record(&self, record: Record) {
        if let Some(tally) = &self.tally {
            tally.count(&record);
        }
        if let Some(queue) = &self.queue {
            queue.push(Entry::Request(Box::new(record)));
        }
    }

    /// Queues the record of a reload, as [`Self::record`] does one of a request.
    pub fn reloaded(&self, reload: Reload) {
        if let Some(queue) = &self.queue {
            queue.push(Entry::Reload(reload));
        }
    }

    /// Queues the record of something that the broker removed by itself, as [`Self::record`] does.
    pub fn removed(&self, removed: Removed) {
        if let Some(queue) = &self.queue {
            queue.push(Entry::Removed(Box::new(removed)));
        }
    }

    /// Whether records are being written: false from a failed write (or a full queue) until a write works again.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.queue.as_ref().is_none_or(|queue| queue.is_healthy())
    }

    /// Opens the file anew before the next write, as after a rotation. A moved file is also noticed without this.
    pub fn reopen(&self) {
        if let Some(queue) = &self.queue {
            queue.ask_reopen();
        }
    }

    /// Writes what is queued and ends the thread; waits for a stuck sink no longer than five seconds.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else { return };
        if !queue.close(CLOSE_TIME) {
            tracing::error!("the audit sink is stuck; its last records were not written");
        }
    }
}

/// How many records may wait for the sink.
const CAPACITY: usize = 8192;

/// How many more a required audit takes while requests are already refused: one for each connection that there can be.
const RESERVE: usize = 16_384;

/// How long a closing broker waits for its sink.
const CLOSE_TIME: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
