//! Seeded mutations: what a client, a careless one or a hostile one may send in place of a base.
//!
//! About half of the mutations are such that an operation can still be permitted; the others try every way that is known
//! to make two readers disagree.

use super::bases::Bases;
use super::body;
use super::random::Random;
use super::request::ClientRequest;
use super::tar;
use super::world::{EXEC, FOREIGN, IMAGE, OWN};

/// A mutated request, and the id of the operation that it was made from.
pub(crate) fn request<'b>(
    random: &mut Random,
    bases: &'b Bases,
    catalogue: &body::Catalogue,
) -> (&'b str, ClientRequest) {
    let heavy = ["ContainerCreate", "ContainerCreate", "ContainerExec", "ExecStart", "PutContainerArchive"];
    let all: Vec<&str> = bases.keys().copied().collect();
    let operation = if random.percent(45) { *random.one(&heavy) } else { *random.one(&all) };
    let (operation, candidates) = bases.get_key_value(operation).expect("a base of each operation");
    let mut request = random.one(candidates).clone();
    let count = *random.one(&[0, 1, 1, 1, 1, 1, 2, 2, 3]);
    for _ in 0..count {
        mutate(random, operation, &mut request, catalogue);
    }
    (operation, request)
}

fn mutate(random: &mut Random, operation: &str, request: &mut ClientRequest, catalogue: &body::Catalogue) {
    let has_json = catalogue.knows(operation) && request.body.is_some();
    let is_archive = operation == "PutContainerArchive";
    match random.below(100) {
        0..60 if has_json => body::mutate(random, operation, request, catalogue),
        0..50 if is_archive => archive(random, request),
        0..70 => query(random, operation, request),
        70..85 => path(random, request),
        _ => head(random, request),
    }
}

fn archive(random: &mut Random, request: &mut ClientRequest) {
    let mut bytes = tar::archive(random);
    match random.below(10) {
        0 => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        1 => bytes.truncate(random.below(bytes.len())),
        2 => spoil_header(random, &mut bytes),
        3 => bytes.extend_from_slice(&tar::archive(random)),
        _ => {}
    }
    request.body = Some(bytes);
}

/// Changes one byte of the first header and seals it again, so that only its meaning is odd.
fn spoil_header(random: &mut Random, bytes: &mut [u8]) {
    let at = *random.one(&[0, 1, 5, 100, 107, 124, 135, 136, 156, 157, 257, 263, 265, 329, 345, 500]);
    bytes[at] = *random.one(&[0, b' ', b'0', b'7', b'/', b'.', b'-', 0x80, 0xff, b'S', b'g', b'1']);
    tar::seal(&mut bytes[..512]);
}

/// One change of the query string, whose pairs stay as they are written.
fn query(random: &mut Random, operation: &str, request: &mut ClientRequest) {
    let (path, query) = request.path_and_query();
    let mut pairs: Vec<String> =
        query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
    let known = parameters(operation);
    let parameter = if known.is_empty() { "all" } else { random.pick(known) };
    match random.below(20) {
        0..7 => set(&mut pairs, parameter, &value(random, parameter)),
        7..9 => {
            pairs.push(format!(
                "{}={}",
                random.pick(&["x", "_", "Env", "cache-bust", "HostConfig"]),
                value(random, "")
            ));
        }
        9 => drop(pairs.pop()),
        10 => set(&mut pairs, &odd_key(random, parameter), &value(random, parameter)),
        11 => {
            let again = pairs.first().cloned().unwrap_or_else(|| format!("{parameter}=1"));
            let place = random.below(pairs.len() + 1);
            pairs.insert(place, again);
        }
        12 => pairs.push(format!("{parameter}={}", value(random, parameter))),
        13 => pairs.push(parameter.to_owned()),
        14 => pairs.iter_mut().for_each(|pair| *pair = encoded(random, pair)),
        15 => pairs.push(
            random.pick(&["a;b=1", "%zz=1", "%=1", "a=%00", "=", "&&", "a=%ff", "+=+", "%C5%BFize=1"]).to_owned(),
        ),
        16 => pairs.reverse(),
        _ => set(&mut pairs, parameter, random.pick(&["1", "0", "true", "false", "", "10"])),
    }
    let joined = pairs.join("&");
    request.target = if pairs.is_empty() { path.to_owned() } else { format!("{path}?{joined}") };
}

fn set(pairs: &mut Vec<String>, key: &str, value: &str) {
    pairs.retain(|pair| pair.split('=').next() != Some(key));
    pairs.push(format!("{key}={value}"));
}

