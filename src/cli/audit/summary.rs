//! What records add up to.
//!
//! Must never grow with the length of a log: tables are bounded, and what finds no place in them is counted.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::audit::read::{Entry, Line};
use crate::config::policy_text::PolicyText;
use crate::policy::compile::Lifetime;

/// The whole of it. The names are a promise to programs.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) records: u64,
    /// Records that are older than what was asked for.
    pub(super) older: u64,
    /// Lines that are no records, or were cut off.
    pub(super) foreign_lines: u64,
    /// Records that the broker could not write, by its own count.
    pub(super) lost_records: u64,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) decisions: BTreeMap<String, u64>,
    #[serde(serialize_with = "as_list")]
    pub(super) clients: BTreeMap<Who, Client>,
    #[serde(serialize_with = "refusals_as_list")]
    pub(super) refusals: BTreeMap<RuleKey, Refusals>,
    /// Refusals that found no place in the table.
    pub(super) other_refusals: u64,
    pub(super) made: BTreeMap<Kind, Made>,
    /// What was made and not seen to go.
    #[serde(serialize_with = "values")]
    pub(super) still_there: BTreeMap<String, Object>,
    pub(super) images_pulled: BTreeMap<String, u64>,
    /// The last ones.
    pub(super) errors: Vec<Failed>,
    pub(super) slowest: Vec<Slow>,
    #[serde(skip)]
    since: Option<SystemTime>,
    #[serde(skip)]
    lifetimes: BTreeMap<String, Option<Duration>>,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Who {
    pub(super) owner: String,
    pub(super) listener: String,
    pub(super) uid: Option<u32>,
}

/// What one of them did.
#[derive(Debug, Default, Serialize)]
pub(super) struct Client {
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) operations: BTreeMap<String, u64>,
}

/// One rule that refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct RuleKey {
    /// The key that would allow it; empty where none could.
    pub(super) key: String,
    pub(super) operation: String,
    /// Without positions in lists: `Env[]`.
    pub(super) place: String,
    pub(super) policy: String,
    /// What the client was told, without the request's ID.
    pub(super) message: String,
}

/// How often it did.
#[derive(Debug, Default, Serialize)]
pub(super) struct Refusals {
    pub(super) count: u64,
    pub(super) first: String,
    pub(super) last: String,
    /// The last one's, for `docker-broker explain --request-id`.
    pub(super) request_id: String,
}

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Container,
    Network,
    Volume,
}

/// How many of a kind came and went.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Made {
    pub(super) made: u64,
    /// Of those that were made in this log.
    pub(super) gone: u64,
}

/// Something that was made.
#[derive(Debug, Serialize)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) image: String,
    pub(super) owner: String,
    pub(super) made_at: String,
    /// RFC 3339; `never`; empty where it cannot be known.
    pub(super) expires: String,
}

/// A request that the engine or the broker could not do.
#[derive(Debug, Serialize)]
pub(super) struct Failed {
    pub(super) time: String,
    pub(super) operation: String,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) detail: String,
    pub(super) request_id: String,
}

/// A request that took long.
#[derive(Debug, Serialize)]
pub(super) struct Slow {
    pub(super) duration_ms: f64,
    pub(super) operation: String,
    pub(super) object: String,
    pub(super) time: String,
    pub(super) request_id: String,
}

impl Summary {
    pub(super) fn new(since: Option<SystemTime>) -> Self {
        Self { since, ..Self::default() }
    }

    /// Takes one line of a log.
    pub(super) fn add(&mut self, line: Line) {
        match line {
            Line::Foreign => self.foreign_lines += 1,
            Line::Gap(lost) => self.lost_records += lost,
            Line::Record(entry) if self.is_older(&entry) => self.older += 1,
            Line::Record(entry) => self.add_record(*entry),
        }
    }

    /// Puts what was collected in order.
    pub(super) fn finish(&mut self) {
        self.slowest.sort_by(|one, other| other.duration_ms.total_cmp(&one.duration_ms));
        self.slowest.truncate(SHOWN);
    }

    fn is_older(&self, entry: &Entry) -> bool {
        // a record whose time cannot be read is rather shown than lost
        self.since.is_some_and(|since| humantime::parse_rfc3339(&entry.time).is_ok_and(|time| time < since))
    }

