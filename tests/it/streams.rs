//! Streams: flushed as they come, half-closed in both directions, never cut by a timer, and gone when the client is gone.

use std::time::Duration;

use serde_json::json;

use crate::harness::Lab;
use crate::harness::client::Request;
use crate::harness::engine::stream::Script;
use crate::harness::engine::world::{FOREIGN, FOREIGN_NET, OWN, OWN_EXEC, OWN_NET};
use crate::harness::engine::{Fed, eventually};

fn exec_start() -> Request {
    Request::post(&format!("/v1.41/exec/{OWN_EXEC}/start")).json(&json!({"Detach": false, "Tty": false}))
}

fn attach(query: &str) -> Request {
    Request::post(&format!("/v1.41/containers/{OWN}/attach?{query}"))
}

#[tokio::test]
async fn an_upgraded_exec_carries_bytes_both_ways() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    client.send(&exec_start().upgrade()).await;
    let head = client.head().await.unwrap();
    assert_eq!((head.status, head.header("upgrade")), (101, Some("tcp")));
    assert_eq!(head.header("content-type"), Some("application/vnd.docker.multiplexed-stream"));
    for word in [&b"select 1;"[..], b"\0\xff\r\n\r\nPOST / HTTP/1.1\r\n\r\n"] {
        client.send_raw(word).await;
        assert_eq!(client.exactly(word.len()).await.unwrap(), word);
    }
    let sent = lab.engine.only_forwarded();
    assert_eq!((sent.header("connection"), sent.header("upgrade")), (Some("Upgrade"), Some("tcp")));
}

#[tokio::test]
async fn an_answer_that_comes_after_standard_input_ended_arrives() {
    let lab = Lab::start("postgres").await;
    lab.engine.streams(Script::CountAtEnd);
    let mut client = lab.client().await;
    client.send(&exec_start().upgrade()).await;
    assert_eq!(client.head().await.unwrap().status, 101);
    client.send_raw(b"twelve bytes").await;
    assert!(!client.says_something_within(Duration::from_millis(100)).await);
    client.half_close().await;
    assert_eq!(client.rest().await.unwrap(), b"12\n");
    assert!(lab.engine.last("POST", &format!("/exec/{OWN_EXEC}/start")).stream_ended);
}

#[tokio::test]
async fn the_engines_end_reaches_the_client_while_its_input_is_open() {
    let lab = Lab::start("postgres").await;
    lab.engine.streams(Script::Say(b"done\n".to_vec()));
    let mut client = lab.client().await;
    client.send(&attach("stream=1&stdout=1&stdin=1").upgrade()).await;
    assert_eq!(client.head().await.unwrap().status, 101);
    assert_eq!(client.rest().await.unwrap(), b"done\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_megabytes_of_input_arrive_whole() {
    let lab = Lab::start("postgres").await;
    lab.engine.streams(Script::CountAtEnd);
    let mut client = lab.client().await;
    client.send(&exec_start().upgrade()).await;
    assert_eq!(client.head().await.unwrap().status, 101);
    let megabyte: Vec<u8> = (0..1 << 20).map(|at: u32| u8::try_from(at % 251).unwrap()).collect();
    for _ in 0..50 {
        client.send_raw(&megabyte).await;
    }
    client.half_close().await;
    assert_eq!(client.rest().await.unwrap(), format!("{}\n", 50 << 20).as_bytes());
    let sent = lab.engine.only_forwarded().stream;
    assert!(sent.chunks(1 << 20).all(|chunk| chunk == megabyte), "the bytes are not the same");
}

#[tokio::test]
async fn without_upgrade_the_stream_is_the_body_of_a_200_and_comes_as_it_is_said() {
    let lab = Lab::start("postgres").await;
    lab.engine.streams(Script::Fed);
    let mut client = lab.client().await;
    client.send(&attach("stream=1&stdout=1")).await;
    let head = client.head().await.unwrap();
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/vnd.docker.raw-stream")));
    assert!(lab.engine.only_forwarded().header("upgrade").is_none());
    for word in [&b"first"[..], b"second"] {
        lab.engine.feed(Fed::Log(word.to_vec())).await;
        assert_eq!(client.chunk().await.unwrap(), word);
    }
    lab.engine.end_streams();
    assert_eq!(client.chunk().await.unwrap(), b"");
}

#[tokio::test]
async fn a_detached_exec_is_plain_http_and_the_connection_goes_on() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    let detached = Request::post(&format!("/v1.41/exec/{OWN_EXEC}/start")).json(&json!({"Detach": true})).upgrade();
    client.call(detached).await.assert_status(200);
    client.call(Request::get("/_ping")).await.assert_status(200);
    assert!(lab.engine.last("POST", &format!("/exec/{OWN_EXEC}/start")).stream.is_empty());
}

