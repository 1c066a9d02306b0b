//! The program as people and scripts run it: what it prints, and what it ends with.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{fs, thread};

/// The program with no environment but the given one.
fn program(words: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docker-broker"));
    command.args(words).env_clear().envs(variables.iter().copied()).stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> Output {
    program(words, &[]).output().expect("the program runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

/// Compares with the text of that name under `tests/snapshots`.
fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn mistakes_on_the_command_line_end_with_64_and_say_what_was_wrong() {
    for (words, said) in [
        (&[][..], "Usage: docker-broker <COMMAND>"),
        (&["policy"], "Usage: docker-broker policy <COMMAND>"),
        (&["sevre"], "docker-broker: error: unrecognized subcommand 'sevre'"),
        (&["serve", "--listn", "x"], "docker-broker: error: unexpected argument '--listn' found"),
        (&["check"], "docker-broker: error: the following required arguments were not provided"),
        (&["policy", "new", "postgres"], "a built-in policy has this name"),
    ] {
        let output = run(words);
        assert_eq!((code(&output), stdout(&output)), (64, ""), "{words:?}");
        assert!(stderr(&output).contains(said), "{words:?}: {}", stderr(&output));
    }
}

#[test]
fn help_teaches() {
    for words in [
        &["--help"][..],
        &["serve", "--help"],
        &["run", "--help"],
        &["config", "--help"],
        &["check", "--help"],
        &["policy", "--help"],
        &["policy", "new", "--help"],
        &["policy", "schema", "--help"],
        &["explain", "--help"],
        &["audit", "--help"],
        &["audit", "summary", "--help"],
        &["doctor", "--help"],
        &["operations", "--help"],
        &["healthcheck", "--help"],
        &["completion", "--help"],
    ] {
        let output = run(words);
        assert_eq!((code(&output), stderr(&output)), (0, ""), "{words:?}");
        snapshot(&format!("help-{}", words.join("-").replace("---help", "").replace("--help", "all")), stdout(&output));
    }
}

#[test]
fn help_shows_the_names_of_variables_and_not_what_they_hold() {
    let output = program(&["serve", "--help"], &[("BROKER_INSTANCE", "held-value")]).output().expect("runs");
    assert!(stdout(&output).contains("BROKER_INSTANCE") && !stdout(&output).contains("held-value"));
}

#[test]
fn the_table_of_operations_is_the_promised_one() {
    snapshot("operations", stdout(&run(&["operations"])));
    let json: serde_json::Value =
        serde_json::from_slice(&run(&["operations", "--format", "json"]).stdout).expect("JSON");
    let rows = json.as_array().expect("a list");
    assert_eq!(rows.len(), stdout(&run(&["operations"])).lines().count() - 1);
    let document = run(&["operations", "--format", "markdown"]);
    assert_eq!(rows.len(), stdout(&document).lines().filter(|line| line.starts_with("| ")).count() - 1);
    let output = run(&["operations", "--policy", "read-only"]);
    let open: Vec<&str> = stdout(&output).lines().filter(|line| line.contains(" yes ")).collect();
    assert!(
        open.iter().any(|line| line.starts_with("ContainerInspect ")) && !open.iter().any(|line| line.contains("POST"))
    );
}

#[test]
fn checking_says_where_and_what_and_ends_with_a_code_for_scripts() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str, text: &str| {
        fs::write(directory.path().join(name), text).expect("written");
        name.to_owned()
    };
    let bad = path(
        "bad.toml",
        "version = 1\nextends = \"postgres\"\n[images]\nalow = [\"redis:7\"]\n[containers]\nexec = \"yes\"\n",
    );
    let doubtful = path("doubtful.toml", "version = 1\nextends = \"postgres\"\n[containers]\nenv = [\"*\"]\n");
    let good = path("good.toml", "version = 1\nreason = \"nothing\"\n");
    let check = |words: &[&str]| {
        let words = [&["check"], words].concat();
        program(&words, &[]).current_dir(directory.path()).output().expect("runs")
    };
    for (words, expected) in [
        (&[good.as_str()][..], 0),
        (&[&doubtful, "postgres"], 0),
        (&["--strict", &doubtful], 65),
        (&[&bad, &good], 65),
        (&["missing.toml", &good], 66),
        (&["missing.toml", &bad], 66),
    ] {
        assert_eq!(code(&check(words)), expected, "{words:?}");
    }
    let output = check(&[&bad, &doubtful, &good, "postgres", "missing.toml"]);
    snapshot("check", &format!("{}--- standard error\n{}", stdout(&output), stderr(&output)));
}

#[test]
fn a_new_policy_passes_the_check_and_is_never_written_over_another() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("agent.toml");
    let path = path.to_str().expect("UTF-8");
    for base in
        [None, Some("postgres"), Some("testcontainers"), Some("read-only"), Some("deny-all"), Some("unrestricted")]
    {
        let extends = base.map_or_else(Vec::new, |base| vec!["--extends", base]);
        let output = run(&[vec!["policy", "new", "agent", "--output", path], extends].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert_eq!(code(&run(&["check", path])), 0, "{base:?}");
        fs::remove_file(path).expect("removed");
    }
    fs::write(path, "mine").expect("written");
    let output = run(&["policy", "new", "agent", "--output", path]);
    assert_eq!(code(&output), 73);
    assert!(stderr(&output).starts_with("docker-broker: error: cannot create `"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(path).expect("read"), "mine");
    snapshot("policy-new", stdout(&run(&["policy", "new", "agent", "--extends", "postgres"])));
}

#[test]
fn built_in_policies_are_shown_as_they_are() {
    for line in stdout(&run(&["policy", "list"])).lines() {
        let name = line.split_whitespace().next().expect("a name");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy").join(format!("{name}.toml"));
        assert_eq!(stdout(&run(&["policy", "show", name])), fs::read_to_string(file).expect("shipped"));
    }
    assert!(stdout(&run(&["policy", "reference"])).starts_with("# Policy keys\n"));
    assert_eq!(code(&run(&["policy", "show", "nothing"])), 66);
}

#[test]
fn what_cannot_be_served_is_said_before_anything_starts() {
    let bad_time = program(&["serve"], &[("BROKER_HEADER_TIME", "soon")]).output().expect("runs");
    assert_eq!(code(&bad_time), 78);
    assert!(stderr(&bad_time).starts_with("docker-broker: error: variable `BROKER_HEADER_TIME` holds `soon`: "));
    let open = run(&["serve", "--policy", "unrestricted", "--socket-mode", "0666"]);
    assert_eq!((code(&open), stdout(&open)), (78, ""));
    snapshot("unrestricted-on-an-open-socket", stderr(&open));
}

/// A broker that answers every ping with these bytes.
fn answering(path: &Path, answer: &'static [u8]) {
    let listener = UnixListener::bind(path).expect("a socket");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).expect("a request");
            stream.write_all(answer).expect("answered");
        }
    });
}

