//! Lists: the broker's own filter goes up, and the answer is checked again on the way back.

use serde_json::{Value, json};

use crate::harness::engine::world::{FOREIGN, FOREIGN_SECRET, IMPOSTOR, OWN, OWN_STOPPED};
use crate::harness::{Lab, OWNER};

/// The `label` filter that went up with the last list of containers.
fn label_filter(lab: &Lab, path: &str) -> Vec<String> {
    let sent = lab.engine.last("GET", path);
    let filters: Value = serde_json::from_str(&sent.query_value("filters").expect("filters")).unwrap();
    let label = &filters["label"];
    if let Some(labels) = label.as_object() {
        return labels.keys().cloned().collect();
    }
    let labels = label.as_array().unwrap_or_else(|| panic!("the label filter is {label}"));
    labels.iter().map(|label| label.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_container_list_asks_for_the_owners_only() {
    let lab = Lab::start("postgres").await;
    let reply = lab.get("/v1.41/containers/json?all=1").await;
    let ids: Vec<String> =
        reply.json().as_array().unwrap().iter().map(|c| c["Id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, [OWN, OWN_STOPPED]);
    assert_eq!(label_filter(&lab, "/containers/json"), [format!("docker-broker.owner={OWNER}")]);
    assert!(!reply.text().contains(FOREIGN_SECRET));
}

#[tokio::test]
async fn the_clients_filters_go_up_beside_the_owners() {
    let lab = Lab::start("postgres").await;
    for filters in [
        "%7B%22label%22%3A%5B%22org.testcontainers%3Dtrue%22%5D%7D",
        "%7B%22label%22%3A%7B%22org.testcontainers%3Dtrue%22%3Atrue%7D%7D",
    ] {
        lab.get(&format!("/v1.41/containers/json?all=1&filters={filters}")).await.assert_status(200);
        let mut labels = label_filter(&lab, "/containers/json");
        labels.sort();
        assert_eq!(labels, [format!("docker-broker.owner={OWNER}"), "org.testcontainers=true".to_owned()]);
    }
}

#[tokio::test]
async fn a_filter_for_other_owners_shows_nothing() {
    let lab = Lab::start("postgres").await;
    for owner in ["lab/other", ""] {
        let filters = format!("%7B%22label%22%3A%5B%22docker-broker.owner%3D{}%22%5D%7D", owner.replace('/', "%2F"));
        let reply = lab.get(&format!("/v1.41/containers/json?all=1&filters={filters}")).await;
        assert!(reply.status == 403 || reply.json() == json!([]), "{reply:?}");
    }
}

#[tokio::test]
async fn an_engine_that_ignores_the_filter_tells_nothing_either() {
    let lab = Lab::start("postgres").await;
    let all: Value = lab.engine.world(|world| world.containers.iter().map(|c| c.summary()).collect());
    lab.engine.on("GET", "/containers/json").reply(200, all);
    let reply = lab.get("/v1.41/containers/json?all=1").await;
    let text = reply.assert_status(200).text();
    assert!(text.contains(OWN) && !text.contains(FOREIGN) && !text.contains(IMPOSTOR), "{text}");
}

#[tokio::test]
async fn undocumented_parameters_that_name_containers_do_not_go_up() {
    let lab = Lab::start("postgres").await;
    let reply = lab.get(&format!("/v1.41/containers/json?before={FOREIGN}&since={FOREIGN}")).await;
    reply.assert_status(200);
    assert!(lab.engine.requests().iter().all(|request| !request.target.contains(FOREIGN)));
}

#[tokio::test]
async fn malformed_and_repeated_parameters_are_refused() {
    let lab = Lab::start("postgres").await;
    for query in [
        "all=1&all=0",
        "ALL=1",
        "filters=%7B",
        "filters=%7B%22label%22%3A%5B%5D%2C%22label%22%3A%5B%5D%7D",
        "all=%zz",
        "all=1;limit=2",
        "limit=1e3",
    ] {
        lab.get(&format!("/v1.41/containers/json?{query}")).await.assert_status(400).assert_error();
    }
    assert!(lab.engine.requests().iter().all(|request| request.path() == "/version"));
}

#[tokio::test]
async fn an_unrestricted_list_is_the_engines_own() {
    let lab = Lab::start("unrestricted").await;
    let reply = lab.get("/v1.41/containers/json?all=1").await;
    assert_eq!(reply.json().as_array().unwrap().len(), 4);
    assert!(lab.engine.last("GET", "/containers/json").query_value("filters").is_none());
}

#[tokio::test]
async fn a_policy_that_sees_all_lists_all() {
    let lab = Lab::start("read-only").await;
    let reply = lab.get("/v1.41/containers/json?all=1").await;
    assert_eq!(reply.json().as_array().unwrap().len(), 4);
}
