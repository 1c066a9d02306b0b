//! The sweeper: one task that removes what is over, for every listener and user of this broker.
//!
//! It acts at start-up, and then by deadline: it sleeps until the next object expires, as the engine's lists or a
//! create says; a create says so before it is sent, for its answer may never come although the object does. A create
//! whose end nobody saw, because the broker or the connection to the engine died, may still put something there: in
//! such a doubt, and at start-up, it looks again soon, and then at ever longer intervals. It also removes containers that
//! were made before the broker started, more than a minute ago, and were never started: a broker or client that died in
//! between left them behind. Beside that it looks at how much disk containers take, where that is bounded. Must never touch an object that is not proved to be this instance's, nor keep a table of
//! what there is: another broker may have made or removed it meanwhile.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::disk::{self, DiskWatch};
use super::removal::{self, Left, Obstacle, Removal, Which, Whose};
use crate::audit::Audit;
use crate::upstream::{Engine, UpstreamError};

/// Removes what is over.
#[derive(Debug)]
pub struct Sweeper {
    engine: Arc<Engine>,
    whose: Whose,
    news: Notify,
    /// Whether a create ended in a way that nobody saw since the last look.
    doubt: AtomicBool,
    /// Deadlines (Unix seconds) of creates that no look at the engine has come after yet.
    told: Mutex<BTreeSet<u64>>,
    /// What is removed is written down here.
    audit: Arc<Audit>,
    /// A container with a bound on its disk was made.
    bounded: Notify,
}

/// What one round left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Round {
    /// When the next object expires, in Unix seconds.
    next: Option<u64>,
    /// How soon what is still there is to be tried again.
    retry: Retry,
}

/// How soon to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    /// Nothing is left.
    No,
    /// Something is in use, and may be so for long.
    Seldom,
    /// The engine failed.
    Soon,
}

/// What was already said of objects that stay, by kind and ID: it is said once.
type Said = BTreeSet<(removal::Kind, String)>;

/// When to look although nothing is known to be due.
#[derive(Debug, Clone, Copy)]
struct Look {
    step: Duration,
    at: Instant,
}

impl Sweeper {
    /// A sweeper for everything of an instance.
    #[must_use]
    pub fn new(engine: Arc<Engine>, instance: &str, audit: Arc<Audit>) -> Arc<Self> {
        let whose = Whose::Instance(instance.to_owned());
        Arc::new(Self {
            engine,
            whose,
            news: Notify::new(),
            doubt: AtomicBool::new(true),
            told: Mutex::default(),
            audit,
            bounded: Notify::new(),
        })
    }

    /// Something is being made that expires at this time (Unix seconds).
    pub fn due(&self, expires: u64) {
        tracing::debug!(expires, "something is being made");
        self.told().insert(expires);
        self.news.notify_one();
    }

    /// A container was made that may take only so much disk.
    pub fn watch_disk(&self) {
        self.bounded.notify_one();
    }

    /// A create was sent, and nobody knows whether something was made or will be.
    pub fn doubt(&self) {
        self.doubt.store(true, Ordering::Relaxed);
        self.news.notify_one();
    }

