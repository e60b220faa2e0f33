//! Lists of events, newest first: a page looks at a bounded number of rows, and holds a bounded number of bytes.

use std::collections::HashMap;

use enginehouse_core::event::EventStatus;
use enginehouse_core::filter::FilterField;
use enginehouse_core::ids::{EngineId, EventId, EventType, QueueName, ScenarioRunId};
use enginehouse_core::label::Label;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::columns::{Moment, PgColumns, Xid, likes, params, sql, uuids};
use super::super::row_reader::RowReader;
use super::super::snapshot::Snapshot;
use super::{counts, reports};
use crate::postgres::shared::lanes;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::session::{Param, Session};
use crate::rows::{EventFilter, EventRecord, PageRequest, ResultPage};
use crate::table::{read_event, read_payload};

/// How many rows one page looks at.
pub(super) const MAX_SCANNED_ROWS: u32 = 20_000;
/// How many bytes of payloads and results one page holds, unless a single event has more.
const MAX_PAGE_BYTES: i64 = crate::rows::MAX_PAGE_BYTES as i64;

/// One event with its lane and payload.
pub(crate) async fn event(shared: &PgState, event_id: EventId) -> PgResult<Option<EventRecord>> {
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let mut reader = RowReader::new(&shared.unreadable);
    let found = all_records(&snapshot, &mut reader, &[event_id]).await?.pop();
    snapshot.end().await?;
    reader.named(found)
}

/// Events that match, newest first.
pub(crate) async fn events(
    shared: &PgState,
    filter: &EventFilter,
    page: &PageRequest,
) -> PgResult<ResultPage<EventRecord>> {
    let mut reader = RowReader::new(&shared.unreadable);
    let Some((snapshot, found)) = search(shared, &mut reader, filter, page).await? else { return Ok(nothing()) };
    let page = found.page(&snapshot, &mut reader, |(), record| record).await?;
    snapshot.end().await?;
    Ok(page)
}

/// The same, but only which they are.
pub(crate) async fn event_ids(
    shared: &PgState,
    filter: &EventFilter,
    page: &PageRequest,
) -> PgResult<ResultPage<EventId>> {
    let mut reader = RowReader::new(&shared.unreadable);
    let Some((snapshot, found)) = search(shared, &mut reader, filter, page).await? else { return Ok(nothing()) };
    snapshot.end().await?;
    Ok(found.ids())
}

/// What matches, and the snapshot in which it does; none if no page has answered the place.
async fn search(
    shared: &PgState,
    reader: &mut RowReader<'_>,
    filter: &EventFilter,
    page: &PageRequest,
) -> PgResult<Option<(Snapshot, Matches<()>)>> {
    let Some(before) = place(page, filter.terms.event_ids()) else { return Ok(None) };
    // What is remembered, before the snapshot is taken: a lock that had ended then has ended.
    let (locks_from, given_from) = {
        let positions = shared.scan_positions();
        let given_from = filter.engine_id.as_ref().map_or(Xid::default(), |engine_id| positions.engine(engine_id));
        (Moment(positions.locks_from), given_from)
    };
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let run = filter.scenario_run_id.as_ref().map(ScenarioRunId::as_str);
    let key = filter.idempotency_key.as_deref();
    let (sql, own): (_, Param<'_>) = match path(&snapshot, shared, filter).await? {
        SearchPlan::Plain(sql) => (sql, (&run, Type::TEXT)),
        SearchPlan::OfKey => (newest::OF_KEY, (&key, Type::TEXT)),
        SearchPlan::Processing => (newest::PROCESSING, (&locks_from, Type::TIMESTAMPTZ)),
        SearchPlan::LockedByEngine => (newest::LOCKED_BY_ENGINE, (&given_from, Type::XID8)),
    };
    let status = filter.status.map(EventStatus::name);
    let (event_type, queue) =
        (filter.event_type.as_ref().map(EventType::as_str), filter.queue.as_ref().map(QueueName::as_str));
    let engine = filter.engine_id.as_ref().map(EngineId::as_str);
    let (after, until) = (filter.enqueued_after.map(Moment), filter.enqueued_before.map(Moment));
    let available = filter.available_after.map(Moment);
    let priority = filter.priority.map(i32::from);
    let (label, value) = (filter.label.as_ref().map(Label::key), filter.label.as_ref().map(Label::value));
    let common = params![
        UUID: &before, INT8: &i64::from(MAX_SCANNED_ROWS), INT8: &one_more(page), TEXT: &status, TEXT: &event_type,
        TEXT: &queue, TEXT: &engine, TIMESTAMPTZ: &after, TIMESTAMPTZ: &until, INT4: &priority, TEXT: &label,
        TEXT: &value, TEXT: &run, TIMESTAMPTZ: &available,
    ];
    // What the caller may see, or else what the terms ask for: what is found is compared with them.
    let terms = |field| filter.terms.like_patterns(&field);
    let queues = likes(&filter.within.queues).or_else(|| terms(FilterField::Queue));
    let event_types = likes(&filter.within.event_types).or_else(|| terms(FilterField::EventType));
    let within = params![TEXT_ARRAY: &queues, TEXT_ARRAY: &event_types];
    let rows = snapshot.query(sql, common.into_iter().chain(within).chain([own]).collect::<Vec<_>>()).await?;
    let found = Matches::read(reader, "events", &rows, page, |_| Ok(()))?;
    Ok(Some((snapshot, found)))
}

