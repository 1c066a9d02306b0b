//! Where the writing thread writes: standard output, standard error, or a file that may be rotated under it.
//!
//! Must never create a file that others can read.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{AuditError, Sink};

/// An open sink.
#[derive(Debug)]
pub(super) enum Output {
    Stdout,
    Stderr,
    File { path: PathBuf, file: File },
}

impl Output {
    /// Opens a sink; `None` where records go nowhere.
    pub(super) fn open(sink: &Sink) -> Result<Option<Self>, AuditError> {
        Ok(match sink {
            Sink::Stdout => Some(Self::Stdout),
            Sink::Stderr => Some(Self::Stderr),
            Sink::None => None,
            Sink::File(path) => {
                let file = open(path).map_err(|source| AuditError::Open { path: path.clone(), source })?;
                Some(Self::File { path: path.clone(), file })
            }
        })
    }

    /// What the sink is called in a message.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Stdout => "standard output".to_owned(),
            Self::Stderr => "standard error".to_owned(),
            Self::File { path, .. } => format!("`{}`", path.display()),
        }
    }

    /// Whether a person looks at it who takes colours.
    pub(super) fn takes_colours(&self) -> bool {
        let is_terminal = match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
            Self::File { file, .. } => file.is_terminal(),
        };
        is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Opens the file anew where its path no longer leads to it, or where it was asked for; true when it did.
    pub(super) fn follow_rotation(&mut self, asked: bool) -> io::Result<bool> {
        let Self::File { path, file } = self else { return Ok(false) };
        if !asked && leads_to(path, file) {
            return Ok(false);
        }
        *file = open(path)?;
        Ok(true)
    }

    /// Writes some of the bytes, and says how many.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                let written = stdout.write(bytes)?;
                stdout.flush()?;
                Ok(written)
            }
            Self::Stderr => io::stderr().lock().write(bytes),
            Self::File { file, .. } => file.write(bytes),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn leads_to(path: &Path, file: &File) -> bool {
    match (std::fs::metadata(path), file.metadata()) {
        (Ok(named), Ok(held)) => named.dev() == held.dev() && named.ino() == held.ino(),
        _ => false,
    }
}
