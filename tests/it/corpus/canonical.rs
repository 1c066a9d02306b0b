//! The closed set of shapes that a request to the engine may have when a client's request was let through.
//!
//! Written from the Engine API's documentation and not from the broker's code, so that one checks the other.

use serde_json::Value;

use crate::harness::OWNER;
use crate::harness::engine::wire::Recorded;
use crate::harness::engine::world::POSTGRES;

/// Whether a recorded request has the broker's own form; the reason when it has not.
pub(crate) fn check(request: &Recorded) -> Result<(), String> {
    let in_request = |reason: String| format!("{reason}, in `{}`", request.line());
    version(request).and_then(|()| head(request)).and_then(|()| operation(request)).map_err(in_request)
}

/// Only the version and the header fields: for policies other than the corpus's.
pub(crate) fn check_head(request: &Recorded) -> Result<(), String> {
    version(request).and_then(|()| head(request))
}

fn version(request: &Recorded) -> Result<(), String> {
    if request.version().is_none() && matches!(request.path().as_str(), "/_ping" | "/version") {
        return Ok(());
    }
    let minor = request.version().and_then(|version| version.strip_prefix("1."));
    let plain =
        minor.is_some_and(|minor| minor.len() == 2 && minor.parse::<u8>().is_ok_and(|n| (24..=51).contains(&n)));
    plain.then_some(()).ok_or_else(|| format!("the version {:?} is not one of 1.24 to 1.51", request.version()))
}

fn head(request: &Recorded) -> Result<(), String> {
    let hijack = request.path().ends_with("/attach") || request.path().ends_with("/start");
    for (name, value) in &request.headers {
        let known = match name.to_ascii_lowercase().as_str() {
            "host" | "content-length" => true,
            "content-type" => value == "application/json" || value == "application/x-tar",
            "transfer-encoding" => value == "chunked" && request.method == "PUT",
            "user-agent" => value.starts_with("docker-broker"),
            // nobody's: engines before 23.0 insist on one
            "x-registry-auth" => value == "e30=" && request.path().ends_with("/push"),
            "connection" => hijack && value.eq_ignore_ascii_case("upgrade"),
            "upgrade" => hijack && value == "tcp",
            _ => false,
        };
        if !known {
            return Err(format!("the header field `{name}: {value}` is not one of ours"));
        }
    }
    let mut names = request.header_names();
    names.dedup();
    (names.len() == request.headers.len()).then_some(()).ok_or_else(|| "a header field is there twice".to_owned())
}

fn operation(request: &Recorded) -> Result<(), String> {
    let path = request.path();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let id = match segments.as_slice() {
        ["containers", "json" | "create"] => None,
        ["containers" | "exec", id, ..] => Some(*id),
        [..] => None,
    };
    if let Some(id) = id
        && !is_full_id(id)
    {
        return Err(format!("`{id}` is not a full ID"));
    }
    let (query, body) = shape(&request.method, &segments).ok_or("the operation is not one that can be forwarded")?;
    queries(request, query)?;
    match body {
        Body::None if request.body.is_empty() => Ok(()),
        Body::None => Err("there is a body".to_owned()),
        Body::Archive => Ok(()),
        Body::Create => create(&request.json()),
        Body::Exec => keys(&request.json(), EXEC, ""),
        Body::ExecStart => keys(&request.json(), &["Detach", "Tty", "ConsoleSize"], ""),
        Body::NetworkCreate => network(&request.json()),
        Body::NetworkConnect => endpoint(&request.json()),
        Body::Update => update(&request.json()),
    }
}

fn is_full_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

enum Body {
    None,
    Archive,
    Create,
    Exec,
    ExecStart,
    NetworkCreate,
    NetworkConnect,
    Update,
}

