//! `docker-broker check`: what is wrong with policies, and what weakens them.

use clap::Args;

use super::exit::{Exit, Failure};
use super::terminal;
use crate::config::policy_text::PolicyText;
use crate::policy::check::CheckReport;

/// What to check.
#[derive(Debug, Clone, Args)]
pub(super) struct CheckArgs {
    /// Policies: files, or names of built-in ones
    #[arg(required = true, value_name = "FILE|NAME")]
    policies: Vec<String>,
    /// Let warnings fail as well
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(arguments: &CheckArgs) -> Result<Exit, Failure> {
    let mut worst = Exit::Done;
    for name in &arguments.policies {
        // the others are reported on as well, and the last failure decides
        match PolicyText::find(name) {
            Ok(text) => {
                let report = text.check();
                terminal::print(&render(&report))?;
                worst = worse(worst, outcome(&report, arguments.strict));
            }
            Err(error) => {
                let failure = Failure::from(error);
                terminal::print_error(&failure.message());
                worst = worse(worst, failure.exit);
            }
        }
    }
    Ok(worst)
}

fn outcome(report: &CheckReport, strict: bool) -> Exit {
    let fails = !report.is_usable() || (strict && !report.warnings.is_empty());
    if fails { Exit::Data } else { Exit::Done }
}

/// A file that is not there outweighs one that is wrong.
const fn worse(one: Exit, other: Exit) -> Exit {
    if one.code() < other.code() { other } else { one }
}

fn render(report: &CheckReport) -> String {
    let CheckReport { name, errors, warnings, not_in_force } = report;
    if !errors.is_empty() {
        return format!("{report}{name}: does not load, {}\n", count(errors.len(), "error"));
    }
    let mut parts = Vec::new();
    if !warnings.is_empty() {
        parts.push(count(warnings.len(), "warning"));
    }
    if !not_in_force.is_empty() {
        parts.push(format!("{} not in force yet", count(not_in_force.len(), "key")));
    }
    let with = if parts.is_empty() { String::new() } else { format!(", with {}", parts.join(" and ")) };
    format!("{report}{name}: loads{with}\n")
}

fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker check agent.toml
  docker-broker check --strict policies/*.toml

It ends with 0 where all of them load, also with warnings; with 65 where one does not (or has warnings, with --strict); \
and with 66 where a file is missing.";
