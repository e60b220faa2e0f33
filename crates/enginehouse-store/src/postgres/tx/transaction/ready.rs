//! Ready events, looked for from where work was last found in their lane.

use std::collections::HashMap;

use enginehouse_core::ids::{LaneId, ScenarioRunId};
use enginehouse_core::time::Timestamp;
use uuid::Uuid;

use super::super::columns::{Moment, params, sql};
use super::PostgresTransaction;
use crate::StoreError;
use crate::postgres::shared::scan_positions::{LanePosition, ScanPosition};
use crate::rows::{EventRow, ReadyEvent, ReadyRange};
use crate::table::read_event;

pub(super) async fn events(
    transaction: &mut PostgresTransaction,
    ranges: &[ReadyRange],
    limit: u32,
) -> Result<Vec<ReadyEvent>, StoreError> {
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let own = own_arrivals(transaction);
    let mut began_at = Vec::with_capacity(ranges.len());
    let (mut lanes, mut from_at, mut from_id) = (Vec::new(), Vec::new(), Vec::<Uuid>::new());
    for range in ranges {
        let (known, position) = position_in(transaction, range.lane_id, &own);
        let position = range.after.map_or(position, |(at, id)| ScanPosition::after(at, id));
        began_at.push(known);
        lanes.push(range.lane_id.0);
        from_at.push(Moment(position.at));
        from_id.push(position.id);
    }
    let (now, limit) = (Moment(transaction.reading.now), i64::from(limit));
    let rows = transaction
        .read(
            sql!("ready_events"),
            params![
                INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &from_at, UUID_ARRAY: &from_id, TIMESTAMPTZ: &now,
                INT8: &limit,
            ],
        )
        .await?;
    let events = transaction.each(&rows, |columns| read_event(columns))?;
    let mut firsts: HashMap<LaneId, ScanPosition> = HashMap::new();
    for event in &events {
        let position = ScanPosition { at: event.state.available_at, id: event.event_id.0 };
        firsts.entry(event.lane_id).or_insert(position);
    }
    {
        let mut positions = transaction.shared.scan_positions();
        for (range, began_at) in ranges.iter().zip(began_at).filter(|(range, _)| range.after.is_none()) {
            let position = firsts.get(&range.lane_id).copied().unwrap_or(ScanPosition::before(transaction.reading.now));
            positions.advance_lane(range.lane_id, began_at, transaction.generation, position);
        }
    }
    Ok(take(transaction, events))
}

pub(super) async fn events_of_run(
    transaction: &mut PostgresTransaction,
    scenario_run_id: &ScenarioRunId,
    lanes: &[LaneId],
    limit: u32,
) -> Result<Vec<ReadyEvent>, StoreError> {
    if lanes.is_empty() {
        return Ok(Vec::new());
    }
    let own = own_arrivals(transaction);
    let from: Vec<_> = lanes.iter().map(|lane| Moment(position_in(transaction, *lane, &own).1.at)).collect();
    let lanes: Vec<_> = lanes.iter().map(|lane| lane.0).collect();
    let (run, now, limit) = (scenario_run_id.as_str(), Moment(transaction.reading.now), i64::from(limit));
    let rows = transaction
        .read(
            sql!("ready_events_of_run"),
            params![
                INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &from, TEXT: &run, TIMESTAMPTZ: &now, INT8: &limit,
            ],
        )
        .await?;
    let events = transaction.each(&rows, |columns| read_event(columns))?;
    Ok(take(transaction, events))
}

pub(super) async fn counts(
    transaction: &mut PostgresTransaction,
    lanes: &[LaneId],
    limit: u32,
) -> Result<Vec<(LaneId, u32)>, StoreError> {
    if lanes.is_empty() {
        return Ok(Vec::new());
    }
    let own = own_arrivals(transaction);
    let from: Vec<_> = lanes.iter().map(|lane| Moment(position_in(transaction, *lane, &own).1.at)).collect();
    let lanes: Vec<_> = lanes.iter().map(|lane| lane.0).collect();
    let (now, limit) = (Moment(transaction.reading.now), i64::from(limit));
    let rows = transaction
        .read(
            sql!("ready_counts"),
            params![INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &from, TIMESTAMPTZ: &now, INT8: &limit],
        )
        .await?;
    transaction.each(&rows, |columns| Ok((columns.read()?, columns.read()?)))
}

pub(super) async fn next_at(
    transaction: &mut PostgresTransaction,
    lanes: &[LaneId],
) -> Result<Option<Timestamp>, StoreError> {
    if lanes.is_empty() {
        return Ok(None);
    }
    let lanes: Vec<_> = lanes.iter().map(|lane| lane.0).collect();
    let now = Moment(transaction.reading.now);
    transaction.optional_moment(sql!("next_ready_at"), params![INT8_ARRAY: &lanes, TIMESTAMPTZ: &now]).await
}

/// From where on to look in a lane: what this transaction itself has put there counts too.
fn position_in(
    transaction: &PostgresTransaction,
    lane: LaneId,
    own: &HashMap<LaneId, Timestamp>,
) -> (LanePosition, ScanPosition) {
    let known = transaction.shared.scan_positions().lane(lane);
    let position = own.get(&lane).map_or(known.position, |at| known.position.min(ScanPosition::before(*at)));
    (known, position)
}

fn own_arrivals(transaction: &PostgresTransaction) -> HashMap<LaneId, Timestamp> {
    let mut own = HashMap::new();
    for (lane, at) in transaction.changes.arrivals() {
        own.entry(lane).and_modify(|first: &mut Timestamp| *first = (*first).min(at)).or_insert(at);
    }
    own
}

/// Keeps events for whoever asks for them next, and answers their positions.
fn take(transaction: &mut PostgresTransaction, events: Vec<EventRow>) -> Vec<ReadyEvent> {
    let mut ready = Vec::with_capacity(events.len());
    for event in events {
        let (lane_id, available_at, event_id) = (event.lane_id, event.state.available_at, event.event_id);
        ready.push(ReadyEvent { lane_id, available_at, event_id });
        transaction.locked.insert(event_id, (lane_id, available_at));
        transaction.taken.insert(event_id, event);
    }
    ready
}
