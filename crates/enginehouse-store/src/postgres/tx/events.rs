//! Events as rows.

use std::collections::BTreeMap;

use enginehouse_core::ids::EventId;
use futures_util::future::join_all;
use uuid::Uuid;

use super::columns::{Arrays, Moment, PgColumns, params, sql};
use crate::postgres::wire::error::{PgError, PgResult, both};
use crate::postgres::wire::session::Session;
use crate::rows::{EventChange, NewEventRow};
use crate::table::{EnqueuedColumns, PayloadColumns, StateColumns, StateWrite};

/// Adds events and their payloads.
pub(crate) async fn insert(session: &Session, events: &[NewEventRow]) -> PgResult<()> {
    for new in events {
        new.check().map_err(PgError::Bug)?;
    }
    let available: Vec<_> = events.iter().map(|new| Moment(new.event.state.available_at)).collect();
    let fingerprints: Vec<_> = events.iter().map(|new| new.fingerprint.as_ref().map(|print| &print[..])).collect();
    let columns: Vec<_> = events.iter().map(|new| EnqueuedColumns::of(&new.event)).collect();
    let arrays = Arrays::of(&columns);
    let payloads: Vec<_> = events.iter().map(|new| PayloadColumns::of(new.event.event_id, &new.payload)).collect();
    let payloads = Arrays::of(&payloads);
    let rows = session.execute(
        sql!("insert_events"),
        arrays.behind(params![TIMESTAMPTZ_ARRAY: &available, BYTEA_ARRAY: &fingerprints]),
    );
    let texts = session.execute(sql!("insert_event_payloads"), payloads.parameters());
    // Sent together: neither waits for the other's answer.
    let (rows, texts) = tokio::join!(rows, texts);
    both(rows, texts)?;
    Ok(())
}

/// Writes events that still stand as they were read. Answers which.
pub(crate) async fn write(session: &Session, changes: &[EventChange<'_>]) -> PgResult<Vec<EventId>> {
    let mut kinds: BTreeMap<StateWrite, StateChanges<'_>> = BTreeMap::new();
    for EventChange { event, read, .. } in changes {
        let state = StateColumns::of(&event.state)?;
        let changes = kinds.entry(StateWrite::of(&StateColumns::of(read)?, &state)).or_default();
        changes.ids.push(event.event_id.0);
        changes.read_statuses.push(read.status.name());
        changes.read_serials.push(read.lock_serial);
        changes.states.push(state);
    }
    // Sent together: none waits for another's answer.
    let writes = join_all(kinds.iter().map(|(what, changes)| changes.write(session, *what))).await;
    let all = |all, more| both(all, more).map(|(all, more): (Vec<_>, Vec<_>)| [all, more].concat());
    writes.into_iter().fold(Ok(Vec::new()), all)
}

/// Changes that one statement writes.
#[derive(Default)]
struct StateChanges<'a> {
    ids: Vec<Uuid>,
    read_statuses: Vec<&'static str>,
    read_serials: Vec<i64>,
    states: Vec<StateColumns<'a>>,
}

impl StateChanges<'_> {
    async fn write(&self, session: &Session, what: StateWrite) -> PgResult<Vec<EventId>> {
        let sql = match what {
            StateWrite::Lock => sql!("write_locks"),
            StateWrite::Completion => sql!("write_completions"),
            StateWrite::Renewal => sql!("write_renewals"),
            StateWrite::Whole => sql!("write_events"),
        };
        let arrays = Arrays::of_columns(&self.states, |place| what.has(place));
        let read = params![UUID_ARRAY: &self.ids, TEXT_ARRAY: &self.read_statuses, INT8_ARRAY: &self.read_serials];
        let rows = session.query(sql, arrays.behind(read)).await?;
        rows.iter().map(|row| PgColumns::of(row).read()).collect()
    }
}

/// Gives events other payloads.
pub(crate) async fn write_payloads(session: &Session, changes: &[&EventChange<'_>]) -> PgResult<()> {
    let payloads: Vec<_> =
        changes.iter().filter_map(|change| Some(PayloadColumns::of(change.event.event_id, change.payload?))).collect();
    session.execute(sql!("write_event_payloads"), Arrays::of(&payloads).parameters()).await?;
    Ok(())
}
