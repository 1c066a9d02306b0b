//! Metadata, volumes and prunes.

use super::fixture::{Scene, each};
use crate::policy::permit::Relay;

const PRUNES: [&str; 5] = ["/containers/prune", "/images/prune", "/networks/prune", "/volumes/prune", "/build/prune"];

#[test]
fn a_prune_never_reaches_the_engine() {
    each(PRUNES, |target| {
        assert_eq!(Scene::postgres().ask("POST", target).sent().relay, Relay::Stub);
        assert_eq!(Scene::shipped("read-only").ask("POST", target).refused_by(), "prune.answer");
        let own = Scene::postgres_with("[prune]\nanswer = \"own\"\n");
        drop(own.ask("POST", target).denied());
        assert_eq!(Scene::shipped("unrestricted").ask("POST", target).sent().relay, Relay::AsIs);
    });
}

#[test]
fn what_tells_about_others_is_filtered() {
    each(["/info", "/events", "/images/json", "/networks", "/volumes"], |target| {
        assert_eq!(Scene::postgres().ask("GET", target).sent().relay, Relay::Filtered);
    });
    each([("GET", "/_ping"), ("HEAD", "/_ping"), ("GET", "/version")], |(method, target)| {
        assert_eq!(Scene::postgres().ask(method, target).sent().relay, Relay::AsIs);
    });
    assert_eq!(Scene::postgres().ask("GET", "/events?since=%3B").floor(), "since");
    assert_eq!(Scene::postgres().ask("GET", "/events?until=a%20b").floor(), "until");
}

#[test]
fn a_volume_that_is_not_ones_own_does_not_exist() {
    for name in ["foreign-vol", "nothing", "bound-vol"] {
        let message = Scene::postgres().ask("GET", &format!("/volumes/{name}")).missing();
        assert_eq!(message, format!("get {name}: no such volume"));
    }
    Scene::postgres().ask("GET", "/volumes/own-vol").sent();
    Scene::shipped("read-only").ask("GET", "/volumes/foreign-vol").sent();
    let list = Scene::postgres().ask("GET", "/volumes").sent().target;
    assert!(list.contains("docker-broker.owner%3Dhost-1%2Fmain"), "{list}");
}
