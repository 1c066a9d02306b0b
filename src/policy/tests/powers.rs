//! Powers over the host: what a grant opens, and everything beside it that stays closed.

use serde_json::{Value, json};

use super::fixture::{Outcome, Scene, each};

/// A policy that grants these powers.
fn granting(powers: &str) -> Scene {
    Scene::postgres_with(&format!("[containers.host]\n{powers}\n"))
}

fn bind(scene: &Scene, bind: &str) -> Outcome {
    scene.create_host(&json!({"Binds": [bind]}))
}

#[expect(clippy::needless_pass_by_value, reason = "tests write the value where they pass it")]
fn mount(scene: &Scene, mount: Value) -> Outcome {
    let mut whole = json!({"Type": "bind", "Source": "/srv/ro", "Target": "/x", "ReadOnly": true});
    super::fixture::merge(&mut whole, &mount);
    scene.create_host(&json!({"Mounts": [whole]}))
}

const BINDS: &str = r#"binds = ["/srv/ro", "/data/rw:rw"]"#;

#[test]
fn a_bind_is_exactly_what_was_granted() {
    let scene = granting(BINDS);
    each(
        [
            "/srv/ro:/x",
            "/srv/ro:/x:rw",
            "/srv/ro/:/x:ro",
            "/srv/ro/y:/x:ro",
            "/srv:/x:ro",
            "/data/rw/sub:/x",
            "//srv/ro:/x:ro",
        ],
        |text| assert_eq!(bind(&scene, text).refused_by(), "containers.host.binds"),
    );
    for source in ["/srv/ro/", "/srv/ro/../ro", "srv/ro", ""] {
        assert_eq!(mount(&scene, json!({"Source": source})).refused_by(), "containers.host.binds", "{source}");
    }
    assert_eq!(mount(&scene, json!({"ReadOnly": false})).refused_by(), "containers.host.binds");
}

#[test]
fn what_relabels_or_crosses_mounts_is_on_the_floor() {
    let scene = granting(BINDS);
    for mode in ["z", "Z", "ro,z", "shared", "rshared", "slave", "rslave", "private", "nocopy", "ro,rw", "ro,ro", "x"] {
        assert_eq!(bind(&scene, &format!("/data/rw:/x:{mode}")).floor(), "HostConfig.Binds[0]", "{mode}");
    }
    for target in ["x", "", "/x/../y", "/"] {
        bind(&scene, &format!("/srv/ro:{target}:ro")).floor();
        mount(&scene, json!({"Target": target})).floor();
    }
    for options in [
        json!({"BindOptions": {"Propagation": "rshared"}}),
        json!({"BindOptions": {"Propagation": "RPRIVATE"}}),
        json!({"BindOptions": {"ReadOnlyNonRecursive": true}}),
        json!({"VolumeOptions": {"NoCopy": true}}),
        json!({"VolumeOptions": {"Subpath": "../.."}}),
        json!({"TmpfsOptions": {"SizeBytes": 1}}),
        json!({"ImageOptions": {}}),
        json!({"Consistency": "odd"}),
    ] {
        mount(&scene, options).floor();
    }
}

#[test]
fn both_spellings_go_up_as_a_mount_that_creates_nothing() {
    let scene = granting(BINDS);
    let read_only = json!({"Type": "bind", "Source": "/srv/ro", "Target": "/x", "ReadOnly": true, "BindOptions": {"NonRecursive": true}});
    for sent in [
        bind(&scene, "/srv/ro:/x:ro").sent(),
        bind(&scene, "/srv/ro:/x:ro,rprivate,cached").sent(),
        mount(&scene, json!({})).sent(),
        mount(&scene, json!({"BindOptions": {"CreateMountpoint": true}, "Consistency": "delegated"})).sent(),
    ] {
        assert_eq!(sent.host("Mounts"), json!([read_only]));
        assert_eq!(sent.host("Binds"), Value::Null);
    }
    let writable = json!([{"Type": "bind", "Source": "/data/rw", "Target": "/x"}]);
    assert_eq!(bind(&scene, "/data/rw:/x").sent().host("Mounts"), writable);
    let strict = mount(&scene, json!({"BindOptions": {"ReadOnlyForceRecursive": true}})).sent();
    assert_eq!(strict.host("Mounts")[0]["BindOptions"], json!({"ReadOnlyForceRecursive": true}));
    let both = json!({"Binds": ["own-vol:/v", "/srv/ro:/x:ro"], "Mounts": [{"Type": "volume", "Source": "own-vol", "Target": "/w"}]});
    let sent = scene.create_host(&both).sent();
    assert_eq!(sent.host("Binds"), json!(["own-vol:/v"]));
    assert_eq!(sent.host("Mounts").as_array().expect("mounts").len(), 2);
}

