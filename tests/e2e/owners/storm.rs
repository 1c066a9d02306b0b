//! The clients of a storm: each does one thing after the other, on names that both sides use and on what others have.
//!
//! What a client may not touch it names by ID, by a prefix or by name, in every place of a request where that can stand;
//! whatever then succeeds is a fault.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::raw::{self, Answer, connect, request};
use crate::scene::{Dice, try_direct};
use crate::watch::{encoded, rows};

/// Who has what: side 0, side 1, somebody whom the broker does not know ([`FOREIGN`]), and what is a side's and stays as
/// it is ([`STILL`] and the next).
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<[Known; 5]>);

/// IDs that were handed out, and names that stay whose they are.
#[derive(Debug, Clone, Default)]
struct Known {
    containers: Vec<String>,
    networks: Vec<String>,
    volumes: Vec<String>,
    execs: Vec<String>,
}

/// What has an ID or a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Container,
    Network,
    Volume,
    Exec,
}

/// Where the board has what the broker did not make.
pub(crate) const FOREIGN: usize = 2;

/// Where it has what side 0 has and nobody changes; side 1's is the next.
pub(crate) const STILL: usize = 3;

/// One client.
pub(crate) struct Client {
    pub(crate) side: usize,
    pub(crate) owner: String,
    pub(crate) socket: PathBuf,
    pub(crate) board: Arc<Board>,
    pub(crate) dice: Dice,
    /// Works with the docker CLI.
    pub(crate) is_cli: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: usize,
    pub(crate) made: [usize; 3],
    /// Answers about what belongs to others, none of them a yes.
    pub(crate) warded: usize,
    /// Refusals that name a quota.
    pub(crate) over: usize,
    pub(crate) faults: Vec<String>,
}

impl Board {
    pub(crate) fn put(&self, side: usize, kind: Kind, id: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all[side].of(kind).push(id.to_owned());
    }

    /// Whether it was handed out to this side.
    pub(crate) fn has(&self, side: usize, kind: Kind, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[side].of(kind).iter().any(|known| known == id)
    }

    /// One of the newest ones, or any.
    fn pick(&self, side: usize, kind: Kind, dice: &mut Dice) -> Option<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all[side].of(kind);
        let among = if dice.below(2) == 0 { known.len().min(6) } else { known.len() };
        let back = usize::try_from(dice.below(among.max(1) as u64)).expect("a small number") + 1;
        known.len().checked_sub(back).map(|index| known[index].clone())
    }
}

impl Known {
    fn of(&mut self, kind: Kind) -> &mut Vec<String> {
        match kind {
            Kind::Container => &mut self.containers,
            Kind::Network => &mut self.networks,
            Kind::Volume => &mut self.volumes,
            Kind::Exec => &mut self.execs,
        }
    }
}

impl Client {
    /// Goes on until the time is over.
    pub(crate) fn run(mut self, until: Instant) -> Tally {
        let mut tally = Tally::default();
        while Instant::now() < until {
            if self.is_cli {
                self.call_cli(&mut tally);
                continue;
            }
            match self.dice.below(18) {
                16 => self.make("/networks/create", "n", Kind::Network, &mut tally),
                0 | 1 => self.create(&mut tally),
                2 | 3 | 17 => self.reach_for_others(&mut tally),
                4 => self.create_with_others(&mut tally),
                5 => self.leave(&mut tally),
                6 | 7 => self.list(&mut tally),
                8 => self.make("/networks/create", "n", Kind::Network, &mut tally),
                9 => self.make("/volumes/create", "v", Kind::Volume, &mut tally),
                10 => self.look(&mut tally),
                11 => self.exec(&mut tally),
                _ => self.act(&mut tally),
            }
        }
        tally
    }

    fn ask(&self, method: &str, target: &str, body: Option<&Value>, tally: &mut Tally) -> Answer {
        tally.requests += 1;
        let answer = raw::send(&self.socket, method, target, body);
        let answer = answer.unwrap_or_else(|error| Answer {
            status: 599,
            headers: Vec::new(),
            body: error.to_string().into_bytes(),
        });
        tally.over += usize::from(answer.status == 403 && answer.message().contains("max`)"));
        if answer.status > 501 {
            self.fault(tally, &format!("{method} {target}: {} {}", answer.status, answer.text()));
        }
        answer
    }

