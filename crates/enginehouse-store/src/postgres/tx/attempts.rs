//! Attempts that have ended, as rows.

use std::collections::HashMap;

use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::retry_elsewhere::MAX_REMEMBERED;
use enginehouse_core::transition::AttemptEnd;

use super::columns::{Arrays, PgColumns, params, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::statement::EncodedStatement;
use crate::table::AttemptColumns;

pub(crate) fn insert(attempts: &[(EventId, AttemptEnd)]) -> PgResult<EncodedStatement> {
    let ids: Vec<_> = attempts.iter().map(|(id, _)| id.0).collect();
    let columns: Vec<_> = attempts.iter().map(|(_, end)| AttemptColumns::of(end)).collect();
    EncodedStatement::new(sql!("insert_attempts"), Arrays::of(&columns).behind(params![UUID_ARRAY: &ids]))
}

/// How many engines are read of each event.
pub(crate) const MAX_FAILED_BY: i64 = MAX_REMEMBERED as i64;

/// An event, and an engine that has failed it.
pub(crate) fn read_failed_by(columns: &mut PgColumns<'_>) -> PgResult<(EventId, EngineId)> {
    Ok((columns.read()?, columns.read()?))
}

/// The engines of each event, in their order.
pub(crate) fn by_event(found: Vec<(EventId, EngineId)>) -> HashMap<EventId, Vec<EngineId>> {
    let mut engines: HashMap<EventId, Vec<EngineId>> = HashMap::new();
    for (event_id, engine_id) in found {
        engines.entry(event_id).or_default().push(engine_id);
    }
    engines
}
