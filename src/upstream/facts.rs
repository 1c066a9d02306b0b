//! Answers to what a judge asks about the engine's objects.
//!
//! Each answer is read from the engine when it is asked for, but for what cannot change: the labels and the image of a
//! container with a full ID. Must never keep what can change, and never a volume, which has no ID.

mod answers;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use answers::{
    ConfigAnswer, ContainerAnswer, ExecAnswer, ImageAnswer, InfoAnswer, ListAnswer, NetworkAnswer, ProcessAnswer,
    VolumeAnswer, VolumesAnswer, read_container, read_listed, read_network, read_volume,
};

use super::engine::{Engine, lock};
use super::error::UpstreamError;
use crate::operation::names::{ContainerId, ExecId};
use crate::policy::depth::Depth;
use crate::policy::facts::{
    ContainerFacts, ContainerNames, EngineFacts, ExecFacts, Fact, FactQuery, ImageFacts, NetworkFacts, VolumeFacts,
    Within,
};
use crate::policy::ownership::{self, Owner, Whose};
use crate::request::{Filters, percent};

/// Labels and images of containers, by full ID.
#[derive(Debug, Default)]
pub(super) struct KnownContainers(Mutex<HashMap<ContainerId, ContainerFacts>>);

/// One of the owner's containers in the engine's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedContainer {
    /// What is known of it; its networks are not.
    pub facts: ContainerFacts,
    /// Its names, without the leading slash.
    pub names: Vec<String>,
    /// `created`, `running`, `exited` and so on.
    pub state: String,
}

