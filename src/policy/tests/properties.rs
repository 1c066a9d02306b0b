//! Whatever a client makes of the known fields: no panic, and what is permitted is whole.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::fixture::{Outcome, Scene, fragment, image_id, merge};

/// Rows of the field table as fragments of a create: what passes, what does not, and what asks for nothing.
fn fragments() -> Vec<Value> {
    let table: Value = serde_json::from_str(include_str!("../../../tests/data/field_expectations.json")).expect("JSON");
    let rows = table["ContainerCreate"].as_array().expect("rows").clone();
    rows.iter().flat_map(fragments_of).collect()
}

fn fragments_of(row: &Value) -> Vec<Value> {
    let odd = [json!(-1), json!(0), json!(""), json!([]), json!({}), json!(i64::MAX), json!("own"), json!(["a:/b"])];
    let values = row["neutral"].as_array().expect("a list").iter().chain([&row["value"]]).chain(&odd);
    values.map(|value| fragment(row, value)).collect()
}

/// Policies that open and close different things.
static SCENES: LazyLock<Vec<Scene>> =
    LazyLock::new(|| POLICIES.iter().map(|text| Scene::postgres_with(text)).collect());

static FRAGMENTS: LazyLock<Vec<Value>> = LazyLock::new(fragments);

/// Most powers, as an operator may grant them.
static POWERFUL: LazyLock<Scene> = LazyLock::new(|| {
    Scene::postgres_with(
        r#"[containers.host]
binds = ["/etc"]
devices = ["/dev/sda"]
device-cgroup-rules = ["b 8:* rmw"]
device-requests = ["nvidia", "gpu"]
cap-add = ["ALL"]
privileged = true
network = ["host"]
pid = ["host"]
ipc = ["host", "shareable"]
uts = ["host"]
userns = ["host"]
cgroupns = ["host"]
cgroup-parent = ["/system.slice"]
sysctls = ["*"]
security-opt = ["*"]
unmasked-paths = true
runtime = ["io.containerd.runc.v2"]
restart = ["always", "unless-stopped", "on-failure"]
ulimits = ["nofile", "core"]
scheduling = true
storage-opt = ["*"]
volume-drivers = ["nfs"]
group-add = ["docker"]
annotations = ["*"]
dns = true
extra-hosts = ["*:host-gateway"]
links = true
addresses = true
"#,
    )
});

const POLICIES: [&str; 5] = [
    "",
    "[containers]\nattach=[\"dev-internal\"]\nnames=[\"a1-*\"]\n",
    "[containers]\nattach=[\"dev-internal\"]\nattach-mode=\"add\"\nnames=[\"a1-*\"]\n[containers.limits]\nover=\"clamp\"\n",
    "[containers]\nnetworks=[\"*\"]\nlabels=[\"*\"]\nenv=[\"*\"]\npublish=[\"*/tcp\", \"*/udp\"]\npublish-address=\"any\"\n",
    "[containers.limits]\nmemory=\"unlimited\"\ncpus=\"unlimited\"\npids=\"unlimited\"\nlog=\"unlimited\"\n",
];

/// What holds of every create that the engine gets.
fn assert_whole(body: &Value, target: &str) {
    let host = body["HostConfig"].as_object().expect("a HostConfig");
    for forbidden in [
        "Privileged",
        "MaskedPaths",
        "ReadonlyPaths",
        "CapAdd",
        "Capabilities",
        "Devices",
        "DeviceRequests",
        "UTSMode",
        "UsernsMode",
        "CgroupParent",
        "Cgroup",
        "Sysctls",
        "Runtime",
        "VolumeDriver",
        "Links",
        "ExtraHosts",
        "PublishAllPorts",
        "RestartPolicy",
        "OomKillDisable",
        "Annotations",
        "GroupAdd",
        "StorageOpt",
    ] {
        assert!(!host.contains_key(forbidden), "{forbidden} in {body}");
    }
    // what is shared is the own container's, by its full ID
    let own = super::fixture::full_id("aa");
    let shared = format!("container:{own}");
    assert!(["private", "none", &shared].contains(&host["IpcMode"].as_str().expect("a mode")), "{body}");
    assert!(host.get("PidMode").is_none_or(|mode| *mode == json!(shared)), "{body}");
    let network = host.get("NetworkMode").and_then(Value::as_str).unwrap_or_default();
    assert!(!network.starts_with("container:") || network == shared, "{body}");
    for from in host.get("VolumesFrom").and_then(Value::as_array).into_iter().flatten() {
        assert!(
            [own.clone(), format!("{own}:ro"), format!("{own}:rw")]
                .contains(&from.as_str().expect("a word").to_owned())
        );
    }
    assert_ne!(body["HostConfig"]["NetworkMode"], "host");
    let options = host.get("SecurityOpt").and_then(Value::as_array).cloned().unwrap_or_default();
    assert!(options.iter().all(|option| option.as_str().is_some_and(|text| text.starts_with("no-new-privileges"))));
    for bind in host.get("Binds").and_then(Value::as_array).into_iter().flatten() {
        assert!(bind.as_str().is_some_and(|bind| bind.starts_with("own-vol:/")), "{body}");
    }
    for mount in host.get("Mounts").and_then(Value::as_array).into_iter().flatten() {
        assert!(mount["Type"] == "tmpfs" || mount["Source"] == "own-vol", "{body}");
        assert!(mount.get("BindOptions").is_none() && mount["VolumeOptions"].get("DriverConfig").is_none(), "{body}");
    }
    for (name, value) in [("owner", "host-1/main"), ("session", "s1"), ("expires", "1700001800"), ("policy", "test")] {
        assert_eq!(body["Labels"][format!("docker-broker.{name}")], value, "{body}");
    }
    assert_eq!(body["Labels"]["docker-broker.image"], image_id("11"));
    assert_eq!(body["Labels"]["docker-broker.version"], env!("CARGO_PKG_VERSION"));
    assert!(target.starts_with("POST /containers/create"), "{target}");
}

