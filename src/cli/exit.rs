//! How a command ends: its exit code, and what it says when something is wrong.
//!
//! The codes are those of sysexits.h, and a promise to scripts. Must never say "ok" for a run that was not.

use std::error::Error;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::listener::ListenError;
use crate::serve::ServeError;

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: the answer is no: an unhealthy broker, a refused request, an installation with something wrong.
    No,
    /// 64: the command line is wrong.
    Usage,
    /// 65: a policy is wrong.
    Data,
    /// 66: a file is not there or cannot be read.
    NoInput,
    /// 69: the engine cannot be used.
    Unavailable,
    /// 70: the broker found a mistake of its own.
    Software,
    /// 73: a socket or file cannot be created.
    CannotCreate,
    /// 74: reading or writing failed.
    Io,
    /// 78: a variable, the configuration file, or what settings mean together, is wrong.
    Config,
    /// 125: `run` itself failed, and its command did not run.
    Broker,
    /// The code of the command of `run`.
    Command(u8),
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The code that the process ends with.
    pub exit: Exit,
    /// What is wrong, and below it each cause of it. Empty where everything was said.
    pub lines: Vec<String>,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 64,
            Self::Data => 65,
            Self::NoInput => 66,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::CannotCreate => 73,
            Self::Io => 74,
            Self::Config => 78,
            Self::Broker => 125,
            Self::Command(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl Failure {
    /// A failure from an error, with the errors that caused it.
    #[must_use]
    pub fn new(exit: Exit, error: &dyn Error) -> Self {
        let mut lines = vec![error.to_string()];
        let mut next = error.source();
        while let Some(cause) = next {
            lines.push(cause.to_string());
            next = cause.source();
        }
        Self { exit, lines }
    }

    /// A failure in words of its own.
    #[must_use]
    pub fn said(exit: Exit, line: impl Into<String>) -> Self {
        Self { exit, lines: vec![line.into()] }
    }

    /// What goes to standard error: one line for what is wrong, and one for each cause.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = String::new();
        for (depth, line) in self.lines.iter().enumerate() {
            let before = if depth == 0 { "docker-broker: error: " } else { "  because " };
            message.push_str(before);
            // a policy's errors come as one line each
            let indent = if depth == 0 { "\n" } else { "\n          " };
            message.push_str(&line.replace('\n', indent));
            message.push('\n');
        }
        message
    }
}

/// Why a server did not start, with the exit code of its kind.
#[must_use]
pub fn from_serve(error: &ServeError) -> Failure {
    let exit = match error {
        ServeError::Config(error) => of_config(error),
        ServeError::Listen { source: ListenError::NoSuchGroup(_) | ListenError::NotPassed(_), .. }
        | ServeError::Passed(_)
        | ServeError::UnclearSockets { .. } => Exit::Config,
        ServeError::Listen { .. } => Exit::CannotCreate,
        ServeError::Audit(_) | ServeError::Signals(_) => Exit::Io,
    };
    Failure::new(exit, error)
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(of_config(&error), &error)
    }
}

fn of_config(error: &ConfigError) -> Exit {
    match error {
        ConfigError::NoPolicy { .. } | ConfigError::PolicyFile { .. } | ConfigError::ConfigFile { .. } => Exit::NoInput,
        ConfigError::Policy(_) => Exit::Data,
        ConfigError::Listener { name: _, source } => of_config(source),
        ConfigError::File(_)
        | ConfigError::Value { .. }
        | ConfigError::Variable { .. }
        | ConfigError::Override { .. }
        | ConfigError::OpenUnrestricted { .. }
        | ConfigError::OneListenerOnly { .. }
        | ConfigError::SameName(_)
        | ConfigError::SameAddress { .. }
        | ConfigError::OwnUpstream { .. } => Exit::Config,
    }
}

/// The part of `--help` that scripts rely on.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  no: the broker is not healthy, the request is refused, something is wrong with the installation
  64  the command line is wrong
  65  a policy is wrong
  66  a file is not there or cannot be read
  69  the engine cannot be used
  70  a mistake of the broker's own
  73  a socket or file cannot be created
  74  reading or writing failed
  78  a variable or the configuration file is wrong, or settings do not go together
 125  `run` itself failed; any other code of `run` is its command's, and 128 + N where signal N ended it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_code() {
        let all = [
            Exit::Done,
            Exit::No,
            Exit::Usage,
            Exit::Data,
            Exit::NoInput,
            Exit::Unavailable,
            Exit::Software,
            Exit::CannotCreate,
            Exit::Io,
            Exit::Config,
            Exit::Broker,
        ];
        let named: Vec<u8> =
            EXIT_CODES.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        assert_eq!(named, all.map(Exit::code));
    }

    #[test]
    fn a_message_has_a_line_for_each_cause() {
        let source = std::io::Error::other("disk on fire");
        let error = ConfigError::PolicyFile { path: "/p.toml".into(), source };
        let failure = Failure::from(error);
        assert_eq!(failure.exit, Exit::NoInput);
        assert_eq!(
            failure.message(),
            "docker-broker: error: cannot read the policy file `/p.toml`\n  because disk on fire\n"
        );
    }
}
