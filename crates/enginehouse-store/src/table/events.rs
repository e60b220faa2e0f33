//! Events: what is set when one is enqueued, what changes during its life, and the payload.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::event::{DeadLetterReason, EventStatus};
use enginehouse_core::ids::{EngineId, EventId, LaneId, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::{MAX_PROCESSING, MAX_PROGRESS_TIMEOUT, MAX_VISIBILITY_TIMEOUT};
use enginehouse_core::lock::{HOLDER_PREFIX, Lock, LockToken, ProgressLimit};
use enginehouse_core::policy::Overrides;
use enginehouse_core::retry::Tally;
use enginehouse_core::time::Timestamp;
use enginehouse_core::trace_parent::TraceParent;
use enginehouse_core::transition::{EventState, Settled, SettledBy};

use super::checksum::{checked_json, checksum};
use super::column::{
    Cell, Cells, ColumnGroup, ColumnValue, Unexpected, columns, error_of, from_json, json_text, retry_policy, within,
};
use crate::rows::EventRow;

columns! {
    /// What its enqueue sets. The idempotency key may be taken from the event, and [`AttributeColumns`] may change.
    pub(crate) struct EnqueuedColumns<'a> {
        event_id: EventId as Id,
        lane_id: LaneId as Long,
        enqueued_at: Timestamp as Time,
        scenario_run_id: Option<Cow<'a, ScenarioRunId>> as Text,
        idempotency_key: Option<&'a str> as Text,
        idempotency_key_expires_at: Option<Timestamp> as Time,
        visibility_timeout_ms: Option<Duration> as Long,
        max_processing_ms: Option<Duration> as Long,
        progress_timeout_ms: Option<Duration> as Long,
        retry_policy: Option<Cow<'a, str>> as Json,
        labels: Option<Cow<'a, str>> as Json,
        traceparent: Option<TraceParent> as Text,
    }
}

columns! {
    /// What a person may change of what the producer has set.
    pub(crate) struct AttributeColumns<'a> {
        lane_id: LaneId as Long,
        visibility_timeout_ms: Option<Duration> as Long,
        max_processing_ms: Option<Duration> as Long,
        progress_timeout_ms: Option<Duration> as Long,
        retry_policy: Option<Cow<'a, str>> as Json,
        labels: Option<Cow<'a, str>> as Json,
    }
}

impl<'a> AttributeColumns<'a> {
    pub(crate) fn of(event: &'a EventRow) -> Self {
        let EnqueuedColumns {
            lane_id,
            visibility_timeout_ms,
            max_processing_ms,
            progress_timeout_ms,
            retry_policy,
            labels,
            ..
        } = EnqueuedColumns::of(event);
        Self { lane_id, visibility_timeout_ms, max_processing_ms, progress_timeout_ms, retry_policy, labels }
    }
}

columns! {
    /// What changes during the life of an event.
    pub(crate) struct StateColumns<'a> {
        status: EventStatus as Text,
        attempt: u32 as Long,
        retries: u32 as Long,
        failures: u32 as Long,
        losses: u32 as Long,
        redrives: u32 as Long,
        available_at: Timestamp as Time,
        expires_at: Option<Timestamp> as Time,
        claimed_at: Option<Timestamp> as Time,
        finished_at: Option<Timestamp> as Time,
        engine_id: Option<Cow<'a, EngineId>> as Text,
        lock_holder: Option<Cow<'a, str>> as Text,
        lock_serial: i64 as Long,
        /// Of the lock, or of the lock that was settled.
        lock_secret: Option<[u8; 16]> as Bytes,
        lock_engine_epoch: Option<i64> as Long,
        lock_expires_at: Option<Timestamp> as Time,
        lock_visibility_timeout_ms: Option<Duration> as Long,
        lock_max_processing_ms: Option<Duration> as Long,
        lock_progress_timeout_ms: Option<Duration> as Long,
        lock_progress_due_at: Option<Timestamp> as Time,
        lock_unlisted_heartbeats: Option<u8> as Short,
        settled_by: Option<SettledBy> as Text,
        cancel_requested: bool as Boolean,
        dead_letter_reason: Option<DeadLetterReason> as Text,
        engine_software_version: Option<Cow<'a, str>> as Text,
        reported_lock_serial: Option<i64> as Long,
        last_error_code: Option<&'a str> as Text,
        last_error_message: Option<&'a str> as Text,
        last_error_details: Option<&'a str> as Json,
        result_checksum: Option<i64> as Long,
        result: Option<&'a str> as Json,
    }
}

