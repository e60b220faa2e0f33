//! Ready events: positions are read from an index alone, and only the first of them all as whole rows.

use std::collections::BinaryHeap;

use enginehouse_core::ids::{EventId, LaneId, ScenarioRunId};
use enginehouse_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{Parameters, SqliteColumns, sql};
use super::events;
use super::failure::{SqliteError, SqliteResult};
use crate::rows::{ReadyEvent, ReadyRange};
use crate::table::Cell;

pub(super) fn events(
    connection: &Connection,
    ranges: &[ReadyRange],
    now: Timestamp,
    limit: u32,
) -> SqliteResult<Vec<ReadyEvent>> {
    first(connection, sql!("ready_events"), ranges, None, now, limit)
}

pub(super) fn events_of_run(
    connection: &Connection,
    run: &ScenarioRunId,
    ranges: &[ReadyRange],
    now: Timestamp,
    limit: u32,
) -> SqliteResult<Vec<ReadyEvent>> {
    first(connection, sql!("ready_events_of_run"), ranges, Some(run), now, limit)
}

/// The first events of all ranges together.
fn first(
    connection: &Connection,
    sql: &'static str,
    ranges: &[ReadyRange],
    run: Option<&ScenarioRunId>,
    now: Timestamp,
    limit: u32,
) -> SqliteResult<Vec<ReadyEvent>> {
    let limit_len = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    // The last of the first ones is on top: a range is read until it comes behind that one.
    let mut first: BinaryHeap<(Timestamp, EventId)> = BinaryHeap::new();
    for ReadyRange { lane_id, after } in ranges {
        let mut parameters = Parameters::of(&mut statement).value(lane_id).value(&now);
        parameters = match after {
            Some((available_at, event_id)) => parameters.value(available_at).value(event_id),
            // Before every time and every id.
            None => parameters.cell(Cell::Number(-1)).cell(Cell::Text("")),
        };
        parameters = parameters.value(&limit);
        if let Some(run) = run {
            parameters = parameters.value(run);
        }
        let mut rows = parameters.query()?;
        while let Some(row) = rows.next()? {
            let mut columns = SqliteColumns::of(row);
            let position = (columns.read()?, columns.read()?);
            if first.len() >= limit_len && first.peek().is_none_or(|last| *last <= position) {
                break;
            }
            first.push(position);
            if first.len() > limit_len {
                first.pop();
            }
        }
    }
    let ready = |(_, event_id): (Timestamp, EventId)| {
        let event = events::one(connection, event_id)?.zip(events::payload(connection, event_id)?);
        let (event, payload) =
            event.ok_or_else(|| SqliteError::Row(format!("event {event_id} has no row or no payload")))?;
        Ok(ReadyEvent { event, payload })
    };
    first.into_sorted_vec().into_iter().map(ready).collect()
}

pub(super) fn counts(
    connection: &Connection,
    lanes: &[LaneId],
    now: Timestamp,
    limit: u32,
) -> SqliteResult<Vec<(LaneId, u32)>> {
    let mut statement = connection.prepare_cached(sql!("ready_counts"))?;
    let mut found = Vec::new();
    for lane_id in lanes {
        let count = statement.query_row(params![lane_id.0, now.as_millis(), limit], |row| row.get(0))?;
        if count > 0 {
            found.push((*lane_id, count));
        }
    }
    Ok(found)
}

pub(super) fn next_at(connection: &Connection, lanes: &[LaneId], now: Timestamp) -> SqliteResult<Option<Timestamp>> {
    let mut statement = connection.prepare_cached(sql!("next_ready_at"))?;
    let mut next: Option<Timestamp> = None;
    for lane_id in lanes {
        let mut rows = statement.query([lane_id.0, now.as_millis()])?;
        if let Some(row) = rows.next()? {
            let at = SqliteColumns::of(row).read()?;
            next = Some(next.map_or(at, |next| next.min(at)));
        }
    }
    Ok(next)
}
