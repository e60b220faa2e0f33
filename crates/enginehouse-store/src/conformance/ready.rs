//! What may be claimed, in which order.

use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::LaneId;
use enginehouse_core::transition::{EventCommand, EventState};

use super::given::{
    HOUR, LOST, MINUTE, apply, begin, change, claim, complete, fail, given_events, id, ids, insert, lane, new_event,
    now, of_run, release, status, write,
};
use crate::Store;
use crate::rows::{EventRow, NewEventRow, ReadyEvent, ReadyRange};

async fn ready(store: &dyn Store, ranges: &[ReadyRange], limit: u32) -> Vec<ReadyEvent> {
    begin(store).await.ready_events(ranges, limit).await.unwrap()
}

fn all_of(lane_id: LaneId) -> ReadyRange {
    ReadyRange { lane_id, after: None }
}

fn ids_of(events: &[ReadyEvent]) -> Vec<enginehouse_core::ids::EventId> {
    events.iter().map(|ready| ready.event.event_id).collect()
}

/// Within a lane, what became available first comes first; of one moment, the smaller id.
pub(crate) async fn ready_events_come_in_the_order_in_which_they_became_available(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    let since = |number: u32, minutes: u32| new_event(number, lane_id, now - MINUTE * minutes);
    insert(store, &[since(1, 5), since(2, 9), since(4, 7), since(3, 7), since(5, 8)]).await;
    let found = ready(store, &[all_of(lane_id)], 10).await;
    assert_eq!(ids_of(&found), ids([2, 5, 3, 4, 1]));
    let NewEventRow { event, payload, .. } = since(2, 9);
    assert_eq!(found[0], ReadyEvent { event, payload }, "whole, and with its payload");
    assert_eq!(ids_of(&ready(store, &[all_of(lane_id)], 3).await), ids([2, 5, 3]));
}

