//! Judges what `ps` may be asked: for `ContainerTop` the engine runs it on its host with the client's words.
//!
//! Must never pass an argument that is not on the list.

use super::denial::{Denial, shown};
use super::judge::Judge;
use crate::operation::container::ContainerTopQuery;

/// Forms that are known to print nothing but a table of processes, of which the engine keeps the container's own.
pub(super) fn judge_top(judge: &Judge<'_>, id: &'static str, query: &ContainerTopQuery) -> Result<(), Denial> {
    let ContainerTopQuery { ps_args } = query;
    if FORMS.contains(&ps_args.as_str()) || is_list_of_columns(ps_args) {
        return Ok(());
    }
    let why = "the engine runs `ps` on its host, so its arguments are one of -ef, -eF, -ely, aux, auxw, auxww, axu, ax, \
               or -eo and a list of known columns with pid, as `-eo pid,ppid,user,comm`";
    Err(judge.floor(id, "ps_args", shown(ps_args), why))
}

/// `-eo pid,comm` in the spellings that clients use. Without `pid` the engine cannot tell whose a process is.
fn is_list_of_columns(text: &str) -> bool {
    let Some(columns) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) else { return false };
    let columns: Vec<&str> = columns.split(',').collect();
    columns.contains(&"pid") && columns.iter().all(|column| COLUMNS.contains(column))
}

/// Empty is the engine's own `-ef`.
const FORMS: &[&str] = &[
    "", "-ef", "-e", "-e -f", "-eF", "-eFww", "-efww", "-ely", "-A", "-Af", "aux", "auxw", "auxww", "axu", "ax", "-ax",
    "axw", "-f", "-F", "-l",
];

const PREFIXES: &[&str] = &["-eo ", "-e -o ", "-o ", "axo ", "-axo ", "-Ao "];

const COLUMNS: &[&str] = &[
    "%cpu", "%mem", "args", "cmd", "comm", "command", "cputime", "etime", "etimes", "gid", "group", "ni", "nlwp",
    "pcpu", "pgid", "pid", "pmem", "ppid", "pri", "psr", "rss", "ruser", "s", "sid", "start", "stat", "state", "stime",
    "sz", "time", "tty", "uid", "user", "vsz", "wchan",
];
