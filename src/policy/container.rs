//! Judges operations on existing containers, and the list of them.
//!
//! Every reference is resolved once, to a full ID, and the permit carries that ID. A container that is not the owner's
//! is answered like one that does not exist.

use super::compile::{Control, Scope};
use super::denial::{Denial, shown};
use super::facts::{ContainerFacts, FactQuery, Facts};
use super::judge::{Judge, Judged};
use super::pattern::ImageReference;
use super::permit::Relay;
use super::{container_name, container_update, exec, image, namespaces, network, processes, volume, word};
use crate::operation::Operation;
use crate::operation::container::{
    ArchivePathQuery, ArchivePutQuery, ContainerAction, ContainerAttachQuery, ContainerDeleteQuery,
    ContainerInspectQuery, ContainerKillQuery, ContainerListQuery, ContainerLogsQuery, ContainerOperation,
    ContainerStartQuery, ContainerStatsQuery, ContainerStopQuery, ContainerWaitQuery, ResizeQuery,
};
use crate::operation::names::ContainerRef;
use crate::request::Filters;

pub(super) fn questions(
    judge: &Judge<'_>,
    reference: &ContainerRef,
    action: &ContainerAction,
    facts: &Facts,
) -> Vec<FactQuery> {
    let resolved_by_engine = judge.policy.unrestricted && !is_hijack(action);
    if resolved_by_engine {
        return Vec::new();
    }
    let mut wanted = judge.container_questions(query(judge, reference, action), facts);
    if matches!(action, ContainerAction::Update(_)) {
        wanted.push(FactQuery::Engine);
    }
    // what else there is to know of somebody else's container is nobody's business, nor is the time that asking takes
    let found = judge.controlled(reference, is_fresh(action), facts).filter(|_| is_fresh(action));
    if let Some(found) = found {
        wanted.extend(network::of_container(found));
        wanted.extend(starts(action).then(|| FactQuery::Image(found.image_id.clone())));
    }
    wanted
}

pub(super) fn decide_list(judge: &Judge<'_>, query: ContainerListQuery) -> Result<Judged, Denial> {
    if judge.policy.unrestricted {
        return Ok(Judged::as_is(Operation::Container(ContainerOperation::List(query))));
    }
    let ContainerListQuery { all, limit, size, filters, since, before } = query;
    let labelled = judge.granted_labels().is_some() && judge.policy.containers.see == Scope::Own;
    let filters = match judge.policy.containers.see {
        Scope::None => {
            return Err(judge.refuse("ContainerList", "", "lists containers", "to see nothing", "containers.see"));
        }
        Scope::Own => {
            names_no_other(judge, &filters)?;
            // no filter of the engine's means "one's own or labelled so": the answer is looked through instead
            if labelled { filters } else { volume::owned(judge, filters) }
        }
        Scope::All => filters,
    };
    // `since` and `before` name containers that may be foreign; the answer would tell whether they exist
    let _dropped = (since, before);
    let most = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|most| labelled && *most > 0);
    // a limit counts stopped ones as well
    let (all, limit) = if most.is_some() { (true, None) } else { (all, limit) };
    let query = ContainerListQuery { all, limit, size, filters, since: String::new(), before: String::new() };
    let judged = Judged::filtered(Operation::Container(ContainerOperation::List(query)));
    Ok(match most {
        Some(most) => Judged { relay: Relay::FirstOf(most), ..judged },
        None => judged,
    })
}

/// The engine answers 404 where these filters name a container that does not exist, and so tells which ones do.
fn names_no_other(judge: &Judge<'_>, filters: &Filters) -> Result<(), Denial> {
    match ["before", "since"].into_iter().find(|name| !filters.values(name).is_empty()) {
        None => Ok(()),
        Some(name) => {
            let wanted = format!("the filter `{name}`");
            let allowed = "filters that name no other container";
            Err(judge.refuse("ContainerList", "filters", wanted, allowed, "containers.see"))
        }
    }
}

