//! What the dispatcher tells of each transaction, counted.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::registry::{Metrics, WithOutcome, WithReason};
use crate::dispatcher::{Commit, Observer};
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
    fn committed(&self, commit: &Commit<'_>) {
        let parts = self.metrics.parts();
        let report = commit.report;
        for (family, counts) in [(&parts.enqueued, &report.enqueued), (&parts.claimed, &report.claimed)] {
            for (lane_id, count) in counts {
                // A lane that nobody knows any more has nothing to be counted by.
                if let Some(lane) = (commit.lanes)(*lane_id) {
                    family.get_or_create(&self.metrics.of_event_type(&lane.event_type)).inc_by(*count);
                }
            }
        }
        for (outcome, count) in &report.settled {
            parts.settles.get_or_create(&WithOutcome { outcome }).inc_by(*count);
        }
        for (reason, count) in &report.dead_letters {
            parts.dead_lettered.get_or_create(&WithReason { reason: reason.name() }).inc_by(*count);
        }
        for wait in &report.queue_waits {
            parts.queue_wait_seconds.observe(wait.as_secs_f64());
        }
        for time in &report.holding_times {
            parts.claim_to_settle_seconds.observe(time.as_secs_f64());
        }
        parts.retries.inc_by(report.retries);
        parts.locks_lost.inc_by(report.locks_lost);
        parts.timed_out.inc_by(report.timed_out);
        parts.redrives.inc_by(report.redrives);
        parts.engines_lost.inc_by(report.engines_lost);
        parts.forgotten.inc_by(report.forgotten);
        parts.commits.inc();
        parts.commit_commands.observe(commit.commands as f64);
        parts.commit_seconds.observe(commit.took.as_secs_f64());
        parts.last_commit_failed.store(false, Ordering::Relaxed);
        *parts.last_commit.lock().unwrap_or_else(PoisonError::into_inner) = Some((commit.now, Timer::now()));
    }

    fn failed(&self) {
        self.metrics.parts().commits_failed.inc();
        self.metrics.parts().last_commit_failed.store(true, Ordering::Relaxed);
    }

    fn waiting(&self, claims: usize, commands: usize) {
        let parts = self.metrics.parts();
        parts.parked_claims.store(claims as u64, Ordering::Relaxed);
        parts.waiting_claims.set(i64::try_from(claims).unwrap_or(i64::MAX));
        parts.waiting_commands.set(i64::try_from(commands).unwrap_or(i64::MAX));
    }
}
