//! The command: started in the foreground, with the terminal, and waited for.
//!
//! Must never end before the command has, and never invent an exit code.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};

use super::environment::Changes;
use super::shim;
use super::signals::Signals;

/// A command that runs.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    process: Pid,
    grace: Duration,
    /// How often it was asked to end.
    asked: u32,
    /// When it is ended, asked or not.
    deadline: Option<Instant>,
}

/// Starts the command. To be called on the process's first thread: the kernel ends the command with the thread that
/// started it.
pub(super) fn start(words: &[OsString], environment: &Changes, grace: Duration) -> io::Result<Running> {
    let mut command = Command::new(shim::SELF);
    command.arg(shim::COMMAND).arg(std::process::id().to_string()).args(words);
    for name in &environment.unset {
        command.env_remove(name);
    }
    command.envs(environment.set.iter().map(|(name, value)| (name, value)));
    let child = command.spawn()?;
    let process = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let process = process.ok_or_else(|| io::Error::other("it has no process number"))?;
    Ok(Running { child, process, grace, asked: 0, deadline: None })
}

impl Running {
    /// Waits for its end, and passes signals on. Says the exit code as shells do: 128 and the signal's number where a
    /// signal ended it.
    pub(super) async fn wait(mut self, signals: &mut Signals) -> io::Result<u8> {
        loop {
            let deadline = self.deadline;
            tokio::select! {
                ended = self.child.wait() => return ended.map(code),
                signal = signals.next() => self.pass_on(signal, signals).await,
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => self.kill(),
            }
        }
    }

    /// The second signal that asks it to end starts the clock. One from the terminal is none of those: people break off a
    /// line in a shell or a database client as often as they like.
    async fn pass_on(&mut self, signal: Signal, signals: &mut Signals) {
        let alone = signals.pass_on(signal, self.process).await;
        let asks_to_end = match signal {
            Signal::TERM | Signal::HUP => true,
            Signal::INT | Signal::QUIT => alone,
            _ => false,
        };
        if !asks_to_end {
            return;
        }
        self.asked += 1;
        if self.asked == 2 {
            self.deadline = Some(Instant::now() + self.grace);
        }
    }

    fn kill(&mut self) {
        self.deadline = None;
        tracing::warn!("the command was asked twice to end, and did not; it is killed");
        let _ = kill_process(self.process, Signal::KILL);
    }
}

/// What shells say of a command that this signal ended.
pub(super) fn code_of(signal: Signal) -> u8 {
    u8::try_from(signal.as_raw().saturating_add(SIGNALLED)).unwrap_or(u8::MAX)
}

fn code(status: ExitStatus) -> u8 {
    let by_signal = status.signal().map(|signal| signal.saturating_add(SIGNALLED));
    status.code().or(by_signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// What shells add to the number of the signal.
const SIGNALLED: i32 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_passed_on_and_a_signal_is_told_as_shells_do() {
        for (raw, expected) in [(0, 0), (7 << 8, 7), (255 << 8, 255), (9, 137), (15, 143)] {
            assert_eq!(code(ExitStatus::from_raw(raw)), expected, "{raw}");
        }
    }
}
