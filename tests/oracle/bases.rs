//! What the mutations begin with: requests as real clients send them, and one of each operation that none of them sent.

use std::collections::BTreeMap;

use docker_broker::operation::routes;
use docker_broker::request;

use super::random::Random;
use super::request::ClientRequest;
use super::tar;
use super::world::{EXEC, OWN};

/// Requests by the id of their operation.
pub(crate) type Bases = BTreeMap<&'static str, Vec<ClientRequest>>;

/// Recorded requests, in their order. Archives were not recorded and are made.
pub(crate) fn recorded() -> Vec<ClientRequest> {
    let mut random = Random::new(1);
    let lines = include_str!("benign.jsonl").lines();
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in benign.jsonl: {line}"));
    lines.map(|line| with_archive(read(line), &mut random)).collect()
}

/// Recorded requests and made ones.
pub(crate) fn all() -> Bases {
    let mut random = Random::new(2);
    let made = MADE.iter().map(|(method, target, body)| {
        let target = target.replace("OWN", OWN).replace("EXEC", EXEC);
        with_archive(ClientRequest::new(method, &target, (!body.is_empty()).then_some(body)), &mut random)
    });
    let mut bases = Bases::new();
    for request in recorded().into_iter().chain(made) {
        bases.entry(operation(&request)).or_default().push(request);
    }
    bases
}

/// The id of a request's operation.
pub(crate) fn operation(request: &ClientRequest) -> &'static str {
    let words = request.head().and_then(|head| request::read(&head).ok()).expect("a base is well formed");
    routes::find(&words.method, &words.path).expect("a base has a route").row.id
}

fn with_archive(mut request: ClientRequest, random: &mut Random) -> ClientRequest {
    if request.method == "PUT" {
        request.body = Some(tar::archive(random));
    }
    request
}

