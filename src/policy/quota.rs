//! Judges how much one owner may have: the number of its objects, and what its containers may use together.
//!
//! What there is was counted in the engine and comes in as facts; a count that is missing is a refusal. Whoever judges by
//! a count must keep others of the owner from creating until the engine has answered, and count once more afterwards, for
//! another broker may have been faster: [`Judge::is_bounded`] says when. Must never keep a count of its own.

use super::compile::{Limit, Policy, Totals};
use super::denial::{Denial, shown};
use super::facts::{CountFacts, Counted, FactQuery, Facts, UsageFacts, Used};
use super::file::keys;
use super::judge::Judge;
use super::permit::{FollowUp, Permit};
use crate::operation::Operation;
use crate::operation::container::{ContainerAction, ContainerOperation};
use crate::operation::model::HostConfig;
use crate::operation::names::ContainerId;
use crate::operation::network::NetworkOperation;
use crate::operation::volume::VolumeOperation;

/// The bounds on the number of one kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    /// In a session, and the key that says so.
    session: Option<(u32, &'static str)>,
    /// Of an owner in all sessions.
    owner: Option<(u32, &'static str)>,
}

/// What happens to the sum of limits.
#[derive(Debug, Clone, Copy)]
enum Change<'a> {
    /// A container with these limits is made.
    Make(&'a HostConfig),
    /// It was made, and is in the sum.
    Made,
    /// One gets these limits in place of its own, which are not in the sum.
    Update(&'a ContainerId, &'a HostConfig),
}

/// When objects are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Before so many more are made.
    Before(usize),
    /// After it was made: it is in the count.
    After,
}

/// One resource whose sum is bounded.
#[derive(Debug)]
struct Sum<'a> {
    judge: &'a Judge<'a>,
    place: String,
    key: &'static str,
    /// What it is counted in, after a number.
    unit: &'static str,
    most: Limit<i64>,
    used: Used,
    /// What the new container gets; zero and less: no limit.
    asked: i64,
    enforced: bool,
}

impl Judge<'_> {
    /// Whether the policy bounds how many of what this operation makes there may be, so that counting and creating are
    /// one step. A policy without such a bound costs nothing.
    #[must_use]
    pub fn is_bounded(&self, operation: &Operation) -> bool {
        let raises = match operation {
            Operation::Container(ContainerOperation::Act { container: _, action }) => {
                matches!(action, ContainerAction::Update(_))
            }
            Operation::Container(ContainerOperation::Create(_) | ContainerOperation::List(_))
            | Operation::Network(_)
            | Operation::Volume(_)
            | Operation::Image(_)
            | Operation::Exec(_)
            | Operation::System(_)
            | Operation::Prune(_) => false,
        };
        let totals = raises && !self.policy.unrestricted && has_totals(self.policy);
        totals || made(operation).iter().any(|of| !questions(self, *of).is_empty())
    }

    /// What has to be counted once more after this operation was carried out.
    #[must_use]
    pub fn recount_questions(&self, permit: &Permit) -> Vec<FactQuery> {
        made_by(permit).iter().flat_map(|of| questions(self, *of)).collect()
    }

    /// Judges what was counted after this operation was carried out.
    ///
    /// # Errors
    /// A denial, when there is more than the policy allows: what was made must go again.
    pub fn recount(&self, permit: &Permit, facts: &Facts) -> Result<(), Denial> {
        let id = permit.operation().operation_id();
        for of in made_by(permit) {
            judge_number(self, id, *of, Moment::After, facts)?;
            match of {
                Counted::Containers => judge_totals(self, id, Change::Made, facts)?,
                Counted::Networks | Counted::Volumes => {}
            }
        }
        Ok(())
    }
}

/// What has to be counted before one more is made.
pub(super) fn questions(judge: &Judge<'_>, of: Counted) -> Vec<FactQuery> {
    if judge.policy.unrestricted {
        return Vec::new();
    }
    let mut wanted = Vec::new();
    if bounds(judge.policy, of) != (Bounds { session: None, owner: None }) {
        wanted.push(count_query(judge, of));
    }
    if of == Counted::Containers && has_totals(judge.policy) {
        wanted.extend([FactQuery::Usage { except: None }, FactQuery::Engine]);
    }
    wanted
}

/// Whether so many more may be made.
pub(super) fn more(judge: &Judge<'_>, id: &'static str, of: Counted, more: usize, facts: &Facts) -> Result<(), Denial> {
    if more == 0 { Ok(()) } else { judge_number(judge, id, of, Moment::Before(more), facts) }
}

/// Whether a container with these limits fits into what is left of the totals.
pub(super) fn fits(judge: &Judge<'_>, id: &'static str, host: &HostConfig, facts: &Facts) -> Result<(), Denial> {
    judge_totals(judge, id, Change::Make(host), facts)
}

