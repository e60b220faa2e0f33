use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::request::Claim;
use enginehouse_server::dispatcher::reply::DispatchError;
use enginehouse_store::{Applied, StoreError};

use crate::faulty_store::{Faults, FaultyStore};
use crate::harness::{Harness, claim, token, waiting_claim};

fn faulty() -> (Harness, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let shared = Arc::clone(&faults);
    (Harness::around(move |store| Arc::new(FaultyStore::new(store, shared))), faults)
}

/// The same, with one transaction at a time, so that whatever is handed in while it is held up waits.
fn faulty_one_at_a_time() -> (Harness, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    faults.one_at_a_time.store(true, Ordering::SeqCst);
    let harness = Harness::around(|store| Arc::new(FaultyStore::new(store, Arc::clone(&faults))));
    (harness, faults)
}

#[tokio::test]
async fn a_request_that_fails_spares_its_neighbours() {
    let (harness, faults) = faulty();
    harness.register("e", "{}").await;
    let held = faults.hold();
    let good = harness.try_enqueue(&[r#"{"event_type":"good"}"#]);
    let poison = harness.try_enqueue(&[r#"{"event_type":"poison"}"#]);
    let other = harness.try_enqueue(&[r#"{"event_type":"good"}"#]);
    // The futures before this one have been polled by then: their requests are handed in.
    let releasing = async { drop(held) };
    let (good, poison, other, ()) = tokio::join!(good, poison, other, releasing);
    assert!(good.is_ok() && other.is_ok());
    assert!(matches!(poison, Err(DispatchError::Store(StoreError::Bug(_)))), "{poison:?}");
    assert_eq!(harness.count().await.0, 2);
    harness.close().await;
}

#[tokio::test]
async fn a_panic_in_an_operation_fails_its_request_alone() {
    let (harness, faults) = faulty();
    let held = faults.hold();
    let good = harness.try_enqueue(&[r#"{"event_type":"good"}"#]);
    let panics = harness.try_enqueue(&[r#"{"event_type":"panic"}"#]);
    // The futures before this one have been polled by then: their requests are handed in.
    let releasing = async { drop(held) };
    let (good, panics, ()) = tokio::join!(good, panics, releasing);
    assert!(good.is_ok() && panics.is_err());
    harness.close().await;
}

#[tokio::test]
async fn many_callers_share_one_commit() {
    let (harness, faults) = faulty_one_at_a_time();
    harness.register("e", "{}").await;
    let commits_before = harness.seen.commits.load(Ordering::SeqCst);
    let held = faults.hold();
    let enqueuing = futures_util::future::join_all((0..64).map(|_| harness.enqueue_many(1)));
    // The futures before this one have been polled by then: their requests are handed in.
    let releasing = async { drop(held) };
    let (enqueued, ()) = tokio::join!(enqueuing, releasing);
    assert_eq!(enqueued.len(), 64);
    let commits = harness.seen.commits.load(Ordering::SeqCst) - commits_before;
    assert!(commits <= 2, "{commits} commits for 64 callers");
    harness.close().await;
}

#[tokio::test]
async fn while_the_store_is_away_nothing_is_done_and_nobody_is_lost() {
    let (harness, faults) = faulty();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    faults.away.store(true, Ordering::SeqCst);
    let refused = harness.try_enqueue(&[r#"{"event_type":"a"}"#]).await.unwrap_err();
    let DispatchError::Store(StoreError::Unavailable { applied, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(applied, Applied::No);
    harness.clock.advance(std::time::Duration::from_secs(600));
    assert!(harness.dispatcher.sweep().await.is_err());
    faults.away.store(false, Ordering::SeqCst);
    harness.dispatcher.sweep().await.unwrap();
    assert_eq!(harness.heartbeat("e", &[token(&claimed)]).await.renewed, [token(&claimed)]);
    assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed));
    assert_eq!(harness.count().await.0, 1);
    harness.close().await;
}

/// Another server may have given it while this one was away, or started.
#[tokio::test]
async fn an_attempt_that_began_as_an_outage_ended_may_take_no_longer_for_that() {
    let (harness, faults) = faulty();
    harness.register("e", "{}").await;
    harness.enqueue(r#"{"event_type":"a","max_processing_seconds":2}"#).await;
    let event_id = harness.claim_one("e").await.event.event_id;
    let is_held = async || harness.store.event(event_id).await.unwrap().unwrap().event.state.lock.is_some();
    faults.away.store(true, Ordering::SeqCst);
    assert!(harness.dispatcher.sweep().await.is_err());
    faults.away.store(false, Ordering::SeqCst);
    harness.dispatcher.sweep().await.unwrap();
    assert!(is_held().await);
    harness.clock.advance(Duration::from_secs(3));
    harness.dispatcher.sweep().await.unwrap();
    assert!(!is_held().await, "it has timed out");
    harness.close().await;
}

#[tokio::test]
async fn past_the_room_for_waiting_requests_enqueues_are_refused_first_and_heartbeats_last() {
    let (harness, faults) = faulty_one_at_a_time();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    let held = faults.hold();
    let all = enginehouse_server::dispatcher::config::DispatchConfig::default().max_waiting_requests;
    // The dispatcher takes some of them into the transaction that is held up.
    let mut waiting: Vec<_> = (0..all * 7 / 10).map(|_| Box::pin(harness.dispatcher.sweep())).collect();
    for sweep in &mut waiting {
        assert!(futures_util::poll!(sweep.as_mut()).is_pending());
    }
    let refused = harness.try_enqueue(&[r#"{"event_type":"a"}"#]).await.unwrap_err();
    assert!(matches!(refused, DispatchError::Overloaded), "{refused:?}");
    let tokens = [token(&claimed)];
    let heartbeat = harness.heartbeat("e", &tokens);
    let releasing = async {
        drop(held);
        futures_util::future::join_all(waiting).await;
    };
    let (heard, ()) = tokio::join!(heartbeat, releasing);
    assert_eq!(heard.renewed, [token(&claimed)]);
    assert_eq!(harness.count().await.0, 1, "nothing was done of what was refused");
    harness.close().await;
}

#[tokio::test]
async fn what_was_claimed_for_a_caller_who_has_gone_is_released() {
    let (harness, faults) = faulty();
    harness.register("gone", "{}").await;
    harness.register("here", "{}").await;
    let enqueued = harness.enqueue_many(1).await;
    let held = faults.hold();
    {
        // Polled once: the request is handed in. Then its caller goes away.
        let mut claim = Box::pin(harness.claim("gone", 1));
        assert!(futures_util::poll!(claim.as_mut()).is_pending());
    }
    drop(held);
    harness.dispatcher.sweep().await.unwrap();
    let claimed = harness.try_claim("here", 1, waiting_claim(1)).await.unwrap().pop().expect("it was released");
    assert_eq!(claimed.event.event_id, enqueued[0]);
    assert_eq!((claimed.event.state.attempt, claimed.event.state.tally.losses), (1, 0));
    harness.close().await;
}

/// Nobody has attempted an event whose lock was over before it could be told of.
#[tokio::test]
async fn a_lock_that_is_over_before_its_answer_is_not_given_and_no_loss() {
    let (harness, faults) = faulty();
    harness.register("e", "{}").await;
    let event_id = harness.enqueue_many(1).await[0];
    let held = faults.hold_commits().await;
    let short = Claim { visibility_timeout: Some(Duration::from_secs(1)), ..claim(1) };
    let claimed = {
        let mut claiming = pin!(harness.try_claim("e", 1, short));
        let early = tokio::time::timeout(Duration::from_millis(1_050), &mut claiming).await;
        assert!(early.is_err(), "the commit takes longer than the lock lasts");
        drop(held);
        claiming.await.unwrap()
    };
    assert!(claimed.is_empty());
    assert_eq!(harness.status(event_id).await, EventStatus::Processing);
    // On the clock of the test, its time has not passed yet.
    harness.pass(1.1).await;
    let event = harness.event(event_id).await.event.state;
    assert_eq!((event.status, event.tally.losses), (EventStatus::Queued, 0));
    assert_eq!(harness.claim("e", 1).await.len(), 1);
    harness.close().await;
}