#[tokio::test]
async fn an_engine_that_refuses_a_hijack_answers_plain_http_and_nothing_is_spliced() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/*/attach").error(409, "container is paused");
    let mut client = lab.client().await;
    client.send(&attach("stream=1").upgrade()).await;
    client.send_raw(b"POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\n\r\n").await;
    let reply = client.reply("POST").await.unwrap();
    assert_eq!(reply.assert_status(409).message(), "container is paused");
    let sent = lab.engine.only_forwarded();
    assert!(sent.path().ends_with("/attach") && sent.stream.is_empty());
}

#[tokio::test]
async fn a_101_that_nobody_asked_for_is_no_tunnel() {
    let lab = Lab::start("postgres").await;
    let unasked = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    lab.engine.on("POST", &format!("/exec/{OWN_EXEC}/start")).bytes(unasked);
    let request = Request::post(&format!("/v1.41/exec/{OWN_EXEC}/start")).json(&json!({"Detach": false}));
    lab.call(request).await.assert_status(502).assert_error();
}

#[tokio::test]
async fn an_upgrade_on_an_ordinary_operation_is_no_tunnel() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    let reply =
        client.call(Request::get("/v1.41/version").header("Connection", "Upgrade").header("Upgrade", "h2c")).await;
    reply.assert_status(200);
    assert!(lab.engine.last("GET", "/version").header("upgrade").is_none());
    client.call(Request::get("/_ping")).await.assert_status(200);
}

#[tokio::test]
async fn followed_logs_are_flushed_line_by_line() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    client.send(&Request::get(&format!("/v1.41/containers/{OWN}/logs?follow=1&stdout=1"))).await;
    assert_eq!(client.head().await.unwrap().status, 200);
    assert!(client.chunk().await.unwrap().ends_with(b"connections\n"));
    for line in [&b"one\n"[..], b"two\n"] {
        lab.engine.feed(Fed::Log(line.to_vec())).await;
        assert_eq!(client.chunk().await.unwrap(), line);
    }
}

#[tokio::test]
async fn no_timer_cuts_a_stream_that_is_silent() {
    let lab = Lab::start_with("postgres", |bounds| {
        bounds.answer_time = Duration::from_millis(100);
        bounds.body_time = Duration::from_millis(100);
        bounds.header_time = Duration::from_millis(100);
    })
    .await;
    lab.engine.streams(Script::Fed);
    let mut logs = lab.client().await;
    logs.send(&Request::get(&format!("/v1.41/containers/{OWN}/logs?follow=1&stdout=1"))).await;
    logs.head().await.unwrap();
    logs.chunk().await.unwrap();
    let mut raw = lab.client().await;
    raw.send(&exec_start().upgrade()).await;
    raw.head().await.unwrap();
    let mut body = lab.client().await;
    body.send(&attach("stream=1&stdout=1")).await;
    body.head().await.unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    eventually("all three follow", || lab.engine.followers() == 3).await;
    lab.engine.feed(Fed::Log(b"late".to_vec())).await;
    assert_eq!(logs.chunk().await.unwrap(), b"late");
    assert_eq!(raw.exactly(4).await.unwrap(), b"late");
    assert_eq!(body.chunk().await.unwrap(), b"late");
}

#[tokio::test]
async fn a_wait_says_yes_at_once_so_that_a_client_may_start_afterwards() {
    let lab = Lab::start("postgres").await;
    let mut waiting = lab.client().await;
    waiting.send(&Request::post(&format!("/v1.41/containers/{OWN}/wait?condition=next-exit"))).await;
    assert_eq!(waiting.head().await.unwrap().status, 200);
    assert!(!waiting.says_something_within(Duration::from_millis(100)).await);
    lab.act(&format!("/v1.41/containers/{OWN}/stop")).await.assert_status(204);
    assert_eq!(waiting.chunk().await.unwrap(), b"{\"StatusCode\":0}\n");
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_streams_with_it() {
    let lab = Lab::start("postgres").await;
    lab.engine.streams(Script::Fed);
    for request in [
        Request::get(&format!("/v1.41/containers/{OWN}/logs?follow=1&stdout=1")),
        Request::get("/v1.41/events"),
        Request::post(&format!("/v1.41/containers/{OWN}/wait")),
        attach("stream=1&stdout=1"),
        attach("stream=1&stdout=1&stdin=1").upgrade(),
        exec_start().upgrade(),
    ] {
        let before = lab.engine.open_connections();
        let mut client = lab.client().await;
        client.send(&request).await;
        assert!(client.head().await.unwrap().status < 300);
        assert!(lab.engine.open_connections() > 0);
        drop(client);
        let what = format!("{request:?} is gone upstream");
        eventually(&what, || lab.engine.open_connections() <= before.max(2)).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_takes_its_request_with_it() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/*/stop").hang();
    let mut client = lab.client().await;
    client.send(&Request::post(&format!("/v1.41/containers/{OWN}/stop"))).await;
    lab.engine.came("POST", &format!("/containers/{OWN}/stop")).await;
    drop(client);
    eventually("the engine's connection is free", || lab.engine.open_connections() <= 2).await;
}

