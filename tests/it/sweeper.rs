//! What is over is removed: at start-up, by deadline, and only what is the instance's.

use std::time::Duration;

use docker_broker::bounds::Bounds;
use docker_broker::policy::ownership::Owner;
use docker_broker::session::removal::{self, Kind, Obstacle, Removal, Which, Whose};
use docker_broker::upstream::Engine;
use docker_broker::upstream::address::Address;
use serde_json::json;

use crate::harness::engine::eventually;
use crate::harness::engine::world::{FOREIGN, FOREIGN_NET, IMPOSTOR, OWN, OWN_NET, OWN_STOPPED, now, owner_labels};
use crate::harness::{INSTANCE, Lab, OWNER};

const EXPIRES: &str = "docker-broker.expires";

/// Makes the deadline of everything that carries one of ours lie in the past.
fn expire_everything(lab: &Lab) {
    let past = (now() - 1).to_string();
    lab.engine.world(|world| {
        for container in &mut world.containers {
            if let Some(labels) = container.config["Labels"].as_object_mut()
                && labels.contains_key(EXPIRES)
            {
                labels.insert(EXPIRES.to_owned(), json!(past));
            }
        }
        let networks = world.networks.iter_mut().map(|network| &mut network.labels);
        for labels in networks.chain(world.volumes.iter_mut().map(|volume| &mut volume.labels)) {
            if labels.contains_key(EXPIRES) {
                labels.insert(EXPIRES.to_owned(), past.clone());
            }
        }
    });
}

fn has_network(lab: &Lab, id: &str) -> bool {
    lab.engine.world(|world| world.networks.iter().any(|network| network.id == id))
}

fn has_volume(lab: &Lab, name: &str) -> bool {
    lab.engine.world(|world| world.volumes.iter().any(|volume| volume.name == name))
}

/// Puts a foreign container on a network of ours, as its operator may.
fn join_foreign(lab: &Lab) {
    lab.engine.world(|world| {
        let network = world.network(OWN_NET).expect("a network").clone();
        world.change(FOREIGN, |foreign| {
            foreign.networks.insert(network.name, network.id);
        });
    });
}

/// A removal by hand, as the command line does it.
async fn remove(lab: &Lab, whose: Whose, which: Which, dry_run: bool) -> Removal {
    let address = Address::parse(lab.setup("postgres").upstream.to_str().expect("a path")).expect("an address");
    let engine = Engine::new(address, &Bounds::default());
    removal::remove(&engine, &whose, &which, dry_run, None).await.expect("an engine")
}

fn kinds(removal: &Removal) -> Vec<(Kind, &str)> {
    let mut kinds: Vec<_> = removal.removed.iter().map(|item| (item.kind, item.name.as_str())).collect();
    kinds.sort_unstable();
    kinds
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

#[tokio::test]
async fn networks_and_volumes_end_as_containers_do_and_after_them() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    expire_everything(&lab);
    lab.engine.forget();
    let _broker = crate::harness::broker::Broker::start(lab.setup("postgres")).expect("a broker");
    eventually("all is gone", || !has_network(&lab, OWN_NET) && !has_volume(&lab, "own-volume")).await;
    assert!(has_network(&lab, FOREIGN_NET) && has_volume(&lab, "payroll-volume"), "foreign ones were removed");
    let deletes: Vec<String> =
        lab.engine.requests().iter().filter(|r| r.method == "DELETE").map(|r| r.line()).collect();
    let at = |kind: &str| deletes.iter().position(|line| line.starts_with(&format!("DELETE /{kind}/"))).expect(kind);
    assert!(at("containers") < at("networks") && at("networks") < at("volumes"), "{deletes:#?}");
}

#[tokio::test]
async fn a_network_with_a_foreign_container_stays_as_long_as_that() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    expire_everything(&lab);
    join_foreign(&lab);
    let _broker = crate::harness::broker::Broker::start(lab.setup("postgres")).expect("a broker");
    eventually("the volume is gone", || !has_volume(&lab, "own-volume")).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(has_network(&lab, OWN_NET) && is_there(&lab, FOREIGN));
    lab.engine.world(|world| world.change(FOREIGN, |foreign| foreign.networks.clear()));
    eventually("it is tried again", || !has_network(&lab, OWN_NET)).await;
}

