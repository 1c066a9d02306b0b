//! What a policy should be told about the powers over the host that it grants, in plain words: above all, which of them
//! equal root there.

use crate::policy::capability;
use crate::policy::compile::{BindGrant, ExecGrant, Host, Policy, ValueError};
use crate::policy::file::keys;
use crate::policy::host_path;
use crate::policy::pattern::Pattern;

/// Warnings about powers, and about rules that other grants go around.
pub(super) fn warnings(policy: &Policy) -> Vec<ValueError> {
    let host = &policy.containers.host;
    let mut found: Vec<ValueError> = Vec::new();
    found.extend(host.binds.iter().enumerate().map(|(item, grant)| about_bind(item, grant)));
    found.extend(about_devices(host));
    found.extend(about_capabilities(host));
    found.extend(about_words(host));
    found.extend(about_switches(host));
    found.extend(about_commands(policy));
    found
}

fn about_bind(item: usize, BindGrant { source, writable }: &BindGrant) -> ValueError {
    let system = SYSTEM.iter().any(|path| host_path::lies_in(source, path) || host_path::lies_in(path, source));
    let message = match (system, writable) {
        (true, true) => {
            format!("writable `{source}`: what stands there decides what the host runs, so it equals root on the host")
        }
        (true, false) => format!("`{source}` shows what only the host's root should read"),
        (false, true) => format!("lets containers write the host's files in `{source}`"),
        (false, false) => format!("shows containers the host's files in `{source}`"),
    };
    at(keys::CONTAINERS_HOST_BINDS, Some(item), message)
}

fn about_devices(host: &Host) -> Vec<ValueError> {
    let devices = host.devices.iter().enumerate().map(|(item, grant)| {
        let message =
            format!("`{}` is the host's own device; a disk or memory device equals root on the host", grant.path);
        at(keys::CONTAINERS_HOST_DEVICES, Some(item), message)
    });
    let rules = host.device_cgroup_rules.iter().enumerate().map(|(item, rule)| {
        let message = format!("`{rule}` opens devices by number; a disk's equals root on the host");
        at(keys::CONTAINERS_HOST_DEVICE_CGROUP_RULES, Some(item), message)
    });
    devices.chain(rules).collect()
}

