//! How much one owner may have: numbers, and what its containers may use together.

use serde_json::json;

use super::fixture::{Scene, each};
use crate::operation::Operation;
use crate::policy::facts::{CountFacts, Facts, UsageFacts, Used};
use crate::policy::judge::Judge;

const GIB: i64 = 1 << 30;

fn scene(patch: &str, session: usize, owner: usize) -> Scene {
    let mut scene = Scene::postgres_with(patch);
    scene.engine.count = CountFacts { session, owner };
    scene
}

fn with_usage(patch: &str, usage: UsageFacts) -> Scene {
    let mut scene = Scene::postgres_with(patch);
    scene.engine.usage = usage;
    scene
}

#[test]
fn one_more_than_the_bound_is_refused_with_the_number_there_is() {
    each(
        [
            ("[containers]\nmax=3", 3, 3, "containers.max"),
            ("[containers]\nmax=3", 7, 7, "containers.max"),
            ("[containers]\nmax=0", 0, 0, "containers.max"),
            ("[containers]\nmax=9\nmax-per-owner=5", 1, 5, "containers.max-per-owner"),
            ("[containers]\nmax-per-owner=0", 0, 0, "containers.max-per-owner"),
        ],
        |(patch, session, owner, key)| {
            let denial = scene(patch, *session, *owner).create(&json!({})).denied();
            let message = denial.message("r");
            let there = if *key == "containers.max" { session } else { owner };
            assert!(message.contains(&format!("(key `{key}`)")), "{message}");
            assert!(message.contains(&format!("has {there};")), "{message}");
            assert!(message.contains("allows at most"), "{message}");
        },
    );
    let message = scene("[containers]\nmax=3", 3, 3).create(&json!({})).denied().message("r");
    assert_eq!(
        message,
        "docker-broker: ContainerCreate refused: one more container, and session `s1` has 3; policy file `test.toml` allows \
         at most 3 containers in a session (key `containers.max`) [request r]"
    );
}

#[test]
fn up_to_the_bound_everything_passes_and_without_one_nothing_is_counted() {
    scene("[containers]\nmax=3\nmax-per-owner=6", 2, 5).create(&json!({})).sent();
    let all = scene("", usize::MAX, usize::MAX);
    let mut policy = all.policy.clone();
    policy.containers.max = None;
    Scene { policy, ..all }.create(&json!({})).sent();
}

#[test]
fn what_was_made_beside_another_brokers_is_refused_when_it_is_too_much() {
    let scene = scene("[containers]\nmax=3", 0, 0);
    let judge = Judge { policy: &scene.policy, stamp: &scene.stamp, sockets: &[] };
    let create = scene.operation("/v1.44/containers/create", &json!({"Image": "postgres:16"}));
    assert!(judge.is_bounded(&create));
    let permit = scene.permit(create).unwrap();
    let recount = |session| {
        let mut facts = Facts::default();
        for query in judge.recount_questions(&permit) {
            facts.insert(query, crate::policy::facts::Fact::Count(CountFacts { session, owner: session }));
        }
        judge.recount(&permit, &facts)
    };
    assert_eq!(recount(3), Ok(()), "it is one of the three");
    let message = recount(4).unwrap_err().message("r");
    assert!(message.contains("another broker was faster: session `s1` has 4 with it"), "{message}");
    assert!(judge.recount(&permit, &Facts::default()).is_err(), "a count that nobody made is a refusal");
}

#[test]
fn only_creates_that_the_policy_bounds_wait_for_their_turn() {
    let bounded = |patch: &str, target: &str| {
        let scene = Scene::postgres_with(patch);
        let operation: Operation = scene.operation(target, &json!({"Image": "postgres:16"}));
        Judge { policy: &scene.policy, stamp: &scene.stamp, sockets: &[] }.is_bounded(&operation)
    };
    let create = "/v1.44/containers/create";
    assert!(bounded("[containers]\nmax=1", create) && bounded("[containers.totals]\npids=9", create));
    assert!(!bounded("[containers]\nmax=1", "/v1.44/containers/own/start"));
    let mut scene = Scene::with("unrestricted=true\n[containers]\nmax=1");
    scene.policy.unrestricted = true;
    let operation = scene.operation(create, &json!({"Image": "postgres:16"}));
    assert!(!Judge { policy: &scene.policy, stamp: &scene.stamp, sockets: &[] }.is_bounded(&operation));
}

