//! What becomes of lanes that are forgotten.

use super::{Fresh, open_fresh, options, until};
use crate::conformance::given::{begin, lane, new_event, now};
use crate::postgres::PostgresStore;
use crate::postgres::shared::keeper::forget_gone_lanes;

async fn forget_empty(fresh: &Fresh) {
    until("the lane is forgotten", async || {
        let mut tx = begin(&**fresh).await;
        let gone = tx.delete_empty_lanes(10).await.unwrap();
        tx.commit().await.unwrap();
        (!gone.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_lane_that_another_server_has_forgotten_is_gone_here_too() {
    let one = open_fresh().await;
    let other = PostgresStore::open(options(&one.url)).await.unwrap();
    let lane_id = lane(&*one, "a").await;
    let version = begin(&other).await.lanes_since(0).await.unwrap().version;
    forget_empty(&one).await;
    let told = begin(&*one).await.lanes_since(version).await.unwrap();
    assert_eq!(told.deleted, [lane_id], "told with the commit");
    let mut tx = begin(&other).await;
    assert_eq!(tx.lanes_since(version).await.unwrap().deleted, [], "nobody has told it");
    forget_gone_lanes(&other.shared).await.unwrap();
    let told = tx.lanes_since(version).await.unwrap();
    assert_eq!(told.deleted, [lane_id]);
    assert_eq!(tx.lanes_since(told.version).await.unwrap().deleted, [], "once");
}

#[tokio::test]
async fn lanes_are_forgotten_with_the_commit_only() {
    let fresh = open_fresh().await;
    let lane_id = lane(&*fresh, "a").await;
    let gone = until("the lane is about to be forgotten", async || {
        let mut tx = begin(&*fresh).await;
        let gone = tx.delete_empty_lanes(10).await.unwrap();
        if !gone.is_empty() {
            drop(tx);
            return Some(gone);
        }
        tx.commit().await.unwrap();
        None
    })
    .await;
    assert_eq!(gone, [lane_id]);
    let told = begin(&*fresh).await.lanes_since(0).await.unwrap();
    assert_eq!((told.deleted.len(), told.retired[0].lane_id), (0, lane_id));
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
    let told = begin(&later).await.lanes_since(0).await.unwrap();
    assert_eq!((told.active.len(), told.retired.len()), (0, 1));
    assert_eq!((told.retired[0].lane_id, told.retired[0].key.event_type.as_str()), (lane_id, "a"));
}