fn judged(scene: &Scene, body: &Value) -> bool {
    match scene.post("/containers/create", body) {
        Outcome::Sent(sent) => {
            assert_whole(&sent.body, &sent.target);
            // what was judged once is judged the same again, but for our own labels
            let mut again = sent.body;
            let labels: Map<String, Value> = again["Labels"].as_object().expect("labels").clone();
            again["Labels"] =
                labels.into_iter().filter(|(key, _)| !key.starts_with("docker-broker.")).collect::<Map<_, _>>().into();
            scene.post("/containers/create", &again).sent();
            true
        }
        outcome @ Outcome::Denied(_) => {
            outcome.denied();
            false
        }
        Outcome::Malformed(_) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mixture_of_known_fields_is_judged_and_what_passes_is_whole(
        policy in 0..POLICIES.len(),
        parts in subsequence(FRAGMENTS.as_slice(), 0..4),
    ) {
        let mut body = json!({"Image": "postgres:16"});
        for part in &parts {
            merge(&mut body, part);
        }
        judged(&SCENES[policy], &body);
    }

    #[test]
    fn what_powers_let_through_is_judged_the_same_again(parts in subsequence(FRAGMENTS.as_slice(), 0..5)) {
        let mut body = json!({"Image": "postgres:16"});
        for part in &parts {
            merge(&mut body, part);
        }
        if let Outcome::Sent(sent) = POWERFUL.post("/containers/create", &body) {
            let mut again = sent.body.clone();
            let labels = again["Labels"].as_object().expect("labels").clone();
            again["Labels"] =
                labels.into_iter().filter(|(key, _)| !key.starts_with("docker-broker.")).collect::<Map<_, _>>().into();
            prop_assert_eq!(POWERFUL.post("/containers/create", &again).sent().body, sent.body);
        }
    }

    #[test]
    fn any_text_in_a_place_that_names_something_is_judged(
        policy in 0..POLICIES.len(),
        field in select(vec!["NetworkMode", "IpcMode", "Binds", "Tmpfs", "PortBindings", "VolumesFrom", "LogConfig"]),
        text in "(own|own-vol|host|bridge|container:|/|\\.\\.|:|ro|size=|5432|tcp|[a-z0-9]|\\PC){0,6}",
    ) {
        let value = match field {
            "Binds" | "VolumesFrom" => json!([text]),
            "Tmpfs" => json!({"/var/lib/postgresql/data": text}),
            "PortBindings" => json!({text: [{"HostIp": "", "HostPort": "0"}]}),
            "LogConfig" => json!({"Type": "local", "Config": {"max-size": text}}),
            _ => json!(text),
        };
        judged(&SCENES[policy], &json!({"Image": "postgres:16", "HostConfig": {field: value}}));
    }

    #[test]
    fn any_image_word_is_allowed_only_for_the_image_that_it_means(text in "(postgres|:|16|17|@|sha256|1|ca|redis|/|docker.io|[a-f0-9]){1,5}") {
        if let Outcome::Sent(sent) = SCENES[0].post("/containers/create", &json!({"Image": text})) {
            prop_assert_eq!(sent.at("/Labels/docker-broker.image"), image_id("11"));
        }
    }
}

#[test]
fn a_good_part_of_the_mixtures_passes() {
    let passing = FRAGMENTS.iter().filter(|part| {
        let mut body = json!({"Image": "postgres:16"});
        merge(&mut body, part);
        judged(&SCENES[0], &body)
    });
    let share = passing.count() * 100 / FRAGMENTS.len();
    assert!((20..80).contains(&share), "{share} of 100: the properties would prove little");
}
