//! How often something may happen: a few times in quick succession, and then at a rate. A token bucket, of which the moment at
//! which it is full again is all that is kept.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::timers::Timer;

/// From how many buckets on those are forgotten that are full.
const MIN_TIDY_AT: usize = 1_000;

/// So many at once, and one more after each interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    interval: Duration,
    burst: u32,
}

impl RateLimit {
    pub(crate) const fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst }
    }

    /// So many a second; what was not used of a second may be used at once.
    pub(crate) fn per_second(count: u32) -> Self {
        Self { interval: Duration::from_secs(1) / count.max(1), burst: count.max(1) }
    }

    /// Takes so many out of a bucket that is full at a moment. Answers when it is full then.
    ///
    /// More than a bucket holds is given by a full one. It is empty for longer then, so that the rate is kept on average.
    ///
    /// # Errors
    /// It has not as many: after how long it will.
    pub(crate) fn take(self, full_at: Instant, amount: u32, now: Instant) -> Result<Instant, Duration> {
        let full_at = full_at.max(now);
        let missing = full_at.saturating_duration_since(now);
        let room = self.interval.saturating_mul(self.burst);
        let needed = self.interval.saturating_mul(amount.min(self.burst));
        match missing.saturating_add(needed).saturating_sub(room) {
            Duration::ZERO => Ok(full_at + self.interval.saturating_mul(amount)),
            too_early => Err(too_early),
        }
    }
}

/// A bucket of its own for each key, such as an address or an engine.
#[derive(Debug)]
pub(crate) struct KeyedRateLimit<K> {
    limit: RateLimit,
    buckets: Mutex<Buckets<K>>,
}

#[derive(Debug)]
struct Buckets<K> {
    /// When each one is full again.
    full_at: HashMap<K, Instant>,
    /// From how many on they are looked through again: twice as many as were left, so that each new one pays for a look at two
    /// of them, however many come at once.
    tidy_at: usize,
}

impl<K: Clone + Eq + Hash> KeyedRateLimit<K> {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { limit, buckets: Mutex::new(Buckets { full_at: HashMap::new(), tidy_at: 0 }) }
    }

    /// Counts one.
    ///
    /// # Errors
    /// It is one too many: after how long it would not be.
    pub(crate) fn admit(&self, key: &K) -> Result<(), Duration> {
        self.admit_at(key, Timer::now())
    }

    /// Whether one more would be too many.
    pub(crate) fn is_over(&self, key: &K) -> bool {
        let (now, buckets) = (Timer::now(), self.buckets.lock().unwrap_or_else(PoisonError::into_inner));
        buckets.full_at.get(key).is_some_and(|full_at| self.limit.take(*full_at, 1, now).is_err())
    }

    pub(crate) fn admit_at(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Buckets { full_at, tidy_at } = &mut *buckets;
        if full_at.len() >= (*tidy_at).max(MIN_TIDY_AT) {
            full_at.retain(|_, at| *at > now);
            *tidy_at = full_at.len() * 2;
        }
        let full = self.limit.take(full_at.get(key).copied().unwrap_or(now), 1, now)?;
        full_at.insert(key.clone(), full);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn buckets_that_are_full_are_forgotten_and_not_looked_through_each_time() {
        let (limit, now) = (KeyedRateLimit::new(RateLimit::new(SECOND, 3)), Timer::now());
        let admit = |keys: std::ops::Range<usize>, second| {
            keys.for_each(|key| limit.admit_at(&key, now + SECOND * second).unwrap());
            let buckets = limit.buckets.lock().unwrap();
            (buckets.full_at.len(), buckets.tidy_at)
        };
        assert_eq!(admit(0..MIN_TIDY_AT, 0), (MIN_TIDY_AT, 0));
        assert_eq!(admit(1_000..1_500, 0), (1_500, 2 * MIN_TIDY_AT), "one look has found nothing to forget");
        assert_eq!(admit(1_500..2_001, 10), (501, 1_000), "those of ten seconds ago are forgotten");
    }

    #[test]
    fn a_few_may_follow_each_other_and_then_one_in_each_interval() {
        let (limit, now) = (KeyedRateLimit::new(RateLimit::new(SECOND, 3)), Timer::now());
        let admit = |key: &'static str, millis| limit.admit_at(&key, now + Duration::from_millis(millis));
        for _ in 0..3 {
            assert_eq!(admit("a", 0), Ok(()));
        }
        assert_eq!(admit("a", 0), Err(SECOND));
        assert_eq!(admit("b", 0), Ok(()), "each key for itself");
        assert_eq!(admit("a", 900), Err(Duration::from_millis(100)));
        assert_eq!(admit("a", 1_000), Ok(()), "a refused one does not count");
        assert_eq!(admit("a", 1_000), Err(SECOND));
        for _ in 0..3 {
            assert_eq!(admit("a", 60_000), Ok(()), "after a pause it may do so again");
        }
    }

    #[test]
    fn more_than_a_bucket_holds_is_given_by_a_full_one_and_paid_for_afterwards() {
        let (limit, now) = (RateLimit::per_second(10), Timer::now());
        let full_at = limit.take(now, 25, now).unwrap();
        assert_eq!(full_at, now + SECOND * 5 / 2);
        assert_eq!(limit.take(full_at, 1, now), Err(SECOND * 8 / 5));
        assert_eq!(limit.take(full_at, 25, now + SECOND), Err(SECOND * 3 / 2), "it has to be full");
        assert!(limit.take(full_at, 25, now + SECOND * 5 / 2).is_ok());
    }
}
