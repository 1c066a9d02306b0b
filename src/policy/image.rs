//! Judges operations on images: which may be seen, and which may be pulled.
//!
//! Must never tell by its answer that an image exists which the policy does not name.

use super::compile::RegistryAuth;
use super::denial::{Denial, shown};
use super::facts::{FactQuery, Facts, ImageFacts};
use super::judge::{Judge, Judged};
use super::pattern::{ImagePattern, ImageReference};
use super::{image_change, word};
use crate::operation::Operation;
use crate::operation::image::{ImageCreateQuery, ImageHistoryQuery, ImageInspectQuery, ImageListQuery, ImageOperation};
use crate::request::{Filters, Secret};

pub(super) fn questions(judge: &Judge<'_>, operation: &ImageOperation) -> Vec<FactQuery> {
    match operation {
        ImageOperation::Inspect { name, query: _ }
        | ImageOperation::Delete { name, query: _ }
        | ImageOperation::Tag { name, query: _ }
        | ImageOperation::History { name, query: _ }
            if !judge.policy.unrestricted =>
        {
            vec![FactQuery::Image(name.clone())]
        }
        ImageOperation::Inspect { .. }
        | ImageOperation::List(_)
        | ImageOperation::Create { .. }
        | ImageOperation::Delete { .. }
        | ImageOperation::Tag { .. }
        | ImageOperation::History { .. }
        | ImageOperation::Push { .. }
        | ImageOperation::Distribution { .. } => Vec::new(),
    }
}

pub(super) fn decide(judge: &Judge<'_>, operation: ImageOperation, facts: &Facts) -> Result<Judged, Denial> {
    if judge.policy.unrestricted {
        return Ok(Judged::as_is(Operation::Image(operation)));
    }
    let id = operation.operation_id();
    if !judge.sees_anything() {
        return Err(judge.refuse(id, "", "asks about images", "to see nothing", "containers.see"));
    }
    match operation {
        ImageOperation::List(query) => {
            let ImageListQuery { all: _, filters: _, filter: _, shared_size: _, digests: _, manifests: _, identity: _ } =
                &query;
            names_allowed_images(judge, &query.filters)?;
            Ok(Judged::filtered(Operation::Image(ImageOperation::List(query))))
        }
        ImageOperation::Inspect { name, query } => inspect(judge, name, query, facts),
        ImageOperation::Create { query, registry_auth } => pull(judge, query, registry_auth),
        ImageOperation::Delete { name, query } => image_change::delete(judge, &name, query, facts),
        ImageOperation::Tag { name, query } => image_change::tag(judge, &name, &query, facts),
        ImageOperation::History { name, query } => history(judge, name, query, facts),
        ImageOperation::Push { name, query, registry_auth } => image_change::push(judge, &name, &query, registry_auth),
        ImageOperation::Distribution { name, registry_auth } => image_change::distribution(judge, &name, registry_auth),
    }
}

/// The engine answers 404 where these filters name an image that does not exist, and so tells which ones do.
fn names_allowed_images(judge: &Judge<'_>, filters: &Filters) -> Result<(), Denial> {
    let allowed = |text: &String| {
        !could_be_an_id(text) && ImageReference::parse(text).is_ok_and(|image| judge.policy.shows_image(&image))
    };
    let named = ["before", "since"].into_iter().flat_map(|name| filters.values(name));
    match named.into_iter().find(|text| !allowed(text)) {
        None => Ok(()),
        Some(text) => Err(judge.refuse("ImageList", "filters", shown(text), allowed_images(judge), "images.allow")),
    }
}

fn inspect(judge: &Judge<'_>, name: String, query: ImageInspectQuery, facts: &Facts) -> Result<Judged, Denial> {
    let ImageInspectQuery { manifests: _, platform } = &query;
    platform_document(judge, "ImageInspect", "platform", platform)?;
    let name = shown_name(judge, name, facts)?;
    Ok(Judged::filtered(Operation::Image(ImageOperation::Inspect { name, query })))
}

