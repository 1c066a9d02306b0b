//! An engine with objects of the client's own and of others, a broker before it, and a tap in between.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::keeper::Keeper;
use crate::raw::{Answer, send};
use crate::support::{Engine, text};
use crate::tap::{Seen, Tap};

/// What the trials of one engine share.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) engine: Engine,
    pub(crate) upstream: PathBuf,
    pub(crate) tap: Tap,
    pub(crate) broker: Keeper,
    /// A second broker of the same owner, under which networks and volumes may be made.
    pub(crate) granted: Keeper,
    pub(crate) instance: String,
    /// The full ID of the own container, which runs.
    pub(crate) own: String,
    /// The full ID of somebody else's container, which runs.
    pub(crate) foreign: String,
    /// An exec of it.
    pub(crate) foreign_exec: String,
}

impl Scene {
    pub(crate) fn set(engine: Engine) -> Self {
        let upstream = engine.socket();
        clear(&upstream, "");
        let tap = Tap::before(&upstream);
        let instance = format!("refusals-{}", std::process::id());
        let broker = Keeper::start(engine, &tap.socket, &instance, "postgres");
        let more = "extends = \"postgres\"\n[networks]\ncreate = true\n[volumes]\ncreate = true\n";
        let granted = Keeper::start(engine, &tap.socket, &instance, more);
        let label = format!("docker-broker.owner={}", broker.owner());
        for kind in ["network", "volume"] {
            let short = if kind == "network" { "net" } else { "vol" };
            direct(&upstream, &[kind, "create", "--label", &label, &format!("own-{short}")]);
            direct(&upstream, &[kind, "create", &format!("foreign-{short}")]);
        }
        let sleep = ["--entrypoint", "sleep", "postgres:16", "3600"];
        let foreign = direct(&upstream, &[&["run", "-d", "--name", "foreign"], &sleep[..]].concat());
        let target = format!("/containers/{foreign}/exec");
        let exec = send(&upstream, "POST", &target, Some(&json!({"Cmd": ["true"]}))).expect("an exec");
        let foreign_exec = exec.json()["Id"].as_str().expect("an ID").to_owned();
        let own = direct(&broker.socket(), &[&["run", "-d", "--name", "own"], &sleep[..]].concat());
        Self { engine, upstream, tap, broker, granted, instance, own, foreign, foreign_exec }
    }

    /// A request to the broker; `METHOD TARGET`.
    pub(crate) fn ask(&self, line: &str, body: Option<&Value>) -> Answer {
        ask(&self.broker.socket(), line, body)
    }

    /// Asks, and gives what went upstream meanwhile too.
    pub(crate) fn watch(&self, line: &str, body: Option<&Value>) -> (Answer, Vec<Seen>) {
        let mark = self.tap.mark();
        let answer = self.ask(line, body);
        (answer, self.tap.since(mark))
    }

    /// The filter by which the broker asks for what is its owner's, as it stands in a query.
    pub(crate) fn owned_filter(&self) -> String {
        let owner = self.broker.owner().replace('/', "%2F");
        format!("%7B%22label%22%3A%5B%22docker-broker.owner%3D{owner}%22%5D%7D")
    }

    /// Removes a container that a trial made.
    pub(crate) fn remove_made(&self, answer: &Answer) {
        if let Some(id) = answer.json()["Id"].as_str() {
            try_direct(&self.upstream, &["rm", "-fv", id]);
        }
    }

