//! Platforms, as the engine's own library reads them (containerd `platforms`, `Parse`).

use serde_json::{Map, Value, json};

/// `os/arch[/variant]`, `os` or `arch`; nothing for nothing.
pub(crate) fn words(text: &str) -> Value {
    if text.is_empty() {
        return json!({});
    }
    let parts: Vec<String> = text.split('/').map(str::to_lowercase).collect();
    let (os, version) = parts[0].split_once('(').map_or((parts[0].as_str(), ""), |(os, rest)| (os, rest));
    let version = version.trim_end_matches(')');
    let (arch, variant) = match parts.as_slice() {
        [only] if SYSTEMS.contains(&only.as_str()) => (HERE.to_owned(), String::new()),
        [only] => {
            let (arch, variant) = normal(only, "");
            let variant = if arch == "arm" && variant == "v7" { String::new() } else { variant };
            return json!({"os": "linux", "architecture": arch, "variant": variant});
        }
        [_, arch] => {
            let (arch, variant) = normal(arch, "");
            let implied = arch == "arm" && variant == "v7";
            (arch, if implied { String::new() } else { variant })
        }
        [_, arch, variant, ..] => {
            let (arch, variant) = normal(arch, variant);
            let eighth = arch == "arm64" && variant.is_empty();
            (arch, if eighth { "v8".to_owned() } else { variant })
        }
        [] => (String::new(), String::new()),
    };
    let os = match os {
        "" => "linux",
        "macos" => "darwin",
        other => other,
    };
    json!({"os": os, "os.version": version, "architecture": arch, "variant": variant})
}

/// The JSON form of newer clients: Go reads its keys without case, the last one wins.
pub(crate) fn document(text: &str) -> Value {
    let Ok(Value::Object(read)) = serde_json::from_str::<Value>(text) else { return json!({}) };
    let known = ["architecture", "os", "os.version", "os.features", "variant"];
    let mut platform = Map::new();
    for (key, value) in read {
        if let Some(name) = known.into_iter().find(|name| name.eq_ignore_ascii_case(&key)) {
            platform.insert(name.to_owned(), value);
        }
    }
    platform.into()
}

fn normal(arch: &str, variant: &str) -> (String, String) {
    let (arch, variant) = match (arch, variant) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64" | "amd64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64" | "arm64", variant) => ("arm64", variant),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        (arch, variant) => (arch, variant),
    };
    (arch.to_owned(), variant.to_owned())
}

/// The engine's own architecture in Go's words: the oracle runs on this machine.
const HERE: &str = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
const SYSTEMS: [&str; 7] = ["linux", "windows", "darwin", "macos", "freebsd", "android", "solaris"];
