//! What SQLite says when something goes wrong, and what it means for the caller.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::{Applied, StoreError, UnreadableRow};

/// Why a statement, or what was made of its rows, failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SqliteError {
    /// SQLite said so.
    #[error(transparent)]
    Sqlite(rusqlite::Error),
    /// The system said so, of a file beside SQLite's.
    #[error(transparent)]
    Io(std::io::Error),
    /// A row holds what no row of this program holds.
    #[error("{0}")]
    Row(String),
    /// The row that was asked for is such a one.
    #[error("{0}")]
    Unreadable(UnreadableRow),
    /// What was to be written has changed since it was read.
    #[error("{0}")]
    Stale(String),
    /// This program has asked for what contradicts itself.
    #[error("{0}")]
    Bug(String),
}

pub(super) type SqliteResult<T> = Result<T, SqliteError>;

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<SqliteError> for StoreError {
    /// The error of a statement before the commit: whatever it is, nothing was changed.
    fn from(failure: SqliteError) -> Self {
        match failure {
            SqliteError::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                Self::Full(full_message(&error))
            }
            SqliteError::Sqlite(error) if is_passing(&error) => Self::unavailable(full_message(&error)),
            SqliteError::Sqlite(error) if is_damage(&error) => Self::Corrupt(full_message(&error)),
            SqliteError::Sqlite(error) => Self::Bug(full_message(&error)),
            SqliteError::Io(error) => Self::unavailable(error.to_string()),
            SqliteError::Row(what) => Self::Corrupt(what),
            SqliteError::Unreadable(row) => Self::Unreadable(row),
            SqliteError::Stale(what) => Self::Conflict(what),
            SqliteError::Bug(what) => Self::Bug(what),
        }
    }
}

impl SqliteError {
    /// A value that no row of this program has.
    pub(super) fn unexpected(column: &str, what: &str) -> Self {
        Self::Row(format!("unexpected value in column {column}: {what}"))
    }

    /// Whether the file is not as it was written: not one of its rows, but its pages.
    pub(super) fn is_damaged_file(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }

    /// Whether a write did not reach the disk. The system reports that once, and may have dropped what it could not
    /// write: a second attempt would succeed and prove nothing.
    pub(super) fn lost_a_write(&self) -> bool {
        const LOST: [i32; 4] = [
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_IOERR_CLOSE,
            ffi::SQLITE_IOERR_CORRUPTFS,
        ];
        matches!(self, Self::Sqlite(error) if extended_code(error).is_some_and(|code| LOST.contains(&code)))
    }
}

/// What a failed commit means: the error for the caller, and whether it is known that nothing was committed.
pub(super) fn of_commit(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        // The frame that makes a transaction count is the last one that is written: it did not fit.
        Some(ErrorCode::DiskFull) => StoreError::Full(full_message(&error)),
        // Nothing was written yet.
        Some(ErrorCode::DatabaseBusy | ErrorCode::ConstraintViolation) => SqliteError::from(error).into(),
        // Perhaps the last frame was written, but not synced.
        _ => StoreError::Unavailable { applied: Applied::Unknown, reason: full_message(&error) },
    }
}

/// Whether it lies with the machine, and may pass: not with the file, nor with this program.
fn is_passing(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

/// Whether the file is not as it was written, or a row of it is not.
fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(..) => {
            matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        }
        // What was read: a row that must be there, or a value of its type.
        rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

/// SQLite's words with its code, by which they can be looked up.
fn full_message(error: &rusqlite::Error) -> String {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; free space on the disk, or raise max_store_mb if it is set",
        Some(ErrorCode::ReadOnly) => "; make the data file and its folder writable",
        _ => "",
    };
    match extended_code(error) {
        Some(code) => format!("{error} (SQLite error {code}){advice}"),
        None => format!("{error}{advice}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    /// `no` and `unknown` say whether an unavailable store has applied the change.
    fn meaning(error: StoreError) -> &'static str {
        match error {
            StoreError::Corrupt(_) => "corrupt",
            StoreError::Unreadable(_) => "unreadable",
            StoreError::Bug(_) => "bug",
            StoreError::Conflict(_) => "conflict",
            StoreError::Held { .. } => "held",
            StoreError::Full(_) => "full",
            StoreError::Unavailable { applied: Applied::No, .. } => "no",
            StoreError::Unavailable { applied: Applied::Unknown, .. } => "unknown",
        }
    }

    #[test]
    fn each_error_has_its_meaning_before_and_at_the_commit() {
        for (code, before, at_commit) in [
            (ffi::SQLITE_FULL, "full", "full"),
            (ffi::SQLITE_BUSY, "no", "no"),
            (ffi::SQLITE_IOERR_WRITE, "no", "unknown"),
            (ffi::SQLITE_IOERR_FSYNC, "no", "unknown"),
            (ffi::SQLITE_CANTOPEN, "no", "unknown"),
            (ffi::SQLITE_READONLY, "no", "unknown"),
            (ffi::SQLITE_NOMEM, "no", "unknown"),
            (ffi::SQLITE_CORRUPT, "corrupt", "unknown"),
            (ffi::SQLITE_NOTADB, "corrupt", "unknown"),
            (ffi::SQLITE_CONSTRAINT_CHECK, "bug", "bug"),
            (ffi::SQLITE_MISMATCH, "bug", "unknown"),
            (ffi::SQLITE_ERROR, "bug", "unknown"),
        ] {
            assert_eq!(meaning(SqliteError::from(sqlite(code)).into()), before, "{code} before the commit");
            assert_eq!(meaning(of_commit(sqlite(code))), at_commit, "{code} at the commit");
        }
    }

    #[test]
    fn a_write_that_was_not_synced_is_lost() {
        assert!(SqliteError::from(sqlite(ffi::SQLITE_IOERR_FSYNC)).lost_a_write());
        assert!(!SqliteError::from(sqlite(ffi::SQLITE_FULL)).lost_a_write());
        assert!(!SqliteError::from(sqlite(ffi::SQLITE_IOERR_READ)).lost_a_write());
    }
}
