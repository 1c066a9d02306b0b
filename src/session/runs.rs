//! The folders and lock files of `run`: which runs live, and which ended without taking away what they made.
//!
//! Each run has a file `NAME.lock` that its process holds locked for as long as it lives, and that says which instance on
//! which engine it is. A file whose lock is free is that of a dead run: whoever takes the lock takes away what is left of
//! it, and then the file; the lock keeps two from doing so at once. Must never trust a folder that another user could
//! have made, and never take the lock of a living run.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::upstream::address::Address;

/// The folders in which runs of this user may have left their files; the first one takes new ones.
#[derive(Debug, Clone)]
pub struct RunFolders(Vec<PathBuf>);

/// A place for one run, before it is taken.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    instance: String,
}

/// A run of this process: its lock is held until this is dropped.
#[derive(Debug)]
pub struct Run {
    /// Its own folder, which nobody else can enter.
    folder: PathBuf,
    lock: PathBuf,
    _held: File,
}

/// A run whose process is gone, and whose lock is held by this process now.
#[derive(Debug)]
pub struct DeadRun {
    /// Its instance: all that it made belongs to it.
    pub instance: String,
    /// Its engine.
    pub upstream: Address,
    /// Whether that engine is another broker, which takes away what its clients leave behind.
    pub behind_broker: bool,
    run: Run,
}

/// Why there is no place for a run.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderError {
    /// None of the folders can be used.
    #[error(
        "there is no folder for the broker's private socket: {reasons}; set XDG_RUNTIME_DIR to a folder of your own"
    )]
    NoFolder {
        /// Each folder and what is wrong with it.
        reasons: String,
    },
    /// The file system said no.
    #[error("cannot {what} `{}`", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// What stands in a lock file.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    instance: String,
    upstream: String,
    behind_broker: bool,
    pid: u32,
}

impl RunFolders {
    /// The folders below the user's runtime directory, if there is one, and below those for temporary files.
    #[must_use]
    pub fn below(runtime: Option<&Path>, temporary: &[&Path]) -> Self {
        let own = format!("docker-broker-{}", rustix::process::geteuid().as_raw());
        let runtime = runtime.filter(|path| path.is_absolute()).map(|path| path.join("docker-broker"));
        let mut folders: Vec<PathBuf> = runtime.into_iter().collect();
        for path in temporary.iter().map(|path| path.join(&own)) {
            if !folders.contains(&path) {
                folders.push(path);
            }
        }
        Self(folders)
    }

    /// The folders of the user of this process, as its environment names them.
    #[must_use]
    pub fn of_this_process() -> Self {
        let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let temporary = named("TMPDIR").unwrap_or_else(|| PathBuf::from(TEMPORARY));
        Self::below(named("XDG_RUNTIME_DIR").as_deref(), &[&temporary, Path::new(TEMPORARY)])
    }

    /// A place for the run of an instance, in the first folder that can be used. An instance's name has no `/`.
    ///
    /// # Errors
    /// When no folder can be used.
    pub fn place(&self, instance: &str) -> Result<Place, RunFolderError> {
        let folder = self.first_usable()?.to_owned();
        Ok(Place { folder, instance: instance.to_owned() })
    }

    /// The runs whose process is gone. Each is held by whoever found it, until it is dropped or ended.
    #[must_use]
    pub fn dead(&self) -> Vec<DeadRun> {
        let usable = self.0.iter().filter(|folder| is_own(folder).is_ok());
        let entries = usable.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        entries.filter_map(|entry| look_at(&entry.path())).collect()
    }

    fn first_usable(&self) -> Result<&Path, RunFolderError> {
        let mut reasons = Vec::new();
        for folder in &self.0 {
            match has_room(folder).and_then(|()| make(folder)).and_then(|()| is_own(folder)) {
                Ok(()) => return Ok(folder),
                Err(error) => reasons.push(format!("`{}`: {error}", folder.display())),
            }
        }
        Err(RunFolderError::NoFolder { reasons: reasons.join(", ") })
    }
}

