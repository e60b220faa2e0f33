//! What explanations ask: every engine with what it holds, and the order of events in their lanes.

use std::collections::HashMap;

use super::given::{
    LOST, MINUTE, apply, begin, claim, complete, engine_id, fail, given_events, id, ids, insert, lane, new_event, now,
    registered, release, write_engines,
};
use crate::Store;
use crate::rows::LockRow;

/// Those without locks too, and nothing that is not held.
pub(crate) async fn every_engine_is_read_with_what_it_holds(store: &dyn Store) {
    let now = now(store).await;
    let engines = ["a", "b", "c"].map(|name| registered(name, now));
    write_engines(store, &engines).await;
    given_events(store, "render", 1..=6).await;
    let lane_id = lane(store, "render").await;
    for (number, engine) in [(1, "b"), (2, "a"), (3, "b"), (4, "a"), (5, "b")] {
        claim(store, number, engine).await;
    }
    apply(store, 4, complete).await;
    // Lost once, and claimed again.
    apply(store, 5, |_| LOST).await;
    claim(store, 5, "b").await;
    let fleet = store.fleet().await.unwrap();
    assert_eq!(fleet.engines, engines);
    let held: Vec<_> = fleet.locks.iter().map(|lock| (lock.engine_id.as_str(), lock.event_id)).collect();
    assert_eq!(held, [("a", id(2)), ("b", id(1)), ("b", id(3)), ("b", id(5))]);
    assert!(fleet.locks.iter().all(|lock| lock.lane_id == lane_id));
    let event = begin(store).await.events_by_id(&[id(2)]).await.unwrap().remove(0);
    let claimed_at = event.state.claimed_at.unwrap();
    assert_eq!(
        fleet.locks[0],
        LockRow { engine_id: engine_id("a"), event_id: id(2), lane_id, claimed_at, visibility_timeout: 5 * MINUTE }
    );
    let lost_before: Vec<_> = fleet.lost_before.iter().map(|event| event.event_id).collect();
    assert_eq!(lost_before, [id(5)]);
}

/// Of its lane only, and only what is queued.
pub(crate) async fn events_before_a_place_are_counted_up_to_a_limit(store: &dyn Store) {
    let now = now(store).await;
    let (render, other) = (lane(store, "render").await, lane(store, "other").await);
    for number in 1..=10 {
        insert(store, &[new_event(number, render, now - MINUTE * (20 - number))]).await;
    }
    insert(store, &[new_event(11, other, now - MINUTE * 30), new_event(12, render, now + MINUTE)]).await;
    claim(store, 2, "a").await;
    let count = async |number: u32, limit| {
        let event = begin(store).await.events_by_id(&[id(number)]).await.unwrap().remove(0);
        store.queued_before(event.lane_id, (event.state.available_at, event.event_id), limit).await.unwrap()
    };
    assert_eq!(count(1, 100).await, 0);
    assert_eq!(count(5, 100).await, 3);
    assert_eq!(count(5, 2).await, 2);
    assert_eq!(count(12, 100).await, 9, "those that are not due have their place too");
    assert_eq!(count(11, 100).await, 0);
}

/// Due or not; a lane without a queued event has none.
pub(crate) async fn the_head_of_a_lane_is_its_first_queued_event(store: &dyn Store) {
    let now = now(store).await;
    let (render, later, empty) = (lane(store, "render").await, lane(store, "later").await, lane(store, "empty").await);
    insert(
        store,
        &[new_event(2, render, now - MINUTE), new_event(1, render, now - MINUTE), new_event(3, later, now + MINUTE)],
    )
    .await;
    let heads = async || {
        let heads = store.lane_heads(&[later, empty, render]).await.unwrap();
        heads.iter().map(|event| event.event_id).collect::<Vec<_>>()
    };
    assert_eq!(heads().await, ids([1, 3]));
    claim(store, 1, "a").await;
    assert_eq!(heads().await, ids([2, 3]));
    assert!(store.lane_heads(&[]).await.unwrap().is_empty());
}

/// Without releases, without losses, and without what has completed; in the transaction that adds one, too.
pub(crate) async fn whoever_failed_an_event_is_known(store: &dyn Store) {
    given_events(store, "render", 1..=3).await;
    claim(store, 1, "b").await;
    apply(store, 1, release).await;
    claim(store, 1, "c").await;
    apply(store, 1, |_| LOST).await;
    claim(store, 1, "a").await;
    apply(store, 1, |state| fail(state, true, false, "no")).await;
    claim(store, 2, "a").await;
    apply(store, 2, complete).await;
    let asked = [id(1), id(2), id(3), id(9)];
    let expected = HashMap::from([(id(1), ["a"].map(engine_id).to_vec())]);
    assert_eq!(store.failed_by(&asked).await.unwrap(), expected);
    assert_eq!(begin(store).await.failed_by(&asked).await.unwrap(), expected);
    assert!(store.failed_by(&[]).await.unwrap().is_empty());
}
