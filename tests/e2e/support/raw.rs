//! A raw HTTP client over a Unix socket: it sends exactly the bytes that a test wants, and gives back exactly what came.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// An answer, its body without framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// Names in small letters, in the order in which they came.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What stands in `message`, or the whole body when it is not JSON.
    #[must_use]
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().map_or_else(|| self.text(), str::to_owned)
    }

    /// A header, by its name in small letters.
    #[must_use]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A request in its bytes; a JSON body where one is given.
#[must_use]
pub(crate) fn request(method: &str, target: &str, body: Option<&Value>) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: docker\r\n");
    match body {
        Some(body) => {
            let body = body.to_string();
            text += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
        None => text += "\r\n",
    }
    text.into_bytes()
}

/// Sends a request on a connection of its own.
///
/// # Errors
/// When the socket fails or the answer is no HTTP.
pub(crate) fn send(socket: &Path, method: &str, target: &str, body: Option<&Value>) -> io::Result<Answer> {
    let mut stream = connect(socket)?;
    exchange(&mut stream, &request(method, target, body))
}

/// A connection that gives up after two minutes without a byte.
///
/// # Errors
/// When nobody listens.
pub(crate) fn connect(socket: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    Ok(stream)
}

/// Sends bytes and reads one answer. A `101` has no body; what has no length ends with the connection.
///
/// # Errors
/// When the socket fails or the answer is no HTTP.
pub(crate) fn exchange(stream: &mut UnixStream, bytes: &[u8]) -> io::Result<Answer> {
    stream.write_all(bytes)?;
    let head = bytes.starts_with(b"HEAD ");
    let mut seen = Vec::new();
    loop {
        if let Some(answer) = read(&seen, head)? {
            return Ok(answer);
        }
        let mut chunk = [0; 16 * 1024];
        match stream.read(&mut chunk)? {
            0 => return finished(&seen),
            count => seen.extend_from_slice(&chunk[..count]),
        }
    }
}

/// Sends bytes, reads whatever comes until the other side closes, and gives it back as it is.
///
/// # Errors
/// When the socket fails.
pub(crate) fn drain(mut stream: UnixStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)?;
    let mut seen = Vec::new();
    stream.read_to_end(&mut seen)?;
    Ok(seen)
}

/// The answer, if all of it is there.
fn read(seen: &[u8], head: bool) -> io::Result<Option<Answer>> {
    let Some((mut answer, rest)) = read_head(seen)? else { return Ok(None) };
    if head || answer.status == 101 || answer.status == 204 || answer.status == 304 {
        return Ok(Some(answer));
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        let Some((body, _)) = unchunk(rest) else { return Ok(None) };
        answer.body = body;
        return Ok(Some(answer));
    }
    let Some(length) = answer.header("content-length").and_then(|text| text.parse::<usize>().ok()) else {
        return Ok(None);
    };
    answer.body = rest[..length.min(rest.len())].to_vec();
    Ok((rest.len() >= length).then_some(answer))
}

fn finished(seen: &[u8]) -> io::Result<Answer> {
    let (mut answer, rest) = read_head(seen)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    if answer.header("content-length").is_some() || answer.header("transfer-encoding").is_some() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    answer.body = rest.to_vec();
    Ok(answer)
}

fn read_head(seen: &[u8]) -> io::Result<Option<(Answer, &[u8])>> {
    let Some(end) = find(seen, b"\r\n\r\n") else { return Ok(None) };
    let nonsense = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer");
    let text = std::str::from_utf8(&seen[..end]).map_err(|_| nonsense())?;
    let (first, rest) = text.split_once("\r\n").unwrap_or((text, ""));
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(nonsense)?;
    let headers = rest.split("\r\n").filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Ok(Some((Answer { status, headers, body: Vec::new() }, &seen[end + 4..])))
}

/// Takes a whole chunked body, without trailers, from the front; gives it and how long it was on the wire.
#[must_use]
pub(crate) fn unchunk(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = find(&bytes[at..], b"\r\n")?;
        let size = std::str::from_utf8(&bytes[at..at + line]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        let start = at + line + 2;
        let end = start + size;
        if bytes.len() < end + 2 {
            return None;
        }
        body.extend_from_slice(&bytes[start..end]);
        at = end + 2;
        if size == 0 {
            return Some((body, at));
        }
    }
}

/// Where `wanted` begins.
#[must_use]
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
