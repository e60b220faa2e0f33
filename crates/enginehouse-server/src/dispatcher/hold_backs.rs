//! Which engine is held back for which event.
//!
//! A claim that finds no room in its engine for a lane says so, and a sweep looks at the first event of that lane. Once the event
//! has waited for half of its time, the lane is watched: claims that have no room for it say when their engine will have some. When
//! its time is over, the engine that will have room first is held back for it ([`enginehouse_core::hold_back`]), and is so until
//! the event is claimed, or is not there any more.
//!
//! Only an engine that asks for the events of a lane is held back for one of them: another one that could have them may never do.
//!
//! This is a hint, kept in memory: after a restart the engines tell again. Another server that shares the store holds back
//! engines by itself. While nothing is watched, it costs a claim the look at one number.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::ids::{EngineId, EventId, LaneId};
use enginehouse_core::time::Timestamp;

use super::retries::Retry;

/// How long between two looks at lanes that may starve.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a lane waits for another look that could not be watched.
const LATER: Duration = Duration::from_secs(5);
/// How long after it was expected to have room an engine that has not asked again is forgotten. A claim that waits comes
/// back within a minute.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(120);
/// How long nobody has asked for a lane when it is watched no longer. An engine that is full asks again only once something has
/// ended, and whatever takes longer than this waits for longer.
const LANE_FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// How many lanes are watched at once. Each claim compares its engine with them.
const MAX_WATCHED: usize = 32;
/// How many lanes one claim names.
const MAX_NAMED_LANES: usize = 8;
/// How many lanes wait to be looked at.
const MAX_SUSPECTS: usize = 1_000;
/// At how many lanes one sweep looks, the watched ones not counted.
const MAX_LOOKS: usize = 256;
/// How many engines of a watched lane are known.
const MAX_ENGINES: usize = 1_000;
/// Of so many engines that have no room for an event, at most one is held back.
const ONE_OF: usize = 10;

/// Which engines are held back for which events, shared by the workers of a dispatcher. Cheap to clone.
#[derive(Clone, Default)]
pub struct HoldBacks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// How many lanes are watched.
    watched: AtomicUsize,
    /// How many claims had no room for some lane.
    claims: AtomicUsize,
    table: Mutex<HoldBackTable>,
}

#[derive(Default)]
struct HoldBackTable {
    /// Lanes that some claim had no room for, and when to look at them.
    suspects: BTreeMap<LaneId, Timestamp>,
    watched: BTreeMap<LaneId, WatchedLane>,
    engines: HashMap<EngineId, LaneId>,
}

/// The first event of a lane, which has waited long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StarvingEvent {
    pub(super) lane_id: LaneId,
    pub(super) event_id: EventId,
    /// Its priority as it counts by now.
    pub(super) priority: u8,
    pub(super) available_at: Timestamp,
    /// Whether it must be its engine's only one.
    pub(super) final_attempt: bool,
    pub(super) retry: Option<Retry>,
    /// From when on an engine is held back for it.
    pub(super) due_at: Timestamp,
}

struct WatchedLane {
    head: StarvingEvent,
    /// When an engine last asked for its events.
    asked_at: Timestamp,
    /// The engines that have asked for its events and had no room.
    full: HashMap<EngineId, FullEngine>,
    held: Option<HeldEngine>,
}

#[derive(Clone, Copy)]
struct FullEngine {
    asked_at: Timestamp,
    opens_at: Timestamp,
}

impl FullEngine {
    fn is_forgotten(&self, now: Timestamp) -> bool {
        self.asked_at.max(self.opens_at) + FORGOTTEN_AFTER <= now
    }
}

struct HeldEngine {
    engine_id: EngineId,
    since: Timestamp,
}

/// An engine that is held back for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldForEvent {
    pub engine_id: EngineId,
    pub since: Timestamp,
    /// When it is expected to have room for the event.
    pub opens_at: Timestamp,
}

/// The event for which an engine is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldsBackEngine {
    pub event_id: EventId,
    pub lane_id: LaneId,
    pub available_at: Timestamp,
    /// Whether it must be its engine's only one.
    pub final_attempt: bool,
    pub since: Timestamp,
    /// When the engine is expected to have room for the event.
    pub opens_at: Timestamp,
}

impl HoldBacks {
    fn table(&self) -> MutexGuard<'_, HoldBackTable> {
        // Nobody panics while holding it, and if somebody did, the hints are as good as before.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine that is held back for an event of a lane.
    pub fn for_event(&self, lane_id: LaneId, event_id: EventId) -> Option<HeldForEvent> {
        let table = self.table();
        let watched = table.watched.get(&lane_id).filter(|watched| watched.head.event_id == event_id)?;
        let held = watched.held.as_ref()?;
        let opens_at = watched.full.get(&held.engine_id)?.opens_at;
        Some(HeldForEvent { engine_id: held.engine_id.clone(), since: held.since, opens_at })
    }