fn history(judge: &Judge<'_>, name: String, query: ImageHistoryQuery, facts: &Facts) -> Result<Judged, Denial> {
    let ImageHistoryQuery { platform } = &query;
    platform_document(judge, "ImageHistory", "platform", platform)?;
    let name = shown_name(judge, name, facts)?;
    Ok(Judged::filtered(Operation::Image(ImageOperation::History { name, query })))
}

/// The name of an image that the client may see, or its ID where the client means it by that.
fn shown_name(judge: &Judge<'_>, name: String, facts: &Facts) -> Result<String, Denial> {
    match facts.image(&name).and_then(|image| seen(judge, &name, image)) {
        Some(id) => Ok(if names_by_id(&name, id) { id.to_owned() } else { name }),
        None => Err(Denial::no_such_image(&familiar(&name))),
    }
}

/// A platform as a JSON document, which the engine reads strictly.
pub(super) fn platform_document(
    judge: &Judge<'_>,
    id: &'static str,
    place: &'static str,
    text: &str,
) -> Result<(), Denial> {
    let why = "a platform is a short JSON document";
    if text.len() <= 256 { Ok(()) } else { Err(judge.floor(id, place, shown(text), why)) }
}

/// Whether a client may look at the image: `images.allow` matches it, or `build.tags` does, by the same words. Gives the
/// image's ID. What may run is [`visible`] alone.
pub(super) fn seen<'f>(judge: &Judge<'_>, name: &str, image: &'f ImageFacts) -> Option<&'f str> {
    let made = if names_by_id(name, &image.id) {
        judge.policy.build.tags.iter().any(|p| p.matches_any_of(&image.repo_tags, &image.repo_digests))
    } else {
        ImageReference::parse(name).is_ok_and(|reference| judge.policy.shows_image(&reference))
    };
    visible(judge, name, image).or_else(|| made.then_some(image.id.as_str()))
}

/// Whether `images.allow` matches the image: by the name that the client used, or, for an ID, by one of its names.
/// Gives the image's ID. A word that is the beginning of the image's ID counts as an ID, whatever name it could be as
/// well: the engine takes `cafe` for an ID prefix where no image has that name.
pub(super) fn visible<'f>(judge: &Judge<'_>, name: &str, image: &'f ImageFacts) -> Option<&'f str> {
    let allowed = if names_by_id(name, &image.id) {
        judge.policy.images.allow.iter().any(|p| p.matches_any_of(&image.repo_tags, &image.repo_digests))
    } else {
        ImageReference::parse(name).is_ok_and(|reference| judge.policy.allows_image(&reference))
    };
    allowed.then_some(image.id.as_str())
}

