//! How many lines of the log nobody will read.

use prometheus_client::metrics::counter::Counter;

/// Counts the lines of the log that could not be written. Whoever writes the log counts, and the metrics show it: both have
/// a clone.
#[derive(Clone, Debug, Default)]
pub struct DroppedLines(pub(super) Counter);

impl DroppedLines {
    pub fn add(&self, lines: u64) {
        self.0.inc_by(lines);
    }

    pub fn count(&self) -> u64 {
        self.0.get()
    }
}
