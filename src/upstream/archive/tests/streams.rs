//! Large archives, dropped streams, and properties of random archives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use tokio::io::ReadBuf;

use super::*;

/// A file of zeros without end, which counts what was read of it.
struct Endless {
    header: io::Cursor<Vec<u8>>,
    left: u64,
    read: Arc<AtomicU64>,
}

impl AsyncRead for Endless {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let mut part = vec![0; buffer.remaining().min(10_000)];
        let mut read = io::Read::read(&mut self.header, &mut part)?;
        if read == 0 {
            read = part.len().min(usize::try_from(self.left).unwrap());
            self.left -= read as u64;
            part.fill(0);
        }
        buffer.put_slice(&part[..read]);
        self.read.fetch_add((buffer.filled().len() - before) as u64, Ordering::SeqCst);
        Poll::Ready(Ok(()))
    }
}

fn endless(size: u64) -> (Endless, Arc<AtomicU64>) {
    let read = Arc::new(AtomicU64::new(0));
    let header = io::Cursor::new(signed(raw(b"big", b'0', size)));
    (Endless { header, left: size.next_multiple_of(512) + 1024, read: read.clone() }, read)
}

#[tokio::test]
async fn large_files_pass_in_small_chunks() {
    let size = 200 * 1024 * 1024 + 1;
    let (input, read) = endless(size);
    let mut stream = re_encode(input, ArchiveBounds::default());
    let mut written = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.unwrap();
        assert!((1..=64 * 1024).contains(&chunk.len()));
        written += chunk.len() as u64;
        // Never more than a chunk ahead of the one who takes them.
        assert!(read.load(Ordering::SeqCst) <= written + 64 * 1024);
    }
    assert_eq!(written, 512 + size.next_multiple_of(512) + 1024);
}

#[tokio::test]
async fn a_dropped_stream_reads_no_more() {
    let (input, read) = endless(1024 * 1024);
    let mut stream = re_encode(input, ArchiveBounds::default());
    assert_eq!(read.load(Ordering::SeqCst), 0);
    stream.next().await.unwrap().unwrap();
    let before = read.load(Ordering::SeqCst);
    drop(stream);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!((read.load(Ordering::SeqCst), Arc::strong_count(&read)), (before, 1));
}

// Properties.

fn path() -> impl Strategy<Value = Vec<u8>> {
    let component = prop_oneof![
        4 => "[a-c]{1,2}".prop_map(String::into_bytes),
        1 => "[a-z]{90,110}".prop_map(String::into_bytes),
        1 => Just(b".".to_vec()),
        1 => Just("é\n".into()),
        1 => Just(b"BZh".to_vec()),
        1 => Just(Vec::new()),
        1 => proptest::collection::vec(1_u8..=255, 1..4),
    ];
    proptest::collection::vec(component, 1..5).prop_map(|components| components.join(&b'/'))
}

fn any_entry() -> impl Strategy<Value = Vec<u8>> {
    let content = proptest::collection::vec(any::<u8>(), 0..1100);
    let mtime = (any::<bool>(), 0_u64..1 << 40, 0_u32..3).prop_map(|(negative, seconds, fraction)| {
        format!("{}{seconds}.{}", if negative { "-" } else { "" }, fraction * 250)
    });
    let numbers = (0_u64..1 << 32, 0_u64..0o10_000, mtime);
    let flag = prop_oneof![3 => Just(b'0'), 1 => Just(0), 2 => Just(b'5'), 2 => Just(b'2'), 2 => Just(b'1')];
    (flag, path(), path(), content, numbers, any::<[bool; 4]>()).prop_map(
        |(flag, path, target, content, (uid, mode, mtime), [long, gnu, slash, attribute])| {
            let mut bytes = Vec::new();
            let path = if slash { [path.as_slice(), b"/"].concat() } else { path };
            let (uid, size) = (uid.to_string(), content.len().to_string());
            let content = if matches!(flag, b'0' | 0) { content } else { Vec::new() };
            let mut records: Vec<(&str, &[u8])> = vec![("uid", uid.as_bytes()), ("mtime", mtime.as_bytes())];
            if attribute {
                records.push(("SCHILY.xattr.user.a", &path));
            }
            if !gnu {
                records.extend([("path", path.as_slice()), ("linkpath", &target)]);
            }
            if matches!(flag, b'0' | 0) && long {
                records.push(("size", size.as_bytes()));
            }
            bytes.extend(pax(&records));
            if gnu {
                bytes.extend(entry("@", b'L', &[path.as_slice(), b"\0"].concat()));
                bytes.extend(entry("@", b'K', &target));
            }
            let size = if long { 0 } else { content.len() as u64 };
            let mut block = raw(b"short", flag, size);
            block[100..108].copy_from_slice(format!("{mode:07o}\0").as_bytes());
            bytes.extend(signed(block));
            bytes.extend(&content);
            bytes.resize(bytes.len().next_multiple_of(512), 0);
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_is_written_for_good(entries in proptest::collection::vec(any_entry(), 1..6)) {
        // The longest accepted beginning: most random archives break a rule somewhere.
        let accepted = (1..=entries.len()).map_while(|count| run(tar(&entries[..count])).ok()).last();
        if let Some(output) = accepted {
            let again = run(output.clone()).unwrap();
            prop_assert_eq!(plain(&output), plain(&again));
            prop_assert_eq!(&output, &again);
            prop_assert_eq!(Compression::detect(&output), None);
            for entry in plain(&output) {
                prop_assert!(!entry.name.starts_with(b"/") && !entry.name.split(|byte| *byte == b'/').any(|part| part == b".."));
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = run(bytes);
    }

    #[test]
    fn damaged_headers_never_panic(at in 0..512_usize, value: u8, length in 0..4096_usize, fixed: bool) {
        let mut input = tar(&[pax(&[("path", b"some/name")]), entry("a", b'0', b"content")]);
        for start in [0, 512, 1024] {
            let mut damaged = input.clone();
            damaged[start + at] = value;
            if fixed {
                let block: [u8; 512] = damaged[start..start + 512].try_into().unwrap();
                damaged.splice(start..start + 512, signed(block));
            }
            damaged.truncate(damaged.len().min(length.max(start)));
            if let Ok(output) = run(damaged) {
                prop_assert_eq!(run(output.clone()).unwrap(), output);
            }
        }
        input.clear();
    }
}
