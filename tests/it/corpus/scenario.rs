//! Rows of the corpus that are more than one request: exhaustion, judged by survival. Past a bound there are refusals,
//! and when the clients are gone nothing of them is left upstream.

use std::time::{Duration, Instant};

use serde_json::json;

use super::row::{Row, fill};
use super::{nothing_forwarded, until};
use crate::harness::Lab;
use crate::harness::client::{Client, Request};
use crate::harness::engine::stream::Script;
use crate::harness::engine::world::OWN;

/// The bound on streams of one owner that these scenarios run into; the default would need thousands of descriptors.
pub(crate) const STREAMS: usize = 48;

pub(crate) async fn run(lab: &Lab, row: &Row, scenario: &str) -> Result<(), String> {
    match scenario {
        "slow-headers" => slow_headers(lab, row).await,
        "endless-chunks" => endless_chunks(lab, row).await,
        "fill Labels with 100000 entries" => many_labels(lab, row).await,
        "open 1000" => many_streams(lab, row).await,
        "stop reading" => stop_reading(lab).await,
        "repeat 1000" => many_execs(lab, row).await,
        other => Err(format!("scenario `{other}` is not known here")),
    }
}

/// One byte at a time; the head's bound is one second here, so the connection ends soon after.
async fn slow_headers(lab: &Lab, row: &Row) -> Result<(), String> {
    let mut client = lab.client().await;
    client.send_raw(&row.bytes()).await;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(5) {
        client.send_raw(b"a").await;
        if client.says_something_within(Duration::from_millis(100)).await
            || client.is_closed_within(Duration::from_millis(1)).await
        {
            return nothing_forwarded(lab);
        }
    }
    Err("the connection was open after five seconds".to_owned())
}

/// Chunk after chunk of white space before the document, far past the bound.
async fn endless_chunks(lab: &Lab, row: &Row) -> Result<(), String> {
    let mut client = lab.client().await;
    let head = format!("{} {} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n", row.method, row.target);
    client.send_raw(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await;
    let chunk = [b"4000\r\n".to_vec(), vec![b' '; 0x4000], b"\r\n".to_vec()].concat();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(5) {
        client.send_raw(&chunk).await;
        if client.says_something_within(Duration::from_millis(1)).await {
            let status = client.head().await.map(|head| head.status);
            return match status {
                Ok(413) => nothing_forwarded(lab),
                other => Err(format!("413 was expected, there came {other:?}")),
            };
        }
    }
    Err("the body was read for five seconds".to_owned())
}

async fn many_labels(lab: &Lab, row: &Row) -> Result<(), String> {
    let labels: serde_json::Map<_, _> = (0..100_000).map(|at| (format!("a{at}"), json!(""))).collect();
    let body = json!({"Image": "postgres:16", "Labels": labels});
    let mut client = lab.client().await;
    client.send(&Request::post(&row.target).json(&body)).await;
    match client.reply("POST").await {
        Ok(reply) if reply.status < 400 => Err(format!("the client got {reply:?}")),
        Ok(_) | Err(_) => nothing_forwarded(lab),
    }
}

/// Three times the bound: the first ones stream, the others are refused, and when the clients go, so do the streams.
async fn many_streams(lab: &Lab, row: &Row) -> Result<(), String> {
    lab.engine.streams(Script::Fed);
    let mut clients = Vec::new();
    let mut refused = 0;
    for _ in 0..3 * STREAMS {
        let mut request = Request::new(&row.method, &fill(&row.target));
        if row.headers.iter().any(|(name, _)| name == "Upgrade") {
            request = request.upgrade();
        }
        let mut client = lab.client().await;
        client.send(&request).await;
        match client.head().await {
            Ok(head) if head.status < 300 => clients.push(client),
            Ok(_) => refused += 1,
            Err(none) => return Err(format!("a stream got no answer ({none:?})")),
        }
    }
    if clients.len() != STREAMS || refused != 2 * STREAMS {
        return Err(format!(
            "{} streams are open and {refused} were refused, with a bound of {STREAMS}",
            clients.len()
        ));
    }
    until("the streams are open upstream", || lab.engine.open_connections() >= STREAMS).await?;
    drop(clients);
    until("the streams end upstream", || lab.engine.open_connections() <= super::OWN_CONNECTIONS).await
}

/// A client that does not read holds back the engine, and fills no memory of the broker.
async fn stop_reading(lab: &Lab) -> Result<(), String> {
    lab.engine.on("GET", "/containers/*/logs").flood(256 << 20);
    let before = lab.engine.flooded();
    let mut client = lab.client().await;
    client.send(&Request::get(&format!("/v1.41/containers/{OWN}/logs?stdout=1"))).await;
    until("the flood begins", || lab.engine.flooded() > before).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let taken = lab.engine.flooded() - before;
    lab.engine.obey();
    if taken > 8 << 20 {
        return Err(format!("{taken} bytes were taken from the engine for a client that does not read"));
    }
    Ok(())
}

async fn many_execs(lab: &Lab, row: &Row) -> Result<(), String> {
    let mut client: Client = lab.client().await;
    for _ in 0..300 {
        let reply = client.call(Request::post(&fill(&row.target)).json(&json!({"Cmd": ["true"]}))).await;
        if !matches!(reply.status, 201 | 403 | 429) {
            return Err(format!("the client got {reply:?}"));
        }
    }
    Ok(())
}
