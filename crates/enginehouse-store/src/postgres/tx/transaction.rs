//! The transaction: sets of rows by one statement each, on one connection.
//!
//! *READ COMMITTED*, with every row that is to be changed locked when it is read, and the write guarded nevertheless. What
//! many transactions want at once (ready events, expired locks, silent engines) is taken with `skip locked`: two servers
//! share the work instead of waiting for each other.

mod engines;
mod events;
mod locks;
pub(crate) mod ready;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::{Lane, LaneKey};
use enginehouse_core::policy::Settings;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;
use tokio_postgres::Row;

use super::columns::{Columns, Xid, params, sql, uuids};
use super::{attempts, audit, dead_letters, reads, settings};
use crate::clock::Reading;
use crate::error::StoreError;
use crate::postgres::shared::lane_changes::LaneChanges;
use crate::postgres::shared::lanes;
use crate::postgres::shared::state::Shared;
use crate::postgres::wire::failure::{self, Failure, Outcome};
use crate::postgres::wire::session::{Param, Session, TransactionGuard};
use crate::rows::{
    AuditEntry, DeadLetterFilter, EventChange, EventRow, KeyedEvent, LaneChangesSince, LockCursor, NewDeadLetter,
    NewEventRow, ReadyEvent, ReadyRange, SettingsRows, StatusCounts,
};
use crate::transaction::{
    AttemptRepository, AuditRepository, EngineRepository, EventRepository, LaneRepository, LockRepository,
    ReadyRepository, SettingsRepository, Transaction, TransactionTime,
};

/// Nothing but locks was written, and nobody was told of an event by its name: so nobody has to wait until the disk or a standby
/// has it. Whoever repeats a command must wait, whose first answer was that this is unknown.
const END_WITHOUT_CHANGES: &str = "set local synchronous_commit = off; commit";

pub(crate) struct PostgresTransaction {
    /// Taken when it ends.
    session: Option<Session>,
    shared: Arc<Shared>,
    reading: Reading,
    registry_version: i64,
    /// The versions that the database may have given before it came back.
    versions_before: i64,
    /// Every transaction before this one had ended when this one began.
    xmin: Xid,
    /// No transaction from this one on had ended.
    xmax: Xid,
    /// The generation of the scan positions when this began.
    generation: u64,
    changes: LaneChanges,
    /// Ready events that nobody else can lock before this transaction ends, and that were not written.
    locked: HashMap<EventId, (LaneId, Timestamp)>,
    /// From where on there may be more of them in a lane, which were not answered.
    locked_behind: HashSet<(LaneId, Timestamp)>,
    /// Engines that were there when they were read.
    known_engines: HashSet<EngineId>,
    /// Lanes that are not there any more once this has committed.
    gone_lanes: Vec<LaneId>,
    /// Whether something was changed, or read that an answer may vouch for; locks alone count for nothing.
    must_last: bool,
    /// What ended it before its commit.
    error: Option<StoreError>,
}

impl PostgresTransaction {
    pub(crate) async fn begin(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        shared.wait_for_rollbacks().await;
        let session = TransactionGuard::new(shared.writers.session().await?);
        let generation = shared.scan_positions().generation();
        let update = shared.lanes().begin_update();
        let limit = format!("{}ms", session.deadline().as_millis());
        // A server that froze inside a transaction must not keep its locks for ever.
        let idle_limit = format!("{}ms", session.deadline().as_millis() * 2);
        let commit = if shared.endpoint.durable { None } else { Some("off") };
        // Sent together: one round trip.
        let (begun, opened, changed_lanes) = tokio::join!(
            session.run("begin isolation level read committed"),
            session.query(sql!("opening"), params![TEXT: &limit, TEXT: &idle_limit, TEXT: &commit]),
            session.query(sql!("changed_lanes"), params![XID8: &update.from]),
        );
        let read = async {
            let opened = begun.and(opened)?;
            let changed_lanes = changed_lanes?;
            let row = opened.first().ok_or_else(|| Failure::Bug("the database does not tell the time".to_owned()))?;
            let mut columns = Columns::of(row);
            let (now, version) = (columns.read()?, columns.read::<Option<i64>>()?);
            let (xmin, xmax) = (columns.value::<Xid>()?, columns.value::<Xid>()?);
            let version = version.ok_or_else(|| Failure::Row("there is no registry version".to_owned()))?;
            shared.note_database_start(columns.read()?);
            let new_update = shared.lanes().begin_update();
            let is_stale = shared.lanes().is_stale(update);
            let (update, changed_lanes) = if is_stale {
                // The cache was reset, and this transaction needs all lanes.
                (new_update, session.query(sql!("changed_lanes"), params![XID8: &new_update.from]).await?)
            } else {
                (update, changed_lanes)
            };
            let mut lanes = shared.lanes();
            lanes.apply(update, &changed_lanes, xmin)?;
            let versions_before = lanes.registry_version_base();
            Ok((now, versions_before + version, versions_before, (xmin, xmax)))
        };
        let read: Outcome<_> = read.await;
        match read {
            Ok((now, registry_version, versions_before, (xmin, xmax))) => Ok(Self {
                reading: shared.read_time(now),
                session: Some(session.into_session()),
                shared: Arc::clone(shared),
                registry_version,
                versions_before,
                xmin,
                xmax,
                generation,
                changes: LaneChanges::default(),
                locked: HashMap::new(),
                locked_behind: HashSet::new(),
                known_engines: HashSet::new(),
                gone_lanes: Vec::new(),
                must_last: false,
                error: None,
            }),
            Err(failure) => Err(failure.into()),
        }
    }

