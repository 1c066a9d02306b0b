#![cfg(test)]
#![expect(clippy::string_slice, reason = "what the CLI prints here is ASCII, and a panic is a failed test")]
//! The docker CLI through the broker, next to the docker CLI directly: the same output, the same exit code.
//!
//! `cli-commands.toml` has the commands. All of them run against the engine first, and then against a broker in front of
//! it. Ids, times, ports and the names of the two sides are made alike; whatever differs then has to stand in
//! `cli-differences.toml`, and every row there has to be needed. Nobody else may use the engines meanwhile.

#[expect(dead_code, unreachable_pub, reason = "each end-to-end test uses its own part")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

use regex::{Captures, Regex};
use serde::Deserialize;
use support::{Broker, BrokerOptions, Engine};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commands {
    command: Vec<CliCommand>,
}

/// One or more lines of bash.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CliCommand {
    name: String,
    run: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    #[serde(default)]
    difference: Vec<Difference>,
}

/// What may differ, in which commands, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    commands: Vec<String>,
    field: String,
    pattern: String,
    reason: String,
    ends: String,
}

/// What a command did, made comparable.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// One of the two ways to the engine.
struct Side<'a> {
    engine: Engine,
    name: &'a str,
    socket: PathBuf,
    upstream: PathBuf,
    folder: tempfile::TempDir,
}

/// How many commands came out how, on one engine.
#[derive(Default)]
struct Tally {
    same: usize,
    excepted: usize,
    different: Vec<String>,
    needed_rows: BTreeSet<usize>,
}

fn main() -> ExitCode {
    let tallies: Arc<Mutex<Vec<Tally>>> = Arc::default();
    let mut trials: Vec<_> = Engine::ALL
        .into_iter()
        .map(|engine| {
            let tallies = Arc::clone(&tallies);
            support::trial(format!("engine {}", engine.name()), move || compare_on(engine, &tallies))
        })
        .collect();
    trials.push(support::trial("the table of differences", move || check_the_table(&tallies.lock().expect("tallies"))));
    support::main("e2e-cli", trials)
}

fn compare_on(engine: Engine, tallies: &Mutex<Vec<Tally>>) {
    let (commands, differences) = (commands(), differences());
    let upstream = engine.socket();
    let before = engine.listing();
    let direct = run_all(&Side::new(engine, "direct", &upstream, &upstream), &commands);
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/policies/cli.toml");
    let options = BrokerOptions { policy: policy.display().to_string(), ..BrokerOptions::default() };
    let broker = Broker::start(engine, &options);
    let through = run_all(&Side::new(engine, "broker", &broker.socket, &upstream), &commands);
    if !before.contains("busybox:1.36") {
        let _ = support::docker(engine, &upstream, &["rmi", "busybox:1.36"]);
    }
    let tally = tally(&commands, &direct, &through, &differences);
    println!(
        "\ne2e-cli: engine {} (API {}): {} commands, {} the same, {} the same but for listed differences, {} different",
        engine.name(),
        api_version(engine, &upstream),
        commands.len(),
        tally.same,
        tally.excepted,
        tally.different.len()
    );
    let failure = tally.different.join("\n\n");
    tallies.lock().expect("tallies").push(tally);
    assert!(failure.is_empty(), "{failure}\n\nthe broker's log:\n{}", broker.log());
    assert_eq!(before, engine.listing(), "what is on the engine has changed");
}

fn check_the_table(tallies: &[Tally]) {
    let differences = differences();
    assert!(differences.len() <= 10, "{} rows: at most ten", differences.len());
    for row in &differences {
        assert!(!row.reason.is_empty() && !row.ends.is_empty(), "{}: give the reason and what ends it", row.field);
        let unknown = row.commands.iter().find(|name| commands().iter().all(|command| &command.name != *name));
        assert!(unknown.is_none(), "{}: there is no command {unknown:?}", row.field);
    }
    assert_eq!(tallies.len(), Engine::ALL.len(), "rows can only be checked when the commands ran on every engine");
    let needed: BTreeSet<_> = tallies.iter().flat_map(|tally| &tally.needed_rows).collect();
    let idle: Vec<_> =
        (0..differences.len()).filter(|row| !needed.contains(row)).map(|row| &differences[row].field).collect();
    assert!(idle.is_empty(), "rows that are not needed any more: {idle:?}");
    let (same, excepted): (usize, usize) =
        (tallies.iter().map(|t| t.same).sum(), tallies.iter().map(|t| t.excepted).sum());
    println!(
        "\ne2e-cli: both engines: {} commands, {same} the same, {excepted} but for {} of at most 10 listed differences",
        same + excepted,
        differences.len()
    );
}

