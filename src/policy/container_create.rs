//! Judges the creation of a container: the image, then every field of Config, HostConfig and NetworkingConfig.
//!
//! The operation that leaves this room is not the one that came in: limits, ownership and networks are written into it,
//! neutral noise is gone. Must never let a field pass that it did not name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::command::Commands;
use super::compile::Control;
use super::denial::{Denial, shown};
use super::facts::{FactQuery, Facts, ImageFacts};
use super::file::keys;
use super::host_config::{self, Create};
use super::judge::{Judge, Judged};
use super::pattern::{ImageReference, is_reserved_label};
use super::permit::{FollowUp, Relay};
use super::template::Parts;
use super::{
    addresses, binds, command, container_name, image, mounts, namespaces, networking, ownership, publish, template,
    word,
};
use crate::operation::Operation;
use crate::operation::container::{ContainerCreate, ContainerCreateQuery, ContainerOperation};
use crate::operation::model::{ContainerCreateBody, EnvList, HealthConfig, StringMap};

/// Docker's `operationId`.
pub(super) const ID: &str = "ContainerCreate";

pub(super) fn questions(judge: &Judge<'_>, create: &ContainerCreate, facts: &Facts) -> Vec<FactQuery> {
    if judge.policy.unrestricted || may_create(judge).is_err() {
        return Vec::new();
    }
    let body = &create.body;
    // an image that the policy does not name is not looked up: its absence would be told by the answer
    let mut wanted = match judge_reference(judge, &body.image) {
        Ok(_) => vec![FactQuery::Image(body.image.clone()), FactQuery::Engine],
        Err(_) => return Vec::new(),
    };
    wanted.extend(networking::questions(judge, body));
    wanted.extend(mounts::questions(&body.host_config));
    wanted.extend(namespaces::questions(judge, body, facts));
    wanted.extend(publish::questions(judge, body));
    wanted
}

pub(super) fn decide(judge: &Judge<'_>, create: ContainerCreate, facts: &Facts) -> Result<Judged, Denial> {
    if judge.policy.unrestricted {
        reserved_labels(judge, "Labels", &create.body.labels)?;
        for (index, labels) in mounts::volume_labels(&create.body.host_config) {
            reserved_labels(judge, &format!("HostConfig.Mounts[{index}].VolumeOptions.Labels"), labels)?;
        }
        binds::floor(judge, &create.body.host_config)?;
        let operation = Operation::Container(ContainerOperation::Create(Box::new(create)));
        return Ok(Judged::as_is(operation));
    }
    may_create(judge)?;
    let ContainerCreate { query, body } = create;
    judge_query(judge, &query)?;
    let image = judge_image(judge, &body.image, facts)?;
    let asked = serde_json::to_value(&body).unwrap_or_default();
    let (commands, named) = (Commands::of(&body), body.image.clone());
    command::decide(judge, &commands)?;
    let (body, connect) = judge_body(judge, body, image, facts)?;
    template::decide(judge, &Parts { body: &body, named: &named, commands: &commands, image })?;
    let written = serde_json::to_value(&body).unwrap_or_default();
    let query = ContainerCreateQuery { name: query.name, platform: query.platform };
    let create = ContainerCreate { query, body };
    networking::names_are_free(judge, &create, facts)?;
    Ok(Judged {
        operation: Operation::Container(ContainerOperation::Create(Box::new(create))),
        relay: Relay::AsIs,
        follow_up: FollowUp::Created { image_id: image.id.clone(), connect },
        amended: amended(&asked, &written),
    })
}

/// The places in which two bodies differ: fields at the top, and those of HostConfig. Never their values.
fn amended(asked: &Value, written: &Value) -> Vec<String> {
    let (top, host) = (different(asked, written), different(at(asked, HOST_CONFIG), at(written, HOST_CONFIG)));
    let top = top.into_iter().filter(|field| *field != HOST_CONFIG).map(str::to_owned);
    top.chain(host.into_iter().map(|field| format!("{HOST_CONFIG}.{field}"))).collect()
}

fn different<'v>(asked: &'v Value, written: &'v Value) -> BTreeSet<&'v str> {
    let fields = [asked, written].into_iter().filter_map(Value::as_object).flat_map(|fields| fields.keys());
    fields.map(String::as_str).filter(|field| at(asked, field) != at(written, field)).collect()
}

fn at<'v>(value: &'v Value, field: &str) -> &'v Value {
    value.get(field).unwrap_or(&Value::Null)
}

fn may_create(judge: &Judge<'_>) -> Result<(), Denial> {
    match judge.policy.containers.control {
        Control::None => {
            Err(judge.refuse(ID, "", "creates a container", "to act on no container", keys::CONTAINERS_CONTROL))
        }
        Control::Own | Control::All | Control::Labels(_) => Ok(()),
    }
}

fn judge_query(judge: &Judge<'_>, query: &ContainerCreateQuery) -> Result<(), Denial> {
    let ContainerCreateQuery { name, platform } = query;
    word::platform(judge, ID, platform)?;
    if name.is_empty() { Ok(()) } else { container_name::judge_name(judge, ID, name) }
}