impl Engine {
    /// Answers one question of a judge.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn fact(&self, query: &FactQuery, owner: &Owner) -> Result<Fact, UpstreamError> {
        Ok(match query {
            FactQuery::Container { reference, within, fresh } => {
                Fact::Container(self.container(reference, within, *fresh, owner).await?.map(Box::new))
            }
            FactQuery::Exec(exec) => Fact::Exec(self.exec(exec).await?),
            FactQuery::Image(name) => Fact::Image(self.image(name).await?.map(Box::new)),
            FactQuery::Network(name) => Fact::Network(self.network_of(name, owner).await?.map(Box::new)),
            FactQuery::Volume(name) => Fact::Volume(self.volume(name).await?),
            FactQuery::Engine => Fact::Engine(self.abilities().await?),
            FactQuery::Count { of, session } => Fact::Count(self.count(*of, session, owner).await?),
            FactQuery::Usage { except } => Fact::Usage(self.usage(owner, except.as_ref()).await?),
            FactQuery::Impostor => Fact::Impostor(self.impostor(owner).await?),
        })
    }

    /// The owner's containers, running or not, by the label that the broker wrote. The label alone proves nothing: see
    /// [`Owner::owns_container`].
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn owned_containers(&self, owner: &Owner) -> Result<Vec<ListedContainer>, UpstreamError> {
        self.containers_of(&Whose::Owner(owner.clone())).await
    }

    /// A container that inherited the owner's label from its image.
    async fn impostor(&self, owner: &Owner) -> Result<Option<String>, UpstreamError> {
        let (whose, depth) = (Whose::Owner(owner.clone()), self.known_depth().await?);
        let mut listed = self.listed(&list_of("containers/json?all=1&", &whose, depth), depth).await?;
        listed.retain(|c| !owner.owns_container(&c.facts.labels, &c.facts.image_id));
        Ok(listed.first().map(|c| c.facts.id.to_string()))
    }

    /// The owner's containers for everybody who is meant.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn containers_of(&self, whose: &Whose) -> Result<Vec<ListedContainer>, UpstreamError> {
        let depth = self.known_depth().await?;
        let listed = self.listed(&list_of("containers/json?all=1&", whose, depth), depth).await?;
        let owns = |owner: Owner, facts: &ContainerFacts| owner.owns_container(&facts.labels, &facts.image_id);
        Ok(listed.into_iter().filter(|c| whose.owner(&c.facts.labels).is_some_and(|o| owns(o, &c.facts))).collect())
    }

    /// Containers, running or not, that carry all of these labels and no broker's owner. Whether the labels are the
    /// container's own or its image's, the list does not say.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn labelled_containers(
        &self,
        labels: &[(String, String)],
    ) -> Result<Vec<ListedContainer>, UpstreamError> {
        let mut filters = Filters::default();
        for (key, value) in labels {
            filters.add("label", &format!("{key}={value}"));
        }
        let mut target = "/containers/json?all=1&filters=".to_owned();
        percent::encode(&mut target, &filters.encode());
        let depth = self.known_depth().await?;
        let listed = self.listed(&target, depth).await?;
        let carried = |c: &ListedContainer| labels.iter().all(|(key, value)| c.facts.labels.get(key) == Some(value));
        let nobodys = |c: &ListedContainer| !c.facts.labels.contains_key(ownership::OWNER);
        Ok(listed.into_iter().filter(|c| carried(c) && nobodys(c)).collect())
    }

    async fn listed(&self, target: &str, depth: Depth) -> Result<Vec<ListedContainer>, UpstreamError> {
        let what = "the list of containers";
        let listed: Option<Vec<ListAnswer>> = self.ask(what, target).await?;
        let listed = listed.ok_or_else(|| UpstreamError::Nonsense { what, why: "404".to_owned() })?;
        Ok(listed.into_iter().filter_map(|answer| read_listed(answer, depth)).collect())
    }

    /// The owner's networks, by the label that the broker wrote. An engine's list says nothing of who is on them.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn owned_networks(&self, owner: &Owner) -> Result<Vec<NetworkFacts>, UpstreamError> {
        self.networks_of(&Whose::Owner(owner.clone())).await
    }

    /// The same for everybody who is meant.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn networks_of(&self, whose: &Whose) -> Result<Vec<NetworkFacts>, UpstreamError> {
        let (what, depth) = ("the list of networks", self.known_depth().await?);
        let listed: Option<Vec<NetworkAnswer>> = self.ask(what, &list_of("networks?", whose, depth)).await?;
        let listed = listed.ok_or_else(|| UpstreamError::Nonsense { what, why: "404".to_owned() })?;
        Ok(listed
            .into_iter()
            .map(|answer| read_network(answer, depth))
            .filter(|network| whose.owner(&network.labels).is_some())
            .collect())
    }

    /// The owner's volumes, by the label that the broker wrote; anonymous ones carry none.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn owned_volumes(&self, owner: &Owner) -> Result<Vec<VolumeFacts>, UpstreamError> {
        self.volumes_of(&Whose::Owner(owner.clone())).await
    }

    /// The same for everybody who is meant.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn volumes_of(&self, whose: &Whose) -> Result<Vec<VolumeFacts>, UpstreamError> {
        let (what, depth) = ("the list of volumes", self.known_depth().await?);
        let listed: Option<VolumesAnswer> = self.ask(what, &list_of("volumes?", whose, depth)).await?;
        let VolumesAnswer { volumes } =
            listed.ok_or_else(|| UpstreamError::Nonsense { what, why: "404".to_owned() })?;
        let read = volumes.unwrap_or_default().into_iter().map(|answer| read_volume(answer, depth));
        Ok(read.filter(|volume| whose.owner(&volume.labels).is_some()).collect())
    }

    async fn container(
        &self,
        reference: &str,
        within: &Within,
        fresh: bool,
        owner: &Owner,
    ) -> Result<Option<ContainerFacts>, UpstreamError> {
        let (id, among) = match (ContainerId::parse(reference), within) {
            (Some(id), _) => (Some(id), Vec::new()),
            (None, Within::Everyone) => return self.inspect(reference).await,
            (None, Within::Owner) => (None, self.owned_containers(owner).await?),
            (None, Within::Labelled(labels)) => {
                let mut among = self.owned_containers(owner).await?;
                among.extend(self.labelled_containers(labels).await?);
                (None, among)
            }
        };
        let id = match (id, resolve(reference, among)) {
            (Some(id), _) => id,
            (None, Some(listed)) if !fresh => return Ok(Some(listed)),
            (None, Some(listed)) => listed.id,
            (None, None) => return Ok(None),
        };
        match self.known.find(&id).filter(|_| !fresh) {
            Some(known) => Ok(Some(known)),
            None => self.inspect(id.as_str()).await,
        }
    }

    /// Inspects a container; the answer must be about the one that was asked for. Where none has a full ID, the engine
    /// answers for one that has it as its name: that is not the one that was meant.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn inspect(&self, reference: &str) -> Result<Option<ContainerFacts>, UpstreamError> {
        let answer: Option<ContainerAnswer> = self.ask("a container", &at("containers", reference, "/json")).await?;
        let Some(answer) = answer else { return Ok(None) };
        let nonsense = || UpstreamError::Nonsense { what: "a container", why: "it has no ID".to_owned() };
        let facts = read_container(answer, self.depth()).ok_or_else(nonsense)?;
        if ContainerId::parse(reference).is_some_and(|meant| meant != facts.id) {
            return Ok(None);
        }
        self.known.remember(&facts);
        Ok(Some(facts))
    }

    async fn exec(&self, exec: &ExecId) -> Result<Option<ExecFacts>, UpstreamError> {
        let answer: Option<ExecAnswer> = self.ask("an exec instance", &at("exec", exec.as_str(), "/json")).await?;
        Ok(answer.and_then(|ExecAnswer { container, process }| {
            let ProcessAnswer { privileged, user } = process;
            Some(ExecFacts {
                container: ContainerId::parse(&container)?,
                privileged: privileged.unwrap_or(false),
                user: user.unwrap_or_default(),
            })
        }))
    }

    async fn image(&self, name: &str) -> Result<Option<ImageFacts>, UpstreamError> {
        let answer: Option<ImageAnswer> = self.ask("an image", &at("images", name, "/json")).await?;
        Ok(answer.map(|ImageAnswer { id, repo_tags, repo_digests, config }| {
            let ConfigAnswer { hostname: _, image: _, labels, exposed_ports } = config.unwrap_or_default();
            ImageFacts {
                id,
                repo_tags: repo_tags.unwrap_or_default(),
                repo_digests: repo_digests.unwrap_or_default(),
                exposed_ports: exposed_ports.map(|ports| ports.into_keys().collect()).unwrap_or_default(),
                labels: labels.unwrap_or_default(),
            }
        }))
    }

    /// A network that somebody named. Engines up to 24 can have several of one name, whosever they are, and then refuse
    /// the name: it means the owner's, if that is one.
    async fn network_of(&self, reference: &str, owner: &Owner) -> Result<Option<NetworkFacts>, UpstreamError> {
        match self.network(reference).await {
            Err(UpstreamError::Refused { what: _, status: 400, message: _ }) => {}
            answer => return answer,
        }
        let own = self.owned_networks(owner).await?.into_iter();
        let mut meant = own.filter(|network| network.name == reference || network.id.starts_with(reference));
        match (meant.next(), meant.next()) {
            (Some(network), None) => self.network(&network.id).await,
            (Some(_), Some(_)) | (None, _) => Ok(None),
        }
    }

    /// A network as it is now, by its ID or name.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn network(&self, name: &str) -> Result<Option<NetworkFacts>, UpstreamError> {
        let answer: Option<NetworkAnswer> = self.ask("a network", &at("networks", name, "")).await?;
        Ok(answer.map(|answer| read_network(answer, self.depth())))
    }

    /// A volume as it is now.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn volume(&self, name: &str) -> Result<Option<VolumeFacts>, UpstreamError> {
        let answer: Option<VolumeAnswer> = self.ask("a volume", &at("volumes", name, "")).await?;
        Ok(answer.map(|answer| read_volume(answer, self.depth())))
    }

    /// What the engine can do; asked again after half a minute, for an engine can be restarted with other options.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn abilities(&self) -> Result<EngineFacts, UpstreamError> {
        let known = lock(&self.abilities).clone();
        if let Some((_, abilities)) = known.filter(|(asked, _)| asked.elapsed() < ABILITIES_AGE) {
            return Ok(abilities);
        }
        let answer: Option<InfoAnswer> = self.ask("what it can do", "/info").await?;
        let InfoAnswer {
            memory_limit,
            swap_limit,
            pids_limit,
            cpu_limit,
            cpus,
            memory,
            cgroup_version,
            server_version,
            plugins,
        } = answer.unwrap_or_default();
        let log_drivers = plugins.log.unwrap_or_default();
        let abilities = EngineFacts {
            memory_limit,
            swap_limit,
            pids_limit,
            cpu_limit,
            cpus,
            memory,
            log_drivers,
            cgroup_version,
            server_version,
        };
        *lock(&self.abilities) = Some((Instant::now(), abilities.clone()));
        Ok(abilities)
    }
}

