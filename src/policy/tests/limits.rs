//! Resource limits: injected, refused, clamped, and left out where the engine cannot.

use serde_json::{Value, json};

use super::fixture::{Scene, each};

const GIB: i64 = 1 << 30;

#[test]
fn more_than_the_limit_is_refused_in_every_spelling_of_unlimited() {
    each(
        [
            ("Memory", json!(GIB + 1), "containers.limits.memory"),
            ("Memory", json!(-1), "containers.limits.memory"),
            ("MemorySwap", json!(GIB + 1), "containers.limits.memory"),
            ("MemorySwap", json!(-1), "containers.limits.memory"),
            ("MemoryReservation", json!(GIB + 1), "containers.limits.memory"),
            ("MemoryReservation", json!(-1), "containers.limits.memory"),
            ("NanoCpus", json!(2_000_000_001_i64), "containers.limits.cpus"),
            ("NanoCpus", json!(-1), "containers.limits.cpus"),
            ("CpuQuota", json!(i64::MAX), "containers.limits.cpus"),
            ("PidsLimit", json!(513), "containers.limits.pids"),
            ("PidsLimit", json!(-1), "containers.limits.pids"),
            ("ShmSize", json!((256 << 20) + 1), "containers.limits.shm"),
            ("ShmSize", json!(-1), "containers.limits.shm"),
        ],
        |(field, value, key)| {
            assert_eq!(Scene::postgres().create_host(&json!({*field: value})).refused_by(), *key);
        },
    );
}

#[test]
fn a_quota_is_a_number_of_cpus() {
    let scene = Scene::postgres();
    for (quota, period) in [(200_000, 100_000), (2_000, 1_000), (1_000, 1_000_000)] {
        let sent = scene.create_host(&json!({"CpuQuota": quota, "CpuPeriod": period})).sent();
        assert_eq!((sent.host("CpuQuota"), sent.host("CpuPeriod")), (json!(quota), json!(period)));
        assert_eq!(sent.host("NanoCpus"), Value::Null, "the engine refuses both");
    }
    for (quota, period) in [(200_001, 100_000), (2_001, 1_000), (200_001, 0)] {
        let outcome = scene.create_host(&json!({"CpuQuota": quota, "CpuPeriod": period}));
        assert_eq!(outcome.refused_by(), "containers.limits.cpus");
    }
    for fields in [
        json!({"CpuQuota": -1}),
        json!({"CpuPeriod": 100_000}),
        json!({"CpuQuota": 1_000, "CpuPeriod": 1}),
        json!({"CpuQuota": 1_000, "CpuPeriod": 1_000_001}),
        json!({"CpuQuota": 1_000, "NanoCpus": 1}),
        json!({"CpuQuota": 1_000, "CpuPeriod": -1}),
    ] {
        assert_eq!(scene.create_host(&fields).floor(), "HostConfig.CpuQuota", "{fields}");
    }
}

#[test]
fn a_client_that_asks_for_more_can_be_given_the_limit_instead() {
    let scene = Scene::postgres_with("[containers.limits]\nover = \"clamp\"\n");
    let asked = json!({
        "Memory": 8 * GIB, "MemorySwap": -1, "MemoryReservation": 2 * GIB, "NanoCpus": 8_000_000_000_i64,
        "PidsLimit": -1, "ShmSize": GIB,
    });
    let sent = scene.create_host(&asked).sent();
    for (field, value) in [
        ("Memory", GIB),
        ("MemorySwap", GIB),
        ("MemoryReservation", GIB),
        ("NanoCpus", 2_000_000_000),
        ("PidsLimit", 512),
        ("ShmSize", 256 << 20),
    ] {
        assert_eq!(sent.host(field), json!(value), "{field}");
    }
    let sent = scene.create_host(&json!({"CpuQuota": 800_000})).sent();
    assert_eq!((sent.host("CpuQuota"), sent.host("NanoCpus")), (json!(200_000), Value::Null));
}

#[test]
fn swap_is_never_left_to_the_engine() {
    let sent = Scene::postgres().create_host(&json!({"Memory": 512 << 20})).sent();
    assert_eq!((sent.host("Memory"), sent.host("MemorySwap")), (json!(512 << 20), json!(512 << 20)));
    let mut scene = Scene::postgres();
    scene.engine.info.swap_limit = false;
    assert_eq!(scene.create(&json!({})).sent().host("MemorySwap"), Value::Null);
}

#[test]
fn limits_are_capped_by_what_the_engine_has() {
    let mut scene = Scene::postgres();
    scene.engine.info.cpus = 1;
    scene.engine.info.memory = 512 << 20;
    let sent = scene.create(&json!({})).sent();
    assert_eq!((sent.host("NanoCpus"), sent.host("Memory")), (json!(1_000_000_000), json!(512 << 20)));
}

