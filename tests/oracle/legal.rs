//! Where an engine does not take a create as it stands in the request, each with its reason: the whole list of
//! differences between what was judged and what the engine's router hands to the daemon.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use docker_broker::policy::pattern::ImageReference;
use docker_broker::request::ApiVersion;
use serde_json::{Value, json};

/// One thing that the engine's own code does to a create (`postContainersCreate` of 28.5.2).
struct Legal {
    /// Why an engine may.
    #[expect(dead_code, reason = "the table is for people to read")]
    reason: &'static str,
    /// Does the same to what was judged.
    apply: fn(&mut Value, ApiVersion),
}

/// Turns the judged create into what the router of this engine hands on.
pub(crate) fn apply(config: &mut Value, version: ApiVersion) {
    for legal in CREATE {
        (legal.apply)(config, version);
    }
}

/// Turns the judged update into what the router of this engine hands on (`postContainerUpdate` of 28.5.2).
pub(crate) fn apply_update(host_config: &mut Value, version: ApiVersion) {
    drop_before(host_config, "KernelMemoryTCP", version, 40);
    // before API 1.40 an update had no limit of processes
    drop_before(host_config, "PidsLimit", version, 40);
    if host_config["PidsLimit"].as_i64().is_some_and(|limit| limit <= 0) {
        host_config["PidsLimit"] = json!(0);
    }
    if !before(version, 42) {
        host_config["KernelMemory"].take();
    }
    // engines do not know these of an update
    for field in ["DiskQuota", "Init"] {
        host_config[field].take();
    }
    // an array of two numbers cannot be absent in Go
    host_config["ConsoleSize"] = json!([0, 0]);
}

const CREATE: &[Legal] = &[
    Legal {
        reason: "`default` and no NetworkMode are words for `bridge`, also as the name of an endpoint",
        apply: |config, _| {
            let host = &mut config["HostConfig"];
            if matches!(host["NetworkMode"].as_str(), None | Some("" | "default")) {
                host["NetworkMode"] = json!("bridge");
                if let Some(endpoints) = config["NetworkingConfig"]["EndpointsConfig"].as_object_mut()
                    && let Some(default) = endpoints.remove("default")
                {
                    endpoints.insert("bridge".to_owned(), default);
                }
            }
        },
    },
    Legal {
        reason: "before API 1.25 the client removes the container",
        apply: |config, version| drop_before(&mut config["HostConfig"], "AutoRemove", version, 25),
    },
    Legal {
        reason: "before API 1.40 an absent IpcMode is `shareable`",
        apply: |config, version| {
            if before(version, 40) && matches!(config["HostConfig"]["IpcMode"].as_str(), None | Some("")) {
                config["HostConfig"]["IpcMode"] = json!("shareable");
            }
        },
    },
    Legal {
        reason: "fields that came later mean nothing in an older API",
        apply: |config, version| {
            drop_before(&mut config["HostConfig"], "KernelMemoryTCP", version, 40);
            drop_before(&mut config["HostConfig"], "ConsoleSize", version, 42);
            drop_before(&mut config["HostConfig"], "Annotations", version, 43);
            drop_before(&mut config["Config"]["Healthcheck"], "StartInterval", version, 44);
            each(&mut config["NetworkingConfig"]["EndpointsConfig"], |end| drop_before(end, "GwPriority", version, 48));
        },
    },
    Legal {
        reason: "options of a bind that came later mean nothing in an older API",
        apply: |config, version| {
            each(&mut config["HostConfig"]["Mounts"], |mount| {
                drop_before(&mut mount["BindOptions"], "NonRecursive", version, 40);
                drop_before(&mut mount["BindOptions"], "CreateMountpoint", version, 42);
            });
        },
    },
    Legal {
        reason: "KernelMemory was removed with API 1.42",
        apply: |config, version| {
            if !before(version, 42) {
                config["HostConfig"]["KernelMemory"].take();
            }
        },
    },
    Legal {
        reason: "before API 1.44 read-only mounts were not recursive",
        apply: |config, version| config["DefaultReadOnlyNonRecursive"] = json!(before(version, 44)),
    },
    Legal {
        reason: "zero and less is the same as no limit of processes",
        apply: |config, _| {
            if config["HostConfig"]["PidsLimit"].as_i64().is_some_and(|limit| limit <= 0) {
                config["HostConfig"]["PidsLimit"].take();
            }
        },
    },
    Legal {
        reason: "an array of two numbers cannot be absent in Go: [0, 0] is no size",
        apply: |config, _| {
            if config["HostConfig"]["ConsoleSize"].is_null() {
                config["HostConfig"]["ConsoleSize"] = json!([0, 0]);
            }
        },
    },
    Legal {
        reason: "fields of older and newer engines, which 28.5 does not have",
        apply: |config, _| {
            config["Config"]["Cpuset"].take();
            for field in ["Capabilities", "DiskQuota", "Umask"] {
                config["HostConfig"][field].take();
            }
        },
    },
    Legal {
        reason: "up to API 1.47 kernel parameters of the first interface move to the endpoint of the main network",
        apply: move_interface_sysctls,
    },
    Legal {
        reason: "the container's own MacAddress moves to the endpoint of its main network, and before API 1.44 it is the \
                 only one",
        apply: move_mac_address,
    },
];

