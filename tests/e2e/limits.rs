#![cfg(test)]
//! Limits, lifetimes and quotas on real engines: what the engine and the kernel say of them, and what becomes of those who
//! do not keep to them. Every hog is bounded in what it can do where a limit does not hold.

#[expect(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

#[path = "limits/cgroup.rs"]
mod cgroup;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/keeper.rs"]
mod keeper;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/raw.rs"]
mod raw;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/scene.rs"]
mod scene;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use cgroup::Cgroup;
use keeper::Keeper;
use raw::send;
use scene::{direct, try_direct};
use serde_json::{Value, json};
use support::{Engine, trial, wait_until};

/// A broker with a policy, before an engine.
struct Stage {
    upstream: PathBuf,
    broker: Keeper,
}

fn main() -> ExitCode {
    let trials = Engine::ALL.iter().flat_map(|engine| {
        TESTS.iter().map(move |(name, test)| trial(format!("{}: {name}", engine.name()), move || test(*engine)))
    });
    let code = support::main("e2e-limits", trials.collect());
    if std::env::var_os("DOCKER_BROKER_E2E").is_some() {
        let notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
        println!("e2e-limits: {}", notes.join("; "));
    }
    code
}

impl Stage {
    fn set(engine: Engine, more: &str) -> Self {
        let upstream = engine.socket();
        let instance = format!("limits-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let policy = format!("extends = \"postgres\"\n[images]\nallow = [\"busybox\", \"postgres:16\"]\n{more}");
        let broker = Keeper::start(engine, &upstream, &instance, &policy);
        Self { upstream, broker }
    }

    fn create(&self, body: &Value) -> raw::Answer {
        send(&self.broker.socket(), "POST", "/containers/create", Some(body)).expect("an answer")
    }

    /// Runs a script in a busybox; the container's ID.
    fn run(&self, script: &str) -> String {
        self.start(&json!({"Image": "busybox", "Cmd": ["sh", "-c", script]}))
    }

    fn start(&self, body: &Value) -> String {
        let made = self.create(body);
        assert_eq!(made.status, 201, "{}", made.text());
        let id = made.json()["Id"].as_str().expect("an ID").to_owned();
        let target = format!("/containers/{id}/start");
        let started = send(&self.broker.socket(), "POST", &target, None).expect("an answer");
        assert_eq!(started.status, 204, "{}", started.text());
        id
    }

    fn exists(&self, id: &str) -> bool {
        !direct(&self.upstream, &["ps", "-aq", "--no-trunc", "--filter", &format!("id={id}")]).is_empty()
    }

    fn inspect(&self, id: &str) -> Value {
        let text = direct(&self.upstream, &["inspect", id]);
        serde_json::from_str::<Value>(&text).expect("JSON")[0].take()
    }

    fn owned(&self) -> usize {
        let label = format!("label=docker-broker.owner={}", self.broker.owner());
        direct(&self.upstream, &["ps", "-aq", "--filter", &label]).lines().count()
    }

    /// What the audit says of the removal of an object by the broker.
    fn removal(&self, id: &str) -> Value {
        let mut found = None;
        wait_until(Duration::from_secs(3), || {
            found = self.broker.records().into_iter().find(|r| r["type"] == "sweep" && r["object"] == id);
            found.is_some()
        });
        found.unwrap_or_else(|| panic!("no record of the removal of {id}: {}", self.broker.audit()))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let label = format!("label=docker-broker.owner={}", self.broker.owner());
        let left = try_direct(&self.upstream, &["ps", "-aq", "--filter", &label]);
        for id in String::from_utf8_lossy(&left.stdout).lines() {
            try_direct(&self.upstream, &["rm", "-fv", id]);
        }
    }
}

