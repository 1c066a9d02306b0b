//! The one place that knows how a broker is started: everything else in the tests speaks HTTP to it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use docker_broker::audit::{AuditConfig, Format, Sink};
use docker_broker::bounds::Bounds;
use docker_broker::config::ServeConfig;
use docker_broker::policy::builtin::builtin;
use docker_broker::policy::check;
use docker_broker::policy::compile::{Origin, Policy};
use docker_broker::serve::Server;
use docker_broker::upstream::address::Address;

use super::{INSTANCE, LISTENER};

/// What a broker needs.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) listen: PathBuf,
    pub(crate) upstream: PathBuf,
    /// A built-in policy's name, or the text of a policy file.
    pub(crate) policy: String,
    pub(crate) mode: u32,
    pub(crate) bounds: Bounds,
    pub(crate) audit: PathBuf,
    pub(crate) audit_required: bool,
}

/// A running broker.
#[derive(Debug)]
pub(crate) struct Broker {
    server: Server,
}

impl Broker {
    /// Starts it; the error is what an operator would read.
    pub(crate) fn start(setup: Setup) -> Result<Self, String> {
        let config = ServeConfig {
            listen: address(&setup.listen),
            mode: setup.mode,
            group: None,
            listener_name: LISTENER.to_owned(),
            upstream: address(&setup.upstream),
            upstream_choice: "from the test",
            policy: policy(&setup.policy),
            instance: INSTANCE.to_owned(),
            bounds: setup.bounds,
            audit: AuditConfig { sink: Sink::File(setup.audit), format: Format::Json, required: setup.audit_required },
            warnings: Vec::new(),
        };
        let _alone = alone();
        Server::start(config).map(|server| Self { server }).map_err(|error| error.to_string())
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
