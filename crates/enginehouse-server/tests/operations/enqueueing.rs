use enginehouse_core::event::EventStatus;
use enginehouse_server::dispatcher::reply::{DispatchError, Refusal};

use crate::harness::{Harness, START, ids};

#[tokio::test]
async fn a_delayed_event_is_claimed_when_it_is_due_and_not_before() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let event = harness.enqueue(r#"{"event_type":"a","delay_seconds":60}"#).await;
    harness.pass(59.999).await;
    assert!(harness.claim("e", 1).await.is_empty());
    harness.pass(0.001).await;
    assert_eq!(ids(&harness.claim("e", 1).await), [event]);
    harness.close().await;
}

#[tokio::test]
async fn a_repeat_with_the_same_key_answers_with_the_same_event() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let draft = r#"{"event_type":"a","idempotency_key":"k","payload":{"n":1},"delay_seconds":0}"#;
    let first = harness.try_enqueue(&[draft]).await.unwrap().remove(0);
    let again = harness.try_enqueue(&[draft, draft]).await.unwrap();
    for repeat in &again {
        assert!(repeat.duplicate && !first.duplicate);
        assert_eq!(repeat.event_id, first.event_id);
    }
    let claimed = harness.claim_one("e").await;
    harness.complete(&claimed).await.unwrap();
    let late = harness.try_enqueue(&[draft]).await.unwrap().remove(0);
    assert_eq!((late.event_id, late.status, late.duplicate), (first.event_id, EventStatus::Completed, true));
    assert_eq!(harness.count().await.0, 1);
    harness.close().await;
}

#[tokio::test]
async fn another_request_with_the_same_key_is_refused_and_adds_nothing() {
    let harness = Harness::new();
    let first = harness.enqueue(r#"{"event_type":"a","idempotency_key":"k"}"#).await;
    let refused = harness
        .try_enqueue(&[r#"{"event_type":"new"}"#, r#"{"event_type":"a","idempotency_key":"k","payload":1}"#])
        .await
        .unwrap_err();
    match refused {
        DispatchError::Refused(Refusal::IdempotencyConflict(conflicts)) => {
            assert_eq!((conflicts.len(), conflicts[0].event_id, conflicts[0].index), (1, first, 1));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(harness.count().await.0, 1, "all or nothing");
    harness.close().await;
}

#[tokio::test]
async fn of_many_callers_with_one_key_at_once_one_adds_the_event() {
    let harness = Harness::new();
    let draft = [r#"{"event_type":"a","idempotency_key":"k"}"#];
    let enqueued = futures_util::future::join_all((0..32).map(|_| harness.try_enqueue(&draft))).await;
    let enqueued: Vec<_> = enqueued.into_iter().map(|enqueued| enqueued.unwrap().remove(0)).collect();
    assert!(enqueued.iter().all(|one| one.event_id == enqueued[0].event_id));
    assert_eq!(enqueued.iter().filter(|one| !one.duplicate).count(), 1);
    harness.close().await;
}

#[tokio::test]
async fn a_refused_request_spares_its_neighbours() {
    let harness = Harness::new();
    harness.enqueue(r#"{"event_type":"a","idempotency_key":"k"}"#).await;
    let (good, bad) =
        (r#"{"event_type":"b","idempotency_key":"other"}"#, r#"{"event_type":"b","idempotency_key":"k"}"#);
    let both = [good, bad];
    let (bad, good) = tokio::join!(harness.try_enqueue(&both), harness.try_enqueue(&both[..1]));
    assert!(bad.is_err());
    assert!(!good.unwrap()[0].duplicate, "the refused request left no key behind");
    harness.close().await;
}

#[tokio::test]
async fn a_producer_learns_that_no_engine_could_ever_serve_an_event() {
    let harness = Harness::new();
    let servable = async |draft: &str| harness.try_enqueue(&[draft]).await.unwrap()[0].servable;
    let gpu = r#"{"event_type":"a","required_capabilities":["gpu"]}"#;
    assert!(!servable(gpu).await, "no engine at all");
    harness.register("e", r#"{"capabilities":["gpu"],"resource_limits":{"memory_limit_mb":512}}"#).await;
    assert!(servable(gpu).await);
    assert!(!servable(r#"{"event_type":"a","required_memory_mb":1024}"#).await);
    harness.close().await;
}

#[tokio::test]
async fn ids_rise_in_the_order_of_enqueue() {
    let harness = Harness::new();
    let ids = harness.enqueue_many(1_000).await;
    assert!(ids.is_sorted());
    assert_eq!(harness.event(ids[0]).await.event.enqueued_at, START);
    harness.close().await;
}
