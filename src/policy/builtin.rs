//! The policies that come with the broker, compiled in. Each file under `policy/` is an example to start from as well,
//! so it says why each line stands there.

use super::check;
use super::compile::{Origin, Policy};

/// The names of the shipped policies; the first one is the default.
pub const BUILTIN_NAMES: [&str; 7] =
    ["postgres", "testcontainers", "dry-run", "compose-admin", "read-only", "deny-all", "unrestricted"];

/// The policy that is used where none is named.
pub const DEFAULT_NAME: &str = "postgres";

/// The text of a shipped policy, for `policy show` and as the base of `extends`.
#[must_use]
pub fn builtin_text(name: &str) -> Option<&'static str> {
    match name {
        "postgres" => Some(include_str!("../../policy/postgres.toml")),
        "testcontainers" => Some(include_str!("../../policy/testcontainers.toml")),
        "dry-run" => Some(include_str!("../../policy/dry-run.toml")),
        "compose-admin" => Some(include_str!("../../policy/compose-admin.toml")),
        "read-only" => Some(include_str!("../../policy/read-only.toml")),
        "deny-all" => Some(include_str!("../../policy/deny-all.toml")),
        "unrestricted" => Some(include_str!("../../policy/unrestricted.toml")),
        _ => None,
    }
}

