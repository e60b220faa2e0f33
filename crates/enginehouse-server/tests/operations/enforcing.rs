//! Where that is enforced, an engine that fails what others complete is kept from it for a while, and then tried with one event.

use std::time::Duration;

use enginehouse_core::access::session::SessionProof;
use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::explain::Passage;
use enginehouse_core::policy::Settings;
use enginehouse_core::quarantine::QuarantineMode;
use enginehouse_server::dispatcher::answers::Claimed;
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::dispatcher::engines::{Drain, LiftQuarantine};
use enginehouse_server::dispatcher::settings::{ChangeEventType, SettingsChange};
use enginehouse_server::explain::Explainer;
use enginehouse_server::rng::{Rng, SeededRng};

use crate::ON;
use crate::harness::{Harness, ids, waiting_claim};
use crate::under_test::Kind;

const VERSION: &str = r#"{"engine_software_version":"1.0.0"}"#;

async fn set(harness: &Harness, mode: QuarantineMode) {
    let settings = Settings { quarantine: Some(mode), ..Settings::default() };
    let change = ChangeEventType { event_type: "work".parse().unwrap(), change: SettingsChange::Replace(settings) };
    harness.execute(change).await.unwrap();
}

/// So many engines that never have to send a heartbeat: `e0`, `e1`, and so on.
async fn fleet(engines: usize) -> Harness {
    let harness = Harness::new();
    set(&harness, QuarantineMode::Enforce).await;
    for number in 0..engines {
        harness.register_with(&format!("e{number}"), VERSION, 0).await;
    }
    harness
}

async fn engine(harness: &Harness, name: &str) -> RegisteredEngine {
    harness.store.engine(&name.parse().unwrap()).await.unwrap().expect("it is registered").0
}

/// Whether an engine is kept from all events, or tried with one of them.
async fn is_quarantined(harness: &Harness, name: &str) -> bool {
    // What follows from the last answer is done by then.
    harness.dispatcher.sweep().await.unwrap();
    engine(harness, name).await.automatic_quarantines.iter().any(|quarantine| quarantine.over_at.is_none())
}

