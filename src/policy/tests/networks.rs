//! Networks that clients make, remove, and put containers on.

use super::fixture::{Scene, each, full_id};

/// The `postgres` policy with networks of the client's own.
fn granted() -> Scene {
    Scene::postgres_with("[networks]\ncreate = { names = [\"n-*\"] }\n")
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
fn without_the_grant_nothing_is_removed() {
    assert_eq!(Scene::postgres().ask("DELETE", "/networks/own-net").refused_by(), "networks.create");
    drop(Scene::shipped("deny-all").ask("DELETE", "/networks/own-net").denied());
}

#[test]
fn an_own_network_is_removed_by_its_id() {
    each(["own-net", "b4", &full_id("b4")], |name| {
        let sent = granted().ask("DELETE", &format!("/v1.44/networks/{name}?force=1")).sent();
        assert_eq!(sent.target, format!("DELETE /networks/{}", full_id("b4")));
    });
}
