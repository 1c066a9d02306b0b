//! The configuration file: TOML in, values for flags out, each with its place.
//!
//! The flags' own readers give the values their meaning, so a file, a variable and a flag are read by the same rules.
//! Must never skip a key: one that is not known, or not in force, is an error, and all errors are reported at once.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::origins::{Given, Source};
use super::policy_text;
use super::settings::{self, Kind, SECTIONS, Setting, TLS};
use crate::policy::builtin::BUILTIN_NAMES;
use crate::policy::check::Finding;

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileSettings {
    /// Settings of the broker as a whole.
    pub broker: Vec<Given>,
    /// Settings of each listener, in the order of the file.
    pub listeners: Vec<Vec<Given>>,
}

/// Why a file does not load. Its [`Display`](fmt::Display) is one line for each error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FileError {
    /// The file's path.
    pub path: String,
    /// What is wrong, at least one finding, in the order of the text.
    pub errors: Vec<Finding>,
}

/// A text on its way to settings.
struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    read: FileSettings,
    errors: Vec<Finding>,
}

impl FileSettings {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or anything in it is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            policy_text::read(path).map_err(|source| ConfigError::ConfigFile { path: PathBuf::from(path), source })?;
        Self::read(&text, path).map_err(ConfigError::File)
    }

    /// Reads the text of a file. Its path places errors and what is relative to it.
    ///
    /// # Errors
    /// Everything that is wrong with the text, but for what only the flags' readers know.
    pub fn read(text: &str, path: &Path) -> Result<Self, FileError> {
        let mut reading = Reading { path, text, read: Self::default(), errors: Vec::new() };
        let (document, syntax) = DeTable::parse_recoverable(text);
        for error in &syntax {
            let span = error.span().unwrap_or_default();
            reading.report(&span, "", error.message().lines().collect::<Vec<_>>().join(", "));
        }
        if syntax.is_empty() {
            reading.read_document(document.get_ref());
        }
        let Reading { read, mut errors, .. } = reading;
        errors.sort_by_key(|finding| (finding.line, finding.column));
        if errors.is_empty() { Ok(read) } else { Err(FileError { path: path.display().to_string(), errors }) }
    }
}

impl Reading<'_> {
    fn read_document(&mut self, document: &DeTable<'_>) {
        for (name, value) in document {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("listener", DeValue::Array(items)) if items.iter().all(|item| item.get_ref().is_table()) => {
                    for item in items.iter() {
                        let given = item.get_ref().as_table().map(|table| self.read_section("listener", table));
                        self.read.listeners.extend(given);
                    }
                }
                ("listener", _) => self.report(&name.span(), "listener", "takes sections as `[[listener]]`".to_owned()),
                (section, DeValue::Table(table)) if SECTIONS.contains(&section) => {
                    let given = self.read_section(section, table);
                    self.read.broker.extend(given);
                }
                (section, _) if SECTIONS.contains(&section) => {
                    self.report(&name.span(), section, format!("takes a section as `[{section}]`"));
                }
                (key, _) => {
                    let given = self.read_key(key, name, value);
                    self.read.broker.extend(given);
                }
            }
        }
    }

    fn read_section(&mut self, section: &str, table: &DeTable<'_>) -> Vec<Given> {
        let entries = table.iter();
        entries
            .filter_map(|(name, value)| self.read_key(&format!("{section}.{}", name.get_ref()), name, value))
            .collect()
    }

    fn read_key(
        &mut self,
        key: &str,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Given> {
        if key == TLS {
            self.report(&name.span(), key, "not in force yet: this version listens on Unix sockets only".to_owned());
            return None;
        }
        // a dot within quotes is a part of the name, and no name has one
        let known = if name.get_ref().contains('.') { None } else { settings::of_key(key) };
        let Some(setting) = known else {
            self.report(&name.span(), key, "not a known key".to_owned());
            if let Some(finding) = self.errors.last_mut() {
                finding.nearest = settings::nearest(key);
            }
            return None;
        };
        let Some(text) = as_flag(setting.kind, value.get_ref()) else {
            self.report(
                &value.span(),
                key,
                format!("takes {}, not {}", setting.kind.wanted(), spelled(value.get_ref())),
            );
            return None;
        };
        Some(self.given(setting, text, &name.span()))
    }

    fn given(&self, setting: &Setting, text: String, span: &Range<usize>) -> Given {
        let (line, column) = place(self.text, span);
        let path = self.path.display().to_string();
        let source = Source::File { path, line, column, key: setting.key };
        Given { flag: setting.flag.to_owned(), value: self.located(setting.kind, text), source }
    }

    /// Paths are relative to the folder of the file.
    fn located(&self, kind: Kind, text: String) -> String {
        let is_word = match kind {
            Kind::Policy => BUILTIN_NAMES.contains(&text.as_str()) || !text.contains(['/', '.']),
            Kind::Sink => matches!(text.as_str(), "" | "-" | "stdout" | "stderr" | "none"),
            Kind::File => text.is_empty(),
            Kind::Text | Kind::Mode | Kind::Switch | Kind::Whole | Kind::Span | Kind::List => true,
        };
        match self.path.parent() {
            Some(folder) if !is_word => folder.join(&text).display().to_string(),
            Some(_) | None => text,
        }
    }

    fn report(&mut self, span: &Range<usize>, key: &str, message: String) {
        let (line, column) = place(self.text, span);
        self.errors.push(Finding { line, column, key: key.to_owned(), message, nearest: None });
    }
}

