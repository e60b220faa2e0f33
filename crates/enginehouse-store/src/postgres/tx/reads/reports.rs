//! What engines have reported of attempts, for people.

use std::collections::HashMap;

use enginehouse_core::ids::EventId;
use enginehouse_core::report::LogTail;

use super::super::columns::{PgColumns, params, sql, uuids};
use super::super::row_reader::RowReader;
use super::super::snapshot::Snapshot;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::rows::{AttemptReportRow, EventRecord, ReportSummary};
use crate::table::{ReportColumns, log_tail};

/// Of each event in the order of its locks.
pub(super) async fn of_events(
    session: &Session,
    reader: &mut RowReader<'_>,
    ids: &[EventId],
) -> PgResult<HashMap<EventId, Vec<AttemptReportRow>>> {
    let mut found: HashMap<EventId, Vec<AttemptReportRow>> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let rows = session.query(sql!("reports"), params![UUID_ARRAY: &uuids(ids)]).await?;
    let read = |columns: &mut PgColumns<'_>| Ok((columns.read()?, columns.group::<ReportColumns<'_>>()?.into_row()));
    for (event_id, report) in reader.all("attempt_reports", &rows, read)? {
        found.entry(event_id).or_default().push(report);
    }
    Ok(found)
}

/// Adds what is shown beside events: nothing is read for those of which nothing was reported.
pub(super) async fn add_summaries<'r>(
    session: &Session,
    reader: &mut RowReader<'_>,
    records: impl Iterator<Item = &'r mut EventRecord>,
) -> PgResult<()> {
    let reported: Vec<_> = records.filter(|record| record.event.state.reported_lock_serial.is_some()).collect();
    let ids: Vec<_> = reported.iter().map(|record| record.event.event_id).collect();
    let found = of_events(session, reader, &ids).await?;
    for record in reported {
        let reports = found.get(&record.event.event_id).map_or(&[][..], Vec::as_slice);
        record.reports = Some(ReportSummary::of(reports, record.event.state.lock_serial));
    }
    Ok(())
}

pub(crate) async fn logs(
    shared: &PgState,
    event_id: EventId,
    lock_serial: Option<i64>,
) -> PgResult<Vec<(i64, LogTail)>> {
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let rows = snapshot.query(sql!("logs"), params![UUID: &event_id.0, INT8: &lock_serial]).await?;
    snapshot.end().await?;
    let found = RowReader::new(&shared.unreadable).all("attempt_reports", &rows, read_log)?;
    Ok(found.into_iter().rev().filter_map(|(_, serial, tail)| Some((serial, tail?))).collect())
}

/// The event, the serial of the lock, and the end of the log.
pub(crate) fn read_log(columns: &mut PgColumns<'_>) -> PgResult<(EventId, i64, Option<LogTail>)> {
    Ok((columns.read()?, columns.read()?, log_tail(columns.read()?, columns.read()?)))
}
