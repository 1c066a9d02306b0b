//! The vocabulary of policy files: every key with its kind, its meaning and what its absence means.
//!
//! This table is the one definition. Reading, the nearest known key, what is not in force, and the generated reference
//! all come from it; a test holds it against the types in [`super`], which read the same keys.

mod table;

use std::borrow::Cow;

use toml::Value;

pub use table::*;

/// One key of the format.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The path, as `containers.limits.memory`.
    pub path: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// What its absence means.
    pub absent: &'static str,
    /// What it does, in one line.
    pub meaning: &'static str,
    /// Whether it opens or narrows something.
    pub effect: Effect,
    /// Whether this version does what it says.
    pub in_force: InForce,
}

/// The kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A section with keys of its own.
    Table,
    /// Sections under names of the author's choice; their keys are those of `NAME`.
    Named,
    /// `true` or `false`.
    Switch,
    /// Free text.
    Text,
    /// A whole number from 0.
    Whole,
    /// A whole number from 1, or `unlimited`.
    Count,
    /// A number of CPUs, or `unlimited`.
    Cpus,
    /// A number of bytes with its unit, or `unlimited`.
    Size,
    /// A span of time with its unit, or `unlimited`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of strings.
    List,
    /// `true`, `false`, or a table with keys of its own.
    SwitchOrTable,
    /// One of these words, or a table with keys of its own.
    ChoiceOrTable(&'static [&'static str]),
}

/// What a key does to what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows something that is refused without it.
    Permits,
    /// It refuses something that is allowed without it.
    Restricts,
    /// Neither.
    Neutral,
}

/// Whether this version does what a key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce {
    /// It does.
    Always,
    /// It does, but for these values.
    Except(&'static [&'static str]),
    /// It does not yet.
    Never,
}

impl Key {
    /// Whether the value has the right form. Its contents are read later.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        let is_unlimited = value.as_str() == Some("unlimited");
        let is_one_of = |words: &[&str]| value.as_str().is_some_and(|word| words.contains(&word));
        match self.kind {
            Kind::Table => value.is_table(),
            Kind::Named => value.is_table(),
            Kind::Switch => value.is_bool(),
            Kind::Text | Kind::Size | Kind::Duration => value.is_str(),
            Kind::Whole => value.as_integer().is_some_and(|number| u32::try_from(number).is_ok()),
            Kind::Count => value.as_integer().is_some_and(|number| number > 0) || is_unlimited,
            Kind::Cpus => value.is_integer() || value.is_float() || is_unlimited,
            Kind::Choice(words) => is_one_of(words),
            Kind::List => value.as_array().is_some_and(|items| items.iter().all(Value::is_str)),
            Kind::SwitchOrTable => value.is_bool() || value.is_table(),
            Kind::ChoiceOrTable(words) => is_one_of(words) || value.is_table(),
        }
    }

    /// Which values it takes, in words: ``one of `own`, `all` ``.
    #[must_use]
    pub fn wanted(&self) -> String {
        match self.kind {
            Kind::Table => "a section".to_owned(),
            Kind::Named => "sections with names of one's own".to_owned(),
            Kind::Switch => "`true` or `false`".to_owned(),
            Kind::Text => "a string".to_owned(),
            Kind::Whole => "a whole number from 0".to_owned(),
            Kind::Count => "a whole number from 1, or `\"unlimited\"`".to_owned(),
            Kind::Cpus => "a number of CPUs as `2.0`, or `\"unlimited\"`".to_owned(),
            Kind::Size => "a size with its unit as `\"512MiB\"`, or `\"unlimited\"`".to_owned(),
            Kind::Duration => "a span of time as `\"30m\"`, or `\"unlimited\"`".to_owned(),
            Kind::Choice(words) => words_in_quotes(words),
            Kind::List => "a list of strings as `[\"…\"]`".to_owned(),
            Kind::SwitchOrTable => format!("`true`, `false` or {}", self.table_in_words()),
            Kind::ChoiceOrTable(words) => format!("{} or {}", words_in_quotes(words), self.table_in_words()),
        }
    }

    /// The last word of the path.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// Whether this version does what the key says with this value. A value that changes nothing is in force.
    #[must_use]
    pub fn is_in_force(&self, value: &Value) -> bool {
        match self.in_force {
            InForce::Always => true,
            InForce::Except(words) => !value.as_str().is_some_and(|word| words.contains(&word)),
            InForce::Never => {
                value.as_bool() == Some(false)
                    || (self.effect == Effect::Permits && value.as_array().is_some_and(Vec::is_empty))
            }
        }
    }

    fn table_in_words(&self) -> String {
        let keys: Vec<String> = children(self.path).map(|key| format!("{} = …", key.name())).collect();
        format!("`{{ {} }}`", keys.join(", "))
    }
}

