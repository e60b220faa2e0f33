//! The store in a PostgreSQL database, which any number of servers share.
//!
//! The database's clock is the only clock. A transaction takes one connection and a constant number of round trips,
//! however many rows it works on, and several transactions are in progress at once. What is cached in memory is a hint: any
//! server may be killed at any moment, and the others go on.
//!
//! `wire` has the connections, `tx` the rows, and `shared` what the transactions and servers share.

mod options;
mod shared;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tx;
mod wire;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::audit::{AuditFilter, AuditRecord};
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::filter::TermsAsOf;
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, OperationId, ScenarioRunId};
use enginehouse_core::operation::{OperationRecord, UnchangedMember};
use enginehouse_core::report::LogTail;
use enginehouse_core::time::Timestamp;
use strum::VariantArray;
use tokio::time::Instant;

pub use self::options::{PgOpenError, Pooler, PostgresOptions};
use self::shared::audit_chain::link_audit;
use self::shared::change_feed::PostgresChangeFeed;
use self::shared::generation::settle_in;
use self::shared::maintenance::Maintenance;
use self::shared::state::PgState;
pub use self::shared::vacuum::{VacuumHolder, VacuumHolderKind};
use self::shared::xid_rebase::rebase_xids;
use self::tx::columns::{PgColumns, params, sql};
use self::tx::inspect::ForeignObject;
pub use self::tx::inspect::{IndexSize, PostgresInspection, TableSize, inspect};
use self::tx::pg_transaction::PostgresTransaction;
use self::tx::{audit, durations, minutes, operations, reads, settings, tokens};
use self::wire::endpoint::Endpoint;
use self::wire::error::{PgError, PgResult};
pub use self::wire::hidden_password::without_password;
use self::wire::pool::Connections;
use crate::clock::{SystemClock, TimeNote};
use crate::error::StoreError;
use crate::migrations::prepare_postgres;
use crate::rows::{
    AuditChainPage, DeadLetterFilter, DeadLetterGroupRow, DeadLetterPreviewRow, DeadLetterRow, DeadLetterSearch,
    DurationRow, EngineFilter, EventFilter, EventRecord, EventRow, FleetRows, History, LaneCounts, MinuteFilter,
    MinuteKey, MinuteRow, PageRequest, ResultPage, ScenarioRunCounts, SettingsRows, TokenRows,
};
use crate::store::{ChangeFeed, ConnectionsUsed, Durability, FirstReads, Queries, Store, StoreAdmin, StoreHealth};
use crate::term_search::TermSearch;
use crate::transaction::Transaction;

/// Checks the URL of a database.
///
/// # Errors
/// What is wrong with it, without a password that it may have.
pub fn check_url(url: &str) -> Result<(), String> {
    wire::url::parse(url).map(|_| ())
}

/// Connects to a database as a store does, for the commands that migrate its schema.
///
/// # Errors
/// [`PgOpenError`] if the database cannot be reached, or is none that a store could be in.
pub async fn connect(options: &PostgresOptions) -> Result<tokio_postgres::Client, PgOpenError> {
    // Only servers refuse a database that is not durable.
    let endpoint = Endpoint::new(&options.url, options.schema.clone(), false, options.deadline, false)
        .map_err(PgOpenError::BadUrl)?;
    let connected = endpoint.connect(|_| {}).await;
    let (client, _connection) = connected.map_err(|failure| PgOpenError::Unreachable {
        place: endpoint.describe(),
        why: StoreError::from(failure).to_string(),
    })?;
    Ok(client)
}

/// How many connections there are for transactions beyond those of requests of all kinds: one that is kept for engines, one for
/// requests that need what somebody else holds, and one for the change feed.
const MORE_TRANSACTIONS: usize = 3;

/// A [`Store`] in a PostgreSQL database.
pub struct PostgresStore {
    shared: Arc<PgState>,
    max_transactions: usize,
    version: String,
    _maintenance: Maintenance,
}

