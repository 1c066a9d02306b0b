//! The vocabulary of policy files: every key with its kind, its meaning and what its absence means.
//!
//! This table is the one definition. Reading, the nearest known key, what is not in force, and the generated reference
//! all come from it; a test holds it against the types in [`super`], which read the same keys.

mod table;

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
    KEYS.iter().find(|key| key.path == path)
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
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
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
