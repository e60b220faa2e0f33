//! Events as rows.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::columns::{Arrays, Moment, params, sql};
use crate::error::HeldResource;
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::{EventChange, NewEventRow};
use crate::table::{AttributeColumns, EnqueuedColumns, PayloadColumns, StateColumns, StateWrite};

/// Adds events and their payloads.
pub(crate) fn insert(events: &[NewEventRow]) -> PgResult<[EncodedStatement; 2]> {
    for new in events {
        new.check().map_err(PgError::Bug)?;
    }
    let available: Vec<_> = events.iter().map(|new| Moment(new.event.state.available_at)).collect();
    let expire: Vec<_> = events.iter().map(|new| new.event.state.expires_at.map(Moment)).collect();
    let fingerprints: Vec<_> = events.iter().map(|new| new.fingerprint.as_ref().map(|print| &print[..])).collect();
    let columns: Vec<_> = events.iter().map(|new| EnqueuedColumns::of(&new.event)).collect();
    let arrays = Arrays::of(&columns);
    let payloads: Vec<_> = events.iter().map(|new| PayloadColumns::of(new.event.event_id, &new.payload)).collect();
    let rows = EncodedStatement::new(
        sql!("insert_events"),
        arrays.behind(params![TIMESTAMPTZ_ARRAY: &available, TIMESTAMPTZ_ARRAY: &expire, BYTEA_ARRAY: &fingerprints]),
    )?;
    let payloads = EncodedStatement::new(sql!("insert_event_payloads"), Arrays::of(&payloads).parameters())?;
    // Another transaction may have added an event with the same key, and not committed it yet.
    Ok([rows.waiting_for(HeldResource::IdempotencyKey), payloads])
}

/// Writes events that still stand as they were read: one that does not is an error, by which the transaction ends.
pub(crate) fn write(changes: &[EventChange<'_>]) -> PgResult<Vec<EncodedStatement>> {
    let mut kinds: BTreeMap<StateWrite, StateChanges<'_>> = BTreeMap::new();
    let mut payloads = Vec::new();
    let mut changed = Vec::new();
    for EventChange { event, read, payload, read_lane } in changes {
        let state = StateColumns::of(&event.state)?;
        let changes = kinds.entry(StateWrite::of(&StateColumns::of(read)?, &state)).or_default();
        changes.ids.push(event.event_id.0);
        changes.read_statuses.push(read.status.name());
        changes.read_serials.push(read.lock_serial);
        changes.states.push(state);
        payloads.extend(payload.map(|payload| PayloadColumns::of(event.event_id, payload)));
        changed.extend(read_lane.map(|_| *event));
    }
    let mut statements: Vec<_> =
        kinds.iter().map(|(what, changes)| changes.statement(*what)).collect::<PgResult<_>>()?;
    if !payloads.is_empty() {
        statements.push(EncodedStatement::new(sql!("write_event_payloads"), Arrays::of(&payloads).parameters())?);
    }
    if !changed.is_empty() {
        let ids: Vec<_> = changed.iter().map(|event| event.event_id.0).collect();
        let attributes: Vec<_> = changed.into_iter().map(AttributeColumns::of).collect();
        let parameters = Arrays::of(&attributes);
        let parameters = parameters.behind(params![UUID_ARRAY: &ids]);
        statements.push(EncodedStatement::new(sql!("write_event_attributes"), parameters)?);
    }
    Ok(statements)
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
    fn statement(&self, what: StateWrite) -> PgResult<EncodedStatement> {
        let sql = match what {
            StateWrite::Lock => sql!("write_locks"),
            StateWrite::Completion => sql!("write_completions"),
            StateWrite::Renewal => sql!("write_renewals"),
            StateWrite::Whole => sql!("write_events"),
        };
        let arrays = Arrays::of_columns(&self.states, |place| what.has(place));
        let read = params![UUID_ARRAY: &self.ids, TEXT_ARRAY: &self.read_statuses, INT8_ARRAY: &self.read_serials];
        EncodedStatement::new(sql, arrays.behind(read))
    }
}
