//! How connections are set up, and the readers.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enginehouse_core::run_activity;
use enginehouse_core::time::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::connection::SqliteConnection;
use super::failure::{SqliteError, SqliteResult};
use super::file_id::beside;
use super::file_lock::FileLock;
use super::poison::Damage;
use crate::error::StoreError;
use crate::store::Durability;
use crate::unreadable::UnreadableRows;

/// How every connection is opened: by a path without links, and on one thread at a time.
pub(super) const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX.union(OpenFlags::SQLITE_OPEN_NOFOLLOW);
/// How long a statement waits for another process, such as a database shell, that writes to the file.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than there are statements, so that each is prepared once.
const STATEMENTS: usize = 128;
/// The longest row: a payload of 256 KiB, and much room. Nothing longer is ever written.
const MAX_ROW_BYTES: i32 = 16 * 1024 * 1024;

/// Opens the connection that writes. The file exists.
pub(super) fn open_writer(path: &Path, durability: Durability) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, FLAGS | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    set_up(&connection)?;
    connection.pragma_update(None, "cache_size", -64 * 1024)?;
    let synchronous = match durability {
        Durability::Full => "full",
        Durability::Relaxed => "normal",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // Elsewhere than on Linux, a plain fsync may stop at the drive's cache.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    Ok(connection)
}

/// Opens a connection that cannot write.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, FLAGS | OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    set_up(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -4 * 1024)?;
    Ok(connection)
}

/// Opens a connection that looks at everything and changes nothing. It could write, but for `query_only`: SQLite forgets
/// the constraints of rows that it cannot write, and so would not check them.
pub(super) fn open_checker(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, FLAGS | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    set_up(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    // The last one to close a file would write the log into it: that is for the server to do.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// Opens a connection that looks at a file which nobody else has open, and leaves it and what is beside it as they were.
pub(super) fn open_untouched(path: &Path) -> rusqlite::Result<Connection> {
    let has_log = beside(path, "-wal").exists();
    let connection = open_checker(path)?;
    // Where there is no log, SQLite makes an empty one, and takes it away again only if it may write what is in it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // The file may come from anywhere: nothing in its schema may do more than hold rows.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // A misspelt column is an error, not a text.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // A plan is made once: otherwise a statement may be prepared anew for each value that it is given.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_ROW_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 10)?;
    connection.set_limit(Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A page that is mapped into memory is a page that a stray pointer can write to.
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // As PostgreSQL's schema has it. SQLite has no functions of powers.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("decayed", 3, flags, |arguments| {
        let moment = |index| arguments.get(index).map(Timestamp::from_millis);
        let sum = u64::try_from(arguments.get::<i64>(0)?).unwrap_or(0);
        Ok(i64::try_from(run_activity::decayed(sum, moment(1)?, moment(2)?)).unwrap_or(i64::MAX))
    })
}

/// Read-only connections, opened when they are needed, and at most so many.
#[derive(Clone)]
pub(super) struct Readers(Arc<ReaderPoolState>);

struct ReaderPoolState {
    path: PathBuf,
    idle: Mutex<Vec<SqliteConnection>>,
    unreadable: Arc<UnreadableRows>,
    count: u32,
    free: Arc<Semaphore>,
    damage: Damage,
    /// Held as long as anything reads: a server that starts would otherwise meet readers of this one.
    _lock: Arc<FileLock>,
}

impl Readers {
    pub(super) fn new(
        path: PathBuf,
        count: NonZero<u32>,
        unreadable: Arc<UnreadableRows>,
        damage: Damage,
        lock: Arc<FileLock>,
    ) -> Self {
        let free = Arc::new(Semaphore::new(count.get() as usize));
        let count = count.get();
        Self(Arc::new(ReaderPoolState { path, count, idle: Mutex::default(), unreadable, free, damage, _lock: lock }))
    }

    /// Waits for what is being read, closes the connections, and opens none any more.
    pub(super) async fn close(&self) {
        // Whoever has waited for longer comes first. It fails if they are closed already.
        drop(self.0.free.acquire_many(self.0.count).await);
        self.0.free.close();
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The rows that could not be read, by table.
    pub(super) fn unreadable_rows(&self) -> Vec<(&'static str, u64)> {
        self.0.unreadable.counts()
    }

    /// Runs `read` on a thread for blocking work, in one snapshot.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&SqliteConnection) -> SqliteResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.0.free).acquire_owned().await;
        let permit = permit.map_err(|_| closed())?;
        let shared = Arc::clone(&self.0);
        // The closure returns the connection itself: its caller may have gone away meanwhile.
        blocking(move || {
            let _permit = permit;
            let idle = shared.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => {
                    let opened = open_reader(&shared.path).map_err(SqliteError::from)?;
                    SqliteConnection::new(opened, Arc::clone(&shared.unreadable))
                }
            };
            let answer = in_one_snapshot(&connection, |_| read(&connection));
            connection.take_skipped();
            // One that is still in a transaction would keep its snapshot, and the log from shrinking.
            if connection.is_autocommit() {
                shared.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            Ok(answer.inspect_err(|failure| shared.damage.notice(failure))?)
        })
        .await
    }
}

/// Runs what takes long on a thread for blocking work, and with a connection of its own, so that it keeps no reader.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(closed()),
    }
}

/// What whoever comes too late is told.
pub(super) fn closed() -> StoreError {
    StoreError::unavailable("the store is closed: the server shuts down")
}

/// What `read` sees does not change under it.
pub(super) fn in_one_snapshot<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> SqliteResult<T>,
) -> SqliteResult<T> {
    connection.execute_batch("begin")?;
    let answer = read(connection);
    if !connection.is_autocommit() {
        connection.execute_batch("rollback")?;
    }
    answer
}
