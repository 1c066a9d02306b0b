//! The vocabulary of policy files: every key with its kind, its meaning and what its absence means.
//!
//! This table is the one definition. Reading, the nearest known key, what is not in force, and the generated reference
//! all come from it; a test holds it against the types in [`super`], which read the same keys.

use toml::Value;

/// One key of the format.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The path, as `containers.limits.memory`.
    pub path: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// What its absence means.
    pub absent: &'static str,
    /// What it does, in one line.
    pub meaning: &'static str,
    /// Whether it opens or narrows something.
    pub effect: Effect,
    /// Whether this version does what it says.
    pub in_force: InForce,
}

/// The kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A section with keys of its own.
    Table,
    /// `true` or `false`.
    Switch,
    /// Free text.
    Text,
    /// A whole number from 0.
    Whole,
    /// A whole number from 1, or `unlimited`.
    Count,
    /// A number of CPUs, or `unlimited`.
    Cpus,
    /// A number of bytes with its unit, or `unlimited`.
    Size,
    /// A span of time with its unit, or `unlimited`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of strings.
    List,
    /// `true`, `false`, or a table with keys of its own.
    SwitchOrTable,
    /// One of these words, or a table with keys of its own.
    ChoiceOrTable(&'static [&'static str]),
}

/// What a key does to what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows something that is refused without it.
    Permits,
    /// It refuses something that is allowed without it.
    Restricts,
    /// Neither.
    Neutral,
}

/// Whether this version does what a key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce {
    /// It does.
    Always,
    /// It does, but for these values.
    Except(&'static [&'static str]),
    /// It does not yet.
    Never,
}

impl Key {
    /// Whether the value has the right form. Its contents are read later.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        let is_unlimited = value.as_str() == Some("unlimited");
        let is_one_of = |words: &[&str]| value.as_str().is_some_and(|word| words.contains(&word));
        match self.kind {
            Kind::Table => value.is_table(),
            Kind::Switch => value.is_bool(),
            Kind::Text | Kind::Size | Kind::Duration => value.is_str(),
            Kind::Whole => value.as_integer().is_some_and(|number| u32::try_from(number).is_ok()),
            Kind::Count => value.as_integer().is_some_and(|number| number > 0) || is_unlimited,
            Kind::Cpus => value.is_integer() || value.is_float() || is_unlimited,
            Kind::Choice(words) => is_one_of(words),
            Kind::List => value.as_array().is_some_and(|items| items.iter().all(Value::is_str)),
            Kind::SwitchOrTable => value.is_bool() || value.is_table(),
            Kind::ChoiceOrTable(words) => is_one_of(words) || value.is_table(),
        }
    }

    /// Which values it takes, in words: ``one of `own`, `all` ``.
    #[must_use]
    pub fn wanted(&self) -> String {
        match self.kind {
            Kind::Table => "a section".to_owned(),
            Kind::Switch => "`true` or `false`".to_owned(),
            Kind::Text => "a string".to_owned(),
            Kind::Whole => "a whole number from 0".to_owned(),
            Kind::Count => "a whole number from 1, or `\"unlimited\"`".to_owned(),
            Kind::Cpus => "a number of CPUs as `2.0`, or `\"unlimited\"`".to_owned(),
            Kind::Size => "a size with its unit as `\"512MiB\"`, or `\"unlimited\"`".to_owned(),
            Kind::Duration => "a span of time as `\"30m\"`, or `\"unlimited\"`".to_owned(),
            Kind::Choice(words) => words_in_quotes(words),
            Kind::List => "a list of strings as `[\"…\"]`".to_owned(),
            Kind::SwitchOrTable => format!("`true`, `false` or {}", self.table_in_words()),
            Kind::ChoiceOrTable(words) => format!("{} or {}", words_in_quotes(words), self.table_in_words()),
        }
    }

    /// The last word of the path.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// Whether this version does what the key says with this value. A value that changes nothing is in force.
    #[must_use]
    pub fn is_in_force(&self, value: &Value) -> bool {
        match self.in_force {
            InForce::Always => true,
            InForce::Except(words) => !value.as_str().is_some_and(|word| words.contains(&word)),
            InForce::Never => {
                value.as_bool() == Some(false)
                    || (self.effect == Effect::Permits && value.as_array().is_some_and(Vec::is_empty))
            }
        }
    }

    fn table_in_words(&self) -> String {
        let keys: Vec<String> = children(self.path).map(|key| format!("{} = …", key.name())).collect();
        format!("`{{ {} }}`", keys.join(", "))
    }
}

