//! The store in one SQLite file, inside the process.
//!
//! One connection writes and checkpoints; what it does blocks the thread that asks, so the dispatcher asks from a thread
//! of its own, the writer thread. A few connections that cannot write answer what people ask, each answer from one
//! snapshot. A lock on the data file keeps a second server out, and its name is watched: see [`file_lock`] and [`file_watch`].
//!
//! What is committed is on the disk: the log is synced before `commit` answers (unless the operator chose
//! [`crate::Durability::Relaxed`]). When a sync fails, nobody can say what is on the disk; the store then takes no more writes
//! until a restart, which finds out.

mod audit;
mod backup;
mod columns;
mod connection;
mod connections;
pub(crate) mod copying;
mod counts;
mod dead_letters;
mod durations;
mod engines;
mod events;
mod failure;
mod file_id;
mod file_lock;
mod file_watch;
mod fleet;
mod home;
mod inspect;
mod integrity;
mod lanes;
mod locks;
mod minutes;
pub(crate) mod open;
mod operations;
mod options;
mod poison;
mod quiet_lanes;
mod ready;
mod reports;
mod scenario_runs;
mod schema;
mod schema_check;
mod schema_commands;
mod search;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod transaction;
mod writer;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::audit::{AuditFilter, AuditRecord};
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, OperationId, ScenarioRunId};
use enginehouse_core::operation::{OperationRecord, UnchangedMember};
use enginehouse_core::report::LogTail;
use enginehouse_core::time::Timestamp;
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use self::backup::{BackUpError, back_up};
pub use self::inspect::{Inspection, inspect};
pub use self::open::SqliteOpenError;
pub use self::options::SqliteOptions;
pub use self::schema_commands::{migrate_sqlite, revert_sqlite, schema_status};

use self::connections::{Readers, blocking};
use self::file_lock::FileLock;
use self::file_watch::FileWatch;
use self::lanes::KnownLanes;
use self::poison::{Damage, Poison};
use self::transaction::SqliteTransaction;
use self::writer::Writer;
use crate::error::StoreError;
use crate::rows::{
    AuditChainPage, DeadLetterFilter, DeadLetterGroupRow, DeadLetterPreviewRow, DeadLetterRow, DeadLetterSearch,
    DurationRow, EngineFilter, EventFilter, EventRecord, EventRow, FleetRows, History, LaneCounts, MinuteFilter,
    MinuteKey, MinuteRow, PageRequest, ResultPage, ScenarioRunCounts, SettingsRows, TokenRows,
};
use crate::store::{DiskSpace, Queries, Store, StoreAdmin, StoreHealth};
use crate::term_search::TermSearch;
use crate::transaction::Transaction;

/// A [`Store`] in one SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    schema_version: i32,
    /// Dropped before the writer: the last connection to close takes the log away, and these may not.
    readers: Readers,
    /// None once it is closed.
    writer: Arc<Mutex<Option<Writer>>>,
    files: Arc<FileWatch>,
    poison: Poison,
    damage: Damage,
    /// Dropped last: nobody else may open the file before everything here is closed.
    lock: Arc<FileLock>,
}

impl SqliteStore {
    /// Opens a data file, or makes it, and brings its schema up to date, unless told otherwise. Blocks while it does.
    ///
    /// # Errors
    /// An [`SqliteOpenError`] says what to do.
    pub fn open(options: SqliteOptions) -> Result<Self, SqliteOpenError> {
        let open::Opened { path, version, writer, readers, files, poison, damage, lock } = open::open(options)?;
        let writer = Arc::new(Mutex::new(Some(writer)));
        Ok(Self { path, schema_version: version, writer, readers, files, poison, damage, lock })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        let writer = OwnedMutexGuard::try_map(writer, Option::as_mut).map_err(|_| connections::closed())?;
        Ok(Box::new(SqliteTransaction::begin(writer)?))
    }
}

#[async_trait]
impl Queries for SqliteStore {
    async fn event(&self, event_id: EventId) -> Result<Option<EventRecord>, StoreError> {
        self.readers
            .read(move |reader| reader.named(search::record(reader, event_id, &mut KnownLanes::default())?))
            .await
    }

    async fn events(&self, filter: &EventFilter, page: &PageRequest) -> Result<ResultPage<EventRecord>, StoreError> {
        let find = async |page: PageRequest| {
            let filter = filter.clone();
            self.readers.read(move |reader| search::events(reader, &filter, &page)).await
        };
        if filter.terms.is_empty() {
            return find(page.clone()).await;
        }
        let mut search = TermSearch::new(&filter.terms, page);
        while let Some(part) = search.next_part() {
            search.take(find(part).await?, |record| filter.terms.match_facts(record), EventRecord::place);
        }
        Ok(search.page())
    }

