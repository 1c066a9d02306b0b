//! Judges the prunes: answered without the engine, or narrowed to what is the client's own.
//!
//! Must never let a prune reach the engine without the owner's label as a filter, unless the policy is `unrestricted`: it
//! deletes what is anybody's.

use super::compile::Prune;
use super::denial::{Denial, shown};
use super::facts::{FactQuery, Facts};
use super::file::keys;
use super::judge::{Judge, Judged};
use super::permit::Relay;
use super::{volume, word};
use crate::operation::Operation;
use crate::operation::system::{PruneOperation, PruneQuery};
use crate::request::Filters;

/// Containers inherit labels from images, so a label alone does not prove whose one is.
pub(super) fn questions(judge: &Judge<'_>, operation: &PruneOperation) -> Vec<FactQuery> {
    let labels_decide = matches!(operation, PruneOperation::Containers(_));
    let asks = !judge.policy.unrestricted && judge.policy.prune == Prune::Own && labels_decide;
    if asks { vec![FactQuery::Impostor] } else { Vec::new() }
}

pub(super) fn decide(judge: &Judge<'_>, operation: PruneOperation, facts: &Facts) -> Result<Judged, Denial> {
    let id = operation.operation_id();
    if judge.policy.unrestricted {
        return Ok(Judged::as_is(Operation::Prune(operation)));
    }
    match judge.policy.prune {
        Prune::Stub => Ok(stub(operation)),
        Prune::Refuse => Err(judge.refuse(id, "", "removes what is unused", "no prune", keys::PRUNE_ANSWER)),
        Prune::Own => own(judge, id, operation, facts),
    }
}

fn stub(operation: PruneOperation) -> Judged {
    Judged { relay: Relay::Stub, ..Judged::as_is(Operation::Prune(operation)) }
}

fn own(judge: &Judge<'_>, id: &'static str, operation: PruneOperation, facts: &Facts) -> Result<Judged, Denial> {
    let narrowed = |PruneQuery { filters }: PruneQuery, known: &[&str]| {
        judge_filters(judge, id, &filters, known)?;
        Ok(PruneQuery { filters: volume::owned(judge, filters) })
    };
    let operation = match operation {
        PruneOperation::Containers(query) => {
            if let Some(impostor) = facts.impostor() {
                let wanted = format!("removes what stopped while container {} is there", shown(impostor));
                let why = "it carries the labels of the client's own and is none; remove each by its ID";
                return Err(judge.floor(id, "", wanted, why));
            }
            PruneOperation::Containers(narrowed(query, &["until", "label", "label!"])?)
        }
        PruneOperation::Networks(query) => PruneOperation::Networks(narrowed(query, &["until", "label", "label!"])?),
        PruneOperation::Volumes(query) => PruneOperation::Volumes(narrowed(query, &["all", "label", "label!"])?),
        // nobody owns an image or a cache yet
        other @ (PruneOperation::Images(_) | PruneOperation::Build(_)) => return Ok(stub(other)),
    };
    Ok(Judged::as_is(Operation::Prune(operation)))
}

/// Filters narrow what is removed; one that an engine does not know, or reads in another way, may not.
fn judge_filters(
    judge: &Judge<'_>,
    id: &'static str,
    Filters(filters): &Filters,
    known: &[&str],
) -> Result<(), Denial> {
    for (name, values) in filters {
        if !known.contains(&name.as_str()) {
            let why = format!("the filters here are {}", super::container_create::patterns(known.iter().copied()));
            return Err(judge.floor(id, "filters", format!("the filter {}", shown(name)), why));
        }
        if name == "until" {
            for value in values {
                word::moment(judge, id, "filters", value)?;
            }
        }
    }
    Ok(())
}
