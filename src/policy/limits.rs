//! Judges resource limits: injected where the client asks for nothing, refused or clamped where it asks for more.
//!
//! For the engine, zero, minus one and absent all mean unlimited, so a limit is written and not only checked. Must
//! never write a limit that the engine would refuse: it is capped by what the engine has, and left out where `/info`
//! says that it cannot be enforced.

use super::compile::{Limit, LogLimit, Over};
use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::facts::EngineFacts;
use super::file::keys;
use super::judge::Judge;
use crate::operation::model::{HostConfig, LogConfig, StringMap};

/// One asked-for amount of one limited resource.
struct Asked<'a> {
    place: &'static str,
    key: &'static str,
    /// What the client asks for; zero asks for nothing.
    value: i64,
    limit: Limit<i64>,
    judge: &'a Judge<'a>,
}

/// The resource fields of HostConfig as the engine gets them; every other field is its default.
pub(super) fn decide(judge: &Judge<'_>, asked: &HostConfig, engine: &EngineFacts) -> Result<HostConfig, Denial> {
    let limits = &judge.policy.containers.limits;
    required(judge, engine)?;
    let memory = memory(judge, asked, engine)?;
    let (nano_cpus, cpu_quota, cpu_period) = cpus(judge, asked, engine)?;
    let pids = Asked {
        place: "HostConfig.PidsLimit",
        key: keys::CONTAINERS_LIMITS_PIDS,
        value: asked.pids_limit.unwrap_or(0),
        limit: limits.pids,
        judge,
    };
    let pids = pids.decide()?;
    let shm = Asked {
        place: "HostConfig.ShmSize",
        key: keys::CONTAINERS_LIMITS_SHM,
        value: asked.shm_size,
        limit: in_i64(limits.shm),
        judge,
    };
    Ok(HostConfig {
        memory,
        memory_reservation: reservation(judge, asked.memory_reservation, memory, engine)?,
        memory_swap: swap(judge, asked.memory_swap, memory, engine)?,
        nano_cpus,
        cpu_quota,
        cpu_period,
        pids_limit: (pids != 0 && engine.pids_limit).then_some(pids),
        shm_size: shm.decide()?,
        log_config: log(judge, &asked.log_config, engine)?,
        ..HostConfig::default()
    })
}

/// `required = true` refuses an engine that cannot enforce.
fn required(judge: &Judge<'_>, engine: &EngineFacts) -> Result<(), Denial> {
    let limits = &judge.policy.containers.limits;
    let can = [
        (matches!(limits.memory, Limit::At(_)), engine.memory_limit, "memory"),
        (matches!(limits.cpus, Limit::At(_)), engine.cpu_limit, "CPU"),
        (matches!(limits.pids, Limit::At(_)), engine.pids_limit, "process"),
    ];
    match can.iter().find(|(wanted, can, _)| limits.required && *wanted && !can) {
        None => Ok(()),
        Some((_, _, what)) => {
            let wanted = format!("the engine cannot enforce {what} limits");
            Err(judge.refuse(ID, "", wanted, "no container without them", keys::CONTAINERS_LIMITS_REQUIRED))
        }
    }
}

fn memory(judge: &Judge<'_>, asked: &HostConfig, engine: &EngineFacts) -> Result<i64, Denial> {
    let limit = in_i64(judge.policy.containers.limits.memory);
    let key = keys::CONTAINERS_LIMITS_MEMORY;
    let memory = Asked { place: "HostConfig.Memory", key, value: asked.memory, limit, judge }.decide()?;
    if !engine.memory_limit {
        return Ok(0);
    }
    let most = i64::try_from(engine.memory).unwrap_or(i64::MAX);
    Ok(if most > 0 { memory.min(most) } else { memory })
}

/// Memory and swap together. The engine would double the memory where nothing is said.
fn swap(judge: &Judge<'_>, asked: i64, memory: i64, engine: &EngineFacts) -> Result<i64, Denial> {
    let key = keys::CONTAINERS_LIMITS_MEMORY;
    match in_i64(judge.policy.containers.limits.memory) {
        Limit::Unlimited => Ok(asked),
        Limit::At(limit) if (asked < 0 || asked > limit) && judge.policy.containers.limits.over == Over::Refuse => {
            let wanted = format!("`{asked}`");
            Err(judge.refuse(ID, "HostConfig.MemorySwap", wanted, format!("at most {limit} bytes"), key))
        }
        Limit::NotSet if asked != 0 => {
            Err(judge.refuse(ID, "HostConfig.MemorySwap", format!("`{asked}`"), "no value of the client's", key))
        }
        Limit::At(_) | Limit::NotSet => Ok(if engine.swap_limit && memory > 0 { memory } else { 0 }),
    }
}

