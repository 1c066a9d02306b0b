//! The table of everything a Docker client can ask for: one row an operation, modelled or not.
//!
//! A route that is not in this table does not exist for us. A row that is not modelled is refused by its name, so that a
//! reader of the refusal knows what was refused. Sources: the Engine API specifications 1.24 to 1.56, and the routes that
//! the engine serves without documenting them (marked in the row).
//!
//! This module must never decide whether a client may do something; the `grant` of a row is documentation, and the
//! judges in `policy` are the rule.

use hyper::Method;

use crate::request::Path;

/// One operation of the Engine API.
#[derive(Debug)]
pub struct Row {
    /// Docker's own `operationId`; for undocumented routes, the name of the engine's handler.
    pub id: &'static str,
    /// `GET`, `HEAD`, `POST`, `PUT` or `DELETE`.
    pub method: Method,
    /// Path below the version prefix: `{id}` is one segment, `{name}` an image name of one or more segments.
    pub pattern: &'static str,
    /// What this version of the broker does with it.
    pub standing: Standing,
}

/// How far the broker knows an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Read into a typed operation and judged; the text says what grants it.
    Modelled(Kind, &'static str),
    /// Known by name, not modelled in this version; the text is the policy key that will open it.
    Later(&'static str),
    /// Known by name, and no policy can allow it.
    Floor,
}

/// The modelled operations, under Docker's `operationId`s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the Engine API operation of that operationId")]
pub enum Kind {
    SystemPing,
    SystemPingHead,
    SystemInfo,
    SystemVersion,
    SystemEvents,
    ImageList,
    ImageInspect,
    ImageCreate,
    ImageDelete,
    ImageTag,
    ImageHistory,
    ImagePush,
    DistributionInspect,
    ContainerList,
    ContainerCreate,
    ContainerInspect,
    ContainerStart,
    ContainerStop,
    ContainerRestart,
    ContainerKill,
    ContainerWait,
    ContainerLogs,
    ContainerAttach,
    ContainerResize,
    ContainerDelete,
    ContainerArchiveInfo,
    ContainerArchive,
    PutContainerArchive,
    ContainerExec,
    ContainerRename,
    ContainerPause,
    ContainerUnpause,
    ContainerUpdate,
    ContainerTop,
    ContainerStats,
    ContainerChanges,
    ContainerExport,
    ExecStart,
    ExecResize,
    ExecInspect,
    NetworkList,
    NetworkInspect,
    NetworkDelete,
    VolumeList,
    VolumeInspect,
    VolumeDelete,
    ContainerPrune,
    ImagePrune,
    NetworkPrune,
    VolumePrune,
    BuildPrune,
}

/// What kind of body an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    /// None; an empty one, and a JSON object that only repeats the query, are tolerated.
    Nothing,
    /// A JSON object of at most so many bytes (the create bound or the general one, `Bounds`).
    Json(JsonBody),
    /// A tar stream that is re-encoded entry by entry.
    Archive,
}

/// Which of the two JSON bounds holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonBody {
    /// The body of a container create.
    Create,
    /// Any other JSON body.
    General,
}

impl Kind {
    /// What body the operation takes.
    #[must_use]
    pub const fn body_rule(self) -> BodyRule {
        match self {
            Self::ContainerCreate => BodyRule::Json(JsonBody::Create),
            Self::ContainerExec | Self::ContainerUpdate | Self::ExecStart => BodyRule::Json(JsonBody::General),
            Self::PutContainerArchive => BodyRule::Archive,
            Self::SystemPing
            | Self::SystemPingHead
            | Self::SystemInfo
            | Self::SystemVersion
            | Self::SystemEvents
            | Self::ImageList
            | Self::ImageInspect
            | Self::ImageCreate
            | Self::ImageDelete
            | Self::ImageTag
            | Self::ImageHistory
            | Self::ImagePush
            | Self::DistributionInspect
            | Self::ContainerList
            | Self::ContainerInspect
            | Self::ContainerStart
            | Self::ContainerStop
            | Self::ContainerRestart
            | Self::ContainerKill
            | Self::ContainerWait
            | Self::ContainerLogs
            | Self::ContainerAttach
            | Self::ContainerResize
            | Self::ContainerDelete
            | Self::ContainerArchiveInfo
            | Self::ContainerArchive
            | Self::ContainerRename
            | Self::ContainerPause
            | Self::ContainerUnpause
            | Self::ContainerTop
            | Self::ContainerStats
            | Self::ContainerChanges
            | Self::ContainerExport
            | Self::ExecResize
            | Self::ExecInspect
            | Self::NetworkList
            | Self::NetworkInspect
            | Self::NetworkDelete
            | Self::VolumeList
            | Self::VolumeInspect
            | Self::VolumeDelete
            | Self::ContainerPrune
            | Self::ImagePrune
            | Self::NetworkPrune
            | Self::VolumePrune
            | Self::BuildPrune => BodyRule::Nothing,
        }
    }
}

