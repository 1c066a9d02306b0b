//! The judge: an operation, a policy and facts in; a permit or a denial out.
//!
//! Judging is pure: no clock, no files, no network. [`Judge::questions`] says what it needs to know, `upstream` answers,
//! and [`Judge::decide`] decides from what was answered. What was not asked, not answered or not understood is refused.

use super::compile::{Policy, Scope};
use super::denial::{Denial, Reason, Refusal, plain_place, shown};
use super::facts::{ContainerFacts, FactQuery, Facts};
use super::ownership::Stamp;
use super::pattern::is_reserved_label;
use super::permit::{FollowUp, Permit, Relay};
use super::{container, container_create, exec, image, network, system, volume};
use crate::operation::Operation;
use crate::operation::container::ContainerOperation;

/// Judges the operations of one owner by one policy.
#[derive(Debug)]
pub struct Judge<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What is written on the objects that this owner makes.
    pub stamp: &'a Stamp,
    /// The paths of the broker's own sockets and of its engine's, in every spelling that is known: no container may
    /// have one, nor a folder that holds one.
    pub sockets: &'a [String],
}

/// What a judge says yes to, before it becomes a permit.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) operation: Operation,
    pub(super) relay: Relay,
    pub(super) follow_up: FollowUp,
    pub(super) amended: Vec<String>,
}

impl Judge<'_> {
    /// What has to be known to judge this operation and is not in `facts` yet. Answers can raise new questions: ask
    /// until nothing is asked.
    #[must_use]
    pub fn questions(&self, operation: &Operation, facts: &Facts) -> Vec<FactQuery> {
        let mut wanted = match operation {
            Operation::Container(ContainerOperation::Create(create)) => {
                container_create::questions(self, create, facts)
            }
            Operation::Container(ContainerOperation::Act { container, action }) => {
                container::questions(self, container, action, facts)
            }
            Operation::Exec(operation) => exec::questions(self, operation, facts),
            Operation::Image(operation) => image::questions(self, operation),
            Operation::Network(operation) => network::questions(self, operation),
            Operation::Volume(operation) => volume::questions(self, operation),
            Operation::System(_) | Operation::Prune(_) | Operation::Container(ContainerOperation::List(_)) => {
                Vec::new()
            }
        };
        wanted.retain(|query| !facts.has(query));
        wanted
    }

    /// Judges an operation.
    ///
    /// # Errors
    /// A denial, when the policy does not allow it as it is.
    pub fn decide(&self, operation: Operation, facts: &Facts) -> Result<Permit, Denial> {
        let judged = match operation {
            Operation::System(operation) => system::decide(self, operation)?,
            Operation::Prune(operation) => system::decide_prune(self, operation)?,
            Operation::Image(operation) => image::decide(self, operation, facts)?,
            Operation::Network(operation) => network::decide(self, operation, facts)?,
            Operation::Volume(operation) => volume::decide(self, operation, facts)?,
            Operation::Exec(operation) => exec::decide(self, operation, facts)?,
            Operation::Container(ContainerOperation::List(query)) => container::decide_list(self, query)?,
            Operation::Container(ContainerOperation::Create(create)) => container_create::decide(self, *create, facts)?,
            Operation::Container(ContainerOperation::Act { container, action }) => {
                container::decide(self, &container, action, facts)?
            }
        };
        Ok(Permit::new(judged))
    }

    /// A route that the Engine API does not have, or that nobody modelled.
    #[must_use]
    pub fn unknown_route(&self, method: &hyper::Method, path: &str) -> Denial {
        let wanted = format!("{method} {}", shown(path));
        self.floor("the request", "", wanted, "it is not an operation of the Docker Engine API that this broker knows")
    }

    /// A route that is known by its name, and not modelled in this version.
    #[must_use]
    pub fn later_route(&self, operation: &'static str, key: &'static str) -> Denial {
        self.not_yet(operation, "", "this version of the broker does not have the operation", key)
    }

    /// A route that is known by its name, and closed.
    #[must_use]
    pub fn floor_route(&self, operation: &'static str) -> Denial {
        let why = "swarm, plugins, checkpoints and the engine's own debugging are closed";
        self.floor(operation, "", "a closed operation", why)
    }

    /// Refused, and a key would allow it.
    pub(super) fn refuse(
        &self,
        operation: &'static str,
        place: impl Into<String>,
        wanted: impl Into<String>,
        allowed: impl Into<String>,
        key: &'static str,
    ) -> Denial {
        self.refusal(operation, place, wanted, Reason::NotAllowed { allowed: allowed.into(), key })
    }

    /// Refused, and the key that will allow it is not in force yet.
    pub(super) fn not_yet(
        &self,
        operation: &'static str,
        place: impl Into<String>,
        wanted: impl Into<String>,
        key: &'static str,
    ) -> Denial {
        self.refusal(operation, place, wanted, Reason::NotYet { key })
    }

    /// Refused by every policy.
    pub(super) fn floor(
        &self,
        operation: &'static str,
        place: impl Into<String>,
        wanted: impl Into<String>,
        why: impl Into<String>,
    ) -> Denial {
        self.refusal(operation, place, wanted, Reason::Floor { why: why.into() })
    }

    fn refusal(
        &self,
        operation: &'static str,
        place: impl Into<String>,
        wanted: impl Into<String>,
        reason: Reason,
    ) -> Denial {
        Denial::Refused(Box::new(Refusal {
            operation,
            place: plain_place(&place.into()),
            wanted: wanted.into(),
            reason,
            policy: self.policy.to_string(),
        }))
    }

    /// Whether a label is one that only brokers write, and not one of a broker that stands before this one.
    pub(super) fn reserves(&self, key: &str, value: &str) -> bool {
        is_reserved_label(key) && !self.stamp.depth.lets_pass(key, value)
    }

    /// Whether this container was made by this owner, from the image that its label names.
    pub(super) fn owns(&self, container: &ContainerFacts) -> bool {
        self.stamp.owner.owns_container(&container.labels, &container.image_id)
    }

    /// Whether metadata is served: there is something that this policy lets a client see.
    pub(super) fn sees_anything(&self) -> bool {
        self.policy.unrestricted || self.policy.containers.see != Scope::None
    }
}

impl Judged {
    /// Sent, and the answer relayed as it comes.
    pub(super) const fn as_is(operation: Operation) -> Self {
        Self { operation, relay: Relay::AsIs, follow_up: FollowUp::Nothing, amended: Vec::new() }
    }

    /// Sent, and the answer filtered.
    pub(super) const fn filtered(operation: Operation) -> Self {
        Self { operation, relay: Relay::Filtered, follow_up: FollowUp::Nothing, amended: Vec::new() }
    }
}
