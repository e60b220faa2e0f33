//! The locks that an engine holds, from the claim's answer to the settle's.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use enginehouse_core::ids::EventId;
use enginehouse_core::lock::LockToken;
use tokio::task::AbortHandle;

use super::event::{ClaimedEvent, Context, StopReason, Summary, Tally};

/// Shared by the claims, the heartbeat and the settles.
#[derive(Debug, Default)]
pub(super) struct Held {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    locks: HashMap<LockToken, Work>,
    summary: Summary,
}

#[derive(Debug)]
struct Work {
    event_id: EventId,
    context: Context,
    abort: Option<AbortHandle>,
    /// Its handler has returned, and the server is being told.
    settling: bool,
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that holds it can panic half-way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, event: &ClaimedEvent) -> Context {
        let context = Context::default();
        let work = Work { event_id: event.event_id, context: context.clone(), abort: None, settling: false };
        self.lock().locks.insert(event.token, work);
        context
    }

    pub(super) fn can_abort(&self, token: &LockToken, abort: AbortHandle) {
        if let Some(work) = self.lock().locks.get_mut(token) {
            work.abort = Some(abort);
        }
    }

    pub(super) fn is_settling(&self, token: &LockToken) {
        if let Some(work) = self.lock().locks.get_mut(token) {
            work.settling = true;
        }
    }

    pub(super) fn settled(&self, token: &LockToken, tally: Tally) {
        let mut inner = self.lock();
        if inner.locks.remove(token).is_some() {
            inner.summary.count(tally);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().locks.len()
    }

    pub(super) fn summary(&self) -> Summary {
        self.lock().summary
    }

    /// What a heartbeat lists: settling ones too, for their settle may yet take long to arrive.
    pub(super) fn tokens(&self) -> Vec<LockToken> {
        self.lock().locks.keys().copied().collect()
    }

    /// The server says that this lock is lost. If it is settling, the settle's own answer decides: it may be
    /// lost because that settle was accepted.
    pub(super) fn lose(&self, token: &LockToken) {
        if let Some(work) = self.lock().locks.get(token).filter(|work| !work.settling) {
            tracing::warn!(event_id = %work.event_id, "the lock is lost");
            work.context.stop(StopReason::LockLost);
        }
    }

    pub(super) fn cancel(&self, event_id: EventId) {
        for work in self.lock().locks.values().filter(|work| work.event_id == event_id) {
            work.context.stop(StopReason::Cancelled);
        }
    }

    pub(super) fn stop_all(&self, reason: StopReason) {
        for work in self.lock().locks.values() {
            work.context.stop(reason);
        }
    }

    pub(super) fn abort_all(&self) {
        for abort in self.lock().locks.values().filter_map(|work| work.abort.as_ref()) {
            abort.abort();
        }
    }
}
