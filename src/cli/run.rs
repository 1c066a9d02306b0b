//! `docker-broker run`: a command with a broker of its own, and nothing left behind.
//!
//! The broker lives in this process, on a socket that nobody else can reach; the command is a child in the foreground.
//! When it ends, however it does, everything that was made is removed; a lock file lets the next run do so where this one
//! could not. Must never write to standard output, and never end with a code that its command did not end with, but for
//! its own one.

mod child;
mod environment;
mod shim;
mod signals;
mod summary;

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use clap::CommandFactory;

use super::exit::{self, Exit, Failure};
use super::surroundings::{Visitor, misleading_files, open_engine_sockets};
use super::{Cli, log, terminal};
use crate::audit::{Format, Sink, Tally};
use crate::bounds::Bounds;
use crate::client::Isolate;
use crate::config::arguments::{LogLevel, PolicyChanges, RecordArgs, ServeArgs, read_sink};
use crate::config::environment::Environment;
use crate::config::origins::Origins;
use crate::config::{ListenerConfig, ServeConfig, Told, resolve_one};
use crate::policy::builtin::DEFAULT_NAME;
use crate::serve::{Private, Server};
use crate::session::leftovers::{self, Leftovers};
use crate::session::runs::{Place, RunFolders};
use crate::upstream::Engine;
use crate::upstream::address::Address;
use environment::Variable;
use signals::Signals;
use summary::Summary;

pub(super) use shim::role;

/// What `run` is told.
#[derive(Debug, Clone, Args)]
pub(super) struct RunArgs {
    /// What the command may do: the name of a built-in policy (`docker-broker policy list`) or a file
    #[arg(long, env = "BROKER_POLICY", value_name = "NAME|FILE", default_value = DEFAULT_NAME)]
    policy: String,
    /// Where the engine listens [default: `DOCKER_HOST` if it is a Unix socket, else `/var/run/docker.sock`]
    #[arg(long, env = "BROKER_UPSTREAM", value_name = "ADDRESS", value_parser = Address::parse)]
    upstream: Option<Address>,
    /// Set a variable for the command; may be given more than once
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = environment::read_variable)]
    variables: Vec<Variable>,
    /// Leave a variable as it is that would be set or unset; may be given more than once
    #[arg(long = "keep-env", value_name = "NAME", value_parser = environment::read_name)]
    kept: Vec<String>,
    /// Time that the command has to end once it was asked a second time; then it is killed
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    grace: Duration,
    /// Say nothing at the end, unless something could not be removed
    #[arg(long, short)]
    quiet: bool,
    /// Write what the run came to into a file, as JSON
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Where the audit goes, one record for every request: `stdout` (or `-`), `stderr`, `none` or a file
    #[arg(long, env = "BROKER_AUDIT", value_name = "SINK", default_value = "none", value_parser = read_sink)]
    audit: Sink,
    /// How records are written: for programs or for people
    #[arg(long, env = "BROKER_AUDIT_FORMAT", value_name = "FORMAT", default_value = "json")]
    audit_format: Format,
    /// How much the broker says on standard error while the command runs
    #[arg(long, env = "BROKER_LOG_LEVEL", value_name = "LEVEL", default_value = "warn", ignore_case = true)]
    log_level: LogLevel,
    #[command(flatten)]
    changes: PolicyChanges,
    /// The command and its arguments, taken as they are
    #[arg(value_name = "CMD", trailing_var_arg = true, required = true, num_args = 1..)]
    command: Vec<String>,
}

/// Everything that was read before anything is done.
#[derive(Debug)]
struct Plan {
    instance: String,
    folders: RunFolders,
    place: Place,
    config: ServeConfig,
    listener: ListenerConfig,
    changes: environment::Changes,
    environment: Environment,
    kept: Vec<String>,
    command: Vec<OsString>,
    grace: Duration,
    quiet: bool,
    summary: Option<PathBuf>,
}

pub(super) fn start(arguments: RunArgs, origins: &Origins, environment: &Environment) -> Result<Exit, Failure> {
    let own = |failure| Failure { exit: Exit::Broker, ..failure };
    let level = arguments.log_level;
    let plan = plan(arguments, origins, environment).map_err(own)?;
    log::start(level, Format::Text).map_err(own)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Broker, &error))?;
    // on this thread: the kernel ends the command with the thread that started it
    runtime.block_on(run(plan)).map_err(own)
}

/// A mistake on the command line of `run` ends with its own code: the other ones are its command's.
pub(super) fn own_failure(words: &[String], failure: Failure) -> Failure {
    let of_run = words.get(1).is_some_and(|word| word == "run");
    if of_run { Failure { exit: Exit::Broker, ..failure } } else { failure }
}