/// The value as a flag of this kind takes it; `None` for one of another kind.
fn as_flag(kind: Kind, value: &DeValue<'_>) -> Option<String> {
    match (kind, value) {
        (Kind::Text | Kind::Mode | Kind::Policy | Kind::Sink | Kind::File | Kind::Span, DeValue::String(text)) => {
            Some(text.clone().into_owned())
        }
        (Kind::Switch, DeValue::Boolean(switch)) => Some(switch.to_string()),
        (Kind::Whole, DeValue::Integer(number)) if number.radix() == 10 => {
            let digits = number.as_str().replace('_', "");
            digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)
        }
        (Kind::List, DeValue::Array(items)) => {
            let words: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            // a comma would make two words of one, and nothing that is listed here can hold one
            words.filter(|words| !words.iter().any(|word| word.contains(','))).map(|words| words.join(","))
        }
        (
            Kind::Text
            | Kind::Mode
            | Kind::Policy
            | Kind::Sink
            | Kind::File
            | Kind::Span
            | Kind::Switch
            | Kind::Whole
            | Kind::List,
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_),
        ) => None,
    }
}

/// A value as its author would recognise it, cut to a readable length.
fn spelled(value: &DeValue<'_>) -> String {
    let text = match value {
        DeValue::Table(_) => return "a table".to_owned(),
        DeValue::Array(_) => return "this list".to_owned(),
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(switch) => switch.to_string(),
        DeValue::Datetime(time) => time.to_string(),
    };
    let start: String = text.chars().take(LONGEST_VALUE).collect();
    let dots = if start.len() < text.len() { "…" } else { "" };
    format!("`{start}{dots}`")
}

