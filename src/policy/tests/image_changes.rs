//! Removing, naming and pushing images, and asking registries about them.

use hyper::http::Request;

use super::fixture::{Scene, each, full_id, image, image_id};
use crate::policy::permit::Relay;

fn scene() -> Scene {
    let mut scene = Scene::postgres_with(
        "[images]\nremove = [\"agent/*:*\", \"redis:7\"]\npush = [\"registry.example:5000/agent/*:*\"]\n\
         [build]\ntags = [\"agent/*:*\", \"postgres:*\"]\n",
    );
    scene.engine.images.push(image(
        "44",
        &["agent/app:1", "agent/app:2"],
        &["agent/app@sha256:".to_owned() + &"44".repeat(32)],
    ));
    scene.engine.images.push(image("55", &["agent/app:3", "private/app:3"], &[]));
    scene.engine.images.push(image("66", &[], &[]));
    scene
}

#[test]
fn an_image_is_removed_only_by_names_that_the_policy_gives_away() {
    let scene = scene();
    // seen, and not to be removed
    for name in
        ["postgres:16".to_owned(), "docker.io/library/postgres:16".into(), full_id("11"), "11".into(), full_id("55")]
    {
        assert_eq!(scene.ask("DELETE", &format!("/images/{name}?force=1")).refused_by(), "images.remove", "{name}");
    }
    // not seen, or not there
    for name in [
        "private/app:3".to_owned(),
        "private/secret:1".into(),
        full_id("ca"),
        "ca".into(),
        full_id("66"),
        "agent/none:1".into(),
    ] {
        let message = scene.ask("DELETE", &format!("/images/{name}")).missing();
        assert!(message.starts_with("No such image: "), "{message}");
    }
    assert_eq!(Scene::postgres().ask("DELETE", "/images/postgres:16").refused_by(), "images.remove");
}

#[test]
fn a_removal_names_what_was_judged() {
    let scene = scene();
    let id = image_id("44").replace(':', "%3A");
    for (asked, sent) in [
        ("/images/agent/app:3?noprune=1".to_owned(), "DELETE /images/agent/app%3A3?noprune=1".to_owned()),
        // takes one name from an image that has another
        ("/images/redis:7".into(), "DELETE /images/redis%3A7".into()),
        (format!("/images/{}?force=1", full_id("44")), format!("DELETE /images/{id}?force=1")),
        ("/images/44".into(), format!("DELETE /images/{id}")),
    ] {
        assert_eq!(scene.ask("DELETE", &asked).sent().target, sent);
    }
    // a name that could be the beginning of an ID by the time it is read
    let mut scene = Scene::postgres_with("[images]\nremove = [\"cafe:latest\"]\n");
    scene.engine.images.push(image("77", &["cafe:latest"], &[]));
    assert_eq!(scene.ask("DELETE", "/images/cafe").sent().target, "DELETE /images/cafe%3Alatest");
}

#[test]
fn no_name_is_given_that_containers_run_by() {
    let scene = scene();
    let tag = |query: &str| scene.ask("POST", &format!("/images/postgres:16/tag?{query}"));
    for query in ["repo=postgres&tag=16", "repo=docker.io/library/postgres:17", "repo=postgres:1&tag=17"] {
        assert_eq!(tag(query).floor(), "repo", "{query}");
    }
    for query in ["repo=redis&tag=7", "repo=agent&tag=1", "repo=quay.io/agent/x&tag=1", "repo=private/secret:1"] {
        assert_eq!(tag(query).refused_by(), "build.tags", "{query}");
    }
    let digest = "44".repeat(32);
    for query in ["repo=&tag=1", "repo=agent/X", "repo=agent/x&tag=a/b", &format!("repo=agent/x@sha256:{digest}")] {
        tag(query).floor();
    }
    assert_eq!(Scene::postgres().ask("POST", "/images/postgres:16/tag?repo=a/b").refused_by(), "build.tags");
}

