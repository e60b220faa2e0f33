//! What explanations ask: every engine with what it holds, and the order of events in their lanes.

use enginehouse_core::ids::{EventId, LaneId};
use enginehouse_core::time::Timestamp;

use super::columns::{Parameters, sql};
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use super::{engines, events};
use crate::rows::{EventRow, FleetRows, LockRow};

pub(super) fn fleet(connection: &SqliteConnection) -> SqliteResult<FleetRows> {
    let engines = engines::all(connection)?;
    let mut statement = connection.prepare_cached(sql!("locks_of_fleet"))?;
    let locks = connection.all_readable("events", statement.query([])?, |columns| {
        let lock = LockRow {
            engine_id: columns.read()?,
            event_id: columns.read()?,
            lane_id: columns.read()?,
            claimed_at: columns.read()?,
            visibility_timeout: columns.read()?,
        };
        Ok((lock, columns.read::<bool>()?))
    })?;
    let mut lost_before = Vec::new();
    for (lock, _) in locks.iter().filter(|(_, was_lost)| *was_lost) {
        lost_before.extend(events::one(connection, lock.event_id)?);
    }
    Ok(FleetRows { engines, locks: locks.into_iter().map(|(lock, _)| lock).collect(), lost_before })
}

pub(super) fn queued_before(
    connection: &SqliteConnection,
    lane_id: LaneId,
    (available_at, event_id): (Timestamp, EventId),
    limit: u32,
) -> SqliteResult<u64> {
    let mut statement = connection.prepare_cached(sql!("queued_before"))?;
    let parameters = Parameters::of(&mut statement).value(&lane_id).value(&available_at).value(&event_id).value(&limit);
    let counts = connection.all_readable("events", parameters.query()?, |columns| columns.read())?;
    Ok(counts.first().copied().unwrap_or(0))
}

pub(super) fn lane_heads(connection: &SqliteConnection, lanes: &[LaneId]) -> SqliteResult<Vec<EventRow>> {
    let mut statement = connection.prepare_cached(sql!("lane_heads"))?;
    let mut lanes = lanes.to_vec();
    lanes.sort_unstable();
    let mut heads = Vec::new();
    for lane_id in lanes {
        let rows = statement.query([lane_id.0])?;
        let head: Vec<EventId> = connection.all_readable("events", rows, |columns| columns.read())?;
        for event_id in head {
            heads.extend(events::one(connection, event_id)?);
        }
    }
    Ok(heads)
}
