//! One broker process with two listeners: each with its own policy and owner, from one configuration file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Engine, lab_script, wait_until};

/// What one listener may have and do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    /// The listener's name, the last part of the owner's.
    pub(crate) name: &'static str,
    /// Most containers, networks and volumes in a session.
    pub(crate) most: [usize; 3],
    /// Whether it may pull, and run commands in its containers.
    pub(crate) may_exec_and_pull: bool,
}

/// The broker; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Pair {
    instance: String,
    child: Child,
    folder: tempfile::TempDir,
}

impl Side {
    /// Its policy file.
    fn policy(&self) -> String {
        let Self { name: _, most: [containers, networks, volumes], may_exec_and_pull } = self;
        format!(
            "version = 1\nextends = \"postgres\"\n\
             [images]\nallow = [\"busybox\", \"postgres:16\"]\npull = {may_exec_and_pull}\n\
             [containers]\nmax = {containers}\nexec = {may_exec_and_pull}\n\
             [networks]\ncreate = {{ names = [\"n-*\"], max = {networks} }}\n\
             [volumes]\ncreate = {{ names = [\"v-*\"], max = {volumes} }}\n"
        )
    }
}

impl Pair {
    /// Starts it before an engine, and waits until both listeners listen.
    #[must_use]
    pub(crate) fn start(engine: Engine, upstream: &Path, instance: &str, sides: &[Side; 2]) -> Self {
        let folder = tempfile::Builder::new().prefix("db-own").tempdir_in("/tmp").expect("a folder");
        let mut text = format!("upstream = \"unix://{}\"\ninstance = \"{instance}\"\n", upstream.display());
        for side in sides {
            let name = side.name;
            fs::write(folder.path().join(format!("{name}.toml")), side.policy()).expect("a policy file");
            let address = folder.path().join(format!("{name}.sock"));
            text += &format!(
                "[[listener]]\nname = \"{name}\"\naddress = \"unix://{}\"\npolicy = \"{name}.toml\"\n",
                address.display()
            );
        }
        text += "[audit]\nsink = \"audit.json\"\n";
        let config = folder.path().join("broker.toml");
        fs::write(&config, text).expect("a configuration file");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let mut command = Command::new(lab_script());
        command.args(["cell", engine.name(), env!("CARGO_BIN_EXE_docker-broker"), "serve", "--config"]).arg(&config);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("a broker");
        let pair = Self { instance: instance.to_owned(), child, folder };
        for side in sides {
            let listens = || std::os::unix::net::UnixStream::connect(pair.socket(side)).is_ok();
            assert!(wait_until(Duration::from_secs(15), listens), "the broker does not listen: {}", pair.log());
        }
        pair
    }

    #[must_use]
    pub(crate) fn socket(&self, side: &Side) -> PathBuf {
        self.folder.path().join(format!("{}.sock", side.name))
    }

    /// The label on what is made through a listener.
    #[must_use]
    pub(crate) fn owner(&self, side: &Side) -> String {
        format!("{}/{}", self.instance, side.name)
    }

    #[must_use]
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The audit so far.
    #[must_use]
    pub(crate) fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("audit.json")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        if !wait_until(Duration::from_secs(15), || matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
