//! Containers join the policy's networks before they can be started, and nothing half-made stays when that fails.

use serde_json::{Value, json};

use crate::harness::Lab;
use crate::harness::engine::world::Network;

const CREATE: &str = "/v1.47/containers/create?name=agent1-pg";

const POLICY: &str = r#"
version = 1
extends = "postgres"
[containers]
names = ["agent1-*"]
attach = ["dev-internal", "dev-second"]
"#;

fn network(name: &str, digit: &str) -> Network {
    Network {
        id: digit.repeat(64),
        name: name.to_owned(),
        driver: "bridge".to_owned(),
        labels: std::collections::BTreeMap::new(),
        subnet: "172.30.0.0/24".to_owned(),
        gateway: "172.30.0.1".to_owned(),
    }
}

async fn lab(policy: &str) -> Lab {
    let lab = Lab::start(policy).await;
    lab.engine.world(|world| {
        world.networks.push(network("dev-internal", "d"));
        world.networks.push(network("dev-second", "e"));
    });
    lab
}

fn plain() -> Value {
    json!({"Image": "postgres:16", "HostConfig": {"NetworkMode": "default"}})
}

#[tokio::test]
async fn the_first_network_replaces_the_default_one_and_the_others_are_joined_before_the_client_hears() {
    let lab = lab(POLICY).await;
    let reply = lab.post(CREATE, &plain()).await;
    reply.assert_status(201);
    let forwarded = lab.engine.forwarded();
    let [create, connect] = forwarded.as_slice() else { panic!("{forwarded:?}") };
    assert_eq!(create.json()["HostConfig"]["NetworkMode"], "dev-internal");
    assert_eq!(connect.path(), format!("/networks/{}/connect", "e".repeat(64)));
    assert_eq!(connect.json(), json!({"Container": reply.json()["Id"]}));
}

#[tokio::test]
async fn when_a_network_cannot_be_joined_the_container_is_removed_and_the_client_told() {
    let lab = lab(POLICY).await;
    lab.engine.on("POST", &format!("/networks/{}/connect", "e".repeat(64))).error(500, "no address is left");
    let reply = lab.post(CREATE, &plain()).await;
    reply.assert_status(409).assert_error();
    assert!(reply.message().contains("no address is left"), "{}", reply.message());
    let last = lab.engine.forwarded().pop().expect("a removal");
    assert_eq!(last.method, "DELETE");
    assert!(lab.engine.world(|world| world.containers.iter().all(|container| container.name != "agent1-pg")));
}

#[tokio::test]
async fn no_predefined_or_foreign_network_is_joined_beside_them() {
    let lab = lab(POLICY).await;
    for mode in ["host", "foreign-net", "container:own-postgres"] {
        let body = json!({"Image": "postgres:16", "HostConfig": {"NetworkMode": mode}});
        lab.post(CREATE, &body).await.assert_status(403).assert_error();
        let endpoints = json!({"Image": "postgres:16", "NetworkingConfig": {"EndpointsConfig": {mode: {}}}});
        lab.post(CREATE, &endpoints).await.assert_status(403).assert_error();
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_policy_network_that_the_engine_does_not_have_is_said_to_be_missing() {
    let lab = Lab::start(POLICY).await;
    let reply = lab.post(CREATE, &plain()).await;
    reply.assert_status(403).assert_error();
    assert!(reply.message().contains("dev-internal"), "{}", reply.message());
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn in_add_mode_the_default_network_stays() {
    let policy = POLICY.replace("[containers]", "[containers]\nattach-mode = \"add\"");
    let lab = lab(&policy).await;
    lab.post(CREATE, &plain()).await.assert_status(201);
    let forwarded = lab.engine.forwarded();
    let modes: Vec<&str> = forwarded.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(modes, ["POST", "POST", "POST"], "{forwarded:?}");
    assert_eq!(forwarded[0].json()["HostConfig"]["NetworkMode"], "default");
}
