//! One header block, read strictly: a field that tar readers understand differently is refused.
//!
//! Layouts: POSIX pax, "ustar Interchange Format", and the GNU tar manual, "Basic Tar Format".

use super::BLOCK;
use super::error::{Problem, Refusal};
use super::pax::Time;

/// What a header says, before extended headers are laid over it.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) flag: Flag,
    /// Name with the ustar prefix in front of it.
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// The permission bits, 0 to 0o7777.
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) size: u64,
    pub(super) mtime: Time,
    pub(super) uname: Vec<u8>,
    pub(super) gname: Vec<u8>,
}

/// The type flags that are read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    File,
    /// NUL, the first tar's only type: a folder when the name ends with a slash.
    Oldest,
    HardLink,
    Symlink,
    Directory,
    /// GNU `L`: the name of the next entry.
    LongName,
    /// GNU `K`: the link target of the next entry.
    LongLink,
    /// PAX `x`: records for the next entry.
    Extended,
    /// PAX `g`: records for all entries that follow.
    Global,
}

enum Format {
    Oldest,
    Posix,
    Gnu,
}

/// Reads a header block.
///
/// # Errors
/// A wrong checksum, an ambiguous field, or a type of entry that is never copied in.
pub(super) fn read(block: &[u8; BLOCK]) -> Result<Header, Problem> {
    check_sum(block)?;
    let format = read_format(block)?;
    let flag = read_flag(field(block, 156, 1))?;
    check_rest(block, &format)?;
    let (uname, gname) = match format {
        Format::Oldest => (Vec::new(), Vec::new()),
        Format::Posix | Format::Gnu => (text(block, 265, 32)?, text(block, 297, 32)?),
    };
    Ok(Header {
        flag,
        name: read_name(block, &format)?,
        link: text(block, 157, 100)?,
        mode: read_mode(field(block, 100, 8))?,
        uid: positive(field(block, 108, 8), "its owner is no number")?,
        gid: positive(field(block, 116, 8), "its group is no number")?,
        size: positive(field(block, 124, 12), "its size is no number")?,
        mtime: number(field(block, 136, 12))
            .map(Time::from_seconds)
            .ok_or(Problem::Malformed("its time is no number"))?,
        uname,
        gname,
    })
}

/// The name field of a block that could not be read, for the error.
pub(super) fn claimed_name(block: &[u8; BLOCK]) -> &[u8] {
    field(block, 0, 100).split(|byte| *byte == 0).next().unwrap_or_default()
}

/// POSIX sums unsigned bytes. Some readers also take the sum of signed bytes; a block that only fits that is refused.
fn check_sum(block: &[u8; BLOCK]) -> Result<(), Problem> {
    let whole: i64 = block.iter().map(|byte| i64::from(*byte)).sum();
    let stored = field(block, 148, 8);
    let own: i64 = stored.iter().map(|byte| i64::from(*byte)).sum();
    let blank = 8 * i64::from(b' ');
    match octal(stored) {
        Some(sum) if sum == whole - own + blank => Ok(()),
        Some(_) | None => Err(Problem::Malformed("no tar header stands there (its checksum is wrong)")),
    }
}

/// The last two bytes of the magic are a version that only some writers fill as POSIX says.
fn read_format(block: &[u8; BLOCK]) -> Result<Format, Problem> {
    match field(block, 257, 8) {
        b"ustar\x0000" | b"ustar\0 \0" | b"ustar\0  " | b"ustar\0\0\0" => Ok(Format::Posix),
        b"ustar  \0" => Ok(Format::Gnu),
        [0, 0, 0, 0, 0, 0, 0, 0] => Ok(Format::Oldest),
        _ => Err(Problem::Malformed("its format is unknown")),
    }
}

