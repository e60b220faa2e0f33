//! People act on all dead letters that match a filter, one page in a transaction.

use std::time::Duration;

use async_trait::async_trait;
use enginehouse_core::event::Start;
use enginehouse_core::ids::EventId;
use enginehouse_core::transition::EventCommand;
use enginehouse_store::StoreError;
use enginehouse_store::rows::DeadLetterFilter;

use super::context::TransactionContext;
use super::event_actions::{discard_detail, no_dead_letter};
use super::operation::Operation;
use super::reply::OperationResult;

/// Put one page of the dead letters that match back in their queues, each a while behind the one before it.
#[derive(Clone, Debug)]
pub struct RedrivePage {
    pub filter: DeadLetterFilter,
    /// How many at most.
    pub limit: u32,
    /// How long the first of them waits.
    pub delay: Duration,
    /// How long each waits behind the one before it.
    pub spacing: Duration,
}

/// Give up on one page of the dead letters that match.
#[derive(Clone, Debug)]
pub struct DiscardPage {
    pub filter: DeadLetterFilter,
    /// How many at most.
    pub limit: u32,
    pub reason: Option<String>,
}

#[async_trait(?Send)]
impl Operation for RedrivePage {
    /// How many were redriven.
    type Answer = u32;

    fn max_events(&self) -> usize {
        self.limit as usize
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<u32> {
        let mut count = 0;
        for event_id in load_page(context, &self.filter, self.limit).await? {
            // Somebody has resolved it between the search and the lock on it.
            if no_dead_letter(context, event_id).is_some() {
                continue;
            }
            let delay = self.delay.saturating_add(self.spacing.saturating_mul(count));
            if context
                .transition(event_id, &EventCommand::Redrive { start: Start::After(delay), expires_after: None })?
                .is_ok()
            {
                context.audit("dead_letter.redrive", event_id, &serde_json::json!({ "bulk": true }));
                count += 1;
            }
        }
        context.write_events().await?;
        Ok(Ok(count))
    }
}

#[async_trait(?Send)]
impl Operation for DiscardPage {
    /// How many were discarded.
    type Answer = u32;

    fn max_events(&self) -> usize {
        self.limit as usize
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<u32> {
        let mut count = 0;
        for event_id in load_page(context, &self.filter, self.limit).await? {
            let detail = discard_detail(context, event_id, self.reason.as_deref());
            if context.transition(event_id, &EventCommand::Discard)?.is_ok() {
                context.audit("dead_letter.discard", event_id, &detail);
                count += 1;
            }
        }
        context.write_events().await?;
        Ok(Ok(count))
    }
}

async fn load_page(
    context: &mut TransactionContext<'_>,
    filter: &DeadLetterFilter,
    limit: u32,
) -> Result<Vec<EventId>, StoreError> {
    let ids = context.transaction.matching_dead_letters(filter, limit).await?;
    context.load_events(ids.iter().copied()).await?;
    Ok(ids)
}
