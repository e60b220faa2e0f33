//! People act on many events: one page of those that a search has found, in one transaction.

use std::sync::Arc;

use async_trait::async_trait;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;
use enginehouse_core::transition::EventCommand;

use super::context::TransactionContext;
use super::operation::Operation;
use super::reply::OperationResult;

/// Act on events, each as far as it is still as it was found.
#[derive(Clone, Debug)]
pub struct ActOnEvents {
    pub event_ids: Vec<EventId>,
    /// The status that they were found with. One that has another by now has moved on.
    pub status: EventStatus,
    pub action: BulkAction,
    /// Which of them the caller may act on. One that has been moved out of them since has moved on.
    pub within: Arc<Selectors>,
}

/// What a person does to many events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkAction {
    Cancel {
        /// Whether to take the locks away from engines, instead of asking them to stop.
        force: bool,
    },
    /// Make events that wait for their time available now.
    Retry,
}

/// What became of the events of a page; the others had moved on, or it was so already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BulkOutcome {
    /// How many are cancelled, or available, now.
    pub changed: u64,
    /// How many are cancelled as soon as their engines, which were asked to stop, have.
    pub asked_to_stop: u64,
}

#[async_trait(?Send)]
impl Operation for ActOnEvents {
    type Answer = BulkOutcome;

    fn max_events(&self) -> usize {
        self.event_ids.len()
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<BulkOutcome> {
        context.load_events(self.event_ids.iter().copied()).await?;
        let (name, command) = match self.action {
            BulkAction::Cancel { force: false } => ("event.cancel", EventCommand::Cancel),
            BulkAction::Cancel { force: true } => ("event.cancel", EventCommand::CancelByForce),
            BulkAction::Retry => ("event.retry", EventCommand::Retry),
        };
        let detail = match self.action {
            BulkAction::Cancel { force: true } => serde_json::json!({ "bulk": true, "force": true }),
            _ => serde_json::json!({ "bulk": true }),
        };
        let mut outcome = BulkOutcome::default();
        for event_id in &self.event_ids {
            let Some(before) = context.events.get(*event_id) else { continue };
            if !context.registry.lane_of(before).is_ok_and(|lane| self.within.admit_lane(lane)) {
                continue;
            }
            let is_due = before.state.available_at <= context.now;
            let is_so = before.state.cancel_requested && self.action != BulkAction::Cancel { force: true };
            if before.state.status != self.status || is_so || (self.action == BulkAction::Retry && is_due) {
                continue;
            }
            let Ok(after) = context.transition(*event_id, &command)? else { continue };
            match after.state.status {
                EventStatus::Processing => outcome.asked_to_stop += 1,
                _ => outcome.changed += 1,
            }
            context.audit(name, event_id, &detail);
        }
        context.write_events().await?;
        Ok(Ok(outcome))
    }
}