fn value(random: &mut Random, parameter: &str) -> String {
    let choices: &[&str] = match parameter {
        "filters" => FILTERS,
        "path" => {
            &["%2Fsrv", "/srv/x%20y", "/srv/../etc", "srv", "/proc/self", "", "%2Fsrv%2F.", "/%C3%A4", "/a%26path=/b"]
        }
        "platform" => &[
            "linux/amd64",
            "linux/arm64/v8",
            "linux",
            "amd64",
            "linux/arm/7",
            "LINUX/AMD64",
            "",
            "a/b/c/d",
            "%7B%22os%22%3A%22linux%22%7D",
        ],
        "signal" => &["SIGTERM", "TERM", "9", "15", "KILL", "sigkill", "0", "-9", "SIGRTMIN%2B3"],
        "name" => &["pg-1", "pg_2", "%2Fpg", "a", "..", "pg%2F1", "PG", "", "pg%00"],
        "fromImage" => {
            &["postgres", "postgres:16", "docker.io/library/postgres", "redis", "postgres:", "Postgres", "POSTGRES:16"]
        }
        "tag" => &[
            "16",
            "17",
            "latest",
            "",
            "16%20",
            "sha256%3A1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e1a9e",
        ],
        "condition" => &["not-running", "next-exit", "removed", "never", "", "Removed"],
        "since" | "until" => &["1700000000", "1700000000.5", "10m", "2024-01-01T00:00:00Z", "", "0", "-1", "+5", "1e3"],
        "tail" => &["all", "10", "0", "-1", "ten", ""],
        "detachKeys" => &["ctrl-p%2Cctrl-q", "a", "ctrl-%40", "", "ctrl-pp"],
        "scope" => &["local", "swarm", ""],
        "t" | "limit" | "h" | "w" | "keep-storage" => {
            &["0", "1", "10", "-1", "01", "+1", "1.5", "4294967296", "", "%31", "1%20"]
        }
        _ => &[
            "1", "0", "true", "false", "True", "FALSE", "no", "none", "yes", "2", "", "t", "%31", "+1", "on", "\u{73}",
        ],
    };
    random.pick(choices).to_owned()
}

fn odd_key(random: &mut Random, key: &str) -> String {
    match random.below(4) {
        0 => key.to_uppercase(),
        1 => key.replacen('s', "%C5%BF", 1).replacen('k', "%E2%84%AA", 1),
        2 => key
            .chars()
            .next()
            .map_or_else(String::new, |first| format!("%{:02X}{}", first as u32, &key[first.len_utf8()..])),
        _ => format!("{}{}", key[..1].to_uppercase(), &key[1..]),
    }
}

/// The same pair with one letter of its value as a percent escape.
fn encoded(random: &mut Random, pair: &str) -> String {
    let Some((key, value)) = pair.split_once('=') else { return pair.to_owned() };
    let plain: Vec<usize> = value.char_indices().filter(|(_, c)| c.is_ascii_alphabetic()).map(|(at, _)| at).collect();
    if value.contains('%') || plain.is_empty() {
        return pair.to_owned();
    }
    let at = *random.one(&plain);
    format!("{key}={}%{:02x}{}", &value[..at], value.as_bytes()[at], &value[at + 1..])
}

/// One change of the path.
fn path(random: &mut Random, request: &mut ClientRequest) {
    let (path, query) = request.path_and_query();
    let bare = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(path);
    let changed = match random.below(16) {
        0..6 => format!(
            "{}{bare}",
            random.pick(&["", "/v1.51", "/v1.50", "/v1.47", "/v1.44", "/v1.41", "/v1.40", "/v1.30", "/v1.24"])
        ),
        6 => format!(
            "{}{bare}",
            random.pick(&["/v1.41.", "/v01.41", "/v1.041", "/V1.41", "/v1.99", "/v1.23", "/v1", "/v2.0", "//v1.41"])
        ),
        7 => encoded_letter(random, path),
        8 => path.replacen('/', random.pick(&["//", "/./", "/x/../", "/%2e/", "%2F"]), 1 + random.below(3)),
        9 => format!("{path}{}", random.pick(&["/", "%2F", "%20", "?", ";", "%00"])),
        10 => path.to_uppercase(),
        _ => other_object(random, path),
    };
    request.target = query.map_or_else(|| changed.clone(), |query| format!("{changed}?{query}"));
}

fn encoded_letter(random: &mut Random, path: &str) -> String {
    let letters: Vec<usize> =
        path.bytes().enumerate().filter(|(_, b)| b.is_ascii_alphanumeric()).map(|(at, _)| at).collect();
    let at = *random.one(&letters);
    format!("{}%{:02X}{}", &path[..at], path.as_bytes()[at], &path[at + 1..])
}

/// Names another object, or the same one in another way.
fn other_object(random: &mut Random, path: &str) -> String {
    let names = [
        OWN,
        "pg",
        &OWN[..12],
        FOREIGN,
        "theirs",
        "%2Fpg",
        "PG",
        "p%67",
        "missing",
        "..",
        &"C0DE".repeat(16),
        EXEC,
        IMAGE,
        "own-net",
        "bridge",
        "postgres:16",
        "library%2Fpostgres:16",
        "own-data",
    ];
    let mut steps: Vec<&str> = path.split('/').collect();
    let known = [OWN, "pg", EXEC, "bridge", "own-net", "postgres:16", "own-data"];
    if let Some(step) = steps.iter_mut().find(|step| known.contains(*step)) {
        *step = names[random.below(names.len())];
    }
    steps.join("/")
}

