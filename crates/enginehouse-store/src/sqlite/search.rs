//! Lists of events, newest first: a page looks at a bounded number of rows, and holds a bounded number of bytes.

use std::collections::HashSet;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{EngineId, EventId, LaneId};
use enginehouse_core::label::Label;
use enginehouse_core::time::Timestamp;
use rusqlite::params;

use super::columns::sql;
use super::connection::SqliteConnection;
use super::events;
use super::failure::{SqliteError, SqliteResult};
use super::lanes::{self, KnownLanes};
use super::locks;
use super::reports;
use crate::rows::{EventFilter, EventRecord, MAX_PAGE_BYTES, PageRequest, ResultPage};

/// How many rows one page looks at.
pub(super) const MAX_SCANNED_ROWS: u32 = 20_000;

/// One event with its lane and payload.
pub(super) fn record(
    connection: &SqliteConnection,
    event_id: EventId,
    known: &mut KnownLanes,
) -> SqliteResult<Option<EventRecord>> {
    let Some(event) = events::one(connection, event_id)? else { return Ok(None) };
    let Some(lane) = known.key(connection, event.lane_id)? else { return Ok(None) };
    let Some(payload) = events::payload(connection, event_id)? else { return Ok(None) };
    let reports = reports::summary(connection, &event)?;
    Ok(Some(EventRecord { event, lane, payload, reports }))
}

/// The id that the page lies before, if the ids that are wanted are the first and the last of these. A place that no page has
/// answered finds nothing.
pub(super) fn place(page: &PageRequest, wanted: Option<(EventId, EventId)>) -> Option<Vec<u8>> {
    let place = match &page.after {
        // Behind every id: longer than the last one.
        None => vec![u8::MAX; 17],
        Some(place) => place.parse::<EventId>().ok()?.0.as_bytes().to_vec(),
    };
    // Right behind the last one that is wanted.
    let behind = wanted.map(|(_, last)| [&last.0.as_bytes()[..], &[0]].concat());
    Some(behind.map_or(place.clone(), |behind| behind.min(place)))
}

pub(super) fn nothing<T>() -> ResultPage<T> {
    ResultPage { items: Vec::new(), next: None }
}

/// A page in the making.
pub(super) struct Search<'a, T> {
    connection: &'a SqliteConnection,
    limit: u32,
    known: KnownLanes,
    items: Vec<T>,
    bytes: usize,
    looked_at: u32,
    last: Option<EventId>,
}

impl<'a, T> Search<'a, T> {
    pub(super) fn new(connection: &'a SqliteConnection, limit: u32) -> Self {
        let known = KnownLanes::default();
        Self { connection, limit, known, items: Vec::new(), bytes: 0, looked_at: 0, last: None }
    }

    pub(super) fn is_full(&self) -> bool {
        self.items.len() >= self.limit as usize || self.bytes >= MAX_PAGE_BYTES
    }

    /// Takes note of a row, and of its event if it matches.
    pub(super) fn look_at(
        &mut self,
        event_id: EventId,
        matches: bool,
        item: impl FnOnce(EventRecord) -> T,
    ) -> SqliteResult<()> {
        self.looked_at += 1;
        self.last = Some(event_id);
        if matches && let Some(record) = record(self.connection, event_id, &mut self.known)? {
            self.bytes += record.payload.as_str().len();
            self.bytes += record.event.state.result.as_ref().map_or(0, |result| result.as_str().len());
            self.items.push(item(record));
        }
        Ok(())
    }

    /// Takes note of a row that cannot be read.
    pub(super) fn pass_over(&mut self) {
        self.looked_at += 1;
    }

    /// The page, where it is known that rows follow.
    pub(super) fn page_with_more(self) -> ResultPage<T> {
        ResultPage { items: self.items, next: self.last.map(|id| id.to_string()) }
    }

    /// The page, when there were no more rows to look at.
    pub(super) fn page(self) -> ResultPage<T> {
        if self.looked_at == MAX_SCANNED_ROWS {
            self.page_with_more()
        } else {
            ResultPage { items: self.items, next: None }
        }
    }
}

