//! What explanations ask: every engine with what it holds, and the order of events in their lanes.

use std::collections::HashMap;

use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::ids::{EventId, LaneId};
use enginehouse_core::time::Timestamp;

use super::super::columns::{Moment, PgColumns, params, sql};
use super::super::engines;
use super::super::row_reader::RowReader;
use super::super::snapshot::Snapshot;
use super::search;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::PgResult;
use crate::rows::{EventRow, FleetRows, LockRow};
use crate::table::read_event;

pub(crate) async fn fleet(shared: &PgState) -> PgResult<FleetRows> {
    let positions = shared.scan_positions().engines();
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let rows = snapshot.query(sql!("all_engines"), params![]).await?;
    let mut reader = RowReader::new(&shared.unreadable);
    let engines: Vec<RegisteredEngine> = reader.all("engines", &rows, engines::engine)?;
    let names: Vec<_> = engines.iter().map(|engine| engine.engine_id.as_str()).collect();
    let from: Vec<_> =
        engines.iter().map(|engine| positions.get(&engine.engine_id).copied().unwrap_or_default()).collect();
    let rows = snapshot.query(sql!("locks_of_fleet"), params![TEXT_ARRAY: &names, XID8_ARRAY: &from]).await?;
    let locks: Vec<(LockRow, bool)> = reader.all("events", &rows, |columns| {
        let lock = LockRow {
            engine_id: columns.read()?,
            event_id: columns.read()?,
            lane_id: columns.read()?,
            claimed_at: columns.read()?,
            visibility_timeout: columns.read()?,
        };
        Ok((lock, columns.read()?))
    })?;
    let lost_before: Vec<_> = locks.iter().filter(|(_, was_lost)| *was_lost).map(|(lock, _)| lock.event_id).collect();
    let records = search::all_records(&snapshot, &mut reader, &lost_before).await?;
    snapshot.end().await?;
    Ok(FleetRows {
        engines,
        locks: locks.into_iter().map(|(lock, _)| lock).collect(),
        lost_before: records.into_iter().map(|record| record.event).collect(),
    })
}

pub(crate) async fn queued_before(
    shared: &PgState,
    lane_id: LaneId,
    (available_at, event_id): (Timestamp, EventId),
    limit: u32,
) -> PgResult<u64> {
    let from = scan_from(shared);
    let from = Moment(from.get(&lane_id).copied().unwrap_or(Timestamp::MIN));
    let session = shared.readers.session().await?;
    let rows = session
        .query(
            sql!("queued_before"),
            params![
                INT8: &lane_id.0, TIMESTAMPTZ: &from, TIMESTAMPTZ: &Moment(available_at), UUID: &event_id.0,
                INT8: &i64::from(limit),
            ],
        )
        .await?;
    rows.first().map_or(Ok(0), |row| PgColumns::of(row).read())
}

pub(crate) async fn lane_heads(shared: &PgState, lanes: &[LaneId]) -> PgResult<Vec<EventRow>> {
    let from = scan_from(shared);
    let ids: Vec<_> = lanes.iter().map(|lane_id| lane_id.0).collect();
    let from: Vec<_> =
        lanes.iter().map(|lane_id| Moment(from.get(lane_id).copied().unwrap_or(Timestamp::MIN))).collect();
    let session = shared.readers.session().await?;
    let rows = session.query(sql!("lane_heads"), params![INT8_ARRAY: &ids, TIMESTAMPTZ_ARRAY: &from]).await?;
    RowReader::new(&shared.unreadable).all("events", &rows, |columns| read_event(columns))
}

/// From when on there may be queued events in each lane that is known.
fn scan_from(shared: &PgState) -> HashMap<LaneId, Timestamp> {
    shared.scan_positions().lanes().into_iter().map(|(lane_id, position)| (lane_id, position.at)).collect()
}
