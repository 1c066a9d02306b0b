//! The way of an archive: block after block in, chunk after chunk out.

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::error::{ArchiveError, Compression, Problem, Refusal, printable};
use super::header::{self, Flag, Header};
use super::judge::{Extension, Kind, Seen};
use super::pax::{self, Records};
use super::write::{padding, write_end, write_entry};
use super::{ArchiveBounds, BLOCK, EXTENSION_LIMIT};

/// Reads one archive, and holds what is not yet yielded of the new one.
#[derive(Debug)]
pub(super) struct Reader<R> {
    input: R,
    bounds: ArchiveBounds,
    /// Bytes read so far.
    offset: u64,
    entries: u64,
    /// Content announced so far, in bytes.
    bytes: u64,
    seen: Seen,
    out: BytesMut,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Entry,
    /// In a file, of which `left` of `size` bytes are still to come.
    Content {
        size: u64,
        left: u64,
    },
    Done,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(input: R, bounds: ArchiveBounds) -> Self {
        let (seen, out) = (Seen::default(), BytesMut::new());
        Self { input, bounds, offset: 0, entries: 0, bytes: 0, seen, out, step: Step::Entry }
    }

    /// The next part of the new archive, or nothing when it is complete.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, ArchiveError> {
        while self.out.len() < CHUNK {
            match self.step {
                Step::Entry => self.entry().await?,
                Step::Content { size, left: 0 } => self.pad(size).await?,
                Step::Content { size, left } => self.content(size, left).await?,
                Step::Done if self.out.is_empty() => return Ok(None),
                Step::Done => break,
            }
        }
        let length = self.out.len().min(CHUNK);
        Ok(Some(self.out.split_to(length).freeze()))
    }

    /// Reads headers up to and with the next entry's, and writes that entry's.
    async fn entry(&mut self) -> Result<(), ArchiveError> {
        let mut extension = Extension::default();
        loop {
            let offset = self.offset;
            let Some(block) = self.block().await? else { return self.end(&extension) };
            if block == [0; BLOCK] {
                self.rest().await?;
                return self.end(&extension);
            }
            let header = header::read(&block).map_err(|problem| problem.at(offset, header::claimed_name(&block)))?;
            match header.flag {
                Flag::LongName | Flag::LongLink | Flag::Extended | Flag::Global => {
                    self.extend(&header, &mut extension, offset).await?;
                }
                Flag::File | Flag::Oldest | Flag::HardLink | Flag::Symlink | Flag::Directory => {
                    return self.write(header, extension, offset);
                }
            }
        }
    }

    /// Judges an entry and writes its headers.
    fn write(&mut self, header: Header, extension: Extension, offset: u64) -> Result<(), ArchiveError> {
        self.count()?;
        let name = extension.name(&header).to_vec();
        let entry = self.seen.judge(header, extension).map_err(|problem| problem.at(offset, &name))?;
        if let Kind::File { size } = entry.kind {
            self.spend(size)?;
            self.step = Step::Content { size, left: size };
        }
        write_entry(&entry, &mut self.out).map_err(|reason| ArchiveError::Entry { name: printable(&name), reason })
    }

    /// Reads a header that says something about the next entry. Of each sort there may be one.
    async fn extend(&mut self, header: &Header, extension: &mut Extension, at: u64) -> Result<(), ArchiveError> {
        let content = self.extension_content(header).await?;
        let place = |problem: Problem| problem.at(at, &header.name);
        let twice = match header.flag {
            Flag::LongName => extension.long_name.replace(long_text(content).map_err(place)?).is_some(),
            Flag::LongLink => extension.long_link.replace(long_text(content).map_err(place)?).is_some(),
            Flag::Extended => extension.records.replace(Records::read(&content).map_err(place)?).is_some(),
            Flag::Global => {
                self.count()?;
                pax::check_global(&content).map_err(place)?;
                !extension.is_empty()
            }
            Flag::File | Flag::Oldest | Flag::HardLink | Flag::Symlink | Flag::Directory => true,
        };
        if twice { Err(place(Problem::Malformed("an extended header before it has no entry"))) } else { Ok(()) }
    }

    async fn extension_content(&mut self, header: &Header) -> Result<Vec<u8>, ArchiveError> {
        let length = usize::try_from(header.size).ok().filter(|length| *length <= EXTENSION_LIMIT);
        let Some(length) = length else {
            return Err(Problem::Refused(Refusal::ExtensionTooLong).at(self.offset, &header.name));
        };
        self.spend(header.size)?;
        let mut content = Vec::with_capacity(length.next_multiple_of(BLOCK));
        while content.len() < length {
            let offset = self.offset;
            content.extend(self.block().await?.ok_or_else(|| cut_off(offset))?);
        }
        content.truncate(length);
        Ok(content)
    }

    /// Moves what the client has sent of a file, as far as it fits the chunk.
    async fn content(&mut self, size: u64, left: u64) -> Result<(), ArchiveError> {
        let room = CHUNK - self.out.len();
        let most = usize::try_from(left).unwrap_or(room).min(room);
        self.out.reserve(most);
        let read = self.input.read_buf(&mut (&mut self.out).limit(most)).await.map_err(ArchiveError::Io)?;
        if read == 0 {
            return Err(cut_off(self.offset));
        }
        let read = length(read);
        self.offset = self.offset.saturating_add(read);
        self.step = Step::Content { size, left: left.saturating_sub(read) };
        Ok(())
    }

    /// Reads a file's padding, whatever it holds, and writes zeros.
    async fn pad(&mut self, size: u64) -> Result<(), ArchiveError> {
        let missing = padding(usize::try_from(size % length(BLOCK)).unwrap_or_default());
        let mut block = [0; BLOCK];
        let part = block.get_mut(..missing).unwrap_or_default();
        if fill(&mut self.input, part).await? < missing {
            return Err(cut_off(self.offset));
        }
        self.offset = self.offset.saturating_add(length(missing));
        self.out.put_bytes(0, missing);
        self.step = Step::Entry;
        Ok(())
    }

    /// One whole block, or nothing at the end of the input.
    async fn block(&mut self) -> Result<Option<[u8; BLOCK]>, ArchiveError> {
        let mut block = [0; BLOCK];
        let read = fill(&mut self.input, &mut block).await?;
        if let (0, Some(compression)) = (self.offset, block.get(..read).and_then(Compression::detect)) {
            return Err(ArchiveError::Compressed(compression));
        }
        match read {
            BLOCK => {
                self.offset = self.offset.saturating_add(length(BLOCK));
                Ok(Some(block))
            }
            0 => Ok(None),
            _ => Err(cut_off(self.offset)),
        }
    }

    /// Reads what follows the first block of the end marker.
    async fn rest(&mut self) -> Result<(), ArchiveError> {
        let start = self.offset;
        let mut offset = start;
        while let Some(block) = self.block().await? {
            if block != [0; BLOCK] || self.offset.saturating_sub(start) > PADDING_LIMIT {
                return Err(ArchiveError::Malformed { offset, problem: "something follows the archive's end marker" });
            }
            offset = self.offset;
        }
        Ok(())
    }

    fn end(&mut self, extension: &Extension) -> Result<(), ArchiveError> {
        if !extension.is_empty() {
            let problem = "the archive ends between an extended header and its entry";
            return Err(ArchiveError::Malformed { offset: self.offset, problem });
        }
        write_end(&mut self.out);
        self.step = Step::Done;
        Ok(())
    }

    fn count(&mut self) -> Result<(), ArchiveError> {
        self.entries = self.entries.saturating_add(1);
        let limit = self.bounds.entries;
        if self.entries > limit { Err(ArchiveError::TooManyEntries { limit }) } else { Ok(()) }
    }

    fn spend(&mut self, size: u64) -> Result<(), ArchiveError> {
        self.bytes = self.bytes.saturating_add(size);
        let limit = self.bounds.bytes;
        if self.bytes > limit { Err(ArchiveError::TooLarge { limit }) } else { Ok(()) }
    }
}

/// Fills `part`, or as much of it as there is before the end of the input; gives the number of bytes.
async fn fill<R: AsyncRead + Unpin>(input: &mut R, part: &mut [u8]) -> Result<usize, ArchiveError> {
    let whole = part.len();
    let mut rest = part;
    while !rest.is_empty() {
        // Reading into a slice moves its start.
        if input.read_buf(&mut rest).await.map_err(ArchiveError::Io)? == 0 {
            break;
        }
    }
    Ok(whole - rest.len())
}

/// A GNU long name: the text, with one NUL behind it from most writers.
fn long_text(mut content: Vec<u8>) -> Result<Vec<u8>, Problem> {
    content.pop_if(|last| *last == 0);
    if content.is_empty() {
        return Err(Refusal::EmptyName.into());
    }
    if content.contains(&0) { Err(Refusal::NulByte.into()) } else { Ok(content) }
}

fn cut_off(offset: u64) -> ArchiveError {
    ArchiveError::Malformed { offset, problem: "the archive is cut off" }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The largest chunk of the new archive, in bytes.
const CHUNK: usize = 32 * 1024;

/// The most zeros behind an end marker, in bytes.
const PADDING_LIMIT: u64 = 1024 * 1024;
