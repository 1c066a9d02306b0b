//! Removing what somebody has on the engine: what is due, what a session left behind, or everything.
//!
//! Containers go first, with their anonymous volumes, then networks, then volumes, for the later kinds are held by the
//! earlier ones. Must never touch an object whose labels (and image) do not prove that it is of those who are meant, and
//! never say that something is gone of which the engine did not say so.

use std::fmt;
use std::time::SystemTime;

use futures_util::{StreamExt, stream};
use hyper::StatusCode;

use crate::audit::{Audit, Removed, Stage};
use crate::policy::facts::{NetworkFacts, VolumeFacts};
use crate::policy::housekeeping;
use crate::policy::ownership::{Owner, SESSION, expiry};
use crate::policy::permit::Permit;
use crate::upstream::facts::ListedContainer;
use crate::upstream::{Engine, UpstreamError};

pub use crate::policy::ownership::Whose;

type Labels = std::collections::BTreeMap<String, String>;

/// Which of these objects are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    Everything,
    /// Those of a session, by its name.
    Session(String),
    /// Those whose time is over, in Unix seconds.
    Due {
        /// What expires at this time or did before it.
        now: u64,
        /// When the asker began: containers that were made before it, more than a minute ago, and never started are
        /// due as well. `None`: only expired ones are.
        began: Option<u64>,
    },
}

/// A kind of object that can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A container.
    Container,
    /// A network.
    Network,
    /// A volume.
    Volume,
}

/// Why an object goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Somebody asked for it.
    Asked,
    /// Its session ended.
    SessionEnded,
    /// Its time is over.
    Expired,
    /// Whoever made it never started it, and is gone.
    NeverStarted,
    /// It takes more disk than it may.
    Disk {
        /// How many bytes were found.
        used: u64,
        /// How many it may take.
        bound: u64,
    },
}

/// An object of somebody who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its full ID; a volume's name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// The session that it was made in; empty where the label is missing.
    pub session: String,
    /// When its time is over, in Unix seconds.
    pub expires: Option<u64>,
    /// Why it goes.
    pub why: Why,
}

/// An object that should have gone and is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The object.
    pub item: Item,
    /// What keeps it.
    pub obstacle: Obstacle,
    /// What the engine said, or why it could not be asked: for operators, for it can hold paths of the host.
    pub words: String,
}

/// What keeps an object from being removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Obstacle {
    /// Something else uses it: a container on a network, or with a volume. It can go later.
    InUse,
    /// A removal of it is already under way, and may come to nothing.
    UnderWay,
    /// The engine could not do it, or could not be asked.
    Failed,
}

/// What became of a removal.
#[derive(Debug, Default)]
pub struct Removal {
    /// What is gone; with a dry run, what would go.
    pub removed: Vec<Item>,
    /// What could not be removed.
    pub left: Vec<Left>,
    /// Kinds of which the engine gave no list: what there is of them is unknown.
    pub unlisted: Vec<(Kind, UpstreamError)>,
    /// When the first of those that were not due will be, in Unix seconds.
    pub next: Option<u64>,
}

/// Something that is to go.
#[derive(Debug)]
struct Candidate {
    item: Item,
    /// None for a volume: its name can come to mean another one, so it is looked at once more right before.
    permit: Option<Permit>,
}

