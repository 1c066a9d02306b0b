//! Judges which volumes a client may see, make and remove.
//!
//! A volume has no ID, so whose it is comes from its labels each time. Must never cache one.

use super::compile::{Scope, VolumeGrant};
use super::container_create::patterns;
use super::denial::{Denial, shown};
use super::facts::{Counted, FactQuery, Facts, VolumeFacts};
use super::file::keys;
use super::judge::{Judge, Judged};
use super::pattern::Pattern;
use super::{labels, mounts, quota, word};
use crate::operation::Operation;
use crate::operation::model::{ClusterVolumeSpec, VolumeCreateRequest};
use crate::operation::volume::{VolumeDeleteQuery, VolumeListQuery, VolumeOperation};
use crate::request::Filters;

pub(super) fn questions(judge: &Judge<'_>, operation: &VolumeOperation) -> Vec<FactQuery> {
    match operation {
        VolumeOperation::Inspect { name } | VolumeOperation::Delete { name, query: _ }
            if !judge.policy.unrestricted =>
        {
            vec![FactQuery::Volume(name.clone())]
        }
        // the engine answers a name that exists with whoever's volume has it
        VolumeOperation::Create(body) if !judge.policy.unrestricted => {
            let mut wanted = quota::questions(judge, Counted::Volumes);
            wanted.extend(is_volume_name(&body.name).then(|| FactQuery::Volume(body.name.clone())));
            wanted
        }
        VolumeOperation::Create(_)
        | VolumeOperation::Inspect { .. }
        | VolumeOperation::Delete { .. }
        | VolumeOperation::List(_) => Vec::new(),
    }
}

pub(super) fn decide(judge: &Judge<'_>, operation: VolumeOperation, facts: &Facts) -> Result<Judged, Denial> {
    if judge.policy.unrestricted {
        if let VolumeOperation::Create(body) = &operation {
            labels::reserved(judge, CREATE, "Labels", &body.labels)?;
            mounts::driver_options_floor(judge, CREATE, "DriverOpts", &body.driver_opts)?;
            // whatever it says, the engine makes a volume of its swarm instead
            if body.cluster_volume_spec.is_some() {
                return Err(no_cluster(judge));
            }
        }
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
        VolumeOperation::Create(body) => {
            let body = judge_create(judge, body, facts)?;
            let follow_up = quota::follow_up(judge, Counted::Volumes, new_ones(&body.name, facts));
            // looked at again on the way back: somebody else could have been faster
            let operation = Operation::Volume(VolumeOperation::Create(body));
            Ok(Judged { follow_up, ..Judged::filtered(operation) })
        }
        VolumeOperation::Delete { name, query } => {
            // a manager of a swarm would also remove the cluster's volume of this name, which nobody looked at
            let VolumeDeleteQuery { force: _ } = query;
            let query = VolumeDeleteQuery { force: false };
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

fn judge_create(judge: &Judge<'_>, body: VolumeCreateRequest, facts: &Facts) -> Result<VolumeCreateRequest, Denial> {
    let VolumeCreateRequest { name, driver, driver_opts, labels, cluster_volume_spec } = body;
    if !["", "local"].contains(&driver.as_str()) {
        return Err(judge.floor(CREATE, "Driver", shown(&driver), "volumes are of the driver `local`"));
    }
    if let Some(option) = driver_opts.0.keys().next() {
        // the local driver mounts any path and device of the host by its options
        let why = "options of a driver can name any path and device of the host";
        return Err(judge.floor(CREATE, "DriverOpts", format!("the option {}", shown(option)), why));
    }
    if !name.is_empty() || judge.policy.volumes.create.is_none() {
        may_make(judge, CREATE, "Name", &name)?;
    }
    if cluster_volume_spec.is_some_and(|spec| spec != ClusterVolumeSpec::default()) {
        return Err(no_cluster(judge));
    }
    labels::judge_labels(judge, CREATE, "Labels", &labels)?;
    if facts.volume(&name).is_some_and(|existing| !owns(judge, existing)) {
        return Err(taken(judge, &name));
    }
    quota::more(judge, CREATE, Counted::Volumes, new_ones(&name, facts), facts)?;
    let labels = labels::stamped(judge, labels, None);
    Ok(VolumeCreateRequest { name, labels, ..VolumeCreateRequest::default() })
}

/// A name that is the owner's already makes no further one.
fn new_ones(name: &str, facts: &Facts) -> usize {
    usize::from(facts.volume(name).is_none())
}

fn no_cluster(judge: &Judge<'_>) -> Denial {
    judge.floor(CREATE, "ClusterVolumeSpec", "a value", "swarms are closed")
}

/// What is said of a name that somebody else's volume has.
pub(super) fn taken(judge: &Judge<'_>, name: &str) -> Denial {
    let why = "a volume of this name exists, and the client did not make it";
    judge.floor(CREATE, "Name", shown(name), why)
}

/// Whether a client may have a volume of this name made, wherever the name stands.
pub(super) fn may_make(judge: &Judge<'_>, operation: &'static str, place: &str, name: &str) -> Result<(), Denial> {
    let wanted = || if name.is_empty() { "an anonymous volume".to_owned() } else { format!("volume {}", shown(name)) };
    let Some(VolumeGrant { names, max: _counted_elsewhere }) = &judge.policy.volumes.create else {
        return Err(judge.refuse(operation, place, wanted(), "no new volumes", keys::VOLUMES_CREATE));
    };
    if name.is_empty() {
        return Ok(());
    }
    if !is_volume_name(name) {
        let why = "a name is 2 to 128 letters, digits, `_`, `.` or `-`, and begins with a letter or digit";
        return Err(judge.floor(operation, place, shown(name), why));
    }
    if names.matches(name) {
        return Ok(());
    }
    let allowed = format!("the volumes {}", patterns(names.iter().map(Pattern::as_str)));
    Err(judge.refuse(operation, place, wanted(), allowed, keys::VOLUMES_CREATE_NAMES))
}

/// A volume's name in Docker's grammar.
pub(super) fn is_volume_name(text: &str) -> bool {
    word::is_container_name(text)
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

const CREATE: &str = "VolumeCreate";
