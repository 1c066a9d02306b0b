//! Which containers a client may see and act on, where the policy grants some by their labels.
//!
//! Must never keep an answer: whose a container is can be asked again.

use std::collections::{BTreeMap, BTreeSet};

use super::Broker;
use crate::policy::facts::{ContainerFacts, Fact, FactQuery, ImageFacts};
use crate::policy::judge::Judge;
use crate::policy::view::OwnContainers;
use crate::upstream::UpstreamError;

/// The full IDs of the owner's containers and of those that labels grant it.
pub(super) async fn own_containers(broker: &Broker, judge: &Judge<'_>) -> Result<OwnContainers, UpstreamError> {
    let engine = &broker.parts.engine;
    let mut own: BTreeSet<String> =
        engine.owned_containers(&judge.stamp.owner).await?.into_iter().map(|c| c.facts.id.to_string()).collect();
    let Some(labels) = judge.granted_labels() else { return Ok(own) };
    let mut images: BTreeMap<String, Option<Box<ImageFacts>>> = BTreeMap::new();
    for listed in engine.labelled_containers(labels).await? {
        let id = &listed.facts.image_id;
        if !images.contains_key(id) {
            images.insert(id.clone(), image(broker, judge, id).await?);
        }
        if judge.owns_or_is_granted(&listed.facts, images.get(id).and_then(Option::as_deref)) {
            own.insert(listed.facts.id.to_string());
        }
    }
    Ok(own)
}

/// The same of one container; a question that the engine does not answer is a no.
pub(super) async fn owns_or_is_granted(broker: &Broker, judge: &Judge<'_>, found: &ContainerFacts) -> bool {
    if !judge.carries_granted_labels(&found.labels) {
        return judge.owns_or_is_granted(found, None);
    }
    let image = image(broker, judge, &found.image_id).await.ok().flatten();
    judge.owns_or_is_granted(found, image.as_deref())
}

async fn image(broker: &Broker, judge: &Judge<'_>, id: &str) -> Result<Option<Box<ImageFacts>>, UpstreamError> {
    if id.is_empty() {
        return Ok(None);
    }
    match broker.parts.engine.fact(&FactQuery::Image(id.to_owned()), &judge.stamp.owner).await? {
        Fact::Image(found) => Ok(found),
        Fact::Container(_) | Fact::Exec(_) | Fact::Network(_) | Fact::Volume(_) | Fact::Engine(_) => Ok(None),
    }
}
