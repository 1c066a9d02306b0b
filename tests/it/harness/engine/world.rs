//! The objects that the fake engine holds, and how the Engine API shows them.
//!
//! Must never know anything of the broker but the labels that its own objects carry.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

pub(crate) const OWN: &str = "a1c0ffee5eed0a1c0ffee5eed0a1c0ffee5eed0a1c0ffee5eed0a1c0ffee5eed";
pub(crate) const OWN_STOPPED: &str = "a2b0ffee5eed0a1c0ffee5eed0a1c0ffee5eed0a1c0ffee5eed0a1c0ffee5eed";
pub(crate) const FOREIGN: &str = "f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f";
/// Carries the labels of an own container, but was made from another image: a commit inherits labels.
pub(crate) const IMPOSTOR: &str = "e5e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f";
pub(crate) const OWN_EXEC: &str = "11ec0000000000000000000000000000000000000000000000000000000011ec";
pub(crate) const FOREIGN_EXEC: &str = "22ec0000000000000000000000000000000000000000000000000000000022ec";
pub(crate) const PRIVILEGED_EXEC: &str = "33ec0000000000000000000000000000000000000000000000000000000033ec";
pub(crate) const BRIDGE_NET: &str = "b41d6e0000000000000000000000000000000000000000000000000000000b41";
pub(crate) const HOST_NET: &str = "4057000000000000000000000000000000000000000000000000000000004057";
pub(crate) const NONE_NET: &str = "00e0000000000000000000000000000000000000000000000000000000000e00";
pub(crate) const OWN_NET: &str = "0e70a1c0ffee5eed0a1c0ffee5eed0a1c0ffee5eed0a1c0ffee5eed0a1c0ffee";
pub(crate) const FOREIGN_NET: &str = "fe70d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f";
pub(crate) const POSTGRES: &str = "sha256:9e5c7a3f1b2d4c6e8f0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60";
pub(crate) const OTHER_IMAGE: &str = "sha256:7dd1e8a90b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c";
pub(crate) const POSTGRES_DIGEST: &str = "sha256:0d1e2f3a4b5c6d7e8f901a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f";
pub(crate) const OWN_NAME: &str = "own-postgres";
pub(crate) const FOREIGN_NAME: &str = "payroll-db";
pub(crate) const OTHER_NAME: &str = "secret/tool:1";
/// A word that stands in foreign objects only; it must never reach a client.
pub(crate) const FOREIGN_SECRET: &str = "hunter2-of-somebody-else";

#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) image_id: String,
    pub(crate) running: bool,
    pub(crate) created: u64,
    /// Name and ID.
    pub(crate) networks: BTreeMap<String, String>,
    pub(crate) config: Value,
    pub(crate) host_config: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Exec {
    pub(crate) id: String,
    pub(crate) container: String,
    pub(crate) config: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) id: String,
    pub(crate) tags: Vec<String>,
    pub(crate) digests: Vec<String>,
    pub(crate) config: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) driver: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) subnet: String,
    pub(crate) gateway: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) options: BTreeMap<String, String>,
}

/// Everything that the engine holds.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) containers: Vec<Container>,
    pub(crate) execs: Vec<Exec>,
    pub(crate) images: Vec<Image>,
    pub(crate) networks: Vec<Network>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) api_version: String,
    pub(crate) min_api_version: String,
    pub(crate) info: Value,
    /// How many objects were made here, for new IDs.
    pub(crate) made: u64,
    /// What a create really makes its container from, where that is another image than the one it names: a tag that
    /// was moved between two looks.
    pub(crate) moved_tag: Option<String>,
    /// Bytes of writable layers by container, and of volumes by name.
    pub(crate) sizes: BTreeMap<String, u64>,
}

