//! Lanes have numbers that stand for one thing for ever.

use std::collections::HashSet;

use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::{Lane, LaneKey};

use super::given::{begin, given_events, id, insert, lane, lane_key, new_event, now};
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
        LaneKey { engine_version: Some(">=1.4,<2".parse().unwrap()), ..plain.clone() },
        LaneKey { suspended_run: Some("night".parse().unwrap()), ..plain },
    ]
}

/// Asked for again, a lane is the same, in this transaction and in a later one.
pub(crate) async fn equal_requirements_are_one_lane(store: &dyn Store) {
    let twice: Vec<_> = keys().into_iter().chain(keys()).collect();
    let mut tx = begin(store).await;
    let first = tx.intern_lanes(&twice).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(first[..11], first[11..]);
    let mut tx = begin(store).await;
    assert_eq!(tx.intern_lanes(&keys()).await.unwrap(), first[..11]);
    drop(tx);
    assert_eq!(all(store).await.len(), 11);
}

/// What an engine could tell apart is not one lane, and comes back as it was asked for.
pub(crate) async fn each_requirement_makes_a_lane_of_its_own(store: &dyn Store) {
    let mut tx = begin(store).await;
    let lanes = tx.intern_lanes(&keys()).await.unwrap();
    tx.commit().await.unwrap();
    let numbers: HashSet<_> = lanes.iter().map(|lane| lane.lane_id).collect();
    assert_eq!(numbers.len(), keys().len());
    assert_eq!(lanes.iter().map(|lane| lane.key.clone()).collect::<Vec<_>>(), keys());
    assert_eq!(all(store).await, lanes, "by number, which rises in the order of asking");
}

/// Lanes are found by their numbers, and what is not there is left out.
pub(crate) async fn lanes_are_found_by_their_numbers(store: &dyn Store) {
    let (a, b) = (lane(store, "a").await, lane(store, "b").await);
    let mut found = begin(store).await.lanes_by_id(&[b, a, LaneId(9_999)]).await.unwrap();
    found.sort_unstable_by_key(|lane| lane.lane_id);
    assert_eq!(found, [(a, "a"), (b, "b")].map(|(lane_id, name)| Lane { lane_id, key: lane_key(name) }));
}

/// Whoever knows the lanes up to a place asks for the others only.
pub(crate) async fn lanes_are_read_from_a_place_on(store: &dyn Store) {
    let a = lane(store, "a").await;
    let first = begin(store).await.lanes_since(0).await.unwrap();
    let (b, c) = (lane(store, "b").await, lane(store, "c").await);
    let numbers = |lanes: &[Lane]| lanes.iter().map(|lane| lane.lane_id).collect::<Vec<_>>();
    assert_eq!(numbers(&first.active), [a]);
    let second = begin(store).await.lanes_since(first.version).await.unwrap();
    assert_eq!(numbers(&second.active), [b, c]);
    assert_eq!(begin(store).await.lanes_since(second.version).await.unwrap().active, []);
}

/// Neither after its lane was forgotten, nor when the transaction that gave it was dropped: somebody may remember it.
pub(crate) async fn a_lane_number_is_never_given_twice(store: &dyn Store) {
    let first = lane(store, "a").await;
    assert_eq!(prune_empty(store, 10, 1).await, [first]);
    let second = lane(store, "b").await;
    assert!(second > first);
    let mut tx = begin(store).await;
    let dropped = tx.intern_lanes(&[lane_key("c")]).await.unwrap()[0].lane_id;
    drop(tx);
    let third = lane(store, "d").await;
    assert!(third > dropped && dropped > second, "{third:?} {dropped:?} {second:?}");
}

/// However few are asked for at once, and whatever has just been added or forgotten.
pub(crate) async fn only_lanes_without_events_are_forgotten(store: &dyn Store) {
    let used = given_events(store, "used", [1]).await;
    let (a, b, c) = (lane(store, "a").await, lane(store, "b").await, lane(store, "c").await);
    let mut tx = begin(store).await;
    tx.insert_events(&[new_event(2, b, tx.now())]).await.unwrap();
    tx.delete_empty_lanes(10).await.unwrap();
    tx.commit().await.unwrap();
    prune_empty(store, 1, 2).await;
    let numbers = |lanes: &[Lane]| lanes.iter().map(|lane| lane.lane_id).collect::<Vec<_>>();
    assert_eq!(numbers(&all(store).await), [used, b], "not {a:?} and {c:?}");
    let mut tx = begin(store).await;
    tx.delete_events(&[id(1)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(prune_empty(store, 10, 1).await, [used]);
    assert_eq!(numbers(&all(store).await), [b]);
}

/// It may have been on its way out: whoever interns it has it back, with its number or with a new one.
pub(crate) async fn a_lane_that_is_interned_again_is_there(store: &dyn Store) {
    for _ in 0..4 {
        let lane_id = lane(store, "a").await;
        let mut tx = begin(store).await;
        tx.delete_empty_lanes(10).await.unwrap();
        tx.commit().await.unwrap();
        let again = lane(store, "a").await;
        assert!(again >= lane_id);
        let made = all(store).await;
        assert_eq!(made.iter().map(|lane| lane.lane_id).collect::<Vec<_>>(), [again]);
        insert(store, &[new_event(1, again, now(store).await)]).await;
        assert_eq!(prune_empty(store, 10, 0).await, []);
        let mut tx = begin(store).await;
        tx.delete_events(&[id(1)]).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Every lane that is in use.
async fn all(store: &dyn Store) -> Vec<Lane> {
    begin(store).await.lanes_since(0).await.unwrap().active
}

/// Forgets what is empty, in as many transactions as it takes for `count` lanes; some of them wait for transactions of
/// others to end.
async fn prune_empty(store: &dyn Store, limit: u32, count: usize) -> Vec<LaneId> {
    let mut gone = Vec::new();
    for turn in 0..5_000 {
        if turn >= 8 && gone.len() >= count {
            break;
        }
        let mut tx = begin(store).await;
        gone.extend(tx.delete_empty_lanes(limit).await.unwrap());
        tx.commit().await.unwrap();
    }
    gone.sort_unstable();
    gone
}
