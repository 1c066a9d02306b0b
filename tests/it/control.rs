//! Control by labels: foreign containers that the policy grants, seen and acted on beside one's own.

use serde_json::{Value, json};

use crate::harness::Lab;
use crate::harness::client::Reply;
use crate::harness::engine::world::{FOREIGN, FOREIGN_NAME, FOREIGN_SECRET, IMPOSTOR, OWN, OWN_NAME, OWN_STOPPED};

/// The foreign container carries the label of the world's foreign objects, and its image does not.
async fn lab() -> Lab {
    let policy =
        format!("extends = \"postgres\"\n[containers]\ncontrol = {{ labels = [\"team={FOREIGN_SECRET}\"] }}\n");
    Lab::start(&policy).await
}

fn ids(reply: &Reply) -> Vec<String> {
    let all = reply.assert_status(200).json();
    all.as_array().unwrap().iter().map(|one| one["Id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_shows_them_beside_ones_own_and_nobody_elses() {
    let lab = lab().await;
    let reply = lab.get("/v1.41/containers/json?all=1").await;
    assert_eq!(ids(&reply), [OWN, OWN_STOPPED, FOREIGN]);
    // counted after the others were left out, though the engine would have counted them
    lab.engine.world(|world| world.containers.rotate_right(1));
    assert_eq!(lab.engine.world(|world| world.containers[0].id.clone()), IMPOSTOR);
    assert_eq!(ids(&lab.get("/v1.41/containers/json?limit=2").await), [OWN, OWN_STOPPED]);
    assert_eq!(lab.engine.last("GET", "/containers/json").query_value("limit"), None);
}

#[tokio::test]
async fn they_are_found_by_name_prefix_and_id_and_shown_whole() {
    let lab = lab().await;
    for reference in [FOREIGN, &FOREIGN[..12], FOREIGN_NAME] {
        let reply = lab.get(&format!("/v1.41/containers/{reference}/json")).await;
        assert_eq!(reply.assert_status(200).json()["Id"], FOREIGN);
        assert!(reply.text().contains("DB_PASSWORD"), "whoever may exec in it may read it");
        lab.engine.forget();
        lab.act(&format!("/v1.41/containers/{reference}/stop")).await;
        assert_eq!(lab.engine.only_forwarded().line(), format!("POST /containers/{FOREIGN}/stop"));
    }
    lab.get(&format!("/v1.41/containers/{OWN_NAME}/json")).await.assert_status(200);
}

#[tokio::test]
async fn a_label_of_the_image_grants_nothing() {
    let lab = lab().await;
    lab.engine.world(|world| world.images[0].config["Labels"] = json!({"team": FOREIGN_SECRET}));
    assert_eq!(ids(&lab.get("/v1.41/containers/json?all=1").await), [OWN, OWN_STOPPED]);
    for reference in [FOREIGN, FOREIGN_NAME, IMPOSTOR] {
        lab.get(&format!("/v1.41/containers/{reference}/json")).await.assert_status(404);
        lab.act(&format!("/v1.41/containers/{reference}/stop")).await.assert_status(404);
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_container_of_another_owner_is_not_granted_by_a_label() {
    let lab = lab().await;
    lab.engine.world(|world| {
        world.change(FOREIGN, |container| container.config["Labels"]["docker-broker.owner"] = json!("lab/other"));
    });
    assert_eq!(ids(&lab.get("/v1.41/containers/json?all=1").await), [OWN, OWN_STOPPED]);
    lab.delete(&format!("/v1.41/containers/{FOREIGN}?force=1")).await.assert_status(404);
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_network_shows_them_on_it() {
    let lab = lab().await;
    let reply = lab.get("/v1.41/networks/bridge").await;
    let inside: Value = reply.assert_status(200).json()["Containers"].clone();
    let mut inside: Vec<&String> = inside.as_object().unwrap().keys().collect();
    inside.sort();
    assert_eq!(inside, [OWN, FOREIGN]);
}
