//! Writes an entry: a ustar header, with an extended header before it for what the ustar header cannot hold.
//!
//! The same entry is always written as the same bytes, and is read back as the same entry.

use std::collections::BTreeMap;

use bytes::{BufMut, BytesMut};

use super::error::{Compression, Refusal};
use super::judge::{Entry, Kind};
use super::pax::encode_record;
use super::{BLOCK, EXTENSION_LIMIT};

/// Writes the headers of an entry. The caller writes a file's content and its padding.
///
/// # Errors
/// An extended header that would be longer than what is read.
pub(super) fn write_entry(entry: &Entry, out: &mut BytesMut) -> Result<(), Refusal> {
    let mut records = BTreeMap::new();
    let header = ustar_fields(entry, &mut records);
    if !records.is_empty() {
        let content: Vec<u8> = records.iter().flat_map(|(key, value)| encode_record(key, value)).collect();
        if content.len() > EXTENSION_LIMIT {
            return Err(Refusal::ExtensionTooLong);
        }
        write_header(&extended_fields(content.len()), out);
        out.put_slice(&content);
        out.put_bytes(0, padding(content.len()));
    }
    write_header(&header, out);
    Ok(())
}

/// Two zero blocks: the end of an archive.
pub(super) fn write_end(out: &mut BytesMut) {
    out.put_bytes(0, 2 * BLOCK);
}

/// Bytes that fill the last block of a content of this length.
pub(super) fn padding(length: usize) -> usize {
    length.next_multiple_of(BLOCK) - length
}

/// The fields of a ustar header that are not always the same.
struct Fields {
    name: Vec<u8>,
    mode: u32,
    uid: u64,
    gid: u64,
    size: u64,
    mtime: u64,
    flag: u8,
    link: Vec<u8>,
    uname: Vec<u8>,
    gname: Vec<u8>,
}

fn extended_fields(length: usize) -> Fields {
    let name = STAND_IN.to_vec();
    let size = u64::try_from(length).unwrap_or(u64::MAX);
    let (link, uname, gname) = (Vec::new(), Vec::new(), Vec::new());
    Fields { name, mode: 0o644, uid: 0, gid: 0, size, mtime: 0, flag: b'x', link, uname, gname }
}

/// Fills the header, and `records` with what does not fit it.
fn ustar_fields(entry: &Entry, records: &mut BTreeMap<String, Vec<u8>>) -> Fields {
    let Entry { name: _, kind, mode, uid, gid, mtime, uname, gname, attributes } = entry;
    let (flag, size, link): (u8, u64, &[u8]) = match kind {
        Kind::Directory => (b'5', 0, b""),
        Kind::File { size } => (b'0', *size, b""),
        Kind::Symlink { target } => (b'2', 0, target),
        Kind::HardLink { target } => (b'1', 0, target.as_bytes()),
    };
    for (attribute, value) in attributes {
        records.insert(format!("SCHILY.xattr.{attribute}"), value.clone());
    }
    let mtime = mtime.whole().filter(|seconds| *seconds <= LARGE_FIELD).unwrap_or_else(|| {
        records.insert("mtime".to_owned(), mtime.encode().into_bytes());
        0
    });
    let mut name = fit_text("path", &written_name(entry), 100, records);
    if name.is_empty() {
        name = STAND_IN.to_vec();
    }
    Fields {
        name,
        mode: *mode,
        uid: fit_number("uid", *uid, SMALL_FIELD, records),
        gid: fit_number("gid", *gid, SMALL_FIELD, records),
        size: fit_number("size", size, LARGE_FIELD, records),
        mtime,
        flag,
        link: fit_text("linkpath", link, 100, records),
        uname: fit_text("uname", uname, 31, records),
        gname: fit_text("gname", gname, 31, records),
    }
}

/// An archive begins with its first name. One that looks like a compressed file's first bytes would make the engine
/// decompress the archive, so it gets the `./` that readers drop.
fn written_name(entry: &Entry) -> Vec<u8> {
    let name = entry.name.as_bytes();
    let start: &[u8] = if entry.name.is_root() {
        b"."
    } else if Compression::detect(name).is_some() {
        b"./"
    } else {
        b""
    };
    let end: &[u8] = if matches!(entry.kind, Kind::Directory) { b"/" } else { b"" };
    [start, name, end].concat()
}

fn fit_text(key: &str, value: &[u8], room: usize, records: &mut BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    if value.len() <= room && value.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return value.to_vec();
    }
    records.insert(key.to_owned(), value.to_vec());
    Vec::new()
}

fn fit_number(key: &str, value: u64, most: u64, records: &mut BTreeMap<String, Vec<u8>>) -> u64 {
    if value <= most {
        return value;
    }
    records.insert(key.to_owned(), value.to_string().into_bytes());
    0
}

fn write_header(fields: &Fields, out: &mut BytesMut) {
    let Fields { name, mode, uid, gid, size, mtime, flag, link, uname, gname } = fields;
    let mut head = Vec::with_capacity(148);
    put_text(name, 100, &mut head);
    put_text(format!("{mode:07o}").as_bytes(), 8, &mut head);
    put_text(format!("{uid:07o}").as_bytes(), 8, &mut head);
    put_text(format!("{gid:07o}").as_bytes(), 8, &mut head);
    put_text(format!("{size:011o}").as_bytes(), 12, &mut head);
    put_text(format!("{mtime:011o}").as_bytes(), 12, &mut head);
    let mut tail = Vec::with_capacity(BLOCK - 156);
    tail.push(*flag);
    put_text(link, 100, &mut tail);
    tail.put_slice(b"ustar\x0000");
    put_text(uname, 32, &mut tail);
    put_text(gname, 32, &mut tail);
    put_text(b"0000000", 8, &mut tail);
    put_text(b"0000000", 8, &mut tail);
    put_text(b"", 155 + 12, &mut tail);
    let blank = 8 * u32::from(b' ');
    let sum: u32 = head.iter().chain(&tail).map(|byte| u32::from(*byte)).sum::<u32>() + blank;
    out.put_slice(&head);
    out.put_slice(format!("{sum:06o}\0 ").as_bytes());
    out.put_slice(&tail);
}

/// A text and the NULs up to the end of its field.
fn put_text(text: &[u8], room: usize, out: &mut Vec<u8>) {
    out.put_slice(text);
    out.put_bytes(0, room.saturating_sub(text.len()));
}

/// The most that seven and eleven octal digits hold.
const SMALL_FIELD: u64 = 0o7_777_777;
const LARGE_FIELD: u64 = 0o77_777_777_777;

/// The name in a header whose real name stands in a record, and of the extended headers themselves.
const STAND_IN: &[u8] = b"PaxHeaders/entry";
