//! Runs migrations on PostgreSQL.
//!
//! Each is one transaction, its row in `schema_version` included: it happened, or it did not. Any number of servers may start at once.
//! The first to take an advisory lock migrates, and the others find it done. Nothing rests on that lock: whoever applies
//! the statements without it, such as a team's own chain, meets the primary key of `schema_version`, and one of the two is
//! rolled back.

use std::time::Duration;

use enginehouse_core::time::Timestamp;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient, IsolationLevel, Transaction};

use super::{AppliedMigration, Dialect, Migrate, Migration, MigrationVerdict, SchemaName, SchemaRefusal, Status};

/// How long a migration waits for another one that is under way.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(120);
/// How long a statement waits for a table: whoever comes after it waits behind it.
const WAIT_FOR_TABLES: Duration = Duration::from_secs(10);
/// How often a migration is tried again after a deadlock with somebody who has not taken the lock.
const MAX_ATTEMPTS: u32 = 3;

/// Why the schema is not known, or not as it was to be. Nothing of the migration that failed is left.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The schema itself is the reason.
    #[error("schema {schema:?} of the database: {refusal}; {advice}", advice = refusal.advice())]
    Refused {
        /// The schema.
        schema: String,
        /// The reason.
        refusal: SchemaRefusal,
    },
    /// The role may not do that.
    #[error(
        "this role may not change schema {schema:?} ({message}): let its owner run `enginehouse schema up`, or the statements \
             that `enginehouse schema sql` prints; then serve with --migrate check"
    )]
    NotAllowed {
        /// The schema.
        schema: String,
        /// The message of PostgreSQL.
        message: String,
    },
    /// Another transaction holds what is to be changed.
    #[error(
        "migration {version} ({name}) waited too long for a lock: another migration, a backup or a forgotten transaction holds it \
             (see pg_stat_activity and pg_locks); nothing was changed, try again when it has ended"
    )]
    Locked {
        /// The migration.
        version: i32,
        /// What it brings.
        name: &'static str,
    },
    /// A statement failed.
    #[error(
        "statement {number} of migration {version} ({name}) failed, and nothing of the migration is left: {message}"
    )]
    Statement {
        /// The migration.
        version: i32,
        /// What it brings.
        name: &'static str,
        /// Which of its statements; 0 for none of them.
        number: usize,
        /// The message of PostgreSQL.
        message: String,
        /// The whole error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The server cannot be asked, or was lost on the way.
    #[error("PostgreSQL cannot be asked about its schema: {message}")]
    Unavailable {
        /// What went wrong.
        message: String,
        /// The whole error.
        #[source]
        source: tokio_postgres::Error,
    },
}

impl MigrateError {
    fn refused(schema: &SchemaName, refusal: SchemaRefusal) -> Self {
        Self::Refused { schema: schema.to_string(), refusal }
    }

    fn sql_state(&self) -> Option<&SqlState> {
        match self {
            Self::Statement { source, .. } | Self::Unavailable { source, .. } => source.code(),
            _ => None,
        }
    }
}

/// How long to wait for what.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) others: Duration,
    pub(super) tables: Duration,
}

impl Patience {
    const USUAL: Self = Self { others: WAIT_FOR_OTHERS, tables: WAIT_FOR_TABLES };
}

/// Says which migrations a schema has. Needs no right on a schema that is not there.
///
/// # Errors
/// The server cannot be asked, or the role may not read the schema.
pub async fn postgres_status(client: &Client, schema: &SchemaName) -> Result<Status, MigrateError> {
    status(client, schema).await
}

/// Brings a schema up to date. Answers which migrations it has applied itself: none, if there were none to come or another
/// server was faster.
///
/// # Errors
/// A [`MigrateError`] says what to do.
pub async fn migrate_postgres(
    client: &mut Client,
    schema: &SchemaName,
) -> Result<Vec<&'static Migration>, MigrateError> {
    migrate(client, schema, Dialect::Postgres.newest(), Patience::USUAL).await
}

/// Brings a schema up to a version, if it is not there yet. Answers which migrations it has applied itself.
///
/// # Errors
/// A [`MigrateError`] says what to do.
pub async fn migrate_postgres_to(
    client: &mut Client,
    schema: &SchemaName,
    to: i32,
) -> Result<Vec<&'static Migration>, MigrateError> {
    migrate(client, schema, to, Patience::USUAL).await
}

/// Makes sure that a server can work with a schema, as its setting says.
///
/// # Errors
/// A [`MigrateError`] says what to do.
pub async fn prepare_postgres(client: &mut Client, schema: &SchemaName, migrate: Migrate) -> Result<(), MigrateError> {
    match migrate {
        Migrate::Auto => migrate_postgres(client, schema).await.map(|_| ()),
        Migrate::Check => {
            let status = postgres_status(client, schema).await?;
            status.admit(migrate).map_err(|refusal| MigrateError::refused(schema, refusal))
        }
        Migrate::Off => Ok(()),
    }
}

