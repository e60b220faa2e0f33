//! An explanation says what a claim does, for random fleets; and the change that it names is enough, and no more than that.

use std::collections::BTreeSet;

use strum::VariantArray;

use super::*;
use crate::explain::{Availability, LaneExplanation, Passage, Verdict, explain_lane, verdict_of};
use crate::gates::{ClaimFilter, Held, PausedRun, first_failure};
use crate::hold_back::{HeldBackFor, HoldBack, Reservation};
use crate::ids::{Capability, ScenarioRunId};
use crate::lane::LaneKey;
use crate::pause::Pause;
use crate::quarantine::{EnforcedQuarantine, Quarantine};
use crate::retry_elsewhere::{FailedOn, RetryElsewhere};
use crate::time::Timestamp;

/// How many random fleets each property is asked of.
const FLEETS: u64 = 100_000;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const ALL: ClaimFilter = ClaimFilter { queues: Vec::new(), event_types: Vec::new(), within: None };

/// Numbers that a seed decides (splitmix64, Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn is(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    fn capabilities(&mut self, one_in: u64) -> BTreeSet<Capability> {
        ["cuda", "gpu", "ssd"].iter().filter(|_| self.is(one_in)).map(|name| name.parse().unwrap()).collect()
    }
}

/// A lane, its first event, and a few engines.
#[derive(Clone, Debug)]
struct World {
    key: LaneKey,
    run: ScenarioRunId,
    queue_paused: bool,
    event_type_paused: bool,
    run_pause: Option<Pause>,
    final_attempt: bool,
    available_at: Timestamp,
    max_cpu_percent: Option<f64>,
    enforces_quarantine: bool,
    /// Whether another engine is preferred to those that have failed it, or required.
    prefers: bool,
    failed_on: Vec<EngineId>,
    engines: Vec<(Abilities, FleetEngine)>,
}

impl World {
    fn random(seed: u64) -> Self {
        let random = &mut Random(seed);
        let key = LaneKey {
            queue: "default".parse().unwrap(),
            event_type: "render".parse().unwrap(),
            priority: 5,
            required_capabilities: random.capabilities(3),
            required_memory_mb: random.is(2).then(|| 1 + random.below(12)),
            engine_version: random.is(3).then(|| ">=2".parse().unwrap()),
            suspended_run: None,
        };
        let engines: Vec<_> = (0..random.below(5)).map(|number| engine(random, number)).collect();
        let failed_on = match random.is(4) {
            true => engines.iter().map(|(_, engine)| engine.engine_id.clone()).filter(|_| random.is(2)).collect(),
            false => Vec::new(),
        };
        Self {
            key,
            run: "night".parse().unwrap(),
            queue_paused: random.is(5),
            event_type_paused: random.is(5),
            run_pause: random.is(5).then_some(Pause { since: NOW, reason: None }),
            final_attempt: random.is(6),
            available_at: if random.is(4) { NOW + std::time::Duration::from_secs(60) } else { NOW },
            max_cpu_percent: random.is(3).then_some(50.0),
            enforces_quarantine: random.is(2),
            prefers: random.is(2),
            failed_on,
            engines,
        }
    }

