//! Retention: finished events are deleted after a while, and so is what nothing refers to any more.

use std::time::Duration;

use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;

use super::config::Retention;
use super::context::TransactionContext;

/// How many rows one sweep deletes at most.
const DELETE_LIMIT: u32 = 500;
/// How long at least between two sweeps that delete, unless the first was full.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// How long at most until the next look for empty lanes, engines that are gone and old audit entries.
const MAX_INTERVAL: Duration = Duration::from_secs(600);
/// How long audit entries are kept.
const AUDIT_KEPT: Duration = Duration::from_secs(365 * 86_400);

/// Deletes some of the events whose retention has ended, and notes when to do so next.
pub(super) async fn delete_expired(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    let Retention { completed, failed } = context.config.retention;
    let now = context.now;
    let ids = context.transaction.prunable_events(now - completed, now - failed, DELETE_LIMIT).await?;
    if !ids.is_empty() {
        context.transaction.delete_events(&ids).await?;
        context.effects.events_deleted += ids.len() as u64;
    }
    if ids.len() == DELETE_LIMIT as usize {
        context.effects.deadlines.retention = Some(now);
        return Ok(());
    }
    delete_unused(context).await?;
    let (oldest_completed, oldest_failed) = context.transaction.oldest_finished().await?;
    let next = [oldest_completed.map(|at| at + completed), oldest_failed.map(|at| at + failed)];
    let next = next.into_iter().flatten().min().unwrap_or(Timestamp::MAX);
    context.effects.deadlines.retention = Some(next.clamp(now + MIN_INTERVAL, now + MAX_INTERVAL));
    Ok(())
}

/// Deletes lanes without events, engines that are gone for good, and old audit entries.
async fn delete_unused(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    for lane_id in context.transaction.delete_empty_lanes(DELETE_LIMIT).await? {
        context.registry.remove_lane(lane_id);
    }
    let silent_since = context.now - context.config.retention.failed;
    let gone = context.transaction.delete_gone_engines(silent_since, DELETE_LIMIT).await?;
    if !gone.is_empty() {
        for engine_id in &gone {
            context.registry.remove_engine(engine_id);
        }
        context.registry.raise(&mut *context.transaction).await?;
    }
    context.transaction.delete_audit(context.now - AUDIT_KEPT, DELETE_LIMIT).await?;
    Ok(())
}
