//! A look from outside.

use std::fs;

use super::{TestFolder, connect};
use crate::conformance::given::{claim, given_events};
use crate::migrations::Dialect;
use crate::rows::StatusCounts;
use crate::sqlite::{SqliteOpenError, inspect};

#[tokio::test]
async fn a_file_is_inspected_with_and_without_a_server() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", 1..=3).await;
    claim(&store, 2, "sim-1").await;
    let counts = StatusCounts { queued: 2, processing: 1, ..Default::default() };

    let live = inspect(&folder.path()).await.unwrap();
    assert_eq!(live.holder, Some(format!("process {}", std::process::id())));
    assert_eq!((live.counts, live.findings.len()), (counts, 0));
    assert!(live.log_bytes > 0);
    // It has taken nothing from the server.
    claim(&store, 1, "sim-1").await;
    claim(&store, 3, "sim-1").await;
    drop(store);

    let content = fs::read(folder.path()).unwrap();
    let closed = inspect(&folder.path()).await.unwrap();
    assert_eq!(
        (closed.holder, closed.schema, closed.newest_schema),
        (None, Dialect::Sqlite.newest(), Dialect::Sqlite.newest())
    );
    assert_eq!(closed.counts, StatusCounts { processing: 3, ..Default::default() });
    assert_eq!(closed.file_bytes, u64::try_from(content.len()).unwrap());
    assert!(fs::read(folder.path()).unwrap() == content);
}

#[tokio::test]
async fn findings_are_in_words() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", 1..=3).await;
    drop(store);
    connect(&folder.path()).execute("update lane_counts set events = 7", []).unwrap();
    let found = inspect(&folder.path()).await.unwrap();
    assert_eq!(found.findings, ["lane 1 has 3 queued events, but 7 are counted"]);
}

#[tokio::test]
async fn what_is_not_ours_is_not_inspected() {
    let folder = TestFolder::new();
    assert!(matches!(inspect(&folder.path()).await, Err(SqliteOpenError::Missing { .. })));
    assert!(folder.names().is_empty());
    fs::write(folder.path(), "").unwrap();
    assert!(matches!(inspect(&folder.path()).await, Err(SqliteOpenError::NotOurs { .. })));
    fs::write(folder.path(), "Dear diary").unwrap();
    assert!(matches!(inspect(&folder.path()).await, Err(SqliteOpenError::NotOurs { .. })));
    assert_eq!(folder.names(), ["enginehouse.db"]);
}

/// A server of a newer version may be running on it right now.
#[tokio::test]
async fn a_newer_file_is_not_inspected() {
    let folder = TestFolder::new();
    let store = folder.open();
    connect(&folder.path()).pragma_update(None, "user_version", Dialect::Sqlite.newest() + 1).unwrap();
    assert!(matches!(inspect(&folder.path()).await, Err(SqliteOpenError::Schema { .. })));
    drop(store);
    assert!(matches!(inspect(&folder.path()).await, Err(SqliteOpenError::Schema { .. })));
}