/// What has to be known before the limits of this container are changed.
pub(super) fn update_questions(judge: &Judge<'_>, container: &ContainerId) -> Vec<FactQuery> {
    if has_totals(judge.policy) {
        vec![FactQuery::Usage { except: Some(container.clone()) }, FactQuery::Engine]
    } else {
        Vec::new()
    }
}

/// Whether a container of the owner's still fits with these limits; zero leaves one as it is.
pub(super) fn still_fits(
    judge: &Judge<'_>,
    id: &'static str,
    container: &ContainerId,
    limits: &HostConfig,
    facts: &Facts,
) -> Result<(), Denial> {
    judge_totals(judge, id, Change::Update(container, limits), facts)
}

/// What is made by carrying out a permit: a container may need no new volume, and a volume may be there already.
fn made_by(permit: &Permit) -> &'static [Counted] {
    match permit.follow_up() {
        FollowUp::Nothing => &[],
        FollowUp::Created { image_id: _, connect: _, volumes } if volumes.is_empty() => &[Counted::Containers],
        FollowUp::Counted | FollowUp::Created { .. } => made(permit.operation()),
    }
}

/// Whether what was made has to be counted once more.
pub(super) fn follow_up(judge: &Judge<'_>, of: Counted, more: usize) -> FollowUp {
    if more == 0 || questions(judge, of).is_empty() { FollowUp::Nothing } else { FollowUp::Counted }
}

/// What an operation makes that can be bounded in number; what it is about comes first.
fn made(operation: &Operation) -> &'static [Counted] {
    match operation {
        Operation::Container(ContainerOperation::Create(_)) => &[Counted::Containers, Counted::Volumes],
        Operation::Network(NetworkOperation::Create(_)) => &[Counted::Networks],
        Operation::Volume(VolumeOperation::Create(_)) => &[Counted::Volumes],
        Operation::Container(ContainerOperation::Act { .. } | ContainerOperation::List(_))
        | Operation::Network(
            NetworkOperation::List(_)
            | NetworkOperation::Inspect { .. }
            | NetworkOperation::Delete { .. }
            | NetworkOperation::Connect { .. }
            | NetworkOperation::Disconnect { .. },
        )
        | Operation::Volume(
            VolumeOperation::List(_) | VolumeOperation::Inspect { .. } | VolumeOperation::Delete { .. },
        )
        | Operation::Image(_)
        | Operation::Exec(_)
        | Operation::System(_)
        | Operation::Prune(_) => &[],
    }
}

fn bounds(policy: &Policy, of: Counted) -> Bounds {
    let session = match of {
        Counted::Containers => policy.containers.max.map(|most| (most, keys::CONTAINERS_MAX)),
        Counted::Networks => {
            policy.networks.create.as_ref().and_then(|grant| grant.max).map(|most| (most, keys::NETWORKS_CREATE_MAX))
        }
        Counted::Volumes => {
            policy.volumes.create.as_ref().and_then(|grant| grant.max).map(|most| (most, keys::VOLUMES_CREATE_MAX))
        }
    };
    let owner = match of {
        Counted::Containers => policy.containers.max_per_owner.map(|most| (most, keys::CONTAINERS_MAX_PER_OWNER)),
        Counted::Networks | Counted::Volumes => None,
    };
    Bounds { session, owner }
}

fn has_totals(policy: &Policy) -> bool {
    let Totals { memory, cpus, pids } = &policy.containers.totals;
    memory.value().is_some() || cpus.value().is_some() || pids.value().is_some()
}

fn count_query(judge: &Judge<'_>, of: Counted) -> FactQuery {
    FactQuery::Count { of, session: judge.stamp.session.clone() }
}

fn judge_number(judge: &Judge<'_>, id: &'static str, of: Counted, when: Moment, facts: &Facts) -> Result<(), Denial> {
    let Bounds { session: in_session, owner: of_owner } = bounds(judge.policy, of);
    let count = facts.count(&count_query(judge, of));
    let CountFacts { session, owner } = match count {
        Some(count) => count,
        None if in_session.is_none() && of_owner.is_none() => return Ok(()),
        None => CountFacts { session: usize::MAX, owner: usize::MAX },
    };
    let (one, many) = words(of);
    let rows = [
        (in_session, session, format!("session {}", shown(&judge.stamp.session)), "in a session"),
        (of_owner, owner, format!("owner {}", shown(judge.stamp.owner.as_str())), "of an owner"),
    ];
    for (bound, there, whose, of_what) in rows {
        let Some((most, key)) = bound else { continue };
        let room = match when {
            Moment::Before(more) => there.saturating_add(more) <= number(most),
            Moment::After => there <= number(most),
        };
        if !room {
            let wanted = match (when, count) {
                (_, None) => format!("one more {one}, and those of {whose} could not be counted"),
                (Moment::Before(1), Some(_)) => format!("one more {one}, and {whose} has {there}"),
                (Moment::Before(more), Some(_)) => format!("{more} more {many}, and {whose} has {there}"),
                (Moment::After, Some(_)) => {
                    format!("one more {one}, and another broker was faster: {whose} has {there} with it")
                }
            };
            return Err(judge.refuse(id, "", wanted, format!("at most {most} {many} {of_what}"), key));
        }
    }
    Ok(())
}

