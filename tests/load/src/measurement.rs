//! Figures of calls, and what is sent in each.

use std::time::Duration;

/// The events of some calls, and how long each call took.
#[derive(Debug, Default)]
pub(crate) struct MeasuredCalls {
    pub(crate) events: usize,
    pub(crate) times: Vec<Duration>,
}

impl MeasuredCalls {
    pub(crate) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.times.extend(other.times);
    }

    /// The time that so many of a hundred calls took at most, in milliseconds.
    pub(crate) fn percentile(&mut self, percent: usize) -> f64 {
        self.times.sort_unstable();
        let index = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    }
}

/// The middle one of some figures.
pub(crate) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

/// A payload of 200 bytes.
pub(crate) fn payload() -> String {
    format!(r#"{{"data":"{}"}}"#, "x".repeat(189))
}
