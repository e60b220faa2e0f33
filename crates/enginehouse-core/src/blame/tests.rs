//! Simulated fleets: how soon a bad engine or version is named, and how seldom a sound one.

use super::*;

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

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What the fleet works on, in a queue to which failed events go back.
struct World {
    blame: Blame,
    random: Random,
    engines: Vec<(EngineId, Arc<str>)>,
    event_type: EventType,
    /// Events that failed, and wait for a retry.
    retries: VecDeque<(EventId, u128)>,
    next_event: u128,
    now: Timestamp,
}

fn event(number: u128) -> EventId {
    uuid::Uuid::from_u128(number).to_string().parse().unwrap()
}

impl World {
    /// A fleet of so many engines, each third of another version.
    fn new(engines: usize, seed: u64) -> Self {
        let engine =
            |number: usize| (format!("sim-{number}").parse().unwrap(), Arc::from(format!("1.{}.0", number % 3)));
        Self {
            blame: Blame::default(),
            random: Random(seed),
            engines: (0..engines).map(engine).collect(),
            event_type: "frame.render".parse().unwrap(),
            retries: VecDeque::new(),
            next_event: 0,
            now: Timestamp::from_millis(1_000_000),
        }
    }

    /// One attempt by an engine; `fails` says whether, of the event's number. Answers whether it failed.
    fn attempt(&mut self, engine: usize, fails: impl FnOnce(&mut Random, u128) -> bool) -> bool {
        // A retry waits for a while: until some other events were tried.
        let retry = if self.retries.len() > 30 { self.retries.pop_front() } else { None };
        let ((event_id, number), failed_before) = match retry {
            Some(retry) => (retry, true),
            None => {
                self.next_event += 1;
                ((event(self.next_event), self.next_event), false)
            }
        };
        let fails = fails(&mut self.random, number);
        self.settle(engine, event_id, if fails { Ending::Failed } else { Ending::Completed }, failed_before);
        if fails {
            self.retries.push_back((event_id, number));
        }
        fails
    }

    fn settle(&mut self, engine: usize, event_id: EventId, ending: Ending, failed_before: bool) {
        self.now = self.now + Duration::from_millis(10);
        let (engine_id, version) = &self.engines[engine];
        let (event_type, version, at) = (&self.event_type, Some(version), self.now);
        self.blame.record(&JudgedAttempt { event_id, event_type, engine_id, version, ending, failed_before, at });
    }

    fn is_blamed(&self, engine: usize) -> bool {
        let (engine_id, version) = &self.engines[engine];
        self.blame.against(&self.event_type, engine_id, Some(version)).is_some()
    }

    fn suspects(&self) -> Vec<Suspect> {
        self.blame.suspects(self.now)
    }

    /// Sound work for a while, each attempt failing with this percentage. Answers which engines were ever suspect.
    fn work(&mut self, attempts: usize, percent: u64) -> HashSet<usize> {
        let mut suspected = HashSet::new();
        for _ in 0..attempts {
            let engine = self.random.below(self.engines.len() as u64) as usize;
            if self.attempt(engine, |random, _| random.percent(percent)) && self.is_blamed(engine) {
                suspected.insert(engine);
            }
        }
        suspected
    }
}

#[test]
fn one_bad_engine_of_twenty_costs_ten_events_at_most() {
    let mut most = 0;
    for seed in 0..200 {
        let mut world = World::new(20, seed);
        // With and without a past.
        if seed % 2 == 0 {
            world.work(2_000, 5);
        }
        let mut cost = 0;
        // What is suspect is quarantined at once.
        while !world.is_blamed(7) {
            let engine = world.random.below(20) as usize;
            let failed = world.attempt(engine, |random, _| engine == 7 || random.percent(5));
            cost += usize::from(failed && engine == 7);
            assert!(cost < 100, "seed {seed}");
        }
        most = most.max(cost);
        let suspects = world.suspects();
        let [suspect] = &suspects[..] else { panic!("seed {seed}: {suspects:?}") };
        let engine_id = "sim-7".parse().unwrap();
        assert_eq!(
            suspect.subject,
            SuspectSubject::EngineAt { engine_id, event_type: "frame.render".parse().unwrap() }
        );
        assert!(suspect.probability >= 0.998 && !suspect.evidence.is_empty(), "{suspect:?}");
    }
    assert!(most <= 10, "{most}");
    println!("the bad engine has cost {most} events at most");
}

