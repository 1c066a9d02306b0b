//! Image references as Docker reads them, and the patterns that allow some of them.
//!
//! Two spellings of one image must meet in one value, and two images must never do so: `postgres:16` and
//! `index.docker.io/library/postgres:16` are one, `Docker.io/…` and `docker.io:443/…` are others (Docker's reference
//! grammar, package `github.com/distribution/reference`, `ParseNormalizedNamed`). What that grammar refuses is refused
//! here; so is what only some of its versions take (IPv6 literals as registry).

use std::fmt;

use oci_spec::distribution::{ParseError, Reference};

use super::{PatternError, glob_matches};

/// An image reference in its canonical parts. Only an image name: 64 hex digits and `sha256:…` are image IDs and do not
/// parse.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageReference {
    /// The registry's host and port, `docker.io` where none was written.
    pub registry: String,
    /// The path in the registry, `library/postgres` for `postgres`.
    pub repository: String,
    /// The tag, where one was written.
    pub tag: Option<String>,
    /// The digest as `sha256:<64 hex>` (or sha384, sha512), where one was written.
    pub digest: Option<String>,
}

/// Why a text is not an image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageReferenceError {
    /// Characters outside ASCII, among them invisible ones.
    #[error("it holds characters outside ASCII")]
    NotAscii,
    /// 64 hex digits, or `sha256:…`: the engine reads them as an image ID before it looks for a name.
    #[error("64 hex digits, or `sha256:` before some, are an image ID and not a name")]
    Identifier,
    /// A digest in upper case, which the engine refuses.
    #[error("a digest is written in lower case")]
    DigestCase,
    /// A path longer than the engine's limit.
    #[error("the name is longer than 255 characters")]
    TooLong,
    /// A digest of another length or kind than the engine knows.
    #[error("the digest is not `sha256:` and 64 hex digits (or sha384, sha512)")]
    Digest,
    /// Everything else that does not follow the grammar.
    #[error("write it as `[registry/]name[:tag][@sha256:…]`, name in lower case, no scheme, no blanks")]
    Grammar,
}

/// Which images a policy allows: a reference in which `*` stands for any run of characters inside one component of the
/// path or inside the tag, never for `/`, `:` or part of the registry.
///
/// A pattern without tag and digest means `:latest`, as everywhere in Docker. About digests:
///
/// * a pattern with a digest matches only references to that digest (the engine ignores a tag beside it);
/// * a pattern without one matches a reference with a digest only when its tag is `*`, that is, when any content of
///   the repository is allowed. `postgres:16` does not match `postgres@sha256:…`, nor `postgres:16@sha256:…`, for
///   then the digest decides what runs and nobody knows whether the tag ever meant it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern {
    written: String,
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageReference {
    /// Reads a reference strictly as Docker does, without a default tag (a pull without one means all tags).
    ///
    /// # Errors
    /// When it is no image name, with the reason.
    pub fn parse(text: &str) -> Result<Self, ImageReferenceError> {
        // The grammar of the crate is Unicode aware where Docker's is not: `\w` in tags.
        if !text.is_ascii() {
            return Err(ImageReferenceError::NotAscii);
        }
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ImageReferenceError::Identifier);
        }
        let reference: Reference = text.parse().map_err(|error| explain(&error))?;
        // `Docker/postgres` is a registry to newer engines, an error to older ones, and a path to the crate.
        if reference.repository().bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ImageReferenceError::Grammar);
        }
        if reference.digest().is_some_and(|digest| digest.bytes().any(|byte| byte.is_ascii_uppercase())) {
            return Err(ImageReferenceError::DigestCase);
        }
        // To the grammar this is the repository `sha256`; the engine reads an image ID, or a part of one, first.
        if reference.registry() == DEFAULT_REGISTRY && reference.repository() == "library/sha256" {
            return Err(ImageReferenceError::Identifier);
        }
        // The crate adds `latest` where neither tag nor digest stands; the difference matters to a pull.
        let added = reference.tag() == Some(DEFAULT_TAG) && !text.contains(":latest");
        Ok(Self {
            registry: reference.registry().to_owned(),
            repository: reference.repository().to_owned(),
            tag: reference.tag().filter(|_| !added).map(str::to_owned),
            digest: reference.digest().map(str::to_owned),
        })
    }

    /// The same with `:latest` where neither tag nor digest stands, as create and inspect read it.
    #[must_use]
    pub fn with_default_tag(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some(DEFAULT_TAG.to_owned());
        }
        self
    }

    /// Whether the engine, where it has no image of this name, would take the text for the beginning of an image ID
    /// (it does so with one hex digit). Such an answer of its inspect does not list the name among `RepoTags`, and
    /// says nothing about the name.
    #[must_use]
    pub fn could_be_id_prefix(&self) -> bool {
        let name = self.familiar_name();
        let bare = self.tag.is_none() && self.digest.is_none();
        bare && name.len() <= 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// The name as the engine prints it, without tag and digest: `postgres`, `testcontainers/ryuk`, `quay.io/a/b`.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        if self.registry != DEFAULT_REGISTRY {
            return format!("{}/{}", self.registry, self.repository);
        }
        match self.repository.strip_prefix("library/") {
            Some(name) if !name.contains('/') => name.to_owned(),
            Some(_) | None => self.repository.clone(),
        }
    }

    /// The reference as the engine prints it: `postgres:16`, `redis:latest` for `redis`, `a/b@sha256:…`.
    #[must_use]
    pub fn familiar(&self) -> String {
        self.spell(self.familiar_name())
    }

    /// The reference in full: `docker.io/library/postgres:16`.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.spell(format!("{}/{}", self.registry, self.repository))
    }

    fn spell(&self, mut name: String) -> String {
        let tag = self.tag.as_deref().or_else(|| self.digest.is_none().then_some(DEFAULT_TAG));
        for (mark, part) in [(':', tag), ('@', self.digest.as_deref())] {
            if let Some(part) = part {
                name.push(mark);
                name.push_str(part);
            }
        }
        name
    }
}

