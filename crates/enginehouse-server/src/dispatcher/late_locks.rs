//! Locks that were over before the answer that was to tell of them could be given: the commit took longer than they last.
//!
//! Nobody was told of such a lock, so nobody has attempted anything under it: when it is taken back, that is no loss of the engine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::lock::LockToken;
use enginehouse_core::time::Timestamp;
use tokio::time::Instant;

use super::answers::Exchanged;
use crate::timers::Timer;

/// How long a lock is remembered. The next sweep takes it back, mostly at once.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// How many are remembered at most.
const MAX_REMEMBERED: usize = 10_000;

/// The locks of which nobody was told. Shared by the scheduler and its workers.
#[derive(Clone, Default)]
pub(super) struct LateLocks(Arc<Mutex<HashMap<LockToken, Instant>>>);

impl LateLocks {
    fn lock(&self) -> MutexGuard<'_, HashMap<LockToken, Instant>> {
        // Nobody panics while holding it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves out of an answer, which can be given from `at` on, what was claimed under a lock that is over by then.
    pub(super) fn withhold(&self, answer: &mut Exchanged, at: Timestamp) {
        let Some(claimed) = &mut answer.claimed else { return };
        let is_over = |lock: &enginehouse_core::lock::Lock| lock.is_expired(at);
        if !claimed.iter().any(|claimed| claimed.event.state.lock.as_ref().is_some_and(is_over)) {
            return;
        }
        let now = Timer::now();
        let mut late = self.lock();
        late.retain(|_, since| now.saturating_duration_since(*since) < REMEMBERED_FOR);
        claimed.retain(|claimed| match &claimed.event.state.lock {
            Some(lock) if is_over(lock) => {
                tracing::warn!(event_id = %claimed.event.event_id, "a lock was over before its claim could be answered: the event goes back");
                if late.len() < MAX_REMEMBERED {
                    late.insert(lock.token, now);
                }
                false
            }
            _ => true,
        });
    }

    /// Whether nobody was told of this lock.
    pub(super) fn contains(&self, token: LockToken) -> bool {
        self.lock().contains_key(&token)
    }
}