/// Removes what is asked for; with `dry_run` only says what that is. One object that cannot be removed does not keep the
/// others. The work is bounded: a few at a time. Each removal is written into `audit` before the engine is asked and once
/// it is done, so that also a broker that is killed meanwhile leaves a trace of it.
///
/// # Errors
/// When the engine does not list containers. Whatever else goes wrong stands in the answer.
pub async fn remove(
    engine: &Engine,
    whose: &Whose,
    which: &Which,
    dry_run: bool,
    audit: Option<&Audit>,
) -> Result<Removal, UpstreamError> {
    let mut removal = Removal::default();
    let containers = engine.containers_of(whose).await?;
    let containers = containers.iter().filter_map(|container| removal.container(whose, which, container)).collect();
    removal.carry_out(engine, containers, dry_run, audit).await;
    match engine.networks_of(whose).await {
        Ok(networks) => {
            let networks = networks.iter().filter_map(|network| removal.network(whose, which, network)).collect();
            removal.carry_out(engine, networks, dry_run, audit).await;
        }
        Err(error) => removal.unlisted.push((Kind::Network, error)),
    }
    match engine.volumes_of(whose).await {
        Ok(volumes) => {
            let volumes = volumes.iter().filter_map(|volume| removal.volume(whose, which, volume)).collect();
            removal.carry_out(engine, volumes, dry_run, audit).await;
        }
        Err(error) => removal.unlisted.push((Kind::Volume, error)),
    }
    Ok(removal)
}

/// Removes one container that was listed; none where it is not proved to be of those who are meant.
pub(super) async fn remove_container(
    engine: &Engine,
    whose: &Whose,
    container: &ListedContainer,
    why: Why,
    audit: &Audit,
) -> Option<Result<Item, Left>> {
    let candidate = container_candidate(whose, container, why)?;
    Some(carry_out_one(engine, candidate, Some(audit)).await)
}

impl Removal {
    /// Whether everything that was to go is gone.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.left.is_empty() && self.unlisted.is_empty()
    }

    fn container(&mut self, whose: &Whose, which: &Which, container: &ListedContainer) -> Option<Candidate> {
        whose.owner(&container.facts.labels)?;
        let forgotten = container.facts.created.filter(|_| container.state == "created");
        let why = self.is_to_go(which, &container.facts.labels, forgotten)?;
        container_candidate(whose, container, why)
    }

    fn network(&mut self, whose: &Whose, which: &Which, network: &NetworkFacts) -> Option<Candidate> {
        let owner = whose.owner(&network.labels)?;
        let why = self.is_to_go(which, &network.labels, None)?;
        let permit = Some(housekeeping::remove_owned_network(&owner, network)?);
        let name = network.name.clone();
        Some(Candidate { item: item(Kind::Network, &network.id, name, owner, &network.labels, why), permit })
    }

    fn volume(&mut self, whose: &Whose, which: &Which, volume: &VolumeFacts) -> Option<Candidate> {
        let owner = whose.owner(&volume.labels)?;
        let why = self.is_to_go(which, &volume.labels, None)?;
        let name = volume.name.clone();
        Some(Candidate { item: item(Kind::Volume, &volume.name, name, owner, &volume.labels, why), permit: None })
    }

    /// Why an object with these labels goes; what stays is looked at for the next deadline. `unstarted` is when a
    /// container was made that was never started.
    fn is_to_go(&mut self, which: &Which, labels: &Labels, unstarted: Option<u64>) -> Option<Why> {
        let why = which.why(labels, unstarted);
        if let (None, Some(at)) = (why, expiry(labels)) {
            self.next = Some(self.next.map_or(at, |next| next.min(at)));
        }
        why
    }

    async fn carry_out(&mut self, engine: &Engine, candidates: Vec<Candidate>, dry_run: bool, audit: Option<&Audit>) {
        if dry_run {
            self.removed.extend(candidates.into_iter().map(|candidate| candidate.item));
            return;
        }
        let mut outcomes =
            stream::iter(candidates).map(|one| carry_out_one(engine, one, audit)).buffer_unordered(AT_ONCE);
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(gone) => self.removed.push(gone),
                Err(left) => self.left.push(left),
            }
        }
    }
}

