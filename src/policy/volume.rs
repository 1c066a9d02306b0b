//! Judges which volumes a client may see.
//!
//! A volume has no ID, so whose it is comes from its labels each time. Must never cache one.

use super::compile::Scope;
use super::denial::Denial;
use super::facts::{FactQuery, Facts, VolumeFacts};
use super::judge::{Judge, Judged};
use super::ownership;
use crate::operation::Operation;
use crate::operation::volume::{VolumeListQuery, VolumeOperation};
use crate::request::Filters;

pub(super) fn questions(judge: &Judge<'_>, operation: &VolumeOperation) -> Vec<FactQuery> {
    match operation {
        VolumeOperation::Inspect { name } if !judge.policy.unrestricted => vec![FactQuery::Volume(name.clone())],
        VolumeOperation::Inspect { .. } | VolumeOperation::List(_) => Vec::new(),
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
    }
}

/// Whether a volume is this owner's and of a kind that holds nothing of the host.
pub(super) fn owns(judge: &Judge<'_>, volume: &VolumeFacts) -> bool {
    let VolumeFacts { name: _, driver, labels, has_options } = volume;
    let known_driver = driver == "local" || judge.policy.containers.host.volume_drivers.contains(driver);
    judge.stamp.owner.owns(labels) && known_driver && !has_options
}

/// The client's filters and the owner's label: the engine ANDs labels.
pub(super) fn owned(judge: &Judge<'_>, mut filters: Filters) -> Filters {
    filters.add("label", &format!("{}={}", ownership::OWNER, judge.stamp.owner));
    filters
}
