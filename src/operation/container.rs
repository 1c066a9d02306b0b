//! Operations on containers: their queries, bodies and targets, read from words and written back.
//!
//! Must never decide anything: a container reference stays what the client wrote until a judge replaces it by the
//! full ID that it judged.

mod manage;

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::encoded::{Answer, EncodeError, Encoded, HijackStyle, Payload};
use super::model::{ContainerCreateBody, ContainerUpdateBody, ExecConfig};
use super::names::ContainerRef;
use crate::request::{Filters, write};

pub use manage::{ContainerRenameQuery, ContainerStatsQuery, ContainerTopQuery};

/// Everything that concerns containers.
#[derive(Debug, Clone, PartialEq)]
pub enum ContainerOperation {
    /// `GET /containers/json`
    List(ContainerListQuery),
    /// `POST /containers/create`
    Create(Box<ContainerCreate>),
    /// An operation on one existing container.
    Act {
        /// Which container: as the client spelled it, or, in a permit, its full ID.
        container: ContainerRef,
        /// What to do with it.
        action: ContainerAction,
    },
}

/// What can be done with one container.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is the Engine API operation of that name")]
pub enum ContainerAction {
    Inspect(ContainerInspectQuery),
    Start(ContainerStartQuery),
    Stop(ContainerStopQuery),
    Restart(ContainerStopQuery),
    Kill(ContainerKillQuery),
    Wait(ContainerWaitQuery),
    Logs(ContainerLogsQuery),
    Attach(ContainerAttachQuery, HijackStyle),
    Resize(ResizeQuery),
    Delete(ContainerDeleteQuery),
    ArchiveInfo(ArchivePathQuery),
    ArchiveGet(ArchivePathQuery),
    ArchivePut(ArchivePutQuery),
    Exec(Box<ExecConfig>),
    Rename(ContainerRenameQuery),
    Pause,
    Unpause,
    Update(Box<ContainerUpdateBody>),
    Top(ContainerTopQuery),
    Stats(ContainerStatsQuery),
    Changes,
    Export,
}

/// `ContainerList`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerListQuery {
    /// Stopped ones as well.
    pub all: bool,
    /// At most so many, newest first; zero and negative mean no limit.
    pub limit: Option<i64>,
    /// Compute sizes (walks the layers: slow).
    pub size: bool,
    /// Docker's filters.
    pub filters: Filters,
    /// Undocumented: only those made after this one.
    pub since: String,
    /// Undocumented: only those made before this one.
    pub before: String,
}

/// `ContainerCreate`: query and body.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerCreate {
    /// `name` and `platform`.
    pub query: ContainerCreateQuery,
    /// `Config`, `HostConfig` and `NetworkingConfig`.
    pub body: ContainerCreateBody,
}

/// The query of a create.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerCreateQuery {
    /// The container's name; empty: the engine invents one.
    pub name: String,
    /// `os[/arch[/variant]]`, since API 1.41; empty: the engine's own.
    pub platform: String,
}

/// `ContainerInspect`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerInspectQuery {
    /// Compute sizes.
    pub size: bool,
}

/// `ContainerStart`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerStartQuery {
    /// Key sequence that detaches, for example `ctrl-p,ctrl-q`.
    #[serde(rename = "detachKeys")]
    pub detach_keys: String,
    /// Undocumented: restores a checkpoint.
    pub checkpoint: String,
    /// Undocumented: where the checkpoint lies, a path **on the host**.
    #[serde(rename = "checkpoint-dir")]
    pub checkpoint_dir: String,
}

/// `ContainerStop` and `ContainerRestart`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerStopQuery {
    /// Signal instead of the container's own, since API 1.42.
    pub signal: String,
    /// Seconds until it is killed; -1 waits for ever.
    pub t: Option<i64>,
}

/// `ContainerKill`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerKillQuery {
    /// A signal's name or number; empty means SIGKILL.
    pub signal: String,
}

/// `ContainerWait`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerWaitQuery {
    /// `not-running` (the default), `next-exit` or `removed`.
    pub condition: String,
}

/// `ContainerLogs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerLogsQuery {
    /// Stay and send what comes.
    pub follow: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
    /// Only lines after this time (Unix seconds, with or without a fraction).
    pub since: String,
    /// Only lines before this time.
    pub until: String,
    /// Put a time before each line.
    pub timestamps: bool,
    /// Undocumented: adds what the log driver's options say (environment values and labels).
    pub details: bool,
    /// `all` or a number of lines.
    pub tail: String,
    /// Undocumented, since API 1.54: another framing.
    pub format: String,
}

/// `ContainerAttach`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerAttachQuery {
    /// Key sequence that detaches.
    #[serde(rename = "detachKeys")]
    pub detach_keys: String,
    /// Replay the log first.
    pub logs: bool,
    /// Stay attached.
    pub stream: bool,
    /// Attach standard input.
    pub stdin: bool,
    /// Attach standard output.
    pub stdout: bool,
    /// Attach standard error.
    pub stderr: bool,
}

/// `ContainerResize` and `ExecResize`: the terminal's size in characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResizeQuery {
    /// Rows.
    pub h: Option<u32>,
    /// Columns.
    pub w: Option<u32>,
}

/// `ContainerDelete`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerDeleteQuery {
    /// Anonymous volumes as well.
    pub v: bool,
    /// Also when it runs.
    pub force: bool,
    /// Remove a legacy link instead of the container.
    pub link: bool,
}

/// `ContainerArchive` and `ContainerArchiveInfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchivePathQuery {
    /// A path inside the container.
    pub path: String,
}