/// A shipped policy, ready to run.
#[must_use]
pub fn builtin(name: &str) -> Option<Policy> {
    let text = builtin_text(name)?;
    check::parse(text, name, Origin::BuiltIn).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::check::check;
    use crate::policy::compile::{
        Containers, Control, ExecGrant, Host, Images, Lifetime, Limit, Networks, Prune, PublishAddress, PublishPorts,
        RegistryAuth, Scope, Volumes,
    };
    use crate::policy::pattern::{ImageReference, Protocol};

    fn shipped(name: &str) -> Policy {
        builtin(name)
            .unwrap_or_else(|| panic!("{name} does not load: {}", check(builtin_text(name).unwrap_or(""), name)))
    }

    fn allows(policy: &Policy, image: &str) -> bool {
        policy.allows_image(&ImageReference::parse(image).expect("a reference"))
    }

    #[test]
    fn a_name_that_is_not_shipped_is_none() {
        assert!(builtin("Postgres").is_none());
        assert!(builtin("").is_none());
        assert!(builtin_text("../postgres").is_none());
    }

    #[test]
    fn every_shipped_policy_loads_under_its_name_and_stands_alone() {
        for name in BUILTIN_NAMES {
            let policy = shipped(name);
            assert_eq!(policy.name, name);
            assert_eq!(policy.to_string(), format!("policy `{name}` (built in)"));
            assert!(!policy.reason.is_empty(), "{name}");
            let table: toml::Table = toml::from_str(builtin_text(name).expect("text")).expect("TOML");
            assert!(!table.contains_key("extends"), "{name}");
        }
    }

    #[test]
    fn postgres_allows_one_database_and_nothing_else() {
        let policy = shipped(DEFAULT_NAME);
        assert!(allows(&policy, "postgres:16") && allows(&policy, "docker.io/library/postgres:17"));
        for image in ["postgres", "postgres:15", "postgres:16-alpine", "redis:7", "testcontainers/ryuk:0.14.0"] {
            assert!(!allows(&policy, image), "{image}");
        }
        let Images { allow: _, pull, registry_auth, push, remove, save, search, credentials: _ } = policy.images;
        assert!(pull && registry_auth == RegistryAuth::None);
        assert!(push.is_empty() && remove.is_empty() && !save && !search);
        assert_eq!((policy.networks, policy.volumes), (Networks::default(), Volumes::default()));
        assert_eq!(policy.containers.host, Host::default());
        assert_eq!(policy.prune, Prune::Stub);
        assert!(!policy.unrestricted && !policy.reaper.emulate);
    }

    #[test]
    fn postgres_serves_ordinary_suites() {
        let containers = shipped("postgres").containers;
        for key in ["POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_HOST_AUTH_METHOD", "PGDATA", "TZ", "LANG", "LC_ALL"]
        {
            assert!(containers.env.matches(key), "{key}");
        }
        for key in ["PATH", "LD_PRELOAD", "HTTP_PROXY", "DOCKER_HOST", "XPOSTGRES_USER"] {
            assert!(!containers.env.matches(key), "{key}");
        }
        for key in ["org.testcontainers", "org.testcontainers.sessionId", "org.testcontainers.managed-by"] {
            assert!(containers.labels.matches(key), "{key}");
        }
        assert!(!containers.labels.matches("docker-broker.owner"));
        let published = |port| containers.publish.iter().any(|pattern| pattern.matches(port, Protocol::Tcp));
        assert!(published(5432) && !published(22));
        assert_eq!(containers.tmpfs, ["/var/lib/postgresql/data"]);
        assert!(containers.networks.matches("bridge") && !containers.networks.matches("host"));
        assert_eq!((containers.see, containers.control), (Scope::Own, Control::Own));
        assert_eq!(containers.publish_address, PublishAddress::Loopback);
        assert_eq!(containers.publish_ports, PublishPorts::Ephemeral);
        assert!(containers.exec == ExecGrant::Any && containers.copy_in && containers.copy_out);
        assert_eq!(containers.lifetime, Lifetime::For(Duration::from_secs(1800)));
        assert!(containers.command.is_none() && containers.entrypoint.is_none());
    }

    #[test]
    fn postgres_has_limits() {
        let limits = shipped("postgres").containers.limits;
        assert_eq!(limits.memory, Limit::At(1 << 30));
        assert_eq!(limits.cpus, Limit::At(2_000_000_000));
        assert_eq!(limits.pids, Limit::At(512));
        assert_eq!(limits.shm, Limit::At(256 << 20));
        let log = limits.log.value().expect("a log limit");
        assert_eq!(log.drivers, ["local", "json-file"]);
        assert_eq!(log.max_size, Limit::At(20 << 20));
    }

    #[test]
    fn testcontainers_allows_no_image_until_one_is_listed() {
        let policy = shipped("testcontainers");
        assert!(policy.images.allow.is_empty() && !policy.can_create());
        let report = check(builtin_text("testcontainers").expect("text"), "testcontainers.toml");
        assert!(report.warnings.iter().any(|finding| finding.key == "images.allow"), "{report}");
        let text = "extends = \"testcontainers\"\n[images]\nallow = [\"redis:7\"]";
        let policy = check::parse(text, "x.toml", Origin::File("x.toml".to_owned())).expect("loads");
        assert!(policy.can_create() && allows(&policy, "redis:7") && policy.images.pull);
        assert_eq!(policy.to_string(), "policy file `x.toml`");
    }

    #[test]
    fn a_dry_run_has_small_containers_and_no_way_out() {
        let policy = shipped("dry-run");
        assert!(allows(&policy, "discovery/test-probe:1") && allows(&policy, "discovery/test-probe"));
        for image in ["discovery/probe:1", "discovery/test-a/b:1", "elsewhere.example/discovery/test-a:1", "test-a:1"] {
            assert!(!allows(&policy, image), "{image}");
        }
        assert!(!policy.images.pull && policy.prune == Prune::Own);
        let containers = &policy.containers;
        assert_eq!((containers.max, containers.lifetime), (Some(20), Lifetime::For(Duration::from_secs(1800))));
        assert!(containers.publish.is_empty() && !containers.networks.matches("bridge"));
        let limits = &containers.limits;
        assert_eq!((&limits.memory, &limits.cpus), (&Limit::At(512 << 20), &Limit::At(500_000_000)));
        assert_eq!(limits.pids, Limit::At(100));
        let networks = policy.networks.create.expect("a grant");
        assert!(networks.internal && networks.names.matches("dryrun-1") && !networks.names.matches("n1"));
        assert_eq!(containers.host, Host::default());
    }

    #[test]
    fn compose_admin_controls_a_project_when_one_is_named() {
        let policy = shipped("compose-admin");
        assert!(!policy.can_create(), "until images are listed");
        assert_eq!((policy.containers.see, policy.containers.control), (Scope::Own, Control::Own));
        assert_eq!(policy.containers.lifetime, Lifetime::Unlimited);
        for key in ["com.docker.compose.project", "com.docker.compose.service", "com.docker.compose.config-hash"] {
            assert!(policy.containers.labels.matches(key), "{key}");
        }
        assert!(!policy.containers.labels.matches("docker-broker.owner"));
        assert!(policy.containers.host.binds.is_empty() && !policy.containers.host.privileged);
        // as the file's own words say
        let (text, mut uncommented) = (builtin_text("compose-admin").expect("text"), String::new());
        let example =
            text.lines().map_while(|line| line.strip_prefix('#')).skip_while(|line| !line.contains("extends"));
        for line in example.take_while(|line| !line.is_empty()) {
            uncommented.push_str(line.trim_start());
            uncommented.push('\n');
        }
        let policy = check::parse(&uncommented, "x.toml", Origin::File("x.toml".to_owned())).expect("loads");
        let project = ("com.docker.compose.project".to_owned(), "shop".to_owned());
        assert_eq!(policy.containers.control, Control::Labels(vec![project]));
        assert!(policy.can_create() && allows(&policy, "registry.example/shop/web:3"));
    }

    #[test]
    fn read_only_sees_and_does_nothing() {
        let policy = shipped("read-only");
        let nothing = Policy { containers: Containers::default(), ..shipped("deny-all") };
        let expected = Containers { see: Scope::All, ..nothing.containers };
        assert_eq!(policy.containers, expected);
        assert!(!policy.can_create() && policy.images == Images::default() && policy.prune == Prune::Refuse);
    }

    #[test]
    fn unrestricted_is_the_only_one_that_is() {
        for name in BUILTIN_NAMES {
            assert_eq!(shipped(name).unrestricted, name == "unrestricted", "{name}");
        }
        assert_eq!(shipped("unrestricted").containers.lifetime, Lifetime::Unlimited);
    }

    #[test]
    fn shipped_policies_do_not_rest_on_what_is_not_there() {
        for name in BUILTIN_NAMES {
            let keys: Vec<_> = shipped(name).not_in_force.iter().map(|note| note.key).collect();
            assert!(keys.is_empty(), "{name}: {keys:?}");
        }
    }
}
