//! Dead letters as rows.

use enginehouse_core::ids::{EventId, EventType, QueueName};

use super::columns::{Arrays, Moment, PgColumns, params, shown, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::{DeadLetterFilter, NewDeadLetter};
use crate::table::DeadLetterColumns;

pub(crate) fn insert(dead_letters: &[NewDeadLetter]) -> PgResult<EncodedStatement> {
    let columns: Vec<_> = dead_letters.iter().map(DeadLetterColumns::of).collect();
    EncodedStatement::new(sql!("insert_dead_letters"), Arrays::of(&columns).parameters())
}

pub(crate) async fn matching(session: &Session, filter: &DeadLetterFilter, limit: u32) -> PgResult<Vec<EventId>> {
    let event_type = filter.event_type.as_ref().map(EventType::as_str);
    let queue = filter.queue.as_ref().map(QueueName::as_str);
    let reason = filter.reason.map(|reason| reason.name());
    let (before, after) = (filter.dead_lettered_before.map(Moment), filter.dead_lettered_after.map(Moment));
    let (code, limit) = (filter.error_code.as_deref().map(shown), i64::from(limit));
    let rows = session
        .query(
            sql!("matching_dead_letters"),
            params![
                TEXT: &event_type, TEXT: &queue, TEXT: &reason, TEXT: &code, TIMESTAMPTZ: &before,
                TIMESTAMPTZ: &after, INT8: &limit,
            ],
        )
        .await?;
    rows.iter().map(|row| PgColumns::of(row).read()).collect()
}
