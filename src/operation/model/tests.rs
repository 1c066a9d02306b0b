use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::de::value::Error as RecordError;
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserializer, Serialize, forward_to_deserialize_any};
use serde_json::{Value, json};

use super::*;

#[test]
fn a_console_size_is_exactly_two_whole_numbers() {
    for odd in [json!([]), json!([24]), json!([24, 80, 1]), json!([-1, 80]), json!([24.5, 80]), json!("24x80")] {
        let body = json!({"ConsoleSize": odd});
        assert!(serde_json::from_value::<HostConfig>(body.clone()).is_err(), "{body}");
        assert!(serde_json::from_value::<ExecConfig>(body.clone()).is_err(), "{body}");
        assert!(serde_json::from_value::<ExecStartConfig>(body.clone()).is_err(), "{body}");
    }
}

#[test]
fn numbers_outside_the_type_of_the_engine_are_refused() {
    for odd in [
        json!({"Memory": 1.5}),
        json!({"Memory": "1g"}),
        json!({"Memory": u64::MAX}),
        json!({"BlkioWeight": 65_536}),
        json!({"IOMaximumIOps": -1}),
        json!({"Umask": -1}),
        json!({"Mounts": [{"TmpfsOptions": {"Mode": 4_294_967_296_u64}}]}),
    ] {
        assert!(serde_json::from_value::<HostConfig>(odd.clone()).is_err(), "{odd}");
    }
}

#[test]
fn a_list_has_no_null_element_and_only_lists_of_words_may_be_one_string() {
    for odd in [
        json!({"Env": [null]}),
        json!({"Env": "A=b"}),
        json!({"Cmd": [null]}),
        json!({"Cmd": [1]}),
        json!({"Cmd": {"0": "sh"}}),
        json!({"Healthcheck": {"Test": "true"}}),
        json!({"HostConfig": {"SecurityOpt": "seccomp=unconfined"}}),
        json!({"HostConfig": {"Ulimits": [null]}}),
    ] {
        assert!(serde_json::from_value::<ContainerCreateBody>(odd.clone()).is_err(), "{odd}");
    }
}

#[test]
fn a_default_body_carries_its_image_and_an_empty_host_config() {
    let body = ContainerCreateBody { image: "postgres:16".into(), ..Default::default() };
    assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"Image":"postgres:16","HostConfig":{}}"#);
}

#[test]
fn a_host_config_that_is_absent_or_null_is_written_as_an_object() {
    for body in [json!({}), json!({"HostConfig": null}), json!({"NetworkingConfig": {"EndpointsConfig": {}}})] {
        assert_eq!(rewritten::<ContainerCreateBody>(&body), json!({"HostConfig": {}}));
    }
}

#[test]
fn a_string_list_takes_a_string_or_a_list_and_tells_null_from_empty() {
    let entrypoint =
        |written: Value| rewritten::<ContainerCreateBody>(&json!({"Entrypoint": written}))["Entrypoint"].clone();
    assert_eq!(entrypoint(json!("sh")), json!(["sh"]));
    assert_eq!(entrypoint(json!(["sh", "-c"])), json!(["sh", "-c"]));
    assert_eq!(entrypoint(json!("")), json!([""]));
    assert_eq!(entrypoint(json!([])), json!([]));
    assert_eq!(entrypoint(json!(null)), Value::Null);
    let read: ContainerCreateBody = serde_json::from_value(json!({"Cmd": null, "Shell": []})).unwrap();
    assert_eq!((read.cmd, read.shell), (None, Some(StringList(vec![]))));
}

#[test]
fn a_bare_capability_is_a_list_of_one() {
    let written = rewritten::<HostConfig>(&json!({"CapAdd": "SYS_ADMIN", "CapDrop": "ALL", "Capabilities": []}));
    assert_eq!(written, json!({"CapAdd": ["SYS_ADMIN"], "CapDrop": ["ALL"], "Capabilities": []}));
}

#[test]
fn what_is_not_neutral_although_it_looks_so_is_kept() {
    for kept in [
        json!({"MaskedPaths": [], "ReadonlyPaths": []}),
        json!({"Init": false, "OomKillDisable": false, "PidsLimit": 0, "MemorySwappiness": 0, "Umask": 0}),
        json!({"MemorySwappiness": -1, "NetworkMode": "default", "RestartPolicy": {"Name": "no"}}),
        json!({"PortBindings": {"5432/tcp": []}, "Tmpfs": {"/run": ""}, "Mounts": [{}]}),
    ] {
        assert_eq!(rewritten::<HostConfig>(&kept), kept);
    }
    let kept = json!({"StopTimeout": 0, "Volumes": {"/data": {}}, "HostConfig": {}});
    assert_eq!(rewritten::<ContainerCreateBody>(&kept), kept);
}

