//! The image and the containers that the shipped files make of it.

use std::fs;
use std::process::Output;
use std::time::Duration;

use crate::scene::{BROKER, SECOND, SHIPPED, Scene};
use crate::support::{self, Engine, text};

/// The classic builder of the older engine reads the same Dockerfile.
pub(crate) fn the_classic_builder_builds_it() {
    let upstream = Engine::Old.socket();
    let output = support::lab(&["broker-image", "20"]);
    assert!(output.status.success(), "{}", text(&output));
    let ask = |arguments: &[&str]| succeeds(&support::docker(Engine::Old, &upstream, arguments));
    assert_image(&ask);
}

/// So does BuildKit.
pub(crate) fn the_image_holds_the_broker_and_nothing_else(scene: &Scene) {
    assert_image(&|arguments| scene.engine(arguments));
}

/// One file of the size that was promised, one folder, a user without a name, and a health check that needs no shell.
fn assert_image(ask: &dyn Fn(&[&str]) -> String) {
    let version = ask(&["run", "--rm", "--read-only", "--cap-drop", "ALL", "--network", "none", IMAGE, "--version"]);
    assert_eq!(version, format!("docker-broker {}", env!("CARGO_PKG_VERSION")));
    let size: u64 = ask(&["image", "inspect", "--format", "{{.Size}}", IMAGE]).parse().expect("a size");
    assert!(size < LARGEST, "the image has {size} bytes");
    let format = "{{.Config.User}} {{json .Config.Healthcheck.Test}} {{json .Config.Entrypoint}}";
    let config = ask(&["image", "inspect", "--format", format, IMAGE]);
    assert_eq!(config, r#"65532:65532 ["CMD","/docker-broker","healthcheck"] ["/docker-broker"]"#);
    let id = ask(&["create", IMAGE]);
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("image.tar");
    ask(&["export", "--output", &archive.display().to_string(), &id]);
    ask(&["rm", &id]);
    let listing = std::process::Command::new("tar").args(["--numeric-owner", "-tvf"]).arg(&archive).output();
    let listing = succeeds(&listing.expect("tar"));
    let entry = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        format!("{} {} {}", words[0], words[1], words[5])
    };
    // the engine itself makes these for every container
    let engines = ["dev/", "etc/", "proc/", "sys/", ".dockerenv"];
    let own = listing.lines().map(entry).filter(|line| {
        let path = line.rsplit(' ').next().unwrap_or_default();
        !engines.iter().any(|prefix| path.starts_with(prefix))
    });
    let own: Vec<String> = own.collect();
    assert_eq!(own, ["drwxr-xr-x 65532/65532 broker-run/", "-rwxr-xr-x 0/0 docker-broker"], "{listing}");
    println!("\nthe image has {size} bytes");
}

/// What the compose file asks for is what the process has.
pub(crate) fn the_broker_is_confined(scene: &Scene) {
    let format = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} \
                  {{.HostConfig.PidsLimit}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.State.Health.Status}}";
    let config = scene.engine(&["inspect", "--format", format, BROKER]);
    assert_eq!(config, "true [ALL] [no-new-privileges] 256 268435456 268435456 healthy");
    let pid = scene.engine(&["inspect", "--format", "{{.State.Pid}}", BROKER]);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let value = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(value("Uid"), "65532 65532 65532 65532");
    assert_eq!((value("CapEff"), value("CapBnd")), ("0".repeat(16), "0".repeat(16)));
    assert_eq!((value("NoNewPrivs"), value("Seccomp")), ("1".to_owned(), "2".to_owned()));
    println!("\nthe broker uses {} of its 256 MiB", value("VmRSS"));
}

