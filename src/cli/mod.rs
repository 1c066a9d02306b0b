//! The command line: what people and scripts say to the broker, and what it says back.
//!
//! Each command has a file of its own. Must never decide anything about a request: that is `policy`.

mod audit;
mod check;
mod config;
mod doctor;
pub mod exit;
mod explain;
mod healthcheck;
mod input;
mod log;
mod operations;
mod policy;
mod read;
mod run;
mod serve;
mod situation;
mod surroundings;
pub mod terminal;

use std::future::Future;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::arguments::ServeArgs;
use crate::config::environment::Environment;
use crate::config::{Reread, ServeConfig};
use exit::{EXIT_CODES, Exit, Failure};

/// The whole command line.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "docker-broker",
    version,
    about = "Lets people and programs use a Docker engine without giving them the machine",
    long_about = LONG_ABOUT,
    after_help = "`docker-broker --help` has examples and the exit codes.",
    after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"),
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What there is to do.
#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Run the broker between clients and an engine
    #[command(long_about = serve::LONG_ABOUT, after_long_help = serve::EXAMPLES)]
    Serve(Box<ServeArgs>),
    /// Show what `serve` would run with, and where each value comes from
    #[command(after_long_help = config::EXAMPLES)]
    Config(Box<config::ConfigArgs>),
    /// Run a command with a broker of its own, and take away what it leaves behind
    #[command(long_about = run::LONG_ABOUT, after_long_help = run::EXAMPLES)]
    Run(Box<run::RunArgs>),
    /// Report what is wrong with policies, and what weakens them
    #[command(after_long_help = check::EXAMPLES)]
    Check(check::CheckArgs),
    /// Say what would become of a request, or what became of one, and why
    #[command(after_long_help = explain::EXAMPLES)]
    Explain(Box<explain::ExplainArgs>),
    /// Summarise an audit log
    #[command(after_long_help = audit::EXAMPLES)]
    Audit(audit::AuditArgs),
    /// Say what is wrong with an installation, and what to do about it
    #[command(after_long_help = doctor::EXAMPLES)]
    Doctor(Box<doctor::DoctorArgs>),
    /// Show the built-in policies, start one of your own, or print the reference of keys
    #[command(after_long_help = policy::EXAMPLES)]
    Policy(policy::PolicyArgs),
    /// List every operation of the Engine API, and what allows it
    #[command(after_long_help = operations::EXAMPLES)]
    Operations(operations::OperationsArgs),
    /// Ask a running broker whether it and its engine answer
    #[command(after_long_help = healthcheck::EXAMPLES)]
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Print a script that completes this command line in a shell
    #[command(after_long_help = COMPLETION_EXAMPLES)]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command line of this process. `run` is what `serve` does once everything was read; it can be read again.
pub fn main<Run, Running>(run: Run) -> ExitCode
where
    Run: FnOnce(ServeConfig, Reread) -> Running,
    Running: Future<Output = Result<(), Failure>>,
{
    if let Some(ended) = run::role(std::env::args_os()) {
        return ended;
    }
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    match start(&words, &Environment::of_this_process(), run) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal::print_error(&failure.message());
            failure.exit.into()
        }
    }
}

fn start<Run, Running>(words: &[String], environment: &Environment, run: Run) -> Result<Exit, Failure>
where
    Run: FnOnce(ServeConfig, Reread) -> Running,
    Running: Future<Output = Result<(), Failure>>,
{
    let read = read::read(words, environment).map_err(|failure| run::own_failure(words, failure));
    let all = match read? {
        read::Read::Run(all) => all,
        read::Read::Print(text) => return terminal::print(&text).map(|()| Exit::Done),
    };
    let Some(read::Words { cli, origins }) = all.first().cloned() else { return Err(nothing_read()) };
    match cli.command {
        Command::Serve(_) => serve::start(words, environment, all, run),
        Command::Config(arguments) => config::run(&arguments, environment, all),
        Command::Run(arguments) => run::start(*arguments, &origins, environment),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments, &origins, environment),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments, &origins, environment),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Operations(arguments) => operations::run(&arguments),
        Command::Healthcheck(arguments) => healthcheck::run(&arguments),
        Command::Completion { shell } => complete(shell),
    }
}

/// What cannot happen: the words were read, and there is nothing.
fn nothing_read() -> Failure {
    Failure::said(Exit::Software, "the command line was read, and there is nothing in it")
}

fn complete(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "docker-broker", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

const LONG_ABOUT: &str = "\
Lets people and programs use a Docker engine without giving them the machine.

docker-broker stands between Docker clients and the engine's socket. It reads each request into one operation of the \
Engine API, judges the operation by a policy, and writes a new request from what it judged. What the policy does not \
name is refused, with a message that says which key would allow it.";

const EXAMPLES: &str = "\
Examples:
  docker-broker serve --listen unix:///tmp/broker.sock
      One Postgres for test suites, and nothing else
  DOCKER_HOST=unix:///tmp/broker.sock docker run --rm -e POSTGRES_PASSWORD=x postgres:16
      A client of it
  docker-broker run -- mvn test
      A command with a broker of its own, and nothing left behind
  docker-broker policy new agent --extends testcontainers --output agent.toml
      A policy of your own
  docker-broker check agent.toml
      What is wrong with it, and what weakens it";

const COMPLETION_EXAMPLES: &str = "\
Examples:
  docker-broker completion bash > /etc/bash_completion.d/docker-broker
  docker-broker completion zsh > ~/.zfunc/_docker-broker";

#[cfg(test)]
mod tests;