    fn add_record(&mut self, entry: Entry) {
        self.records += 1;
        if self.first.is_empty() || entry.time < self.first {
            self.first.clone_from(&entry.time);
        }
        if entry.time > self.last {
            self.last.clone_from(&entry.time);
        }
        self.bytes_in += entry.bytes_in;
        self.bytes_out += entry.bytes_out;
        count(&mut self.decisions, &entry.decision);
        self.add_client(&entry);
        self.add_object(&entry);
        match entry.decision.as_str() {
            "refused" => self.add_refusal(entry),
            "failed" => self.add_failure(entry),
            _ => self.add_duration(entry),
        }
    }

    fn add_client(&mut self, entry: &Entry) {
        let (owner, listener) = (entry.owner.clone(), entry.listener.clone());
        let mut who = Who { owner, listener, uid: entry.uid };
        if self.clients.len() >= MOST_ROWS && !self.clients.contains_key(&who) {
            who = Who { owner: "(others)".to_owned(), listener: String::new(), uid: None };
        }
        let client = self.clients.entry(who).or_default();
        client.requests += 1;
        client.refused += u64::from(entry.decision == "refused");
        let operation = if entry.operation.is_empty() { "(unknown)" } else { &entry.operation };
        count(&mut client.operations, operation);
    }

    fn add_refusal(&mut self, entry: Entry) {
        let Entry { key, operation, place, policy, reason, time, request_id, .. } = entry;
        let message = without_id(&reason, &request_id);
        let rule = RuleKey { key, operation, place: without_positions(&place), policy, message };
        if self.refusals.len() >= MOST_ROWS && !self.refusals.contains_key(&rule) {
            self.other_refusals += 1;
            return;
        }
        let refusals = self.refusals.entry(rule).or_default();
        if refusals.count == 0 {
            refusals.first.clone_from(&time);
        }
        refusals.count += 1;
        (refusals.last, refusals.request_id) = (time, request_id);
    }

    fn add_failure(&mut self, entry: Entry) {
        let Entry { time, operation, status, reason, detail, request_id, .. } = entry;
        if self.errors.len() >= SHOWN {
            self.errors.remove(0);
        }
        let reason = without_id(&reason, &request_id);
        self.errors.push(Failed { time, operation, status, reason, detail, request_id });
    }

    fn add_duration(&mut self, entry: Entry) {
        let Entry { duration_ms, operation, object, time, request_id, .. } = entry;
        if OPEN_ENDED.contains(&operation.as_str()) {
            return;
        }
        self.slowest.push(Slow { duration_ms, operation, object, time, request_id });
        // sorted now and then instead of at each record
        if self.slowest.len() >= SHOWN * 16 {
            self.finish();
        }
    }

    fn add_object(&mut self, entry: &Entry) {
        if entry.operation == "ImageCreate" && entry.decision == "permitted" && is_done(entry.status) {
            let image = if entry.image.is_empty() { &entry.object } else { &entry.image };
            let image = if image.is_empty() { "(not recorded)" } else { image };
            count(&mut self.images_pulled, image);
        }
        if is_gone(entry) {
            self.remove_object(&entry.object);
        }
        let Some((_, kind)) = MAKING.iter().find(|(operation, _)| *operation == entry.operation) else { return };
        if entry.decision != "permitted" || !is_done(entry.status) || entry.object.is_empty() {
            return;
        }
        self.made.entry(*kind).or_default().made += 1;
        if self.still_there.len() < MOST_OBJECTS {
            let object = Object {
                kind: *kind,
                id: entry.object.clone(),
                image: entry.image.clone(),
                owner: entry.owner.clone(),
                made_at: entry.time.clone(),
                expires: self.expiry(entry),
            };
            self.still_there.insert(entry.object.clone(), object);
        }
    }

    fn remove_object(&mut self, id: &str) {
        if let Some(object) = self.still_there.remove(id) {
            self.made.entry(object.kind).or_default().gone += 1;
        }
    }

