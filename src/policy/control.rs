//! Whose containers may be acted on: the owner's, everybody's, or the owner's and those that carry labels which the
//! policy names.
//!
//! A label counts only on the container itself: images hand theirs on, and whoever makes an image must not choose who
//! controls what runs from it. A container that carries a broker's owner label is its owner's alone, whether or not its
//! image label proves it. Must never count a label when the image that it may come from is not known.

use std::collections::BTreeMap;

use super::compile::{Control, Scope};
use super::facts::{ContainerFacts, FactQuery, Facts, ImageFacts, Within};
use super::judge::Judge;
use super::ownership::OWNER;
use crate::operation::names::ContainerRef;

impl Judge<'_> {
    /// The labels, key and value, that let an owner act on containers of others; none where no policy key names any.
    #[must_use]
    pub fn granted_labels(&self) -> Option<&[(String, String)]> {
        match &self.policy.containers.control {
            Control::Labels(labels) if !self.policy.unrestricted && !labels.is_empty() => Some(labels),
            Control::Labels(_) | Control::None | Control::Own | Control::All => None,
        }
    }

    /// Whether these labels of a container, wherever they come from, are those that the policy names.
    #[must_use]
    pub fn carries_granted_labels(&self, labels: &BTreeMap<String, String>) -> bool {
        let carried = |(key, value): &(String, String)| labels.get(key) == Some(value);
        !labels.contains_key(OWNER) && self.granted_labels().is_some_and(|granted| granted.iter().all(carried))
    }

    /// Whether a container is the owner's, or foreign and granted by its labels; `image` is the one that it was made
    /// from.
    #[must_use]
    pub fn owns_or_is_granted(&self, container: &ContainerFacts, image: Option<&ImageFacts>) -> bool {
        if self.owns(container) {
            return true;
        }
        let Some(image) = image.filter(|image| !image.id.is_empty() && image.id == container.image_id) else {
            return false;
        };
        let inherited = |(key, value): &(String, String)| image.labels.get(key) == Some(value);
        self.carries_granted_labels(&container.labels)
            && self.granted_labels().is_some_and(|granted| !granted.iter().any(inherited))
    }

    /// What has to be known of a container: which it is, and, where its labels may grant it, its image.
    pub(super) fn container_questions(&self, query: FactQuery, facts: &Facts) -> Vec<FactQuery> {
        let may_be_granted = |found: &&ContainerFacts| !self.owns(found) && self.carries_granted_labels(&found.labels);
        let image = facts.container(&query).filter(may_be_granted).map(|found| found.image_id.clone());
        let image = image.filter(|id| !id.is_empty()).map(FactQuery::Image);
        [query].into_iter().chain(image).collect()
    }

    /// Among whose containers a reference is looked up for looking at.
    pub(super) fn seen_within(&self) -> Within {
        match (self.policy.unrestricted, self.policy.containers.see) {
            (true, _) | (false, Scope::All) => Within::Everyone,
            (false, Scope::None) => Within::Owner,
            (false, Scope::Own) => self.owner_or_labels(),
        }
    }

    /// Among whose containers a reference is looked up for acting on.
    pub(super) fn controlled_within(&self) -> Within {
        match (self.policy.unrestricted, &self.policy.containers.control) {
            (true, _) | (false, Control::All) => Within::Everyone,
            (false, Control::Own | Control::None | Control::Labels(_)) => self.owner_or_labels(),
        }
    }

    /// The container that a reference means, if this owner may act on it.
    pub(super) fn controlled<'f>(
        &self,
        reference: &ContainerRef,
        fresh: bool,
        facts: &'f Facts,
    ) -> Option<&'f ContainerFacts> {
        let within = self.controlled_within();
        let everyone = within == Within::Everyone;
        let found = facts.container(&FactQuery::container(reference, within, fresh))?;
        (everyone || self.owns_or_is_granted(found, facts.image(&found.image_id))).then_some(found)
    }

    fn owner_or_labels(&self) -> Within {
        self.granted_labels().map_or(Within::Owner, |labels| Within::Labelled(labels.to_vec()))
    }
}