    async fn event_ids(&self, filter: &EventFilter, page: &PageRequest) -> Result<ResultPage<EventId>, StoreError> {
        if !filter.terms.is_empty() {
            return Ok(self.events(filter, page).await?.map(|record| record.event.event_id));
        }
        let (filter, page) = (filter.clone(), page.clone());
        self.readers.read(move |reader| search::event_ids(reader, &filter, &page)).await
    }

    async fn history(&self, event_id: EventId) -> Result<History, StoreError> {
        self.readers.read(move |reader| audit::history(reader, event_id)).await
    }

    async fn logs(&self, event_id: EventId, lock_serial: Option<i64>) -> Result<Vec<(i64, LogTail)>, StoreError> {
        self.readers.read(move |reader| reports::logs(reader, event_id, lock_serial)).await
    }

    async fn engine(&self, engine_id: &EngineId) -> Result<Option<(RegisteredEngine, Vec<EventRecord>)>, StoreError> {
        let engine_id = engine_id.clone();
        self.readers
            .read(move |reader| {
                let Some(engine) = reader.named(engines::one(reader, &engine_id)?)? else { return Ok(None) };
                Ok(Some((engine, search::locked_by(reader, &engine_id)?)))
            })
            .await
    }

    async fn engines(
        &self,
        filter: &EngineFilter,
        page: &PageRequest,
    ) -> Result<ResultPage<(RegisteredEngine, u32)>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.readers.read(move |reader| engines::page(reader, &filter, &page)).await
    }

    async fn engine_counts(&self, within: &Selectors) -> Result<Vec<(EngineStatus, u64)>, StoreError> {
        let within = within.clone();
        self.readers.read(move |reader| engines::counts(reader, &within)).await
    }

    async fn fleet(&self) -> Result<FleetRows, StoreError> {
        self.readers.read(fleet::fleet).await
    }

    async fn queued_before(&self, lane_id: LaneId, place: (Timestamp, EventId), limit: u32) -> Result<u64, StoreError> {
        self.readers.read(move |reader| fleet::queued_before(reader, lane_id, place, limit)).await
    }

    async fn lane_heads(&self, lanes: &[LaneId]) -> Result<Vec<EventRow>, StoreError> {
        let lanes = lanes.to_vec();
        self.readers.read(move |reader| fleet::lane_heads(reader, &lanes)).await
    }

    async fn failed_by(&self, ids: &[EventId]) -> Result<HashMap<EventId, Vec<EngineId>>, StoreError> {
        let ids = ids.to_vec();
        self.readers.read(move |reader| events::failed_by(reader, &ids)).await
    }

    async fn settings(&self) -> Result<SettingsRows, StoreError> {
        self.readers.read(settings::all).await
    }

    async fn durations(&self, event_type: Option<&EventType>) -> Result<Vec<DurationRow>, StoreError> {
        let event_type = event_type.cloned();
        self.readers.read(move |reader| durations::of(reader, event_type.as_ref())).await
    }

    async fn minutes(
        &self,
        filter: &MinuteFilter,
        after: Option<MinuteKey>,
        limit: u32,
    ) -> Result<Vec<MinuteRow>, StoreError> {
        let filter = filter.clone();
        self.readers.read(move |reader| minutes::of(reader, &filter, after, limit)).await
    }

    async fn tokens(&self) -> Result<TokenRows, StoreError> {
        self.readers.read(tokens::all).await
    }

    async fn tokens_version(&self) -> Result<i64, StoreError> {
        self.readers.read(tokens::version).await
    }

    async fn audit(&self, filter: &AuditFilter, page: &PageRequest) -> Result<ResultPage<AuditRecord>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.readers.read(move |reader| audit::page(reader, &filter, &page)).await
    }

    async fn audit_chain(&self, after: i64, limit: u32) -> Result<AuditChainPage, StoreError> {
        self.readers.read(move |reader| audit::chain(reader, after, limit)).await
    }

    async fn dead_letter(&self, event_id: EventId) -> Result<Option<DeadLetterRow>, StoreError> {
        self.readers.read(move |reader| reader.named(dead_letters::one(reader, event_id)?)).await
    }

    async fn dead_letters(
        &self,
        search: &DeadLetterSearch,
        page: &PageRequest,
    ) -> Result<ResultPage<DeadLetterRow>, StoreError> {
        let DeadLetterSearch { filter, terms } = search;
        let ids = terms.event_ids();
        let find = async |page: PageRequest| {
            let filter = filter.clone();
            self.readers.read(move |reader| dead_letters::page(reader, &filter, ids, &page)).await
        };
        if terms.is_empty() {
            return find(page.clone()).await;
        }
        let mut search = TermSearch::new(terms, page);
        while let Some(part) = search.next_part() {
            search.take(find(part).await?, |row| terms.match_facts(row), |row| row.record.place());
        }
        Ok(search.page())
    }

    async fn dead_letter_ids(
        &self,
        filter: &DeadLetterFilter,
        page: &PageRequest,
    ) -> Result<ResultPage<EventId>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.readers.read(move |reader| dead_letters::ids(reader, &filter, &page)).await
    }

    async fn operation(&self, operation_id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        self.readers.read(move |reader| reader.named(operations::one(reader, operation_id)?)).await
    }

    async fn operations(&self, page: &PageRequest) -> Result<ResultPage<OperationRecord>, StoreError> {
        let page = page.clone();
        self.readers.read(move |reader| operations::page(reader, &page)).await
    }

    async fn unfinished_operations(&self, limit: u32) -> Result<Vec<OperationRecord>, StoreError> {
        self.readers.read(move |reader| operations::unfinished(reader, limit)).await
    }

    async fn unchanged_operation_members(
        &self,
        operation_id: OperationId,
        places: (u64, u64),
        limit: u32,
    ) -> Result<Vec<UnchangedMember>, StoreError> {
        self.readers.read(move |reader| operations::unchanged(reader, operation_id, places, limit)).await
    }

    async fn last_unchanged_operation_members(
        &self,
        operation_id: OperationId,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<UnchangedMember>, StoreError> {
        self.readers.read(move |reader| operations::last_unchanged(reader, operation_id, up_to, limit)).await
    }

    async fn preview_dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u64,
        first: u32,
    ) -> Result<DeadLetterPreviewRow, StoreError> {
        let filter = filter.clone();
        self.readers.read(move |reader| dead_letters::preview(reader, &filter, limit, first)).await
    }

    async fn dead_letter_groups(&self, within: &Selectors) -> Result<Vec<DeadLetterGroupRow>, StoreError> {
        let within = within.clone();
        self.readers.read(move |reader| dead_letters::groups(reader, &within)).await
    }

    async fn lane_counts(&self) -> Result<Vec<LaneCounts>, StoreError> {
        self.readers.read(lanes::counts).await
    }

    async fn scenario_runs(&self, page: &PageRequest) -> Result<ResultPage<ScenarioRunCounts>, StoreError> {
        let page = page.clone();
        self.readers.read(move |reader| scenario_runs::page(reader, &page)).await
    }

    async fn scenario_run(
        &self,
        scenario_run_id: &ScenarioRunId,
    ) -> Result<Option<(ScenarioRunCounts, Vec<EngineId>)>, StoreError> {
        let run = scenario_run_id.clone();
        self.readers.read(move |reader| reader.named(scenario_runs::one(reader, &run)?)).await
    }
}

