//! Refusals by operation, by body and by the docker CLI; and that the key which a refusal names is the one that helps.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::keeper::Keeper;
use crate::scene::{Scene, ask, assert_only_questions, assert_taught, direct, try_direct};
use crate::support::text;
use crate::tap::Seen;

/// An operation that is refused as a whole.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    pub(crate) request: String,
    names: String,
    key: Option<String>,
    body: Option<String>,
    /// What the broker has to ask the engine before it refuses: these requests exactly, and no other. `{owned}` is the
    /// filter for what is its owner's.
    #[serde(default)]
    asks: Vec<String>,
}

/// A create that is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    pub(crate) body: String,
    key: Option<String>,
    place: String,
}

/// A command of the docker CLI that is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cli {
    pub(crate) run: Vec<String>,
    says: String,
    key: Option<String>,
}

/// A request that a key opens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lesson {
    pub(crate) key: String,
    pub(crate) request: String,
    body: Option<String>,
    /// What stands in the file over `postgres` when it is refused.
    #[serde(default)]
    before: String,
    /// A whole policy in place of one over `postgres`.
    policy: Option<String>,
    /// What is added when it passes.
    after: String,
    /// Whether the broker answers by itself.
    #[serde(default)]
    stub: bool,
}

impl Route {
    pub(crate) fn check(&self, scene: &Scene) {
        let body: Option<Value> = self.body.as_ref().map(|body| serde_json::from_str(body).expect("JSON"));
        let (answer, seen) = scene.watch(&self.request, body.as_ref());
        let message = answer.message();
        let seen: Vec<String> = seen.iter().map(Seen::line).collect();
        let asks: Vec<String> = self.asks.iter().map(|line| line.replace("{owned}", &scene.owned_filter())).collect();
        assert_eq!(seen, asks, "what went upstream, and what was to be asked ({message})");
        assert!(message.contains(&self.names), "does not name {}: {message}", self.names);
        scene.assert_refused(&scene.broker, &answer, self.key.as_deref());
    }
}

impl Create {
    pub(crate) fn check(&self, scene: &Scene) {
        let body: Value = serde_json::from_str(&self.body).expect("JSON");
        let (answer, seen) = scene.watch("POST /containers/create", Some(&body));
        scene.remove_made(&answer);
        assert_only_questions(&seen);
        let place = format!("`{}", self.place);
        assert!(answer.message().contains(&place), "does not point at {}: {}", self.place, answer.message());
        scene.assert_refused(&scene.broker, &answer, self.key.as_deref());
    }
}

impl Cli {
    pub(crate) fn check(&self, scene: &Scene) {
        let mark = scene.tap.mark();
        let arguments: Vec<&str> = self.run.iter().map(String::as_str).collect();
        let output = try_direct(&scene.broker.socket(), &arguments);
        let seen = scene.tap.since(mark);
        assert!(!output.status.success(), "{}", text(&output));
        assert!(seen.iter().all(|seen| seen.method == "GET" || seen.method == "HEAD"), "went upstream: {seen:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        let message = said.lines().find_map(|line| line.find("docker-broker: ").map(|at| &line[at..]));
        // the CLI ends the line in its own ways
        let message = message.and_then(|line| line.rfind(']').map(|at| &line[..=at]));
        let message = message.unwrap_or_else(|| panic!("no word of the broker: {}", text(&output)));
        assert!(message.contains(&self.says), "does not say {}: {message}", self.says);
        assert_taught(&scene.broker, message, self.key.as_deref());
    }
}

impl Lesson {
    pub(crate) fn check(&self, scene: &Scene) {
        let body: Option<Value> = self.body.as_ref().map(|body| serde_json::from_str(body).expect("JSON"));
        let base = self.policy.clone().unwrap_or_else(|| "extends = \"postgres\"".to_owned());
        let start = |patch: &str| {
            Keeper::start(scene.engine, &scene.tap.socket, &scene.instance, &format!("{base}\n{patch}\n"))
        };
        let broker = start(&self.before);
        let mark = scene.tap.mark();
        let refused = ask(&broker.socket(), &self.request, body.as_ref());
        scene.assert_refused(&broker, &refused, Some(&self.key));
        assert!(refused.message().contains(&format!("(key `{}`)", self.key)), "{}", refused.message());
        assert_only_questions(&scene.tap.since(mark));
        drop(broker);

        let broker = start(&self.after);
        let mark = scene.tap.mark();
        let passes = ask(&broker.socket(), &self.request, body.as_ref());
        scene.remove_made(&passes);
        try_direct(&scene.upstream, &["network", "rm", "lesson-1"]);
        try_direct(&scene.upstream, &["volume", "rm", "lesson-1"]);
        assert!(passes.status < 400, "with the key: {} {}", passes.status, passes.message());
        let (method, target) = self.request.split_once(' ').expect("a method");
        let path = target.split('?').next().expect("a path").replace("/own/", &format!("/{}/", scene.own));
        let seen = scene.tap.since(mark);
        let sent = seen.iter().any(|seen| seen.line().starts_with(&format!("{method} {path}")));
        assert_eq!(sent, !self.stub, "went upstream: {seen:?}");
    }
}

/// A policy that pins content: its digest passes, another one does not, and neither does a tag.
pub(crate) fn pinned_image(scene: &Scene) {
    let format = "{{index .RepoDigests 0}}";
    let pinned = direct(&scene.upstream, &["image", "inspect", "-f", format, "postgres:16"]);
    let policy = format!("extends = \"postgres\"\n[images]\nallow = [\"{pinned}\"]\n");
    let broker = Keeper::start(scene.engine, &scene.tap.socket, &scene.instance, &policy);
    let create = |image: &str| ask(&broker.socket(), "POST /containers/create", Some(&json!({"Image": image})));
    let mark = scene.tap.mark();
    let (repository, digest) = pinned.split_once('@').expect("a digest");
    let last = if digest.ends_with('0') { '1' } else { '0' };
    let other = format!("{repository}@{}{last}", &digest[..digest.len() - 1]);
    for refused in [other.as_str(), &format!("redis@{digest}"), "postgres:15", "redis:7"] {
        scene.assert_refused(&broker, &create(refused), Some("images.allow"));
    }
    assert_only_questions(&scene.tap.since(mark));
    let made = create(&pinned);
    scene.remove_made(&made);
    assert_eq!(made.status, 201, "{}", made.text());
}