columns! {
    /// The payload, in a table of its own: a change of the event does not rewrite it.
    pub(crate) struct PayloadColumns<'a> {
        event_id: EventId as Id,
        payload: &'a str as Json,
        checksum: Option<i64> as Long,
    }
}

impl<'a> PayloadColumns<'a> {
    pub(crate) fn of(event_id: EventId, payload: &'a RawJson) -> Self {
        Self { event_id, payload: payload.as_str(), checksum: Some(checksum(payload.as_str())) }
    }
}

/// Reads the columns `payload` and `checksum`: nothing where there is no row of them.
pub(crate) fn read_payload<'a, C: Cells<'a>>(cells: &mut C) -> Result<Option<RawJson>, C::Error> {
    let read = |what| Unexpected::new("payload", what);
    let payload = Option::<&str>::from_cell(cells.next_cell()?).map_err(read)?;
    let checksum = Option::<i64>::from_cell(cells.next_cell()?).map_err(|what| Unexpected::new("checksum", what))?;
    Ok(payload.map(|text| checked_json("payload", text, checksum)).transpose()?)
}

/// Reads the columns of `{event_columns}`.
pub(crate) fn read_event<'a, C: Cells<'a>>(cells: &mut C) -> Result<EventRow, C::Error> {
    let enqueued = EnqueuedColumns::read(cells)?;
    let state = StateColumns::read(cells)?;
    Ok(enqueued.into_event(state.into_state()?)?)
}

impl<'a> EnqueuedColumns<'a> {
    pub(crate) fn of(event: &'a EventRow) -> Self {
        let EventRow {
            event_id,
            lane_id,
            scenario_run_id,
            idempotency_key,
            idempotency_key_expires_at,
            overrides,
            labels,
            trace_parent,
            enqueued_at,
            state: _,
        } = event;
        let Overrides { retry_policy, visibility_timeout, max_processing, progress_timeout } = overrides;
        Self {
            event_id: *event_id,
            lane_id: *lane_id,
            enqueued_at: *enqueued_at,
            scenario_run_id: scenario_run_id.as_ref().map(Cow::Borrowed),
            idempotency_key: idempotency_key.as_deref(),
            idempotency_key_expires_at: *idempotency_key_expires_at,
            visibility_timeout_ms: *visibility_timeout,
            max_processing_ms: *max_processing,
            progress_timeout_ms: *progress_timeout,
            retry_policy: retry_policy.as_ref().map(json_text),
            labels: if labels.is_empty() { None } else { Some(json_text(labels)) },
            traceparent: *trace_parent,
        }
    }

    fn into_event(self, state: EventState) -> Result<EventRow, Unexpected> {
        let retry_policy = self.retry_policy.map(|text| retry_policy(&text)).transpose()?;
        within("visibility_timeout_ms", self.visibility_timeout_ms, MAX_VISIBILITY_TIMEOUT)?;
        within("max_processing_ms", self.max_processing_ms, MAX_PROCESSING)?;
        within("progress_timeout_ms", self.progress_timeout_ms, MAX_PROGRESS_TIMEOUT)?;
        Ok(EventRow {
            event_id: self.event_id,
            lane_id: self.lane_id,
            scenario_run_id: self.scenario_run_id.map(Cow::into_owned),
            idempotency_key: self.idempotency_key.map(Arc::from),
            idempotency_key_expires_at: self.idempotency_key_expires_at,
            overrides: Overrides {
                retry_policy,
                visibility_timeout: self.visibility_timeout_ms,
                max_processing: self.max_processing_ms,
                progress_timeout: self.progress_timeout_ms,
            },
            labels: self.labels.map(|text| from_json("labels", &text)).transpose()?.unwrap_or_default(),
            trace_parent: self.traceparent,
            enqueued_at: self.enqueued_at,
            state,
        })
    }
}

