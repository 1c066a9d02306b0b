//! How much one owner may have: exact however many ask at once, counted in the engine, and refused with the numbers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::broker::Broker;
use crate::harness::client::{Client, Request};
use crate::harness::engine::eventually;
use crate::harness::engine::world::owner_labels;
use crate::harness::{Lab, OWNER};

const CREATE: &str = "/v1.44/containers/create";

/// The `postgres` policy with a bound of its own; the lab begins with two own containers, in a session of the past.
fn policy(bounds: &str) -> String {
    format!("version = 1\nextends = \"postgres\"\n{bounds}")
}

fn create() -> Request {
    Request::post(CREATE).json(&json!({"Image": "postgres:16"}))
}

/// The owner's containers, as the engine has them.
fn owned(lab: &Lab) -> usize {
    lab.engine.world(|world| {
        let own = |labels: &Value| labels["docker-broker.owner"] == json!(OWNER);
        // one of them only inherited its labels
        world.containers.iter().filter(|container| own(&container.config["Labels"])).count() - 1
    })
}

/// So many creates at once, each on a connection of its own; the statuses of the answers.
async fn storm(lab: &Lab, count: usize) -> Vec<u16> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client: Client = lab.client().await;
        client.send(&create()).await;
        clients.push(client);
    }
    let mut statuses = Vec::new();
    for client in &mut clients {
        statuses.push(client.reply("POST").await.expect("an answer").status);
    }
    statuses
}

#[tokio::test]
async fn fifty_creates_at_once_make_as_many_as_there_may_be() {
    let lab = Lab::start(&policy("[containers]\nmax = 7\n")).await;
    lab.engine.on("POST", "/containers/create").delay(Duration::from_millis(5));
    let statuses = storm(&lab, 50).await;
    let made = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!((made, statuses.iter().filter(|status| **status == 403).count()), (7, 43), "{statuses:?}");
    assert_eq!(owned(&lab), 2 + 7, "those of the past session do not count");
    let reply = lab.call(create()).await;
    assert!(reply.assert_status(403).message().contains("session `default` has 7;"), "{}", reply.message());
    assert!(
        reply.message().contains("at most 7 containers in a session (key `containers.max`)"),
        "{}",
        reply.message()
    );
}

#[tokio::test]
async fn the_bound_of_an_owner_holds_over_all_of_its_sessions() {
    let lab = Lab::start(&policy("[containers]\nmax-per-owner = 5\n")).await;
    let statuses = storm(&lab, 20).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "{statuses:?}");
    assert_eq!(owned(&lab), 5);
    let reply = lab.call(create()).await;
    assert!(reply.assert_status(403).message().contains("owner `lab/main` has 5;"), "{}", reply.message());
}

#[tokio::test]
async fn room_that_was_given_back_can_be_taken_again() {
    let lab = Lab::start(&policy("[containers]\nmax = 1\n")).await;
    let id = lab.call(create()).await.assert_status(201).json()["Id"].as_str().expect("an ID").to_owned();
    lab.call(create()).await.assert_status(403);
    lab.call(Request::new("DELETE", &format!("/v1.44/containers/{id}?force=1"))).await.assert_status(204);
    lab.call(create()).await.assert_status(201);
}

#[tokio::test]
async fn a_restart_is_no_fresh_budget() {
    let mut lab = Lab::start(&policy("[containers]\nmax = 2\n")).await;
    assert_eq!(storm(&lab, 2).await, [201, 201]);
    lab.stop_broker().await;
    let _broker = Broker::start(lab.setup(&policy("[containers]\nmax = 2\n"))).expect("a broker");
    lab.call(create()).await.assert_status(403);
}

#[tokio::test]
async fn a_create_whose_client_left_counts() {
    let lab = Lab::start(&policy("[containers]\nmax = 1\n")).await;
    lab.engine.on("POST", "/containers/create").delay(Duration::from_millis(200));
    let mut client = lab.client().await;
    client.send(&create()).await;
    lab.engine.came("POST", "/containers/create").await;
    drop(client);
    lab.call(create()).await.assert_status(403);
    assert_eq!(owned(&lab), 3);
}

#[tokio::test]
async fn a_second_broker_that_was_faster_leaves_no_room() {
    let lab = Lab::start(&policy("[containers]\nmax = 1\n")).await;
    lab.engine.on("POST", "/containers/create").delay(Duration::from_millis(200));
    let mut client = lab.client().await;
    client.send(&create()).await;
    lab.engine.came("POST", "/containers/create").await;
    // what another broker of this owner makes in the same session meanwhile
    lab.engine.world(|world| {
        let mut other = world.containers[0].clone();
        other.id = world.new_id();
        "its-own".clone_into(&mut other.name);
        other.config["Labels"]["docker-broker.session"] = json!("default");
        world.containers.push(other);
    });
    let reply = client.reply("POST").await.expect("an answer");
    assert!(reply.assert_status(403).message().contains("another broker was faster"), "{}", reply.message());
    eventually("what was made is removed", || owned(&lab) == 3).await;
}

#[tokio::test]
async fn an_engine_that_cannot_be_counted_in_is_asked_for_nothing() {
    let lab = Lab::start(&policy("[containers]\nmax = 9\n")).await;
    lab.engine.on("GET", "/containers/json").reply(500, json!({"message": "no"}));
    lab.call(create()).await.assert_status(502);
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn without_a_bound_nothing_is_counted_and_nobody_waits() {
    let text = "version = 1\nextends = \"testcontainers\"\n[images]\nallow = [\"postgres:16\"]\n";
    let lab = Lab::start(text).await;
    lab.engine.forget();
    lab.call(create()).await.assert_status(201);
    let counted = lab.engine.requests().iter().filter(|request| request.path() == "/containers/json").count();
    assert!(counted <= 1, "the sweeper alone may have looked: {counted}");
}

#[tokio::test]
async fn containers_share_what_their_owner_may_use() {
    let lab = Lab::start(&policy("[containers]\nmax = 50\n[containers.totals]\nmemory = \"4GiB\"\n")).await;
    lab.engine.world(|world| {
        for container in &mut world.containers {
            container.host_config["Memory"] = json!(512 << 20);
        }
    });
    let statuses = storm(&lab, 10).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "1 of 4 GiB was used: {statuses:?}");
    let reply = lab.call(create()).await;
    let message = reply.assert_status(403).message();
    assert!(message.contains("4294967296 are used and 0 left"), "{message}");
    assert!(message.contains("`HostConfig.Memory`") && message.contains("containers.totals.memory"), "{message}");
    // a client that asks for less than the limit takes less
    lab.engine.world(|world| world.containers.truncate(world.containers.len() - 1));
    let small = json!({"Image": "postgres:16", "HostConfig": {"Memory": 256 << 20}});
    assert_eq!(lab.post(CREATE, &small).await.status, 201);
}

#[tokio::test]
async fn labels_that_an_image_brought_along_are_not_counted() {
    let lab = Lab::start(&policy("[containers]\nmax = 1\n")).await;
    lab.engine.world(|world| {
        let labels = owner_labels(OWNER, Some("sha256:another"));
        for container in &mut world.containers {
            if container.config["Labels"]["docker-broker.owner"].is_string() {
                container.config["Labels"] = json!(labels);
                container.config["Labels"]["docker-broker.session"] = json!("default");
            }
        }
    });
    lab.call(create()).await.assert_status(201);
}
