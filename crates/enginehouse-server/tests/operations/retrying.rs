//! What one engine has failed, another one retries: if there is one, and for as long as that is asked.

use std::time::Duration;

use enginehouse_core::access::session::SessionProof;
use enginehouse_core::explain::Verdict;
use enginehouse_core::ids::EventId;
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::dispatcher::engines::Drain;
use enginehouse_server::dispatcher::event_actions::EventAction;
use enginehouse_server::explain::Explainer;

use crate::harness::{Harness, ids, waiting_claim};

/// An event whose retries wait for nothing but another engine.
async fn enqueue(harness: &Harness, field: &str) -> EventId {
    let policy = format!(r#"{{"max_retries":9,"retry_delay":{{"initial":0}}{field}}}"#);
    harness.enqueue(&format!(r#"{{"event_type":"work","retry_policy":{policy}}}"#)).await
}

/// Engines that never have to send a heartbeat.
async fn fleet(engines: &[&str]) -> Harness {
    let harness = Harness::new();
    for engine in engines {
        harness.register_with(engine, "{}", 0).await;
    }
    harness
}

async fn fail(harness: &Harness, engine: &str) {
    harness.fail(&harness.claim_one(engine).await).await.unwrap();
}

#[tokio::test]
async fn another_engine_is_preferred_for_half_a_minute_from_when_the_first_one_asks_again() {
    let harness = fleet(&["a", "b"]).await;
    let event_id = enqueue(&harness, "").await;
    fail(&harness, "a").await;
    // However long it has been due.
    harness.pass(600.0).await;
    assert!(harness.claim("a", 9).await.is_empty());
    harness.pass(29.9).await;
    assert!(harness.claim("a", 9).await.is_empty());
    harness.pass(0.1).await;
    assert_eq!(ids(&harness.claim("a", 9).await), [event_id]);
    harness.close().await;
}

#[tokio::test]
async fn another_engine_is_given_it_at_once_and_what_else_waits_is_nobody_kept_from() {
    let harness = fleet(&["a", "b"]).await;
    let first = enqueue(&harness, "").await;
    fail(&harness, "a").await;
    let second = enqueue(&harness, "").await;
    assert_eq!(ids(&harness.claim("a", 9).await), [second]);
    assert_eq!(ids(&harness.claim("b", 9).await), [first]);
    harness.close().await;
}

#[tokio::test]
async fn an_engine_that_is_the_only_one_retries_it_itself() {
    for field in ["", r#","retry_elsewhere":"off""#] {
        let harness = fleet(&["a", "draining"]).await;
        harness.register_with("other", r#"{"capabilities":["gpu"]}"#, 10).await;
        let drain = Drain {
            engine_id: "draining".parse().unwrap(),
            stop_when_drained: false,
            epoch: None,
            session: SessionProof::default(),
        };
        harness.execute(drain).await.unwrap();
        // One is lost, one drains, and nobody else is there.
        harness.pass(60.0).await;
        let event_id = enqueue(&harness, field).await;
        fail(&harness, "a").await;
        assert_eq!(ids(&harness.claim("a", 9).await), [event_id], "{field}");
        harness.close().await;
    }
}

#[tokio::test]
async fn where_another_engine_is_required_those_that_failed_it_never_have_it_until_it_is_redriven() {
    let harness = fleet(&["a", "b"]).await;
    let event_id = enqueue(&harness, r#","retry_elsewhere":"require""#).await;
    let explainer = Explainer::new(harness.store.clone(), &DispatchConfig::default(), &harness.dispatcher);
    let explain = async || {
        let explained = explainer.event(event_id, None, harness.clock_now()).await.unwrap().unwrap();
        (explained.verdict, explained.summary, explained.waits.unwrap().lane.smallest_change)
    };
    fail(&harness, "a").await;
    assert_eq!(explain().await.0, Verdict::Runnable);
    fail(&harness, "b").await;
    harness.pass(3_600.0).await;
    assert!(harness.claim("a", 9).await.is_empty() && harness.claim("b", 9).await.is_empty());
    let (verdict, summary, change) = explain().await;
    assert_eq!(
        (verdict, &*summary),
        (
            Verdict::Blocked,
            "2 engines fit, and none may retry it: 2 that failed it before; a: the engine has failed the event, and \
             retry_elsewhere requires another one"
        )
    );
    assert_eq!(change[0].to_string(), "set retry_elsewhere to off, so that a may retry what it has failed");
    harness.register_with("c", "{}", 0).await;
    let claimed = harness.claim_one("c").await;
    harness.kill(&claimed).await;
    harness.act(event_id, EventAction::Redrive { changes: Box::default(), dead_letter: true }).await.unwrap();
    assert_eq!(ids(&harness.claim("a", 9).await), [event_id], "a person has given it a fresh start");
    harness.close().await;
}

#[tokio::test]
async fn a_claim_that_waits_is_woken_for_what_the_others_have_failed() {
    let harness = fleet(&["a", "b", "c"]).await;
    let event_id = enqueue(&harness, "").await;
    fail(&harness, "a").await;
    fail(&harness, "b").await;
    let wait = async |engine, others| {
        harness.until_waiting(others).await;
        harness.try_claim(engine, 1, waiting_claim(1)).await.unwrap()
    };
    // Both have waited longer than the third one, and are passed over.
    let rest = async {
        harness.until_waiting(2).await;
        assert_eq!(ids(&wait("c", 2).await), [event_id]);
        harness.enqueue_many(2).await
    };
    let (a, b, second) = tokio::join!(wait("a", 0), wait("b", 1), rest);
    assert_eq!([ids(&a), ids(&b)].concat(), second);
    harness.close().await;
}

#[tokio::test]
async fn of_claims_that_wait_the_first_that_has_not_failed_an_event_is_woken_when_it_becomes_due() {
    let harness = fleet(&["a", "b"]).await;
    let policy = r#"{"retry_delay":{"initial":30,"jitter":0}}"#;
    let event_id = harness.enqueue(&format!(r#"{{"event_type":"work","retry_policy":{policy}}}"#)).await;
    fail(&harness, "a").await;
    let first = async { harness.try_claim("a", 1, waiting_claim(1)).await.unwrap() };
    let second = async {
        harness.until_waiting(1).await;
        harness.try_claim("b", 1, waiting_claim(1)).await.unwrap()
    };
    let rest = async {
        harness.until_waiting(2).await;
        harness.pass(30.0).await;
        harness.until_waiting(1).await;
        assert!(harness.until_waiting_is(1).await);
        harness.enqueue_many(1).await
    };
    let (first, second, enqueued) = tokio::join!(first, second, rest);
    assert_eq!((ids(&second), ids(&first)), (vec![event_id], enqueued));
    harness.close().await;
}

#[tokio::test]
async fn a_claim_that_waits_is_given_what_its_engine_has_failed_once_nobody_else_has_come_for_it() {
    let harness = fleet(&["a", "b"]).await;
    let event_id = enqueue(&harness, "").await;
    fail(&harness, "a").await;
    let wait = async { harness.try_claim("a", 1, waiting_claim(1)).await.unwrap() };
    let rest = async {
        harness.until_waiting(1).await;
        harness.pass(29.0).await;
        assert!(harness.until_waiting_is(1).await);
        harness.pass(1.0).await;
    };
    let (given, ()) = tokio::join!(wait, rest);
    assert_eq!(ids(&given), [event_id]);
    assert!(harness.dispatcher.retry_waits().since(event_id).is_none(), "it does not wait any more");
    harness.close().await;
}

#[tokio::test]
async fn a_sick_engine_does_not_eat_the_retries() {
    let harness = fleet(&["sick", "b", "c"]).await;
    let mut events = Vec::new();
    for _ in 0..20 {
        events.push(enqueue(&harness, "").await);
    }
    // It fails at once, and asks again, as fast as it can; the others do one event each meanwhile.
    let mut failures = 0;
    for _ in 0..40 {
        for _ in 0..3 {
            for claimed in harness.claim("sick", 1).await {
                failures += 1;
                harness.fail(&claimed).await.unwrap();
            }
        }
        for engine in ["b", "c"] {
            for claimed in harness.claim(engine, 1).await {
                harness.complete(&claimed).await.unwrap();
            }
        }
        harness.clock.advance(Duration::from_millis(100));
    }
    assert!(failures <= 20, "it fails each event once: {failures} failures");
    for event_id in events {
        assert_eq!(harness.status(event_id).await, enginehouse_core::event::EventStatus::Completed);
    }
    harness.close().await;
}