#[tokio::test]
async fn input_that_was_sent_before_the_client_left_still_arrives() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    client.send(&exec_start().upgrade()).await;
    client.head().await.unwrap();
    client.send_raw(b"insert into t values (1);").await;
    drop(client);
    let arrived = || lab.engine.last("POST", &format!("/exec/{OWN_EXEC}/start")).stream == b"insert into t values (1);";
    eventually("the input arrives", arrived).await;
}

#[tokio::test]
async fn bytes_that_come_right_behind_the_head_are_part_of_the_stream() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    let early = [exec_start().upgrade().bytes(), b"early".to_vec()].concat();
    client.send_raw(&early).await;
    assert_eq!(client.head().await.unwrap().status, 101);
    assert_eq!(client.exactly(5).await.unwrap(), b"early");
}

#[tokio::test]
async fn events_come_at_once_and_only_about_what_is_ones_own() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    client.send(&Request::get("/v1.41/events")).await;
    assert_eq!(client.head().await.unwrap().status, 200);
    let event = |kind: &str, id: &str, attributes: serde_json::Value| {
        Fed::Event(
            json!({"Type": kind, "Action": "x", "Actor": {"ID": id, "Attributes": attributes}, "scope": "local"}),
        )
    };
    for hidden in [
        event("container", FOREIGN, json!({"docker-broker.owner": "lab/main"})),
        event("network", FOREIGN_NET, json!({"container": FOREIGN})),
        event("volume", "payroll-volume", json!({})),
        event("container", &"9".repeat(64), json!({})),
        event("image", "secret/tool:1", json!({})),
        event("plugin", "x", json!({})),
    ] {
        lab.engine.feed(hidden).await;
    }
    lab.engine.feed(event("container", OWN, json!({}))).await;
    lab.engine.feed(event("network", OWN_NET, json!({}))).await;
    for id in [OWN, OWN_NET] {
        let chunk = client.chunk().await.unwrap();
        let shown: serde_json::Value = serde_json::from_slice(&chunk).unwrap();
        assert_eq!(shown["Actor"]["ID"], json!(id));
    }
    let sent = lab.engine.last("GET", "/events");
    assert!(!sent.target.contains("label"), "network events have no labels: {}", sent.target);
}

#[tokio::test]
async fn under_see_all_events_come_without_command_lines_and_without_what_is_the_engines() {
    let lab = Lab::start("read-only").await;
    let mut client = lab.client().await;
    client.send(&Request::get("/v1.41/events")).await;
    assert_eq!(client.head().await.unwrap().status, 200);
    let event = |kind: &str, id: &str, action: &str| {
        Fed::Event(json!({"Type": kind, "Action": action, "Actor": {"ID": id, "Attributes": {}}, "scope": "local"}))
    };
    lab.engine.feed(event("container", FOREIGN, "exec_create: psql --password=x")).await;
    lab.engine.feed(event("daemon", "x", "reload")).await;
    lab.engine.feed(event("secret", "x", "create")).await;
    lab.engine.feed(event("container", FOREIGN, "start")).await;
    let shown: serde_json::Value = serde_json::from_slice(&client.chunk().await.unwrap()).unwrap();
    assert_eq!((&shown["Actor"]["ID"], &shown["Action"]), (&json!(FOREIGN), &json!("start")));
}
