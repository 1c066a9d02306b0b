//! A policy that is ready to run: every value read, bounded and given its meaning, so that judges only compare.
//!
//! Absence is refusal: a key that a file does not hold is none, zero or refused here. A permissive key whose feature
//! this version does not have is refused as well and listed in [`Policy::not_in_force`]; a judge that follows these
//! values can therefore not open what nobody built. Nothing here is decided by the request.

mod host;
mod read;
mod template;
pub(crate) mod value;

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::credentials::RegistryCredentials;
use super::pattern::{ImagePattern, LabelPatterns, Patterns, PortPattern};

pub use host::{BindGrant, DeviceGrant, Host, RestartGrant, UlimitGrant};
pub(crate) use host::{are_device_permissions, canonical_security_option};
pub(crate) use read::{ValueError, compile};
pub use template::Template;

/// One policy, ready to be judged by. Its [`Display`](fmt::Display) is what a denial calls it:
/// ``policy `postgres` (built in)`` or ``policy file `agent.toml` ``.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The name it is known by.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Why it exists, in its author's words; empty when not said.
    pub reason: String,
    /// Everything but the floor is allowed, and nothing is injected or filtered. The other grants then say nothing.
    pub unrestricted: bool,
    /// Which images may be seen, pulled and run.
    pub images: Images,
    /// What may be done with containers.
    pub containers: Containers,
    /// What may be done with networks.
    pub networks: Networks,
    /// What may be done with volumes.
    pub volumes: Volumes,
    /// Which images may be built.
    pub build: Build,
    /// How the five prune operations are answered.
    pub prune: Prune,
    /// Whether the broker stands in for the Testcontainers reaper.
    pub reaper: Reaper,
    /// `[templates.NAME]`: where there is any, every create matches one of them.
    pub templates: Vec<Template>,
    /// What the file says and this version cannot do yet.
    pub not_in_force: Vec<NotInForce>,
}

/// Where a policy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Shipped with the broker.
    BuiltIn,
    /// A file, by the path with which it was named.
    File(String),
}

/// A key that is known but not (or not in this value) built yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotInForce {
    /// The key, as `containers.max`.
    pub key: &'static str,
    /// What follows from it: refused where the key would permit, not applied where it would restrict.
    pub effect: NotInForceEffect,
}

/// What becomes of a key that is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInForceEffect {
    /// It would permit something, which stays refused.
    StaysRefused,
    /// It would restrict something, which is not restricted yet.
    NotApplied,
}

/// `[images]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// `images.allow`
    pub allow: Vec<ImagePattern>,
    /// `images.pull`
    pub pull: bool,
    /// `images.registry-auth`
    pub registry_auth: RegistryAuth,
    /// The broker's own credentials, which no policy file holds: an operator gives them beside it.
    pub credentials: RegistryCredentials,
    /// `images.push`: the names that may be pushed to their registry.
    pub push: Vec<ImagePattern>,
    /// `images.remove`: the names that may be taken from images, and images by them.
    pub remove: Vec<ImagePattern>,
    /// `images.save`: whether allowed images may be exported as archives.
    pub save: bool,
    /// `images.search`: whether the engine may be made to search its registry.
    pub search: bool,
}

/// Whose registry credentials a pull carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistryAuth {
    /// Nobody's: `X-Registry-Auth` does not go upstream.
    #[default]
    None,
    /// The client's own.
    Client,
    /// Those of the broker.
    Broker,
}

/// `[containers]`
#[derive(Clone, Debug, PartialEq)]
pub struct Containers {
    /// `containers.see`
    pub see: Scope,
    /// `containers.control`
    pub control: Control,
    /// `containers.names`
    pub names: Patterns,
    /// `containers.max`: containers in a session.
    pub max: Option<u32>,
    /// `containers.max-per-owner`: containers of all sessions of an owner.
    pub max_per_owner: Option<u32>,
    /// `containers.lifetime`
    pub lifetime: Lifetime,
    /// `containers.env`: keys.
    pub env: Patterns,
    /// `containers.labels`: keys.
    pub labels: LabelPatterns,
    /// `containers.command`: the words of the command joined by one blank; `None` means any, for it runs inside.
    pub command: Option<Patterns>,
    /// `containers.entrypoint`: as `command`.
    pub entrypoint: Option<Patterns>,
    /// `containers.publish`
    pub publish: Vec<PortPattern>,
    /// `containers.publish-address`
    pub publish_address: PublishAddress,
    /// `containers.publish-ports`
    pub publish_ports: PublishPorts,
    /// `containers.networks`
    pub networks: Patterns,
    /// `containers.attach`: network names; the first is the main one.
    pub attach: Vec<String>,
    /// `containers.attach-mode`
    pub attach_mode: AttachMode,
    /// `containers.reach`
    pub reach: Reach,
    /// `containers.exec`
    pub exec: ExecGrant,
    /// `containers.copy-in`
    pub copy_in: bool,
    /// `containers.copy-out`
    pub copy_out: bool,
    /// `containers.tmpfs`: absolute, clean paths.
    pub tmpfs: Vec<String>,
    /// `[containers.limits]`
    pub limits: Limits,
    /// `[containers.totals]`
    pub totals: Totals,
    /// `[containers.host]`
    pub host: Host,
}

