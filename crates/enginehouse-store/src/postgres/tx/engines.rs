//! Engines as rows.

use enginehouse_core::engine::Engine;

use super::columns::{Columns, Json, Moment, millis, params, sql, to_json};
use crate::postgres::wire::failure::Outcome;
use crate::postgres::wire::session::Session;

/// Reads an engine in the columns of `engines_by_id.sql`.
pub(crate) fn engine(columns: &mut Columns<'_>) -> Outcome<Engine> {
    Ok(Engine {
        engine_id: columns.parsed()?,
        engine_type: columns.parsed()?,
        epoch: columns.value()?,
        status: columns.parsed()?,
        heartbeat_interval: columns.duration()?,
        registered_at: columns.time()?,
        last_heartbeat_at: columns.time()?,
        lost_due_at: columns.optional_time()?,
        draining: columns.value()?,
        stop_when_drained: columns.value()?,
        metadata: columns.json()?,
    })
}

/// Replaces engines that are there. Answers those that are not.
pub(crate) async fn update<'a>(session: &Session, engines: &[&'a Engine]) -> Outcome<Vec<&'a Engine>> {
    if engines.is_empty() {
        return Ok(Vec::new());
    }
    let rows = write(session, sql!("write_engines"), engines).await?;
    let written = rows.iter().map(|row| Columns::of(row).value::<&str>()).collect::<Outcome<Vec<_>>>()?;
    Ok(engines.iter().copied().filter(|engine| !written.contains(&engine.engine_id.as_str())).collect())
}

/// Adds engines that are not there.
pub(crate) async fn insert(session: &Session, engines: &[&Engine]) -> Outcome<()> {
    if !engines.is_empty() {
        write(session, sql!("insert_engines"), engines).await?;
    }
    Ok(())
}

async fn write(session: &Session, sql: &'static str, engines: &[&Engine]) -> Outcome<Vec<tokio_postgres::Row>> {
    let ids: Vec<_> = engines.iter().map(|engine| engine.engine_id.as_str()).collect();
    let types: Vec<_> = engines.iter().map(|engine| engine.engine_type.as_str()).collect();
    let epochs: Vec<_> = engines.iter().map(|engine| engine.epoch).collect();
    let statuses: Vec<_> = engines.iter().map(|engine| engine.status.name()).collect();
    let intervals: Vec<_> = engines.iter().map(|engine| millis(engine.heartbeat_interval)).collect();
    let registered: Vec<_> = engines.iter().map(|engine| Moment(engine.registered_at)).collect();
    let heard: Vec<_> = engines.iter().map(|engine| Moment(engine.last_heartbeat_at)).collect();
    let due: Vec<_> = engines.iter().map(|engine| engine.lost_due_at.map(Moment)).collect();
    let draining: Vec<_> = engines.iter().map(|engine| engine.draining).collect();
    let stopping: Vec<_> = engines.iter().map(|engine| engine.stop_when_drained).collect();
    let metadata = engines.iter().map(|engine| to_json(&engine.metadata)).collect::<Outcome<Vec<_>>>()?;
    let metadata: Vec<_> = metadata.iter().map(|json| Json(json)).collect();
    session
        .query(
            sql,
            params![
                TEXT_ARRAY: &ids, TEXT_ARRAY: &types, INT8_ARRAY: &epochs, TEXT_ARRAY: &statuses,
                INT8_ARRAY: &intervals, TIMESTAMPTZ_ARRAY: &registered, TIMESTAMPTZ_ARRAY: &heard,
                TIMESTAMPTZ_ARRAY: &due, BOOL_ARRAY: &draining, BOOL_ARRAY: &stopping, JSON_ARRAY: &metadata,
            ],
        )
        .await
}