impl Search<'_, EventId> {
    /// Takes note of a row, and of its id if it matches.
    fn note(&mut self, event_id: EventId, matches: bool) {
        self.looked_at += 1;
        self.last = Some(event_id);
        self.items.extend(matches.then_some(event_id));
    }
}

/// Events that match, newest first.
pub(super) fn events(
    connection: &SqliteConnection,
    filter: &EventFilter,
    page: &PageRequest,
) -> SqliteResult<ResultPage<EventRecord>> {
    search(connection, filter, page, |search, event_id, matches| search.look_at(event_id, matches, |record| record))
}

/// The same, but only which they are.
pub(super) fn event_ids(
    connection: &SqliteConnection,
    filter: &EventFilter,
    page: &PageRequest,
) -> SqliteResult<ResultPage<EventId>> {
    search(connection, filter, page, |search, event_id, matches| {
        search.note(event_id, matches);
        Ok(())
    })
}

fn search<T>(
    connection: &SqliteConnection,
    filter: &EventFilter,
    page: &PageRequest,
    look_at: impl Fn(&mut Search<'_, T>, EventId, bool) -> SqliteResult<()>,
) -> SqliteResult<ResultPage<T>> {
    let (Some(before), Some(lanes)) = (place(page, filter.terms.event_ids()), lanes_of(connection, filter)?) else {
        return Ok(nothing());
    };
    let (sql, name) = path(connection, filter)?;
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![before, MAX_SCANNED_ROWS, name, filter.label.is_some()])?;
    let mut search = Search::new(connection, page.limit);
    while let Some(row) = rows.next()? {
        if search.is_full() {
            return Ok(search.page_with_more());
        }
        let read = connection.readable("events", row, |columns| {
            let event_id = columns.read()?;
            let (status, lane_id): (EventStatus, LaneId) = (columns.read()?, columns.read()?);
            let (engine_id, enqueued_at): (Option<&str>, Timestamp) = (columns.read()?, columns.read()?);
            let (available_at, run): (Timestamp, Option<&str>) = (columns.read()?, columns.read()?);
            let labels: Option<&str> = columns.read()?;
            let matches = filter.status.is_none_or(|wanted| wanted == status)
                && lanes.as_ref().is_none_or(|lanes| lanes.contains(&lane_id))
                && filter.engine_id.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == engine_id)
                && filter.scenario_run_id.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == run)
                && filter.available_after.is_none_or(|after| available_at >= after)
                && filter.enqueued_after.is_none_or(|after| enqueued_at >= after)
                && filter.enqueued_before.is_none_or(|before| enqueued_at < before)
                && has_label(filter.label.as_ref(), labels)?;
            Ok((event_id, matches))
        })?;
        match read {
            Some((event_id, matches)) => look_at(&mut search, event_id, matches)?,
            None => search.pass_over(),
        }
    }
    Ok(search.page())
}

fn has_label(wanted: Option<&Label>, labels: Option<&str>) -> SqliteResult<bool> {
    match (wanted, labels) {
        (None, _) => Ok(true),
        (Some(_), None) => Ok(false),
        (Some(label), Some(labels)) => {
            label.is_in(labels).map_err(|error| SqliteError::Row(format!("labels: {error}")))
        }
    }
}

/// The lanes that may hold what is asked for: `Some(None)` if all may, nothing if none does.
fn lanes_of(connection: &SqliteConnection, filter: &EventFilter) -> SqliteResult<Option<Option<HashSet<LaneId>>>> {
    if filter.event_type.is_none()
        && filter.queue.is_none()
        && filter.priority.is_none()
        && !filter.within.limit_lanes()
        && !filter.terms.limit_lanes()
    {
        return Ok(Some(None));
    }
    let mut lanes = lanes::after(connection, LaneId(0))?;
    lanes.retain(|lane| {
        filter.within.admit_lane(&lane.key)
            && filter.terms.admit_lane(&lane.key)
            && filter.event_type.as_ref().is_none_or(|wanted| *wanted == lane.key.event_type)
            && filter.queue.as_ref().is_none_or(|wanted| *wanted == lane.key.queue)
            && filter.priority.is_none_or(|wanted| wanted == lane.key.priority)
    });
    let found: HashSet<_> = lanes.into_iter().map(|lane| lane.lane_id).collect();
    Ok(if found.is_empty() { None } else { Some(Some(found)) })
}