pub(super) fn decide(
    judge: &Judge<'_>,
    reference: &ContainerRef,
    action: ContainerAction,
    facts: &Facts,
) -> Result<Judged, Denial> {
    if judge.policy.unrestricted {
        return unrestricted(judge, reference, action, facts);
    }
    let id = action.operation_id();
    let found = find(judge, reference, &action, facts)?;
    judge_action(judge, id, &action, found, facts)?;
    // only what an inspect tells is hidden: everything else is a stream or an empty answer, and `control` grants it
    let whole = judge.owns_or_is_granted(found, facts.image(&found.image_id));
    let seen_whole = whole || !matches!(action, ContainerAction::Inspect(_));
    let action = amend(judge, action, found, facts)?;
    let operation = Operation::Container(ContainerOperation::Act { container: (&found.id).into(), action });
    Ok(if seen_whole { Judged::as_is(operation) } else { Judged::filtered(operation) })
}

/// Everything but the floor. Only what becomes a raw stream is resolved before: the engine answers an unknown container
/// there with a connection that is no HTTP any more.
fn unrestricted(
    judge: &Judge<'_>,
    reference: &ContainerRef,
    action: ContainerAction,
    facts: &Facts,
) -> Result<Judged, Denial> {
    floor(judge, &action)?;
    let container = if is_hijack(&action) {
        let found = facts.container(&query(judge, reference, &action));
        (&found.ok_or_else(|| Denial::no_such_container(reference.as_str()))?.id).into()
    } else {
        reference.clone()
    };
    Ok(Judged::as_is(Operation::Container(ContainerOperation::Act { container, action })))
}

/// The container that is meant, if this operation may know of it.
fn find<'f>(
    judge: &Judge<'_>,
    reference: &ContainerRef,
    action: &ContainerAction,
    facts: &'f Facts,
) -> Result<&'f ContainerFacts, Denial> {
    let id = action.operation_id();
    let missing = || Denial::no_such_container(reference.as_str());
    if matches!(action, ContainerAction::Inspect(_)) {
        if judge.policy.containers.see == Scope::None {
            return Err(judge.refuse(id, "", "looks at a container", "to see nothing", "containers.see"));
        }
        let found = facts.container(&query(judge, reference, action)).ok_or_else(missing)?;
        let granted = || judge.owns_or_is_granted(found, facts.image(&found.image_id));
        let seen = judge.policy.containers.see == Scope::All || granted();
        return if seen { Ok(found) } else { Err(missing()) };
    }
    if judge.policy.containers.control == Control::None {
        let wanted = format!("acts on container {}", shown(reference.as_str()));
        return Err(judge.refuse(id, "", wanted, "to act on no container", "containers.control"));
    }
    judge.controlled(reference, is_fresh(action), facts).ok_or_else(missing)
}

fn judge_action(
    judge: &Judge<'_>,
    id: &'static str,
    action: &ContainerAction,
    found: &ContainerFacts,
    facts: &Facts,
) -> Result<(), Denial> {
    floor(judge, action)?;
    match action {
        ContainerAction::Inspect(ContainerInspectQuery { size: _ })
        | ContainerAction::Resize(ResizeQuery { h: _, w: _ }) => Ok(()),
        ContainerAction::Start(_) | ContainerAction::Restart(_) | ContainerAction::Unpause => {
            may_start(judge, id, found, facts)
        }
        ContainerAction::Rename(query) => container_name::judge_rename(judge, query, found, facts),
        ContainerAction::Export => {
            let wanted = "copies all files out of a container";
            copy(judge, id, wanted, judge.policy.containers.copy_out, "containers.copy-out")
        }
        ContainerAction::Pause
        | ContainerAction::Update(_)
        | ContainerAction::Top(_)
        | ContainerAction::Stats(ContainerStatsQuery { stream: _, one_shot: _ })
        | ContainerAction::Changes
        | ContainerAction::Stop(_)
        | ContainerAction::Kill(_)
        | ContainerAction::Wait(_)
        | ContainerAction::Logs(_)
        | ContainerAction::Attach(..)
        | ContainerAction::Delete(_) => Ok(()),
        ContainerAction::ArchiveInfo(ArchivePathQuery { path })
        | ContainerAction::ArchiveGet(ArchivePathQuery { path }) => {
            copy(
                judge,
                id,
                "copies a file out of a container",
                judge.policy.containers.copy_out,
                "containers.copy-out",
            )?;
            word::container_path(judge, id, "path", path)
        }
        ContainerAction::ArchivePut(ArchivePutQuery { path, no_overwrite_dir_non_dir: _, copy_uid_gid: _ }) => {
            copy(judge, id, "copies files into a container", judge.policy.containers.copy_in, "containers.copy-in")?;
            word::container_path(judge, id, "path", path)
        }
        ContainerAction::Exec(config) => exec::judge_config(judge, config),
    }
}

