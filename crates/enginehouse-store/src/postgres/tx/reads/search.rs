//! Lists of events, newest first: a page looks at a bounded number of rows, and holds a bounded number of bytes.

use std::collections::HashMap;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{EngineId, EventId, EventType, QueueName, ScenarioRunId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::columns::{Columns, Moment, Xid, params, sql, uuids};
use super::super::event_rows;
use super::super::snapshot::Snapshot;
use super::counts;
use crate::postgres::shared::lanes;
use crate::postgres::shared::state::Shared;
use crate::postgres::wire::failure::Outcome;
use crate::postgres::wire::session::{Param, Session};
use crate::rows::{EventFilter, EventRecord, Page, PageRequest};

/// How many rows one page looks at.
pub(super) const MAX_LOOKED_AT: u32 = 20_000;
/// How many bytes of payloads and results one page holds, unless a single event has more.
const MAX_PAGE_BYTES: i64 = 8 * 1024 * 1024;

/// One event with its lane and payload.
pub(crate) async fn event(shared: &Shared, event_id: EventId) -> Outcome<Option<EventRecord>> {
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let found = all_records(&snapshot, &[event_id]).await?.pop();
    snapshot.end().await?;
    Ok(found)
}

/// Events that match, newest first.
pub(crate) async fn events(shared: &Shared, filter: &EventFilter, page: &PageRequest) -> Outcome<Page<EventRecord>> {
    let Some(before) = place(page) else { return Ok(nothing()) };
    let run = filter.scenario_run_id.as_ref().map(ScenarioRunId::as_str);
    // What is remembered, before the snapshot is taken: a lock that had ended then has ended.
    let (locks_from, given_from) = {
        let positions = shared.scan_positions();
        let given_from = filter.engine_id.as_ref().map_or(Xid::default(), |engine_id| positions.engine(engine_id));
        (Moment(positions.locks_from), given_from)
    };
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let (sql, own): (_, Param<'_>) = match path(&snapshot, shared, filter).await? {
        Path::Plain(sql) => (sql, (&run, Type::TEXT)),
        Path::Processing => (sql!("newest_processing_events"), (&locks_from, Type::TIMESTAMPTZ)),
        Path::LockedByEngine => (sql!("newest_locked_events_of_engine"), (&given_from, Type::XID8)),
    };
    let status = filter.status.map(EventStatus::name);
    let (event_type, queue) =
        (filter.event_type.as_ref().map(EventType::as_str), filter.queue.as_ref().map(QueueName::as_str));
    let engine = filter.engine_id.as_ref().map(EngineId::as_str);
    let (after, until) = (filter.enqueued_after.map(Moment), filter.enqueued_before.map(Moment));
    let [p1, p2, p3, p4, p5, p6, p7, p8, p9] = params![
        UUID: &before, INT8: &i64::from(MAX_LOOKED_AT), INT8: &one_more(page), TEXT: &status, TEXT: &event_type,
        TEXT: &queue, TEXT: &engine, TIMESTAMPTZ: &after, TIMESTAMPTZ: &until,
    ];
    let rows = snapshot.query(sql, [p1, p2, p3, p4, p5, p6, p7, p8, p9, own]).await?;
    let found = Found::read(&rows, page, |_| Ok(()))?;
    let page = found.page(&snapshot, |(), record| record).await?;
    snapshot.end().await?;
    Ok(page)
}

/// The way to what is asked for on which the fewest rows are looked at.
enum Path {
    Plain(&'static str),
    Processing,
    LockedByEngine,
}

async fn path(session: &Session, shared: &Shared, filter: &EventFilter) -> Outcome<Path> {
    if filter.scenario_run_id.is_some() {
        return Ok(Path::Plain(sql!("newest_events_of_run")));
    }
    let Some(status) = filter.status else { return Ok(Path::Plain(sql!("newest_events"))) };
    let sorted = match status {
        EventStatus::Failed | EventStatus::Cancelled => {
            return Ok(Path::Plain(sql!("newest_failed_or_cancelled_events")));
        }
        EventStatus::Processing if filter.engine_id.is_some() => return Ok(Path::LockedByEngine),
        EventStatus::Processing => return Ok(Path::Processing),
        EventStatus::Queued => sql!("newest_queued_events"),
        EventStatus::Completed => sql!("newest_completed_events"),
    };
    let count = counts::totals(session, shared).await?.of(status);
    Ok(Path::Plain(if count <= u64::from(MAX_LOOKED_AT) { sorted } else { sql!("newest_events") }))
}

/// The id that the page lies before. A place that no page has answered finds nothing.
pub(super) fn place(page: &PageRequest) -> Option<Uuid> {
    match &page.after {
        None => Some(Uuid::max()),
        Some(place) => place.parse::<EventId>().ok().map(|id| id.0),
    }
}

/// One more than asked for tells whether more follow.
pub(super) fn one_more(page: &PageRequest) -> i64 {
    i64::from(page.limit) + 1
}

pub(super) fn nothing<T>() -> Page<T> {
    Page { items: Vec::new(), next: None }
}

/// What a search has found, and the place behind it if more may follow.
pub(super) struct Found<T> {
    items: Vec<(EventId, T)>,
    next: Option<EventId>,
}

impl<T> Found<T> {
    /// Reads id, whether it matches, and its place among the rows that were looked at; then what else there is.
    pub(super) fn read(
        rows: &[Row],
        page: &PageRequest,
        read: impl Fn(&mut Columns<'_>) -> Outcome<T>,
    ) -> Outcome<Self> {
        let mut found = Self { items: Vec::new(), next: None };
        for row in rows {
            let mut columns = Columns::of(row);
            let event_id = columns.event_id()?;
            let (is_match, place): (bool, i64) = (columns.value()?, columns.value()?);
            if found.items.len() >= page.limit as usize {
                found.next = found.items.last().map(|(id, _)| *id);
                break;
            }
            if is_match {
                found.items.push((event_id, read(&mut columns)?));
            }
            if place == i64::from(MAX_LOOKED_AT) {
                found.next = Some(event_id);
            }
        }
        Ok(found)
    }

    /// The page, with as many events as it may hold.
    pub(super) async fn page<I>(self, session: &Session, item: impl Fn(T, EventRecord) -> I) -> Outcome<Page<I>> {
        let ids: Vec<_> = self.items.iter().map(|(id, _)| *id).collect();
        let records = records(session, &ids, MAX_PAGE_BYTES).await?;
        let mut records: HashMap<_, _> =
            records.into_iter().map(|(bytes, record)| (record.event.event_id, (bytes, record))).collect();
        let mut page = Page { items: Vec::with_capacity(records.len()), next: self.next.map(|id| id.to_string()) };
        let (mut held, mut last) = (0, None);
        for (event_id, found) in self.items {
            if held >= MAX_PAGE_BYTES {
                page.next = last;
                break;
            }
            last = Some(event_id.to_string());
            if let Some((bytes, record)) = records.remove(&event_id) {
                held += bytes;
                page.items.push(item(found, record));
            }
        }
        Ok(page)
    }
}

/// Events with their lanes and payloads, in the order of `ids`.
pub(super) async fn all_records(session: &Session, ids: &[EventId]) -> Outcome<Vec<EventRecord>> {
    let records = records(session, ids, i64::MAX).await?;
    Ok(records.into_iter().map(|(_, record)| record).collect())
}

/// The same, each with the bytes of its payload and result, as long as those before hold less than `max_bytes`.
async fn records(session: &Session, ids: &[EventId], max_bytes: i64) -> Outcome<Vec<(i64, EventRecord)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.query(sql!("records"), params![UUID_ARRAY: &uuids(ids), INT8: &max_bytes]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            let (bytes, payload) = (columns.value()?, columns.raw_json()?);
            let lane = lanes::key(&mut columns)?;
            Ok((bytes, EventRecord { event: event_rows::event_of(&mut columns)?, lane, payload }))
        })
        .collect()
}
