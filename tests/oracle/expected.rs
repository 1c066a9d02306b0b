//! What the engine has to do for an operation that was judged, from the operation alone.
//!
//! This is our own knowledge of the engine's calls: written by hand from its interface, not from the broker's encoder.

use docker_broker::operation::Operation;
use docker_broker::operation::container::{ContainerAction, ContainerCreate, ContainerOperation};
use docker_broker::operation::encoded::HijackStyle;
use docker_broker::operation::exec::{ExecAction, ExecOperation};
use docker_broker::operation::image::{ImageCreateQuery, ImageOperation};
use docker_broker::operation::model::NetworkCreateRequest;
use docker_broker::operation::network::NetworkOperation;
use docker_broker::operation::system::{PruneOperation, SystemOperation};
use docker_broker::operation::volume::VolumeOperation;
use docker_broker::request::{ApiVersion, Filters};
use serde_json::{Map, Value, json};

use super::engine::Call;
use super::legal;
use super::platform;

/// The calls, in their order, with arguments that say nothing left out.
pub(crate) fn calls(operation: &Operation, version: ApiVersion, archive: Option<usize>) -> Vec<Call> {
    match operation {
        Operation::System(operation) => system(operation),
        Operation::Image(ImageOperation::Create { query, registry_auth: _ }) if query.from_image.is_empty() => {
            import(query, version)
        }
        // the engine gives no name, and says that it did
        Operation::Image(ImageOperation::Tag { name: _, query }) if query.repo.is_empty() => vec![],
        Operation::Image(ImageOperation::Tag { name, query }) => {
            let found = call("GetImage", json!({"refOrID": name, "options": {}}));
            vec![found, call("TagImage", json!({"newRef": legal::tagged(&query.repo, &query.tag)}))]
        }
        Operation::Image(operation) => vec![image(operation, version)],
        Operation::Container(ContainerOperation::List(query)) => {
            vec![call(
                "Containers",
                json!({"config": {"All": query.all, "Limit": query.limit, "Size": query.size, "Since": query.since,
                    "Before": query.before, "Filters": filters(&query.filters)}}),
            )]
        }
        Operation::Container(ContainerOperation::Create(create)) => vec![container_create(create, version)],
        Operation::Container(ContainerOperation::Act { container, action }) => {
            vec![act(container.as_str(), action, version, archive)]
        }
        Operation::Exec(operation) => exec(operation, version),
        Operation::Network(operation) => vec![network(operation, version)],
        Operation::Volume(VolumeOperation::List(query)) => {
            vec![call("VolumeList", json!({"filters": filters(&query.filters)}))]
        }
        Operation::Volume(VolumeOperation::Inspect { name }) => {
            vec![call("VolumeGet", json!({"name": name, "options": {"ResolveStatus": true}}))]
        }
        Operation::Volume(VolumeOperation::Create(body)) => {
            vec![call(
                "VolumeCreate",
                json!({"name": body.name, "driver": body.driver,
                    "options": {"Options": body.driver_opts, "Labels": body.labels}}),
            )]
        }
        Operation::Volume(VolumeOperation::Delete { name, query }) => {
            let local = call("VolumeRemove", json!({"name": name, "options": {"PurgeOnError": query.force}}));
            // the manager of a swarm forces the cluster's volume of this name away too
            let clusters = (query.force && version >= ApiVersion::new(1, 42))
                .then(|| call("ClusterRemoveVolume", json!({"name": name, "force": true})));
            [local].into_iter().chain(clusters).collect()
        }
        Operation::Prune(operation) => vec![prune(operation, version)],
    }
}

fn call(method: &str, args: Value) -> Call {
    Call { method: method.to_owned(), args }
}

/// Docker's sets: each value under its filter, with `true`.
fn filters(Filters(filters): &Filters) -> Value {
    let set = |values: &[String]| values.iter().map(|value| (value.clone(), json!(true))).collect::<Map<_, _>>();
    filters.iter().map(|(name, values)| (name.clone(), Value::Object(set(values)))).collect::<Map<_, _>>().into()
}

fn system(operation: &SystemOperation) -> Vec<Call> {
    match operation {
        SystemOperation::Ping | SystemOperation::PingHead => vec![],
        SystemOperation::Info => vec![call("SystemInfo", json!({}))],
        SystemOperation::Version => vec![call("SystemVersion", json!({}))],
        SystemOperation::Events(query) => {
            let args = json!({"since": moment(&query.since), "until": moment(&query.until),
                "filters": filters(&query.filters)});
            vec![call("SubscribeToEvents", args)]
        }
    }
}

