//! The promises of `Transaction` on PostgreSQL: sets of rows by one statement each.

mod engines;
mod events;
mod expiries;
mod locks;
pub(crate) mod ready;
mod reports;

use std::collections::HashMap;
use std::sync::Arc;

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

use super::columns::{Moment, params, sql, uuids};
use super::pg_transaction::PostgresTransaction;
use super::{attempts, audit, dead_letters, durations, enqueue_grants, minutes, operations, reads, settings, tokens};
use crate::error::{HeldResource, StoreError};
use crate::postgres::shared::lane_changes::LaneChanges;
use crate::postgres::shared::lanes;
use crate::postgres::wire::error;
use crate::postgres::wire::statement::WriteFailure;
use crate::rows::{
    DeadLetterFilter, DurationRow, EnqueueGrant, EventChange, EventRow, KeyedEvent, LaneChangesSince, LockCursor,
    MinuteRow, NewDeadLetter, NewEventRow, ReadyEvent, ReadyRange, RegistryChange, RegistryChangesSince, ReportWrite,
    SettingsRow, SettingsRows, StatusCounts, TokenUse,
};
use crate::transaction::{
    AttemptRepository, AuditRepository, ContentionRepository, DurationRepository, EngineRepository,
    EnqueueGrantRepository, EventRepository, LaneRepository, LockRepository, MinuteRepository, OperationRepository,
    ReadyRepository, ReportRepository, SettingsRepository, TokenRepository, Transaction, TransactionTime,
};
use crate::unreadable::UnreadableRow;

/// Nothing but locks was written, and nobody was told of an event by its name: so nobody has to wait until the disk or a standby
/// has it. Whoever repeats a command must wait, whose first answer was that this is unknown.
const END_WITHOUT_CHANGES: &str = "set local synchronous_commit = off; commit";

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        // It stays in this transaction's care until it is committed: dropped before, that is given up.
        let Some(session) = self.session.as_ref() else {
            return Err(StoreError::Bug("the transaction has ended".to_owned()));
        };
        if session.is_closed() {
            // So a server that was stopped inside its transaction knows what became of it: nothing.
            return Err(StoreError::unavailable("the database has ended the transaction"));
        }
        let unreplicated = self.shared.endpoint.unreplicated();
        let queue = std::mem::take(&mut self.queue);
        let prepared = async {
            queue.prepare(session).await?;
            match self.changes.is_empty() {
                true => Ok(()),
                false => LaneChanges::prepare(session).await,
            }
        };
        prepared.await?;
        let changes = async {
            match self.changes.is_empty() {
                true => Ok(()),
                false => self.changes.write(session, self.reading.now).await,
            }
        };
        let end = if self.must_last || !self.changes.is_empty() { "commit" } else { END_WITHOUT_CHANGES };
        // Sent together, in this order: if something cannot be written, the commit that follows it is refused.
        let (sent, changed, committed) = tokio::join!(biased; queue.send(session), changes, session.run(end));
        let outcome = match sent.and(changed.map_err(WriteFailure::from)).and(committed.map_err(WriteFailure::from)) {
            Ok(()) if self.shared.endpoint.unreplicated() == unreplicated => Ok(()),
            Ok(()) => Err(error::commit_unknown(
                "the wait for a synchronous standby was cut short: the change is on the primary's disk only".to_owned(),
            )),
            Err(failure) => Err(failure.explained(error::commit_error)),
        };
        if outcome.is_ok() {
            drop(self.session.take());
            let mut has_arrivals = false;
            let mut positions = self.shared.scan_positions();
            for (lane, at) in self.changes.arrivals() {
                positions.rewind_lane(lane, at);
                has_arrivals = true;
            }
            if let Some(at) = self.first_expiry {
                positions.rewind_expiries(at);
            }
            // What was locked and left as it was is ready again. A scan in between did not see it.
            for (lane, at) in self.locked.values().chain(&self.locked_behind) {
                positions.rewind_lane(*lane, *at);
            }
            drop(positions);
            self.shared.remove_lanes(&self.gone_lanes);
            if has_arrivals {
                self.shared.notify_others();
            }
        }
        outcome
    }
}

