//! What every end-to-end test needs: the throw-away engines, a broker in front of one, and the docker CLI.
//!
//! The tests run only where `DOCKER_BROKER_E2E` is set, because they need root and start engines; then nothing is skipped.
//! Whatever a test starts is ended by its process id when the test ends, also when it fails.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};

/// A throw-away engine of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Docker 20.10.
    Old,
    /// The newest that the lab has.
    New,
}

/// A broker in front of an engine, in the engine's network namespace.
#[derive(Debug)]
pub struct Broker {
    child: Child,
    /// Where it listens.
    pub socket: PathBuf,
    /// Its audit, one JSON object a line.
    pub audit: PathBuf,
    _folder: tempfile::TempDir,
}

/// How a broker is started.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// A shipped policy's name, or a file.
    pub policy: String,
    /// Further arguments of `serve`.
    pub arguments: Vec<String>,
    /// `--instance`; two brokers with the same one own the same objects.
    pub instance: String,
}

impl Engine {
    /// Both, the older one first.
    pub const ALL: [Self; 2] = [Self::Old, Self::New];

    /// The lab's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Old => "20",
            Self::New => "28",
        }
    }

    /// Its socket; the engine is started when it does not run.
    #[must_use]
    pub fn socket(self) -> PathBuf {
        let up = lab(&["up", self.name()]);
        assert!(up.status.success(), "engine {} does not start: {}", self.name(), text(&up));
        let images = lab(&["images", self.name()]);
        assert!(images.status.success(), "the images of engine {}: {}", self.name(), text(&images));
        let socket = lab(&["socket", self.name()]);
        PathBuf::from(String::from_utf8_lossy(&socket.stdout).trim())
    }

    /// Everything on it: containers, networks, volumes, images.
    #[must_use]
    pub fn listing(self) -> String {
        let listing = lab(&["listing", self.name()]);
        assert!(listing.status.success(), "{}", text(&listing));
        String::from_utf8_lossy(&listing.stdout).into_owned()
    }
}

impl Default for BrokerOptions {
    fn default() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            policy: "postgres".to_owned(),
            arguments: Vec::new(),
            instance: format!("e2e-{}-{number}", std::process::id()),
        }
    }
}

impl Broker {
    /// Starts a broker and waits until it listens.
    #[must_use]
    pub fn start(engine: Engine, options: &BrokerOptions) -> Self {
        let upstream = engine.socket();
        let folder = tempfile::Builder::new().prefix("db-e2e").tempdir_in("/tmp").expect("a folder");
        let (socket, audit) = (folder.path().join("docker.sock"), folder.path().join("audit.json"));
        let mut command = Command::new(lab_script());
        command.args(["cell", engine.name(), env!("CARGO_BIN_EXE_docker-broker"), "serve"]);
        command.arg("--listen").arg(format!("unix://{}", socket.display()));
        command.arg("--upstream").arg(format!("unix://{}", upstream.display()));
        command.args(["--policy", &options.policy, "--instance", &options.instance]);
        command.arg("--audit").arg(&audit).args(&options.arguments);
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("a broker");
        let mut broker = Self { child, socket, audit, _folder: folder };
        let listens = wait_until(Duration::from_secs(15), || broker.socket.exists() || broker.has_ended());
        assert!(listens && broker.socket.exists(), "the broker does not listen: {}", broker.log());
        broker
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self._folder.path().join("log")).unwrap_or_default()
    }

    /// The records so far.
    #[must_use]
    pub fn records(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(&self.audit).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Kills it at once, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        if !wait_until(Duration::from_secs(5), || self.has_ended()) {
            self.kill();
        }
    }
}

/// Runs the docker CLI against a socket, inside the engine's network namespace.
#[must_use]
pub fn docker(engine: Engine, socket: &Path, arguments: &[&str]) -> Output {
    docker_with_input(engine, socket, arguments, b"")
}

/// The same with something on its standard input.
#[must_use]
pub fn docker_with_input(engine: Engine, socket: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(lab_script());
    command.args(["cell", engine.name(), "docker"]).args(arguments);
    command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
    command.env_remove("DOCKER_CONTEXT");
    run_with_input(command, input).expect("the docker CLI")
}

/// Runs a command, feeds it, and collects what it says.
///
/// # Errors
/// When it cannot be started.
pub fn run_with_input(mut command: Command, input: &[u8]) -> io::Result<Output> {
    use std::io::Write;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(&input)));
    let output = child.wait_with_output();
    let _ = feeder.join();
    output
}

/// Runs the lab's script.
#[must_use]
pub fn lab(arguments: &[&str]) -> Output {
    Command::new(lab_script()).args(arguments).stdin(Stdio::null()).output().expect("the lab's script")
}

/// The lab's script.
#[must_use]
pub fn lab_script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab")
}

/// Standard output and error of a command, for a message.
#[must_use]
pub fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("exit {:?}\n{out}{err}", output.status.code())
}

/// Waits, looking often; false when the time is over.
pub fn wait_until(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A trial whose panic is its failure.
pub fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name.into(), move || {
        test();
        Ok::<(), Failed>(())
    })
}

/// Runs the trials one after the other, or says in one line why not.
#[must_use]
pub fn main(area: &str, trials: Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    if std::env::var_os("DOCKER_BROKER_E2E").is_none() {
        if !arguments.list {
            println!("{area}: {} engine tests were not run; `make {area}` runs them (root, Linux)", trials.len());
        }
        return ExitCode::SUCCESS;
    }
    arguments.test_threads = Some(1);
    let conclusion = libtest_mimic::run(&arguments, trials);
    println!("{area}: {} passed, {} failed", conclusion.num_passed, conclusion.num_failed);
    conclusion.exit_code()
}
