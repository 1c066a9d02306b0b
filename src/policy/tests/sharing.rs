//! Sharing with other containers, and starting what has something of the host.

use serde_json::{Value, json};

use super::fixture::{Scene, each, full_id, short_id};
use crate::policy::facts::{ContainerFacts, Powers};

fn with_own(powers: &str, change: impl Fn(&mut ContainerFacts)) -> Scene {
    let mut scene = Scene::postgres_with(&format!("[containers.host]\n{powers}\n"));
    change(scene.engine.container("own"));
    scene
}

/// Every way to share with a container, with the place of its name.
fn shares(name: &str) -> [(Value, &'static str); 4] {
    let mode = format!("container:{name}");
    [
        (json!({"NetworkMode": mode}), "HostConfig.NetworkMode"),
        (json!({"PidMode": mode}), "HostConfig.PidMode"),
        (json!({"IpcMode": mode}), "HostConfig.IpcMode"),
        (json!({"VolumesFrom": [name]}), "HostConfig.VolumesFrom[0]"),
    ]
}

#[test]
fn a_foreign_container_is_shared_with_no_more_than_a_missing_one() {
    let ids = [full_id("ff"), short_id("ff"), full_id("99")];
    for name in ["foreign", "nothing", "", "ff", &ids[0], &ids[1], &ids[2]] {
        for (fields, place) in shares(name) {
            assert_eq!(Scene::postgres().create_host(&fields).floor(), place, "{name}");
        }
        let scene = with_own("links = true", |_| ());
        scene.create_host(&json!({"Links": [format!("{name}:db")]})).floor();
    }
    let mut imposter = Scene::postgres();
    imposter.engine.container("own").image_id = "sha256:other".into();
    for (fields, place) in shares("own") {
        assert_eq!(imposter.create_host(&fields).floor(), place);
    }
}

#[test]
fn an_own_container_is_shared_with_by_its_full_id_and_without_a_key() {
    let id = full_id("aa");
    for name in ["own", "aa", &short_id("aa"), &id] {
        for (fields, _) in shares(name) {
            let sent = Scene::postgres().create_host(&fields).sent();
            let field = fields.as_object().and_then(|fields| fields.keys().next()).expect("a field").clone();
            let expected = if field == "VolumesFrom" { json!([id]) } else { json!(format!("container:{id}")) };
            assert_eq!(sent.host(&field), expected);
        }
    }
    let from = Scene::postgres().create_host(&json!({"VolumesFrom": ["own:ro"]})).sent();
    assert_eq!(from.host("VolumesFrom"), json!([format!("{id}:ro")]));
    each(["own:z", "own:ro:rw", "own:nocopy", "own:"], |spec| {
        Scene::postgres().create_host(&json!({"VolumesFrom": [spec]})).floor();
    });
    let linked = with_own("links = true", |_| ());
    for link in ["own:db", "/own:/web/db"] {
        assert_eq!(linked.create_host(&json!({"Links": [link]})).sent().host("Links"), json!([format!("{id}:db")]));
    }
    let endpoints = json!({"NetworkingConfig": {"EndpointsConfig": {"own-net": {"Links": ["own"]}}}});
    let sent = linked.create(&endpoints).sent();
    assert_eq!(sent.at("/NetworkingConfig/EndpointsConfig/own-net/Links"), json!([format!("{id}:own")]));
    linked.create_host(&json!({"Links": ["own:a b"]})).floor();
}

#[test]
fn what_an_own_container_has_of_the_host_is_granted_still_or_neither_shared_nor_started() {
    type Change = fn(&mut ContainerFacts);
    let rows: [(&str, &str, Change); 8] = [
        ("privileged", "privileged = true", |own| own.privileged = true),
        ("network", "network = [\"host\"]", |own| own.powers.network_mode = "host".into()),
        ("pid", "pid = [\"host\"]", |own| own.powers.pid_mode = "host".into()),
        ("ipc", "ipc = [\"host\"]", |own| own.powers.ipc_mode = "host".into()),
        ("userns", "userns = [\"host\"]", |own| own.powers.userns_mode = "host".into()),
        ("cap-add", "cap-add = [\"SYS_ADMIN\"]", |own| own.powers.cap_add = vec!["CAP_SYS_ADMIN".into()]),
        ("devices", "devices = [\"/dev/fuse\"]", |own| own.powers.devices = vec!["/dev/fuse".into()]),
        ("binds", "binds = [\"/srv/x:rw\"]", |own| own.powers.binds = vec![("/srv/x".into(), true)]),
    ];
    for (name, grant, change) in rows {
        let key = format!("containers.host.{name}");
        let (without, with) = (with_own("", change), with_own(grant, change));
        for action in ["start", "restart"] {
            let target = format!("/containers/own/{action}");
            assert_eq!(without.ask("POST", &target).refused_by(), key);
            with.ask("POST", &target).sent();
        }
        for (fields, _) in shares("own") {
            assert_eq!(without.create_host(&fields).refused_by(), key, "{fields}");
            with.create_host(&fields).sent();
        }
    }
    let read_only = with_own("binds = [\"/srv/x\"]", |own| own.powers.binds = vec![("/srv/x".into(), true)]);
    assert_eq!(read_only.ask("POST", "/containers/own/start").refused_by(), "containers.host.binds");
}

#[test]
fn a_container_on_the_hosts_network_starts_only_where_that_is_granted() {
    let change = |own: &mut ContainerFacts| {
        own.networks = [("host".to_owned(), full_id("b2"))].into();
        own.powers = Powers { network_mode: "host".into(), ..Powers::default() };
    };
    assert_eq!(with_own("", change).ask("POST", "/containers/own/start").refused_by(), "containers.host.network");
    with_own("network = [\"host\"]", change).ask("POST", "/containers/own/start").sent();
}

#[test]
fn interfaces_are_shared_only_on_networks_that_the_container_could_be_on_itself() {
    let attached = "[containers]\nattach=[\"dev-internal\"]\nnames=[\"a1-*\"]\n";
    let mut scene = Scene::postgres_with(attached);
    let mode = json!({"NetworkMode": "container:own"});
    assert_eq!(scene.create_host(&mode).refused_by(), "containers.networks");
    scene.engine.container("own").networks = [("dev-internal".to_owned(), full_id("b6"))].into();
    scene.create_host(&mode).sent();
}

#[test]
fn interfaces_are_shared_with_a_container_that_has_its_own() {
    let chained = with_own("", |own| own.powers.network_mode = format!("container:{}", full_id("99")));
    assert_eq!(chained.create_host(&json!({"NetworkMode": "container:own"})).floor(), "HostConfig.NetworkMode");
    let ask = |endpoints: Value| {
        let networking = json!({"EndpointsConfig": endpoints});
        Scene::postgres()
            .create(&json!({"HostConfig": {"NetworkMode": "container:own"}, "NetworkingConfig": networking}))
    };
    ask(json!({"own-net": {}})).floor();
    ask(json!({"container:own": {"Aliases": ["db"]}})).floor();
    ask(json!({"container:own": {}})).sent();
}