impl Which {
    /// Why an object with these labels goes, if it does. `unstarted` is when a container was made that was never started.
    #[must_use]
    pub fn why(&self, labels: &Labels, unstarted: Option<u64>) -> Option<Why> {
        match self {
            Self::Everything => Some(Why::Asked),
            Self::Session(session) => (labels.get(SESSION) == Some(session)).then_some(Why::SessionEnded),
            Self::Due { now, began } => {
                let is_forgotten = |began: &u64| {
                    unstarted.is_some_and(|made| made < *began && now.saturating_sub(made) > NEVER_STARTED)
                };
                let expired = expiry(labels).is_some_and(|at| at <= *now).then_some(Why::Expired);
                expired.or_else(|| began.as_ref().is_some_and(is_forgotten).then_some(Why::NeverStarted))
            }
        }
    }
}

impl Item {
    /// Writes into the audit that it is removed, or was.
    fn record(&self, stage: Stage, audit: Option<&Audit>) {
        let Some(audit) = audit else { return };
        let Self { kind, id, name, owner, session, expires: _, why } = self;
        audit.removed(Removed {
            stage,
            time: SystemTime::now(),
            owner: owner.to_string(),
            session: session.clone(),
            operation: kind.delete_operation(),
            object: id.clone(),
            name: name.clone(),
            reason: why.to_string(),
        });
    }
}

impl Kind {
    /// Docker's `operationId` of its removal.
    const fn delete_operation(self) -> &'static str {
        match self {
            Self::Container => "ContainerDelete",
            Self::Network => "NetworkDelete",
            Self::Volume => "VolumeDelete",
        }
    }

    /// The word for people and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Network => "network",
            Self::Volume => "volume",
        }
    }
}

/// A few words that stand after `removed:`.
impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => formatter.write_str("asked for"),
            Self::SessionEnded => formatter.write_str("its session ended"),
            Self::Expired => formatter.write_str("its time was over"),
            Self::NeverStarted => formatter.write_str("it was never started"),
            Self::Disk { used, bound } => {
                let over = used.saturating_sub(*bound);
                write!(formatter, "it took {used} bytes of disk, {over} more than the {bound} that it may")
            }
        }
    }
}

