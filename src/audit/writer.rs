//! The thread that writes the audit. It keeps what could not be written and tries again; it ends when the broker closes.
//!
//! Must never give up on a sink while the broker runs, and must never write one record twice into the same file.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use super::queue::{Batch, Queue};
use super::render;
use super::sink::Output;
use super::{Entry, Format};

/// Starts the thread.
pub(super) fn start(queue: Arc<Queue>, output: Output, format: Format) -> io::Result<()> {
    let colours = output.takes_colours();
    let mut writer = Writer { queue, output, format, colours };
    thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run()).map(drop)
}

struct Writer {
    queue: Arc<Queue>,
    output: Output,
    format: Format,
    colours: bool,
}

/// Says that nobody writes any more, however the thread came to its end.
struct Ended(Arc<Queue>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Writer {
    fn run(&mut self) {
        let _ended = Ended(Arc::clone(&self.queue));
        loop {
            let batch = self.queue.take();
            let text = self.render(&batch);
            if !self.write_all(text.as_bytes(), batch.reopen) {
                tracing::error!(records = batch.records.len(), "the audit closed before its last records were written");
                return;
            }
            if batch.last {
                return;
            }
        }
    }

    fn render(&self, batch: &Batch) -> String {
        let mut text = String::new();
        for record in &batch.records {
            match (record, self.format) {
                (Entry::Request(record), Format::Json) => render::json(record, &mut text),
                (Entry::Request(record), Format::Text) => render::text(record, self.colours, &mut text),
                (Entry::Reload(reload), format) => render::reload(reload, format, &mut text),
            }
        }
        if batch.lost > 0 {
            tracing::error!(lost = batch.lost, "the audit sink is too slow; records were lost");
            render::gap(batch.lost, SystemTime::now(), self.format, &mut text);
        }
        text
    }

    /// Writes everything, trying again as long as the broker runs; false when it closed before that worked.
    fn write_all(&mut self, bytes: &[u8], mut reopen: bool) -> bool {
        let mut done = 0;
        loop {
            let result = self.write_rest(bytes, &mut done, reopen);
            self.report(result.as_ref().err());
            if result.is_ok() {
                return true;
            }
            if self.queue.wait_for_retry(RETRY_TIME) {
                return false;
            }
            reopen = self.queue.take_reopen();
        }
    }

    fn write_rest(&mut self, bytes: &[u8], done: &mut usize, reopen: bool) -> io::Result<()> {
        if self.output.follow_rotation(reopen)? {
            // the line that was cut in the old file is whole in the new one
            *done = start_of_line(bytes, *done);
        }
        while let Some(rest) = bytes.get(*done..).filter(|rest| !rest.is_empty()) {
            match self.output.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => *done = done.saturating_add(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says once that writing began to fail, and once that it works again.
    fn report(&self, error: Option<&io::Error>) {
        if !self.queue.note_write(error.is_some()) {
            return;
        }
        let sink = self.output.name();
        match error {
            Some(error) => tracing::error!(%sink, %error, "the audit cannot be written; trying again"),
            None => tracing::info!(%sink, "the audit is written again"),
        }
    }
}

fn start_of_line(bytes: &[u8], at: usize) -> usize {
    let before = bytes.get(..at).unwrap_or_default();
    before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
}

/// How long a failed write rests before it is tried again.
const RETRY_TIME: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_begins_anew_and_a_whole_one_does_not() {
        for (at, start) in [(0, 0), (1, 0), (2, 0), (3, 3), (4, 3), (6, 6)] {
            assert_eq!(start_of_line(b"ab\ncd\n", at), start, "{at}");
        }
    }
}
