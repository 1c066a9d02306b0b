//! The audit as its reader sees it, also when its sink does not work.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use super::*;

pub(super) fn record() -> Record {
    Record {
        request_id: "r-1".to_owned(),
        time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        listener: "main".to_owned(),
        owner: "0123456789ab/main".to_owned(),
        peer: Some(Peer { uid: 1000, gid: 1000, pid: Some(42) }),
        session_hint: Some("s-1".to_owned()),
        method: "POST".to_owned(),
        path: "/v1.44/containers/create".to_owned(),
        api_version: Some("1.44".to_owned()),
        operation: Some("ContainerCreate"),
        object: Some("redis:7".to_owned()),
        image: Some("redis:7".to_owned()),
        name: None,
        volumes: Vec::new(),
        decision: Decision::Refused,
        key: Some("images.allow"),
        place: Some("Image".to_owned()),
        reason: Some("docker-broker: ContainerCreate refused".to_owned()),
        policy: "postgres".to_owned(),
        status: 403,
        duration: Duration::from_nanos(1_234_567),
        bytes_in: 512,
        bytes_out: 120,
        amended: vec!["v=1".to_owned()],
        detail: Some("the engine's words".to_owned()),
    }
}

/// A record of which hardly anything is known.
fn bare(request_id: &str) -> Record {
    Record {
        request_id: request_id.to_owned(),
        peer: None,
        session_hint: None,
        api_version: None,
        operation: None,
        object: None,
        image: None,
        key: None,
        place: None,
        reason: None,
        amended: Vec::new(),
        detail: None,
        decision: Decision::Malformed,
        ..record()
    }
}

fn entry(number: u32) -> Entry {
    Entry::Request(Box::new(bare(&number.to_string())))
}

fn json(record: &Record) -> String {
    let mut out = String::new();
    render::json(record, &mut out);
    out
}

fn file(path: &Path, required: bool) -> AuditConfig {
    AuditConfig { sink: Sink::File(path.to_owned()), format: Format::Json, required }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(5));
    }
}

/// The request ids (or, of a gap, the number lost) in the order of the lines.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let values = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let word = |value: serde_json::Value| match value["type"].as_str() {
        Some("audit-gap") => format!("lost {}", value["lost"]),
        _ => value["request_id"].as_str().expect("an id").to_owned(),
    };
    values.map(word).collect()
}

#[test]
fn the_names_in_a_record_are_a_promise() {
    assert_eq!(
        json(&record()),
        concat!(
            r#"{"type":"request","time":"2023-11-14T22:13:20.123Z","request_id":"r-1","listener":"main","#,
            r#""owner":"0123456789ab/main","uid":1000,"gid":1000,"pid":42,"session_hint":"s-1","method":"POST","#,
            r#""path":"/v1.44/containers/create","api_version":"1.44","operation":"ContainerCreate","#,
            r#""object":"redis:7","image":"redis:7","decision":"refused","key":"images.allow","place":"Image","#,
            r#""reason":"docker-broker: ContainerCreate refused","policy":"postgres","status":403,"#,
            r#""duration_ms":1.235,"bytes_in":512,"bytes_out":120,"amended":["v=1"],"detail":"the engine's words"}"#,
            "\n"
        )
    );
    assert_eq!(
        json(&bare("r-2")),
        concat!(
            r#"{"type":"request","time":"2023-11-14T22:13:20.123Z","request_id":"r-2","listener":"main","#,
            r#""owner":"0123456789ab/main","method":"POST","path":"/v1.44/containers/create","#,
            r#""decision":"malformed","policy":"postgres","status":403,"duration_ms":1.235,"bytes_in":512,"#,
            r#""bytes_out":120}"#,
            "\n"
        )
    );
}

#[test]
fn a_line_for_people_is_one_line_and_coloured_only_on_request() {
    let text = |record: &Record, colours| {
        let mut out = String::new();
        render::text(record, colours, &mut out);
        out
    };
    assert_eq!(
        text(&record(), false),
        "2023-11-14T22:13:20.123Z refused   403      1.235 ms  ContainerCreate      POST /v1.44/containers/create  \
         object=redis:7  amended=v=1  docker-broker: ContainerCreate refused  (the engine's words)  \
         [0123456789ab/main postgres r-1]\n"
    );
    assert_eq!(
        text(&bare("r-2"), false),
        "2023-11-14T22:13:20.123Z malformed 403      1.235 ms  -                    POST /v1.44/containers/create  \
         [0123456789ab/main postgres r-2]\n"
    );
    assert!(text(&record(), true).contains("\u{1b}[31mrefused  \u{1b}[0m"));
}

