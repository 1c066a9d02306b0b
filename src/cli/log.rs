//! The broker's own messages, on standard error.
//!
//! Must never write to standard output, which belongs to the audit.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::exit::{Exit, Failure};
use super::terminal;
use crate::audit::Format;
use crate::config::arguments::LogLevel;

/// Starts the log of this process.
pub(super) fn start(level: LogLevel, format: Format) -> Result<(), Failure> {
    let filter = EnvFilter::new("off").add_directive(own_directive(level)?);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        Format::Json => builder.json().flatten_event(true).with_ansi(false).try_init(),
        Format::Text => builder.with_target(false).with_ansi(terminal::stderr_takes_colours()).try_init(),
    };
    started.map_err(|error| Failure::new(Exit::Software, &*error))
}

/// Libraries say nothing: what they would say of a request is not redacted.
fn own_directive(level: LogLevel) -> Result<tracing_subscriber::filter::Directive, Failure> {
    let level = LevelFilter::from(level);
    format!("docker_broker={level}").parse().map_err(|error| Failure::new(Exit::Software, &error))
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}
