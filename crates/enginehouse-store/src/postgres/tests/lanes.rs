//! What becomes of lanes that are deleted.

use super::{Fresh, open_fresh, options, until};
use crate::conformance::given::{begin, lane, new_event, now};
use crate::postgres::PostgresStore;
use crate::postgres::shared::maintenance::prune_deleted_lanes;

async fn delete_empty(fresh: &Fresh) {
    until("the lane is deleted", async || {
        let mut tx = begin(&**fresh).await;
        let deleted = tx.delete_empty_lanes(10).await.unwrap();
        tx.commit().await.unwrap();
        (!deleted.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_lane_that_another_server_has_deleted_is_deleted_here_too() {
    let one = open_fresh().await;
    let other = PostgresStore::open(options(&one.url)).await.unwrap();
    let lane_id = lane(&*one, "a").await;
    let version = begin(&other).await.lanes_since(0).await.unwrap().version;
    delete_empty(&one).await;
    let changes = begin(&*one).await.lanes_since(version).await.unwrap();
    assert_eq!(changes.deleted, [lane_id], "with the commit");
    let mut tx = begin(&other).await;
    assert_eq!(tx.lanes_since(version).await.unwrap().deleted, [], "maintenance has not run yet");
    prune_deleted_lanes(&other.shared).await.unwrap();
    let changes = tx.lanes_since(version).await.unwrap();
    assert_eq!(changes.deleted, [lane_id]);
    assert_eq!(tx.lanes_since(changes.version).await.unwrap().deleted, [], "once");
}

#[tokio::test]
async fn lanes_are_deleted_with_the_commit_only() {
    let fresh = open_fresh().await;
    let lane_id = lane(&*fresh, "a").await;
    let deleted = until("the lane is about to be deleted", async || {
        let mut tx = begin(&*fresh).await;
        let deleted = tx.delete_empty_lanes(10).await.unwrap();
        if !deleted.is_empty() {
            drop(tx);
            return Some(deleted);
        }
        tx.commit().await.unwrap();
        None
    })
    .await;
    assert_eq!(deleted, [lane_id]);
    let changes = begin(&*fresh).await.lanes_since(0).await.unwrap();
    assert_eq!((changes.deleted.len(), changes.retired[0].lane_id), (0, lane_id));
}

/// A transaction that began while the lane was in use may still put an event there.
#[tokio::test]
async fn a_lane_out_of_use_that_has_events_is_known_to_a_server_that_starts_later() {
    let fresh = open_fresh().await;
    let (lane_id, at) = (lane(&*fresh, "a").await, now(&*fresh).await);
    let mut slow = begin(&*fresh).await;
    until("the lane is out of use", async || {
        let mut tx = begin(&*fresh).await;
        tx.delete_empty_lanes(10).await.unwrap();
        tx.commit().await.unwrap();
        (!begin(&*fresh).await.lanes_since(0).await.unwrap().retired.is_empty()).then_some(())
    })
    .await;
    slow.insert_events(&[new_event(1, lane_id, at)]).await.unwrap();
    slow.commit().await.unwrap();
    let later = PostgresStore::open(options(&fresh.url)).await.unwrap();
    let changes = begin(&later).await.lanes_since(0).await.unwrap();
    assert_eq!((changes.active.len(), changes.retired.len()), (0, 1));
    assert_eq!((changes.retired[0].lane_id, changes.retired[0].key.event_type.as_str()), (lane_id, "a"));
}