/// Judges the image by its name; IDs pass to [`judge_image`], where the engine's names for them are known.
fn judge_reference(judge: &Judge<'_>, named: &str) -> Result<(), Denial> {
    let by_id = named.starts_with("sha256:") || named.bytes().all(|b| b.is_ascii_hexdigit());
    match ImageReference::parse(named) {
        Ok(reference) if judge.policy.allows_image(&reference) => Ok(()),
        Ok(_) | Err(_) if by_id && !named.is_empty() => Ok(()),
        Ok(reference) => {
            let allowed = image::allowed_instead_of(judge, &reference);
            Err(judge.refuse(ID, "Image", shown(named), allowed, keys::IMAGES_ALLOW))
        }
        Err(error) => Err(judge.floor(ID, "Image", shown(named), format!("it is no image name: {error}"))),
    }
}

fn judge_image<'f>(judge: &Judge<'_>, named: &str, facts: &'f Facts) -> Result<&'f ImageFacts, Denial> {
    judge_reference(judge, named)?;
    match facts.image(named) {
        Some(found) if !found.id.is_empty() && image::visible(judge, named, found).is_some() => Ok(found),
        // an ID prefix of somebody's image is answered like one of nobody's
        Some(_) | None => Err(Denial::no_such_image(&image::familiar(named))),
    }
}

/// Judges every field of the body, in Docker's order, and writes the body that the engine gets.
#[expect(clippy::too_many_lines, reason = "one line a field: the whole body has to be seen in one place")]
fn judge_body(
    judge: &Judge<'_>,
    body: ContainerCreateBody,
    image: &ImageFacts,
    facts: &Facts,
) -> Result<(ContainerCreateBody, Vec<String>), Denial> {
    let ContainerCreateBody {
        hostname,
        domainname,
        user,
        attach_stdin,
        attach_stdout,
        attach_stderr,
        exposed_ports,
        tty,
        open_stdin,
        stdin_once,
        env,
        cmd,
        healthcheck,
        args_escaped,
        image: named,
        volumes,
        working_dir: directory,
        entrypoint,
        network_disabled,
        mac_address,
        on_build,
        labels,
        stop_signal,
        stop_timeout,
        shell,
        cpuset,
        host_config,
        networking_config,
        ignored_name: _,
        ignored_name_lower: _,
        ignored_platform: _,
    } = body;
    host_name(judge, "Hostname", &hostname)?;
    host_name(judge, "Domainname", &domainname)?;
    judge_env(judge, &env)?;
    if let Some(check) = &healthcheck {
        judge_healthcheck(judge, check)?;
    }
    neutral(judge, "ArgsEscaped", !args_escaped, "Windows only")?;
    mounts::anonymous_volumes(judge, &volumes)?;
    working_dir(judge, ID, &directory)?;
    addresses::container_mac(judge, &mac_address)?;
    neutral(judge, "OnBuild", on_build.is_empty(), "it belongs to images, not to containers")?;
    neutral(judge, "Cpuset", cpuset.is_empty(), "its place is HostConfig.CpusetCpus")?;
    judge_labels(judge, &labels)?;
    judge_stop(judge, &stop_signal, stop_timeout)?;
    publish::exposed_ports(judge, &exposed_ports)?;
    let published = publish::decide(judge, &host_config, &exposed_ports, image, facts)?;
    let (host_config, networking_config, connect) =
        host_config::decide(judge, host_config, networking_config, Create { published, facts })?;
    let body = ContainerCreateBody {
        hostname,
        domainname,
        user,
        attach_stdin,
        attach_stdout,
        attach_stderr,
        exposed_ports,
        tty,
        open_stdin,
        stdin_once,
        env,
        cmd,
        healthcheck,
        image: addressed(&named, image),
        working_dir: directory,
        entrypoint,
        network_disabled,
        mac_address,
        labels: stamped(judge, labels, &image.id),
        stop_signal,
        stop_timeout,
        shell,
        host_config,
        networking_config,
        ..ContainerCreateBody::default()
    };
    Ok((body, connect))
}

/// An image named by ID or ID prefix goes up by its full ID; a name stays as the client wrote it, so that lists and
/// inspects look right, and what it meant is compared after the create.
fn addressed(named: &str, image: &ImageFacts) -> String {
    if image::names_by_id(named, &image.id) { image.id.clone() } else { named.to_owned() }
}

fn stamped(judge: &Judge<'_>, StringMap(mut labels): StringMap, image_id: &str) -> StringMap {
    labels.extend(judge.stamp.labels(Some(image_id)));
    StringMap(labels)
}

