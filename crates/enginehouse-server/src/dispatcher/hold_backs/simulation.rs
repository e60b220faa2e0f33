//! Random fleets and loads, with the hold-backs of the dispatcher and the gates of core, and no store.
//!
//! An engine claims whenever something that it works on has ended, as an engine's loop does, and a sweep looks once a second.

use std::collections::{BTreeMap, VecDeque};

use enginehouse_core::engine::Abilities;
use enginehouse_core::gates::{ClaimFilter, EngineFacts, Gate, Held, LaneFacts, could_ever_serve, first_failure};
use enginehouse_core::hold_back::{HeldWork, HoldBack, Reservation};
use enginehouse_core::lane::LaneKey;

use super::super::deadlines::bring_forward;
use super::*;
use crate::rng::{Rng, SeededRng};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const HOLD_BACK_AFTER: Duration = Duration::from_secs(60);
/// How many random cases the suite tries; `ENGINEHOUSE_TEST_LOADS` names another number.
const CASES: u64 = 20;

#[expect(clippy::disallowed_methods, reason = "a run of the suite may ask for more cases")]
fn cases() -> u64 {
    std::env::var("ENGINEHOUSE_TEST_LOADS").map_or(CASES, |number| number.parse().unwrap())
}

struct Random(SeededRng);

impl Random {
    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + (self.0.unit() * (most - least + 1) as f64) as u64
    }

    fn is(&mut self, one_in: u64) -> bool {
        self.between(1, one_in) == 1
    }
}

struct SimulatedEngine {
    id: EngineId,
    abilities: Abilities,
    works_on: Vec<HeldWork>,
}

struct SimulatedLane {
    key: LaneKey,
    takes: Duration,
    final_attempt: bool,
    waiting: VecDeque<(Timestamp, EventId)>,
    /// Whether there is always one more.
    never_ends: bool,
}

struct Simulation {
    now: Timestamp,
    engines: Vec<SimulatedEngine>,
    lanes: BTreeMap<LaneId, SimulatedLane>,
    hold_backs: HoldBacks,
    holds_back: bool,
    /// When lanes are looked at next.
    look_at: Option<Timestamp>,
    last_event: u128,
    /// When the last event was given that ends.
    claimed: BTreeMap<LaneId, Timestamp>,
}

impl Simulation {
    fn new(engines: Vec<Abilities>, lanes: Vec<SimulatedLane>, holds_back: bool) -> Self {
        let engine = |(number, abilities)| SimulatedEngine {
            id: format!("e{number}").parse().unwrap(),
            abilities,
            works_on: Vec::new(),
        };
        Self {
            now: START,
            engines: engines.into_iter().enumerate().map(engine).collect(),
            lanes: lanes.into_iter().enumerate().map(|(number, lane)| (LaneId(number as i64 + 1), lane)).collect(),
            hold_backs: HoldBacks::default(),
            holds_back,
            look_at: None,
            last_event: 0,
            claimed: BTreeMap::new(),
        }
    }

    fn enqueue(&mut self, lane_id: LaneId, available_at: Timestamp) {
        self.last_event += 1;
        let event_id = EventId(uuid::Uuid::from_u128(self.last_event));
        self.lanes.get_mut(&lane_id).unwrap().waiting.push_back((available_at, event_id));
    }

    /// Goes on to the next moment at which something happens. Answers whether anything will.
    fn step(&mut self) -> bool {
        let ends = self.engines.iter().flat_map(|engine| &engine.works_on).map(|work| work.ends_at).min();
        let Some(next) = ends.into_iter().chain(self.look_at).min() else { return false };
        self.now = next;
        if self.look_at == Some(next) {
            self.look();
            self.look_at = self.hold_backs.next_look(next, LOOK_INTERVAL);
        }
        for number in 0..self.engines.len() {
            let before = self.engines[number].works_on.len();
            let now = self.now;
            self.engines[number].works_on.retain(|work| work.ends_at > now);
            if self.engines[number].works_on.len() < before {
                self.claim(number);
            }
        }
        ends.is_some()
    }

    fn look(&mut self) {
        let lanes = self.hold_backs.to_look_at(self.now);
        let first = |lane_id: &LaneId| {
            let lane = &self.lanes[lane_id];
            let (available_at, event_id) = *lane.waiting.front().filter(|(at, _)| *at <= self.now)?;
            let due_at = available_at + HOLD_BACK_AFTER;
            let (final_attempt, priority) = (lane.final_attempt, lane.key.priority);
            let lane_id = *lane_id;
            Some(StarvingEvent { lane_id, event_id, priority, available_at, final_attempt, retry: None, due_at })
        };
        let heads: Vec<_> = lanes.iter().filter_map(first).collect();
        for engine_id in self.hold_backs.update(&lanes, &heads, self.now) {
            let number = self.engines.iter().position(|engine| engine.id == engine_id).unwrap();
            self.claim(number);
        }
    }

