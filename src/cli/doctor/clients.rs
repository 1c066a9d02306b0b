//! What leads clients past the broker, or astray.

use super::finding::Finding;
use crate::cli::surroundings::{self, Lead, Visitor};
use crate::config::environment::Environment;
use crate::config::{ListenerConfig, ServeConfig};
use crate::policy::compile::Policy;
use crate::upstream::address::Address;

/// What a client with these surroundings would do, as the user that `visitor` is.
pub(super) fn check(
    environment: &Environment,
    config: &ServeConfig,
    listener: &ListenerConfig,
    visitor: &Visitor,
) -> Vec<Finding> {
    let wrong = |Lead { what, advice }: Lead| Finding::wrong(what, advice);
    let mut findings: Vec<Finding> = surroundings::misleading_variables(environment).into_iter().map(wrong).collect();
    findings.extend(surroundings::misleading_files(environment, &listener.listen).into_iter().map(wrong));
    findings.extend(docker_host(environment, &listener.listen, &config.upstream));
    findings.extend(reaper(environment, &listener.policy));
    let (upstream, broker) = (config.upstream.path(), listener.listen.path());
    let open = surroundings::open_engine_sockets(environment, Some(upstream), &[broker], visitor);
    findings.extend(open.into_iter().map(|lead| socket(lead, visitor)));
    if findings.is_empty() {
        findings.push(Finding::fine("nothing here leads clients past the broker"));
    }
    findings
}

/// The broker itself finds its engine by `DOCKER_HOST`; then it is not there for clients.
fn docker_host(environment: &Environment, broker: &Address, upstream: &Address) -> Option<Finding> {
    let Lead { what, advice } = surroundings::docker_host_elsewhere(environment, broker)?;
    let names_the_engine = |host: &str| Address::parse(host.trim()).is_ok_and(|address| address == *upstream);
    Some(match environment.value("DOCKER_HOST") {
        None => Finding::note(what, advice),
        Some(host) if names_the_engine(host) => Finding::note(
            "`DOCKER_HOST` names the engine, which is where the broker looks for it".to_owned(),
            format!("clients need `DOCKER_HOST={broker}`"),
        ),
        Some(_) => Finding::wrong(what, advice),
    })
}

/// While nobody plays the reaper, suites have to do without.
fn reaper(environment: &Environment, policy: &Policy) -> Option<Finding> {
    let is_off = environment.value("TESTCONTAINERS_RYUK_DISABLED").is_some_and(|value| value.trim() == "true");
    (!policy.reaper.emulate && policy.can_create() && !is_off).then(|| {
        Finding::note(
            "this policy does not emulate the Testcontainers reaper, and `TESTCONTAINERS_RYUK_DISABLED` is not `true` here",
            "set `TESTCONTAINERS_RYUK_DISABLED=true` where suites run; the broker removes what they leave",
        )
    })
}

/// The broker's own user has to be able to open the engine's socket; its clients' user must not.
fn socket(Lead { what, advice }: Lead, visitor: &Visitor) -> Finding {
    match visitor {
        Visitor::Other { .. } => Finding::wrong(what, advice),
        Visitor::Myself => Finding::note(
            what,
            "right for the broker's user; ask for the user of its clients with --as-uid UID".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;
    use crate::policy::builtin::builtin;

    fn address(path: &str) -> Address {
        Address::parse(path).unwrap()
    }

    #[test]
    fn docker_host_that_names_neither_broker_nor_engine_is_wrong() {
        let of = |value: &str| {
            let found =
                docker_host(&Environment::from([("DOCKER_HOST", value)]), &address("/b.sock"), &address("/e.sock"));
            found.map(|finding| finding.severity)
        };
        assert_eq!(of("unix:///b.sock"), None);
        assert_eq!(of("unix:///e.sock"), Some(Severity::Note));
        assert_eq!(of("unix:///other.sock"), Some(Severity::Wrong));
        assert_eq!(of("tcp://10.0.0.1:2375"), Some(Severity::Wrong));
        assert_eq!(of(""), Some(Severity::Note));
    }

    #[test]
    fn an_open_engine_socket_is_wrong_for_clients_and_right_for_the_broker() {
        let lead = || Lead { what: "open".into(), advice: "close".into() };
        assert_eq!(socket(lead(), &Visitor::Other { uid: 1000, groups: vec![] }).severity, Severity::Wrong);
        assert_eq!(socket(lead(), &Visitor::Myself).severity, Severity::Note);
    }

    #[test]
    fn a_reaper_that_nobody_plays_is_told_of() {
        let postgres = builtin("postgres").unwrap();
        assert!(reaper(&Environment::default(), &postgres).is_some());
        assert_eq!(reaper(&Environment::from([("TESTCONTAINERS_RYUK_DISABLED", "true")]), &postgres), None);
        assert_eq!(reaper(&Environment::default(), &builtin("read-only").unwrap()), None);
    }
}
