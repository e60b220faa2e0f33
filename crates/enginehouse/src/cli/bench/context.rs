//! What the loops of a bench share.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_api::problem::Code;
use enginehouse_client::{Backoff, Client, Error};
use tokio_util::sync::CancellationToken;

use super::super::cli_error::CliError;
use super::figures::{Figures, Timed, error_code};
use super::load_shape::LoadShape;
use super::names::BenchNames;
use super::stopwatch::Stopwatch;

/// How much earlier than planned a call may be made, because timers count in milliseconds. It is not measured as early.
const TIMER_STEP: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct BenchContext {
    server: Client,
    pub(super) shape: LoadShape,
    pub(super) names: BenchNames,
    pub(super) watch: Stopwatch,
    /// The loops end after the call that they are in.
    pub(super) stop: CancellationToken,
    measured_from: Duration,
    figures: Mutex<Figures>,
    /// How many calls were planned.
    planned_calls: AtomicU64,
    /// How many events the producers are still to enqueue, if a number was asked for.
    events_to_enqueue: Option<AtomicU64>,
    all_enqueued: AtomicBool,
    /// Why it cannot go on.
    fault: Mutex<Option<CliError>>,
}

/// A call that a producer is to make.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedCall {
    /// Its instant, if it has one.
    at: Option<Duration>,
    pub(super) events: u64,
    pub(super) is_measured: bool,
}

impl PlannedCall {
    /// From when on its latency counts, if it is sent at `sent_at`: a call that waited for its producer is late from its plan on.
    pub(super) fn begins(&self, sent_at: Duration) -> Duration {
        self.at.map_or(sent_at, |planned| planned.min(sent_at))
    }
}

impl BenchContext {
    pub(super) fn new(server: Client, shape: LoadShape, names: BenchNames) -> Self {
        let headline = match (shape.producers, shape.engines) {
            (0, _) if shape.exchange => Timed::Exchange,
            (0, _) => Timed::Complete,
            (_, 0) => Timed::Enqueue,
            _ => Timed::EndToEnd,
        };
        let events = shape.events.map_or(0, NonZeroU64::get);
        let (prefilled, events_to_enqueue) = if shape.producers == 0 { (events, 0) } else { (0, events) };
        let measured_from = shape.warm_up();
        Self {
            server,
            names,
            watch: Stopwatch::start(),
            stop: CancellationToken::new(),
            measured_from,
            figures: Mutex::new(Figures::new(measured_from, headline, prefilled)),
            planned_calls: AtomicU64::new(0),
            events_to_enqueue: shape.events.map(|_| AtomicU64::new(events_to_enqueue)),
            all_enqueued: AtomicBool::new(false),
            fault: Mutex::new(None),
            shape,
        }
    }

    /// A client with a connection of its own, which repeats nothing: each answer is measured.
    pub(super) fn client(&self) -> Client {
        let client = self.server.reconnected();
        client.unwrap_or_else(|_| unreachable!("there is such a client already")).with_max_repeats(0)
    }

    /// The server's address.
    pub(super) fn url(&self) -> &str {
        self.server.url()
    }

    pub(super) fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn measured_from(&self) -> Duration {
        self.measured_from
    }

    /// The next call of a producer, when it is time; none if there is to be none.
    pub(super) async fn next_call(&self) -> Option<PlannedCall> {
        let at = self.shape.rate.map(|rate| {
            let number = self.planned_calls.fetch_add(1, Ordering::Relaxed);
            planned_at(number, self.shape.batch, rate)
        });
        let is_measured = at.unwrap_or_else(|| self.watch.elapsed()) >= self.measured_from;
        let batch = u64::from(self.shape.batch);
        let events = match &self.events_to_enqueue {
            Some(to_enqueue) if is_measured => {
                let take = |left: u64| left.checked_sub(batch.min(left));
                let left = to_enqueue.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
                batch.min(left.unwrap_or_default())
            }
            _ => batch,
        };
        // Not after the wait: a producer that has nothing more to do ends at once.
        if events == 0 {
            return None;
        }
        if let Some(at) = at {
            self.pause_until(at.saturating_sub(TIMER_STEP)).await;
        }
        (!self.stop.is_cancelled()).then_some(PlannedCall { at, events, is_measured })
    }

    /// The producers have ended: what is enqueued now is all that engines are to complete, if a number of events was asked for.
    pub(super) fn producers_have_ended(&self) {
        self.all_enqueued.store(self.shape.events.is_some(), Ordering::SeqCst);
        self.stop_when_done();
    }

    /// Ends the run if a number of events was asked for, and these are done.
    pub(super) fn stop_when_done(&self) {
        if self.all_enqueued.load(Ordering::SeqCst) && (self.shape.engines == 0 || self.figures().backlog() == 0) {
            self.stop.cancel();
        }
    }

    /// Whether engines have all that they will get.
    pub(super) fn all_are_enqueued(&self) -> bool {
        self.all_enqueued.load(Ordering::SeqCst)
    }

    /// Counts a call that was not answered as it should be, and lets some time pass before its repeat. What no repeat helps
    /// ends the run.
    pub(super) async fn failed(&self, call: Timed, error: Error, backoff: &mut Backoff) {
        self.figures().failed(call, &error_code(&error));
        let is_the_engines =
            matches!(error.code(), Some(Code::EngineLost | Code::EngineSuperseded | Code::EngineNotRegistered));
        let wait = backoff.next(error.retry_after());
        if !error.is_passing() && !is_the_engines {
            self.ends_with(CliError::call(format!("the bench ended early: {} failed", call_name(call)), error));
            return;
        }
        self.pause_until(self.watch.elapsed() + wait).await;
    }

    /// Ends the run with an error.
    pub(super) fn ends_with(&self, error: CliError) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop.cancel();
    }

    pub(super) fn has_fault(&self) -> bool {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn take_fault(&self) -> Option<CliError> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until an instant of the run, or its end.
    async fn pause_until(&self, elapsed: Duration) {
        tokio::select! {
            () = self.watch.reaches(elapsed) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// A pause before the repeat of a call.
pub(super) const fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(100), Duration::from_secs(5))
}

fn planned_at(number: u64, batch: u32, rate: f64) -> Duration {
    Duration::try_from_secs_f64(number as f64 * f64::from(batch) / rate).unwrap_or(Duration::MAX)
}

fn call_name(call: Timed) -> &'static str {
    match call {
        Timed::Enqueue => "an enqueue",
        Timed::Claim => "a claim",
        Timed::Complete => "a completion",
        Timed::Exchange | Timed::EndToEnd => "an exchange",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_call_counts_from_its_plan_and_an_early_one_does_not() {
        let millis = Duration::from_millis;
        let planned = PlannedCall { at: Some(millis(100)), events: 1, is_measured: true };
        assert_eq!(planned.begins(millis(350)), millis(100));
        assert_eq!(planned.begins(millis(99)), millis(99));
        let unplanned = PlannedCall { at: None, ..planned };
        assert_eq!(unplanned.begins(millis(350)), millis(350));
        // 1,000 events a second by calls of 50.
        assert_eq!([0, 1, 20].map(|number| planned_at(number, 50, 1_000.0)), [millis(0), millis(50), millis(1_000)]);
    }
}