    fn fault(&self, tally: &mut Tally, what: &str) {
        tally.faults.push(format!("{}: {what}", self.owner));
    }

    /// A name that both sides use.
    fn name(&mut self, letter: &str) -> String {
        format!("{letter}-{}", self.dice.below(6))
    }

    /// A container of this side's, spelled in one way or another; or a name, whosever it is at the moment.
    fn some_container(&mut self) -> String {
        match self.board.pick(self.side, Kind::Container, &mut self.dice) {
            Some(id) if self.dice.below(2) == 0 => self.spelled(&id),
            Some(_) | None => self.name("c"),
        }
    }

    fn spelled(&mut self, id: &str) -> String {
        let is_id = id.len() == 64;
        if is_id && self.dice.below(2) == 0 { id.chars().take(12).collect() } else { id.to_owned() }
    }

    /// What another side or nobody of ours has.
    fn others(&mut self, kind: Kind) -> Option<String> {
        // of volumes only those have a name that stays whose it is
        let whose = match self.dice.below(4) {
            0 => FOREIGN,
            1 => STILL + 1 - self.side,
            _ => 1 - self.side,
        };
        let id = self.board.pick(whose, kind, &mut self.dice)?;
        Some(if matches!(kind, Kind::Exec) { id } else { self.spelled(&id) })
    }

    fn create(&mut self, tally: &mut Tally) {
        let (target, body) = self.a_create();
        let made = self.ask("POST", &target, Some(&body), tally);
        if made.status != 201 {
            self.make_room(&made, Kind::Container, tally);
            return;
        }
        tally.made[0] += 1;
        let id = made.json()["Id"].as_str().unwrap_or_default().to_owned();
        self.board.put(self.side, Kind::Container, &id);
        if self.dice.below(6) == 0 {
            self.ask("POST", &format!("/containers/{id}/start"), None, tally);
        }
    }

    fn a_create(&mut self) -> (String, Value) {
        let mut host = json!({});
        if self.dice.below(4) == 0 {
            host["Binds"] = json!([format!("{}:/data", self.name("v"))]);
        }
        if self.dice.below(4) == 0 {
            host["NetworkMode"] = json!(self.name("n"));
        }
        let name = if self.dice.below(4) == 0 { String::new() } else { format!("?name={}", self.name("c")) };
        let body = json!({"Image": "busybox", "Cmd": ["sleep", "60"], "HostConfig": host});
        (format!("/containers/create{name}"), body)
    }

    fn make(&mut self, target: &str, letter: &str, kind: Kind, tally: &mut Tally) {
        let name = self.name(letter);
        let made = self.ask("POST", target, Some(&json!({"Name": name})), tally);
        if let (201, Some(id)) = (made.status, made.json()["Id"].as_str()) {
            self.board.put(self.side, kind, id);
            tally.made[1] += 1;
        } else if made.status == 201 {
            tally.made[2] += 1;
        }
        self.make_room(&made, kind, tally);
    }

    /// Where a quota is reached, something of this side's goes: one of the newest, or whatever has a name.
    fn make_room(&mut self, refused: &Answer, kind: Kind, tally: &mut Tally) {
        if refused.status != 403 {
            return;
        }
        let (folder, letter) = match kind {
            Kind::Container => ("containers", "c"),
            Kind::Network => ("networks", "n"),
            Kind::Volume | Kind::Exec => ("volumes", "v"),
        };
        let newest = self.board.pick(self.side, kind, &mut self.dice);
        for gone in newest.into_iter().chain([self.name(letter)]) {
            self.ask("DELETE", &format!("/{folder}/{gone}?force=1"), None, tally);
        }
    }

    /// Sends a create or a connect, and does not wait for the answer.
    fn leave(&mut self, tally: &mut Tally) {
        let (target, body) = match self.dice.below(3) {
            0 => self.a_create(),
            1 => ("/networks/create".to_owned(), json!({"Name": self.name("n")})),
            _ => ("/volumes/create".to_owned(), json!({"Name": self.name("v")})),
        };
        tally.requests += 1;
        if let Ok(mut stream) = connect(&self.socket) {
            let _ = stream.write_all(&request("POST", &target, Some(&body)));
            sleep(Duration::from_millis(self.dice.below(40)));
        }
    }

