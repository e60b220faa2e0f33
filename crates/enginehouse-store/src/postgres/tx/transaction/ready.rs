//! Ready events, looked for from where work was last found in their lane.

use std::collections::HashMap;

use enginehouse_core::ids::{LaneId, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::columns::{Moment, PgColumns, params, sql};
use super::super::pg_transaction::PostgresTransaction;
use crate::error::StoreError;
use crate::postgres::shared::scan_positions::{LanePosition, ScanPosition};
use crate::postgres::wire::error::{PgError, PgResult};
use crate::rows::{EventRow, ReadyEvent, ReadyRange};
use crate::table::{read_event, read_payload};

pub(crate) const OF_LANES: &str =
    sql!("ready_events", condition = "q.status = 'queued'", order = "q.available_at, q.event_id");
/// What is queued has no lock and no end: said so, the index of all lanes is of no use, which might hold many events of other
/// runs.
pub(crate) const OF_RUN: &str = sql!(
    "ready_events",
    condition = "q.lock_expires_at is null and q.finished_at is null \
                 and q.scenario_run_id >= $6 and q.scenario_run_id <= $6",
    order = "q.scenario_run_id, q.available_at, q.event_id"
);

pub(super) async fn events(
    transaction: &mut PostgresTransaction,
    ranges: &[ReadyRange],
    limit: u32,
) -> Result<Vec<ReadyEvent>, StoreError> {
    let own = own_arrivals(transaction);
    let known: Vec<_> = ranges.iter().map(|range| position_in(transaction, range.lane_id, &own)).collect();
    let (events, firsts) = first(transaction, None, ranges, &known, limit).await?;
    {
        let mut positions = transaction.shared.scan_positions();
        for (range, (began_at, _)) in ranges.iter().zip(&known).filter(|(range, _)| range.after.is_none()) {
            let position = firsts.get(&range.lane_id).copied().unwrap_or(ScanPosition::before(transaction.reading.now));
            positions.advance_lane(range.lane_id, *began_at, transaction.generation, position);
        }
    }
    let empty: Vec<_> = ranges
        .iter()
        .zip(&known)
        .filter(|(range, _)| {
            range.after.is_none() && !firsts.contains_key(&range.lane_id) && !own.contains_key(&range.lane_id)
        })
        .map(|(range, (began_at, _))| (range.lane_id, *began_at))
        .collect();
    find_quiet(transaction, &empty).await?;
    Ok(events)
}

/// Notes until when nothing comes due in lanes that were found without a ready event.
async fn find_quiet(transaction: &mut PostgresTransaction, lanes: &[(LaneId, LanePosition)]) -> Result<(), StoreError> {
    if lanes.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = lanes.iter().map(|(lane, _)| lane.0).collect();
    let now = Moment(transaction.reading.now);
    let rows = transaction.read(sql!("next_ready_of_lanes"), params![INT8_ARRAY: &ids, TIMESTAMPTZ: &now]).await?;
    let next: HashMap<LaneId, Timestamp> =
        transaction.each(&rows, |columns| Ok((columns.read()?, columns.read()?)))?.into_iter().collect();
    let mut positions = transaction.shared.scan_positions();
    for (lane, began_at) in lanes {
        let until = next.get(lane).copied().unwrap_or(Timestamp::MAX);
        positions.found_quiet(*lane, *began_at, transaction.generation, until);
    }
    Ok(())
}

/// The lanes that are not quiet, what this transaction itself has put there included.
pub(super) fn maybe(transaction: &PostgresTransaction, lanes: &[LaneId]) -> Vec<LaneId> {
    let (own, now) = (own_arrivals(transaction), transaction.reading.now);
    let positions = transaction.shared.scan_positions();
    let is_quiet = |lane: &LaneId| positions.lane(*lane).quiet_until > now && own.get(lane).is_none_or(|at| *at > now);
    lanes.iter().copied().filter(|lane| !is_quiet(lane)).collect()
}

pub(super) async fn events_of_run(
    transaction: &mut PostgresTransaction,
    scenario_run_id: &ScenarioRunId,
    ranges: &[ReadyRange],
    limit: u32,
) -> Result<Vec<ReadyEvent>, StoreError> {
    let own = own_arrivals(transaction);
    let known: Vec<_> = ranges.iter().map(|range| position_in(transaction, range.lane_id, &own)).collect();
    let (events, _) = first(transaction, Some(scenario_run_id), ranges, &known, limit).await?;
    Ok(events)
}

/// The first events of all ranges together, and where each lane has its first.
async fn first(
    transaction: &mut PostgresTransaction,
    run: Option<&ScenarioRunId>,
    ranges: &[ReadyRange],
    known: &[(LanePosition, ScanPosition)],
    limit: u32,
) -> Result<(Vec<ReadyEvent>, HashMap<LaneId, ScanPosition>), StoreError> {
    if ranges.is_empty() {
        return Ok((Vec::new(), HashMap::new()));
    }
    let (mut lanes, mut from_at, mut from_id) = (Vec::new(), Vec::new(), Vec::<Uuid>::new());
    for (range, (_, position)) in ranges.iter().zip(known) {
        let from = range.after.map_or(*position, |(at, id)| ScanPosition::after(at, id));
        lanes.push(range.lane_id.0);
        from_at.push(Moment(from.at));
        from_id.push(from.id);
    }
    let now = Moment(transaction.reading.now);
    let mut most = i64::from(limit);
    let found = loop {
        let [p1, p2, p3, p4, p5] = params![
            INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &from_at, UUID_ARRAY: &from_id, TIMESTAMPTZ: &now, INT8: &most,
        ];
        let rows = match run.map(ScenarioRunId::as_str) {
            None => transaction.read(OF_LANES, [p1, p2, p3, p4, p5]).await?,
            Some(run) => transaction.read(OF_RUN, [p1, p2, p3, p4, p5, (&run, Type::TEXT)]).await?,
        };
        let found = transaction.readable("events", &rows, found)?;
        let all_first = found.iter().filter(|row| row.is_among_first).count() as i64;
        if found.len() == rows.len() || all_first >= i64::from(limit) || (rows.len() as i64) < most {
            break found;
        }
        // Rows that cannot be read stand before those that can.
        most *= 2;
    };
    let mut firsts: HashMap<LaneId, ScanPosition> = HashMap::new();
    let mut events = Vec::with_capacity(found.len().min(usize::try_from(limit).unwrap_or(usize::MAX)));
    for FoundRow { is_among_first, payload, event } in found {
        let (lane_id, available_at) = (event.lane_id, event.state.available_at);
        firsts.entry(lane_id).or_insert(ScanPosition { at: available_at, id: event.event_id.0 });
        transaction.locked.insert(event.event_id, (lane_id, available_at));
        if let Some(payload) = payload.filter(|_| is_among_first && events.len() < limit as usize) {
            events.push(ReadyEvent { event, payload });
        }
    }
    if let Some(last) = events.last().filter(|_| events.len() as u64 == u64::from(limit)) {
        // Behind the last one, more may be locked in the lanes of these.
        let at = last.event.state.available_at;
        transaction.locked_behind.extend(events.iter().map(|ready| (ready.event.lane_id, at)));
    }
    Ok((events, firsts))
}

/// One row of the statement.
struct FoundRow {
    /// Whether it is among the first of all ranges, or only the first of its lane.
    is_among_first: bool,
    /// Of the first of all ranges.
    payload: Option<RawJson>,
    event: EventRow,
}

fn found(columns: &mut PgColumns<'_>) -> PgResult<FoundRow> {
    let (is_among_first, payload): (bool, Option<RawJson>) = (columns.read()?, read_payload(columns)?);
    let event = read_event(columns)?;
    match is_among_first && payload.is_none() {
        true => Err(PgError::Row("the event has no payload".to_owned())),
        false => Ok(FoundRow { is_among_first, payload, event }),
    }
}

pub(super) async fn counts(
    transaction: &mut PostgresTransaction,
    lanes: &[LaneId],
    limit: u32,
) -> Result<Vec<(LaneId, u32)>, StoreError> {
    let lanes = &maybe(transaction, lanes)[..];
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
    let own = own_arrivals(transaction);
    let (mut asked, mut next) = (Vec::new(), None);
    let now = transaction.reading.now;
    {
        let positions = transaction.shared.scan_positions();
        for lane in lanes {
            let until = positions.lane(*lane).quiet_until;
            if until <= now || own.contains_key(lane) {
                asked.push(lane.0);
            } else if until < Timestamp::MAX {
                next = next.into_iter().chain([until]).min();
            }
        }
    }
    if asked.is_empty() {
        return Ok(next);
    }
    let of_asked = transaction
        .optional_moment(sql!("next_ready_at"), params![INT8_ARRAY: &asked, TIMESTAMPTZ: &Moment(now)])
        .await?;
    Ok(next.into_iter().chain(of_asked).min())
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
