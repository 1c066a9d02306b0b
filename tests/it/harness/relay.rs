//! A proxy that judges nothing: it passes bytes on. What it lets through is what the tests must be able to see.

use std::path::Path;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;

use super::background;

/// A running relay.
#[derive(Debug)]
pub(crate) struct Relay(AbortHandle);

impl Relay {
    pub(crate) fn start(listen: &Path, upstream: &Path) -> Self {
        let listener = UnixListener::bind(listen).expect("the relay's socket");
        let upstream = upstream.to_owned();
        Self(background(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let upstream = upstream.clone();
                background(async move {
                    let Ok(mut engine) = UnixStream::connect(upstream).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
                });
            }
        }))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}
