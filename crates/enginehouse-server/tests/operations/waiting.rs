use enginehouse_server::dispatcher::commands::{Failure, Refusal};

use crate::house::{House, claim, ids, waiting_claim};

#[tokio::test]
async fn a_claim_that_waits_is_handed_an_event_with_the_commit_of_its_enqueue() {
    let house = House::new();
    house.register("e", "{}").await;
    let commits_before = house.seen.commits.load(std::sync::atomic::Ordering::SeqCst);
    let waiting = house.try_claim("e", 1, waiting_claim(3));
    let enqueuing = async {
        house.until_waiting(1).await;
        house.enqueue_many(1).await
    };
    let (claimed, enqueued) = tokio::join!(waiting, enqueuing);
    assert_eq!(ids(&claimed.unwrap()), enqueued);
    let commits = house.seen.commits.load(std::sync::atomic::Ordering::SeqCst) - commits_before;
    assert_eq!(commits, 2, "one for the claim that found nothing, one for the enqueue and the claim together");
    house.close().await;
}

#[tokio::test]
async fn as_many_waiters_wake_as_there_are_events_the_oldest_first() {
    let house = House::new();
    for engine in ["e1", "e2", "e3"] {
        house.register(engine, "{}").await;
    }
    let first = async { house.try_claim("e1", 1, waiting_claim(1)).await.unwrap() };
    let second = async {
        house.until_waiting(1).await;
        house.try_claim("e2", 1, waiting_claim(1)).await.unwrap()
    };
    let third = async {
        house.until_waiting(2).await;
        house.try_claim("e3", 1, waiting_claim(1)).await.unwrap()
    };
    let enqueuing = async {
        house.until_waiting(3).await;
        let two = house.enqueue_many(2).await;
        house.until_waiting(1).await;
        (two, house.enqueue_many(1).await)
    };
    let (first, second, third, (two, one)) = tokio::join!(first, second, third, enqueuing);
    assert_eq!((ids(&first), ids(&second), ids(&third)), (vec![two[0]], vec![two[1]], one));
    house.close().await;
}

#[tokio::test]
async fn a_waiter_that_cannot_serve_an_event_leaves_it_to_a_younger_one() {
    let house = House::new();
    house.register("plain", "{}").await;
    house.register("gpu", r#"{"capabilities":["gpu"]}"#).await;
    let plain = house.try_claim("plain", 1, waiting_claim(1));
    let able = async {
        house.until_waiting(1).await;
        house.try_claim("gpu", 1, waiting_claim(1)).await.unwrap()
    };
    let enqueuing = async {
        house.until_waiting(2).await;
        let event = house.enqueue(r#"{"event_type":"a","required_capabilities":["gpu"]}"#).await;
        house.until_waiting(1).await;
        house.enqueue_many(1).await;
        event
    };
    let (plain, able, event) = tokio::join!(plain, able, enqueuing);
    assert_eq!((ids(&able), plain.unwrap().len()), (vec![event], 1));
    house.close().await;
}

#[tokio::test]
async fn a_claim_that_waits_is_handed_an_event_that_comes_due() {
    let house = House::new();
    house.register_with("e", "{}", 0).await;
    let event = house.enqueue(r#"{"event_type":"a","delay_seconds":100}"#).await;
    let waiting = house.try_claim("e", 1, waiting_claim(1));
    let passing = async {
        house.until_waiting(1).await;
        house.pass(99.0).await;
        house.until_waiting(1).await;
        house.pass(1.0).await;
    };
    let (claimed, ()) = tokio::join!(waiting, passing);
    assert_eq!(ids(&claimed.unwrap()), [event]);
    house.close().await;
}

#[tokio::test]
async fn a_claim_that_waits_gets_what_its_engine_has_room_for_again() {
    let house = House::new();
    house.register("e", r#"{"resource_limits":{"max_concurrent_events":1}}"#).await;
    let enqueued = house.enqueue_many(2).await;
    let first = house.claim_one("e").await;
    let waiting = house.try_claim("e", 1, waiting_claim(1));
    let settling = async {
        house.until_waiting(1).await;
        house.complete(&first).await.unwrap();
    };
    let (claimed, ()) = tokio::join!(waiting, settling);
    assert_eq!(ids(&claimed.unwrap()), enqueued[1..]);
    house.close().await;
}

#[tokio::test]
async fn a_client_that_has_gone_leaves_nothing_locked() {
    let house = House::new();
    house.register("gone", "{}").await;
    house.register("here", "{}").await;
    {
        let waiting = house.try_claim("gone", 1, waiting_claim(1));
        tokio::pin!(waiting);
        tokio::select! {
            _ = &mut waiting => panic!("there is nothing to claim"),
            () = house.until_waiting(1) => {}
        }
    }
    let enqueued = house.enqueue_many(1).await;
    assert_eq!(ids(&house.claim("here", 1).await), enqueued);
    house.close().await;
}

#[tokio::test]
async fn a_waiting_claim_of_an_older_epoch_is_refused() {
    let house = House::new();
    house.register("e", "{}").await;
    let waiting = house.try_claim("e", 1, waiting_claim(1));
    let registering = async {
        house.until_waiting(1).await;
        house.register("e", "{}").await;
    };
    let (refused, ()) = tokio::join!(waiting, registering);
    assert!(matches!(refused, Err(Failure::Refused(Refusal::EngineSuperseded { .. }))));
    house.close().await;
}

#[tokio::test]
async fn a_shutdown_answers_waiting_claims_with_nothing_and_accepts_no_more() {
    let house = House::new();
    house.register("e", "{}").await;
    let waiting = house.try_claim("e", 1, waiting_claim(1));
    let stopping = async {
        house.until_waiting(1).await;
        house.dispatcher.shut_down();
    };
    let (claimed, ()) = tokio::join!(waiting, stopping);
    assert!(claimed.unwrap().is_empty());
    assert!(matches!(house.try_claim("e", 1, claim(1)).await, Err(Failure::ShuttingDown)));
}
