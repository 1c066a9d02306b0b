//! The strict reader: one pass over the bytes, recursion bounded by the depth that is allowed.
//!
//! Errors are made where they happen and gain their place on the way out, so that a good document pays nothing for it.

use super::{Json, JsonBounds};
use crate::request::error::{RequestError, shorten};
use crate::request::{fold, percent};

/// What happens to two keys of one object that Go's case folding makes equal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Folding {
    Refuse,
    Keep,
}

/// Reads a whole document.
pub(super) fn read(bytes: &[u8], bounds: JsonBounds, folding: Folding) -> Result<Json, RequestError> {
    let mut reader = Reader { bytes, at: 0, bounds, folding };
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(reader.fault("begins with a byte order mark; leave it out"));
    }
    reader.skip_space();
    if reader.peek().is_none() {
        return Err(reader.fault("empty; one JSON document was wanted"));
    }
    let json = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(json),
        Some(_) => Err(reader.fault("data after the end of the document; send one document")),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    bounds: JsonBounds,
    folding: Folding,
}

impl Reader<'_> {
    /// Reads one value that stands inside `depth` lists and objects.
    fn value(&mut self, depth: usize) -> Result<Json, RequestError> {
        match self.peek() {
            Some(b'{') => self.object(self.deeper(depth)?),
            Some(b'[') => self.array(self.deeper(depth)?),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true", Json::Bool(true)),
            Some(b'f') => self.word(b"false", Json::Bool(false)),
            Some(b'n') => self.word(b"null", Json::Null),
            Some(_) => Err(self.fault("a value was wanted here (trailing commas and comments are not JSON)")),
            None => Err(self.fault(ENDS_EARLY)),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, RequestError> {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.room(members.len(), "too many members in one object")?;
            let key = self.key()?;
            match self.value(depth) {
                Ok(value) => members.push((key, value)),
                Err(error) => return Err(error.inside(&key)),
            }
            self.skip_space();
            if self.take(b'}') {
                check_keys(&mut members, self.folding)?;
                return Ok(Json::Object(members));
            }
            self.need(b',', "a comma or `}` was wanted here")?;
            self.skip_space();
        }
    }

    /// Reads a key and everything up to its value.
    fn key(&mut self) -> Result<String, RequestError> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("a key in double quotes was wanted here (trailing commas are not JSON)"));
        }
        let key = self.string()?;
        self.skip_space();
        self.need(b':', "a colon was wanted here")?;
        self.skip_space();
        Ok(key)
    }

    fn array(&mut self, depth: usize) -> Result<Json, RequestError> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            self.room(items.len(), "too many items in one list")?;
            match self.value(depth) {
                Ok(item) => items.push(item),
                Err(error) => return Err(error.inside_item(items.len())),
            }
            self.skip_space();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            self.need(b',', "a comma or `]` was wanted here")?;
            self.skip_space();
        }
    }

    fn string(&mut self) -> Result<String, RequestError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let run = plain_run(self.rest());
            if text.len() + run.len() > self.bounds.string_bytes {
                return Err(too_large("string too long (bytes)", self.bounds.string_bytes));
            }
            match std::str::from_utf8(run) {
                Ok(run) => text.push_str(run),
                Err(_) => return Err(self.fault("bytes that are not UTF-8; send UTF-8")),
            }
            self.at += run.len();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.fault("a control character inside a string; write it as an escape")),
                None => return Err(self.fault(ENDS_EARLY)),
            }
        }
    }

    fn escape(&mut self) -> Result<char, RequestError> {
        self.at += 1;
        let escaped = match self.peek() {
            Some(same @ (b'"' | b'\\' | b'/')) => char::from(same),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            Some(_) => return Err(self.fault("an escape that JSON does not have")),
            None => return Err(self.fault(ENDS_EARLY)),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// Reads `uXXXX`, and the second half of a surrogate pair.
    fn unicode(&mut self) -> Result<char, RequestError> {
        let first = self.code_unit()?;
        let code = match first {
            0 => return Err(self.fault("a NUL character inside a string, which nothing in the Docker API holds")),
            0xd800..=0xdbff => {
                self.need(b'\\', LONE_SURROGATE)?;
                let second = self.code_unit()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.fault(LONE_SURROGATE));
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            plain => plain,
        };
        char::from_u32(code).ok_or_else(|| self.fault(LONE_SURROGATE))
    }

    fn code_unit(&mut self) -> Result<u32, RequestError> {
        self.need(b'u', LONE_SURROGATE)?;
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(percent::hex) else {
                return Err(self.fault("four hexadecimal digits were wanted after `\\u`"));
            };
            code = code << 4 | u32::from(digit);
            self.at += 1;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Json, RequestError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        if text.len() > LONGEST_NUMBER {
            return Err(too_large("number too long (characters)", LONGEST_NUMBER));
        }
        Ok(Json::Number(text.iter().copied().map(char::from).collect()))
    }

    fn digits(&mut self) -> Result<(), RequestError> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        if digits == 0 { Err(self.fault("a digit was wanted here")) } else { Ok(()) }
    }

    fn word(&mut self, word: &[u8], json: Json) -> Result<Json, RequestError> {
        if !self.rest().starts_with(word) {
            return Err(
                self.fault("a value was wanted here: `true`, `false`, `null`, a number, a string, a list or an object")
            );
        }
        self.at += word.len();
        Ok(json)
    }

    fn deeper(&self, depth: usize) -> Result<usize, RequestError> {
        let limit = self.bounds.depth.min(DEEPEST);
        if depth < limit { Ok(depth + 1) } else { Err(RequestError::JsonTooDeep { place: String::new(), limit }) }
    }

    fn room(&self, items: usize, what: &'static str) -> Result<(), RequestError> {
        if items < self.bounds.items { Ok(()) } else { Err(too_large(what, self.bounds.items)) }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    fn need(&mut self, byte: u8, fault: &'static str) -> Result<(), RequestError> {
        if self.take(byte) {
            return Ok(());
        }
        Err(self.fault(if self.peek().is_none() { ENDS_EARLY } else { fault }))
    }

    fn skip_space(&mut self) {
        self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn fault(&self, fault: &'static str) -> RequestError {
        RequestError::Json { place: String::new(), at: self.at, fault }
    }
}

fn too_large(what: &'static str, limit: usize) -> RequestError {
    RequestError::JsonTooLarge { place: String::new(), what, limit }
}

/// The bytes of a string up to the next quote, escape or control character.
fn plain_run(rest: &[u8]) -> &[u8] {
    let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
    length.and_then(|length| rest.get(..length)).unwrap_or(rest)
}

/// Refuses keys that are there twice, and (for clients) keys that Go would take for one another, after dropping those
/// that are `null`: docker-java sends both `enableIPv6` and `EnableIPv6` so. Looks at the whole object at once, because
/// comparing each key with all others before it would be slow for large ones.
fn check_keys(members: &mut Vec<(String, Json)>, folding: Folding) -> Result<(), RequestError> {
    if members.len() < 2 {
        return Ok(());
    }
    let mut superfluous = Vec::new();
    for group in sorted_keys(members).chunk_by(|left, right| fold::same(left.text, right.text)) {
        if let Some(text) = repeated(group) {
            return Err(RequestError::Repeated { place: String::new() }.inside(text));
        }
        if folding == Folding::Refuse && group.len() > 1 {
            superfluous.extend(superfluous_nulls(group)?);
        }
    }
    if !superfluous.is_empty() {
        superfluous.sort_unstable();
        let mut indexes = 0..members.len();
        members.retain(|_| indexes.next().is_none_or(|index| superfluous.binary_search(&index).is_err()));
    }
    Ok(())
}

/// A key as it matters for comparing it with its neighbours.
struct Key<'a> {
    index: usize,
    text: &'a str,
    null: bool,
}

/// All keys of an object, those beside each other that Go would take for one another.
fn sorted_keys(members: &[(String, Json)]) -> Vec<Key<'_>> {
    let members = members.iter().enumerate();
    let mut keys: Vec<Key<'_>> =
        members.map(|(index, (text, value))| Key { index, text, null: *value == Json::Null }).collect();
    keys.sort_unstable_by(|left, right| fold::order(left.text, right.text).then_with(|| left.text.cmp(right.text)));
    keys
}