#[test]
fn a_zero_console_size_is_told_from_none_only_in_exec() {
    let zero = json!({"ConsoleSize": [0, 0]});
    assert_eq!(rewritten::<HostConfig>(&zero), json!({}));
    assert_eq!(rewritten::<ExecConfig>(&zero), zero);
    assert_eq!(rewritten::<ExecStartConfig>(&zero), zero);
    assert_eq!(rewritten::<ExecStartConfig>(&json!({"ConsoleSize": null})), json!({}));
}

#[test]
fn a_null_in_a_map_keeps_its_key() {
    let body = json!({
        "ExposedPorts": {"5432/tcp": null},
        "Labels": {"suite": null},
        "HostConfig": {"PortBindings": {"5432/tcp": null}},
        "NetworkingConfig": {"EndpointsConfig": {"host": null}},
    });
    let expected = json!({
        "ExposedPorts": {"5432/tcp": {}},
        "Labels": {"suite": ""},
        "HostConfig": {"PortBindings": {"5432/tcp": []}},
        "NetworkingConfig": {"EndpointsConfig": {"host": {}}},
    });
    assert_eq!(rewritten::<ContainerCreateBody>(&body), expected);
}

#[test]
fn junk_of_real_clients_is_taken_in_any_shape_and_never_written() {
    for junk in [json!("x"), json!(1), json!(null), json!({"a": [true]}), json!([{}])] {
        let create = json!({"Image": "postgres:16", "name": junk, "Name": junk, "Platform": junk});
        let expected = json!({"Image": "postgres:16", "HostConfig": {}});
        assert_eq!(rewritten::<ContainerCreateBody>(&create), expected);
        assert_eq!(rewritten::<ExecConfig>(&json!({"Container": junk, "containerId": junk})), json!({}));
        assert_eq!(rewritten::<ExecStartConfig>(&json!({"stdin": junk, "OutputCapacity": junk})), json!({}));
    }
}

