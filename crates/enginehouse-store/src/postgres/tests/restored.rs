//! A dump of another cluster, whose transactions have other numbers.

use enginehouse_core::ids::LaneId;

use super::{Fresh, open_fresh, options, until};
use crate::Store;
use crate::conformance::given::{begin, claim, engine_id, insert, lane, new_event, now};
use crate::postgres::PostgresStore;

/// As if the cluster that wrote the rows had counted a million transactions more.
async fn given_numbers_from_elsewhere(fresh: &Fresh) {
    let client = fresh.connect().await;
    for (table, column) in [("lanes", "changed_by"), ("lane_changes", "changed_by"), ("events", "lock_given_by")] {
        let shift = format!(
            "update enginehouse.{table} set {column} = ({column}::text::bigint + 1000000)::text::xid8 \
             where {column} is not null"
        );
        assert_ne!(client.execute(&shift, &[]).await.unwrap(), 0, "{table}");
    }
}

async fn forget_empty_lanes(store: &dyn Store) -> Vec<LaneId> {
    let mut tx = begin(store).await;
    let gone = tx.delete_empty_lanes(10).await.unwrap();
    tx.commit().await.unwrap();
    gone
}

#[tokio::test]
async fn rows_of_another_cluster_get_numbers_of_this_one_when_a_server_starts() {
    let fresh = open_fresh().await;
    let (empty, full) = (lane(&*fresh, "empty").await, lane(&*fresh, "full").await);
    insert(&*fresh, &[new_event(1, full, now(&*fresh).await)]).await;
    claim(&*fresh, 1, "sim-1").await;
    given_numbers_from_elsewhere(&fresh).await;
    for _ in 0..5 {
        assert_eq!(forget_empty_lanes(&*fresh).await, [], "no lane is old enough");
    }
    let restored = PostgresStore::open(options(&fresh.url)).await.unwrap();
    let gone = until("the empty lane is forgotten", async || {
        let gone = forget_empty_lanes(&restored).await;
        (!gone.is_empty()).then_some(gone)
    })
    .await;
    assert_eq!(gone, [empty]);
    let held = begin(&restored).await.locks_of_engines(&[engine_id("sim-1")]).await.unwrap();
    assert_eq!(held.iter().map(|lock| lock.lane_id).collect::<Vec<_>>(), [full]);
    assert_eq!(restored.check_integrity().await.unwrap(), Vec::<String>::new());
}