/// `PutContainerArchive`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchivePutQuery {
    /// The directory inside the container where the archive is unpacked.
    pub path: String,
    /// Refuse to replace a directory by a file and the other way round. The engine reads it as a truth value.
    #[serde(rename = "noOverwriteDirNonDir")]
    pub no_overwrite_dir_non_dir: bool,
    /// Keep user and group IDs as they are in the archive, since API 1.30.
    #[serde(rename = "copyUIDGID")]
    pub copy_uid_gid: bool,
}

impl ContainerOperation {
    /// Writes the request that the engine gets.
    ///
    /// # Errors
    /// When a query or body cannot be serialised, which no value of these types can cause.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        match self {
            Self::List(query) => Ok(Encoded::new(Method::GET, &["containers", "json"], &write(query)?, Answer::Prompt)),
            Self::Create(create) => {
                let ContainerCreate { query, body } = create.as_ref();
                Encoded::new(Method::POST, &["containers", "create"], &write(query)?, Answer::Slow).with_json(body)
            }
            Self::Act { container, action } => action.encode(container),
        }
    }
}

impl ContainerAction {
    fn encode(&self, container: &ContainerRef) -> Result<Encoded, EncodeError> {
        let at = |method, verb: &str, query: String, answer| {
            Encoded::new(method, &["containers", container.as_str(), verb], &query, answer)
        };
        Ok(match self {
            Self::Inspect(query) => at(Method::GET, "json", write(query)?, Answer::Prompt),
            Self::Start(query) => at(Method::POST, "start", write(query)?, Answer::Slow),
            Self::Stop(query) => at(Method::POST, "stop", write(query)?, Answer::Open),
            Self::Restart(query) => at(Method::POST, "restart", write(query)?, Answer::Open),
            Self::Kill(query) => at(Method::POST, "kill", write(query)?, Answer::Slow),
            Self::Wait(query) => at(Method::POST, "wait", write(query)?, Answer::Open),
            Self::Logs(query) => at(Method::GET, "logs", write(query)?, Answer::Open),
            Self::Attach(query, style) => at(Method::POST, "attach", write(query)?, Answer::Open).hijack(*style),
            Self::Resize(query) => at(Method::POST, "resize", write(query)?, Answer::Prompt),
            Self::Delete(query) => {
                Encoded::new(Method::DELETE, &["containers", container.as_str()], &write(query)?, Answer::Slow)
            }
            Self::ArchiveInfo(query) => at(Method::HEAD, "archive", write(query)?, Answer::Slow),
            Self::ArchiveGet(query) => at(Method::GET, "archive", write(query)?, Answer::Open),
            Self::ArchivePut(query) => {
                at(Method::PUT, "archive", write(query)?, Answer::Open).with_payload(Payload::Archive)
            }
            Self::Exec(config) => at(Method::POST, "exec", String::new(), Answer::Prompt).with_json(config)?,
            Self::Rename(query) => at(Method::POST, "rename", write(query)?, Answer::Slow),
            Self::Pause => at(Method::POST, "pause", String::new(), Answer::Slow),
            Self::Unpause => at(Method::POST, "unpause", String::new(), Answer::Slow),
            Self::Update(body) => at(Method::POST, "update", String::new(), Answer::Slow).with_json(body)?,
            Self::Top(query) => at(Method::GET, "top", write(query)?, Answer::Slow),
            Self::Stats(query) => at(Method::GET, "stats", write(query)?, Answer::Open),
            Self::Changes => at(Method::GET, "changes", String::new(), Answer::Open),
            Self::Export => at(Method::GET, "export", String::new(), Answer::Open),
        })
    }

    /// Whether its answer may take for ever: streams, and waiting.
    #[must_use]
    pub const fn is_open_ended(&self) -> bool {
        match self {
            Self::Stop(_)
            | Self::Restart(_)
            | Self::Wait(_)
            | Self::Logs(_)
            | Self::Attach(..)
            | Self::ArchiveGet(_)
            | Self::ArchivePut(_)
            | Self::Stats(_)
            | Self::Changes
            | Self::Export => true,
            Self::Inspect(_)
            | Self::Start(_)
            | Self::Kill(_)
            | Self::Resize(_)
            | Self::Delete(_)
            | Self::ArchiveInfo(_)
            | Self::Exec(_)
            | Self::Rename(_)
            | Self::Pause
            | Self::Unpause
            | Self::Update(_)
            | Self::Top(_) => false,
        }
    }

    /// Docker's `operationId`.
    #[must_use]
    pub const fn operation_id(&self) -> &'static str {
        match self {
            Self::Inspect(_) => "ContainerInspect",
            Self::Start(_) => "ContainerStart",
            Self::Stop(_) => "ContainerStop",
            Self::Restart(_) => "ContainerRestart",
            Self::Kill(_) => "ContainerKill",
            Self::Wait(_) => "ContainerWait",
            Self::Logs(_) => "ContainerLogs",
            Self::Attach(..) => "ContainerAttach",
            Self::Resize(_) => "ContainerResize",
            Self::Delete(_) => "ContainerDelete",
            Self::ArchiveInfo(_) => "ContainerArchiveInfo",
            Self::ArchiveGet(_) => "ContainerArchive",
            Self::ArchivePut(_) => "PutContainerArchive",
            Self::Exec(_) => "ContainerExec",
            Self::Rename(_) => "ContainerRename",
            Self::Pause => "ContainerPause",
            Self::Unpause => "ContainerUnpause",
            Self::Update(_) => "ContainerUpdate",
            Self::Top(_) => "ContainerTop",
            Self::Stats(_) => "ContainerStats",
            Self::Changes => "ContainerChanges",
            Self::Export => "ContainerExport",
        }
    }
}
