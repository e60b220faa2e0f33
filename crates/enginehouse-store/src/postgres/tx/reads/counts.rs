//! Counts: those that were added up, and the changes since.

use enginehouse_core::ids::{EngineId, ScenarioRunId};

use super::super::columns::{Moment, PgColumns, params, shown, sql};
use super::super::snapshot::Snapshot;
use crate::postgres::shared::lanes;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::rows::{LaneCounts, PageRequest, ResultPage, ScenarioRunCounts, StatusCounts};

/// How many events are in each status, over all lanes.
pub(crate) async fn totals(session: &Session, shared: &PgState) -> PgResult<StatusCounts> {
    let rows = session.query(sql!("status_counts"), params![XID8: &shared.uncompacted_from()]).await?;
    rows.first().map_or(Ok(StatusCounts::default()), |row| PgColumns::of(row).status_counts())
}

pub(crate) async fn lane_counts(shared: &PgState) -> PgResult<Vec<LaneCounts>> {
    let positions = shared.scan_positions().lanes();
    let known: Vec<_> = positions.iter().map(|(lane_id, _)| lane_id.0).collect();
    let from: Vec<_> = positions.iter().map(|(_, position)| Moment(position.at)).collect();
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let rows = snapshot
        .query(
            sql!("lane_counts"),
            params![XID8: &shared.uncompacted_from(), INT8_ARRAY: &known, TIMESTAMPTZ_ARRAY: &from],
        )
        .await?;
    snapshot.end().await?;
    rows.iter()
        .map(|row| {
            let mut columns = PgColumns::of(row);
            Ok(LaneCounts {
                lane: lanes::lane(&mut columns)?,
                counts: columns.status_counts()?,
                oldest_available_at: columns.read()?,
            })
        })
        .collect()
}

fn run_counts(columns: &mut PgColumns<'_>) -> PgResult<ScenarioRunCounts> {
    Ok(ScenarioRunCounts {
        scenario_run_id: columns.read()?,
        first_enqueued_at: columns.read()?,
        counts: columns.status_counts()?,
    })
}

pub(crate) async fn scenario_runs(shared: &PgState, page: &PageRequest) -> PgResult<ResultPage<ScenarioRunCounts>> {
    let after = shown(page.after.as_deref().unwrap_or(""));
    // One more than asked for tells whether more follow.
    let look_at = i64::from(page.limit) + 1;
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let rows = snapshot
        .query(sql!("scenario_runs"), params![TEXT: &after, INT8: &look_at, XID8: &shared.uncompacted_from()])
        .await?;
    snapshot.end().await?;
    let more = rows.len() > page.limit as usize;
    let shown = rows.iter().take(page.limit as usize);
    let items = shown.map(|row| run_counts(&mut PgColumns::of(row))).collect::<PgResult<Vec<_>>>()?;
    let next = items.last().filter(|_| more).map(|run| run.scenario_run_id.to_string());
    Ok(ResultPage { items, next })
}

pub(crate) async fn scenario_run(
    shared: &PgState,
    run: &ScenarioRunId,
) -> PgResult<Option<(ScenarioRunCounts, Vec<EngineId>)>> {
    let (name, locks_from) = (run.as_str(), Moment(shared.scan_positions().locks_from));
    let from = shared.uncompacted_from();
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let (counts, engines) = tokio::join!(
        snapshot.query(sql!("scenario_run"), params![TEXT: &name, XID8: &from]),
        snapshot.query(sql!("engines_of_run"), params![TEXT: &name, TIMESTAMPTZ: &locks_from]),
    );
    let (counts, engines) = (counts?, engines?);
    snapshot.end().await?;
    let Some(row) = counts.first() else { return Ok(None) };
    let counts = run_counts(&mut PgColumns::of(row))?;
    let engines = engines.iter().map(|row| PgColumns::of(row).read()).collect::<PgResult<_>>()?;
    Ok(Some((counts, engines)))
}