#[test]
fn health_is_what_the_broker_answers() {
    let directory = tempfile::tempdir().expect("a directory");
    let (good, bad) = (directory.path().join("good.sock"), directory.path().join("bad.sock"));
    let nobody = directory.path().join("nobody.sock");
    answering(&good, b"HTTP/1.1 200 OK\r\n\r\nOK");
    answering(&bad, b"HTTP/1.1 502 Bad Gateway\r\n\r\n");
    let ask = |path: &Path| run(&["healthcheck", "--listen", path.to_str().expect("UTF-8")]);
    assert_eq!(code(&ask(&nobody)), 1);
    let output = ask(&bad);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).ends_with("answers its ping with 502\n"), "{}", stderr(&output));
    assert_eq!((code(&ask(&good)), stderr(&ask(&good))), (0, ""));
    let variable = good.to_str().expect("UTF-8");
    let output = program(&["healthcheck"], &[("BROKER_LISTEN", variable)]).output().expect("runs");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn a_reader_that_leaves_is_no_error_and_a_full_disk_is() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let output = program(&["policy", "reference"], &[]).stdout(full).output().expect("runs");
    assert_eq!(code(&output), 74);
    let mut child =
        program(&["policy", "reference"], &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert_eq!((code(&output), stderr(&output)), (0, ""));
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    for words in [&["--help"][..], &["serve", "--bad"], &["check", "postgres"]] {
        let output = run(words);
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{words:?}");
    }
}

#[test]
fn every_shell_gets_its_completion() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completion", shell]);
        assert_eq!(code(&output), 0);
        assert!(stdout(&output).contains("healthcheck"), "{shell}");
    }
}

#[test]
fn a_directory_is_no_policy() {
    let output = run(&["check", "/"]);
    assert_eq!(code(&output), 66);
    assert_eq!(stderr(&output), "docker-broker: error: cannot read the policy file `/`\n  because is a directory\n");
}
