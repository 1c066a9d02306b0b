//! `explain` against the broker itself: what it says would happen is what happens. And `audit summary` and `doctor` on the
//! same lab.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use crate::harness::client::Request;
use crate::harness::engine::world::{FOREIGN, OWN, OWN_NAME};
use crate::harness::engine::{FakeEngine, eventually};
use crate::harness::{INSTANCE, LISTENER, Lab};

/// Runs the program as an operator of the lab's broker would; the lab goes on meanwhile.
async fn program(lab: &Lab, words: &[&str]) -> Output {
    let setup = lab.setup("postgres");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_docker-broker"));
    command.args(words).env_clear().stdin(std::process::Stdio::null());
    if ["explain", "doctor"].contains(&words[0]) {
        command.args(["--instance", INSTANCE, "--name", LISTENER]);
        command.arg("--upstream").arg(setup.upstream).arg("--listen").arg(setup.listen);
    }
    tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("the program")
}

async fn explain(lab: &Lab, words: &[&str]) -> (i32, Value) {
    let words = [&["explain", "--format", "json"], words].concat();
    let output = program(lab, &words).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {stderr}"));
    (output.status.code().expect("a code"), answer)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Only questions reached the engine.
fn assert_only_asked(engine: &FakeEngine) {
    assert!(engine.requests().iter().all(|request| request.method == "GET"), "{:?}", engine.requests());
    engine.assert_untouched();
}

/// What the broker sends for a request, as method, target and body.
async fn sent_by_the_broker(lab: &Lab, method: &str, target: &str, body: Option<&Value>) -> (String, Value) {
    lab.engine.forget();
    let request = Request::new(method, target);
    lab.call(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await;
    let sent = lab.engine.forwarded().into_iter().next().expect("something was sent");
    let body = if sent.body.is_empty() { Value::Null } else { serde_json::from_slice(&sent.body).expect("JSON") };
    (format!("{} {}", sent.method, sent.target), body)
}

/// Takes out what differs from one run to the next.
fn without_run(mut body: Value) -> Value {
    if let Some(labels) = body["Labels"].as_object_mut() {
        for label in ["docker-broker.session", "docker-broker.expires"] {
            assert!(labels.remove(label).is_some(), "{label}");
        }
    }
    body
}

#[tokio::test]
async fn what_is_refused_is_refused_by_the_broker_in_the_same_words() {
    let lab = Lab::start("postgres").await;
    let privileged = json!({"Image": "postgres:16", "HostConfig": {"Privileged": true}});
    let doubled = "{\"Image\":\"postgres:16\",\"Image\":\"redis:7\"}";
    for (method, target, body) in [
        ("POST", "/v1.41/containers/create", Some(json!({"Image": "redis:7"}).to_string())),
        ("POST", "/v1.41/containers/create", Some(privileged.to_string())),
        ("POST", "/v1.41/containers/create", Some(doubled.to_owned())),
        ("POST", "/v1.41/containers/create", Some(json!({"Image": "postgres:16", "Strange": 1}).to_string())),
        ("GET", &format!("/v1.41/containers/{FOREIGN}/json"), None),
        ("POST", "/v1.41/swarm/init", None),
        ("GET", "/v1.99/info", None),
        ("GET", "/nowhere", None),
        ("GET", "/v1.41/containers/../info", None),
    ] {
        let mut words = vec![method, target];
        words.extend(body.iter().flat_map(|body| ["--body", body.as_str()]));
        lab.engine.forget();
        let (code, said) = explain(&lab, &words).await;
        assert_only_asked(&lab.engine);
        let mut request = Request::new(method, target);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.into_bytes());
        }
        let reply = lab.call(request).await;
        let told: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let told = told["message"].as_str().expect("a message");
        let told = told.split(" [request ").next().unwrap();
        assert_eq!((code, said["status"].as_u64()), (1, Some(u64::from(reply.status))), "{method} {target}");
        assert_eq!(said["message"], told, "{method} {target}");
    }
}

