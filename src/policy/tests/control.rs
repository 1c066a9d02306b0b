//! Control by labels: foreign containers that the policy grants by what is written on them.

use serde_json::json;

use super::fixture::{Scene, full_id};
use crate::policy::compile::Scope;
use crate::policy::ownership::OWNER;
use crate::policy::permit::Relay;

const PROJECT: &str = "com.docker.compose.project";

/// `foreign` is nobody's of a broker and carries both labels.
fn scene() -> Scene {
    let policy = "[containers]\ncontrol = { labels = [\"com.docker.compose.project=shop\", \"team=a\"] }\n";
    let mut scene = Scene::postgres_with(policy);
    let labels = [(PROJECT.to_owned(), "shop".to_owned()), ("team".to_owned(), "a".to_owned())];
    scene.engine.container("foreign").labels = labels.into();
    scene
}

/// Looks, acts, and runs something: the ways by which a container is found.
fn assert_hidden(scene: &Scene, why: &str) {
    for reference in ["foreign".to_owned(), full_id("ff"), "ff".to_owned()] {
        for (method, verb) in
            [("GET", "json"), ("POST", "stop"), ("POST", "start"), ("GET", "logs"), ("POST", "rename?name=x2")]
        {
            let message = scene.ask(method, &format!("/containers/{reference}/{verb}")).missing();
            assert_eq!(message, format!("No such container: {reference}"), "{why}");
        }
        scene.post(&format!("/containers/{reference}/exec"), &json!({"Cmd": ["id"]})).missing();
    }
    let exec = full_id("e2");
    assert_eq!(scene.ask("GET", &format!("/exec/{exec}/json")).missing(), format!("No such exec instance: {exec}"));
}

#[test]
fn one_label_of_two_is_none() {
    let mut one = scene();
    one.engine.container("foreign").labels.remove("team");
    assert_hidden(&one, "a label is missing");
    let mut other = scene();
    other.engine.container("foreign").labels.insert("team".into(), "b".into());
    assert_hidden(&other, "a label has another value");
}

#[test]
fn a_label_that_came_with_the_image_does_not_count() {
    let mut inherited = scene();
    inherited.engine.images[0].labels.insert("team".into(), "a".into());
    assert_hidden(&inherited, "the image says so, not who made the container");
    let mut other = scene();
    other.engine.images[0].labels.insert("team".into(), "b".into());
    other.ask("POST", "/containers/foreign/stop").sent();
    let mut unknown = scene();
    unknown.engine.images.remove(0);
    assert_hidden(&unknown, "nobody knows where the labels come from");
    let mut none = scene();
    none.engine.container("foreign").image_id = String::new();
    assert_hidden(&none, "it names no image");
}

#[test]
fn a_container_of_another_owner_stays_its_owners() {
    let mut proven = scene();
    let owned = proven.engine.container("own").labels.clone();
    let foreign = proven.engine.container("foreign");
    foreign.labels.extend(owned);
    foreign.labels.insert(OWNER.to_owned(), "host-1/other".into());
    assert_hidden(&proven, "its owner is another client's");
    let mut unproven = scene();
    unproven.engine.container("foreign").labels.insert(OWNER.to_owned(), "host-1/main".into());
    assert_hidden(&unproven, "an owner label that no image label proves");
}

#[test]
fn what_carries_the_labels_is_acted_on_as_a_foreign_one() {
    let mut scene = scene();
    let id = full_id("ff");
    for (method, verb) in [
        ("POST", "stop"),
        ("POST", "start"),
        ("POST", "restart"),
        ("POST", "kill"),
        ("POST", "pause"),
        ("POST", "unpause"),
        ("GET", "logs"),
        ("GET", "top"),
        ("GET", "stats"),
    ] {
        let target = scene.ask(method, &format!("/containers/foreign/{verb}")).sent().target;
        assert_eq!(target, format!("{method} /containers/{id}/{verb}"));
    }
    scene.post("/containers/foreign/exec", &json!({"Cmd": ["id"]})).sent();
    scene.ask("GET", &format!("/exec/{}/json", full_id("e2"))).sent();
    // what it leaves behind is its owner's business
    assert_eq!(scene.ask("DELETE", "/containers/foreign").sent().target, format!("DELETE /containers/{id}"));
    // who made it chose image and networks
    scene.engine.container("foreign").image = "redis:7".into();
    scene.ask("POST", "/containers/foreign/start").sent();
    // own ones are found beside
    scene.ask("POST", "/containers/own/stop").sent();
}

#[test]
fn what_may_be_controlled_is_seen_whole() {
    let mut scene = scene();
    assert_eq!(scene.ask("GET", "/containers/foreign/json").sent().relay, Relay::AsIs);
    scene.policy.containers.see = Scope::All;
    assert_eq!(scene.ask("GET", "/containers/foreign/json").sent().relay, Relay::AsIs);
    scene.engine.container("foreign").labels.clear();
    assert_eq!(scene.ask("GET", "/containers/foreign/json").sent().relay, Relay::Filtered);
    scene.policy.containers.see = Scope::None;
    assert_eq!(scene.ask("GET", "/containers/foreign/json").refused_by(), "containers.see");
}

#[test]
fn a_list_is_counted_after_it_was_looked_through() {
    let sent = scene().ask("GET", "/containers/json?limit=2&size=1").sent();
    assert_eq!((sent.target.as_str(), sent.relay), ("GET /containers/json?all=1&size=1", Relay::FirstOf(2)));
    let sent = scene().ask("GET", "/containers/json?limit=0").sent();
    assert_eq!((sent.target.as_str(), sent.relay), ("GET /containers/json?limit=0", Relay::Filtered));
    let before = scene().ask("GET", "/containers/json?filters=%7B%22before%22:%5B%22foreign%22%5D%7D");
    assert_eq!(before.refused_by(), "containers.see");
}