/// A time as the oracle prints it, from Unix seconds with or without a fraction. Empty is no time, and so is -1.
fn moment(text: &str) -> Value {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let Ok(seconds) = seconds.parse::<i64>() else { return Value::Null };
    if seconds == -1 {
        return Value::Null;
    }
    let nanos = format!("{:0<9}", fraction.get(..9).unwrap_or(fraction)).parse::<u32>().unwrap_or_default();
    let time = std::time::UNIX_EPOCH + std::time::Duration::new(seconds.unsigned_abs(), nanos);
    let printed = humantime::format_rfc3339_nanos(time).to_string();
    let digits = printed.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    json!(format!("{digits}Z"))
}

fn image(operation: &ImageOperation, version: ApiVersion) -> Call {
    match operation {
        ImageOperation::List(query) => {
            let mut filters = query.filters.clone();
            if version < ApiVersion::new(1, 41) && !query.filter.is_empty() {
                filters.add("reference", &query.filter);
            }
            let options = json!({"All": query.all, "Filters": self::filters(&filters),
                "SharedSize": query.shared_size && version >= ApiVersion::new(1, 42),
                "Manifests": query.manifests && version >= ApiVersion::new(1, 47)});
            call("Images", json!({"options": options}))
        }
        ImageOperation::Inspect { name, query } => {
            let platform =
                if version >= ApiVersion::new(1, 49) { platform::document(&query.platform) } else { json!({}) };
            let options =
                json!({"Manifests": query.manifests && version >= ApiVersion::new(1, 48), "Platform": platform});
            call("ImageInspect", json!({"refOrID": name, "options": options}))
        }
        ImageOperation::Create { query, registry_auth } => {
            let platform = if version >= ApiVersion::new(1, 32) { platform::words(&query.platform) } else { json!({}) };
            let auth = registry_auth.as_ref().map(|secret| legal::registry_auth(secret.expose()));
            let reference = legal::reference(&query.from_image, &query.tag);
            call("PullImage", json!({"ref": reference, "platform": platform, "authConfig": auth}))
        }
        ImageOperation::Delete { name, query } => {
            let read = |document: &String| platform::document(document);
            let platforms: Vec<Value> =
                if version >= ApiVersion::new(1, 50) { query.platforms.iter().map(read).collect() } else { vec![] };
            let options = json!({"Force": query.force, "PruneChildren": !query.noprune, "Platforms": platforms});
            call("ImageDelete", json!({"imageRef": name, "options": options}))
        }
        ImageOperation::History { name, query } => {
            let platform =
                if version >= ApiVersion::new(1, 48) { platform::document(&query.platform) } else { json!({}) };
            call("ImageHistory", json!({"name": name, "platform": platform}))
        }
        ImageOperation::Push { name, query, registry_auth } => {
            let platform =
                if version >= ApiVersion::new(1, 46) { platform::document(&query.platform) } else { json!({}) };
            let auth = registry_auth.as_ref().map(|secret| legal::registry_auth(secret.expose()));
            call("PushImage", json!({"ref": legal::pushed(name, &query.tag), "platform": platform, "authConfig": auth}))
        }
        ImageOperation::Distribution { name, registry_auth: _ } => {
            // the engine's route needs a registry, and is only recorded
            let args = json!({"route": "GET /distribution/{name:.*}/json", "query": "",
                "vars": {"name": name, "version": version.to_string()}, "body": {"sha256": NOTHING}});
            call("Route", args)
        }
        ImageOperation::Tag { .. } => unreachable!("it is two calls"),
    }
}

/// An import; the engine fetches what is not the body, and says where it is from where nothing else is said.
fn import(query: &ImageCreateQuery, version: ApiVersion) -> Vec<Call> {
    let platform = if version >= ApiVersion::new(1, 32) { platform::words(&query.platform) } else { json!({}) };
    let (asked, automatic) = (query.message.clone(), format!("Imported from {}", query.from_src));
    let message = if asked.is_empty() { automatic } else { asked };
    let args = json!({"platform": platform, "message": message, "changes": query.changes,
        "ref": legal::tagged(&query.repo, &query.tag), "layer": {"sha256": NOTHING}});
    let source = &query.from_src;
    let url = match source.as_str() {
        "" => "http:".to_owned(),
        url if url.contains("://") => url.to_owned(),
        host => format!("http://{host}"),
    };
    let fetch = (source != "-").then(|| call("Fetch", json!({"method": "GET", "url": url})));
    fetch.into_iter().chain([call("ImportImage", args)]).collect()
}

