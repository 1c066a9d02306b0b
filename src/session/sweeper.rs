//! The sweeper: one task that removes the owner's containers when their time is over.
//!
//! It acts at start-up, and then by deadline: it sleeps until the next container expires, as the engine's list or a
//! create says; a create says so before it is sent, for its answer may never come although the container does. A create
//! whose end nobody saw, because the broker or the connection to the engine died, may still put a container there: in
//! such a doubt, and at start-up, it looks again soon, and then at ever longer intervals. It also removes what was made
//! before the broker started, more than a minute ago, and was never started: a broker or client that died in between left
//! it behind. Must never touch a container whose labels and image do not prove that it is the owner's.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::StatusCode;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::policy::housekeeping;
use crate::policy::ownership::{Owner, expiry};
use crate::upstream::facts::ListedContainer;
use crate::upstream::{Engine, UpstreamError};

/// Removes what is over.
#[derive(Debug)]
pub struct Sweeper {
    engine: Arc<Engine>,
    owner: Owner,
    news: Notify,
    /// Whether a create ended in a way that nobody saw since the last look.
    doubt: AtomicBool,
    /// Deadlines (Unix seconds) of creates that no look at the engine has come after yet.
    told: Mutex<BTreeSet<u64>>,
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Round {
    /// When the next container expires, in Unix seconds.
    next: Option<u64>,
    /// Whether something that was due could not be removed.
    failed: bool,
}

/// When to look although nothing is known to be due.
#[derive(Debug, Clone, Copy)]
struct Look {
    step: Duration,
    at: Instant,
}

impl Sweeper {
    /// A sweeper for one owner's containers.
    #[must_use]
    pub fn new(engine: Arc<Engine>, owner: Owner) -> Arc<Self> {
        let doubt = AtomicBool::new(true);
        Arc::new(Self { engine, owner, news: Notify::new(), doubt, told: Mutex::default() })
    }

    /// A container is being made that expires at this time (Unix seconds).
    pub fn due(&self, expires: u64) {
        tracing::debug!(expires, "a container is being made");
        self.told().insert(expires);
        self.news.notify_one();
    }

    /// A create was sent, and nobody knows whether a container was made or will be.
    pub fn doubt(&self) {
        self.doubt.store(true, Ordering::Relaxed);
        self.news.notify_one();
    }

