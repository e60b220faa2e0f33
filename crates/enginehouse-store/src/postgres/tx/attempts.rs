//! Attempts that have ended, as rows.

use enginehouse_core::ids::EventId;
use enginehouse_core::transition::AttemptEnd;

use super::columns::{Arrays, params, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::table::AttemptColumns;

pub(crate) async fn insert(session: &Session, attempts: &[(EventId, AttemptEnd)]) -> PgResult<()> {
    if attempts.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = attempts.iter().map(|(id, _)| id.0).collect();
    let columns: Vec<_> = attempts.iter().map(|(_, end)| AttemptColumns::of(end)).collect();
    session.execute(sql!("insert_attempts"), Arrays::of(&columns).behind(params![UUID_ARRAY: &ids])).await?;
    Ok(())
}
