//! What the sweeper removes when a broker starts, and what it must never touch.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use serde_json::json;

use super::keeper::Keeper;
use super::raw::send;
use super::support::{Engine, trial, wait_until};
use super::{PATIENCE, direct, policy, try_direct};

/// A container that was created and never started, by a broker that is gone since.
#[derive(Debug)]
pub(crate) struct Forgotten {
    socket: PathBuf,
    instance: String,
    id: String,
    made: Instant,
}

/// Makes it once, so that it grows old while other trials run.
pub(crate) fn forgotten() -> Arc<Forgotten> {
    let mut known = FORGOTTEN.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(known.get_or_insert_with(|| {
        let socket = Engine::Old.socket();
        let instance = format!("forgotten-{}", std::process::id());
        let mut keeper = Keeper::start(Engine::Old, &socket, &instance, "postgres");
        let id = create(&keeper.socket());
        keeper.kill();
        Arc::new(Forgotten { socket, instance, id, made: Instant::now() })
    }))
}

/// Removes it, should no trial have done so.
pub(crate) fn tidy() {
    if let Some(forgotten) = FORGOTTEN.lock().unwrap_or_else(PoisonError::into_inner).take() {
        try_direct(&forgotten.socket, &["rm", "-fv", &forgotten.id]);
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("what expired while no broker ran goes when one starts", expired_meanwhile),
        trial("an operator's container from a committed copy is never owned and never swept", committed_copy),
        trial("an image that carries our labels and its containers are never swept", labelled_image),
        trial("what was never started for a minute goes when a broker starts, and nothing younger", never_started),
    ]
}

fn expired_meanwhile() {
    let socket = Engine::Old.socket();
    let instance = format!("expired-{}", std::process::id());
    let mut keeper = Keeper::start(Engine::Old, &socket, &instance, policy(false));
    let id = create(&keeper.socket());
    start(&keeper.socket(), &id);
    keeper.kill();
    sleep(Duration::from_secs(7));
    assert!(exists(&socket, &id), "without a broker nobody removes it");
    keeper.start_again();
    assert!(wait_until(PATIENCE, || !exists(&socket, &id)), "{}", keeper.log());
}

fn committed_copy() {
    let socket = Engine::Old.socket();
    let instance = format!("copied-{}", std::process::id());
    let mut keeper = Keeper::start(Engine::Old, &socket, &instance, policy(false));
    let own = create(&keeper.socket());
    direct(&socket, &["commit", &own, "operators/copy:1"]);
    let copy = direct(&socket, &["run", "-d", "--name", "operators-copy", "operators/copy:1"]);
    let owner = direct(&socket, &["inspect", "-f", "{{index .Config.Labels \"docker-broker.owner\"}}", &copy]);
    assert_eq!(owner, keeper.owner(), "the copy carries the labels of its origin, or this proves nothing");
    assert!(wait_until(PATIENCE, || !exists(&socket, &own)), "the own one is swept: {}", keeper.log());
    is_left_alone(&socket, &mut keeper, &copy, "operators-copy");
    direct(&socket, &["rm", "-fv", &copy]);
    direct(&socket, &["rmi", "operators/copy:1"]);
}

fn labelled_image() {
    let socket = Engine::Old.socket();
    let instance = format!("labelled-{}", std::process::id());
    let mut keeper = Keeper::start(Engine::Old, &socket, &instance, policy(false));
    let folder = tempfile::tempdir().expect("a folder");
    let base = direct(&socket, &["inspect", "-f", "{{.Id}}", "busybox"]);
    let labels = format!(
        "FROM busybox\nLABEL docker-broker.owner={} docker-broker.expires=1 docker-broker.image={base}\n",
        keeper.owner()
    );
    std::fs::write(folder.path().join("Dockerfile"), labels).expect("a Dockerfile");
    let build = ["build", "-q", "-t", "operators/labelled:1", &folder.path().display().to_string()];
    let mut command = std::process::Command::new("docker");
    command.env("DOCKER_HOST", format!("unix://{}", socket.display())).env("DOCKER_BUILDKIT", "0").args(build);
    assert!(command.output().expect("the docker CLI").status.success());
    let id = direct(&socket, &["run", "-d", "--name", "operators-labelled", "operators/labelled:1", "sleep", "600"]);
    is_left_alone(&socket, &mut keeper, &id, "operators-labelled");
    direct(&socket, &["rm", "-fv", &id]);
    assert!(try_direct(&socket, &["image", "inspect", "operators/labelled:1"]).status.success());
    direct(&socket, &["rmi", "operators/labelled:1"]);
}

fn never_started() {
    let old = forgotten();
    sleep(Duration::from_secs(62).saturating_sub(old.made.elapsed()));
    assert!(exists(&old.socket, &old.id), "without a broker nobody removes it");
    let mut keeper = Keeper::start(Engine::Old, &old.socket, &old.instance, "postgres");
    assert!(wait_until(PATIENCE, || !exists(&old.socket, &old.id)), "{}", keeper.log());
    let young = create(&keeper.socket());
    keeper.kill();
    keeper.start_again();
    sleep(Duration::from_secs(4));
    assert!(exists(&old.socket, &young), "somebody may still start it: {}", keeper.log());
    direct(&old.socket, &["rm", "-fv", &young]);
}

/// Not through this broker, nor by it, now or when it starts.
fn is_left_alone(socket: &Path, keeper: &mut Keeper, id: &str, name: &str) {
    for reference in [id, name] {
        for (method, rest) in [("GET", "/json"), ("POST", "/kill"), ("DELETE", "?force=1")] {
            let answer =
                send(&keeper.socket(), method, &format!("/containers/{reference}{rest}"), None).expect("an answer");
            assert_eq!(answer.status, 404, "{}", answer.message());
            assert!(answer.message().ends_with(&format!("No such container: {reference}")), "{}", answer.message());
        }
    }
    let listed = send(&keeper.socket(), "GET", "/containers/json?all=1", None).expect("an answer");
    assert_eq!((listed.status, listed.json()), (200, json!([])));
    keeper.kill();
    keeper.start_again();
    sleep(Duration::from_secs(4));
    let running = direct(socket, &["inspect", "-f", "{{.State.Running}}", id]);
    assert_eq!(running, "true", "{}", keeper.log());
}

fn create(broker: &Path) -> String {
    let body = json!({"Image": "postgres:16", "Entrypoint": ["sleep", "600"]});
    let made = send(broker, "POST", "/containers/create", Some(&body)).expect("an answer");
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["Id"].as_str().expect("an ID").to_owned()
}

fn start(broker: &Path, id: &str) {
    let started = send(broker, "POST", &format!("/containers/{id}/start"), None).expect("an answer");
    assert_eq!(started.status, 204, "{}", started.text());
}

fn exists(socket: &Path, id: &str) -> bool {
    !direct(socket, &["ps", "-aq", "--no-trunc", "--filter", &format!("id={id}")]).is_empty()
}

static FORGOTTEN: Mutex<Option<Arc<Forgotten>>> = Mutex::new(None);
