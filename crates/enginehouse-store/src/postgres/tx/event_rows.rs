//! Events as rows.

use std::sync::Arc;

use enginehouse_core::event::{AttemptError, Overrides};
use enginehouse_core::ids::{EngineId, LaneId};
use enginehouse_core::lock::{Lock, LockToken};
use enginehouse_core::retry::Tally;
use enginehouse_core::transition::{EventState, Settled, SettledBy};

use super::columns::{Columns, Json, Moment, millis, params, sql, text, to_json, uuids};
use crate::postgres::wire::failure::{Failure, Outcome};
use crate::postgres::wire::session::Session;
use crate::rows::{EventChange, EventRow, NewEventRow};

/// Reads an event in the columns of `events_by_id.sql`, from where the columns have been read to.
pub(crate) fn event_of(columns: &mut Columns<'_>) -> Outcome<EventRow> {
    let event_id = columns.event_id()?;
    let lane_id = LaneId(columns.value()?);
    let enqueued_at = columns.time()?;
    let state = state(columns)?;
    let scenario_run_id = columns.optional_parsed()?;
    let idempotency_key = columns.value::<Option<&str>>()?.map(Arc::from);
    let visibility_timeout = columns.optional_duration()?;
    let max_processing = columns.optional_duration()?;
    let overrides = Overrides { retry_policy: columns.optional_json()?, visibility_timeout, max_processing };
    let labels = columns.optional_json()?.unwrap_or_default();
    Ok(EventRow { event_id, lane_id, scenario_run_id, idempotency_key, overrides, labels, enqueued_at, state })
}

fn state(columns: &mut Columns<'_>) -> Outcome<EventState> {
    let status = columns.parsed()?;
    let attempt = columns.number()?;
    let tally = Tally { retries: columns.number()?, failures: columns.number()?, losses: columns.number()? };
    let redrives = columns.number()?;
    let available_at = columns.time()?;
    let claimed_at = columns.optional_time()?;
    let finished_at = columns.optional_time()?;
    let engine_id: Option<EngineId> = columns.optional_parsed()?;
    let holder: Option<&str> = columns.value()?;
    let lock_serial = columns.value()?;
    let secret = secret(columns)?;
    let token = secret.map(|secret| LockToken { serial: lock_serial, secret });
    let engine_epoch: Option<i64> = columns.value()?;
    let expires_at = columns.optional_time()?;
    let visibility_timeout = columns.optional_duration()?;
    let max_processing = columns.optional_duration()?;
    let unlisted_heartbeats: Option<i16> = columns.value()?;
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
                    unlisted_heartbeats: u8::try_from(unlisted_heartbeats?).ok()?,
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
        cancel_requested: columns.value()?,
        engine_id,
        claimed_at,
        finished_at,
        dead_letter: columns.optional_parsed()?,
        last_error: error(columns)?,
        result: columns.optional_raw_json()?,
    })
}

/// Reads the secret of a lock.
pub(crate) fn secret(columns: &mut Columns<'_>) -> Outcome<Option<u128>> {
    let secret: Option<&[u8]> = columns.value()?;
    secret
        .map(|secret| secret.try_into().map(u128::from_be_bytes).map_err(|error| columns.unexpected(error)))
        .transpose()
}

/// Reads code, message and details; an error has a message.
pub(crate) fn error(columns: &mut Columns<'_>) -> Outcome<Option<AttemptError>> {
    let code: Option<String> = columns.value()?;
    let message: Option<String> = columns.value()?;
    let details = columns.optional_raw_json()?;
    Ok(message.map(|message| AttemptError { code, message, details }))
}

