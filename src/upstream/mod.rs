//! The engine's side of the broker.

pub mod archive;
