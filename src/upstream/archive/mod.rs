//! Archives that go into containers: read entry by entry, judged, and written anew.
//!
//! The client's bytes never reach the engine. A plain tar is read with a strict reader of our own, every entry is
//! held against the rules below, and a new tar is written from what was understood. It must never hold a whole
//! archive in memory, never pass on a field that it did not read, and never guess where tar readers disagree.
//!
//! Kept: files, folders, symbolic links and hard links; permission bits **including setuid, setgid and sticky**,
//! owner, group and modification time, because they act inside the container only and the engine keeps them too;
//! the extended attributes `security.capability` and `user.*` (not `user.overlay.*`, `user.fuseoverlayfs.*` and
//! `user.containers.*`, which steer the file systems under a container). Dropped: file type bits in the mode (Go's
//! `archive/tar` would turn them into devices), access and change times, comments, all other extended attributes,
//! ACLs and notes about the file system that the archive came from. Everything else is refused.
//!
//! The end: Go's `archive/tar`, with which engines read, takes two zero blocks, one zero block at the end of the
//! input, or the end of the input where a header would begin, as the end of an archive. So does this reader. Unlike
//! Go it also reads what follows the end marker, and wants nothing but zero blocks there (writers pad to records of
//! 10 KiB), at most 1 MiB of them. The new archive always ends with two zero blocks.
//!
//! An archive is judged while it passes. The engine may therefore have unpacked the entries before a refused one;
//! the new archive then ends without its end marker, and the caller must break the request off.

mod error;
mod header;
mod judge;
mod name;
mod pax;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{Stream, try_unfold};
use tokio::io::AsyncRead;

pub use self::error::{ArchiveError, Compression, Refusal};

/// How much one archive may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveBounds {
    /// Bytes of content: files and extended headers, without headers and padding. Default 1 GiB.
    pub bytes: u64,
    /// Entries, with global headers counted as entries. Default 100 000.
    pub entries: u64,
}

impl Default for ArchiveBounds {
    fn default() -> Self {
        Self { bytes: 1024 * 1024 * 1024, entries: 100_000 }
    }
}

/// Reads a tar from `input` and yields the newly written tar in chunks of at most 64 KiB.
///
/// Nothing is read before the stream is polled, and nothing after it is dropped: no task runs beside it. It holds at
/// most 64 KiB of extended header, two chunks, and 16 bytes and a mark for each entry (never its name).
///
/// # Errors
/// The first refused entry, unreadable header, passed bound or failed read yields one [`ArchiveError`] and ends the
/// stream. Bytes that were read but not yet yielded are then dropped.
pub fn re_encode<R: AsyncRead + Unpin + Send + 'static>(input: R, bounds: ArchiveBounds) -> ReEncoded {
    let reader = read::Reader::new(input, bounds);
    let chunks = try_unfold(reader, |mut reader| async move { Ok(reader.chunk().await?.map(|chunk| (chunk, reader))) });
    ReEncoded { chunks: Box::pin(chunks) }
}

/// The new archive, a stream of chunks; see [`re_encode`].
pub struct ReEncoded {
    chunks: Pin<Box<dyn Stream<Item = Result<Bytes, ArchiveError>> + Send>>,
}

impl Stream for ReEncoded {
    type Item = Result<Bytes, ArchiveError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.as_mut().poll_next(context)
    }
}

impl fmt::Debug for ReEncoded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ReEncoded").finish_non_exhaustive()
    }
}

/// Headers and contents are laid out in blocks of this many bytes (POSIX pax, "ustar Interchange Format").
const BLOCK: usize = 512;

/// The longest name or link target, in bytes: Linux' `PATH_MAX`.
const NAME_LIMIT: usize = 4096;

/// The longest extended header, in bytes. Go's reader stops at 1 MiB; names, owners and a few attributes need less.
const EXTENSION_LIMIT: usize = 64 * 1024;
