//! Reading policies again: all of them or none, without a stream that ends, and said in the log and in the audit.

use std::fs;
use std::time::Duration;

use docker_broker::audit::ReloadOutcome;
use docker_broker::config::ServeConfig;
use serde_json::{Value, json};

use crate::harness::Lab;
use crate::harness::client::Request;
use crate::harness::engine::world::{OWN, OWN_EXEC, OWN_STOPPED};
use crate::harness::engine::{Fed, eventually};

const NARROWER: &str =
    "version = 1\nextends = \"postgres\"\n[images]\nallow = [\"redis:7\"]\n[containers]\nexec = false\n";

/// What the lab's broker would be started with now, with this policy.
fn read(lab: &Lab, policy: &str) -> ServeConfig {
    lab.setup(policy).config()
}

fn create() -> Request {
    Request::post("/v1.41/containers/create").json(&json!({"Image": "postgres:16"}))
}

/// The records of reloads.
fn reloads(lab: &Lab) -> Vec<Value> {
    let text = fs::read_to_string(lab.audit_file()).unwrap_or_default();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|record| record["type"] == "reload").collect()
}

#[tokio::test]
async fn what_cannot_be_read_keeps_the_policy_that_works() {
    let mut lab = Lab::start("postgres").await;
    let reloaded = lab.broker().reload(Err("agent.toml:2:1: `image`: not a known key".to_owned()));
    assert_eq!(reloaded.outcome, ReloadOutcome::Refused);
    lab.call(create()).await.assert_status(201);
    eventually("a record", || reloads(&lab).len() == 1).await;
    let record = &reloads(&lab)[0];
    assert_eq!((&record["outcome"], &record["cause"]), (&json!("refused"), &json!("SIGHUP")));
    assert_eq!(record["reason"], json!("agent.toml:2:1: `image`: not a known key"));
    assert_eq!(record["policies"][0]["policy"], json!("postgres"));
}

#[tokio::test]
async fn a_policy_that_allows_everything_never_comes_onto_an_open_socket_and_then_nothing_changes() {
    let mut lab = Lab::start_as("postgres", |setup| {
        setup.mode = 0o660;
        setup.more = vec![("second".to_owned(), setup.listen.with_file_name("second.sock"), "postgres".to_owned())];
    })
    .await;
    let mut setup = lab.setup("deny-all");
    setup.mode = 0o660;
    setup.more = vec![("second".to_owned(), setup.listen.with_file_name("second.sock"), "unrestricted".to_owned())];
    let reloaded = lab.broker().reload(Ok(setup.clone().config()));
    assert!(reloaded.reason.unwrap().contains("listener `second`"));
    lab.call(create()).await.assert_status(201);
    // a mode that is only written in the file, and not the socket's, opens nothing
    setup.mode = 0o600;
    assert_eq!(lab.broker().reload(Ok(setup.config())).outcome, ReloadOutcome::Refused);
    lab.call(create()).await.assert_status(201);
}

#[tokio::test]
async fn a_new_policy_judges_what_comes_and_what_is_open_lives_on() {
    let mut lab = Lab::start("postgres").await;
    let start = Request::post(&format!("/v1.41/exec/{OWN_EXEC}/start")).json(&json!({"Detach": false, "Tty": false}));
    let mut raw = lab.client().await;
    raw.send(&start.clone().upgrade()).await;
    assert_eq!(raw.head().await.unwrap().status, 101);
    let mut logs = lab.client().await;
    logs.send(&Request::get(&format!("/v1.41/containers/{OWN}/logs?follow=1&stdout=1"))).await;
    logs.head().await.unwrap();
    logs.chunk().await.unwrap();
    let mut kept = lab.client().await;
    kept.call(create()).await.assert_status(201);

    let reloaded = {
        let new = read(&lab, NARROWER);
        lab.broker().reload(Ok(new))
    };
    assert_eq!((reloaded.outcome, reloaded.needs_restart), (ReloadOutcome::Replaced, Vec::new()));

    kept.call(create()).await.assert_refused("Image", "images.allow");
    lab.call(start).await.assert_status(403);
    raw.send_raw(b"still here").await;
    assert_eq!(raw.exactly(10).await.unwrap(), b"still here");
    lab.engine.feed(Fed::Log(b"still there".to_vec())).await;
    assert_eq!(logs.chunk().await.unwrap(), b"still there");
    eventually("a record", || reloads(&lab).len() == 1).await;
    assert_eq!(reloads(&lab)[0]["outcome"], json!("replaced"));
}

#[tokio::test]
async fn an_image_that_was_revoked_does_not_start_again() {
    let mut lab = Lab::start("postgres").await;
    lab.engine.world(|world| world.change(OWN_STOPPED, |container| container.running = false));
    let new = read(&lab, NARROWER);
    lab.broker().reload(Ok(new));
    lab.act(&format!("/v1.41/containers/{OWN_STOPPED}/start")).await.assert_status(403);
    lab.act(&format!("/v1.41/containers/{OWN}/restart")).await.assert_status(403);
    lab.act(&format!("/v1.41/containers/{OWN}/stop")).await.assert_status(204);
    lab.act(&format!("/v1.41/containers/{OWN}/start")).await.assert_status(403);
    let old = read(&lab, "postgres");
    lab.broker().reload(Ok(old));
    lab.act(&format!("/v1.41/containers/{OWN_STOPPED}/start")).await.assert_status(204);
}

#[tokio::test]
async fn what_needs_a_restart_is_named_and_not_taken_over() {
    let mut lab = Lab::start("postgres").await;
    let mut setup = lab.setup("postgres");
    let moved = setup.listen.with_file_name("moved.sock");
    setup.listen.clone_from(&moved);
    setup.upstream = setup.upstream.with_file_name("other.sock");
    setup.mode = 0o660;
    setup.bounds.drain_time = Duration::from_secs(1);
    setup.more = vec![("second".to_owned(), setup.listen.with_file_name("second.sock"), "postgres".to_owned())];
    let reloaded = lab.broker().reload(Ok(setup.config()));
    assert_eq!(reloaded.outcome, ReloadOutcome::Unchanged);
    assert_eq!(
        reloaded.needs_restart,
        [
            "upstream",
            "limits",
            "`address` of listener `main`",
            "`mode` of listener `main`",
            "listener `second`, which is new"
        ]
    );
    assert!(!moved.exists());
    lab.get("/_ping").await.assert_status(200);
}