#[tokio::test]
async fn one_sweeper_serves_every_listener_and_user_of_its_instance_and_no_other() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    lab.engine.world(|world| {
        let template = world.volumes[0].clone();
        for (name, owner) in
            [("other", "lab/other"), ("uid", "lab/other/uid-7"), ("longer", "labor/main"), ("junk", "lab")]
        {
            let mut volume = template.clone();
            (volume.name, volume.labels) = (name.to_owned(), owner_labels(owner, None));
            world.volumes.push(volume);
        }
    });
    expire_everything(&lab);
    let _broker = crate::harness::broker::Broker::start(lab.setup("postgres")).expect("a broker");
    eventually("theirs are gone", || !has_volume(&lab, "other") && !has_volume(&lab, "uid")).await;
    assert!(has_volume(&lab, "longer") && has_volume(&lab, "junk"), "another instance's was removed");
}

#[tokio::test]
async fn a_dry_run_names_what_would_go_and_touches_nothing() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    lab.engine.forget();
    let owner = Whose::Owner(Owner::new(INSTANCE, "main"));
    let removal = remove(&lab, owner, Which::Everything, true).await;
    let mine = [
        (Kind::Container, "own-postgres"),
        (Kind::Container, "own-stopped"),
        (Kind::Network, "n-own"),
        (Kind::Volume, "own-volume"),
    ];
    assert_eq!(kinds(&removal), mine);
    assert!(removal.is_complete() && removal.removed.iter().all(|item| item.owner.as_str() == OWNER));
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn everything_of_an_owner_goes_and_what_cannot_is_named_with_its_reason() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    join_foreign(&lab);
    let whose = Whose::Instance(INSTANCE.to_owned());
    let removal = remove(&lab, whose.clone(), Which::Everything, false).await;
    assert_eq!(removal.removed.len(), 3, "{removal:?}");
    assert_eq!(removal.left.len(), 1);
    assert_eq!((removal.left[0].obstacle, removal.left[0].item.id.as_str()), (Obstacle::InUse, OWN_NET));
    assert!(is_there(&lab, FOREIGN) && is_there(&lab, IMPOSTOR) && has_volume(&lab, "payroll-volume"));
    lab.engine.world(|world| world.change(FOREIGN, |foreign| foreign.networks.clear()));
    assert_eq!(kinds(&remove(&lab, whose, Which::Everything, false).await), [(Kind::Network, "n-own")]);
}

#[tokio::test]
async fn a_session_ends_alone_and_what_is_not_due_says_when_it_will_be() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    let whose = Whose::Instance(INSTANCE.to_owned());
    lab.engine.world(|world| {
        world.change(OWN, |own| own.config["Labels"]["docker-broker.session"] = json!("run-1"));
        world.change(OWN_STOPPED, |own| own.config["Labels"][EXPIRES] = json!((now() + 77).to_string()));
    });
    let removal = remove(&lab, whose.clone(), Which::Session("run-1".to_owned()), false).await;
    assert_eq!(kinds(&removal), [(Kind::Container, "own-postgres")]);
    let removal = remove(&lab, whose, Which::Due { now: now(), began: None }, false).await;
    assert!(removal.removed.is_empty() && removal.next.is_some_and(|at| at <= now() + 77), "{removal:?}");
}

#[tokio::test]
async fn volumes_that_the_engine_does_not_list_keep_nothing_else() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    lab.engine.on("GET", "/volumes").reply(500, json!({"message": "a plugin hangs"}));
    let removal = remove(&lab, Whose::Instance(INSTANCE.to_owned()), Which::Everything, false).await;
    assert_eq!(removal.removed.len(), 3, "{removal:?}");
    assert!(matches!(removal.unlisted.as_slice(), [(Kind::Volume, _)]) && !removal.is_complete());
}

/// Gives an own container a bound on its disk and a size.
fn bound_disk(lab: &Lab, id: &str, bound: &str, size: u64) {
    lab.engine.world(|world| {
        world.change(id, |own| own.config["Labels"]["docker-broker.disk"] = json!(bound));
        world.sizes.insert(id.to_owned(), size);
    });
}

