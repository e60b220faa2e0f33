//! What holds for SQLite alone.

use std::sync::Arc;

use enginehouse_core::time::Timestamp;
use tempfile::TempDir;

use super::{SqliteOptions, SqliteStore};
use crate::Store;
use crate::clock::ManualClock;

fn open() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
    let store = SqliteStore::open(SqliteOptions::new(folder.path().join("a.db"), clock)).unwrap();
    (folder, store)
}

#[tokio::test]
async fn smoke() {
    let (_folder, store) = open();
    let tx = store.begin().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.check_integrity().await.unwrap(), [""; 0]);
}

#[test]
fn every_statement_prepares_on_a_fresh_schema() {
    let (folder, _store) = open();
    let reader = super::connections::open_reader(&folder.path().join("a.db")).unwrap();
    let sql = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite/sql");
    let mut count = 0;
    for file in std::fs::read_dir(sql).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        reader.prepare(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        count += 1;
    }
    assert!(count > 60);
}
