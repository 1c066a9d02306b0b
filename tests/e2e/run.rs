#![cfg(test)]
//! `docker-broker run` on real engines: the stock Java suite with a broker of its own, which passes and fails as it does,
//! is broken off at any point of its life, and leaves nothing behind.
//!
//! Nobody else may use the engines meanwhile: all that they hold is compared before and after.

#[expect(dead_code, unreachable_pub, reason = "each end-to-end test uses its own part")]
mod support;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use support::{Engine, lab_script, trial, wait_until};

/// How a run is broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    /// The terminal's interrupt: the whole group gets it.
    Interrupt,
    /// A request to end, to `run` alone.
    Terminate,
    /// The end, to `run` alone.
    Kill,
}

/// What is said at the end.
#[derive(Debug, Default)]
struct Totals {
    suites: u32,
    breaks: [u32; 3],
    with_leftovers: u32,
    slowest: Duration,
}

/// A folder with the files of runs, before an engine.
struct Scene {
    engine: Engine,
    upstream: PathBuf,
    folder: tempfile::TempDir,
    before: String,
}

/// A run that goes on.
struct Running {
    child: Child,
    folder: PathBuf,
}

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for engine in Engine::ALL {
        let name = |what: &str| format!("engine {}, {what}", engine.name());
        trials.push(trial(name("the suite passes"), move || the_suite_passes(engine)));
        trials.push(trial(name("the suite fails"), move || the_suite_fails(engine)));
        trials.push(trial(name("a context of the CLI"), move || the_clis_context_does_not_lead_past(engine)));
        trials.push(trial(name("run in run"), move || run_in_run(engine)));
        trials.extend(breaks(engine));
    }
    let code = support::main("e2e-run", trials);
    if std::env::var_os("DOCKER_BROKER_E2E").is_some() {
        println!("e2e-run: {}", summary());
    }
    code
}

fn breaks(engine: Engine) -> impl Iterator<Item = Trial> {
    let all = [Break::Interrupt, Break::Terminate, Break::Kill].into_iter();
    all.flat_map(move |how| {
        (0..POINTS).map(move |point| {
            let name = format!("engine {}, {how:?} at point {} of {POINTS}", engine.name(), point + 1);
            trial(name, move || is_broken_off(engine, how, point))
        })
    })
}

fn summary() -> String {
    let Totals { suites, breaks: [interrupts, terminations, kills], with_leftovers, slowest } = &*totals();
    format!(
        "{suites} suites to their end; {interrupts} interrupted, {terminations} terminated and {kills} killed ({with_leftovers} \
         of them left something for the next run); the engines held the same before and after; the longest clean-up took {:.1} s",
        slowest.as_secs_f64()
    )
}

fn the_suite_passes(engine: Engine) {
    let scene = Scene::new(engine);
    let ended = scene.start(&["--summary", "summary.json"], &suite()).end();
    assert_eq!(ended.0, Some(0), "{}", ended.1);
    scene.assert_nothing_left(&ended.1);
    let summary = scene.summary();
    assert_eq!(summary["made"]["containers"]["postgres:16"], 1, "{summary:#}");
    assert!(ended.1.contains("ended with 0 after"), "{}", ended.1);
    totals().suites += 1;
    println!("\n{}", ended.1.lines().find(|line| line.contains("ended with")).unwrap_or_default());
}

/// The suite runs a command inside its container, and this policy does not allow it.
fn the_suite_fails(engine: Engine) {
    let scene = Scene::new(engine);
    fs::write(scene.path("policy.toml"), "version = 1\nextends = \"postgres\"\n[containers]\nexec = false\n")
        .expect("written");
    let direct = scene.suite_through_serve();
    let ended = scene.start(&["--summary", "summary.json", "--policy", "policy.toml"], &suite()).end();
    assert!(
        direct != Some(0) && ended.0 == direct,
        "run ends with {:?}, the suite with {direct:?}: {}",
        ended.0,
        ended.1
    );
    scene.assert_nothing_left(&ended.1);
    let summary = scene.summary();
    assert_eq!(summary["refused"][0]["key"], "containers.exec", "{summary:#}");
    assert_eq!(summary["made"]["containers"]["postgres:16"], 1, "{summary:#}");
    assert!(ended.1.contains("set `containers.exec` in policy file `policy.toml`"), "{}", ended.1);
    totals().suites += 2;
}

