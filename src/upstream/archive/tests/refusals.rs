//! Every rule, each with an archive that breaks it.

use super::*;

use tokio::io::ReadBuf;

#[test]
fn compressed_input_is_refused_by_name() {
    let starts: [(&[u8], &str); 6] = [
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"BZh9", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x50\x2a\x4d\x18", "zstd"),
        (b"\x5f\x2a\x4d\x18", "zstd"),
    ];
    for (start, name) in starts {
        let mut whole = start.to_vec();
        whole.resize(1024, 7);
        for input in [start.to_vec(), whole] {
            let message = run(input).unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("the archive is compressed with {name}; send a plain tar")),
                "{message}"
            );
        }
    }
}

#[test]
fn only_files_folders_and_links_pass() {
    for (flag, word) in [
        (b'3', "is a character device; only files, folders"),
        (b'4', "is a block device"),
        (b'6', "is a fifo"),
        (b'7', "is a contiguous file"),
        (b'S', "is a sparse file"),
        (b'D', "is a GNU folder listing"),
        (b'M', "another volume"),
        (b'N', "long names"),
        (b'V', "volume's label"),
        (b'X', "Solaris"),
        (b'Z', "unknown type flag `Z`"),
        (0xff, "unknown type flag"),
    ] {
        assert_refused(&[entry("dev/thing", flag, b"")], word);
    }
    let every = (0..=255_u8).filter(|flag| run(tar(&[patched("a", *flag, 157, b"/b")])).is_ok());
    assert_eq!(every.collect::<Vec<_>>(), [0, b'0', b'2', b'5', b'g']);
}

#[test]
fn names_that_go_up_or_say_nothing_are_refused() {
    for name in ["../a", "a/../b", "a/..", "/..", ".."] {
        assert_refused(&[entry(name, b'0', b"")], "`..` in its name");
        assert_refused(&[entry("ok", b'0', b""), link("b", b'1', name)], "`..` in its name");
        assert_refused(&[pax(&[("path", name.as_bytes())]), entry("ok", b'0', b"")], "`..` in its name");
        assert_refused(&[entry("@", b'L', name.as_bytes()), entry("ok", b'0', b"")], "`..` in its name");
    }
    assert_refused(&[entry("", b'0', b"")], "empty name");
    assert_refused(&[entry("", b'5', b"")], "empty name");
    assert_refused(&[entry("./", b'0', b"")], "can only be a folder");
    assert_refused(&[link("/", b'2', "etc")], "can only be a folder");
    assert_refused(&[entry("a/", b'0', b"x")], "drop the slash");
    assert_refused(&[pax(&[("path", b"a\0b")]), entry("a", b'0', b"")], "NUL byte");
    assert_refused(&[entry("@", b'L', b"a\0b\0"), entry("a", b'0', b"")], "NUL byte");
    assert_refused(&[pax(&[("path", &[b'n'; 4097])]), entry("a", b'0', b"")], "longer than 4096 bytes");
    assert_refused(&[pax(&[("linkpath", &[b'n'; 4097])]), link("a", b'2', "b")], "longer than 4096 bytes");
}

#[test]
fn a_refused_name_is_shown_printable_and_cut() {
    let name = format!("a\x1b[31m`\u{202e}{}/../b", "n".repeat(3000));
    let message = refused(&[pax(&[("path", name.as_bytes())]), entry("a", b'0', b"")]);
    assert!(message.contains(r"`a\u{1b}[31m\u{60}\u{202e}nnn") && message.contains("n…` has"), "{message}");
    let ArchiveError::Entry { name, .. } = run(tar(&[entry(&"x/../".repeat(20), b'5', b"")])).unwrap_err() else {
        panic!("not an entry")
    };
    assert_eq!(name.len(), 100);
    assert_eq!(error::printable(&[0xc3; 5000]).chars().count(), 200);
}

