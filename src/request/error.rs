//! Everything that can be wrong with a request before it has a Docker meaning.
//!
//! Each message is one line that says what is wrong, where, and what was wanted. Values of the client are shortened to
//! [`SHOWN`] characters and left out where their key may name a secret. Nothing here may end up as a panic.

use serde::de;
use std::fmt;

/// Why a request could not be read. [`RequestError::status`] is the HTTP status for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The method is not one that the Engine API uses, or not in upper case.
    #[error("method `{method}` is not used by the Docker API; wanted one of `GET`, `HEAD`, `POST`, `PUT`, `DELETE`")]
    Method {
        /// As sent, shortened.
        method: String,
    },
    /// Neither HTTP/1.1 nor HTTP/1.0.
    #[error("the HTTP version is not spoken here; wanted HTTP/1.1")]
    HttpVersion,
    /// The request target is absolute, an authority or an asterisk (RFC 9112 §3.2).
    #[error("the request target is not a plain path; wanted origin-form: one `/`, then the path, no host")]
    Target,
    /// The path exceeds its bound.
    #[error("the path is too long; at most {limit} bytes are read")]
    PathTooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// A segment of the path is not plain.
    #[error("path segment `{segment}` {fault}")]
    Path {
        /// As sent, shortened.
        segment: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The first segment looks like a version, but is not spelled as Docker does.
    #[error("version prefix `{text}` is not spelled as Docker does; wanted `/v1.NN` such as `/v1.47`, or none at all")]
    Version {
        /// As sent, shortened.
        text: String,
    },
    /// Podman's own API, which no policy can allow.
    #[error(
        "`/libpod` is Podman's own API, which no policy can allow; use the Docker API, such as `/v1.41/containers/json`"
    )]
    Libpod,
    /// A header field is missing, doubled or not readable in one way only.
    #[error("header `{name}` {fault}")]
    Header {
        /// The name of the field.
        name: &'static str,
        /// What is wrong and what was wanted.
        fault: &'static str,
    },
    /// The query string as a whole cannot be read.
    #[error("query parameter `{key}` {fault}")]
    Query {
        /// The raw pair's key, shortened.
        key: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The bytes are not one strict JSON document (RFC 8259).
    #[error("{}not strict JSON at byte {at}: {fault}", lead(place))]
    Json {
        /// JSON path, empty for the document itself.
        place: String,
        /// Offset of the byte that gave offence.
        at: usize,
        /// What is wrong and what was wanted.
        fault: &'static str,
    },
    /// A bound on the JSON document was passed.
    #[error("{}{what}; at most {limit} are read", lead(place))]
    JsonTooLarge {
        /// JSON path.
        place: String,
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// Nested deeper than the bound.
    #[error("{}nested too deeply; at most {limit} levels are read", lead(place))]
    JsonTooDeep {
        /// JSON path.
        place: String,
        /// The bound.
        limit: usize,
    },
    /// A key of an object, or a query key that is no list, is there twice.
    #[error("{}given more than once; readers differ in which one counts, so send it once", lead(place))]
    Repeated {
        /// JSON path, or `?key`.
        place: String,
    },
    /// A key that an engine would take for another one.
    #[error("{}the engine would read this as `{wanted}`; spell it exactly so, and only once", lead(place))]
    Spelling {
        /// JSON path of the odd key, or `?key`.
        place: String,
        /// The spelling that is known, or the other one in the same object.
        wanted: String,
    },
    /// A field of the body that no version of the Docker API that we know has.
    #[error("{}not a field that the broker knows, and it has a value ({found}); leave it out", lead(place))]
    UnknownField {
        /// JSON path.
        place: String,
        /// The kind of its value.
        found: &'static str,
    },
    /// A field that must be there is not.
    #[error("{}missing; wanted a value", lead(place))]
    Missing {
        /// JSON path, or `?key`.
        place: String,
    },
    /// A value of another kind or range than wanted.
    #[error("{}found {found}, wanted {wanted}", lead(place))]
    Value {
        /// JSON path, or `?key`.
        place: String,
        /// What was there.
        found: Found,
        /// What the field takes.
        wanted: String,
    },
    /// A value that its own type refused.
    #[error("{}{message}", lead(place))]
    Refused {
        /// JSON path, or `?key`.
        place: String,
        /// The type's own words.
        message: String,
    },
    /// The body is longer than the operation's bound. Nothing of it went further.
    #[error("the body is too large; at most {limit} bytes are read")]
    BodyTooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// The body ended early or its framing is broken.
    #[error("the body could not be read to its end; send it whole, as its length or its chunks say")]
    BodyBroken,
    /// The operation takes no body.
    #[error("this operation takes no body; send none, or at most a JSON object that repeats its query parameters")]
    BodyNotTaken,
}

/// What stood where something else was wanted: its kind, and its value where that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// `a string`, `a number` …
    pub kind: &'static str,
    /// The value, shortened; `None` where it may be secret or would not help.
    pub value: Option<String>,
}

