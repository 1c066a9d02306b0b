//! Every field of every JSON body, set to a value that asks for something.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::scene::{Scene, assert_only_questions};
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
    ExecStart,
}

pub(crate) fn rows() -> Vec<Row> {
    let table: Value = serde_json::from_str(TABLE).expect("field_expectations.json");
    let each = [Operation::ContainerCreate, Operation::ContainerExec, Operation::ExecStart];
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
        let (answer, seen) = scene.watch(&line, Some(&body));
        scene.remove_made(&answer);
        let message = answer.message();
        let sent = seen.iter().find(|seen| !seen.is_question());
        match self.expected.as_str() {
            "passes" => {
                let upstream = self.upstream.as_ref().unwrap_or(&self.value);
                assert_eq!(&self.found(sent), upstream, "{} {message}", answer.status);
                assert!(answer.status < 300, "the engine does not take it: {} {message}", answer.status);
            }
            "dropped" => {
                assert_eq!(self.found(sent), Value::Null);
                assert!(answer.status < 300, "{} {message}", answer.status);
            }
            "refused" | "not-yet" => {
                let key = self.key.as_deref().expect("a key");
                let not_yet = message.contains("is not in force in this version yet");
                assert_eq!(not_yet, self.expected == "not-yet", "{message}");
                scene.assert_refused(&scene.broker, &answer, Some(key));
                assert_only_questions(&seen);
            }
            "floor" => {
                scene.assert_refused(&scene.broker, &answer, None);
                assert_only_questions(&seen);
            }
            "malformed" => {
                scene.assert_unknown(&answer, &self.path);
                assert_only_questions(&seen);
            }
            other => panic!("`{other}` is no expectation ({})", self.reason),
        }
    }

    fn request(&self, scene: &Scene) -> (String, Value) {
        let (line, mut body) = match self.operation {
            Operation::ContainerCreate => ("POST /containers/create".to_owned(), json!({"Image": "postgres:16"})),
            Operation::ContainerExec => (format!("POST /containers/{}/exec", scene.own), json!({"Cmd": ["true"]})),
            Operation::ExecStart => (format!("POST /exec/{}/start", self.exec(scene)), json!({})),
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
