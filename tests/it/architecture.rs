//! The rules on the sources that a compiler does not keep: imports point one way, judges are pure, and no judge has a
//! blind spot.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the bottom to the top: each may use those in the lines before its own.
const ROOMS: &[&[&str]] = &[
    &["request"],
    &["operation"],
    &["bounds", "client"],
    &["policy"],
    &["upstream"],
    &["audit"],
    &["session"],
    &["response"],
    &["broker"],
    &["listener"],
    &["config"],
    &["serve"],
    &["cli"],
    &["main", "lib"],
];

/// Names that would bring time, files, sockets or waiting into the judge.
const IMPURE: &[&str] =
    &["async ", "async{", ".await", "std::fs", "std::net::Tcp", "SystemTime::now", "Instant::now", "tokio"];

/// The files of `policy/` that judge nothing of a request; every other one does, and a new one too until it is named here.
const NO_JUDGES: &[&str] = &[
    "builtin",
    "check",
    "compile",
    "credentials",
    "denial",
    "depth",
    "facts",
    "file",
    "housekeeping",
    "judge",
    "mod",
    "overrides",
    "ownership",
    "pattern",
    "permit",
    "reference",
    "schema",
    "view",
];

/// `_ =>` arms that stand on text or on numbers, which no list of variants can cover: file, the text of the line, reason.
const WILDCARDS: &[(&str, &str, &str)] = &[
    ("policy/mounts.rs", "_ => (text, 1),", "the last character of a size"),
    ("policy/limits.rs", "_ => {", "the names of log options are text"),
    ("policy/container_update.rs", "_ => judged,", "the names of restart policies are text"),
    ("policy/binds.rs", "_ => \"the modes of a bind", "the words of a refusal"),
    ("policy/names.rs", "_ => {", "one of three lists, by its name"),
];

#[derive(Debug)]
struct Source {
    /// Below `src/`, as `policy/container.rs`.
    path: String,
    /// Without tests and comments, line by line, with the line's number.
    lines: Vec<(usize, String)>,
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for source in sources() {
        let own = rank(source.room()).unwrap_or_else(|| panic!("{}: this room has no place in ROOMS", source.path));
        for (number, used) in source.uses() {
            let place = rank(&used).unwrap_or_else(|| panic!("{}: `{used}` has no place in ROOMS", source.path));
            let shared_above_operation =
                matches!(used.as_str(), "bounds" | "client") && own >= rank("operation").unwrap();
            if place > own && !shared_above_operation {
                wrong.push(format!("src/{}:{number}: `{}` may not use `{used}`", source.path, source.room()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn judging_is_pure() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.room() == "policy") {
        for (number, line) in &source.lines {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("src/{}:{number}: `{word}`", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "policy/ judges without clock, files, network and waiting:\n{}", wrong.join("\n"));
}

#[test]
fn judges_name_every_field_and_every_variant() {
    let mut wrong = Vec::new();
    for source in judges() {
        for (number, line) in &source.lines {
            let skips = let_pattern(line).is_some_and(|pattern| pattern.contains("..") && pattern.contains('{'));
            let rest_of_many_lines = matches!(line.trim(), ".." | "..,");
            let allowed = WILDCARDS.iter().any(|(file, text, _)| *file == source.path && line.contains(text));
            if skips || rest_of_many_lines || (has_wildcard(line) && !allowed) {
                wrong.push(format!("src/{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "a judge skips fields or variants:\n{}", wrong.join("\n"));
}

#[test]
fn the_rules_can_be_broken() {
    assert!(has_wildcard("            _ => Ok(()),") && !has_wildcard("            (_, true) => Ok(()),"));
    assert!(let_pattern("let Mount { kind, .. } = mount;").unwrap().contains(".."));
    assert!(let_pattern("let range = 0..4;").is_none_or(|pattern| !pattern.contains("..")));
    let text =
        "//! doc\nuse crate::policy::x;\n// use crate::cli\n#[cfg(test)]\nmod tests {\n    use crate::cli::y;\n}\n";
    let source = Source::read("request/x.rs", text);
    assert_eq!(source.uses(), [(2, "policy".to_owned())]);
    assert!(rank("policy") > rank("request"));
}

#[test]
fn every_judge_is_there_to_be_checked() {
    let found: BTreeSet<String> = judges().into_iter().map(|source| source.path).collect();
    for name in ["container_create", "host_config", "mounts", "network_create", "word"] {
        assert!(found.contains(&format!("policy/{name}.rs")), "{name}");
    }
    let sources: BTreeSet<String> = sources().into_iter().map(|source| source.path).collect();
    for name in NO_JUDGES {
        assert!(sources.contains(&format!("policy/{name}.rs")), "{name} is not there any more");
    }
    for (file, text, reason) in WILDCARDS {
        let source = judges().into_iter().find(|source| source.path == *file);
        let there = source.is_some_and(|source| source.lines.iter().any(|(_, line)| line.contains(text)));
        assert!(there, "{file}: `{text}` is not there any more, and its exception ({reason}) can go");
    }
}

impl Source {
    fn read(path: &str, text: &str) -> Self {
        let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
        let lines = before_tests.lines().enumerate().map(|(at, line)| (at + 1, code(line)));
        Self { path: path.to_owned(), lines: lines.filter(|(_, line)| !line.trim().is_empty()).collect() }
    }

    /// The first part of the path: `policy` of `policy/container.rs` and of `policy.rs`.
    fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// The rooms that it names after `crate::`, with the line.
    fn uses(&self) -> Vec<(usize, String)> {
        let named = |(number, line): &(usize, String)| {
            let after = line.split("crate::").skip(1).filter(|_| !line.contains("pub(in "));
            let rooms = after.flat_map(|rest| match rest.strip_prefix('{') {
                Some(list) => list.split(',').map(first_word).collect::<Vec<_>>(),
                None => vec![first_word(rest)],
            });
            rooms.filter(|room| !room.is_empty()).map(|room| (*number, room)).collect::<Vec<_>>()
        };
        self.lines.iter().flat_map(named).collect()
    }
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
}

fn rank(room: &str) -> Option<usize> {
    ROOMS.iter().position(|rooms| rooms.contains(&room))
}

fn has_wildcard(line: &str) -> bool {
    line.trim_start().starts_with("_ =>") || line.trim_start().starts_with("_ if ")
}

/// What stands between `let` and `=` of a destructuring.
fn let_pattern(line: &str) -> Option<&str> {
    let pattern = line.trim_start().strip_prefix("let ")?;
    pattern.split(" = ").next()
}

fn judges() -> Vec<Source> {
    let wanted = |source: &Source| {
        let name = source.path.strip_prefix("policy/").and_then(|name| name.strip_suffix(".rs"));
        name.is_some_and(|name| !name.contains('/') && !NO_JUDGES.contains(&name))
    };
    sources().into_iter().filter(wanted).collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    assert!(found.len() > 50, "the sources are not where they were");
    let read = |path: &PathBuf| {
        let below = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        Source::read(&below, &fs::read_to_string(path).unwrap())
    };
    let is_test = |path: &&PathBuf| path.iter().any(|part| part == "tests" || part == "tests.rs");
    found.iter().filter(|path| !is_test(path)).map(read).collect()
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
