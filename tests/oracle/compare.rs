//! Whether two readings are the same, and what is different where they are not.

use serde_json::{Value, json};

use super::engine::{Call, Reading};
use super::normal;

/// What the engine read in forwarded bytes, next to what was judged.
pub(crate) enum Verdict {
    Same,
    /// The engine refuses it by a rule of its own, in these words. Nothing happened.
    RefusedByEngine(String),
    Different(String),
}

/// Compares what the engine read in the forwarded bytes with the calls that were judged.
pub(crate) fn with_judged(forwarded: &Reading, judged: &[Call], version: &str) -> Verdict {
    if let Err(why) = one_request(forwarded, version) {
        return Verdict::Different(why);
    }
    if forwarded.calls.is_empty() && !judged.is_empty() {
        return match &forwarded.error {
            Some(error) => Verdict::RefusedByEngine(error.clone()),
            None => Verdict::Different(format!("no call, status {:?}", forwarded.status)),
        };
    }
    let mut read = forwarded.calls.clone();
    read.iter_mut().for_each(without_content);
    match difference(&normal::calls(&read), &normal::calls(judged)) {
        None => Verdict::Same,
        Some(why) => Verdict::Different(why),
    }
}

/// Compares what the engine reads in the forwarded bytes with what it reads in the client's own.
pub(crate) fn with_client(forwarded: &Reading, client: &Reading) -> Option<String> {
    let meaning = |reading: &Reading| {
        let mut calls = reading.calls.clone();
        calls.iter_mut().for_each(unify);
        normal::calls(&calls)
    };
    difference(&meaning(forwarded), &meaning(client))
}

/// Exactly one request, on one path, with every parameter once.
fn one_request(reading: &Reading, version: &str) -> Result<(), String> {
    if let Some(failure) = &reading.failure {
        return Err(format!("no verdict: {failure}"));
    }
    let [request] = reading.requests.as_slice() else {
        return Err(format!("{} requests reached the router, status {:?}", reading.requests.len(), reading.status));
    };
    if !request.uri.starts_with(&format!("/v{version}/")) {
        return Err(format!("`{} {}` does not begin with the version {version}", request.method, request.uri));
    }
    let query = request.uri.split_once('?').map_or("", |(_, query)| query);
    let mut keys: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    keys.retain(|key| *key != "changes");
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() == all { Ok(()) } else { Err(format!("a parameter stands twice in `{}`", request.uri)) }
}

/// The first place where two lists of calls differ.
fn difference(read: &[Call], wanted: &[Call]) -> Option<String> {
    let methods = |calls: &[Call]| calls.iter().map(|call| call.method.clone()).collect::<Vec<_>>();
    if methods(read) != methods(wanted) {
        return Some(format!("the engine does {:?} and not {:?}", methods(read), methods(wanted)));
    }
    read.iter().zip(wanted).find_map(|(read, wanted)| differs(&read.method, &read.args, &wanted.args))
}

fn differs(place: &str, read: &Value, wanted: &Value) -> Option<String> {
    match (read, wanted) {
        (Value::Object(left), Value::Object(right)) => {
            let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
            keys.filter(|key| left.get(*key) != right.get(*key)).find_map(|key| {
                let at = format!("{place}.{key}");
                differs(&at, left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null))
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            pairs.into_iter().find_map(|(index, (left, right))| differs(&format!("{place}[{index}]"), left, right))
        }
        (read, wanted) if read == wanted => None,
        (read, wanted) => Some(format!("{place}: the engine reads {read}, wanted {wanted}")),
    }
}

/// The content of an archive is compared with the client's reading; here only its length counts.
fn without_content(call: &mut Call) {
    if call.method == "ContainerExtractToDir" {
        call.args["archive"].take();
        call.args["content"]["sha256"].take();
    }
}

/// One row of what may differ between the client's bytes and the forwarded ones.
struct Row {
    call: &'static str,
    #[expect(dead_code, reason = "the table is for people to read")]
    reason: &'static str,
    /// Makes both sides the same in this, and in nothing else.
    unify: fn(&mut Value),
}

fn unify(call: &mut Call) {
    for row in ROWS.iter().filter(|row| row.call == call.method) {
        (row.unify)(&mut call.args);
    }
}

const ROWS: &[Row] = &[
    Row {
        call: "ContainerAttach",
        reason: "a raw stream goes to the container by its full ID, which was compared with what was judged",
        unify: |args| drop(args["name"].take()),
    },
    Row {
        call: "ContainerExtractToDir",
        reason: "the archive is written anew: same entries, other bytes; it goes to the full ID, as judged",
        unify: |args| {
            args["name"].take();
            args["content"].take();
            if let Some(entries) = args["archive"]["entries"].as_array_mut() {
                entries.iter_mut().for_each(unify_entry);
            }
        },
    },
];

/// Names are written without a leading slash and without `.`; the bits of the file type leave the mode; of the PAX
/// records only those that act inside the container stay (times and names are in the entry itself).
fn unify_entry(entry: &mut Value) {
    let folder = entry["type"] == "5";
    let clean = |text: &str| {
        let steps: Vec<&str> = text.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
        steps.join("/")
    };
    if let Some(name) = entry["name"].as_str().map(clean) {
        entry["name"] = json!(if folder { name + "/" } else { name });
    }
    if entry["type"] == "1"
        && let Some(target) = entry["linkname"].as_str().map(clean)
    {
        entry["linkname"] = json!(target);
    }
    entry["mode"] = json!(entry["mode"].as_i64().unwrap_or_default() & 0o7777);
    if let Some(records) = entry["pax"].as_object_mut() {
        records.retain(|key, _| key.starts_with("SCHILY.xattr.user.") || key == "SCHILY.xattr.security.capability" || key == "mtime");
    }
}
