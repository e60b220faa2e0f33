//! The time of a transaction, and of the store over a clock that is set.

use std::time::Duration;

use super::{open_fresh, options, until};
use crate::Store;
use crate::conformance::given::{begin, now};
use crate::postgres::PostgresStore;

#[tokio::test]
async fn a_transaction_that_had_to_wait_goes_on_with_the_present_time() {
    let fresh = open_fresh().await;
    let client = fresh.connect().await;
    let mut tx = begin(&*fresh).await;
    let began_at = tx.now();
    assert_eq!(tx.now(), began_at, "it stands still by itself");
    let waited = until("a while has passed", async || {
        let row = client.query_one("select (extract(epoch from clock_timestamp()) * 1000)::bigint", &[]).await.unwrap();
        let at = enginehouse_core::time::Timestamp::from_millis(row.get(0));
        (at.since(began_at) > Duration::from_millis(100)).then_some(at)
    })
    .await;
    let caught_up = tx.catch_up();
    assert!(caught_up.since(began_at) >= Duration::from_millis(90), "{began_at}, {waited}, {caught_up}");
    assert_eq!(tx.now(), caught_up);
    drop(tx);
    assert!(now(&*fresh).await >= caught_up);
}

/// The last time was noted a while before the server ended, and the clock of the database was set back meanwhile.
#[tokio::test]
async fn a_server_that_starts_behind_the_last_time_begins_after_all_that_may_have_been_seen() {
    let fresh = open_fresh().await;
    let ahead = now(&*fresh).await + Duration::from_secs(600);
    let client = fresh.connect().await;
    let sql = "update enginehouse.meta set value = $1 where key = 'last_time'";
    client.execute(sql, &[&ahead.as_millis()]).await.unwrap();
    let store = PostgresStore::open(options(&fresh.url)).await.unwrap();
    let first = now(&store as &dyn Store).await;
    assert!(first.since(ahead) >= Duration::from_secs(4) && first.since(ahead) < Duration::from_secs(60), "{first}");
    // The next one finds what this one has noted: it is as far ahead as this one, and not farther.
    until("the lead is noted", async || {
        let sql = "select value from enginehouse.meta where key = 'last_time_lead'";
        let lead: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
        (lead > 0).then_some(lead)
    })
    .await;
    let next = PostgresStore::open(options(&fresh.url)).await.unwrap();
    let (of_next, of_first) = (now(&next as &dyn Store).await, now(&store as &dyn Store).await);
    assert!(of_next.since(of_first) < Duration::from_secs(2), "{of_first}, {of_next}");
}

/// Many transactions that wait for rows read the time again and again.
#[tokio::test]
async fn the_time_runs_no_faster_than_the_clock_of_the_database() {
    let fresh = open_fresh().await;
    let client = fresh.connect().await;
    let mut tx = begin(&*fresh).await;
    let began_at = tx.now();
    until("a tenth of a second has passed", async || {
        for _ in 0..100 {
            tx.catch_up();
            tokio::task::yield_now().await;
        }
        (tx.now().since(began_at) > Duration::from_millis(100)).then_some(())
    })
    .await;
    let row = client.query_one("select (extract(epoch from clock_timestamp()) * 1000)::bigint", &[]).await.unwrap();
    let clock = enginehouse_core::time::Timestamp::from_millis(row.get(0));
    assert!(tx.now() <= clock, "{} is after {clock}", tx.now());
}
