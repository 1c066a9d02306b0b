//! What a client may see of the engine's answers: pure functions from answer to answer.
//!
//! Lists lose what is not the client's, metadata keeps a list of known fields, and foreign objects under `see = "all"`
//! come without what could hold secrets. Must never pass on what cannot be read: what is not understood is not shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::compile::Scope;
use super::denial::Denial;
use super::judge::Judge;
use super::pattern::ImageReference;
use super::{image, network};
use crate::operation::Operation;
use crate::operation::container::{ContainerAction, ContainerOperation};
use crate::operation::image::ImageOperation;
use crate::operation::network::NetworkOperation;
use crate::operation::system::SystemOperation;
use crate::operation::volume::VolumeOperation;

/// The full IDs of the owner's containers, and of those that labels grant it, where a view needs them.
pub type OwnContainers = BTreeSet<String>;

impl Judge<'_> {
    /// Whether the view of this operation's answer needs to know the owner's containers.
    #[must_use]
    pub fn view_needs_own_containers(&self, operation: &Operation) -> bool {
        let listed = matches!(operation, Operation::Container(ContainerOperation::List(_)));
        matches!(operation, Operation::Network(_)) || (listed && self.granted_labels().is_some())
    }

    /// The part of an answer that the client may see.
    ///
    /// # Errors
    /// The engine's 404, when the answer is about one object and the client may not know of it: it changed its names or
    /// its owner since it was judged.
    pub fn view(&self, operation: &Operation, answer: Value, own: &OwnContainers) -> Result<Value, Denial> {
        Ok(match operation {
            Operation::System(SystemOperation::Info) => self.info(answer),
            Operation::Image(ImageOperation::List(_)) => keep(answer, |image| self.image(image)),
            Operation::Image(ImageOperation::Inspect { name, query: _ }) => {
                self.image(answer).ok_or_else(|| Denial::no_such_image(&image::familiar(name)))?
            }
            Operation::Image(ImageOperation::History { .. }) => self.history(answer),
            Operation::Container(ContainerOperation::List(_)) => {
                keep(answer, |container| self.container(container, own))
            }
            Operation::Container(ContainerOperation::Act { container: _, action: ContainerAction::Inspect(_) }) => {
                without_secrets(answer)
            }
            Operation::Network(NetworkOperation::List(_)) => keep(answer, |network| self.network(network, own)),
            Operation::Network(NetworkOperation::Inspect { network, query: _ }) => {
                self.network(answer, own).ok_or_else(|| Denial::no_such_network(network))?
            }
            Operation::Volume(VolumeOperation::List(_)) => self.volumes(answer),
            Operation::Volume(VolumeOperation::Inspect { name }) => {
                self.volume(answer).ok_or_else(|| Denial::no_such_volume(name))?
            }
            Operation::System(_)
            | Operation::Image(_)
            | Operation::Container(_)
            | Operation::Exec(_)
            | Operation::Network(_)
            | Operation::Volume(_)
            | Operation::Prune(_) => Value::Null,
        })
    }

    /// The known fields of `/info`, and a warning that says through what the client looks.
    fn info(&self, answer: Value) -> Value {
        let Value::Object(mut all) = answer else { return Value::Null };
        // a broker before this one chooses a log driver by them; other plugins are the host's business
        let log_drivers = all.get_mut("Plugins").and_then(|plugins| plugins.get_mut("Log")).map(Value::take);
        let mut shown: Map<String, Value> =
            all.into_iter().filter(|(key, _)| INFO_FIELDS.contains(&key.as_str())).collect();
        shown.extend(log_drivers.map(|drivers| ("Plugins".to_owned(), json!({ "Log": drivers }))));
        let ours = format!("docker-broker stands between you and this engine; {} says what passes", self.policy);
        let mut warnings = match shown.remove("Warnings") {
            Some(Value::Array(warnings)) => warnings,
            Some(_) | None => Vec::new(),
        };
        // where the engine listens without a guard is not a client's business
        warnings.retain(|warning| warning.as_str().is_some_and(|text| !text.contains("://")));
        warnings.push(Value::String(ours));
        shown.insert("Warnings".to_owned(), Value::Array(warnings));
        Value::Object(shown)
    }

    /// An image, with only the names that the policy allows; none, when it has no such name.
    fn image(&self, mut answer: Value) -> Option<Value> {
        let tags = names(&answer, "RepoTags");
        let digests = names(&answer, "RepoDigests");
        let parsed = |name: &String| ImageReference::parse(name).ok();
        let allowed: Vec<&String> =
            tags.iter().filter(|name| parsed(name).is_some_and(|r| self.policy.shows_image(&r))).collect();
        let repositories: BTreeSet<String> =
            allowed.iter().filter_map(|name| parsed(name)).map(|reference| reference.familiar_name()).collect();
        let allowed_digests: Vec<&String> = digests
            .iter()
            .filter(|name| {
                parsed(name).is_some_and(|r| repositories.contains(&r.familiar_name()) || self.policy.shows_image(&r))
            })
            .collect();
        if allowed.is_empty() && allowed_digests.is_empty() {
            return None;
        }
        let (tags, digests) = (json!(allowed), json!(allowed_digests));
        let fields = answer.as_object_mut()?;
        fields.insert("RepoTags".to_owned(), tags);
        fields.insert("RepoDigests".to_owned(), digests);
        // since API 1.53: from which repositories it was pulled or built
        fields.remove("Identity");
        for manifest in fields.get_mut("Manifests").and_then(Value::as_array_mut).into_iter().flatten() {
            // whose containers run from it
            if let Some(image) = manifest.get_mut("ImageData") {
                blank_in(image, "Containers");
            }
        }
        Some(answer)
    }

    /// The layers of an image; those that are images with names of their own keep only the names that the client may see.
    fn history(&self, answer: Value) -> Value {
        let shown = |name: &String| ImageReference::parse(name).is_ok_and(|name| self.policy.shows_image(&name));
        let mut first = true;
        keep(answer, |mut layer| {
            let all = names(&layer, "Tags");
            let tags: Vec<&String> = all.iter().filter(|name| shown(name)).collect();
            let foreign = tags.is_empty() && !all.is_empty() && !first;
            first = false;
            let fields = layer.as_object_mut()?;
            if !all.is_empty() {
                fields.insert("Tags".to_owned(), if tags.is_empty() { Value::Null } else { json!(tags) });
            }
            if foreign {
                fields.insert("Id".to_owned(), json!("<missing>"));
            }
            Some(layer)
        })
    }

    /// A container of a list: one's own as it is, a foreign one without secrets, or not at all.
    fn container(&self, answer: Value, own: &OwnContainers) -> Option<Value> {
        let labels = self.stamp.depth.read(labels(&answer, "Labels"));
        let text = |field: &str| answer.get(field).and_then(Value::as_str).unwrap_or_default();
        if self.stamp.owner.owns_container(&labels, text("ImageID")) || own.contains(text("Id")) {
            return Some(answer);
        }
        match self.policy.containers.see {
            Scope::All => Some(without_secrets(answer)),
            Scope::Own | Scope::None => None,
        }
    }

    /// A network that the client may know of, with only its own containers on it.
    fn network(&self, mut answer: Value, own: &OwnContainers) -> Option<Value> {
        let name = answer.get("Name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !network::visible(self, &name, &self.stamp.depth.read(labels(&answer, "Labels"))) {
            return None;
        }
        if let Some(Value::Object(containers)) = answer.get_mut("Containers") {
            containers.retain(|id, _| own.contains(id) || self.policy.containers.see == Scope::All);
        }
        if self.policy.containers.see != Scope::All
            && let Some(fields) = answer.as_object_mut()
        {
            // of a swarm: the tasks of others, and the addresses of its nodes
            fields.remove("Services");
            fields.remove("Peers");
        }
        Some(answer)
    }

    fn volumes(&self, answer: Value) -> Value {
        let Value::Object(mut fields) = answer else { return Value::Null };
        let volumes = fields.remove("Volumes").unwrap_or(Value::Null);
        json!({ "Volumes": keep(volumes, |volume| self.volume(volume)), "Warnings": null })
    }

    fn volume(&self, mut answer: Value) -> Option<Value> {
        if self.stamp.owner.owns(&self.stamp.depth.read(labels(&answer, "Labels"))) {
            return Some(answer);
        }
        if self.policy.containers.see != Scope::All {
            return None;
        }
        let fields = answer.as_object_mut()?;
        fields.remove("Options");
        fields.remove("Status");
        fields.insert("Mountpoint".to_owned(), Value::String(String::new()));
        Some(answer)
    }

    /// Whether an event is about something that the client may know of, as far as the event itself tells. `None` where
    /// an inspect has to say whose it is.
    #[must_use]
    pub fn event_is_visible(&self, event: &Value) -> Option<bool> {
        let kind = event.get("Type").and_then(Value::as_str).unwrap_or_default();
        if self.policy.containers.see == Scope::All {
            let action = event.get("Action").and_then(Value::as_str).unwrap_or_default();
            return match kind {
                // the event of an exec holds its command line
                "container" if action.starts_with("exec_") => None,
                "container" | "network" | "volume" => Some(true),
                "image" => Some(self.image_event_is_visible(event)),
                // an engine that is told to read its configuration again tells all of it
                _ => Some(false),
            };
        }
        match kind {
            "image" => Some(self.image_event_is_visible(event)),
            "container" | "network" | "volume" => None,
            _ => Some(false),
        }
    }

    /// The part of a visible event that the client may see: under `see = "all"` its object may be foreign, and carries its
    /// labels along.
    #[must_use]
    pub fn event(&self, mut event: Value) -> Value {
        if self.policy.containers.see == Scope::All
            && let Some(attributes) = event.pointer_mut("/Actor/Attributes").and_then(Value::as_object_mut)
        {
            attributes.retain(|key, _| EVENT_ATTRIBUTES.contains(&key.as_str()) || key.starts_with(GROUPING_LABELS));
        }
        event
    }

    fn image_event_is_visible(&self, event: &Value) -> bool {
        let texts = ["/Actor/ID", "/Actor/Attributes/name"].into_iter().filter_map(|at| event.pointer(at)?.as_str());
        let mut named = texts.filter_map(|text| ImageReference::parse(text).ok());
        named.any(|reference| self.policy.shows_image(&reference))
    }
}