#[test]
fn what_does_not_fit_into_the_totals_is_refused_with_what_is_left() {
    let used = |sum| Used { sum, unbounded: 0 };
    each(
        [
            ("memory=\"2GiB\"", UsageFacts { memory: used(GIB + 1), ..UsageFacts::default() }, "memory"),
            ("memory=\"2GiB\"", UsageFacts { memory: used(i64::MAX), ..UsageFacts::default() }, "memory"),
            ("memory=\"512MiB\"", UsageFacts::default(), "memory"),
            ("cpus=2.5", UsageFacts { nano_cpus: used(500_000_001), ..UsageFacts::default() }, "cpus"),
            ("pids=600", UsageFacts { pids: used(89), ..UsageFacts::default() }, "pids"),
            ("pids=600", UsageFacts { pids: Used { sum: 1, unbounded: 1 }, ..UsageFacts::default() }, "pids"),
        ],
        |(patch, usage, key)| {
            let scene = with_usage(&format!("[containers.totals]\n{patch}"), *usage);
            assert_eq!(scene.create(&json!({})).refused_by(), format!("containers.totals.{key}"));
        },
    );
    let half = UsageFacts { memory: used(3 * GIB / 2), ..UsageFacts::default() };
    let message = with_usage("[containers.totals]\nmemory=\"2GiB\"", half).create(&json!({})).denied().message("r");
    assert!(message.contains("`HostConfig.Memory`: `1073741824` bytes of memory"), "{message}");
    assert!(message.contains("1610612736 are used and 536870912 left"), "{message}");
}

#[test]
fn a_container_without_a_limit_fits_into_no_total() {
    let patch = "[containers.limits]\nmemory=\"unlimited\"\n[containers.totals]\nmemory=\"64GiB\"";
    let scene = with_usage(patch, UsageFacts::default());
    assert_eq!(scene.create(&json!({})).refused_by(), "containers.totals.memory");
    scene.create_host(&json!({"Memory": GIB})).sent();
}

#[test]
fn what_fits_passes_and_a_quota_counts_as_its_cpus() {
    let used = |sum| Used { sum, unbounded: 0 };
    let usage = UsageFacts { memory: used(GIB), nano_cpus: used(1_000_000_000), pids: used(88) };
    let patch = "[containers.totals]\nmemory=\"2GiB\"\ncpus=3\npids=600";
    with_usage(patch, usage).create(&json!({})).sent();
    let cpus = |quota| with_usage("[containers.totals]\ncpus=2.5", usage).create_host(&json!({"CpuQuota": quota}));
    cpus(150_000).sent();
    assert_eq!(cpus(150_001).refused_by(), "containers.totals.cpus");
    let mut unable = with_usage(patch, UsageFacts { memory: used(i64::MAX), ..usage });
    unable.engine.info.memory_limit = false;
    unable.create(&json!({})).sent();
}

#[test]
fn the_bound_on_disk_is_written_on_every_container_also_over_an_images_label() {
    let disk = |patch: &str| {
        let sent = Scene::postgres_with(patch).create(&json!({})).sent();
        sent.at("/Labels")["docker-broker.disk"].clone()
    };
    assert_eq!(disk("[containers.limits]\ndisk=\"4GiB\""), json!("4294967296"));
    assert_eq!(disk("[containers.limits]\ndisk=\"unlimited\""), json!("unlimited"));
    assert_eq!(disk(""), json!("unlimited"));
}

#[test]
fn an_update_raises_no_sum_over_the_total() {
    let used = |sum| Used { sum, unbounded: 0 };
    let others = UsageFacts { memory: used(GIB), pids: used(500), ..UsageFacts::default() };
    let scene = with_usage("[containers.totals]\nmemory=\"3GiB\"\n[containers.limits]\nmemory=\"4GiB\"", others);
    let update = |body| scene.post("/v1.44/containers/own/update", &body);
    update(json!({"Memory": 2 * GIB})).sent();
    update(json!({"NanoCpus": 1_000_000_000})).sent();
    let message = update(json!({"Memory": 2 * GIB + 1})).denied().message("r");
    assert!(message.contains("ContainerUpdate refused: `Memory`: `2147483649` bytes"), "{message}");
    let judge = Judge { policy: &scene.policy, stamp: &scene.stamp, sockets: &[] };
    assert!(judge.is_bounded(&scene.operation("/v1.44/containers/own/update", &json!({}))));
}
