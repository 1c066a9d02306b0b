//! A scene for tests that kill things at random moments: numbers from a seed, what others have on an engine, and an engine
//! that dies and comes back.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Engine, lab, text};

/// A source of numbers that gives the same ones for the same seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

/// What others have on the engine; it is removed when the batch ends.
pub(crate) struct Bystanders<'a> {
    socket: &'a Path,
}

impl<'a> Bystanders<'a> {
    pub(crate) fn make(socket: &'a Path) -> Self {
        let these = Self { socket };
        these.remove();
        direct(socket, &["network", "create", "--internal", "kill-net"]);
        direct(socket, &["volume", "create", "bystander-data"]);
        direct(socket, &["run", "-d", "--name", "bystander", "-v", "bystander-data:/data", "busybox", "sleep", "600"]);
        let theirs = ["--label", "docker-broker.owner=somebody/else", "--label", "docker-broker.expires=1"];
        direct(socket, &[&["create", "--name", "bystander-created"], &theirs[..], &["busybox"]].concat());
        these
    }

    /// A create and a start, as the engine does them now.
    pub(crate) fn time_of_a_run(&self) -> Duration {
        let started = Instant::now();
        direct(self.socket, &["run", "-d", "--name", "bystander-timed", "postgres:16", "true"]);
        let took = started.elapsed();
        direct(self.socket, &["rm", "-fv", "bystander-timed"]);
        took.mul_f64(1.2)
    }

    fn remove(&self) {
        for container in ["bystander", "bystander-created", "bystander-timed"] {
            try_direct(self.socket, &["rm", "-fv", container]);
        }
        try_direct(self.socket, &["volume", "rm", "bystander-data"]);
        try_direct(self.socket, &["network", "rm", "kill-net"]);
    }
}

impl Drop for Bystanders<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// From 0 to 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.below(1 << 20)).expect("a small number")) / f64::from(1 << 20)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            let other = usize::try_from(self.below(index as u64 + 1)).expect("a small number");
            items.swap(index, other);
        }
    }
}

/// Kills the engine and starts it again over what is left, as a service manager would.
pub(crate) fn restart_engine(engine: Engine) {
    let pid = lab(&["pid", engine.name()]);
    assert!(pid.status.success(), "{}", text(&pid));
    let pid = String::from_utf8_lossy(&pid.stdout).trim().to_owned();
    let killed = Command::new("kill").args(["-9", &pid]).status().expect("kill");
    assert!(killed.success(), "the engine's process {pid} could not be killed");
    let up = lab(&["up", engine.name()]);
    assert!(up.status.success(), "the engine does not start again: {}", text(&up));
}

/// The docker CLI against the engine itself; it must work.
pub(crate) fn direct(socket: &Path, arguments: &[&str]) -> String {
    let output = try_direct(socket, arguments);
    assert!(output.status.success(), "docker {arguments:?}: {}", text(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn try_direct(socket: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("docker");
    command.env("DOCKER_HOST", format!("unix://{}", socket.display())).env_remove("DOCKER_CONTEXT");
    command.args(arguments).stdin(Stdio::null()).output().expect("the docker CLI")
}

/// Lines that are only before, and lines that are only after.
pub(crate) fn difference<'t>(before: &'t str, after: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
    let [before, after]: [BTreeSet<&str>; 2] = [before.lines().collect(), after.lines().collect()];
    (before.difference(&after).copied().collect(), after.difference(&before).copied().collect())
}

/// An anonymous volume that says nothing about who made it.
pub(crate) fn is_orphan(line: &str) -> bool {
    let mut words = line.split(' ');
    let is_volume = words.next() == Some("volume");
    let anonymous = words.next().is_some_and(|name| name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()));
    is_volume && anonymous && !line.contains("docker-broker.")
}
