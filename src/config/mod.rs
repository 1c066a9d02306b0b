//! What a broker is started with: flags over variables over the file over defaults, read into values that need no second look.
//!
//! Must never start with a value that was not understood: each one that cannot be read is an error which names the flag,
//! the variable or the key that held it.

pub mod arguments;
pub mod environment;
pub mod file;
mod instance;
pub mod layers;
pub mod origins;
pub mod policy_text;
mod reread;
mod resolve;
pub mod settings;
pub mod sockets;

use std::io;
use std::path::PathBuf;

use crate::audit::AuditConfig;
use crate::bounds::Bounds;
use crate::client::Isolate;
use crate::policy::check::PolicyError;
use crate::policy::compile::Policy;
use crate::policy::overrides::OverrideError;
use crate::upstream::address::Address;

pub use reread::Reread;
pub use resolve::{Told, resolve, resolve_one};

use file::FileError;

/// Everything that `serve` needs.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// Where clients connect, and what they may do there. At least one; names and addresses differ.
    pub listeners: Vec<ListenerConfig>,
    /// Where the engine is.
    pub upstream: Address,
    /// Why that engine, in words that follow its address: `from --upstream`.
    pub upstream_choice: String,
    /// Which broker this is: the first part of the owner of all that is made through it.
    pub instance: String,
    /// The bounds on the broker itself.
    pub bounds: Bounds,
    /// How the audit is kept.
    pub audit: AuditConfig,
    /// The files that all this was read from, other than what is built in.
    pub files: Vec<PathBuf>,
    /// What an operator should read at start-up, one line each.
    pub warnings: Vec<String>,
}

/// One listener.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Its name: a part of the owner of all that is made through it.
    pub name: String,
    /// Where it listens.
    pub listen: Address,
    /// The mode of its socket, as in `chmod`: at most 0o777.
    pub mode: u32,
    /// The group of its socket, by name or number; the process's own where absent.
    pub group: Option<String>,
    /// Whether each of its users has objects of its own.
    pub isolate: Isolate,
    /// What clients may do, with all overrides in it.
    pub policy: Policy,
    /// A short fingerprint of the policy's text and its overrides, in hexadecimal. It tells versions apart, and proves
    /// nothing against somebody who wants two to look alike.
    pub policy_version: String,
    /// Whether a policy that allows everything may stand on a socket that others may open.
    pub allow_unrestricted: bool,
}

impl ListenerConfig {
    /// Whether this policy may stand on a socket of this mode.
    ///
    /// # Errors
    /// When it allows everything, others may open the socket, and nobody said that they may.
    pub fn check_open(&self, mode: u32) -> Result<(), ConfigError> {
        if self.policy.unrestricted && mode & 0o077 != 0 && !self.allow_unrestricted {
            return Err(ConfigError::OpenUnrestricted { policy: self.policy.to_string(), mode });
        }
        Ok(())
    }
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
    #[error(
        "listener `{name}` at `{listen}` is the engine's own address `{upstream}`, or leads to the same socket; --upstream \
         has to name the engine's socket, and --listen another"
    )]
    OwnUpstream {
        /// The listener.
        name: String,
        /// Where it listens.
        listen: Address,
        /// Where the engine is.
        upstream: Address,
    },
    /// Two listeners could not be told apart.
    #[error(
        "two listeners are called `{0}`; give each a `name` of its own, for it is a part of the owner of what is made there"
    )]
    SameName(String),
    /// Two listeners would be one.
    #[error("listeners `{first}` and `{second}` are both at `{listen}`; give each an `address` of its own")]
    SameAddress {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// Where both would listen, as the other spells it.
        listen: Address,
    },
    /// A flag or variable that does not say which listener it means.
    #[error(
        "{name} speaks of one listener, and the configuration file has {listeners}; write it there, under the listener that is meant"
    )]
    OneListenerOnly {
        /// The flag or variable, in backticks.
        name: String,
        /// How many there are.
        listeners: usize,
    },
    /// Something is wrong with one of several listeners.
    #[error("listener `{name}` cannot be used")]
    Listener {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: Box<Self>,
    },
    /// A configuration file that cannot be read.
    #[error("cannot read the configuration file `{}`", path.display())]
    ConfigFile {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A configuration file with errors.
    #[error("the configuration file does not load; `docker-broker config --reference` lists its keys")]
    File(#[source] FileError),
}
