//! Judges everything that brings storage into a container: mounts, volumes and tmpfs, in all their spellings; paths of
//! the host are judged in [`mod@binds`].
//!
//! The same power has many spellings, so each is read down to what it is: a path of the host, a named volume, an
//! anonymous one, or memory. Must never look at the host's files: whether a path exists is not ours to tell.

use super::compile::Limit;
use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::facts::{FactQuery, Facts};
use super::file::keys;
use super::judge::Judge;
use super::{binds, host_path, volume_mounts, word};
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

/// Judges the short spelling: volumes stay in it, paths of the host become mounts.
pub(super) fn binds(judge: &Judge<'_>, binds: Vec<String>, facts: &Facts) -> Result<(Vec<String>, Vec<Mount>), Denial> {
    let (mut volumes, mut mounts) = (Vec::new(), Vec::new());
    for (index, bind) in binds.into_iter().enumerate() {
        let place = format!("HostConfig.Binds[{index}]");
        if is_host_path(&bind) {
            mounts.push(binds::bind(judge, &place, &bind)?);
        } else {
            volume_bind(judge, &place, &bind, facts)?;
            volumes.push(bind);
        }
    }
    Ok((volumes, mounts))
}

fn volume_bind(judge: &Judge<'_>, place: &str, bind: &str, facts: &Facts) -> Result<(), Denial> {
    let Some(name) = named_volume(bind) else {
        return Err(no_volume(judge, place, bind));
    };
    let mut parts = bind.split(':').skip(1);
    let (target, options, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let plain = options.is_none_or(|words| words.split(',').all(|word| ["rw", "ro", "nocopy"].contains(&word)));
    if !word::is_clean_path(target) || !plain || rest.is_some() {
        return Err(judge.floor(ID, place, shown(bind), "a volume is `NAME:/path` or `NAME:/path:ro`"));
    }
    volume_mounts::source(judge, place, name, facts)
}

/// Judges the long spelling, and gives it back without what belongs to other types or says nothing.
pub(super) fn mounts(judge: &Judge<'_>, mounts: Vec<Mount>, facts: &Facts) -> Result<Vec<Mount>, Denial> {
    let judge_one = |(index, mount): (usize, Mount)| {
        let place = format!("HostConfig.Mounts[{index}]");
        if mount.r#type == "bind" {
            judge_target(judge, &place, &mount.target)?;
            return binds::mount(judge, &place, &mount);
        }
        judge_mount(judge, &place, &mount, facts)?;
        Ok(without_noise(mount))
    };
    mounts.into_iter().enumerate().map(judge_one).collect()
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
    let volume_options = volume_options.unwrap_or_default();
    let driver = volume_options.driver_config.filter(|driver| !["", "local"].contains(&driver.name.as_str()));
    let driver_config =
        driver.map(|DriverConfig { name, options: _ }| DriverConfig { name, options: StringMap::default() });
    // labels are written on the volume before
    let (no_copy, subpath) = (volume_options.no_copy, volume_options.subpath);
    let kept = VolumeOptions { no_copy, subpath, driver_config, ..VolumeOptions::default() };
    let volume_options = (kept != VolumeOptions::default()).then_some(kept);
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
        other => {
            let why = "mounts are of the type `volume`, `tmpfs` or `bind`";
            return Err(judge.floor(ID, at("Type"), shown(other), why));
        }
    }
    judge_target(judge, place, target)?;
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
    no_driver_options(judge, place, volume_options.as_ref())?;
    volume_mounts::source(judge, &at("Source"), source, facts)?;
    judge_volume_options(judge, &at("VolumeOptions"), source, volume_options.as_ref(), facts)
}

fn judge_target(judge: &Judge<'_>, place: &str, target: &str) -> Result<(), Denial> {
    let why = "it is an absolute path without `.`, `..`, `:` or `,`";
    if word::is_clean_path(target) {
        return Ok(());
    }
    Err(judge.floor(ID, format!("{place}.Target"), shown(target), why))
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
    let Some(DriverConfig { name, options: _refused_before }) = driver_config else { return Ok(()) };
    volume_driver(judge, &format!("{place}.DriverConfig.Name"), name)
}

/// No key opens these, so it is said before anything that a key would open.
fn no_driver_options(judge: &Judge<'_>, place: &str, options: Option<&VolumeOptions>) -> Result<(), Denial> {
    let driver =
        options.and_then(|VolumeOptions { no_copy: _, labels: _, subpath: _, driver_config }| driver_config.as_ref());
    let Some(DriverConfig { name: _, options: StringMap(options) }) = driver else { return Ok(()) };
    if options.is_empty() {
        return Ok(());
    }
    // the local driver mounts any path and device of the host by its options
    let why = "options of a driver can name any path and device of the host; a granted driver goes without";
    Err(judge.floor(ID, format!("{place}.VolumeOptions.DriverConfig.Options"), "options of a driver", why))
}

/// The driver of volumes: `local`, or one that the policy names.
pub(super) fn volume_driver(judge: &Judge<'_>, place: &str, name: &str) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.volume_drivers;
    if ["", "local"].contains(&name) || granted.iter().any(|driver| driver == name) {
        return Ok(());
    }
    let allowed = format!("`local`{}", granted.iter().map(|driver| format!(", {}", shown(driver))).collect::<String>());
    Err(judge.refuse(ID, place, shown(name), allowed, keys::CONTAINERS_HOST_VOLUME_DRIVERS))
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

/// What no policy can allow of a volume's options: with them the local driver binds what `device` names, and what the
/// options of a mount name, as `lowerdir=/x:/y`.
pub(super) fn driver_options_floor(
    judge: &Judge<'_>,
    operation: &'static str,
    place: &str,
    options: &StringMap,
) -> Result<(), Denial> {
    let closed = option_paths(options)
        .find_map(|source| host_path::closed(&source, judge.sockets).map(|closed| (source, closed)));
    match closed {
        None => Ok(()),
        Some((source, closed)) => {
            Err(judge.floor(operation, place, format!("the host path {}", shown(&source)), closed.why()))
        }
    }
}

/// Whatever in the options of a driver can be a path: values whole and in parts. `upperdir=/x` and `/x` name the same one,
/// and the engine, which stands in `/`, reads `x` as `/x`.
pub(super) fn option_paths(StringMap(options): &StringMap) -> impl Iterator<Item = String> {
    let parts = options.values().flat_map(|value| value.split([',', ':']));
    let paths = parts.map(|part| part.split_once('=').map_or(part, |(_, path)| path));
    let paths = paths.chain(options.values().map(String::as_str)).filter(|path| !path.is_empty());
    paths.map(|path| if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

/// The named volume in a bind, as the engine would read it: no source that looks like a path.
fn named_volume(bind: &str) -> Option<&str> {
    let (source, _) = bind.split_once(':')?;
    is_volume_name(source).then_some(source)
}

/// A path with a target, as the engine would read it; a path alone is an anonymous volume.
fn is_host_path(bind: &str) -> bool {
    bind.starts_with('/') && bind.contains(':')
}

/// What is neither a path of the host nor the name of a volume.
fn no_volume(judge: &Judge<'_>, place: &str, bind: &str) -> Denial {
    let is_path = bind.contains(':') && bind.starts_with(['.', '~', '\\']);
    let why = if is_path { "a path of the host is absolute" } else { "a volume is `NAME:/path` or `NAME:/path:ro`" };
    judge.floor(ID, place, shown(bind), why)
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
