//! What real clients send, and what comes out.

use std::process::Command;

use super::*;

#[test]
fn names_become_relative_and_the_root_stays() {
    let folder = |name| entry(name, b'5', b"");
    let entries = accepted(&[folder("./"), folder("/"), folder("."), folder("/a//b/./c"), entry("/x/./y", b'0', b"")]);
    assert_eq!(names(&entries), ["./", "./", "./", "a/b/c/", "x/y"]);
    let prefixed = accepted(&[patched("name", b'0', 345, b"/some/prefix")]);
    assert_eq!(names(&prefixed), ["some/prefix/name"]);
}

#[test]
fn a_new_archive_never_looks_compressed() {
    for name in ["./BZh9", "/BZh", "./P*M\x18"] {
        let output = run(tar(&[entry(name, b'0', b"")])).unwrap();
        assert_eq!(Compression::detect(&output), None);
        assert_eq!(run(output.clone()).unwrap(), output);
    }
}

#[test]
fn permissions_are_kept_and_type_bits_are_not() {
    let entries = accepted(&[patched("a", b'0', 100, b"0104755\0"), patched("dev", b'0', 100, b"0060777 ")]);
    assert_eq!((entries[0].mode, entries[1].mode), (0o4755, 0o777));
    assert_eq!((entries[0].uid, entries[0].gid), (0o1750, 0o1751));
    assert_eq!(entries[0].mtime, 0o14524770000.to_string());
}

#[test]
fn oldest_format_means_folders_by_their_slash() {
    let mut folder = raw(b"d/", 0, 0);
    folder[257..265].fill(0);
    let mut file = raw(b"f", 0, 0);
    file[257..265].fill(0);
    let entries = accepted(&[signed(folder), signed(file)]);
    assert_eq!((entries[0].flag, entries[1].flag), ('5', '0'));
}

#[test]
fn go_clients_send_pax_with_times() {
    let long = format!("{}/café", "d".repeat(150));
    let records: [(&str, &[u8]); 6] = [
        ("atime", b"1700000000.5"),
        ("ctime", b"1700000000.5"),
        ("mtime", b"1700000000.123456789"),
        ("path", long.as_bytes()),
        ("SCHILY.xattr.security.capability", b"\x01\0\0\x02\n=\0"),
        ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
    ];
    let entries = accepted(&[pax(&records), entry("ddd/caf", b'0', b"content")]);
    assert_eq!((names(&entries), entries[0].mtime.as_str()), (vec![long], "1700000000.123456789"));
    assert_eq!(entries[0].content, b"content");
    assert_eq!(entries[0].other, [("SCHILY.xattr.security.capability".to_owned(), b"\x01\0\0\x02\n=\0".to_vec())]);
}

#[test]
fn attributes_that_steer_storage_drivers_are_dropped() {
    let keys = ["user.note", "user.overlay.redirect", "user.containers.override_stat", "security.selinux", "user."];
    let records: Vec<_> = keys.iter().map(|key| (format!("SCHILY.xattr.{key}"), b"v".as_slice())).collect();
    let records: Vec<_> = records.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let entries = accepted(&[pax(&records), entry("a", b'0', b"")]);
    assert_eq!(entries[0].other, [("SCHILY.xattr.user.note".to_owned(), b"v".to_vec())]);
}

#[test]
fn gnu_writers_send_long_names_and_binary_numbers() {
    let long = "n".repeat(300);
    let mut block = raw(&[b'n'; 100], b'2', 0);
    block[257..265].copy_from_slice(b"ustar  \0");
    block[108..116].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff");
    block[136..148].fill(0xff);
    block[345..357].copy_from_slice(b"14524770000\0");
    let entries = accepted(&[
        entry("././@LongLink", b'K', format!("{long}/t\0").as_bytes()),
        entry("././@LongLink", b'L', format!("{long}\0").as_bytes()),
        signed(block),
    ]);
    assert_eq!(
        (entries[0].name.as_slice(), entries[0].link.as_slice()),
        (long.as_bytes(), format!("{long}/t").as_bytes())
    );
    assert_eq!((entries[0].uid, entries[0].mtime.as_str()), (2_147_483_647, "-1"));
}

#[test]
fn java_writers_send_long_files_as_pax_paths() {
    let long = format!("/etc/postgresql/{}/init.sql", "schema/".repeat(20));
    let entries = accepted(&[
        pax(&[("path", long.as_bytes())]),
        patched("etc/postgresql/sch", b'0', 100, b"0100644\0"),
        patched("plain", b'0', 100, b"0100644 "),
    ]);
    assert_eq!(names(&entries), [long.trim_start_matches('/').replace("//", "/"), "plain".to_owned()]);
    assert_eq!(entries[0].mode, 0o644);
}

#[test]
fn archives_of_gnu_tar_keep_their_entries() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tree");
    let deep = root.join("d".repeat(60)).join("é".repeat(40));
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(root.join("file"), vec![b'x'; 100_000]).unwrap();
    std::fs::write(deep.join("empty"), "").unwrap();
    std::fs::hard_link(root.join("file"), root.join("hard")).unwrap();
    std::os::unix::fs::symlink("../file", deep.parent().unwrap().join("soft")).unwrap();
    for format in ["gnu", "pax", "posix", "oldgnu", "ustar", "v7"] {
        let mut command = Command::new("tar");
        command.args(["-c", "--sort=name", "--format", format, "-C"]).arg(&root).arg(".");
        let Ok(made) = command.output() else {
            eprintln!("there is no tar here, so its archives were not tried");
            return;
        };
        let entries = plain(&run(made.stdout).unwrap_or_else(|error| panic!("{format}: {error}")));
        let kinds: String = entries.iter().map(|entry| entry.flag).collect();
        let find = |flag, end: &str| {
            entries
                .iter()
                .find(|entry| entry.flag == flag && String::from_utf8_lossy(&entry.name).ends_with(end))
                .unwrap()
        };
        assert_eq!(find('0', "file").content.len(), 100_000, "{format} {kinds}");
        assert_eq!(find('1', "hard").link, b"file");
        if format != "v7" {
            assert_eq!(find('2', "soft").link, b"../file");
            assert!(find('0', "empty").name.starts_with(b"dddd"));
        }
    }
}
