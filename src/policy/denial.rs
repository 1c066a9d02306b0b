//! What a client is told when the policy says no.
//!
//! A refusal teaches: what was asked, where in the request, what is allowed, and which key of which policy would allow
//! it. An object that is not the client's is "not found", in the engine's own words, so that a refusal tells nothing
//! about what exists. Must never repeat a secret, and never a control character of the client's.

use std::fmt::Write as _;

use super::file::keys::{self, InForce};
use crate::operation::routes::Kind;
use crate::request::ApiVersion;

/// The policy's no. It is a value and not an error: judging always comes to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// 403: the client may know that this is refused.
    Refused(Box<Refusal>),
    /// 404: what the engine says of an object that does not exist.
    NotFound {
        /// The engine's wording, for example `No such container: x`.
        message: String,
    },
}

/// A refusal in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Docker's `operationId`.
    pub operation: &'static str,
    /// Where in the request: a JSON path or the name of a query parameter; empty when it is the operation itself.
    pub place: String,
    /// What was asked for, fit to be shown.
    pub wanted: String,
    /// Why it is refused and what would open it.
    pub reason: Reason,
    /// The policy as a denial calls it.
    pub policy: String,
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The policy could allow it and does not.
    NotAllowed {
        /// What it allows there, in words.
        allowed: String,
        /// The key that would allow it.
        key: &'static str,
    },
    /// The key is known, but its feature is not built.
    NotYet {
        /// The key that will allow it.
        key: &'static str,
    },
    /// No policy can allow it.
    Floor {
        /// Why.
        why: String,
    },
}

impl Denial {
    /// The status that the client gets.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Refused(_) => 403,
            Self::NotFound { .. } => 404,
        }
    }

    /// The one line that the client gets.
    #[must_use]
    pub fn message(&self, request_id: &str) -> String {
        match self {
            Self::Refused(refusal) => refusal.message(request_id),
            Self::NotFound { message } => message.clone(),
        }
    }

    /// The engine's words for a container that does not exist.
    #[must_use]
    pub fn no_such_container(reference: &str) -> Self {
        Self::NotFound { message: format!("{NO_SUCH_CONTAINER}{reference}") }
    }

    /// The same as this engine words it for this operation: a kill says twice what it could not do, with a capital
    /// letter up to 20.10 and without one in 28 (`postContainersKill` in the engine's container router).
    #[must_use]
    pub fn in_words_of(self, engine: ApiVersion, operation: Kind) -> Self {
        match self {
            Self::NotFound { message } if operation == Kind::ContainerKill => {
                let cannot = if engine >= CANNOT_WITH_A_SMALL_LETTER { "cannot" } else { "Cannot" };
                let reference = message.strip_prefix(NO_SUCH_CONTAINER).unwrap_or_default();
                Self::NotFound { message: format!("{cannot} kill container: {reference}: {message}") }
            }
            Self::NotFound { .. } | Self::Refused(_) => self,
        }
    }

    /// The same refusal of another operation: one rule that two operations share.
    #[must_use]
    pub(super) fn about(self, operation: &'static str) -> Self {
        match self {
            Self::Refused(refusal) => Self::Refused(Box::new(Refusal { operation, ..*refusal })),
            Self::NotFound { .. } => self,
        }
    }

    /// The same refusal where the place begins later: `HostConfig.Memory` of a create is `Memory` of an update.
    #[must_use]
    pub(super) fn below(self, prefix: &str) -> Self {
        match self {
            Self::Refused(refusal) => {
                let place = refusal.place.strip_prefix(prefix).unwrap_or(&refusal.place).to_owned();
                Self::Refused(Box::new(Refusal { place, ..*refusal }))
            }
            Self::NotFound { .. } => self,
        }
    }

    /// The engine's words for an image that does not exist.
    #[must_use]
    pub fn no_such_image(reference: &str) -> Self {
        Self::NotFound { message: format!("No such image: {reference}") }
    }

    /// The engine's words for an exec instance that does not exist.
    #[must_use]
    pub fn no_such_exec(reference: &str) -> Self {
        Self::NotFound { message: format!("No such exec instance: {reference}") }
    }

    /// The engine's words for a network that does not exist.
    #[must_use]
    pub fn no_such_network(reference: &str) -> Self {
        Self::NotFound { message: format!("network {reference} not found") }
    }

    /// The engine's words for a volume that does not exist.
    #[must_use]
    pub fn no_such_volume(name: &str) -> Self {
        Self::NotFound { message: format!("get {name}: no such volume") }
    }
}