/// The key with this path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The keys directly under a section; `""` is the whole file.
pub fn children(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| match key.path.rsplit_once('.') {
        Some((parent, _)) => parent == section,
        None => section.is_empty(),
    })
}

/// The known key that somebody who wrote `path` may have meant.
#[must_use]
pub fn nearest(path: &str) -> Option<&'static str> {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let name = name.to_ascii_lowercase().replace('_', "-");
    let likeness = |key: &Key| {
        let (section, _) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        let here = if section == parent { SAME_SECTION } else { 0.0 };
        strsim::normalized_damerau_levenshtein(&name, key.name()) + here
    };
    let best = KEYS.iter().map(|key| (likeness(key), key)).max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    (best.0 >= LIKE_ENOUGH).then_some(best.1.path)
}

fn words_in_quotes(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    words.join(" or ")
}

/// How much a key of the same section counts more than one of another.
const SAME_SECTION: f64 = 0.2;

/// Below this, a suggestion would be a guess.
const LIKE_ENOUGH: f64 = 0.6;

/// The policies that `extends` may name.
const SHIPPED: [&str; 5] = crate::policy::builtin::BUILTIN_NAMES;

/// `version`
pub const VERSION: &str = "version";
/// `reason`
pub const REASON: &str = "reason";
/// `extends`
pub const EXTENDS: &str = "extends";
/// `unrestricted`
pub const UNRESTRICTED: &str = "unrestricted";
/// `images`
pub const IMAGES: &str = "images";
/// `images.allow`
pub const IMAGES_ALLOW: &str = "images.allow";
/// `images.pull`
pub const IMAGES_PULL: &str = "images.pull";
/// `images.registry-auth`
pub const IMAGES_REGISTRY_AUTH: &str = "images.registry-auth";
/// `containers`
pub const CONTAINERS: &str = "containers";
/// `containers.see`
pub const CONTAINERS_SEE: &str = "containers.see";
/// `containers.control`
pub const CONTAINERS_CONTROL: &str = "containers.control";
/// `containers.control.labels`
pub const CONTAINERS_CONTROL_LABELS: &str = "containers.control.labels";
/// `containers.names`
pub const CONTAINERS_NAMES: &str = "containers.names";
/// `containers.max`
pub const CONTAINERS_MAX: &str = "containers.max";
/// `containers.max-per-owner`
pub const CONTAINERS_MAX_PER_OWNER: &str = "containers.max-per-owner";
/// `containers.lifetime`
pub const CONTAINERS_LIFETIME: &str = "containers.lifetime";
/// `containers.env`
pub const CONTAINERS_ENV: &str = "containers.env";
/// `containers.labels`
pub const CONTAINERS_LABELS: &str = "containers.labels";
/// `containers.command`
pub const CONTAINERS_COMMAND: &str = "containers.command";
/// `containers.entrypoint`
pub const CONTAINERS_ENTRYPOINT: &str = "containers.entrypoint";
/// `containers.publish`
pub const CONTAINERS_PUBLISH: &str = "containers.publish";
/// `containers.publish-address`
pub const CONTAINERS_PUBLISH_ADDRESS: &str = "containers.publish-address";
/// `containers.publish-ports`
pub const CONTAINERS_PUBLISH_PORTS: &str = "containers.publish-ports";
/// `containers.networks`
pub const CONTAINERS_NETWORKS: &str = "containers.networks";
/// `containers.attach`
pub const CONTAINERS_ATTACH: &str = "containers.attach";
/// `containers.attach-mode`
pub const CONTAINERS_ATTACH_MODE: &str = "containers.attach-mode";
/// `containers.reach`
pub const CONTAINERS_REACH: &str = "containers.reach";
/// `containers.exec`
pub const CONTAINERS_EXEC: &str = "containers.exec";
/// `containers.exec.users`
pub const CONTAINERS_EXEC_USERS: &str = "containers.exec.users";
/// `containers.copy-in`
pub const CONTAINERS_COPY_IN: &str = "containers.copy-in";
/// `containers.copy-out`
pub const CONTAINERS_COPY_OUT: &str = "containers.copy-out";
/// `containers.tmpfs`
pub const CONTAINERS_TMPFS: &str = "containers.tmpfs";
/// `containers.limits`
pub const CONTAINERS_LIMITS: &str = "containers.limits";
/// `containers.limits.memory`
pub const CONTAINERS_LIMITS_MEMORY: &str = "containers.limits.memory";
/// `containers.limits.cpus`
pub const CONTAINERS_LIMITS_CPUS: &str = "containers.limits.cpus";
/// `containers.limits.pids`
pub const CONTAINERS_LIMITS_PIDS: &str = "containers.limits.pids";
/// `containers.limits.shm`
pub const CONTAINERS_LIMITS_SHM: &str = "containers.limits.shm";
/// `containers.limits.disk`
pub const CONTAINERS_LIMITS_DISK: &str = "containers.limits.disk";
/// `containers.limits.log`
pub const CONTAINERS_LIMITS_LOG: &str = "containers.limits.log";
/// `containers.limits.log.drivers`
pub const CONTAINERS_LIMITS_LOG_DRIVERS: &str = "containers.limits.log.drivers";
/// `containers.limits.log.max-size`
pub const CONTAINERS_LIMITS_LOG_MAX_SIZE: &str = "containers.limits.log.max-size";
/// `containers.limits.over`
pub const CONTAINERS_LIMITS_OVER: &str = "containers.limits.over";
/// `containers.limits.required`
pub const CONTAINERS_LIMITS_REQUIRED: &str = "containers.limits.required";
/// `containers.host`
pub const CONTAINERS_HOST: &str = "containers.host";
/// `containers.host.binds`
pub const CONTAINERS_HOST_BINDS: &str = "containers.host.binds";
/// `containers.host.devices`
pub const CONTAINERS_HOST_DEVICES: &str = "containers.host.devices";
/// `containers.host.device-cgroup-rules`
pub const CONTAINERS_HOST_DEVICE_CGROUP_RULES: &str = "containers.host.device-cgroup-rules";
/// `containers.host.device-requests`
pub const CONTAINERS_HOST_DEVICE_REQUESTS: &str = "containers.host.device-requests";
/// `containers.host.cap-add`
pub const CONTAINERS_HOST_CAP_ADD: &str = "containers.host.cap-add";
/// `containers.host.privileged`
pub const CONTAINERS_HOST_PRIVILEGED: &str = "containers.host.privileged";
/// `containers.host.exec-privileged`
pub const CONTAINERS_HOST_EXEC_PRIVILEGED: &str = "containers.host.exec-privileged";
/// `containers.host.network`
pub const CONTAINERS_HOST_NETWORK: &str = "containers.host.network";
/// `containers.host.pid`
pub const CONTAINERS_HOST_PID: &str = "containers.host.pid";
/// `containers.host.ipc`
pub const CONTAINERS_HOST_IPC: &str = "containers.host.ipc";
/// `containers.host.uts`
pub const CONTAINERS_HOST_UTS: &str = "containers.host.uts";
/// `containers.host.userns`
pub const CONTAINERS_HOST_USERNS: &str = "containers.host.userns";
/// `containers.host.cgroupns`
pub const CONTAINERS_HOST_CGROUPNS: &str = "containers.host.cgroupns";
/// `containers.host.cgroup-parent`
pub const CONTAINERS_HOST_CGROUP_PARENT: &str = "containers.host.cgroup-parent";
/// `containers.host.sysctls`
pub const CONTAINERS_HOST_SYSCTLS: &str = "containers.host.sysctls";
/// `containers.host.security-opt`
pub const CONTAINERS_HOST_SECURITY_OPT: &str = "containers.host.security-opt";
/// `containers.host.unmasked-paths`
pub const CONTAINERS_HOST_UNMASKED_PATHS: &str = "containers.host.unmasked-paths";
/// `containers.host.runtime`
pub const CONTAINERS_HOST_RUNTIME: &str = "containers.host.runtime";
/// `containers.host.restart`
pub const CONTAINERS_HOST_RESTART: &str = "containers.host.restart";
/// `containers.host.ulimits`
pub const CONTAINERS_HOST_ULIMITS: &str = "containers.host.ulimits";
/// `containers.host.scheduling`
pub const CONTAINERS_HOST_SCHEDULING: &str = "containers.host.scheduling";
/// `containers.host.storage-opt`
pub const CONTAINERS_HOST_STORAGE_OPT: &str = "containers.host.storage-opt";
/// `containers.host.volume-drivers`
pub const CONTAINERS_HOST_VOLUME_DRIVERS: &str = "containers.host.volume-drivers";
/// `containers.host.group-add`
pub const CONTAINERS_HOST_GROUP_ADD: &str = "containers.host.group-add";
/// `containers.host.annotations`
pub const CONTAINERS_HOST_ANNOTATIONS: &str = "containers.host.annotations";
/// `containers.host.dns`
pub const CONTAINERS_HOST_DNS: &str = "containers.host.dns";
/// `containers.host.extra-hosts`
pub const CONTAINERS_HOST_EXTRA_HOSTS: &str = "containers.host.extra-hosts";
/// `containers.host.links`
pub const CONTAINERS_HOST_LINKS: &str = "containers.host.links";
/// `containers.host.addresses`
pub const CONTAINERS_HOST_ADDRESSES: &str = "containers.host.addresses";
/// `containers.host.buildkit`
pub const CONTAINERS_HOST_BUILDKIT: &str = "containers.host.buildkit";
/// `networks`
pub const NETWORKS: &str = "networks";
/// `networks.create`
pub const NETWORKS_CREATE: &str = "networks.create";
/// `networks.create.names`
pub const NETWORKS_CREATE_NAMES: &str = "networks.create.names";
/// `networks.create.max`
pub const NETWORKS_CREATE_MAX: &str = "networks.create.max";
/// `networks.create.internal`
pub const NETWORKS_CREATE_INTERNAL: &str = "networks.create.internal";
/// `volumes`
pub const VOLUMES: &str = "volumes";
/// `volumes.create`
pub const VOLUMES_CREATE: &str = "volumes.create";
/// `volumes.create.names`
pub const VOLUMES_CREATE_NAMES: &str = "volumes.create.names";
/// `volumes.create.max`
pub const VOLUMES_CREATE_MAX: &str = "volumes.create.max";
/// `build`
pub const BUILD: &str = "build";
/// `build.tags`
pub const BUILD_TAGS: &str = "build.tags";
/// `build.from`
pub const BUILD_FROM: &str = "build.from";
/// `build.network`
pub const BUILD_NETWORK: &str = "build.network";
/// `prune`
pub const PRUNE: &str = "prune";
/// `prune.answer`
pub const PRUNE_ANSWER: &str = "prune.answer";
/// `reaper`
pub const REAPER: &str = "reaper";
/// `reaper.emulate`
pub const REAPER_EMULATE: &str = "reaper.emulate";
/// `reaper.address`
pub const REAPER_ADDRESS: &str = "reaper.address";

