//! What is wrong with a policy is said with its place, all of it, and shipped policies have nothing wrong.

use insta::assert_snapshot;

use super::*;
use crate::policy::compile::{
    Build, Containers, Control, ExecGrant, Images, Networks, Prune, PublishAddress, Reach, Reaper, RegistryAuth,
    Volumes,
};
use crate::policy::file::keys::KEYS;

fn load(text: &str) -> Policy {
    parse(text, "x.toml", Origin::File("x.toml".to_owned())).unwrap_or_else(|error| panic!("{error}"))
}

fn errors(text: &str) -> Vec<String> {
    match parse(text, "x.toml", Origin::File("x.toml".to_owned())) {
        Ok(policy) => panic!("{policy} loads"),
        Err(error) => error.errors.iter().map(Finding::to_string).collect(),
    }
}

#[test]
fn an_empty_policy_grants_nothing() {
    let expected = Policy {
        name: "x.toml".to_owned(),
        origin: Origin::File("x.toml".to_owned()),
        reason: String::new(),
        unrestricted: false,
        images: Images::default(),
        containers: Containers::default(),
        networks: Networks::default(),
        volumes: Volumes::default(),
        build: Build::default(),
        prune: Prune::Refuse,
        reaper: Reaper::default(),
        templates: Vec::new(),
        not_in_force: Vec::new(),
    };
    assert_eq!(load(""), expected);
    assert!(!load("").can_create());
    assert!(!load("").containers.names.matches("x") && !load("").containers.exec.allows(""));
}

