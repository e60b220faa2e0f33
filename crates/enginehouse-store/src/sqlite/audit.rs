//! What operators did.

use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use rusqlite::params;

use super::columns::{IdBytes, Parameters, sql};
use super::connection::SqliteConnection;
use super::events;
use super::failure::SqliteResult;
use super::reports;
use crate::rows::{AuditEntry, History};
use crate::table::{AttemptColumns, AuditColumns};

pub(super) fn insert(connection: &SqliteConnection, entries: &[AuditEntry]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("insert_audit"))?;
    for entry in entries {
        Parameters::of(&mut statement).group(&AuditColumns::of(entry)).execute()?;
    }
    Ok(())
}

pub(super) fn delete(connection: &SqliteConnection, before: Timestamp, limit: u32) -> SqliteResult<u32> {
    let deleted = connection.prepare_cached(sql!("delete_audit"))?.execute(params![before.as_millis(), limit])?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}

/// What happened to an event: to the events of its id, in words, whether or not it is still kept.
pub(super) fn history(connection: &SqliteConnection, event_id: EventId) -> SqliteResult<History> {
    let mut attempts = connection.prepare_cached(sql!("attempts"))?;
    let attempts = connection.all_readable("attempts", attempts.query([IdBytes::of(event_id)])?, |columns| {
        Ok(columns.group::<AttemptColumns<'_>>()?.into_end()?)
    })?;
    let mut actions = connection.prepare_cached(sql!("audit_of_target"))?;
    let actions = connection.all_readable("audit_log", actions.query([event_id.to_string()])?, |columns| {
        Ok(columns.group::<AuditColumns<'_>>()?.into_entry()?)
    })?;
    let (event, reports) = (events::one(connection, event_id)?, reports::of_event(connection, event_id)?);
    Ok(History { attempts, event, reports, actions })
}
