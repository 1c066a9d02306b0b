//! Prunes that are answered and touch nothing: libraries prune at the end of a run and only want to hear that it worked.
//!
//! Must never reach the engine. The shapes are the Engine API's (`ContainerPruneResponse` and its siblings).

use hyper::Response;
use serde_json::{Value, json};

use super::NOTHING_DONE;
use crate::operation::Operation;
use crate::operation::system::PruneOperation;
use crate::response::{self, Body};

/// The answer of an engine that found nothing to prune.
pub(super) fn answer(operation: &Operation) -> Response<Body> {
    let document = match operation {
        Operation::Prune(PruneOperation::Containers(_)) => json!({ "ContainersDeleted": null, "SpaceReclaimed": 0 }),
        Operation::Prune(PruneOperation::Images(_)) => json!({ "ImagesDeleted": null, "SpaceReclaimed": 0 }),
        Operation::Prune(PruneOperation::Networks(_)) => json!({ "NetworksDeleted": null }),
        Operation::Prune(PruneOperation::Volumes(_)) => json!({ "VolumesDeleted": [], "SpaceReclaimed": 0 }),
        Operation::Prune(PruneOperation::Build(_)) => json!({ "CachesDeleted": null, "SpaceReclaimed": 0 }),
        Operation::System(_)
        | Operation::Image(_)
        | Operation::Container(_)
        | Operation::Exec(_)
        | Operation::Network(_)
        | Operation::Volume(_) => Value::Object(serde_json::Map::new()),
    };
    response::whole(NOTHING_DONE, format!("{document}\n").into())
}
