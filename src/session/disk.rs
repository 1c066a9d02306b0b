//! Looking at how much disk containers take, and removing those that take more than their label allows.
//!
//! The bound stands on the container, so that a restarted broker knows it. Nothing is asked while no container has one.
//! Looks follow each other within a third of the time in which an over-size container has to go, and more slowly where
//! they cost the engine much. Must never touch what is not proved to be this instance's.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::removal::{self, Item, Left, Whose, Why};
use crate::audit::Audit;
use crate::policy::ownership::DISK;
use crate::upstream::facts::ListedContainer;
use crate::upstream::{Engine, UpstreamError};

/// Looks, one after the other, and what they cost.
#[derive(Debug)]
pub(super) struct DiskWatch {
    /// The sizes of volumes as they were last measured, for this engine measures all of them at once.
    volumes: BTreeMap<String, u64>,
    /// When to measure them again.
    volumes_due: Instant,
}

/// What one look did.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// What took too much, and is gone.
    pub(super) removed: Vec<Item>,
    /// What took too much, and is still there.
    pub(super) left: Vec<Left>,
    /// How long to wait until the next look; `None` where no container has a bound.
    pub(super) pause: Option<Duration>,
}

impl DiskWatch {
    pub(super) fn new() -> Self {
        Self { volumes: BTreeMap::new(), volumes_due: Instant::now() }
    }

    /// Looks at every container of those who are meant that has a bound.
    pub(super) async fn look(&mut self, engine: &Engine, whose: &Whose, audit: &Audit) -> Result<Look, UpstreamError> {
        let began = Instant::now();
        let mut look = Look::default();
        let mut measured = Vec::new();
        for container in engine.containers_of(whose).await? {
            let Some(bound) = bound(&container) else { continue };
            if let Some(used) = engine.disk_use(&container.facts.id).await? {
                measured.push((container, bound, used));
            }
        }
        if measured.is_empty() {
            return Ok(look);
        }
        let have_volumes = measured.iter().any(|(_, _, used)| !used.volumes.is_empty());
        if have_volumes && Instant::now() >= self.volumes_due {
            self.measure_volumes(engine).await;
        }
        for (container, bound, used) in measured {
            let volumes = used.volumes.iter().filter_map(|name| self.volumes.get(name)).copied();
            let used = volumes.fold(used.layer, u64::saturating_add);
            if used > bound {
                match removal::remove_container(engine, whose, &container, Why::Disk { used, bound }, audit).await {
                    Some(Ok(item)) => look.removed.push(item),
                    Some(Err(left)) => look.left.push(left),
                    None => {}
                }
            }
        }
        look.pause = Some((began.elapsed() * COST).clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
        Ok(look)
    }

    /// One measurement that fails leaves the last one: engines refuse a second one at the same time.
    async fn measure_volumes(&mut self, engine: &Engine) {
        let began = Instant::now();
        match engine.volume_sizes().await {
            Ok(volumes) => self.volumes = volumes,
            Err(error) => tracing::debug!(%error, "the sizes of volumes are not known"),
        }
        let took = began.elapsed();
        if took > SLOW_MEASUREMENT {
            tracing::warn!(?took, "the engine takes long to measure its volumes, so they are measured seldom");
        }
        let most = if took > SLOW_MEASUREMENT { LONGEST_PAUSE * 8 } else { LONGEST_PAUSE };
        self.volumes_due = Instant::now() + (took * COST).clamp(SHORTEST_PAUSE, most);
    }
}

/// How many bytes a container may take, where that is bounded.
fn bound(container: &ListedContainer) -> Option<u64> {
    container.facts.labels.get(DISK)?.parse().ok()
}

/// A look may take one part in this many of the engine's time.
const COST: u32 = 20;

const SHORTEST_PAUSE: Duration = Duration::from_secs(5);

/// A container that grows is to be gone within 30 seconds, and its removal takes some of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Above this the longest pause is no longer a small cost.
const SLOW_MEASUREMENT: Duration = Duration::from_secs(3);
