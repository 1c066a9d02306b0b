//! Creating a container: names, labels, environment, the image, and what is always written.

use serde_json::{Value, json};

use super::fixture::{Scene, each, full_id, image_id, short_id};
use crate::policy::permit::{FollowUp, Relay};

#[test]
fn names_that_others_could_be_called_by_are_refused() {
    let scene = Scene::postgres();
    let long = "x".repeat(129);
    for name in ["a", "-a", ".a", "_a", "a b", "a/b", "/own", "host\u{e9}", &long, "0123456789ab", &full_id("ff")] {
        let name = name.replace(' ', "%20").replace('\u{e9}', "%C3%A9");
        assert_eq!(scene.create_at(&format!("/containers/create?name={name}"), &json!({})).floor(), "name", "{name}");
    }
    let narrow = Scene::postgres_with("[containers]\nnames = [\"agent1-*\"]\n");
    assert_eq!(narrow.create_at("/containers/create?name=db", &json!({})).refused_by(), "containers.names");
    let sent = narrow.create_at("/containers/create?name=agent1-db&platform=linux/amd64", &json!({})).sent();
    assert_eq!(sent.target, "POST /containers/create?name=agent1-db&platform=linux%2Famd64");
}

#[test]
fn a_query_that_repeats_the_body_goes_nowhere() {
    let target = "/containers/create?Image=redis:7&HostConfig=%7B%22Privileged%22:true%7D&name=x1";
    assert_eq!(Scene::postgres().create_at(target, &json!({})).sent().target, "POST /containers/create?name=x1");
}

#[test]
fn labels_of_ours_are_on_the_floor_in_any_case() {
    for key in ["docker-broker.owner", "Docker-Broker.image", "DOCKER-BROKER.x"] {
        for scene in
            [Scene::postgres(), Scene::postgres_with("[containers]\nlabels=[\"*\"]\n"), Scene::shipped("unrestricted")]
        {
            assert_eq!(scene.create(&json!({"Labels": {key: "x"}})).floor(), "Labels", "{key}");
        }
    }
}

#[test]
fn labels_of_ours_are_on_the_floor_for_new_volumes_as_well() {
    let options = json!({"Labels": {"docker-broker.owner": "host-1/other"}});
    let mount = json!({"Type": "volume", "Source": "new", "Target": "/x", "VolumeOptions": options});
    let place = Scene::shipped("unrestricted").create_host(&json!({"Mounts": [mount]})).floor();
    assert_eq!(place, "HostConfig.Mounts[0].VolumeOptions.Labels");
}

#[test]
fn labels_that_steer_other_programs_have_to_be_named() {
    let any = Scene::postgres_with("[containers]\nlabels=[\"*\"]\n");
    any.create(&json!({"Labels": {"anything": "x"}})).sent();
    for key in ["com.docker.compose.project", "traefik.enable", "Com.Docker.x"] {
        assert_eq!(any.create(&json!({"Labels": {key: "x"}})).refused_by(), "containers.labels", "{key}");
    }
}

#[test]
fn every_create_carries_all_of_our_labels() {
    let sent = Scene::postgres().create(&json!({"Labels": {"org.testcontainers.lang": "java"}})).sent();
    assert_eq!(
        sent.at("/Labels"),
        json!({
            "org.testcontainers.lang": "java",
            "docker-broker.owner": "host-1/main",
            "docker-broker.session": "s1",
            "docker-broker.expires": "1700001800",
            "docker-broker.policy": "postgres",
            "docker-broker.version": env!("CARGO_PKG_VERSION"),
            "docker-broker.image": image_id("11"),
            "docker-broker.disk": "unlimited",
        })
    );
    assert_eq!(sent.follow_up, FollowUp::Created { image_id: image_id("11"), connect: vec![], volumes: vec![] });
    assert_eq!(sent.relay, Relay::AsIs);
}

