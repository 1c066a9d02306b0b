//! The keys themselves: their paths, as judges name them in denials, and the table.

use super::{Effect, InForce, Key, Kind};

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
/// `images.push`
pub const IMAGES_PUSH: &str = "images.push";
/// `images.remove`
pub const IMAGES_REMOVE: &str = "images.remove";
/// `images.save`
pub const IMAGES_SAVE: &str = "images.save";
/// `images.search`
pub const IMAGES_SEARCH: &str = "images.search";
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
/// `containers.totals`
pub const CONTAINERS_TOTALS: &str = "containers.totals";
/// `containers.totals.memory`
pub const CONTAINERS_TOTALS_MEMORY: &str = "containers.totals.memory";
/// `containers.totals.cpus`
pub const CONTAINERS_TOTALS_CPUS: &str = "containers.totals.cpus";
/// `containers.totals.pids`
pub const CONTAINERS_TOTALS_PIDS: &str = "containers.totals.pids";
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
/// `templates`
pub const TEMPLATES: &str = "templates";
/// `templates.NAME`
pub const TEMPLATES_NAME: &str = "templates.NAME";
/// `templates.NAME.image`
pub const TEMPLATES_NAME_IMAGE: &str = "templates.NAME.image";
/// `templates.NAME.command`
pub const TEMPLATES_NAME_COMMAND: &str = "templates.NAME.command";
/// `templates.NAME.entrypoint`
pub const TEMPLATES_NAME_ENTRYPOINT: &str = "templates.NAME.entrypoint";
/// `templates.NAME.env`
pub const TEMPLATES_NAME_ENV: &str = "templates.NAME.env";
/// `templates.NAME.publish`
pub const TEMPLATES_NAME_PUBLISH: &str = "templates.NAME.publish";
/// `templates.NAME.labels`
pub const TEMPLATES_NAME_LABELS: &str = "templates.NAME.labels";

