//! How long things took: a histogram of durations that says how many there were, their mean, and any quantile of them.
//!
//! Its buckets grow with what they hold, sixteen to each doubling, so that a quantile is never further from the exact one
//! than [`MAX_RELATIVE_ERROR`], be it milliseconds or days. Only buckets that hold something take room, and two histograms
//! added together are the histogram of both: so they are kept per day and per server, and summed by whoever asks.

use std::collections::BTreeMap;
use std::time::Duration;

/// How far a quantile may lie from the exact one, as a part of it.
pub const MAX_RELATIVE_ERROR: f64 = 1.0 / 32.0;

/// How many buckets there are to a doubling.
const BUCKETS_PER_DOUBLING: u64 = 16;
/// Of this many bits are the milliseconds of the longest duration that is told from longer ones: 139 years.
const MAX_BITS: u32 = 42;
/// The number of the last bucket.
const MAX_BUCKET: u16 = (MAX_BITS as u16 - 4) * BUCKETS_PER_DOUBLING as u16 + BUCKETS_PER_DOUBLING as u16 - 1;
/// The largest sum, in milliseconds, that is kept: a database adds two of them without an overflow.
pub const MAX_TOTAL_MS: u64 = 4_000_000_000_000_000_000;

/// What is timed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum DurationKind {
    /// From when an event was available to its claim.
    Waiting,
    /// From a claim to the end of the attempt: its completion, its failure or its time limit.
    Processing,
}

/// How often durations of each length were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DurationHistogram {
    /// How many durations are in each bucket, by its number; none is empty.
    buckets: BTreeMap<u16, u64>,
    total_ms: u64,
}

/// A histogram in a few numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationSummary {
    pub count: u64,
    pub mean: Duration,
    /// As long as half of them took at most.
    pub p50: Duration,
    /// As long as 95 of a hundred took at most.
    pub p95: Duration,
    /// As long as 99 of a hundred took at most.
    pub p99: Duration,
}

/// Numbers that are no histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not counts of durations by bucket")]
pub struct NotAHistogram;

impl DurationHistogram {
    /// A histogram of what [`DurationHistogram::buckets`] and [`DurationHistogram::total_ms`] have answered.
    ///
    /// # Errors
    /// If no histogram could have answered it.
    pub fn from_parts(buckets: BTreeMap<u16, u64>, total_ms: u64) -> Result<Self, NotAHistogram> {
        let are_buckets = buckets.iter().all(|(bucket, count)| *bucket <= MAX_BUCKET && *count > 0);
        if are_buckets && total_ms <= MAX_TOTAL_MS { Ok(Self { buckets, total_ms }) } else { Err(NotAHistogram) }
    }

    /// How many durations are in each bucket, by its number.
    pub fn buckets(&self) -> &BTreeMap<u16, u64> {
        &self.buckets
    }

    pub fn total_ms(&self) -> u64 {
        self.total_ms
    }

    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Counts one more.
    pub fn record(&mut self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        *self.buckets.entry(bucket_of(millis)).or_default() += 1;
        self.total_ms = self.total_ms.saturating_add(millis).min(MAX_TOTAL_MS);
    }

    /// Counts all that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            let sum = self.buckets.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
        self.total_ms = self.total_ms.saturating_add(other.total_ms).min(MAX_TOTAL_MS);
    }

    pub fn count(&self) -> u64 {
        self.buckets.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub fn mean(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.total_ms.checked_div(self.count())?))
    }

    /// How long the shortest of them took that this part of all does not exceed, from 0 to 1.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let count = self.count();
        // The rank of the one that is looked for, from one on.
        let rank = ((count as f64 * part).ceil() as u64).clamp(1, count.max(1));
        let mut seen: u64 = 0;
        let bucket = self.buckets.iter().find(|(_, count)| {
            seen = seen.saturating_add(**count);
            seen >= rank
        });
        bucket.map(|(bucket, _)| middle_of(*bucket))
    }

    /// Nothing, if there were none.
    pub fn summary(&self) -> Option<DurationSummary> {
        Some(DurationSummary {
            count: self.count(),
            mean: self.mean()?,
            p50: self.quantile(0.5)?,
            p95: self.quantile(0.95)?,
            p99: self.quantile(0.99)?,
        })
    }
}

