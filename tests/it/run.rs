//! `docker-broker run` as a process of its own: what its command gets, what it ends with, and what is left behind.
//!
//! The command is a small shell script that says where its broker is and waits to be let go; this test is the client.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};

use crate::harness::client::{Client, Request};
use crate::harness::engine::FakeEngine;
use crate::harness::engine::world::{FOREIGN, FOREIGN_NET, IMPOSTOR, OWN, OWN_NET, World};

/// A fake engine, and a folder in which runs have their files.
struct Scene {
    engine: FakeEngine,
    folder: tempfile::TempDir,
}

/// A run that was started.
struct Running {
    child: Child,
    /// Where its command is.
    scene: PathBuf,
}

/// What a run ended with.
#[derive(Debug)]
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = FakeEngine::start(&folder.path().join("engine.sock"), World::new("somebody/main"));
        fs::create_dir(folder.path().join("runtime")).expect("a folder");
        Self { engine, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `run` with these words, in a process group of its own, with hardly any environment.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docker-broker"));
        command.arg("run").args(words).current_dir(self.folder.path()).process_group(0);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("XDG_RUNTIME_DIR", self.path("runtime")).env("HOME", self.folder.path());
        command.env("DOCKER_HOST", format!("unix://{}", self.path("engine.sock").display()));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, words: &[&str]) -> Running {
        Running { child: self.command(words).spawn().expect("run"), scene: self.folder.path().to_owned() }
    }

    async fn run(&self, words: &[&str]) -> Ended {
        self.start(words).end().await
    }

    /// A run whose command waits until the file `go` is there, and ends with this code.
    fn start_waiting(&self, options: &[&str], code: u8) -> Running {
        let script = format!("{WAITS}; exit {code}");
        self.start(&[options, &["--", "sh", "-c", &script]].concat())
    }

    /// The files of runs.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("runtime/docker-broker")).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Puts objects of that instance, and foreign ones, onto the engine.
    fn objects_of(&self, instance: &str) {
        self.engine.world(|world| *world = World::new(&format!("{instance}/main")));
    }

    /// Whether the engine holds the own container, network and volume.
    fn left(&self) -> [bool; 3] {
        self.engine.world(|world| {
            [
                world.containers.iter().any(|container| container.id == OWN),
                world.networks.iter().any(|network| network.id == OWN_NET),
                world.volumes.iter().any(|volume| volume.labels.contains_key("docker-broker.owner")),
            ]
        })
    }

    #[track_caller]
    fn assert_foreign_untouched(&self) {
        let there = self.engine.world(|world| {
            let container = |id: &str| world.containers.iter().any(|container| container.id == id);
            container(FOREIGN) && container(IMPOSTOR) && world.networks.iter().any(|network| network.id == FOREIGN_NET)
        });
        assert!(there, "something foreign was removed");
    }
}

impl Running {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The socket of its broker, once the command has said so.
    async fn socket(&self) -> PathBuf {
        let file = self.scene.join("host");
        let host = || fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'));
        wait("the command says where its broker is", || host().is_some()).await;
        let host = host().expect("a host");
        fs::remove_file(&file).expect("removed");
        PathBuf::from(host.trim().strip_prefix("unix://").expect("a socket"))
    }

    fn let_go(&self) {
        fs::write(self.scene.join("go"), "").expect("written");
    }

    async fn end(mut self) -> Ended {
        let (mut stdout, mut stderr) =
            (self.child.stdout.take().expect("piped"), self.child.stderr.take().expect("piped"));
        let reader = std::thread::spawn(move || {
            let mut texts = [String::new(), String::new()];
            stdout.read_to_string(&mut texts[0]).expect("UTF-8");
            stderr.read_to_string(&mut texts[1]).expect("UTF-8");
            texts
        });
        let mut status = None;
        wait("the run ends", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        })
        .await;
        let [stdout, stderr] = reader.join().expect("read");
        Ended { code: status.and_then(|status| status.code()).unwrap_or(-1), stdout, stderr }
    }

    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited for");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // a command that waits ends
        let _ = fs::write(self.path("go"), "");
    }
}

fn instance(socket: &Path) -> String {
    socket.parent().and_then(Path::file_name).expect("a folder").to_string_lossy().into_owned()
}

