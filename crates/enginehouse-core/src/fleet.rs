//! All engines at one moment, as an explanation sees them.
//!
//! A fleet has many engines and few kinds of them. What depends on abilities alone is asked once for each class of engines
//! with equal abilities; of each engine, only what it holds and how it is doing. So 50,000 engines cost a few milliseconds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use crate::change::{ChangeStep, Effort, steps};
use crate::engine::{Abilities, EngineStatus};
use crate::gates::{ClaimFilter, EngineFacts, Gate, Held, LaneFacts, Shortfall, could_ever_serve};
use crate::hold_back::HeldBackFor;
use crate::ids::EngineId;
use crate::lane::LaneKey;
use crate::miss::{NearestMiss, nearest_miss};
use crate::quarantine::{EnforcedQuarantine, Quarantine};
use crate::time::Timestamp;

/// How many engines an explanation names: those that should claim, and those that nearly could.
pub const MAX_NAMED_ENGINES: usize = 5;

/// The gates that engines pass or fail each by itself, in the order in which an explanation asks them: first what only
/// another engine or registration changes, then what comes and goes.
pub const ENGINE_GATES: [Gate; 11] = [
    Gate::Capabilities,
    Gate::Version,
    Gate::EngineActive,
    Gate::Quarantine,
    Gate::RetryElsewhere,
    Gate::Concurrency,
    Gate::FinalAttempt,
    Gate::Memory,
    Gate::MemoryPressure,
    Gate::CpuPressure,
    Gate::HeldBack,
];

/// How many of them abilities alone decide: the first.
const ABILITY_GATES: usize = 2;

/// An engine of a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetEngine {
    pub engine_id: EngineId,
    pub status: EngineStatus,
    /// The quarantine that holds now.
    pub quarantine: Option<Quarantine>,
    /// What it is kept from now because it is suspect, where that is enforced.
    pub enforced: Vec<EnforcedQuarantine>,
    pub held: Held,
    /// Memory in use at its last heartbeat, in MiB.
    pub memory_usage_mb: Option<f64>,
    /// Processor time at its last heartbeat, in percent.
    pub cpu_percent: Option<f64>,
    pub last_heartbeat_at: Timestamp,
    /// When it last asked for events, as far as that is known.
    pub last_claim_at: Option<Timestamp>,
    /// For what it is held back, if it is.
    pub held_back: Option<HeldBackFor>,
}

impl FleetEngine {
    /// Whether what it takes depends on the event, be its requirements the same.
    pub fn tells_events_apart(&self) -> bool {
        self.held_back.is_some() || self.quarantine.is_some() || !self.enforced.is_empty()
    }

    /// What the gates look at, for events of a lane.
    pub fn facts<'a>(
        &'a self,
        abilities: &'a Abilities,
        max_cpu_percent: Option<f64>,
        lane: &LaneKey,
    ) -> EngineFacts<'a> {
        let held_back = self.held_back.as_ref().filter(|held_back| *held_back.lane != *lane);
        EngineFacts {
            engine_id: Some(&self.engine_id),
            status: self.status,
            abilities,
            quarantine: self.quarantine.as_ref(),
            enforced: &self.enforced,
            held: self.held,
            memory_usage_mb: self.memory_usage_mb,
            cpu_percent: self.cpu_percent,
            max_cpu_percent,
            held_back: held_back.map(|held_back| held_back.hold_back),
        }
    }
}

/// The engines with the same abilities.
#[derive(Clone, Debug)]
pub struct EngineClass {
    pub abilities: Arc<Abilities>,
    pub engines: Vec<FleetEngine>,
    /// What they can take together, once somebody has asked.
    room: OnceLock<Room>,
}

/// What the engines of a class can take.
#[derive(Clone, Copy, Debug, Default)]
struct Room {
    any_active: bool,
    /// Whether some engine has room for an event that requires no memory.
    any_free: bool,
    /// The most memory that such an engine has left, in MiB; none if none declares any.
    most_memory_mb: Option<u64>,
    /// Whether some engines are held back or quarantined, so that what they take depends on the event.
    any_apart: bool,
}

