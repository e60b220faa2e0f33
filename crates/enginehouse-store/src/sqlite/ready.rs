//! Ready events: positions are read from an index alone, and only the first of them all as whole rows.

use std::collections::BinaryHeap;

use enginehouse_core::ids::{EventId, LaneId, ScenarioRunId};
use enginehouse_core::time::Timestamp;
use rusqlite::params;

use super::columns::{Parameters, SqliteColumns, one_value, sql};
use super::connection::SqliteConnection;
use super::events;
use super::failure::SqliteResult;
use super::writer::Writer;
use crate::rows::{EventRow, ReadyEvent, ReadyRange};
use crate::table::Cell;

pub(super) fn events(
    writer: &mut Writer,
    ranges: &[ReadyRange],
    now: Timestamp,
    limit: u32,
) -> SqliteResult<Vec<ReadyEvent>> {
    let (found, empty) = first(&writer.connection, sql!("ready_events"), ranges, None, now, limit)?;
    for lane_id in empty {
        let next = next_in(&writer.connection, lane_id, now)?;
        writer.quiet_lanes.found(lane_id, next.unwrap_or(Timestamp::MAX));
    }
    Ok(found)
}

pub(super) fn events_of_run(
    connection: &SqliteConnection,
    run: &ScenarioRunId,
    ranges: &[ReadyRange],
    now: Timestamp,
    limit: u32,
) -> SqliteResult<Vec<ReadyEvent>> {
    Ok(first(connection, sql!("ready_events_of_run"), ranges, Some(run), now, limit)?.0)
}

/// The first events of all ranges together, and the lanes that were found without any from their beginning on.
fn first(
    connection: &SqliteConnection,
    sql: &'static str,
    ranges: &[ReadyRange],
    run: Option<&ScenarioRunId>,
    now: Timestamp,
    limit: u32,
) -> SqliteResult<(Vec<ReadyEvent>, Vec<LaneId>)> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut look_at = limit;
    loop {
        let skipped_before = connection.skipped();
        let Positions { first, empty, all } = positions(connection, sql, ranges, run, now, look_at)?;
        let mut found = Vec::with_capacity(first.len());
        for (_, event_id) in first {
            found.extend(events::ready(connection, event_id)?);
        }
        let skipped = connection.skipped() - skipped_before;
        if skipped == 0 || found.len() >= wanted || all {
            found.truncate(wanted);
            return Ok((found, empty));
        }
        // Rows that cannot be read stand before those that can.
        look_at = look_at.saturating_mul(2).max(1);
    }
}

/// Where ready events are.
struct Positions {
    /// The first of them, in their order.
    first: Vec<(Timestamp, EventId)>,
    /// The lanes that have none.
    empty: Vec<LaneId>,
    /// Whether there are no others.
    all: bool,
}

/// The first positions of all ranges together.
fn positions(
    connection: &SqliteConnection,
    sql: &'static str,
    ranges: &[ReadyRange],
    run: Option<&ScenarioRunId>,
    now: Timestamp,
    limit: u32,
) -> SqliteResult<Positions> {
    let limit_len = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let (mut empty, mut all) = (Vec::new(), true);
    // The last of the first ones is on top: a range is read until it comes behind that one.
    let mut first: BinaryHeap<(Timestamp, EventId)> = BinaryHeap::new();
    for ReadyRange { lane_id, after } in ranges {
        let mut parameters = Parameters::of(&mut statement).value(lane_id).value(&now);
        parameters = match after {
            Some((available_at, event_id)) => parameters.value(available_at).value(event_id),
            // Before every time and every id.
            None => parameters.cell(Cell::Number(-1)).cell(Cell::Bytes(&[])),
        };
        parameters = parameters.value(&limit);
        if let Some(run) = run {
            parameters = parameters.value(run);
        }
        let mut rows = parameters.query()?;
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            looked_at += 1;
            all &= looked_at < limit_len;
            let position = connection.readable("events", row, |columns| Ok((columns.read()?, columns.read()?)))?;
            let Some(position) = position else { continue };
            if first.len() >= limit_len && first.peek().is_none_or(|last| *last <= position) {
                all = false;
                break;
            }
            first.push(position);
            if first.len() > limit_len {
                all = false;
                first.pop();
            }
        }
        if looked_at == 0 && after.is_none() {
            empty.push(*lane_id);
        }
    }
    Ok(Positions { first: first.into_sorted_vec(), empty, all })
}

pub(super) fn counts(
    connection: &SqliteConnection,
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

pub(super) fn next_at(writer: &Writer, lanes: &[LaneId], now: Timestamp) -> SqliteResult<Option<Timestamp>> {
    let mut next: Option<Timestamp> = None;
    for lane_id in lanes {
        let at = match writer.quiet_lanes.until(*lane_id, now) {
            Some(until) => Some(until).filter(|until| *until < Timestamp::MAX),
            None => next_in(&writer.connection, *lane_id, now)?,
        };
        next = next.into_iter().chain(at).min();
    }
    Ok(next)
}

/// When the next event of a lane that is not due yet comes due.
fn next_in(connection: &SqliteConnection, lane_id: LaneId, now: Timestamp) -> SqliteResult<Option<Timestamp>> {
    let mut statement = connection.prepare_cached(sql!("next_ready_at"))?;
    let mut rows = statement.query([lane_id.0, now.as_millis()])?;
    rows.next()?.map(|row| SqliteColumns::of(row).read()).transpose()
}

/// Queued events whose expiry has come.
pub(super) fn expired(connection: &SqliteConnection, until: Timestamp, limit: u32) -> SqliteResult<Vec<EventRow>> {
    let mut statement = connection.prepare_cached(sql!("expired_events"))?;
    // The statement has no limit of its own: so many that can be read, and not so many in all.
    let mut rows = Parameters::of(&mut statement).value(&until).cell(Cell::Number(-1)).query()?;
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
    one_value(connection, sql!("next_event_expiry"))
}