/// The query keys and the body of an operation; `None` for what no policy of the corpus can let through.
fn shape(method: &str, segments: &[&str]) -> Option<(&'static [&'static str], Body)> {
    let query: &[&str] = match (method, segments) {
        ("GET" | "HEAD", ["_ping"]) | ("GET", ["version" | "info"] | ["exec", _, "json"] | ["volumes", _]) => &[],
        ("GET", ["volumes" | "networks"]) => &["filters"],
        ("GET", ["events"]) => &["since", "until", "filters"],
        ("GET", ["networks", _]) => &["verbose", "scope"],
        ("GET", ["images", "json"]) => &["all", "filters", "digests", "shared-size", "manifests"],
        ("GET", ["images", .., "json"]) => &["manifests", "platform"],
        ("POST", ["images", "create"]) => &["fromImage", "tag", "platform"],
        ("GET", ["containers", "json"]) => &["all", "limit", "size", "filters"],
        ("POST", ["containers", "create"]) => return Some((&["name", "platform"], Body::Create)),
        ("POST", ["containers", _, "exec"]) => return Some((&[], Body::Exec)),
        ("POST", ["containers", _, "update"]) => return Some((&[], Body::Update)),
        ("GET", ["images", .., "history"]) => &["platform"],
        ("GET", ["distribution", .., "json"]) => &[],
        ("POST", ["exec", _, "start"]) => return Some((&[], Body::ExecStart)),
        ("POST", ["networks", "create"]) => return Some((&[], Body::NetworkCreate)),
        ("POST", ["networks", _, "connect" | "disconnect"]) => return Some((&[], Body::NetworkConnect)),
        ("DELETE", ["networks", id]) if is_full_id(id) => &[],
        ("PUT", ["containers", _, "archive"]) => {
            return Some((&["path", "noOverwriteDirNonDir", "copyUIDGID"], Body::Archive));
        }
        (_, ["containers" | "exec", _, rest @ ..]) => act(method, rest)?,
        (_, _) => return None,
    };
    Some((query, Body::None))
}

fn act(method: &str, rest: &[&str]) -> Option<&'static [&'static str]> {
    Some(match (method, rest) {
        ("GET", ["json"]) => &["size"],
        ("POST", ["start"]) => &["detachKeys"],
        ("POST", ["stop" | "restart"]) => &["signal", "t"],
        ("POST", ["kill"]) => &["signal"],
        ("POST", ["wait"]) => &["condition"],
        ("GET", ["logs"]) => &["follow", "stdout", "stderr", "since", "until", "timestamps", "tail"],
        ("POST", ["attach"]) => &["detachKeys", "logs", "stream", "stdin", "stdout", "stderr"],
        ("POST", ["resize"]) => &["h", "w"],
        ("DELETE", []) => &["v", "force"],
        ("GET" | "HEAD", ["archive"]) => &["path"],
        ("POST", ["pause" | "unpause"]) | ("GET", ["changes" | "export"]) => &[],
        ("POST", ["rename"]) => &["name"],
        ("GET", ["top"]) => &["ps_args"],
        ("GET", ["stats"]) => &["stream", "one-shot"],
        (_, _) => return None,
    })
}

fn queries(request: &Recorded, known: &[&str]) -> Result<(), String> {
    let pairs = request.query();
    for (at, (key, _)) in pairs.iter().enumerate() {
        if !known.contains(&key.as_str()) {
            return Err(format!("the query key `{key}` is not one of {known:?}"));
        }
        if pairs.iter().skip(at + 1).any(|(other, _)| other == key) {
            return Err(format!("the query key `{key}` is there twice"));
        }
    }
    Ok(())
}

/// A create: known keys, `HostConfig` there, nothing dangerous in it, and all of our labels.
fn create(body: &Value) -> Result<(), String> {
    keys(body, CONFIG, "")?;
    let host = &body["HostConfig"];
    if !host.is_object() {
        return Err("HostConfig is not there".to_owned());
    }
    keys(host, HOST_CONFIG, "HostConfig.")?;
    keys(&body["NetworkingConfig"], &["EndpointsConfig"], "NetworkingConfig.")?;
    harmless(host)?;
    ports(host)?;
    labels(&body["Labels"])
}

/// A network: a plain bridge of the engine's own choice, isolated from the host where it is internal, with all of our
/// labels but the image's.
fn network(body: &Value) -> Result<(), String> {
    keys(body, &["Name", "CheckDuplicate", "Driver", "Internal", "EnableIPv6", "Options", "Labels"], "")?;
    let isolated = ["4", "6"].map(|family| (format!("com.docker.network.bridge.gateway_mode_ipv{family}"), "isolated"));
    let options = if body["Internal"] == true { isolated.into_iter().collect() } else { Value::Null };
    let plain = matches!(body["Driver"].as_str(), None | Some("bridge"))
        && body["EnableIPv6"] != true
        && body["Options"] == options;
    let named = body["Name"].as_str().is_some_and(|name| name.starts_with('n') && !name.contains([' ', ':']));
    let labels = &body["Labels"];
    let ours = labels["docker-broker.owner"] == OWNER && labels["docker-broker.expires"].is_string();
    (plain && named && ours).then_some(()).ok_or_else(|| format!("the network is {body}"))
}

