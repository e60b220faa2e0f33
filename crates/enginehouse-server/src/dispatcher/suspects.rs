//! Who is suspect: what the dispatcher sees of attempts' ends, weighed by [`enginehouse_core::blame`].
//!
//! Transactions that commit are counted here, in memory; nothing is read or written for it. It is a hint: after a restart the
//! evidence begins anew, and a server that shares its store judges by the attempts that ended with it. Those are a part of
//! every engine's, so they say the same, a little later.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enginehouse_core::blame::{Blame, Ending, JudgedAttempt, Suspect};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId};
use enginehouse_core::time::Timestamp;

/// The end of an attempt that says something of its engine.
#[derive(Clone, Debug)]
pub struct EndedAttempt {
    pub(super) event_id: EventId,
    pub(super) lane_id: LaneId,
    pub(super) engine_id: EngineId,
    pub(super) version: Option<Arc<str>>,
    pub(super) ending: Ending,
    pub(super) failed_before: bool,
}

/// Who is suspect. Cheap to clone.
#[derive(Clone, Default)]
pub struct Suspects(Arc<Mutex<Blame>>);

impl Suspects {
    fn blame(&self) -> MutexGuard<'_, Blame> {
        // Nobody panics while holding it, and if somebody did, the counts are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a transaction has seen that has committed.
    pub(super) fn record(
        &self,
        ends: &[EndedAttempt],
        now: Timestamp,
        event_type_of: impl Fn(LaneId) -> Option<EventType>,
    ) {
        if ends.is_empty() {
            return;
        }
        let mut blame = self.blame();
        for end in ends {
            // A lane that was deleted meanwhile has no event type to count by.
            let Some(event_type) = event_type_of(end.lane_id) else { continue };
            blame.record(&JudgedAttempt {
                event_id: end.event_id,
                event_type: &event_type,
                engine_id: &end.engine_id,
                version: end.version.as_ref(),
                ending: end.ending,
                failed_before: end.failed_before,
                at: now,
            });
        }
    }

    /// Everybody who is suspect now, the surest first.
    pub fn all(&self, now: Timestamp) -> Vec<Suspect> {
        self.blame().suspects(now)
    }
}
