//! What happened each minute.

use enginehouse_core::time::Timestamp;
use rusqlite::params;

use super::columns::{Parameters, sql};
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use crate::rows::{MinuteFilter, MinuteKey, MinuteRow};
use crate::table::MinuteColumns;

pub(super) fn add(connection: &SqliteConnection, rows: &[MinuteRow]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("add_minutes"))?;
    for row in rows {
        Parameters::of(&mut statement).group(&MinuteColumns::of(row)).execute()?;
    }
    Ok(())
}

pub(super) fn delete(connection: &SqliteConnection, before: Timestamp, limit: u32) -> SqliteResult<u32> {
    let deleted = connection.prepare_cached(sql!("delete_minutes"))?.execute(params![before.as_millis(), limit])?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}

pub(super) fn of(
    connection: &SqliteConnection,
    filter: &MinuteFilter,
    after: Option<MinuteKey>,
    limit: u32,
) -> SqliteResult<Vec<MinuteRow>> {
    let place = filter.place(after);
    let (queue, event_type) = place.names();
    let mut statement = connection.prepare_cached(sql!("minutes"))?;
    let rows = statement.query(params![
        place.minute.as_millis(),
        queue,
        event_type,
        filter.to.as_millis(),
        filter.queue.as_ref().map(|queue| queue.as_str()),
        filter.event_type.as_ref().map(|event_type| event_type.as_str()),
        limit,
    ])?;
    connection.all_readable("event_minutes", rows, |columns| Ok(columns.group::<MinuteColumns<'_>>()?.into_row()?))
}