    /// Something with a container or network of this side's.
    fn act(&mut self, tally: &mut Tally) {
        let container = self.some_container();
        let network = self.name("n");
        match self.dice.below(8) {
            0 => {
                let name = self.name("c");
                self.ask("POST", &format!("/containers/{container}/rename?name={name}"), None, tally)
            }
            1 => self.ask("POST", &format!("/containers/{container}/kill"), None, tally),
            2 => {
                self.ask("POST", &format!("/networks/{network}/connect"), Some(&json!({"Container": container})), tally)
            }
            3 => {
                let body = json!({"Container": container, "Force": true});
                self.ask("POST", &format!("/networks/{network}/disconnect"), Some(&body), tally)
            }
            4 => self.ask("POST", &format!("/containers/{container}/start"), None, tally),
            _ => self.ask("DELETE", &format!("/containers/{container}?force=1&v=1"), None, tally),
        };
    }

    fn exec(&mut self, tally: &mut Tally) {
        let container = self.some_container();
        let body = json!({"Cmd": ["true"], "AttachStdout": true});
        let made = self.ask("POST", &format!("/containers/{container}/exec"), Some(&body), tally);
        if let (201, Some(id)) = (made.status, made.json()["Id"].as_str()) {
            self.board.put(self.side, Kind::Exec, id);
            self.ask("POST", &format!("/exec/{id}/start"), Some(&json!({"Detach": true})), tally);
        }
    }

    /// Whatever a name shows must be this side's.
    fn look(&mut self, tally: &mut Tally) {
        let container = self.some_container();
        let targets = [
            format!("/containers/{container}/json"),
            format!("/networks/{}", self.name("n")),
            format!("/volumes/{}", self.name("v")),
        ];
        for target in targets {
            let answer = self.ask("GET", &target, None, tally);
            if answer.status == 200 {
                let shown = answer.json();
                let labels = if shown["Config"].is_object() { &shown["Config"]["Labels"] } else { &shown["Labels"] };
                if labels["docker-broker.owner"] != json!(self.owner) {
                    self.fault(tally, &format!("{target} shows what is not its own: {shown}"));
                }
            }
        }
    }

    /// Lists, with filters that ask for what others have.
    fn list(&mut self, tally: &mut Tally) {
        let other = self.others(Kind::Container).unwrap_or_default();
        let network = self.others(Kind::Network).unwrap_or_default();
        let instance = self.owner.rsplit_once('/').map_or("", |(instance, _)| instance).to_owned();
        let filters = match self.dice.below(6) {
            0 => json!({"id": [other]}),
            1 => json!({"name": ["c-", "v-", "n-", "still", "owners-"]}),
            2 => json!({"label": ["docker-broker.owner"]}),
            3 => {
                json!({"label": [format!("docker-broker.owner={instance}/{}", if self.side == 0 { "right" } else { "left" })]})
            }
            4 => json!({"network": [network]}),
            _ => json!({}),
        };
        let target = match self.dice.below(3) {
            0 => format!("/containers/json?all=1&filters={}", encoded(&filters)),
            1 => format!("/networks?filters={}", encoded(&filters)),
            _ => format!("/volumes?filters={}", encoded(&filters)),
        };
        let answer = self.ask("GET", &target, None, tally);
        if answer.status != 200 {
            return;
        }
        for row in rows(&answer.json()) {
            let is_predefined = row["Name"].as_str().is_some_and(|name| ["bridge", "host", "none"].contains(&name));
            if row["Labels"]["docker-broker.owner"] != json!(self.owner)
                && !(is_predefined && row["Driver"].is_string())
            {
                self.fault(tally, &format!("{target} lists what is not its own: {row}"));
            }
        }
    }

    /// A request about what somebody else has; no answer may be a yes.
    fn reach_for_others(&mut self, tally: &mut Tally) {
        let kind = match self.dice.below(6) {
            0 => Kind::Network,
            1 => Kind::Volume,
            2 => Kind::Exec,
            _ => Kind::Container,
        };
        let (Some(theirs), own) = (self.others(kind), self.some_container()) else { return };
        let (method, target, body) = match kind {
            Kind::Container => self.on_container(&theirs),
            Kind::Network => match self.dice.below(4) {
                0 => ("GET", format!("/networks/{theirs}"), None),
                1 => ("DELETE", format!("/networks/{theirs}"), None),
                2 => ("POST", format!("/networks/{theirs}/connect"), Some(json!({"Container": own}))),
                _ => ("POST", format!("/networks/{theirs}/disconnect"), Some(json!({"Container": own, "Force": true}))),
            },
            Kind::Volume => match self.dice.below(3) {
                0 => ("GET", format!("/volumes/{theirs}"), None),
                1 => ("DELETE", format!("/volumes/{theirs}?force=1"), None),
                _ => ("POST", "/volumes/create".to_owned(), Some(json!({"Name": theirs}))),
            },
            Kind::Exec => match self.dice.below(2) {
                0 => ("GET", format!("/exec/{theirs}/json"), None),
                _ => ("POST", format!("/exec/{theirs}/start"), Some(json!({"Detach": true}))),
            },
        };
        let answer = self.ask(method, &target, body.as_ref(), tally);
        self.warded(method, &target, body.as_ref(), &answer, tally);
    }