    fn lane(&self) -> LaneFacts<'_> {
        LaneFacts {
            queue_paused: self.queue_paused,
            event_type_paused: self.event_type_paused,
            paused_run: self.run_pause.as_ref().map(|pause| PausedRun { scenario_run_id: &self.run, pause }),
            final_attempt: self.final_attempt,
            enforces_quarantine: self.enforces_quarantine,
            failed_on: self.failed_on(),
            ..LaneFacts::running(&self.key)
        }
    }

    /// Which engines are not to have it, as whoever asks decides it: with others that could run it where those are preferred.
    fn failed_on(&self) -> Option<FailedOn<'_>> {
        let mode = if self.prefers { RetryElsewhere::Prefer } else { RetryElsewhere::Require };
        let others = || {
            let fleet = Fleet::new(self.engines.iter().cloned(), self.max_cpu_percent);
            fleet.any_active_beside(&self.failed_on, &self.key)
        };
        FailedOn::kept_from(mode, &self.failed_on, None, NOW, others)
    }

    /// Whether an engine would be given the event by a claim now.
    fn is_given_to(&self, (abilities, engine): &(Abilities, FleetEngine)) -> bool {
        self.available_at <= NOW
            && first_failure(&engine.facts(abilities, self.max_cpu_percent, &self.key), &self.lane(), &ALL).is_none()
    }

    fn is_given(&self) -> bool {
        self.engines.iter().any(|engine| self.is_given_to(engine))
    }

    fn explained(&self) -> LaneExplanation {
        let fleet = Fleet::new(self.engines.iter().cloned(), self.max_cpu_percent);
        explain_lane(&self.lane(), &Availability { now: NOW, available_at: self.available_at, state: None }, &fleet)
    }

    fn of(&mut self, engine_id: &EngineId) -> &mut (Abilities, FleetEngine) {
        let mut engines = self.engines.iter_mut();
        engines.find(|(_, engine)| engine.engine_id == *engine_id).expect("a step names an engine that is there")
    }

    /// Does what a step says.
    fn apply(&mut self, step: &ChangeStep) {
        match step {
            ChangeStep::ResumeQueue(_) => self.queue_paused = false,
            ChangeStep::ResumeEventType(_) => self.event_type_paused = false,
            ChangeStep::ResumeRun(run) => {
                assert_eq!(*run, self.run);
                self.run_pause = None;
            }
            ChangeStep::MakeAvailable { .. } => self.available_at = NOW,
            ChangeStep::ResumeEngine(id) | ChangeStep::StartEngine(id) => self.of(id).1.status = EngineStatus::Active,
            ChangeStep::LiftQuarantine(id) => {
                let engine = &mut self.of(id).1;
                (engine.quarantine, engine.enforced) = (None, Vec::new());
            }
            ChangeStep::RetryHere(id) => self.failed_on.retain(|engine_id| engine_id != id),
            ChangeStep::RaiseMaxConcurrentEvents { engine_id, to } => self.of(engine_id).0.max_concurrent_events = *to,
            ChangeStep::RaiseMemoryLimit { engine_id, to_mb, .. } => {
                self.of(engine_id).0.memory_limit_mb = Some(*to_mb)
            }
            ChangeStep::AddCapabilities { engine_id, capabilities } => {
                self.of(engine_id).0.capabilities.extend(capabilities.iter().cloned());
            }
            ChangeStep::ChangeVersion { engine_id, .. } => self.of(engine_id).0.version = Some("2.0.0".to_owned()),
            ChangeStep::EmptyEngine(id) => self.of(id).1.held = Held::default(),
            ChangeStep::RunFirst { engine_id, .. } => self.of(engine_id).1.held_back = None,
            ChangeStep::LowerCpu { engine_id, to_percent } => self.of(engine_id).1.cpu_percent = Some(*to_percent),
            ChangeStep::RegisterEngine { capabilities, memory_limit_mb, engine_version } => {
                let abilities = Abilities {
                    capabilities: capabilities.iter().cloned().collect(),
                    max_concurrent_events: 1,
                    memory_limit_mb: *memory_limit_mb,
                    version: engine_version.as_ref().map(|_| "2.0.0".to_owned()),
                };
                self.engines.push((abilities, idle_engine("new")));
            }
        }
    }

    fn with(&self, steps: &[ChangeStep]) -> Self {
        let mut changed = self.clone();
        steps.iter().for_each(|step| changed.apply(step));
        changed
    }
}

fn idle_engine(name: &str) -> FleetEngine {
    FleetEngine {
        engine_id: name.parse().unwrap(),
        status: EngineStatus::Active,
        quarantine: None,
        enforced: Vec::new(),
        held: Held::default(),
        memory_usage_mb: None,
        cpu_percent: None,
        last_heartbeat_at: NOW,
        last_claim_at: None,
        held_back: None,
    }
}

/// For an event of another lane, or of this one.
fn held_back(random: &mut Random) -> HeldBackFor {
    let key = LaneKey {
        queue: "default".parse().unwrap(),
        event_type: if random.is(2) { "large" } else { "render" }.parse().unwrap(),
        priority: 5,
        required_capabilities: BTreeSet::new(),
        required_memory_mb: None,
        engine_version: None,
        suspended_run: None,
    };
    let reservation = Reservation {
        opens_at: NOW,
        spare_locks: random.below(2) as u32,
        spare_memory_mb: random.is(2).then(|| random.below(8)),
    };
    let hold_back = HoldBack { priority: 4 + random.below(3) as u8, reservation, now: NOW };
    HeldBackFor {
        event_id: "0193f2a0-0000-7000-8000-000000000000".parse().unwrap(),
        lane: Arc::new(key),
        since: NOW,
        hold_back,
    }
}

