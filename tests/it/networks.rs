//! Networks and volumes of clients: what goes up is the broker's own words, about what was judged.

use crate::harness::Lab;
use crate::harness::client::Request;
use crate::harness::engine::world::{FOREIGN_NET, OWN_NET};

/// One owner with networks and volumes of its own.
const POLICY: &str = "version = 1\nextends = \"postgres\"\n[networks]\ncreate = { names = [\"n*\"] }\n\
    [volumes]\ncreate = { names = [\"v*\"] }\n";

fn delete(target: &str) -> Request {
    Request::new("DELETE", target)
}

#[tokio::test]
async fn what_is_not_the_clients_is_removed_as_little_as_what_is_not_there() {
    let lab = Lab::start(POLICY).await;
    for network in ["payroll-net", FOREIGN_NET, &FOREIGN_NET[..12], "bridge", "host", "nothing"] {
        let reply = lab.call(delete(&format!("/v1.41/networks/{network}"))).await;
        assert_eq!(reply.assert_status(404).message(), format!("network {network} not found"));
    }
    for volume in ["payroll-volume", "nothing"] {
        for query in ["", "?force=1"] {
            let reply = lab.call(delete(&format!("/v1.41/volumes/{volume}{query}"))).await;
            assert_eq!(reply.assert_status(404).message(), format!("get {volume}: no such volume"));
        }
    }
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn own_networks_and_volumes_are_removed() {
    let lab = Lab::start(POLICY).await;
    lab.call(delete("/v1.41/networks/n-own")).await.assert_status(204);
    assert_eq!(lab.engine.only_forwarded().line(), format!("DELETE /networks/{OWN_NET}"));
    lab.call(delete("/v1.41/networks/n-own")).await.assert_status(404);
    lab.engine.forget();
    lab.call(delete("/v1.41/volumes/own-volume?force=yes")).await.assert_status(204);
    assert_eq!(lab.engine.only_forwarded().line(), "DELETE /volumes/own-volume?force=1");
    lab.call(delete("/v1.41/volumes/own-volume")).await.assert_status(404);
}
