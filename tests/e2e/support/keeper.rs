//! A broker that can be killed and started again: the same socket, the same instance, the same audit file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Engine, lab_script, wait_until};

/// A broker and what is needed to start it again.
#[derive(Debug)]
pub(crate) struct Keeper {
    engine: Engine,
    upstream: PathBuf,
    instance: String,
    policy: String,
    child: Option<Child>,
    folder: tempfile::TempDir,
}

impl Keeper {
    /// Starts a broker before `upstream`, in the engine's network namespace. `policy` is a shipped policy's name, or the
    /// text of a policy file.
    #[must_use]
    pub(crate) fn start(engine: Engine, upstream: &Path, instance: &str, policy: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("db-keep").tempdir_in("/tmp").expect("a folder");
        let mut policy = policy.to_owned();
        if policy.contains('\n') {
            let file = folder.path().join("policy.toml");
            fs::write(&file, policy).expect("a policy file");
            policy = file.display().to_string();
        }
        let (upstream, instance) = (upstream.to_owned(), instance.to_owned());
        let mut keeper = Self { engine, upstream, instance, policy, child: None, folder };
        keeper.start_again();
        keeper
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn start_again(&mut self) {
        let log = fs::File::options().append(true).create(true).open(self.folder.path().join("log")).expect("a log");
        let mut command = Command::new(lab_script());
        command.args(["cell", self.engine.name(), env!("CARGO_BIN_EXE_docker-broker"), "serve"]);
        command.arg("--listen").arg(format!("unix://{}", self.socket().display()));
        command.arg("--upstream").arg(format!("unix://{}", self.upstream.display()));
        command.args(["--policy", &self.policy, "--instance", &self.instance]);
        command.arg("--audit").arg(self.folder.path().join("audit.json"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("a broker"));
        let socket = self.socket();
        let listens = || std::os::unix::net::UnixStream::connect(&socket).is_ok();
        assert!(wait_until(Duration::from_secs(15), listens), "the broker does not listen: {}", self.log());
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where it listens.
    #[must_use]
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// The label that it writes on what it makes.
    #[must_use]
    pub(crate) fn owner(&self) -> String {
        format!("{}/main", self.instance)
    }

    /// What it logged.
    #[must_use]
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// How many creates were answered with a container, by its audit.
    #[must_use]
    pub(crate) fn creates(&self) -> usize {
        let made = |record: &Value| record["operation"] == "ContainerCreate" && record["status"] == 201;
        self.records().iter().filter(|record| made(record)).count()
    }

    /// The text of its audit so far.
    #[must_use]
    pub(crate) fn audit(&self) -> String {
        fs::read_to_string(self.folder.path().join("audit.json")).unwrap_or_default()
    }

    /// Its audit so far.
    #[must_use]
    pub(crate) fn records(&self) -> Vec<Value> {
        self.audit().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The record of a request, as soon as it is there.
    #[must_use]
    pub(crate) fn record(&self, request_id: &str) -> Option<Value> {
        let mut found = None;
        wait_until(Duration::from_secs(3), || {
            found = self.records().into_iter().rev().find(|record| record["request_id"] == request_id);
            found.is_some()
        });
        found
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        let _ = Command::new("kill").arg(child.id().to_string()).status();
        if !wait_until(Duration::from_secs(5), || matches!(child.try_wait(), Ok(Some(_)) | Err(_))) {
            self.kill();
        }
    }
}
