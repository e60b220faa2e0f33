//! Where index scans begin: low-water marks, kept in memory.
//!
//! While any transaction in the database holds an old snapshot, vacuum cannot remove dead rows, and every event that was
//! claimed since then still has its dead entry in the index of ready events. A claim that scanned a lane from the front
//! would step over all of them. So each server remembers, per lane, a position before which nothing is ready, and scans
//! from there. A position moves forward when a scan finds nothing before it, and back when an event may have become ready
//! before it: by this server's own commits, by what the change feed reports of other servers, and by a full scan every few
//! seconds. The same is done for the locks of each engine, and for the locks and finished events of the whole store.
//!
//! A position is a hint. If it is too early, a scan is slow; if it is too late, an event is hidden until the next full scan.

use std::collections::HashMap;

use enginehouse_core::ids::{EngineId, EventId, LaneId};
use enginehouse_core::time::Timestamp;
use uuid::Uuid;

use crate::postgres::tx::columns::Xid;

const MAX_ENGINES: usize = 100_000;

/// A key of the index of ready events within one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScanPosition {
    pub(crate) at: Timestamp,
    pub(crate) id: Uuid,
}

impl ScanPosition {
    pub(crate) const START: Self = Self { at: Timestamp::MIN, id: Uuid::nil() };

    /// Before every event of this time.
    pub(crate) const fn before(at: Timestamp) -> Self {
        Self { at, id: Uuid::nil() }
    }

    /// Right after an event.
    pub(crate) fn after(at: Timestamp, event_id: EventId) -> Self {
        Self { at, id: Uuid::from_u128(event_id.0.as_u128().saturating_add(1)) }
    }
}

/// Where to begin in one lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LanePosition {
    /// Nothing before it is ready.
    pub(crate) position: ScanPosition,
    /// Nothing comes due before this.
    pub(crate) quiet_until: Timestamp,
    /// Counts the arrivals, so that a scan that one of them overlapped does not move the position forward.
    arrivals: u64,
}

impl Default for LanePosition {
    fn default() -> Self {
        Self { position: ScanPosition::START, quiet_until: Timestamp::MIN, arrivals: 0 }
    }
}

#[derive(Debug)]
pub(crate) struct ScanPositions {
    lanes: HashMap<LaneId, LanePosition>,
    engines: HashMap<EngineId, Xid>,
    /// No lock expires before this.
    pub(crate) locks_from: Timestamp,
    /// No queued event expires before this.
    pub(crate) expiries_from: Timestamp,
    /// No completed event finished before this.
    pub(crate) completed_from: Timestamp,
    /// No failed or cancelled event finished before this.
    pub(crate) failed_from: Timestamp,
    /// Increases with each reset, so that what was scanned before it is not remembered after it.
    generation: u64,
}

impl Default for ScanPositions {
    fn default() -> Self {
        Self {
            lanes: HashMap::new(),
            engines: HashMap::new(),
            locks_from: Timestamp::MIN,
            expiries_from: Timestamp::MIN,
            completed_from: Timestamp::MIN,
            failed_from: Timestamp::MIN,
            generation: 0,
        }
    }
}

