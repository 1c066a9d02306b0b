//! Percent encoding (RFC 3986 §2.1), decoded exactly once and strictly, written for everything but unreserved
//! characters.
//!
//! A bad escape or bytes that are not UTF-8 are an error, never passed on or replaced.

use std::fmt::Write as _;

/// What is wrong with an encoded text; reads on from the name of the text.
pub(super) type Fault = &'static str;

/// Decodes each `%XX` once. With `plus_is_space` (query strings) a `+` is a space.
pub(super) fn decode(raw: &str, plus_is_space: bool) -> Result<String, Fault> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => escape(bytes.next(), bytes.next()).ok_or("has a percent sign without two hexadecimal digits")?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| "is not UTF-8 after decoding")
}

/// Appends `text` with everything encoded but letters, digits, `-`, `.`, `_` and `~`.
pub fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

fn escape(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let value = hex(high?)? << 4 | hex(low?)?;
    Some(value)
}

/// The value of one hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_escapes_and_bad_utf8_are_refused() {
        for raw in ["%", "%4", "%zz", "a%4g", "%%41", "%+1"] {
            assert!(decode(raw, false).is_err(), "{raw}");
        }
        assert_eq!(decode("%ff", false), Err("is not UTF-8 after decoding"));
        assert_eq!(decode("%c0%af", false), Err("is not UTF-8 after decoding"), "an overlong slash");
    }

    #[test]
    fn each_escape_is_decoded_once() {
        assert_eq!(decode("%252e", false).as_deref(), Ok("%2e"));
        assert_eq!(decode("a%20b+c", false).as_deref(), Ok("a b+c"));
        assert_eq!(decode("a%20b+c", true).as_deref(), Ok("a b c"));
    }

    #[test]
    fn everything_but_unreserved_is_written_encoded() {
        let mut out = String::new();
        encode(&mut out, "aZ09-._~ /:é%");
        assert_eq!(out, "aZ09-._~%20%2F%3A%C3%A9%25");
    }
}
