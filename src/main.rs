//! The docker-broker program: everything is in the library.

use std::process::ExitCode;

use docker_broker::{cli, serve};

fn main() -> ExitCode {
    cli::main(|config| async { serve::run(config).await.map_err(|error| cli::exit::from_serve(&error)) })
}
