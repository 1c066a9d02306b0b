//! Whose an object is: what is not the client's does not exist for it, whatever it knows of it.

use serde_json::json;

use crate::harness::Lab;
use crate::harness::client::{Reply, Request};
use crate::harness::engine::wire::Recorded;
use crate::harness::engine::world::{
    FOREIGN, FOREIGN_EXEC, FOREIGN_NAME, IMPOSTOR, OTHER_IMAGE, OWN, OWN_EXEC, OWN_NAME, owner_labels,
};

/// Every operation on one container, with `{id}` for it.
fn operations() -> Vec<Request> {
    let at = |method: &str, verb: &str| Request::new(method, &format!("/v1.41/containers/{{id}}{verb}"));
    vec![
        at("GET", "/json"),
        at("POST", "/start"),
        at("POST", "/stop?t=1"),
        at("POST", "/restart"),
        at("POST", "/kill?signal=SIGKILL"),
        at("POST", "/wait"),
        at("GET", "/logs?stdout=1"),
        at("POST", "/attach?stream=1&stdout=1").upgrade(),
        at("POST", "/attach?stream=1&stdout=1"),
        at("POST", "/resize?h=10&w=10"),
        at("DELETE", "?force=1&v=1"),
        at("GET", "/archive?path=%2Fetc%2Fpasswd"),
        at("HEAD", "/archive?path=%2Fetc%2Fpasswd"),
        at("PUT", "/archive?path=%2Ftmp").header("Content-Type", "application/x-tar").body(vec![0; 1024]),
        at("POST", "/exec").json(&json!({"Cmd": ["id"]})),
        at("POST", "/rename?name=renamed"),
        at("POST", "/pause"),
        at("POST", "/unpause"),
        at("POST", "/update").json(&json!({"Memory": 268_435_456})),
        at("GET", "/top"),
        at("GET", "/stats?stream=0"),
        at("GET", "/changes"),
        at("GET", "/export"),
    ]
}

/// What of an answer must be equal: everything but the reference itself.
fn comparable(reply: &Reply, reference: &str) -> (u16, Vec<(String, String)>, String) {
    let headers = reply
        .head
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("date") && !name.eq_ignore_ascii_case("content-length"));
    (reply.status, headers.cloned().collect(), reply.text().replace(reference, "{reference}"))
}

/// The fields of a head in one order, but for its time and the one by which a broker is known.
fn head(reply: &Reply) -> Vec<(String, String)> {
    let fields = reply.head.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let mut fields: Vec<_> = fields.filter(|(name, _)| !["date", "docker-broker"].contains(&name.as_str())).collect();
    fields.sort();
    fields
}

