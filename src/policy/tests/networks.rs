//! Networks that clients make, remove, and put containers on.

use serde_json::{Value, json};

use super::fixture::{Outcome, Scene, each, full_id, merge};
use crate::policy::facts::ContainerNames;

/// The `postgres` policy with networks of the client's own.
fn granted() -> Scene {
    Scene::postgres_with("[networks]\ncreate = { names = [\"n-*\", \"b5*\", \"bridge*\"] }\n")
}

fn internal() -> Scene {
    Scene::postgres_with("[networks]\ncreate = { names = [\"*\"], internal = true }\n")
}

#[expect(clippy::needless_pass_by_value, reason = "tests write the value where they pass it")]
fn make(scene: &Scene, fields: Value) -> Outcome {
    let mut body = json!({"Name": "n-1"});
    merge(&mut body, &fields);
    scene.post("/v1.44/networks/create", &body)
}

#[expect(clippy::needless_pass_by_value, reason = "tests write the value where they pass it")]
fn connect(scene: &Scene, network: &str, body: Value) -> Outcome {
    scene.post(&format!("/v1.44/networks/{network}/connect"), &body)
}

fn on_shared(names: &str) -> Scene {
    let policy = format!("[containers]\nattach = [\"dev-internal\"]\nattach-mode = \"add\"\nnames = [{names}]\n");
    Scene::postgres_with(&policy)
}

#[test]
fn networks_of_others_and_predefined_ones_are_not_removed() {
    for name in ["foreign-net", &full_id("b5"), "b5", "dev-internal", "nothing", "bridge", "host", "none", "b1"] {
        let missing = granted().ask("DELETE", &format!("/networks/{name}")).missing();
        assert_eq!(missing, format!("network {name} not found"));
    }
    // labels on a predefined network make it nobody's
    let mut scene = granted();
    scene.engine.network("bridge").labels = scene.engine.network("own-net").labels.clone();
    scene.ask("DELETE", "/networks/bridge").missing();
}

#[test]
fn without_the_grant_nothing_is_made_or_removed() {
    assert_eq!(Scene::postgres().ask("DELETE", "/networks/own-net").refused_by(), "networks.create");
    assert_eq!(make(&Scene::postgres(), json!({})).refused_by(), "networks.create");
    drop(Scene::shipped("deny-all").ask("DELETE", "/networks/own-net").denied());
    drop(make(&Scene::shipped("deny-all"), json!({})).denied());
}

#[test]
fn an_own_network_is_removed_by_its_id() {
    each(["own-net", "b4", &full_id("b4")], |name| {
        let sent = granted().ask("DELETE", &format!("/v1.44/networks/{name}?force=1")).sent();
        assert_eq!(sent.target, format!("DELETE /networks/{}", full_id("b4")));
    });
}

#[test]
fn names_that_could_mean_another_network_are_refused() {
    let any = Scene::postgres_with(
        "[networks]\ncreate = true\n[containers]\nnames = [\"a-*\"]\nattach = [\"dev-internal\"]\nnetworks = [\"shop\"]\n",
    );
    each(
        [
            "",
            "bridge",
            "Bridge",
            "HOST",
            "none",
            "default",
            "podman",
            "ingress",
            "docker_gwbridge",
            "bridge ",
            "container:abc",
            "a/b",
            "-n",
            ".n",
            "n\u{e9}",
            "dev-internal",
            "shop",
            &full_id("b5"),
            "b500000000000",
        ],
        |name| assert_eq!(make(&any, json!({"Name": name})).floor(), "Name"),
    );
    assert_eq!(make(&granted(), json!({"Name": "x-1"})).refused_by(), "networks.create.names");
    make(&granted(), json!({"Name": "b5"})).sent();
}