fn plan(arguments: RunArgs, origins: &Origins, environment: &Environment) -> Result<Plan, Failure> {
    let RunArgs {
        policy,
        upstream,
        variables,
        kept,
        grace,
        quiet,
        summary,
        audit,
        audit_format,
        log_level,
        changes,
        command,
    } = arguments;
    let failed = |error: &dyn std::error::Error| Failure::new(Exit::Broker, error);
    let instance = new_name().map_err(|error| failed(&error))?;
    let folders = RunFolders::of_this_process();
    let place = folders.place(&instance).map_err(|error| failed(&error))?;
    let listen = Address::parse(&place.socket().to_string_lossy()).map_err(|error| failed(&error))?;
    let records = RecordArgs { audit, audit_format, audit_required: false, log_level, log_format: Format::Text };
    let arguments = ServeArgs {
        config: None,
        listen: listen.clone(),
        upstream,
        policy,
        socket_mode: Some(0o600),
        socket_group: None,
        name: LISTENER.to_owned(),
        isolate: Isolate::None,
        instance: Some(instance.clone()),
        allow_unrestricted: false,
        changes,
        records,
        bounds: Bounds::default(),
    };
    let told = Told { arguments, origins: origins.clone() };
    let (config, listener) = resolve_one(told, environment, environment.unknown(&Cli::command()))?;
    let changes = environment::changes(&listen, &variables, &kept);
    let command = exactly(command, &std::env::args_os().collect::<Vec<_>>());
    Ok(Plan {
        instance,
        folders,
        place,
        config,
        listener,
        changes,
        environment: environment.clone(),
        kept,
        command,
        grace,
        quiet,
        summary,
    })
}

/// What a person should read before the command starts, one line each.
fn warnings(
    config: &ServeConfig,
    listen: &Address,
    behind_broker: bool,
    environment: &Environment,
    kept: &[String],
) -> Vec<String> {
    let mut lines = config.warnings.clone();
    if kept.iter().any(|name| name == "DOCKER_HOST") {
        lines.push("`DOCKER_HOST` is kept, so the command may not use its broker at all".to_owned());
    }
    let files = misleading_files(environment, listen);
    // a broker's socket leads to no more than that broker allows
    let upstream = config.upstream.path();
    let (engine, broker) = if behind_broker { (None, Some(upstream)) } else { (Some(upstream), None) };
    let sockets = open_engine_sockets(environment, engine, broker.as_slice(), &Visitor::Myself);
    lines.extend(files.into_iter().chain(sockets).map(|lead| format!("{}; {}", lead.what, lead.advice)));
    lines
}

/// The words of the command as they were written: they need not be UTF-8.
fn exactly(read: Vec<String>, written: &[OsString]) -> Vec<OsString> {
    let tail = written.len().checked_sub(read.len()).and_then(|start| written.get(start..)).unwrap_or_default();
    let is_same = tail.len() == read.len() && tail.iter().zip(&read).all(|(raw, word)| raw.to_string_lossy() == *word);
    if is_same { tail.to_vec() } else { read.into_iter().map(OsString::from).collect() }
}

async fn run(plan: Plan) -> Result<Exit, Failure> {
    let Plan { instance, folders, place, config, listener, changes, environment, kept, command, grace, quiet, summary } =
        plan;
    let started = Instant::now();
    let failed = |error: &dyn std::error::Error| Failure::new(Exit::Broker, error);
    let mut signals = Signals::listen().await.map_err(|error| failed(&error))?;
    let engine = Engine::new(config.upstream.clone(), &config.bounds);
    let prepared = async {
        engine.version().await.map_err(|error| failed(&error))?;
        say(&warnings(&config, &listener.listen, engine.is_broker(), &environment, &kept));
        say(&leftovers::of_dead_runs(&folders, None).await);
        Ok::<(), Failure>(())
    };
    tokio::select! {
        prepared = prepared => prepared?,
        signal = signals.next_that_ends() => return Ok(Exit::Command(child::code_of(signal))),
    }
    let run = place.take(&config.upstream, engine.is_broker()).map_err(|error| failed(&error))?;
    let (policy, tally) = (listener.policy.clone(), Arc::new(Tally::default()));
    let private = Private { session: instance.clone(), tally: Arc::clone(&tally) };
    let server = match Server::start_private(config, private) {
        Ok(server) => server,
        Err(error) => {
            run.end();
            return Err(exit::from_serve(&error));
        }
    };
    let ended = match child::start(&command, &changes, grace) {
        Ok(running) => running.wait(&mut signals).await,
        Err(error) => Err(error),
    };
    let leftovers = finish(server, &engine, &instance, &tally, &mut signals).await;
    let complete = leftovers.is_nothing();
    // else the lock file stays, and the next run looks again
    if complete {
        run.end();
    }
    let exit_code = ended.map_err(|error| failed(&error))?;
    let summed = Summary {
        instance: &instance,
        policy: &policy,
        exit_code,
        took: started.elapsed(),
        totals: tally.totals(),
        leftovers,
    };
    if !quiet || !complete {
        terminal::print_error(&summed.text(terminal::stderr_takes_colours()));
    }
    if let Some(path) = summary {
        write_summary(&path, &summed);
    }
    Ok(Exit::Command(exit_code))
}

