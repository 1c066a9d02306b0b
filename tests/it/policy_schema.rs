//! The editor schema of policies: takes what loads, and refuses what no policy can say.
//!
//! The checker below knows the few words of JSON Schema that ours uses, and fails on any other.

use docker_broker::policy::builtin::{BUILTIN_NAMES, builtin_text};
use docker_broker::policy::check::check;
use docker_broker::policy::file::keys::KEYS;
use docker_broker::policy::schema::policy_schema;
use regex::Regex;
use serde_json::{Value, json};

/// Where a document breaks a schema, as JSON paths.
fn faults(schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut hold = |holds: bool, word: &str| {
        if !holds {
            found.push(format!("{place}: {word} {value}"));
        }
    };
    let mut inner = Vec::new();
    for (word, wanted) in schema.as_object().expect("a schema") {
        match word.as_str() {
            "$schema" | "title" | "description" => {}
            "type" => hold(is_of_type(value, wanted.as_str().expect("a type")), word),
            "const" => hold(value == wanted, word),
            "enum" => hold(wanted.as_array().expect("a list").contains(value), word),
            "minimum" => hold(value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()), word),
            "maximum" => hold(value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()), word),
            "exclusiveMinimum" => hold(value.as_f64().is_none_or(|number| number > wanted.as_f64().unwrap()), word),
            "pattern" => {
                let pattern = Regex::new(wanted.as_str().unwrap()).expect("a pattern");
                hold(value.as_str().is_none_or(|text| pattern.is_match(text)), word);
            }
            "anyOf" => hold(wanted.as_array().unwrap().iter().any(|one| faults(one, value, place).is_empty()), word),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                inner.extend(items.flat_map(|(at, item)| faults(wanted, item, &format!("{place}[{at}]"))));
            }
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    match wanted.get(name) {
                        Some(schema) => inner.extend(faults(schema, member, &format!("{place}.{name}"))),
                        None => assert_eq!(schema["additionalProperties"], false, "{place} is open"),
                    }
                }
            }
            "additionalProperties" => {
                let known = |name: &String| schema["properties"].as_object().is_some_and(|all| all.contains_key(name));
                let strange = value.as_object().into_iter().flatten().filter(|(name, _)| !known(name));
                if wanted.is_object() {
                    inner.extend(strange.flat_map(|(name, member)| faults(wanted, member, &format!("{place}.{name}"))));
                } else {
                    hold(strange.count() == 0, word);
                }
            }
            other => panic!("this checker does not know `{other}`"),
        }
    }
    found.extend(inner);
    found
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("this checker does not know type `{other}`"),
    }
}

fn document(text: &str) -> Value {
    let table: toml::Table = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    serde_json::to_value(table).unwrap()
}

fn faults_of(text: &str) -> Vec<String> {
    faults(&policy_schema(), &document(text), "")
}

#[test]
fn what_no_policy_can_say_is_refused_as_check_refuses_it() {
    for bad in [
        "[image]\nallow = []",
        "version = 2",
        "extends = \"postgrs\"",
        "[images]\nallow = \"postgres:16\"",
        "[images]\nallow = [16]",
        "[images]\npull = \"yes\"",
        "[images]\nregistry-auth = \"everybody\"",
        "[containers]\nsee = \"none\"",
        "[containers]\nmax = -1",
        "[containers]\nenv = [\"TZ=UTC\"]",
        "[containers]\npublish = [\"http\"]",
        "[containers]\npublish = [\"80/xdp\"]",
        "[containers]\ntmpfs = [\"tmp\"]",
        "[containers]\nlifetime = \"soon\"",
        "[containers]\ncontrol = { labels = [\"alone\"] }",
        "[containers]\nexec = { user = [\"root\"] }",
        "[containers.limits]\nmemory = \"0MiB\"",
        "[containers.limits]\nmemory = \"1gib\"",
        "[containers.limits]\nmemory = 512",
        "[containers.limits]\npids = 0",
        "[containers.limits]\ncpus = -1.0",
        "[containers.limits]\nlog = \"local\"",
        "[containers.host]\nprivileged = []",
        "[containers.host]\nbinds = [\"relative\"]",
        "[networks]\ncreate = { name = [\"x\"] }",
    ] {
        assert!(!check(bad, "bad").errors.is_empty(), "check takes it: {bad}");
        assert!(!faults_of(bad).is_empty(), "the schema takes it: {bad}");
    }
}

#[test]
fn every_shipped_policy_is_taken() {
    for name in BUILTIN_NAMES {
        assert_eq!(faults_of(builtin_text(name).unwrap()), [""; 0], "{name}");
    }
}

#[test]
fn what_loads_is_taken() {
    for good in [
        "",
        "version = 1\nextends = \"postgres\"\nreason = \"x\"",
        "[containers]\nlifetime = \"1h 30m\"",
        "[containers]\nlifetime = \"2 days\"",
        "[containers]\nlifetime = \"unlimited\"",
        "[containers]\nenv = [\"*\"]\npublish = [\"5432\", \"8000-8010/udp\", \"*/tcp\", \"*\"]\ntmpfs = [\"/a b\"]",
        "[containers]\nexec = true",
        "[containers]\nexec = { users = [\"postgres\", \"\"] }",
        "[containers]\ncontrol = { labels = [\"a=\", \"b=c=d\"] }",
        "[containers.limits]\nmemory = \"1 GiB\"\ncpus = 2\npids = \"unlimited\"\nlog = { drivers = [\"local\"], max-size = \"20MB\" }",
        "[containers.limits]\nmemory = \"unlimited\"\ncpus = 0.5\npids = 1\nlog = \"unlimited\"",
        "[containers.host]\nbinds = [\"/srv/fixtures:rw\", \"/x\"]",
        "[networks]\ncreate = { names = [\"dry-*\"], max = 1, internal = true }",
    ] {
        assert_eq!(check(good, "good").errors, [], "{good}");
        assert_eq!(faults_of(good), [""; 0], "{good}");
    }
}

#[test]
fn a_value_of_the_wrong_form_is_refused_for_every_key() {
    let schema = policy_schema();
    for key in KEYS {
        for text in ["true", "-1", "0.5", "\"stranger\"", "[1]", "[\"x\"]", "{}", "{ stranger = 1 }"] {
            let value = toml::from_str::<toml::Table>(&format!("x = {text}")).unwrap()["x"].clone();
            if key.accepts(&value) {
                continue;
            }
            let value = serde_json::to_value(value).unwrap();
            let file = key.path.rsplit('.').fold(value, |inner, name| json!({ name: inner }));
            assert!(!faults(&schema, &file, "").is_empty(), "{} = {text}", key.path);
        }
    }
}