impl EngineClass {
    /// Asks every engine once, of a lane that requires nothing.
    fn room(&self, lane: &LaneFacts<'_>, max_cpu_percent: Option<f64>) -> Room {
        *self.room.get_or_init(|| {
            let required_capabilities = BTreeSet::new();
            let key =
                LaneKey { required_capabilities, required_memory_mb: None, engine_version: None, ..lane.key.clone() };
            let lane = LaneFacts { key: &key, ..running(lane) };
            let mut room = Room::default();
            for engine in &self.engines {
                if engine.tells_events_apart() {
                    room.any_apart = true;
                    continue;
                }
                room.any_active |= engine.status == EngineStatus::Active;
                let facts = engine.facts(&self.abilities, max_cpu_percent, &key);
                if ENGINE_GATES.iter().all(|gate| check(*gate, &facts, &lane).is_ok()) {
                    room.any_free = true;
                    let left = self.abilities.memory_limit_mb.map(|limit| limit.saturating_sub(engine.held.memory_mb));
                    room.most_memory_mb = room.most_memory_mb.max(left);
                }
            }
            room
        })
    }
}

/// How far some events get with a fleet, without a word on which engines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Some engine could run them when it is idle and at its best.
    pub any_fits: bool,
    /// One that is active could.
    pub any_active: bool,
    /// One has room for one of them now.
    pub any_free: bool,
}

/// Every engine that is registered and has not stopped.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    classes: Vec<EngineClass>,
    /// Where each engine is: its class, and its place there.
    indexes: HashMap<EngineId, (usize, usize)>,
    max_cpu_percent: Option<f64>,
}

/// How far the events of a lane get with a fleet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneFit {
    /// All engines that are registered.
    pub registered: u64,
    /// Those that could run it when they are idle and at their best.
    pub fit_when_empty: u64,
    /// Those of them that are active, not in a quarantine for it, and not kept from it for good because they have failed it.
    pub fit_and_active: u64,
    /// Those of them that are active, and in a quarantine for it.
    pub fit_but_quarantined: u64,
    /// Those of them that are active, and have failed it, where another one has to retry it.
    pub fit_but_failed_before: u64,
    /// Those that no gate of their own keeps from it now.
    pub fit_now: u64,
    /// How many engines fail each gate of [`ENGINE_GATES`], having passed those before it.
    pub failed_at: [u64; ENGINE_GATES.len()],
    /// How many of those that could run it are in each status but active.
    pub statuses: BTreeMap<EngineStatus, u64>,
    /// Some of those that could run it now: those that asked for events last come first.
    pub free: Vec<FleetEngine>,
    /// The engines that nearly could run it now, the nearest first.
    pub nearest: Vec<NearEngine>,
    /// What keeps all engines from it for good, if all are.
    pub miss: Option<NearestMiss>,
}

/// An engine that nearly could run an event.
#[derive(Clone, Debug, PartialEq)]
pub struct NearEngine {
    pub engine: FleetEngine,
    /// Whether it could run the event when it is idle and at its best.
    pub fits_when_empty: bool,
    /// Every gate that keeps it from the event.
    pub fails: Vec<(Gate, Shortfall)>,
    /// What would let it run the event, if the event's queue and time do.
    pub change: Vec<ChangeStep>,
}

impl Fleet {
    /// Groups engines into classes. `max_cpu_percent` is the server's mark for processor time.
    pub fn new(engines: impl IntoIterator<Item = (Abilities, FleetEngine)>, max_cpu_percent: Option<f64>) -> Self {
        let mut known: HashMap<Arc<Abilities>, usize> = HashMap::new();
        let mut fleet = Self { max_cpu_percent, ..Self::default() };
        for (abilities, engine) in engines {
            if engine.status == EngineStatus::Stopped {
                continue;
            }
            let class = known.get(&abilities).copied().unwrap_or_else(|| {
                let abilities = Arc::new(abilities);
                known.insert(Arc::clone(&abilities), fleet.classes.len());
                fleet.classes.push(EngineClass { abilities, engines: Vec::new(), room: OnceLock::new() });
                fleet.classes.len() - 1
            });
            fleet.indexes.insert(engine.engine_id.clone(), (class, fleet.classes[class].engines.len()));
            fleet.classes[class].engines.push(engine);
        }
        fleet
    }

