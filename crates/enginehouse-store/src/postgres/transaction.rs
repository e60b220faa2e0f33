//! The transaction: sets of rows by one statement each, on one connection.
//!
//! *READ COMMITTED*, with every row that is to be changed locked when it is read, and the write guarded nevertheless. What
//! many transactions want at once (ready events, expired locks, silent engines) is taken with `skip locked`: two servers
//! share the work instead of waiting for each other.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use enginehouse_core::engine::Engine;
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::{Lane, LaneKey};
use enginehouse_core::lock::LockToken;
use enginehouse_core::policy::Settings;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;
use tokio_postgres::Row;
use uuid::Uuid;

use super::changes::LaneChanges;
use super::columns::{Columns, Json, Moment, Xid, params, reader, sql, text, uuids};
use super::failure::{self, Failure, Outcome};
use super::places::Place;
use super::session::{Inside, Param, Session};
use super::shared::Shared;
use super::{engines, event_rows, lanes, reads, settings};
use crate::clock::Reading;
use crate::rows::{
    AuditEntry, DeadLetterFilter, EventChange, EventRow, HeldLock, KeyedEvent, LaneNews, LockCursor, NewDeadLetter,
    NewEventRow, ReadyEvent, ReadyRange, SettingsRows, StatusCounts, error_group,
};
use crate::{StoreError, Transaction};

/// How far back a look for expired locks goes behind the last one. A lock whose transaction took longer to commit than it
/// lasts is found by the next look at everything.
const SLACK: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) struct PostgresTransaction {
    /// Taken when it ends.
    session: Option<Session>,
    shared: Arc<Shared>,
    reading: Reading,
    registry_version: i64,
    /// The versions that the database may have given before it came back.
    versions_before: i64,
    /// Every transaction before this one had ended when this one began.
    xmin: Xid,
    /// What places were remembered when this began.
    generation: u64,
    changes: LaneChanges,
    /// Events that were read together with their place in a lane, until somebody asks for them.
    taken: HashMap<EventId, EventRow>,
    /// Ready events that nobody else can take before this transaction ends, unless they were written.
    locked: HashMap<EventId, (LaneId, Timestamp)>,
    /// Payloads of events that were locked, until somebody asks for them.
    payloads: HashMap<EventId, RawJson>,
    /// Engines that were there when they were read.
    known_engines: HashSet<EngineId>,
    /// Lanes that are not there any more once this has committed.
    gone_lanes: Vec<LaneId>,
    /// What ended it before its commit.
    error: Option<StoreError>,
}

impl PostgresTransaction {
    pub(super) async fn begin(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        shared.all_ended().await;
        let session = Inside::new(shared.writers.session().await?);
        let generation = shared.places().generation();
        let look = shared.lanes().begin();
        let limit = format!("{}ms", session.deadline().as_millis());
        // A server that froze inside a transaction must not keep its locks for ever.
        let idle_limit = format!("{}ms", session.deadline().as_millis() * 2);
        let commit = if shared.endpoint.durable { None } else { Some("off") };
        // Sent together: one round trip.
        let (begun, opened, changed_lanes) = tokio::join!(
            session.run("begin isolation level read committed"),
            session.query(sql!("opening"), params![TEXT: &limit, TEXT: &idle_limit, TEXT: &commit]),
            session.query(sql!("changed_lanes"), params![XID8: &look.from]),
        );
        let read = async {
            let opened = begun.and(opened)?;
            let changed_lanes = changed_lanes?;
            let row = opened.first().ok_or_else(|| Failure::Row("the database does not tell the time".to_owned()))?;
            let mut columns = Columns::of(row);
            let (now, version, xmin) = (columns.time()?, columns.value::<Option<i64>>()?, columns.value::<Xid>()?);
            let version = version.ok_or_else(|| Failure::Row("there is no registry version".to_owned()))?;
            shared.saw_start(columns.value()?);
            let now_look = shared.lanes().begin();
            let is_over = shared.lanes().is_over(look);
            let (look, changed_lanes) = if is_over {
                // All are forgotten, and this transaction needs them.
                (now_look, session.query(sql!("changed_lanes"), params![XID8: &now_look.from]).await?)
            } else {
                (look, changed_lanes)
            };
            let mut lanes = shared.lanes();
            lanes.take_in(look, &changed_lanes, xmin)?;
            let versions_before = lanes.versions_before();
            Ok((now, versions_before + version, versions_before, xmin))
        };
        let read: Outcome<_> = read.await;
        match read {
            Ok((now, registry_version, versions_before, xmin)) => Ok(Self {
                reading: shared.read_time(now),
                session: Some(session.into_session()),
                shared: Arc::clone(shared),
                registry_version,
                versions_before,
                xmin,
                generation,
                changes: LaneChanges::default(),
                taken: HashMap::new(),
                locked: HashMap::new(),
                payloads: HashMap::new(),
                known_engines: HashSet::new(),
                gone_lanes: Vec::new(),
                error: None,
            }),
            Err(failure) => Err(failure.into()),
        }
    }

