//! Every refusal teaches: the key that it names, set as it says, lets the same request pass.

use serde_json::{Value, json};

use super::fixture::{Outcome, Scene};
use crate::policy::file::keys;

struct Lesson {
    key: &'static str,
    method: &'static str,
    target: &'static str,
    body: Value,
    /// The policy under which it is refused, over `postgres`.
    before: &'static str,
    /// The policy under which it passes.
    after: &'static str,
}

fn lesson(key: &'static str, body: Value, after: &'static str) -> Lesson {
    Lesson { key, method: "POST", target: "/containers/create", body, before: "", after }
}

#[expect(clippy::needless_pass_by_value, reason = "tests write the value where they pass it")]
fn host(key: &'static str, host_config: Value, after: &'static str) -> Lesson {
    lesson(key, json!({"Image": "postgres:16", "HostConfig": host_config}), after)
}

fn on(
    key: &'static str,
    method: &'static str,
    target: &'static str,
    before: &'static str,
    after: &'static str,
) -> Lesson {
    Lesson { key, method, target, body: Value::Null, before, after }
}

fn creates() -> Vec<Lesson> {
    let with = |mut fields: Value| {
        fields["Image"] = json!("postgres:16");
        fields
    };
    vec![
        lesson("images.allow", json!({"Image": "redis:7"}), "[images]\nallow=[\"redis:7\"]"),
        lesson("containers.env", with(json!({"Env": ["A=b"]})), "[containers]\nenv=[\"A\"]"),
        lesson("containers.labels", with(json!({"Labels": {"a": "b"}})), "[containers]\nlabels=[\"a\"]"),
        lesson(
            "containers.labels",
            with(json!({"Labels": {"com.docker.compose.project": "b"}})),
            "[containers]\nlabels=[\"com.docker.compose.project\"]",
        ),
        lesson(
            "containers.networks",
            with(json!({"NetworkingConfig": {"EndpointsConfig": {"foreign-net": {}}}})),
            "[containers]\nnetworks=[\"bridge\", \"foreign-net\"]",
        ),
        host("containers.publish", json!({"PortBindings": {"80/tcp": [{}]}}), "[containers]\npublish=[\"80/tcp\"]"),
        host(
            "containers.publish-address",
            json!({"PortBindings": {"5432/tcp": [{"HostIp": "0.0.0.0"}]}}),
            "[containers]\npublish-address=\"any\"",
        ),
        host(
            "containers.publish-ports",
            json!({"PortBindings": {"5432/tcp": [{"HostPort": "5432"}]}}),
            "[containers]\npublish-ports=\"as-asked\"",
        ),
        host("containers.tmpfs", json!({"Tmpfs": {"/tmp": ""}}), "[containers]\ntmpfs=[\"/tmp\"]"),
        host("containers.limits.memory", json!({"Memory": 2_147_483_648_u64}), "[containers.limits]\nmemory=\"2GiB\""),
        host("containers.limits.memory", json!({"MemorySwap": -1}), "[containers.limits]\nmemory=\"unlimited\""),
        host("containers.limits.cpus", json!({"NanoCpus": 3_000_000_000_u64}), "[containers.limits]\ncpus=3"),
        host("containers.limits.cpus", json!({"CpuQuota": 300_000}), "[containers.limits]\ncpus=3.0"),
        host("containers.limits.pids", json!({"PidsLimit": 600}), "[containers.limits]\npids=600"),
        host("containers.limits.shm", json!({"ShmSize": 1 << 30}), "[containers.limits]\nshm=\"1GiB\""),
        host(
            "containers.limits.log.drivers",
            json!({"LogConfig": {"Type": "none"}}),
            "[containers.limits]\nlog={drivers=[\"local\", \"none\"], max-size=\"1MB\"}",
        ),
        host(
            "containers.limits.log.max-size",
            json!({"LogConfig": {"Type": "local", "Config": {"max-size": "30m"}}}),
            "[containers.limits]\nlog={drivers=[\"local\"], max-size=\"30MiB\"}",
        ),
    ]
}

