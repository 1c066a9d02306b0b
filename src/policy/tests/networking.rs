//! Networks of a new container, and which networks are shown.

use serde_json::{Value, json};

use super::fixture::{Outcome, Scene, Sent, each, full_id, short_id};
use crate::policy::permit::FollowUp;

fn mode(scene: &Scene, mode: &str) -> Outcome {
    scene.create_host(&json!({"NetworkMode": mode}))
}

#[expect(clippy::needless_pass_by_value, reason = "tests write the value where they pass it")]
fn endpoints(scene: &Scene, endpoints: Value) -> Outcome {
    scene.create(&json!({"NetworkingConfig": {"EndpointsConfig": endpoints}}))
}

/// Containers go to `dev-internal`, and to `dev-more` as well.
fn attached(mode: &str) -> Scene {
    Scene::postgres_with(&format!(
        "[containers]\nattach = [\"dev-internal\", \"dev-more\"]\nattach-mode = \"{mode}\"\nnames = [\"a1-*\"]\n"
    ))
}

fn connected(sent: &Sent) -> Vec<String> {
    match &sent.follow_up {
        FollowUp::Created { connect, .. } => connect.clone(),
        FollowUp::Nothing | FollowUp::Counted => panic!("a create has something to follow"),
    }
}

#[test]
fn networks_of_the_host_need_a_key_and_those_of_others_are_nobodys() {
    assert_eq!(mode(&Scene::postgres(), "host").refused_by(), "containers.host.network");
    assert_eq!(endpoints(&Scene::postgres(), json!({"host": {}})).refused_by(), "containers.host.network");
    each(["container:foreign", "container:nothing", "container:"], |name| {
        assert_eq!(mode(&Scene::postgres(), name).floor(), "HostConfig.NetworkMode");
    });
    each(["container:foreign", "container:own"], |name| {
        assert_eq!(endpoints(&Scene::postgres(), json!({*name: {}})).refused_by(), "containers.networks");
    });
}

#[test]
fn other_networks_are_refused_in_every_spelling() {
    let ids = ["b5", "b2"].map(full_id);
    for name in
        ["foreign-net", "nothing", "HOST", "host ", "ns:/x", "b5", "b4", "a,b", &ids[0], &ids[1], "dev-internal"]
    {
        assert_eq!(mode(&Scene::postgres(), name).refused_by(), "containers.networks", "{name}");
        assert_eq!(endpoints(&Scene::postgres(), json!({name: {}})).refused_by(), "containers.networks", "{name}");
    }
    // the host's network is none that a pattern opens
    let any = Scene::postgres_with("[containers]\nnetworks = [\"*\"]\n");
    mode(&any, "foreign-net").sent();
    assert_eq!(mode(&any, &full_id("b2")).refused_by(), "containers.networks");
}

#[test]
fn without_a_network_in_the_policy_there_is_only_none() {
    let scene = Scene::postgres_with("[containers]\nnetworks = []\n");
    for name in ["", "default", "bridge"] {
        assert_eq!(mode(&scene, name).refused_by(), "containers.networks", "{name}");
    }
    assert_eq!(mode(&scene, "none").sent().host("NetworkMode"), "none");
}

#[test]
fn the_default_and_own_networks_go_up_as_they_were_spelled() {
    for name in ["default", "bridge", "none", "own-net", &full_id("b4"), &full_id("b1")] {
        assert_eq!(mode(&Scene::postgres(), name).sent().host("NetworkMode"), name);
    }
    let sent =
        endpoints(&Scene::postgres(), json!({"own-net": {"NetworkID": full_id("b4"), "Aliases": ["db"]}})).sent();
    let wanted = json!({"own-net": {"NetworkID": full_id("b4"), "Aliases": ["db"]}});
    assert_eq!(sent.at("/NetworkingConfig/EndpointsConfig"), wanted);
    let sent = endpoints(&Scene::postgres(), json!({"default": {"Aliases": null}, "own-net": null})).sent();
    assert_eq!(sent.at("/NetworkingConfig/EndpointsConfig"), json!({"own-net": {}}));
}

#[test]
fn an_endpoint_is_where_its_name_says() {
    for id in [full_id("b5"), full_id("b2"), "own-net".into(), "b4".into()] {
        let outcome = endpoints(&Scene::postgres(), json!({"own-net": {"NetworkID": id}}));
        assert_eq!(outcome.floor(), "NetworkingConfig.EndpointsConfig[own-net].NetworkID");
    }
    let twice = json!({"own-net": {"Aliases": ["a"]}, full_id("b4"): {"Aliases": ["b"]}});
    endpoints(&Scene::postgres(), twice).floor();
}

#[test]
fn both_networks_of_a_create_are_kept() {
    let body =
        json!({"HostConfig": {"NetworkMode": "own-net"}, "NetworkingConfig": {"EndpointsConfig": {"bridge": {}}}});
    let sent = Scene::postgres().create(&body).sent();
    assert_eq!(sent.at("/NetworkingConfig/EndpointsConfig"), json!({"bridge": {}}));
}

