//! Locks: the events that are processing.

use enginehouse_core::ids::{EngineId, LaneId};
use enginehouse_core::lock::LockToken;
use enginehouse_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{Columns, IdText, sql};
use super::event_rows;
use super::events::optional_moment;
use super::failure::{Failure, Outcome};
use crate::rows::{EventRow, HeldLock, LockCursor};

pub(super) fn of_engines(connection: &Connection, engines: &[EngineId]) -> Outcome<Vec<HeldLock>> {
    let mut statement = connection.prepare_cached(sql!("locks_of_engines"))?;
    let mut found = Vec::new();
    for engine_id in engines {
        let mut rows = statement.query([engine_id.as_str()])?;
        while let Some(row) = rows.next()? {
            let mut columns = Columns::of(row);
            found.push(HeldLock {
                engine_id: engine_id.clone(),
                event_id: columns.parsed()?,
                lane_id: LaneId(columns.value()?),
                token: LockToken { serial: columns.value()?, secret: u128::from_be_bytes(columns.value()?) },
                claimed_at: columns.time()?,
                cancel_requested: columns.flag()?,
            });
        }
    }
    Ok(found)
}

pub(super) fn expiring(
    connection: &Connection,
    until: Timestamp,
    after: Option<LockCursor>,
    limit: u32,
) -> Outcome<Vec<EventRow>> {
    // Before every time and every id.
    let (at, id) =
        after.map_or((-1, String::new()), |place| (place.expires_at.as_millis(), place.event_id.to_string()));
    let mut statement = connection.prepare_cached(sql!("locks_expiring"))?;
    let mut rows = statement.query(params![until.as_millis(), at, id, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let event_id = Columns::of(row).parsed()?;
        let event = event_rows::by_id(connection, &IdText::of(event_id))?;
        found.push(event.ok_or_else(|| Failure::Row(format!("event {event_id} is in an index only")))?);
    }
    Ok(found)
}

pub(super) fn next_expiry(connection: &Connection) -> Outcome<Option<Timestamp>> {
    optional_moment(connection, sql!("next_lock_expiry"))
}