/// What is the oldest of all ranges comes first, whatever their order, and the limit is one for all of them.
pub(crate) async fn ranges_are_answered_together(store: &dyn Store) {
    let since = now(store).await - MINUTE;
    let (a, b, c) = (lane(store, "a").await, lane(store, "b").await, lane(store, "c").await);
    // Of one moment, ids decide: the lanes take turns.
    for (lane_id, numbers) in [(a, [1, 4, 7]), (b, [2, 5, 8]), (c, [3, 6, 9])] {
        insert(store, &numbers.map(|number| new_event(number, lane_id, since))).await;
    }
    insert(store, &[new_event(10, b, since - MINUTE)]).await;
    let all = [all_of(c), all_of(a), all_of(b)];
    assert_eq!(ids_of(&ready(store, &all, 4).await), ids([10, 1, 2, 3]));
    assert_eq!(ids_of(&ready(store, &all, 0).await), ids([]));
    assert_eq!(ids_of(&ready(store, &all, 100).await), ids([10, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    assert_eq!(ids_of(&ready(store, &[all_of(c)], 2).await), ids([3, 6]));
}

/// Each range goes on from its own place; and where fewer come than were asked for, there is nothing behind them.
pub(crate) async fn each_range_begins_at_its_own_place(store: &dyn Store) {
    let since = now(store).await - MINUTE;
    let (a, b, c) = (lane(store, "a").await, lane(store, "b").await, lane(store, "c").await);
    for (lane_id, numbers) in [(a, 1..=3), (b, 4..=6), (c, 7..=9)] {
        let events: Vec<_> = numbers.map(|number| new_event(number, lane_id, since)).collect();
        insert(store, &events).await;
    }
    let behind = |lane_id: LaneId, number: u32| ReadyRange { lane_id, after: Some((since, id(number))) };
    let found = ready(store, &[behind(b, 4), behind(c, 9), behind(a, 0)], 5).await;
    assert_eq!(ids_of(&found), ids([1, 2, 3, 5, 6]));
    let earlier = ReadyRange { lane_id: b, after: Some((since - Duration::from_millis(1), id(9))) };
    assert_eq!(ids_of(&ready(store, &[earlier], 5).await), ids([4, 5, 6]));
    // Read as a claim reads: each range from behind the last event that came.
    let mut tx = begin(store).await;
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let ranges = [a, b, c].map(|lane_id| ReadyRange { lane_id, after });
        let found = tx.ready_events(&ranges, 2).await.unwrap();
        all.extend(ids_of(&found));
        if found.len() < 2 {
            break;
        }
        after = found.last().map(ReadyEvent::position);
    }
    assert_eq!(all, ids(1..=9));
}

/// The millisecond counts.
pub(crate) async fn an_event_that_is_not_due_is_not_ready(store: &dyn Store) {
    let lane_id = lane(store, "render").await;
    let mut tx = begin(store).await;
    let now = tx.now();
    let events = [
        new_event(1, lane_id, now + Duration::from_millis(1)),
        new_event(2, lane_id, now),
        new_event(3, lane_id, now + HOUR),
    ];
    tx.insert_events(&events).await.unwrap();
    assert_eq!(ids_of(&tx.ready_events(&[all_of(lane_id)], 10).await.unwrap()), [id(2)]);
}

/// No other status is ready, whatever its `available_at`.
pub(crate) async fn only_queued_events_are_ready(store: &dyn Store) {
    let lane_id = given_events(store, "render", 1..=6).await;
    for number in 1..=4 {
        claim(store, number, "sim-1").await;
    }
    apply(store, 2, complete).await;
    apply(store, 3, |state| fail(state, false, false, "no")).await;
    apply(store, 4, |state| fail(state, true, false, "later")).await;
    apply(store, 5, |_| EventCommand::Cancel).await;
    assert_eq!(status(store, 4).await, EventStatus::Queued, "but not yet due");
    assert_eq!(ids_of(&ready(store, &[all_of(lane_id)], 10).await), [id(6)]);
}

/// Released or lost, it can be claimed again, in its old place.
pub(crate) async fn an_event_that_is_released_is_ready_again(store: &dyn Store) {
    let lane_id = given_events(store, "render", 1..=3).await;
    claim(store, 1, "sim-1").await;
    claim(store, 2, "sim-1").await;
    assert_eq!(ids_of(&ready(store, &[all_of(lane_id)], 10).await), ids([3]));
    apply(store, 1, release).await;
    apply(store, 2, |_| LOST).await;
    assert_eq!(ids_of(&ready(store, &[all_of(lane_id)], 10).await), ids([1, 2, 3]));
}

/// Affinity sees the events of its run only, under the same rules.
pub(crate) async fn ready_events_of_a_run_are_of_that_run(store: &dyn Store) {
    let now = now(store).await;
    let (a, b) = (lane(store, "a").await, lane(store, "b").await);
    let since = now - MINUTE;
    insert(
        store,
        &[
            of_run(new_event(1, a, since), "one"),
            of_run(new_event(2, a, since), "two"),
            new_event(3, a, since),
            of_run(new_event(4, a, since - MINUTE), "one"),
            of_run(new_event(5, b, since), "one"),
            of_run(new_event(6, b, now + HOUR), "one"),
            of_run(new_event(7, a, since), "one"),
        ],
    )
    .await;
    claim(store, 7, "sim-1").await;
    let run = "one".parse().unwrap();
    let mut tx = begin(store).await;
    let found = tx.ready_events_of_run(&run, &[all_of(b), all_of(a)], 10).await.unwrap();
    assert_eq!(ids_of(&found), ids([4, 1, 5]));
    let NewEventRow { event, payload, .. } = of_run(new_event(4, a, since - MINUTE), "one");
    let enqueued = EventRow { enqueued_at: since - MINUTE, ..event };
    assert_eq!(found[0], ReadyEvent { event: enqueued, payload });
    assert_eq!(ids_of(&tx.ready_events_of_run(&run, &[all_of(a), all_of(b)], 2).await.unwrap()), ids([4, 1]));
    let behind = ReadyRange { lane_id: a, after: Some(found[1].position()) };
    assert_eq!(ids_of(&tx.ready_events_of_run(&run, &[behind, all_of(b)], 2).await.unwrap()), ids([5]));
    let three = "three".parse().unwrap();
    assert!(tx.ready_events_of_run(&three, &[all_of(a), all_of(b)], 1).await.unwrap().is_empty());
}

/// The timer sleeps until the first event of its lanes comes due.
pub(crate) async fn the_next_event_to_come_due_is_known(store: &dyn Store) {
    let lane_id = given_events(store, "a", [1]).await;
    let other = lane(store, "b").await;
    let now = now(store).await;
    insert(
        store,
        &[
            new_event(2, lane_id, now + 3 * HOUR),
            new_event(3, lane_id, now + 2 * HOUR),
            new_event(4, other, now + HOUR),
        ],
    )
    .await;
    let mut tx = begin(store).await;
    assert_eq!(tx.next_ready_at(&[lane_id]).await.unwrap(), Some(now + 2 * HOUR));
    assert_eq!(tx.next_ready_at(&[lane_id, other]).await.unwrap(), Some(now + HOUR));
    assert_eq!(tx.next_ready_at(&[]).await.unwrap(), None);
    drop(tx);
    apply(store, 4, |_| EventCommand::Cancel).await;
    assert_eq!(begin(store).await.next_ready_at(&[other]).await.unwrap(), None);
}

/// A claim asks only lanes that may hold something: also what comes later, or comes back, is found.
pub(crate) async fn a_lane_without_ready_events_is_left_out_until_one_comes(store: &dyn Store) {
    let since = now(store).await - MINUTE;
    let (a, b, c) = (lane(store, "a").await, lane(store, "b").await, lane(store, "c").await);
    let all = [a, b, c];
    insert(store, &[new_event(1, a, since), new_event(2, c, since + HOUR)]).await;
    assert_eq!(ids_of(&ready(store, &all.map(all_of), 10).await), ids([1]));
    let mut transaction = begin(store).await;
    transaction.ready_events(&all.map(all_of), 10).await.unwrap();
    assert_eq!(transaction.maybe_ready(&all).await.unwrap(), [a]);
    assert_eq!(transaction.next_ready_at(&all).await.unwrap(), Some(since + HOUR), "of a lane that is left out");
    transaction.insert_events(&[new_event(3, b, since)]).await.unwrap();
    assert_eq!(transaction.maybe_ready(&all).await.unwrap(), [a, b], "what it has put there itself");
    transaction.commit().await.unwrap();
    assert_eq!(begin(store).await.maybe_ready(&[b]).await.unwrap(), [b]);

    claim(store, 1, "sim-1").await;
    assert_eq!(ids_of(&ready(store, &[all_of(a)], 10).await), ids([]));
    apply(store, 1, release).await;
    assert_eq!(ids_of(&ready(store, &[all_of(a)], 10).await), ids([1]));
    assert!(begin(store).await.maybe_ready(&all).await.unwrap().contains(&a), "what came back");
}

/// Only what is queued expires, and only what has an expiry; what came back to its queue late is found, too.
pub(crate) async fn queued_events_expire_in_the_order_of_their_time(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    let expiring = |number: u32, at| {
        let mut new = new_event(number, lane_id, now - MINUTE);
        new.event.state.expires_at = Some(at);
        new
    };
    let all = [
        expiring(1, now + MINUTE),
        expiring(2, now - HOUR),
        expiring(3, now),
        expiring(4, now - 2 * HOUR),
        expiring(5, now - 3 * HOUR),
    ];
    insert(store, &all).await;
    insert(store, &[new_event(6, lane_id, now)]).await;
    let found = async |until, limit| {
        let mut tx = begin(store).await;
        let expired = tx.expired_events(until, limit).await.unwrap();
        expired.into_iter().map(|event| event.event_id).collect::<Vec<_>>()
    };
    // A state that a claim could not have made, for the events have expired.
    let read = super::given::event(store, 5).await;
    let lock = claim(store, 6, "sim-1").await.lock;
    let engine_id = lock.as_ref().map(|lock| lock.engine_id.clone());
    let held = EventState {
        status: EventStatus::Processing,
        lock_serial: 1,
        claimed_at: lock.as_ref().map(|lock| lock.claimed_at),
        engine_id,
        lock,
        ..read.state.clone()
    };
    write(store, &[change(&read, held)]).await;
    assert_eq!(found(now, 9).await, ids([4, 2, 3]));
    assert_eq!(found(now, 2).await, ids([4, 2]));
    assert_eq!(found(now + HOUR, 9).await, ids([4, 2, 3, 1]));
    assert_eq!(begin(store).await.next_event_expiry(now).await.unwrap(), Some(now - 2 * HOUR));
    for number in [4, 2, 3] {
        apply(store, number, |_| EventCommand::Expire).await;
        assert_eq!(status(store, number).await, EventStatus::Cancelled);
    }
    assert_eq!(found(now, 9).await, ids([]));
    assert_eq!(begin(store).await.next_event_expiry(now).await.unwrap(), None);
    let next = begin(store).await.next_event_expiry(now + HOUR).await.unwrap();
    assert_eq!(next, Some(now + MINUTE));
    apply(store, 5, release).await;
    assert_eq!(found(now, 9).await, ids([5]), "however long ago its time was");
}
