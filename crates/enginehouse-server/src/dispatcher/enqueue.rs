//! Producers add events: each request all or nothing.

use std::collections::HashMap;
use std::sync::Arc;

use enginehouse_core::event::NewEvent;
use enginehouse_core::fingerprint;
use enginehouse_core::ids::EventId;
use enginehouse_core::transition::EventState;
use enginehouse_store::rows::{EventRow, KeyedEvent, NewEventRow};
use enginehouse_store::{StoreError, Transaction};

use super::batch::Batch;
use super::commands::{Enqueued, Refusal};
use super::working::Working;

type Answered = Result<Vec<Enqueued>, Refusal>;

/// Adds the events of every request. A repeat of an earlier request, in this batch or in any before, adds nothing and
/// answers with the event that is there.
pub(super) async fn enqueue(
    tx: &mut dyn Transaction,
    requests: &[&[NewEvent]],
    batch: &mut Batch<'_>,
) -> Result<Vec<Answered>, StoreError> {
    let all = || requests.iter().copied().flatten();
    let keys: Vec<_> = all().map(|event| &event.lane).collect();
    let lanes = batch.registry.intern(tx, &keys).await?;
    let mut known = known_keys(tx, all()).await?;
    let mut rows = Vec::new();
    let mut answers = Vec::with_capacity(requests.len());
    let mut lanes = lanes.into_iter();
    for request in requests {
        // What a refused request would have added is taken back.
        let (first_row, mut new_keys) = (rows.len(), Vec::new());
        let mut enqueued = Vec::with_capacity(request.len());
        let mut refused = None;
        for (place, event) in request.iter().enumerate() {
            let Some((lane_id, lane)) = lanes.next() else { break };
            if refused.is_some() {
                continue;
            }
            let fingerprint = event.idempotency_key.as_ref().map(|_| fingerprint::of(event));
            if let (Some(key), Some(fingerprint)) = (&event.idempotency_key, fingerprint) {
                match known.get(key) {
                    Some(there) if there.fingerprint == fingerprint => {
                        enqueued.push(duplicate(there.event_id, &lane, batch));
                        continue;
                    }
                    Some(there) => {
                        refused = Some(Refusal::IdempotencyConflict {
                            key: Arc::clone(key),
                            event_id: there.event_id,
                            place,
                        });
                        continue;
                    }
                    None => {}
                }
            }
            let event_id = batch.ids.next_event_id(batch.now, batch.chance);
            let state = EventState::enqueued(event.start.available_at(batch.now));
            enqueued.push(Enqueued {
                event_id,
                status: state.status,
                available_at: state.available_at,
                duplicate: false,
                servable: batch.registry.is_servable(lane_id, &lane),
                lane,
            });
            if let (Some(key), Some(fingerprint)) = (&event.idempotency_key, fingerprint) {
                known.insert(Arc::clone(key), KeyedEvent { key: Arc::clone(key), event_id, fingerprint });
                new_keys.push(Arc::clone(key));
            }
            let row = EventRow {
                event_id,
                lane_id,
                scenario_run_id: event.scenario_run_id.clone(),
                idempotency_key: event.idempotency_key.clone(),
                overrides: event.overrides.clone(),
                labels: event.labels.clone(),
                enqueued_at: batch.now,
                state,
            };
            rows.push(NewEventRow { event: row, payload: event.payload.clone(), fingerprint });
        }
        answers.push(match refused {
            None => Ok(enqueued),
            Some(refused) => {
                rows.truncate(first_row);
                for key in new_keys {
                    known.remove(&key);
                }
                Err(refused)
            }
        });
    }
    if !rows.is_empty() {
        tx.insert_events(&rows).await?;
    }
    for NewEventRow { event, .. } in &rows {
        *batch.report.enqueued.entry(event.lane_id).or_default() += 1;
        batch.report.queued(event.lane_id, event.state.available_at, batch.now);
    }
    describe_duplicates(tx, &mut answers, &rows).await?;
    Ok(answers)
}

async fn known_keys<'a>(
    tx: &mut dyn Transaction,
    events: impl Iterator<Item = &'a NewEvent>,
) -> Result<HashMap<Arc<str>, KeyedEvent>, StoreError> {
    let mut keys: Vec<_> = events.filter_map(|event| event.idempotency_key.as_deref()).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let known = tx.events_by_idempotency_key(&keys).await?;
    Ok(known.into_iter().map(|keyed| (Arc::clone(&keyed.key), keyed)).collect())
}

/// What is not known of an event that was there before is filled in by [`describe_duplicates`].
fn duplicate(event_id: EventId, lane: &Arc<enginehouse_core::lane::LaneKey>, batch: &Batch<'_>) -> Enqueued {
    Enqueued {
        event_id,
        lane: Arc::clone(lane),
        status: enginehouse_core::event::EventStatus::Queued,
        available_at: batch.now,
        duplicate: true,
        servable: true,
    }
}

async fn describe_duplicates(
    tx: &mut dyn Transaction,
    answers: &mut [Answered],
    rows: &[NewEventRow],
) -> Result<(), StoreError> {
    let mut duplicates: Vec<_> = answers.iter_mut().flatten().flatten().filter(|enqueued| enqueued.duplicate).collect();
    if duplicates.is_empty() {
        return Ok(());
    }
    let mut there = Working::default();
    for new in rows {
        there.keep(new.event.clone());
    }
    there.load(tx, duplicates.iter().map(|enqueued| enqueued.event_id)).await?;
    for enqueued in &mut duplicates {
        if let Some(row) = there.get(enqueued.event_id) {
            enqueued.status = row.state.status;
            enqueued.available_at = row.state.available_at;
        }
    }
    Ok(())
}
