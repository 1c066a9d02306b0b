//! The settings of a broker: each with its flag, its variable, its key in the configuration file, its default and its
//! meaning.
//!
//! The flag's definition in [`ServeArgs`] is the one place of the variable, the default and the meaning; the table here
//! adds the key. Help, the configuration file, `docker-broker config` and the reference all come from the two, and a test
//! holds them against each other. Must never hold a setting that is a secret: all of them are printed.

use std::fmt::Write as _;

use clap::{Arg, Args, Command};

use super::arguments::ServeArgs;

/// A flag's key in the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The flag without its dashes.
    pub flag: &'static str,
    /// The key, as `limits.header-bytes`.
    pub key: &'static str,
    /// Which values the key takes.
    pub kind: Kind,
}

/// The kinds of values in the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// The digits of a mode, as a string: as a number, `660` would not be what it looks like.
    Mode,
    /// A built-in policy's name, or a file's path.
    Policy,
    /// A sink's word, or a file's path.
    Sink,
    /// A file's path.
    File,
    /// `true` or `false`.
    Switch,
    /// A whole number from 0.
    Whole,
    /// A span of time.
    Span,
    /// A list of strings.
    List,
}

impl Setting {
    /// Whether each listener has its own.
    #[must_use]
    pub fn is_of_listener(&self) -> bool {
        self.key.starts_with(OF_LISTENER)
    }
}

impl Kind {
    /// Which values it takes, in words.
    #[must_use]
    pub const fn wanted(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Mode => "a mode in octal as a string, as `\"0660\"`",
            Self::Policy => "the name of a built-in policy or a file, as a string",
            Self::Sink => "`\"stdout\"`, `\"stderr\"`, `\"none\"` or a file",
            Self::File => "a file, as a string",
            Self::Switch => "`true` or `false`",
            Self::Whole => "a whole number from 0",
            Self::Span => "a span of time as `\"30s\"`",
            Self::List => "a list of strings as `[\"…\"]`",
        }
    }
}

/// The setting with this flag.
#[must_use]
pub fn of_flag(flag: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.flag == flag)
}

/// The setting with this key.
#[must_use]
pub fn of_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The known key that somebody who wrote `key` may have meant.
#[must_use]
pub fn nearest(key: &str) -> Option<&'static str> {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let name = name.to_ascii_lowercase().replace('_', "-");
    let likeness = |known: &str| {
        let (here, known) = known.rsplit_once('.').unwrap_or(("", known));
        let bonus = if here == section { SAME_SECTION } else { 0.0 };
        strsim::normalized_damerau_levenshtein(&name, known) + bonus
    };
    let known = SETTINGS.iter().map(|setting| setting.key).chain(SECTIONS);
    let best = known.map(|key| (likeness(key), key)).max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    (best.0 >= LIKE_ENOUGH).then_some(best.1)
}

/// The definition of a command's flags with their keys in the help.
#[must_use]
pub fn with_keys(command: Command) -> Command {
    command.mut_args(|argument| {
        let setting = argument.get_long().and_then(of_flag);
        let help = argument.get_help().map(ToString::to_string);
        match (setting, help) {
            (Some(setting), Some(help)) => argument.help(format!("{help} [file: {}]", setting.key)),
            (_, _) => argument,
        }
    })
}

/// The reference of all settings as Markdown.
#[must_use]
pub fn reference_markdown() -> String {
    let definition = ServeArgs::augment_args(Command::new("serve"));
    let mut text = HEAD.to_owned();
    let _ = write!(text, "```toml\n{EXAMPLE}```\n{READING}");
    for (section, title, about) in PARTS {
        let _ = write!(
            text,
            "\n## {title}\n\n{about}\n\n| key | flag | variable | default | meaning |\n|---|---|---|---|---|\n"
        );
        for setting in SETTINGS.iter().filter(|setting| section_of(setting.key) == section) {
            let argument = definition.get_arguments().find(|argument| argument.get_long() == Some(setting.flag));
            if let Some(argument) = argument {
                text.push_str(&row(setting, argument));
            }
        }
    }
    text
}

fn row(setting: &Setting, argument: &Arg) -> String {
    let Setting { flag, key, kind } = setting;
    let variable = argument.get_env().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    let (meaning, default) = meaning_and_default(argument);
    let meaning = meaning.replace('|', "\\|");
    format!("| `{key}` | `--{flag}` | `{variable}` | {default} | {meaning}; takes {} |\n", kind.wanted())
}

