//! Docker's `filters` query parameter, in both of the shapes that clients send.
//!
//! Never merged with other text: what goes to the engine is written anew by [`Filters::encode`].

use super::error::RequestError;
use super::json::{Json, JsonBounds};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Filter names with their values; sorted, without repetitions, no name without values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters(pub BTreeMap<String, Vec<String>>);

impl Filters {
    /// Reads `{"label":["a=b"]}` (Java, Node, Python) or `{"label":{"a=b":true}}` (Go, CLI). Empty, `null` and `{}` are
    /// no filter, and so is a name without values.
    ///
    /// # Errors
    /// What [`Json::read`] refuses, other kinds of values, and `false` in the second shape: engines filter by it as if it
    /// were `true`.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        match Json::read(text.as_bytes(), &JsonBounds::default())? {
            Json::Null => Ok(Self::default()),
            Json::Object(members) => Self::from_members(members),
            other @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
                Err(refuse(&other, "an object such as {\"label\":[\"a=b\"]}"))
            }
        }
    }

    /// The values of one filter; empty when it is not there.
    #[must_use]
    pub fn values(&self, name: &str) -> &[String] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether there is no filter at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }

    /// Adds one value, unless it is there already.
    pub fn add(&mut self, name: &str, value: &str) {
        let values = self.0.entry(name.to_owned()).or_default();
        if let Err(index) = values.binary_search_by(|known| known.as_str().cmp(value)) {
            values.insert(index, value.to_owned());
        }
    }

    /// Compact JSON in the list shape, which every engine reads; `{}` when empty.
    #[must_use]
    pub fn encode(&self) -> String {
        let text = |value: &String| Json::String(value.clone());
        let present = self.0.iter().filter(|(_, values)| !values.is_empty());
        let members = present.map(|(name, values)| (name.clone(), Json::Array(values.iter().map(text).collect())));
        Json::Object(members.collect()).to_string()
    }

    fn from_members(members: Vec<(String, Json)>) -> Result<Self, RequestError> {
        let mut filters = Self::default();
        for (name, value) in members {
            for wanted in values(value).map_err(|error| error.inside(&name))? {
                filters.add(&name, &wanted);
            }
        }
        Ok(filters)
    }
}

/// From the text of a query parameter.
impl<'de> Deserialize<'de> for Filters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FiltersVisitor)
    }
}

/// As the text of a query parameter; `""` when there is no filter, so that the parameter is left out.
impl Serialize for Filters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_empty() { serializer.serialize_str("") } else { serializer.serialize_str(&self.encode()) }
    }
}

struct FiltersVisitor;

impl Visitor<'_> for FiltersVisitor {
    type Value = Filters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("filters as JSON, such as {\"label\":[\"a=b\"]}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Filters, E> {
        Filters::parse(text).map_err(E::custom)
    }
}

fn values(value: Json) -> Result<Vec<String>, RequestError> {
    match value {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) => {
            items.into_iter().enumerate().map(|(index, item)| listed(item).map_err(|e| e.inside_item(index))).collect()
        }
        Json::Object(members) => {
            members.into_iter().map(|(key, value)| set(&value).map_err(|e| e.inside(&key)).map(|()| key)).collect()
        }
        other @ (Json::Bool(_) | Json::Number(_) | Json::String(_)) => Err(refuse(&other, "a list of strings")),
    }
}

fn listed(item: Json) -> Result<String, RequestError> {
    match item {
        Json::String(text) => Ok(text),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
            Err(refuse(&other, "a string"))
        }
    }
}

fn set(value: &Json) -> Result<(), RequestError> {
    if *value == Json::Bool(true) {
        Ok(())
    } else {
        Err(refuse(value, "`true` (engines filter by `false` as if it were true)"))
    }
}

fn refuse(found: &Json, wanted: &str) -> RequestError {
    let value = matches!(found, Json::Bool(false)).then(|| "false".to_owned());
    let found = super::error::Found { kind: found.kind(), value };
    RequestError::Value { place: String::new(), found, wanted: wanted.to_owned() }
}