#[test]
fn a_bad_version_of_three_is_named_within_thirty_failures() {
    let mut most = 0;
    for seed in 0..60 {
        let mut world = World::new(21, seed);
        if seed % 2 == 0 {
            world.work(2_000, 5);
        }
        let is_bad = |engine: usize| engine % 3 == 1;
        let mut failures = 0;
        let event_type: EventType = "frame.render".parse().unwrap();
        let version = SuspectSubject::VersionAt { version: "1.1.0".to_owned(), event_type };
        loop {
            let engine = world.random.below(21) as usize;
            let failed = world.attempt(engine, |random, _| is_bad(engine) || random.percent(5));
            failures += usize::from(failed && is_bad(engine));
            if world.suspects().iter().any(|suspect| suspect.subject == version) {
                break;
            }
            assert!(failures < 100, "seed {seed}: {:?}", world.suspects());
        }
        most = most.max(failures);
        // From now on it is the version, and none of its engines beside it.
        for _ in 0..500 {
            let engine = world.random.below(21) as usize;
            world.attempt(engine, |random, _| is_bad(engine) || random.percent(5));
            let named: Vec<_> = world.suspects().into_iter().map(|suspect| suspect.subject).collect();
            assert!(named.is_empty() || named == [version.clone()], "seed {seed}: {named:?}");
        }
        assert_eq!(world.suspects().len(), 1, "seed {seed}");
    }
    assert!(most <= 30, "{most}");
    println!("the bad version was named after {most} failures at most");
}

#[test]
fn of_a_version_with_one_bad_engine_the_engine_is_named() {
    for seed in 0..100 {
        // Two engines of each version.
        let mut world = World::new(6, seed);
        let mut named = HashSet::new();
        for _ in 0..400 {
            let engine = world.random.below(6) as usize;
            world.attempt(engine, |random, _| engine == 1 || random.percent(5));
            named.extend(world.suspects().into_iter().map(|suspect| suspect.subject));
        }
        let (engine_id, event_type) = ("sim-1".parse().unwrap(), "frame.render".parse().unwrap());
        assert_eq!(named, HashSet::from([SuspectSubject::EngineAt { engine_id, event_type }]), "seed {seed}");
    }
}

