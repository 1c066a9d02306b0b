//! The shipped compose file, up on an engine with an outside: what every trial of the sidecar shares.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::{self, Engine, text};

/// The shipped project, with neighbours: `vault` on the agents' network, `egress` on a network that no agent was granted,
/// and two containers that show that everything can be reached by somebody.
#[derive(Debug)]
pub(crate) struct Scene {
    /// The engine's own socket.
    pub(crate) upstream: PathBuf,
    /// The agent's socket: what its volume holds.
    pub(crate) socket: PathBuf,
    folder: tempfile::TempDir,
    listing_before: String,
}

impl Scene {
    /// Builds, starts and waits until all of it is healthy.
    pub(crate) fn set() -> Self {
        let upstream = Engine::New.socket();
        for command in ["broker-image", "agent-image"] {
            let output = support::lab(&[command, "28"]);
            assert!(output.status.success(), "{}", text(&output));
        }
        let folder = tempfile::Builder::new().prefix("db-car").tempdir_in("/tmp").expect("a folder");
        let socket = folder.path().join("agent1.sock");
        // an earlier run that was killed
        clear(&upstream);
        let built = compose(&upstream, &SHIPPED, &["build"]);
        assert!(built.status.success(), "{}", text(&built));
        let scene = Self { listing_before: Engine::New.listing(), upstream, socket, folder };
        let outside = support::lab(&["outside", "up", "28"]);
        assert!(outside.status.success(), "{}", text(&outside));
        scene.compose(&SHIPPED, &["up", "--detach", "--wait"]);
        scene.link("agent1", &scene.socket);
        scene.add_neighbours();
        scene
    }

    fn add_neighbours(&self) {
        let web = ["busybox", "httpd", "-f", "-p", PORT];
        let vault = ["--name", "vault", "--hostname", "vault-host", "--network", "dev-internal"];
        // the prefix of the agent's names protects nobody who uses it as well
        let twin = ["--name", "agent1-twin", "--hostname", "agent1-twin-host", "--network", "dev-internal"];
        self.engine(&["network", "create", "dev-egress"]);
        self.run_neighbour(&[&vault[..], &["--network-alias", "secrets"], &web]);
        self.run_neighbour(&[&twin[..], &["--network-alias", "agent1-twin-alias"], &web]);
        self.run_neighbour(&[&["--name", "egress", "--network", "dev-egress"], &web[..]]);
        self.run_neighbour(&[&["--name", "control-egress", "--network", "dev-egress"], &SLEEP[..]]);
        self.run_neighbour(&[&["--name", "control"], &SLEEP[..]]);
        for name in ["vault", "egress"] {
            self.engine(&["exec", name, "sh", "-c", "echo reached >/index.html"]);
        }
    }

    fn run_neighbour(&self, words: &[&[&str]]) {
        self.engine(&[&["run", "--detach"], &words.concat()[..]].concat());
    }

