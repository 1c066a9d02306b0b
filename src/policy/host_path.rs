//! Which paths of the host no container may have: those by which it would reach an engine, or the broker itself.
//!
//! Paths are compared as the engine reads them, after its own cleaning. Must never look at the host's files: whether a
//! path exists, and where a link leads, is not ours to tell.

/// Why a path is closed to every policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It is an engine's socket, or a folder above one.
    Engine,
    /// It is a socket of this broker or of the engine behind it, or a folder above one.
    Broker,
    /// It leads through a process of the host to wherever that process is.
    Process,
}

impl Closed {
    /// The reason, for a denial.
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Engine => "it holds the engine's socket, which is the engine itself",
            Self::Broker => "it holds the broker's own socket or that of the engine behind it",
            Self::Process => "it leads through a process of the host to all of its files",
        }
    }
}

/// Whether a source is one that no container may have. `sockets` are the broker's own and the one of its engine.
pub(crate) fn closed(source: &str, sockets: &[String]) -> Option<Closed> {
    if !source.starts_with('/') {
        return None;
    }
    let parts = cleaned(source);
    if leads_through_a_process(&parts) {
        return Some(Closed::Process);
    }
    if sockets.iter().any(|socket| is_at_or_above(&parts, &cleaned(socket))) {
        return Some(Closed::Broker);
    }
    let holds_run = parts == ["var"];
    let holds_one = holds_run || ENGINE_SOCKETS.iter().any(|socket| is_at_or_above(&parts, &cleaned(socket)));
    holds_one.then_some(Closed::Engine)
}

/// Whether the inner path lies in the folder of the outer one, or is it.
pub(crate) fn lies_in(inner: &str, outer: &str) -> bool {
    is_at_or_above(&cleaned(outer), &cleaned(inner))
}

/// The steps of a path as the engine cleans them (Go's `path.Clean`), with `/var/run` as the link to `/run` that it is
/// on every Linux.
fn cleaned(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    if let ["var", "run", ..] = parts.as_slice() {
        parts.remove(0);
    }
    parts
}

/// `/proc/1/root` and its like, and `/dev/fd`, which is a link to them. The kernel follows them after the engine's
/// cleaning, so what stands behind says nothing.
fn leads_through_a_process(parts: &[&str]) -> bool {
    if let ["dev", "fd", ..] = parts {
        return true;
    }
    let magic = |part: &&str| ["root", "cwd", "fd", "exe", "map_files", "task"].contains(part);
    parts.first() == Some(&"proc") && parts.iter().skip(2).any(magic)
}

/// Whether the socket is this path or lies below it. A `*` in the socket stands for one step.
fn is_at_or_above(parts: &[&str], socket: &[&str]) -> bool {
    parts.len() <= socket.len() && parts.iter().zip(socket).all(|(part, step)| *step == "*" || part == step)
}

/// Where engines, and what runs containers below them, put their sockets. `/var/run` is `/run`. Each container has one of
/// its own below `/run/containerd/s`, by which whoever holds it runs anything in that container.
const ENGINE_SOCKETS: &[&str] = &[
    "/run/docker.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/containerd/containerd.sock",
    "/run/containerd/s/*",
    "/run/k3s/containerd/containerd.sock",
    "/run/cri-dockerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/user/*/docker.sock",
    "/run/user/*/docker/containerd/containerd.sock",
    "/run/user/*/containerd/containerd.sock",
    "/run/user/*/buildkit/buildkitd.sock",
    "/run/user/*/podman/podman.sock",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_socket_and_what_holds_it_is_closed_in_every_spelling() {
        for source in [
            "/",
            "//",
            "/.",
            "/..",
            "/run",
            "/var/run",
            "/var/run/",
            "/run/docker.sock",
            "/run/containerd/s",
            "/run/containerd/s/8d1f",
            "/run/k3s",
            "/run/user/1000/containerd",
            "/var/run/docker.sock",
            "/var//run/./docker.sock",
            "/etc/../run/docker.sock",
            "/../run/docker.sock",
            "/run/user",
            "/run/user/1000",
            "/run/user/1000/docker.sock",
            "/var/run/user/1000/podman",
            "/run/containerd",
            "/run/docker",
            "/var",
        ] {
            assert_eq!(closed(source, &[]), Some(Closed::Engine), "{source}");
        }
        for source in ["/srv", "/run/lock", "/var/lib", "/run/docker.socket", "/run/docker.sock/x", "run", ""] {
            assert_eq!(closed(source, &[]), None, "{source}");
        }
    }

    #[test]
    fn no_path_leads_through_a_process() {
        for source in [
            "/proc/1/root",
            "/proc/1/root/srv",
            "/proc/self/root/run/docker.sock",
            "/proc/thread-self/root",
            "/proc/1/cwd",
            "/dev/fd",
            "/dev/fd/3/../4",
            "/proc/1/task/1/root/x",
            "/proc//1/./fd/3",
            "/srv/../proc/42/map_files/x",
        ] {
            assert_eq!(closed(source, &[]), Some(Closed::Process), "{source}");
        }
        for source in ["/proc", "/proc/1", "/proc/sys/net", "/srv/proc/1/root"] {
            assert_eq!(closed(source, &[]), None, "{source}");
        }
    }

    #[test]
    fn the_brokers_own_sockets_are_closed_too() {
        let sockets = ["/srv/agent/broker.sock".to_owned(), "/var/run/docker-broker/docker.sock".to_owned()];
        for source in ["/srv", "/srv/agent", "/srv/agent/broker.sock", "/srv/x/../agent/", "/run/docker-broker"] {
            assert_eq!(closed(source, &sockets), Some(Closed::Broker), "{source}");
        }
        for source in ["/srv/other", "/srv/agent2", "/srv/agent/data"] {
            assert_eq!(closed(source, &sockets), None, "{source}");
        }
    }

    #[test]
    fn one_folder_lies_in_another_by_whole_steps() {
        assert!(lies_in("/srv/data/x", "/srv/data") && lies_in("/srv", "/srv") && lies_in("/var/run/x", "/run"));
        assert!(!lies_in("/srv/database", "/srv/data") && !lies_in("/srv", "/srv/data"));
    }
}
