//! How long bystanders have waited.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::windows::Windows;

/// One call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) call: &'static str,
    pub(crate) server: usize,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    /// Whether it was carried out.
    pub(crate) is_ok: bool,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Arc<Mutex<Vec<Sample>>>);

/// The distribution of the calls of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LatencySummary {
    pub(crate) count: usize,
    /// Calls that were refused, or got no answer.
    pub(crate) refused: usize,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
    /// When the slowest was sent.
    pub(crate) slowest_at: Duration,
}

impl Latencies {
    pub(crate) fn add(&self, sample: Sample) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
    }

    /// Of one kind of call, without those made while something was wrong with their own server.
    pub(crate) fn summary(&self, call: &str, excluded: &Windows) -> Option<LatencySummary> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let healthy = |sample: &&Sample| !excluded.touch(sample.server, sample.from, sample.to);
        let mut kept: Vec<_> = samples.iter().filter(|sample| sample.call == call).filter(healthy).collect();
        kept.sort_by_key(|sample| sample.to - sample.from);
        let at = |share: f64| kept.get(((kept.len() as f64 * share) as usize).min(kept.len().saturating_sub(1)));
        let slowest = kept.last()?;
        Some(LatencySummary {
            count: kept.len(),
            refused: kept.iter().filter(|sample| !sample.is_ok).count(),
            p50: at(0.5).map(|sample| sample.to - sample.from)?,
            p99: at(0.99).map(|sample| sample.to - sample.from)?,
            max: slowest.to - slowest.from,
            slowest_at: slowest.from,
        })
    }
}

impl fmt::Display for LatencySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |it: Duration| it.as_secs_f64() * 1000.0;
        write!(
            f,
            "p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms (sent at {:.1} s), {} calls, {} of them refused",
            milliseconds(self.p50),
            milliseconds(self.p99),
            milliseconds(self.max),
            self.slowest_at.as_secs_f64(),
            self.count,
            self.refused
        )
    }
}
