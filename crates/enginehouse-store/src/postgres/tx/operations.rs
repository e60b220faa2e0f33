//! Operations, and their members.

use enginehouse_core::ids::{EventId, OperationId};
use enginehouse_core::operation::{OperationMember, OperationRecord, UnchangedMember};
use enginehouse_core::time::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::columns::{Arrays, Moment, PgColumns, params, sql};
use super::row_reader::RowReader;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::{PageRequest, ResultPage};
use crate::table::{OperationColumns, OperationMemberColumns};

pub(crate) fn write(operation: &OperationRecord) -> PgResult<EncodedStatement> {
    let columns = [OperationColumns::of(operation)];
    EncodedStatement::new(sql!("write_operation"), Arrays::of(&columns).parameters())
}

pub(crate) fn read_one(columns: &mut PgColumns<'_>) -> PgResult<OperationRecord> {
    Ok(columns.group::<OperationColumns<'_>>()?.into_operation()?)
}

pub(crate) fn read_member(columns: &mut PgColumns<'_>) -> PgResult<OperationMember> {
    Ok(columns.group::<OperationMemberColumns<'_>>()?.into_member())
}

pub(crate) async fn one(shared: &PgState, operation_id: OperationId) -> PgResult<Option<OperationRecord>> {
    let session = shared.readers.session().await?;
    let rows = session.query(sql!("operation"), params![UUID: &operation_id.0]).await?;
    let mut reader = RowReader::new(&shared.unreadable);
    let found = rows.first().map(|row| reader.one("operations", row, read_one)).transpose()?.flatten();
    reader.named(found)
}

/// Operations that go on, oldest first.
pub(crate) async fn unfinished(shared: &PgState, limit: u32) -> PgResult<Vec<OperationRecord>> {
    let session = shared.readers.session().await?;
    let rows = session.query(sql!("unfinished_operations"), params![INT8: &i64::from(limit)]).await?;
    RowReader::new(&shared.unreadable).all("operations", &rows, read_one)
}

/// Operations, newest first.
pub(crate) async fn page(shared: &PgState, page: &PageRequest) -> PgResult<ResultPage<OperationRecord>> {
    let before = match &page.after {
        None => Uuid::max(),
        Some(place) => match place.parse::<OperationId>() {
            Ok(id) => id.0,
            Err(_) => return Ok(ResultPage { items: Vec::new(), next: None }),
        },
    };
    let session = shared.readers.session().await?;
    // One more than asked for tells whether more follow.
    let limit = i64::from(page.limit) + 1;
    let rows = session.query(sql!("operations"), params![UUID: &before, INT8: &limit]).await?;
    let shown = rows.get(..page.limit as usize).unwrap_or(&rows);
    let last = |row: &Row| PgColumns::of(row).read::<EventId>().map(|id| id.to_string());
    let next = if rows.len() > shown.len() { shown.last().map(last).transpose()? } else { None };
    Ok(ResultPage { items: RowReader::new(&shared.unreadable).all("operations", shown, read_one)?, next })
}

pub(crate) async fn insert_members(
    session: &Session,
    operation_id: OperationId,
    members: &[OperationMember],
) -> PgResult<u64> {
    let columns: Vec<_> = members.iter().map(|member| OperationMemberColumns::of(operation_id, member)).collect();
    session.execute(sql!("insert_operation_members"), Arrays::of(&columns).parameters()).await
}

/// Members between two places had their turn: keeps those that were not changed.
pub(crate) fn settle(
    operation_id: OperationId,
    (after, up_to): (u64, u64),
    unchanged: &[UnchangedMember],
) -> PgResult<Vec<EncodedStatement>> {
    let (after, up_to) = (as_place(after), as_place(up_to));
    let parameters = params![UUID: &operation_id.0, INT8: &after, INT8: &up_to];
    let mut statements = vec![EncodedStatement::new(sql!("delete_operation_members"), parameters)?];
    if !unchanged.is_empty() {
        let columns: Vec<_> =
            unchanged.iter().map(|member| OperationMemberColumns::unchanged(operation_id, member)).collect();
        statements.push(EncodedStatement::new(sql!("insert_operation_members"), Arrays::of(&columns).parameters())?);
    }
    Ok(statements)
}

/// Members that were not changed, from behind a place on, up to another.
pub(crate) async fn unchanged(
    shared: &PgState,
    operation_id: OperationId,
    (after, up_to): (u64, u64),
    limit: u32,
) -> PgResult<Vec<UnchangedMember>> {
    let (after, up_to, limit) = (as_place(after), as_place(up_to), i64::from(limit));
    let session = shared.readers.session().await?;
    let parameters = params![UUID: &operation_id.0, INT8: &up_to, INT8: &after, INT8: &limit];
    read_unchanged(shared, &session.query(sql!("unchanged_operation_members"), parameters).await?)
}

/// The last members that were not changed, the last one first.
pub(crate) async fn last_unchanged(
    shared: &PgState,
    operation_id: OperationId,
    up_to: u64,
    limit: u32,
) -> PgResult<Vec<UnchangedMember>> {
    let (up_to, limit) = (as_place(up_to), i64::from(limit));
    let session = shared.readers.session().await?;
    let parameters = params![UUID: &operation_id.0, INT8: &up_to, INT8: &limit];
    read_unchanged(shared, &session.query(sql!("last_unchanged_operation_members"), parameters).await?)
}

fn read_unchanged(shared: &PgState, rows: &[Row]) -> PgResult<Vec<UnchangedMember>> {
    RowReader::new(&shared.unreadable).all("operation_members", rows, |columns| {
        Ok(columns.group::<OperationMemberColumns<'_>>()?.into_unchanged()?)
    })
}

/// Forgets what nobody needs any more of operations that have ended.
pub(crate) async fn delete(session: &Session, ended_before: Timestamp, limit: u32) -> PgResult<u32> {
    let (before, limit) = (Moment(ended_before), i64::from(limit));
    let mut deleted = session.execute(sql!("prune_unreached_members"), params![INT8: &limit]).await?;
    for statement in [sql!("prune_members_of_old_operations"), sql!("delete_operations")] {
        deleted += session.execute(statement, params![TIMESTAMPTZ: &before, INT8: &limit]).await?;
    }
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}

pub(crate) fn as_place(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}
