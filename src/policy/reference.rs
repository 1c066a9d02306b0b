//! The reference of policy keys, generated from the [`keys`](super::file::keys) table.

use std::fmt::Write as _;

use super::file::keys::{InForce, KEYS, Key, Kind};

/// The reference as a Markdown page: one table a section, keys in the order of the vocabulary.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    write_section(&mut page, "", "The file");
    for section in KEYS.iter().filter(|key| key.kind == Kind::Table) {
        write_section(&mut page, section.path, &format!("`[{}]`", section.path));
    }
    page
}

fn write_section(page: &mut String, section: &str, title: &str) {
    let mut keys = KEYS.iter().filter(|key| key.kind != Kind::Table && section_of(key) == section).peekable();
    if keys.peek().is_none() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## {title}\n\n| key | value | when absent | meaning |\n|---|---|---|---|\n");
    for key in keys {
        let name = key.path.strip_prefix(section).unwrap_or(key.path).trim_start_matches('.');
        let Key { kind: _, absent, meaning, .. } = key;
        let wanted = key.wanted();
        let _ = writeln!(page, "| `{name}` | {wanted} | {absent} | {meaning}{} |", not_yet(key.in_force));
    }
}

fn not_yet(in_force: InForce) -> String {
    match in_force {
        InForce::Always => String::new(),
        InForce::Never => " (**not in force yet**)".to_owned(),
        InForce::Except(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!(" ({} **not in force yet**)", words.join(", "))
        }
    }
}

/// The nearest section above a key: keys of inline tables belong to the section that holds the table.
fn section_of(key: &Key) -> &'static str {
    let mut path = key.path;
    while let Some((parent, _)) = path.rsplit_once('.') {
        if KEYS.iter().any(|other| other.path == parent && other.kind == Kind::Table) {
            return parent;
        }
        path = parent;
    }
    ""
}

const INTRODUCTION: &str = "# Policy keys

A policy is a TOML file. A key that is absent means what its row says, which is never an opening; openness is written
(`[\"*\"]`, `\"unlimited\"`). A key that is not known is an error. `docker-broker check FILE` explains a file.
";
