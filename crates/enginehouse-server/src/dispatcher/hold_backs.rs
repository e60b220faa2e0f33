//! Engines that are held back for an event which must be the only one of its engine.
//!
//! An engine with several slots that always finds work is never empty, and would pass such an event over for ever. So
//! when engines have done so for a while, one of them is given nothing more until it is empty, and the event then.
//!
//! This is a hint, kept in memory: after a restart the time begins anew. Another server that shares the store holds back
//! engines by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::ids::{EngineId, EventId, LaneId};
use enginehouse_core::limits::HOLD_BACK_AFTER;
use enginehouse_core::time::Timestamp;

/// How long nobody has met an event, or an engine that is held back has not claimed, when it is forgotten. A claim that
/// waits comes back within a minute.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(120);

/// Which engines are held back for which events, shared by the workers of a dispatcher.
#[derive(Clone, Default)]
pub(super) struct HoldBacks(Arc<Mutex<HoldBackTable>>);

#[derive(Default)]
struct HoldBackTable {
    /// One event of each lane at most: the first that was met.
    events: HashMap<LaneId, PassedOver>,
    engines: HashMap<EngineId, LaneId>,
}

/// An event that engines have passed over.
struct PassedOver {
    event_id: EventId,
    since: Timestamp,
    met_at: Timestamp,
    held_back: Option<HeldBackEngine>,
}

struct HeldBackEngine {
    engine_id: EngineId,
    claimed_at: Timestamp,
}

impl HoldBacks {
    fn table(&self) -> MutexGuard<'_, HoldBackTable> {
        // Nobody panics while holding it, and if somebody did, the hints are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The event that an engine which claims now is held back for.
    pub(super) fn event_for(&self, engine_id: &EngineId, now: Timestamp) -> Option<EventId> {
        let table = &mut *self.table();
        let passed_over = table.events.get_mut(table.engines.get(engine_id)?)?;
        passed_over.held_back.as_mut()?.claimed_at = now;
        Some(passed_over.event_id)
    }

    /// An engine that holds others, and so can't be given an event, has met it. Answers whether the engine is held back
    /// for it from now on.
    pub(super) fn passed_over(&self, lane_id: LaneId, event_id: EventId, engine_id: &EngineId, now: Timestamp) -> bool {
        let HoldBackTable { events, engines } = &mut *self.table();
        let is_over = |at: Timestamp| at + FORGOTTEN_AFTER <= now;
        if events.get(&lane_id).is_some_and(|first| first.event_id != event_id && is_over(first.met_at))
            && let Some(PassedOver { held_back: Some(held_back), .. }) = events.remove(&lane_id)
        {
            engines.remove(&held_back.engine_id);
        }
        let first = events.entry(lane_id).or_insert(PassedOver { event_id, since: now, met_at: now, held_back: None });
        if first.event_id != event_id {
            return false;
        }
        first.met_at = now;
        let is_held_for = first.held_back.as_ref().is_some_and(|held_back| !is_over(held_back.claimed_at));
        if is_held_for || first.since + HOLD_BACK_AFTER > now {
            return false;
        }
        if let Some(gone) = first.held_back.replace(HeldBackEngine { engine_id: engine_id.clone(), claimed_at: now }) {
            engines.remove(&gone.engine_id);
        }
        engines.insert(engine_id.clone(), lane_id);
        true
    }

    /// An engine is held back no longer: what it was held back for is gone.
    pub(super) fn release(&self, engine_id: &EngineId) {
        let table = &mut *self.table();
        if let Some(lane_id) = table.engines.remove(engine_id) {
            table.events.remove(&lane_id);
        }
    }

    /// An event no longer waits: it was claimed, say. Answers the engine that was held back for it.
    pub(super) fn let_go(&self, lane_id: LaneId, event_id: EventId) -> Option<EngineId> {
        let table = &mut *self.table();
        if table.events.get(&lane_id)?.event_id != event_id {
            return None;
        }
        let engine_id = table.events.remove(&lane_id)?.held_back?.engine_id;
        table.engines.remove(&engine_id);
        Some(engine_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LANE: LaneId = LaneId(1);

    fn event(number: u128) -> EventId {
        uuid::Uuid::from_u128(number).to_string().parse().unwrap()
    }

    #[test]
    fn one_engine_is_held_back_for_the_first_event_that_waits_too_long() {
        let hold_backs = HoldBacks::default();
        let at = |seconds| NOW + Duration::from_secs(seconds);
        let meets = |engine: &str, number, seconds| {
            hold_backs.passed_over(LANE, event(number), &engine.parse().unwrap(), at(seconds))
        };
        let held = |engine: &str, seconds| hold_backs.event_for(&engine.parse().unwrap(), at(seconds));
        assert!(!meets("a", 1, 0));
        assert!(!meets("a", 2, 1), "another event of the lane has to wait for the first");
        assert!(!meets("b", 1, 59));
        assert!(meets("a", 1, 60));
        assert!(!meets("b", 1, 61), "one engine is enough");
        assert_eq!((held("a", 61), held("b", 61)), (Some(event(1)), None));
        assert!(!meets("b", 1, 180), "the engine claims yet");
        assert!(meets("b", 1, 181), "the engine has not claimed for two minutes");
        assert_eq!((held("a", 182), held("b", 182)), (None, Some(event(1))));
        assert_eq!(hold_backs.let_go(LANE, event(1)), Some("b".parse().unwrap()));
        assert_eq!(held("b", 183), None);
        assert!(!meets("a", 2, 183) && meets("a", 2, 243));
    }

    #[test]
    fn an_event_that_is_gone_is_forgotten() {
        let hold_backs = HoldBacks::default();
        let meets = |number, seconds| {
            let now = NOW + Duration::from_secs(seconds);
            hold_backs.passed_over(LANE, event(number), &"a".parse().unwrap(), now)
        };
        assert!(!meets(1, 0) && !meets(2, 100), "nobody meets the first any more");
        assert!(!meets(2, 120), "it is forgotten, and the time of the second begins");
        assert!(!meets(2, 179) && meets(2, 180));
    }
}
