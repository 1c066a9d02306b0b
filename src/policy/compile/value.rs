//! Single values of a policy file: a pattern, a port, a path, a size, a span of time. Each reader takes the text and
//! answers with the value, or with what is wrong in words for its author.

use std::time::Duration;

use super::BindGrant;
use crate::policy::file::keys;
use crate::policy::host_path;
use crate::policy::pattern::{ImagePattern, Pattern, PortPattern};

pub(crate) fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::parse(text).map_err(|error| error.to_string())
}

pub(crate) fn image(text: &str) -> Result<ImagePattern, String> {
    ImagePattern::parse(text).map_err(|error| error.to_string())
}

pub(crate) fn port(text: &str) -> Result<PortPattern, String> {
    PortPattern::parse(text).map_err(|error| error.to_string())
}

pub(crate) fn env_key(text: &str) -> Result<Pattern, String> {
    if text.contains('=') {
        return Err(format!("`{text}` is a key with a value; write the key alone, the value is the client's"));
    }
    pattern(text)
}

pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err(format!("`{text}` is not `key=value`")),
    }
}

pub(crate) fn network(text: &str) -> Result<Pattern, String> {
    refuse_network_mode(text, keys::CONTAINERS_HOST_NETWORK)?;
    pattern(text)
}

pub(crate) fn attached(text: &str) -> Result<String, String> {
    refuse_network_mode(text, keys::CONTAINERS_HOST_NETWORK)?;
    if ["", "none", "default"].contains(&text)
        || text.contains(['*', '/', ':'])
        || text.chars().any(char::is_whitespace)
    {
        return Err(format!("`{text}` is not a network to attach to; write the name of one, without `*`"));
    }
    Ok(text.to_owned())
}

/// Network modes that are powers over the host, or other containers' networks, are not networks.
fn refuse_network_mode(text: &str, instead: &str) -> Result<(), String> {
    let mode = text.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
    if mode == "host" {
        return Err(format!("`{text}` is the host's own network; that is `{instead}`"));
    }
    if mode == "container" {
        return Err(format!("`{text}` is not a network; own containers' networks need no key"));
    }
    Ok(())
}

/// An absolute path in the only spelling that means it.
pub(crate) fn path(text: &str) -> Result<String, String> {
    let clean = text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|part| !["", ".", ".."].contains(&part)));
    if !clean || text.contains([':', ',', '*']) || text.chars().any(char::is_control) {
        return Err(format!("`{text}` is not an absolute path without `.`, `..`, `//`, `:`, `,` and `*`"));
    }
    Ok(text.to_owned())
}

pub(crate) fn bind(text: &str) -> Result<BindGrant, String> {
    let (source, writable) = match text.rsplit_once(':') {
        Some((source, "rw")) => (source, true),
        Some((source, "ro")) => (source, false),
        Some(_) | None => (text, false),
    };
    let source = path(source)?;
    match host_path::closed(&source, &[]) {
        None => Ok(BindGrant { source, writable }),
        Some(closed) => Err(format!("`{source}` can be bound by no policy: {}", closed.why())),
    }
}

pub(crate) fn log_driver(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain { Ok(text.to_owned()) } else { Err(format!("`{text}` is not a log driver, as `local` or `json-file`")) }
}

pub(crate) fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a span of time; write `90s`, `30m`, `2h`, or `unlimited`");
    let lifetime = humantime::parse_duration(text).map_err(|_| wrong())?;
    if lifetime.is_zero() {
        return Err("a lifetime of zero allows nothing; leave `images.allow` empty instead".to_owned());
    }
    if lifetime > LONGEST_LIFETIME {
        return Err(format!("`{text}` is more than a year; write `unlimited`"));
    }
    Ok(lifetime)
}

/// Reads `512MiB`, `20MB`, `1 GiB`: a whole number and a unit of bytes, binary or decimal.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size; write `512MiB`, `1GiB`, `20MB`, or `unlimited`");
    let (number, unit) = match text.find(|letter: char| !letter.is_ascii_digit()) {
        Some(end) => text.split_at_checked(end).ok_or_else(wrong)?,
        None => (text, ""),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.trim_start();
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let bytes = number.checked_mul(*factor).filter(|bytes| i64::try_from(*bytes).is_ok());
    match bytes {
        Some(0) => Err("0 means no limit to the engine; write `unlimited` if that is meant".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err(format!("`{text}` is more than the engine can count")),
    }
}

const LONGEST_LIFETIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Units of bytes, and how many each is.
pub(crate) const UNITS: [(&str, u64); 10] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_need_a_number_and_a_unit() {
        for text in ["", "1", "GiB", "1 gib", "1g", "512m", "-1MiB", "1.5GiB", "+1MiB", "1MiBs", "1 M iB", "unlimitedd"]
        {
            assert!(size(text).is_err(), "{text}");
        }
        assert!(size("0MiB").is_err_and(|message| message.contains("0 means no limit")));
        for huge in ["9223372036854775808B", "8388608TiB", "18446744073709551615B", "99999999999999999999B"] {
            assert!(size(huge).is_err(), "{huge}");
        }
    }

    #[test]
    fn sizes_are_binary_or_decimal() {
        let expected = [("512MiB", 512 << 20), ("1GiB", 1 << 30), ("20MB", 20_000_000), ("1 KiB", 1024), ("7B", 7)];
        for (text, bytes) in expected {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        assert_eq!(size("9223372036854775807B"), Ok(9_223_372_036_854_775_807));
    }

    #[test]
    fn lifetimes_are_bounded() {
        for text in ["", "30", "0s", "-5m", "half an hour", "2years", "99999999999999999999s"] {
            assert!(lifetime(text).is_err(), "{text}");
        }
        assert_eq!(lifetime("30m"), Ok(Duration::from_secs(1800)));
        assert_eq!(lifetime("1h 30m"), Ok(Duration::from_secs(5400)));
    }

    #[test]
    fn paths_have_one_spelling() {
        for text in ["", "/", "x", "./x", "/x/", "//x", "/x//y", "/x/../y", "/x/.", "/x:y", "/x,size=1g", "/x*", "/x\0"]
        {
            assert!(path(text).is_err(), "{text}");
        }
        assert_eq!(path("/var/lib/postgresql/data").as_deref(), Ok("/var/lib/postgresql/data"));
    }

    #[test]
    fn binds_are_read_only_unless_said() {
        let read = |text| bind(text).map(|grant| (grant.source, grant.writable));
        assert_eq!(read("/srv/fixtures"), Ok(("/srv/fixtures".to_owned(), false)));
        assert_eq!(read("/srv/fixtures:ro"), Ok(("/srv/fixtures".to_owned(), false)));
        assert_eq!(read("/srv/fixtures:rw"), Ok(("/srv/fixtures".to_owned(), true)));
        for text in ["fixtures", "/a:/b", "/a:rw:rw", "/a:rshared", ":rw", "/:rw"] {
            assert!(bind(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_hosts_network_is_no_network() {
        for text in ["host", "HOST", "host ", "container:abc", "host:x"] {
            assert!(network(text).is_err(), "{text}");
            assert!(attached(text).is_err(), "{text}");
        }
        for text in ["", "none", "default", "dev-*", "a b", "a/b"] {
            assert!(attached(text).is_err(), "{text}");
        }
        assert_eq!(attached("dev-internal").as_deref(), Ok("dev-internal"));
        assert!(network("bridge").is_ok());
    }

    #[test]
    fn env_keys_carry_no_value() {
        assert!(env_key("TZ=UTC").is_err());
        assert!(env_key("LC_*").is_ok());
    }
}
