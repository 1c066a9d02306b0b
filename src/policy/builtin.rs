//! The policies that come with the broker, compiled in. Each file under `policy/` is an example to start from as well,
//! so it says why each line stands there.

use super::check;
use super::compile::{Origin, Policy};

/// The names of the shipped policies; the first one is the default.
pub const BUILTIN_NAMES: [&str; 5] = ["postgres", "testcontainers", "read-only", "deny-all", "unrestricted"];

/// The policy that is used where none is named.
pub const DEFAULT_NAME: &str = "postgres";

/// The text of a shipped policy, for `policy show` and as the base of `extends`.
#[must_use]
pub fn builtin_text(name: &str) -> Option<&'static str> {
    match name {
        "postgres" => Some(include_str!("../../policy/postgres.toml")),
        "testcontainers" => Some(include_str!("../../policy/testcontainers.toml")),
        "read-only" => Some(include_str!("../../policy/read-only.toml")),
        "deny-all" => Some(include_str!("../../policy/deny-all.toml")),
        "unrestricted" => Some(include_str!("../../policy/unrestricted.toml")),
        _ => None,
    }
}

/// A shipped policy, ready to run.
#[must_use]
pub fn builtin(name: &str) -> Option<Policy> {
    let text = builtin_text(name)?;
    check::parse(text, name, Origin::BuiltIn).ok()
}
