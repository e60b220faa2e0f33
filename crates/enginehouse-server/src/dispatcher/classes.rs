//! Engines with equal abilities, and which lanes they could serve.
//!
//! A fleet has many engines and few kinds of them. What depends on abilities alone is asked once for each class, and not for
//! each engine: so it costs as much as there are kinds of engines, and an engine that registers with abilities which others
//! have changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use enginehouse_core::engine::Abilities;
use enginehouse_core::gates::could_ever_serve;
use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::LaneKey;
use enginehouse_core::miss::{NearestMiss, nearest_miss};

/// How many lanes all classes together keep: a few MiB. Beyond it they are found again when they are asked for.
const MAX_CACHED: usize = 1_000_000;

/// The lanes, by their numbers.
pub(super) type Lanes = BTreeMap<LaneId, Arc<LaneKey>>;

/// The classes of the engines that are registered.
#[derive(Debug, Default)]
pub(super) struct EngineClasses {
    classes: HashMap<Arc<Abilities>, Class>,
    /// What keeps all classes from a lane, as far as it was asked; nothing, if some class could serve it.
    misses: HashMap<LaneId, Option<Arc<NearestMiss>>>,
    /// Whether something keeps all classes from one of those lanes: a miss counts engines, so it holds until one joins or leaves.
    has_misses: bool,
    /// How many lanes the classes keep.
    cached: usize,
    /// How often a class was compared with a lane.
    comparisons: u64,
}

/// Whether some engine could ever be given an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Servable {
    Yes,
    /// None could: the nearest of them lack this; nothing, if there are none.
    No(Arc<NearestMiss>),
    /// To find out would have taken more comparisons than were left.
    Unknown,
}

impl Servable {
    fn from_miss(miss: Option<Arc<NearestMiss>>) -> Self {
        miss.map_or(Self::Yes, Self::No)
    }

    pub(super) fn miss(self) -> Option<Arc<NearestMiss>> {
        match self {
            Self::No(miss) => Some(miss),
            Self::Yes | Self::Unknown => None,
        }
    }
}

#[derive(Debug, Default)]
struct Class {
    engines: usize,
    /// How many of them are active.
    active: usize,
    /// The lanes that it may serve, best priority first, as of a version of the lanes.
    lanes: Option<(u64, Arc<Vec<LaneId>>)>,
}

impl EngineClasses {
    /// Counts an engine in. Answers what stands for its class.
    pub(super) fn join(&mut self, abilities: &Abilities) -> Arc<Abilities> {
        // How much an engine may hold at once says nothing of what it could serve.
        let of_class = Abilities { max_concurrent_events: 1, ..abilities.clone() };
        if let Some((known, _)) = self.classes.get_key_value(&of_class) {
            let known = Arc::clone(known);
            self.classes.entry(Arc::clone(&known)).or_default().engines += 1;
            self.drop_misses();
            return known;
        }
        self.drop_misses();
        let of_class = Arc::new(of_class);
        self.classes.insert(Arc::clone(&of_class), Class { engines: 1, ..Class::default() });
        of_class
    }

    /// Counts an engine of a class as active, or not as active any more.
    pub(super) fn set_active(&mut self, class: &Arc<Abilities>, is_active: bool) {
        let Some(known) = self.classes.get_mut(class) else { return };
        match is_active {
            true => known.active += 1,
            false => known.active -= 1,
        }
    }

    /// Whether so many active engines could serve a lane, idle and at their best.
    pub(super) fn has_active(&self, count: usize, key: &LaneKey) -> bool {
        let mut active = 0;
        let mut classes = self.classes.iter().filter(|(_, class)| class.active > 0);
        count == 0
            || classes.any(|(abilities, class)| {
                if could_ever_serve(abilities, key) {
                    active += class.active;
                }
                active >= count
            })
    }

    /// Counts an engine out.
    pub(super) fn leave(&mut self, class: &Arc<Abilities>) {
        let Some(known) = self.classes.get_mut(class) else { return };
        known.engines -= 1;
        if known.engines == 0 {
            let lanes = self.classes.remove(class).and_then(|class| class.lanes);
            self.cached -= lanes.map_or(0, |(_, lanes)| lanes.len());
            // What could be served before may not be any more.
            self.misses.clear();
            self.has_misses = false;
        } else {
            self.drop_misses();
        }
    }

    /// Engines have joined or left. What could be served before still can be; of the rest, the nearest are others, or not as many.
    fn drop_misses(&mut self) {
        if std::mem::take(&mut self.has_misses) {
            self.misses.retain(|_, miss| miss.is_none());
        }
    }

    pub(super) fn remove_lane(&mut self, lane_id: LaneId) {
        self.misses.remove(&lane_id);
    }

    /// The lanes that engines of a class could serve, idle and at their best, best priority first.
    pub(super) fn lanes(&mut self, class: &Arc<Abilities>, lanes: &Lanes, version: u64) -> Arc<Vec<LaneId>> {
        let Some(known) = self.classes.get_mut(class) else { return Arc::default() };
        if let Some((of, found)) = &known.lanes
            && *of == version
        {
            return Arc::clone(found);
        }
        self.cached -= known.lanes.take().map_or(0, |(_, lanes)| lanes.len());
        self.comparisons += lanes.len() as u64;
        let fits = |(_, key): &(&LaneId, &Arc<LaneKey>)| could_ever_serve(class, key);
        let mut found: Vec<_> = lanes.iter().filter(fits).map(|(lane_id, key)| (key.priority, *lane_id)).collect();
        found.sort_unstable();
        let found: Arc<Vec<_>> = Arc::new(found.into_iter().map(|(_, lane_id)| lane_id).collect());
        known.lanes = Some((version, Arc::clone(&found)));
        self.cached += found.len();
        if self.cached > MAX_CACHED {
            self.classes.values_mut().for_each(|class| class.lanes = None);
            self.cached = 0;
        }
        found
    }

