//! Changes that an operator makes to a chosen policy without editing it, by flags and `BROKER_*` variables. Each is
//! read as strictly as the same key in a file; what cannot be read is an error at start-up.

use super::compile::{AttachMode, Lifetime, Policy, value};
use super::file::keys;
use super::pattern::{ImagePattern, PatternError, Patterns};

/// Why an override cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {message}")]
pub struct OverrideError {
    /// The key that it would have set.
    pub key: &'static str,
    /// What is wrong, in one line.
    pub message: String,
}

/// The pattern for one image by name and tag; any tag where none is given, not even inside `image`.
///
/// # Errors
/// When image and tag make no image reference.
pub fn image_with_tag(image: &str, tag: Option<&str>) -> Result<ImagePattern, PatternError> {
    match tag {
        Some(tag) => ImagePattern::parse(&format!("{image}:{tag}")),
        None => match ImagePattern::parse(&format!("{image}:*")) {
            Ok(any_tag) if !image.contains('@') => Ok(any_tag),
            Ok(_) | Err(_) => ImagePattern::parse(image),
        },
    }
}

impl Policy {
    /// Replaces `images.allow`.
    ///
    /// # Errors
    /// When the policy does not say how long containers may live, which it need not as long as it allows no image.
    pub fn override_images(&mut self, images: Vec<ImagePattern>) -> Result<(), OverrideError> {
        self.images.allow = images;
        if self.can_create() && self.containers.lifetime == Lifetime::For(std::time::Duration::ZERO) {
            let message = format!("missing in {self}, which allowed no image before");
            return Err(OverrideError { key: keys::CONTAINERS_LIFETIME, message });
        }
        Ok(())
    }

    /// Replaces `containers.env`.
    ///
    /// # Errors
    /// When one of the patterns is not a key.
    pub fn override_env(&mut self, patterns: &[String]) -> Result<(), OverrideError> {
        let read = |text: &String| value::env_key(text).map_err(|message| wrong(keys::CONTAINERS_ENV, message));
        self.containers.env = Patterns::new(patterns.iter().map(read).collect::<Result<_, _>>()?);
        Ok(())
    }

    /// Replaces `images.pull`.
    pub const fn override_pull(&mut self, pull: bool) {
        self.images.pull = pull;
    }

    /// Replaces `containers.attach` and `containers.attach-mode`.
    ///
    /// On a network with others, a name is an address: where the policy's `containers.names` are not prefixes of its
    /// own, clients can give no names any more, and the answer is a warning that says so.
    ///
    /// # Errors
    /// When one of the names is not that of a network to attach to.
    pub fn override_attach(&mut self, networks: &[String], mode: AttachMode) -> Result<Option<String>, OverrideError> {
        let read = |text: &String| value::attached(text).map_err(|message| wrong(keys::CONTAINERS_ATTACH, message));
        self.containers.attach = networks.iter().map(read).collect::<Result<_, _>>()?;
        self.containers.attach_mode = mode;
        if self.containers.attach.is_empty() || self.containers.names_are_own_prefixes() {
            return Ok(None);
        }
        self.containers.names = Patterns::default();
        Ok(Some(format!(
            "`{}` of {self} are not prefixes of its own, as `agent1-*`; on an attached network clients can therefore name \
             no containers",
            keys::CONTAINERS_NAMES
        )))
    }
}

const fn wrong(key: &'static str, message: String) -> OverrideError {
    OverrideError { key, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::builtin::builtin;
    use crate::policy::pattern::ImageReference;

    fn postgres() -> Policy {
        builtin("postgres").expect("shipped")
    }

    fn allows(policy: &Policy, image: &str) -> bool {
        policy.allows_image(&ImageReference::parse(image).expect("a reference"))
    }

    #[test]
    fn images_are_replaced_and_not_added() {
        let mut policy = postgres();
        policy.override_images(vec![image_with_tag("redis", Some("7")).expect("a pattern")]).expect("usable");
        assert!(allows(&policy, "docker.io/library/redis:7"));
        assert!(!allows(&policy, "redis:6"));
        assert!(!allows(&policy, "postgres:16"));
    }

    #[test]
    fn an_image_without_tag_means_any_tag_of_it_alone() {
        let any = image_with_tag("registry.example:5000/team/db", None).expect("a pattern");
        for (image, expected) in [
            ("registry.example:5000/team/db:1", true),
            ("registry.example:5000/team/db:2", true),
            ("registry.example:5000/team/other:1", false),
            ("team/db:1", false),
        ] {
            assert_eq!(any.matches(&ImageReference::parse(image).expect("a reference")), expected, "{image}");
        }
        assert_eq!(image_with_tag("postgres:16", None), ImagePattern::parse("postgres:16"));
        assert!(image_with_tag("postgres", Some("16:17")).is_err());
        assert!(image_with_tag("", None).is_err());
        assert!(image_with_tag("https://postgres", Some("16")).is_err());
    }

    #[test]
    fn an_image_needs_a_lifetime_in_the_policy() {
        let text = "[containers]\ncontrol = \"own\"";
        let origin = super::super::compile::Origin::File("x.toml".to_owned());
        let mut policy = super::super::check::parse(text, "x.toml", origin).expect("loads");
        let images = vec![ImagePattern::parse("postgres:16").expect("a pattern")];
        let error = policy.override_images(images).expect_err("no lifetime");
        assert_eq!(
            error.to_string(),
            "`containers.lifetime`: missing in policy file `x.toml`, which allowed no image before"
        );
    }

    #[test]
    fn env_and_pull_are_replaced() {
        let mut policy = postgres();
        policy.override_env(&["MY_*".to_owned()]).expect("usable");
        assert!(policy.containers.env.matches("MY_KEY"));
        assert!(!policy.containers.env.matches("POSTGRES_USER"));
        assert!(policy.override_env(&["A=b".to_owned()]).is_err());
        policy.override_pull(false);
        assert!(!policy.images.pull);
    }

    #[test]
    fn attaching_takes_names_away_that_are_not_its_own() {
        let mut policy = postgres();
        assert!(policy.override_attach(&["host".to_owned()], AttachMode::Replace).is_err());
        let warning = policy.override_attach(&["dev-internal".to_owned()], AttachMode::Add).expect("usable");
        assert!(warning.is_some_and(|warning| warning.contains("`containers.names`")));
        assert!(policy.containers.names.is_empty());
        assert_eq!(policy.containers.attach, ["dev-internal"]);
        assert_eq!(policy.containers.attach_mode, AttachMode::Add);
    }

    #[test]
    fn attaching_nothing_takes_nothing_away() {
        let mut policy = postgres();
        assert_eq!(policy.override_attach(&[], AttachMode::Replace), Ok(None));
        assert!(policy.containers.names.is_any());
    }
}
