//! `docker-broker healthcheck`: asks a running broker for `/_ping`, as a client does.
//!
//! An image without a shell has nothing else to check its health with. Must never ask the engine past the broker.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use clap::Args;

use super::exit::{Exit, Failure};
use crate::config::arguments::DEFAULT_LISTEN;
use crate::upstream::address::Address;

/// Which broker to ask.
#[derive(Debug, Clone, Args)]
pub(super) struct HealthcheckArgs {
    /// Where the broker listens
    #[arg(long, env = "BROKER_LISTEN", value_name = "ADDRESS", default_value = DEFAULT_LISTEN, value_parser = Address::parse)]
    listen: Address,
}

pub(super) fn run(arguments: &HealthcheckArgs) -> Result<Exit, Failure> {
    let address = &arguments.listen;
    match ask(address, TIME) {
        Ok((200, _)) => Ok(Exit::Done),
        Ok((status, message)) => {
            let mut failure =
                Failure::said(Exit::No, format!("the broker at {address} answers its ping with {status}"));
            failure.lines.extend(message);
            Err(failure)
        }
        Err(error) if is_timeout(&error) => {
            let seconds = TIME.as_secs();
            Err(Failure::said(Exit::No, format!("the broker at {address} does not answer within {seconds} seconds")))
        }
        Err(error) => Err(Failure::said(Exit::No, format!("the broker at {address} cannot be asked: {error}"))),
    }
}

/// The status of the answer, and the broker's words where it says that something is wrong. The listener may be full, and
/// the answer may come byte by byte: one clock is for all of it.
fn ask(address: &Address, time: Duration) -> io::Result<(u16, Option<String>)> {
    let deadline = Instant::now() + time;
    let mut stream = connect(address, deadline)?;
    stream.set_write_timeout(Some(time))?;
    stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: docker-broker\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < LONGEST_LINE {
        if read_more(&mut stream, &mut answer, deadline)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let not_http = || io::Error::new(io::ErrorKind::InvalidData, "its answer is no HTTP");
    let status = status(&answer).ok_or_else(not_http)?;
    if status == 200 {
        return Ok((status, None));
    }
    // the status is known: what the broker says besides is read as far as it comes
    while answer.len() < LONGEST_MESSAGE && read_more(&mut stream, &mut answer, deadline).is_ok_and(|count| count > 0) {
    }
    Ok((status, message(&answer)))
}

fn read_more(stream: &mut UnixStream, answer: &mut Vec<u8>, deadline: Instant) -> io::Result<usize> {
    stream.set_read_timeout(Some(left(deadline)?))?;
    let mut bytes = [0; 256];
    let count = stream.read(&mut bytes)?;
    answer.extend_from_slice(bytes.get(..count).unwrap_or_default());
    Ok(count)
}

/// The words of `{"message": …}` after an answer's head.
fn message(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let (_, body) = text.split_once("\r\n\r\n")?;
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    Some(body.get("message")?.as_str()?.to_owned())
}

/// Connects without waiting for a place in the listener's queue longer than the deadline.
fn connect(address: &Address, deadline: Instant) -> io::Result<UnixStream> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    let path = SocketAddrUnix::new(address.path())?;
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    loop {
        match rustix::net::connect(&socket, &path) {
            Ok(()) => break,
            Err(rustix::io::Errno::AGAIN) => std::thread::sleep(left(deadline)?.min(Duration::from_millis(20))),
            Err(error) => return Err(error.into()),
        }
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// The status of `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(line.split(|byte| *byte == b'\n').next()?).ok()?;
    let mut words = text.split_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// How long a healthy broker may take.
const TIME: Duration = Duration::from_secs(3);

/// A status line that is longer is none.
const LONGEST_LINE: usize = 1024;

/// No more of an answer is read.
const LONGEST_MESSAGE: usize = 16 * 1024;

pub(super) const EXAMPLES: &str = "\
Examples:
  docker-broker healthcheck --listen unix:///run/docker-broker/docker.sock
  HEALTHCHECK CMD [\"/docker-broker\", \"healthcheck\"]

It ends with 0 where the broker answers within three seconds that it and its engine work, and with 1 and a line that \
says why where not.";

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    /// Answers one connection with these bytes, after the request came.
    fn answered(bytes: &'static [u8]) -> io::Result<(u16, Option<String>)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("broker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let count = stream.read(&mut request).unwrap();
            assert!(request[..count].starts_with(b"GET /_ping HTTP/1.1\r\nHost: "));
            // whoever asked leaves when it has read the status
            let _ = bytes.iter().try_for_each(|byte| stream.write_all(&[*byte]));
        });
        let status = ask(&Address::parse(path.to_str().unwrap()).unwrap(), Duration::from_secs(2));
        server.join().unwrap();
        status
    }

    #[test]
    fn what_is_no_answer_is_not_healthy() {
        assert_eq!(answered(b"").unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(answered(b"SSH-2.0-OpenSSH\r\n").unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(answered(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").unwrap(), (502, None));
    }

    #[test]
    fn what_the_broker_says_of_its_engine_is_passed_on() {
        let answer = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\n\r\n{\"message\":\"no engine\"}";
        assert_eq!(answered(answer).unwrap(), (502, Some("no engine".to_owned())));
    }

    #[test]
    fn an_answer_may_come_byte_by_byte() {
        assert_eq!(answered(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK").unwrap(), (200, None));
    }

    #[test]
    fn a_broker_that_hangs_or_does_not_accept_is_given_up_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("broker.sock");
        let address = Address::parse(path.to_str().unwrap()).unwrap();
        assert_eq!(ask(&address, TIME).unwrap_err().kind(), io::ErrorKind::NotFound);
        let _listener = UnixListener::bind(&path).unwrap();
        let started = Instant::now();
        assert!(is_timeout(&ask(&address, Duration::from_millis(100)).unwrap_err()));
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}
