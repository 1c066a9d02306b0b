//! Storage in every spelling.

use serde_json::{Value, json};

use super::fixture::{Scene, each};

#[test]
fn paths_of_the_host_need_a_key_in_every_spelling() {
    each(["/etc:/x:ro", "/etc/../srv:/y", "/srv:/y", "/srv:/b:rprivate"], |bind| {
        assert_eq!(Scene::postgres().create_host(&json!({"Binds": [bind]})).refused_by(), "containers.host.binds");
    });
    each(
        ["/srv:/b:z", "/srv:/b:rshared", "/srv:b", "/srv:/b/../c", "/srv:/b:ro:x", "./x:/y", "../x:/y", "~/x:/y"],
        |bind| {
            assert_eq!(Scene::postgres().create_host(&json!({"Binds": [bind]})).floor(), "HostConfig.Binds[0]");
        },
    );
    each(["/etc", "relative", "", "own-vol"], |source| {
        let mount = json!({"Type": "bind", "Source": source, "Target": "/x"});
        assert_eq!(Scene::postgres().create_host(&json!({"Mounts": [mount]})).refused_by(), "containers.host.binds");
    });
}

#[test]
fn volumes_of_others_new_ones_and_nameless_ones_are_refused_in_every_spelling() {
    // bound-vol and nfs-vol carry our labels, but hold something of the host or of elsewhere
    for name in ["foreign-vol", "new-vol", "bound-vol", "nfs-vol"] {
        let scene = Scene::postgres();
        let mount = json!({"Type": "volume", "Source": name, "Target": "/x"});
        assert_eq!(
            scene.create_host(&json!({"Binds": [format!("{name}:/x")]})).refused_by(),
            "volumes.create",
            "{name}"
        );
        assert_eq!(scene.create_host(&json!({"Mounts": [mount]})).refused_by(), "volumes.create", "{name}");
    }
    for bind in ["/data", "x:/data", ":/data"] {
        assert_eq!(Scene::postgres().create_host(&json!({"Binds": [bind]})).floor(), "HostConfig.Binds[0]");
    }
    for source in ["", "/etc"] {
        let mount = json!({"Type": "volume", "Source": source, "Target": "/data"});
        assert_eq!(Scene::postgres().create_host(&json!({"Mounts": [mount]})).refused_by(), "volumes.create");
    }
    assert_eq!(Scene::postgres().create(&json!({"Volumes": {"/data": {}}})).refused_by(), "volumes.create");
}

#[test]
fn the_local_driver_binds_nothing_of_the_host() {
    let ask = |config: Value| {
        let options = json!({"DriverConfig": config});
        let mount = json!({"Type": "volume", "Source": "own-vol", "Target": "/x", "VolumeOptions": options});
        let grant = "[containers.host]\nvolume-drivers = [\"local\", \"nfs\"]\n";
        Scene::postgres_with(grant).create_host(&json!({"Mounts": [mount]}))
    };
    for options in [json!({"type": "none", "o": "bind", "device": "/"}), json!({"device": "/dev/sda1"})] {
        for name in ["", "local", "nfs"] {
            let place = ask(json!({"Name": name, "Options": options})).floor();
            assert_eq!(place, "HostConfig.Mounts[0].VolumeOptions.DriverConfig.Options");
        }
        // where no volume may be made either: a key is named only where it helps
        let options = json!({"DriverConfig": {"Options": options}});
        for source in ["", "fresh"] {
            let mount = json!({"Type": "volume", "Source": source, "Target": "/x", "VolumeOptions": options});
            let place = Scene::postgres().create_host(&json!({"Mounts": [mount]})).floor();
            assert_eq!(place, "HostConfig.Mounts[0].VolumeOptions.DriverConfig.Options");
        }
    }
    assert_eq!(ask(json!({"Name": "../../x"})).refused_by(), "containers.host.volume-drivers");
}

#[test]
fn an_own_volume_is_mounted_at_a_plain_path() {
    for options in ["", ":ro", ":rw", ":ro,nocopy"] {
        let binds = json!([format!("own-vol:/data{options}")]);
        assert_eq!(Scene::postgres().create_host(&json!({"Binds": binds})).sent().host("Binds"), binds);
    }
    for bind in [
        "own-vol:data",
        "own-vol:/",
        "own-vol:/a/../b",
        "own-vol:/a:z",
        "own-vol:/a:rshared",
        "own-vol:/a:ro:x",
        "own-vol:",
    ] {
        assert_eq!(Scene::postgres().create_host(&json!({"Binds": [bind]})).floor(), "HostConfig.Binds[0]", "{bind}");
    }
}

