//! The running server: one listener, one engine, one policy, put together and taken apart.
//!
//! Must never listen before everything that can fail at start has succeeded, and never leave its socket behind.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::{Audit, AuditError, Tally};
use crate::broker::{Broker, BrokerParts};
use crate::config::ServeConfig;
use crate::listener::{ListenError, Listener};
use crate::policy::ownership::Owner;
use crate::session::Sweeper;
use crate::upstream::Engine;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The audit.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// One's own socket as the engine.
    #[error("--upstream is the broker's own socket `{0}`; name the engine's")]
    OwnSocket(String),
    /// The handlers of signals.
    #[error("cannot wait for signals")]
    Signals(#[source] std::io::Error),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    stop: CancellationToken,
    listening: JoinHandle<()>,
    sweeping: JoinHandle<()>,
    tasks: TaskTracker,
    /// Ends connections and raw streams at once.
    stopping: CancellationToken,
}

/// What a broker that belongs to one command has of its own.
#[derive(Debug)]
pub struct Private {
    /// The session of all that is made through it.
    pub session: String,
    /// Where its requests are counted.
    pub tally: Arc<Tally>,
}

impl Server {
    /// Starts to listen. The engine need not be there yet.
    ///
    /// # Errors
    /// When the socket or the audit cannot be had.
    pub fn start(config: ServeConfig) -> Result<Self, ServeError> {
        Self::start_with(config, None)
    }

    /// The same for a broker that belongs to one command.
    ///
    /// # Errors
    /// See [`Self::start`].
    pub fn start_private(config: ServeConfig, private: Private) -> Result<Self, ServeError> {
        Self::start_with(config, Some(private))
    }

    fn start_with(config: ServeConfig, private: Option<Private>) -> Result<Self, ServeError> {
        let ServeConfig {
            listen,
            mode,
            group,
            listener_name,
            upstream,
            upstream_choice: _,
            policy,
            instance,
            bounds,
            audit,
            warnings: _,
        } = config;
        if listen == upstream {
            return Err(ServeError::OwnSocket(listen.to_string()));
        }
        let audit_required = audit.required;
        let mut audit = Audit::open(&audit)?;
        let session = private.map(|Private { session, tally }| {
            audit.count_in(tally);
            session
        });
        let audit = Arc::new(audit);
        let engine = Arc::new(Engine::new(upstream, &bounds));
        let owner = Owner::new(&instance, &listener_name);
        let sweeper = Sweeper::new(Arc::clone(&engine), &instance);
        let listener = Listener::bind(&listen, mode, group.as_deref())?;
        let broker = Arc::new(Broker::new(BrokerParts {
            policy: Arc::new(policy),
            engine,
            owner,
            listener: listener_name,
            session: session.unwrap_or_else(session_name),
            audit,
            audit_required,
            bounds,
            sweeper: Arc::clone(&sweeper),
        }));
        let (stop, tasks, stopping) = (CancellationToken::new(), broker.tasks.clone(), broker.stopping.clone());
        #[expect(clippy::disallowed_methods, reason = "both are awaited in `stop`")]
        let (listening, sweeping) =
            (tokio::spawn(listener.serve(broker, stop.clone())), tokio::spawn(sweeper.run(stop.clone())));
        Ok(Self { stop, listening, sweeping, tasks, stopping })
    }

    /// Stops listening, removes the socket, and waits for open requests within the drain time.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = tokio::join!(self.listening, self.sweeping);
    }

    /// Stops at once, without a drain time, and waits for creates that are under way: what they make can then be found.
    /// The engine's patience bounds it.
    pub async fn finish(self) {
        let tasks = self.tasks.clone();
        self.stopping.cancel();
        self.stop().await;
        tasks.wait().await;
    }
}

/// Serves until SIGTERM or SIGINT, then drains; a second signal stops at once.
///
/// # Errors
/// See [`Server::start`].
pub async fn run(config: ServeConfig) -> Result<(), ServeError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let server = Server::start(config)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("draining; a second signal stops at once");
    tokio::select! {
        () = server.stop() => {}
        _ = terminate.recv() => tracing::warn!("stopped before the drain was over"),
        _ = interrupt.recv() => tracing::warn!("stopped before the drain was over"),
    }
    Ok(())
}

/// A name for this run, unlike that of any other run on this machine: its start in nanoseconds and its process.
fn session_name() -> String {
    let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{:x}{:x}", nanoseconds & 0xff_ffff_ffff, std::process::id())
}
