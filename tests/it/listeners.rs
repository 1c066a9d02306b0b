//! Several listeners on one broker: each with its own policy and owner, or with an owner for each user.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use docker_broker::client::Isolate;
use serde_json::{Value, json};

use crate::harness::broker::Broker;
use crate::harness::client::{Client, Reply, Request};
use crate::harness::engine::Fed;
use crate::harness::engine::world::{
    FOREIGN, FOREIGN_EXEC, FOREIGN_NAME, FOREIGN_NET, OWN, OWN_EXEC, OWN_NAME, OWN_NET, POSTGRES, owner_labels,
};
use crate::harness::{INSTANCE, Lab};

/// May do what `postgres` may, but for exec and pulls.
const WITHOUT_EXEC: &str =
    "version = 1\nextends = \"postgres\"\n[images]\npull = false\n[containers]\nexec = false\ncopy-out = false\n";

/// What one listener has, under names of its own.
struct Side {
    socket: PathBuf,
    container: &'static str,
    name: &'static str,
    exec: &'static str,
    network: (&'static str, &'static str),
    volume: &'static str,
    owner: &'static str,
}

/// Two listeners: `main` owns what the lab's world calls own, `agents` what it calls foreign.
async fn two() -> (Lab, Side, Side) {
    let lab = Lab::start_as("postgres", |setup| {
        let socket = setup.listen.with_file_name("agents.sock");
        setup.more = vec![("agents".to_owned(), socket, WITHOUT_EXEC.to_owned())];
    })
    .await;
    lab.engine.world(|world| {
        let labels = owner_labels("lab/agents", Some(POSTGRES));
        world.change(FOREIGN, |container| container.config["Labels"] = json!(labels));
        for network in world.networks.iter_mut().filter(|network| network.id == FOREIGN_NET) {
            network.labels = owner_labels("lab/agents", None);
        }
        for volume in world.volumes.iter_mut().filter(|volume| volume.name == "payroll-volume") {
            volume.labels = owner_labels("lab/agents", None);
        }
    });
    let main = Side {
        socket: lab.socket().to_owned(),
        container: OWN,
        name: OWN_NAME,
        exec: OWN_EXEC,
        network: (OWN_NET, "n-own"),
        volume: "own-volume",
        owner: "lab/main",
    };
    let agents = Side {
        socket: lab.socket().with_file_name("agents.sock"),
        container: FOREIGN,
        name: FOREIGN_NAME,
        exec: FOREIGN_EXEC,
        network: (FOREIGN_NET, "payroll-net"),
        volume: "payroll-volume",
        owner: "lab/agents",
    };
    (lab, main, agents)
}

impl Side {
    async fn call(&self, request: Request) -> Reply {
        Client::connect(&self.socket).await.call(request).await
    }

    async fn get(&self, target: &str) -> Reply {
        self.call(Request::get(target)).await
    }

    /// The container as people may spell it.
    fn spellings(&self) -> [&'static str; 3] {
        [self.container, &self.container[..12], self.name]
    }
}

/// Every way in which one side may look at the other's container, or act on it.
fn on_container(reference: &str) -> Vec<Request> {
    let at = |method: &str, verb: &str| Request::new(method, &format!("/v1.41/containers/{reference}{verb}"));
    vec![
        at("GET", "/json"),
        at("GET", "/logs?stdout=1"),
        at("POST", "/start"),
        at("POST", "/stop"),
        at("POST", "/kill"),
        at("POST", "/restart"),
        at("POST", "/wait"),
        at("POST", "/attach?stream=1&stdout=1").upgrade(),
        at("POST", "/exec").json(&json!({"Cmd": ["id"]})),
        at("DELETE", "?force=1"),
        at("PUT", "/archive?path=%2Ftmp").header("Content-Type", "application/x-tar").body(vec![0; 1024]),
    ]
}

