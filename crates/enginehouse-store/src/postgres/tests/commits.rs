//! What is sent together with a commit is part of what it commits.

use std::future::poll_fn;
use std::task::Poll;

use super::{open_fresh, open_fresh_with};
use crate::conformance::given::{begin, given_events, id, insert, lane, new_event, now};
use crate::postgres::PostgresOptions;

/// On a connection that has never sent that statement, too.
#[tokio::test]
async fn counts_change_in_the_transaction_that_changes_the_events() {
    let fresh = open_fresh().await;
    given_events(&*fresh, "render", [1]).await;
    let row = fresh
        .connect()
        .await
        .query_one(
            "select e.xmin::text, c.xmin::text, c.changed_by::text from enginehouse.events as e, enginehouse.lane_changes as c",
            &[],
        )
        .await
        .unwrap();
    let [event, change, noted]: [String; 3] = [row.get(0), row.get(1), row.get(2)];
    assert_eq!((&change, &noted), (&event, &event));
}

/// Its connection goes to the next transaction, which must not commit what it has not done.
#[tokio::test]
async fn a_commit_that_is_cancelled_half_way_commits_nothing_later() {
    let fresh = open_fresh_with(|options| PostgresOptions { max_transactions: 1, ..options }).await;
    let lane_id = lane(&*fresh, "render").await;
    let mut tx = begin(&*fresh).await;
    tx.insert_events(&[new_event(1, lane_id, tx.now())]).await.unwrap();
    // The first step is sent, and nobody waits for the answer.
    let mut commit = tx.commit();
    let polled = poll_fn(|context| Poll::Ready(commit.as_mut().poll(context))).await;
    assert!(polled.is_pending());
    drop(commit);
    insert(&*fresh, &[new_event(2, lane_id, now(&*fresh).await)]).await;
    let mut tx = begin(&*fresh).await;
    let found = tx.events_by_id(&[id(1), id(2)]).await.unwrap();
    assert_eq!(found.iter().map(|event| event.event_id).collect::<Vec<_>>(), [id(2)]);
}
