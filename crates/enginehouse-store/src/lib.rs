//! Where Enginehouse keeps its rows.
//!
//! A [`Store`] begins [`Transaction`]s, and answers what people ask. It holds no rule: what becomes of a row is
//! decided in `enginehouse-core`, by way of the dispatcher. *Select in SQL, decide in Rust, guard in SQL.*
//!
//! The promises in the doc comments below are tests: `conformance` has one function per promise, and every
//! implementation must pass them all unchanged.

pub mod clock;
#[cfg(test)]
mod conformance;
pub mod copy;
pub mod migrations;
pub mod postgres;
pub mod rows;
pub mod sqlite;
mod store_url;
mod table;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
pub use enginehouse_core::applied::Applied;
use enginehouse_core::engine::{Engine, EngineStatus};
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::{Lane, LaneKey};
use enginehouse_core::policy::Settings;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;

pub use crate::store_url::StoreUrl;

use crate::rows::{
    AuditEntry, DeadLetterFilter, DeadLetterGroup, DeadLetterRow, EngineFilter, EventChange, EventFilter, EventRecord,
    EventRow, HeldLock, History, KeyedEvent, LaneChangesSince, LaneCounts, LockCursor, NewDeadLetter, NewEventRow,
    Page, PageRequest, ReadyEvent, ReadyRange, ScenarioRunCounts, SettingsRows, StatusCounts,
};

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The rows are not what this program wrote, or a statement is wrong: a damaged file, or a bug.
    #[error("the store is damaged, or this is a bug: {0}")]
    Corrupt(String),
    /// Another transaction was in the way. Nothing was changed, and it is worth repeating at once.
    #[error("another transaction was in the way: {0}")]
    Conflict(String),
    /// The store is away, full or busy. Worth repeating.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// Whether the change took place nevertheless.
        applied: Applied,
        /// What happened.
        reason: String,
    },
}

impl StoreError {
    /// The store is unavailable, and nothing was changed.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { applied: Applied::No, reason: reason.into() }
    }
}

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
    /// Whether changes may be missing from this answer, so that the reader must assume that everything has changed.
    pub everything: bool,
    /// Increases when an engine registers or stops, and when a setting changes.
    pub registry_version: i64,
}

/// Reads the changes that others make in a shared store.
#[async_trait]
pub trait ChangeFeed: Send {
    /// Waits until others have changed something, or a while has passed, and answers what. Cancel-safe: a call
    /// that is dropped while it waits loses nothing.
    async fn next(&mut self) -> Result<RemoteChanges, StoreError>;
}

/// A durable set of engines, events, lanes, attempts, dead letters, settings and audit entries.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a transaction. With SQLite there is one at a time, and its methods block the calling thread: the
    /// dispatcher gives it a thread of its own.
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;
    /// Whether others may change what is in it: other servers, or applications that enqueue in SQL.
    fn is_shared(&self) -> bool {
        false
    }
    /// How many transactions may be under way at once.
    fn max_transactions(&self) -> usize {
        1
    }
    /// The changes that others make in the store; `None` if it is not shared.
    fn change_feed(&self) -> Option<Box<dyn ChangeFeed>> {
        None
    }

    /// One event with its payload, if it is there.
    async fn event(&self, event_id: EventId) -> Result<Option<EventRecord>, StoreError>;
    /// Events that match, newest first. A page may be shorter than asked and still have a successor: a search
    /// looks at a bounded number of rows, and a page holds a bounded number of bytes.
    async fn events(&self, filter: &EventFilter, page: &PageRequest) -> Result<Page<EventRecord>, StoreError>;
    /// Every attempt of an event that did not complete it, and every action of an operator, oldest first.
    async fn history(&self, event_id: EventId) -> Result<History, StoreError>;
    /// One engine with its locks, if it is registered.
    async fn engine(&self, engine_id: &EngineId) -> Result<Option<(Engine, Vec<EventRecord>)>, StoreError>;
    /// Engines that match, each with the number of its locks, by id.
    async fn engines(&self, filter: &EngineFilter, page: &PageRequest) -> Result<Page<(Engine, u32)>, StoreError>;
    /// How many engines are in each status.
    async fn engine_counts(&self) -> Result<Vec<(EngineStatus, u64)>, StoreError>;
    /// What is set for event types and queues.
    async fn settings(&self) -> Result<SettingsRows, StoreError>;
    /// One dead letter with its event, if it is there.
    async fn dead_letter(&self, event_id: EventId) -> Result<Option<DeadLetterRow>, StoreError>;
    /// Dead letters that match, newest event first.
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        page: &PageRequest,
    ) -> Result<Page<DeadLetterRow>, StoreError>;
    /// Dead letters by event type, reason and error, the largest group first; at most 1,000 groups.
    async fn dead_letter_groups(&self) -> Result<Vec<DeadLetterGroup>, StoreError>;
    /// How many events of each lane are in each status, and since when the oldest queued one has been due. Takes time in
    /// proportion to the lanes, not to the events.
    async fn lane_counts(&self) -> Result<Vec<LaneCounts>, StoreError>;
    /// Scenario runs by id, each with its counts.
    async fn scenario_runs(&self, page: &PageRequest) -> Result<Page<ScenarioRunCounts>, StoreError>;
    /// One scenario run and the engines that hold locks on its events, if any event of it is kept.
    async fn scenario_run(
        &self,
        scenario_run_id: &ScenarioRunId,
    ) -> Result<Option<(ScenarioRunCounts, Vec<EngineId>)>, StoreError>;

    /// Looks at every page and every row, and compares the counts with the rows. Answers what is wrong; nothing, if
    /// all is well.
    async fn check_integrity(&self) -> Result<Vec<String>, StoreError>;
    /// Writes a consistent copy to a file that must not exist yet, while serving. It appears under its name only once it is
    /// complete, synced and checked. Answers its size in bytes.
    async fn backup(&self, to: &Path) -> Result<u64, StoreError>;
    /// Whether it serves no more until it is opened anew: a write was lost on its way to the disk, and only a restart can
    /// tell what is there.
    fn needs_restart(&self) -> bool {
        false
    }
    /// How it does, as far as it has noticed by itself: nothing is asked of it.
    fn health(&self) -> StoreHealth {
        StoreHealth::default()
    }
    /// Says what it is, where, and in which version, for people.
    fn describe(&self) -> String;
}

