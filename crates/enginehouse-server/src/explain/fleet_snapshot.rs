//! Engines, lanes and settings at one moment.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use enginehouse_api::page::BlockedPlace;
use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::explain::{Availability, GateState, LaneExplanation, Passage, verdict_of};
use enginehouse_core::fleet::{Fleet, FleetEngine, NearEngine};
use enginehouse_core::gates::{Gate, Held, LaneFacts, could_ever_serve};
use enginehouse_core::hold_back::{HeldBackFor, HeldWork, HoldBack, Reservation, effective_priority, expected_end};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, QueueName};
use enginehouse_core::lane::LaneKey;
use enginehouse_core::policy::{Policy, Precedence, precedence, quarantine_mode, resolve};
use enginehouse_core::quarantine::{EnforcedQuarantine, QuarantineMode, enforced};
use enginehouse_core::retry::is_final_attempt;
use enginehouse_core::retry_elsewhere::RetryElsewhere;
use enginehouse_core::time::Timestamp;
use enginehouse_core::verdict::Verdict;
use enginehouse_store::rows::{EventRow, FleetRows, LaneCounts, SettingsRows};

use crate::dispatcher::durations::Durations;
use crate::dispatcher::hold_backs::{HeldForEvent, HoldBacks, HoldsBackEngine};
use crate::dispatcher::retries::Retry;

/// Engines, lanes and settings at one moment.
pub struct FleetSnapshot {
    as_of: Timestamp,
    fleet: Fleet,
    /// Whether an engine is held back: then it counts how long events are expected to take.
    any_held_back: bool,
    /// Whether an engine is kept from something because it is suspect.
    any_enforced: bool,
    /// The engines that are kept from all events of a type because they are suspect.
    suspects: HashMap<EventType, Vec<EngineId>>,
    /// What each engine holds, the longest held first.
    held: HashMap<EngineId, Vec<HeldBy>>,
    lanes: Vec<LaneCounts>,
    /// Which lanes require the same.
    requirements: LaneRequirements,
    settings: SettingsRows,
    defaults: Defaults,
    durations: Durations,
    hold_backs: HoldBacks,
    /// The lanes in which something waits, the worst first, once somebody has asked.
    worst_first: OnceLock<Vec<(BlockedPlace, LaneCounts)>>,
}

/// What an engine holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBy {
    pub event_id: EventId,
    /// Unknown if its lane cannot be read.
    pub event_type: Option<EventType>,
    /// The same.
    pub queue: Option<QueueName>,
    pub claimed_at: Timestamp,
    /// How long its lock lasts from each renewal.
    visibility_timeout: Duration,
    required_memory_mb: u64,
    final_attempt: bool,
}

/// What is read for a view.
pub(super) struct SnapshotRows {
    pub(super) fleet: FleetRows,
    pub(super) lanes: Vec<LaneCounts>,
    pub(super) settings: SettingsRows,
    pub(super) last_claims: Arc<HashMap<EngineId, Timestamp>>,
    pub(super) durations: Durations,
    pub(super) hold_backs: HoldBacks,
}

/// What an operator has decided that explanations have to know.
#[derive(Clone, Copy)]
pub(super) struct Defaults {
    pub(super) policy: Policy,
    pub(super) max_cpu_percent: Option<f64>,
    pub(super) hold_back_after: Option<Duration>,
}

impl SnapshotRows {
    /// How much there is of it: what a view costs.
    pub(super) fn size(&self) -> usize {
        self.fleet.engines.len() + self.fleet.locks.len() + self.lanes.len()
    }
}

