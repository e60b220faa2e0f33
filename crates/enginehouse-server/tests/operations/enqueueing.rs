use std::sync::Arc;

use enginehouse_core::event::EventStatus;
use enginehouse_server::dispatcher::release_key::ReleaseKey;
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
async fn a_key_makes_a_new_event_once_its_window_is_over() {
    let harness = Harness::new();
    let draft = |event_type: &str| {
        format!(r#"{{"event_type":"{event_type}","idempotency_key":"k","idempotency_window_seconds":60}}"#)
    };
    let first = harness.enqueue(&draft("a")).await;
    harness.pass(59.999).await;
    assert!(harness.try_enqueue(&[&draft("a")]).await.unwrap()[0].duplicate);
    assert!(harness.try_enqueue(&[&draft("b")]).await.is_err(), "another request is refused until then");
    harness.pass(0.001).await;
    let enqueued = harness.try_enqueue(&[&draft("b"), &draft("b")]).await.unwrap();
    assert!(!enqueued[0].duplicate && enqueued[1].duplicate);
    assert_eq!(enqueued[0].event_id, enqueued[1].event_id);
    let (old, new) = (harness.event(first).await.event, harness.event(enqueued[0].event_id).await.event);
    assert_eq!((old.idempotency_key, old.idempotency_key_expires_at), (None, None));
    assert_eq!(old.state.status, EventStatus::Queued, "the old event is still to be done");
    assert_eq!(new.idempotency_key_expires_at, Some(new.enqueued_at + std::time::Duration::from_secs(60)));
    harness.close().await;
}

#[tokio::test]
async fn a_refused_batch_takes_no_key_over() {
    let harness = Harness::new();
    let windowed = r#"{"event_type":"a","idempotency_key":"w","idempotency_window_seconds":1}"#;
    let first = harness.enqueue(windowed).await;
    harness.enqueue(r#"{"event_type":"a","idempotency_key":"k"}"#).await;
    harness.pass(1.0).await;
    let taken = r#"{"event_type":"b","idempotency_key":"k"}"#;
    assert!(harness.try_enqueue(&[windowed, taken]).await.is_err());
    assert_eq!(harness.event(first).await.event.idempotency_key.as_deref(), Some("w"));
    assert!(!harness.try_enqueue(&[windowed]).await.unwrap()[0].duplicate);
    harness.close().await;
}

#[tokio::test]
async fn a_released_key_makes_a_new_event_and_the_old_one_stays() {
    let harness = Harness::new();
    let release = async || harness.execute(ReleaseKey { idempotency_key: "k".into(), within: Arc::default() }).await;
    let draft = r#"{"event_type":"a","idempotency_key":"k"}"#;
    assert!(matches!(release().await, Err(DispatchError::Refused(Refusal::NoSuchKey(_)))));
    let first = harness.enqueue(draft).await;
    assert_eq!(release().await.unwrap(), first);
    assert!(matches!(release().await, Err(DispatchError::Refused(Refusal::NoSuchKey(_)))), "nobody has it");
    let second = harness.try_enqueue(&[draft]).await.unwrap().remove(0);
    assert!(!second.duplicate);
    assert_eq!(harness.event(first).await.event.state.status, EventStatus::Queued);
    harness.close().await;
}

#[tokio::test]
async fn a_key_whose_window_is_over_is_nobodys() {
    let harness = Harness::new();
    let draft = r#"{"event_type":"a","idempotency_key":"k","idempotency_window_seconds":60}"#;
    let first = harness.enqueue(draft).await;
    harness.pass(60.0).await;
    let released = harness.execute(ReleaseKey { idempotency_key: "k".into(), within: Arc::default() }).await;
    assert!(matches!(released, Err(DispatchError::Refused(Refusal::NoSuchKey(_)))));
    assert_ne!(harness.enqueue(draft).await, first);
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
    let servable = async |draft: &str| harness.try_enqueue(&[draft]).await.unwrap()[0].miss.is_none();
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