fn engine(random: &mut Random, number: u64) -> (Abilities, FleetEngine) {
    let abilities = Abilities {
        capabilities: random.capabilities(2),
        max_concurrent_events: 1 + random.below(3) as u32,
        memory_limit_mb: random.is(2).then(|| 1 + random.below(16)),
        version: random.is(2).then(|| format!("{}.0.0", 1 + random.below(2))),
    };
    let memory_mb = random.below(8);
    let locks = random.below(4) as u32;
    let held = Held {
        locks,
        memory_mb: if locks == 0 { 0 } else { memory_mb },
        memory_since_heartbeat_mb: if locks == 0 { 0 } else { random.below(memory_mb + 1) },
        final_attempt: locks > 0 && random.is(6),
    };
    let held_back = random.is(4).then(|| held_back(random));
    let engine = FleetEngine {
        held_back,
        quarantine: random.is(5).then(|| quarantine(random)),
        enforced: if random.is(4) { vec![enforced(random)] } else { Vec::new() },
        status: [EngineStatus::Active, EngineStatus::Active, EngineStatus::Draining, EngineStatus::Lost]
            [random.below(4) as usize],
        held,
        memory_usage_mb: random.is(2).then(|| random.below(160) as f64 / 10.0),
        cpu_percent: random.is(2).then(|| random.below(100) as f64),
        ..idle_engine(&format!("e{number}"))
    };
    (abilities, engine)
}

/// For all events, for those of the type that is asked for, or for others.
fn quarantine(random: &mut Random) -> Quarantine {
    let event_types = [vec![], vec!["render".parse().unwrap()], vec!["encode".parse().unwrap()]];
    let event_types = event_types[random.below(3) as usize].clone();
    Quarantine { reason: "the fan is loud".to_owned(), since: NOW, until: None, event_types }
}

/// For events of the type that is asked for, or for others.
fn enforced(random: &mut Random) -> EnforcedQuarantine {
    EnforcedQuarantine {
        event_type: if random.is(2) { "render" } else { "encode" }.parse().unwrap(),
        reason: "it failed 7 of 7".to_owned(),
        until: random.is(2).then_some(NOW + std::time::Duration::from_secs(60)),
    }
}

/// The same step with less in it, in its own dimension; none where there is no less of it.
fn smaller(step: &ChangeStep) -> Option<ChangeStep> {
    Some(match step.clone() {
        ChangeStep::RaiseMaxConcurrentEvents { engine_id, to } => {
            ChangeStep::RaiseMaxConcurrentEvents { engine_id, to: to - 1 }
        }
        ChangeStep::RaiseMemoryLimit { engine_id, by_mb, to_mb } => {
            ChangeStep::RaiseMemoryLimit { engine_id, by_mb: by_mb - 1, to_mb: to_mb - 1 }
        }
        ChangeStep::AddCapabilities { engine_id, mut capabilities } => {
            capabilities.pop();
            ChangeStep::AddCapabilities { engine_id, capabilities }
        }
        _ => return None,
    })
}

