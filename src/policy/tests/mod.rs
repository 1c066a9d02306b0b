//! Judging from request to engine request: policy text, a request as a client sends it, and an engine's world.
//!
//! A judge only knows what it asked for: the fixture answers its questions as an engine would, and nothing else, so that
//! a fact which is looked up under one spelling and sent under another shows.

mod containers;
mod control;
mod create;
mod exec;
mod fields;
mod fixture;
mod image_changes;
mod images;
mod limits;
mod manage;
mod mounts;
mod networking;
mod networks;
mod policies;
mod powers;
mod properties;
mod publish;
mod sharing;
mod system;
mod teaching;
mod templates;
mod volumes;