    /// Runs compose on these files and gives what it prints.
    pub(crate) fn compose(&self, files: &[&str], arguments: &[&str]) -> String {
        let output = compose(&self.upstream, files, arguments);
        assert!(output.status.success(), "compose {arguments:?}: {}", text(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Makes the socket in an agent's volume reachable by a path that is short enough for sockets.
    pub(crate) fn link(&self, agent: &str, path: &Path) {
        let volume = format!("docker-broker_{agent}-socket");
        let place = self.engine(&["volume", "inspect", "--format", "{{.Mountpoint}}", &volume]);
        symlink(Path::new(&place), self.folder.path().join(agent)).expect("a link to the volume");
        symlink(self.folder.path().join(agent).join("docker.sock"), path).expect("a link to the socket");
    }

    /// Where a trial can put files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks the engine itself, which has to agree.
    pub(crate) fn engine(&self, arguments: &[&str]) -> String {
        must(&support::docker(Engine::New, &self.upstream, arguments), arguments)
    }

    /// Asks the agent's broker, which has to agree.
    pub(crate) fn agent(&self, arguments: &[&str]) -> String {
        must(&support::docker(Engine::New, &self.socket, arguments), arguments)
    }

    /// Asks the agent's broker, which has to refuse; what it says.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let said = self.fails(arguments);
        assert!(said.contains(" refused: "), "{arguments:?}: {said}");
        said
    }

    /// The agent's docker CLI, which must not succeed; what it says.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = support::docker(Engine::New, &self.socket, arguments);
        let said = text(&output);
        assert!(!output.status.success(), "{arguments:?}: {said}");
        said
    }

    /// Runs a script in the agent's container.
    pub(crate) fn in_agent(&self, script: &str) -> Output {
        support::docker(Engine::New, &self.upstream, &["exec", AGENT, "sh", "-c", script])
    }

    /// What the lab's outside is made of: kind and address.
    pub(crate) fn outside(&self) -> Vec<(String, String)> {
        let output = support::lab(&["outside", "addresses", "28"]);
        assert!(output.status.success(), "{}", text(&output));
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let pairs = lines.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(kind, address)| (kind.to_owned(), address.to_owned())).collect()
    }

    /// Takes everything down and compares the engine with what it held before.
    pub(crate) fn strike(self) {
        let before = self.listing_before.clone();
        drop(self);
        assert_eq!(before, Engine::New.listing(), "something was left behind, or something else was changed");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        clear(&self.upstream);
        let _ = support::lab(&["outside", "down", "28"]);
    }
}

/// Removes what a scene is made of, and whatever its agents left.
fn clear(upstream: &Path) {
    let every = [&SHIPPED[..], &[SECOND]].concat();
    let _ = compose(upstream, &every, &["down", "--volumes", "--remove-orphans", "--timeout", "1"]);
    let own = support::docker(Engine::New, upstream, &["ps", "-aq", "--filter", "label=docker-broker.owner"]);
    let own = String::from_utf8_lossy(&own.stdout).into_owned();
    let containers: Vec<&str> = NEIGHBOURS.into_iter().chain(own.lines()).collect();
    let _ = support::docker(Engine::New, upstream, &[&["rm", "--force", "--volumes"], &containers[..]].concat());
    let _ = support::docker(Engine::New, upstream, &["network", "rm", "dev-egress", "dev-internal"]);
}

/// The files as they are shipped, with nothing set but what they ask for.
fn compose(upstream: &Path, files: &[&str], arguments: &[&str]) -> Output {
    use std::os::unix::fs::MetadataExt;
    let gid = std::fs::metadata(upstream).map_or(0, |metadata| metadata.gid());
    let mut command = Command::new(support::lab_script());
    command.args(["own-docker", "28", "compose"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(files.iter().flat_map(|file| ["-f", file])).args(arguments);
    command.env("DOCKER_GID", gid.to_string()).env("DOCKER_SOCKET", upstream).env("AGENT_IMAGE", "lab/agent");
    command.stdin(Stdio::null()).output().expect("compose")
}

fn must(output: &Output, arguments: &[&str]) -> String {
    assert!(output.status.success(), "{arguments:?}: {}", text(output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What is shipped for one agent.
pub(crate) const SHIPPED: [&str; 2] = ["compose.yml", "deploy/agent.compose.yml"];

/// What is shipped for the second one.
pub(crate) const SECOND: &str = "deploy/second-agent.compose.yml";

/// The container of the agent.
pub(crate) const AGENT: &str = "docker-broker-agent-1";

/// The container of its broker.
pub(crate) const BROKER: &str = "docker-broker-broker-1";

/// Where everybody who can be reached answers `reached`.
pub(crate) const PORT: &str = "8099";

/// A container that waits to be used.
pub(crate) const SLEEP: [&str; 3] = ["busybox", "sleep", "3600"];

const NEIGHBOURS: [&str; 7] = ["vault", "agent1-twin", "egress", "control-egress", "control", "late", "lone-broker"];
