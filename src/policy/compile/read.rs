//! From a policy as written to one that is ready to run: each value is read, bounded and given its type. All that is
//! wrong is collected, so that its author sees everything at once.

use std::borrow::Cow;
use std::time::Duration;

use super::host::read_host;
use super::template::read_templates;
use super::value;
use super::{
    Build, Containers, Control, ExecGrant, Images, Lifetime, Limit, Limits, LogLimit, NetworkGrant, Networks,
    NotInForce, Origin, Policy, Reaper, Totals, VolumeGrant, Volumes,
};
use crate::policy::credentials::RegistryCredentials;
use crate::policy::file::{
    BuildSection, ContainersSection, ControlTable, ControlValue, CountValue, CpusValue, ExecTable, ExecValue,
    ImagesSection, LimitsSection, LogTable, LogValue, NetworkCreateTable, NetworkCreateValue, NetworksSection,
    PolicyFile, ReaperSection, TotalsSection, VolumeCreateTable, VolumeCreateValue, VolumesSection, keys,
};
use crate::policy::pattern::{LabelPatterns, Pattern, Patterns};

/// A value that has the right form and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueError {
    /// The key. Where its author chose a part of it, as in `templates.NAME.image`, as the author wrote it.
    pub(crate) key: Cow<'static, str>,
    /// The position in the list, where the value is one.
    pub(crate) item: Option<usize>,
    /// What is wrong with it.
    pub(crate) message: String,
}

/// Gives a whole file its meaning.
///
/// # Errors
/// Every value that cannot be used.
pub(crate) fn compile(
    file: PolicyFile,
    name: &str,
    origin: Origin,
    not_in_force: Vec<NotInForce>,
) -> Result<Policy, Vec<ValueError>> {
    let PolicyFile {
        version,
        reason,
        extends: _merged_before,
        unrestricted,
        images,
        containers,
        networks,
        volumes,
        build,
        prune,
        reaper,
        templates,
    } = file;
    let mut reader = Reader::default();
    if version.is_some_and(|version| version != 1) {
        reader.refuse(keys::VERSION, None, "only version 1 of the format exists");
    }
    let ReaperSection { emulate, address } = reaper;
    let unrestricted = unrestricted.unwrap_or(false);
    let policy = Policy {
        name: name.to_owned(),
        origin,
        reason: reason.unwrap_or_default(),
        unrestricted,
        images: read_images(&mut reader, images),
        containers: read_containers(&mut reader, containers, unrestricted),
        networks: read_networks(&mut reader, networks),
        volumes: read_volumes(&mut reader, volumes),
        build: read_build(&mut reader, build),
        prune: prune.answer.unwrap_or_default(),
        reaper: Reaper { emulate: emulate.unwrap_or_default(), address: address.unwrap_or_default() },
        templates: read_templates(&mut reader, templates),
        not_in_force,
    };
    if reader.errors.is_empty() { Ok(policy) } else { Err(reader.errors) }
}

fn read_images(reader: &mut Reader, section: ImagesSection) -> Images {
    let ImagesSection { allow, pull, registry_auth, push, remove, save, search } = section;
    Images {
        allow: reader.items(keys::IMAGES_ALLOW, &allow, value::image),
        pull: pull.unwrap_or_default(),
        registry_auth: registry_auth.unwrap_or_default(),
        push: reader.items(keys::IMAGES_PUSH, &push, value::image),
        remove: reader.items(keys::IMAGES_REMOVE, &remove, value::image),
        save: save.unwrap_or_default(),
        search: search.unwrap_or_default(),
        credentials: RegistryCredentials::default(),
    }
}

fn read_containers(reader: &mut Reader, section: ContainersSection, unrestricted: bool) -> Containers {
    let ContainersSection {
        see,
        control,
        names,
        max,
        max_per_owner,
        lifetime,
        env,
        labels,
        command,
        entrypoint,
        publish,
        publish_address,
        publish_ports,
        networks,
        attach,
        attach_mode,
        reach,
        exec,
        copy_in,
        copy_out,
        tmpfs,
        limits,
        totals,
        host,
    } = section;
    Containers {
        see: see.unwrap_or_default(),
        control: read_control(reader, control),
        names: reader.patterns(keys::CONTAINERS_NAMES, &names),
        max,
        max_per_owner,
        lifetime: reader.lifetime(lifetime.as_deref(), unrestricted),
        env: Patterns::new(reader.items(keys::CONTAINERS_ENV, &env, value::env_key)),
        labels: reader.labels(keys::CONTAINERS_LABELS, &labels),
        command: command.map(|list| reader.patterns(keys::CONTAINERS_COMMAND, &Some(list))),
        entrypoint: entrypoint.map(|list| reader.patterns(keys::CONTAINERS_ENTRYPOINT, &Some(list))),
        publish: reader.items(keys::CONTAINERS_PUBLISH, &publish, value::port),
        publish_address: publish_address.unwrap_or_default(),
        publish_ports: publish_ports.unwrap_or_default(),
        networks: Patterns::new(reader.items(keys::CONTAINERS_NETWORKS, &networks, value::network)),
        attach: reader.items(keys::CONTAINERS_ATTACH, &attach, value::attached),
        attach_mode: attach_mode.unwrap_or_default(),
        reach: reach.unwrap_or_default(),
        exec: read_exec(exec),
        copy_in: copy_in.unwrap_or_default(),
        copy_out: copy_out.unwrap_or_default(),
        tmpfs: reader.items(keys::CONTAINERS_TMPFS, &tmpfs, value::path),
        limits: read_limits(reader, limits),
        totals: read_totals(reader, totals),
        host: read_host(reader, host),
    }
}

