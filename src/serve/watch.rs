//! Files that may change under a running broker: the configuration file and the policies.
//!
//! Editors put a new file in the place of the old one, and mounts change what a path leads to, so it is the path that is
//! looked at, again and again, and not an open file. Must never read a file: it says only that one changed.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

/// Files, and how they were when they were last looked at.
#[derive(Debug)]
pub(super) struct Watch {
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
}

/// What differs when a file was written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Watch {
    /// Looks at these files from now on.
    pub(super) fn new(files: Vec<PathBuf>) -> Self {
        let seen = look(&files);
        Self { files, seen }
    }

    /// Takes the files for read as they are now. It has to come before they are read.
    pub(super) fn about_to_read(&mut self) {
        self.seen = look(&self.files);
    }

    /// Looks at these files instead; those among them that were looked at before keep how they were seen.
    pub(super) fn follow(&mut self, files: &[PathBuf]) {
        if self.files == files {
            return;
        }
        let known =
            |file: &PathBuf| self.files.iter().zip(&self.seen).find(|(of, _)| *of == file).map(|(_, seen)| *seen);
        self.seen = files.iter().map(|file| known(file).unwrap_or_else(|| stamp(file))).collect();
        self.files = files.to_vec();
    }

    /// Resolves when a file changed and then rested for a moment. Waiting can be given up at any time.
    pub(super) async fn changed(&self) {
        loop {
            sleep(INTERVAL).await;
            let mut found = look(&self.files);
            if found == self.seen {
                continue;
            }
            loop {
                sleep(REST).await;
                let next = look(&self.files);
                if next == found {
                    break;
                }
                found = next;
            }
            if found != self.seen {
                return;
            }
        }
    }
}

fn look(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(stamp).collect()
}

fn stamp(file: &PathBuf) -> Option<Stamp> {
    let found = std::fs::metadata(file).ok()?;
    Some(Stamp {
        device: found.dev(),
        inode: found.ino(),
        size: found.size(),
        written: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long they have to rest: an editor writes in steps.
const REST: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use tokio::time::timeout;

    use super::*;

    /// Whether a change shows after this happened.
    async fn shows(file: &Path, happens: impl FnOnce()) -> bool {
        let watch = Watch::new(vec![file.to_owned()]);
        happens();
        timeout(INTERVAL + REST * 3, watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn a_file_that_rests_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        fs::write(&file, "x").unwrap();
        assert!(!shows(&file, || drop(fs::read(&file).unwrap())).await);
    }

    #[tokio::test]
    async fn written_replaced_and_gone_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["written", "replaced", "gone"] {
            fs::write(at(name), "x").unwrap();
        }
        let (written, replaced, gone, new) = (at("written"), at("replaced"), at("gone"), at("new"));
        let all = tokio::join!(
            shows(&written, || fs::write(&written, "y").unwrap()),
            shows(&replaced, || {
                fs::write(at("other"), "x").unwrap();
                fs::rename(at("other"), &replaced).unwrap();
            }),
            shows(&gone, || fs::remove_file(&gone).unwrap()),
            shows(&new, || fs::write(&new, "x").unwrap()),
        );
        assert_eq!(all, (true, true, true, true));
    }

    #[test]
    fn what_is_followed_keeps_how_it_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        fs::write(&one, "x").unwrap();
        let mut watch = Watch::new(vec![one.clone()]);
        let before = watch.seen.clone();
        fs::write(&one, "longer").unwrap();
        watch.follow(&[one, other]);
        assert_eq!(watch.seen, [before, vec![None]].concat());
    }
}
