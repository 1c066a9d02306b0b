//! Records as text: one JSON object a line with stable names, or one aligned line for people.
//!
//! Must never let a client's word end a line, hide behind control characters or flood the log.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{Decision, Format, LoadedPolicy, Record, Reload, ReloadOutcome, Removed, Stage};

/// The JSON form of a record. The names and their order are a promise to those who read logs.
#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    time: String,
    request_id: &'a str,
    listener: &'a str,
    owner: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_hint: Option<String>,
    method: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<String>,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    policy: &'a str,
    status: u16,
    duration_ms: f64,
    bytes_in: u64,
    bytes_out: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amended: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The JSON form of what the broker removed by itself: the names are those of [`Line`] where they mean the same.
#[derive(Serialize)]
struct Sweep<'a> {
    r#type: &'static str,
    time: String,
    owner: &'a str,
    session: &'a str,
    operation: &'static str,
    object: String,
    name: String,
    decision: &'static str,
    reason: String,
}

#[derive(Serialize)]
struct ReloadLine<'a> {
    r#type: &'static str,
    time: String,
    cause: &'static str,
    outcome: ReloadOutcome,
    policies: &'a [LoadedPolicy],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    needs_restart: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct Gap {
    r#type: &'static str,
    time: String,
    lost: u64,
}

impl Decision {
    /// The word that stands in a record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::Malformed => "malformed",
            Self::Failed => "failed",
            Self::Stubbed => "stubbed",
            Self::Abandoned => "abandoned",
        }
    }

    /// The terminal colour (SGR number) that people expect.
    const fn colour(self) -> u8 {
        match self {
            Self::Permitted => 32,
            Self::Stubbed => 36,
            Self::NotFound | Self::Abandoned => 33,
            Self::Refused | Self::Malformed | Self::Failed => 31,
        }
    }
}

pub(super) fn json(record: &Record, out: &mut String) {
    push_json(&line(record), out);
}

pub(super) fn text(record: &Record, colours: bool, out: &mut String) {
    let time = humantime::format_rfc3339_millis(record.time);
    let word = record.decision.word();
    let (on, off) =
        if colours { (format!("\u{1b}[{}m", record.decision.colour()), "\u{1b}[0m") } else { (String::new(), "") };
    let operation = record.operation.unwrap_or("-");
    let milliseconds = milliseconds(record.duration);
    let (method, path) = (clean(&record.method, WORD), path(&record.path));
    // writing to a String cannot fail
    let _ = write!(
        out,
        "{time} {on}{word:<9}{off} {:>3} {milliseconds:>10.3} ms  {operation:<20} {method} {path}",
        record.status
    );
    if let Some(object) = &record.object {
        let _ = write!(out, "  object={}", clean(object, WORD));
    }
    if let Some(image) = record.image.as_ref().filter(|image| record.object.as_ref() != Some(image)) {
        let _ = write!(out, "  image={}", clean(image, WORD));
    }
    if let Some(name) = &record.name {
        let _ = write!(out, "  name={}", clean(name, WORD));
    }
    for volume in &record.volumes {
        let _ = write!(out, "  volume={}", clean(volume, WORD));
    }
    for amended in &record.amended {
        let _ = write!(out, "  amended={}", clean(amended, WORD));
    }
    if let Some(reason) = &record.reason {
        let _ = write!(out, "  {}", clean(reason, SENTENCE));
    }
    if let Some(detail) = &record.detail {
        let _ = write!(out, "  ({})", clean(detail, SENTENCE));
    }
    let _ = writeln!(out, "  [{} {} {}]", record.owner, record.policy, record.request_id);
}