fn read_control(reader: &mut Reader, value: Option<ControlValue>) -> Control {
    match value {
        None => Control::None,
        Some(ControlValue::Whose(super::Scope::None)) => Control::None,
        Some(ControlValue::Whose(super::Scope::Own)) => Control::Own,
        Some(ControlValue::Whose(super::Scope::All)) => Control::All,
        Some(ControlValue::Labelled(ControlTable { labels })) => {
            let labels = reader.items(keys::CONTAINERS_CONTROL_LABELS, &labels, value::label);
            if labels.is_empty() {
                reader.refuse(keys::CONTAINERS_CONTROL, None, "name at least one label, as `key=value`");
            }
            Control::Labels(labels)
        }
    }
}

fn read_exec(value: Option<ExecValue>) -> ExecGrant {
    match value {
        None | Some(ExecValue::Switch(false)) => ExecGrant::None,
        Some(ExecValue::Switch(true)) => ExecGrant::Any,
        Some(ExecValue::Users(ExecTable { users })) => ExecGrant::Users(users.unwrap_or_default()),
    }
}

fn read_limits(reader: &mut Reader, section: LimitsSection) -> Limits {
    let LimitsSection { memory, cpus, pids, shm, disk, log, over, required } = section;
    let memory = reader.size(keys::CONTAINERS_LIMITS_MEMORY, memory.as_deref());
    if memory.value().is_some_and(|bytes| *bytes < LEAST_MEMORY) {
        reader.refuse(keys::CONTAINERS_LIMITS_MEMORY, None, "the engine takes no memory limit below 6MiB");
    }
    Limits {
        memory,
        cpus: reader.cpus(keys::CONTAINERS_LIMITS_CPUS, cpus),
        pids: reader.pids(keys::CONTAINERS_LIMITS_PIDS, pids),
        shm: reader.size(keys::CONTAINERS_LIMITS_SHM, shm.as_deref()),
        disk: reader.size(keys::CONTAINERS_LIMITS_DISK, disk.as_deref()),
        log: reader.log(log),
        over: over.unwrap_or_default(),
        required: required.unwrap_or_default(),
    }
}

fn read_totals(reader: &mut Reader, section: TotalsSection) -> Totals {
    let TotalsSection { memory, cpus, pids } = section;
    Totals {
        memory: reader.size(keys::CONTAINERS_TOTALS_MEMORY, memory.as_deref()),
        cpus: reader.cpus(keys::CONTAINERS_TOTALS_CPUS, cpus),
        pids: reader.pids(keys::CONTAINERS_TOTALS_PIDS, pids),
    }
}

fn read_networks(reader: &mut Reader, section: NetworksSection) -> Networks {
    let NetworksSection { create } = section;
    let create = match create {
        None | Some(NetworkCreateValue::Switch(false)) => None,
        Some(NetworkCreateValue::Switch(true)) => {
            Some(NetworkGrant { names: reader.any(), max: None, internal: false })
        }
        Some(NetworkCreateValue::Grant(NetworkCreateTable { names, max, internal })) => Some(NetworkGrant {
            names: reader.patterns(keys::NETWORKS_CREATE_NAMES, &names),
            max,
            internal: internal.unwrap_or_default(),
        }),
    };
    Networks { create }
}

fn read_volumes(reader: &mut Reader, section: VolumesSection) -> Volumes {
    let VolumesSection { create } = section;
    let create = match create {
        None | Some(VolumeCreateValue::Switch(false)) => None,
        Some(VolumeCreateValue::Switch(true)) => Some(VolumeGrant { names: reader.any(), max: None }),
        Some(VolumeCreateValue::Grant(VolumeCreateTable { names, max })) => {
            Some(VolumeGrant { names: reader.patterns(keys::VOLUMES_CREATE_NAMES, &names), max })
        }
    };
    Volumes { create }
}

fn read_build(reader: &mut Reader, section: BuildSection) -> Build {
    let BuildSection { tags, from, network } = section;
    Build {
        tags: reader.items(keys::BUILD_TAGS, &tags, value::image),
        from: from.map(|list| reader.items(keys::BUILD_FROM, &Some(list), value::image)),
        network: network.unwrap_or_default(),
    }
}

/// Collects what is wrong while values are read.
#[derive(Default)]
pub(super) struct Reader {
    errors: Vec<ValueError>,
}

impl Reader {
    pub(super) fn refuse(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        item: Option<usize>,
        message: impl Into<String>,
    ) {
        self.errors.push(ValueError { key: key.into(), item, message: message.into() });
    }

