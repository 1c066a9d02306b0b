//! Counting what an owner has, and adding up what its containers may use.
//!
//! The numbers are read from the engine each time, by the labels that the broker wrote and by each container's own
//! limits, which `update` can change. Must never keep one.

use futures_util::{StreamExt, stream};
use serde::Deserialize;

use super::engine::Engine;
use super::error::UpstreamError;
use crate::operation::names::ContainerId;
use crate::policy::facts::{CountFacts, Counted, UsageFacts};
use crate::policy::ownership::{Owner, SESSION};
use crate::policy::quota::nano_cpus_of;

type Labels = std::collections::BTreeMap<String, String>;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Inspected {
    host_config: LimitsAnswer,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct LimitsAnswer {
    memory: i64,
    nano_cpus: i64,
    cpu_quota: i64,
    cpu_period: i64,
    pids_limit: Option<i64>,
}

impl Engine {
    pub(super) async fn count(&self, of: Counted, session: &str, owner: &Owner) -> Result<CountFacts, UpstreamError> {
        let labels: Vec<Labels> = match of {
            Counted::Containers => self.owned_containers(owner).await?.into_iter().map(|c| c.facts.labels).collect(),
            Counted::Networks => self.owned_networks(owner).await?.into_iter().map(|n| n.labels).collect(),
            Counted::Volumes => self.owned_volumes(owner).await?.into_iter().map(|v| v.labels).collect(),
        };
        let in_session = labels.iter().filter(|labels| labels.get(SESSION).is_some_and(|own| own == session));
        Ok(CountFacts { session: in_session.count(), owner: labels.len() })
    }

    /// The sum of the limits of the owner's containers. One that goes meanwhile is left out.
    pub(super) async fn usage(&self, owner: &Owner, except: Option<&ContainerId>) -> Result<UsageFacts, UpstreamError> {
        let containers = self.owned_containers(owner).await?;
        let ids = containers.into_iter().map(|container| container.facts.id).filter(|id| Some(id) != except);
        let mut answers = stream::iter(ids).map(|id| self.limits(id)).buffer_unordered(AT_ONCE);
        let mut usage = UsageFacts::default();
        while let Some(answer) = answers.next().await {
            let Some(LimitsAnswer { memory, nano_cpus, cpu_quota, cpu_period, pids_limit }) = answer? else { continue };
            usage.memory.add(memory);
            usage.nano_cpus.add(nano_cpus_of(nano_cpus, cpu_quota, cpu_period));
            usage.pids.add(pids_limit.unwrap_or(0));
        }
        Ok(usage)
    }

    async fn limits(&self, id: ContainerId) -> Result<Option<LimitsAnswer>, UpstreamError> {
        let answer: Option<Inspected> =
            self.ask("the limits of a container", &format!("/containers/{id}/json")).await?;
        Ok(answer.map(|Inspected { host_config }| host_config))
    }
}

/// How many inspects are asked of an engine at a time.
const AT_ONCE: usize = 8;
