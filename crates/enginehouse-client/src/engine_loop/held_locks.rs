//! The locks that an engine holds, from the claim's answer to the settle's.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use enginehouse_api::settle::SettleOutcome;
use enginehouse_core::ids::EventId;
use enginehouse_core::lock::LockToken;
use tokio::task::AbortHandle;

use super::handler::{ClaimedEvent, EngineSummary, HandlerContext, StopReason};

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
    /// It has returned, and its result is on the way to the server.
    settling: bool,
}

impl HeldLocks {
    fn lock(&self) -> MutexGuard<'_, HeldState> {
        // No code that holds it can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, event: &ClaimedEvent) -> HandlerContext {
        let context = HandlerContext::default();
        let handler =
            RunningHandler { event_id: event.event_id, context: context.clone(), abort: None, settling: false };
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

    /// The server says that this lock is lost. If it is settling, the settle's own answer decides: it may be
    /// lost because that settle was accepted.
    pub(super) fn lose(&self, token: &LockToken) {
        if let Some(handler) = self.lock().locks.get(token).filter(|handler| !handler.settling) {
            tracing::warn!(event_id = %handler.event_id, "the lock is lost");
            handler.context.stop(StopReason::LockLost);
        }
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