/// The powers over the host, each with the grant that opens it.
#[expect(clippy::too_many_lines, reason = "one lesson a power: a table for people to read")]
fn powers() -> Vec<Lesson> {
    let power = |name: &str, value: &str, host_config: Value| {
        let key = keys::find(&format!("containers.host.{name}")).expect("a key").path;
        let after = format!("[containers.host]\n{name} = {value}\n").leak();
        host(key, host_config, after)
    };
    let endpoint = |settings: Value| {
        let endpoints = json!({"EndpointsConfig": {"own-net": settings}});
        json!({"Image": "postgres:16", "NetworkingConfig": endpoints})
    };
    let addressed =
        |settings| lesson("containers.host.addresses", endpoint(settings), "[containers.host]\naddresses = true");
    vec![
        power("binds", r#"["/srv/x"]"#, json!({"Binds": ["/srv/x:/x:ro"]})),
        power("binds", r#"["/srv/x:rw"]"#, json!({"Binds": ["/srv/x:/x"]})),
        power(
            "binds",
            r#"["/srv/x"]"#,
            json!({"Mounts": [{"Type": "bind", "Source": "/srv/x", "Target": "/x", "ReadOnly": true}]}),
        ),
        power("devices", r#"["/dev/fuse"]"#, json!({"Devices": [{"PathOnHost": "/dev/fuse"}]})),
        power("device-cgroup-rules", r#"["c 42:* rmw"]"#, json!({"DeviceCgroupRules": ["c 42:* rmw"]})),
        power("device-requests", r#"["gpu"]"#, json!({"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]})),
        power("device-requests", r#"["nvidia"]"#, json!({"DeviceRequests": [{"Driver": "nvidia", "Count": 1}]})),
        power("cap-add", r#"["NET_ADMIN"]"#, json!({"CapAdd": ["NET_ADMIN"]})),
        power("cap-add", r#"["ALL"]"#, json!({"CapAdd": ["all"]})),
        power("privileged", "true", json!({"Privileged": true})),
        power("network", r#"["host"]"#, json!({"NetworkMode": "host"})),
        power("pid", r#"["host"]"#, json!({"PidMode": "host"})),
        power("ipc", r#"["host"]"#, json!({"IpcMode": "host"})),
        power("ipc", r#"["shareable"]"#, json!({"IpcMode": "shareable"})),
        power("uts", r#"["host"]"#, json!({"UTSMode": "host"})),
        power("userns", r#"["host"]"#, json!({"UsernsMode": "host"})),
        power("cgroupns", r#"["host"]"#, json!({"CgroupnsMode": "host"})),
        power("cgroup-parent", r#"["/tests"]"#, json!({"CgroupParent": "/tests"})),
        power("sysctls", r#"["net.core.*"]"#, json!({"Sysctls": {"net.core.somaxconn": "1024"}})),
        power("security-opt", r#"["seccomp=unconfined"]"#, json!({"SecurityOpt": ["seccomp:unconfined"]})),
        power("unmasked-paths", "true", json!({"MaskedPaths": []})),
        power("unmasked-paths", "true", json!({"ReadonlyPaths": ["/proc/sys"]})),
        power("runtime", r#"["runsc"]"#, json!({"Runtime": "runsc"})),
        power("restart", r#"["always"]"#, json!({"RestartPolicy": {"Name": "always"}})),
        power(
            "restart",
            r#"["on-failure:3"]"#,
            json!({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}}),
        ),
        power("ulimits", r#"["nofile=4096"]"#, json!({"Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 4096}]})),
        power("scheduling", "true", json!({"CpuShares": 512, "CpusetCpus": "0-1"})),
        power("storage-opt", r#"["size"]"#, json!({"StorageOpt": {"size": "10G"}})),
        power("volume-drivers", r#"["nfs"]"#, json!({"VolumeDriver": "nfs"})),
        power("group-add", r#"["staff"]"#, json!({"GroupAdd": ["staff"]})),
        power("annotations", r#"["com.example.*"]"#, json!({"Annotations": {"com.example.x": "y"}})),
        power("dns", "true", json!({"Dns": ["10.0.0.53"], "DnsSearch": ["example.org"], "DnsOptions": ["ndots:1"]})),
        power("extra-hosts", r#"["db:10.0.0.*"]"#, json!({"ExtraHosts": ["db:10.0.0.5"]})),
        power("links", "true", json!({"Links": ["own:db"]})),
        lesson(
            "containers.host.addresses",
            json!({"Image": "postgres:16", "MacAddress": "02:42:ac:11:00:02"}),
            "[containers.host]\naddresses = true",
        ),
        addressed(json!({"IPAMConfig": {"IPv4Address": "172.30.0.9"}})),
        addressed(json!({"MacAddress": "02:42:ac:11:00:02"})),
        addressed(json!({"GwPriority": 5})),
        addressed(json!({"DriverOpts": {"com.docker.network.endpoint.ifname": "x0"}})),
        Lesson {
            target: "/containers/own/exec",
            ..lesson(
                "containers.host.exec-privileged",
                json!({"Cmd": ["id"], "Privileged": true}),
                "[containers.host]\nexec-privileged = true",
            )
        },
        Lesson {
            before: "[containers]\ncommand = []",
            ..lesson(
                "containers.command",
                json!({"Image": "postgres:16", "Cmd": ["postgres", "-c", "fsync=off"]}),
                "[containers]\ncommand = [\"postgres -c *\"]",
            )
        },
        Lesson {
            before: "[containers]\nentrypoint = [\"x\"]",
            ..lesson(
                "containers.entrypoint",
                json!({"Image": "postgres:16", "Entrypoint": ["sh", "-c"]}),
                "[containers]\nentrypoint = [\"sh -c\"]",
            )
        },
    ]
}

fn others() -> Vec<Lesson> {
    let named = Lesson {
        before: "[containers]\nnames=[\"a1-*\"]",
        target: "/containers/create?name=db",
        ..lesson("containers.names", json!({"Image": "postgres:16"}), "[containers]\nnames=[\"a1-*\", \"db\"]")
    };
    let exec = Lesson {
        before: "[containers]\nexec={users=[\"postgres\"]}",
        target: "/containers/own/exec",
        ..lesson("containers.exec", json!({"Cmd": ["id"]}), "[containers]\nexec={users=[\"postgres\", \"\"]}")
    };
    let no_exec = Lesson {
        before: "[containers]\nexec=false",
        after: "[containers]\nexec=true",
        body: exec.body.clone(),
        ..exec
    };
    let pull = "/images/create?fromImage=redis&tag=7";
    let archive = "/containers/own/archive?path=/tmp";
    let before_foreign = "/containers/json?filters=%7B%22before%22:%5B%22foreign%22%5D%7D";
    let before_redis = "/images/json?filters=%7B%22before%22:%5B%22redis:7%22%5D%7D";
    let postgres = "/images/create?fromImage=postgres&tag=16";
    vec![
        named,
        no_exec,
        on("images.allow", "POST", pull, "", "[images]\nallow=[\"redis:*\"]"),
        on("images.allow", "GET", before_redis, "", "[images]\nallow=[\"redis:*\"]"),
        on("images.pull", "POST", postgres, "[images]\npull=false", "[images]\npull=true"),
        on("containers.see", "GET", before_foreign, "", "[containers]\nsee=\"all\""),
        on("containers.copy-out", "GET", archive, "[containers]\ncopy-out=false", "[containers]\ncopy-out=true"),
        on("containers.copy-in", "PUT", archive, "[containers]\ncopy-in=false", "[containers]\ncopy-in=true"),
        on("images.allow", "POST", "/containers/own/start", "[images]\nallow=[]", "[images]\nallow=[\"postgres:16\"]"),
    ]
}

fn ask(policy: &str, lesson: &Lesson) -> Outcome {
    let scene = Scene::postgres_with(policy);
    if lesson.body == Value::Null {
        scene.ask(lesson.method, lesson.target)
    } else {
        scene.post(lesson.target, &lesson.body)
    }
}

#[test]
fn the_key_that_a_refusal_names_lets_the_request_pass() {
    for lesson in creates().into_iter().chain(powers()).chain(others()) {
        assert_eq!(ask(lesson.before, &lesson).refused_by(), lesson.key, "{}", lesson.after);
        ask(lesson.after, &lesson).sent();
    }
}

#[test]
fn every_power_over_the_host_has_a_lesson() {
    let taught: Vec<&str> = powers().iter().map(|lesson| lesson.key).collect();
    for key in keys::children(keys::CONTAINERS_HOST).filter(|key| key.path != keys::CONTAINERS_HOST_BUILDKIT) {
        assert!(taught.contains(&key.path), "{}", key.path);
    }
}

#[test]
fn what_an_empty_policy_refuses_a_shipped_one_names() {
    for (key, target, body, after) in [
        ("containers.see", "/images/json", Value::Null, "[containers]\nsee=\"own\""),
        ("containers.see", "/info", Value::Null, "[containers]\nsee=\"own\""),
        ("containers.see", "/containers/own/json", Value::Null, "[containers]\nsee=\"own\""),
        ("containers.control", "/exec/{e1}/json", Value::Null, "[containers]\nsee=\"own\"\ncontrol=\"own\"\nexec=true"),
        (
            "containers.control",
            "/containers/own/exec",
            json!({"Cmd": ["id"]}),
            "[containers]\ncontrol=\"own\"\nexec=true",
        ),
    ] {
        let target = target.replace("{e1}", &super::fixture::full_id("e1"));
        let ask =
            |scene: &Scene| if body == Value::Null { scene.ask("GET", &target) } else { scene.post(&target, &body) };
        assert_eq!(ask(&Scene::with("")).refused_by(), key, "{target}");
        ask(&Scene::with(after)).sent();
    }
    assert_eq!(Scene::with("").ask("POST", "/containers/prune").refused_by(), "prune.answer");
    Scene::with("[prune]\nanswer=\"stub\"\n").ask("POST", "/containers/prune").sent();
}

#[test]
fn engines_that_cannot_are_refused_only_where_the_policy_insists() {
    let mut scene = Scene::postgres_with("[containers.limits]\nrequired=true\n");
    scene.engine.info.pids_limit = false;
    assert_eq!(scene.create(&json!({})).refused_by(), "containers.limits.required");
    let mut scene = Scene::postgres_with("[containers.limits]\nrequired=false\n");
    scene.engine.info.pids_limit = false;
    scene.create(&json!({})).sent();
}
