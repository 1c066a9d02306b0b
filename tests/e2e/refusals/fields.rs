//! Every field of every JSON body, set to a value that asks for something.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::keeper::Keeper;
use crate::raw::Answer;
use crate::scene::{Scene, ask, assert_only_questions, try_direct};
use crate::tap::Seen;

/// A row of `tests/data/field_expectations.json`, which explains itself in its first lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    path: String,
    value: Value,
    body: Option<Value>,
    expected: String,
    key: Option<String>,
    pointer: Option<String>,
    upstream: Option<Value>,
    /// What asks for nothing is looked at without an engine, next to the judges.
    #[serde(rename = "neutral")]
    _neutral: Vec<Value>,
    #[serde(rename = "when_neutral")]
    _when_neutral: Option<Value>,
    reason: String,
    #[serde(skip)]
    operation: Operation,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Operation {
    #[default]
    ContainerCreate,
    ContainerExec,
    ContainerUpdate,
    ExecStart,
    NetworkCreate,
    NetworkConnect,
    NetworkDisconnect,
    VolumeCreate,
}

pub(crate) fn rows() -> Vec<Row> {
    let table: Value = serde_json::from_str(TABLE).expect("field_expectations.json");
    let each = [
        Operation::ContainerCreate,
        Operation::ContainerExec,
        Operation::ContainerUpdate,
        Operation::ExecStart,
        Operation::NetworkCreate,
        Operation::NetworkConnect,
        Operation::NetworkDisconnect,
        Operation::VolumeCreate,
    ];
    let read = |operation: Operation| {
        let rows: Vec<Row> = serde_json::from_value(table[format!("{operation:?}")].clone()).expect("rows");
        rows.into_iter().map(move |row| Row { operation, ..row })
    };
    each.into_iter().flat_map(read).collect()
}

impl Row {
    pub(crate) fn name(&self) -> String {
        let Self { operation, path, value, expected, .. } = self;
        format!("{operation:?} {path} = {value}: {expected}")
    }

    pub(crate) fn check(&self, scene: &Scene) {
        let (line, body) = self.request(scene);
        let broker = self.operation.broker(scene);
        self.operation.prepare(scene);
        let mark = scene.tap.mark();
        let answer = ask(&broker.socket(), &line, Some(&body));
        let seen = scene.tap.since(mark);
        self.operation.clear(scene, &answer);
        let message = answer.message();
        let sent = seen.iter().find(|seen| !seen.is_question());
        match self.expected.as_str() {
            "passes" => {
                let upstream = self.upstream.clone().unwrap_or_else(|| self.value.clone());
                // the judges' own container has this ID, the scene's another
                let upstream = if upstream == OWN_OF_THE_JUDGES { json!(scene.own) } else { upstream };
                assert_eq!(self.found(sent), upstream, "{} {message}", answer.status);
                // the policy's own limit of processors stands in the container's NanoCpus
                let conflicts = self.path.starts_with("Cpu") && message.contains("NanoCPUs has already been set");
                assert!(answer.status < 300 || conflicts, "the engine does not take it: {} {message}", answer.status);
            }
            "dropped" => {
                assert_eq!(self.found(sent), Value::Null);
                assert!(answer.status < 300, "{} {message}", answer.status);
            }
            "refused" | "not-yet" => {
                let key = self.key.as_deref().expect("a key");
                let not_yet = message.contains("is not in force in this version yet");
                assert_eq!(not_yet, self.expected == "not-yet", "{message}");
                scene.assert_refused(broker, &answer, Some(key));
                assert_only_questions(&seen);
            }
            "floor" => {
                scene.assert_refused(broker, &answer, None);
                assert_only_questions(&seen);
            }
            "malformed" => {
                scene.assert_unknown(broker, &answer, &self.path);
                assert_only_questions(&seen);
            }
            other => panic!("`{other}` is no expectation ({})", self.reason),
        }
    }

