//! An explanation says what a claim would do: of the same store, at the same moment.

use enginehouse_core::access::selector::Selectors;
use enginehouse_core::access::session::SessionProof;
use enginehouse_core::engine::DynamicState;
use enginehouse_core::event::EventStatus;
use enginehouse_core::explain::{Passage, Verdict};
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::ids::{EngineId, EventId, ScenarioRunId};
use enginehouse_core::quarantine::Quarantine;
use enginehouse_core::request::{Claim, Exchange, Heartbeat};
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::dispatcher::engines::{Drain, PutInQuarantine};
use enginehouse_server::dispatcher::run_pauses::{PauseRun, ResumeRun};
use enginehouse_server::dispatcher::settings::{ChangeEventType, ChangeQueue, SettingsChange};
use enginehouse_server::explain::{ExplainedEvent, Explainer, LaneQuestion};
use enginehouse_server::rng::{Rng, SeededRng};
use enginehouse_store::clock::Clock;

use crate::harness::{Harness, claim, token};
use crate::under_test::Kind;

/// How often an engine and an event of one house are asked about each other. A run of the suite tries one house;
/// `ENGINEHOUSE_TEST_SCHEDULES` names another number.
const PAIRS: usize = if matches!(crate::ON, Kind::Sqlite) { 600 } else { 300 };

fn explainer(harness: &Harness, config: &DispatchConfig) -> Explainer {
    Explainer::new(harness.store.clone(), config, &harness.dispatcher)
}

struct House {
    harness: Harness,
    explainer: Explainer,
    rng: SeededRng,
    engines: Vec<String>,
    events: Vec<(EventId, String)>,
}

impl House {
    fn below(&mut self, bound: usize) -> usize {
        (self.rng.unit() * bound as f64) as usize
    }

