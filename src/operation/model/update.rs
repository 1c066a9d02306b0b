//! Body of `ContainerUpdate`: the limits and the restart policy of a container that exists.

use serde::{Deserialize, Serialize};

use super::host_config::HostConfig;
use super::neutral::{is_zero, null_is_zero};
use super::resources::{DeviceMapping, DeviceRequest, ThrottleDevice, Ulimit, WeightDevice};
use super::runtime::RestartPolicy;

/// Body of `ContainerUpdate`, `POST /containers/{id}/update`. What is zero or absent stays as it is, except
/// `PidsLimit`, which the engine can tell from absent: 0 and -1 lift it. The fields mean what they mean in
/// [`HostConfig`]; engines read only some of them here.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerUpdateBody {
    /// Relative weight of CPU time.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_shares: i64,
    /// Bytes of memory.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub memory: i64,
    /// **Host power**: the control group to live under; engines ignore it here.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cgroup_parent: String,
    /// Relative weight of block I/O, 10 to 1000.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_weight: u16,
    /// Weights of single devices; read since 1.55.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_weight_device: Vec<WeightDevice>,
    /// Bytes per second read from a device; read since 1.55.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_device_read_bps: Vec<ThrottleDevice>,
    /// Bytes per second written to a device; read since 1.55.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_device_write_bps: Vec<ThrottleDevice>,
    /// Reads per second from a device; read since 1.55.
    #[serde(rename = "BlkioDeviceReadIOps", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_device_read_iops: Vec<ThrottleDevice>,
    /// Writes per second to a device; read since 1.55.
    #[serde(rename = "BlkioDeviceWriteIOps", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub blkio_device_write_iops: Vec<ThrottleDevice>,
    /// Microseconds of a scheduler period; alone it changes what a quota is worth.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_period: i64,
    /// Microseconds of CPU time in a period; -1 is **unlimited**.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_quota: i64,
    /// **Host power**: microseconds of a realtime period.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_realtime_period: i64,
    /// **Host power**: microseconds of realtime in a period.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_realtime_runtime: i64,
    /// CPUs to run on.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpuset_cpus: String,
    /// NUMA nodes to take memory from.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpuset_mems: String,
    /// **Host power**: host devices; engines ignore them here.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub devices: Vec<DeviceMapping>,
    /// **Host power**: device access; engines ignore it here.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub device_cgroup_rules: Vec<String>,
    /// **Host power**: devices by driver; engines ignore them here.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub device_requests: Vec<DeviceRequest>,
    /// Bytes of disk; until 1.39, never in force.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub disk_quota: i64,
    /// Bytes of kernel memory; until 1.41.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub kernel_memory: i64,
    /// Bytes of TCP buffers; 1.40 to 1.51.
    #[serde(rename = "KernelMemoryTCP", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub kernel_memory_tcp: i64,
    /// Bytes of memory that are left when the host is short of it.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub memory_reservation: i64,
    /// Bytes of memory and swap together; -1 is **unlimited**.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub memory_swap: i64,
    /// 0 to 100; -1 is the engine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_swappiness: Option<i64>,
    /// Billionths of a CPU; 1.27 spells it `NanoCPUs`.
    #[serde(alias = "NanoCPUs", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub nano_cpus: i64,
    /// Spares the container when memory is out; engines ignore it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oom_kill_disable: Option<bool>,
    /// Runs a small init; engines ignore it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
    /// Processes; 0 and -1 are **unlimited**, absent stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids_limit: Option<i64>,
    /// Limits of setrlimit(2); engines ignore them here.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ulimits: Vec<Ulimit>,
    /// Windows: processors.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_count: i64,
    /// Windows: a share of all processors.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cpu_percent: i64,
    /// Windows: operations a second.
    #[serde(rename = "IOMaximumIOps", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub io_maximum_iops: u64,
    /// Windows: bytes a second.
    #[serde(rename = "IOMaximumBandwidth", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub io_maximum_bandwidth: u64,
    /// Whether it starts again; an empty name stays as it is, `no` switches it off.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub restart_policy: RestartPolicy,
}

impl From<ContainerUpdateBody> for HostConfig {
    /// The same fields of a create.
    #[expect(
        clippy::too_many_lines,
        reason = "one line a field, twice, so that a new one does not compile until it is here"
    )]
    fn from(body: ContainerUpdateBody) -> Self {
        let ContainerUpdateBody {
            cpu_shares,
            memory,
            cgroup_parent,
            blkio_weight,
            blkio_weight_device,
            blkio_device_read_bps,
            blkio_device_write_bps,
            blkio_device_read_iops,
            blkio_device_write_iops,
            cpu_period,
            cpu_quota,
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
            memory_reservation,
            memory_swap,
            memory_swappiness,
            nano_cpus,
            oom_kill_disable,
            init,
            pids_limit,
            ulimits,
            cpu_count,
            cpu_percent,
            io_maximum_iops,
            io_maximum_bandwidth,
            restart_policy,
        } = body;
        Self {
            cpu_shares,
            memory,
            cgroup_parent,
            blkio_weight,
            blkio_weight_device,
            blkio_device_read_bps,
            blkio_device_write_bps,
            blkio_device_read_iops,
            blkio_device_write_iops,
            cpu_period,
            cpu_quota,
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
            memory_reservation,
            memory_swap,
            memory_swappiness,
            nano_cpus,
            oom_kill_disable,
            init,
            pids_limit,
            ulimits,
            cpu_count,
            cpu_percent,
            io_maximum_iops,
            io_maximum_bandwidth,
            restart_policy,
            ..Self::default()
        }
    }
}
