//! The engine: what it is, what it can enforce of the policy, and whether its clock is right.

use std::time::{Duration, SystemTime};

use super::finding::Finding;
use crate::policy::compile::{Limit, Policy};
use crate::policy::facts::EngineFacts;
use crate::request::ApiVersion;
use crate::upstream::survey::Survey;

/// Which engine it is, and whether the broker knows its API.
pub(super) fn version(survey: &Survey) -> Vec<Finding> {
    let Survey { version, api, oldest_api, components, security_options, .. } = survey;
    let is_podman = components.iter().any(|name| name.contains("Podman"));
    let kind = if is_podman { "Podman" } else { "Docker" };
    let oldest = if oldest_api.is_empty() { String::new() } else { format!(" from {oldest_api}") };
    let mut findings = vec![Finding::fine(format!("the engine is {kind} {version}, API {api}{oldest}"))];
    findings.extend(match ApiVersion::parse(api) {
        None => Some(Finding::wrong(
            format!("the engine says that it speaks API `{api}`, which is no version"),
            "see whether --upstream names an engine's socket",
        )),
        Some(newest) if newest < OLDEST => Some(Finding::wrong(
            format!("the engine's newest API is {newest}, and the broker knows {OLDEST} to {NEWEST}"),
            "take a newer engine",
        )),
        Some(newest) if newest > NEWEST => Some(Finding::note(
            format!("the engine speaks API {newest}, which is newer than the broker knows ({NEWEST})"),
            "what such clients ask anew is refused by its name; look for a newer docker-broker",
        )),
        Some(_) => None,
    });
    if is_podman {
        let what =
            "the engine is Podman: `/libpod` stays closed, and names of images and networks may come back otherwise";
        findings.push(Finding::note(what, ""));
    }
    findings.extend(security_options.iter().filter_map(|option| security(option)));
    findings
}

/// Ways of running an engine that change what a policy means.
fn security(option: &str) -> Option<Finding> {
    let name = option.strip_prefix("name=").unwrap_or(option).split(',').next().unwrap_or_default();
    match name {
        "rootless" => Some(Finding::note(
            "the engine is rootless: root in a container is the engine's user on the host",
            "limits need cgroup version 2 with delegation; see what is said of limits",
        )),
        "userns" => Some(Finding::note(
            "the engine remaps users: root in a container is an ordinary user on the host",
            "files in bind mounts belong to remapped users",
        )),
        _ => None,
    }
}

/// The policy's limits against what the engine can enforce.
pub(super) fn limits(policy: &Policy, facts: &EngineFacts) -> Vec<Finding> {
    let limits = &policy.containers.limits;
    let EngineFacts {
        memory_limit,
        swap_limit,
        pids_limit,
        cpu_limit,
        cpus: _,
        memory: _,
        log_drivers,
        cgroup_version,
    } = facts;
    let has = |is_set: bool, can: bool| is_set && !can;
    let memory = limits.memory.value().is_some();
    let missing = [
        (has(memory, *memory_limit), "containers.limits.memory", "memory"),
        (has(memory, *swap_limit), "containers.limits.memory", "swap"),
        (has(limits.cpus.value().is_some(), *cpu_limit), "containers.limits.cpus", "CPU time"),
        (has(limits.pids.value().is_some(), *pids_limit), "containers.limits.pids", "the number of processes"),
    ];
    let mut findings: Vec<Finding> = missing
        .into_iter()
        .filter(|(missing, ..)| *missing)
        .map(|(_, key, what)| unenforced(key, what, limits.required))
        .collect();
    if findings.is_empty() && policy.can_create() {
        findings.push(Finding::fine(format!(
            "the engine can enforce the policy's limits (cgroup version {cgroup_version})"
        )));
    }
    if let Limit::At(log) = &limits.log
        && !log.drivers.iter().any(|driver| log_drivers.contains(driver))
    {
        findings.push(Finding::wrong(
            format!(
                "the engine has none of the log drivers `{}`, so that nothing can be created",
                log.drivers.join("`, `")
            ),
            format!("add one that it has to `containers.limits.log.drivers`: `{}`", log_drivers.join("`, `")),
        ));
    }
    findings
}