#[test]
fn only_an_image_that_may_be_seen_gets_another_name() {
    let scene = scene();
    for hidden in ["private/secret:1".to_owned(), "redis:7".into(), full_id("ca"), "ca".into(), "nothing:1".into()] {
        scene.ask("POST", &format!("/images/{hidden}/tag?repo=agent/x&tag=1")).missing();
    }
    let source = image_id("11").replace(':', "%3A");
    for name in ["postgres:16".to_owned(), full_id("11"), "docker.io/library/postgres:16".into()] {
        for query in ["repo=agent/x&tag=1", "repo=docker.io/agent/x:1", "repo=agent/x:9&tag=1"] {
            let sent = scene.ask("POST", &format!("/images/{name}/tag?{query}")).sent();
            assert_eq!(sent.target, format!("POST /images/{source}/tag?repo=docker.io%2Fagent%2Fx&tag=1"));
        }
    }
    let sent = scene.ask("POST", "/images/postgres:16/tag?repo=agent/x").sent();
    assert!(sent.target.ends_with("&tag=latest"), "{}", sent.target);
}

#[test]
fn names_that_clients_give_are_seen_and_do_not_run() {
    let scene = scene();
    for name in ["agent/app:1".to_owned(), full_id("44"), "agent/app:3".into()] {
        assert_eq!(scene.ask("GET", &format!("/images/{name}/json")).sent().relay, Relay::Filtered);
        assert_eq!(scene.ask("GET", &format!("/images/{name}/history")).sent().relay, Relay::Filtered);
    }
    let create = |image: &str| scene.post("/containers/create", &serde_json::json!({"Image": image}));
    assert_eq!(create("agent/app:1").refused_by(), "images.allow");
    create(&full_id("44")).missing();
}

#[test]
fn the_history_of_a_hidden_image_is_that_of_a_missing_one() {
    let scene = Scene::postgres();
    for name in ["redis:7".to_owned(), "ca".into(), full_id("ca"), "nothing:1".into()] {
        let message = scene.ask("GET", &format!("/images/{name}/history")).missing();
        assert!(message.starts_with("No such image: "), "{message}");
    }
    assert_eq!(scene.ask("GET", "/images/postgres:16/history").sent().relay, Relay::Filtered);
}

#[test]
fn only_named_images_leave_and_only_one_tag_at_a_time() {
    let scene = scene();
    let push = |target: &str| scene.ask("POST", &format!("/images/{target}"));
    each(
        [
            "postgres/push?tag=16",
            "agent/x/push?tag=1",
            "registry.example/agent/x/push?tag=1",
            "registry.example:5001/agent/x/push?tag=1",
        ],
        |target| assert_eq!(push(target).refused_by(), "images.push"),
    );
    assert_eq!(push("registry.example:5000/agent/x/push").floor(), "tag");
    assert_eq!(push("registry.example:5000/agent/x/push?tag=a/b").floor(), "tag");
    let digest = "44".repeat(32);
    assert_eq!(push(&format!("registry.example:5000/agent/x@sha256:{digest}/push?tag=1")).floor(), "name");
    for target in [
        "registry.example:5000/agent/x/push?tag=1",
        "registry.example:5000/agent/x:9/push?tag=1",
        "registry.example:5000/agent/x:1/push",
    ] {
        assert_eq!(push(target).sent().target, "POST /images/registry.example%3A5000/agent/x/push?tag=1");
    }
}

#[test]
fn credentials_of_a_push_follow_those_of_a_pull() {
    let head = || {
        let target = "/images/registry.example:5000/agent/x/push?tag=1";
        Request::builder().method("POST").uri(target).header("x-registry-auth", "eyJ1IjoieCJ9")
    };
    let auth = |scene: &Scene| scene.send(head(), b"").sent().registry_auth;
    assert_eq!(auth(&scene()).as_deref(), Some("e30="), "nobody's");
    let mut passing = scene();
    passing.policy.images.registry_auth = crate::policy::compile::RegistryAuth::Client;
    assert_eq!(auth(&passing).as_deref(), Some("eyJ1IjoieCJ9"));
}

#[test]
fn registries_are_asked_only_about_what_may_be_pulled() {
    let scene = Scene::postgres();
    for name in ["redis:7", "localhost:5000/postgres:16", "evil.example/postgres:16", "postgres"] {
        assert_eq!(scene.ask("GET", &format!("/distribution/{name}/json")).refused_by(), "images.allow", "{name}");
    }
    let closed = Scene::postgres_with("[images]\npull = false\n");
    assert_eq!(closed.ask("GET", "/distribution/postgres:16/json").refused_by(), "images.pull");
    let sent = scene.ask("GET", "/distribution/postgres:16/json").sent();
    assert_eq!(sent.target, "GET /distribution/docker.io/library/postgres%3A16/json");
}