#[test]
fn an_event_is_runnable_exactly_when_some_claim_is_given_it() {
    let mut verdicts: BTreeMap<Verdict, u64> = BTreeMap::new();
    for seed in 0..FLEETS {
        let world = World::random(seed);
        let explained = world.explained();
        *verdicts.entry(explained.verdict).or_default() += 1;
        assert_eq!(explained.verdict == Verdict::Runnable, world.is_given(), "seed {seed}: {world:?}");
        let LaneFit { registered, fit_when_empty, fit_and_active, fit_now, failed_at, .. } = &explained.fit;
        let could: Vec<_> =
            world.engines.iter().filter(|(abilities, _)| could_ever_serve(abilities, &world.key)).collect();
        let is_kept = |engine: &FleetEngine| {
            let event_type = &world.key.event_type;
            let is_suspect = engine.enforced.iter().any(|enforced| enforced.event_type == *event_type);
            engine.quarantine.as_ref().is_some_and(|quarantine| quarantine.covers(event_type))
                || is_suspect && world.enforces_quarantine
                || world.failed_on.contains(&engine.engine_id) && !world.prefers
        };
        let is_active =
            |(_, engine): &&&(Abilities, FleetEngine)| engine.status == EngineStatus::Active && !is_kept(engine);
        assert_eq!(*fit_when_empty, could.len() as u64, "seed {seed}");
        assert_eq!(*fit_and_active, could.iter().filter(is_active).count() as u64, "seed {seed}");
        assert_eq!((explained.verdict == Verdict::Impossible), could.is_empty(), "seed {seed}");
        assert_eq!(*registered, fit_now + failed_at.iter().sum::<u64>(), "seed {seed}: each engine is counted once");
        let closed = explained.gates.iter().any(|gate| gate.passage == Passage::Closed);
        assert_eq!(closed, !world.is_given(), "seed {seed}: a gate is closed exactly if it is not given out");
        // Engine by engine, too; and class by class, which is all that a list of lanes looks at.
        let fleet = Fleet::new(world.engines.iter().cloned(), world.max_cpu_percent);
        if !world.final_attempt && world.failed_on().is_none() {
            let due = Availability { now: NOW, available_at: world.available_at, state: None };
            assert_eq!(
                verdict_of(&world.lane(), &due, fleet.reach(&world.lane())),
                explained.verdict,
                "seed {seed}: {world:?}"
            );
        }
        for (abilities, engine) in &world.engines {
            let (class, found) = fleet.engine(&engine.engine_id).expect("it is in its fleet");
            assert_eq!((&*class.abilities, found), (abilities, engine));
            let near = fleet.near(class, found, &world.lane());
            let keeps_nothing_else = !world.lane().is_paused() && world.available_at <= NOW;
            let given = world.is_given_to(&(abilities.clone(), engine.clone()));
            assert_eq!(near.fails.is_empty() && keeps_nothing_else, given, "seed {seed}");
        }
    }
    for verdict in [Verdict::Impossible, Verdict::Blocked, Verdict::Waiting, Verdict::Runnable] {
        let count = verdicts.get(&verdict).copied().unwrap_or(0);
        assert!(count > FLEETS / 100, "{verdict}: {count} of {FLEETS}: the fleets are too much alike");
    }
}

#[test]
fn the_smallest_change_is_enough_and_nothing_smaller_is() {
    let mut tried = 0;
    for seed in 0..FLEETS {
        let world = World::random(seed);
        let change = world.explained().smallest_change;
        assert_eq!(change.is_empty(), world.is_given(), "seed {seed}: {change:?}");
        assert!(world.with(&change).is_given(), "seed {seed}: {change:?} does not let it run: {world:?}");
        for left_out in 0..change.len() {
            let mut less = change.clone();
            let step = less.remove(left_out);
            let with_less = world.with(&less);
            assert!(!with_less.is_given(), "seed {seed}: without {step} it would run, too: {world:?}");
            if let Some(smaller) = smaller(&step) {
                tried += 1;
                less.push(smaller);
                assert!(!world.with(&less).is_given(), "seed {seed}: less than {step} would do: {world:?}");
            }
        }
    }
    assert!(tried > FLEETS / 10, "{tried}");
}

/// With the change of any named engine, that engine is given the event.
#[test]
fn what_an_engine_needs_is_what_it_lacks() {
    for seed in 0..FLEETS / 10 {
        let mut world = World::random(seed);
        (world.queue_paused, world.event_type_paused, world.available_at) = (false, false, NOW);
        world.run_pause = None;
        for near in world.explained().fit.nearest {
            let changed = world.with(&near.change);
            let engine = changed.engines.iter().find(|(_, engine)| engine.engine_id == near.engine.engine_id);
            assert!(changed.is_given_to(engine.unwrap()), "seed {seed}: {:?}: {world:?}", near.change);
        }
    }
}