/// One change of the header fields, or a body where there is none.
fn head(random: &mut Random, request: &mut ClientRequest) {
    let mut put = |name: &str, value: &str| {
        request.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        request.headers.push((name.to_owned(), value.to_owned()));
    };
    match random.below(14) {
        0..3 => put(
            "Content-Type",
            random.pick(&["application/json; charset=utf-8", "Application/JSON", "application/json"]),
        ),
        3 => put(
            "Content-Type",
            random.pick(&[
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "text/plain",
                "application/json, text/plain",
                "application/xjson",
                "application/grpc",
                "",
            ]),
        ),
        4 => request.headers.push(("Content-Type".to_owned(), "text/plain".to_owned())),
        5 => put("Host", random.pick(&["", "docker", "a b", "localhost:2375", "[::1]", "2f72756e"])),
        6 => request.headers.push(("Host".to_owned(), "other".to_owned())),
        7..9 => put("X-Registry-Auth", random.pick(&["e30=", "e30", "eyJ1c2VybmFtZSI6ImEifQ==", "not json"])),
        9 => put("X-Meta-Note", "a"),
        10 => {
            put("Connection", "Upgrade");
            put("Upgrade", "tcp");
        }
        11 => put("Expect", "100-continue"),
        12 if request.body.is_none() => {
            request.body = Some(random.one(&[&b"{}"[..], b"", b"{\"t\":1}", b"null", b"a=b"]).to_vec());
        }
        _ => put("X-Forwarded-For", "10.0.0.1"),
    }
}

/// The query parameters of an operation that a mutation plays with.
fn parameters(operation: &str) -> &'static [&'static str] {
    match operation {
        "SystemEvents" => &["since", "until", "filters"],
        "ImageList" => &["all", "filters", "filter", "shared-size", "digests", "manifests"],
        "ImageInspect" => &["manifests", "platform"],
        "ImageCreate" => &["fromImage", "fromSrc", "repo", "tag", "message", "changes", "platform"],
        "ContainerList" => &["all", "limit", "size", "filters", "since", "before"],
        "ContainerCreate" => &["name", "platform"],
        "ContainerInspect" => &["size"],
        "ContainerStart" => &["detachKeys", "checkpoint", "checkpoint-dir"],
        "ContainerStop" | "ContainerRestart" => &["signal", "t"],
        "ContainerKill" => &["signal"],
        "ContainerRename" => &["name"],
        "ContainerTop" => &["ps_args"],
        "ContainerStats" => &["stream", "one-shot"],
        "ImageDelete" => &["force", "noprune"],
        "VolumeDelete" => &["force"],
        "ImageTag" => &["repo", "tag"],
        "ImageHistory" => &["platform"],
        "ImagePush" => &["tag", "platform"],
        "ContainerWait" => &["condition"],
        "ContainerLogs" => &["follow", "stdout", "stderr", "since", "until", "timestamps", "details", "tail", "format"],
        "ContainerAttach" => &["detachKeys", "logs", "stream", "stdin", "stdout", "stderr"],
        "ContainerResize" | "ExecResize" => &["h", "w"],
        "ContainerDelete" => &["v", "force", "link"],
        "ContainerArchiveInfo" | "ContainerArchive" => &["path"],
        "PutContainerArchive" => &["path", "noOverwriteDirNonDir", "copyUIDGID"],
        "NetworkInspect" => &["verbose", "scope"],
        "BuildPrune" => &["all", "filters", "keep-storage", "reserved-space", "max-used-space", "min-free-space"],
        "NetworkList" | "VolumeList" | "ContainerPrune" | "ImagePrune" | "NetworkPrune" | "VolumePrune" => &["filters"],
        _ => &[],
    }
}

const FILTERS: &[&str] = &[
    "%7B%7D",
    "",
    "null",
    "%7B%22label%22%3A%5B%22a%3Db%22%5D%7D",
    "%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D",
    "%7B%22label%22%3A%7B%22a%3Db%22%3Afalse%7D%7D",
    "%7B%22label%22%3A%5B%22a%22%2C%22a%22%2C%22b%22%5D%2C%22name%22%3A%5B%22x%22%5D%7D",
    "%7B%22name%22%3A%5B%22%5Cu0070g%22%5D%7D",
    "%7B%22name%22%3A%5B%5D%7D",
    "%7B%22name%22%3A%22pg%22%7D",
    "%7B%22name%22%3A%5B%22a%22%5D%2C%22name%22%3A%5B%22b%22%5D%7D",
    "%7B%22Label%22%3A%5B%22a%22%5D%7D",
    "%5B%5D",
    "%7B%22label%22%3A%5B1%5D%7D",
    "%7B%22label%22%3A%5B%22a%22%5D%7Dx",
    "%7B%22dangling%22%3A%5B%22true%22%5D%7D",
    "%7B%22until%22%3A%5B%2224h%22%5D%7D",
];