fn seen_in_engine_and_kernel(engine: Engine) {
    let stage = Stage::set(engine, SMALL);
    let id = stage.run("exec sleep 300");
    let host = &stage.inspect(&id)["HostConfig"];
    for (field, value) in [("Memory", 64 << 20), ("MemorySwap", 64 << 20), ("NanoCpus", 500_000_000), ("PidsLimit", 32)]
    {
        assert_eq!(host[field], json!(value), "{field}");
    }
    let cgroup = Cgroup::of(&stage.upstream, &id);
    let cpus = cgroup.cpus();
    assert_eq!((cgroup.memory_limit(), cgroup.pids_limit(), cpus), (64 << 20, 32, (50_000, 100_000)));
    note(format!("engine {}: inspect and cgroup v{} agree", engine.name(), cgroup.version()));
}

fn fork_bomb(engine: Engine) {
    let stage = Stage::set(engine, SMALL);
    // the inner shell dies of the first fork that fails, and all that it started stays
    let id = stage.run("sh -c 'i=0; while [ $i -lt 500 ]; do sleep 300 & i=$((i+1)); done'; exec sleep 300");
    let cgroup = Cgroup::of(&stage.upstream, &id);
    let mut most = 0;
    let hit = wait_until(Duration::from_secs(20), || {
        most = most.max(cgroup.pids());
        cgroup.pids_refused() > 0
    });
    sleep(Duration::from_millis(500));
    most = most.max(cgroup.pids());
    assert!(hit, "it never came as far as its limit: {most}");
    assert!((30..=32).contains(&most), "{most} processes");
    note(format!("a fork bomb had {most} of 32 processes"));
}

fn memory_hog(engine: Engine) {
    let stage = Stage::set(engine, SMALL);
    // two blocks of 128 MiB at most, should no limit hold
    let id = stage.run("dd if=/dev/zero of=/dev/null bs=128M count=2; exec sleep 300");
    let cgroup = Cgroup::of(&stage.upstream, &id);
    let killed = wait_until(Duration::from_secs(20), || cgroup.killed_for_memory() > 0);
    let peak = cgroup.memory_peak();
    assert!(killed, "the kernel did not end it: {peak} bytes");
    assert!(peak <= 64 << 20, "{peak} bytes");
    note(format!("a memory hog had {peak} of {} bytes", 64 << 20));
}

fn disk_hog(engine: Engine) {
    let stage = Stage::set(engine, "[containers.limits]\ndisk = \"32MiB\"\n");
    let tame = stage.run("dd if=/dev/zero of=/file bs=1M count=8; exec sleep 300");
    let in_layer = stage.run("dd if=/dev/zero of=/hog bs=1M count=96; exec sleep 300");
    let hog = "dd if=/dev/zero of=/var/lib/postgresql/data/hog bs=1M count=96; exec sleep 300";
    let in_volume = stage.start(&json!({"Image": "postgres:16", "Entrypoint": ["sh", "-c", hog]}));
    let began = Instant::now();
    for (id, place) in [(in_layer, "layer"), (in_volume, "volume")] {
        let gone = wait_until(Duration::from_secs(30), || !stage.exists(&id));
        assert!(gone, "the hog in its {place} is still there: {}", stage.broker.log());
        let took = began.elapsed().as_secs_f64();
        let reason = stage.removal(&id)["reason"].as_str().expect("a reason").to_owned();
        note(format!("a disk hog in its {place} was gone {took:.1} s after its start ({reason})"));
    }
    sleep(Duration::from_secs(12));
    assert!(stage.exists(&tame), "it takes what it may");
}

fn disk_hog_after_restart(engine: Engine) {
    let mut stage = Stage::set(engine, "[containers.limits]\ndisk = \"32MiB\"\n");
    let id = stage.run("sleep 8; dd if=/dev/zero of=/hog bs=1M count=96; exec sleep 300");
    stage.broker.kill();
    stage.broker.start_again();
    assert!(wait_until(Duration::from_secs(38), || !stage.exists(&id)), "{}", stage.broker.log());
}

