//! People set what holds for event types and queues.

use async_trait::async_trait;
use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::policy::Settings;
use enginehouse_store::rows::RegistryChange;

use super::caps::check_settings;
use super::context::TransactionContext;
use super::operation::Operation;
use super::reply::OperationResult;

/// Change the settings of an event type.
#[derive(Clone, Debug)]
pub struct ChangeEventType {
    pub event_type: EventType,
    pub change: SettingsChange,
}

/// Change the settings of a queue.
#[derive(Clone, Debug)]
pub struct ChangeQueue {
    pub queue: QueueName,
    pub change: SettingsChange,
}

/// How settings change.
#[derive(Clone, Debug)]
pub enum SettingsChange {
    Replace(Settings),
    /// The defaults hold again.
    Delete,
    /// Pause, or resume; all else stays as it is.
    Pause(bool),
}

impl SettingsChange {
    /// The settings after the change, none if the defaults hold; and its name in the audit log.
    fn apply(&self, present: Option<&Settings>) -> (Option<Settings>, &'static str) {
        match self {
            Self::Replace(settings) => (Some(*settings), "set"),
            Self::Delete => (None, "delete"),
            Self::Pause(paused) => {
                let next = Settings { paused: *paused, ..present.copied().unwrap_or_default() };
                (Some(next), if *paused { "pause" } else { "resume" })
            }
        }
    }
}

#[async_trait(?Send)]
impl Operation for ChangeEventType {
    type Answer = Settings;

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<Settings> {
        let Self { event_type, change } = self;
        let present = context.registry.event_type(event_type);
        let (next, verb) = change.apply(present);
        if let (None, Some(_), Err(refused)) =
            (present, next, check_settings("event_type", context.registry.settings_known().0))
        {
            return Ok(Err(refused));
        }
        context.transaction.write_event_type(event_type, next.as_ref()).await?;
        context.registry.set_event_type(event_type.clone(), next);
        changed(context, &format!("event_type.{verb}"), event_type.as_str(), next).await
    }
}

#[async_trait(?Send)]
impl Operation for ChangeQueue {
    type Answer = Settings;

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<Settings> {
        let Self { queue, change } = self;
        let present = context.registry.queue(queue);
        let (next, verb) = change.apply(present);
        if let (None, Some(_), Err(refused)) =
            (present, next, check_settings("queue", context.registry.settings_known().1))
        {
            return Ok(Err(refused));
        }
        context.transaction.write_queue(queue, next.as_ref()).await?;
        context.registry.set_queue(queue.clone(), next);
        changed(context, &format!("queue.{verb}"), queue.as_str(), next).await
    }
}

/// Tells every server and every waiting claim that settings have changed. Answers what holds now.
async fn changed(
    context: &mut TransactionContext<'_>,
    action: &str,
    target: &str,
    next: Option<Settings>,
) -> OperationResult<Settings> {
    context.registry.raise(&mut *context.transaction, RegistryChange::Settings).await?;
    context.audit(action, target, &serde_json::json!({ "settings": next }));
    context.effects.wake_ups.all = true;
    Ok(Ok(next.unwrap_or_default()))
}
