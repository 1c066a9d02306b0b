//! Names inside an archive: relative, without `.`, `..` and doubled slashes.

use super::NAME_LIMIT;
use super::error::{Refusal, printable};

/// A path below the archive's root, its components joined by single slashes; empty for the root itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(Vec<u8>);

impl Name {
    /// Reads an entry's name or a hard link's target. Absolute names are made relative, as engines do.
    ///
    /// # Errors
    /// An empty name, a NUL, a `..`, or more than 4096 bytes.
    pub(super) fn read(raw: &[u8]) -> Result<Self, Refusal> {
        if raw.is_empty() {
            return Err(Refusal::EmptyName);
        }
        if raw.contains(&0) {
            return Err(Refusal::NulByte);
        }
        let components: Vec<&[u8]> = components(raw).collect();
        if components.contains(&b"..".as_slice()) {
            return Err(Refusal::ParentFolder);
        }
        let name = components.join(&b'/');
        if name.len() > NAME_LIMIT {
            return Err(Refusal::NameTooLong);
        }
        Ok(Self(name))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn components(&self) -> impl Iterator<Item = &[u8]> {
        components(&self.0)
    }

    /// Checks the target of a symbolic link that stands at this name. Absolute targets mean the container's own root.
    ///
    /// # Errors
    /// An empty target, a NUL, more than 4096 bytes, or a relative one that leaves the archive's root.
    pub(super) fn check_symlink(&self, target: &[u8]) -> Result<(), Refusal> {
        if target.is_empty() {
            return Err(Refusal::EmptyTarget);
        }
        if target.contains(&0) {
            return Err(Refusal::NulByte);
        }
        if target.len() > NAME_LIMIT {
            return Err(Refusal::NameTooLong);
        }
        if target.starts_with(b"/") {
            return Ok(());
        }
        let folder = self.components().count().saturating_sub(1);
        let end = components(target).try_fold(folder, |depth, component| match component {
            b".." => depth.checked_sub(1),
            _ => Some(depth + 1),
        });
        end.map(|_| ()).ok_or_else(|| Refusal::SymlinkLeaves(printable(target)))
    }
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|component| !component.is_empty() && *component != b".")
}
