//! PhaseFigures of calls, what rounds make of them, and what is sent in each call.

use std::time::Duration;

/// The time that so many of a hundred calls took at most, in milliseconds.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}

/// The middle one of some figures; of an even count, what lies halfway between the two in the middle.
pub(crate) fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { f64::midpoint(sorted[middle - 1], upper) })
}

/// What several rounds have shown of one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// None of no rounds.
    pub(crate) fn of(figures: &[f64]) -> Option<Self> {
        Some(Self {
            median: median(figures)?,
            least: figures.iter().copied().reduce(f64::min)?,
            most: figures.iter().copied().reduce(f64::max)?,
        })
    }
}

/// A payload of 200 bytes.
pub(crate) fn payload() -> String {
    format!(r#"{{"data":"{}"}}"#, "x".repeat(189))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[5.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[5.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn a_spread_reaches_from_the_least_to_the_most() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, least: 1.0, most: 3.0 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn a_percentile_is_a_time_that_was_taken() {
        let mut times: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!((percentile(&mut times, 50), percentile(&mut times, 99)), (101.0, 199.0));
        assert_eq!(percentile(&mut [], 50), 0.0);
    }

    #[test]
    fn a_payload_has_200_bytes() {
        assert_eq!(payload().len(), 200);
    }
}
