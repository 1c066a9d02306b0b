//! Which sockets are one and the same, whatever they are called.
//!
//! A broker whose engine is its own listener would ask itself for ever, and two listeners on one socket would be one.
//! Must never open a socket: it only looks at names.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::{ConfigError, ListenerConfig};
use crate::upstream::address::Address;

/// Whether names and addresses of listeners differ from each other, and none is the engine's.
///
/// # Errors
/// The first pair that does not differ.
pub fn check(listeners: &[ListenerConfig], upstream: &Address) -> Result<(), ConfigError> {
    for (position, one) in listeners.iter().enumerate() {
        if is_same(one.listen.path(), upstream.path()) {
            let (listen, upstream) = (one.listen.clone(), upstream.clone());
            return Err(ConfigError::OwnUpstream { name: one.name.clone(), listen, upstream });
        }
        for other in listeners.iter().skip(position + 1) {
            if one.name == other.name {
                return Err(ConfigError::SameName(one.name.clone()));
            }
            if is_same(one.listen.path(), other.listen.path()) {
                let (first, second) = (one.name.clone(), other.name.clone());
                return Err(ConfigError::SameAddress { first, second, listen: other.listen.clone() });
            }
        }
    }
    Ok(())
}

/// Whether two paths lead to one socket: by name, when links are followed, or by device and inode.
fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| {
        let found = fs::metadata(path).ok().filter(|found| found.file_type().is_socket())?;
        Some((found.dev(), found.ino()))
    };
    let same_socket = identity(one).is_some_and(|found| identity(other) == Some(found));
    same_socket || resolved(one) == resolved(other)
}

/// The path without links, as far down as it exists.
fn resolved(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|ancestor| {
        let below = path.strip_prefix(ancestor).ok()?;
        Some(ancestor.canonicalize().ok()?.join(below))
    });
    let found = found.unwrap_or_else(|| path.to_owned());
    // joining an empty rest leaves a slash at the end
    found.components().collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn one_socket_is_one_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        symlink(at("real"), at("link")).unwrap();
        let _socket = UnixListener::bind(at("real/e.sock")).unwrap();
        symlink(at("real/e.sock"), at("by-link.sock")).unwrap();
        fs::hard_link(at("real/e.sock"), at("by-inode.sock")).unwrap();
        for other in ["real/e.sock", "link/e.sock", "by-link.sock", "by-inode.sock", "link/../real/e.sock"] {
            assert!(is_same(&at("real/e.sock"), &at(other)), "{other}");
        }
        assert!(is_same(&at("link/none/x.sock"), &at("real/none/x.sock")), "folders that do not exist yet");
        assert!(is_same(Path::new("/nowhere/x"), Path::new("/nowhere/x")));
        for other in ["real/f.sock", "e.sock", "real"] {
            assert!(!is_same(&at("real/e.sock"), &at(other)), "{other}");
        }
    }
}
