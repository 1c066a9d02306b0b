//! The comparison sees a bug: forwarded bytes that were spoilt on purpose are told from what was judged.

use std::path::Path;

use super::compare::{self, Verdict};
use super::pipeline::{Broker, Outcome};
use super::request::ClientRequest;
use super::run::{Answered, Case, Run};

/// A bug that an encoder could have, and the bytes that it would make.
type Bug = (&'static str, fn(&str) -> String);

pub(crate) fn run(program: &Path) -> Result<(), String> {
    let open = docker_broker::policy::builtin::builtin("unrestricted").expect("it is built in");
    let broker = Broker::new(open);
    let request = ClientRequest::new("POST", "/v1.51/containers/create?name=pg-1", Some(BODY));
    let mut run = Run::new(program, Vec::new(), |caught: &mut Vec<bool>, answered: Answered| {
        let Answered { case, forwarded, client: _ } = answered;
        let verdict = compare::with_judged(&forwarded, &case);
        caught.push(matches!(verdict, Verdict::Different(_)));
    });
    for (name, spoil) in BUGS {
        let Outcome::Permitted(permitted) = broker.answer(&request) else {
            return Err("the request is not permitted".to_owned());
        };
        let mut case = Case::new("ContainerCreate", "unrestricted", request.clone(), &permitted);
        let clean = String::from_utf8(case.forwarded.clone()).expect("a create is text");
        let spoilt = counted(&spoil(&clean));
        if *name != "none" && spoilt == clean {
            return Err(format!("the bug `{name}` changed nothing"));
        }
        case.forwarded = spoilt.into_bytes();
        run.ask(case);
    }
    let caught = run.end();
    let wrong = |((name, _), caught): &(&Bug, &bool)| (*name != "none") != **caught;
    let wrong: Vec<&str> = BUGS.iter().zip(&caught).filter(wrong).map(|((name, _), _)| *name).collect();
    println!("oracle: {} planted bugs, {} caught", BUGS.len() - 1, caught.iter().filter(|caught| **caught).count());
    if wrong.is_empty() { Ok(()) } else { Err(format!("judged wrongly: {wrong:?}")) }
}

/// The same with the length that the body has now, unless a whole request was put behind it.
fn counted(text: &str) -> String {
    if text.ends_with("\r\n\r\n") {
        return text.to_owned();
    }
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let lines = head.split("\r\n").map(|line| match line.strip_prefix("content-length: ") {
        Some(_) => format!("content-length: {}", body.len()),
        None => line.to_owned(),
    });
    format!("{}\r\n\r\n{body}", lines.collect::<Vec<_>>().join("\r\n"))
}

const BODY: &str = r#"{"Image":"postgres:16","Env":["A=b"],"Entrypoint":[],"ExposedPorts":{"5432/tcp":{}},
"HostConfig":{"AutoRemove":true,"PortBindings":{"5432/tcp":[{"HostIp":"127.0.0.1","HostPort":"15432"}]},"Init":false}}"#;

const BUGS: &[Bug] = &[
    ("none", str::to_owned),
    ("a field is dropped", |text| text.replace(r#""Env":["A=b"],"#, "")),
    ("an empty list that is a word is dropped", |text| text.replace(r#""Entrypoint":[],"#, "")),
    ("a false that is a word is dropped", |text| text.replace(r#","Init":false"#, "")),
    ("a key of a set is dropped", |text| text.replace(r#""5432/tcp":{}"#, "")),
    ("a power is added", |text| text.replace(r#""HostConfig":{"#, r#""HostConfig":{"Privileged":true,"#)),
    ("a port is changed", |text| text.replace("15432", "15433")),
    ("an address is left to the engine", |text| text.replace("127.0.0.1", "")),
    ("a truth value is turned round", |text| text.replace(r#""AutoRemove":true"#, r#""AutoRemove":false"#)),
    ("a parameter stands twice", |text| text.replace("?name=pg-1", "?name=pg-1&name=pg-2")),
    ("another version is asked", |text| text.replace("/v1.51/", "/v1.41/")),
    ("a second request follows", |text| format!("{text}\r\nGET /info HTTP/1.1\r\nHost: docker\r\n\r\n")),
    ("another container is meant", |text| text.replace("/containers/create", "/containers/pg/rename")),
];
