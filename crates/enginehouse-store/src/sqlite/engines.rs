//! Engines.

use enginehouse_core::access::selector::Selectors;
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;
use rusqlite::params;

use super::columns::{Parameters, SqliteColumns, globs, one_value, sql};
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use crate::rows::{EngineFilter, MAX_PAGE_BYTES, PageRequest, ResultPage, metadata_bytes};
use crate::table::EngineColumns;

/// How many engines one page looks at.
const MAX_SCANNED_ROWS: u32 = 20_000;

fn engine(columns: &mut SqliteColumns<'_, '_>) -> SqliteResult<RegisteredEngine> {
    Ok(columns.group::<EngineColumns<'_>>()?.into_engine()?)
}

pub(super) fn one(connection: &SqliteConnection, engine_id: &EngineId) -> SqliteResult<Option<RegisteredEngine>> {
    let mut statement = connection.prepare_cached(sql!("engines_by_id"))?;
    let mut rows = statement.query([engine_id.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    connection.readable("engines", row, engine)
}

pub(super) fn by_id(connection: &SqliteConnection, ids: &[EngineId]) -> SqliteResult<Vec<RegisteredEngine>> {
    ids.iter().filter_map(|id| one(connection, id).transpose()).collect()
}

pub(super) fn all(connection: &SqliteConnection) -> SqliteResult<Vec<RegisteredEngine>> {
    let mut statement = connection.prepare_cached(sql!("all_engines"))?;
    connection.all_readable("engines", statement.query([])?, engine)
}

pub(super) fn since(connection: &SqliteConnection, version: i64) -> SqliteResult<Vec<RegisteredEngine>> {
    let mut statement = connection.prepare_cached(sql!("engines_since"))?;
    connection.all_readable("engines", statement.query([version])?, engine)
}

pub(super) fn write(connection: &SqliteConnection, engines: &[RegisteredEngine]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("write_engines"))?;
    for engine in engines {
        Parameters::of(&mut statement).group(&EngineColumns::of(engine)).execute()?;
    }
    Ok(())
}

pub(super) fn silent(
    connection: &SqliteConnection,
    until: Timestamp,
    limit: u32,
) -> SqliteResult<Vec<RegisteredEngine>> {
    let mut statement = connection.prepare_cached(sql!("silent_engines"))?;
    connection.all_readable("engines", statement.query(params![until.as_millis(), limit])?, engine)
}

pub(super) fn next_loss(connection: &SqliteConnection) -> SqliteResult<Option<Timestamp>> {
    one_value(connection, sql!("next_engine_loss"))
}

pub(super) fn delete_gone(
    connection: &SqliteConnection,
    silent_since: Timestamp,
    limit: u32,
) -> SqliteResult<Vec<EngineId>> {
    let mut statement = connection.prepare_cached(sql!("delete_gone_engines"))?;
    let rows = statement.query(params![silent_since.as_millis(), limit])?;
    let mut gone: Vec<EngineId> = connection.all_readable("engines", rows, |columns| columns.read())?;
    gone.sort_unstable();
    Ok(gone)
}

pub(super) fn counts(connection: &SqliteConnection, within: &Selectors) -> SqliteResult<Vec<(EngineStatus, u64)>> {
    let mut statement = connection.prepare_cached(sql!("engine_counts"))?;
    connection.all_readable("engines", statement.query([globs(&within.engines)])?, |columns| {
        Ok((columns.read()?, columns.read()?))
    })
}

pub(super) fn page(
    connection: &SqliteConnection,
    filter: &EngineFilter,
    page: &PageRequest,
) -> SqliteResult<ResultPage<(RegisteredEngine, u32)>> {
    let mut statement = connection.prepare_cached(sql!("engines"))?;
    let mut count_locks = connection.prepare_cached(sql!("count_locks"))?;
    let mut rows = statement.query(params![page.after.as_deref().unwrap_or(""), MAX_SCANNED_ROWS])?;
    let (mut items, mut bytes, mut looked_at, mut last) = (Vec::new(), 0, 0, None);
    while let Some(row) = rows.next()? {
        if items.len() >= page.limit as usize || bytes >= MAX_PAGE_BYTES {
            return Ok(ResultPage { items, next: last });
        }
        looked_at += 1;
        let Some(engine) = connection.readable("engines", row, engine)? else { continue };
        last = Some(engine.engine_id.to_string());
        if matches(filter, &engine) {
            let locks = count_locks.query_row([engine.engine_id.as_str()], |row| row.get(0))?;
            bytes += metadata_bytes(&engine);
            items.push((engine, locks));
        }
    }
    let next = last.filter(|_| looked_at == MAX_SCANNED_ROWS);
    Ok(ResultPage { items, next })
}

fn matches(filter: &EngineFilter, engine: &RegisteredEngine) -> bool {
    let has = |name: &str| engine.metadata.static_config.capabilities.iter().any(|capability| capability == name);
    filter.within.admit_engine(&engine.engine_id)
        && filter.status.is_none_or(|status| status == engine.status)
        && filter.stopped.is_none_or(|stopped| stopped == (engine.status == EngineStatus::Stopped))
        && filter.engine_type.as_ref().is_none_or(|wanted| *wanted == engine.engine_type)
        && filter.capability.as_ref().is_none_or(|wanted| has(wanted.as_str()))
        && filter.terms.match_facts(engine)
}
