//! Go values without what says nothing: nil, zero, and empty; so that a value that was left out and one that is zero are
//! the same, except where the engine can tell them apart.

use serde_json::{Map, Value};

use super::engine::Call;

/// The calls, without what says nothing.
pub(crate) fn calls(calls: &[Call]) -> Vec<Call> {
    calls.iter().map(|call| Call { method: call.method.clone(), args: value(&call.args) }).collect()
}

/// One value, without what says nothing.
pub(crate) fn value(value: &Value) -> Value {
    shrunk("", "", value).unwrap_or(Value::Null)
}

/// `None` where the value says nothing at its place.
fn shrunk(parent: &str, key: &str, value: &Value) -> Option<Value> {
    let small = match value {
        Value::Null => return None,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        Value::Array(items) => items.iter().map(|item| shrunk(key, "[]", item).unwrap_or(Value::Null)).collect(),
        Value::Object(members) if is_map(parent, key) => {
            let kept =
                |(name, member): (&String, &Value)| (name.clone(), shrunk(key, "{}", member).unwrap_or(Value::Null));
            members.iter().map(kept).collect::<Map<_, _>>().into()
        }
        Value::Object(members) => {
            let kept = |(name, member): (&String, &Value)| shrunk(key, name, member).map(|small| (name.clone(), small));
            members.iter().filter_map(kept).collect::<Map<_, _>>().into()
        }
    };
    (!says_nothing(&small) || zero_is_a_word(parent, key)).then_some(small)
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0001-01-01T00:00:00Z",
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Objects whose keys are the client's words: a key is kept, whatever stands behind it.
fn is_map(parent: &str, key: &str) -> bool {
    match (parent, key) {
        ("LogConfig", "Config") | ("filters" | "Filters", _) => true,
        (_, key) => MAPS.contains(&key),
    }
}

/// Where the engine tells zero from nothing (a pointer in Go, or a slice whose nil means the image's own).
fn zero_is_a_word(parent: &str, key: &str) -> bool {
    match (parent, key) {
        ("Config", "Cmd") | ("options", "Timeout") => true,
        (_, key) => POINTERS.contains(&key),
    }
}

const MAPS: [&str; 14] = [
    "Annotations",
    "DriverOpts",
    "EndpointsConfig",
    "ExposedPorts",
    "filters",
    "Filters",
    "Labels",
    "Options",
    "pax",
    "PortBindings",
    "StorageOpt",
    "Sysctls",
    "Tmpfs",
    "Volumes",
];

const POINTERS: [&str; 19] = [
    "BindOptions",
    "ClusterOptions",
    "ConsoleSize",
    "consoleSize",
    "DriverConfig",
    "Entrypoint",
    "Healthcheck",
    "ImageOptions",
    "Init",
    "IPAMConfig",
    "MaskedPaths",
    "MemorySwappiness",
    "OomKillDisable",
    "PidsLimit",
    "ReadonlyPaths",
    "Shell",
    "StopTimeout",
    "VolumeOptions",
    "TmpfsOptions",
];