/// A fleet of many engines of a few kinds is told as if each of them had been asked.
#[test]
fn engines_that_are_alike_are_told_as_if_each_were_asked() {
    for seed in 0..FLEETS / 20 {
        let mut world = World::random(seed);
        let random = &mut Random(seed.wrapping_mul(31));
        let kinds: Vec<_> = (0..1 + random.below(4)).map(|number| engine(random, number)).collect();
        world.engines = (0..random.below(40))
            .map(|number| {
                let mut any = || kinds[random.below(kinds.len() as u64) as usize].clone();
                // Some differ in what counts for nothing, and some in what does.
                let ((abilities, _), (_, kind)) = (any(), any());
                let memory_usage_mb = kind.memory_usage_mb.map(|usage| usage + random.below(3) as f64 / 2.0);
                let last_claim_at = random.is(2).then(|| Timestamp::from_millis(random.below(9) as i64));
                let engine_id = format!("e{number}").parse().unwrap();
                (abilities, FleetEngine { engine_id, memory_usage_mb, last_claim_at, ..kind })
            })
            .collect();
        world.failed_on = world.engines.iter().map(|(_, engine)| engine.engine_id.clone()).collect();
        world.failed_on.retain(|_| random.is(8));
        let fleet = Fleet::new(world.engines.iter().cloned(), world.max_cpu_percent);
        let (fit, lane) = (fleet.fit(&world.lane()), world.lane());
        let (mut free, mut near) = (Vec::new(), Vec::new());
        let mut failed_at = [0; ENGINE_GATES.len()];
        for (abilities, engine) in &world.engines {
            let facts = engine.facts(abilities, world.max_cpu_percent, &world.key);
            match ENGINE_GATES.iter().position(|gate| check(*gate, &facts, &running(&lane)).is_err()) {
                None => free.push(engine.clone()),
                Some(at) => {
                    failed_at[at] += 1;
                    let lacks = world.key.required_capabilities.difference(&abilities.capabilities).count();
                    let place = fleet.indexes[&engine.engine_id];
                    let fits = could_ever_serve(abilities, &world.key);
                    near.push((
                        Effort::of(&facts, &running(&lane), lacks as u64),
                        place,
                        engine.engine_id.clone(),
                        fits,
                    ));
                }
            }
        }
        free.sort_by(|one, other| asked_before(one).cmp(&asked_before(other)));
        assert_eq!((fit.fit_now, fit.failed_at), (free.len() as u64, failed_at), "seed {seed}: {world:?}");
        free.truncate(MAX_NAMED_ENGINES);
        assert_eq!(fit.free, free, "seed {seed}: {world:?}");
        near.sort();
        let fitting = near.iter().find(|(.., fits)| *fits).cloned();
        near.truncate(MAX_NAMED_ENGINES);
        if let Some(fitting) = fitting.filter(|fitting| !near.contains(fitting)) {
            near.pop();
            near.push(fitting);
        }
        let named: Vec<_> = fit.nearest.iter().map(|near| &near.engine.engine_id).collect();
        assert_eq!(
            named,
            near.iter().map(|(.., engine_id, _)| engine_id).collect::<Vec<_>>(),
            "seed {seed}: {world:?}"
        );
    }
}

#[test]
fn every_gate_is_asked_of_the_engine_or_of_the_lane_or_of_the_claim() {
    let others: Vec<_> = Gate::VARIANTS.iter().filter(|gate| !ENGINE_GATES.contains(gate)).collect();
    assert_eq!(others, [&Gate::ClaimFilter, &Gate::QueueRunning, &Gate::EventTypeRunning, &Gate::ScenarioRunRunning]);
}

#[test]
fn those_that_asked_last_are_named_first() {
    let engine = |number: i64| {
        let engine = idle_engine(&format!("e{number}"));
        let abilities = Abilities { max_concurrent_events: 1, ..Abilities::default() };
        (abilities, FleetEngine { last_claim_at: Some(Timestamp::from_millis(number % 7)), ..engine })
    };
    let fleet = Fleet::new((0..20).map(engine), None);
    let key = LaneKey {
        required_memory_mb: None,
        required_capabilities: [].into(),
        engine_version: None,
        ..World::random(0).key
    };
    let lane = LaneFacts::running(&key);
    let names: Vec<_> = fleet.fit(&lane).free.iter().map(|engine| engine.engine_id.to_string()).collect();
    assert_eq!(names, ["e13", "e6", "e12", "e19", "e5"]);
}
