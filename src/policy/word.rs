//! Small words that several operations take: times, signals, key sequences, platforms, paths inside a container.
//!
//! They have no power of their own, so every policy allows them in their plain form; anything else is on the floor,
//! because nobody knows what an engine would make of it.

use super::denial::{Denial, shown};
use super::judge::Judge;

/// A time as logs and events take it: Unix seconds with an optional fraction, or RFC 3339, or a duration such as `10m`.
pub(super) fn moment(
    judge: &Judge<'_>,
    operation: &'static str,
    place: &'static str,
    text: &str,
) -> Result<(), Denial> {
    let plain = text.len() <= 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".:+-".contains(&b));
    check(plain, judge, operation, place, text, "a time is Unix seconds, RFC 3339, or a duration such as `10m`")
}

/// How many lines of a log: `all` or a number; clients send -1 for all.
pub(super) fn tail(judge: &Judge<'_>, operation: &'static str, text: &str) -> Result<(), Denial> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let number = digits.len() <= 18 && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    check(text.is_empty() || text == "all" || number, judge, operation, "tail", text, "it is `all` or a number")
}

/// A signal by name, in any case as engines read it, with or without `SIG`, or by number from 1 to 64; empty means the
/// default.
pub(super) fn signal(judge: &Judge<'_>, operation: &'static str, place: &str, text: &str) -> Result<(), Denial> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = text.parse::<u8>().is_ok_and(|n| (1..=64).contains(&n) && text.len() <= 2);
    check(text.is_empty() || number || is_signal_name(name), judge, operation, place, text, "it is not a signal")
}

/// Whether a signal, by name or number, leaves a process running that does not care for it.
pub(super) fn does_not_end(signal: &str) -> bool {
    let upper = signal.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = name.parse::<u8>().ok();
    ENDLESS.iter().any(|(known, numbered)| *known == name || number == Some(*numbered))
}

fn is_signal_name(name: &str) -> bool {
    let real_time = ["RTMIN", "RTMAX"].iter().find_map(|base| name.strip_prefix(base));
    match real_time {
        Some("") => true,
        Some(offset) => {
            let digits = offset.strip_prefix(['+', '-']).unwrap_or("x");
            (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        }
        None => SIGNALS.contains(&name),
    }
}

/// Keys that detach: a comma-separated list of letters or `ctrl-` with one of `a-z@[\]^_`.
pub(super) fn detach_keys(judge: &Judge<'_>, operation: &'static str, place: &str, text: &str) -> Result<(), Denial> {
    let key = |word: &str| match word.strip_prefix("ctrl-") {
        Some(letter) => letter.len() == 1 && letter.bytes().all(|b| b.is_ascii_lowercase() || b"@[\\]^_".contains(&b)),
        None => word.len() == 1 && word.bytes().all(|b| b.is_ascii_graphic()),
    };
    let plain = text.is_empty() || (text.len() <= 64 && text.split(',').all(key));
    check(plain, judge, operation, place, text, "keys are like `ctrl-p,ctrl-q`")
}

/// `os[/arch[/variant]]`, each a plain word; empty means the engine's own.
pub(super) fn platform(judge: &Judge<'_>, operation: &'static str, text: &str) -> Result<(), Denial> {
    let word = |word: &str| {
        (1..=32).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let plain = text.is_empty() || (text.split('/').count() <= 3 && text.split('/').all(word));
    check(plain, judge, operation, "platform", text, "a platform is `os/arch` or `os/arch/variant`")
}

/// A path inside a container, for archives. `/proc`, `/sys` and `/dev` are the kernel's and not the container's.
pub(super) fn container_path(
    judge: &Judge<'_>,
    operation: &'static str,
    place: &str,
    text: &str,
) -> Result<(), Denial> {
    let why = "paths go to the container's own files: no empty path, no `..`, nothing under /proc, /sys or /dev";
    let climbs = text.split('/').any(|part| part == "..");
    let kernel =
        ["proc", "sys", "dev"].contains(&text.split('/').find(|part| !part.is_empty() && *part != ".").unwrap_or(""));
    check(!text.is_empty() && text.len() <= 4096 && !climbs && !kernel, judge, operation, place, text, why)
}

/// An absolute path inside a container that is spelled in one way only: no empty, `.` or `..` part, no colon.
pub(super) fn is_clean_path(text: &str) -> bool {
    let parts = text.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    parts.is_some_and(|rest| {
        !text.contains([':', '\0', ',']) && rest.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
    })
}

/// A container's name in Docker's grammar, without the leading slash that some answers show.
pub(super) fn is_container_name(text: &str) -> bool {
    let rest = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    (2..=128).contains(&text.len())
        && text.bytes().all(rest)
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

/// Whether a name could be taken for an ID or an ID prefix of somebody's object.
pub(super) fn looks_like_an_id(text: &str) -> bool {
    text.len() >= 12 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn check(
    plain: bool,
    judge: &Judge<'_>,
    operation: &'static str,
    place: &str,
    text: &str,
    why: &str,
) -> Result<(), Denial> {
    if plain { Ok(()) } else { Err(judge.floor(operation, place, shown(text), why)) }
}

/// Signals by name, as Linux knows them.
const SIGNALS: &[&str] = &[
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];

/// Signals that a process ignores, or that only halt it, by name and by number (x86 and ARM). Not `WINCH`: some servers
/// end by it.
const ENDLESS: &[(&str, u8)] =
    &[("CHLD", 17), ("CLD", 17), ("CONT", 18), ("STOP", 19), ("TSTP", 20), ("TTIN", 21), ("TTOU", 22), ("URG", 23)];
