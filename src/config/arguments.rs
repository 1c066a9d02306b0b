//! The flags of `serve`, each with its variable and default.
//!
//! Must never hold a secret: command lines and environments are read by others.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use crate::audit::{Format, Sink};
use crate::bounds::Bounds;
use crate::client::Isolate;
use crate::policy::builtin::DEFAULT_NAME;
use crate::policy::compile::AttachMode;
use crate::upstream::address::Address;

/// What `serve` is told.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// A file of settings (TOML), which can hold several listeners. What a flag or a variable says wins over it
    #[arg(long, env = "BROKER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where clients connect: `unix:///path/to/socket`
    #[arg(long, env = "BROKER_LISTEN", value_name = "ADDRESS", default_value = DEFAULT_LISTEN, value_parser = Address::parse)]
    pub listen: Address,
    /// Where the engine listens [default: `DOCKER_HOST` if it is a Unix socket, else `/var/run/docker.sock`]
    #[arg(long, env = "BROKER_UPSTREAM", value_name = "ADDRESS", value_parser = Address::parse)]
    pub upstream: Option<Address>,
    /// What clients may do: the name of a built-in policy (`docker-broker policy list`) or a file
    #[arg(long, env = "BROKER_POLICY", value_name = "NAME|FILE", default_value = DEFAULT_NAME)]
    pub policy: String,
    /// Who may open the socket, as in `chmod` [default: 0600, or 0660 with --socket-group]
    #[arg(long, env = "BROKER_SOCKET_MODE", value_name = "MODE", value_parser = read_mode)]
    pub socket_mode: Option<u32>,
    /// The socket's group, by name or number
    #[arg(long, env = "BROKER_SOCKET_GROUP", value_name = "GROUP", value_parser = read_group)]
    pub socket_group: Option<String>,
    /// The listener's name, which is part of the owner label of all that is made through it
    #[arg(long, env = "BROKER_NAME", value_name = "NAME", default_value = "main", value_parser = read_name)]
    pub name: String,
    /// Whether clients of the listener share what they make, or each user ID has objects of its own
    #[arg(long, env = "BROKER_ISOLATE", value_name = "none|uid", value_enum, default_value_t = Isolate::None, hide_possible_values = true)]
    pub isolate: Isolate,
    /// Which broker this is, the first part of the owner label [default: from this machine and the first listener's address]
    #[arg(long, env = "BROKER_INSTANCE", value_name = "ID", value_parser = read_name)]
    pub instance: Option<String>,
    /// Let a policy that allows everything stand on a socket that others may open
    #[arg(long, env = "BROKER_ALLOW_UNRESTRICTED", value_name = "YES|NO", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true)]
    pub allow_unrestricted: bool,
    #[expect(missing_docs, reason = "the help of a flattened group stands with its fields")]
    #[command(flatten)]
    pub changes: PolicyChanges,
    #[expect(missing_docs, reason = "as above")]
    #[command(flatten)]
    pub records: RecordArgs,
    #[expect(missing_docs, reason = "as above")]
    #[command(flatten)]
    pub bounds: Bounds,
}

/// Changes to the chosen policy. Lists are separated by commas, and blanks around a word do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Changes to the policy")]
pub struct PolicyChanges {
    /// The one image that may be used, in place of the policy's `images.allow`
    #[arg(long, env = "BROKER_ALLOWED_IMAGE", value_name = "IMAGE")]
    pub allowed_image: Option<String>,
    /// The tag of that image; any tag when absent
    #[arg(long, env = "BROKER_ALLOWED_TAG", value_name = "TAG")]
    pub allowed_tag: Option<String>,
    /// Images that may be used as well
    #[arg(long, env = "BROKER_ALLOWED_IMAGES", value_name = "LIST", value_parser = read_list)]
    pub allowed_images: Option<List>,
    /// Keys of environment variables that a container may be given, in place of `containers.env`
    #[arg(long, env = "BROKER_ALLOWED_ENV", value_name = "LIST", value_parser = read_list)]
    pub allowed_env: Option<List>,
    /// Whether allowed images may be pulled, in place of `images.pull`
    #[arg(long, env = "BROKER_ALLOW_PULLS", value_name = "YES|NO", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub allow_pulls: Option<bool>,
    /// Networks that containers join before they start, in place of `containers.attach`
    #[arg(long, env = "BROKER_ATTACH_NETWORKS", value_name = "LIST", value_parser = read_list)]
    pub attach_networks: Option<List>,
    /// Whether those replace the default network or are added to it, in place of `containers.attach-mode`
    #[arg(long, env = "BROKER_ATTACH_MODE", value_name = "replace|add", value_parser = read_attach_mode)]
    pub attach_mode: Option<AttachMode>,
    /// The broker's own registry credentials, for `images.registry-auth = "broker"`: a `config.json` as `docker login` writes it
    #[arg(long, env = "BROKER_REGISTRY_AUTH_FILE", value_name = "FILE")]
    pub registry_auth_file: Option<PathBuf>,
}

