//! Where an engine or a listener is.
//!
//! Must never open anything: an address is only read here.

use std::fmt;
use std::path::{Path, PathBuf};

/// The address of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    path: PathBuf,
}

/// An address that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// `tcp://` and its like.
    #[error("`{0}`: this version speaks to Unix sockets only; write `unix:///path/to/socket`")]
    Scheme(String),
    /// Something else.
    #[error("`{0}` is not an address; write `unix:///path/to/socket`, with an absolute path")]
    Malformed(String),
}

impl Address {
    /// Reads `unix:///path`; a bare absolute path means the same.
    ///
    /// # Errors
    /// For other schemes, relative paths and empty ones.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let path = match text.split_once("://") {
            Some(("unix", path)) => path,
            Some(_) => return Err(AddressError::Scheme(without_credentials(text))),
            None => text,
        };
        if !path.starts_with('/') || path.len() < 2 || path.contains('\0') {
            return Err(AddressError::Malformed(without_credentials(text)));
        }
        Ok(Self { path: PathBuf::from(path) })
    }

    /// The socket's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// An address as a message may repeat it: what stands before an `@` (RFC 3986, 3.2.1) can be a password.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest
        .split_once('/')
        .map_or((rest, ""), |(authority, _)| (authority, rest.get(authority.len()..).unwrap_or_default()));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://[redacted]@{host}{path}"),
        None => text.to_owned(),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unix://{}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_schemes_and_relative_paths_are_refused() {
        for odd in ["", "unix://", "unix://relative.sock", "tcp://127.0.0.1:2375", "docker.sock", "unix:///"] {
            assert!(Address::parse(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        let error = Address::parse("tcp://me:pass@word@10.0.0.1:2376/x").unwrap_err().to_string();
        assert!(error.starts_with("`tcp://[redacted]@10.0.0.1:2376/x`: ") && !error.contains("word"), "{error}");
        for plain in ["tcp://10.0.0.1:2375", "unix:///run/a@b.sock", "docker@sock"] {
            assert_eq!(without_credentials(plain), plain);
        }
    }

    #[test]
    fn both_spellings_of_a_path_are_one_address() {
        let address = Address::parse("unix:///run/docker.sock").unwrap();
        assert_eq!(address, Address::parse("/run/docker.sock").unwrap());
        assert_eq!(address.to_string(), "unix:///run/docker.sock");
    }
}
