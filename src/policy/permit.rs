//! A permit: the only key to the engine.
//!
//! A permit owns its operation, amended where the policy injects. Nothing outside this room can make one, so nothing
//! can be sent that was not judged. Must never offer a way to change the operation inside.

use super::judge::Judged;
use crate::operation::Operation;
use crate::operation::encoded::{EncodeError, Encoded};
use crate::operation::model::StringMap;

/// An operation that was judged and may be sent.
#[derive(Debug)]
pub struct Permit {
    operation: Operation,
    relay: Relay,
    follow_up: FollowUp,
    amended: Vec<String>,
}

/// How the engine's answer goes to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relay {
    /// As it comes.
    AsIs,
    /// Only what the client may see of it.
    Filtered,
    /// The same of a list, and at most so many: the engine would have counted what is left out.
    FirstOf(usize),
    /// The shape of an answer, without asking the engine: a stubbed prune.
    Stub,
}

/// What the broker must do after the engine said yes, before the client hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowUp {
    /// Nothing.
    Nothing,
    /// One more network or volume of those whose number is bounded: count once more, and remove it if it is too many.
    Counted,
    /// A created container: compare its image with the judged one, and connect it to further networks.
    Created {
        /// The ID of the image that was judged.
        image_id: String,
        /// Networks to connect it to before it can be started, by ID.
        connect: Vec<String>,
        /// Named volumes to make before it is created.
        volumes: Vec<NewVolume>,
    },
}

/// A volume that a create mounts and that does not exist yet: local, without options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    /// Its name.
    pub name: String,
    /// Its labels, ours among them.
    pub labels: StringMap,
}

impl Permit {
    /// Only a judge can say that an operation was judged.
    pub(super) fn new(judged: Judged) -> Self {
        let Judged { operation, relay, follow_up, amended } = judged;
        Self { operation, relay, follow_up, amended }
    }

    /// The operation, as it will be sent.
    #[must_use]
    pub const fn operation(&self) -> &Operation {
        &self.operation
    }

    /// How the answer goes to the client.
    #[must_use]
    pub const fn relay(&self) -> Relay {
        self.relay
    }

    /// What has to be done before the client hears of it.
    #[must_use]
    pub const fn follow_up(&self) -> &FollowUp {
        &self.follow_up
    }

    /// The places in the body that the policy wrote or rewrote, for the audit: `HostConfig.Memory`, `Labels`.
    #[must_use]
    pub fn amended(&self) -> &[String] {
        &self.amended
    }

    /// Writes the engine's request.
    ///
    /// # Errors
    /// When a query or body cannot be serialised, which no value of these types can cause.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        self.operation.encode()
    }
}
