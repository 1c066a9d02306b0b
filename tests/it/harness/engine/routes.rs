//! What the fake engine answers to each request, in the engine's words (28.5 unless said).
//!
//! Must never refuse what a real engine takes: whether a request is fit to be sent is what the tests ask.

use serde_json::{Value, json};

use super::answer::{Answer, Followed};
use super::wire::Recorded;
use super::world::{Container, Exec, Image, World, familiar, now};
use super::{Shared, manage};

/// The answer to a request, after it changed the world.
pub(crate) fn answer(request: &Recorded, shared: &Shared) -> Answer {
    let path = request.path();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let answer = match (request.method.as_str(), segments.as_slice()) {
        ("GET" | "HEAD", ["_ping"]) => ping(),
        ("GET", ["version"]) => shared.world(|world| version(world)),
        ("GET", ["system", "df"]) => shared.world(|world| volume_sizes(world)),
        ("GET", ["info"]) => shared.world(|world| Answer::Json(200, world.info.clone())),
        ("GET", ["events"]) => Answer::Follow("application/json".to_owned(), Vec::new(), Followed::Events),
        ("POST", ["containers" | "images" | "networks" | "volumes" | "build", "prune"]) => {
            Answer::Json(200, json!({"SpaceReclaimed": 0}))
        }
        (_, ["containers", rest @ ..]) => shared.world(|world| containers(request, rest, world)),
        (_, ["exec", id, rest @ ..]) => shared.world(|world| exec(request, id, rest, world)),
        (_, ["images", rest @ ..]) => shared.world(|world| images(request, rest, world)),
        ("GET", ["distribution", .., "json"]) => Answer::Json(200, json!({"Descriptor": {}, "Platforms": []})),
        (_, ["networks", rest @ ..]) => shared.world(|world| networks(request, rest, world)),
        (_, ["volumes", rest @ ..]) => shared.world(|world| volumes(request, rest, world)),
        (_, _) => Answer::error(404, "page not found"),
    };
    shared.changed();
    answer
}

fn ping() -> Answer {
    let headers = [
        ("Builder-Version", "2"),
        ("Swarm", "inactive"),
        ("Cache-Control", "no-cache"),
        ("Content-Type", "text/plain"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Answer::Whole(200, headers, b"OK".to_vec())
}

fn version(world: &World) -> Answer {
    Answer::Json(
        200,
        json!({"Platform": {"Name": ""}, "Version": "28.5.2", "ApiVersion": world.api_version,
            "MinAPIVersion": world.min_api_version, "GitCommit": "x", "GoVersion": "go1.24", "Os": "linux",
            "Arch": "amd64", "KernelVersion": "6.1.0", "Components": []}),
    )
}

fn containers(request: &Recorded, rest: &[&str], world: &mut World) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", ["json"]) => container_list(request, world),
        ("POST", ["create"]) => create(request, world),
        (method, [reference, verb @ ..]) => {
            let id = match world.container(reference) {
                Ok(found) => found.id.clone(),
                Err(message) => return no_container(reference, verb, &message),
            };
            container_act(request, method, &id, verb, world)
        }
        (_, _) => Answer::error(404, "page not found"),
    }
}

