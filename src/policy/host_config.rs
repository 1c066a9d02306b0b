//! Judges HostConfig: everything by which a container touches its host.
//!
//! Each field has one line. Options that only take power away pass; what has a policy key names it; the rest is neutral
//! or refused. Must never read a value by its looks where it stands for something else: an empty list of masked paths
//! unmasks everything.

use super::container_create::ID;
use super::denial::{Denial, shown};
use super::facts::Facts;
use super::file::keys;
use super::judge::Judge;
use super::publish::Published;
use super::{limits, mounts, networking};
use crate::operation::model::{HostConfig, NetworkingConfig, RestartPolicy, StringList};

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
    let refuse = |neutral: bool, field: &str, wanted: String, key| {
        if neutral { Ok(()) } else { Err(judge.not_yet(ID, format!("HostConfig.{field}"), wanted, key)) }
    };
    let word = |text: &str| if text.is_empty() { "a value".to_owned() } else { shown(text) };
    let first = |list: &[String]| list.first().map_or_else(String::new, |text| shown(text));

    // scheduling: what one container takes, the others on the host lose
    let scheduling = keys::CONTAINERS_HOST_SCHEDULING;
    refuse(cpu_shares == 0, "CpuShares", format!("`{cpu_shares}`"), scheduling)?;
    refuse(blkio_weight == 0, "BlkioWeight", format!("`{blkio_weight}`"), scheduling)?;
    refuse(blkio_weight_device.is_empty(), "BlkioWeightDevice", word(""), scheduling)?;
    refuse(blkio_device_read_bps.is_empty(), "BlkioDeviceReadBps", word(""), scheduling)?;
    refuse(blkio_device_write_bps.is_empty(), "BlkioDeviceWriteBps", word(""), scheduling)?;
    refuse(blkio_device_read_iops.is_empty(), "BlkioDeviceReadIOps", word(""), scheduling)?;
    refuse(blkio_device_write_iops.is_empty(), "BlkioDeviceWriteIOps", word(""), scheduling)?;
    refuse(cpu_realtime_period == 0, "CpuRealtimePeriod", word(""), scheduling)?;
    refuse(cpu_realtime_runtime == 0, "CpuRealtimeRuntime", word(""), scheduling)?;
    refuse(cpuset_cpus.is_empty(), "CpusetCpus", word(&cpuset_cpus), scheduling)?;
    refuse(cpuset_mems.is_empty(), "CpusetMems", word(&cpuset_mems), scheduling)?;
    refuse(kernel_memory == 0, "KernelMemory", format!("`{kernel_memory}`"), scheduling)?;
    refuse(kernel_memory_tcp == 0, "KernelMemoryTCP", format!("`{kernel_memory_tcp}`"), scheduling)?;
    refuse(matches!(memory_swappiness, None | Some(-1)), "MemorySwappiness", word(""), scheduling)?;
    refuse(matches!(oom_kill_disable, None | Some(false)), "OomKillDisable", "`true`".to_owned(), scheduling)?;
    refuse(oom_score_adj == 0, "OomScoreAdj", format!("`{oom_score_adj}`"), scheduling)?;
    refuse(ulimits.is_empty(), "Ulimits", word(""), keys::CONTAINERS_HOST_ULIMITS)?;

    // Windows, and what engines no longer know
    windows_only(judge, "DiskQuota", disk_quota == 0)?;
    windows_only(judge, "CpuCount", cpu_count == 0)?;
    windows_only(judge, "CpuPercent", cpu_percent == 0)?;
    windows_only(judge, "IOMaximumIOps", io_maximum_iops == 0)?;
    windows_only(judge, "IOMaximumBandwidth", io_maximum_bandwidth == 0)?;
    windows_only(judge, "Isolation", ["", "default"].contains(&isolation.as_str()))?;
    windows_only(judge, "ContainerIDFile", container_id_file.is_empty())?;

    // devices, capabilities and the kernel's protections
    let capability = keys::CONTAINERS_HOST_CAP_ADD;
    refuse(devices.is_empty(), "Devices", word(""), keys::CONTAINERS_HOST_DEVICES)?;
    let rules = keys::CONTAINERS_HOST_DEVICE_CGROUP_RULES;
    refuse(device_cgroup_rules.is_empty(), "DeviceCgroupRules", first(&device_cgroup_rules), rules)?;
    refuse(device_requests.is_empty(), "DeviceRequests", word(""), keys::CONTAINERS_HOST_DEVICE_REQUESTS)?;
    refuse(cap_add.0.is_empty(), "CapAdd", first(&cap_add.0), capability)?;
    refuse(capabilities.is_none(), "Capabilities", word(""), capability)?;
    capability_names(judge, &cap_drop)?;
    refuse(!privileged, "Privileged", "`true`".to_owned(), keys::CONTAINERS_HOST_PRIVILEGED)?;
    let kept: Vec<String> = security_options(judge, security_opt)?;
    refuse(masked_paths.is_none(), "MaskedPaths", word(""), keys::CONTAINERS_HOST_UNMASKED_PATHS)?;
    refuse(readonly_paths.is_none(), "ReadonlyPaths", word(""), keys::CONTAINERS_HOST_UNMASKED_PATHS)?;
    refuse(sysctls.0.is_empty(), "Sysctls", keys_of(&sysctls.0), keys::CONTAINERS_HOST_SYSCTLS)?;
    refuse(runtime.is_empty(), "Runtime", word(&runtime), keys::CONTAINERS_HOST_RUNTIME)?;
    refuse(annotations.0.is_empty(), "Annotations", keys_of(&annotations.0), keys::CONTAINERS_HOST_ANNOTATIONS)?;
    refuse(group_add.is_empty(), "GroupAdd", first(&group_add), keys::CONTAINERS_HOST_GROUP_ADD)?;

    // namespaces of the host, or of other containers
    refuse(pid_mode.is_empty(), "PidMode", word(&pid_mode), keys::CONTAINERS_HOST_PID)?;
    let own_ipc = ["", "private", "none"].contains(&ipc_mode.as_str());
    refuse(own_ipc, "IpcMode", word(&ipc_mode), keys::CONTAINERS_HOST_IPC)?;
    refuse(uts_mode.is_empty(), "UTSMode", word(&uts_mode), keys::CONTAINERS_HOST_UTS)?;
    refuse(userns_mode.is_empty(), "UsernsMode", word(&userns_mode), keys::CONTAINERS_HOST_USERNS)?;
    let own_cgroup = ["", "private"].contains(&cgroupns_mode.as_str());
    refuse(own_cgroup, "CgroupnsMode", word(&cgroupns_mode), keys::CONTAINERS_HOST_CGROUPNS)?;
    refuse(cgroup_parent.is_empty(), "CgroupParent", word(&cgroup_parent), keys::CONTAINERS_HOST_CGROUP_PARENT)?;
    refuse(cgroup.is_empty(), "Cgroup", word(&cgroup), keys::CONTAINERS_HOST_CGROUPNS)?;

    // names and addresses beyond the container
    refuse(dns.is_empty(), "Dns", first(&dns), keys::CONTAINERS_HOST_DNS)?;
    refuse(dns_options.is_empty(), "DnsOptions", first(&dns_options), keys::CONTAINERS_HOST_DNS)?;
    refuse(dns_search.is_empty(), "DnsSearch", first(&dns_search), keys::CONTAINERS_HOST_DNS)?;
    refuse(extra_hosts.is_empty(), "ExtraHosts", first(&extra_hosts), keys::CONTAINERS_HOST_EXTRA_HOSTS)?;
    refuse(links.is_empty(), "Links", first(&links), keys::CONTAINERS_HOST_LINKS)?;

    // storage
    mounts::binds(judge, &binds, facts)?;
    let mounts = mounts::mounts(judge, mounts, facts)?;
    mounts::tmpfs(judge, &tmpfs)?;
    let local_driver = ["", "local"].contains(&volume_driver.as_str());
    refuse(local_driver, "VolumeDriver", word(&volume_driver), keys::CONTAINERS_HOST_VOLUME_DRIVERS)?;
    refuse(volumes_from.is_empty(), "VolumesFrom", first(&volumes_from), keys::VOLUMES_CREATE)?;
    refuse(storage_opt.0.is_empty(), "StorageOpt", keys_of(&storage_opt.0), keys::CONTAINERS_HOST_STORAGE_OPT)?;

    let RestartPolicy { name, maximum_retry_count } = &restart_policy;
    let restart = keys::CONTAINERS_HOST_RESTART;
    refuse(["", "no"].contains(&name.as_str()), "RestartPolicy.Name", word(name), restart)?;
    let retries = format!("`{maximum_retry_count}`");
    refuse(*maximum_retry_count == 0, "RestartPolicy.MaximumRetryCount", retries, restart)?;
    let plain_umask = umask.is_none_or(|mask| mask <= 0o777);
    refuse(plain_umask, "Umask", word(""), keys::CONTAINERS_HOST_SECURITY_OPT)?;

    let joined = networking::decide(judge, &network_mode, networking_config, facts)?;
    let written = HostConfig {
        binds,
        network_mode: joined.network_mode,
        port_bindings: published.bindings,
        auto_remove,
        mounts,
        console_size,
        cap_drop,
        // the default depends on the client's API version: until 1.39 it was shareable
        ipc_mode: if ipc_mode.is_empty() { "private".to_owned() } else { ipc_mode },
        // until API 1.40 the default was the host's even where the engine's own is private
        cgroupns_mode: if engine.cgroup_version == "2" { "private".to_owned() } else { cgroupns_mode },
        readonly_rootfs,
        security_opt: kept,
        tmpfs,
        init,
        umask,
        ..resources
    };
    Ok((written, joined.networking_config, joined.connect))
}

