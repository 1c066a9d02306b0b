//! A summary for people.

use std::fmt::Write as _;
use std::time::SystemTime;

use crate::policy::file::keys::{self, InForce};

use super::summary::{Client, Failed, Kind, Made, Object, RuleKey, SHOWN, Slow, Summary, Who};

/// The summary as text. `now` tells what is overdue.
pub(super) fn text(summary: &Summary, now: SystemTime) -> String {
    let mut text = String::new();
    head(summary, &mut text);
    clients(summary, &mut text);
    refusals(summary, &mut text);
    objects(summary, now, &mut text);
    failures(summary, &mut text);
    slowest(summary, &mut text);
    text
}

// writing to a String cannot fail, here and below
fn head(summary: &Summary, text: &mut String) {
    let Summary { records, older, foreign_lines, lost_records, first, last, bytes_in, bytes_out, decisions, .. } =
        summary;
    if *records == 0 {
        let _ = writeln!(text, "no records");
    } else {
        let _ = writeln!(text, "{records} records from {first} to {last}");
        let words: Vec<String> = decisions.iter().map(|(decision, count)| format!("{count} {decision}")).collect();
        let _ = writeln!(text, "{}", words.join(", "));
        let _ = writeln!(text, "{} came from clients and {} went to them", bytes(*bytes_in), bytes(*bytes_out));
    }
    for (count, what) in [
        (older, "older records were left out"),
        (foreign_lines, "lines are no records, or were cut off"),
        (lost_records, "records were lost because the log could not be written"),
    ] {
        if *count > 0 {
            let _ = writeln!(text, "note: {count} {what}");
        }
    }
}

fn clients(summary: &Summary, text: &mut String) {
    if !summary.clients.is_empty() {
        text.push_str("\nWho did what\n");
    }
    for (Who { owner, listener, uid }, Client { requests, refused, operations }) in &summary.clients {
        let uid = uid.map_or_else(String::new, |uid| format!(", uid {uid}"));
        let owner = if owner.is_empty() { "the broker itself" } else { owner };
        let _ = writeln!(text, "  {owner} (listener {listener}{uid}): {requests} requests, {refused} refused");
        let mut rows: Vec<(&String, &u64)> = operations.iter().collect();
        rows.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        for (operation, count) in rows {
            let _ = writeln!(text, "    {count:>8}  {operation}");
        }
    }
}

fn refusals(summary: &Summary, text: &mut String) {
    if !summary.refusals.is_empty() {
        text.push_str("\nWhat was refused\n");
    }
    let mut rows: Vec<_> = summary.refusals.iter().collect();
    rows.sort_by(|one, other| other.1.count.cmp(&one.1.count).then(one.0.cmp(other.0)));
    for (RuleKey { key, operation, place, policy, message }, refusals) in rows {
        let place = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
        let operation = if operation.is_empty() { "a request" } else { operation };
        let _ =
            writeln!(text, "  {:>6}  {operation}{place}, from {} to {}", refusals.count, refusals.first, refusals.last);
        let _ = writeln!(text, "          {message}");
        let remedy = match keys::find(key).map(|key| key.in_force) {
            Some(InForce::Never) => format!("key `{key}` will allow it, and is not in force in this version yet"),
            Some(InForce::Always | InForce::Except(_)) => format!("key `{key}` of policy `{policy}` would allow it"),
            None => "no key of a policy would allow it".to_owned(),
        };
        let id = &refusals.request_id;
        let _ = writeln!(text, "          {remedy}; see `docker-broker explain --request-id {id} --audit FILE`");
    }
    if summary.other_refusals > 0 {
        let _ = writeln!(text, "  {:>6}  others, by too many different rules to be told apart", summary.other_refusals);
    }
}

