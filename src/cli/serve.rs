//! `docker-broker serve`: reads what it was told, says what it understood, and runs.

use std::collections::BTreeSet;
use std::future::Future;

use clap::CommandFactory;

use super::exit::{Exit, Failure};
use super::log;
use super::read::{Read, Words, read};
use super::{Cli, Command};
use crate::config::environment::Environment;
use crate::config::{Reread, ServeConfig, Told, resolve};

pub(super) fn start<Run, Running>(
    words: &[String],
    environment: &Environment,
    all: Vec<Words>,
    run: Run,
) -> Result<Exit, Failure>
where
    Run: FnOnce(ServeConfig, Reread) -> Running,
    Running: Future<Output = Result<(), Failure>>,
{
    let told = told(all);
    let records = told.first().map(|told| (told.arguments.records.log_level, told.arguments.records.log_format));
    let config = resolve(told, environment, environment.unknown(&Cli::command()))?;
    if let Some((level, format)) = records {
        log::start(level, format)?;
    }
    announce(&config);
    let (words, environment) = (words.to_vec(), environment.clone());
    wait(run(config, Reread::new(move || reread(&words, &environment).map_err(|failure| one_line(&failure)))))
}

/// What each listener was told.
pub(super) fn told(all: Vec<Words>) -> Vec<Told> {
    let told = |Words { cli, origins }| match cli.command {
        Command::Serve(arguments) => Some(Told { arguments: *arguments, origins }),
        Command::Config(arguments) => Some(Told { arguments: arguments.serve, origins }),
        Command::Run(_)
        | Command::Check(_)
        | Command::Explain(_)
        | Command::Audit(_)
        | Command::Doctor(_)
        | Command::Policy(_)
        | Command::Operations(_)
        | Command::Healthcheck(_)
        | Command::Completion { .. } => None,
    };
    all.into_iter().filter_map(told).collect()
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

/// The same words again, over files that may have changed.
fn reread(words: &[String], environment: &Environment) -> Result<ServeConfig, Failure> {
    match read(words, environment)? {
        Read::Run(all) => Ok(resolve(told(all), environment, environment.unknown(&Cli::command()))?),
        Read::Print(_) => Err(super::nothing_read()),
    }
}

/// A failure as a log takes it.
fn one_line(failure: &Failure) -> String {
    failure.lines.join(": ").replace('\n', "; ")
}

/// What an operator checks first when something is not as expected. What each listener does is said when it listens.
fn announce(config: &ServeConfig) {
    let version = env!("CARGO_PKG_VERSION");
    let ServeConfig { listeners, upstream, upstream_choice, warnings, .. } = config;
    tracing::info!("docker-broker {version} expects the engine at {upstream} ({upstream_choice})");
    let mut notes = BTreeSet::new();
    for listener in listeners {
        notes.extend(listener.policy.not_in_force.iter().map(ToString::to_string));
    }
    for note in notes {
        tracing::info!("{note}");
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

pub(super) const LONG_ABOUT: &str = "\
Run the broker between clients and an engine.

Every flag has a variable of the same meaning, and but for --config a key in the configuration file; a flag wins over its \
variable, and a variable over the file. An empty variable counts as none. SIGHUP and a changed file read policies again. \
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
      Containers join `dev-internal` instead of the default network
  docker-broker serve --config /etc/docker-broker/broker.toml
      Several listeners with policies of their own; `docker-broker config --reference` shows such a file";
