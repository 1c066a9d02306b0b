//! Judges devices of the host: by path, by control-group rule, and by a driver's choice.
//!
//! Must never take a folder for its devices, or a driver's own words for granted: what is named is compared whole.

use super::compile::{DeviceGrant, are_device_permissions};
use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::file::keys;
use super::judge::Judge;
use super::word;
use crate::operation::model::{DeviceMapping, DeviceRequest};

/// Judges devices by path; what a client leaves open is written out.
pub(super) fn mapped(judge: &Judge<'_>, devices: Vec<DeviceMapping>) -> Result<Vec<DeviceMapping>, Denial> {
    devices.into_iter().enumerate().map(|(index, device)| map_one(judge, index, device)).collect()
}

fn map_one(judge: &Judge<'_>, index: usize, device: DeviceMapping) -> Result<DeviceMapping, Denial> {
    let DeviceMapping { path_on_host, path_in_container, cgroup_permissions } = device;
    let place = |field: &str| format!("HostConfig.Devices[{index}].{field}");
    // the engine reads nothing as everything
    let permissions = if cgroup_permissions.is_empty() { "rwm".to_owned() } else { cgroup_permissions };
    let granted = &judge.policy.containers.host.devices;
    let Some(grant) = granted.iter().find(|grant| grant.path == path_on_host) else {
        let (wanted, allowed) = (format!("device {}", shown(&path_on_host)), listed(granted));
        return Err(judge.refuse(ID, place("PathOnHost"), wanted, allowed, keys::CONTAINERS_HOST_DEVICES));
    };
    if !are_device_permissions(&permissions) {
        let why = "permissions are some of `r`, `w` and `m`, each once";
        return Err(judge.floor(ID, place("CgroupPermissions"), shown(&permissions), why));
    }
    if !permissions.chars().all(|letter| grant.permissions.contains(letter)) {
        let (wanted, allowed) = (shown(&permissions), listed(granted));
        return Err(judge.refuse(ID, place("CgroupPermissions"), wanted, allowed, keys::CONTAINERS_HOST_DEVICES));
    }
    if !path_in_container.is_empty() && !word::is_clean_path(&path_in_container) {
        let why = "it is an absolute path without `.` and `..`";
        return Err(judge.floor(ID, place("PathInContainer"), shown(&path_in_container), why));
    }
    Ok(DeviceMapping { path_on_host, path_in_container, cgroup_permissions: permissions })
}

/// Judges rules of the device control group, each as the policy writes it.
pub(super) fn rules(judge: &Judge<'_>, rules: &[String]) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.device_cgroup_rules;
    match rules.iter().enumerate().find(|(_, rule)| !granted.contains(rule)) {
        None => Ok(()),
        Some((index, rule)) => {
            let (place, key) =
                (format!("HostConfig.DeviceCgroupRules[{index}]"), keys::CONTAINERS_HOST_DEVICE_CGROUP_RULES);
            Err(judge.refuse(ID, place, shown(rule), patterns(granted.iter().map(String::as_str)), key))
        }
    }
}

/// Judges devices that a driver chooses. A driver is granted by its name; where none is named, by every capability that
/// is asked for; and of the driver `cdi`, whose specifications can add mounts and hooks, each device by its own name.
pub(super) fn requests(judge: &Judge<'_>, requests: &[DeviceRequest]) -> Result<(), Denial> {
    for (index, request) in requests.iter().enumerate() {
        let DeviceRequest { driver, count, device_ids, capabilities, options } = request;
        let place = |field: &str| format!("HostConfig.DeviceRequests[{index}].{field}");
        if !options.0.is_empty() {
            return Err(judge.floor(ID, place("Options"), "options", "they go to the driver as they stand"));
        }
        if *count < -1 {
            return Err(judge.floor(ID, place("Count"), format!("`{count}`"), "it is -1 for all, or a number"));
        }
        if driver == "cdi" {
            named(judge, &place("DeviceIDs"), device_ids.iter())?;
            if device_ids.is_empty() || *count != 0 {
                return Err(judge.floor(
                    ID,
                    place("Count"),
                    format!("`{count}`"),
                    "devices of `cdi` go by their names",
                ));
            }
        } else if driver.is_empty() {
            let asked = capabilities.iter().flatten();
            if capabilities.iter().all(Vec::is_empty) {
                let why = "a request names a driver, or the capabilities of the device";
                return Err(judge.floor(ID, place("Capabilities"), "no capability", why));
            }
            named(judge, &place("Capabilities"), asked)?;
        } else {
            named(judge, &place("Driver"), [driver].into_iter())?;
        }
    }
    Ok(())
}

fn named<'w>(judge: &Judge<'_>, place: &str, mut words: impl Iterator<Item = &'w String>) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.device_requests;
    match words.find(|word| !granted.contains(word)) {
        None => Ok(()),
        Some(word) => {
            let allowed = patterns(granted.iter().map(String::as_str));
            Err(judge.refuse(ID, place, shown(word), allowed, keys::CONTAINERS_HOST_DEVICE_REQUESTS))
        }
    }
}

fn listed(granted: &[DeviceGrant]) -> String {
    let listed: Vec<String> =
        granted.iter().map(|DeviceGrant { path, permissions }| format!("`{path}:{permissions}`")).collect();
    if listed.is_empty() { "none".to_owned() } else { listed.join(", ") }
}