fn records(lab: &Lab) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(lab.audit_file()).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test]
async fn what_takes_more_disk_than_its_label_says_goes_also_after_a_restart() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    bound_disk(&lab, OWN, "1000", 1001);
    bound_disk(&lab, OWN_STOPPED, "1000", 1000);
    bound_disk(&lab, FOREIGN, "1", 2);
    bound_disk(&lab, IMPOSTOR, "1", 2);
    let broker = crate::harness::broker::Broker::start(lab.setup("postgres")).expect("a broker");
    eventually("it is gone", || !is_there(&lab, OWN)).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(is_there(&lab, OWN_STOPPED), "it takes what it may");
    assert!(is_there(&lab, FOREIGN) && is_there(&lab, IMPOSTOR), "labels of others are no bound of ours");
    broker.stop().await;
    let removals: Vec<_> = records(&lab).into_iter().filter(|record| record["type"] == "sweep").collect();
    // before the engine was asked, and when it was done
    let stages: Vec<_> = removals.iter().map(|record| record["decision"].as_str().expect("a word")).collect();
    assert_eq!(stages, ["removing", "removed"], "{removals:#?}");
    let reason = "it took 1001 bytes of disk, 1 more than the 1000 that it may";
    for (key, value) in [
        ("object", OWN),
        ("decision", "removed"),
        ("owner", OWNER),
        ("reason", reason),
        ("operation", "ContainerDelete"),
        ("name", "own-postgres"),
        ("session", "s-1"),
    ] {
        assert_eq!(removals[1][key], json!(value), "{key}");
    }
}

#[tokio::test]
async fn anonymous_volumes_count_with_the_layer_and_named_ones_do_not() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    let anonymous = "5".repeat(64);
    for (id, volume) in [(OWN, anonymous.as_str()), (OWN_STOPPED, "own-volume")] {
        bound_disk(&lab, id, "1000", 600);
        lab.engine.world(|world| {
            world.change(id, |own| own.config["Volumes"] = json!({volume: {}}));
            world.sizes.insert(volume.to_owned(), 500);
        });
    }
    let _broker = crate::harness::broker::Broker::start(lab.setup("postgres")).expect("a broker");
    eventually("it is gone", || !is_there(&lab, OWN)).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(is_there(&lab, OWN_STOPPED));
}

#[tokio::test]
async fn without_a_bound_nobody_is_asked_for_sizes_and_with_one_from_its_create_on() {
    let policy = "version = 1\nextends = \"postgres\"\n[containers.limits]\ndisk = \"1MiB\"\n";
    let lab = Lab::start(policy).await;
    let asked =
        |lab: &Lab| lab.engine.requests().iter().filter(|request| request.query_value("size").is_some()).count();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked(&lab), 0);
    let reply = lab.post("/v1.47/containers/create", &json!({"Image": "postgres:16"})).await;
    let id = reply.assert_status(201).json()["Id"].as_str().expect("an ID").to_owned();
    lab.engine.world(|world| world.sizes.insert(id.clone(), 3 << 20));
    let gone = async {
        while is_there(&lab, &id) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(12), gone).await.expect("removed within two looks");
}

#[tokio::test]
async fn every_object_that_the_broker_ends_is_in_the_audit() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    expire_everything(&lab);
    let broker = crate::harness::broker::Broker::start(lab.setup("postgres")).expect("a broker");
    eventually("all is gone", || !has_volume(&lab, "own-volume")).await;
    broker.stop().await;
    let mut ended: Vec<_> = records(&lab)
        .into_iter()
        .filter(|record| record["decision"] == "removed" && record["reason"] == "its time was over")
        .map(|record| {
            (
                record["operation"].as_str().expect("a word").to_owned(),
                record["object"].as_str().expect("an ID").to_owned(),
            )
        })
        .collect();
    ended.sort();
    let expected = [
        ("ContainerDelete", OWN),
        ("ContainerDelete", OWN_STOPPED),
        ("NetworkDelete", OWN_NET),
        ("VolumeDelete", "own-volume"),
    ];
    assert_eq!(ended, expected.map(|(operation, object)| (operation.to_owned(), object.to_owned())));
}
