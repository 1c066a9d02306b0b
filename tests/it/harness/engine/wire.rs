//! HTTP/1.1 as the fake engine reads and writes it: by hand, so that every byte that came is kept.
//!
//! Must never forgive: what is not plain HTTP/1.1 is kept as it came and marked, so that a test sees it.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// One request as it came over the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded {
    /// Which of the engine's connections it came by, counted from 1.
    pub(crate) connection: usize,
    /// Request line and header lines as they came, without the empty line.
    pub(crate) head: String,
    pub(crate) method: String,
    /// As it stands in the request line.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The body without chunk framing.
    pub(crate) body: Vec<u8>,
    /// The body with its framing, byte by byte.
    pub(crate) raw_body: Vec<u8>,
    /// Whether the body came to its end.
    pub(crate) complete: bool,
    /// Bytes that came after a hijack, by the raw stream.
    pub(crate) stream: Vec<u8>,
    /// Whether the client's side of the raw stream was ended.
    pub(crate) stream_ended: bool,
}

impl Recorded {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Names of the header fields in lower case, sorted.
    pub(crate) fn header_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort();
        names
    }

    /// The path without version and query, decoded.
    pub(crate) fn path(&self) -> String {
        let path = self.target.split('?').next().unwrap_or_default();
        decode(without_version(path).1)
    }

    /// `1.NN` of the path's `/v1.NN`; `None` without a prefix.
    pub(crate) fn version(&self) -> Option<&str> {
        without_version(&self.target).0
    }

    /// The query's pairs, decoded.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let Some((_, query)) = self.target.split_once('?') else { return Vec::new() };
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_form(key), decode_form(value))
        };
        query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
    }

    pub(crate) fn query_value(&self, key: &str) -> Option<String> {
        self.query().into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        let body = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("body is not JSON ({error}): {body:?}"))
    }

    /// `METHOD /path?query` without the version.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, without_version(&self.target).1)
    }
}

/// Splits `/v1.41/rest` into `1.41` and `/rest`.
pub(crate) fn without_version(target: &str) -> (Option<&str>, &str) {
    let Some(rest) = target.strip_prefix("/v") else { return (None, target) };
    let end = rest.find('/').unwrap_or(rest.len());
    let version = &rest[..end];
    let numeric = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numeric { (Some(version), &rest[end..]) } else { (None, target) }
}

/// Percent-decodes a path.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn decode_form(text: &str) -> String {
    decode(&text.replace('+', " "))
}

/// Bytes that were read and not used yet, and what they come from.
#[derive(Debug)]
pub(crate) struct Source<R> {
    pub(crate) from: R,
    pub(crate) held: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Source<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, held: Vec::new() }
    }

    /// Reads more; false at the end.
    pub(crate) async fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = vec![0; 64 * 1024];
        let count = self.from.read(&mut chunk).await?;
        self.held.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }

    /// What stands before `mark`, taken away together with it; `None` when the other side ended before.
    pub(crate) async fn until(&mut self, mark: &[u8]) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.held.windows(mark.len()).position(|window| window == mark) {
                let before = self.held[..at].to_vec();
                self.held.drain(..at + mark.len());
                return Ok(Some(before));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Exactly so many bytes; fewer when the other side ended.
    pub(crate) async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.held.len() < count {
            if !self.fill().await? {
                break;
            }
        }
        let end = count.min(self.held.len());
        Ok(self.held.drain(..end).collect())
    }
}

/// Reads the head of a request; `None` when the connection ended before its first byte.
pub(crate) async fn read_head<R: AsyncRead + Unpin>(source: &mut Source<R>) -> io::Result<Option<Recorded>> {
    let Some(head) = source.until(b"\r\n\r\n").await? else { return Ok(None) };
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    let headers = lines.filter_map(field).collect();
    Ok(Some(Recorded { head: head.clone(), method, target, headers, ..Recorded::default() }))
}

/// Reads the body that the head announces and gives each piece to `keep`: raw bytes and content.
pub(crate) async fn read_body<R, K>(source: &mut Source<R>, head: &Recorded, mut keep: K) -> io::Result<bool>
where
    R: AsyncRead + Unpin,
    K: FnMut(&[u8], &[u8]),
{
    if head.header("transfer-encoding").is_some() {
        return read_chunks(source, keep).await;
    }
    let mut left: usize = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while left > 0 {
        if source.held.is_empty() && !source.fill().await? {
            return Ok(false);
        }
        let count = left.min(source.held.len());
        let piece: Vec<u8> = source.held.drain(..count).collect();
        left -= count;
        keep(&piece, &piece);
    }
    Ok(true)
}

async fn read_chunks<R, K>(source: &mut Source<R>, mut keep: K) -> io::Result<bool>
where
    R: AsyncRead + Unpin,
    K: FnMut(&[u8], &[u8]),
{
    loop {
        let Some(line) = source.until(b"\r\n").await? else { return Ok(false) };
        let text = String::from_utf8_lossy(&line).into_owned();
        let Ok(size) = usize::from_str_radix(text.trim(), 16) else { return Ok(false) };
        let data = source.exactly(size + 2).await?;
        if data.len() < size + 2 {
            return Ok(false);
        }
        keep(&[&line[..], b"\r\n", &data[..]].concat(), &data[..size]);
        if size == 0 {
            return Ok(true);
        }
    }
}

/// Writes one chunk of a chunked body.
pub(crate) async fn write_chunk<W: AsyncWrite + Unpin>(to: &mut W, data: &[u8]) -> io::Result<()> {
    let framed = [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
    to.write_all(&framed).await?;
    to.flush().await
}
