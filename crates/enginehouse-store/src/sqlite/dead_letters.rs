//! Dead letters.

use enginehouse_core::access::selector::Selectors;
use enginehouse_core::event::DeadLetterReason;
use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use rusqlite::params;

use super::columns::{IdBytes, Parameters, SqliteColumns, globs, sql};
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use super::lanes::KnownLanes;
use super::search::{self, MAX_SCANNED_ROWS, Search};
use crate::rows::{
    DeadLetterFilter, DeadLetterGroupRow, DeadLetterPreviewRow, DeadLetterRow, NewDeadLetter, PageRequest, ResultPage,
};
use crate::table::DeadLetterColumns;

pub(super) fn insert(connection: &SqliteConnection, dead_letters: &[NewDeadLetter]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("insert_dead_letters"))?;
    for letter in dead_letters {
        Parameters::of(&mut statement).group(&DeadLetterColumns::of(letter)).execute()?;
    }
    Ok(())
}

pub(super) fn delete(connection: &SqliteConnection, ids: &[EventId]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("delete_dead_letters"))?;
    for id in ids {
        statement.execute([IdBytes::of(*id)])?;
    }
    Ok(())
}

pub(super) fn matching(
    connection: &SqliteConnection,
    filter: &DeadLetterFilter,
    limit: u32,
) -> SqliteResult<Vec<EventId>> {
    let mut statement = connection.prepare_cached(sql!("matching_dead_letters"))?;
    let rows = query_matching(&mut statement, filter, limit.into())?;
    connection.all_readable("dead_letters", rows, |columns| columns.read())
}

pub(super) fn preview(
    connection: &SqliteConnection,
    filter: &DeadLetterFilter,
    limit: u64,
    first: u32,
) -> SqliteResult<DeadLetterPreviewRow> {
    let ids = matching(connection, filter, first.min(u32::try_from(limit).unwrap_or(first)))?;
    let mut letters = Vec::with_capacity(ids.len());
    for event_id in ids {
        letters.extend(one(connection, event_id)?);
    }
    let mut statement = connection.prepare_cached(sql!("count_dead_letters"))?;
    let mut rows = query_matching(&mut statement, filter, i64::try_from(limit).unwrap_or(i64::MAX))?;
    let count: i64 = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
    Ok(DeadLetterPreviewRow { count: count.unsigned_abs(), first: letters })
}

/// Those that match, oldest event first.
pub(super) fn ids(
    connection: &SqliteConnection,
    filter: &DeadLetterFilter,
    page: &PageRequest,
) -> SqliteResult<ResultPage<EventId>> {
    let after = match &page.after {
        None => Vec::new(),
        Some(place) => match place.parse::<EventId>() {
            Ok(id) => id.0.as_bytes().to_vec(),
            Err(_) => return Ok(search::nothing()),
        },
    };
    let mut statement = connection.prepare_cached(sql!("dead_letter_ids"))?;
    let rows = statement.query(params![
        filter.event_type.as_ref().map(|name| name.as_str()),
        filter.queue.as_ref().map(|name| name.as_str()),
        filter.reason.map(|reason| reason.name()),
        filter.error_code,
        filter.group_id.map(|id| id.to_string()),
        filter.dead_lettered_before.map(|at| at.as_millis()),
        filter.dead_lettered_after.map(|at| at.as_millis()),
        page.limit,
        globs(&filter.within.queues),
        globs(&filter.within.event_types),
        after,
    ])?;
    let items: Vec<EventId> = connection.all_readable("dead_letters", rows, |columns| columns.read())?;
    let is_full = items.len() >= page.limit as usize;
    let next = items.last().filter(|_| is_full).map(ToString::to_string);
    Ok(ResultPage { items, next })
}

/// Runs a statement over the dead letters that match.
fn query_matching<'a>(
    statement: &'a mut rusqlite::Statement<'_>,
    filter: &DeadLetterFilter,
    limit: i64,
) -> rusqlite::Result<rusqlite::Rows<'a>> {
    statement.query(params![
        filter.event_type.as_ref().map(|name| name.as_str()),
        filter.queue.as_ref().map(|name| name.as_str()),
        filter.reason.map(|reason| reason.name()),
        filter.error_code,
        filter.group_id.map(|id| id.to_string()),
        filter.dead_lettered_before.map(|at| at.as_millis()),
        filter.dead_lettered_after.map(|at| at.as_millis()),
        limit,
        globs(&filter.within.queues),
        globs(&filter.within.event_types),
    ])
}

