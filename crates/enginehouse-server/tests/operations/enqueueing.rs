use enginehouse_core::event::EventStatus;
use enginehouse_server::dispatcher::commands::{Failure, Refusal};

use crate::house::{House, START, ids};

#[tokio::test]
async fn a_delayed_event_is_claimed_when_it_is_due_and_not_before() {
    let house = House::new();
    house.register_with("e", "{}", 0).await;
    let event = house.enqueue(r#"{"event_type":"a","delay_seconds":60}"#).await;
    house.pass(59.999).await;
    assert!(house.claim("e", 1).await.is_empty());
    house.pass(0.001).await;
    assert_eq!(ids(&house.claim("e", 1).await), [event]);
    house.close().await;
}

#[tokio::test]
async fn a_repeat_with_the_same_key_answers_with_the_same_event() {
    let house = House::new();
    house.register("e", "{}").await;
    let draft = r#"{"event_type":"a","idempotency_key":"k","payload":{"n":1},"delay_seconds":0}"#;
    let first = house.try_enqueue(&[draft]).await.unwrap().remove(0);
    let again = house.try_enqueue(&[draft, draft]).await.unwrap();
    for repeat in &again {
        assert!(repeat.duplicate && !first.duplicate);
        assert_eq!(repeat.event_id, first.event_id);
    }
    let claimed = house.claim_one("e").await;
    house.complete(&claimed).await.unwrap();
    let late = house.try_enqueue(&[draft]).await.unwrap().remove(0);
    assert_eq!((late.event_id, late.status, late.duplicate), (first.event_id, EventStatus::Completed, true));
    assert_eq!(house.count().await.0, 1);
    house.close().await;
}

#[tokio::test]
async fn another_request_with_the_same_key_is_refused_and_adds_nothing() {
    let house = House::new();
    let first = house.enqueue(r#"{"event_type":"a","idempotency_key":"k"}"#).await;
    let refused = house
        .try_enqueue(&[r#"{"event_type":"new"}"#, r#"{"event_type":"a","idempotency_key":"k","payload":1}"#])
        .await
        .unwrap_err();
    match refused {
        Failure::Refused(Refusal::IdempotencyConflict { event_id, place, .. }) => {
            assert_eq!((event_id, place), (first, 1))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(house.count().await.0, 1, "all or nothing");
    house.close().await;
}

#[tokio::test]
async fn of_many_callers_with_one_key_at_once_one_adds_the_event() {
    let house = House::new();
    let draft = [r#"{"event_type":"a","idempotency_key":"k"}"#];
    let enqueued = futures_util::future::join_all((0..32).map(|_| house.try_enqueue(&draft))).await;
    let enqueued: Vec<_> = enqueued.into_iter().map(|enqueued| enqueued.unwrap().remove(0)).collect();
    assert!(enqueued.iter().all(|one| one.event_id == enqueued[0].event_id));
    assert_eq!(enqueued.iter().filter(|one| !one.duplicate).count(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_refused_request_spares_its_neighbours() {
    let house = House::new();
    house.enqueue(r#"{"event_type":"a","idempotency_key":"k"}"#).await;
    let (good, bad) =
        (r#"{"event_type":"b","idempotency_key":"other"}"#, r#"{"event_type":"b","idempotency_key":"k"}"#);
    let both = [good, bad];
    let (bad, good) = tokio::join!(house.try_enqueue(&both), house.try_enqueue(&both[..1]));
    assert!(bad.is_err());
    assert!(!good.unwrap()[0].duplicate, "the refused request left no key behind");
    house.close().await;
}

#[tokio::test]
async fn a_producer_learns_that_no_engine_could_ever_serve_an_event() {
    let house = House::new();
    let servable = async |draft: &str| house.try_enqueue(&[draft]).await.unwrap()[0].servable;
    let gpu = r#"{"event_type":"a","required_capabilities":["gpu"]}"#;
    assert!(!servable(gpu).await, "no engine at all");
    house.register("e", r#"{"capabilities":["gpu"],"resource_limits":{"memory_limit_mb":512}}"#).await;
    assert!(servable(gpu).await);
    assert!(!servable(r#"{"event_type":"a","required_memory_mb":1024}"#).await);
    house.close().await;
}

#[tokio::test]
async fn ids_rise_in_the_order_of_enqueue() {
    let house = House::new();
    let ids = house.enqueue_many(1_000).await;
    assert!(ids.is_sorted());
    assert_eq!(house.event(ids[0]).await.event.enqueued_at, START);
    house.close().await;
}