    /// For which event an engine is held back.
    pub fn of_engine(&self, engine_id: &EngineId) -> Option<HoldsBackEngine> {
        let table = self.table();
        let watched = table.watched.get(table.engines.get(engine_id)?)?;
        let StarvingEvent { event_id, lane_id, available_at, final_attempt, .. } = watched.head;
        let (since, opens_at) = (watched.held.as_ref()?.since, watched.full.get(engine_id)?.opens_at);
        Some(HoldsBackEngine { event_id, lane_id, available_at, final_attempt, since, opens_at })
    }

    /// The first events of the lanes that are watched: the best priority first, and then what has waited longest.
    pub(super) fn watched(&self) -> Vec<StarvingEvent> {
        match self.0.watched.load(Ordering::Relaxed) {
            0 => Vec::new(),
            _ => self.table().heads(),
        }
    }

    /// The event for which an engine that claims is held back.
    pub(super) fn head_for(&self, engine_id: &EngineId) -> Option<StarvingEvent> {
        let table = self.table();
        Some(table.watched.get(table.engines.get(engine_id)?)?.head)
    }

    /// A claim has had no room for these lanes: so a sweep is to look at some of them, and after other claims at others.
    pub(super) fn suspect(&self, lanes: &[LaneId], now: Timestamp) {
        let first = self.0.claims.fetch_add(1, Ordering::Relaxed).wrapping_mul(MAX_NAMED_LANES);
        let named = lanes.iter().cycle().skip(first % lanes.len().max(1)).take(MAX_NAMED_LANES.min(lanes.len()));
        let HoldBackTable { suspects, watched, .. } = &mut *self.table();
        for lane_id in named {
            if suspects.len() < MAX_SUSPECTS && !watched.contains_key(lane_id) {
                suspects.entry(*lane_id).or_insert(now);
            }
        }
    }

    /// An engine that asks for the events of a watched lane has no room for its first one, and is expected to have some at
    /// `opens_at`. If the time of the event is over, an engine is held back for it from now on: this one, if no other will
    /// have room before.
    pub(super) fn has_no_room(&self, head: &StarvingEvent, engine_id: &EngineId, opens_at: Timestamp, now: Timestamp) {
        let mut table = self.table();
        let Some(watched) = table.watched.get_mut(&head.lane_id) else { return };
        watched.asked_at = now;
        if watched.full.len() < MAX_ENGINES || watched.full.contains_key(engine_id) {
            watched.full.insert(engine_id.clone(), FullEngine { asked_at: now, opens_at });
        }
        table.decide(head.lane_id, now);
    }

    /// An event does not wait any more, or waits elsewhere. Answers the engine that was held back for it.
    pub(super) fn left(&self, lane_id: LaneId, event_id: EventId) -> Option<EngineId> {
        if self.0.watched.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let HoldBackTable { watched, engines, .. } = &mut *self.table();
        let watched = watched.get_mut(&lane_id).filter(|watched| watched.head.event_id == event_id)?;
        // Nobody is held back for it before the next look, which may find another one in its place.
        watched.head.due_at = Timestamp::MAX;
        watched.let_go(engines)
    }

    /// An engine is given no events any more, or is another one by now.
    pub(super) fn remove_engine(&self, engine_id: &EngineId) {
        if self.0.watched.load(Ordering::Relaxed) == 0 {
            return;
        }
        let HoldBackTable { watched, engines, .. } = &mut *self.table();
        for lane in watched.values_mut() {
            lane.full.remove(engine_id);
            if lane.held.as_ref().is_some_and(|held| held.engine_id == *engine_id) {
                lane.let_go(engines);
            }
        }
    }

    /// The lanes that a sweep is to look at.
    pub(super) fn to_look_at(&self, now: Timestamp) -> Vec<LaneId> {
        let HoldBackTable { suspects, watched, .. } = &mut *self.table();
        let due = suspects.iter().filter(|(_, at)| **at <= now).map(|(lane_id, _)| *lane_id);
        let due: Vec<_> = due.take(MAX_LOOKS).collect();
        suspects.retain(|lane_id, _| due.binary_search(lane_id).is_err());
        let unwatched = due.into_iter().filter(|lane_id| !watched.contains_key(lane_id));
        watched.keys().copied().chain(unwatched).collect()
    }