#[test]
fn the_brokers_own_socket_is_on_the_floor_for_every_policy() {
    for scene in
        [granting(r#"binds = ["/opt", "/opt/broker:rw", "/opt/engine/docker.sock"]"#), Scene::shipped("unrestricted")]
    {
        for source in ["/opt", "/opt/broker", "/opt/broker/docker.sock", "/opt/engine/docker.sock", "/opt/x/../engine"]
        {
            assert_eq!(bind(&scene, &format!("{source}:/x")).floor(), "HostConfig.Binds[0]", "{source}");
            assert_eq!(mount(&scene, json!({"Source": source})).floor(), "HostConfig.Mounts[0].Source", "{source}");
            let options =
                json!({"DriverConfig": {"Options": {"o": format!("lowerdir=/a:{source},x"), "type": "overlay"}}});
            let overlay = json!([{"Type": "volume", "Target": "/x", "VolumeOptions": options}]);
            scene.create_host(&json!({"Mounts": overlay})).floor();
        }
    }
    bind(&Scene::shipped("unrestricted"), "/opt/other:/x").sent();
}

#[test]
fn a_capability_is_named_and_all_of_them_too() {
    let scene = granting(r#"cap-add = ["net_admin", "CAP_SYS_TIME"]"#);
    for name in ["SYS_ADMIN", "ALL", "all", "CAP_SYS_ADMIN"] {
        assert_eq!(scene.create_host(&json!({"CapAdd": [name]})).refused_by(), "containers.host.cap-add", "{name}");
    }
    for name in ["", "CAP_ALL", "\u{17f}ys_time", "NET_ADMIN ", "NETADMIN"] {
        assert_eq!(scene.create_host(&json!({"CapAdd": [name]})).floor(), "HostConfig.CapAdd[0]", "{name}");
    }
    let sent = scene.create_host(&json!({"CapAdd": ["NET_ADMIN", "cap_sys_time"]})).sent();
    assert_eq!(sent.host("CapAdd"), json!(["CAP_NET_ADMIN", "CAP_SYS_TIME"]));
    assert_eq!(scene.create_host(&json!({"CapAdd": "net_admin"})).sent().host("CapAdd"), json!(["CAP_NET_ADMIN"]));
    let all = granting(r#"cap-add = ["ALL"]"#).create_host(&json!({"CapAdd": ["all", "sys_admin"]})).sent();
    assert_eq!(all.host("CapAdd"), json!(["ALL", "CAP_SYS_ADMIN"]));
    granting(r#"cap-add = ["ALL"]"#).create_host(&json!({"Capabilities": ["CAP_SYS_ADMIN"]})).floor();
}

#[test]
fn a_device_is_one_path_with_its_permissions() {
    let scene = granting(r#"devices = ["/dev/fuse:rw"]"#);
    let device = |fields: Value| scene.create_host(&json!({"Devices": [fields]}));
    for fields in [
        json!({"PathOnHost": "/dev/fuse"}),
        json!({"PathOnHost": "/dev/fuse", "CgroupPermissions": "rwm"}),
        json!({"PathOnHost": "/dev", "CgroupPermissions": "r"}),
        json!({"PathOnHost": "/dev/../dev/fuse", "CgroupPermissions": "r"}),
    ] {
        assert_eq!(device(fields).refused_by(), "containers.host.devices");
    }
    device(json!({"PathOnHost": "/dev/fuse", "CgroupPermissions": "rr"})).floor();
    device(json!({"PathOnHost": "/dev/fuse", "CgroupPermissions": "r", "PathInContainer": "../x"})).floor();
    let granted = json!({"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/f", "CgroupPermissions": "r"});
    assert_eq!(device(granted.clone()).sent().host("Devices"), json!([granted]));
}

#[test]
fn a_device_of_a_driver_is_named_by_driver_capability_or_cdi_name() {
    let scene = granting(r#"device-requests = ["nvidia", "gpu", "vendor.example/gpu=0"]"#);
    let ask = |request: Value| scene.create_host(&json!({"DeviceRequests": [request]}));
    let key = "containers.host.device-requests";
    assert_eq!(ask(json!({"Driver": "amd"})).refused_by(), key);
    assert_eq!(ask(json!({"Capabilities": [["gpu"], ["tpu"]]})).refused_by(), key);
    assert_eq!(
        ask(json!({"Driver": "cdi", "DeviceIDs": ["vendor.example/gpu=0", "vendor.example/gpu=all"]})).refused_by(),
        key
    );
    for request in [
        json!({"Count": -1}),
        json!({"Capabilities": [[]]}),
        json!({"Driver": "cdi"}),
        json!({"Driver": "cdi", "DeviceIDs": ["vendor.example/gpu=0"], "Count": -1}),
        json!({"Driver": "nvidia", "Count": -2}),
        json!({"Driver": "nvidia", "Options": {"a": "b"}}),
    ] {
        ask(request).floor();
    }
    ask(json!({"Driver": "cdi", "DeviceIDs": ["vendor.example/gpu=0"]})).sent();
}

#[test]
fn modes_are_compared_as_whole_words() {
    let scene = granting(
        "pid=[\"host\"]\nipc=[\"shareable\"]\nuts=[\"host\"]\nuserns=[\"host\"]\ncgroupns=[\"host\"]\nnetwork=[\"host\"]",
    );
    for field in ["PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode"] {
        for mode in ["HOST", "host ", "ns:/proc/1/ns/pid", "private:x", "host:x"] {
            let key = scene.create_host(&json!({field: mode})).refused_by();
            assert!(key.starts_with("containers.host."), "{field} {mode}: {key}");
        }
    }
    assert_eq!(scene.create_host(&json!({"IpcMode": "host"})).refused_by(), "containers.host.ipc");
    for mode in ["container:own", "container:foreign"] {
        assert_eq!(scene.create_host(&json!({"UTSMode": mode})).refused_by(), "containers.host.uts");
    }
    scene.create_host(&json!({"Cgroup": "container:own"})).floor();
    assert_eq!(scene.create_host(&json!({"CgroupnsMode": "host"})).sent().host("CgroupnsMode"), "host");
}

#[test]
fn the_hosts_network_comes_alone_and_not_beside_attached_ones() {
    let scene = granting("network = [\"host\"]");
    let ask = |endpoints: Value| {
        let networking = json!({"EndpointsConfig": endpoints});
        scene.create(&json!({"HostConfig": {"NetworkMode": "host"}, "NetworkingConfig": networking}))
    };
    for name in ["own-net", "bridge", "foreign-net"] {
        ask(json!({name: {}})).floor();
    }
    let sent = ask(json!({"host": {"MacAddress": "", "Aliases": null}})).sent();
    assert_eq!((sent.host("NetworkMode"), sent.at("/NetworkingConfig")), (json!("host"), Value::Null));
    let attached = "[containers]\nattach=[\"dev-internal\"]\nnames=[\"a-*\"]\n[containers.host]\nnetwork=[\"host\"]\n";
    let host = json!({"NetworkMode": "host"});
    assert_eq!(Scene::postgres_with(attached).create_host(&host).refused_by(), "containers.attach-mode");
    let by_id = json!({"NetworkMode": super::fixture::full_id("b2")});
    assert_eq!(scene.create_host(&by_id).refused_by(), "containers.networks");
}

#[test]
fn addresses_stay_the_networks_where_the_policy_attaches() {
    let powers = "[containers.host]\naddresses=true\nlinks=true\nsysctls=[\"net.ipv4.conf.IFNAME.*\"]\n";
    let scene = Scene::postgres_with(&format!("[containers]\nattach=[\"dev-internal\"]\nnames=[\"a-*\"]\n{powers}"));
    let ask = |scene: &Scene, network: &str, settings: Value| {
        scene.create(&json!({"NetworkingConfig": {"EndpointsConfig": {network: settings}}}))
    };
    for settings in
        [json!({"IPAMConfig": {"IPv4Address": "10.0.0.9"}}), json!({"Links": ["own:db"]}), json!({"GwPriority": 1})]
    {
        ask(&scene, "dev-internal", settings.clone()).floor();
        ask(&scene, "bridge", settings.clone()).floor();
        ask(&scene, "own-net", settings).sent();
    }
    scene.create(&json!({"MacAddress": "02:42:ac:11:00:02"})).floor();
    let scene = Scene::postgres_with(powers);
    for settings in [
        json!({"IPAMConfig": {"IPv4Address": "fd00::1"}}),
        json!({"IPAMConfig": {"LinkLocalIPs": ["x"]}}),
        json!({"MacAddress": "02-42"}),
        json!({"DriverOpts": {"parent": "eth0"}}),
    ] {
        ask(&scene, "own-net", settings).floor();
    }
    let sysctl =
        |text: &str| ask(&scene, "own-net", json!({"DriverOpts": {"com.docker.network.endpoint.sysctls": text}}));
    sysctl("net.ipv4.conf.IFNAME.forwarding=1").sent();
    let more = "net.ipv4.conf.IFNAME.forwarding=1,net.core.somaxconn=1";
    assert_eq!(sysctl(more).refused_by(), "containers.host.sysctls");
}

#[test]
fn options_are_compared_as_the_engine_spells_them() {
    let scene = granting(r#"security-opt = ["seccomp:unconfined", "label=type:x"]"#);
    for option in [
        "seccomp=x",
        "apparmor=unconfined",
        "disable",
        "label=disable",
        "no-new-privileges=false",
        "seccomp = unconfined",
    ] {
        let outcome = scene.create_host(&json!({"SecurityOpt": ["no-new-privileges", option]}));
        assert_eq!(outcome.refused_by(), "containers.host.security-opt", "{option}");
    }
    let sent = scene.create_host(&json!({"SecurityOpt": ["seccomp:unconfined", "label:type:x"]})).sent();
    assert_eq!(sent.host("SecurityOpt"), json!(["seccomp=unconfined", "label=type:x"]));
    let sysctls = granting(r#"sysctls = ["*"]"#);
    for name in ["", "net/ipv4/ip_forward", "net.core.x\n"] {
        sysctls.create_host(&json!({"Sysctls": {name: "1"}})).floor();
    }
    sysctls.create_host(&json!({"Sysctls": {"net.core.x": "1\n2"}})).floor();
    let smuggled = json!({"Sysctls": {"net.ipv4.conf.eth0.forwarding": "1,net.ipv4.conf.IFNAME.proxy_arp=1"}});
    sysctls.create_host(&smuggled).floor();
    sysctls.create_host(&json!({"Sysctls": {"net.ipv4.ip_local_reserved_ports": "1,2"}})).sent();
    granting("unmasked-paths = true").create_host(&json!({"MaskedPaths": ["proc"]})).floor();
}

#[test]
fn a_count_that_means_without_end_is_more_than_any_count() {
    let restart = |scene: &Scene, name: &str, count: i64| {
        scene.create_host(&json!({"RestartPolicy": {"Name": name, "MaximumRetryCount": count}}))
    };
    let scene = granting(r#"restart = ["on-failure:3"]"#);
    for count in [0, 4] {
        assert_eq!(restart(&scene, "on-failure", count).refused_by(), "containers.host.restart");
    }
    for (name, count) in [("always", 1), ("on-failure", -1), ("no", 1), ("", 3)] {
        restart(&scene, name, count).floor();
    }
    assert_eq!(restart(&scene, "always", 0).refused_by(), "containers.host.restart");
    restart(&scene, "on-failure", 3).sent();
    restart(&granting(r#"restart = ["on-failure"]"#), "on-failure", 0).sent();
    let ulimit = |scene: &Scene, name: &str, soft: i64, hard: i64| {
        scene.create_host(&json!({"Ulimits": [{"Name": name, "Soft": soft, "Hard": hard}]}))
    };
    let scene = granting(r#"ulimits = ["nofile=1024", "core"]"#);
    for (name, soft, hard) in
        [("nofile", 1, 1025), ("nofile", -1, 10), ("nofile", 1, -1), ("nofile", 9, 8), ("nproc", 1, 1)]
    {
        assert_eq!(ulimit(&scene, name, soft, hard).refused_by(), "containers.host.ulimits", "{name} {soft} {hard}");
    }
    ulimit(&scene, "nofile", 1, 1024).sent();
    ulimit(&scene, "core", -1, -1).sent();
}

#[test]
fn what_goes_into_files_of_the_engine_is_one_plain_word() {
    let scene = granting("dns = true\nextra-hosts = [\"*:*\", \"host:host-gateway\"]");
    for fields in [
        json!({"Dns": ["localhost"]}),
        json!({"Dns": ["10.0.0.1\nnameserver 8.8.8.8"]}),
        json!({"DnsOptions": ["x\ny"]}),
        json!({"DnsSearch": ["a b"]}),
        json!({"ExtraHosts": ["db"]}),
        json!({"ExtraHosts": ["db:x"]}),
        json!({"ExtraHosts": ["a b:10.0.0.1"]}),
    ] {
        scene.create_host(&fields).floor();
    }
    let gateway = json!({"ExtraHosts": ["other:host-gateway"]});
    assert_eq!(scene.create_host(&gateway).refused_by(), "containers.host.extra-hosts");
    scene
        .create_host(&json!({"ExtraHosts": ["host:host-gateway", "db:10.0.0.1", "six:[fd00::1]", "v6:fd00::1"]}))
        .sent();
    let throttled = granting("scheduling = true");
    for path in ["/etc/passwd", "/dev", "/dev/../etc", "dev/sda", "/devices"] {
        throttled.create_host(&json!({"BlkioDeviceReadBps": [{"Path": path, "Rate": 1}]})).floor();
    }
    throttled.create_host(&json!({"CpusetCpus": "0;1"})).floor();
    throttled.create_host(&json!({"BlkioWeightDevice": [{"Path": "/dev/sda", "Weight": 10}]})).sent();
}
