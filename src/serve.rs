//! The running server: listeners with a policy each over one engine, put together, reloaded and taken apart.
//!
//! Must never listen before everything that can fail at start has succeeded, and never leave a socket behind.

mod activation;
mod reload;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::audit::{Audit, AuditError, Reload, ReloadOutcome, Tally};
use crate::broker::{Broker, BrokerParts};
use crate::client::Isolate;
use crate::config::{ConfigError, ListenerConfig, Reread, ServeConfig, sockets};
use crate::listener::{Connections, ListenError, Listener};
use crate::policy::ownership::Owner;
use crate::session::Sweeper;
use crate::session::leftovers;
use crate::session::runs::RunFolders;
use crate::upstream::{Address, Engine};

pub use activation::Passed;
pub use reload::{Cause, Reloaded};
use watch::Watch;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// One of its sockets.
    #[error("listener `{name}` cannot listen")]
    Listen {
        /// The listener.
        name: String,
        /// Why.
        #[source]
        source: ListenError,
    },
    /// The audit.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What it was told does not go together, or not with the sockets that were passed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The service manager says that it passes sockets, and not how many.
    #[error("cannot read what the service manager says of the sockets that it passes")]
    Passed(#[source] sd_listen_fds::Error),
    /// Sockets that could be of one listener or another.
    #[error(
        "it is not clear which listener the passed sockets are for: they are called `{passed}`, and the listeners \
         `{listeners}`; give each socket unit the name of its listener as `FileDescriptorName=`"
    )]
    UnclearSockets {
        /// Their names.
        passed: String,
        /// Those of the listeners.
        listeners: String,
    },
    /// The handlers of signals.
    #[error("cannot wait for signals")]
    Signals(#[source] std::io::Error),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    stop: CancellationToken,
    listeners: Vec<Running>,
    sweeping: JoinHandle<()>,
    audit: Arc<Audit>,
    /// As it was started, with the policies that are in force now.
    config: ServeConfig,
}

/// What a broker that belongs to one command has of its own.
#[derive(Debug)]
pub struct Private {
    /// The session of all that is made through it.
    pub session: String,
    /// Where its requests are counted.
    pub tally: Arc<Tally>,
}

/// A listener that runs.
#[derive(Debug)]
struct Running {
    config: ListenerConfig,
    /// The mode that its socket has, which is the service manager's where it passed it.
    mode: u32,
    broker: Arc<Broker>,
    listening: JoinHandle<()>,
}

/// What all listeners of a broker have in common.
struct Common {
    config: ServeConfig,
    engine: Arc<Engine>,
    sockets: Arc<[String]>,
    audit: Arc<Audit>,
    sweeper: Arc<Sweeper>,
    connections: Arc<Connections>,
    session: String,
    run: String,
    next_request: Arc<AtomicU64>,
    stop: CancellationToken,
}

impl Server {
    /// Starts to listen. The engine need not be there yet.
    ///
    /// # Errors
    /// When one of the sockets or the audit cannot be had. Then nothing is left of the others.
    pub fn start(config: ServeConfig) -> Result<Self, ServeError> {
        Self::start_with(config, Passed::default())
    }

    /// The same for a broker that belongs to one command.
    ///
    /// # Errors
    /// See [`Self::start`].
    pub fn start_private(config: ServeConfig, private: Private) -> Result<Self, ServeError> {
        Self::start_as(config, Passed::default(), Some(private))
    }

    /// The same, with sockets of the service manager in the place of some listeners' own.
    ///
    /// # Errors
    /// See [`Self::start`]; and when it is not clear which socket is whose, or one cannot be used.
    pub fn start_with(config: ServeConfig, passed: Passed) -> Result<Self, ServeError> {
        Self::start_as(config, passed, None)
    }

    fn start_as(config: ServeConfig, passed: Passed, private: Option<Private>) -> Result<Self, ServeError> {
        let taken = take_passed(&config, passed)?;
        let mut audit = Audit::open(&config.audit)?;
        let session = private.map(|Private { session, tally }| {
            audit.count_in(tally);
            session
        });
        let audit = Arc::new(audit);
        let bound = bind(&config.listeners, taken)?;
        let engine = Arc::new(Engine::new(config.upstream.clone(), &config.bounds));
        let sweeper = Sweeper::new(Arc::clone(&engine), &config.instance, Arc::clone(&audit));
        // a passed socket may stand elsewhere than the configuration says
        let passed: Vec<Address> =
            bound.iter().filter_map(Listener::path).filter_map(|path| address_of(&path)).collect();
        let addresses =
            config.listeners.iter().map(|listener| &listener.listen).chain([&config.upstream]).chain(&passed);
        let common = Common {
            sockets: socket_paths(&addresses.collect::<Vec<_>>()).into(),
            config,
            engine,
            audit,
            sweeper,
            connections: Arc::default(),
            session: session.unwrap_or_else(|| DEFAULT_SESSION.to_owned()),
            run: run_name(),
            next_request: Arc::new(AtomicU64::new(1)),
            stop: CancellationToken::new(),
        };
        let listeners = common.config.listeners.iter().zip(bound).map(|(config, socket)| common.run(config, socket));
        let listeners = listeners.collect();
        let Common { config, audit, sweeper, stop, .. } = common;
        #[expect(clippy::disallowed_methods, reason = "it is awaited in `stop`")]
        let sweeping = tokio::spawn(sweeper.run(stop.clone()));
        Ok(Self { stop, listeners, sweeping, audit, config })
    }

