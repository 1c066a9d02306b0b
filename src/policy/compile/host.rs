//! `[containers.host]`, ready to run: powers over the host, each read into what its judge compares.
//!
//! What no policy can allow is an error here and not a surprise later. Must never widen a grant: a list of words is
//! compared word by word, and only keys that say so take patterns.

use super::read::Reader;
use super::value;
use crate::policy::capability;
use crate::policy::file::{HostSection, keys};
use crate::policy::host_path;
use crate::policy::pattern::{Pattern, Patterns};

/// `[containers.host]`: powers over the host. The default grants none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// `containers.host.binds`
    pub binds: Vec<BindGrant>,
    /// `containers.host.devices`
    pub devices: Vec<DeviceGrant>,
    /// `containers.host.device-cgroup-rules`
    pub device_cgroup_rules: Vec<String>,
    /// `containers.host.device-requests`: drivers, capabilities, and for the driver `cdi` names of devices.
    pub device_requests: Vec<String>,
    /// `containers.host.cap-add`: as the engine writes them, `CAP_NET_ADMIN` or `ALL`.
    pub cap_add: Vec<String>,
    /// `containers.host.privileged`
    pub privileged: bool,
    /// `containers.host.exec-privileged`
    pub exec_privileged: bool,
    /// `containers.host.network`
    pub network: Vec<String>,
    /// `containers.host.pid`
    pub pid: Vec<String>,
    /// `containers.host.ipc`
    pub ipc: Vec<String>,
    /// `containers.host.uts`
    pub uts: Vec<String>,
    /// `containers.host.userns`
    pub userns: Vec<String>,
    /// `containers.host.cgroupns`
    pub cgroupns: Vec<String>,
    /// `containers.host.cgroup-parent`
    pub cgroup_parent: Vec<String>,
    /// `containers.host.sysctls`: names.
    pub sysctls: Patterns,
    /// `containers.host.security-opt`: in the spelling `key=value`.
    pub security_opt: Patterns,
    /// `containers.host.unmasked-paths`
    pub unmasked_paths: bool,
    /// `containers.host.runtime`
    pub runtime: Vec<String>,
    /// `containers.host.restart`
    pub restart: Vec<RestartGrant>,
    /// `containers.host.ulimits`
    pub ulimits: Vec<UlimitGrant>,
    /// `containers.host.scheduling`
    pub scheduling: bool,
    /// `containers.host.storage-opt`: keys.
    pub storage_opt: Patterns,
    /// `containers.host.volume-drivers`
    pub volume_drivers: Vec<String>,
    /// `containers.host.group-add`
    pub group_add: Vec<String>,
    /// `containers.host.annotations`: keys.
    pub annotations: Patterns,
    /// `containers.host.dns`
    pub dns: bool,
    /// `containers.host.extra-hosts`: `name:address`.
    pub extra_hosts: Patterns,
    /// `containers.host.links`
    pub links: bool,
    /// `containers.host.addresses`
    pub addresses: bool,
    /// `containers.host.buildkit`
    pub buildkit: bool,
}

/// One path of the host that may be bound into containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindGrant {
    /// The exact source, an absolute and clean path.
    pub source: String,
    /// Whether it may be bound writable (`:rw`).
    pub writable: bool,
}

/// One device of the host that may be mapped into containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceGrant {
    /// The exact path on the host, below /dev.
    pub path: String,
    /// What may be done with it: some of `r`, `w` and `m` (mknod).
    pub permissions: String,
}

/// One restart policy that a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartGrant {
    /// `always`
    Always,
    /// `unless-stopped`
    UnlessStopped,
    /// `on-failure`, with at most so many attempts; `None` is without end.
    OnFailure(Option<u32>),
}

/// One limit of setrlimit(2) that a client may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UlimitGrant {
    /// The resource, as `nofile`.
    pub name: String,
    /// The highest value; `None` is any, also unlimited.
    pub most: Option<i64>,
}