/// The suite and its environment are those of the image and of the shipped overlay.
pub(crate) fn the_stock_suite_passes(scene: &Scene) {
    let mounts = scene.in_agent("ls /broker-run; find / -xdev -type s 2>/dev/null; find /run /var/run -type s");
    let sockets = String::from_utf8_lossy(&mounts.stdout).into_owned();
    assert_eq!(sockets.trim(), "docker.sock", "the agent has another socket: {sockets}");
    let output = scene.in_agent("exec python3 -m pytest -q -p no:cacheprovider");
    let said = text(&output);
    assert!(output.status.success() && said.contains("5 passed"), "{said}");
    let log = scene.engine(&["logs", BROKER]);
    let records = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let created = |record: &serde_json::Value| record["operation"] == "ContainerCreate" && record["status"] == 201;
    assert_eq!(records.filter(created).count(), 1, "one container was created through the broker");
    println!("\nin the agent: {}", said.lines().find(|line| line.contains(" passed")).unwrap_or_default());
}

/// Another broker, another owner: what one agent made does not exist for the other.
pub(crate) fn agents_do_not_see_each_other(scene: &Scene) {
    let files = [&SHIPPED[..], &[SECOND]].concat();
    scene.compose(&files, &["up", "--detach", "--wait"]);
    let second = scene.folder().join("agent2.sock");
    scene.link("agent2", &second);
    let ask = |arguments: &[&str]| support::docker(Engine::New, &second, arguments);
    scene.agent(&["create", "--name", "agent1-first", "postgres:16"]);
    assert_eq!(succeeds(&ask(&["ps", "-aq"])), "");
    let inspected = text(&ask(&["container", "inspect", "agent1-first"])).to_lowercase();
    assert!(inspected.contains("no such container: agent1-first"), "{inspected}");
    let removed = text(&ask(&["rm", "--force", "agent1-first"]));
    assert!(removed.contains("No such container: agent1-first"), "{removed}");
    assert!(text(&ask(&["create", "--name", "agent1-second", "postgres:16"])).contains("`agent2-*`"));
    succeeds(&ask(&["create", "--name", "agent2-second", "postgres:16"]));
    assert_eq!(scene.agent(&["ps", "-a", "--format", "{{.Names}}"]), "agent1-first");
    succeeds(&ask(&["rm", "agent2-second"]));
    scene.agent(&["rm", "agent1-first"]);
    scene.compose(&files, &["rm", "--stop", "--force", "--volumes", "agent2", "broker2"]);
}

/// The other files that are shipped go with the first ones, and what the guide shows is read as it stands.
pub(crate) fn every_compose_file_is_read(scene: &Scene) {
    let all = [&SHIPPED[..], &[SECOND]].concat();
    let services = scene.compose(&all, &["config", "--services"]);
    let mut services: Vec<&str> = services.lines().collect();
    services.sort_unstable();
    assert_eq!(services, ["agent", "agent2", "broker", "broker2"]);
    let format = ["config", "--format", "json"];
    let config: serde_json::Value =
        serde_json::from_str(&scene.compose(&["compose.yml", "deploy/userns.compose.yml"], &format)).expect("JSON");
    let broker = &config["services"]["broker"];
    assert_eq!(broker["userns_mode"], "host");
    let mounts = broker["volumes"].as_array().expect("volumes");
    let socket: Vec<_> = mounts.iter().filter(|mount| mount["target"] == "/broker-run").collect();
    assert!(socket.len() == 1 && socket[0]["volume"]["nocopy"] == true, "{mounts:?}");
}

/// Whoever forgot the group reads which one it is, in the log and in the health check.
pub(crate) fn a_wrong_group_is_explained(scene: &Scene) {
    use std::os::unix::fs::MetadataExt;
    let gid = fs::metadata(&scene.upstream).expect("the engine's socket").gid();
    let _broker = LoneBroker::start(scene, gid + 4242, &[]);
    let wanted = format!(
        "the socket belongs to group {gid}, and the broker is not in it: in a container set `DOCKER_GID={gid}`"
    );
    let asked = ["exec", LoneBroker::NAME, "/docker-broker", "healthcheck"];
    let health = support::docker(Engine::New, &scene.upstream, &asked);
    assert!(health.status.code() == Some(1) && text(&health).contains(&wanted), "{}", text(&health));
    assert!(text(&health).contains("/var/run/docker.sock"), "{}", text(&health));
    let logs = support::docker(Engine::New, &scene.upstream, &["logs", LoneBroker::NAME]).stderr;
    let logs = String::from_utf8_lossy(&logs).into_owned();
    assert!(
        logs.contains(&format!(
            " WARN cannot connect to the engine at unix:///var/run/docker.sock: permission denied; {wanted}"
        )),
        "{logs}"
    );
    let format = ["inspect", "--format", "{{json .State.Health}}", LoneBroker::NAME];
    let is_told = support::wait_until(Duration::from_secs(30), || scene.engine(&format).contains(&wanted));
    assert!(is_told, "the engine's own record of the health check: {}", scene.engine(&format));
}