    /// Runs until it is stopped.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let started = unix_now();
        let mut patience = SHORTEST_RETRY;
        let mut look = Look { step: LONGEST_SLEEP, at: Instant::now() };
        loop {
            look = look.next(Instant::now(), self.doubt.swap(false, Ordering::Relaxed));
            let now = unix_now();
            let pause = match self.sweep(started, now).await {
                Ok(Round { next, failed: false }) => {
                    patience = SHORTEST_RETRY;
                    let next = next.into_iter().chain(self.next_told(now)).min();
                    next.map_or(LONGEST_SLEEP, |at| Duration::from_secs(at.saturating_sub(unix_now())) + GRACE)
                }
                Ok(Round { next: _, failed: true }) | Err(_) => {
                    patience = (patience * 2).min(LONGEST_RETRY);
                    patience
                }
            };
            tokio::select! {
                () = sleep_until(look.at.min(Instant::now() + pause)) => {}
                () = self.news.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// The first deadline that a create told of and that was not over at `now`; earlier ones were looked after then.
    fn next_told(&self, now: u64) -> Option<u64> {
        let mut told = self.told();
        told.retain(|at| *at > now);
        told.first().copied()
    }

    fn told(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One look at everything that is the owner's. One that cannot be removed does not keep the others.
    async fn sweep(&self, started: u64, now: u64) -> Result<Round, UpstreamError> {
        let mut round = Round { next: None, failed: false };
        for container in self.engine.owned_containers(&self.owner).await? {
            if is_over(&container, started, now) {
                round.failed |= match self.remove(&container).await {
                    Ok(gone) => !gone,
                    Err(error @ UpstreamError::Unreachable { .. }) => return Err(error),
                    Err(error) => {
                        tracing::warn!(container = %container.facts.id, %error, "could not be removed");
                        true
                    }
                };
            } else if let Some(at) = expiry(&container.facts.labels) {
                round.next = Some(round.next.map_or(at, |next| next.min(at)));
            }
        }
        Ok(round)
    }

    /// Whether it is gone.
    async fn remove(&self, container: &ListedContainer) -> Result<bool, UpstreamError> {
        let Some(permit) = housekeeping::remove_owned(&self.owner, &container.facts) else { return Ok(true) };
        let (status, bytes) = self.engine.perform(&permit).await?;
        let id = &container.facts.id;
        let gone = status.is_success() || status == StatusCode::NOT_FOUND;
        if gone {
            tracing::info!(container = %id, name = container.names.first(), "removed: its time was over");
        } else if status == StatusCode::CONFLICT {
            // it may come to nothing, so it is looked for again
            tracing::debug!(container = %id, "a removal of it is under way");
        } else {
            tracing::warn!(container = %id, %status, answer = %String::from_utf8_lossy(&bytes), "could not be removed");
        }
        Ok(gone)
    }
}

/// Past its deadline; or made a while before this broker `started`, and never started itself.
fn is_over(container: &ListedContainer, started: u64, now: u64) -> bool {
    let expired = expiry(&container.facts.labels).is_some_and(|at| at <= now);
    let made = container.facts.created.unwrap_or(now);
    let forgotten = container.state == "created" && made < started && now.saturating_sub(made) > NEVER_STARTED;
    expired || forgotten
}

impl Look {
    /// Soon after a doubt, then at ever longer intervals; what comes in between moves nothing.
    fn next(self, now: Instant, doubt: bool) -> Self {
        let step = if doubt { FIRST_LOOK } else { (self.step * 2).min(LONGEST_SLEEP) };
        if doubt || now >= self.at { Self { step, at: now + step } } else { self }
    }
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Seconds after which a container that was never started counts as forgotten.
const NEVER_STARTED: u64 = 60;

/// Deadlines are whole seconds: look when the second is over.
const GRACE: Duration = Duration::from_millis(100);

/// An engine that was told to create a container when its client died needs about as long to make it.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// Labels of another broker of this owner may come without news.
const LONGEST_SLEEP: Duration = Duration::from_secs(300);

const SHORTEST_RETRY: Duration = Duration::from_millis(250);

const LONGEST_RETRY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::operation::names::ContainerId;
    use crate::policy::facts::ContainerFacts;
    use crate::policy::ownership::EXPIRES;

    fn container(expires: &str, state: &str, created: u64) -> ListedContainer {
        ListedContainer {
            facts: ContainerFacts {
                id: ContainerId::parse(&"a".repeat(64)).unwrap(),
                labels: BTreeMap::from([(EXPIRES.to_owned(), expires.to_owned())]),
                image_id: "sha256:x".into(),
                image: "postgres:16".into(),
                networks: BTreeMap::new(),
                privileged: false,
                created: Some(created),
                names: crate::policy::facts::ContainerNames::default(),
            },
            names: vec![],
            state: state.into(),
        }
    }

    #[test]
    fn what_has_no_deadline_or_a_later_one_stays() {
        for stays in ["never", "", "junk", "1001"] {
            assert!(!is_over(&container(stays, "running", 0), 1000, 1000), "{stays}");
        }
        assert!(is_over(&container("1000", "running", 0), 0, 1000));
    }

    #[test]
    fn after_a_doubt_it_looks_soon_and_then_ever_more_seldom() {
        let now = Instant::now();
        let mut look = Look { step: LONGEST_SLEEP, at: now }.next(now, true);
        let mut seconds = vec![(look.at - now).as_secs()];
        for _ in 0..9 {
            let before = look.at;
            look = look.next(before - Duration::from_millis(1), false);
            assert_eq!(look.at, before, "news in between moves nothing");
            look = look.next(before, false);
            seconds.push((look.at - before).as_secs());
        }
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(look.next(now, true).at, now + FIRST_LOOK);
    }

    #[test]
    fn what_an_earlier_run_made_and_nobody_started_goes_and_not_at_once() {
        assert!(is_over(&container("never", "created", 900), 1000, 1000));
        assert!(!is_over(&container("never", "created", 900), 900, 1000), "made by this run");
        assert!(!is_over(&container("never", "created", 960), 1000, 1000), "a minute is not over");
        assert!(!is_over(&container("never", "exited", 0), 1000, 1000));
    }
}