#[expect(
    clippy::too_many_lines,
    reason = "one line for each power, twice, so that a new one does not compile until it is read"
)]
pub(super) fn read_host(reader: &mut Reader, section: HostSection) -> Host {
    let HostSection {
        binds,
        devices,
        device_cgroup_rules,
        device_requests,
        cap_add,
        privileged,
        exec_privileged,
        network,
        pid,
        ipc,
        uts,
        userns,
        cgroupns,
        cgroup_parent,
        sysctls,
        security_opt,
        unmasked_paths,
        runtime,
        restart,
        ulimits,
        scheduling,
        storage_opt,
        volume_drivers,
        group_add,
        annotations,
        dns,
        extra_hosts,
        links,
        addresses,
        buildkit,
    } = section;
    let only_host = |text: &str| one_of(text, &["host"]);
    Host {
        binds: read_binds(reader, &binds),
        devices: reader.items(keys::CONTAINERS_HOST_DEVICES, &devices, device),
        device_cgroup_rules: reader.items(
            keys::CONTAINERS_HOST_DEVICE_CGROUP_RULES,
            &device_cgroup_rules,
            device_cgroup_rule,
        ),
        device_requests: reader.items(keys::CONTAINERS_HOST_DEVICE_REQUESTS, &device_requests, word),
        cap_add: reader.items(keys::CONTAINERS_HOST_CAP_ADD, &cap_add, |text| {
            capability::canonical(text).ok_or_else(|| format!("`{text}` is not a capability, as `NET_ADMIN` or `ALL`"))
        }),
        privileged: privileged.unwrap_or_default(),
        exec_privileged: exec_privileged.unwrap_or_default(),
        network: reader.items(keys::CONTAINERS_HOST_NETWORK, &network, only_host),
        pid: reader.items(keys::CONTAINERS_HOST_PID, &pid, only_host),
        ipc: reader.items(keys::CONTAINERS_HOST_IPC, &ipc, |text| one_of(text, &["host", "shareable"])),
        uts: reader.items(keys::CONTAINERS_HOST_UTS, &uts, only_host),
        userns: reader.items(keys::CONTAINERS_HOST_USERNS, &userns, only_host),
        cgroupns: reader.items(keys::CONTAINERS_HOST_CGROUPNS, &cgroupns, only_host),
        cgroup_parent: reader.items(keys::CONTAINERS_HOST_CGROUP_PARENT, &cgroup_parent, cgroup_parent_word),
        sysctls: patterns(reader, keys::CONTAINERS_HOST_SYSCTLS, &sysctls),
        security_opt: Patterns::new(reader.items(keys::CONTAINERS_HOST_SECURITY_OPT, &security_opt, security_option)),
        unmasked_paths: unmasked_paths.unwrap_or_default(),
        runtime: reader.items(keys::CONTAINERS_HOST_RUNTIME, &runtime, word),
        restart: reader.items(keys::CONTAINERS_HOST_RESTART, &restart, restart_policy),
        ulimits: reader.items(keys::CONTAINERS_HOST_ULIMITS, &ulimits, ulimit),
        scheduling: scheduling.unwrap_or_default(),
        storage_opt: patterns(reader, keys::CONTAINERS_HOST_STORAGE_OPT, &storage_opt),
        volume_drivers: reader.items(keys::CONTAINERS_HOST_VOLUME_DRIVERS, &volume_drivers, word),
        group_add: reader.items(keys::CONTAINERS_HOST_GROUP_ADD, &group_add, word),
        annotations: patterns(reader, keys::CONTAINERS_HOST_ANNOTATIONS, &annotations),
        dns: dns.unwrap_or_default(),
        extra_hosts: Patterns::new(reader.items(keys::CONTAINERS_HOST_EXTRA_HOSTS, &extra_hosts, extra_host)),
        links: links.unwrap_or_default(),
        addresses: addresses.unwrap_or_default(),
        buildkit: buildkit.unwrap_or_default(),
    }
}

fn patterns(reader: &mut Reader, key: &'static str, list: &Option<Vec<String>>) -> Patterns {
    reader.patterns(key, list)
}

