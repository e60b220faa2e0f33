use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use enginehouse_server::dispatcher::reply::{DispatchError, Refusal};

use futures_util::future::join_all;

use crate::harness::{Harness, claim, ids, waiting_claim};

#[tokio::test]
async fn a_claim_that_waits_is_handed_an_event_with_the_commit_of_its_enqueue() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let commits_before = harness.seen.commits.load(Ordering::SeqCst);
    let waiting = harness.try_claim("e", 1, waiting_claim(3));
    let enqueuing = async {
        harness.until_waiting(1).await;
        harness.enqueue_many(1).await
    };
    let (claimed, enqueued) = tokio::join!(waiting, enqueuing);
    assert_eq!(ids(&claimed.unwrap()), enqueued);
    let commits = harness.seen.commits.load(Ordering::SeqCst) - commits_before;
    assert_eq!(commits, 2, "one for the claim that found nothing, one for the enqueue and the claim together");
    harness.close().await;
}

#[tokio::test]
async fn as_many_waiters_wake_as_there_are_events_the_oldest_first() {
    let harness = Harness::new();
    for engine in ["e1", "e2", "e3"] {
        harness.register(engine, "{}").await;
    }
    let first = async { harness.try_claim("e1", 1, waiting_claim(1)).await.unwrap() };
    let second = async {
        harness.until_waiting(1).await;
        harness.try_claim("e2", 1, waiting_claim(1)).await.unwrap()
    };
    let third = async {
        harness.until_waiting(2).await;
        harness.try_claim("e3", 1, waiting_claim(1)).await.unwrap()
    };
    let enqueuing = async {
        harness.until_waiting(3).await;
        // Claims that look again, because another transaction ran beside theirs, have done so.
        harness.pass(0.0).await;
        let two = harness.enqueue_many(2).await;
        harness.until_waiting(1).await;
        (two, harness.enqueue_many(1).await)
    };
    let (first, second, third, (two, one)) = tokio::join!(first, second, third, enqueuing);
    assert_eq!((ids(&first), ids(&second), ids(&third)), (vec![two[0]], vec![two[1]], one));
    harness.close().await;
}

#[tokio::test]
async fn a_waiter_that_cannot_serve_an_event_leaves_it_to_a_younger_one() {
    let harness = Harness::new();
    harness.register("plain", "{}").await;
    harness.register("gpu", r#"{"capabilities":["gpu"]}"#).await;
    let plain = harness.try_claim("plain", 1, waiting_claim(1));
    let able = async {
        harness.until_waiting(1).await;
        harness.try_claim("gpu", 1, waiting_claim(1)).await.unwrap()
    };
    let enqueuing = async {
        harness.until_waiting(2).await;
        let event = harness.enqueue(r#"{"event_type":"a","required_capabilities":["gpu"]}"#).await;
        harness.until_waiting(1).await;
        harness.enqueue_many(1).await;
        event
    };
    let (plain, able, event) = tokio::join!(plain, able, enqueuing);
    assert_eq!((ids(&able), plain.unwrap().len()), (vec![event], 1));
    harness.close().await;
}

#[tokio::test]
async fn claims_that_wait_are_looked_at_a_few_times_for_each_event_and_then_no_more() {
    const ENGINES: usize = 100;
    const EVENTS: usize = 200;
    let harness = Harness::new();
    let done = AtomicUsize::new(0);
    let engines = join_all((0..ENGINES).map(async |number| {
        let name = format!("e{number}");
        harness.register(&name, "{}").await;
        while let Some(claimed) = harness.try_claim(&name, 1, waiting_claim(1)).await.unwrap().pop() {
            harness.complete(&claimed).await.unwrap();
            done.fetch_add(1, Ordering::SeqCst);
        }
    }));
    let producer = async {
        harness.until_waiting(ENGINES).await;
        let chores = || harness.seen.chores.load(Ordering::SeqCst);
        let before = chores();
        for _ in 0..EVENTS {
            harness.enqueue_many(1).await;
        }
        harness.until_waiting(ENGINES).await;
        let looks = chores() - before;
        assert!(looks <= 3 * EVENTS, "{looks} transactions looked for events, of which there were {EVENTS}");
        let mut interval = tokio::time::interval(Duration::from_millis(100));
        interval.tick().await;
        loop {
            let before = chores();
            interval.tick().await;
            // A store that others share is looked at now and then in any case.
            if chores() - before < 10 {
                break;
            }
        }
        harness.dispatcher.shut_down();
    };
    let all = async { tokio::join!(engines, producer) };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("claims are looked at again and again");
    assert_eq!(done.load(Ordering::SeqCst), EVENTS);
}

#[tokio::test]
async fn a_claim_that_waits_is_handed_an_event_that_comes_due() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let event = harness.enqueue(r#"{"event_type":"a","delay_seconds":100}"#).await;
    let waiting = harness.try_claim("e", 1, waiting_claim(1));
    let passing = async {
        harness.until_waiting(1).await;
        harness.pass(99.0).await;
        harness.until_waiting(1).await;
        harness.pass(1.0).await;
    };
    let (claimed, ()) = tokio::join!(waiting, passing);
    assert_eq!(ids(&claimed.unwrap()), [event]);
    harness.close().await;
}

#[tokio::test]
async fn a_claim_that_waits_gets_what_its_engine_has_room_for_again() {
    let harness = Harness::new();
    harness.register("e", r#"{"resource_limits":{"max_concurrent_events":1}}"#).await;
    let enqueued = harness.enqueue_many(2).await;
    let first = harness.claim_one("e").await;
    let waiting = harness.try_claim("e", 1, waiting_claim(1));
    let settling = async {
        harness.until_waiting(1).await;
        harness.complete(&first).await.unwrap();
    };
    let (claimed, ()) = tokio::join!(waiting, settling);
    assert_eq!(ids(&claimed.unwrap()), enqueued[1..]);
    harness.close().await;
}

#[tokio::test]
async fn a_client_that_has_gone_leaves_nothing_locked() {
    let harness = Harness::new();
    harness.register("gone", "{}").await;
    harness.register("here", "{}").await;
    {
        let waiting = harness.try_claim("gone", 1, waiting_claim(1));
        tokio::pin!(waiting);
        tokio::select! {
            _ = &mut waiting => panic!("there is nothing to claim"),
            () = harness.until_waiting(1) => {}
        }
    }
    let enqueued = harness.enqueue_many(1).await;
    assert_eq!(ids(&harness.claim("here", 1).await), enqueued);
    harness.close().await;
}

#[tokio::test]
async fn a_waiting_claim_of_an_older_epoch_is_refused() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let waiting = harness.try_claim("e", 1, waiting_claim(30));
    let registering = async {
        harness.until_waiting(1).await;
        harness.register("e", "{}").await;
    };
    let (refused, ()) = tokio::join!(waiting, registering);
    assert!(matches!(refused, Err(DispatchError::Refused(Refusal::EngineSuperseded { .. }))), "{refused:?}");
    harness.close().await;
}

#[tokio::test]
async fn a_shutdown_answers_waiting_claims_with_nothing_and_accepts_no_more() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let waiting = harness.try_claim("e", 1, waiting_claim(1));
    let stopping = async {
        harness.until_waiting(1).await;
        harness.dispatcher.shut_down();
    };
    let (claimed, ()) = tokio::join!(waiting, stopping);
    assert!(claimed.unwrap().is_empty());
    assert!(matches!(harness.try_claim("e", 1, claim(1)).await, Err(DispatchError::ShuttingDown)));
}
