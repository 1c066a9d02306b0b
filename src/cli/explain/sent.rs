//! What would go to the engine, fit to be shown: the request, and what the policy wrote into it.
//!
//! Must never show a value that may be a secret: values of environment variables and credentials become `[redacted]`.

use std::collections::BTreeMap;

use hyper::http::request::Parts;
use serde::Serialize;
use serde_json::{Map, Value};

use super::way::{REDACTED, shown_fields};
use crate::operation::Operation;
use crate::operation::encoded::{EncodeError, Payload};
use crate::policy::permit::{FollowUp, Permit, Relay};

/// A request to the engine.
#[derive(Debug, Serialize)]
pub(super) struct Sent {
    pub(super) method: String,
    /// With the version before it, without the query.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Map<String, Value>,
    /// `null` where there is none.
    pub(super) body: Value,
    /// Whether an archive follows, re-encoded entry by entry.
    pub(super) archive: bool,
    /// What the policy wrote: places, and what stands there before and after.
    pub(super) changes: Vec<Change>,
    /// What the broker does with the engine's answer, in words.
    pub(super) answer: Vec<String>,
}

/// One place that the policy wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Change {
    pub(super) place: String,
    /// `null` where nothing stood there.
    pub(super) asked: Value,
    /// `null` where nothing stands there any more.
    pub(super) sent: Value,
}

/// An operation as it would be written at some point of its way.
#[derive(Debug)]
pub(super) struct Written {
    path: String,
    query: Vec<(String, String)>,
    body: Value,
    archive: bool,
}

impl Written {
    pub(super) fn of(operation: &Operation) -> Result<Self, EncodeError> {
        let encoded = operation.encode()?;
        let (path, query) = encoded.target.split_once('?').unwrap_or((&encoded.target, ""));
        let body = match &encoded.payload {
            Payload::Json(json) => serde_json::from_slice(json)?,
            Payload::Nothing | Payload::Archive => Value::Null,
        };
        let archive = matches!(encoded.payload, Payload::Archive);
        Ok(Self { path: path.to_owned(), query: pairs(query), body, archive })
    }
}

impl Sent {
    pub(super) fn new(head: &Parts, before: &Written, after: Written, permit: &Permit) -> Self {
        let changes = changes(before, &after);
        let Written { path: _, query, mut body, archive } = after;
        redact(&mut body);
        Self {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query,
            headers: shown_fields(&head.headers).into_iter().collect(),
            body,
            archive,
            changes,
            answer: answer(permit),
        }
    }
}

fn answer(permit: &Permit) -> Vec<String> {
    let mut lines = Vec::new();
    match permit.relay() {
        Relay::Filtered => lines.push("the client sees of the answer what the policy shows".to_owned()),
        Relay::FirstOf(count) => {
            lines.push(format!("the client sees of the answer what the policy shows, and {count} entries at most"));
        }
        Relay::AsIs | Relay::Stub => {}
    }
    if let FollowUp::Created { image_id, connect, volumes } = permit.follow_up() {
        lines.push(format!("the container is removed again unless it was made from image `{image_id}`"));
        for volume in volumes {
            lines.push(format!("volume `{}` is made before, with the owner's labels", volume.name));
        }
        if !connect.is_empty() {
            lines.push(format!("it is connected to `{}` before the client hears of it", connect.join("`, `")));
        }
    }
    lines
}

fn changes(before: &Written, after: &Written) -> Vec<Change> {
    let mut found = Vec::new();
    if before.path != after.path {
        let text = |path: &str| Value::String(path.to_owned());
        found.push(Change { place: "path".to_owned(), asked: text(&before.path), sent: text(&after.path) });
    }
    let query = |written: &Written| -> Value {
        let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &written.query {
            by_name.entry(name.clone()).or_default().push(value.clone());
        }
        by_name.into_iter().map(|(name, values)| (format!("?{name}"), Value::String(values.join(",")))).collect()
    };
    compare("", &query(before), &query(after), &mut found);
    compare("", &before.body, &after.body, &mut found);
    for Change { place, asked, sent } in &mut found {
        let name = place.rsplit('.').next().unwrap_or_default().to_owned();
        redact_member(&name, asked);
        redact_member(&name, sent);
    }
    found
}