impl Refusal {
    fn message(&self, request_id: &str) -> String {
        let Self { operation, place, wanted, reason, policy } = self;
        let mut text = format!("docker-broker: {operation} refused: ");
        if !place.is_empty() {
            text.push_str(&format!("`{place}`: "));
        }
        text.push_str(&format!("{wanted}; "));
        let _ = match reason {
            Reason::NotAllowed { allowed, key } => write!(text, "{policy} allows {allowed} (key `{key}`)"),
            // a key can open one operation already, and another one later
            Reason::NotYet { key } if keys::find(key).is_some_and(|known| known.in_force != InForce::Never) => {
                write!(text, "{policy} does not allow it, and no key does in this version yet; `{key}` will")
            }
            Reason::NotYet { key } => write!(
                text,
                "{policy} does not allow it, and the key that will allow it, `{key}`, is not in force in this version yet"
            ),
            Reason::Floor { why } => write!(text, "no policy can allow it: {why}"),
        };
        let _ = write!(text, " [request {request_id}]");
        text
    }

    /// The key that would allow it, if any could.
    #[must_use]
    pub const fn key(&self) -> Option<&'static str> {
        match self.reason {
            Reason::NotAllowed { key, .. } | Reason::NotYet { key } => Some(key),
            Reason::Floor { .. } => None,
        }
    }
}

/// A place in a request, fit to stand in a message: keys of JSON maps in it are the client's own words.
pub(super) fn plain_place(place: &str) -> String {
    let quoted = shown(place);
    quoted.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).unwrap_or_default().to_owned()
}

/// A client's word, fit to stand in a message: in backticks, on one line, cut at 120 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::from("`");
    for character in text.chars().take(120) {
        if character.is_control() || character == '`' {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    if text.chars().nth(120).is_some() {
        out.push('…');
    }
    out.push('`');
    out
}

const NO_SUCH_CONTAINER: &str = "No such container: ";

/// API 1.45 is Docker 26.
const CANNOT_WITH_A_SMALL_LETTER: ApiVersion = ApiVersion::new(1, 45);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_of_nothing_is_worded_as_the_engine_does() {
        let missing = |minor, operation| {
            Denial::no_such_container("x").in_words_of(ApiVersion::new(1, minor), operation).message("r")
        };
        assert_eq!(missing(41, Kind::ContainerKill), "Cannot kill container: x: No such container: x");
        assert_eq!(missing(51, Kind::ContainerKill), "cannot kill container: x: No such container: x");
        assert_eq!(missing(41, Kind::ContainerStop), "No such container: x");
    }

    fn refusal(reason: Reason) -> Denial {
        Denial::Refused(Box::new(Refusal {
            operation: "ContainerCreate",
            place: "HostConfig.Privileged".into(),
            wanted: "`true`".into(),
            reason,
            policy: "policy `postgres` (built in)".into(),
        }))
    }

    #[test]
    fn a_refusal_says_what_where_why_and_which_key() {
        let denial = refusal(Reason::NotAllowed { allowed: "nothing".into(), key: "containers.host.privileged" });
        assert_eq!(
            denial.message("r-1"),
            "docker-broker: ContainerCreate refused: `HostConfig.Privileged`: `true`; policy `postgres` (built in) allows \
             nothing (key `containers.host.privileged`) [request r-1]"
        );
    }

    #[test]
    fn what_is_not_built_and_what_can_never_be_are_told_apart() {
        assert!(
            refusal(Reason::NotYet { key: "build.from" }).message("r").contains("not in force in this version yet")
        );
        // in force for one operation, and not for this one
        assert!(refusal(Reason::NotYet { key: "build.tags" }).message("r").contains("no key does in this version yet"));
        assert!(refusal(Reason::Floor { why: "x".into() }).message("r").contains("no policy can allow it: x"));
    }

    #[test]
    fn a_clients_word_cannot_break_the_line_nor_flood_it() {
        assert_eq!(shown("a\nb`c"), "`a\\u{a}b\\u{60}c`");
        assert!(shown(&"x".repeat(1000)).chars().count() < 130);
    }
}
