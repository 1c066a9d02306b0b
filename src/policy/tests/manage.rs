//! Renaming, pausing, updating and watching own containers.

use serde_json::{Value, json};

use super::fixture::{Scene, each, full_id, image_id};

fn update(scene: &Scene, body: &Value) -> super::fixture::Outcome {
    scene.post("/v1.44/containers/own/update", body)
}

#[test]
fn a_name_that_could_mean_somebody_elses_is_not_given() {
    let scene = Scene::postgres();
    for name in ["", "x", "/own2", "a b", "-a", "0123456789ab", "deadbeefdeadbeef"] {
        let target = format!("/containers/own/rename?name={}", name.replace(' ', "%20"));
        assert_eq!(scene.ask("POST", &target).floor(), "name", "{name}");
    }
    let prefixed = Scene::postgres_with("[containers]\nnames = [\"a1-*\"]\n");
    assert_eq!(prefixed.ask("POST", "/containers/own/rename?name=db").refused_by(), "containers.names");
    let sent = prefixed.ask("POST", "/containers/own/rename?name=a1-db").sent();
    assert_eq!(sent.target, format!("POST /containers/{}/rename?name=a1-db", full_id("aa")));
}

#[test]
fn a_rename_cannot_take_the_name_of_another_service() {
    let mut scene = Scene::postgres_with("[containers]\nnetworks = [\"bridge\", \"dev-internal\"]\n");
    scene.engine.container("own").networks = [("dev-internal".to_owned(), full_id("b6"))].into();
    scene.engine.network("dev-internal").endpoints = vec![(full_id("ff"), "Db".into())];
    for taken in ["db", "DB", "Db"] {
        let denial = scene.ask("POST", &format!("/containers/own/rename?name={taken}")).denied();
        assert!(denial.message("r").starts_with("docker-broker: ContainerRename refused: `name`: "), "{denial:?}");
    }
    scene.ask("POST", "/containers/own/rename?name=db2").sent();
    // on a network of one's own everybody is one's own
    scene.engine.container("own").networks = [("own-net".to_owned(), full_id("b4"))].into();
    scene.engine.network("own-net").endpoints = vec![(full_id("ab"), "db".into())];
    scene.ask("POST", "/containers/own/rename?name=db").sent();
}

#[test]
fn what_may_not_start_does_not_go_on_either() {
    let mut scene = Scene::postgres();
    scene.ask("POST", "/containers/own/unpause").sent();
    scene.engine.container("own").networks = [("foreign-net".to_owned(), full_id("b5"))].into();
    assert_eq!(scene.ask("POST", "/containers/own/unpause").refused_by(), "containers.networks");
    let revoked = Scene::postgres_with("[images]\nallow = []\n");
    assert_eq!(revoked.ask("POST", "/containers/own/unpause").refused_by(), "images.allow");
    // pausing takes power away
    revoked.ask("POST", "/containers/own/pause").sent();
}

#[test]
fn the_engine_runs_no_ps_of_the_clients() {
    each(
        ["-o pid --pid 1", "e", "eww", "-eo args", "-eo pid,environ", "-o pid=x", "-ef;id", "--help", "-eo pid,", "L"],
        |args| {
            let target = format!("/containers/own/top?ps_args={}", args.replace(' ', "%20").replace(';', "%3B"));
            for scene in [Scene::postgres(), Scene::shipped("unrestricted")] {
                assert_eq!(scene.ask("GET", &target).floor(), "ps_args");
            }
        },
    );
    for args in ["", "-ef", "aux", "-eo%20pid,comm", "-o%20pid,user,args"] {
        Scene::postgres().ask("GET", &format!("/containers/own/top?ps_args={args}")).sent();
    }
}

#[test]
fn all_files_come_out_only_where_files_may() {
    let closed = Scene::postgres_with("[containers]\ncopy-out = false\n");
    assert_eq!(closed.ask("GET", "/containers/own/export").refused_by(), "containers.copy-out");
    Scene::postgres().ask("GET", "/containers/own/export").sent();
    closed.ask("GET", "/containers/own/changes").sent();
}

