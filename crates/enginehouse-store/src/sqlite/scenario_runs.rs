//! Scenario runs and their counts.

use enginehouse_core::ids::{EngineId, ScenarioRunId};
use rusqlite::{Connection, Row, params};

use super::columns::{SqliteColumns, sql};
use super::failure::SqliteResult;
use crate::STATUSES;
use crate::rows::{PageRequest, ResultPage, ScenarioRunCounts, StatusCounts};

fn scenario_run(row: &Row<'_>) -> SqliteResult<ScenarioRunCounts> {
    let mut columns = SqliteColumns::of(row);
    let (scenario_run_id, first_enqueued_at) = (columns.read()?, columns.read()?);
    let mut counts = StatusCounts::default();
    for status in STATUSES {
        *counts.of_mut(status) = columns.read()?;
    }
    Ok(ScenarioRunCounts { scenario_run_id, first_enqueued_at, counts })
}

pub(super) fn page(connection: &Connection, page: &PageRequest) -> SqliteResult<ResultPage<ScenarioRunCounts>> {
    let mut statement = connection.prepare_cached(sql!("scenario_runs"))?;
    // One more than asked for tells whether more follow.
    let look_at = i64::from(page.limit) + 1;
    let mut items = statement
        .query_and_then(params![page.after.as_deref().unwrap_or(""), look_at], scenario_run)?
        .collect::<SqliteResult<Vec<_>>>()?;
    let more = items.len() > page.limit as usize;
    items.truncate(page.limit as usize);
    let next = items.last().filter(|_| more).map(|run| run.scenario_run_id.to_string());
    Ok(ResultPage { items, next })
}

pub(super) fn one(
    connection: &Connection,
    run: &ScenarioRunId,
) -> SqliteResult<Option<(ScenarioRunCounts, Vec<EngineId>)>> {
    let mut statement = connection.prepare_cached(sql!("scenario_run"))?;
    let mut rows = statement.query([run.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let counts = scenario_run(row)?;
    let mut statement = connection.prepare_cached(sql!("engines_of_run"))?;
    let engines = statement
        .query_and_then([run.as_str()], |row| SqliteColumns::of(row).read())?
        .collect::<SqliteResult<Vec<_>>>()?;
    Ok(Some((counts, engines)))
}
