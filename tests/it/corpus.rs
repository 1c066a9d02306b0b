//! The attack corpus: every row is sent through the broker, and judged by what reached the engine.
//!
//! Rows that do not pass yet stand in `tests/corpus/exceptions.toml`, each with a reason and the work that ends it; a
//! listed row that passes fails the test, so the list can only get shorter. All benign rows run before the attacks and
//! after them.

pub(crate) mod canonical;
mod row;
mod scenario;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use self::row::{Outcome, Row};
use crate::harness::client::{Client, NoReply, Reply};
use crate::harness::engine::wire::Recorded;
use crate::harness::engine::world::{FOREIGN, FOREIGN_NAME, FOREIGN_NET, FOREIGN_SECRET, OTHER_NAME, OWN, World};
use crate::harness::{Lab, OWNER};

/// Why a row is not expected to pass.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    reason: String,
    /// Which later work ends it.
    until: String,
}

/// What came of the whole corpus.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    listed: usize,
    failed: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_comes_to_its_expected_end() {
    let lab = Lab::start_with(include_str!("../corpus/policy.toml"), |bounds| {
        bounds.header_time = Duration::from_secs(1);
        bounds.body_time = Duration::from_secs(1);
        bounds.streams_per_owner = scenario::STREAMS;
    })
    .await;
    let exceptions = exceptions();
    let mut tally = Tally::default();
    for (round, row) in rounds() {
        let result = run(&lab, &row).await;
        tally.count(&row, round, result, &exceptions);
    }
    println!("corpus: {} passed, {} failed, {} listed", tally.passed, tally.failed.len(), tally.listed);
    assert!(tally.failed.is_empty(), "{}", tally.failed.join("\n"));
}

/// A test that cannot fail proves nothing: behind a proxy that judges nothing, the attacks are seen to arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_relay_the_attacks_are_seen() {
    let lab = Lab::with_relay();
    let mut seen = Vec::new();
    let (mut benign, mut attacks) = (0, 0);
    for row in rows() {
        if row.scenario.is_some() || row.raw_b64.is_some() {
            continue;
        }
        let failed = run(&lab, &row).await.is_err();
        benign += usize::from(row.family == "benign");
        attacks += usize::from(row.family != "benign");
        if failed {
            seen.push(row);
        }
    }
    let attacks_seen = seen.iter().filter(|row| row.family != "benign").count();
    assert!(attacks_seen * 10 > attacks * 9, "only {attacks_seen} of {attacks} attacks are seen");
    println!("relay: {attacks_seen} of {attacks} attacks seen, {benign} benign rows");
}

#[test]
fn the_corpus_is_whole_and_every_exception_names_a_row() {
    let rows = rows();
    assert_eq!(rows.len(), 444);
    assert_eq!(rows.iter().filter(|row| row.family == "benign").count(), 51);
    for (id, Exception { reason, until }) in exceptions() {
        assert!(rows.iter().any(|row| row.id == id), "exception {id} names no row");
        assert!(reason.len() > 10 && !until.is_empty(), "exception {id} says too little");
    }
}

impl Tally {
    fn count(&mut self, row: &Row, round: &str, result: Result<(), String>, listed: &BTreeMap<String, Exception>) {
        match (result, listed.get(&row.id)) {
            (Ok(()), None) => self.passed += 1,
            (Err(_), Some(_)) => self.listed += 1,
            (Ok(()), Some(_)) => {
                self.failed.push(format!("{}: listed as an exception, but it passes ({round})", row.id));
            }
            (Err(why), None) => self.failed.push(format!("{} ({round}): {why}  [{}]", row.id, row.why)),
        }
    }
}

fn rows() -> Vec<Row> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    include_str!("../corpus/corpus.jsonl").lines().map(parse).collect()
}

fn exceptions() -> BTreeMap<String, Exception> {
    toml::from_str(include_str!("../corpus/exceptions.toml")).expect("exceptions")
}