/// The innermost places in which two documents differ. Lists are compared as a whole: their items have no names.
fn compare(place: &str, asked: &Value, sent: &Value, found: &mut Vec<Change>) {
    let empty = Map::new();
    let members = |value: &Value| value.as_object().cloned().or_else(|| value.is_null().then(|| empty.clone()));
    if asked == sent || is_nothing(asked) && is_nothing(sent) {
        return;
    }
    match (members(asked), members(sent)) {
        (Some(left), Some(right)) if asked.is_object() || sent.is_object() => {
            let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
            for name in names {
                let inner = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                let at = |members: &Map<String, Value>| members.get(name).cloned().unwrap_or(Value::Null);
                compare(&inner, &at(&left), &at(&right), found);
            }
        }
        _ => found.push(Change { place: place.to_owned(), asked: asked.clone(), sent: sent.clone() }),
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// Takes the values of environment variables and of what is named like a secret out of a document.
fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, member)| redact_member(name, member)),
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn redact_member(name: &str, member: &mut Value) {
    if name == "Env" {
        member.as_array_mut().into_iter().flatten().for_each(redact_variable);
    } else if SECRETS.iter().any(|word| name.to_ascii_lowercase().contains(word)) && member.is_string() {
        *member = Value::String(REDACTED.to_owned());
    } else {
        redact(member);
    }
}

fn redact_variable(variable: &mut Value) {
    let Value::String(text) = variable else { return };
    if let Some((name, _)) = text.split_once('=') {
        *text = format!("{name}={REDACTED}");
    }
}

/// Names and values of a query, decoded.
fn pairs(query: &str) -> Vec<(String, String)> {
    let words = query.split('&').filter(|word| !word.is_empty());
    words
        .map(|word| word.split_once('=').unwrap_or((word, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

/// Takes percent escapes away; only our own encoder's output comes here, so that nothing is ambiguous.
fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits: Option<Vec<u8>> = (byte == b'%').then(|| rest.by_ref().take(2).collect());
        let decoded = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Words in the names of fields whose text is not shown.
const SECRETS: &[&str] = &["password", "secret", "token", "registryauth", "identitytoken"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let mut body = json!({
            "Env": ["A=secret1", "B", "C=x=secret2"],
            "Inner": [{"Env": ["D=secret3"], "Password": "secret4", "Tokens": 3}],
            "Cmd": ["true"]
        });
        redact(&mut body);
        let text = body.to_string();
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(body["Env"], json!(["A=[redacted]", "B", "C=[redacted]"]));
        assert_eq!((&body["Cmd"], &body["Inner"][0]["Tokens"]), (&json!(["true"]), &json!(3)));
    }

    #[test]
    fn changes_are_named_at_their_innermost_place() {
        let written = |query: &str, body: Value| Written {
            path: "/containers/create".to_owned(),
            query: pairs(query),
            body,
            archive: false,
        };
        let before =
            written("name=a", json!({"Image": "x", "Env": ["A=secret"], "HostConfig": {"Memory": 5, "Binds": []}}));
        let after = written(
            "name=a&v=1",
            json!({"Image": "x", "Env": ["B=secret"], "HostConfig": {"Memory": 3, "Binds": []}, "Labels": {"k": "v"}}),
        );
        let found = changes(&before, &after);
        let lines: Vec<String> = found.iter().map(|c| format!("{} {} {}", c.place, c.asked, c.sent)).collect();
        assert_eq!(
            lines,
            [
                "?v null \"1\"",
                "Env [\"A=[redacted]\"] [\"B=[redacted]\"]",
                "HostConfig.Memory 5 3",
                "Labels.k null \"v\""
            ]
        );
    }

    #[test]
    fn escapes_of_a_query_are_read_back() {
        assert_eq!(
            pairs("a=%2Fb%20c&d&e=%zz"),
            [("a".into(), "/b c".into()), ("d".into(), String::new()), ("e".into(), "%".into())]
        );
    }
}
