//! The scene in which judges are tested: one owner, one policy, and an engine with own and foreign objects.

use std::collections::BTreeMap;
use std::fmt::Debug;

use hyper::Method;
use hyper::http::Request;
use serde_json::{Value, json};

use crate::operation::encoded::Payload;
use crate::operation::names::ContainerId;
use crate::operation::routes::{self, Standing};
use crate::operation::{Operation, ParseError};
use crate::policy::builtin::builtin_text;
use crate::policy::check;
use crate::policy::compile::{Origin, Policy};
use crate::policy::denial::{Denial, Reason};
use crate::policy::depth::Depth;
use crate::policy::facts::{
    ContainerFacts, ContainerNames, CountFacts, EngineFacts, ExecFacts, Fact, FactQuery, Facts, ImageFacts,
    NetworkFacts, Powers, UsageFacts, VolumeFacts, Within,
};
use crate::policy::file::keys;
use crate::policy::judge::Judge;
use crate::policy::ownership::{IMAGE, Owner, Stamp};
use crate::policy::permit::{FollowUp, Permit, Relay};
use crate::request::{self, JsonBounds};

/// A policy, an owner and an engine.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) policy: Policy,
    pub(super) stamp: Stamp,
    pub(super) engine: Engine,
    /// The broker's own sockets and its engine's.
    pub(super) sockets: Vec<String>,
}

/// What exists. References are resolved in the engine's order: full ID, name, ID prefix.
#[derive(Debug, Default)]
pub(super) struct Engine {
    /// Name and container.
    pub(super) containers: Vec<(String, ContainerFacts)>,
    pub(super) execs: Vec<(String, ExecFacts)>,
    pub(super) images: Vec<ImageFacts>,
    pub(super) networks: Vec<NetworkFacts>,
    pub(super) volumes: Vec<VolumeFacts>,
    pub(super) info: EngineFacts,
    pub(super) count: CountFacts,
    pub(super) usage: UsageFacts,
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    Sent(Sent),
    Denied(Denial),
    Malformed(ParseError),
}

/// What the engine would get, and what follows.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) target: String,
    /// `null` where there is no JSON body.
    pub(super) body: Value,
    pub(super) has_registry_auth: bool,
    /// What goes up as `X-Registry-Auth`.
    pub(super) registry_auth: Option<String>,
    pub(super) relay: Relay,
    pub(super) follow_up: FollowUp,
}

impl Scene {
    /// The shipped `postgres` policy.
    pub(super) fn postgres() -> Self {
        Self::shipped("postgres")
    }

    /// A shipped policy.
    pub(super) fn shipped(name: &str) -> Self {
        Self::of(builtin_text(name).expect("a shipped policy"), name, Origin::BuiltIn)
    }

    /// A policy of one's own.
    pub(super) fn with(text: &str) -> Self {
        Self::of(text, "test", Origin::File("test.toml".into()))
    }

    /// The `postgres` policy with some keys changed, written as the file of an operator would.
    pub(super) fn postgres_with(patch: &str) -> Self {
        Self::with(&format!("extends = \"postgres\"\n{patch}"))
    }

    fn of(text: &str, name: &str, origin: Origin) -> Self {
        let policy = check::parse(text, name, origin).unwrap_or_else(|error| panic!("{error}\nin\n{text}"));
        let stamp = Stamp {
            owner: Owner::new("host-1", "main"),
            session: "s1".into(),
            expires: Some(1_700_001_800),
            policy: name.into(),
            depth: Depth::default(),
        };
        let engine = Engine::furnished(&stamp);
        let sockets = vec!["/opt/broker/docker.sock".to_owned(), "/opt/engine/docker.sock".to_owned()];
        Self { policy, stamp, engine, sockets }
    }

    /// Judges a request without a body.
    pub(super) fn ask(&self, method: &str, target: &str) -> Outcome {
        self.send(Request::builder().method(method).uri(target), b"")
    }

    /// Judges a request with a JSON body.
    pub(super) fn post(&self, target: &str, body: &Value) -> Outcome {
        let head = Request::builder().method("POST").uri(target).header("content-type", "application/json");
        self.send(head, body.to_string().as_bytes())
    }

    /// Judges the create of a container from `postgres:16` with these further fields.
    pub(super) fn create(&self, fields: &Value) -> Outcome {
        self.create_at("/v1.44/containers/create", fields)
    }

