//! The one place that knows how a broker is started: everything else in the tests speaks HTTP to it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use docker_broker::audit::{AuditConfig, Format, Sink};
use docker_broker::bounds::Bounds;
use docker_broker::client::Isolate;
use docker_broker::config::{ListenerConfig, ServeConfig};
use docker_broker::policy::builtin::builtin;
use docker_broker::policy::check;
use docker_broker::policy::compile::{Origin, Policy};
use docker_broker::serve::{Cause, Reloaded, Server};
use docker_broker::upstream::address::Address;

use super::{INSTANCE, LISTENER};

/// What a broker needs.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) listen: PathBuf,
    pub(crate) upstream: PathBuf,
    /// A built-in policy's name, or the text of a policy file.
    pub(crate) policy: String,
    pub(crate) mode: u32,
    pub(crate) isolate: Isolate,
    pub(crate) bounds: Bounds,
    pub(crate) audit: PathBuf,
    pub(crate) audit_required: bool,
    /// Further listeners: name, socket and policy.
    pub(crate) more: Vec<(String, PathBuf, String)>,
}

/// A running broker.
#[derive(Debug)]
pub(crate) struct Broker {
    server: Server,
}

impl Setup {
    /// What the broker is started with.
    pub(crate) fn config(self) -> ServeConfig {
        let Self { listen, upstream, policy: first, mode, isolate, bounds, audit, audit_required, more } = self;
        let listener = |name: &str, listen: &Path, text: &str, isolate| ListenerConfig {
            name: name.to_owned(),
            listen: address(listen),
            mode,
            group: None,
            isolate,
            policy: policy(text),
            policy_version: format!("{:x}", text.len()),
            allow_unrestricted: false,
        };
        let more = more.iter().map(|(name, listen, text)| listener(name, listen, text, Isolate::None));
        ServeConfig {
            listeners: std::iter::once(listener(LISTENER, &listen, &first, isolate)).chain(more).collect(),
            upstream: address(&upstream),
            upstream_choice: "from the test".to_owned(),
            instance: INSTANCE.to_owned(),
            bounds,
            audit: AuditConfig { sink: Sink::File(audit), format: Format::Json, required: audit_required },
            files: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Broker {
    /// Starts it; the error is what an operator would read.
    pub(crate) fn start(setup: Setup) -> Result<Self, String> {
        let config = setup.config();
        let _alone = alone();
        let started = Server::start(config).map(|server| Self { server });
        started.map_err(|error| docker_broker::cli::exit::from_serve(&error).message())
    }

    /// Reads again, as SIGHUP does: what it would be started with now, or why it would not start.
    pub(crate) fn reload(&mut self, read: Result<ServeConfig, String>) -> Reloaded {
        self.server.reload(Cause::Signal, read)
    }

    /// Drains, as SIGTERM does.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }
}

/// Held while a broker makes its socket, and while anything else makes files: the broker narrows the umask for a moment,
/// which is one for the whole process.
pub(crate) fn alone() -> impl Drop {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn address(path: &Path) -> Address {
    Address::parse(path.to_str().expect("a path in UTF-8")).expect("an absolute path")
}

fn policy(text: &str) -> Policy {
    if let Some(policy) = builtin(text) {
        return policy;
    }
    check::parse(text, "lab", Origin::File("lab.toml".to_owned())).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
