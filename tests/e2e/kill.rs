#![cfg(test)]
//! Client, broker or engine is killed at any moment of create, attach and start; ten seconds after the broker is back
//! nothing that it made exists, and nothing else has changed.
//!
//! Moments, victims and clients come from a seed, which is printed and can be set by `DOCKER_BROKER_SEED`. Rounds run back
//! to back in batches; each batch ends with a comparison of full listings of the engine. Nobody else may use the engines
//! meanwhile.

#[expect(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/keeper.rs"]
mod keeper;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/raw.rs"]
mod raw;
#[path = "support/scene.rs"]
mod scene;

#[path = "kill/client.rs"]
mod client;
#[path = "kill/sweeper.rs"]
mod sweeper;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::Client;
use keeper::Keeper;
use scene::{Bystanders, Dice, difference, direct, is_orphan, restart_engine, try_direct};
use support::{Engine, trial, wait_until};

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Client,
    Broker,
    Engine,
}

/// What is said at the end.
#[derive(Debug, Default)]
struct Totals {
    kills: [u32; 3],
    clients: u32,
    creates: usize,
    orphans: usize,
    slowest: Duration,
}

/// One batch of rounds against one engine and one broker.
struct Batch {
    engine: Engine,
    socket: PathBuf,
    keeper: Keeper,
    dice: Dice,
    clients: Vec<Client>,
    /// How long a create and a start take here.
    span: Duration,
}

fn main() -> ExitCode {
    let seed = std::env::var("DOCKER_BROKER_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs()));
    let mut dice = Dice(seed);
    let mut trials = vec![trial("a container that nobody starts", || drop(sweeper::forgotten()))];
    for (engine, batches, rounds) in [(Engine::Old, 4, 10), (Engine::New, 2, 6)] {
        for batch in 1..=batches {
            let dice = Dice(dice.roll());
            let attach = batch % 2 == 0;
            let name = format!("engine {}, batch {batch}{}", engine.name(), if attach { ", attached" } else { "" });
            trials.push(trial(name, move || run_batch(engine, attach, rounds, dice)));
        }
    }
    trials.extend(sweeper::trials());
    let code = support::main("e2e-kill", trials);
    sweeper::tidy();
    if std::env::var_os("DOCKER_BROKER_E2E").is_some() {
        println!("e2e-kill: {}", summary(seed));
    }
    code
}

fn summary(seed: u64) -> String {
    let Totals { kills: [client, broker, engine], clients, creates, orphans, slowest } = &*totals();
    format!(
        "{} rounds (seed {seed}): {client} kills of a client, {broker} of the broker, {engine} of the engine; {clients} \
         clients, {creates} creates answered with 201; all gone {:.1} s after the last client at the latest; {orphans} \
         unlabelled anonymous volumes left by engines that were killed inside create",
        client + broker + engine,
        slowest.as_secs_f64()
    )
}

fn run_batch(engine: Engine, attach: bool, rounds: usize, dice: Dice) {
    let socket = engine.socket();
    let theirs = socket.clone();
    let bystanders = Bystanders::make(&theirs);
    let span = bystanders.time_of_a_run();
    let before = engine.listing();
    let instance = format!("kill-{}-{:x}", std::process::id(), dice.0);
    let keeper = Keeper::start(engine, &socket, &instance, policy(attach));
    let mut batch = Batch { engine, socket, keeper, dice, clients: Vec::new(), span };
    let mut victims: Vec<Victim> = (0..rounds).map(|round| VICTIMS[round % VICTIMS.len()]).collect();
    batch.dice.shuffle(&mut victims);
    for victim in &victims {
        batch.round(*victim);
    }
    batch.wait_for_clients();
    let may_orphan = victims.contains(&Victim::Engine);
    batch.settle(&before, may_orphan);
}

impl Batch {
    /// Starts clients, kills one thing at a random moment, and starts it again.
    fn round(&mut self, victim: Victim) {
        let count = 1 + self.dice.below(3);
        for index in 0..count {
            let cut = victim == Victim::Client && index == 0;
            let name = format!("kill-{:x}", self.dice.roll());
            self.clients.push(Client::start(&self.keeper.socket(), &name, cut, &mut self.dice));
        }
        sleep(self.span.mul_f64(self.dice.fraction()));
        match victim {
            Victim::Client => {
                let index = self.clients.len() - usize::try_from(count).expect("a small number");
                self.clients[index].kill();
            }
            Victim::Broker => {
                self.keeper.kill();
                self.keeper.start_again();
            }
            Victim::Engine => restart_engine(self.engine),
        }
        let mut totals = totals();
        totals.kills[victim as usize] += 1;
        totals.clients += u32::try_from(count).expect("a small number");
    }

    /// What a client started may be made after the broker is back: the clock runs from the last client's end.
    fn wait_for_clients(&mut self) {
        let clients = &mut self.clients;
        wait_until(Duration::from_secs(15), || clients.iter_mut().all(Client::has_ended));
        for client in clients {
            client.kill();
        }
    }

    /// Waits until nothing of ours exists, at most ten seconds, and compares.
    fn settle(&self, before: &str, may_orphan: bool) {
        let started = Instant::now();
        let label = format!("label=docker-broker.owner={}", self.keeper.owner());
        let left = || direct(&self.socket, &["ps", "-aq", "--filter", &label]);
        let clean = wait_until(PATIENCE, || left().is_empty());
        let took = started.elapsed();
        let after = self.engine.listing();
        let (gone, new) = difference(before, &after);
        let (orphans, new): (Vec<_>, Vec<_>) = new.into_iter().partition(|line| is_orphan(line));
        for orphan in &orphans {
            let name = orphan.split(' ').nth(1).expect("a name");
            direct(&self.socket, &["volume", "rm", name]);
        }
        let log = self.keeper.log();
        assert!(clean, "after {took:?} there is still {}\n{log}", left());
        assert!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}\nnew: {new:#?}\n{log}");
        assert!(may_orphan || orphans.is_empty(), "no engine was killed: {orphans:#?}\n{log}");
        let creates = self.keeper.creates();
        assert!(creates > 0, "no client came as far as a container\n{log}");
        let mut totals = totals();
        totals.creates += creates;
        totals.orphans += orphans.len();
        totals.slowest = totals.slowest.max(took);
    }
}

fn policy(attach: bool) -> &'static str {
    if attach {
        "extends = \"postgres\"\n[containers]\nlifetime = \"5s\"\nattach = [\"kill-net\"]\nnames = [\"kill-*\"]\n"
    } else {
        "extends = \"postgres\"\n[containers]\nlifetime = \"5s\"\n"
    }
}

fn totals() -> std::sync::MutexGuard<'static, Totals> {
    static TOTALS: Mutex<Totals> =
        Mutex::new(Totals { kills: [0; 3], clients: 0, creates: 0, orphans: 0, slowest: Duration::ZERO });
    TOTALS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An engine takes seconds to come back, so it dies less often.
const VICTIMS: [Victim; 5] = [Victim::Client, Victim::Broker, Victim::Engine, Victim::Broker, Victim::Client];

/// Within this everything is gone that a broker made.
const PATIENCE: Duration = Duration::from_secs(10);