/// A soft limit below the hard one; it is left out where there is no hard one.
fn reservation(judge: &Judge<'_>, asked: i64, memory: i64, engine: &EngineFacts) -> Result<i64, Denial> {
    let limits = &judge.policy.containers.limits;
    if asked == 0 || limits.memory == Limit::Unlimited {
        return Ok(asked);
    }
    if !engine.memory_limit && limits.memory != Limit::NotSet {
        return Ok(0);
    }
    if asked < 0 || asked > memory {
        if limits.memory != Limit::NotSet && limits.over == Over::Clamp {
            return Ok(memory);
        }
        let allowed = format!("at most {memory} bytes");
        let place = "HostConfig.MemoryReservation";
        return Err(judge.refuse(ID, place, format!("`{asked}`"), allowed, keys::CONTAINERS_LIMITS_MEMORY));
    }
    Ok(asked)
}

/// CPU time: `NanoCpus`, or a quota in a period (100 milliseconds where none is said); the engine refuses both.
fn cpus(judge: &Judge<'_>, asked: &HostConfig, engine: &EngineFacts) -> Result<(i64, i64, i64), Denial> {
    let limit = judge.policy.containers.limits.cpus;
    let key = keys::CONTAINERS_LIMITS_CPUS;
    if asked.cpu_quota == 0 && asked.cpu_period == 0 {
        let place = "HostConfig.NanoCpus";
        let nano = Asked { place, key, value: asked.nano_cpus, limit, judge }.decide()?;
        let most = engine.cpus.saturating_mul(1_000_000_000);
        let nano = if most > 0 { nano.min(most) } else { nano };
        return Ok((if engine.cpu_limit { nano } else { 0 }, 0, 0));
    }
    let period = if asked.cpu_period == 0 { 100_000 } else { asked.cpu_period };
    let sane = (1_000..=1_000_000).contains(&period) && asked.cpu_quota > 0 && asked.nano_cpus == 0;
    if !sane {
        let why = "a quota is more than 0 in a period of 1000 to 1000000 microseconds, and without NanoCpus";
        return Err(judge.floor(ID, "HostConfig.CpuQuota", format!("`{}`", asked.cpu_quota), why));
    }
    let nano = asked.cpu_quota.saturating_mul(1_000_000_000).checked_div(period).unwrap_or(i64::MAX);
    let granted = Asked { place: "HostConfig.CpuQuota", key, value: nano, limit, judge }.decide()?;
    let quota = if granted < nano { granted.saturating_mul(period) / 1_000_000_000 } else { asked.cpu_quota };
    Ok(if engine.cpu_limit { (0, quota, asked.cpu_period) } else { (0, 0, 0) })
}