/// One round of work, in which every engine is given one event, in an order that chance decides. Answers how often one failed.
async fn round(harness: &Harness, rng: &mut SeededRng, engines: usize, fails: impl Fn(usize) -> bool) -> usize {
    let waiting =
        (0..engines).map(|_| r#"{"event_type":"work","retry_policy":{"max_retries":9,"retry_delay":{"initial":0}}}"#);
    harness.try_enqueue(&waiting.collect::<Vec<_>>()).await.unwrap();
    let mut order: Vec<_> = (0..engines).collect();
    order.sort_by_cached_key(|_| (rng.unit() * 1e9) as u64);
    let mut failed = 0;
    for number in order {
        for claimed in harness.claim(&format!("e{number}"), 1).await {
            if fails(number) {
                failed += 1;
                harness.fail(&claimed).await.unwrap();
            } else {
                harness.complete(&claimed).await.unwrap();
            }
        }
    }
    failed
}

/// A fleet of twenty whose first engine is in its first quarantine.
async fn with_a_bad_one() -> Harness {
    let harness = fleet(20).await;
    let mut rng = SeededRng::from_seed(1);
    for _ in 0..12 {
        round(&harness, &mut rng, 20, |number| number == 0).await;
    }
    assert!(is_quarantined(&harness, "e0").await);
    // What is left is of no use here.
    while !harness.claim("e1", 100).await.is_empty() {}
    harness
}

/// Enqueues as many, and has one engine claim as many as it is given.
async fn given(harness: &Harness, name: &str, events: usize) -> Vec<Claimed> {
    harness.enqueue_many(events).await;
    harness.claim(name, 100).await
}

#[tokio::test]
async fn one_bad_engine_of_twenty_fails_ten_events_at_most_and_no_other_is_touched() {
    // 8,000 transactions each: half a minute where each is a few round trips.
    let seeds = if ON == Kind::Postgres { 1 } else { 2 };
    for seed in 0..seeds {
        let harness = fleet(20).await;
        let mut rng = SeededRng::from_seed(seed);
        let mut failed = 0;
        for _ in 0..100 {
            failed += round(&harness, &mut rng, 20, |number| number == 0).await;
            harness.clock.advance(Duration::from_secs(1));
        }
        assert!((5..=10).contains(&failed), "seed {seed}: {failed} events");
        assert!(is_quarantined(&harness, "e0").await);
        let [quarantine] = &engine(&harness, "e0").await.automatic_quarantines[..] else { panic!("one") };
        assert_eq!(quarantine.times, 2, "it was tried once: {quarantine:?}");
        assert!(quarantine.reason.starts_with("engine e0 at work failed "), "{}", quarantine.reason);
        for number in 1..20 {
            assert!(!is_quarantined(&harness, &format!("e{number}")).await, "seed {seed}: e{number}");
        }
        assert_eq!(harness.count().await.1, 0, "no event is lost to it");
        harness.close().await;
    }
}

#[tokio::test]
async fn no_more_than_a_fifth_is_quarantined_and_of_fewer_than_five_nobody() {
    for (engines, bad, most) in [(20, 6, 4), (10, 3, 2), (4, 1, 0)] {
        let harness = fleet(engines).await;
        let mut rng = SeededRng::from_seed(7);
        for _ in 0..40 {
            round(&harness, &mut rng, engines, |number| number < bad).await;
        }
        let mut quarantined = 0;
        for number in 0..engines {
            quarantined += usize::from(is_quarantined(&harness, &format!("e{number}")).await);
        }
        assert_eq!(quarantined, most, "{bad} bad ones of {engines}");
        harness.close().await;
    }
}

#[tokio::test]
async fn what_nobody_can_do_quarantines_nobody() {
    let harness = fleet(10).await;
    let mut rng = SeededRng::from_seed(3);
    for _ in 0..20 {
        round(&harness, &mut rng, 10, |_| true).await;
    }
    for number in 0..10 {
        assert!(!is_quarantined(&harness, &format!("e{number}")).await, "e{number}");
    }
    harness.close().await;
}

#[tokio::test]
async fn after_its_time_an_engine_is_tried_with_one_event_and_waits_twice_as_long_if_it_fails() {
    let harness = with_a_bad_one().await;
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert!(given(&harness, "e0", 3).await.is_empty());
        harness.pass(f64::from(minutes) * 60.0 - 1.0).await;
        assert!(harness.claim("e0", 100).await.is_empty(), "{minutes} minutes are not over");
        harness.pass(1.0).await;
        let tried = harness.claim("e0", 100).await;
        assert_eq!(tried.len(), 1);
        assert!(harness.claim("e0", 100).await.is_empty(), "it holds what it is tried with");
        harness.fail(&tried[0]).await.unwrap();
    }
    harness.pass(3_600.0).await;
    let tried = harness.claim_one("e0").await;
    harness.complete(&tried).await.unwrap();
    assert!(!is_quarantined(&harness, "e0").await);
    assert!(given(&harness, "e0", 3).await.len() >= 3, "it has shown that it can do it");
    assert_eq!(harness.dispatcher.suspects().all(harness.clock_now()), []);
    harness.close().await;
}

