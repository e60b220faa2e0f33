//! Locks: the events that are processing.

use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::time::Timestamp;

use super::columns::{Parameters, one_value, sql};
use super::connection::SqliteConnection;
use super::events;
use super::failure::SqliteResult;
use crate::rows::{EventRow, LockCursor};
use crate::table::{Cell, read_event};

pub(super) fn held_events(connection: &SqliteConnection, engines: &[EngineId]) -> SqliteResult<Vec<EventRow>> {
    let mut statement = connection.prepare_cached(sql!("held_events"))?;
    let mut found = Vec::new();
    for engine_id in engines {
        let mut rows = statement.query([engine_id.as_str()])?;
        while let Some(row) = rows.next()? {
            found.extend(connection.readable("events", row, |columns| read_event(columns))?);
        }
    }
    found.sort_by_key(|event| event.event_id);
    Ok(found)
}

pub(super) fn expiring(
    connection: &SqliteConnection,
    until: Timestamp,
    after: Option<LockCursor>,
    limit: u32,
) -> SqliteResult<Vec<EventRow>> {
    let mut statement = connection.prepare_cached(sql!("locks_expiring"))?;
    let mut parameters = Parameters::of(&mut statement).value(&until);
    parameters = match &after {
        Some(LockCursor { expires_at, event_id }) => parameters.value(expires_at).value(event_id),
        // Before every time and every id.
        None => parameters.cell(Cell::Number(-1)).cell(Cell::Bytes(&[])),
    };
    // The statement has no limit of its own: so many that can be read, and not so many in all.
    let mut rows = parameters.cell(Cell::Number(-1)).query()?;
    let mut found = Vec::new();
    while found.len() < limit as usize
        && let Some(row) = rows.next()?
    {
        let event_id: Option<EventId> = connection.readable("events", row, |columns| columns.read())?;
        let Some(event_id) = event_id else { continue };
        found.extend(events::one(connection, event_id)?);
    }
    Ok(found)
}

pub(super) fn next_expiry(connection: &SqliteConnection) -> SqliteResult<Option<Timestamp>> {
    one_value(connection, sql!("next_lock_expiry"))
}