impl<'a> StateColumns<'a> {
    /// # Errors
    /// If the state says one thing twice, and not the same.
    pub(crate) fn of(state: &'a EventState) -> Result<Self, LockDisagrees> {
        let EventState {
            status,
            attempt,
            tally: Tally { retries, failures, losses },
            redrives,
            available_at,
            expires_at,
            lock_serial,
            lock,
            reported_lock_serial,
            settled,
            cancel_requested,
            engine_id,
            engine_software_version,
            claimed_at,
            finished_at,
            result,
            last_error,
            dead_letter,
        } = state;
        let (lock, error) = (lock.as_ref(), last_error.as_ref());
        // What the row keeps once must be the same wherever the state holds it.
        let token = lock.map(|lock| lock.token).or(settled.map(|settled| settled.token));
        let agrees = token.is_none_or(|token| token.serial == *lock_serial)
            && lock.is_none_or(|lock| {
                settled.is_none() && engine_id.as_ref() == Some(&lock.engine_id) && *claimed_at == Some(lock.claimed_at)
            });
        if !agrees {
            return Err(LockDisagrees);
        }
        Ok(Self {
            status: *status,
            attempt: *attempt,
            retries: *retries,
            failures: *failures,
            losses: *losses,
            redrives: *redrives,
            available_at: *available_at,
            expires_at: *expires_at,
            claimed_at: *claimed_at,
            finished_at: *finished_at,
            engine_id: engine_id.as_ref().map(Cow::Borrowed),
            lock_holder: lock.map(|lock| Cow::Owned(lock.holder())),
            lock_serial: *lock_serial,
            lock_secret: token.map(|token| token.secret.to_be_bytes()),
            lock_engine_epoch: lock.map(|lock| lock.engine_epoch),
            lock_expires_at: lock.map(|lock| lock.expires_at),
            lock_visibility_timeout_ms: lock.map(|lock| lock.visibility_timeout),
            lock_max_processing_ms: lock.and_then(|lock| lock.max_processing),
            lock_progress_timeout_ms: lock.and_then(|lock| lock.progress_limit).map(|limit| limit.timeout),
            lock_progress_due_at: lock.and_then(|lock| lock.progress_limit).map(|limit| limit.due_at),
            lock_unlisted_heartbeats: lock.map(|lock| lock.unlisted_heartbeats),
            settled_by: settled.map(|settled| settled.by),
            cancel_requested: *cancel_requested,
            dead_letter_reason: *dead_letter,
            engine_software_version: engine_software_version.as_deref().map(Cow::Borrowed),
            last_error_code: error.and_then(|error| error.code.as_deref()),
            last_error_message: error.map(|error| error.message.as_str()),
            last_error_details: error.and_then(|error| error.details.as_ref()).map(RawJson::as_str),
            reported_lock_serial: *reported_lock_serial,
            result_checksum: result.as_ref().map(|result| checksum(result.as_str())),
            result: result.as_ref().map(RawJson::as_str),
        })
    }

