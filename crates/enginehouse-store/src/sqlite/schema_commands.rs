//! What `enginehouse schema` does to a data file that no server has open.

use std::path::Path;

use rusqlite::Connection;

use super::connections;
use super::failure::SqliteResult;
use super::file_lock::FileLock;
use super::open::{self, SqliteOpenError};
use super::schema::{apply, read, run};
use crate::migrations::{Migration, SchemaRefusal, Status};
use crate::store::Durability;

/// Says which migrations a data file has. A server may go on working with it. Blocks.
///
/// # Errors
/// [`SqliteOpenError`] if the file cannot be read, or is not of this program.
pub fn schema_status(path: &Path) -> Result<Status, SqliteOpenError> {
    let path = open::true_path(path)?;
    if !path.exists() {
        return Err(SqliteOpenError::Missing { path });
    }
    let held = FileLock::holder(&path);
    let held = held.map_err(|source| SqliteOpenError::Io { path: path.clone(), source })?.is_some();
    // While a server has the file open, it has been looked at.
    if !held && open::check_header(&path)? {
        return Err(SqliteOpenError::NotOurs { path, found: "an empty file".to_owned() });
    }
    let look = || {
        let reader = if held { connections::open_reader(&path)? } else { connections::open_untouched(&path)? };
        read(&reader)
    };
    look().map_err(|failure| open::unreadable(&path, failure))
}

/// Brings a data file up to a version, if it is not there yet; makes it, if it is not there at all. Answers which
/// migrations were applied. Blocks.
///
/// # Errors
/// An [`SqliteOpenError`] says what to do.
pub fn migrate_sqlite(path: &Path, to: i32) -> Result<&'static [Migration], SqliteOpenError> {
    let held = open::take(path, true)?;
    let path = held.path.as_path();
    let mut connection = connect(&held)?;
    let missing = way(path, &connection)?.way_up(to).map_err(|refusal| refused(path, refusal))?;
    apply(&mut connection, missing).map_err(|failure| open::unreadable(path, failure))?;
    Ok(missing)
}

/// Takes a data file back to a version. Answers what was taken back, the newest first. Events are lost only if that was
/// said. Blocks.
///
/// # Errors
/// An [`SqliteOpenError`] says what to do.
pub fn revert_sqlite(path: &Path, to: i32, discard_data: bool) -> Result<Vec<&'static Migration>, SqliteOpenError> {
    let held = open::take(path, false)?;
    if held.is_new {
        return Err(SqliteOpenError::Missing { path: held.path });
    }
    let path = held.path.as_path();
    let mut connection = connect(&held)?;
    let unreadable = |failure| open::unreadable(path, failure);
    let way = way(path, &connection)?.way_down(to).map_err(|refusal| refused(path, refusal))?;
    if way.iter().any(|migration| migration.holds_events()) && !discard_data {
        let ask = || -> SqliteResult<bool> {
            Ok(connection.query_row("select exists (select 1 from events)", [], |row| row.get(0))?)
        };
        if ask().map_err(unreadable)? {
            return Err(refused(path, SchemaRefusal::HoldsEvents));
        }
    }
    for migration in &way {
        let statements = migration.down_statements().into_iter().flatten();
        run(&mut connection, statements).map_err(unreadable)?;
        tracing::info!(version = migration.version, name = migration.name, "a migration was taken back");
    }
    Ok(way)
}

fn connect(held: &open::OpenedFile) -> Result<Connection, SqliteOpenError> {
    let connect = || -> SqliteResult<Connection> {
        if held.is_new {
            open::create(&held.path)?;
        }
        open::connect(&held.path, Durability::Full)
    };
    connect().map_err(|failure| open::unreadable(&held.path, failure))
}

fn way(path: &Path, connection: &Connection) -> Result<Status, SqliteOpenError> {
    read(connection).map_err(|failure| open::unreadable(path, failure))
}

pub(super) fn refused(path: &Path, refusal: SchemaRefusal) -> SqliteOpenError {
    SqliteOpenError::Schema { path: path.to_owned(), refusal }
}
