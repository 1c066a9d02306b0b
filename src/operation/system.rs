//! Operations on the engine as a whole, and the five prunes.
//!
//! Must never answer anything itself: a prune is read here like any other operation, and stubbed by the broker.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::encoded::{Answer, EncodeError, Encoded};
use crate::request::{Filters, write};

/// Metadata of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemOperation {
    /// `GET /_ping`
    Ping,
    /// `HEAD /_ping`
    PingHead,
    /// `GET /info`
    Info,
    /// `GET /version`
    Version,
    /// `GET /events`
    Events(SystemEventsQuery),
}

/// `SystemEvents`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemEventsQuery {
    /// Events since this time (Unix seconds, with or without a fraction).
    pub since: String,
    /// End the stream at this time.
    pub until: String,
    /// Docker's filters.
    pub filters: Filters,
}

/// `ContainerPrune`, `ImagePrune`, `NetworkPrune`, `VolumePrune` or `BuildPrune`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PruneOperation {
    /// `POST /containers/prune`
    Containers(PruneQuery),
    /// `POST /images/prune`
    Images(PruneQuery),
    /// `POST /networks/prune`
    Networks(PruneQuery),
    /// `POST /volumes/prune`
    Volumes(PruneQuery),
    /// `POST /build/prune`
    Build(BuildPruneQuery),
}

/// The query of the four object prunes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PruneQuery {
    /// Docker's filters.
    pub filters: Filters,
}

/// `BuildPrune`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct BuildPruneQuery {
    /// Until API 1.47: bytes of cache to keep.
    pub keep_storage: Option<i64>,
    /// Bytes of cache to keep, since API 1.48.
    pub reserved_space: Option<i64>,
    /// Most bytes of cache that may be used, since API 1.48.
    pub max_used_space: Option<i64>,
    /// Bytes of disk to leave free, since API 1.48.
    pub min_free_space: Option<i64>,
    /// All of the build cache, not only what dangles.
    pub all: bool,
    /// Docker's filters.
    pub filters: Filters,
}

impl SystemOperation {
    /// Writes the request that the engine gets.
    ///
    /// # Errors
    /// When a query cannot be serialised, which no value of these types can cause.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        Ok(match self {
            Self::Ping => Encoded::new(Method::GET, &["_ping"], "", Answer::Prompt),
            Self::PingHead => Encoded::new(Method::HEAD, &["_ping"], "", Answer::Prompt),
            Self::Info => Encoded::new(Method::GET, &["info"], "", Answer::Slow),
            Self::Version => Encoded::new(Method::GET, &["version"], "", Answer::Prompt),
            Self::Events(query) => Encoded::new(Method::GET, &["events"], &write(query)?, Answer::Open),
        })
    }

    /// Docker's `operationId`.
    #[must_use]
    pub const fn operation_id(&self) -> &'static str {
        match self {
            Self::Ping => "SystemPing",
            Self::PingHead => "SystemPingHead",
            Self::Info => "SystemInfo",
            Self::Version => "SystemVersion",
            Self::Events(_) => "SystemEvents",
        }
    }
}

impl PruneOperation {
    /// Writes the request that the engine gets, where a policy lets a prune through.
    ///
    /// # Errors
    /// When a query cannot be serialised, which no value of these types can cause.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        let at = |what, query: String| Encoded::new(Method::POST, &[what, "prune"], &query, Answer::Open);
        Ok(match self {
            Self::Containers(query) => at("containers", write(query)?),
            Self::Images(query) => at("images", write(query)?),
            Self::Networks(query) => at("networks", write(query)?),
            Self::Volumes(query) => at("volumes", write(query)?),
            Self::Build(query) => at("build", write(query)?),
        })
    }

    /// Docker's `operationId`.
    #[must_use]
    pub const fn operation_id(&self) -> &'static str {
        match self {
            Self::Containers(_) => "ContainerPrune",
            Self::Images(_) => "ImagePrune",
            Self::Networks(_) => "NetworkPrune",
            Self::Volumes(_) => "VolumePrune",
            Self::Build(_) => "BuildPrune",
        }
    }
}