#[test]
fn names_of_ones_own_need_a_network_of_ones_own() {
    for name in ["bridge", "default", "foreign-net"] {
        let scene = Scene::postgres_with("[containers]\nnetworks = [\"bridge\", \"foreign-net\"]\n");
        let place = endpoints(&scene, json!({name: {"Aliases": ["db"]}})).floor();
        assert_eq!(place, format!("NetworkingConfig.EndpointsConfig[{name}].Aliases"));
    }
}

#[test]
fn attached_networks_replace_the_default() {
    let scene = attached("replace");
    for name in ["", "default", "bridge"] {
        let sent = mode(&scene, name).sent();
        assert_eq!(sent.host("NetworkMode"), "dev-internal", "{name}");
        assert_eq!(connected(&sent), [full_id("b7")]);
        let sent = endpoints(&scene, json!({"default": {"Aliases": []}})).sent();
        assert_eq!(sent.at("/NetworkingConfig"), Value::Null);
    }
    for predefined in [full_id("b1"), "host".into()] {
        mode(&scene, &predefined).denied();
    }
    let body =
        json!({"HostConfig": {"NetworkMode": "own-net"}, "NetworkingConfig": {"EndpointsConfig": {"bridge": {}}}});
    assert_eq!(scene.create(&body).refused_by(), "containers.networks");
}

#[test]
fn no_network_is_joined_twice() {
    let scene = attached("replace");
    let sent = mode(&scene, "dev-internal").sent();
    assert_eq!((sent.host("NetworkMode"), connected(&sent)), (json!("dev-internal"), vec![full_id("b7")]));
    let sent = mode(&scene, "own-net").sent();
    assert_eq!(connected(&sent), [full_id("b6"), full_id("b7")]);
    let sent = endpoints(&scene, json!({"dev-more": {}})).sent();
    assert!(connected(&sent).is_empty());
    let sent = mode(&scene, "none").sent();
    assert!(connected(&sent).is_empty());
}

#[test]
fn in_add_mode_the_default_network_stays_without_being_named() {
    let scene = Scene::postgres_with(
        "[containers]\nattach=[\"dev-internal\"]\nattach-mode=\"add\"\nnames=[\"a1-*\"]\nnetworks=[]\n",
    );
    for name in ["", "default", "bridge"] {
        let sent = mode(&scene, name).sent();
        assert_eq!(connected(&sent), [full_id("b6")]);
        assert_ne!(sent.host("NetworkMode"), "dev-internal");
    }
    scene.ask("POST", "/containers/own/start").sent();
    assert_eq!(mode(&scene, "foreign-net").refused_by(), "containers.networks");
}

#[test]
fn a_network_to_attach_that_is_missing_is_said_before_the_create() {
    for missing in ["dev-internal", "dev-more"] {
        let mut scene = attached("replace");
        scene.engine.networks.retain(|network| network.name != missing);
        assert_eq!(scene.create(&json!({})).floor(), "HostConfig.NetworkMode");
    }
    // an ID that begins like its name is another network
    let scene = Scene::postgres_with("[containers]\nattach = [\"b5\"]\nnames = [\"a1-*\"]\n");
    assert_eq!(scene.create(&json!({})).floor(), "HostConfig.NetworkMode");
}

#[test]
fn nobody_takes_a_name_on_a_shared_network() {
    let mut scene = attached("replace");
    scene.engine.network("dev-more").endpoints = vec![(full_id("fe"), "a1-db".into())];
    let named = |name: &str| scene.create_at(&format!("/containers/create?name={name}"), &json!({}));
    let hosted = |name: &str| scene.create(&json!({"Hostname": name}));
    assert_eq!(named("a1-db").floor(), "name");
    for name in ["a1-db", "a1-DB", "a1-db."] {
        assert_eq!(hosted(name).floor(), "Hostname", "{name}");
    }
    assert_eq!(hosted(&short_id("fe")).floor(), "Hostname");
    // services have names there that the engine does not show
    assert_eq!(hosted("db").refused_by(), "containers.names");
    named("a1-other").sent();
    hosted("a1-other").sent();
    // on a network of one's own, and on one without names, there is nobody to be taken for
    Scene::postgres().create(&json!({"Hostname": "db"})).sent();
    let mut shared = Scene::postgres_with("[containers]\nnetworks = [\"foreign-net\"]\n");
    shared.engine.network("foreign-net").endpoints = vec![(full_id("fe"), "db".into())];
    let body = json!({"Hostname": "db", "HostConfig": {"NetworkMode": "foreign-net"}});
    assert_eq!(shared.create(&body).floor(), "Hostname");
}

#[test]
fn a_network_that_is_not_shown_does_not_exist() {
    let scene = Scene::postgres();
    for name in ["foreign-net", &full_id("b5"), "b5", "dev-internal", "nothing"] {
        assert_eq!(scene.ask("GET", &format!("/networks/{name}")).missing(), format!("network {name} not found"));
    }
    for (name, target) in [
        ("bridge", "bridge".to_owned()),
        ("b1", "bridge".into()),
        ("host", "host".into()),
        ("own-net", full_id("b4")),
        ("b4", full_id("b4")),
    ] {
        let sent = scene.ask("GET", &format!("/networks/{name}?verbose=true")).sent();
        assert_eq!(sent.target, format!("GET /networks/{target}?verbose=1"));
    }
    attached("add").ask("GET", "/networks/dev-more").sent();
}
