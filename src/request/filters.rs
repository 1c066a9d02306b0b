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
    /// What [`Json::read`] refuses, other kinds of values, and `false` in the second shape: engines filter by it as if
    /// it were `true`.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let json = Json::read(text.as_bytes(), &JsonBounds::default());
        json.and_then(Self::from_document).map_err(|error| error.below("filters"))
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

    fn from_document(json: Json) -> Result<Self, RequestError> {
        let members = match json {
            Json::Null => Vec::new(),
            Json::Object(members) => members,
            other @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
                return Err(refuse(&other, "an object such as {\"label\":[\"a=b\"]}"));
            }
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::query::{Query, write};
    use proptest::prelude::*;

    #[derive(serde::Deserialize, serde::Serialize, Default)]
    #[serde(default)]
    struct List {
        filters: Filters,
    }

    #[test]
    fn what_engines_read_differently_is_refused() {
        for (text, place) in [
            (r#"{"label":{"docker-broker.owner=me":false}}"#, r#"filters.label["docker-broker.owner=me"]"#),
            (r#"{"label":{"a":1}}"#, "filters.label.a"),
            (r#"{"label":{"a":null}}"#, "filters.label.a"),
            (r#"{"name":["a"],"name":["b"]}"#, "filters.name"),
            (r#"{"label":["a"],"Label":["b"]}"#, "filters.label"),
            (r#"{"label":"a"}"#, "filters.label"),
            (r#"{"label":["a",true]}"#, "filters.label[1]"),
            (r#"["label"]"#, "filters"),
            ("label=a", "filters"),
            (r#"{"label":["a"]} x"#, "filters"),
        ] {
            let error = Filters::parse(text).unwrap_err();
            assert_eq!((error.place(), error.status()), (place, 400), "{text}");
        }
    }

    #[test]
    fn a_refusal_in_a_query_names_the_parameter_and_the_place() {
        let query = Query::parse(Some("filters=%7B%22label%22%3A%7B%22a%22%3Afalse%7D%7D")).unwrap();
        let error = query.read::<List>().map(|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`?filters`: `filters.label.a`: found a boolean `false`, wanted `true` (engines filter by `false` as if it were true)"
        );
    }

    #[test]
    fn both_shapes_mean_the_same() {
        let list = Filters::parse(r#"{"label":["b","a=c","b"]}"#).unwrap();
        let set = Filters::parse(r#"{"label":{"a=c":true,"b":true}}"#).unwrap();
        assert_eq!(list, set);
        assert_eq!(list.encode(), r#"{"label":["a=c","b"]}"#);
        assert_eq!(list.values("label"), ["a=c", "b"]);
    }

    #[test]
    fn no_filter_has_many_spellings_and_is_left_out() {
        for text in ["", " ", "null", "{}", r#"{"label":[]}"#, r#"{"label":null}"#, r#"{"label":{}}"#] {
            let filters = Filters::parse(text).unwrap();
            assert_eq!(filters, Filters::default(), "{text}");
            assert_eq!(write(&List { filters }).as_deref(), Ok(""));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(pairs in prop::collection::vec(("[a-z]{1,5}", "[^\\x00]{0,8}"), 0..8)) {
            let mut filters = Filters::default();
            for (name, value) in &pairs {
                filters.add(name, value);
            }
            let written = write(&List { filters: filters.clone() }).unwrap();
            let read: List = Query::parse(Some(&written)).unwrap().read().unwrap();
            prop_assert_eq!(read.filters, filters);
        }
    }
}
