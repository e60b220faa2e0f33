//! How fast a scenario run goes: an average of its ends that forgets, so that two numbers of its row are enough.
//!
//! Each end of an event counts as one, and counts less the longer ago it is: after [`MEMORY`], a factor of *e* less. The sum,
//! divided by `MEMORY`, is the exponentially weighted moving average of ends a second. Sums of one moment may be added, so
//! servers count for themselves.

use std::time::Duration;

use crate::time::Timestamp;

/// After how long an end counts less by a factor of *e*. Long enough for events that take minutes.
pub const MEMORY: Duration = Duration::from_secs(300);
/// After how long it does not count any more: it would count less than 0.00001 then.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// How many of its units a sum has for each end: the sum is a whole number in the stores.
pub const UNITS_OF_AN_END: u64 = 1_000_000;

/// When something happened last to the events of a scenario run, and how many ended lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunActivity {
    /// When one of them was enqueued or changed its status last.
    pub last_activity_at: Timestamp,
    /// The sum over its ends as of then, in millionths of an end.
    pub ended_lately: u64,
}

impl RunActivity {
    /// How many events end each second, as of now, with two significant digits: more would be noise. `first_enqueued_at` is when the run began: a run that is younger than
    /// [`MEMORY`] had less time to add up ends.
    pub fn ends_per_second(&self, first_enqueued_at: Timestamp, now: Timestamp) -> f64 {
        let age = now.since(first_enqueued_at).as_secs_f64().max(1.0);
        // The sum of a steady run of this age, were its rate one.
        let of_steady = MEMORY.as_secs_f64() * -(-age / MEMORY.as_secs_f64()).exp_m1();
        let sum = decayed(self.ended_lately, self.last_activity_at, now);
        let rate = sum as f64 / UNITS_OF_AN_END as f64 / of_steady;
        // The nearest number with so many digits, and not one that is nearly it.
        format!("{rate:.1e}").parse().unwrap_or(rate)
    }

    /// When `open` events will have ended, if they go on to end as they do; none if none ends.
    ///
    /// It is as exact as a twentieth of the time that is left, and stays the same while it is: what is shown of it and sent
    /// when it changes is not to change with each second.
    pub fn estimated_end(&self, first_enqueued_at: Timestamp, open: u64, now: Timestamp) -> Option<Timestamp> {
        let rate = self.ends_per_second(first_enqueued_at, now);
        if open == 0 || rate <= 0.0 {
            return None;
        }
        let left = Duration::try_from_secs_f64(open as f64 / rate).ok()?;
        let grain = i64::try_from(left.as_millis() / 20).unwrap_or(i64::MAX).max(1_000);
        // The grain is a power of two of seconds, so that it stays the same for a while, too.
        let grain = 1_000 * (grain / 1_000).unsigned_abs().next_power_of_two().cast_signed();
        let end = (now + left).as_millis();
        let end = Timestamp::from_millis(end.saturating_add(grain - 1) / grain * grain);
        // Whoever asks when gains nothing by the end of time.
        (end < Timestamp::MAX).then_some(end)
    }
}

/// What a sum of one moment is at a later one.
pub fn decayed(sum: u64, from: Timestamp, to: Timestamp) -> u64 {
    let passed = to.since(from);
    if passed >= FORGOTTEN_AFTER {
        return 0;
    }
    (sum as f64 * (-passed.as_secs_f64() / MEMORY.as_secs_f64()).exp()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::MIN + Duration::from_secs(1_000_000 + seconds)
    }

    /// A run in which `ends` events end at each of these seconds.
    fn run(seconds: impl Iterator<Item = u64>, ends: u64) -> RunActivity {
        seconds.fold(RunActivity { last_activity_at: at(0), ended_lately: 0 }, |before, second| RunActivity {
            last_activity_at: at(second),
            ended_lately: decayed(before.ended_lately, before.last_activity_at, at(second)) + ends * UNITS_OF_AN_END,
        })
    }

    #[test]
    fn a_steady_run_has_its_rate_from_the_beginning() {
        // Seconds that it lasts, how many seconds one end takes, and how many ends there are then.
        for (lasts, every, ends) in [(20, 1, 3), (300, 1, 3), (3_600, 1, 3), (86_400, 10, 1), (3_600, 60, 7)] {
            let rate = run((1..=lasts).step_by(every), ends).ends_per_second(at(0), at(lasts));
            let expected = ends as f64 / every as f64;
            assert!((rate / expected - 1.0).abs() < 0.12, "{lasts} s, {ends} each {every} s: {rate}");
        }
    }

    #[test]
    fn a_run_that_stands_still_slows_down_and_stops() {
        let activity = run(1..=600, 10);
        let rates = [600, 660, 900, 1_500, 4_199, 4_200].map(|second| activity.ends_per_second(at(0), at(second)));
        assert!(rates.is_sorted_by(|one, next| one > next), "{rates:?}");
        assert_eq!(rates[5], 0.0);
        assert_eq!(activity.estimated_end(at(0), 1, at(4_200)), None);
    }

    #[test]
    fn sums_of_two_servers_add_up() {
        let both = run(1..=500, 5).ended_lately;
        let [one, other] = [2, 3].map(|ends| run(1..=500, ends).ended_lately);
        assert!((one + other).abs_diff(both) < UNITS_OF_AN_END / 100, "{one} + {other}, {both}");
    }

    #[test]
    fn the_end_is_where_what_is_left_leads() {
        let activity = run(1..=1_200, 2);
        for open in [1, 20, 1_000, 100_000, 10_000_000] {
            let left = open as f64 / activity.ends_per_second(at(0), at(1_200));
            let end = activity.estimated_end(at(0), open, at(1_200)).unwrap();
            let estimated = end.since(at(1_200)).as_secs_f64();
            assert!(estimated >= left - 0.001 && estimated <= left * 1.11 + 2.0, "{open}: {estimated}, not {left}");
            // Each second later it is much the same, unless it is passed.
            let later = activity.estimated_end(at(0), open, at(1_201)).unwrap();
            assert!(later >= end, "{open}");
        }
        assert_eq!(activity.estimated_end(at(0), 0, at(1_200)), None);
        assert_eq!(RunActivity { ended_lately: 0, ..activity }.estimated_end(at(0), 5, at(1_200)), None);
        let slow = RunActivity { ended_lately: 1, ..activity };
        assert!(slow.estimated_end(at(0), u64::MAX, at(1_200)).is_none_or(|end| end > at(1_200)));
    }

    #[test]
    fn a_clock_that_stands_still_changes_nothing() {
        assert_eq!(decayed(7, at(5), at(5)), 7);
        assert_eq!(decayed(7, at(5), at(4)), 7);
        assert_eq!(decayed(0, at(5), at(6)), 0);
    }
}
