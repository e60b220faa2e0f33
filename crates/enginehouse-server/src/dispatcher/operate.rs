//! Operators act on events: cancel, retry, redrive, discard.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::ids::EventId;
use enginehouse_core::transition::Command;
use enginehouse_store::rows::{DeadLetterFilter, EventRecord};
use enginehouse_store::{StoreError, Transaction};

use super::batch::Batch;
use super::commands::{Action, Refusal};
use super::working::Working;

/// Carries out one action on one event. Answers the event as it is then.
pub(super) async fn act(
    tx: &mut dyn Transaction,
    event_id: EventId,
    action: &Action,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<Result<EventRecord, Refusal>, StoreError> {
    working.load(tx, [event_id]).await?;
    let (name, command, detail) = match action {
        Action::Cancel => ("event.cancel", Command::Cancel, serde_json::json!({})),
        Action::Retry => ("event.retry", Command::Retry, serde_json::json!({})),
        Action::Redrive { payload } => {
            let detail = serde_json::json!({ "payload_replaced": payload.is_some() });
            ("dead_letter.redrive", Command::Redrive { delay: Duration::ZERO }, detail)
        }
        Action::Discard { reason } => {
            ("dead_letter.discard", Command::Discard, discarded(event_id, reason.as_deref(), working))
        }
    };
    if let Err(refused) = working.apply(event_id, &command, &mut batch.deciding())? {
        return Ok(Err(refused));
    }
    if let Action::Redrive { payload: Some(payload) } = action {
        working.replace_payload(event_id, payload.clone());
    }
    working.write(tx, batch.registry, batch.report).await?;
    batch.audit(name, event_id, &detail);
    let payload = tx.payloads(&[event_id]).await?.pop();
    let (Some(event), Some((_, payload))) = (working.get(event_id), payload) else {
        return Err(StoreError::Corrupt(format!("event {event_id} has no payload")));
    };
    let lane = Arc::clone(batch.registry.lane(event.lane_id)?);
    Ok(Ok(EventRecord { event: event.clone(), lane: (*lane).clone(), payload }))
}

/// Redrives one page of the dead letters that match, one behind the other. Answers how many.
pub(super) async fn redrive_page(
    tx: &mut dyn Transaction,
    filter: &DeadLetterFilter,
    limit: u32,
    (delay, spacing): (Duration, Duration),
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<u32, StoreError> {
    let ids = tx.matching_dead_letters(filter, limit).await?;
    working.load(tx, ids.iter().copied()).await?;
    let mut count = 0;
    for event_id in ids {
        let delay = delay.saturating_add(spacing.saturating_mul(count));
        if working.apply(event_id, &Command::Redrive { delay }, &mut batch.deciding())?.is_ok() {
            batch.audit("dead_letter.redrive", event_id, &serde_json::json!({ "bulk": true }));
            count += 1;
        }
    }
    working.write(tx, batch.registry, batch.report).await?;
    Ok(count)
}

/// Gives up on one page of the dead letters that match. Answers how many.
pub(super) async fn discard_page(
    tx: &mut dyn Transaction,
    filter: &DeadLetterFilter,
    limit: u32,
    reason: Option<&str>,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<u32, StoreError> {
    let ids = tx.matching_dead_letters(filter, limit).await?;
    working.load(tx, ids.iter().copied()).await?;
    let mut count = 0;
    for event_id in ids {
        let detail = discarded(event_id, reason, working);
        if working.apply(event_id, &Command::Discard, &mut batch.deciding())?.is_ok() {
            batch.audit("dead_letter.discard", event_id, &detail);
            count += 1;
        }
    }
    working.write(tx, batch.registry, batch.report).await?;
    Ok(count)
}

/// Why it was a dead letter, and why somebody gave up on it: kept in the event's history.
fn discarded(event_id: EventId, reason: Option<&str>, working: &Working) -> serde_json::Value {
    let dead_letter = working.get(event_id).and_then(|event| event.state.dead_letter);
    serde_json::json!({ "reason": reason, "dead_letter_reason": dead_letter })
}