impl FleetSnapshot {
    pub(super) fn new(rows: SnapshotRows, defaults: Defaults, as_of: Timestamp) -> Self {
        let SnapshotRows { fleet: FleetRows { engines, locks, lost_before }, lanes, settings, .. } = rows;
        let keys: HashMap<LaneId, &LaneKey> = lanes.iter().map(|row| (row.lane.lane_id, &row.lane.key)).collect();
        let final_attempts: HashSet<EventId> = lost_before
            .iter()
            .filter(|event| is_final(event, keys.get(&event.lane_id).copied(), &settings, &defaults.policy))
            .map(|event| event.event_id)
            .collect();
        let mut held: HashMap<EngineId, Vec<HeldBy>> = HashMap::new();
        for lock in locks {
            let key = keys.get(&lock.lane_id);
            held.entry(lock.engine_id).or_default().push(HeldBy {
                event_id: lock.event_id,
                event_type: key.map(|key| key.event_type.clone()),
                queue: key.map(|key| key.queue.clone()),
                claimed_at: lock.claimed_at,
                visibility_timeout: lock.visibility_timeout,
                required_memory_mb: key.and_then(|key| key.required_memory_mb).unwrap_or(0),
                final_attempt: final_attempts.contains(&lock.event_id),
            });
        }
        held.values_mut().for_each(|locks| locks.sort_by_key(|lock| (lock.claimed_at, lock.event_id)));
        let mut snapshot = Self {
            as_of,
            fleet: Fleet::default(),
            any_held_back: false,
            any_enforced: false,
            suspects: HashMap::new(),
            held,
            requirements: LaneRequirements::of(lanes.iter().map(|row| &row.lane.key)),
            lanes,
            settings,
            defaults,
            durations: rows.durations,
            hold_backs: rows.hold_backs,
            worst_first: OnceLock::new(),
        };
        let engines = engines.into_iter().map(|engine| {
            let load = snapshot.load(&engine);
            let held_back = snapshot.held_back(&engine);
            let last_claim_at = rows.last_claims.get(&engine.engine_id).copied();
            let held_by = snapshot.held_by(&engine.engine_id);
            let holds =
                |event_type: &EventType| held_by.iter().any(|held| held.event_type.as_ref() == Some(event_type));
            let enforced = enforced(&engine.automatic_quarantines, as_of, holds);
            (engine.abilities(), fleet_engine(engine, load, last_claim_at, held_back, enforced, as_of))
        });
        let engines: Vec<_> = engines.collect();
        for (_, engine) in &engines {
            for kept in engine.enforced.iter().filter(|kept| kept.until.is_some()) {
                snapshot.suspects.entry(kept.event_type.clone()).or_default().push(engine.engine_id.clone());
            }
        }
        snapshot.any_enforced = engines.iter().any(|(_, engine)| !engine.enforced.is_empty());
        snapshot.any_held_back = engines.iter().any(|(_, engine)| engine.held_back.is_some());
        snapshot.fleet = Fleet::new(engines, defaults.max_cpu_percent);
        snapshot
    }

    /// What an engine holds, as a claim counts it.
    fn load(&self, engine: &RegisteredEngine) -> Held {
        self.held_by(&engine.engine_id).iter().fold(Held::default(), |before, lock| {
            let mut after = before.and(Some(lock.required_memory_mb));
            after.final_attempt |= lock.final_attempt;
            if lock.claimed_at <= engine.last_heartbeat_at {
                after.memory_since_heartbeat_mb = before.memory_since_heartbeat_mb;
            }
            after
        })
    }

    /// The same one by one, with the moment at which each is expected to end; and whether all of them are of types of which
    /// some have ended before.
    fn work(&self, engine_id: &EngineId) -> (Vec<HeldWork>, bool) {
        let mut all_known = true;
        let work = self.held_by(engine_id).iter().map(|lock| {
            let takes = lock.event_type.as_ref().and_then(|event_type| self.takes(event_type));
            all_known &= takes.is_some();
            HeldWork {
                ends_at: expected_end(lock.claimed_at, takes, lock.visibility_timeout, self.as_of),
                memory_mb: lock.required_memory_mb,
                final_attempt: lock.final_attempt,
            }
        });
        (work.collect(), all_known)
    }

    /// How long all but a few attempts at events of a type have taken.
    fn takes(&self, event_type: &EventType) -> Option<Duration> {
        self.durations.processing(event_type).map(|seen| seen.p95)
    }

    /// For what an engine is held back, as its claims see it.
    fn held_back(&self, engine: &RegisteredEngine) -> Option<HeldBackFor> {
        let held_for = self.hold_backs.of_engine(&engine.engine_id)?;
        let lane = &self.lanes.iter().find(|row| row.lane.lane_id == held_for.lane_id)?.lane.key;
        let facts = self.facts(lane, None);
        let quarantine = engine.quarantine_at(self.as_of);
        let is_kept = quarantine.is_some_and(|quarantine| quarantine.covers(&lane.event_type));
        if facts.is_paused() || is_kept {
            return None;
        }
        let (work, _) = self.work(&engine.engine_id);
        let HoldsBackEngine { event_id, since, available_at, final_attempt, .. } = held_for;
        let reservation = Reservation::of(&engine.abilities(), &work, lane, final_attempt, self.as_of)?;
        let priority = effective_priority(lane.priority, self.precedence(lane).aging, available_at, self.as_of);
        let hold_back = HoldBack { priority, reservation, now: self.as_of };
        Some(HeldBackFor { event_id, lane: Arc::new(lane.clone()), since, hold_back })
    }

    fn precedence(&self, key: &LaneKey) -> Precedence {
        let SettingsRows { queues, event_types, .. } = &self.settings;
        precedence(event_types.get(&key.event_type), queues.get(&key.queue), self.defaults.hold_back_after)
    }