/// The line of a reload.
pub(super) fn reload(reload: &Reload, format: Format, out: &mut String) {
    let Reload { time, cause, outcome, policies, needs_restart, reason } = reload;
    let time = humantime::format_rfc3339_millis(*time).to_string();
    let reason = reason.as_ref().map(|reason| clean(reason, SENTENCE));
    if format == Format::Json {
        let (outcome, cause) = (*outcome, *cause);
        return push_json(&ReloadLine { r#type: "reload", time, cause, outcome, policies, needs_restart, reason }, out);
    }
    let word = match outcome {
        ReloadOutcome::Replaced => "replaced",
        ReloadOutcome::Unchanged => "unchanged",
        ReloadOutcome::Refused => "refused",
    };
    // writing to a String cannot fail
    let _ = write!(out, "{time} reload: {word} ({cause})");
    for LoadedPolicy { listener, policy, version } in policies {
        let _ = write!(out, "  {listener}={policy}@{version}");
    }
    for setting in needs_restart {
        let _ = write!(out, "  needs a restart: {setting}");
    }
    let _ = writeln!(out, "{}", reason.map_or_else(String::new, |reason| format!("  {reason}")));
}

/// The line for what the broker removed by itself.
pub(super) fn removed(removed: &Removed, format: Format, out: &mut String) {
    let Removed { stage, time, owner, session, operation, object, name, reason } = removed;
    let time = humantime::format_rfc3339_millis(*time).to_string();
    let (object, name, reason) = (clean(object, WORD), clean(name, WORD), clean(reason, SENTENCE));
    let word = match stage {
        Stage::Begun => "removing",
        Stage::Done => "removed",
    };
    match format {
        Format::Json => {
            let (r#type, decision) = ("sweep", word);
            push_json(&Sweep { r#type, time, owner, session, operation, object, name, decision, reason }, out);
        }
        Format::Text => {
            // writing to a String cannot fail
            let _ =
                writeln!(out, "{time} {word:<9} {operation:<20} object={object} {name}  {reason}  [{owner} {session}]");
        }
    }
}

/// The line that stands where records were lost.
pub(super) fn gap(lost: u64, time: SystemTime, format: Format, out: &mut String) {
    let time = humantime::format_rfc3339_millis(time).to_string();
    match format {
        Format::Json => push_json(&Gap { r#type: "audit-gap", time, lost }, out),
        Format::Text => out.push_str(&format!("{time} audit-gap: {lost} records were lost here\n")),
    }
}

fn line(record: &Record) -> Line<'_> {
    let some = |text: &Option<String>, most| text.as_ref().map(|text| clean(text, most));
    Line {
        r#type: "request",
        time: humantime::format_rfc3339_millis(record.time).to_string(),
        request_id: &record.request_id,
        listener: &record.listener,
        owner: &record.owner,
        uid: record.peer.map(|peer| peer.uid),
        gid: record.peer.map(|peer| peer.gid),
        pid: record.peer.and_then(|peer| peer.pid),
        session_hint: some(&record.session_hint, WORD),
        method: clean(&record.method, WORD),
        path: path(&record.path),
        api_version: some(&record.api_version, WORD),
        operation: record.operation,
        object: some(&record.object, WORD),
        image: some(&record.image, WORD),
        name: some(&record.name, WORD),
        volumes: record.volumes.iter().map(|text| clean(text, WORD)).collect(),
        decision: record.decision.word(),
        key: record.key,
        place: some(&record.place, WORD),
        reason: some(&record.reason, SENTENCE),
        policy: &record.policy,
        status: record.status,
        duration_ms: milliseconds(record.duration),
        bytes_in: record.bytes_in,
        bytes_out: record.bytes_out,
        amended: record.amended.iter().map(|text| clean(text, WORD)).collect(),
        detail: some(&record.detail, SENTENCE),
    }
}

fn push_json(value: &impl Serialize, out: &mut String) {
    // strings and numbers always serialize; were that to change, a record must not vanish silently
    match serde_json::to_string(value) {
        Ok(text) => out.push_str(&text),
        Err(error) => {
            let _ = write!(
                out,
                "{{\"type\":\"audit-gap\",\"lost\":1,\"detail\":\"{}\"}}",
                clean(&error.to_string(), WORD).escape_default()
            );
        }
    }
    out.push('\n');
}

/// The path alone: what follows a `?` may hold secrets.
fn path(path: &str) -> String {
    clean(path.split('?').next().unwrap_or_default(), WORD)
}

/// A text on one line, without characters that a terminal obeys, cut at so many characters.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for (count, character) in text.chars().enumerate() {
        if count >= most {
            out.push('…');
            break;
        }
        if character.is_control() || is_invisible(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Characters that are no control characters and yet break or turn lines (Unicode 15, line breaks and bidi controls).
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Milliseconds with three decimals.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// Most characters of a word or path.
pub(super) const WORD: usize = 300;

/// Most characters of a sentence.
pub(super) const SENTENCE: usize = 2000;
