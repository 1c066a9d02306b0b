//! The laboratory of the contract tests: the broker in this process, a recording fake engine behind it, and a raw client
//! before it, each lab in a directory of its own.

pub(crate) mod broker;
pub(crate) mod client;
pub(crate) mod engine;
pub(crate) mod relay;

use std::future::Future;
use std::path::{Path, PathBuf};

use docker_broker::bounds::Bounds;
use docker_broker::client::Isolate;
use tokio::task::AbortHandle;

use self::broker::{Broker, Setup};
use self::client::{Client, Reply, Request};
use self::engine::FakeEngine;
use self::engine::world::World;
use self::relay::Relay;

/// The instance and the listener of every lab, and so the owner of what its clients make.
pub(crate) const INSTANCE: &str = "lab";
pub(crate) const LISTENER: &str = "main";
pub(crate) const OWNER: &str = "lab/main";

/// A broker between a client and a fake engine.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) engine: FakeEngine,
    broker: Option<Broker>,
    relay: Option<Relay>,
    socket: PathBuf,
    directory: tempfile::TempDir,
}

impl Lab {
    /// With a built-in policy, by name, or the text of a policy file.
    pub(crate) async fn start(policy: &str) -> Self {
        Self::start_with(policy, |_| {}).await
    }

    /// The same, with other bounds.
    pub(crate) async fn start_with(policy: &str, change: impl FnOnce(&mut Bounds)) -> Self {
        Self::start_as(policy, |setup| change(&mut setup.bounds)).await
    }

    /// The same, with anything else.
    pub(crate) async fn start_as(policy: &str, change: impl FnOnce(&mut Setup)) -> Self {
        let mut lab = Self::empty();
        let mut setup = lab.setup(policy);
        change(&mut setup);
        lab.broker = Some(Broker::start(setup).unwrap_or_else(|error| panic!("the broker does not start: {error}")));
        // the sweeper's first look at what is there is none of the test's business
        lab.engine.came("GET", "/volumes").await;
        lab.engine.forget();
        lab
    }

    /// With a relay in the broker's place, which judges nothing.
    pub(crate) fn with_relay() -> Self {
        let mut lab = Self::empty();
        lab.relay = Some(Relay::start(&lab.socket, &lab.directory.path().join("engine.sock")));
        lab
    }

    fn empty() -> Self {
        let _alone = broker::alone();
        let directory = tempfile::tempdir().expect("a directory");
        let engine = FakeEngine::start(&directory.path().join("engine.sock"), World::new(OWNER));
        Self { engine, broker: None, relay: None, socket: directory.path().join("docker.sock"), directory }
    }

    /// What another broker would need to stand in the same place.
    pub(crate) fn setup(&self, policy: &str) -> Setup {
        Setup {
            listen: self.socket.clone(),
            upstream: self.directory.path().join("engine.sock"),
            policy: policy.to_owned(),
            mode: 0o600,
            isolate: Isolate::None,
            bounds: Bounds::default(),
            audit: self.audit_file(),
            audit_required: false,
            more: Vec::new(),
        }
    }

    /// The broker's socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Where the audit records go.
    pub(crate) fn audit_file(&self) -> PathBuf {
        self.directory.path().join("audit.jsonl")
    }

    /// A new connection.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.socket).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn call(&self, request: Request) -> Reply {
        self.client().await.call(request).await
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.call(Request::get(target)).await
    }

    pub(crate) async fn post(&self, target: &str, body: &serde_json::Value) -> Reply {
        self.call(Request::post(target).json(body)).await
    }

    /// A POST without a body.
    pub(crate) async fn act(&self, target: &str) -> Reply {
        self.call(Request::post(target)).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Reply {
        self.call(Request::new("DELETE", target)).await
    }

    /// Ends the broker as SIGTERM does: it drains.
    pub(crate) async fn stop_broker(&mut self) {
        self.broker.take().expect("a broker").stop().await;
    }

    /// The running broker.
    pub(crate) fn broker(&mut self) -> &mut Broker {
        self.broker.as_mut().expect("a broker")
    }

    /// Takes the broker out, to stop it while the test goes on.
    pub(crate) fn take_broker(&mut self) -> Broker {
        self.broker.take().expect("a broker")
    }
}

/// Runs beside the test, until it ends or is aborted; tests run on a runtime of their own, which ends what is left.
pub(crate) fn background<F>(task: F) -> AbortHandle
where
    F: Future<Output = ()> + Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the test's runtime ends it")]
    tokio::spawn(task).abort_handle()
}
