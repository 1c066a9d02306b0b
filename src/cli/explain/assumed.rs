//! What is assumed of an engine that is not asked: everything that a request names is there, and nothing is the
//! client's own but what was said to be.
//!
//! Must never pass for what an engine said: each answer that was given is kept, and shown with the decision.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::operation::names::ContainerId;
use crate::policy::compile::Policy;
use crate::policy::facts::{
    ContainerFacts, EngineFacts, ExecFacts, Fact, FactQuery, ImageFacts, NetworkFacts, Powers, VolumeFacts,
};
use crate::policy::ownership::Stamp;
use crate::policy::pattern::ImageReference;
use crate::request::ApiVersion;
use crate::upstream::EngineVersion;

/// What is assumed.
#[derive(Debug, Default)]
pub(super) struct Assumptions {
    /// Containers (as `NAME` or `NAME=IMAGE`), networks and volumes that are the client's own, by name or ID.
    pub(super) own: Vec<String>,
    /// Names of objects that are not there.
    pub(super) absent: Vec<String>,
    /// What was answered, in words.
    said: RefCell<Vec<String>>,
}

impl Assumptions {
    pub(super) fn new(own: &[String], absent: &[String]) -> Self {
        Self { own: own.to_vec(), absent: absent.to_vec(), said: RefCell::default() }
    }

    /// What was answered so far, in words, without repetition.
    pub(super) fn said(&self) -> Vec<String> {
        self.said.borrow().clone()
    }

    /// An engine as new as the broker knows them.
    pub(super) fn version(&self) -> EngineVersion {
        self.say("the engine speaks API 1.24 to 1.56".to_owned());
        EngineVersion { newest: ApiVersion::new(1, 56), oldest: ApiVersion::new(1, 24) }
    }

    /// Answers a question of a judge.
    pub(super) fn answer(&self, query: &FactQuery, policy: &Policy, stamp: &Stamp) -> Fact {
        match query {
            FactQuery::Container { reference, within: _, fresh: _ } => {
                Fact::Container(self.container(reference, policy, stamp).map(Box::new))
            }
            FactQuery::Exec(exec) => Fact::Exec(self.exec(exec.as_str())),
            FactQuery::Image(name) => Fact::Image(self.image(name, policy).map(Box::new)),
            FactQuery::Network(name) => Fact::Network(self.network(name, stamp).map(Box::new)),
            FactQuery::Volume(name) => Fact::Volume(self.volume(name, stamp)),
            FactQuery::Engine => {
                self.say("the engine can enforce every limit, and has 8 CPUs and 16 GiB of memory".to_owned());
                Fact::Engine(able_engine())
            }
        }
    }

    fn container(&self, reference: &str, policy: &Policy, stamp: &Stamp) -> Option<ContainerFacts> {
        let reference = reference.trim_start_matches('/');
        let Some((name, image)) = self.owned(reference) else {
            self.say(format!("the client has no container `{reference}` (`--own {reference}` says that it has)"));
            return None;
        };
        let image = image.map(str::to_owned).or_else(|| first_image(policy)).unwrap_or_else(|| "image".to_owned());
        self.say(format!("container `{name}` is the client's own and was made from `{image}`"));
        let image_id = format!("sha256:{}", invented(&image));
        Some(ContainerFacts {
            id: ContainerId::parse(&container_id(name))?,
            labels: stamp.labels(Some(&image_id)).into_iter().collect(),
            image_id,
            image,
            networks: BTreeMap::new(),
            privileged: false,
            powers: Powers::default(),
            created: None,
        })
    }

    /// What was said to be own under this name, or by an ID that begins like it; with its image.
    fn owned(&self, reference: &str) -> Option<(&str, Option<&str>)> {
        let split = |own: &'_ str| own.split_once('=').map_or(own.len(), |(name, _)| name.len());
        let parts = self.own.iter().map(|own| {
            let (name, image) = own.split_at(split(own));
            (name, image.strip_prefix('='))
        });
        let is_meant =
            |name: &str| name == reference || (reference.len() >= 12 && container_id(name).starts_with(reference));
        parts.into_iter().find(|(name, _)| is_meant(name))
    }

