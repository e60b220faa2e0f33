//! What a command prints: read to its end whatever the command does, and kept in part.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_client::HandlerContext;
use enginehouse_core::limits::MAX_LOG_BYTES;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a pipe may stay open after its command has ended: a child that it left running may still have it.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// Which part is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep {
    /// So many from the beginning.
    First(usize),
    /// So many at the end, from the beginning of a character on.
    Last(usize),
}

/// What was read from a pipe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Printed {
    /// The part that was kept.
    pub(super) kept: Vec<u8>,
    /// How many bytes there were in all.
    pub(super) total: u64,
}

impl Printed {
    /// Whether there was more than was kept.
    pub(super) const fn is_cut(&self) -> bool {
        self.total > self.kept.len() as u64
    }
}

/// The lines of an output, on their way into the log of an attempt.
struct LogLines {
    log: Option<HandlerContext>,
    /// The beginning of the next one.
    line: Vec<u8>,
}

impl LogLines {
    fn add(&mut self, part: &[u8]) {
        if self.log.is_none() {
            return;
        }
        for byte in part {
            // A carriage return begins a line anew, on a terminal: what stood there is a line as well.
            if matches!(byte, b'\n' | b'\r') || self.line.len() >= MAX_LOG_BYTES {
                self.finish();
            }
            if !matches!(byte, b'\n' | b'\r') {
                self.line.push(*byte);
            }
        }
    }

    fn finish(&mut self) {
        if let Some(log) = self.log.as_ref().filter(|_| !self.line.is_empty()) {
            log.log(&String::from_utf8_lossy(&self.line));
        }
        self.line.clear();
    }
}

/// A pipe that is being read.
#[derive(Debug)]
pub(super) struct PipeReader {
    printed: Arc<Mutex<Printed>>,
    end: JoinHandle<()>,
}

impl PipeReader {
    /// Reads in a task of its own, and shows what it reads on stderr if asked to.
    /// Its lines go into the log of the attempt, if there is a `log`.
    pub(super) fn read(
        pipe: Option<impl AsyncRead + Unpin + Send + 'static>,
        keep: Keep,
        show: bool,
        log: Option<HandlerContext>,
    ) -> Self {
        let printed = Arc::default();
        let end = tokio::spawn(read_to_the_end(pipe, keep, show, log, Arc::clone(&printed)));
        Self { printed, end }
    }

    /// What was read by the end, or a little after the command's own end.
    pub(super) async fn printed(self, keep: Keep) -> Printed {
        // A task that goes on reads for the child that has the pipe, which so never waits for a reader.
        drop(timeout(LAST_OUTPUT, self.end).await);
        let mut printed = std::mem::take(&mut *lock(&self.printed));
        if let Keep::Last(max) = keep {
            let kept = &mut printed.kept;
            kept.drain(..kept.len().saturating_sub(max));
            let cut = kept.iter().take(4).position(|byte| byte & 0b1100_0000 != 0b1000_0000);
            kept.drain(..cut.unwrap_or(0));
        }
        printed
    }
}

async fn read_to_the_end(
    pipe: Option<impl AsyncRead + Unpin>,
    keep: Keep,
    show: bool,
    log: Option<HandlerContext>,
    printed: Arc<Mutex<Printed>>,
) {
    let mut lines = LogLines { log, line: Vec::new() };
    let Some(mut pipe) = pipe else { return };
    let mut part = [0; 8 * 1024];
    let mut shown = tokio::io::stderr();
    // A pipe that breaks has come to its end.
    while let Ok(read @ 1..) = pipe.read(&mut part).await {
        if show {
            // A copy on stderr that cannot be written makes no difference to the event.
            drop(shown.write_all(&part[..read]).await);
        }
        lines.add(&part[..read]);
        let mut printed = lock(&printed);
        printed.total += read as u64;
        let kept = &mut printed.kept;
        match keep {
            Keep::First(max) => {
                let room = max.saturating_sub(kept.len());
                kept.extend_from_slice(&part[..read.min(room)]);
            }
            Keep::Last(max) => {
                kept.extend_from_slice(&part[..read]);
                if kept.len() > 2 * max {
                    let surplus = kept.len() - max;
                    kept.drain(..surplus);
                }
            }
        }
    }
    lines.finish();
    if show {
        drop(shown.flush().await);
    }
}

fn lock(printed: &Mutex<Printed>) -> MutexGuard<'_, Printed> {
    // No code that holds it can panic half-way through a change.
    printed.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    async fn kept(text: &str, keep: Keep) -> String {
        let output = PipeReader::read(Some(Cursor::new(text.to_owned())), keep, false, None);
        let printed = output.printed(keep).await;
        assert_eq!(printed.total, text.len() as u64);
        assert_eq!(printed.is_cut(), printed.kept.len() < text.len());
        String::from_utf8(printed.kept).unwrap()
    }

    #[tokio::test]
    async fn the_end_is_kept_from_a_character_on() {
        let text = format!("{}{}", "x".repeat(100_000), "é".repeat(20));
        assert_eq!(kept(&text, Keep::Last(21)).await, "é".repeat(10));
        assert_eq!(kept("short", Keep::Last(21)).await, "short");
    }

    #[tokio::test]
    async fn an_output_that_is_too_long_is_cut_and_counted() {
        assert_eq!(kept("12345678", Keep::First(4)).await, "1234");
        assert_eq!(kept("1234", Keep::First(4)).await, "1234");
        assert_eq!(kept(&"x".repeat(1_000_000), Keep::First(4)).await, "xxxx");
        assert_eq!(kept("1234", Keep::First(0)).await, "");
    }

    #[tokio::test]
    async fn what_has_arrived_counts_although_the_pipe_stays_open() {
        let (mut writer, reader) = tokio::io::duplex(64);
        let output = PipeReader::read(Some(reader), Keep::First(64), false, None);
        writer.write_all(b"{}").await.unwrap();
        assert_eq!(output.printed(Keep::First(64)).await.kept, b"{}");
    }
}
