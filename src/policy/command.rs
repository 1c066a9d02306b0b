//! Judges what a container runs: its command, its entrypoint, and the command of its health check.
//!
//! The words of a command are compared as one line, joined by one blank. Must never take "nothing" for harmless: an empty
//! entrypoint takes the image's own away.

use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::file::keys;
use super::judge::Judge;
use super::pattern::{Pattern, Patterns};
use crate::operation::model::{Arguments, ContainerCreateBody, HealthConfig, StringList};

/// What a create runs in place of the image's own, each part as one line; `None` where the image's own stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Commands {
    pub(super) entrypoint: Option<String>,
    pub(super) command: Option<String>,
    pub(super) healthcheck: Option<String>,
}

impl Commands {
    pub(super) fn of(body: &ContainerCreateBody) -> Self {
        let line = |StringList(words): &StringList| words.join(" ");
        Self {
            entrypoint: body.entrypoint.as_ref().map(line),
            command: body.cmd.as_ref().filter(|StringList(words)| !words.is_empty()).map(line),
            healthcheck: body.healthcheck.as_ref().and_then(checked),
        }
    }
}

/// The command of a health check. Engines run what follows `CMD` or `CMD-SHELL`; `NONE` is none, and nothing is the
/// image's own.
fn checked(check: &HealthConfig) -> Option<String> {
    let HealthConfig {
        test: Arguments(words),
        interval: _,
        timeout: _,
        retries: _,
        start_period: _,
        start_interval: _,
    } = check;
    match words.split_first() {
        None => None,
        Some((kind, [])) if kind == "NONE" => None,
        Some((_, words)) => Some(words.join(" ")),
    }
}

/// Judges them by `containers.entrypoint` and `containers.command`. A health check runs a command again and again, so
/// it follows the rule for commands.
pub(super) fn decide(judge: &Judge<'_>, commands: &Commands) -> Result<(), Denial> {
    let Commands { entrypoint, command, healthcheck } = commands;
    let containers = &judge.policy.containers;
    let parts = [
        ("Entrypoint", entrypoint, &containers.entrypoint, keys::CONTAINERS_ENTRYPOINT),
        ("Cmd", command, &containers.command, keys::CONTAINERS_COMMAND),
        ("Healthcheck.Test", healthcheck, &containers.command, keys::CONTAINERS_COMMAND),
    ];
    for (place, line, granted, key) in parts {
        let (Some(line), Some(granted)) = (line, granted) else { continue };
        if !granted.matches(line) {
            return Err(judge.refuse(ID, place, shown(line), in_words(granted), key));
        }
    }
    Ok(())
}

fn in_words(granted: &Patterns) -> String {
    if granted.is_empty() {
        return "only what the image has".to_owned();
    }
    format!("what the image has, and {}", patterns(granted.iter().map(Pattern::as_str)))
}