/// The key with this path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    let path = general(path);
    KEYS.iter().find(|key| key.path == path)
}

/// The path with `NAME` in the place of a name of the author's choice.
fn general(path: &str) -> Cow<'_, str> {
    let Some((TEMPLATES, rest)) = path.split_once('.') else { return Cow::Borrowed(path) };
    match rest.split_once('.') {
        None => Cow::Borrowed(TEMPLATES_NAME),
        Some((_, key)) => Cow::Owned(format!("{TEMPLATES_NAME}.{key}")),
    }
}

/// The keys directly under a section; `""` is the whole file.
pub fn children(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| match key.path.rsplit_once('.') {
        Some((parent, _)) => parent == section,
        None => section.is_empty(),
    })
}

/// The known key that somebody who wrote `path` may have meant.
#[must_use]
pub fn nearest(path: &str) -> Option<&'static str> {
    let path = general(path);
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", &path));
    let name = name.to_ascii_lowercase().replace('_', "-");
    let likeness = |key: &Key| {
        let (section, _) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        let here = if section == parent { SAME_SECTION } else { 0.0 };
        strsim::normalized_damerau_levenshtein(&name, key.name()) + here
    };
    let best = KEYS.iter().map(|key| (likeness(key), key)).max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    (best.0 >= LIKE_ENOUGH).then_some(best.1.path)
}

fn words_in_quotes(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    words.join(" or ")
}

/// How much a key of the same section counts more than one of another.
const SAME_SECTION: f64 = 0.2;

