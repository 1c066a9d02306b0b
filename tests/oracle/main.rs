//! What the broker forwards means exactly what it judged, seen with the engine's own API server as an oracle.
//!
//! `ORACLE_REQUESTS` is how many mutated requests are made (default 100 000), `ORACLE_SEED` from which number. Needs Go,
//! or an oracle that was built before; without either it says so, and fails where the end-to-end tests run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be, and prints what it saw"
)]

mod bases;
mod body;
mod compare;
mod engine;
mod expected;
mod fidelity;
mod legal;
mod mutate;
mod node;
mod normal;
mod pipeline;
mod planted;
mod platform;
#[expect(dead_code, reason = "the facts' tests use all of it, this one a part")]
mod published;
mod random;
mod request;
mod run;
mod safety;
mod tar;
mod world;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    match engine::build() {
        Ok(program) => libtest_mimic::run(&arguments, trials(&program)).exit_code(),
        Err(why) if ["CI", "DOCKER_BROKER_E2E"].iter().any(|name| std::env::var_os(name).is_some()) => {
            println!("oracle: not run, {why}");
            ExitCode::FAILURE
        }
        Err(why) => {
            println!("oracle: not run, {why}; `make oracle` runs it where Go is installed");
            ExitCode::SUCCESS
        }
    }
}

fn trials(program: &Path) -> Vec<Trial> {
    let trial = |name: &str, test: fn(&Path) -> Result<(), String>| {
        let program = program.to_owned();
        Trial::test(name, move || test(&program).map_err(Failed::from))
    };
    vec![
        trial("a_planted_bug_is_caught", planted::run),
        trial("benign_requests_mean_what_their_clients_meant", fidelity::run),
        trial("forwarded_requests_mean_what_was_judged", safety::run),
    ]
}