impl Place {
    /// Where the run's broker will listen.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join(&self.instance).join(SOCKET)
    }

    /// Locks the run and makes its folder.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub fn take(self, upstream: &Address, behind_broker: bool) -> Result<Run, RunFolderError> {
        let Self { folder, instance } = self;
        let (begun, lock) = (folder.join(format!("{instance}.new")), folder.join(format!("{instance}.lock")));
        let own = folder.join(&instance);
        let note = Note { instance, upstream: upstream.to_string(), behind_broker, pid: std::process::id() };
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(&begun);
        let mut held = opened.map_err(failed("make the lock file", &begun))?;
        flock(&held, FlockOperation::NonBlockingLockExclusive).map_err(|error| failed("lock", &begun)(error.into()))?;
        let text = serde_json::to_string(&note).unwrap_or_default();
        held.write_all(text.as_bytes()).map_err(failed("write", &begun))?;
        // nobody sees the file before it is locked and whole
        fs::rename(&begun, &lock).map_err(failed("put into its place", &begun))?;
        DirBuilder::new().mode(0o700).create(&own).map_err(failed("make the folder", &own))?;
        Ok(Run { folder: own, lock, _held: held })
    }
}

impl Run {
    /// Takes its files away: nothing of it is left on the engine.
    pub fn end(self) {
        let _ = fs::remove_dir_all(&self.folder);
        if let Err(error) = fs::remove_file(&self.lock) {
            tracing::warn!(file = %self.lock.display(), %error, "the lock file of a run could not be removed");
        }
    }
}

impl DeadRun {
    /// Takes its files away: nothing of it is left on the engine.
    pub fn end(self) {
        self.run.end();
    }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunFolderError + use<> {
    let path = path.to_owned();
    move |source| RunFolderError::Io { what, path, source }
}

/// The path of a socket has at most 107 bytes; see unix(7).
fn has_room(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().len() <= LONGEST_FOLDER {
        Ok(())
    } else {
        Err(io::Error::other("its path is too long for a socket"))
    }
}

fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A folder, not a link to one, of this user, that nobody else may enter. In a place where others may write, as `/tmp`,
/// the sticky bit keeps it from being exchanged afterwards.
fn is_own(folder: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(folder)?;
    let odd = if !metadata.is_dir() {
        "it is no folder"
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        "it is another user's"
    } else if metadata.mode() & 0o077 != 0 {
        "others may enter it; take that away with chmod 0700"
    } else {
        return Ok(());
    };
    Err(io::Error::other(odd))
}

/// The dead run that a file is of, if it is the lock file of one.
fn look_at(path: &Path) -> Option<DeadRun> {
    match path.extension()?.to_str()? {
        "lock" => {}
        "new" => {
            forget_unfinished(path);
            return None;
        }
        _ => return None,
    }
    let file = take(path)?;
    let mut text = String::new();
    (&file).take(LONGEST_NOTE).read_to_string(&mut text).ok()?;
    let folder = path.with_extension("");
    let run = Run { folder, lock: path.to_owned(), _held: file };
    match read(&text) {
        Some((note, upstream)) => {
            Some(DeadRun { instance: note.instance, upstream, behind_broker: note.behind_broker, run })
        }
        None => {
            tracing::warn!(file = %path.display(), "this lock file of a run cannot be read; it is left alone");
            None
        }
    }
}

fn read(text: &str) -> Option<(Note, Address)> {
    let note: Note = serde_json::from_str(text).ok()?;
    let upstream = Address::parse(&note.upstream).ok()?;
    // an instance is what stands before the first `/` of an owner
    let plain = !note.instance.is_empty() && !note.instance.contains('/');
    plain.then_some((note, upstream))
}

/// Opens a lock file and takes its lock; none where its process lives, or where somebody else has ended it meanwhile.
fn take(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    (file.metadata().ok()?.nlink() > 0).then_some(file)
}

/// Removes a file that a run began and never finished.
fn forget_unfinished(path: &Path) {
    let old = |file: &File| file.metadata()?.modified()?.elapsed().map_err(io::Error::other);
    let is_over = |file: &File| old(file).is_ok_and(|age| age > UNFINISHED);
    if take(path).is_some_and(|file| is_over(&file)) {
        let _ = fs::remove_file(path);
    }
}

const TEMPORARY: &str = "/tmp";

const SOCKET: &str = "docker.sock";

/// Bytes of a folder's path, with room for the run's own folder and its socket.
const LONGEST_FOLDER: usize = 70;

/// A run makes its lock file within less than this.
const UNFINISHED: Duration = Duration::from_secs(60);

/// Bytes: more is no note of ours.
const LONGEST_NOTE: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn engine() -> Address {
        Address::parse("/run/engine.sock").unwrap()
    }

