//! An engine that is gone, slow, broken or different: clients get Docker's error format and the right status.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::Lab;
use crate::harness::client::{NoReply, Request};
use crate::harness::engine::world::{OWN, OWN_EXEC, OWN_STOPPED};

#[tokio::test]
async fn an_engine_that_is_not_there_is_502_and_says_where_it_was_expected() {
    let mut lab = Lab::start("postgres").await;
    lab.engine.stop();
    for request in [
        Request::get("/_ping"),
        Request::get("/v1.41/containers/json"),
        Request::post(&format!("/v1.41/containers/{OWN}/start")),
        Request::post(&format!("/v1.41/containers/{OWN}/attach?stream=1")).upgrade(),
        Request::post("/v1.41/containers/create").json(&json!({"Image": "postgres:16"})),
    ] {
        let reply = lab.call(request).await;
        reply.assert_status(502).assert_error();
        assert!(reply.message().contains("engine.sock"), "{}", reply.message());
    }
}

#[tokio::test]
async fn an_engine_that_owes_a_prompt_answer_and_does_not_give_it_is_504() {
    let lab = Lab::start_with("postgres", |bounds| bounds.answer_time = Duration::from_millis(200)).await;
    lab.get("/_ping").await.assert_status(200);
    lab.engine.on("GET", "/info").hang();
    lab.engine.on("GET", "/images/*/json").hang();
    lab.engine.on("POST", "/containers/*/start").hang();
    let started = Instant::now();
    lab.get("/v1.41/info").await.assert_status(504).assert_error();
    lab.get("/v1.41/images/postgres:16/json").await.assert_status(504).assert_error();
    lab.act(&format!("/v1.41/containers/{OWN_STOPPED}/start")).await.assert_status(504).assert_error();
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn stops_waits_and_pulls_have_all_the_time() {
    let lab = Lab::start_with("postgres", |bounds| bounds.answer_time = Duration::from_millis(100)).await;
    lab.engine.on("POST", "/containers/*/stop").delay(Duration::from_millis(700));
    lab.act(&format!("/v1.41/containers/{OWN}/stop?t=10")).await.assert_status(204);
}

#[tokio::test]
async fn an_engine_that_closes_without_an_answer_is_502() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/*/restart").close();
    let reply = lab.act(&format!("/v1.41/containers/{OWN}/restart")).await;
    reply.assert_status(502).assert_error();
    let restarts = lab.engine.forwarded().len();
    assert_eq!(restarts, 1, "a request of which a byte may have arrived is not sent twice");
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_502() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/*/restart").cut("what?\r\n\r\n");
    lab.act(&format!("/v1.41/containers/{OWN}/restart")).await.assert_status(502).assert_error();
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    let lab = Lab::start("postgres").await;
    let half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"Id\":";
    lab.engine.on("GET", "/exec/*/json").times(1).reply(200, json!({"ContainerID": OWN, "ProcessConfig": {}}));
    lab.engine.on("GET", "/containers/*/logs").cut(half);
    let mut client = lab.client().await;
    client.send(&Request::get(&format!("/v1.41/containers/{OWN}/logs?stdout=1"))).await;
    assert_eq!(
        client.reply("GET").await.err(),
        Some(NoReply::Closed),
        "half an answer is not passed on as a whole one"
    );
}

#[tokio::test]
async fn nonsense_in_an_answer_that_the_broker_needs_refuses() {
    for nonsense in ["[]", "{}", "{\"Id\":\"short\"}", "null", "no json"] {
        let lab = Lab::start("postgres").await;
        lab.get("/_ping").await.assert_status(200);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{nonsense}", nonsense.len());
        lab.engine.on("GET", "/containers/*/json").bytes(answer.clone());
        lab.engine.on("GET", "/containers/json").bytes(answer);
        let reply = lab.act(&format!("/v1.41/containers/{OWN}/restart")).await;
        assert!(matches!(reply.status, 404 | 502), "{nonsense}: {reply:?}");
        reply.assert_error();
        lab.engine.assert_untouched();
    }
}

#[tokio::test]
async fn a_create_answered_with_nonsense_is_502_and_no_id_is_passed_on() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/create").reply(201, json!({"Id": "../../x"}));
    let reply = lab.post("/v1.41/containers/create", &json!({"Image": "postgres:16"})).await;
    reply.assert_status(502).assert_error();
    assert!(!reply.text().contains("../"), "{reply:?}");
}

#[tokio::test]
async fn an_engine_restart_between_requests_goes_unnoticed() {
    let mut lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    client.call(Request::get(&format!("/v1.41/containers/{OWN}/json"))).await.assert_status(200);
    lab.engine.stop();
    client.call(Request::get("/v1.41/info")).await.assert_status(502);
    lab.engine.listen();
    client.call(Request::get(&format!("/v1.41/containers/{OWN}/json"))).await.assert_status(200);
    lab.engine.close_connections();
    client.call(Request::post(&format!("/v1.41/containers/{OWN}/restart"))).await.assert_status(204);
    assert_eq!(lab.engine.forwarded().len(), 1, "and nothing is sent twice");
}

