use super::*;
use crate::engine::{Abilities, EngineStatus};
use crate::fleet::FleetEngine;
use crate::gates::{Held, PausedRun};
use crate::ids::ScenarioRunId;
use crate::lane::LaneKey;

const NOW: Timestamp = Timestamp::from_millis(1_793_000_000_000);

/// An event that needs a GPU and 600 MiB of a version 2, and the engine sim-1, which has just that and holds nothing.
struct Story {
    queue_paused: bool,
    event_type_paused: bool,
    queue_pause: Option<Pause>,
    run_pause: Option<(ScenarioRunId, Pause)>,
    available_at: Timestamp,
    state: Option<EventState>,
    key: LaneKey,
    engines: Vec<(Abilities, FleetEngine)>,
}

fn sim(number: u32) -> (Abilities, FleetEngine) {
    let abilities = Abilities {
        capabilities: ["gpu".parse().unwrap()].into(),
        max_concurrent_events: 5,
        memory_limit_mb: Some(1_000),
        version: Some("2.1.0".to_owned()),
    };
    let engine = FleetEngine {
        engine_id: format!("sim-{number}").parse().unwrap(),
        status: EngineStatus::Active,
        quarantine: None,
        enforced: Vec::new(),
        held: Held::default(),
        memory_usage_mb: None,
        cpu_percent: None,
        last_heartbeat_at: NOW,
        last_claim_at: Some(NOW),
        held_back: None,
    };
    (abilities, engine)
}

/// Tells a story that differs from that in one thing, and says what is to come of it.
#[track_caller]
fn check(change: impl FnOnce(&mut Story), verdict: Verdict, summary: &str, steps: &[&str]) {
    let key = LaneKey {
        queue: "default".parse().unwrap(),
        event_type: "frame.render".parse().unwrap(),
        priority: 5,
        required_capabilities: ["gpu".parse().unwrap()].into(),
        required_memory_mb: Some(600),
        engine_version: Some(">=2".parse().unwrap()),
        suspended_run: None,
    };
    let mut story = Story {
        queue_paused: false,
        event_type_paused: false,
        queue_pause: None,
        run_pause: None,
        available_at: NOW,
        state: None,
        key,
        engines: vec![sim(1)],
    };
    change(&mut story);
    let Story { queue_paused, event_type_paused, queue_pause, run_pause, available_at, state, key, engines } = &story;
    let lane = LaneFacts {
        queue_paused: *queue_paused,
        event_type_paused: *event_type_paused,
        queue_pause: queue_pause.as_ref(),
        paused_run: run_pause.as_ref().map(|(scenario_run_id, pause)| PausedRun { scenario_run_id, pause }),
        ..LaneFacts::running(key)
    };
    let due = Availability { now: NOW, available_at: *available_at, state: state.as_ref() };
    let explained = explain_lane(&lane, &due, &Fleet::new(engines.clone(), None));
    assert_eq!((explained.verdict, explained.summary.as_str()), (verdict, summary));
    let got: Vec<_> = explained.smallest_change.iter().map(ToString::to_string).collect();
    assert_eq!(got, steps);
}

#[test]
fn what_no_engine_could_ever_run_is_told_with_what_they_lack() {
    use Verdict::Impossible;
    check(
        |story| story.engines.clear(),
        Impossible,
        "no engine is registered that could run it",
        &["register an engine with the capability gpu and a memory_limit_mb of 600 and a version >=2"],
    );
    check(
        |story| story.key.required_capabilities = ["gpuu".parse().unwrap()].into(),
        Impossible,
        "no registered engine could ever run it: sim-1 would fit but for the capability gpuu (no engine has gpuu; did you mean gpu?)",
        &["give sim-1 the capability gpuu"],
    );
    check(
        |story| {
            story.engines.extend([sim(2), sim(3)]);
            story.key.required_memory_mb = Some(1_512);
        },
        Impossible,
        "no registered engine could ever run it: 3 engines, such as sim-1, would fit but for the memory_limit_mb, which is 1000 and must be 1512",
        &["raise memory_limit_mb of sim-1 by 512 to 1512"],
    );
    check(
        |story| story.engines[0].0.version = None,
        Impossible,
        "no registered engine could ever run it: sim-1 would fit but for the version, which is not declared and must be in >=2",
        &["run a version >=2 on sim-1"],
    );
}

#[test]
fn what_a_person_can_change_is_told_with_who_is_to_be_woken() {
    use Verdict::Blocked;
    check(|story| story.queue_paused = true, Blocked, "queue default is paused", &["resume queue default"]);
    check(
        |story| {
            (story.queue_paused, story.event_type_paused) = (true, true);
            story.queue_pause = Some(Pause { since: NOW, reason: Some("disk full".to_owned()) });
        },
        Blocked,
        "queue default is paused since 2026-10-26T07:33:20.000Z: disk full; event type frame.render is paused",
        &["resume queue default", "resume event type frame.render"],
    );
    check(
        |story| story.run_pause = Some(("night".parse().unwrap(), Pause { since: NOW, reason: None })),
        Blocked,
        "scenario run night is paused since 2026-10-26T07:33:20.000Z",
        &["resume scenario run night"],
    );
    check(
        |story| {
            story.engines.push(sim(2));
            story.engines[0].1.status = EngineStatus::Lost;
            story.engines[1].1.status = EngineStatus::Draining;
        },
        Blocked,
        "2 engines fit, and none is active: 1 draining, 1 lost; sim-2 was last heard at 2026-10-26T07:33:20.000Z",
        &["resume engine sim-2"],
    );
}

#[test]
fn what_time_changes_is_told_with_the_time() {
    use Verdict::Waiting;
    check(
        |story| story.available_at = NOW + Duration::from_secs(90),
        Waiting,
        "it is due in 1 min 30 s, at 2026-10-26T07:34:50.000Z",
        &["make it available now instead of at 2026-10-26T07:34:50.000Z"],
    );
    check(
        |story| {
            story.available_at = NOW + Duration::from_secs(30);
            let mut state = EventState::enqueued(story.available_at);
            state.tally.failures = 2;
            state.last_error = serde_json::from_str(r#"{"message":"Traceback:\n  line 1\nboom\n"}"#).ok();
            story.state = Some(state);
        },
        Waiting,
        "its next attempt is due in 30 s, at 2026-10-26T07:33:50.000Z, after 2 failed attempts: boom",
        &["make it available now instead of at 2026-10-26T07:33:50.000Z"],
    );
    check(
        |story| story.engines[0].1.held = Held { locks: 5, memory_mb: 500, ..Held::default() },
        Waiting,
        "1 engine fits, and none has room for it now: sim-1: the engine holds all 5 locks that it may hold",
        &["raise max_concurrent_events of sim-1 to 6", "raise memory_limit_mb of sim-1 by 100 to 1100"],
    );
}

#[test]
fn what_could_run_is_told_with_who_should_run_it() {
    check(|_| {}, Verdict::Runnable, "1 engine fits and has room for it: sim-1", &[]);
    check(
        |story| {
            story.engines.extend([sim(2)]);
            for (_, engine) in &mut story.engines {
                engine.last_claim_at = Some(Timestamp::from_millis(NOW.as_millis() - 400_000));
            }
        },
        Verdict::Runnable,
        "2 engines fit and have room for it: sim-1, sim-2; none of them has claimed for 6 min 40 s",
        &[],
    );
}