impl PostgresStore {
    /// Connects, and migrates the schema if `options.migrate` says so.
    ///
    /// # Errors
    /// An [`PgOpenError`] says what to do.
    pub async fn open(options: PostgresOptions) -> Result<Self, PgOpenError> {
        let durable = options.durability == Durability::Full;
        let caches_statements = options.pooler != Pooler::Transaction;
        let endpoint = Endpoint::new(&options.url, options.schema, caches_statements, options.deadline, durable)
            .map_err(PgOpenError::BadUrl)?;
        let endpoint = Arc::new(endpoint);
        let unreachable = |failure: PgError| PgOpenError::Unreachable {
            place: endpoint.describe(),
            why: StoreError::from(failure).to_string(),
        };
        let server = endpoint.server_info().await.map_err(unreachable)?;
        let (mut client, _connection) = endpoint.connect(|_| {}).await.map_err(unreachable)?;
        let schema = endpoint.schema().as_str();
        let unfinished = client.query_typed(sql!("unfinished_copy"), &params![TEXT: &schema]).await;
        if !unfinished.map_err(|error| unreachable(error.into()))?.is_empty() {
            return Err(PgOpenError::UnfinishedCopy { place: endpoint.describe() });
        }
        prepare_postgres(&mut client, endpoint.schema(), options.migrate).await?;
        let objects = foreign_objects(&client, schema).await.map_err(unreachable)?;
        if objects.iter().any(|object| object.interferes) {
            let objects = objects.into_iter().filter(|object| object.interferes).map(|object| object.what).collect();
            return Err(PgOpenError::ForeignObjects { place: endpoint.describe(), objects });
        }
        for object in objects {
            tracing::warn!(
                what = object.what,
                "this runs with every write to our tables, and may make it fail or slow"
            );
        }
        drop(client);
        if options.pooler == Pooler::Auto && endpoint.is_pooled().await.map_err(unreachable)? {
            tracing::info!(
                "a pooler in transaction mode was found: statements are not prepared, and servers are not notified"
            );
            endpoint.disable_statement_cache();
        }
        let writers = Connections::new(&endpoint, options.max_transactions + MORE_TRANSACTIONS);
        let readers = Connections::new(&endpoint, options.readers);
        let uses_own_clock = options.clock.is_some();
        let clock = options.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        if rebase_xids(&readers).await.map_err(unreachable)? {
            tracing::warn!(
                "the schema was restored from another cluster: its transaction ids were replaced by those of this one"
            );
        }
        settle_in(&readers).await.map_err(unreachable)?;
        if let Some(most) = options.max_lanes {
            write_max_lanes(&readers, most).await.map_err(unreachable)?;
        }
        let time_note = time_note(&readers).await.map_err(unreachable)?;
        let shared = Arc::new(PgState::new(Arc::clone(&endpoint), writers, readers, clock, uses_own_clock, time_note));
        Ok(Self {
            _maintenance: Maintenance::start(&shared),
            shared,
            max_transactions: options.max_transactions,
            version: server.version,
        })
    }
}

async fn foreign_objects(client: &tokio_postgres::Client, schema: &str) -> PgResult<Vec<ForeignObject>> {
    let rows = client.query_typed(sql!("foreign_objects"), &params![TEXT: &schema]).await?;
    ForeignObject::all(&rows)
}

async fn write_max_lanes(readers: &Connections, most: usize) -> PgResult<()> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    readers.session().await?.execute(sql!("write_max_lanes"), params![INT8: &most]).await?;
    Ok(())
}

async fn time_note(readers: &Connections) -> PgResult<TimeNote> {
    let rows = readers.session().await?.query(sql!("last_time"), params![]).await?;
    let Some(row) = rows.first() else { return Ok(TimeNote::NONE) };
    let mut columns = PgColumns::of(row);
    Ok(TimeNote { at: Timestamp::from_millis(columns.read()?), lead: columns.read()? })
}

#[async_trait]
impl Store for PostgresStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.begin_with(FirstReads::default()).await
    }

    async fn begin_with(&self, first: FirstReads) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(PostgresTransaction::begin(&self.shared, first).await?))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn max_transactions(&self) -> usize {
        self.max_transactions
    }

    async fn ended_events(&self, ids: &[EventId]) -> Result<Vec<EventId>, StoreError> {
        Ok(reads::ended(&self.shared, ids).await?)
    }

    fn change_feed(&self) -> Option<Box<dyn ChangeFeed>> {
        Some(Box::new(PostgresChangeFeed::start(&self.shared)))
    }
}

#[async_trait]
impl Queries for PostgresStore {
    async fn event(&self, event_id: EventId) -> Result<Option<EventRecord>, StoreError> {
        Ok(reads::event(&self.shared, event_id).await?)
    }

