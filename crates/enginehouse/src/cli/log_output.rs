//! The log on stderr, which may be full, closed, or a pipe that nobody reads: none of that stops the program.
//!
//! Whoever logs puts a line in a bounded queue and goes on; a thread writes. What does not fit, or cannot be written, is
//! dropped and counted, and once a line can be written again, one says how many are missing.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_server::telemetry::DroppedLines;

/// How much may wait to be written: thousands of lines.
const MOST_BYTES: usize = 1024 * 1024;
/// How long the end of the program waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where log lines go. Cheap to clone. Lines are written in the order in which they come.
#[derive(Clone)]
pub(crate) struct LogOutput(Arc<LogQueue>);

struct LogQueue {
    waiting: Mutex<WaitingLines>,
    changed: Condvar,
    dropped: DroppedLines,
}

#[derive(Default)]
struct WaitingLines {
    bytes: Vec<u8>,
    /// Whether the thread has taken lines that it has not written yet.
    is_writing: bool,
    /// Dropped since a line last said how many were.
    unreported: u64,
}

impl LogOutput {
    /// Starts a thread that writes to stderr.
    pub(crate) fn to_stderr() -> io::Result<Self> {
        Self::to(io::stderr(), |lines| {
            tracing::warn!(lines, "lines of the log are missing here: they could not be written");
        })
    }

    /// Starts a thread that writes to `out`, and calls `report` with the number of lines that were dropped once it can
    /// write again.
    fn to(out: impl Write + Send + 'static, report: impl Fn(u64) + Send + 'static) -> io::Result<Self> {
        let queue =
            Arc::new(LogQueue { waiting: Mutex::default(), changed: Condvar::new(), dropped: DroppedLines::default() });
        let lines = Arc::clone(&queue);
        // It ends with the process.
        std::thread::Builder::new().name("log".to_owned()).spawn(move || lines.write_all(out, &report))?;
        Ok(Self(queue))
    }

    /// How many lines were dropped; counts on.
    pub(crate) fn dropped(&self) -> DroppedLines {
        self.0.dropped.clone()
    }

    /// Waits until all lines are written, but not for long.
    pub(crate) fn flush(&self) {
        let busy = |waiting: &mut WaitingLines| waiting.is_writing || !waiting.bytes.is_empty();
        // If the time is over, the lines are lost with the process.
        drop(self.0.changed.wait_timeout_while(self.0.lock(), LAST_LINES, busy));
    }
}