/// As the guide says: the tag leaves the policy, the broker is started again, and what was made before does not start.
pub(crate) fn a_revoked_image_does_not_start_again(scene: &Scene) {
    use std::os::unix::fs::MetadataExt;
    let gid = fs::metadata(&scene.upstream).expect("the engine's socket").gid();
    let (policies, sockets) = (scene.folder().join("policies"), scene.folder().join("run"));
    for folder in [&policies, &sockets] {
        fs::create_dir(folder).expect("a folder");
    }
    std::os::unix::fs::chown(&sockets, Some(65532), Some(65532)).expect("the image's user");
    allow_others(scene.folder());
    let write = |images: &str| {
        let policy = format!("version = 1\nextends = \"postgres\"\n[images]\nallow = [{images}]\n");
        fs::write(policies.join("lone.toml"), policy).expect("a policy");
    };
    write(r#""postgres:16", "postgres:17""#);
    let mounts = [format!("{}:/policies:ro", policies.display()), format!("{}:/broker-run", sockets.display())];
    let arguments = ["-e", "BROKER_POLICY=/policies/lone.toml", "-v", &mounts[0], "-v", &mounts[1]];
    let _broker = LoneBroker::start(scene, gid, &arguments);
    let socket = sockets.join("docker.sock");
    let ask = |arguments: &[&str]| support::docker(Engine::New, &socket, arguments);
    assert!(support::wait_until(Duration::from_secs(10), || ask(&["version"]).status.success()));
    let sleep = ["create", "--entrypoint", "sleep", "postgres:16", "600"];
    let id = succeeds(&ask(&sleep));
    succeeds(&ask(&["start", &id]));
    succeeds(&ask(&["kill", &id]));
    write(r#""postgres:17""#);
    scene.engine(&["restart", LoneBroker::NAME]);
    assert!(support::wait_until(Duration::from_secs(10), || ask(&["version"]).status.success()));
    let refused = text(&ask(&["start", &id]));
    assert!(refused.contains("ContainerStart refused") && refused.contains("images.allow"), "{refused}");
    assert!(text(&ask(&sleep)).contains("ContainerCreate refused"), "a new one is refused as well");
    succeeds(&ask(&["rm", "--force", &id]));
}

/// A broker of the shipped image without compose.
struct LoneBroker<'a> {
    scene: &'a Scene,
}

impl<'a> LoneBroker<'a> {
    const NAME: &'static str = "lone-broker";

    fn start(scene: &'a Scene, gid: u32, more: &[&str]) -> Self {
        let socket = format!("{}:/var/run/docker.sock:ro", scene.upstream.display());
        let group = gid.to_string();
        let mut run = vec!["run", "-d", "--name", Self::NAME, "--read-only", "--cap-drop", "ALL", "--network", "none"];
        run.extend(["--group-add", &group, "-v", &socket, "-e", "BROKER_INSTANCE=lone"]);
        let broker = Self { scene };
        if !more.iter().any(|word| word.ends_with(":/broker-run")) {
            run.extend(["--tmpfs", "/broker-run:uid=65532"]);
        }
        run.extend(more);
        scene.engine(&[&run[..], &[IMAGE]].concat());
        broker
    }
}

impl Drop for LoneBroker<'_> {
    fn drop(&mut self) {
        let _ = support::docker(Engine::New, &self.scene.upstream, &["rm", "--force", "--volumes", Self::NAME]);
    }
}

/// Temporary folders are closed to other users.
fn allow_others(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

const IMAGE: &str = "docker-broker:latest";

/// Bytes of the whole image.
const LARGEST: u64 = 8_000_000;