    async fn events(&self, filter: &EventFilter, page: &PageRequest) -> Result<ResultPage<EventRecord>, StoreError> {
        if filter.terms.is_empty() {
            return Ok(reads::events(&self.shared, filter, page).await?);
        }
        let mut search = TermSearch::new(&filter.terms, page);
        while let Some(part) = search.next_part() {
            let found = reads::events(&self.shared, filter, &part).await?;
            search.take(found, |record| filter.terms.match_facts(record), EventRecord::place);
        }
        Ok(search.page())
    }

    async fn event_ids(&self, filter: &EventFilter, page: &PageRequest) -> Result<ResultPage<EventId>, StoreError> {
        if !filter.terms.is_empty() {
            return Ok(self.events(filter, page).await?.map(|record| record.event.event_id));
        }
        Ok(reads::event_ids(&self.shared, filter, page).await?)
    }

    async fn history(&self, event_id: EventId) -> Result<History, StoreError> {
        Ok(reads::history(&self.shared, event_id).await?)
    }

    async fn logs(&self, event_id: EventId, lock_serial: Option<i64>) -> Result<Vec<(i64, LogTail)>, StoreError> {
        Ok(reads::logs(&self.shared, event_id, lock_serial).await?)
    }

    async fn engine(&self, engine_id: &EngineId) -> Result<Option<(RegisteredEngine, Vec<EventRecord>)>, StoreError> {
        Ok(reads::engine(&self.shared, engine_id).await?)
    }

    async fn engines(
        &self,
        filter: &EngineFilter,
        page: &PageRequest,
    ) -> Result<ResultPage<(RegisteredEngine, u32)>, StoreError> {
        if filter.terms.is_empty() {
            return Ok(reads::engines(&self.shared, filter, page).await?);
        }
        let mut search = TermSearch::new(&TermsAsOf::default(), page);
        while let Some(part) = search.next_part() {
            let found = reads::engines(&self.shared, filter, &part).await?;
            search.take(
                found,
                |(engine, _)| filter.terms.match_facts(engine),
                |(engine, _)| engine.engine_id.to_string(),
            );
        }
        Ok(search.page())
    }

    async fn engine_counts(&self, within: &Selectors) -> Result<Vec<(EngineStatus, u64)>, StoreError> {
        Ok(reads::engine_counts(&self.shared, within).await?)
    }

    async fn fleet(&self) -> Result<FleetRows, StoreError> {
        Ok(reads::fleet(&self.shared).await?)
    }

    async fn queued_before(&self, lane_id: LaneId, place: (Timestamp, EventId), limit: u32) -> Result<u64, StoreError> {
        Ok(reads::queued_before(&self.shared, lane_id, place, limit).await?)
    }

    async fn failed_by(&self, ids: &[EventId]) -> Result<HashMap<EventId, Vec<EngineId>>, StoreError> {
        Ok(reads::failed_by(&self.shared, ids).await?)
    }

    async fn lane_heads(&self, lanes: &[LaneId]) -> Result<Vec<EventRow>, StoreError> {
        Ok(reads::lane_heads(&self.shared, lanes).await?)
    }

    async fn settings(&self) -> Result<SettingsRows, StoreError> {
        Ok(settings::all(&self.shared.readers.session().await?, &self.shared.unreadable).await?)
    }

    async fn durations(&self, event_type: Option<&EventType>) -> Result<Vec<DurationRow>, StoreError> {
        Ok(durations::of(&self.shared, event_type).await?)
    }

    async fn minutes(
        &self,
        filter: &MinuteFilter,
        after: Option<MinuteKey>,
        limit: u32,
    ) -> Result<Vec<MinuteRow>, StoreError> {
        Ok(minutes::of(&self.shared, filter, after, limit).await?)
    }

    async fn tokens(&self) -> Result<TokenRows, StoreError> {
        Ok(tokens::of(&self.shared).await?)
    }

    async fn tokens_version(&self) -> Result<i64, StoreError> {
        Ok(tokens::version(&self.shared).await?)
    }

    async fn audit(&self, filter: &AuditFilter, page: &PageRequest) -> Result<ResultPage<AuditRecord>, StoreError> {
        Ok(audit::page(&self.shared, filter, page).await?)
    }

    async fn audit_chain(&self, after: i64, limit: u32) -> Result<AuditChainPage, StoreError> {
        Ok(audit::chain(&self.shared, after, limit).await?)
    }

    async fn dead_letter(&self, event_id: EventId) -> Result<Option<DeadLetterRow>, StoreError> {
        Ok(reads::dead_letter(&self.shared, event_id).await?)
    }

