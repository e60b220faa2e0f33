//! Locks: the events that are processing.

use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lock::LockToken;
use enginehouse_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{Columns, one_value, sql};
use super::events;
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
                event_id: columns.read()?,
                lane_id: columns.read()?,
                token: LockToken { serial: columns.read()?, secret: u128::from_be_bytes(columns.read::<[u8; 16]>()?) },
                claimed_at: columns.read()?,
                cancel_requested: columns.read()?,
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
        let event_id: EventId = Columns::of(row).read()?;
        let event = events::one(connection, event_id)?;
        found.push(event.ok_or_else(|| Failure::Row(format!("event {event_id} is in an index only")))?);
    }
    Ok(found)
}

pub(super) fn next_expiry(connection: &Connection) -> Outcome<Option<Timestamp>> {
    one_value(connection, sql!("next_lock_expiry"))
}
