//! The one place that knows how a broker is started: everything else in the tests speaks HTTP to it.

use std::path::PathBuf;

use docker_broker::bounds::Bounds;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;

use super::background;

/// What a broker needs.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) listen: PathBuf,
    pub(crate) upstream: PathBuf,
    /// A built-in policy's name, or the text of a policy file.
    pub(crate) policy: String,
    pub(crate) bounds: Bounds,
    pub(crate) audit: PathBuf,
}

/// A running broker.
#[derive(Debug)]
pub(crate) struct Broker {
    relay: AbortHandle,
}

impl Broker {
    pub(crate) async fn start(setup: Setup) -> Result<Self, String> {
        let listener = UnixListener::bind(&setup.listen).map_err(|error| error.to_string())?;
        let upstream = setup.upstream;
        let relay = background(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let upstream = upstream.clone();
                background(async move {
                    let Ok(mut engine) = UnixStream::connect(upstream).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
                });
            }
        });
        Ok(Self { relay })
    }

    pub(crate) async fn stop(self) {
        self.relay.abort();
    }
}