impl TransactionTime for PostgresTransaction {
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
        self.reading.now = self.shared.read_time_on().max(self.reading.now);
        self.reading.now
    }

    fn generation(&self) -> Generation {
        self.store_generation
    }
}

#[async_trait]
impl EventRepository for PostgresTransaction {
    async fn insert_events(&mut self, events: &[NewEventRow]) -> Result<(), StoreError> {
        events::insert(self, events)
    }

    async fn events_by_id(&mut self, ids: &[EventId]) -> Result<Vec<EventRow>, StoreError> {
        events::by_id(self, ids).await
    }

    async fn payloads(&mut self, ids: &[EventId]) -> Result<Vec<(EventId, RawJson)>, StoreError> {
        events::payloads(self, ids).await
    }

    async fn events_by_idempotency_key(&mut self, keys: &[&str]) -> Result<Vec<KeyedEvent>, StoreError> {
        events::by_idempotency_key(self, keys).await
    }

    async fn release_idempotency_keys(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        events::release_idempotency_keys(self, ids).await
    }

    async fn write_events(&mut self, changes: &[EventChange<'_>]) -> Result<(), StoreError> {
        events::write(self, changes)
    }

    async fn prunable_events(
        &mut self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        events::prunable(self, completed_before, failed_before, limit).await
    }

    async fn oldest_finished(&mut self) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError> {
        events::oldest_finished(self).await
    }

    async fn delete_events(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        events::delete(self, ids).await
    }
}

#[async_trait]
impl ReadyRepository for PostgresTransaction {
    async fn maybe_ready(&mut self, lanes: &[LaneId]) -> Result<Vec<LaneId>, StoreError> {
        Ok(ready::maybe(self, lanes))
    }

    async fn ready_events(&mut self, ranges: &[ReadyRange], limit: u32) -> Result<Vec<ReadyEvent>, StoreError> {
        ready::events(self, ranges, limit).await
    }

    async fn ready_events_of_run(
        &mut self,
        scenario_run_id: &ScenarioRunId,
        ranges: &[ReadyRange],
        limit: u32,
    ) -> Result<Vec<ReadyEvent>, StoreError> {
        ready::events_of_run(self, scenario_run_id, ranges, limit).await
    }

    async fn ready_counts(&mut self, lanes: &[LaneId], limit: u32) -> Result<Vec<(LaneId, u32)>, StoreError> {
        ready::counts(self, lanes, limit).await
    }

    async fn expired_events(&mut self, until: Timestamp, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        expiries::expired(self, until, limit).await
    }

    async fn next_event_expiry(&mut self, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        expiries::next(self, until).await
    }

    async fn next_ready_at(&mut self, lanes: &[LaneId]) -> Result<Option<Timestamp>, StoreError> {
        ready::next_at(self, lanes).await
    }
}

#[async_trait]
impl LockRepository for PostgresTransaction {
    async fn held_events(&mut self, engines: &[EngineId]) -> Result<Vec<EventRow>, StoreError> {
        locks::held_events(self, engines, false).await
    }

    async fn held_events_for_update(&mut self, engines: &[EngineId]) -> Result<Vec<EventRow>, StoreError> {
        locks::held_events(self, engines, true).await
    }

    async fn locks_expiring(
        &mut self,
        until: Timestamp,
        after: Option<LockCursor>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        locks::expiring(self, until, after, limit).await
    }

    async fn next_lock_expiry(&mut self, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        locks::next_expiry(self, until).await
    }
}

#[async_trait]
impl LaneRepository for PostgresTransaction {
    async fn lanes_since(&mut self, version: u64) -> Result<LaneChangesSince, StoreError> {
        Ok(self.shared.lanes().since(version))
    }

    async fn lanes_by_id(&mut self, ids: &[LaneId]) -> Result<Vec<Lane>, StoreError> {
        let ids: Vec<_> = ids.iter().map(|lane_id| lane_id.0).collect();
        let rows = self.read(sql!("lanes_by_id"), params![INT8_ARRAY: &ids]).await?;
        self.each(&rows, lanes::lane)
    }

