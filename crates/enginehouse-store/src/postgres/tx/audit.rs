//! The audit log as rows.

use enginehouse_core::time::Timestamp;

use super::columns::{Json, Moment, params, sql};
use crate::postgres::wire::failure::Outcome;
use crate::postgres::wire::session::Session;
use crate::rows::AuditEntry;

pub(crate) async fn insert(session: &Session, entries: &[AuditEntry]) -> Outcome<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let at: Vec<_> = entries.iter().map(|entry| Moment(entry.at)).collect();
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    let targets: Vec<_> = entries.iter().map(|entry| entry.target.as_str()).collect();
    let details: Vec<_> = entries.iter().map(|entry| Json(entry.detail.as_str())).collect();
    session
        .execute(
            sql!("insert_audit"),
            params![TIMESTAMPTZ_ARRAY: &at, TEXT_ARRAY: &actions, TEXT_ARRAY: &targets, JSON_ARRAY: &details],
        )
        .await?;
    Ok(())
}

pub(crate) async fn delete(session: &Session, before: Timestamp, limit: u32) -> Outcome<u32> {
    let limit = i64::from(limit);
    let deleted = session.execute(sql!("delete_audit"), params![TIMESTAMPTZ: &Moment(before), INT8: &limit]).await?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}
