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
    /// How many were given up by their client.
    pub abandoned: u64,
    /// How many were to make something, and ended in a way that does not tell whether they did.
    #[serde(skip)]
    pub doubtful: u64,
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
    fn count(&mut self, record: &Record) {
        self.requests += 1;
        let makes = record.operation.is_some_and(|operation| MAKING.contains(&operation));
        if makes && matches!(record.decision, Decision::Failed | Decision::Abandoned) {
            self.doubtful += 1;
        }
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

/// Operations that make what is removed at the end.
const MAKING: [&str; 3] = ["ContainerCreate", "NetworkCreate", "VolumeCreate"];

/// How many different refusals are kept.
const MOST_MESSAGES: usize = 100;

/// How many different images are kept.
const MOST_NAMES: usize = 100;

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;

    fn totals(records: impl IntoIterator<Item = Record>) -> Totals {
        let tally = Tally::default();
        records.into_iter().for_each(|record| tally.count(&record));
        tally.totals()
    }

    fn made(operation: &'static str, status: u16) -> Record {
        Record { operation: Some(operation), decision: Decision::Permitted, status, ..record() }
    }

    #[test]
    fn the_same_refusal_is_counted_and_not_repeated() {
        let refused = |number: u32, what: &str| Record {
            reason: Some(format!("docker-broker: ContainerCreate refused: {what} [request r-{number}]")),
            ..record()
        };
        let totals = totals([refused(1, "a"), refused(2, "b"), refused(3, "b")]);
        let seen: Vec<_> = totals.refused.iter().map(|refused| (refused.count, refused.message.as_str())).collect();
        assert_eq!(seen, [(2, "ContainerCreate refused: b"), (1, "ContainerCreate refused: a")]);
        assert_eq!((totals.requests, totals.refused_otherwise), (3, 0));
    }

    #[test]
    fn a_flood_of_different_words_stays_bounded() {
        let refused = |number: usize| Record { reason: Some(format!("{number}\n")), ..record() };
        let totals =
            totals((0..1000).map(refused).chain(
                (0..1000).map(|number| Record { image: Some(number.to_string()), ..made("ContainerCreate", 201) }),
            ));
        assert_eq!((totals.refused.len(), totals.refused_otherwise), (100, 900));
        assert_eq!(totals.made.containers.len(), 101);
        assert_eq!(totals.made.containers.values().sum::<u64>(), 1000);
        assert!(totals.refused.iter().all(|refused| !refused.message.contains('\n')));
    }

    #[test]
    fn only_what_was_made_counts_as_made_and_only_a_create_leaves_doubt() {
        let totals = totals([
            made("ContainerCreate", 201),
            made("ContainerCreate", 404),
            made("NetworkCreate", 201),
            made("VolumeCreate", 500),
            made("ImageCreate", 200),
            Record { decision: Decision::Failed, ..made("ContainerCreate", 502) },
            Record { decision: Decision::Abandoned, ..made("ContainerWait", 200) },
        ]);
        let Made { containers, networks, volumes, pulls } = &totals.made;
        assert_eq!((containers.get("redis:7"), pulls.get("redis:7")), (Some(&1), Some(&1)));
        assert_eq!((*networks, *volumes), (1, 0));
        assert_eq!((totals.failed, totals.abandoned, totals.doubtful), (1, 1, 1));
    }
}
