//! What operators did.

use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;
use rusqlite::{Connection, params};

use super::columns::{Columns, IdText, sql};
use super::event_rows;
use super::failure::{Failure, Outcome};
use crate::rows::{AuditEntry, History};

pub(super) fn insert(connection: &Connection, entries: &[AuditEntry]) -> Outcome<()> {
    let mut statement = connection.prepare_cached(sql!("insert_audit"))?;
    for entry in entries {
        statement.execute(params![entry.at.as_millis(), entry.action, entry.target, entry.detail.as_str()])?;
    }
    Ok(())
}

pub(super) fn delete(connection: &Connection, before: Timestamp, limit: u32) -> Outcome<u32> {
    let deleted = connection.prepare_cached(sql!("delete_audit"))?.execute(params![before.as_millis(), limit])?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}

/// What happened to an event: to the events of its id, in words, whether or not it is still kept.
pub(super) fn history(connection: &Connection, event_id: EventId) -> Outcome<History> {
    let mut attempts = connection.prepare_cached(sql!("attempts"))?;
    let attempts = attempts
        .query_and_then([IdText::of(event_id)], |row| {
            let mut columns = Columns::of(row);
            Ok(AttemptEnd {
                lock_serial: columns.value()?,
                attempt: columns.number()?,
                engine_id: columns.parsed()?,
                outcome: columns.parsed()?,
                claimed_at: columns.time()?,
                ended_at: columns.time()?,
                error: event_rows::error(&mut columns)?
                    .ok_or_else(|| Failure::Row("an attempt without an error".to_owned()))?,
            })
        })?
        .collect::<Outcome<Vec<_>>>()?;
    let mut actions = connection.prepare_cached(sql!("audit_of_target"))?;
    let actions = actions
        .query_and_then([IdText::of(event_id)], |row| {
            let mut columns = Columns::of(row);
            Ok(AuditEntry {
                at: columns.time()?,
                action: columns.value()?,
                target: columns.value()?,
                detail: RawJson::trusted(columns.text()?),
            })
        })?
        .collect::<Outcome<Vec<_>>>()?;
    Ok(History { attempts, actions })
}
