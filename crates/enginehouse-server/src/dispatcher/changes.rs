//! What people change about an event that waits, or goes back in its queue.

use enginehouse_core::event_changes::EventChanges;
use enginehouse_core::ids::EventId;
use enginehouse_core::invalid::Invalid;
use enginehouse_core::lane::LaneKey;
use enginehouse_core::transition::{EventCommand, Transition};
use enginehouse_store::StoreError;
use enginehouse_store::rows::EventRow;
use serde_json::{Map, Value, json};

use super::caps;
use super::context::TransactionContext;
use super::reply::{OperationResult, Refusal};
use super::unit_of_work::EventAttributes;

/// Carries out a command with which an event changes. Answers what has changed, for the audit log.
///
/// Claims that wait are woken by the lane that the event is in then, and only if it is new there or comes due earlier.
pub(super) async fn change(
    context: &mut TransactionContext<'_>,
    event_id: EventId,
    command: &EventCommand,
    changes: &EventChanges,
) -> OperationResult<Value> {
    let Some(before) = context.events.get(event_id).cloned() else { return Ok(Err(context.no_event(event_id))) };
    // Its status is looked at first: a lane is made only for an event that goes there.
    match context.decide(event_id, command)? {
        Err(refused) => return Ok(Err(refused)),
        Ok(Transition::Moves { state, .. }) if state.expires_at.is_some_and(|at| at <= state.available_at) => {
            let detail = format_args!(
                "required: the event expires at {}, before it could be claimed at {}",
                state.expires_at.unwrap_or(state.available_at),
                state.available_at
            );
            let why = Invalid::field("/expires_after_seconds", detail);
            return Ok(Err(Refusal::Invalid { event_id, why }));
        }
        Ok(_) => {}
    }
    let attributes = match attributes(context, &before, changes).await? {
        Ok(attributes) => attributes,
        Err(refused) => return Ok(Err(refused)),
    };
    let changed = match attributes {
        Some(attributes) => context.transition_with(event_id, command, attributes)?,
        None => context.transition(event_id, command)?,
    };
    let after = match changed {
        Ok(after) => after.clone(),
        Err(refused) => return Ok(Err(refused)),
    };
    if let Some(payload) = &changes.payload {
        context.events.replace_payload(event_id, payload.clone());
    }
    let lanes = [&before, &after].map(|event| context.registry.lane(event.lane_id));
    let [before_lane, after_lane] = lanes;
    let mut detail = differences((&before, before_lane?), (&after, after_lane?));
    if changes.payload.is_some() {
        // Payloads are no matter of the log.
        detail.insert("payload_replaced".to_owned(), Value::Bool(true));
    }
    Ok(Ok(Value::Object(detail)))
}

/// The attributes that an event has with these changes; none, if they stay as they are.
async fn attributes(
    context: &mut TransactionContext<'_>,
    event: &EventRow,
    changes: &EventChanges,
) -> OperationResult<Option<EventAttributes>> {
    let invalid = |why| Refusal::Invalid { event_id: event.event_id, why };
    let (overrides, labels) = match (changes.overrides(&event.overrides), changes.labels(&event.labels)) {
        (Ok(overrides), Ok(labels)) => (overrides, labels),
        (Err(why), _) | (_, Err(why)) => return Ok(Err(invalid(why))),
    };
    let from = context.registry.lane(event.lane_id)?.clone();
    let to = changes.lane(&from);
    let lane_id = if to == *from {
        event.lane_id
    } else {
        if let Err(refused) = caps::check_move(context, &from, &to).await? {
            return Ok(Err(refused));
        }
        let interned = context.registry.intern(&mut *context.transaction, &[&to]).await?;
        let made = interned.first().map(|(lane_id, _)| *lane_id);
        made.ok_or_else(|| StoreError::Bug("a lane was asked for and none was answered".to_owned()))?
    };
    let attributes = EventAttributes { lane_id, overrides, labels };
    let stays = (attributes.lane_id, &attributes.overrides, &attributes.labels)
        == (event.lane_id, &event.overrides, &event.labels);
    Ok(Ok((!stays).then_some(attributes)))
}

/// What differs between an event before and after, by the names of the fields.
fn differences(before: (&EventRow, &LaneKey), after: (&EventRow, &LaneKey)) -> Map<String, Value> {
    let fields = fields(before).into_iter().zip(fields(after));
    let differing = fields.filter(|((_, before), (_, after))| before != after);
    differing.map(|((name, before), (_, after))| (name.to_owned(), json!({ "from": before, "to": after }))).collect()
}

/// What a person may change of an event.
fn fields((event, lane): (&EventRow, &LaneKey)) -> [(&'static str, Value); 12] {
    let EventRow { overrides, labels, state, .. } = event;
    let capabilities: Vec<_> = lane.required_capabilities.iter().map(ToString::to_string).collect();
    [
        ("queue", json!(lane.queue.as_str())),
        ("priority", json!(lane.priority)),
        ("available_at", json!(state.available_at)),
        ("expires_at", json!(state.expires_at)),
        ("required_capabilities", json!(capabilities)),
        ("required_memory_mb", json!(lane.required_memory_mb)),
        ("engine_version", json!(lane.engine_version.as_ref().map(ToString::to_string))),
        ("retry_policy", json!(overrides.retry_policy)),
        ("visibility_timeout_seconds", json!(overrides.visibility_timeout.map(|timeout| timeout.as_secs()))),
        ("max_processing_seconds", json!(overrides.max_processing.map(|most| most.as_secs()))),
        ("progress_timeout_seconds", json!(overrides.progress_timeout.map(|timeout| timeout.as_secs()))),
        ("labels", json!(labels)),
    ]
}
