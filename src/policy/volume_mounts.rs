//! Judges the volumes that a new container mounts: own ones, new ones, and anonymous ones.
//!
//! A named volume that does not exist would be made by the engine without a label of ours, so the broker makes it first.
//! Must never mount a volume that was not looked at: a volume has no ID, and its name says nothing of whose it is.

use std::collections::{BTreeMap, BTreeSet};

use super::container_create::ID;
use super::denial::{Denial, shown};
use super::facts::{Facts, VolumeFacts};
use super::file::keys;
use super::judge::Judge;
use super::permit::NewVolume;
use super::{labels, mounts, volume, word};
use crate::operation::Operation;
use crate::operation::container::ContainerOperation;
use crate::operation::model::{EmptyObject, HostConfig, StringMap};

impl Judge<'_> {
    /// The named volumes that a judged create mounts, each once. A volume has no ID, so they are looked at once more
    /// when the container holds them and nobody can exchange them any more.
    #[must_use]
    pub fn mounted_volumes(operation: &Operation) -> BTreeSet<String> {
        let Operation::Container(ContainerOperation::Create(create)) = operation else { return BTreeSet::new() };
        let host_config = &create.body.host_config;
        let from_mounts = host_config.mounts.iter().filter(|mount| mount.r#type == "volume");
        let named = mounts::bound_volumes(host_config).chain(from_mounts.map(|mount| mount.source.as_str()));
        named.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Whether a container of this owner may hold this volume.
    #[must_use]
    pub fn may_mount(&self, volume: &VolumeFacts) -> bool {
        volume::owns(self, volume)
    }
}

/// Config's `Volumes`: each is an anonymous volume. None carries a label of ours: the delete of its container takes it
/// along.
pub(super) fn anonymous(judge: &Judge<'_>, volumes: &BTreeMap<String, EmptyObject>) -> Result<(), Denial> {
    for path in volumes.keys() {
        let place = format!("Volumes[{path}]");
        // with a colon in it, engines read it as a bind
        if !word::is_clean_path(path) {
            let why = "it is an absolute path without `.`, `..`, `:` or `,`";
            return Err(judge.floor(ID, place, shown(path), why));
        }
        volume::may_make(judge, ID, &place, "")?;
    }
    Ok(())
}

/// The volume that stands as the source of a mount: an own one, or one that the client may have made.
pub(super) fn source(judge: &Judge<'_>, place: &str, name: &str, facts: &Facts) -> Result<(), Denial> {
    let found = facts.volume(name);
    if found.is_some_and(|found| volume::owns(judge, found)) {
        return Ok(());
    }
    // said first, and of a volume that exists as of one that does not: who may make none learns nothing
    volume::may_make(judge, ID, place, name)?;
    match found {
        None => Ok(()),
        Some(_) => {
            let wanted = format!("volume {}", shown(name));
            Err(judge.refuse(ID, place, wanted, "the client's own volumes, and new ones", keys::VOLUMES_CREATE))
        }
    }
}

/// The labels that a mount gives to a volume that it makes.
pub(super) fn labels(judge: &Judge<'_>, place: &str, labels: &StringMap) -> Result<(), Denial> {
    labels::judge_labels(judge, ID, place, labels)
}

/// A part of a volume. Only of own ones, which are there: what is made now has no parts yet.
pub(super) fn subpath(
    judge: &Judge<'_>,
    place: &str,
    source: &str,
    subpath: &str,
    facts: &Facts,
) -> Result<(), Denial> {
    if subpath.is_empty() {
        return Ok(());
    }
    if !word::is_clean_path(&format!("/{subpath}")) || subpath.ends_with('/') {
        let why = "it is a relative path without `.`, `..`, `:` or `,`";
        return Err(judge.floor(ID, place, shown(subpath), why));
    }
    if facts.volume(source).is_some_and(|found| volume::owns(judge, found)) {
        return Ok(());
    }
    Err(judge.floor(ID, place, shown(subpath), "it is a part of a volume that does not exist yet"))
}

/// The volumes that have to be made before the container, each once. What is not allowed is refused where it stands.
pub(super) fn new_volumes(judge: &Judge<'_>, host_config: &HostConfig, facts: &Facts) -> Vec<NewVolume> {
    let no_labels = StringMap::default();
    let from_binds = mounts::bound_volumes(host_config).map(|name| (name, &no_labels));
    let from_mounts = host_config.mounts.iter().filter_map(|mount| {
        let labels = mount.volume_options.as_ref().map_or(&no_labels, |options| &options.labels);
        (mount.r#type == "volume").then_some((mount.source.as_str(), labels))
    });
    let mut wanted: BTreeMap<&str, StringMap> = BTreeMap::new();
    for (name, labels) in from_binds.chain(from_mounts) {
        if !name.is_empty() && facts.volume(name).is_none() {
            wanted.entry(name).or_default().0.extend(labels.0.clone());
        }
    }
    let stamped = |(name, labels): (&str, StringMap)| NewVolume {
        name: name.to_owned(),
        labels: labels::stamped(judge, labels, None),
    };
    wanted.into_iter().map(stamped).collect()
}
