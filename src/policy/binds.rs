//! Judges paths of the host inside containers, as `Binds` and as `Mounts` spell them.
//!
//! A source is one that the policy names, exactly. Both spellings go up as a mount, for the engine makes a folder out of
//! a missing source in `Binds`. Must never look at the host's files: whether a path exists is not ours to tell.

use super::compile::BindGrant;
use super::container_create::ID;
use super::denial::{Denial, shown};
use super::file::keys;
use super::host_path;
use super::judge::Judge;
use super::{mounts, word};
use crate::operation::model::{BindOptions, HostConfig, Mount};

/// One path of the host that a client asks for, in whichever spelling.
struct Asked<'a> {
    /// Where its source stands in the request.
    place: &'a str,
    source: &'a str,
    writable: bool,
    /// The client wants the mount to fail where mounts below the source cannot be read-only as well.
    force_recursive: bool,
    non_recursive: bool,
}

/// What no policy can allow: the engine's socket, or the broker's, or a folder that holds one.
pub(super) fn floor(judge: &Judge<'_>, host_config: &HostConfig) -> Result<(), Denial> {
    let from_binds = host_config.binds.iter().enumerate();
    let from_binds = from_binds.map(|(index, bind)| (format!("HostConfig.Binds[{index}]"), source_of(bind).to_owned()));
    let all_mounts = || host_config.mounts.iter().enumerate();
    let from_mounts =
        all_mounts().map(|(index, mount)| (format!("HostConfig.Mounts[{index}].Source"), mount.source.clone()));
    // the local driver binds what its option `device` names
    let from_drivers = all_mounts().flat_map(|(index, mount)| {
        let driver = mount.volume_options.as_ref().and_then(|options| options.driver_config.as_ref());
        let paths = driver.into_iter().flat_map(|driver| mounts::option_paths(&driver.options));
        let place = format!("HostConfig.Mounts[{index}].VolumeOptions.DriverConfig.Options");
        paths.map(move |path| (place.clone(), path))
    });
    from_binds.chain(from_mounts).chain(from_drivers).try_for_each(|(place, source)| open(judge, &place, &source))
}

