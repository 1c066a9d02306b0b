//! What can go wrong between the broker and the engine.
//!
//! Must never carry the engine's own words to a client unless they were mapped: they can hold paths of the host.

use std::io;
use std::time::Duration;

use super::address::Address;
use crate::operation::encoded::EncodeError;

/// The engine could not be asked, or its answer could not be used.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Nobody answers at the socket.
    #[error("cannot connect to the engine at {address}{hint}")]
    Unreachable {
        /// Where the engine was expected.
        address: Address,
        /// What to do about it, for the errors that people meet.
        hint: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The engine owed a prompt answer and did not give one.
    #[error("the engine did not answer within {} seconds", .0.as_secs())]
    Slow(Duration),
    /// The connection broke, or what came over it is not HTTP.
    #[error("the connection to the engine broke")]
    Broken(#[source] hyper::Error),
    /// An answer that the broker needed for itself is not what the Engine API promises.
    #[error("the engine answered {what} in a way that cannot be read")]
    Nonsense {
        /// Which of our questions.
        what: &'static str,
        /// What was wrong with the answer, for the log: it can repeat a value of the answer.
        why: String,
    },
    /// The engine refused one of the broker's own questions.
    #[error("the engine answered {status} to {what}")]
    Refused {
        /// Which of our questions.
        what: &'static str,
        /// The engine's status.
        status: u16,
        /// The engine's own words, for the log.
        message: String,
    },
    /// An operation could not be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl UpstreamError {
    /// The status that the client gets.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Slow(_) => 504,
            Self::Encode(EncodeError::Target) => 414,
            Self::Encode(EncodeError::Query(_) | EncodeError::Body(_)) => 500,
            Self::Unreachable { .. } | Self::Broken(_) | Self::Nonsense { .. } | Self::Refused { .. } => 502,
        }
    }

    /// What operators see and clients do not: the engine's own words.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Nonsense { what: _, why } => Some(why),
            Self::Refused { what: _, status: _, message } => Some(message),
            Self::Unreachable { .. } | Self::Slow(_) | Self::Broken(_) | Self::Encode(_) => None,
        }
    }

    /// A failed connect, with the advice that fits it.
    #[must_use]
    pub fn unreachable(address: &Address, source: io::Error) -> Self {
        let known = HINTS.iter().find(|(kind, _)| *kind == source.kind());
        let hint = known.map_or("", |(_, hint)| hint);
        Self::Unreachable { address: address.clone(), hint, source }
    }
}

/// What to do about the errors that people meet.
const HINTS: &[(io::ErrorKind, &str)] = &[
    (io::ErrorKind::NotFound, ": there is no such socket; is the engine running, and is --upstream right?"),
    (
        io::ErrorKind::PermissionDenied,
        ": permission denied; the broker's user must be in the group that owns the socket",
    ),
    (io::ErrorKind::ConnectionRefused, ": the socket is there, but nobody listens on it"),
];
