//! A broker before a broker: each level has labels of its own, and neither takes the other's objects for its own, though
//! here both have the same owner's name.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::broker::{Broker, Setup};
use crate::harness::client::{Client, Reply, Request};
use crate::harness::engine::world::{OWN, OWN_NAME};
use crate::harness::{Lab, OWNER};

/// A lab whose broker is the engine of another one.
struct Nested {
    outer: Lab,
    _inner: Broker,
    socket: PathBuf,
}

impl Nested {
    async fn start() -> Self {
        let outer = Lab::start("postgres").await;
        let socket = outer.socket().with_file_name("inner.sock");
        let audit = outer.audit_file().with_file_name("inner.jsonl");
        let setup = outer.setup("postgres");
        let inner = Setup { listen: socket.clone(), upstream: outer.socket().to_owned(), audit, ..setup };
        let inner = Broker::start(inner).expect("an inner broker");
        Self { outer, _inner: inner, socket }
    }

    async fn call(&self, request: Request) -> Reply {
        Client::connect(&self.socket).await.call(request).await
    }

    async fn create(&self, body: &Value) -> Reply {
        self.call(Request::post("/v1.47/containers/create").json(body)).await
    }
}

fn ids(reply: &Reply) -> Vec<String> {
    let list = reply.json();
    let ids = list.as_array().expect("a list").iter().map(|found| found["Id"].as_str().expect("an ID").to_owned());
    ids.collect()
}

#[tokio::test]
async fn every_answer_says_that_it_is_a_brokers_and_how_deep() {
    let nested = Nested::start().await;
    for (target, outer_status) in [("/_ping", 200), ("/v1.47/containers/nobody/json", 404), ("/nonsense", 403)] {
        // the inner one knows what stands before it once that has answered
        nested.call(Request::get("/version")).await.assert_status(200);
        for (reply, depth) in [(nested.outer.get(target).await, 0), (nested.call(Request::get(target)).await, 1)] {
            reply.assert_status(outer_status);
            let said: Vec<&str> = reply
                .head
                .headers
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case("docker-broker"))
                .map(|(_, value)| value.as_str())
                .collect();
            assert_eq!(said, [format!("{}; depth={depth}", env!("CARGO_PKG_VERSION"))], "{target}");
        }
    }
}

#[tokio::test]
async fn what_is_made_inside_carries_the_labels_of_both() {
    let nested = Nested::start().await;
    nested.create(&json!({"Image": "postgres:16", "Labels": {"org.testcontainers": "true"}})).await.assert_status(201);
    let create = nested.outer.engine.last("POST", "/containers/create");
    let body: Value = serde_json::from_slice(&create.body).expect("JSON");
    let labels = body["Labels"].as_object().expect("labels");
    for name in ["owner", "session", "expires", "policy", "version", "image"] {
        for key in [format!("docker-broker.{name}"), format!("docker-broker.inner.{name}")] {
            assert!(labels.contains_key(&key), "{key}: {labels:?}");
        }
    }
    assert_eq!((&labels["docker-broker.owner"], &labels["docker-broker.inner.owner"]), (&json!(OWNER), &json!(OWNER)));
    assert_eq!(labels["docker-broker.image"], labels["docker-broker.inner.image"]);
}

#[tokio::test]
async fn the_inner_one_owns_what_was_made_through_it_and_the_outer_one_owns_both() {
    let nested = Nested::start().await;
    let made = nested.create(&json!({"Image": "postgres:16"})).await.json()["Id"].as_str().expect("an ID").to_owned();
    let all = "/v1.47/containers/json?all=1";
    assert_eq!(ids(&nested.call(Request::get(all)).await), std::slice::from_ref(&made));
    let outer = ids(&nested.outer.get(all).await);
    assert!(outer.contains(&made) && outer.contains(&OWN.to_owned()), "{outer:?}");
    for reference in [OWN, OWN_NAME] {
        nested.call(Request::get(&format!("/v1.47/containers/{reference}/json"))).await.assert_status(404);
        nested.call(Request::new("DELETE", &format!("/v1.47/containers/{reference}?force=1"))).await.assert_status(404);
    }
    nested.call(Request::get(&format!("/v1.47/containers/{made}/json"))).await.assert_status(200);
    nested.call(Request::new("DELETE", &format!("/v1.47/containers/{made}?force=1"))).await.assert_status(204);
    assert!(nested.outer.engine.world(|world| world.containers.iter().any(|container| container.id == OWN)));
    let networks = nested.call(Request::get("/v1.47/networks")).await.json();
    let names: Vec<&str> = networks.as_array().expect("a list").iter().filter_map(|n| n["Name"].as_str()).collect();
    assert!(!names.contains(&"own-net") && names.contains(&"bridge"), "{names:?}");
}

#[tokio::test]
async fn a_client_of_either_writes_no_labels_of_that_broker_nor_of_those_behind_it() {
    let nested = Nested::start().await;
    let with = |key: &str| json!({"Image": "postgres:16", "Labels": {key: "x"}});
    for key in ["docker-broker.owner", "docker-broker.image", "docker-broker.inner.x", "docker-broker.Inner.owner"] {
        nested.outer.post("/v1.47/containers/create", &with(key)).await.assert_status(403);
    }
    for key in ["docker-broker.owner", "docker-broker.inner.owner", "docker-broker.inner.image"] {
        let reply = nested.create(&with(key)).await;
        reply.assert_status(403);
    }
    nested.outer.engine.assert_untouched();
}

#[tokio::test]
async fn labels_that_a_client_of_the_outer_one_makes_up_own_nothing_inside_without_the_image() {
    let nested = Nested::start().await;
    let labels = json!({"docker-broker.inner.owner": OWNER, "docker-broker.inner.image": "sha256:made-up"});
    let made = nested.outer.post("/v1.47/containers/create", &json!({"Image": "postgres:16", "Labels": labels})).await;
    made.assert_status(201);
    assert_eq!(ids(&nested.call(Request::get("/v1.47/containers/json?all=1")).await), <[String; 0]>::default());
}