#[tokio::test]
async fn an_engine_of_another_version_that_comes_back_is_met_as_what_it_is() {
    let mut lab = Lab::start("postgres").await;
    lab.get("/v1.51/images/json").await.assert_status(200);
    lab.engine.stop();
    lab.get("/_ping").await.assert_status(502);
    lab.engine.world(|world| world.api_version = "1.41".to_owned());
    lab.engine.listen();
    let reply = lab.get("/v1.51/images/json").await;
    let words = "client version 1.51 is too new. Maximum supported API version is 1.41";
    assert_eq!(reply.assert_status(400).message(), words);
}

#[tokio::test]
async fn an_answer_beyond_its_bound_is_502() {
    let lab = Lab::start_with("postgres", |bounds| bounds.answer_bytes = 64 * 1024).await;
    lab.engine.on("GET", "/images/json").flood(4 << 20);
    lab.get("/v1.41/images/json").await.assert_status(502).assert_error();
}

#[tokio::test]
async fn the_engines_own_errors_pass() {
    let lab = Lab::start("postgres").await;
    lab.engine.on("POST", "/containers/*/kill").error(409, "Container x is not running");
    let reply = lab.act(&format!("/v1.41/containers/{OWN}/kill")).await;
    assert_eq!(reply.assert_status(409).message(), "Container x is not running");
}

#[tokio::test]
async fn headers_that_clients_do_not_need_stay_behind() {
    let lab = Lab::start("postgres").await;
    let answer = "HTTP/1.1 204 No Content\r\nApi-Version: 1.51\r\nX-Host-Name: rack-7\r\nSet-Cookie: a=b\r\n\r\n";
    lab.engine.on("POST", "/containers/*/restart").bytes(answer);
    let reply = lab.act(&format!("/v1.41/containers/{OWN}/restart")).await;
    assert_eq!(reply.assert_status(204).header("api-version"), Some("1.51"));
    assert!(reply.header("x-host-name").is_none() && reply.header("set-cookie").is_none(), "{reply:?}");
}

#[tokio::test]
async fn an_engine_that_was_upgraded_while_nobody_asked_is_met_as_what_it_is() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    for (version, other) in [("1.51", "1.52"), ("1.52", "1.41")] {
        client.call(Request::get(&format!("/v{version}/images/json"))).await.assert_status(200);
        lab.engine.world(|world| world.api_version = other.to_owned());
        lab.engine.close_connections();
        if other < version {
            // the answer says who gives it; the request that met it was still the old engine's
            client.call(Request::get("/v1.41/_ping")).await;
            client.call(Request::get(&format!("/v{version}/images/json"))).await.assert_status(400);
        }
        client.call(Request::get(&format!("/v{other}/images/json"))).await.assert_status(200);
    }
}

#[tokio::test]
async fn an_error_that_names_a_path_of_the_host_is_json_without_it() {
    let lab = Lab::start("postgres").await;
    let words = "error mounting \"/var/lib/docker/volumes/x/_data\" to \"/data\": denied";
    for (method, path) in [("POST", "start"), ("PUT", "archive"), ("DELETE", "")] {
        lab.engine.on(method, "/containers/**").error(500, words);
        lab.engine.on(method, "/containers/*").error(500, words);
        lab.engine.on(method, "/containers/*/*").error(500, words);
        let target = format!("/v1.41/containers/{OWN}/{path}?path=/tmp");
        let request = Request::new(method, target.replace("/?", "?").as_str());
        let reply = lab.call(request).await;
        let message = reply.assert_status(500).message();
        assert_eq!(message, "error mounting \"<a path of the host>\" to \"/data\": denied", "{method} {path}");
    }
    lab.engine.on("POST", "/exec/*/start").error(500, words);
    for detach in [true, false] {
        let start = Request::post(&format!("/v1.41/exec/{OWN_EXEC}/start")).json(&json!({"Detach": detach})).upgrade();
        let message = lab.call(start).await.assert_status(500).message();
        assert!(!message.contains("/var/lib"), "detach {detach}: {message}");
    }
}

#[tokio::test]
async fn a_container_whose_name_is_the_id_that_was_asked_for_is_not_it() {
    let lab = Lab::start("postgres").await;
    let inspect = lab.engine.world(|world| world.containers[0].inspect());
    lab.engine.on("GET", "/containers/*/json").reply(200, inspect);
    let id = "5".repeat(64);
    let reply = lab.act(&format!("/v1.41/containers/{id}/restart")).await;
    assert_eq!(reply.assert_status(404).message(), format!("No such container: {id}"));
    lab.engine.assert_untouched();
}
