//! Operations, and their members.

use enginehouse_core::ids::OperationId;
use enginehouse_core::operation::{OperationMember, OperationRecord, UnchangedMember};
use enginehouse_core::time::Timestamp;
use rusqlite::{Rows, params};

use super::columns::{Parameters, SqliteColumns, sql};
use super::connection::{SqliteConnection, key_of};
use super::failure::SqliteResult;
use super::search;
use crate::rows::{PageRequest, ResultPage};
use crate::table::{OperationColumns, OperationMemberColumns};

pub(super) fn write(connection: &SqliteConnection, operation: &OperationRecord) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("write_operation"))?;
    Parameters::of(&mut statement).group(&OperationColumns::of(operation)).execute()?;
    Ok(())
}

fn operation(columns: &mut SqliteColumns<'_, '_>) -> SqliteResult<OperationRecord> {
    Ok(columns.group::<OperationColumns<'_>>()?.into_operation()?)
}

fn read(connection: &SqliteConnection, rows: Rows<'_>) -> SqliteResult<Vec<OperationRecord>> {
    connection.all_readable("operations", rows, operation)
}

pub(super) fn one(connection: &SqliteConnection, operation_id: OperationId) -> SqliteResult<Option<OperationRecord>> {
    let mut statement = connection.prepare_cached(sql!("operation"))?;
    let rows = Parameters::of(&mut statement).value(&operation_id).query()?;
    Ok(read(connection, rows)?.pop())
}

/// Operations that go on, oldest first.
pub(super) fn unfinished(connection: &SqliteConnection, limit: u32) -> SqliteResult<Vec<OperationRecord>> {
    let mut statement = connection.prepare_cached(sql!("unfinished_operations"))?;
    read(connection, statement.query([limit])?)
}

/// Operations, newest first.
pub(super) fn page(connection: &SqliteConnection, page: &PageRequest) -> SqliteResult<ResultPage<OperationRecord>> {
    let Some(before) = search::place(page, None) else { return Ok(search::nothing()) };
    let mut statement = connection.prepare_cached(sql!("operations"))?;
    // One more than asked for tells whether more follow.
    let mut rows = statement.query(params![before, i64::from(page.limit) + 1])?;
    let (mut items, mut last, mut looked_at) = (Vec::new(), None, 0);
    while looked_at < page.limit
        && let Some(row) = rows.next()?
    {
        looked_at += 1;
        last = Some(key_of("operations", row));
        items.extend(connection.readable("operations", row, operation)?);
    }
    let next = if rows.next()?.is_some() { last } else { None };
    Ok(ResultPage { items, next })
}

/// Adds those that are no members yet. Answers how many these are.
pub(super) fn insert_members(
    connection: &SqliteConnection,
    operation_id: OperationId,
    members: &[OperationMember],
) -> SqliteResult<u64> {
    let mut statement = connection.prepare_cached(sql!("insert_operation_members"))?;
    let mut added = 0;
    for member in members {
        let columns = OperationMemberColumns::of(operation_id, member);
        added += Parameters::of(&mut statement).group(&columns).execute()? as u64;
    }
    Ok(added)
}

/// The next members behind a place.
pub(super) fn pending(
    connection: &SqliteConnection,
    operation_id: OperationId,
    after: u64,
    limit: u32,
) -> SqliteResult<Vec<OperationMember>> {
    let mut statement = connection.prepare_cached(sql!("pending_operation_members"))?;
    let rows = Parameters::of(&mut statement).value(&operation_id).value(&after).value(&limit).query()?;
    connection.all_readable("operation_members", rows, |columns| {
        Ok(columns.group::<OperationMemberColumns<'_>>()?.into_member())
    })
}

/// Members between two places had their turn: keeps those that were not changed.
pub(super) fn settle(
    connection: &SqliteConnection,
    operation_id: OperationId,
    (after, up_to): (u64, u64),
    unchanged: &[UnchangedMember],
) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("delete_operation_members"))?;
    Parameters::of(&mut statement).value(&operation_id).value(&after).value(&up_to).execute()?;
    let mut statement = connection.prepare_cached(sql!("insert_operation_members"))?;
    for member in unchanged {
        let columns = OperationMemberColumns::unchanged(operation_id, member);
        Parameters::of(&mut statement).group(&columns).execute()?;
    }
    Ok(())
}

/// Members that were not changed, from behind a place on, up to another.
pub(super) fn unchanged(
    connection: &SqliteConnection,
    operation_id: OperationId,
    (after, up_to): (u64, u64),
    limit: u32,
) -> SqliteResult<Vec<UnchangedMember>> {
    let mut statement = connection.prepare_cached(sql!("unchanged_operation_members"))?;
    let parameters = Parameters::of(&mut statement).value(&operation_id).value(&up_to).value(&after).value(&limit);
    read_unchanged(connection, parameters.query()?)
}

/// The last members that were not changed, the last one first.
pub(super) fn last_unchanged(
    connection: &SqliteConnection,
    operation_id: OperationId,
    up_to: u64,
    limit: u32,
) -> SqliteResult<Vec<UnchangedMember>> {
    let mut statement = connection.prepare_cached(sql!("last_unchanged_operation_members"))?;
    let rows = Parameters::of(&mut statement).value(&operation_id).value(&up_to).value(&limit).query()?;
    read_unchanged(connection, rows)
}

fn read_unchanged(connection: &SqliteConnection, rows: Rows<'_>) -> SqliteResult<Vec<UnchangedMember>> {
    connection.all_readable("operation_members", rows, |columns| {
        Ok(columns.group::<OperationMemberColumns<'_>>()?.into_unchanged()?)
    })
}

/// Forgets what nobody needs any more of operations that have ended.
pub(super) fn delete(connection: &SqliteConnection, ended_before: Timestamp, limit: u32) -> SqliteResult<u32> {
    let before = ended_before.as_millis();
    let mut deleted = connection.prepare_cached(sql!("prune_unreached_members"))?.execute([limit])?;
    deleted += connection.prepare_cached(sql!("prune_members_of_old_operations"))?.execute(params![before, limit])?;
    deleted += connection.prepare_cached(sql!("delete_operations"))?.execute(params![before, limit])?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}
