//! Operations on own containers and execs: each goes up in one form, whatever the client's spelling was.

use serde_json::{Value, json};

use crate::corpus::canonical;
use crate::harness::Lab;
use crate::harness::client::Request;
use crate::harness::engine::stream::Script;
use crate::harness::engine::world::{OTHER_IMAGE, OWN, OWN_EXEC, OWN_NAME, OWN_STOPPED, PRIVILEGED_EXEC, owner_labels};

/// Sends the request and gives the line of the one that went up, after a look at its form.
async fn upstream(lab: &Lab, request: Request) -> String {
    lab.engine.forget();
    let reply = lab.call(request.clone()).await;
    assert!(reply.status < 400, "{request:?}: {reply:?}");
    let sent = lab.engine.requests().into_iter().next_back().unwrap();
    canonical::check_head(&sent).unwrap();
    sent.line()
}

#[tokio::test]
async fn each_operation_goes_up_in_one_form() {
    let lab = Lab::start("postgres").await;
    lab.engine.streams(Script::Say(b"output".to_vec()));
    let (own, stopped) = (format!("/containers/{OWN}"), format!("/containers/{OWN_STOPPED}"));
    for (method, asked, sent) in [
        ("GET", format!("/containers/{OWN_NAME}/json?size=true"), format!("{own}/json?size=1")),
        ("GET", format!("{own}/json?size=no"), format!("{own}/json")),
        ("POST", format!("{stopped}/start?unknown=1"), format!("{stopped}/start")),
        ("POST", format!("{own}/restart?t=5"), format!("{own}/restart?t=5")),
        ("POST", format!("{own}/kill?signal=SIGTERM"), format!("{own}/kill?signal=SIGTERM")),
        ("POST", format!("{own}/wait"), format!("{own}/wait")),
        ("GET", format!("{own}/logs?stdout=True&stderr=0&tail=10"), format!("{own}/logs?stdout=1&tail=10")),
        ("POST", format!("{own}/attach?stdout=1&stream=1"), format!("{own}/attach?stream=1&stdout=1")),
        ("POST", format!("{own}/resize?h=40&w=120"), format!("{own}/resize?h=40&w=120")),
        ("HEAD", format!("{own}/archive?path=%2Ftmp%2Fa%20b"), format!("{own}/archive?path=%2Ftmp%2Fa%20b")),
        ("GET", format!("{own}/archive?path=/tmp/x"), format!("{own}/archive?path=%2Ftmp%2Fx")),
        ("GET", format!("/exec/{OWN_EXEC}/json"), format!("/exec/{OWN_EXEC}/json")),
        ("POST", format!("/exec/{OWN_EXEC}/resize?w=2&h=1"), format!("/exec/{OWN_EXEC}/resize?h=1&w=2")),
        ("DELETE", format!("{own}?force=1"), format!("{own}?v=1&force=1")),
    ] {
        let line = upstream(&lab, Request::new(method, &format!("/v1.41{asked}"))).await;
        assert_eq!(line, format!("{method} {sent}"));
    }
}

#[tokio::test]
async fn a_stop_that_would_wait_for_ever_is_bounded() {
    let lab = Lab::start("postgres").await;
    let line = upstream(&lab, Request::post(&format!("/v1.41/containers/{OWN}/stop?t=-1"))).await;
    assert_eq!(line, format!("POST /containers/{OWN}/stop?t=600"));
}

#[tokio::test]
async fn an_exec_goes_up_in_the_brokers_own_words() {
    let lab = Lab::start("postgres").await;
    let body = json!({"Cmd": ["pg_isready"], "AttachStdout": true, "Env": null, "Detach": false, "DetachKeys": ""});
    let reply = lab.post(&format!("/v1.41/containers/{OWN}/exec"), &body).await;
    let id = reply.assert_status(201).json()["Id"].as_str().unwrap().to_owned();
    let sent = lab.engine.only_forwarded();
    canonical::check(&sent).unwrap();
    let up = sent.json();
    assert_eq!((&up["Cmd"], &up["AttachStdout"]), (&json!(["pg_isready"]), &json!(true)));
    assert!(matches!(up["Privileged"], Value::Null | Value::Bool(false)));
    lab.engine.forget();
    let reply = lab.post(&format!("/v1.41/exec/{id}/start"), &json!({"Detach": true, "Tty": false})).await;
    reply.assert_status(200);
    let sent = lab.engine.only_forwarded();
    canonical::check(&sent).unwrap();
    assert_eq!((sent.line(), &sent.json()["Detach"]), (format!("POST /exec/{id}/start"), &json!(true)));
}

