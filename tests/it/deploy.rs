//! What is shipped for installing is understood by the program that it installs, and the guide speaks of things that exist.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regex::Regex;

#[test]
fn every_shipped_policy_loads() {
    let policies = files_in("deploy/policies");
    assert!(policies.len() >= 2, "{policies:?}");
    for policy in policies {
        assert_checks(&policy);
    }
}

#[test]
fn a_policy_that_is_wrong_would_be_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("agent.toml");
    let text = read("deploy/policies/agent1.toml");
    for (from, to) in [("names = [\"agent1-*\"]", "names = [\"*\"]"), ("attach", "atach")] {
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replace(from, to)).expect("a policy");
        assert!(!program(&["check", &path.display().to_string()]).status.success(), "`{to}` loads");
    }
}

#[test]
fn every_policy_in_the_guide_loads() {
    let policies = blocks("toml").into_iter().filter(|block| block.starts_with("# policy: "));
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = 0;
    for policy in policies {
        seen += 1;
        let path = folder.path().join(format!("guide-{seen}.toml"));
        fs::write(&path, policy).expect("a policy");
        assert_checks(&path);
    }
    assert!(seen > 0, "the guide shows no policy");
}

#[test]
fn the_policies_of_the_agents_differ_in_their_names_only() {
    let [first, second] = ["agent1", "agent2"].map(|agent| read(&format!("deploy/policies/{agent}.toml")));
    let settings = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(settings(&first.replace("agent1", "agent2")), settings(&second));
}

#[test]
fn the_guide_explains_every_exit_code() {
    let help = String::from_utf8(program(&["--help"]).stdout).expect("text");
    let (_, codes) = help.split_once("Exit codes:").expect("exit codes");
    let codes = codes.lines().filter_map(|line| line.split_whitespace().next());
    let codes: Vec<&str> = codes.filter(|word| word.parse::<u8>().is_ok()).collect();
    let (_, guide) = GUIDE_TEXT.split_once("## Exit codes").expect("a chapter");
    let (guide, _) = guide.split_once("\n## ").expect("a next chapter");
    let row = Regex::new(r"(?m)^\| (\d+) \|").expect("a pattern");
    let explained: Vec<&str> = row.captures_iter(guide).filter_map(|row| Some(row.get(1)?.as_str())).collect();
    assert_eq!(codes, explained);
}

#[test]
fn flags_and_variables_that_are_named_exist() {
    let help = String::from_utf8(program(&["serve", "--help"]).stdout).expect("text");
    let (flag, variable) = (Regex::new(r"`(--[a-z-]+)`"), Regex::new(r"\b(BROKER_[A-Z_]+)\b"));
    let (flag, variable) = (flag.expect("a pattern"), variable.expect("a pattern"));
    let mut named: Vec<String> = flag.captures_iter(GUIDE_TEXT).map(|found| found[1].to_owned()).collect();
    let texts = ["Dockerfile", "compose.yml", "deploy/agent.compose.yml", "deploy/second-agent.compose.yml"].map(read);
    for text in texts.iter().map(String::as_str).chain([GUIDE_TEXT]) {
        named.extend(variable.captures_iter(text).map(|found| found[1].to_owned()));
    }
    // compose's own, for the image
    named.retain(|name| name != "BROKER_IMAGE");
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        let whole = Regex::new(&format!(r"{name}($|[^A-Za-z_-])")).expect("a pattern");
        assert!(whole.is_match(&help), "`{name}` is in no line of `serve --help`");
    }
}

#[test]
fn commands_of_the_program_that_are_named_exist() {
    let help = String::from_utf8(program(&["--help"]).stdout).expect("text");
    let command = Regex::new(r"docker-broker (serve|check|explain|healthcheck|policy|run|sweep|doctor)\b");
    let named: Vec<&str> = command.expect("a pattern").find_iter(GUIDE_TEXT).map(|found| found.as_str()).collect();
    assert!(named.len() > 5, "{named:?}");
    for name in named {
        let word = name.rsplit(' ').next().unwrap_or_default();
        assert!(help.lines().any(|line| line.trim_start().starts_with(word)), "there is no `{name}`");
    }
}

/// Effective from the version on that has `config`: before, the service cannot be installed from this checkout.
#[test]
fn the_configuration_of_the_service_is_understood() {
    let help = String::from_utf8(program(&["--help"]).stdout).expect("text");
    let serve = String::from_utf8(program(&["serve", "--help"]).stdout).expect("text");
    let has_config = help.lines().any(|line| line.trim_start().starts_with("config "));
    assert_eq!(has_config, serve.contains("--config"), "`config` shows what `serve --config` reads");
    if has_config {
        let output = program(&["config", "--config", "deploy/systemd/config.toml"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        for value in ["unix:///run/docker-broker/docker.sock", "uid", "/var/log/docker-broker/audit.json"] {
            assert!(shown.contains(value), "`{value}` is not in force: {shown}");
        }
    }
    let unit = read("deploy/systemd/docker-broker.service");
    assert!(unit.contains("serve --config /etc/docker-broker/config.toml"), "{unit}");
}

#[test]
fn links_and_files_of_the_guide_exist() {
    let link = Regex::new(r"\]\(([^)#]*)(?:#([^)]*))?\)").expect("a pattern");
    let anchors: Vec<String> = GUIDE_TEXT.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    for found in link.captures_iter(GUIDE_TEXT) {
        let file = &found[1];
        assert!(file.is_empty() || root().join("docs").join(file).exists(), "{file}");
        if let Some(part) = found.get(2).filter(|_| file.is_empty()) {
            assert!(anchors.iter().any(|anchor| anchor == part.as_str()), "#{}", part.as_str());
        }
    }
    let named = Regex::new(r"\bdeploy/[a-z0-9./-]*[a-z0-9]").expect("a pattern");
    for found in named.find_iter(GUIDE_TEXT).chain(named.find_iter(&read("compose.yml"))) {
        assert!(root().join(found.as_str()).exists(), "{}", found.as_str());
    }
}

#[test]
fn the_build_leaves_out_everything_that_is_not_listed() {
    let ignored = read(".dockerignore");
    let lines: Vec<&str> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, ["*", "!Cargo.toml", "!Cargo.lock", "!src", "!policy"]);
    let dockerfile = read("Dockerfile");
    for only_one_builder in ["--mount", "--chmod", "--link", "<<", "ADD ", "# syntax"] {
        let used = dockerfile.lines().filter(|line| !line.starts_with("# ") || line.starts_with("# syntax"));
        assert_eq!(used.filter(|line| line.contains(only_one_builder)).count(), 0, "{only_one_builder}");
    }
}

fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|letter| letter.is_alphanumeric() || *letter == ' ' || *letter == '-');
    kept.collect::<String>().replace(' ', "-")
}

fn assert_checks(policy: &Path) {
    let output = program(&["check", &policy.display().to_string()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// The fenced blocks of this language.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    for part in GUIDE_TEXT.split("```").skip(1).step_by(2) {
        if let Some(text) = part.strip_prefix(language).and_then(|text| text.strip_prefix('\n')) {
            blocks.push(text.to_owned());
        }
    }
    blocks
}

fn files_in(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn program(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_docker-broker"))
        .args(words)
        .current_dir(root())
        .env_clear()
        .output()
        .expect("the program")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

const GUIDE_TEXT: &str = include_str!("../../docs/operations-guide.md");
