//! Templates, and the commands that a client may set.

use serde_json::{Value, json};

use super::fixture::{Scene, each};
use crate::policy::check;
use crate::policy::compile::Origin;

const TEMPLATES: &str = r#"
[images]
allow = ["postgres:16", "redis:7"]
[containers]
publish = ["*/tcp"]
labels = ["a", "b"]
env = ["*"]
[templates.database]
image = "postgres:16"
command = ["postgres -c *"]
env = ["POSTGRES_*"]
publish = ["5432/tcp"]
[templates.cache]
image = "redis:7"
entrypoint = ["redis-server"]
labels = ["a"]
"#;

#[expect(clippy::needless_pass_by_value, reason = "tests write the value where they pass it")]
fn ask(fields: Value) -> super::fixture::Outcome {
    Scene::postgres_with(TEMPLATES).create(&fields)
}

#[test]
fn what_fits_no_template_is_refused_by_the_part_of_the_nearest_one() {
    for (fields, place, key, part) in [
        (json!({"Cmd": ["sh"]}), "Cmd", "templates.NAME.command", "templates.database.command"),
        (json!({"Entrypoint": ["sh"]}), "Entrypoint", "templates.NAME.entrypoint", "templates.database.entrypoint"),
        (json!({"Entrypoint": []}), "Entrypoint", "templates.NAME.entrypoint", "templates.database.entrypoint"),
        (json!({"Env": ["POSTGRES_DB=x", "PATH=x"]}), "Env[1]", "templates.NAME.env", "templates.database.env"),
        (
            json!({"HostConfig": {"PortBindings": {"80/tcp": [{}]}}}),
            "HostConfig.PortBindings[80/tcp]",
            "templates.NAME.publish",
            "templates.database.publish",
        ),
        (
            json!({"Healthcheck": {"Test": ["CMD-SHELL", "curl x"]}}),
            "Healthcheck.Test",
            "templates.NAME.command",
            "templates.database.command",
        ),
        (json!({"Image": "redis:7", "Cmd": ["x"]}), "Cmd", "templates.NAME.command", "templates.cache.command"),
        (json!({"Image": "redis:7", "Env": ["POSTGRES_DB=x"]}), "Env[0]", "templates.NAME.env", "templates.cache.env"),
        (json!({"Image": "redis:7", "Labels": {"b": ""}}), "Labels", "templates.NAME.labels", "templates.cache.labels"),
        (
            json!({"Image": "redis:7", "HostConfig": {"PublishAllPorts": true}}),
            "HostConfig.PortBindings[5432/tcp]",
            "templates.NAME.publish",
            "templates.cache.publish",
        ),
    ] {
        let denial = ask(fields.clone()).denied();
        let message = denial.message("r");
        assert!(message.contains(&format!("`{place}`: ")) && message.contains(part), "{message}");
        assert_eq!(ask(fields).refused_by(), key);
    }
}

#[test]
fn the_rest_of_the_policy_stands_besides() {
    assert_eq!(ask(json!({"Labels": {"c": ""}})).refused_by(), "containers.labels");
    assert_eq!(ask(json!({"HostConfig": {"Privileged": true}})).refused_by(), "containers.host.privileged");
    assert_eq!(ask(json!({"Image": "busybox:1"})).refused_by(), "images.allow");
    let other = Scene::postgres_with("[templates.x]\nimage = \"redis:7\"\n");
    assert_eq!(other.create(&json!({})).refused_by(), "templates.NAME.image");
}

#[test]
fn what_matches_one_template_in_full_passes() {
    for fields in [
        json!({}),
        json!({"Cmd": ["postgres", "-c", "fsync=off"], "Env": ["POSTGRES_DB=x"], "Labels": {"a": "", "b": ""}}),
        json!({"Cmd": [], "HostConfig": {"PublishAllPorts": true}, "Healthcheck": {"Test": ["NONE"]}}),
        json!({"Image": super::fixture::image_id("11"), "HostConfig": {"PortBindings": {"5432/tcp": [{}]}}}),
        json!({"Image": "redis:7", "Entrypoint": "redis-server", "Labels": {"a": ""}}),
    ] {
        ask(fields).sent();
    }
}

#[test]
fn a_command_is_compared_as_one_line() {
    let scene = Scene::postgres_with("[containers]\ncommand = [\"postgres *\"]\nentrypoint = []\n");
    each(["sh", "postgresx", "postgres"], |word| {
        assert_eq!(scene.create(&json!({"Cmd": [word]})).refused_by(), "containers.command");
    });
    for entrypoint in [json!([]), json!([""]), json!(""), json!(["docker-entrypoint.sh"])] {
        assert_eq!(scene.create(&json!({"Entrypoint": entrypoint})).refused_by(), "containers.entrypoint");
    }
    let check = json!({"Healthcheck": {"Test": ["CMD", "sh"]}});
    assert_eq!(scene.create(&check).refused_by(), "containers.command");
    for body in [
        json!({}),
        json!({"Cmd": null}),
        json!({"Cmd": ["postgres", "-c", "a=b"]}),
        json!({"Healthcheck": {"Test": []}}),
    ] {
        scene.create(&body).sent();
    }
}

#[test]
fn a_template_is_read_strictly_and_each_mistake_has_its_place() {
    let errors = |text: &str| {
        let error = check::parse(text, "x.toml", Origin::File("x.toml".into())).expect_err("wrong");
        error.errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for (text, expected) in [
        ("[templates.x]\ncommand = []\n", "1:12: `templates.x`: name its image"),
        ("[templates.x]\nimage = \"Postgres\"\n", "2:1: `templates.x.image`: `Postgres` is not an image reference"),
        ("[templates.x]\nimage = \"a:1\"\npublish = [\"x\"]\n", "3:12: `templates.x.publish`: `x` is not a port"),
        ("[templates.x]\nimage = \"a:1\"\nenv = [\"A=b\"]\n", "3:8: `templates.x.env`: `A=b` is a key with a value"),
        (
            "[templates.x]\nimage = \"a:1\"\nenw = []\n",
            "3:1: `templates.x.enw`: not a known key; the nearest known key is `templates.NAME.env`",
        ),
        ("[templates.x]\nimage = 1\n", "2:1: `templates.x.image`: takes a string, not `1`"),
        ("[templates]\nx = 1\n", "2:1: `templates.x`: takes a section, not `1`"),
        ("[templates.\"a b\"]\nimage = \"a:1\"\n", "`templates.a b`: a template's name is letters"),
    ] {
        let found = errors(text);
        assert!(found.iter().any(|error| error.contains(expected)), "{found:?}");
    }
    let base = "[templates.x]\nimage = \"postgres:16\"\n";
    Scene::postgres_with(base).create(&json!({})).sent();
}
