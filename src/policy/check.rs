//! Reading policy text, with everything that is wrong with it: the one way from text to [`Policy`], and the report that
//! `docker-broker check` prints.
//!
//! A text passes through: TOML syntax; keys and kinds against the [`keys`] table; the base that `extends` names; the
//! meaning of values ([`compile`]); rules between keys. A policy with any error does not load.

mod place;
mod powers;
mod warn;

use std::fmt;

use serde::Deserialize;
use toml::{Table, Value};

use super::builtin;
use super::compile::{self, Lifetime, NotInForce, NotInForceEffect, Origin, Policy, ValueError};
use super::file::PolicyFile;
use super::file::keys::{self, Effect, InForce, Key, Kind};
use place::Places;

/// What `docker-broker check` says about a policy text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The name or path under which the text was read.
    pub name: String,
    /// What has to change before the policy loads, in the order of the text.
    pub errors: Vec<Finding>,
    /// What weakens the policy or is missing from it. Empty where there are errors.
    pub warnings: Vec<Finding>,
    /// What this version cannot do yet. Empty where there are errors.
    pub not_in_force: Vec<NotInForce>,
}

/// One thing to say about a policy text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1; 0 where it is about something that the text does not hold.
    pub line: usize,
    /// The column in characters, from 1; 0 as `line`.
    pub column: usize,
    /// The key, as `containers.exec`; empty where it is about the text as a whole.
    pub key: String,
    /// What is to be said, in one line.
    pub message: String,
    /// The known key that may have been meant.
    pub nearest: Option<&'static str>,
}

/// Why a policy does not load. Its [`Display`](fmt::Display) is one line for each error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(name, errors))]
pub struct PolicyError {
    /// The name or path under which the text was read.
    pub name: String,
    /// What is wrong, at least one finding.
    pub errors: Vec<Finding>,
}

/// Reads a policy.
///
/// # Errors
/// Everything that is wrong with the text; see [`check`] for what is only doubtful.
pub fn parse(text: &str, name: &str, origin: Origin) -> Result<Policy, PolicyError> {
    let reading = Reading::new(text);
    reading.policy(name, origin).map_err(|errors| PolicyError { name: name.to_owned(), errors })
}

/// Reports on a policy text without using it.
#[must_use]
pub fn check(text: &str, name: &str) -> CheckReport {
    let reading = Reading::new(text);
    let name = name.to_owned();
    match reading.policy(&name, Origin::File(name.clone())) {
        Err(errors) => CheckReport { name, errors, warnings: Vec::new(), not_in_force: Vec::new() },
        Ok(policy) => {
            let warnings = reading.warnings(&policy);
            CheckReport { name, errors: Vec::new(), warnings, not_in_force: policy.not_in_force }
        }
    }
}

impl CheckReport {
    /// Whether the policy loads.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.errors.is_empty()
    }
}

/// A text on its way to a policy: what was read so far, and what is wrong.
struct Reading {
    /// The text over its base, without what could not be read.
    merged: Table,
    /// Where keys and values stand in the text.
    places: Places,
    /// What is wrong with syntax, keys and kinds.
    errors: Vec<Finding>,
}

impl Reading {
    fn new(text: &str) -> Self {
        let (places, syntax) = Places::read(text);
        let mut reading = Self { merged: Table::new(), places, errors: syntax };
        if reading.errors.is_empty() {
            reading.read_keys(text);
        }
        reading
    }

    fn read_keys(&mut self, text: &str) {
        let mut written: Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => return self.errors.push(Finding::of_the_text(error.message())),
        };
        self.check_table("", &mut written);
        let base = written.get(keys::EXTENDS).and_then(Value::as_str).and_then(builtin::builtin_text);
        let base = base.and_then(|text| toml::from_str(text).ok()).unwrap_or_default();
        self.merged = merge("", base, written);
    }

    /// Takes out what is not known or has the wrong form, so that the rest can be read and reported on as well.
    fn check_table(&mut self, section: &str, table: &mut Table) {
        table.retain(|name, value| {
            let path = join(section, name);
            let key = if name.contains('.') { None } else { keys::find(&path) };
            let Some(key) = key else {
                let nearest = keys::nearest(&path);
                self.report(&path, None, "not a known key".to_owned(), nearest);
                return false;
            };
            if !key.accepts(value) {
                self.report_kind(&path, key, value);
                return false;
            }
            if let Value::Table(inner) = value {
                self.check_table(&path, inner);
            }
            true
        });
    }

    fn report_kind(&mut self, path: &str, key: &Key, value: &Value) {
        let wanted = key.wanted();
        if let (Kind::List, Value::Array(items)) = (key.kind, value) {
            let strangers = items.iter().enumerate().filter(|(_, item)| !item.is_str());
            for (position, item) in strangers {
                let message = format!("takes {wanted}, and this item is {}", spelled(item));
                self.report(path, Some(position), message, None);
            }
            return;
        }
        self.report(path, None, format!("takes {wanted}, not {}", spelled(value)), None);
    }

    fn report(&mut self, path: &str, item: Option<usize>, message: String, nearest: Option<&'static str>) {
        let finding = self.places.finding(path, item, message, nearest);
        self.errors.push(finding);
    }

    /// The policy, or all errors in the order of the text.
    fn policy(&self, name: &str, origin: Origin) -> Result<Policy, Vec<Finding>> {
        let mut errors = self.errors.clone();
        if let Err(found) = read_values(self.merged.clone(), name, origin.clone(), Vec::new()) {
            // What lacks a part because that part could not be read is not a second mistake.
            let is_whole = |error: &ValueError| !self.errors.iter().any(|finding| is_within(&finding.key, &error.key));
            errors.extend(found.into_iter().filter(is_whole).map(|error| self.locate(error)));
        }
        if errors.is_empty() {
            let mut table = self.merged.clone();
            let mut not_in_force = Vec::new();
            let unruled = rules_between_keys(&table, name);
            take_out_of_force("", &mut table, &mut not_in_force);
            not_in_force.sort_by_key(|note| keys::KEYS.iter().position(|key| key.path == note.key));
            match read_values(table, name, origin, not_in_force) {
                Ok(policy) if unruled.is_empty() => return Ok(policy),
                Ok(_) => errors.extend(unruled.into_iter().map(|error| self.locate(error))),
                Err(found) => errors.extend(found.into_iter().map(|error| self.locate(error))),
            }
        }
        errors.sort_by_key(|finding| (finding.line == 0, finding.line, finding.column));
        Err(errors)
    }

    fn warnings(&self, policy: &Policy) -> Vec<Finding> {
        let warnings = warn::warnings(&self.merged, policy);
        let mut findings: Vec<Finding> = warnings.into_iter().map(|warning| self.locate(warning)).collect();
        findings.sort_by_key(|finding| (finding.line == 0, finding.line, finding.column));
        findings
    }

    fn locate(&self, error: ValueError) -> Finding {
        let ValueError { key, item, message } = error;
        self.places.finding(&key, item, message, None)
    }
}

