//! Exec: what runs inside an own container, and who may talk to it.

use serde_json::json;

use super::fixture::{Scene, full_id};

/// Method and target for each operation on an exec.
fn operations(id: &str) -> [(&'static str, String); 3] {
    [
        ("POST", format!("/exec/{id}/start")),
        ("POST", format!("/exec/{id}/resize?h=24&w=80")),
        ("GET", format!("/exec/{id}/json")),
    ]
}

fn ask(scene: &Scene, method: &str, target: &str) -> super::fixture::Outcome {
    if target.ends_with("/start") { scene.post(target, &json!({})) } else { scene.ask(method, target) }
}

#[test]
fn a_foreign_exec_is_answered_like_a_missing_one() {
    let scene = Scene::postgres();
    for id in [full_id("e2"), full_id("e9")] {
        for (method, target) in operations(&id) {
            assert_eq!(ask(&scene, method, &target).missing(), format!("No such exec instance: {id}"));
        }
    }
}

#[test]
fn an_exec_in_a_container_that_only_looks_like_ones_own_is_foreign() {
    let mut scene = Scene::postgres();
    scene.engine.container("own").image_id = "sha256:other".into();
    for (method, target) in operations(&full_id("e1")) {
        ask(&scene, method, &target).missing();
    }
}

#[test]
fn without_control_no_exec_is_touched() {
    let scene = Scene::with("[containers]\nsee = \"all\"\nexec = true\n");
    for id in [full_id("e1"), full_id("e9")] {
        for (method, target) in operations(&id) {
            assert_eq!(ask(&scene, method, &target).refused_by(), "containers.control");
        }
    }
}

#[test]
fn without_the_grant_nothing_runs() {
    let scene = Scene::postgres_with("[containers]\nexec = false\n");
    for (method, target) in operations(&full_id("e1")) {
        assert_eq!(ask(&scene, method, &target).refused_by(), "containers.exec");
    }
    let create = scene.post("/containers/own/exec", &json!({"Cmd": ["id"]}));
    assert_eq!(create.refused_by(), "containers.exec");
}

#[test]
fn a_start_is_judged_by_what_the_engine_will_run() {
    let scene = Scene::postgres();
    let start = |id: &str| scene.post(&format!("/exec/{}/start", full_id(id)), &json!({}));
    assert_eq!(start("e3").refused_by(), "containers.host.exec-privileged");
    start("e4").sent();
    let narrow = Scene::postgres_with("[containers]\nexec = { users = [\"\", \"postgres\"] }\n");
    let target = format!("/exec/{}/start", full_id("e4"));
    assert_eq!(narrow.post(&target, &json!({})).refused_by(), "containers.exec");
    narrow.post(&format!("/exec/{}/start", full_id("e1")), &json!({})).sent();
}

#[test]
fn users_are_matched_whole() {
    let scene = Scene::postgres_with("[containers]\nexec = { users = [\"postgres\"] }\n");
    for user in ["", "root", "0", "postgres:root", "Postgres", " postgres"] {
        let outcome = scene.post("/containers/own/exec", &json!({"Cmd": ["id"], "User": user}));
        assert_eq!(outcome.refused_by(), "containers.exec", "{user}");
    }
    scene.post("/containers/own/exec", &json!({"Cmd": ["id"], "User": "postgres"})).sent();
}

#[test]
fn an_exec_is_made_in_the_container_that_was_judged() {
    let body = json!({"Cmd": ["id"], "Container": "foreign", "containerId": "foreign", "Privileged": false});
    let sent = Scene::postgres().post("/containers/own/exec", &body).sent();
    assert_eq!(sent.target, format!("POST /containers/{}/exec", full_id("aa")));
    assert_eq!(sent.body, json!({"Cmd": ["id"]}));
}
