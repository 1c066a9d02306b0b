//! What a policy is: read from a file, made ready to run, explained.
//!
//! Everything here is pure: functions take text and values and return values. Nothing opens a file, reads a clock or
//! talks to an engine; the caller does.

pub mod builtin;
pub mod check;
pub mod compile;
pub mod file;
pub mod overrides;
pub mod pattern;
pub mod reference;
