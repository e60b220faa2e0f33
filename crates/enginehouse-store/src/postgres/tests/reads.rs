//! Reads share connections, and leave nothing behind on them.

use std::future::poll_fn;
use std::task::Poll;

use enginehouse_core::run_activity::decayed;
use enginehouse_core::time::Timestamp;

use super::{open_fresh, open_fresh_with, until};
use crate::Queries;
use crate::conformance::given::{given_events, id};
use crate::postgres::PostgresOptions;
use crate::rows::{EventFilter, PageRequest};

/// The one after it sees what has happened since, on the same connection.
#[tokio::test]
async fn a_cancelled_read_does_not_go_on() {
    let fresh = open_fresh_with(|options| PostgresOptions { readers: 1, ..options }).await;
    given_events(&*fresh, "render", [1]).await;
    let page = PageRequest { limit: 10, after: None };
    let filter = EventFilter::default();
    for steps in 1..=12 {
        let mut read = fresh.events(&filter, &page);
        for _ in 0..steps {
            if poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(read);
        let number = steps + 1;
        given_events(&*fresh, "render", [number]).await;
        assert!(fresh.event(id(number)).await.unwrap().is_some(), "cancelled after {steps} steps");
    }
    let client = fresh.connect().await;
    let open = "select count(*) from pg_stat_activity \
                where datname = current_database() and state = 'idle in transaction'";
    until("no connection is left inside a transaction", async || {
        let count: i64 = client.query_one(open, &[]).await.unwrap().get(0);
        (count == 0).then_some(())
    })
    .await;
}

/// The schema's function is the one of the core.
#[tokio::test]
async fn sums_decay_as_the_core_says() {
    let fresh = open_fresh().await;
    let client = fresh.connect().await;
    let since = 1_700_000_000_000_i64;
    for passed in [-5_000, 0, 1, 999, 60_000, 300_000, 3_599_999, 3_600_000, 100_000_000_000] {
        for sum in [0_u64, 1, 17, 999_999, 1_000_000_000_000] {
            let now = since + passed;
            let asked = format!(
                "select enginehouse.decayed({sum}, to_timestamp({since} / 1000.0), to_timestamp({now} / 1000.0))"
            );
            let summed: i64 = client.query_one(&asked, &[]).await.unwrap().get(0);
            let expected = decayed(sum, Timestamp::from_millis(since), Timestamp::from_millis(now)).cast_signed();
            assert!(summed.abs_diff(expected) <= 1, "{sum} after {passed} ms: {summed}, not {expected}");
        }
    }
    // What somebody has written by hand ends no statement.
    for row in ["9223372036854775807, '2020-01-01', '2020-01-01'", "5, '-infinity', 'infinity'", "-7, now(), now()"] {
        client.query_one(&format!("select enginehouse.decayed({row})"), &[]).await.unwrap();
    }
}
