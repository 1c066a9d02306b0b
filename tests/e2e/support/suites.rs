//! Stock Testcontainers suites, directly and through the broker: the same tests with the same results.
//!
//! Nobody else may use the engines meanwhile: what they hold is compared before and after.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use libtest_mimic::Trial;
use regex::Regex;

use crate::support::{self, Broker, BrokerOptions, Engine};

/// From where a suite runs, and so which address it dials.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    /// As on an ordinary host: published ports are on the loopback address. The shipped policy serves it.
    Host,
    /// As in a container (`/.dockerenv` is there): libraries dial the bridge's gateway.
    Container,
}

/// What a suite did.
struct Run {
    output: Output,
    /// One line a test: its name and how it ended.
    results: Vec<String>,
}

/// One trial for each suite, engine and view, and those that see the reaper refused.
pub(crate) fn trials(suites: &[&'static str]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for engine in Engine::ALL {
        for &suite in suites {
            for view in [View::Host, View::Container] {
                let name = format!("engine {}, {suite}, {}", engine.name(), view.words());
                trials.push(support::trial(name, move || is_the_same_through_the_broker(engine, suite, view)));
            }
        }
        trials.push(support::trial(format!("engine {}, the CLI creates a reaper", engine.name()), move || {
            a_reaper_is_refused(engine);
        }));
    }
    for &suite in suites {
        trials.push(support::trial(format!("{suite} with its reaper"), move || the_suite_says_what_to_set(suite)));
    }
    trials
}

fn is_the_same_through_the_broker(engine: Engine, suite: &str, view: View) {
    let upstream = engine.socket();
    let before = engine.listing();
    let direct = run(engine, suite, view, &upstream, true);
    assert_passes(&direct, "directly");
    let broker = Broker::start(engine, &BrokerOptions { policy: view.policy(), ..BrokerOptions::default() });
    if view == View::Host {
        let removed = support::docker(engine, &upstream, &["rmi", "-f", "postgres:16"]);
        assert!(removed.status.success(), "{}", support::text(&removed));
    }
    let through = run(engine, suite, view, &broker.socket, true);
    assert_passes(&through, "through the broker");
    assert_eq!(direct.results, through.results, "the tests ended differently");
    assert!(is_permitted(&broker, "ContainerCreate"), "no container was created through the broker");
    assert!(view != View::Host || is_permitted(&broker, "ImageCreate"), "nothing was pulled through the broker");
    drop(broker);
    assert_eq!(before, engine.listing(), "something was left behind, or something else was changed");
    println!(
        "\n{suite} on engine {}, {}: {} tests, the same as directly",
        engine.name(),
        view.words(),
        through.results.len()
    );
}

fn assert_passes(run: &Run, how: &str) {
    assert!(run.output.status.success(), "{how}: {}", support::text(&run.output));
    assert!(!run.results.is_empty(), "{how}: no test ran: {}", support::text(&run.output));
    let bad = run.results.iter().find(|result| !result.ends_with(" passed"));
    assert!(bad.is_none(), "{how}: {bad:?}");
}

/// The create that every library sends for its reaper, by the CLI.
fn a_reaper_is_refused(engine: Engine) {
    let _up = engine.socket();
    let before = engine.listing();
    let broker = Broker::start(engine, &BrokerOptions::default());
    let create = [
        "create",
        "-v",
        "/var/run/docker.sock:/var/run/docker.sock",
        "-p",
        "127.0.0.1::8080",
        "testcontainers/ryuk:0.14.0",
    ];
    let mirrored = ["create", "registry.example/hub/testcontainers/ryuk:0.14.0"];
    for create in [create.as_slice(), mirrored.as_slice()] {
        let output = support::docker(engine, &broker.socket, create);
        let said = support::text(&output);
        assert!(!output.status.success() && said.contains(WHAT_TO_SET), "{said}");
    }
    let redis = support::text(&support::docker(engine, &broker.socket, &["create", "redis:7"]));
    assert!(redis.contains("`images.allow`") && !redis.contains(WHAT_TO_SET), "{redis}");
    let refused = |record: &serde_json::Value| record["operation"] == "ContainerCreate" && record["status"] == 403;
    assert_eq!(broker.records().iter().filter(|record| refused(record)).count(), 3, "three creates were refused");
    assert_eq!(before, engine.listing());
}

/// A suite that starts its reaper fails at once, and the person who runs it reads what to set.
fn the_suite_says_what_to_set(suite: &str) {
    let engine = Engine::New;
    let _up = engine.socket();
    let before = engine.listing();
    let broker = Broker::start(engine, &BrokerOptions::default());
    let run = run(engine, suite, View::Host, &broker.socket, false);
    let said = support::text(&run.output);
    assert!(!run.output.status.success() && said.contains(WHAT_TO_SET), "{said}");
    assert!(!is_permitted(&broker, "ContainerCreate"), "a container was created");
    assert_eq!(before, engine.listing());
}

fn is_permitted(broker: &Broker, operation: &str) -> bool {
    broker.records().iter().any(|record| record["operation"] == operation && record["decision"] == "permitted")
}

fn run(engine: Engine, suite: &str, view: View, socket: &Path, without_reaper: bool) -> Run {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(support::lab_script());
    command.args(["cell", engine.name()]);
    if view == View::Host {
        command.arg(support::lab_script()).arg("hostview");
    }
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/suites/run");
    command.arg("timeout").arg("600").arg(runner).arg(suite);
    command.env("SUITE_REPORTS", folder.path());
    command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
    command.env("TESTCONTAINERS_RYUK_DISABLED", without_reaper.to_string());
    for variable in ["DOCKER_CONTEXT", "TESTCONTAINERS_HOST_OVERRIDE", "TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE"] {
        command.env_remove(variable);
    }
    let output = support::run_with_input(command, b"").expect("the suite");
    Run { output, results: results(folder.path()) }
}

/// Reads the reports that pytest and maven write in the same format.
fn results(folder: &Path) -> Vec<String> {
    let case = Regex::new(r#"(?s)<testcase ([^>]*?)(/>|>(.*?)</testcase>)"#).expect("a pattern");
    let name = Regex::new(r#"\bname="([^"]*)""#).expect("a pattern");
    let reports = fs::read_dir(folder).expect("reports").flatten().map(|entry| entry.path());
    let mut results = Vec::new();
    for report in reports.filter(|path| path.extension().is_some_and(|end| end == "xml")) {
        let text = fs::read_to_string(report).expect("a report");
        for case in case.captures_iter(&text) {
            let inside = case.get(3).map_or("", |inside| inside.as_str());
            let ended = ["failure", "error", "skipped"].into_iter().find(|word| inside.contains(&format!("<{word}")));
            let name = name.captures(&case[1]).map_or_else(String::new, |name| name[1].to_owned());
            results.push(format!("{name} {}", ended.unwrap_or("passed")));
        }
    }
    results.sort();
    results
}

impl View {
    const fn words(self) -> &'static str {
        match self {
            Self::Host => "as on a host, with a first pull",
            Self::Container => "as in a container",
        }
    }

    fn policy(self) -> String {
        let bridge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/policies/bridge.toml");
        match self {
            Self::Host => "postgres".to_owned(),
            Self::Container => bridge.display().to_string(),
        }
    }
}

const WHAT_TO_SET: &str = "set `TESTCONTAINERS_RYUK_DISABLED=true`";