    fn exec(&self, exec: &str) -> Option<ExecFacts> {
        let Some(own) = self.own.first() else {
            self.say("the client has no container, and so no exec (`--own NAME` says that it has)".to_owned());
            return None;
        };
        let name = own.split('=').next().unwrap_or_default();
        let start: String = exec.chars().take(12).collect();
        self.say(format!("exec `{start}` runs in container `{name}`, not privileged, as the container's own user"));
        let container = ContainerId::parse(&container_id(name))?;
        Some(ExecFacts { container, privileged: false, user: String::new() })
    }

    fn image(&self, name: &str, policy: &Policy) -> Option<ImageFacts> {
        if self.is_absent("image", name) {
            return None;
        }
        // a container's image is asked for by the ID that was invented for it
        let by_id = name.starts_with("sha256:");
        let named = if by_id { first_image(policy)? } else { name.to_owned() };
        self.say(format!("image `{name}` is on the engine, and declares no ports"));
        let id = if by_id { name.to_owned() } else { format!("sha256:{}", invented(name)) };
        let tags = ImageReference::parse(&named).map(|image| image.familiar()).into_iter().collect();
        Some(ImageFacts { id, repo_tags: tags, ..ImageFacts::default() })
    }

    fn network(&self, name: &str, stamp: &Stamp) -> Option<NetworkFacts> {
        if self.is_absent("network", name) {
            return None;
        }
        let own = self.owned(name).is_some();
        let whose = if own { "the client's own" } else { "not the client's own" };
        self.say(format!("network `{name}` is there, {whose}, and nobody is on it"));
        let labels = if own { stamp.labels(None).into_iter().collect() } else { BTreeMap::new() };
        let driver = if matches!(name, "host" | "none") { name } else { "bridge" };
        Some(NetworkFacts {
            id: invented(name),
            name: name.to_owned(),
            driver: driver.replace("none", "null"),
            labels,
            gateway: Some("172.17.0.1".to_owned()),
            ..NetworkFacts::default()
        })
    }

    fn volume(&self, name: &str, stamp: &Stamp) -> Option<VolumeFacts> {
        if self.owned(name).is_none() {
            self.say(format!("there is no volume `{name}` (`--own {name}` says that the client has one)"));
            return None;
        }
        self.say(format!("volume `{name}` is the client's own"));
        let labels = stamp.labels(None).into_iter().collect();
        Some(VolumeFacts {
            name: name.to_owned(),
            driver: "local".to_owned(),
            labels,
            has_options: false,
            created: None,
        })
    }

    fn is_absent(&self, kind: &str, name: &str) -> bool {
        let absent = self.absent.iter().any(|absent| absent == name);
        if absent {
            self.say(format!("there is no {kind} `{name}`"));
        }
        absent
    }

    fn say(&self, line: String) {
        let mut said = self.said.borrow_mut();
        if !said.contains(&line) {
            said.push(line);
        }
    }
}

fn able_engine() -> EngineFacts {
    EngineFacts {
        memory_limit: true,
        swap_limit: true,
        pids_limit: true,
        cpu_limit: true,
        cpus: 8,
        memory: 16 * 1024 * 1024 * 1024,
        log_drivers: vec!["json-file".to_owned(), "local".to_owned()],
        cgroup_version: "2".to_owned(),
    }
}

/// The first image that a policy names in full.
fn first_image(policy: &Policy) -> Option<String> {
    let mut plain = policy.images.allow.iter().map(|pattern| pattern.as_str().to_owned());
    plain.find(|name| !name.contains('*'))
}

fn container_id(name: &str) -> String {
    ContainerId::parse(name).map_or_else(|| invented(name), |id| id.to_string())
}

/// 64 hexadecimal digits that are the same for the same name (FNV-1a, four times over).
fn invented(name: &str) -> String {
    let round = |salt: u8| {
        let bytes = name.bytes().chain([salt]);
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    (0..4).map(|salt| format!("{:016x}", round(salt))).collect()
}
