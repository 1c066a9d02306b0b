//! Mutations of JSON bodies, by the published fields of each body.

use std::collections::BTreeMap;

use serde_json::Value;

use super::node::Node;
use super::published::{Field, fields};
use super::random::Random;
use super::request::ClientRequest;

/// The published fields of every body that is mutated.
pub(crate) struct Catalogue(BTreeMap<&'static str, Vec<(String, Field)>>);

impl Catalogue {
    pub(crate) fn new() -> Self {
        let listed = |id| (id, fields(id).into_iter().collect());
        let json = [
            "ContainerCreate",
            "ContainerExec",
            "ContainerUpdate",
            "ExecStart",
            "NetworkCreate",
            "NetworkConnect",
            "NetworkDisconnect",
            "VolumeCreate",
        ];
        Self(json.into_iter().map(listed).collect())
    }

    pub(crate) fn knows(&self, operation: &str) -> bool {
        self.0.contains_key(operation)
    }
}

/// Changes the body once.
pub(crate) fn mutate(random: &mut Random, operation: &str, request: &mut ClientRequest, catalogue: &Catalogue) {
    let text = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
    let mut document = Node::read(&text);
    let number = random.below(document.objects());
    let mut wrapped = ("", "");
    match random.below(20) {
        0..7 => set_ordinary(random, operation, &mut document),
        7..10 => set_published(random, &catalogue.0[operation], &mut document),
        10..12 => edit(random, document.object(number)),
        12 => spell(random, document.object(number)),
        13 => repeat(random, document.object(number)),
        14 => add(random, document.object(number)),
        15 => retype(random, document.object(number)),
        16 => escape(random, document.object(number)),
        17 => legacy(random, document.object(0)),
        18 => document = Node::Raw(random.pick(WHOLE).to_owned()),
        _ => wrapped = *random.one(WRAPPINGS),
    }
    let mut written = wrapped.0.to_owned();
    document.write(&mut written);
    written.push_str(wrapped.1);
    let mut bytes = written.into_bytes();
    if random.percent(1) {
        bytes.insert(random.below(bytes.len()), 0xff);
    }
    request.body = Some(bytes);
}

/// A field that ordinary clients set, with a value that ordinary clients give it.
fn set_ordinary(random: &mut Random, operation: &str, document: &mut Node) {
    let choices = match operation {
        "ContainerCreate" => CREATE,
        "ContainerExec" => EXEC,
        "ContainerUpdate" => UPDATE,
        "NetworkCreate" => NETWORK,
        "NetworkConnect" => CONNECT,
        "NetworkDisconnect" => DISCONNECT,
        "VolumeCreate" => VOLUME,
        _ => START,
    };
    let (path, value) = random.one(choices);
    document.set(path, Node::read(value));
}

/// Any published field, with a value of its type.
fn set_published(random: &mut Random, fields: &[(String, Field)], document: &mut Node) {
    let (path, field) = random.one(fields);
    let value = typed(random, field);
    document.set(path, Node::from(&value));
}

fn typed(random: &mut Random, field: &Field) -> Value {
    if !field.words.is_empty() && random.percent(50) {
        return random.one(&field.words).clone();
    }
    of_shape(random, &field.shape)
}

fn of_shape(random: &mut Random, shape: &str) -> Value {
    if let Some(item) = shape.strip_prefix("[]") {
        let count = random.below(3);
        return (0..count).map(|_| of_shape(random, item)).collect();
    }
    if let Some(item) = shape.strip_prefix("{}") {
        let key = random.pick(&["5432/tcp", "bridge", "a", "own-net", "net.core.x"]).to_owned();
        return [(key, of_shape(random, item))].into_iter().collect::<serde_json::Map<_, _>>().into();
    }
    match shape {
        "boolean" => random.percent(70).into(),
        "integer" | "number" => (*random.one(&[0, 1, -1, 2, 512, 1_073_741_824])).into(),
        "string" => random.pick(&["", "a", "0", "default", "host", "/srv", "ü\"\\", "<&>\u{2028}"]).into(),
        _ => Value::Object(serde_json::Map::new()),
    }
}

type Members<'a> = Option<&'a mut Vec<(String, Node)>>;

/// Takes a member away, makes it nothing, or changes the order.
fn edit(random: &mut Random, members: Members<'_>) {
    let Some(members) = members.filter(|members| !members.is_empty()) else { return };
    let at = random.below(members.len());
    match random.below(4) {
        0 => drop(members.remove(at)),
        1 => members[at].1 = Node::Raw("null".to_owned()),
        2 => members.reverse(),
        _ => members[at].1 = Node::Raw(random.pick(&["false", "0", "\"\"", "[]", "{}"]).to_owned()),
    }
}

/// Spells a key as another one that Go takes for the same.
fn spell(random: &mut Random, members: Members<'_>) {
    let Some(members) = members.filter(|members| !members.is_empty()) else { return };
    let at = random.below(members.len());
    let key = members[at].0.clone();
    members[at].0 = match random.below(5) {
        0 => key.to_lowercase(),
        1 => key.to_uppercase(),
        2 => key.replacen('s', "ſ", 1),
        3 => key.replacen(['k', 'K'], "\u{212a}", 1),
        _ => key.replacen('s', "\\u017f", 1),
    };
}

/// Says a member twice: the same, empty, or with items that leave a residue in Go's slices.
fn repeat(random: &mut Random, members: Members<'_>) {
    let Some(members) = members.filter(|members| !members.is_empty()) else { return };
    let (key, value) = members[random.below(members.len())].clone();
    let key = if random.percent(40) { key.to_lowercase() } else { key };
    let again = match random.below(4) {
        0 => value,
        1 => Node::Raw("null".to_owned()),
        2 => Node::Raw("[null]".to_owned()),
        _ => Node::Raw("{}".to_owned()),
    };
    let at = random.below(members.len() + 1);
    members.insert(at, (key, again));
}

/// Adds a key that no engine knows.
fn add(random: &mut Random, members: Members<'_>) {
    let Some(members) = members else { return };
    let key =
        random.pick(&["\"Unknown\"", "\"x-note\"", "\"\"", "\"__proto__\"", "\"HostConfig2\"", "\"Memory\\u0000\""]);
    let value = random.pick(&["null", "false", "0", "\"\"", "[]", "{}", "1", "{\"a\":{\"b\":[[]]}}", "[0]"]);
    members.push((key.to_owned(), Node::Raw(value.to_owned())));
}

/// Gives a member a value of another kind, or a number that readers differ about.
fn retype(random: &mut Random, members: Members<'_>) {
    let Some(members) = members.filter(|members| !members.is_empty()) else { return };
    let at = random.below(members.len());
    let odd = [
        "1",
        "\"1\"",
        "true",
        "\"true\"",
        "[1]",
        "[[]]",
        "{\"a\":1}",
        "1.0",
        "1e2",
        "-0",
        "01",
        "1e400",
        "NaN",
        "9223372036854775808",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "'a'",
        "// x",
        "[null]",
        "\"\u{7f}\"",
        "{\"a\":1,}",
    ];
    members[at].1 = Node::Raw(random.pick(&odd).to_owned());
}

/// Writes one letter of a key as an escape; any reader knows what it means.
fn escape(random: &mut Random, members: Members<'_>) {
    let Some(members) = members.filter(|members| !members.is_empty()) else { return };
    let at = random.below(members.len());
    let key = members[at].0.clone();
    if let Some(first) = key.chars().nth(1).filter(char::is_ascii_alphanumeric) {
        members[at].0 = format!("\"\\u{:04x}{}", first as u32, &key[2..]);
    }
}

/// Fields that older engines read at the top level, or that only clients know.
fn legacy(random: &mut Random, members: Members<'_>) {
    let Some(members) = members else { return };
    let fields = [
        ("\"Memory\"", "1"),
        ("\"CpuShares\"", "2"),
        ("\"Binds\"", "[\"/:/host\"]"),
        ("\"Privileged\"", "true"),
        ("\"PortSpecs\"", "null"),
        ("\"VolumesFrom\"", "\"\""),
        ("\"Cpuset\"", "\"0\""),
        ("\"name\"", "\"pg\""),
        ("\"Name\"", "\"pg\""),
        ("\"Container\"", "\"pg\""),
        ("\"containerId\"", "\"pg\""),
        ("\"stdin\"", "true"),
    ];
    let (key, value) = *random.one(&fields);
    members.push((key.to_owned(), Node::Raw(value.to_owned())));
}

const WHOLE: &[&str] = &[
    "",
    "null",
    "[]",
    "{}",
    "\"\"",
    "{\"Image\":\"postgres:16\"}",
    "{\"Cmd\":[\"true\"]}",
    "{\"Detach\":true}",
    "{\"Cmd\":\"true\"}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
];

const WRAPPINGS: &[(&str, &str)] = &[
    ("", "\n"),
    (" \t\r\n", ""),
    ("\u{feff}", ""),
    ("", "{}"),
    ("", "x"),
    ("", "\0"),
    ("[", "]"),
    ("", " \r\n\t"),
    ("", "{\"HostConfig\":{\"Privileged\":true}}"),
];

const CREATE: &[(&str, &str)] = &[
    ("Hostname", "\"db\""),
    ("Domainname", "\"example.test\""),
    ("User", "\"postgres\""),
    ("AttachStdout", "true"),
    ("Tty", "true"),
    ("OpenStdin", "true"),
    ("Env", "[\"POSTGRES_PASSWORD=ü=\\\"x\\\"\",\"PGDATA=/srv\"]"),
    ("Env", "[\"TZ\",\"LANG=\"]"),
    ("Env", "[\"SECRET=1\"]"),
    ("Cmd", "[\"postgres\",\"-c\",\"fsync=off\"]"),
    ("Cmd", "\"postgres\""),
    ("Cmd", "[]"),
    ("Entrypoint", "[]"),
    ("Entrypoint", "\"\""),
    ("Entrypoint", "[\"\"]"),
    ("Healthcheck", "{\"Test\":[\"NONE\"]}"),
    ("Healthcheck", "{}"),
    ("Healthcheck.StartInterval", "250000000"),
    ("Image", "\"docker.io/library/postgres:16\""),
    ("Image", "\"redis\""),
    ("WorkingDir", "\"/srv\""),
    ("StopSignal", "\"SIGINT\""),
    ("StopTimeout", "0"),
    ("Shell", "[\"/bin/sh\",\"-c\"]"),
    ("Labels", "{\"org.testcontainers\":\"true\",\"a\":null}"),
    ("Labels", "{\"docker-broker.owner\":\"me\"}"),
    ("ExposedPorts", "{\"5432/tcp\":null,\"5433\":{}}"),
    ("NetworkDisabled", "true"),
    ("HostConfig", "null"),
    ("HostConfig.Memory", "268435456"),
    ("HostConfig.NanoCpus", "500000000"),
    ("HostConfig.PidsLimit", "0"),
    ("HostConfig.PidsLimit", "100"),
    ("HostConfig.ShmSize", "1048576"),
    ("HostConfig.AutoRemove", "true"),
    ("HostConfig.PortBindings", "{\"5432/tcp\":null}"),
    ("HostConfig.PortBindings", "{\"5432/tcp\":[{\"HostPort\":\"0\"},null]}"),
    ("HostConfig.PortBindings", "{\"5432\":[{\"HostIp\":\"127.0.0.1\"}]}"),
    ("HostConfig.PortBindings", "{\"5432/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"5432\"}]}"),
    ("HostConfig.PublishAllPorts", "true"),
    ("HostConfig.Init", "true"),
    ("HostConfig.Init", "false"),
    ("HostConfig.ReadonlyRootfs", "true"),
    ("HostConfig.CapDrop", "\"ALL\""),
    ("HostConfig.SecurityOpt", "[\"no-new-privileges\"]"),
    ("HostConfig.NetworkMode", "\"bridge\""),
    ("HostConfig.NetworkMode", "\"none\""),
    ("HostConfig.NetworkMode", "\"own-net\""),
    ("HostConfig.NetworkMode", "\"host\""),
    ("HostConfig.Tmpfs", "{\"/tmp\":\"\"}"),
    ("HostConfig.Mounts", "[{\"Type\":\"tmpfs\",\"Target\":\"/tmp\",\"TmpfsOptions\":{\"Mode\":511}}]"),
    ("HostConfig.Mounts", "[{\"Type\":\"volume\",\"Source\":\"own-data\",\"Target\":\"/srv\",\"ReadOnly\":true}]"),
    ("HostConfig.Mounts", "[{\"Type\":\"bind\",\"Source\":\"/\",\"Target\":\"/host\"}]"),
    ("HostConfig.Binds", "[\"own-data:/srv/data\"]"),
    ("HostConfig.Binds", "[\"/:/host\"]"),
    ("HostConfig.ConsoleSize", "[24,80]"),
    ("HostConfig.IpcMode", "\"private\""),
    ("HostConfig.LogConfig", "{\"Type\":\"local\",\"Config\":{\"max-size\":\"1m\"}}"),
    ("HostConfig.RestartPolicy", "{\"Name\":\"no\",\"MaximumRetryCount\":0}"),
    ("HostConfig.MemorySwappiness", "-1"),
    ("HostConfig.OomKillDisable", "false"),
    ("HostConfig.MaskedPaths", "[]"),
    ("HostConfig.Privileged", "true"),
    ("HostConfig.Binds", "[\"/srv/fixtures:/f:ro\",\"own-data:/v\"]"),
    ("HostConfig.Binds", "[\"/data/scratch:/s\"]"),
    ("HostConfig.Binds", "[\"/srv/fixtures:/f:ro,z\"]"),
    (
        "HostConfig.Mounts",
        "[{\"Type\":\"bind\",\"Source\":\"/srv/fixtures\",\"Target\":\"/f\",\"ReadOnly\":true,\"BindOptions\":{\"CreateMountpoint\":true}}]",
    ),
    (
        "HostConfig.Mounts",
        "[{\"Type\":\"bind\",\"Source\":\"/srv/fixtures\",\"Target\":\"/f\",\"ReadOnly\":true,\"BindOptions\":{\"ReadOnlyForceRecursive\":true,\"Propagation\":\"rprivate\"}}]",
    ),
    ("HostConfig.VolumesFrom", "[\"pg:ro\"]"),
    ("HostConfig.VolumesFrom", "[\"theirs\"]"),
    ("HostConfig.NetworkMode", "\"container:pg\""),
    ("HostConfig.NetworkMode", "\"container:theirs\""),
    ("HostConfig.PidMode", "\"container:pg\""),
    ("HostConfig.PidMode", "\"host\""),
    ("HostConfig.IpcMode", "\"container:pg\""),
    ("HostConfig.IpcMode", "\"shareable\""),
    ("HostConfig.UTSMode", "\"host\""),
    ("HostConfig.UsernsMode", "\"host\""),
    ("HostConfig.CgroupnsMode", "\"host\""),
    ("HostConfig.CgroupParent", "\"/tests\""),
    (
        "HostConfig.Devices",
        "[{\"PathOnHost\":\"/dev/fuse\"},{\"PathOnHost\":\"/dev/null\",\"CgroupPermissions\":\"r\"}]",
    ),
    ("HostConfig.DeviceCgroupRules", "[\"c 42:* rmw\"]"),
    ("HostConfig.DeviceRequests", "[{\"Count\":-1,\"Capabilities\":[[\"gpu\"]]}]"),
    ("HostConfig.DeviceRequests", "[{\"Driver\":\"cdi\",\"DeviceIDs\":[\"vendor.example/gpu=0\"]}]"),
    ("HostConfig.CapAdd", "[\"net_admin\",\"CAP_SYS_PTRACE\"]"),
    ("HostConfig.CapAdd", "\"sys_admin\""),
    ("HostConfig.SecurityOpt", "[\"seccomp:unconfined\",\"no-new-privileges:true\"]"),
    ("HostConfig.SecurityOpt", "[\"disable\"]"),
    ("HostConfig.MaskedPaths", "[\"/proc/kcore\"]"),
    ("HostConfig.ReadonlyPaths", "[]"),
    ("HostConfig.Sysctls", "{\"net.core.somaxconn\":\"1024\"}"),
    ("HostConfig.Sysctls", "{\"net.ipv4.conf.eth0.forwarding\":\"1\"}"),
    ("HostConfig.Runtime", "\"runsc\""),
    ("HostConfig.RestartPolicy", "{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}"),
    ("HostConfig.RestartPolicy", "{\"Name\":\"always\"}"),
    ("HostConfig.Ulimits", "[{\"Name\":\"nofile\",\"Soft\":1024,\"Hard\":4096}]"),
    ("HostConfig.CpuShares", "512"),
    ("HostConfig.CpusetCpus", "\"0-1\""),
    ("HostConfig.BlkioDeviceReadBps", "[{\"Path\":\"/dev/sda\",\"Rate\":1048576}]"),
    ("HostConfig.MemorySwappiness", "60"),
    ("HostConfig.OomKillDisable", "true"),
    ("HostConfig.OomScoreAdj", "-500"),
    ("HostConfig.StorageOpt", "{\"size\":\"10G\"}"),
    ("HostConfig.VolumeDriver", "\"nfs\""),
    ("HostConfig.GroupAdd", "[\"staff\"]"),
    ("HostConfig.Annotations", "{\"com.example.a\":\"b\"}"),
    ("HostConfig.Dns", "[\"10.0.0.53\"]"),
    ("HostConfig.DnsSearch", "[\"example.test\"]"),
    ("HostConfig.ExtraHosts", "[\"db:10.0.0.5\",\"host:host-gateway\"]"),
    ("HostConfig.Links", "[\"pg:db\"]"),
    ("MacAddress", "\"02:42:ac:11:00:02\""),
    (
        "NetworkingConfig",
        "{\"EndpointsConfig\":{\"own-net\":{\"IPAMConfig\":{\"IPv4Address\":\"172.30.0.9\"},\"MacAddress\":\"02:42:ac:11:00:03\",\"GwPriority\":5,\"Links\":[\"pg:db\"],\"DriverOpts\":{\"com.docker.network.endpoint.ifname\":\"x0\"}}}}",
    ),
    ("NetworkingConfig", "{\"EndpointsConfig\":{\"own-net\":{\"Aliases\":[\"db\"]}}}"),
    ("NetworkingConfig", "{\"EndpointsConfig\":{\"default\":null}}"),
    ("NetworkingConfig", "{\"EndpointsConfig\":{\"bridge\":{\"IPAMConfig\":{}}}}"),
    ("NetworkingConfig", "{\"EndpointsConfig\":{\"their-net\":{}}}"),
    ("NetworkingConfig", "null"),
];

const EXEC: &[(&str, &str)] = &[
    ("User", "\"postgres\""),
    ("User", "\"\""),
    ("Privileged", "true"),
    ("Tty", "true"),
    ("ConsoleSize", "[24,80]"),
    ("ConsoleSize", "[0,0]"),
    ("ConsoleSize", "[1,2,3]"),
    ("AttachStdin", "true"),
    ("AttachStdout", "true"),
    ("AttachStderr", "true"),
    ("DetachKeys", "\"ctrl-a\""),
    ("Env", "[\"A=b\",\"C\"]"),
    ("WorkingDir", "\"/srv\""),
    ("WorkingDir", "\"/proc/self/fd/8\""),
    ("Cmd", "\"true\""),
    ("Cmd", "[\"sh\",\"-c\",\"echo ü\"]"),
    ("Cmd", "[]"),
    ("Detach", "true"),
];

const UPDATE: &[(&str, &str)] = &[
    ("Memory", "268435456"),
    ("Memory", "-1"),
    ("MemorySwap", "536870912"),
    ("MemorySwap", "-1"),
    ("MemoryReservation", "134217728"),
    ("NanoCpus", "500000000"),
    ("CpuQuota", "50000"),
    ("CpuQuota", "-1"),
    ("CpuPeriod", "50000"),
    ("PidsLimit", "100"),
    ("PidsLimit", "0"),
    ("PidsLimit", "-1"),
    ("PidsLimit", "null"),
    ("CpuShares", "0"),
    ("RestartPolicy", "{\"Name\":\"no\"}"),
    ("RestartPolicy", "{\"Name\":\"always\"}"),
    ("BlkioWeight", "0"),
    ("Init", "true"),
];

const START: &[(&str, &str)] = &[
    ("Detach", "true"),
    ("Detach", "false"),
    ("Tty", "true"),
    ("Tty", "false"),
    ("ConsoleSize", "[24,80]"),
    ("ConsoleSize", "null"),
];

const NETWORK: &[(&str, &str)] = &[
    ("Name", "\"n3\""),
    ("Name", "\"theirs\""),
    ("Name", "\"\""),
    ("Driver", "\"bridge\""),
    ("Driver", "\"macvlan\""),
    ("Driver", "\"\""),
    ("Scope", "\"swarm\""),
    ("Internal", "true"),
    ("Internal", "false"),
    ("Attachable", "true"),
    ("Ingress", "true"),
    ("ConfigOnly", "true"),
    ("ConfigFrom", "{\"Network\":\"their-net\"}"),
    ("EnableIPv4", "false"),
    ("EnableIPv6", "false"),
    ("EnableIPv6", "true"),
    ("CheckDuplicate", "true"),
    ("IPAM", "{\"Driver\":\"default\",\"Config\":[{}]}"),
    ("IPAM.Config", "[{\"Subnet\":\"10.9.0.0/24\",\"Gateway\":\"10.9.0.1\"}]"),
    (
        "IPAM.Config",
        "[{\"Subnet\":\"10.9.0.0/24\",\"IPRange\":\"10.9.0.128/25\",\"AuxiliaryAddresses\":{\"a\":\"10.9.0.9\"}}]",
    ),
    ("IPAM.Options", "{\"a\":\"b\"}"),
    ("Options", "{\"com.docker.network.bridge.enable_icc\":\"false\"}"),
    ("Options", "{\"com.docker.network.bridge.name\":\"docker0\"}"),
    ("Options", "{\"parent\":\"eth0\"}"),
    ("Labels", "{\"org.testcontainers\":\"true\",\"a\":null}"),
    ("Labels", "{\"docker-broker.owner\":\"me\"}"),
];

const CONNECT: &[(&str, &str)] = &[
    ("Container", "\"pg\""),
    ("Container", "\"theirs\""),
    ("Container", "\"\""),
    ("EndpointConfig", "null"),
    ("EndpointConfig", "{}"),
    ("EndpointConfig.Aliases", "[\"db\",\"db-2\"]"),
    ("EndpointConfig.Aliases", "[]"),
    ("EndpointConfig.Links", "[\"pg:db\"]"),
    ("EndpointConfig.IPAMConfig", "{}"),
    ("EndpointConfig.IPAMConfig", "{\"IPv4Address\":\"172.30.0.9\",\"LinkLocalIPs\":[\"169.254.1.9\"]}"),
    ("EndpointConfig.MacAddress", "\"02:42:ac:11:00:03\""),
    ("EndpointConfig.GwPriority", "5"),
    ("EndpointConfig.DriverOpts", "{\"com.docker.network.endpoint.ifname\":\"x0\"}"),
    ("EndpointConfig.NetworkID", "\"a\""),
    ("EndpointConfig.IPAddress", "\"10.0.0.9\""),
];

const DISCONNECT: &[(&str, &str)] = &[
    ("Container", "\"pg\""),
    ("Container", "\"theirs\""),
    ("Container", "\"\""),
    ("Force", "true"),
    ("Force", "false"),
    ("Force", "null"),
];

const VOLUME: &[(&str, &str)] = &[
    ("Name", "\"own-more\""),
    ("Name", "\"own-data\""),
    ("Name", "\"their-data\""),
    ("Name", "\"\""),
    ("Name", "\"/etc\""),
    ("Driver", "\"local\""),
    ("Driver", "\"\""),
    ("Driver", "\"nfs\""),
    ("DriverOpts", "{}"),
    ("DriverOpts", "{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/\"}"),
    ("DriverOpts", "{\"size\":\"10m\"}"),
    ("Labels", "{\"org.testcontainers\":\"true\",\"a\":null}"),
    ("Labels", "{\"docker-broker.owner\":\"me\"}"),
    ("ClusterVolumeSpec", "null"),
    ("ClusterVolumeSpec", "{\"Group\":\"a\"}"),
];
