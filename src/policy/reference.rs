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

A policy is a TOML file. A key that would allow something allows nothing while it is absent; openness is written
(`[\"*\"]`, `\"unlimited\"`). A key that is not known is an error. `docker-broker check FILE` explains a file.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_row_in_its_section() {
        let page = reference_markdown();
        for key in KEYS.iter().filter(|key| key.kind != Kind::Table) {
            let section = section_of(key);
            let title = if section.is_empty() { "## The file".to_owned() } else { format!("## `[{section}]`") };
            let (_, after) = page.split_once(&title).unwrap_or_else(|| panic!("{title} is missing"));
            let part = after.split("\n## ").next().expect("a part");
            let name = key.path.strip_prefix(section).unwrap_or(key.path).trim_start_matches('.');
            assert_eq!(part.matches(&format!("\n| `{name}` |")).count(), 1, "{}", key.path);
        }
    }

    #[test]
    fn what_is_not_in_force_is_marked() {
        let page = reference_markdown();
        let row = |start: &str| page.lines().find(|line| line.starts_with(start)).expect("a row").to_owned();
        assert!(row("| `buildkit` |").contains("not in force yet"));
        assert!(!row("| `privileged` |").contains("not in force"));
        assert!(row("| `reach` |").contains("`relay` **not in force yet**"));
        assert!(!row("| `pull` |").contains("not in force"));
    }

    #[test]
    fn rows_have_four_cells() {
        let pages = reference_markdown();
        let rows = pages.lines().filter(|line| line.starts_with("| `"));
        for row in rows {
            assert_eq!(row.matches('|').count(), 5, "{row}");
        }
    }
}