    /// The same with a query.
    pub(super) fn create_at(&self, target: &str, fields: &Value) -> Outcome {
        let mut body = json!({"Image": "postgres:16"});
        merge(&mut body, fields);
        self.post(target, &body)
    }

    /// The same with fields of HostConfig.
    pub(super) fn create_host(&self, host_config: &Value) -> Outcome {
        self.create(&json!({"HostConfig": host_config}))
    }

    /// Judges any request.
    pub(super) fn send(&self, head: hyper::http::request::Builder, body: &[u8]) -> Outcome {
        match self.parse(head, body) {
            Ok(operation) => self.judge(operation),
            Err(error) => Outcome::Malformed(error),
        }
    }

    fn parse(&self, head: hyper::http::request::Builder, body: &[u8]) -> Result<Operation, ParseError> {
        let (parts, ()) = head.header("host", "docker").body(()).expect("a request").into_parts();
        let request = request::read(&parts)?;
        let route = routes::find(&request.method, &request.path).expect("a known route");
        let Standing::Modelled(kind, _) = route.row.standing else { panic!("{} is not modelled", route.row.id) };
        Operation::parse(kind, route.name, &request, body, &JsonBounds::default())
    }

    /// The operation of a POST with a JSON body; none is taken along where the operation has none.
    pub(super) fn operation(&self, target: &str, body: &Value) -> Operation {
        let head = Request::builder().method("POST").uri(target);
        let text =
            if target.ends_with("/create") || target.ends_with("/update") { body.to_string() } else { String::new() };
        let head = if text.is_empty() { head } else { head.header("content-type", "application/json") };
        self.parse(head, text.as_bytes()).expect("an operation")
    }

    fn judge(&self, operation: Operation) -> Outcome {
        match self.permit(operation) {
            Ok(permit) => {
                let encoded = permit.encode().expect("an operation can be written");
                let body = match encoded.payload {
                    Payload::Json(bytes) => serde_json::from_slice(&bytes).expect("JSON"),
                    Payload::Nothing | Payload::Archive => Value::Null,
                };
                Outcome::Sent(Sent {
                    target: format!("{} {}", encoded.method, encoded.target),
                    body,
                    has_registry_auth: encoded.registry_auth.is_some(),
                    registry_auth: encoded.registry_auth.map(|secret| secret.expose().to_owned()),
                    relay: permit.relay(),
                    follow_up: permit.follow_up().clone(),
                })
            }
            Err(denial) => Outcome::Denied(denial),
        }
    }

    /// The permit, after every question was answered.
    pub(super) fn permit(&self, operation: Operation) -> Result<Permit, Denial> {
        let judge = Judge { policy: &self.policy, stamp: &self.stamp, sockets: &self.sockets };
        let mut facts = Facts::default();
        for _ in 0..5 {
            let questions = judge.questions(&operation, &facts);
            if questions.is_empty() {
                return judge.decide(operation, &facts);
            }
            for question in questions {
                let fact = self.engine.answer(&question, &self.stamp.owner);
                facts.insert(question, fact);
            }
        }
        panic!("the judge never stops asking")
    }
}

impl Outcome {
    /// What was sent; anything else fails the test.
    pub(super) fn sent(self) -> Sent {
        match self {
            Self::Sent(sent) => sent,
            Self::Denied(denial) => panic!("{}", denial.message("r")),
            Self::Malformed(error) => panic!("{error}"),
        }
    }

    /// The denial; anything else fails the test. Every denial must be fit to be shown.
    pub(super) fn denied(self) -> Denial {
        let denial = match self {
            Self::Denied(denial) => denial,
            Self::Sent(sent) => panic!("was sent: {sent:?}"),
            Self::Malformed(error) => panic!("{error}"),
        };
        assert_teaches(&denial);
        denial
    }

    /// The key that would allow it, or will.
    pub(super) fn refused_by(self) -> String {
        let denial = self.denied();
        match reason(&denial) {
            Reason::NotAllowed { key, .. } => (*key).to_owned(),
            Reason::NotYet { .. } | Reason::Floor { .. } => panic!("{}", denial.message("r")),
        }
    }

    /// The key that is not in force yet.
    pub(super) fn not_yet(self) -> String {
        let denial = self.denied();
        match reason(&denial) {
            Reason::NotYet { key } => (*key).to_owned(),
            Reason::NotAllowed { .. } | Reason::Floor { .. } => panic!("{}", denial.message("r")),
        }
    }

