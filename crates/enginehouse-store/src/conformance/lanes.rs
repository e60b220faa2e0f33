//! Lanes have numbers that stand for one thing for ever.

use std::collections::HashSet;

use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::LaneKey;

use super::given::{begin, given_events, id, lane, lane_key, new_event};
use crate::Store;

/// Every requirement that there is, in turn.
fn keys() -> Vec<LaneKey> {
    let plain = lane_key("render");
    vec![
        plain.clone(),
        LaneKey { queue: "other".parse().unwrap(), ..plain.clone() },
        LaneKey { event_type: "Render".parse().unwrap(), ..plain.clone() },
        LaneKey { priority: 0, ..plain.clone() },
        LaneKey { required_capabilities: ["gpu".parse().unwrap()].into(), ..plain.clone() },
        LaneKey { required_capabilities: ["gpu".parse().unwrap(), "a".parse().unwrap()].into(), ..plain.clone() },
        LaneKey { required_memory_mb: Some(512), ..plain.clone() },
        LaneKey { required_memory_mb: Some(1 << 30), ..plain.clone() },
        LaneKey { engine_version: Some(">=1.4, <2".parse().unwrap()), ..plain.clone() },
        LaneKey { engine_version: Some(">=1.4,<2".parse().unwrap()), ..plain },
    ]
}

/// Asked for again, a lane is the same, in this transaction and in a later one.
pub(crate) async fn equal_requirements_are_one_lane(store: &dyn Store) {
    let twice: Vec<_> = keys().into_iter().chain(keys()).collect();
    let mut tx = begin(store).await;
    let first = tx.intern_lanes(&twice).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(first[..10], first[10..]);
    let mut tx = begin(store).await;
    assert_eq!(tx.intern_lanes(&keys()).await.unwrap(), first[..10]);
    assert_eq!(tx.lanes_after(LaneId(0)).await.unwrap().len(), 10);
}

/// What an engine could tell apart is not one lane, and comes back as it was asked for.
pub(crate) async fn each_requirement_makes_a_lane_of_its_own(store: &dyn Store) {
    let mut tx = begin(store).await;
    let lanes = tx.intern_lanes(&keys()).await.unwrap();
    tx.commit().await.unwrap();
    let numbers: HashSet<_> = lanes.iter().map(|lane| lane.lane_id).collect();
    assert_eq!(numbers.len(), keys().len());
    assert_eq!(lanes.iter().map(|lane| lane.key.clone()).collect::<Vec<_>>(), keys());
    let read = begin(store).await.lanes_after(LaneId(0)).await.unwrap();
    assert_eq!(read, lanes, "by number, which rises in the order of asking");
}

/// Whoever knows the lanes up to a number asks for the others only.
pub(crate) async fn lanes_are_read_from_a_number_on(store: &dyn Store) {
    let (a, b, c) = (lane(store, "a").await, lane(store, "b").await, lane(store, "c").await);
    let mut tx = begin(store).await;
    let numbers = |lanes: Vec<enginehouse_core::lane::Lane>| lanes.iter().map(|lane| lane.lane_id).collect::<Vec<_>>();
    assert_eq!(numbers(tx.lanes_after(a).await.unwrap()), [b, c]);
    assert_eq!(numbers(tx.lanes_after(c).await.unwrap()), []);
}

/// Neither after its lane was forgotten, nor when the transaction that gave it was dropped: somebody may remember it.
pub(crate) async fn a_lane_number_is_never_given_twice(store: &dyn Store) {
    let first = lane(store, "a").await;
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_empty_lanes(10).await.unwrap(), [first]);
    tx.commit().await.unwrap();
    let second = lane(store, "b").await;
    assert!(second > first);
    let mut tx = begin(store).await;
    let dropped = tx.intern_lanes(&[lane_key("c")]).await.unwrap()[0].lane_id;
    drop(tx);
    let third = lane(store, "d").await;
    assert!(third > dropped && dropped > second, "{third:?} {dropped:?} {second:?}");
}

/// The event that was just added, or forgotten, in the same transaction counts.
pub(crate) async fn only_lanes_without_events_are_forgotten(store: &dyn Store) {
    let used = given_events(store, "used", [1]).await;
    let (a, b, c) = (lane(store, "a").await, lane(store, "b").await, lane(store, "c").await);
    let mut tx = begin(store).await;
    tx.insert_events(&[new_event(2, b, tx.now())]).await.unwrap();
    let mut gone = tx.delete_empty_lanes(1).await.unwrap();
    gone.extend(tx.delete_empty_lanes(10).await.unwrap());
    gone.sort_unstable();
    assert_eq!(gone, [a, c]);
    tx.delete_events(&[id(1)]).await.unwrap();
    assert_eq!(tx.delete_empty_lanes(10).await.unwrap(), [used]);
    tx.commit().await.unwrap();
    let left = begin(store).await.lanes_after(LaneId(0)).await.unwrap();
    assert_eq!(left.iter().map(|lane| lane.lane_id).collect::<Vec<_>>(), [b]);
}
