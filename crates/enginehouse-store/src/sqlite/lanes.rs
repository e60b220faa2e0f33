//! Lanes, and the counts of their events.

use std::collections::HashMap;

use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::{Lane, LaneKey, VersionRequirement};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{Columns, sql, to_json};
use super::failure::{Failure, Outcome};
use super::writer::Writer;
use crate::rows::{LaneCounts, StatusCounts};

/// Reads a lane in the columns of `lanes_by_id.sql`.
fn lane(columns: &mut Columns<'_, '_>) -> Outcome<Lane> {
    Ok(Lane {
        lane_id: LaneId(columns.value()?),
        key: LaneKey {
            queue: columns.parsed()?,
            event_type: columns.parsed()?,
            priority: columns.number()?,
            required_capabilities: columns.json()?,
            required_memory_mb: columns.optional_number()?,
            engine_version: columns.optional_parsed()?,
        },
    })
}

pub(super) fn after(connection: &Connection, after: LaneId) -> Outcome<Vec<Lane>> {
    let mut statement = connection.prepare_cached(sql!("lanes_after"))?;
    statement.query_and_then([after.0], |row| lane(&mut Columns::of(row)))?.collect()
}

pub(super) fn by_id(connection: &Connection, lane_id: LaneId) -> Outcome<Lane> {
    let mut statement = connection.prepare_cached(sql!("lanes_by_id"))?;
    let mut rows = statement.query([lane_id.0])?;
    match rows.next()? {
        Some(row) => lane(&mut Columns::of(row)),
        None => Err(Failure::Row(format!("there is no lane {}", lane_id.0))),
    }
}

/// The lanes of the events of a page, each read once.
#[derive(Default)]
pub(super) struct KnownLanes(HashMap<LaneId, LaneKey>);

impl KnownLanes {
    pub(super) fn key(&mut self, connection: &Connection, lane_id: LaneId) -> Outcome<LaneKey> {
        if let Some(key) = self.0.get(&lane_id) {
            return Ok(key.clone());
        }
        let key = by_id(connection, lane_id)?.key;
        self.0.insert(lane_id, key.clone());
        Ok(key)
    }
}

pub(super) fn intern(writer: &mut Writer, keys: &[LaneKey]) -> Outcome<Vec<Lane>> {
    keys.iter().map(|key| Ok(Lane { lane_id: intern_one(writer, key)?, key: key.clone() })).collect()
}

fn intern_one(writer: &mut Writer, key: &LaneKey) -> Outcome<LaneId> {
    let LaneKey { queue, event_type, priority, required_capabilities, required_memory_mb, engine_version } = key;
    let capabilities = to_json(required_capabilities)?;
    let version = engine_version.as_ref().map(VersionRequirement::as_str);
    let memory = required_memory_mb.map(|memory| i64::try_from(memory).unwrap_or(i64::MAX));
    let (queue, event_type) = (queue.as_str(), event_type.as_str());
    let connection = &writer.connection;
    let known = connection
        .prepare_cached(sql!("lanes_by_key"))?
        .query_row(params![queue, event_type, priority, capabilities, memory, version], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(LaneId(known));
    }
    // The file forgets a number with the transaction that gave it, but whoever saw that lane may remember it.
    writer.highest_lane += 1;
    let lane_id = writer.highest_lane;
    connection.prepare_cached(sql!("insert_lanes"))?.execute(params![
        lane_id,
        queue,
        event_type,
        priority,
        capabilities,
        memory,
        version
    ])?;
    Ok(LaneId(lane_id))
}

pub(super) fn delete_empty(connection: &Connection, limit: u32) -> Outcome<Vec<LaneId>> {
    let mut statement = connection.prepare_cached(sql!("delete_empty_lanes"))?;
    let mut gone = statement.query_and_then([limit], |row| Ok(LaneId(row.get(0)?)))?.collect::<Outcome<Vec<_>>>()?;
    gone.sort_unstable();
    Ok(gone)
}

pub(super) fn status_counts(connection: &Connection) -> Outcome<StatusCounts> {
    let mut statement = connection.prepare_cached(sql!("status_counts"))?;
    let mut rows = statement.query([])?;
    let mut counts = StatusCounts::default();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::of(row);
        let status = columns.parsed()?;
        *counts.of_mut(status) = columns.number()?;
    }
    Ok(counts)
}

/// One row per lane and status; the rows of a lane follow each other.
pub(super) fn counts(connection: &Connection) -> Outcome<Vec<LaneCounts>> {
    let mut statement = connection.prepare_cached(sql!("lane_counts"))?;
    let mut rows = statement.query([])?;
    let mut found: Vec<LaneCounts> = Vec::new();
    while let Some(row) = rows.next()? {
        add_count(&mut found, row)?;
    }
    Ok(found)
}

fn add_count(found: &mut Vec<LaneCounts>, row: &Row<'_>) -> Outcome<()> {
    let mut columns = Columns::of(row);
    let lane = lane(&mut columns)?;
    let status = columns.optional_parsed()?;
    let events: Option<i64> = columns.value()?;
    let oldest_available_at = columns.optional_time()?;
    if found.last().is_none_or(|last| last.lane.lane_id != lane.lane_id) {
        found.push(LaneCounts { lane, counts: StatusCounts::default(), oldest_available_at });
    }
    if let (Some(last), Some(status), Some(events)) = (found.last_mut(), status, events) {
        *last.counts.of_mut(status) = u64::try_from(events).unwrap_or(0);
    }
    Ok(())
}
