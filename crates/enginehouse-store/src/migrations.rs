//! The schema of both stores, as numbered migrations.
//!
//! A migration is a list of single statements, separated by a line of its file: nothing here parses SQL, so that a
//! function body may hold what it likes. Its last statement writes its own row into `schema_version`: whoever runs the
//! statements, a server, a person with `psql` or a team's own chain, the version is known afterwards.
//!
//! The runner of SQLite is in `sqlite::schema`, for it needs the lock on the file; the one of PostgreSQL is here.

mod postgres;
mod schema_name;
mod verdict;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use self::postgres::{
    MigrateError, migrate_postgres, migrate_postgres_to, postgres_status, prepare_postgres, revert_postgres,
};
pub use self::schema_name::{NotASchemaName, SchemaName};
pub use self::verdict::{AppliedMigration, MigrationVerdict, SchemaRefusal, Status};

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite's.
    Sqlite,
    /// PostgreSQL's.
    Postgres,
}

/// One step from a schema to the next.
#[derive(Debug)]
pub struct Migration {
    /// Its number; the first is 1, and there are no gaps. The same number is the same migration in either dialect, even if there
    /// is nothing to do in one of them.
    pub version: i32,
    /// What it brings, in words.
    pub name: &'static str,
    /// The oldest version whose servers can work with the schema once it has this migration; from 1 to its own.
    pub oldest_compatible: i32,
    /// The text of its file.
    pub up: &'static str,
    /// The text that takes it back, where nothing else is lost by that.
    pub down: Option<&'static str>,
}

const SQLITE: &[Migration] = &[
    Migration {
        version: 1,
        name: "engines_and_events",
        oldest_compatible: 1,
        up: include_str!("../migrations/sqlite/0001_engines_and_events.sql"),
        down: Some(include_str!("../migrations/sqlite/0001_engines_and_events.down.sql")),
    },
    Migration {
        version: 2,
        name: "enqueue_in_sql",
        oldest_compatible: 1,
        up: include_str!("../migrations/sqlite/0002_enqueue_in_sql.sql"),
        down: Some(include_str!("../migrations/sqlite/0002_enqueue_in_sql.down.sql")),
    },
];

const POSTGRES: &[Migration] = &[
    Migration {
        version: 1,
        name: "engines_and_events",
        oldest_compatible: 1,
        up: include_str!("../migrations/postgres/0001_engines_and_events.sql"),
        down: Some(include_str!("../migrations/postgres/0001_engines_and_events.down.sql")),
    },
    Migration {
        version: 2,
        name: "enqueue_in_sql",
        oldest_compatible: 1,
        up: include_str!("../migrations/postgres/0002_enqueue_in_sql.sql"),
        down: Some(include_str!("../migrations/postgres/0002_enqueue_in_sql.down.sql")),
    },
];

impl Dialect {
    /// Every migration, in order. Frozen once released.
    pub const fn migrations(self) -> &'static [Migration] {
        match self {
            Self::Sqlite => SQLITE,
            Self::Postgres => POSTGRES,
        }
    }

    /// The version of the schema that this program works with.
    pub fn newest(self) -> i32 {
        self.migrations().last().map_or(0, |migration| migration.version)
    }

    /// Its name, as the command line has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Migration {
    /// Its statements, in order.
    pub fn statements(&self) -> impl Iterator<Item = &'static str> {
        statements(self.up)
    }

    /// The statements that take it back, in order; none if there is no way back.
    pub fn down_statements(&self) -> Option<impl Iterator<Item = &'static str>> {
        self.down.map(statements)
    }

    /// Whether taking it back loses engines and events.
    pub const fn holds_events(&self) -> bool {
        self.version == 1
    }
}

/// The statements of a file, as it separates them. What stands before the first is its title.
fn statements(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split("\n-- statement\n").skip(1).map(str::trim_end)
}

/// What a server does about its schema when it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Migrate {
    /// Brings it up to date.
    #[default]
    Auto,
    /// Refuses to start unless it is up to date.
    Check,
    /// Takes it as it is.
    Off,
}

impl Migrate {
    /// Its name, as settings have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Check => "check",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Migrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Migrate {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let known = [Self::Auto, Self::Check, Self::Off];
        known.into_iter().find(|migrate| migrate.name() == word).ok_or("must be auto, check or off")
    }
}
