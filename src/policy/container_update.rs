//! Judges updates: the limits and the restart policy of a container that exists.
//!
//! Each value is judged as at create. What is not asked for stays as it is, so nothing is injected; the engine reads 0
//! and -1 of some fields as unlimited, and that is more than any limit. Must never let a single field change what
//! another one is worth.

use std::collections::BTreeMap;

use super::denial::Denial;
use super::facts::{EngineFacts, Fact, FactQuery, Facts, NetworkFacts};
use super::host_config::{self, Create};
use super::judge::Judge;
use super::publish::Published;
use crate::operation::model::{ContainerUpdateBody, HostConfig, NetworkingConfig, RestartPolicy};

/// The update as the engine gets it.
pub(super) fn decide(
    judge: &Judge<'_>,
    asked: &ContainerUpdateBody,
    engine: EngineFacts,
) -> Result<ContainerUpdateBody, Denial> {
    let as_created = HostConfig {
        // a create reads 0 as not said; here it lifts the limit, as -1 does
        pids_limit: asked
            .pids_limit
            .map(|pids| pids.max(UNLIMITED))
            .map(|pids| if pids == 0 { UNLIMITED } else { pids }),
        network_mode: NO_NETWORK.to_owned(),
        ..HostConfig::from(asked.clone())
    };
    let create = Create { published: Published { bindings: BTreeMap::new() }, facts: &without_networks(engine) };
    let (judged, _, _) = host_config::decide(judge, as_created, NetworkingConfig::default(), create)
        .map_err(|denial| denial.about(ID).below(HOST_CONFIG))?;
    Ok(written(asked, judged))
}

/// Of what was judged only what was asked for.
fn written(asked: &ContainerUpdateBody, judged: HostConfig) -> ContainerUpdateBody {
    let said = |asked: i64, judged: i64| if asked == 0 { 0 } else { judged };
    let quota = said(asked.cpu_quota, judged.cpu_quota);
    ContainerUpdateBody {
        memory: said(asked.memory, judged.memory),
        memory_swap: memory_swap(asked, judged.memory_swap),
        memory_reservation: said(asked.memory_reservation, judged.memory_reservation),
        nano_cpus: said(asked.nano_cpus, judged.nano_cpus),
        cpu_quota: quota,
        // a quota is worth what its period makes of it, and the one that the container has is not known
        cpu_period: if quota != 0 && judged.cpu_period == 0 { USUAL_PERIOD } else { judged.cpu_period },
        pids_limit: asked.pids_limit.and(judged.pids_limit),
        restart_policy: restart_policy(&asked.restart_policy, judged.restart_policy),
        cpu_shares: judged.cpu_shares,
        cgroup_parent: judged.cgroup_parent,
        blkio_weight: judged.blkio_weight,
        blkio_weight_device: judged.blkio_weight_device,
        blkio_device_read_bps: judged.blkio_device_read_bps,
        blkio_device_write_bps: judged.blkio_device_write_bps,
        blkio_device_read_iops: judged.blkio_device_read_iops,
        blkio_device_write_iops: judged.blkio_device_write_iops,
        cpu_realtime_period: judged.cpu_realtime_period,
        cpu_realtime_runtime: judged.cpu_realtime_runtime,
        cpuset_cpus: judged.cpuset_cpus,
        cpuset_mems: judged.cpuset_mems,
        devices: judged.devices,
        device_cgroup_rules: judged.device_cgroup_rules,
        device_requests: judged.device_requests,
        disk_quota: judged.disk_quota,
        kernel_memory: judged.kernel_memory,
        kernel_memory_tcp: judged.kernel_memory_tcp,
        memory_swappiness: judged.memory_swappiness,
        oom_kill_disable: judged.oom_kill_disable,
        init: judged.init,
        ulimits: judged.ulimits,
        cpu_count: judged.cpu_count,
        cpu_percent: judged.cpu_percent,
        io_maximum_iops: judged.io_maximum_iops,
        io_maximum_bandwidth: judged.io_maximum_bandwidth,
    }
}

/// Beside a new memory it is written as at create. Alone it is bounded by the limit on both together.
fn memory_swap(asked: &ContainerUpdateBody, judged: i64) -> i64 {
    match (asked.memory, asked.memory_swap) {
        (0, 0) => 0,
        (0, swap) if swap > 0 => swap.min(judged),
        (_, _) => judged,
    }
}

/// An empty name leaves it as it is; switching it off takes power away.
fn restart_policy(asked: &RestartPolicy, judged: RestartPolicy) -> RestartPolicy {
    match asked.name.as_str() {
        "" => RestartPolicy::default(),
        "no" => RestartPolicy { name: "no".to_owned(), maximum_retry_count: 0 },
        _ => judged,
    }
}

/// An update has no networks to judge: it is judged as a create that joins none.
fn without_networks(engine: EngineFacts) -> Facts {
    let none = NetworkFacts { name: NO_NETWORK.to_owned(), driver: "null".to_owned(), ..NetworkFacts::default() };
    let mut facts = Facts::default();
    facts.insert(FactQuery::Engine, Fact::Engine(engine));
    facts.insert(FactQuery::Network(NO_NETWORK.to_owned()), Fact::Network(Some(Box::new(none))));
    facts
}

const ID: &str = "ContainerUpdate";

const HOST_CONFIG: &str = "HostConfig.";

const NO_NETWORK: &str = "none";

const UNLIMITED: i64 = -1;

/// Microseconds: the kernel's own, where nothing is said.
const USUAL_PERIOD: i64 = 100_000;
