//! `docker-broker config`: what `serve` would run with, and where each value comes from.
//!
//! It fails as `serve` would. Settings hold no secrets; what looks like a password in an address is not printed all the
//! same. Must never make, open or bind anything.

use std::time::Duration;

use clap::{Args, CommandFactory, ValueEnum};
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::read::Words;
use super::{Cli, serve, terminal};
use crate::audit::Sink;
use crate::bounds::Bounds;
use crate::client::Isolate;
use crate::config::arguments::{List, PolicyChanges, RecordArgs, ServeArgs};
use crate::config::environment::Environment;
use crate::config::origins::{Origins, Source};
use crate::config::settings::{SETTINGS, Setting, reference_markdown};
use crate::config::{ListenerConfig, ServeConfig, Told, resolve};
use crate::policy::compile::{AttachMode, Origin};
use crate::policy::ownership::Owner;

/// What to show.
#[derive(Debug, Clone, Args)]
pub(super) struct ConfigArgs {
    /// How it is written
    #[arg(long, value_enum, default_value_t = ConfigFormat::Table)]
    format: ConfigFormat,
    /// Print the reference of all settings as Markdown instead
    #[arg(long)]
    reference: bool,
    #[command(flatten)]
    pub(super) serve: ServeArgs,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ConfigFormat {
    /// Columns for people
    Table,
    /// For programs
    Json,
}

/// Everything that is in force.
#[derive(Debug, Serialize)]
struct Shown {
    listeners: Vec<ShownListener>,
    settings: Vec<Line>,
    /// The files that it was read from.
    files: Vec<String>,
    /// What `serve` would say at start.
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ShownListener {
    name: String,
    owner: String,
    policy: String,
    policy_version: String,
    settings: Vec<Line>,
}

/// One setting.
#[derive(Debug, Serialize)]
struct Line {
    key: &'static str,
    flag: String,
    /// `None` where nothing is set.
    value: Option<String>,
    from: String,
}

pub(super) fn run(arguments: &ConfigArgs, environment: &Environment, all: Vec<Words>) -> Result<Exit, Failure> {
    if arguments.reference {
        terminal::print(&reference_markdown())?;
        return Ok(Exit::Done);
    }
    let told = serve::told(all);
    let config = resolve(told.clone(), environment, environment.unknown(&Cli::command()))?;
    let shown = show(&told, &config);
    let text = match arguments.format {
        ConfigFormat::Table => table(&shown),
        ConfigFormat::Json => {
            let json = serde_json::to_string_pretty(&shown).map_err(|error| Failure::new(Exit::Software, &error))?;
            json + "\n"
        }
    };
    terminal::print(&text)?;
    Ok(Exit::Done)
}

fn show(told: &[Told], config: &ServeConfig) -> Shown {
    let ServeConfig { listeners, files, warnings, .. } = config;
    let of_listener = |(listener, told): (&ListenerConfig, &Told)| ShownListener {
        name: listener.name.clone(),
        owner: owner(&config.instance, listener),
        policy: listener.policy.to_string(),
        policy_version: listener.policy_version.clone(),
        settings: lines(told, config, listener, true),
    };
    let first = listeners.first().zip(told.first());
    Shown {
        listeners: listeners.iter().zip(told).map(of_listener).collect(),
        settings: first.map(|(listener, told)| lines(told, config, listener, false)).unwrap_or_default(),
        files: files.iter().map(|path| path.display().to_string()).collect(),
        warnings: warnings.clone(),
    }
}

fn owner(instance: &str, listener: &ListenerConfig) -> String {
    let owner = Owner::new(instance, &listener.name);
    match listener.isolate {
        Isolate::None => owner.to_string(),
        Isolate::Uid => format!("{owner}/uid-N"),
    }
}

/// The settings of a listener, or those of the broker as a whole, in the order of the reference.
fn lines(told: &Told, config: &ServeConfig, listener: &ListenerConfig, of_listener: bool) -> Vec<Line> {
    let values = values(told.arguments.clone(), config, listener);
    let wanted = SETTINGS.iter().filter(|setting| setting.is_of_listener() == of_listener);
    let line = |Setting { flag, key, kind: _ }: &Setting| {
        let value = values.iter().find(|(of, _)| of == flag).and_then(|(_, value)| value.clone());
        Line { key, flag: format!("--{flag}"), value, from: from(&told.origins, flag, config) }
    };
    wanted.map(line).collect()
}

fn from(origins: &Origins, flag: &str, config: &ServeConfig) -> String {
    let source = origins.source(flag);
    let by_docker_host =
        flag == "upstream" && source == Source::Default && config.upstream_choice.ends_with("DOCKER_HOST");
    if by_docker_host { "variable DOCKER_HOST".to_owned() } else { source.to_string() }
}

/// What is in force, by flag. A setting that is new does not compile until it is shown.
fn values(
    arguments: ServeArgs,
    config: &ServeConfig,
    listener: &ListenerConfig,
) -> Vec<(&'static str, Option<String>)> {
    let ServeArgs {
        config: _,
        listen,
        upstream: _,
        policy: _,
        socket_mode: _,
        socket_group,
        name,
        isolate,
        instance: _,
        allow_unrestricted,
        changes,
        records,
        bounds,
    } = arguments;
    let policy = match &listener.policy.origin {
        Origin::BuiltIn => listener.policy.name.clone(),
        Origin::File(path) => path.clone(),
    };
    let isolate = match isolate {
        Isolate::None => "none",
        Isolate::Uid => "uid",
    };
    let mut values = vec![
        ("name", Some(name)),
        ("listen", Some(listen.to_string())),
        ("socket-mode", Some(format!("0{:03o}", listener.mode))),
        ("socket-group", socket_group),
        ("policy", Some(policy)),
        ("isolate", Some(isolate.to_owned())),
        ("allow-unrestricted", Some(allow_unrestricted.to_string())),
        ("upstream", Some(config.upstream.to_string())),
        ("instance", Some(config.instance.clone())),
    ];
    values.extend(of_changes(changes));
    values.extend(of_records(records));
    values.extend(of_bounds(&bounds));
    values
}

fn of_changes(changes: PolicyChanges) -> Vec<(&'static str, Option<String>)> {
    let PolicyChanges {
        allowed_image,
        allowed_tag,
        allowed_images,
        allowed_env,
        allow_pulls,
        attach_networks,
        attach_mode,
        registry_auth_file,
    } = changes;
    let list = |list: Option<List>| list.map(|List(words)| words.join(","));
    let mode = attach_mode.map(|mode| match mode {
        AttachMode::Replace => "replace".to_owned(),
        AttachMode::Add => "add".to_owned(),
    });
    vec![
        ("allowed-image", allowed_image),
        ("allowed-tag", allowed_tag),
        ("allowed-images", list(allowed_images)),
        ("allowed-env", list(allowed_env)),
        ("allow-pulls", allow_pulls.map(|pulls| pulls.to_string())),
        ("attach-networks", list(attach_networks)),
        ("attach-mode", mode),
        ("registry-auth-file", registry_auth_file.map(|file| file.display().to_string())),
    ]
}

fn of_records(records: RecordArgs) -> Vec<(&'static str, Option<String>)> {
    let RecordArgs { audit, audit_format, audit_required, log_level, log_format } = records;
    let sink = match audit {
        Sink::Stdout => "stdout".to_owned(),
        Sink::Stderr => "stderr".to_owned(),
        Sink::None => "none".to_owned(),
        Sink::File(path) => path.display().to_string(),
    };
    vec![
        ("audit", Some(sink)),
        ("audit-format", word(&audit_format)),
        ("audit-required", Some(audit_required.to_string())),
        ("log-level", word(&log_level)),
        ("log-format", word(&log_format)),
    ]
}

fn word<V: ValueEnum>(value: &V) -> Option<String> {
    value.to_possible_value().map(|word| word.get_name().to_owned())
}

fn of_bounds(bounds: &Bounds) -> Vec<(&'static str, Option<String>)> {
    let Bounds {
        header_bytes,
        header_fields,
        header_time,
        body_time,
        json_bytes,
        create_bytes,
        json_depth,
        connections_per_peer,
        connections,
        streams_per_owner,
        answer_bytes,
        answer_time,
        archive_bytes,
        archive_entries,
        drain_time,
    } = bounds;
    let span = |time: &Duration| Some(humantime::format_duration(*time).to_string());
    vec![
        ("header-bytes", Some(header_bytes.to_string())),
        ("header-fields", Some(header_fields.to_string())),
        ("header-time", span(header_time)),
        ("body-time", span(body_time)),
        ("json-bytes", Some(json_bytes.to_string())),
        ("create-bytes", Some(create_bytes.to_string())),
        ("json-depth", Some(json_depth.to_string())),
        ("connections-per-peer", Some(connections_per_peer.to_string())),
        ("connections", Some(connections.to_string())),
        ("streams-per-owner", Some(streams_per_owner.to_string())),
        ("answer-bytes", Some(answer_bytes.to_string())),
        ("answer-time", span(answer_time)),
        ("archive-bytes", Some(archive_bytes.to_string())),
        ("archive-entries", Some(archive_entries.to_string())),
        ("drain-time", span(drain_time)),
    ]
}

fn table(shown: &Shown) -> String {
    let Shown { listeners, settings, files: _, warnings } = shown;
    let all = || listeners.iter().flat_map(|listener| &listener.settings).chain(settings);
    let width = |of: fn(&Line) -> usize| all().map(of).max().unwrap_or_default();
    let widths = (width(|line| line.key.len()), width(|line| value(line).chars().count()));
    let mut text = String::new();
    for ShownListener { name, owner, policy, policy_version, settings } in listeners {
        text.push_str(&format!("listener `{name}`: {policy}, version {policy_version}; owner `{owner}`\n"));
        text.extend(settings.iter().map(|line| row(line, widths)));
        text.push('\n');
    }
    text.push_str("the broker as a whole\n");
    text.extend(settings.iter().map(|line| row(line, widths)));
    for warning in warnings {
        text.push_str(&format!("\nwarning: {warning}\n"));
    }
    text
}

fn row(line: &Line, (keys, values): (usize, usize)) -> String {
    format!("  {:<keys$}  {:<values$}  {}\n", line.key, value(line), line.from)
}

fn value(line: &Line) -> &str {
    line.value.as_deref().unwrap_or("–")
}

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker config --config /etc/docker-broker/broker.toml
  docker-broker config --policy agent.toml --format json
  docker-broker config --reference

It takes what `serve` takes, starts nothing, and ends as `serve` would where something is wrong.";
