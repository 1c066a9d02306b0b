//! Judges metadata of the engine.
//!
//! Must never let an answer out unfiltered that tells of others.

use super::denial::Denial;
use super::judge::{Judge, Judged};
use super::word;
use crate::operation::Operation;
use crate::operation::system::{SystemEventsQuery, SystemOperation};

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
