//! `docker-broker audit`: what stands in an audit log, for whoever has to answer for it.
//!
//! Must never hold a log in memory: lines are read one by one, and only counts and the few most telling ones are kept.

mod render;
mod summary;

use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand, ValueEnum};

use super::exit::{Exit, Failure};
use super::input::{cannot_read, open_input};
use super::terminal;
use crate::audit::read::for_each_line;
use summary::Summary;

/// What to do with an audit log.
#[derive(Debug, Clone, Args)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum AuditCommand {
    /// Say who did what, what was refused, and what was made and is still there
    #[command(after_long_help = EXAMPLES)]
    Summary(SummaryArgs),
}

/// What to summarise.
#[derive(Debug, Clone, Args)]
struct SummaryArgs {
    /// Logs, the oldest first: files, or `-` for standard input
    #[arg(value_name = "FILE|-", default_value = "-")]
    logs: Vec<String>,
    /// Only what is younger: a span as `24h`, or a time as `2026-01-31T12:00:00Z`
    #[arg(long, value_name = "SPAN|TIME", value_parser = read_since)]
    since: Option<SystemTime>,
    /// How the summary is written
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    format: SummaryFormat,
}

/// How a summary is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SummaryFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub(super) fn run(arguments: &AuditArgs) -> Result<Exit, Failure> {
    let AuditCommand::Summary(SummaryArgs { logs, since, format }) = &arguments.command;
    let mut summary = Summary::new(*since);
    for log in logs {
        let read = open_input(log).and_then(|input| for_each_line(input, |line| summary.add(line)));
        read.map_err(|error| cannot_read(log, &error))?;
    }
    summary.finish();
    terminal::print(&match format {
        SummaryFormat::Text => render::text(&summary, SystemTime::now()),
        SummaryFormat::Json => {
            let json = serde_json::to_string_pretty(&summary).map_err(|error| Failure::new(Exit::Software, &error))?;
            json + "\n"
        }
    })?;
    Ok(Exit::Done)
}

fn read_since(text: &str) -> Result<SystemTime, String> {
    let ago = |span: Duration| SystemTime::now().checked_sub(span).unwrap_or(SystemTime::UNIX_EPOCH);
    let span = humantime::parse_duration(text).map(ago);
    let time = span.or_else(|_| humantime::parse_rfc3339_weak(text));
    time.map_err(|_| "write a span of time as `24h`, or a time as `2026-01-31T12:00:00Z`".to_owned())
}

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker audit summary /var/log/broker.json.1 /var/log/broker.json
      Of a rotated log, the older part first
  docker-broker audit summary --since 24h /var/log/broker.json
  docker compose logs --no-log-prefix broker | docker-broker audit summary
      Lines that are no records, such as the broker's own messages, are counted and passed over
  docker-broker audit summary --format json audit.json | jq '.refusals[] | {key, count}'
      The keys that people miss";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_and_a_time_are_both_read_and_nothing_else() {
        for odd in ["", "yesterday", "24", "-1h"] {
            assert!(read_since(odd).is_err(), "{odd}");
        }
        let hour = SystemTime::now().duration_since(read_since("1h").unwrap()).unwrap();
        assert!((3599..=3700).contains(&hour.as_secs()));
        assert_eq!(read_since("1970-01-01T00:00:01Z").unwrap(), SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    }
}
