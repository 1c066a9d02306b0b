//! A raw client: it sends exactly the bytes that a test wants to send, and reads answers strictly.
//!
//! Must never mend anything: an answer with odd framing fails the test that reads it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::engine::wire::Source;

/// How long an answer may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// One connection to the broker.
#[derive(Debug)]
pub(crate) struct Client {
    source: Source<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

/// A request that is being written.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    chunked: bool,
}

/// The head of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Clone, Default)]
pub(crate) struct Reply {
    pub(crate) head: Head,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why no answer came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoReply {
    /// The connection was closed before the answer was whole.
    Closed,
    /// Nothing came in time.
    Silent,
}

impl Client {
    pub(crate) async fn connect(socket: &Path) -> Self {
        Self::try_connect(socket)
            .await
            .unwrap_or_else(|error| panic!("cannot connect to {}: {error}", socket.display()))
    }

    pub(crate) async fn try_connect(socket: &Path) -> std::io::Result<Self> {
        Ok(Self::of(UnixStream::connect(socket).await?))
    }

    /// On a connection that somebody made.
    pub(crate) fn of(stream: UnixStream) -> Self {
        let (read, write) = stream.into_split();
        Self { source: Source::new(read), write }
    }

    /// Sends these bytes. A broker that closed already is no error here: its answer tells.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        let _ = tokio::time::timeout(PATIENCE, self.write.write_all(bytes)).await;
    }

    pub(crate) async fn send(&mut self, request: &Request) {
        self.send_raw(&request.bytes()).await;
    }