#[test]
fn symbolic_links_stay_below_the_root_or_are_absolute() {
    for (name, target) in [("a", ".."), ("a/b", "../.."), ("a/b", "../../a"), ("a/b", "x/../../.."), ("a", "./../a")] {
        assert_refused(&[link(name, b'2', target)], "above the archive's root");
    }
    assert_refused(&[link("a", b'2', "")], "without a target");
    for (name, target) in [("a/b", ".."), ("a/b", "../c"), ("a", "b/../c"), ("a", "/../x"), ("a", "/etc//passwd")] {
        let entries = accepted(&[link(name, b'2', target)]);
        assert_eq!((entries[0].flag, entries[0].link.as_slice()), ('2', target.as_bytes()));
    }
}

#[test]
fn nothing_goes_through_a_link_of_the_archive() {
    let trap = link("d/l", b'2', "/etc");
    assert_refused(&[trap.clone(), entry("d/l/passwd", b'0', b"x")], "goes through `d/l`, a symbolic link");
    assert_refused(&[trap.clone(), entry("/d//./l/x/y", b'5', b"")], "goes through `d/l`, a symbolic link");
    assert_refused(&[trap.clone(), link("d/l/x", b'2', "y")], "goes through `d/l`");
    assert_refused(&[trap.clone(), link("h", b'1', "d/l/shadow")], "goes through `d/l`");
    assert_refused(
        &[trap.clone(), entry("d/l", b'5', b""), entry("d/l/x", b'0', b"")],
        "came before as something else",
    );
    assert_refused(&[entry("a", b'0', b""), entry("a/b", b'0', b"")], "goes through `a`, a file");
    assert_refused(&[entry("a", b'5', b""), link("a", b'2', "/etc")], "came before as something else");
    assert_eq!(accepted(&[trap, entry("d/l2", b'0', b""), entry("d/ll/x", b'0', b"")]).len(), 3);
}

#[test]
fn hard_links_mean_earlier_files_only() {
    let file = entry("./dir/file", b'0', b"x");
    for target in ["etc/shadow", "/etc/shadow", "dir", "h"] {
        assert_refused(&[file.clone(), link("h", b'1', target)], "no file that came earlier");
    }
    assert_refused(&[link("h", b'1', "dir/file"), file.clone()], "no file that came earlier");
    assert_refused(&[link("s", b'2', "/etc/shadow"), link("h", b'1', "s")], "no file that came earlier");
    assert_refused(&[file.clone(), link("dir/file", b'1', "dir/file")], "no file that came earlier");
    assert_refused(&[file.clone(), link("h", b'1', "")], "without a target");
    let entries = accepted(&[file, link("h", b'1', "/dir/./file"), link("h2", b'1', "h")]);
    assert_eq!((entries[1].link.as_slice(), entries[2].link.as_slice()), (b"dir/file".as_slice(), b"h".as_slice()));
}

#[test]
fn ambiguous_headers_are_refused() {
    assert_refused(&[patched("a", b'0', 500, b"x")], "behind the fields");
    assert_refused(&[patched("a", b'0', 508, b"tar\0")], "behind the fields");
    assert_refused(&[patched("a\0b", b'0', 99, b"c")], "behind its NUL");
    assert_refused(&[patched("a", b'0', 257, b"ustar\x0042")], "format is unknown");
    assert_refused(&[patched("a", b'0', 257, b"USTAR\x0000")], "format is unknown");
    assert_refused(&[patched("a", b'0', 100, b"0000648\0")], "mode is no number");
    assert_refused(&[patched("a", b'0', 100, b"\x00000644\0")], "mode is no number");
    assert_refused(&[patched("a", b'0', 108, b"-000001\0")], "owner is no number");
    assert_refused(&[patched("a", b'0', 108, &[0xff; 8])], "owner is no number");
    assert_refused(&[patched("a", b'0', 116, b"\x80\0\0\x01\0\0\0\0")], "owner or group out of range");
    assert_refused(&[patched("a", b'0', 116, b"\x80\0\0\0\xff\xff\xff\xff")], "owner or group out of range");
    assert_refused(&[patched("a", b'0', 124, &[0xff; 12])], "size is no number");
    assert_refused(&[patched("a", b'0', 124, b"\x81\0\0\0\0\0\0\0\0\0\0\0")], "size is no number");
    assert_refused(&[patched("a", b'0', 124, b"0000000 0001")], "size is no number");
    for flag in *b"125" {
        let mut claiming = raw(b"a", flag, 1);
        claiming[157] = b'f';
        assert_refused(&[entry("f", b'0', b""), signed(claiming)], "claims content");
        assert_refused(&[entry("f", b'0', b""), pax(&[("size", b"1")]), link("a", flag, "f")], "claims content");
    }
    let mut gnu = raw(b"a", b'0', 0);
    gnu[257..265].copy_from_slice(b"ustar  \0");
    gnu[345..349].copy_from_slice(b"dir/");
    assert_refused(&[signed(gnu)], "behind the fields");
}

