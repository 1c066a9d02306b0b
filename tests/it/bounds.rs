//! The bounds on the broker itself: one client cannot starve the others.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::Lab;
use crate::harness::client::{NoReply, Request};
use crate::harness::engine::world::OWN;

const CREATE: &str = "/v1.41/containers/create";

#[tokio::test]
async fn a_head_that_comes_too_slowly_is_cut() {
    let lab = Lab::start_with("postgres", |bounds| bounds.header_time = Duration::from_millis(300)).await;
    let mut client = lab.client().await;
    let started = Instant::now();
    for byte in b"GET /_ping HTTP/1.1\r\nHost: d\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaa" {
        client.send_raw(&[*byte]).await;
        if client.says_something_within(Duration::from_millis(20)).await
            || client.is_closed_within(Duration::from_millis(1)).await
        {
            break;
        }
    }
    assert!(started.elapsed() < Duration::from_secs(1), "cut after {:?}", started.elapsed());
    lab.get("/_ping").await.assert_status(200);
}

#[tokio::test]
async fn the_time_of_a_head_does_not_run_while_a_connection_is_idle() {
    let lab = Lab::start_with("postgres", |bounds| bounds.header_time = Duration::from_millis(150)).await;
    let mut client = lab.client().await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        client.call(Request::get("/_ping")).await.assert_status(200);
    }
}