/// Attach answers in plain text and closes, HEAD has no body, and kill says twice what it could not do.
fn no_container(reference: &str, verb: &[&str], message: &str) -> Answer {
    let status = if message.starts_with("multiple") { 400 } else { 404 };
    if verb == ["attach"] {
        let kind = ("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned());
        return Answer::Whole(status, vec![kind], format!("{message}\r\n").into_bytes());
    }
    if verb == ["kill"] {
        return Answer::error(status, format!("cannot kill container: {reference}: {message}"));
    }
    Answer::error(status, message)
}

fn container_act(request: &Recorded, method: &str, id: &str, verb: &[&str], world: &mut World) -> Answer {
    let found = world.container(id).expect("it was resolved").clone();
    match (method, verb) {
        ("GET", ["json"]) if request.query_value("size").is_some() => {
            let mut sized = found.inspect();
            sized["SizeRw"] = json!(world.sizes.get(id).copied().unwrap_or(0));
            let volumes = found.config["Volumes"].as_object().into_iter().flatten();
            sized["Mounts"] = volumes.map(|(name, _)| json!({"Type": "volume", "Name": name})).collect();
            Answer::Json(200, sized)
        }
        ("GET", ["json"]) => Answer::Json(200, found.inspect()),
        ("POST", ["start"]) if found.running => Answer::Empty(304),
        ("POST", ["start"]) => run(world, id, true),
        ("POST", ["stop"]) if !found.running => Answer::Empty(304),
        ("POST", ["stop" | "kill"]) => run(world, id, false),
        ("POST", ["restart"]) => run(world, id, true),
        ("POST", ["wait"]) => {
            Answer::Wait(id.to_owned(), request.query_value("condition").as_deref() == Some("removed"))
        }
        ("GET", ["logs"]) => logs(request, &found),
        ("POST", ["attach"]) => Answer::Hijack { upgrade: request.header("upgrade").is_some(), tty: found.tty() },
        ("POST", ["resize"]) => Answer::Empty(200),
        ("DELETE", []) => {
            world.containers.retain(|container| container.id != id);
            Answer::Empty(204)
        }
        ("GET" | "HEAD", ["archive"]) => archive(request),
        ("PUT", ["archive"]) => Answer::Empty(200),
        ("POST", ["exec"]) => exec_create(request, id, world),
        (method, [verb]) => manage::answer(request, method, &found, verb, world),
        (_, _) => Answer::error(404, "page not found"),
    }
}

fn run(world: &mut World, id: &str, running: bool) -> Answer {
    world.change(id, |container| container.running = running);
    Answer::Empty(204)
}

fn container_list(request: &Recorded, world: &World) -> Answer {
    let all = request.query_value("all").is_some_and(|all| truth(&all));
    let filters = filters(request);
    let kept = |container: &&Container| {
        let labels = json!(container.labels());
        (all || container.running)
            && labels_match(&filters, &labels)
            && filters["id"].as_array().is_none_or(|ids| ids.iter().any(|id| container.id.starts_with(text(id))))
            && filters["name"].as_array().is_none_or(|names| names.iter().any(|n| container.name.contains(text(n))))
    };
    let limit = request.query_value("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
    let found = world.containers.iter().filter(kept).take(limit.unwrap_or(usize::MAX));
    Answer::Json(200, found.map(Container::summary).collect())
}

fn create(request: &Recorded, world: &mut World) -> Answer {
    let Some(mut config) = parsed(request) else { return bad_body() };
    let host_config = config["HostConfig"].take();
    let networking = config["NetworkingConfig"].take();
    let reference = text(&config["Image"]).to_owned();
    let Some(image) = world.image(&reference) else {
        return Answer::error(404, format!("No such image: {}", familiar(&reference)));
    };
    let image_id = world.moved_tag.clone().unwrap_or_else(|| image.id.clone());
    let name = request.query_value("name").unwrap_or_default();
    if let Some(holder) = world.containers.iter().find(|container| container.name == name) {
        let message = format!(
            "Conflict. The container name \"/{name}\" is already in use by container \"{}\". You have to remove (or rename) \
             that container to be able to reuse that name.",
            holder.id
        );
        return Answer::error(409, message);
    }
    let id = world.new_id();
    let networks = first_networks(&host_config, &networking, world);
    let name = if name.is_empty() { format!("made-{}", world.made) } else { name };
    let container = Container {
        id: id.clone(),
        name,
        image: reference,
        image_id,
        running: false,
        created: now(),
        networks,
        config,
        host_config,
    };
    world.containers.push(container);
    Answer::Json(201, json!({"Id": id, "Warnings": []}))
}

fn first_networks(
    host_config: &Value,
    networking: &Value,
    world: &World,
) -> std::collections::BTreeMap<String, String> {
    let mode = match text(&host_config["NetworkMode"]) {
        "" | "default" => "bridge",
        mode => mode,
    };
    let endpoints = networking["EndpointsConfig"].as_object();
    let named = endpoints.into_iter().flat_map(|endpoints| endpoints.keys().map(String::as_str));
    let found = named.chain([mode]).filter_map(|name| world.network(name));
    found.map(|network| (network.name.clone(), network.id.clone())).collect()
}

fn logs(request: &Recorded, container: &Container) -> Answer {
    let kind =
        if container.tty() { "application/vnd.docker.raw-stream" } else { "application/vnd.docker.multiplexed-stream" };
    let first = vec![frame(1, b"database system is ready to accept connections\n")];
    if request.query_value("follow").is_some_and(|follow| truth(&follow)) {
        return Answer::Follow(kind.to_owned(), first, Followed::Logs);
    }
    Answer::Chunks(kind.to_owned(), first)
}

/// One frame of a multiplexed stream: 1 is standard output, 2 is standard error.
pub(crate) fn frame(stream: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("a short frame").to_be_bytes();
    [&[stream, 0, 0, 0], &length[..], data].concat()
}

fn archive(request: &Recorded) -> Answer {
    // {"name":"file","size":5,"mode":420,"mtime":"2026-11-20T10:00:00Z","linkTarget":""} in base64
    let stat = "eyJuYW1lIjoiZmlsZSIsInNpemUiOjUsIm1vZGUiOjQyMCwibXRpbWUiOiIyMDI2LTExLTIwVDEwOjAwOjAwWiIsImxpbmtUYXJnZXQiOiIifQ==";
    let mut headers = vec![("X-Docker-Container-Path-Stat".to_owned(), stat.to_owned())];
    if request.query_value("path").is_some_and(|path| path.contains("missing")) {
        return Answer::error(404, "Could not find the file /missing in container x");
    }
    if request.method == "GET" {
        headers.push(("Content-Type".to_owned(), "application/x-tar".to_owned()));
    }
    Answer::Whole(200, headers, if request.method == "GET" { vec![0; 1024] } else { Vec::new() })
}

fn exec_create(request: &Recorded, container: &str, world: &mut World) -> Answer {
    let Some(config) = parsed(request) else { return bad_body() };
    let id = world.new_id();
    world.execs.push(Exec { id: id.clone(), container: container.to_owned(), config });
    Answer::Json(201, json!({"Id": id}))
}

fn exec(request: &Recorded, id: &str, rest: &[&str], world: &World) -> Answer {
    let Some(found) = world.exec(id) else {
        return Answer::error(404, format!("No such exec instance: {id}"));
    };
    match (request.method.as_str(), rest) {
        ("GET", ["json"]) => Answer::Json(200, found.inspect()),
        ("POST", ["start"]) => {
            let Some(body) = parsed(request) else { return bad_body() };
            if body["Detach"].as_bool() == Some(true) {
                return Answer::Empty(200);
            }
            let tty = found.config["Tty"].as_bool().unwrap_or(false);
            Answer::Hijack { upgrade: request.header("upgrade").is_some(), tty }
        }
        ("POST", ["resize"]) => Answer::Empty(200),
        (_, _) => Answer::error(404, "page not found"),
    }
}

fn images(request: &Recorded, rest: &[&str], world: &mut World) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", ["json"]) => Answer::Json(200, world.images.iter().map(Image::summary).collect()),
        ("POST", ["create"]) => pull(request, world),
        ("POST", [.., "push"]) => manage::push(),
        ("GET", [name @ .., "history"]) => manage::history(&name.join("/"), world),
        ("POST", [name @ .., "tag"]) => manage::tag(request, &name.join("/"), world),
        ("DELETE", name) => manage::remove(&name.join("/"), world),
        ("GET", [name @ .., "json"]) => {
            let name = name.join("/");
            let missing = || Answer::error(404, format!("No such image: {}", familiar(&name)));
            world.image(&name).map_or_else(missing, |image| Answer::Json(200, image.inspect()))
        }
        (_, _) => Answer::error(404, "page not found"),
    }
}

