#![cfg(test)]
//! Everything dies at random: clients, broker and engine, several of them in a round, while clients make containers,
//! networks and volumes. Afterwards nothing of ours outlives its deadline by more than five seconds, nothing of anybody
//! else's has changed, and the audit names every object that was ever there: by its full ID (a volume by its name) where
//! the engine answered its create or somebody removed it, and else by the name that its create asked for.
//!
//! Each round has a seed of its own, which is printed when it fails: `DOCKER_BROKER_SEED=…` runs that one round again.
//! `DOCKER_BROKER_CHAOS_ROUNDS` sets how many there are. The two engines work at the same time; nobody else may use them.

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

#[path = "chaos/client.rs"]
mod client;
#[path = "chaos/watch.rs"]
mod watch;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::Client;
use keeper::Keeper;
use scene::{Bystanders, Dice, difference, direct, is_orphan, restart_engine};
use serde_json::Value;
use support::{Engine, trial, wait_until};
use watch::{Object, Watch, now, present};

/// What is said at the end.
#[derive(Debug, Default)]
struct Totals {
    rounds: u32,
    clients: u32,
    kills: [u32; 3],
    containers: usize,
    networks: usize,
    volumes: usize,
    orphans: usize,
    /// How long after its deadline (or after everything was back) the last object went, in seconds.
    latest: f64,
}

/// What a round found wrong.
type Fault = String;

/// One round: its engine, its broker, and the numbers that decide what happens.
struct Round {
    engine: Engine,
    socket: PathBuf,
    keeper: Keeper,
    dice: Dice,
    clients: Vec<Client>,
}

fn main() -> ExitCode {
    let only = std::env::var("DOCKER_BROKER_SEED").ok().and_then(|text| text.parse().ok());
    let first = only.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs()));
    let rounds = if only.is_some() { 1 } else { rounds() };
    let code = support::main("chaos", vec![trial(format!("{rounds} rounds"), move || run(first, rounds))]);
    if std::env::var_os("DOCKER_BROKER_E2E").is_some() {
        println!("chaos: {}", summary(first));
    }
    code
}

fn rounds() -> u64 {
    let asked = std::env::var("DOCKER_BROKER_CHAOS_ROUNDS").ok().and_then(|text| text.parse().ok());
    let in_ci = std::env::var_os("CI").is_some();
    asked.unwrap_or(if in_ci { 10 } else { 200 })
}

/// The rounds of even seeds go to the newer engine, the others to the older one, at the same time.
fn run(first: u64, rounds: u64) {
    let seeds: Vec<u64> = (first..first + rounds).collect();
    println!("chaos: seeds {first} to {}", first + rounds - 1);
    let lanes = [(Engine::New, 0), (Engine::Old, 1)].map(|(engine, rest)| {
        let seeds: Vec<u64> = seeds.iter().copied().filter(|seed| seed % 2 == rest).collect();
        spawn(move || lane(engine, &seeds))
    });
    let faults: Vec<Fault> = lanes.into_iter().flat_map(|lane| lane.join().expect("a lane ends")).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

fn lane(engine: Engine, seeds: &[u64]) -> Vec<Fault> {
    if seeds.is_empty() {
        return Vec::new();
    }
    let socket = engine.socket();
    let bystanders = Bystanders::make(&socket);
    let span = bystanders.time_of_a_run();
    let mut faults = Vec::new();
    for seed in seeds {
        let caught = catch_unwind(|| round(engine, &socket, *seed, span));
        let fault = caught.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Some(text.unwrap_or_else(|| "the round itself failed".to_owned()))
        });
        if let Some(fault) = fault {
            faults.push(format!("seed {seed}, engine {}: {fault}", engine.name()));
            // what is left would only make every later round fail as well
            break;
        }
    }
    faults
}

fn round(engine: Engine, socket: &Path, seed: u64, span: Duration) -> Option<Fault> {
    let mut dice = Dice(seed);
    let before = engine.listing();
    let attach = dice.below(4) == 0;
    let instance = format!("chaos-{seed}");
    let keeper = Keeper::start(engine, socket, &instance, &policy(attach));
    let watch = Watch::start(socket, &keeper.owner());
    let mut round = Round { engine, socket: socket.to_owned(), keeper, dice, clients: Vec::new() };
    let killed_engine = round.mayhem(span);
    round.end_clients();
    let back = now();
    let late = round.wait_for_the_end(back);
    let seen = watch.finish();
    round.judge(&before, &seen, killed_engine, &late)
}

impl Round {
    /// Clients come, and something dies, two to five times. Whether the engine was among the dead.
    fn mayhem(&mut self, span: Duration) -> bool {
        let mut killed_engine = false;
        for _ in 0..2 + self.dice.below(4) {
            for _ in 0..1 + self.dice.below(3) {
                let name = format!("kill-{:x}", self.dice.roll() >> 16);
                self.clients.push(Client::start(&self.keeper.socket(), &name, &mut self.dice));
                totals().clients += 1;
            }
            sleep(span.mul_f64(2.0 * self.dice.fraction()));
            // an engine takes seconds to come back, so it dies less often
            let victim = match self.dice.below(7) {
                0..3 => 0,
                3..6 => 1,
                _ => 2,
            };
            match victim {
                0 => self.clients.last_mut().expect("there is one").kill(),
                1 => {
                    self.keeper.kill();
                    sleep(Duration::from_millis(self.dice.below(300)));
                    self.keeper.start_again();
                }
                _ => {
                    killed_engine = true;
                    restart_engine(self.engine);
                }
            }
            totals().kills[victim] += 1;
        }
        killed_engine
    }

