//! What a record says of a permit, and of what the engine made of it.
//!
//! With it the audit names each object that was made through the broker. Must never hold a value of the request that
//! could be a secret: names, images and places only.

use serde::Deserialize;

use crate::audit::{Decision, Record};
use crate::operation::Operation;
use crate::operation::container::{ContainerAction, ContainerOperation};
use crate::operation::image::{ImageCreateQuery, ImageOperation};
use crate::operation::network::NetworkOperation;
use crate::operation::volume::VolumeOperation;
use crate::policy::permit::{FollowUp, Permit};
use crate::response::Recorder;

/// The engine's answers to `NetworkCreate` (`Id`) and `VolumeCreate` (`Name`), as far as a record needs them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Made {
    id: String,
    name: String,
}

/// Writes into the record what was permitted, and what the policy changed: `took_volumes` is what the client asked for.
pub(super) fn permit(recorder: &mut Recorder, permit: &Permit, took_volumes: bool) {
    recorder.note(|record| {
        record.decision = Decision::Permitted;
        record.amended.extend_from_slice(permit.amended());
        if takes_volumes(permit.operation()) && !took_volumes {
            record.amended.push("v=1".to_owned());
        }
        subject(record, permit.operation());
        if let FollowUp::Created { image_id: _, connect: _, volumes } = permit.follow_up() {
            record.volumes = volumes.iter().map(|volume| volume.name.clone()).collect();
        }
    });
}

/// Whether it is a delete that takes anonymous volumes along.
pub(super) fn takes_volumes(operation: &Operation) -> bool {
    let Operation::Container(ContainerOperation::Act { container: _, action }) = operation else { return false };
    matches!(action, ContainerAction::Delete(query) if query.v)
}

/// Containers are created in a way of their own.
pub(super) const fn makes_network_or_volume(operation: &Operation) -> bool {
    matches!(operation, Operation::Network(NetworkOperation::Create(_)) | Operation::Volume(VolumeOperation::Create(_)))
}

/// Writes into the record which network or volume the engine says that it made.
pub(super) fn made(recorder: &mut Recorder, operation: &Operation, answer: &[u8]) {
    if !makes_network_or_volume(operation) {
        return;
    }
    let Ok(Made { id, name }) = serde_json::from_slice(answer) else { return };
    let object = if matches!(operation, Operation::Volume(_)) { name } else { id };
    if !object.is_empty() {
        recorder.note(|record| record.object = Some(object));
    }
}

/// What the operation is about, as it was judged.
fn subject(record: &mut Record, operation: &Operation) {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    match operation {
        Operation::Container(ContainerOperation::Act { container, action: _ }) => {
            record.object = Some(container.as_str().to_owned());
        }
        Operation::Container(ContainerOperation::Create(create)) => {
            record.object = Some(create.body.image.clone());
            record.image = Some(create.body.image.clone());
            record.name = named(&create.query.name);
        }
        Operation::Network(NetworkOperation::Create(body)) => record.name = named(&body.name),
        Operation::Network(NetworkOperation::Delete { network }) => record.object = Some(network.clone()),
        Operation::Volume(VolumeOperation::Create(body)) => record.name = named(&body.name),
        Operation::Image(ImageOperation::Create { query, registry_auth: _ }) => record.image = Some(pulled(query)),
        Operation::Container(_)
        | Operation::Network(_)
        | Operation::Volume(_)
        | Operation::Image(_)
        | Operation::Exec(_)
        | Operation::System(_)
        | Operation::Prune(_) => {}
    }
}

/// An image as a pull names it: name and tag come apart or together.
fn pulled(query: &ImageCreateQuery) -> String {
    let ImageCreateQuery { from_image, tag, .. } = query;
    match tag.as_str() {
        "" => from_image.clone(),
        digest if digest.contains(':') => format!("{from_image}@{digest}"),
        tag => format!("{from_image}:{tag}"),
    }
}
