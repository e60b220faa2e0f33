//! Engines.

use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::columns::{Parameters, SqliteColumns, one_value, sql};
use super::failure::SqliteResult;
use crate::rows::{EngineFilter, PageRequest, ResultPage};
use crate::table::EngineColumns;

/// How many engines one page looks at.
const MAX_SCANNED_ROWS: u32 = 20_000;

fn engine(row: &Row<'_>) -> SqliteResult<RegisteredEngine> {
    Ok(SqliteColumns::of(row).group::<EngineColumns<'_>>()?.into_engine()?)
}

pub(super) fn one(connection: &Connection, engine_id: &EngineId) -> SqliteResult<Option<RegisteredEngine>> {
    let mut statement = connection.prepare_cached(sql!("engines_by_id"))?;
    let mut rows = statement.query([engine_id.as_str()])?;
    rows.next()?.map(engine).transpose()
}

pub(super) fn by_id(connection: &Connection, ids: &[EngineId]) -> SqliteResult<Vec<RegisteredEngine>> {
    ids.iter().filter_map(|id| one(connection, id).transpose()).collect()
}

pub(super) fn all(connection: &Connection) -> SqliteResult<Vec<RegisteredEngine>> {
    let mut statement = connection.prepare_cached(sql!("all_engines"))?;
    statement.query_and_then([], engine)?.collect()
}

pub(super) fn write(connection: &Connection, engines: &[RegisteredEngine]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("write_engines"))?;
    for engine in engines {
        Parameters::of(&mut statement).group(&EngineColumns::of(engine)).execute()?;
    }
    Ok(())
}

pub(super) fn silent(connection: &Connection, until: Timestamp, limit: u32) -> SqliteResult<Vec<RegisteredEngine>> {
    let mut statement = connection.prepare_cached(sql!("silent_engines"))?;
    statement.query_and_then(params![until.as_millis(), limit], engine)?.collect()
}

pub(super) fn next_loss(connection: &Connection) -> SqliteResult<Option<Timestamp>> {
    one_value(connection, sql!("next_engine_loss"))
}

pub(super) fn delete_gone(connection: &Connection, silent_since: Timestamp, limit: u32) -> SqliteResult<Vec<EngineId>> {
    let mut statement = connection.prepare_cached(sql!("delete_gone_engines"))?;
    let mut gone = statement
        .query_and_then(params![silent_since.as_millis(), limit], |row| SqliteColumns::of(row).read())?
        .collect::<SqliteResult<Vec<EngineId>>>()?;
    gone.sort_unstable();
    Ok(gone)
}

pub(super) fn counts(connection: &Connection) -> SqliteResult<Vec<(EngineStatus, u64)>> {
    let mut statement = connection.prepare_cached(sql!("engine_counts"))?;
    statement
        .query_and_then([], |row| {
            let mut columns = SqliteColumns::of(row);
            Ok((columns.read()?, columns.read()?))
        })?
        .collect()
}

pub(super) fn page(
    connection: &Connection,
    filter: &EngineFilter,
    page: &PageRequest,
) -> SqliteResult<ResultPage<(RegisteredEngine, u32)>> {
    let mut statement = connection.prepare_cached(sql!("engines"))?;
    let mut count_locks = connection.prepare_cached(sql!("count_locks"))?;
    let mut rows = statement.query(params![page.after.as_deref().unwrap_or(""), MAX_SCANNED_ROWS])?;
    let (mut items, mut looked_at, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        if items.len() >= page.limit as usize {
            return Ok(ResultPage { items, next: last });
        }
        let engine = engine(row)?;
        looked_at += 1;
        last = Some(engine.engine_id.to_string());
        if matches(filter, &engine) {
            let locks = count_locks.query_row([engine.engine_id.as_str()], |row| row.get(0))?;
            items.push((engine, locks));
        }
    }
    let next = last.filter(|_| looked_at == MAX_SCANNED_ROWS);
    Ok(ResultPage { items, next })
}

fn matches(filter: &EngineFilter, engine: &RegisteredEngine) -> bool {
    let has = |name: &str| engine.metadata.static_config.capabilities.iter().any(|capability| capability == name);
    filter.status.is_none_or(|status| status == engine.status)
        && filter.engine_type.as_ref().is_none_or(|wanted| *wanted == engine.engine_type)
        && filter.capability.as_ref().is_none_or(|wanted| has(wanted.as_str()))
}