const fn words(of: Counted) -> (&'static str, &'static str) {
    match of {
        Counted::Containers => ("container", "containers"),
        Counted::Networks => ("network", "networks"),
        Counted::Volumes => ("volume", "volumes"),
    }
}

fn judge_totals(judge: &Judge<'_>, id: &'static str, change: Change<'_>, facts: &Facts) -> Result<(), Denial> {
    if !has_totals(judge.policy) {
        return Ok(());
    }
    let Totals { memory: most_memory, cpus: most_cpus, pids: most_pids } = &judge.policy.containers.totals;
    let (host, above, except) = match change {
        Change::Make(host) => (Some(host), "HostConfig.", None),
        Change::Update(container, host) => (Some(host), "", Some(container.clone())),
        Change::Made => (None, "HostConfig.", None),
    };
    let Some(UsageFacts { memory, nano_cpus, pids }) = facts.usage(&FactQuery::Usage { except }) else {
        let wanted = "one more container, and what the others of its owner may use could not be added up";
        return Err(judge.refuse(id, "", wanted, "what fits into the totals", keys::CONTAINERS_TOTALS));
    };
    let engine = facts.engine();
    let sums = [
        Sum {
            judge,
            place: format!("{above}Memory"),
            key: keys::CONTAINERS_TOTALS_MEMORY,
            unit: "bytes of memory",
            most: in_i64(*most_memory),
            used: memory,
            asked: host.map_or(0, |host| host.memory),
            enforced: engine.memory_limit,
        },
        Sum {
            judge,
            place: format!("{above}NanoCpus"),
            key: keys::CONTAINERS_TOTALS_CPUS,
            unit: "billionths of a CPU",
            most: *most_cpus,
            used: nano_cpus,
            asked: host.map_or(0, |host| nano_cpus_of(host.nano_cpus, host.cpu_quota, host.cpu_period)),
            enforced: engine.cpu_limit,
        },
        Sum {
            judge,
            place: format!("{above}PidsLimit"),
            key: keys::CONTAINERS_TOTALS_PIDS,
            unit: "processes",
            most: *most_pids,
            used: pids,
            asked: host.map_or(0, |host| host.pids_limit.unwrap_or(0)),
            enforced: engine.pids_limit,
        },
    ];
    sums.iter().try_for_each(|sum| sum.judge(id, change))
}

/// The CPU time of a container in billionths of a CPU: the engine takes `NanoCpus`, or a quota in a period of 100
/// milliseconds where none is said. Zero: no limit.
#[must_use]
pub fn nano_cpus_of(nano_cpus: i64, quota: i64, period: i64) -> i64 {
    if nano_cpus > 0 || quota <= 0 {
        return nano_cpus;
    }
    let period = if period > 0 { period } else { 100_000 };
    quota.saturating_mul(1_000_000_000).checked_div(period).unwrap_or(i64::MAX)
}

impl Sum<'_> {
    fn judge(&self, id: &'static str, change: Change<'_>) -> Result<(), Denial> {
        let Self { judge, place, key, unit, most, used: Used { sum, unbounded }, asked, enforced } = self;
        // what the engine cannot enforce was left out of every container
        let (Limit::At(most), true) = (most, enforced) else { return Ok(()) };
        let refuse =
            |wanted| Err(judge.refuse(id, place.clone(), wanted, format!("at most {most} {unit} of an owner"), key));
        let (is_update, is_made) = match change {
            Change::Make(_) => (false, false),
            Change::Made => (false, true),
            Change::Update(_, _) => (true, false),
        };
        if is_update && *asked == 0 {
            return Ok(());
        }
        if !is_made && *asked <= 0 {
            return refuse(format!("a container without a limit, and {sum} {unit} are used"));
        }
        if *unbounded > 0 {
            return refuse(format!("one more container, and {unbounded} of its owner have no limit"));
        }
        if asked.saturating_add(*sum) > *most {
            let left = most.saturating_sub(*sum).max(0);
            return refuse(format!("`{asked}` {unit}, and {sum} are used and {left} left"));
        }
        Ok(())
    }
}

fn number(most: u32) -> usize {
    usize::try_from(most).unwrap_or(usize::MAX)
}

fn in_i64(limit: Limit<u64>) -> Limit<i64> {
    match limit {
        Limit::At(value) => Limit::At(i64::try_from(value).unwrap_or(i64::MAX)),
        Limit::NotSet => Limit::NotSet,
        Limit::Unlimited => Limit::Unlimited,
    }
}
