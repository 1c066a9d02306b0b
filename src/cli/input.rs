//! What commands read: a file, or standard input for `-`.

use std::fs::File;
use std::io::{self, Read};

use super::exit::{Exit, Failure};

/// Opens a file, or standard input for `-`.
///
/// # Errors
/// When there is no such file, or it cannot be opened.
pub(super) fn open_input(name: &str) -> io::Result<Box<dyn Read>> {
    Ok(if name == "-" { Box::new(io::stdin()) } else { Box::new(File::open(name)?) })
}

/// The bytes of a file, or of standard input for `-`; at most 64 MiB, which is more than any bound on what is read whole.
pub(super) fn read_input(name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = open_input(name).and_then(|input| input.take(LARGEST).read_to_end(&mut bytes));
    read.map_err(|error| cannot_read(name, &error))?;
    Ok(bytes)
}

/// What is said of a file that cannot be read.
pub(super) fn cannot_read(name: &str, error: &io::Error) -> Failure {
    let name = if name == "-" { "standard input".to_owned() } else { format!("`{name}`") };
    Failure { exit: Exit::NoInput, lines: vec![format!("cannot read {name}"), error.to_string()] }
}

const LARGEST: u64 = 64 * 1024 * 1024;
