//! `[templates.NAME]`, ready to run: the containers that a client may create, and no others.

use std::collections::BTreeMap;

use super::read::Reader;
use super::value;
use crate::policy::file::{TemplateSection, keys};
use crate::policy::pattern::{ImagePattern, LabelPatterns, Patterns, PortPattern};

/// One kind of container that a client may create, besides everything else that the policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name in the file.
    pub name: String,
    /// `templates.NAME.image`
    pub image: ImagePattern,
    /// `templates.NAME.command`; `None`: only what the image has.
    pub command: Option<Patterns>,
    /// `templates.NAME.entrypoint`; `None`: only what the image has.
    pub entrypoint: Option<Patterns>,
    /// `templates.NAME.env`: keys.
    pub env: Patterns,
    /// `templates.NAME.publish`
    pub publish: Vec<PortPattern>,
    /// `templates.NAME.labels`: keys; `None`: those of `containers.labels`.
    pub labels: Option<LabelPatterns>,
}

pub(super) fn read_templates(reader: &mut Reader, sections: BTreeMap<String, TemplateSection>) -> Vec<Template> {
    sections.into_iter().filter_map(|(name, section)| read_template(reader, name, section)).collect()
}

fn read_template(reader: &mut Reader, name: String, section: TemplateSection) -> Option<Template> {
    let TemplateSection { image, command, entrypoint, env, publish, labels } = section;
    let key = |part: &str| format!("{}.{name}{part}", keys::TEMPLATES);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    if name.is_empty() || !name.bytes().all(plain) {
        reader.refuse(key(""), None, "a template's name is letters, digits, `_` and `-`");
    }
    let image = match image.as_deref().map(value::image) {
        Some(Ok(image)) => Some(image),
        Some(Err(message)) => {
            reader.refuse(key(".image"), None, message);
            None
        }
        None => {
            reader.refuse(key(""), None, "name its image, as `image = \"postgres:16\"`");
            None
        }
    };
    let command = command.map(|list| reader.patterns(key(".command"), &Some(list)));
    let entrypoint = entrypoint.map(|list| reader.patterns(key(".entrypoint"), &Some(list)));
    let env = Patterns::new(reader.items(key(".env"), &env, value::env_key));
    let publish = reader.items(key(".publish"), &publish, value::port);
    let labels = labels.map(|list| reader.labels(key(".labels"), &Some(list)));
    Some(Template { image: image?, command, entrypoint, env, publish, labels, name })
}
