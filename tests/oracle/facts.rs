//! The published Engine API has a place in the broker: each operation a row, each parameter a query field, each field of
//! a body a model field, and each is written upstream as it was read.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::tests_outside_test_module,
    reason = "a test ends where something is not as it must be; an integration test is a test module"
)]

#[expect(dead_code, reason = "the oracle's tests use all of it, this one a part")]
mod node;
mod published;

use std::collections::BTreeMap;

use docker_broker::operation::Operation;
use docker_broker::operation::encoded::Payload;
use docker_broker::operation::routes::{self, BodyRule, Kind, ROWS, Standing};
use docker_broker::policy::builtin::builtin;
use docker_broker::policy::depth::Depth;
use docker_broker::policy::facts::{ContainerFacts, ContainerNames, Fact, FactQuery, Facts, Powers};
use docker_broker::policy::judge::Judge;
use docker_broker::policy::ownership::{Owner, Stamp};
use docker_broker::request::{self, JsonBounds};
use hyper::Request;
use node::Node;
use serde_json::{Value, json};

use published::{Operation as Published, operations};

/// Why something of the pages has no place in the broker; an entry that has one fails.
type Exceptions = &'static [(&'static str, &'static str, &'static str)];

#[test]
fn every_operation_has_its_row() {
    let mut wrong = Vec::new();
    for (id, operation) in operations() {
        let excused = UNROUTED.iter().any(|(known, _, _)| *known == id);
        if excused == has_row(&id, &operation) {
            wrong.push(format!("{id} {:?} {}: excused {excused}", operation.methods, operation.path));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_row_is_an_operation() {
    let published = operations();
    let unknown: Vec<_> = ROWS.iter().map(|row| row.id).filter(|id| !published.contains_key(*id)).collect();
    assert_eq!(unknown, Vec::<&str>::new());
}

#[test]
fn every_query_parameter_goes_up_or_is_excused() {
    let mut wrong = Vec::new();
    let published = operations();
    for row in ROWS {
        let Standing::Modelled(kind, _) = row.standing else { continue };
        for (parameter, facts) in &published[row.id].query {
            let excused = UNSENT.iter().any(|(id, name, _)| *id == row.id && *name == parameter);
            let outcome = carries(kind, row.pattern, row.method.as_str(), parameter, &facts.kind);
            if outcome.is_ok() == excused {
                wrong.push(format!("{} {parameter}: excused {excused}, {outcome:?}", row.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_body_field_is_written_back_or_is_excused() {
    let mut wrong = Vec::new();
    let bodies = [
        ("ContainerCreate", "/containers/create"),
        ("ContainerExec", "/containers/pg/exec"),
        ("NetworkCreate", "/networks/create"),
        ("NetworkConnect", "/networks/own-net/connect"),
        ("NetworkDisconnect", "/networks/own-net/disconnect"),
        ("VolumeCreate", "/volumes/create"),
        ("ContainerUpdate", "/containers/pg/update"),
        ("ExecStart", concat!("/exec/", "e8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ec", "/start")),
    ];
    for (id, target) in bodies {
        for (path, field) in published::fields(id) {
            // `name.*` excuses everything below a field
            let covers =
                |name: &str| name == path || name.strip_suffix('*').is_some_and(|above| path.starts_with(above));
            let excused = UNWRITTEN.iter().any(|(known, name, _)| *known == id && covers(name));
            let outcome = writes_back(id, target, &path, &probe(&field));
            if outcome.is_ok() == excused {
                wrong.push(format!("{id} {path}: excused {excused}, {outcome:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn has_row(id: &str, operation: &Published) -> bool {
    let blank = |path: &str| {
        let parts = path.trim_end_matches('/').split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let found = ROWS.iter().find(|row| row.id == id || operation.aliases.contains_key(row.id));
    found.is_some_and(|row| {
        blank(row.pattern) == blank(&operation.path)
            && operation.methods.iter().any(|method| method == row.method.as_str())
    })
}

/// Sends a parameter with a value of its type; the request that goes up has to hold it.
fn carries(kind: Kind, pattern: &str, method: &str, parameter: &str, of: &str) -> Result<(), String> {
    let values: &[&str] = match (parameter, of) {
        ("filters", _) => &["%7B%22label%22%3A%5B%22probe%22%5D%7D"],
        ("platform", _) => &["linux%2Famd64"],
        ("condition", _) => &["next-exit"],
        (_, "boolean") => &["1"],
        (_, "integer" | "number") => &["7"],
        // a text that the engine reads as a truth value is written as one
        _ => &["7", "1"],
    };
    let target = pattern.replace("{id}", EXEC).replace("{name}", "postgres");
    let body: &[u8] = match kind.body_rule() {
        BodyRule::Json(_) => b"{}",
        BodyRule::Nothing | BodyRule::Archive => b"",
    };
    let mut seen = String::new();
    for value in values {
        let sent = encoded(kind, method, &format!("{target}?{parameter}={value}"), body)?;
        if sent
            .0
            .split_once('?')
            .is_some_and(|(_, query)| query.split('&').any(|pair| *pair == format!("{parameter}={value}")))
        {
            return Ok(());
        }
        seen = sent.0;
    }
    Err(format!("not in `{seen}`"))
}

/// Sends a field with a value; the body that goes up has to hold it at the same place.
fn writes_back(id: &str, target: &str, path: &str, value: &Value) -> Result<(), String> {
    let mut document = Node::Object(Vec::new());
    document.set(path, Node::from(value));
    let mut body = String::new();
    document.write(&mut body);
    let sent = serde_json::from_str::<Value>(&body).unwrap();
    let kind = match id {
        "ContainerCreate" => Kind::ContainerCreate,
        "ContainerExec" => Kind::ContainerExec,
        "ContainerUpdate" => Kind::ContainerUpdate,
        "ExecStart" => Kind::ExecStart,
        "NetworkCreate" => Kind::NetworkCreate,
        "NetworkConnect" => Kind::NetworkConnect,
        "NetworkDisconnect" => Kind::NetworkDisconnect,
        "VolumeCreate" => Kind::VolumeCreate,
        other => panic!("no kind for {other}"),
    };
    let (_, payload) = encoded(kind, "POST", target, body.as_bytes())?;
    let written: Value = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
    // an object without a HostConfig gets one, and nothing else
    let mut wanted = sent;
    if kind == Kind::ContainerCreate && wanted["HostConfig"].is_null() {
        wanted["HostConfig"] = json!({});
    }
    if written == wanted { Ok(()) } else { Err(format!("{wanted} became {written}")) }
}

/// What goes up for a request under a policy that allows everything: target and body.
fn encoded(kind: Kind, method: &str, target: &str, body: &[u8]) -> Result<(String, Vec<u8>), String> {
    let parts = Request::builder().method(method).uri(target).header("Host", "docker").body(()).unwrap().into_parts().0;
    let words = request::read(&parts).map_err(|error| error.to_string())?;
    let name = routes::find(&words.method, &words.path).ok_or("no route")?.name;
    let operation =
        Operation::parse(kind, name, &words, body, &JsonBounds::default()).map_err(|error| error.to_string())?;
    let policy = builtin("unrestricted").unwrap();
    let stamp = Stamp {
        owner: Owner::new("facts", "main"),
        session: "s".into(),
        expires: None,
        policy: "u".into(),
        depth: Depth::default(),
    };
    let judge = Judge { policy: &policy, stamp: &stamp, sockets: &[] };
    let mut facts = Facts::default();
    for query in judge.questions(&operation, &facts) {
        let fact = answer(&query);
        facts.insert(query, fact);
    }
    let permit = judge.decide(operation, &facts).map_err(|denial| format!("{denial:?}"))?;
    let encoded = permit.encode().map_err(|error| error.to_string())?;
    let payload = match encoded.payload {
        Payload::Json(json) => json,
        Payload::Nothing | Payload::Archive => Vec::new(),
    };
    Ok((encoded.target, payload))
}

/// The only fact that a policy without limits asks for: which container a raw stream goes to.
fn answer(query: &FactQuery) -> Fact {
    let FactQuery::Container { .. } = query else { panic!("asked for {query:?}") };
    let container = ContainerFacts {
        id: docker_broker::operation::names::ContainerId::parse(EXEC).unwrap(),
        labels: BTreeMap::new(),
        image_id: String::new(),
        image: String::new(),
        networks: BTreeMap::new(),
        privileged: false,
        powers: Powers::default(),
        created: None,
        names: ContainerNames::default(),
    };
    Fact::Container(Some(Box::new(container)))
}

/// A value of the field's type that says something.
fn probe(field: &published::Field) -> Value {
    let word = field.words.iter().find(|word| !word.as_str().is_some_and(str::is_empty));
    match (word, field.shape.as_str()) {
        (Some(word), "string" | "integer") => word.clone(),
        (_, shape) => of_shape(shape),
    }
}

fn of_shape(shape: &str) -> Value {
    if let Some(item) = shape.strip_prefix("[]") {
        let count = if item == "integer" { 2 } else { 1 };
        return (0..count).map(|_| of_shape(item)).collect();
    }
    if let Some(item) = shape.strip_prefix("{}") {
        return json!({"5432/tcp": of_shape(item)});
    }
    match shape {
        "boolean" => json!(true),
        "integer" | "number" => json!(7),
        "string" => json!("probe"),
        _ => json!({}),
    }
}

const EXEC: &str = "e8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ec";

/// Operations of the pages that have no row: id, nothing, reason.
const UNROUTED: Exceptions = &[
    ("DebugPprofCmdline", "", "a page of the engine's debugging: matched by the closed row of all of them"),
    ("DebugPprofNamed", "", "as DebugPprofCmdline"),
    ("DebugPprofProfile", "", "as DebugPprofCmdline"),
    ("DebugPprofSymbol", "", "as DebugPprofCmdline"),
    ("DebugPprofTrace", "", "as DebugPprofCmdline"),
    ("NetworkListSlash", "", "the same list under another path; no client is known to ask for it"),
    ("SystemOptions", "", "a method that no client uses is refused before a route is looked for"),
];

/// Query parameters that do not go up as they are: operation, parameter, reason.
const UNSENT: Exceptions = &[
    ("ImageCreate", "authconfig", "dockerode sends it empty, and no engine reads it: credentials are a header"),
    ("ContainerList", "trunc_cmd", "docker-py sends it, and no engine reads it"),
    ("ContainerLogs", "details", "refused: it shows environment and labels that the log driver was given"),
    ("ContainerLogs", "format", "refused: another framing than the one that clients read"),
    ("ContainerTop", "ps_args", "refused but for a list: the engine runs `ps` on its host"),
    ("ContainerStart", "checkpoint", "refused: a checkpoint is read from a path of the host"),
    ("ContainerStart", "checkpoint-dir", "refused: it is a path of the host"),
    ("ContainerDelete", "link", "refused: it removes a legacy link in place of the container"),
];

/// Body fields that do not go up as they are: operation, path, reason.
const UNWRITTEN: Exceptions = &[
    ("ContainerCreate", "HostConfig.LogConfig", "an empty object says nothing; its fields are tried one by one"),
    ("ContainerCreate", "HostConfig.RestartPolicy", "as HostConfig.LogConfig"),
    ("ContainerCreate", "NetworkingConfig", "as HostConfig.LogConfig"),
    ("ContainerCreate", "HostConfig.LxcConf", "refused with a value: docker-java sends null, and no engine reads it"),
    ("ContainerCreate", "PortSpecs", "as HostConfig.LxcConf"),
    ("VolumeCreate", "ClusterVolumeSpec", "refused by every policy: swarms are closed"),
    ("ContainerCreate", "Name", "dropped: .NET repeats the query's name, and no engine reads it here"),
    ("ContainerCreate", "name", "dropped: dockerode repeats the query's name, and no engine reads it here"),
    ("ContainerCreate", "Platform", "dropped: .NET repeats the query's platform, and no engine reads it here"),
    ("ContainerUpdate", "RestartPolicy", "an empty object says nothing; its fields are tried one by one"),
    ("ContainerExec", "Container", "dropped: docker-py repeats the path's container"),
    ("ContainerExec", "containerId", "dropped: docker-java repeats the path's container"),
    ("VolumeCreate", "ClusterVolumeSpec.*", "refused by name with a value: volumes of swarms, which no policy opens"),
    ("ExecStart", "OutputCapacity", "dropped: an option of bollard's own"),
    ("ExecStart", "stdin", "dropped: an option of dockerode's own"),
];
