//! The store in a PostgreSQL database, which any number of servers share.
//!
//! The database's clock is the only clock. A transaction takes one connection and a constant number of round trips,
//! however many rows it works on; several are under way at once. What is kept in memory is a hint: any server may be ended at
//! any moment, and another one goes on.

mod shared;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tx;
mod wire;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use enginehouse_core::engine::{Engine, EngineStatus};
use enginehouse_core::ids::{EngineId, EventId, ScenarioRunId};
use enginehouse_core::time::Timestamp;
use strum::VariantArray;
use tokio::time::Instant;

use self::shared::change_feed::PostgresChangeFeed;
use self::shared::maintenance::Maintenance;
use self::shared::state::Shared;
pub use self::shared::vacuum::{VacuumHolder, VacuumHolderKind};

use self::shared::xid_rebase::rebase_xids;
use self::tx::columns::{Columns, params, sql};
pub use self::tx::inspect::{IndexSize, PostgresInspection, TableSize, inspect};
use self::tx::transaction::PostgresTransaction;
use self::tx::{reads, settings};
use self::wire::endpoint::Endpoint;
use self::wire::failure::{Failure, Outcome};
use self::wire::pool::Connections;
pub use self::wire::url::without_password;
use crate::clock::{Clock, SystemClock};
use crate::migrations::{Migrate, MigrateError, SchemaName, prepare_postgres};
use crate::rows::{
    DeadLetterFilter, DeadLetterGroup, DeadLetterRow, EngineFilter, EventFilter, EventRecord, History, LaneCounts,
    Page, PageRequest, ScenarioRunCounts, SettingsRows,
};
use crate::{ChangeFeed, ConnectionsUsed, Durability, Store, StoreError, StoreHealth, Transaction};

/// What stands between this program and the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooler {
    /// It is found out.
    #[default]
    Auto,
    /// Nothing that mixes up connections.
    None,
    /// A pooler that gives a connection to whoever has a transaction, such as PgBouncer in transaction mode.
    Transaction,
}

/// How to open a database.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Where it is: `postgres://user:password@host:port/database?sslmode=…`.
    pub url: String,
    /// The schema of the tables.
    pub schema: SchemaName,
    /// When a commit is answered.
    pub durability: Durability,
    /// How many transactions may be under way at once.
    pub max_transactions: usize,
    /// How many reads may be.
    pub readers: usize,
    /// What stands in between.
    pub pooler: Pooler,
    /// How long the database may take to answer a statement.
    pub deadline: Duration,
    /// What to do about a schema that is not the newest.
    pub migrate: Migrate,
    /// A clock that tells the time in place of the database's, for tests.
    pub clock: Option<Arc<dyn Clock>>,
}

impl PostgresOptions {
    /// The defaults: durable, two transactions and four reads at once.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: SchemaName::default(),
            durability: Durability::Full,
            max_transactions: 2,
            readers: 4,
            pooler: Pooler::Auto,
            deadline: Duration::from_secs(30),
            migrate: Migrate::Auto,
            clock: None,
        }
    }
}

/// Checks the URL of a database.
///
/// # Errors
/// What is wrong with it, without a password that it may have.
pub fn check_url(url: &str) -> Result<(), String> {
    wire::url::parse(url).map(|_| ())
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is none.
    #[error("{0}: a database is named like postgres://user@host:5432/database")]
    BadUrl(String),
    /// It cannot be reached, or does not let us in.
    #[error("cannot use the database at {place}: {why}")]
    Unreachable {
        /// Where it is, without a password.
        place: String,
        /// What it said.
        why: String,
    },
    /// Its schema is not one that this program works with, or could not be brought up to date.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// A copy into it was begun, and has not ended.
    #[error("a copy into {place} is unfinished: go on with the same `enginehouse store copy`, or drop the schema")]
    UnfinishedCopy {
        /// Where it is, without a password.
        place: String,
    },
}

/// Connects to a database as a store does, with its `sslmode`, for whoever looks after its schema.
///
/// # Errors
/// [`OpenError`] if the database cannot be reached, or is none that a store could be in.
pub async fn connect(options: &PostgresOptions) -> Result<tokio_postgres::Client, OpenError> {
    // What it lacks in durability is for those who serve to refuse.
    let endpoint = Endpoint::new(&options.url, options.schema.clone(), false, options.deadline, false)
        .map_err(OpenError::BadUrl)?;
    let connected = endpoint.connect(|_| {}).await;
    let (client, _connection) = connected.map_err(|failure| OpenError::Unreachable {
        place: endpoint.describe(),
        why: StoreError::from(failure).to_string(),
    })?;
    Ok(client)
}

/// A [`Store`] in a PostgreSQL database.
pub struct PostgresStore {
    shared: Arc<Shared>,
    max_transactions: usize,
    version: String,
    _maintenance: Maintenance,
}