    /// To change something with, or to read what an answer may vouch for.
    fn session(&mut self) -> Result<&Session, StoreError> {
        self.must_last = true;
        self.reader()
    }

    /// To look around with, and to lock what is seen.
    fn reader(&self) -> Result<&Session, StoreError> {
        match (&self.error, &self.session) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(session)) => Ok(session),
            (None, None) => Err(StoreError::Bug("the transaction has ended".to_owned())),
        }
    }

    /// Notes the error that ends the transaction: the database does nothing more in it.
    fn ended<T>(&mut self, outcome: Outcome<T>) -> Result<T, StoreError> {
        outcome.map_err(|failure| {
            let error = StoreError::from(failure);
            self.error = Some(error.clone());
            error
        })
    }

    async fn query(&mut self, sql: &'static str, params: impl AsRef<[Param<'_>]>) -> Result<Vec<Row>, StoreError> {
        let outcome = self.session()?.query(sql, params).await;
        self.ended(outcome)
    }

    /// The same for a statement that changes nothing, but may lock what it reads. Nobody is told that something is so because of
    /// it alone.
    async fn read<const N: usize>(
        &mut self,
        sql: &'static str,
        params: [Param<'_>; N],
    ) -> Result<Vec<Row>, StoreError> {
        let outcome = self.reader()?.query(sql, params).await;
        self.ended(outcome)
    }

    async fn execute<const N: usize>(&mut self, sql: &'static str, params: [Param<'_>; N]) -> Result<u64, StoreError> {
        let outcome = self.session()?.execute(sql, params).await;
        self.ended(outcome)
    }

    /// Reads rows, one value of each.
    fn each<T>(&mut self, rows: &[Row], read: impl Fn(&mut Columns<'_>) -> Outcome<T>) -> Result<Vec<T>, StoreError> {
        let outcome = rows.iter().map(|row| read(&mut Columns::of(row))).collect();
        self.ended(outcome)
    }

    async fn optional_moment<const N: usize>(
        &mut self,
        sql: &'static str,
        params: [Param<'_>; N],
    ) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.read(sql, params).await?;
        Ok(self.each(&rows, |columns| columns.read::<Option<Timestamp>>())?.into_iter().flatten().next())
    }

    /// Writes the changes of counts, so that statements see them.
    async fn flush_changes(&mut self) -> Result<(), StoreError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        self.must_last = true;
        let outcome = self.changes.write(self.reader()?).await;
        self.ended(outcome)?;
        self.changes.clear_written();
        Ok(())
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.shared.roll_back(session);
        }
    }
}

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
        let unreplicated = self.shared.endpoint.unreplicated();
        if !self.changes.is_empty()
            && let Err(failure) = LaneChanges::prepare(session).await
        {
            return Err(failure.into());
        }
        let changes = async {
            match self.changes.is_empty() {
                true => Ok(()),
                false => self.changes.write(session).await,
            }
        };
        let end = if self.must_last || !self.changes.is_empty() { "commit" } else { END_WITHOUT_CHANGES };
        // Sent together, in this order: if the changes cannot be written, the commit that follows them is refused.
        let (written, committed) = tokio::join!(biased; changes, session.run(end));
        let outcome = match (written, committed) {
            (Ok(()), Ok(())) if self.shared.endpoint.unreplicated() == unreplicated => Ok(()),
            (Ok(()), Ok(())) => Err(failure::commit_unknown(
                "the wait for a synchronous standby was cut short: the change is on the primary's disk only".to_owned(),
            )),
            (Err(failure), _) | (Ok(()), Err(failure)) => Err(failure::commit_error(failure)),
        };
        if outcome.is_ok() {
            drop(self.session.take());
            let mut has_arrivals = false;
            let mut positions = self.shared.scan_positions();
            for (lane, at) in self.changes.arrivals() {
                positions.rewind_lane(lane, at);
                has_arrivals = true;
            }
            // What was locked and left as it was is ready again. A scan in between did not see it.
            for (lane, at) in self.locked.values().chain(&self.locked_behind) {
                positions.rewind_lane(*lane, *at);
            }
            drop(positions);
            self.shared.remove_lanes(&self.gone_lanes);
            if self.reading.jumped {
                self.shared.clear_jump();
            }
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

    fn jumped(&self) -> bool {
        self.reading.jumped
    }
}

