//! For which waiting claims the lanes are in which something has become ready.
//!
//! Claims of one kind, whose engines have equal abilities and which ask for the same, may be given events of the same lanes.
//! So each lane is compared once with each kind of claims, and not with each claim: what it costs to wake a fleet is the
//! claims, and the kinds of them times the lanes.

use std::collections::HashMap;
use std::hash::Hash;

use enginehouse_core::ids::LaneId;

use super::wake_ups::WakeUps;

/// The lanes of some wake-ups, compared with kinds of claims as they are asked for.
pub(super) struct WakeMatches<K> {
    /// How many events of each lane no claim was woken for yet.
    ready: Vec<(LaneId, u32)>,
    /// Lanes with an event that must be alone, and whether no claim was woken for it yet.
    passed_over: Vec<(LaneId, u32)>,
    kinds: HashMap<K, FittingLanes>,
    /// How many events there are in all of them.
    events: u64,
}

/// The lanes that may be for claims of one kind, by their places, but for those whose events others were woken for.
struct FittingLanes {
    ready: Vec<usize>,
    passed_over: Vec<usize>,
}

impl<K: Eq + Hash> WakeMatches<K> {
    pub(super) fn new(wake_ups: &WakeUps) -> Self {
        let ready: Vec<_> = wake_ups.ready.iter().map(|(lane_id, events)| (*lane_id, *events)).collect();
        let passed_over: Vec<_> = wake_ups.passed_over.iter().map(|lane_id| (*lane_id, 1)).collect();
        let events = ready.iter().chain(&passed_over).map(|(_, events)| u64::from(*events)).sum();
        Self { ready, passed_over, kinds: HashMap::new(), events }
    }

    /// Whether a claim was woken for each event.
    pub(super) fn is_exhausted(&self) -> bool {
        self.events == 0
    }

    /// Takes an event that a claim of this kind may be given: one that must be alone only for an idle engine, if there is no
    /// other. Answers whether there was one. `fits` is asked of each lane when the kind is new.
    pub(super) fn take(&mut self, kind: K, is_idle: bool, fits: impl Fn(LaneId) -> bool) -> bool {
        let Self { ready, passed_over, kinds, events } = self;
        let fitting = |lanes: &[(LaneId, u32)]| {
            let places = lanes.iter().enumerate().filter(|(_, (lane_id, _))| fits(*lane_id));
            places.map(|(place, _)| place).collect()
        };
        let lanes = kinds
            .entry(kind)
            .or_insert_with(|| FittingLanes { ready: fitting(ready), passed_over: fitting(passed_over) });
        let taken = take_one(ready, &mut lanes.ready) || is_idle && take_one(passed_over, &mut lanes.passed_over);
        *events -= u64::from(taken);
        taken
    }
}

/// Takes an event of one of these places. Places without any are never looked at again.
fn take_one(lanes: &mut [(LaneId, u32)], places: &mut Vec<usize>) -> bool {
    while let Some(place) = places.last() {
        let (_, events) = &mut lanes[*place];
        if *events > 0 {
            *events -= 1;
            return true;
        }
        places.pop();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn ready(lanes: i64, events: u32) -> WakeUps {
        WakeUps { ready: (0..lanes).map(|lane| (LaneId(lane), events)).collect(), ..WakeUps::default() }
    }

    #[test]
    fn waking_a_fleet_costs_as_much_as_it_has_kinds_of_claims() {
        let mut matches = WakeMatches::new(&ready(10_000, 1));
        let comparisons = Cell::new(0_u64);
        let mut woken = 0;
        for claim in 0..20_000_i64 {
            let kind = claim % 10;
            let fits = |lane: LaneId| {
                comparisons.set(comparisons.get() + 1);
                // Nobody can serve the last kind of lanes.
                lane.0 % 11 == kind
            };
            woken += u32::from(matches.take(kind, false, fits));
        }
        assert_eq!(woken, 10_000 - 909);
        assert!(comparisons.get() <= 10 * 10_000, "{}", comparisons.get());
    }

    #[test]
    fn an_event_wakes_one_claim_of_whatever_kind() {
        let mut matches = WakeMatches::new(&ready(1, 3));
        let woken: Vec<_> = (0..5).map(|kind| matches.take(kind, false, |_| kind != 1)).collect();
        assert_eq!(woken, [true, false, true, true, false]);
    }

    #[test]
    fn what_must_be_alone_wakes_an_idle_engine() {
        let wake_ups = WakeUps { passed_over: [LaneId(1)].into(), ..WakeUps::default() };
        let mut matches = WakeMatches::new(&wake_ups);
        let woken: Vec<_> = [false, true, true].map(|is_idle| matches.take((), is_idle, |_| true)).into();
        assert_eq!(woken, [false, true, false]);
    }
}
