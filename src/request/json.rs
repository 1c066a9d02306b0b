//! JSON documents, read strictly and written back as they were read.
//!
//! Go's reader (all engines) merges duplicate keys, folds their case and lets later ones win in ways that no other
//! reader copies, so [`Json::read`] refuses every document that two readers could see differently. It must never guess,
//! replace or repair. Numbers are kept as written, so that nothing is rounded on the way.

mod reader;

use super::error::RequestError;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::fmt;

/// A JSON value. Members of an object keep their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, spelled as in the document (RFC 8259 §6).
    Number(String),
    /// A string, unescaped; never holds NUL or a lone surrogate.
    String(String),
    /// A list.
    Array(Vec<Self>),
    /// Members in the order of the document; no key is there twice.
    Object(Vec<(String, Self)>),
}

/// How much of a document is read before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonBounds {
    /// Nesting of lists and objects; the top level is 1. Values over 256 count as 256.
    pub depth: usize,
    /// Items of one list, or members of one object.
    pub items: usize,
    /// Bytes of one string or key, unescaped.
    pub string_bytes: usize,
}

impl Default for JsonBounds {
    /// Bounds for what clients send.
    fn default() -> Self {
        Self { depth: 32, items: 4096, string_bytes: 64 * 1024 }
    }
}

impl Json {
    /// Reads one document of a client.
    ///
    /// # Errors
    /// Says the place (`HostConfig.Mounts[1].Source`) of: anything but RFC 8259 JSON in UTF-8, a byte order mark,
    /// trailing data, NUL in a string, a lone surrogate, a key that is there twice, two keys that Go's case folding
    /// makes equal (unless all but one are `null`: those are dropped), anything over the bounds.
    pub fn read(bytes: &[u8], bounds: &JsonBounds) -> Result<Self, RequestError> {
        reader::read(bytes, *bounds, reader::Folding::Refuse)
    }

    /// Reads one document of the engine: as [`Json::read`], but keys that differ by case only are kept, because the
    /// labels of an image may well be `maintainer` and `MAINTAINER`.
    ///
    /// # Errors
    /// As [`Json::read`].
    pub fn read_answer(bytes: &[u8], bounds: &JsonBounds) -> Result<Self, RequestError> {
        reader::read(bytes, *bounds, reader::Folding::Keep)
    }

    /// Whether this is what Go calls a zero value, which an unknown field may hold: `null`, `false`, 0, `""`, `[]`,
    /// `{}`.
    #[must_use]
    pub fn is_neutral(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Number(text) => is_zero(text),
            Self::String(text) => text.is_empty(),
            Self::Array(items) => items.is_empty(),
            Self::Object(members) => members.is_empty(),
        }
    }

    /// What kind of value this is, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The member with exactly this key, if this is an object that has it.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }
}

/// Writes compact JSON; numbers as they were read.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(text) => f.write_str(text),
            Self::String(text) => write_string(f, text),
            Self::Array(items) => write_list(f, items),
            Self::Object(members) => write_object(f, members),
        }
    }
}

/// For bodies that are written by a serde serializer. Numbers that fit no 64-bit integer become floating point.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(text) => serialize_number(text, serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

/// For fields of a body that are kept as they are.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
        if value.is_finite() { Ok(Json::Number(format!("{value:?}"))) } else { Err(E::custom("not a JSON number")) }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

/// Whether a JSON number is zero in whatever spelling (`-0`, `0.00`, `0e9`).
fn is_zero(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

fn serialize_number<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(value) = text.parse() {
        return serializer.serialize_u64(value);
    }
    if let Ok(value) = text.parse() {
        return serializer.serialize_i64(value);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => serializer.serialize_f64(value),
        _ => Err(serde::ser::Error::custom("a number is too large to be written")),
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, items: &[Json]) -> fmt::Result {
    f.write_str("[")?;
    for (index, item) in items.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { "," })?;
        write!(f, "{item}")?;
    }
    f.write_str("]")
}

fn write_object(f: &mut fmt::Formatter<'_>, members: &[(String, Json)]) -> fmt::Result {
    f.write_str("{")?;
    for (index, (key, value)) in members.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { "," })?;
        write_string(f, key)?;
        f.write_str(":")?;
        write!(f, "{value}")?;
    }
    f.write_str("}")
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
            other => fmt::Write::write_char(f, other)?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests;