/// A container on a network: by its full ID, and with nothing but names of its own.
fn endpoint(body: &Value) -> Result<(), String> {
    keys(body, &["Container", "EndpointConfig", "Force"], "")?;
    keys(&body["EndpointConfig"], &["Aliases", "NetworkID"], "EndpointConfig.")?;
    let id = body["Container"].as_str().unwrap_or_default();
    is_full_id(id).then_some(()).ok_or_else(|| format!("`{id}` is not a full ID"))
}

/// An update: limits only, each at most the policy's, and none lifted.
fn update(body: &Value) -> Result<(), String> {
    let limits = [
        ("Memory", 1_i64 << 30),
        ("MemorySwap", 1 << 30),
        ("MemoryReservation", 1 << 30),
        ("NanoCpus", 2_000_000_000),
        ("PidsLimit", 512),
    ];
    for (key, value) in body.as_object().into_iter().flatten() {
        let within = |most: i64| value.as_i64().is_some_and(|value| (1..=most).contains(&value));
        let plain = match limits.iter().find(|(known, _)| known == key) {
            Some((_, most)) => within(*most),
            None if key == "RestartPolicy" => *value == serde_json::json!({"Name": "no"}),
            None => key == "Init" || ["CpuQuota", "CpuPeriod"].contains(&key.as_str()),
        };
        if !plain {
            return Err(format!("{key} is {value}"));
        }
    }
    let number = |key: &str| body[key].as_i64().unwrap_or_default();
    let (quota, period) = (number("CpuQuota"), number("CpuPeriod"));
    let within = if quota == 0 { period == 0 } else { quota > 0 && period > 0 && quota <= 2 * period };
    within.then_some(()).ok_or_else(|| format!("the quota is {quota} in {period}"))
}

fn keys(object: &Value, known: &[&str], place: &str) -> Result<(), String> {
    let unknown = |key: &&String| !known.contains(&key.as_str());
    match object.as_object().into_iter().flat_map(serde_json::Map::keys).find(unknown) {
        Some(key) => Err(format!("the key `{place}{key}` is not known")),
        None => Ok(()),
    }
}

/// No power over the host, in any spelling that an engine reads.
fn harmless(host: &Value) -> Result<(), String> {
    for key in DANGEROUS {
        let value = &host[*key];
        let neutral = match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty() || (*key == "IpcMode" && text == "private"),
            Value::Array(items) => items.is_empty() && !matches!(*key, "MaskedPaths" | "ReadonlyPaths"),
            Value::Object(map) => map.is_empty(),
            Value::Bool(true) | Value::Number(_) => false,
        };
        if !neutral {
            return Err(format!("HostConfig.{key} is {value}"));
        }
    }
    let options = host["SecurityOpt"].as_array().into_iter().flatten();
    let tightening = |option: &Value| matches!(option.as_str(), Some("no-new-privileges" | "no-new-privileges=true"));
    if !options.clone().all(tightening) {
        return Err(format!("HostConfig.SecurityOpt is {}", host["SecurityOpt"]));
    }
    if host["LogConfig"]["Type"] != "local" {
        return Err(format!("HostConfig.LogConfig is {}", host["LogConfig"]));
    }
    for (key, limit) in [("Memory", 1_u64 << 30), ("NanoCpus", 2_000_000_000), ("PidsLimit", 512)] {
        if !host[key].as_u64().is_some_and(|value| (1..=limit).contains(&value)) {
            return Err(format!("HostConfig.{key} is {}", host[key]));
        }
    }
    Ok(())
}

/// Published on loopback only, by a port that the engine picks.
fn ports(host: &Value) -> Result<(), String> {
    if host["PublishAllPorts"].as_bool() == Some(true) {
        return Err("HostConfig.PublishAllPorts is true".to_owned());
    }
    let bindings = host["PortBindings"].as_object().into_iter().flatten();
    for (port, list) in bindings {
        let on_loopback = |one: &Value| {
            matches!(one["HostIp"].as_str(), Some("127.0.0.1" | "::1"))
                && matches!(one["HostPort"].as_str(), None | Some("" | "0"))
        };
        let list = list.as_array().cloned().unwrap_or_default();
        if port != "5432/tcp" || list.is_empty() || !list.iter().all(on_loopback) {
            return Err(format!("HostConfig.PortBindings holds {port}: {list:?}"));
        }
    }
    Ok(())
}

