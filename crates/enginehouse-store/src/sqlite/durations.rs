//! How long events waited and took, as daily histograms.

use enginehouse_core::ids::EventType;
use enginehouse_core::time::Timestamp;
use rusqlite::params;

use super::columns::{Parameters, sql};
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use crate::rows::DurationRow;
use crate::table::DurationColumns;

pub(super) fn add(connection: &SqliteConnection, rows: &[DurationRow]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("add_durations"))?;
    for row in rows {
        Parameters::of(&mut statement).group(&DurationColumns::of(row)).execute()?;
    }
    Ok(())
}

pub(super) fn delete(connection: &SqliteConnection, before: Timestamp, limit: u32) -> SqliteResult<u32> {
    let deleted = connection.prepare_cached(sql!("delete_durations"))?.execute(params![before.as_millis(), limit])?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}

pub(super) fn of(connection: &SqliteConnection, event_type: Option<&EventType>) -> SqliteResult<Vec<DurationRow>> {
    let mut statement = match event_type {
        Some(_) => connection.prepare_cached(sql!("durations_of_type"))?,
        None => connection.prepare_cached(sql!("durations"))?,
    };
    let rows = match event_type {
        Some(event_type) => statement.query([event_type.as_str()])?,
        None => statement.query([])?,
    };
    connection
        .all_readable("duration_histograms", rows, |columns| Ok(columns.group::<DurationColumns<'_>>()?.into_row()?))
}