fn copy(judge: &Judge<'_>, id: &'static str, wanted: &str, granted: bool, key: &'static str) -> Result<(), Denial> {
    if granted { Ok(()) } else { Err(judge.refuse(id, "", wanted, "no copying", key)) }
}

/// What no policy can allow in the parameters of an operation.
fn floor(judge: &Judge<'_>, action: &ContainerAction) -> Result<(), Denial> {
    let id = action.operation_id();
    match action {
        ContainerAction::Start(ContainerStartQuery { detach_keys, checkpoint, checkpoint_dir }) => {
            word::detach_keys(judge, id, "detachKeys", detach_keys)?;
            let why = "a checkpoint is read from a path of the host";
            let named = [("checkpoint", checkpoint), ("checkpoint-dir", checkpoint_dir)];
            match named.iter().find(|(_, value)| !value.is_empty()) {
                Some((place, value)) => Err(judge.floor(id, *place, shown(value), why)),
                None => Ok(()),
            }
        }
        ContainerAction::Stop(ContainerStopQuery { signal, t })
        | ContainerAction::Restart(ContainerStopQuery { signal, t }) => {
            let _bounded_when_it_is_sent = t;
            word::signal(judge, id, "signal", signal)
        }
        ContainerAction::Kill(ContainerKillQuery { signal }) => word::signal(judge, id, "signal", signal),
        ContainerAction::Wait(ContainerWaitQuery { condition }) => {
            let known = ["", "not-running", "next-exit", "removed"].contains(&condition.as_str());
            let why = "it is `not-running`, `next-exit` or `removed`";
            if known { Ok(()) } else { Err(judge.floor(id, "condition", shown(condition), why)) }
        }
        ContainerAction::Logs(query) => logs(judge, id, query),
        ContainerAction::Attach(query, _) => {
            let ContainerAttachQuery { detach_keys, logs: _, stream: _, stdin: _, stdout: _, stderr: _ } = query;
            word::detach_keys(judge, id, "detachKeys", detach_keys)
        }
        ContainerAction::Delete(ContainerDeleteQuery { v: _, force: _, link }) => {
            let why = "it would remove a legacy link instead of the container";
            if *link { Err(judge.floor(id, "link", "`true`", why)) } else { Ok(()) }
        }
        ContainerAction::Top(query) => processes::judge_top(judge, id, query),
        ContainerAction::Inspect(_)
        | ContainerAction::Resize(_)
        | ContainerAction::ArchiveInfo(_)
        | ContainerAction::ArchiveGet(_)
        | ContainerAction::ArchivePut(_)
        | ContainerAction::Exec(_)
        | ContainerAction::Rename(_)
        | ContainerAction::Pause
        | ContainerAction::Unpause
        | ContainerAction::Update(_)
        | ContainerAction::Stats(_)
        | ContainerAction::Changes
        | ContainerAction::Export => Ok(()),
    }
}

fn logs(judge: &Judge<'_>, id: &'static str, query: &ContainerLogsQuery) -> Result<(), Denial> {
    let ContainerLogsQuery { follow: _, stdout: _, stderr: _, since, until, timestamps: _, details, tail, format } =
        query;
    word::moment(judge, id, "since", since)?;
    word::moment(judge, id, "until", until)?;
    word::tail(judge, id, tail)?;
    if *details {
        return Err(judge.floor(
            id,
            "details",
            "`true`",
            "it shows environment and labels that the log driver was given",
        ));
    }
    if format.is_empty() {
        Ok(())
    } else {
        Err(judge.floor(id, "format", shown(format), "the framing is the engine's own"))
    }
}

