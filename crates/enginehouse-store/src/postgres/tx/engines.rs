//! Engines as rows.

use enginehouse_core::engine::RegisteredEngine;

use super::columns::{Arrays, PgColumns, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::table::EngineColumns;

/// Reads `{engine_columns}`.
pub(crate) fn engine(columns: &mut PgColumns<'_>) -> PgResult<RegisteredEngine> {
    Ok(columns.group::<EngineColumns<'_>>()?.into_engine()?)
}

/// Replaces engines that are there. Answers those that are not.
pub(crate) async fn update<'a>(
    session: &Session,
    engines: &[&'a RegisteredEngine],
) -> PgResult<Vec<&'a RegisteredEngine>> {
    if engines.is_empty() {
        return Ok(Vec::new());
    }
    let rows = write(session, sql!("write_engines"), engines).await?;
    let written = rows.iter().map(|row| PgColumns::of(row).read::<&str>()).collect::<PgResult<Vec<_>>>()?;
    Ok(engines.iter().copied().filter(|engine| !written.contains(&engine.engine_id.as_str())).collect())
}

/// Adds engines that are not there.
pub(crate) async fn insert(session: &Session, engines: &[&RegisteredEngine]) -> PgResult<()> {
    if !engines.is_empty() {
        write(session, sql!("insert_engines"), engines).await?;
    }
    Ok(())
}

async fn write(
    session: &Session,
    sql: &'static str,
    engines: &[&RegisteredEngine],
) -> PgResult<Vec<tokio_postgres::Row>> {
    let columns: Vec<_> = engines.iter().map(|engine| EngineColumns::of(engine)).collect();
    session.query(sql, Arrays::of(&columns).parameters()).await
}
