//! Lanes in which nothing is due, and until when: kept in memory, so that a claim does not look into each lane of thousands.
//!
//! Nobody else writes to the file. A lane that was found without a ready event is quiet until the first of its events comes
//! due, or until an event is put into it. A transaction that is given up may leave more in a lane than it has seen: then
//! nothing is known any more.

use std::collections::HashMap;

use enginehouse_core::ids::LaneId;
use enginehouse_core::time::Timestamp;

#[derive(Debug, Default)]
pub(super) struct QuietLanes(HashMap<LaneId, Timestamp>);

impl QuietLanes {
    /// Until when nothing comes due in a lane, if that is later than now.
    pub(super) fn until(&self, lane: LaneId, now: Timestamp) -> Option<Timestamp> {
        self.0.get(&lane).copied().filter(|until| *until > now)
    }

    /// A lane was found without an event that is due.
    pub(super) fn found(&mut self, lane: LaneId, until: Timestamp) {
        self.0.insert(lane, until);
    }

    /// An event of a lane may be claimed from a moment on.
    pub(super) fn arrived(&mut self, lane: LaneId, at: Timestamp) {
        if let Some(until) = self.0.get_mut(&lane) {
            *until = at.min(*until);
        }
    }

    pub(super) fn remove(&mut self, lane: LaneId) {
        self.0.remove(&lane);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
