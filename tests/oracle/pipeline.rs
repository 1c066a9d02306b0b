//! The broker's own pipeline without its sockets: a client's request in, the bytes that the engine would get out.
//!
//! Every step is the library's: nothing here reads, judges or writes in the library's place.

use bytes::Bytes;
use docker_broker::bounds::Bounds;
use docker_broker::broker::{accept, json_bounds, within};
use docker_broker::operation::Operation;
use docker_broker::operation::routes::{self, BodyRule, Kind, Standing};
use docker_broker::policy::compile::Policy;
use docker_broker::policy::depth::Depth;
use docker_broker::policy::facts::Facts;
use docker_broker::policy::judge::Judge;
use docker_broker::policy::ownership::{Owner, Stamp};
use docker_broker::policy::permit::{Permit, Relay};
use docker_broker::request::{self, ApiRequest, ApiVersion};
use docker_broker::upstream::EngineVersion;
use docker_broker::upstream::archive::{ArchiveBounds, re_encode};
use docker_broker::upstream::engine::forwarded;
use docker_broker::upstream::link::EngineBody;
use futures_util::{StreamExt, stream};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Runtime;

use super::request::ClientRequest;
use super::world;

/// A policy, and whose requests are judged.
pub(crate) struct Broker {
    policy: Policy,
    stamp: Stamp,
    sockets: Vec<String>,
    bounds: Bounds,
    runtime: Runtime,
}

/// What became of a request.
pub(crate) enum Outcome {
    Refused(Stage),
    /// Answered without the engine.
    Stubbed,
    Permitted(Box<Permitted>),
}

/// Where a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Http,
    Head,
    Route,
    Body,
    Operation,
    Version,
    Judge,
    Archive,
}

/// What was judged, and what the engine gets for it.
pub(crate) struct Permitted {
    pub(crate) permit: Permit,
    pub(crate) version: ApiVersion,
    /// How many bytes the archive of a copy in has.
    pub(crate) archive: Option<usize>,
    pub(crate) forwarded: Vec<u8>,
}

impl Broker {
    pub(crate) fn new(policy: Policy) -> Self {
        let stamp = Stamp {
            owner: Owner::new("oracle", "main"),
            session: "s1".to_owned(),
            expires: Some(1_900_000_000),
            policy: policy.name.clone(),
            depth: Depth::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { policy, stamp, sockets: vec!["/opt/broker/docker.sock".to_owned()], bounds: Bounds::default(), runtime }
    }

    pub(crate) fn answer(&self, request: &ClientRequest) -> Outcome {
        match self.way(request) {
            Ok(Some(permitted)) => Outcome::Permitted(Box::new(permitted)),
            Ok(None) => Outcome::Stubbed,
            Err(stage) => Outcome::Refused(stage),
        }
    }

    fn way(&self, request: &ClientRequest) -> Result<Option<Permitted>, Stage> {
        let words = request::read(&request.head().ok_or(Stage::Http)?).map_err(|_| Stage::Head)?;
        let route = routes::find(&words.method, &words.path).ok_or(Stage::Route)?;
        let Standing::Modelled(kind, _) = route.row.standing else { return Err(Stage::Route) };
        let body = Bytes::from(request.body.clone().unwrap_or_default());
        let (json, archive) = self.body(kind, &words, body)?;
        let operation = Operation::parse(kind, route.name, &words, &json, &json_bounds(&self.bounds));
        let operation = operation.map_err(|_| Stage::Operation)?;
        let version = within(words.version, ENGINE).map_err(|_| Stage::Version)?;
        let permit = self.judge(operation)?;
        if permit.relay() == Relay::Stub {
            return Ok(None);
        }
        let length = archive.as_ref().map(|chunks| chunks.iter().map(Bytes::len).sum());
        let archive = archive.map(|chunks| EngineBody::Archive(Box::pin(stream::iter(chunks.into_iter().map(Ok)))));
        let sent = forwarded(&permit, version, archive).expect("what was parsed can be written");
        Ok(Some(Permitted { permit, version, archive: length, forwarded: self.on_the_wire(sent) }))
    }

    fn body(&self, kind: Kind, words: &ApiRequest, body: Bytes) -> Result<(Bytes, Option<Vec<Bytes>>), Stage> {
        if kind.body_rule() != BodyRule::Archive {
            return accept(kind, words, body, &self.bounds).map(|json| (json, None)).map_err(|_| Stage::Body);
        }
        let written = re_encode(std::io::Cursor::new(body), ArchiveBounds::default());
        let chunks: Vec<_> = self.runtime.block_on(written.collect());
        let chunks: Result<Vec<Bytes>, _> = chunks.into_iter().collect();
        chunks.map(|chunks| (Bytes::new(), Some(chunks))).map_err(|_| Stage::Archive)
    }

    fn judge(&self, operation: Operation) -> Result<Permit, Stage> {
        let judge = Judge { policy: &self.policy, stamp: &self.stamp, sockets: &self.sockets };
        let mut facts = Facts::default();
        loop {
            let questions = judge.questions(&operation, &facts);
            if questions.is_empty() {
                return judge.decide(operation, &facts).map_err(|_| Stage::Judge);
            }
            for query in questions {
                let fact = world::answer(&query, &self.stamp);
                facts.insert(query, fact);
            }
        }
    }

    /// What hyper's client makes of a request: the bytes that would stand on the engine's socket.
    fn on_the_wire(&self, request: Request<EngineBody>) -> Vec<u8> {
        self.runtime.block_on(async {
            let (ours, mut engine) = tokio::io::duplex(64 * 1024);
            let (mut sender, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
            let sent = async {
                let answer = sender.send_request(request).await;
                drop(sender);
                answer
            };
            let (bytes, answer, _) = tokio::join!(read_one(&mut engine), sent, connection);
            answer.expect("a request that can be sent");
            bytes
        })
    }
}

/// Reads one request to its end and answers it.
async fn read_one(engine: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !is_whole(&bytes) {
        let read = engine.read_buf(&mut bytes).await.unwrap();
        assert!(read > 0, "a request broke off: {}", String::from_utf8_lossy(&bytes));
    }
    engine.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    bytes
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    if text.contains("\r\ntransfer-encoding: chunked") {
        return bytes.ends_with(b"\r\n0\r\n\r\n");
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    bytes.len() - head - 4 >= length.unwrap_or_default()
}

/// What the engine of the oracle speaks.
const ENGINE: EngineVersion = EngineVersion { newest: ApiVersion::new(1, 51), oldest: ApiVersion::new(1, 24) };