impl KnownContainers {
    fn find(&self, id: &ContainerId) -> Option<ContainerFacts> {
        lock(&self.0).get(id).cloned()
    }

    /// Keeps what cannot change; networks and names are left out.
    fn remember(&self, facts: &ContainerFacts) {
        let mut known = lock(&self.0);
        if known.len() >= KNOWN_CONTAINERS {
            known.clear();
        }
        known.insert(
            facts.id.clone(),
            ContainerFacts { networks: BTreeMap::new(), names: ContainerNames::default(), ..facts.clone() },
        );
    }
}

/// Finds the one container that a name or ID prefix means, in the engine's order: name first, then an unambiguous prefix.
fn resolve(reference: &str, owned: Vec<ListedContainer>) -> Option<ContainerFacts> {
    let name = reference.strip_prefix('/').unwrap_or(reference);
    if let Some(named) = owned.iter().find(|container| container.names.iter().any(|own| own == name)) {
        return Some(named.facts.clone());
    }
    let hexadecimal = !reference.is_empty() && reference.bytes().all(|b| b.is_ascii_hexdigit());
    let mut matching = owned.into_iter().filter(|c| hexadecimal && c.facts.id.as_str().starts_with(reference));
    let first = matching.next()?;
    matching.next().is_none().then_some(first.facts)
}