/// Every key, sections before their keys, in the order of the reference.
pub const KEYS: &[Key] = &[
    Key {
        path: VERSION,
        kind: Kind::Whole,
        absent: "`1`",
        meaning: "the version of this format; only 1 exists",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: REASON,
        kind: Kind::Text,
        absent: "none",
        meaning: "why the policy exists; shown to people, decides nothing",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: EXTENDS,
        kind: Kind::Choice(&SHIPPED),
        absent: "nothing",
        meaning: "start from a shipped policy; sections are merged key by key, every value (also a list) replaces the one before",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: UNRESTRICTED,
        kind: Kind::Switch,
        absent: "false",
        meaning: "allow everything but the floor, inject and filter nothing; the other grants then say nothing",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: IMAGES,
        kind: Kind::Table,
        absent: "none",
        meaning: "which images may be seen, pulled and run",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: IMAGES_ALLOW,
        kind: Kind::List,
        absent: "none",
        meaning: "image references; `*` stands for any run of characters inside one path component or the tag; `@sha256:…` pins the content; no tag means `latest`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: IMAGES_PULL,
        kind: Kind::Switch,
        absent: "false",
        meaning: "whether allowed images may be pulled; otherwise no registry is contacted",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: IMAGES_REGISTRY_AUTH,
        kind: Kind::Choice(&["none", "client", "broker"]),
        absent: "`none`",
        meaning: "whose registry credentials a pull carries",
        effect: Effect::Permits,
        in_force: InForce::Except(&["broker"]),
    },
    Key {
        path: CONTAINERS,
        kind: Kind::Table,
        absent: "none",
        meaning: "what may be done with containers",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_SEE,
        kind: Kind::Choice(&["own", "all"]),
        absent: "nobody's",
        meaning: "whose containers list, inspect and events show",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_CONTROL,
        kind: Kind::ChoiceOrTable(&["own", "all"]),
        absent: "nobody's",
        meaning: "whose containers may be started, stopped, exec'd, copied from and to, and removed; without it nothing can be created",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_CONTROL_LABELS,
        kind: Kind::List,
        absent: "none",
        meaning: "control also foreign containers that carry all of these labels, as `key=value`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_NAMES,
        kind: Kind::List,
        absent: "none",
        meaning: "names that a client may give; with `attach` each must be a prefix of its own, as `agent1-*`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_MAX,
        kind: Kind::Whole,
        absent: "no bound",
        meaning: "containers in a session",
        effect: Effect::Restricts,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_MAX_PER_OWNER,
        kind: Kind::Whole,
        absent: "no bound",
        meaning: "containers of all sessions of an owner",
        effect: Effect::Restricts,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_LIFETIME,
        kind: Kind::Duration,
        absent: "an error where containers can be created",
        meaning: "how long a container may live, as `30m`, or `unlimited`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_ENV,
        kind: Kind::List,
        absent: "none",
        meaning: "keys of environment variables that a client may set",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LABELS,
        kind: Kind::List,
        absent: "none",
        meaning: "label keys that a client may set; `com.docker.*` and `traefik.*` must be named, `docker-broker.*` never passes",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_COMMAND,
        kind: Kind::List,
        absent: "any",
        meaning: "commands that a client may set, their words joined by one blank",
        effect: Effect::Restricts,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_ENTRYPOINT,
        kind: Kind::List,
        absent: "any",
        meaning: "entrypoints that a client may set, their words joined by one blank",
        effect: Effect::Restricts,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_PUBLISH,
        kind: Kind::List,
        absent: "none",
        meaning: "container ports that may be published, as `5432/tcp`, `8000-8010/tcp` or `*/tcp`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_PUBLISH_ADDRESS,
        kind: Kind::Choice(&["loopback", "bridge", "any"]),
        absent: "`loopback`",
        meaning: "host addresses that ports are published on; `bridge` adds the gateway of the bridge",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_PUBLISH_PORTS,
        kind: Kind::Choice(&["ephemeral", "as-asked"]),
        absent: "`ephemeral`",
        meaning: "host ports: picked by the engine, or as the client asks",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_NETWORKS,
        kind: Kind::List,
        absent: "none",
        meaning: "networks that a client may name, besides its own",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_ATTACH,
        kind: Kind::List,
        absent: "none",
        meaning: "networks that every created container joins before it starts; the first one is its main network",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_ATTACH_MODE,
        kind: Kind::Choice(&["replace", "add"]),
        absent: "`replace`",
        meaning: "whether `attach` replaces the default network or keeps it as well",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_REACH,
        kind: Kind::Choice(&["publish", "relay"]),
        absent: "`publish`",
        meaning: "published ports are opened on the host, or on the broker, which relays",
        effect: Effect::Neutral,
        in_force: InForce::Except(&["relay"]),
    },
    Key {
        path: CONTAINERS_EXEC,
        kind: Kind::SwitchOrTable,
        absent: "false",
        meaning: "whether processes may be run in own containers",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_EXEC_USERS,
        kind: Kind::List,
        absent: "none",
        meaning: "the users that they may run as; an empty string is the container's own",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_COPY_IN,
        kind: Kind::Switch,
        absent: "false",
        meaning: "whether archives may be put into own containers; they are re-encoded entry by entry",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_COPY_OUT,
        kind: Kind::Switch,
        absent: "false",
        meaning: "whether archives may be taken out of own containers",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_TMPFS,
        kind: Kind::List,
        absent: "none",
        meaning: "paths that a client may mount a tmpfs on",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS,
        kind: Kind::Table,
        absent: "none",
        meaning: "resources of one container; injected where the client asks for nothing",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS_MEMORY,
        kind: Kind::Size,
        absent: "nothing injected, no value taken from the client",
        meaning: "memory and swap together, as `1GiB`, or `unlimited`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS_CPUS,
        kind: Kind::Cpus,
        absent: "nothing injected, no value taken from the client",
        meaning: "CPUs, as `2.0`, or `unlimited`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS_PIDS,
        kind: Kind::Count,
        absent: "nothing injected, no value taken from the client",
        meaning: "processes and threads, as `512`, or `unlimited`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS_SHM,
        kind: Kind::Size,
        absent: "nothing injected, no value taken from the client",
        meaning: "the size of /dev/shm, as `256MiB`, or `unlimited`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS_DISK,
        kind: Kind::Size,
        absent: "no bound",
        meaning: "the writable layer and anonymous volumes, as `4GiB`, or `unlimited`",
        effect: Effect::Restricts,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_LIMITS_LOG,
        kind: Kind::ChoiceOrTable(&["unlimited"]),
        absent: "nothing injected, no value taken from the client",
        meaning: "where a container's log goes and how large it grows, or `unlimited`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS_LOG_DRIVERS,
        kind: Kind::List,
        absent: "an error in `log`",
        meaning: "log drivers that may be used; the first one that the engine has is the default",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS_LOG_MAX_SIZE,
        kind: Kind::Size,
        absent: "an error in `log`",
        meaning: "the size of one log file, as `20MiB`, or `unlimited`",
        effect: Effect::Permits,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS_OVER,
        kind: Kind::Choice(&["refuse", "clamp"]),
        absent: "`refuse`",
        meaning: "what happens to a client that asks for more than a limit",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_LIMITS_REQUIRED,
        kind: Kind::Switch,
        absent: "false",
        meaning: "refuse to create where the engine says that it cannot enforce a limit",
        effect: Effect::Restricts,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_HOST,
        kind: Kind::Table,
        absent: "none",
        meaning: "powers over the host; each may equal root there",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: CONTAINERS_HOST_BINDS,
        kind: Kind::List,
        absent: "none",
        meaning: "exact paths of the host that may be bound, read-only unless they end in `:rw`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_DEVICES,
        kind: Kind::List,
        absent: "none",
        meaning: "devices of the host, as `/dev/fuse`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_DEVICE_CGROUP_RULES,
        kind: Kind::List,
        absent: "none",
        meaning: "device cgroup rules",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_DEVICE_REQUESTS,
        kind: Kind::List,
        absent: "none",
        meaning: "device requests to drivers, as GPUs",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_CAP_ADD,
        kind: Kind::List,
        absent: "none",
        meaning: "capabilities that may be added",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_PRIVILEGED,
        kind: Kind::Switch,
        absent: "false",
        meaning: "privileged containers: root on the host",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_EXEC_PRIVILEGED,
        kind: Kind::Switch,
        absent: "false",
        meaning: "privileged exec: all capabilities in a container",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_NETWORK,
        kind: Kind::List,
        absent: "none",
        meaning: "network modes of the host, as `host`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_PID,
        kind: Kind::List,
        absent: "none",
        meaning: "process namespace modes, as `host`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_IPC,
        kind: Kind::List,
        absent: "none",
        meaning: "IPC modes, as `host` or `shareable`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_UTS,
        kind: Kind::List,
        absent: "none",
        meaning: "UTS modes, as `host`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_USERNS,
        kind: Kind::List,
        absent: "none",
        meaning: "user namespace modes, as `host`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_CGROUPNS,
        kind: Kind::List,
        absent: "none",
        meaning: "cgroup namespace modes, as `host`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_CGROUP_PARENT,
        kind: Kind::List,
        absent: "none",
        meaning: "parents of the container's cgroup",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_SYSCTLS,
        kind: Kind::List,
        absent: "none",
        meaning: "kernel parameters that may be set",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_SECURITY_OPT,
        kind: Kind::List,
        absent: "none",
        meaning: "security options other than `no-new-privileges`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_UNMASKED_PATHS,
        kind: Kind::Switch,
        absent: "false",
        meaning: "whether a client may set masked and read-only paths of /proc and /sys",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_RUNTIME,
        kind: Kind::List,
        absent: "none",
        meaning: "runtimes other than the engine's default",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_RESTART,
        kind: Kind::List,
        absent: "none",
        meaning: "restart policies, as `unless-stopped`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_ULIMITS,
        kind: Kind::List,
        absent: "none",
        meaning: "ulimits that may be set, by name",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_SCHEDULING,
        kind: Kind::Switch,
        absent: "false",
        meaning: "CPU shares and sets, block I/O, realtime and out-of-memory settings",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_STORAGE_OPT,
        kind: Kind::List,
        absent: "none",
        meaning: "storage options, by key",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_VOLUME_DRIVERS,
        kind: Kind::List,
        absent: "none",
        meaning: "volume drivers other than `local`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_GROUP_ADD,
        kind: Kind::List,
        absent: "none",
        meaning: "additional groups",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_ANNOTATIONS,
        kind: Kind::List,
        absent: "none",
        meaning: "annotations that runtimes read, by key",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_DNS,
        kind: Kind::Switch,
        absent: "false",
        meaning: "DNS servers, options and search domains",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_EXTRA_HOSTS,
        kind: Kind::List,
        absent: "none",
        meaning: "entries of /etc/hosts, as `name:address`",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_LINKS,
        kind: Kind::Switch,
        absent: "false",
        meaning: "links to own containers",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_ADDRESSES,
        kind: Kind::Switch,
        absent: "false",
        meaning: "fixed addresses, MAC addresses, and driver options of endpoints",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: CONTAINERS_HOST_BUILDKIT,
        kind: Kind::Switch,
        absent: "false",
        meaning: "the BuildKit tunnels; equal to running any image without limits",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: NETWORKS,
        kind: Kind::Table,
        absent: "none",
        meaning: "what may be done with networks",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: NETWORKS_CREATE,
        kind: Kind::SwitchOrTable,
        absent: "false",
        meaning: "networks that a client may create",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: NETWORKS_CREATE_NAMES,
        kind: Kind::List,
        absent: "none",
        meaning: "their names",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: NETWORKS_CREATE_MAX,
        kind: Kind::Whole,
        absent: "no bound",
        meaning: "networks in a session",
        effect: Effect::Restricts,
        in_force: InForce::Never,
    },
    Key {
        path: NETWORKS_CREATE_INTERNAL,
        kind: Kind::Switch,
        absent: "false",
        meaning: "they are made without a way out",
        effect: Effect::Restricts,
        in_force: InForce::Never,
    },
    Key {
        path: VOLUMES,
        kind: Kind::Table,
        absent: "none",
        meaning: "what may be done with volumes",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: VOLUMES_CREATE,
        kind: Kind::SwitchOrTable,
        absent: "false",
        meaning: "volumes that a client may create, with the local driver and no options",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: VOLUMES_CREATE_NAMES,
        kind: Kind::List,
        absent: "none",
        meaning: "their names",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: VOLUMES_CREATE_MAX,
        kind: Kind::Whole,
        absent: "no bound",
        meaning: "volumes in a session",
        effect: Effect::Restricts,
        in_force: InForce::Never,
    },
    Key {
        path: BUILD,
        kind: Kind::Table,
        absent: "none",
        meaning: "which images may be made",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: BUILD_TAGS,
        kind: Kind::List,
        absent: "none",
        meaning: "names that build, commit, import, load and tag may produce",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: BUILD_FROM,
        kind: Kind::List,
        absent: "`images.allow`",
        meaning: "images that a build may start from",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: BUILD_NETWORK,
        kind: Kind::List,
        absent: "none",
        meaning: "networks that build steps may use",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: PRUNE,
        kind: Kind::Table,
        absent: "none",
        meaning: "how the prune operations are answered",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: PRUNE_ANSWER,
        kind: Kind::Choice(&["stub", "own"]),
        absent: "refused",
        meaning: "`stub` answers and touches nothing, `own` prunes the caller's own objects",
        effect: Effect::Permits,
        in_force: InForce::Except(&["own"]),
    },
    Key {
        path: REAPER,
        kind: Kind::Table,
        absent: "none",
        meaning: "the Testcontainers reaper",
        effect: Effect::Neutral,
        in_force: InForce::Always,
    },
    Key {
        path: REAPER_EMULATE,
        kind: Kind::Switch,
        absent: "false",
        meaning: "the broker stands in for the reaper, and no such container runs",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
    Key {
        path: REAPER_ADDRESS,
        kind: Kind::Choice(&["loopback", "bridge"]),
        absent: "`loopback`",
        meaning: "where the reaper listens",
        effect: Effect::Permits,
        in_force: InForce::Never,
    },
];
