//! What is left when a command has ended, of this run and of those that could not clean up after themselves.
//!
//! Must never take a file away that says where something may still be.

use std::time::Duration;

use serde::Serialize;

use crate::bounds::Bounds;
use crate::session::removal::{self, Item, Removal, Which, Whose};
use crate::session::runs::{DeadRun, RunFolders};
use crate::upstream::{Engine, UpstreamError};

/// What became of the objects of a run.
#[derive(Debug, Default)]
pub(super) struct Cleaned {
    /// What was there and is gone.
    pub(super) removed: Vec<Object>,
    /// What could not be removed, and why.
    pub(super) left: Vec<Left>,
    /// Why not everything could be looked at.
    pub(super) unseen: Option<String>,
}

/// An object on the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Object {
    /// `container`, `network` or `volume`.
    pub(super) kind: &'static str,
    /// Its full ID; a volume's name.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
}

/// An object that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Left {
    #[serde(flatten)]
    pub(super) object: Object,
    /// What keeps it, in the engine's words.
    pub(super) why: String,
}

impl Cleaned {
    pub(super) const fn is_complete(&self) -> bool {
        self.left.is_empty() && self.unseen.is_none()
    }

    /// Adds what one look did; what was left before is known anew.
    fn note(&mut self, looked: Result<Removal, UpstreamError>) {
        self.left.clear();
        self.unseen = None;
        match looked {
            Ok(Removal { removed, left, unlisted, next: _ }) => {
                self.removed.extend(removed.into_iter().map(Object::from));
                self.left.extend(left.into_iter().map(|left| Left {
                    why: format!("{}: {}", left.obstacle.words(), left.words),
                    object: left.item.into(),
                }));
                self.unseen = unlisted.first().map(|(kind, error)| format!("the {kind}s were not listed: {error}"));
            }
            Err(error) => self.unseen = Some(error.to_string()),
        }
    }
}

impl From<Item> for Object {
    fn from(item: Item) -> Self {
        Self { kind: item.kind.word(), id: item.id, name: item.name }
    }
}

/// Removes everything of an instance. Where `doubt` says that the end of some request was not seen, it looks more than
/// once: the engine may finish a create that nobody waits for. What cannot be removed is tried again.
pub(super) async fn clean(engine: &Engine, instance: &str, doubt: bool) -> Cleaned {
    let whose = Whose::Instance(instance.to_owned());
    let mut cleaned = Cleaned::default();
    cleaned.note(removal::remove(engine, &whose, &Which::Everything, false).await);
    for pause in AGAIN {
        if cleaned.is_complete() && !doubt {
            break;
        }
        tokio::time::sleep(pause).await;
        cleaned.note(removal::remove(engine, &whose, &Which::Everything, false).await);
    }
    cleaned
}

/// Removes what dead runs left behind, and their files; what cannot be removed is left to a later run. Says in a line
/// each what was found.
pub(super) async fn clean_dead(folders: &RunFolders) -> Vec<String> {
    let mut lines = Vec::new();
    for dead in folders.dead() {
        lines.push(clean_one(dead).await);
    }
    lines
}

async fn clean_one(dead: DeadRun) -> String {
    let engine = Engine::new(dead.upstream.clone(), &Bounds::default());
    let cleaned = clean(&engine, &dead.instance, false).await;
    let instance = dead.instance.clone();
    // the broker that it stood behind is gone, and has taken its clients' objects with it or is looked for itself
    let nobody_is_there = dead.behind_broker && !dead.upstream.path().exists();
    if cleaned.is_complete() || nobody_is_there {
        dead.end();
        return format!("`{instance}` did not clean up after itself; removed {} of its objects", cleaned.removed.len());
    }
    let why = cleaned.left.first().map(|left| format!("{} `{}`: {}", left.object.kind, left.object.id, left.why));
    let why = why.or(cleaned.unseen).unwrap_or_default();
    format!("`{instance}` did not clean up after itself, and something of it is left on {}: {why}", dead.upstream)
}

/// Pauses before further looks.
const AGAIN: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(2)];
