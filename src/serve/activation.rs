//! Sockets that the service manager listens on and passes (`sd_listen_fds(3)`), and which listener gets which.
//!
//! Must never guess: a socket under the wrong policy would open what that policy opens.

use std::os::fd::OwnedFd;

use super::ServeError;

/// The passed sockets, with the names that the service manager gave them.
#[derive(Debug, Default)]
pub struct Passed(Vec<(Option<String>, OwnedFd)>);

impl Passed {
    /// Takes those that were passed to this process. It can be done once, and before anything else opens files.
    ///
    /// # Errors
    /// When the variables that speak of them cannot be read.
    pub fn take() -> Result<Self, ServeError> {
        let passed = sd_listen_fds::get().map_err(ServeError::Passed)?;
        Ok(Self(passed.into_iter().map(|(name, socket)| (name, socket.into_std())).collect()))
    }

    /// The socket of each listener, in the order of `names`: by name where all sockets are named after listeners, else one
    /// for each listener in their order.
    ///
    /// # Errors
    /// When it is not clear which socket is whose.
    pub(super) fn assign(self, names: &[&str]) -> Result<Vec<Option<OwnedFd>>, ServeError> {
        let Self(passed) = self;
        let is_named =
            |(name, _): &&(Option<String>, OwnedFd)| name.as_deref().is_some_and(|name| names.contains(&name));
        let (named, all) = (passed.iter().filter(is_named).count(), passed.len());
        if all == 0 {
            return Ok(names.iter().map(|_| None).collect());
        }
        if named == 0 && all == names.len() {
            return Ok(passed.into_iter().map(|(_, socket)| Some(socket)).collect());
        }
        let distinct = names.iter().filter(|name| passed.iter().any(|(of, _)| of.as_deref() == Some(name))).count();
        if named != all || distinct != all {
            let called: Vec<&str> = passed.iter().map(|(name, _)| name.as_deref().unwrap_or("unnamed")).collect();
            return Err(ServeError::UnclearSockets { passed: called.join("`, `"), listeners: names.join("`, `") });
        }
        let mut left = passed;
        let mut take = |name: &str| {
            let position = left.iter().position(|(of, _)| of.as_deref() == Some(name))?;
            Some(left.swap_remove(position).1)
        };
        Ok(names.iter().map(|name| take(name)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Sockets of these names, and their numbers.
    fn passed(names: &[Option<&str>]) -> (Passed, Vec<i32>) {
        let socket = |name: &Option<&str>| (name.map(str::to_owned), OwnedFd::from(UnixStream::pair().unwrap().0));
        let all: Vec<_> = names.iter().map(socket).collect();
        let numbers = all.iter().map(|(_, socket)| socket.as_raw_fd()).collect();
        (Passed(all), numbers)
    }

    fn numbers(assigned: &[Option<OwnedFd>]) -> Vec<Option<i32>> {
        assigned.iter().map(|socket| socket.as_ref().map(AsRawFd::as_raw_fd)).collect()
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        for (names, listeners) in [
            (&[Some("a"), Some("x")][..], &["a", "b"][..]),
            (&[Some("x")], &["a", "b"]),
            (&[None, None], &["a"]),
            (&[Some("a"), Some("a")], &["a", "b"]),
            (&[Some("a"), None], &["a", "b"]),
        ] {
            assert!(passed(names).0.assign(listeners).is_err(), "{names:?} {listeners:?}");
        }
    }

    #[test]
    fn names_come_before_the_order() {
        let (sockets, fds) = passed(&[Some("b"), Some("a")]);
        assert_eq!(numbers(&sockets.assign(&["a", "b", "c"]).unwrap()), [Some(fds[1]), Some(fds[0]), None]);
        let (sockets, fds) = passed(&[Some("docker-broker.socket"), Some("docker-broker.socket")]);
        assert_eq!(numbers(&sockets.assign(&["a", "b"]).unwrap()), [Some(fds[0]), Some(fds[1])]);
        assert_eq!(numbers(&Passed::default().assign(&["a"]).unwrap()), [None]);
    }
}
