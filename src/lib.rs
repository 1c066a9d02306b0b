//! A Docker API proxy that people can trust: it reads each request into a typed operation, judges the operation by a
//! policy, and writes a new request to the engine from what it judged.
//!
//! The way of one request through the rooms, each of which may only use the rooms before it:
//!
//! - [`request`]: bytes become words, strictly, without any Docker meaning;
//! - [`operation`]: words become one operation of a closed world, and operations are written back;
//! - [`policy`]: an operation becomes a permit or a denial, purely;
//! - [`upstream`]: a permit, and nothing else, reaches the engine;
//! - [`session`]: what is made is owned, and ends;
//! - [`broker`]: the pipeline, with [`response`] and [`audit`] on every path;
//! - [`listener`], [`client`], [`config`] and [`cli`]: the sockets and the people.

pub mod audit;
pub mod bounds;
pub mod broker;
pub mod cli;
pub mod client;
pub mod config;
pub mod listener;
pub mod operation;
pub mod policy;
pub mod request;
pub mod response;
pub mod serve;
pub mod session;
pub mod upstream;
