//! Engines.

use std::borrow::Cow;
use std::time::Duration;

use enginehouse_core::access::secret::{Accessor, SecretHash};
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::{EngineId, EngineType};
use enginehouse_core::time::Timestamp;

use super::column::{Unexpected, columns, from_json, json_text};

/// No epoch comes near it, and the next one can always be counted.
const MAX_EPOCH: i64 = i64::MAX - (1 << 32);

columns! {
    pub(crate) struct EngineColumns<'a> {
        engine_id: Cow<'a, EngineId> as Text,
        engine_type: Cow<'a, EngineType> as Text,
        epoch: i64 as Long,
        status: EngineStatus as Text,
        heartbeat_interval_ms: Duration as Long,
        registered_at: Timestamp as Time,
        last_heartbeat_at: Timestamp as Time,
        lost_due_at: Option<Timestamp> as Time,
        draining: bool as Boolean,
        stop_when_drained: bool as Boolean,
        metadata: Cow<'a, str> as Json,
        quarantine: Option<Cow<'a, str>> as Json,
        automatic_quarantines: Option<Cow<'a, str>> as Json,
        session_sha256: Option<[u8; 32]> as Bytes,
        registered_by: Option<Cow<'a, Accessor>> as Text,
        takeovers_counted_until: Option<Timestamp> as Time,
    }
}

impl<'a> EngineColumns<'a> {
    pub(crate) fn of(engine: &'a RegisteredEngine) -> Self {
        let RegisteredEngine {
            engine_id,
            engine_type,
            epoch,
            status,
            heartbeat_interval,
            registered_at,
            last_heartbeat_at,
            lost_due_at,
            draining,
            stop_when_drained,
            metadata,
            quarantine,
            automatic_quarantines,
            session,
            registered_by,
            takeovers_counted_until,
        } = engine;
        Self {
            engine_id: Cow::Borrowed(engine_id),
            engine_type: Cow::Borrowed(engine_type),
            epoch: *epoch,
            status: *status,
            heartbeat_interval_ms: *heartbeat_interval,
            registered_at: *registered_at,
            last_heartbeat_at: *last_heartbeat_at,
            lost_due_at: *lost_due_at,
            draining: *draining,
            stop_when_drained: *stop_when_drained,
            metadata: json_text(metadata),
            quarantine: quarantine.as_ref().map(json_text),
            automatic_quarantines: (!automatic_quarantines.is_empty()).then(|| json_text(automatic_quarantines)),
            session_sha256: session.map(|session| *session.as_bytes()),
            registered_by: registered_by.as_ref().map(Cow::Borrowed),
            takeovers_counted_until: *takeovers_counted_until,
        }
    }

    pub(crate) fn into_engine(self) -> Result<RegisteredEngine, Unexpected> {
        if !(1..MAX_EPOCH).contains(&self.epoch) {
            return Err(Unexpected::new("epoch", "outside of its range"));
        }
        Ok(RegisteredEngine {
            metadata: from_json("metadata", &self.metadata)?,
            quarantine: self.quarantine.map(|text| from_json("quarantine", &text)).transpose()?,
            automatic_quarantines: match self.automatic_quarantines {
                Some(text) => from_json("automatic_quarantines", &text)?,
                None => Vec::new(),
            },
            engine_id: self.engine_id.into_owned(),
            engine_type: self.engine_type.into_owned(),
            epoch: self.epoch,
            status: self.status,
            heartbeat_interval: self.heartbeat_interval_ms,
            registered_at: self.registered_at,
            last_heartbeat_at: self.last_heartbeat_at,
            lost_due_at: self.lost_due_at,
            draining: self.draining,
            stop_when_drained: self.stop_when_drained,
            session: self.session_sha256.map(SecretHash::from_bytes),
            registered_by: self.registered_by.map(Cow::into_owned),
            takeovers_counted_until: self.takeovers_counted_until,
        })
    }
}
