//! Whose an object is: labels that the broker writes on everything it creates, and that no client can write.
//!
//! Labels are inherited from images (a commit copies them, a build can write them), so a container is owned only if its
//! image label equals the ID of the image that it was made from: an image cannot contain its own hash. Must never keep
//! a table of its own: the truth is on the objects, and a second broker reads the same.

use std::collections::BTreeMap;
use std::fmt;

use super::depth::Depth;

/// What every label of ours begins with.
pub const PREFIX: &str = "docker-broker.";
/// Who made it: `instance/listener`.
pub const OWNER: &str = "docker-broker.owner";
/// Within which session.
pub const SESSION: &str = "docker-broker.session";
/// When its life ends, in Unix seconds; `never` where the policy says so.
pub const EXPIRES: &str = "docker-broker.expires";
/// Under which policy.
pub const POLICY: &str = "docker-broker.policy";
/// By which version of the broker.
pub const VERSION: &str = "docker-broker.version";
/// The ID of the image that was judged; on containers only.
pub const IMAGE: &str = "docker-broker.image";

/// Who a client acts for: the broker's instance and the listener that the client came in by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner(String);

/// Whose objects are meant, where more than one owner's can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// One owner's.
    Owner(Owner),
    /// Those of every owner of an instance: all listeners and users of one broker. The name has no `/`.
    Instance(String),
}

/// What the labels of a created object say beside its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Who makes it.
    pub owner: Owner,
    /// The session.
    pub session: String,
    /// Unix seconds; `None` for ever.
    pub expires: Option<u64>,
    /// The policy's name.
    pub policy: String,
    /// At which depth the broker stands that makes it.
    pub depth: Depth,
}

impl Owner {
    /// Joins instance and listener.
    #[must_use]
    pub fn new(instance: &str, listener: &str) -> Self {
        Self(format!("{instance}/{listener}"))
    }

    /// The part of it that one user ID has to itself. No listener's name holds a `/`, so it is nobody else's.
    #[must_use]
    pub fn of_uid(&self, uid: u32) -> Self {
        Self(format!("{}/uid-{uid}", self.0))
    }

    /// Reads what a label holds: an instance and more, with a `/` between them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (instance, rest) = text.split_once('/')?;
        (!instance.is_empty() && !rest.is_empty()).then(|| Self(text.to_owned()))
    }

    /// Who the labels say made it. They prove nothing by themselves for a container: see [`Self::owns_container`].
    #[must_use]
    pub fn named_by(labels: &BTreeMap<String, String>) -> Option<Self> {
        Self::parse(labels.get(OWNER)?)
    }

    /// The broker's instance: what stands before the first `/`.
    #[must_use]
    pub fn instance(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(instance, _)| instance)
    }

    /// As the label holds it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the labels of a network or a volume are this owner's. These inherit labels from nothing.
    #[must_use]
    pub fn owns(&self, labels: &BTreeMap<String, String>) -> bool {
        labels.get(OWNER).is_some_and(|owner| *owner == self.0)
    }

    /// Whether a container with these labels, made from this image, is this owner's.
    #[must_use]
    pub fn owns_container(&self, labels: &BTreeMap<String, String>, image_id: &str) -> bool {
        !image_id.is_empty() && self.owns(labels) && labels.get(IMAGE).is_some_and(|judged| judged == image_id)
    }
}

impl Whose {
    /// The label by which an engine is asked for these objects: a key, or a key with its value. An engine cannot be asked
    /// for a value that begins with an instance, so its answer is to be compared with [`Self::includes`].
    #[must_use]
    pub fn label(&self, depth: Depth) -> String {
        let key = depth.key(OWNER);
        match self {
            Self::Owner(owner) => format!("{key}={owner}"),
            Self::Instance(_) => key,
        }
    }

    /// Whether an object of this owner is meant.
    #[must_use]
    pub fn includes(&self, owner: &Owner) -> bool {
        match self {
            Self::Owner(wanted) => wanted == owner,
            Self::Instance(instance) => owner.instance() == instance,
        }
    }

    /// Who made the object with these labels, if that is one of those meant.
    #[must_use]
    pub fn owner(&self, labels: &BTreeMap<String, String>) -> Option<Owner> {
        Owner::named_by(labels).filter(|owner| self.includes(owner))
    }
}

