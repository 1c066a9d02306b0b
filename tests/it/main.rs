#![cfg(test)]
#![expect(clippy::string_slice, reason = "the texts of these tests are ASCII, and a panic is a failed test")]
//! Contract tests: what a client sees and what bytes reach the engine, with the broker in this process, a recording fake
//! engine behind it and a raw client before it. `cargo test --test it` needs no engine.

mod architecture;
mod attach;
mod audit;
mod bounds;
mod cli;
mod config;
mod control;
mod corpus;
mod create;
mod deploy;
mod docs;
mod engine_failures;
mod explain;
mod harness;
mod images;
mod lifecycle;
mod listener;
mod listeners;
mod lists;
mod manage;
mod metadata;
mod nested;
mod networks;
mod ownership;
mod policy_schema;
mod process;
mod prune;
mod reload;
mod run;
mod self_check;
mod streams;
mod sweeper;
