//! A JSON document that can be made wrong: keys and values are kept as they will be written.

use serde_json::Value;

/// A value on its way to the wire.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Numbers, words, strings with their quotes, and anything that is no JSON at all.
    Raw(String),
    List(Vec<Self>),
    /// Keys with their quotes, in order, repeated ones too.
    Object(Vec<(String, Self)>),
}

impl Node {
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str::<Value>(text).map_or_else(|_| Self::Raw(text.to_owned()), |value| Self::from(&value))
    }

    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(key);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// How many objects there are, this one included.
    pub(crate) fn objects(&self) -> usize {
        match self {
            Self::Raw(_) => 0,
            Self::List(items) => items.iter().map(Self::objects).sum(),
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.objects()).sum::<usize>(),
        }
    }

    /// The members of the object with this number, counted from the outside.
    pub(crate) fn object(&mut self, number: usize) -> Option<&mut Vec<(String, Self)>> {
        self.walk(&mut number.clone())
    }

    fn walk(&mut self, left: &mut usize) -> Option<&mut Vec<(String, Self)>> {
        match self {
            Self::Raw(_) => None,
            Self::List(items) => {
                for item in items {
                    if let Some(found) = item.walk(left) {
                        return Some(found);
                    }
                }
                None
            }
            Self::Object(members) => {
                if *left == 0 {
                    return Some(members);
                }
                *left -= 1;
                for (_, value) in members {
                    if let Some(found) = value.walk(left) {
                        return Some(found);
                    }
                }
                None
            }
        }
    }

    /// Puts a value at a path of Docker's own names such as `HostConfig.Mounts[].Source`; `[]` is the first item, `{}`
    /// the first member, both are made where there is none.
    pub(crate) fn set(&mut self, path: &str, value: Self) {
        let (step, rest) = split(path);
        let Some(step) = step else {
            *self = value;
            return;
        };
        let next = match step {
            "[]" => self.first_item(),
            "{}" => self.first_member(),
            name => self.member(name),
        };
        next.set(rest, value);
    }

    fn first_item(&mut self) -> &mut Self {
        if !matches!(self, Self::List(items) if !items.is_empty()) {
            *self = Self::List(vec![Self::Raw("null".to_owned())]);
        }
        match self {
            Self::List(items) => &mut items[0],
            Self::Raw(_) | Self::Object(_) => unreachable!("it was made a list"),
        }
    }

    fn first_member(&mut self) -> &mut Self {
        if !matches!(self, Self::Object(members) if !members.is_empty()) {
            *self = Self::Object(vec![("\"5432/tcp\"".to_owned(), Self::Raw("null".to_owned()))]);
        }
        match self {
            Self::Object(members) => &mut members[0].1,
            Self::Raw(_) | Self::List(_) => unreachable!("it was made an object"),
        }
    }

    fn member(&mut self, name: &str) -> &mut Self {
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(members) = self else { unreachable!("it was made an object") };
        let key = format!("\"{name}\"");
        let index = members.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            members.push((key, Self::Raw("null".to_owned())));
            members.len() - 1
        });
        &mut members[index].1
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Self::Raw(value.to_string()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(members) => {
                let member = |(key, value)| (Value::String(String::clone(key)).to_string(), Self::from(value));
                Self::Object(members.iter().map(member).collect())
            }
        }
    }
}

/// The first step of a path, and what is left.
fn split(path: &str) -> (Option<&str>, &str) {
    if path.is_empty() {
        return (None, "");
    }
    if let Some(step) = ["[]", "{}"].into_iter().find(|step| path.starts_with(step)) {
        return (Some(step), path[2..].trim_start_matches('.'));
    }
    let end = path.find(['.', '[', '{']).unwrap_or(path.len());
    (Some(&path[..end]), path[end..].trim_start_matches('.'))
}
