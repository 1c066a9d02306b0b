//! Reading policy text, with everything that is wrong with it: the one way from text to [`Policy`], and the report that
//! `docker-broker check` prints.
//!
//! A text passes through: TOML syntax; keys and kinds against the [`keys`] table; the base that `extends` names; the
//! meaning of values ([`compile`]); rules between keys. A policy with any error does not load.

mod place;
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
                self.report_kind(key, value);
                return false;
            }
            if let Value::Table(inner) = value {
                self.check_table(&path, inner);
            }
            true
        });
    }

    fn report_kind(&mut self, key: &Key, value: &Value) {
        let wanted = key.wanted();
        if let (Kind::List, Value::Array(items)) = (key.kind, value) {
            let strangers = items.iter().enumerate().filter(|(_, item)| !item.is_str());
            for (position, item) in strangers {
                let message = format!("takes {wanted}, and this item is {}", spelled(item));
                self.report(key.path, Some(position), message, None);
            }
            return;
        }
        self.report(key.path, None, format!("takes {wanted}, not {}", spelled(value)), None);
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
            let is_whole = |error: &ValueError| !self.errors.iter().any(|finding| is_within(&finding.key, error.key));
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
        self.places.finding(key, item, message, None)
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
        let is_section = keys::find(&path).is_some_and(|key| key.kind == Kind::Table);
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
        Err(error) => Err(vec![ValueError { key: "", item: None, message: error.message().to_owned() }]),
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
    let mut refuse = |key, message: &str| errors.push(ValueError { key, item: None, message: message.to_owned() });
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
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::policy::compile::{
        Build, Containers, Control, ExecGrant, Images, Networks, Prune, PublishAddress, Reach, Reaper, RegistryAuth,
        Volumes,
    };
    use crate::policy::file::keys::KEYS;

    fn load(text: &str) -> Policy {
        parse(text, "x.toml", Origin::File("x.toml".to_owned())).unwrap_or_else(|error| panic!("{error}"))
    }

    fn errors(text: &str) -> Vec<String> {
        match parse(text, "x.toml", Origin::File("x.toml".to_owned())) {
            Ok(policy) => panic!("{policy} loads"),
            Err(error) => error.errors.iter().map(Finding::to_string).collect(),
        }
    }

    #[test]
    fn an_empty_policy_grants_nothing() {
        let expected = Policy {
            name: "x.toml".to_owned(),
            origin: Origin::File("x.toml".to_owned()),
            reason: String::new(),
            unrestricted: false,
            images: Images::default(),
            containers: Containers::default(),
            networks: Networks::default(),
            volumes: Volumes::default(),
            build: Build::default(),
            prune: Prune::Refuse,
            reaper: Reaper::default(),
            not_in_force: Vec::new(),
        };
        assert_eq!(load(""), expected);
        assert!(!load("").can_create());
        assert!(!load("").containers.names.matches("x") && !load("").containers.exec.allows(""));
    }

    #[test]
    fn every_key_refuses_a_value_of_another_kind_where_it_stands() {
        for key in KEYS {
            let (section, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
            let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
            let line = if section.is_empty() { 1 } else { 2 };
            let found = errors(&format!("{header}{name} = 1979-05-27"));
            let expected = format!("{line}:1: `{}`: takes {}, not `1979-05-27`", key.path, key.wanted());
            assert_eq!(found, [expected]);
        }
    }

    #[test]
    fn everything_that_is_wrong_is_reported_at_once() {
        let text = r#"version = 2
extends = "postgress"

[images]
allow = ["postgres:16", "Postgres:16", "https://x"]
alow = []

[container]
exec = true

[containers]
see = "everybody"
publish = ["5432/tcp", "99999/tcp", 16]
publish_address = "any"
env = ["TZ=UTC"]
lifetime = 30
labels = ["docker-broker.owner"]
control = { label = ["x=y"] }

[containers.limits]
memory = "1g"
cpus = -1
pids = 0
log = { drivers = [] }

[containers.host]
binds = ["srv"]
"#;
        assert_snapshot!(check(text, "agent.toml"));
    }

    #[test]
    fn broken_syntax_is_placed() {
        assert_snapshot!(check("version = 1\n[images\nallow = [\"postgres:16\"]\npull = yes\n", "agent.toml"));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        let found = errors("[images]\npull = true\npull = false\n");
        assert!(found.iter().any(|line| line.starts_with("3:1: ")), "{found:?}");
    }

    #[test]
    fn what_weakens_is_warned_about() {
        let text = r#"
[images]
allow = ["postgres:16", "redis:*"]
registry-auth = "client"

[containers]
see = "all"
control = "all"
names = ["agent1-*"]
lifetime = "unlimited"
env = ["*"]
labels = ["*"]
publish-address = "any"
publish-ports = "as-asked"
attach = ["dev-internal"]
attach-mode = "add"

[containers.limits]
memory = "unlimited"
cpus = 2
log = "unlimited"

[containers.host]
privileged = true
dns = false
binds = ["/srv:rw"]

[networks]
create = true
"#;
        assert_snapshot!(check(text, "agent.toml"));
    }

    #[test]
    fn a_tight_policy_is_not_warned_about() {
        let text = r#"
version = 1
[images]
allow = ["postgres:16"]
[containers]
control = "own"
lifetime = "30m"
[containers.limits]
memory = "1GiB"
cpus = 0.5
pids = 100
shm = "64MiB"
log = { drivers = ["local"], max-size = "20MiB" }
"#;
        let report = check(text, "agent.toml");
        assert_eq!(report.to_string(), "");
        assert!(report.is_usable());
    }

    #[test]
    fn unrestricted_says_what_it_is() {
        let report = check("version = 1\nunrestricted = true", "all.toml");
        assert_eq!(report.warnings.len(), 1);
        assert!(report.to_string().contains("root on the engine's host"), "{report}");
    }

    #[test]
    fn containers_need_a_lifetime() {
        let text = "[images]\nallow = [\"postgres:16\"]\n[containers]\ncontrol = \"own\"\n";
        let expected = "`containers.lifetime`: missing; say how long a container may live, as `lifetime = \"30m\"`, \
                        or `\"unlimited\"`";
        assert_eq!(errors(text), [expected]);
        assert_eq!(load(&format!("{text}lifetime = \"unlimited\"")).containers.lifetime, Lifetime::Unlimited);
    }

    #[test]
    fn attached_containers_have_names_of_their_own() {
        for names in ["[\"*\"]", "[\"agent1-*\", \"db\"]", "[\"*-db\"]", "[\"a*b*\"]"] {
            let found = errors(&format!("[containers]\nattach = [\"dev\"]\nnames = {names}\n"));
            assert!(found.len() == 1 && found[0].starts_with("3:1: `containers.names`: must hold only"), "{found:?}");
        }
        assert_eq!(load("[containers]\nattach = [\"dev\"]\nnames = [\"agent1-*\"]").containers.attach, ["dev"]);
        assert!(load("[containers]\nattach = [\"dev\"]").containers.names.is_empty());
    }

    #[test]
    fn what_is_not_built_stays_refused_and_is_listed() {
        let text = r#"
[images]
registry-auth = "broker"
[containers]
control = { labels = ["team=a"] }
max = 3
reach = "relay"
command = ["postgres*"]
[containers.limits]
disk = "4GiB"
[containers.host]
privileged = true
network = ["host"]
cap-add = []
[networks]
create = { names = ["n*"], max = 5, internal = false }
[volumes]
create = false
[build]
tags = ["agent/*"]
[prune]
answer = "own"
[reaper]
emulate = true
"#;
        let policy = load(text);
        assert_eq!(policy.images.registry_auth, RegistryAuth::None);
        assert_eq!(policy.containers.control, Control::None);
        assert_eq!(policy.containers.reach, Reach::Publish);
        assert_eq!(policy.containers.host, compile::Host::default());
        assert_eq!((policy.networks, policy.volumes, policy.build), Default::default());
        assert_eq!((policy.prune, policy.reaper), (Prune::Refuse, Reaper::default()));
        assert_eq!(policy.containers.max, Some(3));
        let notes: Vec<String> = policy.not_in_force.iter().map(ToString::to_string).collect();
        assert_snapshot!(notes.join("\n"));
    }

    #[test]
    fn a_base_gives_way_key_by_key_and_lists_are_replaced() {
        let text = r#"
extends = "postgres"
[images]
allow = ["postgres:17"]
[containers]
exec = { users = ["postgres", ""] }
env = []
[containers.limits]
memory = "2GiB"
log = { drivers = ["journald"], max-size = "unlimited" }
"#;
        let policy = load(text);
        let base = builtin::builtin("postgres").expect("shipped");
        assert_eq!(policy.images.allow.len(), 1);
        assert!(policy.images.pull);
        assert!(policy.containers.exec.allows("postgres") && !policy.containers.exec.allows("root"));
        assert!(policy.containers.env.is_empty());
        assert_eq!(policy.containers.limits.memory, compile::Limit::At(2 << 30));
        assert_eq!(policy.containers.limits.pids, base.containers.limits.pids);
        assert_eq!(policy.containers.limits.log.value().expect("a limit").drivers, ["journald"]);
        assert_eq!(policy.containers.labels, base.containers.labels);
        assert_eq!(policy.origin, Origin::File("x.toml".to_owned()));
    }

    #[test]
    fn an_error_from_the_base_has_no_place_in_the_text() {
        let found = errors("extends = \"postgres\"\n[containers]\nattach = [\"dev\"]\n");
        assert!(found.len() == 1 && found[0].starts_with("`containers.names`: must hold"), "{found:?}");
    }

    #[test]
    fn exec_may_be_a_switch_or_a_list_of_users() {
        assert_eq!(load("[containers]\nexec = true").containers.exec, ExecGrant::Any);
        assert_eq!(load("[containers]\nexec = false").containers.exec, ExecGrant::None);
        let none = load("[containers]\nexec = {}").containers.exec;
        assert!(!none.allows("") && !none.allows("root"));
    }

    #[test]
    fn places_count_characters_and_not_bytes() {
        let found = errors("reason = \"\u{e9}\u{e9}\"\nimages = { \"\u{e9}\" = 1, alow = [] }\r\n");
        assert!(found.iter().any(|line| line.starts_with("2:21: `images.alow`:")), "{found:?}");
        assert!(errors("[prune]\r\nanswer = \"x\"\r\n")[0].starts_with("2:1: "));
    }

    #[test]
    fn an_odd_text_is_an_error_and_not_the_end() {
        for text in
            ["\0", "[", "=", "a.b.c.d = 1", "images = 1", "[[images]]", "\"\" = 1", "'' = {}", "images.\"a.b\" = 1"]
        {
            assert!(!check(text, "x").is_usable(), "{text:?}");
        }
        let deep = format!("x = {}", "[".repeat(10_000));
        assert!(!check(&deep, "x").is_usable());
        let text = "[containers]\npublish-address = \"bridge\"";
        assert_eq!(load(text).containers.publish_address, PublishAddress::Bridge);
    }

    #[test]
    fn a_dotted_name_in_quotes_is_not_the_path_of_a_key() {
        assert!(errors("\"images.pull\" = true")[0].contains("not a known key"));
        assert!(errors("[containers]\n\"host.privileged\" = true")[0].contains("not a known key"));
    }
}