/// The labels that the broker writes on a container of this owner.
pub(crate) fn owner_labels(owner: &str, image_id: Option<&str>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([
        ("docker-broker.owner".to_owned(), owner.to_owned()),
        ("docker-broker.session".to_owned(), "s-1".to_owned()),
        ("docker-broker.expires".to_owned(), (now() + 3600).to_string()),
        ("docker-broker.policy".to_owned(), "lab".to_owned()),
        ("docker-broker.version".to_owned(), "0.1.0".to_owned()),
    ]);
    labels.extend(image_id.map(|id| ("docker-broker.image".to_owned(), id.to_owned())));
    labels
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl World {
    /// One own and one foreign object of every kind, and the predefined networks.
    pub(crate) fn new(owner: &str) -> Self {
        Self {
            containers: containers(owner),
            execs: execs(),
            images: images(),
            networks: networks(owner),
            volumes: volumes(owner),
            api_version: "1.51".to_owned(),
            min_api_version: "1.24".to_owned(),
            info: info(),
            made: 0,
            moved_tag: None,
            sizes: BTreeMap::new(),
        }
    }

    /// A container by full ID, name or unique ID prefix, in the engine's order. `Err` holds the engine's message.
    pub(crate) fn container(&self, reference: &str) -> Result<&Container, String> {
        let reference = reference.trim_start_matches('/');
        let exact = |c: &&Container| c.id == reference || c.name == reference;
        if let Some(found) = self.containers.iter().find(exact) {
            return Ok(found);
        }
        let mut by_prefix = self.containers.iter().filter(|c| !reference.is_empty() && c.id.starts_with(reference));
        match (by_prefix.next(), by_prefix.next()) {
            (Some(found), None) => Ok(found),
            (Some(_), Some(_)) => Err(format!("multiple IDs found with provided prefix: {reference}")),
            (None, _) => Err(format!("No such container: {reference}")),
        }
    }

    pub(crate) fn exec(&self, id: &str) -> Option<&Exec> {
        self.execs.iter().find(|exec| exec.id == id)
    }

    /// An image by ID, name or ID prefix.
    pub(crate) fn image(&self, reference: &str) -> Option<&Image> {
        let bare = reference.strip_prefix("sha256:").unwrap_or(reference);
        let by_id = |image: &&Image| image.id.trim_start_matches("sha256:") == bare;
        let familiar = familiar(reference);
        let by_name = |image: &&Image| image.tags.contains(&familiar) || image.digests.contains(&familiar);
        let hex = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        let by_prefix = |image: &&Image| hex && image.id.trim_start_matches("sha256:").starts_with(bare);
        let images = || self.images.iter();
        images().find(by_id).or_else(|| images().find(by_name)).or_else(|| images().find(by_prefix))
    }

    /// A network by ID, name or ID prefix.
    pub(crate) fn network(&self, reference: &str) -> Option<&Network> {
        let named = |n: &&Network| n.id == reference || n.name == reference;
        let by_prefix = |n: &&Network| reference.len() > 3 && n.id.starts_with(reference);
        self.networks.iter().find(named).or_else(|| self.networks.iter().find(by_prefix))
    }

    pub(crate) fn volume(&self, name: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| volume.name == name)
    }

    /// Changes one container.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut Container)) {
        if let Some(found) = self.containers.iter_mut().find(|container| container.id == id) {
            change(found);
        }
    }

    /// A new 64-digit ID.
    pub(crate) fn new_id(&mut self) -> String {
        self.made += 1;
        format!("c{:063x}", self.made)
    }
}

/// `docker.io/library/postgres` becomes `postgres:latest`, as the engine shows it.
pub(crate) fn familiar(reference: &str) -> String {
    let mut name = reference;
    for prefix in ["index.docker.io/", "docker.io/"] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    name = name.strip_prefix("library/").unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') || last.contains('@') { name.to_owned() } else { format!("{name}:latest") }
}

