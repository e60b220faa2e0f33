//! The audit log as rows.

use enginehouse_core::time::Timestamp;

use super::columns::{Arrays, Moment, params, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::AuditEntry;
use crate::table::AuditColumns;

pub(crate) fn insert(entries: &[AuditEntry]) -> PgResult<EncodedStatement> {
    let columns: Vec<_> = entries.iter().map(AuditColumns::of).collect();
    EncodedStatement::new(sql!("insert_audit"), Arrays::of(&columns).parameters())
}

pub(crate) async fn delete(session: &Session, before: Timestamp, limit: u32) -> PgResult<u32> {
    let limit = i64::from(limit);
    let deleted = session.execute(sql!("delete_audit"), params![TIMESTAMPTZ: &Moment(before), INT8: &limit]).await?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}