#[tokio::test]
async fn neither_side_touches_what_is_the_others() {
    let (lab, main, agents) = two().await;
    for (one, other) in [(&main, &agents), (&agents, &main)] {
        for reference in other.spellings() {
            for request in on_container(reference) {
                let reply = one.call(request.clone()).await;
                let is_hidden =
                    reply.status == 404 || (reply.status == 403 && reply.message().contains("`containers.exec`"));
                assert!(is_hidden, "{request:?} of {}: {reply:?}", other.owner);
            }
        }
        for path in [
            format!("/v1.41/exec/{}/json", other.exec),
            format!("/v1.41/networks/{}", other.network.0),
            format!("/v1.41/networks/{}", other.network.1),
            format!("/v1.41/volumes/{}", other.volume),
        ] {
            one.get(&path).await.assert_status(404);
        }
        let start = Request::post(&format!("/v1.41/exec/{}/start", other.exec)).json(&json!({"Detach": true}));
        assert!(matches!(one.call(start).await.status, 403 | 404));
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn each_side_sees_its_own_and_no_filter_shows_more() {
    let (_lab, main, agents) = two().await;
    for (one, other) in [(&main, &agents), (&agents, &main)] {
        for reference in one.spellings() {
            let reply = one.get(&format!("/v1.41/containers/{reference}/json")).await;
            assert_eq!(reply.assert_status(200).json()["Id"], json!(one.container));
        }
        one.get(&format!("/v1.41/networks/{}", one.network.1)).await.assert_status(200);
        one.get(&format!("/v1.41/volumes/{}", one.volume)).await.assert_status(200);
        let by = |filter: Value| {
            let text = filter.to_string();
            text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>()
        };
        for target in [
            "/v1.41/containers/json?all=1".to_owned(),
            format!("/v1.41/containers/json?all=1&filters={}", by(json!({"id": [other.container]}))),
            format!("/v1.41/containers/json?all=1&filters={}", by(json!({"name": [other.name]}))),
            "/v1.41/networks".to_owned(),
            format!("/v1.41/networks?filters={}", by(json!({"name": [other.network.1]}))),
            "/v1.41/volumes".to_owned(),
            format!("/v1.41/volumes?filters={}", by(json!({"name": [other.volume]}))),
        ] {
            let text = one.get(&target).await.text();
            for word in [other.container, other.name, other.network.0, other.network.1, other.volume] {
                assert!(!text.contains(word), "{target} shows {} `{word}`: {text}", one.owner);
            }
        }
        let whole = one.get("/v1.41/containers/json?all=1").await;
        assert!(whole.assert_status(200).text().contains(one.container));
    }
}

#[tokio::test]
async fn what_one_makes_is_its_own_and_one_may_what_the_other_may_not() {
    let (lab, main, agents) = two().await;
    for side in [&main, &agents] {
        let create = Request::post("/v1.41/containers/create").json(&json!({"Image": "postgres:16"}));
        side.call(create).await.assert_status(201);
        let sent = lab.engine.last("POST", "/containers/create").json();
        assert_eq!(sent["Labels"]["docker-broker.owner"], json!(side.owner));
        lab.engine.forget();
    }
    let exec = |side: &Side| {
        Request::post(&format!("/v1.41/containers/{}/exec", side.container)).json(&json!({"Cmd": ["id"]}))
    };
    main.call(exec(&main)).await.assert_status(201);
    agents.call(exec(&agents)).await.assert_status(403);
    let pull = || Request::post("/v1.41/images/create?fromImage=postgres&tag=16");
    main.call(pull()).await.assert_status(200);
    agents.call(pull()).await.assert_refused("fromImage", "images.pull");
}

#[tokio::test]
async fn events_reach_the_side_that_they_are_about() {
    let (lab, main, agents) = two().await;
    let mut streams = Vec::new();
    for side in [&main, &agents] {
        let mut client = Client::connect(&side.socket).await;
        client.send(&Request::get("/v1.41/events")).await;
        assert_eq!(client.head().await.unwrap().status, 200);
        streams.push(client);
    }
    crate::harness::engine::eventually("both follow", || lab.engine.followers() == 2).await;
    let event = |kind: &str, id: &str| {
        Fed::Event(json!({"Type": kind, "Action": "x", "Actor": {"ID": id, "Attributes": {}}, "scope": "local"}))
    };
    for side in [&agents, &main] {
        lab.engine.feed(event("container", side.container)).await;
        lab.engine.feed(event("network", side.network.0)).await;
        lab.engine.feed(event("volume", side.volume)).await;
    }
    for (client, side) in streams.iter_mut().zip([&main, &agents]) {
        for id in [side.container, side.network.0, side.volume] {
            let shown: Value = serde_json::from_slice(&client.chunk().await.unwrap()).unwrap();
            assert_eq!(shown["Actor"]["ID"], json!(id), "{}", side.owner);
        }
        assert!(!client.says_something_within(std::time::Duration::from_millis(100)).await, "{}", side.owner);
    }
}

#[tokio::test]
async fn requests_of_all_listeners_have_numbers_of_one_sequence() {
    let (lab, main, agents) = two().await;
    for side in [&main, &agents, &main, &agents] {
        side.get("/v1.41/version").await.assert_status(200);
    }
    crate::harness::engine::eventually("four records", || {
        let text = fs::read_to_string(lab.audit_file()).unwrap_or_default();
        let ids: std::collections::BTreeSet<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["request_id"].as_str().unwrap().to_owned())
            .collect();
        ids.len() == 4
    })
    .await;
}

#[tokio::test]
async fn a_listener_that_cannot_listen_leaves_nothing_of_the_others() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    let at = |name: &str| lab.socket().with_file_name(name);
    let mut setup = lab.setup("postgres");
    fs::write(at("third.sock"), "precious").unwrap();
    setup.more = vec![
        ("second".to_owned(), at("second.sock"), "postgres".to_owned()),
        ("third".to_owned(), at("third.sock"), "postgres".to_owned()),
    ];
    let error = Broker::start(setup.clone()).unwrap_err();
    assert!(error.contains("listener `third` cannot listen") && error.contains("not a socket"), "{error}");
    assert!(!lab.socket().exists() && !at("second.sock").exists());
    assert_eq!(fs::read_to_string(at("third.sock")).unwrap(), "precious");
    fs::remove_file(at("third.sock")).unwrap();
    Broker::start(setup).unwrap().stop().await;
}

