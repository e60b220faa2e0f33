//! Counts what each transaction of the dispatcher did.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use enginehouse_core::durations::DurationKind;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::registry::{Metrics, WithOutcome, WithReason};
use crate::dispatcher::observer::{CommittedTransaction, Observer};
use crate::log_followers::LogFollowers;
use crate::log_limit::LogLimit;
use crate::timers::Timer;

/// Counts transactions. It is dropped with the dispatcher's thread, however that ends.
pub(crate) struct CommitObserver {
    metrics: Metrics,
    log_followers: LogFollowers,
    _thread: DropGuard,
}

impl CommitObserver {
    /// Counts into `metrics`, and cancels `thread_ended` when the thread has ended.
    pub(crate) fn new(metrics: Metrics, log_followers: LogFollowers, thread_ended: CancellationToken) -> Self {
        Self { metrics, log_followers, _thread: thread_ended.drop_guard() }
    }
}

impl Observer for CommitObserver {
    fn committed(&self, commit: &CommittedTransaction<'_>) {
        let metrics = self.metrics.set();
        let effects = commit.effects;
        for (family, counts) in [(&metrics.enqueued, &effects.enqueued), (&metrics.claimed, &effects.claimed)] {
            for (lane_id, count) in counts {
                // A lane that was pruned meanwhile has no event type to count by.
                if let Some(lane) = (commit.lanes)(*lane_id) {
                    family.get_or_create(&self.metrics.of_event_type(&lane.event_type)).inc_by(*count);
                }
            }
        }
        for (outcome, count) in &effects.settled {
            metrics.settles.get_or_create(&WithOutcome { outcome }).inc_by(*count);
        }
        for (reason, count) in &effects.dead_letters {
            metrics.dead_lettered.get_or_create(&WithReason { reason: reason.name() }).inc_by(*count);
        }
        for sample in &effects.durations {
            let histogram = match sample.kind {
                DurationKind::Waiting => &metrics.queue_wait_seconds,
                DurationKind::Processing => &metrics.claim_to_settle_seconds,
            };
            histogram.observe(sample.duration.as_secs_f64());
        }
        metrics.retries.inc_by(effects.retries);
        metrics.locks_lost.inc_by(effects.locks_lost);
        metrics.timed_out.inc_by(effects.timed_out);
        metrics.stuck.inc_by(effects.stuck);
        metrics.quarantined.inc_by(effects.quarantined);
        metrics.redrives.inc_by(effects.redrives);
        metrics.expired.inc_by(effects.expired);
        if !effects.reported.is_empty() {
            self.log_followers.reported(effects.reported.iter());
        }
        metrics.engines_lost.inc_by(effects.engines_lost);
        if let Some(until) = effects.pruning_held_until {
            metrics.pruning_held_until.store(until.as_millis(), Ordering::Relaxed);
        }
        metrics.pruned.inc_by(effects.events_deleted);
        metrics.commits.inc();
        metrics.commit_requests.observe(commit.requests as f64);
        metrics.commit_seconds.observe(commit.duration.as_secs_f64());
        metrics.last_commit_failed.store(false, Ordering::Relaxed);
        *metrics.last_commit.lock().unwrap_or_else(PoisonError::into_inner) = Some((commit.now, Timer::now()));
    }

    fn failed(&self) {
        self.metrics.set().commits_failed.inc();
        self.metrics.set().last_commit_failed.store(true, Ordering::Relaxed);
    }

    fn log_limit(&self) -> LogLimit {
        self.metrics.log_limit().clone()
    }

    fn waiting(&self, claims: usize, requests: usize) {
        let metrics = self.metrics.set();
        metrics.waiting_claims.set(i64::try_from(claims).unwrap_or(i64::MAX));
        metrics.waiting_requests.set(i64::try_from(requests).unwrap_or(i64::MAX));
    }
}