    async fn dead_letters(
        &self,
        search: &DeadLetterSearch,
        page: &PageRequest,
    ) -> Result<ResultPage<DeadLetterRow>, StoreError> {
        let DeadLetterSearch { filter, terms } = search;
        if terms.is_empty() {
            return Ok(reads::dead_letters(&self.shared, filter, None, page).await?);
        }
        let ids = terms.event_ids();
        let mut search = TermSearch::new(terms, page);
        while let Some(part) = search.next_part() {
            let found = reads::dead_letters(&self.shared, filter, ids, &part).await?;
            search.take(found, |row| terms.match_facts(row), |row| row.record.place());
        }
        Ok(search.page())
    }

    async fn dead_letter_ids(
        &self,
        filter: &DeadLetterFilter,
        page: &PageRequest,
    ) -> Result<ResultPage<EventId>, StoreError> {
        Ok(reads::dead_letter_ids(&self.shared, filter, page).await?)
    }

    async fn operation(&self, operation_id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        Ok(operations::one(&self.shared, operation_id).await?)
    }

    async fn operations(&self, page: &PageRequest) -> Result<ResultPage<OperationRecord>, StoreError> {
        Ok(operations::page(&self.shared, page).await?)
    }

    async fn unfinished_operations(&self, limit: u32) -> Result<Vec<OperationRecord>, StoreError> {
        Ok(operations::unfinished(&self.shared, limit).await?)
    }

    async fn unchanged_operation_members(
        &self,
        operation_id: OperationId,
        places: (u64, u64),
        limit: u32,
    ) -> Result<Vec<UnchangedMember>, StoreError> {
        Ok(operations::unchanged(&self.shared, operation_id, places, limit).await?)
    }

    async fn last_unchanged_operation_members(
        &self,
        operation_id: OperationId,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<UnchangedMember>, StoreError> {
        Ok(operations::last_unchanged(&self.shared, operation_id, up_to, limit).await?)
    }

    async fn preview_dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u64,
        first: u32,
    ) -> Result<DeadLetterPreviewRow, StoreError> {
        Ok(reads::preview_dead_letters(&self.shared, filter, limit, first).await?)
    }

    async fn dead_letter_groups(&self, within: &Selectors) -> Result<Vec<DeadLetterGroupRow>, StoreError> {
        Ok(reads::dead_letter_groups(&self.shared, within).await?)
    }

    async fn lane_counts(&self) -> Result<Vec<LaneCounts>, StoreError> {
        Ok(reads::lane_counts(&self.shared).await?)
    }

    async fn scenario_runs(&self, page: &PageRequest) -> Result<ResultPage<ScenarioRunCounts>, StoreError> {
        Ok(reads::scenario_runs(&self.shared, page).await?)
    }

    async fn scenario_run(
        &self,
        scenario_run_id: &ScenarioRunId,
    ) -> Result<Option<(ScenarioRunCounts, Vec<EngineId>)>, StoreError> {
        Ok(reads::scenario_run(&self.shared, scenario_run_id).await?)
    }
}

#[async_trait]
impl StoreAdmin for PostgresStore {
    async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        Ok(reads::check_integrity(&self.shared).await?)
    }

    async fn link_audit(&self) -> Result<u64, StoreError> {
        Ok(link_audit(&self.shared).await?)
    }

    async fn backup(&self, _to: &Path) -> Result<u64, StoreError> {
        Err(StoreError::unavailable("a PostgreSQL database is backed up with its own tools: see docs/postgresql.md"))
    }

    fn health(&self) -> StoreHealth {
        let used = |(open, in_use)| ConnectionsUsed { open, in_use };
        let PgState { writers, readers, .. } = &*self.shared;
        let connections = vec![("transactions", used(writers.used())), ("reads", used(readers.used()))];
        let health = self.shared.health();
        let now = Instant::now();
        let kinds = VacuumHolderKind::VARIANTS.iter();
        let vacuum_held_for = kinds.map(|kind| (kind.name(), health.held_for(*kind, now))).collect();
        let unreadable_rows = self.shared.unreadable.counts();
        StoreHealth { connections, dead_rows: health.dead_rows, vacuum_held_for, unreadable_rows, disk: None }
    }

    fn describe(&self) -> String {
        format!("PostgreSQL {}, {}", self.version, self.shared.endpoint.describe())
    }
}
