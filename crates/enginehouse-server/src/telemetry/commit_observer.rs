//! What the dispatcher tells of each transaction, counted.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::registry::{Metrics, WithOutcome, WithReason};
use crate::dispatcher::observer::{CommittedTransaction, Observer};
use crate::timers::Timer;

/// Counts what the dispatcher tells. It is dropped with the dispatcher's thread, however that ends.
pub(crate) struct Watch {
    metrics: Metrics,
    _thread: DropGuard,
}

impl Watch {
    /// Counts into `metrics`, and cancels `thread_ended` when the thread has ended.
    pub(crate) fn new(metrics: Metrics, thread_ended: CancellationToken) -> Self {
        Self { metrics, _thread: thread_ended.drop_guard() }
    }
}

impl Observer for Watch {
    fn committed(&self, commit: &CommittedTransaction<'_>) {
        let parts = self.metrics.parts();
        let effects = commit.effects;
        for (family, counts) in [(&parts.enqueued, &effects.enqueued), (&parts.claimed, &effects.claimed)] {
            for (lane_id, count) in counts {
                // A lane that nobody knows any more has nothing to be counted by.
                if let Some(lane) = (commit.lanes)(*lane_id) {
                    family.get_or_create(&self.metrics.of_event_type(&lane.event_type)).inc_by(*count);
                }
            }
        }
        for (outcome, count) in &effects.settled {
            parts.settles.get_or_create(&WithOutcome { outcome }).inc_by(*count);
        }
        for (reason, count) in &effects.dead_letters {
            parts.dead_lettered.get_or_create(&WithReason { reason: reason.name() }).inc_by(*count);
        }
        for wait in &effects.queue_waits {
            parts.queue_wait_seconds.observe(wait.as_secs_f64());
        }
        for time in &effects.holding_times {
            parts.claim_to_settle_seconds.observe(time.as_secs_f64());
        }
        parts.retries.inc_by(effects.retries);
        parts.locks_lost.inc_by(effects.locks_lost);
        parts.timed_out.inc_by(effects.timed_out);
        parts.redrives.inc_by(effects.redrives);
        parts.engines_lost.inc_by(effects.engines_lost);
        parts.forgotten.inc_by(effects.events_deleted);
        parts.commits.inc();
        parts.commit_commands.observe(commit.requests as f64);
        parts.commit_seconds.observe(commit.duration.as_secs_f64());
        parts.last_commit_failed.store(false, Ordering::Relaxed);
        *parts.last_commit.lock().unwrap_or_else(PoisonError::into_inner) = Some((commit.now, Timer::now()));
    }

    fn failed(&self) {
        self.metrics.parts().commits_failed.inc();
        self.metrics.parts().last_commit_failed.store(true, Ordering::Relaxed);
    }

    fn waiting(&self, claims: usize, requests: usize) {
        let parts = self.metrics.parts();
        parts.parked_claims.store(claims as u64, Ordering::Relaxed);
        parts.waiting_claims.set(i64::try_from(claims).unwrap_or(i64::MAX));
        parts.waiting_commands.set(i64::try_from(requests).unwrap_or(i64::MAX));
    }
}