    pub fn classes(&self) -> &[EngineClass] {
        &self.classes
    }

    /// How many engines it has.
    pub fn len(&self) -> usize {
        self.indexes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }

    /// The mark for processor time.
    pub fn max_cpu_percent(&self) -> Option<f64> {
        self.max_cpu_percent
    }

    /// One engine with its abilities, if it is registered.
    pub fn engine(&self, engine_id: &EngineId) -> Option<(&EngineClass, &FleetEngine)> {
        let (class, place) = *self.indexes.get(engine_id)?;
        let class = &self.classes[class];
        Some((class, &class.engines[place]))
    }

    /// An engine beside a lane: what keeps it, and what would change that.
    pub fn near(&self, class: &EngineClass, engine: &FleetEngine, lane: &LaneFacts<'_>) -> NearEngine {
        let (facts, lane) = (engine.facts(&class.abilities, self.max_cpu_percent, lane.key), running(lane));
        let fails = ENGINE_GATES.iter().filter_map(|gate| Some((*gate, check(*gate, &facts, &lane).err()?))).collect();
        let fits_when_empty = could_ever_serve(&class.abilities, lane.key);
        NearEngine {
            engine: engine.clone(),
            fits_when_empty,
            fails,
            change: steps(&engine.engine_id, &facts, &lane, engine.held_back.as_ref()),
        }
    }

    /// Whether an active engine beside these could run the events of a lane: costs as much as there are classes, and as many engines
    /// as are not active or named.
    pub fn any_active_beside(&self, engines: &[EngineId], key: &LaneKey) -> bool {
        let is_another =
            |engine: &FleetEngine| engine.status == EngineStatus::Active && !engines.contains(&engine.engine_id);
        let mut fitting = self.classes.iter().filter(|class| could_ever_serve(&class.abilities, key));
        fitting.any(|class| class.engines.iter().any(is_another))
    }

    /// How far the events of a lane get that need not be alone: costs as much as there are classes.
    pub fn reach(&self, lane: &LaneFacts<'_>) -> Reach {
        let mut reach = Reach::default();
        for class in self.classes.iter().filter(|class| could_ever_serve(&class.abilities, lane.key)) {
            let room = class.room(lane, self.max_cpu_percent);
            reach.any_fits = true;
            reach.any_active |= room.any_active;
            let has_memory = match lane.key.required_memory_mb {
                Some(required) => room.most_memory_mb.is_some_and(|left| left >= required),
                None => true,
            };
            reach.any_free |= room.any_free && has_memory;
            if room.any_apart && !(reach.any_free && reach.any_active) {
                for engine in class.engines.iter().filter(|engine| engine.tells_events_apart()) {
                    let facts = engine.facts(&class.abilities, self.max_cpu_percent, lane.key);
                    let passes = |gate: &Gate| check(*gate, &facts, &running(lane)).is_ok();
                    reach.any_active |= engine.status == EngineStatus::Active && passes(&Gate::Quarantine);
                    reach.any_free |= ENGINE_GATES.iter().all(passes);
                }
            }
        }
        reach
    }

