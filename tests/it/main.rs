#![cfg(test)]
//! Contract tests: what a client sees and what bytes reach the engine, with the broker in this process, a recording fake
//! engine behind it and a raw client before it. `cargo test --test it` needs no engine.

mod architecture;
mod cli;
mod corpus;
mod create;
mod docs;
mod harness;
mod images;
mod lifecycle;
mod metadata;
mod ownership;
mod prune;
mod self_check;
