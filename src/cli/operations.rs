//! `docker-broker operations`: everything a Docker client can ask for, and what allows it.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::terminal;
use crate::config::policy_text::PolicyText;
use crate::operation::routes::{Kind, ROWS, Row, Standing};
use crate::policy::compile::{Control, ExecGrant, Policy, Prune, Scope};

/// How to list them.
#[derive(Debug, Clone, Args)]
pub(super) struct OperationsArgs {
    /// How the table is written
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
    /// Say for each operation whether this policy opens it: a built-in name or a file
    #[arg(long, value_name = "NAME|FILE")]
    policy: Option<String>,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TableFormat {
    /// Columns for people.
    Table,
    /// For programs.
    Json,
    /// For documents.
    Markdown,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    operation: &'static str,
    method: String,
    path: &'static str,
    /// `modelled`, `later` (known, and not in this version) or `never` (no policy can allow it).
    standing: &'static str,
    /// What opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<&'static str>,
    /// Whether the policy that was asked about opens it, at least for some requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
}

pub(super) fn run(arguments: &OperationsArgs) -> Result<Exit, Failure> {
    let policy = arguments.policy.as_deref().map(|name| PolicyText::find(name)?.load()).transpose()?;
    let lines: Vec<Line> = ROWS.iter().map(|row| line(row, policy.as_ref())).collect();
    let text = match arguments.format {
        TableFormat::Table => table(&lines),
        TableFormat::Markdown => markdown(&lines),
        TableFormat::Json => {
            let json = serde_json::to_string_pretty(&lines).map_err(|error| Failure::new(Exit::Software, &error))?;
            json + "\n"
        }
    };
    terminal::print(&text)?;
    Ok(Exit::Done)
}

fn line(row: &Row, policy: Option<&Policy>) -> Line {
    let (standing, grant, kind) = match row.standing {
        Standing::Modelled(kind, grant) => ("modelled", Some(grant), Some(kind)),
        Standing::Later(grant) => ("later", Some(grant), None),
        Standing::Floor => ("never", None, None),
    };
    let open = policy.map(|policy| kind.is_some_and(|kind| opens(policy, kind)));
    Line { operation: row.id, method: row.method.to_string(), path: row.pattern, standing, grant, open }
}

/// Whether a policy lets any request of this operation pass. What a request holds is judged by the judges.
pub(super) fn opens(policy: &Policy, kind: Kind) -> bool {
    let containers = &policy.containers;
    let sees = containers.see != Scope::None;
    let controls = containers.control != Control::None;
    let some_image = !policy.images.allow.is_empty();
    let by_grants = match kind {
        Kind::SystemPing
        | Kind::SystemPingHead
        | Kind::SystemInfo
        | Kind::SystemVersion
        | Kind::SystemEvents
        | Kind::ImageList
        | Kind::ContainerList
        | Kind::ContainerInspect
        | Kind::NetworkList
        | Kind::NetworkInspect
        | Kind::VolumeList
        | Kind::VolumeInspect => sees,
        Kind::NetworkDelete => sees && policy.networks.create.is_some(),
        Kind::VolumeDelete => sees && policy.volumes.create.is_some(),
        Kind::ImageInspect | Kind::ImageHistory => sees && (some_image || !policy.build.tags.is_empty()),
        Kind::ImageCreate | Kind::DistributionInspect => sees && some_image && policy.images.pull,
        Kind::ImageDelete => sees && !policy.images.remove.is_empty(),
        Kind::ImageTag => sees && !policy.build.tags.is_empty(),
        Kind::ImagePush => sees && !policy.images.push.is_empty(),
        Kind::ContainerCreate => policy.can_create(),
        Kind::ContainerStart
        | Kind::ContainerStop
        | Kind::ContainerRestart
        | Kind::ContainerKill
        | Kind::ContainerWait
        | Kind::ContainerLogs
        | Kind::ContainerAttach
        | Kind::ContainerResize
        | Kind::ContainerDelete
        | Kind::ContainerPause
        | Kind::ContainerUnpause
        | Kind::ContainerUpdate
        | Kind::ContainerTop
        | Kind::ContainerStats
        | Kind::ContainerChanges => controls,
        Kind::ContainerRename => controls && containers.names.iter().next().is_some(),
        Kind::ContainerArchiveInfo | Kind::ContainerArchive | Kind::ContainerExport => controls && containers.copy_out,
        Kind::PutContainerArchive => controls && containers.copy_in,
        Kind::ContainerExec | Kind::ExecStart | Kind::ExecResize | Kind::ExecInspect => {
            controls && containers.exec != ExecGrant::None
        }
        Kind::ContainerPrune | Kind::ImagePrune | Kind::NetworkPrune | Kind::VolumePrune | Kind::BuildPrune => {
            policy.prune == Prune::Stub
        }
    };
    policy.unrestricted || by_grants
}

fn table(lines: &[Line]) -> String {
    let width = |cell: fn(&Line) -> usize| lines.iter().map(cell).max().unwrap_or_default();
    let (operation, path) = (width(|line| line.operation.len()), width(|line| line.path.len()));
    let asked = lines.iter().any(|line| line.open.is_some());
    let open_title = if asked { "OPEN  " } else { "" };
    let mut text = format!("{:<operation$}  METHOD  {:<path$}  STANDING  {open_title}GRANT\n", "OPERATION", "PATH");
    for line in lines {
        let open = line.open.map_or_else(String::new, |open| format!("{:<6}", yes_or_no(open)));
        // writing to a String cannot fail
        let _ = writeln!(
            text,
            "{:<operation$}  {:<6}  {:<path$}  {:<8}  {open}{}",
            line.operation,
            line.method,
            line.path,
            line.standing,
            line.grant.unwrap_or("no policy can allow it")
        );
    }
    text
}

/// What stands above the table in the documents.
const MARKDOWN_HEAD: &str = "\
# Operations

Every operation of the Docker Engine API 1.24 to 1.56, and the routes that engines serve without documenting them. \
*modelled*: read, judged and written anew; the grant is the policy key that opens it. *later*: known by name, refused \
in this version. *never*: closed for every policy.

";

fn markdown(lines: &[Line]) -> String {
    let asked = lines.iter().any(|line| line.open.is_some());
    let (title, rule) = if asked { (" open |", "---|") } else { ("", "") };
    let mut text = format!(
        "{MARKDOWN_HEAD}| operation | method | path | standing | grant |{title}\n|---|---|---|---|---|{rule}\n"
    );
    for line in lines {
        let grant = line.grant.map_or_else(|| "no policy can allow it".to_owned(), |grant| format!("`{grant}`"));
        let open = line.open.map_or_else(String::new, |open| format!(" {} |", yes_or_no(open)));
        let _ = writeln!(
            text,
            "| {} | {} | `{}` | {} | {grant} |{open}",
            line.operation, line.method, line.path, line.standing
        );
    }
    text
}

const fn yes_or_no(open: bool) -> &'static str {
    if open { "yes" } else { "no" }
}

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker operations
  docker-broker operations --policy agent.toml
  docker-broker operations --format json | jq -r '.[] | select(.standing == \"never\") | .operation'

