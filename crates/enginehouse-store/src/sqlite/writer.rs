//! The one connection that writes, and checkpoints.
//!
//! Whoever holds its guard blocks the calling thread with every statement. The dispatcher lets one thread do nothing
//! else: the writer thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::generation::Generation;
use enginehouse_core::time::Timestamp;
use rusqlite::config::DbConfig;

use super::columns::sql;
use super::connection::SqliteConnection;
use super::counts::CountChanges;
use super::failure::{self, SqliteError, SqliteResult};
use super::file_lock::FileLock;
use super::file_watch::FileWatch;
use super::poison::{Damage, Poison};
use super::quiet_lanes::QuietLanes;
use crate::clock::{Clock, Reading, StoreTime};
use crate::{Applied, StoreError};

/// How far ahead the bound of the store's time is written, which no transaction comes behind without writing another one. So
/// it is written once a second, and a start after a crash does not begin earlier, whatever the wall clock says.
const TIME_STEP: Duration = Duration::from_secs(1);
/// The same while the store's time is ahead of the wall clock: each start after a crash begins that much later, so that a server
/// that crashes again and again would run away from it.
const TIME_STEP_AHEAD: Duration = Duration::from_millis(10);
/// A log that grows as large as this is held by readers: it begins anew every few MiB otherwise.
const LARGE_LOG_BYTES: u64 = 256 * 1024 * 1024;
/// How long a commit waits at most for readers to let go of a large log.
const LOG_WAIT: Duration = Duration::from_millis(250);
/// How often that is tried.
const LOG_RETRY: Duration = Duration::from_secs(10);

pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) generation: Generation,
    pub(super) quiet_lanes: QuietLanes,
    pub(super) highest_lane: i64,
    pub(super) highest_registry_version: i64,
    clock: Arc<dyn Clock>,
    time: StoreTime,
    /// The bound of the time, as it stands in the file.
    written_time: Timestamp,
    /// From which size on the log is worth making readers wait for.
    pub(super) large_log_bytes: u64,
    log_path: PathBuf,
    log_tried_at: Option<Duration>,
    files: Arc<FileWatch>,
    poison: Poison,
    damage: Damage,
    /// Held as long as anything can write.
    _lock: Arc<FileLock>,
}

impl Writer {
    pub(super) fn new(
        connection: rusqlite::Connection,
        generation: Generation,
        clock: Arc<dyn Clock>,
        log_path: PathBuf,
        files: Arc<FileWatch>,
        (poison, damage): (Poison, Damage),
        lock: Arc<FileLock>,
    ) -> SqliteResult<Self> {
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let written_time = Timestamp::from_millis(number(sql!("last_time"))?);
        let highest_lane = number(sql!("highest_lane_id"))?;
        let highest_registry_version = number(sql!("registry_version"))?;
        Ok(Self {
            generation,
            quiet_lanes: QuietLanes::default(),
            highest_lane,
            highest_registry_version,
            time: StoreTime::resume(written_time, &*clock),
            clock,
            written_time,
            large_log_bytes: LARGE_LOG_BYTES,
            log_path,
            log_tried_at: None,
            poison,
            damage,
            connection: SqliteConnection::new(connection, Arc::default()),
            files,
            _lock: lock,
        })
    }

    /// Begins a transaction and reads its time.
    pub(super) fn begin(&mut self) -> Result<Reading, StoreError> {
        self.require_sound()?;
        self.files.check().map_err(StoreError::unavailable)?;
        // Immediate: a transaction that began by reading could not wait for another process to finish its write.
        self.connection.execute_batch("begin immediate").map_err(|error| self.failed(error.into()))?;
        Ok(self.time.read(&*self.clock))
    }

    /// Commits. Whatever the outcome, no transaction is open afterwards.
    pub(super) fn commit(&mut self, counts: &mut CountChanges, now: Timestamp) -> Result<(), StoreError> {
        let written = self.write_bookkeeping(counts, now).map_err(|failure| {
            let error = self.failed(failure);
            self.roll_back();
            error
        })?;
        if let Err(error) = self.connection.execute_batch("commit") {
            let reason = error.to_string();
            let error = failure::of_commit(error);
            if matches!(error, StoreError::Unavailable { applied: Applied::Unknown, .. }) {
                self.poison(&reason);
            }
            self.roll_back();
            return Err(error);
        }
        // A commit into a file that has no name is gone at the next start.
        self.files.check().map_err(|reason| StoreError::Unavailable { applied: Applied::Unknown, reason })?;
        self.written_time = written;
        self.shrink_log();
        Ok(())
    }

    fn write_bookkeeping(&self, counts: &mut CountChanges, now: Timestamp) -> SqliteResult<Timestamp> {
        counts.write(&self.connection, now)?;
        if now <= self.written_time {
            return Ok(self.written_time);
        }
        let bound = now + if self.time.is_ahead() { TIME_STEP_AHEAD } else { TIME_STEP };
        self.connection.prepare_cached(sql!("write_last_time"))?.execute([bound.as_millis()])?;
        Ok(bound)
    }

    /// Rolls back, unless SQLite has already done so: it does when the disk is full or fails. To roll back twice is
    /// an error, which would hide the first one.
    pub(super) fn roll_back(&mut self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("rollback") {
            tracing::error!(%error, "a transaction could not be rolled back");
            self.poison(&error.to_string());
        }
    }

    /// The error for the caller; and no more writes, if it says that one was lost.
    pub(super) fn failed(&self, failure: SqliteError) -> StoreError {
        self.damage.notice(&failure);
        let lost = failure.lost_a_write();
        let error = StoreError::from(failure);
        if lost {
            self.poison(&error.to_string());
        }
        error
    }

    fn require_sound(&self) -> Result<(), StoreError> {
        match self.poison.get() {
            None => Ok(()),
            Some(reason) => Err(StoreError::unavailable(reason)),
        }
    }

    fn poison(&self, reason: &str) {
        self.poison.set(format!(
            "an earlier write may not have reached the disk ({reason}): restart the server, so that it finds out what was \
             written"
        ));
    }

    /// Starts the log anew when readers that overlap have kept it from that for long. Without this it would grow until
    /// the disk is full.
    fn shrink_log(&mut self) {
        let now = self.clock.monotonic();
        if self.log_tried_at.is_some_and(|tried_at| now.saturating_sub(tried_at) < LOG_RETRY) {
            return;
        }
        let size = std::fs::metadata(&self.log_path).map_or(0, |metadata| metadata.len());
        if size < self.large_log_bytes {
            return;
        }
        self.log_tried_at = Some(now);
        if let Err(error) = self.truncate_log() {
            tracing::warn!(%error, bytes = size, "the write-ahead log is large, and readers keep it from shrinking");
        }
    }

    fn truncate_log(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(LOG_WAIT)?;
        let done = self.connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
        self.connection.busy_timeout(super::connections::BUSY_TIMEOUT)?;
        done
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The next start begins with the last time that was seen, and not with its bound. If that fails, it begins up to a
        // second later.
        if self.files.check().is_ok() && self.poison.get().is_none() && self.connection.is_autocommit() {
            let closed = self.connection.execute(sql!("close_at"), [self.time.last().as_millis()]);
            tracing::debug!(?closed, "the store is closed");
        }
        // The last connection to close writes the log into the file and removes it, by its name: if that now means
        // another file, or nobody knows what was written, everything stays as it is.
        if self.poison.get().is_some()
            && let Err(error) = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        {
            tracing::warn!(%error, "the log could not be left alone");
        }
    }
}
