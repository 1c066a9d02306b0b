//! What a broker is started with: flags over variables over defaults, read into values that need no second look.
//!
//! Must never start with a value that was not understood: each one that cannot be read is an error which names the flag
//! or the variable that held it.

pub mod arguments;
pub mod environment;
mod instance;
pub mod policy_text;
mod resolve;

use std::io;
use std::path::PathBuf;

use crate::audit::AuditConfig;
use crate::bounds::Bounds;
use crate::policy::check::PolicyError;
use crate::policy::compile::Policy;
use crate::policy::overrides::OverrideError;
use crate::upstream::address::Address;

pub use resolve::resolve;
pub(crate) use resolve::{choose_upstream, derive_instance};

/// Everything that `serve` needs.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// Where the broker listens.
    pub listen: Address,
    /// The mode of its socket, as in `chmod`: at most 0o777.
    pub mode: u32,
    /// The group of its socket, by name or number; the process's own where absent.
    pub group: Option<String>,
    /// The listener's name: a part of the owner of all that is made through it.
    pub listener_name: String,
    /// Where the engine is.
    pub upstream: Address,
    /// Why that engine, in words that follow its address: `from --upstream`.
    pub upstream_choice: &'static str,
    /// What clients may do, with all overrides in it.
    pub policy: Policy,
    /// Which broker this is: the first part of the owner of all that is made through it.
    pub instance: String,
    /// The bounds on the broker itself.
    pub bounds: Bounds,
    /// How the audit is kept.
    pub audit: AuditConfig,
    /// What an operator should read at start-up, one line each.
    pub warnings: Vec<String>,
}

/// Why a broker cannot be started as it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// One value that cannot be used.
    #[error("{name} holds `{value}`: {problem}")]
    Value {
        /// The flag or variable, in backticks.
        name: String,
        /// What it holds.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A variable that the command line's reader does not understand.
    #[error("variable `{variable}` holds `{value}`: {problem}")]
    Variable {
        /// Its name.
        variable: String,
        /// What it holds.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Neither a shipped policy nor a file.
    #[error("there is no policy `{name}`: it is neither built in ({built_in}) nor a file{nearest}")]
    NoPolicy {
        /// What was asked for.
        name: String,
        /// The names of the shipped ones.
        built_in: String,
        /// Which of them may have been meant, with its words.
        nearest: String,
    },
    /// A policy file that cannot be read.
    #[error("cannot read the policy file `{}`", path.display())]
    PolicyFile {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A policy with errors.
    #[error("the policy does not load; `docker-broker check` says the same")]
    Policy(#[source] PolicyError),
    /// A change to the policy that the policy cannot take.
    #[error("{name} cannot be used with {policy}")]
    Override {
        /// The flag or variable, in backticks.
        name: String,
        /// The policy, as it calls itself.
        policy: String,
        /// Why.
        #[source]
        source: OverrideError,
    },
    /// Everybody could do everything.
    #[error(
        "{policy} allows everything but the floor, and mode 0{mode:03o} lets others than the broker's user open the \
         socket; take another policy or mode 0600, or say --allow-unrestricted if whoever opens it may have root here"
    )]
    OpenUnrestricted {
        /// The policy, as it calls itself.
        policy: String,
        /// The socket's mode.
        mode: u32,
    },
    /// The broker would ask itself.
    #[error("the engine's address and the broker's own are both `{0}`; --upstream has to name the engine's socket")]
    OwnUpstream(Address),
}