/// Takes a schema back to a version. Answers what was taken back, the newest first. Events are lost only if that was said.
///
/// # Errors
/// A [`MigrateError`] says what to do. Each migration that was taken back before the one that failed stays taken back.
pub async fn revert_postgres(
    client: &mut Client,
    schema: &SchemaName,
    to: i32,
    discard_data: bool,
) -> Result<Vec<&'static Migration>, MigrateError> {
    let refused = |refusal| MigrateError::refused(schema, refusal);
    let way = status(client, schema).await?.way_down(to).map_err(refused)?;
    if !discard_data && way.iter().any(|migration| migration.holds_events()) && holds_events(client, schema).await? {
        return Err(refused(SchemaRefusal::HoldsEvents));
    }
    let mut reverted = Vec::with_capacity(way.len());
    for migration in way {
        let step = MigrationStep { schema, migration, patience: Patience::USUAL };
        let transaction = step.begin(client).await?;
        let now = status(&transaction, schema).await?;
        // Somebody else may have been faster, in either direction.
        if now.way_down(to).map_err(refused)?.first().is_some_and(|next| next.version == migration.version) {
            if migration.holds_events() && !discard_data {
                step.stop_writers(&transaction).await?;
                if holds_events(&transaction, schema).await? {
                    return Err(refused(SchemaRefusal::HoldsEvents));
                }
            }
            step.run(&transaction, migration.down_statements().into_iter().flatten()).await?;
            step.finish(transaction).await?;
            tracing::info!(version = migration.version, name = migration.name, "a migration was taken back");
            reverted.push(migration);
        }
    }
    Ok(reverted)
}

pub(super) async fn migrate(
    client: &mut Client,
    schema: &SchemaName,
    to: i32,
    patience: Patience,
) -> Result<Vec<&'static Migration>, MigrateError> {
    let mut applied = Vec::new();
    let mut attempts = 0;
    loop {
        // Most starts have nothing to do, and take no lock.
        let now = status(client, schema).await?;
        let way = now.way_up(to).map_err(|refusal| MigrateError::refused(schema, refusal))?;
        let Some(migration) = way.first() else { return Ok(applied) };
        match (MigrationStep { schema, migration, patience }).apply(client).await {
            Ok(true) => {
                tracing::info!(version = migration.version, name = migration.name, "the schema was migrated");
                applied.push(migration);
                attempts = 0;
            }
            Ok(false) => {}
            Err(error) => {
                // Somebody who has not taken the lock may have been faster: then there is nothing to complain about.
                if status(client, schema).await.is_ok_and(|now| now.has(migration.version)) {
                    continue;
                }
                attempts += 1;
                if error.sql_state() != Some(&SqlState::T_R_DEADLOCK_DETECTED) || attempts == MAX_ATTEMPTS {
                    return Err(error);
                }
            }
        }
    }
}

/// One migration on its way.
struct MigrationStep<'a> {
    schema: &'a SchemaName,
    migration: &'static Migration,
    patience: Patience,
}

impl MigrationStep<'_> {
    /// Applies it, unless somebody else has done so meanwhile.
    async fn apply(&self, client: &mut Client) -> Result<bool, MigrateError> {
        let transaction = self.begin(client).await?;
        if status(&transaction, self.schema).await?.has(self.migration.version) {
            return Ok(false);
        }
        self.run(&transaction, self.migration.statements()).await?;
        self.finish(transaction).await?;
        Ok(true)
    }

    /// Begins a transaction, once no other one migrates this schema.
    async fn begin<'c>(&self, client: &'c mut Client) -> Result<Transaction<'c>, MigrateError> {
        // A snapshot from before the wait would not show what others have done meanwhile.
        let builder = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).read_only(false);
        let transaction = builder.start().await.map_err(|error| self.explain(error, 0))?;
        let wait = async |waiting: Duration| {
            let limits = format!("set local lock_timeout = {}; set local statement_timeout = 0", waiting.as_millis());
            transaction.batch_execute(&limits).await
        };
        let lock = async {
            wait(self.patience.others).await?;
            let key = format!("enginehouse schema {}", self.schema);
            let lock = "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))";
            transaction.query_typed(lock, &[(&key, Type::TEXT)]).await?;
            wait(self.patience.tables).await
        };
        lock.await.map_err(|error| self.explain(error, 0))?;
        Ok(transaction)
    }

    async fn run(
        &self,
        transaction: &Transaction<'_>,
        statements: impl Iterator<Item = &'static str>,
    ) -> Result<(), MigrateError> {
        for (number, statement) in (1..).zip(statements) {
            let statement = self.schema.replace_in(statement);
            transaction.batch_execute(&statement).await.map_err(|error| self.explain(error, number))?;
        }
        Ok(())
    }

    async fn finish(&self, transaction: Transaction<'_>) -> Result<(), MigrateError> {
        transaction.commit().await.map_err(|error| self.explain(error, 0))
    }

    /// Waits for those who add events, and lets nobody else begin.
    async fn stop_writers(&self, transaction: &Transaction<'_>) -> Result<(), MigrateError> {
        let lock = self.schema.replace_in("lock table enginehouse.events in access exclusive mode");
        transaction.batch_execute(&lock).await.map_err(|error| self.explain(error, 0))
    }

    fn explain(&self, error: tokio_postgres::Error, number: usize) -> MigrateError {
        let Migration { version, name, .. } = *self.migration;
        match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => MigrateError::Locked { version, name },
            Some(_) if number > 0 && !is_not_allowed(&error) => {
                MigrateError::Statement { version, name, number, message: full_message(&error), source: error }
            }
            _ => explain(error, self.schema),
        }
    }
}

