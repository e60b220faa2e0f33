//! People act on one event: cancel, retry, change, redrive, discard.

use std::sync::Arc;

use async_trait::async_trait;
use enginehouse_core::event::Start;
use enginehouse_core::event_changes::EventChanges;
use enginehouse_core::ids::EventId;
use enginehouse_core::transition::{EventCommand, TransitionRefused};
use enginehouse_store::rows::EventRecord;
use enginehouse_store::{StoreError, UnreadableRow};
use serde_json::Map;

use super::changes::change;
use super::contention::Resource;
use super::context::TransactionContext;
use super::operation::Operation;
use super::reply::{OperationResult, Refusal};

/// Act on one event.
#[derive(Clone, Debug)]
pub struct ActOnEvent {
    pub event_id: EventId,
    pub action: EventAction,
}

/// What a person does to one event.
#[derive(Clone, Debug)]
pub enum EventAction {
    Cancel {
        /// Whether to take the lock away from an engine that works on it, instead of asking it to stop.
        force: bool,
    },
    /// Make an event that waits for its next attempt available now.
    Retry,
    /// Change an event that waits.
    Change(Box<EventChanges>),
    /// Put a failed or cancelled event back in its queue.
    Redrive {
        changes: Box<EventChanges>,
        /// Whether it has to be a dead letter.
        dead_letter: bool,
    },
    /// Give up on a dead letter.
    Discard { reason: Option<String> },
}

#[async_trait(?Send)]
impl Operation for ActOnEvent {
    type Answer = EventRecord;

    fn resource(&self) -> Option<Resource> {
        Some(Resource::Event(self.event_id))
    }

    /// Answers the event as it is then.
    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<EventRecord> {
        let Self { event_id, action } = self;
        context.load_events([*event_id]).await?;
        let empty = || serde_json::json!({});
        let (name, command, detail) = match action {
            EventAction::Cancel { force: false } => ("event.cancel", EventCommand::Cancel, empty()),
            EventAction::Cancel { force: true } => {
                ("event.cancel", EventCommand::CancelByForce, serde_json::json!({ "force": true }))
            }
            EventAction::Retry => ("event.retry", EventCommand::Retry, empty()),
            EventAction::Change(changes) => (
                "event.change",
                EventCommand::Change { start: changes.start, expires_after: changes.expires_after },
                empty(),
            ),
            EventAction::Redrive { changes, dead_letter } => {
                if *dead_letter && let Some(refused) = no_dead_letter(context, *event_id) {
                    return Ok(Err(refused));
                }
                let name = if *dead_letter { "dead_letter.redrive" } else { "event.redrive" };
                (
                    name,
                    EventCommand::Redrive {
                        start: changes.start.unwrap_or(Start::Now),
                        expires_after: changes.expires_after.of_optional(None),
                    },
                    empty(),
                )
            }
            EventAction::Discard { reason } => {
                ("dead_letter.discard", EventCommand::Discard, discard_detail(context, *event_id, reason.as_deref()))
            }
        };
        let detail = match action {
            EventAction::Change(changes) | EventAction::Redrive { changes, .. } => {
                match change(context, *event_id, &command, changes).await? {
                    Ok(changed) => changed,
                    Err(refused) => return Ok(Err(refused)),
                }
            }
            _ => match context.transition(*event_id, &command)? {
                Ok(_) => detail,
                Err(refused) => return Ok(Err(refused)),
            },
        };
        context.write_events().await?;
        let says_nothing = matches!(action, EventAction::Change(_)) && detail.as_object().is_some_and(Map::is_empty);
        if !says_nothing {
            context.audit(name, event_id, &detail);
        }
        let payload = context.transaction.payloads(&[*event_id]).await?.pop();
        let (Some(event), Some((_, payload))) = (context.events.get(*event_id), payload) else {
            let why = "the event has none that can be read".to_owned();
            let row = UnreadableRow { table: "event_payloads", key: event_id.to_string(), why };
            return Err(StoreError::Unreadable(row));
        };
        let lane = Arc::clone(context.registry.lane(event.lane_id)?);
        Ok(Ok(EventRecord { event: event.clone(), lane: (*lane).clone(), payload, reports: None }))
    }
}

/// Why a call that redrives dead letters refuses an event; none, if it is one or is not there.
pub(super) fn no_dead_letter(context: &TransactionContext<'_>, event_id: EventId) -> Option<Refusal> {
    let state = &context.events.get(event_id)?.state;
    let why =
        TransitionRefused::WrongStatus { status: state.status, needed: "only a dead letter can be redriven here" };
    state.dead_letter.is_none().then_some(Refusal::Event { event_id, why })
}

/// Why the event was a dead letter, and why somebody gave up on it. It is kept in the event's history.
pub(super) fn discard_detail(
    context: &TransactionContext<'_>,
    event_id: EventId,
    reason: Option<&str>,
) -> serde_json::Value {
    let dead_letter = context.events.get(event_id).and_then(|event| event.state.dead_letter);
    serde_json::json!({ "reason": reason, "dead_letter_reason": dead_letter })
}
