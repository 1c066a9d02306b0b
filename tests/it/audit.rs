//! The audit: one record a request, on every path, with what was decided and why, and without secrets.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::broker::{Broker, Setup};
use crate::harness::client::Request;
use crate::harness::engine::eventually;
use crate::harness::engine::world::{FOREIGN, OWN, OWN_EXEC, OWN_STOPPED};
use crate::harness::{Lab, OWNER};

/// The records, once there are so many of them.
async fn records(lab: &Lab, count: usize) -> Vec<Value> {
    let read = || {
        let text = fs::read_to_string(lab.audit_file()).unwrap_or_default();
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        lines
    };
    eventually(&format!("{count} records"), || read().len() >= count).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let found = read();
    assert_eq!(found.len(), count, "one record a request: {found:#?}");
    found
}

const OPEN: &str = "extends = \"postgres\"\n[networks]\ncreate = true\n[volumes]\ncreate = true\n";

#[tokio::test]
async fn each_request_leaves_one_record_with_its_decision() {
    let lab = Lab::start("postgres").await;
    lab.get("/v1.41/version").await;
    lab.post("/v1.41/containers/create", &json!({"Image": "redis:7"})).await;
    lab.get(&format!("/v1.41/containers/{FOREIGN}/json")).await;
    lab.act("/v1.41/volumes/prune").await;
    lab.get("/v1.41/containers/json?all=1&all=1").await;
    lab.act("/v1.41/swarm/init").await;
    let records = records(&lab, 6).await;
    let found: Vec<(&str, u64, &str)> = records
        .iter()
        .map(|record| {
            let text = |key: &str| record[key].as_str().unwrap_or_default();
            (text("operation"), record["status"].as_u64().unwrap(), text("decision"))
        })
        .collect();
    assert_eq!(
        found[..4],
        [
            ("SystemVersion", 200, "permitted"),
            ("ContainerCreate", 403, "refused"),
            ("ContainerInspect", 404, "not_found"),
            ("VolumePrune", 200, "stubbed"),
        ]
    );
    assert_eq!((found[4].1, found[4].2), (400, "malformed"));
    assert_eq!((found[5].1, found[5].2), (403, "refused"));
    let refused = &records[1];
    assert_eq!((&refused["place"], &refused["key"]), (&json!("Image"), &json!("images.allow")));
    for record in &records {
        for key in ["request_id", "time", "listener", "owner", "method", "path", "policy", "uid", "pid"] {
            assert!(!record[key].is_null(), "{key} is missing: {record}");
        }
        assert_eq!(record["owner"], json!("lab/main"));
    }
}

#[tokio::test]
async fn the_request_id_of_a_refusal_is_the_one_in_the_record() {
    let lab = Lab::start("postgres").await;
    let reply = lab.post("/v1.41/containers/create", &json!({"Image": "redis:7"})).await;
    let record = records(&lab, 1).await.remove(0);
    let id = record["request_id"].as_str().unwrap();
    assert!(reply.message().contains(&format!("[request {id}]")), "{}", reply.message());
}

#[tokio::test]
async fn no_secret_reaches_a_record() {
    let lab = Lab::start("postgres").await;
    let secret = "s3cr3t-of-a-client";
    let create = json!({"Image": "postgres:16", "Env": [format!("POSTGRES_PASSWORD={secret}")]});
    lab.post("/v1.41/containers/create", &create).await.assert_status(201);
    let refused = json!({"Image": "postgres:16", "Env": [format!("AWS_SECRET={secret}")]});
    let reply = lab.post("/v1.41/containers/create", &refused).await;
    assert!(!reply.assert_status(403).text().contains(secret), "{reply:?}");
    let odd = json!({"Image": "postgres:16", "Env": {"POSTGRES_PASSWORD": secret}});
    let reply = lab.post("/v1.41/containers/create", &odd).await;
    assert!(!reply.assert_status(400).text().contains(secret), "{reply:?}");
    let exec = json!({"Cmd": ["psql"], "Env": [format!("PGPASSWORD={secret}")]});
    lab.post(&format!("/v1.41/containers/{OWN}/exec"), &exec).await;
    let pull = Request::post("/v1.41/images/create?fromImage=postgres&tag=16").header("X-Registry-Auth", secret);
    lab.call(pull).await;
    lab.call(Request::get("/_ping").header("Authorization", secret)).await;
    records(&lab, 6).await;
    assert!(!fs::read_to_string(lab.audit_file()).unwrap().contains(secret));
}

