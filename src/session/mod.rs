//! What is made has an end: sessions, deadlines and the sweeper.
//!
//! Must never keep a table of objects: what is owned and until when is read from the labels on the engine.

mod disk;
pub mod leftovers;
pub mod removal;
pub mod runs;
mod sweeper;
mod turns;

pub use sweeper::Sweeper;
pub use turns::{Turn, Turns};
