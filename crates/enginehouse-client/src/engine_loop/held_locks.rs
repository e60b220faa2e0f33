//! The locks that an engine holds, from the claim's answer to the settle's.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_api::engines::HeartbeatResponse;
use enginehouse_api::reports::LockReport;
use enginehouse_api::settle::SettleOutcome;
use enginehouse_core::ids::EventId;
use enginehouse_core::lock::LockToken;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::handler::{ClaimedEvent, EngineSummary, HandlerContext, StopReason};
use super::report_buffer::weight;

/// How long the answer of a claim may have been on its way: an attempt is as much older than this engine knows.
const CLAIM_ANSWER: Duration = Duration::from_secs(2);

/// Most bytes of reports in one heartbeat, below the limit of a body.
const MAX_REPORT_BYTES: usize = 512 * 1024;

/// Shared by claims, exchanges and heartbeats.
#[derive(Debug, Default)]
pub(super) struct HeldLocks {
    state: Mutex<HeldState>,
}

#[derive(Debug, Default)]
struct HeldState {
    locks: HashMap<LockToken, RunningHandler>,
    summary: EngineSummary,
}

#[derive(Debug)]
struct RunningHandler {
    event_id: EventId,
    context: HandlerContext,
    abort: Option<AbortHandle>,
    /// When the attempt has taken too long, if it ever does.
    times_out_at: Option<Instant>,
    /// It has returned, and its result is on the way to the server.
    settling: bool,
}

impl RunningHandler {
    fn has_timed_out(&self) -> bool {
        self.times_out_at.is_some_and(|end| end <= Instant::now() + CLAIM_ANSWER)
    }

    fn time_out(&self) {
        if self.context.stop_reason().is_none() {
            tracing::warn!(event_id = %self.event_id, "the attempt has failed: it took longer than max_processing_seconds");
            self.context.stop(StopReason::TimedOut);
        }
    }
}

impl HeldLocks {
    fn lock(&self) -> MutexGuard<'_, HeldState> {
        // No code that holds it can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, event: &ClaimedEvent) -> HandlerContext {
        let context = HandlerContext::default();
        let handler = RunningHandler {
            event_id: event.event_id,
            context: context.clone(),
            abort: None,
            times_out_at: event.time_limit().map(|limit| Instant::now() + limit),
            settling: false,
        };
        self.lock().locks.insert(event.token, handler);
        context
    }

    pub(super) fn can_abort(&self, token: &LockToken, abort: AbortHandle) {
        if let Some(handler) = self.lock().locks.get_mut(token) {
            handler.abort = Some(abort);
        }
    }

    pub(super) fn is_settling(&self, token: &LockToken) {
        if let Some(handler) = self.lock().locks.get_mut(token) {
            handler.settling = true;
        }
    }

    /// The server has answered the settle of this lock: with its outcome, or with none if the lock was lost.
    pub(super) fn settled(&self, token: &LockToken, outcome: Option<SettleOutcome>) {
        let mut state = self.lock();
        if state.locks.remove(token).is_some() {
            state.summary.count(outcome);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().locks.len()
    }

    pub(super) fn summary(&self) -> EngineSummary {
        self.lock().summary
    }

    /// What a heartbeat lists: settling ones too, for their settle may take long to arrive.
    pub(super) fn tokens(&self) -> Vec<LockToken> {
        self.lock().locks.keys().copied().collect()
    }

    /// What handlers have reported and the server does not have yet, as much as one body has room for. It is under way until
    /// [`Self::reports_ended`].
    pub(super) fn begin_reports(&self) -> Vec<LockReport> {
        let mut room = MAX_REPORT_BYTES;
        let mut reports = Vec::new();
        for (lock_token, handler) in self.lock().locks.iter().filter(|(_, handler)| !handler.settling) {
            let Some(report) = handler.context.reports.begin() else { continue };
            match room.checked_sub(weight(&report)) {
                Some(left) => room = left,
                // The next heartbeat has it.
                None => {
                    handler.context.reports.failed();
                    continue;
                }
            }
            reports.push(LockReport { lock_token: *lock_token, report });
        }
        reports
    }

    /// The server has answered which locks it has renewed, and which of the reports it has refused; or has not answered.
    pub(super) fn reports_ended(&self, sent: &[LockToken], answer: Option<&HeartbeatResponse>) {
        let state = self.lock();
        for (index, token) in sent.iter().enumerate() {
            let Some(handler) = state.locks.get(token) else { continue };
            let place = format!("/reports/{index}/");
            let refused =
                answer.and_then(|answer| answer.errors.iter().find(|error| error.pointer.starts_with(&place)));
            if let Some(why) = refused {
                tracing::warn!(event_id = %handler.event_id, why = why.detail, "a report was refused");
            }
            match answer.is_some_and(|answer| answer.renewed.contains(token)) {
                true => handler.context.reports.arrived(),
                false => handler.context.reports.failed(),
            }
        }
    }

    /// The server says that this lock is lost. If it is settling, the settle's own answer decides: it may be
    /// lost because that settle was accepted.
    pub(super) fn lose(&self, token: &LockToken) {
        if let Some(handler) = self.lock().locks.get(token).filter(|handler| !handler.settling) {
            if handler.has_timed_out() {
                handler.time_out();
            } else {
                tracing::warn!(event_id = %handler.event_id, "the lock is lost");
                handler.context.stop(StopReason::LockLost);
            }
        }
    }

    /// The attempt has taken as long as it may: the server has failed it, or is about to.
    pub(super) fn time_out(&self, token: &LockToken) {
        if let Some(handler) = self.lock().locks.get(token) {
            handler.time_out();
        }
    }

    /// Whether a lock that the server does not know any more ended because its attempt took too long.
    pub(super) fn has_timed_out(&self, token: &LockToken) -> bool {
        self.lock().locks.get(token).is_some_and(RunningHandler::has_timed_out)
    }

    pub(super) fn cancel(&self, event_id: EventId) {
        for handler in self.lock().locks.values().filter(|handler| handler.event_id == event_id) {
            handler.context.stop(StopReason::Cancelled);
        }
    }

    pub(super) fn stop_all(&self, reason: StopReason) {
        for handler in self.lock().locks.values() {
            handler.context.stop(reason);
        }
    }

    pub(super) fn abort_all(&self) {
        for abort in self.lock().locks.values().filter_map(|handler| handler.abort.as_ref()) {
            abort.abort();
        }
    }
}