/// The ways to the newest events, each by an index. The last four sort what they find, and that of a key finds one: `offset 0` keeps the database from looking
/// through all events in the order of their ids instead.
pub(crate) mod newest {
    use super::sql;

    pub(crate) const ALL: &str =
        sql!("newest_events", source = "enginehouse.events where event_id < $1", order = "event_id desc");
    /// A key has one event at most.
    pub(crate) const OF_KEY: &str = sql!(
        "newest_events",
        source = "(select * from enginehouse.events where idempotency_key = $17 offset 0) as found where event_id < $1",
        order = "event_id desc"
    );
    /// Compared and ordered by both columns, which no other index can do.
    pub(crate) const OF_RUN: &str = sql!(
        "newest_events",
        source = "enginehouse.events where scenario_run_id >= $17 and (scenario_run_id, event_id) < ($17, $1)",
        order = "scenario_run_id desc, event_id desc"
    );
    pub(crate) const FAILED_OR_CANCELLED: &str = sql!(
        "newest_events",
        source = "enginehouse.events \
                  where status in ('failed', 'cancelled') and status >= $4 and (status, event_id) < ($4, $1)",
        order = "status desc, event_id desc"
    );
    /// None of its locks was given by a transaction before one.
    pub(crate) const LOCKED_BY_ENGINE: &str = sql!(
        "newest_events",
        source = "(select * from enginehouse.events where engine_id = $7 and lock_given_by >= $17 offset 0) as found \
                  where event_id < $1",
        order = "event_id desc"
    );
    /// There are as many as the fleet can work on, however many events wait. None that lasts expires before a moment.
    pub(crate) const PROCESSING: &str = sql!(
        "newest_events",
        source =
            "(select * from enginehouse.events where lock_expires_at >= $17 offset 0) as found where event_id < $1",
        order = "event_id desc"
    );
    pub(crate) const QUEUED: &str = sql!(
        "newest_events",
        source = "(select * from enginehouse.events where status = 'queued' offset 0) as found where event_id < $1",
        order = "event_id desc"
    );
    pub(crate) const COMPLETED: &str = sql!(
        "newest_events",
        source = "(select * from enginehouse.events where status = 'completed' offset 0) as found where event_id < $1",
        order = "event_id desc"
    );
}

