//! A look from outside.

use std::fs;

use super::{House, connect};
use crate::conformance::given::{claim, given_events};
use crate::migrations::Dialect;
use crate::rows::StatusCounts;
use crate::sqlite::{OpenError, inspect};

#[tokio::test]
async fn a_file_is_inspected_with_and_without_a_server() {
    let house = House::new();
    let store = house.open();
    given_events(&store, "render", 1..=3).await;
    claim(&store, 2, "sim-1").await;
    let counts = StatusCounts { queued: 2, processing: 1, ..Default::default() };

    let live = inspect(&house.path()).await.unwrap();
    assert_eq!(live.holder, Some(format!("process {} since 2027-01-15T08:00:00.000Z", std::process::id())));
    assert_eq!((live.counts, live.findings.len()), (counts, 0));
    assert!(live.log_bytes > 0);
    // It has taken nothing from the server.
    claim(&store, 1, "sim-1").await;
    claim(&store, 3, "sim-1").await;
    drop(store);

    let content = fs::read(house.path()).unwrap();
    let closed = inspect(&house.path()).await.unwrap();
    assert_eq!(
        (closed.holder, closed.schema, closed.newest_schema),
        (None, Dialect::Sqlite.newest(), Dialect::Sqlite.newest())
    );
    assert_eq!(closed.counts, StatusCounts { processing: 3, ..Default::default() });
    assert_eq!(closed.file_bytes, u64::try_from(content.len()).unwrap());
    assert!(fs::read(house.path()).unwrap() == content);
}

#[tokio::test]
async fn findings_are_in_words() {
    let house = House::new();
    let store = house.open();
    given_events(&store, "render", 1..=3).await;
    drop(store);
    connect(&house.path()).execute("update lane_counts set events = 7", []).unwrap();
    let found = inspect(&house.path()).await.unwrap();
    assert_eq!(found.findings, ["lane 1 has 3 queued events, but 7 are counted"]);
}

#[tokio::test]
async fn what_is_not_ours_is_not_inspected() {
    let house = House::new();
    assert!(matches!(inspect(&house.path()).await, Err(OpenError::Missing { .. })));
    assert!(house.names().is_empty());
    fs::write(house.path(), "").unwrap();
    assert!(matches!(inspect(&house.path()).await, Err(OpenError::NotOurs { .. })));
    fs::write(house.path(), "Dear diary").unwrap();
    assert!(matches!(inspect(&house.path()).await, Err(OpenError::NotOurs { .. })));
    assert_eq!(house.names(), ["enginehouse.db"]);
}

/// A server of a newer version may be running on it right now.
#[tokio::test]
async fn a_newer_file_is_not_inspected() {
    let house = House::new();
    let store = house.open();
    connect(&house.path()).pragma_update(None, "user_version", Dialect::Sqlite.newest() + 1).unwrap();
    assert!(matches!(inspect(&house.path()).await, Err(OpenError::Schema { .. })));
    drop(store);
    assert!(matches!(inspect(&house.path()).await, Err(OpenError::Schema { .. })));
}
