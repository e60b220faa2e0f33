//! An operator releases an idempotency key.

use std::sync::Arc;

use async_trait::async_trait;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::ids::EventId;

use super::contention::Resource;
use super::context::TransactionContext;
use super::operation::Operation;
use super::reply::{OperationResult, Refusal};

/// Take an idempotency key from its event, so that the next enqueue with it makes a new one. The event stays as it is.
#[derive(Clone, Debug)]
pub struct ReleaseKey {
    pub idempotency_key: Arc<str>,
    /// Of which events. One that is not among them has no key that the caller may know of.
    pub within: Arc<Selectors>,
}

#[async_trait(?Send)]
impl Operation for ReleaseKey {
    type Answer = EventId;

    fn resource(&self) -> Option<Resource> {
        Some(Resource::IdempotencyKey(Arc::clone(&self.idempotency_key)))
    }

    /// Answers which event had the key.
    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<EventId> {
        let Self { idempotency_key, within } = self;
        let found = context.transaction.events_by_idempotency_key(&[idempotency_key]).await?;
        // A key whose window is over is nobody's.
        let Some(keyed) = found.first().filter(|keyed| !keyed.has_expired(context.now)) else {
            return Ok(Err(Refusal::NoSuchKey(Arc::clone(idempotency_key))));
        };
        let event_id = keyed.event_id;
        if within.limit_lanes() {
            context.load_events([event_id]).await?;
            let event = context.events.get(event_id);
            let lane = event.and_then(|event| context.registry.lane_of(event).ok());
            if !lane.is_some_and(|lane| within.admit_lane(lane)) {
                return Ok(Err(Refusal::NoSuchKey(Arc::clone(idempotency_key))));
            }
        }
        context.transaction.release_idempotency_keys(&[event_id]).await?;
        context.audit("event.release_key", event_id, &serde_json::json!({ "idempotency_key": idempotency_key }));
        Ok(Ok(event_id))
    }
}