/// The way on which the fewest rows are looked at, by what it needs to know.
enum SearchPlan {
    Plain(&'static str),
    OfKey,
    Processing,
    LockedByEngine,
}

async fn path(session: &Session, shared: &PgState, filter: &EventFilter) -> PgResult<SearchPlan> {
    if filter.idempotency_key.is_some() {
        return Ok(SearchPlan::OfKey);
    }
    if filter.scenario_run_id.is_some() {
        return Ok(SearchPlan::Plain(newest::OF_RUN));
    }
    let Some(status) = filter.status else { return Ok(SearchPlan::Plain(newest::ALL)) };
    let sorted = match status {
        EventStatus::Failed | EventStatus::Cancelled => return Ok(SearchPlan::Plain(newest::FAILED_OR_CANCELLED)),
        EventStatus::Processing if filter.engine_id.is_some() => return Ok(SearchPlan::LockedByEngine),
        EventStatus::Processing => return Ok(SearchPlan::Processing),
        EventStatus::Queued => newest::QUEUED,
        EventStatus::Completed => newest::COMPLETED,
    };
    // For few of them only, as they are sorted.
    let count = counts::totals(session, shared).await?.of(status);
    Ok(SearchPlan::Plain(if count <= u64::from(MAX_SCANNED_ROWS) { sorted } else { newest::ALL }))
}

/// The id that the page lies before, if the ids that are wanted are the first and the last of these. A place that no page has
/// answered finds nothing.
pub(super) fn place(page: &PageRequest, wanted: Option<(EventId, EventId)>) -> Option<Uuid> {
    let place = match &page.after {
        None => Uuid::max(),
        Some(place) => place.parse::<EventId>().ok()?.0,
    };
    let behind = wanted.map(|(_, last)| Uuid::from_u128(last.0.as_u128().saturating_add(1)));
    Some(behind.map_or(place, |behind| behind.min(place)))
}

/// One more than asked for tells whether more follow.
pub(super) fn one_more(page: &PageRequest) -> i64 {
    i64::from(page.limit) + 1
}

pub(super) fn nothing<T>() -> ResultPage<T> {
    ResultPage { items: Vec::new(), next: None }
}

/// What a search has found, and the place behind it if more may follow.
pub(super) struct Matches<T> {
    items: Vec<(EventId, T)>,
    next: Option<EventId>,
}

impl<T> Matches<T> {
    /// Reads id, whether it matches, and its place among the rows that were looked at; then what else there is.
    pub(super) fn read(
        reader: &mut RowReader<'_>,
        table: &'static str,
        rows: &[Row],
        page: &PageRequest,
        read: impl Fn(&mut PgColumns<'_>) -> PgResult<T>,
    ) -> PgResult<Self> {
        let mut found = Self { items: Vec::new(), next: None };
        for row in rows {
            let mut columns = PgColumns::of(row);
            let event_id = columns.read()?;
            let (is_match, place): (bool, i64) = (columns.read()?, columns.read()?);
            if found.items.len() >= page.limit as usize {
                found.next = found.items.last().map(|(id, _)| *id);
                break;
            }
            if is_match {
                let item = reader.one(table, row, |columns| {
                    // Behind what was read above.
                    let (_, _, _): (EventId, bool, i64) = (columns.read()?, columns.read()?, columns.read()?);
                    read(columns)
                })?;
                found.items.extend(item.map(|item| (event_id, item)));
            }
            if place == i64::from(MAX_SCANNED_ROWS) {
                found.next = Some(event_id);
            }
        }
        Ok(found)
    }

    /// The page, of ids alone.
    fn ids(self) -> ResultPage<EventId> {
        let items = self.items.into_iter().map(|(event_id, _)| event_id).collect();
        ResultPage { items, next: self.next.map(|id| id.to_string()) }
    }

    /// The page, with as many events as it may hold.
    pub(super) async fn page<I>(
        self,
        session: &Session,
        reader: &mut RowReader<'_>,
        item: impl Fn(T, EventRecord) -> I,
    ) -> PgResult<ResultPage<I>> {
        let ids: Vec<_> = self.items.iter().map(|(id, _)| *id).collect();
        let records = records(session, reader, &ids, MAX_PAGE_BYTES).await?;
        let mut records: HashMap<_, _> =
            records.into_iter().map(|(bytes, record)| (record.event.event_id, (bytes, record))).collect();
        let mut page =
            ResultPage { items: Vec::with_capacity(records.len()), next: self.next.map(|id| id.to_string()) };
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
pub(super) async fn all_records(
    session: &Session,
    reader: &mut RowReader<'_>,
    ids: &[EventId],
) -> PgResult<Vec<EventRecord>> {
    let records = records(session, reader, ids, i64::MAX).await?;
    Ok(records.into_iter().map(|(_, record)| record).collect())
}

/// The same, each with the bytes of its payload and result, as long as those before hold less than `max_bytes`.
async fn records(
    session: &Session,
    reader: &mut RowReader<'_>,
    ids: &[EventId],
    max_bytes: i64,
) -> PgResult<Vec<(i64, EventRecord)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.query(sql!("records"), params![UUID_ARRAY: &uuids(ids), INT8: &max_bytes]).await?;
    let mut records = reader.all("events", &rows, |columns| {
        let (bytes, payload) = (columns.read()?, read_payload(columns)?);
        let payload = payload.ok_or_else(|| PgError::Row("the event has no payload".to_owned()))?;
        let lane = lanes::key(columns)?;
        Ok((bytes, EventRecord { event: read_event(columns)?, lane, payload, reports: None }))
    })?;
    reports::add_summaries(session, reader, records.iter_mut().map(|(_, record)| record)).await?;
    Ok(records)
}