/// Adds events and their payloads.
pub(crate) async fn insert(session: &Session, events: &[NewEventRow]) -> Outcome<()> {
    let ids: Vec<_> = events.iter().map(|new| new.event.event_id.0).collect();
    let lanes: Vec<_> = events.iter().map(|new| new.event.lane_id.0).collect();
    let enqueued: Vec<_> = events.iter().map(|new| Moment(new.event.enqueued_at)).collect();
    let available: Vec<_> = events.iter().map(|new| Moment(new.event.state.available_at)).collect();
    let runs: Vec<_> = events.iter().map(|new| new.event.scenario_run_id.as_ref().map(|run| run.as_str())).collect();
    let keys: Vec<_> = events.iter().map(|new| new.event.idempotency_key.as_deref()).collect();
    let prints: Vec<_> = events.iter().map(|new| new.fingerprint.as_ref().map(|print| &print[..])).collect();
    let timeouts: Vec<_> = events.iter().map(|new| new.event.overrides.visibility_timeout.map(millis)).collect();
    let processing: Vec<_> = events.iter().map(|new| new.event.overrides.max_processing.map(millis)).collect();
    let (mut policies, mut labels) = (Vec::with_capacity(events.len()), Vec::with_capacity(events.len()));
    for NewEventRow { event, .. } in events {
        if event.state != EventState::enqueued(event.state.available_at) {
            return Err(Failure::Row(format!(
                "event {} is new, but not as one that was just enqueued",
                event.event_id
            )));
        }
        policies.push(event.overrides.retry_policy.as_ref().map(to_json).transpose()?);
        labels.push(if event.labels.is_empty() { None } else { Some(to_json(&event.labels)?) });
    }
    let policies: Vec<_> = policies.iter().map(|json| json.as_deref().map(Json)).collect();
    let labels: Vec<_> = labels.iter().map(|json| json.as_deref().map(Json)).collect();
    let payloads: Vec<_> = events.iter().map(|new| Json(new.payload.as_str())).collect();
    let rows = session.execute(
        sql!("insert_events"),
        params![
            UUID_ARRAY: &ids, INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &enqueued, TIMESTAMPTZ_ARRAY: &available,
            TEXT_ARRAY: &runs, TEXT_ARRAY: &keys, BYTEA_ARRAY: &prints, INT8_ARRAY: &timeouts, INT8_ARRAY: &processing,
            JSON_ARRAY: &policies, JSON_ARRAY: &labels,
        ],
    );
    let texts = session.execute(sql!("insert_event_payloads"), params![UUID_ARRAY: &ids, JSON_ARRAY: &payloads]);
    // Sent together: neither waits for the other's answer.
    let (rows, texts) = tokio::join!(rows, texts);
    rows.and(texts)?;
    Ok(())
}

