//! Judges what changes images and what goes to registries: remove, tag, push, and asking a registry.
//!
//! Images are everybody's: a name may be removed or given only where the policy names it, and never one by which
//! `images.allow` lets containers run. Must never tell by its answer that an image exists which the policy does not show.

use super::denial::{Denial, shown};
use super::facts::{Facts, ImageFacts};
use super::file::keys;
use super::image::{allowed_instead_of, credentials, familiar, names_by_id, patterns_of, platform_document, seen};
use super::judge::{Judge, Judged};
use super::pattern::{ImagePattern, ImageReference};
use crate::operation::Operation;
use crate::operation::image::{ImageDeleteQuery, ImageOperation, ImagePushQuery, ImageTagQuery};
use crate::request::Secret;

/// By name only a name of `images.remove`, by ID only an image that has no other name.
pub(super) fn delete(judge: &Judge<'_>, name: &str, query: ImageDeleteQuery, facts: &Facts) -> Result<Judged, Denial> {
    let ImageDeleteQuery { force: _, noprune: _, platforms } = &query;
    for document in platforms {
        platform_document(judge, DELETE, "platforms", document)?;
    }
    let removable = &judge.policy.images.remove;
    let reference = ImageReference::parse(name).ok();
    let found = facts.image(name);
    let by_id = found.filter(|image| names_by_id(name, &image.id));
    let may = match by_id {
        Some(image) => every_name_matches(removable, image),
        None => reference.as_ref().is_some_and(|reference| any(removable, reference)),
    };
    match found {
        Some(_) if may => {
            let name = by_id.map_or_else(|| unmistakable(name, reference.as_ref()), |image| image.id.clone());
            Ok(Judged::as_is(Operation::Image(ImageOperation::Delete { name, query })))
        }
        Some(image) if seen(judge, name, image).is_some() => {
            let wanted = format!("removes image {}", shown(&familiar(name)));
            Err(judge.refuse(DELETE, "", wanted, patterns_of(removable), keys::IMAGES_REMOVE))
        }
        Some(_) | None => Err(Denial::no_such_image(&familiar(name))),
    }
}

/// A name under `build.tags`, for an image that the client may see.
pub(super) fn tag(judge: &Judge<'_>, name: &str, query: &ImageTagQuery, facts: &Facts) -> Result<Judged, Denial> {
    let ImageTagQuery { repo, tag } = query;
    let target = name_and_tag(judge, TAG, "repo", repo, tag)?.with_default_tag();
    let tags = &judge.policy.build.tags;
    if !any(tags, &target) {
        return Err(judge.refuse(TAG, "repo", shown(&target.familiar()), patterns_of(tags), keys::BUILD_TAGS));
    }
    if judge.policy.allows_image(&target) {
        let why = "`images.allow` names it, so what it means is not a client's to change";
        return Err(judge.floor(TAG, "repo", shown(&target.familiar()), why));
    }
    let image = facts.image(name).filter(|image| seen(judge, name, image).is_some());
    let image = image.ok_or_else(|| Denial::no_such_image(&familiar(name)))?;
    let query = ImageTagQuery {
        repo: format!("{}/{}", target.registry, target.repository),
        tag: target.tag.unwrap_or_default(),
    };
    // by the ID that was judged: the name may mean another image by the time it is read again
    Ok(Judged::as_is(Operation::Image(ImageOperation::Tag { name: image.id.clone(), query })))
}

/// One tag of a name under `images.push`.
pub(super) fn push(
    judge: &Judge<'_>,
    name: &str,
    query: &ImagePushQuery,
    registry_auth: Option<Secret>,
) -> Result<Judged, Denial> {
    let ImagePushQuery { tag, platform } = query;
    platform_document(judge, PUSH, "platform", platform)?;
    let target = name_and_tag(judge, PUSH, "name", name, tag)?;
    let Some(tag) = target.tag.clone() else {
        let why = "without a tag the engine would push every tag of the name; name one";
        return Err(judge.floor(PUSH, "tag", shown(name), why));
    };
    let names = &judge.policy.images.push;
    if !any(names, &target) {
        let wanted = format!("push of {}", shown(&target.familiar()));
        return Err(judge.refuse(PUSH, "name", wanted, patterns_of(names), keys::IMAGES_PUSH));
    }
    let query = ImagePushQuery { tag, platform: platform.clone() };
    let name = format!("{}/{}", target.registry, target.repository);
    let registry_auth = credentials(judge, &target, registry_auth);
    Ok(Judged::as_is(Operation::Image(ImageOperation::Push { name, query, registry_auth })))
}