/// Whose containers list, inspect and events show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Nobody's (the key is absent).
    #[default]
    #[serde(skip)]
    None,
    /// The caller's own.
    Own,
    /// Everybody's; foreign ones without what could tell secrets.
    All,
}

/// Whose containers may be started, stopped, exec'd, removed and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Control {
    /// Nobody's (the key is absent); then nothing can be created either.
    #[default]
    None,
    /// The caller's own.
    Own,
    /// Everybody's.
    All,
    /// The caller's own, and foreign ones that carry all of these labels, key and value.
    Labels(Vec<(String, String)>),
}

/// How long what a client makes may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// So long from its creation. Zero where nothing can be created.
    For(Duration),
    /// As long as nobody removes it.
    Unlimited,
}

/// The host addresses that a port may be published on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublishAddress {
    /// `127.0.0.1` and `::1`; also where the key is absent, for it is the narrowest.
    #[default]
    Loopback,
    /// Loopback, and the gateway of the container's bridge.
    Bridge,
    /// Every address.
    Any,
}

/// Which host ports a port may be published on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublishPorts {
    /// One that the engine picks; also where the key is absent.
    #[default]
    Ephemeral,
    /// The one that the client names.
    AsAsked,
}

/// What becomes of the default network where `attach` names others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachMode {
    /// It is replaced; also where the key is absent.
    #[default]
    Replace,
    /// It stays, so such containers can reach out.
    Add,
}

/// How a client reaches published ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// On the host's address; also where the key is absent.
    #[default]
    Publish,
    /// On the broker's address, which relays.
    Relay,
}

/// Whether processes may be run in own containers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExecGrant {
    /// None (the key is absent or `false`).
    #[default]
    None,
    /// As any user inside.
    Any,
    /// As one of these users; `""` is the container's own.
    Users(Vec<String>),
}

/// A resource limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit<T> {
    /// The key is absent: nothing is injected, and a client may not ask for any value of its own.
    #[default]
    NotSet,
    /// Injected where the client asks for nothing; more is refused or clamped.
    At(T),
    /// Said to be unlimited: nothing is injected, and the client may ask for what it likes.
    Unlimited,
}

/// `[containers.limits]`. Byte counts fit an `i64`, which is how the Engine API carries them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `containers.limits.memory`, in bytes.
    pub memory: Limit<u64>,
    /// `containers.limits.cpus`, in billionths of a CPU (`NanoCpus`).
    pub cpus: Limit<i64>,
    /// `containers.limits.pids`
    pub pids: Limit<i64>,
    /// `containers.limits.shm`, in bytes.
    pub shm: Limit<u64>,
    /// `containers.limits.disk`, in bytes.
    pub disk: Limit<u64>,
    /// `containers.limits.log`
    pub log: Limit<LogLimit>,
    /// `containers.limits.over`
    pub over: Over,
    /// `containers.limits.required`
    pub required: bool,
}

/// `[containers.totals]`: what all containers of an owner may use together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// `containers.totals.memory`, in bytes.
    pub memory: Limit<u64>,
    /// `containers.totals.cpus`, in billionths of a CPU.
    pub cpus: Limit<i64>,
    /// `containers.totals.pids`
    pub pids: Limit<i64>,
}

/// Where a container's log goes and how large it grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLimit {
    /// The log drivers allowed, not empty; the first one that the engine has is written where the client names none.
    pub drivers: Vec<String>,
    /// The size of one log file, in bytes.
    pub max_size: Limit<u64>,
}

/// What happens to a client that asks for more than a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// Refused; also where the key is absent.
    #[default]
    Refuse,
    /// Given the limit instead.
    Clamp,
}

/// `[networks]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    /// `networks.create`; `None` refuses.
    pub create: Option<NetworkGrant>,
}