    async fn intern_lanes(&mut self, keys: &[LaneKey]) -> Result<Vec<Lane>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.require_lanes()?;
        let outcome = lanes::intern(self.session().await?, keys).await;
        self.ended(outcome).map_err(|error| error.held_by_means_of(HeldResource::NewLane))
    }

    async fn delete_empty_lanes(&mut self, limit: u32) -> Result<Vec<LaneId>, StoreError> {
        self.flush_changes().await?;
        let limit = i64::from(limit);
        let rows = self.query(sql!("delete_empty_lanes"), params![INT8: &limit]).await?;
        let gone = self.each(&rows, |columns| columns.read())?;
        self.execute(sql!("mark_prunable_lanes"), params![INT8: &limit]).await?;
        self.query(sql!("retire_lanes"), params![INT8: &limit]).await?;
        self.gone_lanes.extend(&gone);
        Ok(gone)
    }

    async fn queued_events(&mut self, lanes: &[LaneId]) -> Result<Vec<(LaneId, u64)>, StoreError> {
        let lanes: Vec<_> = lanes.iter().map(|lane| lane.0).collect();
        let from = self.shared.uncompacted_from();
        let rows = self.read(sql!("queued_events"), params![INT8_ARRAY: &lanes, XID8: &from]).await?;
        self.each(&rows, |columns| {
            let (lane_id, events): (LaneId, i64) = (columns.read()?, columns.read()?);
            Ok((lane_id, u64::try_from(events).unwrap_or(0)))
        })
    }

    async fn status_counts(&mut self) -> Result<StatusCounts, StoreError> {
        self.flush_changes().await?;
        let shared = Arc::clone(&self.shared);
        let outcome = reads::totals(self.reader().await?, &shared).await;
        self.ended(outcome)
    }
}

#[async_trait]
impl EngineRepository for PostgresTransaction {
    async fn engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<RegisteredEngine>, StoreError> {
        engines::by_id(self, sql!("engines_by_id"), ids).await
    }

    async fn free_engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<RegisteredEngine>, StoreError> {
        engines::by_id(self, sql!("free_engines_by_id"), ids).await
    }

    async fn all_engines(&mut self) -> Result<Vec<RegisteredEngine>, StoreError> {
        engines::all(self).await
    }

    async fn write_engines(&mut self, engines: &[RegisteredEngine]) -> Result<(), StoreError> {
        engines::write(self, engines)
    }

    async fn silent_engines(&mut self, until: Timestamp, limit: u32) -> Result<Vec<RegisteredEngine>, StoreError> {
        engines::silent(self, until, limit).await
    }

    async fn next_engine_loss(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.optional_moment(sql!("next_engine_loss"), params![]).await
    }

    async fn delete_gone_engines(&mut self, silent_since: Timestamp, limit: u32) -> Result<Vec<EngineId>, StoreError> {
        engines::delete_gone(self, silent_since, limit).await
    }
}

#[async_trait]
impl AttemptRepository for PostgresTransaction {
    async fn insert_attempts(&mut self, attempts: &[(EventId, AttemptEnd)]) -> Result<(), StoreError> {
        if attempts.is_empty() {
            return Ok(());
        }
        self.defer(attempts::insert(attempts).map(|statement| [statement]))
    }

    async fn failed_by(&mut self, ids: &[EventId]) -> Result<HashMap<EventId, Vec<EngineId>>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let limit = attempts::MAX_FAILED_BY;
        let rows = self.read(sql!("failed_by"), params![UUID_ARRAY: &uuids(ids), INT8: &limit]).await?;
        Ok(attempts::by_event(self.readable("attempts", &rows, attempts::read_failed_by)?))
    }

    async fn insert_dead_letters(&mut self, dead_letters: &[NewDeadLetter]) -> Result<(), StoreError> {
        if dead_letters.is_empty() {
            return Ok(());
        }
        self.defer(dead_letters::insert(dead_letters).map(|statement| [statement]))
    }

    async fn delete_dead_letters(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            self.execute(sql!("delete_dead_letters"), params![UUID_ARRAY: &uuids(ids)]).await?;
            // Events that were dead letters may be forgotten from now on, however long ago they failed.
            self.shared.scan_positions().failed_from = Timestamp::MIN;
        }
        Ok(())
    }

    async fn matching_dead_letters(
        &mut self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        let outcome = dead_letters::matching(self.reader().await?, filter, limit).await;
        self.ended(outcome)
    }
}

