//! What `serve` makes of flags and variables, without running anything.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::audit::{AuditConfig, Format, Sink};
use crate::bounds::Bounds;
use crate::config::{ListenerConfig, resolve};
use crate::policy::compile::AttachMode;
use crate::policy::pattern::ImageReference;

/// What `serve` would run with.
fn config(words: &[&str], environment: &Environment) -> Result<ServeConfig, Failure> {
    let words: Vec<String> = ["docker-broker", "serve"].iter().chain(words).map(ToString::to_string).collect();
    let read::Read::Run(all) = read::read(&words, environment)? else { panic!("a help page") };
    Ok(resolve(serve::told(all), environment, environment.unknown(&Cli::command()))?)
}

fn listener(config: &ServeConfig) -> &ListenerConfig {
    let [listener] = config.listeners.as_slice() else { panic!("one listener: {config:?}") };
    listener
}

fn with(words: &[&str]) -> ServeConfig {
    config(words, &Environment::default()).unwrap_or_else(|failure| panic!("{}", failure.message()))
}

fn with_variables<const N: usize>(variables: [(&str, &str); N]) -> ServeConfig {
    config(&[], &Environment::from(variables)).unwrap_or_else(|failure| panic!("{}", failure.message()))
}

fn failure<const N: usize>(words: &[&str], variables: [(&str, &str); N]) -> (Exit, String) {
    let failure = config(words, &Environment::from(variables)).expect_err("refused");
    (failure.exit, failure.message())
}

/// What an operator is told, but for what depends on the machine that runs the tests.
fn warnings(config: &ServeConfig) -> Vec<&str> {
    let warnings = config.warnings.iter().map(String::as_str);
    warnings.filter(|warning| !warning.contains("/etc/machine-id")).collect()
}

fn allows(config: &ServeConfig, image: &str) -> bool {
    listener(config).policy.allows_image(&ImageReference::parse(image).unwrap())
}

#[test]
fn a_value_that_cannot_be_read_is_an_error_that_names_what_held_it() {
    let cases = [
        ("BROKER_LISTEN", "tcp://0.0.0.0:2375"),
        ("BROKER_UPSTREAM", "docker.sock"),
        ("BROKER_SOCKET_MODE", "rw"),
        ("BROKER_SOCKET_GROUP", "-x"),
        ("BROKER_NAME", "a/b"),
        ("BROKER_INSTANCE", "a b"),
        ("BROKER_ALLOW_UNRESTRICTED", "perhaps"),
        ("BROKER_ALLOWED_IMAGE", "https://postgres"),
        ("BROKER_ALLOWED_IMAGES", "postgres:16,UPPER"),
        ("BROKER_ALLOWED_ENV", "A=b"),
        ("BROKER_ALLOW_PULLS", "maybe"),
        ("BROKER_ATTACH_NETWORKS", "host"),
        ("BROKER_ATTACH_NETWORK", "host"),
        ("BROKER_ATTACH_MODE", "both"),
        ("BROKER_AUDIT_FORMAT", "xml"),
        ("BROKER_AUDIT_REQUIRED", "2"),
        ("BROKER_LOG_LEVEL", "loud"),
        ("BROKER_LOG_FORMAT", "xml"),
        ("BROKER_HEADER_BYTES", "1"),
        ("BROKER_HEADER_TIME", "soon"),
        ("BROKER_JSON_DEPTH", "-1"),
    ];
    for (variable, value) in cases {
        let (exit, message) = failure(&[], [(variable, value)]);
        assert_eq!(exit, Exit::Config, "{message}");
        assert!(message.contains(&format!("`{variable}`")), "{message}");
        let shown = value.rsplit(',').next().unwrap();
        assert!(message.contains(&format!("`{shown}`")), "{message}");
    }
}

#[test]
fn the_same_value_in_a_flag_is_a_mistake_of_the_command_line() {
    for flag in
        ["--listen=tcp://x", "--socket-mode=rw", "--log-level=loud", "--allow-pulls=maybe", "--header-time=soon"]
    {
        let (exit, message) = failure(&[flag], []);
        assert_eq!(exit, Exit::Usage, "{message}");
        assert!(message.contains(flag.split('=').next().unwrap()), "{message}");
    }
    assert_eq!(failure(&["--no-such-flag"], []).0, Exit::Usage);
    let (exit, message) = failure(&["--allowed-image", "https://postgres"], []);
    assert_eq!(exit, Exit::Config);
    assert!(message.contains("`--allowed-image` holds `https://postgres`"), "{message}");
}

