//! Judges metadata of the engine and the prunes.
//!
//! Must never let a prune reach the engine unless the policy is `unrestricted`: it deletes what is anybody's.

use super::compile::Prune;
use super::denial::Denial;
use super::judge::{Judge, Judged};
use super::permit::Relay;
use super::word;
use crate::operation::Operation;
use crate::operation::system::{PruneOperation, SystemEventsQuery, SystemOperation};

pub(super) fn decide(judge: &Judge<'_>, operation: SystemOperation) -> Result<Judged, Denial> {
    let id = operation.operation_id();
    if !judge.sees_anything() {
        return Err(judge.refuse(id, "", "asks what the engine is", "to see nothing", "containers.see"));
    }
    let unrestricted = judge.policy.unrestricted;
    Ok(match operation {
        SystemOperation::Ping | SystemOperation::PingHead | SystemOperation::Version => {
            Judged::as_is(Operation::System(operation))
        }
        SystemOperation::Info | SystemOperation::Events(_) if unrestricted => {
            Judged::as_is(Operation::System(operation))
        }
        SystemOperation::Info => Judged::filtered(Operation::System(operation)),
        SystemOperation::Events(SystemEventsQuery { since, until, filters }) => {
            word::moment(judge, id, "since", &since)?;
            word::moment(judge, id, "until", &until)?;
            let query = SystemEventsQuery { since, until, filters };
            Judged::filtered(Operation::System(SystemOperation::Events(query)))
        }
    })
}

pub(super) fn decide_prune(judge: &Judge<'_>, operation: PruneOperation) -> Result<Judged, Denial> {
    let id = operation.operation_id();
    if judge.policy.unrestricted {
        return Ok(Judged::as_is(Operation::Prune(operation)));
    }
    match judge.policy.prune {
        Prune::Stub => Ok(Judged { relay: Relay::Stub, ..Judged::as_is(Operation::Prune(operation)) }),
        Prune::Refuse => Err(judge.refuse(id, "", "removes what is unused", "no prune", "prune.answer")),
        Prune::Own => Err(judge.not_yet(id, "", "removes what is unused", "prune.answer")),
    }
}
