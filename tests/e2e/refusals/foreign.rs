//! What is somebody else's looks, byte for byte, like what does not exist.

use serde::Deserialize;
use serde_json::json;

use crate::raw::Answer;
use crate::scene::{Scene, ask, assert_only_inspects, try_direct};
use crate::support::text;

/// Requests and commands about a container or an exec.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Foreign {
    requests: Vec<String>,
    cli: Vec<Vec<String>>,
    differs: Vec<Differs>,
}

/// A request to which the engine itself answers otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Differs {
    request: String,
    #[serde(rename = "reason")]
    _reason: String,
}

type Check = Box<dyn FnOnce(&Scene) + Send>;

impl Foreign {
    pub(crate) fn trials(self) -> Vec<(String, Check)> {
        let Self { requests, cli, differs } = self;
        assert!(differs.iter().all(|row| requests.contains(&row.request)), "a difference of no request");
        let requests = requests.into_iter().map(move |line| {
            let differs = differs.iter().any(|row| row.request == line);
            let check: Check = if line.contains("{exec}") {
                let line = line.clone();
                Box::new(move |scene| check_exec(scene, &line))
            } else if let Some(slot) = ["net", "vol"].into_iter().find(|slot| line.contains(&format!("{{{slot}}}"))) {
                let line = line.clone();
                Box::new(move |scene| {
                    let (slot, foreign, missing) =
                        (format!("{{{slot}}}"), format!("foreign-{slot}"), format!("missing-{slot}"));
                    compare(scene, &line, (&slot, differs), &foreign, &missing);
                })
            } else {
                let line = line.clone();
                Box::new(move |scene| check_container(scene, &line, differs))
            };
            (format!("foreign {line}"), check)
        });
        let cli = cli.into_iter().map(|words| {
            let name = format!("foreign docker {}", words.join(" "));
            let check: Check = Box::new(move |scene| check_cli(scene, &words));
            (name, check)
        });
        requests.chain(cli).collect()
    }
}

/// By name, full ID and prefix: as a missing one through the broker, and as a missing one on the engine itself.
fn check_container(scene: &Scene, line: &str, differs: bool) {
    let full = other_id(&scene.foreign);
    for (foreign, missing) in [
        ("foreign", "missing"),
        (&scene.foreign, &full),
        (&scene.foreign[..12], &full[..12]),
        (&scene.foreign[..4], &full[..4]),
    ] {
        compare(scene, line, ("{}", differs), foreign, missing);
    }
    let running = try_direct(&scene.upstream, &["inspect", "-f", "{{.State.Running}}", "foreign"]);
    assert_eq!(String::from_utf8_lossy(&running.stdout).trim(), "true");
}

fn check_exec(scene: &Scene, line: &str) {
    compare(scene, line, ("{exec}", false), &scene.foreign_exec, &other_id(&scene.foreign_exec));
}

fn compare(scene: &Scene, line: &str, (slot, differs): (&str, bool), foreign: &str, missing: &str) {
    let request = |reference: &str| line.replace(slot, reference);
    let body = match line {
        line if line.ends_with("/exec") => Some(json!({"Cmd": ["true"]})),
        line if line.starts_with("POST /exec/") && line.ends_with("/start") => Some(json!({})),
        line if line.ends_with("/update") => Some(json!({"Memory": 8_388_608})),
        line if line.ends_with("connect") => Some(json!({"Container": "own"})),
        _ => None,
    };
    let broker = if ["{net}", "{vol}"].contains(&slot) { &scene.granted } else { &scene.broker };
    let ask_broker = |reference: &str| ask(&broker.socket(), &request(reference), body.as_ref());
    let mark = scene.tap.mark();
    let answer = bytes(&ask_broker(foreign), foreign);
    assert_only_inspects(&scene.tap.since(mark), foreign);
    assert_eq!(answer, bytes(&ask_broker(missing), missing), "through the broker, {foreign}");
    let engine = ask(&scene.upstream, &request(missing), body.as_ref());
    let engines = bytes(&engine, missing);
    assert!((answer != engines) == differs, "{foreign}: the engine itself says\n{engines}\nthe broker says\n{answer}");
    assert_eq!(engine.status, 404, "{}", engine.text());
}

/// Everything that a client sees but the time and the length of the name, with the name taken out.
fn bytes(answer: &Answer, reference: &str) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| {
            !["date", "content-length", "connection"].contains(&name.as_str()) && !SELF.contains(&name.as_str())
        })
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    headers.sort();
    format!("{} {headers:?}\n{}", answer.status, answer.text()).replace(reference, "REFERENCE")
}

fn check_cli(scene: &Scene, words: &[String]) {
    let run = |socket: &std::path::Path, reference: &str| {
        let words: Vec<String> = words.iter().map(|word| word.replace("{}", reference)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        text(&try_direct(socket, &words)).replace(reference, "REFERENCE")
    };
    let mark = scene.tap.mark();
    let foreign = run(&scene.broker.socket(), "foreign");
    let seen: Vec<_> = scene.tap.since(mark).into_iter().filter(|seen| !seen.line().ends_with("/_ping")).collect();
    assert_only_inspects(&seen, "foreign");
    assert_eq!(foreign, run(&scene.broker.socket(), "missing"), "through the broker");
    assert_eq!(foreign, run(&scene.upstream, "missing"), "on the engine");
}

/// Another ID that nothing has.
fn other_id(id: &str) -> String {
    id.chars()
        .map(|c| if c == 'f' { '0' } else { char::from_digit(c.to_digit(16).unwrap_or(0) + 1, 16).unwrap_or('0') })
        .collect()
}

/// What an engine says of itself with every answer, which a broker says where it relays an answer; and what a broker says
/// of itself with every answer.
const SELF: [&str; 5] = ["api-version", "docker-experimental", "ostype", "server", "docker-broker"];