fn container_create(create: &ContainerCreate, version: ApiVersion) -> Call {
    let ContainerCreate { query, body } = create;
    let mut config = serde_json::to_value(body).expect("a body is JSON");
    let host_config = config["HostConfig"].take();
    let networking_config = config["NetworkingConfig"].take();
    let platform = if version >= ApiVersion::new(1, 41) { platform::words(&query.platform) } else { json!({}) };
    let mut whole = json!({"Name": query.name, "Platform": platform, "Config": config,
        "HostConfig": host_config, "NetworkingConfig": networking_config});
    legal::apply(&mut whole, version);
    call("ContainerCreate", json!({"config": whole}))
}

#[expect(clippy::too_many_lines, reason = "one arm an operation, as in the engine's router")]
fn act(name: &str, action: &ContainerAction, version: ApiVersion, archive: Option<usize>) -> Call {
    match action {
        ContainerAction::Inspect(query) => {
            call("ContainerInspect", json!({"name": name, "options": {"Size": query.size}}))
        }
        ContainerAction::Start(query) => {
            let args = json!({"name": name, "checkpoint": query.checkpoint, "checkpointDir": query.checkpoint_dir});
            call("ContainerStart", args)
        }
        ContainerAction::Stop(query) | ContainerAction::Restart(query) => {
            let method = if matches!(action, ContainerAction::Stop(_)) { "ContainerStop" } else { "ContainerRestart" };
            let signal = if version >= ApiVersion::new(1, 42) { query.signal.as_str() } else { "" };
            call(method, json!({"name": name, "options": {"Signal": signal, "Timeout": query.t}}))
        }
        ContainerAction::Kill(query) => call("ContainerKill", json!({"name": name, "signal": query.signal})),
        ContainerAction::Wait(query) => {
            let asked = if version >= ApiVersion::new(1, 30) { query.condition.as_str() } else { "" };
            let condition = if asked.is_empty() { "not-running" } else { asked };
            call("ContainerWait", json!({"name": name, "condition": condition}))
        }
        ContainerAction::Logs(query) => {
            let config = json!({"Follow": query.follow, "ShowStdout": query.stdout, "ShowStderr": query.stderr,
                "Since": query.since, "Until": query.until, "Timestamps": query.timestamps, "Details": query.details,
                "Tail": query.tail});
            call("ContainerLogs", json!({"name": name, "config": config}))
        }
        ContainerAction::Attach(query, HijackStyle::Upgrade | HijackStyle::Body) => {
            let config = json!({"DetachKeys": query.detach_keys, "Logs": query.logs, "Stream": query.stream,
                "UseStdin": query.stdin, "UseStdout": query.stdout, "UseStderr": query.stderr, "MuxStreams": true});
            call("ContainerAttach", json!({"name": name, "config": config, "stdin": {"sha256": NOTHING}}))
        }
        ContainerAction::Resize(query) => {
            call("ContainerResize", json!({"name": name, "height": query.h, "width": query.w}))
        }
        ContainerAction::Delete(query) => {
            let config = json!({"ForceRemove": query.force, "RemoveVolume": query.v, "RemoveLink": query.link});
            call("ContainerRm", json!({"name": name, "config": config}))
        }
        ContainerAction::ArchiveInfo(query) => call("ContainerStatPath", json!({"name": name, "path": query.path})),
        ContainerAction::ArchiveGet(query) => call("ContainerArchivePath", json!({"name": name, "path": query.path})),
        ContainerAction::ArchivePut(query) => {
            // the entries are compared with those that the engine reads in the client's own bytes
            let args = json!({"name": name, "path": query.path, "copyUIDGID": query.copy_uid_gid,
                "noOverwriteDirNonDir": query.no_overwrite_dir_non_dir, "content": {"length": archive}});
            call("ContainerExtractToDir", args)
        }
        ContainerAction::Exec(config) => {
            let mut options = serde_json::to_value(config).expect("a body is JSON");
            if version < ApiVersion::new(1, 42) {
                options["ConsoleSize"].take();
            }
            call("ContainerExecCreate", json!({"name": name, "options": options}))
        }
        ContainerAction::Rename(query) => call("ContainerRename", json!({"oldName": name, "newName": query.name})),
        ContainerAction::Pause => call("ContainerPause", json!({"name": name})),
        ContainerAction::Unpause => call("ContainerUnpause", json!({"name": name})),
        ContainerAction::Update(body) => {
            let mut host_config = serde_json::to_value(body).expect("a body is JSON");
            legal::apply_update(&mut host_config, version);
            call("ContainerUpdate", json!({"name": name, "hostConfig": host_config}))
        }
        ContainerAction::Top(query) => call("ContainerTop", json!({"name": name, "psArgs": query.ps_args})),
        ContainerAction::Stats(query) => {
            let one_shot = query.one_shot && version >= ApiVersion::new(1, 41);
            let config = json!({"Stream": query.stream.unwrap_or(true), "OneShot": one_shot});
            call("ContainerStats", json!({"name": name, "config": config}))
        }
        ContainerAction::Changes => call("ContainerChanges", json!({"name": name})),
        ContainerAction::Export => call("ContainerExport", json!({"name": name})),
    }
}

