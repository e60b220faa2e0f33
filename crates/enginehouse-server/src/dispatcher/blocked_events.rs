//! Events that nobody could run for as long as their settings allow are given up.

use async_trait::async_trait;
use enginehouse_core::ids::LaneId;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;
use enginehouse_store::rows::ReadyRange;

use super::context::TransactionContext;
use super::operation::Operation;
use super::reply::OperationResult;

/// How many events one transaction gives up.
const MAX_GIVEN_UP: u32 = 256;

/// Give up the events of a lane that have been due for too long: the oldest, and no more than one transaction takes.
#[derive(Clone, Debug)]
pub struct GiveUpBlocked {
    pub lane_id: LaneId,
    /// Those that became available by then.
    pub available_until: Timestamp,
    /// Whether they fail and wait for a person, or are cancelled.
    pub dead_letter: bool,
    /// Why nobody could run them.
    pub why: String,
}

#[async_trait(?Send)]
impl Operation for GiveUpBlocked {
    /// How many were given up.
    type Answer = u64;

    fn max_events(&self) -> usize {
        MAX_GIVEN_UP as usize
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<u64> {
        let range = ReadyRange { lane_id: self.lane_id, after: None };
        let ready = context.transaction.ready_events(&[range], MAX_GIVEN_UP).await?;
        let events = ready.into_iter().map(|ready| ready.event);
        let events: Vec<_> = events.filter(|event| event.state.available_at <= self.available_until).collect();
        context.learn_lanes_of(&events).await?;
        let (dead_letter, why) = (self.dead_letter, self.why.clone());
        let command = EventCommand::GiveUp { dead_letter, why };
        let mut given_up = 0;
        for event in events {
            let event_id = event.event_id;
            context.events.keep(event);
            if context.transition(event_id, &command)?.is_ok() {
                given_up += 1;
                let action = if dead_letter { "event.dead_letter" } else { "event.cancel" };
                context.audit(action, event_id, &serde_json::json!({ "because": self.why }));
            }
        }
        context.write_events().await?;
        Ok(Ok(given_up))
    }
}
