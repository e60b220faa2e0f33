//! Operators set what holds for event types and queues.

use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::policy::Settings;
use enginehouse_store::{StoreError, Transaction};

use super::batch::Batch;
use super::commands::Change;

/// Changes what holds for an event type. Answers what holds then.
pub(super) async fn set_event_type(
    tx: &mut dyn Transaction,
    event_type: &EventType,
    change: &Change,
    batch: &mut Batch<'_>,
) -> Result<Settings, StoreError> {
    let (next, verb) = changed(batch.registry.event_type(event_type), change);
    tx.write_event_type(event_type, next.as_ref()).await?;
    batch.registry.set_event_type(event_type.clone(), next);
    finish(tx, &format!("event_type.{verb}"), event_type.as_str(), next, batch).await
}

/// Changes what holds for a queue. Answers what holds then.
pub(super) async fn set_queue(
    tx: &mut dyn Transaction,
    queue: &QueueName,
    change: &Change,
    batch: &mut Batch<'_>,
) -> Result<Settings, StoreError> {
    let (next, verb) = changed(batch.registry.queue(queue), change);
    tx.write_queue(queue, next.as_ref()).await?;
    batch.registry.set_queue(queue.clone(), next);
    finish(tx, &format!("queue.{verb}"), queue.as_str(), next, batch).await
}

fn changed(present: Option<&Settings>, change: &Change) -> (Option<Settings>, &'static str) {
    match change {
        Change::Replace(settings) => (Some(*settings), "set"),
        Change::Forget => (None, "delete"),
        Change::Pause(paused) => {
            let next = Settings { paused: *paused, ..present.copied().unwrap_or_default() };
            (Some(next), if *paused { "pause" } else { "resume" })
        }
    }
}

async fn finish(
    tx: &mut dyn Transaction,
    action: &str,
    target: &str,
    next: Option<Settings>,
    batch: &mut Batch<'_>,
) -> Result<Settings, StoreError> {
    batch.registry.raise(tx).await?;
    batch.audit(action, target, &serde_json::json!({ "settings": next }));
    batch.report.news.everything_changed = true;
    Ok(next.unwrap_or_default())
}
