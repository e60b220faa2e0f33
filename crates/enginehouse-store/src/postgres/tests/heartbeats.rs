//! What happens most often to few rows.

use std::time::Duration;

use super::{open_fresh, until};
use crate::conformance::given::{begin, registered, write_engines};

/// A heartbeat writes a row of an engine anew, and no index: else both would grow faster than they are vacuumed.
#[tokio::test]
async fn a_heartbeat_changes_no_index() {
    const BEATS: i64 = 50;
    let fresh = open_fresh().await;
    let now = begin(&*fresh).await.now();
    let client = fresh.connect().await;
    client.batch_execute("alter table enginehouse.engines set (autovacuum_enabled = off)").await.unwrap();
    write_engines(&*fresh, &[registered("sim-1", now), registered("sim-2", now)]).await;
    for beat in 1..=BEATS {
        let mut engine = registered("sim-1", now);
        engine.last_heartbeat_at = now + Duration::from_secs(u64::try_from(beat).unwrap());
        engine.lost_due_at = engine.lost_due_at.map(|at| at + Duration::from_secs(u64::try_from(beat).unwrap()));
        write_engines(&*fresh, &[engine]).await;
    }
    // A session tells what it has counted when it ends, at the latest.
    let others = "select pg_terminate_backend(pid) from pg_stat_activity \
                  where datname = current_database() and pid <> pg_backend_pid()";
    client.batch_execute(others).await.unwrap();
    let counts = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables \
                  where schemaname = 'enginehouse' and relname = 'engines'";
    let (updated, hot) = until("the heartbeats are counted", async || {
        let row = client.query_one(counts, &[]).await.unwrap();
        let (updated, hot): (i64, i64) = (row.get(0), row.get(1));
        (updated >= BEATS).then_some((updated, hot))
    })
    .await;
    // Now and then a page is full before it can be tidied up.
    assert!(updated == BEATS && hot * 10 >= BEATS * 9, "{hot} of {updated}");
}