/// Breaks a suite off when its broker has recorded a part of the requests that a whole one makes.
fn is_broken_off(engine: Engine, how: Break, point: usize) {
    let scene = Scene::new(engine);
    let running = scene.start(&["--audit", "audit.json"], &suite());
    let wanted = AT_REQUESTS[point];
    let records = || fs::read_to_string(scene.path("audit.json")).unwrap_or_default().lines().count();
    assert!(wait_until(Duration::from_secs(60), || records() >= wanted), "{} requests", records());
    let began = Instant::now();
    let pid = Pid::from_child(&running.child);
    match how {
        Break::Interrupt => kill_process_group(pid, Signal::INT),
        Break::Terminate => kill_process(pid, Signal::TERM),
        Break::Kill => kill_process(pid, Signal::KILL),
    }
    .expect("a signal is sent");
    let (code, said) = running.end();
    if how == Break::Kill {
        assert_eq!(code, None, "{said}");
        if engine.listing() != scene.before {
            totals().with_leftovers += 1;
        }
        let (code, next) = scene.start(&[], &["true".to_owned()]).end();
        assert_eq!(code, Some(0), "{next}");
        assert!(next.contains("did not clean up after itself"), "{next}");
    } else {
        assert!(code.is_some_and(|code| code != 0 && code != 125), "{code:?}: {said}");
    }
    scene.assert_nothing_left(&said);
    let mut totals = totals();
    totals.breaks[how as usize] += 1;
    totals.slowest = totals.slowest.max(began.elapsed());
}

/// A current context in the CLI's configuration names an engine that is not there: `DOCKER_HOST` wins over it.
fn the_clis_context_does_not_lead_past(engine: Engine) {
    let scene = Scene::new(engine);
    let config = scene.path("config");
    let docker = |words: &str| format!("export DOCKER_CONFIG={}; {words}", config.display());
    let make = "env -u DOCKER_HOST docker context create elsewhere --docker host=unix:///nowhere.sock && \
                env -u DOCKER_HOST docker context use elsewhere && ! env -u DOCKER_HOST docker ps && docker ps -aq";
    let ended = scene.start(&["--env", "DOCKER_BROKER_TEST=1"], &shell(&docker(make))).end();
    assert_eq!(ended.0, Some(0), "{}", ended.1);
    assert!(ended.1.contains("refused nothing"), "{}", ended.1);
    scene.assert_nothing_left(&ended.1);
}

/// The broker of the inner run has the outer one's as its engine; the suite passes there, and both take their own away.
fn run_in_run(engine: Engine) {
    let scene = Scene::new(engine);
    let own = env!("CARGO_BIN_EXE_docker-broker");
    let create = "docker run -d -e POSTGRES_PASSWORD=x postgres:16 && test $(docker ps -q | wc -l) = 1";
    let inner = format!(
        "{create} && {own} run --summary inner.json -- {} && test $(docker ps -q | wc -l) = 1 && \
         {own} run --summary forgot.json -- sh -c '{create}' && test $(docker ps -q | wc -l) = 1",
        suite().join(" ")
    );
    let ended = scene.start(&["--summary", "summary.json"], &shell(&inner)).end();
    assert_eq!(ended.0, Some(0), "{}", ended.1);
    scene.assert_nothing_left(&ended.1);
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(scene.path(name)).expect("there")).expect("JSON")
    };
    let removed = |summary: &Value| summary["removed"].as_array().map_or(0, Vec::len);
    let (outer, inner, forgot) = (read("summary.json"), read("inner.json"), read("forgot.json"));
    assert_eq!([removed(&outer), removed(&inner), removed(&forgot)], [1, 0, 1], "{outer:#}{inner:#}{forgot:#}");
    assert_eq!(outer["made"]["containers"]["postgres:16"], 3, "{outer:#}");
    totals().suites += 1;
}

