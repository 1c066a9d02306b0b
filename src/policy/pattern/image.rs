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
mod tests;