    fn session(&self) -> Result<&Session, StoreError> {
        match (&self.error, &self.session) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(session)) => Ok(session),
            (None, None) => Err(StoreError::Corrupt("the transaction has ended".to_owned())),
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

    async fn query<const N: usize>(
        &mut self,
        sql: &'static str,
        params: [Param<'_>; N],
    ) -> Result<Vec<Row>, StoreError> {
        let outcome = self.session()?.query(sql, params).await;
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
        let rows = self.query(sql, params).await?;
        Ok(self.each(&rows, reader!(optional_time))?.into_iter().flatten().next())
    }

    /// From where on to look in a lane: what this transaction itself has put there counts too.
    fn place_in(&self, lane: LaneId, own: &HashMap<LaneId, Timestamp>) -> (super::places::Remembered, Place) {
        let remembered = self.shared.places().lane(lane);
        let place = own.get(&lane).map_or(remembered.place, |at| remembered.place.min(Place::from(*at)));
        (remembered, place)
    }

    fn own_arrivals(&self) -> HashMap<LaneId, Timestamp> {
        let mut own = HashMap::new();
        for (lane, at) in self.changes.arrivals() {
            own.entry(lane).and_modify(|first: &mut Timestamp| *first = (*first).min(at)).or_insert(at);
        }
        own
    }

    /// Keeps events for whoever asks for them next, and answers their places.
    fn take(&mut self, events: Vec<EventRow>) -> Vec<ReadyEvent> {
        let mut ready = Vec::with_capacity(events.len());
        for event in events {
            let (lane_id, available_at, event_id) = (event.lane_id, event.state.available_at, event.event_id);
            ready.push(ReadyEvent { lane_id, available_at, event_id });
            self.locked.insert(event_id, (lane_id, available_at));
            self.taken.insert(event_id, event);
        }
        ready
    }

    /// Writes the changes of counts, so that statements see them.
    async fn flush_changes(&mut self) -> Result<(), StoreError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let outcome = self.changes.write(self.session()?).await;
        self.ended(outcome)?;
        self.changes.written();
        Ok(())
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.shared.give_up(session);
        }
    }
}

#[async_trait]
impl Transaction for PostgresTransaction {
    fn now(&self) -> Timestamp {
        self.reading.now
    }

    fn jumped(&self) -> bool {
        self.reading.jumped
    }

    async fn insert_events(&mut self, events: &[NewEventRow]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let outcome = event_rows::insert(self.session()?, events).await;
        self.ended(outcome)?;
        for NewEventRow { event, .. } in events {
            let (lane, run) = (event.lane_id, event.scenario_run_id.as_ref());
            self.changes.added(lane, run, event.enqueued_at, event.state.available_at);
        }
        Ok(())
    }