/// Reads and writes sets of rows. Dropped without `commit`, it has changed nothing.
///
/// What a transaction has read for a change does not change under it: another transaction either sees it before
/// or after, or the guard of the write finds no row.
#[async_trait]
pub trait Transaction: Send {
    /// The store's time, one for the whole transaction: PostgreSQL's own clock, or the one
    /// that SQLite was opened with. Never earlier than in an earlier transaction.
    fn now(&self) -> Timestamp;
    /// Whether the store's time made a jump since the transaction before: what fell due meanwhile fell due unseen.
    fn jumped(&self) -> bool;

    // Events

    /// Adds events. Their ids and idempotency keys must be new.
    async fn insert_events(&mut self, events: &[NewEventRow]) -> Result<(), StoreError>;
    /// Those of `ids` that exist, in the order of `ids`. Nobody else changes them before this transaction ends.
    async fn events_by_id(&mut self, ids: &[EventId]) -> Result<Vec<EventRow>, StoreError>;
    /// The payloads of those of `ids` that exist, in the order of `ids`.
    async fn payloads(&mut self, ids: &[EventId]) -> Result<Vec<(EventId, RawJson)>, StoreError>;
    /// The events that are kept under these idempotency keys.
    async fn events_by_idempotency_key(&mut self, keys: &[&str]) -> Result<Vec<KeyedEvent>, StoreError>;
    /// Queued events that are due: of each range the first `limit` in the order of `(available_at, event_id)`, the ranges
    /// in the order given. Costs what it answers, whatever else is in the store. Events that another transaction has been
    /// answered are left out until it ends.
    async fn ready_events(&mut self, ranges: &[ReadyRange], limit: u32) -> Result<Vec<ReadyEvent>, StoreError>;
    /// The same, but only events of one scenario run.
    async fn ready_events_of_run(
        &mut self,
        scenario_run_id: &ScenarioRunId,
        lanes: &[LaneId],
        limit: u32,
    ) -> Result<Vec<ReadyEvent>, StoreError>;
    /// How many queued events of these lanes are due, up to `limit` of each. Lanes without any are left out.
    async fn ready_counts(&mut self, lanes: &[LaneId], limit: u32) -> Result<Vec<(LaneId, u32)>, StoreError>;
    /// When the next queued event of these lanes that is not due yet comes due.
    async fn next_ready_at(&mut self, lanes: &[LaneId]) -> Result<Option<Timestamp>, StoreError>;
    /// Writes each event that still has the status and lock serial it was read with. Answers which, in the order
    /// of `changes`.
    async fn write_events(&mut self, changes: &[EventChange]) -> Result<Vec<EventId>, StoreError>;
    /// Finished events that may be forgotten: completed before the one moment, failed (dead letters aside) or cancelled
    /// before the other; the oldest first.
    async fn forgettable_events(
        &mut self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError>;
    /// When the oldest completed event finished, and when the oldest failed (dead letters aside) or cancelled one did.
    async fn oldest_finished(&mut self) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError>;
    /// Forgets events with their attempts and payloads.
    async fn delete_events(&mut self, ids: &[EventId]) -> Result<(), StoreError>;

    // Locks

    /// The locks that these engines hold, in the order of the engines.
    async fn locks_of_engines(&mut self, engines: &[EngineId]) -> Result<Vec<HeldLock>, StoreError>;
    /// Processing events whose lock expires at `until` or before, in the order of `(expires_at, event_id)`, from behind `after`.
    async fn locks_expiring(
        &mut self,
        until: Timestamp,
        after: Option<LockCursor>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError>;
    /// When the next lock expires, if one does by `until`.
    async fn next_lock_expiry(&mut self, until: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    // Lanes

    /// What has changed in the set of lanes since a version that an earlier call answered. Version 0 is the empty set.
    async fn lanes_since(&mut self, version: u64) -> Result<LaneChangesSince, StoreError>;
    /// The lanes of these keys, in their order; made where they are new. A number is never given twice.
    async fn intern_lanes(&mut self, keys: &[LaneKey]) -> Result<Vec<Lane>, StoreError>;
    /// Forgets up to `limit` lanes that have no events. Answers which. Where others share the store, it first takes them out
    /// of use, and forgets them in a later transaction, once nobody can add an event any more.
    async fn delete_empty_lanes(&mut self, limit: u32) -> Result<Vec<LaneId>, StoreError>;

    // Engines

    /// Those of `ids` that are registered, in the order of `ids`. No other transaction changes them, or reads them by
    /// this or the next method, before this one ends.
    async fn engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<Engine>, StoreError>;
    /// The same, but without those that another transaction has read so: it waits for nobody.
    async fn free_engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<Engine>, StoreError>;
    /// Every registered engine, by id.
    async fn all_engines(&mut self) -> Result<Vec<Engine>, StoreError>;
    /// Adds engines, or replaces those that were read for it in this transaction.
    async fn write_engines(&mut self, engines: &[Engine]) -> Result<(), StoreError>;
    /// Engines that should have spoken up by `until`, the latest first.
    async fn silent_engines(&mut self, until: Timestamp, limit: u32) -> Result<Vec<Engine>, StoreError>;
    /// When the next engine is lost unless it speaks up.
    async fn next_engine_loss(&mut self) -> Result<Option<Timestamp>, StoreError>;
    /// Forgets up to `limit` engines that are stopped or lost, hold no lock and have been silent since before `silent_since`. Answers which.
    async fn delete_gone_engines(&mut self, silent_since: Timestamp, limit: u32) -> Result<Vec<EngineId>, StoreError>;

    // Attempts and dead letters

    /// Adds attempts that did not complete their events.
    async fn insert_attempts(&mut self, attempts: &[(EventId, AttemptEnd)]) -> Result<(), StoreError>;
    /// Adds dead letters.
    async fn insert_dead_letters(&mut self, dead_letters: &[NewDeadLetter]) -> Result<(), StoreError>;
    /// Takes away the dead letters of these events; the events stay.
    async fn delete_dead_letters(&mut self, ids: &[EventId]) -> Result<(), StoreError>;
    /// Up to `limit` dead letters that match, oldest event first.
    async fn matching_dead_letters(
        &mut self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError>;

    // Settings, and what else many callers share

    /// A number that rises whenever an engine registers or stops, or a setting changes: who caches those reads them again
    /// when it has risen.
    async fn registry_version(&mut self) -> Result<i64, StoreError>;
    /// Raises that number, and answers it.
    async fn raise_registry_version(&mut self) -> Result<i64, StoreError>;
    /// What is set for event types and queues.
    async fn settings(&mut self) -> Result<SettingsRows, StoreError>;
    /// Sets, or forgets, what holds for an event type.
    async fn write_event_type(&mut self, event_type: &EventType, settings: Option<&Settings>)
    -> Result<(), StoreError>;
    /// Sets, or forgets, what holds for a queue.
    async fn write_queue(&mut self, queue: &QueueName, settings: Option<&Settings>) -> Result<(), StoreError>;
    /// Adds what operators did.
    async fn insert_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError>;
    /// Forgets up to `limit` audit entries from before `before`. Answers how many.
    async fn delete_audit(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError>;
    /// How many events are in each status, over all lanes.
    async fn status_counts(&mut self) -> Result<StatusCounts, StoreError>;

    /// Makes every change durable, or none.
    ///
    /// # Errors
    /// `Unavailable { applied: Unknown }` only when the commit itself was cut off.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Every status of an event, in a fixed order, for counts by status.
pub const STATUSES: [EventStatus; 5] =
    [EventStatus::Queued, EventStatus::Processing, EventStatus::Completed, EventStatus::Failed, EventStatus::Cancelled];