    /// Fills in when gates are expected to open that engines keep closed because their hands are full.
    pub(super) fn tell_openings(&self, lane: &mut LaneExplanation, facts: &LaneFacts<'_>) {
        const OF_ROOM: [Gate; 4] = [Gate::Concurrency, Gate::FinalAttempt, Gate::Memory, Gate::HeldBack];
        let may_open =
            |near: &&NearEngine| near.fits_when_empty && near.fails.iter().all(|(gate, _)| OF_ROOM.contains(gate));
        let opens_at = lane.fit.nearest.iter().filter(may_open).filter_map(|near| self.opens_at(near, facts)).min();
        let closed = |gate: &&mut GateState| {
            gate.passage == Passage::Closed && OF_ROOM.iter().any(|of_room| of_room.name() == gate.gate)
        };
        if let Some(gate) = lane.gates.iter_mut().find(closed) {
            gate.opens_at = opens_at;
        }
    }

    /// When an engine is expected to have room for an event, if all that has to end before is of types of which some have ended
    /// before.
    fn opens_at(&self, near: &NearEngine, facts: &LaneFacts<'_>) -> Option<Timestamp> {
        let (class, engine) = self.fleet.engine(&near.engine.engine_id)?;
        let (work, all_known) = self.work(&engine.engine_id);
        if !all_known {
            return None;
        }
        Reservation::of(&class.abilities, &work, facts.key, facts.final_attempt, self.as_of).map(|room| room.opens_at)
    }

    /// The engine that is held back for an event, if one is.
    pub fn held_for(&self, event: &EventRow) -> Option<HeldForEvent> {
        self.hold_backs.for_event(event.lane_id, event.event_id)
    }

    /// As of when it is, by the store's clock.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// What an engine holds, the longest held first.
    pub fn held_by(&self, engine_id: &EngineId) -> &[HeldBy] {
        self.held.get(engine_id).map_or(&[], |held| held)
    }

    /// The settings at that moment.
    pub fn settings(&self) -> &SettingsRows {
        &self.settings
    }

    /// What a lane brings, and one event of it, if one is meant.
    pub(super) fn facts<'a>(&'a self, key: &'a LaneKey, event: Option<&EventRow>) -> LaneFacts<'a> {
        let SettingsRows { queues, event_types, pauses } = &self.settings;
        let run = key.suspended_run.as_ref().or_else(|| event?.scenario_run_id.as_ref());
        let facts = LaneFacts {
            queue_paused: queues.get(&key.queue).is_some_and(|set| set.paused),
            event_type_paused: event_types.get(&key.event_type).is_some_and(|set| set.paused),
            enforces_quarantine: self.enforces_quarantine(key),
            queue_pause: pauses.queues.get(&key.queue),
            event_type_pause: pauses.event_types.get(&key.event_type),
            paused_run: self.settings.paused_run(run),
            takes: self.any_held_back.then(|| self.takes(&key.event_type)).flatten(),
            ..LaneFacts::running(key)
        };
        let Some(event) = event else { return facts };
        let aging = self.precedence(key).aging;
        LaneFacts {
            final_attempt: is_final(event, Some(key), &self.settings, &self.defaults.policy),
            priority: effective_priority(key.priority, aging, event.state.available_at, self.as_of),
            ..facts
        }
    }

    /// Whether engines that are suspect at events of this lane are kept from them.
    fn enforces_quarantine(&self, key: &LaneKey) -> bool {
        let kept = self.suspects.get(&key.event_type).map_or(&[][..], |kept| kept);
        let SettingsRows { queues, event_types, .. } = &self.settings;
        let (of_type, of_queue) = (event_types.get(&key.event_type), queues.get(&key.queue));
        // Mostly nobody is suspect.
        self.any_enforced
            && quarantine_mode(of_type, of_queue, self.defaults.policy.quarantine) == QuarantineMode::Enforce
            && self.fleet.any_active_beside(kept, key)
    }

    /// Whether another engine is to retry an event.
    pub(super) fn retry(&self, event: &EventRow) -> Option<Retry> {
        Retry::of(event.state.tally, || {
            let row = self.lanes.iter().find(|row| row.lane.lane_id == event.lane_id);
            let key = row.map(|row| &row.lane.key);
            let policy = key.map(|key| policy(event, key, &self.settings, &self.defaults.policy));
            policy.map_or(RetryElsewhere::Off, |policy| policy.retry.retry_elsewhere)
        })
    }

    /// The lanes in which something waits, each with the number of its requirements.
    pub(super) fn waiting_lanes(&self) -> impl Iterator<Item = (usize, &LaneCounts)> {
        let numbers = self.requirements.of_lanes.iter().copied();
        numbers.zip(&self.lanes).filter(|(_, row)| row.counts.queued > 0)
    }

