//! Nobody takes the name of another service on the agents' network: at create, rename or connect.

use crate::scene::Scene;
use crate::support::{self, Engine, text};

/// Containers, host names and aliases of others cannot be had, and afterwards every name leads where it led before.
pub(crate) fn no_foreign_name_can_be_taken(scene: &Scene) {
    let before = resolve_all(scene);
    assert!(before.iter().all(Option::is_some), "every service has an address: {before:?}");
    for name in FOREIGN {
        for spelled in [name.to_owned(), name.to_uppercase()] {
            scene.refused(&["create", "--name", &spelled, "postgres:16"]);
            scene.refused(&["create", "--name", "agent1-a", "--hostname", &spelled, "postgres:16"]);
            let alias = ["--network", "dev-internal", "--network-alias", &spelled];
            scene.refused(&[&["create", "--name", "agent1-a"], &alias[..], &["postgres:16"]].concat());
        }
        let qualified = format!("{name}.dev-internal");
        scene.refused(&["create", "--name", "agent1-a", "--hostname", &qualified, "postgres:16"]);
        let domain = ["--hostname", name, "--domainname", "dev-internal"];
        scene.refused(&[&["create", "--name", "agent1-a"], &domain[..], &["postgres:16"]].concat());
    }
    assert_eq!(before, resolve_all(scene));
}

/// A name with the agent's own prefix that somebody else has already.
pub(crate) fn a_prefix_opens_no_name_that_is_taken(scene: &Scene) {
    let twin = resolve(scene, "agent1-twin");
    let said = scene.refused(&["create", "--name", "agent1-a", "--hostname", "agent1-twin", "postgres:16"]);
    assert!(said.contains("it is the name of another container on network `dev-internal`"), "{said}");
    fails(scene, &["create", "--name", "agent1-twin", "postgres:16"]);
    assert!(twin.is_some() && twin == resolve(scene, "agent1-twin"));
}

/// What is refused at create is refused later as well; an own name works, so that the trials above prove something.
pub(crate) fn nor_by_rename_or_connect(scene: &Scene) {
    let before = resolve_all(scene);
    let named = ["--name", "agent1-mine", "--hostname", "agent1-mine"];
    let sleep = ["--entrypoint", "sleep", "postgres:16", "600"];
    scene.agent(&[&["run", "-d"], &named[..], &sleep].concat());
    assert!(resolve(scene, "agent1-mine").is_some(), "an own name is known on the network");
    for name in FOREIGN {
        fails(scene, &["rename", "agent1-mine", name]);
        fails(scene, &["network", "connect", "--alias", name, "dev-internal", "agent1-mine"]);
    }
    fails(scene, &["rename", "agent1-mine", "agent1-twin"]);
    fails(scene, &["network", "connect", "--ip", "172.31.255.9", "dev-internal", "agent1-mine"]);
    fails(scene, &["network", "connect", "--link", "vault:agent1-link", "dev-internal", "agent1-mine"]);
    assert_eq!(before, resolve_all(scene));
    scene.agent(&["rm", "--force", "--volumes", "agent1-mine"]);
}

fn fails(scene: &Scene, arguments: &[&str]) {
    let output = support::docker(Engine::New, &scene.socket, arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", text(&output));
}

fn resolve_all(scene: &Scene) -> Vec<Option<String>> {
    FOREIGN.into_iter().map(|name| resolve(scene, name)).collect()
}

/// The address that the agent finds under a name.
fn resolve(scene: &Scene, name: &str) -> Option<String> {
    let output = scene.in_agent(&format!("getent ahostsv4 {name}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut addresses: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    (!addresses.is_empty()).then(|| addresses.join(" "))
}

/// Container names, an alias, and the service names that compose gives.
const FOREIGN: [&str; 5] = ["vault", "secrets", "broker", "docker-broker-broker-1", "agent"];
