//! Attempts that did not complete their event. The event's id comes before these columns.

use std::borrow::Cow;
use std::sync::Arc;

use enginehouse_core::event::AttemptOutcome;
use enginehouse_core::ids::EngineId;
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;

use super::column::{Unexpected, columns, error_of};

columns! {
    pub(crate) struct AttemptColumns<'a> {
        lock_serial: i64 as Long,
        attempt: u32 as Long,
        engine_id: Cow<'a, EngineId> as Text,
        outcome: AttemptOutcome as Text,
        claimed_at: Timestamp as Time,
        ended_at: Timestamp as Time,
        error_code: Option<&'a str> as Text,
        error_message: Option<&'a str> as Text,
        error_details: Option<&'a str> as Json,
        available_at: Timestamp as Time,
        engine_software_version: Option<Cow<'a, str>> as Text,
    }
}

impl<'a> AttemptColumns<'a> {
    pub(crate) fn of(end: &'a AttemptEnd) -> Self {
        let AttemptEnd {
            attempt,
            lock_serial,
            engine_id,
            engine_software_version,
            outcome,
            error,
            available_at,
            claimed_at,
            ended_at,
        } = end;
        Self {
            lock_serial: *lock_serial,
            attempt: *attempt,
            engine_id: Cow::Borrowed(engine_id),
            outcome: *outcome,
            claimed_at: *claimed_at,
            ended_at: *ended_at,
            error_code: error.as_ref().and_then(|error| error.code.as_deref()),
            error_message: error.as_ref().map(|error| error.message.as_str()),
            error_details: error.as_ref().and_then(|error| error.details.as_ref()).map(RawJson::as_str),
            available_at: *available_at,
            engine_software_version: engine_software_version.as_deref().map(Cow::Borrowed),
        }
    }

    pub(crate) fn into_end(self) -> Result<AttemptEnd, Unexpected> {
        let error = error_of(self.error_code, self.error_message, self.error_details)?;
        if error.is_none() != (self.outcome == AttemptOutcome::Released) {
            return Err(Unexpected::new("error_message", "not as the outcome says"));
        }
        Ok(AttemptEnd {
            attempt: self.attempt,
            lock_serial: self.lock_serial,
            engine_id: self.engine_id.into_owned(),
            engine_software_version: self.engine_software_version.as_deref().map(Arc::from),
            outcome: self.outcome,
            error,
            available_at: self.available_at,
            claimed_at: self.claimed_at,
            ended_at: self.ended_at,
        })
    }
}
