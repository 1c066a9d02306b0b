//! What a policy is, and judging by it: files become policies, and a policy turns an operation into a permit or a denial.
//!
//! Everything here is pure: functions take text and values and return values. Nothing opens a file, reads a clock or
//! talks to an engine; what a judge must know about the engine comes in as facts. One file a resource.

pub mod builtin;
pub mod check;
pub mod compile;
pub mod credentials;
pub mod denial;
pub mod depth;
pub mod facts;
pub mod file;
pub mod housekeeping;
pub mod judge;
pub mod overrides;
pub mod ownership;
pub mod pattern;
pub mod permit;
pub mod quota;
pub mod reference;
pub mod schema;
pub mod view;

mod addresses;
mod binds;
mod capability;
mod command;
mod container;
mod container_create;
mod container_name;
mod container_update;
mod control;
mod devices;
mod exec;
mod host_config;
mod host_path;
mod image;
mod image_change;
mod kernel;
mod labels;
mod limits;
mod mounts;
mod names;
mod namespaces;
mod neighbours;
mod network;
mod network_connect;
mod network_create;
mod networking;
mod processes;
mod prune;
mod publish;
mod scheduling;
mod system;
mod template;
mod volume;
mod volume_mounts;
mod word;

#[cfg(test)]
mod tests;