#[test]
fn defaults_are_safe() {
    let config = with(&[]);
    assert_eq!(listener(&config).listen.to_string(), "unix:///run/docker-broker/docker.sock");
    assert_eq!(listener(&config).mode, 0o600);
    assert_eq!(config.upstream.to_string(), "unix:///var/run/docker.sock");
    assert_eq!(listener(&config).policy.name, "postgres");
    assert_eq!(config.instance.len(), 12);
    assert_eq!(config.audit, AuditConfig { sink: Sink::Stdout, format: Format::Json, required: false });
    assert_eq!(format!("{:?}", config.bounds), format!("{:?}", Bounds::default()));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line a variable")]
fn every_variable_means_what_its_flag_means() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("auth.json");
    std::fs::write(&credentials, r#"{"auths": {"r.example": {"auth": "dTpw"}}}"#).unwrap();
    let credentials = credentials.to_str().unwrap();
    let pairs = [
        ("--listen", "BROKER_LISTEN", "unix:///a.sock"),
        ("--upstream", "BROKER_UPSTREAM", "unix:///b.sock"),
        ("--policy", "BROKER_POLICY", "read-only"),
        ("--socket-mode", "BROKER_SOCKET_MODE", "0660"),
        ("--socket-group", "BROKER_SOCKET_GROUP", "docker"),
        ("--name", "BROKER_NAME", "agent1"),
        ("--isolate", "BROKER_ISOLATE", "uid"),
        ("--instance", "BROKER_INSTANCE", "ci"),
        ("--allowed-image", "BROKER_ALLOWED_IMAGE", "redis"),
        ("--allowed-tag", "BROKER_ALLOWED_TAG", "15"),
        ("--allowed-images", "BROKER_ALLOWED_IMAGES", "redis:7, mysql:8"),
        ("--allowed-env", "BROKER_ALLOWED_ENV", "A_*, B"),
        ("--allow-pulls", "BROKER_ALLOW_PULLS", "false"),
        ("--attach-networks", "BROKER_ATTACH_NETWORKS", "dev-internal"),
        ("--attach-mode", "BROKER_ATTACH_MODE", "add"),
        ("--registry-auth-file", "BROKER_REGISTRY_AUTH_FILE", credentials),
        ("--audit", "BROKER_AUDIT", "/var/log/audit.json"),
        ("--audit-format", "BROKER_AUDIT_FORMAT", "text"),
        ("--audit-required", "BROKER_AUDIT_REQUIRED", "true"),
        ("--header-bytes", "BROKER_HEADER_BYTES", "16384"),
        ("--header-fields", "BROKER_HEADER_FIELDS", "50"),
        ("--header-time", "BROKER_HEADER_TIME", "5s"),
        ("--body-time", "BROKER_BODY_TIME", "5s"),
        ("--json-bytes", "BROKER_JSON_BYTES", "5"),
        ("--create-bytes", "BROKER_CREATE_BYTES", "5"),
        ("--json-depth", "BROKER_JSON_DEPTH", "5"),
        ("--connections-per-peer", "BROKER_CONNECTIONS_PER_PEER", "5"),
        ("--connections", "BROKER_CONNECTIONS", "5"),
        ("--streams-per-owner", "BROKER_STREAMS_PER_OWNER", "5"),
        ("--answer-bytes", "BROKER_ANSWER_BYTES", "5"),
        ("--answer-time", "BROKER_ANSWER_TIME", "5s"),
        ("--archive-bytes", "BROKER_ARCHIVE_BYTES", "5"),
        ("--archive-entries", "BROKER_ARCHIVE_ENTRIES", "5"),
        ("--drain-time", "BROKER_DRAIN_TIME", "5s"),
    ];
    // what differs by design: words that say where a value came from
    let shown = |mut config: ServeConfig| {
        config.upstream_choice = String::new();
        config.listeners.iter_mut().for_each(|listener| listener.policy_version = String::new());
        format!("{config:?}").replace("BROKER_", "").replace("--", "").replace(['_', '-'], "").to_lowercase()
    };
    let default = shown(with(&[]));
    let mut tried: Vec<&str> = Vec::new();
    for (flag, variable, value) in pairs {
        let by_flag = shown(with(&[&format!("{flag}={value}")]));
        assert_eq!(by_flag, shown(with_variables([(variable, value)])), "{flag}");
        if flag != "--attach-mode" {
            assert_ne!(by_flag, default, "{flag} changes nothing");
        }
        tried.push(flag);
    }
    let definition = Cli::command();
    let all = definition.find_subcommand("serve").unwrap().get_arguments().filter_map(clap::Arg::get_long);
    let elsewhere = ["help", "allow-unrestricted", "log-level", "log-format", "config"];
    for flag in all.filter(|flag| !elsewhere.contains(flag)) {
        assert!(tried.contains(&format!("--{flag}").as_str()), "--{flag} is not tried");
    }
}

#[test]
fn every_flag_of_serve_has_a_variable() {
    let definition = Cli::command();
    for argument in definition.find_subcommand("serve").unwrap().get_arguments() {
        let flag = argument.get_long().unwrap();
        let variable = argument.get_env().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
        let expected = format!("BROKER_{}", flag.replace('-', "_").to_uppercase());
        assert!(variable == expected || flag == "help", "--{flag}: {variable}");
    }
}

#[test]
fn a_flag_wins_over_its_variable_and_an_empty_variable_is_none() {
    let environment =
        Environment::from([("BROKER_NAME", "variable"), ("BROKER_ALLOWED_IMAGES", "redis:7"), ("BROKER_INSTANCE", "")]);
    let config = config(&["--name", "flag", "--allowed-images", "mysql:8"], &environment).unwrap();
    assert_eq!(listener(&config).name, "flag");
    assert!(allows(&config, "mysql:8") && !allows(&config, "redis:7"));
    assert_eq!(config.instance.len(), 12);
}

#[test]
fn one_image_replaces_the_policys_and_the_list_adds_to_it() {
    let config = with_variables([
        ("BROKER_ALLOWED_IMAGE", "registry.example/team/db"),
        ("BROKER_ALLOWED_TAG", "2"),
        ("BROKER_ALLOWED_IMAGES", "redis:7 , docker.io/library/mysql:8"),
    ]);
    for image in ["registry.example/team/db:2", "docker.io/library/redis:7", "mysql:8"] {
        assert!(allows(&config, image), "{image}");
    }
    for image in ["registry.example/team/db:1", "postgres:16", "redis:6"] {
        assert!(!allows(&config, image), "{image}");
    }
    assert_eq!(warnings(&config), [""; 0]);
    let config = with_variables([("BROKER_ALLOWED_IMAGES", "redis:7")]);
    assert!(allows(&config, "postgres:16") && allows(&config, "redis:7"));
}

#[test]
fn an_image_without_tag_is_warned_about() {
    let config = with_variables([("BROKER_ALLOWED_IMAGE", "postgres")]);
    assert!(allows(&config, "postgres:9"));
    assert_eq!(
        warnings(&config),
        [
            "`BROKER_ALLOWED_IMAGE` names no tag, so any tag of `postgres` may be used; write `postgres:TAG` for one of them"
        ]
    );
    assert_eq!(warnings(&with(&["--allowed-image", "postgres:16"])), [""; 0]);
    let config = with(&["--allowed-tag", "15"]);
    assert!(allows(&config, "postgres:15") && !allows(&config, "postgres:16"));
    assert_eq!(warnings(&config).len(), 1);
}

#[test]
fn variables_that_nothing_reads_are_warned_about() {
    let config = with_variables([("BROKER_UPSTRAEM", "x")]);
    assert_eq!(
        warnings(&config),
        ["variable `BROKER_UPSTRAEM` is not known and changes nothing; the nearest known one is `BROKER_UPSTREAM`"]
    );
}

#[test]
fn networks_are_attached_in_the_asked_mode() {
    let config = with(&["--attach-networks", "dev-internal,other", "--attach-mode", "add"]);
    assert_eq!(listener(&config).policy.containers.attach, ["dev-internal", "other"]);
    assert_eq!(listener(&config).policy.containers.attach_mode, AttachMode::Add);
    assert!(config.warnings.iter().any(|warning| warning.contains("`containers.names`")));
    assert_eq!(
        listener(&with(&["--attach-networks", "dev-internal"])).policy.containers.attach_mode,
        AttachMode::Replace
    );
}

#[test]
fn a_policy_that_allows_everything_needs_a_private_socket_or_a_word() {
    for words in [&["--socket-mode", "0660"][..], &["--socket-mode", "0604"], &["--socket-group", "docker"]] {
        let words = [&["--policy", "unrestricted"], words].concat();
        let (exit, message) = failure(&words, []);
        assert_eq!(exit, Exit::Config);
        assert!(message.contains("--allow-unrestricted"), "{message}");
        with(&[words, vec!["--allow-unrestricted"]].concat());
    }
    assert!(listener(&with(&["--policy", "unrestricted"])).policy.unrestricted);
}

#[test]
fn a_group_gets_a_mode_that_lets_it_in() {
    assert_eq!(listener(&with(&["--socket-group", "docker"])).mode, 0o660);
    let config = with(&["--socket-group", "docker", "--socket-mode", "0600"]);
    assert_eq!(warnings(&config), ["mode 0600 does not let the socket's group open it"]);
}

#[test]
fn the_engine_is_found_by_flag_then_docker_host_then_default() {
    let environment = Environment::from([("DOCKER_HOST", "unix:///engine.sock")]);
    let by_host = config(&[], &environment).unwrap();
    assert_eq!(
        (by_host.upstream.to_string().as_str(), by_host.upstream_choice.as_str()),
        ("unix:///engine.sock", "from DOCKER_HOST")
    );
    let by_flag = config(&["--upstream", "/other.sock"], &environment).unwrap();
    assert_eq!(
        (by_flag.upstream.to_string().as_str(), by_flag.upstream_choice.as_str()),
        ("unix:///other.sock", "from --upstream")
    );
    let remote = with_variables([("DOCKER_HOST", "tcp://10.0.0.1:2375")]);
    assert_eq!(remote.upstream_choice, "the default");
    assert!(remote.warnings.iter().any(|warning| warning.contains("`DOCKER_HOST`")));
}

#[test]
fn a_broker_never_asks_itself_not_even_by_another_name() {
    let directory = tempfile::tempdir().unwrap();
    let real = directory.path().join("real");
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, directory.path().join("link")).unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (exit, message) = failure(&["--listen", &path("link/a.sock"), "--upstream", &path("real/a.sock")], []);
    assert_eq!(exit, Exit::Config, "{message}");
    with(&["--listen", &path("link/a.sock"), "--upstream", &path("real/b.sock")]);
}