/// A row that a request matched, with the name that stood in the path.
#[derive(Debug)]
pub struct Route {
    /// The matched row.
    pub row: &'static Row,
    /// What stood where the pattern has `{id}` or `{name}`; empty when the pattern has neither.
    pub name: String,
}

/// Finds the operation that a method and path mean; `None` when the Engine API has no such route.
#[must_use]
pub fn find(method: &Method, path: &Path) -> Option<Route> {
    ROWS.iter().filter(|row| row.method == method).find_map(|row| {
        let name = match_pattern(row.pattern, path)?;
        Some(Route { row, name })
    })
}

/// Matches a pattern against the segments; gives the name in it (the last one where there are two).
fn match_pattern(pattern: &str, path: &Path) -> Option<String> {
    let segments = path.segments();
    // most rows differ in the first word, which is never a name
    let first = pattern.split('/').nth(1)?;
    if segments.first().is_none_or(|segment| segment.text != first) {
        return None;
    }
    let wanted: Vec<&str> = pattern.split('/').skip(1).collect();
    if wanted.contains(&"{name}") {
        return match_image(&wanted, segments);
    }
    if wanted.len() != segments.len() {
        return None;
    }
    let mut name = String::new();
    for (want, segment) in wanted.iter().zip(segments) {
        if segment.encoded_separator {
            return None;
        }
        if *want == "{id}" {
            name.clone_from(&segment.text);
        } else if *want != segment.text {
            return None;
        }
    }
    Some(name)
}

/// Image names may span segments, and may hold an encoded separator (docker-java writes `testcontainers%2Fryuk`).
fn match_image(wanted: &[&str], segments: &[crate::request::Segment]) -> Option<String> {
    let before = wanted.iter().position(|w| *w == "{name}")?;
    let after = wanted.len() - before - 1;
    let middle_end = segments.len().checked_sub(after)?;
    if middle_end <= before {
        return None;
    }
    let plain = |wanted: &[&str], segments: &[crate::request::Segment]| {
        wanted.iter().zip(segments).all(|(w, s)| !s.encoded_separator && *w == s.text)
    };
    let head = plain(wanted.get(..before)?, segments.get(..before)?);
    let tail = plain(wanted.get(before + 1..)?, segments.get(middle_end..)?);
    let middle = segments.get(before..middle_end)?;
    (head && tail).then(|| middle.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join("/"))
}

const fn row(id: &'static str, method: Method, pattern: &'static str, standing: Standing) -> Row {
    Row { id, method, pattern, standing }
}

const METADATA: &str = "containers.see";
const OWN: &str = "containers.control";

