//! `docker-broker serve`: reads what it was told, says what it understood, and runs.

use std::future::Future;

use clap::CommandFactory;

use super::Cli;
use super::exit::{Exit, Failure};
use super::log;
use crate::config::arguments::ServeArgs;
use crate::config::environment::{Environment, Origins};
use crate::config::{ServeConfig, resolve};

pub(super) fn start<Run, Running>(
    arguments: ServeArgs,
    origins: &Origins,
    environment: &Environment,
    run: Run,
) -> Result<Exit, Failure>
where
    Run: FnOnce(ServeConfig) -> Running,
    Running: Future<Output = Result<(), Failure>>,
{
    let (level, format) = (arguments.records.log_level, arguments.records.log_format);
    let config = resolve(arguments, origins, environment, environment.unknown(&Cli::command()))?;
    log::start(level, format)?;
    announce(&config);
    wait(run(config))
}

/// Runs until the broker ends.
pub(super) fn wait(running: impl Future<Output = Result<(), Failure>>) -> Result<Exit, Failure> {
    block_on(running)??;
    Ok(Exit::Done)
}

/// Runs something to its end.
pub(super) fn block_on<T>(running: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Io, &error))?;
    Ok(runtime.block_on(running))
}

/// What an operator checks first when something is not as expected.
fn announce(config: &ServeConfig) {
    let version = env!("CARGO_PKG_VERSION");
    let ServeConfig { listen, mode, upstream, upstream_choice, policy, instance, listener_name, warnings, .. } = config;
    tracing::info!("docker-broker {version} listens on {listen} with mode 0{mode:03o}");
    tracing::info!("the engine is expected at {upstream} ({upstream_choice})");
    tracing::info!("clients are judged by {policy}; what they make is owned by `{instance}/{listener_name}`");
    for key in &policy.not_in_force {
        tracing::info!("{key}");
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

pub(super) const LONG_ABOUT: &str = "\
Run the broker between clients and an engine.

Every flag has a variable of the same meaning; a flag wins over its variable, and an empty variable counts as none. \
SIGTERM lets open requests end, and a second signal stops at once.";

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker serve --listen unix:///tmp/broker.sock
      Only this user may open the socket; the built-in policy `postgres` applies
  docker-broker serve --policy agent.toml --socket-group agents --audit /var/log/audit.json
      The group may open it as well, and one JSON record for every request goes to a file
  docker-broker serve --allowed-image registry.example/team/postgres:16 --allow-pulls=false
      The built-in policy with another image, which has to be on the engine already
  docker-broker serve --attach-networks dev-internal --policy agent.toml
      Containers join `dev-internal` instead of the default network";
