//! Archives as clients make them: ustar, PAX and GNU headers, in the shapes that the engine's reader knows.

use super::random::Random;

const BLOCK: usize = 512;

/// An archive of one to four entries, mostly well formed.
pub(crate) fn archive(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let count = 1 + random.below(4);
    for number in 0..count {
        entry(random, number, &mut out);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    if random.percent(50) {
        out.resize(out.len().next_multiple_of(20 * BLOCK), 0);
    }
    out
}

fn entry(random: &mut Random, number: usize, out: &mut Vec<u8>) {
    let folder = random.percent(15);
    let symlink = !folder && random.percent(15);
    let mut name = format!("{}{}{number}", random.pick(&["", "./", "/", "a/", "a/./b//", "ä/"]), random.pick(NAMES));
    if folder && random.percent(70) {
        name.push('/');
    }
    let content = if folder || symlink { vec![] } else { vec![b'x'; random.below(1500)] };
    let mut records = Vec::new();
    if random.percent(20) {
        record(&mut records, "mtime", b"1700000000.25");
    }
    if random.percent(10) {
        record(&mut records, "SCHILY.xattr.user.note", b"kept");
    }
    if random.percent(10) {
        record(&mut records, "atime", b"1700000001.5");
    }
    let mut long = name.clone();
    if random.percent(10) {
        long = format!("{}/{name}", "long".repeat(40)).replace("//", "/");
        record(&mut records, "path", long.as_bytes());
    }
    if !records.is_empty() {
        header(&Header { name: "PaxHeaders/x", size: records.len(), flag: b'x', ..Header::plain(random) }, out);
        padded(&records, out);
    } else if random.percent(10) {
        let text = format!("{long}\0");
        header(&Header { name: "././@LongLink", size: text.len(), flag: b'L', ..Header::plain(random) }, out);
        padded(text.as_bytes(), out);
    }
    let flag = if folder {
        b'5'
    } else if symlink {
        b'2'
    } else {
        *random.one(&[b'0', b'0', b'0', 0])
    };
    let link = if symlink { *random.one(&["b", "/etc/hosts", "./a/b"]) } else { "" };
    let cut: String = name.chars().take(80).collect();
    header(&Header { name: &cut, size: content.len(), flag, link, ..Header::plain(random) }, out);
    padded(&content, out);
}

struct Header<'a> {
    name: &'a str,
    link: &'a str,
    size: usize,
    flag: u8,
    mode: u32,
    owner: usize,
    uname: &'a str,
}

impl Header<'_> {
    fn plain(random: &mut Random) -> Self {
        let mode = *random.one(&[0o644, 0o755, 0o600, 0o4755, 0o1777, 0o100_644]);
        let owner = *random.one(&[0, 0, 999, 70_000]);
        Header { name: "", link: "", size: 0, flag: b'0', mode, owner, uname: random.pick(&["", "root", "postgres"]) }
    }
}

fn header(header: &Header<'_>, out: &mut Vec<u8>) {
    let mut block = [0_u8; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, header.name.as_bytes());
    put(100, format!("{:07o}", header.mode).as_bytes());
    put(108, format!("{:07o}", header.owner).as_bytes());
    put(116, format!("{:07o}", header.owner).as_bytes());
    put(124, format!("{:011o}", header.size).as_bytes());
    put(136, format!("{:011o}", 1_700_000_000).as_bytes());
    put(156, &[header.flag]);
    put(157, header.link.as_bytes());
    put(257, b"ustar\x0000");
    put(265, header.uname.as_bytes());
    seal(&mut block);
    out.extend_from_slice(&block);
}

/// Writes the checksum of a header block.
pub(crate) fn seal(block: &mut [u8]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let length = (1..=4).map(|digits| rest + digits).find(|length| length.to_string().len() + rest == *length);
    records.extend_from_slice(format!("{} {key}=", length.expect("a short record")).as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn padded(content: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

const NAMES: &[&str] = &["init.sql", "file with blanks", "conf.d", "x", "PaxHeaders", "..hidden"];
