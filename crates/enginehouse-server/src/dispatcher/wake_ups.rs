//! Which waiting claims may find something now.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use enginehouse_core::ids::{EngineId, EventId, LaneId};

/// Which waiting claims may find something that they did not find before.
#[derive(Clone, Debug, Default)]
pub(super) struct WakeUps {
    /// How many events have become ready in each lane.
    pub(super) ready: HashMap<LaneId, u32>,
    /// Engines that may take more than before, or that are refused from now on.
    pub(super) engines: HashSet<EngineId>,
    /// Lanes with an event that is for an idle engine only, where a claim of another one was woken for it.
    pub(super) passed_over: HashSet<LaneId>,
    /// Events that engines have failed whose claims were woken for them.
    pub(super) for_others: HashMap<EventId, EventForOthers>,
    /// Any claim may find something.
    pub(super) all: bool,
}

/// An event that an engine is to retry which has not failed it.
#[derive(Clone, Debug)]
pub(super) struct EventForOthers {
    pub(super) lane_id: LaneId,
    pub(super) failed_by: Arc<[EngineId]>,
}

impl WakeUps {
    pub(super) fn is_empty(&self) -> bool {
        let Self { ready, engines, passed_over, for_others, all } = self;
        ready.is_empty() && engines.is_empty() && passed_over.is_empty() && for_others.is_empty() && !all
    }

    /// An event of a lane, counted as ready, was claimed.
    pub(super) fn claimed(&mut self, lane_id: LaneId) {
        if let Entry::Occupied(mut ready) = self.ready.entry(lane_id) {
            *ready.get_mut() -= 1;
            if *ready.get() == 0 {
                ready.remove();
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (lane_id, events) in other.ready {
            *self.ready.entry(lane_id).or_default() += events;
        }
        self.engines.extend(other.engines);
        self.passed_over.extend(other.passed_over);
        self.for_others.extend(other.for_others);
        self.all |= other.all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_claimed_wakes_nobody() {
        let mut wake_ups = WakeUps { ready: [(LaneId(1), 2), (LaneId(2), 1)].into(), ..WakeUps::default() };
        wake_ups.claimed(LaneId(1));
        wake_ups.claimed(LaneId(2));
        wake_ups.claimed(LaneId(3));
        assert_eq!(wake_ups.ready, HashMap::from([(LaneId(1), 1)]));
        wake_ups.claimed(LaneId(1));
        assert!(wake_ups.is_empty());
    }
}