#[test]
fn policies_that_are_missing_or_wrong_have_codes_of_their_own() {
    assert_eq!(failure(&["--policy", "nowhere.toml"], []).0, Exit::NoInput);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bad.toml").display().to_string();
    std::fs::write(&path, "version = 1\n[image]\nallow = []\n").unwrap();
    let (exit, message) = failure(&["--policy", &path], []);
    assert_eq!(exit, Exit::Data);
    assert!(
        message.contains(&format!("because {path}:2:2: `image`: not a known key; the nearest known key is `images`")),
        "{message}"
    );
}

#[test]
fn sinks_and_times_are_read() {
    let config = with(&["--audit", "-", "--audit-format", "text", "--drain-time", "1m 30s"]);
    assert_eq!(config.audit, AuditConfig { sink: Sink::Stdout, format: Format::Text, required: false });
    assert_eq!(config.bounds.drain_time, Duration::from_secs(90));
    assert_eq!(with(&["--audit=./none"]).audit.sink, Sink::File(PathBuf::from("./none")));
}

#[test]
fn serve_ends_as_what_it_ran_ended() {
    let failed = Failure::said(Exit::CannotCreate, "no socket");
    assert_eq!(serve::wait(async { Err(failed.clone()) }), Err(failed));
    assert_eq!(serve::wait(async { Ok(()) }), Ok(Exit::Done));
}
