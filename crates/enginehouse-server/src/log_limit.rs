//! Log lines that would come with every request, or with every retry, as long as one trouble lasts: the first of each kind is
//! written at once, then one in ten seconds. The others are counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use crate::timers::Timer;

/// How long lines of a kind are left out after one that was written.
const PAUSE: Duration = Duration::from_secs(10);

/// Decides which lines are written. Clones decide together.
#[derive(Clone, Debug, Default)]
pub struct LogLimit {
    kinds: Arc<Mutex<HashMap<&'static str, LastLine>>>,
    all_left_out: Counter,
}

#[derive(Clone, Copy, Debug)]
struct LastLine {
    at: Instant,
    left_out: u64,
}

impl LogLimit {
    /// The same, with the lines that are left out in a metric.
    pub(crate) fn counting(all_left_out: Counter) -> Self {
        Self { all_left_out, ..Self::default() }
    }

    /// Whether to write a line of a kind: then, how many of it were left out before it.
    pub(crate) fn admit(&self, kind: &'static str) -> Option<u64> {
        self.admit_at(kind, Timer::now())
    }

    fn admit_at(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let last = kinds.get_mut(kind).filter(|last| now.saturating_duration_since(last.at) < PAUSE);
        if let Some(last) = last {
            last.left_out += 1;
            self.all_left_out.inc();
            return None;
        }
        let before = kinds.insert(kind, LastLine { at: now, left_out: 0 });
        Some(before.map_or(0, |last| last.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_each_kind_is_written_and_then_one_in_ten_seconds() {
        let (limit, now) = (LogLimit::default(), Timer::now());
        assert_eq!(limit.admit_at("a", now), Some(0));
        assert_eq!(limit.admit_at("b", now), Some(0));
        for second in 0..9 {
            assert_eq!(limit.admit_at("a", now + Duration::from_secs(second)), None);
        }
        assert_eq!(limit.admit_at("a", now + PAUSE), Some(9), "it says how many were left out");
        assert_eq!(limit.admit_at("a", now + PAUSE), None);
        assert_eq!(limit.admit_at("b", now + PAUSE), Some(0));
        assert_eq!(limit.all_left_out.get(), 10);
    }
}