    fn request(&self, scene: &Scene) -> (String, Value) {
        let (line, mut body) = match self.operation {
            Operation::ContainerCreate => ("POST /containers/create".to_owned(), json!({"Image": "postgres:16"})),
            Operation::ContainerExec => (format!("POST /containers/{}/exec", scene.own), json!({"Cmd": ["true"]})),
            Operation::ContainerUpdate => (format!("POST /containers/{}/update", scene.own), json!({})),
            Operation::ExecStart => (format!("POST /exec/{}/start", self.exec(scene)), json!({})),
            Operation::NetworkCreate => ("POST /networks/create".to_owned(), json!({"Name": "n-1"})),
            Operation::NetworkConnect => ("POST /networks/own-net/connect".to_owned(), json!({"Container": "own"})),
            Operation::NetworkDisconnect => {
                ("POST /networks/own-net/disconnect".to_owned(), json!({"Container": "own"}))
            }
            Operation::VolumeCreate => ("POST /volumes/create".to_owned(), json!({"Name": "v-1"})),
        };
        let fields = match &self.body {
            Some(template) => put(template, &self.value),
            None => self.path.rsplit('.').fold(self.value.clone(), |inner, name| json!({name: inner})),
        };
        merge(&mut body, &fields);
        (line, body)
    }

    /// An exec to be started, with a terminal where the row asks for one: an engine compares.
    fn exec(&self, scene: &Scene) -> String {
        let body = json!({"Cmd": ["true"], "Tty": self.path == "Tty" || self.path == "ConsoleSize"});
        let made = scene.ask(&format!("POST /containers/{}/exec", scene.own), Some(&body));
        made.json()["Id"].as_str().unwrap_or_else(|| panic!("no exec: {}", made.text())).to_owned()
    }

    /// What stands at the field's place in what the engine got.
    fn found(&self, sent: Option<&Seen>) -> Value {
        let sent = sent.unwrap_or_else(|| panic!("nothing went upstream"));
        let pointer = self.pointer.clone();
        let pointer = pointer.unwrap_or_else(|| format!("/{}", self.path.replace("[]", ".0").replace('.', "/")));
        sent.json().pointer(&pointer).cloned().unwrap_or_default()
    }
}

impl Operation {
    /// Fields of networks and volumes are judged where these may be made.
    fn broker(self, scene: &Scene) -> &Keeper {
        match self {
            Self::ContainerCreate | Self::ContainerExec | Self::ContainerUpdate | Self::ExecStart => &scene.broker,
            Self::NetworkCreate | Self::NetworkConnect | Self::NetworkDisconnect | Self::VolumeCreate => &scene.granted,
        }
    }

    /// An engine connects once, and disconnects only what is connected.
    fn prepare(self, scene: &Scene) {
        let words = match self {
            Self::NetworkConnect => "disconnect",
            Self::NetworkDisconnect => "connect",
            Self::ContainerUpdate => {
                // what one row sets must not bound the next one's
                let body = json!({"CpuQuota": 0, "CpuPeriod": 0, "NanoCpus": 0, "MemoryReservation": 0});
                let reset = ask(&scene.upstream, &format!("POST /containers/{}/update", scene.own), Some(&body));
                assert_eq!(reset.status, 200, "{}", reset.text());
                return;
            }
            Self::ContainerCreate
            | Self::ContainerExec
            | Self::ExecStart
            | Self::NetworkCreate
            | Self::VolumeCreate => {
                return;
            }
        };
        try_direct(&scene.upstream, &["network", words, "own-net", "own"]);
    }

    /// Takes away what a row made.
    fn clear(self, scene: &Scene, answer: &Answer) {
        match self {
            Self::ContainerCreate => scene.remove_made(answer),
            Self::NetworkCreate => {
                if let Some(id) = answer.json()["Id"].as_str() {
                    try_direct(&scene.upstream, &["network", "rm", id]);
                }
            }
            Self::VolumeCreate => {
                if let Some(name) = answer.json()["Name"].as_str() {
                    try_direct(&scene.upstream, &["volume", "rm", name]);
                }
            }
            Self::NetworkConnect | Self::NetworkDisconnect => {
                try_direct(&scene.upstream, &["network", "disconnect", "own-net", "own"]);
            }
            Self::ContainerExec | Self::ContainerUpdate | Self::ExecStart => {}
        }
    }
}

fn put(template: &Value, value: &Value) -> Value {
    match template {
        Value::String(text) if text == "$value" => value.clone(),
        Value::Array(items) => items.iter().map(|item| put(item, value)).collect(),
        Value::Object(members) => members.iter().map(|(key, item)| (key.clone(), put(item, value))).collect(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => template.clone(),
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

const TABLE: &str = include_str!("../../data/field_expectations.json");

/// The ID of the container `own` next to the judges.
const OWN_OF_THE_JUDGES: &str = "aa00000000000000000000000000000000000000000000000000000000000000";