#[test]
fn nothing_of_the_host_comes_with_a_network() {
    each(
        [
            ("Driver", json!("macvlan"), "Driver"),
            ("Driver", json!("overlay"), "Driver"),
            ("Driver", json!("null"), "Driver"),
            ("Driver", json!("Bridge"), "Driver"),
            ("Scope", json!("swarm"), "Scope"),
            ("Attachable", json!(true), "Attachable"),
            ("Ingress", json!(true), "Ingress"),
            ("ConfigOnly", json!(true), "ConfigOnly"),
            ("ConfigFrom", json!({"Network": "own-net"}), "ConfigFrom"),
            ("EnableIPv4", json!(false), "EnableIPv4"),
            ("EnableIPv6", json!(true), "EnableIPv6"),
            ("enableIPv6", json!(true), "EnableIPv6"),
            ("IPAM", json!({"Driver": "plugin"}), "IPAM.Driver"),
            ("IPAM", json!({"Options": {"a": "b"}}), "IPAM.Options"),
            ("IPAM", json!({"Config": [{}, {"Subnet": "10.0.0.0/8"}]}), "IPAM.Config[1]"),
            ("IPAM", json!({"Config": [{"Gateway": "10.0.0.1"}]}), "IPAM.Config[0]"),
            ("IPAM", json!({"Config": [{"IPRange": "10.0.0.0/8"}]}), "IPAM.Config[0]"),
            ("IPAM", json!({"Config": [{"AuxiliaryAddresses": {"a": "10.0.0.1"}}]}), "IPAM.Config[0]"),
            ("Labels", json!({"docker-broker.owner": "host-1/other"}), "Labels"),
        ],
        |(field, value, place)| assert_eq!(make(&granted(), json!({*field: value})).floor(), *place),
    );
    for option in [
        "com.docker.network.bridge.name",
        "com.docker.network.bridge.default_bridge",
        "com.docker.network.bridge.host_binding_ipv4",
        "com.docker.network.bridge.enable_ip_masquerade",
        "com.docker.network.bridge.trusted_host_interfaces",
        "com.docker.network.bridge.gateway_mode_ipv4",
        "com.docker.network.driver.mtu",
        "parent",
        "",
    ] {
        assert_eq!(make(&granted(), json!({"Options": {option: "routed"}})).floor(), "Options", "{option}");
        assert_eq!(make(&internal(), json!({"Options": {option: "routed"}})).floor(), "Options", "{option}");
    }
    assert_eq!(make(&granted(), json!({"Labels": {"traefik.enable": "true"}})).refused_by(), "containers.labels");
    let both = json!({"EnableIPv6": false, "enableIPv6": true});
    assert!(matches!(make(&Scene::shipped("unrestricted"), both), Outcome::Malformed(_)));
    let forged = json!({"Labels": {"docker-broker.owner": "x"}});
    assert_eq!(make(&Scene::shipped("unrestricted"), forged).floor(), "Labels");
}

#[test]
fn a_network_goes_up_with_its_owner_and_without_noise() {
    let from_java = json!({"enableIPv6": null, "Driver": null, "IPAM": null, "Options": {}, "CheckDuplicate": true,
        "Internal": null, "EnableIPv6": null, "Attachable": null, "Labels": {"org.testcontainers": "true"}});
    let from_cli = json!({"Driver": "bridge", "Scope": "", "IPAM": {"Driver": "default", "Options": {}, "Config": []},
        "Internal": false, "Attachable": false, "Ingress": false, "ConfigOnly": false, "ConfigFrom": null,
        "Options": {}, "Labels": {}});
    for (body, driver, labels) in
        [(from_java, Value::Null, 6), (from_cli, json!("bridge"), 5), (json!({"Scope": "local"}), Value::Null, 5)]
    {
        let sent = make(&granted(), body).sent();
        assert_eq!(sent.target, "POST /networks/create");
        assert_eq!(sent.at("/Labels/docker-broker.owner"), "host-1/main");
        assert_eq!(sent.at("/Labels").as_object().expect("labels").len(), labels);
        let mut rest = sent.body.clone();
        rest.as_object_mut().expect("a body").remove("Labels");
        let mut wanted = json!({"Name": "n-1", "CheckDuplicate": true});
        merge(&mut wanted, &if driver.is_null() { json!({}) } else { json!({"Driver": driver}) });
        assert_eq!(rest, wanted);
    }
}

