//! What can go wrong between the broker and the engine.
//!
//! Must never carry the engine's own words to a client unless they were mapped: they can hold paths of the host.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;
use std::{fs, io};

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
        hint: String,
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
        let hint = if source.kind() == io::ErrorKind::PermissionDenied {
            let metadata = fs::metadata(address.path()).ok();
            permission_hint(metadata.map(|metadata| (metadata.gid(), metadata.mode())))
        } else {
            let known = HINTS.iter().find(|(kind, _)| *kind == source.kind());
            known.map_or_else(String::new, |(_, hint)| (*hint).to_owned())
        };
        Self::Unreachable { address: address.clone(), hint, source }
    }
}

/// What to do about a socket that the broker may not open, by its group and mode. A client may read this: it holds
/// numbers and no names of the host.
fn permission_hint(socket: Option<(u32, u32)>) -> String {
    match socket {
        None => ": permission denied; the broker's user cannot even look at the socket, so a folder above it is closed to it".to_owned(),
        Some((NOBODY, _)) => format!(
            ": permission denied; the socket's group is unknown in the broker's user namespace ({NOBODY}): run the broker's \
             container with `userns_mode: host`, or give the socket to a group that is mapped"
        ),
        Some((gid, mode)) if mode & 0o060 != 0o060 => format!(
            ": permission denied; the socket has group {gid} and mode 0{:03o}, which keeps the group out: run the broker as \
             the socket's owner, or let the engine give the socket to a group",
            mode & 0o777
        ),
        Some((gid, _)) => format!(
            ": permission denied; the socket belongs to group {gid}, and the broker is not in it: in a container set \
             `DOCKER_GID={gid}` (`--group-add {gid}`), elsewhere add the broker's user to that group and start it again"
        ),
    }
}

/// What a group is shown as that a user namespace does not map (`/proc/sys/kernel/overflowgid`).
const NOBODY: u32 = 65534;

/// What to do about the other errors that people meet.
const HINTS: &[(io::ErrorKind, &str)] = &[
    (io::ErrorKind::NotFound, ": there is no such socket; is the engine running, and is --upstream right?"),
    (io::ErrorKind::ConnectionRefused, ": the socket is there, but nobody listens on it"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_socket_says_its_group_and_what_to_do() {
        let hint = |socket| permission_hint(socket);
        assert!(
            hint(Some((998, 0o140_660)))
                .contains("group 998, and the broker is not in it: in a container set `DOCKER_GID=998`")
        );
        assert!(hint(Some((0, 0o140_600))).contains("group 0 and mode 0600, which keeps the group out"));
        assert!(hint(Some((NOBODY, 0o140_660))).contains("`userns_mode: host`"));
        assert!(hint(None).contains("a folder above it is closed"));
    }

    #[test]
    fn the_socket_is_looked_at_when_it_may_not_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let address = Address::parse(path.to_str().unwrap()).unwrap();
        let gid = fs::metadata(&path).unwrap().gid();
        let said = UpstreamError::unreachable(&address, io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(said.contains(path.to_str().unwrap()) && said.contains(&format!("group {gid}")), "{said}");
    }
}
