//! Archives built by hand, and a reader of their own for what came out.

use std::io;

use futures_util::StreamExt;

use super::pax::encode_record;
use super::*;

mod acceptance;
mod refusals;
mod streams;

// Building archives by hand.

fn raw(name: &[u8], flag: u8, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0001750\0");
    block[116..124].copy_from_slice(b"0001751\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"14524770000\0");
    block[156] = flag;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block
}

fn signed(mut block: [u8; 512]) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.to_vec()
}

fn patched(name: &str, flag: u8, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut block = raw(name.as_bytes(), flag, 0);
    block[at..at + bytes.len()].copy_from_slice(bytes);
    signed(block)
}

fn entry(name: &str, flag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = signed(raw(name.as_bytes(), flag, content.len() as u64));
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn link(name: &str, flag: u8, target: &str) -> Vec<u8> {
    patched(name, flag, 157, target.as_bytes())
}

fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let content: Vec<u8> = records.iter().flat_map(|(key, value)| encode_record(key, value)).collect();
    entry("PaxHeaders.0/x", b'x', &content)
}

fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend([0; 1024]);
    bytes
}

// Running.

async fn run_within(input: Vec<u8>, bounds: ArchiveBounds) -> Result<Vec<u8>, ArchiveError> {
    let mut stream = re_encode(io::Cursor::new(input), bounds);
    let mut output = Vec::new();
    while let Some(chunk) = stream.next().await {
        output.extend(chunk?);
    }
    Ok(output)
}

fn run(input: Vec<u8>) -> Result<Vec<u8>, ArchiveError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(run_within(input, ArchiveBounds::default()))
}

fn refused(entries: &[Vec<u8>]) -> String {
    run(tar(entries)).unwrap_err().to_string()
}

#[track_caller]
fn assert_refused(entries: &[Vec<u8>], words: &str) {
    let message = refused(entries);
    assert!(message.contains(words), "{message}");
    assert!(!message.contains('\n') && !message.ends_with('.'), "{message}");
}

/// A reader that shares nothing with the one under test: it knows only what the writer may write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Plain {
    flag: char,
    name: Vec<u8>,
    link: Vec<u8>,
    mode: u64,
    uid: u64,
    gid: u64,
    mtime: String,
    content: Vec<u8>,
    other: Vec<(String, Vec<u8>)>,
}

fn plain(mut bytes: &[u8]) -> Vec<Plain> {
    let mut entries = Vec::new();
    let mut records: Vec<(String, Vec<u8>)> = Vec::new();
    loop {
        let (block, rest) = bytes.split_at(512);
        if block == [0; 512] {
            assert_eq!(rest, [0; 512]);
            return entries;
        }
        assert_eq!(&block[257..265], b"ustar\x0000");
        let text = |from: usize, to: usize| -> Vec<u8> {
            block[from..to].iter().copied().take_while(|byte| *byte != 0).collect()
        };
        let octal = |from, to| u64::from_str_radix(&String::from_utf8(text(from, to)).unwrap(), 8).unwrap();
        let size = usize::try_from(octal(124, 136)).unwrap();
        let content = rest[..size].to_vec();
        bytes = &rest[size.next_multiple_of(512)..];
        if block[156] == b'x' {
            records = plain_records(&content);
            continue;
        }
        let mut take = |key: &str| records.iter().position(|(k, _)| k == key).map(|at| records.remove(at).1);
        let number = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().parse().unwrap();
        entries.push(Plain {
            flag: char::from(block[156]),
            name: take("path").unwrap_or_else(|| text(0, 100)),
            link: take("linkpath").unwrap_or_else(|| text(157, 257)),
            mode: octal(100, 108),
            uid: take("uid").map_or_else(|| octal(108, 116), number),
            gid: take("gid").map_or_else(|| octal(116, 124), number),
            mtime: take("mtime").map_or_else(|| octal(136, 148).to_string(), |text| String::from_utf8(text).unwrap()),
            content,
            other: std::mem::take(&mut records),
        });
    }
}

fn plain_records(mut content: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut records = Vec::new();
    while !content.is_empty() {
        let space = content.iter().position(|byte| *byte == b' ').unwrap();
        let length: usize = str::from_utf8(&content[..space]).unwrap().parse().unwrap();
        let record = &content[space + 1..length - 1];
        let equals = record.iter().position(|byte| *byte == b'=').unwrap();
        records.push((String::from_utf8(record[..equals].to_vec()).unwrap(), record[equals + 1..].to_vec()));
        content = &content[length..];
    }
    records
}

fn accepted(entries: &[Vec<u8>]) -> Vec<Plain> {
    plain(&run(tar(entries)).unwrap())
}

fn names(entries: &[Plain]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned()).collect()
}