/// The ways to the newest events, each by an index. The last three sort ids that are read from an index alone, and read as many
/// events as the page needs.
pub(super) mod newest {
    use super::sql;

    pub(in super::super) const ALL: &str = sql!("newest_events", source = "events as e where e.event_id < ?1");
    /// A key has one event at most.
    pub(in super::super) const OF_KEY: &str = sql!(
        "newest_events",
        source = "events as e indexed by events_idempotency_key where e.idempotency_key = ?3 and e.event_id < ?1"
    );
    pub(in super::super) const OF_RUN: &str = sql!(
        "newest_events",
        source = "events as e indexed by events_of_run where e.scenario_run_id = ?3 and e.event_id < ?1"
    );
    pub(in super::super) const FAILED_OR_CANCELLED: &str = sql!(
        "newest_events",
        source = "events as e indexed by events_failed_or_cancelled_newest \
                  where e.status in ('failed', 'cancelled') and e.status = ?3 and e.event_id < ?1"
    );
    pub(in super::super) const LOCKED_BY_ENGINE: &str = sql!(
        "newest_events",
        source = "events as e indexed by events_locks_of_engine \
                  where e.status = 'processing' and e.engine_id = ?3 and e.event_id < ?1"
    );
    /// There are as many as the fleet can work on, however many events wait.
    pub(in super::super) const PROCESSING: &str = sql!(
        "newest_events",
        source = "events as e where e.event_id in ( \
                  select event_id from events indexed by events_locks_of_engine \
                  where status = 'processing' and event_id < ?1 order by event_id desc limit ?2)"
    );
    pub(in super::super) const QUEUED: &str = sql!(
        "newest_events",
        source = "events as e where e.event_id in ( \
                  select event_id from events indexed by events_ready \
                  where status = 'queued' and event_id < ?1 order by event_id desc limit ?2)"
    );
    pub(in super::super) const COMPLETED: &str = sql!(
        "newest_events",
        source = "events as e where e.event_id in ( \
                  select event_id from events indexed by events_completed \
                  where status = 'completed' and event_id < ?1 order by event_id desc limit ?2)"
    );
}

/// The statement that looks at the fewest rows, and the name it needs.
fn path<'a>(connection: &SqliteConnection, filter: &'a EventFilter) -> SqliteResult<(&'static str, Option<&'a str>)> {
    if let Some(key) = &filter.idempotency_key {
        return Ok((newest::OF_KEY, Some(key)));
    }
    if let Some(run) = &filter.scenario_run_id {
        return Ok((newest::OF_RUN, Some(run.as_str())));
    }
    let Some(status) = filter.status else { return Ok((newest::ALL, None)) };
    let sorted = match status {
        EventStatus::Failed | EventStatus::Cancelled => {
            return Ok((newest::FAILED_OR_CANCELLED, Some(status.name())));
        }
        EventStatus::Processing => {
            return Ok(match &filter.engine_id {
                Some(engine_id) => (newest::LOCKED_BY_ENGINE, Some(engine_id.as_str())),
                None => (newest::PROCESSING, None),
            });
        }
        EventStatus::Queued => newest::QUEUED,
        EventStatus::Completed => newest::COMPLETED,
    };
    // For few of them only, as they are sorted.
    let count = lanes::status_counts(connection)?.of(status);
    Ok((if count <= u64::from(MAX_SCANNED_ROWS) { sorted } else { newest::ALL }, None))
}

/// The events that an engine holds, by id.
pub(super) fn locked_by(connection: &SqliteConnection, engine_id: &EngineId) -> SqliteResult<Vec<EventRecord>> {
    let mut known = KnownLanes::default();
    let locks = locks::held_events(connection, std::slice::from_ref(engine_id))?;
    locks.iter().filter_map(|lock| record(connection, lock.event_id, &mut known).transpose()).collect()
}
