//! Where things stand in a policy text: lines and columns of keys, values and list items.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Finding, join};

/// The places of everything in one text, by key path.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The line and column of each byte offset that begins a key, value or item.
    keys: BTreeMap<String, Place>,
    items: BTreeMap<(String, usize), Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    line: usize,
    column: usize,
}

impl Places {
    /// Reads the text as far as its syntax allows, and reports what the syntax does not.
    pub(super) fn read(text: &str) -> (Self, Vec<Finding>) {
        let (document, errors) = DeTable::parse_recoverable(text);
        let mut places = Self::default();
        places.add_table(text, "", document.get_ref());
        let findings = errors.iter().map(|error| syntax_finding(text, error)).collect();
        (places, findings)
    }

    /// A finding about a key, or an item of its list, placed where the text holds it.
    pub(super) fn finding(
        &self,
        path: &str,
        item: Option<usize>,
        message: String,
        nearest: Option<&'static str>,
    ) -> Finding {
        let place = item.and_then(|item| self.items.get(&(path.to_owned(), item))).or_else(|| self.keys.get(path));
        let (line, column) = place.map_or((0, 0), |place| (place.line, place.column));
        Finding { line, column, key: path.to_owned(), message, nearest }
    }

    fn add_table(&mut self, text: &str, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let path = join(section, name.get_ref());
            self.keys.insert(path.clone(), place_of(text, &name.span()));
            match value.get_ref() {
                DeValue::Table(inner) => self.add_table(text, &path, inner),
                DeValue::Array(items) => self.add_items(text, &path, items.iter()),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => {}
            }
        }
    }

    fn add_items<'a, 'i: 'a>(&mut self, text: &str, path: &str, items: impl Iterator<Item = &'a Spanned<DeValue<'i>>>) {
        for (position, item) in items.enumerate() {
            self.items.insert((path.to_owned(), position), place_of(text, &item.span()));
        }
    }
}

fn syntax_finding(text: &str, error: &toml::de::Error) -> Finding {
    let finding = Finding::of_the_text(error.message());
    match error.span() {
        Some(span) => {
            let Place { line, column } = place_of(text, &span);
            Finding { line, column, ..finding }
        }
        None => finding,
    }
}

fn place_of(text: &str, span: &Range<usize>) -> Place {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { line, column }
}
