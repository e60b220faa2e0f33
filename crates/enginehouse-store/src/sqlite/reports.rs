//! What engines have reported of attempts.

use std::collections::HashMap;

use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::report::LogTail;
use rusqlite::params;

use super::columns::{IdBytes, Parameters, SqliteColumns, sql};
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use crate::rows::{AttemptReportRow, EventRow, ReportSummary, ReportWrite};
use crate::table::{ReportColumns, ReportTextColumns, log_tail};

pub(super) fn write(connection: &SqliteConnection, reports: &[ReportWrite]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("write_reports"))?;
    for report in reports {
        Parameters::of(&mut statement)
            .value(&report.event_id)
            .group(&ReportColumns::of(report))
            .group(&ReportTextColumns::of(report))
            .execute()?;
    }
    Ok(())
}

pub(super) fn log_tails(
    connection: &SqliteConnection,
    locks: &[(EventId, i64)],
) -> SqliteResult<HashMap<(EventId, i64), LogTail>> {
    let mut statement = connection.prepare_cached(sql!("log_tails"))?;
    let mut found = HashMap::new();
    for (event_id, lock_serial) in locks {
        let rows = statement.query(params![IdBytes::of(*event_id), lock_serial])?;
        let tails = connection.all_readable("attempt_reports", rows, read_log)?;
        found.extend(tails.into_iter().filter_map(|(_, tail)| Some(((*event_id, *lock_serial), tail?))));
    }
    Ok(found)
}

pub(super) fn checkpoints(connection: &SqliteConnection, ids: &[EventId]) -> SqliteResult<HashMap<EventId, RawJson>> {
    let mut statement = connection.prepare_cached(sql!("checkpoints"))?;
    let mut found = HashMap::new();
    for event_id in ids {
        let rows = statement.query([IdBytes::of(*event_id)])?;
        let newest = connection.all_readable("attempt_reports", rows, |columns| {
            let _key: (EventId, i64) = (columns.read()?, columns.read()?);
            columns.read::<RawJson>()
        })?;
        found.extend(newest.into_iter().map(|checkpoint| (*event_id, checkpoint)));
    }
    Ok(found)
}

/// Of one event, in the order of its locks.
pub(super) fn of_event(connection: &SqliteConnection, event_id: EventId) -> SqliteResult<Vec<AttemptReportRow>> {
    let mut statement = connection.prepare_cached(sql!("reports"))?;
    connection.all_readable("attempt_reports", statement.query([IdBytes::of(event_id)])?, |columns| {
        let _event_id: EventId = columns.read()?;
        Ok(columns.group::<ReportColumns<'_>>()?.into_row())
    })
}

/// What there is to be shown beside an event: nothing is read for one of which nothing was reported.
pub(super) fn summary(connection: &SqliteConnection, event: &EventRow) -> SqliteResult<Option<ReportSummary>> {
    if event.state.reported_lock_serial.is_none() {
        return Ok(None);
    }
    Ok(Some(ReportSummary::of(&of_event(connection, event.event_id)?, event.state.lock_serial)))
}

pub(super) fn logs(
    connection: &SqliteConnection,
    event_id: EventId,
    lock_serial: Option<i64>,
) -> SqliteResult<Vec<(i64, LogTail)>> {
    let mut statement = connection.prepare_cached(sql!("logs"))?;
    let rows = statement.query(params![IdBytes::of(event_id), lock_serial])?;
    let found = connection.all_readable("attempt_reports", rows, read_log)?;
    Ok(found.into_iter().rev().filter_map(|(lock_serial, tail)| Some((lock_serial, tail?))).collect())
}

/// The serial of the lock, and the end of the log.
fn read_log(columns: &mut SqliteColumns<'_, '_>) -> SqliteResult<(i64, Option<LogTail>)> {
    let _event_id: EventId = columns.read()?;
    Ok((columns.read()?, log_tail(columns.read()?, columns.read()?)))
}