#[test]
fn internal_networks_are_isolated_where_the_engine_can() {
    let isolated = json!({"com.docker.network.bridge.gateway_mode_ipv4": "isolated",
        "com.docker.network.bridge.gateway_mode_ipv6": "isolated"});
    for scene in [
        internal(),
        Scene::postgres_with(
            "[networks]\ncreate = true\n[containers]\nnames = [\"a-*\"]\nattach = [\"dev-internal\"]\n",
        ),
    ] {
        let sent = make(&scene, json!({"Internal": false})).sent();
        assert_eq!((sent.at("/Internal"), sent.at("/Options")), (json!(true), isolated.clone()));
    }
    for old in ["20.10.24+dfsg1", "27.5.1", "5.4.2", "dev", ""] {
        let mut scene = internal();
        scene.engine.info.server_version = old.into();
        let sent = make(&scene, json!({})).sent();
        assert_eq!((sent.at("/Internal"), sent.at("/Options")), (json!(true), Value::Null), "{old}");
    }
    let sent = make(&granted(), json!({"Internal": true, "Options": isolated})).sent();
    assert_eq!(sent.at("/Options"), isolated);
    let sent = make(&granted(), json!({"Options": {"com.docker.network.bridge.enable_icc": "false"}})).sent();
    assert_eq!(
        (sent.at("/Internal"), sent.at("/Options/com.docker.network.bridge.enable_icc")),
        (Value::Null, json!("false"))
    );
}

#[test]
fn only_own_containers_are_connected_and_disconnected() {
    let scene = Scene::postgres();
    for way in ["connect", "disconnect"] {
        for container in ["foreign", &full_id("ff"), "ff", "nothing"] {
            let body = json!({"Container": container});
            let missing = scene.post(&format!("/networks/own-net/{way}"), &body).missing();
            assert_eq!(missing, format!("No such container: {container}"));
            // a network that is not there either changes nothing
            scene.post(&format!("/networks/nothing/{way}"), &body).missing();
        }
        for network in ["foreign-net", &full_id("b5"), "b5", "nothing"] {
            let missing = scene.post(&format!("/networks/{network}/{way}"), &json!({"Container": "own"})).missing();
            assert_eq!(missing, format!("network {network} not found"));
        }
        assert_eq!(scene.post(&format!("/networks/own-net/{way}"), &json!({})).floor(), "Container");
        let looking = Scene::shipped("read-only");
        assert_eq!(
            looking.post(&format!("/networks/own-net/{way}"), &json!({"Container": "own"})).refused_by(),
            "containers.control"
        );
    }
}

#[test]
fn a_container_gets_on_no_network_that_it_could_not_be_created_on() {
    assert_eq!(connect(&Scene::postgres(), "host", json!({"Container": "own"})).refused_by(), "containers.networks");
    let attached = Scene::postgres_with("[containers]\nattach = [\"dev-internal\"]\nnames = [\"a1-*\"]\n");
    assert_eq!(connect(&attached, "bridge", json!({"Container": "own"})).refused_by(), "containers.networks");
    // an own network of before, which has a way out
    let mut open = Scene::postgres_with("[containers]\nattach = [\"dev-internal\"]\nnames = [\"a1-*\"]\n");
    open.engine.network("own-net").internal = false;
    assert_eq!(connect(&open, "own-net", json!({"Container": "own"})).refused_by(), "containers.networks");
    connect(&attached, "own-net", json!({"Container": "own"})).sent();
}

