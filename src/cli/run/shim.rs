//! Two small roles of this program beside `run`, each a process of its own in the command's process group.
//!
//! The **command** role asks the kernel to end it with its `run`, and then becomes the command: an orphan without its
//! broker could find its way to the engine itself. The **witness** role tells `run` which signals came to the whole group,
//! as the terminal sends them, so that the command does not get them twice. Must never do anything else: they run before
//! the command line is read.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::signal::unix::SignalKind;

use super::signals;
use crate::cli::exit::Exit;
use crate::cli::terminal;

/// This program, also after its file was replaced.
pub(super) const SELF: &str = "/proc/self/exe";

/// The first word of the command role; the process number of `run` and the command follow.
pub(super) const COMMAND: &str = "__run-command";

/// The only word of the witness role.
pub(super) const WITNESS: &str = "__run-witness";

/// What the witness says when it said everything, and when it is ready.
pub(super) const END: u8 = 0;

/// Takes one of the roles, where the words of this process ask for it.
pub(in crate::cli) fn role(words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let words: Vec<OsString> = words.skip(1).collect();
    match words.split_first() {
        Some((role, words)) if role == COMMAND => Some(become_command(words)),
        Some((role, [])) if role == WITNESS => Some(witness()),
        Some(_) | None => None,
    }
}

fn become_command(words: &[OsString]) -> ExitCode {
    let [run, program, arguments @ ..] = words else { return Exit::Broker.into() };
    let asked = set_parent_process_death_signal(Some(Signal::KILL));
    let parent = getppid().map(|parent| parent.as_raw_pid().to_string());
    // where the kernel cannot promise it, the command still loses its socket with its broker
    if asked.is_ok() && parent.as_deref().map(OsStr::new) != Some(run) {
        return Exit::Broker.into();
    }
    let error = Command::new(program).args(arguments).exec();
    let exit = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    terminal::print_error(&format!("docker-broker: error: cannot run `{}`: {error}\n", program.display()));
    Exit::Command(exit).into()
}

fn witness() -> ExitCode {
    // on one thread: then every signal that came before a question has been noticed before it is answered
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(testify())) {
        Ok(()) => Exit::Done.into(),
        Err(_) => Exit::Broker.into(),
    }
}

/// Answers each byte of `run` with the signals that came since the last one, until `run` is gone.
async fn testify() -> io::Result<()> {
    let (send, came) = mpsc::channel();
    for signal in signals::PASSED {
        let mut heard = tokio::signal::unix::signal(SignalKind::from_raw(signal.as_raw()))?;
        let send = send.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with this process")]
        tokio::spawn(async move {
            while heard.recv().await.is_some() {
                let _ = send.send(signal);
            }
        });
    }
    let socket = std::os::unix::net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    let mut run = UnixStream::from_std(socket)?;
    let mut bytes = Vec::new();
    loop {
        bytes.push(END);
        run.write_all(&bytes).await?;
        if run.read_u8().await.is_err() {
            return Ok(());
        }
        // a signal to the group reaches its members one after the other
        tokio::time::sleep(SPREAD).await;
        bytes = came.try_iter().filter_map(|signal| u8::try_from(signal.as_raw()).ok()).collect();
    }
}

/// As shells say it.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Within this a signal has reached everybody in a process group.
const SPREAD: Duration = Duration::from_millis(20);
