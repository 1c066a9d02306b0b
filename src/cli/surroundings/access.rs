//! Who can open a socket: this process, or another user as the modes of the file and of its directories say.
//!
//! Must never connect to find out: a connection is seen by the engine, and the answer for another user would be wrong.

use std::fmt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};

/// Who would open a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Visitor {
    /// The user of this process, with all that it may.
    Myself,
    /// Another user, by numbers.
    Other {
        /// The user.
        uid: u32,
        /// All groups, the primary one included.
        groups: Vec<u32>,
    },
}

/// Owner, group and mode of a file.
#[derive(Debug, Clone, Copy)]
struct Rights {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl Visitor {
    /// The user with this number, with the groups that `/etc/passwd` and `/etc/group` name for it.
    pub(in crate::cli) fn with_uid(uid: u32) -> Self {
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self::Other { uid, groups: groups_of(uid, &text("/etc/passwd"), &text("/etc/group")) }
    }

    /// The user's number.
    pub(in crate::cli) fn uid(&self) -> u32 {
        match self {
            Self::Myself => rustix::process::geteuid().as_raw(),
            Self::Other { uid, groups: _ } => *uid,
        }
    }

    /// Whether this user may connect to the socket: write to it, and pass every directory before it (unix(7)).
    pub(in crate::cli) fn can_open(&self, socket: &Path) -> bool {
        match self {
            Self::Myself => accessat(CWD, socket, Access::WRITE_OK, AtFlags::EACCESS).is_ok(),
            Self::Other { uid, groups } => {
                let Ok(real) = socket.canonicalize() else { return false };
                real.ancestors().skip(1).all(|directory| allows(*uid, groups, directory, EXECUTE))
                    && allows(*uid, groups, &real, WRITE)
            }
        }
    }
}

impl fmt::Display for Visitor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Myself => write!(formatter, "this user (uid {})", self.uid()),
            Self::Other { uid, groups: _ } => write!(formatter, "uid {uid}"),
        }
    }
}

/// Whether it is a socket, also at the end of links.
pub(super) fn is_socket(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_socket())
}

fn allows(uid: u32, groups: &[u32], path: &Path, right: u32) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    Rights { uid: metadata.uid(), gid: metadata.gid(), mode: metadata.mode() }.allow(uid, groups, right)
}

impl Rights {
    /// The kernel's rule (`path_resolution(7)`): the first class that fits decides, and root passes.
    fn allow(self, uid: u32, groups: &[u32], right: u32) -> bool {
        let Self { uid: owner, gid, mode } = self;
        let class = if owner == uid {
            mode >> 6
        } else if groups.contains(&gid) {
            mode >> 3
        } else {
            mode
        };
        uid == 0 || class & right != 0
    }
}

/// The groups of a user, from the texts of passwd(5) and group(5).
fn groups_of(uid: u32, passwd: &str, group: &str) -> Vec<u32> {
    let number = |field: Option<&str>| field.and_then(|text| text.parse::<u32>().ok());
    let user = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| number(fields.get(2).copied()) == Some(uid));
    let Some(user) = user else { return Vec::new() };
    let name = user.first().copied().unwrap_or_default();
    let member_of = group.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_member = fields.get(3).is_some_and(|members| members.split(',').any(|member| member.trim() == name));
        if is_member { number(fields.get(2).copied()) } else { None }
    });
    number(user.get(3).copied()).into_iter().chain(member_of).collect()
}

const EXECUTE: u32 = 0o1;
const WRITE: u32 = 0o2;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_first_class_that_fits_decides() {
        let socket = Rights { uid: 0, gid: 999, mode: 0o660 };
        assert!(!socket.allow(1000, &[1000], WRITE));
        assert!(socket.allow(1000, &[1000, 999], WRITE));
        assert!(socket.allow(0, &[], WRITE));
        let own = Rights { uid: 1000, gid: 999, mode: 0o060 };
        assert!(!own.allow(1000, &[999], WRITE), "an owner without the right is not helped by its group");
        assert!(Rights { uid: 0, gid: 0, mode: 0o666 }.allow(1000, &[], WRITE));
    }

    #[test]
    fn groups_are_the_primary_one_and_those_that_name_the_user() {
        let passwd = "root:x:0:0::/root:/bin/sh\ndev:x:1000:1000::/home/dev:/bin/sh\n";
        let group = "root:x:0:\ndocker:x:999:ci,dev\nother:x:998:devel\n";
        assert_eq!(groups_of(1000, passwd, group), [1000, 999]);
        assert_eq!(groups_of(4242, passwd, group), [0; 0]);
        assert_eq!(groups_of(1000, "garbage\n::\n", "x"), [0; 0]);
    }

    #[test]
    fn a_directory_that_is_closed_closes_what_is_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let path = inner.join("engine.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        let stranger = Visitor::Other { uid: 54_321, groups: vec![54_321] };
        mode(directory.path(), 0o755);
        mode(&path, 0o666);
        mode(&inner, 0o700);
        assert!(!stranger.can_open(&path));
        mode(&inner, 0o711);
        assert!(stranger.can_open(&path));
        mode(&path, 0o660);
        assert!(!stranger.can_open(&path));
        assert!(Visitor::Myself.can_open(&path));
        assert!(!Visitor::Myself.can_open(&inner.join("nothing")));
    }
}
