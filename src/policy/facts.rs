//! What a judge may know about the engine's objects: asked for by the judge, answered by `upstream`.
//!
//! Must never fetch anything itself. A fact that was not answered is a refusal.

use std::collections::{BTreeMap, HashMap};

use crate::operation::names::{ContainerId, ContainerRef, ExecId};

/// A question about the engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FactQuery {
    /// Which container a reference means.
    Container {
        /// Full ID, ID prefix or name.
        reference: String,
        /// Among whose containers it is looked up.
        within: Within,
        /// False where only what never changes is needed: its ID, labels and image.
        fresh: bool,
    },
    /// An exec instance.
    Exec(ExecId),
    /// An image, by name, ID or ID prefix.
    Image(String),
    /// A network, by name, ID or ID prefix.
    Network(String),
    /// A volume, by name.
    Volume(String),
    /// What the engine can do.
    Engine,
}

/// Among whose containers a reference is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Within {
    /// The owner's: an ID prefix that is ambiguous only because of foreign ones is not ambiguous.
    Owner,
    /// The owner's, and foreign ones that carry all of these labels, key and value.
    Labelled(Vec<(String, String)>),
    /// Everybody's.
    Everyone,
}

/// The answer to one question. `None` means that there is no such object.
#[derive(Debug, Clone)]
pub enum Fact {
    /// To [`FactQuery::Container`].
    Container(Option<Box<ContainerFacts>>),
    /// To [`FactQuery::Exec`].
    Exec(Option<ExecFacts>),
    /// To [`FactQuery::Image`].
    Image(Option<Box<ImageFacts>>),
    /// To [`FactQuery::Network`].
    Network(Option<Box<NetworkFacts>>),
    /// To [`FactQuery::Volume`].
    Volume(Option<VolumeFacts>),
    /// To [`FactQuery::Engine`].
    Engine(EngineFacts),
}

/// Answers, by question.
#[derive(Debug, Clone, Default)]
pub struct Facts(HashMap<FactQuery, Fact>);

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Its full ID.
    pub id: ContainerId,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The ID of the image that it was made from.
    pub image_id: String,
    /// The image as its creator named it.
    pub image: String,
    /// The networks that it is on, or will be when it starts: name as the key, ID where known.
    pub networks: BTreeMap<String, String>,
    /// Whether it is privileged.
    pub privileged: bool,
    /// What else it has of the host; only an inspect tells, so it is known where the question was for fresh facts.
    pub powers: Powers,
    /// When it was made, in Unix seconds, where the engine said it as a number.
    pub created: Option<u64>,
}

/// What a container has of its host, by its inspect. It cannot change in a container's life.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Powers {
    /// `HostConfig.NetworkMode`
    pub network_mode: String,
    /// `HostConfig.PidMode`
    pub pid_mode: String,
    /// `HostConfig.IpcMode`
    pub ipc_mode: String,
    /// `HostConfig.UTSMode`
    pub uts_mode: String,
    /// `HostConfig.UsernsMode`
    pub userns_mode: String,
    /// `HostConfig.CapAdd`
    pub cap_add: Vec<String>,
    /// The host's devices in it, by their paths there.
    pub devices: Vec<String>,
    /// The host's paths in it, and whether it may write to them.
    pub binds: Vec<(String, bool)>,
}

/// An exec instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecFacts {
    /// The container that it runs in.
    pub container: ContainerId,
    /// Whether it has all capabilities.
    pub privileged: bool,
    /// As whom it runs; empty: as the container does.
    pub user: String,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageFacts {
    /// Its ID.
    pub id: String,
    /// Its names with tags.
    pub repo_tags: Vec<String>,
    /// Its names with digests.
    pub repo_digests: Vec<String>,
    /// The ports that it declares, as `5432/tcp`.
    pub exposed_ports: Vec<String>,
    /// Its labels, which containers inherit.
    pub labels: BTreeMap<String, String>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkFacts {
    /// Its full ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The IPv4 gateway of its first subnet, where it has one.
    pub gateway: Option<String>,
    /// The containers on it that run: ID and name.
    pub endpoints: Vec<(String, String)>,
    /// When it was made, in Unix seconds, where the engine said it.
    pub created: Option<u64>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeFacts {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it has driver options; the `local` driver mounts host paths and devices by them.
    pub has_options: bool,
    /// When it was made, in Unix seconds, where the engine said it.
    pub created: Option<u64>,
}

/// What the engine can do, from `/info`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineFacts {
    /// It can bound memory.
    pub memory_limit: bool,
    /// It can bound swap.
    pub swap_limit: bool,
    /// It can bound the number of processes.
    pub pids_limit: bool,
    /// It can bound CPU time.
    pub cpu_limit: bool,
    /// Processors.
    pub cpus: i64,
    /// Bytes of memory.
    pub memory: u64,
    /// Its log drivers.
    pub log_drivers: Vec<String>,
    /// `1` or `2`.
    pub cgroup_version: String,
}

impl Facts {
    /// Adds an answer.
    pub fn insert(&mut self, query: FactQuery, fact: Fact) {
        self.0.insert(query, fact);
    }

    /// Whether a question was answered.
    #[must_use]
    pub fn has(&self, query: &FactQuery) -> bool {
        self.0.contains_key(query)
    }

    /// A container that was asked for.
    #[must_use]
    pub fn container(&self, query: &FactQuery) -> Option<&ContainerFacts> {
        match self.0.get(query) {
            Some(Fact::Container(found)) => found.as_deref(),
            _ => None,
        }
    }

    /// An exec instance that was asked for.
    #[must_use]
    pub fn exec(&self, exec: &ExecId) -> Option<&ExecFacts> {
        match self.0.get(&FactQuery::Exec(exec.clone())) {
            Some(Fact::Exec(found)) => found.as_ref(),
            _ => None,
        }
    }

    /// An image that was asked for.
    #[must_use]
    pub fn image(&self, name: &str) -> Option<&ImageFacts> {
        match self.0.get(&FactQuery::Image(name.to_owned())) {
            Some(Fact::Image(found)) => found.as_deref(),
            _ => None,
        }
    }

    /// A network that was asked for.
    #[must_use]
    pub fn network(&self, name: &str) -> Option<&NetworkFacts> {
        match self.0.get(&FactQuery::Network(name.to_owned())) {
            Some(Fact::Network(found)) => found.as_deref(),
            _ => None,
        }
    }

    /// A volume that was asked for.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&VolumeFacts> {
        match self.0.get(&FactQuery::Volume(name.to_owned())) {
            Some(Fact::Volume(found)) => found.as_ref(),
            _ => None,
        }
    }

    /// What the engine can do; nothing, where it was not asked.
    #[must_use]
    pub fn engine(&self) -> EngineFacts {
        match self.0.get(&FactQuery::Engine) {
            Some(Fact::Engine(engine)) => engine.clone(),
            _ => EngineFacts::default(),
        }
    }
}

impl FactQuery {
    /// A question about a container.
    #[must_use]
    pub fn container(reference: &ContainerRef, within: Within, fresh: bool) -> Self {
        Self::Container { reference: reference.as_str().to_owned(), within, fresh }
    }
}
