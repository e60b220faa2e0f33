//! What a store is, and what it answers outside of transactions.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use ambassador::delegatable_trait;
use async_trait::async_trait;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::audit::{AuditFilter, AuditRecord};
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, OperationId, ScenarioRunId};
use enginehouse_core::operation::{OperationRecord, UnchangedMember};
use enginehouse_core::report::LogTail;
use enginehouse_core::time::Timestamp;

use crate::error::StoreError;
use crate::rows::{
    AuditChainPage, DeadLetterFilter, DeadLetterGroupRow, DeadLetterPreviewRow, DeadLetterRow, DeadLetterSearch,
    DurationRow, EngineFilter, EventFilter, EventRecord, EventRow, FleetRows, History, LaneCounts, MinuteFilter,
    MinuteKey, MinuteRow, PageRequest, ResultPage, ScenarioRunCounts, SettingsRows, TokenRows,
};
use crate::transaction::Transaction;

/// Whether a commit waits for the disk before it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It does: what is answered survives a power cut.
    #[default]
    Full,
    /// It does not. A power cut may take back the last commits; a crash of the server alone takes back none.
    Relaxed,
}

/// How a store does, as far as it has noticed. Nothing is said of what it does not have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreHealth {
    /// Its connections to a database, by what they are for.
    pub connections: Vec<(&'static str, ConnectionsUsed)>,
    /// How many rows of its tables are dead and still there, as far as the database has counted.
    pub dead_rows: Option<u64>,
    /// For how long vacuum has been held back, by what may hold it back; zero where nothing does.
    pub vacuum_held_for: Vec<(&'static str, Duration)>,
    /// How many rows could not be read and were passed over since the store was opened, by table.
    pub unreadable_rows: Vec<(&'static str, u64)>,
    /// The room on the disk of a data file. A database keeps that to itself.
    pub disk: Option<DiskSpace>,
}

/// The room on a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// What a program without special rights may still write.
    pub free: u64,
    pub total: u64,
}

/// How many connections a store has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionsUsed {
    /// Those that are open.
    pub open: usize,
    /// Those of them that somebody uses.
    pub in_use: usize,
}

/// What other servers, and applications that enqueue in SQL, have changed in a shared store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteChanges {
    /// The lanes in which events were queued, each with the time from which the first may be claimed and how many there are.
    pub arrivals: Vec<(LaneId, Timestamp, u32)>,
    /// Whether events have completed, failed or been cancelled.
    pub ended: bool,
    /// Whether changes may be missing from this answer, so that the reader must assume that everything has changed.
    pub everything: bool,
    /// Increases when a setting changes.
    pub settings_version: i64,
}

/// Reads the changes that others make in a shared store.
#[async_trait]
pub trait ChangeFeed: Send {
    /// Waits until others have changed something, or a while has passed, and answers what. Cancel-safe: a call
    /// that is dropped while it waits loses nothing.
    async fn next(&mut self) -> Result<RemoteChanges, StoreError>;
}

/// What a transaction reads for a change before it writes anything, as it will ask for it: each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstReads {
    /// Asked for with [`crate::EngineRepository::engines_by_id`].
    pub engines: Vec<EngineId>,
    /// Asked for with [`crate::EventRepository::events_by_id`].
    pub events: Vec<EventId>,
}

/// A durable set of engines, events, lanes, attempts, dead letters, settings and audit entries.
#[async_trait]
pub trait Store: Queries + StoreAdmin {
    /// Begins a transaction. With SQLite there is one at a time, and its methods block the calling thread: the
    /// dispatcher gives it a thread of its own.
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;
    /// The same for a transaction that reads these rows for a change before it writes anything. To begin and to read them costs
    /// a shared store one round trip instead of three.
    async fn begin_with(&self, first: FirstReads) -> Result<Box<dyn Transaction>, StoreError> {
        drop(first);
        self.begin().await
    }
    /// Whether others may change what is in it: other servers, or applications that enqueue in SQL.
    fn is_shared(&self) -> bool {
        false
    }
    /// How many transactions may be under way at once.
    fn max_transactions(&self) -> usize {
        1
    }
    /// Those of `ids` that have completed, failed or been cancelled, for whoever waits for what others end. Where nobody else can
    /// end an event, there is nothing to look for.
    async fn ended_events(&self, ids: &[EventId]) -> Result<Vec<EventId>, StoreError> {
        let _ = ids;
        Ok(Vec::new())
    }
    /// The changes that others make in the store; `None` if it is not shared.
    fn change_feed(&self) -> Option<Box<dyn ChangeFeed>> {
        None
    }
}