    /// Where the floor is; the request path of what no policy can allow.
    pub(super) fn floor(self) -> String {
        match self.denied() {
            Denial::Refused(refusal) if matches!(refusal.reason, Reason::Floor { .. }) => refusal.place,
            other @ (Denial::Refused(_) | Denial::NotFound { .. }) => panic!("{}", other.message("r")),
        }
    }

    /// The engine's words for what does not exist.
    pub(super) fn missing(self) -> String {
        match self.denied() {
            Denial::NotFound { message } => message,
            refused @ Denial::Refused(_) => panic!("{}", refused.message("r")),
        }
    }
}

impl Sent {
    /// What stands at a JSON pointer of the body; `null` where nothing does.
    pub(super) fn at(&self, pointer: &str) -> Value {
        self.body.pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// A field of the HostConfig that was sent.
    pub(super) fn host(&self, field: &str) -> Value {
        self.at(&format!("/HostConfig/{field}"))
    }
}

impl Engine {
    /// One own and one foreign object of each kind, and what every engine has.
    fn furnished(stamp: &Stamp) -> Self {
        let foreign = Stamp { owner: Owner::new("host-1", "other"), ..stamp.clone() };
        let bridge = [("bridge".to_owned(), full_id("b1"))];
        let own = container(&full_id("aa"), stamp, bridge.clone());
        let other = container(&full_id("ff"), &foreign, bridge);
        Self {
            execs: vec![
                (full_id("e1"), exec_in(&own)),
                (full_id("e2"), exec_in(&other)),
                (full_id("e3"), ExecFacts { privileged: true, ..exec_in(&own) }),
                (full_id("e4"), ExecFacts { user: "root".into(), ..exec_in(&own) }),
            ],
            containers: vec![("own".into(), own), ("foreign".into(), other)],
            images: vec![
                image("11", &["postgres:16"], &["postgres@sha256:".to_owned() + &"16".repeat(32)]),
                image("22", &["redis:7"], &[]),
                image("ca", &["private/secret:1"], &[]),
            ],
            networks: vec![
                network("bridge", "b1", "bridge", &BTreeMap::new()),
                network("host", "b2", "host", &BTreeMap::new()),
                network("none", "b3", "null", &BTreeMap::new()),
                network("own-net", "b4", "bridge", &labels(stamp, None)),
                network("foreign-net", "b5", "bridge", &labels(&foreign, None)),
                network("dev-internal", "b6", "bridge", &BTreeMap::new()),
                network("dev-more", "b7", "bridge", &BTreeMap::new()),
            ],
            volumes: vec![
                volume("own-vol", &labels(stamp, None)),
                volume("foreign-vol", &labels(&foreign, None)),
                VolumeFacts { has_options: true, ..volume("bound-vol", &labels(stamp, None)) },
                VolumeFacts { driver: "nfs".into(), ..volume("nfs-vol", &labels(stamp, None)) },
            ],
            info: EngineFacts {
                memory_limit: true,
                swap_limit: true,
                pids_limit: true,
                cpu_limit: true,
                cpus: 8,
                memory: 16 << 30,
                log_drivers: ["json-file", "local", "syslog"].map(str::to_owned).to_vec(),
                cgroup_version: "2".into(),
                server_version: "28.5.2".into(),
            },
            count: CountFacts::default(),
            usage: UsageFacts::default(),
        }
    }

    fn answer(&self, question: &FactQuery, owner: &Owner) -> Fact {
        match question {
            FactQuery::Container { reference, within, fresh: _ } => {
                let seen = |facts: &&(String, ContainerFacts)| {
                    let carries = |(key, value): &(String, String)| facts.1.labels.get(key) == Some(value);
                    let among = match within {
                        Within::Everyone => true,
                        Within::Owner => false,
                        Within::Labelled(labels) => labels.iter().all(carries),
                    };
                    among || owner.owns_container(&facts.1.labels, &facts.1.image_id)
                };
                let all: Vec<_> = self.containers.iter().filter(seen).collect();
                let names = |(name, facts): &&(String, ContainerFacts)| (name.clone(), facts.id.to_string());
                let found = resolve(reference, &all, names).map(|(_, facts)| Box::new(facts.clone()));
                Fact::Container(found)
            }
            FactQuery::Exec(id) => {
                let found = self.execs.iter().find(|(known, _)| known == id.as_str());
                Fact::Exec(found.map(|(_, facts)| facts.clone()))
            }
            FactQuery::Image(reference) => Fact::Image(self.image(reference).cloned().map(Box::new)),
            FactQuery::Network(reference) => {
                let names = |network: &NetworkFacts| (network.name.clone(), network.id.clone());
                Fact::Network(resolve(reference, &self.networks, names).cloned().map(Box::new))
            }
            FactQuery::Volume(name) => Fact::Volume(self.volumes.iter().find(|volume| volume.name == *name).cloned()),
            FactQuery::Engine => Fact::Engine(self.info.clone()),
            FactQuery::Count { of: _, session: _ } => Fact::Count(self.count),
            FactQuery::Usage { except: _ } => Fact::Usage(self.usage),
            FactQuery::Impostor => {
                let is = |c: &ContainerFacts| owner.owns(&c.labels) && !owner.owns_container(&c.labels, &c.image_id);
                Fact::Impostor(self.containers.iter().find(|(_, c)| is(c)).map(|(name, _)| name.clone()))
            }
        }
    }

