//! Judges which volumes a client may see.
//!
//! A volume has no ID, so whose it is comes from its labels each time. Must never cache one.

use super::compile::Scope;
use super::denial::{Denial, shown};
use super::facts::{FactQuery, Facts, VolumeFacts};
use super::file::keys;
use super::judge::{Judge, Judged};
use crate::operation::Operation;
use crate::operation::volume::{VolumeDeleteQuery, VolumeListQuery, VolumeOperation};
use crate::request::Filters;

pub(super) fn questions(judge: &Judge<'_>, operation: &VolumeOperation) -> Vec<FactQuery> {
    match operation {
        VolumeOperation::Inspect { name } | VolumeOperation::Delete { name, query: _ }
            if !judge.policy.unrestricted =>
        {
            vec![FactQuery::Volume(name.clone())]
        }
        VolumeOperation::Inspect { .. } | VolumeOperation::Delete { .. } | VolumeOperation::List(_) => Vec::new(),
    }
}

pub(super) fn decide(judge: &Judge<'_>, operation: VolumeOperation, facts: &Facts) -> Result<Judged, Denial> {
    if judge.policy.unrestricted {
        return Ok(Judged::as_is(Operation::Volume(operation)));
    }
    let id = operation.operation_id();
    if !judge.sees_anything() {
        return Err(judge.refuse(id, "", "asks about volumes", "to see nothing", "containers.see"));
    }
    let sees_all = judge.policy.containers.see == Scope::All;
    match operation {
        VolumeOperation::List(VolumeListQuery { filters }) => {
            let filters = if sees_all { filters } else { owned(judge, filters) };
            Ok(Judged::filtered(Operation::Volume(VolumeOperation::List(VolumeListQuery { filters }))))
        }
        VolumeOperation::Inspect { name } => {
            let seen = facts.volume(&name).is_some_and(|volume| sees_all || owns(judge, volume));
            if seen {
                Ok(Judged::filtered(Operation::Volume(VolumeOperation::Inspect { name })))
            } else {
                Err(Denial::no_such_volume(&name))
            }
        }
        VolumeOperation::Delete { name, query } => {
            let VolumeDeleteQuery { force: _ } = query;
            if judge.policy.volumes.create.is_none() {
                let wanted = format!("removes volume {}", shown(&name));
                return Err(judge.refuse(id, "", wanted, "no volumes of the client's own", keys::VOLUMES_CREATE));
            }
            match facts.volume(&name).filter(|volume| owns(judge, volume)) {
                Some(_) => Ok(Judged::as_is(Operation::Volume(VolumeOperation::Delete { name, query }))),
                // also where `force` would have the engine answer that it is gone: nothing was removed
                None => Err(Denial::no_such_volume(&name)),
            }
        }
    }
}

/// Whether a volume is this owner's and of a kind that holds nothing of the host.
pub(super) fn owns(judge: &Judge<'_>, volume: &VolumeFacts) -> bool {
    let VolumeFacts { name: _, driver, labels, has_options, created: _ } = volume;
    let known_driver = driver == "local" || judge.policy.containers.host.volume_drivers.contains(driver);
    judge.stamp.owner.owns(labels) && known_driver && !has_options
}

/// The client's filters and the owner's label: the engine ANDs labels.
pub(super) fn owned(judge: &Judge<'_>, mut filters: Filters) -> Filters {
    filters.add("label", &judge.stamp.owner_label());
    filters
}
