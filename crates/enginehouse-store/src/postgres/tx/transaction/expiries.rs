//! Queued events that expire, looked for from where the last look has found the first.

use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::time::Timestamp;

use super::super::columns::{Moment, params, sql};
use super::super::pg_transaction::PostgresTransaction;
use crate::error::StoreError;
use crate::rows::EventRow;
use crate::table::read_event;

/// How far back a look for expired events goes behind the last one. One whose transaction took longer to commit than its
/// event lasts, or that came back to its queue when it had expired on another server, is found by the next look at everything.
const SLACK: Duration = Duration::from_secs(5);

/// An event that this transaction writes may be the next to expire.
pub(super) fn note(transaction: &mut PostgresTransaction, event: &EventRow) {
    if event.state.status == EventStatus::Queued {
        let first = transaction.first_expiry.into_iter().chain(event.state.expires_at).min();
        transaction.first_expiry = first;
    }
}

pub(super) async fn expired(
    transaction: &mut PostgresTransaction,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<EventRow>, StoreError> {
    let from = transaction.shared.scan_positions().expiries_from;
    let mut look_at = i64::from(limit);
    let (found, all) = loop {
        let rows = transaction
            .read(
                sql!("expired_events"),
                params![TIMESTAMPTZ: &Moment(until), TIMESTAMPTZ: &Moment(from), INT8: &look_at],
            )
            .await?;
        let mut found = transaction.readable("events", &rows, |columns| read_event(columns))?;
        if found.len() >= limit as usize || (rows.len() as i64) < look_at {
            found.truncate(limit as usize);
            break (found, rows.is_empty());
        }
        // Rows that cannot be read stand before those that can.
        look_at *= 2;
    };
    if all {
        let mut positions = transaction.shared.scan_positions();
        if positions.generation() == transaction.generation {
            positions.expiries_from = positions.expiries_from.max(until.min(transaction.reading.now) - SLACK);
        }
    }
    Ok(found)
}

pub(super) async fn next(
    transaction: &mut PostgresTransaction,
    until: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let from = Moment(transaction.shared.scan_positions().expiries_from);
    transaction
        .optional_moment(sql!("next_event_expiry"), params![TIMESTAMPTZ: &from, TIMESTAMPTZ: &Moment(until)])
        .await
}
