//! Events as rows.

use std::sync::Arc;

use enginehouse_core::event::{AttemptError, Overrides};
use enginehouse_core::ids::{EngineId, LaneId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lock::{Lock, LockToken};
use enginehouse_core::retry::Tally;
use enginehouse_core::transition::{EventState, Settled, SettledBy};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{Columns, IdText, millis, sql, to_json};
use super::failure::{Failure, Outcome};
use crate::rows::{EventChange, EventRow, NewEventRow};

/// Reads an event in the columns of `events_by_id.sql`.
pub(super) fn event(row: &Row<'_>) -> Outcome<EventRow> {
    let mut columns = Columns::of(row);
    let event_id = columns.parsed()?;
    let lane_id = LaneId(columns.value()?);
    let enqueued_at = columns.time()?;
    let state = state(&mut columns)?;
    let scenario_run_id = columns.optional_parsed()?;
    let idempotency_key = columns.optional_text()?.map(Arc::from);
    let visibility_timeout = columns.optional_duration()?;
    let max_processing = columns.optional_duration()?;
    let overrides = Overrides { retry_policy: columns.optional_json()?, visibility_timeout, max_processing };
    let labels = columns.optional_json()?.unwrap_or_default();
    Ok(EventRow { event_id, lane_id, scenario_run_id, idempotency_key, overrides, labels, enqueued_at, state })
}

fn state(columns: &mut Columns<'_, '_>) -> Outcome<EventState> {
    let status = columns.parsed()?;
    let attempt = columns.number()?;
    let tally = Tally { retries: columns.number()?, failures: columns.number()?, losses: columns.number()? };
    let redrives = columns.number()?;
    let available_at = columns.time()?;
    let claimed_at = columns.optional_time()?;
    let finished_at = columns.optional_time()?;
    let engine_id: Option<EngineId> = columns.optional_parsed()?;
    let holder = columns.optional_text()?;
    let lock_serial = columns.value()?;
    let secret: Option<[u8; 16]> = columns.value()?;
    let token = secret.map(|secret| LockToken { serial: lock_serial, secret: u128::from_be_bytes(secret) });
    let engine_epoch: Option<i64> = columns.value()?;
    let expires_at = columns.optional_time()?;
    let visibility_timeout = columns.optional_duration()?;
    let max_processing = columns.optional_duration()?;
    let unlisted_heartbeats: Option<u8> = columns.value()?;
    let settled_by: Option<SettledBy> = columns.optional_parsed()?;
    let lock = match holder {
        None => None,
        Some(_) => {
            let lock = (|| {
                Some(Lock {
                    token: token?,
                    engine_id: engine_id.clone()?,
                    engine_epoch: engine_epoch?,
                    claimed_at: claimed_at?,
                    expires_at: expires_at?,
                    visibility_timeout: visibility_timeout?,
                    max_processing,
                    unlisted_heartbeats: unlisted_heartbeats?,
                })
            })();
            Some(lock.ok_or_else(|| Failure::Row("a lock is not whole".to_owned()))?)
        }
    };
    let settled = settled_by.zip(token).map(|(by, token)| Settled { token, by });
    Ok(EventState {
        status,
        attempt,
        tally,
        redrives,
        available_at,
        lock_serial,
        lock,
        settled,
        cancel_requested: columns.flag()?,
        engine_id,
        claimed_at,
        finished_at,
        dead_letter: columns.optional_parsed()?,
        last_error: error(columns)?,
        result: columns.optional_text()?.map(RawJson::trusted),
    })
}

/// Reads code, message and details; an error has a message.
pub(super) fn error(columns: &mut Columns<'_, '_>) -> Outcome<Option<AttemptError>> {
    let code: Option<String> = columns.value()?;
    let message: Option<String> = columns.value()?;
    let details = columns.optional_text()?.map(RawJson::trusted);
    Ok(message.map(|message| AttemptError { code, message, details }))
}

/// Details of an error, for their column.
pub(super) fn details(error: &AttemptError) -> Option<&str> {
    error.details.as_ref().map(RawJson::as_str)
}

pub(super) fn insert(connection: &Connection, new: &NewEventRow) -> Outcome<()> {
    let EventRow { event_id, lane_id, scenario_run_id, idempotency_key, overrides, labels, enqueued_at, state } =
        &new.event;
    let secret = check(state)?;
    let lock = state.lock.as_ref();
    let error = state.last_error.as_ref();
    let retry_policy = overrides.retry_policy.as_ref().map(to_json).transpose()?;
    let labels = if labels.is_empty() { None } else { Some(to_json(labels)?) };
    let id = IdText::of(*event_id);
    connection.prepare_cached(sql!("insert_events"))?.execute(params![
        id,
        lane_id.0,
        enqueued_at.as_millis(),
        state.status.name(),
        state.attempt,
        state.tally.retries,
        state.tally.failures,
        state.tally.losses,
        state.redrives,
        state.available_at.as_millis(),
        state.claimed_at.map(|at| at.as_millis()),
        state.finished_at.map(|at| at.as_millis()),
        state.engine_id.as_ref().map(EngineId::as_str),
        lock.map(Lock::holder),
        state.lock_serial,
        secret,
        lock.map(|lock| lock.engine_epoch),
        lock.map(|lock| lock.expires_at.as_millis()),
        lock.map(|lock| millis(lock.visibility_timeout)),
        lock.and_then(|lock| lock.max_processing).map(millis),
        lock.map(|lock| lock.unlisted_heartbeats),
        state.settled.map(|settled| <&str>::from(settled.by)),
        state.cancel_requested,
        state.dead_letter.map(|reason| reason.name()),
        error.and_then(|error| error.code.as_deref()),
        error.map(|error| error.message.as_str()),
        error.and_then(details),
        state.result.as_ref().map(RawJson::as_str),
        scenario_run_id.as_ref().map(|run| run.as_str()),
        idempotency_key.as_deref(),
        new.fingerprint,
        overrides.visibility_timeout.map(millis),
        overrides.max_processing.map(millis),
        retry_policy,
        labels,
    ])?;
    connection.prepare_cached(sql!("insert_event_payloads"))?.execute(params![id, new.payload.as_str()])?;
    Ok(())
}

/// Whether the event still stood as it was read, and is written.
pub(super) fn write(connection: &Connection, change: &EventChange) -> Outcome<bool> {
    let state = &change.state;
    let secret = check(state)?;
    let lock = state.lock.as_ref();
    let error = state.last_error.as_ref();
    let id = IdText::of(change.event_id);
    let written = connection.prepare_cached(sql!("write_events"))?.execute(params![
        id,
        change.read_status.name(),
        change.read_serial,
        state.status.name(),
        state.attempt,
        state.tally.retries,
        state.tally.failures,
        state.tally.losses,
        state.redrives,
        state.available_at.as_millis(),
        state.claimed_at.map(|at| at.as_millis()),
        state.finished_at.map(|at| at.as_millis()),
        state.engine_id.as_ref().map(EngineId::as_str),
        lock.map(Lock::holder),
        state.lock_serial,
        secret,
        lock.map(|lock| lock.engine_epoch),
        lock.map(|lock| lock.expires_at.as_millis()),
        lock.map(|lock| millis(lock.visibility_timeout)),
        lock.and_then(|lock| lock.max_processing).map(millis),
        lock.map(|lock| lock.unlisted_heartbeats),
        state.settled.map(|settled| <&str>::from(settled.by)),
        state.cancel_requested,
        state.dead_letter.map(|reason| reason.name()),
        error.and_then(|error| error.code.as_deref()),
        error.map(|error| error.message.as_str()),
        error.and_then(details),
        state.result.as_ref().map(RawJson::as_str),
    ])?;
    if written == 1
        && let Some(payload) = &change.payload
    {
        connection.prepare_cached(sql!("write_event_payloads"))?.execute(params![id, payload.as_str()])?;
    }
    Ok(written == 1)
}

/// The secret for its column, of the lock or of how it was settled.
///
/// What the row keeps once must be the same wherever the state holds it.
fn check(state: &EventState) -> Outcome<Option<[u8; 16]>> {
    let token = state.lock.as_ref().map(|lock| lock.token).or(state.settled.map(|settled| settled.token));
    let agrees = token.is_none_or(|token| token.serial == state.lock_serial)
        && state.lock.as_ref().is_none_or(|lock| {
            state.settled.is_none()
                && state.engine_id.as_ref() == Some(&lock.engine_id)
                && state.claimed_at == Some(lock.claimed_at)
        });
    if !agrees {
        return Err(Failure::Row("a lock disagrees with its event".to_owned()));
    }
    Ok(token.map(|token| token.secret.to_be_bytes()))
}

pub(super) fn by_id(connection: &Connection, id: &IdText) -> Outcome<Option<EventRow>> {
    let mut statement = connection.prepare_cached(sql!("events_by_id"))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(event).transpose()
}

pub(super) fn payload(connection: &Connection, id: &IdText) -> Outcome<Option<RawJson>> {
    let mut statement = connection.prepare_cached(sql!("payloads"))?;
    let text: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    Ok(text.map(RawJson::trusted))
}
