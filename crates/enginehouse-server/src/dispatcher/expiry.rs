//! Events that are queued still when they expire: cancelled, and given to nobody.
//!
//! The sweep cancels them, and so does a claim that meets one before the sweep does: whichever comes first, no engine is given
//! an event after its time.

use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;
use enginehouse_store::StoreError;

use super::context::TransactionContext;
use super::deadlines::SHARED_SWEEP_INTERVAL;

/// Cancels up to `limit` queued events whose time has come, and notes when the next one's comes.
pub(super) async fn expire_events(context: &mut TransactionContext<'_>, limit: u32) -> Result<(), StoreError> {
    let expired = context.transaction.expired_events(context.now, limit).await?;
    context.learn_lanes_of(&expired).await?;
    let may_be_more = expired.len() == limit as usize;
    for event in expired {
        let event_id = event.event_id;
        context.events.keep(event);
        expire(context, event_id)?;
    }
    context.write_events().await?;
    // Where others add events, too, somebody looks soon in any case.
    let later = context.now + SHARED_SWEEP_INTERVAL;
    let until = if context.is_shared { later } else { Timestamp::MAX };
    let next = context.transaction.next_event_expiry(until).await?;
    context.effects.deadlines.event_expiry = match next {
        Some(_) if may_be_more => Some(context.now),
        // What is due still is a row that cannot be read, or that another transaction holds.
        Some(at) if at <= context.now => Some(later),
        Some(at) => Some(at),
        None => context.is_shared.then_some(later),
    };
    Ok(())
}

/// Cancels an event if it has expired. Answers whether it has.
pub(super) fn expire(context: &mut TransactionContext<'_>, event_id: EventId) -> Result<bool, StoreError> {
    let now = context.now;
    let Some(event) = context.events.get(event_id).filter(|event| event.state.has_expired(now)) else {
        return Ok(false);
    };
    let detail = serde_json::json!({ "expires_at": event.state.expires_at });
    // Refused only if its lane cannot be read: then nobody is given it either.
    if context.transition(event_id, &EventCommand::Expire)?.is_ok() {
        context.audit("event.expire", event_id, &detail);
    }
    Ok(true)
}
