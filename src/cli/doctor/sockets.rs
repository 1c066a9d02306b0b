//! The two sockets: the engine's, which the broker has to open, and the broker's own.
//!
//! Must never leave a trace: a socket is connected to and let go of again.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::finding::Finding;

/// What there is at the path of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing.
    Nothing,
    /// Something that is no socket, in words.
    Other(&'static str),
    /// A socket.
    Socket(SocketFile),
    /// It cannot be looked at.
    Hidden(io::ErrorKind),
}

/// A socket and who may open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SocketFile {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The group's name, where `/etc/group` has one.
    pub(super) group: Option<String>,
    /// As in `chmod`.
    pub(super) mode: u32,
    /// Whether this process can connect, and if not, why.
    pub(super) connects: Result<(), io::ErrorKind>,
}

/// The folder of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) uid: u32,
    pub(super) mode: u32,
}

impl Place {
    /// Looks at a path.
    pub(super) fn look(path: &Path) -> Self {
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::Nothing,
            Err(error) => return Self::Hidden(error.kind()),
        };
        if !metadata.file_type().is_socket() {
            return Self::Other(if metadata.is_dir() { "a directory" } else { "a file" });
        }
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        Self::Socket(SocketFile {
            uid: metadata.uid(),
            gid: metadata.gid(),
            group: group_name(metadata.gid(), &groups),
            mode: metadata.mode() & 0o777,
            connects: UnixStream::connect(path).map(drop).map_err(|error| error.kind()),
        })
    }
}

impl Folder {
    /// Looks at the folder that a path is in; `None` where there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = path.parent()?.metadata().ok().filter(std::fs::Metadata::is_dir)?;
        Some(Self { uid: metadata.uid(), mode: metadata.mode() & 0o7777 })
    }
}

/// Whether the broker can open the engine's socket.
pub(super) fn engine_socket(path: &Path, place: &Place) -> Finding {
    let path = path.display();
    let socket = match place {
        Place::Nothing => {
            return Finding::wrong(
                format!("there is no engine socket at `{path}`"),
                "start the engine, or name its socket with --upstream; in a container, mount it there",
            );
        }
        Place::Other(kind) => {
            return Finding::wrong(
                format!("`{path}` is {kind} and not the engine's socket"),
                "an engine makes a directory where it is told to mount what is not there: remove it, and mount the socket",
            );
        }
        Place::Hidden(error) => {
            return Finding::wrong(
                format!("`{path}` cannot be looked at: {error}"),
                "let the broker's user pass the directories that it is in",
            );
        }
        Place::Socket(socket) => socket,
    };
    let SocketFile { uid, gid, group, mode, connects } = socket;
    let named = group.as_ref().map_or_else(|| format!("group {gid}"), |name| format!("group `{name}` ({gid})"));
    match connects {
        Ok(()) => Finding::fine(format!(
            "the engine socket `{path}` can be opened; it is of uid {uid}, {named}, mode 0{mode:03o}"
        )),
        Err(io::ErrorKind::PermissionDenied) if mode & 0o020 == 0 => Finding::wrong(
            format!(
                "the engine socket `{path}` cannot be opened: it is of uid {uid}, {named}, and mode 0{mode:03o} shuts the group out"
            ),
            format!("run the broker as uid {uid}, or give the engine a group for its socket (`dockerd --group`)"),
        ),
        Err(io::ErrorKind::PermissionDenied) => Finding::wrong(
            format!(
                "the engine socket `{path}` cannot be opened: it is of uid {uid}, {named}, mode 0{mode:03o}, and the broker's user is not in that group"
            ),
            format!(
                "put the broker's user into {named}: `DOCKER_GID={gid}` for the compose file, `--group-add {gid}` for `docker run`, `SupplementaryGroups={gid}` for systemd"
            ),
        ),
        Err(io::ErrorKind::ConnectionRefused) => Finding::wrong(
            format!("the engine socket `{path}` is there, but nobody listens on it"),
            "start the engine; a container that mounted the socket of an engine before it was restarted has to be made again",
        ),
        Err(error) => Finding::wrong(
            format!("the engine socket `{path}` cannot be opened: {error}"),
            "see whether the engine runs and --upstream names its socket",
        ),
    }
}

