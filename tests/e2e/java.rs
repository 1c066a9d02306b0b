#![cfg(test)]
//! The stock Postgres suite of Testcontainers for Java, 1.x and 2.x, through the broker, next to the same suite directly.

#[path = "support/suites.rs"]
mod suites;
#[expect(dead_code, unreachable_pub, reason = "each end-to-end test uses its own part")]
mod support;

fn main() -> std::process::ExitCode {
    support::main("e2e-java", suites::trials(&["java1", "java2"]))
}
