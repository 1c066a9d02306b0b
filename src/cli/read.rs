//! Reading the command line and the variables that stand for its flags.
//!
//! The words are read twice: as the user wrote them, so that a mistake of theirs is reported as such, and then with the
//! flags that variables and the configuration file stand for, once for each listener. Must never blame a flag for what a
//! variable or a file holds.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command as Definition, CommandFactory, FromArgMatches};

use super::Cli;
use super::exit::{Exit, Failure};
use super::terminal;
use crate::config::ConfigError;
use crate::config::environment::{Environment, without_variables};
use crate::config::layers::{Layer, layers};
use crate::config::origins::{Origins, Source};
use crate::config::settings;
use crate::upstream::address::without_credentials;

/// What the command line asks for.
#[derive(Debug)]
pub(super) enum Read {
    /// A command, once for each listener that the configuration file has: never none.
    Run(Vec<Words>),
    /// Only this text: a help page or the version.
    Print(String),
}

/// A command with its flags, and where they come from.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) cli: Cli,
    pub(super) origins: Origins,
}

pub(super) fn read(words: &[String], environment: &Environment) -> Result<Read, Failure> {
    let written = match without_variables(Cli::command()).try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => return help_or_failure(words, &error),
    };
    let definition = Cli::command();
    let command = written.subcommand().and_then(|(name, matches)| Some((definition.find_subcommand(name)?, matches)));
    let layers = match command {
        Some((definition, matches)) => layers(definition, matches, environment)?,
        None => vec![Layer::default()],
    };
    layers.into_iter().map(|layer| with_layer(words, layer)).collect::<Result<_, _>>().map(Read::Run)
}

/// Puts a layer's flags between the command and the flags that the user wrote.
fn with_layer(words: &[String], layer: Layer) -> Result<Words, Failure> {
    let Layer { words: given, origins } = layer;
    let (before, after) = words.split_at(words.len().min(2));
    let matches = without_variables(Cli::command()).try_get_matches_from([before, &given, after].concat());
    let matches = matches.map_err(|error| given_failure(&error, &origins))?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| usage(&error))?;
    Ok(Words { cli, origins })
}

fn help_or_failure(words: &[String], error: &clap::Error) -> Result<Read, Failure> {
    let asked_for_nothing = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if error.kind() == ErrorKind::DisplayVersion {
        return Ok(Read::Print(error.to_string()));
    }
    if asked_for_nothing {
        terminal::print_error(&help(words, terminal::stderr_takes_colours()));
        return Err(Failure { exit: Exit::Usage, lines: Vec::new() });
    }
    if error.kind() == ErrorKind::DisplayHelp {
        return Ok(Read::Print(help(words, terminal::stdout_takes_colours())));
    }
    Err(usage(error))
}

/// The help page with the names of the variables, which were taken away for reading, and of the file's keys.
fn help(words: &[String], colours: bool) -> String {
    let definition =
        ["serve", "config"].iter().fold(Cli::command(), |all, name| all.mut_subcommand(name, settings::with_keys));
    match hiding_values(definition).try_get_matches_from(words) {
        Err(page) if colours => page.render().ansi().to_string(),
        Err(page) => page.to_string(),
        Ok(_) => String::new(),
    }
}

/// Help shows which variables there are, and not what they hold.
fn hiding_values(definition: Definition) -> Definition {
    let definition = definition.mut_args(|argument| argument.hide_env_values(true));
    let names: Vec<String> = definition.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names.iter().fold(definition, |definition, name| definition.mut_subcommand(name, hiding_values))
}

/// A mistake on the command line, in clap's words.
fn usage(error: &clap::Error) -> Failure {
    let text = if terminal::stderr_takes_colours() { error.render().ansi().to_string() } else { error.to_string() };
    Failure::said(Exit::Usage, text.replacen("error: ", "", 1).trim_end())
}

/// A mistake that only the flags from variables or from the file brought.
fn given_failure(error: &clap::Error, origins: &Origins) -> Failure {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let argument = text(ContextKind::InvalidArg).trim_start_matches('-');
    let flag = argument.split(|end: char| end.is_whitespace() || end == '=' || end == '[').next().unwrap_or_default();
    let value = without_credentials(text(ContextKind::InvalidValue));
    match origins.source(flag) {
        Source::Variable(variable) => Failure::from(ConfigError::Variable { variable, value, problem: problem(error) }),
        Source::File { .. } => {
            Failure::from(ConfigError::Value { name: origins.name(flag), value, problem: problem(error) })
        }
        Source::Flag | Source::Default => usage(error),
    }
}

/// What is wrong with a value, without the flag that clap names with it.
fn problem(error: &clap::Error) -> String {
    if let Some(source) = std::error::Error::source(error) {
        return source.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(words)) => format!("write one of `{}`", words.join("`, `")),
        _ => "this is not a value that it takes".to_owned(),
    }
}