#[tokio::test]
async fn foreign_containers_are_answered_like_missing_ones_byte_by_byte() {
    let lab = Lab::start("postgres").await;
    let nobody = "0".repeat(64);
    for request in operations() {
        let missing = lab.call(request.naming(&nobody)).await;
        missing.assert_status(404);
        for foreign in [FOREIGN, &FOREIGN[..12], FOREIGN_NAME, IMPOSTOR] {
            let reply = lab.call(request.naming(foreign)).await;
            assert_eq!(comparable(&reply, foreign), comparable(&missing, &nobody), "{request:?} of {foreign}");
        }
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_missing_container_is_answered_in_the_engines_own_words() {
    let lab = Lab::start("postgres").await;
    let engine = Lab::with_relay();
    let nobody = "0".repeat(64);
    for request in operations() {
        let (ours, engines) = (lab.call(request.naming(&nobody)).await, engine.call(request.naming(&nobody)).await);
        let what = format!("{request:?}");
        assert_eq!(ours.status, engines.status, "{what}");
        if what.contains("/attach") {
            // the engine says it in plain text on a broken connection, the broker as JSON: one of the known differences
            assert_eq!(ours.message(), engines.text().trim_end(), "{what}");
        } else {
            assert_eq!(ours.text().trim_end(), engines.text().trim_end(), "{what}");
            assert_eq!(head(&ours), head(&engines), "{what}");
        }
    }
}

#[tokio::test]
async fn foreign_execs_are_answered_like_missing_ones() {
    let lab = Lab::start("postgres").await;
    let nobody = "0".repeat(64);
    for request in [
        Request::get("/v1.41/exec/{id}/json"),
        Request::post("/v1.41/exec/{id}/start").json(&json!({"Detach": true})),
        Request::post("/v1.41/exec/{id}/start").json(&json!({"Detach": false})).upgrade(),
        Request::post("/v1.41/exec/{id}/resize?h=1&w=1"),
    ] {
        let missing = lab.call(request.naming(&nobody)).await;
        assert_eq!(missing.assert_status(404).message(), format!("No such exec instance: {nobody}"));
        let foreign = lab.call(request.naming(FOREIGN_EXEC)).await;
        assert_eq!(comparable(&foreign, FOREIGN_EXEC), comparable(&missing, &nobody), "{request:?}");
    }
    lab.engine.assert_untouched();
    lab.get(&format!("/v1.41/exec/{OWN_EXEC}/json")).await.assert_status(200);
}

#[tokio::test]
async fn volumes_and_networks_of_others_are_not_there() {
    let lab = Lab::start("postgres").await;
    for (foreign, missing) in
        [("/volumes/payroll-volume", "/volumes/nobody"), ("/networks/payroll-net", "/networks/nobody")]
    {
        let (foreign_reply, missing_reply) =
            (lab.get(&format!("/v1.41{foreign}")).await, lab.get(&format!("/v1.41{missing}")).await);
        let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        assert_eq!(comparable(&foreign_reply, &name(foreign)), comparable(&missing_reply, &name(missing)));
        missing_reply.assert_status(404);
    }
    lab.get("/v1.41/volumes/own-volume").await.assert_status(200);
    let list = lab.get("/v1.41/volumes").await;
    assert!(list.text().contains("own-volume") && !list.text().contains("payroll"), "{list:?}");
}

#[tokio::test]
async fn every_spelling_of_an_own_container_goes_up_as_its_full_id() {
    let lab = Lab::start("postgres").await;
    for spelling in [OWN, &OWN[..12], &OWN[..2], OWN_NAME] {
        lab.engine.forget();
        lab.act(&format!("/v1.41/containers/{spelling}/restart")).await.assert_status(204);
        assert_eq!(lab.engine.only_forwarded().line(), format!("POST /containers/{OWN}/restart"), "{spelling}");
    }
}

#[tokio::test]
async fn a_prefix_tells_nothing_of_foreign_containers() {
    let lab = Lab::start("postgres").await;
    lab.engine.world(|world| {
        let mut foreign = world.containers[2].clone();
        foreign.id = format!("a1{}", &FOREIGN[2..]);
        foreign.name = "neighbour".to_owned();
        world.containers.push(foreign);
    });
    let own = lab.get("/v1.41/containers/a1/json").await;
    assert_eq!(own.assert_status(200).json()["Id"], json!(OWN), "a foreign one does not make it ambiguous");
    for reference in ["f", "f0", "e5"] {
        let reply = lab.get(&format!("/v1.41/containers/{reference}/json")).await;
        assert_eq!(reply.assert_status(404).message(), format!("No such container: {reference}"));
    }
}

#[tokio::test]
async fn labels_that_an_image_brought_along_own_nothing() {
    let lab = Lab::start("postgres").await;
    let list = lab.get("/v1.41/containers/json?all=1").await;
    assert!(!list.text().contains(IMPOSTOR), "{list:?}");
    lab.get(&format!("/v1.41/containers/{IMPOSTOR}/json")).await.assert_status(404);
    // even one whose image label names the image that it was judged by, but which was made from a committed copy
    lab.engine.world(|world| world.change(OWN, |container| container.image_id = OTHER_IMAGE.to_owned()));
    let lab_list = lab.get("/v1.41/containers/json?all=1").await;
    assert!(!lab_list.text().contains(OWN), "{lab_list:?}");
}

#[tokio::test]
async fn another_listeners_containers_are_foreign() {
    let lab = Lab::start("postgres").await;
    lab.engine.world(|world| {
        let labels = owner_labels("lab/other", Some(crate::harness::engine::world::POSTGRES));
        world.change(OWN, |container| container.config["Labels"] = json!(labels));
    });
    lab.get(&format!("/v1.41/containers/{OWN}/json")).await.assert_status(404);
}

#[tokio::test]
async fn under_see_all_foreign_objects_come_without_what_could_be_secret() {
    let lab = Lab::start("read-only").await;
    let inspect = lab.get(&format!("/v1.41/containers/{FOREIGN}/json")).await;
    let shown = inspect.assert_status(200).json();
    assert!(shown["Config"].get("Env").is_none_or(|env| env.is_null() || env == &json!([])), "{shown}");
    assert!(!inspect.text().contains("DB_PASSWORD") && !inspect.text().contains("/var/lib/docker"), "{shown}");
    let list = lab.get("/v1.41/containers/json?all=1").await;
    assert!(list.text().contains(FOREIGN) && !list.text().contains("DB_PASSWORD"), "{list:?}");
    lab.act(&format!("/v1.41/containers/{FOREIGN}/stop")).await.assert_status(403);
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn only_questions_reach_the_engine_about_what_is_foreign() {
    let lab = Lab::start("postgres").await;
    lab.post(&format!("/v1.41/containers/{FOREIGN}/exec"), &json!({"Cmd": ["id"]})).await.assert_status(404);
    let methods: Vec<String> = lab.engine.requests().iter().map(|request: &Recorded| request.method.clone()).collect();
    assert!(methods.iter().all(|method| method == "GET"), "{methods:?}");
}
