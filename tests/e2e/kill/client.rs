//! Clients that can be killed at any moment: the docker CLI in three ways, and a raw one that is cut inside a request or
//! before its answer.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use serde_json::json;

use super::Dice;
use super::raw::{connect, exchange, request};

/// A client at work.
#[derive(Debug)]
pub(crate) enum Client {
    /// A process and its children, in a group of their own.
    Process(Child),
    /// Ends by itself, where its plan says.
    Thread(Option<JoinHandle<()>>),
}

/// Where a raw client stops.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// At which of its requests: create, attach, start.
    request: u64,
    /// How much of that request is sent.
    fraction: f64,
    /// How long it stays on the line then.
    linger: Duration,
}

impl Client {
    /// Starts one; which kind is a matter of chance. One that is to be cut and is no process cuts itself.
    pub(crate) fn start(broker: &Path, name: &str, cut: bool, dice: &mut Dice) -> Self {
        match dice.below(5) {
            0 => Self::process(broker, &format!("docker run -d --name {name} {IMAGE}")),
            1 => Self::process(broker, &format!("docker run --name {name} {IMAGE}")),
            2 => Self::process(broker, &format!("docker start $(docker create --name {name} {IMAGE})")),
            _ => {
                let request = if cut { dice.below(3) } else { 3 };
                let linger = Duration::from_millis(dice.below(400));
                // half of the cut requests are whole: then it is the answer that nobody hears
                let fraction = if dice.below(2) == 0 { 1.0 } else { dice.fraction() };
                let (broker, name) = (broker.to_owned(), name.to_owned());
                let cut = Cut { request, fraction, linger };
                Self::Thread(Some(spawn(move || {
                    run(&broker, &name, cut);
                })))
            }
        }
    }

    fn process(broker: &Path, line: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", line]).process_group(0);
        command.env("DOCKER_HOST", format!("unix://{}", broker.display())).env_remove("DOCKER_CONTEXT");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self::Process(command.spawn().expect("a client"))
    }

    /// Kills a process with all its children; a raw client has its own plan.
    pub(crate) fn kill(&mut self) {
        match self {
            Self::Process(child) => {
                let _ =
                    Command::new("kill").args(["-9", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status();
                let _ = child.wait();
            }
            Self::Thread(thread) => {
                if let Some(thread) = thread.take_if(|thread| thread.is_finished()) {
                    thread.join().expect("a raw client does not fail by itself");
                }
            }
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        match self {
            Self::Process(child) => matches!(child.try_wait(), Ok(Some(_)) | Err(_)),
            Self::Thread(thread) => thread.as_ref().is_none_or(JoinHandle::is_finished),
        }
    }
}

/// Create, attach, start; errors are expected, for anything may die on the way.
fn run(broker: &Path, name: &str, cut: Cut) -> Option<()> {
    let body = json!({"Image": "postgres:16", "Entrypoint": ["sh", "-c", LOOP], "AttachStdout": true});
    let create = request("POST", &format!("/v1.41/containers/create?name={name}"), Some(&body));
    let mut line = connect(broker).ok()?;
    if cut.request == 0 {
        return stop_inside(&mut line, &create, cut);
    }
    let made = exchange(&mut line, &create).ok()?;
    let id = made.json()["Id"].as_str()?.to_owned();
    let attach = format!(
        "POST /v1.41/containers/{id}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    );
    let mut stream = connect(broker).ok()?;
    if cut.request == 1 {
        return stop_inside(&mut stream, attach.as_bytes(), cut);
    }
    exchange(&mut stream, attach.as_bytes()).ok()?;
    let start = request("POST", &format!("/v1.41/containers/{id}/start"), None);
    if cut.request == 2 {
        return stop_inside(&mut line, &start, cut);
    }
    exchange(&mut line, &start).ok()?;
    // the stream ends when the container does
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.read_to_end(&mut Vec::new()).ok()?;
    Some(())
}

fn stop_inside(line: &mut (impl Write + Read), bytes: &[u8], cut: Cut) -> Option<()> {
    let whole = u32::try_from(bytes.len()).ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction of a length is a length")]
    let count = (f64::from(whole) * cut.fraction) as usize;
    line.write_all(bytes.get(..count)?).ok()?;
    sleep(cut.linger);
    None
}

/// A process that ends when it is told to, so that an engine that restarts does not wait for it.
const LOOP: &str = "trap 'exit 0' TERM INT; sleep 60 & wait";

const IMAGE: &str = r#"--entrypoint sh postgres:16 -c "trap 'exit 0' TERM INT; sleep 60 & wait""#;