    fn on_container(&mut self, theirs: &str) -> (&'static str, String, Option<Value>) {
        let at = |verb: &str| format!("/containers/{theirs}{verb}");
        let network = self.name("n");
        match self.dice.below(16) {
            0 => ("GET", at("/json"), None),
            1 => ("GET", at("/logs?stdout=1"), None),
            2 => ("POST", at("/start"), None),
            3 => ("POST", at("/stop?t=0"), None),
            4 => ("POST", at("/kill"), None),
            5 => ("POST", at("/restart?t=0"), None),
            6 => ("POST", at("/rename?name=c-stolen"), None),
            7 => ("POST", at("/exec"), Some(json!({"Cmd": ["true"]}))),
            8 => ("GET", at("/top"), None),
            9 => ("POST", at("/pause"), None),
            10 => ("POST", at("/update"), Some(json!({"Memory": 64 << 20, "MemorySwap": 64 << 20}))),
            11 => ("GET", at("/archive?path=%2Fetc"), None),
            12 => ("POST", format!("/networks/{network}/connect"), Some(json!({"Container": theirs}))),
            13 => {
                ("POST", format!("/networks/{network}/disconnect"), Some(json!({"Container": theirs, "Force": true})))
            }
            _ => ("DELETE", at("?force=1&v=1"), None),
        }
    }

    /// A create that would have a part of what somebody else has, or its name.
    fn create_with_others(&mut self, tally: &mut Tally) {
        let (way, kind) = match self.dice.below(5) {
            0 => (0, Kind::Network),
            1 => (1, Kind::Volume),
            way => (way, Kind::Container),
        };
        let Some(theirs) = self.others(kind) else { return };
        let host = match way {
            0 => json!({"NetworkMode": theirs}),
            1 => json!({"Binds": [format!("{theirs}:/data")]}),
            2 => json!({"NetworkMode": format!("container:{theirs}")}),
            3 => json!({"VolumesFrom": [theirs]}),
            _ => json!({"PidMode": format!("container:{theirs}")}),
        };
        let body = json!({"Image": "busybox", "HostConfig": host});
        let answer = self.ask("POST", "/containers/create", Some(&body), tally);
        self.warded("POST", "/containers/create", Some(&body), &answer, tally);
    }

    fn warded(&self, method: &str, target: &str, body: Option<&Value>, answer: &Answer, tally: &mut Tally) {
        if matches!(answer.status, 400 | 403 | 404 | 409) {
            tally.warded += 1;
        } else {
            let body = body.map(Value::to_string).unwrap_or_default();
            self.fault(tally, &format!("{method} {target} {body}: {} {}", answer.status, answer.text()));
        }
    }

    fn call_cli(&mut self, tally: &mut Tally) {
        let (one, two) = (self.name("c"), self.some_container());
        let shown = ["ps", "-a", "--no-trunc", "--format", "{{.Label \"docker-broker.owner\"}}"];
        let (arguments, is_list): (Vec<&str>, bool) = match self.dice.below(6) {
            0 | 1 => (shown.to_vec(), true),
            2 => (vec!["run", "--rm", "busybox", "true"], false),
            3 => (vec!["rename", &two, &one], false),
            4 => (vec!["rm", "-fv", &two], false),
            _ => (vec!["create", "--name", &one, "busybox", "true"], false),
        };
        tally.requests += 1;
        let output = try_direct(&self.socket, &arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        if is_list && (!output.status.success() || text.lines().any(|line| line != self.owner)) {
            self.fault(tally, &format!("docker {arguments:?}: {}", crate::support::text(&output)));
        }
    }
}
