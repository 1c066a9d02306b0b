//! Turns: one owner's creates one after the other, where a policy bounds how many there may be.
//!
//! Whoever counts and then creates holds the owner's turn from the one to the engine's answer to the other; others of
//! that owner wait in the order in which they came, and other owners do not. Must never be held where nothing is bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

use crate::policy::ownership::Owner;

/// The turns of all owners.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Owner, Arc<Queue<()>>>>);

/// One owner's turn; it passes on when this is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "it is held, and never looked at")] OwnedMutexGuard<()>);

impl Turns {
    /// Waits for the owner's turn.
    pub async fn take(&self, owner: &Owner) -> Turn {
        Turn(self.queue(owner).lock_owned().await)
    }

    fn queue(&self, owner: &Owner) -> Arc<Queue<()>> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // nobody waits in these or has their turn
        queues.retain(|_, queue| Arc::strong_count(queue) > 1);
        Arc::clone(queues.entry(owner.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_owner_waits_for_itself_and_for_nobody_else() {
        let turns = Turns::default();
        let (one, two) = (Owner::new("i", "one"), Owner::new("i", "two"));
        let held = turns.take(&one).await;
        let _other = turns.take(&two).await;
        let short = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(short, turns.take(&one)).await.is_err(), "it is taken");
        drop(held);
        let again = tokio::time::timeout(short, turns.take(&one)).await;
        assert!(again.is_ok(), "and then it is free");
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_forgotten() {
        let turns = Turns::default();
        for name in 0..100 {
            turns.take(&Owner::new("i", &name.to_string())).await;
        }
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