impl Stamp {
    /// The labels, all of them. `image_id` is given for containers.
    #[must_use]
    pub fn labels(&self, image_id: Option<&str>) -> Vec<(String, String)> {
        let Self { owner, session, expires, policy, depth } = self;
        let expires = expires.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let mut labels = vec![
            (OWNER.to_owned(), owner.0.clone()),
            (SESSION.to_owned(), session.clone()),
            (EXPIRES.to_owned(), expires),
            (POLICY.to_owned(), policy.clone()),
            (VERSION.to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ];
        labels.extend(image_id.map(|id| (IMAGE.to_owned(), id.to_owned())));
        labels.into_iter().map(|(key, value)| (depth.key(&key), value)).collect()
    }

    /// The label by which an engine is asked for the owner's objects.
    #[must_use]
    pub fn owner_label(&self) -> String {
        format!("{}={}", self.depth.key(OWNER), self.owner)
    }
}

/// When the life of an object with these labels ends, in Unix seconds; `None` when it does not say, or never ends.
#[must_use]
pub fn expiry(labels: &BTreeMap<String, String>) -> Option<u64> {
    labels.get(EXPIRES)?.parse().ok()
}

impl fmt::Display for Whose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(owner) => write!(formatter, "owner `{owner}`"),
            Self::Instance(instance) => write!(formatter, "instance `{instance}`"),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            owner: Owner::new("host-1", "main"),
            session: "s1".into(),
            expires: Some(1_700_000_000),
            policy: "postgres".into(),
            depth: Depth::default(),
        }
    }

    #[test]
    fn an_image_that_carries_our_labels_owns_nothing() {
        let copied: BTreeMap<_, _> = stamp().labels(Some("sha256:judged")).into_iter().collect();
        let owner = stamp().owner;
        assert!(!owner.owns_container(&copied, "sha256:committed"), "a commit has another ID");
        assert!(!owner.owns_container(&stamp().labels(None).into_iter().collect(), "sha256:judged"), "no image label");
        assert!(!owner.owns_container(&copied, ""), "no image");
        assert!(owner.owns_container(&copied, "sha256:judged"));
    }

    #[test]
    fn another_owner_is_another_owner() {
        let labels: BTreeMap<_, _> = stamp().labels(None).into_iter().collect();
        assert!(!Owner::new("host-1", "main2").owns(&labels));
        assert!(!Owner::new("host-1", "").owns(&BTreeMap::new()));
        assert!(stamp().owner.owns(&labels));
    }

    #[test]
    fn a_user_of_a_listener_is_neither_the_listener_nor_another_user() {
        let (listener, user) = (Owner::new("host-1", "main"), Owner::new("host-1", "main").of_uid(1000));
        assert_eq!(user.as_str(), "host-1/main/uid-1000");
        let labels: BTreeMap<_, _> = Stamp { owner: user.clone(), ..stamp() }.labels(None).into_iter().collect();
        assert!(user.owns(&labels) && !listener.owns(&labels) && !listener.of_uid(100).owns(&labels));
        assert!(!user.owns(&stamp().labels(None).into_iter().collect()), "what the listener made before");
    }

    #[test]
    fn an_instance_is_all_of_its_owners_and_no_other() {
        let whose = Whose::Instance("host-1".to_owned());
        for mine in ["host-1/main", "host-1/main/uid-1000"] {
            assert!(whose.includes(&Owner::parse(mine).unwrap()), "{mine}");
        }
        for other in ["host-10/main", "host/host-1", "host-1"] {
            assert!(!Owner::parse(other).is_some_and(|owner| whose.includes(&owner)), "{other}");
        }
        for junk in ["", "/", "host-1/", "/main", "host-1"] {
            assert_eq!(Owner::parse(junk), None, "{junk}");
        }
        assert!(!Whose::Owner(Owner::new("host-1", "main")).includes(&Owner::new("host-1", "main/uid-1")));
    }

    #[test]
    fn an_expiry_is_read_back_and_never_is_not_a_time() {
        assert_eq!(expiry(&stamp().labels(None).into_iter().collect()), Some(1_700_000_000));
        let never = Stamp { expires: None, ..stamp() };
        assert_eq!(expiry(&never.labels(None).into_iter().collect()), None);
    }
}
