//! Proves from the history and the final state what must hold whatever has gone wrong.
//!
//! A call takes effect at some instant between its invocation and its return, so one precedes another for certain only if it
//! had returned before the other was invoked. What is unknown may have taken effect or not. Each event, key and engine is
//! looked at alone, so a check takes time in proportion to the number of operations.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;

use self::violations::Violations;
use crate::final_state::{FinalEvent, FinalState};
use crate::history::{Answer, Call, CallOutcome, CallRecord};

mod engines;
mod event_history;
mod events;
mod violations;

#[cfg(test)]
mod negative_controls;

/// Checks everything. `lost_after` is how long an engine of the campaign may be silent.
pub(crate) fn check(operations: &[CallRecord], state: &FinalState, lost_after: Duration) -> Violations {
    let mut violations = Violations::default();
    check_enqueues(operations, state, &mut violations);
    check_counts(state, &mut violations);
    let by_event = event_history::by_event(operations);
    for (event_id, history) in &by_event {
        events::check(*event_id, history, &mut violations);
    }
    let finals: HashMap<EventId, &FinalEvent> = state.events.iter().map(|event| (event.event_id, event)).collect();
    events::check_results(&by_event, &finals, &mut violations);
    engines::check(operations, &by_event, lost_after, &mut violations);
    violations
}

/// What was acknowledged is there, once, as it was sent; what was refused is not.
fn check_enqueues(operations: &[CallRecord], state: &FinalState, violations: &mut Violations) {
    let mut by_key: HashMap<&str, Vec<&CallRecord>> = HashMap::new();
    for operation in operations {
        if let Call::Enqueue { key, .. } = &operation.call {
            by_key.entry(key).or_default().push(operation);
        }
    }
    let mut there: HashMap<&str, Vec<&FinalEvent>> = HashMap::new();
    for event in &state.events {
        match &event.key {
            Some(key) if by_key.contains_key(key.as_str()) => there.entry(key).or_default().push(event),
            _ => violations.add("an event is there that nobody enqueued", format!("{event:?}")),
        }
        if !event.has_ended() {
            violations.add("an event has not ended", format!("{event:?}"));
        }
    }
    for (key, calls) in by_key {
        let found = there.get(key).map(Vec::as_slice).unwrap_or_default();
        if found.len() > 1 {
            violations.add("one idempotency key has two events", format!("{key}: {found:?}"));
        }
        let ids: HashSet<EventId> = calls.iter().filter_map(|call| enqueued(call)).collect();
        if ids.len() > 1 {
            violations.add("one idempotency key was answered with two events", format!("{key}: {ids:?}"));
        }
        for event_id in &ids {
            match found.iter().find(|event| event.event_id == *event_id) {
                None => violations.add("an acknowledged event is lost", format!("{key}: {event_id}")),
                Some(event) => {
                    let same = calls
                        .iter()
                        .any(|call| matches!(&call.call, Call::Enqueue { payload, .. } if *payload == event.payload));
                    if !same {
                        violations.add("a payload has changed", format!("{event:?}"));
                    }
                }
            }
        }
        let was_refused = calls.iter().all(|call| matches!(call.outcome, CallOutcome::Failed(_)));
        if was_refused && !found.is_empty() {
            violations.add("an event is there although its enqueue was not applied", format!("{found:?}"));
        }
    }
}

fn enqueued(operation: &CallRecord) -> Option<EventId> {
    match operation.outcome {
        CallOutcome::Ok(Answer::Enqueued { event_id, .. }) => Some(event_id),
        _ => None,
    }
}

/// The server's own counts are those of the rows, and each event is listed once.
fn check_counts(state: &FinalState, violations: &mut Violations) {
    let count = |status: EventStatus| state.events.iter().filter(|event| event.status == status).count() as u64;
    for (status, counted) in [
        (EventStatus::Queued, state.counts.queued),
        (EventStatus::Processing, state.counts.processing),
        (EventStatus::Completed, state.counts.completed),
        (EventStatus::Failed, state.counts.failed),
        (EventStatus::Cancelled, state.counts.cancelled),
    ] {
        if counted != count(status) {
            let what = format!("{status}: {counted} by the statistics, {} in the list", count(status));
            violations.add("counts are not those of the events", what);
        }
    }
    let ids: HashSet<EventId> = state.events.iter().map(|event| event.event_id).collect();
    if ids.len() != state.events.len() {
        let what = format!("{} of {} rows", state.events.len() - ids.len(), state.events.len());
        violations.add("an event is listed twice", what);
    }
}
