//! `docker-broker doctor`: what is wrong with an installation, and what to do about it.
//!
//! Each check takes what was seen and says what it means. Must never change anything: files are looked at, sockets are
//! connected to and let go of, and the engine is asked with `GET`s.

mod clients;
mod engine;
mod finding;
mod objects;
mod records;
mod sockets;

use std::fmt::Write as _;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::situation::Situation;
use super::surroundings::Visitor;
use super::{serve, terminal};
use crate::config::environment::Environment;
use crate::config::origins::Origins;
use crate::config::{ListenerConfig, ServeConfig};
use crate::policy::ownership::Owner;
use crate::upstream::{Engine, UpstreamError};
use finding::{Finding, Severity};
use sockets::{Folder, Place};

/// What to look at.
#[derive(Debug, Clone, Args)]
pub(super) struct DoctorArgs {
    /// Where the audit goes, as `serve` was told
    #[arg(long, env = "BROKER_AUDIT", value_name = "SINK", default_value = "stdout")]
    audit: String,
    /// The user that clients run as: whether it can open an engine's socket is looked at for this one
    #[arg(long, value_name = "UID")]
    as_uid: Option<u32>,
    /// Let what is only doubtful fail as well
    #[arg(long)]
    strict: bool,
    /// How the findings are written
    #[arg(long, value_enum, default_value_t = FindingsFormat::Text)]
    format: FindingsFormat,
    #[command(flatten)]
    situation: Situation,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FindingsFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What was found in one part of an installation.
#[derive(Debug, Serialize)]
struct Part {
    part: &'static str,
    findings: Vec<Finding>,
}

pub(super) fn run(arguments: &DoctorArgs, origins: &Origins, environment: &Environment) -> Result<Exit, Failure> {
    let parts = match arguments.situation.resolve(origins, environment) {
        Ok((config, listener)) => examine(arguments, &config, &listener, environment)?,
        Err(failure) => vec![Part { part: "configuration", findings: vec![unusable(&failure)] }],
    };
    terminal::print(&match arguments.format {
        FindingsFormat::Text => text(&parts, terminal::stdout_takes_colours()),
        FindingsFormat::Json => {
            let json = serde_json::to_string_pretty(&parts).map_err(|error| Failure::new(Exit::Software, &error))?;
            json + "\n"
        }
    })?;
    let worst = parts.iter().flat_map(|part| &part.findings).map(|finding| finding.severity).max();
    let bearable = if arguments.strict { Severity::Note } else { Severity::Doubtful };
    Ok(if worst.is_some_and(|worst| worst > bearable) { Exit::No } else { Exit::Done })
}

/// Looks at each part; those that need the engine say so where it does not answer.
fn examine(
    arguments: &DoctorArgs,
    config: &ServeConfig,
    listener: &ListenerConfig,
    environment: &Environment,
) -> Result<Vec<Part>, Failure> {
    let upstream = config.upstream.path();
    let place = Place::look(upstream);
    let mut engine_findings = vec![sockets::engine_socket(upstream, &place)];
    let can_be_asked = engine_findings.iter().all(|finding| finding.severity == Severity::Fine);
    if can_be_asked {
        let asked = serve::block_on(ask_engine(config, listener))?;
        engine_findings.extend(asked.unwrap_or_else(|error| vec![no_answer(&error)]));
    }
    let listen = listener.listen.path();
    let uid = rustix::process::geteuid().as_raw();
    let visitor = arguments.as_uid.map_or(Visitor::Myself, Visitor::with_uid);
    Ok(vec![
        Part { part: "engine", findings: engine_findings },
        Part { part: "policy", findings: policy(config, listener) },
        Part {
            part: "listener",
            findings: sockets::listener_socket(listen, &Place::look(listen), Folder::of(listen), uid),
        },
        Part { part: "audit", findings: vec![records::audit(arguments.audit.trim())] },
        Part { part: "clients", findings: clients::check(environment, config, listener, &visitor) },
    ])
}

async fn ask_engine(config: &ServeConfig, listener: &ListenerConfig) -> Result<Vec<Finding>, UpstreamError> {
    let asked = Engine::new(config.upstream.clone(), &config.bounds);
    let owner = Owner::new(&config.instance, &listener.name);
    let survey = asked.survey().await?;
    let now = SystemTime::now();
    let mut findings = engine::version(&survey);
    findings.push(engine::clock(&survey, now));
    findings.extend(engine::limits(&listener.policy, &asked.abilities().await?));
    findings.extend(engine::isolation(&listener.policy, &survey));
    findings.extend(engine::own_warnings(&survey));
    findings.extend(objects::check(&listener.policy, &asked, &owner).await?);
    Ok(findings)
}

fn no_answer(error: &UpstreamError) -> Finding {
    let causes = Failure::new(Exit::Unavailable, error).lines.join(": ");
    Finding::wrong(causes, "see whether --upstream names an engine's socket, and what the engine's log says")
}

/// What `serve` would warn of as well.
fn policy(config: &ServeConfig, listener: &ListenerConfig) -> Vec<Finding> {
    let mut findings = vec![Finding::fine(format!("clients are judged by {}", listener.policy))];
    findings.extend(config.warnings.iter().map(|warning| Finding::doubtful(warning.clone(), "")));
    findings.extend(listener.policy.not_in_force.iter().map(|key| Finding::note(key.to_string(), "")));
    findings
}

fn unusable(failure: &Failure) -> Finding {
    let what = failure.lines.join(", because ").replace('\n', "; ");
    Finding::wrong(what, "`serve` would not start; `docker-broker check` explains a policy")
}

fn text(parts: &[Part], colours: bool) -> String {
    let mut text = String::new();
    for Part { part, findings } in parts {
        // writing to a String cannot fail
        let _ = writeln!(text, "{part}");
        for Finding { severity, what, advice } in findings {
            let (word, colour) = match severity {
                Severity::Fine => ("ok", 32),
                Severity::Note => ("note", 36),
                Severity::Doubtful => ("doubt", 33),
                Severity::Wrong => ("WRONG", 31),
            };
            let (on, off) = if colours { (format!("\u{1b}[{colour}m"), "\u{1b}[0m") } else { (String::new(), "") };
            let _ = writeln!(text, "  {on}{word:<5}{off}  {what}");
            if !advice.is_empty() {
                let _ = writeln!(text, "         -> {advice}");
            }
        }
    }
    let count =
        |wanted| parts.iter().flat_map(|part| &part.findings).filter(|finding| finding.severity == wanted).count();
    let _ = writeln!(text, "{} wrong, {} doubtful", count(Severity::Wrong), count(Severity::Doubtful));
    text
}

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker doctor
      With the flags and variables of the broker: run it where, and as whom, the broker runs
  docker-broker doctor --policy agent.toml --listen unix:///run/agents/docker.sock --as-uid 1000
      Also whether user 1000, as whom clients run, could open an engine's socket past the broker
  docker-broker doctor --format json | jq -r '.[].findings[] | select(.severity == \"wrong\") | .what'

Findings are `ok`, `note` (worth knowing), `doubt` (weakens the installation) and `WRONG` (does not work, or leads past \
the broker). It changes nothing. It ends with 0 where nothing is wrong, and with 1 where something is (with --strict, \
also where something is doubtful).";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_written_with_what_to_do_and_colours_only_where_they_are_welcome() {
        let findings = vec![Finding::wrong("broken", "mend it"), Finding::doubtful("odd", ""), Finding::fine("good")];
        let parts = [Part { part: "engine", findings }];
        assert_eq!(
            text(&parts, false),
            "engine\n  WRONG  broken\n         -> mend it\n  doubt  odd\n  ok     good\n1 wrong, 1 doubtful\n"
        );
        assert!(text(&parts, true).contains("\u{1b}[31mWRONG\u{1b}[0m"));
    }

    #[test]
    fn a_configuration_that_serve_would_not_take_is_one_finding() {
        let found = unusable(&Failure { exit: Exit::Data, lines: vec!["does not load".into(), "a\nb".into()] });
        assert_eq!((found.severity, found.what.as_str()), (Severity::Wrong, "does not load, because a; b"));
    }
}
