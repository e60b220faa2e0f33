use proptest::prelude::*;

use super::*;

/// An engine with 4 locks and 1,000 MiB, of which it holds 1 and 100, and a lane that it may serve.
struct Case {
    status: EngineStatus,
    abilities: Abilities,
    held: Held,
    memory_usage_mb: Option<f64>,
    cpu_percent: Option<f64>,
    max_cpu_percent: Option<f64>,
    key: LaneKey,
    queue_paused: bool,
    event_type_paused: bool,
    run_pause: Option<(ScenarioRunId, Pause)>,
    final_attempt: bool,
    filter: ClaimFilter,
}

fn fits() -> Case {
    Case {
        status: EngineStatus::Active,
        abilities: Abilities {
            capabilities: ["cuda-12", "gpu"].iter().map(|name| name.parse().unwrap()).collect(),
            max_concurrent_events: 4,
            memory_limit_mb: Some(1_000),
            version: Some("1.4.2".to_owned()),
        },
        held: Held { locks: 1, memory_mb: 100, memory_since_heartbeat_mb: 100, final_attempt: false },
        memory_usage_mb: Some(300.0),
        cpu_percent: Some(95.0),
        max_cpu_percent: None,
        key: LaneKey {
            queue: "default".parse().unwrap(),
            event_type: "frame.render".parse().unwrap(),
            priority: 5,
            required_capabilities: ["gpu".parse().unwrap()].into(),
            required_memory_mb: Some(900),
            engine_version: Some(">=1.4, <2".parse().unwrap()),
            suspended_run: None,
        },
        queue_paused: false,
        event_type_paused: false,
        run_pause: None,
        final_attempt: false,
        filter: ClaimFilter {
            queues: vec!["other".parse().unwrap(), "default".parse().unwrap()],
            event_types: vec!["frame.render".parse().unwrap()],
            within: None,
        },
    }
}

impl Case {
    fn first_failure(&self) -> Option<(Gate, Shortfall)> {
        first_failure(&self.engine(), &self.lane(), &self.filter)
    }

    fn engine(&self) -> EngineFacts<'_> {
        EngineFacts {
            engine_id: None,
            status: self.status,
            abilities: &self.abilities,
            quarantine: None,
            enforced: &[],
            held: self.held,
            memory_usage_mb: self.memory_usage_mb,
            cpu_percent: self.cpu_percent,
            max_cpu_percent: self.max_cpu_percent,
            held_back: None,
        }
    }

    fn lane(&self) -> LaneFacts<'_> {
        LaneFacts {
            queue_paused: self.queue_paused,
            event_type_paused: self.event_type_paused,
            paused_run: self.run_pause.as_ref().map(|(scenario_run_id, pause)| PausedRun { scenario_run_id, pause }),
            final_attempt: self.final_attempt,
            ..LaneFacts::running(&self.key)
        }
    }
}

/// Changes one thing about the engine that fits, and says what keeps it then.
#[track_caller]
fn check(change: impl FnOnce(&mut Case), want: &str) {
    let mut case = fits();
    change(&mut case);
    let got = case.first_failure().map_or_else(
        || "may claim".to_owned(),
        |(gate, why)| {
            let name: &str = gate.into();
            format!("{name}: {why}")
        },
    );
    assert_eq!(got, want);
}

#[test]
fn an_engine_passes_when_every_gate_does() {
    check(|_| {}, "may claim");
    check(|case| case.filter = ClaimFilter::default(), "may claim");
    check(|case| case.max_cpu_percent = Some(95.0), "may claim");
    check(|case| case.memory_usage_mb = Some(900.0), "may claim");
    check(|case| case.memory_usage_mb = None, "may claim");
    check(|case| case.held.locks = 3, "may claim");
    check(|case| (case.final_attempt, case.held) = (true, Held::default()), "may claim");
}

