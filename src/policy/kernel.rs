//! Judges what changes a container's standing with the kernel: capabilities, security options, kernel parameters, hidden
//! paths, the runtime and what it is told, and further groups.
//!
//! Must never compare a word before it is spelled as the engine spells it.

use super::capability;
use super::compile::canonical_security_option;
use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::file::keys;
use super::judge::Judge;
use super::pattern::{Pattern, Patterns};
use super::word;
use crate::operation::model::{StringList, StringMap};

/// Judges added capabilities; gives them as the engine writes them. `ALL` has to be named.
pub(super) fn cap_add(judge: &Judge<'_>, StringList(names): &StringList) -> Result<StringList, Denial> {
    let granted = &judge.policy.containers.host.cap_add;
    let judge_one = |(index, name): (usize, &String)| {
        let place = format!("HostConfig.CapAdd[{index}]");
        let Some(canonical) = capability::canonical(name) else {
            return Err(judge.floor(ID, place, shown(name), "it is no capability"));
        };
        let all = granted.iter().any(|name| name == capability::ALL);
        if all || granted.contains(&canonical) {
            return Ok(canonical);
        }
        let allowed = patterns(granted.iter().map(String::as_str));
        Err(judge.refuse(ID, place, shown(name), allowed, keys::CONTAINERS_HOST_CAP_ADD))
    };
    names.iter().enumerate().map(judge_one).collect::<Result<_, _>>().map(StringList)
}

/// Dropping takes power away, but only of capabilities that have a name.
pub(super) fn cap_drop(judge: &Judge<'_>, StringList(names): &StringList) -> Result<(), Denial> {
    let plain = |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    match names.iter().find(|name| !plain(name)) {
        None => Ok(()),
        Some(name) => Err(judge.floor(ID, "HostConfig.CapDrop", shown(name), "it is no capability")),
    }
}

/// `no-new-privileges` takes power away and passes in its three spellings; all else is granted by its text.
pub(super) fn security_options(judge: &Judge<'_>, options: Vec<String>) -> Result<Vec<String>, Denial> {
    let harmless = ["no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"];
    let granted = &judge.policy.containers.host.security_opt;
    let judge_one = |(index, option): (usize, String)| {
        if harmless.contains(&option.as_str()) {
            return Ok(option);
        }
        let canonical = canonical_security_option(&option);
        if granted.matches(&canonical) {
            return Ok(canonical);
        }
        let place = format!("HostConfig.SecurityOpt[{index}]");
        let allowed = format!("`no-new-privileges`{}", and_more(granted));
        Err(judge.refuse(ID, place, shown(&option), allowed, keys::CONTAINERS_HOST_SECURITY_OPT))
    };
    options.into_iter().enumerate().map(judge_one).collect()
}

/// Judges kernel parameters by their names.
pub(super) fn sysctls(judge: &Judge<'_>, sysctls: &StringMap) -> Result<(), Denial> {
    for (name, value) in &sysctls.0 {
        let place = format!("HostConfig.Sysctls[{name}]");
        sysctl(judge, &place, name)?;
        printable(judge, &place, value)?;
        // up to API 1.47 the engine writes those of an interface, joined by commas, into an option of its endpoint
        if name.split('.').nth(3).is_some_and(|part| part.starts_with("eth")) && value.contains(',') {
            let why = "a parameter of one interface has one value";
            return Err(judge.floor(ID, place, "a value with a comma", why));
        }
    }
    Ok(())
}

/// One kernel parameter, wherever it is set.
pub(super) fn sysctl(judge: &Judge<'_>, place: &str, name: &str) -> Result<(), Denial> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(judge.floor(ID, place, shown(name), "a kernel parameter is like `net.core.somaxconn`"));
    }
    by_key(judge, place, name, &judge.policy.containers.host.sysctls, keys::CONTAINERS_HOST_SYSCTLS)
}

/// Judges annotations by their keys.
pub(super) fn annotations(judge: &Judge<'_>, annotations: &StringMap) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.annotations;
    annotations.0.keys().try_for_each(|key| {
        let place = format!("HostConfig.Annotations[{key}]");
        by_key(judge, &place, key, granted, keys::CONTAINERS_HOST_ANNOTATIONS)
    })
}

/// Judges options of the storage driver by their keys.
pub(super) fn storage_options(judge: &Judge<'_>, options: &StringMap) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.storage_opt;
    for (key, value) in &options.0 {
        let place = format!("HostConfig.StorageOpt[{key}]");
        by_key(judge, &place, key, granted, keys::CONTAINERS_HOST_STORAGE_OPT)?;
        printable(judge, &place, value)?;
    }
    Ok(())
}

/// Judges a runtime by its name.
pub(super) fn runtime(judge: &Judge<'_>, name: &str) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.runtime;
    if name.is_empty() || granted.iter().any(|runtime| runtime == name) {
        return Ok(());
    }
    let allowed = patterns(granted.iter().map(String::as_str));
    Err(judge.refuse(ID, "HostConfig.Runtime", shown(name), allowed, keys::CONTAINERS_HOST_RUNTIME))
}

/// Judges further groups, each as the policy writes it.
pub(super) fn groups(judge: &Judge<'_>, groups: &[String]) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.group_add;
    match groups.iter().enumerate().find(|(_, group)| !granted.contains(group)) {
        None => Ok(()),
        Some((index, group)) => {
            let (place, allowed) =
                (format!("HostConfig.GroupAdd[{index}]"), patterns(granted.iter().map(String::as_str)));
            Err(judge.refuse(ID, place, shown(group), allowed, keys::CONTAINERS_HOST_GROUP_ADD))
        }
    }
}

/// Judges the list of hidden, or of read-only, paths: any list replaces the engine's own, and an empty one hides nothing.
pub(super) fn paths(judge: &Judge<'_>, field: &str, paths: Option<&Vec<String>>) -> Result<(), Denial> {
    let Some(paths) = paths else { return Ok(()) };
    let place = format!("HostConfig.{field}");
    if !judge.policy.containers.host.unmasked_paths {
        let wanted = format!("a list of {} paths in place of the engine's own", paths.len());
        let key = keys::CONTAINERS_HOST_UNMASKED_PATHS;
        return Err(judge.refuse(ID, place, wanted, "the engine's own list", key));
    }
    match paths.iter().find(|path| !word::is_clean_path(path)) {
        None => Ok(()),
        Some(path) => Err(judge.floor(ID, place, shown(path), "it is an absolute path without `.` and `..`")),
    }
}

fn by_key(judge: &Judge<'_>, place: &str, key: &str, granted: &Patterns, grant: &'static str) -> Result<(), Denial> {
    if granted.matches(key) {
        return Ok(());
    }
    Err(judge.refuse(ID, place, shown(key), patterns(granted.iter().map(Pattern::as_str)), grant))
}

/// Values of options are not repeated: they may be secrets.
fn printable(judge: &Judge<'_>, place: &str, value: &str) -> Result<(), Denial> {
    if value.chars().any(char::is_control) {
        return Err(judge.floor(ID, place, "a value with control characters", "a value is one line of text"));
    }
    Ok(())
}

fn and_more(granted: &Patterns) -> String {
    granted.iter().map(|pattern| format!(", {}", shown(pattern.as_str()))).collect()
}
