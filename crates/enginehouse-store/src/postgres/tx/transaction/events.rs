//! Events: read under lock, written with a guard.

use std::collections::HashMap;
use std::sync::Arc;

use enginehouse_core::ids::{EventId, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;

use super::super::columns::{Moment, PgColumns, params, sql, uuids};
use super::super::events as rows;
use super::super::pg_transaction::PostgresTransaction;
use super::expiries;
use crate::error::{HeldResource, StoreError};
use crate::rows::{EventChange, EventRow, KeyedEvent, NewEventRow};
use crate::table::{read_event, read_payload};

pub(super) fn insert(transaction: &mut PostgresTransaction, events: &[NewEventRow]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    transaction.require_lanes()?;
    transaction.defer(rows::insert(events))?;
    for NewEventRow { event, .. } in events {
        expiries::note(transaction, event);
        let (lane, run) = (event.lane_id, event.scenario_run_id.as_ref());
        transaction.changes.added(lane, run, event.enqueued_at, event.state.available_at);
    }
    Ok(())
}

pub(super) async fn by_id(transaction: &mut PostgresTransaction, ids: &[EventId]) -> Result<Vec<EventRow>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = match transaction.first_events(ids) {
        Some(rows) => rows,
        None => transaction.query(sql!("events_by_id"), params![UUID_ARRAY: &uuids(ids)]).await?,
    };
    let events = transaction.readable("events", &rows, |columns| read_event(columns))?;
    let found: HashMap<EventId, EventRow> = events.into_iter().map(|event| (event.event_id, event)).collect();
    Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
}

pub(super) async fn payloads(
    transaction: &mut PostgresTransaction,
    ids: &[EventId],
) -> Result<Vec<(EventId, RawJson)>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = transaction.read(sql!("payloads"), params![UUID_ARRAY: &uuids(ids)]).await?;
    let found: HashMap<EventId, RawJson> = transaction
        .readable("event_payloads", &rows, |columns| Ok((columns.read()?, read_payload(columns)?)))?
        .into_iter()
        .filter_map(|(event_id, payload)| Some((event_id, payload?)))
        .collect();
    Ok(ids.iter().filter_map(|id| Some((*id, found.get(id)?.clone()))).collect())
}

pub(super) async fn by_idempotency_key(
    transaction: &mut PostgresTransaction,
    keys: &[&str],
) -> Result<Vec<KeyedEvent>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = transaction.query(sql!("events_by_idempotency_key"), params![TEXT_ARRAY: &keys]).await?;
    let mut found: HashMap<Arc<str>, KeyedEvent> = HashMap::new();
    let read = |columns: &mut PgColumns<'_>| {
        let key: Arc<str> = columns.read::<&str>()?.into();
        let event_id = columns.read()?;
        // A request that is not known any more is another one than the repeat.
        let fingerprint = columns.read().unwrap_or_default();
        Ok(KeyedEvent { key, event_id, fingerprint, expires_at: columns.read()? })
    };
    found.extend(transaction.readable("events", &rows, read)?.into_iter().map(|keyed| (Arc::clone(&keyed.key), keyed)));
    Ok(keys.iter().filter_map(|key| found.get(*key).cloned()).collect())
}

pub(super) async fn release_idempotency_keys(
    transaction: &mut PostgresTransaction,
    ids: &[EventId],
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let released = transaction.execute(sql!("release_idempotency_keys"), params![UUID_ARRAY: &uuids(ids)]).await;
    released.map(drop).map_err(|error| error.held_by_means_of(HeldResource::IdempotencyKey))
}

pub(super) fn write(transaction: &mut PostgresTransaction, changes: &[EventChange<'_>]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    if changes.iter().any(|change| change.read_lane.is_some()) {
        transaction.require_lanes()?;
    }
    transaction.defer(rows::write(changes))?;
    for change in changes {
        let EventRow { event_id, lane_id, scenario_run_id, state, .. } = change.event;
        transaction.locked.remove(event_id);
        expiries::note(transaction, change.event);
        let run = scenario_run_id.as_ref();
        let from = change.read_lane.unwrap_or(*lane_id);
        transaction.changes.moved(run, (from, change.read.status), (*lane_id, state.status));
        if change.arrives() {
            transaction.changes.available(*lane_id, run, state.available_at);
        }
    }
    Ok(())
}

pub(super) async fn prunable(
    transaction: &mut PostgresTransaction,
    completed_before: Timestamp,
    failed_before: Timestamp,
    limit: u32,
) -> Result<Vec<EventId>, StoreError> {
    let mut found: Vec<(Timestamp, EventId)> = Vec::new();
    let (completed_from, failed_from) = {
        let positions = transaction.shared.scan_positions();
        (positions.completed_from, positions.failed_from)
    };
    let limit = i64::from(limit);
    for (sql, before, from) in [
        (sql!("prunable_completed_events"), completed_before, completed_from),
        (sql!("prunable_failed_events"), failed_before, failed_from),
    ] {
        let rows = transaction
            .read(sql, params![TIMESTAMPTZ: &Moment(before), TIMESTAMPTZ: &Moment(from), INT8: &limit])
            .await?;
        found.extend(transaction.each(&rows, |columns| Ok((columns.read()?, columns.read()?)))?);
    }
    found.sort_unstable();
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found.into_iter().map(|(_, event_id)| event_id).collect())
}

pub(super) async fn oldest_finished(
    transaction: &mut PostgresTransaction,
) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError> {
    let (completed_from, failed_from) = {
        let positions = transaction.shared.scan_positions();
        (Moment(positions.completed_from), Moment(positions.failed_from))
    };
    let rows = transaction
        .read(sql!("oldest_finished"), params![TIMESTAMPTZ: &completed_from, TIMESTAMPTZ: &failed_from])
        .await?;
    let read = |columns: &mut PgColumns<'_>| Ok((columns.read()?, columns.read()?));
    let (completed, failed): (Option<Timestamp>, Option<Timestamp>) =
        transaction.each(&rows, read)?.pop().unwrap_or_default();
    // What finishes from now on finishes later than what is the oldest now.
    let mut positions = transaction.shared.scan_positions();
    if positions.generation() == transaction.generation {
        positions.completed_from = completed.unwrap_or(positions.completed_from);
        positions.failed_from = failed.unwrap_or(positions.failed_from);
    }
    drop(positions);
    Ok((completed, failed))
}

pub(super) async fn delete(transaction: &mut PostgresTransaction, ids: &[EventId]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let rows = transaction.query(sql!("delete_events"), params![UUID_ARRAY: &uuids(ids)]).await?;
    let read = |columns: &mut PgColumns<'_>| {
        let (lane_id, status) = (columns.read()?, columns.read()?);
        let run: Option<ScenarioRunId> = columns.read()?;
        Ok((lane_id, status, run))
    };
    for (lane_id, status, run) in transaction.readable("events", &rows, read)? {
        transaction.changes.deleted(lane_id, run.as_ref(), status);
    }
    Ok(())
}