fn repeated<'a>(group: &[Key<'a>]) -> Option<&'a str> {
    let mut neighbours = group.iter().zip(group.iter().skip(1));
    neighbours.find(|(left, right)| left.text == right.text).map(|(left, _)| left.text)
}

/// The indexes of a group's members that are `null`, but for one where all are. A `null` behind a value is refused: to Go
/// it takes lists, maps and pointers back, to other readers it is another member.
fn superfluous_nulls(group: &[Key<'_>]) -> Result<Vec<usize>, RequestError> {
    let mut with_value = group.iter().filter(|key| !key.null);
    let first = with_value.next();
    if let (Some(first), Some(second)) = (first, with_value.next()) {
        return Err(RequestError::Spelling { place: String::new(), wanted: shorten(first.text) }.inside(second.text));
    }
    let behind = |value: &&Key<'_>| group.iter().find(|key| key.null && key.index > value.index);
    if let Some((value, null)) = first.and_then(|value| Some((value, behind(&value)?))) {
        return Err(RequestError::Spelling { place: String::new(), wanted: shorten(value.text) }.inside(null.text));
    }
    let kept = first.or_else(|| group.first()).map(|key| key.index);
    Ok(group.iter().map(|key| key.index).filter(|index| Some(*index) != kept).collect())
}

const ENDS_EARLY: &str = "the document ends too early";
const LONE_SURROGATE: &str = "half a surrogate pair; write both halves or the character itself";
/// No caller may ask for so much depth that reading or dropping the document needs a large stack.
const DEEPEST: usize = 256;
/// No number of the Docker API has more than 20 digits.
const LONGEST_NUMBER: usize = 256;
