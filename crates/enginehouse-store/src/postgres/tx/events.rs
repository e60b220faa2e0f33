//! Events as rows.

use enginehouse_core::ids::EventId;
use enginehouse_core::transition::EventState;

use super::columns::{Arrays, Moment, PgColumns, params, sql};
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::session::Session;
use crate::rows::{EventChange, NewEventRow};
use crate::table::{EnqueuedColumns, PayloadColumns, StateColumns};

/// Adds events and their payloads.
pub(crate) async fn insert(session: &Session, events: &[NewEventRow]) -> PgResult<()> {
    let mut available = Vec::with_capacity(events.len());
    for NewEventRow { event, .. } in events {
        // The columns of the state have defaults, which say the same.
        if event.state != EventState::enqueued(event.state.available_at) {
            return Err(PgError::Bug(format!(
                "event {} is new, but not as one that was just enqueued",
                event.event_id
            )));
        }
        available.push(Moment(event.state.available_at));
    }
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
    rows.and(texts)?;
    Ok(())
}

/// Writes events that still stand as they were read. Answers which.
pub(crate) async fn write(session: &Session, changes: &[EventChange]) -> PgResult<Vec<EventId>> {
    let ids: Vec<_> = changes.iter().map(|change| change.event_id.0).collect();
    let statuses: Vec<_> = changes.iter().map(|change| change.read_status.name()).collect();
    let serials: Vec<_> = changes.iter().map(|change| change.read_serial).collect();
    let columns = changes.iter().map(|change| Ok(StateColumns::of(&change.state)?)).collect::<PgResult<Vec<_>>>()?;
    let arrays = Arrays::of(&columns);
    let parameters = arrays.behind(params![UUID_ARRAY: &ids, TEXT_ARRAY: &statuses, INT8_ARRAY: &serials]);
    let rows = session.query(sql!("write_events"), parameters).await?;
    rows.iter().map(|row| PgColumns::of(row).read()).collect()
}

/// Gives events other payloads.
pub(crate) async fn write_payloads(session: &Session, changes: &[&EventChange]) -> PgResult<()> {
    let payloads: Vec<_> = changes
        .iter()
        .filter_map(|change| Some(PayloadColumns::of(change.event_id, change.payload.as_ref()?)))
        .collect();
    session.execute(sql!("write_event_payloads"), Arrays::of(&payloads).parameters()).await?;
    Ok(())
}
