//! Prunes: libraries prune at the end of a run, and nothing of anybody may be removed by it.

use serde_json::json;

use crate::harness::Lab;

#[tokio::test]
async fn each_prune_is_answered_in_its_own_shape_and_asks_the_engine_nothing() {
    let lab = Lab::start("postgres").await;
    for (target, list, reclaimed) in [
        ("/v1.41/containers/prune", "ContainersDeleted", true),
        ("/v1.41/images/prune?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D", "ImagesDeleted", true),
        ("/v1.41/networks/prune", "NetworksDeleted", false),
        ("/v1.41/volumes/prune", "VolumesDeleted", true),
        ("/v1.41/build/prune", "CachesDeleted", true),
    ] {
        let reply = lab.act(target).await;
        let report = reply.assert_status(200).json();
        assert_eq!(reply.header("content-type"), Some("application/json"), "{target}");
        assert!(report[list].is_null() || report[list] == json!([]), "{target}: {report}");
        assert_eq!(report.get("SpaceReclaimed").is_some(), reclaimed, "{target}: {report}");
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn a_policy_without_an_answer_refuses() {
    let lab = Lab::start("read-only").await;
    let reply = lab.act("/v1.41/volumes/prune").await;
    reply.assert_status(403).assert_error();
    assert!(reply.message().contains("`prune.answer`"), "{}", reply.message());
    lab.engine.assert_untouched();
}