#[tokio::test]
async fn a_quarantine_outlasts_a_restart_and_ends_with_another_version_or_when_it_is_lifted() {
    let harness = with_a_bad_one().await;
    let harness = harness.restart_after(1.0);
    assert!(given(&harness, "e0", 3).await.is_empty());
    harness.execute(LiftQuarantine("e0".parse().unwrap())).await.unwrap();
    assert_eq!(harness.claim("e0", 100).await.len(), 3);
    assert_eq!(engine(&harness, "e0").await.automatic_quarantines, []);
    harness.close().await;

    let harness = with_a_bad_one().await;
    let epoch = harness.register_with("e0", VERSION, 0).await;
    harness.enqueue_many(3).await;
    let claim = async |epoch| harness.try_claim("e0", epoch, crate::harness::claim(100)).await.unwrap();
    assert!(claim(epoch).await.is_empty(), "it is the same software");
    let epoch = harness.register_with("e0", r#"{"engine_software_version":"1.0.1"}"#, 0).await;
    assert_eq!(claim(epoch).await.len(), 3);
    harness.close().await;
}

#[tokio::test]
async fn it_holds_only_where_it_is_enforced_and_only_while_another_engine_is_left() {
    let harness = with_a_bad_one().await;
    assert!(given(&harness, "e0", 3).await.is_empty());
    set(&harness, QuarantineMode::Advise).await;
    assert_eq!(harness.claim("e0", 1).await.len(), 1);
    set(&harness, QuarantineMode::Enforce).await;
    assert!(harness.claim("e0", 1).await.is_empty());
    harness.enqueue(r#"{"event_type":"other"}"#).await;
    assert_eq!(harness.claim("e0", 100).await.len(), 1, "it is for one event type");
    for number in 1..20 {
        let engine_id = format!("e{number}").parse().unwrap();
        harness
            .execute(Drain { engine_id, stop_when_drained: false, epoch: None, session: SessionProof::default() })
            .await
            .unwrap();
        assert_eq!(harness.claim("e0", 100).await.len(), if number == 19 { 2 } else { 0 }, "{number} drain");
    }
    harness.close().await;
}

#[tokio::test]
async fn where_it_is_off_nobody_is_suspect() {
    let harness = fleet(20).await;
    set(&harness, QuarantineMode::Off).await;
    let mut rng = SeededRng::from_seed(1);
    for _ in 0..12 {
        round(&harness, &mut rng, 20, |number| number == 0).await;
    }
    assert_eq!(harness.dispatcher.suspects().all(harness.clock_now()), []);
    harness.close().await;
}

#[tokio::test]
async fn claims_that_wait_lose_nothing_by_it() {
    let harness = with_a_bad_one().await;
    let wait = async |name: &str, others| {
        harness.until_waiting(others).await;
        harness.try_claim(name, 1, waiting_claim(1)).await.unwrap()
    };
    let kept = async {
        let tried = wait("e0", 0).await;
        // While it holds that one, what comes is for the other that waits, though this one came first.
        let next = async { harness.try_claim("e0", 1, waiting_claim(1)).await.unwrap() };
        let rest = async {
            harness.until_waiting(1).await;
            let (other, second) = tokio::join!(wait("e1", 1), async {
                harness.until_waiting(2).await;
                harness.enqueue_many(1).await
            });
            assert_eq!(ids(&other), second);
            let third = harness.enqueue_many(1).await;
            assert!(harness.until_waiting_is(1).await, "it is tried with one event at a time");
            harness.complete(&tried[0]).await.unwrap();
            third
        };
        let (next, third) = tokio::join!(next, rest);
        assert_eq!(ids(&next), third);
        ids(&tried)
    };
    let rest = async {
        harness.until_waiting(1).await;
        let first = harness.enqueue_many(1).await;
        assert!(harness.until_waiting_is(1).await, "it is quarantined");
        harness.pass(60.0).await;
        first
    };
    let (tried, first) = tokio::join!(kept, rest);
    assert_eq!(tried, first);
    harness.close().await;
}

#[tokio::test]
async fn an_explanation_says_what_a_suspect_is_kept_from() {
    let harness = with_a_bad_one().await;
    let explainer = Explainer::new(harness.store.clone(), &DispatchConfig::default(), &harness.dispatcher);
    let event_id = harness.enqueue_many(2).await[0];
    let explain = async || {
        let engine_id = "e0".parse().unwrap();
        let explained = explainer.event(event_id, Some(&engine_id), harness.clock_now()).await.unwrap().unwrap();
        let waits = explained.waits.unwrap();
        let gate = waits.lane.gates.iter().find(|gate| gate.gate == "quarantine").unwrap().clone();
        assert_eq!(gate.passage, Passage::Open, "the others can have it");
        (gate.detail, waits.asked_engine.unwrap().fails.iter().map(|(_, why)| why.to_string()).collect::<Vec<_>>())
    };
    let (detail, fails) = explain().await;
    assert_eq!(detail, "19 of 20 engines are in no quarantine for it");
    let until = engine(&harness, "e0").await.automatic_quarantines[0].until;
    assert!(
        fails[0].starts_with(&format!("the engine is quarantined for work until {until}: engine e0 at work failed ")),
        "{fails:?}"
    );
    harness.pass(60.0).await;
    assert_eq!(explain().await.1, [""; 0]);
    // The other one of the two: it is asked about still.
    let other = harness.claim("e1", 1).await;
    assert_eq!(ids(&other), [event_id]);
    harness.complete(&other[0]).await.unwrap();
    harness.claim_one("e0").await;
    let event_id = harness.enqueue_many(1).await[0];
    let engine_id = "e0".parse().unwrap();
    let explained = explainer.event(event_id, Some(&engine_id), harness.clock_now()).await.unwrap().unwrap();
    let near = explained.waits.unwrap().asked_engine.unwrap();
    assert_eq!(
        near.fails[0].1.to_string(),
        "the engine was quarantined for work, and is tried with one event of it at a time"
    );
    assert_eq!(near.change[0].to_string(), "lift the quarantine of engine e0");
    harness.close().await;
}