fn objects(summary: &Summary, now: SystemTime, text: &mut String) {
    if !summary.made.is_empty() || !summary.images_pulled.is_empty() {
        text.push_str("\nWhat was made\n");
    }
    for (kind, Made { made, gone }) in &summary.made {
        let _ = writeln!(
            text,
            "  {:<10} {made} made, {gone} gone, {} not seen to go",
            plural(*kind),
            made.saturating_sub(*gone)
        );
    }
    for (image, count) in &summary.images_pulled {
        let _ = writeln!(text, "  {:<10} {image} pulled {count} times", "image");
    }
    if !summary.still_there.is_empty() {
        text.push_str("\nMade and not seen to go (what removes itself leaves no record)\n");
    }
    let mut left: Vec<&Object> = summary.still_there.values().collect();
    left.sort_by(|one, other| one.made_at.cmp(&other.made_at));
    for Object { kind, id, image, owner, made_at, expires } in left.iter().take(MOST_OBJECTS_SHOWN) {
        let short: String = id.chars().take(if *kind == Kind::Container { 12 } else { 64 }).collect();
        let image = if image.is_empty() { String::new() } else { format!(" from {image}") };
        let end = end_in_words(expires, now);
        let _ = writeln!(text, "  {} {short}{image}, made by {owner} at {made_at}, {end}", singular(*kind));
    }
    if left.len() > MOST_OBJECTS_SHOWN {
        let _ = writeln!(text, "  and {} more (all of them with --format json)", left.len() - MOST_OBJECTS_SHOWN);
    }
}

fn end_in_words(expires: &str, now: SystemTime) -> String {
    match (expires, humantime::parse_rfc3339(expires)) {
        ("", _) => "expires at a time that the log does not tell".to_owned(),
        ("never", _) => "never expires".to_owned(),
        (_, Ok(end)) if end < now => format!("expired at {expires}: the sweeper should have removed it"),
        _ => format!("expires at {expires}"),
    }
}

fn failures(summary: &Summary, text: &mut String) {
    if !summary.errors.is_empty() {
        let _ = write!(text, "\nWhat failed, the last {SHOWN} at most\n");
    }
    for Failed { time, operation, status, reason, detail, request_id } in &summary.errors {
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        let _ = writeln!(text, "  {time} {operation} {status}: {reason}{detail} [{request_id}]");
    }
}

fn slowest(summary: &Summary, text: &mut String) {
    if !summary.slowest.is_empty() {
        text.push_str("\nThe slowest requests, streams and pulls left out\n");
    }
    for Slow { duration_ms, operation, object, time, request_id } in &summary.slowest {
        let object: String = object.chars().take(60).collect();
        let _ = writeln!(text, "  {duration_ms:>10.1} ms  {operation} {object} at {time} [{request_id}]");
    }
}

const fn singular(kind: Kind) -> &'static str {
    match kind {
        Kind::Container => "container",
        Kind::Network => "network",
        Kind::Volume => "volume",
    }
}

const fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Container => "containers",
        Kind::Network => "networks",
        Kind::Volume => "volumes",
    }
}

/// A number of bytes as people read it.
fn bytes(count: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{}.{} {unit}", count / size, count % size * 10 / size),
        None => format!("{count} bytes"),
    }
}

/// Most objects in the text form.
const MOST_OBJECTS_SHOWN: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::read::read_line;

    #[test]
    fn an_empty_log_says_so() {
        assert_eq!(text(&Summary::new(None), SystemTime::UNIX_EPOCH), "no records\n");
    }

    #[test]
    fn what_is_overdue_is_said_to_be() {
        let line = br#"{"type":"request","time":"2026-01-01T00:00:00Z","owner":"h/main","decision":"permitted","status":201,"operation":"ContainerCreate","object":"abc","policy":"postgres","bytes_in":2048}"#;
        let mut summary = Summary::new(None);
        summary.add(read_line(line));
        summary.finish();
        let early = text(&summary, SystemTime::UNIX_EPOCH);
        assert!(
            early.contains("container abc, made by h/main") && early.contains("expires at 2026-01-01T00:30:00Z"),
            "{early}"
        );
        assert!(early.contains("2.0 KiB came from clients"), "{early}");
        let late = text(&summary, humantime::parse_rfc3339("2027-01-01T00:00:00Z").unwrap());
        assert!(late.contains("the sweeper should have removed it"), "{late}");
    }
}
