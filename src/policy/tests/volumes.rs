//! Volumes that clients make and remove.

use super::fixture::Scene;

/// The `postgres` policy with volumes of the client's own.
fn granted() -> Scene {
    Scene::postgres_with("[volumes]\ncreate = { names = [\"v-*\"] }\n")
}

#[test]
fn volumes_of_others_are_not_removed() {
    for name in ["foreign-vol", "nothing", "bound-vol", "nfs-vol"] {
        for query in ["", "?force=1"] {
            let missing = granted().ask("DELETE", &format!("/volumes/{name}{query}")).missing();
            assert_eq!(missing, format!("get {name}: no such volume"));
        }
    }
}

#[test]
fn without_the_grant_nothing_is_removed() {
    assert_eq!(Scene::postgres().ask("DELETE", "/volumes/own-vol").refused_by(), "volumes.create");
    drop(Scene::shipped("deny-all").ask("DELETE", "/volumes/own-vol").denied());
}

#[test]
fn an_own_volume_is_removed() {
    assert_eq!(granted().ask("DELETE", "/volumes/own-vol").sent().target, "DELETE /volumes/own-vol");
    let sent = granted().ask("DELETE", "/v1.44/volumes/own-vol?force=true&x=1").sent();
    assert_eq!(sent.target, "DELETE /volumes/own-vol?force=1");
}
