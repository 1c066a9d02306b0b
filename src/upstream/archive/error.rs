//! Why an archive was not passed on, in words for the person who sent it.

use std::fmt;
use std::io;

/// An archive that is not passed on, or not further.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not a plain tar. Engines before 29.5.1 started a decompressor found inside the container (CVE-2026-41567).
    #[error(
        "the archive is compressed with {0}; send a plain tar, because the engine would unpack it with a program that \
         the container can replace"
    )]
    Compressed(Compression),
    /// One entry broke a rule.
    #[error("the archive's entry `{name}` {reason}")]
    Entry {
        /// The entry's name, printable, cut at 200 characters.
        name: String,
        /// The rule.
        reason: Refusal,
    },
    /// The archive has more entries than [`super::ArchiveBounds::entries`].
    #[error("the archive has more than {limit} entries, which is the most that one upload may carry; send it in parts")]
    TooManyEntries {
        /// The bound.
        limit: u64,
    },
    /// The archive has more content than [`super::ArchiveBounds::bytes`].
    #[error(
        "the archive holds more than {limit} bytes of content, which is the most that one upload may carry; send it \
         in parts"
    )]
    TooLarge {
        /// The bound.
        limit: u64,
    },
    /// The input is no tar, or one that two readers could understand differently.
    #[error(
        "the archive cannot be read: {problem}, in the block at byte {offset}; send a whole, plain POSIX or GNU tar"
    )]
    Malformed {
        /// Where the block begins in the client's archive, in bytes.
        offset: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The client's bytes could not be read.
    #[error("the archive could not be read from the client")]
    Io(#[source] io::Error),
}

/// The rule that an entry broke. Reads on after "the archive's entry `NAME` ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A type of entry that is known and never copied in.
    #[error("is {0}; only files, folders, symbolic links and hard links are copied in")]
    Kind(&'static str),
    /// A type flag that no format defines.
    #[error("has the unknown type flag `{0}`; only files, folders, symbolic links and hard links are copied in")]
    UnknownKind(String),
    /// No name at all.
    #[error("has an empty name; give it one, or `./` for the folder that the archive is unpacked in")]
    EmptyName,
    /// A NUL byte in a name or link target.
    #[error("has a NUL byte in its name or link target")]
    NulByte,
    /// A name or link target beyond 4096 bytes.
    #[error("has a name or link target longer than 4096 bytes, which is the longest that Linux opens")]
    NameTooLong,
    /// A `..` component.
    #[error("has `..` in its name or hard link target; write the path without going up")]
    ParentFolder,
    /// A slash at the end of what is not a folder.
    #[error("is no folder, but its name says so; drop the slash at its end")]
    TrailingSlash,
    /// The archive's root as a file or link.
    #[error("is the archive's root, which can only be a folder")]
    Root,
    /// A symbolic link without a target, or a hard link to the root.
    #[error("is a link without a target")]
    EmptyTarget,
    /// A relative symbolic link that leaves the archive's root.
    #[error(
        "is a symbolic link to `{0}`, above the archive's root; a relative link must stay below it, an absolute one means the container's root"
    )]
    SymlinkLeaves(String),
    /// A hard link to anything but an earlier file.
    #[error(
        "is a hard link to `{0}`, which is no file that came earlier in this archive; send the file first, or a copy"
    )]
    HardLinkTarget(String),
    /// A path below a symbolic link of the same archive.
    #[error("has a path that goes through `{0}`, a symbolic link of this archive; name the place that the link means")]
    ThroughSymlink(String),
    /// A path below a file of the same archive.
    #[error("has a path that goes through `{0}`, a file of this archive")]
    ThroughFile(String),
    /// The same path twice, as different things.
    #[error("came before as something else; a path may come again only as what it was")]
    ChangesKind,
    /// Content behind a folder or link.
    #[error("is a folder or link that claims content; only files have any")]
    HasContent,
    /// An owner or group that Linux cannot hold.
    #[error("has an owner or group out of range; IDs go from 0 to 4294967294")]
    Owner,
    /// An owner's or group's name beyond 256 bytes.
    #[error("has an owner or group name longer than 256 bytes")]
    OwnerName,
    /// A size in the extended header that contradicts the header's own.
    #[error("has two different sizes, one in its header and one in its extended header")]
    TwoSizes,
    /// A name or link target from a GNU header and from an extended header.
    #[error("has two long names or link targets, a GNU one and an extended (PAX) one; send one of them")]
    TwoNames,
    /// An extended record that is not known.
    #[error(
        "has the unknown extended (PAX) record `{0}`; names, link targets, sizes, times, owners and attributes are understood"
    )]
    UnknownRecord(String),
    /// A global record other than a comment.
    #[error("sets `{0}` for the whole archive; a global (PAX) header may carry a comment only")]
    GlobalRecord(String),
    /// Extended headers beyond 64 KiB.
    #[error("has extended headers of more than 65536 bytes")]
    ExtensionTooLong,
}

/// A compression that engines detect and undo by themselves (moby, `pkg/archive`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// RFC 8878, with its skippable frames.
    Zstd,
}

impl Compression {
    /// The compression that these first bytes of an archive announce.
    pub(super) fn detect(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        })
    }
}

/// What a header or record is refused for, before it is known where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The block is unreadable or ambiguous.
    Malformed(&'static str),
    /// The entry breaks a rule.
    Refused(Refusal),
}

impl Problem {
    /// Says where: the offset of the header's block, and the name as far as it is known.
    pub(super) fn at(self, offset: u64, name: &[u8]) -> ArchiveError {
        match self {
            Self::Malformed(problem) => ArchiveError::Malformed { offset, problem },
            Self::Refused(reason) => ArchiveError::Entry { name: printable(name), reason },
        }
    }
}

impl From<Refusal> for Problem {
    fn from(reason: Refusal) -> Self {
        Self::Refused(reason)
    }
}

/// Bytes from an archive as one line that a terminal shows as it is, cut at 200 characters.
pub(super) fn printable(bytes: &[u8]) -> String {
    let start = bytes.get(..PRINTED * 4).unwrap_or(bytes);
    let whole: String = String::from_utf8_lossy(start).chars().flat_map(shown).collect();
    if whole.chars().count() <= PRINTED && start.len() == bytes.len() {
        return whole;
    }
    whole.chars().take(PRINTED - 1).chain(['…']).collect()
}

/// A character, or its escape where it could steer a terminal or change how the text around it reads.
fn shown(character: char) -> Box<dyn Iterator<Item = char>> {
    let steers = character.is_control()
        || matches!(character, '`' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    if steers { Box::new(character.escape_unicode()) } else { Box::new(std::iter::once(character)) }
}

/// Characters of a name that an error shows.
const PRINTED: usize = 200;