    fn end_clients(&mut self) {
        let clients = &mut self.clients;
        wait_until(Duration::from_secs(8), || clients.iter_mut().all(Client::has_ended));
        clients.iter_mut().for_each(Client::kill);
    }

    /// Looks until nothing is left; gives what stayed longer than it may.
    fn wait_for_the_end(&self, back: f64) -> Vec<Object> {
        let (owner, started) = (self.keeper.owner(), Instant::now());
        loop {
            let left = present(&self.socket, &owner).unwrap_or_default();
            let late = |object: &Object| now() - back.max(seconds(object.expires));
            let latest = left.iter().map(late).fold(0.0, f64::max);
            let mut totals = totals();
            totals.latest = totals.latest.max(latest);
            drop(totals);
            let over: Vec<_> = left.iter().filter(|object| late(object) > GRACE).cloned().collect();
            if left.is_empty() || !over.is_empty() || started.elapsed() > PATIENCE {
                return if over.is_empty() { left } else { over };
            }
            sleep(Duration::from_millis(100));
        }
    }

    fn judge(&self, before: &str, seen: &BTreeSet<Object>, killed_engine: bool, late: &[Object]) -> Option<Fault> {
        let after = self.engine.listing();
        let (gone, new) = difference(before, &after);
        let (orphans, new): (Vec<_>, Vec<_>) = new.into_iter().partition(|line| is_orphan(line));
        for orphan in &orphans {
            direct(&self.socket, &["volume", "rm", orphan.split(' ').nth(1).expect("a name")]);
        }
        let audit = self.keeper.audit();
        let unanswered = unanswered(&self.keeper);
        // what an engine removes by itself when it is started again is a container, and its ID was never said
        let by_name = |object: &Object| object.kind == "container" && unanswered.contains(&object.name);
        let is_named = |object: &Object| audit.contains(&object.id) || by_name(object);
        let unknown: Vec<_> = seen.iter().filter(|object| !is_named(object)).collect();
        count(seen, orphans.len());
        let mut fault = String::new();
        let mut say = |what: &str, things: &dyn std::fmt::Debug, wrong: bool| {
            if wrong {
                let _ = writeln!(fault, "{what}: {things:#?}");
            }
        };
        say("lives past its deadline", &late, !late.is_empty());
        say("somebody else's, and gone", &gone, !gone.is_empty());
        say("new and nobody's", &new, !new.is_empty());
        say("left without a label, though no engine died", &orphans, !killed_engine && !orphans.is_empty());
        say("not in the audit", &unknown, !unknown.is_empty());
        (!fault.is_empty()).then(|| format!("{fault}\n{}\n{audit}", self.keeper.log()))
    }
}

/// The names that creates asked for which the engine never answered, because it died: it may have made them all the same,
/// and have removed them by itself when it came back, as it does with `--rm`.
fn unanswered(keeper: &Keeper) -> BTreeSet<String> {
    let is_create =
        |record: &Value| record["operation"].as_str().is_some_and(|operation| operation.ends_with("Create"));
    let has_no_answer = |record: &Value| record["status"] == 502 || record["status"] == 504;
    let records = keeper.records().into_iter().filter(|record| is_create(record) && has_no_answer(record));
    records.filter_map(|record| record["name"].as_str().map(str::to_owned)).collect()
}

fn count(seen: &BTreeSet<Object>, orphans: usize) {
    let of = |kind| seen.iter().filter(|object| object.kind == kind).count();
    let mut totals = totals();
    totals.rounds += 1;
    totals.containers += of("container");
    totals.networks += of("network");
    totals.volumes += of("volume");
    totals.orphans += orphans;
}

fn summary(first: u64) -> String {
    let Totals { rounds, clients, kills: [client, broker, engine], containers, networks, volumes, orphans, latest } =
        &*totals();
    format!(
        "{rounds} rounds (seeds from {first}): {client} kills of a client, {broker} of the broker, {engine} of the \
         engine; {clients} clients, {containers} containers, {networks} networks, {volumes} volumes; \
         the last was gone {latest:.1} s after its deadline or the last start; {orphans} unlabelled anonymous volumes \
         left by engines that were killed inside create"
    )
}

fn policy(attach: bool) -> String {
    let attach = if attach { "attach = [\"kill-net\"]\nnames = [\"kill-*\"]\n" } else { "names = [\"*\"]\n" };
    format!(
        "extends = \"postgres\"\n[containers]\nlifetime = \"3s\"\n{attach}[networks]\ncreate = true\n[volumes]\ncreate = true\n"
    )
}

#[expect(clippy::cast_precision_loss, reason = "Unix seconds fit")]
fn seconds(unix: u64) -> f64 {
    unix as f64
}

fn totals() -> std::sync::MutexGuard<'static, Totals> {
    static TOTALS: Mutex<Totals> = Mutex::new(Totals {
        rounds: 0,
        clients: 0,
        kills: [0; 3],
        containers: 0,
        networks: 0,
        volumes: 0,
        orphans: 0,
        latest: 0.0,
    });
    TOTALS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long something may live past its deadline, or past the moment when everything was back, in seconds.
const GRACE: f64 = 5.0;

/// Longer than any deadline and its grace.
const PATIENCE: Duration = Duration::from_secs(30);