/// Benign, attacks, benign.
fn rounds() -> Vec<(&'static str, Row)> {
    let (benign, attacks): (Vec<Row>, Vec<Row>) = rows().into_iter().partition(|row| row.family == "benign");
    let round = |name: &'static str, rows: Vec<Row>| rows.into_iter().map(move |row| (name, row));
    let before = round("before the attacks", benign.clone());
    before.chain(round("attack", attacks)).chain(round("after the attacks", benign)).collect()
}

/// Sends one row and says why it did not come to its expected end.
async fn run(lab: &Lab, row: &Row) -> Result<(), String> {
    lab.engine.world(|world| *world = World::new(OWNER));
    lab.engine.obey();
    lab.engine.forget();
    prepare(lab, row);
    let judged = match &row.scenario {
        Some(scenario) => scenario::run(lab, row, scenario).await,
        None => {
            let heard = exchange(lab, row).await;
            judge(lab, row, &heard)
        }
    };
    let calm = calm_down(lab).await;
    judged.and(calm)?;
    if row.raw_b64.is_some() || row.scenario.is_some() { canary(lab).await } else { Ok(()) }
}

/// Some rows need the engine in a certain state.
fn prepare(lab: &Lab, row: &Row) {
    match row.id.as_str() {
        // the row waits for an engine that refuses the attach
        "hijack-011" => lab.engine.on("POST", "/containers/*/attach").error(409, "container is paused"),
        "benign-027" | "podman-031" => {
            lab.engine.world(|world| world.change(OWN, |container| container.running = false));
        }
        _ => {}
    }
}

/// What a client heard: each answer, and what ended the connection where it was not the client.
struct Heard {
    replies: Vec<Reply>,
    end: Option<NoReply>,
}

/// Sends the row's bytes and reads the answers. Streams are read up to their head.
async fn exchange(lab: &Lab, row: &Row) -> Heard {
    let mut client = lab.client().await;
    client.send_raw(&row.bytes()).await;
    let mut heard = Heard { replies: Vec::new(), end: None };
    match first_reply(&mut client, row).await {
        Ok(reply) => heard.replies.push(reply),
        Err(end) => {
            heard.end = Some(end);
            return heard;
        }
    }
    if row.raw_b64.is_some() {
        client.half_close().await;
        while let Ok(reply) = client.reply(&row.method).await {
            heard.replies.push(reply);
        }
    }
    heard
}

async fn first_reply(client: &mut Client, row: &Row) -> Result<Reply, NoReply> {
    let streams = ["follow=1", "/wait", "/attach", "/exec/"].iter().any(|mark| row.target.contains(mark));
    if !streams || row.raw_b64.is_some() {
        return client.reply(&row.method).await;
    }
    let head = client.head().await?;
    if head.status < 300 && (head.status == 101 || head.header("content-length").is_none()) {
        return Ok(Reply { status: head.status, head, body: Vec::new() });
    }
    let length = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let body = client.exactly(length).await?;
    Ok(Reply { status: head.status, head, body })
}

fn judge(lab: &Lab, row: &Row, heard: &Heard) -> Result<(), String> {
    no_leak(row, heard)?;
    if row.id == "hijack-011" {
        return refused_hijack(lab, heard);
    }
    let mut reasons = Vec::new();
    for outcome in [Outcome::Deny, Outcome::AllowCanonicalised, Outcome::Neutralised] {
        if !row.accepts(outcome) {
            continue;
        }
        let judged = match outcome {
            Outcome::Deny => denied(lab, heard),
            Outcome::AllowCanonicalised => allowed(lab, row, heard),
            Outcome::Neutralised => neutralised(lab, heard),
        };
        match judged {
            Ok(()) => return Ok(()),
            Err(reason) => reasons.push(format!("not {outcome:?}: {reason}")),
        }
    }
    Err(reasons.join("; "))
}

/// Nothing of other people's objects in any answer; in a success not even their names.
fn no_leak(row: &Row, heard: &Heard) -> Result<(), String> {
    for reply in &heard.replies {
        let text = reply.text();
        let names = [FOREIGN, FOREIGN_NAME, FOREIGN_NET, "payroll-net", "payroll-volume", OTHER_NAME];
        let named = || reply.status < 300 && names.iter().any(|name| text.contains(name) && !row.target.contains(name));
        if text.contains(FOREIGN_SECRET) || named() {
            return Err(format!("the answer tells of foreign objects: {reply:?}"));
        }
    }
    Ok(())
}

