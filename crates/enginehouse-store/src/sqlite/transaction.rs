//! The transaction: each method runs its statements on the write connection, and never waits for anything else.

use std::collections::HashMap;

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
use tokio::sync::OwnedMappedMutexGuard;

use super::counts::CountChanges;
use super::failure::SqliteResult;
use super::writer::Writer;
use super::{
    audit, dead_letters, durations, engines, events, lanes, locks, minutes, operations, ready, reports, settings,
    tokens,
};
use crate::clock::Reading;
use crate::error::StoreError;
use crate::rows::{
    DeadLetterFilter, DurationRow, EventChange, EventRow, KeyedEvent, LaneChangesSince, LockCursor, MinuteRow,
    NewDeadLetter, NewEventRow, ReadyEvent, ReadyRange, RegistryChange, RegistryChangesSince, ReportWrite, SettingsRow,
    StatusCounts, TokenUse,
};
use crate::transaction::{
    AttemptRepository, AuditRepository, ContentionRepository, DurationRepository, EngineRepository,
    EnqueueGrantRepository, EventRepository, LaneRepository, LockRepository, MinuteRepository, OperationRepository,
    ReadyRepository, ReportRepository, SettingsRepository, TokenRepository, Transaction, TransactionTime,
};
use crate::unreadable::UnreadableRow;

pub(super) struct SqliteTransaction {
    writer: OwnedMappedMutexGuard<Option<Writer>, Writer>,
    reading: Reading,
    counts: CountChanges,
    /// Rows that were to be read and could not be.
    unreadable: Vec<UnreadableRow>,
    is_committed: bool,
    /// What ended it before its commit. SQLite may have rolled back by itself, so that a further statement would be a
    /// transaction of its own.
    error: Option<StoreError>,
}

impl SqliteTransaction {
    pub(super) fn begin(mut writer: OwnedMappedMutexGuard<Option<Writer>, Writer>) -> Result<Self, StoreError> {
        let reading = writer.begin()?;
        Ok(Self {
            writer,
            reading,
            counts: CountChanges::default(),
            unreadable: Vec::new(),
            is_committed: false,
            error: None,
        })
    }

    fn run<T>(
        &mut self,
        work: impl FnOnce(&mut Writer, &mut CountChanges) -> SqliteResult<T>,
    ) -> Result<T, StoreError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let done = work(&mut self.writer, &mut self.counts);
        self.unreadable.append(&mut self.writer.connection.take_skipped());
        done.map_err(|failure| {
            let error = self.writer.failed(failure);
            self.error = Some(error.clone());
            error
        })
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if !self.is_committed {
            self.writer.quiet_lanes.clear();
        }
        self.writer.roll_back();
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let this = &mut *self;
        this.writer.commit(&mut this.counts, this.reading.now)?;
        this.is_committed = true;
        Ok(())
    }
}

impl TransactionTime for SqliteTransaction {
    fn now(&self) -> Timestamp {
        self.reading.now
    }

    fn jumps(&self) -> u64 {
        self.reading.jumps
    }

    fn unreadable(&self, table: &str, key: &str) -> Option<&UnreadableRow> {
        self.unreadable.iter().find(|row| row.table == table && row.key == key)
    }

    fn leaps(&self) -> u64 {
        self.reading.leaps
    }

    fn catch_up(&mut self) -> Timestamp {
        // It never waits for anything.
        self.reading.now
    }

    fn generation(&self) -> Generation {
        self.writer.generation
    }
}

#[async_trait]
impl EventRepository for SqliteTransaction {
    async fn insert_events(&mut self, events: &[NewEventRow]) -> Result<(), StoreError> {
        self.run(|writer, counts| events::insert(&writer.connection, counts, events))?;
        for NewEventRow { event, .. } in events {
            self.writer.quiet_lanes.arrived(event.lane_id, event.state.available_at);
        }
        Ok(())
    }

    async fn events_by_id(&mut self, ids: &[EventId]) -> Result<Vec<EventRow>, StoreError> {
        self.run(|writer, _| events::by_id(&writer.connection, ids))
    }

    async fn payloads(&mut self, ids: &[EventId]) -> Result<Vec<(EventId, RawJson)>, StoreError> {
        self.run(|writer, _| events::payloads(&writer.connection, ids))
    }

    async fn events_by_idempotency_key(&mut self, keys: &[&str]) -> Result<Vec<KeyedEvent>, StoreError> {
        self.run(|writer, _| events::by_idempotency_key(&writer.connection, keys))
    }

