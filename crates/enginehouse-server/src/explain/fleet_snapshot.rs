//! Engines, lanes and settings at one moment.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use enginehouse_api::page::BlockedPlace;
use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::explain::{Availability, LaneExplanation, explain_fit, verdict_of};
use enginehouse_core::fleet::{Fleet, FleetEngine, LaneFit};
use enginehouse_core::gates::{Held, LaneFacts, could_ever_serve};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId};
use enginehouse_core::lane::LaneKey;
use enginehouse_core::policy::{Policy, resolve};
use enginehouse_core::retry::is_final_attempt;
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::{EventRow, FleetRows, LaneCounts, SettingsRows};

/// How many different requirements are kept with how far they get, until the view is made anew.
const MAX_KEPT_FITS: usize = 1_000;

/// Engines, lanes and settings at one moment.
pub struct FleetSnapshot {
    as_of: Timestamp,
    fleet: Fleet,
    /// What each engine holds, the longest held first.
    held: HashMap<EngineId, Vec<HeldBy>>,
    lanes: Vec<LaneCounts>,
    settings: SettingsRows,
    default_policy: Policy,
    /// The lanes in which something waits, the worst first, once somebody has asked.
    worst_first: OnceLock<Vec<(BlockedPlace, LaneCounts)>>,
    /// How far events with the same requirements get.
    fits: Mutex<HashMap<RequirementKey, LaneFit>>,
}

/// What an engine holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBy {
    pub event_id: EventId,
    /// Unknown if its lane cannot be read.
    pub event_type: Option<EventType>,
    pub claimed_at: Timestamp,
}

/// What is read for a view.
pub(super) struct SnapshotRows {
    pub(super) fleet: FleetRows,
    pub(super) lanes: Vec<LaneCounts>,
    pub(super) settings: SettingsRows,
    pub(super) last_claims: HashMap<EngineId, Timestamp>,
}

impl SnapshotRows {
    /// How much there is of it: what a view costs.
    pub(super) fn size(&self) -> usize {
        self.fleet.engines.len() + self.fleet.locks.len() + self.lanes.len()
    }
}

/// All of a lane that engines can tell apart, and whether its event must be alone.
#[derive(PartialEq, Eq, Hash)]
struct RequirementKey(LaneKey, bool);

impl RequirementKey {
    fn of(facts: &LaneFacts<'_>) -> Self {
        let LaneFacts { key, final_attempt, .. } = facts;
        // Its names and its priority are nothing to an engine that is asked without a filter.
        let (queue, event_type) = ("q".parse(), "t".parse());
        let names = queue.ok().zip(event_type.ok());
        let key = match names {
            Some((queue, event_type)) => LaneKey { queue, event_type, priority: 0, ..(*key).clone() },
            None => (*key).clone(),
        };
        Self(key, *final_attempt)
    }
}