/// The bucket that a number of milliseconds is in. Up to 31, each number has one of its own.
fn bucket_of(millis: u64) -> u16 {
    let millis = millis.min((1 << MAX_BITS) - 1);
    // The doubling that it lies in; what is below the first one is as it is in there.
    let doubling = (millis | BUCKETS_PER_DOUBLING).ilog2() - BUCKETS_PER_DOUBLING.ilog2();
    let within = millis >> doubling;
    // At most 1 to 31 within, and 38 doublings.
    (u64::from(doubling) * BUCKETS_PER_DOUBLING + within) as u16
}

fn middle_of(bucket: u16) -> Duration {
    let bucket = u64::from(bucket);
    let doubling = (bucket / BUCKETS_PER_DOUBLING).saturating_sub(1);
    let first = (bucket - doubling * BUCKETS_PER_DOUBLING) << doubling;
    let last = first + (1 << doubling) - 1;
    Duration::from_millis(first.midpoint(last))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(millis: &[u64]) -> DurationHistogram {
        let mut histogram = DurationHistogram::default();
        millis.iter().for_each(|millis| histogram.record(Duration::from_millis(*millis)));
        histogram
    }

    fn exact_quantile(millis: &[u64], part: f64) -> u64 {
        let mut sorted = millis.to_vec();
        sorted.sort_unstable();
        let rank = ((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len());
        sorted[rank - 1]
    }

    /// Durations of every magnitude: as many of days as of milliseconds.
    fn durations() -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec((0..MAX_BITS, any::<u64>()).prop_map(|(bits, any)| any & ((1 << bits) - 1)), 1..200)
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        assert_eq!((bucket_of(0), bucket_of(31), bucket_of(32), bucket_of(33), bucket_of(34)), (0, 31, 32, 32, 33));
        assert_eq!(bucket_of(u64::MAX), MAX_BUCKET);
        for bucket in 0..=MAX_BUCKET {
            let middle = u64::try_from(middle_of(bucket).as_millis()).unwrap();
            assert_eq!(bucket_of(middle), bucket);
        }
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!((DurationHistogram::default().summary(), DurationHistogram::default().quantile(0.5)), (None, None));
    }

    #[test]
    fn what_no_histogram_has_is_refused() {
        for (buckets, total_ms) in [([(MAX_BUCKET + 1, 1)], 0), ([(0, 0)], 0), ([(0, 1)], MAX_TOTAL_MS + 1)] {
            assert_eq!(DurationHistogram::from_parts(buckets.into(), total_ms), Err(NotAHistogram));
        }
    }

    #[test]
    fn sums_that_are_too_large_stay_the_largest() {
        let most = DurationHistogram::from_parts([(7, u64::MAX)].into(), MAX_TOTAL_MS).unwrap();
        let mut sum = most.clone();
        sum.merge(&most);
        assert_eq!(sum, most);
        assert_eq!(sum.summary().unwrap().p95, Duration::from_millis(7));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn a_quantile_is_as_near_to_the_exact_one_as_is_said(millis in durations(), part in 0.0..=1.0_f64) {
            let (exact, found) = (exact_quantile(&millis, part), histogram(&millis).quantile(part).unwrap());
            let off = found.as_millis().abs_diff(u128::from(exact)) as f64;
            prop_assert!(off <= exact as f64 * MAX_RELATIVE_ERROR, "{found:?} instead of {exact} ms");
        }

        #[test]
        fn what_is_added_together_is_as_if_it_had_been_counted_together(one in durations(), other in durations()) {
            let mut sum = histogram(&one);
            sum.merge(&histogram(&other));
            let together = histogram(&[one.clone(), other].concat());
            prop_assert_eq!(&sum, &together);
            prop_assert_eq!(sum.count(), together.buckets().values().sum::<u64>());
            let kept = DurationHistogram::from_parts(sum.buckets().clone(), sum.total_ms());
            prop_assert_eq!(kept, Ok(together));
            let mean = one.iter().sum::<u64>() / one.len() as u64;
            prop_assert_eq!(histogram(&one).mean(), Some(Duration::from_millis(mean)));
        }
    }
}
