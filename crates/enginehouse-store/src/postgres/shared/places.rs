//! Where work was last found, so that a look begins there.
//!
//! While a transaction elsewhere holds an old snapshot, nothing can be vacuumed, and every event that was ever claimed
//! meanwhile is still in the index of what is ready. A claim that began at the front of its lane would step over all of
//! them. So this remembers, per lane, the first place at which something was found, and what may have come before it
//! since: this server's own commits, what the watch learns of others, and, every few seconds, a look at everything.
//!
//! A place is a hint. One that lies too early costs time; one that lies too late hides an event until the next look.

use std::collections::HashMap;

use enginehouse_core::ids::{EngineId, EventId, LaneId};
use enginehouse_core::time::Timestamp;
use uuid::Uuid;

use crate::postgres::tx::columns::Xid;

/// More engines than this are not remembered.
const MAX_ENGINES: usize = 100_000;

/// A place in a lane: nothing that is ready lies before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at: Timestamp,
    pub(crate) id: Uuid,
}

impl Place {
    pub(crate) const START: Self = Self { at: Timestamp::MIN, id: Uuid::nil() };

    /// The first place at a moment.
    pub(crate) const fn from(at: Timestamp) -> Self {
        Self { at, id: Uuid::nil() }
    }

    /// The first place behind an event.
    pub(crate) fn behind(at: Timestamp, event_id: EventId) -> Self {
        Self { at, id: Uuid::from_u128(event_id.0.as_u128().saturating_add(1)) }
    }
}

/// What is remembered of a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remembered {
    pub(crate) place: Place,
    /// How often something has arrived that may lie before it.
    pub(crate) arrivals: u64,
}

impl Default for Remembered {
    fn default() -> Self {
        Self { place: Place::START, arrivals: 0 }
    }
}

/// What a store remembers.
#[derive(Debug)]
pub(crate) struct Places {
    lanes: HashMap<LaneId, Remembered>,
    engines: HashMap<EngineId, Xid>,
    /// No lock that lasts expires before this.
    pub(crate) locks_from: Timestamp,
    /// No completed event that is kept finished before this.
    pub(crate) completed_from: Timestamp,
    /// No failed or cancelled one did.
    pub(crate) failed_from: Timestamp,
    /// Rises when everything is forgotten, so that what was looked up before is not remembered after.
    generation: u64,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            lanes: HashMap::new(),
            engines: HashMap::new(),
            locks_from: Timestamp::MIN,
            completed_from: Timestamp::MIN,
            failed_from: Timestamp::MIN,
            generation: 0,
        }
    }
}

impl Places {
    /// Forgets everything: something may have come back of which nobody tells.
    pub(crate) fn forget(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn lane(&self, lane: LaneId) -> Remembered {
        self.lanes.get(&lane).copied().unwrap_or_default()
    }

    /// A look that began at what was remembered has found nothing before `place`.
    pub(crate) fn looked(&mut self, lane: LaneId, began_with: Remembered, generation: u64, place: Place) {
        if generation != self.generation {
            return;
        }
        let remembered = self.lanes.entry(lane).or_default();
        if remembered.arrivals == began_with.arrivals && place > remembered.place {
            remembered.place = place;
        }
    }

    /// Something may be ready in a lane from `at` on.
    pub(crate) fn arrived(&mut self, lane: LaneId, at: Timestamp) {
        let remembered = self.lanes.entry(lane).or_default();
        remembered.arrivals += 1;
        remembered.place = remembered.place.min(Place::from(at));
    }

    /// These lanes are not there any more.
    pub(crate) fn forget_lanes(&mut self, lanes: &[LaneId]) {
        for lane in lanes {
            self.lanes.remove(lane);
        }
    }

    /// The lanes that are looked at from a place behind their beginning.
    pub(crate) fn lanes(&self) -> Vec<(LaneId, Place)> {
        let behind = self.lanes.iter().filter(|(_, remembered)| remembered.place > Place::START);
        behind.map(|(lane, remembered)| (*lane, remembered.place)).collect()
    }

    /// A lock expires at `at`.
    pub(crate) fn lock_found(&mut self, at: Timestamp) {
        self.locks_from = self.locks_from.min(at);
    }

    /// From which transaction on an engine may have been given locks that last.
    pub(crate) fn engine(&self, engine_id: &EngineId) -> Xid {
        self.engines.get(engine_id).copied().unwrap_or_default()
    }

    /// The same of every engine that is remembered.
    pub(crate) fn engines(&self) -> HashMap<EngineId, Xid> {
        self.engines.clone()
    }

    pub(crate) fn looked_at_engine(&mut self, engine_id: &EngineId, generation: u64, from: Xid) {
        if generation != self.generation {
            return;
        }
        if self.engines.len() >= MAX_ENGINES && !self.engines.contains_key(engine_id) {
            self.engines.clear();
        }
        self.engines.insert(engine_id.clone(), from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANE: LaneId = LaneId(7);

    fn at(millis: i64) -> Place {
        Place::from(Timestamp::from_millis(millis))
    }

    #[test]
    fn a_look_goes_on_where_the_last_one_found_something() {
        let mut places = Places::default();
        places.looked(LANE, places.lane(LANE), 0, at(50));
        assert_eq!(places.lane(LANE).place, at(50));
        places.looked(LANE, places.lane(LANE), 0, at(20));
        assert_eq!(places.lane(LANE).place, at(50), "an older look says nothing new");
    }

    #[test]
    fn what_arrives_while_somebody_looks_is_not_passed_over() {
        let mut places = Places::default();
        let began_with = places.lane(LANE);
        places.arrived(LANE, Timestamp::from_millis(30));
        places.looked(LANE, began_with, 0, at(50));
        assert!(places.lane(LANE).place <= at(30));
        // And in the other order.
        places.looked(LANE, places.lane(LANE), 0, at(50));
        places.arrived(LANE, Timestamp::from_millis(30));
        assert_eq!(places.lane(LANE).place, at(30));
    }

    #[test]
    fn a_look_that_began_before_all_was_forgotten_says_nothing() {
        let mut places = Places::default();
        let (began_with, generation) = (places.lane(LANE), places.generation());
        places.forget();
        places.looked(LANE, began_with, generation, at(50));
        places.looked_at_engine(&"sim-1".parse().unwrap(), generation, Xid(9));
        assert_eq!(places.lane(LANE).place, Place::START);
        assert_eq!(places.engine(&"sim-1".parse().unwrap()), Xid(0));
    }
}
