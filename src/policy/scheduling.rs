//! Judges what one container takes and the others on the host lose: CPU and I/O scheduling, limits of processes, and
//! being started again.
//!
//! Must never let a bound of the policy be stepped over by a value that means unlimited.

use super::compile::{RestartGrant, UlimitGrant};
use super::container_create::ID;
use super::denial::{Denial, shown};
use super::file::keys;
use super::host_path;
use super::judge::Judge;
use super::word;
use crate::operation::model::{HostConfig, RestartPolicy, ThrottleDevice, Ulimit, WeightDevice};

/// Judges the fields that one switch grants, all of them.
pub(super) fn decide(judge: &Judge<'_>, asked: &HostConfig) -> Result<(), Denial> {
    let word = |text: &str| if text.is_empty() { "a value".to_owned() } else { shown(text) };
    let number = |number: i64| format!("`{number}`");
    let fields = [
        ("CpuShares", asked.cpu_shares == 0, number(asked.cpu_shares)),
        ("BlkioWeight", asked.blkio_weight == 0, number(asked.blkio_weight.into())),
        ("BlkioWeightDevice", asked.blkio_weight_device.is_empty(), word("")),
        ("BlkioDeviceReadBps", asked.blkio_device_read_bps.is_empty(), word("")),
        ("BlkioDeviceWriteBps", asked.blkio_device_write_bps.is_empty(), word("")),
        ("BlkioDeviceReadIOps", asked.blkio_device_read_iops.is_empty(), word("")),
        ("BlkioDeviceWriteIOps", asked.blkio_device_write_iops.is_empty(), word("")),
        ("CpuRealtimePeriod", asked.cpu_realtime_period == 0, number(asked.cpu_realtime_period)),
        ("CpuRealtimeRuntime", asked.cpu_realtime_runtime == 0, number(asked.cpu_realtime_runtime)),
        ("CpusetCpus", asked.cpuset_cpus.is_empty(), word(&asked.cpuset_cpus)),
        ("CpusetMems", asked.cpuset_mems.is_empty(), word(&asked.cpuset_mems)),
        ("KernelMemory", asked.kernel_memory == 0, number(asked.kernel_memory)),
        ("KernelMemoryTCP", asked.kernel_memory_tcp == 0, number(asked.kernel_memory_tcp)),
        ("MemorySwappiness", matches!(asked.memory_swappiness, None | Some(-1)), word("")),
        ("OomKillDisable", matches!(asked.oom_kill_disable, None | Some(false)), "`true`".to_owned()),
        ("OomScoreAdj", asked.oom_score_adj == 0, number(asked.oom_score_adj)),
    ];
    let granted = judge.policy.containers.host.scheduling;
    if let Some((field, _, wanted)) = fields.into_iter().find(|(_, neutral, _)| !granted && !neutral) {
        let (place, key) = (format!("HostConfig.{field}"), keys::CONTAINERS_HOST_SCHEDULING);
        return Err(judge.refuse(ID, place, wanted, "no scheduling of the client's own", key));
    }
    sets(judge, "CpusetCpus", &asked.cpuset_cpus)?;
    sets(judge, "CpusetMems", &asked.cpuset_mems)?;
    block_devices(judge, asked)
}

/// Numbers and ranges, as `0-2,4`.
fn sets(judge: &Judge<'_>, field: &str, text: &str) -> Result<(), Denial> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"-,".contains(&b));
    let place = format!("HostConfig.{field}");
    if plain { Ok(()) } else { Err(judge.floor(ID, place, shown(text), "it is numbers and ranges, as `0-2,4`")) }
}

