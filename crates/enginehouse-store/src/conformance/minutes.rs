//! What happened each minute.

use std::time::Duration;

use enginehouse_core::minutes::MinuteTally;
use enginehouse_core::time::Timestamp;

use super::given::{MINUTE, begin, minute_row};
use crate::Store;
use crate::rows::{MinuteFilter, MinuteRow};

const FIRST: Timestamp = Timestamp::from_millis(1_764_201_600_000);
const RENDER: Option<(&str, &str)> = Some(("gpu", "render"));

async fn given_minutes(store: &dyn Store, rows: &[MinuteRow]) {
    let mut tx = begin(store).await;
    tx.add_minutes(rows).await.unwrap();
    tx.commit().await.unwrap();
}

/// One event that was enqueued.
fn enqueued(minute: Timestamp, pair: Option<(&str, &str)>) -> MinuteRow {
    minute_row(minute, pair, MinuteTally { enqueued: 1, ..MinuteTally::default() })
}

/// Of so many minutes from the first one on.
fn first(minutes: u32) -> MinuteFilter {
    MinuteFilter { from: FIRST, to: FIRST + MINUTE * minutes, queue: None, event_type: None }
}

/// Whoever counts: as if one had counted it all.
pub(crate) async fn what_happened_in_one_minute_is_added_together(store: &dyn Store) {
    let mut one = MinuteTally { enqueued: 1, claimed: 2, completed: 3, failed: 4, ..MinuteTally::default() };
    let mut other = MinuteTally { enqueued: 7, failed: 1, lost: 5, dead_lettered: 6, ..MinuteTally::default() };
    for millis in [0, 5, 5, 90_000] {
        one.waiting.record(Duration::from_millis(millis));
        other.processing.record(Duration::from_millis(millis + 1));
    }
    other.waiting.record(Duration::from_millis(5));
    other.waiting.record(Duration::from_secs(86_400));
    let rows = |tally: &MinuteTally| [minute_row(FIRST, None, tally.clone()), minute_row(FIRST, RENDER, tally.clone())];
    given_minutes(store, &rows(&one)).await;
    given_minutes(store, &rows(&other)).await;
    one.merge(&other);
    assert_eq!(store.minutes(&first(1), None, 10).await.unwrap(), rows(&one));
}

/// In the order of minutes, queues and event types, what was not told apart first.
pub(crate) async fn minutes_are_read_in_their_order_and_from_a_place_on(store: &dyn Store) {
    let all = [
        enqueued(FIRST, None),
        enqueued(FIRST, Some(("a", "z"))),
        enqueued(FIRST, Some(("b", "a"))),
        enqueued(FIRST + MINUTE, Some(("a", "a"))),
        enqueued(FIRST + MINUTE * 2, None),
    ];
    let mut mixed = all.to_vec();
    mixed.reverse();
    mixed.push(enqueued(Timestamp::from_millis(FIRST.as_millis() - 60_000), RENDER));
    given_minutes(store, &mixed).await;
    assert_eq!(store.minutes(&first(3), None, 10).await.unwrap(), all);
    assert_eq!(store.minutes(&first(2), None, 10).await.unwrap(), all[..4], "before, not at");
    assert_eq!(store.minutes(&first(3), None, 2).await.unwrap(), all[..2]);
    let behind = store.minutes(&first(3), Some(all[1].key.clone()), 2).await.unwrap();
    assert_eq!(behind, all[2..4]);
    assert_eq!(store.minutes(&first(3), Some(all[4].key.clone()), 2).await.unwrap(), []);
    assert_eq!(store.minutes(&first(0), None, 2).await.unwrap(), []);
}

/// And what was not told apart is of neither.
pub(crate) async fn minutes_are_read_of_one_queue_or_one_type(store: &dyn Store) {
    let [rest, render, encode, other] =
        [None, RENDER, Some(("gpu", "encode")), Some(("cpu", "render"))].map(|pair| enqueued(FIRST, pair));
    given_minutes(store, &[rest, render.clone(), encode.clone(), other.clone()]).await;
    let of = async |queue: Option<&str>, event_type: Option<&str>| {
        let (queue, event_type) =
            (queue.map(|name| name.parse().unwrap()), event_type.map(|name| name.parse().unwrap()));
        store.minutes(&MinuteFilter { queue, event_type, ..first(1) }, None, 10).await.unwrap()
    };
    assert_eq!(of(Some("gpu"), None).await, [encode, render.clone()]);
    assert_eq!(of(None, Some("render")).await, [other, render.clone()]);
    assert_eq!(of(Some("gpu"), Some("render")).await, [render]);
    assert_eq!(of(Some("cpu"), Some("encode")).await, []);
}

/// A bounded number at a time, and none of those that are kept.
pub(crate) async fn the_oldest_minutes_are_forgotten_first(store: &dyn Store) {
    let row = |minutes| enqueued(FIRST + MINUTE * minutes, RENDER);
    given_minutes(store, &[row(2), row(0), row(1), row(3)]).await;
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_minutes(FIRST + MINUTE * 3, 2).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(store.minutes(&first(9), None, 10).await.unwrap(), [row(2), row(3)]);
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_minutes(FIRST + MINUTE * 3, 2).await.unwrap(), 1, "before, not at");
    assert_eq!(tx.delete_minutes(FIRST + MINUTE * 3, 2).await.unwrap(), 0);
    tx.commit().await.unwrap();
}