/// The list of one kind of object that carries a label of theirs.
fn list_of(path_and_query: &str, whose: &Whose, depth: Depth) -> String {
    let mut filters = Filters::default();
    filters.add("label", &whose.label(depth));
    let mut target = format!("/{path_and_query}filters=");
    percent::encode(&mut target, &filters.encode());
    target
}

/// `/containers/{name}/json`, with the name encoded as one segment; image names keep their slashes.
fn at(kind: &str, name: &str, rest: &str) -> String {
    let mut target = format!("/{kind}/");
    for (index, part) in name.split('/').enumerate() {
        if index > 0 {
            target.push_str(if kind == "images" { "/" } else { "%2F" });
        }
        percent::encode(&mut target, part);
    }
    target.push_str(rest);
    target
}

const ABILITIES_AGE: Duration = Duration::from_secs(30);

/// Bounds memory; the table is rebuilt from the engine at need.
const KNOWN_CONTAINERS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: char, name: &str) -> ListedContainer {
        let answer = ListAnswer {
            id: id.to_string().repeat(64),
            names: Some(vec![format!("/{name}")]),
            ..ListAnswer::default()
        };
        read_listed(answer, Depth::default()).unwrap()
    }

    #[test]
    fn a_name_wins_over_a_prefix_and_an_ambiguous_prefix_means_nothing() {
        let owned =
            || vec![listed('a', "pg"), listed('b', "aaa"), ListedContainer { names: vec![], ..listed('a', "x") }];
        assert_eq!(resolve("aaa", owned()).unwrap().id.as_str(), "b".repeat(64));
        assert_eq!(resolve("bb", owned()).unwrap().id.as_str(), "b".repeat(64));
        for nothing in ["a", "", "c", "B", "pg2", "p"] {
            assert!(resolve(nothing, owned()).is_none(), "{nothing}");
        }
        assert!(resolve("/pg", owned()).is_some());
    }

    #[test]
    fn names_stay_in_their_segment() {
        assert_eq!(at("networks", "a/b?c", ""), "/networks/a%2Fb%3Fc");
        assert_eq!(at("images", "a/b:1", "/json"), "/images/a/b%3A1/json");
    }
}
