//! Networks and volumes of clients: what goes up is the broker's own words, about what was judged.

use serde_json::{Value, json};

use crate::corpus::canonical;
use crate::harness::Lab;
use crate::harness::client::Request;
use crate::harness::engine::world::{BRIDGE_NET, FOREIGN, FOREIGN_NET, OWN, OWN_NAME, OWN_NET, POSTGRES};

/// One owner with networks and volumes of its own.
const POLICY: &str = "version = 1\nextends = \"postgres\"\n[networks]\ncreate = { names = [\"n*\"] }\n\
    [volumes]\ncreate = { names = [\"v*\"] }\n";

fn delete(target: &str) -> Request {
    Request::new("DELETE", target)
}

#[tokio::test]
async fn what_is_not_the_clients_is_removed_as_little_as_what_is_not_there() {
    let lab = Lab::start(POLICY).await;
    for network in ["payroll-net", FOREIGN_NET, &FOREIGN_NET[..12], "bridge", "host", "nothing"] {
        let reply = lab.call(delete(&format!("/v1.41/networks/{network}"))).await;
        assert_eq!(reply.assert_status(404).message(), format!("network {network} not found"));
    }
    for volume in ["payroll-volume", "nothing"] {
        for query in ["", "?force=1"] {
            let reply = lab.call(delete(&format!("/v1.41/volumes/{volume}{query}"))).await;
            assert_eq!(reply.assert_status(404).message(), format!("get {volume}: no such volume"));
        }
    }
    lab.engine.assert_untouched();
}

/// Older engines let several networks have one name, also of several owners, and then refuse the name.
#[tokio::test]
async fn a_name_that_others_use_as_well_means_the_clients_own_network() {
    let lab = Lab::start(POLICY).await;
    lab.engine.world(|world| {
        for (index, name) in [(4, "n-own"), (4, "payroll-net"), (3, "n-twice"), (3, "n-twice")] {
            let mut other = world.networks[index].clone();
            (other.id, other.name) = (world.new_id(), name.to_owned());
            world.networks.push(other);
        }
    });
    for name in ["payroll-net", "n-twice"] {
        lab.get(&format!("/v1.41/networks/{name}")).await.assert_status(404);
        lab.call(delete(&format!("/v1.41/networks/{name}"))).await.assert_status(404);
        let body = json!({"Image": "postgres:16", "HostConfig": {"NetworkMode": name}});
        assert!(matches!(lab.post("/v1.41/containers/create", &body).await.status, 403 | 404), "{name}");
    }
    lab.engine.assert_untouched();
    let shown = lab.get("/v1.41/networks/n-own").await;
    assert_eq!(shown.assert_status(200).json()["Id"], json!(OWN_NET));
    lab.engine.forget();
    lab.call(delete("/v1.41/networks/n-own")).await.assert_status(204);
    assert_eq!(lab.engine.only_forwarded().line(), format!("DELETE /networks/{OWN_NET}"));
}

#[tokio::test]
async fn own_networks_and_volumes_are_removed() {
    let lab = Lab::start(POLICY).await;
    lab.call(delete("/v1.41/networks/n-own")).await.assert_status(204);
    assert_eq!(lab.engine.only_forwarded().line(), format!("DELETE /networks/{OWN_NET}"));
    lab.call(delete("/v1.41/networks/n-own")).await.assert_status(404);
    lab.engine.forget();
    lab.call(delete("/v1.41/volumes/own-volume?force=yes")).await.assert_status(204);
    assert_eq!(lab.engine.only_forwarded().line(), "DELETE /volumes/own-volume");
    lab.call(delete("/v1.41/volumes/own-volume")).await.assert_status(404);
}