/// A start is judged again from what will run: a revoked image does not start, and a name that was raced between create
/// and attach gains nothing.
fn may_start(judge: &Judge<'_>, id: &'static str, found: &ContainerFacts, facts: &Facts) -> Result<(), Denial> {
    if !judge.owns(found) {
        return Ok(());
    }
    namespaces::still_granted(judge, id, "HostConfig", found)?;
    if !image_is_allowed(judge, found, facts) {
        let wanted = format!("a container made from {}", shown(&found.image));
        return Err(judge.refuse(id, "Image", wanted, image::allowed_images(judge), "images.allow"));
    }
    match network::foreign_to(judge, found, facts) {
        None => Ok(()),
        Some(name) => {
            let wanted = format!("a container on network {}", shown(name));
            Err(judge.refuse(id, "NetworkSettings.Networks", wanted, "other networks", "containers.networks"))
        }
    }
}

/// By the name that the container was created with; one that was created by ID, by the names that its image has now.
fn image_is_allowed(judge: &Judge<'_>, found: &ContainerFacts, facts: &Facts) -> bool {
    if image::names_by_id(&found.image, &found.image_id) {
        let image = facts.image(&found.image_id);
        return image.is_some_and(|image| image::visible(judge, &found.image_id, image).is_some());
    }
    ImageReference::parse(&found.image).is_ok_and(|reference| judge.policy.allows_image(&reference))
}

/// What the policy changes: the delete of an own container takes the anonymous volumes along, which carry no label of
/// ours; a stop ends; an update keeps within the limits. What a foreign container leaves behind is its owner's business.
fn amend(
    judge: &Judge<'_>,
    action: ContainerAction,
    found: &ContainerFacts,
    facts: &Facts,
) -> Result<ContainerAction, Denial> {
    let bounded = |ContainerStopQuery { signal, t }| ContainerStopQuery { signal, t: t.map(bound_grace) };
    Ok(match action {
        ContainerAction::Update(body) => {
            ContainerAction::Update(Box::new(container_update::decide(judge, &body, facts.engine())?))
        }
        ContainerAction::Delete(ContainerDeleteQuery { v, force, link }) => {
            ContainerAction::Delete(ContainerDeleteQuery { v: v || judge.owns(found), force, link })
        }
        ContainerAction::Stop(query) => ContainerAction::Stop(bounded(query)),
        ContainerAction::Restart(query) => ContainerAction::Restart(bounded(query)),
        other @ (ContainerAction::Inspect(_)
        | ContainerAction::Start(_)
        | ContainerAction::Kill(_)
        | ContainerAction::Wait(_)
        | ContainerAction::Logs(_)
        | ContainerAction::Attach(..)
        | ContainerAction::Resize(_)
        | ContainerAction::ArchiveInfo(_)
        | ContainerAction::ArchiveGet(_)
        | ContainerAction::ArchivePut(_)
        | ContainerAction::Exec(_)
        | ContainerAction::Rename(_)
        | ContainerAction::Pause
        | ContainerAction::Unpause
        | ContainerAction::Top(_)
        | ContainerAction::Stats(_)
        | ContainerAction::Changes
        | ContainerAction::Export) => other,
    })
}

/// -1 would wait for ever; nobody waits longer than ten minutes for a test container.
fn bound_grace(seconds: i64) -> i64 {
    if seconds < 0 { LONGEST_GRACE } else { seconds.min(LONGEST_GRACE) }
}

fn query(judge: &Judge<'_>, reference: &ContainerRef, action: &ContainerAction) -> FactQuery {
    let looks = matches!(action, ContainerAction::Inspect(_));
    let within = if looks { judge.seen_within() } else { judge.controlled_within() };
    FactQuery::container(reference, within, is_fresh(action))
}

const fn starts(action: &ContainerAction) -> bool {
    matches!(action, ContainerAction::Start(_) | ContainerAction::Restart(_) | ContainerAction::Unpause)
}

/// Whether it is judged by what can change: the networks of the container.
const fn is_fresh(action: &ContainerAction) -> bool {
    starts(action) || matches!(action, ContainerAction::Rename(_))
}

const fn is_hijack(action: &ContainerAction) -> bool {
    matches!(action, ContainerAction::Attach(..))
}

const LONGEST_GRACE: i64 = 600;
