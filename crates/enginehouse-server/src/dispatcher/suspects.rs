//! Who is suspect: what the dispatcher sees of attempts' ends, weighed by [`enginehouse_core::blame`].
//!
//! Transactions that commit are counted here, in memory; nothing is read or written for it. It is a hint: after a restart the
//! evidence begins anew, and a server that shares its store judges by the attempts that ended with it. Those are a part of
//! every engine's, so they say the same, a little later.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::blame::{Blame, Ending, JudgedAttempt, Suspect};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId};
use enginehouse_core::quarantine::QuarantineMode;
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

/// How long nobody looks again at whether an engine is quarantined: to look at it takes time, and one that may not be goes on
/// failing.
const JUDGED_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How many engines one transaction judges.
const MAX_JUDGED: usize = 16;

/// What engines are suspect of: the event types, each with what speaks against the engine.
type Accusations = HashMap<EventType, String>;

/// Engines that are suspect where that is enforced.
#[derive(Default)]
struct Accused {
    /// Those of which it is to be decided whether they are quarantined.
    pending: HashMap<EngineId, Accusations>,
    /// When that was decided last.
    judged: HashMap<EngineId, Timestamp>,
}

/// Who is suspect. Cheap to clone.
#[derive(Clone, Default)]
pub struct Suspects {
    blame: Arc<Mutex<Blame>>,
    accused: Arc<Mutex<Accused>>,
    /// Whether some are to be judged: each transaction asks.
    any_pending: Arc<AtomicBool>,
}

impl Suspects {
    fn blame(&self) -> MutexGuard<'_, Blame> {
        // Nobody panics while holding it, and if somebody did, the counts are as good as before.
        self.blame.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accused(&self) -> MutexGuard<'_, Accused> {
        self.accused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a transaction has seen that has committed. Answers whether somebody is to be quarantined for it.
    pub(super) fn record(
        &self,
        ends: &[EndedAttempt],
        now: Timestamp,
        judged_by: impl Fn(LaneId) -> Option<(EventType, QuarantineMode)>,
    ) -> bool {
        if ends.is_empty() {
            return false;
        }
        let mut blame = self.blame();
        let mut accused = false;
        for end in ends {
            // A lane that was deleted meanwhile has no event type to count by.
            let Some((event_type, mode)) = judged_by(end.lane_id) else { continue };
            if mode == QuarantineMode::Off {
                continue;
            }
            blame.record(&JudgedAttempt {
                event_id: end.event_id,
                event_type: &event_type,
                engine_id: &end.engine_id,
                version: end.version.as_ref(),
                ending: end.ending,
                failed_before: end.failed_before,
                at: now,
            });
            if mode == QuarantineMode::Enforce
                && end.ending != Ending::Completed
                && let Some(suspect) = blame.against(&event_type, &end.engine_id, end.version.as_ref())
            {
                let Accused { pending, judged } = &mut *self.accused();
                if judged.get(&end.engine_id).is_none_or(|at| *at + JUDGED_AGAIN_AFTER <= now) {
                    pending.entry(end.engine_id.clone()).or_default().insert(event_type, suspect.to_string());
                    self.any_pending.store(true, Ordering::Relaxed);
                    accused = true;
                }
            }
        }
        accused
    }

    /// Some of the engines of which it is to be decided whether they are quarantined.
    pub(super) fn pending(&self) -> HashMap<EngineId, Accusations> {
        if !self.any_pending.load(Ordering::Relaxed) {
            return HashMap::new();
        }
        let accused = self.accused();
        let some = accused.pending.iter().take(MAX_JUDGED);
        some.map(|(engine_id, accusations)| (engine_id.clone(), accusations.clone())).collect()
    }

    /// It was decided whether these are quarantined. Answers whether others are left.
    pub(super) fn judged(&self, engines: &[EngineId], now: Timestamp) -> bool {
        if engines.is_empty() {
            return false;
        }
        let Accused { pending, judged } = &mut *self.accused();
        judged.retain(|_, at| *at + JUDGED_AGAIN_AFTER > now);
        for engine_id in engines {
            pending.remove(engine_id);
            judged.insert(engine_id.clone(), now);
        }
        self.any_pending.store(!pending.is_empty(), Ordering::Relaxed);
        !pending.is_empty()
    }

    /// Forgets what speaks against these engines at events of a type: they have shown that they can do them, or a person says so.
    pub(super) fn clear(&self, engines: &[(EngineId, EventType)]) {
        if !engines.is_empty() {
            let (mut blame, mut accused) = (self.blame(), self.accused());
            for (engine_id, event_type) in engines {
                blame.clear(event_type, engine_id);
                accused.judged.remove(engine_id);
            }
        }
    }

    /// Everybody who is suspect now, the surest first.
    pub fn all(&self, now: Timestamp) -> Vec<Suspect> {
        self.blame().suspects(now)
    }
}