impl Container {
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.config["Labels"].clone()).unwrap_or_default()
    }

    pub(crate) fn tty(&self) -> bool {
        self.config["Tty"].as_bool().unwrap_or(false)
    }

    /// As `GET /containers/{id}/json` shows it.
    pub(crate) fn inspect(&self) -> Value {
        let status = if self.running { "running" } else { "created" };
        json!({
            "Id": self.id, "Created": "2026-11-20T10:00:00.123456789Z", "Path": "docker-entrypoint.sh",
            "Args": ["postgres"], "Name": format!("/{}", self.name), "Image": self.image_id, "RestartCount": 0,
            "State": {"Status": status, "Running": self.running, "Paused": false, "Restarting": false,
                "OOMKilled": false, "Dead": false, "Pid": 4711, "ExitCode": 0, "Error": "",
                "StartedAt": "2026-11-20T10:00:01Z", "FinishedAt": "0001-01-01T00:00:00Z"},
            "LogPath": format!("/var/lib/docker/containers/{}/{}-json.log", self.id, self.id),
            "ResolvConfPath": "/var/lib/docker/containers/x/resolv.conf", "Driver": "overlay2", "Platform": "linux",
            "HostConfig": self.host_config, "Config": self.config, "ExecIDs": null, "Mounts": [],
            "NetworkSettings": {"Ports": {"5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}]},
                "Networks": self.endpoints()},
        })
    }

    /// As `GET /containers/json` shows it.
    pub(crate) fn summary(&self) -> Value {
        let (state, status) = if self.running { ("running", "Up 2 minutes") } else { ("created", "Created") };
        json!({
            "Id": self.id, "Names": [format!("/{}", self.name)], "Image": self.image, "ImageID": self.image_id,
            "Command": format!("run {}", self.config["Env"][0].as_str().unwrap_or("postgres")),
            "Created": self.created, "State": state, "Status": status, "Labels": self.labels(),
            "Ports": [{"IP": "127.0.0.1", "PrivatePort": 5432, "PublicPort": 49153, "Type": "tcp"}],
            "HostConfig": {"NetworkMode": self.host_config["NetworkMode"]}, "Mounts": [],
            "NetworkSettings": {"Networks": self.endpoints()},
        })
    }

    fn endpoints(&self) -> Value {
        let endpoint = |(name, id): (&String, &String)| {
            (
                name.clone(),
                json!({"NetworkID": id, "EndpointID": "", "Gateway": "172.17.0.1", "IPAddress": "172.17.0.2",
                "IPPrefixLen": 16, "MacAddress": "02:42:ac:11:00:02", "Aliases": null, "Links": null,
                "IPAMConfig": null, "DriverOpts": null}),
            )
        };
        Value::Object(self.networks.iter().map(endpoint).collect())
    }
}

impl Exec {
    pub(crate) fn inspect(&self) -> Value {
        let text = |key: &str| self.config[key].as_str().unwrap_or_default().to_owned();
        json!({
            "ID": self.id, "Running": false, "ExitCode": 0, "ContainerID": self.container, "Pid": 0, "CanRemove": false,
            "OpenStdin": self.config["AttachStdin"].as_bool().unwrap_or(false),
            "OpenStdout": true, "OpenStderr": true, "DetachKeys": "",
            "ProcessConfig": {"tty": self.config["Tty"].as_bool().unwrap_or(false),
                "entrypoint": self.config["Cmd"][0], "arguments": [], "user": text("User"),
                "privileged": self.config["Privileged"].as_bool().unwrap_or(false)},
        })
    }
}

impl Image {
    pub(crate) fn inspect(&self) -> Value {
        json!({"Id": self.id, "RepoTags": self.tags, "RepoDigests": self.digests, "Parent": "", "Comment": "",
            "Created": "2026-11-01T00:00:00Z", "DockerVersion": "", "Author": "", "Config": self.config,
            "Architecture": "amd64", "Os": "linux", "Size": 430_000_000_u64, "RootFS": {"Type": "layers", "Layers": []},
            "GraphDriver": {"Name": "overlay2", "Data": null}, "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"}})
    }

    pub(crate) fn summary(&self) -> Value {
        json!({"Id": self.id, "ParentId": "", "RepoTags": self.tags, "RepoDigests": self.digests,
            "Created": 1_761_955_200_u64, "Size": 430_000_000_u64, "SharedSize": -1, "Containers": -1,
            "Labels": self.config["Labels"]})
    }
}

