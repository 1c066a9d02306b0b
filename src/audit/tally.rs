//! What the requests of one broker came to, counted while they are recorded: what was made, and what was refused.
//!
//! It keeps numbers and a bounded number of messages, however long the broker runs. Must never hold what the records
//! themselves would not show.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::render::{SENTENCE, WORD, clean};
use super::{Decision, Record};

/// Counts records. Those who record and those who read share it.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Totals>);

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many requests were answered.
    pub requests: u64,
    /// What was made.
    pub made: Made,
    /// What was refused, the same words counted together, the most frequent first.
    pub refused: Vec<Refused>,
    /// Refusals in other words, after so many different ones that no more were kept.
    pub refused_otherwise: u64,
    /// How many requests could not be read.
    pub malformed: u64,
    /// How many the engine or the broker could not do.
    pub failed: u64,
    /// How many were given up by their client; what they asked for may have been done.
    pub abandoned: u64,
}

/// What was made, by its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Containers by the image as the client named it.
    pub containers: BTreeMap<String, u64>,
    /// Networks.
    pub networks: u64,
    /// Volumes.
    pub volumes: u64,
    /// Images that were pulled, as the client named them.
    pub pulls: BTreeMap<String, u64>,
}

/// One refusal, and how often it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// How often.
    pub count: u64,
    /// Docker's `operationId`; empty where the request is none that is known.
    pub operation: &'static str,
    /// Where in the request the deciding value stands.
    pub place: Option<String>,
    /// The policy key that would allow it, if any could.
    pub key: Option<&'static str>,
    /// What the client was told, without the request's ID.
    pub message: String,
}

impl Tally {
    /// Counts a record.
    pub fn count(&self, record: &Record) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count(record);
    }

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        totals.refused.sort_by_key(|refused| std::cmp::Reverse(refused.count));
        totals
    }
}

impl Totals {
    /// Whether some request's end is unknown: what it asked for may still come to be.
    #[must_use]
    pub const fn leaves_doubt(&self) -> bool {
        self.abandoned > 0 || self.failed > 0
    }

    fn count(&mut self, record: &Record) {
        self.requests += 1;
        match record.decision {
            Decision::Permitted => self.made.count(record),
            Decision::Refused => self.refuse(record),
            Decision::Malformed => self.malformed += 1,
            Decision::Failed => self.failed += 1,
            Decision::Abandoned => self.abandoned += 1,
            Decision::NotFound | Decision::Stubbed => {}
        }
    }

    fn refuse(&mut self, record: &Record) {
        let reason = record.reason.as_deref().unwrap_or_default();
        let message = reason.rsplit_once(" [request ").map_or(reason, |(message, _)| message);
        let message = clean(message.strip_prefix("docker-broker: ").unwrap_or(message), SENTENCE);
        if let Some(known) = self.refused.iter_mut().find(|known| known.message == message) {
            known.count += 1;
        } else if self.refused.len() < MOST_MESSAGES {
            self.refused.push(Refused {
                count: 1,
                operation: record.operation.unwrap_or_default(),
                place: record.place.clone(),
                key: record.key,
                message,
            });
        } else {
            self.refused_otherwise += 1;
        }
    }
}

impl Made {
    /// Whether nothing was made.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn count(&mut self, record: &Record) {
        let image = || record.image.as_ref().map_or_else(|| "an unnamed image".to_owned(), |image| clean(image, WORD));
        match (record.operation, record.status) {
            (Some("ContainerCreate"), 201) => add(&mut self.containers, image()),
            (Some("NetworkCreate"), 201) => self.networks += 1,
            (Some("VolumeCreate"), 201) => self.volumes += 1,
            (Some("ImageCreate"), 200) => add(&mut self.pulls, image()),
            _ => {}
        }
    }
}

/// Counts a name; after so many different ones, under one that stands for the rest.
fn add(counts: &mut BTreeMap<String, u64>, name: String) {
    let name = if counts.len() < MOST_NAMES || counts.contains_key(&name) { name } else { "others".to_owned() };
    *counts.entry(name).or_default() += 1;
}

/// How many different refusals are kept.
const MOST_MESSAGES: usize = 100;

/// How many different images are kept.
const MOST_NAMES: usize = 100;
