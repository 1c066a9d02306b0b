//! The patterns that grants are written in: names, label keys, ports and (in [`image`]) image references.
//!
//! A pattern is a whole-word match in which `*` stands for any run of characters, also the empty one. Matching is by
//! byte and case. Nothing here may widen a pattern: what does not match is refused by whoever asks.

pub mod image;

use std::fmt;

pub use image::{ImagePattern, ImageReference};

/// One word in which `*` stands for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// A list of patterns of which one has to match. The empty list matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(Vec<Pattern>);

/// Patterns for label keys. Keys that steer other programs (`com.docker.*`, `traefik.*`) match only a pattern that
/// names them; keys that begin with `docker-broker.` match none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelPatterns(Patterns);

/// The transport of a container port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
    /// `sctp`
    Sctp,
}

/// A container port or an inclusive range of them, as in `5432/tcp`, `8000-8010/tcp` and `*/tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortPattern {
    first: u16,
    last: u16,
    protocol: Protocol,
}

/// What is wrong with a pattern, in words for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// An empty string, which could match only an empty name.
    #[error("an empty pattern matches nothing useful; remove it, or write `*` for any")]
    Empty,
    /// A NUL, line break or other control character.
    #[error("a pattern cannot hold control characters")]
    Control,
    /// A label key that only the broker writes.
    #[error("labels that begin with `docker-broker.` are written by the broker alone; no policy can allow them")]
    ReservedLabel,
    /// A port that is neither `5432/tcp`, `8000-8010/tcp` nor `*/tcp`.
    #[error("`{0}` is not a port; write `5432/tcp`, `8000-8010/tcp` or `*/tcp`, with `tcp`, `udp` or `sctp`")]
    Port(String),
    /// A range that ends before it begins.
    #[error("`{0}` ends before it begins")]
    PortOrder(String),
    /// Not an image reference with stars.
    #[error("`{pattern}` is not an image reference: {problem}")]
    Image {
        /// The pattern as written.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Pattern {
    /// Reads one pattern.
    ///
    /// # Errors
    /// When it is empty or holds control characters.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(PatternError::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        glob_matches(&self.0, text)
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first `*`: every match begins with it.
    #[must_use]
    pub fn literal_prefix(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }
}

impl Patterns {
    /// Takes patterns that were read one by one.
    #[must_use]
    pub const fn new(patterns: Vec<Pattern>) -> Self {
        Self(patterns)
    }

    /// Whether one of the patterns matches the whole of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(text))
    }

    /// Whether nothing can match.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everything matches, that is, `*` is among the patterns.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0.iter().any(|pattern| pattern.as_str() == "*")
    }

    /// The patterns in the order in which they were written.
    pub fn iter(&self) -> std::slice::Iter<'_, Pattern> {
        self.0.iter()
    }
}

impl LabelPatterns {
    /// Takes patterns for label keys that were read one by one.
    ///
    /// # Errors
    /// When one of them names a key that only the broker writes.
    pub fn new(patterns: Patterns) -> Result<Self, PatternError> {
        let reserved = |pattern: &Pattern| is_under(pattern.as_str(), RESERVED_LABELS);
        if patterns.iter().any(reserved) { Err(PatternError::ReservedLabel) } else { Ok(Self(patterns)) }
    }