    async fn release_idempotency_keys(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        self.run(|writer, _| events::release_idempotency_keys(&writer.connection, ids))
    }

    async fn write_events(&mut self, changes: &[EventChange<'_>]) -> Result<(), StoreError> {
        for change in changes {
            if change.arrives() {
                let event = change.event;
                self.writer.quiet_lanes.arrived(event.lane_id, event.state.available_at);
            }
        }
        self.run(|writer, counts| events::write(&writer.connection, counts, changes))
    }

    async fn prunable_events(
        &mut self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        self.run(|writer, _| events::prunable(&writer.connection, completed_before, failed_before, limit))
    }

    async fn oldest_finished(&mut self) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError> {
        self.run(|writer, _| events::oldest_finished(&writer.connection))
    }

    async fn delete_events(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        self.run(|writer, counts| events::delete(&writer.connection, counts, ids))
    }
}

#[async_trait]
impl ReadyRepository for SqliteTransaction {
    async fn maybe_ready(&mut self, lanes: &[LaneId]) -> Result<Vec<LaneId>, StoreError> {
        let (quiet, now) = (&self.writer.quiet_lanes, self.reading.now);
        Ok(lanes.iter().copied().filter(|lane| quiet.until(*lane, now).is_none()).collect())
    }

    async fn ready_events(&mut self, ranges: &[ReadyRange], limit: u32) -> Result<Vec<ReadyEvent>, StoreError> {
        let now = self.reading.now;
        self.run(|writer, _| ready::events(writer, ranges, now, limit))
    }

    async fn ready_events_of_run(
        &mut self,
        scenario_run_id: &ScenarioRunId,
        ranges: &[ReadyRange],
        limit: u32,
    ) -> Result<Vec<ReadyEvent>, StoreError> {
        let now = self.reading.now;
        self.run(|writer, _| ready::events_of_run(&writer.connection, scenario_run_id, ranges, now, limit))
    }

    async fn ready_counts(&mut self, lanes: &[LaneId], limit: u32) -> Result<Vec<(LaneId, u32)>, StoreError> {
        let now = self.reading.now;
        let lanes = self.maybe_ready(lanes).await?;
        self.run(|writer, _| ready::counts(&writer.connection, &lanes, now, limit))
    }

    async fn expired_events(&mut self, until: Timestamp, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        self.run(|writer, _| ready::expired(&writer.connection, until, limit))
    }

    async fn next_event_expiry(&mut self, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<Timestamp> = self.run(|writer, _| ready::next_expiry(&writer.connection))?;
        Ok(next.filter(|at| *at <= until))
    }

    async fn next_ready_at(&mut self, lanes: &[LaneId]) -> Result<Option<Timestamp>, StoreError> {
        let now = self.reading.now;
        self.run(|writer, _| ready::next_at(writer, lanes, now))
    }
}

#[async_trait]
impl LockRepository for SqliteTransaction {
    async fn held_events(&mut self, engines: &[EngineId]) -> Result<Vec<EventRow>, StoreError> {
        self.run(|writer, _| locks::held_events(&writer.connection, engines))
    }

    async fn held_events_for_update(&mut self, engines: &[EngineId]) -> Result<Vec<EventRow>, StoreError> {
        // There is one transaction at a time.
        self.held_events(engines).await
    }

    async fn locks_expiring(
        &mut self,
        until: Timestamp,
        after: Option<LockCursor>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        self.run(|writer, _| locks::expiring(&writer.connection, until, after, limit))
    }

    async fn next_lock_expiry(&mut self, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let next = self.run(|writer, _| locks::next_expiry(&writer.connection))?;
        Ok(next.filter(|at| *at <= until))
    }
}

#[async_trait]
impl LaneRepository for SqliteTransaction {
    async fn lanes_since(&mut self, version: u64) -> Result<LaneChangesSince, StoreError> {
        let after = LaneId(i64::try_from(version).unwrap_or(i64::MAX));
        let active = self.run(|writer, _| lanes::after(&writer.connection, after))?;
        let version = active.last().and_then(|lane| u64::try_from(lane.lane_id.0).ok()).unwrap_or(version);
        Ok(LaneChangesSince { active, version, ..LaneChangesSince::default() })
    }

    async fn lanes_by_id(&mut self, ids: &[LaneId]) -> Result<Vec<Lane>, StoreError> {
        self.run(|writer, _| ids.iter().filter_map(|id| lanes::find(&writer.connection, *id).transpose()).collect())
    }

    async fn intern_lanes(&mut self, keys: &[LaneKey]) -> Result<Vec<Lane>, StoreError> {
        self.run(|writer, _| lanes::intern(writer, keys))
    }

