use std::sync::Arc;
use std::sync::atomic::Ordering;

use enginehouse_core::event::EventStatus;
use enginehouse_server::dispatcher::commands::Failure;
use enginehouse_store::{Applied, StoreError};

use crate::house::{House, token, waiting_claim};
use crate::troubled::{Trouble, Troubled};

fn troubled() -> (House, Arc<Trouble>) {
    let trouble = Arc::new(Trouble::default());
    let shared = Arc::clone(&trouble);
    (House::around(move |store| Arc::new(Troubled::new(store, shared))), trouble)
}

/// The same, with one transaction at a time, so that whatever is handed in while it is held up waits.
fn troubled_one_at_a_time() -> (House, Arc<Trouble>) {
    let trouble = Arc::new(Trouble::default());
    trouble.one_at_a_time.store(true, Ordering::SeqCst);
    let house = House::around(|store| Arc::new(Troubled::new(store, Arc::clone(&trouble))));
    (house, trouble)
}

#[tokio::test]
async fn one_commands_trouble_spares_its_neighbours() {
    let (house, trouble) = troubled();
    house.register("e", "{}").await;
    let held = trouble.hold();
    let good = house.try_enqueue(&[r#"{"event_type":"good"}"#]);
    let poison = house.try_enqueue(&[r#"{"event_type":"poison"}"#]);
    let other = house.try_enqueue(&[r#"{"event_type":"good"}"#]);
    // The futures before this one have been polled by then: their commands are handed in.
    let releasing = async { drop(held) };
    let (good, poison, other, ()) = tokio::join!(good, poison, other, releasing);
    assert!(good.is_ok() && other.is_ok());
    assert!(matches!(poison, Err(Failure::Store(StoreError::Corrupt(_)))), "{poison:?}");
    assert_eq!(house.count().await.0, 2);
    house.close().await;
}

#[tokio::test]
async fn a_panic_in_an_operation_fails_its_command_alone() {
    let (house, trouble) = troubled();
    let held = trouble.hold();
    let good = house.try_enqueue(&[r#"{"event_type":"good"}"#]);
    let panics = house.try_enqueue(&[r#"{"event_type":"panic"}"#]);
    // The futures before this one have been polled by then: their commands are handed in.
    let releasing = async { drop(held) };
    let (good, panics, ()) = tokio::join!(good, panics, releasing);
    assert!(good.is_ok() && panics.is_err());
    house.close().await;
}

#[tokio::test]
async fn many_callers_share_one_commit() {
    let (house, trouble) = troubled_one_at_a_time();
    house.register("e", "{}").await;
    let commits_before = house.seen.commits.load(Ordering::SeqCst);
    let held = trouble.hold();
    let enqueuing = futures_util::future::join_all((0..64).map(|_| house.enqueue_many(1)));
    // The futures before this one have been polled by then: their commands are handed in.
    let releasing = async { drop(held) };
    let (enqueued, ()) = tokio::join!(enqueuing, releasing);
    assert_eq!(enqueued.len(), 64);
    let commits = house.seen.commits.load(Ordering::SeqCst) - commits_before;
    assert!(commits <= 2, "{commits} commits for 64 callers");
    house.close().await;
}

#[tokio::test]
async fn while_the_store_is_away_nothing_is_done_and_nobody_is_lost() {
    let (house, trouble) = troubled();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    let claimed = house.claim_one("e").await;
    trouble.away.store(true, Ordering::SeqCst);
    let refused = house.try_enqueue(&[r#"{"event_type":"a"}"#]).await.unwrap_err();
    let Failure::Store(StoreError::Unavailable { applied, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(applied, Applied::No);
    house.clock.advance(std::time::Duration::from_secs(600));
    assert!(house.dispatcher.sweep().await.is_err());
    trouble.away.store(false, Ordering::SeqCst);
    house.dispatcher.sweep().await.unwrap();
    assert_eq!(house.heartbeat("e", &[token(&claimed)]).await.renewed, [token(&claimed)]);
    assert_eq!(house.complete(&claimed).await, Ok(EventStatus::Completed));
    assert_eq!(house.count().await.0, 1);
    house.close().await;
}

#[tokio::test]
async fn past_the_room_for_waiting_commands_enqueues_are_refused_first_and_heartbeats_last() {
    let (house, trouble) = troubled_one_at_a_time();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    let claimed = house.claim_one("e").await;
    let held = trouble.hold();
    let all = enginehouse_server::dispatcher::Config::default().max_waiting_commands;
    // The dispatcher takes some of them into the transaction that is held up.
    let mut waiting: Vec<_> = (0..all * 7 / 10).map(|_| Box::pin(house.dispatcher.sweep())).collect();
    for sweep in &mut waiting {
        assert!(futures_util::poll!(sweep.as_mut()).is_pending());
    }
    let refused = house.try_enqueue(&[r#"{"event_type":"a"}"#]).await.unwrap_err();
    assert!(matches!(refused, Failure::Overloaded), "{refused:?}");
    let tokens = [token(&claimed)];
    let heartbeat = house.heartbeat("e", &tokens);
    let releasing = async {
        drop(held);
        futures_util::future::join_all(waiting).await;
    };
    let (heard, ()) = tokio::join!(heartbeat, releasing);
    assert_eq!(heard.renewed, [token(&claimed)]);
    assert_eq!(house.count().await.0, 1, "nothing was done of what was refused");
    house.close().await;
}

#[tokio::test]
async fn what_was_claimed_for_a_caller_who_has_gone_is_given_back() {
    let (house, trouble) = troubled();
    house.register("gone", "{}").await;
    house.register("here", "{}").await;
    let enqueued = house.enqueue_many(1).await;
    let held = trouble.hold();
    {
        // Polled once: the command is handed in. Then its caller goes away.
        let mut claim = Box::pin(house.claim("gone", 1));
        assert!(futures_util::poll!(claim.as_mut()).is_pending());
    }
    drop(held);
    house.dispatcher.sweep().await.unwrap();
    let claimed = house.try_claim("here", 1, waiting_claim(1)).await.unwrap().pop().expect("it is given back");
    assert_eq!(claimed.event.event_id, enqueued[0]);
    assert_eq!((claimed.event.state.attempt, claimed.event.state.tally.losses), (1, 0));
    house.close().await;
}