    fn into_state(self) -> Result<EventState, Unexpected> {
        self.check()?;
        let token =
            self.lock_secret.map(|secret| LockToken { serial: self.lock_serial, secret: u128::from_be_bytes(secret) });
        let progress_limit = self.progress_limit();
        let engine_id = self.engine_id.map(Cow::into_owned);
        let lock = match self.lock_holder {
            None => None,
            Some(_) => {
                let lock = || {
                    Some(Lock {
                        token: token?,
                        engine_id: engine_id.clone()?,
                        engine_epoch: self.lock_engine_epoch?,
                        claimed_at: self.claimed_at?,
                        expires_at: self.lock_expires_at?,
                        visibility_timeout: self.lock_visibility_timeout_ms?,
                        max_processing: self.lock_max_processing_ms,
                        progress_limit,
                        unlisted_heartbeats: self.lock_unlisted_heartbeats?,
                    })
                };
                Some(lock().ok_or_else(|| Unexpected::new("lock_holder", "a lock without all of its columns"))?)
            }
        };
        Ok(EventState {
            status: self.status,
            attempt: self.attempt,
            tally: Tally { retries: self.retries, failures: self.failures, losses: self.losses },
            redrives: self.redrives,
            available_at: self.available_at,
            expires_at: self.expires_at,
            lock_serial: self.lock_serial,
            lock,
            reported_lock_serial: self.reported_lock_serial,
            settled: self.settled_by.zip(token).map(|(by, token)| Settled { token, by }),
            cancel_requested: self.cancel_requested,
            engine_id,
            engine_software_version: self.engine_software_version.as_deref().map(Arc::from),
            claimed_at: self.claimed_at,
            finished_at: self.finished_at,
            result: self.result.map(|text| checked_json("result", text, self.result_checksum)).transpose()?,
            last_error: error_of(self.last_error_code, self.last_error_message, self.last_error_details)?,
            dead_letter: self.dead_letter_reason,
        })
    }
}

impl StateColumns<'_> {
    fn progress_limit(&self) -> Option<ProgressLimit> {
        Some(ProgressLimit { timeout: self.lock_progress_timeout_ms?, due_at: self.lock_progress_due_at? })
    }

    /// In which columns another row differs: bit `n` stands for column `n`.
    pub(super) fn differs_from(&self, other: &StateColumns<'_>) -> u32 {
        let mut others = [Cell::Null; Self::COLUMNS.len()];
        let mut place = 0;
        other.write(&mut |cell| {
            others[place] = cell;
            place += 1;
        });
        let (mut differing, mut place) = (0, 0);
        self.write(&mut |cell| {
            differing |= u32::from(cell != others[place]) << place;
            place += 1;
        });
        differing
    }

    /// What the columns say together. A state that contradicts itself could be neither decided on nor written back.
    fn check(&self) -> Result<(), Unexpected> {
        let (has_lock, is_settled) = (self.lock_holder.is_some(), self.settled_by.is_some());
        let is_final = matches!(self.status, EventStatus::Completed | EventStatus::Failed | EventStatus::Cancelled);
        let held_by = self.lock_holder.as_deref().and_then(|holder| holder.strip_prefix(HOLDER_PREFIX));
        let is_of_its_engine = held_by.is_some() && held_by == self.engine_id.as_deref().map(EngineId::as_str);
        for (column, agrees, what) in [
            ("lock_serial", (0..MAX_SERIAL).contains(&self.lock_serial), "outside of its range"),
            ("lock_holder", (self.status == EventStatus::Processing) == has_lock, "not as the status says"),
            ("lock_holder", !has_lock || is_of_its_engine, "not the engine of the lock"),
            ("lock_secret", self.lock_secret.is_some() == (has_lock != is_settled), "not of one lock"),
            ("lock_serial", self.lock_secret.is_none() || self.lock_serial > 0, "a lock without a serial"),
            ("finished_at", self.finished_at.is_some() == is_final, "not as the status says"),
            (
                "dead_letter_reason",
                self.dead_letter_reason.is_none() || self.status == EventStatus::Failed,
                "an event that has not failed",
            ),
        ] {
            if !agrees {
                return Err(Unexpected::new(column, what));
            }
        }
        Ok(())
    }
}

/// No serial comes near it, and the next one can always be counted.
const MAX_SERIAL: i64 = i64::MAX - (1 << 32);

/// An event whose lock says something else than the event.
#[derive(Debug, thiserror::Error)]
#[error("a lock disagrees with its event")]
pub(crate) struct LockDisagrees;
