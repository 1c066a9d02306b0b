//! What a policy that loads should still be told: openness that somebody wrote down on purpose, and gaps that will show
//! as surprising refusals.

use toml::Table;

use super::powers;

use crate::policy::compile::{
    AttachMode, Control, Lifetime, Limit, Limits, Policy, PublishAddress, PublishPorts, RegistryAuth, Scope, ValueError,
};
use crate::policy::file::keys;

/// Warnings for the merged file and what was made of it.
pub(super) fn warnings(merged: &Table, policy: &Policy) -> Vec<ValueError> {
    let mut warnings = Vec::new();
    if !merged.contains_key(keys::VERSION) {
        warnings.push(warning(keys::VERSION, "missing; say `version = 1`"));
    }
    if policy.unrestricted {
        warnings.push(warning(
            keys::UNRESTRICTED,
            "allows everything but the floor: whoever reaches the listener is root on the engine's host",
        ));
        return warnings;
    }
    about_images(policy, &mut warnings);
    about_containers(policy, &mut warnings);
    about_networks(policy, &mut warnings);
    if policy.can_create() {
        about_limits(&policy.containers.limits, &mut warnings);
    }
    warnings.extend(powers::warnings(policy));
    warnings
}

fn about_images(policy: &Policy, warnings: &mut Vec<ValueError>) {
    let images = &policy.images;
    if images.allow.is_empty() && policy.containers.control != Control::None {
        warnings.push(warning(keys::IMAGES_ALLOW, "empty: no container can be created until images are listed"));
    }
    for (position, pattern) in images.allow.iter().enumerate().filter(|(_, pattern)| pattern.is_any_tag()) {
        let message = format!("`{pattern}` allows every tag and digest of the repository, whoever pushes them");
        warnings.push(ValueError { key: keys::IMAGES_ALLOW.into(), item: Some(position), message });
    }
    match images.registry_auth {
        RegistryAuth::None | RegistryAuth::Broker => {}
        RegistryAuth::Client => {
            warnings.push(warning(keys::IMAGES_REGISTRY_AUTH, "lets clients send registry credentials of their own"));
        }
    }
}

fn about_containers(policy: &Policy, warnings: &mut Vec<ValueError>) {
    let containers = &policy.containers;
    let mut warn = |applies: bool, key, message: &str| {
        if applies {
            warnings.push(warning(key, message));
        }
    };
    warn(containers.see == Scope::All, keys::CONTAINERS_SEE, "shows containers of others, without their environment");
    warn(containers.control == Control::All, keys::CONTAINERS_CONTROL, "gives power over containers of others");
    warn(containers.lifetime == Lifetime::Unlimited, keys::CONTAINERS_LIFETIME, "lets containers stay for ever");
    warn(containers.env.is_any(), keys::CONTAINERS_ENV, "allows every environment variable");
    warn(containers.labels.is_any(), keys::CONTAINERS_LABELS, "allows labels that other programs may act upon");
}

fn about_networks(policy: &Policy, warnings: &mut Vec<ValueError>) {
    let containers = &policy.containers;
    let mut warn = |applies: bool, key, message: &str| {
        if applies {
            warnings.push(warning(key, message));
        }
    };
    let any_address = containers.publish_address == PublishAddress::Any;
    warn(any_address, keys::CONTAINERS_PUBLISH_ADDRESS, "opens published ports to every network of the host");
    let as_asked = containers.publish_ports == PublishPorts::AsAsked;
    warn(as_asked, keys::CONTAINERS_PUBLISH_PORTS, "lets clients take fixed ports of the host");
    let adds = !containers.attach.is_empty() && containers.attach_mode == AttachMode::Add;
    warn(adds, keys::CONTAINERS_ATTACH_MODE, "keeps the default network, so containers can reach out");
}

fn about_limits(limits: &Limits, warnings: &mut Vec<ValueError>) {
    let Limits { memory, cpus, pids, shm, disk: _sampled_later, log, over: _, required: _ } = limits;
    let states = [
        (keys::CONTAINERS_LIMITS_MEMORY, state(memory)),
        (keys::CONTAINERS_LIMITS_CPUS, state(cpus)),
        (keys::CONTAINERS_LIMITS_PIDS, state(pids)),
        (keys::CONTAINERS_LIMITS_SHM, state(shm)),
        (keys::CONTAINERS_LIMITS_LOG, state(log)),
    ];
    for (key, state) in states {
        match state {
            Limit::At(()) => {}
            Limit::NotSet => warnings.push(warning(
                key,
                "missing: nothing is injected, and clients may not ask for a value; say one, or `\"unlimited\"`",
            )),
            Limit::Unlimited => warnings.push(warning(key, "unlimited: one container can use up what the host has")),
        }
    }
}

const fn state<T>(limit: &Limit<T>) -> Limit<()> {
    match limit {
        Limit::NotSet => Limit::NotSet,
        Limit::At(_) => Limit::At(()),
        Limit::Unlimited => Limit::Unlimited,
    }
}

fn warning(key: &'static str, message: &str) -> ValueError {
    ValueError { key: key.into(), item: None, message: message.to_owned() }
}
