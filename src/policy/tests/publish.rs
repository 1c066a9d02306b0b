//! Published ports: never on an address or a port that the policy does not say.

use serde_json::{Value, json};

use super::fixture::Scene;

#[expect(clippy::needless_pass_by_value, reason = "tests write the value where they pass it")]
fn bind(scene: &Scene, port: &str, binding: Value) -> super::fixture::Outcome {
    scene.create_host(&json!({"PortBindings": {port: [binding]}}))
}

#[test]
fn other_ports_and_protocols_are_refused() {
    for port in [
        "5433/tcp",
        "5432/udp",
        "5432/sctp",
        "5432/TCP",
        "5432/",
        "/tcp",
        "0/tcp",
        "65536/tcp",
        "+5432/tcp",
        "5432/tcp/x",
        "x",
    ] {
        assert_eq!(bind(&Scene::postgres(), port, json!({})).refused_by(), "containers.publish", "{port}");
    }
    for range in ["5432-5433/tcp", "5431-5432"] {
        assert_eq!(bind(&Scene::postgres(), range, json!({})).floor(), format!("HostConfig.PortBindings[{range}]"));
    }
}

#[test]
fn an_address_that_is_left_open_becomes_loopback() {
    for (port, asked) in [
        ("5432/tcp", json!([{}])),
        ("5432/tcp", json!([{"HostIp": "", "HostPort": "0"}])),
        ("5432", json!([{"HostIp": null, "HostPort": ""}])),
        ("5432/tcp", json!([])),
        ("5432/tcp", Value::Null),
        ("5432/tcp", json!([{"HostIp": "127.0.0.1"}])),
    ] {
        let sent = Scene::postgres().create_host(&json!({"PortBindings": {port: asked}})).sent();
        assert_eq!(sent.host("PortBindings"), json!({port: [{"HostIp": "127.0.0.1"}]}), "{asked}");
    }
    let sent = bind(&Scene::postgres(), "5432/tcp", json!({"HostIp": "::1"})).sent();
    assert_eq!(sent.host("PortBindings"), json!({"5432/tcp": [{"HostIp": "::1"}]}));
}

#[test]
fn wider_addresses_and_fixed_ports_are_refused() {
    for address in ["0.0.0.0", "::", "192.168.0.1", "127.0.0.2", "localhost", "127.0.0.1 ", "172.17.0.1"] {
        let outcome = bind(&Scene::postgres(), "5432/tcp", json!({"HostIp": address}));
        assert_eq!(outcome.refused_by(), "containers.publish-address", "{address}");
    }
    for port in ["5432", "80", "1-2", "x", " ", "00"] {
        let outcome = bind(&Scene::postgres(), "5432/tcp", json!({"HostPort": port}));
        assert_eq!(outcome.refused_by(), "containers.publish-ports", "{port}");
    }
    let second = json!({"PortBindings": {"5432/tcp": [{}, {"HostIp": "0.0.0.0"}]}});
    assert_eq!(Scene::postgres().create_host(&second).refused_by(), "containers.publish-address");
}

#[test]
fn a_fixed_port_is_one_number() {
    let scene = Scene::postgres_with("[containers]\npublish-ports = \"as-asked\"\n");
    let sent = bind(&scene, "5432/tcp", json!({"HostPort": "15432"})).sent();
    assert_eq!(sent.host("PortBindings"), json!({"5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": "15432"}]}));
    for port in ["8000-8010", "65536", "-1", "+80", "8 0"] {
        let place = bind(&scene, "5432/tcp", json!({"HostPort": port})).floor();
        assert_eq!(place, "HostConfig.PortBindings[5432/tcp].HostPort", "{port}");
    }
}

#[test]
fn all_ports_means_those_of_the_image_that_the_policy_lets_out() {
    let mut scene = Scene::postgres();
    scene.engine.images[0].exposed_ports = vec!["5432/tcp".into(), "22/tcp".into(), "1-65535/udp".into()];
    let sent = scene.create(&json!({"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"PublishAllPorts": true}})).sent();
    assert_eq!(sent.host("PortBindings"), json!({"5432/tcp": [{"HostIp": "127.0.0.1"}]}));
    assert_eq!(sent.host("PublishAllPorts"), Value::Null);
    let wide = Scene::postgres_with("[containers]\npublish = [\"*/tcp\"]\n");
    let sent = wide.create(&json!({"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"PublishAllPorts": true}})).sent();
    let loopback = json!([{"HostIp": "127.0.0.1"}]);
    assert_eq!(sent.host("PortBindings"), json!({"5432/tcp": loopback, "80/tcp": loopback}));
    let none = Scene::postgres_with("[containers]\npublish = []\n");
    assert_eq!(none.create_host(&json!({"PublishAllPorts": true})).sent().host("PortBindings"), Value::Null);
}

#[test]
fn exposed_ports_are_ports() {
    for port in ["x", "", "5432/x", "70000", "2-1"] {
        let outcome = Scene::postgres().create(&json!({"ExposedPorts": {port: {}}}));
        assert_eq!(outcome.floor(), "ExposedPorts", "{port}");
    }
}

#[test]
fn bridge_is_the_gateway_of_the_network_that_the_container_is_on_first() {
    let mut scene = Scene::postgres_with("[containers]\npublish-address = \"bridge\"\n");
    scene.engine.network("bridge").gateway = Some("172.17.0.1".into());
    let sent = bind(&scene, "5432/tcp", json!({})).sent();
    assert_eq!(sent.host("PortBindings"), json!({"5432/tcp": [{"HostIp": "172.17.0.1"}]}));
    bind(&scene, "5432/tcp", json!({"HostIp": "127.0.0.1"})).sent();
    assert_eq!(bind(&scene, "5432/tcp", json!({"HostIp": "0.0.0.0"})).refused_by(), "containers.publish-address");
    scene.engine.network("bridge").gateway = None;
    assert_eq!(bind(&scene, "5432/tcp", json!({})).refused_by(), "containers.publish-address");
    for (mode, gateway) in [("replace", "10.0.0.1"), ("add", "172.17.0.1")] {
        let mut scene = Scene::postgres_with(&format!(
            "[containers]\npublish-address=\"bridge\"\nattach=[\"dev-internal\"]\nnames=[\"a1-*\"]\nattach-mode=\"{mode}\"\n"
        ));
        scene.engine.network("bridge").gateway = Some("172.17.0.1".into());
        scene.engine.network("dev-internal").gateway = Some("10.0.0.1".into());
        let sent = bind(&scene, "5432/tcp", json!({})).sent();
        assert_eq!(sent.host("PortBindings"), json!({"5432/tcp": [{"HostIp": gateway}]}), "{mode}");
    }
}

#[test]
fn any_address_is_still_an_address() {
    let scene = Scene::postgres_with("[containers]\npublish-address = \"any\"\n");
    assert_eq!(bind(&scene, "5432/tcp", json!({})).sent().host("PortBindings"), json!({"5432/tcp": [{}]}));
    bind(&scene, "5432/tcp", json!({"HostIp": "0.0.0.0"})).sent();
    assert_eq!(bind(&scene, "5432/tcp", json!({"HostIp": "x"})).refused_by(), "containers.publish-address");
}