/// Whether the engine might take a word for an ID or the beginning of one.
fn could_be_an_id(text: &str) -> bool {
    text.starts_with("sha256:") || text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a client's word is this ID, or a prefix of it, with or without the algorithm in front.
pub(super) fn names_by_id(name: &str, id: &str) -> bool {
    let digits = name.strip_prefix("sha256:").unwrap_or(name);
    let hexadecimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    hexadecimal && id.strip_prefix("sha256:").unwrap_or(id).starts_with(digits)
}

/// The name as the engine's errors print it: `postgres:16`, `redis:latest`; what is no reference stays as it is.
pub(super) fn familiar(name: &str) -> String {
    ImageReference::parse(name).map_or_else(|_| name.to_owned(), |reference| reference.familiar())
}

fn pull(judge: &Judge<'_>, query: ImageCreateQuery, registry_auth: Option<Secret>) -> Result<Judged, Denial> {
    let ImageCreateQuery { from_image, from_src, repo, tag, message, changes, platform, registry } = query;
    let imports = [("fromSrc", &from_src), ("repo", &repo), ("message", &message)];
    if let Some((place, value)) = imports.iter().find(|(_, value)| !value.is_empty()) {
        return Err(judge.not_yet(ID, *place, format!("imports an image ({})", shown(value)), "build.tags"));
    }
    if !changes.is_empty() {
        return Err(judge.not_yet(ID, "changes", "imports an image", "build.tags"));
    }
    word::platform(judge, ID, &platform)?;
    let _ignored_by_engines = registry;
    let reference = reference_to_pull(judge, &from_image, &tag)?;
    if !judge.policy.allows_image(&reference) {
        return Err(judge.refuse(
            ID,
            "fromImage",
            shown(&reference.familiar()),
            allowed_instead_of(judge, &reference),
            "images.allow",
        ));
    }
    if !judge.policy.images.pull {
        let wanted = format!("pull of {}", shown(&reference.familiar()));
        return Err(judge.refuse(
            ID,
            "fromImage",
            wanted,
            "no pull: an operator puts images on the engine",
            "images.pull",
        ));
    }
    let query = ImageCreateQuery { platform, ..in_full(&reference) };
    let registry_auth = credentials(judge, &reference, registry_auth);
    Ok(Judged::as_is(Operation::Image(ImageOperation::Create { query, registry_auth })))
}

/// The pull in one spelling: name in full, and the digest, or else the tag, beside it.
fn in_full(reference: &ImageReference) -> ImageCreateQuery {
    let from_image = format!("{}/{}", reference.registry, reference.repository);
    let tag = reference.digest.clone().or_else(|| reference.tag.clone()).unwrap_or_default();
    ImageCreateQuery { from_image, tag, ..ImageCreateQuery::default() }
}

/// The images that the policy allows, for a message.
pub(super) fn allowed_images(judge: &Judge<'_>) -> String {
    patterns_of(&judge.policy.images.allow)
}

/// Images by their patterns, for a message.
pub(super) fn patterns_of(patterns: &[ImagePattern]) -> String {
    if patterns.is_empty() {
        return "no image".to_owned();
    }
    patterns.iter().map(|pattern| shown(pattern.as_str())).collect::<Vec<_>>().join(", ")
}

/// The same, with what to do for whoever asked for the reaper of Testcontainers: nobody asks for it on purpose, the
/// libraries start it before anything else.
pub(super) fn allowed_instead_of(judge: &Judge<'_>, refused: &ImageReference) -> String {
    let allowed = allowed_images(judge);
    if refused.repository != REAPER && !refused.repository.ends_with(&format!("/{REAPER}")) {
        return allowed;
    }
    format!("{allowed}; until the broker plays the reaper itself, set `TESTCONTAINERS_RYUK_DISABLED=true`")
}

/// What the engine would pull: `tag` replaces a tag in `fromImage`, and is a digest when it looks like one.
fn reference_to_pull(judge: &Judge<'_>, from_image: &str, tag: &str) -> Result<ImageReference, Denial> {
    let malformed = |why: String| judge.floor(ID, "fromImage", shown(from_image), why);
    let named = ImageReference::parse(from_image).map_err(|error| malformed(error.to_string()))?;
    let reference = if tag.is_empty() {
        named
    } else {
        let separator = if tag.contains(':') { '@' } else { ':' };
        let retagged = format!("{}/{}{separator}{tag}", named.registry, named.repository);
        let digest = named.digest;
        let retagged = ImageReference::parse(&retagged).map_err(|error| malformed(error.to_string()))?;
        // a digest in `fromImage` stays what is pulled, whatever the tag
        ImageReference { digest: retagged.digest.clone().or(digest), ..retagged }
    };
    if reference.tag.is_none() && reference.digest.is_none() {
        let why = "without a tag the engine would pull every tag of the repository; name one";
        return Err(malformed(why.to_owned()));
    }
    Ok(reference)
}

/// Whose credentials go upstream. `e30=` and an empty value are an empty document: nobody's.
pub(super) fn credentials(judge: &Judge<'_>, image: &ImageReference, sent: Option<Secret>) -> Option<Secret> {
    match judge.policy.images.registry_auth {
        RegistryAuth::Client => sent,
        RegistryAuth::Broker => judge.policy.images.credentials.for_image(image),
        RegistryAuth::None => None,
    }
}

const ID: &str = "ImageCreate";

/// The repository of the container that removes what Testcontainers leaves behind, on Docker Hub and, with a prefix, on
/// mirrors of it.
const REAPER: &str = "testcontainers/ryuk";
