//! What is over is removed: at start-up, by deadline, and only what is the owner's.

use std::time::Duration;

use serde_json::json;

use crate::harness::Lab;
use crate::harness::engine::eventually;
use crate::harness::engine::world::{FOREIGN, IMPOSTOR, OWN, OWN_STOPPED, now};

/// Makes the deadline of every container that carries one of ours lie in the past.
fn expire_everything(lab: &Lab) {
    lab.engine.world(|world| {
        for container in &mut world.containers {
            if let Some(labels) = container.config["Labels"].as_object_mut()
                && labels.contains_key("docker-broker.expires")
            {
                labels.insert("docker-broker.expires".to_owned(), json!((now() - 1).to_string()));
            }
        }
    });
}

fn is_there(lab: &Lab, id: &str) -> bool {
    lab.engine.world(|world| world.containers.iter().any(|container| container.id == id))
}

#[tokio::test]
async fn a_broker_that_starts_removes_what_expired_meanwhile_and_nothing_foreign() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    expire_everything(&lab);
    let _broker = crate::harness::broker::Broker::start(lab.setup("postgres")).expect("a broker");
    eventually("the own containers are gone", || !is_there(&lab, OWN) && !is_there(&lab, OWN_STOPPED)).await;
    assert!(is_there(&lab, FOREIGN), "a foreign container was removed");
    assert!(is_there(&lab, IMPOSTOR), "labels that an image brought along own nothing");
}

#[tokio::test]
async fn a_container_ends_at_its_deadline() {
    let policy = "version = 1\nextends = \"postgres\"\n[containers]\nlifetime = \"1s\"\n";
    let lab = Lab::start(policy).await;
    let reply = lab.post("/v1.47/containers/create", &json!({"Image": "postgres:16"})).await;
    reply.assert_status(201);
    let id = reply.json()["Id"].as_str().expect("an ID").to_owned();
    assert!(is_there(&lab, &id));
    let gone = async { eventually("the container is gone", || !is_there(&lab, &id)).await };
    tokio::time::timeout(Duration::from_secs(6), gone).await.expect("removed by its deadline");
    assert!(is_there(&lab, OWN), "what has time left stays");
}

#[tokio::test]
async fn an_engine_that_is_not_there_at_start_is_swept_when_it_comes() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    expire_everything(&lab);
    lab.engine.stop();
    let _broker = crate::harness::broker::Broker::start(lab.setup("postgres")).expect("a broker");
    tokio::time::sleep(Duration::from_millis(300)).await;
    lab.engine.listen();
    eventually("the own container is gone", || !is_there(&lab, OWN)).await;
}

#[tokio::test]
async fn one_that_cannot_be_removed_does_not_keep_the_others() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    expire_everything(&lab);
    lab.engine.on("DELETE", &format!("/containers/{OWN}")).close();
    let _broker = crate::harness::broker::Broker::start(lab.setup("postgres")).expect("a broker");
    eventually("the other container is gone", || !is_there(&lab, OWN_STOPPED)).await;
    assert!(is_there(&lab, OWN));
    lab.engine.obey();
    eventually("the first one is tried again", || !is_there(&lab, OWN)).await;
}

#[tokio::test]
async fn a_create_that_was_never_answered_is_looked_after_at_its_deadline() {
    let lab = Lab::start("version = 1\nextends = \"postgres\"\n[containers]\nlifetime = \"1s\"\n").await;
    lab.engine.on("POST", "/containers/create").close();
    lab.post("/v1.47/containers/create", &json!({"Image": "postgres:16"})).await.assert_status(502);
    tokio::time::sleep(Duration::from_millis(200)).await;
    // what the engine had made before it died
    expire_everything(&lab);
    let gone = async { eventually("the container is gone", || !is_there(&lab, OWN)).await };
    tokio::time::timeout(Duration::from_secs(6), gone).await.expect("removed at the deadline of the create");
}