/// Whether the broker can listen, or does, and whether others could take its place. `uid` is this process's.
pub(super) fn listener_socket(path: &Path, place: &Place, folder: Option<Folder>, uid: u32) -> Vec<Finding> {
    let shown = path.display();
    let Some(folder) = folder else {
        return vec![Finding::wrong(
            format!("the folder of the broker's socket `{shown}` is not there"),
            "make it, owned by the broker's user and with mode 0755; systemd does so by `RuntimeDirectory=`",
        )];
    };
    let mut findings = vec![match place {
        Place::Nothing => {
            Finding::note(format!("no broker listens at `{shown}`"), "start one with `docker-broker serve`")
        }
        Place::Other(kind) => Finding::wrong(
            format!("`{shown}` is {kind}, which a broker does not replace"),
            "move it away, or let the broker listen elsewhere (--listen)",
        ),
        Place::Hidden(error) => Finding::wrong(
            format!("`{shown}` cannot be looked at: {error}"),
            "let this user pass the directories that it is in",
        ),
        Place::Socket(socket) => listening(&shown.to_string(), socket, uid),
    }];
    findings.extend(others_could_replace(&shown.to_string(), folder, uid));
    findings
}

fn listening(path: &str, socket: &SocketFile, uid: u32) -> Finding {
    let SocketFile { uid: owner, gid: _, group: _, mode, connects } = socket;
    match connects {
        Ok(()) if *owner != uid && uid != 0 => Finding::note(
            format!("somebody listens at `{path}`, as uid {owner} and not as this user"),
            "a broker of this user would not take its place; is it the broker that is meant?",
        ),
        Ok(()) => Finding::fine(format!(
            "somebody listens at `{path}`, mode 0{mode:03o}; `docker-broker healthcheck` asks it"
        )),
        Err(io::ErrorKind::ConnectionRefused) if *owner != uid && uid != 0 => Finding::wrong(
            format!("a socket of uid {owner} was left at `{path}`, and nobody listens on it"),
            "have that user remove it, for a broker of this user may not be able to",
        ),
        Err(io::ErrorKind::ConnectionRefused) => Finding::note(
            format!("a broker that is gone left its socket at `{path}`"),
            "the next one replaces it; clients get `connection refused` until then",
        ),
        Err(error) => Finding::note(
            format!("the broker's socket `{path}` cannot be opened by this user: {error}"),
            "--socket-mode and --socket-group say who may",
        ),
    }
}

/// A folder that others may write into lets them put a socket of theirs in the place of the broker's.
fn others_could_replace(path: &str, folder: Folder, uid: u32) -> Option<Finding> {
    let Folder { uid: owner, mode } = folder;
    let is_sticky = mode & 0o1000 != 0;
    let advice = "make it writable for the broker's user alone (`chmod 0755`)";
    if mode & 0o022 != 0 && !is_sticky {
        let what = format!(
            "others may write into the folder of `{path}` (mode 0{mode:03o}), and so put a socket of theirs in its place"
        );
        return Some(Finding::wrong(what, advice));
    }
    if owner != uid && owner != 0 {
        let what = format!("the folder of `{path}` is of uid {owner}, who can put another socket in its place");
        return Some(Finding::doubtful(what, "give it to the broker's user or to root"));
    }
    None
}

