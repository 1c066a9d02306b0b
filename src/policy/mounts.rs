//! Judges everything that brings storage into a container: binds, mounts, volumes and tmpfs, in all their spellings.
//!
//! The same power has many spellings, so each is read down to what it is: a path of the host, a named volume, an
//! anonymous one, or memory. Must never look at the host's files: whether a path exists is not ours to tell.

use super::compile::Limit;
use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::facts::{FactQuery, Facts};
use super::file::keys;
use super::judge::Judge;
use super::{volume_mounts, word};
use crate::operation::model::{BindOptions, DriverConfig, HostConfig, Mount, StringMap, TmpfsOptions, VolumeOptions};

/// The named volumes that a create mentions, whose owner has to be known.
pub(super) fn questions(host_config: &HostConfig) -> Vec<FactQuery> {
    let from_binds = bound_volumes(host_config);
    let from_mounts = host_config.mounts.iter().filter(|mount| mount.r#type == "volume");
    let named = from_binds.map(str::to_owned).chain(from_mounts.map(|mount| mount.source.clone()));
    named.filter(|name| is_volume_name(name)).map(FactQuery::Volume).collect()
}

/// The named volumes in the short spelling.
pub(super) fn bound_volumes(host_config: &HostConfig) -> impl Iterator<Item = &str> {
    host_config.binds.iter().filter_map(|bind| named_volume(bind))
}

/// The labels that new volumes of a create would get, with the index of the mount that asks for them.
pub(super) fn volume_labels(host_config: &HostConfig) -> impl Iterator<Item = (usize, &StringMap)> {
    let mounts = host_config.mounts.iter().enumerate();
    mounts.filter_map(|(index, mount)| Some((index, &mount.volume_options.as_ref()?.labels)))
}

/// What no policy can allow: the engine's socket, or a folder that holds it, inside a container is the engine itself.
pub(super) fn floor(judge: &Judge<'_>, host_config: &HostConfig) -> Result<(), Denial> {
    let from_binds = host_config.binds.iter().map(|bind| bind.split(':').next().unwrap_or_default());
    let from_mounts = host_config.mounts.iter().map(|mount| mount.source.as_str());
    // the local driver binds what its option `device` names
    let drivers = host_config.mounts.iter().filter_map(|mount| mount.volume_options.as_ref()?.driver_config.as_ref());
    let from_drivers = drivers.flat_map(|driver| driver.options.0.values().map(String::as_str));
    match from_binds.chain(from_mounts).chain(from_drivers).find(|source| holds_engine_socket(source)) {
        None => Ok(()),
        Some(source) => {
            let why = "it holds the engine's socket, which is the engine itself";
            Err(judge.floor(ID, "HostConfig", format!("the host path {}", shown(source)), why))
        }
    }
}

pub(super) fn binds(judge: &Judge<'_>, binds: &[String], facts: &Facts) -> Result<(), Denial> {
    for (index, bind) in binds.iter().enumerate() {
        let place = format!("HostConfig.Binds[{index}]");
        let Some(name) = named_volume(bind) else {
            return Err(no_volume(judge, place, bind));
        };
        let mut parts = bind.split(':').skip(1);
        let (target, options, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let plain = options.is_none_or(|words| words.split(',').all(|word| ["rw", "ro", "nocopy"].contains(&word)));
        if !word::is_clean_path(target) || !plain || rest.is_some() {
            return Err(judge.floor(ID, place, shown(bind), "a volume is `NAME:/path` or `NAME:/path:ro`"));
        }
        volume_mounts::source(judge, &place, name, facts)?;
    }
    Ok(())
}

/// Judges the long spelling, and gives it back without what belongs to other types or says nothing.
pub(super) fn mounts(judge: &Judge<'_>, mounts: Vec<Mount>, facts: &Facts) -> Result<Vec<Mount>, Denial> {
    for (index, mount) in mounts.iter().enumerate() {
        judge_mount(judge, &format!("HostConfig.Mounts[{index}]"), mount, facts)?;
    }
    Ok(mounts.into_iter().map(without_noise).collect())
}

fn without_noise(mount: Mount) -> Mount {
    let Mount {
        target,
        source,
        r#type,
        read_only,
        consistency: _,
        bind_options: _,
        volume_options,
        image_options: _,
        tmpfs_options,
        cluster_options: _,
    } = mount;
    // labels are written on the volume before, and the driver is the engine's own
    let volume_options = volume_options.map(|options| VolumeOptions {
        no_copy: options.no_copy,
        subpath: options.subpath,
        ..VolumeOptions::default()
    });
    let volume_options = volume_options.filter(|options| *options != VolumeOptions::default());
    let tmpfs_options = tmpfs_options.filter(|options| *options != TmpfsOptions::default());
    Mount { target, source, r#type, read_only, volume_options, tmpfs_options, ..Mount::default() }
}

fn judge_mount(judge: &Judge<'_>, place: &str, mount: &Mount, facts: &Facts) -> Result<(), Denial> {
    let Mount {
        target,
        source,
        r#type,
        read_only: _,
        consistency,
        bind_options,
        volume_options,
        image_options,
        tmpfs_options,
        cluster_options,
    } = mount;
    let at = |field: &str| format!("{place}.{field}");
    match r#type.as_str() {
        "volume" | "tmpfs" => {}
        "bind" => return Err(judge.not_yet(ID, at("Source"), shown(source), keys::CONTAINERS_HOST_BINDS)),
        other => return Err(judge.floor(ID, at("Type"), shown(other), "mounts are of the type `volume` or `tmpfs`")),
    }
    if !word::is_clean_path(target) {
        return Err(judge.floor(
            ID,
            at("Target"),
            shown(target),
            "it is an absolute path without `.`, `..`, `:` or `,`",
        ));
    }
    let neutral = [
        ("Consistency", ["", "default", "consistent"].contains(&consistency.as_str())),
        ("BindOptions", bind_options.as_ref().is_none_or(|options| *options == BindOptions::default())),
        ("ImageOptions", image_options.is_none()),
        ("ClusterOptions", cluster_options.is_none()),
    ];
    if let Some((field, _)) = neutral.iter().find(|(_, neutral)| !neutral) {
        return Err(judge.floor(ID, at(field), "a value", "it belongs to another type of mount"));
    }
    if r#type == "tmpfs" {
        let other = !source.is_empty() || volume_options.as_ref().is_some_and(|o| *o != VolumeOptions::default());
        if other {
            return Err(judge.floor(ID, at("Source"), shown(source), "a tmpfs comes from nowhere"));
        }
        return tmpfs_mount(judge, place, target, tmpfs_options.as_ref());
    }
    if tmpfs_options.as_ref().is_some_and(|options| *options != TmpfsOptions::default()) {
        return Err(judge.floor(ID, at("TmpfsOptions"), "a value", "it belongs to another type of mount"));
    }
    volume_mounts::source(judge, &at("Source"), source, facts)?;
    judge_volume_options(judge, &at("VolumeOptions"), source, volume_options.as_ref(), facts)
}

fn judge_volume_options(
    judge: &Judge<'_>,
    place: &str,
    source: &str,
    options: Option<&VolumeOptions>,
    facts: &Facts,
) -> Result<(), Denial> {
    let Some(VolumeOptions { no_copy: _, labels, subpath, driver_config }) = options else { return Ok(()) };
    volume_mounts::labels(judge, &format!("{place}.Labels"), labels)?;
    volume_mounts::subpath(judge, &format!("{place}.Subpath"), source, subpath, facts)?;
    let Some(DriverConfig { name, options }) = driver_config else { return Ok(()) };
    if !options.0.is_empty() || !["", "local"].contains(&name.as_str()) {
        // the local driver mounts any path and device of the host by its options
        let place = format!("{place}.DriverConfig");
        return Err(judge.not_yet(ID, place, "a driver or its options", keys::CONTAINERS_HOST_VOLUME_DRIVERS));
    }
    Ok(())
}

fn tmpfs_mount(judge: &Judge<'_>, place: &str, target: &str, options: Option<&TmpfsOptions>) -> Result<(), Denial> {
    granted_tmpfs(judge, &format!("{place}.Target"), target)?;
    let Some(TmpfsOptions { size_bytes, mode, options }) = options else { return Ok(()) };
    if *mode > 0o1777 {
        return Err(judge.floor(
            ID,
            format!("{place}.TmpfsOptions.Mode"),
            format!("`{mode}`"),
            "it is permission bits",
        ));
    }
    if !options.is_empty() {
        return Err(judge.floor(ID, format!("{place}.TmpfsOptions.Options"), "options", "size and mode have fields"));
    }
    let place = format!("{place}.TmpfsOptions.SizeBytes");
    match u64::try_from(*size_bytes) {
        Ok(size) => tmpfs_size(judge, &place, size),
        Err(_) => Err(judge.floor(ID, place, format!("`{size_bytes}`"), "a size is not negative")),
    }
}

pub(super) fn tmpfs(judge: &Judge<'_>, StringMap(tmpfs): &StringMap) -> Result<(), Denial> {
    for (target, options) in tmpfs {
        let place = format!("HostConfig.Tmpfs[{target}]");
        granted_tmpfs(judge, &place, target)?;
        for option in options.split(',').filter(|option| !option.is_empty()) {
            tmpfs_option(judge, &place, option)?;
        }
    }
    Ok(())
}

fn tmpfs_option(judge: &Judge<'_>, place: &str, option: &str) -> Result<(), Denial> {
    let number = |text: &str, radix| u64::from_str_radix(text, radix).ok();
    let plain = match option.split_once('=') {
        None => ["rw", "ro", "exec", "noexec", "nosuid", "nodev", "noatime", "relatime"].contains(&option),
        // a size of 0 means none at all to the kernel
        Some(("size", size)) => match parse_size(size).filter(|bytes| *bytes > 0) {
            Some(bytes) => return tmpfs_size(judge, place, bytes),
            None => false,
        },
        Some(("mode", mode)) => number(mode, 8).is_some_and(|mode| mode <= 0o1777),
        Some(("uid" | "gid", id)) => number(id, 10).is_some_and(|id| id < u64::from(u32::MAX)),
        Some(_) => false,
    };
    let why = "options are rw, ro, exec, noexec, nosuid, nodev, noatime, relatime, size=, mode=, uid= and gid=";
    if plain { Ok(()) } else { Err(judge.floor(ID, place, shown(option), why)) }
}

/// A tmpfs is memory: it may be as large as the container's memory may be.
fn tmpfs_size(judge: &Judge<'_>, place: &str, bytes: u64) -> Result<(), Denial> {
    match judge.policy.containers.limits.memory {
        Limit::At(limit) if bytes > limit => {
            let (wanted, allowed) = (format!("`{bytes}` bytes"), format!("at most {limit} bytes"));
            Err(judge.refuse(ID, place, wanted, allowed, keys::CONTAINERS_LIMITS_MEMORY))
        }
        Limit::At(_) | Limit::Unlimited | Limit::NotSet => Ok(()),
    }
}

fn granted_tmpfs(judge: &Judge<'_>, place: &str, target: &str) -> Result<(), Denial> {
    let granted = &judge.policy.containers.tmpfs;
    if granted.iter().any(|path| path == target) {
        return Ok(());
    }
    let allowed = patterns(granted.iter().map(String::as_str));
    Err(judge.refuse(ID, place, format!("a tmpfs at {}", shown(target)), allowed, keys::CONTAINERS_TMPFS))
}

/// What no policy can allow of a volume's options: with them the local driver binds what `device` names.
pub(super) fn driver_options_floor(
    judge: &Judge<'_>,
    operation: &'static str,
    place: &str,
    StringMap(options): &StringMap,
) -> Result<(), Denial> {
    match options.values().find(|source| holds_engine_socket(source)) {
        None => Ok(()),
        Some(source) => {
            let why = "it holds the engine's socket, which is the engine itself";
            Err(judge.floor(operation, place, format!("the host path {}", shown(source)), why))
        }
    }
}

/// The named volume in a bind, as the engine would read it: no source that looks like a path.
fn named_volume(bind: &str) -> Option<&str> {
    let (source, _) = bind.split_once(':')?;
    is_volume_name(source).then_some(source)
}

fn no_volume(judge: &Judge<'_>, place: String, bind: &str) -> Denial {
    if bind.contains(':') && bind.starts_with(['/', '.', '~', '\\']) {
        return judge.not_yet(ID, place, shown(bind), keys::CONTAINERS_HOST_BINDS);
    }
    judge.floor(ID, place, shown(bind), "a volume is `NAME:/path` or `NAME:/path:ro`")
}

fn is_volume_name(text: &str) -> bool {
    word::is_container_name(text)
}

/// `64m`, `1g` or plain bytes, as the kernel reads the size of a tmpfs; percentages are refused.
fn parse_size(text: &str) -> Option<u64> {
    let (digits, factor) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (text.get(..at)?, 1024),
        (at, 'm' | 'M') => (text.get(..at)?, 1024 * 1024),
        (at, 'g' | 'G') => (text.get(..at)?, 1024 * 1024 * 1024),
        _ => (text, 1),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| plain)?.checked_mul(factor)
}

/// Whether a host path is an engine's socket in one of its usual places, or a folder above it.
fn holds_engine_socket(source: &str) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    for part in source.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    if !source.starts_with('/') {
        return false;
    }
    // the kernel shows every process's root, and so the host's, a second time
    if let ["proc", _, "root", rest @ ..] = parts.as_slice() {
        parts = rest.to_vec();
    }
    ENGINE_SOCKETS.iter().any(|socket| socket.split('/').skip(1).take(parts.len()).eq(parts.iter().copied()))
}

/// Where engines put their sockets.
const ENGINE_SOCKETS: &[&str] = &[
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/var/run/podman/podman.sock",
];