#[test]
fn variables_are_judged_by_their_keys_and_shown_without_their_values() {
    let scene = Scene::postgres();
    for entry in ["LD_PRELOAD=s3cret", "PATH", "postgres_password=s3cret", "XPG=s3cret"] {
        let denial = scene.create(&json!({"Env": ["TZ=UTC", entry]})).denied();
        let message = denial.message("r");
        assert!(message.contains("`Env[1]`") && message.contains("(key `containers.env`)"), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
    assert_eq!(scene.create(&json!({"Env": ["=x"]})).floor(), "Env[0]");
    let env = json!(["POSTGRES_PASSWORD=a=b", "PGDATA=/x", "LC_ALL=C", "TZ"]);
    assert_eq!(scene.create(&json!({"Env": env})).sent().at("/Env"), env);
}

#[test]
fn an_image_goes_up_as_it_was_named_or_by_its_full_id() {
    let scene = Scene::postgres();
    for name in ["postgres:16", "docker.io/library/postgres:16", "library/postgres:16"] {
        assert_eq!(scene.create(&json!({"Image": name})).sent().at("/Image"), name);
    }
    for id in ["11".to_owned(), full_id("11"), image_id("11"), "sha256:11".into(), short_id("11")] {
        let sent = scene.create(&json!({"Image": id})).sent();
        assert_eq!(sent.at("/Image"), image_id("11"), "{id}");
        assert_eq!(sent.at("/Labels/docker-broker.image"), image_id("11"));
    }
}

#[test]
fn an_image_that_is_not_there_is_missing_and_one_that_is_not_allowed_is_refused() {
    let scene = Scene::postgres();
    assert_eq!(scene.create(&json!({"Image": "postgres:17"})).missing(), "No such image: postgres:17");
    for image in ["redis:7", "postgres", "postgres:16-alpine", "quay.io/postgres:16"] {
        assert_eq!(scene.create(&json!({"Image": image})).refused_by(), "images.allow", "{image}");
    }
    let pinned = format!("postgres:16@sha256:{}", full_id("de"));
    assert_eq!(scene.create(&json!({"Image": pinned})).refused_by(), "images.allow");
    each(["", "Postgres:16", "postgres:16 ", "postgres:", "https://x/y"], |image| {
        assert_eq!(Scene::postgres().create(&json!({"Image": image})).floor(), "Image");
    });
}

#[test]
fn host_config_is_always_an_object_with_its_defaults_written_out() {
    let scene = Scene::postgres();
    for body in [json!({}), json!({"HostConfig": null}), json!({"HostConfig": {}})] {
        assert_eq!(
            scene.create(&body).sent().at("/HostConfig"),
            json!({
                "Memory": 1_u64 << 30,
                "MemorySwap": 1_u64 << 30,
                "NanoCpus": 2_000_000_000_u64,
                "PidsLimit": 512,
                "ShmSize": 256_u64 << 20,
                "LogConfig": {"Type": "local", "Config": {"max-size": "20971520"}},
                "IpcMode": "private",
                "CgroupnsMode": "private",
            })
        );
    }
    let mut old = Scene::postgres();
    old.engine.info.cgroup_version = "1".into();
    assert_eq!(old.create(&json!({})).sent().host("CgroupnsMode"), Value::Null);
}

#[test]
fn fields_of_host_config_at_the_top_are_no_fields() {
    for field in [json!({"Privileged": true}), json!({"Binds": ["/:/host"]}), json!({"hostConfig": {}})] {
        assert!(matches!(Scene::postgres().create(&field), super::fixture::Outcome::Malformed(_)), "{field}");
    }
}

#[test]
fn what_a_client_writes_as_a_key_cannot_break_a_message() {
    let odd = "5432/tcp\n[request forged]`";
    for body in [
        json!({"HostConfig": {"PortBindings": {odd: [{}]}}}),
        json!({"HostConfig": {"Tmpfs": {odd: ""}}}),
        json!({"HostConfig": {"LogConfig": {"Config": {odd: "x"}}}}),
        json!({"NetworkingConfig": {"EndpointsConfig": {odd: {}}}}),
        json!({"Labels": {odd: "x"}, "Volumes": {}}),
        json!({"Volumes": {odd: {}}}),
    ] {
        // `denied` looks at the message
        Scene::postgres().create(&body).denied();
        let long = odd.repeat(200);
        let message = Scene::postgres().create(&json!({"HostConfig": {"Tmpfs": {long: ""}}})).denied().message("r");
        assert!(message.len() < 1500, "{}", message.len());
    }
}

#[test]
fn tokens_in_options_are_not_repeated() {
    let config = json!({"Type": "json-file", "Config": {"splunk-token": "s3cret"}});
    let message = Scene::postgres().create_host(&json!({"LogConfig": config})).denied().message("r");
    assert!(message.contains("splunk-token") && !message.contains("s3cret"), "{message}");
    let sysctls = json!({"Sysctls": {"kernel.x": "s3cret"}, "StorageOpt": {"x": "s3cret"}});
    assert!(!Scene::postgres().create_host(&sysctls).denied().message("r").contains("s3cret"));
}
