//! A JSON Schema of policy files for editors, generated from the [`keys`] table.
//!
//! Draft 2020-12, in words that older drafts share, for that is what editors read. It knows less than `check`: must never
//! refuse a file that loads.

use serde_json::{Map, Value, json};

use super::compile::value::UNITS;
use super::file::keys::{self, InForce, Key, Kind};

/// The schema, ready to be written to a file.
#[must_use]
pub fn policy_schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "docker-broker policy",
        "description": "What clients of docker-broker may do. A key that would allow something allows nothing while it is absent. `docker-broker check FILE` says more than an editor can.",
    });
    if let (Some(schema), Value::Object(file)) = (schema.as_object_mut(), table_of("")) {
        schema.extend(file);
    }
    schema
}

/// A table with the keys below this path.
fn table_of(path: &str) -> Value {
    let properties: Map<String, Value> =
        keys::children(path).map(|key| (key.name().to_owned(), schema_of(key))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn schema_of(key: &Key) -> Value {
    let mut schema = if key.path == keys::VERSION { json!({ "const": 1 }) } else { values_of(key) };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), Value::String(description(key)));
    }
    schema
}

fn values_of(key: &Key) -> Value {
    let or_unlimited = |value: Value| json!({ "anyOf": [value, { "const": "unlimited" }] });
    let text = |pattern: String| json!({ "type": "string", "pattern": pattern });
    match key.kind {
        Kind::Table => table_of(key.path),
        Kind::Named => {
            let section = keys::children(key.path).next().map_or_else(|| json!(false), schema_of);
            json!({ "type": "object", "additionalProperties": section })
        }
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Whole => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        Kind::Count => or_unlimited(json!({ "type": "integer", "minimum": 1 })),
        Kind::Cpus => or_unlimited(json!({ "type": "number", "exclusiveMinimum": 0 })),
        Kind::Size => text(format!("^(0*[1-9][0-9]* *({})|unlimited)$", units())),
        Kind::Duration => text(SPAN.to_owned()),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::List => json!({ "type": "array", "items": item_of(key) }),
        Kind::SwitchOrTable => json!({ "anyOf": [{ "type": "boolean" }, table_of(key.path)] }),
        Kind::ChoiceOrTable(words) => json!({ "anyOf": [{ "enum": words }, table_of(key.path)] }),
    }
}

/// An item of a list, where the way to write it can be told by a pattern.
fn item_of(key: &Key) -> Value {
    match ITEMS.iter().find(|(path, _)| *path == key.path) {
        Some((_, pattern)) => json!({ "type": "string", "pattern": pattern }),
        None => json!({ "type": "string" }),
    }
}

fn description(key: &Key) -> String {
    let in_force = match key.in_force {
        InForce::Always => String::new(),
        InForce::Never => " Not in force in this version yet.".to_owned(),
        InForce::Except(words) => format!(" Not in force in this version yet: `{}`.", words.join("`, `")),
    };
    format!("{}. When absent: {}.{in_force}", sentence(key.meaning), key.absent)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn units() -> String {
    UNITS.map(|(unit, _)| unit).join("|")
}

/// Numbers with units as `humantime` reads them, such as `30m`, `1h 30m` and `2 days`.
const SPAN: &str = "^( *[0-9]+ *[a-zA-Zµ]+)+ *$|^unlimited$";

/// How items of some lists are written.
const ITEMS: [(&str, &str); 5] = [
    (keys::CONTAINERS_ENV, "^[^=]+$"),
    (keys::CONTAINERS_CONTROL_LABELS, "^[^=]+=.*$"),
    (keys::CONTAINERS_PUBLISH, "^(\\*|[0-9]{1,5}(-[0-9]{1,5})?)(/(tcp|udp|sctp))?$"),
    (keys::CONTAINERS_TMPFS, "^/[^:,*]+$"),
    (keys::CONTAINERS_HOST_BINDS, "^/[^:,*]+(:(ro|rw))?$"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::file::keys::KEYS;

    #[test]
    fn every_key_has_its_place_and_its_words() {
        let schema = policy_schema();
        for key in KEYS {
            let mut at = &schema;
            for name in key.path.split('.') {
                if name == "NAME" {
                    at = &at["additionalProperties"];
                    continue;
                }
                let is_open = |place: &&Value| place["properties"].is_object();
                let place =
                    if is_open(&at) { at } else { at["anyOf"].as_array().unwrap().iter().find(is_open).unwrap() };
                assert_eq!(place["additionalProperties"], false, "{}", key.path);
                at = &place["properties"][name];
            }
            let said = at["description"].as_str().unwrap_or_else(|| panic!("{} is missing", key.path));
            assert!(said.contains("When absent: "), "{said}");
        }
    }

    #[test]
    fn what_is_not_in_force_is_said() {
        let said = policy_schema()["properties"]["reaper"]["properties"]["emulate"]["description"].to_string();
        let key = keys::find(keys::REAPER_EMULATE).unwrap();
        assert_eq!(said.contains("Not in force"), key.in_force == InForce::Never);
    }

    #[test]
    fn patterns_are_about_lists_that_exist() {
        for (path, _) in ITEMS {
            assert_eq!(keys::find(path).unwrap().kind, Kind::List, "{path}");
        }
    }
}