impl<'a> Side<'a> {
    fn new(engine: Engine, name: &'a str, socket: &Path, upstream: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { engine, name, socket: socket.to_owned(), upstream: upstream.to_owned(), folder }
    }

    fn run(&self, command: &CliCommand) -> Outcome {
        let support = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/support");
        let script = format!(
            "engine() {{ DOCKER_HOST=unix://{} docker \"$@\"; }}\npty() {{ {}/pty \"$@\"; }}\n{}",
            self.upstream.display(),
            support.display(),
            command.run
        );
        let mut bash = Command::new(support::lab_script());
        bash.args(["cell", self.engine.name(), "timeout", "-k5", "60", "bash", "-c", &script]);
        bash.env("DOCKER_HOST", format!("unix://{}", self.socket.display()));
        bash.env("C", format!("cli-{}", self.name)).env("DIR", self.folder.path());
        bash.env("DOCKER_CONFIG", self.folder.path().join("config")).env("LC_ALL", "C.UTF-8");
        for variable in ["DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"] {
            bash.env_remove(variable);
        }
        let output = support::run_with_input(bash, b"").expect("bash");
        Outcome {
            code: output.status.code(),
            stdout: self.comparable(&String::from_utf8_lossy(&output.stdout)),
            stderr: self.comparable(&String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// The text without what is different each time.
    fn comparable(&self, text: &str) -> String {
        let text = text.replace(&self.folder.path().display().to_string(), "<dir>");
        let text = text.replace(&self.socket.display().to_string(), "<socket>");
        let text = text.replace(&format!("cli-{}", self.name), "<side>");
        let text = ALIKE.iter().fold(text, |text, (pattern, alike)| {
            Regex::new(pattern).expect("a pattern").replace_all(&text, *alike).into_owned()
        });
        number_the_ids(&layer_by_layer(&text))
    }
}

/// Removes what a failed command left, also when the test fails.
impl Drop for Side<'_> {
    fn drop(&mut self) {
        let list = ["ps", "-aq", "--filter", &format!("name=cli-{}", self.name)];
        let ids = String::from_utf8_lossy(&support::docker(self.engine, &self.upstream, &list).stdout).into_owned();
        for id in ids.split_whitespace() {
            let _ = support::docker(self.engine, &self.upstream, &["rm", "-fv", id]);
        }
    }
}

fn run_all(side: &Side<'_>, commands: &[CliCommand]) -> Vec<Outcome> {
    commands.iter().map(|command| side.run(command)).collect()
}

/// Layers are fetched beside each other, so whose line comes first is chance; what is said of one layer has its order.
fn layer_by_layer(text: &str) -> String {
    let progress = Regex::new(r"^([0-9a-f]{12}): (Already|Pull)").expect("a pattern");
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    for layers in lines.chunk_by_mut(|left, right| progress.is_match(left) && progress.is_match(right)) {
        layers.sort_by_key(|line| progress.captures(line).map(|found| found[1].to_owned()));
    }
    lines.concat()
}

/// Ids become numbers in the order in which they are first seen: the same one stays the same one.
fn number_the_ids(text: &str) -> String {
    let ids = Regex::new(r"\b([0-9a-f]{64}|[0-9a-f]{12})\b").expect("a pattern");
    let mut numbers = BTreeMap::new();
    ids.replace_all(text, |found: &Captures<'_>| {
        let next = numbers.len() + 1;
        format!("<id {}>", numbers.entry(found[1][..12].to_owned()).or_insert(next))
    })
    .into_owned()
}

fn tally(commands: &[CliCommand], direct: &[Outcome], through: &[Outcome], differences: &[Difference]) -> Tally {
    let mut tally = Tally::default();
    for ((command, direct), through) in commands.iter().zip(direct).zip(through) {
        let rows: Vec<_> =
            (0..differences.len()).filter(|&row| differences[row].commands.contains(&command.name)).collect();
        let are_alike = |rows: &[usize]| without(direct, rows, differences) == without(through, rows, differences);
        if direct == through {
            tally.same += 1;
        } else if are_alike(&rows) {
            tally.excepted += 1;
            let others = |row| rows.iter().copied().filter(|other| *other != row).collect::<Vec<_>>();
            tally.needed_rows.extend(rows.iter().filter(|&&row| !are_alike(&others(row))));
        } else {
            let [left, right] = [direct, through].map(|outcome| without(outcome, &rows, differences));
            tally.different.push(explain(&command.name, &left, &right));
        }
    }
    tally
}

fn without(outcome: &Outcome, rows: &[usize], differences: &[Difference]) -> Outcome {
    rows.iter().fold(outcome.clone(), |outcome, &row| {
        let pattern = Regex::new(&differences[row].pattern).expect("a pattern");
        let [stdout, stderr] =
            [&outcome.stdout, &outcome.stderr].map(|text| pattern.replace_all(text, "").into_owned());
        Outcome { code: outcome.code, stdout, stderr }
    })
}

/// The lines that only one side has.
fn explain(name: &str, direct: &Outcome, through: &Outcome) -> String {
    let mut out = format!("{name}: exit {:?} directly, {:?} through the broker", direct.code, through.code);
    for (stream, direct, through) in
        [("stdout", &direct.stdout, &through.stdout), ("stderr", &direct.stderr, &through.stderr)]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let [left, right] = [("direct", direct), ("broker", through)].map(|(side, text)| {
            let path = folder.path().join(side);
            fs::write(&path, text).expect("a file");
            path
        });
        let diff = Command::new("diff").arg("-U1").args([left, right]).output().expect("diff");
        let lines = String::from_utf8_lossy(&diff.stdout).into_owned();
        for line in lines.lines().skip(2) {
            out.push_str(&format!("\n  {stream} {line}"));
        }
    }
    out
}

