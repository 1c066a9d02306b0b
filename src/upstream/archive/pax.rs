//! Extended headers (POSIX pax, "pax Extended Header"): records of the form `LENGTH KEY=VALUE\n`.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Problem, Refusal, printable};

/// The records of one extended header that say something about an entry.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) path: Option<Vec<u8>>,
    pub(super) linkpath: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<Time>,
    pub(super) uname: Option<Vec<u8>>,
    pub(super) gname: Option<Vec<u8>>,
    /// Extended attributes that are kept, by name.
    pub(super) attributes: BTreeMap<String, Vec<u8>>,
}

/// A point in time as records write it, before or after 1970, down to nanoseconds. Zero is never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Time {
    negative: bool,
    seconds: u64,
    nanoseconds: u32,
}

impl Time {
    pub(super) fn from_seconds(seconds: i64) -> Self {
        Self { negative: seconds < 0, seconds: seconds.unsigned_abs(), nanoseconds: 0 }
    }

    /// The seconds, where this is a whole number of them since 1970.
    pub(super) fn whole(self) -> Option<u64> {
        (!self.negative && self.nanoseconds == 0).then_some(self.seconds)
    }

    /// Decimal, without needless zeros: `1700000000.25`.
    pub(super) fn encode(self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let text = format!("{sign}{}.{:09}", self.seconds, self.nanoseconds);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// What is finer than nanoseconds is cut, as Go's reader does.
    fn read(value: &[u8]) -> Option<Self> {
        let (negative, value) = value.strip_prefix(b"-").map_or((false, value), |rest| (true, rest));
        let mut parts = value.splitn(2, |byte| *byte == b'.');
        let seconds = decimal(parts.next()?).filter(|seconds| i64::try_from(*seconds).is_ok())?;
        let fraction = parts.next().unwrap_or_default();
        if !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let digits = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
        let nanoseconds = digits.fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        Some(Self { negative: negative && (seconds, nanoseconds) != (0, 0), seconds, nanoseconds })
    }
}

impl Records {
    /// Reads the content of an extended header for one entry.
    ///
    /// # Errors
    /// A record that is not of the form, comes twice, is unknown, or means a sparse file.
    pub(super) fn read(content: &[u8]) -> Result<Self, Problem> {
        let mut records = Self::default();
        for (key, value) in split(content)? {
            records.record(key, value)?;
        }
        Ok(records)
    }

    fn record(&mut self, key: &str, value: &[u8]) -> Result<(), Problem> {
        match key {
            "path" => self.path = Some(filled(value)?),
            "linkpath" => self.linkpath = Some(filled(value)?),
            "size" => self.size = Some(number(value)?),
            "uid" => self.uid = Some(number(value)?),
            "gid" => self.gid = Some(number(value)?),
            "mtime" => self.mtime = Some(Time::read(value).ok_or(Problem::Malformed("a record in it is no time"))?),
            // An empty record gives way to the header's own field.
            "uname" => self.uname = Some(without_nul(value)?).filter(|name| !name.is_empty()),
            "gname" => self.gname = Some(without_nul(value)?).filter(|name| !name.is_empty()),
            _ => return self.other(key, value),
        }
        Ok(())
    }

    fn other(&mut self, key: &str, value: &[u8]) -> Result<(), Problem> {
        if key.starts_with("GNU.sparse.") || key == "SCHILY.realsize" {
            return Err(Refusal::Kind("a sparse file").into());
        }
        if let Some(attribute) = key.strip_prefix("SCHILY.xattr.") {
            if keeps_attribute(attribute) {
                self.attributes.insert(attribute.to_owned(), value.to_vec());
            }
            return Ok(());
        }
        if DROPPED.contains(&key) || DROPPED_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
            return Ok(());
        }
        Err(Refusal::UnknownRecord(printable(key.as_bytes())).into())
    }
}

/// Reads a global header, of which nothing is kept. `git archive` writes one with the commit as its comment.
///
/// # Errors
/// A record that is not of the form, or anything but a comment.
pub(super) fn check_global(content: &[u8]) -> Result<(), Problem> {
    match split(content)?.into_iter().find(|(key, _)| *key != "comment") {
        Some((key, _)) => Err(Refusal::GlobalRecord(printable(key.as_bytes())).into()),
        None => Ok(()),
    }
}

/// One record. Its length counts itself.
pub(super) fn encode_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key.as_bytes(), b"=", value, b"\n"].concat()
}

fn split(content: &[u8]) -> Result<Vec<(&str, &[u8])>, Problem> {
    let mut rest = content;
    let mut keys = BTreeSet::new();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (key, value, remaining) = first(rest).ok_or(Problem::Malformed("a record in it is broken"))?;
        // Readers differ on which of two wins.
        if !keys.insert(key) {
            return Err(Problem::Malformed("a record in it comes twice"));
        }
        records.push((key, value));
        rest = remaining;
    }
    Ok(records)
}

/// The first record's key and value, and what follows it.
fn first(content: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let space = content.iter().take(LENGTH_DIGITS + 1).position(|byte| *byte == b' ')?;
    let digits = content.get(..space)?;
    let length = usize::try_from(decimal(digits)?).ok()?;
    let record = content.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let key = str::from_utf8(record.get(..equals)?).ok()?;
    if key.is_empty() || key.contains('\0') || digits.starts_with(b"0") {
        return None;
    }
    Some((key, record.get(equals + 1..)?, content.get(length..)?))
}

fn filled(value: &[u8]) -> Result<Vec<u8>, Problem> {
    // An empty record means the header's own field to some readers, and no name at all to others.
    if value.is_empty() { Err(Problem::Malformed("a name in a record is empty")) } else { without_nul(value) }
}

fn without_nul(value: &[u8]) -> Result<Vec<u8>, Problem> {
    if value.contains(&0) { Err(Refusal::NulByte.into()) } else { Ok(value.to_vec()) }
}

fn number(value: &[u8]) -> Result<u64, Problem> {
    decimal(value).ok_or(Problem::Malformed("a record in it is no number"))
}

/// Digits and nothing else: no sign, no space, no more than a u64 holds.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// File capabilities act inside the container, as setuid bits do; `user.*` is plain data but for what storage drivers
/// without root keep there (overlayfs with `userxattr`, fuse-overlayfs, containers/storage).
fn keeps_attribute(attribute: &str) -> bool {
    let steers = ["user.overlay.", "user.fuseoverlayfs.", "user.containers."];
    attribute == "security.capability"
        || attribute.strip_prefix("user.").is_some_and(|rest| !rest.is_empty())
            && !steers.iter().any(|prefix| attribute.starts_with(prefix))
}

/// Digits of a record's length that are looked at; records are at most 64 KiB long.
const LENGTH_DIGITS: usize = 6;

/// Records that say nothing about what is unpacked.
const DROPPED: [&str; 9] = [
    "atime",
    "ctime",
    "comment",
    "hdrcharset",
    "LIBARCHIVE.creationtime",
    "SCHILY.dev",
    "SCHILY.ino",
    "SCHILY.nlink",
    "SCHILY.fflags",
];

/// Families of records that Linux engines do not read.
const DROPPED_PREFIXES: [&str; 4] = ["LIBARCHIVE.xattr.", "SCHILY.acl.", "RHT.security.", "MSWINDOWS."];
