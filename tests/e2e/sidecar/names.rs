//! Nobody takes the name of another service on the agents' network: at create, rename or connect.
//!
//! Every refusal has to name the place of the name, so that no other rule hides that this one is missing.

use crate::scene::{SLEEP, Scene};

/// Containers, host names and aliases of others cannot be had, and afterwards every name leads where it led before.
pub(crate) fn no_foreign_name_can_be_taken(scene: &Scene) {
    let before = resolve_all(scene);
    assert!(before.iter().all(Option::is_some), "every service has an address: {before:?}");
    for name in FOREIGN {
        for spelled in [name.to_owned(), name.to_uppercase()] {
            refused_at(scene, CREATE, "name", &spelled, &["create", "--name", &spelled, "postgres:16"]);
            refused_host_name(scene, &spelled, &[]);
            let alias = ["--network", NETWORK, "--network-alias", &spelled];
            let create = [&["create", "--name", "agent1-a"], &alias[..], &["postgres:16"]].concat();
            refused_at(scene, CREATE, "NetworkingConfig.EndpointsConfig[dev-internal].Aliases", &spelled, &create);
        }
        refused_host_name(scene, &format!("{name}.{NETWORK}"), &[]);
        refused_host_name(scene, name, &["--domainname", NETWORK]);
    }
    assert_eq!(before, resolve_all(scene));
}

/// Names with the agent's own prefix that somebody else has already.
pub(crate) fn a_prefix_opens_no_name_that_is_taken(scene: &Scene) {
    let before = resolve_twin(scene);
    assert!(before.iter().all(Option::is_some), "the twin has every name: {before:?}");
    for name in TWIN {
        let said = refused_at(scene, CREATE, "name", name, &["create", "--name", name, "postgres:16"]);
        assert!(said.contains(TAKEN), "{said}");
        let said = refused_host_name(scene, name, &[]);
        assert!(said.contains(TAKEN), "{said}");
    }
    assert_eq!(before, resolve_twin(scene));
}

/// What is refused at create is refused later as well; an own name works, so that the trials above prove something.
pub(crate) fn nor_by_rename_or_connect(scene: &Scene) {
    let before = (resolve_all(scene), resolve_twin(scene));
    let named = ["--name", MINE, "--hostname", MINE_HOST];
    let sleep = ["--entrypoint", "sleep", "postgres:16", "600"];
    scene.agent(&[&["run", "-d"], &named[..], &sleep].concat());
    for own in [MINE, MINE_HOST] {
        assert!(resolve(scene, own).is_some(), "the own name {own} is known on the network");
    }
    for name in FOREIGN {
        refused_at(scene, RENAME, "name", name, &["rename", MINE, name]);
        refused_at(scene, CONNECT, "EndpointConfig.Aliases", name, &connect(&["--alias", name]));
    }
    for name in TWIN {
        let said = refused_at(scene, RENAME, "name", name, &["rename", MINE, name]);
        assert!(said.contains(TAKEN), "{said}");
        refused_at(scene, CONNECT, "EndpointConfig.Aliases", name, &connect(&["--alias", name]));
    }
    for (place, more) in [("IPAMConfig", ["--ip", "172.31.255.9"]), ("Links", ["--link", "vault:agent1-link"])] {
        let said = scene.refused(&connect(&more));
        assert!(said.contains(&format!("{CONNECT} refused: `EndpointConfig.{place}`: a value; ")), "{said}");
    }
    assert_eq!(before, (resolve_all(scene), resolve_twin(scene)));
    what_was_taken_meanwhile_is_not_brought_along(scene);
    scene.agent(&["rm", "--force", "--volumes", MINE]);
}

/// A container that was taken off the network comes back with its names only as long as nobody else has them.
fn what_was_taken_meanwhile_is_not_brought_along(scene: &Scene) {
    scene.agent(&["network", "disconnect", NETWORK, MINE]);
    let by_host_name = ["--hostname", MINE];
    let by_alias = ["--network-alias", MINE_HOST];
    for (name, holder) in [(MINE, by_host_name), (MINE_HOST, by_alias)] {
        let run = ["run", "--detach", "--name", "late", "--network", NETWORK];
        scene.engine(&[&run[..], &holder, &SLEEP].concat());
        let theirs = resolve(scene, name);
        assert!(theirs.is_some(), "somebody else is found as {name}");
        let said = refused_at(scene, CONNECT, "Container", name, &connect(&[]));
        assert!(said.contains(TAKEN), "{said}");
        assert_eq!(theirs, resolve(scene, name));
        scene.engine(&["rm", "--force", "late"]);
    }
    scene.agent(&connect(&[]));
    assert!(resolve(scene, MINE).is_some(), "free names come back");
}

fn connect<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["network", "connect"], more, &[NETWORK, MINE]].concat()
}

fn refused_host_name(scene: &Scene, hostname: &str, more: &[&str]) -> String {
    let create = ["create", "--name", "agent1-a", "--hostname", hostname];
    refused_at(scene, CREATE, "Hostname", hostname, &[&create[..], more, &["postgres:16"]].concat())
}

/// Refused for this value in this place; what is said.
fn refused_at(scene: &Scene, operation: &str, place: &str, value: &str, arguments: &[&str]) -> String {
    let said = scene.refused(arguments);
    assert!(said.contains(&format!("{operation} refused: `{place}`: `{value}`; ")), "{arguments:?}: {said}");
    said
}

fn resolve_all(scene: &Scene) -> Vec<Option<String>> {
    FOREIGN.into_iter().map(|name| resolve(scene, name)).collect()
}

fn resolve_twin(scene: &Scene) -> Vec<Option<String>> {
    TWIN.into_iter().map(|name| resolve(scene, name)).collect()
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

/// The name, the host name and the alias of a neighbour that uses the agent's prefix.
const TWIN: [&str; 3] = ["agent1-twin", "agent1-twin-host", "agent1-twin-alias"];

/// What a refusal says where the prefix alone would allow a name.
const TAKEN: &str = "it is the name of another container on network `dev-internal`";

/// A container of the agent.
const MINE: &str = "agent1-mine";
const MINE_HOST: &str = "agent1-mine-host";

const NETWORK: &str = "dev-internal";

const CREATE: &str = "ContainerCreate";
const RENAME: &str = "ContainerRename";
const CONNECT: &str = "NetworkConnect";