#[test]
fn both_published_spellings_of_nano_cpus_are_one_field() {
    for spelling in ["NanoCpus", "NanoCPUs"] {
        assert_eq!(rewritten::<HostConfig>(&json!({spelling: 5})), json!({"NanoCpus": 5}));
    }
    assert!(serde_json::from_str::<HostConfig>(r#"{"NanoCpus": 5, "NanoCPUs": 6}"#).is_err());
}

#[test]
fn debug_shows_no_value_that_may_be_a_secret() {
    let body: ContainerCreateBody = serde_json::from_value(json!({
        "Env": ["PGPASSWORD=hunter2"], "Cmd": ["--password=hunter2"], "Entrypoint": "hunter2",
        "Healthcheck": {"Test": ["CMD-SHELL", "PGPASSWORD=hunter2 pg_isready"]}, "Labels": {"token": "hunter2"},
        "HostConfig": {
            "LogConfig": {"Type": "splunk", "Config": {"splunk-token": "hunter2"}},
            "Mounts": [{"VolumeOptions": {"DriverConfig": {"Options": {"o": "password=hunter2"}}}}],
        },
    }))
    .unwrap();
    let shown = format!("{body:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("PGPASSWORD") && shown.contains("splunk-token"), "{shown}");
}

#[test]
fn a_body_of_testcontainers_java_loses_its_nulls_and_nothing_else() {
    let sent = json!({
        "Hostname": null, "AttachStdin": null, "PortSpecs": null, "Tty": null, "Env": ["POSTGRES_DB=shop"],
        "Cmd": ["postgres", "-c", "fsync=off"], "Healthcheck": null, "Entrypoint": null, "Image": "postgres:16",
        "Volumes": {}, "OnBuild": null, "ExposedPorts": {"5432/tcp": {}}, "StopTimeout": null, "Shell": null,
        "HostConfig": {
            "Binds": [], "BlkioWeight": null, "MemorySwappiness": null, "CapAdd": null, "DiskQuota": null,
            "ExtraHosts": [], "LogConfig": null, "LxcConf": null, "KernelMemory": null, "Init": null,
            "PortBindings": {"5432/tcp": [{"HostIp": "", "HostPort": ""}]}, "RestartPolicy": null, "Mounts": null,
            "PidsLimit": null, "ConsoleSize": null, "Sysctls": null, "UTSMode": null,
        },
        "Labels": {"org.testcontainers.lang": "java"},
        "NetworkingConfig": {"EndpointsConfig": {"0a1b": {
            "IPAMConfig": null, "Aliases": ["db"], "NetworkID": null, "IPPrefixLen": null, "MacAddress": null,
        }}},
    });
    let expected = json!({
        "Env": ["POSTGRES_DB=shop"], "Cmd": ["postgres", "-c", "fsync=off"], "Image": "postgres:16",
        "ExposedPorts": {"5432/tcp": {}}, "HostConfig": {"PortBindings": {"5432/tcp": [{}]}},
        "Labels": {"org.testcontainers.lang": "java"},
        "NetworkingConfig": {"EndpointsConfig": {"0a1b": {"Aliases": ["db"]}}},
    });
    assert_eq!(rewritten::<ContainerCreateBody>(&sent), expected);
}

#[test]
fn a_body_of_docker_run_keeps_only_what_it_asks() {
    let sent = json!({
        "Hostname": "", "AttachStdout": true, "AttachStderr": true, "Tty": false, "Env": null, "Cmd": null,
        "Image": "postgres:16", "Volumes": {}, "Entrypoint": null, "OnBuild": null, "Labels": {},
        "HostConfig": {
            "Binds": null, "ContainerIDFile": "", "LogConfig": {"Type": "", "Config": {}}, "NetworkMode": "default",
            "PortBindings": {}, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "AutoRemove": true,
            "ConsoleSize": [0, 0], "Dns": [], "Privileged": false, "NanoCpus": 0, "BlkioWeightDevice": [],
            "MemorySwappiness": -1, "OomKillDisable": false, "PidsLimit": 0, "MaskedPaths": null, "ReadonlyPaths": null,
        },
        "NetworkingConfig": {"EndpointsConfig": {"default": {
            "IPAMConfig": null, "MacAddress": "", "GwPriority": 0, "Gateway": "", "IPPrefixLen": 0, "DNSNames": null,
        }}},
    });
    let expected = json!({
        "AttachStdout": true, "AttachStderr": true, "Image": "postgres:16",
        "HostConfig": {
            "NetworkMode": "default", "RestartPolicy": {"Name": "no"}, "AutoRemove": true, "MemorySwappiness": -1,
            "OomKillDisable": false, "PidsLimit": 0,
        },
        "NetworkingConfig": {"EndpointsConfig": {"default": {}}},
    });
    assert_eq!(rewritten::<ContainerCreateBody>(&sent), expected);
}

#[test]
fn bodies_of_testcontainers_node_keep_what_they_ask() {
    let asked = json!({
        "ExposedPorts": {"5432/tcp": {}},
        "Healthcheck": {"Test": ["CMD-SHELL", "pg_isready"], "Interval": 250_000_000, "Retries": 1000},
        "Image": "postgres:16",
        "HostConfig": {"PortBindings": {"5432/tcp": [{"HostPort": "0"}]}},
    });
    let mut sent = asked.clone();
    sent["name"] = json!("db");
    sent["Healthcheck"]["StartPeriod"] = json!(0);
    sent["HostConfig"]["AutoRemove"] = json!(false);
    assert_eq!(rewritten::<ContainerCreateBody>(&sent), asked);
    let exec = json!({"AttachStdout": true, "AttachStderr": true, "Cmd": ["pg_isready"]});
    assert_eq!(rewritten::<ExecConfig>(&exec), exec);
}

#[test]
fn every_field_of_every_body_is_written_as_it_was_read() {
    let junk = ["name", "Name", "Platform", "NanoCPUs", "Container", "containerId", "stdin", "OutputCapacity"];
    let missing = [
        unwritten::<ContainerCreateBody>(&create_body()),
        unwritten::<HealthConfig>(&create_body()["Healthcheck"]),
        unwritten::<HostConfig>(&host_config()),
        unwritten::<LogConfig>(&host_config()["LogConfig"]),
        unwritten::<RestartPolicy>(&host_config()["RestartPolicy"]),
        unwritten::<WeightDevice>(&host_config()["BlkioWeightDevice"][0]),
        unwritten::<ThrottleDevice>(&host_config()["BlkioDeviceReadBps"][0]),
        unwritten::<DeviceMapping>(&host_config()["Devices"][0]),
        unwritten::<DeviceRequest>(&host_config()["DeviceRequests"][0]),
        unwritten::<Ulimit>(&host_config()["Ulimits"][0]),
        unwritten::<PortBinding>(&host_config()["PortBindings"]["5432/tcp"][0]),
        unwritten::<Mount>(&mount()),
        unwritten::<BindOptions>(&mount()["BindOptions"]),
        unwritten::<VolumeOptions>(&mount()["VolumeOptions"]),
        unwritten::<DriverConfig>(&mount()["VolumeOptions"]["DriverConfig"]),
        unwritten::<ImageOptions>(&mount()["ImageOptions"]),
        unwritten::<TmpfsOptions>(&mount()["TmpfsOptions"]),
        unwritten::<ClusterOptions>(&mount()["ClusterOptions"]),
        unwritten::<NetworkingConfig>(&networking_config()),
        unwritten::<EndpointSettings>(&networking_config()["EndpointsConfig"]["lan"]),
        unwritten::<EndpointIPAMConfig>(&networking_config()["EndpointsConfig"]["lan"]["IPAMConfig"]),
        unwritten::<ExecConfig>(&exec_config()),
        unwritten::<ExecStartConfig>(&json!({"Detach": true, "Tty": true, "ConsoleSize": [24, 80]})),
    ];
    let missing: BTreeSet<&str> = missing.into_iter().flatten().collect();
    assert_eq!(missing, BTreeSet::from(junk));
}

/// Reads a body, writes it, reads that again and finds the same; the answer is what was written.
fn rewritten<T: DeserializeOwned + Serialize + PartialEq + Debug>(body: &Value) -> Value {
    let read: T = serde_json::from_str(&body.to_string()).unwrap();
    let written = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<T>(&written).unwrap(), read);
    serde_json::from_str(&written).unwrap()
}

/// The keys that a body reads and that `full`, which must come back unchanged, does not hold.
fn unwritten<T: DeserializeOwned + Serialize + PartialEq + Debug>(full: &Value) -> Vec<&'static str> {
    assert_eq!(rewritten::<T>(full), *full);
    let mut keys = Vec::new();
    T::deserialize(FieldRecorder(&mut keys)).unwrap_err();
    keys.retain(|key| full.get(key).is_none());
    keys
}

/// Learns from serde's derive which keys a struct reads.
struct FieldRecorder<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for FieldRecorder<'_> {
    type Error = RecordError;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, RecordError> {
        Err(serde::de::Error::custom("only a struct has fields"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, RecordError> {
        self.0.extend(fields);
        Err(serde::de::Error::custom("the fields are recorded"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn create_body() -> Value {
    json!({
        "Hostname": "db", "Domainname": "example.org", "User": "postgres", "AttachStdin": true, "AttachStdout": true,
        "AttachStderr": true, "ExposedPorts": {"5432/tcp": {}}, "Tty": true, "OpenStdin": true, "StdinOnce": true,
        "Env": ["A=1"], "Cmd": ["postgres"],
        "Healthcheck": {
            "Test": ["NONE"], "Interval": 1, "Timeout": 2, "Retries": 3, "StartPeriod": 4, "StartInterval": 5,
        },
        "ArgsEscaped": true, "Image": "postgres:16", "Volumes": {"/data": {}}, "WorkingDir": "/srv",
        "Entrypoint": ["run"], "NetworkDisabled": true, "MacAddress": "02:42:ac:11:00:02", "OnBuild": ["RUN true"],
        "Labels": {"a": "b"}, "StopSignal": "SIGINT", "Cpuset": "0", "StopTimeout": 7, "Shell": ["/bin/sh"],
        "HostConfig": host_config(), "NetworkingConfig": networking_config(),
    })
}

fn host_config() -> Value {
    let throttle = |rate: u64| json!([{"Path": "/dev/sda", "Rate": rate}]);
    let mut all = json!({
        "CpuShares": 1, "Memory": 2, "CgroupParent": "a", "BlkioWeight": 3,
        "BlkioWeightDevice": [{"Path": "/dev/sda", "Weight": 4}], "BlkioDeviceReadBps": throttle(5),
        "BlkioDeviceWriteBps": throttle(6), "BlkioDeviceReadIOps": throttle(7), "BlkioDeviceWriteIOps": throttle(8),
        "CpuPeriod": 9, "CpuQuota": 10, "CpuRealtimePeriod": 11, "CpuRealtimeRuntime": 12, "CpusetCpus": "0",
        "CpusetMems": "1",
        "Devices": [{"PathOnHost": "/dev/kvm", "PathInContainer": "/dev/kvm", "CgroupPermissions": "rwm"}],
        "DeviceCgroupRules": ["c 1:3 r"],
        "DeviceRequests": [{
            "Driver": "cdi", "Count": -1, "DeviceIDs": ["0"], "Capabilities": [["gpu"]], "Options": {"a": "b"},
        }],
        "DiskQuota": 13, "KernelMemory": 14, "KernelMemoryTCP": 15, "MemoryReservation": 16, "MemorySwap": 17,
        "MemorySwappiness": 18, "NanoCpus": 19, "OomKillDisable": true, "PidsLimit": 20,
        "Ulimits": [{"Name": "nofile", "Hard": 21, "Soft": 22}], "CpuCount": 23, "CpuPercent": 24,
        "IOMaximumIOps": 25, "IOMaximumBandwidth": u64::MAX,
    });
    for more in [lifecycle_and_mounts(), namespaces_and_names()] {
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }
    all
}

fn lifecycle_and_mounts() -> Value {
    json!({
        "Binds": ["/a:/b"], "ContainerIDFile": "/id", "LogConfig": {"Type": "local", "Config": {"max-size": "1m"}},
        "NetworkMode": "lan", "PortBindings": {"5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5432"}]},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 1}, "AutoRemove": true, "VolumeDriver": "local",
        "VolumesFrom": ["other"], "Mounts": [mount()], "ConsoleSize": [24, 80], "Annotations": {"a": "b"},
    })
}

fn namespaces_and_names() -> Value {
    json!({
        "CapAdd": ["CHOWN"], "CapDrop": ["KILL"], "Capabilities": ["KILL"], "CgroupnsMode": "host",
        "Dns": ["192.0.2.1"], "DnsOptions": ["ndots:1"], "DnsSearch": ["example.org"], "ExtraHosts": ["a:192.0.2.1"],
        "GroupAdd": ["1"], "IpcMode": "host", "Cgroup": "container:a", "Links": ["a:b"], "OomScoreAdj": -1,
        "PidMode": "host", "Privileged": true, "PublishAllPorts": true, "ReadonlyRootfs": true,
        "SecurityOpt": ["no-new-privileges"], "StorageOpt": {"size": "1G"}, "Tmpfs": {"/run": "rw"},
        "UTSMode": "host", "UsernsMode": "host", "ShmSize": 1, "Sysctls": {"net.ipv4.ip_forward": "1"},
        "Runtime": "runc", "Init": true, "Isolation": "process", "MaskedPaths": ["/proc/keys"],
        "ReadonlyPaths": ["/proc/sys"], "Umask": 18,
    })
}

fn mount() -> Value {
    json!({
        "Target": "/data", "Source": "a", "Type": "volume", "ReadOnly": true, "Consistency": "cached",
        "BindOptions": {
            "Propagation": "rshared", "NonRecursive": true, "CreateMountpoint": true, "ReadOnlyNonRecursive": true,
            "ReadOnlyForceRecursive": true,
        },
        "VolumeOptions": {
            "NoCopy": true, "Labels": {"a": "b"}, "Subpath": "c",
            "DriverConfig": {"Name": "local", "Options": {"type": "none"}},
        },
        "ImageOptions": {"Subpath": "d"},
        "TmpfsOptions": {"SizeBytes": 1, "Mode": 1023, "Options": [["noexec"], ["uid", "1"]]},
        "ClusterOptions": {},
    })
}

fn networking_config() -> Value {
    json!({"EndpointsConfig": {"lan": {
        "IPAMConfig": {"IPv4Address": "192.0.2.2", "IPv6Address": "2001:db8::2", "LinkLocalIPs": ["169.254.1.1"]},
        "Links": ["a:b"], "Aliases": ["db"], "MacAddress": "02:42:ac:11:00:02", "DriverOpts": {"a": "b"},
        "GwPriority": -1, "NetworkID": "c", "EndpointID": "d", "Gateway": "192.0.2.1", "IPAddress": "192.0.2.2",
        "IPPrefixLen": 24, "IPv6Gateway": "2001:db8::1", "GlobalIPv6Address": "2001:db8::2",
        "GlobalIPv6PrefixLen": 64, "DNSNames": ["db"],
    }}})
}

fn exec_config() -> Value {
    json!({
        "User": "postgres", "Privileged": true, "Tty": true, "ConsoleSize": [24, 80], "AttachStdin": true,
        "AttachStdout": true, "AttachStderr": true, "DetachKeys": "ctrl-p", "Env": ["A=1"], "WorkingDir": "/srv",
        "Cmd": ["true"], "Detach": true,
    })
}