    /// When something ends: as its record says, or else by the policy of that name as it is today.
    fn expiry(&mut self, entry: &Entry) -> String {
        let shown = |time: SystemTime| humantime::format_rfc3339_seconds(time).to_string();
        if let Some(at) = entry.expires {
            return SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(at)).map(shown).unwrap_or_default();
        }
        let Some(lifetime) = self.lifetime(&entry.policy) else { return String::new() };
        match (lifetime, humantime::parse_rfc3339(&entry.time)) {
            (Duration::MAX, _) => "never".to_owned(),
            (span, Ok(time)) => time.checked_add(span).map(shown).unwrap_or_default(),
            (_, Err(_)) => String::new(),
        }
    }

    fn lifetime(&mut self, policy: &str) -> Option<Duration> {
        if let Some(known) = self.lifetimes.get(policy) {
            return *known;
        }
        let loaded = PolicyText::find(policy).and_then(|text| text.load()).ok();
        let lifetime = loaded.map(|policy| match policy.containers.lifetime {
            Lifetime::For(span) => span,
            Lifetime::Unlimited => Duration::MAX,
        });
        self.lifetimes.insert(policy.to_owned(), lifetime);
        lifetime
    }
}

/// Whether a record says that its object is gone: a client's delete, or the broker's own removal.
fn is_gone(entry: &Entry) -> bool {
    let deleted = entry.operation.ends_with("Delete") && entry.decision == "permitted";
    let is_request = entry.r#type == "request";
    (deleted && (is_done(entry.status) || entry.status == 404 || !is_request))
        || REMOVED.contains(&entry.decision.as_str())
}

const fn is_done(status: u16) -> bool {
    status >= 200 && status < 300
}

fn count(table: &mut BTreeMap<String, u64>, name: &str) {
    let name = if table.len() >= MOST_ROWS && !table.contains_key(name) { "(others)" } else { name };
    *table.entry(name.to_owned()).or_default() += 1;
}

/// A message without the part that is another one each time.
fn without_id(message: &str, request_id: &str) -> String {
    message.strip_suffix(&format!(" [request {request_id}]")).unwrap_or(message).to_owned()
}

/// `Env[3]` and `Env[4]` are one place.
fn without_positions(place: &str) -> String {
    let mut out = String::new();
    for (index, part) in place.split('[').enumerate() {
        if index > 0 {
            out.push('[');
        }
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let rest = part.get(digits..).filter(|rest| rest.starts_with(']')).unwrap_or(part);
        out.push_str(if index > 0 { rest } else { part });
    }
    out
}

fn as_list<S: serde::Serializer>(clients: &BTreeMap<Who, Client>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(flatten)]
        who: &'a Who,
        #[serde(flatten)]
        client: &'a Client,
    }
    to.collect_seq(clients.iter().map(|(who, client)| Row { who, client }))
}

fn refusals_as_list<S: serde::Serializer>(refusals: &BTreeMap<RuleKey, Refusals>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(flatten)]
        rule: &'a RuleKey,
        #[serde(flatten)]
        refusals: &'a Refusals,
    }
    to.collect_seq(refusals.iter().map(|(rule, refusals)| Row { rule, refusals }))
}

fn values<S: serde::Serializer>(objects: &BTreeMap<String, Object>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(objects.values())
}

/// The operations that make something, and what.
const MAKING: [(&str, Kind); 3] =
    [("ContainerCreate", Kind::Container), ("NetworkCreate", Kind::Network), ("VolumeCreate", Kind::Volume)];

/// What records of the broker's own doing say of an object that it removed.
const REMOVED: [&str; 4] = ["removed", "swept", "expired", "reaped"];

/// Operations that last as long as a client likes: their time says nothing.
const OPEN_ENDED: [&str; 9] = [
    "ContainerAttach",
    "ContainerAttachWebsocket",
    "ContainerLogs",
    "ContainerStats",
    "ContainerWait",
    "ExecStart",
    "ImageCreate",
    "SystemEvents",
    "ImageBuild",
];

/// Most rows of a table.
const MOST_ROWS: usize = 1000;

/// Most objects that are followed at a time.
const MOST_OBJECTS: usize = 100_000;

