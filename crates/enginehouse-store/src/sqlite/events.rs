//! Events, in sets.

use std::collections::HashMap;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{EngineId, EventId, LaneId, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::retry_elsewhere::MAX_REMEMBERED;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;
use rusqlite::{CachedStatement, params};

use super::columns::{IdBytes, Parameters, SqliteColumns, one_value, sql};
use super::connection::SqliteConnection;
use super::counts::CountChanges;
use super::failure::{SqliteError, SqliteResult};
use crate::rows::{EventChange, EventRow, KeyedEvent, NewEventRow, ReadyEvent};
use crate::table::{
    AttemptColumns, AttributeColumns, EnqueuedColumns, PayloadColumns, StateColumns, StateWrite, read_event,
    read_payload,
};
use crate::unreadable::UnreadableRow;

pub(super) fn insert(
    connection: &SqliteConnection,
    counts: &mut CountChanges,
    events: &[NewEventRow],
) -> SqliteResult<()> {
    let mut insert = connection.prepare_cached(sql!("insert_events"))?;
    let mut insert_payload = connection.prepare_cached(sql!("insert_event_payloads"))?;
    for new in events {
        let NewEventRow { event, payload, fingerprint } = new;
        new.check().map_err(SqliteError::Bug)?;
        Parameters::of(&mut insert)
            .value(&event.state.available_at)
            .value(&event.state.expires_at)
            .value(fingerprint)
            .group(&EnqueuedColumns::of(event))
            .execute()?;
        Parameters::of(&mut insert_payload).group(&PayloadColumns::of(event.event_id, payload)).execute()?;
        counts.added(event.lane_id, event.scenario_run_id.as_ref(), event.state.status, event.enqueued_at);
    }
    Ok(())
}

pub(super) fn one(connection: &SqliteConnection, event_id: EventId) -> SqliteResult<Option<EventRow>> {
    let mut statement = connection.prepare_cached(sql!("events_by_id"))?;
    let mut rows = statement.query([IdBytes::of(event_id)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    connection.readable("events", row, |columns| read_event(columns))
}

/// An event with its payload, if both can be read.
pub(super) fn ready(connection: &SqliteConnection, event_id: EventId) -> SqliteResult<Option<ReadyEvent>> {
    let mut statement = connection.prepare_cached(sql!("ready_event"))?;
    let mut rows = statement.query([IdBytes::of(event_id)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut payload = Ok(None);
    let event = connection.readable("events", row, |columns| {
        let event = read_event(columns)?;
        payload = read_payload(columns);
        Ok(event)
    })?;
    let Some(event) = event else { return Ok(None) };
    Ok(sound_payload(connection, event_id, payload)?.map(|payload| ReadyEvent { event, payload }))
}

/// The payload of an event that was read. One that is missing or damaged is passed over.
fn sound_payload(
    connection: &SqliteConnection,
    event_id: EventId,
    read: SqliteResult<Option<RawJson>>,
) -> SqliteResult<Option<RawJson>> {
    let why = match read {
        Ok(Some(payload)) => return Ok(Some(payload)),
        Ok(None) => "the event has none".to_owned(),
        Err(SqliteError::Row(why)) => why,
        Err(error) => return Err(error),
    };
    connection.skip(UnreadableRow::new("event_payloads", event_id, why));
    Ok(None)
}

pub(super) fn by_id(connection: &SqliteConnection, ids: &[EventId]) -> SqliteResult<Vec<EventRow>> {
    ids.iter().filter_map(|id| one(connection, *id).transpose()).collect()
}

pub(super) fn payload(connection: &SqliteConnection, event_id: EventId) -> SqliteResult<Option<RawJson>> {
    let mut statement = connection.prepare_cached(sql!("payloads"))?;
    let mut rows = statement.query([IdBytes::of(event_id)])?;
    // The statement answers no key.
    let read = match rows.next()? {
        Some(row) => read_payload(&mut SqliteColumns::of(row)),
        None => Ok(None),
    };
    sound_payload(connection, event_id, read)
}

pub(super) fn payloads(connection: &SqliteConnection, ids: &[EventId]) -> SqliteResult<Vec<(EventId, RawJson)>> {
    let find = |id: EventId| Ok(payload(connection, id)?.map(|payload| (id, payload)));
    ids.iter().filter_map(|id| find(*id).transpose()).collect()
}

pub(super) fn by_idempotency_key(connection: &SqliteConnection, keys: &[&str]) -> SqliteResult<Vec<KeyedEvent>> {
    let mut statement = connection.prepare_cached(sql!("events_by_idempotency_key"))?;
    let mut found = Vec::new();
    for key in keys {
        let mut rows = statement.query([key])?;
        while let Some(row) = rows.next()? {
            let keyed = connection.readable("events", row, |columns| {
                let event_id = columns.read()?;
                // A request that is not known any more is another one than the repeat.
                let fingerprint = columns.read().unwrap_or_default();
                Ok(KeyedEvent { key: (*key).into(), event_id, fingerprint, expires_at: columns.read()? })
            })?;
            found.extend(keyed);
        }
    }
    Ok(found)
}

pub(super) fn release_idempotency_keys(connection: &SqliteConnection, ids: &[EventId]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("release_idempotency_keys"))?;
    for id in ids {
        statement.execute([IdBytes::of(*id)])?;
    }
    Ok(())
}

pub(super) fn write(
    connection: &SqliteConnection,
    counts: &mut CountChanges,
    changes: &[EventChange<'_>],
) -> SqliteResult<()> {
    // Most changes of a batch are of one kind.
    let mut prepared: Option<(StateWrite, CachedStatement<'_>)> = None;
    for EventChange { event, read, payload, read_lane } in changes {
        let state = StateColumns::of(&event.state)?;
        let what = StateWrite::of(&StateColumns::of(read)?, &state);
        let statement = match &mut prepared {
            Some((of, statement)) if *of == what => statement,
            _ => &mut prepared.insert((what, connection.prepare_cached(write_statement(what))?)).1,
        };
        let rows = Parameters::of(statement)
            .group_where(&state, |place| what.has(place))
            .value(&event.event_id)
            .value(&read.status)
            .value(&read.lock_serial)
            .execute()?;
        if rows == 0 {
            return Err(SqliteError::Stale(format!("event {} has changed since it was read", event.event_id)));
        }
        if let Some(payload) = payload {
            let mut replace = connection.prepare_cached(sql!("write_event_payloads"))?;
            let PayloadColumns { event_id, payload, checksum } = PayloadColumns::of(event.event_id, payload);
            replace.execute(params![payload, checksum, IdBytes::of(event_id)])?;
        }
        if read_lane.is_some() {
            let mut statement = connection.prepare_cached(sql!("write_event_attributes"))?;
            let attributes = AttributeColumns::of(event);
            Parameters::of(&mut statement).group(&attributes).value(&event.event_id).execute()?;
        }
        let (run, from) = (event.scenario_run_id.as_ref(), read_lane.unwrap_or(event.lane_id));
        counts.moved(run, (from, read.status), (event.lane_id, event.state.status));
    }
    Ok(())
}

fn write_statement(what: StateWrite) -> &'static str {
    match what {
        StateWrite::Lock => sql!("write_locks"),
        StateWrite::Completion => sql!("write_completions"),
        StateWrite::Renewal => sql!("write_renewals"),
        StateWrite::Whole => sql!("write_events"),
    }
}

pub(super) fn prunable(
    connection: &SqliteConnection,
    completed_before: Timestamp,
    failed_before: Timestamp,
    limit: u32,
) -> SqliteResult<Vec<EventId>> {
    let mut found: Vec<(Timestamp, EventId)> = Vec::new();
    for (sql, before) in
        [(sql!("prunable_completed_events"), completed_before), (sql!("prunable_failed_events"), failed_before)]
    {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![before.as_millis(), limit])?;
        while let Some(row) = rows.next()? {
            found.extend(connection.readable("events", row, |columns| Ok((columns.read()?, columns.read()?)))?);
        }
    }
    found.sort_unstable();
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found.into_iter().map(|(_, event_id)| event_id).collect())
}

pub(super) fn oldest_finished(connection: &SqliteConnection) -> SqliteResult<(Option<Timestamp>, Option<Timestamp>)> {
    Ok((one_value(connection, sql!("oldest_completed"))?, one_value(connection, sql!("oldest_failed"))?))
}

pub(super) fn delete(connection: &SqliteConnection, counts: &mut CountChanges, ids: &[EventId]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("delete_events"))?;
    for id in ids {
        let mut rows = statement.query([IdBytes::of(*id)])?;
        while let Some(row) = rows.next()? {
            let read = connection.readable("events", row, |columns| {
                let (lane_id, status): (LaneId, EventStatus) = (columns.read()?, columns.read()?);
                Ok((lane_id, status, columns.read::<Option<ScenarioRunId>>()?))
            })?;
            if let Some((lane_id, status, run)) = read {
                counts.forgotten(lane_id, run.as_ref(), status);
            }
        }
    }
    Ok(())
}

pub(super) fn insert_attempts(connection: &SqliteConnection, attempts: &[(EventId, AttemptEnd)]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("insert_attempts"))?;
    for (event_id, end) in attempts {
        Parameters::of(&mut statement).value(event_id).group(&AttemptColumns::of(end)).execute()?;
    }
    Ok(())
}

pub(super) fn failed_by(
    connection: &SqliteConnection,
    ids: &[EventId],
) -> SqliteResult<HashMap<EventId, Vec<EngineId>>> {
    let mut statement = connection.prepare_cached(sql!("failed_by"))?;
    let mut found = HashMap::new();
    for event_id in ids {
        let rows = statement.query(params![IdBytes::of(*event_id), MAX_REMEMBERED])?;
        let engines: Vec<EngineId> = connection.all_readable("attempts", rows, |columns| columns.read())?;
        if !engines.is_empty() {
            found.insert(*event_id, engines);
        }
    }
    Ok(found)
}