#[async_trait]
impl ReportRepository for PostgresTransaction {
    async fn log_tails(&mut self, locks: &[(EventId, i64)]) -> Result<HashMap<(EventId, i64), LogTail>, StoreError> {
        reports::log_tails(self, locks).await
    }

    async fn write_reports(&mut self, reports: &[ReportWrite]) -> Result<(), StoreError> {
        reports::write(self, reports)
    }

    async fn checkpoints(&mut self, ids: &[EventId]) -> Result<HashMap<EventId, RawJson>, StoreError> {
        reports::checkpoints(self, ids).await
    }
}

impl PostgresTransaction {
    /// The settings, which were last changed with this version, if that is known: those in memory, if they are the present ones.
    /// So somebody who has locked their tables keeps nobody waiting.
    async fn settings(&mut self, changed_with: Option<i64>) -> Result<SettingsRows, StoreError> {
        if let Some(settings) = self.shared.settings(changed_with.unwrap_or(self.registry_version)) {
            return Ok(settings);
        }
        let shared = Arc::clone(&self.shared);
        let outcome = settings::all(self.reader().await?, &shared.unreadable).await;
        let settings = self.ended(outcome)?;
        // What this transaction has written itself may be rolled back.
        if !self.must_last {
            self.shared.note_settings(self.registry_version, &settings);
        }
        Ok(settings)
    }
}

#[async_trait]
impl SettingsRepository for PostgresTransaction {
    async fn registry_version(&mut self) -> Result<i64, StoreError> {
        self.require_open()?;
        Ok(self.registry_version)
    }

    async fn raise_registry_version(&mut self, change: RegistryChange<'_>) -> Result<i64, StoreError> {
        let rows = self.query(sql!("raise_registry_version"), params![]).await?;
        let version: Option<i64> = self.each(&rows, |columns| columns.read())?.pop();
        let version = version.ok_or_else(|| StoreError::Corrupt("there is no registry version".to_owned()))?;
        let mut mark =
            async |part: &str| self.execute(sql!("mark_registry"), params![TEXT: &part, INT8: &version]).await;
        match change {
            RegistryChange::Settings => mark("settings_version").await?,
            RegistryChange::Tokens => mark("tokens_version").await?,
            RegistryChange::EnginesDeleted => mark("engines_deleted_version").await?,
            RegistryChange::Engines(ids) => {
                let names: Vec<_> = ids.iter().map(EngineId::as_str).collect();
                self.execute(sql!("mark_engines"), params![TEXT_ARRAY: &names, INT8: &version]).await?
            }
        };
        self.registry_version = self.versions_before + version;
        Ok(self.registry_version)
    }

    async fn pruning_held_until(&mut self) -> Result<Timestamp, StoreError> {
        let rows = self.read(sql!("pruning_held_until"), params![]).await?;
        let until = self.each(&rows, |columns| columns.value::<i64>())?.pop();
        Ok(Timestamp::from_millis(until.unwrap_or(0)))
    }

    async fn hold_pruning(&mut self, until: Timestamp) -> Result<(), StoreError> {
        self.execute(sql!("hold_pruning"), params![INT8: &until.as_millis()]).await.map(|_| ())
    }