/// One whole line, or several, at a time: that is how the log is written.
impl Write for LogOutput {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.bytes.len() + lines.len() > MOST_BYTES {
            self.0.drop_lines(&mut waiting, lines);
        } else {
            // Where there are lines already, the thread has been told of them, and looks again when it has written.
            let is_first = waiting.bytes.is_empty();
            waiting.bytes.extend_from_slice(lines);
            if is_first {
                self.0.changed.notify_all();
            }
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogQueue {
    fn write_all(&self, mut out: impl Write, report: &impl Fn(u64)) {
        let mut is_cut = false;
        loop {
            let lines = self.take();
            let missing = write_lines(&mut out, &lines, &mut is_cut);
            let mut waiting = self.lock();
            waiting.is_writing = false;
            self.drop_lines(&mut waiting, missing);
            let unreported = if missing.is_empty() { std::mem::take(&mut waiting.unreported) } else { 0 };
            self.changed.notify_all();
            drop(waiting);
            if unreported > 0 {
                report(unreported);
            }
        }
    }

    fn take(&self) -> Vec<u8> {
        let waiting = self.changed.wait_while(self.lock(), |waiting| waiting.bytes.is_empty());
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        waiting.is_writing = true;
        std::mem::take(&mut waiting.bytes)
    }

    fn drop_lines(&self, waiting: &mut WaitingLines, lines: &[u8]) {
        let count = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        waiting.unreported += count;
        self.dropped.add(count);
    }

    fn lock(&self) -> MutexGuard<'_, WaitingLines> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes as much as can be written, and answers the rest. `is_cut` says whether the last line so far has no end.
fn write_lines<'a>(out: &mut impl Write, lines: &'a [u8], is_cut: &mut bool) -> &'a [u8] {
    let mut rest = lines;
    while !rest.is_empty() {
        // Another line does not go on where half a line ends.
        let part: &[u8] = if *is_cut && rest.len() == lines.len() { b"\n" } else { rest };
        match out.write(part) {
            Ok(0) => break,
            Ok(_) if *is_cut && rest.len() == lines.len() => *is_cut = false,
            Ok(written) => {
                rest = &rest[written..];
                *is_cut = lines.get(lines.len() - rest.len() - 1) != Some(&b'\n');
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// Each write is a question to the test: how many bytes may be written; none for an error.
    struct Asked {
        wanted: mpsc::Sender<Vec<u8>>,
        answers: mpsc::Receiver<Option<usize>>,
    }

    impl Write for Asked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // The test is over once nobody asks or answers.
            self.wanted.send(bytes.to_vec()).map_err(io::Error::other)?;
            let answer = self.answers.recv().map_err(io::Error::other)?;
            answer.map(|most| most.min(bytes.len())).ok_or_else(|| io::Error::other("no space left"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Stderr {
        log: LogOutput,
        wanted: mpsc::Receiver<Vec<u8>>,
        answers: mpsc::Sender<Option<usize>>,
        reports: mpsc::Receiver<u64>,
    }

    impl Stderr {
        fn new() -> Self {
            let ((wanted_sender, wanted), (answers, answers_receiver)) = (mpsc::channel(), mpsc::channel());
            let (report, reports) = mpsc::channel();
            let out = Asked { wanted: wanted_sender, answers: answers_receiver };
            let log = LogOutput::to(out, move |lines| report.send(lines).unwrap()).unwrap();
            Self { log, wanted, answers, reports }
        }

        fn log(&mut self, line: &str) {
            self.log.write_all(line.as_bytes()).unwrap();
        }

        /// Lets the thread write so many of the bytes that it wants to, and answers which those were.
        fn allow(&self, most: Option<usize>) -> String {
            let wanted = self.wanted.recv_timeout(LIMIT).unwrap();
            self.answers.send(most).unwrap();
            String::from_utf8(wanted).unwrap()
        }
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_reported_once() {
        let mut stderr = Stderr::new();
        stderr.log("one\n");
        assert_eq!(stderr.allow(None), "one\n");
        stderr.log("two\n");
        assert_eq!(stderr.allow(None), "two\n");
        stderr.log("three\n");
        assert_eq!(stderr.allow(Some(100)), "three\n");
        assert_eq!(stderr.reports.recv_timeout(LIMIT), Ok(2));
        stderr.log("four\n");
        assert_eq!(stderr.allow(Some(100)), "four\n");
        stderr.log.flush();
        assert_eq!(stderr.log.dropped().count(), 2);
        assert!(stderr.reports.try_recv().is_err(), "once is enough");
    }

    /// As on a disk that was full and is so no more.
    #[test]
    fn a_line_that_was_cut_ends_before_the_next_begins() {
        let mut stderr = Stderr::new();
        stderr.log("first\n");
        assert_eq!(stderr.allow(Some(2)), "first\n");
        assert_eq!(stderr.allow(None), "rst\n");
        stderr.log("second\n");
        assert_eq!(stderr.allow(Some(100)), "\n");
        assert_eq!(stderr.allow(Some(100)), "second\n");
        assert_eq!(stderr.reports.recv_timeout(LIMIT), Ok(1));
    }

    #[test]
    fn a_reader_that_has_stopped_reading_stops_nobody() {
        let mut stderr = Stderr::new();
        let line = format!("{}\n", "x".repeat(1_023));
        stderr.log(&line);
        // The thread is in the middle of this write for as long as the test lasts.
        assert_eq!(stderr.wanted.recv_timeout(LIMIT).unwrap().len(), 1_024);
        for _ in 0..2 * MOST_BYTES / line.len() {
            stderr.log(&line);
        }
        assert_eq!(stderr.log.dropped().count(), 1_024);
        assert!(stderr.log.0.lock().bytes.len() <= MOST_BYTES);
        // The end of the program waits a little, and no longer.
        stderr.log.flush();
        stderr.answers.send(Some(usize::MAX)).unwrap();
        stderr.allow(Some(usize::MAX));
        assert_eq!(stderr.reports.recv_timeout(LIMIT), Ok(1_024));
    }
}