fn denied(lab: &Lab, heard: &Heard) -> Result<(), String> {
    if let Some(reply) = heard.replies.iter().find(|reply| reply.status < 400) {
        return Err(format!("the client got {}", brief(reply)));
    }
    if heard.end == Some(NoReply::Silent) {
        return Err("the client got no answer, and the connection stayed open".to_owned());
    }
    nothing_forwarded(lab)
}

fn nothing_forwarded(lab: &Lab) -> Result<(), String> {
    let lines: Vec<String> = lab.engine.forwarded().iter().map(Recorded::line).collect();
    lines.is_empty().then_some(()).ok_or_else(|| format!("there came upstream: {lines:?}"))
}

/// The engine refused the hijack: its answer is passed on, and what followed in the client's bytes is nowhere.
fn refused_hijack(lab: &Lab, heard: &Heard) -> Result<(), String> {
    if let Some(reply) = heard.replies.iter().find(|reply| reply.status < 400) {
        return Err(format!("the client got {}", brief(reply)));
    }
    let forwarded = lab.engine.forwarded();
    match forwarded.as_slice() {
        [attach] if attach.path().ends_with("/attach") && attach.stream.is_empty() => canonical::check(attach),
        [] => Ok(()),
        other => Err(format!("there came upstream: {:?}", other.iter().map(Recorded::line).collect::<Vec<_>>())),
    }
}

fn allowed(lab: &Lab, row: &Row, heard: &Heard) -> Result<(), String> {
    succeeded(heard)?;
    for request in lab.engine.requests() {
        canonical::check(&request)?;
    }
    let forwarded = lab.engine.forwarded();
    let lines: Vec<String> = forwarded.iter().map(Recorded::line).collect();
    let asks = matches!(row.method.as_str(), "GET" | "HEAD") && forwarded.is_empty();
    if !asks && forwarded.len() != 1 {
        return Err(format!("one request was expected upstream, there were {lines:?}"));
    }
    Ok(())
}

fn neutralised(lab: &Lab, heard: &Heard) -> Result<(), String> {
    succeeded(heard)?;
    lab.engine.requests().iter().try_for_each(canonical::check)
}

fn succeeded(heard: &Heard) -> Result<(), String> {
    let Some(reply) = heard.replies.first() else {
        return Err(format!("the client got no answer ({:?})", heard.end));
    };
    if reply.status >= 400 { Err(format!("the client got {}", brief(reply))) } else { Ok(()) }
}

fn brief(reply: &Reply) -> String {
    let text: String = reply.text().chars().take(300).collect();
    format!("{} {}", reply.status, text.trim_end())
}

/// When the client is gone, no connection to the engine is left but the few that the broker keeps for its own questions.
async fn calm_down(lab: &Lab) -> Result<(), String> {
    for _ in 0..200 {
        if lab.engine.open_connections() <= OWN_CONNECTIONS {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let left = lab.engine.open_connections();
    // so that only this row fails by it
    lab.engine.close_connections();
    Err(format!("{left} connections to the engine are left"))
}

/// After each odd row, another client is served as if nothing had been.
async fn canary(lab: &Lab) -> Result<(), String> {
    let ping = lab.get("/v1.41/_ping").await;
    let own = lab.get(&format!("/v1.41/containers/{OWN}/json")).await;
    if (ping.status, own.status) == (200, 200) {
        return Ok(());
    }
    Err(format!("the next client was not served: {} {}", brief(&ping), brief(&own)))
}

/// Waits until something is true; the reason when it does not become so.
async fn until(what: &str, is_true: impl Fn() -> bool) -> Result<(), String> {
    for _ in 0..500 {
        if is_true() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(format!("{what}: not within five seconds"))
}

/// Connections that the broker may keep open for its own questions.
const OWN_CONNECTIONS: usize = 4;
