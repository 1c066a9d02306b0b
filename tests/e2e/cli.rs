//! The docker CLI through the broker, next to the docker CLI directly.

mod support;
fn main() -> std::process::ExitCode {
    support::main("e2e-cli", Vec::new())
}
