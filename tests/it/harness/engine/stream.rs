//! The fake engine's long answers: followed logs and events, waits, and raw streams after a hijack.
//!
//! Must never outlive its connection: each one watches whether the other side is still there.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::broadcast::error::RecvError;

use super::answer::{Followed, head};
use super::wire::{Source, write_chunk};
use super::{Entry, Fed, Shared};

/// What a hijacked stream does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Script {
    /// Sends back what comes, and ends when the client's side has ended.
    Echo,
    /// Reads to the end of the client's side, then says how many bytes came.
    CountAtEnd,
    /// Says these bytes and ends.
    Say(Vec<u8>),
    /// Says what the test feeds as `Fed::Log`, until `Fed::End`.
    Fed,
}

/// Follows a feed until it ends or the other side goes; false: the connection is over.
pub(crate) async fn follow(
    first: Vec<Vec<u8>>,
    which: Followed,
    shared: &Shared,
    source: &mut Source<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> io::Result<bool> {
    let mut feed = shared.feed.subscribe();
    for chunk in first {
        write_chunk(write, &chunk).await?;
    }
    loop {
        tokio::select! {
            more = source.fill() => if !more? { return Ok(false) },
            fed = feed.recv() => match (fed, which) {
                (Ok(Fed::Log(line)), Followed::Logs) => write_chunk(write, &line).await?,
                (Ok(Fed::Event(event)), Followed::Events) => write_chunk(write, format!("{event}\n").as_bytes()).await?,
                (Ok(Fed::End) | Err(RecvError::Closed), _) => {
                    write_chunk(write, b"").await?;
                    return Ok(true);
                }
                (Ok(Fed::Log(_) | Fed::Event(_)) | Err(RecvError::Lagged(_)), _) => {}
            },
        }
    }
}

/// Waits until a container has stopped (or gone), then tells its exit code.
pub(crate) async fn wait(
    id: &str,
    removed: bool,
    shared: &Shared,
    source: &mut Source<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> io::Result<bool> {
    let mut changes = shared.changes.subscribe();
    let over = || {
        shared.world(|world| {
            let found = world.containers.iter().find(|container| container.id == id);
            found.is_none_or(|container| !removed && !container.running)
        })
    };
    while !over() {
        tokio::select! {
            more = source.fill() => if !more? { return Ok(false) },
            _ = changes.changed() => {}
        }
    }
    write_chunk(write, b"{\"StatusCode\":0}\n").await?;
    write_chunk(write, b"").await?;
    Ok(true)
}

/// Turns the connection into a raw stream and plays the script; the connection is over afterwards.
pub(crate) async fn hijack(
    upgrade: bool,
    tty: bool,
    entry: &Entry,
    shared: &Shared,
    source: &mut Source<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> io::Result<bool> {
    let kind = if tty { "application/vnd.docker.raw-stream" } else { "application/vnd.docker.multiplexed-stream" };
    let bytes = if upgrade {
        head(101, &[("Content-Type", kind), ("Connection", "Upgrade"), ("Upgrade", "tcp")])
    } else {
        head(200, &[("Content-Type", "application/vnd.docker.raw-stream")])
    };
    // The feed is joined first, so that nothing that is fed once the head was seen is missed.
    let feed = shared.feed.subscribe();
    write.write_all(&bytes).await?;
    match shared.script() {
        Script::Echo => echo(entry, shared, source, write).await?,
        Script::CountAtEnd => count(entry, shared, source, write).await?,
        Script::Say(bytes) => write.write_all(&bytes).await?,
        Script::Fed => fed(feed, entry, shared, source, write).await?,
    }
    write.shutdown().await?;
    Ok(false)
}

async fn echo(
    entry: &Entry,
    shared: &Shared,
    source: &mut Source<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> io::Result<()> {
    while let Some(piece) = next(entry, shared, source).await? {
        write.write_all(&piece).await?;
    }
    Ok(())
}

async fn count(
    entry: &Entry,
    shared: &Shared,
    source: &mut Source<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> io::Result<()> {
    let mut count = 0;
    while let Some(piece) = next(entry, shared, source).await? {
        count += piece.len();
    }
    write.write_all(format!("{count}\n").as_bytes()).await
}

async fn fed(
    mut feed: tokio::sync::broadcast::Receiver<Fed>,
    entry: &Entry,
    shared: &Shared,
    source: &mut Source<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> io::Result<()> {
    let mut reading = true;
    loop {
        tokio::select! {
            piece = next(entry, shared, source), if reading => reading = piece?.is_some(),
            // after a half-close only a hang-up tells that the other side is gone altogether
            () = hung_up(write.as_ref()), if !reading => return Ok(()),
            fed = feed.recv() => match fed {
                Ok(Fed::Log(bytes)) => write.write_all(&bytes).await?,
                Ok(Fed::End) | Err(_) => return Ok(()),
                Ok(Fed::Event(_)) => {}
            },
        }
    }
}

/// Resolves when both directions of a connection are closed.
async fn hung_up(stream: &tokio::net::UnixStream) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    loop {
        let mut events = [PollFd::new(stream, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut events, Some(&now)).is_err() || events[0].revents().contains(PollFlags::HUP) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The next bytes of the raw stream, recorded; `None` at the end of the client's side.
async fn next(entry: &Entry, shared: &Shared, source: &mut Source<OwnedReadHalf>) -> io::Result<Option<Vec<u8>>> {
    let piece = if source.held.is_empty() {
        let mut chunk = vec![0; 64 * 1024];
        let count = source.from.read(&mut chunk).await?;
        chunk.truncate(count);
        chunk
    } else {
        std::mem::take(&mut source.held)
    };
    shared.amend(entry, |recorded| {
        recorded.stream.extend_from_slice(&piece);
        recorded.stream_ended = piece.is_empty();
    });
    Ok(Some(piece).filter(|piece| !piece.is_empty()))
}