    /// Something for each of the requirements of [`FleetSnapshot::waiting_lanes`].
    pub(super) fn of_each_requirement<T: Clone>(&self, value: T) -> Vec<T> {
        vec![value; self.requirements.count]
    }

    /// How many events wait with a better priority that an engine could run which could run those of this lane.
    pub(super) fn queued_ahead_by_priority(&self, key: &LaneKey) -> u64 {
        let classes = self.fleet.classes().iter().map(|class| &class.abilities);
        let fitting: Vec<_> = classes.filter(|abilities| could_ever_serve(abilities, key)).collect();
        let mut could_run = self.of_each_requirement(None);
        let better = self.waiting_lanes().filter(|(_, row)| row.lane.key.priority < key.priority);
        let ahead = better.filter(|(requirement, row)| {
            let serves = || fitting.iter().any(|abilities| could_ever_serve(abilities, &row.lane.key));
            *could_run[*requirement].get_or_insert_with(serves)
        });
        ahead.map(|(_, row)| row.counts.queued).sum()
    }

    /// What is to be said of the lanes in which something waits, the worst first.
    pub fn verdicts(&self) -> impl Iterator<Item = (Verdict, &LaneKey)> {
        self.worst_first().iter().map(|(place, row)| (place.verdict, &row.lane.key))
    }

    /// The lanes in which something waits, each with its verdict: the worst first, and of those the longest waiting.
    pub(super) fn worst_first(&self) -> &[(BlockedPlace, LaneCounts)] {
        self.worst_first.get_or_init(|| {
            let mut reaches = self.of_each_requirement(None);
            let apart = self.fleet.tells_events_apart();
            let place = |(requirement, row): (usize, &LaneCounts)| {
                let available_at = row.oldest_available_at?;
                let due = Availability { now: self.as_of, available_at, state: None };
                let facts = self.facts(&row.lane.key, None);
                let reach = match &mut reaches[requirement] {
                    Some(reach) if !apart => *reach,
                    reach => *reach.insert(self.fleet.reach(&facts)),
                };
                let verdict = verdict_of(&facts, &due, reach);
                Some((BlockedPlace { verdict, available_at, lane_id: row.lane.lane_id }, row.clone()))
            };
            let mut lanes: Vec<_> = self.waiting_lanes().filter_map(place).collect();
            lanes.sort_unstable_by_key(|(place, _)| *place);
            lanes
        })
    }
}

/// Which lanes require the same, and so are nothing else to an engine that does not tell events apart.
struct LaneRequirements {
    /// The number of each lane's requirements, in the order of the lanes.
    of_lanes: Vec<usize>,
    count: usize,
}

impl LaneRequirements {
    fn of<'a>(keys: impl Iterator<Item = &'a LaneKey>) -> Self {
        let mut numbers = HashMap::new();
        let of_lanes = keys.map(|key| {
            let LaneKey { required_capabilities, required_memory_mb, engine_version, .. } = key;
            let next = numbers.len();
            *numbers.entry((required_capabilities, required_memory_mb, engine_version)).or_insert(next)
        });
        let of_lanes = of_lanes.collect();
        Self { of_lanes, count: numbers.len() }
    }
}

fn fleet_engine(
    engine: RegisteredEngine,
    held: Held,
    last_claim_at: Option<Timestamp>,
    held_back: Option<HeldBackFor>,
    enforced: Vec<EnforcedQuarantine>,
    now: Timestamp,
) -> FleetEngine {
    let load = &engine.metadata.dynamic_state.resource_utilization;
    FleetEngine {
        status: engine.status,
        quarantine: engine.quarantine_at(now).cloned(),
        enforced,
        held,
        memory_usage_mb: load.memory_usage_mb,
        cpu_percent: load.cpu_percent,
        last_heartbeat_at: engine.last_heartbeat_at,
        last_claim_at,
        held_back,
        engine_id: engine.engine_id,
    }
}

/// Whether an event is on its last chance.
fn is_final(event: &EventRow, key: Option<&LaneKey>, settings: &SettingsRows, default_policy: &Policy) -> bool {
    let Some(key) = key.filter(|_| event.state.tally.losses > 0) else { return false };
    is_final_attempt(event.state.tally, &policy(event, key, settings, default_policy).retry)
}

/// What holds for an event of a lane.
fn policy(event: &EventRow, key: &LaneKey, settings: &SettingsRows, default_policy: &Policy) -> Policy {
    let (of_type, of_queue) = (settings.event_types.get(&key.event_type), settings.queues.get(&key.queue));
    resolve(&event.overrides, of_type, of_queue, default_policy)
}
