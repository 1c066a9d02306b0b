//! From what `serve` was told to what it runs with.
//!
//! Must never weaken in silence: whatever opens more than the policy file says becomes a warning.

use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::{List, PolicyChanges, ServeArgs};
use super::environment::Environment;
use super::origins::{Origins, Source};
use super::policy_text::PolicyText;
use super::{ConfigError, ListenerConfig, ServeConfig, instance, sockets};
use crate::audit::AuditConfig;
use crate::policy::compile::{AttachMode, Origin, Policy, RegistryAuth};
use crate::policy::credentials::RegistryCredentials;
use crate::policy::overrides::{OverrideError, image_with_tag};
use crate::policy::pattern::ImagePattern;
use crate::upstream::address::Address;

/// What one listener was told, and where each of it comes from.
#[derive(Debug, Clone)]
pub struct Told {
    /// The settings, those of the broker as a whole among them: they are the same for each listener.
    pub arguments: ServeArgs,
    /// Where they come from.
    pub origins: Origins,
}

/// Reads what flags, variables and file mean together, one `told` for each listener. `unknown` are warnings of before,
/// which come first.
///
/// # Errors
/// When one of them cannot be used, a policy does not load, or they would open the engine to everybody.
pub fn resolve(told: Vec<Told>, environment: &Environment, unknown: Vec<String>) -> Result<ServeConfig, ConfigError> {
    let mut warnings = unknown;
    let mut files = Vec::new();
    let several = told.len() > 1;
    let Some(Told { arguments: broker, origins }) = told.first().cloned() else {
        return Err(wrong("`listener`", "", "there is no listener".to_owned()));
    };
    let ServeArgs { config, upstream, instance, records, bounds, .. } = broker;
    files.extend(config);
    let (upstream, upstream_choice) = choose_upstream(upstream, &origins, environment, &mut warnings)?;
    let mut listeners = Vec::new();
    for Told { arguments, origins } in told {
        let name = arguments.name.clone();
        files.extend(arguments.changes.registry_auth_file.clone());
        let listener = resolve_listener(arguments, &origins, &mut warnings);
        listeners.push(if several { listener.map_err(|error| of_listener(name, error))? } else { listener? });
    }
    sockets::check(&listeners, &upstream)?;
    let instance = instance.unwrap_or_else(|| derive_instance(&listeners, &mut warnings));
    files.extend(listeners.iter().filter_map(|listener| match &listener.policy.origin {
        Origin::File(path) => Some(PathBuf::from(path)),
        Origin::BuiltIn => None,
    }));
    let audit = AuditConfig { sink: records.audit, format: records.audit_format, required: records.audit_required };
    Ok(ServeConfig { listeners, upstream, upstream_choice, instance, bounds, audit, files, warnings })
}

/// The same for a broker that has one listener, which is given beside the rest.
///
/// # Errors
/// See [`resolve`].
pub fn resolve_one(
    told: Told,
    environment: &Environment,
    unknown: Vec<String>,
) -> Result<(ServeConfig, ListenerConfig), ConfigError> {
    let config = resolve(vec![told], environment, unknown)?;
    let none = || wrong("`listener`", "", "there is no listener".to_owned());
    let listener = config.listeners.first().cloned().ok_or_else(none)?;
    Ok((config, listener))
}

fn resolve_listener(
    arguments: ServeArgs,
    origins: &Origins,
    warnings: &mut Vec<String>,
) -> Result<ListenerConfig, ConfigError> {
    let ServeArgs { listen, policy, socket_mode, socket_group, name, isolate, allow_unrestricted, changes, .. } =
        arguments;
    let text = PolicyText::find(&policy)?;
    let policy_version = text.version(&changes);
    let policy = read_policy(&text, changes, origins, warnings)?;
    let default_mode = if socket_group.is_some() { 0o660 } else { 0o600 };
    let mode = socket_mode.unwrap_or(default_mode);
    if socket_group.is_some() && mode & 0o060 != 0o060 {
        warnings.push(format!("mode 0{mode:03o} does not let the socket's group open it"));
    }
    let listener =
        ListenerConfig { name, listen, mode, group: socket_group, isolate, policy, policy_version, allow_unrestricted };
    listener.check_open(mode)?;
    Ok(listener)
}

fn of_listener(name: String, error: ConfigError) -> ConfigError {
    ConfigError::Listener { name, source: Box::new(error) }
}

/// The instance of a broker whose first listener has this address, where none is said.
pub(crate) fn instance_at(listen: &Address, warnings: &mut Vec<String>) -> String {
    let derived = instance::derive(listen.path());
    warnings.extend(derived.warning.map(str::to_owned));
    derived.instance
}

fn derive_instance(listeners: &[ListenerConfig], warnings: &mut Vec<String>) -> String {
    let Some(first) = listeners.first() else { return String::new() };
    let instance = instance_at(&first.listen, warnings);
    if listeners.len() > 1 {
        warnings.push(format!(
            "the broker's instance comes from the address of its first listener `{}`; say `instance`, or another first \
             listener will not know what this one owns",
            first.name
        ));
    }
    instance
}

/// The engine's address, and in words where it comes from.
pub(crate) fn choose_upstream(
    asked: Option<Address>,
    origins: &Origins,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<(Address, String), ConfigError> {
    if let Some(asked) = asked {
        let choice = match origins.source("upstream") {
            Source::Variable(variable) => format!("from {variable}"),
            Source::File { path, line, .. } => format!("from {path}:{line}"),
            Source::Flag | Source::Default => "from --upstream".to_owned(),
        };
        return Ok((asked, choice));
    }
    match environment.value("DOCKER_HOST").map(Address::parse) {
        Some(Ok(address)) => return Ok((address, "from DOCKER_HOST".to_owned())),
        Some(Err(error)) => warnings.push(format!("`DOCKER_HOST` is not used as the engine's address: {error}")),
        None => {}
    }
    let default = Address::parse(DEFAULT_UPSTREAM);
    let default = default.map_err(|error| wrong("the default", DEFAULT_UPSTREAM, error.to_string()))?;
    Ok((default, "the default".to_owned()))
}

fn read_policy(
    text: &PolicyText,
    changes: PolicyChanges,
    origins: &Origins,
    warnings: &mut Vec<String>,
) -> Result<Policy, ConfigError> {
    let name = &text.name;
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
        registry_auth_file,
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
    if let Some(file) = registry_auth_file {
        policy.images.credentials = read_credentials(&origins.name("registry-auth-file"), &file)?;
    } else if policy.images.registry_auth == RegistryAuth::Broker {
        warnings
            .push(format!("{called} wants the broker's registry credentials, and no --registry-auth-file names them"));
    }
    Ok(policy)
}

fn read_credentials(name: &str, file: &Path) -> Result<RegistryCredentials, ConfigError> {
    let refused = |problem: String| wrong(name, &file.display().to_string(), problem);
    let text = fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
    RegistryCredentials::parse(&text).map_err(|error| refused(error.to_string()))
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
