//! What holds for SQLite alone.

mod backups;
mod clock;
mod failures;
mod files;
mod generations;
mod inspections;
mod opening;
mod plans;
mod schema;

use std::ops::Deref;
use std::path::{Path, PathBuf};
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

/// A folder in which a test opens, closes and looks at files.
struct TestFolder {
    folder: TempDir,
    clock: Arc<ManualClock>,
}

impl TestFolder {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        Self { folder: tempfile::tempdir().unwrap(), clock }
    }

    fn path(&self) -> PathBuf {
        self.file("enginehouse.db")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options(&self) -> SqliteOptions {
        SqliteOptions::new(self.path(), Arc::clone(&self.clock) as _)
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.options()).unwrap()
    }

    fn open_file(&self, name: &str) -> SqliteStore {
        SqliteStore::open(SqliteOptions::new(self.file(name), Arc::clone(&self.clock) as _)).unwrap()
    }

    /// The names of all files in the folder.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A connection as any other program makes it.
fn connect(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}