impl ImagePattern {
    /// Reads a pattern. The familiar spelling of Docker Hub images is the same pattern as the full one.
    ///
    /// # Errors
    /// When the text would be no image reference if each `*` were a letter, or a `*` stands in the registry.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let wrong = |problem: &str| PatternError::Image { pattern: text.to_owned(), problem: problem.to_owned() };
        if text.contains("**") {
            return Err(wrong("`**` has no meaning; `*` stays inside one component"));
        }
        let example = ImageReference::parse(&text.replace('*', STAND_IN)).map_err(|e| wrong(&e.to_string()))?;
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| digest.contains('*')) {
            return Err(wrong("a digest is written in full"));
        }
        let (name, tag) = match example.tag {
            Some(_) => name.rsplit_once(':').map_or((name, None), |(name, tag)| (name, Some(tag))),
            None => (name, None),
        };
        let (registry, repository) = split_registry(name);
        if registry.contains('*') {
            return Err(wrong("a registry is written in full"));
        }
        if registry != example.registry || repository.replace('*', STAND_IN) != example.repository {
            return Err(wrong("it cannot be read in one way only; write registry and path in full"));
        }
        let tag = tag.or_else(|| digest.is_none().then_some(DEFAULT_TAG));
        Ok(Self {
            written: text.to_owned(),
            registry,
            repository,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// Whether a reference is allowed. One without tag and digest is read as `:latest`; a pull, which would read it as
    /// all tags, has to be refused before.
    #[must_use]
    pub fn matches(&self, reference: &ImageReference) -> bool {
        if self.registry != reference.registry || !self.covers_repository(&reference.repository) {
            return false;
        }
        match (&self.digest, &reference.digest) {
            (Some(pinned), Some(digest)) => {
                pinned == digest && reference.tag.as_ref().is_none_or(|tag| self.covers_tag(tag))
            }
            (Some(_), None) => false,
            (None, Some(_)) => self.is_any_tag(),
            (None, None) => self.covers_tag(reference.tag.as_deref().unwrap_or(DEFAULT_TAG)),
        }
    }

    /// Whether an image that was found by its ID is allowed under one of the names that the engine's inspect shows
    /// for it (`RepoTags`, `RepoDigests`). What does not parse (`<none>:<none>`) counts for nothing.
    #[must_use]
    pub fn matches_any_of(&self, repo_tags: &[String], repo_digests: &[String]) -> bool {
        let names = repo_tags.iter().chain(repo_digests);
        names.filter_map(|name| ImageReference::parse(name).ok()).any(|reference| self.matches(&reference))
    }

    /// Whether any content of the repository is allowed.
    #[must_use]
    pub fn is_any_tag(&self) -> bool {
        self.digest.is_none() && self.tag.as_deref() == Some("*")
    }

    /// Whether the pattern pins one content by its digest.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        self.digest.is_some()
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    fn covers_repository(&self, repository: &str) -> bool {
        let same_depth = self.repository.split('/').count() == repository.split('/').count();
        let mut components = self.repository.split('/').zip(repository.split('/'));
        same_depth && components.all(|(pattern, component)| glob_matches(pattern, component))
    }

    /// A pattern that is nothing but a digest says nothing about tags, and the digest decides alone.
    fn covers_tag(&self, tag: &str) -> bool {
        self.tag.as_deref().is_none_or(|pattern| glob_matches(pattern, tag))
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.familiar())
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn explain(error: &ParseError) -> ImageReferenceError {
    match error {
        ParseError::NameTooLong => ImageReferenceError::TooLong,
        ParseError::DigestInvalidFormat | ParseError::DigestInvalidLength | ParseError::DigestUnsupported => {
            ImageReferenceError::Digest
        }
        ParseError::NameContainsUppercase
        | ParseError::NameEmpty
        | ParseError::ReferenceInvalidFormat
        | ParseError::TagInvalidFormat => ImageReferenceError::Grammar,
    }
}

/// Docker's rule: the first component is a registry when it has a dot or a colon, or is `localhost`; otherwise the
/// image is on Docker Hub, under `library/` when it has one component only.
fn split_registry(name: &str) -> (String, String) {
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if is_registry(first) => (first, path),
        Some(_) | None => (DEFAULT_REGISTRY, name),
    };
    let registry = if registry == LEGACY_REGISTRY { DEFAULT_REGISTRY } else { registry };
    let official = registry == DEFAULT_REGISTRY && !path.contains('/');
    let path = if official { format!("library/{path}") } else { path.to_owned() };
    (registry.to_owned(), path)
}

fn is_registry(component: &str) -> bool {
    component.contains(['.', ':']) || component == "localhost"
}

const DEFAULT_REGISTRY: &str = "docker.io";
const LEGACY_REGISTRY: &str = "index.docker.io";
const DEFAULT_TAG: &str = "latest";

/// What a `*` is replaced by to see whether a pattern has the form of a reference.
const STAND_IN: &str = "a";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    const ONES: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

    fn reference(text: &str) -> ImageReference {
        ImageReference::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn pattern(text: &str) -> ImagePattern {
        ImagePattern::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn allows(allowed: &str, asked: &str) -> bool {
        ImageReference::parse(asked).is_ok_and(|asked| pattern(allowed).matches(&asked))
    }

    #[test]
    fn what_docker_refuses_is_no_reference() {
        let long = "a".repeat(256);
        for text in [
            "",
            " ",
            "postgres:16 ",
            " postgres:16",
            "postgres:16\n",
            "postgres:16\0",
            "postgres:",
            "postgres:16@",
            "postgres@sha256:",
            "postgres@sha256:00",
            "postgres@md5:00000000000000000000000000000000",
            ":16",
            "library//postgres:16",
            "./postgres:16",
            "../postgres",
            "/postgres:16",
            "postgres/:16",
            "Postgres:16",
            "library/Postgres:16",
            "Library/postgres:16",
            "https://docker.io/library/postgres:16",
            "docker.io/library/postgres:16:17",
            "postgres:16\u{200b}",
            "postgres:\u{df}",
            "p\u{43e}stgres:16",
            "postgres:16?x=y",
            "postgres:16#x",
            "postgres:16%20",
            "post*gres",
            "-postgres",
            "postgres-",
            "[::1]:5000/postgres:16",
            &long,
        ] {
            assert!(ImageReference::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn image_ids_are_no_names() {
        let hex = ZEROS.trim_start_matches("sha256:");
        assert_eq!(ImageReference::parse(hex), Err(ImageReferenceError::Identifier));
        for text in [ZEROS, "sha256:deadbeef", "sha256", "library/sha256:0", "docker.io/sha256:0"] {
            assert_eq!(ImageReference::parse(text), Err(ImageReferenceError::Identifier), "{text}");
        }
        assert!(!allows("*:*", "sha256:deadbeef"));
    }

    #[test]
    fn a_short_id_is_a_name_to_the_grammar_and_told_apart() {
        assert!(!allows("postgres:16", "deadbeef"));
        for (text, expected) in
            [("deadbeef", true), ("a", true), ("cafe:1", false), ("x/cafe", false), ("cafes", false)]
        {
            assert_eq!(reference(text).could_be_id_prefix(), expected, "{text}");
        }
    }

    #[test]
    fn a_digest_in_upper_case_is_refused() {
        let upper = format!("postgres@sha256:{}", "A".repeat(64));
        assert_eq!(ImageReference::parse(&upper), Err(ImageReferenceError::DigestCase));
    }

    #[test]
    fn all_spellings_of_an_image_are_one() {
        let canonical = reference("docker.io/library/postgres:16");
        for text in
            ["postgres:16", "library/postgres:16", "docker.io/postgres:16", "index.docker.io/library/postgres:16"]
        {
            assert_eq!(reference(text), canonical, "{text}");
            assert_eq!(reference(text).familiar(), "postgres:16");
            assert_eq!(reference(text).canonical(), "docker.io/library/postgres:16");
        }
    }

    #[test]
    fn other_registries_are_other_images() {
        for asked in [
            "evil.example/library/postgres:16",
            "docker.io:443/library/postgres:16",
            "Docker.io/library/postgres:16",
            "DOCKER.IO/library/postgres:16",
            "registry-1.docker.io/library/postgres:16",
            "index.docker.io:443/library/postgres:16",
            "localhost/library/postgres:16",
            "localhost:5000/postgres:16",
            "docker.io./library/postgres:16",
            "evil/postgres:16",
            "library/library/postgres:16",
            "docker/library/postgres:16",
        ] {
            for allowed in ["postgres:16", "postgres:*", "library/*:16", "*:16"] {
                assert!(!allows(allowed, asked), "{allowed} on {asked}");
            }
        }
    }

    #[test]
    fn other_images_do_not_match() {
        for asked in [
            "evil:1",
            "postgres",
            "postgres:latest",
            "postgres:16-alpine",
            "postgres:1",
            "postgres:160",
            "mypostgres:16",
            "postgres2:16",
            "scratch",
            &format!("postgres@{ZEROS}"),
            &format!("postgres:16@{ZEROS}"),
        ] {
            assert!(!allows("postgres:16", asked), "{asked}");
        }
    }

    #[test]
    fn a_star_stays_in_its_component() {
        for (allowed, asked, expected) in [
            ("agent/*:1", "agent/a:1", true),
            ("agent/*:1", "agent/a/b:1", false),
            ("agent/*:1", "agent:1", false),
            ("agent/test-*", "agent/test-db", true),
            ("agent/test-*", "agent/test-db:2", false),
            ("agent/test-*:*", "agent/test-db:2", true),
            ("*/db:1", "team/db:1", true),
            ("*/db:1", "registry.example/db:1", false),
            ("quay.io/*/db:1", "quay.io/team/db:1", true),
            ("postgres:16*", "postgres:16", true),
            ("postgres:16*", "postgres:16.4-alpine", true),
            ("postgres:16*", "postgres:15", false),
            ("localhost/*:1", "localhost/a:1", true),
            ("*:1", "anything:1", true),
            ("*:1", "team/anything:1", false),
        ] {
            assert_eq!(allows(allowed, asked), expected, "{allowed} on {asked}");
        }
    }

    #[test]
    fn a_digest_decides_alone() {
        let pinned = format!("postgres@{ZEROS}");
        let tagged = format!("postgres:16@{ZEROS}");
        for (allowed, asked, expected) in [
            (pinned.as_str(), pinned.as_str(), true),
            (&pinned, &tagged, true),
            (&pinned, "postgres:16", false),
            (&pinned, "postgres", false),
            (&tagged, &pinned, true),
            (&tagged, &tagged, true),
            (&tagged, "postgres:16", false),
            (&tagged, &format!("postgres:17@{ZEROS}"), false),
            (&tagged, &format!("postgres:16@{ONES}"), false),
            (&pinned, &format!("redis@{ZEROS}"), false),
            ("postgres:*", &pinned, true),
            ("postgres:16*", &pinned, false),
            ("postgres", &pinned, false),
        ] {
            assert_eq!(allows(allowed, asked), expected, "{allowed} on {asked}");
        }
    }

    #[test]
    fn an_image_by_id_is_judged_by_its_names() {
        let tags = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let digests = tags(&[&format!("postgres@{ZEROS}")]);
        assert!(pattern("postgres:16").matches_any_of(&tags(&["redis:7", "postgres:16"]), &[]));
        assert!(!pattern("postgres:16").matches_any_of(&tags(&["<none>:<none>", "redis:7"]), &digests));
        assert!(!pattern("postgres:16").matches_any_of(&[], &[]));
        assert!(pattern(&format!("postgres:16@{ZEROS}")).matches_any_of(&[], &digests));
        assert!(!pattern(&format!("postgres@{ONES}")).matches_any_of(&tags(&["postgres:16"]), &digests));
    }

    #[test]
    fn no_tag_is_the_latest_and_stays_visible() {
        assert_eq!(reference("redis").tag, None);
        assert_eq!(reference("redis:latest").tag.as_deref(), Some("latest"));
        assert_eq!(reference("redis").familiar(), "redis:latest");
        assert_eq!(reference("redis").with_default_tag(), reference("redis:latest"));
        assert_eq!(reference("host.example:5000/redis").tag, None);
        assert!(allows("redis", "redis:latest") && allows("redis:latest", "redis"));
        let pinned = format!("redis@{ZEROS}");
        assert_eq!(reference(&pinned).with_default_tag().familiar(), pinned);
    }

    #[test]
    fn familiar_names_are_those_of_the_engine() {
        for (text, familiar) in [
            ("docker.io/testcontainers/ryuk:0.14.0", "testcontainers/ryuk:0.14.0"),
            ("docker.io/library/a/b:1", "library/a/b:1"),
            ("quay.io/library/postgres:16", "quay.io/library/postgres:16"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
        ] {
            assert_eq!(reference(text).familiar(), familiar);
        }
    }

    #[test]
    fn patterns_are_references_with_stars() {
        for text in [
            "",
            "*:*:*",
            "**",
            "postgres:**",
            "Postgres:16",
            "https://postgres",
            "*.example/db",
            "registry.*:5000/db",
            "db:16@sha256:*",
            "db@*",
            "*@*",
            "db ",
            "library//db",
            "db:\u{df}*",
        ] {
            assert!(ImagePattern::parse(text).is_err(), "{text:?}");
        }
        let error = ImagePattern::parse("*.example/db").expect_err("a star in the registry");
        assert_eq!(error.to_string(), "`*.example/db` is not an image reference: a registry is written in full");
    }

    proptest! {
        #[test]
        fn canonical_spelling_is_a_fixed_point(text in "([a-zA-Z0-9.-]{1,8}(:[0-9]{1,4})?/)?[a-z0-9._/-]{1,12}(:[a-zA-Z0-9._-]{1,6})?") {
            if let Ok(parsed) = ImageReference::parse(&text) {
                let parsed = parsed.with_default_tag();
                prop_assert_eq!(&reference(&parsed.canonical()), &parsed);
                prop_assert_eq!(&reference(&parsed.familiar()), &parsed);
                prop_assert!(pattern(&text).matches(&parsed));
            }
        }

        #[test]
        fn a_literal_pattern_matches_nothing_but_its_image(asked in "\\PC{0,24}") {
            if let Ok(asked) = ImageReference::parse(&asked) {
                let same = asked.clone().with_default_tag().canonical() == "docker.io/library/postgres:16";
                prop_assert_eq!(pattern("postgres:16").matches(&asked), same);
            }
        }
    }
}