/// Keeps the items of a list that have a view; anything but a list becomes an empty one.
fn keep(answer: Value, view: impl FnMut(Value) -> Option<Value>) -> Value {
    match answer {
        Value::Array(items) => Value::Array(items.into_iter().filter_map(view).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Value::Array(Vec::new())
        }
    }
}

/// A foreign container, for dashboards: the fields that are known to hold no secret and no path of the host. A field that
/// a later engine adds is not among them. What clients insist on is there, and empty.
fn without_secrets(answer: Value) -> Value {
    let Value::Object(all) = answer else { return Value::Null };
    let mut shown = only(all, CONTAINER_FIELDS);
    for (part, fields) in CONTAINER_PARTS {
        reduce(&mut shown, part, fields);
    }
    if let Some(state) = shown.get_mut("State").and_then(Value::as_object_mut) {
        reduce(state, "Health", &["Status", "FailingStreak"]);
    }
    // a list says the state in a word, and has its labels at the top
    keep_steering_labels(&mut shown);
    if let Some(config) = shown.get_mut("Config").and_then(Value::as_object_mut) {
        keep_steering_labels(config);
        config.insert("Env".to_owned(), json!([]));
        config.insert("Cmd".to_owned(), Value::Null);
    }
    if shown.contains_key("Names") {
        shown.insert("Command".to_owned(), json!(""));
    }
    shown.insert("Mounts".to_owned(), json!([]));
    Value::Object(shown)
}