/// What people ask, each answer from one snapshot. A row that cannot be read is left out of a list, and is an error
/// ([`StoreError::Unreadable`]) where it is what was asked for.
#[async_trait]
#[delegatable_trait]
pub trait Queries: Send + Sync {
    /// One event with its payload, if it is there.
    async fn event(&self, event_id: EventId) -> Result<Option<EventRecord>, StoreError>;
    /// Events that match, newest first. A page may be shorter than asked and still have a successor: a search
    /// looks at a bounded number of rows, and a page holds a bounded number of bytes. What no index answers is compared row by
    /// row, of fewer rows.
    async fn events(&self, filter: &EventFilter, page: &PageRequest) -> Result<ResultPage<EventRecord>, StoreError>;
    /// The same, but only which they are: for whoever acts on them.
    async fn event_ids(&self, filter: &EventFilter, page: &PageRequest) -> Result<ResultPage<EventId>, StoreError>;
    /// Every attempt of an event that did not complete it, and every action of an operator, oldest first; and the event, which
    /// tells of its newest attempt.
    async fn history(&self, event_id: EventId) -> Result<History, StoreError>;
    /// The ends of the logs of the last 16 attempts that have one, each with the serial of its lock, in the order of the locks; of
    /// one lock, if one is named.
    async fn logs(&self, event_id: EventId, lock_serial: Option<i64>) -> Result<Vec<(i64, LogTail)>, StoreError>;
    /// One engine with its locks, if it is registered.
    async fn engine(&self, engine_id: &EngineId) -> Result<Option<(RegisteredEngine, Vec<EventRecord>)>, StoreError>;
    /// Engines that match, each with the number of its locks, by id.
    async fn engines(
        &self,
        filter: &EngineFilter,
        page: &PageRequest,
    ) -> Result<ResultPage<(RegisteredEngine, u32)>, StoreError>;
    /// How many engines are in each status, of those that selectors reach.
    async fn engine_counts(&self, within: &Selectors) -> Result<Vec<(EngineStatus, u64)>, StoreError>;
    /// Every engine with what it holds. Takes time in proportion to the engines and their locks.
    async fn fleet(&self) -> Result<FleetRows, StoreError>;
    /// How many queued events of a lane come before this place in the order in which they are claimed; at most `limit`.
    async fn queued_before(&self, lane_id: LaneId, place: (Timestamp, EventId), limit: u32) -> Result<u64, StoreError>;
    /// The first queued event of each of these lanes that has one, due or not, by lane.
    async fn lane_heads(&self, lanes: &[LaneId]) -> Result<Vec<EventRow>, StoreError>;
    /// The engines of the last failed attempts at these events, as
    /// [`AttemptRepository::failed_by`](crate::AttemptRepository::failed_by).
    async fn failed_by(&self, ids: &[EventId]) -> Result<HashMap<EventId, Vec<EngineId>>, StoreError>;
    /// What is set for event types and queues.
    async fn settings(&self) -> Result<SettingsRows, StoreError>;
    /// How long events of a type waited and took, or of all types, by day and by version of the engines.
    async fn durations(&self, event_type: Option<&EventType>) -> Result<Vec<DurationRow>, StoreError>;
    /// What happened each minute, in the order of the keys: up to `limit` rows, behind one whose key is given.
    async fn minutes(
        &self,
        filter: &MinuteFilter,
        after: Option<MinuteKey>,
        limit: u32,
    ) -> Result<Vec<MinuteRow>, StoreError>;
    /// What callers prove themselves with. As soon as there is one token, whoever has none is refused.
    async fn tokens(&self) -> Result<TokenRows, StoreError>;
    /// The version of the tokens, for whoever has read them before. Costs one row.
    async fn tokens_version(&self) -> Result<i64, StoreError>;
    /// Entries of the audit log that match, newest first, linked ones and others. A page may be shorter than asked and still have a
    /// successor: a search looks at a bounded number of rows.
    async fn audit(&self, filter: &AuditFilter, page: &PageRequest) -> Result<ResultPage<AuditRecord>, StoreError>;
    /// Linked entries in the order of the chain, from behind a position on, with the ends of the chain.
    async fn audit_chain(&self, after: i64, limit: u32) -> Result<AuditChainPage, StoreError>;
    /// One dead letter with its event, if it is there.
    async fn dead_letter(&self, event_id: EventId) -> Result<Option<DeadLetterRow>, StoreError>;
    /// Dead letters that match, newest event first.
    async fn dead_letters(
        &self,
        search: &DeadLetterSearch,
        page: &PageRequest,
    ) -> Result<ResultPage<DeadLetterRow>, StoreError>;
    /// Those of them that match by their ids, oldest event first: for whoever acts on them.
    async fn dead_letter_ids(
        &self,
        filter: &DeadLetterFilter,
        page: &PageRequest,
    ) -> Result<ResultPage<EventId>, StoreError>;
    /// One operation, if it is kept.
    async fn operation(&self, operation_id: OperationId) -> Result<Option<OperationRecord>, StoreError>;
    /// Operations, newest first.
    async fn operations(&self, page: &PageRequest) -> Result<ResultPage<OperationRecord>, StoreError>;
    /// Operations that go on, oldest first; at most `limit`.
    async fn unfinished_operations(&self, limit: u32) -> Result<Vec<OperationRecord>, StoreError>;
    /// Members of an operation that had their turn, up to `places.1`, and were not changed, from behind `places.0` on.
    async fn unchanged_operation_members(
        &self,
        operation_id: OperationId,
        places: (u64, u64),
        limit: u32,
    ) -> Result<Vec<UnchangedMember>, StoreError>;
    /// The last members of an operation that had their turn, up to a place, and were not changed; the last one first.
    async fn last_unchanged_operation_members(
        &self,
        operation_id: OperationId,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<UnchangedMember>, StoreError>;
    /// How many dead letters match, at most `limit`, and the first few of those: oldest event first, as
    /// `matching_dead_letters` of a transaction has them.
    async fn preview_dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u64,
        first: u32,
    ) -> Result<DeadLetterPreviewRow, StoreError>;
    /// Dead letters that selectors reach, by event type, reason and error, the largest group first; at most 1,000 groups.
    async fn dead_letter_groups(&self, within: &Selectors) -> Result<Vec<DeadLetterGroupRow>, StoreError>;
    /// How many events of each lane are in each status, and since when the oldest queued one has been due. Takes time in
    /// proportion to the lanes, not to the events.
    async fn lane_counts(&self) -> Result<Vec<LaneCounts>, StoreError>;
    /// Scenario runs by id, each with its counts.
    async fn scenario_runs(&self, page: &PageRequest) -> Result<ResultPage<ScenarioRunCounts>, StoreError>;
    /// One scenario run and the engines that hold locks on its events, if any event of it is kept.
    async fn scenario_run(
        &self,
        scenario_run_id: &ScenarioRunId,
    ) -> Result<Option<(ScenarioRunCounts, Vec<EngineId>)>, StoreError>;
}