impl Obstacle {
    /// A few words for people and logs.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::InUse => "something uses it",
            Self::UnderWay => "it is being removed already",
            Self::Failed => "the engine did not do it",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

fn container_candidate(whose: &Whose, container: &ListedContainer, why: Why) -> Option<Candidate> {
    let ListedContainer { facts, names, state: _ } = container;
    let owner = whose.owner(&facts.labels)?;
    let permit = Some(housekeeping::remove_owned(&owner, facts)?);
    let name = names.first().cloned().unwrap_or_default();
    Some(Candidate { item: item(Kind::Container, facts.id.as_str(), name, owner, &facts.labels, why), permit })
}

async fn carry_out_one(engine: &Engine, candidate: Candidate, audit: Option<&Audit>) -> Result<Item, Left> {
    candidate.item.record(Stage::Begun, audit);
    let gone = ask_to_remove(engine, candidate).await?;
    gone.record(Stage::Done, audit);
    Ok(gone)
}

async fn ask_to_remove(engine: &Engine, Candidate { item, permit }: Candidate) -> Result<Item, Left> {
    let outcome = match permit {
        Some(permit) => engine.perform(&permit).await,
        None => match volume_permit(engine, &item).await {
            Ok(Some(permit)) => engine.perform(&permit).await,
            Ok(None) => return Ok(item),
            Err(error) => Err(error),
        },
    };
    let (obstacle, words) = match outcome {
        Ok((status, _)) if status.is_success() || status == StatusCode::NOT_FOUND => return Ok(item),
        Ok((status, bytes)) => (obstacle(item.kind, status), words(&bytes)),
        Err(error) => (Obstacle::Failed, with_causes(&error)),
    };
    Err(Left { item, obstacle, words })
}

/// The permit for a volume as it is now; none where the owner's is gone, also where somebody else has its name since.
async fn volume_permit(engine: &Engine, item: &Item) -> Result<Option<Permit>, UpstreamError> {
    let found = engine.volume(&item.id).await?;
    Ok(found.and_then(|volume| housekeeping::remove_owned_volume(&item.owner, &volume)))
}

/// Docker refuses to delete what is in use: a network with 403, a volume with 409. A container's 409 means that it is
/// being removed, for a forced removal has no other conflict.
fn obstacle(kind: Kind, status: StatusCode) -> Obstacle {
    match (kind, status) {
        (Kind::Container, StatusCode::CONFLICT) => Obstacle::UnderWay,
        (Kind::Network | Kind::Volume, StatusCode::CONFLICT | StatusCode::FORBIDDEN) => Obstacle::InUse,
        (Kind::Container | Kind::Network | Kind::Volume, _) => Obstacle::Failed,
    }
}

/// What the engine says in its error: `{"message": …}`, or whatever it is.
fn words(answer: &[u8]) -> String {
    let read = serde_json::from_slice::<serde_json::Value>(answer).ok();
    let message = read.as_ref().and_then(|error| error.get("message")?.as_str());
    message.map_or_else(|| String::from_utf8_lossy(answer).trim_end().to_owned(), str::to_owned)
}

fn with_causes(error: &UpstreamError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

fn item(kind: Kind, id: &str, name: String, owner: Owner, labels: &Labels, why: Why) -> Item {
    let session = labels.get(SESSION).cloned().unwrap_or_default();
    Item { kind, id: id.to_owned(), name, owner, session, expires: expiry(labels), why }
}

/// Seconds after which a container that was never started counts as forgotten.
const NEVER_STARTED: u64 = 60;

/// How many removals are asked of an engine at a time: it stops a container in about half a second.
const AT_ONCE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ownership::EXPIRES;

    fn labels(expires: &str, session: &str) -> Labels {
        let pairs = [(EXPIRES, expires), (SESSION, session)];
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn what_has_no_deadline_or_a_later_one_stays() {
        let due = Which::Due { now: 1000, began: Some(1000) };
        for stays in ["never", "", "junk", "1001", "-1"] {
            assert_eq!(due.why(&labels(stays, "s"), None), None, "{stays}");
        }
        assert_eq!(due.why(&labels("1000", "s"), None), Some(Why::Expired));
        assert_eq!(due.why(&Labels::new(), None), None, "no labels");
    }

    #[test]
    fn what_an_earlier_run_made_and_nobody_started_goes_and_not_at_once() {
        let why = |began, made| Which::Due { now: 1000, began }.why(&labels("never", "s"), made);
        assert_eq!(why(Some(1000), Some(900)), Some(Why::NeverStarted));
        assert_eq!(why(Some(900), Some(900)), None, "made by this run");
        assert_eq!(why(Some(1000), Some(960)), None, "a minute is not over");
        assert_eq!(why(Some(1000), None), None, "it was started");
        assert_eq!(why(None, Some(0)), None, "nobody asked for forgotten ones");
    }

    #[test]
    fn a_session_is_known_by_its_whole_name() {
        let which = Which::Session("run-1".to_owned());
        assert_eq!(which.why(&labels("never", "run-1"), None), Some(Why::SessionEnded));
        for other in ["run-10", "run-", "", "RUN-1"] {
            assert_eq!(which.why(&labels("never", other), None), None, "{other}");
        }
        assert_eq!(which.why(&Labels::new(), None), None);
    }

    #[test]
    fn what_keeps_an_object_depends_on_its_kind() {
        use Kind::{Container, Network, Volume};
        assert_eq!(obstacle(Network, StatusCode::FORBIDDEN), Obstacle::InUse);
        assert_eq!(obstacle(Volume, StatusCode::CONFLICT), Obstacle::InUse);
        assert_eq!(obstacle(Container, StatusCode::CONFLICT), Obstacle::UnderWay);
        assert_eq!(obstacle(Container, StatusCode::FORBIDDEN), Obstacle::Failed);
        assert_eq!(obstacle(Network, StatusCode::INTERNAL_SERVER_ERROR), Obstacle::Failed);
    }
}