/// The longest part of a client's value that a message repeats, in characters.
pub const SHOWN: usize = 40;

impl RequestError {
    /// The HTTP status for the client.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Method { .. } => 405,
            Self::PathTooLong { .. } => 414,
            Self::Libpod => 403,
            // Refused by name: the document is well formed, we just do not know what the field would do.
            Self::UnknownField { .. } => 403,
            Self::BodyTooLarge { .. } | Self::JsonTooLarge { .. } => 413,
            Self::HttpVersion
            | Self::Target
            | Self::Path { .. }
            | Self::Version { .. }
            | Self::Header { .. }
            | Self::Query { .. }
            | Self::Json { .. }
            | Self::JsonTooDeep { .. }
            | Self::Repeated { .. }
            | Self::Spelling { .. }
            | Self::Missing { .. }
            | Self::Value { .. }
            | Self::Refused { .. }
            | Self::BodyBroken
            | Self::BodyNotTaken => 400,
        }
    }

    /// Where in the request the fault is: `method`, `path`, a header name, `?key` or a JSON path such as
    /// `HostConfig.Mounts[1].Source`; `body` for the document as a whole.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::Method { .. } => "method",
            Self::HttpVersion => "version",
            Self::Target | Self::PathTooLong { .. } | Self::Path { .. } | Self::Version { .. } | Self::Libpod => "path",
            Self::Header { name, .. } => name,
            Self::Query { .. } => "query",
            Self::BodyTooLarge { .. } | Self::BodyBroken | Self::BodyNotTaken => "body",
            Self::Json { place, .. }
            | Self::JsonTooLarge { place, .. }
            | Self::JsonTooDeep { place, .. }
            | Self::Repeated { place }
            | Self::Spelling { place, .. }
            | Self::UnknownField { place, .. }
            | Self::Missing { place }
            | Self::Value { place, .. }
            | Self::Refused { place, .. } => Some(place.as_str()).filter(|place| !place.is_empty()).unwrap_or("body"),
        }
    }

    /// The same error seen from one level up: `key` is the member in which it happened.
    #[must_use]
    pub fn inside(mut self, key: &str) -> Self {
        if names_a_secret(key) {
            self.hide_values();
        }
        self.put_before(&step(key));
        self
    }

    /// The same error seen from one level up: `index` is the list item in which it happened.
    #[must_use]
    pub fn inside_item(mut self, index: usize) -> Self {
        self.put_before(&format!("[{index}]"));
        self
    }

    /// The same error seen from the document in which the value read stands at `place`.
    #[must_use]
    pub fn below(mut self, place: &str) -> Self {
        if names_a_secret(place) {
            self.hide_values();
        }
        self.put_before(place);
        self
    }

    /// The same error seen from the query string.
    #[must_use]
    pub fn inside_query(mut self, key: &str) -> Self {
        if names_a_secret(key) {
            self.hide_values();
        }
        self.put_before(&format!("?{}", shorten(key)));
        self
    }

    fn put_before(&mut self, step: &str) {
        if let Some(place) = self.place_mut() {
            let dot = if place.is_empty() || place.starts_with('[') { "" } else { "." };
            *place = format!("{step}{dot}{place}");
        }
    }

    fn hide_values(&mut self) {
        if let Self::Value { found, .. } = self {
            found.value = None;
        } else if let Self::Refused { message, .. } = self {
            "this value is not accepted here (not shown, because it may be secret)".clone_into(message);
        }
    }

    fn place_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Json { place, .. }
            | Self::JsonTooLarge { place, .. }
            | Self::JsonTooDeep { place, .. }
            | Self::Repeated { place }
            | Self::Spelling { place, .. }
            | Self::UnknownField { place, .. }
            | Self::Missing { place }
            | Self::Value { place, .. }
            | Self::Refused { place, .. } => Some(place),
            Self::Method { .. }
            | Self::HttpVersion
            | Self::Target
            | Self::PathTooLong { .. }
            | Self::Path { .. }
            | Self::Version { .. }
            | Self::Libpod
            | Self::Header { .. }
            | Self::Query { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyBroken
            | Self::BodyNotTaken => None,
        }
    }
}