    async fn registry_since(&mut self, version: Option<i64>) -> Result<RegistryChangesSince, StoreError> {
        // What a database has said that came back without its last commits counts for nothing.
        let version = version.filter(|version| self.shared.is_of_this_database(*version));
        let since = version.map(|version| version - self.versions_before);
        // Who needs everything need not know what of it is new.
        let parts = match since {
            Some(_) => {
                let rows = self.read(sql!("registry_parts"), params![]).await?;
                self.each(&rows, |columns| Ok((columns.value::<i64>()?, columns.value::<i64>()?)))?.pop()
            }
            None => None,
        };
        let (settings_version, deleted_version) = parts.unwrap_or_default();
        if parts.is_some() {
            self.shared.confirm_settings(self.versions_before + settings_version, self.registry_version);
        }
        let is_complete = since.is_none_or(|since| since < deleted_version);
        let engines = match since {
            Some(since) if !is_complete => engines::since(self, since).await?,
            _ => engines::all(self).await?,
        };
        let settings = match since.is_none_or(|since| since < settings_version) {
            true => Some(self.settings(parts.map(|_| self.versions_before + settings_version)).await?),
            false => None,
        };
        Ok(RegistryChangesSince { settings, engines, is_complete })
    }

    async fn write_event_type(&mut self, event_type: &EventType, row: Option<&SettingsRow>) -> Result<(), StoreError> {
        let outcome = match row {
            Some(set) => {
                settings::write(self.session().await?, sql!("write_event_type"), event_type.as_str(), set).await
            }
            None => settings::delete(self.session().await?, sql!("delete_event_type"), event_type.as_str()).await,
        };
        self.ended(outcome)
    }

    async fn write_queue(&mut self, queue: &QueueName, row: Option<&SettingsRow>) -> Result<(), StoreError> {
        let outcome = match row {
            Some(set) => settings::write(self.session().await?, sql!("write_queue"), queue.as_str(), set).await,
            None => settings::delete(self.session().await?, sql!("delete_queue"), queue.as_str()).await,
        };
        self.ended(outcome)
    }

    async fn write_run_pause(&mut self, run: &ScenarioRunId, pause: Option<&Pause>) -> Result<(), StoreError> {
        let outcome = settings::write_run_pause(self.session().await?, run, pause).await;
        self.ended(outcome)
    }
}

#[async_trait]
impl TokenRepository for PostgresTransaction {
    async fn all_tokens(&mut self) -> Result<Vec<TokenRecord>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let outcome = tokens::all(self.reader().await?, &shared.unreadable).await;
        self.ended(outcome)
    }

    async fn write_token(&mut self, token: &TokenRecord) -> Result<(), StoreError> {
        let outcome = tokens::write(self.session().await?, token).await;
        self.ended(outcome)
    }

    async fn note_token_uses(&mut self, uses: &[TokenUse]) -> Result<(), StoreError> {
        if uses.is_empty() {
            return Ok(());
        }
        self.defer(tokens::note_uses(uses).map(|statement| [statement]))
    }
}

#[async_trait]
impl AuditRepository for PostgresTransaction {
    async fn insert_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.defer(audit::insert(entries).map(|statement| [statement]))
    }

    async fn delete_audit(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let shared = Arc::clone(&self.shared);
        let outcome = audit::delete(self.session().await?, &shared.unreadable, before, limit).await;
        self.ended(outcome)
    }

    async fn token_addresses(&mut self, accessor: &Accessor) -> Result<Vec<String>, StoreError> {
        let outcome = audit::token_addresses(self.reader().await?, accessor.as_str()).await;
        self.ended(outcome)
    }
}

#[async_trait]
impl EnqueueGrantRepository for PostgresTransaction {
    async fn enqueue_grants(&mut self) -> Result<Vec<(EnqueueGrant, bool)>, StoreError> {
        let outcome = enqueue_grants::all(self.reader().await?).await;
        self.ended(outcome)
    }

    async fn write_enqueue_grant(&mut self, grant: &EnqueueGrant) -> Result<bool, StoreError> {
        let outcome = enqueue_grants::write(self.session().await?, grant).await;
        self.ended(outcome)
    }

    async fn delete_enqueue_grant(&mut self, grant: &EnqueueGrant) -> Result<bool, StoreError> {
        let outcome = enqueue_grants::delete(self.session().await?, grant).await;
        self.ended(outcome)
    }
}