    fn refusal(&self, number: usize, lane_id: LaneId, held_for: Option<&(StarvingEvent, HoldBack)>) -> Option<Gate> {
        let (engine, lane) = (&self.engines[number], &self.lanes[&lane_id]);
        let mut held = Held::default();
        for work in &engine.works_on {
            held = held.and(Some(work.memory_mb));
            held.final_attempt |= work.final_attempt;
        }
        let held_back = held_for.filter(|(head, _)| head.lane_id != lane_id).map(|(_, hold_back)| *hold_back);
        let facts = EngineFacts { held, held_back, ..EngineFacts::idle(&engine.abilities) };
        let (final_attempt, takes) = (lane.final_attempt, Some(lane.takes));
        let lane = LaneFacts { final_attempt, takes, ..LaneFacts::running(&lane.key) };
        first_failure(&facts, &lane, &ClaimFilter::default()).map(|(gate, _)| gate)
    }

    fn room(&self, number: usize, head: &StarvingEvent) -> Option<Reservation> {
        let engine = &self.engines[number];
        let key = &self.lanes[&head.lane_id].key;
        Reservation::of(&engine.abilities, &engine.works_on, key, head.final_attempt, self.now)
    }

    /// As [`super::super::claim`] does it.
    fn claim(&mut self, number: usize) {
        let id = self.engines[number].id.clone();
        let mut fits: Option<StarvingEvent> = None;
        for head in self.hold_backs.watched() {
            let is_full = self.refusal(number, head.lane_id, None).is_some();
            if let Some(room) = self.room(number, &head).filter(|_| is_full) {
                self.hold_backs.has_no_room(&head, &id, room.opens_at, self.now);
            } else if !is_full && head.due_at <= self.now {
                fits = fits.or(Some(head));
            }
        }
        let mut refused = Vec::new();
        for _ in 0..3 {
            let is_there = |head: &StarvingEvent| {
                self.lanes[&head.lane_id].waiting.front().is_some_and(|(_, event_id)| *event_id == head.event_id)
            };
            let head = self.hold_backs.head_for(&id).or(fits).filter(is_there);
            let held_for = head.and_then(|head| {
                let reservation = self.room(number, &head)?;
                let priority = self.lanes[&head.lane_id].key.priority;
                Some((head, HoldBack { priority, reservation, now: self.now }))
            });
            let mut best: Option<(u8, Timestamp, EventId, LaneId)> = None;
            for (lane_id, lane) in &self.lanes {
                let Some((available_at, event_id)) = lane.waiting.front().filter(|(at, _)| *at <= self.now) else {
                    continue;
                };
                match self.refusal(number, *lane_id, held_for.as_ref()) {
                    None => {
                        let place = (lane.key.priority, *available_at, *event_id, *lane_id);
                        best = Some(best.map_or(place, |best| best.min(place)));
                    }
                    Some(Gate::HeldBack) => {}
                    Some(_) if could_ever_serve(&self.engines[number].abilities, &lane.key) => refused.push(*lane_id),
                    Some(_) => {}
                }
            }
            let Some((_, _, event_id, lane_id)) = best else { break };
            self.hold_backs.left(lane_id, event_id);
            let lane = self.lanes.get_mut(&lane_id).unwrap();
            lane.waiting.pop_front();
            let (ends_at, final_attempt) = (self.now + lane.takes, lane.final_attempt);
            let memory_mb = lane.key.required_memory_mb.unwrap_or(0);
            let never_ends = lane.never_ends;
            self.engines[number].works_on.push(HeldWork { ends_at, memory_mb, final_attempt });
            self.claimed.entry(lane_id).or_insert(self.now);
            if never_ends {
                self.enqueue(lane_id, self.now);
            }
        }
        if !refused.is_empty() && self.holds_back {
            self.hold_backs.suspect(&refused, self.now);
            bring_forward(&mut self.look_at, Some(self.now + LOOK_INTERVAL));
        }
    }

    fn claim_all(&mut self) {
        (0..self.engines.len()).for_each(|number| self.claim(number));
    }

    fn waiting(&self) -> usize {
        self.lanes.values().map(|lane| lane.waiting.len()).sum()
    }
}