fn api_version(engine: Engine, socket: &Path) -> String {
    let output = support::docker(engine, socket, &["version", "--format", "{{.Server.APIVersion}}"]);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn commands() -> Vec<CliCommand> {
    let commands: Commands = toml::from_str(include_str!("cli-commands.toml")).expect("cli-commands.toml");
    commands.command
}

fn differences() -> Vec<Difference> {
    let differences: Differences = toml::from_str(include_str!("cli-differences.toml")).expect("cli-differences.toml");
    differences.difference
}

/// What is different each time, and what stands for it.
const ALIKE: [(&str, &str); 10] = [
    // the CLI says so itself when it still packs while the answer is there already
    (r#"(?m)^time="[^"]*" level=error msg="Can't .*\n"#, ""),
    // engines say these only where they last long enough to be seen: progress is sent at intervals
    (r"(?m)^[0-9a-f]{12}: (Download complete|Extracting|Verifying Checksum|Waiting)\n", ""),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?( [+-]\d{4} [A-Z]+)?", "<time>"),
    (
        r"(Up|Exited \(\d+\)|Created|Dead)? ?(Less than a second|About an? \w+|\d+ (seconds?|minutes?|hours?|days?))( ago)?",
        "$1 <while>",
    ),
    (r"\b127\.0\.0\.1:\d{4,5}\b", "127.0.0.1:<port>"),
    (r#""HostPort": "\d{4,5}""#, r#""HostPort": "<port>""#),
    (r"\b172\.17\.0\.([2-9]|\d\d+)\b", "<address>"),
    (r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "<mac>"),
    (r#""(Pid)": \d+"#, r#""$1": <number>"#),
    (r"  +", "  "),
];
