//! The socket file: made with its mode, never in the place of something that lives, and gone at the end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use crate::harness::Lab;
use crate::harness::broker::Broker;
use crate::harness::client::{Client, Request};
use crate::harness::engine::world::OWN;
use crate::harness::engine::{Fed, eventually};

#[tokio::test]
async fn the_socket_has_its_mode_and_is_gone_at_the_end() {
    let mut lab = Lab::start("postgres").await;
    assert_eq!(fs::metadata(lab.socket()).unwrap().permissions().mode() & 0o777, 0o600);
    lab.stop_broker().await;
    assert!(!lab.socket().exists());
    let broker = Broker::start(crate::harness::broker::Setup { mode: 0o660, ..lab.setup("postgres") }).unwrap();
    assert_eq!(fs::metadata(lab.socket()).unwrap().permissions().mode() & 0o777, 0o660);
    broker.stop().await;
}

#[tokio::test]
async fn a_live_socket_is_not_replaced() {
    let lab = Lab::start("postgres").await;
    let error = Broker::start(lab.setup("postgres")).unwrap_err();
    assert!(error.contains("in use"), "{error}");
    lab.get("/_ping").await.assert_status(200);
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    drop(UnixListener::bind(lab.socket()).unwrap());
    assert!(lab.socket().exists());
    let broker = Broker::start(lab.setup("postgres")).unwrap();
    lab.get("/_ping").await.assert_status(200);
    broker.stop().await;
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    fs::write(lab.socket(), b"precious").unwrap();
    let error = Broker::start(lab.setup("postgres")).unwrap_err();
    assert!(error.contains("not a socket"), "{error}");
    assert_eq!(fs::read(lab.socket()).unwrap(), b"precious");
    fs::remove_file(lab.socket()).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", lab.socket()).unwrap();
    assert!(Broker::start(lab.setup("postgres")).is_err(), "a link is no socket of ours");
    assert!(fs::symlink_metadata(lab.socket()).unwrap().is_symlink());
}

#[tokio::test]
async fn a_socket_that_somebody_else_put_there_meanwhile_is_not_removed() {
    let mut lab = Lab::start("postgres").await;
    fs::remove_file(lab.socket()).unwrap();
    let other = UnixListener::bind(lab.socket()).unwrap();
    lab.stop_broker().await;
    assert!(lab.socket().exists());
    drop(other);
}

#[tokio::test]
async fn the_engines_own_socket_as_listener_is_refused() {
    let lab = Lab::start("postgres").await;
    let mut setup = lab.setup("postgres");
    setup.upstream = setup.listen.clone();
    let error = Broker::start(setup).unwrap_err();
    assert!(error.contains("upstream"), "{error}");
}

#[tokio::test]
async fn draining_finishes_open_requests_and_takes_no_new_ones() {
    let mut lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/*/restart").delay(Duration::from_millis(300));
    let mut idle = lab.client().await;
    idle.call(Request::get("/_ping")).await;
    let mut busy = lab.client().await;
    busy.send(&Request::post(&format!("/v1.41/containers/{OWN}/restart"))).await;
    lab.engine.came("POST", &format!("/containers/{OWN}/restart")).await;
    let started = Instant::now();
    lab.stop_broker().await;
    assert!(started.elapsed() < Duration::from_secs(5), "the drain waits for open requests only");
    assert_eq!(busy.reply("POST").await.unwrap().status, 204);
    assert!(idle.is_closed_within(Duration::from_secs(1)).await);
    assert!(Client::try_connect(lab.socket()).await.is_err());
}

#[tokio::test]
async fn draining_ends_streams_when_its_time_is_over() {
    let mut lab = Lab::start_with("postgres", |bounds| bounds.drain_time = Duration::from_millis(300)).await;
    let mut logs = lab.client().await;
    logs.send(&Request::get(&format!("/v1.41/containers/{OWN}/logs?follow=1&stdout=1"))).await;
    logs.head().await.unwrap();
    let mut raw = lab.client().await;
    raw.send(&Request::post(&format!("/v1.41/containers/{OWN}/attach?stream=1&stdin=1")).upgrade()).await;
    raw.head().await.unwrap();
    let started = Instant::now();
    lab.stop_broker().await;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(250) && took < Duration::from_secs(3), "{took:?}");
    assert!(!lab.socket().exists());
    assert!(raw.is_closed_within(Duration::from_secs(1)).await, "the raw stream is ended");
    eventually("the engine's side is free", || lab.engine.open_connections() == 0).await;
}

#[tokio::test]
async fn a_stream_that_ends_within_the_drain_time_ends_whole() {
    let mut lab = Lab::start("postgres").await;
    let mut logs = lab.client().await;
    logs.send(&Request::get(&format!("/v1.41/containers/{OWN}/logs?follow=1&stdout=1"))).await;
    logs.head().await.unwrap();
    logs.chunk().await.unwrap();
    let broker = lab.take_broker();
    let stopping = crate::harness::background(broker.stop());
    eventually("the socket is gone", || !lab.socket().exists()).await;
    lab.engine.feed(Fed::Log(b"last words".to_vec())).await;
    assert_eq!(logs.chunk().await.unwrap(), b"last words");
    lab.engine.end_streams();
    assert_eq!(logs.chunk().await.unwrap(), b"");
    eventually("the broker is gone", || stopping.is_finished()).await;
}