/// Below this, a suggestion would be a guess.
const LIKE_ENOUGH: f64 = 0.6;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use toml::Table;

    use super::super::PolicyFile;
    use super::*;

    /// A value of the right form for a key.
    fn sample(key: &Key) -> Value {
        let text = match key.kind {
            Kind::Table | Kind::Named | Kind::SwitchOrTable | Kind::ChoiceOrTable(_) => "{}",
            Kind::Switch => "true",
            Kind::Text => "\"x\"",
            Kind::Whole | Kind::Count => "1",
            Kind::Cpus => "0.5",
            Kind::Size => "\"1GiB\"",
            Kind::Duration => "\"30m\"",
            Kind::Choice(words) => return Value::String((*words.first().expect("a word")).to_owned()),
            Kind::List => "[\"x\"]",
        };
        value(text)
    }

    fn value(text: &str) -> Value {
        let table: Table = toml::from_str(&format!("x = {text}")).expect("TOML");
        table.get("x").expect("x").clone()
    }

    /// A file that holds one key.
    fn file_with(path: &str, value: Value) -> Table {
        path.rsplit('.')
            .fold(value, |inner, name| Value::Table(Table::from_iter([(name.to_owned(), inner)])))
            .as_table()
            .expect("a table")
            .clone()
    }

    fn read(path: &str, value: Value) -> Result<PolicyFile, String> {
        file_with(path, value).try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn paths_are_unique_and_follow_their_sections() {
        let mut seen = BTreeSet::new();
        for key in KEYS {
            assert!(seen.insert(key.path), "{} stands twice", key.path);
            if let Some((section, _)) = key.path.rsplit_once('.') {
                assert!(seen.contains(section), "{} stands before {section}", key.path);
            }
            assert!(!key.meaning.is_empty() && !key.meaning.contains(['\n', '|']), "{}", key.path);
        }
    }

    #[test]
    fn every_key_of_the_table_is_read() {
        for key in KEYS {
            let value = sample(key);
            assert!(key.accepts(&value), "{} does not accept {value}", key.path);
            if let Err(error) = read(key.path, value) {
                panic!("{}: {error}", key.path);
            }
        }
    }

    #[test]
    fn every_key_that_is_read_stands_in_the_table() {
        let sections = KEYS.iter().filter(|key| key.kind == Kind::Table).map(|key| key.path);
        for section in sections.chain([""]) {
            let stranger = if section.is_empty() { "stranger".to_owned() } else { format!("{section}.stranger") };
            let error = read(&stranger, Value::Boolean(true)).expect_err("not a key");
            let (_, listed) = error.split_once("expected ").expect("serde lists the fields it knows");
            let fields: BTreeSet<&str> = listed.split('`').skip(1).step_by(2).collect();
            let known: BTreeSet<&str> = children(section).map(Key::name).collect();
            assert_eq!(fields, known, "of section `{section}`");
        }
    }

    #[test]
    fn tables_in_the_place_of_a_value_read_the_keys_of_the_table() {
        use super::super::{ControlTable, ExecTable, LogTable, NetworkCreateTable, VolumeCreateTable};
        let fields = |error: Option<String>| -> BTreeSet<String> {
            let error = error.expect("not a key");
            let (_, listed) = error.split_once("expected ").expect("serde lists the fields it knows");
            listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let stranger = "stranger = true";
        let control = toml::from_str::<ControlTable>(stranger).err().map(|error| error.message().to_owned());
        let exec = toml::from_str::<ExecTable>(stranger).err().map(|error| error.message().to_owned());
        let log = toml::from_str::<LogTable>(stranger).err().map(|error| error.message().to_owned());
        let network = toml::from_str::<NetworkCreateTable>(stranger).err().map(|error| error.message().to_owned());
        let volume = toml::from_str::<VolumeCreateTable>(stranger).err().map(|error| error.message().to_owned());
        let pairs = [
            (CONTAINERS_CONTROL, control),
            (CONTAINERS_EXEC, exec),
            (CONTAINERS_LIMITS_LOG, log),
            (NETWORKS_CREATE, network),
            (VOLUMES_CREATE, volume),
        ];
        let tables = KEYS.iter().filter(|key| matches!(key.kind, Kind::SwitchOrTable | Kind::ChoiceOrTable(_)));
        assert_eq!(tables.map(|key| key.path).collect::<Vec<_>>(), pairs.each_ref().map(|(path, _)| *path));
        for (path, error) in pairs {
            let known: BTreeSet<String> = children(path).map(|key| key.name().to_owned()).collect();
            assert_eq!(fields(error), known, "of `{path}`");
        }
    }

    #[test]
    fn the_words_of_a_choice_are_those_that_are_read() {
        for key in KEYS {
            let (Kind::Choice(words) | Kind::ChoiceOrTable(words)) = key.kind else { continue };
            for word in words {
                let word = Value::String((*word).to_owned());
                assert!(key.accepts(&word) && read(key.path, word.clone()).is_ok(), "{} = {word}", key.path);
            }
            for word in ["stranger", "", "none ", "refuse-", "Own"] {
                assert!(!key.accepts(&Value::String(word.to_owned())), "{} = {word}", key.path);
            }
        }
        assert!(read(PRUNE_ANSWER, Value::String("refuse".to_owned())).is_err());
        assert!(read(CONTAINERS_SEE, Value::String("none".to_owned())).is_err());
    }

    #[test]
    fn no_key_takes_a_value_of_another_kind() {
        for key in KEYS {
            for text in ["true", "-1", "0.5", "\"x\"", "[1]", "[\"x\"]", "{}", "1979-05-27", "[[]]"] {
                let value = value(text);
                let takes = match key.kind {
                    Kind::Table | Kind::Named => text == "{}",
                    Kind::Switch => text == "true",
                    Kind::Text | Kind::Size | Kind::Duration => text == "\"x\"",
                    Kind::Cpus => ["0.5", "-1"].contains(&text),
                    Kind::List => text == "[\"x\"]",
                    Kind::SwitchOrTable => ["true", "{}"].contains(&text),
                    Kind::ChoiceOrTable(_) => text == "{}",
                    Kind::Whole | Kind::Count | Kind::Choice(_) => false,
                };
                assert_eq!(key.accepts(&value), takes, "{} = {text}", key.path);
                assert!(!key.wanted().is_empty());
            }
        }
    }

    #[test]
    fn the_nearest_key_is_one_that_was_meant() {
        for (written, meant) in [
            ("images.alow", Some(IMAGES_ALLOW)),
            ("image.allow", Some(IMAGES_ALLOW)),
            ("containers.publish_address", Some(CONTAINERS_PUBLISH_ADDRESS)),
            ("containers.Exec", Some(CONTAINERS_EXEC)),
            ("containers.memory", Some(CONTAINERS_LIMITS_MEMORY)),
            ("privileged", Some(CONTAINERS_HOST_PRIVILEGED)),
            ("container", Some(CONTAINERS)),
            ("containers.zzzzzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(written), meant, "{written}");
        }
    }
}