#[tokio::test]
async fn a_body_that_pauses_too_long_is_refused_and_judged_by_nobody() {
    let lab = Lab::start_with("postgres", |bounds| bounds.body_time = Duration::from_millis(200)).await;
    let mut client = lab.client().await;
    let head =
        format!("POST {CREATE} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n");
    client.send_raw(head.as_bytes()).await;
    client.send_raw(br#"{"Image":"#).await;
    let reply = client.reply("POST").await.unwrap();
    assert!(matches!(reply.status, 400 | 408), "{reply:?}");
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_body_that_breaks_off_is_never_judged() {
    let lab = Lab::start("unrestricted").await;
    for broken in ["5\r\n{\"Ima\r\nzz\r\n", "ffffffffffffffff1\r\n{\"Image\":\"postgres:16\"}"] {
        let mut client = lab.client().await;
        let head = format!(
            "POST {CREATE} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        client.send_raw(head.as_bytes()).await;
        client.send_raw(broken.as_bytes()).await;
        match client.reply("POST").await {
            Ok(reply) => assert_eq!(reply.status, 400, "{reply:?}"),
            Err(none) => assert_eq!(none, NoReply::Closed),
        }
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn heads_beyond_their_bounds_are_refused() {
    let lab = Lab::start("postgres").await;
    let many: String = (0..150).map(|at| format!("X-{at}: a\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "a".repeat(64 * 1024));
    for fields in [many, long] {
        let mut client = lab.client().await;
        client.send_raw(format!("GET /_ping HTTP/1.1\r\nHost: d\r\n{fields}\r\n").as_bytes()).await;
        match client.reply("GET").await {
            Ok(reply) => assert!(matches!(reply.status, 400 | 431), "{reply:?}"),
            Err(none) => assert_eq!(none, NoReply::Closed),
        }
    }
    let mut client = lab.client().await;
    let fields: String = (0..80).map(|at| format!("X-{at}: a\r\n")).collect();
    client.send_raw(format!("GET /_ping HTTP/1.1\r\nHost: d\r\n{fields}\r\n").as_bytes()).await;
    assert_eq!(client.reply("GET").await.unwrap().status, 200);
}

#[tokio::test]
async fn bodies_beyond_their_bounds_are_413_whether_announced_or_not() {
    let lab = Lab::start("postgres").await;
    let large = json!({"Image": "postgres:16", "Cmd": ["x".repeat(300 * 1024)]});
    for request in [Request::post(CREATE).json(&large), Request::post(CREATE).json(&large).chunked()] {
        let reply = lab.call(request).await;
        reply.assert_status(413).assert_error();
    }
    let huge = json!({"Cmd": ["x".repeat(1100 * 1024)]});
    let reply = lab.call(Request::post(&format!("/v1.41/containers/{OWN}/exec")).json(&huge)).await;
    reply.assert_status(413);
    lab.engine.assert_untouched();
    let fits = json!({"Cmd": ["x".repeat(60 * 1024)]});
    lab.call(Request::post(&format!("/v1.41/containers/{OWN}/exec")).json(&fits)).await.assert_status(201);
}

#[tokio::test]
async fn documents_that_are_nested_too_deeply_are_refused() {
    let lab = Lab::start("unrestricted").await;
    let deep = format!("{{\"Image\":\"postgres:16\",\"X\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let request = Request::post(CREATE).header("Content-Type", "application/json").body(deep.into_bytes());
    lab.call(request).await.assert_status(400).assert_error();
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn past_the_bound_on_connections_the_oldest_idle_one_goes_first() {
    let lab = Lab::start_with("postgres", |bounds| bounds.connections_per_peer = 3).await;
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut client = lab.client().await;
        client.call(Request::get("/_ping")).await.assert_status(200);
        idle.push(client);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut fourth = lab.client().await;
    fourth.call(Request::get("/_ping")).await.assert_status(200);
    assert!(idle[0].is_closed_within(Duration::from_secs(1)).await, "the oldest idle one is closed");
    for client in &mut idle[1..] {
        client.call(Request::get("/_ping")).await.assert_status(200);
    }
}

#[tokio::test]
async fn where_all_connections_are_busy_a_further_one_is_refused_in_words() {
    for all in [false, true] {
        let lab =
            Lab::start_with(
                "postgres",
                |bounds| {
                    if all { bounds.connections = 2 } else { bounds.connections_per_peer = 2 }
                },
            )
            .await;
        let mut busy = Vec::new();
        for _ in 0..2 {
            let mut client = lab.client().await;
            client.send(&Request::get(&format!("/v1.41/containers/{OWN}/logs?follow=1&stdout=1"))).await;
            client.head().await.unwrap();
            busy.push(client);
        }
        let mut refused = lab.client().await;
        let reply = refused.reply("GET").await.unwrap();
        reply.assert_status(503).assert_error();
        assert!(reply.message().contains("--connections"), "{}", reply.message());
        busy.pop();
        tokio::time::sleep(Duration::from_millis(700)).await;
        lab.get("/_ping").await.assert_status(200);
    }
}

#[tokio::test]
async fn streams_of_one_owner_are_bounded_and_other_requests_are_not() {
    let lab = Lab::start_with("postgres", |bounds| bounds.streams_per_owner = 2).await;
    let follow = Request::get(&format!("/v1.41/containers/{OWN}/logs?follow=1&stdout=1"));
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut client = lab.client().await;
        client.send(&follow).await;
        assert_eq!(client.head().await.unwrap().status, 200);
        open.push(client);
    }
    let reply = lab.call(follow.clone()).await;
    reply.assert_status(503).assert_error();
    assert!(reply.message().contains("--streams-per-owner"), "{}", reply.message());
    lab.get(&format!("/v1.41/containers/{OWN}/json")).await.assert_status(200);
    open.clear();
    let started = Instant::now();
    loop {
        let mut client = lab.client().await;
        client.send(&follow).await;
        if client.head().await.unwrap().status == 200 {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "the places are not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn pipelined_requests_are_each_judged_alone() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    let good = Request::get("/_ping").bytes();
    let bad = Request::post(CREATE).json(&json!({"Image": "redis:7"})).bytes();
    client.send_raw(&[good.clone(), bad, good].concat()).await;
    assert_eq!(client.reply("GET").await.unwrap().status, 200);
    assert_eq!(client.reply("POST").await.unwrap().status, 403);
    assert_eq!(client.reply("GET").await.unwrap().status, 200);
    lab.engine.assert_untouched();
}
