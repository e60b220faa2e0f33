//! Engines with the same abilities, and those of them that are alike in all else that gates look at.

use std::collections::{BTreeSet, HashMap};
use std::slice::from_ref;
use std::sync::{Arc, OnceLock};

use super::fleet_engine::{ENGINE_GATES, FleetEngine, MAX_NAMED_ENGINES, asked_before, check, running};
use crate::change::whole_mb;
use crate::engine::{Abilities, EngineStatus};
use crate::gates::LaneFacts;
use crate::lane::LaneKey;

/// The engines with the same abilities.
#[derive(Clone, Debug)]
pub struct EngineClass {
    pub abilities: Arc<Abilities>,
    engines: Vec<FleetEngine>,
    /// The place of each engine.
    indexes: Vec<usize>,
    /// Those that take the same of any events, group by group.
    groups: Vec<EngineGroup>,
    numbers: HashMap<EngineState, usize>,
    /// Those that tell events apart whose requirements are the same: each is asked by itself.
    told_apart: Vec<usize>,
    /// What they can take together, once somebody has asked.
    room: OnceLock<Room>,
}

/// What decides what an engine takes, its abilities aside, as long as it does not tell events apart that require the same. Of
/// engines that are equal in it each passes the same gates, and fails the others by the same amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct EngineState {
    status: EngineStatus,
    /// How many locks it holds, if that is all it may, or else whether it holds any.
    locks: u32,
    final_attempt: bool,
    memory_mb: u64,
    /// What it says that it uses, and what it was given since, in MiB; nothing while that is within its limit.
    in_use_mb: Option<(u64, u64)>,
    is_over_cpu: bool,
}

impl EngineState {
    fn of(engine: &FleetEngine, abilities: &Abilities, max_cpu_percent: Option<f64>) -> Self {
        let held = engine.held;
        let is_full = held.locks >= abilities.max_concurrent_events;
        // Whole numbers lose nothing: they are compared with sums of whole numbers.
        let in_use = (whole_mb(engine.memory_usage_mb.unwrap_or(0.0)), held.memory_since_heartbeat_mb);
        let is_within = |limit: u64| engine.memory_usage_mb.is_none() || in_use.0.saturating_add(in_use.1) <= limit;
        Self {
            status: engine.status,
            locks: if is_full { held.locks } else { held.locks.min(1) },
            final_attempt: held.final_attempt,
            memory_mb: held.memory_mb,
            in_use_mb: (!abilities.memory_limit_mb.is_some_and(is_within)).then_some(in_use),
            is_over_cpu: engine.cpu_percent.zip(max_cpu_percent).is_some_and(|(percent, most)| percent > most),
        }
    }
}

/// Engines that are alike, and do not tell events apart that require the same.
#[derive(Clone, Debug)]
struct EngineGroup {
    count: u64,
    /// The first few of them.
    first: Vec<usize>,
    /// Those few that asked for events last.
    asked_last: Vec<usize>,
}

/// Engines of which each passes the same gates, and fails the others by the same amounts.
pub(super) struct AlikeEngines<'a> {
    /// Any of them.
    pub(super) one: &'a FleetEngine,
    pub(super) count: u64,
    /// The places of the first few.
    pub(super) first: &'a [usize],
    /// The places of those few that asked for events last.
    pub(super) asked_last: &'a [usize],
}

/// What the engines of a class can take, but for those that tell events apart.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    pub(super) any_active: bool,
    /// Whether some engine has room for an event that requires no memory.
    pub(super) any_free: bool,
    /// The most memory that such an engine has left, in MiB; none if none declares any.
    pub(super) most_memory_mb: Option<u64>,
}

impl EngineClass {
    pub(super) fn new(abilities: Arc<Abilities>) -> Self {
        Self {
            abilities,
            engines: Vec::new(),
            indexes: Vec::new(),
            groups: Vec::new(),
            numbers: HashMap::new(),
            told_apart: Vec::new(),
            room: OnceLock::new(),
        }
    }

    pub fn engines(&self) -> &[FleetEngine] {
        &self.engines
    }

    /// Adds an engine, and answers its place.
    pub(super) fn add(&mut self, engine: FleetEngine, max_cpu_percent: Option<f64>) -> usize {
        let place = self.engines.len();
        if engine.tells_events_apart() {
            self.told_apart.push(place);
        } else {
            let state = EngineState::of(&engine, &self.abilities, max_cpu_percent);
            let number = *self.numbers.entry(state).or_insert_with(|| {
                self.groups.push(EngineGroup { count: 0, first: Vec::new(), asked_last: Vec::new() });
                self.groups.len() - 1
            });
            let EngineGroup { count, first, asked_last } = &mut self.groups[number];
            *count += 1;
            if first.len() < MAX_NAMED_ENGINES {
                first.push(place);
            }
            let at = asked_last.partition_point(|other| asked_before(&self.engines[*other]) <= asked_before(&engine));
            if at < MAX_NAMED_ENGINES {
                asked_last.insert(at, place);
                asked_last.truncate(MAX_NAMED_ENGINES);
            }
        }
        self.engines.push(engine);
        self.indexes.push(place);
        place
    }

    fn alike(&self) -> impl Iterator<Item = AlikeEngines<'_>> {
        self.groups.iter().filter_map(|EngineGroup { count, first, asked_last }| {
            Some(AlikeEngines { one: &self.engines[*first.first()?], count: *count, first, asked_last })
        })
    }

    /// All engines: those that are alike together, and those that tell events apart one by one; or all of them one by one.
    pub(super) fn kinds(&self, one_by_one: bool) -> impl Iterator<Item = AlikeEngines<'_>> {
        let alone = if one_by_one { &self.indexes } else { &self.told_apart };
        let alone = alone.iter().map(|place| {
            let (one, place) = (&self.engines[*place], from_ref(place));
            AlikeEngines { one, count: 1, first: place, asked_last: place }
        });
        self.alike().filter(move |_| !one_by_one).chain(alone)
    }

    /// The engines that tell events apart whose requirements are the same.
    pub(super) fn told_apart(&self) -> impl Iterator<Item = &FleetEngine> {
        self.told_apart.iter().map(|place| &self.engines[*place])
    }

    /// What the others can take: asked once, of a lane that requires nothing.
    pub(super) fn room(&self, lane: &LaneFacts<'_>, max_cpu_percent: Option<f64>) -> Room {
        *self.room.get_or_init(|| {
            let required_capabilities = BTreeSet::new();
            let key =
                LaneKey { required_capabilities, required_memory_mb: None, engine_version: None, ..lane.key.clone() };
            let lane = LaneFacts { key: &key, ..running(lane) };
            let mut room = Room::default();
            for AlikeEngines { one, .. } in self.alike() {
                room.any_active |= one.status == EngineStatus::Active;
                let facts = one.facts(&self.abilities, max_cpu_percent, &key);
                if ENGINE_GATES.iter().all(|gate| check(*gate, &facts, &lane).is_ok()) {
                    room.any_free = true;
                    let left = self.abilities.memory_limit_mb.map(|limit| limit.saturating_sub(one.held.memory_mb));
                    room.most_memory_mb = room.most_memory_mb.max(left);
                }
            }
            room
        })
    }
}
