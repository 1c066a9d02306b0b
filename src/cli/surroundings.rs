//! What in a client's surroundings leads it past a broker: variables, files that clients read, and engine sockets that
//! it can open.
//!
//! `doctor` reports it, and `run` takes the variables away and warns of the rest. Must never change anything, connect to
//! anything, or repeat the contents of a file beyond the value that is at fault.

mod access;
mod files;

use std::path::{Path, PathBuf};

pub(super) use access::Visitor;
pub(super) use files::misleading_files;

use crate::config::environment::Environment;
use crate::upstream::address::Address;

/// One thing that leads past the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lead {
    /// What it is, in one line.
    pub(super) what: String,
    /// What to do about it, in one line.
    pub(super) advice: String,
}

/// A variable that clients of a Unix socket must not have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Misleading {
    /// Its name.
    pub(super) name: &'static str,
    /// What it makes clients do.
    why: &'static str,
}

/// The misleading variables that are set. `DOCKER_HOST` is not one of them: see [`docker_host_elsewhere`].
pub(super) fn misleading_variables(environment: &Environment) -> Vec<Lead> {
    let set = MISLEADING.iter().filter_map(|variable| Some((variable, environment.value(variable.name)?)));
    set.map(|(Misleading { name, why }, value)| Lead {
        what: format!("`{name}` is set to `{}`: {why}", shown(value)),
        advice: format!("unset `{name}` where clients of the broker run"),
    })
    .collect()
}

/// What is wrong with `DOCKER_HOST` for a client of the broker at this address.
pub(super) fn docker_host_elsewhere(environment: &Environment, broker: &Address) -> Option<Lead> {
    let advice = format!("set `DOCKER_HOST={broker}` where clients of the broker run");
    let Some(host) = environment.value("DOCKER_HOST") else {
        let what = "`DOCKER_HOST` is not set: clients look for an engine's own socket".to_owned();
        return Some(Lead { what, advice });
    };
    let leads_here = Address::parse(host.trim()).is_ok_and(|address| is_same(address.path(), broker.path()));
    let what = format!("`DOCKER_HOST` is `{}`, which is not the broker at `{broker}`", shown(host));
    (!leads_here).then_some(Lead { what, advice })
}

/// The engine sockets of this machine that somebody can open, beside those in `not` (the broker's own).
pub(super) fn open_engine_sockets(
    environment: &Environment,
    upstream: Option<&Path>,
    not: &[&Path],
    visitor: &Visitor,
) -> Vec<Lead> {
    let candidates = engine_sockets(environment, visitor.uid(), upstream);
    let open = candidates.iter().filter(|path| !not.iter().any(|other| is_same(path, other)));
    open.filter(|path| visitor.can_open(path)).map(|path| open_socket(path, visitor)).collect()
}

fn open_socket(path: &Path, visitor: &Visitor) -> Lead {
    let path = path.display();
    let advice = match visitor.uid() {
        0 => "run clients as another user than root, or where the socket is not mounted".to_owned(),
        _ => format!(
            "take this user out of the socket's group (`stat -c %G {path}`), or run clients where it is not mounted"
        ),
    };
    Lead { what: format!("the engine socket `{path}` can be opened by {visitor}, past the broker"), advice }
}

/// Where engines are known to listen, each socket once, whatever its names; those that are there.
fn engine_sockets(environment: &Environment, uid: u32, upstream: Option<&Path>) -> Vec<PathBuf> {
    let runtime = environment.value("XDG_RUNTIME_DIR").map_or_else(|| format!("/run/user/{uid}"), str::to_owned);
    let below = |directory: String, names: &[&str]| -> Vec<PathBuf> {
        names.iter().map(|name| Path::new(&directory).join(name)).collect()
    };
    let mut all: Vec<PathBuf> = upstream.map(Path::to_owned).into_iter().collect();
    all.extend(ENGINE_SOCKETS.iter().map(PathBuf::from));
    all.extend(below(runtime, SOCKETS_OF_A_RUNTIME_DIRECTORY));
    all.extend(environment.value("HOME").into_iter().flat_map(|home| below(home.to_owned(), SOCKETS_OF_A_HOME)));
    let mut found: Vec<PathBuf> = Vec::new();
    for path in all.into_iter().filter(|path| access::is_socket(path)) {
        if !found.iter().any(|other| is_same(&path, other)) {
            found.push(path);
        }
    }
    found
}

/// Whether two paths lead to one file, also by different names.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// A value of somebody's surroundings, fit to stand in a message.
fn shown(value: &str) -> String {
    let clean: String = value.trim().chars().take(LONGEST_SHOWN).flat_map(char::escape_debug).collect();
    // what stands before an `@` of an address may be a password
    match clean.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => clean,
    }
}