    async fn delete_empty_lanes(&mut self, limit: u32) -> Result<Vec<LaneId>, StoreError> {
        let now = self.reading.now;
        self.run(|writer, counts| {
            counts.write(&writer.connection, now)?;
            let gone = lanes::delete_empty(&writer.connection, limit)?;
            gone.iter().for_each(|lane| writer.quiet_lanes.remove(*lane));
            Ok(gone)
        })
    }

    async fn queued_events(&mut self, lanes: &[LaneId]) -> Result<Vec<(LaneId, u64)>, StoreError> {
        self.run(|writer, _| lanes::queued_events(&writer.connection, lanes))
    }

    async fn status_counts(&mut self) -> Result<StatusCounts, StoreError> {
        let now = self.reading.now;
        self.run(|writer, counts| {
            counts.write(&writer.connection, now)?;
            lanes::status_counts(&writer.connection)
        })
    }
}

#[async_trait]
impl EngineRepository for SqliteTransaction {
    async fn engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<RegisteredEngine>, StoreError> {
        self.run(|writer, _| engines::by_id(&writer.connection, ids))
    }

    async fn free_engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<RegisteredEngine>, StoreError> {
        self.engines_by_id(ids).await
    }

    async fn all_engines(&mut self) -> Result<Vec<RegisteredEngine>, StoreError> {
        self.run(|writer, _| engines::all(&writer.connection))
    }

    async fn write_engines(&mut self, engines: &[RegisteredEngine]) -> Result<(), StoreError> {
        self.run(|writer, _| engines::write(&writer.connection, engines))
    }

    async fn silent_engines(&mut self, until: Timestamp, limit: u32) -> Result<Vec<RegisteredEngine>, StoreError> {
        self.run(|writer, _| engines::silent(&writer.connection, until, limit))
    }

    async fn next_engine_loss(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.run(|writer, _| engines::next_loss(&writer.connection))
    }

    async fn delete_gone_engines(&mut self, silent_since: Timestamp, limit: u32) -> Result<Vec<EngineId>, StoreError> {
        self.run(|writer, _| engines::delete_gone(&writer.connection, silent_since, limit))
    }
}

#[async_trait]
impl AttemptRepository for SqliteTransaction {
    async fn insert_attempts(&mut self, attempts: &[(EventId, AttemptEnd)]) -> Result<(), StoreError> {
        self.run(|writer, _| events::insert_attempts(&writer.connection, attempts))
    }

    async fn failed_by(&mut self, ids: &[EventId]) -> Result<HashMap<EventId, Vec<EngineId>>, StoreError> {
        self.run(|writer, _| events::failed_by(&writer.connection, ids))
    }

    async fn insert_dead_letters(&mut self, dead_letters: &[NewDeadLetter]) -> Result<(), StoreError> {
        self.run(|writer, _| dead_letters::insert(&writer.connection, dead_letters))
    }

    async fn delete_dead_letters(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        self.run(|writer, _| dead_letters::delete(&writer.connection, ids))
    }

    async fn matching_dead_letters(
        &mut self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        self.run(|writer, _| dead_letters::matching(&writer.connection, filter, limit))
    }
}

#[async_trait]
impl ReportRepository for SqliteTransaction {
    async fn log_tails(&mut self, locks: &[(EventId, i64)]) -> Result<HashMap<(EventId, i64), LogTail>, StoreError> {
        self.run(|writer, _| reports::log_tails(&writer.connection, locks))
    }

    async fn write_reports(&mut self, reports: &[ReportWrite]) -> Result<(), StoreError> {
        self.run(|writer, _| reports::write(&writer.connection, reports))
    }

    async fn checkpoints(&mut self, ids: &[EventId]) -> Result<HashMap<EventId, RawJson>, StoreError> {
        self.run(|writer, _| reports::checkpoints(&writer.connection, ids))
    }
}

#[async_trait]
impl SettingsRepository for SqliteTransaction {
    async fn registry_version(&mut self) -> Result<i64, StoreError> {
        self.run(|writer, _| settings::registry_version(&writer.connection))
    }

    async fn raise_registry_version(&mut self, change: RegistryChange<'_>) -> Result<i64, StoreError> {
        self.run(|writer, _| settings::raise_registry_version(writer, change))
    }

    async fn pruning_held_until(&mut self) -> Result<Timestamp, StoreError> {
        self.run(|writer, _| settings::pruning_held_until(&writer.connection))
    }

    async fn hold_pruning(&mut self, until: Timestamp) -> Result<(), StoreError> {
        self.run(|writer, _| settings::hold_pruning(&writer.connection, until))
    }

