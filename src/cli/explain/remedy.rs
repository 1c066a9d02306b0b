//! What to write into which file to allow what was refused.
//!
//! A value is proposed, put into the policy, and tried where the request is at hand. Must never propose a policy that does
//! not load, and never call a value tried that was not.

use toml::{Table, Value};

use crate::config::policy_text::PolicyText;
use crate::policy::builtin::builtin_text;
use crate::policy::check;
use crate::policy::compile::{Origin, Policy};
use crate::policy::file::keys::{self, InForce, Key, Kind};

/// A policy that allows more by one key.
#[derive(Debug)]
pub(super) struct Proposal {
    /// The lines to write, as TOML.
    pub(super) lines: String,
    /// What it would make of the policy.
    pub(super) policy: Policy,
}

/// Values of this key that would change the policy, the likeliest first. `wanted` and `place` are those of the refusal.
pub(super) fn proposals(text: &PolicyText, key: &Key, wanted: &str, place: &str) -> Vec<Proposal> {
    if key.in_force == InForce::Never {
        return Vec::new();
    }
    let Ok(table) = toml::from_str::<Table>(&text.text) else { return Vec::new() };
    let now = value_now(&table, key.path);
    let values = candidates(key, now.as_ref(), &words(wanted, place));
    values.into_iter().filter_map(|value| propose(text, &table, key, &value)).collect()
}

/// Where the lines have to go, in words.
pub(super) fn where_to_write(text: &PolicyText) -> String {
    match &text.origin {
        Origin::File(path) => format!("write into `{path}`"),
        Origin::BuiltIn => format!(
            "start a policy of your own with `docker-broker policy new NAME --extends {} --output NAME.toml`, write into it",
            text.name
        ),
    }
}

fn propose(text: &PolicyText, table: &Table, key: &Key, value: &Value) -> Option<Proposal> {
    let changed = with(table.clone(), key.path, value.clone())?;
    let changed = match &text.origin {
        Origin::File(_) => changed,
        // what a file that extends the shipped one would say
        Origin::BuiltIn => {
            let base = Table::from_iter([(keys::EXTENDS.to_owned(), Value::String(text.name.clone()))]);
            with(base, key.path, value.clone())?
        }
    };
    let written = toml::to_string(&changed).ok()?;
    let policy = check::parse(&written, &text.name, text.origin.clone()).ok()?;
    Some(Proposal { lines: lines(key, value), policy })
}

/// The lines of a key: its section, and its value there.
fn lines(key: &Key, value: &Value) -> String {
    let (section, name) = section_and_name(key.path);
    let head = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
    format!("{head}{name} = {value}\n")
}

/// The section that stands in brackets, and the key below it (with dots, where a table stands in the place of a value).
fn section_and_name(path: &str) -> (&str, &str) {
    let mut at = path.len();
    while let Some((section, _)) = path.get(..at).and_then(|start| start.rsplit_once('.')) {
        if keys::find(section).is_some_and(|key| key.kind == Kind::Table) {
            return (section, path.get(section.len() + 1..).unwrap_or_default());
        }
        at = section.len();
    }
    ("", path)
}

/// Puts a value into a table. `None` where something else than a table stands in the way.
fn with(mut table: Table, path: &str, value: Value) -> Option<Table> {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = match table.remove(section) {
                Some(Value::Table(inner)) => inner,
                None | Some(Value::Boolean(_)) => Table::new(),
                Some(_) => return None,
            };
            table.insert(section.to_owned(), Value::Table(with(inner, rest, value)?));
        }
    }
    Some(table)
}

/// The value that a policy has now, its own or that of the policy which it extends.
fn value_now(table: &Table, path: &str) -> Option<Value> {
    let at = |table: &Table| {
        let mut names = path.split('.');
        let first = table.get(names.next()?)?.clone();
        names.try_fold(first, |value, name| value.get(name).cloned())
    };
    let base = || toml::from_str::<Table>(builtin_text(table.get(keys::EXTENDS)?.as_str()?)?).ok();
    at(table).or_else(|| at(&base()?))
}

fn candidates(key: &Key, now: Option<&Value>, words: &[String]) -> Vec<Value> {
    let text = |word: &str| Value::String(word.to_owned());
    let unlimited = || vec![text("unlimited")];
    match key.kind {
        Kind::Table | Kind::Named | Kind::Text => Vec::new(),
        Kind::Switch | Kind::SwitchOrTable => vec![Value::Boolean(true), Value::Boolean(false)],
        Kind::List => words.iter().map(|word| longer(now, word)).collect(),
        // the words stand from narrow to wide
        Kind::Choice(choice) | Kind::ChoiceOrTable(choice) => {
            let others = choice.iter().filter(|word| now.and_then(Value::as_str) != Some(**word));
            others.map(|word| text(word)).collect()
        }
        Kind::Whole | Kind::Count | Kind::Cpus => {
            let numbers = words.iter().filter_map(|word| word.parse::<i64>().ok()).map(Value::Integer);
            let fractions = words.iter().filter_map(|word| word.parse::<f64>().ok()).map(Value::Float);
            numbers.chain(fractions).chain(unlimited()).collect()
        }
        Kind::Size | Kind::Duration => words.iter().map(|word| text(word)).chain(unlimited()).collect(),
    }
}

