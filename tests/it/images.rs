//! Images: what may be seen, and what may be pulled.

use std::time::Duration;

use serde_json::json;

use crate::harness::Lab;
use crate::harness::client::Request;
use crate::harness::engine::world::{FOREIGN_SECRET, OTHER_IMAGE, OTHER_NAME, POSTGRES};

#[tokio::test]
async fn only_allowed_images_are_listed() {
    let lab = Lab::start("postgres").await;
    let reply = lab.get("/v1.41/images/json").await;
    let images = reply.assert_status(200).json();
    let ids: Vec<&str> = images.as_array().unwrap().iter().map(|image| image["Id"].as_str().unwrap()).collect();
    assert_eq!(ids, [POSTGRES]);
    assert!(!reply.text().contains(FOREIGN_SECRET));
}

#[tokio::test]
async fn an_allowed_image_shows_only_its_allowed_names() {
    let lab = Lab::start("postgres").await;
    lab.engine.world(|world| world.images[0].tags.push("registry.example/payroll/db:secret".to_owned()));
    for name in ["postgres:16", "docker.io/library/postgres:16", POSTGRES] {
        let reply = lab.get(&format!("/v1.41/images/{name}/json")).await;
        assert_eq!(reply.assert_status(200).json()["RepoTags"], json!(["postgres:16"]), "{name}");
        assert!(!reply.text().contains("payroll"), "{reply:?}");
    }
}

#[tokio::test]
async fn a_hidden_image_is_answered_like_a_missing_one_byte_by_byte() {
    let lab = Lab::start("postgres").await;
    let hidden = lab.get(&format!("/v1.41/images/{OTHER_NAME}/json")).await;
    let missing = lab.get("/v1.41/images/secret/tool:2/json").await;
    assert_eq!(hidden.assert_status(404).text().replace("tool:1", "tool:2"), missing.assert_status(404).text());
    let by_id = lab.get(&format!("/v1.41/images/{OTHER_IMAGE}/json")).await;
    let nobodys = lab.get(&format!("/v1.41/images/sha256:{}/json", "0".repeat(64))).await;
    let spelled = by_id.text().replace(OTHER_IMAGE, &format!("sha256:{}", "0".repeat(64)));
    assert_eq!((by_id.status, spelled), (404, nobodys.text()));
    let engine = Lab::with_relay();
    let words = engine.get("/v1.41/images/secret/tool:2/json").await;
    assert_eq!((words.status, words.json()), (missing.status, missing.json()), "the engine's own words");
}

#[tokio::test]
async fn an_allowed_pull_streams_its_progress() {
    let lab = Lab::start("postgres").await;
    for target in
        ["fromImage=postgres&tag=16", "tag=16&fromImage=docker.io%2Flibrary%2Fpostgres", "fromImage=postgres%3A16"]
    {
        lab.engine.forget();
        let reply = lab.act(&format!("/v1.41/images/create?{target}")).await;
        assert_eq!(reply.assert_status(200).text().lines().count(), 3, "{reply:?}");
        let sent = lab.engine.only_forwarded();
        let full = format!("{}:{}", sent.query_value("fromImage").unwrap(), sent.query_value("tag").unwrap());
        assert!(full.ends_with("postgres:16"), "{full}");
        assert!(sent.body.is_empty());
    }
}

#[tokio::test]
async fn everything_else_is_not_pulled() {
    let lab = Lab::start("postgres").await;
    for target in [
        "fromImage=redis&tag=7",
        "fromImage=postgres&tag=15",
        "fromImage=postgres",
        "fromImage=postgres&tag=latest",
        "fromImage=evil.example/postgres&tag=16",
        "fromSrc=http%3A%2F%2Fevil.example%2Fx.tar&repo=postgres&tag=16",
        "fromImage=postgres%3A16&tag=15",
        "fromImage=postgres&tag=sha256%3A0000000000000000000000000000000000000000000000000000000000000000",
    ] {
        let reply = lab.act(&format!("/v1.41/images/create?{target}")).await;
        assert!(matches!(reply.status, 400 | 403), "{target}: {reply:?}");
        reply.assert_error();
    }
    lab.act("/v1.41/images/create?fromImage=redis&tag=7").await.assert_refused("fromImage", "images.allow");
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn credentials_and_odd_headers_never_go_up_with_a_pull() {
    let lab = Lab::start("postgres").await;
    let request = Request::post("/v1.41/images/create?fromImage=postgres&tag=16");
    let request = request.header("X-Registry-Auth", "e30=").header("X-Meta-Secret", "x").header("User-Agent", "evil");
    lab.call(request).await.assert_status(200);
    let sent = lab.engine.only_forwarded();
    let known = ["content-length", "host", "user-agent"];
    assert!(sent.header_names().iter().all(|name| known.contains(&name.as_str())), "{}", sent.head);
    assert!(!sent.head.contains("evil"), "{}", sent.head);
}

#[tokio::test]
async fn a_pull_that_is_refused_by_policy_contacts_nobody() {
    let lab = Lab::start("extends = \"postgres\"\n[images]\npull = false\n").await;
    let reply = lab.act("/v1.41/images/create?fromImage=postgres&tag=16").await;
    reply.assert_status(403).assert_error();
    assert!(reply.message().contains("`images.pull`"), "{}", reply.message());
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_slow_pull_has_no_deadline() {
    let lab = Lab::start_with("postgres", |bounds| bounds.answer_time = Duration::from_millis(100)).await;
    lab.engine.on("POST", "/images/create").delay(Duration::from_millis(600));
    lab.act("/v1.41/images/create?fromImage=postgres&tag=16").await.assert_status(200);
}

#[tokio::test]
async fn an_image_that_an_engine_found_under_another_name_is_not_there() {
    let lab = Lab::start("postgres").await;
    let found = serde_json::json!({"Id": format!("sha256:{}", "7".repeat(64)), "RepoTags": ["localhost/postgres:16"],
        "RepoDigests": []});
    lab.engine.on("GET", "/images/*/json").reply(200, found);
    let reply = lab.get("/v1.47/images/postgres:16/json").await;
    assert_eq!(reply.assert_status(404).message(), "No such image: postgres:16");
}