#[tokio::test]
async fn names_and_addresses_differ_and_none_is_the_engines() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    let folder = lab.socket().parent().unwrap().to_owned();
    std::os::unix::fs::symlink(&folder, folder.join("link")).unwrap();
    let more = |name: &str, path: &str| vec![(name.to_owned(), folder.join(path), "postgres".to_owned())];
    for (more, said) in [
        (more("main", "x.sock"), "two listeners are called `main`"),
        (more("other", "docker.sock"), "listeners `main` and `other` are both at"),
        (more("other", "link/docker.sock"), "listeners `main` and `other` are both at"),
        (more("other", "engine.sock"), "leads to the same socket; --upstream"),
        (more("other", "link/engine.sock"), "leads to the same socket; --upstream"),
    ] {
        let mut setup = lab.setup("postgres");
        setup.more = more;
        let error = Broker::start(setup).unwrap_err();
        assert!(error.contains(said), "{error}");
        assert!(!lab.socket().exists(), "nothing is bound before everything was looked at");
    }
}

/// A connection that another user made; `None` where this process cannot become one.
fn as_user(uid: u32, socket: &Path) -> Option<Client> {
    let socket = socket.to_owned();
    let connected = std::thread::spawn(move || {
        // the credentials of one thread: the kernel asks those of who connects
        let uid = rustix::process::Uid::from_raw(uid);
        rustix::thread::set_thread_res_uid(uid, uid, uid).ok()?;
        Some(std::os::unix::net::UnixStream::connect(socket).expect("the socket is open to everybody"))
    });
    let stream = connected.join().unwrap()?;
    stream.set_nonblocking(true).unwrap();
    Some(Client::of(tokio::net::UnixStream::from_std(stream).unwrap()))
}

/// A lab whose socket every user may open.
async fn by_uid() -> Lab {
    let lab = Lab::start_as("postgres", |setup| (setup.isolate, setup.mode) = (Isolate::Uid, 0o666)).await;
    fs::set_permissions(lab.socket().parent().unwrap(), fs::Permissions::from_mode(0o711)).unwrap();
    lab
}