#[test]
fn a_mount_goes_up_without_noise() {
    let mount = json!({
        "Type": "volume", "Source": "own-vol", "Target": "/data", "ReadOnly": false, "Consistency": "default",
        "BindOptions": {"Propagation": ""}, "TmpfsOptions": {},
        "VolumeOptions": {"NoCopy": false, "Labels": {}, "DriverConfig": {"Name": "local", "Options": {}}},
    });
    let sent = Scene::postgres().create_host(&json!({"Mounts": [mount]})).sent();
    assert_eq!(sent.host("Mounts"), json!([{"Type": "volume", "Source": "own-vol", "Target": "/data"}]));
}

#[test]
fn other_types_of_mount_are_on_the_floor() {
    each(["", "Bind", "image", "cluster", "npipe", "glob", "ramfs", "devpts"], |kind| {
        let mount = json!({"Type": kind, "Source": "own-vol", "Target": "/x"});
        assert_eq!(Scene::postgres().create_host(&json!({"Mounts": [mount]})).floor(), "HostConfig.Mounts[0].Type");
    });
}

#[test]
fn memory_is_mounted_where_the_policy_says_and_within_its_limit() {
    let data = "/var/lib/postgresql/data";
    for target in ["/tmp", "/", "/var/lib/postgresql/data/", "/var/lib/postgresql/data/x", "//var/lib/postgresql/data"]
    {
        let scene = Scene::postgres();
        assert_eq!(scene.create_host(&json!({"Tmpfs": {target: ""}})).refused_by(), "containers.tmpfs", "{target}");
    }
    let mount = json!({"Type": "tmpfs", "Target": "/tmp"});
    assert_eq!(Scene::postgres().create_host(&json!({"Mounts": [mount]})).refused_by(), "containers.tmpfs");
    for options in [
        "suid",
        "dev",
        "bind",
        "size=0",
        "size=50%",
        "size=-1",
        "size=",
        "mode=4755",
        "uid=x",
        "nr_blocks=0",
        "size=1m\u{b}",
    ] {
        let place = Scene::postgres().create_host(&json!({"Tmpfs": {data: options}})).floor();
        assert_eq!(place, format!("HostConfig.Tmpfs[{data}]"), "{options}");
    }
    for options in ["size=1025m", "size=2g", "rw,size=1073741825"] {
        let outcome = Scene::postgres().create_host(&json!({"Tmpfs": {data: options}}));
        assert_eq!(outcome.refused_by(), "containers.limits.memory", "{options}");
    }
    for options in ["", "rw", "rw,noexec,nosuid,nodev,size=1g,mode=1777,uid=999,gid=999"] {
        let tmpfs = json!({data: options});
        assert_eq!(Scene::postgres().create_host(&json!({"Tmpfs": tmpfs})).sent().host("Tmpfs"), tmpfs);
    }
}

#[test]
fn a_tmpfs_mount_is_judged_like_a_tmpfs() {
    let ask = |fields: Value| {
        let mut mount = json!({"Type": "tmpfs", "Target": "/var/lib/postgresql/data"});
        super::fixture::merge(&mut mount, &fields);
        Scene::postgres().create_host(&json!({"Mounts": [mount]}))
    };
    assert_eq!(ask(json!({"TmpfsOptions": {"SizeBytes": 1_073_741_825}})).refused_by(), "containers.limits.memory");
    ask(json!({"TmpfsOptions": {"SizeBytes": -1}})).floor();
    ask(json!({"TmpfsOptions": {"Mode": 0o4755}})).floor();
    ask(json!({"TmpfsOptions": {"Options": [["exec"]]}})).floor();
    ask(json!({"Source": "/etc"})).floor();
    ask(json!({"VolumeOptions": {"NoCopy": true}})).floor();
    ask(json!({"TmpfsOptions": {"SizeBytes": 1_073_741_824}, "ReadOnly": true})).sent();
}

#[test]
fn the_engines_socket_is_on_the_floor_even_where_everything_else_is_open() {
    let scene = Scene::shipped("unrestricted");
    for source in [
        "/",
        "/var",
        "/run/",
        "/var/run/docker.sock",
        "/etc/../run/docker.sock",
        "//run//docker.sock",
        "/proc/1/root",
        "/proc/self/root/run",
        "/run/containerd",
    ] {
        scene.create_host(&json!({"Binds": [format!("{source}:/x")]})).floor();
        scene.create_host(&json!({"Mounts": [{"Type": "bind", "Source": source, "Target": "/x"}]})).floor();
        let options = json!({"DriverConfig": {"Options": {"type": "none", "o": "bind", "device": source}}});
        scene.create_host(&json!({"Mounts": [{"Type": "volume", "Target": "/x", "VolumeOptions": options}]})).floor();
    }
    for source in ["/srv", "/var/lib", "/runner", "volume", "/run/docker.sock.d"] {
        scene.create_host(&json!({"Binds": [format!("{source}:/x")]})).sent();
    }
}