pub(super) fn one(connection: &SqliteConnection, event_id: EventId) -> SqliteResult<Option<DeadLetterRow>> {
    let mut statement = connection.prepare_cached(sql!("dead_letter"))?;
    let mut rows = statement.query([IdBytes::of(event_id)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let read = |columns: &mut SqliteColumns<'_, '_>| Ok((columns.read()?, columns.read()?));
    let Some((reason, dead_lettered_at)) = connection.readable("dead_letters", row, read)? else { return Ok(None) };
    let record = search::record(connection, event_id, &mut KnownLanes::default())?;
    Ok(record.map(|record| DeadLetterRow { reason, dead_lettered_at, record }))
}

pub(super) fn page(
    connection: &SqliteConnection,
    filter: &DeadLetterFilter,
    ids: Option<(EventId, EventId)>,
    page: &PageRequest,
) -> SqliteResult<ResultPage<DeadLetterRow>> {
    let Some(before) = search::place(page, ids) else { return Ok(search::nothing()) };
    let group_id = filter.group_id.map(|id| id.to_string());
    let mut statement = connection.prepare_cached(sql!("dead_letters"))?;
    let mut rows = statement.query(params![before, MAX_SCANNED_ROWS])?;
    let mut search = Search::new(connection, page.limit);
    while let Some(row) = rows.next()? {
        if search.is_full() {
            return Ok(search.page_with_more());
        }
        let read = connection.readable("dead_letters", row, |columns| {
            let event_id: EventId = columns.read()?;
            let (event_type, queue): (&str, &str) = (columns.read()?, columns.read()?);
            let (reason, at): (DeadLetterReason, Timestamp) = (columns.read()?, columns.read()?);
            let (error_code, group): (Option<&str>, &str) = (columns.read()?, columns.read()?);
            let matches = filter.within.admit(queue, event_type)
                && filter.event_type.as_ref().is_none_or(|wanted| wanted.as_str() == event_type)
                && filter.queue.as_ref().is_none_or(|wanted| wanted.as_str() == queue)
                && filter.reason.is_none_or(|wanted| wanted == reason)
                && filter.error_code.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == error_code)
                && group_id.as_ref().is_none_or(|wanted| wanted == group)
                && filter.dead_lettered_before.is_none_or(|before| at < before)
                && filter.dead_lettered_after.is_none_or(|after| at >= after);
            Ok((event_id, matches, reason, at))
        })?;
        match read {
            Some((event_id, matches, reason, at)) => {
                search.look_at(event_id, matches, |record| DeadLetterRow { reason, dead_lettered_at: at, record })?;
            }
            None => search.pass_over(),
        }
    }
    Ok(search.page())
}

/// The ways to the groups.
pub(super) mod groups {
    use super::sql;

    /// All that is asked stands in an index.
    pub(in super::super) const ALL: &str =
        sql!("dead_letter_groups", source = "dead_letters indexed by dead_letters_groups");
    pub(in super::super) const WITHIN: &str = sql!(
        "dead_letter_groups",
        source = "dead_letters \
                  where (?1 is null or exists (select 1 from json_each(?1) as s where queue glob s.value)) \
                  and (?2 is null or exists (select 1 from json_each(?2) as s where event_type glob s.value))"
    );
}

pub(super) fn groups(connection: &SqliteConnection, within: &Selectors) -> SqliteResult<Vec<DeadLetterGroupRow>> {
    let mut statement = connection.prepare_cached(if within.limit_lanes() { groups::WITHIN } else { groups::ALL })?;
    let rows = if within.limit_lanes() {
        statement.query([globs(&within.queues), globs(&within.event_types)])?
    } else {
        statement.query([])?
    };
    connection.all_readable("dead_letters", rows, |columns| {
        Ok(DeadLetterGroupRow {
            event_type: columns.read()?,
            reason: columns.read()?,
            error_code: columns.read()?,
            message: columns.read()?,
            count: columns.read()?,
            oldest_at: columns.read()?,
            newest_at: columns.read()?,
            sample_event_id: columns.read()?,
        })
    })
}