impl ScanPositions {
    /// Moves all positions back to the start, because rows may have become ready without a report.
    pub(crate) fn reset(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn lane(&self, lane: LaneId) -> LanePosition {
        self.lanes.get(&lane).copied().unwrap_or_default()
    }

    /// Moves a lane's position forward, after a scan that began at `began_at` has found nothing before `position`.
    pub(crate) fn advance_lane(
        &mut self,
        lane: LaneId,
        began_at: LanePosition,
        generation: u64,
        position: ScanPosition,
    ) {
        if generation != self.generation {
            return;
        }
        let known = self.lanes.entry(lane).or_default();
        if known.arrivals == began_at.arrivals && position > known.position {
            known.position = position;
        }
    }

    /// Notes that nothing comes due in a lane before a moment, after a scan that began at `began_at` has found nothing.
    pub(crate) fn found_quiet(&mut self, lane: LaneId, began_at: LanePosition, generation: u64, until: Timestamp) {
        if generation != self.generation {
            return;
        }
        let known = self.lanes.entry(lane).or_default();
        if known.arrivals == began_at.arrivals {
            known.quiet_until = until;
        }
    }

    /// Moves a lane's position back, because an event of this time may be ready.
    pub(crate) fn rewind_lane(&mut self, lane: LaneId, at: Timestamp) {
        let known = self.lanes.entry(lane).or_default();
        known.arrivals += 1;
        known.position = known.position.min(ScanPosition::before(at));
        known.quiet_until = known.quiet_until.min(at);
    }

    pub(crate) fn remove_lanes(&mut self, lanes: &[LaneId]) {
        for lane in lanes {
            self.lanes.remove(lane);
        }
    }

    /// The lanes whose scans do not begin at the front, or that are not scanned for a while, each with the place before which
    /// nothing is looked for until now.
    pub(crate) fn unscanned(&self, now: Timestamp) -> Vec<(LaneId, ScanPosition)> {
        let before = |known: &LanePosition| known.position.max(ScanPosition::before(known.quiet_until.min(now)));
        let lanes = self.lanes.iter().map(|(lane, known)| (*lane, before(known)));
        lanes.filter(|(_, position)| *position > ScanPosition::START).collect()
    }

    /// The lanes whose scans do not begin at the front.
    pub(crate) fn lanes(&self) -> Vec<(LaneId, ScanPosition)> {
        let advanced = self.lanes.iter().filter(|(_, known)| known.position > ScanPosition::START);
        advanced.map(|(lane, known)| (*lane, known.position)).collect()
    }

    pub(crate) fn rewind_locks(&mut self, at: Timestamp) {
        self.locks_from = self.locks_from.min(at);
    }

    pub(crate) fn rewind_expiries(&mut self, at: Timestamp) {
        self.expiries_from = self.expiries_from.min(at);
    }

    /// The first transaction that may have given an engine a lock that it still holds.
    pub(crate) fn engine(&self, engine_id: &EngineId) -> Xid {
        self.engines.get(engine_id).copied().unwrap_or_default()
    }

    pub(crate) fn engines(&self) -> HashMap<EngineId, Xid> {
        self.engines.clone()
    }

    pub(crate) fn set_engine(&mut self, engine_id: &EngineId, generation: u64, from: Xid) {
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

    fn before(millis: i64) -> ScanPosition {
        ScanPosition::before(Timestamp::from_millis(millis))
    }

    #[test]
    fn a_scan_begins_where_the_last_one_found_an_event() {
        let mut positions = ScanPositions::default();
        positions.advance_lane(LANE, positions.lane(LANE), 0, before(50));
        assert_eq!(positions.lane(LANE).position, before(50));
        positions.advance_lane(LANE, positions.lane(LANE), 0, before(20));
        assert_eq!(positions.lane(LANE).position, before(50), "an older scan knows less");
    }

    #[test]
    fn an_event_that_arrives_during_a_scan_is_not_passed_over() {
        let mut positions = ScanPositions::default();
        let began_at = positions.lane(LANE);
        positions.rewind_lane(LANE, Timestamp::from_millis(30));
        positions.advance_lane(LANE, began_at, 0, before(50));
        assert!(positions.lane(LANE).position <= before(30));
        // And in the other order.
        positions.advance_lane(LANE, positions.lane(LANE), 0, before(50));
        positions.rewind_lane(LANE, Timestamp::from_millis(30));
        assert_eq!(positions.lane(LANE).position, before(30));
    }

    #[test]
    fn a_scan_that_began_before_a_reset_changes_nothing() {
        let mut positions = ScanPositions::default();
        let (began_at, generation) = (positions.lane(LANE), positions.generation());
        positions.reset();
        positions.advance_lane(LANE, began_at, generation, before(50));
        positions.set_engine(&"sim-1".parse().unwrap(), generation, Xid(9));
        assert_eq!(positions.lane(LANE).position, ScanPosition::START);
        assert_eq!(positions.engine(&"sim-1".parse().unwrap()), Xid(0));
    }
}
