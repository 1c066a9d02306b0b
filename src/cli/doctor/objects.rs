//! What the policy names and the engine has to have: networks to attach to, and images where none may be pulled.

use super::finding::Finding;
use crate::policy::compile::Policy;
use crate::policy::facts::{Fact, FactQuery};
use crate::policy::ownership::Owner;
use crate::upstream::survey::NetworkOpenness;
use crate::upstream::{Engine, UpstreamError};

/// Asks the engine for what the policy names.
///
/// # Errors
/// When the engine cannot be asked.
pub(super) async fn check(policy: &Policy, engine: &Engine, owner: &Owner) -> Result<Vec<Finding>, UpstreamError> {
    let mut findings = Vec::new();
    for name in &policy.containers.attach {
        findings.push(attached(name, engine.network_openness(name).await?));
    }
    if policy.images.pull || policy.unrestricted {
        return Ok(findings);
    }
    let exact = policy.images.allow.iter().map(|pattern| pattern.as_str()).filter(|name| !name.contains('*'));
    for name in exact {
        let fact = engine.fact(&FactQuery::Image(name.to_owned()), owner).await?;
        let is_there = matches!(fact, Fact::Image(Some(_)));
        findings.push(image(name, is_there));
    }
    Ok(findings)
}

fn attached(name: &str, network: Option<NetworkOpenness>) -> Finding {
    match network {
        None => Finding::wrong(
            format!("network `{name}` of `containers.attach` is not on the engine: every create fails"),
            format!("make it: `docker network create --internal --opt {ISOLATED} {name}`"),
        ),
        Some(NetworkOpenness { internal: false, isolated: _ }) => Finding::doubtful(
            format!("network `{name}` of `containers.attach` has a way out, and so has every container that joins it"),
            format!("make it anew with `--internal --opt {ISOLATED}`, unless that is meant"),
        ),
        Some(NetworkOpenness { internal: true, isolated: false }) => Finding::doubtful(
            format!(
                "network `{name}` of `containers.attach` is internal, but containers on it reach the host's own addresses"
            ),
            format!("make it anew with `--opt {ISOLATED}` (Docker 28), or shut its bridge off with a firewall rule"),
        ),
        Some(NetworkOpenness { internal: true, isolated: true }) => Finding::fine(format!(
            "network `{name}` of `containers.attach` is there, internal and isolated from the host"
        )),
    }
}

fn image(name: &str, is_there: bool) -> Finding {
    if is_there {
        return Finding::fine(format!("image `{name}` is on the engine"));
    }
    let what = format!("image `{name}` is allowed and not on the engine, and `images.pull` is off: it cannot be used");
    Finding::wrong(what, format!("have an operator pull it: `docker pull {name}`; or take it out of `images.allow`"))
}

const ISOLATED: &str = "com.docker.network.bridge.gateway_mode_ipv4=isolated";

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;

    #[test]
    fn what_is_not_there_is_wrong_and_what_is_open_is_doubtful() {
        assert_eq!(attached("dev-internal", None).severity, Severity::Wrong);
        let of = |internal, isolated| attached("dev-internal", Some(NetworkOpenness { internal, isolated })).severity;
        assert_eq!(of(false, false), Severity::Doubtful);
        assert_eq!(of(false, true), Severity::Doubtful);
        assert_eq!(of(true, false), Severity::Doubtful);
        assert_eq!(of(true, true), Severity::Fine);
        assert_eq!(image("postgres:16", true).severity, Severity::Fine);
        let missing = image("postgres:16", false);
        assert!(missing.severity == Severity::Wrong && missing.advice.contains("docker pull postgres:16"));
    }
}