#[test]
fn only_the_unsigned_checksum_counts() {
    let block = raw(b"\xe9t\xe9", b'0', 0);
    let mut wrong = signed(block);
    wrong[0] ^= 1;
    assert_refused(&[wrong], "its checksum is wrong");
    let mut summed = block;
    summed[148..156].fill(b' ');
    let signed_sum: i32 = summed.iter().map(|byte| i32::from(byte.cast_signed())).sum();
    summed[148..156].copy_from_slice(format!("{signed_sum:06o}\0 ").as_bytes());
    assert_refused(&[summed.to_vec()], "its checksum is wrong");
    assert_eq!(accepted(&[signed(block)])[0].name, b"\xe9t\xe9");
}

#[test]
fn extended_headers_are_read_strictly() {
    let with = |records: &[(&str, &[u8])]| [pax(records), entry("a", b'0', b"")];
    for key in ["GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.name", "SCHILY.realsize"] {
        assert_refused(&with(&[(key, b"1")]), "is a sparse file");
    }
    assert_refused(&with(&[("VENDOR.thing", b"1")]), "unknown extended (PAX) record `VENDOR.thing`");
    assert_refused(&with(&[("Path", b"x")]), "unknown extended (PAX) record `Path`");
    assert_refused(&with(&[("path", b"x"), ("path", b"y")]), "comes twice");
    assert_refused(&with(&[("path", b"")]), "a name in a record is empty");
    assert_refused(&with(&[("linkpath", b"")]), "a name in a record is empty");
    for (key, value) in [("size", "-1"), ("size", ""), ("uid", "+1"), ("gid", "1 "), ("size", "99999999999999999999")] {
        assert_refused(&with(&[(key, value.as_bytes())]), "a record in it is no number");
    }
    for value in ["", "-", "1e9", ".5", "1.x", "1.-5", "9223372036854775808"] {
        assert_refused(&with(&[("mtime", value.as_bytes())]), "a record in it is no time");
    }
    assert_refused(&with(&[("uid", b"4294967295")]), "owner or group out of range");
    assert_refused(&with(&[("uname", &[b'u'; 257])]), "longer than 256 bytes");
    assert_refused(&with(&[("gname", b"a\0")]), "NUL byte");
    for broken in
        ["x", "6 a=\n", "5 a=b\n", "06 a=b\n", "6 a=bx", "5 =b\n", "5 ab\n", "999999 a=b\n", "-6 a=b\n", "6\0a=b\n"]
    {
        assert_refused(&[entry("p", b'x', broken.as_bytes()), entry("a", b'0', b"")], "a record in it is broken");
    }
    let differing = [pax(&[("size", b"2")]), entry("a", b'0', b"x")];
    assert_refused(&differing, "two different sizes");
    assert_refused(&[entry("p", b'x', &[b'1'; 65537]), entry("a", b'0', b"")], "more than 65536 bytes");
    assert_refused(&[pax(&[]), pax(&[]), entry("a", b'0', b"")], "has no entry");
    assert_refused(&[entry("@", b'L', b"x\0"), entry("@", b'L', b"y\0"), entry("a", b'0', b"")], "has no entry");
    assert_refused(&[pax(&[("path", b"p")]), entry("@", b'L', b"g\0"), entry("a", b'0', b"")], "two long names");
    assert_refused(&[pax(&[("path", b"p")])], "ends between an extended header and its entry");
    assert_refused(&[entry("@", b'L', b"\0"), entry("a", b'0', b"")], "empty name");
}

