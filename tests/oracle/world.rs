//! A small engine in memory: what the judges ask about.

use std::collections::BTreeMap;

use docker_broker::operation::names::{ContainerId, ExecId};
use docker_broker::policy::facts::{
    ContainerFacts, EngineFacts, ExecFacts, Fact, FactQuery, ImageFacts, NetworkFacts, Powers, VolumeFacts, Within,
};
use docker_broker::policy::ownership::Stamp;

/// A container of the client's, named `pg`.
pub(crate) const OWN: &str = "c0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0de";
/// A container of somebody else, named `theirs`.
pub(crate) const FOREIGN: &str = "f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1";
/// An exec instance in the own container.
pub(crate) const EXEC: &str = "e8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ece8ec";
/// The image `postgres:16`.
pub(crate) const IMAGE: &str = "1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e";
/// The network `own-net`.
pub(crate) const NETWORK: &str = "2e702e702e702e702e702e702e702e702e702e702e702e702e702e702e702e70";

/// The answer of this engine.
pub(crate) fn answer(query: &FactQuery, stamp: &Stamp) -> Fact {
    match query {
        FactQuery::Container { reference, within, fresh: _ } => Fact::Container(container(reference, within, stamp)),
        FactQuery::Exec(exec) => Fact::Exec(exec_instance(exec)),
        FactQuery::Image(name) => Fact::Image(image(name)),
        FactQuery::Network(name) => Fact::Network(network(name, stamp)),
        FactQuery::Volume(name) => Fact::Volume(volume(name, stamp)),
        FactQuery::Engine => Fact::Engine(engine()),
    }
}

fn image_id() -> String {
    format!("sha256:{IMAGE}")
}

fn labels(stamp: &Stamp, image: Option<&str>) -> BTreeMap<String, String> {
    stamp.labels(image).into_iter().collect()
}

fn container(reference: &str, within: &Within, stamp: &Stamp) -> Option<Box<ContainerFacts>> {
    let means = |id: &str, name: &str| {
        reference == name || (reference.len() >= 4 && id.starts_with(reference) && !id.is_empty())
    };
    let facts = |id: &str, labels, image: &str| ContainerFacts {
        id: ContainerId::parse(id).unwrap(),
        labels,
        image_id: image_id(),
        image: image.to_owned(),
        networks: BTreeMap::from([("bridge".to_owned(), String::new())]),
        privileged: false,
        powers: Powers::default(),
        created: Some(1_700_000_000),
    };
    if means(OWN, "pg") {
        return Some(Box::new(facts(OWN, labels(stamp, Some(&image_id())), "postgres:16")));
    }
    (*within == Within::Everyone && means(FOREIGN, "theirs"))
        .then(|| Box::new(facts(FOREIGN, BTreeMap::new(), "postgres:16")))
}

fn exec_instance(exec: &ExecId) -> Option<ExecFacts> {
    let facts = |container| ExecFacts {
        container: ContainerId::parse(container).unwrap(),
        privileged: false,
        user: String::new(),
    };
    match exec.as_str() {
        EXEC => Some(facts(OWN)),
        FOREIGN => Some(facts(FOREIGN)),
        _ => None,
    }
}

fn image(name: &str) -> Option<Box<ImageFacts>> {
    let short = name.trim_start_matches("docker.io/").trim_start_matches("library/");
    let known = short == "postgres:16" || IMAGE.starts_with(name) || name == image_id();
    if short == "own/data:1" {
        let made = ImageFacts { id: format!("sha256:{}", "3a".repeat(32)), ..ImageFacts::default() };
        return Some(Box::new(ImageFacts { repo_tags: vec!["own/data:1".to_owned()], ..made }));
    }
    known.then(|| {
        Box::new(ImageFacts {
            id: image_id(),
            repo_tags: vec!["postgres:16".to_owned()],
            repo_digests: vec![],
            exposed_ports: vec!["5432/tcp".to_owned()],
            labels: BTreeMap::new(),
        })
    })
}

fn network(name: &str, stamp: &Stamp) -> Option<Box<NetworkFacts>> {
    let facts = |id: &str, name: &str, driver: &str, labels| NetworkFacts {
        id: id.to_owned(),
        name: name.to_owned(),
        driver: driver.to_owned(),
        labels,
        gateway: Some("172.17.0.1".to_owned()),
        endpoints: vec![],
        created: Some(1_700_000_000),
    };
    let found = match name {
        "bridge" => facts(&"b1".repeat(32), "bridge", "bridge", BTreeMap::new()),
        "host" => facts(&"b2".repeat(32), "host", "host", BTreeMap::new()),
        "none" => facts(&"b3".repeat(32), "none", "null", BTreeMap::new()),
        "own-net" | NETWORK => facts(NETWORK, "own-net", "bridge", labels(stamp, None)),
        "their-net" => facts(&"b4".repeat(32), "their-net", "bridge", BTreeMap::new()),
        _ => return None,
    };
    Some(Box::new(found))
}

fn volume(name: &str, stamp: &Stamp) -> Option<VolumeFacts> {
    let labels = match name {
        "own-data" => labels(stamp, None),
        "their-data" => BTreeMap::new(),
        _ => return None,
    };
    Some(VolumeFacts { name: name.to_owned(), driver: "local".to_owned(), labels, has_options: false, created: None })
}

fn engine() -> EngineFacts {
    EngineFacts {
        memory_limit: true,
        swap_limit: true,
        pids_limit: true,
        cpu_limit: true,
        cpus: 4,
        memory: 8 << 30,
        log_drivers: vec!["json-file".to_owned(), "local".to_owned(), "none".to_owned()],
        cgroup_version: "2".to_owned(),
    }
}