/// Every key, sections before their keys, in the order of the reference.
// One key in two lines reads as a table; the formatter would make eight of them.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    Key { path: VERSION, kind: Kind::Whole, effect: Effect::Neutral, in_force: InForce::Always, absent: "`1`",
          meaning: "the version of this format; only 1 exists" },
    Key { path: REASON, kind: Kind::Text, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "why the policy exists; shown to people, decides nothing" },
    Key { path: EXTENDS, kind: Kind::Choice(&SHIPPED), effect: Effect::Neutral, in_force: InForce::Always, absent: "nothing",
          meaning: "start from a shipped policy; sections are merged key by key, every value (also a list) replaces the one before" },
    Key { path: UNRESTRICTED, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "allow everything but the floor, inject and filter nothing; the other grants then say nothing" },
    Key { path: IMAGES, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "which images may be seen, pulled and run" },
    Key { path: IMAGES_ALLOW, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "image references; `*` stands for any run of characters inside one path component or the tag; `@sha256:…` pins the content; no tag means `latest`" },
    Key { path: IMAGES_PULL, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "whether allowed images may be pulled; otherwise no registry is contacted" },
    Key { path: IMAGES_REGISTRY_AUTH, kind: Kind::Choice(&["none", "client", "broker"]), effect: Effect::Permits, in_force: InForce::Always, absent: "`none`",
          meaning: "whose registry credentials a pull or push carries; `broker`: those of `--registry-auth-file`" },
    Key { path: IMAGES_PUSH, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "image references that may be pushed to their registry" },
    Key { path: IMAGES_REMOVE, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "names that may be taken from images; an image goes with its last name, and by its ID only where all of its names are here" },
    Key { path: IMAGES_SAVE, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Never, absent: "false",
          meaning: "whether allowed images may be exported as archives" },
    Key { path: IMAGES_SEARCH, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Never, absent: "false",
          meaning: "whether the engine may be made to search its registry" },
    Key { path: CONTAINERS, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "what may be done with containers" },
    Key { path: CONTAINERS_SEE, kind: Kind::Choice(&["own", "all"]), effect: Effect::Permits, in_force: InForce::Always, absent: "nobody's",
          meaning: "whose containers list, inspect and events show" },
    Key { path: CONTAINERS_CONTROL, kind: Kind::ChoiceOrTable(&["own", "all"]), effect: Effect::Permits, in_force: InForce::Always, absent: "nobody's",
          meaning: "whose containers may be started, stopped, exec'd, copied from and to, and removed; without it nothing can be created" },
    Key { path: CONTAINERS_CONTROL_LABELS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "control and see also foreign containers that carry all of these labels, as `key=value`; labels that come with the image do not count, nor do containers of other owners of a broker" },
    Key { path: CONTAINERS_NAMES, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "names that a client may give; with `attach` each must be a prefix of its own, as `agent1-*`" },
    Key { path: CONTAINERS_MAX, kind: Kind::Whole, effect: Effect::Restricts, in_force: InForce::Always, absent: "no bound",
          meaning: "containers in a session" },
    Key { path: CONTAINERS_MAX_PER_OWNER, kind: Kind::Whole, effect: Effect::Restricts, in_force: InForce::Always, absent: "no bound",
          meaning: "containers of all sessions of an owner" },
    Key { path: CONTAINERS_LIFETIME, kind: Kind::Duration, effect: Effect::Permits, in_force: InForce::Always, absent: "an error where containers can be created",
          meaning: "how long a container may live, as `30m`, or `unlimited`" },
    Key { path: CONTAINERS_ENV, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "keys of environment variables that a client may set" },
    Key { path: CONTAINERS_LABELS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "label keys that a client may set; `com.docker.*` and `traefik.*` must be named, `docker-broker.*` never passes" },
    Key { path: CONTAINERS_COMMAND, kind: Kind::List, effect: Effect::Restricts, in_force: InForce::Always, absent: "any",
          meaning: "commands that a client may set, also for health checks, their words joined by one blank" },
    Key { path: CONTAINERS_ENTRYPOINT, kind: Kind::List, effect: Effect::Restricts, in_force: InForce::Always, absent: "any",
          meaning: "entrypoints that a client may set, their words joined by one blank" },
    Key { path: CONTAINERS_PUBLISH, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "container ports that may be published, as `5432/tcp`, `8000-8010/tcp` or `*/tcp`" },
    Key { path: CONTAINERS_PUBLISH_ADDRESS, kind: Kind::Choice(&["loopback", "bridge", "any"]), effect: Effect::Permits, in_force: InForce::Always, absent: "`loopback`",
          meaning: "host addresses that ports are published on; `bridge` adds the gateway of the bridge" },
    Key { path: CONTAINERS_PUBLISH_PORTS, kind: Kind::Choice(&["ephemeral", "as-asked"]), effect: Effect::Permits, in_force: InForce::Always, absent: "`ephemeral`",
          meaning: "host ports: picked by the engine, or as the client asks" },
    Key { path: CONTAINERS_NETWORKS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "networks that a client may name, besides its own" },
    Key { path: CONTAINERS_ATTACH, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "networks that every created container joins before it starts; the first one is its main network" },
    Key { path: CONTAINERS_ATTACH_MODE, kind: Kind::Choice(&["replace", "add"]), effect: Effect::Permits, in_force: InForce::Always, absent: "`replace`",
          meaning: "whether `attach` replaces the default network or keeps it as well" },
    Key { path: CONTAINERS_REACH, kind: Kind::Choice(&["publish", "relay"]), effect: Effect::Neutral, in_force: InForce::Except(&["relay"]), absent: "`publish`",
          meaning: "published ports are opened on the host, or on the broker, which relays" },
    Key { path: CONTAINERS_EXEC, kind: Kind::SwitchOrTable, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "whether processes may be run in own containers" },
    Key { path: CONTAINERS_EXEC_USERS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "the users that they may run as; an empty string is the container's own" },
    Key { path: CONTAINERS_COPY_IN, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "whether archives may be put into own containers; they are re-encoded entry by entry" },
    Key { path: CONTAINERS_COPY_OUT, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "whether archives may be taken out of own containers" },
    Key { path: CONTAINERS_TMPFS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "paths that a client may mount a tmpfs on" },
    Key { path: CONTAINERS_TOTALS, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "resources of all containers of an owner together, by their limits" },
    Key { path: CONTAINERS_TOTALS_MEMORY, kind: Kind::Size, effect: Effect::Restricts, in_force: InForce::Always, absent: "no bound",
          meaning: "memory of all containers of an owner, as `8GiB`, or `unlimited`" },
    Key { path: CONTAINERS_TOTALS_CPUS, kind: Kind::Cpus, effect: Effect::Restricts, in_force: InForce::Always, absent: "no bound",
          meaning: "CPUs of all containers of an owner, as `4.0`, or `unlimited`" },
    Key { path: CONTAINERS_TOTALS_PIDS, kind: Kind::Count, effect: Effect::Restricts, in_force: InForce::Always, absent: "no bound",
          meaning: "processes and threads of all containers of an owner, or `unlimited`" },
    Key { path: CONTAINERS_LIMITS, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "resources of one container; injected where the client asks for nothing" },
    Key { path: CONTAINERS_LIMITS_MEMORY, kind: Kind::Size, effect: Effect::Permits, in_force: InForce::Always, absent: "nothing injected, no value taken from the client",
          meaning: "memory and swap together, as `1GiB`, or `unlimited`" },
    Key { path: CONTAINERS_LIMITS_CPUS, kind: Kind::Cpus, effect: Effect::Permits, in_force: InForce::Always, absent: "nothing injected, no value taken from the client",
          meaning: "CPUs, as `2.0`, or `unlimited`" },
    Key { path: CONTAINERS_LIMITS_PIDS, kind: Kind::Count, effect: Effect::Permits, in_force: InForce::Always, absent: "nothing injected, no value taken from the client",
          meaning: "processes and threads, as `512`, or `unlimited`" },
    Key { path: CONTAINERS_LIMITS_SHM, kind: Kind::Size, effect: Effect::Permits, in_force: InForce::Always, absent: "nothing injected, no value taken from the client",
          meaning: "the size of /dev/shm, as `256MiB`, or `unlimited`" },
    Key { path: CONTAINERS_LIMITS_DISK, kind: Kind::Size, effect: Effect::Restricts, in_force: InForce::Always, absent: "no bound",
          meaning: "the writable layer and anonymous volumes, as `4GiB`, or `unlimited`" },
    Key { path: CONTAINERS_LIMITS_LOG, kind: Kind::ChoiceOrTable(&["unlimited"]), effect: Effect::Permits, in_force: InForce::Always, absent: "nothing injected, no value taken from the client",
          meaning: "where a container's log goes and how large it grows, or `unlimited`" },
    Key { path: CONTAINERS_LIMITS_LOG_DRIVERS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "an error in `log`",
          meaning: "log drivers that may be used; the first one that the engine has is the default" },
    Key { path: CONTAINERS_LIMITS_LOG_MAX_SIZE, kind: Kind::Size, effect: Effect::Permits, in_force: InForce::Always, absent: "an error in `log`",
          meaning: "the size of one log file, as `20MiB`, or `unlimited`" },
    Key { path: CONTAINERS_LIMITS_OVER, kind: Kind::Choice(&["refuse", "clamp"]), effect: Effect::Neutral, in_force: InForce::Always, absent: "`refuse`",
          meaning: "what happens to a client that asks for more than a limit" },
    Key { path: CONTAINERS_LIMITS_REQUIRED, kind: Kind::Switch, effect: Effect::Restricts, in_force: InForce::Always, absent: "false",
          meaning: "refuse to create where the engine says that it cannot enforce a limit" },
    Key { path: CONTAINERS_HOST, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "powers over the host; each may equal root there" },
    Key { path: CONTAINERS_HOST_BINDS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "exact paths of the host that may be bound, read-only (the folder itself, without mounts below it) unless they end in `:rw`; never created, and never one that holds an engine's or the broker's socket" },
    Key { path: CONTAINERS_HOST_DEVICES, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "devices of the host, as `/dev/fuse`, or `/dev/fuse:r` for some of read, write and mknod" },
    Key { path: CONTAINERS_HOST_DEVICE_CGROUP_RULES, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "device cgroup rules, as `c 42:* rmw`" },
    Key { path: CONTAINERS_HOST_DEVICE_REQUESTS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "device requests: drivers (`nvidia`), capabilities where no driver is named (`gpu`), and single devices of the driver `cdi`" },
    Key { path: CONTAINERS_HOST_CAP_ADD, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "capabilities that may be added, as `NET_ADMIN`; `ALL` is all of them" },
    Key { path: CONTAINERS_HOST_PRIVILEGED, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "privileged containers: root on the host" },
    Key { path: CONTAINERS_HOST_EXEC_PRIVILEGED, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "privileged exec: all capabilities in a container, which comes near to root on the host" },
    Key { path: CONTAINERS_HOST_NETWORK, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "network modes of the host, as `host`" },
    Key { path: CONTAINERS_HOST_PID, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "process namespace modes, as `host`" },
    Key { path: CONTAINERS_HOST_IPC, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "IPC modes, as `host` or `shareable`" },
    Key { path: CONTAINERS_HOST_UTS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "UTS modes, as `host`" },
    Key { path: CONTAINERS_HOST_USERNS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "user namespace modes, as `host`" },
    Key { path: CONTAINERS_HOST_CGROUPNS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "cgroup namespace modes, as `host`" },
    Key { path: CONTAINERS_HOST_CGROUP_PARENT, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "parents of the container's cgroup" },
    Key { path: CONTAINERS_HOST_SYSCTLS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "kernel parameters that may be set, by name, as `net.core.*`" },
    Key { path: CONTAINERS_HOST_SECURITY_OPT, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "security options other than `no-new-privileges`, as `seccomp=unconfined`" },
    Key { path: CONTAINERS_HOST_UNMASKED_PATHS, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "whether a client may set masked and read-only paths of /proc and /sys" },
    Key { path: CONTAINERS_HOST_RUNTIME, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "runtimes other than the engine's default" },
    Key { path: CONTAINERS_HOST_RESTART, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "restart policies: `always`, `unless-stopped`, `on-failure`, or `on-failure:5` for at most so many attempts" },
    Key { path: CONTAINERS_HOST_ULIMITS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "ulimits that may be set, by name, as `nofile`, or `nofile=65536` for at most so much" },
    Key { path: CONTAINERS_HOST_SCHEDULING, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "CPU shares and sets, block I/O, realtime and out-of-memory settings" },
    Key { path: CONTAINERS_HOST_STORAGE_OPT, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "storage options, by key" },
    Key { path: CONTAINERS_HOST_VOLUME_DRIVERS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "volume drivers other than `local`, without options" },
    Key { path: CONTAINERS_HOST_GROUP_ADD, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "additional groups" },
    Key { path: CONTAINERS_HOST_ANNOTATIONS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "annotations that runtimes read, by key" },
    Key { path: CONTAINERS_HOST_DNS, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "DNS servers, options and search domains" },
    Key { path: CONTAINERS_HOST_EXTRA_HOSTS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "entries of /etc/hosts, as `name:address`; `*` never stands for `host-gateway`" },
    Key { path: CONTAINERS_HOST_LINKS, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "links to own containers, which engines up to 28 give the environment of the other" },
    Key { path: CONTAINERS_HOST_ADDRESSES, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "fixed addresses, MAC addresses, and driver options of endpoints" },
    Key { path: CONTAINERS_HOST_BUILDKIT, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Never, absent: "false",
          meaning: "the BuildKit tunnels; equal to running any image without limits" },
    Key { path: NETWORKS, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "what may be done with networks" },
    Key { path: NETWORKS_CREATE, kind: Kind::SwitchOrTable, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "networks that a client may create" },
    Key { path: NETWORKS_CREATE_NAMES, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "their names" },
    Key { path: NETWORKS_CREATE_MAX, kind: Kind::Whole, effect: Effect::Restricts, in_force: InForce::Always, absent: "no bound",
          meaning: "networks in a session" },
    Key { path: NETWORKS_CREATE_INTERNAL, kind: Kind::Switch, effect: Effect::Restricts, in_force: InForce::Always, absent: "false",
          meaning: "they are made without a way out" },
    Key { path: VOLUMES, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "what may be done with volumes" },
    Key { path: VOLUMES_CREATE, kind: Kind::SwitchOrTable, effect: Effect::Permits, in_force: InForce::Always, absent: "false",
          meaning: "volumes that a client may create, with the local driver and no options" },
    Key { path: VOLUMES_CREATE_NAMES, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "their names" },
    Key { path: VOLUMES_CREATE_MAX, kind: Kind::Whole, effect: Effect::Restricts, in_force: InForce::Always, absent: "no bound",
          meaning: "volumes in a session" },
    Key { path: BUILD, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "which images may be made" },
    Key { path: BUILD_TAGS, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "names that tag may produce, never one that `images.allow` matches; later also build, commit, import and load" },
    Key { path: BUILD_FROM, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Never, absent: "`images.allow`",
          meaning: "images that a build may start from" },
    Key { path: BUILD_NETWORK, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Never, absent: "none",
          meaning: "networks that build steps may use" },
    Key { path: PRUNE, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "how the prune operations are answered" },
    Key { path: PRUNE_ANSWER, kind: Kind::Choice(&["stub", "own"]), effect: Effect::Permits, in_force: InForce::Always, absent: "refused",
          meaning: "`stub` answers and touches nothing, `own` prunes the caller's own containers, networks and volumes, and answers the rest as `stub`" },
    Key { path: REAPER, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "the Testcontainers reaper" },
    Key { path: REAPER_EMULATE, kind: Kind::Switch, effect: Effect::Permits, in_force: InForce::Never, absent: "false",
          meaning: "the broker stands in for the reaper, and no such container runs" },
    Key { path: REAPER_ADDRESS, kind: Kind::Choice(&["loopback", "bridge"]), effect: Effect::Permits, in_force: InForce::Never, absent: "`loopback`",
          meaning: "where the reaper listens" },
    Key { path: TEMPLATES, kind: Kind::Named, effect: Effect::Restricts, in_force: InForce::Always, absent: "no bound",
          meaning: "where there is any template, a container must match one of them in full, besides everything else" },
    Key { path: TEMPLATES_NAME, kind: Kind::Table, effect: Effect::Neutral, in_force: InForce::Always, absent: "none",
          meaning: "one kind of container that may be created, under a name of one's own" },
    Key { path: TEMPLATES_NAME_IMAGE, kind: Kind::Text, effect: Effect::Permits, in_force: InForce::Always, absent: "an error",
          meaning: "its image, as in `images.allow`" },
    Key { path: TEMPLATES_NAME_COMMAND, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "only what the image has",
          meaning: "commands that a client may set, also for health checks, their words joined by one blank" },
    Key { path: TEMPLATES_NAME_ENTRYPOINT, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "only what the image has",
          meaning: "entrypoints that a client may set, their words joined by one blank" },
    Key { path: TEMPLATES_NAME_ENV, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "keys of environment variables that a client may set" },
    Key { path: TEMPLATES_NAME_PUBLISH, kind: Kind::List, effect: Effect::Permits, in_force: InForce::Always, absent: "none",
          meaning: "container ports that may be published, as `5432/tcp`" },
    Key { path: TEMPLATES_NAME_LABELS, kind: Kind::List, effect: Effect::Restricts, in_force: InForce::Always, absent: "those of `containers.labels`",
          meaning: "label keys that a client may set" },
];

/// The policies that `extends` may name.
const SHIPPED: [&str; 7] = crate::policy::builtin::BUILTIN_NAMES;
