//! Retention: finished events are deleted after a while, and so is what nothing refers to any more.
//!
//! What is deleted is gone, and a clock may be wrong: one that is set ahead by a week ends the retention of everything at once. So
//! after a leap of the clock nothing is deleted for a day, in which somebody can see it, and set it right.

use std::time::Duration;

use async_trait::async_trait;
use enginehouse_core::limits::{DURATIONS_KEPT, MINUTES_KEPT, OPERATIONS_KEPT};
use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;
use enginehouse_store::rows::RegistryChange;

use super::config::Retention;
use super::context::TransactionContext;
use super::deadlines::bring_forward;
use super::operation::Operation;
use super::reply::OperationResult;

/// How many events a batch deletes at most, beside one for each that it settles. Whoever calls meanwhile waits for the batch that
/// is under way and for their own, so these are few; and there are more of them than a batch finishes, however large it is, so that
/// retention keeps up.
const EVENT_DELETE_LIMIT: u32 = 100;
/// How many rows of anything else one sweep deletes at most.
const DELETE_LIMIT: u32 = 500;
/// How long at least between two sweeps that delete, unless the first was full.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// How long at most until the next look for empty lanes, engines that are gone, old operations, audit entries, durations and minutes.
const MAX_INTERVAL: Duration = Duration::from_secs(600);
/// For how long nothing is deleted after the clock has leapt, unless somebody says that it is right.
const HELD_AFTER_LEAP: Duration = Duration::from_secs(86_400);

/// Deletes some of the events whose retention has ended, in a batch that settles so many, and notes when to do so next.
pub(super) async fn delete_expired(context: &mut TransactionContext<'_>, settlements: usize) -> Result<(), StoreError> {
    let retention = context.config.retention;
    let Retention { completed, failed, .. } = retention;
    let now = context.now;
    // Others finish events too, of which this server is not told.
    let latest = now + MAX_INTERVAL.min(retention.shortest()).max(MIN_INTERVAL);
    let held_until = context.transaction.pruning_held_until().await?;
    context.effects.pruning_held_until = Some(held_until);
    if held_until > now {
        context.effects.deadlines.retention = Some(held_until.min(now + MAX_INTERVAL));
        return Ok(());
    }
    let limit = EVENT_DELETE_LIMIT.saturating_add(u32::try_from(settlements).unwrap_or(u32::MAX));
    let ids = context.transaction.prunable_events(now - completed, now - failed, limit).await?;
    if !ids.is_empty() {
        context.transaction.delete_events(&ids).await?;
        context.effects.events_deleted += ids.len() as u64;
    }
    if ids.len() == limit as usize {
        context.effects.deadlines.retention = Some(now);
        return Ok(());
    }
    let may_be_more = delete_unused(context).await?;
    if may_be_more {
        context.effects.deadlines.retention = Some(now + MIN_INTERVAL);
        return Ok(());
    }
    let (oldest_completed, oldest_failed) = context.transaction.oldest_finished().await?;
    let next = [oldest_completed.map(|at| at + completed), oldest_failed.map(|at| at + failed)];
    let next = next.into_iter().flatten().min().unwrap_or(Timestamp::MAX);
    context.effects.deadlines.retention = Some(next.clamp(now + MIN_INTERVAL, latest));
    Ok(())
}

/// The clock has leapt: keeps everything for a day of the store's time.
pub(super) async fn hold_pruning(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    let until = context.now + HELD_AFTER_LEAP;
    tracing::warn!(
        now = %context.now, %until,
        "the clock has leapt ahead by more than an hour, or no server ran for so long: no finished event is deleted until then; if \
         the clock is right, say so with `enginehouse accept-clock`"
    );
    context.transaction.hold_pruning(until).await?;
    context.effects.pruning_held_until = Some(until);
    Ok(())
}

/// Somebody says that the clock is right: what was held back is deleted.
#[derive(Clone, Copy, Debug)]
pub struct AcceptClock;

#[async_trait(?Send)]
impl Operation for AcceptClock {
    type Answer = ();

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<()> {
        let until = context.transaction.pruning_held_until().await?;
        if until > context.now {
            context.audit("clock.accept", "clock", &serde_json::json!({ "pruning_held_until": until }));
            context.transaction.hold_pruning(context.now).await?;
        }
        context.effects.pruning_held_until = Some(context.now.min(until));
        bring_forward(&mut context.effects.deadlines.retention, Some(context.now));
        Ok(Ok(()))
    }
}

/// Deletes lanes without events, engines that are gone for good, old operations, audit entries, durations and minutes. Answers whether
/// there may be more operations that are old, or members of those: there may be a million.
async fn delete_unused(context: &mut TransactionContext<'_>) -> Result<bool, StoreError> {
    for lane_id in context.transaction.delete_empty_lanes(DELETE_LIMIT).await? {
        context.registry.remove_lane(lane_id);
    }
    let silent_since = context.now - context.config.retention.failed;
    let gone = context.transaction.delete_gone_engines(silent_since, DELETE_LIMIT).await?;
    if !gone.is_empty() {
        for engine_id in &gone {
            context.registry.remove_engine(engine_id);
        }
        context.registry.raise(&mut *context.transaction, RegistryChange::EnginesDeleted).await?;
    }
    context.transaction.delete_audit(context.now - context.config.retention.audit, DELETE_LIMIT).await?;
    context.transaction.delete_durations(context.now - DURATIONS_KEPT, DELETE_LIMIT).await?;
    context.transaction.delete_minutes(context.now - MINUTES_KEPT, DELETE_LIMIT).await?;
    let deleted = context.transaction.delete_operations(context.now - OPERATIONS_KEPT, DELETE_LIMIT).await?;
    Ok(deleted >= DELETE_LIMIT)
}