/// Every source, and none below one that clients may write: they could put a link to anywhere in its place.
fn read_binds(reader: &mut Reader, list: &Option<Vec<String>>) -> Vec<BindGrant> {
    let binds = reader.items(keys::CONTAINERS_HOST_BINDS, list, value::bind);
    if list.as_ref().is_none_or(|list| list.len() != binds.len()) {
        return binds;
    }
    for (position, grant) in binds.iter().enumerate() {
        let above = |other: &&BindGrant| {
            other.writable && other.source != grant.source && host_path::lies_in(&grant.source, &other.source)
        };
        if let Some(above) = binds.iter().find(above) {
            let message = format!(
                "`{}` lies in `{}`, which may be bound writable: a client could put a link to anywhere in its place",
                grant.source, above.source
            );
            reader.refuse(keys::CONTAINERS_HOST_BINDS, Some(position), message);
        }
    }
    binds
}

fn one_of(text: &str, words: &[&str]) -> Result<String, String> {
    if words.contains(&text) {
        return Ok(text.to_owned());
    }
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    Err(format!("`{text}` is not one of the modes {}; own containers need no key", words.join(", ")))
}

/// A word that stands for itself: a name of a runtime, a driver, a group, a device.
fn word(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-/=:".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not a name; write it exactly, without `*` and blanks"))
}

/// `/dev/fuse` or `/dev/fuse:r`.
fn device(text: &str) -> Result<DeviceGrant, String> {
    let (path, permissions) = text.rsplit_once(':').unwrap_or((text, "rwm"));
    let path = value::path(path)?;
    if !path.starts_with("/dev/") {
        return Err(format!("`{text}` is not a device below /dev"));
    }
    if !are_device_permissions(permissions) {
        return Err(format!("`{text}` does not end in some of `r`, `w` and `m`"));
    }
    Ok(DeviceGrant { path, permissions: permissions.to_owned() })
}

/// Some of `r`, `w` and `m`, each once, as the engine reads them.
pub(crate) fn are_device_permissions(text: &str) -> bool {
    let once = |letter: char| text.matches(letter).count() == 1;
    !text.is_empty() && text.chars().all(|letter| "rwm".contains(letter) && once(letter))
}

