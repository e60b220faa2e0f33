//! What happened to an event.

use enginehouse_core::ids::EventId;
use enginehouse_core::transition::AttemptEnd;

use super::super::columns::{Columns, params, sql};
use super::super::event_rows;
use super::super::snapshot::Snapshot;
use crate::postgres::shared::state::Shared;
use crate::postgres::wire::failure::{Failure, Outcome};
use crate::rows::{AuditEntry, History};

/// To the events of its id, in words, whether or not it is still kept.
pub(crate) async fn history(shared: &Shared, event_id: EventId) -> Outcome<History> {
    let target = event_id.to_string();
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let (attempts, actions) = tokio::join!(
        snapshot.query(sql!("attempts"), params![UUID: &event_id.0]),
        snapshot.query(sql!("audit_of_target"), params![TEXT: &target]),
    );
    let (attempts, actions) = (attempts?, actions?);
    snapshot.end().await?;
    let attempts = attempts.iter().map(|row| attempt(&mut Columns::of(row))).collect::<Outcome<_>>()?;
    let actions = actions.iter().map(|row| action(&mut Columns::of(row))).collect::<Outcome<_>>()?;
    Ok(History { attempts, actions })
}

fn attempt(columns: &mut Columns<'_>) -> Outcome<AttemptEnd> {
    Ok(AttemptEnd {
        lock_serial: columns.value()?,
        attempt: columns.number()?,
        engine_id: columns.parsed()?,
        outcome: columns.parsed()?,
        claimed_at: columns.time()?,
        ended_at: columns.time()?,
        error: event_rows::error(columns)?.ok_or_else(|| Failure::Row("an attempt without an error".to_owned()))?,
    })
}

fn action(columns: &mut Columns<'_>) -> Outcome<AuditEntry> {
    Ok(AuditEntry {
        at: columns.time()?,
        action: columns.value()?,
        target: columns.value()?,
        detail: columns.raw_json()?,
    })
}