impl PostgresStore {
    /// Connects, and finds out what is there.
    ///
    /// # Errors
    /// An [`OpenError`] says what to do.
    pub async fn open(options: PostgresOptions) -> Result<Self, OpenError> {
        let durable = options.durability == Durability::Full;
        let keeps = options.pooler != Pooler::Transaction;
        let endpoint =
            Endpoint::new(&options.url, options.schema, keeps, options.deadline, durable).map_err(OpenError::BadUrl)?;
        let endpoint = Arc::new(endpoint);
        let unreachable = |failure: Failure| OpenError::Unreachable {
            place: endpoint.describe(),
            why: StoreError::from(failure).to_string(),
        };
        let greeting = endpoint.look().await.map_err(unreachable)?;
        let (mut client, _connection) = endpoint.connect(|_| {}).await.map_err(unreachable)?;
        let schema = endpoint.schema().as_str();
        let unfinished = client.query_typed(sql!("unfinished_copy"), &params![TEXT: &schema]).await;
        if !unfinished.map_err(|error| unreachable(error.into()))?.is_empty() {
            return Err(OpenError::UnfinishedCopy { place: endpoint.describe() });
        }
        prepare_postgres(&mut client, endpoint.schema(), options.migrate).await?;
        drop(client);
        if options.pooler == Pooler::Auto && endpoint.is_pooled().await.map_err(unreachable)? {
            tracing::info!("a pooler mixes up connections: statements are not prepared, and nobody is notified");
            endpoint.disable_statement_cache();
        }
        // One more, for the watch.
        let writers = Connections::new(&endpoint, options.max_transactions + 1);
        let readers = Connections::new(&endpoint, options.readers);
        let uses_own_clock = options.clock.is_some();
        let clock = options.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        if rebase_xids(&readers).await.map_err(unreachable)? {
            tracing::warn!(
                "the schema comes from another cluster: its rows have the numbers of transactions of this one now"
            );
        }
        let last_time = last_time(&readers).await.map_err(unreachable)?;
        let shared = Arc::new(Shared::new(Arc::clone(&endpoint), writers, readers, clock, uses_own_clock, last_time));
        Ok(Self {
            _maintenance: Maintenance::start(&shared),
            shared,
            max_transactions: options.max_transactions,
            version: greeting.version,
        })
    }
}

async fn last_time(readers: &Connections) -> Outcome<Timestamp> {
    let rows = readers.session().await?.query(sql!("last_time"), params![]).await?;
    let millis = rows.first().map(|row| Columns::of(row).value()).transpose()?;
    Ok(Timestamp::from_millis(millis.unwrap_or(0)))
}

#[async_trait]
impl Store for PostgresStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(PostgresTransaction::begin(&self.shared).await?))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn max_transactions(&self) -> usize {
        self.max_transactions
    }

    fn change_feed(&self) -> Option<Box<dyn ChangeFeed>> {
        Some(Box::new(PostgresChangeFeed::start(&self.shared)))
    }

    async fn event(&self, event_id: EventId) -> Result<Option<EventRecord>, StoreError> {
        Ok(reads::event(&self.shared, event_id).await?)
    }

    async fn events(&self, filter: &EventFilter, page: &PageRequest) -> Result<Page<EventRecord>, StoreError> {
        Ok(reads::events(&self.shared, filter, page).await?)
    }

    async fn history(&self, event_id: EventId) -> Result<History, StoreError> {
        Ok(reads::history(&self.shared, event_id).await?)
    }

    async fn engine(&self, engine_id: &EngineId) -> Result<Option<(Engine, Vec<EventRecord>)>, StoreError> {
        Ok(reads::engine(&self.shared, engine_id).await?)
    }

    async fn engines(&self, filter: &EngineFilter, page: &PageRequest) -> Result<Page<(Engine, u32)>, StoreError> {
        Ok(reads::engines(&self.shared, filter, page).await?)
    }

    async fn engine_counts(&self) -> Result<Vec<(EngineStatus, u64)>, StoreError> {
        Ok(reads::engine_counts(&self.shared).await?)
    }

    async fn settings(&self) -> Result<SettingsRows, StoreError> {
        Ok(settings::all(&self.shared.readers.session().await?).await?)
    }

    async fn dead_letter(&self, event_id: EventId) -> Result<Option<DeadLetterRow>, StoreError> {
        Ok(reads::dead_letter(&self.shared, event_id).await?)
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        page: &PageRequest,
    ) -> Result<Page<DeadLetterRow>, StoreError> {
        Ok(reads::dead_letters(&self.shared, filter, page).await?)
    }

    async fn dead_letter_groups(&self) -> Result<Vec<DeadLetterGroup>, StoreError> {
        Ok(reads::dead_letter_groups(&self.shared).await?)
    }

    async fn lane_counts(&self) -> Result<Vec<LaneCounts>, StoreError> {
        Ok(reads::lane_counts(&self.shared).await?)
    }

    async fn scenario_runs(&self, page: &PageRequest) -> Result<Page<ScenarioRunCounts>, StoreError> {
        Ok(reads::scenario_runs(&self.shared, page).await?)
    }

    async fn scenario_run(
        &self,
        scenario_run_id: &ScenarioRunId,
    ) -> Result<Option<(ScenarioRunCounts, Vec<EngineId>)>, StoreError> {
        Ok(reads::scenario_run(&self.shared, scenario_run_id).await?)
    }

    async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        Ok(reads::check_integrity(&self.shared).await?)
    }

    async fn backup(&self, _to: &Path) -> Result<u64, StoreError> {
        Err(StoreError::unavailable("a PostgreSQL database is backed up with its own tools: see docs/postgresql.md"))
    }

    fn health(&self) -> StoreHealth {
        let used = |(open, in_use)| ConnectionsUsed { open, in_use };
        let Shared { writers, readers, .. } = &*self.shared;
        let connections = vec![("transactions", used(writers.used())), ("reads", used(readers.used()))];
        let health = self.shared.health();
        let now = Instant::now();
        let kinds = VacuumHolderKind::VARIANTS.iter();
        let vacuum_held_for = kinds.map(|kind| (kind.name(), health.held_for(*kind, now))).collect();
        StoreHealth { connections, dead_rows: health.dead_rows, vacuum_held_for }
    }

    fn describe(&self) -> String {
        format!("PostgreSQL {}, {}", self.version, self.shared.endpoint.describe())
    }
}
