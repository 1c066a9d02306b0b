//! The signals that `run` gets while its command runs, and which of them the command has got already.
//!
//! Must never deliver a signal twice: some programs take the second for "at once".

use std::fs;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgid, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::signal::unix::SignalKind;
use tokio::sync::mpsc;

use super::shim;

/// The signals that are passed on.
pub(super) const PASSED: [Signal; 6] =
    [Signal::INT, Signal::QUIT, Signal::TERM, Signal::HUP, Signal::USR1, Signal::USR2];

/// Hears the signals of this process.
#[derive(Debug)]
pub(super) struct Signals {
    heard: mpsc::UnboundedReceiver<Signal>,
    witness: Option<Witness>,
}

/// A process in the same group that says what the whole group got.
#[derive(Debug)]
struct Witness {
    talk: UnixStream,
    _process: Child,
}

impl Signals {
    /// Listens from now on. Signals that this process ignores, as under `nohup`, stay ignored.
    pub(super) async fn listen() -> std::io::Result<Self> {
        let (send, heard) = mpsc::unbounded_channel();
        let ignored = ignored();
        for signal in PASSED.into_iter().filter(|signal| !is_in(ignored, *signal)) {
            let mut stream = tokio::signal::unix::signal(SignalKind::from_raw(signal.as_raw()))?;
            let send = send.clone();
            #[expect(clippy::disallowed_methods, reason = "ends with this process")]
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    let _ = send.send(signal);
                }
            });
        }
        Ok(Self { heard, witness: Witness::start().await })
    }

    /// The next signal.
    pub(super) async fn next(&mut self) -> Signal {
        match self.heard.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }

    /// The next one that asks a process to end.
    pub(super) async fn next_that_ends(&mut self) -> Signal {
        loop {
            let signal = self.next().await;
            if matches!(signal, Signal::INT | Signal::TERM | Signal::HUP | Signal::QUIT) {
                return signal;
            }
        }
    }

    /// Forgets what came and was not looked at.
    pub(super) fn forget(&mut self) {
        while self.heard.try_recv().is_ok() {}
    }

    /// Passes a signal on, unless the command got it with the whole group; says whether it had to.
    pub(super) async fn pass_on(&mut self, signal: Signal, command: Pid) -> bool {
        let to_group = match &mut self.witness {
            Some(witness) => witness.saw(signal).await,
            None => false,
        };
        let alone = !to_group || !is_in_our_group(command);
        if alone && let Err(error) = kill_process(command, signal) {
            tracing::debug!(%error, "the command could not be sent a signal");
        }
        alone
    }
}

impl Witness {
    /// A run without a witness works too: it passes every signal on.
    async fn start() -> Option<Self> {
        let (talk, theirs) = UnixStream::pair().ok()?;
        let theirs = theirs.into_std().ok()?;
        let mut command = Command::new(shim::SELF);
        command.arg(shim::WITNESS).env_clear().stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.kill_on_drop(true).spawn().ok()?;
        let mut witness = Self { talk, _process: process };
        witness.hear().await.map(|_| witness)
    }

    async fn saw(&mut self, signal: Signal) -> bool {
        if self.talk.write_all(&[shim::END]).await.is_err() {
            return false;
        }
        self.hear().await.is_some_and(|signals| signals.iter().any(|seen| i32::from(*seen) == signal.as_raw()))
    }

    /// What it says, to its end.
    async fn hear(&mut self) -> Option<Vec<u8>> {
        let heard = async {
            let mut signals = Vec::new();
            loop {
                match self.talk.read_u8().await {
                    Ok(shim::END) => return Some(signals),
                    Ok(signal) => signals.push(signal),
                    Err(_) => return None,
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.ok().flatten()
    }
}

fn is_in_our_group(process: Pid) -> bool {
    let group = |process| getpgid(process).ok();
    group(None).is_some_and(|own| group(Some(process)) == Some(own))
}

/// The mask of ignored signals; see `proc_pid_status(5)`.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn is_in(mask: u64, signal: Signal) -> bool {
    let bit = u32::try_from(signal.as_raw()).ok().and_then(|number| number.checked_sub(1));
    bit.and_then(|bit| 1_u64.checked_shl(bit)).is_some_and(|bit| mask & bit != 0)
}

/// For a busy machine: the witness answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_read_by_its_bits() {
        assert!(is_in(1, Signal::HUP) && !is_in(1, Signal::INT));
        assert!(is_in(1 << 14, Signal::TERM) && !is_in(0, Signal::TERM));
    }
}
