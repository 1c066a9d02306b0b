//! Judges a create by the templates of a policy: where there are any, it has to match one of them in full.
//!
//! Must never put two templates together: each part is compared with one and the same template.

use super::command::Commands;
use super::compile::Template;
use super::container_create::ID;
use super::denial::{Denial, shown};
use super::facts::ImageFacts;
use super::file::keys;
use super::image;
use super::judge::Judge;
use super::pattern::{ImageReference, Pattern, Patterns, is_reserved_label};
use super::publish;
use crate::operation::model::ContainerCreateBody;

/// The parts of a create that templates speak about.
pub(super) struct Parts<'a> {
    /// As it would go up: with the ports that it would publish.
    pub(super) body: &'a ContainerCreateBody,
    /// The image as the client named it.
    pub(super) named: &'a str,
    pub(super) commands: &'a Commands,
    pub(super) image: &'a ImageFacts,
}

/// One part that does not fit.
struct Misfit {
    /// Where it stands in the request.
    place: String,
    wanted: String,
    /// The key below the template's name.
    part: &'static str,
    allowed: String,
    key: &'static str,
}

/// Refuses what fits no template, and says by which part the nearest one does not fit.
pub(super) fn decide(judge: &Judge<'_>, parts: &Parts<'_>) -> Result<(), Denial> {
    let judged = judge.policy.templates.iter().map(|template| (template, misfits(template, parts)));
    let Some((nearest, misfits)) = judged.min_by_key(|(_, misfits)| (misfits.len(), weight(misfits))) else {
        return Ok(());
    };
    let Some(Misfit { place, wanted, part, allowed, key }) = misfits.into_iter().next() else { return Ok(()) };
    let name = &nearest.name;
    let allowed = format!("{allowed}, by `templates.{name}.{part}` of its nearest template");
    Err(judge.refuse(ID, place, wanted, allowed, key))
}

/// Of two templates with as many misfits, one for the same image is the nearer one.
fn weight(misfits: &[Misfit]) -> bool {
    misfits.iter().any(|misfit| misfit.key == keys::TEMPLATES_NAME_IMAGE)
}

fn misfits(template: &Template, parts: &Parts<'_>) -> Vec<Misfit> {
    let Template { name: _, image, command, entrypoint, env, publish, labels } = template;
    let Parts { body, named: asked_image, commands, image: found } = parts;
    let published = &body.host_config.port_bindings;
    let Commands { entrypoint: asked_entrypoint, command: asked_command, healthcheck } = commands;
    let named = if image::names_by_id(asked_image, &found.id) {
        image.matches_any_of(&found.repo_tags, &found.repo_digests)
    } else {
        ImageReference::parse(asked_image).is_ok_and(|reference| image.matches(&reference))
    };
    let other_image = (!named).then(|| Misfit {
        place: "Image".to_owned(),
        wanted: shown(asked_image),
        part: "image",
        allowed: shown(image.as_str()),
        key: keys::TEMPLATES_NAME_IMAGE,
    });
    let variable = body.env.keys().enumerate().find(|(_, key)| !env.matches(key)).map(|(index, key)| Misfit {
        place: format!("Env[{index}]"),
        wanted: format!("the variable {}", shown(key)),
        part: "env",
        allowed: listed(env),
        key: keys::TEMPLATES_NAME_ENV,
    });
    let port = published.keys().find(|port| !publish::matches(publish, port)).map(|port| Misfit {
        place: format!("HostConfig.PortBindings[{port}]"),
        wanted: format!("publishes {}", shown(port)),
        part: "publish",
        allowed: publish::in_words(publish),
        key: keys::TEMPLATES_NAME_PUBLISH,
    });
    let label = labels.as_ref().and_then(|labels| {
        let mut asked = body.labels.0.keys().filter(|key| !is_reserved_label(key));
        asked.find(|key| !labels.matches(key)).map(|key| Misfit {
            place: "Labels".to_owned(),
            wanted: format!("the label {}", shown(key)),
            part: "labels",
            allowed: labels.to_string(),
            key: keys::TEMPLATES_NAME_LABELS,
        })
    });
    let line = |place: &str, line: &Option<String>, granted: &Option<Patterns>, part, key| {
        let line = line.as_ref().filter(|line| !granted.as_ref().is_some_and(|granted| granted.matches(line)))?;
        let allowed = granted.as_ref().map_or_else(|| "only what the image has".to_owned(), listed);
        Some(Misfit { place: place.to_owned(), wanted: shown(line), part, allowed, key })
    };
    [
        other_image,
        line("Entrypoint", asked_entrypoint, entrypoint, "entrypoint", keys::TEMPLATES_NAME_ENTRYPOINT),
        line("Cmd", asked_command, command, "command", keys::TEMPLATES_NAME_COMMAND),
        line("Healthcheck.Test", healthcheck, command, "command", keys::TEMPLATES_NAME_COMMAND),
        variable,
        port,
        label,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn listed(patterns: &Patterns) -> String {
    super::container_create::patterns(patterns.iter().map(Pattern::as_str))
}