#[tokio::test]
async fn what_would_go_to_the_engine_is_what_the_broker_sends() {
    let lab = Lab::start("postgres").await;
    let create = json!({"Image": "postgres:16", "Cmd": ["true"], "HostConfig": {"ShmSize": 1_048_576}});
    let exec = json!({"Cmd": ["id"], "AttachStdout": true});
    for (method, target, body) in [
        ("POST", "/v1.41/containers/create?name=db".to_owned(), Some(create)),
        ("POST", format!("/v1.41/containers/{OWN_NAME}/exec"), Some(exec)),
        ("POST", format!("/v1.41/containers/{OWN_NAME}/stop?t=3"), None),
        ("DELETE", format!("/v1.41/containers/{OWN_NAME}?force=1"), None),
    ] {
        let text = body.as_ref().map(Value::to_string);
        let mut words = vec![method, target.as_str()];
        words.extend(text.iter().flat_map(|body| ["--body", body.as_str()]));
        lab.engine.forget();
        let (code, said) = explain(&lab, &words).await;
        assert_eq!((code, &said["decision"]), (0, &json!("permitted")), "{said:#}");
        assert_only_asked(&lab.engine);
        let query = said["sent"]["query"].as_array().unwrap().iter();
        let query: Vec<String> =
            query.map(|pair| format!("{}={}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect();
        let (method_said, path) = (said["sent"]["method"].as_str().unwrap(), said["sent"]["path"].as_str().unwrap());
        let mark = if query.is_empty() { "" } else { "?" };
        let (sent, sent_body) = sent_by_the_broker(&lab, method, &target, body.as_ref()).await;
        assert_eq!(format!("{method_said} {path}{mark}{}", query.join("&")), sent);
        assert_eq!(without_run(said["sent"]["body"].clone()), without_run(sent_body));
    }
}

#[tokio::test]
async fn secrets_are_in_no_form_of_the_answer() {
    let lab = Lab::start("postgres").await;
    let body = json!({"Image": "postgres:16", "Env": ["POSTGRES_PASSWORD=hush-hush"]}).to_string();
    for format in ["text", "json"] {
        let words = ["explain", "POST", "/containers/create", "--body", &body, "--format", format];
        let output = program(&lab, &words).await;
        assert!(output.status.success());
        assert!(stdout(&output).contains("POSTGRES_PASSWORD=[redacted]") && !stdout(&output).contains("hush-hush"));
    }
    let words = ["explain", "POST", "/images/create?fromImage=postgres:16", "--header", "X-Registry-Auth: aHVzaA=="];
    let auth = [&words[..], &["--offline"]].concat();
    let with_auth = "extends = \"postgres\"\n[images]\nregistry-auth = \"client\"\n";
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("auth.toml");
    fs::write(&policy, with_auth).unwrap();
    let output = program(&lab, &[&auth[..], &["--policy", policy.to_str().unwrap()]].concat()).await;
    let said = stdout(&output);
    assert!(said.contains("x-registry-auth: [redacted]") && !said.contains("aHVzaA"), "{said}");
}

#[tokio::test]
async fn what_to_write_was_tried_and_lets_the_request_pass() {
    let lab = Lab::start("postgres").await;
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("agent.toml");
    fs::write(&policy, "extends = \"postgres\"\n").unwrap();
    let policy_path = policy.to_str().unwrap();
    let bodies = [
        json!({"Image": "redis:7"}),
        json!({"Image": "postgres:16", "Env": ["MY_VARIABLE=1"]}),
        json!({"Image": "postgres:16", "Labels": {"my.label": "x"}}),
        json!({"Image": "postgres:16", "HostConfig": {"PidsLimit": 4096}}),
    ];
    for body in bodies.map(|body| body.to_string()) {
        let ask = ["POST", "/v1.44/containers/create", "--body", &body, "--offline", "--policy", policy_path];
        let (code, said) = explain(&lab, &ask).await;
        assert_eq!((code, &said["remedy"]["tried"]), (1, &json!(true)), "{said:#}");
        assert_eq!(said["remedy"]["next"], Value::Null, "{said:#}");
        fs::write(&policy, format!("extends = \"postgres\"\n{}", said["remedy"]["lines"].as_str().unwrap())).unwrap();
        let (code, said) = explain(&lab, &ask).await;
        assert_eq!(code, 0, "{said:#}");
        fs::write(&policy, "extends = \"postgres\"\n").unwrap();
    }
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_a_failure_of_its_own_and_no_refusal() {
    let mut lab = Lab::start("postgres").await;
    lab.engine.stop();
    let output = program(&lab, &["explain", "GET", "/info"]).await;
    assert_eq!(output.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&output.stderr).contains("with --offline, no engine is asked"));
    let (code, said) = explain(&lab, &["GET", &format!("/v1.41/containers/{OWN_NAME}/json"), "--offline"]).await;
    assert_eq!((code, &said["decision"]), (1, &json!("not_found")));
    assert!(said["assumed"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains("--own")));
    let own = [&format!("/v1.41/containers/{OWN_NAME}/json"), "--offline", "--own", OWN_NAME];
    assert_eq!(explain(&lab, &[&["GET"], &own[..]].concat()).await.0, 0);
}

#[tokio::test]
async fn a_log_is_explained_and_summed_up() {
    let mut lab = Lab::start("postgres").await;
    lab.post("/v1.41/containers/create?name=left", &json!({"Image": "postgres:16"})).await;
    lab.delete(&format!("/v1.41/containers/{OWN}")).await;
    let refused = lab.post("/v1.41/containers/create", &json!({"Image": "redis:7"})).await;
    lab.act("/v1.41/volumes/prune").await;
    let told = String::from_utf8_lossy(&refused.body).into_owned();
    let id = told.rsplit("[request ").next().unwrap().split(']').next().unwrap().to_owned();
    lab.stop_broker().await;
    let log = lab.audit_file();
    eventually("the records", || fs::read_to_string(&log).is_ok_and(|text| text.lines().count() == 4)).await;
    let text = fs::read_to_string(&log).unwrap() + "not a record\n{\"type\":\"request\",\"time\":\"20";
    fs::write(&log, text).unwrap();
    let log = log.to_str().unwrap();

    let (code, said) = explain(&lab, &["--request-id", &id, "--audit", log]).await;
    assert_eq!((code, &said["operation"]), (1, &json!("ContainerCreate")));
    assert_eq!((&said["remedy"]["tried"], &said["today"]["decision"]), (&json!(false), &json!("depends")));
    assert!(said["remedy"]["lines"].as_str().unwrap().contains("\"redis:7\""), "{said:#}");
    let read_only = ["--request-id", &id, "--audit", log, "--policy", "read-only"];
    assert_eq!(explain(&lab, &read_only).await.1["today"]["decision"], "refused");

    let output = program(&lab, &["audit", "summary", "--format", "json", log]).await;
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["records"], &summary["foreign_lines"]), (&json!(4), &json!(2)));
    assert_eq!(summary["clients"][0]["operations"]["ContainerCreate"], 2);
    assert_eq!((&summary["refusals"][0]["key"], &summary["refusals"][0]["count"]), (&json!("images.allow"), &json!(1)));
    assert_eq!(summary["made"]["container"], json!({"made": 1, "gone": 0}));
    let left = &summary["still_there"][0];
    assert!(left["kind"] == "container" && left["expires"].as_str().unwrap().ends_with('Z'), "{left}");
    let said = stdout(&program(&lab, &["audit", "summary", log]).await);
    assert!(said.contains("1 made, 0 gone") && said.contains("`images.allow`"), "{said}");
}

#[tokio::test]
async fn the_doctor_only_looks() {
    let lab = Lab::start("postgres").await;
    let output = program(&lab, &["doctor"]).await;
    assert_only_asked(&lab.engine);
    let said = stdout(&output);
    assert!(said.contains("somebody listens at") && said.contains("can be opened"), "{said}");
    let output = program(&lab, &["doctor", "--format", "json", "--attach-networks", "nowhere"]).await;
    assert_only_asked(&lab.engine);
    assert_eq!(output.status.code(), Some(1));
    let parts: Value = serde_json::from_slice(&output.stdout).unwrap();
    let wrong =
        |finding: &Value| finding["severity"] == "wrong" && finding["what"].as_str().unwrap().contains("`nowhere`");
    assert!(parts[0]["findings"].as_array().unwrap().iter().any(wrong), "{parts:#}");
}