/// Which networks a client may create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkGrant {
    /// `networks.create.names`; any where `create = true`.
    pub names: Patterns,
    /// `networks.create.max`: networks in a session.
    pub max: Option<u32>,
    /// `networks.create.internal`: they are made without a way out.
    pub internal: bool,
}

/// `[volumes]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volumes {
    /// `volumes.create`; `None` refuses.
    pub create: Option<VolumeGrant>,
}

/// Which volumes a client may create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeGrant {
    /// `volumes.create.names`; any where `create = true`.
    pub names: Patterns,
    /// `volumes.create.max`: volumes in a session.
    pub max: Option<u32>,
}

/// `[build]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// `build.tags`: the names that build, commit, import, load and tag may produce; empty refuses them all.
    pub tags: Vec<ImagePattern>,
    /// `build.from`: the images that a build may start from; where absent, those of `images.allow`.
    pub from: Option<Vec<ImagePattern>>,
    /// `build.network`: the networks that a build step may use.
    pub network: Vec<String>,
}

/// How prune operations are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prune {
    /// Refused (the key is absent).
    #[default]
    #[serde(skip)]
    Refuse,
    /// 200 in the engine's shape, and nothing is touched.
    Stub,
    /// The caller's own objects are pruned.
    Own,
}

/// `[reaper]`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reaper {
    /// `reaper.emulate`
    pub emulate: bool,
    /// `reaper.address`
    pub address: ReaperAddress,
}

/// Where the emulated reaper listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReaperAddress {
    /// `127.0.0.1` and `::1`; also where the key is absent.
    #[default]
    Loopback,
    /// Loopback, and the gateway of the bridge.
    Bridge,
}

impl Policy {
    /// Whether a client can create containers: some image is allowed, and what it makes would be its to control.
    #[must_use]
    pub fn can_create(&self) -> bool {
        self.unrestricted || (!self.images.allow.is_empty() && self.containers.control != Control::None)
    }

    /// Whether one of `images.allow` matches.
    #[must_use]
    pub fn allows_image(&self, reference: &super::pattern::ImageReference) -> bool {
        self.images.allow.iter().any(|pattern| pattern.matches(reference))
    }

    /// Whether a client may see the name: it is allowed, or one that clients of this policy give.
    #[must_use]
    pub fn shows_image(&self, reference: &super::pattern::ImageReference) -> bool {
        self.allows_image(reference) || self.build.tags.iter().any(|pattern| pattern.matches(reference))
    }
}

impl Containers {
    /// Whether every name that a client may give begins with a prefix of the policy's own, as `agent1-*` does: then no
    /// client can take the name of somebody else's service on a shared network.
    #[must_use]
    pub fn names_are_own_prefixes(&self) -> bool {
        self.names.iter().all(|pattern| {
            let prefix = pattern.as_str().strip_suffix('*').unwrap_or_default();
            !prefix.is_empty() && !prefix.contains('*')
        })
    }
}

impl ExecGrant {
    /// Whether a process may run as this user (`""`: the container's own).
    #[must_use]
    pub fn allows(&self, user: &str) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Users(users) => users.iter().any(|allowed| allowed == user),
        }
    }
}

impl<T> Limit<T> {
    /// The value to inject, if there is one.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::At(value) => Some(value),
            Self::NotSet | Self::Unlimited => None,
        }
    }
}

impl Default for Containers {
    fn default() -> Self {
        Self {
            see: Scope::None,
            control: Control::None,
            names: Patterns::default(),
            max: None,
            max_per_owner: None,
            lifetime: Lifetime::For(Duration::ZERO),
            env: Patterns::default(),
            labels: LabelPatterns::default(),
            command: None,
            entrypoint: None,
            publish: Vec::new(),
            publish_address: PublishAddress::default(),
            publish_ports: PublishPorts::default(),
            networks: Patterns::default(),
            attach: Vec::new(),
            attach_mode: AttachMode::default(),
            reach: Reach::default(),
            exec: ExecGrant::None,
            copy_in: false,
            copy_out: false,
            tmpfs: Vec::new(),
            limits: Limits::default(),
            totals: Totals::default(),
            host: Host::default(),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::BuiltIn => write!(f, "policy `{}` (built in)", self.name),
            Origin::File(path) => write!(f, "policy file `{path}`"),
        }
    }
}

impl fmt::Display for NotInForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.effect {
            NotInForceEffect::StaysRefused => {
                write!(f, "`{}` is not in force in this version: what it would permit stays refused", self.key)
            }
            NotInForceEffect::NotApplied => {
                write!(f, "`{}` is not in force in this version: it has no effect yet", self.key)
            }
        }
    }
}