#[test]
fn stats_go_up_as_they_were_asked() {
    for (asked, sent) in [
        ("", "/stats"),
        ("?stream=1", "/stats?stream=1"),
        ("?stream=", "/stats?stream=0"),
        ("?stream=0&one-shot=1", "/stats?stream=0&one-shot=1"),
    ] {
        let target = Scene::postgres().ask("GET", &format!("/containers/own/stats{asked}")).sent().target;
        assert!(target.ends_with(sent), "{target}");
    }
}

#[test]
fn an_update_lifts_no_limit() {
    let scene = Scene::postgres();
    for (body, key) in [
        (json!({"Memory": 1_073_741_825_i64}), "containers.limits.memory"),
        (json!({"Memory": -1}), "containers.limits.memory"),
        (json!({"MemorySwap": -1}), "containers.limits.memory"),
        (json!({"MemorySwap": 2_147_483_648_i64}), "containers.limits.memory"),
        (json!({"MemoryReservation": 2_147_483_648_i64}), "containers.limits.memory"),
        (json!({"NanoCpus": 2_000_000_001_i64}), "containers.limits.cpus"),
        (json!({"NanoCpus": -1}), "containers.limits.cpus"),
        (json!({"CpuQuota": 200_001}), "containers.limits.cpus"),
        (json!({"CpuQuota": 20_000, "CpuPeriod": 1000}), "containers.limits.cpus"),
        (json!({"PidsLimit": 0}), "containers.limits.pids"),
        (json!({"PidsLimit": -1}), "containers.limits.pids"),
        (json!({"PidsLimit": i64::MIN}), "containers.limits.pids"),
        (json!({"PidsLimit": 513}), "containers.limits.pids"),
    ] {
        let denial = update(&scene, &body).denied();
        let message = denial.message("r");
        let place = body.as_object().unwrap().keys().next().unwrap();
        assert!(message.starts_with(&format!("docker-broker: ContainerUpdate refused: `{place}`: ")), "{message}");
        assert_eq!(update(&scene, &body).refused_by(), key, "{body}");
    }
    // alone they change what the other one is worth
    for body in [json!({"CpuQuota": -1}), json!({"CpuPeriod": 1000}), json!({"CpuQuota": 1000, "NanoCpus": 1})] {
        assert_eq!(update(&scene, &body).floor(), "CpuQuota", "{body}");
    }
    let without =
        Scene::with("[images]\nallow=[\"postgres:16\"]\n[containers]\nsee=\"own\"\ncontrol=\"own\"\nlifetime=\"1h\"\n");
    for body in [json!({"PidsLimit": 0}), json!({"Memory": 1 << 24}), json!({"NanoCpus": 1})] {
        update(&without, &body).refused_by();
    }
}

#[test]
fn an_update_has_no_other_powers_than_a_create() {
    let scene = Scene::postgres();
    for (body, key) in [
        (json!({"RestartPolicy": {"Name": "always"}}), "containers.host.restart"),
        (json!({"CpuShares": 4096}), "containers.host.scheduling"),
        (json!({"CpusetCpus": "0"}), "containers.host.scheduling"),
        (json!({"BlkioDeviceReadBps": [{"Path": "/etc/shadow", "Rate": 1}]}), "containers.host.scheduling"),
        (json!({"Devices": [{"PathOnHost": "/dev/sda"}]}), "containers.host.devices"),
        (json!({"CgroupParent": "/"}), "containers.host.cgroup-parent"),
        (json!({"OomKillDisable": true}), "containers.host.scheduling"),
    ] {
        let denial = update(&scene, &body).denied();
        assert!(denial.message("r").contains(&format!("`{key}`")), "{denial:?}");
    }
    for unknown in [json!({"Privileged": true}), json!({"Binds": ["/:/x"]}), json!({"HostConfig": {"Memory": 1}})] {
        assert!(matches!(update(&scene, &unknown), super::fixture::Outcome::Malformed(_)), "{unknown}");
    }
}

