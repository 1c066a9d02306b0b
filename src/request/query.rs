//! A query string, read into and written from the types of the operations.
//!
//! Engines take the first of two equal keys, Podman the last; Podman matches names without case. So a repeated key that
//! is no list, and a key that only differs by case from a known one, are refused. Other unknown keys are dropped in
//! silence: dockerode repeats a whole create body there.

mod reader;
mod writer;

use super::error::{RequestError, shorten};
use super::json::{Json, JsonBounds};
use super::percent;
use serde::de::DeserializeOwned;
use std::fmt;
pub use writer::{QueryWriteError, write};

/// The pairs of a query string, decoded once, in their order.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Splits and decodes a raw query string; `None` and `""` have no pairs. A key without `=` has the value `""`.
    ///
    /// # Errors
    /// [`RequestError::Query`] for `;`, bad percent escapes, what is not UTF-8 after decoding, and NUL.
    pub fn parse(raw: Option<&str>) -> Result<Self, RequestError> {
        let raw = raw.unwrap_or_default();
        let pairs = raw.split('&').filter(|pair| !pair.is_empty()).map(pair).collect::<Result<_, _>>()?;
        Ok(Self { pairs })
    }

    /// Reads the pairs into a type whose fields (serde names) are the known keys.
    ///
    /// Booleans follow the engine: trimmed and without case, `""`, `0`, `no`, `false`, `none` are false, all else is
    /// true. Whole numbers are strict decimals. A list field takes every value of its key. Absent is serde's default.
    ///
    /// # Errors
    /// [`RequestError::Repeated`] for a known key that is there twice and no list, [`RequestError::Spelling`] for a key
    /// that Go's case folding would take for a known one, [`RequestError::Value`] for a value of the wrong kind.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, RequestError> {
        T::deserialize(reader::Pairs(&self.pairs))
    }

    /// The decoded pairs, in the order of the request.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// Keys only: dockerode puts `Env` with its passwords into the query.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(key, _)| key)).finish()
    }
}

/// Whether a body only repeats the query, as dockerode's do on operations without a body: an object of which every
/// member is a query parameter with the same value (`null` as an empty one, lists and objects as JSON or as a repeated
/// key). An empty object repeats nothing and is fine.
#[must_use]
pub fn same_parameters(query: &Query, body: &Json) -> bool {
    match body {
        Json::Object(members) => members.iter().all(|(key, value)| same_value(query, key, value)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => false,
    }
}

fn same_value(query: &Query, key: &str, value: &Json) -> bool {
    let values: Vec<&str> = query.values(key).collect();
    if let [text] = values.as_slice()
        && same_text(value, text)
    {
        return true;
    }
    let Json::Array(items) = value else { return false };
    items.len() == values.len() && items.iter().zip(&values).all(|(item, text)| same_text(item, text))
}

fn same_text(value: &Json, text: &str) -> bool {
    match value {
        Json::Null => text.is_empty(),
        Json::Bool(value) => text == value.to_string(),
        Json::Number(number) => text == number,
        Json::String(string) => text == string,
        Json::Array(_) | Json::Object(_) => {
            Json::read(text.as_bytes(), &JsonBounds::default()).is_ok_and(|json| json == *value)
        }
    }
}

fn pair(raw: &str) -> Result<(String, String), RequestError> {
    let (key, value) = raw.split_once('=').unwrap_or((raw, ""));
    let refuse = |fault| RequestError::Query { key: shorten(key), fault };
    if raw.contains(';') {
        return Err(refuse("holds a bare `;`, which some readers take for `&`; write it as `%3B`"));
    }
    let decode = |text| percent::decode(text, true).map_err(refuse);
    let pair = (decode(key)?, decode(value)?);
    if pair.0.contains('\0') || pair.1.contains('\0') {
        return Err(refuse("holds a NUL character"));
    }
    Ok(pair)
}

#[cfg(test)]
mod tests;