#[tokio::test]
async fn each_user_has_objects_of_its_own() {
    let lab = by_uid().await;
    let (Some(mut one), Some(mut other)) = (as_user(1001, lab.socket()), as_user(1002, lab.socket())) else {
        return eprintln!("not run: only root can connect as somebody else");
    };
    let create = Request::post("/v1.41/containers/create?name=mine").json(&json!({"Image": "postgres:16"}));
    let id = one.call(create).await.assert_status(201).json()["Id"].as_str().unwrap().to_owned();
    let labels = lab.engine.last("POST", "/containers/create").json()["Labels"].clone();
    assert_eq!(labels["docker-broker.owner"], json!(format!("{INSTANCE}/main/uid-1001")));
    lab.engine.forget();
    for reference in [id.as_str(), &id[..12], "mine"] {
        one.call(Request::get(&format!("/v1.41/containers/{reference}/json"))).await.assert_status(200);
        for request in on_container(reference) {
            // an attach that is refused ends its connection
            let mut client = as_user(1002, lab.socket()).unwrap();
            client.call(request).await.assert_status(404);
        }
    }
    let list = |reply: Reply| reply.json().as_array().unwrap().len();
    assert_eq!(list(one.call(Request::get("/v1.41/containers/json?all=1")).await), 1);
    assert_eq!(list(other.call(Request::get("/v1.41/containers/json?all=1")).await), 0);
    // what the listener made before its users were kept apart is nobody's
    one.call(Request::get(&format!("/v1.41/containers/{OWN}/json"))).await.assert_status(404);
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_user_that_stands_for_others_is_refused_and_recorded() {
    let lab = by_uid().await;
    let Some(mut nobody) = as_user(65_534, lab.socket()) else {
        return eprintln!("not run: only root can connect as somebody else");
    };
    for request in [Request::get("/_ping"), Request::post("/v1.41/containers/create").json(&json!({"Image": "x"}))] {
        let reply = nobody.call(request).await;
        reply.assert_status(403).assert_error();
        assert!(reply.message().contains("user ID 65534"), "{}", reply.message());
    }
    assert!(lab.engine.requests().is_empty(), "nothing is asked for a stranger");
    let text = || fs::read_to_string(lab.audit_file()).unwrap_or_default();
    crate::harness::engine::eventually("two records", || text().lines().count() == 2).await;
    assert!(text().lines().all(|line| line.contains("\"decision\":\"refused\"") && line.contains("\"uid\":65534")));
}

#[tokio::test]
async fn users_who_are_not_kept_apart_share() {
    let lab = Lab::start_as("postgres", |setup| setup.mode = 0o666).await;
    fs::set_permissions(lab.socket().parent().unwrap(), fs::Permissions::from_mode(0o711)).unwrap();
    let Some(mut one) = as_user(1001, lab.socket()) else {
        return eprintln!("not run: only root can connect as somebody else");
    };
    one.call(Request::get(&format!("/v1.41/containers/{OWN}/json"))).await.assert_status(200);
}

#[tokio::test]
async fn each_user_has_places_for_streams_of_its_own() {
    let lab = Lab::start_as("postgres", |setup| {
        (setup.isolate, setup.mode, setup.bounds.streams_per_owner) = (Isolate::Uid, 0o666, 1);
    })
    .await;
    fs::set_permissions(lab.socket().parent().unwrap(), fs::Permissions::from_mode(0o711)).unwrap();
    let Some(mut first) = as_user(1001, lab.socket()) else {
        return eprintln!("not run: only root can connect as somebody else");
    };
    let events = || Request::get("/v1.41/events");
    first.send(&events()).await;
    assert_eq!(first.head().await.unwrap().status, 200);
    as_user(1001, lab.socket()).unwrap().call(events()).await.assert_status(503);
    let mut other = as_user(1002, lab.socket()).unwrap();
    other.send(&events()).await;
    assert_eq!(other.head().await.unwrap().status, 200);
}
