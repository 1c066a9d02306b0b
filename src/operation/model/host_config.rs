//! `HostConfig` of `ContainerCreate`: everything by which a container touches its host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mount::Mount;
use super::network::PortBinding;
use super::neutral::{is_zero, null_is_zero, null_values_are_zero};
use super::resources::{DeviceMapping, DeviceRequest, ThrottleDevice, Ulimit, WeightDevice};
use super::runtime::{LogConfig, RestartPolicy};
use super::value::{ConsoleSize, StringList, StringMap};

/// What a container may use of its host. A limit of 0 means unlimited, so absence is not harmless there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HostConfig {
    /// Relative weight of CPU time; 0 is 1024.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_shares: i64,
    /// Bytes of memory; 0 is **unlimited**.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub memory: i64,
    /// **Host power**: the control group to live under, outside the engine's own.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cgroup_parent: String,
    /// Relative weight of block I/O, 10 to 1000.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_weight: u16,
    /// Weights of single devices.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_weight_device: Vec<WeightDevice>,
    /// Bytes per second read from a device.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_device_read_bps: Vec<ThrottleDevice>,
    /// Bytes per second written to a device.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_device_write_bps: Vec<ThrottleDevice>,
    /// Reads per second from a device.
    #[serde(rename = "BlkioDeviceReadIOps", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_device_read_iops: Vec<ThrottleDevice>,
    /// Writes per second to a device.
    #[serde(rename = "BlkioDeviceWriteIOps", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_device_write_iops: Vec<ThrottleDevice>,
    /// Microseconds of a scheduler period; excludes `NanoCpus`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_period: i64,
    /// Microseconds of CPU time in a period; 0 and -1 are **unlimited**.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_quota: i64,
    /// **Host power**: microseconds of a realtime period.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_realtime_period: i64,
    /// **Host power**: microseconds of realtime in a period; can starve the host.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_realtime_runtime: i64,
    /// CPUs to run on, such as `0-2,4`; empty is all.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpuset_cpus: String,
    /// NUMA nodes to take memory from; empty is all.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpuset_mems: String,
    /// **Host power**: host devices inside.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub devices: Vec<DeviceMapping>,
    /// **Host power**: device access, such as `c 42:* rmw`. Since 1.28.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub device_cgroup_rules: Vec<String>,
    /// **Host power**: devices by driver. Since 1.40.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub device_requests: Vec<DeviceRequest>,
    /// Bytes of disk; until 1.39, never in force.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub disk_quota: i64,
    /// Bytes of kernel memory; until 1.41 (older engines read it too). Unstable on old kernels.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub kernel_memory: i64,
    /// Bytes of TCP buffers; 1.40 to 1.51.
    #[serde(rename = "KernelMemoryTCP", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub kernel_memory_tcp: i64,
    /// Bytes of soft limit; 0 is none.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub memory_reservation: i64,
    /// Bytes of memory and swap together; 0 is twice `Memory`, -1 is **unlimited** swap.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub memory_swap: i64,
    /// Eagerness to swap, 0 to 100. Neutral: -1 (docker sends it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_swappiness: Option<i64>,
    /// CPUs in units of 10⁻⁹; 0 is **unlimited**. Since 1.25; 1.27 spells it `NanoCPUs`.
    #[serde(
        rename = "NanoCpus",
        alias = "NanoCPUs",
        deserialize_with = "null_is_zero",
        skip_serializing_if = "is_zero"
    )]
    pub nano_cpus: i64,
    /// **Host power**: true keeps processes that the host lacks memory for. Neutral: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oom_kill_disable: Option<bool>,
    /// Processes and threads; `null`, 0 and -1 are **unlimited**.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids_limit: Option<i64>,
    /// Limits of single processes.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ulimits: Vec<Ulimit>,
    /// Windows: number of CPUs.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_count: i64,
    /// Windows: percent of CPU.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_percent: i64,
    /// Windows: operations per second on the system drive.
    #[serde(rename = "IOMaximumIOps", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub io_maximum_iops: u64,
    /// Windows: bytes per second on the system drive.
    #[serde(rename = "IOMaximumBandwidth", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub io_maximum_bandwidth: u64,
    /// **Host power**: `source:target[:options]`, where an absolute source is a host path and any other a volume; a
    /// path alone is an anonymous volume.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub binds: Vec<String>,
    /// **Host power** on Podman: a host file to write the ID to. Docker only stores it.
    #[serde(rename = "ContainerIDFile", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub container_id_file: String,
    /// Where output goes. Neutral: empty `Type`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub log_config: LogConfig,
    /// **Host power**: `host`, `container:…`, a network by name or ID. Neutral: `default`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub network_mode: String,
    /// **Host power**: container port to places on the host; an empty list or `null` is a random port on all addresses.
    #[serde(deserialize_with = "null_values_are_zero", skip_serializing_if = "is_zero")]
    pub port_bindings: BTreeMap<String, Vec<PortBinding>>,
    /// Whether it starts again. Neutral: `no`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub restart_policy: RestartPolicy,
    /// Removes the container when it ends. Since 1.25.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub auto_remove: bool,
    /// **Host power**: driver of volumes that `Binds` creates. Neutral: `local`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub volume_driver: String,
    /// **Host power**: every mount of other containers, `container[:ro]`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub volumes_from: Vec<String>,
    /// **Host power**: mounts in the long spelling. Since 1.25.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub mounts: Vec<Mount>,
    /// First size of the terminal. Neutral: `[0, 0]`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub console_size: ConsoleSize,
    /// **Host power**: handed to the runtime, where some run hooks or set properties. Since 1.43.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub annotations: StringMap,
    /// **Host power**: kernel capabilities, any case, with or without `CAP_`, or `ALL`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cap_add: StringList,
    /// Capabilities to take away.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cap_drop: StringList,
    /// **Host power**: the exact set of capabilities; 1.40 on engine 19.03. `[]` is none at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<StringList>,
    /// **Host power**: `host` shows the host's control groups; empty is the engine's default. Since 1.41.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cgroupns_mode: String,
    /// Addresses of name servers; a way for data to leave.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub dns: Vec<String>,
    /// Options of the resolver.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub dns_options: Vec<String>,
    /// Search domains of the resolver.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub dns_search: Vec<String>,
    /// `name:address` for /etc/hosts. **Host power**: `host-gateway` names the host.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub extra_hosts: Vec<String>,
    /// Further groups of the process, by name or number; opens files of mounts.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub group_add: Vec<String>,
    /// **Host power**: `host`, `container:…`, `shareable`; empty differs by API version. Neutral: `private`, `none`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ipc_mode: String,
    /// **Host power**: `container:…` shares a control group.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cgroup: String,
    /// `container[:alias]`: names, and on engines up to 28 the environment, of another container.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub links: Vec<String>,
    /// **Host power**: below 0 the host kills others first, -1000 to 1000.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub oom_score_adj: i64,
    /// **Host power**: `host` or `container:…` shows and signals other processes.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub pid_mode: String,
    /// **Host power**: all of the host.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub privileged: bool,
    /// **Host power**: every exposed port, the image's too, on a random port of all addresses.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub publish_all_ports: bool,
    /// Takes away writing to the image's files.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub readonly_rootfs: bool,
    /// **Host power**: seccomp, `AppArmor`, `SELinux`, as `key=value` or `key:value`. Only `no-new-privileges` takes away.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub security_opt: Vec<String>,
    /// Options of the storage driver, such as `size`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub storage_opt: StringMap,
    /// Path to mount options in free text: size is unlimited unless written.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub tmpfs: StringMap,
    /// **Host power**: `host` shares the host's name.
    #[serde(rename = "UTSMode", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub uts_mode: String,
    /// **Host power**: `host` turns the remapping of users off.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub userns_mode: String,
    /// Bytes of /dev/shm; 0 is the engine's default, 64 MiB.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub shm_size: i64,
    /// **Host power**: kernel parameters, those of namespaces.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub sysctls: StringMap,
    /// **Host power**: the program that makes containers; any `a.b` names a program on the engine's path.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub runtime: String,
    /// Runs a small init as first process; absent is the engine's setting. Since 1.25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
    /// Windows: how containers are kept apart. Neutral: `default`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub isolation: String,
    /// **Host power**: hidden paths; `null` is the default set, `[]` hides **nothing**. Since 1.38.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked_paths: Option<Vec<String>>,
    /// **Host power**: read-only paths; `null` is the default set, `[]` protects **nothing**. Since 1.38.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readonly_paths: Option<Vec<String>>,
    /// First umask of the process, as a decimal number; 0 is a value. Since 1.56.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub umask: Option<u32>,
}