/// What whoever looks after a store needs.
#[async_trait]
#[delegatable_trait]
pub trait StoreAdmin: Send + Sync {
    /// Looks at every page and every row, and compares the counts with the rows. Answers what is wrong; nothing, if
    /// all is well.
    async fn check_integrity(&self) -> Result<Vec<String>, StoreError>;
    /// Writes a consistent copy to a file that must not exist yet, while serving. It appears under its name only once it is
    /// complete, synced and checked. Answers its size in bytes.
    async fn backup(&self, to: &Path) -> Result<u64, StoreError>;
    /// Links entries of the audit log that are not linked yet, as it does by itself every few seconds. Answers how many.
    async fn link_audit(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
    /// What is known to be damaged, as far as it has noticed by itself. It goes on with the rest.
    fn damage(&self) -> Option<String> {
        None
    }
    /// Why it serves no more until it is opened anew, if that is so: a write was lost on its way to the disk, or its files
    /// were taken away. Looks, which is cheap: a server asks every second, and whenever a transaction has failed.
    async fn ended(&self) -> Option<String> {
        None
    }
    /// Closes it, although others may still hold it: waits for what is under way, and refuses what comes later. Of a data
    /// file, nothing is left beside it.
    async fn close(&self) {}
    /// How it does, as far as it has noticed by itself: nothing is asked of it.
    fn health(&self) -> StoreHealth {
        StoreHealth::default()
    }
    /// Says what it is, where, and in which version, for people.
    fn describe(&self) -> String;
}