#[tokio::test]
async fn a_raw_stream_is_recorded_when_it_ends_with_its_bytes() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    client
        .send(&Request::post(&format!("/v1.41/exec/{OWN_EXEC}/start")).json(&json!({"Detach": false})).upgrade())
        .await;
    client.head().await.unwrap();
    client.send_raw(b"twelve bytes").await;
    client.exactly(12).await.unwrap();
    assert!(fs::read_to_string(lab.audit_file()).unwrap_or_default().is_empty(), "not before its end");
    client.half_close().await;
    client.rest().await.unwrap();
    let record = records(&lab, 1).await.remove(0);
    assert_eq!((&record["status"], &record["bytes_in"], &record["bytes_out"]), (&json!(101), &json!(12), &json!(12)));
    assert_eq!((&record["operation"], &record["decision"]), (&json!("ExecStart"), &json!("permitted")));
}

#[tokio::test]
async fn an_archive_that_goes_in_is_counted() {
    let lab = Lab::start("postgres").await;
    // two blocks of zeros: an archive of nothing
    let request = Request::new("PUT", &format!("/v1.41/containers/{OWN}/archive?path=/")).body(vec![0; 1024]);
    lab.call(request).await.assert_status(200);
    let record = records(&lab, 1).await.remove(0);
    assert_eq!((&record["operation"], &record["bytes_in"]), (&json!("PutContainerArchive"), &json!(1024)));
}

#[tokio::test]
async fn what_the_policy_changed_and_what_was_made_stand_in_the_record() {
    let lab = Lab::start("postgres").await;
    let reply = lab.post("/v1.41/containers/create", &json!({"Image": "postgres:16"})).await;
    let id = reply.json()["Id"].as_str().unwrap().to_owned();
    lab.delete(&format!("/v1.41/containers/{OWN}?force=1")).await.assert_status(204);
    lab.delete(&format!("/v1.41/containers/{OWN_STOPPED}?v=1")).await.assert_status(204);
    let records = records(&lab, 3).await;
    assert_eq!(records[0]["object"], json!(id));
    let amended: Vec<&str> =
        records[0]["amended"].as_array().unwrap().iter().map(|place| place.as_str().unwrap()).collect();
    for place in ["Labels", "HostConfig.Memory", "HostConfig.NanoCpus", "HostConfig.LogConfig", "HostConfig.IpcMode"] {
        assert!(amended.contains(&place), "{place} in {amended:?}");
    }
    assert!(!amended.contains(&"Image"), "{amended:?}");
    assert!(!records[2]["amended"].to_string().contains("v=1"), "nothing was changed: {}", records[2]);
    assert_eq!(records[1]["object"], json!(OWN));
    assert!(records[1]["amended"].to_string().contains("v=1"), "{}", records[1]);
}

#[tokio::test]
async fn networks_and_volumes_are_recorded_by_what_the_engine_called_them() {
    let lab = Lab::start(OPEN).await;
    let (network, volume) = ("6".repeat(64), "7".repeat(64));
    let labels = json!({"docker-broker.owner": OWNER});
    lab.engine.on("POST", "/networks/create").reply(201, json!({"Id": network, "Warning": ""}));
    lab.engine.on("POST", "/volumes/create").reply(201, json!({"Name": volume, "Driver": "local", "Labels": labels}));
    let reply = lab.post("/v1.41/networks/create", &json!({"Name": "mine"})).await;
    assert_eq!(reply.json()["Id"], json!(network));
    lab.post("/v1.41/volumes/create", &json!({})).await.assert_status(201);
    let records = records(&lab, 2).await;
    assert_eq!((&records[0]["object"], &records[0]["name"]), (&json!(network), &json!("mine")));
    assert_eq!((&records[1]["object"], &records[1]["name"]), (&json!(volume), &Value::Null));
}