/// The engine looks at the paths of these lists, so a path elsewhere would tell whether it exists.
fn block_devices(judge: &Judge<'_>, asked: &HostConfig) -> Result<(), Denial> {
    let throttled = [
        ("BlkioDeviceReadBps", &asked.blkio_device_read_bps),
        ("BlkioDeviceWriteBps", &asked.blkio_device_write_bps),
        ("BlkioDeviceReadIOps", &asked.blkio_device_read_iops),
        ("BlkioDeviceWriteIOps", &asked.blkio_device_write_iops),
    ];
    let throttled = throttled
        .into_iter()
        .flat_map(|(field, list)| list.iter().map(move |ThrottleDevice { path, rate: _ }| (field, path)));
    let weighted = asked.blkio_weight_device.iter().map(|WeightDevice { path, weight: _ }| ("BlkioWeightDevice", path));
    let elsewhere = |path: &str| !word::is_clean_path(path) || path == "/dev" || !host_path::lies_in(path, "/dev");
    match throttled.chain(weighted).find(|(_, path)| elsewhere(path)) {
        None => Ok(()),
        Some((field, path)) => {
            Err(judge.floor(ID, format!("HostConfig.{field}"), shown(path), "it is a device below /dev"))
        }
    }
}

/// Judges limits of setrlimit(2), by name and, where the policy says one, up to its bound.
pub(super) fn ulimits(judge: &Judge<'_>, ulimits: &[Ulimit]) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.ulimits;
    for (index, Ulimit { name, hard, soft }) in ulimits.iter().enumerate() {
        let within = |most: i64| (0..=most).contains(hard) && (0..=most).contains(soft) && soft <= hard;
        let allows = |grant: &UlimitGrant| grant.name == *name && grant.most.is_none_or(within);
        if granted.iter().any(allows) {
            continue;
        }
        let listed = granted.iter().map(|UlimitGrant { name, most }| match most {
            Some(most) => format!("`{name}={most}`"),
            None => format!("`{name}`"),
        });
        let listed: Vec<String> = listed.collect();
        let allowed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
        let (place, wanted) =
            (format!("HostConfig.Ulimits[{index}]"), format!("{} with {soft} and {hard}", shown(name)));
        return Err(judge.refuse(ID, place, wanted, allowed, keys::CONTAINERS_HOST_ULIMITS));
    }
    Ok(())
}

/// Judges whether the engine starts a container again.
pub(super) fn restart(judge: &Judge<'_>, policy: &RestartPolicy) -> Result<(), Denial> {
    let RestartPolicy { name, maximum_retry_count: count } = policy;
    let count_place = "HostConfig.RestartPolicy.MaximumRetryCount";
    if *count < 0 || (*count > 0 && name != "on-failure") {
        let why = "it is a number from 0, and goes with `on-failure`";
        return Err(judge.floor(ID, count_place, format!("`{count}`"), why));
    }
    let allows = |grant: &RestartGrant| match (grant, name.as_str()) {
        (RestartGrant::Always, "always")
        | (RestartGrant::UnlessStopped, "unless-stopped")
        | (RestartGrant::OnFailure(None), "on-failure") => true,
        (RestartGrant::OnFailure(Some(most)), "on-failure") => (1..=i64::from(*most)).contains(count),
        (RestartGrant::Always | RestartGrant::UnlessStopped | RestartGrant::OnFailure(_), _) => false,
    };
    let granted = &judge.policy.containers.host.restart;
    if ["", "no"].contains(&name.as_str()) || granted.iter().any(allows) {
        return Ok(());
    }
    let counted = granted.iter().any(|grant| matches!(grant, RestartGrant::OnFailure(_))) && name == "on-failure";
    let (place, wanted) =
        if counted { (count_place, format!("`{count}`")) } else { ("HostConfig.RestartPolicy.Name", shown(name)) };
    let listed: Vec<String> = granted.iter().map(in_words).collect();
    let allowed = if listed.is_empty() { "`no`".to_owned() } else { listed.join(", ") };
    Err(judge.refuse(ID, place, wanted, allowed, keys::CONTAINERS_HOST_RESTART))
}

fn in_words(grant: &RestartGrant) -> String {
    match grant {
        RestartGrant::Always => "`always`".to_owned(),
        RestartGrant::UnlessStopped => "`unless-stopped`".to_owned(),
        RestartGrant::OnFailure(None) => "`on-failure`".to_owned(),
        RestartGrant::OnFailure(Some(most)) => format!("`on-failure` with 1 to {most} attempts"),
    }
}
