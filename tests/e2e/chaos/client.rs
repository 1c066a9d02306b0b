//! Clients that make containers, networks and volumes, use them, and can be killed at any moment.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::scene::Dice;

/// A shell that runs the docker CLI, with its children in a group of its own.
#[derive(Debug)]
pub(crate) struct Client(Child);

impl Client {
    /// Starts one; what it does is a matter of chance.
    pub(crate) fn start(broker: &Path, name: &str, dice: &mut Dice) -> Self {
        let index = usize::try_from(dice.below(PLANS.len() as u64)).expect("a small number");
        let line = PLANS[index].replace("NAME", name).replace("IMAGE", IMAGE);
        let mut command = Command::new("sh");
        command.args(["-c", &line]).process_group(0);
        command.env("DOCKER_HOST", format!("unix://{}", broker.display())).env_remove("DOCKER_CONTEXT");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("a client"))
    }

    /// Kills it with all its children.
    pub(crate) fn kill(&mut self) {
        if !self.has_ended() {
            let group = format!("-{}", self.0.id());
            let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        }
        let _ = self.0.wait();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)) | Err(_))
    }
}

/// What a client does. Errors are expected, for anything may die on the way.
const PLANS: &[&str] = &[
    "docker run -d --name NAME IMAGE",
    "docker run --name NAME IMAGE",
    "docker start $(docker create --name NAME IMAGE)",
    "docker run --rm --name NAME IMAGE",
    "docker run -d --name NAME IMAGE; docker exec NAME true; docker rename NAME NAME-b; docker rm -fv NAME-b",
    "docker network create NAME-net; docker run -d --name NAME --network NAME-net IMAGE",
    "docker run -d --name NAME IMAGE; docker network create NAME-net; docker network connect NAME-net NAME; docker stop -t 1 NAME",
    "docker volume create NAME-vol; docker run -d --name NAME -v NAME-vol:/data IMAGE; docker rm -f NAME; docker volume rm NAME-vol",
    "docker run -d --name NAME -v NAME-new:/data IMAGE",
    "docker network create NAME-net; docker network rm NAME-net; docker volume create; docker pause NAME",
];

/// A process that ends when it is told to, so that an engine that restarts does not wait for it.
const IMAGE: &str = r#"--entrypoint sh postgres:16 -c "trap 'exit 0' TERM INT; sleep 60 & wait""#;
