//! Whole policies against the whole table of operations.

use serde_json::{Value, json};

use super::fixture::{Outcome, Scene, sample};
use crate::operation::routes::{ROWS, Standing};
use crate::policy::file::keys;
use crate::policy::permit::Relay;

/// One sample request for every modelled operation.
fn every_operation(scene: &Scene) -> Vec<(&'static str, Outcome)> {
    let modelled = ROWS.iter().filter(|row| matches!(row.standing, Standing::Modelled(..)));
    modelled
        .map(|row| {
            let (target, body) = sample(&row.method, row.pattern);
            let outcome =
                if body == Value::Null { scene.ask(row.method.as_str(), &target) } else { scene.post(&target, &body) };
            (row.id, outcome)
        })
        .collect()
}

#[test]
fn an_empty_policy_refuses_every_operation() {
    for scene in [Scene::with(""), Scene::with("version = 1\n"), Scene::shipped("deny-all")] {
        let outcomes = every_operation(&scene);
        assert_eq!(outcomes.len(), 51);
        for (id, outcome) in outcomes {
            let message = outcome.denied().message("r");
            assert!(message.starts_with(&format!("docker-broker: {id} refused: ")), "{message}");
        }
    }
}

#[test]
fn reading_changes_nothing() {
    let reads =
        ["Ping", "SystemInfo", "Version", "Events", "List", "ContainerInspect", "NetworkInspect", "VolumeInspect"];
    for (id, outcome) in every_operation(&Scene::shipped("read-only")) {
        let may = reads.iter().any(|read| id.contains(read)) && !id.contains("Exec");
        match outcome {
            Outcome::Sent(sent) => {
                assert!(may && (sent.target.starts_with("GET ") || sent.target.starts_with("HEAD ")), "{id}");
            }
            Outcome::Denied(denial) => assert!(!may, "{}", denial.message("r")),
            Outcome::Malformed(error) => panic!("{id}: {error}"),
        }
    }
}

#[test]
fn the_shipped_default_serves_an_ordinary_suite() {
    // images are everybody's, and networks and volumes of one's own are not part of it: keys of their own
    let keys = [
        ("ImageDelete", "images.remove"),
        ("ImageTag", "build.tags"),
        ("ImagePush", "images.push"),
        ("NetworkDelete", "networks.create"),
        ("VolumeDelete", "volumes.create"),
    ];
    for (id, outcome) in every_operation(&Scene::postgres()) {
        match keys.iter().find(|(known, _)| *known == id) {
            Some((_, key)) => assert_eq!(outcome.refused_by(), *key),
            None => assert!(matches!(outcome, Outcome::Sent(_)), "{id}: {outcome:?}"),
        }
    }
    let text = "[images]\nremove=[\"postgres:*\"]\npush=[\"postgres:*\"]\n[build]\ntags=[\"agent/*:*\"]\n";
    for (id, outcome) in every_operation(&Scene::postgres_with(text)) {
        let opened = matches!(outcome, Outcome::Sent(_));
        assert!(opened || ["NetworkDelete", "VolumeDelete"].contains(&id), "{id}: {outcome:?}");
    }
}

#[test]
fn unrestricted_sends_what_it_got_and_filters_nothing() {
    let scene = Scene::shipped("unrestricted");
    for (id, outcome) in every_operation(&scene) {
        assert_eq!(outcome.sent().relay, Relay::AsIs, "{id}");
    }
    let body = json!({"Image": "redis:7", "HostConfig": {"Privileged": true, "Binds": ["/srv:/x"], "PidMode": "host"}});
    assert_eq!(scene.post("/containers/create", &body).sent().body, body);
    // a raw stream is resolved before, for the engine answers what does not exist with something that is no HTTP
    scene.ask("POST", "/containers/nothing/attach").missing();
    scene.ask("POST", "/containers/nothing/stop").sent();
}

#[test]
fn images_without_control_cannot_be_run() {
    let scene = Scene::with("[images]\nallow=[\"*:*\"]\npull=true\n[containers]\nsee=\"own\"\n");
    assert_eq!(scene.create(&json!({})).refused_by(), "containers.control");
}

#[test]
fn what_will_come_later_names_a_key_that_a_policy_can_hold() {
    let missing: Vec<_> = ROWS
        .iter()
        .filter_map(|row| match row.standing {
            Standing::Later(key) => Some((row.id, key)),
            Standing::Modelled(..) | Standing::Floor => None,
        })
        .filter(|(_, key)| keys::find(key).is_none())
        .collect();
    assert_eq!(missing, []);
}