fn abilities(random: &mut Random) -> Abilities {
    Abilities {
        capabilities: Default::default(),
        max_concurrent_events: random.between(2, 6) as u32,
        memory_limit_mb: Some(random.between(80, 120)),
        version: None,
    }
}

fn lane(random: &mut Random, number: u64, memory_mb: u64) -> SimulatedLane {
    SimulatedLane {
        key: LaneKey {
            queue: "default".parse().unwrap(),
            event_type: format!("t{number}").parse().unwrap(),
            priority: 5,
            required_capabilities: Default::default(),
            required_memory_mb: Some(memory_mb),
            engine_version: None,
            suspended_run: None,
        },
        takes: Duration::from_secs(random.between(1, 300)),
        final_attempt: false,
        waiting: VecDeque::new(),
        never_ends: false,
    }
}

/// Small events without end, of lower priorities, and one event that needs almost all of an engine, or all of its own.
#[test]
fn an_event_is_claimed_within_its_hold_back_time_and_the_longest_of_the_others() {
    for seed in 0..cases() * 10 {
        let mut random = Random(SeededRng::from_seed(seed));
        let engines: Vec<_> = (0..random.between(1, 6)).map(|_| abilities(&mut random)).collect();
        let mut lanes: Vec<_> = (0..random.between(1, 6))
            .map(|number| {
                let memory_mb = random.between(5, 40);
                let mut lane = lane(&mut random, number, memory_mb);
                (lane.never_ends, lane.key.priority) = (true, 5 + random.between(1, 4) as u8);
                lane
            })
            .collect();
        let longest = lanes.iter().map(|lane| lane.takes).max().unwrap();
        let mut large = lane(&mut random, 99, 0);
        large.final_attempt = random.is(3);
        let limit = engines.iter().filter_map(|engine| engine.memory_limit_mb).min().unwrap();
        large.key.required_memory_mb = Some(if large.final_attempt { 1 } else { random.between(limit - 20, limit) });
        lanes.push(large);
        let large = LaneId(lanes.len() as i64);
        let mut simulation = Simulation::new(engines, lanes, true);
        for lane_id in (1..large.0).map(LaneId) {
            (0..3).for_each(|_| simulation.enqueue(lane_id, START));
        }
        simulation.claim_all();
        for _ in 0..random.between(0, 50) {
            simulation.step();
        }
        let since = simulation.now;
        simulation.enqueue(large, since);
        // A claim that has found nothing waits, and is woken.
        simulation.claim_all();
        let most = HOLD_BACK_AFTER + longest + LOOK_INTERVAL * 2;
        while !simulation.claimed.contains_key(&large) {
            simulation.step();
            let waited = simulation.now.since(since);
            assert!(waited <= most, "seed {seed}: it has waited for {waited:?}, and the longest takes {longest:?}");
        }
    }
}

/// A backlog of small and large events, with what is added meanwhile: how long it takes in all, with and without.
#[test]
fn little_throughput_is_lost_to_hold_backs() {
    let (mut with, mut without, mut worst) = (0.0, 0.0, 0.0_f64);
    for seed in 0..cases() {
        let run = |holds_back| {
            let mut random = Random(SeededRng::from_seed(seed));
            let engines = (0..random.between(1, 8)).map(|_| abilities(&mut random)).collect();
            let lanes: Vec<_> = (0..random.between(2, 8))
                .map(|number| {
                    let memory_mb = if random.is(4) { random.between(50, 80) } else { random.between(5, 40) };
                    let mut lane = lane(&mut random, number, memory_mb);
                    lane.key.priority = random.between(3, 6) as u8;
                    lane
                })
                .collect();
            let count = lanes.len() as i64;
            let mut simulation = Simulation::new(engines, lanes, holds_back);
            for lane_id in (1..=count).map(LaneId) {
                (0..random.between(10, 100)).for_each(|_| simulation.enqueue(lane_id, START));
            }
            simulation.claim_all();
            while simulation.step() {}
            assert_eq!(simulation.waiting(), 0, "seed {seed}");
            simulation.now.since(START).as_secs_f64()
        };
        let (held, free) = (run(true), run(false));
        (with, without) = (with + held, without + free);
        worst = worst.max(held / free - 1.0);
    }
    let lost = with / without - 1.0;
    println!("{} loads: {:.2} % of the throughput is lost, {:.1} % at worst", cases(), lost * 100.0, worst * 100.0);
    assert!(lost <= 0.05, "{:.2} % of the throughput is lost", lost * 100.0);
}
