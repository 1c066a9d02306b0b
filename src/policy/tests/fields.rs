//! The table of fields: what the shipped policy says to every field of the JSON bodies.

use std::collections::BTreeSet;

use hyper::Method;
use serde_json::{Value, json};

use super::fixture::{Outcome, Scene, fragment, merge, sample};

/// Bodies by operation: the base into which a row's field is put.
fn base(operation: &str) -> (&'static str, Value) {
    match operation {
        "ContainerCreate" => ("/containers/create", json!({"Image": "postgres:16"})),
        "ContainerExec" => ("/containers/{id}/exec", json!({"Cmd": ["true"]})),
        "ExecStart" => ("/exec/{id}/start", json!({})),
        "NetworkCreate" => ("/networks/create", json!({"Name": "n-1"})),
        "NetworkConnect" => ("/networks/{id}/connect", json!({"Container": "own"})),
        "NetworkDisconnect" => ("/networks/{id}/disconnect", json!({"Container": "own"})),
        "VolumeCreate" => ("/volumes/create", json!({"Name": "v-1"})),
        "ContainerUpdate" => ("/containers/{id}/update", json!({})),
        other => panic!("no base for {other}"),
    }
}

fn table() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/field_expectations.json")).expect("a JSON document")
}

fn rows(operation: &str) -> Vec<Value> {
    table()[operation].as_array().expect("rows").clone()
}

/// The request of a row with this value in the place of the field.
fn ask(scene: &Scene, operation: &str, row: &Value, value: &Value) -> Outcome {
    let (pattern, mut body) = base(operation);
    merge(&mut body, &fragment(row, value));
    let (target, _) = sample(&Method::POST, pattern);
    let target = target.replace("/networks/bridge/", "/networks/own-net/");
    scene.post(&target, &body)
}

/// Where the field stands in what the engine gets.
fn pointer(row: &Value) -> String {
    match row.get("pointer") {
        Some(pointer) => pointer.as_str().expect("a pointer").to_owned(),
        None => format!("/{}", row["path"].as_str().expect("a path").replace("[]", ".0").replace('.', "/")),
    }
}

fn check(scene: &Scene, operation: &str, row: &Value) {
    let outcome = ask(scene, operation, row, &row["value"]);
    let key = row.get("key").and_then(Value::as_str).unwrap_or_default();
    match row["expected"].as_str().expect("a word") {
        "passes" => {
            let upstream = row.get("upstream").unwrap_or_else(|| &row["value"]);
            assert_eq!(&outcome.sent().at(&pointer(row)), upstream);
        }
        "dropped" => assert_eq!(outcome.sent().at(&pointer(row)), Value::Null),
        "refused" => assert_eq!(outcome.refused_by(), key),
        "not-yet" => assert_eq!(outcome.not_yet(), key),
        "floor" => drop(outcome.floor()),
        "malformed" => assert!(matches!(outcome, Outcome::Malformed(_)), "{outcome:?}"),
        other => panic!("`{other}` is no expectation"),
    }
}

fn check_neutral(scene: &Scene, operation: &str, row: &Value) {
    let when_neutral = row.get("when_neutral").unwrap_or(&Value::Null);
    for value in row["neutral"].as_array().expect("a list") {
        let sent = ask(scene, operation, row, value).sent();
        assert_eq!(&sent.at(&pointer(row)), when_neutral, "{value}");
    }
}

fn each_row(check: impl Fn(&Scene, &str, &Value)) {
    let postgres = Scene::postgres();
    let granted = Scene::postgres_with("[networks]\ncreate = true\n[volumes]\ncreate = true\n");
    for operation in OPERATIONS {
        let of_an_object = operation.starts_with("Network") || operation.starts_with("Volume");
        let scene = if of_an_object { &granted } else { &postgres };
        super::fixture::each(rows(operation), |row| check(scene, operation, row));
    }
}

#[test]
fn every_field_is_judged_as_the_table_says() {
    each_row(check);
}

#[test]
fn what_asks_for_nothing_passes_and_goes_nowhere() {
    each_row(check_neutral);
}

#[test]
fn every_field_of_the_specifications_has_a_row_and_every_row_a_field() {
    let facts: Value = serde_json::from_str(include_str!("../../../tests/facts/fields.json")).expect("JSON");
    for operation in OPERATIONS {
        let known: BTreeSet<String> = facts["bodies"][operation].as_object().expect("fields").keys().cloned().collect();
        let judged: BTreeSet<String> =
            rows(operation).iter().map(|row| row["path"].as_str().expect("a path").to_owned()).collect();
        assert!(!known.is_empty());
        assert_eq!(known, judged, "{operation}");
    }
}

#[test]
fn every_row_that_is_refused_names_its_key_and_every_row_its_reason() {
    each_row(|_, _, row| {
        let names_key = ["refused", "not-yet"].contains(&row["expected"].as_str().expect("a word"));
        assert_eq!(row.get("key").is_some(), names_key);
        assert!(!row["reason"].as_str().expect("words").is_empty());
    });
}

const OPERATIONS: [&str; 8] = [
    "ContainerCreate",
    "ContainerExec",
    "ExecStart",
    "ContainerUpdate",
    "NetworkCreate",
    "NetworkConnect",
    "NetworkDisconnect",
    "VolumeCreate",
];
