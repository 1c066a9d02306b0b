//! The laboratory itself: the fake engine answers as an engine does, and keeps what it was sent.
//! These tests speak to the engine without a broker between.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::harness::client::{Client, NoReply, Request};
use crate::harness::engine::stream::Script;
use crate::harness::engine::world::{FOREIGN, OWN, OWN_EXEC, POSTGRES, World};
use crate::harness::engine::{FakeEngine, Fed, eventually};

struct Alone {
    engine: FakeEngine,
    socket: PathBuf,
    _directory: tempfile::TempDir,
}

impl Alone {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("engine.sock");
        Self { engine: FakeEngine::start(&socket, World::new("lab/main")), socket, _directory: directory }
    }

    async fn client(&self) -> Client {
        Client::connect(&self.socket).await
    }
}

#[tokio::test]
async fn it_keeps_heads_and_bodies_byte_by_byte() {
    let lab = Alone::new();
    let mut client = lab.client().await;
    let body = json!({"Image": "postgres:16", "HostConfig": {}});
    let reply = client.call(Request::post("/v1.41/containers/create?name=x").json(&body).chunked()).await;
    reply.assert_status(201);
    let seen = lab.engine.only_forwarded();
    assert!(
        seen.head.starts_with("POST /v1.41/containers/create?name=x HTTP/1.1\r\nHost: docker\r\n"),
        "{}",
        seen.head
    );
    assert_eq!((seen.json(), seen.version(), seen.complete), (body, Some("1.41"), true));
    assert!(seen.raw_body.ends_with(b"\r\n0\r\n\r\n"));
    let id = reply.json()["Id"].as_str().unwrap().to_owned();
    let inspect = client.call(Request::get(&format!("/containers/{id}/json"))).await.json();
    assert_eq!((&inspect["Name"], &inspect["Image"]), (&json!("/x"), &json!(POSTGRES)));
    assert_eq!((lab.engine.opened_connections(), lab.engine.open_connections()), (1, 1));
}

#[tokio::test]
async fn it_filters_lists_by_label_and_resolves_references_as_engines_do() {
    let lab = Alone::new();
    let mut client = lab.client().await;
    let filter = "%7B%22label%22%3A%5B%22docker-broker.owner%3Dlab%2Fmain%22%5D%7D";
    let own = client.call(Request::get(&format!("/v1.41/containers/json?all=1&filters={filter}"))).await.json();
    assert_eq!(own.as_array().unwrap().len(), 3);
    let one = client.call(Request::get(&format!("/containers/{}/json", &FOREIGN[..12]))).await;
    assert_eq!(one.assert_status(200).json()["Id"], json!(FOREIGN));
    client.call(Request::get("/containers/a/json")).await.assert_status(400);
    let missing = client.call(Request::get("/containers/zz/json")).await;
    assert_eq!(missing.assert_status(404).message(), "No such container: zz");
    let spelled = client.call(Request::get("/images/docker.io%2Flibrary/postgres:16/json")).await;
    assert_eq!(spelled.json()["Id"], json!(POSTGRES));
}

#[tokio::test]
async fn hijacked_streams_echo_until_the_client_ends_its_side() {
    let lab = Alone::new();
    let mut client = lab.client().await;
    client.send(&Request::post(&format!("/exec/{OWN_EXEC}/start")).upgrade().json(&json!({"Detach": false}))).await;
    assert_eq!(client.head().await.unwrap().status, 101);
    client.send_raw(b"hello").await;
    assert_eq!(client.exactly(5).await.unwrap(), b"hello");
    client.half_close().await;
    assert_eq!(client.rest().await.unwrap(), b"");
    let seen = lab.engine.only_forwarded();
    assert_eq!((seen.stream.as_slice(), seen.stream_ended), (&b"hello"[..], true));
    eventually("the connection ends", || lab.engine.open_connections() == 0).await;
}

#[tokio::test]
async fn a_stream_without_upgrade_is_the_body_of_a_200() {
    let lab = Alone::new();
    lab.engine.streams(Script::Say(b"output".to_vec()));
    let mut client = lab.client().await;
    let reply = client.call(Request::post(&format!("/exec/{OWN_EXEC}/start")).json(&json!({"Detach": false}))).await;
    assert_eq!((reply.status, reply.body.as_slice()), (200, &b"output"[..]));
}

#[tokio::test]
async fn followed_logs_come_as_they_are_fed() {
    let lab = Alone::new();
    let mut client = lab.client().await;
    client.send(&Request::get(&format!("/containers/{OWN}/logs?follow=1&stdout=1"))).await;
    assert_eq!(client.head().await.unwrap().status, 200);
    assert!(client.chunk().await.unwrap().ends_with(b"connections\n"));
    lab.engine.feed(Fed::Log(b"more".to_vec())).await;
    assert_eq!(client.chunk().await.unwrap(), b"more");
    lab.engine.end_streams();
    assert_eq!(client.chunk().await.unwrap(), b"");
}

#[tokio::test]
async fn a_wait_says_yes_at_once_and_tells_the_code_at_the_end() {
    let lab = Alone::new();
    let mut waiting = lab.client().await;
    waiting.send(&Request::post(&format!("/containers/{OWN}/wait"))).await;
    assert_eq!(waiting.head().await.unwrap().status, 200);
    assert!(!waiting.says_something_within(Duration::from_millis(50)).await);
    lab.client().await.call(Request::post(&format!("/containers/{OWN}/stop"))).await.assert_status(204);
    assert_eq!(waiting.chunk().await.unwrap(), b"{\"StatusCode\":0}\n");
}

#[tokio::test]
async fn it_can_be_silent_broken_slow_and_gone() {
    let mut lab = Alone::new();
    lab.engine.on("GET", "/info").cut("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
    lab.engine.on("GET", "/version").close();
    lab.engine.on("GET", "/containers/*/json").times(1).error(500, "no");
    let mut client = lab.client().await;
    client.send(&Request::get("/v1.41/info")).await;
    assert_eq!(client.reply("GET").await.err(), Some(NoReply::Closed));
    let mut client = lab.client().await;
    client.send(&Request::get("/version")).await;
    assert_eq!(client.reply("GET").await.err(), Some(NoReply::Closed));
    let mut client = lab.client().await;
    client.call(Request::get(&format!("/containers/{OWN}/json"))).await.assert_status(500);
    client.call(Request::get(&format!("/containers/{OWN}/json"))).await.assert_status(200);
    lab.engine.stop();
    assert!(client.is_closed_within(Duration::from_secs(1)).await);
    lab.engine.listen();
    lab.client().await.call(Request::get("/_ping")).await.assert_status(200);
}