#[test]
fn each_gate_says_by_how_much_it_fails() {
    check(|case| case.status = EngineStatus::Draining, "engine_active: the engine is draining");
    check(|case| case.status = EngineStatus::Lost, "engine_active: the engine is lost");
    check(
        |case| case.filter.queues = vec!["other".parse().unwrap()],
        "claim_filter: the claim does not ask for this queue and event type",
    );
    check(
        |case| case.filter.event_types = vec!["other".parse().unwrap()],
        "claim_filter: the claim does not ask for this queue and event type",
    );
    check(|case| case.queue_paused = true, "queue_running: queue default is paused");
    check(|case| case.event_type_paused = true, "event_type_running: event type frame.render is paused");
    check(
        |case| case.run_pause = Some(("night".parse().unwrap(), Pause { since: Timestamp::MIN, reason: None })),
        "scenario_run_running: scenario run night is paused",
    );
    check(|case| case.abilities.capabilities.clear(), "capabilities: the engine lacks gpu");
    check(
        |case| case.abilities.version = Some("2.0.0".to_owned()),
        "version: the engine's version 2.0.0 is not in >=1.4, <2",
    );
    check(|case| case.abilities.version = None, "version: the engine declares no version, and >=1.4, <2 is required");
    check(|case| case.held.locks = 4, "concurrency: the engine holds all 4 locks that it may hold");
    check(
        |case| case.final_attempt = true,
        "final_attempt: the next loss would make the event a dead letter, so it is given to an engine that holds nothing else",
    );
    check(
        |case| case.held.final_attempt = true,
        "final_attempt: the engine holds an event that its next loss would make a dead letter, and is given no other meanwhile",
    );
    check(|case| case.held.memory_mb = 101, "memory: the engine is short of 1 MiB of memory");
    check(|case| case.abilities.memory_limit_mb = None, "memory: the engine declares no memory_limit_mb");
    check(
        |case| case.memory_usage_mb = Some(900.5),
        "memory_pressure: the engine uses 0.5 MiB more than its memory limit",
    );
    check(
        |case| case.max_cpu_percent = Some(90.0),
        "cpu_pressure: the engine's processor time of 95 % is over the mark of 90 %",
    );
}

#[test]
fn what_an_engine_could_ever_serve_does_not_depend_on_its_load() {
    let case = fits();
    assert!(could_ever_serve(&case.abilities, &case.key));
    let mut too_big = case.key.clone();
    too_big.required_memory_mb = Some(1_001);
    assert!(!could_ever_serve(&case.abilities, &too_big));
    let mut too_special = case.key;
    too_special.required_capabilities.insert("tpu".parse().unwrap());
    assert!(!could_ever_serve(&case.abilities, &too_special));
}

proptest! {
    /// A claim and an explanation can never disagree.
    #[test]
    fn the_first_failure_is_the_first_of_all_failures(
        active in any::<bool>(), queue_paused in any::<bool>(), type_paused in any::<bool>(), capable in any::<bool>(),
        locks in 0u32..6, memory_mb in 0u64..300, usage in proptest::option::of(0.0..2_000.0f64),
        final_attempt in any::<bool>(), works_alone in any::<bool>(),
        mark in proptest::option::of(0.0..100.0f64), version in proptest::option::of("[0-3]\\.[0-9]\\.0"),
    ) {
        let mut case = fits();
        case.status = if active { EngineStatus::Active } else { EngineStatus::Stopped };
        case.queue_paused = queue_paused;
        case.event_type_paused = type_paused;
        if !capable { case.abilities.capabilities.clear(); }
        case.held = Held { locks, memory_mb, memory_since_heartbeat_mb: memory_mb, final_attempt: works_alone };
        case.final_attempt = final_attempt;
        case.memory_usage_mb = usage;
        case.max_cpu_percent = mark;
        case.abilities.version = version;
        let all = failures(&case.engine(), &case.lane(), &case.filter);
        prop_assert_eq!(case.first_failure(), all.first().cloned());
    }

    /// However many events an engine is given one after the other, it never exceeds what it declared.
    #[test]
    fn an_engine_is_never_given_more_than_it_declared(required in proptest::collection::vec(0u64..600, 0..20)) {
        let mut case = fits();
        case.held = Held::default();
        case.memory_usage_mb = None;
        for memory in required {
            case.key.required_memory_mb = (memory > 0).then_some(memory);
            if case.first_failure().is_none() {
                case.held = case.held.and(case.key.required_memory_mb);
            }
        }
        prop_assert!(case.held.locks <= 4 && case.held.memory_mb <= 1_000);
    }
}
