//! What may be forgotten, and what goes with it.

use enginehouse_core::event::DeadLetterReason;
use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;

use super::audit::entry;
use super::given::{
    HOUR, LOST, MINUTE, apply, begin, change, claim, complete, event, fail, given_events, id, ids, now, write,
};
use crate::Store;
use crate::rows::History;

/// Finished events: 1, 2 and 3 completed, 4 failed, 5 cancelled; 6 waits and 7 is processing.
/// Each finished as many minutes ago as its number says, by another clock.
async fn given_finished_events(store: &dyn Store) -> Timestamp {
    given_events(store, "render", 1..=7).await;
    for number in [1, 2, 3, 4, 7] {
        claim(store, number, "sim-1").await;
    }
    for number in 1..=3 {
        apply(store, number, complete).await;
    }
    apply(store, 4, |state| fail(state, false, false, "no")).await;
    apply(store, 5, |_| EventCommand::Cancel).await;
    let now = now(store).await;
    for number in 1..=5 {
        let read = event(store, number).await;
        let mut state = read.state.clone();
        state.finished_at = Some(now - MINUTE * number);
        write(store, &[change(&read, state)]).await;
    }
    now
}

async fn prunable(store: &dyn Store, completed: Timestamp, failed: Timestamp, limit: u32) -> Vec<EventId> {
    begin(store).await.prunable_events(completed, failed, limit).await.unwrap()
}

/// Completed ones by one moment, failed and cancelled ones by another, and never what has not finished.
pub(crate) async fn the_oldest_finished_events_are_forgotten_first(store: &dyn Store) {
    let now = given_finished_events(store).await;
    assert_eq!(prunable(store, now, now, 10).await, ids([5, 4, 3, 2, 1]));
    assert_eq!(prunable(store, now, now, 2).await, ids([5, 4]));
    assert_eq!(prunable(store, now - MINUTE * 2, now - HOUR, 10).await, ids([3]), "before, not at");
    assert_eq!(prunable(store, now - HOUR, now - MINUTE * 4, 10).await, ids([5]));
    assert_eq!(prunable(store, now - HOUR, now - HOUR, 10).await, []);
}

/// It waits for a person, however long.
pub(crate) async fn a_dead_letter_is_not_prunable(store: &dyn Store) {
    let now = given_finished_events(store).await;
    let read = event(store, 4).await;
    let mut state = read.state.clone();
    state.dead_letter = Some(DeadLetterReason::Rejected);
    write(store, &[change(&read, state)]).await;
    add_dead_letter(store, 4, now).await;
    assert_eq!(prunable(store, now - HOUR, now, 10).await, ids([5]));
    let (_, failed) = begin(store).await.oldest_finished().await.unwrap();
    assert_eq!(failed, Some(now - MINUTE * 5));
    let mut tx = begin(store).await;
    tx.delete_dead_letters(&[id(4)]).await.unwrap();
    tx.commit().await.unwrap();
    apply(store, 4, |_| EventCommand::Discard).await;
    assert_eq!(prunable(store, now - HOUR, now + HOUR, 10).await, ids([5, 4]));
}

async fn add_dead_letter(store: &dyn Store, number: u32, at: Timestamp) {
    let reason = event(store, number).await.state.dead_letter.expect("the event says so itself");
    let mut tx = begin(store).await;
    let letter = crate::rows::NewDeadLetter {
        event_id: id(number),
        event_type: "render".parse().unwrap(),
        queue: "default".parse().unwrap(),
        reason,
        dead_lettered_at: at,
        error: None,
    };
    tx.insert_dead_letters(&[letter]).await.unwrap();
    tx.commit().await.unwrap();
}

/// The timer of retention sleeps until there is something to forget.
pub(crate) async fn the_oldest_finished_event_is_known(store: &dyn Store) {
    assert_eq!(begin(store).await.oldest_finished().await.unwrap(), (None, None));
    let now = given_finished_events(store).await;
    let oldest = begin(store).await.oldest_finished().await.unwrap();
    assert_eq!(oldest, (Some(now - MINUTE * 3), Some(now - MINUTE * 5)));
}

/// What operators did stays in the audit log, which has a retention of its own.
pub(crate) async fn a_forgotten_event_takes_its_attempts_and_payload_with_it(store: &dyn Store) {
    given_events(store, "render", 1..=2).await;
    for number in 1..=2 {
        claim(store, number, "sim-1").await;
        apply(store, number, |_| LOST).await;
        claim(store, number, "sim-1").await;
        apply(store, number, |state| fail(state, false, true, "no")).await;
    }
    let at = now(store).await;
    add_dead_letter(store, 1, at).await;
    let action = entry(&id(1).to_string(), "event.retry", at);
    let mut tx = begin(store).await;
    tx.insert_audit(std::slice::from_ref(&action)).await.unwrap();
    tx.delete_events(&ids([1, 9])).await.unwrap();
    assert_eq!(tx.payloads(&ids([1])).await.unwrap(), []);
    tx.commit().await.unwrap();
    assert!(store.event(id(1)).await.unwrap().is_none());
    assert!(store.dead_letter(id(1)).await.unwrap().is_none());
    assert_eq!(store.history(id(1)).await.unwrap(), History { actions: vec![action], ..History::default() });
    assert_eq!(store.history(id(2)).await.unwrap().attempts.len(), 2);
    add_dead_letter(store, 2, at).await;
}