    /// As `GET /images/{name}/json` finds one: an ID in full, then a name, then the beginning of an ID.
    fn image(&self, reference: &str) -> Option<&ImageFacts> {
        let digits = reference.strip_prefix("sha256:").unwrap_or(reference);
        let by_id = |whole: bool| {
            let matches = move |image: &&ImageFacts| match image.id.strip_prefix("sha256:") {
                Some(id) if whole => id == digits,
                Some(id) => !digits.is_empty() && id.starts_with(digits),
                None => false,
            };
            self.images.iter().find(matches)
        };
        let familiar = super::super::image::familiar(reference);
        let names =
            |image: &&ImageFacts| image.repo_tags.iter().chain(&image.repo_digests).any(|name| *name == familiar);
        by_id(true).or_else(|| self.images.iter().find(names)).or_else(|| by_id(false))
    }

    /// The network with this name, to be changed.
    pub(super) fn network(&mut self, name: &str) -> &mut NetworkFacts {
        self.networks.iter_mut().find(|network| network.name == name).expect("a network")
    }

    /// The container with this name, to be changed.
    pub(super) fn container(&mut self, name: &str) -> &mut ContainerFacts {
        &mut self.containers.iter_mut().find(|(known, _)| known == name).expect("a container").1
    }
}

/// 64 digits that begin like this.
pub(super) fn full_id(start: &str) -> String {
    format!("{start}{}", "0".repeat(64 - start.len()))
}

/// The 12 digits that the command line shows.
pub(super) fn short_id(start: &str) -> String {
    full_id(start).chars().take(12).collect()
}

/// An image's ID that begins like this.
pub(super) fn image_id(start: &str) -> String {
    format!("sha256:{}", full_id(start))
}

/// A container from the first image, with the labels that the broker wrote.
pub(super) fn container(
    id: &str,
    stamp: &Stamp,
    networks: impl IntoIterator<Item = (String, String)>,
) -> ContainerFacts {
    ContainerFacts {
        id: ContainerId::parse(id).expect("an ID"),
        labels: labels(stamp, Some(&image_id("11"))),
        image_id: image_id("11"),
        image: "postgres:16".into(),
        networks: networks.into_iter().collect(),
        privileged: false,
        powers: Powers::default(),
        created: Some(1_700_000_000),
        names: ContainerNames::default(),
    }
}

/// An image with these names.
pub(super) fn image(start: &str, tags: &[&str], digests: &[String]) -> ImageFacts {
    ImageFacts {
        id: image_id(start),
        repo_tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        repo_digests: digests.to_vec(),
        exposed_ports: vec!["5432/tcp".into()],
        labels: BTreeMap::new(),
    }
}

fn exec_in(container: &ContainerFacts) -> ExecFacts {
    ExecFacts { container: container.id.clone(), privileged: false, user: String::new() }
}

fn network(name: &str, id: &str, driver: &str, labels: &BTreeMap<String, String>) -> NetworkFacts {
    NetworkFacts {
        id: full_id(id),
        name: name.into(),
        driver: driver.into(),
        labels: labels.clone(),
        internal: name == "own-net",
        gateway: Some(format!("172.{}.0.1", 16 + id.bytes().last().unwrap_or(0) % 16)),
        endpoints: Vec::new(),
        created: Some(1_700_000_000),
    }
}

fn volume(name: &str, labels: &BTreeMap<String, String>) -> VolumeFacts {
    VolumeFacts {
        name: name.into(),
        driver: "local".into(),
        labels: labels.clone(),
        has_options: false,
        created: Some(1_700_000_000),
    }
}

fn labels(stamp: &Stamp, image: Option<&str>) -> BTreeMap<String, String> {
    let labels: BTreeMap<_, _> = stamp.labels(image).into_iter().collect();
    assert_eq!(labels.contains_key(IMAGE), image.is_some());
    labels
}

fn resolve<'a, T>(reference: &str, all: &'a [T], names: impl Fn(&T) -> (String, String)) -> Option<&'a T> {
    let is_id = |one: &&T| names(one).1 == reference;
    let is_name = |one: &&T| names(one).0 == reference;
    let is_prefix = |one: &&T| !reference.is_empty() && names(one).1.starts_with(reference);
    all.iter().find(is_id).or_else(|| all.iter().find(is_name)).or_else(|| all.iter().find(is_prefix))
}

