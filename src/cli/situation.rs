//! Which broker a question is about: the flags and variables that `serve` would read, read in the same way.
//!
//! Must never understand one of them otherwise than `serve` does: they go through its own reader.

use clap::{Args, FromArgMatches};

use super::exit::{Exit, Failure};
use super::surroundings::docker_host_elsewhere;
use crate::config::arguments::{DEFAULT_LISTEN, PolicyChanges, ServeArgs};
use crate::config::environment::{Environment, without_variables};
use crate::config::origins::Origins;
use crate::config::{ListenerConfig, ServeConfig, Told, resolve_one};
use crate::policy::builtin::DEFAULT_NAME;
use crate::upstream::address::Address;

/// The part of `serve`'s flags that says who would judge, by what, and before which engine.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The broker that is meant")]
pub(super) struct Situation {
    /// What its clients may do: the name of a built-in policy or a file
    #[arg(long, env = "BROKER_POLICY", value_name = "NAME|FILE", default_value = DEFAULT_NAME)]
    pub(super) policy: String,
    /// Where the engine listens [default: as `serve` finds it]
    #[arg(long, env = "BROKER_UPSTREAM", value_name = "ADDRESS", value_parser = Address::parse)]
    pub(super) upstream: Option<Address>,
    /// Where the broker listens
    #[arg(long, env = "BROKER_LISTEN", value_name = "ADDRESS", default_value = DEFAULT_LISTEN, value_parser = Address::parse)]
    pub(super) listen: Address,
    /// The listener's name
    #[arg(long, env = "BROKER_NAME", value_name = "NAME", default_value = "main")]
    name: String,
    /// The broker's instance [default: from this machine and the listener's address]
    #[arg(long, env = "BROKER_INSTANCE", value_name = "ID")]
    instance: Option<String>,
    #[command(flatten)]
    changes: PolicyChanges,
}

impl Situation {
    /// What `serve` would run with. `origins` say which of the flags came from variables.
    ///
    /// # Errors
    /// What `serve` would say as well.
    pub(super) fn resolve(
        &self,
        origins: &Origins,
        environment: &Environment,
    ) -> Result<(ServeConfig, ListenerConfig), Failure> {
        let mut words = vec!["serve".to_owned(), "--policy".to_owned(), self.policy.clone()];
        words.extend([format!("--listen={}", self.listen), format!("--name={}", self.name)]);
        words.extend(self.upstream.iter().map(|address| format!("--upstream={address}")));
        words.extend(self.instance.iter().map(|instance| format!("--instance={instance}")));
        let definition = without_variables(ServeArgs::augment_args(clap::Command::new("serve")));
        let wrong = |error: clap::Error| {
            Failure::said(Exit::Usage, error.to_string().replacen("error: ", "", 1).trim_end().to_owned())
        };
        let matches = definition.try_get_matches_from(words).map_err(wrong)?;
        let mut arguments = ServeArgs::from_arg_matches(&matches).map_err(wrong)?;
        arguments.changes = self.changes.clone();
        // where clients are meant to run, `DOCKER_HOST` names the broker and not its engine
        let names_the_broker = docker_host_elsewhere(environment, &self.listen).is_none();
        let environment = if names_the_broker { &Environment::default() } else { environment };
        let told = Told { arguments, origins: origins.clone() };
        Ok(resolve_one(told, environment, Vec::new())?)
    }
}
