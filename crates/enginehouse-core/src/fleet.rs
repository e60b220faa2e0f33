//! All engines at one moment, as an explanation sees them.
//!
//! A fleet has many engines and few kinds of them. What depends on abilities alone is asked once for each class of engines
//! with equal abilities, and what depends on what they hold and how they are doing once for those that are alike in it
//! ([`class`]). So a question costs as much as there are kinds of engines, not as much as there are engines.

mod class;
mod fleet_engine;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use self::class::EngineClass;
use self::fleet_engine::{ABILITY_GATES, asked_before, check, running};
pub use self::fleet_engine::{ENGINE_GATES, FleetEngine, MAX_NAMED_ENGINES};
use crate::change::{ChangeStep, Effort, steps};
use crate::engine::{Abilities, EngineStatus};
use crate::gates::{EngineFacts, Gate, LaneFacts, Shortfall, could_ever_serve};
use crate::ids::EngineId;
use crate::lane::LaneKey;
use crate::miss::{NearestMiss, nearest_miss};

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
    indexes: HashMap<EngineId, EnginePlace>,
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
                fleet.classes.push(EngineClass::new(abilities));
                fleet.classes.len() - 1
            });
            let engine_id = engine.engine_id.clone();
            let place = fleet.classes[class].add(engine, max_cpu_percent);
            fleet.indexes.insert(engine_id, (class, place));
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

    /// Whether some engine tells events apart whose requirements are the same.
    pub fn tells_events_apart(&self) -> bool {
        self.classes.iter().any(|class| class.told_apart().next().is_some())
    }

    /// The mark for processor time.
    pub fn max_cpu_percent(&self) -> Option<f64> {
        self.max_cpu_percent
    }

    /// One engine with its abilities, if it is registered.
    pub fn engine(&self, engine_id: &EngineId) -> Option<(&EngineClass, &FleetEngine)> {
        let (class, place) = *self.indexes.get(engine_id)?;
        let class = &self.classes[class];
        Some((class, &class.engines()[place]))
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
        fitting.any(|class| class.engines().iter().any(is_another))
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
            if !(reach.any_free && reach.any_active) {
                for engine in class.told_apart() {
                    let facts = engine.facts(&class.abilities, self.max_cpu_percent, lane.key);
                    let passes = |gate: &Gate| check(*gate, &facts, &running(lane)).is_ok();
                    reach.any_active |= engine.status == EngineStatus::Active && passes(&Gate::Quarantine);
                    reach.any_free |= ENGINE_GATES.iter().all(passes);
                }
            }
        }
        reach
    }

    /// How far the events of a lane get: costs as much as there are kinds of engines.
    pub fn fit(&self, lane: &LaneFacts<'_>) -> LaneFit {
        let lane = &running(lane);
        let mut fit = LaneFit { registered: self.len() as u64, ..LaneFit::default() };
        let mut nearest = Nearest::default();
        // Engines that have failed the event are not like others of their class.
        let named = lane.failed_on.map_or(&[][..], |failed_on| failed_on.engines);
        let named: Vec<_> = named.iter().filter_map(|name| Some(self.indexes.get(name)?.0)).collect();
        // Of those that could run it once they have room, one is named in any case.
        let mut nearest_fitting: Option<(Effort, EnginePlace)> = None;
        for (index, class) in self.classes.iter().enumerate() {
            let fits_when_empty = could_ever_serve(&class.abilities, lane.key);
            let idle = EngineFacts::idle(&class.abilities);
            let ability_failure =
                ENGINE_GATES[..ABILITY_GATES].iter().position(|gate| check(*gate, &idle, lane).is_err());
            let lacks = lane.key.required_capabilities.difference(&class.abilities.capabilities).count() as u64;
            for alike in class.kinds(named.contains(&index)) {
                let (engine, count) = (alike.one, alike.count);
                let facts = engine.facts(&class.abilities, self.max_cpu_percent, lane.key);
                let own_failure = || {
                    let behind = ENGINE_GATES[ABILITY_GATES..].iter();
                    behind.clone().position(|gate| check(*gate, &facts, lane).is_err()).map(|at| at + ABILITY_GATES)
                };
                let first_failure = ability_failure.or_else(own_failure);
                if fits_when_empty {
                    fit.fit_when_empty += count;
                    let kept = [Gate::Quarantine, Gate::RetryElsewhere].into_iter();
                    match (engine.status, kept.filter_map(|gate| check(gate, &facts, lane).err()).next()) {
                        (EngineStatus::Active, None | Some(Shortfall::FailedBefore { opens: true, .. })) => {
                            fit.fit_and_active += count;
                        }
                        (EngineStatus::Active, Some(Shortfall::FailedBefore { .. })) => {
                            fit.fit_but_failed_before += count;
                        }
                        (EngineStatus::Active, Some(_)) => fit.fit_but_quarantined += count,
                        (status, _) => *fit.statuses.entry(status).or_default() += count,
                    }
                }
                match first_failure {
                    Some(at) => {
                        fit.failed_at[at] += count;
                        let effort = Effort::of(&facts, lane, lacks);
                        for place in alike.first {
                            let near = (effort, (index, *place));
                            nearest.offer(near);
                            if fits_when_empty && nearest_fitting.is_none_or(|least| near < least) {
                                nearest_fitting = Some(near);
                            }
                        }
                    }
                    None => {
                        fit.fit_now += count;
                        alike.asked_last.iter().for_each(|place| offer_free(&mut fit.free, &class.engines()[*place]));
                    }
                }
            }
        }
        nearest.insist_on(nearest_fitting);
        let near = |(class, place): EnginePlace| {
            let class = &self.classes[class];
            self.near(class, &class.engines()[place], lane)
        };
        fit.nearest = nearest.indexes().map(near).collect();
        if fit.fit_when_empty == 0 {
            let classes = self.classes.iter().map(|class| (&*class.abilities, class.engines().len() as u64));
            fit.miss = nearest_miss(classes, lane.key);
        }
        fit
    }
}

/// Keeps the engines that asked for events last.
fn offer_free(free: &mut Vec<FleetEngine>, engine: &FleetEngine) {
    let at = free.partition_point(|other| asked_before(other) <= asked_before(engine));
    if at < MAX_NAMED_ENGINES {
        free.insert(at, engine.clone());
        free.truncate(MAX_NAMED_ENGINES);
    }
}

/// Where an engine is: the number of its class, and its place there.
type EnginePlace = (usize, usize);

/// The engines for which least has to change, and of those the first of the fleet.
#[derive(Default)]
struct Nearest(Vec<(Effort, EnginePlace)>);

impl Nearest {
    fn offer(&mut self, near: (Effort, EnginePlace)) {
        let at = self.0.partition_point(|other| *other <= near);
        if at < MAX_NAMED_ENGINES {
            self.0.insert(at, near);
            self.0.truncate(MAX_NAMED_ENGINES);
        }
    }

    /// Names one in place of the last, unless it is named already.
    fn insist_on(&mut self, one: Option<(Effort, EnginePlace)>) {
        let Some(one) = one.filter(|(_, place)| self.indexes().all(|named| named != *place)) else { return };
        self.0.pop();
        self.0.push(one);
    }

    fn indexes(&self) -> impl Iterator<Item = EnginePlace> {
        self.0.iter().map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests;
