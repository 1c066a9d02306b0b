//! What is changed in the environment of the command: where its clients find the broker, and nothing that leads past it.
//!
//! Must never touch a variable that is not named here or on the command line.

use crate::cli::surroundings::MISLEADING;
use crate::upstream::address::Address;

/// What is set and unset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) set: Vec<(String, String)>,
    pub(super) unset: Vec<String>,
}

/// A variable that `--env` sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    name: String,
    value: String,
}

/// The changes for a command whose broker listens there. `given` are set last; `kept` are left as they are.
pub(super) fn changes(socket: &Address, given: &[Variable], kept: &[String]) -> Changes {
    let is_kept = |name: &str| kept.iter().any(|kept| kept == name);
    let own = [("DOCKER_HOST", socket.to_string()), ("TESTCONTAINERS_RYUK_DISABLED", "true".to_owned())];
    let own = own.into_iter().filter(|(name, _)| !is_kept(name)).map(|(name, value)| (name.to_owned(), value));
    let given = given.iter().map(|variable| (variable.name.clone(), variable.value.clone()));
    let set: Vec<(String, String)> = own.chain(given).collect();
    let is_set = |name: &str| set.iter().any(|(set, _)| set == name);
    let unset = misleading().filter(|name| !is_kept(name) && !is_set(name)).map(str::to_owned);
    Changes { unset: unset.collect(), set }
}

/// Reads `NAME=VALUE`.
pub(super) fn read_variable(text: &str) -> Result<Variable, String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "write `NAME=VALUE`".to_owned())?;
    Ok(Variable { name: read_name(name)?, value: value.to_owned() })
}

/// Reads the name of a variable.
pub(super) fn read_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['=', '\0']) {
        return Err("write the name of a variable, as `DOCKER_HOST`".to_owned());
    }
    Ok(text.to_owned())
}

/// What is unset: all that misleads clients of a broker, and what would lead the command's own tools past this one. A
/// current context in Docker's configuration is no variable and needs nothing: `DOCKER_HOST` wins over it, though
/// `DOCKER_CONTEXT` wins over `DOCKER_HOST`.
fn misleading() -> impl Iterator<Item = &'static str> {
    MISLEADING.iter().map(|variable| variable.name).chain(PAST_THIS_BROKER)
}

/// `BROKER_UPSTREAM` would lead a broker that the command starts past this one.
const PAST_THIS_BROKER: [&str; 4] =
    ["BROKER_UPSTREAM", "BUILDKIT_HOST", "CONTAINER_CONNECTION", "TESTCONTAINERS_DOCKER_CLIENT_STRATEGY"];

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> Address {
        Address::parse("/run/x/docker.sock").unwrap()
    }

    #[test]
    fn what_misleads_is_unset_and_the_broker_is_named() {
        let changes = changes(&socket(), &[], &[]);
        assert_eq!(changes.unset, misleading().collect::<Vec<_>>());
        assert!(changes.unset.iter().any(|name| name == "DOCKER_CONTEXT"));
        assert_eq!(
            changes.set,
            [
                ("DOCKER_HOST".to_owned(), "unix:///run/x/docker.sock".to_owned()),
                ("TESTCONTAINERS_RYUK_DISABLED".to_owned(), "true".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_given_wins_and_what_is_kept_is_left_alone() {
        let given = [read_variable("TC_HOST=a=b").unwrap()];
        let kept = ["DOCKER_HOST".to_owned(), "DOCKER_CERT_PATH".to_owned()];
        let changes = changes(&socket(), &given, &kept);
        assert!(
            !changes.unset.contains(&"TC_HOST".to_owned()) && !changes.unset.contains(&"DOCKER_CERT_PATH".to_owned())
        );
        assert!(changes.set.contains(&("TC_HOST".to_owned(), "a=b".to_owned())));
        assert!(changes.set.iter().all(|(name, _)| name != "DOCKER_HOST"));
    }

    #[test]
    fn a_variable_has_a_name_and_a_value() {
        for odd in ["", "X", "=x"] {
            assert!(read_variable(odd).is_err(), "{odd}");
        }
        assert!(read_name("A=B").is_err());
        assert_eq!(read_variable("X="), Ok(Variable { name: "X".into(), value: String::new() }));
    }
}
