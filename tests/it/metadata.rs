//! What the engine is and what a client hears of it: ping, version, info, versions of the API, networks.

use serde_json::json;

use crate::harness::Lab;
use crate::harness::client::Request;
use crate::harness::engine::world::FOREIGN_SECRET;

#[tokio::test]
async fn ping_passes_with_the_headers_that_clients_negotiate_by() {
    let lab = Lab::start("postgres").await;
    for (method, target) in [("GET", "/_ping"), ("HEAD", "/_ping"), ("GET", "/v1.41/_ping"), ("HEAD", "/v1.24/_ping")] {
        let reply = lab.call(Request::new(method, target)).await;
        reply.assert_status(200);
        for (name, value) in [
            ("Api-Version", "1.51"),
            ("Ostype", "linux"),
            ("Docker-Experimental", "false"),
            ("Builder-Version", "2"),
            ("Swarm", "inactive"),
            ("Server", "Docker/28.5.2 (linux)"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{method} {target}: {name}");
        }
        assert_eq!(reply.text(), if method == "GET" { "OK" } else { "" });
    }
}

#[tokio::test]
async fn version_is_the_engines_own_answer() {
    let lab = Lab::start("postgres").await;
    let reply = lab.get("/version").await;
    let engine = lab.engine.last("GET", "/version");
    assert_eq!(engine.version(), Some("1.51"));
    assert_eq!(reply.assert_status(200).json()["ApiVersion"], json!("1.51"));
    assert_eq!(reply.json()["Version"], json!("28.5.2"));
}

#[tokio::test]
async fn info_keeps_what_clients_need_and_nothing_that_could_be_secret() {
    let lab = Lab::start("postgres").await;
    let reply = lab.get("/v1.41/info").await;
    let info = reply.assert_status(200).json();
    for (key, value) in [("OSType", json!("linux")), ("NCPU", json!(4)), ("ServerVersion", json!("28.5.2"))] {
        assert_eq!(info[key], value, "{key}");
    }
    for key in ["HttpProxy", "HttpsProxy", "NoProxy", "RegistryConfig", "Labels", "DockerRootDir"] {
        assert!(info.get(key).is_none_or(serde_json::Value::is_null), "{key} is shown: {}", info[key]);
    }
    assert!(!reply.text().contains(FOREIGN_SECRET), "{reply:?}");
    let warnings = info["Warnings"].to_string();
    assert!(warnings.contains("docker-broker") && warnings.contains("`postgres`"), "{warnings}");
}

#[tokio::test]
async fn versions_outside_the_engines_range_get_its_own_words() {
    let lab = Lab::start("postgres").await;
    let new = lab.get("/v1.99/containers/json").await;
    new.assert_status(400).assert_error();
    assert_eq!(new.message(), "client version 1.99 is too new. Maximum supported API version is 1.51");
    let old = lab.get("/v1.12/containers/json").await;
    old.assert_status(400).assert_error();
    assert_eq!(
        old.message(),
        "client version 1.12 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version"
    );
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn requests_go_up_in_the_clients_version_and_without_one_in_the_newest() {
    let lab = Lab::start("postgres").await;
    for (asked, sent) in [("/v1.24", "1.24"), ("/v1.41", "1.41"), ("/v1.51", "1.51"), ("", "1.51")] {
        lab.engine.forget();
        lab.get(&format!("{asked}/images/json")).await.assert_status(200);
        assert_eq!(lab.engine.last("GET", "/images/json").version(), Some(sent));
    }
}

#[tokio::test]
async fn odd_spellings_of_a_version_are_refused() {
    let lab = Lab::start("postgres").await;
    for odd in ["/V1.41", "/v1.041", "/v01.41", "/v1.41.0", "/v1.41.", "/v1..41", "/v1", "/v1.41/v1.41", "/v2.0"] {
        let reply = lab.get(&format!("{odd}/containers/json")).await;
        assert!((400..500).contains(&reply.status), "{odd}: {reply:?}");
    }
    lab.engine.assert_untouched();
    assert!(lab.engine.requests().iter().all(|request| request.path() == "/version"), "an odd version was looked up");
}

#[tokio::test]
async fn unknown_and_known_but_closed_operations_are_refused_by_name() {
    let lab = Lab::start("postgres").await;
    for (method, target, word) in [
        ("POST", "/v1.41/swarm/init", "no policy can allow it"),
        ("POST", "/v1.41/plugins/pull?remote=x", "no policy can allow it"),
        ("POST", "/v4.0.0/libpod/containers/create", "no policy can allow"),
        ("POST", "/v1.41/build", "`build.tags`"),
        ("POST", "/v1.41/commit?container=x", "`build.tags`"),
        ("POST", "/v1.41/images/load", "`build.tags`"),
        ("POST", "/v1.41/no/such/route", "docker-broker"),
    ] {
        let reply = lab.call(Request::new(method, target)).await;
        reply.assert_status(403).assert_error();
        assert!(reply.message().contains(word), "{method} {target}: {}", reply.message());
    }
    assert!(lab.engine.requests().iter().all(|request| request.path() == "/version"));
}

#[tokio::test]
async fn deny_all_serves_nothing_at_all() {
    let lab = Lab::start("deny-all").await;
    for target in
        ["/_ping", "/version", "/info", "/containers/json", "/images/json", "/networks", "/volumes", "/events"]
    {
        lab.get(target).await.assert_status(403).assert_error();
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn networks_that_are_not_the_clients_are_not_there() {
    let lab = Lab::start("postgres").await;
    let list = lab.get("/v1.41/networks").await;
    let names: Vec<String> =
        list.json().as_array().unwrap().iter().map(|network| network["Name"].as_str().unwrap().to_owned()).collect();
    assert!(names.contains(&"bridge".to_owned()) && names.contains(&"n-own".to_owned()), "{names:?}");
    assert!(!names.contains(&"payroll-net".to_owned()), "{names:?}");
    let bridge = lab.get("/v1.41/networks/bridge").await;
    let inside = bridge.assert_status(200).json()["Containers"].clone();
    let ids: Vec<&String> = inside.as_object().unwrap().keys().collect();
    assert_eq!(ids, [crate::harness::engine::world::OWN], "only own containers show");
    let foreign = lab.get("/v1.41/networks/payroll-net").await;
    assert_eq!(foreign.assert_status(404).message(), "network payroll-net not found");
}