/// How many of the slowest requests and of the last errors are shown.
pub(super) const SHOWN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::read::read_line;

    fn summary(lines: &[&str]) -> Summary {
        let mut summary = Summary::new(None);
        lines.iter().for_each(|line| summary.add(read_line(line.as_bytes())));
        summary.finish();
        summary
    }

    fn record(fields: &str) -> String {
        format!(
            r#"{{"type":"request","time":"2026-01-01T00:00:00.000Z","owner":"h/main","listener":"main","uid":1000,"policy":"postgres",{fields}}}"#
        )
    }

    #[test]
    fn what_is_no_record_is_counted_and_changes_nothing_else() {
        let summary = summary(&["noise", "{\"type\":\"request\",\"ti", r#"{"type":"audit-gap","time":"t","lost":3}"#]);
        assert_eq!((summary.records, summary.foreign_lines, summary.lost_records), (0, 2, 3));
        assert!(summary.clients.is_empty() && summary.first.is_empty());
    }

    #[test]
    fn refusals_by_one_rule_are_one_row() {
        let refusal = |id: &str, at: u8| {
            record(&format!(
                r#""operation":"ContainerCreate","decision":"refused","key":"containers.env","place":"Env[{at}]","reason":"no [request {id}]","request_id":"{id}""#
            ))
        };
        let summary = summary(&[&refusal("a", 1), &refusal("b", 2)]);
        assert_eq!(summary.refusals.len(), 1);
        let (rule, refusals) = summary.refusals.first_key_value().unwrap();
        assert_eq!((rule.place.as_str(), rule.message.as_str()), ("Env[]", "no"));
        assert_eq!((refusals.count, refusals.request_id.as_str()), (2, "b"));
    }

    #[test]
    fn what_was_made_and_not_seen_to_go_is_still_there() {
        let make = |id: &str| {
            record(&format!(
                r#""operation":"ContainerCreate","decision":"permitted","status":201,"object":"{id}","image":"postgres:16""#
            ))
        };
        let delete = |id: &str, status: u16| {
            record(&format!(
                r#""operation":"ContainerDelete","decision":"permitted","status":{status},"object":"{id}""#
            ))
        };
        let swept = r#"{"type":"sweep","time":"t","decision":"removed","object":"c"}"#;
        let failed =
            record(r#""operation":"ContainerCreate","decision":"permitted","status":409,"object":"postgres:16""#);
        let summary =
            summary(&[&make("a"), &make("b"), &make("c"), &delete("a", 204), &delete("b", 409), swept, &failed]);
        let left: Vec<&str> = summary.still_there.keys().map(String::as_str).collect();
        assert_eq!(left, ["b"]);
        let Made { made, gone } = summary.made[&Kind::Container];
        assert_eq!((made, gone), (3, 2));
        assert_eq!(summary.still_there["b"].expires, "2026-01-01T00:30:00Z", "the lifetime of `postgres`");
    }

    #[test]
    fn tables_do_not_grow_with_the_log() {
        let mut summary = Summary::new(None);
        for number in 0..5000 {
            let line = record(&format!(
                r#""operation":"Op{number}","decision":"refused","reason":"r{number}","request_id":"i","duration_ms":{number}"#
            ));
            summary.add(read_line(line.as_bytes()));
            let line =
                record(&format!(r#""operation":"ContainerInspect","decision":"permitted","duration_ms":{number}"#));
            summary.add(read_line(line.replace("1000", &number.to_string()).as_bytes()));
        }
        summary.finish();
        assert_eq!(summary.refusals.len() as u64 + summary.other_refusals, 5000);
        assert!(summary.refusals.len() <= MOST_ROWS && summary.clients.len() <= MOST_ROWS + 1);
        let slowest: Vec<f64> = summary.slowest.iter().map(|slow| slow.duration_ms).collect();
        assert_eq!((slowest.len(), slowest[0]), (SHOWN, 4999.0));
    }

    #[test]
    fn older_records_are_left_out() {
        let mut summary = Summary::new(humantime::parse_rfc3339("2026-01-01T00:00:00Z").ok());
        let old = record(r#""decision":"permitted""#).replace("2026", "2025");
        summary.add(read_line(old.as_bytes()));
        summary.add(read_line(record(r#""decision":"stubbed""#).as_bytes()));
        assert_eq!((summary.older, summary.records, summary.decisions.len()), (1, 1, 1));
    }

    #[test]
    fn positions_are_taken_out_of_places_and_names_stay() {
        for (place, plain) in
            [("Env[3]", "Env[]"), ("Mounts[1].Source", "Mounts[].Source"), ("a[b]", "a[b]"), ("", ""), ("x[12", "x[12")]
        {
            assert_eq!(without_positions(place), plain);
        }
    }
}