#[test]
fn the_place_of_a_container_is_judged_as_at_create() {
    let with = |network: &str, settings: Value| {
        connect(&on_shared("\"a1-*\""), network, json!({"Container": "own", "EndpointConfig": settings}))
    };
    assert_eq!(with("dev-internal", json!({"Aliases": ["db"]})).floor(), "EndpointConfig.Aliases");
    assert_eq!(with("own-net", json!({"NetworkID": full_id("b5")})).floor(), "EndpointConfig.NetworkID");
    assert_eq!(with("own-net", json!({"DNSNames": ["db"]})).floor(), "EndpointConfig");
    for (field, value) in [
        ("IPAMConfig", json!({"IPv4Address": "10.0.0.9"})),
        ("MacAddress", json!("02:42:ac:11:00:02")),
        ("DriverOpts", json!({"com.docker.network.endpoint.sysctls": "x"})),
        ("Links", json!(["foreign:db"])),
    ] {
        drop(with("own-net", json!({field: value})).denied());
    }
    let sent = with("own-net", json!({"Aliases": ["db"], "Links": null, "MacAddress": ""})).sent();
    assert_eq!(sent.target, format!("POST /networks/{}/connect", full_id("b4")));
    assert_eq!(sent.body, json!({"Container": full_id("aa"), "EndpointConfig": {"Aliases": ["db"]}}));
}

#[test]
fn containers_are_addressed_by_their_id() {
    let sent = connect(&Scene::postgres(), "bridge", json!({"Container": "own", "EndpointConfig": {}})).sent();
    assert_eq!(
        (sent.target.as_str(), sent.body),
        ("POST /networks/bridge/connect", json!({"Container": full_id("aa")}))
    );
    let body = json!({"Container": "aa", "Force": true});
    let sent = Scene::postgres().post("/networks/b4/disconnect", &body).sent();
    assert_eq!(sent.target, format!("POST /networks/{}/disconnect", full_id("b4")));
    assert_eq!(sent.body, json!({"Container": full_id("aa"), "Force": true}));
}

/// A service of somebody else on `dev-internal`, whose names the network's inspect does not show.
fn with_a_service() -> Scene {
    let mut scene = on_shared("\"a1-*\", \"db*\"");
    scene.engine.network("dev-internal").endpoints = vec![(full_id("ff"), "shop-db-1".into())];
    scene.engine.container("foreign").names = ContainerNames {
        name: "shop-db-1".into(),
        hostname: "db-host".into(),
        aliases: vec!["db".into(), "Dbase".into()],
    };
    scene
}

#[test]
fn further_names_of_a_service_are_not_taken_at_create() {
    let scene = with_a_service();
    each(["db", "DB", "db.", "dbase", "db-host", "shop-db-1"], |name| {
        assert_eq!(scene.create(&json!({"Hostname": name})).floor(), "Hostname");
    });
    for name in ["dbase", "db-host"] {
        assert_eq!(scene.create_at(&format!("/containers/create?name={name}"), &json!({})).floor(), "name");
    }
    scene.create(&json!({"Hostname": "db2"})).sent();
    // the same names on containers of one's own are one's own
    let mut own = with_a_service();
    own.engine.network("dev-internal").endpoints = vec![(full_id("aa"), "a1-x".into())];
    own.engine.container("own").names.aliases = vec!["db".into()];
    own.create(&json!({"Hostname": "db"})).sent();
}

#[test]
fn names_of_a_service_are_not_taken_by_a_connect() {
    let named = |name: &str, hostname: &str| {
        let mut scene = with_a_service();
        scene.engine.container("own").names =
            ContainerNames { name: name.into(), hostname: hostname.into(), aliases: vec![] };
        connect(&scene, "dev-internal", json!({"Container": "own"}))
    };
    for (name, hostname) in [("db", "aa0000000000"), ("a1-x", "db"), ("a1-x", "DB-HOST"), ("db-host", "")] {
        assert_eq!(named(name, hostname).floor(), "Container", "{name} {hostname}");
    }
    assert_eq!(named("a1-x", "other").refused_by(), "containers.names");
    for hostname in ["", "aa0000000000", "a1-y"] {
        named("a1-x", hostname).sent();
    }
    // where only one's own containers are, and where no names are served
    let mut scene = with_a_service();
    scene.engine.container("own").names.hostname = "db".into();
    connect(&scene, "own-net", json!({"Container": "own"})).sent();
}