#[async_trait]
impl DurationRepository for PostgresTransaction {
    async fn add_durations(&mut self, rows: &[DurationRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.defer(durations::add(rows).map(|statement| [statement]))
    }

    async fn delete_durations(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let outcome = durations::delete(self.session().await?, before, limit).await;
        self.ended(outcome)
    }
}

#[async_trait]
impl MinuteRepository for PostgresTransaction {
    async fn add_minutes(&mut self, rows: &[MinuteRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.defer(minutes::add(rows).map(|statement| [statement]))
    }

    async fn delete_minutes(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let outcome = minutes::delete(self.session().await?, before, limit).await;
        self.ended(outcome)
    }
}

#[async_trait]
impl OperationRepository for PostgresTransaction {
    async fn write_operation(&mut self, operation: &OperationRecord) -> Result<(), StoreError> {
        self.defer(operations::write(operation).map(|statement| [statement]))
    }

    async fn operation_for_update(&mut self, operation_id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        let rows = self.query(sql!("operation_for_update"), params![UUID: &operation_id.0]).await?;
        Ok(self.readable("operations", &rows, operations::read_one)?.pop())
    }

    async fn free_operation(&mut self, operation_id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        let rows = self.query(sql!("free_operation"), params![UUID: &operation_id.0]).await?;
        Ok(self.readable("operations", &rows, operations::read_one)?.pop())
    }

    async fn unfinished_operations(&mut self, limit: u32) -> Result<Vec<OperationRecord>, StoreError> {
        let rows = self.query(sql!("unfinished_operations"), params![INT8: &i64::from(limit)]).await?;
        self.readable("operations", &rows, operations::read_one)
    }

    async fn insert_operation_members(
        &mut self,
        operation_id: OperationId,
        members: &[OperationMember],
    ) -> Result<u64, StoreError> {
        if members.is_empty() {
            return Ok(0);
        }
        let outcome = operations::insert_members(self.session().await?, operation_id, members).await;
        self.ended(outcome)
    }

    async fn pending_operation_members(
        &mut self,
        operation_id: OperationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<OperationMember>, StoreError> {
        let (after, limit) = (operations::as_place(after), i64::from(limit));
        let parameters = params![UUID: &operation_id.0, INT8: &after, INT8: &limit];
        let rows = self.query(sql!("pending_operation_members"), parameters).await?;
        self.readable("operation_members", &rows, operations::read_member)
    }

    async fn settle_operation_members(
        &mut self,
        operation_id: OperationId,
        places: (u64, u64),
        unchanged: &[UnchangedMember],
    ) -> Result<(), StoreError> {
        self.defer(operations::settle(operation_id, places, unchanged))
    }

    async fn delete_operations(&mut self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let outcome = operations::delete(self.session().await?, ended_before, limit).await;
        self.ended(outcome)
    }
}

#[async_trait]
impl ContentionRepository for PostgresTransaction {
    async fn contended_engines(&mut self, ids: &[EngineId]) -> Result<Vec<EngineId>, StoreError> {
        let names: Vec<_> = ids.iter().map(EngineId::as_str).collect();
        let rows = self.read(sql!("contended_engines"), params![TEXT_ARRAY: &names]).await?;
        self.each(&rows, |columns| columns.read())
    }

    async fn contended_events(&mut self, ids: &[EventId]) -> Result<Vec<EventId>, StoreError> {
        let rows = self.read(sql!("contended_events"), params![UUID_ARRAY: &uuids(ids)]).await?;
        self.each(&rows, |columns| columns.read())
    }

    async fn contended_silent_engines(&mut self, until: Timestamp, limit: u32) -> Result<Vec<EngineId>, StoreError> {
        let limit = i64::from(limit);
        let until = Moment(until);
        let rows = self.read(sql!("contended_silent_engines"), params![TIMESTAMPTZ: &until, INT8: &limit]).await?;
        self.each(&rows, |columns| columns.read())
    }
}