    /// Takes over what was read again: the policies, all of them or none. The log and the audit say what became of it.
    pub fn reload(&mut self, cause: Cause, read: Result<ServeConfig, String>) -> Reloaded {
        let reloaded = match &read {
            Ok(new) => reload::replace(&mut self.listeners, &self.config, new),
            Err(reason) => reload::refused(&self.listeners, reason.clone()),
        };
        self.record(cause, &reloaded);
        if let (Ok(new), None) = (read, &reloaded.reason) {
            for warning in new.warnings.iter().filter(|warning| !self.config.warnings.contains(warning)) {
                tracing::warn!("{warning}");
            }
            self.config.warnings = new.warnings;
            self.config.files = new.files;
        }
        reloaded
    }

    /// Opens the audit file anew before the next record, as after a rotation.
    pub fn reopen_audit(&self) {
        self.audit.reopen();
    }

    /// The audit, for what is still to be recorded when the server has ended.
    #[must_use]
    pub fn audit(&self) -> Arc<Audit> {
        Arc::clone(&self.audit)
    }

    /// Stops listening, removes the sockets that it made, and waits for open requests within the drain time.
    pub async fn stop(self) {
        self.stop.cancel();
        let listening = self.listeners.into_iter().map(|running| running.listening);
        for ended in listening.chain([self.sweeping]) {
            // all of them drain at once, whichever is waited for first
            let _ = ended.await;
        }
    }

    /// Stops at once, without a drain time, and waits for creates that are under way: what they make can then be found.
    /// The engine's patience bounds it.
    pub async fn finish(self) {
        let brokers: Vec<Arc<Broker>> = self.listeners.iter().map(|running| Arc::clone(&running.broker)).collect();
        for broker in &brokers {
            broker.stopping.cancel();
        }
        self.stop().await;
        for broker in brokers {
            broker.tasks.wait().await;
        }
    }

    fn record(&self, cause: Cause, reloaded: &Reloaded) {
        let Reloaded { outcome, policies, needs_restart, reason } = reloaded.clone();
        match (&reason, outcome) {
            (Some(reason), _) => {
                tracing::error!("nothing was reloaded, and the policies before stay in force: {reason}");
            }
            (None, ReloadOutcome::Unchanged) => tracing::info!("everything was read again; the policies are the same"),
            (None, ReloadOutcome::Replaced | ReloadOutcome::Refused) => {}
        }
        if !needs_restart.is_empty() {
            tracing::warn!("not in force before a restart: {}", needs_restart.join(", "));
        }
        self.audit.reloaded(Reload {
            time: SystemTime::now(),
            cause: cause.word(),
            outcome,
            policies,
            needs_restart,
            reason,
        });
    }
}

impl Common {
    /// Starts one listener, which nothing can keep from running any more.
    fn run(&self, config: &ListenerConfig, socket: Listener) -> Running {
        let owner = Owner::new(&self.config.instance, &config.name);
        announce(config, &owner, &socket);
        let broker = Arc::new(Broker::new(BrokerParts {
            policy: ArcSwap::from_pointee(config.policy.clone()),
            engine: Arc::clone(&self.engine),
            sockets: Arc::clone(&self.sockets),
            owner,
            isolate: config.isolate,
            listener: config.name.clone(),
            session: self.session.clone(),
            run: self.run.clone(),
            next_request: Arc::clone(&self.next_request),
            audit: Arc::clone(&self.audit),
            audit_required: self.config.audit.required,
            bounds: self.config.bounds.clone(),
            sweeper: Arc::clone(&self.sweeper),
        }));
        let mode = socket.mode();
        let served = socket.serve(Arc::clone(&broker), Arc::clone(&self.connections), self.stop.clone());
        #[expect(clippy::disallowed_methods, reason = "it is awaited in `Server::stop`")]
        let listening = tokio::spawn(served);
        Running { config: config.clone(), mode, broker, listening }
    }
}