fn unenforced(key: &str, what: &str, required: bool) -> Finding {
    let how = "give the engine's kernel that controller (on cgroup version 1, `swapaccount=1 cgroup_enable=memory`)";
    if required {
        let said = format!(
            "the engine cannot limit {what}, and `containers.limits.required` refuses every create for it (`{key}`)"
        );
        return Finding::wrong(said, how);
    }
    Finding::doubtful(format!("the engine cannot limit {what}: `{key}` does not hold"), how)
}

/// Warnings of the engine's own, as it words them.
pub(super) fn own_warnings(survey: &Survey) -> Vec<Finding> {
    let text = |warning: &String| {
        warning.trim_start_matches("WARNING: ").chars().filter(|c| !c.is_control()).collect::<String>()
    };
    survey.warnings.iter().map(|warning| Finding::note(format!("the engine warns: {}", text(warning)), "")).collect()
}

/// Deadlines are times of the broker's clock, and read by others.
pub(super) fn clock(survey: &Survey, now: SystemTime) -> Finding {
    let Some(theirs) = read_time(&survey.system_time) else {
        return Finding::note("the engine does not say what time it is", "");
    };
    let difference = theirs.duration_since(now).unwrap_or_else(|error| error.duration());
    let seconds = difference.as_secs();
    let advice =
        "set both clocks by the network (NTP): containers end at a time, and each broker reads it by its own clock";
    if difference > FAR {
        Finding::wrong(format!("the clocks of engine and broker differ by {seconds} seconds"), advice)
    } else if difference > NEAR {
        Finding::doubtful(format!("the clocks of engine and broker differ by {seconds} seconds"), advice)
    } else {
        Finding::fine("the clocks of engine and broker agree")
    }
}

/// A time in RFC 3339. Engines write it with the offset of their time zone.
fn read_time(text: &str) -> Option<SystemTime> {
    if text.ends_with('Z') {
        return humantime::parse_rfc3339(text).ok();
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub("+00:00".len())?)?;
    let local = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let minutes = hours.parse::<u64>().ok()?.checked_mul(60)?.checked_add(minutes.parse().ok()?)?;
    let span = Duration::from_secs(minutes.checked_mul(60)?);
    match offset.get(..1)? {
        "+" => local.checked_sub(span),
        "-" => local.checked_add(span),
        _ => None,
    }
}

/// Networks that are to be shut off from the host need an engine that can do it.
pub(super) fn isolation(policy: &Policy, survey: &Survey) -> Option<Finding> {
    let makes_internal = policy.networks.create.as_ref().is_some_and(|grant| grant.internal);
    let shuts_in = makes_internal || !policy.containers.attach.is_empty();
    let major: u32 = survey.version.split('.').next()?.parse().ok()?;
    let is_docker = !survey.components.iter().any(|name| name.contains("Podman"));
    (shuts_in && is_docker && major < ISOLATES).then(|| {
        Finding::doubtful(
            format!("engine {} cannot isolate a network from the host: containers on an internal one reach the host's own addresses", survey.version),
            format!("take Docker {ISOLATES} or newer, or shut the bridge's interface off with a firewall rule in INPUT"),
        )
    })
}

/// The API versions that the broker models.
const OLDEST: ApiVersion = ApiVersion::new(1, 24);
const NEWEST: ApiVersion = ApiVersion::new(1, 56);

/// The first Docker with `gateway_mode_ipv4=isolated`.
const ISOLATES: u32 = 28;