/// Judges a path of the host in `Binds`; gives it as a mount.
pub(super) fn bind(judge: &Judge<'_>, place: &str, bind: &str) -> Result<Mount, Denial> {
    let mut parts = bind.split(':');
    let (source, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (modes, rest) = (parts.next().unwrap_or_default(), parts.next());
    open(judge, place, source)?;
    let why = "a bind is `/source:/target`, `/source:/target:ro` or `/source:/target:rw`";
    if rest.is_some() || (modes.is_empty() && bind.ends_with(':')) {
        return Err(judge.floor(ID, place, shown(bind), why));
    }
    let modes: Vec<&str> = modes.split(',').filter(|mode| !mode.is_empty()).collect();
    let accesses = modes.iter().filter(|mode| ["ro", "rw"].contains(*mode)).count();
    if let Some(mode) = modes.iter().find(|mode| !HARMLESS_MODES.contains(*mode)) {
        return Err(judge.floor(ID, place, shown(mode), why_not(mode)));
    }
    if accesses > 1 || !word::is_clean_path(target) {
        return Err(judge.floor(ID, place, shown(bind), why));
    }
    let writable = !modes.contains(&"ro");
    let asked = Asked { place, source, writable, force_recursive: false, non_recursive: false };
    asked.decide(judge, target)
}

/// Judges a mount of the type `bind`; its target was judged. Gives it without what makes folders on the host.
pub(super) fn mount(judge: &Judge<'_>, place: &str, mount: &Mount) -> Result<Mount, Denial> {
    let Mount {
        target,
        source,
        r#type: _,
        read_only,
        consistency,
        bind_options,
        volume_options,
        image_options,
        tmpfs_options,
        cluster_options,
    } = mount;
    let place_of_source = format!("{place}.Source");
    open(judge, &place_of_source, source)?;
    let asked = |force_recursive, non_recursive| Asked {
        place: &place_of_source,
        source,
        writable: !read_only,
        force_recursive,
        non_recursive,
    };
    // the source first: a client whose path is not granted learns that, and not how it should have spelled the rest
    asked(false, false).decide(judge, target)?;
    let others = [
        ("VolumeOptions", volume_options.as_ref().is_none_or(|options| *options == Default::default())),
        ("ImageOptions", image_options.is_none()),
        ("TmpfsOptions", tmpfs_options.as_ref().is_none_or(|options| *options == Default::default())),
        ("ClusterOptions", cluster_options.is_none()),
        ("Consistency", ["", "default", "consistent", "cached", "delegated"].contains(&consistency.as_str())),
    ];
    if let Some((field, _)) = others.iter().find(|(_, neutral)| !neutral) {
        return Err(judge.floor(ID, format!("{place}.{field}"), "a value", "it belongs to another type of mount"));
    }
    let BindOptions {
        propagation,
        non_recursive,
        create_mountpoint: _never_written,
        read_only_non_recursive,
        read_only_force_recursive,
    } = bind_options.clone().unwrap_or_default();
    let at = |field: &str| format!("{place}.BindOptions.{field}");
    if !["", "rprivate"].contains(&propagation.as_str()) {
        return Err(judge.floor(ID, at("Propagation"), shown(&propagation), why_not(&propagation)));
    }
    if read_only_non_recursive {
        let why = "it leaves mounts below the source writable";
        return Err(judge.floor(ID, at("ReadOnlyNonRecursive"), "`true`", why));
    }
    asked(read_only_force_recursive && *read_only, non_recursive).decide(judge, target)
}

impl Asked<'_> {
    fn decide(self, judge: &Judge<'_>, target: &str) -> Result<Mount, Denial> {
        let Self { place, source, writable, force_recursive, non_recursive } = self;
        let granted = &judge.policy.containers.host.binds;
        if !granted.iter().any(|grant| grant.source == source && (grant.writable || !writable)) {
            let how = if writable { "writable" } else { "read-only" };
            let wanted = format!("the host's path {}, {how}", shown(source));
            return Err(judge.refuse(ID, place, wanted, listed(granted), keys::CONTAINERS_HOST_BINDS));
        }
        // up to API 1.43, and on kernels that cannot do better, only the source itself would be read-only
        let non_recursive = non_recursive || (!writable && !force_recursive);
        let options =
            BindOptions { non_recursive, read_only_force_recursive: force_recursive, ..BindOptions::default() };
        Ok(Mount {
            target: target.to_owned(),
            source: source.to_owned(),
            r#type: "bind".to_owned(),
            read_only: !writable,
            bind_options: (options != BindOptions::default()).then_some(options),
            ..Mount::default()
        })
    }
}

fn open(judge: &Judge<'_>, place: &str, source: &str) -> Result<(), Denial> {
    match host_path::closed(source, judge.sockets) {
        None => Ok(()),
        Some(closed) => Err(judge.floor(ID, place, format!("the host's path {}", shown(source)), closed.why())),
    }
}

fn source_of(bind: &str) -> &str {
    bind.split(':').next().unwrap_or_default()
}

fn why_not(mode: &str) -> &'static str {
    match mode {
        "z" | "Z" => "relabelling changes the host's own files",
        "shared" | "rshared" | "slave" | "rslave" | "private" => {
            "mounts do not cross between host and container: only `rprivate` passes"
        }
        _ => "the modes of a bind are `ro`, `rw` and `rprivate`",
    }
}

fn listed(granted: &[BindGrant]) -> String {
    let listed: Vec<String> = granted
        .iter()
        .map(|BindGrant { source, writable }| format!("`{source}:{}`", if *writable { "rw" } else { "ro" }))
        .collect();
    if listed.is_empty() { "none".to_owned() } else { listed.join(", ") }
}

/// What a bind may say that opens nothing. The words for Docker Desktop's caches mean nothing on Linux and go nowhere.
const HARMLESS_MODES: &[&str] = &["ro", "rw", "rprivate", "default", "consistent", "cached", "delegated"];
