//! What manages containers and changes images: what goes up, and what comes back.

use serde_json::{Value, json};

use crate::corpus::canonical;
use crate::harness::Lab;
use crate::harness::client::Request;
use crate::harness::engine::world::{OTHER_NAME, OWN, OWN_NAME, POSTGRES};

/// The line of the one request that went up, after a look at its form.
async fn upstream(lab: &Lab, request: Request) -> String {
    lab.engine.forget();
    let reply = lab.call(request.clone()).await;
    assert!(reply.status < 400, "{request:?}: {reply:?}");
    let sent = lab.engine.only_forwarded();
    canonical::check(&sent).unwrap();
    sent.line()
}

#[tokio::test]
async fn each_operation_goes_up_in_one_form() {
    let lab = Lab::start("postgres").await;
    let own = format!("/containers/{OWN}");
    for (method, asked, sent) in [
        ("POST", format!("/containers/{OWN_NAME}/pause?x=1"), format!("{own}/pause")),
        ("POST", format!("{own}/unpause"), format!("{own}/unpause")),
        ("GET", format!("{own}/top?ps_args=aux"), format!("{own}/top?ps_args=aux")),
        ("GET", format!("{own}/top?ps_args="), format!("{own}/top")),
        ("GET", format!("{own}/stats?stream=false&one-shot=true"), format!("{own}/stats?stream=0&one-shot=1")),
        ("GET", format!("{own}/changes"), format!("{own}/changes")),
        ("GET", format!("{own}/export"), format!("{own}/export")),
        ("POST", format!("{own}/rename?name=other"), format!("{own}/rename?name=other")),
        ("GET", "/images/postgres:16/history".to_owned(), "/images/postgres%3A16/history".to_owned()),
        (
            "GET",
            "/distribution/postgres:16/json".to_owned(),
            "/distribution/docker.io/library/postgres%3A16/json".to_owned(),
        ),
    ] {
        let line = upstream(&lab, Request::new(method, &format!("/v1.41{asked}"))).await;
        assert_eq!(line, format!("{method} {sent}"));
    }
}

#[tokio::test]
async fn an_update_goes_up_in_the_brokers_own_words() {
    let lab = Lab::start("postgres").await;
    let target = format!("/v1.41/containers/{OWN_NAME}/update");
    let asked = json!({"Memory": 268_435_456, "CpuShares": 0, "PidsLimit": null, "RestartPolicy": {"Name": ""}});
    let reply = lab.post(&target, &asked).await;
    assert_eq!(reply.assert_status(200).json(), json!({"Warnings": []}));
    let sent = lab.engine.only_forwarded();
    canonical::check(&sent).unwrap();
    assert_eq!(sent.json(), json!({"Memory": 268_435_456, "MemorySwap": 268_435_456}));
    lab.engine.forget();
    for lifted in [json!({"PidsLimit": -1}), json!({"MemorySwap": -1}), json!({"CpuPeriod": 1000})] {
        lab.post(&target, &lifted).await.assert_status(403).assert_error();
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_stream_of_samples_comes_as_it_is_said() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    client.send(&Request::get(&format!("/v1.41/containers/{OWN}/stats"))).await;
    let head = client.head().await.expect("a head");
    assert_eq!(head.status, 200);
    let sample = client.chunk().await.expect("a sample before the stream ends");
    assert_eq!(serde_json::from_slice::<Value>(&sample).unwrap()["id"], OWN);
}

#[tokio::test]
async fn paths_of_the_host_stay_in_the_record() {
    let lab = Lab::start("postgres").await;
    for (method, verb) in
        [("GET", "changes"), ("GET", "export"), ("GET", "top"), ("POST", "pause"), ("POST", "unpause")]
    {
        let path = format!("/containers/{OWN}/{verb}");
        let message = "open /var/lib/docker/overlay2/x/diff: permission denied";
        lab.engine.on(method, &path).reply(500, json!({"message": message}));
        let reply = lab.call(Request::new(method, &format!("/v1.41{path}"))).await;
        assert_eq!(reply.assert_status(500).message(), "open <a path of the host>: permission denied", "{verb}");
    }
}

#[tokio::test]
async fn the_history_shows_no_name_of_others() {
    let lab = Lab::start("postgres").await;
    let reply = lab.get("/v1.41/images/postgres:16/history").await;
    let layers = reply.assert_status(200).json();
    assert_eq!(layers[0]["Id"], POSTGRES);
    assert_eq!((&layers[0]["Tags"], &layers[1]["Tags"]), (&json!(["postgres:16"]), &Value::Null));
    assert_eq!((&layers[1]["Id"], &layers[1]["CreatedBy"]), (&json!("<missing>"), &json!("ADD x")));
    assert!(!reply.text().contains("payroll"), "{reply:?}");
    let hidden = lab.get(&format!("/v1.41/images/{OTHER_NAME}/history")).await;
    assert_eq!(hidden.assert_status(404).message(), format!("No such image: {OTHER_NAME}"));
}

#[tokio::test]
async fn an_image_is_named_shown_pushed_and_loses_its_name_again() {
    let policy = "extends = \"postgres\"\n[images]\npush = [\"registry.example/agent/*:*\"]\nremove = [\"registry.example/agent/*:*\"]\n\
                  [build]\ntags = [\"registry.example/agent/*:*\"]\n";
    let lab = Lab::start(policy).await;
    let reply = lab.act("/v1.41/images/postgres:16/tag?repo=registry.example/agent/db&tag=1").await;
    reply.assert_status(201);
    assert_eq!(
        lab.engine.only_forwarded().line(),
        format!("POST /images/{}/tag?repo=registry.example%2Fagent%2Fdb&tag=1", POSTGRES.replace(':', "%3A"))
    );
    let images = lab.get("/v1.41/images/json").await.json();
    assert_eq!(images[0]["RepoTags"], json!(["postgres:16", "registry.example/agent/db:1"]));
    lab.engine.forget();
    let request = Request::post("/v1.41/images/registry.example/agent/db/push?tag=1");
    let reply = lab.call(request.header("X-Registry-Auth", "eyJ1IjoieCJ9").header("X-Meta-Evil", "1")).await;
    assert_eq!(reply.assert_status(200).text().lines().count(), 2, "{reply:?}");
    let sent = lab.engine.only_forwarded();
    canonical::check_head(&sent).unwrap();
    assert_eq!(sent.header("x-registry-auth"), Some("e30="), "the policy lets nobody's credentials pass");
    lab.engine.forget();
    lab.delete("/v1.41/images/registry.example/agent/db:1").await.assert_status(200);
    assert_eq!(lab.engine.only_forwarded().line(), "DELETE /images/registry.example/agent/db%3A1");
    lab.engine.forget();
    lab.delete("/v1.41/images/postgres:16").await.assert_status(403);
    lab.delete(&format!("/v1.41/images/{OTHER_NAME}")).await.assert_status(404);
    lab.act("/v1.41/images/postgres:16/tag?repo=postgres&tag=16").await.assert_status(403);
    lab.act("/v1.41/images/postgres/push?tag=16").await.assert_status(403);
    lab.engine.assert_untouched();
}