/// Where records and messages go.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Audit and log")]
pub struct RecordArgs {
    /// Where the audit goes, one record for every request: `stdout` (or `-`), `stderr`, `none` or a file
    #[arg(long, env = "BROKER_AUDIT", value_name = "SINK", default_value = "stdout", value_parser = read_sink)]
    pub audit: Sink,
    /// How records are written: for programs or for people
    #[arg(long, env = "BROKER_AUDIT_FORMAT", value_name = "FORMAT", default_value = "json")]
    pub audit_format: Format,
    /// Refuse requests while records cannot be written
    #[arg(long, env = "BROKER_AUDIT_REQUIRED", value_name = "YES|NO", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true)]
    pub audit_required: bool,
    /// How much the broker says on standard error
    #[arg(long, env = "BROKER_LOG_LEVEL", value_name = "LEVEL", default_value = "info", ignore_case = true)]
    pub log_level: LogLevel,
    /// How it says it
    #[arg(long, env = "BROKER_LOG_FORMAT", value_name = "FORMAT", default_value = "text", ignore_case = true)]
    pub log_format: Format,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing
    Off,
    /// What needs somebody's attention
    Error,
    /// Also what may need it
    #[value(alias = "warning")]
    Warn,
    /// Also what happens to the broker as a whole
    Info,
    /// Also what happens to requests
    Debug,
    /// Also how it happens
    Trace,
}

/// Words that were separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List(pub Vec<String>);

/// Reads a list; never fails, and is told apart from a missing one.
fn read_list(text: &str) -> Result<List, std::convert::Infallible> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    Ok(List(words.map(str::to_owned).collect()))
}

fn read_mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let is_octal = !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mode = if is_octal { u32::from_str_radix(digits, 8).ok() } else { None };
    match mode {
        Some(mode) if mode <= 0o777 && mode & 0o600 == 0o600 => Ok(mode),
        Some(mode) if mode <= 0o777 => Err("the broker's own user must be able to open it, as with `0600`".to_owned()),
        Some(_) | None => Err("write the mode in octal, from `0600` to `0777`".to_owned()),
    }
}

/// A group by name or number. Whether it exists is only known where the socket is made.
fn read_group(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    if text.is_empty() || text.len() > LONGEST_NAME || text.starts_with('-') || !text.bytes().all(is_plain) {
        return Err("write the name or the number of a group, as `docker` or `999`".to_owned());
    }
    Ok(text.to_owned())
}

/// A name that becomes part of an owner label, where `/` separates the parts.
pub(crate) fn read_name(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if text.is_empty() || text.len() > LONGEST_NAME || !text.bytes().all(is_plain) {
        return Err(format!("write at most {LONGEST_NAME} letters, digits, `.`, `_` and `-`"));
    }
    Ok(text.to_owned())
}

fn read_attach_mode(text: &str) -> Result<AttachMode, String> {
    match text {
        "replace" => Ok(AttachMode::Replace),
        "add" => Ok(AttachMode::Add),
        _ => Err("write `replace` or `add`".to_owned()),
    }
}

/// A sink by its word; everything else is the path of a file.
pub(crate) fn read_sink(text: &str) -> Result<Sink, String> {
    match text {
        "-" | "stdout" => Ok(Sink::Stdout),
        "stderr" => Ok(Sink::Stderr),
        "none" => Ok(Sink::None),
        "" => Err("write `stdout`, `stderr`, `none` or the path of a file".to_owned()),
        path => Ok(Sink::File(PathBuf::from(path))),
    }
}

/// Where a broker listens unless told otherwise.
pub const DEFAULT_LISTEN: &str = "unix:///run/docker-broker/docker.sock";

/// Most characters of an instance, a listener's name or a group.
const LONGEST_NAME: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_that_are_odd_or_lock_the_broker_out_are_refused() {
        for odd in ["", "0o", "rw", "888", "+600", "01777", "0066", "0000", "-1"] {
            assert!(read_mode(odd).is_err(), "{odd}");
        }
        for (text, mode) in [("0600", 0o600), ("660", 0o660), ("0o666", 0o666), ("0777", 0o777)] {
            assert_eq!(read_mode(text), Ok(mode), "{text}");
        }
    }

    #[test]
    fn names_that_could_be_read_as_two_parts_of_an_owner_are_refused() {
        for odd in ["", "a/b", "a b", "ä", "a=b", "a,b", &"x".repeat(64)] {
            assert!(read_name(odd).is_err(), "{odd}");
        }
        assert_eq!(read_name("agent-1.ci_2").as_deref(), Ok("agent-1.ci_2"));
    }

    #[test]
    fn lists_lose_their_blanks_and_empty_words() {
        assert_eq!(read_list(" a ,b,, c d ,"), Ok(List(vec!["a".into(), "b".into(), "c d".into()])));
        assert_eq!(read_list(""), Ok(List(Vec::new())));
    }

    #[test]
    fn a_sink_is_a_word_or_a_path() {
        assert!(read_sink("").is_err());
        for (text, sink) in
            [("-", Sink::Stdout), ("stdout", Sink::Stdout), ("stderr", Sink::Stderr), ("none", Sink::None)]
        {
            assert_eq!(read_sink(text), Ok(sink), "{text}");
        }
        assert_eq!(read_sink("./none"), Ok(Sink::File("./none".into())));
    }

    #[test]
    fn groups_that_are_options_or_paths_are_refused() {
        for odd in ["", "-x", "a/b", "a b"] {
            assert!(read_group(odd).is_err(), "{odd}");
        }
        assert_eq!(read_group("999").as_deref(), Ok("999"));
    }
}