fn only(all: Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    all.into_iter().filter(|(field, _)| fields.contains(&field.as_str())).collect()
}

/// Keeps only these fields of an object inside another; what is no object stays, for it has no fields.
fn reduce(whole: &mut Map<String, Value>, part: &str, fields: &[&str]) {
    if let Some(part) = whole.get_mut(part).and_then(Value::as_object_mut) {
        part.retain(|field, _| fields.contains(&field.as_str()));
    }
}

/// Of a foreign object's labels only those by which tools group objects; others can hold passwords of proxies.
fn keep_steering_labels(fields: &mut Map<String, Value>) {
    if let Some(labels) = fields.get_mut("Labels").and_then(Value::as_object_mut) {
        labels.retain(|key, _| key.starts_with(GROUPING_LABELS));
    }
}

fn blank_in(value: &mut Value, field: &str) {
    if let Some(fields) = value.as_object_mut() {
        blank(fields, field);
    }
}

/// Empties a field and keeps its type, for clients that insist on it.
fn blank(fields: &mut Map<String, Value>, field: &str) {
    if let Some(value) = fields.get_mut(field) {
        *value = match value {
            Value::String(_) => Value::String(String::new()),
            Value::Array(_) => Value::Array(Vec::new()),
            Value::Object(_) => Value::Object(Map::new()),
            Value::Null | Value::Bool(_) | Value::Number(_) => Value::Null,
        };
    }
}

fn names(answer: &Value, field: &str) -> Vec<String> {
    let list = answer.get(field).and_then(Value::as_array);
    list.map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect()).unwrap_or_default()
}

fn labels(answer: &Value, field: &str) -> BTreeMap<String, String> {
    let Some(labels) = answer.get(field).and_then(Value::as_object) else { return BTreeMap::new() };
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    labels.iter().filter_map(text).collect()
}