impl Network {
    /// As inspect and list show it; only inspect shows the containers.
    pub(crate) fn show(&self, containers: &[Container], whole: bool) -> Value {
        let on_it = |c: &&Container| c.running && c.networks.contains_key(&self.name);
        let endpoint = |c: &Container| {
            (
                c.id.clone(),
                json!({"Name": c.name, "EndpointID": "e".repeat(64), "MacAddress": "02:42:ac:11:00:02",
                "IPv4Address": "172.17.0.2/16", "IPv6Address": ""}),
            )
        };
        let inside: serde_json::Map<String, Value> = containers.iter().filter(on_it).map(endpoint).collect();
        json!({"Name": self.name, "Id": self.id, "Created": "2026-11-01T00:00:00Z", "Scope": "local",
            "Driver": self.driver, "EnableIPv6": false, "Internal": false, "Attachable": false, "Ingress": false,
            "IPAM": {"Driver": "default", "Options": null, "Config": [{"Subnet": self.subnet, "Gateway": self.gateway}]},
            "ConfigFrom": {"Network": ""}, "ConfigOnly": false, "Options": {}, "Labels": self.labels,
            "Containers": if whole { Value::Object(inside) } else { json!({}) }})
    }
}

impl Volume {
    pub(crate) fn inspect(&self) -> Value {
        json!({"Name": self.name, "Driver": "local", "Mountpoint": format!("/var/lib/docker/volumes/{}/_data", self.name),
            "CreatedAt": "2026-11-01T00:00:00Z", "Labels": self.labels, "Options": self.options, "Scope": "local"})
    }
}

fn container(id: &str, name: &str, image: (&str, &str), labels: &BTreeMap<String, String>, env: &str) -> Container {
    Container {
        id: id.to_owned(),
        name: name.to_owned(),
        image: image.0.to_owned(),
        image_id: image.1.to_owned(),
        running: true,
        created: now(),
        networks: BTreeMap::from([("bridge".to_owned(), BRIDGE_NET.to_owned())]),
        config: json!({"Hostname": &id[..12], "User": "", "Tty": false, "Env": [env], "Cmd": ["postgres"], "Image": image.0,
            "Labels": labels, "ExposedPorts": {"5432/tcp": {}}, "Entrypoint": ["docker-entrypoint.sh"]}),
        host_config: json!({"NetworkMode": "default", "Privileged": false, "Binds": null, "AutoRemove": false}),
    }
}

fn containers(owner: &str) -> Vec<Container> {
    let own = owner_labels(owner, Some(POSTGRES));
    let foreign = BTreeMap::from([("team".to_owned(), FOREIGN_SECRET.to_owned())]);
    let foreign_env = format!("DB_PASSWORD={FOREIGN_SECRET}");
    let mut stopped = container(OWN_STOPPED, "own-stopped", ("postgres:16", POSTGRES), &own, "POSTGRES_PASSWORD=own");
    stopped.running = false;
    vec![
        container(OWN, OWN_NAME, ("postgres:16", POSTGRES), &own, "POSTGRES_PASSWORD=own"),
        stopped,
        container(FOREIGN, FOREIGN_NAME, ("postgres:16", POSTGRES), &foreign, &foreign_env),
        container(IMPOSTOR, "impostor", (OTHER_NAME, OTHER_IMAGE), &own, &foreign_env),
    ]
}

fn execs() -> Vec<Exec> {
    let exec = |id: &str, container: &str, privileged: bool| Exec {
        id: id.to_owned(),
        container: container.to_owned(),
        config: json!({"Cmd": ["cat"], "AttachStdin": true, "AttachStdout": true, "Privileged": privileged}),
    };
    vec![exec(OWN_EXEC, OWN, false), exec(FOREIGN_EXEC, FOREIGN, false), exec(PRIVILEGED_EXEC, OWN, true)]
}

