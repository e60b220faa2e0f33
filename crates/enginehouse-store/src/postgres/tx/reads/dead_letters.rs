//! Dead letters.

use enginehouse_core::access::selector::Selectors;
use enginehouse_core::ids::{EventId, EventType, QueueName};

use super::super::columns::{Moment, likes, params, shown, sql};
use super::super::dead_letters;
use super::super::row_reader::RowReader;
use super::super::snapshot::Snapshot;
use super::search::{self, MAX_SCANNED_ROWS, Matches};
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::{PgResult, both};
use crate::rows::{DeadLetterFilter, DeadLetterGroupRow, DeadLetterPreviewRow, DeadLetterRow, PageRequest, ResultPage};

pub(crate) async fn dead_letter(shared: &PgState, event_id: EventId) -> PgResult<Option<DeadLetterRow>> {
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let mut reader = RowReader::new(&shared.unreadable);
    let found = letter(&snapshot, &mut reader, event_id).await?;
    snapshot.end().await?;
    reader.named(found)
}

/// One that is there and can be read.
async fn letter(snapshot: &Snapshot, reader: &mut RowReader<'_>, event_id: EventId) -> PgResult<Option<DeadLetterRow>> {
    let ids = [event_id];
    let (rows, records) = tokio::join!(
        snapshot.query(sql!("dead_letter"), params![UUID: &event_id.0]),
        search::all_records(snapshot, reader, &ids),
    );
    let (rows, mut records) = both(rows, records)?;
    let Some(row) = rows.first() else { return Ok(None) };
    let letter = reader.one("dead_letters", row, |columns| Ok((columns.read()?, columns.read()?)))?;
    Ok(letter.zip(records.pop()).map(|((reason, dead_lettered_at), record)| DeadLetterRow {
        reason,
        dead_lettered_at,
        record,
    }))
}

pub(crate) async fn preview_dead_letters(
    shared: &PgState,
    filter: &DeadLetterFilter,
    limit: u64,
    first: u32,
) -> PgResult<DeadLetterPreviewRow> {
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let at_first = first.min(u32::try_from(limit).unwrap_or(first));
    let ids = dead_letters::matching(&snapshot, filter, at_first).await?;
    let count = dead_letters::count(&snapshot, filter, limit).await?;
    let mut reader = RowReader::new(&shared.unreadable);
    let mut letters = Vec::with_capacity(ids.len());
    for event_id in ids {
        letters.extend(letter(&snapshot, &mut reader, event_id).await?);
    }
    snapshot.end().await?;
    Ok(DeadLetterPreviewRow { count, first: letters })
}

/// Those that match, oldest event first.
pub(crate) async fn dead_letter_ids(
    shared: &PgState,
    filter: &DeadLetterFilter,
    page: &PageRequest,
) -> PgResult<ResultPage<EventId>> {
    let after = match &page.after {
        None => uuid::Uuid::nil(),
        Some(place) => match place.parse::<EventId>() {
            Ok(id) => id.0,
            Err(_) => return Ok(search::nothing()),
        },
    };
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let items = dead_letters::ids(&snapshot, filter, after, page.limit).await?;
    snapshot.end().await?;
    let is_full = items.len() >= page.limit as usize;
    let next = items.last().filter(|_| is_full).map(ToString::to_string);
    Ok(ResultPage { items, next })
}

pub(crate) async fn dead_letters(
    shared: &PgState,
    filter: &DeadLetterFilter,
    ids: Option<(EventId, EventId)>,
    page: &PageRequest,
) -> PgResult<ResultPage<DeadLetterRow>> {
    let Some(before) = search::place(page, ids) else { return Ok(search::nothing()) };
    let event_type = filter.event_type.as_ref().map(EventType::as_str);
    let queue = filter.queue.as_ref().map(QueueName::as_str);
    let reason = filter.reason.map(|reason| reason.name());
    let code = filter.error_code.as_deref().map(shown);
    let group_id = filter.group_id.map(|id| id.to_string());
    let (until, after) = (filter.dead_lettered_before.map(Moment), filter.dead_lettered_after.map(Moment));
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let rows = snapshot
        .query(
            sql!("dead_letters"),
            params![
                UUID: &before, INT8: &i64::from(MAX_SCANNED_ROWS), INT8: &search::one_more(page), TEXT: &event_type,
                TEXT: &queue, TEXT: &reason, TEXT: &code, TEXT: &group_id, TIMESTAMPTZ: &until, TIMESTAMPTZ: &after,
                TEXT_ARRAY: &likes(&filter.within.queues), TEXT_ARRAY: &likes(&filter.within.event_types),
            ],
        )
        .await?;
    let mut reader = RowReader::new(&shared.unreadable);
    let found =
        Matches::read(&mut reader, "dead_letters", &rows, page, |columns| Ok((columns.read()?, columns.read()?)))?;
    let page = found
        .page(&snapshot, &mut reader, |(reason, dead_lettered_at), record| DeadLetterRow {
            reason,
            dead_lettered_at,
            record,
        })
        .await?;
    snapshot.end().await?;
    Ok(page)
}

/// The ways to the groups.
mod groups {
    use super::sql;

    pub(super) const ALL: &str = sql!("dead_letter_groups", source = "enginehouse.dead_letters");
    pub(super) const WITHIN: &str = sql!(
        "dead_letter_groups",
        source = "enginehouse.dead_letters \
                  where ($1::text[] is null or queue like any ($1)) and ($2::text[] is null or event_type like any ($2))"
    );
}

pub(crate) async fn dead_letter_groups(shared: &PgState, within: &Selectors) -> PgResult<Vec<DeadLetterGroupRow>> {
    let (queues, event_types) = (likes(&within.queues), likes(&within.event_types));
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let rows = if within.limit_lanes() {
        snapshot.query(groups::WITHIN, params![TEXT_ARRAY: &queues, TEXT_ARRAY: &event_types]).await?
    } else {
        snapshot.query(groups::ALL, params![]).await?
    };
    snapshot.end().await?;
    RowReader::new(&shared.unreadable).all("dead_letters", &rows, |columns| {
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