/// Serves until SIGTERM or SIGINT, then drains; a second signal stops at once. SIGHUP and a changed file reload.
///
/// # Errors
/// See [`Server::start_with`].
pub async fn run(config: ServeConfig, reread: Reread) -> Result<(), ServeError> {
    let wait_for = |kind| signal(kind).map_err(ServeError::Signals);
    let (mut terminate, mut interrupt) = (wait_for(SignalKind::terminate())?, wait_for(SignalKind::interrupt())?);
    let mut hangup = wait_for(SignalKind::hangup())?;
    let mut watch = Watch::new(config.files.clone());
    let mut server = Server::start_with(config, Passed::take()?)?;
    #[expect(clippy::disallowed_methods, reason = "ends with the process; what it did not come to, the next one does")]
    tokio::spawn(after_dead_runs(server.audit()));
    tell(&[NotifyState::Ready]);
    loop {
        let cause = tokio::select! {
            () = either(&mut terminate, &mut interrupt) => break,
            _ = hangup.recv() => {
                server.reopen_audit();
                Cause::Signal
            }
            () = watch.changed() => Cause::Files,
        };
        tell_reloading();
        watch.about_to_read();
        server.reload(cause, reread.read());
        watch.follow(&server.config.files);
        tell(&[NotifyState::Ready]);
    }
    tracing::info!("draining; a second signal stops at once");
    tell(&[NotifyState::Stopping]);
    tokio::select! {
        () = server.stop() => {}
        () = either(&mut terminate, &mut interrupt) => tracing::warn!("stopped before the drain was over"),
    }
    Ok(())
}

/// The paths of sockets as they were given, and as they are where links are followed: what no container may have.
#[must_use]
pub fn socket_paths(addresses: &[&Address]) -> Vec<String> {
    let given = addresses.iter().map(|address| address.path().to_owned());
    let followed = addresses.iter().filter_map(|address| {
        let folder = address.path().parent()?.canonicalize().ok()?;
        Some(folder.join(address.path().file_name()?))
    });
    let ends = addresses.iter().filter_map(|address| address.path().canonicalize().ok());
    given.chain(followed).chain(ends).map(|path| path.to_string_lossy().into_owned()).collect()
}

/// Takes away what runs of this user left behind that were killed.
async fn after_dead_runs(audit: Arc<Audit>) {
    for line in leftovers::of_dead_runs(&RunFolders::of_this_process(), Some(&audit)).await {
        tracing::info!("{line}");
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// Takes the passed sockets, and looks at all addresses before anything is made.
fn take_passed(config: &ServeConfig, passed: Passed) -> Result<Vec<Option<Listener>>, ServeError> {
    let names: Vec<&str> = config.listeners.iter().map(|listener| listener.name.as_str()).collect();
    let mut looked_at = config.listeners.clone();
    let mut taken = Vec::new();
    for (listener, socket) in looked_at.iter_mut().zip(passed.assign(&names)?) {
        let name = listener.name.clone();
        let socket = socket.map(Listener::passed).transpose();
        let socket = socket.map_err(|source| ServeError::Listen { name, source })?;
        listener.check_open(socket.as_ref().map_or(listener.mode, Listener::mode))?;
        if let Some(address) = socket.as_ref().and_then(Listener::path).and_then(|path| address_of(&path)) {
            listener.listen = address;
        }
        taken.push(socket);
    }
    sockets::check(&looked_at, &config.upstream)?;
    Ok(taken)
}

fn address_of(path: &Path) -> Option<Address> {
    Address::parse(path.to_str()?).ok()
}

/// Binds those that were not passed. When one cannot be bound, dropping the others removes their files.
fn bind(listeners: &[ListenerConfig], taken: Vec<Option<Listener>>) -> Result<Vec<Listener>, ServeError> {
    let bind = |(config, taken): (&ListenerConfig, Option<Listener>)| {
        let ListenerConfig { name, listen, mode, group, .. } = config;
        let made = || Listener::bind(listen, *mode, group.as_deref());
        taken.map_or_else(made, Ok).map_err(|source| ServeError::Listen { name: name.clone(), source })
    };
    listeners.iter().zip(taken).map(bind).collect()
}

/// What an operator checks first when something is not as expected.
fn announce(config: &ListenerConfig, owner: &Owner, socket: &Listener) {
    let ListenerConfig { name, policy, policy_version, isolate, .. } = config;
    let place =
        socket.path().map_or_else(|| "a socket without a name".to_owned(), |path| format!("unix://{}", path.display()));
    let by = if socket.is_passed() { ", from the service manager" } else { "" };
    tracing::info!("listener `{name}` listens on {place} with mode 0{:03o}{by}", socket.mode());
    let each = match isolate {
        Isolate::None => "",
        Isolate::Uid => "/uid-N",
    };
    tracing::info!(
        "its clients are judged by {policy}, version {policy_version}; what they make is owned by `{owner}{each}`"
    );
}

/// Tells the service manager, where there is one (`sd_notify(3)`); that it cannot be told is no reason to stop.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager cannot be told how the broker is");
    }
}

/// `Type=notify-reload` wants the time with it (`systemd.service(5)`).
fn tell_reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// A name for this run, unlike that of any other run on this machine: its start in nanoseconds and its process.
fn run_name() -> String {
    let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{:x}{:x}", nanoseconds & 0xff_ffff_ffff, std::process::id())
}

/// The session of a server that was given none: the same after every restart, so that a restart is no fresh budget.
const DEFAULT_SESSION: &str = "default";
