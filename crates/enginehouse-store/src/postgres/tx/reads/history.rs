//! What happened to an event.

use std::collections::HashMap;

use enginehouse_core::ids::{EngineId, EventId};

use super::super::attempts;
use super::super::columns::{PgColumns, params, sql, uuids};
use super::super::row_reader::RowReader;
use super::super::snapshot::Snapshot;
use super::reports;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::{PgResult, both};
use crate::rows::History;
use crate::table::{AttemptColumns, AuditColumns, read_event};

/// To the events of its id, in words, whether or not it is still kept.
pub(crate) async fn history(shared: &PgState, event_id: EventId) -> PgResult<History> {
    let target = event_id.to_string();
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let mut reader = RowReader::new(&shared.unreadable);
    let ids = [event_id];
    let (attempts, event, reports, actions) = tokio::join!(
        snapshot.query(sql!("attempts"), params![UUID: &event_id.0]),
        snapshot.query(sql!("event"), params![UUID: &event_id.0]),
        reports::of_events(&snapshot, &mut reader, &ids),
        snapshot.query(sql!("audit_of_target"), params![TEXT: &target]),
    );
    let (((attempts, event), reports), actions) = both(both(both(attempts, event), reports), actions)?;
    snapshot.end().await?;
    let read_attempt = |columns: &mut PgColumns<'_>| Ok(columns.group::<AttemptColumns<'_>>()?.into_end()?);
    let read_action = |columns: &mut PgColumns<'_>| Ok(columns.group::<AuditColumns<'_>>()?.into_entry()?);
    let attempts = reader.all("attempts", &attempts, read_attempt)?;
    let event = reader.all("events", &event, |columns| read_event(columns))?.pop();
    let reports = reports.into_values().next().unwrap_or_default();
    Ok(History { attempts, event, reports, actions: reader.all("audit_log", &actions, read_action)? })
}

/// Those of some events that have ended.
pub(crate) async fn ended(shared: &PgState, ids: &[EventId]) -> PgResult<Vec<EventId>> {
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let rows = snapshot.query(sql!("ended_events"), params![UUID_ARRAY: &uuids(ids)]).await?;
    snapshot.end().await?;
    rows.iter().map(|row| PgColumns::of(row).read()).collect()
}

pub(crate) async fn failed_by(shared: &PgState, ids: &[EventId]) -> PgResult<HashMap<EventId, Vec<EngineId>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let session = shared.readers.session().await?;
    let limit = attempts::MAX_FAILED_BY;
    let rows = session.query(sql!("failed_by"), params![UUID_ARRAY: &uuids(ids), INT8: &limit]).await?;
    let found = RowReader::new(&shared.unreadable).all("attempts", &rows, attempts::read_failed_by)?;
    Ok(attempts::by_event(found))
}
