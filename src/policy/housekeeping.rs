//! Permits for what the broker does of its own accord: ending what it made, and finishing what it began.
//!
//! Each takes a proof that the object is the broker's to touch. Must never permit anything on an object that a client
//! merely named.

use super::facts::{ContainerFacts, NetworkFacts, VolumeFacts};
use super::judge::Judged;
use super::network::is_predefined;
use super::ownership::{OWNER, Owner};
use super::permit::{FollowUp, NewVolume, Permit};
use crate::operation::Operation;
use crate::operation::container::{ContainerAction, ContainerDeleteQuery, ContainerOperation};
use crate::operation::model::{NetworkConnectRequest, VolumeCreateRequest};
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
    let FollowUp::Created { image_id: _, connect, volumes: _ } = create.follow_up() else { return None };
    let named = is_create(create) && connect.iter().any(|id| id == network);
    let body = NetworkConnectRequest { container: created.to_string(), endpoint_config: None };
    let operation = NetworkOperation::Connect { network: network.to_owned(), body: Box::new(body) };
    named.then(|| Permit::new(Judged::as_is(Operation::Network(operation))))
}

/// The creation of a volume that this permit to create a container mounts. The engine answers a name that exists with the
/// volume that has it: look whose it is before it is mounted.
#[must_use]
pub fn create_volume(create: &Permit, volume: &NewVolume) -> Option<Permit> {
    let FollowUp::Created { image_id: _, connect: _, volumes } = create.follow_up() else { return None };
    let NewVolume { name, labels } = volume;
    let body = VolumeCreateRequest { name: name.clone(), labels: labels.clone(), ..VolumeCreateRequest::default() };
    let named = is_create(create) && volumes.contains(volume);
    named.then(|| Permit::new(Judged::as_is(Operation::Volume(VolumeOperation::Create(body)))))
}

/// The removal of a volume that was made for this permit, whose container was not. None where the volume is somebody
/// else's now. The engine keeps one that another container uses.
#[must_use]
pub fn discard_volume(create: &Permit, made: &NewVolume, found: &VolumeFacts) -> Option<Permit> {
    let FollowUp::Created { image_id: _, connect: _, volumes } = create.follow_up() else { return None };
    let own = volumes.contains(made) && found.name == made.name && is_as_made(made, found);
    let operation = VolumeOperation::Delete { name: made.name.clone(), query: VolumeDeleteQuery { force: false } };
    own.then(|| Permit::new(Judged::as_is(Operation::Volume(operation))))
}

/// Whether a volume is the one that was to be made: the same owner's, and nothing of the host in it.
#[must_use]
pub fn is_as_made(made: &NewVolume, found: &VolumeFacts) -> bool {
    let owner = made.labels.0.get(OWNER);
    owner.is_some() && found.labels.get(OWNER) == owner && found.driver == "local" && !found.has_options
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