fn labels(labels: &Value) -> Result<(), String> {
    let present = |key: &str| labels[key].as_str().filter(|value| !value.is_empty());
    for key in ["owner", "session", "expires", "policy", "version", "image"] {
        present(&format!("docker-broker.{key}")).ok_or_else(|| format!("our label {key} is not there"))?;
    }
    let ours = labels["docker-broker.owner"] == OWNER && labels["docker-broker.image"] == POSTGRES;
    ours.then_some(()).ok_or_else(|| format!("our labels are {labels}"))
}

const CONFIG: &[&str] = &[
    "Hostname",
    "Domainname",
    "User",
    "AttachStdin",
    "AttachStdout",
    "AttachStderr",
    "ExposedPorts",
    "Tty",
    "OpenStdin",
    "StdinOnce",
    "Env",
    "Cmd",
    "Healthcheck",
    "ArgsEscaped",
    "Image",
    "Volumes",
    "WorkingDir",
    "Entrypoint",
    "NetworkDisabled",
    "MacAddress",
    "OnBuild",
    "Labels",
    "StopSignal",
    "StopTimeout",
    "Shell",
    "HostConfig",
    "NetworkingConfig",
];

const HOST_CONFIG: &[&str] = &[
    "CpuShares",
    "Memory",
    "CgroupParent",
    "BlkioWeight",
    "BlkioWeightDevice",
    "BlkioDeviceReadBps",
    "BlkioDeviceWriteBps",
    "BlkioDeviceReadIOps",
    "BlkioDeviceWriteIOps",
    "CpuPeriod",
    "CpuQuota",
    "CpuRealtimePeriod",
    "CpuRealtimeRuntime",
    "CpusetCpus",
    "CpusetMems",
    "Devices",
    "DeviceCgroupRules",
    "DeviceRequests",
    "KernelMemory",
    "KernelMemoryTCP",
    "MemoryReservation",
    "MemorySwap",
    "MemorySwappiness",
    "NanoCpus",
    "OomKillDisable",
    "Init",
    "PidsLimit",
    "Ulimits",
    "CpuCount",
    "CpuPercent",
    "IOMaximumIOps",
    "IOMaximumBandwidth",
    "Binds",
    "ContainerIDFile",
    "LogConfig",
    "NetworkMode",
    "PortBindings",
    "RestartPolicy",
    "AutoRemove",
    "VolumeDriver",
    "VolumesFrom",
    "Mounts",
    "ConsoleSize",
    "Annotations",
    "CapAdd",
    "CapDrop",
    "CgroupnsMode",
    "Dns",
    "DnsOptions",
    "DnsSearch",
    "ExtraHosts",
    "GroupAdd",
    "IpcMode",
    "Cgroup",
    "Links",
    "OomScoreAdj",
    "PidMode",
    "Privileged",
    "PublishAllPorts",
    "ReadonlyRootfs",
    "SecurityOpt",
    "StorageOpt",
    "Tmpfs",
    "UTSMode",
    "UsernsMode",
    "ShmSize",
    "Sysctls",
    "Runtime",
    "Isolation",
    "MaskedPaths",
    "ReadonlyPaths",
];

/// What has to be absent or neutral in every create of the corpus.
const DANGEROUS: &[&str] = &[
    "Privileged",
    "Binds",
    "Mounts",
    "VolumesFrom",
    "VolumeDriver",
    "Tmpfs",
    "Devices",
    "DeviceCgroupRules",
    "DeviceRequests",
    "CapAdd",
    "MaskedPaths",
    "ReadonlyPaths",
    "Sysctls",
    "Runtime",
    "CgroupParent",
    "Cgroup",
    "PidMode",
    "IpcMode",
    "UTSMode",
    "UsernsMode",
    "Links",
    "Dns",
    "DnsOptions",
    "DnsSearch",
    "ExtraHosts",
    "GroupAdd",
    "StorageOpt",
    "Annotations",
    "ContainerIDFile",
    "Isolation",
    "OomKillDisable",
    "BlkioWeightDevice",
    "BlkioDeviceReadBps",
];

const EXEC: &[&str] = &[
    "AttachStdin",
    "AttachStdout",
    "AttachStderr",
    "DetachKeys",
    "Tty",
    "Env",
    "Cmd",
    "Privileged",
    "User",
    "WorkingDir",
    "ConsoleSize",
];
