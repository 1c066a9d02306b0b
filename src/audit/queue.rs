//! The records that wait to be written, between the requests and the writing thread.
//!
//! Must never make the side of the requests wait for more than a short lock.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Entry;

/// The queue and what both sides know of each other.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something happened to the state.
    changed: Condvar,
    capacity: usize,
    reserve: usize,
}

/// What the writing thread takes at once, in the order in which it is to be written.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: VecDeque<Entry>,
    /// How many records were lost after these.
    pub(super) lost: u64,
    /// The file is to be opened anew first.
    pub(super) reopen: bool,
    /// Nothing comes after these.
    pub(super) last: bool,
}

#[derive(Debug, Default)]
struct State {
    batch: Batch,
    /// The last write failed.
    failing: bool,
    /// The writing thread has ended.
    ended: bool,
}

impl Queue {
    pub(super) fn new(capacity: usize, reserve: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), capacity, reserve }
    }

    pub(super) fn push(&self, record: Entry) {
        let mut state = self.lock();
        if state.batch.records.len() < self.capacity.saturating_add(self.reserve) && !state.ended {
            state.batch.records.push_back(record);
            self.changed.notify_all();
        } else {
            state.batch.lost = state.batch.lost.saturating_add(1);
        }
    }

    pub(super) fn is_healthy(&self) -> bool {
        let state = self.lock();
        !state.failing && !state.ended && state.batch.records.len() < self.capacity
    }

    pub(super) fn ask_reopen(&self) {
        self.lock().batch.reopen = true;
    }

    /// Tells the thread to write what is left, and waits for it; false when it did not end in time.
    pub(super) fn close(&self, time: Duration) -> bool {
        let mut state = self.lock();
        state.batch.last = true;
        self.changed.notify_all();
        let waited = self.changed.wait_timeout_while(state, time, |state| !state.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    /// Waits for something to write, and takes all of it.
    pub(super) fn take(&self) -> Batch {
        let idle = |state: &mut State| state.batch.records.is_empty() && state.batch.lost == 0 && !state.batch.last;
        let mut state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let last = state.batch.last;
        let batch = std::mem::take(&mut state.batch);
        state.batch.last = last;
        batch
    }

    /// Waits until a failed write should be tried again; true when the broker is closing.
    pub(super) fn wait_for_retry(&self, time: Duration) -> bool {
        let waited =
            self.changed.wait_timeout_while(self.lock(), time, |state| !state.batch.last && !state.batch.reopen);
        waited.unwrap_or_else(PoisonError::into_inner).0.batch.last
    }

    /// Whether somebody asked to open the file anew since the last batch.
    pub(super) fn take_reopen(&self) -> bool {
        std::mem::take(&mut self.lock().batch.reopen)
    }

    /// Notes how the last write went; true when it went otherwise than the one before.
    pub(super) fn note_write(&self, failing: bool) -> bool {
        let mut state = self.lock();
        std::mem::replace(&mut state.failing, failing) != failing
    }

    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// A panic while the lock is held leaves nothing half-done here, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
