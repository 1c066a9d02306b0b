//! From what `serve` was told to what it runs with.
//!
//! Must never weaken in silence: whatever opens more than the policy file says becomes a warning.

use std::path::PathBuf;

use super::arguments::{List, PolicyChanges, ServeArgs};
use super::environment::{Environment, Origins};
use super::policy_text::PolicyText;
use super::{ConfigError, ServeConfig, instance};
use crate::audit::AuditConfig;
use crate::policy::compile::{AttachMode, Policy};
use crate::policy::overrides::{OverrideError, image_with_tag};
use crate::policy::pattern::ImagePattern;
use crate::upstream::address::Address;

/// Reads what the flags and variables mean together. `unknown` are warnings of before, which come first.
///
/// # Errors
/// When one of them cannot be used, the policy does not load, or they would open the engine to everybody.
pub fn resolve(
    arguments: ServeArgs,
    origins: &Origins,
    environment: &Environment,
    unknown: Vec<String>,
) -> Result<ServeConfig, ConfigError> {
    let ServeArgs {
        listen,
        upstream,
        policy,
        socket_mode,
        socket_group,
        name,
        instance,
        allow_unrestricted,
        changes,
        records,
        bounds,
    } = arguments;
    let mut warnings = unknown;
    let policy = read_policy(&policy, changes, origins, &mut warnings)?;
    let (upstream, upstream_choice) = choose_upstream(upstream, origins, environment, &mut warnings)?;
    if is_same_socket(&listen, &upstream) {
        return Err(ConfigError::OwnUpstream(listen));
    }
    let default_mode = if socket_group.is_some() { 0o660 } else { 0o600 };
    let mode = socket_mode.unwrap_or(default_mode);
    if policy.unrestricted && mode & 0o077 != 0 && !allow_unrestricted {
        return Err(ConfigError::OpenUnrestricted { policy: policy.to_string(), mode });
    }
    if socket_group.is_some() && mode & 0o060 != 0o060 {
        warnings.push(format!("mode 0{mode:03o} does not let the socket's group open it"));
    }
    let instance = instance.unwrap_or_else(|| derive_instance(&listen, &mut warnings));
    let audit = AuditConfig { sink: records.audit, format: records.audit_format, required: records.audit_required };
    Ok(ServeConfig {
        listen,
        mode,
        group: socket_group,
        listener_name: name,
        upstream,
        upstream_choice,
        policy,
        instance,
        bounds,
        audit,
        warnings,
    })
}

pub(crate) fn derive_instance(listen: &Address, warnings: &mut Vec<String>) -> String {
    let derived = instance::derive(listen.path());
    warnings.extend(derived.warning.map(str::to_owned));
    derived.instance
}

