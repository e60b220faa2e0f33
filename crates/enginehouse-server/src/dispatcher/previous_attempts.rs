//! What the attempts before have left for the one that begins.

use std::collections::HashMap;

use enginehouse_core::ids::EventId;
use enginehouse_core::report::PreviousAttempt;
use enginehouse_core::transition::EventState;
use enginehouse_store::StoreError;

use super::context::TransactionContext;

/// What the next attempt of these events is told of the one before. Checkpoints are read only of events of which something was
/// reported.
pub(super) async fn previous_attempts(
    context: &mut TransactionContext<'_>,
    given: &[Vec<EventId>],
) -> Result<HashMap<EventId, PreviousAttempt>, StoreError> {
    let events = || given.iter().flatten().filter_map(|event_id| context.events.get(*event_id));
    let claimed_before = events().filter(|event| event.state.lock_serial > 0);
    let mut previous: HashMap<_, _> = claimed_before
        .map(|event| {
            let EventState { engine_id, last_error, .. } = &event.state;
            let before = PreviousAttempt { checkpoint: None, error: last_error.clone(), engine_id: engine_id.clone() };
            (event.event_id, before)
        })
        .collect();
    let reported = events().filter(|event| event.state.reported_lock_serial.is_some()).map(|event| event.event_id);
    let reported: Vec<_> = reported.collect();
    if !reported.is_empty() {
        for (event_id, checkpoint) in context.transaction.checkpoints(&reported).await? {
            if let Some(before) = previous.get_mut(&event_id) {
                before.checkpoint = Some(checkpoint);
            }
        }
    }
    Ok(previous)
}
