//! The migrations of a data file.

use std::path::Path;

use enginehouse_core::time::Timestamp;
use rusqlite::Connection;

use super::failure::{SqliteError, SqliteResult};
use super::lock_file::{self, LockFile};
use super::open::{self, OpenError};
use super::{Durability, connections};
use crate::clock::Clock;
use crate::migrations::{AppliedMigration, Dialect, Migration, Refusal, Status, Verdict};

/// Says which migrations a data file has. A server may go on working with it. Blocks.
///
/// # Errors
/// [`OpenError`] if the file cannot be read, or is not of this program.
pub fn schema_status(path: &Path) -> Result<Status, OpenError> {
    let path = open::true_path(path)?;
    if !path.exists() {
        return Err(OpenError::Missing { path });
    }
    let held = LockFile::holder(&lock_file::path_for(&path));
    let held = held.map_err(|source| OpenError::Io { path: path.clone(), source })?.is_some();
    // While a server has the file open, it has been looked at.
    if !held && open::check_header(&path)? {
        return Err(OpenError::NotOurs { path, found: "an empty file".to_owned() });
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
/// An [`OpenError`] says what to do.
pub fn migrate_sqlite(path: &Path, to: i32, clock: &dyn Clock) -> Result<&'static [Migration], OpenError> {
    let held = open::take(path, clock)?;
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
/// An [`OpenError`] says what to do.
pub fn revert_sqlite(
    path: &Path,
    to: i32,
    discard_data: bool,
    clock: &dyn Clock,
) -> Result<Vec<&'static Migration>, OpenError> {
    let held = open::take(path, clock)?;
    if held.is_new {
        return Err(OpenError::Missing { path: held.path });
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
            return Err(refused(path, Refusal::HoldsEvents));
        }
    }
    for migration in &way {
        let statements = migration.down_statements().into_iter().flatten();
        run(&mut connection, statements).map_err(unreadable)?;
        tracing::info!(version = migration.version, name = migration.name, "a migration was taken back");
    }
    Ok(way)
}

fn connect(held: &open::Held) -> Result<Connection, OpenError> {
    let connect = || -> SqliteResult<Connection> {
        if held.is_new {
            open::create(&held.path)?;
        }
        open::connect(&held.path, Durability::Full)
    };
    connect().map_err(|failure| open::unreadable(&held.path, failure))
}

fn way(path: &Path, connection: &Connection) -> Result<Status, OpenError> {
    read(connection).map_err(|failure| open::unreadable(path, failure))
}

pub(super) fn refused(path: &Path, refusal: Refusal) -> OpenError {
    OpenError::Schema { path: path.to_owned(), refusal }
}

/// Applies migrations. Each is one transaction, its number in the header of the file included.
pub(super) fn apply(connection: &mut Connection, migrations: &[Migration]) -> SqliteResult<()> {
    for migration in migrations {
        run(connection, migration.statements())?;
        tracing::info!(version = migration.version, name = migration.name, "the schema was migrated");
    }
    Ok(())
}

fn run(connection: &mut Connection, statements: impl Iterator<Item = &'static str>) -> SqliteResult<()> {
    let transaction = connection.transaction()?;
    for statement in statements {
        transaction.execute(statement, [])?;
    }
    Ok(transaction.commit()?)
}

/// Which migrations a file has: by its rows, and by the number in its header.
pub(super) fn read(connection: &Connection) -> SqliteResult<Status> {
    let header: i32 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    let mut applied = if header == 0 { Vec::new() } else { rows(connection)? };
    let newest = applied.last().map_or(0, |row| row.version);
    if header == newest {
        return Ok(Status::of(Dialect::Sqlite, applied));
    }
    let verdict = if header > Dialect::Sqlite.newest() {
        // Whatever has made it so, this program does not know what it did.
        let applied_at = Timestamp::MIN;
        applied.push(AppliedMigration {
            version: header,
            name: "unknown".to_owned(),
            oldest_compatible: header,
            applied_at,
        });
        Verdict::NewerIncompatible
    } else {
        Verdict::Foreign(format!("its header says version {header}, and its rows say {newest}"))
    };
    Ok(Status { dialect: Dialect::Sqlite, applied, verdict })
}

fn rows(connection: &Connection) -> SqliteResult<Vec<AppliedMigration>> {
    let columns = "select count(*) from pragma_table_info('schema_version') where name = 'oldest_compatible'";
    let says_what_works: bool = connection.query_row(columns, [], |row| row.get(0))?;
    let oldest = if says_what_works { "oldest_compatible" } else { "1" };
    let select = format!("select version, name, {oldest}, applied_at from schema_version order by version");
    let mut statement = connection.prepare(&select)?;
    let rows = statement.query_map([], |row| {
        let applied_at = Timestamp::from_millis(row.get(3)?);
        Ok(AppliedMigration { version: row.get(0)?, name: row.get(1)?, oldest_compatible: row.get(2)?, applied_at })
    })?;
    rows.collect::<Result<_, _>>().map_err(SqliteError::from)
}
