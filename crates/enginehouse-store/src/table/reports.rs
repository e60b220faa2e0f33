//! What engines have reported of attempts. The event's id comes before these columns.

use std::borrow::Cow;
use std::time::Duration;

use enginehouse_core::json::RawJson;
use enginehouse_core::report::{AttemptProgress, AttemptUsage, LogTail};
use enginehouse_core::time::{Timestamp, seconds};

use super::column::columns;
use crate::rows::{AttemptReportRow, ReportWrite};

columns! {
    pub(crate) struct ReportColumns<'a> {
        lock_serial: i64 as Long,
        reported_at: Timestamp as Time,
        cpu_ms: Option<Duration> as Long,
        max_memory_kb: Option<u64> as Long,
        gpu_ms: Option<Duration> as Long,
        progress_at: Option<Timestamp> as Time,
        /// Hundredths of a percent.
        progress_basis_points: Option<u32> as Long,
        progress_message: Option<Cow<'a, str>> as Text,
        log_url: Option<Cow<'a, str>> as Text,
    }
}

columns! {
    /// What may be long: whoever asks for the rest does not read it.
    pub(crate) struct ReportTextColumns<'a> {
        checkpoint: Option<&'a str> as Json,
        log_bytes: Option<u64> as Long,
        log: Option<&'a str> as Text,
    }
}

const KIB_PER_MIB: f64 = 1_024.0;
const BASIS_POINTS: f64 = 100.0;

impl<'a> ReportColumns<'a> {
    pub(crate) fn of(write: &'a ReportWrite) -> Self {
        let ReportWrite { lock_serial, reported_at, report, .. } = write;
        let usage = report.usage.unwrap_or_default();
        let progress = report.progress.as_ref();
        // Checked when it was read: neither negative nor larger than the type.
        let whole = |number: f64| number.round() as u64;
        Self {
            lock_serial: *lock_serial,
            reported_at: *reported_at,
            cpu_ms: usage.cpu_seconds.map(seconds),
            max_memory_kb: usage.max_memory_mb.map(|memory| whole(memory * KIB_PER_MIB)),
            gpu_ms: usage.gpu_seconds.map(seconds),
            progress_at: progress.map(|_| *reported_at),
            progress_basis_points: progress
                .and_then(|progress| progress.percent)
                .map(|percent| (percent * BASIS_POINTS).round() as u32),
            progress_message: progress.and_then(|progress| progress.message.as_deref()).map(Cow::Borrowed),
            log_url: report.log_url.as_deref().map(Cow::Borrowed),
        }
    }

    pub(crate) fn into_row(self) -> AttemptReportRow {
        AttemptReportRow {
            lock_serial: self.lock_serial,
            reported_at: self.reported_at,
            usage: usage(self.cpu_ms, self.max_memory_kb, self.gpu_ms),
            progress: progress(self.progress_at, self.progress_basis_points, self.progress_message),
            log_url: self.log_url.map(Cow::into_owned),
        }
    }
}

impl<'a> ReportTextColumns<'a> {
    pub(crate) fn of(write: &'a ReportWrite) -> Self {
        Self {
            checkpoint: write.report.checkpoint.as_ref().map(RawJson::as_str),
            log_bytes: write.log.as_ref().map(|log| log.bytes),
            log: write.log.as_ref().map(|log| log.text.as_str()),
        }
    }
}

/// What was used, of the columns that say so; none if none does.
fn usage(cpu: Option<Duration>, memory_kb: Option<u64>, gpu: Option<Duration>) -> Option<AttemptUsage> {
    let usage = AttemptUsage {
        cpu_seconds: cpu.map(|time| time.as_secs_f64()),
        max_memory_mb: memory_kb.map(|memory| memory as f64 / KIB_PER_MIB),
        gpu_seconds: gpu.map(|time| time.as_secs_f64()),
    };
    (usage != AttemptUsage::default()).then_some(usage)
}

/// The progress, and when it was reported.
fn progress(
    at: Option<Timestamp>,
    basis_points: Option<u32>,
    message: Option<Cow<'_, str>>,
) -> Option<(Timestamp, AttemptProgress)> {
    let percent = basis_points.map(|points| f64::from(points) / BASIS_POINTS);
    Some((at?, AttemptProgress { percent, message: message.map(Cow::into_owned) }))
}

/// A log as its columns have it: nothing where there is none.
pub(crate) fn log_tail(bytes: Option<u64>, text: Option<&str>) -> Option<LogTail> {
    Some(LogTail { text: text?.to_owned(), bytes: bytes? })
}