    /// Whether a client may set this label key.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        if is_reserved_label(key) {
            return false;
        }
        match GUARDED_LABELS.iter().find(|guard| is_under(key, guard)) {
            Some(guard) => {
                self.0.iter().any(|pattern| is_under(pattern.literal_prefix(), guard) && pattern.matches(key))
            }
            None => self.0.matches(key),
        }
    }

    /// Whether every key matches that needs no naming.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0.is_any()
    }

    /// Whether nothing can match.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Protocol {
    /// Reads `tcp`, `udp` or `sctp`, in lower case as the engine writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "tcp" => Some(Self::Tcp),
            "udp" => Some(Self::Udp),
            "sctp" => Some(Self::Sctp),
            _ => None,
        }
    }

    /// The engine's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl PortPattern {
    /// Reads `5432/tcp`, `8000-8010/tcp` or `*/tcp`; a port without a protocol is `tcp`, as with the docker CLI.
    ///
    /// # Errors
    /// When it is none of these, or the range ends before it begins.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let wrong = || PatternError::Port(text.to_owned());
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let protocol = Protocol::parse(protocol).ok_or_else(wrong)?;
        let (first, last) = match ports.split_once('-') {
            Some((first, last)) => (parse_port(first).ok_or_else(wrong)?, parse_port(last).ok_or_else(wrong)?),
            None if ports == "*" => (1, u16::MAX),
            None => parse_port(ports).map(|port| (port, port)).ok_or_else(wrong)?,
        };
        if last < first {
            return Err(PatternError::PortOrder(text.to_owned()));
        }
        Ok(Self { first, last, protocol })
    }

    /// Whether this port may be published.
    #[must_use]
    pub fn matches(&self, port: u16, protocol: Protocol) -> bool {
        self.protocol == protocol && (self.first..=self.last).contains(&port)
    }

    /// The first port of the range.
    #[must_use]
    pub const fn first(&self) -> u16 {
        self.first
    }

    /// The last port of the range, itself included.
    #[must_use]
    pub const fn last(&self) -> u16 {
        self.last
    }

    /// The transport.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0)
    }
}

impl fmt::Display for LabelPatterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for PortPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (1, u16::MAX) => write!(f, "*/{}", self.protocol),
            (first, last) if first == last => write!(f, "{first}/{}", self.protocol),
            (first, last) => write!(f, "{first}-{last}/{}", self.protocol),
        }
    }
}

/// Whether a label key is one that only the broker writes.
#[must_use]
pub fn is_reserved_label(key: &str) -> bool {
    is_under(key, RESERVED_LABELS)
}

/// Writes a list of patterns for a message: each in backticks, or `nothing`.
pub(crate) fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    if items.is_empty() {
        return f.write_str("nothing");
    }
    for (position, item) in items.iter().enumerate() {
        let separator = if position == 0 { "" } else { ", " };
        write!(f, "{separator}`{item}`")?;
    }
    Ok(())
}