fn judge_env(judge: &Judge<'_>, env: &EnvList) -> Result<(), Denial> {
    env_is_well_formed(judge, ID, env)?;
    let allowed = &judge.policy.containers.env;
    match env.keys().enumerate().find(|(_, key)| !allowed.matches(key)) {
        None => Ok(()),
        Some((index, key)) => {
            let patterns = patterns(allowed.iter().map(super::pattern::Pattern::as_str));
            let wanted = format!("the variable {}", shown(key));
            Err(judge.refuse(ID, format!("Env[{index}]"), wanted, patterns, keys::CONTAINERS_ENV))
        }
    }
}

/// Every entry has a key. Values are never looked at.
pub(super) fn env_is_well_formed(judge: &Judge<'_>, id: &'static str, env: &EnvList) -> Result<(), Denial> {
    match env.keys().position(str::is_empty) {
        None => Ok(()),
        Some(index) => Err(judge.floor(id, format!("Env[{index}]"), "an entry without a name", "it is `NAME=value`")),
    }
}

/// Empty, or an absolute path that is the container's own: `/proc/self/fd/N` leads to the host on old runtimes
/// (CVE-2024-21626).
pub(super) fn working_dir(judge: &Judge<'_>, id: &'static str, path: &str) -> Result<(), Denial> {
    if path.is_empty() {
        return Ok(());
    }
    if !path.starts_with('/') {
        return Err(judge.floor(id, "WorkingDir", shown(path), "it is an absolute path"));
    }
    if path == "/" { Ok(()) } else { word::container_path(judge, id, "WorkingDir", path) }
}

fn judge_labels(judge: &Judge<'_>, labels: &StringMap) -> Result<(), Denial> {
    reserved_labels(judge, "Labels", labels)?;
    let allowed = &judge.policy.containers.labels;
    // what is reserved and got this far is a broker's that stands before this one
    match labels.0.keys().find(|key| !is_reserved_label(key) && !allowed.matches(key)) {
        None => Ok(()),
        Some(key) => {
            let wanted = format!("the label {}", shown(key));
            Err(judge.refuse(ID, "Labels", wanted, allowed.to_string(), keys::CONTAINERS_LABELS))
        }
    }
}

fn reserved_labels(judge: &Judge<'_>, place: &str, labels: &StringMap) -> Result<(), Denial> {
    match labels.0.iter().find(|(key, value)| judge.reserves(key, value)) {
        None => Ok(()),
        Some((key, _)) => {
            let why = format!("labels that begin with `{}` say whose an object is", ownership::PREFIX);
            Err(judge.floor(ID, place, format!("the label {}", shown(key)), why))
        }
    }
}

/// A health check runs a process for ever, so it may not run too often. Zero means the image's or engine's own value.
fn judge_healthcheck(judge: &Judge<'_>, check: &HealthConfig) -> Result<(), Denial> {
    let HealthConfig { test: _, interval, timeout, retries, start_period, start_interval } = check;
    let spans = [("Interval", interval), ("Timeout", timeout), ("StartInterval", start_interval)];
    if let Some((name, span)) = spans.iter().find(|(_, span)| **span != 0 && **span < SHORTEST_INTERVAL) {
        let wanted = format!("`{span}` nanoseconds");
        return Err(judge.floor(ID, format!("Healthcheck.{name}"), wanted, "it is at least 100 milliseconds"));
    }
    let negative = *retries < 0 || *start_period < 0;
    neutral(judge, "Healthcheck", !negative, "times and counts are not negative")
}

fn judge_stop(judge: &Judge<'_>, signal: &str, timeout: Option<i64>) -> Result<(), Denial> {
    word::signal(judge, ID, "StopSignal", signal)?;
    if word::does_not_end(signal) {
        return Err(judge.floor(ID, "StopSignal", shown(signal), "it does not end a process"));
    }
    match timeout.filter(|seconds| !(0..=LONGEST_STOP).contains(seconds)) {
        None => Ok(()),
        Some(seconds) => Err(judge.floor(ID, "StopTimeout", format!("`{seconds}`"), "it is 0 to 60 seconds")),
    }
}

fn host_name(judge: &Judge<'_>, place: &'static str, name: &str) -> Result<(), Denial> {
    let plain = name.len() <= 253 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if plain { Ok(()) } else { Err(judge.floor(ID, place, shown(name), "it is letters, digits, `-`, `.` and `_`")) }
}

/// A field that has no use here and must be absent.
fn neutral(judge: &Judge<'_>, place: &'static str, is_neutral: bool, why: &'static str) -> Result<(), Denial> {
    if is_neutral { Ok(()) } else { Err(judge.floor(ID, place, "a value", why)) }
}

/// Patterns for a message.
pub(super) fn patterns<'p>(patterns: impl Iterator<Item = &'p str>) -> String {
    let list = patterns.map(shown).collect::<Vec<_>>().join(", ");
    if list.is_empty() { "none".to_owned() } else { list }
}

const HOST_CONFIG: &str = "HostConfig";

/// Nanoseconds. The Node library uses 250 milliseconds.
const SHORTEST_INTERVAL: i64 = 100_000_000;

/// Seconds.
const LONGEST_STOP: i64 = 60;