/// Method, target and body; `OWN` and `EXEC` stand for the IDs.
const MADE: &[(&str, &str, &str)] = &[
    ("GET", "/v1.51/events?since=1700000000&until=1700000100.5&filters=%7B%22type%22%3A%5B%22container%22%5D%7D", ""),
    ("GET", "/events", ""),
    ("GET", "/v1.47/images/json?all=1&shared-size=1&digests=1", ""),
    ("GET", "/v1.51/images/json?manifests=true&filters=%7B%22reference%22%3A%7B%22postgres%3A16%22%3Atrue%7D%7D", ""),
    ("GET", "/v1.51/images/docker.io/library/postgres:16/json?manifests=1", ""),
    (
        "GET",
        "/v1.51/images/postgres:16/json?platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22amd64%22%7D",
        "",
    ),
    ("POST", "/v1.51/images/create?fromImage=docker.io/library/postgres&tag=16&platform=linux/amd64", ""),
    ("POST", "/v1.51/images/create?fromImage=postgres:16", ""),
    ("POST", "/v1.51/images/create?fromSrc=-&repo=own/data&tag=1&message=m&changes=ENV%20A%3Db&changes=CMD%20x", ""),
    (
        "GET",
        "/v1.51/containers/json?all=1&limit=5&size=1&filters=%7B%22status%22%3A%5B%22running%22%2C%22exited%22%5D%7D",
        "",
    ),
    ("GET", "/v1.24/containers/json?since=pg&before=pg", ""),
    ("GET", "/v1.51/containers/pg/json?size=1", ""),
    ("POST", "/v1.51/containers/OWN/start?detachKeys=ctrl-p%2Cctrl-q", ""),
    ("POST", "/v1.51/containers/pg/stop?t=3&signal=SIGINT", ""),
    ("POST", "/v1.51/containers/pg/restart?t=3&signal=SIGINT", ""),
    ("POST", "/v1.41/containers/OWN/restart", ""),
    ("POST", "/v1.51/containers/pg/kill?signal=SIGTERM", ""),
    ("POST", "/v1.51/containers/pg/wait?condition=next-exit", ""),
    ("GET", "/v1.51/containers/pg/logs?stdout=1&stderr=1&follow=1&tail=10&timestamps=1&since=1700000000", ""),
    ("POST", "/v1.51/containers/pg/attach?stream=1&stdin=1&stdout=1&stderr=1&logs=1&detachKeys=ctrl-a", ""),
    ("POST", "/v1.51/containers/OWN/resize?h=24&w=80", ""),
    ("DELETE", "/v1.51/containers/pg?v=1&force=1", ""),
    ("HEAD", "/v1.51/containers/pg/archive?path=%2Fsrv%2Fdata", ""),
    ("GET", "/v1.51/containers/pg/archive?path=/srv/data", ""),
    ("PUT", "/v1.51/containers/OWN/archive?path=/srv&noOverwriteDirNonDir=1&copyUIDGID=1", "tar"),
    ("PUT", "/v1.44/containers/pg/archive?path=%2Fsrv", "tar"),
    (
        "POST",
        "/v1.51/containers/pg/exec",
        r#"{"Cmd":["sh","-c","true"],"User":"postgres","Env":["A=b"],"WorkingDir":"/srv","Tty":true,"ConsoleSize":[24,80],"AttachStdin":true,"DetachKeys":"ctrl-p"}"#,
    ),
    ("POST", "/v1.51/containers/pg/rename?name=pg-2", ""),
    ("POST", "/v1.51/containers/OWN/pause", ""),
    ("POST", "/v1.41/containers/pg/unpause", ""),
    ("GET", "/v1.51/containers/pg/top?ps_args=aux", ""),
    ("GET", "/v1.41/containers/OWN/top", ""),
    ("GET", "/v1.51/containers/pg/stats?stream=0&one-shot=1", ""),
    ("GET", "/v1.41/containers/pg/stats", ""),
    ("GET", "/v1.51/containers/pg/changes", ""),
    ("GET", "/v1.51/containers/OWN/export", ""),
    (
        "POST",
        "/v1.51/containers/pg/update",
        r#"{"CpuShares":0,"Memory":268435456,"NanoCpus":0,"CgroupParent":"","BlkioWeight":0,"BlkioWeightDevice":null,"CpuPeriod":0,"CpuQuota":0,"CpusetCpus":"","MemorySwap":0,"PidsLimit":100,"RestartPolicy":{"Name":"","MaximumRetryCount":0}}"#,
    ),
    ("POST", "/v1.41/containers/OWN/update", r#"{"CpuQuota":50000,"CpuPeriod":100000}"#),
    ("GET", "/v1.51/images/postgres:16/history", ""),
    ("DELETE", "/v1.51/images/own/data:1?force=1&noprune=1", ""),
    ("POST", "/v1.51/images/postgres:16/tag?repo=own/data&tag=1", ""),
    ("POST", "/v1.51/images/registry.example:5000/own/data/push?tag=1", ""),
    ("GET", "/v1.51/distribution/postgres:16/json", ""),
    ("POST", "/v1.51/exec/EXEC/start", r#"{"Detach":true}"#),
    ("POST", "/v1.51/exec/EXEC/start", r#"{"Detach":false,"Tty":true,"ConsoleSize":[24,80]}"#),
    ("POST", "/v1.51/exec/EXEC/resize?h=24&w=80", ""),
    ("GET", "/v1.51/exec/EXEC/json", ""),
    ("GET", "/v1.51/networks?filters=%7B%22driver%22%3A%5B%22bridge%22%5D%7D", ""),
    ("GET", "/v1.51/networks/bridge?verbose=1&scope=local", ""),
    ("GET", "/v1.51/networks/own-net", ""),
    (
        "POST",
        "/v1.51/networks/create",
        r#"{"Name":"n1","Driver":"bridge","Scope":"local","IPAM":{"Driver":"default","Options":{},"Config":[]},"Internal":true,"EnableIPv6":false,"CheckDuplicate":true,"Options":{"com.docker.network.bridge.enable_icc":"false"},"Labels":{"org.testcontainers":"true"}}"#,
    ),
    (
        "POST",
        "/v1.44/networks/create",
        r#"{"enableIPv6":null,"Name":"n2","Driver":null,"IPAM":null,"Options":{},"CheckDuplicate":true,"Internal":null,"EnableIPv6":null,"Attachable":null,"Labels":{"org.testcontainers":"true"}}"#,
    ),
    (
        "POST",
        "/v1.51/networks/own-net/connect",
        r#"{"Container":"pg","EndpointConfig":{"Aliases":["db"],"Links":null,"IPAMConfig":null}}"#,
    ),
    ("POST", "/v1.51/networks/bridge/connect", r#"{"Container":"pg"}"#),
    ("POST", "/v1.51/networks/own-net/disconnect", r#"{"Container":"pg","Force":true}"#),
    (
        "POST",
        "/v1.51/volumes/create",
        r#"{"Name":"own-more","Driver":"local","DriverOpts":{},"Labels":{"org.testcontainers":"true"},"ClusterVolumeSpec":null}"#,
    ),
    ("POST", "/v1.41/volumes/create", r#"{"Labels":{"a":"b"}}"#),
    ("DELETE", "/v1.51/volumes/own-data?force=1", ""),
    ("GET", "/v1.51/volumes?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D", ""),
    ("GET", "/v1.51/volumes/own-data", ""),
    ("POST", "/v1.51/containers/prune?filters=%7B%22until%22%3A%5B%223h%22%5D%7D", ""),
    ("POST", "/v1.51/images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D", ""),
    ("POST", "/v1.51/networks/prune", ""),
    ("POST", "/v1.41/volumes/prune", ""),
    ("POST", "/v1.51/build/prune?all=1&keep-storage=1&reserved-space=2&max-used-space=3&min-free-space=4", ""),
    (
        "POST",
        "/v1.51/containers/create?name=pg-1&platform=linux%2Famd64",
        r#"{"Image":"postgres:16","Env":["POSTGRES_PASSWORD=x","PGDATA=/srv/pg"],"Cmd":["postgres","-c","fsync=off"],"Labels":{"org.testcontainers":"true"},"ExposedPorts":{"5432/tcp":{}},"HostConfig":{"PortBindings":{"5432/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]},"Memory":268435456,"AutoRemove":true,"Mounts":[{"Type":"tmpfs","Target":"/var/lib/postgresql/data","TmpfsOptions":{"SizeBytes":1048576}}],"Tmpfs":{"/run":"rw,size=65536k"}},"NetworkingConfig":{"EndpointsConfig":{"own-net":{"Aliases":["db"]}}}}"#,
    ),
    (
        "POST",
        "/v1.40/containers/create",
        r#"{"Image":"postgres:16","Tty":true,"OpenStdin":true,"StdinOnce":true,"Entrypoint":["docker-entrypoint.sh"],"Cmd":null,"Healthcheck":{"Test":["CMD-SHELL","pg_isready"],"Interval":250000000,"Timeout":1000000000,"Retries":10},"StopSignal":"SIGINT","StopTimeout":10,"HostConfig":{"NetworkMode":"own-net","PublishAllPorts":true,"Init":true,"CapDrop":["ALL"],"ReadonlyRootfs":true,"SecurityOpt":["no-new-privileges"],"Binds":["own-data:/srv/data:ro"],"ShmSize":67108864}}"#,
    ),
];
