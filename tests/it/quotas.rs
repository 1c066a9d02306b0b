//! How much one owner may have: exact however many ask at once, counted in the engine, and refused with the numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::broker::Broker;
use crate::harness::client::{Client, Request};
use crate::harness::engine::eventually;
use crate::harness::engine::world::{OWN, owner_labels};
use crate::harness::{Lab, OWNER};

/// What can be bounded in number besides containers.
#[derive(Clone, Copy)]
enum Thing {
    Network,
    Volume,
}

impl Thing {
    const BOTH: [Self; 2] = [Self::Network, Self::Volume];

    const fn place(self) -> &'static str {
        match self {
            Self::Network => "/networks/create",
            Self::Volume => "/volumes/create",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Network => "networks.create.max",
            Self::Volume => "volumes.create.max",
        }
    }

    fn create(self, name: &str) -> Request {
        Request::post(&format!("/v1.44{}", self.place())).json(&json!({"Name": name}))
    }

    /// The names of those that were made through the broker by now.
    fn made(self, lab: &Lab) -> Vec<String> {
        let own =
            |labels: &BTreeMap<String, String>| labels.get("docker-broker.session").is_some_and(|s| s == "default");
        lab.engine.world(|world| match self {
            Self::Network => world.networks.iter().filter(|n| own(&n.labels)).map(|n| n.name.clone()).collect(),
            Self::Volume => world.volumes.iter().filter(|v| own(&v.labels)).map(|v| v.name.clone()).collect(),
        })
    }

    /// What another broker of this owner makes in the same session.
    fn appear(self, lab: &Lab, name: &str) {
        let mut labels = owner_labels(OWNER, None);
        labels.insert("docker-broker.session".to_owned(), "default".to_owned());
        lab.engine.world(|world| match self {
            Self::Network => {
                let mut other = world.networks[0].clone();
                (other.id, other.name, other.labels) = (world.new_id(), name.to_owned(), labels);
                world.networks.push(other);
            }
            Self::Volume => {
                let mut other = world.volumes[0].clone();
                (other.name, other.labels) = (name.to_owned(), labels);
                world.volumes.push(other);
            }
        });
    }
}

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
    at_once(lab, count, |_| create()).await
}

/// So many requests at once, each on a connection of its own; the statuses of the answers.
async fn at_once(lab: &Lab, count: usize, request: impl Fn(usize) -> Request) -> Vec<u16> {
    let mut clients = Vec::new();
    for number in 0..count {
        let mut client: Client = lab.client().await;
        client.send(&request(number)).await;
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

/// The `postgres` policy with so many networks and volumes.
fn with_networks_and_volumes(most: usize) -> String {
    let grant = format!("create = {{ names = [\"n-*\"], max = {most} }}");
    policy(&format!("[networks]\n{grant}\n[volumes]\n{grant}\n"))
}

#[tokio::test]
async fn fifty_networks_or_volumes_at_once_are_as_many_as_there_may_be() {
    for thing in Thing::BOTH {
        let lab = Lab::start(&with_networks_and_volumes(4)).await;
        let before = thing.made(&lab).len();
        lab.engine.on("POST", thing.place()).delay(Duration::from_millis(5));
        let statuses = at_once(&lab, 50, |number| thing.create(&format!("n-{number}"))).await;
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(201), count(403)), (4 - before, 46 + before), "{statuses:?}");
        assert_eq!(thing.made(&lab).len(), 4);
        let reply = lab.call(thing.create("n-one-more")).await;
        let key = format!("(key `{}`)", thing.key());
        assert!(reply.assert_status(403).message().contains(&key), "{}", reply.message());
    }
}

#[tokio::test]
async fn a_network_or_volume_whose_client_left_counts() {
    for thing in Thing::BOTH {
        let lab = Lab::start(&with_networks_and_volumes(1)).await;
        lab.engine.on("POST", thing.place()).delay(Duration::from_millis(300));
        let mut client = lab.client().await;
        client.send(&thing.create("n-first")).await;
        lab.engine.came("POST", thing.place()).await;
        drop(client);
        // long enough for the broker to have seen that it left, and not for the engine to have answered
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(thing.made(&lab).is_empty(), "the engine is not that fast");
        lab.call(thing.create("n-second")).await.assert_status(403);
        assert_eq!(thing.made(&lab), ["n-first"]);
    }
}

#[tokio::test]
async fn a_second_broker_that_was_faster_leaves_no_room_for_a_network_or_volume() {
    for thing in Thing::BOTH {
        let lab = Lab::start(&with_networks_and_volumes(1)).await;
        lab.engine.on("POST", thing.place()).delay(Duration::from_millis(200));
        let mut client = lab.client().await;
        client.send(&thing.create("n-ours")).await;
        lab.engine.came("POST", thing.place()).await;
        thing.appear(&lab, "n-theirs");
        let reply = client.reply("POST").await.expect("an answer");
        assert!(reply.assert_status(403).message().contains("another broker was faster"), "{}", reply.message());
        assert!(reply.message().contains(thing.key()), "{}", reply.message());
        eventually("what was made is removed", || thing.made(&lab) == ["n-theirs"]).await;
    }
}

#[tokio::test]
async fn a_volume_that_is_there_already_is_not_one_more() {
    let lab = Lab::start(&with_networks_and_volumes(1)).await;
    Thing::Volume.appear(&lab, "n-first");
    Thing::Volume.appear(&lab, "n-second");
    lab.call(Thing::Volume.create("n-first")).await.assert_status(201);
    lab.call(Thing::Volume.create("n-third")).await.assert_status(403);
    assert_eq!(Thing::Volume.made(&lab), ["n-first", "n-second"], "and nothing is removed because there are too many");
}

#[tokio::test]
async fn a_container_whose_new_volume_is_one_too_many_goes_with_it() {
    let lab = Lab::start(&with_networks_and_volumes(1)).await;
    lab.engine.on("POST", "/containers/create").delay(Duration::from_millis(200));
    let mut client = lab.client().await;
    let body = json!({"Image": "postgres:16", "HostConfig": {"Binds": ["n-ours:/data"]}});
    client.send(&Request::post(CREATE).json(&body)).await;
    lab.engine.came("POST", "/containers/create").await;
    Thing::Volume.appear(&lab, "n-theirs");
    let reply = client.reply("POST").await.expect("an answer");
    assert!(reply.assert_status(403).message().contains("volumes.create.max"), "{}", reply.message());
    eventually("container and volume are removed", || owned(&lab) == 2 && Thing::Volume.made(&lab) == ["n-theirs"])
        .await;
}

#[tokio::test]
async fn a_container_that_gets_other_limits_keeps_the_others_waiting_though_its_client_left() {
    let lab = Lab::start(&policy("[containers]\nmax = 9\n[containers.totals]\nmemory = \"2GiB\"\n")).await;
    lab.engine.world(|world| {
        for container in &mut world.containers {
            container.host_config["Memory"] = json!(512 << 20);
        }
    });
    let path = format!("/containers/{OWN}/update");
    lab.engine.on("POST", &path).delay(Duration::from_millis(300));
    let mut client = lab.client().await;
    client.send(&Request::post(&format!("/v1.44{path}")).json(&json!({"Memory": 1 << 30}))).await;
    lab.engine.came("POST", &path).await;
    drop(client);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let reply = lab.call(create()).await;
    assert!(reply.assert_status(403).message().contains("1610612736 are used"), "{}", reply.message());
}
