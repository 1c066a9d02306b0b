//! The engine's side of the broker: what was permitted is sent, what a judge asks is answered, and nothing else.
//!
//! Must never send a byte of the client's: a request is encoded from the operation that a permit owns.

pub mod address;
pub mod archive;
pub mod engine;
pub mod error;
pub mod facts;
pub mod link;
pub mod survey;

pub use address::Address;
pub use engine::{BROKER_HEADER, Engine, EngineVersion, announcement};
pub use error::UpstreamError;
pub use link::Link;