    fn is(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn capabilities(&mut self, one_in: usize) -> String {
        let names: Vec<_> =
            ["gpu", "cuda"].into_iter().filter(|_| self.is(one_in)).map(|name| format!("{name:?}")).collect();
        format!("[{}]", names.join(","))
    }

    /// One of a few scenario runs.
    fn run(&mut self) -> ScenarioRunId {
        ["dawn", "day", "night"][self.below(3)].parse().unwrap()
    }

    async fn add_engine(&mut self) {
        let name = format!("e{}", self.engines.len());
        let memory = if self.is(2) { format!(",\"memory_limit_mb\":{}", 1 + self.below(16)) } else { String::new() };
        let version = if self.is(2) {
            format!(",\"engine_software_version\":\"{}.0.0\"", 1 + self.below(2))
        } else {
            String::new()
        };
        let (capabilities, slots) = (self.capabilities(2), 1 + self.below(3));
        let config = format!(
            r#"{{"capabilities":{capabilities},"resource_limits":{{"max_concurrent_events":{slots}{memory}}}{version}}}"#
        );
        self.harness.register_with(&name, &config, 0).await;
        if self.is(8) {
            let drain = Drain {
                engine_id: name.parse().unwrap(),
                stop_when_drained: false,
                epoch: None,
                session: SessionProof::default(),
            };
            self.harness.execute(drain).await.unwrap();
        }
        if self.is(5) {
            let event_types = if self.is(2) {
                vec![]
            } else {
                (0..40).step_by(2).map(|number| format!("t{number}").parse().unwrap()).collect()
            };
            let quarantine =
                Quarantine { reason: "x".to_owned(), since: self.harness.clock_now(), until: None, event_types };
            let engine_id = name.parse().unwrap();
            self.harness.execute(PutInQuarantine { engine_id, quarantine }).await.unwrap();
        }
        if self.is(3) {
            let usage = format!(
                r#"{{"resource_utilization":{{"memory_usage_mb":{},"cpu_percent":{}}}}}"#,
                self.below(12),
                self.below(100)
            );
            let dynamic_state: DynamicState = serde_json::from_str(&usage).unwrap();
            let heartbeat = Heartbeat { dynamic_state: Some(dynamic_state), ..Heartbeat::default() };
            let exchange = Exchange { heartbeat: Some(heartbeat), ..Exchange::default() };
            self.harness.exchange(&name, 1, exchange).await.unwrap();
        }
        self.engines.push(name);
    }

    async fn add_event(&mut self) {
        let event_type = format!("t{}", self.events.len());
        let memory = if self.is(3) { format!(",\"required_memory_mb\":{}", 1 + self.below(12)) } else { String::new() };
        let version = if self.is(3) { ",\"engine_version\":\">=2\"" } else { "" };
        let delay = if self.is(6) { ",\"delay_seconds\":60" } else { "" };
        let queue = ["a", "b"][self.below(2)];
        let capabilities = self.capabilities(8);
        let mode = ["prefer", "require", "off"][self.below(3)];
        let retry = format!(r#"{{"max_retries":9,"retry_delay":{{"initial":0}},"retry_elsewhere":"{mode}"}}"#);
        let run = self.run();
        let draft = format!(
            r#"{{"event_type":"{event_type}","queue":"{queue}","scenario_run_id":"{run}","required_capabilities":{capabilities}{memory}{version}{delay},"retry_policy":{retry}}}"#
        );
        let event_id = self.harness.enqueue(&draft).await;
        if self.is(8) {
            let change = ChangeEventType {
                event_type: event_type.parse().unwrap(),
                change: SettingsChange::Pause { reason: None },
            };
            self.harness.execute(change).await.unwrap();
        }
        self.events.push((event_id, event_type));
    }

    async fn explain(&self, event_id: EventId, engine: &str) -> ExplainedEvent {
        let engine: EngineId = engine.parse().unwrap();
        let now = self.harness.clock.wall();
        self.explainer.event(event_id, Some(&engine), now).await.unwrap().expect("the event is there")
    }
}

fn only(event_type: &str) -> Claim {
    let filter = ClaimFilter { event_types: vec![event_type.parse().unwrap()], ..ClaimFilter::default() };
    Claim { filter, ..claim(1) }
}

/// Whichever engine and event are asked about, whatever has happened before.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a run of the suite may ask for more houses")]
async fn an_explanation_says_what_a_claim_would_be_given() {
    let houses = std::env::var("ENGINEHOUSE_TEST_SCHEDULES").map_or(1, |number| number.parse().unwrap());
    let (mut given, mut refused) = (0, 0);
    for number in 0..houses {
        let (more_given, more_refused) = compare(number).await;
        (given, refused) = (given + more_given, refused + more_refused);
    }
    assert!(given > PAIRS / 40 && refused > PAIRS / 40, "{given} were given, {refused} were not");
}

/// Answers how often an engine was given the event that it was asked about, and how often not.
async fn compare(number: u64) -> (usize, usize) {
    let config = DispatchConfig { max_cpu_percent: Some(60.0), ..DispatchConfig::default() };
    let harness = Harness::with(config.clone());
    let explainer = explainer(&harness, &config);
    let rng = SeededRng::from_seed(number);
    let mut house = House { harness, explainer, rng, engines: vec![], events: vec![] };
    for _ in 0..8 {
        house.add_engine().await;
    }
    let (mut given, mut refused) = (0, 0);
    for pair in 0..PAIRS {
        if pair % 2 == 0 {
            house.add_event().await;
        }
        if pair % 40 == 0 {
            let change = if house.is(2) { SettingsChange::Pause { reason: None } } else { SettingsChange::Resume };
            let name = ["a", "b"][house.below(2)].parse().unwrap();
            house.harness.execute(ChangeQueue { queue: name, change }).await.unwrap();
        }
        if pair % 10 == 0 {
            let scenario_run_id = house.run();
            match house.is(2) {
                true => _ = house.harness.execute(PauseRun { scenario_run_id, reason: None }).await.unwrap(),
                false => _ = house.harness.execute(ResumeRun { scenario_run_id }).await.unwrap(),
            }
        }
        let (engine, recent) = (house.below(house.engines.len()), house.below(house.events.len().min(8)));
        let engine = house.engines[engine].clone();
        let (event_id, event_type) = house.events[house.events.len() - 1 - recent].clone();
        let explained = house.explain(event_id, &engine).await;
        let Some(waits) = &explained.waits else { continue };
        let near = waits.asked_engine.as_ref().expect("the engine is registered");
        let lane_is_open = waits.lane.gates.iter().take(4).all(|gate| gate.passage == Passage::Open)
            && waits.lane.verdict != Verdict::Impossible;
        let expected = lane_is_open && near.fails.is_empty();
        let claimed = house.harness.try_claim(&engine, 1, only(&event_type)).await.unwrap();
        assert_eq!(
            !claimed.is_empty(),
            expected,
            "house {number}, pair {pair}: {engine} and {event_type}: {}",
            explained.summary
        );
        if expected {
            assert_eq!(explained.verdict, Verdict::Runnable, "house {number}, pair {pair}");
        }
        *(if expected { &mut given } else { &mut refused }) += 1;
        match claimed.first() {
            Some(claimed) if house.is(3) => _ = house.harness.fail(claimed).await.unwrap(),
            Some(claimed) if !house.is(6) => _ = house.harness.complete(claimed).await.unwrap(),
            _ => {}
        }
        if house.is(30) {
            house.harness.pass(31.0).await;
        }
    }
    house.harness.close().await;
    (given, refused)
}

/// What has become of an event that does not wait is told too.
#[tokio::test]
async fn every_status_is_explained() {
    let harness = Harness::new();
    let explainer = explainer(&harness, &DispatchConfig::default());
    let explain = async |event_id| explainer.event(event_id, None, harness.clock.wall()).await.unwrap().unwrap();
    let event_id = harness.enqueue(r#"{"event_type":"work"}"#).await;
    let waiting = explain(event_id).await;
    assert_eq!(
        (waiting.verdict, &*waiting.summary),
        (Verdict::Impossible, "no engine is registered that could run it")
    );
    harness.register("sim", "{}").await;
    assert_eq!(explain(event_id).await.verdict, Verdict::Runnable);
    let claimed = harness.claim_one("sim").await;
    let running = explain(event_id).await;
    assert_eq!(running.verdict, Verdict::Running);
    assert!(
        running.summary.starts_with("engine sim processes it since 2027-01-15T08:00:00.000Z, as attempt 1"),
        "{}",
        running.summary
    );
    harness.fail(&claimed).await.unwrap();
    let retry = explain(event_id).await;
    assert_eq!(retry.verdict, Verdict::Waiting);
    assert!(retry.summary.contains("after 1 failed attempt: it broke"), "{}", retry.summary);
    harness.pass(400.0).await;
    harness.heartbeat("sim", &[]).await;
    let claimed = harness.claim_one("sim").await;
    harness.kill(&claimed).await;
    let dead = explain(event_id).await;
    assert_eq!(dead.verdict, Verdict::Finished);
    assert!(dead.summary.contains("it is a dead letter (requested)"), "{}", dead.summary);
    let nobody = harness.event(event_id).await.event.event_id;
    assert_eq!(harness.status(nobody).await, EventStatus::Failed);
    harness.close().await;
}

/// The worst first; and whatever is asked for by page, each lane once.
#[tokio::test]
async fn lanes_that_wait_are_listed_worst_first() {
    let harness = Harness::new();
    let explainer = explainer(&harness, &DispatchConfig::default());
    harness.register("sim", r#"{"resource_limits":{"max_concurrent_events":1}}"#).await;
    for draft in [
        r#"{"event_type":"busy"}"#,
        r#"{"event_type":"paused","queue":"off"}"#,
        r#"{"event_type":"none","required_capabilities":["gpu"]}"#,
        r#"{"event_type":"none-older","required_capabilities":["tpu"]}"#,
        r#"{"event_type":"later","delay_seconds":60}"#,
    ] {
        harness.enqueue(draft).await;
        harness.pass(1.0).await;
    }
    harness
        .execute(ChangeQueue { queue: "off".parse().unwrap(), change: SettingsChange::Pause { reason: None } })
        .await
        .unwrap();
    let list = async |question: LaneQuestion| {
        let mut all = Vec::new();
        let mut question = LaneQuestion { limit: 2, ..question };
        loop {
            let page = explainer.lanes(&question, harness.clock.wall()).await.unwrap();
            assert!(page.lanes.len() <= 2);
            all.extend(page.lanes.into_iter().map(|lane| {
                assert!(lane.head.is_some());
                (lane.counts.lane.key.event_type.to_string(), lane.explanation.verdict)
            }));
            question.after = page.next;
            if question.after.is_none() {
                return all;
            }
        }
    };
    let expected =
        |all: &[(&str, Verdict)]| all.iter().map(|(name, verdict)| ((*name).to_owned(), *verdict)).collect::<Vec<_>>();
    use Verdict::{Blocked, Impossible, Runnable, Waiting};
    let all =
        [("none", Impossible), ("none-older", Impossible), ("paused", Blocked), ("later", Waiting), ("busy", Runnable)];
    assert_eq!(list(LaneQuestion::default()).await, expected(&all));
    let of = LaneQuestion { queue: Some("off".parse().unwrap()), ..LaneQuestion::default() };
    assert_eq!(list(of).await, expected(&all[2..3]));
    let of = LaneQuestion { event_type: Some("busy".parse().unwrap()), ..LaneQuestion::default() };
    assert_eq!(list(of).await, expected(&all[4..]));
    let of = LaneQuestion { verdict: Some(Impossible), ..LaneQuestion::default() };
    assert_eq!(list(of).await, expected(&all[..2]));
    // The engine takes the one that it can: the others wait for it.
    let claimed = harness.claim_one("sim").await;
    harness.enqueue(r#"{"event_type":"busy"}"#).await;
    let of = LaneQuestion { event_type: Some("busy".parse().unwrap()), ..LaneQuestion::default() };
    assert_eq!(list(of).await, expected(&[("busy", Waiting)]));
    let engine =
        explainer.engine(&"sim".parse().unwrap(), &Selectors::default(), harness.clock.wall()).await.unwrap().unwrap();
    let kept: Vec<_> = engine.kept_from.iter().map(|(gate, kept)| (*gate, kept.events)).collect();
    assert_eq!(engine.could_claim, 0);
    assert_eq!(kept, [("capabilities", 2), ("available_at", 1), ("concurrency", 1), ("queue_running", 1)]);
    assert_eq!(engine.would_open[0].0.to_string(), "raise max_concurrent_events of sim to 2");
    assert_eq!(engine.view.held_by(&"sim".parse().unwrap())[0].event_id, claimed.event.event_id);
    assert!(token(&claimed).to_string().len() > 10);
    harness.close().await;
}

/// To whoever asks about the event that has waited long, about one that waits for it, and about the engine.
#[tokio::test]
async fn a_hold_back_is_told_on_both_sides() {
    let harness = Harness::new();
    let explainer = explainer(&harness, &DispatchConfig::default());
    let limits = r#"{"resource_limits":{"memory_limit_mb":100,"max_concurrent_events":10}}"#;
    harness.register_with("e", limits, 0).await;
    let small = r#"{"event_type":"small","priority":9,"required_memory_mb":30}"#;
    harness.try_enqueue(&[small; 20]).await.unwrap();
    // Two of them end after ten seconds each, so that it is known how long they take.
    for _ in 0..2 {
        let claimed = harness.claim_one("e").await;
        harness.pass(10.0).await;
        harness.complete(&claimed).await.unwrap();
    }
    let mut held = harness.claim("e", 3).await;
    let large = harness.enqueue(r#"{"event_type":"large","priority":0,"required_memory_mb":100}"#).await;
    let explain = async |event_id| {
        let engine: EngineId = "e".parse().unwrap();
        explainer.event(event_id, Some(&engine), harness.clock.wall()).await.unwrap().unwrap()
    };
    let opens_at = |explained: &ExplainedEvent| {
        let gates = &explained.waits.as_ref().unwrap().lane.gates;
        gates.iter().find(|gate| gate.gate == "memory").unwrap().opens_at
    };
    let waiting = explain(large).await;
    assert_eq!(waiting.verdict, Verdict::Waiting);
    let opens = opens_at(&waiting).expect("it is known how long the small ones take");
    assert!(opens.since(waiting.as_of) < std::time::Duration::from_secs(12), "{opens}");
    assert!(waiting.waits.unwrap().held_back.is_none());
    for _ in 0..6 {
        harness.pass(10.0).await;
        harness.complete(&held.remove(0)).await.unwrap();
        held.extend(harness.claim("e", 3).await);
    }
    let held_back = explain(large).await;
    let by = held_back.waits.as_ref().unwrap().held_back.as_ref().expect("it has waited long");
    assert_eq!(by.engine_id.as_str(), "e");
    assert!(held_back.summary.contains("e is held back for it since"), "{}", held_back.summary);
    // One of the small ones would fit, as soon as another has ended.
    harness.complete(&held[0]).await.unwrap();
    assert!(harness.claim("e", 3).await.is_empty(), "it is held back");
    let engine =
        explainer.engine(&"e".parse().unwrap(), &Selectors::default(), harness.clock.wall()).await.unwrap().unwrap();
    assert_eq!(engine.could_claim, 0);
    let kept: Vec<_> = engine.kept_from.iter().map(|(gate, kept)| (*gate, kept.events)).collect();
    assert_eq!(kept, [("held_back", 10), ("memory", 1)]);
    assert!(engine.would_open[0].0.to_string().starts_with("let e run event"), "{:?}", engine.would_open);
    harness.close().await;
}
