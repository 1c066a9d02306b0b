//! What the kernel says of a container's limits, under the names of either version of cgroups (cgroups(7); the kernel's
//! `cgroup-v1/memory.rst`, `cgroup-v1/pids.rst` and `cgroup-v2.rst`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::scene::direct;

/// The cgroups of a container's first process.
pub(crate) struct Cgroup {
    /// The folder of each controller; of all of them under the empty name where there is one hierarchy.
    folders: BTreeMap<String, PathBuf>,
}

impl Cgroup {
    pub(crate) fn of(upstream: &Path, id: &str) -> Self {
        let pid = direct(upstream, &["inspect", "-f", "{{.State.Pid}}", id]);
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("the cgroups of a process");
        let mut folders = BTreeMap::new();
        for line in text.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next().expect("controllers"), parts.next().expect("a path"));
            for controller in controllers.split(',') {
                folders
                    .insert(controller.to_owned(), Path::new(ROOT).join(controller).join(path.trim_start_matches('/')));
            }
        }
        Self { folders }
    }

    pub(crate) fn version(&self) -> u8 {
        if self.folders.contains_key("memory") { 1 } else { 2 }
    }

    pub(crate) fn memory_limit(&self) -> u64 {
        self.number("memory", "memory.limit_in_bytes", "memory.max")
    }

    /// The most that was ever used.
    pub(crate) fn memory_peak(&self) -> u64 {
        self.number("memory", "memory.max_usage_in_bytes", "memory.peak")
    }

    pub(crate) fn killed_for_memory(&self) -> u64 {
        field(&self.read("memory", "memory.oom_control", "memory.events"), "oom_kill")
    }

    pub(crate) fn pids_limit(&self) -> u64 {
        self.number("pids", "pids.max", "pids.max")
    }

    pub(crate) fn pids(&self) -> u64 {
        self.number("pids", "pids.current", "pids.current")
    }

    /// How many forks failed at the limit.
    pub(crate) fn pids_refused(&self) -> u64 {
        field(&self.read("pids", "pids.events", "pids.events"), "max")
    }

    /// Quota and period, in microseconds.
    pub(crate) fn cpus(&self) -> (u64, u64) {
        if self.version() == 1 {
            let number = |file| self.number("cpu", file, file);
            return (number("cpu.cfs_quota_us"), number("cpu.cfs_period_us"));
        }
        let text = self.read("", "", "cpu.max");
        let (quota, period) = text.trim().split_once(' ').expect("a quota and a period");
        (quota.parse().expect("a number"), period.parse().expect("a number"))
    }

    fn number(&self, controller: &str, first: &str, second: &str) -> u64 {
        let text = self.read(controller, first, second);
        text.trim().parse().unwrap_or_else(|_| panic!("{first} or {second}: {text}"))
    }

    fn read(&self, controller: &str, first: &str, second: &str) -> String {
        let (folder, file) = match self.folders.get(controller) {
            Some(folder) if self.version() == 1 => (folder, first),
            Some(_) | None => (&self.folders[""], second),
        };
        let path = folder.join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// The number after a word that begins a line.
fn field(text: &str, name: &str) -> u64 {
    let number = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
    text.lines().find_map(number).unwrap_or_else(|| panic!("no {name} in {text}"))
}

const ROOT: &str = "/sys/fs/cgroup";