impl Scene {
    fn new(engine: Engine) -> Self {
        let upstream = engine.socket();
        let folder = tempfile::Builder::new().prefix("db-run").tempdir_in("/tmp").expect("a folder");
        fs::create_dir(folder.path().join("runtime")).expect("a folder");
        Self { engine, upstream, folder, before: engine.listing() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `run` in the engine's network namespace, where `/.dockerenv` is not, in a process group of its own.
    fn start(&self, options: &[&str], command: &[String]) -> Running {
        let mut run = Command::new(lab_script());
        run.args(["cell", self.engine.name()])
            .arg(lab_script())
            .arg("hostview")
            .arg(env!("CARGO_BIN_EXE_docker-broker"));
        run.arg("run").arg("--upstream").arg(format!("unix://{}", self.upstream.display()));
        run.args(options).arg("--").args(command).current_dir(self.folder.path()).process_group(0);
        run.env("XDG_RUNTIME_DIR", self.path("runtime")).env("TESTCONTAINERS_HOST_OVERRIDE", "192.0.2.1");
        run.env("DOCKER_HOST", "tcp://192.0.2.1:2375");
        let log = |name| fs::File::create(self.path(name)).expect("a log");
        let child = run.stdin(Stdio::null()).stdout(log("out")).stderr(log("err")).spawn().expect("run");
        Running { child, folder: self.folder.path().to_owned() }
    }

    /// What the suite ends with through a broker that `serve` runs, under the same policy.
    fn suite_through_serve(&self) -> Option<i32> {
        let policy = self.path("policy.toml").display().to_string();
        let options = support::BrokerOptions { policy, ..support::BrokerOptions::default() };
        let broker = support::Broker::start(self.engine, &options);
        let mut command = Command::new(lab_script());
        command.args(["cell", self.engine.name()]).arg(lab_script()).arg("hostview").args(suite());
        command.env("DOCKER_HOST", format!("unix://{}", broker.socket.display()));
        command.env("TESTCONTAINERS_RYUK_DISABLED", "true");
        support::run_with_input(command, b"").expect("the suite").status.code()
    }

    fn summary(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path("summary.json")).expect("a summary")).expect("JSON")
    }

    /// The engine holds what it held before, and runs have no files.
    fn assert_nothing_left(&self, said: &str) {
        let after = self.engine.listing();
        assert_eq!(self.before, after, "something was left behind, or something else was changed\n{said}");
        let files = fs::read_dir(self.path("runtime/docker-broker")).map_or(0, Iterator::count);
        assert_eq!(files, 0, "files of runs were left\n{said}");
    }
}

impl Running {
    /// The exit code of `run` (none where a signal ended it), and what was said.
    fn end(mut self) -> (Option<i32>, String) {
        let child = &mut self.child;
        let ended = wait_until(Duration::from_secs(300), || matches!(child.try_wait(), Ok(Some(_))));
        let group = Pid::from_child(child);
        // what a suite that was broken off still has running; nothing of ours is in the group any more
        let _ = kill_process_group(group, Signal::KILL);
        let status = child.wait().expect("waited for");
        let read = |name| String::from_utf8_lossy(&fs::read(self.folder.join(name)).unwrap_or_default()).into_owned();
        let said = format!("{}\n{}", read("out"), read("err"));
        assert!(ended, "it does not end: {said}");
        (status.code(), said)
    }
}

fn suite() -> Vec<String> {
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/suites/run");
    vec![runner.display().to_string(), "java2".to_owned()]
}

fn shell(words: &str) -> Vec<String> {
    ["sh", "-c", words].map(str::to_owned).to_vec()
}

fn totals() -> std::sync::MutexGuard<'static, Totals> {
    static TOTALS: Mutex<Totals> =
        Mutex::new(Totals { suites: 0, breaks: [0; 3], with_leftovers: 0, slowest: Duration::ZERO });
    TOTALS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many requests of a suite were recorded when it is broken off: it asks what there is, creates, copies, starts,
/// waits for the database, and runs its tests.
const AT_REQUESTS: [usize; POINTS] = [1, 5, 7, 9, 12];

const POINTS: usize = 5;