    /// Ends the client's side of the connection; answers can still be read.
    pub(crate) async fn half_close(&mut self) {
        let _ = self.write.shutdown().await;
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn call(&mut self, request: Request) -> Reply {
        self.send(&request).await;
        let what = format!("{} {}", request.method, request.target);
        self.reply(&request.method).await.unwrap_or_else(|none| panic!("{what}: {none:?}"))
    }

    /// The head of the next answer; answers 1xx other than 101 are passed over.
    pub(crate) async fn head(&mut self) -> Result<Head, NoReply> {
        loop {
            let text = match tokio::time::timeout(PATIENCE, self.source.until(b"\r\n\r\n")).await {
                Ok(Ok(Some(text))) => String::from_utf8(text).expect("a head in ASCII"),
                Ok(_) => return Err(NoReply::Closed),
                Err(_) => return Err(NoReply::Silent),
            };
            let head = Head::parse(&text);
            if head.status != 100 {
                return Ok(head);
            }
        }
    }

    /// The next answer, whole.
    pub(crate) async fn reply(&mut self, method: &str) -> Result<Reply, NoReply> {
        let head = self.head().await?;
        let body = if method == "HEAD" || matches!(head.status, 101 | 204 | 304) {
            Vec::new()
        } else if head.header("transfer-encoding").is_some() {
            self.chunks().await?
        } else if let Some(length) = head.header("content-length") {
            let length = length.parse().expect("a length");
            let body = self.exactly(length).await?;
            (body.len() == length).then_some(body).ok_or(NoReply::Closed)?
        } else {
            self.rest().await?
        };
        Ok(Reply { status: head.status, head, body })
    }

    /// The next chunk of a chunked body; empty at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Vec<u8>, NoReply> {
        let line = match tokio::time::timeout(PATIENCE, self.source.until(b"\r\n")).await {
            Ok(Ok(Some(line))) => String::from_utf8(line).expect("a chunk size"),
            Ok(_) => return Err(NoReply::Closed),
            Err(_) => return Err(NoReply::Silent),
        };
        let size = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("`{line}` is no chunk size"));
        let mut data = self.exactly(size + 2).await?;
        if data.len() < size + 2 {
            return Err(NoReply::Closed);
        }
        data.truncate(size);
        Ok(data)
    }

    async fn chunks(&mut self) -> Result<Vec<u8>, NoReply> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk().await?;
            if chunk.is_empty() {
                return Ok(body);
            }
            body.extend(chunk);
        }
    }

    /// So many raw bytes; fewer when the connection ends.
    pub(crate) async fn exactly(&mut self, count: usize) -> Result<Vec<u8>, NoReply> {
        match tokio::time::timeout(PATIENCE, self.source.exactly(count)).await {
            Ok(read) => Ok(read.unwrap_or_default()),
            Err(_) => Err(NoReply::Silent),
        }
    }

    /// Everything to the end of the connection.
    pub(crate) async fn rest(&mut self) -> Result<Vec<u8>, NoReply> {
        loop {
            match tokio::time::timeout(PATIENCE, self.source.fill()).await {
                Ok(Ok(true)) => {}
                Ok(_) => return Ok(std::mem::take(&mut self.source.held)),
                Err(_) => return Err(NoReply::Silent),
            }
        }
    }

    /// Whether the broker closes the connection within this time, and says nothing before.
    pub(crate) async fn is_closed_within(&mut self, time: Duration) -> bool {
        let mut byte = [0; 1];
        matches!(tokio::time::timeout(time, self.source.from.read(&mut byte)).await, Ok(Ok(0) | Err(_)))
    }

    /// Whether something can be read within this time.
    pub(crate) async fn says_something_within(&mut self, time: Duration) -> bool {
        !self.source.held.is_empty() || matches!(tokio::time::timeout(time, self.source.fill()).await, Ok(Ok(true)))
    }
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let headers = vec![("Host".to_owned(), "docker".to_owned())];
        Self { method: method.to_owned(), target: target.to_owned(), headers, body: None, chunked: false }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string().into_bytes())
    }

    pub(crate) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }

    /// Sends the body in chunks of at most 8 KiB instead of with its length.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// The same request with `{id}` in the target replaced.
    pub(crate) fn naming(&self, id: &str) -> Self {
        Self { target: self.target.replace("{id}", id), ..self.clone() }
    }

    /// Asks for a raw stream by `101`.
    pub(crate) fn upgrade(self) -> Self {
        self.header("Connection", "Upgrade").header("Upgrade", "tcp")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = self.body.clone().unwrap_or_default();
        let has_length = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if self.chunked {
            text.push_str("Transfer-Encoding: chunked\r\n\r\n");
            return [text.into_bytes(), in_chunks(&body)].concat();
        }
        if !has_length && (self.body.is_some() || self.method == "POST" || self.method == "PUT") {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        [text.into_bytes(), body].concat()
    }
}

fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(8192) {
        out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

impl Head {
    fn parse(text: &str) -> Self {
        let mut lines = text.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("`{status_line}` is no status line"));
        let field = |line: &str| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("`{line}` is no header field"));
            (name.to_owned(), value.trim().to_owned())
        };
        Self { status, headers: lines.map(field).collect() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The `message` of an error.
    #[track_caller]
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_else(|| panic!("no message: {self:?}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// A refusal in Docker's error format that names the place and the policy key.
    #[track_caller]
    pub(crate) fn assert_refused(&self, place: &str, key: &str) {
        self.assert_status(403).assert_error();
        let message = self.message();
        assert!(message.contains(&format!("`{place}`")), "the place `{place}` is not named: {message}");
        assert!(message.contains(&format!("`{key}`")), "the key `{key}` is not named: {message}");
        assert!(message.contains("policy"), "the policy is not named: {message}");
        assert!(message.contains("request "), "no request ID: {message}");
    }

    /// `{"message": …}` as `application/json` and nothing else in it, on one line.
    #[track_caller]
    pub(crate) fn assert_error(&self) {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        let json = self.json();
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(1), "{self:?}");
        assert!(!self.message().contains('\n'), "{self:?}");
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.text().chars().take(1000).collect();
        write!(f, "{} {:?}\n{text}", self.status, self.head.headers)
    }
}