/// Every operation, in the order of Docker's documentation. Literal patterns stand before those with a name in them.
pub static ROWS: &[Row] = &[
    // system
    row("SystemPing", Method::GET, "/_ping", Standing::Modelled(Kind::SystemPing, METADATA)),
    row("SystemPingHead", Method::HEAD, "/_ping", Standing::Modelled(Kind::SystemPingHead, METADATA)),
    row("SystemInfo", Method::GET, "/info", Standing::Modelled(Kind::SystemInfo, METADATA)),
    row("SystemVersion", Method::GET, "/version", Standing::Modelled(Kind::SystemVersion, METADATA)),
    row("SystemEvents", Method::GET, "/events", Standing::Modelled(Kind::SystemEvents, "containers.see")),
    row("SystemAuth", Method::POST, "/auth", Standing::Later("images.registry-auth")),
    row("SystemDataUsage", Method::GET, "/system/df", Standing::Later("containers.see")),
    // images
    row("ImageList", Method::GET, "/images/json", Standing::Modelled(Kind::ImageList, METADATA)),
    row(
        "ImageCreate",
        Method::POST,
        "/images/create",
        Standing::Modelled(Kind::ImageCreate, "images.allow, images.pull"),
    ),
    row("ImageSearch", Method::GET, "/images/search", Standing::Later("images.search")),
    row("ImagePrune", Method::POST, "/images/prune", Standing::Modelled(Kind::ImagePrune, "prune.answer")),
    row("ImageGetAll", Method::GET, "/images/get", Standing::Later("images.save")),
    row("ImageLoad", Method::POST, "/images/load", Standing::Later("build.tags")),
    row("ImageInspect", Method::GET, "/images/{name}/json", Standing::Modelled(Kind::ImageInspect, "images.allow")),
    row("ImageHistory", Method::GET, "/images/{name}/history", Standing::Modelled(Kind::ImageHistory, "images.allow")),
    row("ImageAttestations", Method::GET, "/images/{name}/attestations", Standing::Later("images.allow")),
    row("ImageGet", Method::GET, "/images/{name}/get", Standing::Later("images.save")),
    row("ImagePush", Method::POST, "/images/{name}/push", Standing::Modelled(Kind::ImagePush, "images.push")),
    row("ImageTag", Method::POST, "/images/{name}/tag", Standing::Modelled(Kind::ImageTag, "build.tags")),
    row("ImageDelete", Method::DELETE, "/images/{name}", Standing::Modelled(Kind::ImageDelete, "images.remove")),
    row("ImageCommit", Method::POST, "/commit", Standing::Later("build.tags")),
    row(
        "DistributionInspect",
        Method::GET,
        "/distribution/{name}/json",
        Standing::Modelled(Kind::DistributionInspect, "images.allow, images.pull"),
    ),
    // build
    row("ImageBuild", Method::POST, "/build", Standing::Later("build.tags")),
    row("BuildPrune", Method::POST, "/build/prune", Standing::Modelled(Kind::BuildPrune, "prune.answer")),
    row("BuildCancel", Method::POST, "/build/cancel", Standing::Later("build.tags")),
    row("Session", Method::POST, "/session", Standing::Later("containers.host.buildkit")),
    row("Grpc", Method::POST, "/grpc", Standing::Later("containers.host.buildkit")),
    // containers
    row("ContainerList", Method::GET, "/containers/json", Standing::Modelled(Kind::ContainerList, METADATA)),
    row(
        "ContainerCreate",
        Method::POST,
        "/containers/create",
        Standing::Modelled(Kind::ContainerCreate, "images.allow"),
    ),
    row("ContainerPrune", Method::POST, "/containers/prune", Standing::Modelled(Kind::ContainerPrune, "prune.answer")),
    row(
        "ContainerInspect",
        Method::GET,
        "/containers/{id}/json",
        Standing::Modelled(Kind::ContainerInspect, "containers.see"),
    ),
    row("ContainerTop", Method::GET, "/containers/{id}/top", Standing::Modelled(Kind::ContainerTop, OWN)),
    row("ContainerLogs", Method::GET, "/containers/{id}/logs", Standing::Modelled(Kind::ContainerLogs, OWN)),
    row("ContainerChanges", Method::GET, "/containers/{id}/changes", Standing::Modelled(Kind::ContainerChanges, OWN)),
    row(
        "ContainerExport",
        Method::GET,
        "/containers/{id}/export",
        Standing::Modelled(Kind::ContainerExport, "containers.copy-out"),
    ),
    row("ContainerStats", Method::GET, "/containers/{id}/stats", Standing::Modelled(Kind::ContainerStats, OWN)),
    row("ContainerResize", Method::POST, "/containers/{id}/resize", Standing::Modelled(Kind::ContainerResize, OWN)),
    row("ContainerStart", Method::POST, "/containers/{id}/start", Standing::Modelled(Kind::ContainerStart, OWN)),
    row("ContainerStop", Method::POST, "/containers/{id}/stop", Standing::Modelled(Kind::ContainerStop, OWN)),
    row("ContainerRestart", Method::POST, "/containers/{id}/restart", Standing::Modelled(Kind::ContainerRestart, OWN)),
    row("ContainerKill", Method::POST, "/containers/{id}/kill", Standing::Modelled(Kind::ContainerKill, OWN)),
    row(
        "ContainerUpdate",
        Method::POST,
        "/containers/{id}/update",
        Standing::Modelled(Kind::ContainerUpdate, "containers.limits"),
    ),
    row(
        "ContainerRename",
        Method::POST,
        "/containers/{id}/rename",
        Standing::Modelled(Kind::ContainerRename, "containers.names"),
    ),
    row("ContainerPause", Method::POST, "/containers/{id}/pause", Standing::Modelled(Kind::ContainerPause, OWN)),
    row("ContainerUnpause", Method::POST, "/containers/{id}/unpause", Standing::Modelled(Kind::ContainerUnpause, OWN)),
    row("ContainerAttach", Method::POST, "/containers/{id}/attach", Standing::Modelled(Kind::ContainerAttach, OWN)),
    row("ContainerAttachWebsocket", Method::GET, "/containers/{id}/attach/ws", Standing::Later(OWN)),
    row("ContainerWait", Method::POST, "/containers/{id}/wait", Standing::Modelled(Kind::ContainerWait, OWN)),
    row("ContainerDelete", Method::DELETE, "/containers/{id}", Standing::Modelled(Kind::ContainerDelete, OWN)),
    row(
        "ContainerArchive",
        Method::GET,
        "/containers/{id}/archive",
        Standing::Modelled(Kind::ContainerArchive, "containers.copy-out"),
    ),
    row(
        "ContainerArchiveInfo",
        Method::HEAD,
        "/containers/{id}/archive",
        Standing::Modelled(Kind::ContainerArchiveInfo, "containers.copy-out"),
    ),
    row(
        "PutContainerArchive",
        Method::PUT,
        "/containers/{id}/archive",
        Standing::Modelled(Kind::PutContainerArchive, "containers.copy-in"),
    ),
    row(
        "ContainerExec",
        Method::POST,
        "/containers/{id}/exec",
        Standing::Modelled(Kind::ContainerExec, "containers.exec"),
    ),
    row("ContainerCopy", Method::POST, "/containers/{id}/copy", Standing::Floor),
    row("CheckpointList", Method::GET, "/containers/{id}/checkpoints", Standing::Floor),
    row("CheckpointCreate", Method::POST, "/containers/{id}/checkpoints", Standing::Floor),
    row("CheckpointDelete", Method::DELETE, "/containers/{id}/checkpoints/{id}", Standing::Floor),
    // exec
    row("ExecStart", Method::POST, "/exec/{id}/start", Standing::Modelled(Kind::ExecStart, "containers.exec")),
    row("ExecResize", Method::POST, "/exec/{id}/resize", Standing::Modelled(Kind::ExecResize, "containers.exec")),
    row("ExecInspect", Method::GET, "/exec/{id}/json", Standing::Modelled(Kind::ExecInspect, "containers.exec")),
    // networks
    row("NetworkList", Method::GET, "/networks", Standing::Modelled(Kind::NetworkList, METADATA)),
    row("NetworkCreate", Method::POST, "/networks/create", Standing::Later("networks.create")),
    row("NetworkPrune", Method::POST, "/networks/prune", Standing::Modelled(Kind::NetworkPrune, "prune.answer")),
    row("NetworkInspect", Method::GET, "/networks/{id}", Standing::Modelled(Kind::NetworkInspect, METADATA)),
    row("NetworkDelete", Method::DELETE, "/networks/{id}", Standing::Modelled(Kind::NetworkDelete, "networks.create")),
    row("NetworkConnect", Method::POST, "/networks/{id}/connect", Standing::Later("containers.networks")),
    row("NetworkDisconnect", Method::POST, "/networks/{id}/disconnect", Standing::Later("containers.networks")),
    // volumes
    row("VolumeList", Method::GET, "/volumes", Standing::Modelled(Kind::VolumeList, METADATA)),
    row("VolumeCreate", Method::POST, "/volumes/create", Standing::Later("volumes.create")),
    row("VolumePrune", Method::POST, "/volumes/prune", Standing::Modelled(Kind::VolumePrune, "prune.answer")),
    row("VolumeInspect", Method::GET, "/volumes/{id}", Standing::Modelled(Kind::VolumeInspect, "containers.see")),
    row("VolumeUpdate", Method::PUT, "/volumes/{id}", Standing::Floor),
    row("VolumeDelete", Method::DELETE, "/volumes/{id}", Standing::Modelled(Kind::VolumeDelete, "volumes.create")),
    // plugins: code that runs with the engine's rights
    row("PluginList", Method::GET, "/plugins", Standing::Floor),
    row("GetPluginPrivileges", Method::GET, "/plugins/privileges", Standing::Floor),
    row("PluginPull", Method::POST, "/plugins/pull", Standing::Floor),
    row("PluginCreate", Method::POST, "/plugins/create", Standing::Floor),
    row("PluginInspect", Method::GET, "/plugins/{name}/json", Standing::Floor),
    row("PluginEnable", Method::POST, "/plugins/{name}/enable", Standing::Floor),
    row("PluginDisable", Method::POST, "/plugins/{name}/disable", Standing::Floor),
    row("PluginUpgrade", Method::POST, "/plugins/{name}/upgrade", Standing::Floor),
    row("PluginPush", Method::POST, "/plugins/{name}/push", Standing::Floor),
    row("PluginSet", Method::POST, "/plugins/{name}/set", Standing::Floor),
    row("PluginDelete", Method::DELETE, "/plugins/{name}", Standing::Floor),
    // swarm: a service is a second way to create containers, on any node
    row("SwarmInspect", Method::GET, "/swarm", Standing::Floor),
    row("SwarmInit", Method::POST, "/swarm/init", Standing::Floor),
    row("SwarmJoin", Method::POST, "/swarm/join", Standing::Floor),
    row("SwarmLeave", Method::POST, "/swarm/leave", Standing::Floor),
    row("SwarmUpdate", Method::POST, "/swarm/update", Standing::Floor),
    row("SwarmUnlockkey", Method::GET, "/swarm/unlockkey", Standing::Floor),
    row("SwarmUnlock", Method::POST, "/swarm/unlock", Standing::Floor),
    row("ServiceList", Method::GET, "/services", Standing::Floor),
    row("ServiceCreate", Method::POST, "/services/create", Standing::Floor),
    row("ServiceInspect", Method::GET, "/services/{id}", Standing::Floor),
    row("ServiceDelete", Method::DELETE, "/services/{id}", Standing::Floor),
    row("ServiceUpdate", Method::POST, "/services/{id}/update", Standing::Floor),
    row("ServiceLogs", Method::GET, "/services/{id}/logs", Standing::Floor),
    row("TaskList", Method::GET, "/tasks", Standing::Floor),
    row("TaskInspect", Method::GET, "/tasks/{id}", Standing::Floor),
    row("TaskLogs", Method::GET, "/tasks/{id}/logs", Standing::Floor),
    row("NodeList", Method::GET, "/nodes", Standing::Floor),
    row("NodeInspect", Method::GET, "/nodes/{id}", Standing::Floor),
    row("NodeDelete", Method::DELETE, "/nodes/{id}", Standing::Floor),
    row("NodeUpdate", Method::POST, "/nodes/{id}/update", Standing::Floor),
    row("SecretList", Method::GET, "/secrets", Standing::Floor),
    row("SecretCreate", Method::POST, "/secrets/create", Standing::Floor),
    row("SecretInspect", Method::GET, "/secrets/{id}", Standing::Floor),
    row("SecretDelete", Method::DELETE, "/secrets/{id}", Standing::Floor),
    row("SecretUpdate", Method::POST, "/secrets/{id}/update", Standing::Floor),
    row("ConfigList", Method::GET, "/configs", Standing::Floor),
    row("ConfigCreate", Method::POST, "/configs/create", Standing::Floor),
    row("ConfigInspect", Method::GET, "/configs/{id}", Standing::Floor),
    row("ConfigDelete", Method::DELETE, "/configs/{id}", Standing::Floor),
    row("ConfigUpdate", Method::POST, "/configs/{id}/update", Standing::Floor),
    // the engine's own debugging routes: memory and profile of a process that runs as root
    row("DebugVars", Method::GET, "/debug/vars", Standing::Floor),
    row("DebugPprof", Method::GET, "/debug/pprof", Standing::Floor),
    row("DebugPprofProfile", Method::GET, "/debug/pprof/{id}", Standing::Floor),
];