    /// How far the events of a lane get: costs as much as there are engines.
    pub fn fit(&self, lane: &LaneFacts<'_>) -> LaneFit {
        let lane = &running(lane);
        let mut fit = LaneFit { registered: self.len() as u64, ..LaneFit::default() };
        let mut nearest = Nearest::default();
        // Of those that could run it once they have room, one is named in any case.
        let mut nearest_fitting = None;
        for (index, class) in self.classes.iter().enumerate() {
            let fits_when_empty = could_ever_serve(&class.abilities, lane.key);
            let idle = EngineFacts::idle(&class.abilities);
            let ability_failure =
                ENGINE_GATES[..ABILITY_GATES].iter().position(|gate| check(*gate, &idle, lane).is_err());
            let lacks = lane.key.required_capabilities.difference(&class.abilities.capabilities).count() as u64;
            for (place, engine) in class.engines.iter().enumerate() {
                let facts = engine.facts(&class.abilities, self.max_cpu_percent, lane.key);
                let own_failure = || {
                    let behind = ENGINE_GATES[ABILITY_GATES..].iter();
                    behind.clone().position(|gate| check(*gate, &facts, lane).is_err()).map(|at| at + ABILITY_GATES)
                };
                let first_failure = ability_failure.or_else(own_failure);
                if fits_when_empty {
                    fit.fit_when_empty += 1;
                    let kept = [Gate::Quarantine, Gate::RetryElsewhere].into_iter();
                    match (engine.status, kept.filter_map(|gate| check(gate, &facts, lane).err()).next()) {
                        (EngineStatus::Active, None | Some(Shortfall::FailedBefore { opens: true, .. })) => {
                            fit.fit_and_active += 1
                        }
                        (EngineStatus::Active, Some(Shortfall::FailedBefore { .. })) => fit.fit_but_failed_before += 1,
                        (EngineStatus::Active, Some(_)) => fit.fit_but_quarantined += 1,
                        (status, _) => *fit.statuses.entry(status).or_default() += 1,
                    }
                }
                match first_failure {
                    Some(at) => {
                        fit.failed_at[at] += 1;
                        let effort = Effort::of(&facts, lane, lacks);
                        nearest.offer(effort, (index, place));
                        if fits_when_empty && nearest_fitting.is_none_or(|(least, _)| effort < least) {
                            nearest_fitting = Some((effort, (index, place)));
                        }
                    }
                    None => {
                        fit.fit_now += 1;
                        offer_free(&mut fit.free, engine);
                    }
                }
            }
        }
        nearest.insist_on(nearest_fitting);
        let near = |(class, place): (usize, usize)| {
            let class = &self.classes[class];
            self.near(class, &class.engines[place], lane)
        };
        fit.nearest = nearest.indexes().map(near).collect();
        if fit.fit_when_empty == 0 {
            let classes = self.classes.iter().map(|class| (&*class.abilities, class.engines.len() as u64));
            fit.miss = nearest_miss(classes, lane.key);
        }
        fit
    }
}

/// The lane as if nothing were paused: what keeps one engine and not another.
fn running<'a>(lane: &LaneFacts<'a>) -> LaneFacts<'a> {
    LaneFacts { queue_paused: false, event_type_paused: false, ..*lane }
}

fn check(gate: Gate, facts: &EngineFacts<'_>, lane: &LaneFacts<'_>) -> Result<(), Shortfall> {
    // What an engine asks for is its own choice, claim by claim.
    const ALL: ClaimFilter = ClaimFilter { queues: Vec::new(), event_types: Vec::new() };
    gate.check(facts, lane, &ALL)
}

/// Keeps the engines that asked for events last.
fn offer_free(free: &mut Vec<FleetEngine>, engine: &FleetEngine) {
    let key = |engine: &FleetEngine| (std::cmp::Reverse(engine.last_claim_at), engine.engine_id.clone());
    if free.len() == MAX_NAMED_ENGINES
        && free.last().is_some_and(|last| {
            (engine.last_claim_at, std::cmp::Reverse(&engine.engine_id))
                <= (last.last_claim_at, std::cmp::Reverse(&last.engine_id))
        })
    {
        return;
    }
    free.push(engine.clone());
    free.sort_by_key(key);
    free.truncate(MAX_NAMED_ENGINES);
}

/// The engines for which least has to change.
#[derive(Default)]
struct Nearest(Vec<(Effort, (usize, usize))>);

impl Nearest {
    fn offer(&mut self, effort: Effort, place: (usize, usize)) {
        if self.0.len() == MAX_NAMED_ENGINES && self.0.last().is_some_and(|(last, _)| *last <= effort) {
            return;
        }
        let at = self.0.partition_point(|(other, _)| *other <= effort);
        self.0.insert(at, (effort, place));
        self.0.truncate(MAX_NAMED_ENGINES);
    }

    /// Names one in place of the last, unless it is named already.
    fn insist_on(&mut self, one: Option<(Effort, (usize, usize))>) {
        let Some(one) = one.filter(|(_, place)| self.indexes().all(|named| named != *place)) else { return };
        self.0.pop();
        self.0.push(one);
    }

    fn indexes(&self) -> impl Iterator<Item = (usize, usize)> {
        self.0.iter().map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests;