    async fn registry_since(&mut self, version: Option<i64>) -> Result<RegistryChangesSince, StoreError> {
        self.run(|writer, _| settings::registry_since(&writer.connection, version))
    }

    async fn write_event_type(&mut self, event_type: &EventType, row: Option<&SettingsRow>) -> Result<(), StoreError> {
        self.run(|writer, _| settings::write_event_type(&writer.connection, event_type, row))
    }

    async fn write_queue(&mut self, queue: &QueueName, row: Option<&SettingsRow>) -> Result<(), StoreError> {
        self.run(|writer, _| settings::write_queue(&writer.connection, queue, row))
    }

    async fn write_run_pause(&mut self, run: &ScenarioRunId, pause: Option<&Pause>) -> Result<(), StoreError> {
        self.run(|writer, _| settings::write_run_pause(&writer.connection, run, pause))
    }
}

#[async_trait]
impl TokenRepository for SqliteTransaction {
    async fn all_tokens(&mut self) -> Result<Vec<TokenRecord>, StoreError> {
        self.run(|writer, _| Ok(tokens::all(&writer.connection)?.tokens))
    }

    async fn write_token(&mut self, token: &TokenRecord) -> Result<(), StoreError> {
        self.run(|writer, _| tokens::write(&writer.connection, token))
    }

    async fn note_token_uses(&mut self, uses: &[TokenUse]) -> Result<(), StoreError> {
        self.run(|writer, _| tokens::note_uses(&writer.connection, uses))
    }
}

#[async_trait]
impl AuditRepository for SqliteTransaction {
    async fn insert_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.run(|writer, _| audit::insert(&writer.connection, entries))
    }

    async fn delete_audit(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.run(|writer, _| audit::delete(&writer.connection, before, limit))
    }

    async fn token_addresses(&mut self, accessor: &Accessor) -> Result<Vec<String>, StoreError> {
        self.run(|writer, _| audit::token_addresses(&writer.connection, accessor.as_str()))
    }
}

#[async_trait]
impl DurationRepository for SqliteTransaction {
    async fn add_durations(&mut self, rows: &[DurationRow]) -> Result<(), StoreError> {
        self.run(|writer, _| durations::add(&writer.connection, rows))
    }

    async fn delete_durations(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.run(|writer, _| durations::delete(&writer.connection, before, limit))
    }
}

#[async_trait]
impl MinuteRepository for SqliteTransaction {
    async fn add_minutes(&mut self, rows: &[MinuteRow]) -> Result<(), StoreError> {
        self.run(|writer, _| minutes::add(&writer.connection, rows))
    }

    async fn delete_minutes(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.run(|writer, _| minutes::delete(&writer.connection, before, limit))
    }
}

#[async_trait]
impl OperationRepository for SqliteTransaction {
    async fn write_operation(&mut self, operation: &OperationRecord) -> Result<(), StoreError> {
        self.run(|writer, _| operations::write(&writer.connection, operation))
    }

    async fn operation_for_update(&mut self, operation_id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        self.run(|writer, _| operations::one(&writer.connection, operation_id))
    }

    async fn free_operation(&mut self, operation_id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        // There is one transaction at a time.
        self.operation_for_update(operation_id).await
    }

    async fn unfinished_operations(&mut self, limit: u32) -> Result<Vec<OperationRecord>, StoreError> {
        self.run(|writer, _| operations::unfinished(&writer.connection, limit))
    }

    async fn insert_operation_members(
        &mut self,
        operation_id: OperationId,
        members: &[OperationMember],
    ) -> Result<u64, StoreError> {
        self.run(|writer, _| operations::insert_members(&writer.connection, operation_id, members))
    }

    async fn pending_operation_members(
        &mut self,
        operation_id: OperationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<OperationMember>, StoreError> {
        self.run(|writer, _| operations::pending(&writer.connection, operation_id, after, limit))
    }

    async fn settle_operation_members(
        &mut self,
        operation_id: OperationId,
        places: (u64, u64),
        unchanged: &[UnchangedMember],
    ) -> Result<(), StoreError> {
        self.run(|writer, _| operations::settle(&writer.connection, operation_id, places, unchanged))
    }

    async fn delete_operations(&mut self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.run(|writer, _| operations::delete(&writer.connection, ended_before, limit))
    }
}

/// Nobody else writes to a data file.
impl EnqueueGrantRepository for SqliteTransaction {}

/// One transaction runs at a time.
impl ContentionRepository for SqliteTransaction {}
