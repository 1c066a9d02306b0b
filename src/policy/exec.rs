//! Judges exec: what may run inside an own container, and who may talk to it.
//!
//! Must never rely on an exec's ID being secret: whose it is comes from the container that it runs in.

use super::compile::{Control, ExecGrant};
use super::denial::{Denial, shown};
use super::facts::{FactQuery, Facts};
use super::file::keys;
use super::judge::{Judge, Judged};
use super::{container_create, word};
use crate::operation::Operation;
use crate::operation::container::ResizeQuery;
use crate::operation::exec::{ExecAction, ExecOperation};
use crate::operation::model::{ConsoleSize, ExecConfig, ExecStartConfig};
use crate::operation::names::ContainerRef;

pub(super) fn questions(judge: &Judge<'_>, operation: &ExecOperation, facts: &Facts) -> Vec<FactQuery> {
    if judge.policy.unrestricted {
        return Vec::new();
    }
    let mut wanted = vec![FactQuery::Exec(operation.exec.clone())];
    if let Some(exec) = facts.exec(&operation.exec) {
        let container = container_query(judge, &ContainerRef::from(&exec.container));
        wanted.extend(judge.container_questions(container, facts));
    }
    wanted
}

pub(super) fn decide(judge: &Judge<'_>, operation: ExecOperation, facts: &Facts) -> Result<Judged, Denial> {
    if judge.policy.unrestricted {
        return Ok(Judged::as_is(Operation::Exec(operation)));
    }
    let id = operation.operation_id();
    if judge.policy.containers.control == Control::None {
        return Err(judge.refuse(id, "", "acts on a container", "to act on no container", "containers.control"));
    }
    let missing = || Denial::no_such_exec(operation.exec.as_str());
    let exec = facts.exec(&operation.exec).ok_or_else(missing)?;
    let container = ContainerRef::from(&exec.container);
    judge.controlled(&container, false, facts).ok_or_else(missing)?;
    granted(judge, id)?;
    match &operation.action {
        ExecAction::Start(
            ExecStartConfig { detach: _, tty: _, console_size, ignored_stdin_lower: _, ignored_output_capacity: _ },
            _,
        ) => {
            let (None | Some(ConsoleSize { height: _, width: _ })) = console_size;
            // judged again from what the engine will run, not from what was asked when it was made
            power(judge, id, exec.privileged, &exec.user)?;
        }
        ExecAction::Resize(ResizeQuery { h: _, w: _ }) | ExecAction::Inspect => {}
    }
    Ok(Judged::as_is(Operation::Exec(operation)))
}

/// Judges what a client asks to run (`ContainerExec`).
pub(super) fn judge_config(judge: &Judge<'_>, config: &ExecConfig) -> Result<(), Denial> {
    let ExecConfig {
        user,
        privileged,
        tty: _,
        console_size: None | Some(ConsoleSize { height: _, width: _ }),
        attach_stdin: _,
        attach_stdout: _,
        attach_stderr: _,
        detach_keys,
        env,
        working_dir,
        cmd: _,
        detach: _,
        ignored_container: _,
        ignored_container_id_lower: _,
    } = config;
    granted(judge, CREATE)?;
    power(judge, CREATE, *privileged, user)?;
    word::detach_keys(judge, CREATE, "DetachKeys", detach_keys)?;
    // inside a container that is the client's own the environment has no power that the command has not
    container_create::env_is_well_formed(judge, CREATE, env)?;
    container_create::working_dir(judge, CREATE, working_dir)
}

fn granted(judge: &Judge<'_>, id: &'static str) -> Result<(), Denial> {
    match judge.policy.containers.exec {
        ExecGrant::None => Err(judge.refuse(id, "", "runs a process in a container", "no exec", "containers.exec")),
        ExecGrant::Any | ExecGrant::Users(_) => Ok(()),
    }
}

fn power(judge: &Judge<'_>, id: &'static str, privileged: bool, user: &str) -> Result<(), Denial> {
    if privileged && !judge.policy.containers.host.exec_privileged {
        let key = keys::CONTAINERS_HOST_EXEC_PRIVILEGED;
        return Err(judge.refuse(id, "Privileged", "`true`", "no privileged process", key));
    }
    if judge.policy.containers.exec.allows(user) {
        return Ok(());
    }
    let allowed = match &judge.policy.containers.exec {
        ExecGrant::Users(users) => users.iter().map(|user| shown(user)).collect::<Vec<_>>().join(", "),
        ExecGrant::None | ExecGrant::Any => "none".to_owned(),
    };
    Err(judge.refuse(id, "User", shown(user), format!("the users {allowed}"), "containers.exec"))
}

fn container_query(judge: &Judge<'_>, container: &ContainerRef) -> FactQuery {
    FactQuery::container(container, judge.controlled_within(), false)
}

const CREATE: &str = "ContainerExec";