    /// The client was told why, in one line, and the audit knows it by the same name.
    pub(crate) fn assert_refused(&self, broker: &Keeper, answer: &Answer, key: Option<&str>) {
        let message = answer.message();
        assert_eq!(answer.status, 403, "{message}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_taught(broker, &message, key);
    }

    /// A field that no engine has is refused by its name, and no key is promised.
    pub(crate) fn assert_unknown(&self, broker: &Keeper, answer: &Answer, path: &str) {
        let message = answer.message();
        assert_eq!(answer.status, 403, "{message}");
        let place = message.strip_prefix("docker-broker: `").and_then(|rest| rest.split_once("`: "));
        let (place, _) = place.unwrap_or_else(|| panic!("points at nothing: {message}"));
        // the field itself, or the part of its way or of its value that the broker met first
        let leads = |from: &str, to: &str| {
            to.strip_prefix(from).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        assert!(leads(place, path) || leads(path, place), "does not point at {path}: {message}");
        let record = record(broker, &message);
        assert_eq!((record["decision"].as_str(), record["place"].as_str()), (Some("refused"), Some(place)), "{record}");
    }
}

/// A refusal names itself, its key and its request, on one line; the record of that request says the same.
pub(crate) fn assert_taught(broker: &Keeper, message: &str, key: Option<&str>) {
    assert!(message.starts_with("docker-broker: ") && !message.contains('\n'), "{message}");
    match key {
        Some(key) => assert!(message.contains(&format!("`{key}`")), "does not name `{key}`: {message}"),
        None => assert!(message.contains("no policy can allow"), "{message}"),
    }
    let record = record(broker, message);
    assert_eq!(record["decision"], "refused", "{record}");
    assert_eq!(record["key"].as_str(), key, "{record}");
    assert_eq!(record["reason"].as_str(), Some(message), "{record}");
}

/// The record of the request that a message names.
fn record(broker: &Keeper, message: &str) -> Value {
    let id = message.rsplit_once("[request ").and_then(|(_, rest)| rest.strip_suffix(']'));
    let id = id.unwrap_or_else(|| panic!("names no request: {message}"));
    broker.record(id).unwrap_or_else(|| panic!("the audit has no {id}"))
}

/// Nothing but the broker's own questions.
pub(crate) fn assert_only_questions(seen: &[Seen]) {
    let others: Vec<String> = seen.iter().filter(|seen| !seen.is_question()).map(Seen::line).collect();
    assert!(others.is_empty(), "went upstream: {others:?}");
}

/// Only inspects of containers, execs and of what the engine is, and the broker's list of what is its owner's; of networks and volumes
/// the one that the client named, and no list.
pub(crate) fn assert_only_inspects(seen: &[Seen], named: &str) {
    let is_inspect = |line: &str| {
        let target = line.strip_prefix("GET ").unwrap_or_default();
        let list = target.starts_with("/containers/json?all=1&filters=") && target.contains("docker-broker.owner");
        let inspect = (target.starts_with("/containers/") || target.starts_with("/exec/")) && target.ends_with("/json");
        let plain = |kind: &str| target.strip_prefix(kind) == Some(named);
        list || inspect || plain("/networks/") || plain("/volumes/") || ["/version", "/info"].contains(&target)
    };
    let others: Vec<String> = seen.iter().map(Seen::line).filter(|line| !is_inspect(line)).collect();
    assert!(others.is_empty(), "went upstream: {others:?}");
}

pub(crate) fn ask(socket: &Path, line: &str, body: Option<&Value>) -> Answer {
    let (method, target) = line.split_once(' ').expect("a method and a target");
    send(socket, method, target, body).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The docker CLI; it must work.
pub(crate) fn direct(socket: &Path, arguments: &[&str]) -> String {
    let output = try_direct(socket, arguments);
    assert!(output.status.success(), "docker {arguments:?}: {}", text(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn try_direct(socket: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("docker");
    command.env("DOCKER_HOST", format!("unix://{}", socket.display())).env_remove("DOCKER_CONTEXT");
    command.args(arguments).stdin(Stdio::null()).output().expect("the docker CLI")
}

/// Also what a run that was broken off left.
fn clear(upstream: &Path, owner: &str) {
    if !owner.is_empty() {
        let label = format!("label=docker-broker.owner={owner}");
        let left = direct(upstream, &["ps", "-aq", "--filter", &label]);
        left.lines().for_each(|id| drop(try_direct(upstream, &["rm", "-fv", id])));
    }
    try_direct(upstream, &["rm", "-fv", "foreign", "own"]);
    try_direct(upstream, &["network", "rm", "own-net", "foreign-net"]);
    try_direct(upstream, &["volume", "rm", "own-vol", "foreign-vol"]);
    try_direct(upstream, &["network", "rm", "lesson-1", "n-1", "n-2"]);
    try_direct(upstream, &["volume", "rm", "lesson-1", "v-1", "v-2"]);
    try_direct(upstream, &["rmi", "redis:7"]);
}

impl Drop for Scene {
    fn drop(&mut self) {
        clear(&self.upstream, &self.broker.owner());
    }
}