#[test]
fn global_headers_carry_comments_only() {
    let global = |key: &str| entry("pax_global_header", b'g', &encode_record(key, b"6a2906a"));
    assert_refused(&[global("path"), entry("a", b'0', b"")], "sets `path` for the whole archive");
    assert_refused(&[pax(&[]), global("comment"), entry("a", b'0', b"")], "has no entry");
    let entries = accepted(&[global("comment"), entry("a", b'0', b"")]);
    assert_eq!((entries.len(), entries[0].other.len()), (1, 0));
}

#[test]
fn the_end_is_two_zero_blocks_or_nothing() {
    let file = entry("a", b'0', b"hello");
    let whole = tar(std::slice::from_ref(&file));
    for ending in [0, 512, 1024, 10240] {
        let mut input = file.clone();
        input.resize(file.len() + ending, 0);
        assert_eq!(run(input).unwrap(), run(whole.clone()).unwrap());
    }
    assert_eq!(run(Vec::new()).unwrap(), [0; 1024]);
    for garbage in [b"x".to_vec(), vec![0; 511], file.clone(), vec![0; 2 * 1024 * 1024]] {
        let input = [whole.clone(), garbage].concat();
        assert!(matches!(run(input).unwrap_err(), ArchiveError::Malformed { offset: 2048.., .. }));
    }
    let lone = [file.clone(), vec![0; 512], file.clone()].concat();
    assert!(matches!(run(lone).unwrap_err(), ArchiveError::Malformed { offset: 1536, .. }));
    for length in (1..file.len()).filter(|length| *length != 0) {
        let error = run(file[..length].to_vec()).unwrap_err();
        assert!(error.to_string().contains("the archive is cut off"), "{length}: {error}");
    }
}

#[tokio::test]
async fn bounds_end_the_stream() {
    let bounds = ArchiveBounds { bytes: 10, entries: 2 };
    let five = entry("a", b'0', b"12345");
    assert!(run_within(tar(&[five.clone(), five.clone()]), bounds).await.is_ok());
    let error = run_within(tar(&[five.clone(), entry("b", b'0', b"123456")]), bounds).await.unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge { limit: 10 }), "{error}");
    let error = run_within(tar(&vec![entry("b", b'0', b""); 3]), bounds).await.unwrap_err();
    assert!(matches!(error, ArchiveError::TooManyEntries { limit: 2 }), "{error}");
    let comments = vec![entry("g", b'g', b""); 3];
    assert!(matches!(run_within(tar(&comments), bounds).await.unwrap_err(), ArchiveError::TooManyEntries { .. }));
    let extended = [pax(&[("comment", b"long enough")]), five];
    assert!(matches!(run_within(tar(&extended), bounds).await.unwrap_err(), ArchiveError::TooLarge { .. }));
    // The size is judged when it is announced, not after it was sent.
    let huge = [pax(&[("size", b"99999999999")]), signed(raw(b"a", b'0', 0))].concat();
    assert!(matches!(run_within(huge, ArchiveBounds::default()).await.unwrap_err(), ArchiveError::TooLarge { .. }));
}

#[tokio::test]
async fn the_first_error_is_the_last_item() {
    let input = tar(&[entry("a", b'0', b"x"), entry("b", b'3', b""), entry("c", b'0', b"")]);
    let mut stream = re_encode(io::Cursor::new(input), ArchiveBounds::default());
    assert!(stream.next().await.unwrap().is_err());
    assert!(stream.next().await.is_none());
}

struct Failing;

impl AsyncRead for Failing {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other("gone")))
    }
}

#[tokio::test]
async fn a_failed_read_keeps_its_source() {
    let error = re_encode(Failing, ArchiveBounds::default()).next().await.unwrap().unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "gone");
}
