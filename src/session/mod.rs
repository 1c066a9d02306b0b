//! What is made has an end: sessions, deadlines and the sweeper.
//!
//! Must never keep a table of objects: what is owned and until when is read from the labels on the engine.

pub mod leftovers;
pub mod removal;
pub mod runs;
mod sweeper;

pub use sweeper::Sweeper;
