//! What is left when nobody needs it any more: of a run that ends, and of runs that could not clean up after themselves.
//!
//! Must never take away a lock file that says where something may still be.

use std::time::Duration;

use super::removal::{self, Item, Left, Removal, Which, Whose};
use super::runs::{DeadRun, RunFolders};
use crate::audit::Audit;
use crate::bounds::Bounds;
use crate::upstream::{Engine, UpstreamError};

/// What became of all objects of an instance.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// What was there and is gone.
    pub removed: Vec<Item>,
    /// What could not be removed.
    pub left: Vec<Left>,
    /// Why not everything could be looked at.
    pub unseen: Option<String>,
}

impl Leftovers {
    /// Whether nothing is left.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.left.is_empty() && self.unseen.is_none()
    }

    /// Adds what one look did; what was left before is known anew.
    fn note(&mut self, looked: Result<Removal, UpstreamError>) {
        self.left.clear();
        self.unseen = None;
        match looked {
            Ok(Removal { removed, left, unlisted, next: _ }) => {
                self.removed.extend(removed);
                self.left = left;
                self.unseen = unlisted.first().map(|(kind, error)| format!("the {kind}s were not listed: {error}"));
            }
            Err(error) => self.unseen = Some(error.to_string()),
        }
    }
}

/// Removes everything of an instance. Where `doubt` says that the end of some create was not seen, it looks for a while:
/// an engine may finish one that nobody waits for. What cannot be removed is tried again.
/// What goes is written into `audit`, where there is one.
pub async fn remove_all(engine: &Engine, instance: &str, doubt: bool, audit: Option<&Audit>) -> Leftovers {
    let whose = Whose::Instance(instance.to_owned());
    let mut leftovers = Leftovers::default();
    leftovers.note(removal::remove(engine, &whose, &Which::Everything, false, audit).await);
    for pause in AGAIN {
        if leftovers.is_nothing() && !doubt {
            break;
        }
        tokio::time::sleep(pause).await;
        leftovers.note(removal::remove(engine, &whose, &Which::Everything, false, audit).await);
    }
    leftovers
}

/// Removes what dead runs left behind, and their files. Says in a line each what was found; what could not be removed is
/// left to whoever looks next. What goes is written into `audit`, where there is one.
pub async fn of_dead_runs(folders: &RunFolders, audit: Option<&Audit>) -> Vec<String> {
    let mut lines = Vec::new();
    for dead in folders.dead() {
        lines.push(of_dead_run(dead, audit).await);
    }
    lines
}

async fn of_dead_run(dead: DeadRun, audit: Option<&Audit>) -> String {
    let (instance, upstream) = (dead.instance.clone(), dead.upstream.clone());
    let said = format!("`{instance}` did not clean up after itself");
    if !upstream.path().exists() {
        // a broker that is gone has taken its clients' objects with it, or is looked for itself by its own name
        if dead.behind_broker {
            dead.end();
            return format!("{said}; the broker that was its engine is gone as well");
        }
        return format!("{said}, and its engine at {upstream} is not there");
    }
    // it may have died a moment ago, in the middle of a create
    let leftovers = remove_all(&Engine::new(upstream.clone(), &Bounds::default()), &instance, true, audit).await;
    if leftovers.is_nothing() {
        dead.end();
        return format!("{said}; removed {} of its objects", leftovers.removed.len());
    }
    let why = leftovers
        .left
        .first()
        .map(|Left { item, obstacle, words }| format!("{} `{}`: {}: {words}", item.kind, item.id, obstacle.words()));
    let why = why.or(leftovers.unseen).unwrap_or_default();
    format!("{said}, and something of it is left on {upstream}: {why}")
}

/// Pauses before further looks.
const AGAIN: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(2)];
