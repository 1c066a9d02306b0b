//! The real program as a service manager runs it: signals, changed files, passed sockets, and what it tells.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The program while it runs, and what it says on standard error.
struct Running {
    child: Child,
    said: Receiver<String>,
    heard: Vec<String>,
    folder: tempfile::TempDir,
}

impl Running {
    /// In a folder with these files, with `broker.toml` as its configuration.
    fn start(files: &[(&str, &str)], change: impl FnOnce(&Path, &mut Command)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text.replace("{here}", folder.path().to_str().unwrap())).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_docker-broker"));
        command.env_clear();
        change(folder.path(), &mut command);
        command.args(["serve", "--config", "broker.toml"]).current_dir(folder.path());
        let mut child = command.stdin_or_null().stderr(Stdio::piped()).spawn().expect("the program runs");
        let (sender, said) = channel();
        let lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, said, heard: Vec::new(), folder }
    }

    /// Waits until a line that holds these words was said, and gives it.
    fn says(&mut self, words: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            let line = self.said.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| panic!("`{words}` was not said, but: {:#?}", self.heard));
            self.heard.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let new = self.at("new-file");
        fs::write(&new, text).unwrap();
        // as editors do
        fs::rename(new, self.at(name)).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Ends it as a service manager does.
    fn stop(&mut self) {
        self.signal(Signal::TERM);
        assert!(self.child.wait().expect("it ends").success(), "{:#?}", self.heard);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

trait NullInput {
    fn stdin_or_null(&mut self) -> &mut Self;
}

impl NullInput for Command {
    /// Nothing to read, unless a passed socket comes in that way: then a shell has taken it.
    fn stdin_or_null(&mut self) -> &mut Self {
        if self.get_program() == "sh" { self } else { self.stdin(Stdio::null()) }
    }
}

/// The status of `GET /_ping`-like requests that need no engine: an operation that no policy opens.
fn asks(socket: &Path) -> String {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    stream
        .write_all(b"POST /v1.41/swarm/init HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

const BROKER: &str = "upstream = \"{here}/engine.sock\"\ninstance = \"it\"\n[[listener]]\nname = \"a\"\n\
                      address = \"{here}/a.sock\"\npolicy = \"agent.toml\"\n[audit]\nsink = \"audit.json\"\n";
const AGENT: &str = "version = 1\nextends = \"postgres\"\n";

#[test]
fn sighup_and_a_changed_file_bring_new_policies_and_never_bad_ones() {
    let mut running = Running::start(&[("broker.toml", BROKER), ("agent.toml", AGENT)], |_, _| {});
    running.says("listener `a` listens on");
    let first = running.says("its clients are judged by policy file");
    // a bad file, noticed by itself, said once and never taken
    running.write("agent.toml", "version = 1\n[image]\n");
    let error = running.says("nothing was reloaded");
    assert!(error.contains("agent.toml:2:2: `image`: not a known key; the nearest known key is `images`"), "{error}");
    assert!(asks(&running.at("a.sock")).starts_with("HTTP/1.1 403 "));
    running.write("agent.toml", &format!("{AGENT}reason = \"new\"\n"));
    let replaced = running.says("from now on");
    let version = |line: &str| line.split("version ").nth(1).unwrap().split([',', ';']).next().unwrap().to_owned();
    assert_ne!(version(&first), version(&replaced));
    // SIGHUP: policies, and the audit file anew
    fs::rename(running.at("audit.json"), running.at("audit.json.1")).unwrap();
    running.signal(Signal::HUP);
    running.says("the policies are the same");
    running.write(
        "broker.toml",
        &BROKER.replace("{here}", running.folder.path().to_str().unwrap()).replace("it\"", "other\""),
    );
    running.signal(Signal::HUP);
    running.says("not in force before a restart: instance");
    running.stop();
    let errors = running.heard.iter().filter(|line| line.contains("nothing was reloaded")).count();
    assert_eq!(errors, 1, "{:#?}", running.heard);
    let audit = fs::read_to_string(running.at("audit.json")).unwrap();
    assert!(audit.contains("\"type\":\"reload\"") && audit.contains("\"needs_restart\":[\"instance\"]"), "{audit}");
    assert!(fs::read_to_string(running.at("audit.json.1")).unwrap().contains("\"outcome\":\"refused\""));
    assert!(!running.at("a.sock").exists());
}

#[test]
fn the_service_manager_is_told() {
    let mut told = None;
    let mut running = Running::start(&[("broker.toml", BROKER), ("agent.toml", AGENT)], |folder, command| {
        let path = folder.join("notify.sock");
        told = Some(UnixDatagram::bind(&path).unwrap());
        command.env("NOTIFY_SOCKET", path);
    });
    let told = told.unwrap();
    told.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let hear = || {
        let mut bytes = [0; 256];
        let count = told.recv(&mut bytes).expect("a message");
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    };
    assert_eq!(hear(), "READY=1\n");
    running.says("listener `a` listens on");
    running.signal(Signal::HUP);
    let reloading = hear();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(hear(), "READY=1\n");
    running.stop();
    assert_eq!(hear(), "STOPPING=1\n");
}

/// Runs the program behind a shell that puts standard input where passed sockets are (`sd_listen_fds(3)`).
fn passing(socket: OwnedFd, name: &str, command: &mut Command) {
    let program = command.get_program().to_owned();
    *command = Command::new("sh");
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::from(socket));
    let script =
        format!("export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name}; exec 3<&0 </dev/null; exec \"$0\" \"$@\"");
    command.args(["-c", &script]).arg(program);
}

#[test]
fn a_passed_socket_is_listened_on_and_its_file_stays() {
    for name in ["a", "docker-broker.socket"] {
        let mut running = Running::start(&[("broker.toml", BROKER), ("agent.toml", AGENT)], |folder, command| {
            let path = folder.join("passed.sock");
            let socket = UnixListener::bind(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
            passing(socket.into(), name, command);
        });
        let line = running.says("listener `a` listens on");
        assert!(line.contains("passed.sock with mode 0620, from the service manager"), "{line}");
        assert!(asks(&running.at("passed.sock")).starts_with("HTTP/1.1 403 "));
        assert!(!running.at("a.sock").exists(), "it makes no socket of its own");
        running.stop();
        assert!(fs::symlink_metadata(running.at("passed.sock")).unwrap().file_type().is_socket(), "{name}");
    }
}

#[test]
fn passed_sockets_that_are_unclear_open_or_of_another_kind_are_refused() {
    let second = format!("{BROKER}\n[[listener]]\nname = \"b\"\naddress = \"{{here}}/b.sock\"\n");
    let open = BROKER.replace("agent.toml", "unrestricted");
    let engine = BROKER.replace("engine.sock", "passed.sock");
    for (file, name, said) in [
        (second.as_str(), "other", "it is not clear which listener the passed sockets are for"),
        (&open, "a", "--allow-unrestricted"),
        (&engine, "a", "--upstream has to name the engine's socket"),
    ] {
        let mut running = Running::start(&[("broker.toml", file), ("agent.toml", AGENT)], |folder, command| {
            let path = folder.join("passed.sock");
            let socket = UnixListener::bind(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
            passing(socket.into(), name, command);
        });
        running.says(said);
        assert_eq!(running.child.wait().unwrap().code(), Some(78), "{said}");
        assert!(!running.at("a.sock").exists() && !running.at("b.sock").exists());
    }
    let mut running = Running::start(&[("broker.toml", BROKER), ("agent.toml", AGENT)], |_, command| {
        passing(UnixStream::pair().unwrap().0.into(), "a", command);
    });
    running.says("no listening Unix stream socket");
    assert_eq!(running.child.wait().unwrap().code(), Some(78));
}