fn lifetime(engine: Engine) {
    let stage = Stage::set(engine, "[containers]\nlifetime = \"4s\"\n");
    let began = Instant::now();
    let id = stage.run("exec sleep 300");
    sleep(Duration::from_secs(2).saturating_sub(began.elapsed()));
    assert!(stage.exists(&id), "its time is not over");
    assert!(wait_until(Duration::from_secs(10), || !stage.exists(&id)), "{}", stage.broker.log());
    let took = began.elapsed().as_secs_f64();
    assert!(took < 9.0, "{took}");
    assert_eq!(stage.removal(&id)["reason"], "its time was over");
    note(format!("a lifetime of 4 s ended after {took:.1} s"));
}

fn quota(engine: Engine) {
    let stage = Stage::set(engine, "[containers]\nmax = 7\n");
    let began = Instant::now();
    let statuses = storm(&stage.broker.socket(), 50);
    let took = began.elapsed().as_secs_f64();
    let count = |status| statuses.iter().filter(|known| **known == status).count();
    assert_eq!((count(201), count(403)), (7, 43), "{statuses:?}");
    assert_eq!(stage.owned(), 7);
    let refused = stage.create(&json!({"Image": "busybox"}));
    assert!(refused.message().contains("session `default` has 7;"), "{}", refused.message());
    note(format!("50 creates at once made 7 of 7 in {took:.1} s"));
}

fn two_brokers_of_one_owner(engine: Engine) {
    let stage = Stage::set(engine, "[containers]\nmax = 5\n");
    let policy = "extends = \"postgres\"\n[images]\nallow = [\"busybox\"]\n[containers]\nmax = 5\n";
    let instance = stage.broker.owner().trim_end_matches("/main").to_owned();
    let second = Keeper::start(engine, &stage.upstream, &instance, policy);
    let other = second.socket();
    let theirs = spawn(move || storm(&other, 15));
    storm(&stage.broker.socket(), 15);
    theirs.join().expect("a storm");
    let there = stage.owned();
    assert!(there <= 5, "{there} containers");
    note(format!("two brokers of one owner made {there} of at most 5"));
}

fn totals(engine: Engine) {
    let stage = Stage::set(
        engine,
        "[containers]\nmax = 50\n[containers.limits]\nmemory = \"64MiB\"\n[containers.totals]\nmemory = \"200MiB\"\n",
    );
    let made = storm(&stage.broker.socket(), 8).into_iter().filter(|status| *status == 201).count();
    assert_eq!((made, stage.owned()), (3, 3));
    let refused = stage.create(&json!({"Image": "busybox"}));
    assert_eq!(refused.status, 403);
    assert!(refused.message().contains("201326592 are used and 8388608 left"), "{}", refused.message());
}

/// So many creates at once; their statuses.
fn storm(socket: &Path, count: usize) -> Vec<u16> {
    let mut clients = Vec::new();
    clients.resize_with(count, || {
        let socket = socket.to_owned();
        spawn(move || {
            let body = json!({"Image": "busybox", "Cmd": ["true"]});
            send(&socket, "POST", "/containers/create", Some(&body)).map_or(0, |answer| answer.status)
        })
    });
    clients.into_iter().map(|client| client.join().expect("a client")).collect()
}

fn note(text: String) {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner).push(text);
}

type Test = (&'static str, fn(Engine));

const TESTS: [Test; 9] = [
    ("limits are seen in the engine and in the kernel", seen_in_engine_and_kernel),
    ("a fork bomb stays within its processes", fork_bomb),
    ("a memory hog stays within its memory", memory_hog),
    ("a disk hog is removed", disk_hog),
    ("a disk hog is removed by a broker that was started after it", disk_hog_after_restart),
    ("a lifetime ends", lifetime),
    ("a quota is exact under fifty creates at once", quota),
    ("two brokers of one owner do not exceed its quota", two_brokers_of_one_owner),
    ("containers share the totals of their owner", totals),
];

const SMALL: &str = "[containers.limits]\nmemory = \"64MiB\"\ncpus = 0.5\npids = 32\n";

static NEXT: AtomicU32 = AtomicU32::new(0);

static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());
