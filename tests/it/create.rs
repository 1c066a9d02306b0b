//! Creating containers: what goes up is written anew, bounded and labelled; what is refused says where and by which key.

use std::time::Duration;

use serde_json::{Value, json};

use crate::corpus::canonical;
use crate::harness::client::Request;
use crate::harness::engine::eventually;
use crate::harness::engine::world::{OTHER_IMAGE, OWN_NAME, POSTGRES};
use crate::harness::{Lab, OWNER};

const CREATE: &str = "/v1.41/containers/create";

fn with_host(host: &Value) -> Value {
    json!({"Image": "postgres:16", "HostConfig": host})
}

#[tokio::test]
async fn a_plain_create_goes_up_bounded_labelled_and_in_the_brokers_own_form() {
    let lab = Lab::start("postgres").await;
    let body =
        json!({"Image": "postgres:16", "Env": ["POSTGRES_PASSWORD=x"], "Labels": {"org.testcontainers": "true"}});
    let reply = lab.post(&format!("{CREATE}?name=pg-1"), &body).await;
    assert_eq!(reply.assert_status(201).json()["Id"].as_str().unwrap().len(), 64);
    let sent = lab.engine.only_forwarded();
    canonical::check_head(&sent).unwrap();
    assert_eq!((sent.version(), sent.line().as_str()), (Some("1.41"), "POST /containers/create?name=pg-1"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.header("content-length"), Some(sent.body.len().to_string().as_str()));
    let up = sent.json();
    assert_eq!(up["Image"], json!("postgres:16"), "the client's own reference");
    assert_eq!(up["Env"], json!(["POSTGRES_PASSWORD=x"]));
    let host = &up["HostConfig"];
    for (key, value) in [
        ("Memory", json!(1_u64 << 30)),
        ("MemorySwap", json!(1_u64 << 30)),
        ("NanoCpus", json!(2_000_000_000_u64)),
        ("PidsLimit", json!(512)),
        ("IpcMode", json!("private")),
    ] {
        assert_eq!(host[key], value, "{key}");
    }
    assert_eq!(host["LogConfig"]["Type"], json!("local"));
    let labels = &up["Labels"];
    for (key, value) in [("owner", OWNER), ("image", POSTGRES), ("policy", "postgres")] {
        assert_eq!(labels[format!("docker-broker.{key}")], json!(value));
    }
    assert_eq!(labels["org.testcontainers"], json!("true"));
    for key in ["session", "expires", "version"] {
        assert!(labels[format!("docker-broker.{key}")].is_string(), "{key}: {labels}");
    }
}

#[tokio::test]
async fn every_power_over_the_host_is_refused_with_its_place_and_key() {
    let lab = Lab::start("postgres").await;
    for (host, place, key) in [
        (json!({"Privileged": true}), "HostConfig.Privileged", "containers.host.privileged"),
        (json!({"Binds": ["/srv:/host"]}), "HostConfig.Binds[0]", "containers.host.binds"),
        (json!({"PidMode": "host"}), "HostConfig.PidMode", "containers.host.pid"),
        (json!({"IpcMode": "host"}), "HostConfig.IpcMode", "containers.host.ipc"),
        (json!({"CapAdd": ["SYS_ADMIN"]}), "HostConfig.CapAdd[0]", "containers.host.cap-add"),
        (json!({"UsernsMode": "host"}), "HostConfig.UsernsMode", "containers.host.userns"),
        (json!({"Sysctls": {"kernel.shmmax": "1"}}), "HostConfig.Sysctls[kernel.shmmax]", "containers.host.sysctls"),
        (json!({"Runtime": "x.y"}), "HostConfig.Runtime", "containers.host.runtime"),
        (json!({"RestartPolicy": {"Name": "always"}}), "HostConfig.RestartPolicy.Name", "containers.host.restart"),
        (json!({"SecurityOpt": ["seccomp=unconfined"]}), "HostConfig.SecurityOpt[0]", "containers.host.security-opt"),
        (json!({"Memory": 2_u64 << 30}), "HostConfig.Memory", "containers.limits.memory"),
        (json!({"PidsLimit": 100_000}), "HostConfig.PidsLimit", "containers.limits.pids"),
        (json!({"NetworkMode": "host"}), "HostConfig.NetworkMode", "containers.host.network"),
    ] {
        let reply = lab.post(CREATE, &with_host(&host)).await;
        reply.assert_refused(place, key);
    }
    let mount = json!([{"Type": "bind", "Source": "/", "Target": "/host"}]);
    let reply = lab.post(CREATE, &with_host(&json!({ "Mounts": mount }))).await;
    reply.assert_status(403).assert_error();
    assert!(reply.message().contains("HostConfig.Mounts[0]"), "{}", reply.message());
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn other_images_and_words_are_refused_with_their_place_and_key() {
    let lab = Lab::start("postgres").await;
    for (body, place, key) in [
        (json!({"Image": "redis:7"}), "Image", "images.allow"),
        (json!({"Image": "postgres"}), "Image", "images.allow"),
        (json!({"Image": "postgres:16", "Env": ["LD_PRELOAD=x"]}), "Env[0]", "containers.env"),
        (json!({"Image": "postgres:16", "Labels": {"x": "y"}}), "Labels", "containers.labels"),
        (
            json!({"Image": "postgres:16", "HostConfig": {"PortBindings": {"22/tcp": [{"HostPort": ""}]}}}),
            "HostConfig.PortBindings[22/tcp]",
            "containers.publish",
        ),
    ] {
        lab.post(CREATE, &body).await.assert_refused(place, key);
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn our_labels_cannot_be_set_by_a_client() {
    let lab = Lab::start("unrestricted").await;
    for key in ["docker-broker.owner", "docker-broker.expires", "docker-broker.anything"] {
        let reply = lab.post(CREATE, &json!({"Image": "postgres:16", "Labels": {key: "x"}})).await;
        reply.assert_status(403).assert_error();
        assert!(reply.message().contains("no policy can allow it"), "{}", reply.message());
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn ports_are_published_on_loopback_only() {
    let lab = Lab::start("postgres").await;
    for host in [
        json!({"PortBindings": {"5432/tcp": [{"HostIp": "", "HostPort": ""}]}}),
        json!({"PortBindings": {"5432/tcp": []}}),
        json!({"PublishAllPorts": true}),
    ] {
        lab.engine.forget();
        lab.post(CREATE, &with_host(&host)).await.assert_status(201);
        let up = lab.engine.only_forwarded().json();
        let bindings = &up["HostConfig"]["PortBindings"]["5432/tcp"];
        let addresses: Vec<&str> =
            bindings.as_array().unwrap().iter().map(|binding| binding["HostIp"].as_str().unwrap()).collect();
        assert!(!addresses.is_empty() && addresses.iter().all(|ip| matches!(*ip, "127.0.0.1" | "::1")), "{bindings}");
        assert_ne!(up["HostConfig"]["PublishAllPorts"], json!(true));
    }
}

#[tokio::test]
async fn ambiguous_documents_are_refused_before_anything_is_asked() {
    let lab = Lab::start("unrestricted").await;
    for body in [
        r#"{"Image":"postgres:16","Image":"redis"}"#,
        r#"{"Image":"postgres:16","hostconfig":{"Privileged":true}}"#,
        "{\"Image\":\"postgres:16\",\"Ho\u{17f}tConfig\":{\"Privileged\":true}}",
        r#"{"Image":"postgres:16"}{"HostConfig":{}}"#,
        r#"{"Image":"postgres:16"}}"#,
        "\u{feff}{\"Image\":\"postgres:16\"}",
        r#"{"Image":"postgres:16","HostConfig":{"Memory":1e9}}"#,
        r#"{"Image":"post\ud800gres:16"}"#,
        r#"[{"Image":"postgres:16"}]"#,
        "null",
        "",
    ] {
        let request = Request::post(CREATE).header("Content-Type", "application/json").body(body.as_bytes().to_vec());
        let reply = lab.call(request).await;
        reply.assert_status(400).assert_error();
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn an_unknown_field_with_a_value_is_refused_by_name_and_a_neutral_one_is_dropped() {
    let lab = Lab::start("postgres").await;
    let reply = lab.post(CREATE, &with_host(&json!({"FutureRoot": true}))).await;
    reply.assert_status(403).assert_error();
    assert!(reply.message().contains("HostConfig.FutureRoot"), "{}", reply.message());
    lab.engine.assert_untouched();
    let neutral = json!({"FutureA": null, "FutureB": false, "FutureC": [], "FutureD": {}, "FutureE": ""});
    lab.post(CREATE, &with_host(&neutral)).await.assert_status(201);
    assert!(!String::from_utf8_lossy(&lab.engine.only_forwarded().body).contains("Future"));
}

#[tokio::test]
async fn a_form_body_is_no_json() {
    let lab = Lab::start("unrestricted").await;
    for kind in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"] {
        let request = Request::post(CREATE).header("Content-Type", kind).body(br#"{"Image":"postgres:16"}"#.to_vec());
        lab.call(request).await.assert_status(400).assert_error();
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_tag_that_moves_between_look_and_create_leaves_nothing_behind() {
    let lab = Lab::start("postgres").await;
    lab.engine.world(|world| world.moved_tag = Some(OTHER_IMAGE.to_owned()));
    let before = lab.engine.world(|world| world.containers.len());
    let reply = lab.post(CREATE, &json!({"Image": "postgres:16"})).await;
    reply.assert_status(409).assert_error();
    assert!(reply.message().contains("image changed"), "{}", reply.message());
    assert_eq!(lab.engine.world(|world| world.containers.len()), before, "it was removed before the client heard");
}

#[tokio::test]
async fn the_image_is_compared_before_the_client_hears_of_the_container() {
    let lab = Lab::start("postgres").await;
    let reply = lab.post(CREATE, &json!({"Image": "postgres:16"})).await;
    let id = reply.json()["Id"].as_str().unwrap().to_owned();
    let lines: Vec<String> = lab.engine.requests().iter().map(|request| request.line()).collect();
    let created = lines.iter().position(|line| line.starts_with("POST /containers/create")).unwrap();
    assert!(lines[created..].contains(&format!("GET /containers/{id}/json")), "{lines:#?}");
    assert!(lines[..created].iter().any(|line| line.starts_with("GET /images/")), "{lines:#?}");
}

#[tokio::test]
async fn a_client_that_leaves_during_a_create_leaves_nothing_half_made() {
    let lab = Lab::start("postgres").await;
    lab.engine.world(|world| world.moved_tag = Some(OTHER_IMAGE.to_owned()));
    lab.engine.on("POST", "/containers/create").delay(Duration::from_millis(200));
    let before = lab.engine.world(|world| world.containers.len());
    let mut client = lab.client().await;
    client.send(&Request::post(CREATE).json(&json!({"Image": "postgres:16"}))).await;
    lab.engine.came("POST", "/containers/create").await;
    drop(client);
    eventually("the wrong container is removed", || {
        let removed = lab.engine.requests().iter().any(|request| request.method == "DELETE");
        removed && lab.engine.world(|world| world.containers.len()) == before
    })
    .await;
}

#[tokio::test]
async fn a_name_conflict_is_the_engines_own_answer() {
    let lab = Lab::start("postgres").await;
    let reply = lab.post(&format!("{CREATE}?name={OWN_NAME}"), &json!({"Image": "postgres:16"})).await;
    assert!(reply.assert_status(409).message().contains("is already in use"), "{reply:?}");
}

#[tokio::test]
async fn an_image_that_is_not_there_is_the_engines_404_so_that_clients_pull() {
    let lab = Lab::start("postgres").await;
    let reply = lab.post(CREATE, &json!({"Image": "postgres:17"})).await;
    assert_eq!(reply.assert_status(404).message(), "No such image: postgres:17");
    lab.act("/v1.41/images/create?fromImage=postgres&tag=17").await.assert_status(200);
    lab.post(CREATE, &json!({"Image": "postgres:17"})).await.assert_status(201);
}

#[tokio::test]
async fn paths_of_the_host_in_the_engines_errors_are_not_passed_on() {
    let lab = Lab::start("postgres").await;
    lab.engine
        .on("POST", "/containers/create")
        .error(500, "open /var/lib/docker/overlay2/abc/merged: permission denied");
    let reply = lab.post(CREATE, &json!({"Image": "postgres:16"})).await;
    reply.assert_status(500).assert_error();
    assert!(!reply.text().contains("/var/lib"), "{reply:?}");
}

#[tokio::test]
async fn options_that_only_take_power_away_need_no_grant() {
    let lab = Lab::start("postgres").await;
    let host = json!({"ReadonlyRootfs": true, "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]});
    lab.post(CREATE, &with_host(&host)).await.assert_status(201);
    let up = lab.engine.only_forwarded().json();
    assert_eq!((&up["HostConfig"]["ReadonlyRootfs"], &up["HostConfig"]["CapDrop"]), (&json!(true), &json!(["ALL"])));
}

#[tokio::test]
async fn unrestricted_passes_everything_but_the_floor_and_injects_nothing() {
    let lab = Lab::start("unrestricted").await;
    let host = json!({"Privileged": true, "Binds": ["/srv:/srv"], "NetworkMode": "host"});
    lab.post(CREATE, &with_host(&host)).await.assert_status(201);
    let up = lab.engine.only_forwarded().json();
    assert_eq!((&up["HostConfig"]["Privileged"], &up["HostConfig"]["Binds"]), (&json!(true), &json!(["/srv:/srv"])));
    assert!(up["HostConfig"]["Memory"].is_null() || up["HostConfig"]["Memory"] == json!(0), "{up}");
}

#[tokio::test]
async fn a_ryuk_create_says_what_to_do_instead() {
    let lab = Lab::start("postgres").await;
    let body = json!({"Image": "testcontainers/ryuk:0.14.0", "HostConfig":
        {"Binds": ["/var/run/docker.sock:/var/run/docker.sock"], "Privileged": true}});
    let reply = lab.post(CREATE, &body).await;
    reply.assert_status(403).assert_error();
    assert!(reply.message().contains("TESTCONTAINERS_RYUK_DISABLED=true"), "{}", reply.message());
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn granted_powers_go_up_as_judged_and_nothing_beside_them() {
    let policy = "extends = \"postgres\"\n[containers.host]\nbinds = [\"/srv/fixtures\"]\ncap-add = [\"NET_ADMIN\"]\n";
    let lab = Lab::start(policy).await;
    let host = json!({"Binds": ["/srv/fixtures:/f:ro"], "CapAdd": ["net_admin"]});
    lab.post(CREATE, &with_host(&host)).await.assert_status(201);
    let up = lab.engine.only_forwarded().json();
    let host = &up["HostConfig"];
    assert!(host["Binds"].is_null(), "an engine makes a folder out of a missing source there: {host}");
    let mount = json!({"Type": "bind", "Source": "/srv/fixtures", "Target": "/f", "ReadOnly": true,
        "BindOptions": {"NonRecursive": true}});
    assert_eq!((&host["Mounts"], &host["CapAdd"]), (&json!([mount]), &json!(["CAP_NET_ADMIN"])));
    lab.engine.forget();
    lab.post(CREATE, &with_host(&json!({"Binds": ["/srv/fixtures:/f"]})))
        .await
        .assert_refused("HostConfig.Binds[0]", "containers.host.binds");
    lab.post(CREATE, &with_host(&json!({"CapAdd": ["SYS_ADMIN"]})))
        .await
        .assert_refused("HostConfig.CapAdd[0]", "containers.host.cap-add");
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn an_own_container_is_joined_by_its_full_id_and_a_foreign_one_is_nobody() {
    let lab = Lab::start("postgres").await;
    for mode in ["NetworkMode", "PidMode", "IpcMode"] {
        lab.engine.forget();
        let reply = lab.post(CREATE, &with_host(&json!({mode: format!("container:{OWN_NAME}")}))).await;
        reply.assert_status(201);
        let up = lab.engine.only_forwarded().json();
        let id = up["HostConfig"][mode].as_str().and_then(|mode| mode.strip_prefix("container:")).unwrap().to_owned();
        assert_eq!(id.len(), 64, "{up}");
        lab.engine.forget();
        let foreign = lab.post(CREATE, &with_host(&json!({mode: "container:payroll-db"}))).await;
        let missing = lab.post(CREATE, &with_host(&json!({mode: "container:nobody-postgres0"}))).await;
        let words = |text: String| text.split(" [request").next().unwrap_or_default().to_owned();
        foreign.assert_status(403);
        assert_eq!(
            words(foreign.message()).replace("payroll-db", "X"),
            words(missing.message()).replace("nobody-postgres0", "X")
        );
        lab.engine.assert_untouched();
    }
}

#[tokio::test]
async fn the_brokers_own_socket_is_in_no_container_under_any_policy() {
    let lab = Lab::start("unrestricted").await;
    let socket = lab.socket();
    let folder = socket.parent().unwrap();
    for source in [socket, folder] {
        let source = source.to_str().unwrap();
        for host in [
            json!({"Binds": [format!("{source}:/x")]}),
            json!({"Binds": [format!("{source}/.././{}:/x", source.rsplit('/').next().unwrap())]}),
            json!({"Mounts": [{"Type": "bind", "Source": source, "Target": "/x"}]}),
        ] {
            let reply = lab.post(CREATE, &with_host(&host)).await;
            reply.assert_status(403).assert_error();
            assert!(reply.message().contains("no policy can allow it"), "{}", reply.message());
        }
    }
    lab.engine.assert_untouched();
}
