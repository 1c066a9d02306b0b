//! `docker-broker policy`: the built-in policies, a start for one of your own, and the reference of keys.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::terminal;
use crate::config::policy_text::PolicyText;
use crate::policy::builtin::{BUILTIN_NAMES, DEFAULT_NAME, builtin, builtin_text};
use crate::policy::file::keys::{self, KEYS, Kind};
use crate::policy::reference::reference_markdown;
use crate::policy::schema::policy_schema;

/// What to do with policies.
#[derive(Debug, Clone, Args)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum PolicyCommand {
    /// Print the text of a policy
    Show {
        /// A built-in one, or a file
        #[arg(value_name = "NAME|FILE")]
        name: String,
    },
    /// List the built-in policies
    List,
    /// Start a policy of your own
    New {
        /// What it is called, as `agent`
        #[arg(value_parser = read_name)]
        name: String,
        /// The built-in policy that it starts from; without one it stands alone and allows nothing
        #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(BUILTIN_NAMES))]
        extends: Option<String>,
        /// The file to write, which must not exist yet [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print the reference of all keys as Markdown
    Reference,
    /// Print a JSON Schema of policy files, for editors
    #[command(after_long_help = SCHEMA_EXAMPLES)]
    Schema,
}

pub(super) fn run(arguments: &PolicyArgs) -> Result<Exit, Failure> {
    match &arguments.command {
        PolicyCommand::Show { name } => terminal::print(&PolicyText::find(name)?.text)?,
        PolicyCommand::List => terminal::print(&list())?,
        PolicyCommand::Reference => terminal::print(&reference_markdown())?,
        PolicyCommand::Schema => terminal::print(&format!("{:#}\n", policy_schema()))?,
        PolicyCommand::New { name, extends, output } => {
            let text = extends.as_deref().map_or_else(|| standalone(name), |base| extending(name, base));
            match output {
                Some(path) => write(path, &text)?,
                None => terminal::print(&text)?,
            }
        }
    }
    Ok(Exit::Done)
}

fn list() -> String {
    let line = |name: &str| {
        let reason = builtin(name).map(|policy| policy.reason).unwrap_or_default();
        let default = if name == DEFAULT_NAME { " (the default)" } else { "" };
        format!("{name:<16} {reason}{default}\n")
    };
    BUILTIN_NAMES.into_iter().map(line).collect()
}

/// A new file; what stands there already is never replaced.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = OpenOptions::new().write(true).create_new(true).open(path);
    let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let exit = if error.kind() == io::ErrorKind::StorageFull { Exit::Io } else { Exit::CannotCreate };
        let what = format!("cannot create `{}`", path.display());
        Failure { exit, lines: vec![what, error.to_string()] }
    })?;
    let path = path.display();
    terminal::print(&format!("{path} is written; `docker-broker check {path}` says what it allows and lacks\n"))
}