/// What a flag's help says, and its default: the definition's own, or the one that the help tells in words.
fn meaning_and_default(argument: &Arg) -> (String, String) {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let own: Vec<String> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    match help.split_once(" [default: ") {
        Some((meaning, default)) => (meaning.to_owned(), default.trim_end_matches(']').to_owned()),
        None => (help, if own.is_empty() { "–".to_owned() } else { own.join(", ") }),
    }
}

fn section_of(key: &str) -> &str {
    key.split_once('.').map_or("", |(section, _)| section)
}

const fn setting(flag: &'static str, key: &'static str, kind: Kind) -> Setting {
    Setting { flag, key, kind }
}

/// What begins the keys of which each listener has its own.
const OF_LISTENER: &str = "listener.";

/// The sections of the file.
pub const SECTIONS: [&str; 4] = ["listener", "limits", "audit", "log"];

/// A key of listeners that is known and not in force in this version.
pub const TLS: &str = "listener.tls";

/// Every setting, in the order in which it is shown. `--config` itself has no key.
pub const SETTINGS: &[Setting] = &[
    setting("name", "listener.name", Kind::Text),
    setting("listen", "listener.address", Kind::Text),
    setting("socket-mode", "listener.mode", Kind::Mode),
    setting("socket-group", "listener.group", Kind::Text),
    setting("policy", "listener.policy", Kind::Policy),
    setting("isolate", "listener.isolate", Kind::Text),
    setting("allow-unrestricted", "listener.allow-unrestricted", Kind::Switch),
    setting("allowed-image", "listener.allowed-image", Kind::Text),
    setting("allowed-tag", "listener.allowed-tag", Kind::Text),
    setting("allowed-images", "listener.allowed-images", Kind::List),
    setting("allowed-env", "listener.allowed-env", Kind::List),
    setting("allow-pulls", "listener.allow-pulls", Kind::Switch),
    setting("attach-networks", "listener.attach-networks", Kind::List),
    setting("attach-mode", "listener.attach-mode", Kind::Text),
    setting("registry-auth-file", "listener.registry-auth-file", Kind::File),
    setting("upstream", "upstream", Kind::Text),
    setting("instance", "instance", Kind::Text),
    setting("header-bytes", "limits.header-bytes", Kind::Whole),
    setting("header-fields", "limits.header-fields", Kind::Whole),
    setting("header-time", "limits.header-time", Kind::Span),
    setting("body-time", "limits.body-time", Kind::Span),
    setting("json-bytes", "limits.json-bytes", Kind::Whole),
    setting("create-bytes", "limits.create-bytes", Kind::Whole),
    setting("json-depth", "limits.json-depth", Kind::Whole),
    setting("connections-per-peer", "limits.connections-per-peer", Kind::Whole),
    setting("connections", "limits.connections", Kind::Whole),
    setting("streams-per-owner", "limits.streams-per-owner", Kind::Whole),
    setting("answer-bytes", "limits.answer-bytes", Kind::Whole),
    setting("answer-time", "limits.answer-time", Kind::Span),
    setting("archive-bytes", "limits.archive-bytes", Kind::Whole),
    setting("archive-entries", "limits.archive-entries", Kind::Whole),
    setting("drain-time", "limits.drain-time", Kind::Span),
    setting("audit", "audit.sink", Kind::Sink),
    setting("audit-format", "audit.format", Kind::Text),
    setting("audit-required", "audit.required", Kind::Switch),
    setting("log-level", "log.level", Kind::Text),
    setting("log-format", "log.format", Kind::Text),
];

/// The parts of the reference: section, title, what stands above its table.
const PARTS: [(&str, &str, &str); 5] = [
    ("listener", "Listeners", LISTENERS),
    ("", "The broker", "Keys at the top of the file, before its sections."),
    ("limits", "Bounds on the broker itself", "Keys of `[limits]`. They hold for all listeners together."),
    ("audit", "Audit", "Keys of `[audit]`. One audit holds the records of all listeners."),
    ("log", "Log", "Keys of `[log]`."),
];

const HEAD: &str = "\
# Configuration

What a broker runs with comes from flags, variables, a file and defaults. A flag wins over its variable, a variable over \
the file, and the file over the default; an empty variable counts as none. `docker-broker config`, with the same flags \
and variables as `serve`, prints what is in force and where each value comes from. This page is the output of \
`docker-broker config --reference`.

The file is named with `--config FILE` or `BROKER_CONFIG` and is TOML. A key that is not known is an error, with the line \
and the nearest known key. Paths of policies, of credentials and of the audit are relative to the folder of the file.

