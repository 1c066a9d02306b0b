#![cfg(test)]
//! The shipped policy `dry-run` on real engines: each of its rules is kept once and broken once.
//!
//! A tap between broker and engine shows that no pull went upstream, and the mirror's own access log that no registry was
//! asked. Nobody else may use the engines meanwhile.

#[expect(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/keeper.rs"]
mod keeper;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/raw.rs"]
mod raw;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/scene.rs"]
mod scene;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/tap.rs"]
mod tap;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::spawn;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keeper::Keeper;
use raw::{Answer, send};
use scene::{direct, try_direct};
use serde_json::{Value, json};
use support::{Engine, trial, wait_until};
use tap::Tap;

/// An engine that has one image of the kind that the policy allows, a tap and a broker before it.
struct Stage {
    engine: Engine,
    upstream: PathBuf,
    tap: Tap,
    broker: Keeper,
}

/// A rule of the policy, and what shows that it holds.
type Rule = (&'static str, fn(&Stage));

fn main() -> ExitCode {
    let trials = Engine::ALL.iter().flat_map(|engine| {
        RULES.iter().map(move |(rule, test)| {
            trial(format!("{}: {rule}", engine.name()), move || {
                test(&Stage::set(*engine, "dry-run"));
                KEPT.fetch_add(1, Ordering::Relaxed);
            })
        })
    });
    let code = support::main("e2e-dry-run", trials.collect());
    if std::env::var_os("DOCKER_BROKER_E2E").is_some() {
        let kept = KEPT.load(Ordering::Relaxed);
        println!("e2e-dry-run: {kept} of {} rules were seen kept and broken on two engines", RULES.len() * 2);
    }
    code
}

impl Stage {
    fn set(engine: Engine, policy: &str) -> Self {
        let upstream = engine.socket();
        direct(&upstream, &["tag", "busybox", IMAGE]);
        let tap = Tap::before(&upstream);
        let instance = format!("dry-run-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let broker = Keeper::start(engine, &tap.socket, &instance, policy);
        Self { engine, upstream, tap, broker }
    }

    fn ask(&self, method: &str, target: &str, body: Option<&Value>) -> Answer {
        send(&self.broker.socket(), method, target, body).unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    /// A create on the session's own network, with more in its body.
    fn create(&self, body: Value) -> Answer {
        let network = json!({"NetworkMode": NETWORK});
        let mut whole = json!({"Image": IMAGE, "Cmd": ["sleep", "600"], "HostConfig": network});
        merge(&mut whole, body);
        self.ask("POST", "/containers/create", Some(&whole))
    }

    fn made(&self, body: Value) -> String {
        let made = self.create(body);
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["Id"].as_str().expect("an ID").to_owned()
    }

    fn network(&self) -> String {
        let made = self.ask("POST", "/networks/create", Some(&json!({"Name": NETWORK})));
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["Id"].as_str().expect("an ID").to_owned()
    }

    /// What the engine itself says.
    fn inspect(&self, path: &str) -> Value {
        let answer = send(&self.upstream, "GET", path, None).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let label = format!("label=docker-broker.owner={}", self.broker.owner());
        for (list, remove) in [(["ps", "-aq"], ["rm", "-fv"]), (["network", "ls"], ["network", "rm"])] {
            let quiet = if list[0] == "network" { "-q" } else { "--no-trunc" };
            let left = try_direct(&self.upstream, &[list[0], list[1], quiet, "--filter", &label]);
            for id in String::from_utf8_lossy(&left.stdout).split_whitespace() {
                try_direct(&self.upstream, &[remove[0], remove[1], id]);
            }
        }
        try_direct(&self.upstream, &["rmi", IMAGE]);
    }
}

fn images(stage: &Stage) {
    stage.network();
    stage.made(json!({}));
    refused(&stage.create(json!({"Image": "busybox:latest"})), "images.allow");
    refused(&stage.create(json!({"Image": "discovery/other:1"})), "images.allow");
}

/// Neither a pull that is asked for nor a create of what is not there makes the engine ask a registry.
fn no_pull(stage: &Stage) {
    stage.network();
    let (asked, read) = (stage.tap.mark(), mirror_log(stage.engine));
    let pull = format!("/images/create?fromImage=discovery/test-a&tag={}", "2");
    refused(&stage.ask("POST", &pull, None), "images.pull");
    let missing = stage.create(json!({"Image": "discovery/test-missing:1"}));
    assert_eq!(missing.status, 404, "{}", missing.text());
    assert!(missing.message().contains("discovery/test-missing:1"), "{}", missing.message());
    let upstream: Vec<String> = stage.tap.since(asked).iter().map(tap::Seen::line).collect();
    assert!(!upstream.iter().any(|line| line.starts_with("POST")), "{upstream:?}");
    assert_eq!(mirror_log(stage.engine), read, "the mirror was asked");
    // the log is one that shows a pull, or its silence would say nothing
    direct(&stage.upstream, &["pull", "-q", "busybox:latest"]);
    assert!(mirror_log(stage.engine) > read, "the mirror's log does not show a pull");
}

fn limits(stage: &Stage) {
    stage.network();
    let id = stage.made(json!({}));
    let host = stage.inspect(&format!("/containers/{id}/json"))["HostConfig"].clone();
    let got = [&host["Memory"], &host["NanoCpus"], &host["PidsLimit"]].map(Value::as_i64);
    assert_eq!(got, [Some(512 * 1024 * 1024), Some(500_000_000), Some(100)], "{host}");
    for (field, too_much, key) in [
        ("Memory", 512 * 1024 * 1024 + 1, "containers.limits.memory"),
        ("NanoCpus", 500_000_001, "containers.limits.cpus"),
        ("PidsLimit", 101, "containers.limits.pids"),
    ] {
        refused(&stage.create(json!({"HostConfig": {field: too_much}})), key);
    }
    let less = stage.made(json!({"HostConfig": {"Memory": 256 * 1024 * 1024}}));
    let host = stage.inspect(&format!("/containers/{less}/json"))["HostConfig"].clone();
    assert_eq!(host["Memory"], json!(256 * 1024 * 1024));
}

/// Fifty at once: twenty are made, no more and no fewer, and one that goes makes room for one.
fn at_most_twenty(stage: &Stage) {
    stage.network();
    let socket = stage.broker.socket();
    let mut clients = Vec::new();
    clients.resize_with(50, || spawn_create(&socket));
    let answers: Vec<Answer> = clients.into_iter().map(|client| client.join().expect("a client")).collect();
    let (made, over): (Vec<&Answer>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 20, "{:?}", over.first().map(|answer| answer.text()));
    over.iter().for_each(|answer| refused(answer, "containers.max"));
    let label = format!("label=docker-broker.owner={}", stage.broker.owner());
    assert_eq!(direct(&stage.upstream, &["ps", "-aq", "--filter", &label]).lines().count(), 20);
    let first = made[0].json()["Id"].as_str().expect("an ID").to_owned();
    assert_eq!(stage.ask("DELETE", &format!("/containers/{first}?force=1"), None).status, 204);
    stage.made(json!({}));
    refused(&stage.create(json!({})), "containers.max");
}

fn own_internal_network(stage: &Stage) {
    let id = stage.network();
    let network = stage.inspect(&format!("/networks/{id}"));
    assert_eq!(network["Internal"], json!(true), "{network}");
    if stage.engine == Engine::New {
        assert_eq!(network["Options"]["com.docker.network.bridge.gateway_mode_ipv4"], json!("isolated"), "{network}");
    }
    let container = stage.made(json!({}));
    let networks = stage.inspect(&format!("/containers/{container}/json"))["NetworkSettings"]["Networks"].clone();
    assert_eq!(networks.as_object().map(|all| all.keys().cloned().collect()), Some(vec![NETWORK.to_owned()]));
    refused(&stage.ask("POST", "/networks/create", Some(&json!({"Name": "elsewhere"}))), "networks.create.names");
    refused(&stage.create(json!({"HostConfig": {"NetworkMode": "bridge"}})), "containers.networks");
    let connect = stage.ask("POST", "/networks/bridge/connect", Some(&json!({"Container": container})));
    refused(&connect, "containers.networks");
}

fn thirty_minutes(stage: &Stage) {
    stage.network();
    let id = stage.made(json!({}));
    let labels = stage.inspect(&format!("/containers/{id}/json"))["Config"]["Labels"].clone();
    let expires: u64 = labels["docker-broker.expires"].as_str().and_then(|text| text.parse().ok()).expect("a time");
    let left = expires - SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    assert!((1790..=1800).contains(&left), "{left} seconds left");
    // the same policy with a short life: container and network go by themselves
    let short = Stage::set(stage.engine, "extends = \"dry-run\"\n[containers]\nlifetime = \"3s\"\n");
    let network = short.ask("POST", "/networks/create", Some(&json!({"Name": "dryrun-short"})));
    assert_eq!(network.status, 201, "{}", network.text());
    let made = short.made(json!({"HostConfig": {"NetworkMode": "dryrun-short"}}));
    assert_eq!(short.ask("POST", &format!("/containers/{made}/start"), None).status, 204);
    let label = format!("label=docker-broker.owner={}", short.broker.owner());
    let left = || {
        let containers = direct(&short.upstream, &["ps", "-aq", "--filter", &label]);
        containers + &direct(&short.upstream, &["network", "ls", "-q", "--filter", &label])
    };
    assert!(!left().is_empty());
    assert!(wait_until(Duration::from_secs(9), || left().is_empty()), "{}\n{}", left(), short.broker.log());
}

fn spawn_create(socket: &Path) -> std::thread::JoinHandle<Answer> {
    let socket = socket.to_owned();
    let body = json!({"Image": IMAGE, "Cmd": ["sleep", "600"], "HostConfig": {"NetworkMode": NETWORK}});
    spawn(move || send(&socket, "POST", "/containers/create", Some(&body)).expect("an answer"))
}

fn refused(answer: &Answer, key: &str) {
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.message().contains(&format!("`{key}`")), "does not name `{key}`: {}", answer.message());
}

/// How much the mirror has written about who asked it what.
fn mirror_log(engine: Engine) -> u64 {
    let socket = engine.socket();
    let folder = socket.parent().and_then(Path::parent).expect("the lab's folder");
    let log = folder.join("log").join(format!("registry{}.log", engine.name()));
    fs::metadata(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display())).len()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

const RULES: [Rule; 6] = [
    ("images by pattern", images),
    ("no pull", no_pull),
    ("limits are written and kept", limits),
    ("at most twenty containers", at_most_twenty),
    ("an internal network of its own", own_internal_network),
    ("thirty minutes", thirty_minutes),
];

const IMAGE: &str = "discovery/test-a:1";

const NETWORK: &str = "dryrun-a";

static NEXT: AtomicU32 = AtomicU32::new(0);

static KEPT: AtomicU32 = AtomicU32::new(0);