/// A policy over a built-in one: the base's own lines stand there to be changed, each behind a `#`.
fn extending(name: &str, base: &str) -> String {
    let mut text =
        format!("{}extends = \"{base}\"\nreason  = \"{name}: say here what it is for\"\n\n{EXTENDING}", head(name));
    for line in
        builtin_text(base).unwrap_or_default().lines().skip_while(|line| line.is_empty() || line.starts_with('#'))
    {
        let key = line.split('=').next().unwrap_or_default().trim();
        if [keys::VERSION, keys::REASON].contains(&key) {
            continue;
        }
        let stays = line.is_empty() || line.starts_with('#') || line.starts_with('[');
        text.push_str(if stays { "" } else { "#~ " });
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// A policy of its own: every section and key that this version has, with what it means.
fn standalone(name: &str) -> String {
    let mut text = format!("{}reason  = \"{name}: say here what it is for\"\n\n{STANDALONE}", head(name));
    for section in KEYS.iter().filter(|key| key.kind == Kind::Table) {
        let is_usable = |key: &&keys::Key| key.kind != Kind::Table && key.in_force != keys::InForce::Never;
        let mut usable = keys::children(section.path).filter(is_usable).peekable();
        if usable.peek().is_some() {
            // a template that is begun has to be finished, so its section is not begun for anybody
            let begun = if section.path == keys::TEMPLATES_NAME { "#~ " } else { "" };
            text.push_str(&format!("\n{begun}[{}]\n", section.path));
        }
        for key in usable {
            let (meaning, absent, wanted) = (key.meaning, key.absent, key.wanted());
            text.push_str(&format!("# {meaning}\n#   takes {wanted}; when absent: {absent}\n#~ {} =\n", key.name()));
        }
    }
    text
}

fn head(name: &str) -> String {
    format!(
        "# Policy `{name}`. `docker-broker check FILE` explains it, `docker-broker policy reference` lists every key.\n\nversion = 1\n"
    )
}

fn read_name(text: &str) -> Result<String, String> {
    if BUILTIN_NAMES.contains(&text) {
        return Err("a built-in policy has this name".to_owned());
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if text.is_empty() || text.len() > 63 || !text.bytes().all(is_plain) {
        return Err("write at most 63 letters, digits, `.`, `_` and `-`".to_owned());
    }
    Ok(text.to_owned())
}

const EXTENDING: &str = "\
# Below stands what it starts from. To change a line, take its `#~ ` away: a value here takes the place of that one.
";

const STANDALONE: &str = "\
# It allows nothing yet. Take the `#~ ` of a line away and give it a value: one grant opens one thing.
";

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker policy list
  docker-broker policy show testcontainers
  docker-broker policy new agent --extends testcontainers --output agent.toml
  docker-broker policy reference > keys.md
  docker-broker policy schema > policy.schema.json";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  docker-broker policy schema > policy.schema.json
      And as the first line of a policy beside it, for taplo and VS Code's Even Better TOML:
      #:schema ./policy.schema.json

An editor then completes keys, shows what they mean and when they are absent, and marks what cannot be. It knows less \
than `docker-broker check`, which has the last word.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::check::{check, parse};
    use crate::policy::compile::Origin;

    #[test]
    fn a_new_policy_loads_and_allows_what_its_base_allows() {
        for base in BUILTIN_NAMES {
            let text = extending("agent", base);
            assert_eq!(check(&text, "agent.toml").errors, [], "{base}");
            let mut policy = parse(&text, "agent.toml", Origin::BuiltIn).unwrap();
            let mut expected = builtin(base).unwrap();
            (policy.name, policy.reason) = (String::new(), String::new());
            (expected.name, expected.reason) = (String::new(), String::new());
            assert_eq!(policy, expected, "{base}");
        }
    }

    #[test]
    fn the_lines_of_the_base_can_be_taken_back_in() {
        for base in BUILTIN_NAMES {
            let text = extending("agent", base).replace("#~ ", "");
            assert_eq!(check(&text, "agent.toml").errors, [], "{base}");
        }
    }

    #[test]
    fn a_policy_that_stands_alone_loads_and_allows_nothing() {
        let text = standalone("agent");
        let policy = parse(&text, "agent.toml", Origin::BuiltIn).unwrap();
        assert!(!policy.can_create());
        assert!(text.contains("[containers.limits]\n"), "{text}");
        assert!(text.contains("#~ allow =\n"), "{text}");
    }

    #[test]
    fn what_exists_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent.toml");
        std::fs::write(&path, "mine").unwrap();
        let failure = write(&path, "new").unwrap_err();
        assert_eq!(failure.exit, Exit::CannotCreate);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn names_that_are_taken_or_odd_are_refused() {
        for odd in ["postgres", "", "a/b", "a\nb", "\""] {
            assert!(read_name(odd).is_err(), "{odd:?}");
        }
        assert_eq!(read_name("agent-1").as_deref(), Ok("agent-1"));
    }
}
