//! What a handler has reported, until the server has it: it goes along with the next heartbeat, or with the settle.
//!
//! However much a handler reports, a buffer holds the newest of everything and as much of the log as the server keeps.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use enginehouse_core::json::RawJson;
use enginehouse_core::limits::{MAX_CHECKPOINT_BYTES, MAX_LOG_BYTES, MAX_PROGRESS_MESSAGE_LENGTH};
use enginehouse_core::report::{AttemptProgress, AttemptReport, AttemptUsage, log_line};

/// A checkpoint that no server would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a checkpoint has at most {MAX_CHECKPOINT_BYTES} bytes, was {0}")]
pub struct CheckpointTooLarge(pub usize);

#[derive(Debug, Default)]
pub(super) struct ReportBuffer(Mutex<BufferState>);

#[derive(Debug, Default)]
struct BufferState {
    /// What was not sent yet, but for the log.
    pending: AttemptReport,
    log: LineBuffer,
    /// What was sent, as long as nobody knows whether it has arrived.
    in_flight: Option<AttemptReport>,
}

/// The last lines of a log, with room for as much as the server keeps.
#[derive(Debug, Default)]
struct LineBuffer {
    lines: VecDeque<String>,
    bytes: usize,
}

impl LineBuffer {
    fn push(&mut self, line: String) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > MAX_LOG_BYTES {
            let Some(first) = self.lines.pop_front() else { return };
            self.bytes -= first.len() + 1;
        }
    }

    fn take(&mut self) -> Vec<String> {
        self.bytes = 0;
        std::mem::take(&mut self.lines).into()
    }

    /// Puts lines back in front, as far as there is room.
    fn restore(&mut self, before: Vec<String>) {
        let later = self.take();
        before.into_iter().chain(later).for_each(|line| self.push(line));
    }
}

impl ReportBuffer {
    fn lock(&self) -> MutexGuard<'_, BufferState> {
        // No code that holds it can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn usage(&self, usage: AttemptUsage) {
        self.lock().pending.merge(AttemptReport { usage: Some(usage), ..AttemptReport::default() });
    }

    pub(super) fn progress(&self, percent: Option<f64>, message: Option<&str>) {
        let percent = percent.filter(|percent| percent.is_finite()).map(|percent| percent.clamp(0.0, 100.0));
        let message = message.map(|text| text.chars().take(MAX_PROGRESS_MESSAGE_LENGTH).collect());
        self.lock().pending.progress = Some(AttemptProgress { percent, message });
    }

    pub(super) fn checkpoint(&self, checkpoint: RawJson) -> Result<(), CheckpointTooLarge> {
        let bytes = checkpoint.as_str().len();
        if bytes > MAX_CHECKPOINT_BYTES {
            return Err(CheckpointTooLarge(bytes));
        }
        self.lock().pending.checkpoint = Some(checkpoint);
        Ok(())
    }

    pub(super) fn log(&self, text: &str) {
        let mut state = self.lock();
        for line in text.split('\n').map(log_line) {
            // Of a line that is too long for the log of an attempt, the end counts.
            let excess = (line.len() + 1).saturating_sub(MAX_LOG_BYTES);
            let from = (excess..line.len()).find(|at| line.is_char_boundary(*at)).unwrap_or(line.len());
            state.log.push(line[from..].to_owned());
        }
    }

    pub(super) fn log_url(&self, url: String) {
        self.lock().pending.log_url = Some(url);
    }

    /// What is to be sent, if there is something and nothing else is under way.
    pub(super) fn begin(&self) -> Option<AttemptReport> {
        let mut state = self.lock();
        if state.in_flight.is_some() {
            return None;
        }
        let report = state.take();
        (!report.is_empty()).then(|| in_one_text(state.in_flight.insert(report).clone()))
    }

    /// The server has taken what was sent, or refused it for what it is.
    pub(super) fn arrived(&self) {
        self.lock().in_flight = None;
    }

    /// What was sent has not been taken: it goes along with what is sent next.
    pub(super) fn failed(&self) {
        let mut state = self.lock();
        let Some(mut before) = state.in_flight.take() else { return };
        state.log.restore(std::mem::take(&mut before.log));
        before.merge(std::mem::take(&mut state.pending));
        state.pending = before;
    }

    /// All that the server may not have, for the settle.
    pub(super) fn last(&self) -> AttemptReport {
        self.failed();
        in_one_text(self.lock().take())
    }
}

impl BufferState {
    fn take(&mut self) -> AttemptReport {
        AttemptReport { log: self.log.take(), ..std::mem::take(&mut self.pending) }
    }
}

/// A report takes fewer texts than a log may have lines.
fn in_one_text(mut report: AttemptReport) -> AttemptReport {
    if report.log.len() > 1 {
        report.log = vec![report.log.join("\n")];
    }
    report
}

/// How many bytes of a body a report takes, roughly.
pub(super) fn weight(report: &AttemptReport) -> usize {
    let AttemptReport { usage: _, progress, checkpoint, log, log_url } = report;
    let message = progress.as_ref().and_then(|progress| progress.message.as_ref()).map_or(0, String::len);
    let lines: usize = log.iter().map(|line| line.len() + 4).sum();
    300 + message
        + lines
        + checkpoint.as_ref().map_or(0, |json| json.as_str().len())
        + log_url.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_coalesced_and_what_failed_goes_first() {
        let buffer = ReportBuffer::default();
        assert_eq!(buffer.begin(), None);
        buffer.progress(Some(10.0), Some("first"));
        buffer.log("one");
        buffer.progress(Some(120.0), None);
        buffer.checkpoint(RawJson::trusted("1")).unwrap();
        let sent = buffer.begin().unwrap();
        assert_eq!(sent.progress, Some(AttemptProgress { percent: Some(100.0), message: None }));
        assert_eq!(sent.log, ["one"]);
        buffer.log("two\nthree");
        buffer.checkpoint(RawJson::trusted("2")).unwrap();
        assert_eq!(buffer.begin(), None, "one report at a time");
        buffer.failed();
        let again = buffer.begin().unwrap();
        assert_eq!(again.log, ["one\ntwo\nthree"]);
        assert_eq!((again.progress, again.checkpoint), (sent.progress, Some(RawJson::trusted("2"))));
        buffer.arrived();
        assert!(buffer.last().is_empty());
    }

    #[test]
    fn memory_is_bounded_and_the_newest_is_kept() {
        let buffer = ReportBuffer::default();
        for number in 0..100_000 {
            buffer.log(&format!("line {number}"));
        }
        buffer.log(&"é".repeat(100_000));
        buffer.log("end");
        let log = buffer.last().log.concat();
        assert!(log.len() < MAX_LOG_BYTES, "{}", log.len());
        assert!(log.ends_with("end"), "the newest lines are kept");
        assert_eq!(buffer.checkpoint(RawJson::trusted("x".repeat(16_385))), Err(CheckpointTooLarge(16_385)));
    }
}