/// Says three lines of progress; an image that was not there is there afterwards.
fn pull(request: &Recorded, world: &mut World) -> Answer {
    let from = request.query_value("fromImage").unwrap_or_default();
    let tag = request.query_value("tag").unwrap_or_default();
    let reference = match tag.as_str() {
        "" => from,
        digest if digest.contains(':') => format!("{from}@{digest}"),
        tag => format!("{from}:{tag}"),
    };
    let name = familiar(&reference);
    if world.image(&name).is_none() {
        let id = format!("sha256:{}", world.new_id());
        let config = json!({"ExposedPorts": {"5432/tcp": {}}});
        world.images.push(Image { id, tags: vec![name.clone()], digests: Vec::new(), config });
    }
    let line = |status: &str| format!("{}\r\n", json!({"status": status})).into_bytes();
    let chunks =
        vec![line(&format!("Pulling from {name}")), line("Pull complete"), line("Status: Image is up to date")];
    Answer::Chunks("application/json".to_owned(), chunks)
}

fn volume_sizes(world: &World) -> Answer {
    let sized = |(name, size): (&String, &u64)| json!({"Name": name, "UsageData": {"Size": size, "RefCount": 1}});
    Answer::Json(200, json!({"Volumes": world.sizes.iter().map(sized).collect::<Vec<_>>()}))
}

