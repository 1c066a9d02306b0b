//! Records read back from a log, for whoever looks into it afterwards.
//!
//! Reads what older and newer brokers wrote: absent fields are empty and unknown ones are passed over. Must never take a
//! line that is no record for one: what cannot be read is [`Line::Foreign`], to be counted.

use std::io::{self, BufRead, Read};

use serde::Deserialize;

use super::render::{SENTENCE, clean};

/// One line of a log.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// A record of a request, or of something that the broker did by itself.
    Record(Box<Entry>),
    /// So many records were lost at this place.
    Gap(u64),
    /// Not a line of an audit.
    Foreign,
}

/// A record as it stands in a log. Texts that were not written are empty; see [`Record`](super::Record) for their meaning.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is that of `Record` with the same name")]
pub struct Entry {
    pub r#type: String,
    pub time: String,
    pub request_id: String,
    pub listener: String,
    pub owner: String,
    pub uid: Option<u32>,
    pub method: String,
    pub path: String,
    pub api_version: String,
    pub operation: String,
    pub object: String,
    pub image: String,
    pub decision: String,
    pub key: String,
    pub place: String,
    pub reason: String,
    pub policy: String,
    pub status: u16,
    pub duration_ms: f64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub amended: Vec<String>,
    pub detail: String,
    /// When what was made ends, in Unix seconds.
    pub expires: Option<u64>,
}

#[derive(Deserialize)]
struct GapLine {
    #[serde(default)]
    lost: u64,
}

/// Reads one line.
#[must_use]
pub fn read_line(line: &[u8]) -> Line {
    let Ok(mut entry) = serde_json::from_slice::<Entry>(line) else { return Line::Foreign };
    if entry.r#type == "audit-gap" {
        let lost = serde_json::from_slice::<GapLine>(line).map_or(0, |gap| gap.lost);
        return Line::Gap(lost);
    }
    let is_record = !entry.r#type.is_empty() && !entry.time.is_empty() && !entry.decision.is_empty();
    entry.texts().for_each(|text| *text = clean(text, SENTENCE));
    if is_record { Line::Record(Box::new(entry)) } else { Line::Foreign }
}

impl Entry {
    /// All texts: whoever wrote the log may have put characters into them that a terminal obeys.
    fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [
            &mut self.r#type,
            &mut self.time,
            &mut self.request_id,
            &mut self.listener,
            &mut self.owner,
            &mut self.method,
            &mut self.path,
            &mut self.api_version,
            &mut self.operation,
            &mut self.object,
            &mut self.image,
            &mut self.decision,
            &mut self.key,
            &mut self.place,
            &mut self.reason,
            &mut self.policy,
            &mut self.detail,
        ]
        .into_iter()
        .chain(&mut self.amended)
    }
}

/// Reads a log line by line, of which one is held at a time. Empty lines do not count; a line that is longer than any
/// record is foreign.
///
/// # Errors
/// When the log cannot be read.
pub fn for_each_line(log: impl Read, mut each: impl FnMut(Line)) -> io::Result<()> {
    let mut log = io::BufReader::with_capacity(128 * 1024, log);
    let mut line = Vec::new();
    loop {
        line.clear();
        if log.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") && line.len() as u64 == LONGEST_LINE {
            log.skip_until(b'\n')?;
            each(Line::Foreign);
        } else if !line.trim_ascii().is_empty() {
            each(read_line(&line));
        }
    }
}

/// More than the writer ever puts into one line: its texts are cut.
const LONGEST_LINE: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_to_its_end_whatever_stands_in_it() {
        let record = r#"{"type":"request","time":"t","decision":"permitted"}"#;
        let long = "x".repeat(600 * 1024);
        let log = format!("{record}\n\n{long}\nnoise\n{record}\n{{\"type\":\"requ");
        let (mut records, mut foreign) = (0, 0);
        for_each_line(log.as_bytes(), |line| match line {
            Line::Record(_) => records += 1,
            Line::Foreign => foreign += 1,
            Line::Gap(_) => panic!("no gap"),
        })
        .unwrap();
        assert_eq!((records, foreign), (2, 3));
    }

    #[test]
    fn what_is_no_record_is_foreign() {
        for line in [
            &b""[..],
            b"docker-broker listens",
            b"{\"level\":\"INFO\",\"fields\":{}}",
            b"{\"type\":\"request\",\"time\":\"2026-01-01T00:00:00Z\",\"deci",
            b"[]",
            b"{\"type\":\"request\",\"time\":\"x\",\"decision\":\"permitted\",\"status\":\"200\"}",
            b"\xff\xfe",
        ] {
            assert_eq!(read_line(line), Line::Foreign, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn a_record_of_a_newer_broker_is_read_and_a_gap_is_counted() {
        let line = br#"{"type":"sweep","time":"2026-01-01T00:00:00.000Z","owner":"a/b","decision":"removed","object":"c","new":{"x":1}}"#;
        let Line::Record(entry) = read_line(line) else { panic!("a record") };
        assert_eq!((entry.decision.as_str(), entry.owner.as_str(), entry.uid), ("removed", "a/b", None));
        let line = br#"{"type":"request","time":"t","decision":"refused","reason":"a\u001b[31mb\nc"}"#;
        let Line::Record(entry) = read_line(line) else { panic!("a record") };
        assert_eq!(entry.reason, "a\\u{1b}[31mb\\u{a}c");
        assert_eq!(read_line(br#"{"type":"audit-gap","time":"x","lost":7}"#), Line::Gap(7));
    }
}
