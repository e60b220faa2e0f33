//! A dump of another cluster, which has counted other transaction ids.

use enginehouse_core::ids::LaneId;

use super::{Fresh, open_fresh, options, until};
use crate::conformance::given::{begin, claim, engine_id, insert, lane, new_event, now};
use crate::postgres::PostgresStore;
use crate::{Store, StoreAdmin};

/// As if the cluster that wrote the rows had counted a million transactions more.
async fn given_foreign_xids(fresh: &Fresh) {
    let client = fresh.connect().await;
    for (table, column) in [("lanes", "changed_by"), ("lane_changes", "changed_by"), ("events", "lock_given_by")] {
        let shift = format!(
            "update enginehouse.{table} set {column} = ({column}::text::bigint + 1000000)::text::xid8 \
             where {column} is not null"
        );
        assert_ne!(client.execute(&shift, &[]).await.unwrap(), 0, "{table}");
    }
}

async fn delete_empty_lanes(store: &dyn Store) -> Vec<LaneId> {
    let mut tx = begin(store).await;
    let deleted = tx.delete_empty_lanes(10).await.unwrap();
    tx.commit().await.unwrap();
    deleted
}

#[tokio::test]
async fn a_server_rebases_the_xids_of_another_cluster_when_it_starts() {
    let fresh = open_fresh().await;
    let (empty, full) = (lane(&*fresh, "empty").await, lane(&*fresh, "full").await);
    insert(&*fresh, &[new_event(1, full, now(&*fresh).await)]).await;
    claim(&*fresh, 1, "sim-1").await;
    given_foreign_xids(&fresh).await;
    for _ in 0..5 {
        assert_eq!(delete_empty_lanes(&*fresh).await, [], "no lane is old enough");
    }
    let restored = PostgresStore::open(options(&fresh.url)).await.unwrap();
    let deleted = until("the empty lane is deleted", async || {
        let deleted = delete_empty_lanes(&restored).await;
        (!deleted.is_empty()).then_some(deleted)
    })
    .await;
    assert_eq!(deleted, [empty]);
    let held = begin(&restored).await.held_events(&[engine_id("sim-1")]).await.unwrap();
    assert_eq!(held.iter().map(|lock| lock.lane_id).collect::<Vec<_>>(), [full]);
    assert_eq!(restored.check_integrity().await.unwrap(), Vec::<String>::new());
}