#[tokio::test]
async fn a_network_goes_up_in_the_brokers_own_words() {
    let lab = Lab::start(POLICY).await;
    let body = json!({"Name": "n1", "Driver": "bridge", "Scope": "", "IPAM": {"Driver": "default", "Options": {},
        "Config": []}, "Internal": false, "EnableIPv6": null, "ConfigFrom": null, "Options": {}, "Labels": {}});
    let reply = lab.post("/v1.44/networks/create", &body).await;
    assert!(reply.assert_status(201).json()["Id"].is_string());
    let sent = lab.engine.last("POST", "/networks/create");
    let mut up = sent.json();
    let labels = up.as_object_mut().unwrap().remove("Labels").unwrap();
    assert_eq!(up, json!({"Name": "n1", "Driver": "bridge", "CheckDuplicate": true}));
    assert_eq!((&labels["docker-broker.owner"], labels.as_object().unwrap().len()), (&json!("lab/main"), 5));
    lab.get("/v1.44/networks/n1").await.assert_status(200);
    lab.call(delete("/v1.44/networks/n1")).await.assert_status(204);
    lab.get("/v1.44/networks/n1").await.assert_status(404);
}

#[tokio::test]
async fn refused_networks_and_volumes_never_reach_the_engine() {
    let lab = Lab::start(POLICY).await;
    for (target, body) in [
        ("networks", json!({"Name": "n1", "Options": {"com.docker.network.bridge.name": "docker0"}})),
        ("networks", json!({"Name": "bridge"})),
        ("networks", json!({"Name": FOREIGN_NET})),
        ("volumes", json!({"Name": "v1", "DriverOpts": {"type": "none", "o": "bind", "device": "/"}})),
        ("volumes", json!({"Name": "payroll-volume"})),
    ] {
        lab.post(&format!("/v1.44/{target}/create"), &body).await.assert_status(403);
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn only_own_containers_are_moved_and_by_their_id() {
    let lab = Lab::start(POLICY).await;
    for way in ["connect", "disconnect"] {
        let reply = lab.post(&format!("/v1.44/networks/n-own/{way}"), &json!({"Container": FOREIGN})).await;
        assert_eq!(reply.assert_status(404).message(), format!("No such container: {FOREIGN}"));
        lab.post(&format!("/v1.44/networks/payroll-net/{way}"), &json!({"Container": OWN})).await.assert_status(404);
    }
    lab.engine.assert_untouched();
    let body = json!({"Container": OWN_NAME, "EndpointConfig": {"Aliases": ["db"]}});
    lab.post("/v1.44/networks/n-own/connect", &body).await.assert_status(200);
    let sent = lab.engine.only_forwarded();
    canonical::check_head(&sent).unwrap();
    let wanted = json!({"Container": OWN, "EndpointConfig": {"Aliases": ["db"]}});
    assert_eq!((sent.line(), sent.json()), (format!("POST /networks/{OWN_NET}/connect"), wanted));
    lab.engine.forget();
    let body = json!({"Container": &OWN[..12], "Force": true});
    lab.post("/v1.44/networks/n-own/disconnect", &body).await.assert_status(200);
    let sent = lab.engine.only_forwarded();
    assert_eq!(sent.json(), json!({"Container": OWN, "Force": true}));
    let reply = lab.post(&format!("/v1.44/networks/{BRIDGE_NET}/disconnect"), &json!({"Container": OWN})).await;
    reply.assert_status(200);
}

#[tokio::test]
async fn a_volume_of_somebody_who_was_faster_is_not_shown() {
    let lab = Lab::start(POLICY).await;
    let foreign = json!({"Name": "v1", "Driver": "local", "Mountpoint": "/secret", "Labels": null, "Scope": "local"});
    lab.engine.on("POST", "/volumes/create").reply(201, foreign);
    let reply = lab.post("/v1.44/volumes/create", &json!({"Name": "v1"})).await;
    assert!(!reply.assert_status(403).text().contains("/secret"));
    let reply = lab.post("/v1.44/volumes/create", &json!({"Name": "v2"})).await;
    assert!(reply.assert_status(403).message().contains("`v2`"), "{reply:?}");
}

/// The lines of what went up and changed something.
fn changes(lab: &Lab) -> Vec<String> {
    let sent = lab.engine.requests().into_iter().filter(|sent| sent.method != "GET");
    sent.map(|sent| sent.line()).collect()
}

fn volume_there(lab: &Lab, name: &str) -> bool {
    lab.engine.world(|world| world.volume(name).is_some())
}

#[tokio::test]
async fn a_volume_that_a_create_mounts_is_made_first_and_gone_where_the_create_fails() {
    let lab = Lab::start(POLICY).await;
    let body = json!({"Image": "postgres:16", "HostConfig": {"Binds": ["v1:/data"]}});
    lab.post("/v1.44/containers/create", &body).await.assert_status(201);
    assert_eq!(changes(&lab), ["POST /volumes/create", "POST /containers/create"]);
    let made = lab.engine.last("POST", "/volumes/create").json();
    assert_eq!((&made["Name"], &made["Labels"]["docker-broker.owner"]), (&json!("v1"), &json!("lab/main")));
    assert!(volume_there(&lab, "v1"));

    lab.engine.forget();
    lab.engine.on("POST", "/containers/create").reply(500, json!({"message": "no space"}));
    let body = json!({"Image": "postgres:16", "HostConfig": {"Mounts": [
        {"Type": "volume", "Source": "v2", "Target": "/data"}, {"Type": "volume", "Source": "v1", "Target": "/more"}]}});
    lab.post("/v1.44/containers/create", &body).await.assert_status(500);
    assert_eq!(changes(&lab), ["POST /volumes/create", "POST /containers/create", "DELETE /volumes/v2"]);
    assert!(volume_there(&lab, "v1") && !volume_there(&lab, "v2"), "what was there before stays");
}

#[tokio::test]
async fn a_volume_that_somebody_made_in_between_is_neither_mounted_nor_removed() {
    let lab = Lab::start(POLICY).await;
    let foreign =
        json!({"Name": "v1", "Driver": "local", "Mountpoint": "/x", "Labels": {"team": "x"}, "Scope": "local"});
    lab.engine.on("POST", "/volumes/create").reply(201, foreign);
    let body = json!({"Image": "postgres:16", "HostConfig": {"Binds": ["v1:/data"]}});
    lab.post("/v1.44/containers/create", &body).await.assert_status(409);
    assert_eq!(changes(&lab), ["POST /volumes/create"]);
}

#[tokio::test]
async fn a_volume_that_changed_hands_before_the_create_is_not_handed_out() {
    let lab = Lab::start(POLICY).await;
    for host_config in [
        json!({"Binds": ["payroll-volume:/data"]}),
        json!({"Mounts": [{"Type": "volume", "Source": "payroll-volume", "Target": "/data"}]}),
    ] {
        let labels = json!({"docker-broker.owner": "lab/main"});
        let own = json!({"Name": "payroll-volume", "Driver": "local", "Labels": labels, "Scope": "local"});
        lab.engine.on("GET", "/volumes/payroll-volume").times(1).reply(200, own);
        let body = json!({"Image": "postgres:16", "HostConfig": host_config});
        let reply = lab.post("/v1.44/containers/create", &body).await;
        assert!(reply.assert_status(409).message().contains("`payroll-volume`"), "{reply:?}");
        let changed = changes(&lab);
        assert_eq!(changed.len(), 2, "{changed:?}");
        assert!(changed[1].starts_with("DELETE /containers/"), "{changed:?}");
        assert!(volume_there(&lab, "payroll-volume"));
        lab.engine.forget();
    }
}

#[tokio::test]
async fn a_prune_of_ones_own_asks_the_engine_for_the_owners_objects() {
    let lab = Lab::start(&format!("{POLICY}[prune]\nanswer = \"own\"\n")).await;
    for kind in ["networks", "volumes"] {
        lab.call(Request::post(&format!("/v1.44/{kind}/prune"))).await.assert_status(200);
        let filters = lab.engine.only_forwarded().query_value("filters").unwrap();
        let filters: Value = serde_json::from_str(&filters).unwrap();
        assert_eq!(filters, json!({"label": ["docker-broker.owner=lab/main"]}));
        lab.engine.forget();
    }
    // the lab has a container that got its labels from its image
    lab.call(Request::post("/v1.44/containers/prune")).await.assert_status(403);
    lab.engine.assert_untouched();
    lab.engine.world(|world| world.containers.retain(|container| container.image_id == POSTGRES));
    lab.call(Request::post("/v1.44/containers/prune")).await.assert_status(200);
    assert_eq!(changes(&lab).len(), 1);
    lab.engine.forget();
    for kind in ["images", "build"] {
        lab.call(Request::post(&format!("/v1.44/{kind}/prune"))).await.assert_status(200);
    }
    lab.engine.assert_untouched();
}
