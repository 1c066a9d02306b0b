//! The docker-broker program: everything is in the library.

use std::process::ExitCode;

use docker_broker::cli;
use docker_broker::cli::exit::{Exit, Failure};

fn main() -> ExitCode {
    cli::main(|_config| async { Err(Failure::said(Exit::Software, "the listener is not part of this build")) })
}
