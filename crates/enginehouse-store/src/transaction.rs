//! Reads and writes sets of rows, all of them or none.
//!
//! A [`Transaction`] is one trait per noun. A caller has all of them on `dyn Transaction`; a test in which one of them fails
//! implements that one, and has the `ambassador` crate pass on the others.

use std::collections::HashMap;

use ambassador::delegatable_trait;
use async_trait::async_trait;
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::access::token::TokenRecord;
use enginehouse_core::audit::AuditEntry;
use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::generation::Generation;
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, OperationId, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::{Lane, LaneKey};
use enginehouse_core::operation::{OperationMember, OperationRecord, UnchangedMember};
use enginehouse_core::pause::Pause;
use enginehouse_core::report::LogTail;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;

use crate::error::StoreError;
use crate::rows::{
    DeadLetterFilter, DurationRow, EnqueueGrant, EventChange, EventRow, KeyedEvent, LaneChangesSince, LockCursor,
    MinuteRow, NewDeadLetter, NewEventRow, ReadyEvent, ReadyRange, RegistryChange, RegistryChangesSince, ReportWrite,
    SettingsRow, StatusCounts, TokenUse,
};
use crate::unreadable::UnreadableRow;

/// Dropped without `commit`, it has changed nothing.
///
/// What a transaction has read for a change does not change under it: another transaction either sees it before
/// or after, or the guard of the write finds no row.
#[async_trait]
pub trait Transaction:
    TransactionTime
    + EventRepository
    + ReadyRepository
    + LockRepository
    + LaneRepository
    + EngineRepository
    + AttemptRepository
    + ReportRepository
    + SettingsRepository
    + TokenRepository
    + AuditRepository
    + EnqueueGrantRepository
    + DurationRepository
    + MinuteRepository
    + OperationRepository
    + ContentionRepository
{
    /// Makes every change durable, or none.
    ///
    /// # Errors
    /// `Unavailable { applied: Unknown }` only when the commit itself was cut off.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// The time of a transaction, and what it could not read.
#[delegatable_trait]
pub trait TransactionTime: Send {
    /// The store's time, one for the whole transaction: PostgreSQL's own clock, or the one
    /// that SQLite was opened with. Never earlier than in an earlier transaction.
    fn now(&self) -> Timestamp;
    /// How often the store's time has jumped since the store was opened, seen from this transaction: what fell due meanwhile
    /// fell due unseen.
    fn jumps(&self) -> u64;
    /// The row of a table under this key, if this transaction has come across it and could not read it. Such rows are left
    /// out of what the transaction answers.
    fn unreadable(&self, table: &str, key: &str) -> Option<&UnreadableRow>;
    /// How many jumps, one while no server was there included, were so far that the clock may be wrong now, or was before.
    fn leaps(&self) -> u64;
    /// Moves the time of the transaction on to the present, after it has waited for rows; and answers it.
    fn catch_up(&mut self) -> Timestamp;
    /// The generation of the store, of which the epochs and lock serials are that it gives.
    fn generation(&self) -> Generation;
}

/// Events by their ids and keys.
#[async_trait]
#[delegatable_trait]
pub trait EventRepository: Send {
    /// Adds events. Their ids must be new, and no other event may have their idempotency keys, expired ones neither.
    ///
    /// Here and wherever a write answers nothing, a store may send it with the next call or with the commit, and so tell its
    /// error only there.
    async fn insert_events(&mut self, events: &[NewEventRow]) -> Result<(), StoreError>;
    /// Those of `ids` that exist, in the order of `ids`. Nobody else changes them before this transaction ends.
    async fn events_by_id(&mut self, ids: &[EventId]) -> Result<Vec<EventRow>, StoreError>;
    /// The payloads of those of `ids` that exist, in the order of `ids`.
    async fn payloads(&mut self, ids: &[EventId]) -> Result<Vec<(EventId, RawJson)>, StoreError>;
    /// The events that have these idempotency keys, expired ones too.
    async fn events_by_idempotency_key(&mut self, keys: &[&str]) -> Result<Vec<KeyedEvent>, StoreError>;
    /// Takes from events their idempotency keys, so that others may have them. The events stay as they are otherwise.
    async fn release_idempotency_keys(&mut self, ids: &[EventId]) -> Result<(), StoreError>;
    /// Writes events in what has changed since they were read.
    ///
    /// # Errors
    /// `Conflict` if one of them has another status or lock serial by now than it was read with.
    async fn write_events(&mut self, changes: &[EventChange<'_>]) -> Result<(), StoreError>;
    /// Finished events that may be forgotten: completed before the one moment, failed (dead letters aside) or cancelled
    /// before the other; the oldest first.
    async fn prunable_events(
        &mut self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError>;
    /// When the oldest completed event finished, and when the oldest failed (dead letters aside) or cancelled one did.
    async fn oldest_finished(&mut self) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError>;
    /// Forgets events with their attempts and payloads.
    async fn delete_events(&mut self, ids: &[EventId]) -> Result<(), StoreError>;
}

/// What may be claimed.
#[async_trait]
#[delegatable_trait]
pub trait ReadyRepository: Send {
    /// Those of `lanes` that may hold an event that is due, in their order. The others were found without one, and none has
    /// come since: so a claim costs as much as the lanes that have something, and not as all that its engine may serve.
    async fn maybe_ready(&mut self, lanes: &[LaneId]) -> Result<Vec<LaneId>, StoreError>;
    /// Queued events that are due: the first `limit` of all ranges together, in the order of `(available_at, event_id)`,
    /// each whole and with its payload. If fewer come, all ranges are exhausted. Costs what it answers, whatever else is in
    /// the store. Nobody else changes them before this transaction ends; events that another transaction has been answered
    /// are left out until that one ends.
    async fn ready_events(&mut self, ranges: &[ReadyRange], limit: u32) -> Result<Vec<ReadyEvent>, StoreError>;
    /// The same, but only events of one scenario run.
    async fn ready_events_of_run(
        &mut self,
        scenario_run_id: &ScenarioRunId,
        ranges: &[ReadyRange],
        limit: u32,
    ) -> Result<Vec<ReadyEvent>, StoreError>;
    /// How many queued events of these lanes are due, up to `limit` of each. Lanes without any are left out.
    async fn ready_counts(&mut self, lanes: &[LaneId], limit: u32) -> Result<Vec<(LaneId, u32)>, StoreError>;
    /// Queued events whose expiry has come by `until`, in its order, up to `limit`. Nobody else changes them before this
    /// transaction ends; those that another transaction works on are left out.
    async fn expired_events(&mut self, until: Timestamp, limit: u32) -> Result<Vec<EventRow>, StoreError>;
    /// When the next queued event expires, if one does by `until`.
    async fn next_event_expiry(&mut self, until: Timestamp) -> Result<Option<Timestamp>, StoreError>;
    /// When the next queued event of these lanes that is not due yet comes due.
    async fn next_ready_at(&mut self, lanes: &[LaneId]) -> Result<Option<Timestamp>, StoreError>;
}

/// The locks on events that are processing.
#[async_trait]
#[delegatable_trait]
pub trait LockRepository: Send {
    /// The events that these engines hold, in the order of their ids: for whoever counts them.
    async fn held_events(&mut self, engines: &[EngineId]) -> Result<Vec<EventRow>, StoreError>;
    /// The same, to be changed: nobody else changes them before this transaction ends. Those that another transaction works
    /// on are left out; it waits for nobody.
    async fn held_events_for_update(&mut self, engines: &[EngineId]) -> Result<Vec<EventRow>, StoreError>;
    /// Processing events whose lock expires at `until` or before, in the order of `(expires_at, event_id)`, from behind `after`.
    async fn locks_expiring(
        &mut self,
        until: Timestamp,
        after: Option<LockCursor>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError>;
    /// When the next lock expires, if one does by `until`.
    async fn next_lock_expiry(&mut self, until: Timestamp) -> Result<Option<Timestamp>, StoreError>;
}

/// Lanes, and the counts of their events.
#[async_trait]
#[delegatable_trait]
pub trait LaneRepository: Send {
    /// What has changed in the set of lanes since a version that an earlier call answered. Version 0 is the empty set.
    async fn lanes_since(&mut self, version: u64) -> Result<LaneChangesSince, StoreError>;
    /// Those of `ids` that exist, retired ones too. For lanes that others have made since this transaction read which there are.
    async fn lanes_by_id(&mut self, ids: &[LaneId]) -> Result<Vec<Lane>, StoreError>;
    /// The lanes of these keys, in their order; made where they are new. A number is never given twice.
    async fn intern_lanes(&mut self, keys: &[LaneKey]) -> Result<Vec<Lane>, StoreError>;
    /// Forgets up to `limit` lanes that have no events. Answers which. Where others share the store, it first takes them out
    /// of use, and forgets them in a later transaction, once nobody can add an event any more.
    async fn delete_empty_lanes(&mut self, limit: u32) -> Result<Vec<LaneId>, StoreError>;
    /// How many events are queued in each of these lanes, as of the beginning of the transaction. Lanes without any may be
    /// left out.
    async fn queued_events(&mut self, lanes: &[LaneId]) -> Result<Vec<(LaneId, u64)>, StoreError>;
    /// How many events are in each status, over all lanes.
    async fn status_counts(&mut self) -> Result<StatusCounts, StoreError>;
}

/// Engines.
#[async_trait]
#[delegatable_trait]
pub trait EngineRepository: Send {
    /// Those of `ids` that are registered, in the order of `ids`. No other transaction changes them, or reads them by
    /// this or the next method, before this one ends.
    async fn engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<RegisteredEngine>, StoreError>;
    /// The same, but without those that another transaction has read so: it waits for nobody.
    async fn free_engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<RegisteredEngine>, StoreError>;
    /// Every registered engine, by id.
    async fn all_engines(&mut self) -> Result<Vec<RegisteredEngine>, StoreError>;
    /// Adds engines, or replaces those that were read for it in this transaction.
    async fn write_engines(&mut self, engines: &[RegisteredEngine]) -> Result<(), StoreError>;
    /// Engines that should have sent a heartbeat by `until`, the latest first.
    async fn silent_engines(&mut self, until: Timestamp, limit: u32) -> Result<Vec<RegisteredEngine>, StoreError>;
    /// When the next engine is lost unless it sends a heartbeat.
    async fn next_engine_loss(&mut self) -> Result<Option<Timestamp>, StoreError>;
    /// Forgets up to `limit` engines that are stopped or lost, or send no heartbeats, hold no lock and have been silent since
    /// before `silent_since`. Answers which.
    async fn delete_gone_engines(&mut self, silent_since: Timestamp, limit: u32) -> Result<Vec<EngineId>, StoreError>;
}

/// Attempts that have ended, and dead letters.
#[async_trait]
#[delegatable_trait]
pub trait AttemptRepository: Send {
    /// Adds attempts that did not complete their events.
    async fn insert_attempts(&mut self, attempts: &[(EventId, AttemptEnd)]) -> Result<(), StoreError>;
    /// The engines of the last failed attempts at these events, the last first, one for each attempt; events
    /// without such attempts are left out.
    async fn failed_by(&mut self, ids: &[EventId]) -> Result<HashMap<EventId, Vec<EngineId>>, StoreError>;
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
}

/// What engines report of attempts. A lock is named by its event and its serial.
#[async_trait]
#[delegatable_trait]
pub trait ReportRepository: Send {
    /// The ends of the logs of these attempts; without those that have none.
    async fn log_tails(&mut self, locks: &[(EventId, i64)]) -> Result<HashMap<(EventId, i64), LogTail>, StoreError>;
    /// Adds what was reported, of each lock once, to what was reported of the same attempts before.
    async fn write_reports(&mut self, reports: &[ReportWrite]) -> Result<(), StoreError>;
    /// The newest checkpoints of these events; without those that have none.
    async fn checkpoints(&mut self, ids: &[EventId]) -> Result<HashMap<EventId, RawJson>, StoreError>;
}

/// What is set for event types and queues, and the version of the registry.
#[async_trait]
#[delegatable_trait]
pub trait SettingsRepository: Send {
    /// A number that rises whenever an engine registers or stops, or a setting or a token changes: who caches those reads them again
    /// when it has risen.
    async fn registry_version(&mut self) -> Result<i64, StoreError>;
    /// Raises that number, because of a change of this transaction, and answers it.
    async fn raise_registry_version(&mut self, change: RegistryChange<'_>) -> Result<i64, StoreError>;
    /// What has changed since a version that was answered earlier; everything, if there is none. Costs what has changed.
    async fn registry_since(&mut self, version: Option<i64>) -> Result<RegistryChangesSince, StoreError>;
    /// Until when nothing may be pruned, because the clock has jumped.
    async fn pruning_held_until(&mut self) -> Result<Timestamp, StoreError>;
    /// Keeps everything until then, or prunes again.
    async fn hold_pruning(&mut self, until: Timestamp) -> Result<(), StoreError>;
    /// Sets, or forgets, what holds for an event type.
    async fn write_event_type(&mut self, event_type: &EventType, row: Option<&SettingsRow>) -> Result<(), StoreError>;
    /// Sets, or forgets, what holds for a queue.
    async fn write_queue(&mut self, queue: &QueueName, row: Option<&SettingsRow>) -> Result<(), StoreError>;
    /// Pauses a scenario run, or lets it go on.
    async fn write_run_pause(&mut self, run: &ScenarioRunId, pause: Option<&Pause>) -> Result<(), StoreError>;
}

/// What callers prove themselves with.
#[async_trait]
#[delegatable_trait]
pub trait TokenRepository: Send {
    /// Every token that can be read, by accessor. Whoever changes one raises the registry version before, so that nobody else
    /// changes any meanwhile.
    async fn all_tokens(&mut self) -> Result<Vec<TokenRecord>, StoreError>;
    /// Adds a token, or replaces the one that has its accessor.
    async fn write_token(&mut self, token: &TokenRecord) -> Result<(), StoreError>;
    /// Notes when secrets were last used, those from before a rotation too. One that is gone by now is nothing.
    async fn note_token_uses(&mut self, uses: &[TokenUse]) -> Result<(), StoreError>;
}

/// What people did, and what they were kept from.
#[async_trait]
#[delegatable_trait]
pub trait AuditRepository: Send {
    /// Adds entries. They are linked to the chain now or, where several servers write at once, within a few seconds of the commit.
    async fn insert_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError>;
    /// Forgets up to `limit` of the oldest linked entries, as long as each is from before `before`; what is left of the chain goes on
    /// from the last of them. Answers how many.
    async fn delete_audit(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError>;
    /// From which addresses a token was used, as far as that was noted; at most
    /// [`MAX_TOKEN_ADDRESSES`](crate::rows::MAX_TOKEN_ADDRESSES).
    async fn token_addresses(&mut self, accessor: &Accessor) -> Result<Vec<String>, StoreError>;
}

/// What database roles may enqueue in SQL, where others share the store. A data file is written by its server alone.
#[async_trait]
#[delegatable_trait]
pub trait EnqueueGrantRepository: Send {
    /// All of them, by role, each with whether there is that role.
    async fn enqueue_grants(&mut self) -> Result<Vec<(EnqueueGrant, bool)>, StoreError> {
        Ok(Vec::new())
    }
    /// Lets a role enqueue something. Answers whether there is the role: if not, nothing was changed.
    async fn write_enqueue_grant(&mut self, grant: &EnqueueGrant) -> Result<bool, StoreError> {
        let _ = grant;
        Ok(false)
    }
    /// Takes a grant away. Answers whether there was one.
    async fn delete_enqueue_grant(&mut self, grant: &EnqueueGrant) -> Result<bool, StoreError> {
        let _ = grant;
        Ok(false)
    }
}

/// How long events waited and took.
#[async_trait]
#[delegatable_trait]
pub trait DurationRepository: Send {
    /// Adds histograms to those that are kept under their keys, others' included.
    async fn add_durations(&mut self, rows: &[DurationRow]) -> Result<(), StoreError>;
    /// Forgets up to `limit` histograms of days before `before`. Answers how many.
    async fn delete_durations(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError>;
}

/// What happened each minute.
#[async_trait]
#[delegatable_trait]
pub trait MinuteRepository: Send {
    /// Adds what happened to what is kept of the same minutes, others' included.
    async fn add_minutes(&mut self, rows: &[MinuteRow]) -> Result<(), StoreError>;
    /// Forgets up to `limit` rows of minutes before `before`, the oldest first. Answers how many.
    async fn delete_minutes(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError>;
}

/// Operations, and what they are about.
#[async_trait]
#[delegatable_trait]
pub trait OperationRepository: Send {
    /// Adds an operation, or replaces the one that was read for it in this transaction.
    async fn write_operation(&mut self, operation: &OperationRecord) -> Result<(), StoreError>;
    /// One operation. No other transaction changes it before this one ends.
    async fn operation_for_update(&mut self, operation_id: OperationId) -> Result<Option<OperationRecord>, StoreError>;
    /// The same, but nothing if another transaction is at work for it: it waits for nobody.
    async fn free_operation(&mut self, operation_id: OperationId) -> Result<Option<OperationRecord>, StoreError>;
    /// Operations that go on, oldest first.
    async fn unfinished_operations(&mut self, limit: u32) -> Result<Vec<OperationRecord>, StoreError>;
    /// Adds members to an operation, each once: what is a member already stays where it is. Answers how many were added.
    async fn insert_operation_members(
        &mut self,
        operation_id: OperationId,
        members: &[OperationMember],
    ) -> Result<u64, StoreError>;
    /// The next members of an operation behind a place, in their order.
    async fn pending_operation_members(
        &mut self,
        operation_id: OperationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<OperationMember>, StoreError>;
    /// Notes that the members behind `places.0`, up to `places.1`, had their turn. Those that were not changed are kept, with why.
    async fn settle_operation_members(
        &mut self,
        operation_id: OperationId,
        places: (u64, u64),
        unchanged: &[UnchangedMember],
    ) -> Result<(), StoreError>;
    /// Forgets operations that ended before a moment, with their members, and members whose operation ended before their turn
    /// came: up to `limit` rows of each. Answers how many rows.
    async fn delete_operations(&mut self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError>;
}

/// What other transactions hold at this moment, and nobody waits for. Where one transaction runs at a time, nothing is.
#[async_trait]
#[delegatable_trait]
pub trait ContentionRepository: Send {
    /// Those of `ids` that are registered, and that another transaction has locked.
    async fn contended_engines(&mut self, ids: &[EngineId]) -> Result<Vec<EngineId>, StoreError> {
        let _ = ids;
        Ok(Vec::new())
    }
    /// Those of `ids` that exist, and that another transaction has locked.
    async fn contended_events(&mut self, ids: &[EventId]) -> Result<Vec<EventId>, StoreError> {
        let _ = ids;
        Ok(Vec::new())
    }
    /// Engines that should have sent a heartbeat by `until`, and that another transaction has locked.
    async fn contended_silent_engines(&mut self, until: Timestamp, limit: u32) -> Result<Vec<EngineId>, StoreError> {
        let _ = (until, limit);
        Ok(Vec::new())
    }
}