#[test]
fn what_the_engine_cannot_enforce_is_left_out_or_the_create_refused() {
    let mut scene = Scene::postgres();
    let cannot = crate::policy::facts::EngineFacts { log_drivers: vec!["json-file".into()], ..Default::default() };
    scene.engine.info = cannot.clone();
    let asked = json!({"MemoryReservation": 1 << 20});
    let sent = scene.create_host(&asked).sent();
    for field in ["Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "PidsLimit", "CpuQuota"] {
        assert_eq!(sent.host(field), Value::Null, "{field}");
    }
    assert_eq!(sent.at("/HostConfig/LogConfig/Type"), "json-file", "the first driver that the engine has");
    assert_eq!(scene.create_host(&json!({"CpuQuota": 1_000})).sent().host("CpuQuota"), Value::Null);
    // what is too much stays refused
    assert_eq!(scene.create_host(&json!({"Memory": 2 * GIB})).refused_by(), "containers.limits.memory");
    let mut strict = Scene::postgres_with("[containers.limits]\nrequired = true\n");
    strict.create(&json!({})).sent();
    strict.engine.info = cannot;
    assert_eq!(strict.create(&json!({})).refused_by(), "containers.limits.required");
}

#[test]
fn without_a_limit_in_the_policy_a_client_has_no_say() {
    let scene = Scene::with(
        "[images]\nallow=[\"postgres:16\"]\n[containers]\nsee=\"own\"\ncontrol=\"own\"\nlifetime=\"1h\"\nnetworks=[\"bridge\"]\n",
    );
    let sent = scene.create(&json!({})).sent();
    assert_eq!(sent.at("/HostConfig"), json!({"IpcMode": "private", "CgroupnsMode": "private"}));
    for (field, value, key) in [
        ("Memory", json!(1 << 20), "containers.limits.memory"),
        ("MemorySwap", json!(1 << 20), "containers.limits.memory"),
        ("MemoryReservation", json!(1 << 20), "containers.limits.memory"),
        ("NanoCpus", json!(1), "containers.limits.cpus"),
        ("CpuQuota", json!(1_000), "containers.limits.cpus"),
        ("PidsLimit", json!(1), "containers.limits.pids"),
        ("ShmSize", json!(1), "containers.limits.shm"),
        ("LogConfig", json!({"Type": "local"}), "containers.limits.log"),
    ] {
        assert_eq!(scene.create_host(&json!({field: value})).refused_by(), key);
    }
}

#[test]
fn unlimited_is_written_and_then_the_client_decides() {
    let scene = Scene::postgres_with(
        "[containers.limits]\nmemory=\"unlimited\"\ncpus=\"unlimited\"\npids=\"unlimited\"\nshm=\"unlimited\"\nlog=\"unlimited\"\n",
    );
    let sent = scene.create(&json!({})).sent();
    assert_eq!(sent.at("/HostConfig"), json!({"IpcMode": "private", "CgroupnsMode": "private"}));
    let asked = json!({"Memory": 64 * GIB, "MemorySwap": -1, "PidsLimit": -1, "ShmSize": GIB});
    let sent = scene.create_host(&asked).sent();
    assert_eq!((sent.host("MemorySwap"), sent.host("PidsLimit")), (json!(-1), json!(-1)));
    // the walls stay: logs do not leave the engine
    let syslog = json!({"LogConfig": {"Type": "syslog"}});
    assert_eq!(scene.create_host(&syslog).refused_by(), "containers.limits.log.drivers");
    scene.create_host(&json!({"LogConfig": {"Config": {"gelf-address": "udp://x"}}})).floor();
}

#[test]
fn a_log_stays_on_the_engine_and_within_its_size() {
    let ask = |kind: &str, config: Value| {
        Scene::postgres().create_host(&json!({"LogConfig": {"Type": kind, "Config": config}}))
    };
    for kind in ["syslog", "gelf", "none", "Local", "journald"] {
        assert_eq!(ask(kind, json!({})).refused_by(), "containers.limits.log.drivers", "{kind}");
    }
    for size in ["20971521", "21m", "1g", "-1", "0", "", "1e9", "1t", "20MiB"] {
        assert_eq!(ask("local", json!({"max-size": size})).refused_by(), "containers.limits.log.max-size", "{size}");
    }
    for (name, value) in
        [("max-file", "6"), ("max-file", "0"), ("env", "X"), ("labels", "x"), ("tag", "x"), ("compress", "x")]
    {
        ask("json-file", json!({name: value})).floor();
    }
    let config = json!({"max-size": "10M", "max-file": "3", "compress": "true", "mode": "non-blocking"});
    assert_eq!(ask("json-file", config.clone()).sent().at("/HostConfig/LogConfig/Config"), config);
    let mut scene = Scene::postgres();
    scene.engine.info.log_drivers = vec!["journald".into()];
    assert_eq!(scene.create(&json!({})).refused_by(), "containers.limits.log.drivers");
}
