//! `docker-broker sweep`: what the sweeper of a running broker does, once and by hand.
//!
//! Must never say that something is gone which the engine did not say is gone, and never touch what carries no proof.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;

use super::exit::{Exit, Failure};
use super::{serve, terminal};
use crate::audit::{Audit, AuditConfig, Format, Sink};
use crate::bounds::Bounds;
use crate::config::arguments::{DEFAULT_LISTEN, read_name, read_sink};
use crate::config::environment::Environment;
use crate::config::origins::Origins;
use crate::config::{choose_upstream, instance_at};
use crate::policy::ownership::Owner;
use crate::session::leftovers;
use crate::session::removal::{self, Item, Left, Removal, Which, Whose};
use crate::session::runs::RunFolders;
use crate::upstream::Engine;
use crate::upstream::address::Address;

/// What to sweep.
#[derive(Debug, Clone, Args)]
pub(super) struct SweepArgs {
    /// Only say what would be removed
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Everything of this owner, as its label says it: `INSTANCE/LISTENER`; without a `/`, of a listener of this instance
    #[arg(long, value_name = "OWNER", value_parser = read_owner, conflicts_with = "all")]
    owner: Option<String>,
    /// Everything of the instance, due or not: also what running clients use
    #[arg(long)]
    all: bool,
    /// Which broker's objects [default: from this machine and the listener's address, as `serve` does]
    #[arg(long, env = "BROKER_INSTANCE", value_name = "ID", value_parser = read_name)]
    instance: Option<String>,
    /// Where that broker listens, from which its instance is derived
    #[arg(long, env = "BROKER_LISTEN", value_name = "ADDRESS", default_value = DEFAULT_LISTEN, value_parser = Address::parse)]
    listen: Address,
    /// Where the engine listens [default: `DOCKER_HOST` if it is a Unix socket, else `/var/run/docker.sock`]
    #[arg(long, env = "BROKER_UPSTREAM", value_name = "ADDRESS", value_parser = Address::parse)]
    upstream: Option<Address>,
    /// Where a record of each removal goes: `stdout` (or `-`), `stderr`, `none` or a file
    #[arg(long, value_name = "SINK", default_value = "none", value_parser = read_sink)]
    audit: Sink,
}

/// One line of the table.
#[derive(Debug)]
struct Row<'a> {
    item: &'a Item,
    outcome: String,
}

pub(super) fn run(arguments: SweepArgs, origins: &Origins, environment: &Environment) -> Result<Exit, Failure> {
    let SweepArgs { dry_run, owner, all, instance, listen, upstream, audit } = arguments;
    let mut warnings = Vec::new();
    let (upstream, _) = choose_upstream(upstream, origins, environment, &mut warnings)?;
    let is_this_broker = instance.is_none() && owner.is_none();
    let instance = instance.unwrap_or_else(|| instance_at(&listen, &mut warnings));
    for warning in &warnings {
        terminal::print_error(&format!("docker-broker: warning: {warning}\n"));
    }
    let now = unix_now();
    let (whose, which) = target(owner, instance, all, now);
    let audit = AuditConfig { sink: audit, format: Format::Json, required: false };
    let audit = Audit::open(&audit).map_err(|error| Failure::new(Exit::Io, &error))?;
    let engine = Engine::new(upstream, &Bounds::default());
    let looked = serve::block_on(async {
        let dead = if is_this_broker && !dry_run {
            leftovers::of_dead_runs(&RunFolders::of_this_process(), Some(&audit)).await
        } else {
            Vec::new()
        };
        (removal::remove(&engine, &whose, &which, dry_run, Some(&audit)).await, dead)
    });
    let (removal, dead) = looked?;
    let removal = removal.map_err(|error| Failure::new(Exit::Unavailable, &error))?;
    audit.close();
    terminal::print(&report(&removal, &whose, &which, dry_run, now))?;
    for line in dead {
        terminal::print(&format!("a run that is dead: {line}\n"))?;
    }
    for (kind, error) in &removal.unlisted {
        let failure = Failure::new(Exit::No, error);
        terminal::print_error(&format!("docker-broker: the {kind}s could not be listed\n{}", failure.message()));
    }
    Ok(if removal.is_complete() { Exit::Done } else { Exit::No })
}

fn target(owner: Option<String>, instance: String, all: bool, now: u64) -> (Whose, Which) {
    match owner {
        Some(owner) => {
            let owner = Owner::parse(&owner).unwrap_or_else(|| Owner::new(&instance, &owner));
            (Whose::Owner(owner), Which::Everything)
        }
        None if all => (Whose::Instance(instance), Which::Everything),
        // what was never started is left to the broker: it alone knows when it began
        None => (Whose::Instance(instance), Which::Due { now, began: None }),
    }
}

fn report(removal: &Removal, whose: &Whose, which: &Which, dry_run: bool, now: u64) -> String {
    let Removal { removed, left, unlisted: _, next } = removal;
    let done = if dry_run { "would be removed" } else { "removed" };
    let gone = removed.iter().map(|item| Row { item, outcome: format!("{done}: {}", item.why) });
    let stays = left.iter().map(|Left { item, obstacle, words }| Row {
        item,
        outcome: format!("left: {}: {}", obstacle.words(), plain(words)),
    });
    let rows: Vec<Row<'_>> = gone.chain(stays).collect();
    let mut text = table(&rows, now);
    let what = if matches!(which, Which::Due { .. }) { "due " } else { "" };
    let _ = if rows.is_empty() {
        write!(text, "nothing {what}of {whose}")
    } else {
        write!(text, "{} {done}, {} left, {what}of {whose}", removed.len(), left.len())
    };
    if let Some(next) = next {
        let _ = write!(text, "; the next is due in {}", span(next.saturating_sub(now)));
    }
    text.push('\n');
    text
}

