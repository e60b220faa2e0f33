//! Locks: those of engines, and those that expire. Both are looked for from where the last look has found the first.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;

use super::super::columns::{Moment, PgColumns, Xid, params, sql};
use super::super::pg_transaction::PostgresTransaction;
use crate::error::StoreError;
use crate::postgres::shared::scan_positions::ScanPosition;
use crate::rows::{EventRow, LockCursor};
use crate::table::read_event;

/// How far back a look for expired locks goes behind the last one. A lock whose transaction took longer to commit than it
/// lasts is found by the next look at everything.
const SLACK: Duration = Duration::from_secs(5);

pub(super) async fn held_events(
    transaction: &mut PostgresTransaction,
    engines: &[EngineId],
    for_update: bool,
) -> Result<Vec<EventRow>, StoreError> {
    if engines.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<_> = engines.iter().map(EngineId::as_str).collect();
    let from: Vec<_> = {
        let positions = transaction.shared.scan_positions();
        engines.iter().map(|engine_id| positions.engine(engine_id)).collect()
    };
    let params = params![TEXT_ARRAY: &names, XID8_ARRAY: &from];
    let rows = match for_update {
        true => transaction.query(sql!("held_events_for_update"), params).await?,
        false => transaction.read(sql!("held_events"), params).await?,
    };
    let read = |columns: &mut PgColumns<'_>| Ok((read_event(columns)?, columns.value::<Xid>()?));
    let found = transaction.readable("events", &rows, read)?;
    if for_update {
        // What another transaction works on is not among them: it must be found again.
        return Ok(found.into_iter().map(|(event, _)| event).collect());
    }
    // Whoever gives locks to an engine that is locked here does so later, and notes a higher number. To another one somebody
    // may have given some already, and not have committed.
    let upper = |engine_id| match transaction.known_engines.contains(engine_id) {
        true => transaction.xmax,
        false => transaction.xmin,
    };
    let mut oldest: HashMap<&EngineId, Xid> = engines.iter().map(|engine_id| (engine_id, upper(engine_id))).collect();
    for (event, given_by) in &found {
        if let Some(oldest) = event.state.engine_id.as_ref().and_then(|engine_id| oldest.get_mut(engine_id)) {
            *oldest = (*oldest).min(*given_by);
        }
    }
    let mut positions = transaction.shared.scan_positions();
    for (engine_id, from) in oldest {
        positions.set_engine(engine_id, transaction.generation, from);
    }
    drop(positions);
    Ok(found.into_iter().map(|(event, _)| event).collect())
}

pub(super) async fn expiring(
    transaction: &mut PostgresTransaction,
    until: Timestamp,
    after: Option<LockCursor>,
    limit: u32,
) -> Result<Vec<EventRow>, StoreError> {
    let from = transaction.shared.scan_positions().locks_from;
    let position = after
        .map_or(ScanPosition::before(from), |cursor| ScanPosition { at: cursor.expires_at, id: cursor.event_id.0 });
    let is_first = after.is_none();
    let mut look_at = i64::from(limit);
    let found = loop {
        let rows = transaction
            .read(
                sql!("locks_expiring"),
                params![
                    TIMESTAMPTZ: &Moment(until), TIMESTAMPTZ: &Moment(from), TIMESTAMPTZ: &Moment(position.at),
                    UUID: &position.id, INT8: &look_at,
                ],
            )
            .await?;
        let mut found = transaction.readable("events", &rows, |columns| read_event(columns))?;
        if found.len() >= limit as usize || (rows.len() as i64) < look_at {
            found.truncate(limit as usize);
            break found;
        }
        // Rows that cannot be read stand before those that can.
        look_at *= 2;
    };
    if is_first && found.is_empty() {
        let mut positions = transaction.shared.scan_positions();
        if positions.generation() == transaction.generation {
            positions.locks_from = positions.locks_from.max(until.min(transaction.reading.now) - SLACK);
        }
    }
    Ok(found)
}

pub(super) async fn next_expiry(
    transaction: &mut PostgresTransaction,
    until: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let from = Moment(transaction.shared.scan_positions().locks_from);
    transaction
        .optional_moment(sql!("next_lock_expiry"), params![TIMESTAMPTZ: &from, TIMESTAMPTZ: &Moment(until)])
        .await
}