#[test]
fn what_is_not_asked_for_stays_as_it_is() {
    let scene = Scene::postgres();
    for neutral in [
        json!({}),
        json!({"Memory": 0, "MemorySwap": 0, "NanoCpus": 0, "PidsLimit": null, "RestartPolicy": {"Name": ""}}),
    ] {
        assert_eq!(update(&scene, &neutral).sent().body, json!({}), "{neutral}");
    }
    for (asked, sent) in [
        (json!({"Memory": 268_435_456}), json!({"Memory": 268_435_456, "MemorySwap": 268_435_456})),
        (json!({"Memory": 268_435_456, "MemorySwap": -1}), Value::Null),
        (json!({"MemorySwap": 536_870_912}), json!({"MemorySwap": 536_870_912})),
        (json!({"PidsLimit": 100}), json!({"PidsLimit": 100})),
        (json!({"NanoCpus": 1_500_000_000}), json!({"NanoCpus": 1_500_000_000})),
        (json!({"CpuQuota": 50_000}), json!({"CpuQuota": 50_000, "CpuPeriod": 100_000})),
        (json!({"CpuQuota": 1_500, "CpuPeriod": 1_000}), json!({"CpuQuota": 1_500, "CpuPeriod": 1_000})),
        (json!({"RestartPolicy": {"Name": "no"}}), json!({"RestartPolicy": {"Name": "no"}})),
    ] {
        if sent == Value::Null {
            update(&scene, &asked).refused_by();
        } else {
            assert_eq!(update(&scene, &asked).sent().body, sent, "{asked}");
        }
    }
}

#[test]
fn an_update_beyond_the_limits_is_clamped_where_the_policy_says_so() {
    let scene = Scene::postgres_with("[containers.limits]\nover = \"clamp\"\n");
    for (asked, sent) in [
        (json!({"PidsLimit": 0}), json!({"PidsLimit": 512})),
        (json!({"PidsLimit": 9999}), json!({"PidsLimit": 512})),
        (json!({"Memory": -1}), json!({"Memory": 1_073_741_824, "MemorySwap": 1_073_741_824})),
        (json!({"MemorySwap": -1}), json!({"MemorySwap": 1_073_741_824})),
        (json!({"MemorySwap": i64::MAX}), json!({"MemorySwap": 1_073_741_824})),
        (json!({"NanoCpus": i64::MAX}), json!({"NanoCpus": 2_000_000_000})),
    ] {
        assert_eq!(update(&scene, &asked).sent().body, sent, "{asked}");
    }
    let open = Scene::postgres_with("[containers.limits]\npids = \"unlimited\"\n");
    assert_eq!(update(&open, &json!({"PidsLimit": 0})).sent().body, json!({"PidsLimit": -1}));
}

#[test]
fn an_impostor_is_neither_renamed_nor_updated() {
    let mut scene = Scene::postgres();
    scene.engine.container("own").image_id = image_id("22");
    assert_eq!(scene.ask("POST", "/containers/own/rename?name=x2").missing(), "No such container: own");
    assert_eq!(update(&scene, &json!({"Memory": 268_435_456})).missing(), "No such container: own");
}

#[test]
fn a_granted_restart_policy_is_given_later_as_well() {
    let scene = Scene::postgres_with("[containers.host]\nrestart = [\"on-failure:3\"]\n");
    let asked = json!({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}});
    assert_eq!(update(&scene, &asked).sent().body, asked);
    for more in [json!({"Name": "on-failure", "MaximumRetryCount": 4}), json!({"Name": "always"})] {
        assert_eq!(update(&scene, &json!({"RestartPolicy": more})).refused_by(), "containers.host.restart");
    }
}
