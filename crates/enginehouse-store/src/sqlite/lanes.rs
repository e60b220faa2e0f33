//! Lanes, and the counts of their events.

use std::collections::HashMap;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::{Lane, LaneKey};
use enginehouse_core::time::Timestamp;

use super::columns::{Parameters, SqliteColumns, sql};
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use super::writer::Writer;
use crate::rows::{LaneCounts, StatusCounts};
use crate::table::LaneColumns;
use crate::unreadable::UnreadableRow;

/// Reads `lane_id, {lane_columns}`.
fn lane(columns: &mut SqliteColumns<'_, '_>) -> SqliteResult<Lane> {
    Ok(Lane { lane_id: columns.read()?, key: columns.group::<LaneColumns<'_>>()?.into_key()? })
}

pub(super) fn after(connection: &SqliteConnection, after: LaneId) -> SqliteResult<Vec<Lane>> {
    let mut statement = connection.prepare_cached(sql!("lanes_after"))?;
    connection.all_readable("lanes", statement.query([after.0])?, lane)
}

fn by_id(connection: &SqliteConnection, lane_id: LaneId) -> SqliteResult<Option<Lane>> {
    let mut statement = connection.prepare_cached(sql!("lanes_by_id"))?;
    let mut rows = statement.query([lane_id.0])?;
    match rows.next()? {
        Some(row) => connection.readable("lanes", row, lane),
        None => {
            connection.skip(UnreadableRow::new("lanes", lane_id.0, "it is not there, and an event is in it"));
            Ok(None)
        }
    }
}

/// The same of lanes that need not be there.
pub(super) fn find(connection: &SqliteConnection, lane_id: LaneId) -> SqliteResult<Option<Lane>> {
    let mut statement = connection.prepare_cached(sql!("lanes_by_id"))?;
    let mut rows = statement.query([lane_id.0])?;
    match rows.next()? {
        Some(row) => connection.readable("lanes", row, lane),
        None => Ok(None),
    }
}

/// The lanes of the events of a page, each read once.
#[derive(Default)]
pub(super) struct KnownLanes(HashMap<LaneId, LaneKey>);

impl KnownLanes {
    pub(super) fn key(&mut self, connection: &SqliteConnection, lane_id: LaneId) -> SqliteResult<Option<LaneKey>> {
        if let Some(key) = self.0.get(&lane_id) {
            return Ok(Some(key.clone()));
        }
        let Some(Lane { key, .. }) = by_id(connection, lane_id)? else { return Ok(None) };
        self.0.insert(lane_id, key.clone());
        Ok(Some(key))
    }
}

pub(super) fn intern(writer: &mut Writer, keys: &[LaneKey]) -> SqliteResult<Vec<Lane>> {
    keys.iter().map(|key| Ok(Lane { lane_id: intern_one(writer, key)?, key: key.clone() })).collect()
}

fn intern_one(writer: &mut Writer, key: &LaneKey) -> SqliteResult<LaneId> {
    let columns = LaneColumns::of(key);
    let connection = &writer.connection;
    let mut find = connection.prepare_cached(sql!("lanes_by_key"))?;
    if let Some(known) = Parameters::of(&mut find).group(&columns).first()? {
        return Ok(known);
    }
    // The file forgets a number with the transaction that gave it, but whoever saw that lane may remember it.
    writer.highest_lane += 1;
    let lane_id = LaneId(writer.highest_lane);
    let mut insert = connection.prepare_cached(sql!("insert_lanes"))?;
    Parameters::of(&mut insert).value(&lane_id).group(&columns).execute()?;
    Ok(lane_id)
}

pub(super) fn delete_empty(connection: &SqliteConnection, limit: u32) -> SqliteResult<Vec<LaneId>> {
    let mut statement = connection.prepare_cached(sql!("delete_empty_lanes"))?;
    let mut gone =
        statement.query_and_then([limit], |row| Ok(LaneId(row.get(0)?)))?.collect::<SqliteResult<Vec<_>>>()?;
    gone.sort_unstable();
    Ok(gone)
}

pub(super) fn queued_events(connection: &SqliteConnection, lanes: &[LaneId]) -> SqliteResult<Vec<(LaneId, u64)>> {
    let mut statement = connection.prepare_cached(sql!("queued_events"))?;
    let mut found = Vec::new();
    for lane_id in lanes {
        let mut rows = statement.query([lane_id.0])?;
        if let Some(row) = rows.next()? {
            let events: i64 = row.get(0)?;
            found.push((*lane_id, u64::try_from(events).unwrap_or(0)));
        }
    }
    Ok(found)
}

pub(super) fn status_counts(connection: &SqliteConnection) -> SqliteResult<StatusCounts> {
    let mut statement = connection.prepare_cached(sql!("status_counts"))?;
    let mut rows = statement.query([])?;
    let mut counts = StatusCounts::default();
    while let Some(row) = rows.next()? {
        let read = connection.readable("lane_counts", row, |columns| Ok((columns.read()?, columns.read()?)))?;
        if let Some((status, events)) = read {
            *counts.of_mut(status) = events;
        }
    }
    Ok(counts)
}

/// One row per lane and status; the rows of a lane follow each other.
pub(super) fn counts(connection: &SqliteConnection) -> SqliteResult<Vec<LaneCounts>> {
    let mut statement = connection.prepare_cached(sql!("lane_counts"))?;
    let mut rows = statement.query([])?;
    let mut found: Vec<LaneCounts> = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(count) = connection.readable("lanes", row, lane_count)? {
            add_count(&mut found, count);
        }
    }
    Ok(found)
}

/// A lane, one of its counts, and when its oldest event became available.
type LaneCount = (Lane, Option<EventStatus>, Option<i64>, Option<Timestamp>);

fn lane_count(columns: &mut SqliteColumns<'_, '_>) -> SqliteResult<LaneCount> {
    Ok((lane(columns)?, columns.read()?, columns.read()?, columns.read()?))
}

fn add_count(found: &mut Vec<LaneCounts>, (lane, status, events, oldest_available_at): LaneCount) {
    if found.last().is_none_or(|last| last.lane.lane_id != lane.lane_id) {
        found.push(LaneCounts { lane, counts: StatusCounts::default(), oldest_available_at });
    }
    if let (Some(last), Some(status), Some(events)) = (found.last_mut(), status, events) {
        *last.counts.of_mut(status) = u64::try_from(events).unwrap_or(0);
    }
}