fn exec(operation: &ExecOperation, version: ApiVersion) -> Vec<Call> {
    let ExecOperation { exec, action } = operation;
    let id = exec.as_str();
    match action {
        ExecAction::Inspect => vec![call("ContainerExecInspect", json!({"id": id}))],
        ExecAction::Resize(query) => {
            vec![call("ContainerExecResize", json!({"name": id, "height": query.h, "width": query.w}))]
        }
        ExecAction::Start(config, HijackStyle::Upgrade | HijackStyle::Body) => {
            let sized = version >= ApiVersion::new(1, 42) && config.tty;
            let size = config.console_size.filter(|_| sized).map(|size| json!([size.height, size.width]));
            let attached = !config.detach;
            let streams = json!({"stdin": attached, "stdout": attached, "stderr": attached && !config.tty});
            let mut args = json!({"name": id, "consoleSize": size, "streams": streams});
            if attached {
                args["stdin"] = json!({"sha256": NOTHING});
            }
            vec![call("ExecExists", json!({"name": id})), call("ContainerExecStart", args)]
        }
    }
}

fn network(operation: &NetworkOperation, version: ApiVersion) -> Call {
    match operation {
        NetworkOperation::List(query) => {
            let detailed = version < ApiVersion::new(1, 28);
            call("GetNetworks", json!({"filters": filters(&query.filters), "config": {"Detailed": detailed}}))
        }
        NetworkOperation::Inspect { network, query } => {
            let mut wanted = Filters::default();
            wanted.add("idOrName", network);
            if !query.scope.is_empty() {
                wanted.add("scope", &query.scope);
            }
            let config = json!({"Detailed": true, "Verbose": query.verbose});
            call("GetNetworks", json!({"filters": filters(&wanted), "config": config}))
        }
        NetworkOperation::Delete { network } => call("DeleteNetwork", json!({"networkID": network})),
        NetworkOperation::Create(body) => network_create(body, version),
        NetworkOperation::Connect { network, body } => {
            let config = body.endpoint_config.as_ref().map(|config| serde_json::to_value(config).expect("JSON"));
            let args = json!({"networkName": network, "containerName": body.container, "endpointConfig": config});
            call("ConnectContainerToNetwork", args)
        }
        NetworkOperation::Disconnect { network, body } => {
            let args = json!({"networkName": network, "containerName": body.container, "force": body.force});
            call("DisconnectContainerFromNetwork", args)
        }
    }
}

fn network_create(body: &NetworkCreateRequest, version: ApiVersion) -> Call {
    let mut request = serde_json::to_value(body).expect("a body is JSON");
    if version < ApiVersion::new(1, 48) {
        request["EnableIPv4"].take();
    }
    call("CreateNetwork", json!({"request": request}))
}

fn prune(operation: &PruneOperation, version: ApiVersion) -> Call {
    let plain = |method, query: &docker_broker::operation::system::PruneQuery| {
        call(method, json!({"filters": filters(&query.filters)}))
    };
    match operation {
        PruneOperation::Containers(query) => plain("ContainersPrune", query),
        PruneOperation::Images(query) => plain("ImagesPrune", query),
        PruneOperation::Networks(query) => plain("NetworksPrune", query),
        PruneOperation::Volumes(query) => {
            let mut query = query.clone();
            if version < ApiVersion::new(1, 42) {
                query.filters.add("all", "true");
            }
            plain("VolumesPrune", &query)
        }
        PruneOperation::Build(query) => {
            let newer = version >= ApiVersion::new(1, 48);
            let reserved = query.reserved_space.filter(|bytes| newer && *bytes != 0).or(query.keep_storage);
            let options = json!({"All": query.all, "Filters": filters(&query.filters), "ReservedSpace": reserved,
                "MaxUsedSpace": query.max_used_space.filter(|_| newer),
                "MinFreeSpace": query.min_free_space.filter(|_| newer)});
            call("PruneCache", json!({"options": options}))
        }
    }
}

/// SHA-256 of no bytes.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