fn read_flag(flag: &[u8]) -> Result<Flag, Problem> {
    let refused = |kind| Err(Problem::Refused(Refusal::Kind(kind)));
    match flag {
        b"0" => Ok(Flag::File),
        [0] => Ok(Flag::Oldest),
        b"1" => Ok(Flag::HardLink),
        b"2" => Ok(Flag::Symlink),
        b"5" => Ok(Flag::Directory),
        b"L" => Ok(Flag::LongName),
        b"K" => Ok(Flag::LongLink),
        b"x" => Ok(Flag::Extended),
        b"g" => Ok(Flag::Global),
        b"3" => refused("a character device"),
        b"4" => refused("a block device"),
        b"6" => refused("a fifo"),
        b"7" => refused("a contiguous file"),
        b"S" => refused("a sparse file"),
        b"D" => refused("a GNU folder listing"),
        b"M" => refused("the rest of a file of another volume"),
        b"N" => refused("a GNU list of long names"),
        b"V" => refused("a volume's label"),
        b"X" => refused("a Solaris extended header"),
        other => Err(Refusal::UnknownKind(super::error::printable(other)).into()),
    }
}

/// What follows the fields of a format must be empty: star, GNU and old Go writers put other things there, and readers
/// take them for a part of the name.
fn check_rest(block: &[u8; BLOCK], format: &Format) -> Result<(), Problem> {
    // Nothing that passes is a device, but Go refuses an entry whose device numbers are no numbers.
    let device = |start| number(field(block, start, 8)).is_some();
    let clean = match format {
        // GNU tar writes device numbers here too.
        Format::Oldest => blank(block, 345) && field(block, 257, 72).iter().all(|byte| *byte == 0),
        Format::Posix => blank(block, 500),
        Format::Gnu => {
            blank(block, 369) && number(field(block, 345, 12)).is_some() && number(field(block, 357, 12)).is_some()
        }
    };
    (clean && device(329) && device(337))
        .then_some(())
        .ok_or(Problem::Malformed("it has bytes behind the fields of its format"))
}

fn blank(block: &[u8; BLOCK], from: usize) -> bool {
    block.iter().skip(from).all(|byte| *byte == 0)
}

fn read_name(block: &[u8; BLOCK], format: &Format) -> Result<Vec<u8>, Problem> {
    let name = text(block, 0, 100)?;
    let prefix = match format {
        Format::Posix => text(block, 345, 155)?,
        Format::Oldest | Format::Gnu => Vec::new(),
    };
    Ok(if prefix.is_empty() { name } else { [prefix, name].join(&b'/') })
}

/// Java's writers put the file type above the permissions; Go's reader makes devices of it. Only permissions are kept.
fn read_mode(field: &[u8]) -> Result<u32, Problem> {
    let mode = positive(field, "its mode is no number")?;
    u32::try_from(mode & 0o7777).map_err(|_| Problem::Malformed("its mode is no number"))
}

fn positive(field: &[u8], problem: &'static str) -> Result<u64, Problem> {
    number(field).and_then(|value| u64::try_from(value).ok()).ok_or(Problem::Malformed(problem))
}

/// Octal digits, or GNU's big-endian binary, of which the first byte is the sign: 0x80 or 0xff and nothing else.
fn number(field: &[u8]) -> Option<i64> {
    let (start, rest) = match field {
        [0x80, rest @ ..] => (0, rest),
        [0xff, rest @ ..] => (-1, rest),
        digits => return octal(digits),
    };
    // At most eleven bytes follow, which an i128 holds.
    let value = rest.iter().fold(start, |value: i128, byte| value * 256 + i128::from(*byte));
    i64::try_from(value).ok()
}

/// Leading spaces, octal digits, then nothing but spaces and NUL. All empty is 0, as every reader has it.
fn octal(field: &[u8]) -> Option<i64> {
    let digits = field.trim_ascii_start();
    let length = digits.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let rest_is_empty = digits.iter().skip(length).all(|byte| matches!(byte, 0 | b' '));
    let value = digits.iter().take(length).fold(0_i64, |value, byte| value * 8 + i64::from(byte - b'0'));
    rest_is_empty.then_some(value)
}

/// A text field up to its NUL, behind which nothing may stand.
fn text(block: &[u8; BLOCK], start: usize, length: usize) -> Result<Vec<u8>, Problem> {
    let field = field(block, start, length);
    let text: Vec<u8> = field.iter().copied().take_while(|byte| *byte != 0).collect();
    if field.iter().skip(text.len()).any(|byte| *byte != 0) {
        return Err(Problem::Malformed("a text in it goes on behind its NUL"));
    }
    Ok(text)
}

fn field(block: &[u8; BLOCK], start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}
