//! The engine's side of the broker.
pub mod address;
pub mod archive;
pub mod error;
pub mod link;