fn move_interface_sysctls(config: &mut Value, version: ApiVersion) {
    let main = config["HostConfig"]["NetworkMode"].as_str().unwrap_or_default().to_owned();
    if !before(version, 48) || main == "host" || main.starts_with("container:") {
        return;
    }
    let Some(all) = config["HostConfig"]["Sysctls"].as_object_mut() else { return };
    let of_first = |name: &String| name.starts_with("net.") && name.split('.').nth(3) == Some("eth0");
    let names: Vec<String> = all.keys().filter(|name| of_first(name)).cloned().collect();
    let taken = names.iter().filter_map(|name| Some((name, all.remove(name)?)));
    let moved: Vec<String> = taken
        .map(|(name, value)| format!("{}={}", name.replacen("eth0", "IFNAME", 1), value.as_str().unwrap_or_default()))
        .collect();
    if moved.is_empty() {
        return;
    }
    let endpoints = &mut config["NetworkingConfig"]["EndpointsConfig"];
    let only = endpoints.as_object().filter(|all| all.len() == 1 && before(version, 44));
    let key = only.and_then(|all| all.keys().next().cloned()).unwrap_or(main);
    let options = &mut endpoints[key]["DriverOpts"];
    let asked = options["com.docker.network.endpoint.sysctls"].as_str().map(str::to_owned);
    let whole: Vec<String> = moved.into_iter().chain(asked).collect();
    options["com.docker.network.endpoint.sysctls"] = json!(whole.join(","));
}

fn move_mac_address(config: &mut Value, version: ApiVersion) {
    let address = config["Config"]["MacAddress"].as_str().unwrap_or_default().to_owned();
    let main = config["HostConfig"]["NetworkMode"].as_str().unwrap_or_default().to_owned();
    let endpoints = &mut config["NetworkingConfig"]["EndpointsConfig"];
    if address.is_empty() {
        return each(endpoints, |endpoint| drop_before(endpoint, "MacAddress", version, 44));
    }
    let has_address = !(["host", "none"].contains(&main.as_str()) || main.starts_with("container:"));
    if has_address {
        let only = endpoints.as_object().filter(|all| all.len() == 1 && before(version, 44));
        let key = only.and_then(|all| all.keys().next().cloned()).unwrap_or(main);
        endpoints[key]["MacAddress"] = json!(address);
    }
    if !before(version, 44) {
        config["Config"]["MacAddress"].take();
    }
}

fn before(version: ApiVersion, minor: u16) -> bool {
    version < ApiVersion::new(1, minor)
}

fn drop_before(object: &mut Value, field: &str, version: ApiVersion, minor: u16) {
    if before(version, minor)
        && let Some(object) = object.as_object_mut()
    {
        object.remove(field);
    }
}

fn each(values: &mut Value, mut change: impl FnMut(&mut Value)) {
    match values {
        Value::Array(items) => items.iter_mut().filter(|item| item.is_object()).for_each(&mut change),
        Value::Object(members) => members.values_mut().filter(|member| member.is_object()).for_each(&mut change),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The engine reads credentials as JSON in base64url, and ignores what it cannot read.
pub(crate) fn registry_auth(text: &str) -> Value {
    let decoded = URL_SAFE.decode(text).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    decoded.unwrap_or_else(|| json!({}))
}

/// What is pulled: the name in full, the tag or digest of the query before that of the name.
pub(crate) fn reference(name: &str, tag: &str) -> String {
    let name = name.strip_suffix(':').unwrap_or(name);
    let Ok(named) = ImageReference::parse(name) else { return format!("no reference: {name}") };
    let base = format!("{}/{}", named.registry, named.repository);
    let own_tag = named.tag.as_deref().map(|tag| format!(":{tag}")).unwrap_or_default();
    let own_digest = named.digest.as_deref().map(|digest| format!("@{digest}")).unwrap_or_default();
    match tag {
        "" => format!("{base}{own_tag}{own_digest}"),
        digest if digest.contains(':') => format!("{base}@{digest}"),
        tag => format!("{base}:{tag}{own_digest}"),
    }
}

/// What is pushed: the tag of the query before that of the name; without either, all of them.
pub(crate) fn pushed(name: &str, tag: &str) -> String {
    let Ok(named) = ImageReference::parse(name) else { return format!("no reference: {name}") };
    let tag = if tag.is_empty() { named.tag.unwrap_or_default() } else { tag.to_owned() };
    let mark = if tag.is_empty() { "" } else { ":" };
    format!("{}/{}{mark}{tag}", named.registry, named.repository)
}

/// What an imported image is called, if anything.
pub(crate) fn tagged(repo: &str, tag: &str) -> Value {
    if repo.is_empty() {
        return Value::Null;
    }
    let whole = if tag.is_empty() { repo.to_owned() } else { format!("{repo}:{tag}") };
    let Ok(named) = ImageReference::parse(&whole) else { return json!("no reference") };
    json!(format!("{}/{}:{}", named.registry, named.repository, named.tag.unwrap_or_else(|| "latest".to_owned())))
}
