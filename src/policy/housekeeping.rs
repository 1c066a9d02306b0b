//! Permits for what the broker does of its own accord: ending what it made, and finishing what it began.
//!
//! Each takes a proof that the object is the broker's to touch. Must never permit anything on an object that a client
//! merely named.

use super::facts::{ContainerFacts, NetworkFacts, VolumeFacts};
use super::judge::Judged;
use super::network::is_predefined;
use super::ownership::Owner;
use super::permit::{FollowUp, Permit};
use crate::operation::Operation;
use crate::operation::container::{ContainerAction, ContainerDeleteQuery, ContainerOperation};
use crate::operation::names::ContainerId;
use crate::operation::network::NetworkOperation;
use crate::operation::volume::{VolumeDeleteQuery, VolumeOperation};

/// The removal of a container that this owner made, with its anonymous volumes; none for any other.
#[must_use]
pub fn remove_owned(owner: &Owner, container: &ContainerFacts) -> Option<Permit> {
    owner.owns_container(&container.labels, &container.image_id).then(|| remove(&container.id))
}

/// The removal of a network that this owner made, by its ID; none for any other. The engine refuses while a container is
/// on it.
#[must_use]
pub fn remove_owned_network(owner: &Owner, network: &NetworkFacts) -> Option<Permit> {
    let own = !network.id.is_empty() && !is_predefined(&network.name) && owner.owns(&network.labels);
    let operation = NetworkOperation::Delete { network: network.id.clone() };
    own.then(|| Permit::new(Judged::as_is(Operation::Network(operation))))
}

/// The removal of a volume that this owner made; none for any other. A volume has no ID: ask the engine for its facts
/// right before. The engine refuses while a container uses it.
#[must_use]
pub fn remove_owned_volume(owner: &Owner, volume: &VolumeFacts) -> Option<Permit> {
    let own = !volume.name.is_empty() && owner.owns(&volume.labels);
    let operation = VolumeOperation::Delete { name: volume.name.clone(), query: VolumeDeleteQuery { force: false } };
    own.then(|| Permit::new(Judged::as_is(Operation::Volume(operation))))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::policy::ownership::OWNER;

    fn labels(owner: &Owner) -> BTreeMap<String, String> {
        BTreeMap::from([(OWNER.to_owned(), owner.to_string())])
    }

    #[test]
    fn nothing_of_another_owner_is_removed() {
        let (owner, other) = (Owner::new("i", "a"), Owner::new("i", "b"));
        let network = |labels| NetworkFacts { id: "1".into(), name: "n".into(), labels, ..NetworkFacts::default() };
        assert!(remove_owned_network(&owner, &network(labels(&other))).is_none());
        assert!(remove_owned_network(&owner, &network(BTreeMap::new())).is_none());
        for word in ["bridge", "host", "none"] {
            let predefined = NetworkFacts { name: word.into(), ..network(labels(&owner)) };
            assert!(remove_owned_network(&owner, &predefined).is_none(), "{word}");
        }
        let permit = remove_owned_network(&owner, &network(labels(&owner))).unwrap();
        assert_eq!(permit.encode().unwrap().target, "/networks/1");
        let volume = |labels| VolumeFacts { name: "v".into(), labels, ..VolumeFacts::default() };
        assert!(remove_owned_volume(&owner, &volume(labels(&other))).is_none());
        assert!(remove_owned_volume(&owner, &VolumeFacts { name: String::new(), ..volume(labels(&owner)) }).is_none());
        assert_eq!(
            remove_owned_volume(&owner, &volume(labels(&owner))).unwrap().encode().unwrap().target,
            "/volumes/v"
        );
    }
}