/// Variables that `run` takes away and `doctor` reports.
pub(super) const MISLEADING: &[Misleading] = &[
    Misleading { name: "DOCKER_CONTEXT", why: "the docker CLI and others take their engine from that context" },
    Misleading { name: "DOCKER_TLS", why: "clients speak TLS, which a Unix socket does not" },
    Misleading { name: "DOCKER_TLS_VERIFY", why: "clients speak TLS, which a Unix socket does not" },
    Misleading {
        name: "DOCKER_CERT_PATH",
        why: "clients speak TLS with these certificates, which a Unix socket does not",
    },
    Misleading { name: "CONTAINER_HOST", why: "Podman's clients take their engine from it" },
    Misleading { name: "TC_HOST", why: "Testcontainers for Python looks for published ports there" },
    Misleading { name: "TESTCONTAINERS_HOST_OVERRIDE", why: "Testcontainers look for published ports there" },
    Misleading {
        name: "TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE",
        why: "Testcontainers mount this path into their reaper instead of the broker's socket",
    },
];

/// Paths that do not depend on a user. `containerd`'s gives the same power as the engine's own.
const ENGINE_SOCKETS: &[&str] = &[
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/crio/crio.sock",
];

/// Rootless Docker and Podman.
const SOCKETS_OF_A_RUNTIME_DIRECTORY: &[&str] = &["docker.sock", "podman/podman.sock"];

/// Docker Desktop, `OrbStack`, Colima and Rancher Desktop.
const SOCKETS_OF_A_HOME: &[&str] = &[
    ".docker/run/docker.sock",
    ".docker/desktop/docker.sock",
    ".orbstack/run/docker.sock",
    ".colima/default/docker.sock",
    ".rd/docker.sock",
];

/// Most characters of a value that are shown.
const LONGEST_SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn broker() -> Address {
        Address::parse("unix:///run/docker-broker/docker.sock").unwrap()
    }

    #[test]
    fn every_misleading_variable_is_found_by_its_name() {
        for variable in MISLEADING {
            let leads = misleading_variables(&Environment::from([(variable.name, "x")]));
            assert_eq!(leads.len(), 1, "{}", variable.name);
            assert!(leads[0].what.contains(&format!("`{}` is set to `x`", variable.name)), "{:?}", leads[0]);
        }
    }

    #[test]
    fn empty_variables_and_others_mislead_nobody() {
        let environment = Environment::from([("DOCKER_CONTEXT", " "), ("DOCKER_API_VERSION", "1.44")]);
        assert_eq!(misleading_variables(&environment), []);
    }

    #[test]
    fn a_password_and_control_characters_are_not_repeated() {
        let environment = Environment::from([("CONTAINER_HOST", "ssh://core:secret@host\u{1b}[31m")]);
        let what = &misleading_variables(&environment)[0].what;
        assert!(!what.contains("secret") && !what.contains('\u{1b}'), "{what}");
    }

    #[test]
    fn docker_host_has_to_name_the_broker() {
        let lead = |value| docker_host_elsewhere(&Environment::from([("DOCKER_HOST", value)]), &broker());
        assert_eq!(lead("unix:///run/docker-broker/docker.sock"), None);
        assert_eq!(lead("/run/docker-broker/docker.sock"), None);
        for elsewhere in ["", "unix:///var/run/docker.sock", "tcp://10.0.0.1:2375"] {
            let found = lead(elsewhere).unwrap();
            assert!(found.advice.contains("DOCKER_HOST=unix:///run/docker-broker/docker.sock"), "{found:?}");
        }
    }

    #[test]
    fn an_engine_socket_is_found_once_and_the_brokers_own_is_not_one() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".docker/run");
        std::fs::create_dir_all(&directory).unwrap();
        let socket = directory.join("docker.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        let link = home.path().join("link.sock");
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        let environment = Environment::from([
            ("HOME", home.path().to_str().unwrap()),
            ("XDG_RUNTIME_DIR", home.path().join("nowhere").to_str().unwrap()),
        ]);
        let open = |upstream, not: &[&Path]| {
            let leads = open_engine_sockets(&environment, upstream, not, &Visitor::Myself);
            leads.into_iter().filter(|lead| lead.what.contains(home.path().to_str().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(open(None, &[&link]), []);
        assert_eq!(open(None, &[]).len(), 1);
        let found = open(Some(&link), &[]);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("link.sock"), "{found:?}");
    }
}