/// Whether the whole of `text` matches `pattern`. Taking each middle part at its first place is enough: a later
/// place leaves less text for the parts that follow.
pub(crate) fn glob_matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// Whether a label key lies under `prefix`, without regard to case: some readers of labels fold it.
fn is_under(key: &str, prefix: &str) -> bool {
    key.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Digits only: `u16::from_str` would also take `+5432`.
fn parse_port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

/// Label keys that carry ownership, expiry and session (the floor).
const RESERVED_LABELS: &str = "docker-broker.";

/// Label keys that other programs on the host act upon: Docker's own tools (`com.docker.compose.*` …) and proxies.
const GUARDED_LABELS: [&str; 2] = ["com.docker.", "traefik."];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(list: &[&str]) -> Patterns {
        Patterns::new(list.iter().map(|text| Pattern::parse(text).expect("a pattern")).collect())
    }

    fn labels(list: &[&str]) -> LabelPatterns {
        LabelPatterns::new(patterns(list)).expect("label patterns")
    }

    #[test]
    fn an_empty_list_matches_nothing() {
        assert!(!Patterns::default().matches(""));
        assert!(!Patterns::default().matches("PATH"));
        assert!(!LabelPatterns::default().matches("a"));
        assert_eq!(Patterns::default().to_string(), "nothing");
    }

    #[test]
    fn the_whole_word_has_to_match() {
        for (pattern, text) in [
            ("PG*", "XPG"),
            ("PG*", "pgdata"),
            ("*_URL", "MY_URL2"),
            ("a*b*c", "acb"),
            ("a*ba", "aba2"),
            ("ab*ba", "aba"),
            ("TZ", "TZX"),
            ("TZ", ""),
            ("a**b", "a"),
            ("PG*", "PG\u{200b}".trim_start_matches("PG")),
        ] {
            assert!(!glob_matches(pattern, text), "{pattern} on {text}");
        }
    }

    #[test]
    fn a_star_is_any_run_also_the_empty_one() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "a/b:c"),
            ("PG*", "PG"),
            ("PG*", "PGDATA"),
            ("a*b*c", "abc"),
            ("a*b*c", "axbxbxc"),
            ("ab*ba", "abba"),
            ("*aab", "aaab"),
        ] {
            assert!(glob_matches(pattern, text), "{pattern} on {text}");
        }
    }

    #[test]
    fn a_pattern_is_neither_empty_nor_invisible() {
        assert_eq!(Pattern::parse(""), Err(PatternError::Empty));
        assert_eq!(Pattern::parse("A\0"), Err(PatternError::Control));
        assert_eq!(Pattern::parse("A\n"), Err(PatternError::Control));
    }

    #[test]
    fn the_brokers_own_labels_match_nothing() {
        for list in [&["*"][..], &["docker*"], &["*.owner"], &["d*"]] {
            assert!(!labels(list).matches("docker-broker.owner"), "{list:?}");
            assert!(!labels(list).matches("Docker-Broker.owner"), "{list:?}");
        }
        let error = LabelPatterns::new(patterns(&["docker-broker.*"])).expect_err("reserved");
        assert_eq!(error, PatternError::ReservedLabel);
        assert!(LabelPatterns::new(patterns(&["a", "docker-broker.owner"])).is_err());
    }

    #[test]
    fn labels_that_steer_other_programs_have_to_be_named() {
        for list in [&["*"][..], &["com.*"], &["com.docker*"], &["t*"], &["*.compose.project"]] {
            assert!(!labels(list).matches("com.docker.compose.project"), "{list:?}");
            assert!(!labels(list).matches("traefik.enable"), "{list:?}");
            assert!(!labels(list).matches("Traefik.Enable"), "{list:?}");
        }
        assert!(labels(&["com.docker.compose.*"]).matches("com.docker.compose.project"));
        assert!(!labels(&["com.docker.compose.*"]).matches("com.docker.stack.namespace"));
        assert!(labels(&["traefik.*"]).matches("traefik.enable"));
        assert!(labels(&["*"]).matches("org.testcontainers.sessionId"));
        assert!(labels(&["*"]).matches("com.dockerish"));
    }

    #[test]
    fn ports_are_written_in_one_way() {
        for text in ["", "tcp", "0/tcp", "65536/tcp", "+5432/tcp", "5432/TCP", "5432/http", "5432/", "-1/tcp", "1-/tcp"]
        {
            assert!(matches!(PortPattern::parse(text), Err(PatternError::Port(_))), "{text}");
        }
        for text in ["5432/tcp/udp", " 5432/tcp", "5432 /tcp", "1-2-3/tcp", "*-5/tcp", "**/tcp", "1000*/tcp"] {
            assert!(PortPattern::parse(text).is_err(), "{text}");
        }
        assert!(matches!(PortPattern::parse("20-10/tcp"), Err(PatternError::PortOrder(_))));
    }

    #[test]
    fn a_port_matches_number_and_protocol() {
        let range = PortPattern::parse("8000-8010/udp").expect("a range");
        let expected = [(7999, false), (8000, true), (8010, true), (8011, false)];
        for (port, matches) in expected {
            assert_eq!(range.matches(port, Protocol::Udp), matches, "{port}");
            assert!(!range.matches(port, Protocol::Tcp), "{port}");
        }
        let any = PortPattern::parse("*/tcp").expect("any");
        assert!(any.matches(1, Protocol::Tcp) && any.matches(65535, Protocol::Tcp));
        assert!(PortPattern::parse("5432").expect("a port").matches(5432, Protocol::Tcp));
        let spelled = ["5432/tcp", "8000-8010/udp", "*/sctp"];
        assert_eq!(spelled.map(|text| PortPattern::parse(text).expect("a port").to_string()), spelled);
    }

    proptest! {
        #[test]
        fn globs_agree_with_a_plain_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
            prop_assert_eq!(glob_matches(&pattern, &text), defined(pattern.as_bytes(), text.as_bytes()));
        }
    }

    /// The definition of a glob, tried in every way.
    fn defined(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skipped| defined(rest, &text[skipped..])),
            ([first, pattern @ ..], [letter, text @ ..]) if first == letter => defined(pattern, text),
            _ => false,
        }
    }
}