#[async_trait]
impl StoreAdmin for SqliteStore {
    async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        let (path, lock) = (self.path.clone(), Arc::clone(&self.lock));
        blocking(move || {
            let _lock = lock;
            Ok(integrity::check(&path)?)
        })
        .await
    }

    async fn backup(&self, to: &Path) -> Result<u64, StoreError> {
        let (from, to, lock) = (self.path.clone(), to.to_owned(), Arc::clone(&self.lock));
        blocking(move || {
            let _lock = lock;
            backup::backup(&from, &to)
        })
        .await
    }

    fn damage(&self) -> Option<String> {
        self.damage.get().map(str::to_owned)
    }

    async fn ended(&self) -> Option<String> {
        let files = Arc::clone(&self.files);
        // The answer is in the poison; and where no question can be asked any more, nothing has happened to the files.
        let _ = blocking(move || files.check().map_err(StoreError::unavailable)).await;
        self.poison.get().map(str::to_owned)
    }

    async fn close(&self) {
        self.readers.close().await;
        // After the readers: the last connection to close takes the log away, and these may not.
        self.writer.lock().await.take();
    }

    fn health(&self) -> StoreHealth {
        // A disk that cannot be asked, such as one that was taken away, is noticed by what is written.
        let disk = rustix::fs::statvfs(&self.path).ok().map(|disk| DiskSpace {
            free: disk.f_bavail.saturating_mul(disk.f_frsize),
            total: disk.f_blocks.saturating_mul(disk.f_frsize),
        });
        StoreHealth { unreadable_rows: self.readers.unreadable_rows(), disk, ..StoreHealth::default() }
    }

    fn describe(&self) -> String {
        let (sqlite, schema) = (rusqlite::version(), self.schema_version);
        format!("SQLite {sqlite}, schema {schema}, {}", self.path.display())
    }
}