/// `c 42:* rmw`, as the engine reads it.
fn device_cgroup_rule(text: &str) -> Result<String, String> {
    let number = |part: &str| part == "*" || (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let mut parts = text.split(' ');
    let kind = parts.next().is_some_and(|kind| ["a", "b", "c"].contains(&kind));
    let numbers = parts.next().and_then(|numbers| numbers.split_once(':'));
    let numbers = numbers.is_some_and(|(major, minor)| number(major) && number(minor));
    let access = parts.next().is_some_and(are_device_permissions);
    if kind && numbers && access && parts.next().is_none() {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not a device cgroup rule, as `c 42:* rmw`"))
}

fn cgroup_parent_word(text: &str) -> Result<String, String> {
    let climbs = text.split('/').any(|part| part == "..");
    if text.is_empty() || climbs || text.contains('*') || text.chars().any(char::is_control) {
        return Err(format!("`{text}` is not the name of a control group; write it exactly"));
    }
    Ok(text.to_owned())
}

/// In the engine's newer spelling, whichever it was written in.
fn security_option(text: &str) -> Result<Pattern, String> {
    value::pattern(&canonical_security_option(text))
}

/// `key=value`; engines read `key:value` as the same, and `disable` alone as `label=disable`.
pub(crate) fn canonical_security_option(text: &str) -> String {
    if text == "disable" {
        return "label=disable".to_owned();
    }
    match (text.contains('='), text.split_once(':')) {
        (false, Some((key, value))) => format!("{key}={value}"),
        (true, _) | (false, None) => text.to_owned(),
    }
}

/// `always`, `unless-stopped`, `on-failure` or `on-failure:5`.
fn restart_policy(text: &str) -> Result<RestartGrant, String> {
    match text.split_once(':').map_or((text, None), |(name, most)| (name, Some(most))) {
        ("always", None) => Ok(RestartGrant::Always),
        ("unless-stopped", None) => Ok(RestartGrant::UnlessStopped),
        ("on-failure", None) => Ok(RestartGrant::OnFailure(None)),
        ("on-failure", Some(most)) if digits(most) && most.parse::<u32>().is_ok_and(|most| most > 0) => {
            Ok(RestartGrant::OnFailure(most.parse().ok()))
        }
        _ => Err(format!("`{text}` is not `always`, `unless-stopped`, `on-failure` or `on-failure:5`")),
    }
}

/// `nofile` or `nofile=65536`.
fn ulimit(text: &str) -> Result<UlimitGrant, String> {
    let (name, most) = text.split_once('=').map_or((text, None), |(name, most)| (name, Some(most)));
    if !ULIMITS.contains(&name) {
        return Err(format!("`{text}` is not a limit, as `nofile` or `nofile=65536`"));
    }
    match most {
        None => Ok(UlimitGrant { name: name.to_owned(), most: None }),
        Some(number) if digits(number) && number.parse::<i64>().is_ok() => {
            Ok(UlimitGrant { name: name.to_owned(), most: number.parse().ok() })
        }
        Some(number) => Err(format!("`{number}` is not a number")),
    }
}

fn extra_host(text: &str) -> Result<Pattern, String> {
    match text.split_once(':') {
        Some((name, address)) if !name.is_empty() && !address.is_empty() => value::pattern(text),
        Some(_) | None => Err(format!("`{text}` is not `name:address`, as `db:10.0.0.5` or `host:host-gateway`")),
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The limits that engines know (`docker/go-units`).
const ULIMITS: &[&str] = &[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_words_that_mean_one_thing() {
        for text in ["fuse", "/dev", "/dev/../etc", "/dev/fuse:x", "/dev/fuse:rr", "/dev/fuse:", "/srv/x", "/dev/*"] {
            assert!(device(text).is_err(), "{text}");
        }
        for text in ["c", "c 42:*", "d 1:1 r", "c 1:1 rx", "c  1:1 r", "c 1:1 r ", "c -1:1 r", "c 1 r"] {
            assert!(device_cgroup_rule(text).is_err(), "{text}");
        }
        for text in ["no", "", "Always", "always:3", "on-failure:", "on-failure:0", "on-failure:+3", "on-failure:-1"] {
            assert!(restart_policy(text).is_err(), "{text}");
        }
        for text in ["", "nofiles", "NOFILE", "nofile=", "nofile=-1", "nofile=+1", "nofile=1:2"] {
            assert!(ulimit(text).is_err(), "{text}");
        }
        for text in ["", "a b", "x*", "x\n"] {
            assert!(word(text).is_err(), "{text}");
        }
        for text in ["", "a", ":x", "a:"] {
            assert!(extra_host(text).is_err(), "{text}");
        }
        for text in ["", "a/../b", "x*", "a\nb"] {
            assert!(cgroup_parent_word(text).is_err(), "{text}");
        }
        assert!(one_of("HOST", &["host"]).is_err() && one_of("container:x", &["host"]).is_err());
    }

    #[test]
    fn grants_are_read() {
        let fuse = |permissions: &str| DeviceGrant { path: "/dev/fuse".into(), permissions: permissions.into() };
        assert_eq!(device("/dev/fuse"), Ok(fuse("rwm")));
        assert_eq!(device("/dev/fuse:r"), Ok(fuse("r")));
        assert!(device_cgroup_rule("c 42:* rmw").is_ok());
        assert_eq!(restart_policy("on-failure:5"), Ok(RestartGrant::OnFailure(Some(5))));
        assert_eq!(ulimit("nofile=1024"), Ok(UlimitGrant { name: "nofile".into(), most: Some(1024) }));
        assert_eq!(canonical_security_option("seccomp:unconfined"), "seccomp=unconfined");
        assert_eq!(canonical_security_option("disable"), "label=disable");
        assert_eq!(canonical_security_option("label=type:x"), "label=type:x");
    }
}
