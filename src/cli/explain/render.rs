//! An answer in words for people, or as one JSON document for programs.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::record::{Today, in_words};
use super::sent::Sent;
use crate::audit::read::Entry;
use crate::cli::exit::{Exit, Failure};
use crate::policy::compile::Policy;

/// What is answered. What does not apply is left out of the JSON form.
#[derive(Debug, Default, Serialize)]
pub(super) struct Answer {
    pub(super) request: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation: Option<String>,
    /// As in an audit record: `permitted`, `refused`, `not_found`, `malformed`, `stubbed` and so on.
    pub(super) decision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// What the client would be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    pub(super) policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<Remedy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sent: Option<Sent>,
    /// Where the facts come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) facts: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assumed: Vec<String>,
    /// An audit record in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) record: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) today: Option<Now>,
}

/// Which rule refused.
#[derive(Debug, Serialize)]
pub(super) struct Rule {
    /// Empty where it is the operation itself.
    pub(super) place: String,
    pub(super) wanted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allowed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// What the key does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) meaning: Option<String>,
    /// Why no policy can allow it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) never: Option<String>,
}

/// What to write where.
#[derive(Debug, Serialize)]
pub(super) struct Remedy {
    /// What to do with the lines, in words.
    pub(super) file: String,
    pub(super) lines: String,
    /// Whether the request was judged again with them.
    pub(super) tried: bool,
    /// What would be refused next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// What the policy in force makes of the request of a record.
#[derive(Debug, Serialize)]
pub(super) struct Now {
    pub(super) decision: Today,
    pub(super) why: String,
}

impl Answer {
    pub(super) fn new(request: String, operation: Option<String>, policy: String) -> Self {
        Self { request, operation, policy, ..Self::default() }
    }

    pub(super) fn of_record(entry: Entry, policy: &Policy, today: Today, why: String, remedy: Option<Remedy>) -> Self {
        let record = in_words(&entry);
        let some = |text: String| (!text.is_empty()).then_some(text);
        let Entry { method, path, operation, decision, status, reason, key, .. } = entry;
        let mut answer = Self::new(format!("{method} {path}"), some(operation), policy.to_string());
        answer.decision = decision;
        answer.status = Some(status);
        answer.message = some(reason);
        answer.record = record;
        answer.remedy = remedy;
        answer.today = Some(Now { decision: today, why });
        if let Some(key) = crate::policy::file::keys::find(&key) {
            let (path, meaning) = (key.path.to_owned(), key.meaning.to_owned());
            let (place, wanted) = (entry.place, String::new());
            answer.rule =
                Some(Rule { place, wanted, allowed: None, key: Some(path), meaning: Some(meaning), never: None });
        }
        answer
    }

    /// Whether it passes; of a record, whether it passed.
    pub(super) fn is_permitted(&self) -> bool {
        matches!(self.decision.as_str(), "permitted" | "stubbed")
    }

    pub(super) fn json(&self) -> Result<String, Failure> {
        let json = serde_json::to_string_pretty(self).map_err(|error| Failure::new(Exit::Software, &error))?;
        Ok(json + "\n")
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            // writing to a String cannot fail
            let _ = writeln!(text, "{name:<10} {value}");
        };
        line("request", &self.request);
        line("operation", self.operation.as_deref().unwrap_or("none that the Docker Engine API has"));
        let status = self.status.map_or_else(String::new, |status| format!(", status {status}"));
        line("decision", &format!("{}{status}", self.decision));
        line("policy", &self.policy);
        if let Some(facts) = &self.facts {
            line("facts", facts);
        }
        for assumed in &self.assumed {
            line("", &format!("- {assumed}"));
        }
        self.write_refusal(&mut text);
        self.write_record(&mut text);
        if let Some(sent) = &self.sent {
            write_sent(sent, &mut text);
        }
        if self.decision == "stubbed" && self.record.is_empty() {
            text.push_str("\nThe broker answers it by itself, and nothing reaches the engine.\n");
        }
        text
    }

    fn write_refusal(&self, text: &mut String) {
        if let Some(Rule { place, wanted, allowed, key, meaning, never }) = &self.rule {
            let mut line = |name: &str, value: &str| {
                let _ = writeln!(text, "{name:<10} {value}");
            };
            if !place.is_empty() {
                line("place", place);
            }
            if !wanted.is_empty() {
                line("wanted", wanted);
            }
            if let Some(allowed) = allowed {
                line("allowed", allowed);
            }
            if let (Some(key), Some(meaning)) = (key, meaning) {
                line("key", &format!("{key}: {meaning}"));
            }
            if let Some(never) = never {
                line("never", never);
            }
        }
        if let (Some(message), true) = (&self.message, self.record.is_empty()) {
            let _ = write!(text, "\nThe client is told:\n  {message}\n");
        }
        if let Some(remedy) = &self.remedy {
            write_remedy(remedy, text);
        }
    }

    fn write_record(&self, text: &mut String) {
        if !self.record.is_empty() {
            text.push_str("\nThe record says:\n");
            for line in &self.record {
                let _ = writeln!(text, "  {line}");
            }
        }
        if let Some(Now { decision: _, why }) = &self.today {
            let _ = write!(text, "\nToday:\n  {why}\n");
        }
    }
}

fn write_remedy(remedy: &Remedy, text: &mut String) {
    let Remedy { file, lines, tried, next } = remedy;
    let _ = write!(text, "\nTo allow it, {file}:\n{}", indented(lines));
    let outcome = match (tried, next) {
        (true, None) => "Tried: with these lines this request passes.".to_owned(),
        (true, Some(next)) => format!("Tried: with these lines it is refused next by:\n  {next}"),
        (false, _) => "Not tried: the record does not hold the request itself.".to_owned(),
    };
    let _ = writeln!(text, "{outcome}");
}

fn write_sent(sent: &Sent, text: &mut String) {
    let Sent { method, path, query, headers, body, archive, changes, answer } = sent;
    let _ = write!(text, "\nThe engine gets:\n  {method} {path}\n");
    for (name, value) in query {
        let _ = writeln!(text, "    {name} = {value}");
    }
    for (name, value) in headers {
        let _ = writeln!(text, "  {name}: {}", value.as_str().unwrap_or_default());
    }
    if !body.is_null() {
        text.push_str(&indented(&format!("{body:#}\n")));
    }
    if *archive {
        text.push_str("  and the archive, read and written anew entry by entry; an entry can still be refused there\n");
    }
    if !changes.is_empty() {
        text.push_str("\nThe policy wrote:\n");
    }
    for change in changes {
        let _ = writeln!(text, "  {}: {} instead of {}", change.place, shown(&change.sent), shown(&change.asked));
    }
    if !answer.is_empty() {
        text.push_str("\nAnd then:\n");
    }
    for line in answer {
        let _ = writeln!(text, "  {line}");
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { value.to_string() }
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}
