#![cfg(test)]
//! Two owners on one broker: a storm of clients on each listener, on names that both use and on what the others have.
//!
//! `DOCKER_BROKER_SEED=…` repeats the choices of a storm; how its clients interleave is the machine's. Nobody else may use
//! the engines meanwhile.

#[expect(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

#[path = "owners/pair.rs"]
mod pair;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/raw.rs"]
mod raw;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/scene.rs"]
mod scene;
#[path = "owners/storm.rs"]
mod storm;
#[path = "owners/watch.rs"]
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pair::{Pair, Side};
use raw::{Answer, send};
use scene::{Dice, direct, try_direct};
use serde_json::{Value, json};
use storm::{Board, Client, FOREIGN, Kind, STILL, Tally};
use support::{Engine, trial};
use watch::{Follower, LISTS, Sampler, encoded, numbers, owned, rows};

/// The broker, what stays whose it is, and what is not the broker's.
struct Stage {
    upstream: PathBuf,
    pair: Pair,
    board: Arc<Board>,
    /// Where the engine shows what must not change.
    still: Vec<String>,
}

fn main() -> ExitCode {
    let given = std::env::var("DOCKER_BROKER_SEED").ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed: u64 = given.unwrap_or(now);
    let is_run = std::env::var_os("DOCKER_BROKER_E2E").is_some();
    if is_run {
        println!("e2e-owners: seed {seed}");
    }
    let trials = Engine::ALL.iter().flat_map(|engine| {
        TESTS.iter().map(move |(name, test)| {
            trial(format!("{}: {name}", engine.name()), move || test(*engine, &Stage::set(*engine), seed))
        })
    });
    let code = support::main("e2e-owners", trials.collect());
    if is_run {
        let notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
        println!("e2e-owners: seed {seed}; {}", notes.join("; "));
    }
    code
}

impl Stage {
    fn set(engine: Engine) -> Self {
        let upstream = engine.socket();
        make_foreign(&upstream);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let pair = Pair::start(engine, &upstream, &format!("owners-{now}"), &SIDES);
        let mut stage = Self { upstream, pair, board: Arc::default(), still: Vec::new() };
        stage.keep(FOREIGN, "owners-foreign", "owners-foreign", "owners-foreign");
        for container in ["owners-foreign", "owners-labelled"] {
            let id = direct(&stage.upstream, &["inspect", "--format", "{{.Id}}", container]);
            stage.board.put(FOREIGN, Kind::Container, &id);
        }
        for (number, side) in SIDES.iter().enumerate() {
            stage.make_still(number, side);
        }
        stage
    }

    /// One of each kind that the side's own clients leave alone.
    fn make_still(&mut self, number: usize, side: &Side) {
        let name = side.name;
        let (container, network, volume) =
            (format!("still-{name}"), format!("n-still-{name}"), format!("v-still-{name}"));
        let body =
            json!({"Image": "busybox", "Cmd": ["sleep", "600"], "HostConfig": {"Binds": [format!("{volume}:/data")]}});
        let made = self.ask(side, "POST", &format!("/containers/create?name={container}"), Some(&body));
        assert_eq!(made.status, 201, "{}", made.text());
        let id = made.json()["Id"].as_str().expect("an ID").to_owned();
        assert_eq!(self.ask(side, "POST", &format!("/containers/{id}/start"), None).status, 204);
        let made = self.ask(side, "POST", "/networks/create", Some(&json!({"Name": network})));
        assert_eq!(made.status, 201, "{}", made.text());
        let network_id = made.json()["Id"].as_str().expect("an ID").to_owned();
        let body = json!({"Container": id});
        let joined = self.ask(side, "POST", &format!("/networks/{network}/connect"), Some(&body));
        assert_eq!(joined.status, 200, "{}", joined.text());
        self.board.put(number + STILL, Kind::Container, &id);
        self.board.put(number + STILL, Kind::Network, &network_id);
        self.keep(number + STILL, &container, &network, &volume);
    }

    /// Nobody but the side itself may change these.
    fn keep(&mut self, side: usize, container: &str, network: &str, volume: &str) {
        self.board.put(side, Kind::Container, container);
        self.board.put(side, Kind::Network, network);
        self.board.put(side, Kind::Volume, volume);
        self.still.push(format!("/containers/{container}/json"));
        self.still.push(format!("/networks/{network}"));
        self.still.push(format!("/volumes/{volume}"));
    }