#[tokio::test]
async fn privileged_execs_are_refused_at_create_and_at_start() {
    let lab = Lab::start("postgres").await;
    let body = json!({"Cmd": ["id"], "Privileged": true});
    let reply = lab.post(&format!("/v1.41/containers/{OWN}/exec"), &body).await;
    reply.assert_refused("Privileged", "containers.host.exec-privileged");
    let reply = lab.post(&format!("/v1.41/exec/{PRIVILEGED_EXEC}/start"), &json!({"Detach": true})).await;
    reply.assert_status(403).assert_error();
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_start_takes_no_host_config() {
    let lab = Lab::start("postgres").await;
    let reply = lab.post(&format!("/v1.41/containers/{OWN_STOPPED}/start"), &json!({"Privileged": true})).await;
    reply.assert_status(400).assert_error();
    lab.engine.assert_untouched();
    let empty =
        Request::post(&format!("/v1.41/containers/{OWN_STOPPED}/start")).header("Content-Type", "application/json");
    lab.call(empty).await.assert_status(204);
    assert!(lab.engine.only_forwarded().body.is_empty());
}

#[tokio::test]
async fn an_image_that_is_no_longer_allowed_does_not_start_again() {
    let lab = Lab::start("postgres").await;
    lab.engine.world(|world| {
        world.change(OWN_STOPPED, |container| {
            container.image_id = OTHER_IMAGE.to_owned();
            container.config["Image"] = json!("secret/tool:1");
            container.config["Labels"] = json!(owner_labels("lab/main", Some(OTHER_IMAGE)));
        });
    });
    let reply = lab.act(&format!("/v1.41/containers/{OWN_STOPPED}/start")).await;
    reply.assert_status(403).assert_error();
    assert!(reply.message().contains("`images.allow`"), "{}", reply.message());
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_container_that_got_onto_a_foreign_network_does_not_start() {
    let lab = Lab::start("postgres").await;
    lab.engine.world(|world| {
        let foreign = world.networks[4].id.clone();
        world.change(OWN_STOPPED, |container| {
            container.networks.insert("payroll-net".to_owned(), foreign);
        });
    });
    let reply = lab.act(&format!("/v1.41/containers/{OWN_STOPPED}/start")).await;
    reply.assert_status(403).assert_error();
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn read_only_policies_act_on_nothing() {
    let lab = Lab::start("read-only").await;
    for verb in ["start", "stop", "kill", "restart", "wait"] {
        let reply = lab.act(&format!("/v1.41/containers/{OWN}/{verb}")).await;
        assert!(reply.assert_status(403).message().contains("`containers.control`"), "{verb}: {reply:?}");
    }
    lab.delete(&format!("/v1.41/containers/{OWN}")).await.assert_status(403);
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn an_archive_goes_in_entry_by_entry_and_written_anew() {
    let lab = Lab::start("postgres").await;
    let tar = tar_of("etc/motd", b"hello");
    let request = Request::new("PUT", &format!("/v1.41/containers/{OWN}/archive?path=/&noOverwriteDirNonDir=true"));
    let request = request.header("Content-Type", "application/x-tar").body(tar);
    lab.call(request).await.assert_status(200);
    let sent = lab.engine.only_forwarded();
    canonical::check(&sent).unwrap();
    assert_eq!(sent.line(), format!("PUT /containers/{OWN}/archive?path=%2F&noOverwriteDirNonDir=1"));
    assert!(sent.body.starts_with(b"etc/motd\0") && sent.body.windows(5).any(|window| window == b"hello"));
    assert_eq!(sent.body.len() % 512, 0);
}

#[tokio::test]
async fn archives_with_devices_links_out_or_compression_do_not_go_in() {
    let lab = Lab::start("postgres").await;
    let mut device = tar_of("dev/sda", b"");
    device[156] = b'4';
    fix_checksum(&mut device);
    let mut link = tar_of("lib", b"");
    link[156] = b'2';
    link[157..157 + 15].copy_from_slice(b"../../../../etc");
    fix_checksum(&mut link);
    for bad in
        [device, tar_of("../../etc/passwd", b"x"), b"\x1f\x8b\x08\0\0\0\0\0\0\0".repeat(100), link, vec![b'x'; 700]]
    {
        lab.engine.forget();
        let request = Request::new("PUT", &format!("/v1.41/containers/{OWN}/archive?path=%2Ftmp"));
        let reply = lab.call(request.header("Content-Type", "application/x-tar").body(bad)).await;
        reply.assert_status(400).assert_error();
        let complete = lab.engine.forwarded().into_iter().find(|sent| sent.complete);
        assert!(complete.is_none(), "{complete:?}");
    }
}

#[tokio::test]
async fn an_archive_comes_out_with_the_stat_of_its_path() {
    let lab = Lab::start("postgres").await;
    let target = format!("/v1.41/containers/{OWN}/archive?path=%2Ftmp%2Ffile");
    let reply = lab.get(&target).await;
    assert_eq!((reply.status, reply.body.len()), (200, 1024));
    assert_eq!(reply.header("content-type"), Some("application/x-tar"));
    let head = lab.call(Request::new("HEAD", &target)).await;
    assert_eq!(
        head.assert_status(200).header("X-Docker-Container-Path-Stat"),
        reply.header("X-Docker-Container-Path-Stat")
    );
    assert!(head.header("X-Docker-Container-Path-Stat").is_some());
}

#[tokio::test]
async fn a_body_that_only_repeats_the_query_is_tolerated_where_there_is_none() {
    let lab = Lab::start("postgres").await;
    let target = format!("/v1.41/containers/{OWN}/stop?t=10");
    lab.call(Request::post(&target).json(&json!({"t": 10}))).await.assert_status(204);
    assert!(lab.engine.only_forwarded().body.is_empty());
    lab.engine.forget();
    lab.call(Request::post(&target).json(&json!({"t": 11}))).await.assert_status(400);
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn nothing_of_the_clients_head_goes_up() {
    let lab = Lab::start("postgres").await;
    let request = Request::post(&format!("/v1.41/containers/{OWN}/restart"));
    let request = request.header("X-Evil", "1").header("Authorization", "Basic x").header("Accept-Encoding", "gzip");
    lab.call(request.header("Connection", "close, X-Evil").header("Expect", "100-continue")).await.assert_status(204);
    let sent = lab.engine.only_forwarded();
    let known = ["content-length", "host", "user-agent"];
    assert!(sent.header_names().iter().all(|name| known.contains(&name.as_str())), "{}", sent.head);
}

#[tokio::test]
async fn requests_of_one_connection_share_one_connection_to_the_engine() {
    let lab = Lab::start("postgres").await;
    let mut client = lab.client().await;
    for _ in 0..5 {
        client.call(Request::get("/v1.41/version")).await.assert_status(200);
    }
    // the broker asks for the engine's version as well, before the first one, by a connection of its own
    let requests = lab.engine.requests();
    let connections: Vec<usize> = requests.iter().rev().take(5).map(|request| request.connection).collect();
    assert_eq!(connections.len(), 5);
    assert!(connections.windows(2).all(|pair| pair[0] == pair[1]), "{connections:?}");
    let mine = connections[0];
    lab.get("/v1.41/info").await;
    assert_ne!(lab.engine.last("GET", "/info").connection, mine, "no two clients share one");
}

/// One entry of a plain file in ustar form.
fn tar_of(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    header[263..265].copy_from_slice(b"00");
    fix_checksum(&mut header);
    let padding = vec![0; content.len().div_ceil(512) * 512 - content.len()];
    [&header, content, &padding, &[0; 1024][..]].concat()
}

/// The sum of the header's bytes, its own field counted as blanks.
fn fix_checksum(tar: &mut [u8]) {
    tar[148..156].copy_from_slice(b"        ");
    let sum: u32 = tar[..512].iter().map(|byte| u32::from(*byte)).sum();
    tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
