//! Dead letters as rows.

use enginehouse_core::ids::{EventId, EventType, QueueName};

use super::columns::{Columns, Moment, params, sql, text};
use crate::postgres::wire::failure::Outcome;
use crate::postgres::wire::session::Session;
use crate::rows::{DeadLetterFilter, NewDeadLetter, error_group};

pub(crate) async fn insert(session: &Session, dead_letters: &[NewDeadLetter]) -> Outcome<()> {
    if dead_letters.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = dead_letters.iter().map(|letter| letter.event_id.0).collect();
    let types: Vec<_> = dead_letters.iter().map(|letter| letter.event_type.as_str()).collect();
    let queues: Vec<_> = dead_letters.iter().map(|letter| letter.queue.as_str()).collect();
    let reasons: Vec<_> = dead_letters.iter().map(|letter| letter.reason.name()).collect();
    let since: Vec<_> = dead_letters.iter().map(|letter| Moment(letter.dead_lettered_at)).collect();
    let errors = || dead_letters.iter().map(|letter| letter.error.as_ref());
    let codes: Vec<_> = errors().map(|error| error.and_then(|error| error.code.as_deref()).map(text)).collect();
    let groups: Vec<_> =
        errors().map(|error| error.map(|error| error_group(&text(&error.message))).unwrap_or_default()).collect();
    session
        .execute(
            sql!("insert_dead_letters"),
            params![
                UUID_ARRAY: &ids, TEXT_ARRAY: &types, TEXT_ARRAY: &queues, TEXT_ARRAY: &reasons,
                TIMESTAMPTZ_ARRAY: &since, TEXT_ARRAY: &codes, TEXT_ARRAY: &groups,
            ],
        )
        .await?;
    Ok(())
}

pub(crate) async fn matching(session: &Session, filter: &DeadLetterFilter, limit: u32) -> Outcome<Vec<EventId>> {
    let event_type = filter.event_type.as_ref().map(EventType::as_str);
    let queue = filter.queue.as_ref().map(QueueName::as_str);
    let reason = filter.reason.map(|reason| reason.name());
    let (before, after) = (filter.before.map(Moment), filter.after.map(Moment));
    let (code, limit) = (filter.error_code.as_deref().map(text), i64::from(limit));
    let rows = session
        .query(
            sql!("matching_dead_letters"),
            params![
                TEXT: &event_type, TEXT: &queue, TEXT: &reason, TEXT: &code, TIMESTAMPTZ: &before,
                TIMESTAMPTZ: &after, INT8: &limit,
            ],
        )
        .await?;
    rows.iter().map(|row| Columns::of(row).event_id()).collect()
}