fn about_capabilities(host: &Host) -> Vec<ValueError> {
    let mut found: Vec<ValueError> = Vec::new();
    for (item, name) in host.cap_add.iter().enumerate() {
        let equals_root = name == capability::ALL || ROOT_CAPABILITIES.contains(&name.as_str());
        let message = if equals_root {
            format!("`{name}` equals root on the host")
        } else {
            format!("`{name}` is a power that containers do not have by themselves")
        };
        found.push(at(keys::CONTAINERS_HOST_CAP_ADD, Some(item), message));
    }
    let has = |names: &[&str]| host.privileged || host.cap_add.iter().any(|name| names.contains(&name.as_str()));
    if !host.pid.is_empty() && has(&["ALL", "CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]) {
        let message = "the host's processes, together with the capabilities that are granted, equal root on the host";
        found.push(at(keys::CONTAINERS_HOST_PID, None, message));
    } else if !host.pid.is_empty() {
        found.push(at(
            keys::CONTAINERS_HOST_PID,
            None,
            "shows containers every process of the host, and lets root inside end them",
        ));
    }
    if !host.network.is_empty() {
        let message = if has(&["ALL", "CAP_NET_ADMIN"]) {
            "the host's network, together with the capabilities that are granted, lets containers rule it"
        } else {
            "containers reach all that listens on the host, its loopback address included, and listen there themselves"
        };
        found.push(at(keys::CONTAINERS_HOST_NETWORK, None, message));
    }
    found
}

/// Lists of words, of which one is as good as another.
#[expect(clippy::too_many_lines, reason = "one row for each power: a table for people to read")]
fn about_words(host: &Host) -> Vec<ValueError> {
    let is_hook = |pattern: &Pattern| {
        let prefix = pattern.literal_prefix();
        "run.oci.".starts_with(prefix) || "org.systemd.".starts_with(prefix) || prefix.starts_with("run.oci.")
    };
    let rows = [
        (
            !host.device_requests.is_empty(),
            keys::CONTAINERS_HOST_DEVICE_REQUESTS,
            "drivers add the host's devices; CDI specifications also mounts and hooks, which run as the host's root",
        ),
        (!host.ipc.is_empty(), keys::CONTAINERS_HOST_IPC, "lets containers read the shared memory of others"),
        (!host.uts.is_empty(), keys::CONTAINERS_HOST_UTS, "shares the host's name, which `SYS_ADMIN` can change"),
        (
            !host.userns.is_empty(),
            keys::CONTAINERS_HOST_USERNS,
            "switches the remapping of users off: root inside is the host's root in all that it reaches",
        ),
        (!host.cgroupns.is_empty(), keys::CONTAINERS_HOST_CGROUPNS, "shows containers the control groups of the host"),
        (
            !host.cgroup_parent.is_empty(),
            keys::CONTAINERS_HOST_CGROUP_PARENT,
            "takes containers out of the engine's control group, and out of the limits that stand there",
        ),
        (!host.sysctls.is_empty(), keys::CONTAINERS_HOST_SYSCTLS, "lets containers set parameters of the kernel"),
        (
            !host.security_opt.is_empty(),
            keys::CONTAINERS_HOST_SECURITY_OPT,
            "switches protections of the kernel off; one hole in it then equals root on the host",
        ),
        (
            !host.runtime.is_empty(),
            keys::CONTAINERS_HOST_RUNTIME,
            "names a program that the engine runs as root; only those that it was set up for belong here",
        ),
        (
            !host.restart.is_empty(),
            keys::CONTAINERS_HOST_RESTART,
            "containers start again until somebody, or their lifetime, ends them",
        ),
        (
            !host.ulimits.is_empty(),
            keys::CONTAINERS_HOST_ULIMITS,
            "lets containers have more than the engine gives by itself",
        ),
        (
            !host.storage_opt.is_empty(),
            keys::CONTAINERS_HOST_STORAGE_OPT,
            "lets clients change how much disk a container has",
        ),
        (
            !host.volume_drivers.is_empty(),
            keys::CONTAINERS_HOST_VOLUME_DRIVERS,
            "drivers are plugins, which run as the host's root",
        ),
        (!host.group_add.is_empty(), keys::CONTAINERS_HOST_GROUP_ADD, "opens files of mounts to whom their groups do"),
        (
            host.annotations.iter().any(is_hook),
            keys::CONTAINERS_HOST_ANNOTATIONS,
            "some runtimes run hooks by annotations, which equals root on the host",
        ),
        (
            host.extra_hosts.iter().any(|pattern| pattern.as_str().ends_with("host-gateway")),
            keys::CONTAINERS_HOST_EXTRA_HOSTS,
            "names the host itself to containers: its services are a step away",
        ),
    ];
    rows.into_iter().filter(|(applies, ..)| *applies).map(|(_, key, message)| at(key, None, message)).collect()
}

fn about_switches(host: &Host) -> Vec<ValueError> {
    let rows = [
        (
            host.privileged,
            keys::CONTAINERS_HOST_PRIVILEGED,
            "whoever may create a privileged container is root on the host",
        ),
        (
            host.exec_privileged,
            keys::CONTAINERS_HOST_EXEC_PRIVILEGED,
            "a privileged process has every capability, which equals root on the host",
        ),
        (
            host.unmasked_paths,
            keys::CONTAINERS_HOST_UNMASKED_PATHS,
            "opens what the engine hides of /proc and /sys, which comes near to root on the host",
        ),
        (host.scheduling, keys::CONTAINERS_HOST_SCHEDULING, "what one container takes, the host and its others lose"),
        (host.dns, keys::CONTAINERS_HOST_DNS, "a name server of the client's choice is a way for data to leave"),
        (host.links, keys::CONTAINERS_HOST_LINKS, "engines up to 28 show the environment of the linked container"),
        (
            host.addresses,
            keys::CONTAINERS_HOST_ADDRESSES,
            "lets a container take the address of another on networks that it shares",
        ),
    ];
    rows.into_iter().filter(|(applies, ..)| *applies).map(|(_, key, message)| at(key, None, message)).collect()
}

/// Rules for what a container runs, and the ways around them.
fn about_commands(policy: &Policy) -> Vec<ValueError> {
    let containers = &policy.containers;
    let bound = containers.command.is_some() || containers.entrypoint.is_some() || !policy.templates.is_empty();
    let mut found = Vec::new();
    if containers.command.is_some() && containers.entrypoint.is_none() && policy.templates.is_empty() {
        let message = "binds little: `containers.entrypoint` is absent, so a client may set any";
        found.push(at(keys::CONTAINERS_COMMAND, None, message));
    }
    if bound && containers.exec != ExecGrant::None {
        let message = "runs any command in a container, whatever the rules for commands and templates say";
        found.push(at(keys::CONTAINERS_EXEC, None, message));
    }
    found
}

fn at(key: &'static str, item: Option<usize>, message: impl Into<String>) -> ValueError {
    ValueError { key: key.into(), item, message: message.into() }
}

/// Where the host keeps what it runs, whom it trusts, and what the engine owns.
const SYSTEM: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/opt",
    "/proc",
    "/root",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib",
    "/var/spool",
];

/// Capabilities that lead out of a container by themselves.
const ROOT_CAPABILITIES: &[&str] = &[
    "CAP_BPF",
    "CAP_DAC_READ_SEARCH",
    "CAP_MAC_ADMIN",
    "CAP_PERFMON",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_MODULE",
    "CAP_SYS_PTRACE",
    "CAP_SYS_RAWIO",
];