#[tokio::test]
async fn a_create_is_recorded_before_its_client_hears_of_it() {
    let lab = Lab::start("postgres").await;
    let reply = lab.post("/v1.41/containers/create?name=mine", &json!({"Image": "postgres:16"})).await;
    // the connection is still open, and nobody has looked at the answer's end
    let record = records(&lab, 1).await.remove(0);
    assert_eq!(record["object"], reply.json()["Id"]);
    assert_eq!(record["name"], json!("mine"));
    assert_eq!(record["bytes_out"], json!(reply.body.len()));
}

#[tokio::test]
async fn a_create_whose_client_left_is_recorded_by_what_was_made() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/create").delay(Duration::from_millis(300));
    let mut client = lab.client().await;
    client.send(&Request::post("/v1.41/containers/create?name=left").json(&json!({"Image": "postgres:16"}))).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(client);
    let record = records(&lab, 1).await.remove(0);
    assert_eq!((&record["name"], &record["status"]), (&json!("left"), &json!(201)));
    assert_eq!(record["object"].as_str().map(str::len), Some(64), "{record}");
}

#[tokio::test]
async fn a_create_that_nobody_saw_the_end_of_is_recorded_by_its_name() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/create").close();
    lab.post("/v1.41/containers/create?name=unseen", &json!({"Image": "postgres:16"})).await.assert_status(502);
    let record = records(&lab, 1).await.remove(0);
    assert_eq!((&record["name"], &record["decision"]), (&json!("unseen"), &json!("failed")));
}

#[tokio::test]
async fn a_failing_engine_leaves_its_reason_for_operators_only() {
    let lab = Lab::start("postgres").await;
    let words = "open /var/lib/docker/overlay2/abc/merged: no space left on device";
    lab.engine.on("POST", "/containers/create").error(500, words);
    let reply = lab.post("/v1.41/containers/create", &json!({"Image": "postgres:16"})).await;
    assert!(!reply.text().contains("/var/lib"));
    let record = records(&lab, 1).await.remove(0);
    assert!(record["detail"].as_str().unwrap().contains(words), "{record}");
}

#[tokio::test]
async fn what_an_engine_says_to_the_brokers_own_question_is_for_operators_only() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("GET", "/images/*/json").error(500, "layer of somebody else");
    let reply = lab.post("/v1.41/containers/create", &json!({"Image": "postgres:16"})).await;
    assert!(!reply.assert_status(502).text().contains("somebody"));
    let record = records(&lab, 1).await.remove(0);
    assert!(record["detail"].as_str().unwrap().contains("layer of somebody else"), "{record}");
}

#[tokio::test]
async fn a_client_that_left_before_its_answer_is_recorded() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/*/stop").hang();
    let mut client = lab.client().await;
    client.send(&Request::post(&format!("/v1.41/containers/{OWN}/stop"))).await;
    lab.engine.came("POST", &format!("/containers/{OWN}/stop")).await;
    drop(client);
    let record = records(&lab, 1).await.remove(0);
    assert_eq!(record["decision"], json!("abandoned"), "{record}");
}

#[tokio::test]
async fn control_characters_of_a_client_cannot_forge_a_line() {
    let lab = Lab::start("postgres").await;
    lab.get("/v1.41/containers/x%0a%7B%22decision%22%3A%22permitted%22%7D/json").await;
    let body = json!({"Image": "x\n{\"decision\":\"permitted\"}"});
    lab.post("/v1.41/containers/create", &body).await;
    for record in records(&lab, 2).await {
        assert_ne!(record["decision"], json!("permitted"), "{record}");
    }
}

#[tokio::test]
async fn a_required_audit_that_cannot_be_written_lets_nothing_pass() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    let full = Setup { audit: "/dev/full".into(), audit_required: true, ..lab.setup("postgres") };
    let broker = Broker::start(full).unwrap();
    lab.get("/_ping").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    lab.get("/_ping").await.assert_status(503).assert_error();
    broker.stop().await;
}
