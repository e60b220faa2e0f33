//! People set what holds for event types and queues.

use async_trait::async_trait;
use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::pause::Pause;
use enginehouse_core::policy::Settings;
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::{RegistryChange, SettingsRow};

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
    /// Keep the events from being claimed, for a reason if there is one; all else stays as it is.
    Pause {
        reason: Option<String>,
    },
    /// Let them be claimed again.
    Resume,
}

impl SettingsChange {
    /// The settings after the change, none if the defaults hold; and its name in the audit log.
    fn apply(&self, present: Option<&SettingsRow>, now: Timestamp) -> (Option<SettingsRow>, &'static str) {
        let settings = present.map(|present| present.settings).unwrap_or_default();
        let (settings, reason, verb) = match self {
            Self::Delete => return (None, "delete"),
            Self::Replace(settings) => (*settings, None, "set"),
            Self::Pause { reason } => (Settings { paused: true, ..settings }, reason.clone(), "pause"),
            Self::Resume => (Settings { paused: false, ..settings }, None, "resume"),
        };
        let before = present.and_then(|present| present.pause.as_ref());
        let pause = settings.paused.then(|| Pause::begun(before, reason, now));
        (Some(SettingsRow { settings, pause }), verb)
    }
}

#[async_trait(?Send)]
impl Operation for ChangeEventType {
    type Answer = SettingsRow;

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<SettingsRow> {
        let Self { event_type, change } = self;
        let present = context.registry.event_type(event_type);
        let (next, verb) = change.apply(present.as_ref(), context.now);
        if let (None, Some(_), Err(refused)) =
            (&present, &next, check_settings("event_type", context.registry.settings_known().0))
        {
            return Ok(Err(refused));
        }
        context.transaction.write_event_type(event_type, next.as_ref()).await?;
        context.registry.set_event_type(event_type.clone(), next.clone());
        changed(context, &format!("event_type.{verb}"), event_type.as_str(), present.as_ref(), next).await
    }
}

#[async_trait(?Send)]
impl Operation for ChangeQueue {
    type Answer = SettingsRow;

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<SettingsRow> {
        let Self { queue, change } = self;
        let present = context.registry.queue(queue);
        let (next, verb) = change.apply(present.as_ref(), context.now);
        if let (None, Some(_), Err(refused)) =
            (&present, &next, check_settings("queue", context.registry.settings_known().1))
        {
            return Ok(Err(refused));
        }
        context.transaction.write_queue(queue, next.as_ref()).await?;
        context.registry.set_queue(queue.clone(), next.clone());
        changed(context, &format!("queue.{verb}"), queue.as_str(), present.as_ref(), next).await
    }
}

/// Tells every server and every waiting claim that settings have changed. Answers what holds now.
async fn changed(
    context: &mut TransactionContext<'_>,
    action: &str,
    target: &str,
    before: Option<&SettingsRow>,
    next: Option<SettingsRow>,
) -> OperationResult<SettingsRow> {
    context.registry.raise(&mut *context.transaction, RegistryChange::Settings).await?;
    let shown = |row: &SettingsRow| serde_json::json!({ "settings": row.settings, "pause": row.pause });
    let detail = serde_json::json!({ "before": before.map(shown), "after": next.as_ref().map(shown) });
    context.audit(action, target, &detail);
    context.effects.wake_ups.all = true;
    Ok(Ok(next.unwrap_or_default()))
}