    /// When to look next; never, if nobody is refused and nothing watched.
    pub(super) fn next_look(&self, now: Timestamp, interval: Duration) -> Option<Timestamp> {
        let table = self.table();
        let first = table.suspects.values().min().copied();
        let first = if table.watched.is_empty() { first } else { Some(now) };
        first.map(|at| at.max(now + interval))
    }

    /// A sweep has looked at lanes, and found these first events in them that may starve. Answers the engines that are not
    /// held back any more.
    pub(super) fn update(&self, lanes: &[LaneId], heads: &[StarvingEvent], now: Timestamp) -> Vec<EngineId> {
        let mut table = self.table();
        let HoldBackTable { suspects, watched, engines } = &mut *table;
        let mut heads = heads.to_vec();
        // Those that have waited longest are watched.
        heads.sort_by_key(|head| (head.due_at, head.lane_id));
        let mut before: HashMap<_, _> =
            lanes.iter().filter_map(|lane_id| Some((*lane_id, watched.remove(lane_id)?))).collect();
        let mut freed = Vec::new();
        for head in heads {
            let lane = before.remove(&head.lane_id);
            let (is_time, room) = (head.watched_from() <= now, watched.len() < MAX_WATCHED);
            let mut lane = match lane {
                Some(lane) if is_time && room => lane,
                None if is_time && room => WatchedLane::of(head, now),
                lane => {
                    freed.extend(lane.and_then(|mut lane| lane.let_go(engines)));
                    if suspects.len() < MAX_SUSPECTS {
                        suspects.insert(head.lane_id, head.watched_from().max(now + LATER));
                    }
                    continue;
                }
            };
            lane.full.retain(|_, engine| !engine.is_forgotten(now));
            let asks = lane.held.as_ref().is_some_and(|held| lane.full.contains_key(&held.engine_id));
            if !asks || lane.head.event_id != head.event_id {
                freed.extend(lane.let_go(engines));
            }
            lane.head = head;
            // One that nobody asks for any more is looked at again when somebody does.
            if lane.asked_at + LANE_FORGOTTEN_AFTER > now {
                watched.insert(head.lane_id, lane);
            }
        }
        freed.extend(before.into_values().filter_map(|mut gone| gone.let_go(engines)));
        table.heads().iter().for_each(|head| table.decide(head.lane_id, now));
        self.0.watched.store(table.watched.len(), Ordering::Relaxed);
        freed.retain(|engine_id| !table.engines.contains_key(engine_id));
        freed
    }
}

impl HoldBackTable {
    fn heads(&self) -> Vec<StarvingEvent> {
        let mut heads: Vec<_> = self.watched.values().map(|watched| watched.head).collect();
        heads.sort_by_key(|head| (head.priority, head.due_at, head.lane_id));
        heads
    }

    /// Holds back the engine that will have room first for the first event of a lane, if it is time and none is held back yet: one
    /// that is held back for nothing else, or for an event of a lower priority.
    fn decide(&mut self, lane_id: LaneId, now: Timestamp) {
        let Self { watched, engines, .. } = self;
        let Some(lane) = watched.get(&lane_id).filter(|lane| lane.held.is_none() && lane.head.due_at <= now) else {
            return;
        };
        let held_for = |engine_id: &EngineId| Some(watched.get(engines.get(engine_id)?)?.head.priority);
        let held = lane.full.keys().filter(|id| held_for(id).is_some_and(|priority| priority <= lane.head.priority));
        if held.count() >= (lane.full.len() / ONE_OF).max(1) {
            return;
        }
        let free = lane.full.iter().filter(|(id, _)| held_for(id).is_none_or(|priority| priority > lane.head.priority));
        let first = free.min_by_key(|(engine_id, engine)| (engine.opens_at, (*engine_id).clone()));
        let Some(engine_id) = first.map(|(engine_id, _)| engine_id.clone()) else { return };
        let before = engines.insert(engine_id.clone(), lane_id);
        if let Some(lane) = before.and_then(|lane_id| watched.get_mut(&lane_id)) {
            lane.held = None;
        }
        if let Some(lane) = watched.get_mut(&lane_id) {
            lane.held = Some(HeldEngine { engine_id, since: now });
        }
    }
}

impl StarvingEvent {
    /// From when on its lane is watched: so that it is known which engines ask for it before its time is over.
    fn watched_from(&self) -> Timestamp {
        self.available_at + self.due_at.since(self.available_at) / 2
    }
}

impl WatchedLane {
    fn of(head: StarvingEvent, now: Timestamp) -> Self {
        Self { head, asked_at: now, full: HashMap::new(), held: None }
    }

    fn let_go(&mut self, engines: &mut HashMap<EngineId, LaneId>) -> Option<EngineId> {
        let HeldEngine { engine_id, .. } = self.held.take()?;
        engines.remove(&engine_id);
        Some(engine_id)
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