impl Finding {
    fn of_the_text(message: &str) -> Self {
        let message = message.lines().collect::<Vec<_>>().join(", ");
        Self { line: 0, column: 0, key: String::new(), message, nearest: None }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match self.nearest {
            Some(nearest) => write!(f, "; the nearest known key is `{nearest}`"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        for (word, findings) in [("error", &self.errors), ("warning", &self.warnings)] {
            for finding in findings {
                let separator = if finding.line > 0 { ":" } else { ": " };
                writeln!(f, "{word}: {name}{separator}{finding}")?;
            }
        }
        for key in &self.not_in_force {
            writeln!(f, "note: {name}: {key}")?;
        }
        Ok(())
    }
}

fn lines(name: &str, errors: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let separator = if finding.line > 0 { ":" } else { ": " };
        format!("{name}{separator}{finding}")
    };
    errors.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The written file over its base: sections are merged key by key, and every value, also a list or a table in the
/// place of a value, replaces the one before.
fn merge(section: &str, mut base: Table, written: Table) -> Table {
    for (name, value) in written {
        let path = join(section, &name);
        let is_section = keys::find(&path).is_some_and(|key| matches!(key.kind, Kind::Table | Kind::Named));
        let value = match (base.remove(&name), value) {
            (Some(Value::Table(base)), Value::Table(written)) if is_section => {
                Value::Table(merge(&path, base, written))
            }
            (_, value) => value,
        };
        base.insert(name, value);
    }
    base
}

fn read_values(
    table: Table,
    name: &str,
    origin: Origin,
    not_in_force: Vec<NotInForce>,
) -> Result<Policy, Vec<ValueError>> {
    match PolicyFile::deserialize(table) {
        Ok(file) => compile::compile(file, name, origin, not_in_force),
        Err(error) => Err(vec![ValueError { key: "".into(), item: None, message: error.message().to_owned() }]),
    }
}

/// Notes every key that this version does not do yet, and takes away those that would permit something: what is
/// absent is refused.
fn take_out_of_force(section: &str, table: &mut Table, found: &mut Vec<NotInForce>) {
    table.retain(|name, value| {
        let path = join(section, name);
        let Some(key) = keys::find(&path) else { return false };
        if key.is_in_force(value) {
            if let Value::Table(inner) = value {
                take_out_of_force(&path, inner, found);
                // A table in the place of a value means something even when it is empty, and less is left of it.
                return key.kind == Kind::Table || !inner.is_empty();
            }
            return true;
        }
        let restricts = key.effect == Effect::Restricts && key.in_force == InForce::Never;
        let effect = if restricts || key.effect == Effect::Neutral {
            NotInForceEffect::NotApplied
        } else {
            NotInForceEffect::StaysRefused
        };
        found.push(NotInForce { key: key.path, effect });
        restricts
    });
}

/// What no single value shows.
fn rules_between_keys(table: &Table, name: &str) -> Vec<ValueError> {
    let Ok(policy) = read_values(table.clone(), name, Origin::BuiltIn, Vec::new()) else { return Vec::new() };
    let mut errors = Vec::new();
    let mut refuse = |key: &'static str, message: &str| {
        errors.push(ValueError { key: key.into(), item: None, message: message.to_owned() });
    };
    let containers = &policy.containers;
    if policy.can_create() && containers.lifetime == Lifetime::For(std::time::Duration::ZERO) {
        refuse(
            keys::CONTAINERS_LIFETIME,
            "missing; say how long a container may live, as `lifetime = \"30m\"`, or `\"unlimited\"`",
        );
    }
    if !containers.attach.is_empty() && !containers.names_are_own_prefixes() {
        refuse(
            keys::CONTAINERS_NAMES,
            "must hold only prefixes of its own, as `\"agent1-*\"`, where `attach` puts containers on a network with others",
        );
    }
    errors
}

/// A value as its author would recognise it, cut to a readable length.
fn spelled(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            let text = value.to_string();
            let start: String = text.chars().take(LONGEST_VALUE).collect();
            let dots = if start.len() < text.len() { "…" } else { "" };
            format!("`{start}{dots}`")
        }
    }
}

fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// Whether a key lies under another one.
fn is_within(path: &str, section: &str) -> bool {
    path.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}

/// How much of a wrong value a message repeats, in characters.
const LONGEST_VALUE: usize = 40;

#[cfg(test)]
mod tests;