/// How far clocks may be apart before it is doubtful, and before it is wrong.
const NEAR: Duration = Duration::from_secs(5);
const FAR: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;
    use crate::policy::builtin::builtin;
    use crate::policy::check;
    use crate::policy::compile::Origin;

    fn docker(version: &str, api: &str) -> Survey {
        Survey { version: version.into(), api: api.into(), components: vec!["Engine".into()], ..Survey::default() }
    }

    fn severities(findings: &[Finding]) -> Vec<Severity> {
        findings.iter().map(|finding| finding.severity).collect()
    }

    fn able() -> EngineFacts {
        EngineFacts {
            memory_limit: true,
            swap_limit: true,
            pids_limit: true,
            cpu_limit: true,
            log_drivers: vec!["local".into()],
            ..EngineFacts::default()
        }
    }

    #[test]
    fn an_engine_that_the_broker_does_not_know_is_named() {
        assert_eq!(severities(&version(&docker("1.10", "1.22"))), [Severity::Fine, Severity::Wrong]);
        assert_eq!(severities(&version(&docker("x", "new"))), [Severity::Fine, Severity::Wrong]);
        assert_eq!(severities(&version(&docker("40.0", "1.99"))), [Severity::Fine, Severity::Note]);
        assert_eq!(severities(&version(&docker("28.5.2", "1.51"))), [Severity::Fine]);
        let podman = Survey { components: vec!["Podman Engine".into()], ..docker("5.4.2", "1.41") };
        assert!(version(&podman)[0].what.contains("Podman 5.4.2"));
    }

    #[test]
    fn ways_of_running_an_engine_are_recognised() {
        let options = ["name=seccomp,profile=builtin", "name=rootless", "name=userns", "name=cgroupns"];
        let survey = Survey { security_options: options.map(str::to_owned).into(), ..docker("28", "1.51") };
        assert_eq!(severities(&version(&survey)), [Severity::Fine, Severity::Note, Severity::Note]);
    }

    #[test]
    fn a_limit_that_cannot_be_enforced_is_doubtful_or_wrong_where_it_is_required() {
        let policy = builtin("postgres").unwrap();
        assert_eq!(severities(&limits(&policy, &able())), [Severity::Fine]);
        let without_swap = EngineFacts { swap_limit: false, ..able() };
        assert_eq!(severities(&limits(&policy, &without_swap)), [Severity::Doubtful]);
        let text = "extends = \"postgres\"\n[containers.limits]\nrequired = true\n";
        let strict = check::parse(text, "x", Origin::BuiltIn).unwrap();
        let found = limits(&strict, &EngineFacts { pids_limit: false, ..able() });
        assert_eq!(severities(&found), [Severity::Wrong]);
        assert!(found[0].what.contains("`containers.limits.pids`"), "{found:?}");
        let found = limits(&policy, &EngineFacts { log_drivers: vec!["awslogs".into()], ..able() });
        assert_eq!(severities(&found), [Severity::Fine, Severity::Wrong]);
        assert!(found[1].advice.contains("`awslogs`"), "{found:?}");
        assert_eq!(limits(&builtin("read-only").unwrap(), &EngineFacts::default()), []);
    }

    #[test]
    fn a_clock_that_is_off_is_found_in_both_directions() {
        let now = humantime::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let at = |time: &str| clock(&Survey { system_time: time.into(), ..Survey::default() }, now).severity;
        assert_eq!(at("2026-01-01T00:00:01.123456789Z"), Severity::Fine);
        assert_eq!(at("2026-01-01T02:00:02.5+02:00"), Severity::Fine);
        assert_eq!(at("2025-12-31T18:30:00-05:30"), Severity::Fine);
        assert_eq!(at("2026-01-01T00:00:00"), Severity::Note);
        assert_eq!(at("2025-12-31T23:59:50Z"), Severity::Doubtful);
        assert_eq!(at("2026-01-01T00:10:00Z"), Severity::Wrong);
        assert_eq!(at(""), Severity::Note);
    }

    #[test]
    fn only_policies_that_shut_containers_in_need_isolation() {
        let text = "extends = \"postgres\"\n[containers]\nattach = [\"dev-internal\"]\nnames = [\"agent1-*\"]\n";
        let policy = check::parse(text, "x", Origin::BuiltIn).unwrap();
        assert_eq!(isolation(&policy, &docker("20.10.24", "1.41")).unwrap().severity, Severity::Doubtful);
        assert_eq!(isolation(&policy, &docker("28.5.2+dfsg4", "1.51")), None);
        assert_eq!(isolation(&builtin("postgres").unwrap(), &docker("20.10.24", "1.41")), None);
    }
}
