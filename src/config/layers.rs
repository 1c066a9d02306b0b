//! The layers of what a broker is told: the flags that the user wrote, over variables, over the file.
//!
//! What a lower layer says becomes flags in front of those that the user wrote, and only where no higher layer says
//! anything: so all of them are read by the same rules. Must never let one listener's settings reach another.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::ConfigError;
use super::environment::Environment;
use super::file::FileSettings;
use super::origins::{Given, Origins};
use super::settings;

/// What one listener is told beside what the user wrote: words of a command line, and where each flag's value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer {
    /// The words.
    pub words: Vec<String>,
    /// Where they and the user's own come from.
    pub origins: Origins,
}

/// The layers below a command's written flags: one for each listener of the file, or one where no file names any.
///
/// # Errors
/// When the file does not load, or a flag or variable speaks of one listener where the file has several.
pub fn layers(
    definition: &Command,
    written: &ArgMatches,
    environment: &Environment,
) -> Result<Vec<Layer>, ConfigError> {
    let flags = written_flags(definition, written);
    let variables = environment.given(definition, &flags);
    let file = file_of(written, environment).map(|path| FileSettings::load(&path)).transpose()?;
    let FileSettings { broker, mut listeners } = file.unwrap_or_default();
    if listeners.len() > 1 {
        one_listener_only(&flags, &variables, listeners.len())?;
    }
    if listeners.is_empty() {
        listeners.push(Vec::new());
    }
    let layer = |listener: Vec<Given>| {
        let is_said = |given: &&Given| {
            flags.contains(&given.flag) || variables.iter().any(|variable| variable.flag == given.flag)
        };
        let below: Vec<&Given> = broker.iter().chain(&listener).filter(|given| !is_said(given)).collect();
        let all = || below.iter().copied().chain(&variables);
        Layer { words: all().map(Given::word).collect(), origins: Origins::new(flags.clone(), all()) }
    };
    Ok(listeners.into_iter().map(layer).collect())
}

/// The file that the command is told to read, if it takes one.
fn file_of(written: &ArgMatches, environment: &Environment) -> Option<PathBuf> {
    let said = written.try_get_one::<PathBuf>(FILE).ok()?;
    said.cloned().or_else(|| environment.value(FILE_VARIABLE).map(|path| PathBuf::from(path.trim())))
}

fn written_flags(definition: &Command, written: &ArgMatches) -> Vec<String> {
    let is_written = |id: &str| written.value_source(id) == Some(ValueSource::CommandLine);
    let written = definition.get_arguments().filter(|argument| is_written(argument.get_id().as_str()));
    written.filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
}

/// With several listeners, what one of them is told stands in the file.
fn one_listener_only(flags: &[String], variables: &[Given], listeners: usize) -> Result<(), ConfigError> {
    let is_of_listener = |flag: &str| settings::of_flag(flag).is_some_and(settings::Setting::is_of_listener);
    let name = flags.iter().find(|flag| is_of_listener(flag)).map(|flag| format!("`--{flag}`")).or_else(|| {
        let variable = variables.iter().find(|variable| is_of_listener(&variable.flag))?;
        Some(Origins::new([], [variable]).name(&variable.flag))
    });
    name.map_or(Ok(()), |name| Err(ConfigError::OneListenerOnly { name, listeners }))
}

/// The flag that names the file, and its variable.
const FILE: &str = "config";
const FILE_VARIABLE: &str = "BROKER_CONFIG";
