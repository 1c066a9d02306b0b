//! The path of a request, split and decoded exactly once.
//!
//! Engines route on the decoded path and clean it, Podman on the encoded one. So everything on which two readers could
//! differ is refused; the one thing left open is a separator encoded inside a segment (`testcontainers%2Fryuk:0.14.0`),
//! which is marked, for the route table to allow in image names and nowhere else.

use super::error::{RequestError, shorten};
use super::percent;
use super::version::ApiVersion;

/// A decoded path without its version prefix. No segment is empty, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    segments: Vec<Segment>,
}

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The text, percent-decoded once.
    pub text: String,
    /// Whether the client encoded a `/` inside it; `text` then holds that `/`.
    pub encoded_separator: bool,
}

/// The longest path that is read, in bytes as sent.
pub const LONGEST: usize = 8 * 1024;

impl Path {
    /// The segments after the version prefix; empty for a bare prefix.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Reads the path of an origin-form target and takes its version prefix off.
    ///
    /// # Errors
    /// [`RequestError::Target`] when it does not begin with `/`, [`RequestError::PathTooLong`], [`RequestError::Path`],
    /// [`RequestError::Libpod`] for Podman's own API under any prefix, [`RequestError::Version`].
    pub fn read(raw: &str) -> Result<(Option<ApiVersion>, Self), RequestError> {
        if raw.len() > LONGEST {
            return Err(RequestError::PathTooLong { limit: LONGEST });
        }
        let raw = raw.strip_prefix('/').ok_or(RequestError::Target)?;
        let mut segments = raw.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        if segments.iter().any(Segment::is_libpod) {
            return Err(RequestError::Libpod);
        }
        let version = version_of(segments.first())?;
        if version.is_some() {
            segments.remove(0);
            // One prefix is enough; a second one would be read differently by different routers.
            if let (Some(_), Some(second)) = (version_of(segments.first())?, segments.first()) {
                return Err(RequestError::Version { text: shorten(&second.text) });
            }
        }
        Ok((version, Self { segments }))
    }
}

impl Segment {
    fn is_libpod(&self) -> bool {
        self.text.split('/').any(|part| part.eq_ignore_ascii_case("libpod"))
    }
}

fn version_of(first: Option<&Segment>) -> Result<Option<ApiVersion>, RequestError> {
    first.map_or(Ok(None), |segment| ApiVersion::read(&segment.text))
}

fn segment(raw: &str) -> Result<Segment, RequestError> {
    let refuse = |fault| RequestError::Path { segment: shorten(raw), fault };
    let text = percent::decode(raw, false).map_err(refuse)?;
    match text.chars().find_map(fault_of).or_else(|| text.split('/').find_map(fault_of_part)) {
        Some(fault) => Err(refuse(fault)),
        None => Ok(Segment { encoded_separator: text.contains('/'), text }),
    }
}

fn fault_of(character: char) -> Option<&'static str> {
    match character {
        '\\' => Some("holds a backslash, which no Docker path has"),
        '#' => Some("holds a `#`, which no Docker path has"),
        '?' => Some("holds an encoded `?`, which no Docker path has"),
        '%' => Some("is percent-encoded twice; encode it once"),
        other if other.is_control() => Some("holds a control character"),
        other if other.is_whitespace() => Some("holds a space, which no Docker path has"),
        _ => None,
    }
}

/// A part is what stands between separators, encoded ones included, because engines split at both.
fn fault_of_part(part: &str) -> Option<&'static str> {
    match part {
        "" => Some("is or holds an empty segment (`//` or a slash at the end); leave the extra slash out"),
        "." | ".." => Some("is or holds a dot segment; name the path without it"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(raw: &str) -> Vec<String> {
        let (_, path) = Path::read(raw).unwrap();
        path.segments().iter().map(|segment| segment.text.clone()).collect()
    }

    #[test]
    fn paths_that_readers_could_split_differently_are_refused() {
        for raw in [
            "/",
            "//",
            "//containers/json",
            "/v1.41//containers/json",
            "/v1.41/./containers/json",
            "/networks/",
            "/v1.41/version/../containers/a/export",
            "/containers/x%2f..%2fy/export",
            "/containers/%2e%2e/json",
            "/containers/a%2f/json",
            "/containers/%2Fa/json",
            "/containers/a%2f%2fb/json",
            "/containers/a%0a/json",
            "/containers/a%00/json",
            "/containers/a%23/json",
            "/containers/a%3fall=1",
            "/containers/%252e%252e/json",
            "/containers/a%25/json",
            "/containers/%zz/json",
            "/containers/a%2",
            "/v1.41\\containers\\json",
            "/containers/a%5cb/json",
            "/containers/a%20b/json",
            "/containers/%ff/json",
            "/containers/a%7f/json",
            "/containers/a%e2%80%a8/json",
            "/containers/a%c2%a0/json",
            "/containers/json/",
        ] {
            assert!(matches!(Path::read(raw), Err(RequestError::Path { .. })), "{raw}: {:?}", Path::read(raw));
        }
    }

    #[test]
    fn targets_without_a_leading_slash_are_refused() {
        for raw in ["", "*", "containers/json", "http:/x"] {
            assert_eq!(Path::read(raw), Err(RequestError::Target), "{raw}");
        }
    }

    #[test]
    fn libpod_is_named_before_anything_else_about_the_version() {
        for raw in [
            "/v4.0.0/libpod/containers/create",
            "/libpod/info",
            "/v1.41/LibPod/x",
            "/v4.0.0%2flibpod/x",
            "/v1.41/%6cibpod/x",
            "/containers/libpod/json",
        ] {
            assert_eq!(Path::read(raw), Err(RequestError::Libpod), "{raw}");
        }
    }

    #[test]
    fn a_version_is_taken_off_once() {
        assert_eq!(Path::read("/v1.41/_ping").unwrap().0, Some(ApiVersion::new(1, 41)));
        assert_eq!(texts("/v1.41/_ping"), ["_ping"]);
        assert_eq!(texts("/_ping"), ["_ping"]);
        assert!(texts("/v1.41").is_empty());
        for raw in ["/v1.41/v1.41/info", "/v1.41/v1/info", "/v1.41%2fcontainers/json", "/%76%31/info"] {
            assert!(matches!(Path::read(raw), Err(RequestError::Version { .. })), "{raw}");
        }
    }

    #[test]
    fn a_path_over_the_bound_is_refused() {
        let fits = format!("/{}", "a".repeat(LONGEST - 1));
        assert!(Path::read(&fits).is_ok());
        assert_eq!(Path::read(&format!("{fits}a")), Err(RequestError::PathTooLong { limit: LONGEST }));
    }

    #[test]
    fn encoded_separators_are_marked_and_nothing_else() {
        let (_, path) = Path::read("/images/testcontainers%2Fryuk:0.14.0/json").unwrap();
        let wanted = Segment { text: "testcontainers/ryuk:0.14.0".to_owned(), encoded_separator: true };
        assert_eq!(path.segments().get(1), Some(&wanted));
        assert!(path.segments().iter().filter(|segment| segment.encoded_separator).count() == 1);
        assert_eq!(texts("/images/sha256:ab@c+d/json"), ["images", "sha256:ab@c+d", "json"]);
    }

    #[test]
    fn the_message_shows_the_segment_and_stays_on_one_line() {
        let error = Path::read("/containers/a%0Ab/json").unwrap_err();
        assert_eq!(error.to_string(), "path segment `a%0Ab` holds a control character");
        assert_eq!((error.status(), error.place()), (400, "path"));
    }
}