/// The log driver and its bound. A driver that sends elsewhere is a way out, and one without a bound fills the disk.
fn log(judge: &Judge<'_>, asked: &LogConfig, engine: &EngineFacts) -> Result<LogConfig, Denial> {
    let LogConfig { r#type, config } = asked;
    let key = keys::CONTAINERS_LIMITS_LOG;
    let LogLimit { drivers, max_size } = match &judge.policy.containers.limits.log {
        Limit::At(limit) => limit,
        Limit::Unlimited => return local_log(judge, asked),
        Limit::NotSet if r#type.is_empty() && config.0.is_empty() => return Ok(LogConfig::default()),
        Limit::NotSet => {
            return Err(judge.refuse(ID, "HostConfig.LogConfig", shown(r#type), "no value of the client's", key));
        }
    };
    let chosen = if r#type.is_empty() {
        drivers.iter().find(|driver| engine.log_drivers.contains(driver))
    } else {
        drivers.iter().find(|driver| *driver == r#type)
    };
    let Some(driver) = chosen else {
        let wanted = if r#type.is_empty() { "the engine has none of the drivers".to_owned() } else { shown(r#type) };
        let allowed = patterns(drivers.iter().map(String::as_str));
        return Err(judge.refuse(
            ID,
            "HostConfig.LogConfig.Type",
            wanted,
            allowed,
            keys::CONTAINERS_LIMITS_LOG_DRIVERS,
        ));
    };
    let mut options = log_options(judge, config, *max_size)?;
    if let (Limit::At(most), false) = (max_size, driver == "none") {
        options.entry("max-size".to_owned()).or_insert_with(|| most.to_string());
    }
    Ok(LogConfig { r#type: driver.clone(), config: StringMap(options) })
}

fn log_options(
    judge: &Judge<'_>,
    StringMap(config): &StringMap,
    most: Limit<u64>,
) -> Result<std::collections::BTreeMap<String, String>, Denial> {
    for (name, value) in config {
        let place = format!("HostConfig.LogConfig.Config[{name}]");
        match name.as_str() {
            "max-size" => {
                let size = parse_log_size(value).filter(|size| !matches!(most, Limit::At(most) if *size > most));
                if size.is_none() {
                    let allowed = match most {
                        Limit::At(most) => format!("a size of at most {most} bytes"),
                        Limit::NotSet | Limit::Unlimited => "a size".to_owned(),
                    };
                    let key = keys::CONTAINERS_LIMITS_LOG_MAX_SIZE;
                    return Err(judge.refuse(ID, place, shown(value), allowed, key));
                }
            }
            "max-file" if value.parse::<u8>().is_ok_and(|files| (1..=5).contains(&files)) => {}
            "compress" | "mode" if ["true", "false", "blocking", "non-blocking"].contains(&value.as_str()) => {}
            _ => {
                // values of other options may be tokens
                let why = "log options are max-size, max-file (1 to 5), compress and mode";
                return Err(judge.floor(ID, place, "a value", why));
            }
        }
    }
    Ok(config.clone())
}

/// `unlimited` lifts the bound, not the walls: drivers that write to the engine's own disk.
fn local_log(judge: &Judge<'_>, asked: &LogConfig) -> Result<LogConfig, Denial> {
    log_options(judge, &asked.config, Limit::Unlimited)?;
    if ["", "local", "json-file", "none"].contains(&asked.r#type.as_str()) {
        return Ok(asked.clone());
    }
    let (wanted, key) = (shown(&asked.r#type), keys::CONTAINERS_LIMITS_LOG_DRIVERS);
    Err(judge.refuse(ID, "HostConfig.LogConfig.Type", wanted, "`local`, `json-file` or `none`", key))
}

/// Sizes as the engine's log drivers read them: digits and an optional k, m or g (powers of 1024).
fn parse_log_size(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, factor) = match lower.strip_suffix(['k', 'm', 'g']) {
        None => (lower.as_str(), 1),
        Some(digits) if lower.ends_with('k') => (digits, 1024),
        Some(digits) if lower.ends_with('m') => (digits, 1024 * 1024),
        Some(digits) => (digits, 1024 * 1024 * 1024),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|size| plain && *size > 0)?.checked_mul(factor)
}

impl Asked<'_> {
    /// What is written.
    fn decide(&self) -> Result<i64, Denial> {
        let Self { place, key, value, limit, judge } = self;
        let refuse = |allowed: String| Err(judge.refuse(ID, *place, format!("`{value}`"), allowed, key));
        match *limit {
            Limit::Unlimited => Ok(*value),
            Limit::NotSet if *value == 0 => Ok(0),
            Limit::NotSet => refuse("no value of the client's".to_owned()),
            Limit::At(most) if *value == 0 => Ok(most),
            Limit::At(most) if (1..=most).contains(value) => Ok(*value),
            Limit::At(most) => match judge.policy.containers.limits.over {
                Over::Clamp => Ok(most),
                Over::Refuse => refuse(format!("at most {most}")),
            },
        }
    }
}

fn in_i64(limit: Limit<u64>) -> Limit<i64> {
    match limit {
        Limit::At(value) => Limit::At(i64::try_from(value).unwrap_or(i64::MAX)),
        Limit::NotSet => Limit::NotSet,
        Limit::Unlimited => Limit::Unlimited,
    }
}