    async fn events_by_id(&mut self, ids: &[EventId]) -> Result<Vec<EventRow>, StoreError> {
        let mut found: HashMap<EventId, EventRow> = HashMap::with_capacity(ids.len());
        let mut missing = Vec::new();
        for id in ids {
            match self.taken.remove(id) {
                Some(event) => {
                    found.insert(*id, event);
                }
                None if !found.contains_key(id) => missing.push(*id),
                None => {}
            }
        }
        if !missing.is_empty() {
            let rows = self.query(sql!("events_by_id"), params![UUID_ARRAY: &uuids(&missing)]).await?;
            let events = self.each(&rows, event_rows::event_of)?;
            found.extend(events.into_iter().map(|event| (event.event_id, event)));
        }
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    async fn payloads(&mut self, ids: &[EventId]) -> Result<Vec<(EventId, RawJson)>, StoreError> {
        let mut found: HashMap<EventId, RawJson> = HashMap::with_capacity(ids.len());
        let mut missing = Vec::new();
        for id in ids {
            match self.payloads.remove(id) {
                Some(payload) => {
                    found.insert(*id, payload);
                }
                None => missing.push(*id),
            }
        }
        if !missing.is_empty() {
            let rows = self.query(sql!("payloads"), params![UUID_ARRAY: &uuids(&missing)]).await?;
            let read = |columns: &mut Columns<'_>| Ok((columns.event_id()?, columns.raw_json()?));
            found.extend(self.each(&rows, read)?);
        }
        Ok(ids.iter().filter_map(|id| Some((*id, found.get(id)?.clone()))).collect())
    }

    async fn events_by_idempotency_key(&mut self, keys: &[&str]) -> Result<Vec<KeyedEvent>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.query(sql!("events_by_idempotency_key"), params![TEXT_ARRAY: &keys]).await?;
        let mut found: HashMap<Arc<str>, KeyedEvent> = HashMap::new();
        let read = |columns: &mut Columns<'_>| {
            let key: Arc<str> = columns.value::<&str>()?.into();
            let event_id = columns.event_id()?;
            let fingerprint: &[u8] = columns.value()?;
            let fingerprint = fingerprint.try_into().map_err(|error| columns.unexpected(error))?;
            Ok(KeyedEvent { key, event_id, fingerprint })
        };
        found.extend(self.each(&rows, read)?.into_iter().map(|keyed| (Arc::clone(&keyed.key), keyed)));
        Ok(keys.iter().filter_map(|key| found.get(*key).cloned()).collect())
    }

    async fn ready_events(&mut self, ranges: &[ReadyRange], limit: u32) -> Result<Vec<ReadyEvent>, StoreError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let own = self.own_arrivals();
        let mut began_with = Vec::with_capacity(ranges.len());
        let (mut lanes, mut from_at, mut from_id) = (Vec::new(), Vec::new(), Vec::<Uuid>::new());
        for range in ranges {
            let (remembered, place) = self.place_in(range.lane_id, &own);
            let place = range.after.map_or(place, |(at, id)| Place::behind(at, id));
            began_with.push(remembered);
            lanes.push(range.lane_id.0);
            from_at.push(Moment(place.at));
            from_id.push(place.id);
        }
        let (now, limit) = (Moment(self.reading.now), i64::from(limit));
        let rows = self
            .query(
                sql!("ready_events"),
                params![
                    INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &from_at, UUID_ARRAY: &from_id, TIMESTAMPTZ: &now,
                    INT8: &limit,
                ],
            )
            .await?;
        let events = self.each(&rows, event_rows::event_of)?;
        let mut firsts: HashMap<LaneId, Place> = HashMap::new();
        for event in &events {
            let place = Place { at: event.state.available_at, id: event.event_id.0 };
            firsts.entry(event.lane_id).or_insert(place);
        }
        {
            let mut places = self.shared.places();
            for (range, began_with) in ranges.iter().zip(began_with).filter(|(range, _)| range.after.is_none()) {
                let place = firsts.get(&range.lane_id).copied().unwrap_or(Place::from(self.reading.now));
                places.looked(range.lane_id, began_with, self.generation, place);
            }
        }
        Ok(self.take(events))
    }

    async fn ready_events_of_run(
        &mut self,
        scenario_run_id: &ScenarioRunId,
        lanes: &[LaneId],
        limit: u32,
    ) -> Result<Vec<ReadyEvent>, StoreError> {
        if lanes.is_empty() {
            return Ok(Vec::new());
        }
        let own = self.own_arrivals();
        let from: Vec<_> = lanes.iter().map(|lane| Moment(self.place_in(*lane, &own).1.at)).collect();
        let lanes: Vec<_> = lanes.iter().map(|lane| lane.0).collect();
        let (run, now, limit) = (scenario_run_id.as_str(), Moment(self.reading.now), i64::from(limit));
        let rows = self
            .query(
                sql!("ready_events_of_run"),
                params![
                    INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &from, TEXT: &run, TIMESTAMPTZ: &now, INT8: &limit,
                ],
            )
            .await?;
        let events = self.each(&rows, event_rows::event_of)?;
        Ok(self.take(events))
    }

    async fn ready_counts(&mut self, lanes: &[LaneId], limit: u32) -> Result<Vec<(LaneId, u32)>, StoreError> {
        if lanes.is_empty() {
            return Ok(Vec::new());
        }
        let own = self.own_arrivals();
        let from: Vec<_> = lanes.iter().map(|lane| Moment(self.place_in(*lane, &own).1.at)).collect();
        let lanes: Vec<_> = lanes.iter().map(|lane| lane.0).collect();
        let (now, limit) = (Moment(self.reading.now), i64::from(limit));
        let rows = self
            .query(
                sql!("ready_counts"),
                params![INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &from, TIMESTAMPTZ: &now, INT8: &limit],
            )
            .await?;
        self.each(&rows, |columns| Ok((LaneId(columns.value()?), columns.number()?)))
    }

    async fn next_ready_at(&mut self, lanes: &[LaneId]) -> Result<Option<Timestamp>, StoreError> {
        if lanes.is_empty() {
            return Ok(None);
        }
        let lanes: Vec<_> = lanes.iter().map(|lane| lane.0).collect();
        let now = Moment(self.reading.now);
        self.optional_moment(sql!("next_ready_at"), params![INT8_ARRAY: &lanes, TIMESTAMPTZ: &now]).await
    }

    async fn write_events(&mut self, changes: &[EventChange]) -> Result<Vec<EventId>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        // Whoever is given a lock is shown the payload next: it is read meanwhile.
        let given: Vec<_> = changes
            .iter()
            .filter(|change| change.state.lock.is_some() && change.state.lock_serial != change.read_serial)
            .map(|change| change.event_id.0)
            .collect();
        let session = self.session()?;
        let payloads = async {
            match given.is_empty() {
                true => Ok(Vec::new()),
                false => session.query(sql!("payloads"), params![UUID_ARRAY: &given]).await,
            }
        };
        let (written, payloads) = tokio::join!(event_rows::write(session, changes), payloads);
        let outcome = written.and_then(|written| Ok((written, payloads?)));
        let (written, payloads) = self.ended(outcome)?;
        let payloads =
            self.each(&payloads, |columns: &mut Columns<'_>| Ok((columns.event_id()?, columns.raw_json()?)))?;
        self.payloads.extend(payloads);
        let written: HashSet<_> = written.into_iter().map(EventId).collect();
        let mut replaced = Vec::new();
        for change in changes {
            self.taken.remove(&change.event_id);
            if !written.contains(&change.event_id) {
                continue;
            }
            self.locked.remove(&change.event_id);
            let (lane, run) = (change.lane_id, change.scenario_run_id.as_ref());
            self.changes.moved(lane, run, change.read_status, change.state.status);
            if change.state.status == enginehouse_core::event::EventStatus::Queued {
                self.changes.available(lane, run, change.state.available_at);
            }
            if change.payload.is_some() {
                replaced.push(change);
            }
        }
        if !replaced.is_empty() {
            for change in &replaced {
                self.payloads.remove(&change.event_id);
            }
            let outcome = event_rows::write_payloads(self.session()?, &replaced).await;
            self.ended(outcome)?;
        }
        Ok(changes.iter().map(|change| change.event_id).filter(|id| written.contains(id)).collect())
    }

    async fn forgettable_events(
        &mut self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        let mut found: Vec<(Timestamp, EventId)> = Vec::new();
        let (completed_from, failed_from) = {
            let places = self.shared.places();
            (places.completed_from, places.failed_from)
        };
        let limit = i64::from(limit);
        for (sql, before, from) in [
            (sql!("forgettable_completed_events"), completed_before, completed_from),
            (sql!("forgettable_failed_events"), failed_before, failed_from),
        ] {
            let rows = self
                .query(sql, params![TIMESTAMPTZ: &Moment(before), TIMESTAMPTZ: &Moment(from), INT8: &limit])
                .await?;
            found.extend(self.each(&rows, |columns| Ok((columns.time()?, columns.event_id()?)))?);
        }
        found.sort_unstable();
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found.into_iter().map(|(_, event_id)| event_id).collect())
    }

    async fn oldest_finished(&mut self) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError> {
        let (completed_from, failed_from) = {
            let places = self.shared.places();
            (Moment(places.completed_from), Moment(places.failed_from))
        };
        let rows = self
            .query(sql!("oldest_finished"), params![TIMESTAMPTZ: &completed_from, TIMESTAMPTZ: &failed_from])
            .await?;
        let read = |columns: &mut Columns<'_>| Ok((columns.optional_time()?, columns.optional_time()?));
        let (completed, failed) = self.each(&rows, read)?.pop().unwrap_or_default();
        // What finishes from now on finishes later than what is the oldest now.
        let mut places = self.shared.places();
        if places.generation() == self.generation {
            places.completed_from = completed.unwrap_or(places.completed_from);
            places.failed_from = failed.unwrap_or(places.failed_from);
        }
        drop(places);
        Ok((completed, failed))
    }

    async fn delete_events(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let rows = self.query(sql!("delete_events"), params![UUID_ARRAY: &uuids(ids)]).await?;
        let read = |columns: &mut Columns<'_>| {
            let (lane_id, status) = (LaneId(columns.value()?), columns.parsed()?);
            let run: Option<ScenarioRunId> = columns.optional_parsed()?;
            Ok((lane_id, status, run))
        };
        for (lane_id, status, run) in self.each(&rows, read)? {
            self.changes.forgotten(lane_id, run.as_ref(), status);
        }
        Ok(())
    }

    async fn locks_of_engines(&mut self, engines: &[EngineId]) -> Result<Vec<HeldLock>, StoreError> {
        if engines.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = engines.iter().map(EngineId::as_str).collect();
        let from: Vec<_> = {
            let places = self.shared.places();
            engines.iter().map(|engine_id| places.engine(engine_id)).collect()
        };
        let rows = self.query(sql!("locks_of_engines"), params![TEXT_ARRAY: &names, XID8_ARRAY: &from]).await?;
        let read = |columns: &mut Columns<'_>| {
            let (engine_id, event_id, lane_id) = (columns.parsed()?, columns.event_id()?, LaneId(columns.value()?));
            let serial = columns.value()?;
            let secret = event_rows::secret(columns)?.ok_or_else(|| columns.unexpected("null"))?;
            let (claimed_at, cancel_requested) = (columns.time()?, columns.value()?);
            let token = LockToken { serial, secret };
            let lock = HeldLock { engine_id, event_id, lane_id, token, claimed_at, cancel_requested };
            Ok((lock, columns.value::<Xid>()?))
        };
        let found = self.each(&rows, read)?;
        let mut oldest: HashMap<&EngineId, Xid> = engines.iter().map(|engine_id| (engine_id, self.xmin)).collect();
        for (lock, given_by) in &found {
            if let Some(oldest) = oldest.get_mut(&lock.engine_id) {
                *oldest = (*oldest).min(*given_by);
            }
        }
        let mut places = self.shared.places();
        for (engine_id, from) in oldest {
            places.looked_at_engine(engine_id, self.generation, from);
        }
        drop(places);
        Ok(found.into_iter().map(|(lock, _)| lock).collect())
    }

    async fn locks_expiring(
        &mut self,
        until: Timestamp,
        after: Option<LockCursor>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        let from = self.shared.places().locks_from;
        let place = after.map_or(Place::from(from), |cursor| Place { at: cursor.expires_at, id: cursor.event_id.0 });
        let (limit, is_first) = (i64::from(limit), after.is_none());
        let rows = self
            .query(
                sql!("locks_expiring"),
                params![
                    TIMESTAMPTZ: &Moment(until), TIMESTAMPTZ: &Moment(from), TIMESTAMPTZ: &Moment(place.at),
                    UUID: &place.id, INT8: &limit,
                ],
            )
            .await?;
        let found = self.each(&rows, event_rows::event_of)?;
        if is_first && found.is_empty() {
            let mut places = self.shared.places();
            if places.generation() == self.generation {
                places.locks_from = places.locks_from.max(until.min(self.reading.now) - SLACK);
            }
        }
        Ok(found)
    }

    async fn next_lock_expiry(&mut self, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let from = Moment(self.shared.places().locks_from);
        self.optional_moment(sql!("next_lock_expiry"), params![TIMESTAMPTZ: &from, TIMESTAMPTZ: &Moment(until)]).await
    }

    async fn lanes_since(&mut self, place: u64) -> Result<LaneNews, StoreError> {
        Ok(self.shared.lanes().since(place))
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
        let gone = self.each(&rows, |columns| Ok(LaneId(columns.value()?)))?;
        self.execute(sql!("mark_forgettable_lanes"), params![INT8: &limit]).await?;
        self.query(sql!("retire_lanes"), params![INT8: &limit]).await?;
        self.gone_lanes.extend(&gone);
        Ok(gone)
    }

    async fn engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<Engine>, StoreError> {
        self.read_engines(sql!("engines_by_id"), ids).await
    }

    async fn free_engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<Engine>, StoreError> {
        self.read_engines(sql!("free_engines_by_id"), ids).await
    }

    async fn all_engines(&mut self) -> Result<Vec<Engine>, StoreError> {
        let rows = self.query(sql!("all_engines"), params![]).await?;
        self.each(&rows, engines::engine)
    }

    async fn write_engines(&mut self, engines: &[Engine]) -> Result<(), StoreError> {
        let (known, new): (Vec<_>, Vec<_>) =
            engines.iter().partition(|engine| self.known_engines.contains(&engine.engine_id));
        let session = self.session()?;
        let outcome = async {
            // One that was not read in this transaction may be there or not; one that was read is.
            let unknown = engines::update(session, &known).await?;
            debug_assert!(unknown.is_empty(), "an engine that was locked is there");
            engines::insert(session, &new).await
        }
        .await;
        self.ended(outcome)?;
        self.known_engines.extend(engines.iter().map(|engine| engine.engine_id.clone()));
        Ok(())
    }

    async fn silent_engines(&mut self, until: Timestamp, limit: u32) -> Result<Vec<Engine>, StoreError> {
        let limit = i64::from(limit);
        let rows = self.query(sql!("silent_engines"), params![TIMESTAMPTZ: &Moment(until), INT8: &limit]).await?;
        let found = self.each(&rows, engines::engine)?;
        self.known_engines.extend(found.iter().map(|engine| engine.engine_id.clone()));
        Ok(found)
    }

    async fn next_engine_loss(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.optional_moment(sql!("next_engine_loss"), params![]).await
    }

    async fn delete_gone_engines(&mut self, silent_since: Timestamp, limit: u32) -> Result<Vec<EngineId>, StoreError> {
        let limit = i64::from(limit);
        let rows =
            self.query(sql!("delete_gone_engines"), params![TIMESTAMPTZ: &Moment(silent_since), INT8: &limit]).await?;
        let mut gone: Vec<EngineId> = self.each(&rows, reader!(parsed))?;
        for engine_id in &gone {
            self.known_engines.remove(engine_id);
        }
        gone.sort_unstable();
        Ok(gone)
    }

    async fn insert_attempts(&mut self, attempts: &[(EventId, AttemptEnd)]) -> Result<(), StoreError> {
        if attempts.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = attempts.iter().map(|(id, _)| id.0).collect();
        let serials: Vec<_> = attempts.iter().map(|(_, end)| end.lock_serial).collect();
        let numbers: Vec<_> = attempts.iter().map(|(_, end)| i64::from(end.attempt)).collect();
        let engines: Vec<_> = attempts.iter().map(|(_, end)| end.engine_id.as_str()).collect();
        let outcomes: Vec<_> = attempts.iter().map(|(_, end)| end.outcome.name()).collect();
        let claimed: Vec<_> = attempts.iter().map(|(_, end)| Moment(end.claimed_at)).collect();
        let ended: Vec<_> = attempts.iter().map(|(_, end)| Moment(end.ended_at)).collect();
        let codes: Vec<_> = attempts.iter().map(|(_, end)| end.error.code.as_deref().map(text)).collect();
        let messages: Vec<_> = attempts.iter().map(|(_, end)| text(&end.error.message)).collect();
        let details: Vec<_> = attempts.iter().map(|(_, end)| event_rows::details(&end.error)).collect();
        self.execute(
            sql!("insert_attempts"),
            params![
                UUID_ARRAY: &ids, INT8_ARRAY: &serials, INT8_ARRAY: &numbers, TEXT_ARRAY: &engines,
                TEXT_ARRAY: &outcomes, TIMESTAMPTZ_ARRAY: &claimed, TIMESTAMPTZ_ARRAY: &ended, TEXT_ARRAY: &codes,
                TEXT_ARRAY: &messages, JSON_ARRAY: &details,
            ],
        )
        .await?;
        Ok(())
    }

    async fn insert_dead_letters(&mut self, dead_letters: &[NewDeadLetter]) -> Result<(), StoreError> {
        if dead_letters.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = dead_letters.iter().map(|letter| letter.event_id.0).collect();
        let types: Vec<_> = dead_letters.iter().map(|letter| letter.event_type.as_str()).collect();
        let queues: Vec<_> = dead_letters.iter().map(|letter| letter.queue.as_str()).collect();
        let reasons: Vec<_> = dead_letters.iter().map(|letter| letter.reason.name()).collect();
        let since: Vec<_> = dead_letters.iter().map(|letter| Moment(letter.dead_lettered_at)).collect();
        let errors = || dead_letters.iter().map(|letter| letter.error.as_ref());
        let codes: Vec<_> = errors().map(|error| error.and_then(|error| error.code.as_deref()).map(text)).collect();
        let groups: Vec<_> =
            errors().map(|error| error.map(|error| error_group(&text(&error.message))).unwrap_or_default()).collect();
        self.execute(
            sql!("insert_dead_letters"),
            params![
                UUID_ARRAY: &ids, TEXT_ARRAY: &types, TEXT_ARRAY: &queues, TEXT_ARRAY: &reasons,
                TIMESTAMPTZ_ARRAY: &since, TEXT_ARRAY: &codes, TEXT_ARRAY: &groups,
            ],
        )
        .await?;
        Ok(())
    }

    async fn delete_dead_letters(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            self.execute(sql!("delete_dead_letters"), params![UUID_ARRAY: &uuids(ids)]).await?;
            // Events that were dead letters may be forgotten from now on, however long ago they failed.
            self.shared.places().failed_from = Timestamp::MIN;
        }
        Ok(())
    }

    async fn matching_dead_letters(
        &mut self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        let event_type = filter.event_type.as_ref().map(EventType::as_str);
        let queue = filter.queue.as_ref().map(QueueName::as_str);
        let reason = filter.reason.map(|reason| reason.name());
        let (before, after) = (filter.before.map(Moment), filter.after.map(Moment));
        let (code, limit) = (filter.error_code.as_deref().map(text), i64::from(limit));
        let rows = self
            .query(
                sql!("matching_dead_letters"),
                params![
                    TEXT: &event_type, TEXT: &queue, TEXT: &reason, TEXT: &code, TIMESTAMPTZ: &before,
                    TIMESTAMPTZ: &after, INT8: &limit,
                ],
            )
            .await?;
        self.each(&rows, reader!(event_id))
    }

    async fn registry_version(&mut self) -> Result<i64, StoreError> {
        self.session()?;
        Ok(self.registry_version)
    }

    async fn raise_registry_version(&mut self) -> Result<i64, StoreError> {
        let rows = self.query(sql!("raise_registry_version"), params![]).await?;
        let version: Option<i64> = self.each(&rows, reader!(value))?.pop();
        let version = version.ok_or_else(|| StoreError::Corrupt("there is no registry version".to_owned()))?;
        self.registry_version = self.versions_before + version;
        Ok(self.registry_version)
    }

    async fn settings(&mut self) -> Result<SettingsRows, StoreError> {
        let outcome = settings::all(self.session()?).await;
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

    async fn insert_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let at: Vec<_> = entries.iter().map(|entry| Moment(entry.at)).collect();
        let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
        let targets: Vec<_> = entries.iter().map(|entry| entry.target.as_str()).collect();
        let details: Vec<_> = entries.iter().map(|entry| Json(entry.detail.as_str())).collect();
        self.execute(
            sql!("insert_audit"),
            params![TIMESTAMPTZ_ARRAY: &at, TEXT_ARRAY: &actions, TEXT_ARRAY: &targets, JSON_ARRAY: &details],
        )
        .await?;
        Ok(())
    }

    async fn delete_audit(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let limit = i64::from(limit);
        let deleted = self.execute(sql!("delete_audit"), params![TIMESTAMPTZ: &Moment(before), INT8: &limit]).await?;
        Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
    }

    async fn status_counts(&mut self) -> Result<StatusCounts, StoreError> {
        self.flush_changes().await?;
        let outcome = reads::totals(self.session()?, &self.shared).await;
        self.ended(outcome)
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        // It stays in this transaction's care until it is committed: dropped before, that is given up.
        let Some(session) = self.session.as_ref() else {
            return Err(StoreError::Corrupt("the transaction has ended".to_owned()));
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
        // Sent together, in this order: if the changes cannot be written, the commit that follows them is refused.
        let (written, committed) = tokio::join!(biased; changes, session.run("commit"));
        let outcome = match (written, committed) {
            (Ok(()), Ok(())) if self.shared.endpoint.unreplicated() == unreplicated => Ok(()),
            (Ok(()), Ok(())) => Err(failure::unknown(
                "the wait for a synchronous standby was cut short: the change is on the primary's disk only".to_owned(),
            )),
            (Err(failure), _) | (Ok(()), Err(failure)) => Err(failure::of_commit(failure)),
        };
        if outcome.is_ok() {
            drop(self.session.take());
            let mut has_arrivals = false;
            let mut places = self.shared.places();
            for (lane, at) in self.changes.arrivals() {
                places.arrived(lane, at);
                has_arrivals = true;
            }
            // What was taken and left as it was is ready again: whoever has looked meanwhile has not seen it.
            for (lane, at) in self.locked.values() {
                places.arrived(*lane, *at);
            }
            drop(places);
            self.shared.forget_lanes(&self.gone_lanes);
            if self.reading.jumped {
                self.shared.jump_was_seen();
            }
            if has_arrivals {
                self.shared.ring();
            }
        }
        outcome
    }
}

impl PostgresTransaction {
    async fn read_engines(&mut self, sql: &'static str, ids: &[EngineId]) -> Result<Vec<Engine>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = ids.iter().map(EngineId::as_str).collect();
        let rows = self.query(sql, params![TEXT_ARRAY: &names]).await?;
        let mut found: HashMap<_, _> =
            self.each(&rows, engines::engine)?.into_iter().map(|engine| (engine.engine_id.clone(), engine)).collect();
        self.known_engines.extend(found.keys().cloned());
        // An id that was asked for twice is answered twice.
        let mut answered = Vec::with_capacity(ids.len());
        for (place, id) in ids.iter().enumerate() {
            let again = ids[place + 1..].contains(id);
            let engine = if again { found.get(id).cloned() } else { found.remove(id) };
            answered.extend(engine);
        }
        Ok(answered)
    }
}