/// The list with one more item.
fn longer(now: Option<&Value>, word: &str) -> Value {
    let mut items = now.and_then(Value::as_array).cloned().unwrap_or_default();
    items.push(Value::String(word.to_owned()));
    Value::Array(items)
}

/// The words of a refusal that could be a value: what stands in backticks, its part before an `=` or a `:`, and the
/// last names of the place.
fn words(wanted: &str, place: &str) -> Vec<String> {
    let quoted = wanted.split('`').skip(1).step_by(2);
    let mut words: Vec<String> = Vec::new();
    for word in quoted {
        let first = |mark| word.split_once(mark).map(|(first, _): (&str, &str)| first.to_owned());
        words.extend([Some(word.to_owned()), first('='), first(':')].into_iter().flatten());
    }
    let in_place = place.split_once('.').map(|(_, rest)| rest.trim_matches(['[', ']', '"']).to_owned());
    words.extend(in_place);
    words.extend(place.split_once('[').map(|(_, rest)| rest.trim_matches(['[', ']', '"']).to_owned()));
    words.retain(|word| !word.is_empty() && !word.contains('…') && word.parse::<usize>().map_or(true, |n| n > 99));
    words.truncate(MOST_WORDS);
    words
}

/// Proposals are tried one by one.
const MOST_WORDS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> PolicyText {
        PolicyText { name: "agent.toml".into(), text: text.into(), origin: Origin::File("agent.toml".into()) }
    }

    fn first(text: &PolicyText, key: &str, wanted: &str, place: &str) -> String {
        let proposals = proposals(text, keys::find(key).unwrap(), wanted, place);
        proposals.first().map(|proposal| proposal.lines.clone()).unwrap_or_default()
    }

    #[test]
    fn what_no_policy_can_say_is_not_proposed() {
        let text = file("extends = \"postgres\"\n");
        assert_eq!(first(&text, keys::BUILD_FROM, "`x`", ""), "");
        assert_eq!(first(&text, keys::IMAGES, "`x`", ""), "");
        // no reference to an image
        assert_eq!(first(&text, keys::IMAGES_ALLOW, "`UPPER CASE`", ""), "");
        assert_eq!(first(&text, keys::IMAGES_ALLOW, "nothing in backticks", ""), "");
    }

    #[test]
    fn a_list_keeps_what_it_has_and_a_base_counts() {
        let text = file("extends = \"postgres\"\n");
        assert_eq!(
            first(&text, keys::IMAGES_ALLOW, "`redis:7`", "Image"),
            "[images]\nallow = [\"postgres:16\", \"postgres:17\", \"redis:7\"]\n"
        );
        let text = file("extends = \"postgres\"\n[images]\nallow = [\"mysql:8\"]\n");
        assert_eq!(first(&text, keys::IMAGES_ALLOW, "`redis:7`", ""), "[images]\nallow = [\"mysql:8\", \"redis:7\"]\n");
    }

    #[test]
    fn values_of_other_kinds_are_of_their_kind() {
        let text = file("extends = \"read-only\"\n[containers]\nlifetime = \"1h\"\n");
        assert_eq!(
            first(&text, keys::CONTAINERS_CONTROL, "creates a container", ""),
            "[containers]\ncontrol = \"own\"\n"
        );
        assert_eq!(first(&text, keys::CONTAINERS_EXEC, "runs a process", ""), "[containers]\nexec = true\n");
        let text = file("extends = \"postgres\"\n");
        assert_eq!(first(&text, keys::CONTAINERS_LIMITS_PIDS, "`4096`", ""), "[containers.limits]\npids = 4096\n");
        assert_eq!(
            first(&text, keys::CONTAINERS_PUBLISH_ADDRESS, "`0.0.0.0`", ""),
            "[containers]\npublish-address = \"bridge\"\n"
        );
    }

    #[test]
    fn a_builtin_policy_is_extended_and_not_copied() {
        let text = PolicyText::find("postgres").unwrap();
        let proposals = proposals(&text, keys::find(keys::IMAGES_ALLOW).unwrap(), "`redis:7`", "Image");
        assert!(proposals[0].policy.allows_image(&crate::policy::pattern::ImageReference::parse("redis:7").unwrap()));
        assert!(where_to_write(&text).contains("--extends postgres"));
    }

    #[test]
    fn a_table_in_the_place_of_a_value_stays_below_its_section() {
        assert_eq!(section_and_name("containers.exec.users"), ("containers", "exec.users"));
        assert_eq!(section_and_name("containers.limits.log.max-size"), ("containers.limits", "log.max-size"));
        assert_eq!(section_and_name("version"), ("", "version"));
    }
}
