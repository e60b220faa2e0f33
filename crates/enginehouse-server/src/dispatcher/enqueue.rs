//! Producers add events: each request all or nothing.

use std::collections::HashMap;
use std::sync::Arc;

use enginehouse_core::event::{EventStatus, NewEvent};
use enginehouse_core::fingerprint;
use enginehouse_core::ids::{EventId, LaneId};
use enginehouse_core::lane::LaneKey;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventState;
use enginehouse_store::StoreError;
use enginehouse_store::rows::{EventRow, KeyedEvent, NewEventRow};

use super::answers::Enqueued;
use super::caps::EnqueueAllowance;
use super::context::TransactionContext;
use super::deadlines::bring_forward;
use super::reply::{KeyConflict, Refusal};

/// How many classes of engines are compared with lanes for the warnings of one batch: about a millisecond.
const MAX_COMPARISONS: u64 = 10_000;

type EnqueueResult = Result<Vec<Enqueued>, Refusal>;

/// Adds the events of every request. A repeat of an earlier request, in this batch or in any before, adds nothing and
/// is answered with the event that is there.
pub(super) async fn enqueue(
    context: &mut TransactionContext<'_>,
    requests: &[Vec<NewEvent>],
) -> Result<Vec<EnqueueResult>, StoreError> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let mut room = EnqueueAllowance::of(context, requests).await?;
    let room: Vec<_> = requests.iter().map(|request| room.take(context, request)).collect();
    let accepted = requests.iter().zip(&room).filter(|(_, room)| room.is_ok());
    let keys: Vec<_> = accepted.flat_map(|(request, _)| request).map(|event| &event.lane).collect();
    let lanes = context.registry.intern(&mut *context.transaction, &keys).await?;
    let known_keys = known_keys(context, requests).await?;
    let mut additions = Additions { known_keys, rows: Vec::new(), comparisons_left: MAX_COMPARISONS };
    let expired_keys = additions.set_aside_expired(context.now);
    let mut lanes = lanes.into_iter();
    let mut answers = Vec::with_capacity(requests.len());
    for (request, room) in requests.iter().zip(room) {
        answers.push(match room {
            Ok(()) => additions.add(context, request, lanes.by_ref().take(request.len()).collect()),
            Err(refused) => Err(refused),
        });
    }
    let rows = additions.rows;
    if !rows.is_empty() {
        let taken_over = rows.iter().filter_map(|row| expired_keys.get(row.event.idempotency_key.as_ref()?).copied());
        let taken_over: Vec<_> = taken_over.collect();
        if !taken_over.is_empty() {
            context.transaction.release_idempotency_keys(&taken_over).await?;
        }
        context.transaction.insert_events(&rows).await?;
    }
    for NewEventRow { event, .. } in &rows {
        *context.effects.enqueued.entry(event.lane_id).or_default() += 1;
        context.effects.queued(event.event_id, event.lane_id, event.state.available_at, context.now);
        bring_forward(&mut context.effects.deadlines.event_expiry, event.state.expires_at);
    }
    describe_duplicates(context, &mut answers, &rows).await?;
    Ok(answers)
}

/// What the requests of a batch add.
struct Additions {
    /// The events that have idempotency keys which are not expired, those of this batch included.
    known_keys: HashMap<Arc<str>, KeyedEvent>,
    rows: Vec<NewEventRow>,
    /// How many classes of engines may still be compared with lanes, to warn of events that no engine could be given.
    comparisons_left: u64,
}

impl Additions {
    /// Keys whose window is over are as free as if they were nobody's. Answers which events have them still: whoever uses
    /// one takes it from its event.
    fn set_aside_expired(&mut self, now: Timestamp) -> HashMap<Arc<str>, EventId> {
        let is_over = |_: &Arc<str>, keyed: &mut KeyedEvent| keyed.has_expired(now);
        self.known_keys.extract_if(is_over).map(|(key, keyed)| (key, keyed.event_id)).collect()
    }

