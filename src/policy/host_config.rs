//! Judges HostConfig: everything by which a container touches its host.
//!
//! Each field has its line, and each group of powers its own room: devices, the kernel's protections, namespaces, names,
//! scheduling, storage. Options that only take power away pass; what has a policy key names it; the rest is neutral or
//! refused. Must never read a value by its looks where it stands for something else: an empty list of masked paths
//! unmasks everything.

use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::facts::Facts;
use super::file::keys;
use super::judge::Judge;
use super::namespaces::Mode;
use super::publish::Published;
use super::{devices, kernel, limits, mounts, names, namespaces, networking, scheduling};
use crate::operation::model::{HostConfig, NetworkingConfig, RestartPolicy};

/// What was judged before, and what is known.
pub(super) struct Create<'f> {
    pub(super) published: Published,
    pub(super) facts: &'f Facts,
}

/// Judges the two parts that belong together; gives them as the engine gets them, and the further networks to join.
#[expect(clippy::too_many_lines, reason = "one line a field: the whole of it has to be seen in one place")]
pub(super) fn decide(
    judge: &Judge<'_>,
    host_config: HostConfig,
    networking_config: NetworkingConfig,
    create: Create<'_>,
) -> Result<(HostConfig, NetworkingConfig, Vec<String>), Denial> {
    let Create { published, facts } = create;
    let engine = facts.engine();
    let resources = limits::decide(judge, &host_config, &engine)?;
    scheduling::decide(judge, &host_config)?;
    scheduling::ulimits(judge, &host_config.ulimits)?;
    let HostConfig {
        cpu_shares,
        memory: _,
        cgroup_parent,
        blkio_weight,
        blkio_weight_device,
        blkio_device_read_bps,
        blkio_device_write_bps,
        blkio_device_read_iops,
        blkio_device_write_iops,
        cpu_period: _,
        cpu_quota: _,
        cpu_realtime_period,
        cpu_realtime_runtime,
        cpuset_cpus,
        cpuset_mems,
        devices,
        device_cgroup_rules,
        device_requests,
        disk_quota,
        kernel_memory,
        kernel_memory_tcp,
        memory_reservation: _,
        memory_swap: _,
        memory_swappiness,
        nano_cpus: _,
        oom_kill_disable,
        pids_limit: _,
        ulimits,
        cpu_count,
        cpu_percent,
        io_maximum_iops,
        io_maximum_bandwidth,
        binds,
        container_id_file,
        log_config: _,
        network_mode,
        port_bindings: _,
        restart_policy,
        auto_remove,
        volume_driver,
        volumes_from,
        mounts,
        console_size,
        annotations,
        cap_add,
        cap_drop,
        capabilities,
        cgroupns_mode,
        dns,
        dns_options,
        dns_search,
        extra_hosts,
        group_add,
        ipc_mode,
        cgroup,
        links,
        oom_score_adj,
        pid_mode,
        privileged,
        publish_all_ports: _,
        readonly_rootfs,
        security_opt,
        storage_opt,
        tmpfs,
        uts_mode,
        userns_mode,
        shm_size: _,
        sysctls,
        runtime,
        init,
        isolation,
        masked_paths,
        readonly_paths,
        umask,
    } = host_config;
    // Windows, and what engines no longer know
    windows_only(judge, "DiskQuota", disk_quota == 0)?;
    windows_only(judge, "CpuCount", cpu_count == 0)?;
    windows_only(judge, "CpuPercent", cpu_percent == 0)?;
    windows_only(judge, "IOMaximumIOps", io_maximum_iops == 0)?;
    windows_only(judge, "IOMaximumBandwidth", io_maximum_bandwidth == 0)?;
    windows_only(judge, "Isolation", ["", "default"].contains(&isolation.as_str()))?;
    windows_only(judge, "ContainerIDFile", container_id_file.is_empty())?;

    // devices, capabilities and the kernel's protections
    let devices = devices::mapped(judge, devices)?;
    devices::rules(judge, &device_cgroup_rules)?;
    devices::requests(judge, &device_requests)?;
    let cap_add = kernel::cap_add(judge, &cap_add)?;
    let exact_set = capabilities.is_none();
    let why = "an exact set is for engines before 20.10; use CapAdd and CapDrop";
    neutral(judge, "Capabilities", exact_set, why)?;
    kernel::cap_drop(judge, &cap_drop)?;
    if privileged && !judge.policy.containers.host.privileged {
        let key = keys::CONTAINERS_HOST_PRIVILEGED;
        return Err(judge.refuse(ID, "HostConfig.Privileged", "`true`", "no privileged container", key));
    }
    let security_opt = kernel::security_options(judge, security_opt)?;
    kernel::paths(judge, "MaskedPaths", masked_paths.as_ref())?;
    kernel::paths(judge, "ReadonlyPaths", readonly_paths.as_ref())?;
    kernel::sysctls(judge, &sysctls)?;
    kernel::runtime(judge, &runtime)?;
    kernel::annotations(judge, &annotations)?;
    kernel::groups(judge, &group_add)?;
    neutral(judge, "Umask", umask.is_none_or(|mask| mask <= 0o777), "it is permission bits")?;

    // namespaces of the host, or of other containers
    let host = &judge.policy.containers.host;
    let mode =
        |field, mode, free, granted, key, shares| Mode { field, mode, free, granted, key, shares }.decide(judge, facts);
    let pid_mode = mode("PidMode", &pid_mode, &[""], &host.pid, keys::CONTAINERS_HOST_PID, true)?;
    let own_ipc = &["", "private", "none"];
    let ipc_mode = mode("IpcMode", &ipc_mode, own_ipc, &host.ipc, keys::CONTAINERS_HOST_IPC, true)?;
    let uts_mode = mode("UTSMode", &uts_mode, &[""], &host.uts, keys::CONTAINERS_HOST_UTS, false)?;
    let userns_mode = mode("UsernsMode", &userns_mode, &[""], &host.userns, keys::CONTAINERS_HOST_USERNS, false)?;
    let (cgroupns, own_cgroup) = (keys::CONTAINERS_HOST_CGROUPNS, &["", "private"]);
    let cgroupns_mode = mode("CgroupnsMode", &cgroupns_mode, own_cgroup, &host.cgroupns, cgroupns, false)?;
    granted_cgroup_parent(judge, &cgroup_parent)?;
    neutral(judge, "Cgroup", cgroup.is_empty(), "engines do not share control groups; use CgroupParent")?;

    // names and addresses beyond the container
    names::dns(judge, &dns, &dns_options, &dns_search)?;
    names::extra_hosts(judge, &extra_hosts)?;
    let links = names::links(judge, "HostConfig.Links", &links, facts)?;

    // storage
    let (binds, bound) = mounts::binds(judge, binds, facts)?;
    let mounts = bound.into_iter().chain(mounts::mounts(judge, mounts, facts)?).collect();
    mounts::tmpfs(judge, &tmpfs)?;
    mounts::volume_driver(judge, "HostConfig.VolumeDriver", &volume_driver)?;
    let volumes_from = namespaces::volumes_from(judge, &volumes_from, facts)?;
    kernel::storage_options(judge, &storage_opt)?;
    scheduling::restart(judge, &restart_policy)?;

    let joined = networking::decide(judge, &network_mode, networking_config, facts)?;
    let written = HostConfig {
        cpu_shares,
        cgroup_parent,
        blkio_weight,
        blkio_weight_device,
        blkio_device_read_bps,
        blkio_device_write_bps,
        blkio_device_read_iops,
        blkio_device_write_iops,
        cpu_realtime_period,
        cpu_realtime_runtime,
        cpuset_cpus,
        cpuset_mems,
        devices,
        device_cgroup_rules,
        device_requests,
        kernel_memory,
        kernel_memory_tcp,
        memory_swappiness: memory_swappiness.filter(|eagerness| *eagerness != -1),
        oom_kill_disable: oom_kill_disable.filter(|disabled| *disabled),
        ulimits,
        binds,
        network_mode: joined.network_mode,
        port_bindings: published.bindings,
        restart_policy: if restart_policy.name == "no" { RestartPolicy::default() } else { restart_policy },
        auto_remove,
        volume_driver: if volume_driver == "local" { String::new() } else { volume_driver },
        volumes_from,
        mounts,
        console_size,
        annotations,
        cap_add,
        cap_drop,
        // until API 1.40 the default was the host's even where the engine's own is private
        cgroupns_mode: if cgroupns_mode.is_empty() && engine.cgroup_version == "2" {
            "private".to_owned()
        } else {
            cgroupns_mode
        },
        dns,
        dns_options,
        dns_search,
        extra_hosts,
        group_add,
        // the default depends on the client's API version: until 1.39 it was shareable
        ipc_mode: if ipc_mode.is_empty() { "private".to_owned() } else { ipc_mode },
        links,
        oom_score_adj,
        pid_mode,
        privileged,
        readonly_rootfs,
        security_opt,
        storage_opt,
        tmpfs,
        uts_mode,
        userns_mode,
        sysctls,
        runtime,
        init,
        masked_paths,
        readonly_paths,
        umask,
        ..resources
    };
    Ok((written, joined.networking_config, joined.connect))
}

/// The control group that a container lives under, each as the policy writes it.
fn granted_cgroup_parent(judge: &Judge<'_>, parent: &str) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.cgroup_parent;
    if parent.is_empty() || granted.iter().any(|name| name == parent) {
        return Ok(());
    }
    let allowed = patterns(granted.iter().map(String::as_str));
    Err(judge.refuse(ID, "HostConfig.CgroupParent", shown(parent), allowed, keys::CONTAINERS_HOST_CGROUP_PARENT))
}

fn windows_only(judge: &Judge<'_>, field: &str, is_neutral: bool) -> Result<(), Denial> {
    neutral(judge, field, is_neutral, "engines on Linux do not know it")
}

fn neutral(judge: &Judge<'_>, field: &str, is_neutral: bool, why: &str) -> Result<(), Denial> {
    if is_neutral { Ok(()) } else { Err(judge.floor(ID, format!("HostConfig.{field}"), "a value", why)) }
}