/// Puts fields into a body: objects are merged, all else replaces.
pub(super) fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// What every message keeps: one line, the policy, and a key that exists.
fn assert_teaches(denial: &Denial) {
    let message = denial.message("r-1");
    assert!(!message.chars().any(char::is_control), "{message:?}");
    if let Denial::Refused(refusal) = denial {
        assert!(message.contains("policy") && message.contains(refusal.operation), "{message}");
        assert!(!refusal.wanted.is_empty(), "{message}");
        let key = refusal.key();
        assert!(key.is_none_or(|key| keys::find(key).is_some()), "no such key in {message}");
        let ends = |text: &str| text.ends_with('.') || text.is_empty();
        match &refusal.reason {
            Reason::NotAllowed { allowed, .. } => assert!(!ends(allowed), "{message}"),
            Reason::Floor { why } => assert!(!ends(why), "{message}"),
            Reason::NotYet { .. } => {}
        }
    }
}

fn reason(denial: &Denial) -> &Reason {
    match denial {
        Denial::Refused(refusal) => &refusal.reason,
        Denial::NotFound { message } => panic!("{message}"),
    }
}

/// Fails with the request when an expectation about it fails.
pub(super) fn each<T: Debug>(rows: impl IntoIterator<Item = T>, check: impl Fn(&T)) {
    for row in rows {
        let shown = format!("{row:?}");
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&row)));
        assert!(result.is_ok(), "in row {shown}");
    }
}

/// A sample request for a row of the table of operations: its path with names filled in.
pub(super) fn sample(method: &Method, pattern: &str) -> (String, Value) {
    let path = if pattern.starts_with("/exec/") {
        pattern.replace("{id}", &full_id("e1"))
    } else if pattern.starts_with("/networks/") {
        pattern.replace("{id}", "bridge")
    } else if pattern.starts_with("/volumes/") {
        pattern.replace("{id}", "own-vol")
    } else {
        pattern.replace("{id}", "own").replace("{name}", "postgres:16")
    };
    let query = match (method.as_str(), pattern) {
        ("POST", "/images/create") => "?fromImage=postgres&tag=16",
        ("POST", "/images/{name}/push") => "?tag=16",
        ("POST", "/images/{name}/tag") => "?repo=agent/postgres&tag=16",
        ("POST", "/containers/{id}/rename") => "?name=renamed",
        (_, pattern) if pattern.ends_with("/archive") => "?path=/tmp",
        _ => "",
    };
    let body = match pattern {
        "/containers/create" => json!({"Image": "postgres:16"}),
        "/containers/{id}/exec" => json!({"Cmd": ["true"], "AttachStdout": true}),
        "/exec/{id}/start" => json!({}),
        "/networks/create" => json!({"Name": "n-1"}),
        "/networks/{id}/connect" | "/networks/{id}/disconnect" => json!({"Container": "own"}),
        "/volumes/create" => json!({"Name": "v-1"}),
        "/containers/{id}/update" => json!({"Memory": 268_435_456}),
        _ => Value::Null,
    };
    (format!("/v1.44{path}{query}"), body)
}

/// A row of the field table with this value in the place of the field, as part of a body.
pub(super) fn fragment(row: &Value, value: &Value) -> Value {
    match row.get("body") {
        Some(template) => fill(template, value),
        None => {
            let path = row["path"].as_str().expect("a path");
            path.rsplit('.').fold(value.clone(), |inner, name| json!({name: inner}))
        }
    }
}

fn fill(template: &Value, value: &Value) -> Value {
    match template {
        Value::String(text) if text == "$value" => value.clone(),
        Value::Array(items) => items.iter().map(|item| fill(item, value)).collect(),
        Value::Object(members) => members.iter().map(|(key, item)| (key.clone(), fill(item, value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => template.clone(),
    }
}