";

/// A file that shows every section.
pub const EXAMPLE: &str = "\
upstream = \"unix:///var/run/docker.sock\"
instance = \"ci-1\"

# each listener has its own socket, policy and owner: neither sees nor touches what is the other's
[[listener]]
name    = \"ide\"
address = \"unix:///run/docker-broker/ide/docker.sock\"
group   = \"0\"
policy  = \"testcontainers\"
allowed-images = [\"postgres:16\", \"redis:7\"]

[[listener]]
name    = \"agents\"
address = \"unix:///run/docker-broker/agents/docker.sock\"
mode    = \"0666\"
policy  = \"postgres\"
isolate = \"uid\"

[limits]
connections = 4096

[audit]
sink     = \"/var/log/docker-broker/audit.json\"
required = true

[log]
level = \"info\"
";

const READING: &str = "
## When the file changes

SIGHUP, and a change of the file or of a policy file (looked for every two seconds), read everything again. If all of it \
can be used, the policies are replaced in one step: requests that begin from then on are judged by the new ones, and what \
is open lives on under the one by which it was judged. If anything is wrong, nothing changes, and the log and the audit \
say what is wrong. Everything but policies needs a restart; what would have changed is named in the log. SIGHUP opens the \
audit file anew as well.

## Sockets from systemd

A socket that systemd passes (`docker-broker.socket`) takes the place of the one that a listener would make: the listener \
of the socket's name (`FileDescriptorName=`), or, where no socket has the name of a listener, one for each listener in \
their order. Its mode and group are systemd's (`SocketMode=`, `SocketGroup=`), and its file stays at the end. \
`Type=notify-reload` is understood.
";

const LISTENERS: &str = "\
Keys of `[[listener]]`, which may stand several times. Names and addresses differ from each other, and none is the \
engine's. What is made through a listener is owned by `INSTANCE/NAME`, with `isolate = \"uid\"` by `INSTANCE/NAME/uid-N`. \
Where the file has more than one listener, their settings stand in the file only, and the flags and variables of this \
table are refused. `tls` is known and not in force yet.";

/// How much a key of the same section counts more than one of another.
const SAME_SECTION: f64 = 0.2;

/// Below this, a suggestion would be a guess.
const LIKE_ENOUGH: f64 = 0.6;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_flag_has_one_key_and_every_key_one_flag() {
        let definition = ServeArgs::augment_args(Command::new("serve"));
        let flags: BTreeSet<&str> = definition.get_arguments().filter_map(Arg::get_long).collect();
        let expected: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.flag).chain(["config"]).collect();
        assert_eq!(flags, expected);
        let keys: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
        assert_eq!(keys.len(), SETTINGS.len());
        for key in keys {
            let section = section_of(key);
            assert!(section.is_empty() || SECTIONS.contains(&section), "{key}");
            assert!(PARTS.iter().any(|(part, ..)| *part == section), "{key} is in no part of the reference");
        }
    }

    #[test]
    fn kinds_are_those_of_the_flags() {
        let definition = ServeArgs::augment_args(Command::new("serve"));
        for setting in SETTINGS {
            let argument =
                definition.get_arguments().find(|argument| argument.get_long() == Some(setting.flag)).unwrap();
            let takes_switch = argument.get_num_args().is_some_and(|range| range.min_values() == 0);
            assert_eq!(takes_switch, setting.kind == Kind::Switch, "{}", setting.key);
            let is_list = argument.get_value_names().is_some_and(|names| names.iter().any(|name| name == "LIST"));
            assert_eq!(is_list, setting.kind == Kind::List, "{}", setting.key);
        }
    }

    #[test]
    fn what_was_meant_is_found_in_its_section_first() {
        assert_eq!(nearest("listener.adress"), Some("listener.address"));
        assert_eq!(nearest("limits.header_bytes"), Some("limits.header-bytes"));
        assert_eq!(nearest("listner"), Some("listener"));
        assert_eq!(nearest("log.format"), Some("log.format"));
        assert_eq!(nearest("entirely-different"), None);
    }

    #[test]
    fn the_reference_has_a_row_for_every_setting() {
        let text = reference_markdown();
        for Setting { flag, key, kind: _ } in SETTINGS {
            assert!(text.contains(&format!("\n| `{key}` | `--{flag}` | `BROKER_")), "{key}");
        }
        assert!(!text.contains("[default"), "{text}");
    }
}