/// Ends the broker and removes what was made. A second signal breaks it off.
async fn finish(server: Server, engine: &Engine, instance: &str, tally: &Tally, signals: &mut Signals) -> Leftovers {
    signals.forget();
    let work = async {
        let audit = server.audit();
        server.finish().await;
        leftovers::remove_all(engine, instance, tally.totals().doubtful > 0, Some(&audit)).await
    };
    tokio::select! {
        leftovers = work => leftovers,
        () = asked_twice(signals) => {
            Leftovers { unseen: Some("a signal broke it off".to_owned()), ..Leftovers::default() }
        }
    }
}

async fn asked_twice(signals: &mut Signals) {
    signals.next_that_ends().await;
    say(&["the command has ended, and what it left is being removed; a second signal breaks that off".to_owned()]);
    signals.next_that_ends().await;
}

fn write_summary(path: &Path, summary: &Summary<'_>) {
    let written = summary.json().map_err(std::io::Error::other).and_then(|text| fs::write(path, text));
    if let Err(error) = written {
        say(&[format!("the summary could not be written to `{}`: {error}", path.display())]);
    }
}

fn say(lines: &[String]) {
    for line in lines {
        terminal::print_error(&format!("docker-broker: {}\n", line.replace('\n', " ")));
    }
}

/// A name that no other run has.
fn new_name() -> std::io::Result<String> {
    let mut bytes = [0; 6];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold("run-".to_owned(), |name, byte| format!("{name}{byte:02x}")))
}

/// The listener's name, which is a part of the owner label.
const LISTENER: &str = "main";

pub(super) const LONG_ABOUT: &str = "\
Run a command with a broker of its own, and take away what it leaves behind.

The broker listens on a private socket for as long as the command runs. The command gets `DOCKER_HOST`, the terminal and \
all signals; variables that would lead its clients elsewhere are unset, and Testcontainers are told not to start their \
reaper, for the broker does its work. When the command has ended, every container, network and volume that was made is \
removed, and a few lines on standard error say what was made, what was refused and which key would allow it.

If this process is killed, its command is killed with it, and the next `docker-broker run` of the same user removes what \
was left. A second SIGTERM, SIGHUP or SIGINT to this process ends a command that does not end by itself.

The exit code is the command's: 128 + N where signal N ended it, 126 and 127 where it cannot be run or found. 125 is this \
program's own: the command line, the policy or the engine is not as it should be, and the command did not run.";

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker run -- mvn test
      A test suite that may use one Postgres, by the built-in policy `postgres`
  docker-broker run --policy testcontainers -- npm test
      Another built-in policy; `docker-broker policy list` names them
  docker-broker run --policy agent.toml --summary run.json -- ./ci.sh
      A policy of your own, and what the run came to as JSON
  docker-broker run -- docker run --rm -e POSTGRES_PASSWORD=x postgres:16 postgres --version
      Anything that speaks to a Docker engine
  docker-broker run --env TESTCONTAINERS_REUSE_ENABLE=false --keep-env DOCKER_CERT_PATH -- bash
      A shell in which every Docker client uses the broker";

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn words_that_are_not_utf_8_reach_the_command_as_they_are() {
        let odd = OsString::from_vec(vec![b'a', 0xff]);
        let written = vec!["docker-broker".into(), "run".into(), "x".into(), odd.clone()];
        let read = vec!["x".to_owned(), odd.to_string_lossy().into_owned()];
        assert_eq!(exactly(read, &written), [OsString::from("x"), odd]);
        assert_eq!(exactly(vec!["y".to_owned()], &written), ["y"]);
    }

    #[test]
    fn no_two_runs_have_one_name() {
        let names: std::collections::BTreeSet<String> = (0..100).map(|_| new_name().unwrap()).collect();
        assert_eq!(names.len(), 100);
        assert!(names.iter().all(|name| name.len() == 16 && !name.contains('/')));
    }
}
