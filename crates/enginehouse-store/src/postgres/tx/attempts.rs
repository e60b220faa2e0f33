//! Attempts that have ended, as rows.

use enginehouse_core::ids::EventId;
use enginehouse_core::transition::AttemptEnd;

use super::columns::{Arrays, params, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::statement::EncodedStatement;
use crate::table::AttemptColumns;

pub(crate) fn insert(attempts: &[(EventId, AttemptEnd)]) -> PgResult<EncodedStatement> {
    let ids: Vec<_> = attempts.iter().map(|(id, _)| id.0).collect();
    let columns: Vec<_> = attempts.iter().map(|(_, end)| AttemptColumns::of(end)).collect();
    EncodedStatement::new(sql!("insert_attempts"), Arrays::of(&columns).behind(params![UUID_ARRAY: &ids]))
}