/// A group's name in the text of group(5).
fn group_name(gid: u32, groups: &str) -> Option<String> {
    let number = gid.to_string();
    let fields = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut found = fields.filter(|fields| fields.get(2) == Some(&number.as_str()));
    found.next().and_then(|fields| fields.first().map(|name| (*name).to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::super::finding::Severity;
    use super::*;

    fn socket(mode: u32, connects: Result<(), io::ErrorKind>) -> Place {
        Place::Socket(SocketFile { uid: 0, gid: 999, group: Some("docker".into()), mode, connects })
    }

    fn engine(place: &Place) -> Finding {
        engine_socket(Path::new("/var/run/docker.sock"), place)
    }

    #[test]
    fn a_socket_that_cannot_be_opened_is_named_with_its_group_and_the_fix() {
        let found = engine(&socket(0o660, Err(io::ErrorKind::PermissionDenied)));
        assert_eq!(found.severity, Severity::Wrong);
        assert!(
            found.what.contains("`/var/run/docker.sock`") && found.what.contains("group `docker` (999)"),
            "{found:?}"
        );
        assert!(found.advice.contains("DOCKER_GID=999"), "{found:?}");
        let found = engine(&socket(0o600, Err(io::ErrorKind::PermissionDenied)));
        assert!(found.what.contains("shuts the group out") && !found.advice.contains("DOCKER_GID"), "{found:?}");
    }

    #[test]
    fn what_is_there_instead_of_an_engine_is_said() {
        for place in [
            Place::Nothing,
            Place::Other("a directory"),
            Place::Hidden(io::ErrorKind::PermissionDenied),
            socket(0o660, Err(io::ErrorKind::ConnectionRefused)),
            socket(0o660, Err(io::ErrorKind::TimedOut)),
        ] {
            let found = engine(&place);
            assert!(found.severity == Severity::Wrong && !found.advice.is_empty(), "{found:?}");
        }
        assert_eq!(engine(&socket(0o660, Ok(()))).severity, Severity::Fine);
    }

    fn listener(place: &Place, folder: Option<Folder>) -> Vec<Severity> {
        let found = listener_socket(Path::new("/run/docker-broker/docker.sock"), place, folder, 1000);
        found.into_iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn a_folder_that_others_may_write_into_is_wrong_unless_it_is_sticky() {
        let folder = |uid, mode| Some(Folder { uid, mode });
        assert_eq!(listener(&Place::Nothing, folder(1000, 0o755)), [Severity::Note]);
        assert_eq!(listener(&Place::Nothing, folder(1000, 0o777)), [Severity::Note, Severity::Wrong]);
        assert_eq!(listener(&Place::Nothing, folder(1000, 0o775)), [Severity::Note, Severity::Wrong]);
        assert_eq!(listener(&Place::Nothing, folder(0, 0o1777)), [Severity::Note]);
        assert_eq!(listener(&Place::Nothing, folder(1001, 0o755)), [Severity::Note, Severity::Doubtful]);
        assert_eq!(listener(&Place::Nothing, None), [Severity::Wrong]);
    }

    #[test]
    fn a_socket_of_somebody_else_and_what_is_no_socket_are_told_apart() {
        let folder = Some(Folder { uid: 0, mode: 0o755 });
        assert_eq!(listener(&Place::Other("a file"), folder), [Severity::Wrong]);
        assert_eq!(listener(&socket(0o600, Err(io::ErrorKind::ConnectionRefused)), folder), [Severity::Wrong]);
        assert_eq!(listener(&socket(0o666, Ok(())), folder), [Severity::Note]);
        let own = |connects| Place::Socket(SocketFile { uid: 1000, gid: 1000, group: None, mode: 0o600, connects });
        assert_eq!(listener(&own(Ok(())), folder), [Severity::Fine]);
        assert_eq!(listener(&own(Err(io::ErrorKind::ConnectionRefused)), folder), [Severity::Note]);
    }

    #[test]
    fn a_place_is_seen_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        assert_eq!(Place::look(&path), Place::Nothing);
        assert_eq!(Place::look(directory.path()), Place::Other("a directory"));
        let listener = UnixListener::bind(&path).unwrap();
        let Place::Socket(found) = Place::look(&path) else { panic!("a socket") };
        assert_eq!(found.connects, Ok(()));
        drop(listener);
        let Place::Socket(found) = Place::look(&path) else { panic!("a socket") };
        assert_eq!(found.connects, Err(io::ErrorKind::ConnectionRefused));
        assert_eq!(group_name(999, "root:x:0:\ndocker:x:999:dev\n"), Some("docker".into()));
        assert_eq!(group_name(9, "docker:x:999:dev\n"), None);
    }
}
