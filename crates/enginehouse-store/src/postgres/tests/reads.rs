//! Reads share connections, and leave nothing behind on them.

use std::future::poll_fn;
use std::task::Poll;

use super::{open_fresh_with, until};
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