#[test]
fn every_key_refuses_a_value_of_another_kind_where_it_stands() {
    for key in KEYS {
        let (section, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let line = if section.is_empty() { 1 } else { 2 };
        let found = errors(&format!("{header}{name} = 1979-05-27"));
        let expected = format!("{line}:1: `{}`: takes {}, not `1979-05-27`", key.path, key.wanted());
        assert_eq!(found, [expected]);
    }
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let text = r#"version = 2
extends = "postgress"

[images]
allow = ["postgres:16", "Postgres:16", "https://x"]
alow = []

[container]
exec = true

[containers]
see = "everybody"
publish = ["5432/tcp", "99999/tcp", 16]
publish_address = "any"
env = ["TZ=UTC"]
lifetime = 30
labels = ["docker-broker.owner"]
control = { label = ["x=y"] }

[containers.limits]
memory = "1g"
cpus = -1
pids = 0
log = { drivers = [] }

[containers.host]
binds = ["srv"]
"#;
    assert_snapshot!(check(text, "agent.toml"));
}

#[test]
fn broken_syntax_is_placed() {
    assert_snapshot!(check("version = 1\n[images\nallow = [\"postgres:16\"]\npull = yes\n", "agent.toml"));
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let found = errors("[images]\npull = true\npull = false\n");
    assert!(found.iter().any(|line| line.starts_with("3:1: ")), "{found:?}");
}

#[test]
fn what_weakens_is_warned_about() {
    let text = r#"
[images]
allow = ["postgres:16", "redis:*"]
registry-auth = "client"

[containers]
see = "all"
control = "all"
names = ["agent1-*"]
lifetime = "unlimited"
env = ["*"]
labels = ["*"]
publish-address = "any"
publish-ports = "as-asked"
attach = ["dev-internal"]
attach-mode = "add"

[containers.limits]
memory = "unlimited"
cpus = 2
log = "unlimited"

[containers.host]
privileged = true
dns = false
binds = ["/srv:rw", "/etc:rw", "/var/lib/docker", "/srv2"]
devices = ["/dev/sda"]
cap-add = ["SYS_ADMIN", "NET_ADMIN"]
pid = ["host"]
network = ["host"]
security-opt = ["seccomp=unconfined"]

[networks]
create = true
"#;
    assert_snapshot!(check(text, "agent.toml"));
}

#[test]
fn a_tight_policy_is_not_warned_about() {
    let text = r#"
version = 1
[images]
allow = ["postgres:16"]
[containers]
control = "own"
lifetime = "30m"
[containers.limits]
memory = "1GiB"
cpus = 0.5
pids = 100
shm = "64MiB"
log = { drivers = ["local"], max-size = "20MiB" }
"#;
    let report = check(text, "agent.toml");
    assert_eq!(report.to_string(), "");
    assert!(report.is_usable());
}

#[test]
fn unrestricted_says_what_it_is() {
    let report = check("version = 1\nunrestricted = true", "all.toml");
    assert_eq!(report.warnings.len(), 1);
    assert!(report.to_string().contains("root on the engine's host"), "{report}");
}

#[test]
fn containers_need_a_lifetime() {
    let text = "[images]\nallow = [\"postgres:16\"]\n[containers]\ncontrol = \"own\"\n";
    let expected = "`containers.lifetime`: missing; say how long a container may live, as `lifetime = \"30m\"`, \
                        or `\"unlimited\"`";
    assert_eq!(errors(text), [expected]);
    assert_eq!(load(&format!("{text}lifetime = \"unlimited\"")).containers.lifetime, Lifetime::Unlimited);
}

#[test]
fn attached_containers_have_names_of_their_own() {
    for names in ["[\"*\"]", "[\"agent1-*\", \"db\"]", "[\"*-db\"]", "[\"a*b*\"]"] {
        let found = errors(&format!("[containers]\nattach = [\"dev\"]\nnames = {names}\n"));
        assert!(found.len() == 1 && found[0].starts_with("3:1: `containers.names`: must hold only"), "{found:?}");
    }
    assert_eq!(load("[containers]\nattach = [\"dev\"]\nnames = [\"agent1-*\"]").containers.attach, ["dev"]);
    assert!(load("[containers]\nattach = [\"dev\"]").containers.names.is_empty());
}

#[test]
fn what_is_not_built_stays_refused_and_is_listed() {
    let text = r#"
[images]
registry-auth = "broker"
[containers]
max = 3
reach = "relay"
[containers.limits]
disk = "4GiB"
[containers.host]
buildkit = true
cap-add = []
[networks]
create = { names = ["n*"], max = 5, internal = false }
[volumes]
create = false
[build]
from = ["agent/*"]
[prune]
answer = "own"
[reaper]
emulate = true
"#;
    let policy = load(text);
    assert_eq!(policy.images.registry_auth, RegistryAuth::Broker);
    assert_eq!(policy.containers.control, Control::None);
    assert_eq!(policy.containers.reach, Reach::Publish);
    assert_eq!(policy.containers.host, compile::Host::default());
    assert_eq!((policy.volumes, policy.build), Default::default());
    let networks = policy.networks.create.expect("a grant");
    assert!(networks.names.matches("n1") && !networks.names.matches("x"));
    assert_eq!((networks.max, networks.internal), (Some(5), false));
    assert_eq!((policy.prune, policy.reaper), (Prune::Own, Reaper::default()));
    assert_eq!(policy.containers.max, Some(3));
    let notes: Vec<String> = policy.not_in_force.iter().map(ToString::to_string).collect();
    assert_snapshot!(notes.join("\n"));
}

#[test]
fn a_base_gives_way_key_by_key_and_lists_are_replaced() {
    let text = r#"
extends = "postgres"
[images]
allow = ["postgres:17"]
[containers]
exec = { users = ["postgres", ""] }
env = []
[containers.limits]
memory = "2GiB"
log = { drivers = ["journald"], max-size = "unlimited" }
"#;
    let policy = load(text);
    let base = builtin::builtin("postgres").expect("shipped");
    assert_eq!(policy.images.allow.len(), 1);
    assert!(policy.images.pull);
    assert!(policy.containers.exec.allows("postgres") && !policy.containers.exec.allows("root"));
    assert!(policy.containers.env.is_empty());
    assert_eq!(policy.containers.limits.memory, compile::Limit::At(2 << 30));
    assert_eq!(policy.containers.limits.pids, base.containers.limits.pids);
    assert_eq!(policy.containers.limits.log.value().expect("a limit").drivers, ["journald"]);
    assert_eq!(policy.containers.labels, base.containers.labels);
    assert_eq!(policy.origin, Origin::File("x.toml".to_owned()));
}

#[test]
fn an_error_from_the_base_has_no_place_in_the_text() {
    let found = errors("extends = \"postgres\"\n[containers]\nattach = [\"dev\"]\n");
    assert!(found.len() == 1 && found[0].starts_with("`containers.names`: must hold"), "{found:?}");
}

#[test]
fn exec_may_be_a_switch_or_a_list_of_users() {
    assert_eq!(load("[containers]\nexec = true").containers.exec, ExecGrant::Any);
    assert_eq!(load("[containers]\nexec = false").containers.exec, ExecGrant::None);
    let none = load("[containers]\nexec = {}").containers.exec;
    assert!(!none.allows("") && !none.allows("root"));
}

#[test]
fn places_count_characters_and_not_bytes() {
    let found = errors("reason = \"\u{e9}\u{e9}\"\nimages = { \"\u{e9}\" = 1, alow = [] }\r\n");
    assert!(found.iter().any(|line| line.starts_with("2:21: `images.alow`:")), "{found:?}");
    assert!(errors("[prune]\r\nanswer = \"x\"\r\n")[0].starts_with("2:1: "));
}

#[test]
fn an_odd_text_is_an_error_and_not_the_end() {
    for text in ["\0", "[", "=", "a.b.c.d = 1", "images = 1", "[[images]]", "\"\" = 1", "'' = {}", "images.\"a.b\" = 1"]
    {
        assert!(!check(text, "x").is_usable(), "{text:?}");
    }
    let deep = format!("x = {}", "[".repeat(10_000));
    assert!(!check(&deep, "x").is_usable());
    let text = "[containers]\npublish-address = \"bridge\"";
    assert_eq!(load(text).containers.publish_address, PublishAddress::Bridge);
}

#[test]
fn a_dotted_name_in_quotes_is_not_the_path_of_a_key() {
    assert!(errors("\"images.pull\" = true")[0].contains("not a known key"));
    assert!(errors("[containers]\n\"host.privileged\" = true")[0].contains("not a known key"));
}
