//! People act on one event who may act on some: what is not among them is as if it were not there.

use std::sync::Arc;

use async_trait::async_trait;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::lane::LaneKey;
use enginehouse_store::rows::EventRecord;

use super::contention::Resource;
use super::context::TransactionContext;
use super::event_actions::{ActOnEvent, EventAction};
use super::operation::Operation;
use super::reply::{OperationResult, Refusal};

/// Act on one event, if it is among these, and stays among them.
#[derive(Clone, Debug)]
pub struct ActWithin {
    pub within: Arc<Selectors>,
    pub act: ActOnEvent,
}

#[async_trait(?Send)]
impl Operation for ActWithin {
    type Answer = EventRecord;

    fn resource(&self) -> Option<Resource> {
        self.act.resource()
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<EventRecord> {
        let Self { within, act } = self;
        context.load_events([act.event_id]).await?;
        if let Some(event) = context.events.get(act.event_id) {
            let lane = match context.registry.lane_of(event) {
                Ok(lane) => Arc::clone(lane),
                Err(refused) => return Ok(Err(refused)),
            };
            if !within.admit_lane(&lane) {
                return Ok(Err(context.no_event(act.event_id)));
            }
            if let EventAction::Change(changes) | EventAction::Redrive { changes, .. } = &act.action
                && let Err(refused) = check_lane(within, Permission::EventsControl, &changes.lane(&lane))
            {
                return Ok(Err(refused));
            }
        }
        act.execute(context).await
    }
}

/// Refuses what would go where the selectors do not reach.
pub(crate) fn check_lane(within: &Selectors, missing: Permission, lane: &LaneKey) -> Result<(), Refusal> {
    let on = if !within.admit_queue(&lane.queue) {
        format!("queue {}", lane.queue)
    } else if !within.admit_event_type(&lane.event_type) {
        format!("event type {}", lane.event_type)
    } else {
        return Ok(());
    };
    Err(Refusal::Forbidden { missing, on })
}