    fn folders() -> (tempfile::TempDir, RunFolders) {
        let place = tempfile::tempdir().unwrap();
        let folders = RunFolders::below(Some(place.path()), &[&place.path().join("none").join("tmp")]);
        (place, folders)
    }

    #[test]
    fn a_folder_that_somebody_else_could_have_made_is_not_used() {
        let (place, folders) = folders();
        let folder = place.path().join("docker-broker");
        symlink("/tmp", &folder).unwrap();
        let error = folders.place("run-1").unwrap_err().to_string();
        assert!(error.contains("it is no folder") && error.contains("XDG_RUNTIME_DIR"), "{error}");
        fs::remove_file(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o770)).unwrap();
        let error = folders.place("run-1").unwrap_err().to_string();
        assert!(error.contains("others may enter it"), "{error}");
    }

    #[test]
    fn a_living_run_is_not_dead_and_a_dropped_one_is_found_once_at_a_time() {
        let (place, folders) = folders();
        let run = folders.place("run-1").unwrap().take(&engine(), false).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&run.folder), mode(&run.lock)), (0o700, 0o600));
        assert!(folders.dead().is_empty(), "it lives");
        drop(run);
        let dead = folders.dead();
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].instance.as_str(), &dead[0].upstream), ("run-1", &engine()));
        assert!(folders.dead().is_empty(), "somebody is at it");
        drop(dead);
        folders.dead().into_iter().for_each(DeadRun::end);
        assert!(folders.dead().is_empty());
        assert_eq!(fs::read_dir(place.path().join("docker-broker")).unwrap().count(), 0, "no file is left");
    }

    #[test]
    fn files_that_are_no_notes_are_left_alone() {
        let (place, folders) = folders();
        folders.place("run-1").unwrap().take(&engine(), false).unwrap().end();
        let folder = place.path().join("docker-broker");
        for (name, text) in [
            ("junk.lock", "junk"),
            ("empty.lock", ""),
            ("slash.lock", r#"{"instance":"a/b","upstream":"unix:///e","behind_broker":false,"pid":1}"#),
            ("tcp.lock", r#"{"instance":"a","upstream":"tcp://e","behind_broker":false,"pid":1}"#),
            ("fresh.new", ""),
            ("other", ""),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        assert!(folders.dead().is_empty());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 6);
    }

    #[test]
    fn of_many_who_look_at_once_one_finds_it() {
        let (_place, folders) = folders();
        for round in 0..20 {
            drop(folders.place(&format!("run-{round}")).unwrap().take(&engine(), false).unwrap());
            #[expect(clippy::needless_collect, reason = "all have to be started before one is waited for")]
            let finders: Vec<_> = (0..4)
                .map(|_| {
                    let folders = folders.clone();
                    std::thread::spawn(move || {
                        let found = folders.dead();
                        let count = found.len();
                        found.into_iter().for_each(DeadRun::end);
                        count
                    })
                })
                .collect();
            let found: usize = finders.into_iter().map(|finder| finder.join().unwrap()).sum();
            assert_eq!(found, 1, "round {round}");
        }
    }
}