/// Only what takes power away: `no-new-privileges`, in its three spellings.
fn security_options(judge: &Judge<'_>, options: Vec<String>) -> Result<Vec<String>, Denial> {
    let harmless = ["no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"];
    match options.iter().position(|option| !harmless.contains(&option.as_str())) {
        None => Ok(options),
        Some(index) => {
            let wanted = options.get(index).map_or_else(String::new, |option| shown(option));
            let place = format!("HostConfig.SecurityOpt[{index}]");
            Err(judge.not_yet(ID, place, wanted, keys::CONTAINERS_HOST_SECURITY_OPT))
        }
    }
}

/// Dropping takes power away, but only of capabilities that have a name.
fn capability_names(judge: &Judge<'_>, StringList(names): &StringList) -> Result<(), Denial> {
    let plain = |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    match names.iter().find(|name| !plain(name)) {
        None => Ok(()),
        Some(name) => Err(judge.floor(ID, "HostConfig.CapDrop", shown(name), "it is no capability")),
    }
}

fn windows_only(judge: &Judge<'_>, field: &str, neutral: bool) -> Result<(), Denial> {
    let why = "engines on Linux do not know it";
    if neutral { Ok(()) } else { Err(judge.floor(ID, format!("HostConfig.{field}"), "a value", why)) }
}

fn keys_of(map: &std::collections::BTreeMap<String, String>) -> String {
    map.keys().next().map_or_else(String::new, |key| shown(key))
}
