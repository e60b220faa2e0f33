//! Attempts that have ended, as rows.

use enginehouse_core::ids::EventId;
use enginehouse_core::transition::AttemptEnd;

use super::columns::{Moment, params, sql, text};
use super::event_rows;
use crate::postgres::wire::failure::Outcome;
use crate::postgres::wire::session::Session;

pub(crate) async fn insert(session: &Session, attempts: &[(EventId, AttemptEnd)]) -> Outcome<()> {
    if attempts.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = attempts.iter().map(|(id, _)| id.0).collect();
    let serials: Vec<_> = attempts.iter().map(|(_, end)| end.lock_serial).collect();
    let numbers: Vec<_> = attempts.iter().map(|(_, end)| i64::from(end.attempt)).collect();
    let engines: Vec<_> = attempts.iter().map(|(_, end)| end.engine_id.as_str()).collect();
    let outcomes: Vec<_> = attempts.iter().map(|(_, end)| end.outcome.name()).collect();
    let claimed: Vec<_> = attempts.iter().map(|(_, end)| Moment(end.claimed_at)).collect();
    let ended: Vec<_> = attempts.iter().map(|(_, end)| Moment(end.ended_at)).collect();
    let codes: Vec<_> = attempts.iter().map(|(_, end)| end.error.code.as_deref().map(text)).collect();
    let messages: Vec<_> = attempts.iter().map(|(_, end)| text(&end.error.message)).collect();
    let details: Vec<_> = attempts.iter().map(|(_, end)| event_rows::details(&end.error)).collect();
    session
        .execute(
            sql!("insert_attempts"),
            params![
                UUID_ARRAY: &ids, INT8_ARRAY: &serials, INT8_ARRAY: &numbers, TEXT_ARRAY: &engines,
                TEXT_ARRAY: &outcomes, TIMESTAMPTZ_ARRAY: &claimed, TIMESTAMPTZ_ARRAY: &ended, TEXT_ARRAY: &codes,
                TEXT_ARRAY: &messages, JSON_ARRAY: &details,
            ],
        )
        .await?;
    Ok(())
}