fn table(rows: &[Row<'_>], now: u64) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head = ["KIND", "ID", "NAME", "OWNER", "DUE", "WHAT BECAME OF IT"].map(str::to_owned);
    let line = |Row { item, outcome }: &Row<'_>| {
        let due = match item.expires {
            None => "never".to_owned(),
            Some(at) if at <= now => format!("{} ago", span(now - at)),
            Some(at) => format!("in {}", span(at - now)),
        };
        let id: String = item.id.chars().take(SHORT_ID).collect();
        [item.kind.to_string(), id, plain(&item.name), plain(item.owner.as_str()), due, outcome.clone()]
    };
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(line)).collect();
    let widths: Vec<usize> = (0..5)
        .map(|column| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for [kind, id, name, owner, due, outcome] in &lines {
        for (cell, width) in [kind, id, name, owner, due].into_iter().zip(&widths) {
            let _ = write!(text, "{cell:<width$}  ");
        }
        text.push_str(outcome);
        text.push('\n');
    }
    text
}

/// Words of the engine's on one line, without what a terminal would obey.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars().take(LONGEST_WORDS) {
        if character.is_control() {
            plain.extend(character.escape_unicode());
        } else {
            plain.push(character);
        }
    }
    plain
}

fn span(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

fn read_owner(text: &str) -> Result<String, String> {
    let parts_are_names = text.split('/').all(|part| read_name(part).is_ok());
    let wanted = "write `INSTANCE/LISTENER`, as the label `docker-broker.owner` has it, or a listener's name";
    if parts_are_names { Ok(text.to_owned()) } else { Err(wanted.to_owned()) }
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Most characters of what the engine says.
const LONGEST_WORDS: usize = 300;

/// As many digits of an ID as other tools show.
const SHORT_ID: usize = 12;

pub(super) const LONG_ABOUT: &str = "\
Remove what is over.

A running broker does this by itself. By hand it is for a broker that does not run any more, for an owner whose access is \
revoked, or to look what there is. Only what carries a broker's labels, and for containers the proof of its image, is \
touched; containers go first, then networks, then volumes.";

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker sweep --dry-run
      What of this machine's broker is due
  docker-broker sweep --owner 42410c5fb1ca/agent-1
      Everything that clients of one listener made, due or not
  docker-broker sweep --all --instance ci --upstream unix:///run/user/1000/docker.sock
      Everything of one broker, on another engine

It ends with 0 where nothing that was to go is left, with 1 where something is, and with 69 where the engine cannot be \
asked.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::removal::{Kind, Obstacle, Why};

    fn item(name: &str, why: Why) -> Item {
        let owner = Owner::new("ci", "main");
        Item {
            kind: Kind::Container,
            id: "a".repeat(64),
            name: name.into(),
            owner,
            session: "s".into(),
            expires: Some(940),
            why,
        }
    }

    #[test]
    fn an_owner_is_written_as_its_label_or_as_a_listener() {
        for odd in ["", "/", "a/", "/a", "a b", "a//b", "a=b"] {
            assert!(read_owner(odd).is_err(), "{odd}");
        }
        let whose = |owner: &str| target(Some(owner.to_owned()), "ci".to_owned(), false, 0).0;
        assert_eq!(whose("agent"), Whose::Owner(Owner::new("ci", "agent")));
        assert_eq!(whose("other/agent/uid-7"), Whose::Owner(Owner::new("other", "agent/uid-7")));
    }

    #[test]
    fn without_an_owner_only_what_is_due_goes_unless_all_is_said() {
        let which = |all| target(None, "ci".to_owned(), all, 7).1;
        assert_eq!(which(false), Which::Due { now: 7, began: None });
        assert_eq!(which(true), Which::Everything);
    }

    #[test]
    fn a_report_says_what_went_what_stayed_and_when_the_next_is_due() {
        let words = "network has active\nendpoints".to_owned();
        let left = vec![Left { item: item("b\u{1b}[2J", Why::Expired), obstacle: Obstacle::InUse, words }];
        let removal = Removal { removed: vec![item("a", Why::Expired)], left, next: Some(1090), ..Removal::default() };
        let whose = Whose::Instance("ci".to_owned());
        let text = report(&removal, &whose, &Which::Due { now: 1000, began: None }, false, 1000);
        assert!(!text.contains('\u{1b}'), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].starts_with("KIND       ID            NAME"), "{text}");
        assert!(
            lines[1].contains("aaaaaaaaaaaa  a") && lines[1].contains("1m ago  removed: its time was over"),
            "{text}"
        );
        assert!(lines[2].contains("left: something uses it: network has active\\u{a}endpoints"), "{text}");
        assert_eq!(lines[3], "1 removed, 1 left, due of instance `ci`; the next is due in 1m 30s");
        let empty = report(&Removal::default(), &whose, &Which::Everything, true, 0);
        assert_eq!(empty, "nothing of instance `ci`\n");
    }
}
