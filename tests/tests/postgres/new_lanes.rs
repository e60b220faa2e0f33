//! Lanes that others make while a transaction is under way.

use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::until;
use tokio_postgres::NoTls;

use crate::calls::{claim, enqueue, register};

/// How often an engine calls while a lane is made. One call of two or so comes at the moment that counts.
const ROUNDS: usize = 12;

async fn connect(store: &TestStore) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&store.url(), NoTls).await.unwrap();
    tokio::spawn(async { connection.await.ok() });
    client
}

/// Another server makes a lane, and gives an engine an event of it, in one transaction; one here began before that commit, waited
/// for the engine, and then sees the event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_lane_that_was_made_meanwhile_is_like_any_other() {
    let store = TestStore::on(StoreKind::Postgres);
    let server = store.serve(&["--log", "off"]);
    let client = server.client();
    register(&client, "e", 0).await;
    enqueue(&client).await.unwrap();
    let (other_server, watcher) = (connect(&store).await, connect(&store).await);
    for round in 0..ROUNDS {
        let give = format!(
            "begin; \
             select from enginehouse.engines where engine_id = 'e' for update; \
             create temporary table made on commit drop as \
             select enginehouse.enqueue('new-{round}', '{{}}'::json) as event_id; \
             update enginehouse.events set \
                 status = 'processing', engine_id = 'e', lock_holder = 'processing_by_e', claimed_at = now(), \
                 lock_secret = '\\x00112233445566778899aabbccddeeff', lock_engine_epoch = 1, lock_serial = 1, attempt = 1, \
                 lock_expires_at = now() + interval '1 hour', lock_visibility_timeout_ms = 3600000, \
                 lock_unlisted_heartbeats = 0, lock_given_by = pg_current_xact_id() \
             where event_id = (select event_id from made)"
        );
        other_server.batch_execute(&give).await.unwrap();
        let calling = tokio::spawn({
            let client = server.client();
            async move { claim(&client, "e").await }
        });
        let waits = "select count(*) from pg_stat_activity \
                     where datname = current_database() and wait_event_type = 'Lock'";
        until("the claim waits for the engine", async || {
            let waiting: i64 = watcher.query_one(waits, &[]).await.unwrap().get(0);
            (waiting > 0 || calling.is_finished()).then_some(())
        })
        .await;
        other_server.batch_execute("commit").await.unwrap();
        calling.await.unwrap().expect("the engine is served, whatever lane its other events are in");
    }
}
