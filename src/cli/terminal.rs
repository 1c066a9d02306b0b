//! The one place where commands write to standard output and standard error.
//!
//! A reader that went away (`docker-broker operations | head`) is no error. Must never be used by a running broker,
//! which has its log and its audit.

use std::io::{self, IsTerminal, Write};

use super::exit::{Exit, Failure};

/// Writes to standard output.
///
/// # Errors
/// When it cannot be written, other than because its reader went away.
pub fn print(text: &str) -> Result<(), Failure> {
    write(&mut io::stdout().lock(), text)
}

/// Writes to standard error, where a failure could be told to nobody.
pub fn print_error(text: &str) {
    let _ = write(&mut io::stderr().lock(), text);
}

/// Whether colours are welcome on standard output.
#[must_use]
pub fn stdout_takes_colours() -> bool {
    io::stdout().is_terminal() && colours_allowed()
}

/// Whether colours are welcome on standard error.
#[must_use]
pub fn stderr_takes_colours() -> bool {
    io::stderr().is_terminal() && colours_allowed()
}

fn write(to: &mut impl Write, text: &str) -> Result<(), Failure> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(Exit::Io, &error)),
    }
}

/// See <https://no-color.org>.
fn colours_allowed() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_a_failure_and_a_reader_that_left_is_not() {
        let failure = write(&mut Broken(io::ErrorKind::StorageFull), "x").unwrap_err();
        assert_eq!(failure.exit, Exit::Io);
        assert_eq!(write(&mut Broken(io::ErrorKind::BrokenPipe), "x"), Ok(()));
    }
}