fn images() -> Vec<Image> {
    let postgres = Image {
        id: POSTGRES.to_owned(),
        tags: vec!["postgres:16".to_owned()],
        digests: vec![format!("postgres@{POSTGRES_DIGEST}")],
        config: json!({"ExposedPorts": {"5432/tcp": {}}, "Env": ["PATH=/usr/bin"], "Cmd": ["postgres"],
            "Entrypoint": ["docker-entrypoint.sh"], "Volumes": {"/var/lib/postgresql/data": {}}, "Labels": null}),
    };
    let other = Image {
        id: OTHER_IMAGE.to_owned(),
        tags: vec![OTHER_NAME.to_owned()],
        digests: Vec::new(),
        config: json!({"Env": [format!("TOKEN={FOREIGN_SECRET}")], "Cmd": ["sh"], "Labels": {"team": FOREIGN_SECRET}}),
    };
    vec![postgres, other]
}

fn networks(owner: &str) -> Vec<Network> {
    let network = |id: &str, name: &str, driver: &str, labels, subnet: &str, gateway: &str| Network {
        id: id.to_owned(),
        name: name.to_owned(),
        driver: driver.to_owned(),
        labels,
        subnet: subnet.to_owned(),
        gateway: gateway.to_owned(),
    };
    let foreign = BTreeMap::from([("team".to_owned(), FOREIGN_SECRET.to_owned())]);
    vec![
        network(BRIDGE_NET, "bridge", "bridge", BTreeMap::new(), "172.17.0.0/16", "172.17.0.1"),
        network(HOST_NET, "host", "host", BTreeMap::new(), "", ""),
        network(NONE_NET, "none", "null", BTreeMap::new(), "", ""),
        network(OWN_NET, "n-own", "bridge", owner_labels(owner, None), "172.18.0.0/16", "172.18.0.1"),
        network(FOREIGN_NET, "payroll-net", "bridge", foreign, "172.19.0.0/16", "172.19.0.1"),
    ]
}

fn volumes(owner: &str) -> Vec<Volume> {
    let foreign = BTreeMap::from([("team".to_owned(), FOREIGN_SECRET.to_owned())]);
    let volume = |name: &str, labels| Volume { name: name.to_owned(), labels, options: BTreeMap::new() };
    vec![volume("own-volume", owner_labels(owner, None)), volume("payroll-volume", foreign)]
}

fn info() -> Value {
    json!({"ID": "6b1c", "Name": "secret-host-name", "Containers": 4, "ContainersRunning": 3, "Images": 2,
        "Driver": "overlay2", "MemoryLimit": true, "SwapLimit": true, "PidsLimit": true, "CpuCfsPeriod": true,
        "CpuCfsQuota": true, "CPUShares": true, "CPUSet": true, "NCPU": 4, "MemTotal": 8_000_000_000_u64,
        "Plugins": {"Volume": ["local"], "Network": ["bridge", "host", "null"], "Authorization": null,
            "Log": ["json-file", "local", "syslog"]},
        "CgroupDriver": "systemd", "CgroupVersion": "2", "OperatingSystem": "Debian", "OSType": "linux",
        "Architecture": "x86_64", "ServerVersion": "28.5.2", "KernelVersion": "6.1.0", "IndexServerAddress": "",
        "HttpProxy": format!("http://user:{FOREIGN_SECRET}@proxy:3128"), "HttpsProxy": "", "NoProxy": "internal.example",
        "Labels": [format!("rack={FOREIGN_SECRET}")], "DockerRootDir": "/var/lib/docker", "Warnings": null,
        "SecurityOptions": ["name=seccomp,profile=builtin"], "DefaultRuntime": "runc", "LiveRestoreEnabled": false,
        "Swarm": {"NodeID": "", "LocalNodeState": "inactive"}, "RegistryConfig": {"Mirrors": [FOREIGN_SECRET]}})
}
