//! What happened within one minute: for charts, and for what is said of the last minutes.
//!
//! Two tallies of one minute added together are the tally of both: so several servers count for themselves, and whoever asks
//! for five minutes, or for all queues, adds up.

use crate::durations::DurationHistogram;
use crate::time::Timestamp;

/// The length of a minute, in milliseconds.
pub const MINUTE_MS: i64 = 60_000;

/// What happened within one minute to events of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MinuteTally {
    /// Events that were enqueued.
    pub enqueued: u64,
    /// Events that were given to engines.
    pub claimed: u64,
    /// Attempts that have completed their events.
    pub completed: u64,
    /// Attempts that failed or took too long, whatever became of their events.
    pub failed: u64,
    /// Attempts that ended because their locks were lost.
    pub lost: u64,
    /// Events that became dead letters.
    pub dead_lettered: u64,
    /// How long those that were claimed had waited since they were available.
    pub waiting: DurationHistogram,
    /// How long the attempts took that were completed, failed or took too long.
    pub processing: DurationHistogram,
}

impl MinuteTally {
    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: &Self) {
        let Self { enqueued, claimed, completed, failed, lost, dead_lettered, waiting, processing } = other;
        for (sum, more) in [
            (&mut self.enqueued, enqueued),
            (&mut self.claimed, claimed),
            (&mut self.completed, completed),
            (&mut self.failed, failed),
            (&mut self.lost, lost),
            (&mut self.dead_lettered, dead_lettered),
        ] {
            *sum = sum.saturating_add(*more);
        }
        self.waiting.merge(waiting);
        self.processing.merge(processing);
    }
}

/// The beginning of the minute that a moment is in.
pub fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() - at.as_millis() % MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_sum_has_all_that_its_parts_have() {
        let mut one = MinuteTally { enqueued: 1, claimed: 2, completed: 3, ..MinuteTally::default() };
        one.waiting.record(Duration::from_secs(1));
        let mut other =
            MinuteTally { failed: 4, lost: 5, dead_lettered: u64::MAX, enqueued: 6, ..MinuteTally::default() };
        other.waiting.record(Duration::from_secs(3));
        other.processing.record(Duration::from_secs(9));
        let mut sum = one.clone();
        sum.merge(&other);
        sum.merge(&MinuteTally { dead_lettered: 1, ..MinuteTally::default() });
        assert_eq!(
            (sum.enqueued, sum.claimed, sum.completed, sum.failed, sum.lost, sum.dead_lettered),
            (7, 2, 3, 4, 5, u64::MAX)
        );
        assert_eq!((sum.waiting.count(), sum.waiting.total_ms(), sum.processing.count()), (2, 4_000, 1));
        assert!(!sum.is_empty() && MinuteTally::default().is_empty());
    }

    #[test]
    fn a_minute_begins_with_its_first_millisecond() {
        let begin = Timestamp::from_millis(1_800_000_000_000);
        assert_eq!(minute_of(begin), begin);
        assert_eq!(minute_of(begin + Duration::from_millis(59_999)), begin);
        assert_eq!(minute_of(begin + Duration::from_secs(60)), begin + Duration::from_secs(60));
    }
}
