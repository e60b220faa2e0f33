//! Dead letters as rows.

use enginehouse_core::ids::{EventId, EventType, QueueName};

use tokio_postgres::types::Type;

use super::columns::{Arrays, Moment, PgColumns, likes, params, shown, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::{Param, Session};
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::{DeadLetterFilter, NewDeadLetter};
use crate::table::DeadLetterColumns;

pub(crate) fn insert(dead_letters: &[NewDeadLetter]) -> PgResult<EncodedStatement> {
    let columns: Vec<_> = dead_letters.iter().map(DeadLetterColumns::of).collect();
    EncodedStatement::new(sql!("insert_dead_letters"), Arrays::of(&columns).parameters())
}

pub(crate) async fn matching(session: &Session, filter: &DeadLetterFilter, limit: u32) -> PgResult<Vec<EventId>> {
    let rows = query_matching(session, sql!("matching_dead_letters"), filter, limit.into()).await?;
    rows.iter().map(|row| PgColumns::of(row).read()).collect()
}

/// Those that match, oldest event first, from behind a place.
pub(crate) async fn ids(
    session: &Session,
    filter: &DeadLetterFilter,
    after: uuid::Uuid,
    limit: u32,
) -> PgResult<Vec<EventId>> {
    let rows = query_from(session, sql!("dead_letter_ids"), filter, limit.into(), &[(&after, Type::UUID)]).await?;
    rows.iter().map(|row| PgColumns::of(row).read()).collect()
}

/// How many match, at most `limit`.
pub(crate) async fn count(session: &Session, filter: &DeadLetterFilter, limit: u64) -> PgResult<u64> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query_matching(session, sql!("count_dead_letters"), filter, limit).await?;
    rows.first().map_or(Ok(0), |row| PgColumns::of(row).read())
}

/// Runs a statement over the dead letters that match.
async fn query_matching(
    session: &Session,
    sql: &'static str,
    filter: &DeadLetterFilter,
    limit: i64,
) -> PgResult<Vec<tokio_postgres::Row>> {
    query_from(session, sql, filter, limit, &[]).await
}

/// The same for a statement that has more parameters.
async fn query_from(
    session: &Session,
    sql: &'static str,
    filter: &DeadLetterFilter,
    limit: i64,
    more: &[Param<'_>],
) -> PgResult<Vec<tokio_postgres::Row>> {
    let event_type = filter.event_type.as_ref().map(EventType::as_str);
    let queue = filter.queue.as_ref().map(QueueName::as_str);
    let reason = filter.reason.map(|reason| reason.name());
    let (before, after) = (filter.dead_lettered_before.map(Moment), filter.dead_lettered_after.map(Moment));
    let code = filter.error_code.as_deref().map(shown);
    let group_id = filter.group_id.map(|id| id.to_string());
    let (queues, event_types) = (likes(&filter.within.queues), likes(&filter.within.event_types));
    let common = params![
        TEXT: &event_type, TEXT: &queue, TEXT: &reason, TEXT: &code, TEXT: &group_id, TIMESTAMPTZ: &before,
        TIMESTAMPTZ: &after, INT8: &limit, TEXT_ARRAY: &queues, TEXT_ARRAY: &event_types,
    ];
    session.query(sql, common.into_iter().chain(more.iter().cloned()).collect::<Vec<_>>()).await
}
