//! Counts: those that were added up, and the changes since.

use enginehouse_core::ids::{EngineId, ScenarioRunId};
use enginehouse_core::run_activity::RunActivity;

use super::super::columns::{Moment, PgColumns, params, shown, sql};
use super::super::row_reader::{RowReader, key_of};
use super::super::snapshot::Snapshot;
use crate::postgres::shared::lanes;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::{PgResult, both};
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
    RowReader::new(&shared.unreadable).all("lanes", &rows, |columns| {
        Ok(LaneCounts {
            lane: lanes::lane(columns)?,
            counts: columns.status_counts()?,
            oldest_available_at: columns.read()?,
        })
    })
}

fn run_counts(columns: &mut PgColumns<'_>) -> PgResult<ScenarioRunCounts> {
    Ok(ScenarioRunCounts {
        scenario_run_id: columns.read()?,
        first_enqueued_at: columns.read()?,
        counts: columns.status_counts()?,
        activity: RunActivity { last_activity_at: columns.read()?, ended_lately: columns.read()? },
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
    let shown = &rows[..rows.len().min(page.limit as usize)];
    let items = RowReader::new(&shared.unreadable).all("scenario_runs", shown, run_counts)?;
    let next = shown.last().filter(|_| more).map(|row| key_of("scenario_runs", row));
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
    let (counts, engines) = both(counts, engines)?;
    snapshot.end().await?;
    let Some(row) = counts.first() else { return Ok(None) };
    let mut reader = RowReader::new(&shared.unreadable);
    let counts = reader.one("scenario_runs", row, run_counts)?;
    let engines = RowReader::new(&shared.unreadable).all("events", &engines, |columns| columns.read())?;
    Ok(reader.named(counts)?.map(|counts| (counts, engines)))
}