Standing: `modelled` is read and judged; `later` is known and refused in this version; `never` is refused by every policy.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::builtin::builtin;

    fn open(policy: &str) -> Vec<&'static str> {
        let policy = builtin(policy).unwrap();
        let lines = ROWS.iter().map(|row| line(row, Some(&policy)));
        lines.filter(|line| line.open == Some(true)).map(|line| line.operation).collect()
    }

    #[test]
    fn a_policy_that_grants_nothing_opens_nothing() {
        assert_eq!(open("deny-all"), [""; 0]);
    }

    #[test]
    fn looking_is_not_acting() {
        let open = open("read-only");
        assert!(open.contains(&"ContainerInspect"));
        for acting in
            ["ContainerCreate", "ContainerStart", "ContainerLogs", "ContainerExec", "ImageCreate", "ImagePrune"]
        {
            assert!(!open.contains(&acting), "{acting}");
        }
    }

    #[test]
    fn nothing_opens_what_is_not_modelled() {
        let modelled = ROWS.iter().filter(|row| matches!(row.standing, Standing::Modelled(..))).count();
        assert_eq!(open("unrestricted").len(), modelled);
        // images are everybody's, and networks and volumes of one's own are not part of it: keys of their own
        let keys = ["networks.create", "volumes.create", "images.remove", "images.push", "build.tags"];
        let needs_more = |row: &&Row| match row.standing {
            Standing::Modelled(_, grant) => keys.contains(&grant),
            Standing::Later(_) | Standing::Floor => false,
        };
        assert_eq!(open("postgres").len(), modelled - ROWS.iter().filter(needs_more).count());
    }

    #[test]
    fn every_row_stands_in_every_format() {
        let lines: Vec<Line> = ROWS.iter().map(|row| line(row, None)).collect();
        assert_eq!(table(&lines).lines().count(), ROWS.len() + 1);
        let head = MARKDOWN_HEAD.lines().count();
        assert_eq!(markdown(&lines).lines().count(), head + ROWS.len() + 2);
    }
}