/// Writes events that still stand as they were read. Answers which.
pub(crate) async fn write(session: &Session, changes: &[EventChange]) -> Outcome<Vec<uuid::Uuid>> {
    macro_rules! column {
        (|$change:ident, $state:ident, $lock:ident| $value:expr) => {
            changes
                .iter()
                .map(|$change| {
                    let $state = &$change.state;
                    let $lock = $state.lock.as_ref();
                    let _ = ($state, $lock);
                    $value
                })
                .collect::<Vec<_>>()
        };
    }
    let secrets = changes.iter().map(|change| checked(&change.state)).collect::<Outcome<Vec<_>>>()?;
    let secrets: Vec<_> = secrets.iter().map(|secret| secret.as_ref().map(|secret| &secret[..])).collect();
    let ids = column!(|c, s, l| c.event_id.0);
    let read_statuses = column!(|c, s, l| c.read_status.name());
    let read_serials = column!(|c, s, l| c.read_serial);
    let statuses = column!(|c, s, l| s.status.name());
    let attempts = column!(|c, s, l| i64::from(s.attempt));
    let retries = column!(|c, s, l| i64::from(s.tally.retries));
    let failures = column!(|c, s, l| i64::from(s.tally.failures));
    let losses = column!(|c, s, l| i64::from(s.tally.losses));
    let redrives = column!(|c, s, l| i64::from(s.redrives));
    let available = column!(|c, s, l| Moment(s.available_at));
    let claimed = column!(|c, s, l| s.claimed_at.map(Moment));
    let finished = column!(|c, s, l| s.finished_at.map(Moment));
    let engines = column!(|c, s, l| s.engine_id.as_ref().map(EngineId::as_str));
    let holders = column!(|c, s, l| l.map(Lock::holder));
    let serials = column!(|c, s, l| s.lock_serial);
    let epochs = column!(|c, s, l| l.map(|lock| lock.engine_epoch));
    let expiries = column!(|c, s, l| l.map(|lock| Moment(lock.expires_at)));
    let timeouts = column!(|c, s, l| l.map(|lock| millis(lock.visibility_timeout)));
    let processing = column!(|c, s, l| l.and_then(|lock| lock.max_processing).map(millis));
    let unlisted = column!(|c, s, l| l.map(|lock| i16::from(lock.unlisted_heartbeats)));
    let settled = column!(|c, s, l| s.settled.map(|settled| <&str>::from(settled.by)));
    let cancels = column!(|c, s, l| s.cancel_requested);
    let reasons = column!(|c, s, l| s.dead_letter.map(|reason| reason.name()));
    let codes = column!(|c, s, l| s.last_error.as_ref().and_then(|error| error.code.as_deref()).map(text));
    let messages = column!(|c, s, l| s.last_error.as_ref().map(|error| text(&error.message)));
    let details = column!(|c, s, l| s.last_error.as_ref().and_then(details));
    let results = column!(|c, s, l| s.result.as_ref().map(|result| Json(result.as_str())));
    let rows = session
        .query(
            sql!("write_events"),
            params![
                UUID_ARRAY: &ids, TEXT_ARRAY: &read_statuses, INT8_ARRAY: &read_serials, TEXT_ARRAY: &statuses,
                INT8_ARRAY: &attempts, INT8_ARRAY: &retries, INT8_ARRAY: &failures, INT8_ARRAY: &losses,
                INT8_ARRAY: &redrives, TIMESTAMPTZ_ARRAY: &available, TIMESTAMPTZ_ARRAY: &claimed,
                TIMESTAMPTZ_ARRAY: &finished, TEXT_ARRAY: &engines, TEXT_ARRAY: &holders, INT8_ARRAY: &serials,
                BYTEA_ARRAY: &secrets, INT8_ARRAY: &epochs, TIMESTAMPTZ_ARRAY: &expiries, INT8_ARRAY: &timeouts,
                INT8_ARRAY: &processing, INT2_ARRAY: &unlisted, TEXT_ARRAY: &settled, BOOL_ARRAY: &cancels,
                TEXT_ARRAY: &reasons, TEXT_ARRAY: &codes, TEXT_ARRAY: &messages, JSON_ARRAY: &details,
                JSON_ARRAY: &results,
            ],
        )
        .await?;
    rows.iter().map(|row| Columns::of(row).value()).collect()
}

/// Gives events other payloads.
pub(crate) async fn write_payloads(session: &Session, changes: &[&EventChange]) -> Outcome<()> {
    let ids: Vec<_> = changes.iter().map(|change| change.event_id).collect();
    let payloads: Vec<_> =
        changes.iter().filter_map(|change| change.payload.as_ref()).map(|json| Json(json.as_str())).collect();
    session.execute(sql!("write_event_payloads"), params![UUID_ARRAY: &uuids(&ids), JSON_ARRAY: &payloads]).await?;
    Ok(())
}

/// Details of an error, for their column.
pub(crate) fn details(error: &AttemptError) -> Option<Json<'_>> {
    error.details.as_ref().map(|details| Json(details.as_str()))
}

/// The secret for its column, of the lock or of how it was settled.
///
/// What the row keeps once must be the same wherever the state holds it.
fn checked(state: &EventState) -> Outcome<Option<[u8; 16]>> {
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
