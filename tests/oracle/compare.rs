//! Whether two readings are the same, and what is different where they are not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::engine::{Call, Reading};
use super::normal;
use super::run::Case;

/// What the engine read in forwarded bytes, next to what was judged.
pub(crate) enum Verdict {
    Same,
    /// The engine refuses it by a rule of its own, in these words. Nothing happened.
    RefusedByEngine(String),
    Different(String),
}

/// Compares what the engine read in the forwarded bytes with the calls that were judged.
pub(crate) fn with_judged(forwarded: &Reading, case: &Case) -> Verdict {
    let (judged, version) = (case.judged.as_slice(), case.version.as_str());
    if panicked(forwarded) && breaks_the_handler(case) {
        return Verdict::RefusedByEngine(PANIC.to_owned());
    }
    if let Err(why) = one_request(forwarded, version) {
        return Verdict::Different(why);
    }
    if forwarded.calls.is_empty() && !judged.is_empty() {
        return match &forwarded.error {
            Some(error) if is_a_rule(error) => Verdict::RefusedByEngine(error.clone()),
            Some(error) => Verdict::Different(format!("the engine cannot read it: {error}")),
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

/// Whether the engine's handler broke off: net/http closes the connection, and nothing was called.
fn panicked(reading: &Reading) -> bool {
    reading.calls.is_empty() && reading.failure.as_deref().is_some_and(|why| why.contains("handler panicked"))
}

/// The one request that is known to break the handler of engine 28: a create on another container's network whose body
/// says nothing of the container itself. The engine looks for the `Hostname` of a configuration that is not there before
/// it says that there is none. Only the open policy lets such a body through.
fn breaks_the_handler(case: &Case) -> bool {
    let [call] = case.judged.as_slice() else { return false };
    let config = &call.args["config"];
    let mode = config["HostConfig"]["NetworkMode"].as_str().unwrap_or_default();
    case.policy == "unrestricted"
        && call.method == "ContainerCreate"
        && normal::value(&config["Config"]) == Value::Null
        && mode.starts_with("container:")
}

/// Whether the engine refuses what it understood. Words that are not known here may come of bytes that it could not
/// read, which would be a bug of the encoder.
fn is_a_rule(error: &str) -> bool {
    // a HEAD is refused without a word
    error.is_empty() || RULES.iter().any(|rule| error.contains(rule))
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
    for row in ROWS.iter().filter(|row| row.call == call.method || row.call == ANY) {
        (row.unify)(&mut call.args);
    }
}

const ANY: &str = "";

const ROWS: &[Row] = &[
    Row {
        call: ANY,
        reason: "a filter without a value asks for nothing",
        unify: |args| {
            let places = ["/filters", "/config/Filters", "/options/Filters"];
            for filters in places {
                if let Some(filters) = args.pointer_mut(filters).and_then(Value::as_object_mut) {
                    filters.retain(|_, values| values.as_object().is_some_and(|values| !values.is_empty()));
                }
            }
        },
    },
    Row {
        call: "PullImage",
        reason: "X-Meta fields of the client never go up",
        unify: |args| drop(args["metaHeaders"].take()),
    },
    Row { call: "PushImage", reason: "as PullImage", unify: |args| drop(args["metaHeaders"].take()) },
    Row {
        call: "Route",
        reason: "a route that is only recorded: it has no query and no body of its own, and the broker writes the version",
        unify: |args| {
            args["query"].take();
            args["body"].take();
            args["vars"]["version"].take();
        },
    },
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

/// Names are written without a leading slash, a doubled one and `.`; the bits of the file type leave the mode; what is
/// no link has no target, and what is no device no number; of the PAX records only those that act inside the container stay (times and names are in the
/// entry itself).
fn unify_entry(entry: &mut Value) {
    let is_folder = entry["type"] == "5";
    unify_name(&mut entry["name"], is_folder);
    match entry["type"].as_str() {
        Some("1") => unify_name(&mut entry["linkname"], false),
        Some("2") => {}
        _ => drop(entry["linkname"].take()),
    }
    for field in ["devmajor", "devminor"] {
        entry[field].take();
    }
    entry["mode"] = json!(entry["mode"].as_i64().unwrap_or_default() & 0o7777);
    let kept = |key: &str| {
        key.starts_with("SCHILY.xattr.user.") || ["SCHILY.xattr.security.capability", "mtime"].contains(&key)
    };
    if let Some(records) = entry["pax"].as_object_mut() {
        records.retain(|key, _| kept(key));
    }
}

/// A name as text, or as bytes where it is not UTF-8.
fn unify_name(name: &mut Value, is_folder: bool) {
    let bytes = match name["bytes_b64"].as_str() {
        Some(encoded) => STANDARD.decode(encoded).expect("the oracle writes base64"),
        None => name.as_str().unwrap_or_default().as_bytes().to_vec(),
    };
    let steps: Vec<&[u8]> = bytes.split(|byte| *byte == b'/').filter(|step| !matches!(*step, b"" | b".")).collect();
    let mut clean = steps.join(&b'/').escape_ascii().to_string();
    clean.push_str(if is_folder { "/" } else { "" });
    *name = json!(clean);
}

/// In these words it is counted and printed.
const PANIC: &str = "the handler panics: another's network and no Config";

/// The engine's own rules about values that the broker leaves to it, in its words.
const RULES: &[&str] = &[
    "unknown operating system or architecture",
    "cannot parse platform specifier",
    "is an invalid OS component",
    "is an invalid component",
    "failed to parse platform",
    "both OS and Architecture must be provided",
    "optional platform fields",
    "manifests and platform options cannot both be set",
    "you must choose at least one stream",
    "must not be specified on mount type",
    "needs API v1.",
    "Container cannot be created with multiple network endpoints",
    "No exec command specified",
    "cannot be after `until` time",
    "bad parameter: path",
    "config cannot be empty in order to create a container",
    "must be a positive integer",
    "invalid CPU shares",
    "invalid filter",
    "invalid isolation",
    "invalid option: QoS",
    "invalid network mode",
    "conflicting options",
    "container-wide MAC address",
    "interface specific sysctl setting",
    "unable to",
    "invalid reference format",
    "invalid tag format",
    "invalid resize",
    "strconv.ParseInt",
    "strconv.Atoi",
];
