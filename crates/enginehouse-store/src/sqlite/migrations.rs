//! The schema, made by numbered migrations. Forward only.

use enginehouse_core::time::Timestamp;
use rusqlite::{Connection, params};

/// One step from a schema to the next.
pub(super) struct Migration {
    pub(super) version: i32,
    pub(super) name: &'static str,
    text: &'static str,
}

/// Every migration, in order. Frozen once released.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "engines_and_events",
    text: include_str!("../../migrations/sqlite/0001_engines_and_events.sql"),
}];

/// The schema that this program works with.
pub(super) fn newest() -> i32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

impl Migration {
    /// Its statements, as the file separates them: nothing here parses SQL. What stands before the first is its title.
    pub(super) fn statements(&self) -> impl Iterator<Item = &'static str> {
        self.text.split("\n-- statement\n").skip(1)
    }
}

/// Brings the schema from `version` to the newest. Each step commits together with its number.
pub(super) fn migrate(connection: &mut Connection, version: i32, now: Timestamp) -> rusqlite::Result<()> {
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > version) {
        let transaction = connection.transaction()?;
        for statement in migration.statements() {
            transaction.execute(statement, [])?;
        }
        transaction.execute(
            "insert into schema_version (version, name, applied_at) values (?1, ?2, ?3)",
            params![migration.version, migration.name, now.as_millis()],
        )?;
        transaction.pragma_update(None, "user_version", migration.version)?;
        transaction.commit()?;
        tracing::info!(version = migration.version, name = migration.name, "the schema was migrated");
    }
    Ok(())
}
