//! Engines as rows.

use enginehouse_core::engine::RegisteredEngine;

use super::columns::{Arrays, PgColumns, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::statement::EncodedStatement;
use crate::table::EngineColumns;

/// Reads `{engine_columns}`.
pub(crate) fn engine(columns: &mut PgColumns<'_>) -> PgResult<RegisteredEngine> {
    Ok(columns.group::<EngineColumns<'_>>()?.into_engine()?)
}

/// Replaces engines that are there.
pub(crate) fn update(engines: &[&RegisteredEngine]) -> PgResult<EncodedStatement> {
    write(sql!("write_engines"), engines)
}

/// Adds engines that are not there.
pub(crate) fn insert(engines: &[&RegisteredEngine]) -> PgResult<EncodedStatement> {
    write(sql!("insert_engines"), engines)
}

fn write(sql: &'static str, engines: &[&RegisteredEngine]) -> PgResult<EncodedStatement> {
    let columns: Vec<_> = engines.iter().map(|engine| EngineColumns::of(engine)).collect();
    EncodedStatement::new(sql, Arrays::of(&columns).parameters())
}
