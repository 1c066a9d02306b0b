//! Permits for what the broker does of its own accord: ending what it made, and finishing what it began.
//!
//! Each takes a proof that the object is the broker's to touch. Must never permit anything on an object that a client
//! merely named.

use super::facts::ContainerFacts;
use super::judge::Judged;
use super::ownership::Owner;
use super::permit::{FollowUp, Permit};
use crate::operation::Operation;
use crate::operation::container::{ContainerAction, ContainerDeleteQuery, ContainerOperation};
use crate::operation::names::ContainerId;
use crate::operation::network::NetworkOperation;

/// The removal of a container that this owner made, with its anonymous volumes; none for any other.
#[must_use]
pub fn remove_owned(owner: &Owner, container: &ContainerFacts) -> Option<Permit> {
    owner.owns_container(&container.labels, &container.image_id).then(|| remove(&container.id))
}

/// The removal of a container that the engine made for this permit a moment ago, and that must not stay. Only a permit
/// to create can be the proof.
#[must_use]
pub fn discard_created(create: &Permit, created: &ContainerId) -> Option<Permit> {
    is_create(create).then(|| remove(created))
}

/// The connection of a container that was created by this permit to a network that the permit names.
#[must_use]
pub fn connect_created(create: &Permit, created: &ContainerId, network: &str) -> Option<Permit> {
    let FollowUp::Created { image_id: _, connect } = create.follow_up() else { return None };
    let named = is_create(create) && connect.iter().any(|id| id == network);
    let operation = NetworkOperation::Connect { network: network.to_owned(), container: created.clone() };
    named.then(|| Permit::new(Judged::as_is(Operation::Network(operation))))
}

fn remove(id: &ContainerId) -> Permit {
    let action = ContainerAction::Delete(ContainerDeleteQuery { v: true, force: true, link: false });
    let operation = ContainerOperation::Act { container: id.into(), action };
    Permit::new(Judged::as_is(Operation::Container(operation)))
}

const fn is_create(permit: &Permit) -> bool {
    matches!(permit.operation(), Operation::Container(ContainerOperation::Create(_)))
}