#[test]
fn when_all_fail_nobody_is_suspect() {
    for seed in 0..40 {
        for past in [0, 2_000] {
            for percent in [100, 60] {
                let mut world = World::new(20, seed);
                world.work(past, 2);
                // Each settles ten at once, and nobody else has settled anything since it went wrong.
                for round in 0..10 {
                    for engine in 0..20 {
                        for _ in 0..10 {
                            world.attempt(engine, |random, _| random.percent(percent));
                            assert!(!world.is_blamed(engine), "{seed} {past} {percent} % round {round}: {engine}");
                        }
                        let suspects = world.suspects();
                        assert!(suspects.is_empty(), "{seed} {past} {percent} % round {round}: {suspects:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn fewer_than_one_in_a_hundred_sound_engines_are_ever_suspect() {
    let (mut engines, mut suspected) = (0, 0);
    for seed in 0..25 {
        let mut world = World::new(20, seed);
        suspected += world.work(20 * 1_000, 5).len();
        engines += 20;
    }
    assert!(suspected * 100 < engines, "{suspected} of {engines}");
    println!("{suspected} of {engines} sound engines were suspect within 1,000 attempts each");
}

#[test]
fn events_that_fail_everywhere_blame_themselves() {
    let mut suspected = 0;
    for seed in 0..25 {
        let mut world = World::new(20, seed);
        for _ in 0..4_000 {
            let engine = world.random.below(20) as usize;
            // Every tenth event is poison, and each is tried again and again.
            if world.attempt(engine, |random, number| number.is_multiple_of(10) || random.percent(2)) {
                suspected += usize::from(world.is_blamed(engine));
            }
        }
    }
    assert!(suspected < 5, "{suspected} of 500 engines");
}

#[test]
fn what_an_event_has_counted_is_taken_back_when_it_fails_elsewhere_too() {
    let mut world = World::new(4, 1);
    world.work(200, 0);
    let poison: Vec<_> = (1_000..1_008).map(event).collect();
    for event_id in &poison {
        world.settle(0, *event_id, Ending::Failed, false);
        // The others go on with theirs.
        for engine in 1..4 {
            world.attempt(engine, |_, _| false);
        }
    }
    assert!(world.is_blamed(0));
    // Once more on the same engine says nothing new.
    world.settle(0, poison[0], Ending::Failed, true);
    assert_eq!(world.suspects()[0].own.failed, 8);
    for event_id in &poison {
        world.settle(1, *event_id, Ending::Failed, true);
    }
    assert!(world.suspects().is_empty() && !world.is_blamed(1), "{:?}", world.suspects());
}

#[test]
fn an_engine_that_is_mended_is_suspect_no_longer() {
    let mut world = World::new(20, 3);
    world.work(1_000, 2);
    for _ in 0..500 {
        world.attempt(0, |_, _| true);
        world.attempt(1, |_, _| false);
    }
    assert!(world.is_blamed(0));
    for completed in 0..run::MENDED_AFTER {
        assert!(world.is_blamed(0), "after {completed}");
        world.attempt(0, |_, _| false);
    }
    assert!(world.suspects().is_empty());
}

#[test]
fn an_engine_that_is_given_another_version_begins_anew() {
    let mut world = World::new(20, 3);
    world.work(1_000, 2);
    for _ in 0..20 {
        world.attempt(0, |_, _| true);
        world.attempt(1, |_, _| false);
    }
    assert!(world.is_blamed(0));
    world.engines[0].1 = "2.0.0".into();
    world.attempt(0, |_, _| false);
    assert!(world.suspects().is_empty());
}

#[test]
fn what_an_engine_loses_at_one_moment_is_one_loss() {
    let mut world = World::new(4, 1);
    world.work(200, 0);
    let (engine_id, event_type) = (world.engines[0].0.clone(), world.event_type.clone());
    for number in 5_000..5_020 {
        world.blame.record(&JudgedAttempt {
            event_id: event(number),
            event_type: &event_type,
            engine_id: &engine_id,
            version: None,
            ending: Ending::Lost,
            failed_before: false,
            at: world.now,
        });
    }
    world.attempt(1, |_, _| false);
    let run = &world.blame.types[&event_type].engines[&engine_id];
    assert_eq!((run.own.failed, run.lost), (1, 1));
}

#[test]
fn an_engine_that_fails_at_everything_is_named_once() {
    let mut world = World::new(6, 5);
    let types: Vec<EventType> = ["a", "b", "c", "d"].iter().map(|name| name.parse().unwrap()).collect();
    for _ in 0..200 {
        world.event_type = types[world.random.below(4) as usize].clone();
        world.work(1, 2);
    }
    for round in 0..4 {
        for event_type in &types {
            world.event_type = event_type.clone();
            world.attempt(0, |_, _| true);
            world.attempt(1, |_, _| false);
            world.attempt(2, |_, _| false);
        }
        if round == 1 {
            // Two failures of each are not enough for any one of them.
            assert!(!world.is_blamed(0));
        }
    }
    let suspects = world.suspects();
    let [suspect] = &suspects[..] else { panic!("{suspects:?}") };
    let engine_id = "sim-0".parse().unwrap();
    assert_eq!(suspect.subject, SuspectSubject::Engine { engine_id, event_types: types });
}

#[test]
fn memory_is_bounded_and_serves_the_newest() {
    let mut blame = Blame::default();
    let now = |minutes: u64| Timestamp::from_millis(1_000_000) + Duration::from_secs(60 * minutes);
    let mut number = 0;
    let mut fail = |blame: &mut Blame, engine: usize, event_type: usize, minutes: u64| {
        number += 1;
        let (engine_id, event_type) =
            (format!("e{engine}").parse().unwrap(), format!("t{event_type}").parse().unwrap());
        let (event_id, at) = (event(number), now(minutes));
        let (event_type, engine_id, ending) = (&event_type, &engine_id, Ending::Failed);
        blame.record(&JudgedAttempt {
            event_id,
            event_type,
            engine_id,
            version: Some(&"1".into()),
            ending,
            failed_before: false,
            at,
        });
    };
    for engine in 0..MAX_RUNS + 1_000 {
        fail(&mut blame, engine, engine % 50, 0);
    }
    let runs = |blame: &Blame| blame.types.values().map(|record| record.engines.len()).sum::<usize>();
    assert_eq!((blame.runs, runs(&blame)), (MAX_RUNS, MAX_RUNS));
    assert!(blame.open.len() <= MAX_OPEN_FAILURES && blame.open_order.len() <= MAX_OPEN_FAILURES);
    // Single failures make room after a while.
    fail(&mut blame, 9_999_999, 1, 11);
    assert_eq!((blame.runs, runs(&blame)), (1, 1));
    for event_type in 0..MAX_TYPES + 10 {
        fail(&mut blame, 1, event_type + 1_000, 12);
    }
    assert!(blame.types.len() <= MAX_TYPES);
}
