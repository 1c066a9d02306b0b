//! An audit record in words, and what the policy in force today would make of its request.
//!
//! A record holds neither query nor body. Must never say that a request would pass where these would have to be judged.

use serde::Serialize;

use crate::audit::read::{Entry, Line, for_each_line, read_line};
use crate::cli::exit::{Exit, Failure};
use crate::cli::input::{cannot_read, open_input, read_input};
use crate::cli::operations::opens;
use crate::operation::routes::{BodyRule, ROWS, Standing};
use crate::policy::compile::Policy;

/// What the policy in force today makes of the request of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Today {
    /// No request of this operation passes.
    Refused,
    /// Some pass; whether this one does depends on what is not in the record.
    Depends,
    /// The record does not say which operation it was.
    Unknown,
}

/// The record in a file that holds nothing else; the last one where it holds several.
pub(super) fn only_record(file: &str) -> Result<Entry, Failure> {
    let bytes = read_input(file)?;
    let whole = std::iter::once(bytes.as_slice());
    let entries = whole.chain(bytes.split(|byte| *byte == b'\n').rev()).filter_map(|text| match read_line(text) {
        Line::Record(entry) => Some(*entry),
        Line::Gap(_) | Line::Foreign => None,
    });
    let mut entries = entries;
    entries.next().ok_or_else(|| Failure::said(Exit::NoInput, format!("`{file}` holds no audit record")))
}

/// The record of a request in a log.
pub(super) fn find(log: &str, request_id: &str) -> Result<Entry, Failure> {
    let mut found = None;
    let read = open_input(log).and_then(|input| {
        for_each_line(input, |line| {
            if let Line::Record(entry) = line
                && entry.request_id == request_id
            {
                found = Some(*entry);
            }
        })
    });
    read.map_err(|error| cannot_read(log, &error))?;
    let missing = || Failure::said(Exit::NoInput, format!("`{log}` holds no record of request `{request_id}`"));
    found.ok_or_else(missing)
}

/// What the policy says of the record's operation now.
pub(super) fn today(entry: &Entry, policy: &Policy) -> (Today, String) {
    let Some(row) = ROWS.iter().find(|row| row.id == entry.operation) else {
        return (Today::Unknown, "it was no operation of the Docker Engine API, and no policy can allow it".to_owned());
    };
    let id = row.id;
    match row.standing {
        Standing::Floor => (Today::Refused, format!("{id} is closed: no policy can allow it")),
        Standing::Later(key) => {
            let why = format!("this version of the broker does not have {id}; the key that will allow it is `{key}`");
            (Today::Refused, why)
        }
        Standing::Modelled(kind, grant) if !opens(policy, kind) => {
            (Today::Refused, format!("{policy} refuses every {id}; what opens it is `{grant}`"))
        }
        Standing::Modelled(kind, _) => {
            let missing = if kind.body_rule() == BodyRule::Nothing { "query" } else { "query and body" };
            let ask = format!("docker-broker explain {} TARGET", entry.method);
            let with = if missing == "query" { "" } else { " --body FILE" };
            let why = format!(
                "{policy} lets some {id} pass; whether it is this one depends on its {missing}, which the record does \
                 not hold: ask with `{ask}{with}`"
            );
            (Today::Depends, why)
        }
    }
}

/// What was wanted, in the words of the refusal; empty where the record has none.
pub(super) fn wanted(entry: &Entry) -> &str {
    let after = entry.reason.split_once(" refused: ").map_or("", |(_, after)| after);
    let after = match after.strip_prefix('`').and_then(|rest| rest.split_once("`: ")) {
        Some((place, rest)) if place == entry.place => rest,
        Some(_) | None => after,
    };
    after.split_once("; policy ").map_or("", |(wanted, _)| wanted)
}

/// The record in words, line by line.
pub(super) fn in_words(entry: &Entry) -> Vec<String> {
    let Entry { time, owner, operation, object, status, duration_ms, bytes_in, bytes_out, .. } = entry;
    let who = entry.uid.map_or_else(String::new, |uid| format!(" (uid {uid})"));
    let what = if operation.is_empty() { "a request" } else { operation };
    let on = if object.is_empty() { String::new() } else { format!(" on `{object}`") };
    let mut lines = vec![
        format!("at {time}, `{owner}`{who} asked for {what}{on}: {} {}", entry.method, entry.path),
        format!(
            "it was {} under policy `{}`, and the client got status {status}",
            outcome(&entry.decision),
            entry.policy
        ),
        format!("it took {duration_ms} ms; {bytes_in} bytes came from the client and {bytes_out} went to it"),
    ];
    if !entry.amended.is_empty() {
        lines.push(format!("the policy wrote `{}`", entry.amended.join("`, `")));
    }
    if !entry.reason.is_empty() {
        lines.push(format!("the client was told: {}", entry.reason));
    }
    if !entry.detail.is_empty() {
        lines.push(format!("for operators: {}", entry.detail));
    }
    lines
}

fn outcome(decision: &str) -> &str {
    match decision {
        "not_found" => "answered with `not found`, because there is no such object or it is not the client's,",
        "malformed" => "refused as malformed",
        "failed" => "permitted or not yet judged when the engine or the broker failed,",
        "stubbed" => "answered by the broker itself, without the engine,",
        "abandoned" => "left by the client before its answer",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::builtin::builtin;

    fn refused() -> Entry {
        Entry {
            operation: "ContainerCreate".into(),
            method: "POST".into(),
            place: "HostConfig.Privileged".into(),
            decision: "refused".into(),
            reason:
                "docker-broker: ContainerCreate refused: `HostConfig.Privileged`: `true`; policy `postgres` (built \
                     in) allows nothing (key `containers.host.privileged`) [request s-1]"
                    .into(),
            ..Entry::default()
        }
    }

    #[test]
    fn an_operation_that_is_closed_stays_refused() {
        let policy = builtin("unrestricted").unwrap();
        let of = |operation: &str| today(&Entry { operation: operation.into(), ..Entry::default() }, &policy).0;
        assert_eq!(of("SwarmInit"), Today::Refused);
        assert_eq!(of(""), Today::Unknown);
        assert_eq!(of("ContainerCreate"), Today::Depends);
        assert_eq!(today(&refused(), &builtin("read-only").unwrap()).0, Today::Refused);
    }

    #[test]
    fn what_was_wanted_is_found_in_the_message() {
        assert_eq!(wanted(&refused()), "`true`");
        assert_eq!(wanted(&Entry { reason: "No such container: x".into(), ..Entry::default() }), "");
    }

    #[test]
    fn a_record_is_found_by_its_id_among_other_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.json");
        let line = |id: &str| format!(r#"{{"type":"request","time":"t","decision":"refused","request_id":"{id}"}}"#);
        std::fs::write(&path, format!("noise\n{}\n{}\n{{\"type\":\"requ", line("a"), line("b"))).unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(find(path, "a").unwrap().request_id, "a");
        assert_eq!(only_record(path).unwrap().request_id, "b");
        assert_eq!(find(path, "c").unwrap_err().exit, Exit::NoInput);
        assert_eq!(only_record("/nowhere").unwrap_err().exit, Exit::NoInput);
        std::fs::write(path, line("d").replace(',', ",\n")).unwrap();
        assert_eq!(only_record(path).unwrap().request_id, "d");
    }
}