/// The engine asks the registry that the name says, so it is judged as a pull of that name.
pub(super) fn distribution(judge: &Judge<'_>, name: &str, registry_auth: Option<Secret>) -> Result<Judged, Denial> {
    let malformed = |error: String| judge.floor(DISTRIBUTION, "name", shown(name), error);
    let reference = ImageReference::parse(name).map_err(|error| malformed(error.to_string()))?.with_default_tag();
    if !judge.policy.allows_image(&reference) {
        let allowed = allowed_instead_of(judge, &reference);
        let wanted = shown(&reference.familiar());
        return Err(judge.refuse(DISTRIBUTION, "name", wanted, allowed, keys::IMAGES_ALLOW));
    }
    if !judge.policy.images.pull {
        let wanted = format!("asks a registry about {}", shown(&reference.familiar()));
        let allowed = "no pull, so no registry is asked";
        return Err(judge.refuse(DISTRIBUTION, "name", wanted, allowed, keys::IMAGES_PULL));
    }
    let registry_auth = credentials(judge, &reference, registry_auth);
    let name = reference.canonical();
    Ok(Judged::as_is(Operation::Image(ImageOperation::Distribution { name, registry_auth })))
}

/// A name with the tag beside it, which replaces one inside; a digest can neither be given nor pushed.
fn name_and_tag(
    judge: &Judge<'_>,
    id: &'static str,
    place: &'static str,
    name: &str,
    tag: &str,
) -> Result<ImageReference, Denial> {
    let malformed = |why: String| judge.floor(id, place, shown(name), why);
    let named = ImageReference::parse(name).map_err(|error| malformed(error.to_string()))?;
    let whole = if tag.is_empty() {
        named
    } else {
        let whole = format!("{}/{}:{tag}", named.registry, named.repository);
        let tagged =
            ImageReference::parse(&whole).map_err(|error| judge.floor(id, "tag", shown(tag), error.to_string()))?;
        ImageReference { digest: tagged.digest.clone().or(named.digest), ..tagged }
    };
    if whole.digest.is_some() {
        return Err(malformed("a digest is what an image is, not a name that it can have".to_owned()));
    }
    Ok(whole)
}

fn any(patterns: &[ImagePattern], reference: &ImageReference) -> bool {
    patterns.iter().any(|pattern| pattern.matches(reference))
}

/// Whether an image has names, and the patterns cover them all. A digest goes with the tags of its repository.
fn every_name_matches(patterns: &[ImagePattern], image: &ImageFacts) -> bool {
    let parsed = |names: &[String]| names.iter().map(|name| ImageReference::parse(name)).collect::<Result<Vec<_>, _>>();
    let (Ok(tags), Ok(digests)) = (parsed(&image.repo_tags), parsed(&image.repo_digests)) else { return false };
    let tagged = |digest: &ImageReference| tags.iter().any(|tag| tag.familiar_name() == digest.familiar_name());
    let named = !tags.is_empty() || !digests.is_empty();
    named
        && tags.iter().all(|tag| any(patterns, tag))
        && digests.iter().all(|digest| tagged(digest) || any(patterns, digest))
}

/// A name that the engine could take for the beginning of an ID gets its tag.
fn unmistakable(name: &str, reference: Option<&ImageReference>) -> String {
    match reference.filter(|reference| reference.could_be_id_prefix()) {
        Some(reference) => reference.familiar(),
        None => name.to_owned(),
    }
}

const DELETE: &str = "ImageDelete";
const TAG: &str = "ImageTag";
const PUSH: &str = "ImagePush";
const DISTRIBUTION: &str = "DistributionInspect";
