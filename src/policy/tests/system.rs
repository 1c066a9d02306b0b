//! Metadata, volumes and prunes.

use super::fixture::{Scene, each};
use crate::policy::permit::Relay;

const PRUNES: [&str; 5] = ["/containers/prune", "/images/prune", "/networks/prune", "/volumes/prune", "/build/prune"];

#[test]
fn a_prune_reaches_the_engine_only_where_the_policy_narrows_or_filters_nothing() {
    each(PRUNES, |target| {
        assert_eq!(Scene::postgres().ask("POST", target).sent().relay, Relay::Stub);
        assert_eq!(Scene::shipped("read-only").ask("POST", target).refused_by(), "prune.answer");
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

#[test]
fn a_prune_of_ones_own_carries_the_owners_label() {
    let own = Scene::postgres_with("[prune]\nanswer = \"own\"\n");
    let label = "docker-broker.owner%3Dhost-1%2Fmain";
    each(["/containers/prune", "/networks/prune", "/volumes/prune"], |target| {
        let sent = own.ask("POST", target).sent();
        assert_eq!(sent.relay, Relay::AsIs);
        assert!(sent.target.contains(label), "{}", sent.target);
        let filters = "filters=%7B%22label%22%3A%5B%22docker-broker.owner%3Dhost-1%2Fother%22%5D%7D";
        let sent = own.ask("POST", &format!("{target}?{filters}")).sent();
        assert!(sent.target.contains(label), "the engine ANDs labels: {}", sent.target);
        let unknown = "filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D";
        assert_eq!(own.ask("POST", &format!("{target}?{unknown}")).floor(), "filters");
    });
    assert_eq!(own.ask("POST", "/networks/prune?filters=%7B%22until%22%3A%5B%22a%3Bb%22%5D%7D").floor(), "filters");
    own.ask("POST", "/containers/prune?filters=%7B%22until%22%3A%5B%2224h%22%5D%7D").sent();
    each(["/images/prune", "/build/prune"], |target| assert_eq!(own.ask("POST", target).sent().relay, Relay::Stub));
}

#[test]
fn no_container_is_pruned_for_a_label_that_its_image_brought_along() {
    let mut own = Scene::postgres_with("[prune]\nanswer = \"own\"\n");
    let labels = own.engine.container("own").labels.clone();
    let foreign = own.engine.container("foreign");
    foreign.labels = labels;
    foreign.image_id = super::fixture::image_id("22");
    assert_eq!(own.ask("POST", "/containers/prune").floor(), "");
    own.ask("POST", "/networks/prune").sent();
}
