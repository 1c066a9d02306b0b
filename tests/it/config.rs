//! The configuration file and `docker-broker config`: what is in force, and where it comes from.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// The program in this folder, with no environment but the given one.
fn program(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docker-broker"));
    command.args(words).env_clear().envs(variables.iter().copied()).current_dir(folder).stdin(Stdio::null());
    command.output().expect("the program runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// What `config` shows as JSON.
fn shown(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> Value {
    let words = [&["config", "--format", "json"], words].concat();
    let output = program(folder, &words, variables);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Value and origin of a setting.
fn setting(shown: &Value, listener: Option<usize>, key: &str) -> (Value, Value) {
    let settings = listener.map_or(&shown["settings"], |position| &shown["listeners"][position]["settings"]);
    let found = settings.as_array().expect("settings").iter().find(|line| line["key"] == key);
    let line = found.unwrap_or_else(|| panic!("no `{key}` in {settings}"));
    (line["value"].clone(), line["from"].clone())
}

/// A folder with a policy `agent.toml` and this configuration file as `broker.toml`.
fn folder(file: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("agent.toml"), "version = 1\nextends = \"postgres\"\n").expect("written");
    fs::write(folder.path().join("broker.toml"), file).expect("written");
    folder
}

#[test]
fn a_flag_wins_over_its_variable_over_the_file_over_the_default() {
    let folder = folder("instance = \"file\"\n[limits]\nconnections = 1\n[[listener]]\nname = \"file\"\n");
    let file = &["--config", "broker.toml"];
    for (words, variables, expected) in [
        (&["--instance", "flag"][..], &[("BROKER_INSTANCE", "variable")][..], ("flag", "flag")),
        (&[], &[("BROKER_INSTANCE", "variable")], ("variable", "variable BROKER_INSTANCE")),
        (&[], &[("BROKER_INSTANCE", "")], ("file", "file broker.toml:instance")),
    ] {
        let shown = shown(folder.path(), &[file, words].concat(), variables);
        assert_eq!(setting(&shown, None, "instance"), (json!(expected.0), json!(expected.1)));
    }
    let by_variable = shown(folder.path(), &[], &[("BROKER_CONFIG", "broker.toml"), ("BROKER_NAME", "variable")]);
    assert_eq!(setting(&by_variable, None, "limits.connections").0, json!("1"));
    assert_eq!(setting(&by_variable, Some(0), "listener.name").0, json!("variable"), "the only listener");
    let default = shown(folder.path(), &[], &[("DOCKER_HOST", "unix:///engine.sock")]);
    assert_eq!(setting(&default, None, "limits.connections"), (json!("16384"), json!("default")));
    assert_eq!(setting(&default, None, "upstream"), (json!("unix:///engine.sock"), json!("variable DOCKER_HOST")));
    assert_eq!(default["listeners"][0]["owner"].as_str().unwrap().rsplit('/').next(), Some("main"));
}

#[test]
fn listeners_have_policies_and_owners_of_their_own() {
    let folder = folder(
        "instance = \"ci\"\n[[listener]]\nname = \"a\"\naddress = \"/a.sock\"\npolicy = \"agent.toml\"\n\
         [[listener]]\nname = \"b\"\naddress = \"/b.sock\"\nmode = \"0666\"\nisolate = \"uid\"\nallow-pulls = false\n",
    );
    let shown = shown(folder.path(), &["--config", "broker.toml"], &[]);
    let of = |position: usize, key: &str| shown["listeners"][position][key].as_str().unwrap().to_owned();
    assert_eq!((of(0, "owner"), of(1, "owner")), ("ci/a".to_owned(), "ci/b/uid-N".to_owned()));
    assert_eq!(
        (of(0, "policy"), of(1, "policy")),
        ("policy file `agent.toml`".into(), "policy `postgres` (built in)".into())
    );
    assert_ne!(of(0, "policy_version"), of(1, "policy_version"));
    assert_eq!(setting(&shown, Some(0), "listener.allow-pulls"), (Value::Null, json!("default")));
    let said = setting(&shown, Some(1), "listener.allow-pulls");
    assert_eq!(said, (json!("false"), json!("file broker.toml:listener.allow-pulls")));
    assert_eq!(shown["files"], json!(["broker.toml", "agent.toml"]));
    let output = program(folder.path(), &["config", "--config", "broker.toml"], &[]);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    // a shipped policy's version changes with its text
    let version = regex::Regex::new("version [0-9a-f]{12}").expect("a pattern");
    let table = version.replace_all(text(&output.stdout), "version VERSION");
    settings.bind(|| insta::assert_snapshot!("config", table));
}

/// A file, flags and variables, and the code and words of the error.
type Wrong = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)], i32, &'static str);

const TWO: &str =
    "[[listener]]\nname = \"a\"\naddress = \"/a.sock\"\n[[listener]]\nname = \"b\"\naddress = \"/b.sock\"\n";

fn wrong() -> Vec<Wrong> {
    vec![
        (
            "upstraem = \"/x\"",
            &[],
            &[],
            78,
            "because broker.toml:1:1: `upstraem`: not a known key; the nearest known key is `upstream`",
        ),
        ("[limits]\nheader-time = \"soon\"", &[], &[], 78, "broker.toml:2:1: `limits.header-time` holds `soon`: "),
        (
            "[[listener]]\naddress = \"tcp://0.0.0.0:1\"",
            &[],
            &[],
            78,
            "broker.toml:2:1: `listener.address` holds `tcp://0.0.0.0:1`: ",
        ),
        ("[log]\nlevel = \"loud\"", &[], &[], 78, "broker.toml:2:1: `log.level` holds `loud`: write one of `off`"),
        (
            "[[listener]]\nisolate = \"pid\"",
            &[],
            &[],
            78,
            "broker.toml:2:1: `listener.isolate` holds `pid`: write one of `none`, `uid`",
        ),
        (
            "[[listener]]\nallowed-images = [\"UPPER\"]",
            &[],
            &[],
            78,
            "broker.toml:2:1: `listener.allowed-images` holds `UPPER`: ",
        ),
        ("[[listener]]\ntls = {}", &[], &[], 78, "broker.toml:2:1: `listener.tls`: not in force yet"),
        (
            TWO,
            &["--policy", "read-only"],
            &[],
            78,
            "`--policy` speaks of one listener, and the configuration file has 2",
        ),
        (TWO, &[], &[("BROKER_LISTEN", "/c.sock")], 78, "`BROKER_LISTEN` speaks of one listener, and"),
        ("[[listener]]\n[[listener]]\naddress = \"/b.sock\"", &[], &[], 78, "two listeners are called `main`"),
        ("[[listener]]\npolicy = \"postgrs\"", &[], &[], 66, "the nearest built-in one is `postgres`"),
        ("[[listener]]\npolicy = \"unrestricted\"\nmode = \"0666\"", &[], &[], 78, "--allow-unrestricted"),
        (
            "upstream = \"/a.sock\"\n[[listener]]\naddress = \"/a.sock\"",
            &[],
            &[],
            78,
            "--upstream has to name the engine's socket",
        ),
    ]
}

#[test]
fn what_is_wrong_is_said_by_config_as_by_serve() {
    for (file, words, variables, code, said) in wrong() {
        let folder = folder(file);
        for command in ["config", "serve"] {
            let words = [&[command, "--config", "broker.toml"], words].concat();
            let output = program(folder.path(), &words, variables);
            assert_eq!(output.status.code(), Some(code), "{file}: {}", text(&output.stderr));
            assert!(text(&output.stderr).contains(said), "{file}: {}", text(&output.stderr));
            assert_eq!(text(&output.stdout), "");
        }
    }
}

#[test]
fn what_is_wrong_with_one_of_several_names_the_listener() {
    let folder = folder(
        "[[listener]]\nname = \"a\"\naddress = \"/a\"\n[[listener]]\nname = \"b\"\naddress = \"/b\"\npolicy = \"bad.toml\"",
    );
    fs::write(folder.path().join("bad.toml"), "version = 1\n[image]\n").expect("written");
    let output = program(folder.path(), &["config", "--config", "broker.toml"], &[]);
    assert_eq!(output.status.code(), Some(65));
    assert!(text(&output.stderr).contains("error: listener `b` cannot be used\n  because the policy does not load"));
    assert!(text(&output.stderr).contains("bad.toml:2:2: `image`: not a known key"), "{}", text(&output.stderr));
    let output = program(folder.path(), &["config", "--config", "missing.toml"], &[]);
    assert_eq!(output.status.code(), Some(66));
}
