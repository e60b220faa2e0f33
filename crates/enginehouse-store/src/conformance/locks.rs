//! Locks: who holds them, and when they expire.

use std::time::Duration;

use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;

use super::given::{
    HOUR, MINUTE, apply, begin, claim, claim_by, complete, engine_id, event, given_events, ids, token, write_in,
};
use crate::Store;
use crate::rows::{EventRow, LockCursor};

fn ids_of(events: &[EventRow]) -> Vec<EventId> {
    events.iter().map(|event| event.event_id).collect()
}

fn expiry(event: &EventRow) -> Timestamp {
    event.state.lock.as_ref().unwrap().expires_at
}

/// What each engine holds, with all that a heartbeat asks about: to be counted, and to be changed.
pub(crate) async fn held_events_are_read_in_the_order_of_their_ids(store: &dyn Store) {
    given_events(store, "render", 1..=6).await;
    for (number, engine) in [(4, "b"), (1, "a"), (2, "b"), (3, "c"), (5, "b")] {
        claim(store, number, engine).await;
    }
    apply(store, 5, complete).await;
    apply(store, 4, |_| EventCommand::Cancel).await;
    let engines: Vec<_> = ["b", "z", "a"].map(engine_id).into();
    let held = begin(store).await.held_events(&engines).await.unwrap();
    assert_eq!(ids_of(&held), ids([1, 2, 4]));
    assert_eq!(held[2], event(store, 4).await);
    assert!(held[2].state.cancel_requested && held[2].state.lock.is_some());
    let mut tx = begin(store).await;
    assert_eq!(tx.held_events_for_update(&engines).await.unwrap(), held);
    assert!(tx.held_events_for_update(&[engine_id("z")]).await.unwrap().is_empty());
    drop(tx);
    let (_, records) = store_engine(store, "b").await;
    assert_eq!(records, ids([2, 4]));
}

async fn store_engine(store: &dyn Store, name: &str) -> (String, Vec<EventId>) {
    let now = super::given::now(store).await;
    super::given::write_engines(store, &[super::given::registered(name, now)]).await;
    let (engine, locks) = store.engine(&engine_id(name)).await.unwrap().unwrap();
    let mut held: Vec<_> = locks.iter().map(|record| record.event.event_id).collect();
    held.sort_unstable();
    (engine.engine_id.to_string(), held)
}

/// The first to expire comes first; of one moment, the smaller id. What is not processing has no lock.
pub(crate) async fn locks_expire_in_the_order_of_their_time(store: &dyn Store) {
    given_events(store, "render", 1..=6).await;
    for (number, minutes) in [(1, 9), (2, 3), (3, 6), (4, 1), (5, 60)] {
        apply(store, number, |_| claim_by("sim-1", minutes * MINUTE)).await;
    }
    apply(store, 4, complete).await;
    let first = expiry(&event(store, 2).await);
    let third = expiry(&event(store, 1).await);
    let mut tx = begin(store).await;
    assert_eq!(tx.next_lock_expiry(Timestamp::MAX).await.unwrap(), Some(first));
    assert_eq!(ids_of(&tx.locks_expiring(third, None, 10).await.unwrap()), ids([2, 3, 1]));
    assert_eq!(ids_of(&tx.locks_expiring(third, None, 2).await.unwrap()), ids([2, 3]));
    let earlier = third - Duration::from_millis(1);
    assert_eq!(ids_of(&tx.locks_expiring(earlier, None, 10).await.unwrap()), ids([2, 3]));
    drop(tx);
    assert_eq!(begin(store).await.locks_expiring(first, None, 1).await.unwrap(), [event(store, 2).await]);
}

/// A sweep that cannot take a lock back yet goes on behind it, however many expire in one moment.
pub(crate) async fn expiring_locks_go_on_behind_a_place(store: &dyn Store) {
    given_events(store, "render", 1..=7).await;
    let mut tx = begin(store).await;
    let read = tx.events_by_id(&ids(1..=7)).await.unwrap();
    let claimed = |event: &EventRow| super::given::after(&event.state, &claim_by("sim-1", MINUTE), tx.now()).0;
    let changes: Vec<_> = read.iter().map(|event| super::given::change(event, claimed(event))).collect();
    write_in(&mut *tx, &changes).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = begin(store).await;
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..10 {
        let page = tx.locks_expiring(tx.now() + HOUR, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(LockCursor { expires_at: expiry(last), event_id: last.event_id });
        found.extend(ids_of(&page));
    }
    assert_eq!(found, ids(1..=7));
}

/// Only its newest time counts.
pub(crate) async fn a_renewed_lock_expires_later(store: &dyn Store) {
    given_events(store, "render", 1..=2).await;
    let claimed = claim(store, 1, "sim-1").await;
    let before = claimed.lock.clone().unwrap().expires_at;
    let extended =
        apply(store, 1, |state| EventCommand::Extend { token: token(state), visibility_timeout: 2 * HOUR }).await;
    let later = extended.lock.unwrap().expires_at;
    let mut tx = begin(store).await;
    assert!(tx.locks_expiring(before, None, 10).await.unwrap().is_empty());
    assert_eq!(tx.next_lock_expiry(Timestamp::MAX).await.unwrap(), Some(later));
    drop(tx);
    apply(store, 1, complete).await;
    assert_eq!(begin(store).await.next_lock_expiry(Timestamp::MAX).await.unwrap(), None);
}