#[async_trait]
impl EventRepository for PostgresTransaction {
    async fn insert_events(&mut self, events: &[NewEventRow]) -> Result<(), StoreError> {
        events::insert(self, events).await
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

    async fn write_events(&mut self, changes: &[EventChange]) -> Result<Vec<EventId>, StoreError> {
        events::write(self, changes).await
    }

    async fn forgettable_events(
        &mut self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        events::forgettable(self, completed_before, failed_before, limit).await
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

    async fn intern_lanes(&mut self, keys: &[LaneKey]) -> Result<Vec<Lane>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let outcome = lanes::intern(self.session()?, keys).await;
        self.ended(outcome)
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

    async fn status_counts(&mut self) -> Result<StatusCounts, StoreError> {
        self.flush_changes().await?;
        let outcome = reads::totals(self.reader()?, &self.shared).await;
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
        engines::write(self, engines).await
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
        let outcome = attempts::insert(self.session()?, attempts).await;
        self.ended(outcome)
    }

    async fn insert_dead_letters(&mut self, dead_letters: &[NewDeadLetter]) -> Result<(), StoreError> {
        let outcome = dead_letters::insert(self.session()?, dead_letters).await;
        self.ended(outcome)
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
        let outcome = dead_letters::matching(self.reader()?, filter, limit).await;
        self.ended(outcome)
    }
}

#[async_trait]
impl SettingsRepository for PostgresTransaction {
    async fn registry_version(&mut self) -> Result<i64, StoreError> {
        self.reader()?;
        Ok(self.registry_version)
    }

    async fn raise_registry_version(&mut self) -> Result<i64, StoreError> {
        let rows = self.query(sql!("raise_registry_version"), params![]).await?;
        let version: Option<i64> = self.each(&rows, |columns| columns.read())?.pop();
        let version = version.ok_or_else(|| StoreError::Corrupt("there is no registry version".to_owned()))?;
        self.registry_version = self.versions_before + version;
        Ok(self.registry_version)
    }

    async fn settings(&mut self) -> Result<SettingsRows, StoreError> {
        let outcome = settings::all(self.reader()?).await;
        self.ended(outcome)
    }

    async fn write_event_type(
        &mut self,
        event_type: &EventType,
        settings: Option<&Settings>,
    ) -> Result<(), StoreError> {
        let outcome = match settings {
            Some(set) => settings::write(self.session()?, sql!("write_event_type"), event_type.as_str(), set).await,
            None => settings::delete(self.session()?, sql!("delete_event_type"), event_type.as_str()).await,
        };
        self.ended(outcome)
    }

    async fn write_queue(&mut self, queue: &QueueName, settings: Option<&Settings>) -> Result<(), StoreError> {
        let outcome = match settings {
            Some(set) => settings::write(self.session()?, sql!("write_queue"), queue.as_str(), set).await,
            None => settings::delete(self.session()?, sql!("delete_queue"), queue.as_str()).await,
        };
        self.ended(outcome)
    }
}

#[async_trait]
impl AuditRepository for PostgresTransaction {
    async fn insert_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let outcome = audit::insert(self.session()?, entries).await;
        self.ended(outcome)
    }

    async fn delete_audit(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let outcome = audit::delete(self.session()?, before, limit).await;
        self.ended(outcome)
    }
}