/// So that the types of the operations can be read from queries and bodies; no Rust type name reaches a message.
impl de::Error for RequestError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Refused { place: String::new(), message: one_line(&message.to_string()) }
    }

    fn invalid_type(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::Value { place: String::new(), found: seen(found), wanted: wanted.to_string() }
    }

    fn invalid_value(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::invalid_type(found, wanted)
    }

    fn invalid_length(length: usize, wanted: &dyn de::Expected) -> Self {
        let found = Found { kind: "a list of another length", value: Some(length.to_string()) };
        Self::Value { place: String::new(), found, wanted: wanted.to_string() }
    }

    fn unknown_variant(variant: &str, wanted: &'static [&'static str]) -> Self {
        let found = Found { kind: "a string", value: Some(shorten(variant)) };
        let wanted = wanted.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        Self::Value { place: String::new(), found, wanted: format!("one of {wanted}") }
    }

    fn unknown_field(field: &str, _wanted: &'static [&'static str]) -> Self {
        Self::UnknownField { place: String::new(), found: "a value" }.inside(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing { place: String::new() }.inside(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Repeated { place: String::new() }.inside(field)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} `{value}`", self.kind),
            None => f.write_str(self.kind),
        }
    }
}

/// The first [`SHOWN`] characters of a client's text, with everything that is not printable ASCII written as an escape.
#[must_use]
pub fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(printable).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Whether the values under this key may be secrets, so that no message repeats them.
#[must_use]
pub fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

fn printable(character: char) -> impl Iterator<Item = char> {
    let plain = character.is_ascii_graphic() || character == ' ';
    let escaped = (!plain).then(|| character.escape_default());
    escaped.into_iter().flatten().chain(plain.then_some(character))
}

fn one_line(message: &str) -> String {
    message.chars().flat_map(printable).collect()
}

fn seen(found: de::Unexpected<'_>) -> Found {
    match found {
        de::Unexpected::Bool(value) => Found { kind: "a boolean", value: Some(value.to_string()) },
        de::Unexpected::Unsigned(value) => Found { kind: "a number", value: Some(value.to_string()) },
        de::Unexpected::Signed(value) => Found { kind: "a number", value: Some(value.to_string()) },
        de::Unexpected::Float(value) => Found { kind: "a number", value: Some(value.to_string()) },
        de::Unexpected::Char(value) => Found { kind: "a string", value: Some(shorten(&value.to_string())) },
        de::Unexpected::Str(value) => Found { kind: "a string", value: Some(shorten(value)) },
        de::Unexpected::Bytes(_) => Found { kind: "bytes", value: None },
        de::Unexpected::Unit | de::Unexpected::Option => Found { kind: "null", value: None },
        de::Unexpected::Seq => Found { kind: "a list", value: None },
        de::Unexpected::Map => Found { kind: "an object", value: None },
        de::Unexpected::NewtypeStruct
        | de::Unexpected::Enum
        | de::Unexpected::UnitVariant
        | de::Unexpected::NewtypeVariant
        | de::Unexpected::TupleVariant
        | de::Unexpected::StructVariant
        | de::Unexpected::Other(_) => Found { kind: "another kind of value", value: None },
    }
}

/// `.Key` of a JSON path, or `["5432/tcp"]` where the key is not a plain word.
fn step(key: &str) -> String {
    let plain =
        !key.is_empty() && key.len() <= SHOWN && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { key.to_owned() } else { format!("[\"{}\"]", shorten(key)) }
}

fn lead(place: &str) -> String {
    if place.is_empty() { "the body: ".to_owned() } else { format!("`{place}`: ") }
}

const SECRET_WORDS: [&str; 8] = ["env", "auth", "passw", "secret", "token", "credential", "buildarg", "apikey"];
