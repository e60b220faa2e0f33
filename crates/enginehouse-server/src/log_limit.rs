//! Log lines that would come with every request, or with every retry, as long as one trouble lasts: the first of each kind and cause
//! is written at once, then one in ten seconds. The others are counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use crate::timers::Timer;

/// How long lines of a kind are left out after one that was written.
const PAUSE: Duration = Duration::from_secs(10);
/// How many causes of a kind are told apart in that time. All others count as one.
const MAX_CAUSES: usize = 8;

/// Decides which lines are written. Clones decide together.
#[derive(Clone, Debug, Default)]
pub struct LogLimit {
    kinds: Arc<Mutex<HashMap<&'static str, HashMap<String, LastLine>>>>,
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

    /// Whether to write a line of a kind, about a cause: then, how many of them were left out before it.
    pub(crate) fn admit(&self, kind: &'static str, cause: &str) -> Option<u64> {
        self.admit_at(kind, cause, Timer::now())
    }

    fn admit_at(&self, kind: &'static str, cause: &str, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let causes = kinds.entry(kind).or_default();
        if !causes.contains_key(cause) && causes.len() >= MAX_CAUSES {
            // What has left lines out stays until it has said so.
            causes.retain(|_, last| last.left_out > 0 || now.saturating_duration_since(last.at) < PAUSE);
        }
        let cause = if causes.contains_key(cause) || causes.len() < MAX_CAUSES { cause } else { "" };
        let last = causes.get_mut(cause).filter(|last| now.saturating_duration_since(last.at) < PAUSE);
        if let Some(last) = last {
            last.left_out += 1;
            self.all_left_out.inc();
            return None;
        }
        let before = causes.insert(cause.to_owned(), LastLine { at: now, left_out: 0 });
        Some(before.map_or(0, |last| last.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_each_kind_and_cause_is_written_and_then_one_in_ten_seconds() {
        let (limit, now) = (LogLimit::default(), Timer::now());
        assert_eq!(limit.admit_at("a", "away", now), Some(0));
        assert_eq!(limit.admit_at("b", "away", now), Some(0));
        for second in 0..9 {
            assert_eq!(limit.admit_at("a", "away", now + Duration::from_secs(second)), None);
        }
        assert_eq!(limit.admit_at("a", "full", now), Some(0), "a new cause is news");
        assert_eq!(limit.admit_at("a", "away", now + PAUSE), Some(9), "it says how many were left out");
        assert_eq!(limit.admit_at("a", "away", now + PAUSE), None);
        assert_eq!(limit.admit_at("b", "away", now + PAUSE), Some(0));
        assert_eq!(limit.all_left_out.get(), 10);
    }

    #[test]
    fn causes_that_are_always_new_write_no_more_lines_than_there_is_room_for() {
        let (limit, now) = (LogLimit::default(), Timer::now());
        let written =
            |from: usize, at| (from..from + 100).filter_map(|n| limit.admit_at("a", &n.to_string(), at)).count();
        assert_eq!(written(0, now), MAX_CAUSES + 1);
        assert_eq!(written(100, now + PAUSE), MAX_CAUSES);
        assert!(limit.kinds.lock().unwrap()["a"].len() <= MAX_CAUSES + 1);
    }
}
