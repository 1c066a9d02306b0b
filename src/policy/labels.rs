//! Judges the labels that a client sets on what it makes, and stamps ours beside them.
//!
//! Must never let a client set a label of ours: they say whose an object is.

use super::denial::{Denial, shown};
use super::file::keys;
use super::judge::Judge;
use super::ownership;
use super::pattern::is_reserved_label;
use crate::operation::model::StringMap;

/// The labels that `containers.labels` allows, on any kind of object.
pub(super) fn judge_labels(
    judge: &Judge<'_>,
    operation: &'static str,
    place: &str,
    labels: &StringMap,
) -> Result<(), Denial> {
    reserved(judge, operation, place, labels)?;
    let allowed = &judge.policy.containers.labels;
    match labels.0.keys().find(|key| !allowed.matches(key)) {
        None => Ok(()),
        Some(key) => {
            let wanted = format!("the label {}", shown(key));
            Err(judge.refuse(operation, place, wanted, allowed.to_string(), keys::CONTAINERS_LABELS))
        }
    }
}

/// The floor under every policy: labels of ours.
pub(super) fn reserved(
    judge: &Judge<'_>,
    operation: &'static str,
    place: &str,
    labels: &StringMap,
) -> Result<(), Denial> {
    match labels.0.keys().find(|key| is_reserved_label(key)) {
        None => Ok(()),
        Some(key) => {
            let why = format!("labels that begin with `{}` say whose an object is", ownership::PREFIX);
            Err(judge.floor(operation, place, format!("the label {}", shown(key)), why))
        }
    }
}

/// The client's labels and ours.
pub(super) fn stamped(judge: &Judge<'_>, StringMap(mut labels): StringMap, image_id: Option<&str>) -> StringMap {
    labels.extend(judge.stamp.labels(image_id));
    StringMap(labels)
}