    /// Adds the events of one request, or none of them.
    fn add(
        &mut self,
        context: &mut TransactionContext<'_>,
        request: &[NewEvent],
        lanes: Vec<(LaneId, Arc<LaneKey>)>,
    ) -> EnqueueResult {
        let rows_before = self.rows.len();
        let (mut new_keys, mut conflicts) = (Vec::new(), Vec::new());
        let mut enqueued = Vec::with_capacity(request.len());
        for (index, (event, (lane_id, lane))) in request.iter().zip(lanes).enumerate() {
            let keyed = event.idempotency_key.as_ref().map(|key| (key, fingerprint::of(event)));
            if let Some((key, fingerprint)) = keyed
                && let Some(there) = self.known_keys.get(key)
            {
                if there.fingerprint == fingerprint {
                    enqueued.push(duplicate(context, there.event_id, lane));
                    continue;
                }
                conflicts.push(KeyConflict { key: Arc::clone(key), event_id: there.event_id, index });
                continue;
            }
            let event_id = context.ids.next_event_id(context.now, context.rng);
            if let Some((key, fingerprint)) = keyed {
                let expires_at = event.idempotency_window.map(|window| context.now + window);
                let keyed = KeyedEvent { key: Arc::clone(key), event_id, fingerprint, expires_at };
                self.known_keys.insert(Arc::clone(key), keyed);
                new_keys.push(Arc::clone(key));
            }
            let available_at = event.start.available_at(context.now);
            let expires_at = event.expires_after.map(|wait| available_at + wait);
            let state = EventState { expires_at, ..EventState::enqueued(available_at) };
            enqueued.push(Enqueued {
                event_id,
                status: state.status,
                available_at: state.available_at,
                duplicate: false,
                // Of what is not found out in time nothing is said.
                miss: context.registry.servable(lane_id, &lane, &mut self.comparisons_left).miss(),
                lane,
            });
            let row = EventRow {
                event_id,
                lane_id,
                scenario_run_id: event.scenario_run_id.clone(),
                idempotency_key: event.idempotency_key.clone(),
                idempotency_key_expires_at: event.idempotency_window.map(|window| context.now + window),
                overrides: event.overrides.clone(),
                labels: event.labels.clone(),
                trace_parent: event.trace_parent,
                enqueued_at: context.now,
                state,
            };
            let fingerprint = keyed.map(|(_, fingerprint)| fingerprint);
            self.rows.push(NewEventRow { event: row, payload: event.payload.clone(), fingerprint });
        }
        if !conflicts.is_empty() {
            self.rows.truncate(rows_before);
            new_keys.iter().for_each(|key| drop(self.known_keys.remove(key)));
            return Err(Refusal::IdempotencyConflict(conflicts));
        }
        Ok(enqueued)
    }
}

/// The events that have the idempotency keys of these requests.
async fn known_keys(
    context: &mut TransactionContext<'_>,
    requests: &[Vec<NewEvent>],
) -> Result<HashMap<Arc<str>, KeyedEvent>, StoreError> {
    let mut keys: Vec<_> = requests.iter().flatten().filter_map(|event| event.idempotency_key.as_deref()).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let known = context.transaction.events_by_idempotency_key(&keys).await?;
    Ok(known.into_iter().map(|keyed| (Arc::clone(&keyed.key), keyed)).collect())
}

/// A duplicate of an event that is there. [`describe_duplicates`] fills in its status and time.
fn duplicate(context: &TransactionContext<'_>, event_id: EventId, lane: Arc<LaneKey>) -> Enqueued {
    Enqueued { event_id, lane, status: EventStatus::Queued, available_at: context.now, duplicate: true, miss: None }
}

async fn describe_duplicates(
    context: &mut TransactionContext<'_>,
    answers: &mut [EnqueueResult],
    rows: &[NewEventRow],
) -> Result<(), StoreError> {
    let mut duplicates: Vec<_> = answers.iter_mut().flatten().flatten().filter(|enqueued| enqueued.duplicate).collect();
    if duplicates.is_empty() {
        return Ok(());
    }
    let added: HashMap<_, _> = rows.iter().map(|row| (row.event.event_id, &row.event)).collect();
    context
        .load_events(duplicates.iter().map(|enqueued| enqueued.event_id).filter(|id| !added.contains_key(id)))
        .await?;
    for enqueued in &mut duplicates {
        let there = added.get(&enqueued.event_id).copied().or_else(|| context.events.get(enqueued.event_id));
        if let Some(event) = there {
            enqueued.status = event.state.status;
            enqueued.available_at = event.state.available_at;
        }
    }
    Ok(())
}
