//! What a run came to: a few lines for people on standard error, and a document for programs in a file.
//!
//! Must never write to standard output, which is the command's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::audit::{Made, Refused, Totals};
use crate::policy::compile::{Origin, Policy};
use crate::session::leftovers::Leftovers;
use crate::session::removal::{Item, Kind, Left};

/// Everything that is worth saying.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    pub(super) instance: &'a str,
    pub(super) policy: &'a Policy,
    pub(super) exit_code: u8,
    pub(super) took: Duration,
    pub(super) totals: Totals,
    pub(super) leftovers: Leftovers,
}

/// The document. Its names are a promise.
#[derive(Serialize)]
struct Document<'a> {
    instance: &'a str,
    policy: String,
    exit_code: u8,
    seconds: f64,
    requests: u64,
    made: &'a Made,
    refused: &'a [Refused],
    refused_otherwise: u64,
    malformed: u64,
    failed: u64,
    abandoned: u64,
    removed: Vec<Object<'a>>,
    left: Vec<Remaining<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unseen: Option<&'a str>,
}

/// An object on the engine.
#[derive(Serialize)]
struct Object<'a> {
    kind: &'static str,
    /// Its full ID; a volume's name.
    id: &'a str,
    name: &'a str,
}

/// An object that could not be removed.
#[derive(Serialize)]
struct Remaining<'a> {
    #[serde(flatten)]
    object: Object<'a>,
    /// What keeps it, in the engine's words.
    why: String,
}

impl<'a> From<&'a Item> for Object<'a> {
    fn from(item: &'a Item) -> Self {
        Self { kind: item.kind.word(), id: &item.id, name: &item.name }
    }
}

impl<'a> From<&'a Left> for Remaining<'a> {
    fn from(left: &'a Left) -> Self {
        Self { object: Object::from(&left.item), why: format!("{}: {}", left.obstacle.words(), left.words) }
    }
}

impl Summary<'_> {
    /// The lines for people.
    pub(super) fn text(&self, colours: bool) -> String {
        let Self { instance, policy: _, exit_code, took, totals, leftovers } = self;
        let mut text = format!("docker-broker: {instance} ended with {exit_code} after {:.1} s", took.as_secs_f64());
        let _ = write!(text, "; made {}", made(&totals.made));
        let _ = write!(text, "; refused {}", refusals(totals));
        let _ = writeln!(text, "; removed {}", objects(&leftovers.removed));
        for refused in &totals.refused {
            let message = refused.message.replacen(" refused: ", ": ", 1);
            line(&mut text, colours, YELLOW, "refused", &format!("{} × {message}", refused.count));
        }
        if totals.refused_otherwise > 0 {
            line(&mut text, colours, YELLOW, "refused", &format!("{} more, in other words", totals.refused_otherwise));
        }
        if let Some(key) = totals.refused.iter().find_map(|refused| refused.key) {
            line(&mut text, colours, YELLOW, "allow", &self.advice(key));
        }
        for Left { item: Item { kind, id, name, .. }, obstacle, words } in &leftovers.left {
            let why = obstacle.words();
            line(&mut text, colours, RED, "left", &format!("{kind} `{id}` (`{name}`): {why}: {words}"));
        }
        if let Some(why) = &leftovers.unseen {
            line(&mut text, colours, RED, "left", &format!("what there is of it is not known: {why}"));
        }
        if !leftovers.is_nothing() {
            let again = "the next `docker-broker run` of this user tries to remove it again";
            line(&mut text, colours, RED, "left", again);
        }
        text
    }

    /// What to do about a refusal.
    fn advice(&self, key: &str) -> String {
        let policy = self.policy;
        match &policy.origin {
            Origin::File(_) => format!("set `{key}` in {policy}"),
            Origin::BuiltIn => format!(
                "a built-in policy is not changed: write `docker-broker policy new mine --extends {} --output mine.toml`, \
                 set `{key}` there, and say `--policy mine.toml`",
                policy.name
            ),
        }
    }

    /// The document for programs.
    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        let Self { instance, policy, exit_code, took, totals, leftovers } = self;
        let document = Document {
            instance,
            policy: policy.to_string(),
            exit_code: *exit_code,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            requests: totals.requests,
            made: &totals.made,
            refused: &totals.refused,
            refused_otherwise: totals.refused_otherwise,
            malformed: totals.malformed,
            failed: totals.failed,
            abandoned: totals.abandoned,
            removed: leftovers.removed.iter().map(Object::from).collect(),
            left: leftovers.left.iter().map(Remaining::from).collect(),
            unseen: leftovers.unseen.as_deref(),
        };
        serde_json::to_string_pretty(&document).map(|text| text + "\n")
    }
}

fn line(text: &mut String, colours: bool, colour: u8, word: &str, what: &str) {
    let _ = if colours {
        writeln!(text, "  \u{1b}[{colour}m{word:<8}\u{1b}[0m {what}")
    } else {
        writeln!(text, "  {word:<8} {what}")
    };
}

fn made(made: &Made) -> String {
    if made.is_nothing() {
        return "nothing".to_owned();
    }
    let Made { containers, networks, volumes, pulls } = made;
    let parts = [
        by_image(containers, "container"),
        counted(*networks, "network"),
        counted(*volumes, "volume"),
        by_image(pulls, "pull"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn by_image(counts: &BTreeMap<String, u64>, word: &str) -> Option<String> {
    let images: Vec<String> = counts.iter().map(|(image, count)| format!("`{image}` × {count}")).collect();
    let number = counted(counts.values().sum(), word)?;
    Some(format!("{number} ({})", images.join(", ")))
}

fn counted(count: u64, word: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        count => Some(format!("{count} {word}s")),
    }
}

fn refusals(totals: &Totals) -> String {
    let refused = totals.refused.iter().map(|refused| refused.count).sum::<u64>() + totals.refused_otherwise;
    counted(refused, "request").unwrap_or_else(|| "nothing".to_owned())
}

fn objects(removed: &[Item]) -> String {
    let of = |kind: Kind| removed.iter().filter(|item| item.kind == kind).count() as u64;
    let kinds = [Kind::Container, Kind::Network, Kind::Volume];
    let parts = kinds.into_iter().filter_map(|kind| counted(of(kind), kind.word()));
    let text = parts.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "nothing".to_owned() } else { text }
}

const YELLOW: u8 = 33;
const RED: u8 = 31;
