//! The store that a suite runs over: a file of its own, or a database of its own.

use std::num::NonZero;
use std::sync::{Arc, OnceLock};

use enginehouse_core::time::Timestamp;
use enginehouse_store::clock::ManualClock;
use enginehouse_store::postgres::{PostgresOptions, PostgresStore};
use enginehouse_store::sqlite::{SqliteOptions, SqliteStore};
use enginehouse_store::{Durability, Store};
use tokio::runtime::Runtime;

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each suite is built for one of them")]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Where the rows of a test are; they go with it.
pub(crate) enum TestStore {
    Folder(tempfile::TempDir),
    Database(String),
}

impl TestStore {
    pub(crate) fn on(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::Folder(tempfile::tempdir().unwrap()),
            Kind::Postgres => Self::Database(enginehouse_cluster::shared().fresh_database()),
        }
    }

    /// Opens the store, for the first time or again, with a clock that the test sets.
    pub(crate) fn open(&self, clock: &Arc<ManualClock>) -> Arc<dyn Store> {
        match self {
            Self::Folder(folder) => {
                let options = SqliteOptions {
                    durability: Durability::Relaxed,
                    readers: NonZero::new(2).unwrap(),
                    ..SqliteOptions::new(folder.path().join("harness.db"), Arc::clone(clock) as _)
                };
                Arc::new(SqliteStore::open(options).unwrap())
            }
            Self::Database(url) => {
                let options = PostgresOptions {
                    durability: Durability::Relaxed,
                    clock: Some(Arc::clone(clock) as _),
                    max_transactions: 4,
                    ..PostgresOptions::new(url)
                };
                let (opened, open) = std::sync::mpsc::channel();
                chores().spawn(async move { opened.send(PostgresStore::open(options).await) });
                Arc::new(open.recv().unwrap().unwrap())
            }
        }
    }

    /// Has a database keep this time as its last, which a server writes every few seconds. A file has it already.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub(crate) fn keep_time(&self, time: Timestamp) {
        if let Self::Database(url) = self {
            let sql = format!("update enginehouse.meta set value = {} where key = 'last_time'", time.as_millis());
            enginehouse_cluster::psql(url, &sql);
        }
    }

    /// What the audit log has of a target, oldest first: `action detail`.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub(crate) fn audit(&self, target: &str) -> Vec<String> {
        match self {
            Self::Folder(folder) => {
                let file = rusqlite::Connection::open(folder.path().join("harness.db")).unwrap();
                let sql = "select action || ' ' || detail from audit_log where target = ?1 order by audit_id";
                let mut statement = file.prepare(sql).unwrap();
                let rows = statement.query_map([target], |row| row.get(0)).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Self::Database(url) => {
                let sql = format!(
                    "select action || ' ' || detail from enginehouse.audit_log where target = '{target}' order by audit_id"
                );
                enginehouse_cluster::psql(url, &sql).lines().map(str::to_owned).collect()
            }
        }
    }
}

impl Drop for TestStore {
    fn drop(&mut self) {
        if let Self::Database(url) = self {
            enginehouse_cluster::shared().drop_database(url);
        }
    }
}

/// Runs what a store does by itself, beside the runtime of each test.
fn chores() -> &'static Runtime {
    static CHORES: OnceLock<Runtime> = OnceLock::new();
    CHORES.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
}
