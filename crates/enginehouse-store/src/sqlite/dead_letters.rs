//! Dead letters.

use enginehouse_core::event::DeadLetterReason;
use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{Columns, IdText, sql};
use super::failure::Outcome;
use super::lanes::KnownLanes;
use super::search::{self, MAX_LOOKED_AT, Search};
use crate::rows::{DeadLetterFilter, DeadLetterGroup, DeadLetterRow, NewDeadLetter, Page, PageRequest, error_group};

pub(super) fn insert(connection: &Connection, dead_letters: &[NewDeadLetter]) -> Outcome<()> {
    let mut statement = connection.prepare_cached(sql!("insert_dead_letters"))?;
    for letter in dead_letters {
        let error = letter.error.as_ref();
        statement.execute(params![
            IdText::of(letter.event_id),
            letter.event_type.as_str(),
            letter.queue.as_str(),
            letter.reason.name(),
            letter.dead_lettered_at.as_millis(),
            error.and_then(|error| error.code.as_deref()),
            error.map(|error| error_group(&error.message)).unwrap_or_default(),
        ])?;
    }
    Ok(())
}

pub(super) fn delete(connection: &Connection, ids: &[EventId]) -> Outcome<()> {
    let mut statement = connection.prepare_cached(sql!("delete_dead_letters"))?;
    for id in ids {
        statement.execute([IdText::of(*id)])?;
    }
    Ok(())
}

pub(super) fn matching(connection: &Connection, filter: &DeadLetterFilter, limit: u32) -> Outcome<Vec<EventId>> {
    let mut statement = connection.prepare_cached(sql!("matching_dead_letters"))?;
    statement
        .query_and_then(
            params![
                filter.event_type.as_ref().map(|name| name.as_str()),
                filter.queue.as_ref().map(|name| name.as_str()),
                filter.reason.map(|reason| reason.name()),
                filter.error_code,
                filter.before.map(|at| at.as_millis()),
                filter.after.map(|at| at.as_millis()),
                limit,
            ],
            |row| Columns::of(row).parsed(),
        )?
        .collect()
}

pub(super) fn one(connection: &Connection, event_id: EventId) -> Outcome<Option<DeadLetterRow>> {
    let mut statement = connection.prepare_cached(sql!("dead_letter"))?;
    let id = IdText::of(event_id);
    let mut rows = statement.query([&id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut columns = Columns::of(row);
    let (reason, dead_lettered_at) = (columns.parsed()?, columns.time()?);
    let record = search::record(connection, &id, &mut KnownLanes::default())?;
    Ok(record.map(|record| DeadLetterRow { reason, dead_lettered_at, record }))
}

pub(super) fn page(
    connection: &Connection,
    filter: &DeadLetterFilter,
    page: &PageRequest,
) -> Outcome<Page<DeadLetterRow>> {
    let Some(before) = search::place(page) else { return Ok(search::nothing()) };
    let mut statement = connection.prepare_cached(sql!("dead_letters"))?;
    let mut rows = statement.query(params![before, MAX_LOOKED_AT])?;
    let mut search = Search::new(connection, page.limit);
    while let Some(row) = rows.next()? {
        let mut columns = Columns::of(row);
        let event_id: EventId = columns.parsed()?;
        if search.is_full() {
            return Ok(search.page_with_more());
        }
        let (event_type, queue) = (columns.text()?, columns.text()?);
        let (reason, at): (DeadLetterReason, Timestamp) = (columns.parsed()?, columns.time()?);
        let error_code = columns.optional_text()?;
        let matches = filter.event_type.as_ref().is_none_or(|wanted| wanted.as_str() == event_type)
            && filter.queue.as_ref().is_none_or(|wanted| wanted.as_str() == queue)
            && filter.reason.is_none_or(|wanted| wanted == reason)
            && filter.error_code.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == error_code)
            && filter.before.is_none_or(|before| at < before)
            && filter.after.is_none_or(|after| at >= after);
        search.look_at(event_id, matches, |record| DeadLetterRow { reason, dead_lettered_at: at, record })?;
    }
    Ok(search.page())
}

pub(super) fn groups(connection: &Connection) -> Outcome<Vec<DeadLetterGroup>> {
    let mut statement = connection.prepare_cached(sql!("dead_letter_groups"))?;
    statement
        .query_and_then([], |row| {
            let mut columns = Columns::of(row);
            Ok(DeadLetterGroup {
                event_type: columns.parsed()?,
                reason: columns.parsed()?,
                error_code: columns.value()?,
                message: columns.value()?,
                count: columns.number()?,
                oldest_at: columns.time()?,
                newest_at: columns.time()?,
                sample_event_id: columns.parsed()?,
            })
        })?
        .collect()
}