    /// Runs until it is stopped.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        // a slow look at sizes holds up no deadline
        tokio::join!(self.by_deadline(&stop), self.by_size(&stop));
    }

    /// Removes what takes too much disk. While no container has a bound it waits for one.
    async fn by_size(&self, stop: &CancellationToken) {
        let mut watch = DiskWatch::new();
        let mut said = Said::new();
        loop {
            let look = tokio::select! {
                look = watch.look(&self.engine, &self.whose, &self.audit) => look,
                () = stop.cancelled() => return,
            };
            let pause = match look {
                Ok(disk::Look { removed, left, pause }) => {
                    let removal = Removal { removed, left, ..Removal::default() };
                    tell(&removal, &mut said);
                    pause
                }
                Err(_) => Some(LONGEST_RETRY),
            };
            if pause.is_none() {
                tokio::select! {
                    () = sleep(LONGEST_SLEEP) => {}
                    () = self.bounded.notified() => {}
                    () = stop.cancelled() => return,
                }
            }
            tokio::select! {
                () = sleep(pause.unwrap_or(FIRST_LOOK_AT_SIZE)) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn by_deadline(&self, stop: &CancellationToken) {
        let started = unix_now();
        let mut patience = SHORTEST_RETRY;
        let mut look = Look { step: LONGEST_SLEEP, at: Instant::now() };
        let (mut said, mut answers) = (Said::new(), true);
        loop {
            look = look.next(Instant::now(), self.doubt.swap(false, Ordering::Relaxed));
            let now = unix_now();
            let swept = self.sweep(started, now, &mut said).await;
            answers = tell_reach(swept.as_ref().err(), answers);
            let (next, retry) = swept.map_or((None, Retry::Soon), |Round { next, retry }| (next, retry));
            patience = retry.patience(patience);
            let next = next.into_iter().chain(self.next_told(now)).min();
            let deadline = next.map_or(LONGEST_SLEEP, |at| Duration::from_secs(at.saturating_sub(unix_now())) + GRACE);
            let pause = if retry == Retry::No { deadline } else { patience.min(deadline.max(SHORTEST_RETRY)) };
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

    /// One look at everything of the instance.
    async fn sweep(&self, started: u64, now: u64, said: &mut Said) -> Result<Round, UpstreamError> {
        let due = Which::Due { now, began: Some(started) };
        let removal = removal::remove(&self.engine, &self.whose, &due, false, Some(&self.audit)).await?;
        tell(&removal, said);
        Ok(Round { next: removal.next, retry: Retry::after(&removal) })
    }
}

/// Says once that the engine cannot be asked, so that an operator reads it before a client does, and that it can again.
/// Gives whether it answers.
fn tell_reach(error: Option<&UpstreamError>, answered: bool) -> bool {
    match error {
        Some(error) if answered => tracing::warn!("{error}"),
        None if !answered => tracing::info!("the engine answers again"),
        Some(_) | None => {}
    }
    error.is_none()
}

/// Says what went and, once, what stays.
fn tell(Removal { removed, left, unlisted, next: _ }: &Removal, said: &mut Said) {
    for item in removed {
        tracing::info!(kind = %item.kind, id = %item.id, name = %item.name, owner = %item.owner, "removed: {}", item.why);
    }
    for (kind, error) in unlisted {
        tracing::warn!(%kind, %error, "the engine does not list them, so they were not swept");
    }
    for Left { item, obstacle, words } in left {
        if *obstacle == Obstacle::UnderWay {
            // it may come to nothing, so it is looked for again
            tracing::debug!(kind = %item.kind, id = %item.id, "a removal of it is under way");
        } else if said.insert((item.kind, item.id.clone())) {
            tracing::warn!(kind = %item.kind, id = %item.id, name = %item.name, owner = %item.owner, answer = %words,
                           "could not be removed, and is tried again: {}", obstacle.words());
        }
    }
    said.retain(|known| left.iter().any(|left| (left.item.kind, &left.item.id) == (known.0, &known.1)));
}

impl Retry {
    fn after(Removal { removed: _, left, unlisted, next: _ }: &Removal) -> Self {
        match left.iter().find(|left| left.obstacle != Obstacle::InUse) {
            Some(_) => Self::Soon,
            None if !unlisted.is_empty() => Self::Soon,
            None if left.is_empty() => Self::No,
            None => Self::Seldom,
        }
    }

    /// How long to wait, after this long was waited the last time.
    fn patience(self, last: Duration) -> Duration {
        match self {
            Self::No => SHORTEST_RETRY,
            Self::Soon => (last * 2).min(LONGEST_RETRY),
            Self::Seldom => (last * 2).min(LONGEST_WAIT_FOR_USE),
        }
    }
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

/// Deadlines are whole seconds: look when the second is over.
const GRACE: Duration = Duration::from_millis(100);

/// An engine that was told to create a container when its client died needs about as long to make it.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// Labels of another broker of this owner may come without news.
const LONGEST_SLEEP: Duration = Duration::from_secs(300);

/// A container that was just made holds nothing yet; many that are made at once are looked at together.
const FIRST_LOOK_AT_SIZE: Duration = Duration::from_secs(5);

const SHORTEST_RETRY: Duration = Duration::from_millis(250);

const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// Nobody tells when a container leaves a network.
const LONGEST_WAIT_FOR_USE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ownership::Owner;
    use removal::{Item, Kind, Why};

    fn left(obstacle: Obstacle) -> Left {
        let owner = Owner::new("i", "main");
        let (id, name, session) = ("n1".to_owned(), "net".to_owned(), "s".to_owned());
        let item = Item { kind: Kind::Network, id, name, owner, session, expires: Some(1), why: Why::Expired };
        Left { item, obstacle, words: String::new() }
    }

    #[test]
    fn what_is_in_use_is_tried_ever_more_seldom_and_what_failed_soon() {
        let round = |left| Retry::after(&Removal { left, ..Removal::default() });
        assert_eq!(round(vec![]), Retry::No);
        assert_eq!(round(vec![left(Obstacle::InUse)]), Retry::Seldom);
        assert_eq!(round(vec![left(Obstacle::InUse), left(Obstacle::UnderWay)]), Retry::Soon);
        let unlisted = vec![(Kind::Volume, UpstreamError::Slow(Duration::ZERO))];
        assert_eq!(Retry::after(&Removal { unlisted, ..Removal::default() }), Retry::Soon);
        let after = |retry: Retry| (0..20).fold(SHORTEST_RETRY, |last, _| retry.patience(last));
        assert_eq!((after(Retry::Soon), after(Retry::Seldom)), (LONGEST_RETRY, LONGEST_WAIT_FOR_USE));
        assert_eq!(Retry::No.patience(LONGEST_RETRY), SHORTEST_RETRY);
    }

    #[test]
    fn what_stays_is_said_once_and_again_after_it_came_back() {
        let mut said = Said::new();
        let removal = Removal { left: vec![left(Obstacle::InUse)], ..Removal::default() };
        tell(&removal, &mut said);
        assert_eq!(said.len(), 1);
        tell(&Removal::default(), &mut said);
        assert!(said.is_empty());
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
}
