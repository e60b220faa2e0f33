//! Scenario runs and their counts.

use enginehouse_core::ids::{EngineId, ScenarioRunId};
use enginehouse_core::run_activity::RunActivity;
use rusqlite::params;

use super::columns::{SqliteColumns, sql};
use super::connection::{SqliteConnection, key_of};
use super::failure::SqliteResult;
use crate::STATUSES;
use crate::rows::{PageRequest, ResultPage, ScenarioRunCounts, StatusCounts};

fn scenario_run(columns: &mut SqliteColumns<'_, '_>) -> SqliteResult<ScenarioRunCounts> {
    let (scenario_run_id, first_enqueued_at) = (columns.read()?, columns.read()?);
    let mut counts = StatusCounts::default();
    for status in STATUSES {
        *counts.of_mut(status) = columns.read()?;
    }
    let activity = RunActivity { last_activity_at: columns.read()?, ended_lately: columns.read()? };
    Ok(ScenarioRunCounts { scenario_run_id, first_enqueued_at, counts, activity })
}

pub(super) fn page(connection: &SqliteConnection, page: &PageRequest) -> SqliteResult<ResultPage<ScenarioRunCounts>> {
    let mut statement = connection.prepare_cached(sql!("scenario_runs"))?;
    // One more than asked for tells whether more follow.
    let look_at = i64::from(page.limit) + 1;
    let mut rows = statement.query(params![page.after.as_deref().unwrap_or(""), look_at])?;
    let (mut items, mut last, mut looked_at) = (Vec::new(), None, 0);
    while looked_at < page.limit
        && let Some(row) = rows.next()?
    {
        looked_at += 1;
        last = Some(key_of("scenario_runs", row));
        items.extend(connection.readable("scenario_runs", row, scenario_run)?);
    }
    let next = if rows.next()?.is_some() { last } else { None };
    Ok(ResultPage { items, next })
}

pub(super) fn one(
    connection: &SqliteConnection,
    run: &ScenarioRunId,
) -> SqliteResult<Option<(ScenarioRunCounts, Vec<EngineId>)>> {
    let mut statement = connection.prepare_cached(sql!("scenario_run"))?;
    let mut rows = statement.query([run.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let Some(counts) = connection.readable("scenario_runs", row, scenario_run)? else { return Ok(None) };
    let mut statement = connection.prepare_cached(sql!("engines_of_run"))?;
    let engines = connection.all_readable("events", statement.query([run.as_str()])?, |columns| columns.read())?;
    Ok(Some((counts, engines)))
}