async fn wait(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_true() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn is_alive(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

async fn create(socket: &Path) -> String {
    let request = Request::post("/v1.47/containers/create").json(&json!({"Image": "postgres:16"}));
    let reply = Client::connect(socket).await.call(request).await;
    reply.assert_status(201);
    reply.json()["Id"].as_str().expect("an ID").to_owned()
}

const WAITS: &str = "echo $DOCKER_HOST >host; while [ ! -e go ]; do sleep 0.02; done";

#[tokio::test]
async fn the_code_is_the_commands_and_125_is_the_brokers_own() {
    let scene = Scene::new();
    fs::write(scene.path("text"), "no program").expect("written");
    for (words, code, said) in [
        (&["--", "true"][..], 0, "ended with 0"),
        (&["sh", "-c", "exit 7"], 7, "ended with 7"),
        (&["--", "sh", "-c", "exit 255"], 255, "ended with 255"),
        (&["--", "sh", "-c", "kill -9 $$"], 137, "ended with 137"),
        (&["--", "sh", "-c", "kill -15 $$"], 143, "ended with 143"),
        (&["--", "./text"], 126, "cannot run `./text`"),
        (&["--", "no-such-program"], 127, "cannot run `no-such-program`"),
        (&[], 125, "the following required arguments were not provided"),
        (&["--polcy", "x", "--", "true"], 125, "unexpected argument '--polcy'"),
        (&["--policy", "postgrs", "--", "true"], 125, "there is no policy `postgrs`"),
        (&["--upstream", "/nowhere", "--", "true"], 125, "cannot connect to the engine at unix:///nowhere"),
        (&["--env", "X", "--", "true"], 125, "write `NAME=VALUE`"),
    ] {
        let ended = scene.run(words).await;
        assert_eq!(ended.code, code, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{words:?}");
        assert_eq!(scene.files(), <[&str; 0]>::default(), "{words:?} leaves nothing");
    }
}

#[tokio::test]
async fn the_command_gets_its_words_its_streams_and_an_environment_that_leads_to_the_broker() {
    let scene = Scene::new();
    let misleading = [
        "DOCKER_CONTEXT",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
        "DOCKER_TLS",
        "TC_HOST",
        "TESTCONTAINERS_HOST_OVERRIDE",
        "TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE",
        "BROKER_UPSTREAM",
    ];
    let with = |options: &[&str]| {
        let mut command = scene.command(&[options, &["--", "env"]].concat());
        for name in misleading {
            command.env(name, "/x");
        }
        command.env("BROKER_UPSTREAM", scene.path("engine.sock")).env("OTHER", "kept");
        Running { child: command.spawn().expect("run"), scene: scene.folder.path().to_owned() }
    };
    let ended = with(&[]).end().await;
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines.iter().any(|line| line.starts_with("DOCKER_HOST=unix:///") && line.contains("/run-")), "{lines:?}");
    assert!(lines.contains(&"TESTCONTAINERS_RYUK_DISABLED=true") && lines.contains(&"OTHER=kept"), "{lines:?}");
    for name in misleading {
        assert!(!lines.iter().any(|line| line.starts_with(&format!("{name}="))), "{name}: {lines:?}");
    }
    let words =
        ["--env", "TC_HOST=mine=yes", "--keep-env", "DOCKER_CERT_PATH", "--keep-env", "TESTCONTAINERS_RYUK_DISABLED"];
    let ended = with(&words).end().await;
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines.contains(&"TC_HOST=mine=yes") && lines.contains(&"DOCKER_CERT_PATH=/x"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("TESTCONTAINERS_RYUK_DISABLED")), "{lines:?}");
    let mut command = scene.command(&["sh", "-c", "cat; echo \"$@\" >&2", "-", "--policy", "a b"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("run");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), b"in\n").expect("written");
    let ended = Running { child, scene: scene.folder.path().to_owned() }.end().await;
    assert_eq!(ended.stdout, "in\n");
    assert!(ended.stderr.contains("--policy a b\n"), "{}", ended.stderr);
}

#[tokio::test]
async fn the_socket_is_private_and_everything_that_was_made_goes_and_nothing_else() {
    let scene = Scene::new();
    let running = scene.start_waiting(&["--summary", "summary.json"], 3);
    let socket = running.socket().await;
    let mode = |path: &Path| std::os::unix::fs::MetadataExt::mode(&fs::metadata(path).expect("there")) & 0o777;
    assert_eq!((mode(&socket), mode(socket.parent().expect("a folder"))), (0o600, 0o700));
    scene.objects_of(&instance(&socket));
    assert_eq!(scene.left(), [true; 3]);
    let made = create(&socket).await;
    let refused = Request::post("/v1.47/containers/create").json(&json!({"Image": "redis:7"}));
    for _ in 0..2 {
        Client::connect(&socket).await.call(refused.clone()).await.assert_status(403);
    }
    running.let_go();
    let ended = running.end().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""));
    assert_eq!(scene.left(), [false; 3], "{}", ended.stderr);
    assert!(scene.engine.world(|world| world.containers.iter().all(|container| container.id != made)));
    scene.assert_foreign_untouched();
    assert_eq!(scene.files(), <[&str; 0]>::default());
    assert!(ended.stderr.contains("made 1 container (`postgres:16` × 1)"), "{}", ended.stderr);
    assert!(ended.stderr.contains("refused 2 requests; removed 3 containers, 1 network, 1 volume"), "{}", ended.stderr);
    assert!(ended.stderr.contains("2 × ContainerCreate: `Image`: `redis:7`;"), "{}", ended.stderr);
    assert!(ended.stderr.contains("--extends postgres") && ended.stderr.contains("set `images.allow` there"));
    let summary: Value = serde_json::from_slice(&fs::read(scene.path("summary.json")).expect("there")).expect("JSON");
    assert_eq!(summary["instance"], json!(instance(&socket)));
    assert_eq!((&summary["exit_code"], &summary["made"]["containers"]["postgres:16"]), (&json!(3), &json!(1)));
    assert_eq!((&summary["refused"][0]["count"], &summary["refused"][0]["key"]), (&json!(2), &json!("images.allow")));
    assert_eq!(summary["removed"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn what_is_made_belongs_to_the_run_as_its_session() {
    let scene = Scene::new();
    let running = scene.start_waiting(&["--quiet"], 0);
    let socket = running.socket().await;
    create(&socket).await;
    let create = scene.engine.last("POST", "/containers/create");
    let body: Value = serde_json::from_slice(&create.body).expect("JSON");
    assert_eq!(body["Labels"]["docker-broker.session"], json!(instance(&socket)));
    assert_eq!(body["Labels"]["docker-broker.owner"], json!(format!("{}/main", instance(&socket))));
    running.let_go();
    let ended = running.end().await;
    assert!(!ended.stderr.contains("ended with"), "quiet: {}", ended.stderr);
}

#[tokio::test]
async fn a_create_that_is_under_way_when_the_command_ends_is_waited_for_and_removed() {
    let scene = Scene::new();
    scene.engine.on("POST", "/containers/create").delay(Duration::from_millis(1500));
    let running = scene.start_waiting(&[], 0);
    let socket = running.socket().await;
    let before = scene.engine.world(|world| world.containers.len());
    let mut client = Client::connect(&socket).await;
    client.send(&Request::post("/v1.47/containers/create").json(&json!({"Image": "postgres:16"}))).await;
    scene.engine.came("POST", "/containers/create").await;
    running.let_go();
    let ended = running.end().await;
    assert_eq!(ended.code, 0);
    assert!(ended.stderr.contains("removed 1 container"), "{}", ended.stderr);
    assert_eq!(
        scene.engine.world(|world| (world.made, world.containers.len())),
        (1, before),
        "it was made, and is gone"
    );
}

#[tokio::test]
async fn what_cannot_be_removed_is_reported_and_the_next_run_tries_again() {
    let scene = Scene::new();
    let running = scene.start_waiting(&["--quiet"], 0);
    let socket = running.socket().await;
    scene.objects_of(&instance(&socket));
    scene.engine.on("DELETE", &format!("/containers/{OWN}")).error(500, "driver failed");
    running.let_go();
    let ended = running.end().await;
    assert_eq!(ended.code, 0, "the code is the command's");
    assert!(ended.stderr.contains(&format!("left     container `{OWN}`")), "{}", ended.stderr);
    assert!(ended.stderr.contains("driver failed") && ended.stderr.contains("the next `docker-broker run`"));
    assert!(scene.files().contains(&format!("{}.lock", instance(&socket))), "{:?}", scene.files());
    scene.engine.obey();
    let ended = scene.run(&["--", "true"]).await;
    assert!(ended.stderr.contains("did not clean up after itself; removed 1 of its objects"), "{}", ended.stderr);
    assert_eq!((scene.left(), scene.files()), ([false; 3], Vec::new()));
    scene.assert_foreign_untouched();
}

#[tokio::test]
async fn after_a_kill_the_command_dies_too_and_of_two_next_runs_one_cleans_up() {
    let scene = Scene::new();
    let script = format!("echo $$ >pid; {WAITS}");
    let running = scene.start(&["--", "sh", "-c", &script]);
    let socket = running.socket().await;
    let command = fs::read_to_string(scene.path("pid")).expect("a number").trim().to_owned();
    scene.objects_of(&instance(&socket));
    assert!(is_alive(&command));
    running.kill();
    wait("the command dies with its run", || !is_alive(&command)).await;
    assert_eq!(scene.left(), [true; 3]);
    assert_eq!(scene.files().len(), 2, "its folder and its lock file: {:?}", scene.files());
    scene.engine.forget();
    let (first, second) = (scene.start(&["--", "true"]), scene.start(&["--", "true"]));
    let (first, second) = (first.end().await, second.end().await);
    assert_eq!((first.code, second.code), (0, 0));
    let cleaned = [&first, &second].iter().filter(|ended| ended.stderr.contains("removed 4 of its objects")).count();
    assert_eq!(cleaned, 1, "{}{}", first.stderr, second.stderr);
    let deleted = scene.engine.requests().iter().filter(|r| r.method == "DELETE" && r.path().ends_with(OWN)).count();
    assert_eq!(deleted, 1);
    assert_eq!((scene.left(), scene.files()), ([false; 3], Vec::new()));
    scene.assert_foreign_untouched();
}

#[tokio::test]
async fn a_living_run_is_left_alone_by_another() {
    let scene = Scene::new();
    let living = scene.start_waiting(&["--quiet"], 0);
    let socket = living.socket().await;
    scene.objects_of(&instance(&socket));
    let ended = scene.run(&["--", "true"]).await;
    assert_eq!(ended.code, 0);
    assert_eq!(scene.left(), [true; 3], "{}", ended.stderr);
    create(&socket).await;
    living.let_go();
    assert_eq!(living.end().await.code, 0);
}

#[tokio::test]
async fn a_signal_to_the_run_alone_or_to_its_group_reaches_the_command_once() {
    let scene = Scene::new();
    let script = format!("for s in TERM INT HUP USR1; do trap \"echo $s >>caught\" $s; done; {WAITS}");
    let caught = || fs::read_to_string(scene.path("caught")).unwrap_or_default();
    let running = scene.start(&["--quiet", "--", "sh", "-c", &script]);
    running.socket().await;
    for (count, (signal, to_group)) in
        [(Signal::TERM, false), (Signal::INT, true), (Signal::USR1, false), (Signal::USR1, true), (Signal::INT, true)]
            .into_iter()
            .enumerate()
    {
        if to_group {
            kill_process_group(running.pid(), signal).expect("sent");
        } else {
            kill_process(running.pid(), signal).expect("sent");
        }
        wait("the command catches it", || caught().lines().count() == count + 1).await;
        // a second delivery would come within this
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(caught().lines().count(), count + 1, "{}", caught());
    }
    assert_eq!(caught(), "TERM\nINT\nUSR1\nUSR1\nINT\n");
    running.let_go();
    assert_eq!(running.end().await.code, 0);
}

#[tokio::test]
async fn a_command_that_ignores_being_asked_twice_is_killed_after_the_grace() {
    let scene = Scene::new();
    let script = format!("trap '' TERM; {WAITS}");
    let running = scene.start(&["--grace", "300ms", "--", "sh", "-c", &script]);
    let socket = running.socket().await;
    scene.objects_of(&instance(&socket));
    kill_process(running.pid(), Signal::TERM).expect("sent");
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert!(scene.files().len() == 2, "once is not enough");
    kill_process(running.pid(), Signal::TERM).expect("sent");
    let ended = running.end().await;
    assert_eq!(ended.code, 137, "{}", ended.stderr);
    assert_eq!(scene.left(), [false; 3]);
}

#[tokio::test]
async fn a_signal_that_this_process_ignored_stays_ignored() {
    let scene = Scene::new();
    let words = format!("trap '' HUP; exec \"$0\" run --quiet -- sh -c '{WAITS}; exit 5'");
    let plain = scene.command(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &words, env!("CARGO_BIN_EXE_docker-broker")]).current_dir(scene.folder.path()).process_group(0);
    shell.env_clear().envs(plain.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let child = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
    let running = Running { child, scene: scene.folder.path().to_owned() };
    running.socket().await;
    kill_process_group(running.pid(), Signal::HUP).expect("sent");
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.let_go();
    assert_eq!(running.end().await.code, 5);
}

#[tokio::test]
async fn what_leads_past_the_broker_is_said_before_the_start() {
    let scene = Scene::new();
    fs::write(scene.path(".testcontainers.properties"), "tc.host=tcp://127.0.0.1:2375\n").expect("written");
    let ended = scene.run(&["--keep-env", "DOCKER_HOST", "--", "sh", "-c", "echo started >&2"]).await;
    let before = ended.stderr.split("started").next().expect("a start");
    assert!(before.contains("tc.host"), "{before}");
    assert!(before.contains("engine.sock` can be opened by"), "{before}");
    assert!(before.contains("`DOCKER_HOST` is kept"), "{before}");
    assert!(before.lines().all(|line| line.starts_with("docker-broker: ")), "{before}");
}