/// The engine's address, and in words where it comes from.
pub(crate) fn choose_upstream(
    asked: Option<Address>,
    origins: &Origins,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<(Address, &'static str), ConfigError> {
    if let Some(asked) = asked {
        let by_variable = origins.variable("upstream").is_some();
        return Ok((asked, if by_variable { "from BROKER_UPSTREAM" } else { "from --upstream" }));
    }
    match environment.value("DOCKER_HOST").map(Address::parse) {
        Some(Ok(address)) => return Ok((address, "from DOCKER_HOST")),
        Some(Err(error)) => warnings.push(format!("`DOCKER_HOST` is not used as the engine's address: {error}")),
        None => {}
    }
    let default = Address::parse(DEFAULT_UPSTREAM);
    let default = default.map_err(|error| wrong("the default", DEFAULT_UPSTREAM, error.to_string()))?;
    Ok((default, "the default"))
}

/// Whether two addresses lead to one socket, also by different names.
fn is_same_socket(one: &Address, other: &Address) -> bool {
    let real = |address: &Address| -> PathBuf {
        let path = address.path();
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        let by_parent = parent.zip(path.file_name()).map(|(parent, name)| parent.join(name));
        path.canonicalize().ok().or(by_parent).unwrap_or_else(|| path.to_owned())
    };
    real(one) == real(other)
}

fn read_policy(
    name: &str,
    changes: PolicyChanges,
    origins: &Origins,
    warnings: &mut Vec<String>,
) -> Result<Policy, ConfigError> {
    let text = PolicyText::find(name)?;
    let mut policy = text.load()?;
    let report = text.check();
    warnings.extend(report.warnings.iter().map(|finding| {
        let separator = if finding.line > 0 { ":" } else { ": " };
        format!("policy {name}{separator}{finding}")
    }));
    let called = policy.to_string();
    let refused = |name: String, source: OverrideError| ConfigError::Override { name, policy: called.clone(), source };
    let PolicyChanges {
        allowed_image,
        allowed_tag,
        allowed_images,
        allowed_env,
        allow_pulls,
        attach_networks,
        attach_mode,
    } = changes;
    if let Some((name, images)) =
        read_images(&policy, allowed_image.as_deref(), allowed_tag.as_deref(), allowed_images, origins, warnings)?
    {
        policy.override_images(images).map_err(|source| refused(name, source))?;
    }
    if let Some(List(patterns)) = allowed_env {
        policy.override_env(&patterns).map_err(|source| refused(origins.name("allowed-env"), source))?;
    }
    if let Some(pull) = allow_pulls {
        policy.override_pull(pull);
    }
    if let Some((name, networks, mode)) = read_attach(&policy, attach_networks, attach_mode, origins) {
        warnings.extend(policy.override_attach(&networks, mode).map_err(|source| refused(name, source))?);
    }
    Ok(policy)
}

/// What takes the place of `images.allow`, with the name of what asked for it.
fn read_images(
    policy: &Policy,
    image: Option<&str>,
    tag: Option<&str>,
    more: Option<List>,
    origins: &Origins,
    warnings: &mut Vec<String>,
) -> Result<Option<(String, Vec<ImagePattern>)>, ConfigError> {
    let mut asked_by = None;
    let mut images = policy.images.allow.clone();
    if image.is_some() || tag.is_some() {
        let name = origins.name(if image.is_some() { "allowed-image" } else { "allowed-tag" });
        images = vec![read_image(&name, image, tag, warnings)?];
        asked_by = Some(name);
    }
    if let Some(List(more)) = more {
        let name = origins.name("allowed-images");
        for word in &more {
            images.push(read_image(&name, Some(word), None, warnings)?);
        }
        asked_by = asked_by.or(Some(name));
    }
    Ok(asked_by.map(|name| (name, images)))
}

fn read_image(
    name: &str,
    image: Option<&str>,
    tag: Option<&str>,
    warnings: &mut Vec<String>,
) -> Result<ImagePattern, ConfigError> {
    let image = image.unwrap_or_else(|| {
        warnings.push(format!("{name} names a tag and no image; it is taken for a tag of `{DEFAULT_IMAGE}`"));
        DEFAULT_IMAGE
    });
    let shown = tag.map_or_else(|| image.to_owned(), |tag| format!("{image}:{tag}"));
    let pattern = image_with_tag(image, tag).map_err(|error| wrong(name, &shown, error.to_string()))?;
    if tag.is_none() && image_with_tag(image, Some("*")).as_ref() == Ok(&pattern) {
        warnings.push(format!(
            "{name} names no tag, so any tag of `{image}` may be used; write `{image}:TAG` for one of them"
        ));
    }
    Ok(pattern)
}

/// What takes the place of `containers.attach` and its mode, with the name of what asked for it.
fn read_attach(
    policy: &Policy,
    networks: Option<List>,
    mode: Option<AttachMode>,
    origins: &Origins,
) -> Option<(String, Vec<String>, AttachMode)> {
    let flag = if networks.is_some() { "attach-networks" } else { "attach-mode" };
    if networks.is_none() && mode.is_none() {
        return None;
    }
    let networks = networks.map_or_else(|| policy.containers.attach.clone(), |List(networks)| networks);
    Some((origins.name(flag), networks, mode.unwrap_or(policy.containers.attach_mode)))
}

fn wrong(name: &str, value: &str, problem: String) -> ConfigError {
    ConfigError::Value { name: name.to_owned(), value: value.to_owned(), problem }
}

/// Where engines listen unless told otherwise.
const DEFAULT_UPSTREAM: &str = "/var/run/docker.sock";

/// The image that a tag alone is about, as it was for the broker that this one replaces.
const DEFAULT_IMAGE: &str = "postgres";