/// Paths of the host in an engine's error text become words: where the engine keeps its data is not the client's business.
#[must_use]
pub fn without_host_paths(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, root)) = HOST_ROOTS.iter().filter_map(|r| rest.find(r).map(|at| (at, r))).min() {
        let (kept, path) = rest.split_at(before);
        let path = path.get(root.len()..).unwrap_or_default();
        // a backslash begins an escape of the JSON document that the text stands in
        let end = path.find([' ', '"', '\\', '\'', ':', ',', ')', '\n']).unwrap_or(path.len());
        out.push_str(kept);
        out.push_str("<a path of the host>");
        rest = path.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Labels by which compose groups what belongs together.
const GROUPING_LABELS: &str = "com.docker.compose.";

/// What of an event is not a label.
const EVENT_ATTRIBUTES: &[&str] = &["container", "driver", "exitCode", "image", "name", "signal", "type"];

/// What of a foreign container is told, in lists and inspects.
const CONTAINER_FIELDS: &[&str] = &[
    "Config",
    "Created",
    "Driver",
    "HostConfig",
    "Id",
    "Image",
    "ImageID",
    "Labels",
    "Name",
    "Names",
    "NetworkSettings",
    "Platform",
    "Ports",
    "RestartCount",
    "SizeRootFs",
    "SizeRw",
    "State",
    "Status",
];

/// The same of its parts.
const CONTAINER_PARTS: &[(&str, &[&str])] = &[
    ("Config", &["Domainname", "ExposedPorts", "Hostname", "Image", "Labels", "StopSignal", "Tty", "User"]),
    ("HostConfig", &["AutoRemove", "NetworkMode", "RestartPolicy"]),
    ("NetworkSettings", &["Gateway", "IPAddress", "IPPrefixLen", "MacAddress", "Networks", "Ports"]),
    (
        "State",
        &[
            "Dead",
            "ExitCode",
            "FinishedAt",
            "Health",
            "OOMKilled",
            "Paused",
            "Pid",
            "Restarting",
            "Running",
            "StartedAt",
            "Status",
        ],
    ),
];

/// Where engines keep their data and run-time files.
const HOST_ROOTS: &[&str] =
    &["/var/lib/docker", "/var/lib/containers", "/run/containerd", "/run/docker", "/var/run/docker"];

/// What of `/info` is told: what clients read to choose what to do. Not told: proxies with their credentials, registries,
/// plugins (but for log drivers), labels, swarm, and where the engine keeps its files.
const INFO_FIELDS: &[&str] = &[
    "Architecture",
    "BridgeNfIp6tables",
    "BridgeNfIptables",
    "CPUCfsPeriod",
    "CPUCfsQuota",
    "CPUSet",
    "CPUShares",
    "CgroupDriver",
    "CgroupVersion",
    "Containers",
    "ContainersPaused",
    "ContainersRunning",
    "ContainersStopped",
    "CpuCfsPeriod",
    "CpuCfsQuota",
    "Debug",
    "DefaultRuntime",
    "Driver",
    "ExperimentalBuild",
    "ID",
    "IPv4Forwarding",
    "Images",
    "IndexServerAddress",
    "Isolation",
    "KernelMemory",
    "KernelVersion",
    "LoggingDriver",
    "MemTotal",
    "MemoryLimit",
    "NCPU",
    "NEventsListener",
    "NFd",
    "NGoroutines",
    "Name",
    "OSType",
    "OSVersion",
    "OomKillDisable",
    "OperatingSystem",
    "PidsLimit",
    "SecurityOptions",
    "ServerVersion",
    "SwapLimit",
    "SystemTime",
    "Warnings",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_host_do_not_reach_a_client() {
        let text =
            "error mounting \"/var/lib/docker/volumes/x/_data\" to rootfs at /data: /run/containerd/io/x: denied";
        let shown = without_host_paths(text);
        assert_eq!(shown, "error mounting \"<a path of the host>\" to rootfs at /data: <a path of the host>: denied");
        assert_eq!(without_host_paths("exec: \"/bin/nosuch\": no such file"), "exec: \"/bin/nosuch\": no such file");
    }

    #[test]
    fn an_error_document_without_its_paths_is_still_json() {
        let document = json!({ "message": "mounting \"/var/lib/docker/volumes/x/_data\" to \"/data\": denied" });
        let shown: Value = serde_json::from_str(&without_host_paths(&document.to_string())).unwrap();
        assert_eq!(shown["message"], "mounting \"<a path of the host>\" to \"/data\": denied");
    }

    #[test]
    fn a_foreign_container_comes_without_its_secrets() {
        let inspect = json!({
            "Id": "f", "LogPath": "/var/lib/docker/x.log", "Args": ["--password=x"], "ExecIDs": ["e"],
            "Config": { "Env": ["PASSWORD=x"], "Cmd": ["x"], "Image": "redis" },
            "HostConfig": { "Binds": ["/etc:/x"], "NetworkMode": "bridge" },
            "Mounts": [{ "Source": "/etc" }],
            "NetworkSettings": { "SandboxKey": "/var/run/docker/netns/4c1" },
            "State": { "Status": "running", "Error": "exec: --password=x", "Health": { "Status": "healthy", "Log": ["x"] } }
        });
        let text = without_secrets(inspect).to_string();
        for secret in ["PASSWORD", "password", "/etc", "docker/x.log", "netns", "\"e\""] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(text.contains("\"redis\"") && text.contains("running"));
    }
}
