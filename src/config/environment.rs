//! The process's environment, read once, and the way from a `BROKER_*` variable to the flag of the same meaning.
//!
//! Must never take an empty variable for a value; compose files set those for what is not wanted.

use std::collections::BTreeMap;

use clap::{Arg, Command};

use super::origins::{Given, Source};

/// Variables by name.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process. What is not UTF-8 is kept as far as it can be shown.
    #[must_use]
    pub fn of_this_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self(std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// A variable that is set to something.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// What variables give to the flags of a command, but for those that the user wrote.
    #[must_use]
    pub fn given(&self, command: &Command, written: &[String]) -> Vec<Given> {
        let mut all = Vec::new();
        for argument in command.get_arguments() {
            let (Some(flag), Some(variable)) = (argument.get_long(), variable_of(argument)) else { continue };
            if written.iter().any(|written| written == flag) {
                continue;
            }
            let older = OLDER_NAMES.iter().filter(|(_, newer)| *newer == variable).map(|(older, _)| *older);
            let found = std::iter::once(variable).chain(older).find_map(|name| Some((name, self.value(name)?)));
            if let Some((name, value)) = found {
                let (flag, value) = (flag.to_owned(), value.trim().to_owned());
                all.push(Given { flag, value, source: Source::Variable(name.to_owned()) });
            }
        }
        all
    }

    /// A line for each `BROKER_*` variable that nothing reads.
    #[must_use]
    pub fn unknown(&self, command: &Command) -> Vec<String> {
        let known = variables(command);
        let is_unknown = |name: &&String| name.starts_with("BROKER_") && !known.contains(&name.as_str());
        self.0.keys().filter(is_unknown).map(|name| unknown_line(name, &known)).collect()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// Takes clap's own reading of variables away, which would not tell an empty one from a value.
#[must_use]
pub fn without_variables(command: Command) -> Command {
    let command = command.mut_args(|argument| argument.env(None::<&'static str>));
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| command.mut_subcommand(name, without_variables))
}

fn variable_of(argument: &Arg) -> Option<&str> {
    argument.get_env()?.to_str()
}

/// All variables of a command and those below it.
fn variables(command: &Command) -> Vec<&str> {
    let own = command.get_arguments().filter_map(variable_of);
    let below = command.get_subcommands().flat_map(variables);
    let mut all: Vec<&str> = own.chain(below).chain(OLDER_NAMES.iter().map(|(older, _)| *older)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn unknown_line(name: &str, known: &[&str]) -> String {
    let distance = |other: &&&str| strsim::damerau_levenshtein(name, other);
    match known.iter().min_by_key(distance) {
        Some(nearest) if distance(&nearest) <= NEAR => {
            format!("variable `{name}` is not known and changes nothing; the nearest known one is `{nearest}`")
        }
        Some(_) | None => format!("variable `{name}` is not known and changes nothing"),
    }
}

/// Other spellings of a variable: the older, and the one that wins.
const OLDER_NAMES: [(&str, &str); 1] = [("BROKER_ATTACH_NETWORK", "BROKER_ATTACH_NETWORKS")];

/// How many letters may differ between a variable and the one that was meant.
const NEAR: usize = 4;

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Only {
        #[arg(long, env = "BROKER_ATTACH_NETWORKS")]
        attach_networks: Option<String>,
        #[arg(long, env = "BROKER_LISTEN")]
        listen: Option<String>,
    }

    fn words(environment: &Environment, written: &[&str]) -> Vec<String> {
        use clap::CommandFactory as _;
        let written: Vec<String> = written.iter().map(ToString::to_string).collect();
        environment.given(&Only::command(), &written).iter().map(Given::word).collect()
    }

    #[test]
    fn empty_variables_and_those_of_written_flags_say_nothing() {
        let environment = Environment::from([("BROKER_LISTEN", "/a"), ("BROKER_ATTACH_NETWORKS", " ")]);
        assert_eq!(words(&environment, &["listen"]), [""; 0]);
    }

    #[test]
    fn a_variable_is_the_flag_of_its_name_and_the_newer_name_wins() {
        use clap::CommandFactory as _;
        let environment = Environment::from([("BROKER_ATTACH_NETWORK", "old"), ("BROKER_LISTEN", " /a ")]);
        assert_eq!(words(&environment, &[]), ["--attach-networks=old", "--listen=/a"]);
        let given = environment.given(&Only::command(), &[]);
        assert_eq!(given[0].source, Source::Variable("BROKER_ATTACH_NETWORK".to_owned()));
        let environment = Environment::from([("BROKER_ATTACH_NETWORK", "old"), ("BROKER_ATTACH_NETWORKS", "new")]);
        assert_eq!(words(&environment, &[]), ["--attach-networks=new"]);
        assert_eq!(Only::parse_from(["broker"]).listen, None);
    }

    #[test]
    fn what_nothing_reads_is_named_with_what_may_have_been_meant() {
        use clap::CommandFactory as _;
        let environment = Environment::from([
            ("BROKER_LISTN", "x"),
            ("BROKER_SOMETHING_ELSE", "x"),
            ("BROKER_LISTEN", "x"),
            ("BROKER_ATTACH_NETWORK", "x"),
            ("OTHER", "x"),
        ]);
        assert_eq!(
            environment.unknown(&Only::command()),
            [
                "variable `BROKER_LISTN` is not known and changes nothing; the nearest known one is `BROKER_LISTEN`",
                "variable `BROKER_SOMETHING_ELSE` is not known and changes nothing",
            ]
        );
    }
}