    /// Whether some engine could ever be given an event of a lane, and if none could, what keeps the nearest of them from it.
    pub(super) fn servable(&mut self, lane_id: LaneId, key: &LaneKey, comparisons_left: &mut u64) -> Servable {
        if let Some(miss) = self.misses.get(&lane_id) {
            return Servable::from_miss(miss.clone());
        }
        let mut compared = 0;
        let mut servable = false;
        for class in self.classes.keys() {
            if compared == *comparisons_left {
                self.comparisons += compared;
                *comparisons_left = 0;
                return Servable::Unknown;
            }
            compared += 1;
            servable = could_ever_serve(class, key);
            if servable {
                break;
            }
        }
        *comparisons_left -= compared;
        self.comparisons += compared;
        let classes = self.classes.iter().map(|(abilities, class)| (&**abilities, class.engines as u64));
        let miss = (!servable).then(|| Arc::new(nearest_miss(classes, key).unwrap_or_default()));
        self.has_misses |= miss.is_some();
        self.misses.insert(lane_id, miss.clone());
        Servable::from_miss(miss)
    }

    #[cfg(test)]
    fn comparisons(&self) -> u64 {
        self.comparisons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: u64 = 1_000_000_000;

    fn abilities(kind: u64) -> Abilities {
        Abilities {
            capabilities: [format!("kind-{kind}").parse().unwrap()].into(),
            max_concurrent_events: 5,
            memory_limit_mb: None,
            version: None,
        }
    }

    fn lane(number: i64, kind: u64) -> (LaneId, Arc<LaneKey>) {
        let key = LaneKey {
            queue: "default".parse().unwrap(),
            event_type: format!("type-{number}").parse().unwrap(),
            priority: 5,
            required_capabilities: [format!("kind-{kind}").parse().unwrap()].into(),
            required_memory_mb: None,
            engine_version: None,
            suspended_run: None,
        };
        (LaneId(number), Arc::new(key))
    }

    #[test]
    fn what_a_fleet_could_serve_costs_as_much_as_it_has_kinds_of_engines() {
        let mut classes = EngineClasses::default();
        for engine in 0..20_000 {
            classes.join(&abilities(engine % 10));
        }
        // Of the last kind of lanes no engine is capable.
        let lanes: Lanes = (1..=10_000).map(|number| lane(number, number.unsigned_abs() % 11)).collect();
        let mut left = PLENTY;
        for _ in 0..2 {
            let servable = |classes: &mut EngineClasses, (id, key): (&LaneId, &Arc<LaneKey>), left: &mut u64| {
                classes.servable(*id, key, left) == Servable::Yes
            };
            let count = lanes.iter().filter(|lane| servable(&mut classes, *lane, &mut left)).count();
            assert_eq!(count, 10_000 - 909);
            for kind in 0..10 {
                let class = classes.join(&abilities(kind));
                assert_eq!(classes.lanes(&class, &lanes, 1).len(), 909 + usize::from(kind == 1));
                classes.leave(&class);
            }
        }
        assert!(classes.comparisons() <= 2 * 10 * 10_000, "{}", classes.comparisons());
    }

    #[test]
    fn an_engine_of_a_new_kind_changes_what_could_be_served_and_its_end_does_too() {
        let mut classes = EngineClasses::default();
        let (lane_id, key) = lane(1, 7);
        let ask = |classes: &mut EngineClasses| {
            let servable = classes.servable(lane_id, &key, &mut PLENTY.clone());
            (servable != Servable::Unknown).then_some(servable == Servable::Yes)
        };
        assert_eq!(ask(&mut classes), Some(false));
        let class = classes.join(&abilities(7));
        let other = classes.join(&Abilities { max_concurrent_events: 9, ..abilities(7) });
        assert_eq!((ask(&mut classes), Arc::ptr_eq(&class, &other)), (Some(true), true));
        classes.leave(&class);
        assert_eq!(ask(&mut classes), Some(true));
        classes.leave(&other);
        assert_eq!(ask(&mut classes), Some(false));
    }

    #[test]
    fn a_miss_counts_the_engines_that_there_are() {
        let mut classes = EngineClasses::default();
        let (lane_id, key) = lane(1, 7);
        let count = |classes: &mut EngineClasses| {
            classes.servable(lane_id, &key, &mut PLENTY.clone()).miss().map(|miss| miss.engines)
        };
        let class = classes.join(&abilities(1));
        assert_eq!(count(&mut classes), Some(1));
        classes.join(&abilities(1));
        assert_eq!(count(&mut classes), Some(2));
        classes.leave(&class);
        assert_eq!(count(&mut classes), Some(1));
    }

    #[test]
    fn nothing_is_said_of_what_would_take_too_long() {
        let mut classes = EngineClasses::default();
        for kind in 0..100 {
            classes.join(&abilities(kind));
        }
        let (lane_id, key) = lane(1, 1_000);
        let mut left = 150;
        assert!(matches!(classes.servable(lane_id, &key, &mut left), Servable::No(_)));
        let (lane_id, key) = lane(2, 1_000);
        assert_eq!((classes.servable(lane_id, &key, &mut left), left), (Servable::Unknown, 0));
        assert_eq!(classes.comparisons(), 150);
    }
}