impl FleetSnapshot {
    pub(super) fn new(
        rows: SnapshotRows,
        default_policy: Policy,
        max_cpu_percent: Option<f64>,
        as_of: Timestamp,
    ) -> Self {
        let SnapshotRows { fleet: FleetRows { engines, locks, lost_before }, lanes, settings, last_claims } = rows;
        let keys: HashMap<LaneId, &LaneKey> = lanes.iter().map(|row| (row.lane.lane_id, &row.lane.key)).collect();
        let final_attempts: HashMap<EventId, bool> = lost_before
            .iter()
            .map(|event| (event.event_id, is_final(event, keys.get(&event.lane_id), &settings, &default_policy)))
            .collect();
        let heard: HashMap<&EngineId, Timestamp> =
            engines.iter().map(|engine| (&engine.engine_id, engine.last_heartbeat_at)).collect();
        let mut loads: HashMap<EngineId, Held> = HashMap::new();
        let mut held: HashMap<EngineId, Vec<HeldBy>> = HashMap::new();
        for lock in &locks {
            let key = keys.get(&lock.lane_id);
            let before = loads.get(&lock.engine_id).copied().unwrap_or_default();
            // As a claim counts it.
            let mut after = before.and(key.and_then(|key| key.required_memory_mb));
            after.final_attempt |= final_attempts.get(&lock.event_id).copied().unwrap_or(false);
            if heard.get(&lock.engine_id).is_some_and(|at| lock.claimed_at <= *at) {
                after.memory_since_heartbeat_mb = before.memory_since_heartbeat_mb;
            }
            loads.insert(lock.engine_id.clone(), after);
            held.entry(lock.engine_id.clone()).or_default().push(HeldBy {
                event_id: lock.event_id,
                event_type: key.map(|key| key.event_type.clone()),
                claimed_at: lock.claimed_at,
            });
        }
        held.values_mut().for_each(|locks| locks.sort_by_key(|lock| (lock.claimed_at, lock.event_id)));
        let engines = engines.into_iter().map(|engine| {
            let held = loads.get(&engine.engine_id).copied().unwrap_or_default();
            let last_claim_at = last_claims.get(&engine.engine_id).copied();
            (engine.abilities(), fleet_engine(engine, held, last_claim_at))
        });
        let fleet = Fleet::new(engines, max_cpu_percent);
        Self {
            as_of,
            fleet,
            held,
            lanes,
            settings,
            default_policy,
            worst_first: OnceLock::new(),
            fits: Mutex::default(),
        }
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
    pub(super) fn facts<'a>(&self, key: &'a LaneKey, event: Option<&EventRow>) -> LaneFacts<'a> {
        let SettingsRows { queues, event_types } = &self.settings;
        LaneFacts {
            queue_paused: queues.get(&key.queue).is_some_and(|set| set.paused),
            event_type_paused: event_types.get(&key.event_type).is_some_and(|set| set.paused),
            final_attempt: event.is_some_and(|event| is_final(event, Some(&key), &self.settings, &self.default_policy)),
            ..LaneFacts::running(key)
        }
    }

    /// The lanes in which something waits.
    pub(super) fn waiting_lanes(&self) -> impl Iterator<Item = &LaneCounts> {
        self.lanes.iter().filter(|row| row.counts.queued > 0)
    }

    /// How many events wait with a better priority that an engine could run which could run those of this lane.
    pub(super) fn queued_ahead_by_priority(&self, key: &LaneKey) -> u64 {
        let fitting: Vec<_> = self
            .fleet
            .classes()
            .iter()
            .filter(|class| could_ever_serve(&class.abilities, key))
            .map(|class| &class.abilities)
            .collect();
        let better = self.waiting_lanes().filter(|row| row.lane.key.priority < key.priority);
        let could_run = |row: &&LaneCounts| fitting.iter().any(|abilities| could_ever_serve(abilities, &row.lane.key));
        better.filter(could_run).map(|row| row.counts.queued).sum()
    }

    /// The lanes in which something waits, each with its verdict: the worst first, and of those the longest waiting.
    pub(super) fn worst_first(&self) -> &[(BlockedPlace, LaneCounts)] {
        self.worst_first.get_or_init(|| {
            let place = |row: &LaneCounts| {
                let available_at = row.oldest_available_at?;
                let due = Availability { now: self.as_of, available_at, state: None };
                let facts = self.facts(&row.lane.key, None);
                Some(BlockedPlace {
                    verdict: verdict_of(&facts, &due, &self.fleet),
                    available_at,
                    lane_id: row.lane.lane_id,
                })
            };
            let mut lanes: Vec<_> = self.waiting_lanes().filter_map(|row| Some((place(row)?, row.clone()))).collect();
            lanes.sort_unstable_by_key(|(place, _)| *place);
            lanes
        })
    }

    /// Explains a lane, and keeps how far its events get with the fleet for others with the same requirements.
    pub(super) fn explained(&self, facts: &LaneFacts<'_>, due: &Availability<'_>) -> LaneExplanation {
        let requirements = RequirementKey::of(facts);
        let kept = self.fits.lock().unwrap_or_else(PoisonError::into_inner).get(&requirements).cloned();
        let fit = kept.unwrap_or_else(|| {
            let fit = self.fleet.fit(facts);
            let mut fits = self.fits.lock().unwrap_or_else(PoisonError::into_inner);
            if fits.len() < MAX_KEPT_FITS {
                fits.insert(requirements, fit.clone());
            }
            fit
        });
        explain_fit(facts, due, fit)
    }
}

fn fleet_engine(engine: RegisteredEngine, held: Held, last_claim_at: Option<Timestamp>) -> FleetEngine {
    let load = &engine.metadata.dynamic_state.resource_utilization;
    FleetEngine {
        status: engine.status,
        held,
        memory_usage_mb: load.memory_usage_mb,
        cpu_percent: load.cpu_percent,
        last_heartbeat_at: engine.last_heartbeat_at,
        last_claim_at,
        engine_id: engine.engine_id,
    }
}

/// Whether an event is on its last chance.
fn is_final(event: &EventRow, key: Option<&&LaneKey>, settings: &SettingsRows, default_policy: &Policy) -> bool {
    let Some(key) = key.filter(|_| event.state.tally.losses > 0) else { return false };
    let (of_type, of_queue) = (settings.event_types.get(&key.event_type), settings.queues.get(&key.queue));
    is_final_attempt(event.state.tally, &resolve(&event.overrides, of_type, of_queue, default_policy).retry)
}