#[test]
fn a_clients_words_neither_break_a_line_nor_carry_a_query_nor_flood() {
    let hostile = Record {
        path: format!("/x\n\u{1b}[2J\u{202e}{}?registry=secret", "y".repeat(1000)),
        reason: Some("a\r\nb".to_owned()),
        object: Some("\u{9b}31m".to_owned()),
        image: Some("\u{7f}".to_owned()),
        ..record()
    };
    let mut text = String::new();
    render::text(&hostile, false, &mut text);
    for line in [json(&hostile), text] {
        assert_eq!(line.lines().count(), 1);
        assert!(line.trim_end().chars().all(|character| !character.is_control() && character != '\u{202e}'), "{line}");
        assert!(!line.contains("secret"), "{line}");
        assert!(line.len() < 1200, "{line}");
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_at_the_start() {
    let error = Audit::open(&file(Path::new("/nowhere/audit.json"), false)).unwrap_err();
    assert_eq!(error.to_string(), "cannot open the audit file `/nowhere/audit.json`");
}

#[test]
fn a_file_is_private_appended_to_and_whole_after_closing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.json");
    for run in ["a", "b"] {
        let audit = Audit::open(&file(&path, false)).unwrap();
        (0..100).for_each(|number| audit.record(bare(&format!("{run}{number}"))));
        assert!(audit.is_healthy());
        audit.close();
    }
    let expected: Vec<String> = ["a", "b"].iter().flat_map(|run| (0..100).map(move |n| format!("{run}{n}"))).collect();
    assert_eq!(lines(&path), expected);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_was_moved_away_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let (path, moved) = (directory.path().join("audit.json"), directory.path().join("audit.json.1"));
    let audit = Audit::open(&file(&path, false)).unwrap();
    audit.record(bare("before"));
    wait_until("the first record is written", || lines(&path) == ["before"]);
    fs::rename(&path, &moved).unwrap();
    audit.record(bare("after"));
    audit.close();
    assert_eq!(lines(&moved), ["before"]);
    assert_eq!(lines(&path), ["after"]);
}

/// A full disk that becomes free again, as a link to `/dev/full` that is then replaced by a file.
#[test]
fn a_full_disk_is_noticed_and_nothing_is_lost_when_it_is_free_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.json");
    symlink("/dev/full", &path).unwrap();
    let audit = Audit::open(&file(&path, true)).unwrap();
    assert!(audit.is_healthy());
    audit.record(bare("1"));
    wait_until("the failed write shows", || !audit.is_healthy());
    audit.record(bare("2"));
    fs::remove_file(&path).unwrap();
    audit.reopen();
    wait_until("the write works again", || audit.is_healthy());
    audit.record(bare("3"));
    audit.close();
    assert_eq!(lines(&path), ["1", "2", "3"]);
}

#[test]
fn records_that_find_no_place_are_counted_where_they_are_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.json");
    symlink("/dev/full", &path).unwrap();
    let audit = Audit::open_with(&file(&path, false), 3).unwrap();
    audit.record(bare("1"));
    wait_until("the writer holds the first record", || !audit.is_healthy());
    (2..=9).for_each(|number| audit.record(bare(&number.to_string())));
    fs::remove_file(&path).unwrap();
    wait_until("the write works again", || audit.is_healthy());
    audit.record(bare("10"));
    audit.close();
    assert_eq!(lines(&path), ["1", "2", "3", "4", "lost 5", "10"]);
}

#[test]
fn a_required_audit_is_unhealthy_when_its_queue_is_full_and_still_takes_what_is_under_way() {
    let queue = Queue::new(2, 3);
    (1..=2).for_each(|number| queue.push(entry(number)));
    assert!(!queue.is_healthy());
    (3..=9).for_each(|number| queue.push(entry(number)));
    let batch = queue.take();
    assert_eq!((batch.records.len(), batch.lost), (5, 4));
    assert!(queue.is_healthy());
}

#[test]
fn closing_does_not_wait_for_a_disk_that_stays_full() {
    let audit = Audit::open(&file(Path::new("/dev/full"), false)).unwrap();
    audit.record(bare("1"));
    let started = Instant::now();
    audit.close();
    assert!(started.elapsed() < CLOSE_TIME);
}

#[test]
fn an_audit_that_goes_nowhere_is_healthy() {
    let audit = Audit::open(&AuditConfig { sink: Sink::None, format: Format::Json, required: true }).unwrap();
    audit.record(record());
    assert!(audit.is_healthy());
}

#[test]
fn a_reload_is_one_line_of_its_own_type() {
    let reload = Reload {
        time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        cause: "SIGHUP",
        outcome: ReloadOutcome::Refused,
        policies: vec![LoadedPolicy { listener: "main".into(), policy: "postgres".into(), version: "0123".into() }],
        needs_restart: vec!["limits".to_owned()],
        reason: Some("two\nlines".to_owned()),
    };
    let mut out = String::new();
    render::reload(&reload, Format::Json, &mut out);
    assert_eq!(
        out,
        "{\"type\":\"reload\",\"time\":\"2023-11-14T22:13:20.123Z\",\"cause\":\"SIGHUP\",\"outcome\":\"refused\",\
         \"policies\":[{\"listener\":\"main\",\"policy\":\"postgres\",\"version\":\"0123\"}],\
         \"needs_restart\":[\"limits\"],\"reason\":\"two\\\\u{a}lines\"}\n"
    );
    out.clear();
    render::reload(&reload, Format::Text, &mut out);
    assert_eq!(
        out,
        "2023-11-14T22:13:20.123Z reload: refused (SIGHUP)  main=postgres@0123  needs a restart: limits  two\\u{a}lines\n"
    );
}