    fn ask(&self, side: &Side, method: &str, target: &str, body: Option<&Value>) -> Answer {
        send(&self.pair.socket(side), method, target, body).unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    /// Everything that must not change, as the engine shows it.
    fn picture(&self) -> BTreeMap<String, Value> {
        let show = |target: &String| {
            let answer = send(&self.upstream, "GET", target, None).expect("the engine");
            assert_eq!(answer.status, 200, "{target}: {}", answer.text());
            (target.clone(), answer.json())
        };
        self.still.iter().map(show).collect()
    }

    fn owners(&self) -> Vec<String> {
        SIDES.iter().map(|side| self.pair.owner(side)).collect()
    }

    /// Removes everything of a side's, through its own listener, but for what stays.
    fn clear(&self, side: &Side) {
        let owner = self.pair.owner(side);
        for (list, key) in LISTS.iter().zip(["Id", "Id", "Name"]) {
            let folder = list.split('?').next().unwrap_or_default().trim_end_matches("/json");
            for row in owned(&self.upstream, list, &owner) {
                let is_still = [&row["Name"], &row["Names"][0]].iter().any(|name| name.to_string().contains("still-"));
                let id = row[key].as_str().expect("an ID or name");
                if !is_still {
                    let gone = self.ask(side, "DELETE", &format!("{folder}/{id}?force=1"), None);
                    assert!(matches!(gone.status, 200 | 204 | 404), "{folder}/{id}: {}", gone.text());
                }
            }
        }
        assert_eq!(numbers(&self.upstream, &owner), [1, 1, 1], "{owner}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for owner in self.owners() {
            let label = format!("label=docker-broker.owner={owner}");
            for (list, remove) in [
                (["ps", "-aq"], ["rm", "-fv"]),
                (["network", "ls"], ["network", "rm"]),
                (["volume", "ls"], ["volume", "rm"]),
            ] {
                let quiet = if list[0] == "ps" { "--no-trunc" } else { "-q" };
                let left = try_direct(&self.upstream, &[list[0], list[1], quiet, "--filter", &label]);
                for id in String::from_utf8_lossy(&left.stdout).split_whitespace() {
                    try_direct(&self.upstream, &[remove[0], remove[1], id]);
                }
            }
        }
        remove_foreign(&self.upstream);
    }
}

/// Twenty clients on each listener; what others have stays as it is, and no number is ever above its bound.
fn storm_of_both(engine: Engine, stage: &Stage, seed: u64) {
    let before = stage.picture();
    let followers: Vec<_> = SIDES.iter().map(|side| Follower::start(&stage.pair.socket(side))).collect();
    let truth = Follower::start(&stage.upstream);
    let sampler = Sampler::start(&stage.upstream, &stage.owners());
    sleep(Duration::from_millis(200));
    let tally = run_storm(stage, seed);
    sleep(Duration::from_secs(1));
    let sampled = sampler.finish();
    let mut faults = tally.faults;
    for (side, most) in SIDES.iter().zip(&sampled.most) {
        if (0..3).any(|kind| most[kind] > side.most[kind]) {
            faults.push(format!("{}: there were {most:?}, and at most {:?} may be", side.name, side.most));
        }
    }
    let made_by = owners_of_containers(&truth.finish());
    let mut told = 0;
    for (number, follower) in followers.into_iter().enumerate() {
        let events = follower.finish();
        told += events.len();
        faults.extend(foreign_events(stage, number, &events));
    }
    let (acts, foreign_acts) = audited_acts(&stage.pair, &made_by);
    faults.extend(foreign_acts);
    for ((target, was), is) in before.iter().zip(stage.picture().values()) {
        if was != is {
            faults.push(format!("{target} changed from {was} to {is}"));
        }
    }
    let shown: Vec<_> = faults.iter().take(10).collect();
    assert!(faults.is_empty(), "seed {seed}: {} faults: {shown:#?}\n{}", faults.len(), stage.pair.log());
    let Tally { requests, made, warded, over, faults: _ } = tally;
    assert!(
        made.iter().all(|made| *made >= 5) && warded >= 50 && over >= 10,
        "a storm of nothing: {requests} {made:?} {warded} {over}"
    );
    assert!(told >= 30 && acts >= 20, "{told} events and {acts} acts");
    note(format!(
        "engine {}: {requests} requests of {} clients, {warded} at what others have and none with success, {} containers, {} \
         networks and {} volumes made, {over} over a quota, at most {:?} of {:?} in {} samples, {told} events and {acts} \
         audited acts each on its own",
        engine.name(),
        2 * CLIENTS,
        made[0],
        made[1],
        made[2],
        sampled.most,
        SIDES.map(|side| side.most),
        sampled.samples,
    ));
}

fn run_storm(stage: &Stage, seed: u64) -> Tally {
    let until = Instant::now() + STORM;
    let mut threads = Vec::new();
    for number in 0..2 * CLIENTS {
        let side = number % 2;
        let client = Client {
            side,
            owner: stage.pair.owner(&SIDES[side]),
            socket: stage.pair.socket(&SIDES[side]),
            board: Arc::clone(&stage.board),
            dice: Dice(seed.wrapping_mul(1_000_003).wrapping_add(number as u64)),
            is_cli: number < 4,
        };
        threads.push(spawn(move || client.run(until)));
    }
    let mut all = Tally::default();
    for thread in threads {
        let Tally { requests, made, warded, over, faults } = thread.join().expect("a client");
        all.requests += requests;
        all.warded += warded;
        all.over += over;
        all.made = std::array::from_fn(|kind| all.made[kind] + made[kind]);
        all.faults.extend(faults);
    }
    all
}

/// Fifty creates of each kind at once on both listeners make exactly as many as there may be.
fn fifty_at_once(engine: Engine, stage: &Stage, _seed: u64) {
    let sampler = Sampler::start(&stage.upstream, &stage.owners());
    for (kind, target) in ["/containers/create", "/networks/create", "/volumes/create"].iter().enumerate() {
        let statuses = burst(stage, target);
        for (side, statuses) in SIDES.iter().zip(statuses) {
            let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
            let room = side.most[kind] - 1;
            assert_eq!((count(201), count(403)), (room, 50 - room), "{target} of {}: {statuses:?}", side.name);
            assert_eq!(numbers(&stage.upstream, &stage.pair.owner(side))[kind], side.most[kind], "{target}");
        }
    }
    let sampled = sampler.finish();
    let allowed: Vec<_> = SIDES.iter().map(|side| side.most).collect();
    assert_eq!(sampled.most, allowed, "at any time, in {} samples", sampled.samples);
    for side in &SIDES {
        stage.clear(side);
    }
    note(format!("engine {}: 50 creates at once make exactly {allowed:?}", engine.name()));
}

/// Fifty creates on each listener at the same moment; the statuses of each.
fn burst(stage: &Stage, target: &'static str) -> Vec<Vec<u16>> {
    let start = Arc::new(Barrier::new(100));
    // all are started before one is waited for
    let sides = SIDES.map(|side| {
        let clients = (0..50).map(|number| {
            let (socket, start, name) = (stage.pair.socket(&side), Arc::clone(&start), side.name);
            spawn(move || {
                let letter = if target.starts_with("/networks") { "n" } else { "v" };
                let body = json!({"Image": "busybox", "Name": format!("{letter}-{name}-{number}")});
                let image = json!({"Image": "busybox"});
                let body = if target.starts_with("/containers") { image } else { json!({"Name": body["Name"]}) };
                start.wait();
                send(&socket, "POST", target, Some(&body)).map_or(0, |answer| answer.status)
            })
        });
        clients.collect::<Vec<_>>()
    });
    sides.into_iter().map(|side| side.into_iter().map(|client| client.join().expect("a client")).collect()).collect()
}

/// In the calm: every list, inspect, filter and event shows a side its own, and only its own.
fn disjoint(_engine: Engine, stage: &Stage, _seed: u64) {
    let followers: Vec<_> = SIDES.iter().map(|side| Follower::start(&stage.pair.socket(side))).collect();
    sleep(Duration::from_millis(300));
    for (side, other) in [(&SIDES[0], &SIDES[1]), (&SIDES[1], &SIDES[0])] {
        let theirs = [format!("still-{}", other.name), format!("v-still-{}", other.name), "owners-".to_owned()];
        let own = format!("still-{}", side.name);
        for list in LISTS {
            let all = self::list(stage, side, list, &json!({}));
            assert!(all.contains(&own) && !all.contains(&other.name.to_owned()), "{list}: {all}");
            assert!(theirs.iter().all(|name| !all.contains(name)), "{list}: {all}");
            let their_owner = stage.pair.owner(other);
            for filters in [
                json!({"name": [theirs[0]]}),
                json!({"label": [format!("docker-broker.owner={their_owner}")]}),
                json!({"label": [format!("docker-broker.owner={their_owner}"), format!("docker-broker.owner={}", stage.pair.owner(side))]}),
            ] {
                let shown = self::list(stage, side, list, &filters);
                assert_eq!(shown, "", "{list} {filters}");
            }
            let shown = self::list(stage, side, list, &json!({"name": [own]}));
            assert!(shown.contains(&own), "{list}: {shown}");
        }
        for target in &stage.still {
            let is_own = target.contains(side.name);
            let answer = stage.ask(side, "GET", target, None);
            assert_eq!(answer.status, if is_own { 200 } else { 404 }, "{target} for {}: {}", side.name, answer.text());
        }
        stir(stage, side);
    }
    sleep(Duration::from_millis(500));
    for ((side, other), follower) in [(&SIDES[0], &SIDES[1]), (&SIDES[1], &SIDES[0])].into_iter().zip(followers) {
        let text: String = follower.finish().iter().map(Value::to_string).collect();
        for kind in ["\"container\"", "\"network\"", "\"volume\""] {
            assert!(text.contains(kind), "{} heard of no {kind}: {text}", side.name);
        }
        assert!(text.contains(&format!("stirred-{}", side.name)), "{text}");
        assert!(!text.contains(&format!("stirred-{}", other.name)), "{} heard of the other: {text}", side.name);
    }
}

/// Makes one of each kind, puts one on another, and removes them.
fn stir(stage: &Stage, side: &Side) {
    let name = format!("stirred-{}", side.name);
    let volume = stage.ask(side, "POST", "/volumes/create", Some(&json!({"Name": format!("v-{name}")})));
    let network = stage.ask(side, "POST", "/networks/create", Some(&json!({"Name": format!("n-{name}")})));
    let body = json!({"Image": "busybox", "Cmd": ["true"], "HostConfig": {"NetworkMode": format!("n-{name}"), "Binds": [format!("v-{name}:/data")]}});
    let container = stage.ask(side, "POST", &format!("/containers/create?name={name}"), Some(&body));
    assert_eq!((volume.status, network.status, container.status), (201, 201, 201), "{}", container.text());
    assert_eq!(stage.ask(side, "POST", &format!("/containers/{name}/start"), None).status, 204);
    stage.clear(side);
}

/// The names in a list, without the engine's own networks.
fn list(stage: &Stage, side: &Side, list: &str, filters: &Value) -> String {
    let answer = stage.ask(side, "GET", &format!("{list}filters={}", encoded(filters)), None);
    assert_eq!(answer.status, 200, "{list} {filters}: {}", answer.text());
    let is_predefined =
        |row: &Value| row["Name"].as_str().is_some_and(|name| ["bridge", "host", "none"].contains(&name));
    rows(&answer.json())
        .iter()
        .filter(|row| !is_predefined(row))
        .map(|row| format!("{} {} ", row["Name"], row["Names"]))
        .collect()
}

/// What one listener's policy allows and the other's does not, tried by both on what is their own.
fn powers_differ(engine: Engine, stage: &Stage, _seed: u64) {
    let [able, unable] = &SIDES;
    let exec = json!({"Cmd": ["true"]});
    let pull = "/images/create?fromImage=postgres&tag=16";
    for side in &SIDES {
        let at = format!("/containers/still-{}/exec", side.name);
        let (made, pulled) = (stage.ask(side, "POST", &at, Some(&exec)), stage.ask(side, "POST", pull, None));
        for (answer, good, key) in [(made, 201, "containers.exec"), (pulled, 200, "images.pull")] {
            if side.name == able.name {
                assert_eq!(answer.status, good, "{}", answer.text());
            } else {
                assert_eq!(answer.status, 403, "{}: {}", unable.name, answer.text());
                assert!(answer.message().contains(&format!("(key `{key}`)")), "{}", answer.message());
            }
        }
    }
    note(format!("engine {}: one may exec and pull, the other is told the keys", engine.name()));
}

/// Who made which container, by the engine's own events.
fn owners_of_containers(events: &[Value]) -> BTreeMap<String, String> {
    let made = events.iter().filter(|event| event["Type"] == "container" && event["Action"] == "create");
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    made.map(|event| (word(&event["Actor"]["ID"]), word(&event["Actor"]["Attributes"]["docker-broker.owner"])))
        .collect()
}

/// Events about what is not the side's own.
fn foreign_events(stage: &Stage, side: usize, events: &[Value]) -> Vec<String> {
    let owner = stage.pair.owner(&SIDES[side]);
    let is_foreign = |event: &Value| {
        let actor = &event["Actor"];
        let id = actor["ID"].as_str().unwrap_or_default();
        let others = [1 - side, FOREIGN, STILL + 1 - side];
        match event["Type"].as_str() {
            Some("container") => actor["Attributes"]["docker-broker.owner"] != json!(owner),
            Some("network") => others.iter().any(|other| stage.board.has(*other, Kind::Network, id)),
            // volumes have names only, and those of a storm belong to one side and then to the other
            Some("volume") => others.iter().any(|other| stage.board.has(*other, Kind::Volume, id)),
            Some(_) | None => false,
        }
    };
    events.iter().filter(|event| is_foreign(event)).map(|event| format!("{owner} heard {event}")).collect()
}

/// How many permitted acts on containers the audit has, and those on what the caller had not made.
fn audited_acts(pair: &Pair, made_by: &BTreeMap<String, String>) -> (usize, Vec<String>) {
    let (mut acts, mut foreign) = (0, Vec::new());
    for record in pair.records() {
        let permitted = record["decision"] == "permitted";
        let owner = record["object"].as_str().and_then(|object| made_by.get(object));
        if let (true, Some(owner)) = (permitted, owner) {
            acts += 1;
            if record["owner"] != json!(owner) {
                foreign.push(format!("{owner} made what this acts on: {record}"));
            }
        }
    }
    (acts, foreign)
}

/// What was made without the broker, one of it with somebody else's label.
fn make_foreign(upstream: &Path) {
    remove_foreign(upstream);
    direct(upstream, &["network", "create", "--internal", "owners-foreign"]);
    direct(upstream, &["volume", "create", "owners-foreign"]);
    direct(
        upstream,
        &[
            "run",
            "-d",
            "--name",
            "owners-foreign",
            "--network",
            "owners-foreign",
            "-v",
            "owners-foreign:/d",
            "busybox",
            "sleep",
            "900",
        ],
    );
    let label = "docker-broker.owner=somebody/else";
    direct(upstream, &["create", "--name", "owners-labelled", "--label", label, "busybox"]);
}

fn remove_foreign(upstream: &Path) {
    try_direct(upstream, &["rm", "-fv", "owners-foreign", "owners-labelled"]);
    try_direct(upstream, &["network", "rm", "owners-foreign"]);
    try_direct(upstream, &["volume", "rm", "owners-foreign"]);
}

fn note(text: String) {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner).push(text);
}

type Test = (&'static str, fn(Engine, &Stage, u64));

const TESTS: [Test; 4] = [
    ("lists, inspects, filters and events are disjoint", disjoint),
    ("one listener may what the other may not", powers_differ),
    ("fifty creates at once make exactly as many as there may be", fifty_at_once),
    ("a storm of both owners touches nothing of anybody else's", storm_of_both),
];

const SIDES: [Side; 2] = [
    Side { name: "left", most: [12, 4, 5], may_exec_and_pull: true },
    Side { name: "right", most: [9, 3, 4], may_exec_and_pull: false },
];

/// Clients of each side; two of them are the docker CLI.
const CLIENTS: usize = 20;

const STORM: Duration = Duration::from_secs(20);

static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());
