//! JSON shapes that several bodies share, each with the engine's own reading.
//!
//! None of them prints a value that may be a secret.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::neutral::null_values_are_zero;

/// Environment entries, `KEY=value` or `KEY`. `Debug` prints the keys.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnvList(pub Vec<String>);

impl EnvList {
    /// The part of each entry before its first `=`, in order, duplicates kept.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| entry.split_once('=').map_or(entry.as_str(), |(key, _)| key))
    }
}

impl fmt::Debug for EnvList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.keys()).finish()
    }
}

/// A JSON object of strings: labels, options, annotations. `null` as a value reads as `""`. `Debug` prints the keys.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StringMap(#[serde(deserialize_with = "null_values_are_zero")] pub BTreeMap<String, String>);

impl fmt::Debug for StringMap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// A list of words that may also be written as one string, which becomes a list of that one word, also when it is `""`
/// (`StrSlice` of engines up to 28; later ones take the list only). Always written as a list. `Debug` prints the count.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct StringList(pub Vec<String>);

impl<'de> Deserialize<'de> for StringList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StringListVisitor)
    }
}

struct StringListVisitor;

impl<'de> Visitor<'de> for StringListVisitor {
    type Value = StringList;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string or a list of strings")
    }

    fn visit_str<E>(self, word: &str) -> Result<StringList, E> {
        Ok(StringList(vec![word.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, words: A) -> Result<StringList, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(words)).map(StringList)
    }
}

impl fmt::Debug for StringList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{} words]", self.0.len())
    }
}

/// A list of words, and only a list. Commands carry passwords, so `Debug` prints the count.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arguments(pub Vec<String>);

impl fmt::Debug for Arguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{} words]", self.0.len())
    }
}

/// `{}`, the value in Docker's maps that are sets (`ExposedPorts`, `Volumes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EmptyObject {}

/// A terminal's size, `[height, width]` in characters: exactly two numbers, where Go would take any. Zero by
/// zero asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "[u64; 2]", into = "[u64; 2]")]
pub struct ConsoleSize {
    /// Rows, in characters.
    pub height: u64,
    /// Columns, in characters.
    pub width: u64,
}

impl From<[u64; 2]> for ConsoleSize {
    fn from([height, width]: [u64; 2]) -> Self {
        Self { height, width }
    }
}

impl From<ConsoleSize> for [u64; 2] {
    fn from(ConsoleSize { height, width }: ConsoleSize) -> Self {
        [height, width]
    }
}

/// A key that a real client sends and no engine reads. Any value is taken, none is kept and none is ever written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