async fn holds_events(client: &impl GenericClient, schema: &SchemaName) -> Result<bool, MigrateError> {
    let ask = schema.replace_in("select exists (select from enginehouse.events)");
    let rows = client.query_typed(&ask, &[]).await.map_err(|error| explain(error, schema))?;
    Ok(rows.iter().any(|row| row.get(0)))
}

async fn status(client: &impl GenericClient, schema: &SchemaName) -> Result<Status, MigrateError> {
    let applied = match look(client, schema).await.map_err(|error| explain(error, schema))? {
        PresentSchema::Nothing => Vec::new(),
        PresentSchema::Migrations(applied) => applied,
        PresentSchema::Others(why) => {
            let verdict = MigrationVerdict::Foreign(why);
            return Ok(Status { dialect: Dialect::Postgres, applied: Vec::new(), verdict });
        }
    };
    Ok(Status::of(Dialect::Postgres, applied))
}

/// What is in a schema.
enum PresentSchema {
    Nothing,
    Migrations(Vec<AppliedMigration>),
    Others(String),
}

async fn look(client: &impl GenericClient, schema: &SchemaName) -> Result<PresentSchema, tokio_postgres::Error> {
    // Catalogs can be read by a role that may not use the schema, and answer when it is not there.
    let relations = "select c.relname::text from pg_catalog.pg_class as c \
                     join pg_catalog.pg_namespace as n on n.oid = c.relnamespace \
                     where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') \
                     order by c.relname = 'schema_version' desc, c.relname limit 2";
    let rows = client.query_typed(relations, &[(&schema.as_str(), Type::TEXT)]).await?;
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let other = match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => return Ok(PresentSchema::Nothing),
        ["schema_version"] => None,
        ["schema_version", other] => Some(other),
        [other, ..] => {
            return Ok(PresentSchema::Others(format!(
                "it holds {other:?}, which is not ours; name a schema of its own"
            )));
        }
    };
    let applied = schema.replace_in(
        "select version, name, oldest_compatible, (extract(epoch from applied_at) * 1000)::bigint \
         from enginehouse.schema_version order by version",
    );
    let rows = match client.query_typed(&applied, &[]).await {
        Ok(rows) => rows,
        Err(error) if is_unlike_ours(&error) => {
            return Ok(PresentSchema::Others(format!("its schema_version is another one ({})", full_message(&error))));
        }
        Err(error) => return Err(error),
    };
    match (rows.is_empty(), other) {
        (true, Some(other)) => Ok(PresentSchema::Others(format!("it holds {other:?}, but no migration was completed"))),
        _ => rows.iter().map(applied_migration).collect::<Result<_, _>>().map(PresentSchema::Migrations),
    }
}

fn applied_migration(row: &tokio_postgres::Row) -> Result<AppliedMigration, tokio_postgres::Error> {
    Ok(AppliedMigration {
        version: row.try_get(0)?,
        name: row.try_get(1)?,
        oldest_compatible: row.try_get(2)?,
        applied_at: Timestamp::from_millis(row.try_get(3)?),
    })
}

/// Whether a table of that name is there, but not ours.
fn is_unlike_ours(error: &tokio_postgres::Error) -> bool {
    let unlike = [SqlState::UNDEFINED_COLUMN, SqlState::UNDEFINED_FUNCTION, SqlState::DATATYPE_MISMATCH];
    error.code().is_some_and(|code| unlike.contains(code))
}

fn is_not_allowed(error: &tokio_postgres::Error) -> bool {
    let codes = [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::READ_ONLY_SQL_TRANSACTION];
    error.code().is_some_and(|code| codes.contains(code))
}

fn explain(error: tokio_postgres::Error, schema: &SchemaName) -> MigrateError {
    let message = full_message(&error);
    if is_not_allowed(&error) {
        return MigrateError::NotAllowed { schema: schema.to_string(), message };
    }
    MigrateError::Unavailable { message, source: error }
}

/// PostgreSQL's words with its code, by which they can be looked up.
fn full_message(error: &tokio_postgres::Error) -> String {
    let Some(error) = error.as_db_error() else {
        let source = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
        return format!("{error}{source}");
    };
    let hint = |name: &str, text: Option<&str>| text.map_or_else(String::new, |text| format!("; {name}: {text}"));
    let (detail, advice) = (hint("detail", error.detail()), hint("hint", DbError::hint(error)));
    format!("{} (SQLSTATE {}){detail}{advice}", error.message(), error.code().code())
}
