//! What a bench has measured: counts and histograms, whose size does not depend on how long it runs.

use std::collections::BTreeMap;
use std::time::Duration;

use enginehouse_client::Error;
use hdrhistogram::Histogram;
use strum::VariantArray;

/// What has a latency: each kind of call, and the way of an event through all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Timed {
    Enqueue,
    Claim,
    Complete,
    Exchange,
    /// From the enqueue's beginning until its completion is answered.
    EndToEnd,
}

/// The longest latency that is told from longer ones, in microseconds: a day.
const MAX_MICROSECONDS: u64 = 86_400_000_000;

/// Latencies in microseconds, with three significant digits.
pub(super) type LatencyHistogram = Histogram<u64>;

fn histogram() -> LatencyHistogram {
    Histogram::new_with_bounds(1, MAX_MICROSECONDS, 3).unwrap_or_else(|_| unreachable!("the bounds are sound"))
}

/// Events of a part of the run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EventCount {
    pub(super) enqueued: u64,
    pub(super) completed: u64,
}

/// What is measured. Counts and latencies are of calls that began after the warm-up.
#[derive(Debug)]
pub(super) struct Figures {
    measured_from: Duration,
    headline: Timed,
    latencies: Vec<LatencyHistogram>,
    /// Enqueued before the start.
    prefilled: u64,
    pub(super) warm_up: EventCount,
    pub(super) measured: EventCount,
    pub(super) empty_claims: u64,
    pub(super) errors: BTreeMap<(Timed, String), u64>,
    second: SecondFigures,
    second_latencies: LatencyHistogram,
}

/// What happened since they were taken last.
#[derive(Clone, Debug, Default)]
pub(super) struct SecondFigures {
    pub(super) events: EventCount,
    pub(super) errors: u64,
    /// What is enqueued and not completed, at its end.
    pub(super) backlog: u64,
    /// Of the headline, in milliseconds; none if nothing was answered.
    pub(super) p50_and_p99: Option<(f64, f64)>,
}

impl Figures {
    /// Figures of calls that begin at `measured_from` or later. The `headline` is shown every second and as a histogram.
    pub(super) fn new(measured_from: Duration, headline: Timed, prefilled: u64) -> Self {
        Self {
            measured_from,
            headline,
            latencies: Timed::VARIANTS.iter().map(|_| histogram()).collect(),
            prefilled,
            warm_up: EventCount::default(),
            measured: EventCount::default(),
            empty_claims: 0,
            errors: BTreeMap::new(),
            second: SecondFigures::default(),
            second_latencies: histogram(),
        }
    }

    pub(super) const fn headline(&self) -> Timed {
        self.headline
    }

    pub(super) fn latencies(&self, of: Timed) -> &LatencyHistogram {
        &self.latencies[of as usize]
    }

    /// A call that began at `from` was answered at `to`.
    pub(super) fn answered(&mut self, call: Timed, from: Duration, to: Duration) {
        let microseconds = u64::try_from(to.saturating_sub(from).as_micros()).unwrap_or(u64::MAX);
        if call == self.headline {
            self.second_latencies.saturating_record(microseconds);
        }
        if from >= self.measured_from {
            self.latencies[call as usize].saturating_record(microseconds);
        }
    }

    /// An enqueue of so many events, which is measured or not, was answered.
    pub(super) fn enqueued(&mut self, is_measured: bool, from: Duration, to: Duration, events: u64) {
        self.answered(Timed::Enqueue, from, to);
        self.second.events.enqueued += events;
        let count = if is_measured { &mut self.measured } else { &mut self.warm_up };
        count.enqueued += events;
    }

    /// Events were completed by a call of that time. Each was sent at an instant, if that is measured.
    pub(super) fn completed(&mut self, from: Duration, to: Duration, sent: impl Iterator<Item = Option<Duration>>) {
        for sent_at in sent {
            self.second.events.completed += 1;
            let count = if from >= self.measured_from { &mut self.measured } else { &mut self.warm_up };
            count.completed += 1;
            if let Some(sent_at) = sent_at {
                self.answered(Timed::EndToEnd, sent_at, to);
            }
        }
    }

    pub(super) fn claimed_nothing(&mut self, from: Duration) {
        if from >= self.measured_from {
            self.empty_claims += 1;
        }
    }

    /// A call, or one settlement of it, was refused or had no answer.
    pub(super) fn failed(&mut self, call: Timed, code: &str) {
        self.second.errors += 1;
        *self.errors.entry((call, code.to_owned())).or_default() += 1;
    }

    /// What is enqueued and not completed.
    pub(super) fn backlog(&self) -> u64 {
        let enqueued = self.prefilled + self.warm_up.enqueued + self.measured.enqueued;
        // Events of an enqueue without an answer are completed, too.
        enqueued.saturating_sub(self.warm_up.completed + self.measured.completed)
    }

    /// What happened since the last time.
    pub(super) fn take_second(&mut self) -> SecondFigures {
        let latencies = &mut self.second_latencies;
        let p50_and_p99 = (!latencies.is_empty()).then(|| {
            (in_milliseconds(latencies.value_at_quantile(0.5)), in_milliseconds(latencies.value_at_quantile(0.99)))
        });
        latencies.reset();
        SecondFigures { backlog: self.backlog(), p50_and_p99, ..std::mem::take(&mut self.second) }
    }
}

/// The word for why a call has no answer: the problem's code, or what came instead.
pub(super) fn error_code(error: &Error) -> String {
    match error {
        Error::Problem(problem) => problem.code.name().to_owned(),
        Error::Unreachable { timed_out: true, .. } => "no_answer_in_time".to_owned(),
        Error::Unreachable { .. } => "unreachable".to_owned(),
        Error::Unexpected { status, .. } => format!("http_{status}"),
    }
}

pub(super) fn in_milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_warm_up_is_counted_apart_and_has_no_latencies() {
        let mut figures = Figures::new(at(100), Timed::EndToEnd, 0);
        figures.enqueued(false, at(90), at(95), 3);
        figures.enqueued(true, at(100), at(104), 2);
        figures.completed(at(98), at(99), [None].into_iter());
        figures.completed(at(110), at(120), [None, Some(at(100))].into_iter());
        assert_eq!((figures.warm_up.enqueued, figures.warm_up.completed), (3, 1));
        assert_eq!((figures.measured.enqueued, figures.measured.completed), (2, 2));
        assert_eq!(figures.backlog(), 2);
        let counts = [Timed::Enqueue, Timed::EndToEnd].map(|of| figures.latencies(of).len());
        assert_eq!(counts, [1, 1]);
        assert!(figures.latencies(Timed::EndToEnd).max().abs_diff(20_000) < 100, "three digits of 20 ms");
        let second = figures.take_second();
        assert_eq!((second.events.enqueued, second.events.completed, second.backlog), (5, 3, 2));
        assert!(figures.take_second().p50_and_p99.is_none());
    }
}
