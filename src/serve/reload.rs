//! What a running broker takes over when everything was read again: policies, all of them or none.
//!
//! Must never put what has errors in the place of what works, and never change half of it.

use super::Running;
use crate::audit::{LoadedPolicy, ReloadOutcome};
use crate::config::{ConfigError, ListenerConfig, ServeConfig};

/// Why everything was read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked, by SIGHUP.
    Signal,
    /// A file changed.
    Files,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Whether anything is in force that was not before.
    pub outcome: ReloadOutcome,
    /// The policies in force now.
    pub policies: Vec<LoadedPolicy>,
    /// The settings that differ and need a restart.
    pub needs_restart: Vec<String>,
    /// What was wrong.
    pub reason: Option<String>,
}

impl Cause {
    /// As the log and the audit say it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Signal => "SIGHUP",
            Self::Files => "file",
        }
    }
}

/// Replaces the policies of all listeners whose names are still there, if each of them may stand where it would.
pub(super) fn replace(listeners: &mut [Running], before: &ServeConfig, new: &ServeConfig) -> Reloaded {
    let needs_restart = differences(before, new);
    let find = |name: &str| new.listeners.iter().find(|listener| listener.name == name);
    for running in listeners.iter() {
        let Some(new) = find(&running.config.name) else { continue };
        if let Err(error) = new.check_open(running.mode) {
            return Reloaded { needs_restart, ..refused(listeners, listener_error(&new.name, &error)) };
        }
    }
    let mut outcome = ReloadOutcome::Unchanged;
    for running in listeners.iter_mut() {
        let Some(new) = find(&running.config.name) else { continue };
        if new.policy == running.config.policy && new.policy_version == running.config.policy_version {
            continue;
        }
        tracing::info!(
            "listener `{}` is judged by {}, version {}, from now on; it was version {}",
            new.name,
            new.policy,
            new.policy_version,
            running.config.policy_version
        );
        running.broker.replace_policy(new.policy.clone());
        running.config.policy.clone_from(&new.policy);
        running.config.policy_version.clone_from(&new.policy_version);
        outcome = ReloadOutcome::Replaced;
    }
    Reloaded { outcome, policies: in_force(listeners), needs_restart, reason: None }
}

/// Nothing changes, and why.
pub(super) fn refused(listeners: &[Running], reason: String) -> Reloaded {
    let policies = in_force(listeners);
    Reloaded { outcome: ReloadOutcome::Refused, policies, needs_restart: Vec::new(), reason: Some(reason) }
}

fn in_force(listeners: &[Running]) -> Vec<LoadedPolicy> {
    let policy = |running: &Running| LoadedPolicy {
        listener: running.config.name.clone(),
        policy: running.config.policy.name.clone(),
        version: running.config.policy_version.clone(),
    };
    listeners.iter().map(policy).collect()
}

fn listener_error(name: &str, error: &ConfigError) -> String {
    format!("listener `{name}`: {error}")
}

/// The keys of what differs and is not taken over.
fn differences(before: &ServeConfig, new: &ServeConfig) -> Vec<String> {
    // the policies are taken over, warnings are said, and the choice of the engine follows from its address
    let ServeConfig { listeners, upstream, upstream_choice: _, instance, bounds, audit, files: _, warnings: _ } =
        before;
    let mut found = Vec::new();
    let mut note = |differs: bool, key: &str| found.extend(differs.then(|| key.to_owned()));
    note(*upstream != new.upstream, "upstream");
    note(*instance != new.instance, "instance");
    note(*bounds != new.bounds, "limits");
    note(*audit != new.audit, "audit");
    for listener in listeners {
        match new.listeners.iter().find(|other| other.name == listener.name) {
            Some(other) => found.extend(listener_differences(listener, other)),
            None => found.push(format!("listener `{}`, which is not there any more and goes on", listener.name)),
        }
    }
    let is_new = |other: &&ListenerConfig| !listeners.iter().any(|listener| listener.name == other.name);
    found.extend(new.listeners.iter().filter(is_new).map(|other| format!("listener `{}`, which is new", other.name)));
    found
}

fn listener_differences(before: &ListenerConfig, new: &ListenerConfig) -> Vec<String> {
    let ListenerConfig { name, listen, mode, group, isolate, policy: _, policy_version: _, allow_unrestricted: _ } =
        before;
    let keys = [
        (*listen != new.listen, "address"),
        (*mode != new.mode, "mode"),
        (*group != new.group, "group"),
        (*isolate != new.isolate, "isolate"),
    ];
    keys.iter().filter(|(differs, _)| *differs).map(|(_, key)| format!("`{key}` of listener `{name}`")).collect()
}