fn networks(request: &Recorded, rest: &[&str], world: &mut World) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", [] | [""]) => {
            let filters = filters(request);
            let kept = world.networks.iter().filter(|network| labels_match(&filters, &json!(network.labels)));
            Answer::Json(200, kept.map(|network| network.show(&world.containers, false)).collect())
        }
        ("POST", ["create"]) => make_network(request, world),
        ("DELETE", [reference]) => remove_network(reference, world),
        ("POST", [reference, "disconnect"]) => disconnect(request, reference, world),
        ("GET", [name]) if world.networks.iter().filter(|network| network.name == *name).count() > 1 => {
            Answer::error(400, format!("2 matches found based on name: network {name} is ambiguous"))
        }
        ("GET", [reference]) => {
            let missing = || Answer::error(404, format!("network {reference} not found"));
            let found = world.network(reference);
            found.map_or_else(missing, |network| Answer::Json(200, network.show(&world.containers, true)))
        }
        ("POST", [reference, "connect"]) => connect(request, reference, world),
        (_, _) => Answer::error(404, "page not found"),
    }
}

fn connect(request: &Recorded, reference: &str, world: &mut World) -> Answer {
    let Some(network) = world.network(reference).cloned() else {
        return Answer::error(404, format!("network {reference} not found"));
    };
    let Some(body) = parsed(request) else { return bad_body() };
    let Ok(container) = world.container(text(&body["Container"])).map(|container| container.id.clone()) else {
        return Answer::error(404, format!("No such container: {}", text(&body["Container"])));
    };
    world.change(&container, |found| {
        found.networks.insert(network.name, network.id);
    });
    Answer::Empty(200)
}

fn labels_of(body: &Value) -> std::collections::BTreeMap<String, String> {
    serde_json::from_value(body["Labels"].clone()).unwrap_or_default()
}

fn make_network(request: &Recorded, world: &mut World) -> Answer {
    let Some(body) = parsed(request) else { return bad_body() };
    let name = text(&body["Name"]).to_owned();
    if world.networks.iter().any(|network| network.name == name) {
        return Answer::error(409, format!("network with name {name} already exists"));
    }
    let id = world.new_id();
    world.networks.push(super::world::Network {
        id: id.clone(),
        name,
        driver: "bridge".to_owned(),
        labels: labels_of(&body),
        subnet: "172.20.0.0/16".to_owned(),
        gateway: "172.20.0.1".to_owned(),
    });
    Answer::Json(201, json!({"Id": id, "Warning": ""}))
}