/// Line and column in characters, both from 1.
fn place(text: &str, span: &Range<usize>) -> (usize, usize) {
    let before = text.get(..span.start).unwrap_or(text);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.errors.iter().map(|finding| format!("{}:{finding}", self.path)).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// How much of a wrong value a message repeats, in characters.
const LONGEST_VALUE: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FileSettings, FileError> {
        FileSettings::read(text, Path::new("/etc/broker/b.toml"))
    }

    fn errors(text: &str) -> String {
        read(text).expect_err("wrong").to_string()
    }

    #[test]
    fn everything_that_is_wrong_is_said_with_its_place_and_what_was_meant() {
        let text = "upstraem = \"/x\"\n[limits]\nheader-bytes = \"8192\"\nheader-tme = \"5s\"\n[[listener]]\nmode = 660\n\
                    tls = { certificate = \"x\" }\npolicies = []\n[sweeper]\nx = 1\n";
        assert_eq!(
            errors(text).lines().collect::<Vec<_>>(),
            [
                "/etc/broker/b.toml:1:1: `upstraem`: not a known key; the nearest known key is `upstream`",
                "/etc/broker/b.toml:3:16: `limits.header-bytes`: takes a whole number from 0, not `\"8192\"`",
                "/etc/broker/b.toml:4:1: `limits.header-tme`: not a known key; the nearest known key is \
                 `limits.header-time`",
                "/etc/broker/b.toml:6:8: `listener.mode`: takes a mode in octal as a string, as `\"0660\"`, not `660`",
                "/etc/broker/b.toml:7:1: `listener.tls`: not in force yet: this version listens on Unix sockets only",
                "/etc/broker/b.toml:8:1: `listener.policies`: not a known key; the nearest known key is \
                 `listener.policy`",
                "/etc/broker/b.toml:9:2: `sweeper`: not a known key",
            ]
        );
    }

    #[test]
    fn values_of_the_wrong_form_are_refused() {
        for text in [
            "listener = []\n[listener]\nname = \"a\"",
            "[listener]\nname = \"a\"",
            "listener = [1]",
            "limits = 5",
            "[[limits]]\nconnections = 1",
            "upstream = [\"/x\"]",
            "[limits]\nconnections = -1",
            "[limits]\nconnections = 0x10",
            "[limits]\nconnections = 1.5",
            "[audit]\nrequired = \"yes\"",
            "[[listener]]\nallowed-images = [\"a,b\"]",
            "[[listener]]\nallowed-images = [1]",
            "[[listener]]\nallowed-images = \"postgres:16\"",
            "upstream = \"/a\"\nupstream = \"/b\"",
            "upstream = ",
            "\"limits.connections\" = 5",
            "config = \"other.toml\"",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_becomes_values_of_flags_with_their_places() {
        let text = "upstream = \"/e.sock\"\n[[listener]]\nname = \"a\"\nallowed-images = [\"x:1\", \"y:2\"]\n\
                    [[listener]]\nallow-pulls = false\n[limits]\nconnections = 1_000\n";
        let FileSettings { broker, listeners } = read(text).unwrap();
        let words = |given: &[Given]| given.iter().map(Given::word).collect::<Vec<_>>();
        assert_eq!(words(&broker), ["--connections=1000", "--upstream=/e.sock"]);
        assert_eq!(listeners.len(), 2);
        assert_eq!(words(&listeners[0]), ["--allowed-images=x:1,y:2", "--name=a"]);
        assert_eq!(words(&listeners[1]), ["--allow-pulls=false"]);
        let path = "/etc/broker/b.toml".to_owned();
        assert_eq!(broker[0].source, Source::File { path, line: 8, column: 1, key: "limits.connections" });
        assert_eq!(read(""), Ok(FileSettings::default()));
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let value = |text: &str| {
            let FileSettings { broker, listeners } = read(text).unwrap();
            broker.into_iter().chain(listeners.into_iter().flatten()).next().unwrap().value
        };
        for (policy, found) in [
            ("postgres", "postgres"),
            ("postgrs", "postgrs"),
            ("agent.toml", "/etc/broker/agent.toml"),
            ("policies/agent", "/etc/broker/policies/agent"),
            ("/p/agent.toml", "/p/agent.toml"),
        ] {
            assert_eq!(value(&format!("[[listener]]\npolicy = \"{policy}\"")), found);
        }
        assert_eq!(value("[audit]\nsink = \"stderr\""), "stderr");
        assert_eq!(value("[audit]\nsink = \"a.json\""), "/etc/broker/a.json");
    }

    #[test]
    fn the_example_of_the_reference_loads() {
        let FileSettings { broker, listeners } = read(settings::EXAMPLE).unwrap();
        assert_eq!((broker.len(), listeners.len()), (6, 2));
    }
}
