//! The migrations of a data file.

use enginehouse_core::time::Timestamp;
use rusqlite::Connection;

use super::failure::{SqliteError, SqliteResult};
use crate::migrations::{AppliedMigration, Dialect, Migration, MigrationVerdict, Status};

/// Applies migrations. Each is one transaction, its number in the header of the file included.
pub(super) fn apply(connection: &mut Connection, migrations: &[Migration]) -> SqliteResult<()> {
    for migration in migrations {
        run(connection, migration.statements())?;
        tracing::info!(version = migration.version, name = migration.name, "the schema was migrated");
    }
    Ok(())
}

pub(super) fn run(connection: &mut Connection, statements: impl Iterator<Item = &'static str>) -> SqliteResult<()> {
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
        MigrationVerdict::NewerIncompatible
    } else {
        MigrationVerdict::Foreign(format!("its header says version {header}, and its rows say {newest}"))
    };
    Ok(Status { dialect: Dialect::Sqlite, applied, verdict })
}

fn rows(connection: &Connection) -> SqliteResult<Vec<AppliedMigration>> {
    let select = "select version, name, oldest_compatible, applied_at from schema_version order by version";
    let mut statement = connection.prepare(select)?;
    let rows = statement.query_map([], |row| {
        let applied_at = Timestamp::from_millis(row.get(3)?);
        Ok(AppliedMigration { version: row.get(0)?, name: row.get(1)?, oldest_compatible: row.get(2)?, applied_at })
    })?;
    rows.collect::<Result<_, _>>().map_err(SqliteError::from)
}
