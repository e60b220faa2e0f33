//! What is sent together with a commit is part of what it commits.

use super::open_fresh;
use crate::conformance::given::given_events;

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