fn disconnect(request: &Recorded, reference: &str, world: &mut World) -> Answer {
    let Some(network) = world.network(reference).cloned() else {
        return Answer::error(404, format!("network {reference} not found"));
    };
    let Some(body) = parsed(request) else { return bad_body() };
    let id = text(&body["Container"]).to_owned();
    world.change(&id, |found| {
        found.networks.remove(&network.name);
    });
    Answer::Empty(200)
}

fn remove_network(reference: &str, world: &mut World) -> Answer {
    let Some(network) = world.network(reference).cloned() else {
        return Answer::error(404, format!("network {reference} not found"));
    };
    if world.containers.iter().any(|container| container.running && container.networks.contains_key(&network.name)) {
        let message =
            format!("error while removing network: network {} id {} has active endpoints", network.name, network.id);
        return Answer::error(403, message);
    }
    world.networks.retain(|other| other.id != network.id);
    Answer::Empty(204)
}

fn volumes(request: &Recorded, rest: &[&str], world: &mut World) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let filters = filters(request);
            let kept = world.volumes.iter().filter(|volume| labels_match(&filters, &json!(volume.labels)));
            let found: Vec<Value> = kept.map(super::world::Volume::inspect).collect();
            Answer::Json(200, json!({"Volumes": found, "Warnings": null}))
        }
        ("POST", ["create"]) => make_volume(request, world),
        ("DELETE", [name]) => {
            let before = world.volumes.len();
            world.volumes.retain(|volume| volume.name != *name);
            let gone = world.volumes.len() < before || request.query_value("force").is_some_and(|force| truth(&force));
            if gone { Answer::Empty(204) } else { Answer::error(404, format!("get {name}: no such volume")) }
        }
        ("GET", [name]) => {
            let missing = || Answer::error(404, format!("get {name}: no such volume"));
            world.volume(name).map_or_else(missing, |volume| Answer::Json(200, volume.inspect()))
        }
        (_, _) => Answer::error(404, "page not found"),
    }
}

/// A name that exists is answered with the volume that has it, whoever made it.
fn make_volume(request: &Recorded, world: &mut World) -> Answer {
    let Some(body) = parsed(request) else { return bad_body() };
    let name = match text(&body["Name"]) {
        "" => world.new_id(),
        name => name.to_owned(),
    };
    if let Some(found) = world.volume(&name) {
        return Answer::Json(201, found.inspect());
    }
    let volume = super::world::Volume { name, labels: labels_of(&body), options: std::collections::BTreeMap::new() };
    let answer = volume.inspect();
    world.volumes.push(volume);
    Answer::Json(201, answer)
}

/// The filters, always as lists; the older form `{"label": {"a": true}}` is turned into one.
fn filters(request: &Recorded) -> Value {
    let text = request.query_value("filters").unwrap_or_default();
    let Ok(Value::Object(filters)) = serde_json::from_str(&text) else { return json!({}) };
    let list = |value: Value| match value.as_object() {
        Some(map) => map.keys().cloned().map(Value::String).collect(),
        None => value,
    };
    Value::Object(filters.into_iter().map(|(key, value)| (key, list(value))).collect())
}

fn labels_match(filters: &Value, labels: &Value) -> bool {
    let Some(wanted) = filters["label"].as_array() else { return true };
    wanted.iter().all(|wanted| match text(wanted).split_once('=') {
        Some((key, value)) => labels[key].as_str() == Some(value),
        None => labels.get(text(wanted)).is_some(),
    })
}

/// The body as a JSON object.
fn parsed(request: &Recorded) -> Option<Value> {
    serde_json::from_slice(&request.body).ok().filter(Value::is_object)
}

fn bad_body() -> Answer {
    Answer::error(400, "invalid JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn truth(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "no" | "false" | "none")
}
