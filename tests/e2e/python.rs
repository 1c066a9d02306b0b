//! The stock Postgres suite of Testcontainers for Python through the broker, next to the same suite directly.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test program: it says what it does, and a panic is a failed test"
)]

#[path = "support/suites.rs"]
mod suites;
#[expect(dead_code, unreachable_pub, reason = "each end-to-end test uses its own part")]
mod support;

fn main() -> std::process::ExitCode {
    support::main("e2e-python", suites::trials(&["python"]))
}