    /// Reads each item of a list; an absent list is an empty one.
    pub(super) fn items<T>(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        list: &Option<Vec<String>>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let (key, mut items) = (key.into(), Vec::new());
        for (position, text) in list.iter().flatten().enumerate() {
            match read(text) {
                Ok(item) => items.push(item),
                Err(message) => self.refuse(key.clone(), Some(position), message),
            }
        }
        items
    }

    pub(super) fn patterns(&mut self, key: impl Into<Cow<'static, str>>, list: &Option<Vec<String>>) -> Patterns {
        Patterns::new(self.items(key, list, value::pattern))
    }

    fn any(&mut self) -> Patterns {
        Patterns::new(Pattern::parse("*").into_iter().collect())
    }

    pub(super) fn labels(&mut self, key: impl Into<Cow<'static, str>>, list: &Option<Vec<String>>) -> LabelPatterns {
        let patterns = self.items(key, list, |text| {
            let pattern = value::pattern(text)?;
            LabelPatterns::new(Patterns::new(vec![pattern.clone()])).map_err(|error| error.to_string())?;
            Ok(pattern)
        });
        LabelPatterns::new(Patterns::new(patterns)).unwrap_or_default()
    }

    fn lifetime(&mut self, text: Option<&str>, unrestricted: bool) -> Lifetime {
        match text {
            None if unrestricted => Lifetime::Unlimited,
            None => Lifetime::For(Duration::ZERO),
            Some(UNLIMITED) => Lifetime::Unlimited,
            Some(text) => Lifetime::For(value::lifetime(text).unwrap_or_else(|message| {
                self.refuse(keys::CONTAINERS_LIFETIME, None, message);
                Duration::ZERO
            })),
        }
    }

    fn size(&mut self, key: &'static str, text: Option<&str>) -> Limit<u64> {
        match text {
            None => Limit::NotSet,
            Some(UNLIMITED) => Limit::Unlimited,
            Some(text) => match value::size(text) {
                Ok(bytes) => Limit::At(bytes),
                Err(message) => {
                    self.refuse(key, None, message);
                    Limit::NotSet
                }
            },
        }
    }

    fn cpus(&mut self, key: &'static str, value: Option<CpusValue>) -> Limit<i64> {
        let nano = match value {
            None => return Limit::NotSet,
            Some(CpusValue::Word(word)) if word == UNLIMITED => return Limit::Unlimited,
            Some(CpusValue::Word(_)) => None,
            Some(CpusValue::Whole(cpus)) => cpus.checked_mul(NANO_CPUS),
            // A CPU has as many nano-CPUs as a second has nanoseconds, and this conversion checks its bounds.
            Some(CpusValue::Fraction(cpus)) => {
                Duration::try_from_secs_f64(cpus).ok().and_then(|time| i64::try_from(time.as_nanos()).ok())
            }
        };
        if let Some(nano) = nano.filter(|nano| (LEAST_NANO_CPUS..=MOST_NANO_CPUS).contains(nano)) {
            return Limit::At(nano);
        }
        self.refuse(key, None, "write a number from 0.01 to 100000, or `\"unlimited\"`");
        Limit::NotSet
    }

    fn pids(&mut self, key: &'static str, value: Option<CountValue>) -> Limit<i64> {
        match value {
            None => Limit::NotSet,
            Some(CountValue::Word(word)) if word == UNLIMITED => Limit::Unlimited,
            Some(CountValue::Number(pids)) if pids > 0 => Limit::At(pids),
            Some(CountValue::Word(_) | CountValue::Number(_)) => {
                self.refuse(key, None, "write a number from 1, or `\"unlimited\"`");
                Limit::NotSet
            }
        }
    }

    fn log(&mut self, value: Option<LogValue>) -> Limit<LogLimit> {
        let (drivers, max_size) = match value {
            None => return Limit::NotSet,
            Some(LogValue::Word(word)) if word == UNLIMITED => return Limit::Unlimited,
            Some(LogValue::Word(_)) => (None, None),
            Some(LogValue::Limit(LogTable { drivers, max_size })) => (drivers, max_size),
        };
        let drivers = self.items(keys::CONTAINERS_LIMITS_LOG_DRIVERS, &drivers, value::log_driver);
        if drivers.is_empty() {
            self.refuse(keys::CONTAINERS_LIMITS_LOG, None, "name at least one log driver, as `drivers = [\"local\"]`");
        }
        let max_size = self.size(keys::CONTAINERS_LIMITS_LOG_MAX_SIZE, max_size.as_deref());
        if max_size == Limit::NotSet {
            self.refuse(keys::CONTAINERS_LIMITS_LOG, None, "say `max-size = \"20MiB\"`, or `\"unlimited\"`");
        }
        Limit::At(LogLimit { drivers, max_size })
    }
}

const UNLIMITED: &str = "unlimited";

/// The engine's own lower bound since 20.10 (`linuxMinMemory`).
const LEAST_MEMORY: u64 = 6 << 20;

const NANO_CPUS: i64 = 1_000_000_000;
const LEAST_NANO_CPUS: i64 = NANO_CPUS / 100;
const MOST_NANO_CPUS: i64 = NANO_CPUS * 100_000;
