//! The docker-broker program: everything is in the library.

use std::process::ExitCode;

use docker_broker::{cli, serve};

fn main() -> ExitCode {
    cli::main(|config, reread| async {
        serve::run(config, reread).await.map_err(|error| cli::exit::from_serve(&error))
    })
}
