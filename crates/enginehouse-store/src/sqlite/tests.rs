//! What holds for SQLite alone.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use enginehouse_core::time::Timestamp;
use tempfile::TempDir;

use super::{SqliteOptions, SqliteStore};
use crate::clock::{ManualClock, SystemClock};

/// A fresh store of a test; its folder goes with it.
pub(crate) struct Fresh {
    store: SqliteStore,
    _folder: TempDir,
}

impl Deref for Fresh {
    type Target = SqliteStore;

    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

/// A store that nobody has written to, with the machine's clock.
pub(crate) async fn open_fresh() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("enginehouse.db"), Arc::new(SystemClock::new()));
    Fresh { store: SqliteStore::open(options).unwrap(), _folder: folder }
}

#[test]
fn every_statement_prepares_on_a_fresh_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
    let _store = SqliteStore::open(SqliteOptions::new(&path, clock)).unwrap();
    let reader = super::connections::open_reader(&path).unwrap();
    let sql = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite/sql");
    let mut count = 0;
    for file in std::fs::read_dir(sql).unwrap() {
        let path: PathBuf = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        reader.prepare(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        count += 1;
    }
    assert!(count > 60);
}
