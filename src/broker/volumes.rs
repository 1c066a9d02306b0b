//! The named volumes of a create that do not exist yet: made before the container, so that they carry our labels.
//!
//! An engine answers the create of a name that exists with the volume that has it, so each is looked at before it is
//! mounted. Must never leave a volume behind whose container was not made.

use hyper::StatusCode;

use super::create::discarded;
use super::{Broker, Grounds};
use crate::policy::housekeeping;
use crate::policy::judge::Judge;
use crate::policy::ownership::Stamp;
use crate::policy::permit::{FollowUp, NewVolume, Permit};
use crate::policy::view::without_host_paths;
use crate::response::BrokerError;

/// Makes what the permit names, all or none.
pub(super) async fn make(broker: &Broker, permit: &Permit, stamp: &Stamp) -> Result<Vec<NewVolume>, BrokerError> {
    let FollowUp::Created { image_id: _, connect: _, volumes } = permit.follow_up() else { return Ok(Vec::new()) };
    let mut made = Vec::new();
    for volume in volumes {
        let result = make_one(broker, permit, volume).await;
        // also one that was not made whole: it is looked at again before it is removed
        made.push(volume.clone());
        if let Err(error) = result {
            discard(broker, permit, stamp, &made).await;
            return Err(error);
        }
    }
    Ok(made)
}

async fn make_one(broker: &Broker, permit: &Permit, volume: &NewVolume) -> Result<(), BrokerError> {
    let undone = |why: String| BrokerError::CreateUndone(format!("volume `{}` {why}", volume.name));
    let create = housekeeping::create_volume(permit, volume).ok_or_else(|| undone("was not judged".to_owned()))?;
    let (status, bytes) = broker.parts.engine.perform(&create).await?;
    if status != StatusCode::CREATED {
        let words = String::from_utf8_lossy(&bytes);
        return Err(undone(format!("could not be made: {}", without_host_paths(words.trim_end()))));
    }
    match broker.parts.engine.volume(&volume.name).await? {
        Some(found) if housekeeping::is_as_made(volume, &found) => Ok(()),
        Some(_) | None => Err(undone("was made by somebody else in the meantime".to_owned())),
    }
}

/// Looks once more at what a new container holds: between the decision and the create a volume can go, and somebody else
/// can make one of its name. Now that it is in use it stays what it is.
pub(super) async fn are_still_own(broker: &Broker, permit: &Permit, grounds: &Grounds) -> Result<(), BrokerError> {
    let judge = grounds.judge();
    for name in Judge::mounted_volumes(permit.operation()) {
        let found = broker.parts.engine.volume(&name).await?;
        if !found.is_some_and(|found| judge.may_mount(&found)) {
            let why = format!("volume `{name}` was made by somebody else in the meantime");
            return Err(BrokerError::CreateUndone(why));
        }
    }
    Ok(())
}

/// Removes what must not stay. Where even that fails, its deadline ends it.
pub(super) async fn discard(broker: &Broker, permit: &Permit, stamp: &Stamp, made: &[NewVolume]) {
    for volume in made {
        let found = broker.parts.engine.volume(&volume.name).await.ok().flatten();
        let removal = found.and_then(|found| housekeeping::discard_volume(permit, volume, &found));
        let Some(removal) = removal else { continue };
        let outcome = broker.parts.engine.perform(&removal).await.map(|(status, _)| status);
        if outcome.as_ref().is_ok_and(|status| status.is_success() || *status == StatusCode::NOT_FOUND) {
            broker.parts.audit.removed(discarded(stamp, "VolumeDelete", &volume.name));
        } else {
            let name = &volume.name;
            tracing::warn!(volume = name, ?outcome, "a volume whose container was not made stays until it expires");
        }
    }
}
